/**
 * The contact sheet of moments: a picture of each with what is known of it; one click plays a moment from its start to
 * its stop, and all are played in order.
 */
import { bytesOf } from "../base/buffers.js";
import { inksOf } from "../base/canvas.js";
import { h, icon, onChange, onTheme, perFrame, sizeOf, whileSeen, write } from "../base/dom.js";
import { count } from "../base/format.js";
import { keepKeys } from "../base/keys.js";
import { clamp } from "../base/time.js";
import { ICONS, plain } from "../base/ui.js";
import { commonOf } from "./common.js";
import { cellsOf } from "./picture.js";
import { Playback } from "./playback.js";
import { tileOf, timesText } from "./tile.js";

/** @import { Model, RenderOptions } from "../types.js" */

const KEYS_SAID =
  "Enter or Space plays a moment or stops it, with Shift also those that follow; arrow keys, Home and End walk.";
const STOP = "M4 4h8v8H4z";

/**
 * Where a key leads from a tile; -1 where it leads nowhere.
 * @param {string} key @param {number} from @param {number} length @param {number} columns
 */
export function steppedTile(key, from, length, columns) {
  /** @type {Record<string, number>} */
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
  if (!length) return -1;
  if (key === "Home") return 0;
  if (key === "End") return length - 1;
  if (!Object.hasOwn(steps, key)) return -1;
  const to = from + steps[key];
  // A row above or below that is not there leaves the focus where it is.
  return Math.abs(steps[key]) > 1 && (to < 0 || to >= length) ? from : clamp(to, 0, length - 1);
}

