/** Small helpers for building the page; text is always set as text, never as markup. */

/** @import { Child, ElementOf, Message, Model, Props } from "../types.js" */

/**
 * An element with its properties, attributes (names with a dash, `role`, `for`), listeners (`onclick` …) and children.
 * @template {string} Tag
 * @param {Tag} tag such as "button" or "div.ev-row"
 * @param {Props} [props]
 * @param {...Child} children
 * @returns {ElementOf<Tag>}
 */
export function h(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const el = document.createElement(name);
  if (classes.length) el.className = classes.join(" ");
  for (const [key, value] of Object.entries(props)) {
    if (value == null) continue;
    if (key.startsWith("on")) el.addEventListener(key.slice(2), /** @type {EventListener} */ (value));
    else if (key === "style") Object.assign(el.style, value);
    else if (key.includes("-") || key === "role" || key === "for") el.setAttribute(key, String(value));
    else Object.assign(el, { [key]: value });
  }
  el.append(...children.filter((child) => child != null));
  return /** @type {ElementOf<Tag>} */ (el);
}

/**
 * An element of a drawing (SVG) with its attributes and children.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number>} attributes
 * @param {...(Node | string)} children
 */
export function shape(tag, attributes, ...children) {
  const el = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) el.setAttribute(key, String(value));
  el.append(...children);
  return el;
}

/** An icon of 16 × 16 drawn with one path, which says nothing to a screen reader. @param {string} path */
export function icon(path) {
  const look = { viewBox: "0 0 16 16", width: 14, height: 14, "aria-hidden": "true" };
  return shape("svg", look, shape("path", { d: path, fill: "currentColor" }));
}

/** The icon of what is pinned. */
export const PIN = "M5 1h6v1.4l-1 .8v3.3l2.2 2v1.3H8.7V14L8 15.4 7.3 14V9.8H3.8V8.5l2.2-2V3.2l-1-.8z";

/**
 * Set a text only where it differs, so that selections and screen readers are left in peace.
 * @param {Node} el @param {string} text
 */
export function write(el, text) {
  if (el.textContent !== text) el.textContent = text;
}

/**
 * Call back once per animation frame, however often it is asked for; stops with the signal.
 * @param {(stamp: number) => void} draw @param {AbortSignal} [signal]
 */
export function perFrame(draw, signal) {
  let asked = 0;
  signal?.addEventListener("abort", () => cancelAnimationFrame(asked), { once: true });
  return () => {
    if (asked || signal?.aborted) return;
    asked = requestAnimationFrame((stamp) => {
      asked = 0;
      draw(stamp);
    });
  };
}

/**
 * Call at most every so many milliseconds, the last time included.
 * @param {() => void} call @param {number} milliseconds @param {AbortSignal} [signal]
 */
export function throttled(call, milliseconds, signal) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let last = -Infinity;
  signal?.addEventListener("abort", () => clearTimeout(timer), { once: true });
  return () => {
    if (timer || signal?.aborted) return;
    const wait = Math.max(0, last + milliseconds - performance.now());
    timer = setTimeout(() => {
      timer = undefined;
      last = performance.now();
      call();
    }, wait);
  };
}

/**
 * A traits change listener that ends with the signal.
 * @param {Model} model @param {string} names one or several, separated by spaces
 * @param {() => void} listener @param {AbortSignal} signal
 */
export function onChange(model, names, listener, signal) {
  for (const name of names.split(" ")) {
    model.on(`change:${name}`, listener);
    signal.addEventListener("abort", () => model.off(`change:${name}`, listener), { once: true });
  }
}

/**
 * A custom message listener that ends with the signal.
 * @param {Model} model @param {(content: Message, buffers: DataView[]) => void} listener @param {AbortSignal} signal
 */
export function onMessage(model, listener, signal) {
  model.on("msg:custom", listener);
  signal.addEventListener("abort", () => model.off("msg:custom", listener), { once: true });
}

/**
 * How large an element is, as the page was laid out last: to ask the element itself would lay the page out while one
 * draws. What is hidden for less than a frame, as JupyterLab does with all when it changes its theme, keeps its size.
 * @param {Element} el @param {() => void} resized called before the new size is seen @param {AbortSignal} signal
 * @returns {{width: number, height: number}} in whole pixels, both 0 where nothing is to be seen; kept up to date
 */
export function sizeOf(el, resized, signal) {
  const size = { width: 0, height: 0 };
  const observer = new ResizeObserver((entries) => {
    const [{ inlineSize, blockSize }] = entries[entries.length - 1].borderBoxSize;
    Object.assign(size, { width: Math.round(inlineSize), height: Math.round(blockSize) });
    resized();
  });
  observer.observe(el);
  signal.addEventListener("abort", () => observer.disconnect(), { once: true });
  return size;
}

