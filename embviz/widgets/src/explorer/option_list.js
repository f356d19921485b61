/** A list of which one is chosen, with the keyboard of a listbox. */
import { h } from "../base/dom.js";
import { plain, quoted, uid } from "../base/ui.js";

/**
 * @typedef {{value: string, nodes: () => (Node | string)[]}} Option
 * @typedef {{title: string, options: Option[]}} OptionGroup
 */

const PAGE = 6; // options

class OptionList {
  /** @type {string[]} */
  #values = [];
  #current = "";
  /** @type {Map<string, HTMLElement>} */
  #nodes = new Map();

  /** @param {HTMLElement} el @param {{pick: (value: string) => void, done: () => void}} act */
  constructor(el, { pick, done }) {
    this.el = el;
    this.pick = pick;
    el.addEventListener("keydown", (event) => this.#key(event, done));
    el.addEventListener("click", ({ target }) => {
      const node = optionOf(target);
      if (node) this.#go(node.dataset.value ?? "");
    });
    el.addEventListener("dblclick", ({ target }) => {
      if (optionOf(target)) done();
    });
  }

  /** @param {string | undefined} value */
  has(value) {
    return value !== undefined && this.#nodes.has(value);
  }

  /** Choose the first. */
  first() {
    if (this.#values.length) this.#go(this.#values[0]);
  }

  /** Bring what is chosen into sight. @param {ScrollLogicalPosition} block */
  reveal(block = "nearest") {
    this.#nodes.get(this.#current)?.scrollIntoView({ block });
  }

  /** @param {OptionGroup[]} groups @param {string | undefined} chosen @param {string} nothing to say where there is none */
  fill(groups, chosen, nothing) {
    this.#current = chosen ?? "";
    this.#values = [];
    this.#nodes.clear();
    const made = groups.map((group) => this.#groupNode(group));
    this.el.replaceChildren(...(this.#values.length ? made : [h("p.ev-panel-empty", {}, nothing)]));
    this.#mark();
  }

  /** @param {OptionGroup} group */
  #groupNode({ title, options }) {
    const heading = title ? h("h4", { dir: "auto", "aria-hidden": "true" }, plain(title)) : null;
    const props = title ? { role: "group", "aria-label": quoted(title) } : { role: "presentation" };
    const group = h("div.ev-panel-group", props, heading);
    for (const { value, nodes } of options) {
      const option = h("div.ev-panel-option", { role: "option", id: uid("option") }, ...nodes());
      option.dataset.value = value;
      this.#values.push(value);
      this.#nodes.set(value, option);
      group.append(option);
    }
    return group;
  }

  #mark() {
    for (const [value, node] of this.#nodes) node.setAttribute("aria-selected", String(value === this.#current));
    const node = this.#nodes.get(this.#current);
    if (node) this.el.setAttribute("aria-activedescendant", node.id);
    else this.el.removeAttribute("aria-activedescendant");
  }

  /** @param {string} value */
  #go(value) {
    this.#current = value;
    this.#mark();
    this.reveal();
    this.pick(value);
  }

  /** @param {KeyboardEvent} event @param {() => void} done */
  #key(event, done) {
    const at = this.#values.indexOf(this.#current);
    const last = this.#values.length - 1;
    /** @type {Record<string, number>} */
    const targets = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      Home: 0,
      End: last,
      PageDown: at + PAGE,
      PageUp: at - PAGE,
    };
    const to = targets[event.key];
    if (to !== undefined && last >= 0) this.#go(this.#values[Math.min(Math.max(to, 0), last)]);
    else if (event.key === "Enter") done();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

/** @param {EventTarget | null} target */
function optionOf(target) {
  const node = target instanceof Element ? target.closest("[role=option]") : null;
  return node instanceof HTMLElement ? node : null;
}

/** @param {HTMLElement} el @param {{pick: (value: string) => void, done: () => void}} act */
export function optionList(el, act) {
  return new OptionList(el, act);
}
