/**
 * The card of a dimension: what it goes with, how its values lie, what its highest moments have in common, and where
 * the moment under the playhead lies among all.
 */
import { numbersOf } from "../base/buffers.js";
import { minus } from "../base/canvas.js";
import { h, onChange, onTheme, perFrame } from "../base/dom.js";
import { clockKeys } from "../base/keys.js";
import { nameOf, plain, quoted } from "../base/ui.js";
import { clockOf } from "../player/clock.js";
import { Distribution, valueAt } from "./distribution.js";
import { pictureNode } from "./picture.js";

/** @import { Model, RenderOptions } from "../types.js" */
/** @import { UnitCard, UnitTag } from "./types.js" */

const NOTHING = new Float32Array(0);

/** A correlation in two digits. @param {number} r */
export function correlation(r) {
  return minus(r.toFixed(2));
}

/** @param {Pick<UnitTag, "r" | "low" | "high">} tag @returns {string} such as ``0.61 [0.55, 0.66]`` */
export function intervalText({ r, low, high }) {
  return low == null || high == null ? correlation(r) : `${correlation(r)} [${correlation(low)}, ${correlation(high)}]`;
}

/** The bar of a correlation, from −1 to 1 around the middle, with its interval. @param {UnitTag} tag */
function bar({ r, low, high }) {
  const place = (/** @type {number} */ value) => 50 * (1 + Math.min(Math.max(value, -1), 1));
  const [from, to] = [place(Math.min(r, 0)), place(Math.max(r, 0))];
  const fill = h("span.ev-unit-fill", { style: { left: `${from}%`, width: `${to - from}%` } });
  const el = h("div.ev-unit-bar", { "aria-hidden": "true" }, h("span.ev-unit-zero"), fill);
  if (low != null && high != null) {
    el.append(h("span.ev-unit-interval", { style: { left: `${place(low)}%`, width: `${place(high) - place(low)}%` } }));
  }
  return el;
}

/** @param {string} title @param {...Node} nodes */
function part(title, ...nodes) {
  return h("section.ev-unit-part", { role: "group", "aria-label": title }, h("h4", {}, title), ...nodes);
}

class Card {
  root = h("div.embviz.ev-unit");
  distribution = new Distribution();
  times = NOTHING;
  values = NOTHING;
  #dark = false;

  /** @param {Model} model @param {HTMLElement} el @param {AbortSignal} signal */
  constructor(model, el, signal) {
    this.model = model;
    this.clock = clockOf(model.get("clock") || "");
    el.append(this.root);
    signal.addEventListener("abort", () => this.root.remove(), { once: true });
    const renew = perFrame(() => this.#read(), signal);
    onChange(model, "card cells linked", renew, signal);
    onChange(model, "times values", () => this.#take(), signal);
    this.clock.on("time", () => this.#follow(), { signal });
    clockKeys(this.root, this.clock, signal);
    onTheme(
      this.root,
      (dark) => {
        this.#dark = dark;
        renew();
      },
      signal,
    );
    this.#read();
  }

  #take() {
    this.times = numbersOf(this.model.get("times"), Float32Array);
    this.values = numbersOf(this.model.get("values"), Float32Array);
    if (this.times.length !== this.values.length) this.times = this.values = NOTHING;
    this.#follow();
  }

  #follow() {
    const { time } = this.clock;
    this.distribution.follow(time, valueAt(time, this.times, this.values));
  }

  #read() {
    /** @type {UnitCard} */
    const card = this.model.get("card") ?? {};
    if (card.dimension === undefined) {
      this.root.replaceChildren(h("p.ev-faint", {}, "There is no dimension to show."));
      return;
    }
    const focused = this.root.contains(document.activeElement);
    const title = h("h3", { tabIndex: -1, dir: "auto" }, plain(card.title));
    const head = h("div.ev-unit-head", {}, title, h("span.ev-faint", { dir: "auto" }, plain(card.about)));
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", `Card of ${quoted(card.title)}`);
    this.distribution.show({ ...card, linked: Boolean(this.model.get("linked")) });
    const parts = [
      part("Values", this.distribution.el),
      this.#tags(card),
      this.#pictures(card),
      this.#alike(card),
      this.#columns(card),
      this.#facts(card),
    ];
    const shown = /** @type {HTMLElement[]} */ (parts.filter(Boolean));
    this.root.replaceChildren(head, this.#sentence(card), h("div.ev-unit-parts", {}, ...shown));
    if (focused) title.focus({ preventScroll: true });
    this.#take();
  }

  /** @param {UnitCard} card */
  #sentence({ sentence = [], named }) {
    const nodes = sentence.map(([text, kind]) => (kind === "name" ? nameOf(text, "em.ev-panel-name") : plain(text)));
    return h(`p.ev-unit-sentence${named ? ".ev-unit-named" : ""}`, {}, ...nodes);
  }

