/** The list of tracks: search, order, and only as many rows in the page as can be seen. */
import { bytesOf } from "../base/buffers.js";
import { h, icon, onChange, perFrame, write } from "../base/dom.js";
import { formatTime } from "../base/time.js";
import { ICONS, nameOf, plain, quoted, uid } from "../base/ui.js";

/** @import { ModelOption, Panel, TrackItem as Track } from "./types.js" */
/** @typedef {{letter: string, system: string, titles: string[]}} Mark a system whose models are computed */

/** Height of a track in the list, in pixels. */
export const ROW = 46;
const OVERSCAN = 6;

/** @param {string} text */
const fold = (text) =>
  String(text ?? "")
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase();
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** What a track is called in the list. @param {Track} track */
const shownName = (track) => track.title || track.name;

/** What it is said to be: by the table beside the files, else by its tags. @param {Track} track */
export const styleOf = (track) => track.style || track.genre || "";

/** What is searched in, of tracks that were searched before. @type {WeakMap<Track, string>} */
const searched = new WeakMap();

/** @param {Track} track */
function searchText(track) {
  const known = searched.get(track);
  if (known !== undefined) return known;
  const text = fold([track.name, track.title, track.artist, track.album, track.genre, track.style].join("\n"));
  searched.set(track, text);
  return text;
}

/**
 * The ids of tracks that share title and artist with another: only the names of their files tell them apart.
 * @param {Track[]} tracks @returns {Set<number>}
 */
export function sameNamed(tracks) {
  const keyOf = (/** @type {Track} */ { title, artist }) => `${fold(title)}\n${fold(artist)}`;
  /** @type {Map<string, number>} */
  const first = new Map();
  /** @type {Set<number>} */
  const same = new Set();
  for (const track of tracks) {
    const other = track.title ? first.get(keyOf(track)) : undefined;
    if (other !== undefined) same.add(other).add(track.id);
    else if (track.title) first.set(keyOf(track), track.id);
  }
  return same;
}

/** What is empty comes last. @param {string} a @param {string} b */
const texts = (a, b) => Number(!a) - Number(!b) || collator.compare(a, b);
/** @param {number | null} a @param {number | null} b */
const numbers = (a, b) => Number(a == null) - Number(b == null) || (a ?? 0) - (b ?? 0);

/** By name; the first is the usual one, since it is what the rows show. @type {[string, string, (a: Track, b: Track) => number][]} */
const ORDERS = [
  ["title", "Title", (a, b) => collator.compare(shownName(a), shownName(b))],
  ["name", "File name", (a, b) => collator.compare(a.name, b.name)],
  ["artist", "Artist", (a, b) => texts(a.artist, b.artist) || collator.compare(shownName(a), shownName(b))],
  ["album", "Album", (a, b) => texts(a.album, b.album) || collator.compare(a.name, b.name)],
  ["style", "Genre or style", (a, b) => texts(styleOf(a), styleOf(b))],
  ["bpm", "BPM", (a, b) => numbers(a.bpm, b.bpm)],
  ["seconds", "Length", (a, b) => numbers(a.seconds, b.seconds)],
];

/**
 * The tracks that have all words of a query in their names and tags, in an order; what is not known comes last.
 * @param {Track[]} tracks @param {string} query @param {string} order the name of one of ORDERS
 */
export function chosenTracks(tracks, query, order) {
  const words = fold(query).split(/\s+/).filter(Boolean);
  const found = tracks.filter((track) => words.every((word) => searchText(track).includes(word)));
  const compare = ORDERS.find(([name]) => name === order)?.[2];
  return compare ? found.sort(compare) : found;
}

/**
 * First and last (exclusive) row to have in the page.
 * @param {number} scrollTop @param {number} height @param {number} count @returns {[number, number]}
 */
export function visibleRows(scrollTop, height, count, row = ROW, overscan = OVERSCAN) {
  const first = Math.max(0, Math.floor(scrollTop / row) - overscan);
  return [Math.min(first, count), Math.min(count, Math.ceil((scrollTop + height) / row) + overscan)];
}

