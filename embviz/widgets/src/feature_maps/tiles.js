/**
 * Maps as they are drawn: bands upwards, time to the right; or pooled over either.
 *
 * A block of one channel is coloured once; a moving map then is that picture, drawn again a little further to the left.
 */

import { brief, colorsOf, decoded, paintRamp, shortened } from "../base/canvas.js";
import { palette } from "../base/colormaps.js";
import { h } from "../base/dom.js";
import { measured, nameOf, plain, rowLabels, rowsOf } from "../base/labels.js";
import { clamp, evenRuns, formatTime, frameAt, frameEdge, GUTTER, timeTicks, timeToX } from "../base/time.js";
import { framesOf, overBands, overTime } from "./blocks.js";

/**
 * @typedef {import("./blocks.js").Block} Block
 * @typedef {import("./blocks.js").Frames} Frames
 * @typedef {import("../base/canvas.js").Pen} Pen
 * @typedef {[number, number]} Pair
 * @typedef {{channel: number, blocks: Block[], width: number, tall: number}} Picture a map of so many pixels
 * @typedef {{grid: import("../base/time.js").Grid, bands: number, names: string[], ranges: Float32Array,
 *   ends: Float32Array}} Layer with what its bands are called, where that is known, and from where to where values
 *   (`ranges`) and colours (`ends`) reach, a pair per channel
 */

/** @type {import("../types.js").MapName} */
export const MAP = "viridis";
export const LARGE = 300; // pixels of the enlarged map
export const FOOT = 24; // pixels below it, for its axis

/**
 * Columns for so many tiles: about four rows, as far as tiles stay wide enough to be read; all rows full.
 * @param {number} width @param {number} count
 */
export function columnsFor(width, count) {
  const most = Math.max(1, Math.floor(width / 116));
  let columns = Math.min(most, Math.max(4, Math.ceil(count / 4)), count);
  while (columns > 1 && count % columns) columns -= 1;
  return columns;
}

/**
 * The band at a distance from the top of a map; the lowest band is at the bottom.
 * @param {number} y @param {number} tall @param {number} bands
 */
export function bandAt(y, tall, bands) {
  return clamp(bands - 1 - Math.floor((y / tall) * bands), 0, bands - 1);
}

/** Lowest and highest value of all channels. @param {Float32Array} ranges @returns {Pair} */
function limitsOf(ranges) {
  let [low, high] = [Infinity, -Infinity];
  ranges.forEach((value, i) => {
    if (i % 2 === 0 && value < low) low = value;
    if (i % 2 === 1 && value > high) high = value;
  });
  return high >= low ? [low, high] : [0, 0];
}

/** How the maps of a layer look: the scales of its channels, and what is pooled. */
export class Look {
  /** @type {import("../base/canvas.js").Inks} */
  inks = { ink: "", faint: "", line: "", paper: "", panel: "", accent: "", font: "" };

  /** @param {import("../types.js").Model} model @param {Layer} layer */
  constructor(model, { grid, bands, names, ranges, ends }) {
    this.model = model;
    this.grid = grid;
    this.bands = bands;
    this.names = names.length === bands ? names : [];
    this.ranges = ranges;
    this.ends = ends;
    this.limits = limitsOf(ranges);
    this.common = limitsOf(ends);
  }

  /** @returns {"none" | "time" | "frequency"} */
  get pooled() {
    return this.model.get("pooled");
  }

  get unit() {
    return this.model.get("unit") || "";
  }

