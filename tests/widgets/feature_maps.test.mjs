import assert from "node:assert/strict";
import test from "node:test";

import {
  Blocks, blockFrames, framesOf, missing, overBands, overTime, windowAt,
} from "../../embviz/widgets/src/feature_maps/blocks.js";
import { brief, colorsOf } from "../../embviz/widgets/src/base/canvas.js";
import { bandAt, columnsFor } from "../../embviz/widgets/src/feature_maps/tiles.js";

// Cells of 0.1 s from 0 s on; 30 frames of 20 bands.
const grid = { sample_rate: 1000, hop: 100, patch: 100, receptive_field: 300, start: 0, n_frames: 30, n_samples: 3000 };
const bands = 20;

/** Bytes of [channels, frames, bands] that tell where they belong. */
function bytes(channels, first, count) {
  const code = (channel, frame, band) => 1 + ((channel * 31 + frame * 7 + band) % 255);
  return Uint8Array.from(
    channels.flatMap((channel) =>
      Array.from({ length: count * bands }, (_, i) => code(channel, first + Math.floor(i / bands), i % bands)),
    ),
  );
}

test("a window is centred on the playhead, and its frames end with the track", () => {
  assert.deepEqual(windowAt(10, 3), [8.5, 11.5]);
  assert.deepEqual(framesOf(grid, [1, 2]), [10, 20]);
  assert.deepEqual(framesOf(grid, [0.95, 2.01]), [9, 21]);
  assert.deepEqual(framesOf(grid, [-1.5, 1.5]), [0, 15]);
  assert.deepEqual(framesOf(grid, [2.5, 5.5]), [25, 30]);
  assert.deepEqual(framesOf(grid, [-3, 0]), [0, 0]);
  assert.deepEqual(framesOf(grid, [3, 6]), [0, 0]);
  assert.deepEqual(framesOf({ ...grid, n_frames: 0 }, [0, 1]), [0, 0]);
});

test("a block holds what a window shows, within bounds", () => {
  assert.equal(blockFrames(grid, 3), 32);
  assert.equal(blockFrames(grid, 0.1), 16);
  assert.equal(blockFrames(grid, 3.3), 64);
  assert.equal(blockFrames(grid, 1e6), 1024);
});

test("what is asked for is the first run that is lacking, for the channels that lack it", () => {
  const there = new Set();
  const has = (channel, block) => there.has(`${channel}:${block}`);
  assert.deepEqual(missing([10, 50], 16, 60, [4, 2], has), { first: 0, count: 60, channels: [4, 2] });
  for (const key of ["4:0", "2:0", "4:1"]) there.add(key);
  assert.deepEqual(missing([10, 50], 16, 60, [4, 2], has), { first: 16, count: 44, channels: [2] });
  there.add("2:2");
  assert.deepEqual(missing([10, 50], 16, 60, [4, 2], has), { first: 16, count: 16, channels: [2] });
  there.add("2:1");
  assert.deepEqual(missing([10, 32], 16, 60, [4, 2], has), null);
  assert.deepEqual(missing([0, 0], 16, 60, [9], has), null);
});

test("an answer is cut into blocks of channels, the last one shorter", () => {
  const blocks = new Blocks(16, bands);
  assert.ok(blocks.put(0, 30, [5, 2], bytes([5, 2], 0, 30)));
  const { first, count, codes } = blocks.get(2, 1);
  assert.deepEqual([first, count, codes.length], [16, 14, 14 * bands]);
  assert.equal(codes[3 * bands + 4], 1 + ((2 * 31 + 19 * 7 + 4) % 255));
  assert.ok(!blocks.has(3, 0) && !blocks.has(2, 2));
});

test("an answer that does not fit is refused", () => {
  const blocks = new Blocks(16, bands);
  assert.ok(!blocks.put(3, 16, [1], bytes([1], 3, 16)));
  assert.ok(!blocks.put(0, 16, [1, 2], bytes([1], 0, 16)));
  assert.ok(!blocks.has(1, 0));
});

test("the blocks not used for longest are forgotten", () => {
  const blocks = new Blocks(16, bands, 3 * 16 * bands);
  for (const channel of [0, 1, 2]) blocks.put(0, 16, [channel], bytes([channel], 0, 16));
  blocks.get(0, 0);
  blocks.put(0, 16, [3], bytes([3], 0, 16));
  assert.deepEqual([0, 1, 2, 3].map((channel) => blocks.has(channel, 0)), [true, false, true, true]);
  blocks.put(0, 16, [3], bytes([3], 0, 16));
  assert.ok(blocks.has(0, 0) && blocks.has(2, 0));
});

test("tiles fill their rows", () => {
  assert.equal(columnsFor(1100, 16), 4);
  assert.equal(columnsFor(1100, 32), 8);
  assert.equal(columnsFor(640, 32), 4);
  assert.equal(columnsFor(1100, 8), 4);
  assert.equal(columnsFor(300, 16), 2);
  assert.equal(columnsFor(1100, 3), 3);
  assert.equal(columnsFor(50, 16), 1);
});

test("the lowest band is at the bottom", () => {
  assert.equal(bandAt(0, 100, bands), 19);
  assert.equal(bandAt(99.9, 100, bands), 0);
  assert.equal(bandAt(52, 100, bands), 9);
  assert.equal(bandAt(-5, 100, bands), 19);
});

test("colours end where they are said to; an empty cell has none", () => {
  const ramp = Uint32Array.from({ length: 256 }, (_, i) => 1000 + i);
  const own = colorsOf([0, 10], 0, 10, ramp);
  assert.deepEqual([own[0], own[1], own[255]], [0, 1000, 1255]);
  const common = colorsOf([0, 10], 0, 20, ramp);
  assert.deepEqual([common[1], common[255]], [1000, 1128]);
  const cut = colorsOf([0, 10], 2, 4, ramp);
  assert.deepEqual([cut[1], cut[255]], [1000, 1255]);
  assert.equal(colorsOf([3, 3], 3, 3, ramp)[128], 1128);
});

test("pooling over bands and over time, without empty cells", () => {
  const codes = new Uint8Array(16 * bands).fill(1);
  codes[2 * bands + 5] = 255; // frame 2, band 5
  codes[2 * bands + 6] = 0;
  const block = { first: 0, count: 16, codes };
  const frames = overBands(block, bands, [0, 19]);
  assert.ok(Math.abs(frames.means[2] - 1) < 1e-6);
  assert.deepEqual([frames.peaks[2], frames.means[3]], [19, 0]);
  const profile = overTime([block], bands, [0, 10], [1, 3]);
  assert.deepEqual([profile.means[5], profile.peaks[5], profile.means[6]], [5, 10, 0]);
  assert.ok(Number.isNaN(overTime([block], bands, [0, 10], [16, 18]).means[0]));
  const two = [block, { first: 16, count: 2, codes: new Uint8Array(2 * bands).fill(255) }];
  assert.equal(overTime(two, bands, [0, 12], [15, 18]).means[0], 8);
});

test("numbers are brief", () => {
  assert.deepEqual([12.4444, -0.97312, 0.01234, 0, 35, NaN, 123456].map(brief), [
    "12.4", "−0.973", "0.012", "0", "35", "–", "1.2e+5",
  ]);
});
