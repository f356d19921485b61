import assert from "node:assert/strict";
import test from "node:test";

import { lineOf, cellValue } from "../../embviz/widgets/src/curves/curves.js";
import { chosen, framesIn, matching, strokeOf, strokesFor, summary } from "../../embviz/widgets/src/curves/legend.js";
import { axisOf, roundStep, spread } from "../../embviz/widgets/src/base/canvas.js";

// 20 dimensions × 30 frames; cells of 2 s from 1 s on.
const [d, t] = [20, 30];
const lengths = { hop: 2000, patch: 4000, receptive_field: 4000 };
const grid = { sample_rate: 1000, ...lengths, start: 0, n_frames: t, n_samples: 64000 };

function field() {
  const cells = new Uint8Array(d * t);
  for (let i = 0; i < d * t; i += 1) cells[i] = 1 + Math.floor(i / t) * 10 + (i % t);
  const ranges = new Float32Array(2 * d);
  for (let row = 0; row < d; row += 1) ranges.set([0, 254], 2 * row);
  return { cells, d, t, ranges, grid };
}

test("a value is found at its dimension and frame", () => {
  const frames = field();
  assert.equal(cellValue(frames, 3, 7), 37);
  assert.equal(cellValue(frames, 7, 3), 73);
  frames.ranges.set([-1, 1], 6);
  assert.ok(Math.abs(cellValue(frames, 3, 7) - (-1 + (37 / 254) * 2)) < 1e-6);
  frames.cells[3 * t + 7] = 0;
  assert.ok(Number.isNaN(cellValue(frames, 3, 7)));
});

test("a stretch of time holds the frames centred in it, at least one", () => {
  assert.deepEqual(framesIn(grid, [0, 64]), [0, 30]);
  assert.deepEqual(framesIn(grid, [4, 8]), [1, 3]);
  assert.deepEqual(framesIn(grid, [4.1, 8.1]), [2, 4]);
  assert.deepEqual(framesIn(grid, [4.5, 5.5]), [2, 3]);
  assert.deepEqual(framesIn(grid, [63, 64]), [29, 30]);
});

test("means and peaks are those of the stretch, without empty cells", () => {
  const frames = field();
  frames.cells[2 * t + 5] = 0;
  frames.cells.fill(0, 19 * t);
  const { means, peaks } = summary(frames, 4, 8);
  assert.equal(means[0], 5.5);
  assert.ok(Math.abs(means[2] - (24 + 26 + 27) / 3) < 1e-9);
  assert.equal(peaks[2], 27);
  assert.ok(Number.isNaN(means[19]) && Number.isNaN(peaks[19]));
});

test("the strongest are chosen, of those that reach the threshold; pins always are", () => {
  const means = [0.1, 0.5, NaN, 0.3, 0.2];
  const peaks = [0.9, 0.6, NaN, 0.4, 0.3];
  const choose = (options) => chosen({ means, peaks }, { top: 2, threshold: 0, pins: [], ...options });
  assert.deepEqual(choose({}), [1, 3]);
  assert.deepEqual(choose({ threshold: 0.5 }), [1, 0]);
  assert.deepEqual(choose({ pins: [0] }), [1, 3, 0]);
  assert.deepEqual(choose({ pins: [2] }), [1, 3, 2]);
  assert.deepEqual(choose({ top: 0 }), [1, 3, 4, 0]);
  assert.deepEqual(choose({ top: 0, threshold: 2 }), []);
  assert.deepEqual(choose({ top: 0, threshold: 2, pins: [4] }), [4]);
});

test("who stays keeps its stroke, and no two have the same", () => {
  const first = strokesFor([7, 3, 9], new Map());
  assert.deepEqual([...first], [[7, 0], [3, 1], [9, 2]]);
  const second = strokesFor([9, 4, 7, 1], first);
  assert.deepEqual([9, 4, 7, 1].map((row) => second.get(row)), [2, 1, 0, 3]);
  const looks = Array.from({ length: 40 }, (_, slot) => JSON.stringify(strokeOf(slot, false)));
  assert.equal(new Set(looks).size, 40);
});

