/** Units: all dimensions of a layer as a list, and what one of them answers to: its card, and its moments to hear. */
import { bytesOf } from "../base/buffers.js";
import { inksOf, penOf } from "../base/canvas.js";
import { h, icon, onChange, onTheme, throttled, write } from "../base/dom.js";
import { fillSelect, ICONS, modelOptions, nameOf, plain, quoted, slot, stateBox, titled, uid } from "../base/ui.js";
import { heightsOf, shareText } from "../units/distribution.js";
import { correlation, intervalText } from "../units/unit_card.js";
import { firstChoice } from "./layers_tab.js";
import { stepped, visibleRows } from "./track_list.js";

/** @import { Link } from "../base/commands.js" */
/** @import { Panel, UnitRow, UnitState, Units } from "./types.js" */

/** Height of a row, in pixels. */
const ROW = 38;
const SEARCHED = 200; // milliseconds from one search to the next
const FOOT = 4; // pixels of a sparkline below its bars, for the open track

/** What the figure at the right of a row is. @type {Record<string, string>} */
const FIGURES = { effect: "effect", zeros: "zeros" };

/** What stands for a dimension without a name. @param {UnitRow} row */
export function nameText(row) {
  return row.name && row.r !== null ? `${quoted(row.name)} ${intervalText({ ...row, r: row.r })}` : "no name";
}

/** The figure at the right of a row: of what it is sorted by. @param {UnitRow} row @param {string} sort */
export function figureText(row, sort) {
  if (sort === "effect") return row.effect === null ? "–" : `d ${correlation(row.effect)}`;
  if (sort === "zeros") return shareText(row.zeros);
  if (row.selectivity === null) return "";
  return row.selectivity.toFixed(2);
}

/** What a screen reader says of a row. @param {UnitRow} row @param {string} sort */
export function spokenRow(row, sort) {
  const title = `dimension ${row.dimension}${row.label ? `, ${quoted(row.label)}` : ""}`;
  const figure = figureText(row, sort);
  const said = figure && `${FIGURES[sort] ?? "selectivity"} ${figure}`;
  return [title, nameText(row), said].filter(Boolean).join(": ");
}

/**
 * Draw a histogram as wide as a row has room for it, and below it where the open track's frames lie.
 * @param {HTMLCanvasElement} canvas @param {Uint8Array} all @param {Uint8Array} own empty where nothing is known
 * @param {ReturnType<typeof inksOf>} inks
 */
function drawSpark(canvas, all, own, inks) {
  const { clientWidth: width, clientHeight: height } = canvas;
  if (!width || !all.length) return;
  const pen = penOf(canvas, width, height);
  const step = width / all.length;
  const tall = height - FOOT - 1;
  pen.fillStyle = inks.faint;
  for (const [i, share] of heightsOf(Array.from(all), 255).entries()) {
    if (share) pen.fillRect(i * step, tall * (1 - share), Math.max(step - 0.5, 0.5), Math.max(tall * share, 1));
  }
  pen.fillStyle = inks.accent;
  for (const [i, share] of heightsOf(Array.from(own), 255).entries()) {
    pen.globalAlpha = 0.35 + 0.65 * share;
    if (share) pen.fillRect(i * step, height - FOOT, Math.max(step, 1), FOOT);
  }
  pen.globalAlpha = 1;
}

/** The list: only as many rows in the page as can be seen. */
class UnitList {
  /** @type {UnitRow[]} */
  #rows = [];
  #sort = "";
  /** @type {Record<string, string>} */
  #matches = {};
  #active = 0;
  /** @type {number | undefined} */
  #open;
  /** @type {Map<number, HTMLElement>} by place */
  #nodes = new Map();
  #id = uid("units");
  #key = "";

