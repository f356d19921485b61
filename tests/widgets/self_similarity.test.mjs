import assert from "node:assert/strict";
import test from "node:test";

import { colorsOf, tipPlace } from "../../embviz/widgets/src/base/canvas.js";
import {
  axisTicks, pixelsOf, shownCells, squareOf, timeToY, valueAt, yToTime,
} from "../../embviz/widgets/src/self_similarity/matrix.js";
import { boundariesSaid, curveOf, noveltyAt, noveltySaid } from "../../embviz/widgets/src/self_similarity/novelty.js";
import { GUTTER, steppedTo } from "../../embviz/widgets/src/base/time.js";

// Cells of 2 s from 1 s on: edges at 1, 3, 5 … 41.
const lengths = { hop: 2000, patch: 4000, receptive_field: 4000 };
const grid = { sample_rate: 1000, ...lengths, start: 0, n_frames: 20, n_samples: 44000 };
const n = 20;
const cells = Uint8Array.from({ length: n * n }, (_, i) => 1 + (Math.floor(i / n) * 7 + (i % n)) % 255);

test("the square fills what the gutters leave, up to its size, and then stands in the middle", () => {
  assert.deepEqual(squareOf(500), { left: GUTTER.left, side: 500 - GUTTER.left - GUTTER.right });
  assert.deepEqual(squareOf(1148), { left: GUTTER.left + 180, side: 640 });
  assert.deepEqual(squareOf(1148, 400), { left: GUTTER.left + 300, side: 400 });
  assert.equal(squareOf(10).side, 1);
  assert.equal(squareOf(1148, 0, 500).side, 500);
  assert.equal(squareOf(1148, 0, 900).side, 900);
  assert.equal(squareOf(1148, 0, 120).side, 280);
  assert.equal(squareOf(1148, 200, 500).side, 200);
  assert.equal(squareOf(400, 0, 900).side, 400 - GUTTER.left - GUTTER.right);
});

test("time rises on the vertical axis, and comes back from pixels", () => {
  assert.equal(timeToY(10, [10, 30], 400), 400);
  assert.equal(timeToY(30, [10, 30], 400), 0);
  assert.equal(timeToY(15, [10, 30], 400), 300);
  for (const y of [0, 1, 173.5, 400]) assert.ok(Math.abs(timeToY(yToTime(y, [3, 8], 400), [3, 8], 400) - y) < 1e-9);
});

test("both ends of an axis are marked, and round times leave them their room", () => {
  const times = (view, side) => axisTicks(view, side).map(({ label }) => label);
  assert.deepEqual(times([0, 44.88], 640), ["0:00", "0:05", "0:10", "0:15", "0:20", "0:25", "0:30", "0:35", "0:40", "0:44.9"]);
  assert.equal(times([0, 57.98], 640).at(-1), "0:58");
  assert.deepEqual(times([0, 41], 640).slice(-2), ["0:35", "0:41"]);
  assert.deepEqual(times([6, 16], 352).slice(0, 2), ["0:06", "0:08"]);
  assert.deepEqual(axisTicks([0, 44.88], 640).map(({ end }) => end).filter(Boolean).length, 2);
  assert.deepEqual(times([3, 3.5], 352).slice(-1), ["0:03.50"]);
  assert.deepEqual(axisTicks([0, 0], 640), []);
});

test("only the cells in view are drawn, from border to border", () => {
  const shown = ({ from, to, start, end }) => [from, to, Math.round(start * 1e6) / 1e6, Math.round(end * 1e6) / 1e6];
  assert.deepEqual(shown(shownCells(grid, [0, 44], 440)), [0, 20, 10, 410]);
  assert.deepEqual(shown(shownCells(grid, [10, 20], 100)), [4, 10, -10, 110]);
});

test("a row is a time on the vertical axis, a column one on the horizontal", () => {
  const matrix = { cells, n, low: -1, high: 1, grid };
  const value = (code) => -1 + ((code - 1) / 254) * 2;
  assert.equal(valueAt(matrix, 3, 1), value(2));
  assert.equal(valueAt(matrix, 1, 3), value(8));
  assert.equal(valueAt(matrix, 40.99, 40.99), value(1 + (19 * 7 + 19)));
});