test("axes begin at zero where that is meant, and leave room where not", () => {
  const probability = axisOf(0.1, 0.47, true);
  assert.equal(probability.low, 0);
  assert.ok(probability.high >= 0.47 && probability.high < 0.61);
  assert.equal(probability.ticks[0], 0);
  const tempo = axisOf(118, 131, false);
  assert.ok(tempo.low < 118 && tempo.low > 110 && tempo.high > 131 && tempo.high < 140);
  const still = axisOf(128, 128, false);
  assert.ok(still.low < 126 && still.high > 130);
  const signed = axisOf(-3, 5, false);
  assert.ok(signed.low < -3 && signed.ticks.includes(0));
  assert.deepEqual([axisOf(Infinity, -Infinity, true).low, axisOf(0, 0, true).high], [0, 1]);
  assert.equal(roundStep(1, 4), 0.25);
});

test("a line has the true borders of its frames", () => {
  const [run] = lineOf(field(), 3, [0, 64], 640);
  assert.deepEqual(run.slice(0, 8), [10, 30, 30, 30, 30, 31, 50, 31]);
  assert.equal(run.length, 30 * 4);
  assert.deepEqual(run.slice(-2), [610, 59]);
  const [part] = lineOf(field(), 3, [9, 13], 100);
  assert.deepEqual(part, [0, 34, 50, 34, 50, 35, 100, 35, 100, 36, 150, 36]);
});

test("an empty cell interrupts a line", () => {
  const frames = field();
  frames.cells[3 * t + 10] = 0;
  const runs = lineOf(frames, 3, [0, 64], 640);
  assert.equal(runs.length, 2);
  assert.equal(runs[0].at(-2), 210);
  assert.equal(runs[1][0], 230);
});

test("where frames are denser than pixels, a single high frame is not lost", () => {
  const many = 10_000;
  const cells = new Uint8Array(many).fill(1);
  cells[6_543] = 255;
  const dense = { ...grid, hop: 10, patch: 10, n_frames: many, n_samples: many * 10 };
  const frames = { cells, d: 1, t: many, ranges: Float32Array.of(0, 1), grid: dense };
  const [run] = lineOf(frames, 0, [0, 100], 200);
  assert.equal(run.length, 400);
  const at = run.findIndex((value, i) => i % 2 && value === 1);
  assert.equal(run[at - 1], Math.floor((6_543.5 / many) * 200) + 0.5);
});

test("of values of both signs, the strongest is kept", () => {
  const cells = Uint8Array.from({ length: 4000 }, (_, i) => (i === 2222 ? 1 : 200));
  const dense = { ...grid, hop: 10, patch: 10, n_frames: 4000, n_samples: 40_000 };
  const [run] = lineOf({ cells, d: 1, t: 4000, ranges: Float32Array.of(-9, 1), grid: dense }, 0, [0, 40], 100);
  assert.equal(run.filter((value, i) => i % 2 && value === -9).length, 1);
});

test("labels are moved apart, no further than needed", () => {
  assert.deepEqual(spread([10, 50, 90], 12, 0, 100), [10, 50, 90]);
  assert.deepEqual(spread([50, 52, 51], 12, 0, 100), [50, 74, 62]);
  const low = spread([99, 98, 97], 12, 0, 100);
  assert.deepEqual(low, [100, 88, 76]);
  assert.deepEqual(spread([], 12, 0, 100), []);
});

test("the search finds beginnings first, then words, then parts", () => {
  const labels = ["electronic", "indie rock", "Rock", "<b>rock</b>"];
  assert.deepEqual(matching(labels, " roCk"), [2, 1, 3]);
  assert.deepEqual(matching(labels, "ro"), [2, 1, 0, 3]);
  assert.deepEqual(matching(labels, "  "), []);
  assert.deepEqual(matching(labels, "jazz"), []);
});
