/** The map of the whole collection, and below it what the first models of the poster make of the open track. */
import { h, onChange, write } from "../base/dom.js";
import { nameOf, plain, slot, stateBox } from "../base/ui.js";

/** Rows of the poster that are shown below the map. */
const ROWS = 2;

/** @import { Panel } from "./types.js" */
/** @typedef {{view?: string, model: string, layer: string}} Row */

/**
 * The rows of a poster that have something to show, the first of them.
 * @param {Row[] | null | undefined} rows @returns {Row[]}
 */
export function seen(rows, most = ROWS) {
  return (rows ?? []).filter((row) => row.view).slice(0, most);
}

/** @param {Panel} panel what the parts of the panel share */
export function atlasPage(panel) {
  const { model, link, host, signal } = panel;
  const own = () => model.get("map") ?? {};
  const ask = () => link.send("show_map");
  const state = stateBox({ link, retry: ask });
  const view = slot({ host, signal });
  const places = Array.from({ length: ROWS }, () => {
    const title = h("h3");
    const layer = h("span.ev-faint");
    const place = slot({ host, signal });
    const el = h(
      "section.ev-panel-card",
      { hidden: true, role: "group" },
      h("div.ev-panel-card-head", {}, title, layer),
      place.el,
    );
    return { el, title, layer, place };
  });
  const el = h("div.ev-panel-map", {}, state.el, view.el, ...places.map((place) => place.el));

  function update() {
    if (!panel.visible("map")) return;
    state.update(own());
    view.set(own().view);
    const rows = seen(model.get("rows"));
    places.forEach(({ el, title, layer, place }, i) => {
      const row = rows[i];
      el.hidden = !row;
      place.set(row?.view ?? "");
      if (!row) return;
      const name = panel.modelOf(row.model)?.title || row.model;
      title.replaceChildren(nameOf(name));
      write(layer, `${plain(row.layer)} of the open track`);
      el.setAttribute("aria-label", `${plain(name)}, ${plain(row.layer)}`);
    });
  }

  onChange(model, "map rows models", update, signal);
  return { el, update, ask: () => !own().view && !own().status && ask() };
}