const NEAR = "200px"; // beyond the edge of the screen, what may be scrolled to next
const CALM = 300; // milliseconds without a wish, after which what is out of sight is drawn
const BUDGET = 9; // milliseconds of a frame, after which the next drawing may wait for one more frame
const FRAME = Symbol.for("embviz.frame");
/**
 * @type {{[FRAME]?: {stamp: number, spent: number}}} what drawing has cost of this frame, for all bundles of the page
 */
const page = /** @type {object} */ (globalThis);

/**
 * Call back once per animation frame, as `perFrame`, but leave the frame some air: what is out of sight is drawn when
 * nothing has asked for a moment, and where others have used the frame up, one's turn comes in the next.
 * @param {Element} el @param {() => void} draw @param {AbortSignal} signal
 */
export function whileSeen(el, draw, signal) {
  let seen = true;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let owed;
  let late = false;
  const next = perFrame((stamp) => {
    page[FRAME] ??= { stamp: 0, spent: 0 };
    const frame = page[FRAME];
    if (frame.stamp !== stamp) Object.assign(frame, { stamp, spent: 0 });
    late = !late && frame.spent > BUDGET;
    if (late) return next();
    clearTimeout(owed);
    owed = undefined;
    const begin = performance.now();
    draw();
    frame.spent += performance.now() - begin;
  }, signal);
  const observer = new IntersectionObserver(
    (entries) => {
      seen = entries[entries.length - 1].isIntersecting;
      if (seen && owed) next();
    },
    { rootMargin: NEAR, scrollMargin: NEAR },
  );
  observer.observe(el);
  const end = () => {
    observer.disconnect();
    clearTimeout(owed);
  };
  signal.addEventListener("abort", end, { once: true });
  return () => {
    if (seen) return next();
    clearTimeout(owed);
    owed = setTimeout(next, CALM);
  };
}

const LOOKS = "paper panel line ink faint accent on-accent error font".split(" ").map((name) => `--ev-${name}`);
const SETTLING = [50, 300, 1000, 3000]; // milliseconds after a sign of change, in which styles may still come and go

/**
 * Whether what an element stands on is dark; and again, whenever that, or any colour that is drawn with, has changed.
 * @param {HTMLElement} el @param {(dark: boolean) => void} listener @param {AbortSignal} signal
 */
export function onTheme(el, listener, signal) {
  let before = "";
  const look = () => {
    const css = getComputedStyle(el);
    const now = [css.color, ...LOOKS.map((name) => css.getPropertyValue(name))].join();
    // What is not on the page has no colours yet.
    if (now === before || !css.color) return;
    before = now;
    listener(isDark(css.color));
  };
  const placed = new ResizeObserver(look);
  placed.observe(el);
  signal.addEventListener("abort", () => placed.disconnect(), { once: true });
  onStyles(look, signal);
  look();
}

/**
 * Call back, several times, when the styles of the page may change: it is marked otherwise, or gets other sheets.
 * @param {() => void} look @param {AbortSignal} signal
 */
function onStyles(look, signal) {
  /** @type {ReturnType<typeof setTimeout>[]} */
  let timers = [];
  const stop = () => {
    for (const timer of timers) clearTimeout(timer);
  };
  const begin = () => {
    stop();
    timers = SETTLING.map((wait) => setTimeout(look, wait));
  };
  const isSheet = (/** @type {unknown} */ node) =>
    node instanceof Element && (node.localName === "link" || node.localName === "style");
  const tells = (/** @type {MutationRecord} */ { type, addedNodes, removedNodes }) =>
    type === "attributes" || [...addedNodes, ...removedNodes].some(isSheet);
  const observer = new MutationObserver((records) => {
    if (records.some(tells)) begin();
  });
  const attributeFilter = ["class", "style", "data-jp-theme-light", "data-theme"];
  observer.observe(document.documentElement, { attributeFilter });
  observer.observe(document.body, { attributeFilter, childList: true });
  observer.observe(document.head, { childList: true });
  // JupyterLab marks the page before the sheets of the new theme are there.
  document.addEventListener("load", ({ target }) => isSheet(target) && look(), { capture: true, signal });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", begin, { signal });
  const end = () => {
    observer.disconnect();
    stop();
  };
  signal.addEventListener("abort", end, { once: true });
}

/** @param {string} color as computed styles write it */
function isDark(color) {
  const [red, green, blue] = color.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0];
  return 0.299 * red + 0.587 * green + 0.114 * blue > 128;
}
