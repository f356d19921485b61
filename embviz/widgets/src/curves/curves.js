/**
 * Curves: the strongest dimensions of an embedding over time, and what they are at the playhead.
 *
 * A curve is a line of steps: each value holds from border to border of its frame's cell, for nothing is known between
 * two frames. Where frames are denser than pixels, each pixel shows the strongest value among them.
 */

import { bytesOf, numbersOf } from "../base/buffers.js";
import { axisOf, decoded, inksOf, minus, numberOn, penOf, shortened, spread, tipPlace } from "../base/canvas.js";
import { h, onChange, onTheme, perFrame, sizeOf, throttled, whileSeen } from "../base/dom.js";
import { clockKeys, KEYS_SAID } from "../base/keys.js";
import { clamp, formatTime, frameAt, frameEdge, frameSpan, GUTTER, timeTicks, timeToX } from "../base/time.js";
import { clockOf } from "../player/clock.js";
import { timeGestures } from "../player/gestures.js";
import { chosen, framesIn, Legend, matching, sample, strokeOf, strokesFor, summary, Tools } from "./legend.js";

const TALL = 190; // pixels of the plot
const EDGE = { top: 8, bottom: 22 };
const LABELS = 10; // curves that are labelled in the plot, and marked at the playhead; more only in the table

/** @import { Inks, Pen } from "../base/canvas.js" */
/** @import { View as Stretch } from "../base/time.js" */
/** @import { Model, RenderOptions } from "../types.js" */
/**
 * @typedef {{cells: Uint8Array, d: number, t: number, ranges: Float32Array, grid: import("../base/time.js").Grid}}
 * Frames
 */

/**
 * The value of a dimension at a frame; NaN where there is none.
 * @param {Frames} frames @param {number} dimension @param {number} frame
 */
export function cellValue({ cells, t, ranges }, dimension, frame) {
  const code = cells[dimension * t + frame];
  return code ? decoded(code, ranges[2 * dimension], ranges[2 * dimension + 1]) : NaN;
}

/**
 * The line of a dimension across a plot: runs of points, x in pixels, y the value; empty cells interrupt it.
 * @param {Frames} frames @param {number} dimension @param {Stretch} view @param {number} width
 * @returns {number[][]} each run as [x, y, x, y, …]
 */
export function lineOf(frames, dimension, view, width) {
  const { grid } = frames;
  const [from, to] = [frameAt(grid, view[0]), frameAt(grid, view[1]) + 1];
  const x0 = timeToX(frameEdge(grid, 0), view, width);
  const wide = (grid.hop / grid.sample_rate / (view[1] - view[0])) * width;
  /** @type {number[][]} */
  const runs = [];
  let open = false;
  /** @param {number} value @param {number[]} xs */
  const add = (value, ...xs) => {
    if (!open && !Number.isNaN(value)) runs.push([]);
    open = !Number.isNaN(value);
    if (open) runs[runs.length - 1].push(...xs.flatMap((x) => [x, value]));
  };
  if (wide >= 1) {
    const xOf = (/** @type {number} */ frame) => timeToX(frameEdge(grid, frame), view, width);
    for (let i = from; i < to; i += 1) add(cellValue(frames, dimension, i), xOf(i), xOf(i + 1));
    return runs;
  }
  for (let i = from; i < to; ) {
    const pixel = Math.floor(x0 + (i + 0.5) * wide);
    let strongest = NaN;
    for (; i < to && Math.floor(x0 + (i + 0.5) * wide) === pixel; i += 1) {
      const value = cellValue(frames, dimension, i);
      if (Number.isNaN(strongest) || Math.abs(value) > Math.abs(strongest)) strongest = value;
    }
    add(strongest, pixel + 0.5);
  }
  return runs;
}

/** @param {RenderOptions} options */
function render({ model, el, signal }) {
  const own = new AbortController();
  new View(model, el, signal ?? own.signal);
  return () => own.abort();
}

class View {
  /** @type {Frames | null} */
  frames = null;
  /** @type {number[]} the dimensions that are shown, the strongest first */
  rows = [];
  /** @type {Map<number, number>} the stroke of each of them */
  slots = new Map();
  axis = axisOf(0, 1, true);
  /** @type {Map<number, HTMLElement>} */
  dots = new Map();
  /** @type {{x: number, y: number} | null} */
  pointer = null;
  /** @type {number | null} the dimension that is pointed at */
  near = null;
  frame = -1;
  dark = false;
  highest = -Infinity;
  /** @type {Stretch} what means are taken of */
  stretch = [0, 0];
  /** @type {ReturnType<typeof summary> | null} */
  sums = null;

