/** The heatmap: frames to the right, dimensions upwards or as a list, one byte per cell, coloured here. */

import { wordsOf } from "../base/color_scale.js";
import { diverging, isDiverging } from "../base/colormaps.js";
import { h, onChange, onMessage, onTheme, perFrame, sizeOf, whileSeen } from "../base/dom.js";
import { finenessOf, poolingText, roughValue, spanText } from "../base/format.js";
import { clockKeys, KEYS_SAID } from "../base/keys.js";
import { fullName, plain, usualHeight } from "../base/labels.js";
import { columnsOf, framesOf, levelFor, paint, underPoint } from "../base/raster.js";
import { clamp, frameAt, frameSpan, frameTime, timeToX } from "../base/time.js";
import { clockOf } from "../player/clock.js";
import { timeGestures } from "../player/gestures.js";
import { Axes } from "./axes.js";
import { Rest } from "./constant_rows.js";
import { Field } from "./heatmap_model.js";
import { Hover } from "./hover.js";
import { askForFrames } from "./lazy_frames.js";
import { MeanColumn } from "./mean_column.js";
import { cover, Overlays, place } from "./overlays.js";
import { Pins } from "./pins.js";
import { heightHandle } from "./resize_handle.js";
import { Toolbar } from "./toolbar.js";

const PINS = "Up and down choose a dimension, P or Enter pins it as a curve; ";
const PINS_AND_CARDS = "Up and down choose a dimension, P pins it as a curve, Enter opens its card; ";
const HINT =
  "shift with left or right steps through frames. " +
  "Click seeks, drag selects a range, the wheel zooms, shift-drag pans, a double click shows all.";

const TRAITS =
  "cells level ranges ends shape grid labels unit signed activity_order cluster_order order scale pins height complete " +
  "message title live_only crop cards";

/** @import { Model } from "../types.js" */

let serial = 0;

/** A name for the element that describes the keys of a heatmap, unlike that of any other. */
function nextHint() {
  serial += 1;
  return `ev-heatmap-hint-${serial}`;
}

export class Heatmap {
  size = { width: 0, height: 0 };
  overlays = new Overlays();
  axes = new Axes();
  hint = nextHint();
  canvas = h("canvas.ev-heatmap-canvas", { tabIndex: 0, role: "application", "aria-describedby": this.hint });
  area = h("div.ev-heatmap-field", {}, this.canvas, ...this.overlays.els);
  note = h("p.ev-heatmap-note.ev-faint", { hidden: true });
  live = h("div.ev-hidden", { role: "status" });
  plot = h("div.ev-heatmap-plot");
  root = h("div.embviz.ev-heatmap");
  /** @type {number | null} the dimension chosen by keys or by a click */
  #cursor = null;
  #byKeys = false;
  #offered = false; // whether the pointer or the focus is at the pin
  /** @type {number | null | undefined} the frame at the playhead; undefined where that has to be said anew */
  #frame = undefined;
  /** @type {ImageData | null} */
  #image = null;
  #askForFrames = () => {};
  #dark = false;
  #height = 0;
  #saved = 0;
  /** @type {import("../types.js").MapName | ""} of colours, as the paper has it */
  map = "";

