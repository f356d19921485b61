/**
 * Self-similarity: a square of time × time. Both axes show the view that all plots share, time runs to the right and
 * upwards; the playhead crosses itself on the diagonal. Below, on the same axis, the novelty and the boundaries at its
 * peaks, which the clock is given: the waveform shows them, too.
 */

import { bytesOf } from "../base/buffers.js";
import { colorsOf, inksOf, minus, penOf, tipPlace } from "../base/canvas.js";
import { palette } from "../base/colormaps.js";
import { h, onChange, onTheme, perFrame, sizeOf, whileSeen, write } from "../base/dom.js";
import { clockKeys, KEYS_SAID } from "../base/keys.js";
import { formatTime, timeToX, xToTime } from "../base/time.js";
import { clockOf } from "../player/clock.js";
import { timeGestures } from "../player/gestures.js";
import { boundaryForm } from "./boundary_form.js";
import { pixelsOf, squareOf, valueAt, yToTime } from "./matrix.js";
import { boundariesSaid, GAP, LANE, NoveltyStage, noveltySaid, paintNovelty } from "./novelty.js";
import { FOOT, HEAD, MAP, paintAxes, paintBar, paintBoundaries, paintCells, paintSections } from "./picture.js";

/** @import { Model, RenderOptions } from "../types.js" */

const MARGIN = 10; // pixels above a square without sections: half of a label

/** What lies over the square and follows the clock: the playhead, the range and the line under the pointer, twice each. */
class Overlays {
  range = [h("div.ev-range", { hidden: true }), h("div.ev-range.ev-similarity-level", { hidden: true })];
  head = [h("div.ev-playhead"), h("div.ev-playhead.ev-similarity-level")];
  hair = [h("div.ev-similarity-hair.ev-similarity-hair-x"), h("div.ev-similarity-hair.ev-similarity-hair-y")];
  els = [...this.range, ...this.hair, ...this.head];

  /** @param {import("../player/clock.js").Clock} clock @param {number} side of the square in pixels */
  follow({ time, range, view }, side) {
    const shown = view[1] > view[0];
    const x = timeToX(time, view, side);
    this.head[0].style.transform = `translateX(${shown ? x : -9}px)`;
    this.head[1].style.transform = `translateY(${shown ? side - x : -9}px)`;
    for (const band of this.range) band.hidden = !range || !shown;
    if (!range || !shown) return;
    const [a, b] = range.map((end) => timeToX(end, view, side));
    Object.assign(this.range[0].style, { left: `${a}px`, width: `${b - a}px` });
    Object.assign(this.range[1].style, { top: `${side - b}px`, height: `${b - a}px` });
  }

  /** @param {number | null} x @param {number | null} y pixels of the pointer; null is none */
  cross(x, y) {
    for (const [line, place, way] of /** @type {const} */ ([
      [this.hair[0], x, "X"],
      [this.hair[1], y, "Y"],
    ])) {
      line.style.display = place === null ? "none" : "block";
      line.style.transform = `translate${way}(${place ?? 0}px)`;
    }
  }
}

class SelfSimilarity {
  overlays = new Overlays();
  lane = new NoveltyStage();
  title = h("span.ev-similarity-title", { dir: "auto" });
  meaning = h("span.ev-similarity-meaning", { dir: "auto" });
  head = h("div.ev-similarity-head", {}, this.title, this.meaning);
  canvas = h("canvas", { role: "img" });
  message = h("div.ev-plot-message", { hidden: true, role: "status" });
  stage = h("div.ev-similarity-stage", { tabIndex: 0, role: "group" }, ...this.overlays.els, this.message);
  said = h("b");
  value = h("div");
  help = h("small");
  tip = h("div.ev-tip", { hidden: true }, this.said, this.value, this.help);
  plot = h("div.ev-similarity-plot", {}, this.canvas, this.stage, this.lane.el, this.tip);
  // As high as the place that the widget was given, where that has said so.
  room = h("div.ev-similarity-room");
  root = h("div.embviz.ev-similarity", {}, this.room, this.head);
  image = document.createElement("canvas");
  /** @type {import("./matrix.js").Matrix | null} */
  matrix = null;
  /** @type {import("./novelty.js").Novelty} */
  novelty = { times: new Float32Array(0), values: new Float32Array(0), boundaries: [] };
  square = { left: 0, top: 0, side: 0, floor: 0 };
  /** @type {{x: number, y: number | null} | null} `y` is null over the curve */
  pointer = null;