  /** @param {Model} model @param {HTMLElement} el @param {AbortSignal} signal */
  constructor(model, el, signal) {
    this.model = model;
    this.signal = signal;
    this.clock = clockOf(model.get("clock"));
    this.legend = new Legend({ onPin: (row, pinned) => this.pin(row, pinned), onPoint: (row) => this.highlight(row) });
    const search = {
      find: (/** @type {string} */ text) => this.found(text),
      take: (/** @type {number} */ row) => this.pin(row, true),
    };
    this.tools = new Tools({ ...search, set: (name, value) => this.set(name, value), signal });
    this.ui = build(this.tools.el, this.legend.el);
    el.append(this.ui.root);
    this.inks = inksOf(this.ui.root);
    this.redraw = whileSeen(this.ui.root, () => this.paint(), signal);
    this.rank = throttled(() => this.choose(), 100, signal);
    this.save = throttled(() => model.save_changes?.(), 100, signal);
    this.room = sizeOf(this.ui.root, this.redraw, signal);
    this.listen();
    this.read();
  }

  listen() {
    const { model, clock, ui, signal } = this;
    const hovered = perFrame(() => this.hover(), signal);
    timeGestures(ui.plot, clock, {
      signal,
      plot: () => ({ left: GUTTER.left, width: this.width }),
      onHover: (event) => {
        const box = ui.plot.getBoundingClientRect();
        this.pointer = event && { x: event.clientX - box.left, y: event.clientY - box.top };
        hovered();
      },
    });
    const options = { signal };
    clockKeys(ui.root, clock, signal);
    clock.on("time", () => this.follow(), options);
    const placeAndRank = () => {
      this.place();
      this.rank();
    };
    const redrawAndRank = () => {
      this.redraw();
      this.rank();
    };
    clock.on("state", placeAndRank, options);
    clock.on("view", redrawAndRank, options);
    clock.on("hover", hovered, options);
    onChange(
      model,
      "cells ranges shape grid labels unit",
      perFrame(() => this.read(), signal),
      signal,
    );
    onChange(model, "top threshold pins", () => this.choose(), signal);
    const sayAndRedraw = () => {
      this.say();
      this.redraw();
    };
    const recolor = (/** @type {boolean} */ dark) => {
      this.dark = dark;
      this.inks = inksOf(ui.root);
      this.table();
    };
    onChange(model, "title height message complete", sayAndRedraw, signal);
    onTheme(ui.root, recolor, signal);
    signal.addEventListener("abort", () => ui.root.remove(), { once: true });
  }

  /** @returns {number[]} the dimensions that are always shown */
  get pins() {
    return this.model.get("pins");
  }

  get width() {
    return Math.max(1, this.room.width - GUTTER.left - GUTTER.right);
  }

  get tall() {
    return Math.max(40, (this.model.get("height") || TALL) - EDGE.top - EDGE.bottom);
  }

  /** @param {string} name of a trait @param {unknown} value */
  set(name, value) {
    this.model.set(name, value);
    this.save();
  }

  /** @param {number} row @returns {string} */
  label(row) {
    return this.model.get("labels")?.[row] ?? `dimension ${row}`;
  }

  /** What the traits say, where they fit together. */
  read() {
    const { model, clock } = this;
    const [d, t] = model.get("shape") ?? [0, 0];
    const cells = bytesOf(model.get("cells"));
    const ranges = numbersOf(model.get("ranges"), Float32Array);
    const grid = model.get("grid");
    const whole = cells.length === d * t && ranges.length === 2 * d && grid?.n_frames === t;
    this.frames = whole && d && t ? { cells, d, t, ranges, grid } : null;
    this.frame = -1;
    if (!this.frames && d && t && !whole) return; // The rest of the traits is on its way.
    if (this.frames && !clock.duration) clock.load(grid.n_samples / grid.sample_rate);
    if (this.frames) this.highest = this.frames.ranges.reduce((a, b) => Math.max(b, a), -Infinity);
    this.choose();
  }

  choose() {
    const { model, frames, clock } = this;
    this.rows = [];
    if (frames) {
      this.stretch = clock.range ?? clock.view;
      const [from, to] = framesIn(frames.grid, this.stretch);
      this.sums = summary(frames, from, to);
      const pins = this.pins.filter((row) => row < frames.d);
      this.rows = chosen(this.sums, { top: model.get("top"), threshold: model.get("threshold"), pins });
      this.slots = strokesFor(this.rows, this.slots);
      this.axis = this.axisOfRows(frames);
    }
    this.table();
    this.say();
  }

