/**
 * The page of a collection's map: what Python would answer to the map is answered here, from what the page holds.
 *
 * What belongs to one track is read when it is chosen: its sound, its outline, its heatmap, and its way over the map.
 */

import { numbersOf } from "../base/buffers.js";
import { h, onChange, perFrame, write } from "../base/dom.js";
import { FACET_KEYS, MAP_KEYS, pressedAction } from "../base/keys.js";
import { formatTime } from "../base/time.js";
import { pageFacets } from "../facets/page_facets.js";
import { clockOf } from "../player/clock.js";
import { csv, download, m3u } from "../player/playlist.js";
import { sharedControls } from "../scatter/shared_controls.js";
import { about, bytesAt, heading, helpOf, mount, shareKeys, stateOf, themeOf } from "./track_page.js";

/** @import { CollectionPage, TrackPart } from "./types.js" */
/** @import { Modules, StillModel } from "./track_page.js" */

const NONE = 0xffffffff;
const NOTHING = new DataView(new ArrayBuffer(0));
const ROWS = 300; // of a list, at most
const LOOKED = 50; // tracks of which one is opened from the start, at most
const KEPT = ["order", "pins", "height", "live_only", "clock"]; // what a reader has set on the heatmap stays
const LINKED = "The sound was not found. It has to lie where it was when this page was written: ";
const VORBIS = "This browser cannot play the sound that is in this page (Ogg Vorbis); Chrome, Edge and Firefox can.";

/** What an element of the document describes. @param {string} id */
const described = (id) => JSON.parse(document.getElementById(id)?.textContent ?? "");

/** Build the page that this document describes. @param {Modules} widgets */
export async function show(widgets) {
  const page = described("embviz-page");
  document.body.classList.add("embviz", "ev-track-page", "ev-collection-page");
  const folio = new Folio(page, widgets);
  await folio.build();
  document.documentElement.dataset.ready = "";
}

/** The values that several have. @param {unknown[]} values */
function repeatedIn(values) {
  const seen = new Set();
  const several = new Set();
  for (const value of values) (seen.has(value) ? several : seen).add(value);
  return several;
}

class Folio {
  #open = -1; // track
  #serial = 0;
  /** @type {{points: Uint32Array, distances: Float32Array} | null} */
  #near = null;
  /** @type {Uint32Array | null} */
  #tracks = null;
  /** @type {Float32Array | null} */
  #moments = null;
  /** Seconds of the open track that its clip has. @type {TrackPart["span"]} */
  #span = null;
  #scale = "";
  heat = h("div");
  heatTitle = h("h2", { id: "embviz-heatmap", dir: "auto" });
  filters = h("div");
  body = h("div.ev-collection-page-body");
  plot = h("div.ev-collection-page-plot");
  colors = h("select", { "aria-label": "Colour by" });
  /** @type {ReturnType<typeof pageFacets> | null} */
  facets = null;
  /** @type {StillModel | null} */
  heatmap = null;
  // Both are there once the page is built.
  player = /** @type {StillModel} */ (/** @type {unknown} */ (null));
  map = /** @type {StillModel} */ (/** @type {unknown} */ (null));

  /** @param {CollectionPage} page @param {Modules} widgets */
  constructor(page, widgets) {
    this.page = page;
    this.widgets = widgets;
    this.signal = new AbortController().signal; // Nothing on this page ever goes.
    this.clock = clockOf(page.player.state.clock);
    this.columns = page.map.state.columns;
    this.n = this.columns[0].values.length;
    this.repeated = repeatedIn(this.columns.find((column) => column.name === "title")?.values ?? []);
    const leave = () => {
      const stage = this.plot.querySelector(".ev-scatter-stage");
      if (stage instanceof HTMLElement) stage.focus({ preventScroll: true });
    };
    const recolored = (/** @type {Set<number> | null} */ tracks) => this.facets?.recolor(tracks);
    this.controls = sharedControls(this.plot, { page: this.body, signal: this.signal, leave, recolored });
    this.side = new Side(this);
  }

