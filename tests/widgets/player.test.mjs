// Pure functions of the player: pooling of peaks, section marks, gains, addresses.
import assert from "node:assert/strict";
import { test } from "node:test";
import { addressOf } from "../../embviz/widgets/src/base/server.js";
import { heardGains } from "../../embviz/widgets/src/player/audio_engine.js";
import { loudest, pooledPeaks, sectionAt, sectionMarks } from "../../embviz/widgets/src/player/waveform.js";

const peaksOf = (...pairs) => Int8Array.from(pairs.flat());
const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-4, `${a} is not ${b}`);

test("a single loud stretch survives pooling, wherever it lies", () => {
  for (const at of [0, 1, 499, 500, 777, 998, 999]) {
    const peaks = new Int8Array(2000);
    peaks[2 * at] = -90;
    peaks[2 * at + 1] = 100;
    const { low, high } = pooledPeaks(peaks, 10, [0, 10], 7);
    assert.equal(Math.max(...high), 100);
    assert.equal(Math.min(...low), -90);
    assert.equal(high.indexOf(100), Math.floor((at / 1000) * 7));
  }
});

test("a pixel pools only what it shows", () => {
  const peaks = peaksOf([-1, 1], [-2, 2], [-3, 3], [-4, 4]);
  const { low, high } = pooledPeaks(peaks, 4, [0, 4], 2);
  assert.deepEqual([...high], [2, 4]);
  assert.deepEqual([...low], [-2, -4]);
  assert.deepEqual([...pooledPeaks(peaks, 4, [2, 4], 2).high], [3, 4]);
});

test("between two peaks the outline is straight, and flat beyond the first and the last", () => {
  const { high } = pooledPeaks(peaksOf([0, 10], [0, 30]), 2, [0, 2], 8);
  near(high[0], 10);
  near(high[7], 30);
  near(high[3], 10 + 20 * 0.375);
  near(high[4], 10 + 20 * 0.625);
});

test("a very deep zoom and a track without peaks draw something", () => {
  const { low, high } = pooledPeaks(peaksOf([-5, 5], [-7, 7]), 100, [99.999, 100], 100);
  assert.ok(high.every((value) => value === 7) && low.every((value) => value === -7));
  assert.ok(pooledPeaks(new Int8Array(0), 3, [0, 3], 5).high.every((value) => value === 0));
  assert.ok(pooledPeaks(peaksOf([-5, 5]), 0, [0, 0], 5).high.every((value) => value === 0));
});

test("only silence is silent", () => {
  assert.equal(loudest(new Int8Array(6)), 0);
  assert.equal(loudest(peaksOf([0, 0], [-1, 0])), 1);
  assert.equal(loudest(peaksOf([-128, 0])), 127);
});

const SECTIONS = [
  { name: "intro", start: 0 },
  { name: "verse", start: 10 },
  { name: "chorus", start: 30 },
];

test("sections lie one behind the other; those out of view are left out", () => {
  assert.deepEqual(sectionMarks(SECTIONS, 40, [0, 40], 400), [
    { index: 0, left: 0, width: 100, begins: true },
    { index: 1, left: 100, width: 200, begins: true },
    { index: 2, left: 300, width: 100, begins: true },
  ]);
  assert.deepEqual(sectionMarks(SECTIONS, 40, [20, 30], 100), [{ index: 1, left: 0, width: 100, begins: false }]);
  assert.deepEqual(sectionMarks([], 40, [0, 40], 400), []);
});

test("the section at a time", () => {
  assert.deepEqual([0, 9.999, 10, 39].map((time) => sectionAt(SECTIONS, time)), ["intro", "intro", "verse", "chorus"]);
  assert.equal(sectionAt([{ name: "verse", start: 5 }], 1), "");
});

test("paths become addresses below the server, every part escaped", () => {
  assert.equal(addressOf("a/b.ogg", "/"), "/files/a/b.ogg");
  assert.equal(addressOf("a b/100%#?.ogg", "/user/x/"), "/user/x/files/a%20b/100%25%23%3F.ogg");
  assert.equal(addressOf("a.ogg", "/user/x"), "/user/x/files/a.ogg");
  assert.equal(addressOf("a.ogg", undefined), "");
  assert.equal(addressOf("", "/"), "");
  assert.equal(addressOf("data:audio/ogg;base64,AA", undefined), "data:audio/ogg;base64,AA");
  assert.equal(addressOf("./a.ogg", undefined), "./a.ogg");
});

test("mute and solo", () => {
  const stem = (gain, more) => ({ gain, muted: false, solo: false, ...more });
  assert.deepEqual(heardGains([stem(1), stem(0.5), stem(0.2, { muted: true })]), [1, 0.5, 0]);
  const solo = [stem(1), stem(0.5, { solo: true }), stem(0.2, { muted: true, solo: true })];
  assert.deepEqual(heardGains(solo), [0, 0.5, 0.2]);
});