  /** @param {UnitCard} card */
  #tags({ tags = [], basis = "" }) {
    if (!tags.length) return null;
    const rows = tags.map((tag) =>
      h(
        "tr",
        {},
        h("th", { scope: "row" }, nameOf(tag.name)),
        h("td.ev-unit-bar-cell", {}, bar(tag)),
        h("td.ev-unit-figure", {}, intervalText(tag)),
        h("td.ev-unit-figure", {}, tag.held_back == null ? "–" : correlation(tag.held_back)),
      ),
    );
    const column = (/** @type {string} */ name, /** @type {string} */ title) =>
      h("th.ev-unit-figure", { scope: "col", title }, name);
    const head = h(
      "tr",
      {},
      h("th", { scope: "col" }, "tag"),
      h("th.ev-unit-bar-cell", { scope: "col" }, h("span.ev-hidden", {}, "as a bar from −1 to 1")),
      column("r [95 %]", "Correlation over frames, with its interval over the tracks"),
      column("held back", "The same on tracks that had no part in choosing the tag"),
    );
    const table = h("table.ev-unit-tags", {}, h("thead", {}, head), h("tbody", {}, ...rows));
    return part("Goes with", table, h("p.ev-faint", {}, plain(basis)));
  }

  /** @param {UnitCard} card */
  #pictures({ pictures = [] }) {
    const cells = this.model.get("cells") ?? [];
    const nodes = pictures.flatMap((picture, i) => (cells[i] ? [pictureNode(picture, cells[i], this.#dark)] : []));
    return nodes.length ? part("What it answers to", h("div.ev-unit-pictures", {}, ...nodes)) : null;
  }

  /** @param {UnitCard} card */
  #alike({ alike = [] }) {
    if (!alike.length) return null;
    const live = Boolean(this.model.get("linked")) && typeof this.model.send === "function";
    const items = alike.map(({ dimension, title, r }) => {
      const words = [nameOf(title), h("span.ev-faint", {}, ` r ${correlation(r)}`)];
      if (!live) return h("li", {}, ...words);
      const onclick = () => this.model.send?.({ kind: "unit", dimension });
      return h("li", {}, h("button", { type: "button", title: "Open its card", onclick }, ...words));
    });
    return part("Behaves like", h("ul.ev-unit-alike", {}, ...items));
  }

  /** @param {UnitCard} card */
  #columns({ columns = [] }) {
    if (!columns.length) return null;
    const items = columns.map(({ name, text, hint }) =>
      h("li", { title: quoted(hint) }, nameOf(name), " ", h("span.ev-faint", { dir: "auto" }, plain(text))),
    );
    return part("Separates", h("ul.ev-unit-columns", {}, ...items));
  }

  /** @param {UnitCard} card */
  #facts({ facts = [], notes = [] }) {
    if (!facts.length && !notes.length) return null;
    const lines = facts.flatMap(([name, text]) => [h("dt.ev-faint", {}, plain(name)), h("dd", {}, plain(text))]);
    const said = notes.map((text) => h("li", { dir: "auto" }, plain(text)));
    return part(
      "Facts",
      h("dl.ev-unit-facts", {}, ...lines),
      ...(said.length ? [h("ul.ev-unit-notes", {}, ...said)] : []),
    );
  }
}

/** @param {RenderOptions} options */
function render({ model, el, signal }) {
  const own = new AbortController();
  signal?.addEventListener("abort", () => own.abort(), { once: true });
  new Card(model, el, own.signal);
  return () => own.abort();
}

export default { render };