  async build() {
    const { page } = this;
    const help = helpOf(MAP_KEYS, FACET_KEYS);
    const player = h("section.ev-track-page-player", { "aria-label": "Player" });
    document
      .querySelector("main")
      ?.replaceChildren(
        heading(page, help.open, themeOf(page.theme)),
        player,
        h("p.ev-track-page-guide.ev-faint", {}, page.guide),
        this.#bar(),
        this.body,
        page.heatmap ? this.#heatmapSection() : "",
        about(page, "Map, model, sound, weights and licences"),
        help.dialog,
      );
    const map = h("section.ev-collection-page-map", { "aria-label": "Map" }, this.plot);
    this.body.append(map, this.filters, this.side.el, this.#said());
    const parts = { widgets: this.widgets, signal: this.signal };
    /** @typedef {{kind: string, point?: number}} Content */
    const answer = (/** @type {Content} */ content) => this.#asked(content);
    const noSound = (/** @type {Content} */ content) => this.#noSound(content);
    this.player = await mount(page.player, player, { ...parts, answer: noSound });
    this.map = await mount(page.map, this.plot, { ...parts, answer });
    this.facets = pageFacets(page.facets, bytesAt(page.facets.values), this.n, {
      map: this.map,
      root: document.body,
      signal: this.signal,
      changed: () => this.side.refilter(),
      reset: () => this.controls.showColors(),
    });
    this.filters.replaceWith(this.facets.el);
    if (page.heatmap) this.heatmap = await mount(page.heatmap, this.heat, parts);
    shareKeys(this.clock, help.dialog, this.signal);
    this.#listen();
    this.recolor(0);
    this.#begin();
  }

  /** Open a track, silently, so that the page is whole: the first that can be heard and of which there is a heatmap. */
  #begin() {
    const tracks = Array.from({ length: Math.min(this.page.parts.length, LOOKED) }, (_, track) => track);
    const heard = (/** @type {number} */ track) => {
      const { player, heatmap } = this.#part(track);
      return !player.state?.problem && (heatmap || !this.heatmap);
    };
    const track = tracks.find(heard) ?? 0;
    this.open(this.tracks.length ? this.tracks.indexOf(track) : track);
    queueMicrotask(() => queueMicrotask(() => this.clock.seek(this.#span?.[0] ?? 0)));
  }

  /** @param {number} track @returns {TrackPart} */
  #part(track) {
    return described(this.page.parts[track]);
  }

  #listen() {
    const { map, signal, clock } = this;
    onChange(
      map,
      "selected",
      perFrame(() => this.side.selected(this.selection), signal),
      signal,
    );
    clock.on("time", () => this.#leave(), { signal });
    document.addEventListener(
      "keydown",
      (event) => {
        if (event.defaultPrevented || pressedAction(event)?.kind !== "search") return;
        event.preventDefault();
        this.controls.search.input.focus();
      },
      { signal },
    );
  }

  // -- what stands around the map --

  #bar() {
    const groups = new Map();
    this.page.colors.forEach((color, i) => {
      const group = color.group || "Colour";
      if (!groups.has(group)) groups.set(group, h("optgroup", { label: group }));
      groups.get(group).append(h("option", { value: String(i) }, color.color.title));
    });
    const none = h("option", { value: "-1" }, "one colour");
    this.colors = h("select", { "aria-label": "Colour by" }, ...groups.values(), none);
    this.colors.addEventListener("change", () => this.recolor(Number(this.colors.value)));
    return h(
      "div.ev-collection-page-bar",
      { role: "group", "aria-label": "The map" },
      h("label", {}, "Colour ", this.colors),
      this.controls.tools,
      this.controls.search.el,
    );
  }

  #said() {
    const { measures, caution, notes } = this.page;
    return h(
      "div.ev-collection-page-message",
      {},
      ...notes.map((note) => h("p", { dir: "auto" }, note)),
      h("p.ev-faint", {}, [measures.join(" · "), caution].filter(Boolean).join(". ")),
    );
  }