/**
 * The row that a key leads to, or -1 where it leads nowhere.
 * @param {string} key @param {number} active @param {number} count @param {number} page rows that can be seen
 */
export function stepped(key, active, count, page) {
  /** @type {Record<string, number>} */
  const targets = {
    ArrowDown: active + 1,
    ArrowUp: active - 1,
    PageDown: active + page,
    PageUp: active - page,
    Home: 0,
    End: count - 1,
  };
  const target = targets[key];
  return target === undefined || !count ? -1 : Math.min(Math.max(target, 0), count - 1);
}

/** @param {Track} track @returns {string} such as ``128 BPM``; empty where it is not known */
export const tempoOf = (track) => (track.bpm == null ? "" : `${Number(track.bpm.toFixed(1))} BPM`);

/** @param {{seconds: number | null}} track @returns {string} such as ``2:02``; empty where it is not known */
export const lengthOf = (track) => (track.seconds == null ? "" : formatTime(Math.floor(track.seconds)));

/** All but the length, which stands beside it. @param {Track} track @returns {string} such as ``Nobody · rock · 128 BPM`` */
export function factsOf(track) {
  return [track.artist, styleOf(track), tempoOf(track)].filter(Boolean).map(quoted).join(" · ");
}

/** All that is known of a track, a line each. @param {Track} track */
function hoverOf(track) {
  const { name, title, artist, album, genre, style, note } = track;
  return [name, title, artist, album, ...new Set([genre, style]), note].filter(Boolean).map(quoted).join("\n");
}

/**
 * The systems whose models are in the cache, each once.
 * @param {Iterable<string> | undefined} names of models @param {Map<string, ModelOption>} models @returns {Mark[]}
 */
export function marksOf(names, models) {
  /** @type {Map<string, Mark>} */
  const marks = new Map();
  for (const name of names ?? []) {
    const model = models.get(name);
    const system = model?.system || name;
    const letter = system === "vggish" ? "G" : system.slice(0, 1).toUpperCase();
    const mark = marks.get(system) ?? { letter, system: quoted(model?.system_title || system), titles: [] };
    mark.titles.push(quoted(model?.title || name));
    marks.set(system, mark);
  }
  return [...marks.values()];
}

/** The end of a path, which tells most of it. @param {string} folder */
export function shortFolder(folder) {
  const parts = folder.split("/").filter(Boolean);
  return parts.length > 2 ? `…/${parts.slice(-2).join("/")}` : folder;
}

/** @param {Mark} mark */
function markNode({ letter, titles }) {
  return h("span.ev-panel-mark", { "aria-hidden": "true", title: `Computed: ${titles.join(", ")}` }, letter);
}

/** @param {Mark[]} marks */
function marksNode(marks) {
  const text = `Computed: ${marks.flatMap(({ titles }) => titles).join(", ")}`;
  return h("span.ev-panel-marks", {}, h("span.ev-hidden", {}, text), ...marks.map(markNode));
}

/** What the letters mean. @param {Mark[]} marks */
function legendNodes(marks) {
  const entry = (/** @type {Mark} */ mark) => h("span.ev-panel-legend-entry", {}, markNode(mark), mark.system);
  return marks.length ? [h("span", {}, "Computed:"), ...marks.map(entry)] : [];
}

/** What stands in place of a list without tracks. @param {number} all @param {number} shown on the map */
function emptyList(all, shown) {
  if (!all) return "No sounds yet. Add one below, or drop it here.";
  return shown
    ? "No track matches. Search in titles, artists, albums, genres and file names."
    : "The map's filters leave no track.";
}

/** The list as the panel has it. */
class TrackList {
  /** Those that are searched for, in their order. @type {Track[]} */
  #tracks = [];
  /** Those that only the names of their files tell apart. @type {Set<number>} */
  #sameNamed = new Set();
  #active = 0;
  /** @type {Map<string, ModelOption>} */
  #models = new Map();
  /** The rows that are in the page, by place. @type {Map<number, HTMLElement>} */
  #rows = new Map();
  #id = uid("tracks");
  #wasSeen = false;

