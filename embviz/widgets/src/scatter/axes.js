/**
 * The axes of a map: which values lie where, the ticks that say so, and how both are drawn. See
 * `embviz/plotting/axes.py`, whose conventions these are.
 */
import { minus, shortened } from "../base/canvas.js";
import { clamp } from "../base/time.js";
import { plain, quoted } from "../base/ui.js";
import { toMap, toScreen } from "./camera.js";

/** @import { Axis, Box, Insets, Scene, Size } from "./types.js" */
/** @typedef {{value: number, text: string}} Tick */

const [TOP, RIGHT, BOTTOM] = [44, 16, 44]; // pixels around the plot
const LEFT = [52, 150]; // to its left at least and at most
const TOOLS = 170; // pixels at the right of the title above, where the tools for the view stand
const LETTER = 6.4; // pixels, about
const [ACROSS, UPWARDS] = [84, 44]; // pixels from a tick to the next, at least
const [CATEGORY_ACROSS, CATEGORY_UPWARDS] = [56, 17];
const DAY_STEPS = [1, 2, 7, 14];
const MONTH_STEPS = [1, 3, 6];

/** The room that axes need around the points. @param {Axis[]} axes of x and y @param {Size} size @returns {Insets} */
export function insetsOf([, y], { width }) {
  const longest = y.kind === "category" ? Math.max(0, ...y.labels.map((label) => label.length)) : 6;
  const left = y.kind === "none" ? LEFT[0] / 2 : clamp(longest * LETTER + 18, LEFT[0], Math.min(LEFT[1], width / 3));
  return { left, top: TOP, right: RIGHT, bottom: BOTTOM };
}

/**
 * How far x and y are drawn where each goes from −1 to 1, so that together they fill a picture; the longer one is 1.
 * @param {Size} size @param {Insets} insets @returns {[number, number]}
 */
export function fillOf({ width, height }, { left, top, right, bottom }) {
  const aspect = Math.max(width - left - right, 8) / Math.max(height - top - bottom, 8);
  return aspect >= 1 ? [1, 1 / aspect] : [aspect, 1];
}

/** The value at a place from −1 to 1. @param {Axis} axis @param {number} place */
export function valueAt({ low, high }, place) {
  return low + ((place + 1) / 2) * (high - low);
}

/** Where a value lies, from −1 to 1. @param {Axis} axis @param {number} value */
export function placeOf({ low, high }, value) {
  return (2 * (value - low)) / (high - low) - 1;
}

/** Title and unit. @param {Axis} axis */
export function headingOf({ title, unit }) {
  return unit ? `${title} (${unit})` : title;
}

/**
 * A value in words, as precise as the axis is long.
 * @param {Axis} axis @param {number} value @param {number} [parts] of the axis that are told apart
 */
export function valueText(axis, value, parts = 500) {
  if (axis.kind === "category") return axis.labels[clamp(Math.round(value), 0, axis.labels.length - 1)] ?? "";
  if (axis.kind === "date") return dateText(Math.round(value), 10);
  const digits = decimalsOf(stepOf(axis.high - axis.low, parts));
  return minus(digits > 6 ? value.toPrecision(3) : Number(value.toFixed(digits))) + (axis.unit ? ` ${axis.unit}` : "");
}

/** What both axes are, for who does not see them. @param {Axis[]} axes */
export function axesText(axes) {
  const ends = (/** @type {Axis} */ axis) => {
    if (axis.kind === "none") return "";
    const categories = axis.labels.length;
    if (axis.kind === "category") return `, ${categories} categories`;
    return ` from ${valueText(axis, axis.low, 100)} to ${valueText(axis, axis.high, 100)}`;
  };
  return axes.map((axis, i) => `${"xy"[i]} is ${quoted(axis.title)}${ends(axis)}`).join("; ");
}

// Ticks.

