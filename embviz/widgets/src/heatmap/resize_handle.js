/** The lower edge of a plot, by which hands and keys change its height. */
import { h, throttled } from "../base/dom.js";
import { clamp } from "../base/time.js";

const LEAST = 60;
const MOST = 1200;
const STEP = 16; // pixels of a key

/**
 * @param {string} label @param {{height: () => number, resize: (height: number) => void, save: () => void,
 *   signal: AbortSignal}} options `save` is called now and then while the height changes
 */
export function heightHandle(label, { height, resize, save, signal }) {
  const el = h("div.ev-heatmap-handle", {
    role: "separator",
    tabIndex: 0,
    "aria-orientation": "horizontal",
    "aria-label": label,
    "aria-valuemin": LEAST,
    "aria-valuemax": MOST,
    title: "Drag to change the height",
  });
  const saved = throttled(save, 100, signal);
  const change = (/** @type {number} */ pixels) => {
    resize(clamp(Math.round(pixels), LEAST, MOST));
    saved();
  };
  followDrag(el, height, change, signal);
  const pressed = (/** @type {KeyboardEvent} */ event) => {
    const step = event.key === "ArrowDown" ? STEP : event.key === "ArrowUp" ? -STEP : 0;
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    change(height() + step);
  };
  el.addEventListener("keydown", pressed, { signal });
  return el;
}

/**
 * @param {HTMLElement} el @param {() => number} height @param {(pixels: number) => void} change
 * @param {AbortSignal} signal
 */
function followDrag(el, height, change, signal) {
  /** @type {{y: number, height: number} | null} */
  let drag = null;
  const begin = (/** @type {PointerEvent} */ event) => {
    if (event.button) return;
    el.setPointerCapture(event.pointerId);
    drag = { y: event.clientY, height: height() };
  };
  const end = () => {
    drag = null;
  };
  el.addEventListener("pointerdown", begin, { signal });
  el.addEventListener("pointermove", (event) => drag && change(drag.height + event.clientY - drag.y), { signal });
  el.addEventListener("pointerup", end, { signal });
  el.addEventListener("pointercancel", end, { signal });
}