  get #shared() {
    return this.model.get("scale") === "layer";
  }

  /** @param {number} channel @returns {Pair} */
  range(channel) {
    return [this.ranges[2 * channel], this.ranges[2 * channel + 1]];
  }

  /** From where to where curves reach. @param {number} channel */
  scaleOf(channel) {
    return this.#shared ? this.limits : this.range(channel);
  }

  /**
   * From where to where colours reach; rare values beyond have the colours of the ends.
   * @param {number} channel @returns {Pair}
   */
  endsOf(channel) {
    return this.#shared ? this.common : [this.ends[2 * channel], this.ends[2 * channel + 1]];
  }

  /** Place of a value between the ends of a channel's scale, 0 to 1. @param {number} channel @param {number} value */
  share(channel, value) {
    const [low, high] = this.scaleOf(channel);
    return high > low ? clamp((value - low) / (high - low), 0, 1) : 0.5;
  }

  /** Mean and highest value of each frame of a block. @param {Block} block @param {number} channel */
  pooledOf(block, channel) {
    block.pooled ??= overBands(block, this.bands, this.range(channel));
    return block.pooled;
  }

  /**
   * @param {Pen} pen @param {Picture} map @param {Pair} stretch of time @param {Frames} frames that lie in it
   */
  picture(pen, map, stretch, frames) {
    const pooling = this.pooled;
    if (pooling === "time") this.#profile(pen, map, frames);
    else if (pooling === "frequency") this.#strip(pen, map, stretch);
    else this.#map(pen, map, stretch);
  }

  /** @param {Pen} pen @param {Picture} map @param {Pair} stretch */
  #map(pen, { channel, blocks, width, tall }, stretch) {
    const { grid } = this;
    const look = String(this.endsOf(channel));
    const wide = (grid.hop / grid.sample_rate / (stretch[1] - stretch[0])) * width;
    // Cells keep their sharp borders until they are smaller than pixels.
    pen.imageSmoothingEnabled = wide * (globalThis.devicePixelRatio || 1) < 1;
    for (const block of blocks) {
      if (block.look !== look || !block.image) block.image = this.#image(block, channel);
      block.look = look;
      const runs = block.runs ?? evenRuns(grid, block.first, block.first + block.count);
      block.runs = runs;
      for (const [from, to] of runs) {
        const [left, right] = [from, to].map((frame) => timeToX(frameEdge(grid, frame), stretch, width));
        pen.drawImage(block.image, from - block.first, 0, to - from, this.bands, left, 0, right - left, tall);
      }
    }
  }

  /** @param {Block} block @param {number} channel */
  #image({ codes, count }, channel) {
    const f = this.bands;
    const table = colorsOf(this.range(channel), ...this.endsOf(channel), palette(MAP));
    const image = h("canvas", { width: count, height: f });
    const pixels = new Uint32Array(count * f);
    for (let frame = 0; frame < count; frame += 1) {
      for (let band = 0; band < f; band += 1) pixels[(f - 1 - band) * count + frame] = table[codes[frame * f + band]];
    }
    image.getContext("2d")?.putImageData(new ImageData(new Uint8ClampedArray(pixels.buffer), count, f), 0, 0);
    return image;
  }

  /**
   * Pooled over frequency: the mean as an area, the highest as a line, over time.
   * @param {Pen} pen @param {Picture} map @param {Pair} stretch
   */
  #strip(pen, { channel, blocks, width, tall }, stretch) {
    const { grid } = this;
    const level = (/** @type {number} */ value) => tall - 1 - this.share(channel, value) * (tall - 3);
    pen.fillStyle = this.inks.accent;
    pen.strokeStyle = this.inks.ink;
    pen.beginPath();
    for (const block of blocks) {
      const { means, peaks } = this.pooledOf(block, channel);
      const xOf = (/** @type {number} */ i) => timeToX(frameEdge(grid, block.first + i), stretch, width);
      let [left, right] = [0, xOf(0)];
      pen.globalAlpha = 0.45;
      for (let i = 0; i < block.count; i += 1) {
        [left, right] = [right, xOf(i + 1)];
        const [y, peak] = [level(means[i]), level(peaks[i])];
        if (Number.isNaN(y)) continue;
        pen.fillRect(left, y, right - left, tall - y);
        pen.lineTo(left, peak);
        pen.lineTo(right, peak);
      }
    }
    pen.globalAlpha = 1;
    pen.stroke();
  }

  /**
   * Pooled over time: the mean of each band as a bar, the highest as a line, of the frames in the window.
   * @param {Pen} pen @param {Picture} map @param {Frames} frames
   */
  #profile(pen, { channel, blocks, width, tall }, frames) {
    const f = this.bands;
    const { means, peaks } = overTime(blocks, f, this.range(channel), frames);
    const high = tall / f;
    pen.fillStyle = this.inks.accent;
    pen.globalAlpha = 0.45;
    means.forEach((value, band) => {
      if (Number.isNaN(value)) return;
      pen.fillRect(0, tall - (band + 1) * high, this.share(channel, value) * width, high + 0.3);
    });
    pen.globalAlpha = 1;
    pen.strokeStyle = this.inks.ink;
    pen.beginPath();
    peaks.forEach((value, band) => {
      if (Number.isNaN(value)) return;
      const x = clamp(this.share(channel, value) * width, 0.5, width - 1);
      pen.lineTo(x, tall - band * high);
      pen.lineTo(x, tall - (band + 1) * high);
    });
    pen.stroke();
  }
}

