/** Which curves are shown, and the legend that says which line is which, and what it is now. */

import { minus, numberOn, roundStep } from "../base/canvas.js";
import { stroke } from "../base/colormaps.js";
import { h, icon, PIN, shape, write } from "../base/dom.js";
import { clamp, frameAt, frameTime } from "../base/time.js";
import { focusOf, uid } from "../base/ui.js";

const STROKES = 7; // pairs of colour and dashes, before colours meet other dashes
const CHOICES = [3, 5, 8, 0];
const FOUND = 8; // names that the search lists

/** @import { View } from "../base/time.js" */
/** @import { Frames } from "./curves.js" */
/** @typedef {{low: number, high: number, ticks: number[], decimals: number}} Axis */
/** @typedef {{row: number, name: string, color: string, dash: number[], pinned: boolean}} Entry a row of the table */

/**
 * The frames centred in a stretch of time, at least one: [from, to).
 * @param {import("../base/time.js").Grid} grid @param {View} stretch @returns {[number, number]}
 */
export function framesIn(grid, [from, to]) {
  let first = frameAt(grid, from);
  let last = frameAt(grid, to);
  if (frameTime(grid, first) < from) first += 1;
  if (frameTime(grid, last) >= to) last -= 1;
  if (last >= first) return [first, last + 1];
  const middle = frameAt(grid, (from + to) / 2);
  return [middle, middle + 1];
}

/**
 * Mean and highest value of every dimension over frames [from, to); NaN where there is nothing.
 * @param {Frames} frames @param {number} from @param {number} to @returns {{means: Float64Array, peaks: Float64Array}}
 */
export function summary(frames, from, to) {
  const { cells, d, t, ranges } = frames;
  const [means, peaks] = [new Float64Array(d).fill(NaN), new Float64Array(d).fill(NaN)];
  for (let row = 0; row < d; row += 1) {
    let [sum, count, peak] = [0, 0, 0];
    for (let i = row * t + from; i < row * t + to; i += 1) {
      const code = cells[i];
      if (!code) continue;
      sum += code - 1;
      count += 1;
      if (code > peak) peak = code;
    }
    if (!count) continue;
    const low = ranges[2 * row];
    const step = (ranges[2 * row + 1] - low) / 254;
    means[row] = low + (sum / count) * step;
    peaks[row] = low + (peak - 1) * step;
  }
  return { means, peaks };
}

/**
 * The dimensions to show, the strongest first: the pinned ones, and the `top` strongest (all, if 0) of those that
 * reach the threshold (0: of all).
 * @param {{means: Float64Array, peaks: Float64Array}} sums
 * @param {{top: number, threshold: number, pins: number[]}} wanted @returns {number[]}
 */
export function chosen({ means, peaks }, { top, threshold, pins }) {
  const ranked = [...means.keys()].filter((row) => !Number.isNaN(means[row])).sort((a, b) => means[b] - means[a]);
  const reaching = threshold > 0 ? ranked.filter((row) => peaks[row] >= threshold) : ranked;
  const shown = new Set([...(top > 0 ? reaching.slice(0, top) : reaching), ...pins]);
  const last = [...pins].filter((row) => row < means.length && Number.isNaN(means[row]));
  return [...ranked.filter((row) => shown.has(row)), ...new Set(last)];
}

/**
 * Strokes for dimensions: who was shown before keeps its own, the others take the first free ones.
 * @param {number[]} rows @param {Map<number, number>} before @returns {Map<number, number>}
 */
export function strokesFor(rows, before) {
  const wanted = new Set(rows);
  const kept = new Map([...before].filter(([row]) => wanted.has(row)));
  const taken = new Set(kept.values());
  let free = 0;
  for (const row of rows) {
    if (kept.has(row)) continue;
    while (taken.has(free)) free += 1;
    taken.add(free);
    kept.set(row, free);
  }
  return kept;
}

/** Colour and dashes of a curve; colours come again with other dashes. @param {number} slot @param {boolean} dark */
export function strokeOf(slot, dark) {
  return { color: stroke(slot, dark).color, dash: stroke(slot + Math.floor(slot / STROKES), dark).dash };
}

/**
 * The labels that hold what is searched for: at their beginning, at that of a word, elsewhere.
 * @param {string[]} labels @param {string} text @returns {number[]}
 */
export function matching(labels, text) {
  const wanted = text.trim().toLocaleLowerCase();
  if (!wanted) return [];
  const rank = (/** @type {string} */ label) => {
    if (label.startsWith(wanted)) return 0;
    if (label.includes(` ${wanted}`)) return 1;
    return label.includes(wanted) ? 2 : 3;
  };
  const ranks = labels.map((label) => rank(label.toLocaleLowerCase()));
  return [...ranks.keys()].filter((i) => ranks[i] < 3).sort((a, b) => ranks[a] - ranks[b] || a - b);
}

