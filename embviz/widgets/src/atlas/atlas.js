/**
 * The page around one or two maps of a collection: what is mapped and how above them, lists of tracks beside them.
 *
 * It shows what the traits say and sends commands; what they mean is Python's business. The maps draw themselves, and
 * stay in their places for as long as they are the same.
 */

import { numbersOf } from "../base/buffers.js";
import { busyLine, copyButton, notices, tabList, troubleLine } from "../base/chrome.js";
import { Link } from "../base/commands.js";
import { h, onChange, write } from "../base/dom.js";
import {
  applyToClock,
  CLOCK_KEYS,
  FACET_KEYS,
  keepKeys,
  keyHelp,
  LIST_KEYS,
  MAP_KEYS,
  pressedAction,
} from "../base/keys.js";
import { openDialog, plain, quoted, refOf, slot } from "../base/ui.js";
import { fileDoor } from "../base/upload.js";
import { openPicker } from "../explorer/model_picker.js";
import { atlasFacets } from "../facets/atlas_facets.js";
import { clockOf } from "../player/clock.js";
import { playerSlot } from "../player/player_slot.js";
import { linkOf } from "../scatter/linked_maps.js";
import { sharedControls } from "../scatter/shared_controls.js";
import { atlasTools } from "./atlas_toolbar.js";
import { clusterList, comparison } from "./cluster_lists.js";
import { contrastList } from "./contrast_list.js";
import { atlasMap } from "./map_pane.js";
import { counted, neighborList, problemList, queueList, selectionTable } from "./track_lists.js";

/** @import { Host, Model, RenderOptions } from "../types.js" */
/** @import { Choices, LayerChoice, ListedTrack, MapState, Method, Page, Part } from "./types.js" */
/** @import { ModelOption } from "../explorer/types.js" */

/** @typedef {"column" | "tab" | "below"} FilterPlace */

/**
 * Where the filters stand, so that they are seen together with the map: in a column of their own, as a tab beside the
 * lists, or below the map, folded at first.
 * @param {number} width of the page @param {boolean} two whether there are two maps @returns {FilterPlace}
 */
export function filterPlace(width, two) {
  if (width >= (two ? 1600 : 960)) return "column";
  return width >= (two ? 1000 : 700) ? "tab" : "below";
}

/** @type {[string, string, (view: Page) => Part][]} */
const TABS = [
  ["neighbors", "Neighbours", neighborList],
  ["selection", "Selection", selectionTable],
  ["clusters", "Clusters", clusterList],
  ["contrast", "Contrast", contrastList],
  ["compare", "Compare", comparison],
  ["queue", "Queue", queueList],
  ["problems", "Problems", problemList],
];

/**
 * What there is to see.
 * @param {{tracks?: number, points?: number, duplicates?: number}} count @param {string} [kind] of points
 * @returns {string} such as ``1,240 tracks · 62,000 frames``
 */
export function countText({ tracks = 0, points = 0, duplicates = 0 }, kind = "tracks") {
  const word = kind === "frames" ? "frame" : "point";
  const frames = points && points !== tracks ? counted(points, word) : "";
  const twice = duplicates ? counted(duplicates, "duplicate") : "";
  return [counted(tracks, "track"), frames, twice].filter(Boolean).join(" · ");
}

function render(/** @type {RenderOptions} */ { model, el, signal, host }) {
  const controller = new AbortController();
  signal?.addEventListener("abort", () => controller.abort(), { once: true });
  new View(model, el, controller.signal, /** @type {Host} */ (host));
  return () => controller.abort();
}

/**
 * Whether what runs is what stands where a map will be.
 * @param {string} text of what runs @param {Pick<MapState, "view" | "status" | "stage">[]} maps
 */
export function toldByMap(text, maps) {
  return maps.some(({ view, status, stage }) => {
    return !view && (status === "waiting" || (status === "running" && text.endsWith(stage || "")));
  });
}

/** One view of the page; what its parts share of it are the public members. @implements {Page} */
class View {
  /** How many tracks are shown, where that is not all. */
  #shown = "";
  /** @type {FilterPlace} */
  #place = "column";
  /** Whether the tab of filters is in front, where there is one: at first, until there is something else to see. */
  #filtering = false;
  #asked = false; // whether the reader has opened it
  #width = 0;
  live = h("div.ev-hidden", { "aria-live": "polite" });
  trouble = troubleLine();
  heatmapTitle = h("h3");
  heatmapLayer = h("span.ev-faint");
  total = h("span.ev-faint");
  beside = h("div.ev-atlas-beside");

