/** Into the network: a walk through its layers, and the structure that a layer finds in a track. */
import { h, icon, onChange, write } from "../base/dom.js";
import { axesOf, fillSelect, ICONS, modelOptions, nameOf, plain, quoted, slot, stateBox, timesOf } from "../base/ui.js";
import { arrange } from "./heatmap_rows.js";

/**
 * @import { Host, LayerChoice, Model, ModelChoice, WorkItem } from "../types.js"
 * @typedef {WorkItem & {layer: string, view: string, title?: string, meaning?: string, shape?: number[], axes?: string,
 *   receptive_field?: string, has_feature_maps?: boolean, constant?: string}} LayerItem
 * @typedef {WorkItem & {layer: string, view: string}} MapsItem
 * @typedef {WorkItem & {rows?: LayerItem[], feature_maps?: Partial<MapsItem>}} Walk
 * @typedef {object} Panel what the parts of the panel share
 * @property {Model} model
 * @property {import("../base/commands.js").Link} link
 * @property {Host} host
 * @property {AbortSignal} signal
 * @property {HTMLElement} scroller
 * @property {HTMLElement} sticky
 * @property {(tab: string) => boolean} visible
 * @property {(name: string | undefined) => ModelChoice | undefined} modelOf
 */

/**
 * The model and layer to begin with: those of the first row of the poster, or a model whose weights are here.
 * @param {{model: string, layer: string}[] | null | undefined} rows @param {ModelChoice[]} models
 */
export function firstChoice(rows, models) {
  const usable = (/** @type {string} */ name) =>
    models.some((model) => model.name === name && model.state !== "absent");
  const row = (rows ?? []).find((entry) => usable(entry.model));
  if (row) return { model: row.model, layer: row.layer };
  const ready = models.find((model) => model.state === "ready") ?? models[0];
  if (!ready) return null;
  const layers = (ready.layers ?? []).map(({ name }) => name);
  return { model: ready.name, layer: layers.includes("embedding") ? "embedding" : (layers.at(-1) ?? "embedding") };
}

/** What a page shows, in a few words, which may have to be cut. */
const hint = (/** @type {string} */ text) => h("span.ev-faint", { title: text }, text);