  /** @param {Model} model @param {HTMLElement} el @param {AbortSignal} signal */
  constructor(model, el, signal) {
    this.model = model;
    this.signal = signal;
    this.clock = clockOf(model.get("clock") || "");
    this.field = new Field(model, null);
    this.hover = new Hover(this);
    this.pins = new Pins(this.clock, signal, (dimension) => this.#toggle(dimension));
    this.mean = new MeanColumn(this, () => this.pins.mean(this.mean));
    this.rest = new Rest(() => this.#read());
    this.toolbar = new Toolbar({
      orders: model.get("orders") ?? {},
      scales: model.get("scales") ?? {},
      set: (name, value) => this.#set(name, value),
      pin: () => this.#toggle(this.#cursor),
      card: () => this.#openCard(this.#cursor),
      offer: (offered) => this.#offer(offered),
    });
    this.handle = heightHandle("Height of the heatmap", {
      height: () => this.#height,
      resize: (height) => this.#resize(height),
      save: () => this.#saveHeight(),
      signal,
    });
    this.#build();
    el.append(this.root);
    this.room = sizeOf(this.area, () => this.#draw(), signal);
    this.redraw = whileSeen(this.root, () => this.#draw(), signal);
    this.#listen();
    this.#read();
  }

  #build() {
    const { axes, toolbar } = this;
    const { canvas: means, label } = this.mean;
    const row = h("div.ev-heatmap-row", {}, axes.gutter, this.area, axes.bar, means);
    this.plot.append(row, axes.ticks, label, this.handle);
    const rows = this.model.get("cards") ? PINS_AND_CARDS : PINS;
    const described = h("div.ev-hidden", { id: this.hint }, `${rows}${HINT} ${KEYS_SAID}`);
    const seen = [toolbar.head, toolbar.tools, this.note, this.plot, this.rest.el, this.pins.el];
    this.root.append(...seen, this.live, described, this.hover.tip);
  }

  #listen() {
    const { model, signal, clock } = this;
    onChange(
      model,
      TRAITS,
      perFrame(() => this.#read(), signal),
      signal,
    );
    onMessage(model, (content) => this.hover.answered(content), signal);
    onTheme(this.root, (dark) => this.#themed(dark), signal);
    clock.on("view", this.redraw, { signal });
    const ranged = () => {
      this.#ranged();
      this.#askForFrames();
      this.mean.renew();
    };
    clock.on("state", ranged, { signal });
    clock.on("time", () => this.#follow(), { signal });
    clock.on("hover", () => this.#hoverLine(), { signal });
    addEventListener("resize", this.redraw, { signal });
    this.mean.listen();
    this.#askForFrames = askForFrames(this.root, model, signal, () => this.#level);
    this.#listenPlot();
    this.#listenBeside();
    clockKeys(this.root, clock, signal);
    // A player on the same clock comes first: it knows the track.
    const alone = setTimeout(() => this.#loadClock(), 250);
    signal.addEventListener("abort", () => clearTimeout(alone), { once: true });
  }

  #listenPlot() {
    const { canvas, signal } = this;
    timeGestures(canvas, this.clock, {
      signal,
      plot: () => ({ left: 0, width: this.size.width }),
      onClick: (event) => this.#clicked(event),
      onHover: (event) => this.hover.move(event && this.#pointOf(event)),
    });
    canvas.addEventListener("keydown", (event) => this.#key(event), { signal });
    canvas.addEventListener("blur", () => this.#choose(this.#cursor, false), { signal });
    // What was said of one place would only cover a drag.
    canvas.addEventListener("pointermove", (event) => event.buttons && this.hover.move(null), { signal });
  }

  #listenBeside() {
    const { signal } = this;
    const { gutter } = this.axes;
    const at = (/** @type {MouseEvent} */ event) => ({
      x: null,
      y: event.clientY - gutter.getBoundingClientRect().top,
    });
    gutter.addEventListener("pointermove", (event) => this.hover.move(at(event)), { signal });
    gutter.addEventListener("pointerleave", () => this.hover.move(null), { signal });
    gutter.addEventListener(
      "click",
      (event) => {
        if (this.field.empty) return;
        const { dimension } = this.under(at(event));
        if (this.cards) this.#openCard(dimension);
        else this.#toggle(dimension);
      },
      { signal },
    );
  }

  // -- traits --

  /** @param {string} name @param {unknown} value */
  #set(name, value) {
    this.model.set(name, value);
    this.model.save_changes?.();
  }

  #saveHeight() {
    this.#saved = this.#height;
    this.#set("height", this.#height);
  }

  #read() {
    const { model } = this;
    const next = new Field(model, this.field);
    if (next.sources.some((source, i) => source !== this.field.sources[i])) this.hover.exact.forget();
    // Parts of the data that came before the others are no picture yet.
    if (next.whole || !this.field.whole) this.field = next;
    const { field } = this;
    field.rows = this.rest.rowsOf(field, model.get("live_only"));
    if (this.#cursor !== null && !field.rows.includes(this.#cursor)) this.#cursor = null;
    const height = model.get("height");
    // The echo of what was saved a moment ago must not pull a handle back that is still being dragged.
    if (!height || height !== this.#saved) this.#height = height || this.#usualHeight();
    this.#saved = height;
    this.#frame = undefined;
    this.#describe();
    this.#blank();
    this.#resize(this.#height);
    this.pins.show(field, this.pinned, this.#dark);
    this.pins.mean(this.mean);
    if (field.empty) this.pins.el.hidden = true;
    this.mean.renew();
    this.redraw();
  }

  #usualHeight() {
    const { rows, labels, measure } = this.field;
    return usualHeight(rows.length, labels.length > 0 && !measure);
  }

  /** The dimensions that have curves of their own. @returns {number[]} */
  get pinned() {
    return [...new Set(this.model.get("pins") ?? [])].filter((pin) => pin >= 0 && pin < this.field.d);
  }

  #describe() {
    const { model, field } = this;
    const title = plain(model.get("title") ?? "", 120);
    this.toolbar.show(model, field, title);
    const size = field.empty ? "" : `: ${field.size}`;
    this.canvas.setAttribute("aria-label", `Heatmap${title ? ` of ${title}` : ""}${size}`);
    this.#offerPin();
  }

  #blank() {
    const { model, field } = this;
    const complete = model.get("complete") !== false;
    const nothing = complete ? `There is nothing to draw: ${field.size}.` : "Not computed yet.";
    const text = model.get("message") || (field.empty ? nothing : "");
    this.note.textContent = text;
    this.note.hidden = !text;
    this.plot.hidden = this.toolbar.tools.hidden = Boolean(text);
    this.rest.el.hidden ||= Boolean(text);
    this.root.classList.toggle("ev-incomplete", !complete);
  }

  /** @param {number} height */
  #resize(height) {
    this.#height = height;
    this.plot.style.setProperty("--ev-heatmap-height", `${height}px`);
    this.handle.setAttribute("aria-valuenow", String(height));
  }

  #loadClock() {
    if (!this.clock.duration && this.field.duration) this.clock.load(this.field.duration);
  }

  /** @param {boolean} dark whether the paper is */
  #themed(dark) {
    this.#dark = dark;
    this.pins.show(this.field, this.pinned, dark);
    this.pins.mean(this.mean);
    this.redraw();
  }

  // -- drawing --

  /** How coarse the cells may be: half a pixel; of a range that is selected, each frame counts. */
  get #level() {
    const { width } = this.room;
    if (this.clock.range) return 0;
    return width ? levelFor(framesOf(this.field.grid, this.view, width * (devicePixelRatio || 1)).step) : null;
  }

  /** Seconds at both ends of the plot. @returns {import("../base/time.js").View} */
  get view() {
    const { view } = this.clock;
    return view[1] > view[0] ? view : [0, this.field.duration || 1];
  }

  #draw() {
    const { field } = this;
    const { width, height } = this.room;
    if (!width || !height || field.empty || !field.whole) return;
    this.size = { width, height };
    const { map } = field.colors;
    this.map = isDiverging(map) ? diverging(this.#dark) : map;
    this.#paint(this.map, devicePixelRatio || 1);
    this.axes.draw(field, this.map, this.view, this.size);
    this.#drawFacts(devicePixelRatio || 1);
    this.pins.draw(this.view, width);
    this.#follow();
    this.#ranged();
    this.#hoverLine();
    this.hover.show();
    this.mean.draw();
    this.#askForFrames();
  }

  /** @param {import("../types.js").MapName} map @param {number} ratio of the screen's pixels to those of the page */
  #paint(map, ratio) {
    const { field, canvas, size } = this;
    const [width, height] = [Math.round(size.width * ratio), Math.round(size.height * ratio)];
    const pen = canvas.getContext("2d");
    if (!pen) return;
    if (canvas.width !== width || canvas.height !== height || !this.#image) {
      Object.assign(canvas, { width, height });
      this.#image = pen.createImageData(width, height);
    }
    const { from, step } = framesOf(field.grid, this.view, width);
    const source = field.source(step);
    const coarse = 2 ** source.k;
    const columns = columnsOf(
      from / coarse,
      step / coarse,
      source.t,
      width,
      0.5 / coarse,
      source.k ? null : field.grid,
    );
    const colors = { tables: field.tables, zero: field.zero, words: wordsOf(map) };
    paint(source, field.rows, columns, colors, width, height, new Uint32Array(this.#image.data.buffer));
    pen.putImageData(this.#image, 0, 0);
  }

  /** @param {number} ratio of the screen's pixels to those of the page */
  #drawFacts(ratio) {
    const { field, size } = this;
    const { step } = framesOf(field.grid, this.view, size.width * ratio);
    const dense = poolingText(Math.ceil(step), Math.ceil(field.rows.length / (size.height * ratio)));
    this.toolbar.say([...field.facts(), dense, field.ordering ? "sorting …" : ""].filter(Boolean).join(" · "));
  }

  /** What moves with the playhead, and nothing else. */
  #follow() {
    const { field, clock, view } = this;
    if (field.empty || !this.size.width) return;
    const shown = clock.duration && clock.time >= view[0] && clock.time <= view[1];
    const x = shown ? timeToX(clock.time, view, this.size.width) : null;
    const frame = field.frameAt(clock.time);
    place(this.overlays.playhead, x);
    this.pins.follow(frame, x);
    if (frame === this.#frame) return;
    this.#frame = frame;
    this.toolbar.read(frame === null ? "" : `frame ${frame.toLocaleString("en")} · ${this.#spanOf(frame)}`);
  }

  /** @param {number} frame */
  #spanOf(frame) {
    const { grid } = this.field;
    return spanText(frameSpan(grid, frame), finenessOf(grid));
  }

  #ranged() {
    const { width } = this.size;
    if (!width) return;
    cover(this.overlays.range, this.clock.range, this.view, width);
    this.pins.range(this.clock.range, this.view, width);
  }