  /** @param {Panel} panel what the parts of the panel share */
  constructor(panel) {
    this.panel = panel;
    this.model = panel.model;
    this.search = h("input", {
      type: "search",
      placeholder: "Search",
      "aria-label": "Search tracks by title, artist, album, genre or file name",
      title: "Search in titles, artists, albums, genres and file names",
    });
    this.order = h("select", { "aria-label": "Sort tracks by", title: "Sort by" });
    this.order.append(...ORDERS.map(([value, label]) => h("option", { value }, label)));
    this.count = h("span.ev-faint", { role: "status" });
    this.folder = h("div.ev-panel-folder.ev-faint", { dir: "ltr" });
    this.filterText = h("span");
    const showAll = { type: "button", onclick: () => this.#showAll() };
    this.filter = h("div.ev-panel-filter", { hidden: true, role: "status" }, this.filterText);
    this.filter.append(h("button", showAll, "Show all"));
    this.space = h("div.ev-panel-space", { role: "presentation" });
    this.box = h(
      "div.ev-panel-tracks",
      { role: "listbox", tabIndex: 0, "aria-label": "Tracks", id: this.#id },
      this.space,
    );
    this.empty = h("div.ev-panel-empty", { hidden: true });
    this.legend = h("div.ev-panel-legend.ev-faint", { hidden: true });
    this.el = this.#build();
    this.#listenToReader();
    this.#listenToKernel();
    this.#updateModels();
    this.#updateFolder();
    this.#updateTracks();
  }

  #build() {
    const hide = h("button.ev-plain", {
      type: "button",
      "aria-label": "Hide the list of tracks",
      title: "Hide the list",
      onclick: () => this.panel.showList(false),
    });
    hide.append(icon("M10.3 3.2 5.5 8l4.8 4.8-1 1L3.5 8l5.8-5.8z"));
    const add = h("button", { type: "button", onclick: () => this.panel.browse() }, icon(ICONS.plus), "Add a sound…");
    return h(
      "div.ev-panel-list",
      { role: "group", "aria-label": "Track list" },
      h("div.ev-panel-list-head", {}, h("h3", {}, "Tracks"), this.count, hide),
      this.folder,
      h("div.ev-panel-find", {}, this.search, this.order),
      this.filter,
      this.box,
      this.empty,
      h("div.ev-panel-list-foot", {}, this.legend, add),
    );
  }

  // For the panel.

  /** What is seen only now may have had no height before. */
  shown() {
    this.#reveal();
  }

  focus() {
    (this.#tracks.length ? this.box : this.search).focus({ preventScroll: true });
  }

  focusSearch() {
    this.search.focus();
    this.search.select();
  }

  /** End the filters of the map; the button goes with them. */
  #showAll() {
    this.panel.link.send("show_all_tracks");
    this.focus();
  }

  // What it shows.

  /** The place of the open track; -1 where it is not among those that are searched for. */
  #openIndex() {
    const open = this.model.get("track");
    return this.#tracks.findIndex((track) => track.id === open);
  }

