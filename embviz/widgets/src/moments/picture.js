/** Pictures of moments: bands upwards, seconds to the right. Only what takes a pen touches the page. */
import { brief, paintRamp } from "../base/canvas.js";
import { clamp, timeTicks, timeToX } from "../base/time.js";

/**
 * @import { Inks, Pen } from "../base/canvas.js" @import { View } from "../base/time.js"
 * @typedef {{left: number, top: number, width: number, tall: number}} Box of a picture, in pixels
 * @typedef {{codes: Uint8Array, bands: number, frames: number}} Cells codes [bands, t], the lowest band first
 * @typedef {{hz: number, label: string, y: number}} HzTick
 */

/** Pixels beside a picture, for the labels of its axes. */
export const MARGIN = { left: 34, top: 4, right: 6, bottom: 16 };
const ROUND = [20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000];
const APART = 13; // pixels between two labels of frequency

/**
 * Pictures that lie one behind the other.
 * @param {Uint8Array} bytes @param {[number, number][]} shapes bands and frames of each; [0, 0] where there is none
 * @returns {(Cells | null)[]}
 */
export function cellsOf(bytes, shapes) {
  let at = 0;
  return shapes.map(([bands, frames]) => {
    const codes = bytes.subarray(at, at + bands * frames);
    at += bands * frames;
    return codes.length && codes.length === bands * frames ? { codes, bands, frames } : null;
  });
}

/**
 * The pixels of a picture, the highest band at the top.
 * @param {Cells} cells @param {Uint32Array} colors a word for each code; words[0] is what is empty
 */
export function pixelsOf({ codes, bands, frames }, colors) {
  const words = new Uint32Array(bands * frames);
  for (let band = 0; band < bands; band += 1) {
    const row = (bands - 1 - band) * frames;
    for (let frame = 0; frame < frames; frame += 1) words[row + frame] = colors[codes[band * frames + frame]];
  }
  return words;
}

/**
 * Where a frequency lies among bands, from 0 at the lower edge of the lowest to their number at the upper edge of the
 * highest: between two centres evenly, and as far beyond the outer ones as half a band reaches; else NaN.
 * @param {number} hz @param {number[]} centers of the bands
 */
export function bandOf(hz, centers) {
  const n = centers.length;
  if (n < 2) return NaN;
  let above = centers.findIndex((center) => center >= hz);
  if (above < 0) above = n - 1;
  const upper = clamp(above, 1, n - 1);
  const [from, to] = [centers[upper - 1], centers[upper]];
  const place = upper - 0.5 + (hz - from) / (to - from);
  return place >= 0 && place <= n ? place : NaN;
}

/** @param {number} hz @returns {string} such as ``200`` or ``5k`` */
export function hzText(hz) {
  return hz >= 1000 ? `${Number((hz / 1000).toPrecision(3))}k` : String(Math.round(hz));
}

/**
 * Ticks of the axis of frequency: round ones, each far enough above the one below.
 * @param {number[]} centers @param {number} tall in pixels @returns {HzTick[]} `y` counts from the top
 */
export function hzTicks(centers, tall) {
  /** @type {HzTick[]} */
  const ticks = [];
  for (const hz of ROUND) {
    const y = tall * (1 - bandOf(hz, centers) / centers.length);
    if (!(y >= 5 && y <= tall - 2) || (ticks.length && ticks[ticks.length - 1].y - y < APART)) continue;
    ticks.push({ hz, label: hzText(hz), y });
  }
  return ticks;
}

/** @param {Pen} pen @param {Box} box @param {Cells} cells @param {Uint32Array} colors */
export function paintPicture(pen, { left, top, width, tall }, cells, colors) {
  const image = document.createElement("canvas");
  Object.assign(image, { width: cells.frames, height: cells.bands });
  const words = pixelsOf(cells, colors);
  const pixels = new Uint8ClampedArray(/** @type {ArrayBuffer} */ (words.buffer));
  image.getContext("2d")?.putImageData(new ImageData(pixels, cells.frames, cells.bands), 0, 0);
  // Cells keep their borders until they are smaller than pixels.
  pen.imageSmoothingEnabled = cells.frames > width * (globalThis.devicePixelRatio || 1);
  pen.drawImage(image, left, top, width, tall);
}

/**
 * Frequency at the left and time below, with their units at the ends.
 * @param {Pen} pen @param {Box} box @param {Inks} inks @param {number[]} centers @param {View} view in seconds
 * @param {(seconds: number) => string} [said] what is written at a time; by default minutes and seconds
 */
export function paintAxes(pen, { left, top, width, tall }, inks, centers, view, said) {
  pen.font = `10px ${inks.font}`;
  pen.strokeStyle = inks.line;
  pen.strokeRect(left - 0.5, top - 0.5, width + 1, tall + 1);
  pen.fillStyle = inks.faint;
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  const ticks = hzTicks(centers, tall);
  for (const [i, { label, y }] of ticks.entries()) {
    pen.fillRect(left - 4, Math.round(top + y), 3, 1);
    pen.fillText(
      i === ticks.length - 1 ? `${label.replace(/k$/, " k")}Hz`.replace(/(\d)Hz/, "$1 Hz") : label,
      left - 6,
      top + y,
    );
  }
  pen.textAlign = "center";
  pen.textBaseline = "top";
  for (const { time, label } of timeTicks(view, width, 44)) {
    const x = Math.round(left + timeToX(time, view, width));
    pen.fillRect(x, top + tall + 1, 1, 3);
    pen.fillText(said ? said(time) : label, clamp(x, left + 8, left + width - 10), top + tall + 5);
  }
}

/** The frequencies that a moment is about, between two lines. @param {Pen} pen @param {Box} box @param {number[]} centers @param {number[]} hertz */
export function paintBand(pen, { left, top, width, tall }, centers, [low, high]) {
  const ends = [low, high].map((hz) => {
    const place = bandOf(clamp(hz, centers[0] ?? 0, centers.at(-1) ?? 0), centers);
    return Math.round(top + tall * (1 - place / centers.length)) + 0.5;
  });
  if (!ends.every(Number.isFinite)) return;
  pen.save();
  for (const [color, dash] of /** @type {const} */ ([
    ["#000000", []],
    ["#ffffff", [4, 3]],
  ])) {
    pen.strokeStyle = color;
    pen.setLineDash([...dash]);
    for (const y of ends) {
      pen.beginPath();
      pen.moveTo(left, y);
      pen.lineTo(left + width, y);
      pen.stroke();
    }
  }
  pen.restore();
}

/**
 * What colours mean, beside a picture: a bar with the values at its ends, and zero between them.
 * @param {Pen} pen @param {Box} box of the picture @param {Inks} inks
 * @param {{map: import("../types.js").MapName, low: number, high: number}} legend
 */
export function paintLegend(pen, { left, top, width, tall }, inks, { map, low, high }) {
  const x = left + width + 10;
  paintRamp(pen, map, { x, y: top, width: 8, tall });
  pen.strokeStyle = inks.line;
  pen.strokeRect(x - 0.5, top - 0.5, 9, tall + 1);
  pen.fillStyle = inks.faint;
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  const values = low < 0 && high > 0 ? [high, 0, low] : [high, low];
  for (const [i, value] of values.entries()) {
    const y = top + 5 + (i / (values.length - 1)) * (tall - 10);
    pen.fillText(
      `${value > 0 && low < 0 ? "+" : ""}${brief(Math.abs(value) < (high - low) * 1e-3 ? 0 : value)}`,
      x + 13,
      y,
    );
  }
}