/** At most about so many ticks between two values. @param {Axis} axis @param {number} from @param {number} to @param {number} most @returns {Tick[]} */
export function ticksOf(axis, from, to, most) {
  const parts = Math.max(1, most);
  if (axis.kind === "none" || !(to > from)) return [];
  if (axis.kind === "category") return categoryTicks(axis, from, to, parts);
  if (axis.kind === "date") return dateTicks(from, to, parts);
  const step = stepOf(to - from, parts);
  const decimals = decimalsOf(step);
  const ticks = [];
  for (let i = Math.ceil(from / step - 1e-9); i * step <= to + step * 1e-9; i += 1) {
    ticks.push({ value: i * step, text: numberText(i * step, decimals) });
  }
  return ticks;
}

/** @param {Axis} axis @param {number} from @param {number} to @param {number} parts @returns {Tick[]} */
function categoryTicks({ labels }, from, to, parts) {
  const step = Math.max(1, Math.ceil((to - from) / parts));
  return labels
    .map((text, value) => ({ value, text }))
    .filter(({ value }) => value % step === 0 && value >= from && value <= to);
}

/** @param {number} from in days since 1970 @param {number} to @param {number} parts @returns {Tick[]} */
function dateTicks(from, to, parts) {
  const span = (to - from) / parts;
  const ticks = [];
  const days = DAY_STEPS.find((step) => step >= span);
  if (days) {
    for (let day = Math.ceil(from / days) * days; day <= to; day += days)
      ticks.push({ value: day, text: dateText(day, 10) });
    return ticks;
  }
  const months = MONTH_STEPS.find((step) => step * 30.4 >= span);
  const step = months ?? 12 * Math.max(1, Math.round(stepOf(span / 365.25, 1)));
  const first = new Date(from * 864e5);
  const day = new Date(0);
  for (let month = Math.ceil((first.getUTCFullYear() * 12 + first.getUTCMonth()) / step) * step; ; month += step) {
    day.setUTCFullYear(Math.floor(month / 12), ((month % 12) + 12) % 12, 1);
    const at = day.getTime() / 864e5;
    // Beyond the last day that there is for a browser, it is none.
    if (!(at <= to)) return ticks;
    if (at >= from) ticks.push({ value: at, text: dateText(at, months ? 7 : 4) });
  }
}

/** @param {number} days since 1970 @param {number} letters of ``2001-05-31`` */
function dateText(days, letters) {
  const date = new Date(days * 864e5);
  return Number.isNaN(date.getTime()) ? "–" : date.toISOString().slice(0, letters);
}

/** The round step that cuts a length into at most so many parts: multiples of it are years, too. @param {number} length @param {number} parts */
function stepOf(length, parts) {
  const raw = length / parts;
  const power = 10 ** Math.floor(Math.log10(raw));
  return power * ([1, 2, 5].find((factor) => factor * power >= raw * 0.999) ?? 10);
}

/** Digits behind the point that tell multiples of a step apart. @param {number} step */
function decimalsOf(step) {
  return Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
}

/** @param {number} value @param {number} decimals */
function numberText(value, decimals) {
  if (decimals > 6 || Math.abs(value) >= 1e9) return minus(value.toPrecision(3));
  return minus(Number(value.toFixed(decimals)) === 0 ? (0).toFixed(decimals) : value.toFixed(decimals));
}

// Drawing.