  /** @param {Frames} frames */
  axisOfRows({ ranges }) {
    const lows = this.rows.map((row) => ranges[2 * row]).filter((value) => !Number.isNaN(value));
    const highs = this.rows.map((row) => ranges[2 * row + 1]).filter((value) => !Number.isNaN(value));
    const parts = clamp(Math.floor(this.tall / 30), 2, 5);
    const likely = this.model.get("unit") === "probability";
    return axisOf(Math.min(...lows), Math.max(...highs), likely, parts);
  }

  say() {
    const { model, ui, frames, rows } = this;
    const none = frames && Number.isFinite(this.highest) ? "" : "No values to draw.";
    const nothing = rows.length ? "" : "No curve reaches the threshold; lower it, or search for one to add.";
    const waits = model.get("complete") ? "There are no frames to draw." : "The first frames are being computed …";
    const message = model.get("message") || (frames ? none || nothing : waits);
    const names = rows.slice(0, LABELS).map((row) => this.label(row));
    const unit = model.get("unit");
    ui.title.textContent = model.get("title");
    ui.title.title = model.get("title");
    this.tools.el.hidden = !frames || frames.d < 2;
    this.tools.update({ top: model.get("top"), threshold: model.get("threshold"), highest: this.highest });
    ui.more.textContent = frames && !model.get("complete") ? "more frames are being computed …" : "";
    ui.message.textContent = message;
    ui.message.hidden = !message;
    this.legend.el.hidden = !rows.length;
    const label = `${unit || "Values"} over time: ${names.join(", ")}. The table below has the numbers.`;
    ui.canvas.setAttribute("aria-label", message || label);
  }

  // -- the legend -----------------------------------------------------------------------------------------------

  table() {
    const { legend, rows, pins } = this;
    const [a, b] = this.stretch;
    const entry = (/** @type {number} */ row) => ({
      row,
      name: this.label(row),
      pinned: pins.includes(row),
      ...this.stroke(row),
    });
    if (legend.show(rows.map(entry), this.axis, (this.frames?.d ?? 0) > 1)) this.mark();
    const whole = a === 0 && b === this.clock.duration;
    legend.means(whole ? "mean" : `mean ${formatTime(a)}–${formatTime(b)}`, this.sums?.means ?? []);
    this.redraw();
  }

  /** The marks of curves at the playhead. */
  mark() {
    const { rows, ui } = this;
    const dot = (/** @type {number} */ row) => h("i.ev-curves-dot", { style: { background: this.stroke(row).color } });
    this.dots = new Map(rows.length <= LABELS ? rows.map((row) => [row, dot(row)]) : []);
    ui.dots.replaceChildren(...this.dots.values());
    this.frame = -1;
  }

  /** @param {number} row */
  stroke(row, dark = this.dark) {
    return strokeOf(this.slots.get(row) ?? 0, dark);
  }

  /** @param {number} row @param {boolean} pinned */
  pin(row, pinned) {
    const pins = this.pins.filter((other) => other !== row);
    this.set("pins", pinned ? [...pins, row] : pins);
  }

  /** @param {string} text */
  found(text) {
    const { frames, sums } = this;
    if (!frames || !sums) return [];
    const labels = Array.from({ length: frames.d }, (_, row) => this.label(row));
    const mean = (/** @type {number} */ row) => numberOn(this.axis, sums.means[row]);
    return matching(labels, text).map((row) => ({ row, name: labels[row], mean: mean(row) }));
  }

  /** @param {number | null} row */
  highlight(row) {
    if (this.near === row) return;
    this.near = row;
    this.legend.highlight(row);
    this.redraw();
  }

  // -- the plot -------------------------------------------------------------------------------------------------

  paint() {
    const { ui, inks } = this;
    const full = this.room.width;
    if (!full) return;
    const height = this.tall + EDGE.top + EDGE.bottom;
    const box = { left: `${GUTTER.left}px`, top: `${EDGE.top}px`, width: `${this.width}px`, height: `${this.tall}px` };
    ui.plot.style.height = `${height}px`;
    Object.assign(ui.stage.style, box);
    this.legend.el.style.margin = `0 ${GUTTER.right}px 0 ${GUTTER.left}px`;
    const pen = penOf(ui.canvas, full, height);
    pen.font = `11px ${inks.font}`;
    pen.translate(GUTTER.left, EDGE.top);
    this.paintAxes(pen, inks);
    if (this.frames && this.clock.view[1] > this.clock.view[0]) {
      const { frames, near } = this;
      for (const row of this.rows) if (row !== near) this.paintLine(pen, frames, row);
      if (near !== null && this.rows.includes(near)) this.paintLine(pen, frames, near);
      if (this.rows.length <= LABELS) this.paintLabels(pen, frames);
    }
    this.follow();
    this.place();
    this.hover();
  }

