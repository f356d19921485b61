/** Histograms and bars beside a map: what is filtered by each is left out everywhere, and the others follow at once. */
import { h, icon, perFrame, write } from "../base/dom.js";
import { ICONS } from "../base/ui.js";
import { bars } from "./bars.js";
import { Crossfilter } from "./crossfilter.js";
import { facetMenu } from "./facet_menu.js";
import { facetFrame } from "./frame.js";
import { histogram } from "./histogram.js";

/** @import { Column, FacetOptions, FacetView, Filter, Filters } from "./types.js" */

/**
 * @typedef {object} StripOptions
 * @property {HTMLElement} root that menus belong to
 * @property {AbortSignal} signal
 * @property {(filters: Filters, settled: boolean) => void} changed the reader has filtered
 * @property {(keys: string[]) => void} show the reader has chosen which facets there are
 * @property {() => FacetOptions[]} options what can be chosen
 * @property {() => void} [select] select all that is left
 * @property {() => void} reset have the legend of the map hide nothing
 * @property {(text: string) => void} [tell] told how many tracks are shown; nothing where that is all
 */

/** @param {StripOptions} options */
export function facetStrip({ root, signal, changed, show, options, select, reset, tell }) {
  const crossfilter = new Crossfilter();
  /** @type {Filters} */
  let filters = {};
  /** @type {string[]} */
  let keys = [];
  /** @type {Map<string, {view: FacetView, abort: AbortController, column: Column | undefined}>} */
  let views = new Map();
  let own = false; // whether the reader has folded them, or unfolded

  const chevron = icon(ICONS.chevron);
  const fold = h("button.ev-plain.ev-facets-fold", { type: "button", "aria-expanded": "true" }, chevron, "Filters");
  const count = h("output.ev-facets-count");
  const pick = h("button.ev-facets-select", { type: "button" }, "Select");
  pick.title = "Select the tracks that are shown: to play, queue or save them";
  const clear = h("button.ev-facets-clear", { type: "button" }, "Show all");
  clear.title = "End all filters, and show all colours of the legend";
  const add = h("button.ev-plain.ev-facets-add", { type: "button", title: "Columns to filter by" });
  add.setAttribute("aria-label", "Columns to filter by");
  add.append(icon(ICONS.plus));
  const empty = h("p.ev-facets-empty.ev-faint", { hidden: true }, "Nothing tells these tracks apart yet. ");
  const list = h("div.ev-facets-list");
  const head = h("div.ev-facets-head", {}, fold, pick, add, count, clear);
  const el = h("section.ev-facets", { "aria-label": "Filters" }, head, empty, list);
  facetMenu(root, add, { signal, options, keys: () => keys, show });

  const draw = perFrame(() => drawNow(), signal);

  function drawNow() {
    crossfilter.filter(filters);
    for (const key of views.keys()) drawOne(key);
    const on = crossfilter.partial;
    const all = `${crossfilter.n.toLocaleString("en")} ${crossfilter.n === 1 ? "track" : "tracks"}`;
    const shown = on ? `${crossfilter.left.toLocaleString("en")} of ${all}` : "";
    write(count, shown || all);
    tell?.(shown);
    count.classList.toggle("ev-facets-none", on && !crossfilter.left);
    // Where there is nothing to clear, the place of the button stays: nothing moves under a hand that begins to drag.
    el.classList.toggle("ev-facets-on", on);
    pick.hidden = !select;
    pick.disabled = !crossfilter.left;
  }

  /** @param {string} key */
  function drawOne(key) {
    const column = crossfilter.columns.get(key);
    if (column) views.get(key)?.view.update({ counts: column.counts, filter: column.known(filters[key]) });
  }

  /** @param {string} key @param {Filter | null} filter @param {boolean} settled */
  function change(key, filter, settled) {
    const { [key]: _before, ...rest } = filters;
    filters = filter ? { ...rest, [key]: filter } : rest;
    crossfilter.filter(filters);
    // What was changed says so at once, for the next key or press; all others have time until the next frame.
    drawOne(key);
    draw();
    changed(filters, settled);
  }

  /** @param {string} key @param {Column | undefined} column @param {string} title */
  function viewOf(key, column, title) {
    const abort = new AbortController();
    const listen = (/** @type {Filter | null} */ filter, /** @type {boolean} */ settled) =>
      change(key, filter, settled);
    const bins = crossfilter.columns.get(key)?.bins;
    if (!column) return { view: waiting(title), abort, column };
    const view = bins ? histogram(column.facet, bins, listen, abort.signal) : bars(column.facet, listen, abort.signal);
    return { view, abort, column };
  }

  /** @param {boolean} folded */
  function foldTo(folded) {
    el.classList.toggle("ev-facets-folded", folded);
    fold.setAttribute("aria-expanded", String(!folded));
  }

  fold.addEventListener("click", () => {
    foldTo(!el.classList.contains("ev-facets-folded"));
    own = true;
  });
  clear.addEventListener("click", () => {
    filters = {};
    reset();
    drawNow();
    changed(filters, true);
    (fold.checkVisibility() ? fold : add).focus();
  });
  pick.addEventListener("click", () => select?.());
  signal.addEventListener("abort", () => {
    for (const { abort } of views.values()) abort.abort();
  });

  return {
    el,
    crossfilter,
    /** @param {string[]} wanted keys of the facets @param {Column[]} columns of those that are known @param {number} n tracks */
    load(wanted, columns, n) {
      keys = wanted;
      crossfilter.load(n, columns);
      const known = new Map(columns.map((column) => [column.facet.key, column]));
      const before = views;
      views = new Map();
      for (const key of wanted) {
        const column = known.get(key);
        const old = before.get(key);
        if (old?.column && column && isSame(old.column, column)) views.set(key, old);
        else views.set(key, viewOf(key, column, titleOf(options(), key)));
      }
      for (const [key, old] of before) if (views.get(key) !== old) old.abort.abort();
      list.replaceChildren(...[...views.values()].map(({ view }) => view.el));
      empty.hidden = wanted.length > 0;
      drawNow();
    },
    /** Fold them where there is little room, until the reader says otherwise. @param {boolean} folded */
    fold(folded) {
      if (!own) foldTo(folded);
    },
    /** The legend hides other tracks. @param {Uint8Array | null} hidden 1 for each of them */
    hide(hidden) {
      crossfilter.hide(hidden);
      draw();
    },
    /** @param {Filters} now */
    filter(now) {
      filters = now;
      crossfilter.filter(filters);
      draw();
    },
  };
}

/** What stands in for a facet that is computed. @param {string} title @returns {FacetView} */
function waiting(title) {
  const frame = facetFrame({ title }, () => {});
  frame.say("computing …", false);
  return { el: frame.el, update() {} };
}

/** @param {FacetOptions[]} groups @param {string} key */
function titleOf(groups, key) {
  const item = groups.flatMap(({ items }) => items).find((one) => one.key === key);
  return item?.title ?? key.slice(key.lastIndexOf(":") + 1);
}

/** @param {Column} one @param {Column} other */
function isSame(one, other) {
  if (JSON.stringify(one.facet) !== JSON.stringify(other.facet)) return false;
  if (one.numbers.length !== other.numbers.length) return false;
  return one.numbers.every((value, i) => Object.is(value, other.numbers[i]));
}
