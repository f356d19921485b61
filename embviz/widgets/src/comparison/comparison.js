/**
 * Two tracks, one above the other, each on its own clock: between their waveforms stands which moments belong together.
 */
import { bytesOf } from "../base/buffers.js";
import { inksOf, penOf } from "../base/canvas.js";
import { h, onChange, onTheme, perFrame, sizeOf, write } from "../base/dom.js";
import { applyToClock, keepKeys, placeOf, pressedAction } from "../base/keys.js";
import { GUTTER, timeToX } from "../base/time.js";
import { plain, slot } from "../base/ui.js";
import { clockOf } from "../player/clock.js";
import { counterpart, linesOf, pathOf, viewOfOther } from "./alignment.js";
import { linkOf } from "./linked_clocks.js";

/**
 * @import { Host, Model, RenderOptions } from "../types.js"
 * @import { Clock } from "../player/clock.js"
 * @import { Side } from "./linked_clocks.js"
 */

const LETTERS = ["A", "B"];
const TALL = 64; // pixels between the waveforms

class Comparison {
  canvas = h("canvas", { role: "img", "aria-label": "Lines that join the moments that belong together" });
  lines = h("div.ev-comparison-lines", {}, this.canvas);
  message = h("p.ev-comparison-message", { role: "status" });
  buttons = LETTERS.map((letter, side) =>
    h("button", { type: "button", onclick: () => this.links.choose(/** @type {Side} */ (side)) }, letter),
  );
  linker = h("button", { type: "button", onclick: () => this.links.link(!this.links.linked) }, "Linked");

