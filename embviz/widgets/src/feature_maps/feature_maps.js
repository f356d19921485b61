/**
 * Feature maps: a small picture per channel, bands upwards, time to the right, that moves under the playhead.
 *
 * This is the page of tiles and what leads from one to the next; `tiles.js` draws them, `blocks.js` has their frames.
 */

import { bytesOf, numbersOf } from "../base/buffers.js";
import { brief, inksOf, penOf, tipPlace } from "../base/canvas.js";
import { gradient } from "../base/colormaps.js";
import { BUSY, kernelStatus } from "../base/commands.js";
import { h, icon, onChange, onTheme, perFrame, sizeOf, throttled, write } from "../base/dom.js";
import { clockKeys } from "../base/keys.js";
import { clamp, formatTime, frameEdge, GUTTER, xToTime } from "../base/time.js";
import { clockOf } from "../player/clock.js";
import { blockFrames, framesOf, Supply, windowAt } from "./blocks.js";
import { bandAt, columnsFor, FOOT, LARGE, Look, linesAt, MAP, paintAxes } from "./tiles.js";

/**
 * @import { Frames } from "./blocks.js"
 * @import { Pair } from "./tiles.js"
 * @typedef {{channel: number, el: HTMLButtonElement, field: HTMLElement, canvas: HTMLCanvasElement, said: HTMLElement,
 *   size: {width: number, tall: number} | null}} Tile
 * @typedef {{x: number, y: number, field: HTMLElement, channel: number}} Pointer
 * @typedef {"none" | "time" | "frequency"} Pooling
 */

const PAGES = [8, 16, 32];
const NAMES = /** @type {const} */ (["order", "pooled", "scale"]);
const WINDOWS = [1.5, 3, 6, 12];
const LEAST_FRAMES = 6; // that a map shows, where frames are long
const SAVED = 100; // milliseconds from one change that the kernel is told to the next
const POOLED_SAID = {
  time: "bar: mean of the window's frames · line: highest",
  frequency: "area: mean of the bands · line: highest",
};
const LEFT = "M10.5 2.5 5 8l5.5 5.5 1.2-1.2L7.4 8l4.3-4.3z";
const RIGHT = "M5.5 2.5 11 8l-5.5 5.5-1.2-1.2L8.6 8 4.3 3.7z";
const CLOSE = "M3.5 2.3 8 6.8l4.5-4.5 1.2 1.2L9.2 8l4.5 4.5-1.2 1.2L8 9.2l-4.5 4.5-1.2-1.2L6.8 8 2.3 3.5z";

/** @type {import("../base/time.js").Grid} */
const NO_GRID = { sample_rate: 1, hop: 0, patch: 0, receptive_field: 0, start: 0, n_frames: 0, n_samples: 0 };

const NOTHING = new Float32Array(0);
/** @type {import("./tiles.js").Layer} */
const NO_LAYER = { grid: NO_GRID, bands: 0, names: [], ranges: NOTHING, ends: NOTHING };

/** @param {import("../types.js").RenderOptions} options */
function render({ model, el, signal }) {
  const own = new AbortController();
  new View(model, el, signal ?? own.signal);
  return () => own.abort();
}

class View {
  shape = [0, 0, 0];
  grid = NO_GRID;
  /** @type {number[]} channels, the most active first */
  activity = [];
  /** @type {number[]} the channels that a page without a kernel holds, */
  kept = [];
  /** @type {Uint8Array} and their cells */
  whole = new Uint8Array(0);
  page = 0;
  /** @type {number | null} the enlarged channel */
  large = null;
  /** @type {Tile[]} */
  tiles = [];
  version = 0; // counts what changes the picture, but for the playhead
  signature = ""; // of the picture that is there
  seen = true;
  /** @type {Pointer | null} */
  pointer = null;

  /** @param {import("../types.js").Model} model @param {HTMLElement} el @param {AbortSignal} signal */
  constructor(model, el, signal) {
    this.model = model;
    this.signal = signal;
    this.clock = clockOf(model.get("clock"));
    this.look = new Look(model, NO_LAYER);
    this.ui = build();
    el.append(this.ui.root);
    this.redraw = perFrame(() => this.paint(), signal);
    this.save = throttled(() => model.save_changes?.(), SAVED, signal);
    this.room = sizeOf(this.ui.root, () => this.lay(), signal);
    this.supply = new Supply(model, { wanted: () => this.wanted(), onChange: () => this.changed(), signal });
    signal.addEventListener("abort", () => this.ui.root.remove(), { once: true });
    this.listen();
    this.read();
  }

