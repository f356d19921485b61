/** The line above a heatmap: what the playhead is at, how rows and colours are chosen, and the pin of a row. */
import { bytesOf } from "../base/buffers.js";
import { h, icon, PIN, write } from "../base/dom.js";
import { Crop } from "./crop.js";

const NO_ROW = "Pin a dimension: choose a row first (click, or ↑ ↓), then P";

export class Toolbar {
  title = h("strong.ev-heatmap-title", { dir: "auto" });
  facts = h("span.ev-faint.ev-heatmap-facts");
  head = h("div.ev-heatmap-head", { hidden: true }, this.title, this.facts);
  readout = h("span.ev-faint.ev-heatmap-readout");

  /**
   * @param {{orders: Record<string, string>, scales: Record<string, string>, pin: () => void,
   *   set: (name: string, value: unknown) => void, offer: (offered: boolean) => void}} options
   *   `orders` and `scales` are names with titles; `offer` tells when the pin has the pointer or the focus, for what it would pin to be shown
   */
  constructor({ orders, scales, set, pin, offer }) {
    this.selects = [select("order", "Order", orders, set), select("scale", "Scale", scales, set)];
    this.pin = h(
      "button.ev-heatmap-pinner",
      {
        type: "button",
        onclick: pin,
        onpointerenter: () => offer(true),
        onpointerleave: () => offer(false),
        onfocus: () => offer(true),
        onblur: () => offer(false),
      },
      icon(PIN),
    );
    this.crop = new Crop((ends) => set("crop", ends));
    const controls = [this.crop.el, ...this.selects.map(({ el }) => el), this.pin];
    this.tools = h("div.ev-heatmap-tools", {}, this.readout, ...controls);
  }

  /**
   * @param {import("../types.js").Model} model @param {import("./heatmap_model.js").Field} field
   * @param {string} title
   */
  show(model, field, title) {
    this.head.hidden = !title;
    write(this.title, title);
    this.title.title = title;
    this.crop.show(field);
    for (const { name, control } of this.selects) {
      control.value = model.get(name);
      control.disabled = field.empty;
      // A page without Python has only the orders that were made for it.
      if (name !== "order" || typeof model.send === "function") continue;
      for (const option of control.options) {
        option.disabled = option.value !== "index" && !bytesOf(model.get(`${option.value}_order`)).length;
      }
    }
  }

  /** @param {string} facts beside the title */
  say(facts) {
    write(this.facts, facts);
    this.facts.title = facts;
  }

  /** What the playhead is at. @param {string} text */
  read(text) {
    write(this.readout, text);
    this.readout.title = text;
  }

  /** Offer to pin a dimension, or to unpin it; an empty name is no dimension. @param {string} name @param {boolean} pinned */
  offer(name, pinned) {
    const text = name ? `${pinned ? "Unpin" : "Pin"} ${name}` : "Pin a dimension";
    this.pin.disabled = !name;
    this.pin.title = name ? `${text} (P)` : NO_ROW;
    this.pin.setAttribute("aria-label", text);
    this.pin.classList.toggle("ev-heatmap-pinned", Boolean(name) && pinned);
  }
}

/**
 * @param {string} name @param {string} label @param {Record<string, string>} choices names with titles
 * @param {(name: string, value: string) => void} set
 */
function select(name, label, choices, set) {
  const options = Object.entries(choices).map(([value, text]) => h("option", { value }, text));
  const control = h("select", { "aria-label": label, onchange: () => set(name, control.value) }, ...options);
  return { name, control, el: h("label", {}, h("span.ev-faint", {}, label), control) };
}
