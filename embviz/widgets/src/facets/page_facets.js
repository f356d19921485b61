/** The filters of an exported page: its tracks are counted from 0, and all that is known of them is in the page. */
import { numbersOf } from "../base/buffers.js";
import { perFrame } from "../base/dom.js";
import { columnsOf, filterMap, hiddenOf } from "./atlas_facets.js";
import { facetStrip } from "./strip.js";

/** @import { Model } from "../types.js" */
/** @import { Facet, Filters } from "./types.js" */

/**
 * @param {{items: Facet[], keys: string[], filters: Filters}} facets @param {DataView} values @param {number} n tracks
 * @param {{map: Model, root: HTMLElement, signal: AbortSignal, changed: () => void, reset: () => void}} page
 */
export function pageFacets({ items, keys, filters }, values, n, { map, root, signal, changed, reset }) {
  const columns = columnsOf(items, numbersOf(values, Float32Array), n);
  const show = perFrame(() => {
    filterMap(map, strip.crossfilter.filtered, (track) => strip.crossfilter.passes(track));
    changed();
  }, signal);
  const strip = facetStrip({
    root,
    signal,
    options: () => [{ title: "", items: items.map(({ key, title }) => ({ key, title })) }],
    show: load,
    reset,
    changed: (wanted) => {
      now = wanted;
      show();
    },
  });
  let now = filters;
  const tracks = Uint32Array.from({ length: n }, (_, track) => track);
  /** The tracks that the legend shows; null: all. @type {Set<number> | null} */
  let colored = null;

  /** @param {string[]} wanted */
  function load(wanted) {
    now = Object.fromEntries(Object.entries(now).filter(([key]) => wanted.includes(key)));
    strip.load(
      wanted,
      columns.filter(({ facet }) => wanted.includes(facet.key)),
      n,
    );
    strip.hide(hiddenOf(colored, tracks));
    strip.filter(now);
    show();
  }

  load(keys);
  return {
    el: strip.el,
    /** Whether the map shows a track. @param {number} track */
    shows: (track) => !strip.crossfilter.partial || strip.crossfilter.shows(track),
    /** The legend shows other tracks. @param {Set<number> | null} shown null: all */
    recolor(shown) {
      colored = shown;
      strip.hide(hiddenOf(colored, tracks));
      changed();
    },
  };
}
