/** The legend of a map: what its colours and sizes mean, how many points each has, and which of them are shown. */
import { h, write } from "../base/dom.js";
import { plain } from "../base/ui.js";
import { fitting, MISSING, shadeValue } from "./points.js";

/** @typedef {import("./points.js").MapData} MapData */

const LONG = 12; // letters of a name that needs a line of its own
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** A letter that tells a category where its colour does not. @param {number} shade @param {{other: number}} color */
function markOf(shade, { other }) {
  if (shade === MISSING) return "?";
  return shade === other ? "+" : (LETTERS[shade] ?? "·");
}

/**
 * Which categories are hidden after a press: of one switched, or of all but one.
 * @param {number[]} hidden @param {number} shade @param {number[]} all @param {boolean} alone
 */
export function hiddenAfter(hidden, shade, all, alone) {
  const others = all.filter((each) => each !== shade);
  // Who isolates what is alone already wants the rest back.
  if (alone) return others.every((each) => hidden.includes(each)) && !hidden.includes(shade) ? [] : others;
  return hidden.includes(shade) ? hidden.filter((each) => each !== shade) : [...hidden, shade].sort((a, b) => a - b);
}

/**
 * @param {{data: () => MapData, hide: (hidden: number[]) => void,
 *   window: (window: number[]) => void, light: (shade: number | null) => void, names: () => void, counts?: boolean}} does
 *   `counts` is false where the surroundings say how many points are shown
 */
export function mapLegend(does) {
  const title = h("span.ev-scatter-legend-title", { dir: "auto" });
  const names = h("button.ev-scatter-small", { type: "button", "aria-pressed": "false", onclick: does.names }, "names");
  names.title = "Names of the colours on the map (N)";
  const all = h("button.ev-scatter-small", { type: "button", onclick: () => does.hide([]) }, "all");
  const none = h("button.ev-scatter-small", { type: "button", onclick: () => does.hide(shades()) }, "none");
  const head = h("div.ev-scatter-legend-head", {}, title, h("span.ev-scatter-legend-tools", {}, names, all, none));
  const list = h("div.ev-scatter-categories", { role: "group" });
  const bar = colorBar(does);
  const size = h("div.ev-scatter-sizes", { hidden: true });
  const shown = h("div.ev-scatter-visible", { role: "status" });
  const el = h("div.ev-scatter-legend", {}, head, list, bar.el, size, shown);
  let key = "";
  // Before there is a map, there is nothing to tell.
  for (const part of [head, list, bar.el]) part.hidden = true;

  /** The categories that there are, the unknown one last. */
  function shades() {
    const { color, counts } = does.data();
    const own = color.labels.map((_, shade) => shade);
    return counts[MISSING] ? [...own, MISSING] : own;
  }

  /** @param {MouseEvent} event @param {number} shade */
  function press(event, shade) {
    /** @type {number[]} */
    const hidden = does.data().model.get("hidden_categories") ?? [];
    does.hide(hiddenAfter(hidden, shade, shades(), event.altKey || event.shiftKey));
  }

  /** @param {number} shade @param {string[]} colors */
  function category(shade, colors) {
    const { color, counts } = does.data();
    const known = shade !== MISSING;
    const swatch = h("i.ev-scatter-swatch", { "aria-hidden": "true" }, markOf(shade, color));
    swatch.style.setProperty("--ev-scatter-color", colors[known ? shade : colors.length - 1]);
    const name = h(
      "span.ev-scatter-category-name",
      { dir: "auto" },
      known ? plain(color.labels[shade]) : (color.unknown ?? "unknown"),
    );
    const count = h("span.ev-scatter-category-count", {}, counts[shade].toLocaleString("en"));
    const button = h("button.ev-scatter-category", { type: "button" }, swatch, name, count);
    button.title = `${name.textContent}. Click: show or hide; alt or shift + click: only this one`;
    button.dataset.shade = String(shade);
    button.addEventListener("click", (event) => press(event, shade));
    button.addEventListener("pointerenter", () => does.light(shade));
    button.addEventListener("pointerleave", () => does.light(null));
    button.addEventListener("focus", () => button.matches(":focus-visible") && does.light(shade));
    button.addEventListener("blur", () => does.light(null));
    return button;
  }

  /** @param {{colors: string[], strong: boolean}} look */
  function update({ colors, strong }) {
    const data = does.data();
    const { color } = data;
    const kind = data.shades ? color.kind : "none";
    write(title, kind === "none" ? "" : plain(color.title) + (color.unit ? ` (${plain(color.unit)})` : ""));
    head.hidden = kind === "none";
    names.hidden = all.hidden = none.hidden = list.hidden = kind !== "category";
    names.setAttribute("aria-pressed", String(strong));
    list.setAttribute("aria-label", `Categories of ${plain(color.title) || "the colours"}`);
    const next = JSON.stringify([kind, color.labels, colors, [...data.counts]]);
    if (next !== key && kind === "category") {
      const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.shade;
      const inside = list.contains(document.activeElement);
      list.replaceChildren(...shades().map((shade) => category(shade, colors)));
      list.classList.toggle(
        "ev-scatter-long",
        color.labels.some((label) => plain(label).length > LONG),
      );
      const again = `[data-shade="${Number(focused)}"]`;
      if (inside) /** @type {HTMLElement | null} */ (list.querySelector(again))?.focus();
    }
    key = next;
    for (const child of list.children) {
      const button = /** @type {HTMLElement} */ (child);
      button.setAttribute("aria-pressed", String(data.shownShades[Number(button.dataset.shade)] === 1));
    }
    bar.update(kind === "number", colors);
    showSizes(data);
    const part = does.counts !== false && data.shownCount < data.n;
    write(shown, part ? `${data.shownCount.toLocaleString("en")} of ${data.n.toLocaleString("en")} points shown` : "");
  }

  /** @param {MapData} data */
  function showSizes({ sizes, size: own }) {
    size.hidden = !sizes || !own.title;
    if (size.hidden) return;
    const unit = own.unit ? ` ${plain(own.unit)}` : "";
    const end = (/** @type {number} */ value) => fitting(value, own.low, own.high);
    const dots = [5, 9, 13].map((side) => h("i", { style: { width: `${side}px`, height: `${side}px` } }));
    const text = h("span", { dir: "auto" }, `${plain(own.title)}: ${end(own.low)} – ${end(own.high)}${unit}`);
    size.replaceChildren(h("span.ev-scatter-dots", { "aria-hidden": "true" }, ...dots), text);
  }

  return { el, update };
}

