/** One set of tools, one search and one legend for all maps inside an element, however many there are. */
import { fullScreen } from "./full_screen.js";
import { mapLegend } from "./map_legend.js";
import { mapTools } from "./map_toolbar.js";
import { searchBox } from "./search.js";

/** @typedef {import("./scatter.js").ScatterView} ScatterView */

/**
 * What a map tells whoever has taken its controls over.
 * @typedef {object} Shared
 * @property {(mode: string) => void} mode what a drag does now
 * @property {(text: string) => void} selected how many points are selected, in words
 * @property {(map: ScatterView) => void} restyled colours, counts or filters of a map are others
 * @property {() => void} search the reader wants to search
 * @property {{toggle: () => void, leave: () => boolean}} full what fills the screen, in place of one map
 */

/** Where there is no map yet, nothing is found and nothing is told. */
const NOTHING = { columns: [], tracks: null, n: 0, pointsOf: () => [], coloredTracks: null };

/**
 * @param {HTMLElement} field that the maps come to stand in
 * @param {{page: HTMLElement, signal: AbortSignal, leave: () => void,
 *   recolored: (tracks: Set<number> | null) => void}} options `page` is what fills the screen where a map is asked to;
 *   `leave` gives the focus a place when the search is left; `recolored` is told the tracks that the legend shows, null
 *   where that is all: how many these are, the page says
 */
export function sharedControls(field, { page, signal, leave, recolored }) {
  /** @type {Map<Element, ScatterView>} */
  const known = new Map();

  /** The maps that there are, in the order of the page. */
  function maps() {
    for (const [root, map] of known) if (map.signal.aborted) known.delete(root);
    return [...field.querySelectorAll(".ev-scatter")].flatMap((root) => known.get(root) ?? []);
  }

  const data = () => maps()[0]?.data ?? NOTHING;
  /** @param {(map: ScatterView) => void} act */
  const each = (act) => {
    for (const map of maps()) act(map);
  };

  const search = searchBox({
    data,
    found: (tracks, asked) => each((map) => map.showFound(tracks, asked)),
    choose(track) {
      const [first, ...others] = maps();
      for (const map of others) map.goTo(track);
      first?.open(track);
    },
    leave,
    signal,
  });
  const tools = mapTools({
    mode: (mode) => maps()[0]?.setMode(mode),
    zoom: () => {},
    full: () => {},
    all: () => each((map) => map.sight.reset()),
    clear: () => maps()[0]?.selectNone(),
  });
  const legend = mapLegend({
    data,
    hide: (hidden) => each((map) => map.set({ hidden_categories: shadesIn(map, hidden) })),
    window: (window) => each((map) => map.set({ value_range: window })),
    light: (shade) => each((map) => map.light(shade === null ? null : (shadesIn(map, [shade])[0] ?? null))),
    names: () => {
      const on = !maps()[0]?.named;
      each((map) => map.name(on));
    },
    counts: false,
  });
  /** @type {Set<number> | null} */
  let colored = null;

  /** The shades that the categories of the first map have in another one, where they need not be as many. */
  function shadesIn(/** @type {ScatterView} */ map, /** @type {number[]} */ shades) {
    const own = data().color?.labels ?? [];
    const theirs = map.data.color.labels;
    if (map === maps()[0]) return shades;
    return shades.flatMap((shade) => {
      const there = shade < own.length ? theirs.indexOf(own[shade]) : shade;
      return there < 0 ? [] : [there];
    });
  }

  const full = fullScreen(page, (on) => each((map) => map.tools?.full(on)), signal);
  /** @type {Shared} */
  const shared = {
    full,
    mode(mode) {
      tools.mode(mode);
      each((map) => map.mode !== mode && map.setMode(mode));
    },
    selected: (text) => tools.selected(text),
    restyled(map) {
      if (map !== maps()[0]) return;
      legend.update({ colors: map.colors, strong: map.named });
      if (map.data.coloredTracks === colored) return;
      colored = map.data.coloredTracks;
      recolored(colored);
    },
    search: () => search.input.focus(),
  };

  field.addEventListener(
    "ev-map",
    (event) => {
      const { detail: map } = /** @type {CustomEvent<ScatterView>} */ (event);
      known.set(map.root, map);
      map.adopt(shared);
      event.stopPropagation();
    },
    { signal },
  );
  /** Have the legend hide nothing. */
  const showColors = () => each((map) => map.set({ hidden_categories: [], value_range: [] }));
  return { tools: tools.el, search, legend: legend.el, showColors };
}