  /** @param {number} value */
  y(value) {
    return this.tall * (1 - (value - this.axis.low) / (this.axis.high - this.axis.low));
  }

  /** @param {Pen} pen @param {Inks} inks */
  paintAxes(pen, inks) {
    const { axis, width, tall, clock } = this;
    const decimals = Math.max(0, -Math.floor(Math.log10((axis.ticks[1] ?? 1) - (axis.ticks[0] ?? 0)) + 1e-9));
    const round = axis.ticks.some((tick) => Math.abs(tick * 10 ** decimals - Math.round(tick * 10 ** decimals)) > 1e-6);
    pen.fillStyle = inks.faint;
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    for (const tick of axis.ticks) {
      const y = Math.round(this.y(tick));
      pen.fillText(minus(tick.toFixed(decimals + Number(round))), -8, y);
      pen.globalAlpha = tick === 0 ? 1 : 0.55;
      pen.fillStyle = inks.line;
      pen.fillRect(0, y, width, 1);
      pen.globalAlpha = 1;
      pen.fillStyle = inks.faint;
    }
    pen.textAlign = "center";
    pen.textBaseline = "top";
    for (const { time, label } of timeTicks(clock.view, width)) {
      const x = Math.round(timeToX(time, clock.view, width));
      pen.fillRect(x, tall + 1, 1, 4);
      pen.fillText(label, x, tall + 8);
    }
    pen.save();
    pen.translate(-GUTTER.left + 12, tall / 2);
    pen.rotate(-Math.PI / 2);
    pen.textBaseline = "middle";
    pen.fillText(shortened(pen, this.model.get("unit") || "", tall), 0, 0);
    pen.restore();
    this.paintThreshold(pen, inks);
  }

  /** @param {Pen} pen @param {Inks} inks */
  paintThreshold(pen, inks) {
    const threshold = this.model.get("threshold");
    const y = Math.round(this.y(threshold)) + 0.5;
    if (!(threshold > 0) || y < 0 || y > this.tall || !this.frames || this.frames.d < 2) return;
    pen.save();
    pen.strokeStyle = inks.accent;
    pen.setLineDash([3, 3]);
    pen.beginPath();
    pen.moveTo(0, y);
    pen.lineTo(this.width, y);
    pen.stroke();
    pen.restore();
  }

  /** Whether a curve is drawn strongly: all are, unless one is pointed at. @param {number} row */
  isLit(row) {
    return this.near === null || !this.rows.includes(this.near) || this.near === row;
  }

  /** @param {Pen} pen @param {Frames} frames @param {number} row */
  paintLine(pen, frames, row) {
    const { color, dash } = this.stroke(row);
    pen.save();
    pen.beginPath();
    pen.rect(0, -2, this.width, this.tall + 4);
    pen.clip();
    Object.assign(pen, { strokeStyle: color, lineWidth: this.near === row ? 2.75 : 1.75, lineJoin: "round" });
    pen.globalAlpha = this.isLit(row) ? 1 : 0.35;
    pen.setLineDash(dash);
    for (const run of lineOf(frames, row, this.clock.view, this.width)) {
      pen.beginPath();
      // A single pooled frame between empty ones would be a line without length.
      if (run.length === 2) pen.rect(run[0] - 0.5, this.y(run[1]) - 0.5, 1, 1);
      for (let i = 0; i < run.length; i += 2) pen.lineTo(run[i], this.y(run[i + 1]));
      pen.stroke();
    }
    pen.restore();
  }

  /** @param {Pen} pen @param {Frames} frames */
  paintLabels(pen, frames) {
    const { clock } = this;
    const last = frameAt(frames.grid, clock.view[1]);
    const rows = this.rows.filter((row) => !Number.isNaN(cellValue(frames, row, last)));
    const places = spread(
      rows.map((row) => this.y(cellValue(frames, row, last))),
      12,
      5,
      this.tall - 2,
    );
    pen.textAlign = "left";
    pen.textBaseline = "middle";
    rows.forEach((row, i) => {
      pen.globalAlpha = this.isLit(row) ? 1 : 0.35;
      pen.fillStyle = this.stroke(row).color;
      pen.fillText(shortened(pen, this.label(row), GUTTER.right - 8), this.width + 6, places[i]);
    });
    pen.globalAlpha = 1;
  }

  // -- what moves -----------------------------------------------------------------------------------------------

