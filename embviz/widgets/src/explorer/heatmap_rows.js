/** The poster: the chosen models and layers, a row each, all on one clock. */
import { h, icon, onChange, write } from "../base/dom.js";
import {
  fillHops,
  fillSelect,
  hopChoices,
  hopIndex,
  ICONS,
  nameOf,
  plain,
  quoted,
  slot,
  stateBox,
} from "../base/ui.js";

/** @import { Choice } from "../types.js" */
/** @import { HeatmapRow, ModelOption, NameTitle, Panel } from "./types.js" */

/** Height in pixels that is kept for a row whose picture is not there yet. */
const EXPECTED = 180;
/** What first readers look for. */
const TAGS = "For tags, choose MusiCNN's layer “output”, or see the page “What it hears”.";
/** What an empty poster offers: system, layer, why. */
const OFFERS = [
  ["musicnn", "embedding", "what its tags are made of: timbre and rhythm"],
  ["musicnn", "output", "tags: instruments, styles, moods"],
  ["tempocnn", "output", "how likely each tempo is, over time"],
  ["vgg", "embedding", "the same task, by plain convolutions"],
  ["spleeter", "embedding", "what separates voice and accompaniment"],
];

/**
 * Three models and layers to begin with, of each system the largest; those that need no download come first.
 * @param {ModelOption[]} models
 * @returns {{model: string, title: string, layer: string, why: string, ready: boolean}[]}
 */
export function suggestions(models) {
  const has = (/** @type {ModelOption} */ model, /** @type {string} */ layer) =>
    model.layers.some(({ name }) => name === layer);
  const ready = [...models].sort(
    (a, b) => Number(a.state !== "ready") - Number(b.state !== "ready") || b.parameters - a.parameters,
  );
  const offers = OFFERS.flatMap(([system, layer, why]) => {
    const model = ready.find((entry) => entry.system === system && has(entry, layer));
    return model ? [{ model: model.name, title: model.title, layer, why, ready: model.state === "ready" }] : [];
  });
  return offers.sort((a, b) => Number(b.ready) - Number(a.ready)).slice(0, 3);
}

/**
 * Where a dragged row would be put: its index among all rows, once it has been taken out.
 * @param {number} y @param {{top: number, height: number}[]} boxes of all rows, in order @param {number} from
 */
export function dropIndex(y, boxes, from) {
  const before = boxes.filter(({ top, height }, i) => i !== from && top + height / 2 < y);
  return before.length;
}

/** What a row can have below it. @param {NameTitle[]} [heads] @returns {Choice[]} */
export function headChoices(heads) {
  if (!heads?.length) return [];
  return [{ value: "", label: "Head: none" }, ...heads.map(({ name, title }) => ({ value: name, label: title }))];
}

/** What a row shows: model and layer. @param {Partial<HeatmapRow>} row */
function fullTitle({ title, layer }) {
  return quoted(layer ? `${title} · ${layer}` : title);
}

/**
 * Put children in an order, moving as few as possible: what moves would lose its focus and its scrolling.
 * @param {HTMLElement} parent @param {HTMLElement[]} nodes
 */
export function arrange(parent, nodes) {
  /** @type {HTMLElement | null} */
  let next = null;
  for (const node of [...nodes].reverse()) {
    if (node.parentNode !== parent || node.nextElementSibling !== next) {
      const active = /** @type {HTMLElement | null} */ (document.activeElement);
      const focused = node.contains(active) ? active : null;
      // Where the browser can, a node is moved with all of its state.
      if (node.parentNode === parent && parent.moveBefore) parent.moveBefore(node, next);
      else parent.insertBefore(node, next);
      if (focused && document.activeElement !== focused) focused.focus({ preventScroll: true });
    }
    next = node;
  }
}