  listen() {
    const { model, clock, ui, signal } = this;
    const renew = perFrame(() => this.read(), signal);
    onChange(model, "shape grid bands ranges ends channels all kept serial message", renew, signal);
    const reorder = () => {
      this.page = 0;
      this.lay();
    };
    onChange(model, "order page", reorder, signal);
    onChange(model, "window", () => this.start(), signal);
    onChange(model, "pooled scale title unit cards", () => this.lay(), signal);
    for (const name of NAMES) this.choose(name, String);
    this.choose("page", Number);
    this.choose("window", Number);
    ui.previous.addEventListener("click", () => this.turn(-1), { signal });
    ui.next.addEventListener("click", () => this.turn(1), { signal });
    ui.before.addEventListener("click", () => this.walk(-1), { signal });
    ui.after.addEventListener("click", () => this.walk(1), { signal });
    ui.close.addEventListener("click", () => this.enlarge(null), { signal });
    ui.card.addEventListener("click", () => this.openCard(this.large), { signal });
    ui.root.addEventListener("keydown", (event) => this.key(event), { signal });
    clockKeys(ui.root, clock, signal);
    this.hovering(ui.field, () => this.large);
    clock.on("time", this.redraw, { signal });
    clock.on("state", this.redraw, { signal });
    onTheme(ui.root, () => this.changed(), signal);
    const sight = new IntersectionObserver((entries) => {
      this.seen = entries[0].isIntersecting;
      this.redraw();
    });
    sight.observe(ui.root);
    signal.addEventListener("abort", () => sight.disconnect(), { once: true });
  }

  /** @param {(typeof NAMES)[number] | "page" | "window"} name @param {(text: string) => string | number} kind */
  choose(name, kind) {
    const { model, ui, signal } = this;
    const take = () => {
      model.set(name, kind(ui[name].value));
      this.save();
    };
    ui[name].addEventListener("change", take, { signal });
  }

  // -- what there is --------------------------------------------------------------------------------------------

  read() {
    const { model, clock } = this;
    const [t, f, c] = model.get("shape");
    const ranges = numbersOf(model.get("ranges"), Float32Array);
    const ends = numbersOf(model.get("ends"), Float32Array);
    const order = numbersOf(model.get("channels"), Uint16Array);
    /** @type {import("../base/time.js").Grid} */
    const grid = { ...NO_GRID, ...model.get("grid") };
    if (c && (ranges.length !== 2 * c || order.length !== c || grid.n_frames !== t)) return; // The rest is on its way.
    this.shape = [t, f, c];
    this.activity = [...order];
    this.grid = grid;
    const names = model.get("bands") ?? [];
    this.look = new Look(model, { grid, bands: f, names, ranges, ends: ends.length === ranges.length ? ends : ranges });
    this.kept = model.get("kept") ?? [];
    this.whole = bytesOf(model.get("all"));
    if (this.whole.length !== this.kept.length * t * f) this.whole = new Uint8Array(0);
    if (this.large !== null && this.large >= c) this.large = null;
    if (t && !clock.duration) clock.load(grid.n_samples / grid.sample_rate);
    this.start();
  }

  start() {
    const { grid, shape, supply, whole } = this;
    supply.start(shape[0], shape[1], grid.hop ? blockFrames(grid, this.seconds) : 16);
    if (whole.length) supply.keep(this.kept, whole);
    this.lay();
  }

  get empty() {
    return !this.shape[0] || !this.shape[1] || !this.shape[2];
  }

  /** Channels in their order; on a page without a kernel, those that it holds. */
  get channels() {
    const all = this.model.get("order") === "index" ? [...this.activity].sort((a, b) => a - b) : this.activity;
    return this.whole.length ? all.filter((channel) => this.kept.includes(channel)) : all;
  }

