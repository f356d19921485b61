/** The line above a heatmap: what the playhead is at, how rows and colours are chosen, the pin of a row and its card. */
import { bytesOf } from "../base/buffers.js";
import { h, icon, PIN, write } from "../base/dom.js";
import { Crop } from "./crop.js";

const NO_ROW = "Pin a dimension: choose a row first (click, or ↑ ↓), then P";
const NO_CARD = "What a dimension answers to: choose a row first (click, or ↑ ↓), then Enter";
const CARD = "M2 3h12v10H2zm1.4 1.4v7.2h9.2V4.4zM4.6 9h1.4v1.6H4.6zm2.5-2h1.4v3.6H7.1zm2.5-1.6H11v5.2H9.6z";

export class Toolbar {
  title = h("strong.ev-heatmap-title", { dir: "auto" });
  facts = h("span.ev-faint.ev-heatmap-facts");
  head = h("div.ev-heatmap-head", { hidden: true }, this.title, this.facts);
  readout = h("span.ev-faint.ev-heatmap-readout");

  /**
   * @param {{orders: Record<string, string>, scales: Record<string, string>, pin: () => void,
   *   card: () => void, set: (name: string, value: unknown) => void, offer: (offered: boolean) => void}} options
   *   `orders` and `scales` are names with titles; `offer` tells when the pin has the pointer or the focus, for what it would pin to be shown
   */
  constructor({ orders, scales, set, pin, card, offer }) {
    this.selects = [select("order", "Order", orders, set), select("scale", "Scale", scales, set)];
    const offered = {
      type: "button",
      onpointerenter: () => offer(true),
      onpointerleave: () => offer(false),
      onfocus: () => offer(true),
      onblur: () => offer(false),
    };
    this.pin = h("button.ev-heatmap-pinner", { ...offered, onclick: pin }, icon(PIN));
    this.card = h("button.ev-heatmap-carder", { ...offered, onclick: card, hidden: true }, icon(CARD));
    this.crop = new Crop((ends) => set("crop", ends));
    const controls = [this.crop.el, ...this.selects.map(({ el }) => el), this.card, this.pin];
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

  /**
   * Offer to pin a dimension, or to unpin it, and to open its card; an empty name is no dimension.
   * @param {string} name @param {boolean} pinned @param {boolean} cards whether there are any
   */
  offer(name, pinned, cards) {
    this.card.hidden = !cards;
    this.card.disabled = !name;
    this.card.title = name ? `What ${name} answers to (Enter)` : NO_CARD;
    this.card.setAttribute("aria-label", name ? `Card of ${name}` : "Card of a dimension");
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