  /** @param {Model} model @param {HTMLElement} el @param {AbortSignal} signal @param {Host} host */
  constructor(model, el, signal, host) {
    this.model = model;
    this.clocks = /** @type {[Clock, Clock]} */ (model.get("clocks").map(clockOf));
    this.path = pathOf(new Float32Array(0));
    this.root = h("div.embviz.ev-comparison", { role: "group" });
    this.halves = LETTERS.map((letter) => new Half(letter, { host, signal }));
    const durations = () => /** @type {[number, number]} */ (this.clocks.map(({ duration }) => duration));
    this.links = linkOf(
      this.clocks,
      {
        counterpart: (seconds, side) => counterpart(this.path, seconds, side),
        viewOfOther: (view, side) => viewOfOther(this.path, view, side, durations()),
      },
      { signal, changed: () => this.#changed() },
    );
    this.#build();
    el.append(this.root);
    this.inks = inksOf(this.root);
    this.draw = perFrame(() => this.#paint(), signal);
    this.box = sizeOf(this.lines, this.draw, signal);
    this.#listen(signal);
    this.#update();
    if (!this.linker.disabled && this.links.fresh) this.links.link(true);
  }

  #build() {
    const heard = h("div.ev-switch", { role: "group", "aria-label": "Heard" }, ...this.buttons);
    const head = h("div.ev-comparison-head", {}, heard, this.linker, this.message);
    this.root.append(head, this.halves[0].el, this.lines, this.halves[1].el);
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    const { model, clocks, root } = this;
    keepKeys(root, signal);
    // Before the players, of which each would play its own track.
    window.addEventListener("keydown", (event) => this.#firstKey(event), { capture: true, signal });
    root.addEventListener("keydown", (event) => this.#key(event), { signal });
    onChange(model, "players heatmaps path message names same_piece", () => this.#update(), signal);
    for (const clock of clocks) {
      for (const kind of /** @type {const} */ (["time", "view", "state"])) clock.on(kind, this.draw, { signal });
    }
    const themed = () => {
      this.inks = inksOf(root);
      this.draw();
    };
    onTheme(root, themed, signal);
    signal.addEventListener("abort", () => root.remove(), { once: true });
  }

  #update() {
    const { model, root } = this;
    const known = model.get("same_piece") && bytesOf(model.get("path")).length > 0;
    this.path = pathOf(known ? new Float32Array(bytesOf(model.get("path")).slice().buffer) : new Float32Array(0));
    this.lines.hidden = !known;
    const names = (model.get("names") ?? []).map(plain);
    for (const [side, half] of this.halves.entries()) {
      half.update({ name: names[side], player: model.get("players")[side], heatmap: model.get("heatmaps")[side] });
      this.buttons[side].title = `Hear ${names[side]} (${LETTERS[side]})`;
      this.buttons[side].setAttribute("aria-label", `Hear ${LETTERS[side]}: ${names[side]}`);
    }
    this.linker.disabled = !known;
    this.linker.title = known
      ? "Keep both at moments that belong together"
      : "Only tracks of which moments belong together can be linked";
    if (!known) this.links.link(false);
    write(this.message, model.get("message") ?? "");
    this.message.title = model.get("about") ?? "";
    root.setAttribute("aria-label", `Comparison of ${names.join(" and ")}`);
    this.#changed();
    this.draw();
  }

  /** What the buttons say. */
  #changed() {
    const { sounding, linked } = this.links;
    for (const [side, button] of this.buttons.entries()) {
      button.setAttribute("aria-pressed", String(side === sounding));
      this.halves[side].el.classList.toggle("ev-comparison-heard", side === sounding);
    }
    write(this.linker, linked ? "Linked" : "Not linked");
    this.linker.setAttribute("aria-pressed", String(linked));
  }

  /** Which track is heard, and of linked ones whether any is. @param {KeyboardEvent} event */
  #firstKey(event) {
    const target = /** @type {Element} */ (event.composedPath()[0]);
    if (event.defaultPrevented || !event.composedPath().includes(this.root)) return;
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !["text", "dialog"].includes(placeOf(target));
    const side = LETTERS.indexOf(event.key.toUpperCase());
    if (plain && side >= 0) this.links.choose(/** @type {Side} */ (side));
    else if (this.links.linked && pressedAction(event)?.kind === "play") this.clocks[this.links.sounding].toggle();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  /** What neither player nor heatmap has taken is for the track that has the focus, or sounds. @param {KeyboardEvent} event */
  #key(event) {
    if (event.defaultPrevented) return;
    const half = this.halves.findIndex(({ el }) => el.contains(/** @type {Node} */ (event.target)));
    if (applyToClock(pressedAction(event), this.clocks[half < 0 ? this.links.sounding : half])) event.preventDefault();
  }

  #paint() {
    const { box, clocks, inks, canvas, links } = this;
    const width = box.width - GUTTER.left - GUTTER.right;
    if (width < 2) return;
    const pen = penOf(canvas, box.width, TALL);
    const views = /** @type {[[number, number], [number, number]]} */ (clocks.map(({ view }) => view));
    pen.save();
    pen.beginPath();
    pen.rect(GUTTER.left, 0, width, TALL);
    pen.clip();
    pen.translate(GUTTER.left, 0);
    pen.strokeStyle = inks.faint;
    pen.globalAlpha = 0.55;
    for (const [above, below] of linesOf(this.path, views, width)) join(pen, above, below);
    if (links.linked) {
      const [above, below] = clocks.map(({ time }, side) => timeToX(time, views[side], width));
      pen.globalAlpha = 1;
      pen.strokeStyle = "#ff5252";
      pen.lineWidth = 2;
      join(pen, above, below);
    }
    pen.restore();
  }
}

/** @param {import("../base/canvas.js").Pen} pen @param {number} above @param {number} below pixels from the left */
function join(pen, above, below) {
  pen.beginPath();
  pen.moveTo(above, 0);
  pen.bezierCurveTo(above, TALL * 0.35, below, TALL * 0.65, below, TALL);
  pen.stroke();
}

/** One of both tracks: its player and its heatmap. */
class Half {
  /** @param {string} letter @param {{host: Host, signal: AbortSignal}} options */
  constructor(letter, options) {
    this.player = slot(options);
    this.heatmap = slot(options);
    const parts = h("div.ev-comparison-parts", {}, this.heatmap.el, this.player.el);
    this.el = h(`section.ev-comparison-half.ev-comparison-${letter.toLowerCase()}`, {}, h("b", {}, letter), parts);
    this.letter = letter;
  }

  /** @param {{name: string, player: string, heatmap: string}} track */
  update({ name, player, heatmap }) {
    this.el.setAttribute("aria-label", `${this.letter}: ${name}`);
    this.player.set(player);
    this.heatmap.set(heatmap);
  }
}

/** @param {RenderOptions} options */
function render({ model, el, signal: given, host }) {
  const own = new AbortController();
  given?.addEventListener("abort", () => own.abort(), { once: true });
  new Comparison(model, el, own.signal, /** @type {Host} */ (host));
  return () => own.abort();
}

export default { render };