  get shown() {
    const size = this.model.get("page");
    return this.channels.slice(this.page * size, (this.page + 1) * size);
  }

  /** The channels that are drawn. */
  get drawn() {
    return this.large === null ? this.shown : [this.large];
  }

  /** Seconds that a map shows at least. */
  get least() {
    const { grid } = this;
    return grid.hop ? (LEAST_FRAMES * grid.hop) / grid.sample_rate : 0;
  }

  get seconds() {
    return Math.max(this.model.get("window") || 3, this.least);
  }

  /** What of the layer is needed now. */
  wanted() {
    if (this.empty || this.whole.length || !this.seen) return null;
    const frames = framesOf(this.grid, windowAt(this.clock.time, this.seconds));
    return { channels: this.drawn, frames, ahead: this.clock.playing };
  }

  // -- the page -------------------------------------------------------------------------------------------------

  lay() {
    const { ui, model } = this;
    const { width } = this.room;
    const message = model.get("message") || (this.empty ? "There are no feature maps to show." : "");
    const size = model.get("page");
    const open = !message && this.large !== null;
    ui.note.textContent = message;
    ui.note.hidden = !message;
    ui.grid.hidden = Boolean(message) || open;
    ui.large.hidden = !open;
    ui.foot.hidden = Boolean(message);
    ui.tools.hidden = Boolean(message);
    if (width && !message) {
      const columns = columnsFor(width, Math.min(size, this.channels.length));
      ui.grid.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
      this.fill(Math.ceil(size / columns) <= 2 ? 132 : 84);
    }
    this.say();
    this.changed();
  }

  /**
   * Tiles for the channels of this page; those that stay are kept, so that the focus stays, too.
   * @param {number} tall pixels of a map
   */
  fill(tall) {
    const { ui, shown } = this;
    ui.grid.dataset.pooled = this.model.get("pooled");
    ui.field.dataset.pooled = this.model.get("pooled");
    const before = new Map(this.tiles.map((tile) => [tile.channel, tile]));
    this.tiles = shown.map((channel) => before.get(channel) ?? this.tile(channel));
    const elements = this.tiles.map(({ el }) => el);
    if (elements.some((el, i) => ui.grid.children[i] !== el) || ui.grid.children.length !== elements.length) {
      ui.grid.replaceChildren(...elements);
    }
    for (const tile of this.tiles) {
      const { channel, el, field, said } = tile;
      tile.size = null;
      const [low, high] = this.look.range(channel);
      const text = high > low ? `${brief(low)} … ${brief(high)}` : `always ${brief(low)}`;
      field.style.height = `${tall}px`;
      said.textContent = text;
      el.setAttribute("aria-label", `Channel ${channel}, ${text}: enlarge`);
    }
  }

  /** @param {number} channel @returns {Tile} */
  tile(channel) {
    const canvas = h("canvas", { role: "img", "aria-label": `Map of channel ${channel}` });
    const field = h("div.ev-feature-maps-field", {}, canvas, h("div.ev-feature-maps-center"));
    const said = h("span");
    const number = h("span", {}, String(channel));
    const caption = h("div.ev-feature-maps-caption", {}, number, said);
    // As beside a heatmap, a press on the name opens the card.
    const press = (/** @type {MouseEvent} */ { target }) => {
      if (this.cards && target === number) this.openCard(channel);
      else this.enlarge(channel);
    };
    const el = h("button.ev-feature-maps-tile", { type: "button", onclick: press }, caption, field);
    this.hovering(field, () => channel);
    return { channel, el, field, canvas, said, size: null };
  }

  /** Whether there are cards of channels to be opened. */
  get cards() {
    return Boolean(this.model.get("cards")) && typeof this.model.send === "function";
  }

  /** @param {number | null | undefined} channel */
  openCard(channel) {
    if (channel != null) this.model.send?.({ kind: "card", channel });
  }

