/**
 * The rows of a heatmap: which dimension stands where, how tall they are together, and what they are called.
 *
 * Rows count from the top. Dimensions without names are numbers, which rise upwards; names are a list, read downwards.
 */
import { clamp } from "./time.js";

/** Pixels, the least from one label to the next. */
export const LABEL = 11;

const MAX_LABELS = 64; // more labels than this do not fit beside a heatmap
const HEIGHTS = { least: 120, most: 320, row: 12 };

/**
 * Rising numbers and their unit, where labels say that ("30 BPM" …); null where they are a list.
 * @param {string[]} labels
 */
export function measured(labels) {
  const matches = labels.map((label) => /^(-?\d+(?:\.\d+)?)\s*(\D*)$/.exec(label));
  const unit = matches[0]?.[2];
  if (matches.length < 2 || unit === undefined || !matches.every((match) => match?.[2] === unit)) return null;
  // Without a unit, only what is too much for a list is a scale.
  if (!unit && labels.length <= MAX_LABELS) return null;
  const numbers = matches.map((match) => Number(match?.[1]));
  return numbers.every((n, i) => !i || n > numbers[i - 1]) ? { numbers, unit } : null;
}

/**
 * Whether rows are a list that reads downwards; else they are numbers that rise upwards.
 * @param {string[]} labels @param {string} order
 */
export function isListed(labels, order) {
  return order !== "index" || (labels.length > 0 && !measured(labels));
}

/**
 * The dimension of each row, from the top.
 * @param {number} d @param {boolean} listed @param {Uint16Array} permutation of another order, or empty
 */
export function rowsOf(d, listed, permutation) {
  if (permutation.length === d && d) return permutation;
  return Uint16Array.from({ length: d }, (_, row) => (listed ? row : d - 1 - row));
}

/**
 * The height of a plot of d dimensions: whole pixels per row, or whole rows per pixel; of those with names that can be
 * listed, enough for all of them.
 * @param {number} d @param {boolean} [named]
 */
export function usualHeight(d, named = false) {
  if (d > HEIGHTS.most) return Math.ceil(d / Math.ceil(d / HEIGHTS.most));
  const least = named && d <= MAX_LABELS ? LABEL : 1;
  const row = clamp(Math.floor(HEIGHTS.most / Math.max(d, 1)), least, HEIGHTS.row);
  return Math.max(row * d, HEIGHTS.least);
}

/**
 * Names at the side: of every nth row, so that they do not run into each other.
 * @param {{rows: Uint16Array, labels: string[], listed: boolean}} field @param {number} height
 * @returns {{row: number, text: string}[]}
 */
export function rowLabels({ rows, labels, listed }, height) {
  const d = rows.length;
  if (!listed) return numberLabels(rows, measured(labels)?.numbers, height);
  const every = Math.max(1, Math.ceil((d * LABEL) / height));
  const texts = [];
  for (let row = Math.floor((every - 1) / 2); row < d; row += every) {
    texts.push({ row, text: nameOf(rows[row], labels) });
  }
  return texts;
}

/**
 * Round values at the side of rows that rise upwards; of those too near to each other, the rounder one stays.
 * @param {Uint16Array} rows @param {number[] | undefined} numbers @param {number} height
 */
function numberLabels(rows, numbers, height) {
  const values = Array.from(rows, (dimension) => numbers?.[dimension] ?? dimension).reverse();
  const tall = height / rows.length;
  /** @type {{row: number, text: string}[]} */
  const ticks = [];
  for (const value of isEven(values) ? evenTicks(values, height) : roundTicks(values)) {
    const row = rows.length - 1 - placeOf(value, values);
    if (ticks.every((tick) => Math.abs(tick.row - row) * tall >= LABEL)) ticks.push({ row, text: String(value) });
  }
  return ticks.sort((a, b) => b.row - a.row);
}

/** Whether rising numbers are as far apart everywhere, but for their rounding. @param {number[]} values */
function isEven(values) {
  const steps = values.slice(1).map((value, i) => value - values[i]);
  return Math.max(...steps) < 1.05 * Math.min(...steps);
}

/** @param {number[]} values @param {number} height */
function evenTicks(values, height) {
  const [low, high] = [values[0], values[values.length - 1]];
  const most = Math.max(2, Math.floor(height / 30));
  const span = Math.max(high - low, 1);
  const step = [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000].find((n) => span / n <= most) ?? span;
  const ticks = [];
  for (let value = Math.ceil(low / step) * step; value <= high; value += step) ticks.push(value);
  return ticks;
}

/** 1, 2 and 5 times powers of ten, the rounder ones first. @param {number[]} values */
function roundTicks(values) {
  const [low, high] = [values[0], values[values.length - 1]];
  const [first, last] = [low, high].map((value) => Math.floor(Math.log10(Math.max(value, 1))));
  const decades = Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i));
  return [1, 5, 2].flatMap((n) => decades.map((ten) => n * ten)).filter((value) => value >= low && value <= high);
}

/**
 * Where a value lies between rising numbers: the index of one, or between two.
 * @param {number} value @param {number[]} values
 */
function placeOf(value, values) {
  const above = values.findIndex((number) => number >= value);
  if (above < 1) return Math.max(above, 0);
  return above - (values[above] - value) / (values[above] - values[above - 1]);
}

/** What a dimension is called beside the plot. @param {number} dimension @param {string[]} labels */
export function nameOf(dimension, labels) {
  return labels.length ? plain(labels[dimension] ?? "") || "–" : String(dimension);
}

/** The same, where nothing beside it says what a number is. @param {number} dimension @param {string[]} labels */
export function fullName(dimension, labels) {
  return labels.length ? nameOf(dimension, labels) : `dimension ${dimension}`;
}

/** Text of one line that does not turn the writing direction of what stands around it. @param {unknown} text */
export function plain(text, longest = 80) {
  const line = String(text)
    .replace(/[\p{Cc}\u2028\u2029]/gu, " ")
    .replace(/[\u202a-\u202e\u2066-\u2069]/g, "");
  return line.length <= longest ? line.trim() : `${line.slice(0, longest - 1).trimEnd()}…`;
}
