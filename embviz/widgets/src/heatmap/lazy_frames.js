/** Frames that cross when they are seen, in place of the pooled ones that crossed before. */
import { onChange } from "../base/dom.js";

/**
 * Ask for the frames of a heatmap that has pooled ones only, each time that it is on the screen with others.
 * @param {HTMLElement} el of the heatmap @param {import("../types.js").Model} model @param {AbortSignal} signal
 */
export function askForFrames(el, model, signal) {
  let seen = false;
  /** @type {unknown} the pooled cells in place of which frames are on their way */
  let asked = null;
  const ask = () => {
    const cells = model.get("cells");
    if (!seen || !model.get("level") || model.get("complete") === false || asked === cells) return;
    asked = cells;
    model.send?.({ kind: "frames" });
  };
  const observer = new IntersectionObserver((entries) => {
    seen = entries[entries.length - 1].isIntersecting;
    ask();
  });
  observer.observe(el);
  signal.addEventListener("abort", () => observer.disconnect(), { once: true });
  onChange(model, "cells level complete", ask, signal);
}