/** A table of curves: line, name, meter, what each is now and on the mean, and a pin. */
export class Legend {
  #body = h("tbody");
  #now = h("span", {}, "now");
  #mean = h("span", {}, "mean");
  /** @type {Map<number, {tr: HTMLElement, bar: HTMLElement, now: HTMLElement, mean: HTMLElement, pin: HTMLElement}>} */
  #lines = new Map();
  /** @type {Axis} */
  #axis = { low: 0, high: 1, ticks: [], decimals: 0 };
  #made = "";

  /** @param {{onPin: (row: number, pinned: boolean) => void, onPoint: (row: number | null) => void}} options */
  constructor(options) {
    this.options = options;
    const heading = (/** @type {Node} */ child) => h("th", { scope: "col" }, child);
    const unseen = (/** @type {string} */ text) => heading(h("span.ev-hidden", {}, text));
    const names = ["line", "name", "meter"].map(unseen);
    const head = h("tr", {}, ...names, heading(this.#now), heading(this.#mean), unseen("pin"));
    this.el = h("div.ev-curves-scroll", {}, h("table.ev-curves-table", {}, h("thead", {}, head), this.#body));
  }

  /**
   * Show these curves, unless they are shown already: zooming asks many times a second, and the rows mostly stay.
   * @param {Entry[]} entries @param {Axis} axis
   * @param {boolean} pinnable @returns {boolean} whether the rows are new
   */
  show(entries, axis, pinnable) {
    const made = JSON.stringify([entries, axis, pinnable]);
    if (made === this.#made) return false;
    const focused = focusOf(this.el);
    const had = focused && this.el.contains(focused) ? focused.dataset.row : undefined;
    this.#made = made;
    this.#axis = axis;
    this.#lines = new Map(entries.map((entry) => [entry.row, this.#line(entry, pinnable)]));
    this.#body.replaceChildren(...[...this.#lines.values()].map(({ tr }) => tr));
    if (had !== undefined) this.#lines.get(Number(had))?.pin.focus();
    return true;
  }

  /** @param {Entry} entry @param {boolean} pinnable */
  #line({ row, name, color, dash, pinned }, pinnable) {
    const { onPin, onPoint } = this.options;
    const mark = `linear-gradient(${color}, ${color}) 0 0 / 4px 100% no-repeat`;
    const bar = h("i", { style: { background: this.#axis.low === 0 ? color : mark } });
    const [now, mean] = [h("td"), h("td")];
    const pin = h(
      "button.ev-plain",
      {
        type: "button",
        title: pinned ? "Pinned: always shown" : "Pin: keep it shown",
        "aria-label": `Keep ${name} shown`,
        "aria-pressed": pinned,
        "data-row": row,
        onclick: () => onPin(row, !pinned),
      },
      icon(PIN),
    );
    const tr = h(
      "tr",
      { onpointerenter: () => onPoint(row), onpointerleave: () => onPoint(null) },
      h("td", {}, sample(color, dash)),
      h("th", { scope: "row", dir: "auto", title: name }, name),
      h("td", {}, h("span.ev-curves-meter", { "aria-hidden": "true" }, bar)),
      now,
      mean,
      h("td", {}, pinnable ? pin : null),
    );
    return { tr, bar, now, mean, pin };
  }

  /** @param {string} heading @param {ArrayLike<number>} means of all dimensions */
  means(heading, means) {
    write(this.#mean, heading);
    for (const [row, { mean }] of this.#lines) write(mean, numberOn(this.#axis, means[row]));
  }

  /** @param {string} heading */
  at(heading) {
    write(this.#now, heading);
  }

  /** @param {number} row @param {number} value */
  meter(row, value) {
    const line = this.#lines.get(row);
    if (!line) return;
    const { bar, now } = line;
    const { low, high } = this.#axis;
    const share = Number.isNaN(value) ? 0 : clamp((value - low) / (high - low), 0, 1);
    // A bar counts from zero; where the axis does not, a mark says where the value stands on it.
    bar.hidden = Number.isNaN(value);
    bar.style.transform = low === 0 ? `scaleX(${share})` : `translateX(calc(${share} * (100% - 4px)))`;
    write(now, numberOn(this.#axis, value));
  }

  /** @param {number | null} row */
  highlight(row) {
    for (const [other, { tr }] of this.#lines) tr.classList.toggle("ev-curves-near", other === row);
  }
}

/** A piece of a line, as it is drawn in the plot. @param {string} color @param {number[]} dash */
export function sample(color, dash) {
  const place = { x1: 0, x2: 22, y1: 4, y2: 4, stroke: color, "stroke-width": 2, "stroke-dasharray": dash.join(" ") };
  const look = { width: 22, height: 8, "aria-hidden": "true", class: "ev-curves-stroke" };
  return shape("svg", look, shape("line", place));
}

/** How many curves, what they must reach, and the search for more. */
export class Tools {
  /**
   * @param {{set: (trait: string, value: number) => void, find: (text: string) => Found[], take: (row: number) => void,
   *   signal: AbortSignal}} options
   * @typedef {{row: number, name: string, mean: string}} Found
   */
  constructor({ set, find, take, signal }) {
    this.top = h("select", { "aria-label": "How many curves" });
    this.threshold = h("input", { type: "range", "aria-label": "Show what reaches" });
    this.reached = h("output");
    this.top.addEventListener("change", () => set("top", Number(this.top.value)), { signal });
    this.threshold.addEventListener("input", () => set("threshold", Number(this.threshold.value)), { signal });
    this.el = h(
      "div.ev-curves-tools",
      {},
      h("label", {}, "show", this.top),
      h("label", {}, "that reach", this.threshold, this.reached),
      finder({ find, take, signal }),
    );
  }

  /** @param {{top: number, threshold: number, highest: number}} state */
  update({ top, threshold, highest }) {
    const choices = [...new Set([...CHOICES, top])].sort((a, b) => (a || Infinity) - (b || Infinity));
    if (this.top.options.length !== choices.length || Number(this.top.value) !== top) {
      this.top.replaceChildren(...choices.map((k) => h("option", { value: k }, k ? `top ${k}` : "all")));
      this.top.value = String(top);
    }
    const ceiling = Number.isFinite(highest) && highest > 0 ? highest : 1;
    const step = roundStep(ceiling, 100);
    Object.assign(this.threshold, { min: 0, step, max: Math.ceil(ceiling / step) * step });
    this.threshold.value = String(threshold);
    const text = threshold > 0 ? minus(Number(threshold.toPrecision(2))) : "any";
    this.reached.textContent = text;
    this.threshold.setAttribute("aria-valuetext", text);
  }
}

/**
 * A search box that lists what matches, the way screen readers know it.
 * @param {{find: (text: string) => Found[], take: (row: number) => void, signal: AbortSignal}} options
 */
function finder({ find, take, signal }) {
  const found = h("ul.ev-curves-matches", {
    id: uid("curves"),
    role: "listbox",
    hidden: true,
    "aria-label": "What matches",
  });
  const input = h("input", {
    type: "search",
    role: "combobox",
    placeholder: "Add a curve …",
    autocomplete: "off",
    spellcheck: false,
    "aria-label": "Search for a curve to add",
    "aria-controls": found.id,
    "aria-expanded": "false",
    "aria-autocomplete": "list",
  });
  /** @type {Found[]} */
  let hits = [];
  let active = 0;
  const options = { signal };
  const show = () => {
    hits = find(input.value);
    active = clamp(active, 0, Math.max(0, Math.min(hits.length, FOUND) - 1));
    const open = Boolean(input.value.trim());
    found.replaceChildren(...listed(hits, active, found.id));
    found.hidden = !open;
    input.setAttribute("aria-expanded", String(open));
    if (open && hits.length) input.setAttribute("aria-activedescendant", `${found.id}-${active}`);
    else input.removeAttribute("aria-activedescendant");
  };
  const moveTo = (/** @type {number} */ place) => {
    active = place;
    show();
  };
  const close = () => {
    input.value = "";
    moveTo(0);
  };
  const pick = (/** @type {number} */ row) => {
    take(row);
    close();
  };
  input.addEventListener("input", () => moveTo(0), options);
  input.addEventListener("blur", close, options);
  found.addEventListener(
    "pointerdown",
    (event) => {
      event.preventDefault(); // The box keeps the focus.
      const option = /** @type {Element} */ (event.target).closest("[role=option]");
      const row = option instanceof HTMLElement ? option.dataset.row : undefined;
      if (row !== undefined) pick(Number(row));
    },
    options,
  );
  input.addEventListener(
    "keydown",
    (event) => {
      event.stopPropagation();
      const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
      if (event.key === "Escape") close();
      else if (event.key === "Enter" && hits.length) pick(hits[active].row);
      else if (step) moveTo(active + step);
      else return;
      event.preventDefault();
    },
    options,
  );
  return h("span.ev-curves-search", {}, input, found);
}

/** @param {Found[]} hits @param {number} active @param {string} id */
function listed(hits, active, id) {
  const rows = hits.slice(0, FOUND).map(({ row, name, mean }, i) => {
    const props = { role: "option", id: `${id}-${i}`, "aria-selected": i === active };
    return h("li", { ...props, "data-row": row }, h("span", { dir: "auto" }, name), h("span.ev-faint", {}, mean));
  });
  const rest = hits.length - rows.length;
  if (rest > 0 || !rows.length) rows.push(h("li.ev-curves-none", {}, rest > 0 ? `${rest} more` : "none of that name"));
  return rows;
}