/** @param {Panel} panel */
export function poster(panel) {
  const { model, link, signal } = panel;
  const list = h("div.ev-panel-rows", { role: "list", "aria-label": "Models and layers" });
  const offers = h("div.ev-panel-offers");
  const empty = h(
    "div.ev-panel-blank",
    { hidden: true },
    h("h3", {}, "What would you like to see?"),
    h("p.ev-faint", {}, "Each model and layer becomes a row; all rows follow the same playhead."),
    offers,
  );
  const add = h("button", { type: "button", title: TAGS }, icon(ICONS.plus), "Add a model or layer");
  const undo = h(
    "button",
    { type: "button", title: "Take back the last change of the rows" },
    icon(ICONS.undo),
    "Undo",
  );
  const farewell = h("span", { role: "status" });
  const back = h("button", { type: "button" }, icon(ICONS.undo), "Undo");
  const removed = h("div.ev-panel-removed", { role: "listitem", hidden: true }, farewell, back);
  const el = h("div.ev-panel-heatmaps", {}, list, empty, h("div.ev-panel-add", {}, add, undo));
  /** @type {Map<number, ReturnType<typeof rowOf>>} */
  const rows = new Map();
  let undoable = false;
  let place = 0;

  add.addEventListener("click", () =>
    panel.pick({ title: "Add a model or layer", button: "Add", choose: (choice) => link.send("add_row", choice) }),
  );
  const takeBack = () => {
    removed.hidden = true;
    link.send("undo");
    add.focus({ preventScroll: true });
  };
  undo.addEventListener("click", takeBack);
  back.addEventListener("click", takeBack);

  function update() {
    if (!panel.visible("heatmaps")) return;
    /** @type {HeatmapRow[]} */
    const items = model.get("rows") ?? [];
    const ids = new Set(items.map(({ id }) => id));
    for (const [id, row] of rows) {
      if (ids.has(id)) continue;
      row.end();
      rows.delete(id);
    }
    const nodes = items.map((item, index) => {
      const row = rows.get(item.id) ?? rowOf(panel, list, { leaves, changes });
      rows.set(item.id, row);
      row.update(item, index, items.length);
      return row.el;
    });
    // What is offered back goes when it has been taken back, here or elsewhere.
    if (undoable && !model.get("can_undo")) removed.hidden = true;
    undoable = model.get("can_undo");
    if (removed.hidden) removed.remove();
    else nodes.splice(place, 0, removed);
    arrange(list, nodes);
    empty.hidden = items.length > 0;
    list.hidden = nodes.length === 0;
    undo.hidden = !undoable || !removed.hidden;
    if (!items.length) offer();
  }

  /** What was taken out is offered back only until something else can be taken back. */
  function changes() {
    removed.hidden = true;
    update();
  }

  /** A row is taken out: say so, and offer it back, where it was. @param {string} title @param {number} index */
  function leaves(title, index) {
    place = index;
    farewell.replaceChildren(nameOf(title), " was removed.");
    removed.hidden = false;
    update();
    back.focus({ preventScroll: true });
  }

  function offer() {
    const found = suggestions(model.get("models") ?? []);
    const key = JSON.stringify(found);
    if (offers.dataset.key === key) return;
    offers.dataset.key = key;
    offers.replaceChildren(
      ...found.map(({ model: name, title, layer, why }) =>
        h(
          "button.ev-panel-offer",
          { type: "button", onclick: () => link.send("add_row", { model: name, layer, hop: null }) },
          h("strong", {}, `${quoted(title)} · ${layer}`),
          h("span.ev-faint", {}, why),
        ),
      ),
    );
  }

  const forget = () => {
    removed.hidden = true;
  };
  onChange(model, "track", forget, signal);
  onChange(model, "rows models downloads can_undo track tracks", update, signal);
  return { el, update };
}

/**
 * A row of the poster.
 * @param {Panel} panel @param {HTMLElement} list that it stands in
 * @param {{leaves: (title: string, index: number) => void, changes: () => void}} act
 */