/**
 * The colours of numbers as a bar, with a window of what is shown; both of its ends, and the whole, can be moved.
 * @param {{data: () => MapData, window: (window: number[]) => void}} does
 */
function colorBar({ data, window: setWindow }) {
  const range = (/** @type {string} */ label) =>
    h("input", { type: "range", min: 0, max: 254, step: 1, "aria-label": label });
  const [low, high] = [range("Lowest value shown"), range("Highest value shown")];
  const strip = h("div.ev-scatter-strip");
  const hold = h("div.ev-scatter-hold", { title: "Drag the window" });
  const [lowEnd, highEnd] = [h("span"), h("span")];
  const said = h("span.ev-scatter-window");
  const reset = h("button.ev-scatter-small", { type: "button", onclick: () => setWindow([]) }, "all");
  const unknown = h("span.ev-scatter-unknown", { hidden: true });
  const ends = h("div.ev-scatter-ends", {}, lowEnd, said, highEnd);
  const el = h("div.ev-scatter-bar", {}, h("div.ev-scatter-slider", {}, strip, hold, low, high), ends, reset, unknown);

  /** @param {number} from @param {number} to */
  function moved(from, to) {
    const { color } = data();
    const whole = from <= 0 && to >= 254;
    setWindow(whole ? [] : [shadeValue(from, color), shadeValue(to, color)]);
  }

  low.addEventListener("input", () => moved(Math.min(low.valueAsNumber, high.valueAsNumber), high.valueAsNumber));
  high.addEventListener("input", () => moved(low.valueAsNumber, Math.max(low.valueAsNumber, high.valueAsNumber)));

  /** @type {{x: number, from: number, to: number} | null} */
  let grip = null;
  hold.addEventListener("pointerdown", (event) => {
    hold.setPointerCapture(event.pointerId);
    grip = { x: event.clientX, from: low.valueAsNumber, to: high.valueAsNumber };
  });
  hold.addEventListener("pointermove", (event) => {
    if (!grip) return;
    const by = Math.round(((event.clientX - grip.x) / (strip.offsetWidth || 1)) * 254);
    const kept = Math.min(Math.max(by, -grip.from), 254 - grip.to);
    moved(grip.from + kept, grip.to + kept);
  });
  const release = () => {
    grip = null;
  };
  hold.addEventListener("pointerup", release);
  hold.addEventListener("pointercancel", release);

  /** @param {boolean} visible @param {string[]} colors */
  function update(visible, colors) {
    el.hidden = !visible;
    if (!visible) return;
    const { color, counts, model } = data();
    /** @type {number[]} */
    const own = model.get("value_range") ?? [];
    const spread = color.high - color.low;
    /** @param {number} value @param {number} none */
    const shadeOf = (value, none) => (spread > 0 ? Math.round(((value - color.low) / spread) * 254) : none);
    const [from, to] = own.length === 2 ? [shadeOf(own[0], 0), shadeOf(own[1], 254)] : [0, 254];
    low.value = String(from);
    high.value = String(to);
    // Both ends in one place: the one that can still be moved lies on top.
    low.style.zIndex = from > 127 ? "2" : "1";
    high.style.zIndex = from > 127 ? "1" : "2";
    const stops = Array.from({ length: 13 }, (_, i) => colors[Math.round((i / 12) * (colors.length - 2))]);
    strip.style.background = `linear-gradient(to right, ${stops.join(", ")})`;
    Object.assign(hold.style, { left: `${(from / 254) * 100}%`, width: `${((to - from) / 254) * 100}%` });
    const [clippedLow, clippedHigh] = color.clipped ?? [];
    const text = (/** @type {number} */ value) => fitting(value, color.low, color.high);
    write(lowEnd, `${clippedLow ? "≤ " : ""}${text(color.low)}`);
    write(highEnd, `${clippedHigh ? "≥ " : ""}${text(color.high)}`);
    const unit = color.unit ? ` ${plain(color.unit)}` : "";
    low.setAttribute("aria-valuetext", text(shadeValue(from, color)) + unit);
    high.setAttribute("aria-valuetext", text(shadeValue(to, color)) + unit);
    write(said, own.length === 2 ? `${text(own[0])} – ${text(own[1])}` : "");
    reset.hidden = own.length !== 2;
    unknown.hidden = !counts[MISSING];
    unknown.style.setProperty("--ev-scatter-color", colors[colors.length - 1]);
    write(unknown, `unknown: ${counts[MISSING].toLocaleString("en")}`);
  }

  return { el, update };
}
