/** What the plots share: the pen and its colours, words and numbers as they are drawn, axes, codes of cells. */
import { colorAt } from "./colormaps.js";
import { clamp } from "./time.js";

/** @typedef {CanvasRenderingContext2D} Pen */

/**
 * Give a canvas as many pixels as the screen has for it, and a pen that counts in the page's.
 * @param {HTMLCanvasElement} canvas @param {number} width @param {number} height
 */
export function penOf(canvas, width, height) {
  const ratio = globalThis.devicePixelRatio || 1;
  const [w, t] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== t) Object.assign(canvas, { width: w, height: t });
  const pen = /** @type {Pen} */ (canvas.getContext("2d"));
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return pen;
}

/** @typedef {Record<"ink" | "faint" | "line" | "paper" | "panel" | "accent" | "font", string>} Inks */

/** The colours of a widget as they are now, and its font. @param {Element} el @returns {Inks} */
export function inksOf(el) {
  const css = getComputedStyle(el);
  const names = ["ink", "faint", "line", "paper", "panel", "accent", "font"];
  const inks = names.map((name) => [name, css.getPropertyValue(`--ev-${name}`).trim()]);
  return /** @type {Inks} */ (Object.fromEntries(inks));
}

/**
 * A map of colours as an upright bar, its highest colour at the top.
 * @param {Pen} pen @param {import("../types.js").MapName} map
 * @param {{x: number, y: number, width: number, tall: number}} place
 */
export function paintRamp(pen, map, { x, y, width, tall }) {
  for (let i = 0; i < tall; i += 1) {
    pen.fillStyle = `rgb(${colorAt(map, 1 - i / (tall - 1)).join(" ")})`;
    pen.fillRect(x, y + i, width, 1.5);
  }
}

// Words and numbers.

/**
 * A text that fits into some pixels, with an ellipsis where it had to be cut.
 * @param {Pen} pen @param {string} text @param {number} room
 */
export function shortened(pen, text, room) {
  if (pen.measureText(text).width <= room) return text;
  let cut = [...text].slice(0, 60);
  while (cut.length && pen.measureText(`${cut.join("")}…`).width > room) cut = cut.slice(0, -1);
  return cut.length ? `${cut.join("")}…` : "";
}

/** A number with the sign that numbers have in print. @param {number | string} number */
export function minus(number) {
  return String(number).replace("-", "−");
}

/** A number in as few digits as say enough. @param {number} value */
export function brief(value) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size && (size >= 1e5 || size < 1e-3)) return minus(value.toExponential(1));
  return minus(Number(value.toPrecision(size < 0.1 ? 2 : 3)));
}

// Places.

/**
 * Where a tip of some size goes beside a point, so that it stays inside.
 * @param {number} x @param {number} y @param {number} width of the tip @param {number} height
 * @param {number} roomX @param {number} roomY @returns {[number, number]}
 */
export function tipPlace(x, y, width, height, roomX, roomY) {
  const left = x + 14 + width <= roomX ? x + 14 : x - 14 - width;
  return [clamp(left, 0, Math.max(0, roomX - width)), clamp(y + 14, 0, Math.max(0, roomY - height))];
}

/**
 * Heights moved as little as needed to stand at least `gap` apart between `low` and `high`, in the order given.
 * @param {number[]} heights @param {number} gap @param {number} low @param {number} high
 */
export function spread(heights, gap, low, high) {
  const order = [...heights.keys()].sort((a, b) => heights[a] - heights[b] || a - b);
  /** @type {number[]} */
  const placed = [];
  for (const i of order) placed.push(Math.max(clamp(heights[i], low, high), (placed.at(-1) ?? -Infinity) + gap));
  for (let i = placed.length - 1, ceiling = high; i >= 0; i -= 1, ceiling -= gap) {
    placed[i] = Math.min(placed[i], ceiling);
  }
  /** @type {number[]} */
  const result = [];
  for (const [place, i] of order.entries()) result[i] = placed[place];
  return result;
}

/** Round steps that cut a range into about so many parts. @param {number} length @param {number} parts */
export function roundStep(length, parts) {
  const raw = length / parts;
  const power = 10 ** Math.floor(Math.log10(raw));
  return power * ([1, 2, 2.5, 5].find((factor) => factor * power >= raw * 0.999) ?? 10);
}

/**
 * An axis of values from `low` to `high`: from zero where zero is near, else with a little room.
 * @param {number} low @param {number} high @param {boolean} [fromZero] @param {number} [parts]
 * @returns {{low: number, high: number, ticks: number[], decimals: number}}
 */
export function axisOf(low, high, fromZero, parts = 4) {
  if (!(high >= low)) [low, high] = [0, 1];
  const zero = fromZero || (low >= 0 && low < high / 4);
  if (zero) low = 0;
  if (zero && high <= 0) high = 1;
  // A step of the last digit must not look like an upheaval.
  const least = zero ? 0 : 0.04 * Math.max(Math.abs(low), Math.abs(high)) || 1;
  const room = zero ? 0 : Math.max((high - low) * 0.06, (least - (high - low)) / 2);
  const step = roundStep(high - low + 2 * room, parts);
  const from = zero ? 0 : low - room;
  const to = zero ? Math.ceil(high / step - 1e-9) * step : high + room;
  const ticks = [];
  for (let i = Math.ceil(from / step - 1e-9); i * step <= to + step * 1e-9; i += 1) ticks.push(i * step + 0);
  const decimals = clamp(1 - Math.floor(Math.log10(to - from)), 0, 6);
  return { low: from, high: to, ticks, decimals };
}

/** A number as precise as an axis of values is. @param {{decimals: number}} axis @param {number} value */
export function numberOn({ decimals }, value) {
  return Number.isNaN(value) ? "–" : minus(value.toFixed(decimals));
}

// Codes: 0 is an empty cell, 1 … 255 are places between two values.

/** The value that a code means; not for empty cells. @param {number} code @param {number} low @param {number} high */
export function decoded(code, low, high) {
  return low + ((code - 1) / 254) * (high - low);
}

/**
 * A colour for each code of a range of values, on a scale from `low` to `high`; empty cells are clear.
 * @param {[number, number]} range @param {number} low @param {number} high
 * @param {Uint32Array} colors 256 of a map @returns {Uint32Array}
 */
export function colorsOf([from, to], low, high, colors) {
  const table = new Uint32Array(256);
  for (let code = 1; code < 256; code += 1) {
    const value = decoded(code, from, to);
    const share = high > low ? (value - low) / (high - low) : 0.5;
    table[code] = colors[clamp(Math.round(share * 255), 0, 255)];
  }
  return table;
}