/** @param {Panel} panel */
export function walk(panel) {
  const { model, link, host, signal } = panel;
  /** @returns {Walk} */
  const own = () => model.get("layers") ?? {};
  const models = () => /** @type {ModelChoice[]} */ (model.get("models") ?? []);
  const select = h("select", { "aria-label": "Model to walk through" });
  const words = hint("from what goes in to what comes out; every layer on the same clock");
  const state = stateBox({ link, retry: () => link.send("show_layers", { model: select.value }) });
  const list = h("div.ev-panel-rows", { role: "list", "aria-label": "Layers, from input to output" });
  const mapsTitle = h("h3");
  const mapsClose = h("button.ev-plain", { type: "button", "aria-label": "Close the feature maps", title: "Close" });
  mapsClose.append(icon(ICONS.close));
  const retryMaps = () => link.send("show_feature_maps", { layer: own().feature_maps?.layer });
  const mapsState = stateBox({ link, retry: retryMaps });
  const mapsView = slot({ host, signal });
  const maps = h(
    "section.ev-panel-maps",
    { hidden: true, role: "group", "aria-label": "Feature maps" },
    h(
      "div.ev-panel-card-head",
      {},
      mapsTitle,
      h("span.ev-faint", {}, "the patch under the playhead, channel by channel"),
      mapsClose,
    ),
    mapsState.el,
    mapsView.el,
  );
  const el = h(
    "div.ev-panel-layers",
    {},
    h("div.ev-panel-card-head", {}, h("h3", {}, "Layers"), select, words),
    state.el,
    list,
    maps,
  );

  let closed = "";
  /** @type {Map<string, ReturnType<typeof layerRow>>} */
  const rows = new Map();
  // Networks have dozens of layers: only what can be seen, or soon will be, is drawn.
  const watch = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        for (const row of rows.values()) if (row.el === entry.target) row.seen();
      }
    },
    { rootMargin: "240px 0px", scrollMargin: "240px 0px" },
  );
  signal.addEventListener("abort", () => watch.disconnect(), { once: true });

  select.addEventListener("change", () => link.send("show_layers", { model: select.value }));
  mapsClose.addEventListener("click", () => {
    const layer = own().feature_maps?.layer ?? "";
    closed = layer;
    update();
    [...rows.values()].find((row) => row.layer === layer)?.focus();
  });

  function update() {
    if (!panel.visible("layers")) return;
    const item = own();
    const walkable = models().filter((entry) => entry.layers?.length && entry.system !== "vectors");
    fillSelect(select, modelOptions(walkable), item.model ?? select.value);
    state.update(item, panel.modelOf(item.model), model.get("downloads")?.[item.model ?? ""]);
    updateRows(item);
    updateMaps(item.feature_maps ?? {});
  }

  /** @param {Walk} item */
  function updateRows(item) {
    const keys = (item.rows ?? []).map((row) => `${item.model}\n${row.layer}`);
    const wanted = new Set(keys);
    for (const [key, row] of rows) {
      if (wanted.has(key)) continue;
      watch.unobserve(row.el);
      row.end();
      rows.delete(key);
    }
    const open = item.feature_maps?.layer;
    const shown = (item.rows ?? []).map((entry, i) => {
      const row = rows.get(keys[i]) ?? layerRow(panel, entry.layer, openMaps);
      if (!rows.has(keys[i])) watch.observe(row.el);
      rows.set(keys[i], row);
      row.update(entry, item, closed !== open && open === entry.layer);
      return row.el;
    });
    arrange(list, shown);
  }

  /** @param {string} layer */
  function openMaps(layer) {
    closed = "";
    link.send("show_feature_maps", { layer });
    update();
  }

  /** @param {Partial<MapsItem>} item */
  function updateMaps(item) {
    const open = Boolean(item.layer) && closed !== item.layer;
    maps.hidden = !open;
    if (!open) {
      mapsView.set("");
      return;
    }
    mapsTitle.replaceChildren("Feature maps of ", nameOf(item.layer));
    mapsState.update({ status: "", ...item }, panel.modelOf(own().model));
    mapsView.set(item.view);
  }

  /** Begin a walk where none has begun. */
  function ask() {
    const item = own();
    if (item.rows?.length || item.status) return;
    const first = item.model || firstChoice(model.get("rows"), models())?.model;
    if (first) link.send("show_layers", { model: first });
  }

  onChange(model, "layers models downloads", update, signal);
  return { el, update, ask };
}

/** @param {Panel} panel @param {string} layer @param {(layer: string) => void} openMaps */
function layerRow(panel, layer, openMaps) {
  const controller = new AbortController();
  panel.signal.addEventListener("abort", () => controller.abort(), { once: true, signal: controller.signal });
  const body = h("div.ev-panel-row-body");
  const fold = h("button.ev-plain.ev-panel-fold", {
    type: "button",
    "aria-expanded": "true",
    "aria-label": `Show ${quoted(layer)}`,
  });
  fold.append(icon(ICONS.chevron));
  const title = h("strong.ev-panel-row-name", { dir: "auto" });
  const shape = h("span.ev-panel-shape");
  const facts = h("span.ev-panel-facts.ev-faint", { dir: "auto" });
  const maps = h("button", { type: "button", onclick: () => openMaps(layer) }, "Feature maps");
  const state = stateBox({
    link: panel.link,
    retry: () => panel.link.send("show_layers", { model: panel.model.get("layers").model }),
  });
  const view = slot({ host: panel.host, signal: controller.signal });
  body.append(state.el, view.el);
  const head = h("div.ev-panel-row-head", {}, fold, title, shape, facts, h("div.ev-panel-row-tools", {}, maps));
  const el = h("div.ev-panel-row.ev-panel-layer", { role: "listitem", "aria-label": quoted(layer) }, head, body);
  let shown = "";
  let near = false;

  const mount = () => {
    if (!near || body.hidden) return;
    view.set(shown);
    el.classList.toggle("ev-panel-mounted", Boolean(shown));
  };
  fold.addEventListener("click", () => {
    body.hidden = !body.hidden;
    fold.setAttribute("aria-expanded", String(!body.hidden));
    mount();
  });

  return {
    el,
    layer,
    focus: () => maps.focus(),
    seen() {
      near = true;
      mount();
    },
    end() {
      controller.abort();
      el.remove();
    },
    /** @param {LayerItem} item @param {Walk} whole that it is a row of @param {boolean} open whether its maps are */
    update(item, whole, open) {
      shown = item.view;
      write(title, plain(item.title || item.layer));
      write(shape, timesOf(item.shape));
      shape.title = axesOf(item.shape, item.axes);
      const heard = item.receptive_field ? `hears ${item.receptive_field}` : "";
      const said = [item.meaning, heard, item.constant];
      write(facts, said.filter(Boolean).map(plain).join(" · "));
      facts.title = quoted(facts.textContent);
      maps.hidden = !item.has_feature_maps;
      maps.setAttribute("aria-pressed", String(open));
      maps.setAttribute("aria-label", `Feature maps of ${quoted(item.layer)}`);
      // While all layers wait for the same pass through the network, one bar at the top says so.
      const same =
        ["waiting", "running", "cancelled", "download"].includes(item.status) && whole.status === item.status;
      state.update(same ? { status: "" } : item, panel.modelOf(whole.model));
      el.classList.toggle("ev-panel-expected", !item.view && item.status !== "failed");
      mount();
    },
  };
}

