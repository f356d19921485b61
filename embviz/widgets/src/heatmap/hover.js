// @ts-nocheck
/** What the pointer is at: outlined in the plot, told beside the pointer, and asked for exactly once that rests. */

import { tipPlace } from "../base/canvas.js";
import { cellValue } from "../base/color_scale.js";
import { h } from "../base/dom.js";
import { finenessOf, hoverLines, spanText } from "../base/format.js";
import { fullName } from "../base/labels.js";
import { formatTime, frameSpan, GUTTER, xToTime } from "../base/time.js";

const REST = 120; // milliseconds, after which a pointer is at rest

/** Asks Python for the exact value of a cell; only the last answer counts. */
class Inquiry {
  #known = { key: "", value: undefined };
  #asked = { seq: 0, key: "" };
  #rest = 0;

  constructor(model, signal) {
    this.model = model;
    signal.addEventListener("abort", () => this.stop(), { once: true });
  }

  static #key({ frame, dimension }) {
    return `${frame} ${dimension}`;
  }

  forget() {
    this.#known = { key: "", value: undefined };
  }

  stop() {
    clearTimeout(this.#rest);
  }

  /** The exact value, null where there is none; undefined before the answer. */
  value(cell) {
    return this.#known.key === Inquiry.#key(cell) ? this.#known.value : undefined;
  }

  /** Ask after a rest. @param {unknown} data that the cell is of: an answer about other data is none */
  ask(cell, data) {
    const key = Inquiry.#key(cell);
    this.stop();
    this.#rest = setTimeout(() => {
      if (this.#asked.key === key && this.#asked.data === data) return;
      this.#asked = { seq: this.#asked.seq + 1, key, data };
      this.model.send?.({ kind: "value", frame: cell.frame, dimension: cell.dimension, seq: this.#asked.seq });
    }, REST);
  }

  /** @returns {boolean} whether a message was the answer that is waited for */
  answered(content, data) {
    if (content?.kind !== "value" || content.seq !== this.#asked.seq || data !== this.#asked.data) return false;
    this.#known = { key: this.#asked.key, value: content.value };
    return true;
  }
}

export class Hover {
  tip = h("div.ev-tip", { hidden: true });
  pointer = null; // CSS pixels in the plot; x is null beside it

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

  answered(content) {
    if (this.exact.answered(content, this.plot.field.codes)) this.show();
  }

  show() {
    const { pointer, plot } = this;
    const { field, overlays, view, size } = plot;
    if (!pointer || field.empty || !size.width) {
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
    else this.#showEmpty(frame, dimension);
  }

  #showCell(cell) {
    const { field } = this.plot;
    const exact = this.exact.value(cell);
    const value = cellValue(cell.code, field.ranges, cell.dimension);
    const lines = hoverLines({ ...cell, value, exact }, field);
    const hint = `P ${this.#pins(cell.dimension)}`;
    this.#say(lines.name, [lines.value, lines.beyond, lines.span, lines.heard, lines.pooled], hint);
    if (exact === undefined) this.exact.ask(cell, field.codes);
  }

  #showEmpty(frame, dimension) {
    const { field, model, view, size } = this.plot;
    const { grid } = field;
    const complete = model.get("complete") !== false;
    const time = xToTime(this.pointer.x, view, size.width);
    const when = frame === null ? formatTime(time, 1) : spanText(frameSpan(grid, frame), finenessOf(grid));
    const why = frame === null ? "no frame covers this" : "no value";
    const name = frame === null ? "" : fullName(dimension, field.labels);
    this.#say(name, [complete ? why : "not computed yet", when], "");
  }

  #showName(dimension) {
    this.#say(fullName(dimension, this.plot.field.labels), [], `click ${this.#pins(dimension)}`);
  }

  #pins(dimension) {
    return this.plot.pinned.includes(dimension) ? "unpins it" : "pins it as a curve";
  }

  /** Show text at the pointer, inside the widget. */
  #say(name, lines, hint) {
    const { tip, pointer } = this;
    const { root, canvas } = this.plot;
    tip.replaceChildren(
      ...(name ? [h("strong", { dir: "auto" }, name)] : []),
      ...lines.filter(Boolean).map((line) => h("div", {}, line)),
      ...(hint ? [h("div.ev-heatmap-hint", {}, hint)] : []),
    );
    tip.hidden = false;
    const [box, at] = [root.getBoundingClientRect(), canvas.getBoundingClientRect()];
    const x = at.left - box.left + (pointer.x ?? -GUTTER.left / 2);
    const y = at.top - box.top + pointer.y;
    const [left, top] = tipPlace(x, y, tip.offsetWidth, tip.offsetHeight, box.width, box.height);
    Object.assign(tip.style, { left: `${left}px`, top: `${top}px` });
  }
}
