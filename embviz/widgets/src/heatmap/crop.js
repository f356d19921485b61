/** The part of a measured scale that a heatmap shows: its ends as numbers to type, and the button that shows all. */
import { h, write } from "../base/dom.js";
import { plain } from "../base/labels.js";

/**
 * The part that two typed ends mean; empty where it is all of the scale, null where it is nothing.
 * @param {number[]} numbers rising, of the scale
 * @param {number} a
 * @param {number} b
 * @returns {[number, number] | [] | null}
 */
export function cropOf(numbers, a, b) {
  const [first, last] = [numbers[0], numbers[numbers.length - 1]];
  const [low, high] = [Math.max(Math.min(a, b), first), Math.min(Math.max(a, b), last)];
  if (numbers.filter((number) => number >= low && number <= high).length < 2) return null;
  return low <= first && high >= last ? [] : [low, high];
}

export class Crop {
  low = h("input", { type: "number", step: "any" });
  high = h("input", { type: "number", step: "any" });
  unit = h("span.ev-faint");
  /** @type {number[]} */
  #numbers = [];

  /** @param {(crop: number[]) => void} set takes both ends, or nothing for all */
  constructor(set) {
    this.all = h("button", { type: "button", onclick: () => set([]) }, "All");
    this.el = h("span.ev-heatmap-crop", { role: "group", hidden: true }, this.low, "–", this.high, this.unit, this.all);
    for (const input of [this.low, this.high]) {
      input.addEventListener("change", () => {
        const crop = cropOf(this.#numbers, Number(this.low.value), Number(this.high.value));
        if (crop) set(crop);
        else this.#write();
      });
    }
  }

  /** @type {number[] | null} */
  #shown = null;

  /** @param {{measure: {numbers: number[], unit: string} | null, crop: number[] | null}} field */
  show({ measure, crop }) {
    this.el.hidden = !measure;
    if (!measure) return;
    const unit = plain(measure.unit, 24);
    [this.#numbers, this.#shown] = [measure.numbers, crop];
    write(this.unit, unit);
    this.el.setAttribute("aria-label", `Rows shown, in ${unit}`);
    this.low.setAttribute("aria-label", `Lowest row shown, in ${unit}`);
    this.high.setAttribute("aria-label", `Highest row shown, in ${unit}`);
    const [first, last] = [measure.numbers[0], measure.numbers[measure.numbers.length - 1]];
    this.all.title = `Show all rows, ${first}–${last} ${unit}`;
    this.all.hidden = !crop;
    this.#write();
  }

  #write() {
    const numbers = this.#numbers;
    const [low, high] = this.#shown ?? [numbers[0], numbers[numbers.length - 1]];
    [this.low.value, this.high.value] = [String(low), String(high)];
  }
}