function rowOf(panel, list, { leaves, changes }) {
  const { model, link, host } = panel;
  const controller = new AbortController();
  panel.signal.addEventListener("abort", () => controller.abort(), { once: true, signal: controller.signal });
  const signal = controller.signal;
  /** @type {Partial<HeatmapRow>} */
  let item = {};
  let index = 0;
  let count = 0;
  let ready = "";

  /** @param {string} path @param {() => void} [press] */
  const plainButton = (path, press) => {
    const button = h("button.ev-plain", { type: "button", onclick: press });
    button.append(icon(path));
    return button;
  };
  const move = (/** @type {number} */ to) =>
    to >= 0 && to < count && to !== index && link.send("move_row", { row: item.id, to });
  const grip = plainButton(ICONS.grip);
  grip.classList.add("ev-panel-grip");
  const fold = plainButton(ICONS.chevron, () => {
    const collapsed = !body.hidden;
    showBody(!collapsed);
    link.send("collapse_row", { row: item.id, collapsed });
  });
  fold.classList.add("ev-panel-fold");
  const title = h("button.ev-plain.ev-panel-row-title", { type: "button" });
  const facts = h("span.ev-panel-facts.ev-faint", { dir: "auto" });
  const hop = h("select.ev-panel-hop");
  const head = h("select.ev-panel-pick-head", { hidden: true });
  const up = plainButton(ICONS.up, () => move(index - 1));
  const down = plainButton(ICONS.down, () => move(index + 1));
  const away = plainButton(ICONS.close, () => {
    link.send("remove_row", { row: item.id });
    leaves(fullTitle(item), index);
  });
  const state = stateBox({ link, retry: () => link.send("retry_row", { row: item.id }) });
  const view = slot({ host, signal });
  const choose = (/** @type {string | undefined} */ name) => {
    link.send("choose_head", { row: item.id, head: name });
    changes();
  };
  const answerState = stateBox({ link, retry: () => choose(item.head) });
  const answer = slot({ host, signal });
  const answers = h("div.ev-panel-answers", { role: "group", hidden: true }, answerState.el, answer.el);
  const body = h("div.ev-panel-row-body", {}, state.el, view.el, answers);
  const tools = h("div.ev-panel-row-tools", {}, head, hop, up, down, away);
  const heading = h("div.ev-panel-row-head", {}, grip, fold, title, facts, tools);
  const el = h("div.ev-panel-row", { role: "listitem" }, heading, body);

  title.addEventListener("click", () =>
    panel.pick({
      title: "Change the model or layer of this row",
      button: "Change",
      current: item,
      choose: (choice) => link.send("change_row", { row: item.id, ...choice }),
    }),
  );
  hop.addEventListener("change", () => {
    const chosen = choices()[Number(hop.value)].hop;
    link.send("change_row", { row: item.id, model: item.model, layer: item.layer, hop: chosen });
  });
  head.addEventListener("change", () => choose(head.value));
  heading.addEventListener("keydown", (event) => {
    const by = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
    if (!event.altKey || !by) return;
    event.preventDefault();
    event.stopPropagation();
    move(index + by);
  });
  drags(grip, el, list, { signal, index: () => index, drop: move });

  const choices = () => hopChoices(panel.modelOf(item.model), panel.seconds(), item.hop);

  /** @param {boolean} open */
  function showBody(open) {
    body.hidden = !open;
    fold.setAttribute("aria-expanded", String(open));
    // What is mounted where nothing can be seen would have no size.
    if (open && item.view) view.set(item.view);
    if (open) answer.set(item.answer?.view ?? "");
  }

  /** What a head says of the row: the curves below it. */
  function updateAnswer() {
    const offered = headChoices(item.heads);
    fillSelect(head, offered, item.head ?? "");
    head.hidden = !offered.length;
    answers.hidden = !item.answer;
    answers.setAttribute("aria-label", item.answer ? `${quoted(item.answer.title)}, from ${fullTitle(item)}` : "");
    answerState.update(item.answer ?? {}, panel.modelOf(item.model), undefined);
  }

  function label() {
    const name = fullTitle(item);
    el.setAttribute("aria-label", name);
    fold.setAttribute("aria-label", `Show ${name}`);
    title.setAttribute("aria-label", `${name}: change the model or layer`);
    title.title = `Change the model or layer. ${TAGS}`;
    hop.setAttribute("aria-label", `Patch hop of ${name}`);
    head.setAttribute("aria-label", `Head of ${name}`);
    head.title = "A classifier on these embeddings: what it says over time is drawn below";
    for (const [way, button] of Object.entries({ up, down })) {
      button.setAttribute("aria-label", `Move ${name} ${way}`);
      button.title = `Move ${way} (Alt + ${way === "up" ? "↑" : "↓"})`;
    }
    away.setAttribute("aria-label", `Remove ${name}`);
    away.title = "Remove this row";
    grip.setAttribute("aria-label", `Drag ${name}; or move it with Alt and the arrow keys`);
    grip.title = "Drag to another place";
  }

  return {
    el,
    end() {
      controller.abort();
      el.remove();
    },
    /** @param {HeatmapRow} next @param {number} place @param {number} total */
    update(next, place, total) {
      const before = item;
      const { status = "" } = next;
      item = next;
      index = place;
      count = total;
      if (before.title !== item.title || before.layer !== item.layer) {
        const layer = item.layer ? h("span.ev-panel-row-layer", { dir: "auto" }, `· ${plain(item.layer)}`) : null;
        title.replaceChildren(nameOf(item.title), ...(layer ? [layer] : []), icon(ICONS.chevron));
        label();
      }
      write(facts, plain(item.facts));
      facts.title = quoted(item.facts);
      const offered = choices();
      fillHops(hop, offered, hopIndex(offered, next.hop));
      hop.title = hop.disabled
        ? "The patches of this model follow each other at one hop only"
        : "How far apart the patches begin: smaller hops cost more";
      // Not disabled for good: the button that has just moved the row must keep the focus.
      up.setAttribute("aria-disabled", String(index === 0));
      down.setAttribute("aria-disabled", String(index === count - 1));
      const own = panel.modelOf(next.model);
      state.update(item, own, model.get("downloads")?.[next.model]);
      el.setAttribute("aria-busy", String(["waiting", "running", "partial"].includes(status)));
      el.dataset.status = status;
      const expects = !item.view && ["waiting", "running"].includes(status);
      body.classList.toggle("ev-panel-expects", expects);
      body.style.height = expects ? `${item.height || EXPECTED}px` : "";
      if (!item.view) view.set("");
      updateAnswer();
      showBody(!item.collapsed);
      if (ready && ready !== status && ["ready", "failed"].includes(status)) {
        panel.announce(`${fullTitle(item)}: ${status === "ready" ? "computed" : quoted(item.message)}`);
      }
      ready = status;
    },
  };
}