class MomentSheet {
  title = h("h3.ev-moments-name", { dir: "auto" });
  face = h("span.ev-moments-face");
  label = h("span");
  all = h("button.ev-primary", { type: "button", onclick: () => this.#pressAll() }, this.face, this.label);
  status = h("span.ev-moments-status", { role: "status", dir: "auto" });
  head = h("div.ev-moments-head", {}, this.title, this.all, this.status);
  common = commonOf();
  list = h("ol.ev-moments-list", { "aria-label": "Moments" });
  message = h("p.ev-moments-message.ev-faint", { hidden: true });
  notes = h("div.ev-moments-notes.ev-faint");
  root = h("div.embviz.ev-moments", { role: "group" });
  /** @type {ReturnType<typeof tileOf>[]} */
  tiles = [];
  focus = 0;
  dark = false;
  width = 0; // of a picture with its axes, in pixels
  shown = "";

  /** @param {Model} model @param {HTMLElement} el @param {AbortSignal} signal */
  constructor(model, el, signal) {
    this.model = model;
    this.root.append(this.head, this.common.el, this.message, this.list, this.notes);
    el.append(this.root);
    this.inks = inksOf(this.root);
    this.redraw = whileSeen(this.root, () => this.#paint(), signal);
    this.refresh = perFrame(() => this.#update(), signal);
    this.box = sizeOf(this.root, () => this.redraw(), signal);
    this.playback = new Playback(model, {
      signal,
      changed: () => this.#changed(),
      moved: () => this.#moved(),
    });
    onChange(model, "items serial unit openable message loading title notes", () => this.#fill(), signal);
    const drawn = "pictures hz low high mean_picture common_picture reach span picture_unit";
    onChange(model, drawn, this.redraw, signal);
    onTheme(this.root, (dark) => this.#themed(dark), signal);
    this.list.addEventListener("keydown", (event) => this.#pressed(event), { signal });
    this.list.addEventListener("focusin", ({ target }) => this.#focused(/** @type {Node} */ (target)), { signal });
    keepKeys(this.root, signal);
    signal.addEventListener("abort", () => this.root.remove(), { once: true });
    this.#fill();
    if (model.get("autoplay")) {
      // Once: a page that is loaded again stays silent.
      model.set("autoplay", false);
      this.playback.playAll();
    }
  }

  /** @param {boolean} dark */
  #themed(dark) {
    this.dark = dark;
    this.inks = inksOf(this.root);
    this.redraw();
  }

  // -- what is shown --

  #fill() {
    const { model, playback } = this;
    const { items } = playback;
    const [unit, openable, title] = [model.get("unit") ?? "", Boolean(model.get("openable")), model.get("title") ?? ""];
    const serial = model.get("serial");
    // Pictures and problems may come later, and leave what plays in peace.
    const told = items.map(({ problem: _, shape: __, ...rest }) => rest);
    const key = JSON.stringify([serial, unit, openable, told]);
    if (key !== this.shown) {
      this.shown = key;
      playback.reset();
      this.focus = 0;
      this.tiles = items.map((moment, index) =>
        tileOf(moment, {
          unit,
          openable,
          press: ({ shiftKey }) => (shiftKey ? playback.play(index, true) : playback.toggle(index)),
          open: () => model.send?.({ kind: "open", index, serial }),
        }),
      );
      this.list.replaceChildren(...this.tiles.map(({ el }) => el));
      this.#stops();
    }
    write(this.title, plain(title));
    this.title.hidden = !title;
    this.root.setAttribute(
      "aria-label",
      `${plain(title) || "Moments"}: ${count(items.length, "moment")}. ${KEYS_SAID}`,
    );
    const message = items.length ? "" : model.get("loading") || model.get("message");
    write(this.message, plain(message));
    this.message.hidden = !message;
    const notes = /** @type {string[]} */ (model.get("notes") ?? []);
    this.notes.replaceChildren(...notes.map((note) => h("p", { dir: "auto" }, plain(note))));
    this.list.hidden = !items.length;
    this.all.hidden = !items.length;
    this.redraw();
    this.refresh();
  }

  /** Of all tiles, the Tab key stops at one. */
  #stops() {
    for (const [i, { face }] of this.tiles.entries()) face.tabIndex = i === this.focus ? 0 : -1;
  }

  #update() {
    const { playback, tiles } = this;
    const { items, index, playing, waiting, share } = playback;
    for (const [i, tile] of tiles.entries()) {
      const current = i === index;
      tile.update({
        current,
        playing: current && playing,
        waiting: current && waiting,
        share: current ? share : 0,
        problem: playback.problems.get(i) || items[i]?.problem || "",
        drawn: Boolean(items[i]?.shape?.[0]),
      });
    }
    const words = playing ? "Stop" : "Play all";
    if (this.label.textContent !== words) this.face.replaceChildren(icon(playing ? STOP : ICONS.play));
    write(this.label, words);
    write(this.status, this.#said());
  }

  #said() {
    const { playback, model } = this;
    const { items, index, playing, waiting, note, problems } = playback;
    const moment = items[index];
    const faults = items.filter(({ problem }, i) => problem || problems.has(i)).length;
    const silent = faults ? ` · ${count(faults, "moment")} cannot be heard` : "";
    if (note) return note;
    if (moment && problems.has(index)) return problems.get(index) ?? "";
    const where = moment ? `${index + 1} of ${items.length} · ${plain(moment.title)} · ${timesText(moment)}` : "";
    if (moment && waiting) return `${where} · loading the sound …`;
    if (moment && playing) return where;
    return items.length ? model.get("loading") || `${count(items.length, "moment")}${silent}` : "";
  }

  /** What plays, or no longer does. */
  #changed() {
    const { model, playback } = this;
    for (const [name, value] of Object.entries({ current: playback.index, playing: playback.playing })) {
      if (model.get(name) !== value) model.set(name, value);
    }
    model.save_changes?.();
    this.refresh();
  }

  /** While it plays, no more than the playhead changes. */
  #moved() {
    const { playback } = this;
    const tile = this.tiles[playback.index];
    const stage = /** @type {HTMLElement | null} */ (tile?.el.querySelector(".ev-moment-stage"));
    const head = /** @type {HTMLElement | null} */ (stage?.firstElementChild);
    if (!stage || !head) return;
    head.style.transform = `translateX(${playback.share * stage.clientWidth}px)`;
  }

  #paint() {
    const { model, tiles, inks, box } = this;
    if (!box.width) return;
    const hz = model.get("hz") ?? [];
    const shapes = this.playback.items.map(({ shape }) => shape);
    const cells = cellsOf(bytesOf(model.get("pictures")), shapes);
    // What JupyterLab hides for a moment, as when it changes its theme, is as wide as before.
    this.width = tiles[0]?.face.querySelector(".ev-moment-plot")?.clientWidth || this.width;
    for (const [i, tile] of tiles.entries()) tile.paint(cells[i], { inks, hz, width: this.width });
    const one = (/** @type {string} */ name) => {
      const bytes = bytesOf(model.get(name));
      const bands = hz.length || (shapes.find(([n]) => n)?.[0] ?? 0);
      return bands ? cellsOf(bytes, [[bands, bytes.length / bands]])[0] : null;
    };
    const [low, high, reach, span] = ["low", "high", "reach", "span"].map((name) => model.get(name) ?? 0);
    const look = { inks, hz, span, low, high, reach, unit: model.get("picture_unit") ?? "", dark: this.dark };
    const drawn = { mean: one("mean_picture"), common: one("common_picture") };
    this.common.paint(drawn, { ...look, width: box.width });
    this.refresh();
  }

  // -- keys --

  #pressAll() {
    if (this.playback.playing) this.playback.stop();
    else this.playback.playAll();
  }

  /** @param {Node} target */
  #focused(target) {
    const at = this.tiles.findIndex(({ el }) => el.contains(target));
    if (at < 0) return;
    this.focus = at;
    this.#stops();
  }

  get #columns() {
    const first = this.tiles[0]?.el.offsetTop;
    const next = this.tiles.findIndex(({ el }) => el.offsetTop !== first);
    return next < 0 ? this.tiles.length : next;
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { playback } = this;
    if (key === "Escape" && playback.playing) playback.stop();
    else if (key === "Enter" || key === " ") {
      // The button says itself that it was pressed; here the key is only kept from the panel around.
      event.stopPropagation();
      return;
    } else {
      const at = this.tiles.findIndex(({ el }) => el.contains(/** @type {Node} */ (target)));
      const to = steppedTile(key, at, this.tiles.length, this.#columns);
      if (to < 0) return;
      this.tiles[to].face.focus();
    }
    event.preventDefault();
    event.stopPropagation();
  }
}

/** @param {RenderOptions} options */
function render({ model, el, signal: given }) {
  const own = new AbortController();
  new MomentSheet(model, el, given ?? own.signal);
  return () => own.abort();
}

export default { render };
