/** A map with what is known about it: how far it can be believed, what it tells by itself, and what still runs. */
import { h, write } from "../base/dom.js";
import { popover } from "../base/popover.js";
import { iconButton } from "../base/row_list.js";
import { nameOf, plain, quoted, slot, stateBox } from "../base/ui.js";

/** @import { MapState, Method, Page } from "./types.js" */

/** The figures of a map in plain words. */
export const FIGURES = [
  [
    "Trustworthiness",
    "How far neighbours on the map can be believed: 1 means that all points drawn close together sound alike to the " +
      "model, too.",
  ],
  ["Continuity", "How little was torn apart: 1 means that all that sounds alike to the model is drawn close together."],
  [
    "Neighbours kept",
    "Of the k points that are most alike to the model, the share that is also among the k closest on the map; the " +
      "average of all points.",
  ],
];
const CAUTION =
  "A vector of hundreds of numbers does not fit onto a plane, so every map leaves something out. Sizes of groups and " +
  "distances between groups that lie far apart mean little with UMAP, t-SNE and PaCMAP. The lists of neighbours are " +
  "taken from the vectors themselves, not from the map.";

/**
 * What stands in for a map that is not ready.
 * @param {MapState} map @param {Pick<Method, "name" | "title">[]} methods @param {string | undefined} chosen
 * @returns {string} such as ``PCA while UMAP runs`` */
export function preliminary(map, methods, chosen) {
  if (!map.preliminary || map.axes || !["waiting", "running"].includes(map.status)) return "";
  const title = methods.find((one) => one.name === chosen)?.title || "the other";
  const made = String(map.facts?.[0] ?? "").split(" · ")[0];
  return made && made !== title ? `${made} while ${title} runs` : "the map before, while the new one is made";
}

/** @param {Page} view what the parts of the page share @param {number} index 0 or 1 */
export function atlasMap(view, index) {
  const { link, host, signal, model } = view;
  const title = h("h3.ev-panel-name", { dir: "auto" });
  const first = h("span.ev-atlas-badge", { hidden: true });
  const facts = h("span.ev-atlas-facts.ev-faint", { dir: "auto" });
  const why = h("button.ev-atlas-why", { type: "button", "aria-label": "What these figures mean" }, "?");
  why.title = "What these figures mean";
  popover(view.el, why, { label: "What these figures mean", kind: "ev-atlas-words", signal, fill: explain });
  const pick = h("button", { type: "button", title: "Another model on this map" }, "Change…");
  pick.addEventListener("click", () => view.pickSecond());
  const close = iconButton("close", "Close this map", () => view.set("second", {}));
  const tools = h("span.ev-atlas-map-tools", { hidden: index === 0 }, pick, close);
  const notes = h("ul.ev-atlas-notes", { hidden: true });
  const state = stateBox({ link, retry: () => link.send("compute") });
  const map = slot({ host, signal });
  const compute = h("button.ev-primary", { type: "button" }, "Make the map");
  compute.addEventListener("click", () => link.send("compute"));
  const words = "There is no map yet: choose above what to map, or take what is chosen.";
  const blank = h("div.ev-panel-blank", { hidden: true }, h("p.ev-faint", {}, words), compute);
  const head = h("div.ev-atlas-map-head", {}, title, tools);
  const plot = h("div.ev-atlas-plot", {}, map.el, blank, first, state.el);
  const foot = h("div.ev-atlas-foot", {}, h("span.ev-atlas-told", {}, facts, why), notes);
  const el = h("section.ev-atlas-map", { "aria-label": `Map ${index + 1}` }, head, plot, foot);
  let said = "";

  function update(/** @type {MapState | null} */ item) {
    el.hidden = !item;
    if (!item) return map.set("");
    const name = item.title || view.modelTitle(item);
    write(title, plain(name));
    title.title = quoted(name);
    el.setAttribute("aria-label", `Map of ${quoted(name)}`);
    const standIn = preliminary(item, model.get("methods") ?? [], view.choices.method);
    write(first, standIn);
    first.hidden = !standIn;
    const figures = (item.facts ?? []).map(plain).join(" · ");
    write(facts, figures);
    facts.title = figures;
    why.hidden = !figures || Boolean(item.axes);
    noted(item.notes ?? []);
    // Over a map that is there, the line of what runs is enough.
    const over = item.view && ["waiting", "running"].includes(item.status);
    state.update(over ? { status: "" } : item, view.modelOf(item.model), model.get("downloads")?.[item.model ?? ""]);
    map.set(item.view);
    const empty = !item.view && !["failed", "cancelled", "download", "waiting", "running"].includes(item.status);
    blank.hidden = !empty;
    el.classList.toggle("ev-atlas-nothing", !item.view);
    announce(item, name);
  }

  /** What a method tells stays as it is while numbers below it run. */
  function noted(/** @type {string[]} */ list) {
    const key = JSON.stringify(list);
    if (key === notes.dataset.key) return;
    notes.dataset.key = key;
    notes.replaceChildren(...list.map((note) => h("li", {}, nameOf(note))));
    notes.hidden = !list.length;
  }

  /** @param {MapState} item @param {string} name */
  function announce(item, name) {
    const now = `${item.status} ${item.preliminary ? "first" : ""}`;
    if (said && said !== now && item.status === "ready") view.announce(`The map of ${quoted(name)} is ready.`);
    if (said && said !== now && item.status === "failed") view.announce(`The map of ${quoted(name)} failed.`);
    said = now;
  }

  return { el, foot, update };
}

function explain(/** @type {HTMLElement} */ el) {
  const lines = FIGURES.flatMap(([name, words]) => [h("dt", {}, name), h("dd", {}, words)]);
  el.append(h("dl", {}, ...lines), h("p.ev-faint", {}, CAUTION));
}
