/** The novelty of a track below its self-similarity: a curve on the same axis, and the boundaries at its peaks. */
import { minus } from "../base/canvas.js";
import { h } from "../base/dom.js";
import { clamp, formatTime, timeToX } from "../base/time.js";

/**
 * @typedef {{times: Float32Array, values: Float32Array, boundaries: number[]}} Novelty in seconds; one value for each time
 */

/** Pixels of the curve, and between it and the square. */
export const LANE = 52;
export const GAP = 8;

const NEAR = 4; // pixels from a boundary within which the pointer is on it

/**
 * The value at a time: that of the nearest frame, or null where there is none.
 * @param {Novelty} novelty @param {number} seconds
 */
export function noveltyAt({ times, values }, seconds) {
  if (!times.length) return null;
  let [low, high] = [0, times.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (times[middle] <= seconds) low = middle;
    else high = middle;
  }
  const nearest = Math.abs(times[high] - seconds) < Math.abs(times[low] - seconds) ? high : low;
  return Number.isFinite(values[nearest]) ? values[nearest] : null;
}

/**
 * What the pointer is told of a time: the boundary that it is on, or the value there.
 * @param {Novelty} novelty @param {number} seconds @param {number} perPixel seconds of a pixel
 * @returns {[time: string, value: string]}
 */
export function noveltySaid(novelty, seconds, perPixel) {
  const near = novelty.boundaries.find((time) => Math.abs(time - seconds) <= NEAR * perPixel);
  const value = noveltyAt(novelty, near ?? seconds);
  const said = value === null ? "no value here" : `novelty ${minus(value.toPrecision(2))}`;
  return near === undefined ? [formatTime(seconds, 1), said] : [`boundary at ${formatTime(near, 1)}`, said];
}

/**
 * The curve in view, and one point beyond it on both sides: the highest value of each pixel, as there may be thousands.
 * @param {Novelty} novelty @param {import("../base/time.js").View} view @param {number} side in pixels
 * @returns {[x: number, value: number][]}
 */
export function curveOf({ times, values }, view, side) {
  const first = Math.max(0, times.findIndex((time) => time >= view[0]) - 1);
  /** @type {[number, number][]} */
  const line = [];
  for (let i = first; i < times.length; i += 1) {
    const [x, value] = [timeToX(times[i], view, side), values[i] || 0];
    const last = line.at(-1);
    if (!last || Math.floor(x) > Math.floor(last[0])) line.push([x, value]);
    else if (value > last[1]) line[line.length - 1] = [x, value];
    if (times[i] > view[1]) break;
  }
  return line;
}

/** What a screen reader is told. @param {number[]} boundaries */
export function boundariesSaid(boundaries) {
  if (!boundaries.length) return "No boundaries were found.";
  const listed = boundaries.slice(0, 30).map((time) => formatTime(time, 1));
  const more = boundaries.length > listed.length ? ` and ${boundaries.length - listed.length} more` : "";
  return `${boundaries.length === 1 ? "1 boundary" : `${boundaries.length} boundaries`}: ${listed.join(", ")}${more}.`;
}

/**
 * The curve over the stretch of time that the square shows.
 * @param {import("./picture.js").Scene} scene @param {Novelty} novelty
 */
export function paintNovelty({ pen, inks, square, view }, { times, values, boundaries }) {
  const { left, side } = square;
  const top = square.top + side + GAP;
  const floor = top + LANE;
  let most = 0;
  for (const value of values) if (value > most) most = value;
  const yOf = (/** @type {number} */ value) => floor - (most > 0 ? clamp(value / most, 0, 1) : 0) * (LANE - 7);
  pen.save();
  pen.beginPath();
  pen.rect(left, top, side, LANE);
  pen.clip();
  pen.fillStyle = inks.panel;
  pen.fillRect(left, top, side, LANE);
  pen.beginPath();
  const line = curveOf({ times, values, boundaries }, view, side);
  pen.moveTo(left + (line[0]?.[0] ?? 0), floor);
  for (const [x, value] of line) pen.lineTo(left + x, yOf(value));
  pen.lineTo(left + (line.at(-1)?.[0] ?? 0), floor);
  pen.globalAlpha = 0.28;
  pen.fillStyle = inks.accent;
  pen.fill();
  pen.globalAlpha = 1;
  pen.strokeStyle = inks.accent;
  pen.stroke();
  for (const time of boundaries) {
    const x = Math.round(left + timeToX(time, view, side)) + 0.5;
    pen.fillStyle = inks.ink;
    pen.fillRect(x - 0.5, top, 1, LANE);
    pen.beginPath();
    pen.arc(x, yOf(noveltyAt({ times, values, boundaries }, time) ?? 0), 3.5, 0, 7);
    pen.fill();
  }
  pen.restore();
  pen.strokeStyle = inks.line;
  pen.strokeRect(left - 0.5, top - 0.5, side + 1, LANE + 1);
  pen.fillStyle = inks.faint;
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  pen.fillText("novelty", left - 10, top + LANE / 2);
}

/** What lies over the curve, and follows the clock. */
export class NoveltyStage {
  head = h("div.ev-playhead");
  range = h("div.ev-range", { hidden: true });
  hair = h("div.ev-similarity-hair.ev-similarity-hair-x");
  el = h("div.ev-similarity-novelty", { hidden: true }, this.range, this.hair, this.head);

  /** @param {import("../player/clock.js").Clock} clock @param {number} side of the square in pixels */
  follow({ time, range, view }, side) {
    const shown = view[1] > view[0];
    this.head.style.transform = `translateX(${shown ? timeToX(time, view, side) : -9}px)`;
    this.range.hidden = !range || !shown;
    if (!range || !shown) return;
    const [a, b] = range.map((end) => timeToX(end, view, side));
    Object.assign(this.range.style, { left: `${a}px`, width: `${b - a}px` });
  }

  /** @param {number | null} x pixels of the pointer; null is none */
  cross(x) {
    this.hair.style.display = x === null ? "none" : "block";
    this.hair.style.transform = `translateX(${x ?? 0}px)`;
  }
}
