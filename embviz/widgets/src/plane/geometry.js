/**
 * The plane in numbers: places of values, of the playhead on the way, and of what is nearest to a point.
 *
 * Conventions: values are pairs [x, y] in one array; `limits` are [low x, high x, low y, high y]; a *plot* is the square
 * in pixels, with y downwards.
 */
import { frameAt, frameTime } from "../base/time.js";

/**
 * @typedef {import("../base/time.js").Grid} Grid
 * @typedef {{values: Float32Array, grid: Grid, limits: number[]}} Way
 * @typedef {[number, number]} Place
 */

/**
 * Where a value lies on a plot of some side: at its edge where it lies beyond the limits; NaN where it is none.
 * @param {number[]} limits @param {number} side
 */
export function placeOf([lowX, highX, lowY, highY], side, /** @type {number} */ x, /** @type {number} */ y) {
  return /** @type {Place} */ ([share(x, lowX, highX) * side, (1 - share(y, lowY, highY)) * side]);
}

/** @param {number} value @param {number} low @param {number} high */
function share(value, low, high) {
  return Math.min(Math.max((value - low) / (high - low), 0), 1);
}

/**
 * What a plane has at a moment: between the centres of two frames, what lies between them; null where there is nothing.
 * @param {Way} way @param {number} time in seconds @param {boolean} [stepwise] the frame's own values, without gliding
 * @returns {Place | null}
 */
export function valueAt({ values, grid }, time, stepwise = false) {
  const last = grid.n_frames - 1;
  if (last < 0) return null;
  let frame = frameAt(grid, time);
  if (stepwise) return finite(values[2 * frame], values[2 * frame + 1]);
  if (frame > 0 && time < frameTime(grid, frame)) frame -= 1;
  const next = Math.min(frame + 1, last);
  const [from, to] = [frameTime(grid, frame), frameTime(grid, next)];
  const gone = to > from ? Math.min(Math.max((time - from) / (to - from), 0), 1) : 0;
  const between = (/** @type {number} */ i) => values[2 * frame + i] * (1 - gone) + values[2 * next + i] * gone;
  return finite(between(0), between(1)) ?? finite(values[2 * frame], values[2 * frame + 1]);
}

/** @param {number} x @param {number} y @returns {Place | null} */
function finite(x, y) {
  return Number.isFinite(x) && Number.isFinite(y) ? [x, y] : null;
}

/**
 * The frame whose place is nearest to a point, or -1 where none is as near as `reach` pixels.
 * @param {Way} way @param {number} side @param {number} x @param {number} y @param {number} reach
 */
export function nearestFrame({ values, limits }, side, x, y, reach) {
  let [best, least] = [-1, reach * reach];
  for (let i = 0; 2 * i < values.length; i += 1) {
    const [px, py] = placeOf(limits, side, values[2 * i], values[2 * i + 1]);
    const apart = (px - x) ** 2 + (py - y) ** 2;
    if (apart <= least) [best, least] = [i, apart];
  }
  return best;
}

/**
 * The places that the playhead has passed in the last seconds, the newest last, each with its age from 0 to 1.
 * @param {Way} way @param {number} side @param {number} time @param {number} seconds
 * @returns {[number, number, number][]}
 */
export function trailOf(way, side, time, seconds, steps = 40) {
  /** @type {[number, number, number][]} */
  const trail = [];
  for (let i = 0; i <= steps; i += 1) {
    const age = 1 - i / steps;
    const value = time - age * seconds < 0 ? null : valueAt(way, time - age * seconds);
    if (value) trail.push([...placeOf(way.limits, side, ...value), age]);
  }
  return trail;
}

/** The frames that have a place: the first and the last of them; null where there are none. @param {Float32Array} values */
export function endsOf(values) {
  const there = (/** @type {number} */ i) => Number.isFinite(values[2 * i] + values[2 * i + 1]);
  let [first, last] = [0, values.length / 2 - 1];
  while (first <= last && !there(first)) first += 1;
  while (last > first && !there(last)) last -= 1;
  return first <= last ? /** @type {[number, number]} */ ([first, last]) : null;
}