  /** @param {Model} model @param {HTMLElement} el @param {AbortSignal} signal */
  constructor(model, el, signal) {
    this.model = model;
    this.signal = signal;
    this.clock = clockOf(model.get("clock"));
    this.form = boundaryForm(model, this.clock, signal);
    this.root.append(this.form, this.plot);
    el.append(this.root);
    this.inks = inksOf(this.root);
    this.redraw = whileSeen(this.root, () => this.#paint(), signal);
    this.renewed = perFrame(() => this.#measure(), signal);
    this.hovered = perFrame(() => this.#hover(), signal);
    this.box = sizeOf(this.root, this.renewed, signal);
    this.#read();
    this.#readNovelty();
    this.#listen();
  }

  #listen() {
    const { model, signal, clock } = this;
    onChange(model, "cells n low high edges", () => this.#read(), signal);
    // They come one after the other, and belong together.
    const changed = perFrame(() => this.#readNovelty(), signal);
    onChange(model, "novelty novelty_times boundaries", changed, signal);
    onChange(model, "title meaning message size sections", this.renewed, signal);
    onTheme(this.root, () => this.#themed(), signal);
    const follow = () => this.#follow();
    clock.on("time", follow, { signal });
    clock.on("state", follow, { signal });
    clock.on("hover", this.hovered, { signal });
    clock.on("view", this.redraw, { signal });
    clockKeys(this.root, clock, signal);
    timeGestures(this.stage, clock, {
      signal,
      plot: () => ({ left: 0, width: this.square.side }),
      onHover: (event) => this.#point(event),
      onClick: (event) => this.#clicked(event),
    });
    timeGestures(this.lane.el, clock, {
      signal,
      plot: () => ({ left: 0, width: this.square.side }),
      onHover: (event) => this.#point(event, true),
    });
    const observer = new ResizeObserver(this.renewed);
    observer.observe(this.room);
    const end = () => {
      observer.disconnect();
      // Unless another view has found others since.
      if (clock.boundaries === this.novelty.boundaries) clock.setBoundaries([]);
      this.root.remove();
    };
    signal.addEventListener("abort", end, { once: true });
  }

  #themed() {
    this.inks = inksOf(this.root);
    this.redraw();
  }

  #read() {
    const { model, clock } = this;
    const [cells, n, grid] = [bytesOf(model.get("cells")), model.get("n"), model.get("edges")];
    const whole = cells.length === n * n && grid?.hop > 0;
    this.matrix = { cells, n: whole ? n : 0, low: model.get("low"), high: model.get("high"), grid };
    if (!clock.duration && this.matrix.n) clock.load(grid.n_samples / grid.sample_rate);
    this.#color(this.matrix);
    this.#say();
    this.renewed();
  }

  #readNovelty() {
    const { model } = this;
    const floats = (/** @type {string} */ name) => new Float32Array(bytesOf(model.get(name)).slice().buffer);
    const [times, values] = [floats("novelty_times"), floats("novelty")];
    if (times.length !== values.length) return;
    this.novelty = { times, values, boundaries: [...(model.get("boundaries") ?? [])] };
    if (times.length) this.clock.setBoundaries(this.novelty.boundaries);
    this.renewed();
  }

  #follow() {
    this.overlays.follow(this.clock, this.square.side);
    this.lane.follow(this.clock, this.square.side);
  }

  /** @param {import("./matrix.js").Matrix} matrix */
  #color({ cells, n }) {
    if (!n) return;
    Object.assign(this.image, { width: n, height: n });
    const pixels = pixelsOf(cells, n, colorsOf([0, 1], 0, 1, palette(MAP)));
    const data = new Uint8ClampedArray(/** @type {ArrayBuffer} */ (pixels.buffer));
    this.image.getContext("2d")?.putImageData(new ImageData(data, n, n), 0, 0);
  }

