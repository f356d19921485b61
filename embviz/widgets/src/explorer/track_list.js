// @ts-nocheck
/** The list of tracks: search, order, and only as many rows in the page as can be seen. */
import { h, icon, onChange, perFrame, write } from "../base/dom.js";
import { formatTime } from "../base/time.js";
import { ICONS, nameOf, plain, quoted, uid } from "../base/ui.js";

/** Height of a track in the list, in pixels. */
export const ROW = 46;
const OVERSCAN = 6;

const fold = (text) =>
  String(text ?? "")
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase();
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

const ORDERS = {
  name: ["Name", (a, b) => collator.compare(a.name, b.name)],
  title: ["Title", (a, b) => collator.compare(a.title || a.name, b.title || b.name)],
  style: ["Style", (a, b) => emptyLast(a.style, b.style) || collator.compare(a.style, b.style)],
  bpm: ["BPM", (a, b) => numbers(a.bpm, b.bpm)],
  seconds: ["Length", (a, b) => numbers(a.seconds, b.seconds)],
};

const emptyLast = (a, b) => Number(!a) - Number(!b);
const numbers = (a, b) => Number(a == null) - Number(b == null) || (a ?? 0) - (b ?? 0);

/**
 * The tracks that have all words of a query in name, title or style, in an order; what is not known comes last.
 * @param {object[]} tracks @param {string} query @param {string} order one of ORDERS
 */
export function chosenTracks(tracks, query, order) {
  const words = fold(query).split(/\s+/).filter(Boolean);
  const found = words.length
    ? tracks.filter((track) => {
        const text = fold(`${track.name}\n${track.title}\n${track.style}`);
        return words.every((word) => text.includes(word));
      })
    : [...tracks];
  return ORDERS[order] ? found.sort(ORDERS[order][1]) : found;
}

/** First and last (exclusive) row to have in the page. @returns {[number, number]} */
export function visibleRows(scrollTop, height, count, row = ROW, overscan = OVERSCAN) {
  const first = Math.max(0, Math.floor(scrollTop / row) - overscan);
  return [Math.min(first, count), Math.min(count, Math.ceil((scrollTop + height) / row) + overscan)];
}

/** The row that a key leads to, or -1 where it leads nowhere. */
export function stepped(key, active, count, page) {
  const target = {
    ArrowDown: active + 1,
    ArrowUp: active - 1,
    PageDown: active + page,
    PageUp: active - page,
    Home: 0,
    End: count - 1,
  }[key];
  return target === undefined || !count ? -1 : Math.min(Math.max(target, 0), count - 1);
}

/** @returns {string} such as ``128 BPM``; empty where it is not known */
export const tempoOf = (track) => (track.bpm == null ? "" : `${Number(track.bpm.toFixed(1))} BPM`);

/** @returns {string} such as ``2:02``; empty where it is not known */
export const lengthOf = (track) => (track.seconds == null ? "" : formatTime(Math.floor(track.seconds)));

/** @returns {string} such as ``rock · 128 BPM · 2:02`` */
export function factsOf(track) {
  return [quoted(track.style), tempoOf(track), lengthOf(track)].filter(Boolean).join(" · ");
}

/** The systems whose models are in the cache, each once. @returns {{letter: string, titles: string[]}[]} */
export function marksOf(names, models) {
  const marks = new Map();
  for (const name of names ?? []) {
    const model = models.get(name);
    const system = model?.system || name;
    const letter = { vggish: "G" }[system] ?? system.slice(0, 1).toUpperCase();
    if (!marks.has(system)) marks.set(system, { letter, titles: [] });
    marks.get(system).titles.push(quoted(model?.title || name));
  }
  return [...marks.values()];
}

