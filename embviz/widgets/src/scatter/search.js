/** The search of a map: over the facts of its tracks, in the page. */
import { h, write } from "../base/dom.js";
import { plain, uid } from "../base/ui.js";

/** @typedef {{name?: string, title?: string, kind: string, values: unknown[], folds?: string[]}} Searched a column, and its texts folded */

/** Matches that are listed. */
const LISTED = 20;

/** Text without capitals and accents. @param {unknown} text */
export function folded(text) {
  return String(text ?? "")
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLocaleLowerCase("en")
    .trim();
}

/**
 * The tracks that hold all words of a query in their texts, or one of whose numbers it equals: first those whose title
 * begins with it or holds it, then those that have it in one piece elsewhere.
 * @param {Searched[]} columns @param {number} n tracks @param {string} query
 * @returns {number[]} all of them
 */
export function matching(columns, n, query) {
  const wanted = folded(query);
  if (!wanted) return [];
  const words = wanted.split(/\s+/);
  const number = Number(wanted.replace(",", "."));
  /** @type {[number, number][]} */
  const found = [];
  for (let track = 0; track < n; track += 1) {
    const place = placeOf(columns, track, words, wanted, number);
    if (place >= 0) found.push([place, track]);
  }
  return found.sort((a, b) => a[0] - b[0] || a[1] - b[1]).map(([, track]) => track);
}

/**
 * How well a track fits, 0 best; -1: not at all.
 * @param {Searched[]} columns @param {number} track @param {string[]} words @param {string} wanted
 * @param {number} number that is wanted, or NaN
 */
function placeOf(columns, track, words, wanted, number) {
  /** @type {string[]} */
  const texts = [];
  for (const column of columns) {
    if (column.kind === "number") {
      const value = column.values[track];
      if (value != null && Number.isFinite(number) && Number(value) === number) return 3;
      continue;
    }
    column.folds ??= column.values.map(folded);
    texts.push(column.folds[track] ?? "");
  }
  if (!words.every((word) => texts.some((text) => text.includes(word)))) return -1;
  if (texts[0]?.startsWith(wanted)) return 0;
  if (texts[0]?.includes(wanted)) return 1;
  return texts.some((text) => text.includes(wanted)) ? 2 : 3;
}

/**
 * The columns by which a track was found, the title first: those that hold all of the query, or else a word of it.
 * @param {Searched[]} columns as {@link matching} has left them @param {number} track @param {string} query
 */
export function columnsFound(columns, track, query) {
  const wanted = folded(query);
  const words = wanted.split(/\s+/);
  const number = Number(wanted.replace(",", "."));
  const texts = columns.map((column) => column.folds?.[track] ?? "");
  const holding = (/** @type {(text: string) => boolean} */ fits) =>
    columns.filter((column, i) =>
      column.kind === "number" ? Number(column.values[track] ?? Number.NaN) === number : fits(texts[i]),
    );
  const whole = holding((text) => words.every((word) => text.includes(word)));
  return whole.length ? whole : holding((text) => words.some((word) => text.includes(word)));
}

/**
 * The box of the search.
 * @param {{data: () => import("./points.js").MapData, found: (tracks: number[], asked: boolean) => void,
 *   choose: (track: number) => void, leave: () => void, signal: AbortSignal}} options
 */
