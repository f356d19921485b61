/** Pinned dimensions: curves below the heatmap, between the same gutters. */

import { penOf } from "../base/canvas.js";
import { STEPS } from "../base/color_scale.js";
import { stroke } from "../base/colormaps.js";
import { h } from "../base/dom.js";
import { formatValue, roughValue } from "../base/format.js";
import { fullName, plain } from "../base/labels.js";
import { columnAt, framesOf, strongest } from "../base/raster.js";
import { clamp, frameEdge, frameTime } from "../base/time.js";
import { timeGestures } from "../player/gestures.js";
import { cover, place } from "./overlays.js";

const TALL = 50; // pixels of a strip
const PADDING = 4; // above and below its plot, together
const SWATCH = { width: 26, height: 8 };

/**
 * @import { Grid, View } from "../base/time.js"
 * @import { Field } from "./heatmap_model.js"
 * @typedef {{x: number, code: number}} Point
 */

/**
 * A dimension as a line: the centre of each frame, or where frames are denser than pixels, the lowest and the highest
 * of each pixel. Runs end where cells are empty.
 * @param {Uint8Array} codes of one dimension @param {{from: number, step: number}} frames @param {number} width in pixels
 * @param {Grid | null} [grid] where frames may not be evenly spaced
 * @returns {{x: number, code: number}[][]} runs of points, in pixels
 */
export function lineOf(codes, { from, step }, width, grid = null) {
  return step <= 1 ? plainLine(codes, from, step, width, grid) : pooledRuns(codes, from, step, width);
}

/** @param {Uint8Array} codes @param {number} from @param {number} step @param {number} width @param {Grid | null} grid */
function plainLine(codes, from, step, width, grid) {
  const first = clamp(Math.floor(from) - 1, 0, codes.length);
  const stop = clamp(Math.ceil(from + width * step) + 1, 0, codes.length);
  const points = [];
  for (let i = first; i < stop; i += 1) {
    const center = grid ? (frameTime(grid, i) - frameEdge(grid, 0)) * (grid.sample_rate / grid.hop) : i + 0.5;
    points.push([{ x: (center - from) / step, code: codes[i] }]);
  }
  return runsOf(points);
}

/** @param {Uint8Array} codes @param {number} from @param {number} step @param {number} width */
function pooledRuns(codes, from, step, width) {
  const points = [];
  for (let x = 0; x < width; x += 1) {
    const [first, stop] = columnAt(from, step, codes.length, x);
    const low = strongest(codes, first, stop, 256);
    const high = strongest(codes, first, stop, 0);
    points.push([
      { x: x + 0.5, code: low },
      { x: x + 0.5, code: high },
    ]);
  }
  return runsOf(points);
}

/** @param {Point[][]} groups of points that are empty together @returns {Point[][]} */
function runsOf(groups) {
  /** @type {Point[]} */
  let run = [];
  const runs = [run];
  for (const group of groups) {
    if (group[0].code) run.push(...group);
    else if (run.length) {
      run = [];
      runs.push(run);
    }
  }
  return runs.filter((points) => points.length);
}

/** One strip: the name of a dimension, its curve, and its values. */
class Strip {
  name = h("span.ev-heatmap-pin-name", { dir: "auto" });
  swatch = h("canvas.ev-heatmap-swatch", { "aria-hidden": "true" });
  canvas = h("canvas.ev-heatmap-line", { role: "img" });
  playhead = h("div.ev-playhead");
  hover = h("div.ev-heatmap-hover", { hidden: true });
  range = h("div.ev-range", { hidden: true });
  unit = h("span.ev-heatmap-pin-name.ev-faint");
  high = h("span.ev-faint");
  value = h("strong");
  mean = h("span.ev-heatmap-pin-mean", { hidden: true });
  low = h("span.ev-faint");
  end = new AbortController();
  color = "";
  /** @type {number[]} */
  dash = [];
  /** @type {number | null | undefined} the frame that the value is of */
  frame = undefined;

  /** @param {number} dimension @param {() => void} unpin */
  constructor(dimension, unpin) {
    this.dimension = dimension;
    this.close = h("button.ev-plain.ev-heatmap-unpin", { type: "button", onclick: unpin }, "×");
    const tools = h("div", {}, this.swatch, this.close);
    const side = h("div.ev-heatmap-pin-side", {}, this.name, this.unit, tools);
    const plot = h("div.ev-heatmap-pin-plot", {}, this.canvas, this.range, this.hover, this.playhead);
    const values = h("div.ev-heatmap-pin-values", {}, this.high, this.value, this.mean, this.low);
    this.el = h("div.ev-heatmap-pin", { style: { height: `${TALL}px` } }, side, plot, values);
  }

