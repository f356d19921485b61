import assert from "node:assert/strict";
import { test } from "node:test";
import {
  evenRuns, fitted, following, formatTime, frameAt, frameEdge, frameSpan, frameTime, heardSpan, orderedRange, panned, timeTicks,
  timeToX, xToTime, zoomed,
} from "../../embviz/widgets/src/base/time.js";

// MusiCNN on two minutes: a patch of 2.992 s every 1.488 s.
const GRID = {
  sample_rate: 16000, hop: 23808, patch: 47872, receptive_field: 48128, start: -128, n_frames: 81, n_samples: 1960113,
};

test("frames own half-open cells around the centres of their patches", () => {
  assert.equal(frameTime(GRID, 0), (-128 + 47872 / 2) / 16000);
  assert.equal(frameEdge(GRID, 3), (frameTime(GRID, 2) + frameTime(GRID, 3)) / 2);
  for (const frame of [0, 1, 7, 80]) {
    assert.equal(frameAt(GRID, frameEdge(GRID, frame)), frame);
    assert.equal(frameAt(GRID, frameEdge(GRID, frame + 1) - 1e-9), frame);
  }
});

test("times that no cell holds belong to the first and the last frame", () => {
  assert.equal(frameAt(GRID, -5), 0);
  assert.equal(frameAt(GRID, 1e6), 80);
});

test("borders that do not divide evenly still decide", () => {
  const odd = { ...GRID, sample_rate: 44100, hop: 333, patch: 1001, start: -77, n_frames: 100000, n_samples: 3.4e7 };
  for (let frame = 0; frame < 100000; frame += 17) assert.equal(frameAt(odd, frameEdge(odd, frame)), frame);
});

test("spans end where the track does", () => {
  assert.deepEqual(frameSpan(GRID, 0), [0, (47872 - 128) / 16000]);
  assert.deepEqual(frameSpan(GRID, 2), [(2 * 23808 - 128) / 16000, (2 * 23808 - 128 + 47872) / 16000]);
  const heard = heardSpan(GRID, 2);
  assert.ok(heard[0] < frameSpan(GRID, 2)[0] && heard[1] > frameSpan(GRID, 2)[1]);
  assert.equal(heardSpan({ ...GRID, receptive_field: 1e9 }, 2)[1], GRID.n_samples / GRID.sample_rate);
});

// VGG's first pools on seven seconds, as Python's FrameGrid counts them: 46 steps of four mel frames in a patch of 187,
// and a patch every 93.
const STEPS = {
  sample_rate: 16000, hop: 1024, patch: 1024, receptive_field: 1792, start: -128, n_frames: 92, n_samples: 112000,
  patches: { start: -256, hop: 23808, length: 48128, n_patches: 3, first: -128, n_steps: 46 },
};

test("steps of overlapping patches are where their patch puts them", () => {
  const frames = [0, 1, 33, 34, 35, 36, 57, 91];
  const samples = (call) => frames.map((frame) => call(STEPS, frame) * 16000);
  assert.deepEqual(samples(frameTime), [384, 1408, 34176, 35200, 36480, 37504, 59008, 94080]);
  assert.deepEqual(samples(frameEdge), [-128, 896, 33664, 34688, 35840, 36992, 58496, 93568]);
  for (let frame = 0; frame < STEPS.n_frames; frame += 1) {
    assert.equal(frameAt(STEPS, frameEdge(STEPS, frame)), frame);
    assert.equal(frameAt(STEPS, frameEdge(STEPS, frame + 1) - 1e-9), frame);
  }
  const runs = evenRuns(STEPS, 0, STEPS.n_frames);
  assert.deepEqual(runs.map(([from]) => from).slice(0, 2), [0, 35]);
  assert.equal(runs.at(-1)[1], STEPS.n_frames);
  assert.deepEqual(evenRuns(GRID, 3, 9), [[3, 9]]);
});

test("no step has heard more than its patch", () => {
  const heard = (grid, frame) => heardSpan(grid, frame).map((seconds) => seconds * 16000);
  assert.deepEqual(heard(STEPS, 35), [35584, 37376]);
  assert.deepEqual(heard({ ...STEPS, receptive_field: 30000 }, 35), [23552, 51480]);
  assert.deepEqual(heard({ ...STEPS, receptive_field: 48128 }, 35), [23552, 71680]);
});

test("no frame is centred beyond the end", () => {
  assert.equal(frameTime({ ...GRID, n_samples: 1_920_000 }, 80), 120);
});

test("times read as people say them", () => {
  assert.equal(formatTime(0), "0:00");
  assert.equal(formatTime(62.46, 1), "1:02.5");
  assert.equal(formatTime(59.96, 1), "1:00.0");
  assert.equal(formatTime(3599.99), "1:00:00");
  assert.equal(formatTime(-3), "0:00");
});

test("ticks are round, inside the view, and far enough apart", () => {
  const ticks = timeTicks([3.2, 61], 500);
  assert.deepEqual(ticks.map(({ label }) => label), ["0:10", "0:20", "0:30", "0:40", "0:50", "1:00"]);
  for (const [view, width] of [[[0, 0.05], 700], [[0, 7200], 480], [[100.1, 100.9], 900]]) {
    const times = timeTicks(view, width).map(({ time }) => time);
    assert.ok(times.length >= 2 && times.length < 20, `${times}`);
    assert.ok(times.every((time) => time >= view[0] - 1e-9 && time <= view[1] + 1e-9));
    assert.ok(timeToX(times[1], view, width) - timeToX(times[0], view, width) >= 63);
  }
  assert.deepEqual(timeTicks([5, 5], 500), []);
  assert.deepEqual(timeTicks([0, 5], 0), []);
});

test("pixels and seconds are each other's inverse", () => {
  assert.equal(xToTime(250, [10, 20], 500), 15);
  assert.equal(timeToX(15, [10, 20], 500), 250);
});

test("zooming keeps the time under the pointer, and stays inside the track", () => {
  const view = zoomed([0, 100], 25, 2, 100);
  assert.deepEqual(view, [12.5, 62.5]);
  assert.deepEqual(zoomed([0, 100], 0, 1e9, 100), [0, 0.02]);
  assert.deepEqual(zoomed([10, 20], 15, 1e-9, 100), [0, 100]);
});

test("views keep their length at the ends of the track", () => {
  assert.deepEqual(panned([10, 30], 1000, 100), [80, 100]);
  assert.deepEqual(panned([10, 30], -1000, 100), [0, 20]);
  assert.deepEqual(fitted([-5, 500], 100), [0, 100]);
  assert.deepEqual(fitted([0, 1], 0), [0, 0]);
});

test("the view turns its page when the playhead leaves it", () => {
  assert.deepEqual(following([0, 10], 5, 100), [0, 10]);
  assert.deepEqual(following([0, 10], 10, 100), [9.5, 19.5]);
  assert.deepEqual(following([0, 10], 99.9, 100), [90, 100]);
});

test("ranges are in order, inside the track, and long enough to be meant", () => {
  assert.deepEqual(orderedRange(9, 4, 100), [4, 9]);
  assert.deepEqual(orderedRange(-3, 400, 100), [0, 100]);
  assert.equal(orderedRange(4, 4.001, 100), null);
});
