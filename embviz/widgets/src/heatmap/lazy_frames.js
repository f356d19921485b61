/** Frames that cross when they are seen, as fine as they are seen, in place of the coarser ones that crossed before. */
import { onChange } from "../base/dom.js";

/**
 * Ask for the frames of a heatmap that has pooled ones only, each time that it is on the screen with others: as fine as
 * the screen shows them, and all of them once a hand or the focus is there, for what is said of single ones.
 * @param {HTMLElement} el of the heatmap @param {import("../types.js").Model} model @param {AbortSignal} signal
 * @param {() => number | null} wanted the level that the screen shows; null where that is not known yet
 */
export function askForFrames(el, model, signal, wanted) {
  let seen = false;
  let near = false;
  /** @type {{cells: unknown, level: number}} what was there when finer ones were asked for, and how fine */
  let asked = { cells: null, level: 0 };
  const ask = () => {
    const [cells, level] = [model.get("cells"), model.get("level") ?? 0];
    if (!seen || !level || model.get("complete") === false) return;
    const fine = near ? 0 : (wanted() ?? level);
    if (fine >= level || (asked.cells === cells && asked.level <= fine)) return;
    asked = { cells, level: fine };
    model.send?.({ kind: "frames", level: fine });
  };
  const come = () => {
    near = true;
    ask();
  };
  const observer = new IntersectionObserver((entries) => {
    seen = entries[entries.length - 1].isIntersecting;
    ask();
  });
  observer.observe(el);
  signal.addEventListener("abort", () => observer.disconnect(), { once: true });
  el.addEventListener("pointermove", come, { signal, passive: true });
  el.addEventListener("focusin", come, { signal });
  onChange(model, "cells level complete", ask, signal);
  return ask;
}