  /** @param {Panel} panel @param {{open: (dimension: number) => void}} act */
  constructor(panel, { open }) {
    this.model = panel.model;
    this.open = open;
    this.space = h("div.ev-units-space", { role: "presentation" });
    const look = { role: "listbox", tabIndex: 0, "aria-label": "Dimensions", id: this.#id };
    this.el = h("div.ev-units-list", look, this.space);
    const { signal } = panel;
    this.el.addEventListener("scroll", () => this.#draw(), { signal });
    this.el.addEventListener("keydown", (event) => this.#pressed(event), { signal });
    this.el.addEventListener("click", (event) => this.#clicked(event), { signal });
    const observer = new ResizeObserver(() => this.#redraw());
    observer.observe(this.el);
    signal.addEventListener("abort", () => observer.disconnect(), { once: true });
    onTheme(this.el, () => this.#redraw(), signal);
    onChange(panel.model, "unit_histograms unit_marks", () => this.#redraw(), signal);
  }

  /**
   * @param {UnitRow[]} rows in their order @param {Units} item @param {number} [open] the dimension whose card is open
   */
  fill(rows, { sort = "", matches = {} }, open) {
    const key = JSON.stringify([rows, sort, matches]);
    const moved = open !== this.#open;
    this.#open = open;
    if (key !== this.#key) {
      const place = (/** @type {UnitRow[]} */ all) => JSON.stringify(all.map(({ dimension }) => dimension));
      const first = !this.#rows.length || moved;
      const reordered = place(rows) !== place(this.#rows);
      this.#key = key;
      this.#rows = rows;
      this.#sort = sort;
      this.#matches = matches;
      // Who sorts or searches wants to see what comes first.
      const at = first ? rows.findIndex(({ dimension }) => dimension === open) : 0;
      if (first || reordered) this.#active = Math.max(0, at);
      this.space.style.height = `${rows.length * ROW}px`;
      this.el.style.height = `${rows.length * ROW + 2}px`;
      this.el.hidden = !rows.length;
      if (reordered) this.el.scrollTop = 0;
      this.#redraw();
      if (first) this.#reveal();
    } else if (moved) {
      const at = rows.findIndex(({ dimension }) => dimension === open);
      if (at >= 0) this.#active = at;
      this.#mark();
      if (at >= 0) this.#reveal();
    }
  }

  #redraw() {
    for (const node of this.#nodes.values()) node.remove();
    this.#nodes.clear();
    this.#draw();
  }

  #draw() {
    const [first, last] = visibleRows(this.el.scrollTop, this.el.clientHeight || 400, this.#rows.length, ROW);
    for (const [index, node] of this.#nodes) {
      if (index >= first && index < last) continue;
      node.remove();
      this.#nodes.delete(index);
    }
    const histograms = bytesOf(this.model.get("unit_histograms"));
    const marks = bytesOf(this.model.get("unit_marks"));
    const bins = this.model.get("units")?.bins ?? 0;
    const inks = inksOf(this.el);
    for (let index = first; index < last; index += 1) {
      if (this.#nodes.has(index)) continue;
      const row = this.#rows[index];
      const node = this.#node(row, index);
      // In the order of the list, which is the order in which readers go through them.
      const next = [...this.#nodes].filter(([place]) => place > index).sort(([a], [b]) => a - b)[0]?.[1];
      this.space.insertBefore(node, next ?? null);
      this.#nodes.set(index, node);
      const part = (/** @type {Uint8Array} */ bytes) =>
        bytes.subarray(row.dimension * bins, (row.dimension + 1) * bins);
      const canvas = node.querySelector("canvas");
      if (canvas && bins) drawSpark(canvas, part(histograms), part(marks), inks);
    }
    this.#mark();
  }

  /** @param {UnitRow} row @param {number} index */
  #node(row, index) {
    const name = row.name ? nameOf(row.name) : h("span.ev-faint", {}, nameText(row));
    const match = this.#matches[row.dimension];
    const said = [row.name && row.r !== null ? intervalText({ ...row, r: row.r }) : "", quoted(match)].filter(Boolean);
    const more = said.length ? h("span.ev-faint", { dir: "auto" }, said.join(" · ")) : null;
    const node = h(
      "div.ev-units-row",
      {
        role: "option",
        id: `${this.#id}-${row.dimension}`,
        title: quoted(row.hint),
        "aria-label": [spokenRow(row, this.#sort), quoted(match)].filter(Boolean).join(", "),
        "aria-setsize": this.#rows.length,
        "aria-posinset": index + 1,
      },
      nameOf(row.label || row.dimension, "span.ev-panel-name.ev-units-number"),
      h("canvas", { "aria-hidden": "true" }),
      h("span.ev-units-name", { dir: "auto" }, name, more),
      h("span.ev-units-figure.ev-faint", {}, figureText(row, this.#sort)),
    );
    node.style.transform = `translateY(${index * ROW}px)`;
    node.dataset.index = String(index);
    return node;
  }

  #mark() {
    for (const [index, node] of this.#nodes) {
      node.classList.toggle("ev-units-active", index === this.#active);
      node.setAttribute("aria-selected", String(this.#rows[index].dimension === this.#open));
    }
    const node = this.#nodes.get(this.#active);
    if (node) this.el.setAttribute("aria-activedescendant", node.id);
    else this.el.removeAttribute("aria-activedescendant");
  }

  #reveal() {
    const top = this.#active * ROW;
    const { scrollTop, clientHeight } = this.el;
    if (!clientHeight) return;
    if (top < scrollTop) this.el.scrollTop = top;
    else if (top + ROW > scrollTop + clientHeight) this.el.scrollTop = top + ROW - clientHeight;
    this.#draw();
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const to = stepped(event.key, this.#active, this.#rows.length, Math.max(1, Math.floor(this.el.clientHeight / ROW)));
    if (to >= 0) {
      this.#active = to;
      this.#reveal();
      this.#mark();
    } else if (event.key === "Enter" && this.#rows.length) this.open(this.#rows[this.#active].dimension);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const node = event.target instanceof Element ? event.target.closest("[role=option]") : null;
    if (!(node instanceof HTMLElement)) return;
    this.#active = Number(node.dataset.index);
    this.#mark();
    this.open(this.#rows[this.#active].dimension);
  }
}

/** @param {Panel & {sticky: HTMLElement}} panel */
export function unitsPage(panel) {
  const { model, link, host, signal } = panel;
  /** @returns {Units} */
  const own = () => model.get("units") ?? {};
  /** @returns {UnitState} */
  const opened = () => model.get("unit") ?? {};
  // What is computed here is stopped here: the rest of the panel goes on.
  /** @type {Pick<Link, "send">} */
  const worker = { send: (kind, content) => link.send(kind === "cancel" ? "cancel_units" : kind, content) };

  const models = h("select", { "aria-label": "Model" });
  const layers = h("select", { "aria-label": "Layer" });
  const about = h("span.ev-faint", {}, "what single dimensions of a layer answer to");
  const state = stateBox({ link: worker, retry: () => link.send("analyse_units") });
  const planText = h("p", { dir: "auto" });
  const go = h("button.ev-primary", { type: "button", onclick: () => link.send("analyse_units") }, "Analyse");
  const plan = h("div.ev-units-plan", { hidden: true, role: "group", "aria-label": "What it costs" }, planText, go);

  const search = h("input", { type: "search", placeholder: "Search" });
  search.setAttribute("aria-label", "Search dimensions by the tags they go with");
  const sort = h("select", { "aria-label": "Sort dimensions by" });
  const said = h("span.ev-units-said.ev-faint", { role: "status", dir: "auto" });
  const find = h(
    "div.ev-units-find",
    { role: "search" },
    search,
    h("label", {}, h("span.ev-faint", {}, "by"), sort),
    said,
  );
  let asked = 0;
  const open = (/** @type {number} */ dimension) => {
    asked += 1;
    link.send("show_unit", { dimension });
  };
  const list = new UnitList(panel, { open });
  const key = h(
    "p.ev-units-key.ev-faint",
    {},
    "Each histogram: all frames of the collection; the line below it: the open track.",
  );
  const figure = h("span");
  const heads = h("div.ev-units-heads.ev-faint", { "aria-hidden": "true" });
  heads.append(h("span", {}, "dim."), h("span", {}, "values"), h("span", {}, "goes with"), figure);
  const pane = h("div.ev-units-pane", {}, find, heads, list.el, key);

  const cardState = stateBox({ link: worker, retry: () => open(opened().dimension ?? 0) });
  const cardView = slot({ host, signal });
  const sheets = ["Highest moments", "Lowest moments"].map((title) => {
    const place = slot({ host, signal });
    const el = h("section", { hidden: true, role: "group", "aria-label": title }, h("h4", {}, title), place.el);
    return { el, place };
  });
  const close = h("button.ev-plain.ev-units-close", { type: "button", "aria-label": "Close the card", title: "Close" });
  close.append(icon(ICONS.close));
  close.addEventListener("click", () => {
    link.send("close_unit");
    list.el.focus({ preventScroll: true });
  });
  const card = h(
    "section.ev-units-card",
    { hidden: true, role: "group", "aria-label": "Card of a dimension" },
    cardState.el,
    cardView.el,
    ...sheets.map(({ el }) => el),
    close,
  );
  card.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    event.preventDefault();
    event.stopPropagation();
    close.click();
  });
  const body = h("div.ev-units-body", { hidden: true }, pane, card);
  const notes = h("ul.ev-units-notes", { "aria-label": "Notes" });
  const el = h(
    "div.ev-units",
    {},
    h("div.ev-panel-card-head", {}, h("h3", {}, "Units"), models, layers, about),
    state.el,
    plan,
    body,
    notes,
  );

  const send = () => link.send("show_units", { model: models.value, layer: layers.value });
  models.addEventListener("change", () => {
    fillLayers(models.value, "embedding");
    send();
  });
  layers.addEventListener("change", send);
  sort.addEventListener("change", () => link.send("list_units", { sort: sort.value, search: search.value }));
  const searchSoon = throttled(
    () => link.send("list_units", { sort: sort.value, search: search.value }),
    SEARCHED,
    signal,
  );
  search.addEventListener("input", searchSoon);

  /** @param {string} name of a model @param {string} [value] */
  function fillLayers(name, value) {
    const known = (panel.modelOf(name)?.layers ?? []).filter(({ axes }) => !axes.includes("s")).map((one) => one.name);
    const all = !value || known.includes(value) ? known : [...known, value];
    fillSelect(
      layers,
      all.map((layer) => ({ value: layer, label: layer })),
      value ?? all.at(-1) ?? "",
    );
  }

  // Below the player and the tabs, which stay, too.
  const below = new ResizeObserver(() => el.style.setProperty("--ev-units-top", `${panel.sticky.offsetHeight}px`));
  below.observe(panel.sticky);
  signal.addEventListener("abort", () => below.disconnect(), { once: true });

  function update() {
    if (!panel.visible("units")) return;
    const item = own();
    const usable = (model.get("models") ?? []).filter((/** @type {{layers?: unknown[]}} */ one) => one.layers?.length);
    fillSelect(models, modelOptions(usable), item.model || models.value);
    fillLayers(models.value, item.model ? item.layer : layers.value || "embedding");
    const working = Boolean(item.status) && item.status !== "ready";
    plan.hidden = working || !item.plan;
    write(planText, plain(item.plan));
    state.update(item, panel.modelOf(item.model), model.get("downloads")?.[item.model ?? ""]);
    updateList(item);
    updateCard();
    const words = JSON.stringify(item.notes);
    if (notes.dataset.key !== words) {
      notes.dataset.key = words;
      notes.replaceChildren(...(item.notes ?? []).map((text) => h("li", { dir: "auto" }, plain(text))));
    }
    notes.hidden = !item.notes?.length;
  }

  /** @param {Units} item */
  function updateList(item) {
    body.hidden = !item.rows?.length;
    if (!item.rows?.length) return;
    fillSelect(sort, titled(item.sorts), item.sort ?? "");
    // What is being typed is newer than what comes back.
    if (document.activeElement !== search) search.value = item.search ?? "";
    search.placeholder = item.examples?.length ? `Search: ${item.examples.map(plain).join(", ")} …` : "Search";
    write(said, plain(item.said));
    const byDimension = new Map(item.rows.map((row) => [row.dimension, row]));
    const rows = (item.order ?? []).flatMap((dimension) => byDimension.get(dimension) ?? []);
    write(figure, FIGURES[item.sort ?? ""] ?? "selectivity");
    list.fill(rows, item, opened().dimension);
  }

  function updateCard() {
    const item = opened();
    const there = item.dimension !== undefined;
    card.hidden = !there;
    body.classList.toggle("ev-units-carded", there);
    cardState.update(there ? item : { status: "" });
    cardView.set(there ? item.view : "");
    for (const [i, ref] of [item.highest, item.lowest].entries()) {
      sheets[i].place.set(there ? ref : "");
      sheets[i].el.hidden = !there || !ref;
    }
    if (!there || !asked || !item.view) return;
    asked = 0;
    panel.announce(`Card of dimension ${item.dimension}`);
    // Below the list, where there is no room beside it.
    if (card.offsetLeft <= pane.offsetLeft + 8) card.scrollIntoView({ block: "nearest" });
  }

  /** Begin where nothing has begun. */
  function ask() {
    const item = own();
    if (item.model || item.status) return;
    const first = firstChoice(model.get("rows"), model.get("models") ?? []);
    if (first) link.send("show_units", { model: first.model, layer: first.layer });
  }

  onChange(model, "units unit models downloads", update, signal);
  return { el, update, ask };
}
