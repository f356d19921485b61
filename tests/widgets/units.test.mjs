import assert from "node:assert/strict";
import { test } from "node:test";
import { figureText, nameText, spokenRow } from "../../embviz/widgets/src/explorer/units_tab.js";
import { acrossOf, heightsOf, placeOf, shareText, valueAt } from "../../embviz/widgets/src/units/distribution.js";
import { hertz, pixelsOf } from "../../embviz/widgets/src/units/picture.js";
import { intervalText } from "../../embviz/widgets/src/units/unit_card.js";

const unnamed = { dimension: 7, label: "", name: "", r: null, low: null, high: null };
const row = { ...unnamed, selectivity: 0.123, zeros: 0.0004, effect: null };

test("a value lies above the share of frames below it, in its bin in proportion", () => {
  const [edges, shares] = [[0, 1, 2, 4], [0.5, 0.3, 0.2]];
  assert.equal(placeOf(-1, edges, shares), 0);
  assert.equal(placeOf(0.5, edges, shares), 0.25);
  assert.ok(Math.abs(placeOf(3, edges, shares) - 0.9) < 1e-9);
  assert.equal(placeOf(9, edges, shares), 1);
  assert.equal(acrossOf(1, edges), 0.25);
  assert.deepEqual(heightsOf([0, 0.25, 1], 1), [0, 0.5, 1]);
});

test("the playhead is in the frame that is nearest, and in none far from all", () => {
  const [times, values] = [Float32Array.of(1, 2, 3), Float32Array.of(10, 20, 30)];
  assert.equal(valueAt(2.4, times, values), 20);
  assert.equal(valueAt(0, times, values), 10);
  assert.ok(Number.isNaN(valueAt(9, times, values)));
  assert.ok(Number.isNaN(valueAt(0, new Float32Array(0), values)));
});

test("rows say their name with its interval, or that they have none", () => {
  assert.equal(intervalText({ r: -0.612, low: -0.7, high: -0.5 }), "−0.61 [−0.70, −0.50]");
  assert.equal(intervalText({ r: 0.6, low: null, high: null }), "0.60");
  assert.equal(nameText(row), "no name");
  assert.equal(nameText({ ...row, name: "sad", r: 0.6, low: 0.5, high: 0.7 }), "sad 0.60 [0.50, 0.70]");
  assert.deepEqual(["r", "zeros", "effect"].map((sort) => figureText(row, sort)), ["0.12", "< 0.1 %", "–"]);
  const spoken = spokenRow({ ...row, label: "128 BPM", effect: 1 }, "effect");
  assert.equal(spoken, "dimension 7, 128 BPM: no name: effect d 1.00");
});

test("shares and frequencies are told in a few digits", () => {
  assert.deepEqual([0, 0.0001, 0.034, 0.5, 1].map(shareText), ["0 %", "< 0.1 %", "3.4 %", "50 %", "100 %"]);
  assert.deepEqual([86.1, 7543, Number.NaN].map(hertz), ["86 Hz", "7.5 kHz", ""]);
});

test("a picture has its highest band at the top, and empty cells are clear", () => {
  const colors = Uint32Array.from({ length: 256 }, (_, i) => i + 1000);
  assert.deepEqual([...pixelsOf(Uint8Array.of(1, 255, 0, 128), 2, 2, colors)], [1255, 1128, 1000, 0]);
});
