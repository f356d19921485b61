/** Which moments of two tracks belong together, and the lines that show it; nothing here touches the page. */
import { clamp, timeToX } from "../base/time.js";

/** @typedef {import("../base/time.js").View} View */
/** @typedef {[Float32Array, Float32Array]} Path moments of both tracks in seconds, in order: the same index, the same moment */

/** The two columns of pairs. @param {Float32Array} pairs @returns {Path} */
export function pathOf(pairs) {
  const n = pairs.length >> 1;
  const column = (/** @type {number} */ side) => Float32Array.from({ length: n }, (_, i) => pairs[2 * i + side]);
  return [column(0), column(1)];
}

/**
 * The moment of the other track that belongs to a moment of one; before the first and after the last pair, both go on
 * at the same pace.
 * @param {Path} path @param {number} seconds @param {0 | 1} side whose moment it is
 */
export function counterpart(path, seconds, side) {
  const [from, to] = [path[side], path[1 - side]];
  const last = from.length - 1;
  if (last < 0) return seconds;
  // At the end of what one has of the other, as in a cut version, the moment counts that is nearest to the common part.
  if (seconds < from[0]) return to[0] + seconds - from[0];
  if (seconds > from[last]) return to[last] + seconds - from[last];
  let [low, high] = [0, last];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (from[middle] <= seconds) low = middle;
    else high = middle;
  }
  const length = from[high] - from[low];
  return to[low] + (length > 0 ? (seconds - from[low]) / length : 0) * (to[high] - to[low]);
}

/**
 * Both ends, in pixels, of lines between the waveforms, about so many pixels apart above; those are left out of which
 * no end is in view.
 * @param {Path} path @param {[View, View]} views @param {number} width of the plots @param {number} [gap] pixels
 * @returns {[number, number][]}
 */
export function linesOf(path, views, width, gap = 14) {
  const [times] = path;
  const length = views[0][1] - views[0][0];
  if (!times.length || !(length > 0) || !(views[1][1] > views[1][0]) || width < 1) return [];
  const step = (length * gap) / width;
  /** @type {[number, number][]} */
  const lines = [];
  // At the same moments however far the view has been moved.
  for (let i = Math.ceil(times[0] / step); i * step <= times[times.length - 1]; i += 1) {
    const ends = /** @type {[number, number]} */ (
      [i * step, counterpart(path, i * step, 0)].map((time, side) => timeToX(time, views[side], width))
    );
    if (ends.some((x) => x >= 0 && x <= width)) lines.push(ends);
  }
  return lines;
}

/**
 * The view of the other track that shows what a view of one shows: all of it, where that is all.
 * @param {Path} path @param {View} view @param {0 | 1} side whose view it is @param {[number, number]} durations
 * @returns {View}
 */
export function viewOfOther(path, view, side, durations) {
  const other = durations[1 - side];
  if (view[0] <= 0 && view[1] >= durations[side]) return [0, other];
  const [from, to] = view.map((time) => clamp(counterpart(path, time, side), 0, other));
  return [from, to];
}