  #heatmapSection() {
    const { facts } = this.page;
    const layer = h("span.ev-faint", { dir: "auto" }, facts.at(-2));
    return h(
      "section.ev-collection-page-heatmap",
      { "aria-labelledby": "embviz-heatmap" },
      h("div.ev-track-page-row-heading", {}, this.heatTitle, layer),
      this.heat,
    );
  }

  // -- points and tracks --

  /** @returns {Uint32Array} */
  get tracks() {
    this.#tracks ??= numbersOf(this.#bytes("tracks"), Uint32Array);
    return this.#tracks;
  }

  /** Bytes that the map holds. @param {string} name */
  #bytes(name) {
    return /** @type {DataView<ArrayBuffer>} */ (this.map.get(name));
  }

  track(/** @type {number} */ point) {
    return this.tracks.length ? this.tracks[point] : point;
  }

  /** Seconds of a point; null where it is a whole track. */
  at(/** @type {number} */ point) {
    this.#moments ??= numbersOf(this.#bytes("seconds"), Float32Array);
    return this.#moments.length ? this.#moments[point] : null;
  }

  /** A fact of a track, by the name of its column. @param {string} name @param {number} track @returns {any} */
  fact(name, track) {
    return this.columns.find((column) => column.name === name)?.values[track] ?? "";
  }

  /** @returns {string} */
  titleOf(/** @type {number} */ track) {
    const title = this.fact("title", track);
    // Tracks of one title are told apart by the names of their files.
    const file = title && this.repeated.has(title) ? String(this.fact("name", track)).split("/").at(-1) : "";
    return (file ? `${title} (${file})` : title) || `track ${track + 1}`;
  }

  /** Seconds from a moment to the next of its track. */
  period(/** @type {number} */ point) {
    const same = [point + 1, point - 1].find((other) => this.track(other) === this.track(point));
    return same === undefined ? 0 : Math.abs((this.at(same) ?? 0) - (this.at(point) ?? 0));
  }

  /** What is selected, in the order of the page: moments, or a point of each track. @returns {number[]} */
  get selection() {
    const points = Array.from(numbersOf(this.#bytes("selected"), Uint32Array)).sort((a, b) => b - a);
    if (points.length && this.at(points[0]) !== null) return points.reverse();
    const first = new Map(points.map((point) => [this.track(point), point]));
    return [...first.values()].sort((a, b) => a - b);
  }

  // -- what the map asks for --

  #asked(/** @type {{kind: string, point?: number}} */ { kind, point = -1 }) {
    if (kind === "choose") this.choose(point);
  }

  /** Open a point's track. */
  open(/** @type {number} */ point) {
    const track = this.track(point);
    this.map.set("current", point);
    if (track !== this.#open) this.#load(track);
    this.side.opened(track, point);
  }

  /** Open a point's track, and play it from there. */
  choose(/** @type {number} */ point) {
    if (!(point >= 0)) return;
    const at = this.at(point);
    this.open(point);
    // The sound begins anew only after what has changed was heard of.
    queueMicrotask(() => queueMicrotask(() => this.#play(at)));
  }

  #play(/** @type {number | null} */ at) {
    const { clock } = this;
    const span = this.#span;
    if (this.player.get("problem")) return;
    const wanted = at ?? span?.[0] ?? 0;
    clock.seek(span && (wanted < span[0] || wanted >= span[1]) ? span[0] : wanted);
    clock.play();
  }

  #load(/** @type {number} */ track) {
    const part = this.#part(track);
    this.#open = track;
    this.#span = part.span;
    const traits = stateOf(part.player, bytesAt);
    this.#serial += 1;
    this.#set(this.player, { ...traits, title: this.titleOf(track), transcoded: true, serial: this.#serial });
    this.map.set("trail", bytesAt(part.trail));
    if (this.heatmap) this.#draw(this.heatmap, part, track);
  }

  /** @param {StillModel} heatmap @param {TrackPart} part @param {number} track */
  #draw(heatmap, part, track) {
    write(this.heatTitle, this.titleOf(track));
    if (!part.heatmap) {
      heatmap.set("message", part.note || "There is no heatmap of this track.");
      return;
    }
    const traits = stateOf(part.heatmap, bytesAt);
    const first = !(/** @type {number[]} */ (heatmap.get("shape"))[1]);
    // Who has chosen a scale keeps it.
    if (!first && heatmap.get("scale") !== this.#scale) delete traits.scale;
    this.#scale = String(traits.scale ?? this.#scale);
    if (!first) for (const name of KEPT) delete traits[name];
    this.#set(heatmap, traits);
  }

  /** @param {StillModel} model @param {Record<string, unknown>} traits */
  #set(model, traits) {
    for (const [name, value] of Object.entries(traits)) model.set(name, value);
  }

  #noSound(/** @type {{kind: string}} */ content) {
    if (content.kind !== "sound" && content.kind !== "transcode") return;
    const url = this.player.get("url");
    if (this.clock.duration) this.player.set("problem", url ? `${LINKED}${url}` : VORBIS);
  }

  /** Of a clip nothing sounds beyond its end. */
  #leave() {
    const { clock } = this;
    const span = this.#span;
    if (!span || !clock.playing) return;
    if (clock.time >= span[1]) {
      clock.pause();
      clock.seek(span[0]);
    } else if (clock.time < span[0]) clock.seek(span[0]);
  }

  // -- colours and neighbours --

  /** Colour the map in another way; -1 is none. */
  recolor(/** @type {number} */ index) {
    const { map, page } = this;
    const { color, shades } = page.colors[index] ?? { color: page.map.state.color, shades: "" };
    this.colors.value = page.colors[index] ? String(index) : "-1";
    this.#set(map, { hidden_categories: [], value_range: [], color, shades: shades ? bytesAt(shades) : NOTHING });
  }

  /** The points nearest to one in the model, nearest first. @param {number} point @returns {{point: number, distance: number}[]} */
  near(point) {
    const { near } = this.page;
    this.#near ??= {
      points: numbersOf(bytesAt(near.indices), Uint32Array),
      distances: numbersOf(bytesAt(near.distances), Float32Array),
    };
    const { points, distances } = this.#near;
    const all = Array.from({ length: near.k }, (_, i) => point * near.k + i);
    return all.filter((i) => points[i] !== NONE).map((i) => ({ point: points[i], distance: distances[i] }));
  }

  /** Whether the map shows the track of a point. */
  shows(/** @type {number} */ point) {
    return this.facets?.shows(this.track(point)) ?? true;
  }

  clear() {
    this.map.set("selected", NOTHING);
  }
}