  /** @param {Field} field @param {{color: string, dash: number[]}} stroke */
  dress({ labels, unit, ranges }, { color, dash }) {
    const name = fullName(this.dimension, labels);
    this.name.textContent = labels.length ? name : `dim. ${name.split(" ")[1]}`;
    this.name.title = name;
    this.close.setAttribute("aria-label", `Unpin ${name}`);
    this.close.title = `Unpin ${name}`;
    this.canvas.setAttribute("aria-label", `Curve of ${name}`);
    this.unit.textContent = this.unit.title = plain(unit, 40);
    this.high.textContent = formatValue(ranges[2 * this.dimension + 1]);
    this.low.textContent = formatValue(ranges[2 * this.dimension]);
    [this.color, this.dash, this.frame] = [color, dash, undefined];
    const pen = penOf(this.swatch, SWATCH.width, SWATCH.height);
    Object.assign(pen, { strokeStyle: color, lineWidth: 2 });
    pen.setLineDash(dash);
    pen.beginPath();
    pen.moveTo(0, SWATCH.height / 2);
    pen.lineTo(SWATCH.width, SWATCH.height / 2);
    pen.stroke();
  }

  /** @param {Field} field @param {View} view @param {number} width */
  draw({ codes, t, grid }, view, width) {
    const { dimension, color } = this;
    const pen = penOf(this.canvas, width, TALL - PADDING);
    const own = codes.subarray(dimension * t, (dimension + 1) * t);
    const y = (/** @type {number} */ code) => 3 + (1 - (code - 1) / STEPS) * (TALL - PADDING - 6);
    const frames = framesOf(grid, view, width);
    Object.assign(pen, { strokeStyle: color, fillStyle: color, lineWidth: 1.5, lineJoin: "round" });
    // Dashes on what jumps within a pixel would only look broken.
    pen.setLineDash(frames.step <= 0.5 ? this.dash : []);
    for (const [begin, ...rest] of lineOf(own, frames, width, grid)) {
      pen.beginPath();
      pen.moveTo(begin.x, y(begin.code));
      for (const { x, code } of rest) pen.lineTo(x, y(code));
      pen.stroke();
      if (!rest.length) pen.fillRect(begin.x - 2, y(begin.code) - 2, 4, 4);
    }
  }
}

/** Strips below the heatmap, a curve each, between the same gutters. */
export class Pins {
  /** @type {Strip[]} */
  strips = [];
  /** @type {Field | null} */
  field = null;
  el = h("div.ev-heatmap-pins", { role: "group", "aria-label": "Pinned dimensions" });

  /**
   * @param {import("../player/clock.js").Clock} clock @param {AbortSignal} signal
   * @param {(dimension: number) => void} unpin
   */
  constructor(clock, signal, unpin) {
    this.clock = clock;
    this.signal = signal;
    this.unpin = unpin;
  }

  /** Show these dimensions; strips that stay are kept, with their focus. @param {Field} field @param {number[]} pins */
  show(field, pins, dark = false) {
    this.field = field;
    const before = new Map(this.strips.map((strip) => [strip.dimension, strip]));
    for (const [dimension, strip] of before) if (!pins.includes(dimension)) strip.end.abort();
    this.strips = pins.map((dimension) => before.get(dimension) ?? this.#strip(dimension));
    for (const [i, strip] of this.strips.entries()) strip.dress(field, stroke(i, dark));
    const shown = this.strips.map((strip) => strip.el);
    if (shown.some((el, i) => this.el.children[i] !== el) || this.el.children.length !== shown.length) {
      this.el.replaceChildren(...shown);
    }
    this.el.hidden = !shown.length;
  }

  /** @param {number} dimension */
  #strip(dimension) {
    const strip = new Strip(dimension, () => this.unpin(dimension));
    const { signal } = strip.end;
    this.signal.addEventListener("abort", () => strip.end.abort(), { once: true, signal });
    const plot = () => ({ left: 0, width: strip.canvas.clientWidth });
    timeGestures(strip.canvas, this.clock, { signal, plot });
    return strip;
  }

  /** @param {View} view @param {number} width */
  draw(view, width) {
    for (const strip of this.strips) if (this.field) strip.draw(this.field, view, width);
  }

  /** Move the playheads, and say the values there. @param {number | null} frame @param {number | null} x */
  follow(frame, x) {
    for (const strip of this.strips) {
      place(strip.playhead, x);
      if (strip.frame === frame || !this.field) continue;
      strip.frame = frame;
      const { codes, t, ranges } = this.field;
      const code = frame === null ? 0 : codes[strip.dimension * t + frame];
      strip.value.textContent = roughValue(code, ranges, strip.dimension);
    }
  }

  /** Say the mean of the range beside each curve. @param {import("./mean_column.js").MeanColumn} column */
  mean(column) {
    for (const { mean, dimension } of this.strips) {
      mean.hidden = !column.means;
      mean.textContent = `mean ${column.of(dimension)}`;
      mean.title = column.text;
    }
  }

  /** @param {number | null} x */
  hover(x) {
    for (const strip of this.strips) place(strip.hover, x);
  }

  /** @param {[number, number] | null} span @param {View} view @param {number} width */
  range(span, view, width) {
    for (const strip of this.strips) cover(strip.range, span, view, width);
  }
}