  /** @param {Model} model @param {HTMLElement} el @param {AbortSignal} signal @param {Host} host */
  constructor(model, el, signal, host) {
    this.model = model;
    this.el = el;
    this.signal = signal;
    this.host = host;
    this.#filtering = this.#tab === "neighbors";
    el.classList.add("embviz", "ev-parts", "ev-atlas");
    keepKeys(el, signal);
    el.setAttribute("role", "region");
    el.setAttribute("aria-label", "Map of the collection");
    this.link = new Link(model, { signal, onTrouble: (sentence) => this.#sayTrouble(sentence) });
    this.copyButton = copyButton(el, () => model.get("code") ?? "", signal);
    this.messages = notices(this);
    this.busy = busyLine({ link: this.link, leave: () => this.tabs.focus(this.#tab) });
    this.door = fileDoor(this, {
      label: "Find what is like a file",
      doing: "Reading",
      drop: "Drop a sound to find what is like it",
      multiple: false,
    });
    this.player = playerSlot({ host, signal });
    this.heatmap = slot({ host, signal });
    const head = h("div.ev-atlas-heatmap-head", {}, this.heatmapTitle, this.heatmapLayer);
    const heard = { hidden: true, "aria-label": "The open track" };
    this.heard = h("section.ev-atlas-heatmap", heard, head, this.heatmap.el);
    const tell = (/** @type {string} */ text) => this.#tellShown(text);
    this.facets = atlasFacets(this, { reset: () => this.controls.showColors(), tell });
    this.maps = [atlasMap(this, 0), atlasMap(this, 1)];
    this.field = h("div.ev-atlas-maps", {}, ...this.maps.map((map) => map.el));
    const recolored = (/** @type {Set<number> | null} */ tracks) => this.#recolored(tracks);
    this.controls = sharedControls(this.field, { page: el, signal, leave: () => this.#focusMap(), recolored });
    this.tools = atlasTools(this, this.controls);
    const wrong = { type: "button", onclick: () => this.#openTab("problems", true) };
    this.wrong = h("button.ev-plain.ev-atlas-wrong", wrong);
    this.pages = TABS.map(([name, label, make]) => ({ name, label, part: make(this), page: h("div.ev-atlas-list") }));
    this.filters = { name: "filters", label: "Filters", page: h("div.ev-atlas-list") };
    const tabs = [this.filters, ...this.pages];
    this.tabs = tabList({ label: "Filters and lists", tabs, open: (name) => this.#openTab(name) });
    this.#build();
    this.#listen();
    this.#updateAll();
  }

  // What the parts use.

  get clock() {
    return clockOf(this.model.get("clock") ?? "");
  }

  /** @returns {Choices} */
  get choices() {
    return this.model.get("choices") ?? {};
  }

  /** Whether the page is not a part of the Explorer, which has a player of its own. */
  get alone() {
    return Boolean(this.model.get("player"));
  }

  get notices() {
    return this.messages.own;
  }

  /** @param {string | undefined} name @returns {ModelOption | undefined} */
  modelOf(name) {
    return this.#models.find((entry) => entry.name === name);
  }

  /** @returns {ModelOption[]} */
  get #models() {
    return this.model.get("models") ?? [];
  }

  /** @param {Partial<LayerChoice>} [choice] @returns {string} such as ``MusiCNN (MSD) · embedding`` */
  modelTitle({ model, layer } = {}) {
    return [this.modelOf(model)?.title || model, layer].filter(Boolean).map(quoted).join(" · ");
  }

  /** What something costs is not known of many tracks. */
  seconds() {
    return null;
  }

  /** @param {string} name @param {unknown} value */
  set(name, value) {
    this.link.send("set_option", { name, value });
  }

  pick() {
    const { model, layer } = this.choices;
    const choose = (/** @type {LayerChoice} */ choice) =>
      this.set("model", { model: choice.model, layer: choice.layer });
    openPicker(this, { title: "What to map", button: "Map", current: { model, layer }, anyHop: false, choose });
  }

  pickSecond() {
    const { model: own, layer: shown, second } = this.choices;
    // A model is not compared with itself: another one is proposed.
    const others = this.#models.filter(({ name }) => name !== own);
    const other = others.find(({ state }) => state === "ready") ?? others[0];
    const current = second?.model ? second : { model: other?.name };
    const choose = (/** @type {LayerChoice} */ { model, layer }) => {
      if (model === own && layer === shown)
        this.say("That is what the first map shows: choose another model or layer.");
      else this.set("second", { model, layer });
    };
    openPicker(this, { title: "Compare with", button: "Compare", current, anyHop: false, choose });
  }

  /** A model that is mapped second and chosen for the first map changes places with that one. */
  swap() {
    this.set("model", this.choices.second);
  }

  /** The first method of clusters that can be used. */
  firstClusterer() {
    /** @type {Method[]} */
    const methods = this.model.get("clusterers") ?? [];
    return (methods.find(({ available }) => available !== false) ?? methods[0])?.name ?? "hdbscan";
  }

  browse() {
    this.door.browse();
  }

  /** While a row is pointed at, or has the focus, its point is marked on the maps. @param {HTMLElement} row @param {ListedTrack} item */
  pointsAt(row, item) {
    const light = (/** @type {boolean} */ on) => this.#light(on ? item : null);
    row.addEventListener("pointerenter", () => light(true));
    row.addEventListener("pointerleave", () => light(false));
    row.addEventListener("focusin", () => light(true));
    row.addEventListener("focusout", () => light(false));
  }

  async #light(/** @type {ListedTrack | null} */ item) {
    const view = this.model.get("maps")?.[0]?.view;
    const point = item?.point ?? null;
    if (!view || (item && point === null)) return;
    try {
      const map = await this.host.getModel(refOf(view));
      // A map whose points are frames says of which track each is.
      const tracks = numbersOf(map.get("tracks"), Uint32Array);
      const hover = point !== null && { track: tracks[point] ?? point, seconds: item?.at ?? null, point };
      linkOf(map.get("link") ?? "").setHover(hover ? { ...hover, by: this } : null);
    } catch (error) {
      console.warn("embviz: a point could not be marked.", error);
    }
  }

  announce(/** @type {string} */ text) {
    write(this.live, text);
  }

  /** @param {string} text @param {string} [level] @param {string} [remedy] */
  say(text, level, remedy) {
    return this.messages.say(text, level, remedy);
  }

  help() {
    const all = [MAP_KEYS, LIST_KEYS, FACET_KEYS, ...(this.alone ? CLOCK_KEYS : [])];
    openDialog(this.el, { label: "Keys", kind: "ev-panel-help", signal: this.signal }, keyHelp(all));
  }

  // What it is made of.

  #focusMap() {
    const stage = this.field.querySelector(".ev-scatter-stage");
    if (stage instanceof HTMLElement) stage.focus({ preventScroll: true });
  }

  #build() {
    this.maps[0].foot.prepend(this.total, this.wrong);
    for (const { part, page } of this.pages) page.append(part.el);
    const lists = h("div.ev-atlas-lists", {}, this.filters.page, ...this.pages.map(({ page }) => page));
    const side = h(
      "aside.ev-atlas-side",
      { "aria-label": "Legend and lists" },
      h("div.ev-atlas-legend", {}, this.controls.legend),
      this.tabs.el,
      lists,
    );
    const field = h("div.ev-atlas-field-of-maps", {}, this.field, this.busy.el);
    this.beside.append(side);
    const body = h("div.ev-atlas-body", {}, field, this.facets.el, this.beside);
    const page = h(
      "div.ev-atlas-page",
      {},
      this.tools.el,
      this.trouble.el,
      ...this.messages.nodes,
      body,
      // Below: when they come, the map must not move away under the pointer.
      this.player.el,
      this.heard,
    );
    this.el.prepend(page);
    this.el.append(...this.door.nodes, this.live);
  }

  // What it listens to.

  #listen() {
    const { model, signal } = this;
    onChange(model, "player", () => this.player.set(model.get("player")), signal);
    onChange(model, "heatmap", () => this.#updateHeard(), signal);
    onChange(model, "maps models methods choices downloads", () => this.#updateMaps(), signal);
    onChange(model, "counts choices", () => this.#updateCount(), signal);
    onChange(model, "progress", () => this.#updateBusy(), signal);
    onChange(model, "selection contrast", () => this.#offerContrast(), signal);
    onChange(model, "notice", () => this.messages.update(model.get("notice") ?? {}), signal);
    onChange(model, "tab", () => this.#leaveFilters(), signal);
    for (const { name, part } of this.pages) {
      // A list that nobody sees is made when it is opened.
      onChange(model, part.traits, () => name === this.#tab && part.update(), signal);
    }
    onChange(model, "selection", () => this.#sayCount(model.get("selection")), signal);
    onChange(model, "neighbors", () => this.#sayNeighbors(model.get("neighbors")), signal);
    this.el.addEventListener("keydown", (event) => this.#key(event), { signal });
    const observer = new ResizeObserver(([entry]) => {
      this.#width = entry.contentRect.width;
      this.#placeFilters();
    });
    observer.observe(this.el);
    signal.addEventListener("abort", () => observer.disconnect(), { once: true });
  }

  #key(/** @type {KeyboardEvent} */ event) {
    if (event.defaultPrevented) return;
    const inside = this.el.parentElement?.closest(".embviz");
    const action = pressedAction(event);
    const selected = this.model.get("selection")?.count > 0;
    if (action?.kind === "clear" && selected) this.link.send("clear_selection");
    else if (action?.kind === "help") this.help();
    // The other keys are those of what this page is a part of; alone, they are the clock's.
    else if (inside) return;
    else if (action?.kind === "search") this.controls.search.input.focus();
    else if (!applyToClock(action, this.clock)) return event.stopPropagation();
    event.preventDefault();
    event.stopPropagation();
  }

  // What it shows.

  /** @returns {string} */
  get #tab() {
    return this.#place === "tab" && this.#filtering ? "filters" : this.model.get("tab") || "neighbors";
  }

  /** Another list is in front: somebody wants to see that. */
  #leaveFilters() {
    this.#filtering = false;
    this.#updateTab();
  }

  #placeFilters() {
    if (!this.#width) return;
    const place = filterPlace(this.#width, (this.model.get("maps") ?? []).length > 1);
    if (place === this.#place && this.el.dataset.filters) return;
    this.#place = this.el.dataset.filters = place;
    if (place === "tab") this.filters.page.append(this.facets.el);
    else this.beside.before(this.facets.el);
    this.facets.fold(place === "below");
    this.tabs.offer("filters", place === "tab");
    this.#updateTab();
  }

  /** @param {string} text how many tracks are shown; empty: all */
  #tellShown(text) {
    this.#shown = text;
    this.#updateTotal();
  }

  /** @param {Set<number> | null} tracks that the legend shows; null: all */
  #recolored(tracks) {
    this.facets.recolor(tracks);
    this.#updateTab();
  }

  #updateAll() {
    this.player.set(this.model.get("player"));
    this.#updateHeard();
    this.tools.update();
    this.#updateMaps();
    this.#updateCount();
    this.#updateBusy();
    this.messages.update(this.model.get("notice") ?? {});
    this.#updateTab();
  }

  #updateHeard() {
    const { view = "", title = "", layer = "" } = this.model.get("heatmap") ?? {};
    this.heard.hidden = !view;
    this.heatmap.set(view);
    write(this.heatmapTitle, plain(title));
    write(this.heatmapLayer, plain(layer));
  }

  #updateMaps() {
    /** @type {MapState[]} */
    const maps = this.model.get("maps") ?? [];
    this.field.classList.toggle("ev-atlas-two", maps.length > 1);
    // Before there is a map, its place says so.
    for (const [i, map] of this.maps.entries()) map.update(maps[i] ?? (i ? null : {}));
    this.#updateBusy();
    this.#placeFilters();
  }

  #updateTotal() {
    const count = this.model.get("counts") ?? {};
    const all = count.tracks == null ? "" : countText(count, this.choices.points);
    write(this.total, this.#shown ? `${this.#shown} shown` : all);
  }

  #updateCount() {
    const count = this.model.get("counts") ?? {};
    this.#updateTotal();
    this.wrong.hidden = !(count.problems > 0);
    this.tabs.offer("problems", count.problems > 0 || this.#tab === "problems");
    write(this.wrong, count.problems > 0 ? `${counted(count.problems, "file")} cannot be used` : "");
  }

  /** What separates tracks is asked of those that are selected, or were. */
  #offerContrast() {
    const { title, message, groups } = this.model.get("contrast") ?? {};
    const known = title || message || Object.keys(groups ?? {}).length;
    const selected = this.model.get("selection")?.count > 0;
    this.tabs.offer("contrast", Boolean(selected || known || this.#tab === "contrast"));
  }

  #updateBusy() {
    const work = this.model.get("progress") ?? {};
    // Of a kernel that does not answer, nobody knows what it does; where there is no map yet, its place says it
    // already, and can cancel it.
    const told = toldByMap(work.text ?? "", this.model.get("maps") ?? []);
    this.busy.update(this.trouble.el.hidden && !told ? work : {});
  }

  #updateTab() {
    this.#offerContrast();
    this.tabs.show(this.#tab);
    this.pages.find(({ name }) => name === this.#tab)?.part.update();
  }

  #openTab(/** @type {string} */ name, focus = false) {
    this.#filtering = this.#asked = name === "filters";
    if (!this.#filtering && name !== this.model.get("tab")) {
      this.model.set("tab", name);
      this.model.save_changes?.();
    } else this.#updateTab();
    if (focus) this.tabs.focus(name);
  }

  #sayCount({ count = 0 } = {}) {
    this.announce(count ? `${count} selected` : "Nothing is selected");
  }

  /** @param {{of?: {title: string}, items?: unknown[]}} [neighbors] */
  #sayNeighbors({ of, items } = {}) {
    if (of && !this.#asked) this.#leaveFilters();
    if (of) this.announce(`${counted(items?.length, "neighbour")} of ${quoted(of.title)}`);
  }

  #sayTrouble(/** @type {string} */ sentence) {
    this.trouble.say(sentence);
    this.#updateBusy();
  }
}

export default { render };
