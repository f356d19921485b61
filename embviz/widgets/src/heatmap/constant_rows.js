/** The dimensions that never change: where they are most of a heatmap, those that do can have its room. */
import { h, write } from "../base/dom.js";
import { count } from "../base/format.js";

/** The rows whose dimensions change. @param {Uint16Array} rows @param {Float32Array} ranges [d, 2] */
export function liveRows(rows, ranges) {
  return rows.filter((dimension) => ranges[2 * dimension] < ranges[2 * dimension + 1]);
}

/** How many dimensions never change, in words. @param {number} still @param {number} d */
export function stillText(still, d) {
  return `${still.toLocaleString("en")} of ${count(d, "dimension")} never change`;
}

/** The line below a heatmap that says what was left out, and the button that brings it back. */
export class Rest {
  text = h("span");
  #all = false;

  /** @param {() => void} changed is called when the reader wants other rows */
  constructor(changed) {
    const press = () => {
      this.#all = !this.#all;
      changed();
    };
    this.button = h("button", { type: "button", onclick: press });
    this.el = h("div.ev-heatmap-rest.ev-faint", { hidden: true }, this.text, this.button);
  }

  /**
   * The rows to draw: all of a field's, or where most never change and stand below the others, those that do.
   * @param {import("./heatmap_model.js").Field} field @param {boolean} wanted whether others may be left out
   */
  rowsOf(field, wanted) {
    const live = wanted && field.order !== "index" && field.t > 1 ? liveRows(field.rows, field.ranges) : field.rows;
    const d = field.rows.length;
    const most = live.length > 0 && live.length < d / 2;
    this.el.hidden = !most;
    if (!most) return field.rows;
    write(this.text, stillText(d - live.length, d));
    write(this.button, this.#all ? `Show the ${live.length.toLocaleString("en")} that change` : "Show all");
    return this.#all ? field.rows : live;
  }
}