  #hoverLine() {
    const { hover } = this.clock;
    const [a, b] = this.view;
    const x = hover === null || hover < a || hover > b ? null : timeToX(hover, this.view, this.size.width);
    place(this.overlays.line, x);
    this.pins.hover(x);
  }

  // -- rows and pins --

  /** What lies under a point of the plot. @param {{x: number | null, y: number}} point */
  under(point) {
    return underPoint(this.field, this.view, point, this.size, devicePixelRatio || 1);
  }

  /** The dimension that is marked while the pointer is at none. */
  get chosen() {
    return this.#byKeys || this.#offered ? this.#cursor : null;
  }

  /** Mark a dimension's row; null is none. @param {number | null} dimension */
  mark(dimension) {
    const { field, size } = this;
    const row = dimension === null ? -1 : field.rows.indexOf(dimension);
    this.overlays.band(row, field.rows.length, size.height);
    this.axes.mark(row, dimension, field, size.height);
  }

  /** @param {PointerEvent} event */
  #pointOf(event) {
    const box = this.canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  /** @param {PointerEvent} event */
  #clicked(event) {
    if (!this.field.empty) this.#choose(this.under(this.#pointOf(event)).dimension, false);
  }

  /** @param {number | null} dimension @param {boolean} byKeys */
  #choose(dimension, byKeys) {
    this.#cursor = dimension;
    this.#byKeys = byKeys;
    this.#offerPin();
    if (!this.hover.pointer) this.mark(this.chosen);
  }

  /** @param {boolean} offered */
  #offer(offered) {
    this.#offered = offered;
    if (!this.hover.pointer) this.mark(this.chosen);
  }

  #offerPin() {
    const cursor = this.#cursor;
    const name = cursor === null ? "" : fullName(cursor, this.field.labels);
    this.toolbar.offer(name, cursor !== null && this.pinned.includes(cursor), this.cards);
  }

  /** @param {number | null} dimension */
  #toggle(dimension) {
    if (dimension === null) return;
    const pins = this.pinned;
    this.#set("pins", pins.includes(dimension) ? pins.filter((pin) => pin !== dimension) : [...pins, dimension]);
    this.#read();
  }

  /** Whether there are cards of dimensions to be opened. */
  get cards() {
    return Boolean(this.model.get("cards")) && typeof this.model.send === "function";
  }

  /** @param {number | null} dimension */
  #openCard(dimension) {
    if (dimension !== null) this.model.send?.({ kind: "card", dimension });
  }

  // -- keys --

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (this.field.empty || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!this.#act(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether the key was ours */
  #act({ key, shiftKey }) {
    const far = shiftKey ? 10 : 1;
    if (key === "ArrowUp" || key === "ArrowDown") return this.#step(key === "ArrowUp" ? -far : far);
    if (key === "PageUp" || key === "PageDown") return this.#step(key === "PageUp" ? -10 : 10);
    if (key === "Enter" || key === "p" || key === "P") {
      const { pointer } = this.hover;
      const dimension = pointer ? this.under(pointer).dimension : this.#cursor;
      if (key === "Enter" && this.cards) this.#openCard(dimension);
      else this.#toggle(dimension);
      return true;
    }
    if (key === "Escape" && this.#cursor !== null) {
      this.#choose(null, false);
      return true;
    }
    if (shiftKey && (key === "ArrowLeft" || key === "ArrowRight")) return this.#turn(key === "ArrowLeft" ? -1 : 1);
    return false;
  }

  /** @param {number} rows */
  #step(rows) {
    const { field } = this;
    const last = field.rows.length - 1;
    const now = this.#cursor === null ? (rows > 0 ? -1 : last + 1) : field.rows.indexOf(this.#cursor);
    this.hover.pointer = null;
    this.#choose(field.rows[clamp(now + rows, 0, last)], true);
    this.hover.show();
    this.#say();
    return true;
  }

  /** @param {number} frames */
  #turn(frames) {
    const { field, clock } = this;
    const now = frameAt(field.grid, clock.time);
    clock.seek(frameTime(field.grid, clamp(now + frames, 0, field.t - 1)));
    this.#say();
    return true;
  }

  #say() {
    const { field, clock } = this;
    const frame = field.frameAt(clock.time);
    const cursor = this.#cursor;
    const name = cursor === null ? "" : fullName(cursor, field.labels);
    const at = frame === null ? "" : ` at ${this.#spanOf(frame)}`;
    if (cursor === null || frame === null) this.live.textContent = name || `frame ${frame}${at}`;
    else this.live.textContent = `${name}: ${this.#roughly(cursor, frame)}${at}${this.#averaged(cursor)}`;
  }

  /** @param {number} dimension */
  #averaged(dimension) {
    return this.mean.means ? `; ${this.mean.text}: ${this.mean.of(dimension)}` : "";
  }

  /** @param {number} dimension @param {number} frame */
  #roughly(dimension, frame) {
    const { codes, t, ranges, unit } = this.field;
    const code = codes[dimension * t + frame];
    return code ? `${roughValue(code, ranges, dimension)} ${plain(unit, 40)}`.trim() : "no value";
  }
}

/** @param {import("../types.js").RenderOptions} options */
function render({ model, el, signal: given }) {
  const own = new AbortController();
  new Heatmap(model, el, given ?? own.signal);
  return () => own.abort();
}

export default { render };
