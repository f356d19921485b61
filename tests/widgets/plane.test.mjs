import assert from "node:assert/strict";
import test from "node:test";

import { endsOf, nearestFrame, placeOf, trailOf, valueAt } from "../../embviz/widgets/src/plane/geometry.js";

// Four frames of 2 s, centred on 1, 3, 5 and 7 s.
const grid = { sample_rate: 1000, hop: 2000, patch: 2000, receptive_field: 2000, start: 0, n_frames: 4, n_samples: 8000 };
const limits = [1, 9, 1, 9];
const way = { values: Float32Array.of(1, 1, 5, 9, 9, 5, NaN, 2), grid, limits };

test("the lowest values lie at the lower left of a plot", () => {
  assert.deepEqual(placeOf(limits, 80, 1, 1), [0, 80]);
  assert.deepEqual(placeOf(limits, 80, 9, 9), [80, 0]);
  assert.deepEqual(placeOf(limits, 80, 5, 3), [40, 60]);
  assert.deepEqual(placeOf(limits, 80, 12, -3), [80, 80]); // beyond the limits: at the edge
  assert.deepEqual(placeOf(limits, 80, NaN, 1), [NaN, 80]);
});

test("between the centres of two frames the playhead is between their values", () => {
  assert.deepEqual(valueAt(way, 3), [5, 9]);
  assert.deepEqual(valueAt(way, 2), [3, 5]);
  assert.deepEqual(valueAt(way, 4), [7, 7]);
  assert.deepEqual(valueAt(way, 0), [1, 1]);
  assert.deepEqual(valueAt(way, 2.1, true), [5, 9]);
});

test("beside a frame without a value stands the one that has one", () => {
  assert.deepEqual(valueAt(way, 5.5), [9, 5]);
  assert.equal(valueAt(way, 7), null);
  assert.equal(valueAt({ ...way, grid: { ...grid, n_frames: 0 } }, 1), null);
});

test("the nearest frame is found, within reach", () => {
  assert.equal(nearestFrame(way, 80, 41, 2, 10), 1);
  assert.equal(nearestFrame(way, 80, 78, 41, 10), 2);
  assert.equal(nearestFrame(way, 80, 20, 20, 10), -1);
});

test("a trail leads to the playhead and begins no earlier than the track", () => {
  const trail = trailOf(way, 80, 3, 4, 8);
  assert.deepEqual(trail.at(-1), [40, 0, 0]);
  assert.ok(trail.every(([, , age]) => age >= 0 && age <= 0.75));
  assert.equal(trail.length, 7);
});

test("beginning and end are frames with values", () => {
  assert.deepEqual(endsOf(way.values), [0, 2]);
  assert.deepEqual(endsOf(Float32Array.of(NaN, 1, 2, 3)), [1, 1]);
  assert.equal(endsOf(Float32Array.of(NaN, 1)), null);
  assert.equal(endsOf(new Float32Array(0)), null);
});
