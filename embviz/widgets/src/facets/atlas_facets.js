/** The filters beside the maps of an Atlas: what its traits say, and what the maps and lists are told of it. */
import { numbersOf } from "../base/buffers.js";
import { onChange, perFrame } from "../base/dom.js";
import { refOf } from "../base/ui.js";
import { facetStrip } from "./strip.js";

/** @import { Host, Model } from "../types.js" */
/** @import { Column, Facet, FacetOptions } from "./types.js" */

/**
 * The columns of numbers that stand one behind the other.
 * @param {Facet[]} facets @param {Float32Array} values @param {number} n tracks @returns {Column[]}
 */
export function columnsOf(facets, values, n) {
  if (values.length < facets.length * n) return [];
  return facets.map((facet, i) => ({ facet, numbers: values.subarray(i * n, (i + 1) * n) }));
}

/** Which points pass, as the trait of a map has it. @param {Uint32Array} tracks @param {(place: number) => boolean} passes */
export function maskOf(tracks, passes) {
  const mask = new Uint8Array(tracks.length);
  for (let i = 0; i < tracks.length; i += 1) mask[i] = Number(passes(tracks[i]));
  return mask;
}

/**
 * Tell a map which of its points pass.
 * @param {Model} map @param {boolean} filtered @param {(place: number) => boolean} passes by the places of tracks
 */
export function filterMap(map, filtered, passes) {
  if (!filtered) {
    if (map.get("filtered")?.byteLength) map.set("filtered", new DataView(new ArrayBuffer(0)));
    return;
  }
  const given = numbersOf(map.get("tracks"), Uint32Array);
  const n = numbersOf(map.get("points"), Float32Array).length / 2;
  const tracks = given.length ? given : Uint32Array.from({ length: n }, (_, i) => i);
  map.set("filtered", new DataView(maskOf(tracks, passes).buffer));
}

/**
 * Which tracks a legend hides. @param {Set<number> | null} colored the places of those that it shows; null: all
 * @param {ArrayLike<number>} places of the tracks @returns 1 for each that is hidden; null: none
 */
export function hiddenOf(colored, places) {
  return colored && Uint8Array.from(places, (place) => Number(!colored.has(place)));
}

/**
 * @param {{model: Model, el: HTMLElement, host: Host, signal: AbortSignal, set: (name: string, value: unknown) => void,
 *   link: {send: (kind: string) => unknown}}} view
 * @param {{reset: () => void, tell: (text: string) => void}} legend
 */
export function atlasFacets(view, { reset, tell }) {
  const { model, el, host, signal, link } = view;
  const strip = facetStrip({
    root: el,
    signal,
    options: () => offered(model.get("color_options") ?? []),
    show: (keys) => {
      const filters = Object.entries(model.get("filters") ?? {}).filter(([key]) => keys.includes(key));
      if (filters.length < Object.keys(model.get("filters") ?? {}).length) save(Object.fromEntries(filters), true);
      view.set("facets", keys);
    },
    changed: (filters, settled) => save(filters, settled),
    select: () => link.send("select_filtered"),
    reset,
    tell,
  });
  const { crossfilter } = strip;
  /** @type {Uint32Array} places in the table, by row */
  let places = new Uint32Array(0);
  /** The places of the tracks that the legend shows; null: all. @type {Set<number> | null} */
  let colored = null;
  /** Row of each place of the table; −1 where it has none. */
  let rows = new Int32Array(0);
  /** @type {Map<number, number>} rows by label */
  let labels = new Map();
  /** @type {Model[]} */
  let maps = [];

  const showAll = perFrame(() => {
    for (const map of maps) show(map);
  }, signal);

  /** @param {object} filters @param {boolean} settled */
  function save(filters, settled) {
    model.set("filters", filters);
    if (settled) model.save_changes?.();
  }

  function load() {
    places = numbersOf(model.get("facet_places"), Uint32Array);
    const named = numbersOf(model.get("facet_labels"), Float64Array);
    const values = numbersOf(model.get("facet_values"), Float32Array);
    rows = new Int32Array((places.at(-1) ?? -1) + 1).fill(-1);
    for (let i = 0; i < places.length; i += 1) rows[places[i]] = i;
    labels = new Map(Array.from(named.length ? named : places, (label, i) => [label, i]));
    const columns = columnsOf(model.get("facets") ?? [], values, places.length);
    strip.load(model.get("facet_keys") ?? [], columns, places.length);
    strip.hide(hiddenOf(colored, places));
    refilter();
  }

  function refilter() {
    strip.filter(model.get("filters") ?? {});
    showAll();
  }

  /** @param {Model} map */
  function show(map) {
    filterMap(map, crossfilter.filtered, (place) => rows[place] >= 0 && crossfilter.passes(rows[place]));
  }

  async function follow() {
    /** @type {{view?: string}[]} */
    const shown = model.get("maps") ?? [];
    const found = await Promise.all(
      shown.map(({ view }) => (view ? host.getModel(refOf(view)).catch(() => null) : null)),
    );
    const now = found.filter((map) => map !== null);
    if (signal.aborted || (now.length === maps.length && now.every((map, i) => map === maps[i]))) return;
    for (const map of now) if (!maps.includes(map)) onChange(map, "points tracks", () => show(map), signal);
    maps = now;
    refilter();
  }

  onChange(model, "facets facet_values facet_places facet_keys", load, signal);
  onChange(model, "filters", refilter, signal);
  onChange(model, "maps", follow, signal);
  load();
  follow();
  return {
    el: strip.el,
    fold: strip.fold,
    /** Whether the map shows a track. @param {{track: number}} item */
    shows(item) {
      const row = labels.get(item.track);
      return !crossfilter.partial || (row !== undefined && crossfilter.shows(row));
    },
    /** The legend shows other tracks. @param {Set<number> | null} now their places; null: all */
    recolor(now) {
      colored = now;
      strip.hide(hiddenOf(colored, places));
    },
  };
}

/** @param {FacetOptions[]} groups what points can be coloured by */
function offered(groups) {
  return groups
    .map(({ title, items }) => ({ title, items: items.filter(({ key }) => key !== "none") }))
    .filter(({ items }) => items.length);
}