/** @param {object} panel what the parts of the panel share */
export function trackList(panel) {
  const { model, signal, link } = panel;
  const id = uid("tracks");
  const search = h("input", {
    type: "search",
    placeholder: "Search",
    "aria-label": "Search tracks by name, title or style",
  });
  const order = h("select", { "aria-label": "Sort tracks by", title: "Sort by" });
  for (const [value, [label]] of Object.entries(ORDERS)) order.append(h("option", { value }, label));
  const count = h("span.ev-faint", { role: "status" });
  const folder = h("div.ev-panel-folder.ev-faint", { dir: "ltr" });
  const hide = h("button.ev-plain", {
    type: "button",
    "aria-label": "Hide the list of tracks",
    title: "Hide the list",
  });
  hide.append(icon("M10.3 3.2 5.5 8l4.8 4.8-1 1L3.5 8l5.8-5.8z"));
  const space = h("div.ev-panel-space", { role: "presentation" });
  const box = h("div.ev-panel-tracks", { role: "listbox", tabIndex: 0, "aria-label": "Tracks", id }, space);
  const empty = h("div.ev-panel-empty", { hidden: true });
  const add = h("button", { type: "button" }, icon(ICONS.plus), "Add a sound…");
  const el = h(
    "aside.ev-panel-list",
    { "aria-label": "Track list" },
    h("div.ev-panel-list-head", {}, h("h3", {}, "Tracks"), count, hide),
    folder,
    h("div.ev-panel-find", {}, search, order),
    box,
    empty,
    h("div.ev-panel-list-foot", {}, add),
  );

  let tracks = [];
  let active = 0;
  let models = new Map();
  const shown = new Map();
  const draw = perFrame(drawNow, signal);

  function refilter(keep) {
    const all = model.get("tracks") ?? [];
    const before = tracks[active]?.id;
    tracks = chosenTracks(all, search.value, order.value);
    const wanted = keep && before != null ? before : model.get("track");
    active = Math.max(
      0,
      tracks.findIndex((track) => track.id === wanted),
    );
    write(count, search.value ? `${tracks.length} of ${all.length}` : String(all.length));
    write(
      empty,
      all.length
        ? "No track matches. Search in names, titles and styles."
        : "No sounds in this folder yet. Add one below, or drop it here.",
    );
    empty.hidden = tracks.length > 0;
    box.hidden = tracks.length === 0;
    space.style.height = `${tracks.length * ROW}px`;
    redraw();
  }

  function redraw() {
    for (const node of shown.values()) node.remove();
    shown.clear();
    drawNow();
  }

  function drawNow() {
    const [first, last] = visibleRows(box.scrollTop, box.clientHeight || 400, tracks.length);
    for (const [index, node] of shown) {
      if (index >= first && index < last) continue;
      node.remove();
      shown.delete(index);
    }
    for (let index = first; index < last; index += 1) {
      if (shown.has(index)) continue;
      const node = rowOf(tracks[index], index);
      // In the order of the list, which is the order in which readers go through them.
      const next = [...space.children].find((other) => Number(other.dataset.index) > index);
      space.insertBefore(node, next ?? null);
      shown.set(index, node);
    }
    mark();
  }

  function rowOf(track, index) {
    const facts = factsOf(track) || quoted(track.note);
    const wrong = track.problem || track.warning;
    const label = nameOf(track.title || track.name, "div.ev-panel-name.ev-panel-track-title");
    const note = h(
      "div.ev-panel-track-note",
      {},
      h("span.ev-panel-track-facts", { dir: "auto" }, wrong ? plain(wrong) : facts),
    );
    const marks = marksOf(model.get("cached")?.[String(track.id)], models);
    if (marks.length && !track.problem) note.append(marksEl(marks));
    const node = h(
      "div.ev-panel-track",
      {
        role: "option",
        id: `${id}-${track.id}`,
        title: quoted(wrong ? `${track.name}: ${wrong}` : [track.name, track.note].filter(Boolean).join("\n")),
        "aria-setsize": tracks.length,
        "aria-posinset": index + 1,
      },
      label,
      note,
    );
    node.style.transform = `translateY(${index * ROW}px)`;
    node.dataset.index = String(index);
    node.dataset.track = String(track.id);
    if (wrong) node.classList.add(track.problem ? "ev-panel-problem" : "ev-panel-warning");
    return node;
  }

  function marksEl(marks) {
    const text = `Computed: ${marks.flatMap((entry) => entry.titles).join(", ")}`;
    const el = h("span.ev-panel-marks", { title: text }, h("span.ev-hidden", {}, text));
    for (const { letter } of marks) el.append(h("span.ev-panel-mark", { "aria-hidden": "true" }, letter));
    return el;
  }

  function mark() {
    const open = model.get("track");
    for (const [index, node] of shown) {
      const own = tracks[index].id === open;
      node.classList.toggle("ev-panel-open", own);
      node.classList.toggle("ev-panel-active", index === active);
      node.setAttribute("aria-selected", String(own));
    }
    const node = shown.get(active);
    if (node) box.setAttribute("aria-activedescendant", node.id);
    else box.removeAttribute("aria-activedescendant");
  }

  function go(index) {
    active = index;
    const top = index * ROW;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top + ROW > box.scrollTop + box.clientHeight) box.scrollTop = top + ROW - box.clientHeight;
    drawNow();
  }

  function open(index) {
    const track = tracks[index];
    if (!track) return;
    active = index;
    mark();
    link.send("open_track", { track: track.id });
    panel.trackChosen?.();
  }

  search.addEventListener("input", () => {
    refilter(false);
    if (search.value) active = 0;
    box.scrollTop = 0;
    drawNow();
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" && tracks.length) {
      box.focus();
      go(active);
    } else if (event.key === "Enter") open(active);
    else if (event.key === "Escape") {
      if (search.value) {
        search.value = "";
        refilter(false);
      } else box.focus();
    } else return;
    event.preventDefault();
  });
  order.addEventListener("change", () => {
    refilter(true);
    go(active);
  });
  box.addEventListener("scroll", draw, { passive: true });
  box.addEventListener("keydown", (event) => {
    const index = stepped(event.key, active, tracks.length, Math.max(1, Math.floor(box.clientHeight / ROW) - 1));
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (index >= 0) go(index);
    else if (event.key === "Enter") open(active);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  box.addEventListener("click", (event) => {
    const node = event.target.closest("[data-index]");
    if (node) open(Number(node.dataset.index));
  });
  hide.addEventListener("click", () => panel.showList(false));
  add.addEventListener("click", () => panel.browse());
  const observer = new ResizeObserver(draw);
  observer.observe(box);
  signal.addEventListener("abort", () => observer.disconnect(), { once: true });

  const newModels = () => (models = new Map((model.get("models") ?? []).map((entry) => [entry.name, entry])));
  onChange(model, "models", () => (newModels(), redraw()), signal);
  onChange(model, "cached", redraw, signal);
  onChange(model, "tracks", () => refilter(true), signal);
  onChange(
    model,
    "track",
    () => {
      const index = tracks.findIndex((track) => track.id === model.get("track"));
      if (index >= 0) go(index);
      mark();
    },
    signal,
  );
  const newFolder = () => {
    write(folder, quoted(model.get("folder")));
    folder.title = quoted(model.get("folder"));
    folder.hidden = !model.get("folder");
  };
  onChange(model, "folder", newFolder, signal);
  newModels();
  newFolder();
  refilter(false);

  return {
    el,
    /** What is seen only now may have had no height before. */
    shown: () => go(active),
    focus: () => (tracks.length ? box : search).focus({ preventScroll: true }),
    focusSearch() {
      search.focus();
      search.select();
    },
  };
}