export function searchBox({ data, found, choose, leave, signal }) {
  const list = h("ul.ev-scatter-matches", {
    id: uid("found"),
    role: "listbox",
    "aria-label": "Tracks found",
    hidden: true,
  });
  const input = h("input.ev-scatter-search", {
    type: "search",
    role: "combobox",
    placeholder: "Search",
    autocomplete: "off",
    spellcheck: false,
    "aria-label": "Search the tracks of this map",
    "aria-controls": list.id,
    "aria-expanded": "false",
    "aria-autocomplete": "list",
  });
  const count = h("span.ev-scatter-count", { role: "status" });
  const el = h("div.ev-scatter-searcher", {}, input, count, list);
  /** @type {number[]} */
  let tracks = [];
  let at = -1;
  /** @type {{of: Searched[], folded: Searched[]}} the columns that `folded` was made of, so that they are folded once */
  let columns = { of: [], folded: [] };
  let searched = "";

  function look() {
    searched = input.value;
    const { columns: own, tracks: places, n } = data();
    if (columns.of !== own) columns = { of: own, folded: own.map((each) => ({ ...each })) };
    const all = matching(columns.folded, Math.max(0, ...own.map(({ values }) => values?.length ?? 0)), searched);
    // What is not on this map cannot be shown on it.
    tracks = places ? all.filter((track) => data().pointsOf(track).length) : all.filter((track) => track < n);
    at = -1;
    fill();
    found(tracks, Boolean(searched.trim()));
  }

  function fill() {
    const asked = Boolean(input.value.trim());
    list.replaceChildren(...tracks.slice(0, LISTED).map((track, i) => optionOf(track, i)));
    list.hidden = !asked || !tracks.length;
    input.setAttribute("aria-expanded", String(!list.hidden));
    input.removeAttribute("aria-activedescendant");
    const total = columns.of[0]?.values?.length ?? data().n;
    const said = `${tracks.length.toLocaleString("en")} of ${total.toLocaleString("en")} match`;
    write(count, asked ? [said, ...where()].join(", ") : "");
  }

  /** How many of the tracks have it in their title, where others have not; else nothing. */
  function where() {
    const [title] = columns.folded;
    const words = folded(searched).split(/\s+/);
    const named = tracks.filter((track) => words.every((word) => title?.folds?.[track]?.includes(word))).length;
    return named && named < tracks.length ? [`${named.toLocaleString("en")} by title`] : [];
  }

  /** @param {number} track @param {number} i */
  function optionOf(track, i) {
    const told = (/** @type {string} */ name, /** @type {number} */ of) =>
      plain(String(columns.of.find((column) => column.name === name)?.values?.[of] ?? ""));
    const title = told("title", track);
    const alike = tracks.some((other) => {
      return other !== track && told("title", other) === title && told("artist", other) === told("artist", track);
    });
    const artist = told(alike ? "name" : "artist", track);
    const text = h("span", { dir: "auto" }, title || `track ${track + 1}`);
    // What a reader cannot see in the line is told: where the words stand.
    const found = columnsFound(columns.folded, track, searched);
    const seen = !found.length || found.some(({ name }) => name === "title" || name === "artist");
    const why = `${plain(found[0]?.title || found[0]?.name)}: ${plain(String(found[0]?.values[track] ?? ""))}`;
    const by = h("small", { dir: "auto", title: seen ? artist : why }, seen ? artist : why);
    const pick = (/** @type {PointerEvent} */ event) => {
      event.preventDefault();
      take(track);
    };
    return h("li", { id: `${list.id}-${i}`, role: "option", "aria-selected": "false", onpointerdown: pick }, text, by);
  }

  /** @param {number} next */
  function mark(next) {
    const options = [...list.children];
    if (!options.length) return;
    at = (next + options.length) % options.length;
    for (const [i, option] of options.entries()) option.setAttribute("aria-selected", String(i === at));
    input.setAttribute("aria-activedescendant", options[at].id);
    options[at].scrollIntoView({ block: "nearest" });
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
  }

  function shut() {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
  }

  /** @param {number} track */
  function take(track) {
    shut();
    choose(track);
  }

  function clear() {
    input.value = "";
    look();
  }

  /** @param {KeyboardEvent} event */
  function pressed(event) {
    if (event.isComposing) return;
    const { key } = event;
    if (key === "ArrowDown" || key === "ArrowUp") mark(at + (key === "ArrowDown" ? 1 : -1));
    else if (key === "Enter") {
      if (input.value !== searched) look();
      if (tracks.length) take(tracks[Math.max(at, 0)]);
    } else if (key === "Escape") {
      if (input.value) clear();
      else leave();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    // A million names take longer than a key.
    timer = setTimeout(look, data().n > 20_000 ? 150 : 0);
  });
  input.addEventListener("keydown", pressed);
  input.addEventListener("focus", () => {
    if (tracks.length && input.value) list.hidden = false;
  });
  input.addEventListener("blur", shut);
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  return { el, input, clear };
}
