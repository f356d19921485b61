/** The lists beside the maps that hold tracks: neighbours, the selection, what plays next, and what cannot be used. */
import { h, icon, write } from "../base/dom.js";
import { iconButton, lineOf, namesOf, rowList, walkable } from "../base/row_list.js";
import { formatTime } from "../base/time.js";
import { ICONS, nameOf, plain, quoted } from "../base/ui.js";
import { lengthOf } from "../explorer/track_list.js";

/** @import { ListedTrack, NeighborItem, Page, SelectedItem } from "./types.js" */

/** A moment of a track. @param {{at?: number | null}} item @returns {string} such as ``at 1:02``; empty where the whole track is meant */
export function momentOf({ at }) {
  return at == null ? "" : `at ${formatTime(Math.floor(at))}`;
}

/** A length of time in words. @param {number} seconds @returns {string} such as ``1 h 12 min`` or ``3 min 20 s`` */
export function lengthInWords(seconds) {
  if (!(seconds > 0)) return "";
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  if (hours) return minutes ? `${hours} h ${minutes} min` : `${hours} h`;
  return minutes ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

/**
 * @param {number | undefined} n @param {string} one @param {string} [many]
 * @returns {string} such as ``1 track`` or ``1,240 tracks``
 */
export function counted(n, one, many = `${one}s`) {
  return `${(n ?? 0).toLocaleString("en")} ${n === 1 ? one : many}`;
}

/** A distance with as many digits as tell. @param {number | null | undefined} distance @returns {string} */
export function distanceOf(distance) {
  if (distance == null || !Number.isFinite(distance)) return "";
  return distance >= 100 ? distance.toFixed(0) : distance >= 1 ? distance.toFixed(2) : distance.toFixed(3);
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/**
 * Rows in the order of a column; what is not known comes last, whichever way.
 * @template {object} Row
 * @param {Row[]} rows @param {keyof Row} column @param {number} way 1 or −1 @returns {Row[]}
 */
export function sorted(rows, column, way) {
  const empty = (/** @type {unknown} */ value) => value == null || value === "";
  /** @param {unknown} a @param {unknown} b */
  const order = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b : collator.compare(String(a), String(b));
  return [...rows].sort(({ [column]: a }, { [column]: b }) => {
    if (empty(a) || empty(b)) return Number(empty(a)) - Number(empty(b));
    return way * order(a, b);
  });
}

/** Where a track, or a moment of one, is found. @param {ListedTrack} item */
const placeOf = ({ track, at }) => (at == null ? { track } : { track, at });

/** The button that plays an item, which stands first in its row. @param {Page} view @param {ListedTrack} item */
function playButton(view, item) {
  const label = [`Play ${lineOf(item)}`, momentOf(item)].filter(Boolean).join(" ");
  return iconButton("play", label, () => view.link.send("play", placeOf(item)));
}

/** What to do where a list is empty. @param {...string} words */
export function emptyText(...words) {
  return h("p.ev-panel-empty", {}, ...words);
}

/** @param {Page} view what the parts of the page share */
export function neighborList(view) {
  const { model, link } = view;
  const own = () => model.get("neighbors") ?? {};
  const title = h("h3");
  const how = h("span.ev-faint", { title: "Chosen behind “More”" });
  const ofSelection = h("button", { type: "button" }, "Of the selection");
  const browse = h("button", { type: "button" }, "Like a file…");
  browse.title = "Find what is like a file of yours; it can be dropped onto the map, too";
  const message = h("p.ev-atlas-message", { dir: "auto", hidden: true });
  const empty = emptyText(
    "Click a point on a map, or press Enter on it: it plays, and what sounds most like it is listed here. ",
    "Or drop a sound file anywhere here to find its place.",
  );
  const list = rowList({
    label: "Neighbours",
    row(/** @type {NeighborItem} */ item, /** @type {number} */ index) {
      const queue = () => link.send("enqueue", { tracks: [item.track] });
      const node = h(
        "li.ev-atlas-row",
        {},
        playButton(view, item),
        h("span.ev-atlas-rank.ev-faint", {}, String(index + 1)),
        namesOf(item, momentOf(item)),
        h("span.ev-atlas-figure", { title: `Distance ${item.distance}` }, distanceOf(item.distance)),
        iconButton("plus", `Add ${lineOf(item)} to the queue`, queue),
      );
      view.pointsAt(node, item);
      return node;
    },
  });
  const el = h(
    "div.ev-atlas-pane",
    {},
    h("div.ev-atlas-pane-head", {}, title, how),
    h("div.ev-atlas-line", {}, ofSelection, browse),
    message,
    empty,
    list.el,
  );
  ofSelection.addEventListener("click", () => link.send("find_neighbors", { of: "selection" }));
  browse.addEventListener("click", () => view.browse());

  return {
    el,
    traits: "neighbors choices selection filters",
    update() {
      const { of, items = [], message: said, exact: certain } = own();
      /** @type {Record<string, string>} */
      const kinds = { frame: "this moment of ", file: "the file " };
      const kind = kinds[of?.kind] ?? "";
      title.replaceChildren(...(of?.title ? [`Like ${kind}`, nameOf(of.title)] : ["Neighbours"]));
      title.title = of ? quoted(of.title) : "";
      const metric = own().metric || view.choices.metric || "cosine";
      const words = [model.get("vocabulary")?.metrics?.[metric] ?? metric];
      if (of) words.push(certain === false ? "approximate" : "exact", "0 is the same");
      write(how, words.join(", "));
      if (certain === false) how.title = "Searched in an index: one of many may be missed";
      ofSelection.disabled = !(model.get("selection")?.count > 0);
      ofSelection.title = ofSelection.disabled ? "Select points first" : "What is like all that is selected";
      write(message, plain(said));
      message.hidden = !said;
      empty.hidden = Boolean(of);
      list.fill(
        items.filter((/** @type {NeighborItem} */ item) => view.facets.shows(item)),
        of,
      );
    },
  };
}

/** @type {{name: "title" | "artist" | "album" | "genre" | "seconds", title: string}[]} */
const COLUMNS = [
  { name: "title", title: "Title" },
  { name: "artist", title: "Artist" },
  { name: "album", title: "Album" },
  { name: "genre", title: "Genre" },
  { name: "seconds", title: "Length" },
];

/** @param {Page} view what the parts of the page share */
export function selectionTable(view) {
  const { model, link } = view;
  /** @returns {{count?: number, seconds?: number, rows?: SelectedItem[], more?: number}} */
  const own = () => model.get("selection") ?? {};
  /** @type {{column: (typeof COLUMNS)[number]["name"] | "", way: number}} */
  const order = { column: "", way: 1 };
  const passing = () => (own().rows ?? []).filter((row) => view.facets.shows(row));
  const rowsNow = () => (order.column ? sorted(passing(), order.column, order.way) : passing());
  const places = () => {
    const rows = rowsNow();
    const moments = rows.some(({ at }) => at != null) ? { moments: rows.map(({ at }) => at ?? null) } : {};
    return { tracks: rows.map(({ track }) => track), ...moments };
  };
  const title = h("h3");
  const play = h("button.ev-primary", { type: "button" }, icon(ICONS.play), "Play in order");
  const enqueue = h("button", { type: "button" }, "Add to queue");
  const clear = h("button", { type: "button", title: "Select nothing (Esc)" }, "Clear");
  const saveOne = (/** @type {string} */ format, /** @type {string} */ text) => {
    const press = () => link.send("save", { format, selection: true });
    return h("button", { type: "button", onclick: press }, text);
  };
  const save = h("div.ev-atlas-line", {}, saveOne("m3u", "Save as M3U"), saveOne("csv", "Save as CSV"));
  const arrows = COLUMNS.map(() => h("span", { "aria-hidden": "true" }));
  const heads = COLUMNS.map((column, i) => {
    const press = h("button.ev-plain", { type: "button" }, column.title, arrows[i]);
    press.addEventListener("click", () => sortBy(column.name));
    return h(`th.ev-atlas-col-${column.name}`, { scope: "col" }, press);
  });
  const lead = h("th", { scope: "col" }, h("span.ev-hidden", {}, "Play"));
  const body = h("tbody");
  const walk = walkable(body);
  const table = h(
    "table.ev-atlas-table",
    { "aria-label": "Selected" },
    h("thead", {}, h("tr", {}, lead, ...heads)),
    body,
  );
  const more = h("p.ev-atlas-message.ev-faint");
  const variable = h("code", {}, view.alone ? "atlas.selection" : "explorer.selection");
  const python = h("p.ev-atlas-message.ev-faint", {}, "In Python: ", variable, ", a table of these tracks.");
  const empty = emptyText(
    "Nothing is selected. Draw around points on a map with the lasso, press the points you want with Shift held, " +
      "or select the members of a cluster.",
  );
  const separate = h("button", { type: "button" }, "What separates these?");
  separate.title = "Which dimensions tell the selection from the rest";
  separate.addEventListener("click", () => link.send("find_contrast", { of: "selection" }));
  const acts = h("div.ev-atlas-line", {}, play, enqueue, separate, clear);
  const el = h("div.ev-atlas-pane", {}, h("div.ev-atlas-pane-head", {}, title), acts, empty, table, more, save, python);
  let shown = "";
  let used = COLUMNS;

  async function playAll() {
    const all = places();
    if (await link.send("clear_queue")) {
      link.send("enqueue", all);
      link.send("play_queue", { at: 0 });
    }
  }
  play.addEventListener("click", playAll);
  enqueue.addEventListener("click", () => link.send("enqueue", places()));
  clear.addEventListener("click", () => link.send("clear_selection"));

  function sortBy(/** @type {(typeof COLUMNS)[number]["name"]} */ name) {
    const again = order.column === name;
    order.way = again ? -order.way : 1;
    order.column = name;
    update();
  }

  function rowOf(/** @type {SelectedItem} */ item) {
    const where = momentOf(item);
    const cells = used.map(({ name }) => {
      const text = name === "seconds" ? lengthOf(item) : item[name];
      const shown = text || (name === "title" ? "untitled" : "");
      const cell = h(`td.ev-atlas-col-${name}`, { title: quoted(text) }, nameOf(shown));
      if (name === "title" && where) cell.append(h("span.ev-faint", {}, ` ${where}`));
      return cell;
    });
    const node = h("tr", {}, h("td", {}, playButton(view, item)), ...cells);
    node.dataset.row = "";
    return node;
  }

  function update() {
    const { count = 0, seconds = 0, rows = [], more: rest = 0 } = own();
    const frames = rows.some(({ at }) => at != null);
    const words = [counted(count, frames ? "moment" : "track"), frames ? "" : lengthInWords(seconds)];
    write(title, count ? `${words.filter(Boolean).join(" · ")} selected` : "Selection");
    for (const one of [acts, save, python, table]) one.hidden = !count;
    empty.hidden = count > 0;
    const out = rows.length - passing().length;
    const missing = [
      rest ? `… and ${counted(rest, "more row")}` : "",
      out ? `${counted(out, "row")} left out by the filters` : "",
    ].filter(Boolean);
    more.hidden = !missing.length;
    write(more, missing.length ? `${missing.join(", ")}; saving and Python have them all.` : "");
    for (const [i, { name }] of COLUMNS.entries()) {
      const own = order.column === name;
      if (own) heads[i].setAttribute("aria-sort", order.way > 0 ? "ascending" : "descending");
      else heads[i].removeAttribute("aria-sort");
      write(arrows[i], own ? (order.way > 0 ? "▲" : "▼") : "");
    }
    const key = JSON.stringify([passing(), order]);
    if (key === shown) return;
    shown = key;
    // What is known of no track takes no room.
    used = COLUMNS.filter(({ name }) => name === "title" || rows.some((row) => row[name]));
    for (const [i, column] of COLUMNS.entries()) heads[i].hidden = !used.includes(column);
    walk.refill(() => body.replaceChildren(...rowsNow().map(rowOf)));
  }

  return { el, traits: "selection filters", update };
}

/** @param {Page} view what the parts of the page share */
export function queueList(view) {
  const { model, link } = view;
  /** @returns {{items?: SelectedItem[], at?: number, playing?: boolean}} */
  const own = () => model.get("queue") ?? {};
  const title = h("h3");
  const toggle = h("button.ev-primary", { type: "button" });
  const next = h("button", { type: "button" }, icon(ICONS.next), "Next");
  const clear = h("button", { type: "button" }, "Clear");
  const acts = h("div.ev-atlas-line", {}, toggle, next, clear);
  const empty = emptyText(
    "Nothing is queued. Press + beside a track in the lists, or “Add to queue” of a selection: what is queued plays " +
      "one after the other.",
  );
  const list = rowList({
    label: "Queue",
    row(item, index) {
      const { at, playing } = own();
      const current = index === at;
      const play = iconButton(current && playing ? "pause" : "play", "", () =>
        current && playing ? link.send("pause_queue") : link.send("play_queue", { at: index }),
      );
      const label = `${current && playing ? "Pause" : "Play"} ${lineOf(item)}`;
      play.title = label;
      play.setAttribute("aria-label", label);
      const node = h(
        "li.ev-atlas-row",
        {},
        play,
        namesOf(item, momentOf(item)),
        h("span.ev-atlas-figure.ev-faint", {}, current ? (playing ? "playing" : "current") : lengthOf(item)),
        iconButton("close", `Remove ${lineOf(item)} from the queue`, () => link.send("remove_queued", { at: index })),
      );
      if (current) node.setAttribute("aria-current", "true");
      return node;
    },
  });
  list.el.addEventListener("keydown", (event) => {
    const row = event.target instanceof Element ? event.target.closest("[data-row]") : null;
    if (!(row instanceof HTMLElement) || event.key !== "Delete") return;
    event.preventDefault();
    link.send("remove_queued", { at: Number(row.dataset.row) });
  });
  const el = h("div.ev-atlas-pane", {}, h("div.ev-atlas-pane-head", {}, title), acts, empty, list.el);
  toggle.addEventListener("click", () =>
    own().playing ? link.send("pause_queue") : link.send("play_queue", { at: Math.max(0, own().at ?? 0) }),
  );
  next.addEventListener("click", () => link.send("play_queue", { at: (own().at ?? -1) + 1 }));
  clear.addEventListener("click", () => link.send("clear_queue"));

  return {
    el,
    traits: "queue",
    update() {
      const { items = [], at = -1, playing = false } = own();
      const whole = lengthInWords(items.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0));
      write(title, items.length ? [`${items.length} in the queue`, whole].filter(Boolean).join(" · ") : "Queue");
      acts.hidden = !items.length;
      empty.hidden = items.length > 0;
      toggle.replaceChildren(icon(playing ? ICONS.pause : ICONS.play), playing ? "Pause" : "Play");
      next.disabled = at + 1 >= items.length;
      list.fill(items, [at, playing]);
    },
  };
}

/** @param {Page} view what the parts of the page share */
export function problemList(view) {
  const { model } = view;
  const title = h("h3");
  const list = h("ul.ev-atlas-rows.ev-atlas-problems", { "aria-label": "Files that cannot be used" });
  const empty = emptyText("All files could be used.");
  const more = h("p.ev-atlas-message.ev-faint");
  const el = h("div.ev-atlas-pane", {}, h("div.ev-atlas-pane-head", {}, title), empty, list, more);
  return {
    el,
    traits: "problems counts",
    update() {
      /** @type {{name: string, problem: string}[]} */
      const items = model.get("problems") ?? [];
      const count = Math.max(items.length, model.get("counts")?.problems ?? 0);
      write(title, count ? `${counted(count, "file")} cannot be used` : "Problems");
      empty.hidden = count > 0;
      list.replaceChildren(
        ...items.map(({ name, problem }) =>
          h(
            "li",
            {},
            nameOf(name, "div.ev-panel-name.ev-atlas-title"),
            h("div.ev-faint", { dir: "auto" }, plain(problem)),
          ),
        ),
      );
      list.hidden = !items.length;
      more.hidden = count <= items.length;
      write(more, more.hidden ? "" : `… and ${counted(count - items.length, "more file")}.`);
    },
  };
}