/** What stands beside the map: the open track, its neighbours, and what is selected. */
class Side {
  /** @type {number[]} */
  points = [];
  /** @type {{point: number, distance: number}[]} */
  near = [];

  constructor(/** @type {Folio} */ folio) {
    this.folio = folio;
    this.track = h(
      "section.ev-collection-page-track",
      { "aria-live": "polite" },
      h("p.ev-faint", {}, "No track is open."),
    );
    this.nearest = section("Nearest in the model", "embviz-near");
    this.chosen = section("Selected", "embviz-selected");
    this.chosen.head.append(...this.#actions());
    for (const { el } of [this.nearest, this.chosen]) el.hidden = true;
    this.el = h(
      "aside.ev-collection-page-side",
      { "aria-label": "Legend and tracks" },
      folio.controls.legend,
      this.track,
      this.nearest.el,
      this.chosen.el,
    );
  }

  #actions() {
    /** @param {string} text @param {string} title @param {() => void} onclick */
    const button = (text, title, onclick) => h("button", { type: "button", title, onclick }, text);
    return [
      button("Playlist", `Download as a playlist (.m3u8), to be put ${this.folio.page.beside}`, () => this.#playlist()),
      button("Table", "Download as a table (.csv)", () => this.#table()),
      button("Clear", "Select nothing", () => this.folio.clear()),
    ];
  }

  /** Show a track that was opened by one of its points. @param {number} track @param {number} point */
  opened(track, point) {
    const { folio } = this;
    const artist = folio.fact("artist", track);
    this.track.replaceChildren(
      h("h2", { dir: "auto" }, folio.titleOf(track)),
      artist ? h("p", { dir: "auto" }, artist) : "",
      h("dl", {}, ...this.#facts(track)),
    );
    this.near = folio.near(point);
    this.#listNear();
  }

  #listNear() {
    const { folio } = this;
    const near = this.near.filter(({ point }) => folio.shows(point));
    this.nearest.el.hidden = !near.length;
    const { metric, exact } = folio.page.near;
    write(this.nearest.note, `${metric} distance${exact ? "" : ", approximate"}`);
    this.nearest.list.replaceChildren(...near.map(({ point, distance }) => this.#row(point, distance.toFixed(3))));
  }

  /** Other tracks pass the filters. */
  refilter() {
    this.#listNear();
    this.selected(this.folio.selection);
  }

  #facts(/** @type {number} */ track) {
    const shown = this.folio.columns.filter(({ name, values }) => {
      const value = values[track];
      return !["title", "artist"].includes(name) && value !== null && value !== "";
    });
    return shown.flatMap(({ name, title, values, unit }) => {
      const value = name === "duration" ? formatTime(Number(values[track])) : `${values[track]} ${unit}`.trim();
      return [h("dt", { dir: "auto" }, title), h("dd", { dir: "auto" }, value)];
    });
  }

  /** Show what is selected. @param {number[]} all moments, or a point of each track */
  selected(all) {
    const { folio } = this;
    const points = all.filter((point) => folio.shows(point));
    this.points = points;
    this.chosen.el.hidden = !points.length;
    const lengths = points.map((point) =>
      folio.at(point) === null ? Number(folio.fact("duration", folio.track(point))) || 0 : folio.period(point),
    );
    const seconds = lengths.reduce((sum, length) => sum + length, 0);
    write(this.chosen.note, `${points.length}${seconds ? `, ${formatTime(seconds)}` : ""}`);
    const rows = points.slice(0, ROWS).map((point) => this.#row(point));
    const more = points.length > ROWS ? h("li.ev-faint", {}, `and ${points.length - ROWS} more`) : "";
    this.chosen.list.replaceChildren(...rows, more);
  }

  #row(/** @type {number} */ point, said = "") {
    const { folio } = this;
    const track = folio.track(point);
    const at = folio.at(point);
    const moment = at === null ? "" : ` at ${formatTime(at)}`;
    const artist = folio.fact("artist", track);
    const name = h("span.ev-collection-page-name", {}, h("bdi", {}, folio.titleOf(track)), moment);
    const by = artist ? h("bdi.ev-faint.ev-collection-page-artist", {}, artist) : "";
    const onclick = () => folio.choose(point);
    const beside = said ? h("span.ev-faint", {}, said) : "";
    return h("li", {}, h("button.ev-plain", { type: "button", onclick }, name, by, beside));
  }

  #playlist() {
    const { folio } = this;
    const entries = this.points.map((point) => {
      const [track, at, half] = [folio.track(point), folio.at(point), folio.period(point) / 2];
      return {
        title: folio.titleOf(track),
        artist: folio.fact("artist", track),
        seconds: folio.fact("duration", track),
        file: folio.page.files[track],
        ...(at === null ? {} : { start: Math.max(0, at - half), stop: at + half }),
      };
    });
    download("selection.m3u8", m3u(entries), "audio/x-mpegurl");
  }

  #table() {
    const { folio } = this;
    const moments = this.points.some((point) => folio.at(point) !== null);
    const heads = [...folio.columns.map(({ title }) => title), ...(moments ? ["At, s"] : [])];
    const rows = this.points.map((point) => {
      const facts = folio.columns.map(({ values }) => values[folio.track(point)]);
      return moments ? [...facts, folio.at(point)] : facts;
    });
    download("selection.csv", `\ufeff${csv(heads, rows)}`, "text/csv");
  }
}

/** @param {string} title @param {string} id */
function section(title, id) {
  const note = h("span.ev-faint");
  const head = h("div.ev-collection-page-head", {}, h("h2", { id }, title), note);
  const list = h("ul");
  return { el: h("section.ev-collection-page-list", { "aria-labelledby": id }, head, list), head, note, list };
}
