/** The picture of a self-similarity: its cells, sections, axes and colours, painted on one canvas. */
import { minus, paintRamp, shortened } from "../base/canvas.js";
import { timeToX } from "../base/time.js";
import { axisTicks, shownCells } from "./matrix.js";

/**
 * @typedef {import("../base/canvas.js").Pen} Pen
 * @typedef {import("../base/canvas.js").Inks} Inks
 * @typedef {{name: string, start: number}} Section
 * @typedef {{left: number, top: number, side: number, floor: number}} Square `floor` is where the time axis lies, below
 *   the square and what is on its axis, too
 * @typedef {{pen: Pen, inks: Inks, square: Square, view: import("../base/time.js").View}} Scene
 */

/** @type {import("../types.js").MapName} */
export const MAP = "viridis";
/** Pixels below the square, for the labels of its axis. */
export const FOOT = 24;
/** Pixels above the square, for the names of sections. */
export const HEAD = 18;

const BAR = { gap: 14, width: 10, ticks: 5 };

/** @param {Scene} scene @param {import("./matrix.js").Matrix} matrix @param {HTMLCanvasElement} image its pixels */
export function paintCells({ pen, inks, square, view }, { n, grid }, image) {
  const { left, top, side } = square;
  pen.fillStyle = inks.panel;
  pen.fillRect(left, top, side, side);
  if (!n || !(view[1] > view[0])) return;
  const { from, to, start, end } = shownCells(grid, view, side);
  pen.save();
  pen.beginPath();
  pen.rect(left, top, side, side);
  pen.clip();
  // Cells keep their sharp borders until they are smaller than pixels.
  pen.imageSmoothingEnabled = to - from > side * (globalThis.devicePixelRatio || 1);
  const length = end - start;
  pen.drawImage(image, from, n - to, to - from, to - from, left + start, top + side - end, length, length);
  pen.restore();
}

/** @param {Scene} scene @param {Section[]} sections @param {number} duration of the track in seconds */
export function paintSections(scene, sections, duration) {
  const { pen, inks, square, view } = scene;
  const { left, top, side } = square;
  sections.forEach(({ name, start }, i) => {
    const next = Math.min(sections[i + 1]?.start ?? duration, view[1]);
    if (start >= view[1] || next <= view[0]) return;
    const x = timeToX(Math.max(start, view[0]), view, side);
    const room = timeToX(next, view, side) - x - 6;
    pen.fillStyle = inks.faint;
    pen.fillRect(Math.round(left + x), top - HEAD + 3, 1, HEAD - 3);
    pen.textAlign = "left";
    pen.textBaseline = "middle";
    pen.fillText(shortened(pen, String(name), room), left + x + 5, top - HEAD / 2);
    if (start > view[0]) paintCross(scene, x, [2, 3], 0.45);
  });
}

/** Boundaries that were found, on both axes; known sections are dashed. @param {Scene} scene @param {number[]} boundaries */
export function paintBoundaries(scene, boundaries) {
  const { view, square } = scene;
  for (const time of boundaries) {
    if (time > view[0] && time < view[1]) paintCross(scene, timeToX(time, view, square.side), [], 0.75);
  }
}

/**
 * A moment on both axes, faint enough to leave the cells to be seen.
 * @param {Scene} scene @param {number} x @param {number[]} dashes @param {number} alpha
 */
function paintCross({ pen, square: { left, top, side } }, x, dashes, alpha) {
  pen.save();
  pen.globalAlpha = alpha;
  pen.setLineDash(dashes);
  pen.strokeStyle = "#ffffff";
  pen.beginPath();
  const [at, level] = [Math.round(left + x) + 0.5, Math.round(top + side - x) + 0.5];
  pen.moveTo(at, top);
  pen.lineTo(at, top + side);
  pen.moveTo(left, level);
  pen.lineTo(left + side, level);
  pen.stroke();
  pen.restore();
}

/** Both axes alike: a mark and its time at each end, and between them. @param {Scene} scene */
export function paintAxes({ pen, inks, square, view }) {
  const { left, top, side, floor } = square;
  pen.strokeStyle = inks.line;
  pen.strokeRect(left - 0.5, top - 0.5, side + 1, side + 1);
  pen.fillStyle = inks.faint;
  for (const { time, label, end } of axisTicks(view, side)) {
    const x = timeToX(time, view, side);
    const long = end ? 7 : 4;
    const [at, level] = [Math.round(left + x), Math.round(top + side - x)];
    pen.fillRect(at, floor + 1, 1, long);
    pen.fillRect(left - 1 - long, level, long, 1);
    pen.textAlign = "center";
    pen.textBaseline = "top";
    pen.fillText(label, at, floor + 9);
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    pen.fillText(label, left - 10, level);
  }
}

/** @param {Scene} scene @param {import("./matrix.js").Matrix} matrix */
export function paintBar({ pen, inks, square }, { low, high }) {
  const { top } = square;
  const x = square.left + square.side + BAR.gap;
  const tall = Math.min(square.side, 200);
  paintRamp(pen, MAP, { x, y: top, width: BAR.width, tall });
  pen.strokeStyle = inks.line;
  pen.strokeRect(x - 0.5, top - 0.5, BAR.width + 1, tall + 1);
  pen.fillStyle = inks.faint;
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  for (let i = 0; i < BAR.ticks; i += 1) {
    const share = i / (BAR.ticks - 1);
    const y = Math.round(top + share * (tall - 1));
    pen.fillRect(x + BAR.width + 1, y, 3, 1);
    pen.fillText(minus(Number((high - share * (high - low)).toFixed(2))), x + BAR.width + 7, y + 0.5);
  }
}
