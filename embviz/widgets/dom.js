/** Small helpers for building the page; text is always set as text, never as markup. */

/**
 * An element with its properties, attributes (names with a dash, `role`, `for`), listeners (`onclick` …) and children.
 * @param {string} tag such as "button" or "div.ev-row"
 * @param {Record<string, unknown>} [props]
 * @param {...(Node | string | null | undefined)} children
 */
export function h(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const el = document.createElement(name);
  if (classes.length) el.className = classes.join(" ");
  for (const [key, value] of Object.entries(props)) {
    if (value == null) continue;
    if (key.startsWith("on")) el.addEventListener(key.slice(2), value);
    else if (key === "style") Object.assign(el.style, value);
    else if (key.includes("-") || key === "role" || key === "for") el.setAttribute(key, String(value));
    else el[key] = value;
  }
  el.append(...children.filter((child) => child != null));
  return el;
}

/** An icon of 16 × 16 drawn with one path, which says nothing to a screen reader. */
export function icon(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const shape = document.createElementNS("http://www.w3.org/2000/svg", "path");
  for (const [key, value] of Object.entries({ viewBox: "0 0 16 16", width: 14, height: 14, "aria-hidden": "true" })) {
    svg.setAttribute(key, String(value));
  }
  shape.setAttribute("d", path);
  shape.setAttribute("fill", "currentColor");
  svg.append(shape);
  return svg;
}

/** The icon of what is pinned. */
export const PIN = "M5 1h6v1.4l-1 .8v3.3l2.2 2v1.3H8.7V14L8 15.4 7.3 14V9.8H3.8V8.5l2.2-2V3.2l-1-.8z";

/** Set a text only where it differs, so that selections and screen readers are left in peace. */
export function write(el, text) {
  if (el.textContent !== text) el.textContent = text;
}

/** Call back once per animation frame, however often it is asked for; stops with the signal. */
export function perFrame(draw, signal) {
  let asked = 0;
  signal?.addEventListener("abort", () => cancelAnimationFrame(asked), { once: true });
  return () => {
    if (asked || signal?.aborted) return;
    asked = requestAnimationFrame(() => {
      asked = 0;
      draw();
    });
  };
}

/** Call at most every so many milliseconds, the last time included. */
export function throttled(call, milliseconds, signal) {
  let timer = 0;
  let last = -Infinity;
  signal?.addEventListener("abort", () => clearTimeout(timer), { once: true });
  return () => {
    if (timer || signal?.aborted) return;
    const wait = Math.max(0, last + milliseconds - performance.now());
    timer = setTimeout(() => {
      timer = 0;
      last = performance.now();
      call();
    }, wait);
  };
}

/** A traits change listener that ends with the signal. @param {string} names one or several, separated by spaces */
export function onChange(model, names, listener, signal) {
  for (const name of names.split(" ")) {
    model.on(`change:${name}`, listener);
    signal.addEventListener("abort", () => model.off(`change:${name}`, listener), { once: true });
  }
}

/** A custom message listener that ends with the signal. */
export function onMessage(model, listener, signal) {
  model.on("msg:custom", listener);
  signal.addEventListener("abort", () => model.off("msg:custom", listener), { once: true });
}

/**
 * Whether what an element stands on is dark; and again, whenever that changes.
 * @param {HTMLElement} el @param {(dark: boolean) => void} listener @param {AbortSignal} signal
 */
export function onTheme(el, listener, signal) {
  let before = null;
  const look = () => {
    const dark = isDark(el);
    if (dark !== before) listener((before = dark));
  };
  const observer = new MutationObserver(() => setTimeout(look, 50));
  for (const root of [document.documentElement, document.body]) {
    observer.observe(root, { attributes: true, attributeFilter: ["class", "style", "data-jp-theme-light", "data-theme"] });
  }
  // JupyterLab swaps the style sheet after it has marked the page.
  const later = setInterval(look, 1000);
  const media = matchMedia("(prefers-color-scheme: dark)");
  media.addEventListener("change", look, { signal });
  signal.addEventListener("abort", () => (observer.disconnect(), clearInterval(later)), { once: true });
  look();
}

function isDark(el) {
  const text = getComputedStyle(el).color.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0];
  return 0.299 * text[0] + 0.587 * text[1] + 0.114 * text[2] > 128;
}
