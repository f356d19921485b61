/** What stands around the picture of a heatmap: names of rows to the left, colours to the right, times below. */
import { gradient, isDiverging } from "../base/colormaps.js";
import { h } from "../base/dom.js";
import { stopText } from "../base/format.js";
import { LABEL, measured, nameOf, plain, rowLabels } from "../base/labels.js";
import { timeTicks, timeToX } from "../base/time.js";

/**
 * @import { MapName } from "../types.js" @import { View } from "../base/time.js"
 * @import { Field } from "./heatmap_model.js"
 */

/**
 * The words at the colour bar, from the top: its ends, and zero where colours part there. An end that values go beyond
 * says so.
 * @param {ReturnType<typeof import("../base/color_scale.js").scaleOf>} colours
 */
export function stopsOf({ low, high, map, below, above }) {
  const largest = Math.max(Math.abs(low), Math.abs(high));
  const ends = [`${above ? "≥ " : ""}${stopText(high, largest)}`, `${below ? "≤ " : ""}${stopText(low, largest)}`];
  return isDiverging(map) ? [ends[0], "0", ends[1]] : ends;
}

export class Axes {
  names = h("div.ev-heatmap-names", { "aria-hidden": "true" });
  name = h("div.ev-heatmap-mark", { hidden: true, dir: "auto", "aria-hidden": "true" });
  gutter = h("div.ev-heatmap-gutter", {}, this.names, this.name);
  bar = h("div.ev-heatmap-bar", { "aria-hidden": "true" });
  ticks = h("div.ev-heatmap-ticks", { "aria-hidden": "true" });
  /** @type {{field: Field, height: number} | null} what the names are of */
  #named = null;
  /** @type {Map<string, HTMLElement>} by label */
  #ticks = new Map();

  /**
   * @param {Field} field @param {MapName} map of colours, as the paper has it @param {View} view
   * @param {{width: number, height: number}} size of the plot in pixels
   */
  draw(field, map, view, { width, height }) {
    this.#drawTicks(view, width);
    this.#drawNames(field, height);
    this.#drawBar(field, map);
  }

  /** @param {View} view @param {number} width */
  #drawTicks(view, width) {
    const before = this.#ticks;
    const ticks = timeTicks(view, width).map(({ time, label }) => {
      const x = timeToX(time, view, width);
      const outside = x + label.length * 3.4 > width; // half of a label, of digits of some 7 pixels
      const tick = before.get(label) ?? h("span", {}, label);
      tick.classList.toggle("ev-heatmap-last", outside);
      tick.style.transform = `translateX(${x}px)`;
      return /** @type {const} */ ([label, tick]);
    });
    this.#ticks = new Map(ticks);
    // Most zooms move what is there, which needs no layout.
    if (ticks.length !== before.size || ticks.some(([label]) => !before.has(label))) {
      this.ticks.replaceChildren(...this.#ticks.values());
    }
  }

  /** @param {Field} field @param {number} height */
  #drawNames(field, height) {
    if (this.#named?.field === field && this.#named.height === height) return;
    this.#named = { field, height };
    const names = rowLabels(field, height).map(({ row, text }) => {
      const name = h("span", { dir: "auto", title: text }, text);
      name.style.top = `${((row + 0.5) / field.rows.length) * height}px`;
      return name;
    });
    const unit = field.labels.length ? (field.listed ? "" : measured(field.labels)?.unit) : "dimension";
    this.names.replaceChildren(...names, ...(unit ? [h("span.ev-heatmap-axis", {}, plain(unit, 24))] : []));
  }

  /** @param {Field} field @param {MapName} map */
  #drawBar(field, map) {
    const unit = field.scale === "minmax" ? "share of its range" : plain(field.unit, 40) || "value";
    const stops = stopsOf(field.colors);
    const key = `${stops} ${map} ${unit}`;
    if (this.bar.dataset.key === key) return;
    this.bar.dataset.key = key;
    const strip = h("div.ev-heatmap-strip", { style: { background: gradient(map, "to top") } });
    const texts = stops.map((text) => h("span", {}, text));
    const named = h("span.ev-heatmap-unit", { title: unit }, unit);
    this.bar.replaceChildren(strip, h("div.ev-heatmap-stops", {}, ...texts), named);
  }

  /**
   * Name the row of a dimension, over the names that would touch it; a negative row puts the name away.
   * @param {number} row @param {number | null} dimension @param {Field} field @param {number} height
   */
  mark(row, dimension, field, height) {
    this.name.hidden = row < 0;
    const middle = row < 0 ? -Infinity : ((row + 0.5) / field.rows.length) * height;
    for (const name of /** @type {Iterable<HTMLElement>} */ (this.names.children)) {
      name.classList.toggle("ev-heatmap-behind", Math.abs(parseFloat(name.style.top) - middle) < LABEL);
    }
    if (row < 0 || dimension === null) return;
    this.name.textContent = nameOf(dimension, field.labels);
    this.name.style.top = `${middle}px`;
  }
}