  #updateTracks(keep = false) {
    this.#sameNamed = sameNamed(this.model.get("tracks") ?? []);
    this.#refilter(keep);
  }

  /** Search again; what was reached by keys stays so where it is to be kept, else the open track is. */
  #refilter(keep = false) {
    /** @type {Track[]} */
    const all = this.model.get("tracks") ?? [];
    const query = this.search.value;
    const shown = this.#shownOnMap(all);
    const before = keep ? this.#tracks[this.#active]?.id : undefined;
    this.#tracks = chosenTracks(shown, query, this.order.value);
    const kept = before === undefined ? -1 : this.#tracks.findIndex((track) => track.id === before);
    this.#active = Math.max(0, kept < 0 ? this.#openIndex() : kept);
    const part = this.#tracks.length < all.length;
    write(this.count, part ? `${this.#tracks.length} of ${all.length}` : String(all.length));
    write(this.empty, emptyList(all.length, shown.length));
    this.empty.hidden = this.#tracks.length > 0;
    this.box.hidden = this.#tracks.length === 0;
    this.space.style.height = `${this.#tracks.length * ROW}px`;
    this.#redraw();
  }

  /** The tracks that the map shows, which may be filtered; those that it does not know, too. @param {Track[]} all */
  #shownOnMap(all) {
    const mask = bytesOf(this.model.get("shown_on_map"));
    this.filter.hidden = !mask.length;
    if (!mask.length) return all;
    const shown = all.filter(({ id }) => mask[id] !== 0);
    write(this.filterText, `${shown.length} of ${all.length} tracks, as filtered on the map`);
    return shown;
  }

  #redraw() {
    for (const node of this.#rows.values()) node.remove();
    this.#rows.clear();
    this.#draw();
  }

  #draw() {
    const [first, last] = visibleRows(this.box.scrollTop, this.box.clientHeight || 400, this.#tracks.length);
    for (const [index, node] of this.#rows) {
      if (index >= first && index < last) continue;
      node.remove();
      this.#rows.delete(index);
    }
    for (let index = first; index < last; index += 1) {
      if (this.#rows.has(index)) continue;
      const node = this.#rowNode(this.#tracks[index], index);
      // In the order of the list, which is the order in which readers go through them.
      const next = [...this.#rows].filter(([place]) => place > index).sort(([a], [b]) => a - b)[0]?.[1];
      this.space.insertBefore(node, next ?? null);
      this.#rows.set(index, node);
    }
    this.#markRows();
  }

  /** @param {Track} track @param {number} index */
  #rowNode(track, index) {
    const wrong = track.problem || track.warning;
    const file = this.#sameNamed.has(track.id) ? track.name : "";
    const facts = wrong
      ? plain(wrong)
      : [file, factsOf(track)].filter(Boolean).map(quoted).join(" · ") || quoted(track.note);
    const note = h("div.ev-panel-track-note", {}, h("span.ev-panel-track-facts", { dir: "auto" }, facts));
    if (!wrong) note.append(h("span.ev-panel-track-length", {}, lengthOf(track)));
    const marks = marksOf(this.model.get("cached")?.[String(track.id)], this.#models);
    if (marks.length && !track.problem) note.append(marksNode(marks));
    const node = h(
      "div.ev-panel-track",
      {
        role: "option",
        id: `${this.#id}-${track.id}`,
        title: wrong ? quoted(`${track.name}: ${wrong}`) : hoverOf(track),
        "aria-setsize": this.#tracks.length,
        "aria-posinset": index + 1,
      },
      nameOf(shownName(track), "div.ev-panel-name.ev-panel-track-title"),
      note,
    );
    node.style.transform = `translateY(${index * ROW}px)`;
    node.dataset.index = String(index);
    node.dataset.track = String(track.id);
    if (wrong) node.classList.add(track.problem ? "ev-panel-problem" : "ev-panel-warning");
    return node;
  }

  #markRows() {
    const open = this.model.get("track");
    for (const [index, node] of this.#rows) {
      const own = this.#tracks[index].id === open;
      node.classList.toggle("ev-panel-open", own);
      node.classList.toggle("ev-panel-active", index === this.#active);
      node.setAttribute("aria-selected", String(own));
    }
    const node = this.#rows.get(this.#active);
    if (node) this.box.setAttribute("aria-activedescendant", node.id);
    else this.box.removeAttribute("aria-activedescendant");
  }

  #updateModels() {
    /** @type {ModelOption[]} */
    const models = this.model.get("models") ?? [];
    this.#models = new Map(models.map((entry) => [entry.name, entry]));
    this.#updateMarks();
  }

  #updateMarks() {
    /** @type {Record<string, string[]>} */
    const cached = this.model.get("cached") ?? {};
    const marks = marksOf(new Set(Object.values(cached).flat()), this.#models);
    this.legend.replaceChildren(...legendNodes(marks));
    this.legend.hidden = !marks.length;
    this.#redraw();
  }

  #updateFolder() {
    const folder = quoted(this.model.get("folder"));
    write(this.folder, shortFolder(folder));
    this.folder.title = folder;
    this.folder.hidden = !folder;
  }

  // Where one is in it.

  /** Bring a row into sight: the active one. */
  #reveal() {
    const top = this.#active * ROW;
    const { scrollTop, clientHeight } = this.box;
    if (top < scrollTop) this.box.scrollTop = top;
    else if (top + ROW > scrollTop + clientHeight) this.box.scrollTop = top + ROW - clientHeight;
    this.#draw();
  }

  /** @param {number} index */
  #go(index) {
    this.#active = index;
    this.#reveal();
  }

  /** @param {number} index */
  #open(index) {
    const track = this.#tracks[index];
    if (!track) return;
    this.#active = index;
    this.#markRows();
    this.panel.link.send("open_track", { track: track.id });
    this.panel.trackChosen();
  }

  // What it listens to.

  #listenToReader() {
    const { search, box } = this;
    search.addEventListener("input", () => this.#searched());
    search.addEventListener("keydown", (event) => this.#searchKey(event));
    this.order.addEventListener("change", () => {
      this.#refilter(true);
      this.#reveal();
    });
    const draw = perFrame(() => this.#draw(), this.panel.signal);
    box.addEventListener("scroll", draw, { passive: true });
    box.addEventListener("keydown", (event) => this.#listKey(event));
    box.addEventListener("click", ({ target }) => {
      const node = target instanceof Element ? target.closest("[data-index]") : null;
      if (node instanceof HTMLElement) this.#open(Number(node.dataset.index));
    });
    const observer = new ResizeObserver(() => {
      draw();
      // As long as there is no height, nothing can be scrolled to.
      if (this.#wasSeen || !box.clientHeight) return;
      this.#wasSeen = true;
      this.#reveal();
    });
    observer.observe(box);
    this.panel.signal.addEventListener("abort", () => observer.disconnect(), { once: true });
  }

  #listenToKernel() {
    const { model } = this;
    const { signal } = this.panel;
    onChange(model, "models", () => this.#updateModels(), signal);
    onChange(model, "cached", () => this.#updateMarks(), signal);
    onChange(model, "tracks", () => this.#updateTracks(true), signal);
    onChange(model, "shown_on_map", () => this.#refilter(true), signal);
    onChange(model, "track", () => this.#trackOpened(), signal);
    onChange(model, "folder", () => this.#updateFolder(), signal);
  }

  #trackOpened() {
    const index = this.#openIndex();
    if (index >= 0) this.#go(index);
    else this.#markRows();
  }

  #searched() {
    this.#refilter();
    this.box.scrollTop = 0;
    // Of what is searched for, the first is meant; without a search, the open one.
    if (this.search.value) this.#active = 0;
    this.#reveal();
  }

  /** @param {KeyboardEvent} event */
  #searchKey(event) {
    if (event.key === "ArrowDown" && this.#tracks.length) {
      this.box.focus();
      this.#reveal();
    } else if (event.key === "Enter") this.#open(this.#active);
    else if (event.key === "Escape" && this.search.value) {
      this.search.value = "";
      this.#searched();
    } else if (event.key === "Escape") this.box.focus();
    else return;
    event.preventDefault();
  }

  /** @param {KeyboardEvent} event */
  #listKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.box.clientHeight / ROW) - 1);
    const index = stepped(event.key, this.#active, this.#tracks.length, page);
    if (index >= 0) this.#go(index);
    else if (event.key === "Enter") this.#open(this.#active);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

/** @param {Panel} panel what the parts of the panel share */
export function trackList(panel) {
  return new TrackList(panel);
}