  say() {
    const { ui, model } = this;
    const [, f, c] = this.shape;
    const channels = this.empty ? [] : this.channels;
    const size = model.get("page");
    const pages = Math.max(1, Math.ceil(channels.length / size));
    const period = this.empty ? 0 : this.grid.hop / this.grid.sample_rate;
    const kept = channels.length < c ? ` (${channels.length} in this page)` : "";
    ui.title.textContent = model.get("title");
    ui.facts.textContent = this.empty
      ? ""
      : `${c} channel${c === 1 ? "" : "s"}${kept} · ${f} band${f === 1 ? "" : "s"} · every ${brief(period)} s`;
    for (const name of NAMES) ui[name].value = model.get(name);
    offer(ui.page, PAGES, size, (n) => `${n}`);
    offer(
      ui.window,
      WINDOWS.filter((length) => length >= this.least),
      this.seconds,
      (s) => `${brief(s)} s`,
    );
    const first = this.page * size;
    ui.where.textContent = `${first + 1}–${Math.min(first + size, channels.length)} of ${channels.length}`;
    ui.previous.disabled = this.page <= 0;
    ui.next.disabled = this.page >= pages - 1;
    for (const el of [ui.where, ui.previous, ui.next, ui.each, ui.when]) el.hidden = this.large !== null;
    const own = model.get("scale") === "channel";
    const pooling = /** @type {Pooling} */ (model.get("pooled"));
    ui.root.classList.toggle("ev-feature-maps-carded", this.cards);
    ui.card.hidden = !this.cards;
    ui.key.hidden = this.large !== null && pooling === "none";
    ui.ramp.hidden = pooling !== "none";
    const [lowest, highest] = this.look.common;
    ui.lowest.textContent = { none: own ? "channel's low" : `≤ ${brief(lowest)}`, ...POOLED_SAID }[pooling];
    ui.highest.textContent = pooling !== "none" ? "" : own ? "high" : `≥ ${brief(highest)}`;
    if (this.large === null) return;
    const [low, high] = this.look.range(this.large);
    ui.name.textContent = `Channel ${this.large}`;
    ui.about.textContent = `${brief(low)} … ${brief(high)}${model.get("unit") ? ` ${model.get("unit")}` : ""}`;
    ui.canvas.setAttribute("aria-label", `Map of channel ${this.large}, enlarged`);
    const at = channels.indexOf(this.large);
    ui.before.disabled = at <= 0;
    ui.after.disabled = at >= channels.length - 1;
  }

  /** @param {number} step */
  turn(step) {
    const pages = Math.ceil(this.channels.length / this.model.get("page"));
    this.page = clamp(this.page + step, 0, Math.max(0, pages - 1));
    this.lay();
  }

  /** @param {number | null} channel */
  enlarge(channel) {
    const before = this.large;
    this.large = channel;
    this.leave();
    this.lay();
    if (channel !== null) this.ui.close.focus();
    else this.tiles.find((tile) => tile.channel === before)?.el.focus();
  }