test("there is nothing outside of the cells, nor in empty ones", () => {
  const matrix = { cells: cells.slice(), n, low: -1, high: 1, grid };
  matrix.cells[0] = 0;
  assert.equal(valueAt(matrix, 1, 1), null);
  assert.equal(valueAt(matrix, 0.9, 5), null);
  assert.equal(valueAt(matrix, 5, 41), null);
  assert.equal(valueAt({ ...matrix, n: 0 }, 5, 5), null);
});

test("the first row of a matrix is the lowest of the picture", () => {
  const colors = Uint32Array.from({ length: 256 }, (_, i) => i * 10);
  const pixels = pixelsOf(cells, n, colors);
  assert.equal(pixels[19 * n + 3], cells[3] * 10);
  assert.equal(pixels[3], cells[19 * n + 3] * 10);
});

test("a tip goes to the other side where there is no room", () => {
  assert.deepEqual(tipPlace(10, 10, 100, 40, 400, 300), [24, 24]);
  assert.deepEqual(tipPlace(390, 10, 100, 40, 400, 300), [276, 24]);
  assert.deepEqual(tipPlace(50, 290, 100, 40, 120, 300), [0, 260]);
});

test("the lowest byte has the lowest colour, an empty cell has none", () => {
  const table = colorsOf([0, 1], 0, 1, Uint32Array.from({ length: 256 }, (_, i) => 500 + i));
  assert.deepEqual([table[0], table[1], table[128], table[255]], [0, 500, 628, 755]);
});

test("a step leads to the next boundary, or to the one before, and at last to the beginning", () => {
  const times = [12, 30, 47.5];
  assert.equal(steppedTo(times, 0, 1), 12);
  assert.equal(steppedTo(times, 12, 1), 30);
  assert.equal(steppedTo(times, 47.5, 1), null);
  assert.equal(steppedTo(times, 40, -1), 30);
  // Music goes on: who has just passed one wants the one before.
  assert.equal(steppedTo(times, 30.3, -1), 12);
  assert.equal(steppedTo(times, 12.3, -1), 0);
  assert.equal(steppedTo([], 12, -1), null);
});

test("novelty is told at the nearest border of frames, and boundaries by their time", () => {
  const novelty = { times: Float32Array.of(1, 3, 5), values: Float32Array.of(0.1, 0.6, NaN), boundaries: [3] };
  assert.equal(noveltyAt(novelty, 1.9).toFixed(2), "0.10");
  assert.equal(noveltyAt(novelty, 2.1).toFixed(2), "0.60");
  assert.equal(noveltyAt(novelty, 9), null);
  assert.equal(noveltyAt({ ...novelty, times: new Float32Array(0) }, 1), null);
  assert.deepEqual(noveltySaid(novelty, 2.9, 0.1), ["boundary at 0:03.0", "novelty 0.60"]);
  assert.deepEqual(noveltySaid(novelty, 1.2, 0.1), ["0:01.2", "novelty 0.10"]);
  assert.equal(boundariesSaid([3, 65]), "2 boundaries: 0:03.0, 1:05.0.");
  assert.equal(boundariesSaid([]), "No boundaries were found.");
});

test("of a curve, each pixel shows its highest value, and the line goes on beyond the view", () => {
  const times = Float32Array.from({ length: 100_000 }, (_, i) => i / 100);
  const values = times.map((_, i) => (i === 50_003 ? 1 : 0.25));
  const line = curveOf({ times, values, boundaries: [] }, [0, 1000], 100);
  assert.ok(line.length <= 101);
  assert.deepEqual(line.filter(([, value]) => value === 1).map(([x]) => Math.floor(x)), [50]);
  const few = curveOf({ times: Float32Array.of(0, 10, 20, 30), values: Float32Array.of(0, 1, NaN, 0.5), boundaries: [] }, [12, 18], 60);
  assert.deepEqual(few, [[-20, 1], [80, 0]]);
  assert.deepEqual(curveOf({ times: new Float32Array(0), values: new Float32Array(0), boundaries: [] }, [0, 1], 60), []);
});
