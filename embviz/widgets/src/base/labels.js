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
 * Rising numbers and their unit, where labels too many to be listed say that ("30 BPM" …); else null.
 * @param {string[]} labels
 */
export function measured(labels) {
  if (labels.length <= MAX_LABELS) return null;
  const matches = labels.map((label) => /^(-?\d+(?:\.\d+)?)\s*(\D*)$/.exec(label));
  const unit = matches[0]?.[2];
  if (unit === undefined || !matches.every((match) => match?.[2] === unit)) return null;
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
  if (!listed) return numberLabels(d, measured(labels)?.numbers, height);
  const every = Math.max(1, Math.ceil((d * LABEL) / height));
  const texts = [];
  for (let row = Math.floor((every - 1) / 2); row < d; row += every) {
    texts.push({ row, text: nameOf(rows[row], labels) });
  }
  return texts;
}

/** @param {number} d @param {number[] | undefined} numbers @param {number} height */
function numberLabels(d, numbers, height) {
  const value = (/** @type {number} */ dimension) => numbers?.[dimension] ?? dimension;
  const span = Math.max(value(d - 1) - value(0), 1);
  const most = Math.max(2, Math.floor(height / 30));
  const step = [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000].find((n) => span / n <= most) ?? span;
  const texts = [];
  for (let i = 0; i < d; i += 1) {
    if (value(i) % step === 0) texts.push({ row: d - 1 - i, text: String(value(i)) });
  }
  return texts;
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
