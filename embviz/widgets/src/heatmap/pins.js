// @ts-nocheck
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
 * A dimension as a line: the centre of each frame, or where frames are denser than pixels, the lowest and the highest
 * of each pixel. Runs end where cells are empty.
 * @param {Uint8Array} codes of one dimension @param {ReturnType<typeof framesOf>} frames
 * @param {import("../base/time.js").Grid} [grid] where frames may not be evenly spaced
 * @returns {{x: number, code: number}[][]} runs of points, in pixels
 */
export function lineOf(codes, { from, step }, width, grid = null) {
  return step <= 1 ? plainLine(codes, from, step, width, grid) : pooledRuns(codes, from, step, width);
}

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

function runsOf(groups) {
  const runs = [[]];
  for (const group of groups) {
    if (group[0].code) runs.at(-1).push(...group);
    else if (runs.at(-1).length) runs.push([]);
  }
  return runs.filter((run) => run.length);
}

/** Strips below the heatmap, a curve each, between the same gutters. */
export class Pins {
  strips = [];

  constructor(clock, signal, unpin) {
    Object.assign(this, { clock, signal, unpin });
    this.el = h("div.ev-heatmap-pins", { role: "group", "aria-label": "Pinned dimensions" });
  }

  /** Show these dimensions; strips that stay are kept, with their focus. */
  show(field, pins, dark) {
    Object.assign(this, { field, dark });
    const before = new Map(this.strips.map((strip) => [strip.dimension, strip]));
    for (const [dimension, strip] of before) if (!pins.includes(dimension)) strip.end.abort();
    this.strips = pins.map((dimension) => before.get(dimension) ?? this.#strip(dimension));
    this.strips.forEach((strip, i) => this.#dress(strip, stroke(i, dark)));
    const shown = this.strips.map((strip) => strip.el);
    if (shown.some((el, i) => this.el.children[i] !== el) || this.el.children.length !== shown.length) {
      this.el.replaceChildren(...shown);
    }
    this.el.hidden = !shown.length;
  }

  #strip(dimension) {
    const end = new AbortController();
    this.signal.addEventListener("abort", () => end.abort(), { once: true, signal: end.signal });
    const strip = { dimension, end, frame: undefined };
    strip.name = h("span.ev-heatmap-pin-name", { dir: "auto" });
    strip.close = h("button.ev-plain.ev-heatmap-unpin", { type: "button", onclick: () => this.unpin(dimension) }, "×");
    strip.swatch = h("canvas.ev-heatmap-swatch", { "aria-hidden": "true" });
    strip.canvas = h("canvas.ev-heatmap-line", { role: "img" });
    strip.playhead = h("div.ev-playhead");
    strip.hover = h("div.ev-heatmap-hover", { hidden: true });
    strip.range = h("div.ev-range", { hidden: true });
    strip.unit = h("span.ev-heatmap-pin-name.ev-faint");
    [strip.high, strip.value, strip.low] = [h("span.ev-faint"), h("strong"), h("span.ev-faint")];
    strip.mean = h("span.ev-heatmap-pin-mean", { hidden: true });
    const side = h("div.ev-heatmap-pin-side", {}, strip.name, strip.unit, h("div", {}, strip.swatch, strip.close));
    const plot = h("div.ev-heatmap-pin-plot", {}, strip.canvas, strip.range, strip.hover, strip.playhead);
    const values = h("div.ev-heatmap-pin-values", {}, strip.high, strip.value, strip.mean, strip.low);
    strip.el = h("div.ev-heatmap-pin", { style: { height: `${TALL}px` } }, side, plot, values);
    timeGestures(strip.canvas, this.clock, {
      signal: end.signal,
      plot: () => ({ left: 0, width: strip.canvas.clientWidth }),
    });
    return strip;
  }

  #dress(strip, { color, dash }) {
    const { labels, unit, ranges } = this.field;
    const name = fullName(strip.dimension, labels);
    strip.name.textContent = labels.length ? name : `dim. ${name.split(" ")[1]}`;
    strip.name.title = name;
    strip.close.setAttribute("aria-label", `Unpin ${name}`);
    strip.close.title = `Unpin ${name}`;
    strip.canvas.setAttribute("aria-label", `Curve of ${name}`);
    strip.unit.textContent = strip.unit.title = plain(unit, 40);
    strip.high.textContent = formatValue(ranges[2 * strip.dimension + 1]);
    strip.low.textContent = formatValue(ranges[2 * strip.dimension]);
    Object.assign(strip, { color, dash, frame: undefined });
    const pen = penOf(strip.swatch, SWATCH.width, SWATCH.height);
    Object.assign(pen, { strokeStyle: color, lineWidth: 2 });
    pen.setLineDash(dash);
    pen.beginPath();
    pen.moveTo(0, SWATCH.height / 2);
    pen.lineTo(SWATCH.width, SWATCH.height / 2);
    pen.stroke();
  }

  draw(view, width) {
    for (const strip of this.strips) this.#draw(strip, view, width);
  }

  #draw({ dimension, canvas, color, dash }, view, width) {
    const { codes, t, grid } = this.field;
    const pen = penOf(canvas, width, TALL - PADDING);
    const own = codes.subarray(dimension * t, (dimension + 1) * t);
    const y = (code) => 3 + (1 - (code - 1) / STEPS) * (TALL - PADDING - 6);
    const frames = framesOf(grid, view, width);
    Object.assign(pen, { strokeStyle: color, fillStyle: color, lineWidth: 1.5, lineJoin: "round" });
    // Dashes on what jumps within a pixel would only look broken.
    pen.setLineDash(frames.step <= 0.5 ? dash : []);
    for (const run of lineOf(own, frames, width, grid)) {
      pen.beginPath();
      run.forEach(({ x, code }, i) => (i ? pen.lineTo(x, y(code)) : pen.moveTo(x, y(code))));
      pen.stroke();
      if (run.length === 1) pen.fillRect(run[0].x - 2, y(run[0].code) - 2, 4, 4);
    }
  }

  /** Move the playheads, and say the values there. */
  follow(frame, x) {
    for (const strip of this.strips) {
      place(strip.playhead, x);
      if (strip.frame === frame) continue;
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

  hover(x) {
    for (const strip of this.strips) place(strip.hover, x);
  }

  range(span, view, width) {
    for (const strip of this.strips) cover(strip.range, span, view, width);
  }
}
