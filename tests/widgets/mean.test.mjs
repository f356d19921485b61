import assert from "node:assert/strict";
import { test } from "node:test";
import { framesOfRange, meanCodes, meanText } from "../../embviz/widgets/src/heatmap/mean_column.js";
import { liveRows, stillText } from "../../embviz/widgets/src/heatmap/constant_rows.js";
import { frameTime } from "../../embviz/widgets/src/base/time.js";

// Frames of three seconds, one and a half apart; centres at 1.5, 3, 4.5 …
const GRID = {
  sample_rate: 1000, hop: 1500, patch: 3000, receptive_field: 3000, start: 0, n_frames: 20, n_samples: 32000,
};

test("a range takes the frames whose centres lie in it, the first bound included", () => {
  assert.deepEqual(framesOfRange(GRID, [2, 5]), [1, 3]);
  assert.deepEqual(framesOfRange(GRID, [3, 4.5]), [1, 2]);
  assert.deepEqual(framesOfRange(GRID, [0, 32]), [0, 20]);
  assert.deepEqual(framesOfRange(GRID, [29, 32]), [19, 20]);
});

test("between two centres, it takes the frame under its middle", () => {
  assert.deepEqual(framesOfRange(GRID, [3.1, 3.4]), [1, 2]);
  assert.deepEqual(framesOfRange(GRID, [3.1, 4.45]), [2, 3]);
  assert.deepEqual(framesOfRange(GRID, [0, 0.2]), [0, 1]);
  assert.deepEqual(framesOfRange(GRID, [31.5, 32]), [19, 20]);
  assert.deepEqual(framesOfRange({ ...GRID, n_frames: 0 }, [1, 2]), [0, 0]);
});

test("rounding moves no frame across a bound", () => {
  const grid = { ...GRID, sample_rate: 16000, hop: 253, patch: 512, start: -256, n_frames: 9000, n_samples: 2277000 };
  for (let frame = 0; frame < 9000; frame += 1) {
    const at = frameTime(grid, frame);
    assert.deepEqual(framesOfRange(grid, [at, at + 1e-4]), [frame, frame + 1]);
  }
});

test("means leave empty cells out, and are empty where all are", () => {
  const codes = Uint8Array.of(10, 20, 30, 40, 0, 100, 0, 50, 0, 0, 0, 200);
  assert.deepEqual([...meanCodes(codes, 3, 4, [0, 4])], [25, 75, 200]);
  assert.deepEqual([...meanCodes(codes, 3, 4, [1, 3])], [25, 100, 0]);
});

test("a mean says what it is of", () => {
  assert.equal(meanText([52.5, 67.5], GRID, [34, 44]), "mean of 0:52.5 – 1:07.5, 10 frames");
  assert.equal(meanText([3.1, 3.4], GRID, [1, 2]), "mean of 0:03.1 – 0:03.4, 1 frame");
});

test("dimensions that never change, or have no values, are told from the others", () => {
  const ranges = Float32Array.of(0, 1, 3, 3, NaN, NaN, -2, 5);
  assert.deepEqual([...liveRows(Uint16Array.of(3, 0, 1, 2), ranges)], [3, 0]);
  assert.equal(stillText(368, 408), "368 of 408 dimensions never change");
});
