/** What the pointer is at: outlined in the plot, told beside the pointer, and asked for exactly once that rests. */

import { tipPlace } from "../base/canvas.js";
import { cellValue } from "../base/color_scale.js";
import { h } from "../base/dom.js";
import { finenessOf, hoverLines, spanText } from "../base/format.js";
import { fullName } from "../base/labels.js";
import { formatTime, frameSpan, GUTTER, xToTime } from "../base/time.js";

const REST = 120; // milliseconds, after which a pointer is at rest

/** @typedef {{frame: number, dimension: number}} Place */

/** Asks Python for the exact value of a cell; only the last answer counts. */
class Inquiry {
  /** @type {{key: string, value: number | null | undefined}} */
  #known = { key: "", value: undefined };
  /** @type {{seq: number, key: string, data: unknown}} */
  #asked = { seq: 0, key: "", data: null };
  #rest = 0;

  /** @param {import("../types.js").Model} model @param {AbortSignal} signal */
  constructor(model, signal) {
    this.model = model;
    signal.addEventListener("abort", () => this.stop(), { once: true });
  }

  /** @param {Place} cell */
  static #key({ frame, dimension }) {
    return `${frame} ${dimension}`;
  }

  forget() {
    this.#known = { key: "", value: undefined };
  }

  stop() {
    clearTimeout(this.#rest);
  }

  /** The exact value, null where there is none; undefined before the answer. @param {Place} cell */
  value(cell) {
    return this.#known.key === Inquiry.#key(cell) ? this.#known.value : undefined;
  }

  /** Ask after a rest. @param {Place} cell @param {unknown} data that it is of: an answer about other data is none */
  ask(cell, data) {
    const key = Inquiry.#key(cell);
    this.stop();
    const ask = () => {
      if (this.#asked.key === key && this.#asked.data === data) return;
      this.#asked = { seq: this.#asked.seq + 1, key, data };
      this.model.send?.({ kind: "value", frame: cell.frame, dimension: cell.dimension, seq: this.#asked.seq });
    };
    this.#rest = Number(setTimeout(ask, REST));
  }

  /**
   * @param {import("../types.js").Message} content @param {unknown} data
   * @returns {boolean} whether a message was the answer that is waited for
   */
  answered(content, data) {
    if (content?.kind !== "value" || content.seq !== this.#asked.seq || data !== this.#asked.data) return false;
    this.#known = { key: this.#asked.key, value: content.value };
    return true;
  }
}

export class Hover {
  tip = h("div.ev-tip", { hidden: true });
  /** @type {{x: number | null, y: number} | null} CSS pixels in the plot; x is null beside it */
  pointer = null;

  /** @param {import("./heatmap.js").Heatmap} plot */
  constructor(plot) {
    this.plot = plot;
    this.exact = new Inquiry(plot.model, plot.signal);
  }

  /** @param {{x: number | null, y: number} | null} pointer */
  move(pointer) {
    this.pointer = pointer;
    this.show();
  }

  /** @param {import("../types.js").Message} content */
  answered(content) {
    if (this.exact.answered(content, this.plot.field.codes)) this.show();
  }

  show() {
    const { pointer, plot } = this;
    const { field, overlays, view, size } = plot;
    if (!pointer || field.empty || field.level || !size.width) {
      this.exact.stop();
      this.tip.hidden = overlays.patch.hidden = overlays.heard.hidden = true;
      plot.mark(plot.chosen);
      return;
    }
    const { cell, frame, dimension } = plot.under(pointer);
    if (!cell) this.exact.stop();
    overlays.outline(field.grid, frame, view, size.width);
    plot.mark(dimension);
    if (cell) this.#showCell(cell);
    else if (pointer.x === null) this.#showName(dimension);
    else this.#showEmpty(pointer.x, frame, dimension);
  }

  /** @param {import("../types.js").Cell} cell */
  #showCell(cell) {
    const { field } = this.plot;
    const exact = this.exact.value(cell);
    const value = cellValue(cell.code, field.ranges, cell.dimension);
    const lines = hoverLines({ ...cell, value, exact }, field);
    const hint = `P ${this.#pins(cell.dimension)}`;
    this.#say(lines.name, [lines.value, lines.beyond, lines.span, lines.heard, lines.pooled], hint);
    if (exact === undefined) this.exact.ask(cell, field.codes);
  }

  /** @param {number} x @param {number | null} frame @param {number} dimension */
  #showEmpty(x, frame, dimension) {
    const { field, model, view, size } = this.plot;
    const { grid } = field;
    const complete = model.get("complete") !== false;
    const time = xToTime(x, view, size.width);
    const when = frame === null ? formatTime(time, 1) : spanText(frameSpan(grid, frame), finenessOf(grid));
    const why = frame === null ? "no frame covers this" : "no value";
    const name = frame === null ? "" : fullName(dimension, field.labels);
    this.#say(name, [complete ? why : "not computed yet", when], "");
  }

  /** @param {number} dimension */
  #showName(dimension) {
    const pins = this.#pins(dimension);
    const hint = this.plot.cards ? `click: what it answers to · P ${pins}` : `click ${pins}`;
    this.#say(fullName(dimension, this.plot.field.labels), [], hint);
  }

  /** @param {number} dimension */
  #pins(dimension) {
    return this.plot.pinned.includes(dimension) ? "unpins it" : "pins it as a curve";
  }

  /** Show text at the pointer. @param {string} name @param {string[]} lines @param {string} hint */
  #say(name, lines, hint) {
    if (!this.pointer) return;
    const said = hint ? [h("div.ev-heatmap-hint", {}, hint)] : [];
    const at = this.plot.canvas.getBoundingClientRect().left + (this.pointer.x ?? -GUTTER.left / 2);
    this.tell(name, lines, at, this.pointer.y, said);
  }

  /**
   * Show text at a place, inside the widget.
   * @param {string} name @param {string[]} lines
   * @param {number} at pixels from the left of the page @param {number} down from the top of the plot
   * @param {Node[]} [more]
   */
  tell(name, lines, at, down, more = []) {
    const { tip, plot } = this;
    const title = name ? [h("strong", { dir: "auto" }, name)] : [];
    tip.replaceChildren(...title, ...lines.filter(Boolean).map((line) => h("div", {}, line)), ...more);
    tip.hidden = false;
    const box = plot.root.getBoundingClientRect();
    const y = plot.canvas.getBoundingClientRect().top - box.top + down;
    const tall = Math.max(box.height, tip.offsetHeight);
    const [left, top] = tipPlace(at - box.left, y, tip.offsetWidth, tip.offsetHeight, box.width, tall);
    Object.assign(tip.style, { left: `${left}px`, top: `${top}px` });
  }
}