/**
 * The frame and the axes of an enlarged map.
 * @param {Pen} pen @param {Look} look
 * @param {{channel: number, width: number, stretch: [number, number], duration: number}} map
 */
export function paintAxes(pen, look, { channel, width, stretch, duration }) {
  const { inks, pooled: pooling } = look;
  const [low, high] = look.scaleOf(channel);
  pen.strokeStyle = inks.line;
  pen.strokeRect(-0.5, 0.5, width + 1, LARGE);
  pen.fillStyle = inks.faint;
  pen.textAlign = "center";
  pen.textBaseline = "top";
  if (pooling === "time") {
    for (const share of [0, 0.5, 1]) pen.fillText(brief(low + share * (high - low)), share * width, LARGE + 8);
  } else {
    for (const { time, label } of timeTicks(stretch, width)) {
      if (time < 0 || time > duration) continue;
      const x = timeToX(time, stretch, width);
      pen.fillRect(x, LARGE, 1, 4);
      pen.fillText(label, x, LARGE + 8);
    }
  }
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  if (pooling === "frequency") {
    for (const share of [0, 0.5, 1]) {
      pen.fillText(brief(low + share * (high - low)), -8, clamp(LARGE * (1 - share), 6, LARGE - 5));
    }
  } else {
    paintBands(pen, look);
  }
  if (pooling === "none") paintKey(pen, look, channel, width);
}

/** @param {Pen} pen @param {Look} look */
function paintBands(pen, { bands, names }) {
  const rows = rowsOf(bands, false, new Uint16Array());
  for (const { row, text } of rowLabels({ rows, labels: names, listed: false }, LARGE)) {
    const y = ((row + 0.5) / bands) * LARGE;
    pen.fillText(text, -8, y);
    pen.fillRect(-5, y, 4, 1);
  }
  pen.save();
  pen.translate(-GUTTER.left + 14, LARGE / 2);
  pen.rotate(-Math.PI / 2);
  pen.textAlign = "center";
  pen.fillText(plain(measured(names)?.unit || "band", 24), 0, 0);
  pen.restore();
}

/** @param {Pen} pen @param {Look} look @param {number} channel @param {number} width */
function paintKey(pen, look, channel, width) {
  const [low, high] = look.endsOf(channel);
  const [least, most] = look.scaleOf(channel);
  const [x, tall] = [width + 14, 160];
  paintRamp(pen, MAP, { x, y: 0, width: 10, tall });
  pen.fillStyle = look.inks.faint;
  pen.textAlign = "left";
  pen.fillText(`${high < most ? "≥ " : ""}${brief(high)}`, x + 15, 6);
  pen.fillText(brief((low + high) / 2), x + 15, tall / 2);
  pen.fillText(`${low > least ? "≤ " : ""}${brief(low)}`, x + 15, tall - 5);
  pen.fillText(shortened(pen, look.unit, 58), x, tall + 14);
}

/**
 * What a map says at a band and a time; the blocks are those that a supply has.
 * @param {Look} look @param {import("./blocks.js").Supply} supply
 * @param {{channel: number, band: number, time: number, stretch: [number, number]}} place @returns {string[]}
 */
export function linesAt(look, supply, { channel, band, time, stretch }) {
  const named = look.names.length ? `band ${band} · ${nameOf(band, look.names)}` : `band ${band}`;
  const withUnit = (/** @type {string} */ text) => (look.unit ? `${text} ${look.unit}` : text);
  /** @param {import("./blocks.js").Pooled} pooled @param {number} i */
  const both = ({ means, peaks }, i) => withUnit(`mean ${brief(means[i])} · highest ${brief(peaks[i])}`);
  if (look.pooled === "time") {
    const frames = framesOf(look.grid, stretch);
    const pooled = overTime(supply.of(channel, frames), look.bands, look.range(channel), frames);
    return [`${named} · ${frames[1] - frames[0]} frames`, both(pooled, band)];
  }
  const frame = frameAt(look.grid, time);
  const block = supply.at(channel, frame);
  if (look.pooled === "frequency") {
    if (!block) return [formatTime(time, 2), "loading …"];
    return [`all bands · ${formatTime(time, 2)}`, both(look.pooledOf(block, channel), frame - block.first)];
  }
  const code = block?.codes[(frame - block.first) * look.bands + band];
  const value = !block ? "loading …" : code ? brief(decoded(code, ...look.range(channel))) : "no value";
  return [`${named} · ${formatTime(time, 2)}`, withUnit(value)];
}
