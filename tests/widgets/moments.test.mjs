import assert from "node:assert/strict";
import test from "node:test";

import { strongestBands } from "../../embviz/widgets/src/moments/common.js";
import { steppedTile } from "../../embviz/widgets/src/moments/moments.js";
import { bandOf, cellsOf, hzText, hzTicks, pixelsOf } from "../../embviz/widgets/src/moments/picture.js";
import { clipsOf, nextHeard } from "../../embviz/widgets/src/moments/playback.js";
import { placeText, spokenText, timesText } from "../../embviz/widgets/src/moments/tile.js";

const centers = [100, 200, 400, 800];

test("frequencies lie between the centres of bands, and end half a band beyond the outer ones", () => {
  assert.equal(bandOf(100, centers), 0.5);
  assert.equal(bandOf(150, centers), 1);
  assert.equal(bandOf(800, centers), 3.5);
  assert.equal(bandOf(50, centers), 0);
  assert.equal(bandOf(1000, centers), 4);
  assert.ok(Number.isNaN(bandOf(20, centers)) && Number.isNaN(bandOf(1200, centers)) && Number.isNaN(bandOf(100, [100])));
});

test("ticks of frequency are round, rise upwards and leave each other room", () => {
  assert.deepEqual(hzTicks(centers, 200), [
    { hz: 100, label: "100", y: 175 },
    { hz: 200, label: "200", y: 125 },
    { hz: 500, label: "500", y: 200 * (1 - 2.75 / 4) },
    { hz: 1000, label: "1k", y: 0 },
  ].filter(({ y }) => y >= 5));
  assert.deepEqual(hzTicks(centers, 30).map(({ label }) => label), ["100", "500"]);
  assert.deepEqual(hzTicks([], 100), []);
  assert.deepEqual([50, 2500, 10_000].map(hzText), ["50", "2.5k", "10k"]);
});

test("pictures lie one behind the other, and are drawn with the highest band at the top", () => {
  const bytes = Uint8Array.from([1, 2, 3, 4, 5, 6, 9, 9]);
  const [first, none, second, short] = cellsOf(bytes, [[2, 3], [0, 0], [1, 2], [2, 2]]);
  assert.deepEqual([first.bands, first.frames, none, short], [2, 3, null, null]);
  assert.deepEqual([...second.codes], [9, 9]);
  const colors = Uint32Array.from({ length: 256 }, (_, i) => i * 10);
  assert.deepEqual([...pixelsOf(first, colors)], [40, 50, 60, 10, 20, 30]);
});

test("the bands of a difference are named where it is farthest from the mean", () => {
  const cells = { codes: Uint8Array.from([128, 128, 255, 200, 1, 20, 128, 0]), bands: 4, frames: 2 };
  assert.equal(strongestBands(cells, centers), "most above the mean at 200 Hz, most below at 400 Hz");
  assert.equal(strongestBands({ ...cells, codes: cells.codes.map(() => 100) }, centers), "most below at 100 Hz");
  assert.equal(strongestBands(null, centers), "");
});

test("a place says how much lies beyond, times are as fine as they are short", () => {
  assert.equal(placeText(0.999), "top 0.1 % of frames");
  assert.equal(placeText(1), "top < 0.01 % of frames");
  assert.equal(placeText(0.123), "bottom 12 % of frames");
  assert.equal(placeText(null), "");
  assert.equal(timesText({ start: 61.5, stop: 64.488 }), "1:01.5–1:04.5");
  assert.equal(timesText({ start: 0.5, stop: 0.61 }), "0:00.50–0:00.61");
  const moment = { rank: 2, title: "a\u202eb\n", start: 0, stop: 3, value: -1.5, place: 0.99, hertz: [], shape: [0, 0] };
  assert.equal(spokenText(moment, "dB", ""), "2. ab , 0:00.0 to 0:03.0, value −1.50 dB, top 1 % of frames");
});

test("what cannot be heard is left out", () => {
  const items = [{ problem: "gone" }, { problem: "" }, { problem: "gone" }, { problem: "" }];
  assert.deepEqual([-1, 1, 3].map((from) => nextHeard(items, from)), [1, 3, -1]);
  const clips = clipsOf(Uint8Array.from([1, 2, 3]), [{ bytes: 1 }, { bytes: 0 }, { bytes: 2 }]);
  assert.deepEqual(clips.map((clip) => [...clip]), [[1], [], [2, 3]]);
});

test("keys walk the tiles of a grid", () => {
  const to = (key, from) => steppedTile(key, from, 7, 3);
  assert.deepEqual([to("ArrowRight", 0), to("ArrowLeft", 0), to("ArrowDown", 1), to("ArrowUp", 5)], [1, 0, 4, 2]);
  assert.deepEqual([to("ArrowDown", 5), to("ArrowUp", 1), to("ArrowRight", 6)], [5, 1, 6]);
  assert.deepEqual([to("Home", 4), to("End", 0), to("x", 3), steppedTile("End", 0, 0, 1)], [0, 6, -1, -1]);
});