/** @param {Panel} panel */
export function structure(panel) {
  const { model, link, host, signal } = panel;
  /** @returns {WorkItem & {layer?: string, view?: string}} */
  const own = () => model.get("similarity") ?? {};
  const models = h("select", { "aria-label": "Model" });
  const layers = h("select", { "aria-label": "Layer" });
  const state = stateBox({ link, retry: () => send() });
  const view = slot({ host, signal });
  const words = hint("each moment compared with every other; click to hear it");
  const el = h(
    "div.ev-panel-similarity",
    {},
    h("div.ev-panel-card-head", {}, h("h3", {}, "Structure"), models, layers, words),
    state.el,
    view.el,
  );

  // The square is to be seen whole, below the player that stays.
  const fit = () => {
    const { scroller } = panel;
    const above = view.el.getBoundingClientRect().top - scroller.getBoundingClientRect().top + scroller.scrollTop;
    // On a low screen, what the scroller is in moves, and the scroller is as long as the page.
    const tall = Math.min(scroller.clientHeight, scroller.parentElement?.clientHeight ?? 0);
    const room = view.el.offsetParent ? Math.floor(tall - above - 8) : 0;
    if (room > 0) view.el.style.setProperty("--ev-similarity-room", `${room}px`);
  };
  const observer = new ResizeObserver(fit);
  signal.addEventListener("abort", () => observer.disconnect(), { once: true });

  const send = () => link.send("show_similarity", { model: models.value, layer: layers.value });
  models.addEventListener("change", () => {
    fillLayers(models.value, "embedding");
    send();
  });
  layers.addEventListener("change", send);

  /** @param {string} name of a model @param {string} [value] */
  function fillLayers(name, value) {
    const known = (panel.modelOf(name)?.layers ?? []).map((layer) => layer.name);
    const all = !value || known.includes(value) ? known : [...known, value];
    fillSelect(
      layers,
      all.map((layer) => ({ value: layer, label: layer })),
      value ?? all.at(-1) ?? "",
    );
  }

  function update() {
    if (!panel.visible("similarity")) return;
    const item = own();
    fillSelect(models, modelOptions(model.get("models") ?? []), item.model || models.value);
    fillLayers(models.value, item.model ? item.layer : layers.value || "embedding");
    state.update(item, panel.modelOf(item.model), model.get("downloads")?.[item.model ?? ""]);
    for (const el of [panel.scroller, panel.sticky, view.el]) observer.observe(el);
    fit();
    view.set(item.view);
  }

  /** Begin where nothing has begun. */
  function ask() {
    const item = own();
    if (item.view || item.status) return;
    const first = item.model ? item : firstChoice(model.get("rows"), model.get("models") ?? []);
    if (first) link.send("show_similarity", { model: first.model, layer: first.layer });
  }

  onChange(model, "similarity models downloads", update, signal);
  return { el, update, ask };
}
