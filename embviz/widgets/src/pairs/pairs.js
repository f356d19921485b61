/** A list of pairs of tracks with their evidence; the one that is chosen stands below, both tracks side by side. */
import { Link } from "../base/commands.js";
import { h, onChange, write } from "../base/dom.js";
import { keepKeys } from "../base/keys.js";
import { walkable } from "../base/row_list.js";
import { nameOf, plain, quoted, slot, stateBox } from "../base/ui.js";

/**
 * @import { Host, Model, RenderOptions } from "../types.js"
 * @typedef {{a: string, b: string, evidence: string[]}} PairItem
 */

class PairList {
  title = h("h3", { dir: "auto" });
  message = h("p.ev-faint");
  list = h("ul.ev-pairs-list");
  notes = h("div.ev-faint");
  trouble = h("p.ev-error", { role: "alert", hidden: true });
  /** @type {HTMLButtonElement[]} */
  buttons = [];
  /** @type {unknown} */
  shown = null;

  /** @param {Model} model @param {HTMLElement} el @param {AbortSignal} signal @param {Host} host */
  constructor(model, el, signal, host) {
    this.model = model;
    const onTrouble = (/** @type {string} */ sentence) => {
      write(this.trouble, sentence);
      this.trouble.hidden = !sentence;
    };
    this.link = new Link(model, { signal, onTrouble });
    this.state = stateBox({ link: this.link, retry: () => this.#open(model.get("chosen")) });
    this.view = slot({ host, signal });
    this.walk = walkable(this.list);
    const parts = [this.title, this.message, this.trouble, this.list, this.notes, this.state.el, this.view.el];
    this.root = h("section.embviz.ev-parts.ev-pairs", {}, ...parts);
    keepKeys(this.root, signal);
    el.append(this.root);
    onChange(model, "title message notes pairs chosen work", () => this.#update(), signal);
    signal.addEventListener("abort", () => this.root.remove(), { once: true });
    this.#update();
  }

  /** @param {number} pair */
  #open(pair) {
    this.link.send("open_pair", { pair });
  }

  /** @param {PairItem} pair @param {number} index */
  #row({ a, b, evidence }, index) {
    const names = ["A", "B"].map((letter, i) => h("span.ev-pairs-name", {}, h("b", {}, letter), nameOf(i ? b : a)));
    const facts = h("span.ev-pairs-evidence.ev-faint", { dir: "auto" }, evidence.map(plain).join(" · "));
    const title = quoted(`${a} and ${b}: ${evidence.join(", ")}`);
    const button = h("button", { type: "button", title, onclick: () => this.#open(index) }, ...names, facts);
    this.buttons.push(button);
    return h("li", { "data-row": String(index) }, button);
  }

  #update() {
    const { model } = this;
    /** @type {PairItem[]} */
    const pairs = model.get("pairs") ?? [];
    const title = plain(model.get("title"));
    write(this.title, title);
    this.root.setAttribute("aria-label", title);
    this.list.setAttribute("aria-label", title);
    write(this.message, pairs.length ? "A pair that is chosen is heard and seen side by side." : model.get("message"));
    if (pairs !== this.shown) {
      this.shown = pairs;
      this.walk.refill(() => {
        this.buttons = [];
        this.list.replaceChildren(...pairs.map((pair, index) => this.#row(pair, index)));
      });
    }
    this.list.hidden = !pairs.length;
    this.notes.replaceChildren(
      ...(model.get("notes") ?? []).map((/** @type {string} */ note) => h("p", {}, plain(note))),
    );
    for (const [i, button] of this.buttons.entries()) {
      button.setAttribute("aria-pressed", String(i === model.get("chosen")));
    }
    const work = model.get("work") ?? {};
    this.state.update(work);
    this.view.set(work.view);
  }
}

/** @param {RenderOptions} options */
function render({ model, el, signal: given, host }) {
  const own = new AbortController();
  given?.addEventListener("abort", () => own.abort(), { once: true });
  new PairList(model, el, own.signal, /** @type {Host} */ (host));
  return () => own.abort();
}

export default { render };