/** Draw axes, ticks and titles over the edges of the picture. @param {CanvasRenderingContext2D} pen @param {Scene} scene */
export function paintAxes(pen, { axes, fill, insets, view, size, inks, glide }) {
  if (!axes) return;
  const [left, bottom] = [insets.left, size.height - insets.bottom];
  const strength = glide ? glide.share : 1;
  pen.save();
  pen.globalAlpha = 0.9 * strength;
  pen.fillStyle = inks.paper;
  pen.fillRect(0, 0, left, size.height);
  pen.fillRect(left, bottom, size.width - left, insets.bottom);
  pen.globalAlpha = strength;
  pen.strokeStyle = inks.faint;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(left + 0.5, 0);
  pen.lineTo(left + 0.5, bottom + 0.5);
  pen.lineTo(size.width, bottom + 0.5);
  pen.stroke();
  Object.assign(pen, { font: `12px ${inks.font}`, textBaseline: "middle" });
  const corner = toMap(view, size, left, bottom);
  const other = toMap(view, size, size.width, 0);
  const seen = [0, 1].map((way) => [corner[way], other[way]].map((place) => valueAt(axes[way], place / fill[way])));
  const most = [0, 1].map((way) => {
    const [room, apart] = [
      [size.width - left, axes[0].kind === "category" ? CATEGORY_ACROSS : ACROSS],
      [bottom, axes[1].kind === "category" ? CATEGORY_UPWARDS : UPWARDS],
    ][way];
    return Math.floor(room / apart);
  });
  const paint = { pen, view, size, inks, strength, left, bottom };
  const columns = ticksOf(axes[0], seen[0][0], seen[0][1], most[0]).map(({ value, text }) => ({
    text,
    at: toScreen(view, size, placeOf(axes[0], value) * fill[0], 0)[0],
  }));
  const rows = ticksOf(axes[1], seen[1][0], seen[1][1], most[1]).map(({ value, text }) => ({
    text,
    at: toScreen(view, size, 0, placeOf(axes[1], value) * fill[1])[1],
  }));
  paintColumns(paint, columns);
  paintRows(paint, rows);
  paintTitles(paint, axes);
  pen.restore();
}

/** @typedef {{pen: CanvasRenderingContext2D, size: Size, inks: Scene["inks"], strength: number, left: number, bottom: number}} Paint */

/** @param {Paint} paint @param {number} x @param {number} y @param {number} toX @param {number} toY */
function paintGrid({ pen, inks, strength }, x, y, toX, toY) {
  pen.globalAlpha = 0.4 * strength;
  pen.strokeStyle = inks.line;
  pen.beginPath();
  pen.moveTo(x, y);
  pen.lineTo(toX, toY);
  pen.stroke();
  pen.globalAlpha = strength;
}

/** @param {Paint} paint @param {{text: string, at: number}[]} ticks */
function paintColumns(paint, ticks) {
  const { pen, size, inks, left, bottom } = paint;
  const room = ticks.length > 1 ? Math.abs(ticks[1].at - ticks[0].at) - 8 : size.width - left;
  pen.textAlign = "center";
  for (const { text, at } of ticks) {
    if (at < left - 0.5 || at > size.width) continue;
    const x = Math.round(at) + 0.5;
    paintGrid(paint, x, 0, x, bottom + 4);
    pen.fillStyle = inks.faint;
    const written = shortened(pen, plain(text), room);
    const half = pen.measureText(written).width / 2;
    // Beside the corner there is no room for half a text.
    if (at + half > size.width || at - half < 0) continue;
    pen.fillText(written, at, bottom + 13);
  }
}

/** @param {Paint} paint @param {{text: string, at: number}[]} ticks */
function paintRows(paint, ticks) {
  const { pen, size, inks, left, bottom } = paint;
  pen.textAlign = "right";
  for (const { text, at } of ticks) {
    if (at < TOP - 4 || at > bottom + 0.5) continue;
    const y = Math.round(at) + 0.5;
    paintGrid(paint, left - 4, y, size.width, y);
    pen.fillStyle = inks.faint;
    pen.fillText(shortened(pen, plain(text), left - 12), left - 8, Math.min(at, bottom - 5));
  }
}

/** What is upwards stands above its ticks, what is to the right below the last of its. @param {Paint} paint @param {Axis[]} axes */
function paintTitles({ pen, size, inks, left }, [x, y]) {
  pen.font = `600 12px ${inks.font}`;
  pen.fillStyle = inks.ink;
  Object.assign(pen, { lineWidth: 4, lineJoin: "round", strokeStyle: inks.paper });
  const write = (/** @type {string} */ text, /** @type {number} */ px, /** @type {number} */ py) => {
    pen.strokeText(text, px, py);
    pen.fillText(text, px, py);
  };
  pen.textAlign = "left";
  write(`↑ ${shortened(pen, plain(headingOf(y)), size.width - TOOLS)}`, 8, 18);
  pen.textAlign = "right";
  write(`${shortened(pen, plain(headingOf(x)), size.width - left - 30)} →`, size.width - 10, size.height - 12);
}
