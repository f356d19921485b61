/** What is read off a heatmap, in words: values, stretches of time, and what a pixel stands for. */
import { minus } from "./canvas.js";
import { cellValue, STEPS } from "./color_scale.js";
import { fullName, plain } from "./labels.js";
import { formatTime, frameSpan, heardSpan } from "./time.js";

/** A number of a few digits: ``0.123``, ``−1.2e-7``. @param {number | null | undefined} value */
export function formatValue(value, digits = 3) {
  if (value == null || !Number.isFinite(value)) return "no value";
  const size = Math.abs(value);
  const extreme = size && (size < 1e-4 || size >= 1e6);
  const text = extreme ? value.toExponential(digits - 1) : String(Number(value.toPrecision(digits)));
  return text
    .replace(/\.?0+(?=e)/, "")
    .replace("e+", "e")
    .replace(/-/g, "−");
}

/**
 * A number at the colour bar, where there is room for few digits.
 * @param {number} value @param {number} largest magnitude at the bar, beside which a number may be nothing
 */
export function stopText(value, largest = Math.abs(value)) {
  if (Math.abs(value) < 0.5 * 10 ** (Math.floor(Math.log10(largest)) - 1)) return "0";
  const tiny = value !== 0 && Math.abs(value) < 1e-3;
  return tiny ? value.toExponential(0).replace(/-/g, "−") : formatValue(value, 2);
}

/**
 * A value as fine as its byte tells it.
 * @param {number} code @param {ArrayLike<number>} ranges [d, 2] @param {number} dimension
 */
export function roughValue(code, ranges, dimension) {
  const value = cellValue(code, ranges, dimension);
  if (!Number.isFinite(value)) return "–";
  const step = (ranges[2 * dimension + 1] - ranges[2 * dimension]) / STEPS;
  const decimals = step > 0 ? Math.max(0, -Math.floor(Math.log10(step))) : 9;
  return decimals > 5 || step > 1e5 ? formatValue(value) : minus(value.toFixed(decimals));
}

/** Seconds from and to, as fine as what is spanned. @param {[number, number]} span */
export function spanText([from, to], precise = to - from) {
  const decimals = precise >= 0.5 ? 1 : precise >= 0.05 ? 2 : 3;
  return `${formatTime(from, decimals)} – ${formatTime(to, decimals)}`;
}

/** The seconds that tell a frame from the next. @param {import("./time.js").Grid} grid */
export function finenessOf(grid) {
  return Math.min(grid.patch, grid.hop) / grid.sample_rate;
}

/**
 * A stretch of time of a few digits, as Python's `format_seconds` writes it.
 * @param {number} seconds @returns {string} such as ``1.49 s`` or ``16 ms``
 */
export function spanOf(seconds) {
  if (!(seconds > 0)) return "";
  const [unit, size] = seconds < 1e-3 ? ["µs", 1e6] : seconds < 0.1 ? ["ms", 1e3] : ["s", 1];
  return `${Number((seconds * size).toPrecision(3))} ${unit}`;
}

/** How many of what, in words. @param {number} number @param {string} what */
export function count(number, what) {
  return `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;
}

/** What a pixel shows, where it is not a single cell; else empty. @param {number} frames @param {number} dimensions */
export function poolingText(frames, dimensions) {
  const shared = [
    { number: frames, what: "frame" },
    { number: dimensions, what: "dimension" },
  ].filter(({ number }) => number > 1);
  return shared.length ? `strongest of ${shared.map(({ number, what }) => count(number, what)).join(" × ")}` : "";
}

/** @typedef {ReturnType<typeof import("./color_scale.js").scaleOf>} Colors */

/**
 * What is said of a value that has no colour of its own; else empty.
 * @param {number | null} value @param {Colors} colors
 */
function beyondText(value, { low, high, below, above }) {
  if (value === null) return "";
  if (above && value > high) return `above ${stopText(high)}, where the colours end`;
  return below && value < low ? `below ${stopText(low)}, where the colours end` : "";
}

/**
 * The lines of a hover.
 * @param {{frame: number, dimension: number, frames: number, dimensions: number, value: number | null,
 *   exact?: number | null}} cell
 * @param {{grid: import("./time.js").Grid, labels: string[], unit: string, scale?: string,
 *   colors?: Colors}} about
 */
export function hoverLines(cell, { grid, labels, unit, scale, colors }) {
  const span = frameSpan(grid, cell.frame);
  const heard = heardSpan(grid, cell.frame);
  const known = cell.exact !== undefined;
  const read = cell.exact !== undefined ? cell.exact : cell.value;
  const value = formatValue(read, known ? 4 : 3);
  const number = value === "no value" ? value : `${known ? "" : "≈ "}${value} ${plain(unit, 40)}`.trimEnd();
  const fineness = finenessOf(grid);
  const [stood, listened] = [spanText(span, fineness), spanText(heard, fineness)];
  return {
    name: fullName(cell.dimension, labels),
    value: number,
    beyond: colors && scale !== "minmax" ? beyondText(read, colors) : "",
    span: `${stood} · frame ${cell.frame.toLocaleString("en")}`,
    heard: listened === stood ? "" : `heard ${listened}`,
    pooled: poolingText(cell.frames, cell.dimensions),
  };
}