  #say() {
    const { model, matrix } = this;
    const n = matrix?.n ?? 0;
    const [title, meaning] = [model.get("title") ?? "", model.get("meaning") ?? ""];
    const message = model.get("message") || (n ? "" : "There are no frames to compare.");
    write(this.title, title);
    write(this.meaning, meaning);
    this.head.hidden = !title && !meaning;
    write(this.message, message);
    this.message.hidden = !message;
    const found = this.novelty.times.length ? ` ${boundariesSaid(this.novelty.boundaries)}` : "";
    this.form.hidden = Boolean(message) || !found;
    const label = `Self-similarity of ${title || "the track"}: ${n} × ${n} frames, time on both axes.`;
    this.canvas.setAttribute("aria-label", message || label + found);
    this.stage.setAttribute("aria-label", `${message || label} ${KEYS_SAID}`);
  }

  #measure() {
    const { model, box } = this;
    this.#say();
    if (!box.width) return;
    const top = model.get("sections")?.length ? HEAD : MARGIN;
    const room = this.room.offsetHeight;
    const lane = this.novelty.times.length ? GAP + LANE : 0;
    const above = this.head.offsetHeight + this.form.offsetHeight;
    const height = room && Math.max(1, room - above - top - lane - FOOT);
    const { left, side } = squareOf(box.width, model.get("size"), height);
    this.square = { left, side, top, floor: top + side + lane };
    this.plot.style.height = `${this.square.floor + FOOT}px`;
    const place = { left: `${left}px`, top: `${top}px`, width: `${side}px`, height: `${side}px` };
    Object.assign(this.stage.style, place);
    Object.assign(this.lane.el.style, { ...place, top: `${top + side + GAP}px`, height: `${LANE}px` });
    this.lane.el.hidden = !lane;
    this.head.style.paddingLeft = `${left}px`;
    this.redraw();
  }

  #paint() {
    const { box, square, clock, inks, matrix } = this;
    if (!box.width || square.side < 2 || !matrix) return;
    const pen = penOf(this.canvas, box.width, square.floor + FOOT);
    pen.font = `11px ${inks.font}`;
    const scene = { pen, inks, square, view: clock.view };
    paintCells(scene, matrix, this.image);
    paintSections(scene, this.model.get("sections") ?? [], clock.duration);
    paintBoundaries(scene, this.novelty.boundaries);
    if (this.novelty.times.length) paintNovelty(scene, this.novelty);
    paintAxes(scene);
    if (matrix.n) paintBar(scene, matrix);
    this.#follow();
    this.#hover();
  }

  // -- the pointer --

  /** @param {PointerEvent | null} event @param {boolean} [low] whether it is over the curve */
  #point(event, low = false) {
    const box = this.stage.getBoundingClientRect();
    this.pointer = event && { x: event.clientX - box.left, y: low ? null : event.clientY - box.top };
    this.hovered();
  }

  /** @param {PointerEvent} event @returns {boolean} whether the click was for the vertical axis */
  #clicked(event) {
    if (!event.shiftKey && !event.altKey) return false;
    const y = event.clientY - this.stage.getBoundingClientRect().top;
    this.clock.seek(yToTime(y, this.clock.view, this.square.side));
    return true;
  }

  #hover() {
    const { clock, pointer } = this;
    const { side } = this.square;
    const here = pointer && (pointer.y === null || (pointer.y >= 0 && pointer.y < side)) ? pointer : null;
    const elsewhere = clock.hover === null ? -1 : timeToX(clock.hover, clock.view, side);
    const x = here ? here.x : elsewhere;
    const shown = x >= 0 && x < side ? x : null;
    this.overlays.cross(shown, here?.y ?? null);
    this.lane.cross(shown);
    this.tip.hidden = !here;
    if (here) this.#tell(here);
  }

  /** @param {{x: number, y: number | null}} pointer */
  #tell({ x, y }) {
    const { tip, square } = this;
    const [time, value, help] = y === null ? this.#noveltySaid(x) : this.#cellSaid(x, y);
    write(this.said, time);
    write(this.value, value);
    write(this.help, help);
    const room = /** @type {const} */ ([this.box.width - square.left, square.side + FOOT]);
    const [left, over] = tipPlace(x, y ?? square.side - 40, tip.offsetWidth, tip.offsetHeight, ...room);
    tip.style.transform = `translate(${square.left + left}px, ${square.top + over}px)`;
  }

  /** @param {number} x @param {number} y @returns {string[]} */
  #cellSaid(x, y) {
    const { clock, matrix, square } = this;
    const [timeX, timeY] = [xToTime(x, clock.view, square.side), yToTime(y, clock.view, square.side)];
    const value = matrix && valueAt(matrix, timeX, timeY);
    return [
      `${formatTime(timeX, 1)} × ${formatTime(timeY, 1)}`,
      value === null ? "no value here" : `similarity ${minus(value.toFixed(2))}`,
      `click: ${formatTime(timeX)} · shift-click: ${formatTime(timeY)}`,
    ];
  }

  /** @param {number} x @returns {string[]} */
  #noveltySaid(x) {
    const { view } = this.clock;
    const time = xToTime(x, view, this.square.side);
    return [...noveltySaid(this.novelty, time, (view[1] - view[0]) / this.square.side), `click: ${formatTime(time)}`];
  }
}

/** @param {RenderOptions} options */
function render({ model, el, signal: given }) {
  const own = new AbortController();
  new SelfSimilarity(model, el, given ?? own.signal);
  return () => own.abort();
}

export default { render };
