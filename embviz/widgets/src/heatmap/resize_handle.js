// @ts-nocheck
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
  const change = (pixels) => {
    resize(clamp(Math.round(pixels), LEAST, MOST));
    saved();
  };
  const listen = (kind, listener) => el.addEventListener(kind, listener, { signal });
  let drag = null;
  listen("pointerdown", (event) => {
    if (event.button) return;
    el.setPointerCapture(event.pointerId);
    drag = { y: event.clientY, height: height() };
  });
  listen("pointermove", (event) => drag && change(drag.height + event.clientY - drag.y));
  for (const kind of ["pointerup", "pointercancel"]) listen(kind, () => (drag = null));
  listen("keydown", (event) => {
    const step = { ArrowDown: STEP, ArrowUp: -STEP }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    change(height() + step);
  });
  return el;
}
