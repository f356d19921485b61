/** What is asked of boundaries, and what was found: length of the kernel, prominence, steps, and the score. */
import { h, icon, onChange, throttled, write } from "../base/dom.js";
import { applyToClock, keyAction } from "../base/keys.js";

const ICONS = {
  before: "M3 2.5h1.6v11H3zM13 2.5v11L5.6 8z",
  after: "M11.4 2.5H13v11h-1.6zM3 2.5v11L10.4 8z",
};
const EVERY = 120; // milliseconds between two messages while a slider moves

/** @import { Model } from "../types.js" */

/** @param {number} n */
function countSaid(n) {
  return n === 1 ? "1 boundary" : `${n} boundaries`;
}

/**
 * @param {Model} model @param {import("../player/clock.js").Clock} clock @param {AbortSignal} signal
 */
export function boundaryForm(model, clock, signal) {
  /**
   * @param {string} trait @param {string} label @param {string} title
   * @param {{min: number, max: number, step: number, unit: string}} ends
   */
  const slider = (trait, label, title, { min, max, step, unit }) => {
    const said = h("output");
    const save = throttled(() => model.save_changes?.(), EVERY, signal);
    const oninput = () => {
      model.set(trait, Number(input.value));
      write(said, input.value + unit);
      save();
    };
    const input = h("input", { type: "range", min, max, step, oninput, title, "aria-label": label });
    return { trait, unit, input, said, el: h("label", { title }, label, input, said) };
  };
  const kernel = slider(
    "kernel",
    "Kernel",
    "Length of music that is looked at around a moment: half before, half after",
    {
      min: 2,
      max: 60,
      step: 1,
      unit: " s",
    },
  );
  const prominence = slider("prominence", "Prominence", "How far novelty must rise at a boundary: less finds more", {
    min: 0,
    max: 0.5,
    step: 0.01,
    unit: "",
  });
  /** @param {string} key @param {string} label @param {string} shape */
  const step = (key, label, shape) => {
    const onclick = () => void applyToClock(keyAction({ key }), clock);
    return h(
      "button.ev-plain",
      { type: "button", title: `${label} (${key})`, "aria-label": label, onclick },
      icon(shape),
    );
  };
  const steps = [step(",", "Boundary before", ICONS.before), step(".", "Boundary after", ICONS.after)];
  const found = h("span", { role: "status" });
  const score = h("span.ev-faint");
  const fixed = h("span.ev-faint");
  const el = h("div.ev-similarity-form", {}, kernel.el, prominence.el, fixed, ...steps, found, score);
  const update = () => {
    const boundaries = model.get("boundaries") ?? [];
    const adjustable = Boolean(model.get("adjustable"));
    for (const { trait, unit, input, said, el: label } of [kernel, prominence]) {
      const value = String(Number(Number(model.get(trait)).toFixed(2)));
      label.hidden = !adjustable;
      if (document.activeElement !== input || Number(input.value) !== Number(value)) input.value = value;
      write(said, value + unit);
      input.setAttribute("aria-valuetext", value + unit);
    }
    write(fixed, adjustable ? "" : `kernel ${kernel.said.value}, prominence ${prominence.said.value}`);
    write(found, countSaid(boundaries.length));
    write(score, model.get("agreement") ?? "");
    score.title = model.get("about_agreement") ?? "";
    for (const button of steps) button.disabled = !boundaries.length;
  };
  onChange(model, "boundaries kernel prominence agreement adjustable", update, signal);
  update();
  return el;
}
