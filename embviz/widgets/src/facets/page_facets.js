/** The filters of an exported page: its tracks are counted from 0, and all that is known of them is in the page. */
import { numbersOf } from "../base/buffers.js";
import { perFrame } from "../base/dom.js";
import { columnsOf, filterMap } from "./atlas_facets.js";
import { facetStrip } from "./strip.js";

/** @import { Model } from "../types.js" */
/** @import { Facet, Filters } from "./types.js" */

/**
 * @param {{items: Facet[], keys: string[], filters: Filters}} facets @param {DataView} values @param {number} n tracks
 * @param {{map: Model, root: HTMLElement, signal: AbortSignal, changed: () => void}} page
 */
export function pageFacets({ items, keys, filters }, values, n, { map, root, signal, changed }) {
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
    changed: (wanted) => {
      now = wanted;
      show();
    },
  });
  let now = filters;

  /** @param {string[]} wanted */
  function load(wanted) {
    now = Object.fromEntries(Object.entries(now).filter(([key]) => wanted.includes(key)));
    strip.load(
      wanted,
      columns.filter(({ facet }) => wanted.includes(facet.key)),
      n,
    );
    strip.filter(now);
    show();
  }

  load(keys);
  return {
    el: strip.el,
    /** @param {number} track */
    passes: (track) => !strip.crossfilter.filtered || strip.crossfilter.passes(track),
  };
}