  /** @param {number} step */
  walk(step) {
    const { channels } = this;
    if (this.large === null) return;
    const at = clamp(channels.indexOf(this.large) + step, 0, channels.length - 1);
    this.large = channels[at];
    this.page = Math.floor(at / this.model.get("page"));
    this.lay();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const step = event.key === "PageDown" ? 1 : event.key === "PageUp" ? -1 : 0;
    if (event.target instanceof HTMLSelectElement) return;
    if (step && this.large === null) this.turn(step);
    else if (step) this.walk(step);
    else if (event.key === "Escape" && this.large !== null) this.enlarge(null);
    else if (event.key.toLowerCase() === "c" && this.cards && !event.ctrlKey && !event.metaKey && !event.altKey) {
      this.openCard(this.large ?? this.tiles.find(({ el }) => el.contains(document.activeElement))?.channel);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // -- drawing --------------------------------------------------------------------------------------------------

  changed() {
    this.version += 1;
    this.redraw();
  }

  paint() {
    const { ui, clock } = this;
    if (this.empty || !this.seen || !this.room.width) return;
    const stretch = windowAt(clock.time, this.seconds);
    const frames = framesOf(this.grid, stretch);
    // Pooled over time, nothing moves from one frame to the next.
    const place = this.model.get("pooled") === "time" ? frames : stretch;
    const signature = `${place} ${this.version}`;
    if (signature !== this.signature) {
      this.signature = signature;
      this.look.inks = inksOf(ui.root);
      if (this.large !== null) this.paintLarge(this.large, stretch, frames);
      else for (const tile of this.tiles) this.paintTile(tile, stretch, frames);
      const late = this.supply.late(this.drawn, frames);
      const silent = "The kernel does not answer: it is busy, or was restarted.";
      write(ui.status, late ? (kernelStatus(this.model) === "busy" ? BUSY : silent) : "");
    }
    this.supply.ask();
    this.tip();
    const said = `${formatTime(Math.max(0, stretch[0]), 1)} – ${formatTime(Math.min(stretch[1], clock.duration), 1)}`;
    write(ui.when, said);
  }

  /** @param {Tile} tile @param {Pair} stretch @param {Frames} frames */
  paintTile(tile, stretch, frames) {
    const { channel, el, field, canvas } = tile;
    tile.size ??= { width: field.clientWidth, tall: field.clientHeight };
    const { width, tall } = tile.size;
    if (!width) {
      tile.size = null;
      return;
    }
    const blocks = this.supply.of(channel, frames);
    const loading = !blocks.length && frames[1] > frames[0];
    el.classList.toggle("ev-loading", loading);
    el.setAttribute("aria-busy", String(loading));
    this.look.picture(penOf(canvas, width, tall), { channel, blocks, width, tall }, stretch, frames);
  }

  /** @param {number} channel @param {Pair} stretch @param {Frames} frames */
  paintLarge(channel, stretch, frames) {
    const { ui, look } = this;
    const [full, width] = [ui.field.clientWidth, ui.field.clientWidth - GUTTER.left - GUTTER.right];
    if (width < 1) return;
    ui.field.style.height = `${LARGE + FOOT}px`;
    const pen = penOf(ui.canvas, full, LARGE + FOOT);
    pen.font = `11px ${look.inks.font}`;
    pen.translate(GUTTER.left, 0);
    pen.save();
    pen.beginPath();
    pen.rect(0, 0, width, LARGE);
    pen.clip();
    pen.fillStyle = look.inks.panel;
    pen.fillRect(0, 0, width, LARGE);
    const blocks = this.supply.of(channel, frames);
    look.picture(pen, { channel, blocks, width, tall: LARGE }, stretch, frames);
    pen.restore();
    paintAxes(pen, look, { channel, width, stretch, duration: this.clock.duration });
  }

  // -- pointing -------------------------------------------------------------------------------------------------

  /** @param {HTMLElement} field @param {() => number | null} channelOf the channel that it shows */
  hovering(field, channelOf) {
    const { signal } = this;
    const move = (/** @type {PointerEvent} */ event) => {
      const channel = channelOf();
      if (channel === null) return;
      this.pointer = { x: event.clientX, y: event.clientY, field, channel };
      this.tip(true);
    };
    field.addEventListener("pointermove", move, { signal });
    field.addEventListener("pointerleave", () => this.leave(), { signal });
  }

  leave() {
    this.pointer = null;
    this.clock.setHover(null);
    this.tip();
  }

  /** What is under the pointer, also when the map moves and the pointer does not. */
  tip(moved = false) {
    const { ui, pointer } = this;
    const place = pointer?.field.isConnected ? this.under(pointer) : null;
    ui.tip.hidden = !place;
    if (!place || !pointer) return;
    if (moved) this.clock.setHover(place.time);
    const head = h("b", {}, `channel ${pointer.channel}`);
    ui.tip.replaceChildren(head, ...place.lines.map((line) => h("div", {}, line)));
    const card = this.cards ? " · its number: what it answers to (C)" : "";
    if (this.large === null) ui.tip.append(h("small", {}, `click: enlarge${card}`));
    const box = ui.root.getBoundingClientRect();
    const [x, y] = [pointer.x - box.left, pointer.y - box.top];
    const at = tipPlace(x, y, ui.tip.offsetWidth, ui.tip.offsetHeight, box.width, box.height);
    ui.tip.style.transform = `translate(${at[0]}px, ${at[1]}px)`;
  }

  /** @param {Pointer} pointer @returns {{time: number | null, lines: string[]} | null} */
  under({ x, y, field, channel }) {
    const box = field.getBoundingClientRect();
    const inset = this.large === null ? 0 : GUTTER.left;
    const width = this.large === null ? box.width : box.width - GUTTER.left - GUTTER.right;
    const tall = this.large === null ? box.height : LARGE;
    const [left, top] = [x - box.left - inset, y - box.top];
    if (this.empty || left < 0 || left >= width || top < 0 || top >= tall) return null;
    const stretch = windowAt(this.clock.time, this.seconds);
    const band = bandAt(top, tall, this.shape[1]);
    const time = xToTime(left, stretch, width);
    const lines = () => linesAt(this.look, this.supply, { channel, band, time, stretch });
    if (this.look.pooled === "time") return { time: null, lines: lines() };
    if (time < frameEdge(this.grid, 0) || time >= frameEdge(this.grid, this.shape[0])) return null;
    return { time, lines: lines() };
  }
}

/**
 * Options of a select, the present value among them.
 * @param {HTMLSelectElement} select @param {number[]} choices @param {number} value @param {(n: number) => string} name
 */
function offer(select, choices, value, name) {
  const all = [...new Set([...choices, value])].sort((a, b) => a - b);
  if ([...select.options].map((option) => Number(option.value)).join() !== all.join()) {
    select.replaceChildren(...all.map((choice) => h("option", { value: choice }, name(choice))));
  }
  select.value = String(value);
}

function build() {
  const option = (/** @type {string} */ value, /** @type {string} */ text) => h("option", { value }, text);
  const title = h("span.ev-plot-title", { dir: "auto" });
  const facts = h("span.ev-feature-maps-facts");
  const order = h("select", {}, option("activity", "activity"), option("index", "index"));
  const pooled = h("select", {}, option("none", "nothing"), option("time", "time"), option("frequency", "frequency"));
  const scale = h("select", {}, option("channel", "each channel"), option("layer", "whole layer"));
  const [page, window] = [h("select"), h("select")];
  const tools = h(
    "div.ev-feature-maps-tools",
    {},
    h("label", {}, "pooled over", pooled),
    h("label", {}, "order", order),
    h("label", {}, "range of", scale),
    h("label", {}, "window", window),
  );
  const head = h("div.ev-feature-maps-head", {}, title, facts, tools);
  const grid = h("div.ev-feature-maps-grid", { role: "group", "aria-label": "Channels" });
  /** @param {string} path @param {string} label */
  const button = (path, label) => h("button", { type: "button", "aria-label": label, title: label }, icon(path));
  const before = button(LEFT, "Channel before");
  const after = button(RIGHT, "Next channel");
  const close = button(CLOSE, "Back to all channels (Esc)");
  const card = h("button", { type: "button", title: "What this channel answers to (C)", hidden: true }, "Card");
  card.setAttribute("aria-label", "Card of this channel");
  const canvas = h("canvas", { role: "img" });
  const field = h("div.ev-feature-maps-field", {}, canvas, h("div.ev-feature-maps-center"));
  const [name, about] = [h("b"), h("span")];
  const large = h(
    "div.ev-feature-maps-large",
    {},
    h("div.ev-feature-maps-large-head", {}, name, about, card, before, after, close),
    field,
  );
  const note = h("p.ev-feature-maps-note", { role: "status" });
  const previous = button(LEFT, "Page before");
  const next = button(RIGHT, "Next page");
  const [where, when, status] = [h("span"), h("span"), h("span.ev-error", { role: "status" })];
  const [lowest, highest] = [h("span"), h("span")];
  const ramp = h("i", { style: { background: gradient(MAP) } });
  const each = h("label", {}, page, "per page");
  const key = h("span.ev-feature-maps-key", {}, lowest, ramp, highest);
  const foot = h("div.ev-feature-maps-foot", {}, previous, where, next, each, when, status, key);
  const tip = h("div.ev-tip", { hidden: true });
  const root = h("div.embviz.ev-feature-maps", {}, head, note, grid, large, foot, tip);
  return {
    root,
    title,
    facts,
    tools,
    order,
    pooled,
    scale,
    page,
    window,
    grid,
    large,
    name,
    about,
    before,
    after,
    close,
    card,
    field,
    canvas,
    note,
    foot,
    previous,
    next,
    where,
    when,
    status,
    each,
    key,
    ramp,
    lowest,
    highest,
    tip,
  };
}

export default { render };