  follow() {
    const { clock, ui, frames, legend } = this;
    const shown = clock.view[1] > clock.view[0];
    const x = shown ? timeToX(clock.time, clock.view, this.width) : -9;
    ui.playhead.style.transform = `translateX(${x}px)`;
    ui.dots.style.transform = `translateX(${x}px)`;
    legend.at(`at ${formatTime(clock.time, 1)}`);
    const frame = frames ? frameAt(frames.grid, clock.time) : -1;
    if (frame === this.frame) return;
    this.frame = frame;
    if (!frames) return;
    for (const row of this.rows) {
      const value = cellValue(frames, row, frame);
      legend.meter(row, value);
      const dot = this.dots.get(row);
      if (!dot) continue;
      dot.hidden = Number.isNaN(value);
      dot.style.transform = `translateY(${this.y(value)}px)`;
    }
  }

  place() {
    const { clock, ui, width } = this;
    ui.range.hidden = !clock.range;
    if (!clock.range) return;
    const [a, b] = clock.range.map((time) => timeToX(time, clock.view, width));
    Object.assign(ui.range.style, { left: `${a}px`, width: `${b - a}px` });
  }

  hover() {
    const { clock, ui, frames, pointer } = this;
    const frame = frames && clock.hover !== null && this.rows.length ? frameAt(frames.grid, clock.hover) : -1;
    ui.span.hidden = frame < 0;
    ui.tip.hidden = frame < 0 || !pointer;
    if (!frames || frame < 0) return;
    const [a, b] = frameSpan(frames.grid, frame);
    const [left, right] = [a, b].map((time) => timeToX(time, clock.view, this.width));
    Object.assign(ui.span.style, { left: `${left}px`, width: `${right - left}px` });
    if (pointer) this.tip(frames, frame, [a, b], pointer);
  }

  /** @param {Frames} frames @param {number} frame @param {Stretch} span @param {{x: number, y: number}} pointer */
  tip(frames, frame, [a, b], pointer) {
    const { ui } = this;
    const values = this.rows.map((row) => ({ row, value: cellValue(frames, row, frame) }));
    values.sort((one, other) => (other.value || -Infinity) - (one.value || -Infinity));
    const off = (/** @type {{value: number}} */ { value }) =>
      Number.isNaN(value) ? Infinity : Math.abs(this.y(value) + EDGE.top - pointer.y);
    const near = values.reduce((best, one) => (off(one) < off(best) ? one : best), values[0]);
    const lines = values.slice(0, LABELS).map(({ row, value }) => {
      const { color, dash } = this.stroke(row, true);
      const name = h("span", { dir: "auto" }, this.label(row));
      const line = h("div", {}, sample(color, dash), name, numberOn(this.axis, value));
      if (row === near.row && values.length > 1) line.className = "ev-curves-near";
      return line;
    });
    const rest = values.length - lines.length;
    const unit = this.model.get("unit");
    const digits = b - a < 1 ? 2 : 1;
    const head = h("small", {}, `${formatTime(a, digits)} – ${formatTime(b, digits)}${unit ? ` · ${unit}` : ""}`);
    ui.tip.replaceChildren(head, ...lines, ...(rest > 0 ? [h("small", {}, `and ${rest} more`)] : []));
    const room = [this.room.width, this.tall + EDGE.top + EDGE.bottom];
    const { offsetWidth: wide, offsetHeight: high } = ui.tip;
    const [x, y] = tipPlace(pointer.x, pointer.y, wide, high, room[0], Math.max(room[1], high));
    ui.tip.style.transform = `translate(${x}px, ${y}px)`;
  }
}

/** @param {HTMLElement} tools @param {HTMLElement} table */
function build(tools, table) {
  const title = h("span.ev-plot-title", { dir: "auto" });
  const more = h("span.ev-faint", { role: "status" });
  const canvas = h("canvas", { role: "img" });
  const [span, range] = [h("div.ev-curves-span", { hidden: true }), h("div.ev-range", { hidden: true })];
  const playhead = h("div.ev-playhead");
  const dots = h("div", { style: { position: "absolute", top: "0", left: "0" } });
  const message = h("div.ev-plot-message", { hidden: true, role: "status" });
  const stage = h("div.ev-curves-stage", {}, span, range, playhead, dots, message);
  const tip = h("div.ev-tip", { hidden: true });
  const about = { tabIndex: 0, role: "group", "aria-label": `Curves. ${KEYS_SAID}` };
  const plot = h("div.ev-curves-plot", about, canvas, stage, tip);
  const root = h("div.embviz.ev-curves", {}, h("div.ev-curves-bar", {}, title, more, tools), plot, table);
  return { root, title, more, canvas, plot, stage, span, range, playhead, dots, message, tip };
}

export default { render };
