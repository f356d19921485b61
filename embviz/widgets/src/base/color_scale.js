/**
 * What colours mean: from the code of a cell to its value, and to its place on the colour bar.
 *
 * A *code* is the byte of a cell (0 is empty), a *place* the byte of a colour (0 is transparent). The colours of a
 * scale that dimensions share may *end* before the values do, so that a few that are far out do not make all others
 * look alike; what lies beyond has the colour of the end.
 */

import { decoded } from "./canvas.js";
import { palette } from "./colormaps.js";
import { clamp } from "./time.js";

/** From the code of the lowest value, 1, to that of the highest, 255. */
export const STEPS = 254;

/**
 * The value that a code stands for, true to half a step; NaN where the cell is empty.
 * @param {number} code @param {ArrayLike<number>} ranges [d, 2] @param {number} dimension
 */
export function cellValue(code, ranges, dimension) {
  return code ? decoded(code, ranges[2 * dimension], ranges[2 * dimension + 1]) : NaN;
}

/**
 * What colours mean: the values at both ends of the colour bar, whether others lie below and above, and its map.
 * @param {Float32Array} ranges [d, 2] @param {import("../types.js").Scale} scale
 * @param {number[]} [ends] where the colours of a shared scale end; none: where the values do
 * @returns {{low: number, high: number, map: import("../types.js").MapName, below: boolean, above: boolean}}
 */
export function scaleOf(ranges, scale, ends = []) {
  if (scale === "minmax") return { low: 0, high: 1, map: "viridis", below: false, above: false };
  const [least, most] = reachOf(ranges);
  let [low, high] = ends.length === 2 ? ends : [least, most];
  if (scale === "signed") {
    high = Math.max(Math.abs(low), Math.abs(high)) || 1;
    low = -high;
  }
  return { low, high, map: scale === "signed" ? "balance" : "viridis", below: least < low, above: most > high };
}

/** The lowest and the highest value of all dimensions. @param {Float32Array} ranges [d, 2] */
function reachOf(ranges) {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < ranges.length; i += 2) {
    if (ranges[i] < low) low = ranges[i];
    if (ranges[i + 1] > high) high = ranges[i + 1];
  }
  return low <= high ? [low, high] : [0, 1];
}

/**
 * From code to place, a table of 256 for each dimension.
 * @param {Float32Array} ranges [d, 2] @param {import("../types.js").Scale} scale @param {number[]} [ends]
 * @returns {Uint8Array} [d, 256]
 */
export function lookups(ranges, scale, ends) {
  const d = ranges.length / 2;
  const { low, high } = scaleOf(ranges, scale, ends);
  const tables = new Uint8Array(d * 256);
  for (let dimension = 0; dimension < d; dimension += 1) {
    const [least, most] = [ranges[2 * dimension], ranges[2 * dimension + 1]];
    for (let code = 1; code < 256; code += 1) {
      const value = decoded(code, least, most);
      let place = code;
      if (scale === "minmax") place = most > least ? code : 1;
      else if (high > low) place = 1 + Math.round(((value - low) / (high - low)) * STEPS);
      else place = 128;
      tables[dimension * 256 + code] = clamp(place, 1, 255);
    }
  }
  return tables;
}

/**
 * The place of zero, from which strength is measured; 0 where the highest is the strongest.
 * @param {Float32Array} ranges [d, 2] @param {import("../types.js").Scale} scale
 * @param {boolean} signed @param {number[]} [ends]
 */
export function zeroPlace(ranges, scale, signed, ends) {
  if (scale === "minmax" || (scale === "none" && !signed)) return 0;
  const { low, high } = scaleOf(ranges, scale, ends);
  return high > low ? clamp(Math.round(1 - (low / (high - low)) * STEPS), 0, 256) : 0;
}

/**
 * The code of zero in each dimension (whole numbers; beyond the ends where a dimension has one sign).
 * @param {Float32Array} ranges [d, 2]
 */
export function zerosOf(ranges) {
  return Int32Array.from({ length: ranges.length / 2 }, (_, i) => {
    const [low, high] = [ranges[2 * i], ranges[2 * i + 1]];
    return high > low ? clamp(Math.round(1 - (low / (high - low)) * STEPS), 0, 256) : 0;
  });
}

/**
 * The words of an ImageData for each place of a map; the first is transparent.
 * @param {import("../types.js").MapName} map
 */
export function wordsOf(map) {
  const colors = palette(map);
  const at = (/** @type {number} */ place) => colors[Math.round(((place - 1) / STEPS) * 255)];
  return Uint32Array.from({ length: 256 }, (_, place) => (place ? at(place) : 0));
}
