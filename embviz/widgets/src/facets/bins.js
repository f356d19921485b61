/** Numbers in bins, with round borders, and how they are told. */
import { minus, roundStep } from "../base/canvas.js";
import { clamp, formatTime } from "../base/time.js";

/** @import { Bins, Facet } from "./types.js" */

const BINS = 28;
const STEPS = 8; // of a bin, to which the ends of a range are rounded
const SHARE = 0.005; // of the numbers at each end, which do not set the scale where they lie far out
const FAR = 0.5; // of the range of all others
const SECONDS = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600];

/** The round widths of whole numbers and of seconds are others than those of all numbers. @param {number} raw */
function widthOf(raw, whole = false, seconds = false) {
  if (seconds && raw > 0.5 && raw <= 3600) return SECONDS.find((width) => width >= raw * 0.999) ?? 3600;
  const width = roundStep(raw * BINS, BINS);
  return whole ? Math.max(1, Math.ceil(width)) : width;
}

/** @param {Facet} facet @param {Float32Array} numbers NaN where nothing is known @returns {Bins} */
export function binsOf({ unit }, numbers) {
  const known = numbers.filter((value) => !Number.isNaN(value)).sort();
  if (!known.length) return { low: 0, high: 1, width: 1, count: 1, step: 1, whole: false, least: 0, most: 1, unit };
  const [least, most] = [known[0], known[known.length - 1]];
  const whole = known.every(Number.isInteger);
  const at = (/** @type {number} */ share) => known[Math.round(share * (known.length - 1))];
  const [inner, outer] = [at(SHARE), at(1 - SHARE)];
  const far = FAR * (outer - inner);
  const from = inner - least > far && far > 0 ? inner : least;
  const to = most - outer > far && far > 0 ? outer : most;
  const spread = to - from || (whole ? 1 : Math.abs(to) / 10 || 1);
  const width = widthOf(spread / BINS, whole, unit === "s");
  const low = Math.floor(from / width + 1e-9) * width;
  // A number on the border belongs to the bin that begins there.
  const count = Math.max(1, Math.floor((to - low) / width + 1e-9) + (whole || to === from ? 1 : 0) || 1);
  const bins = count * width + low < to ? count + 1 : count;
  const step = whole ? 1 : unit === "s" && width >= STEPS ? 1 : widthOf(width / STEPS, false, unit === "s");
  return { low, high: low + bins * width, width, count: bins, step, whole, least, most, unit };
}

/** The bin of each number; those that are not known come behind the last. @param {Float32Array} numbers @param {Bins} bins */
export function placesOf(numbers, { low, width, count }) {
  const places = new Uint32Array(numbers.length);
  for (let i = 0; i < numbers.length; i += 1) {
    const value = numbers[i];
    places[i] = Number.isNaN(value) ? count : clamp(Math.floor((value - low) / width + 1e-6), 0, count - 1);
  }
  return places;
}

/** The number at a share of the axis, rounded; at its ends, the least or the most of all. @param {number} share */
export function numberAt(share, /** @type {Bins} */ bins) {
  const { low, high, step, whole, least, most } = bins;
  if (share <= 0) return least;
  if (share >= 1) return most;
  const raw = low + share * (high - low);
  const round = whole ? Math.floor(raw) : Number((Math.round(raw / step) * step).toPrecision(12));
  return clamp(round, least, most);
}

/** The stretch of the axis that a range covers, as shares. @param {[number, number]} range @param {Bins} bins */
export function stretchOf([from, to], { low, high, whole, least, most }) {
  const share = (/** @type {number} */ value) => clamp((value - low) / (high - low), 0, 1);
  return [from <= least ? 0 : share(from), to >= most ? 1 : share(to + (whole ? 1 : 0))];
}

/** The range of a bin; what is counted in the outermost ones belongs to them. @param {number} place @returns {[number, number]} */
export function binRange(place, /** @type {Bins} */ bins) {
  const { low, width, count, whole, least, most } = bins;
  const begin = Number((low + place * width).toPrecision(12));
  const end = Number((low + (place + 1) * width).toPrecision(12));
  return [place ? Math.max(begin, least) : least, place < count - 1 ? Math.min(whole ? end - 1 : end, most) : most];
}

/** A number in words. @param {number} value @param {Bins} bins @param {boolean} [bare] without its unit */
export function numberText(value, { unit, step, high }, bare = false) {
  if (unit === "s" && high >= 60) return formatTime(value, step < 1 ? 1 : 0);
  const decimals = clamp(-Math.floor(Math.log10(step) + 1e-9), 0, 6);
  const text = minus(String(Number(value.toFixed(decimals))));
  return unit && !bare ? `${text} ${unit}` : text;
}

/** A range in words. @param {[number, number]} range @param {Bins} bins @returns {string} such as ``80 – 120 BPM`` */
export function rangeText([from, to], bins) {
  const low = numberText(from, bins, true);
  return numberText(to, bins, true) === low ? numberText(to, bins) : `${low} – ${numberText(to, bins)}`;
}

/** Round numbers along the axis, with their places as shares. @param {Bins} bins */
export function ticksOf(bins) {
  const { low, high, whole, unit } = bins;
  const step = widthOf((high - low) / 3.2, whole, unit === "s");
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-6; i += 1) {
    const value = Number((i * step).toPrecision(12));
    // The name of a whole number stands in the middle of its place.
    const share = (value + (whole && bins.width === 1 ? 0.5 : 0) - low) / (high - low);
    if (share <= 1) ticks.push({ share, text: numberText(value, bins, true) });
  }
  return ticks;
}