/**
 * Drag a row by its grip; it is put where it is let go.
 * @param {HTMLElement} grip @param {HTMLElement} row @param {HTMLElement} list
 * @param {{signal: AbortSignal, index: () => number, drop: (to: number) => void}} options
 */
function drags(grip, row, list, { signal, index, drop }) {
  let to = -1;
  const line = h("div.ev-panel-drop-line", { hidden: true });
  const boxes = () => [...list.querySelectorAll(":scope > .ev-panel-row")].map((el) => el.getBoundingClientRect());
  grip.addEventListener(
    "pointerdown",
    (event) => {
      if (event.button) return;
      event.preventDefault();
      grip.focus({ preventScroll: true });
      grip.setPointerCapture(event.pointerId);
      to = index();
      row.classList.add("ev-panel-dragged");
      list.append(line);
    },
    { signal },
  );
  grip.addEventListener(
    "pointermove",
    (event) => {
      if (to < 0) return;
      const all = boxes();
      to = dropIndex(event.clientY, all, index());
      const others = all.filter((_box, i) => i !== index());
      const y = to < others.length ? others[to].top : (others.at(-1)?.bottom ?? all[0].top);
      line.hidden = to === index();
      line.style.top = `${y - list.getBoundingClientRect().top - 1}px`;
    },
    { signal },
  );
  const end = (/** @type {PointerEvent} */ event) => {
    if (to < 0) return;
    const target = to;
    to = -1;
    row.classList.remove("ev-panel-dragged");
    line.remove();
    if (event.type === "pointerup") drop(target);
  };
  grip.addEventListener("pointerup", end, { signal });
  grip.addEventListener("pointercancel", end, { signal });
}
