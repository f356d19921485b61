/** What the pages of the panel share: words, the state of a piece of work, places for other widgets, dialogs. */
import { h, icon, write } from "./dom.js";
import { spanOf } from "./format.js";

/** @import { Child, Choice, Download, Hop, Host, ModelChoice, WorkItem } from "../types.js" */

export const ICONS = {
  menu: "M2 3.5h12v1.4H2zM2 7.3h12v1.4H2zM2 11.1h12v1.4H2z",
  close: "M4 3l4 4 4-4 1 1-4 4 4 4-1 1-4-4-4 4-1-1 4-4-4-4z",
  chevron: "M3.2 5.2 8 10l4.8-4.8 1 1L8 12 2.2 6.2z",
  up: "M8 3l5 5-1 1-3.3-3.3V13H7.3V5.7L4 9 3 8z",
  down: "M8 13l5-5-1-1-3.3 3.3V3H7.3v7.3L4 7 3 8z",
  grip: "M5 2.5h2v2H5zM9 2.5h2v2H9zM5 7h2v2H5zM9 7h2v2H9zM5 11.5h2v2H5zM9 11.5h2v2H9z",
  plus: "M7.3 3h1.4v4.3H13v1.4H8.7V13H7.3V8.7H3V7.3h4.3z",
  copy: "M5 2h8v9h-1.4V3.4H5zM3 5h7v9H3zm1.4 1.4v6.2h4.2V6.4z",
  save: "M7.3 2h1.4v6.3l2.3-2.3 1 1L8 11 4 7l1-1 2.3 2.3zM2.5 10H4v2.6h8V10h1.5v4h-11z",
  undo: "M6.2 3.2 5.2 2.2 1.8 5.6l3.4 3.4 1-1L4.5 6.3H10a2.8 2.8 0 0 1 0 5.6H6v1.4h4a4.2 4.2 0 0 0 0-8.4H4.5z",
  play: "M4 2.5v11l9-5.5z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  next: "M3 2.5v11l7.5-5.5zM11.5 2.5H13v11h-1.5z",
  sliders:
    "M2 4h6.2a2 2 0 0 1 3.6 0H14v1.4h-2.2a2 2 0 0 1-3.6 0H2zM2 10.6h2.2a2 2 0 0 1 3.6 0H14V12H7.8a2 2 0 0 1-3.6 0H2z",
  note: "M6 3l7-1.4v8.9a2.2 2.2 0 1 1-1.4-2V5L7.4 5.9v6.6A2.2 2.2 0 1 1 6 10.4z",
};

let serial = 0;

/** A name for an element that no other element of the page has. @param {string} what */
export function uid(what) {
  serial += 1;
  return `ev-${what}-${serial}-${Math.random().toString(36).slice(2, 7)}`;
}

/** Text of others on one line: characters that break or control lines become spaces. @param {unknown} text */
export function plain(text) {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  return String(text ?? "").replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ");
}

/**
 * The same for attributes and sentences, where nothing else keeps a change of direction from leaking.
 * @param {unknown} text
 */
export function quoted(text) {
  return plain(text).replace(/[\u202a-\u202e\u2066-\u2069\u200e\u200f]/g, "");
}

/** An element for a name of unknown script and direction. @param {unknown} text @returns {HTMLElement} */
export function nameOf(text, tag = "span.ev-panel-name") {
  return h(tag, { dir: "auto" }, plain(text));
}

/** @param {number | undefined} bytes @returns {string} such as ``12 MB`` */
export function sizeOf(bytes) {
  if (!bytes || !(bytes > 0)) return "";
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
  if (bytes < 1e7) return `${(bytes / 1e6).toFixed(1)} MB`;
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** @param {number} number @returns {string} such as ``787 k`` or ``19.6 M`` */
export function countOf(number) {
  if (number < 1e3) return String(number);
  if (number < 1e6) return `${Math.round(number / 1e3)} k`;
  return `${(number / 1e6).toFixed(number < 1e8 ? 1 : 0)} M`;
}

/**
 * An estimate of work, as roughly as it is known; empty where nothing is.
 * @param {number} seconds @returns {string} such as ``≈ 12 s of computing``
 */
export function costOf(seconds) {
  return seconds > 0 ? `${roughly(seconds)} of computing` : "";
}

/** @param {number} seconds */
function roughly(seconds) {
  if (seconds < 1) return "< 1 s";
  if (seconds < 10) return `≈ ${Math.round(seconds)} s`;
  if (seconds < 100) return `≈ ${Math.round(seconds / 5) * 5} s`;
  return seconds < 5400 ? `≈ ${Math.round(seconds / 60)} min` : `≈ ${(seconds / 3600).toFixed(1)} h`;
}

/** @param {number[] | null | undefined} shape @returns {string} such as ``187 × 96`` */
export function timesOf(shape) {
  return (shape ?? []).join(" × ");
}

/** @type {Record<string, string>} */
const AXES = { t: "time", f: "frequency", c: "channels", s: "samples", 1: "one" };

/**
 * The axes of a layer spelled out.
 * @param {number[] | null | undefined} shape @param {ArrayLike<string> | null} [axes] a letter for each
 * @returns {string} such as ``187 (time) × 96 (frequency)``
 */
export function axesOf(shape, axes) {
  const nameAt = (/** @type {number} */ i) => AXES[axes?.[i] ?? ""];
  return (shape ?? []).map((n, i) => (nameAt(i) ? `${n} (${nameAt(i)})` : String(n))).join(" × ");
}

/**
 * The hops that are offered for a model, with what they would cost for a track.
 * @param {ModelChoice | null | undefined} model @param {number | null | undefined} seconds length of the track
 * @param {Hop} [chosen] is offered, too
 * @returns {HopChoice[]}
 * @typedef {{hop: Hop, label: string, cost: number}} HopChoice
 */
export function hopChoices(model, seconds, chosen = null) {
  const own = model?.hop ?? 0;
  const shared = model?.shared_cost ?? 0;
  const cost = (/** @type {number} */ hop) =>
    (shared + (((model?.cost ?? 0) - shared) * own) / (hop || 1)) * ((seconds ?? 0) / 60);
  /** @param {Hop} hop @param {number} every @param {string} label @returns {HopChoice} */
  const choice = (hop, every, label) => ({ hop, label, cost: own ? cost(every) : 0 });
  const choices = [choice(null, own, own ? `every ${spanOf(own)}` : "own hop")];
  if (model && !model.fixed_hop && own) {
    const hops = model.finer.filter((hop) => hop > model.finest * 1.01);
    if (typeof chosen === "number" && ![own, ...hops].some((hop) => Math.abs(hop - chosen) < 1e-6)) hops.push(chosen);
    for (const hop of hops.sort((a, b) => b - a)) choices.push(choice(hop, hop, `every ${spanOf(hop)}`));
    if (model.finest < own) choices.push(choice("dense", model.finest, `dense: every ${spanOf(model.finest)}`));
  } else if (chosen !== null) {
    choices.push({ hop: chosen, label: chosen === "dense" ? "dense" : `every ${spanOf(chosen)}`, cost: 0 });
  }
  return choices;
}

/**
 * The choice that a hop means; equal hops need not be equal to the last bit.
 * @param {HopChoice[]} choices @param {Hop} hop
 */
export function hopIndex(choices, hop) {
  const near = (/** @type {Hop} */ other) =>
    typeof hop === "number" && typeof other === "number" && Math.abs(other - hop) < 1e-6;
  const found = choices.findIndex((choice) => choice.hop === hop || near(choice.hop));
  return Math.max(0, found);
}

/**
 * Fill a select with hops, once for each change of what is offered.
 * @param {HTMLSelectElement} select @param {HopChoice[]} choices @param {number} index
 */
export function fillHops(select, choices, index) {
  fillSelect(
    select,
    choices.map(({ label, cost }, i) => ({
      value: String(i),
      // What is chosen is computed already, or its cost stands beside; a row has room for little.
      label: costOf(cost) && i !== index ? `${label} · ${costOf(cost)}` : label,
    })),
    String(index),
  );
  select.disabled = choices.length < 2;
}

/**
 * Fill a select; an open one is left alone where nothing has changed.
 * @param {HTMLSelectElement} select @param {Choice[]} options @param {string} value
 */
export function fillSelect(select, options, value) {
  const key = JSON.stringify(options);
  if (select.dataset.key !== key) {
    select.dataset.key = key;
    /** @type {Map<string, HTMLElement>} */
    const groups = new Map();
    const nodes = [];
    for (const { value: own, label, group, disabled } of options) {
      const option = h("option", { value: own, disabled: Boolean(disabled) }, quoted(label));
      const before = groups.get(group ?? "");
      if (!group) nodes.push(option);
      else if (before) before.append(option);
      else {
        const made = h("optgroup", { label: quoted(group) }, option);
        groups.set(group, made);
        nodes.push(made);
      }
    }
    select.replaceChildren(...nodes);
  }
  if (select.value !== value) select.value = value;
}

/** Names with titles as choices of a select. @param {Record<string, string>} [titles] by name */
export function titled(titles = {}) {
  return Object.entries(titles).map(([value, label]) => ({ value, label }));
}

/** Models as choices of a select. @param {ModelChoice[]} models @returns {Choice[]} */
export function modelOptions(models) {
  return models.map((model) => ({
    value: model.name,
    label:
      model.title +
      (model.state === "download" ? " (to download)" : model.state === "absent" ? " (not available)" : ""),
    group: model.system_title || model.system,
  }));
}

/** A bar of progress; without a total it says only that something goes on. @param {string} label */
export function progressBar(label) {
  const fill = h("span");
  const el = h("span.ev-panel-bar", { role: "progressbar", "aria-label": label, "aria-valuemin": 0 }, fill);
  return {
    el,
    /** @param {number} [done] @param {number} [total] */
    update(done = 0, total = 0) {
      const known = total > 0;
      el.classList.toggle("ev-panel-endless", !known);
      fill.style.width = known ? `${Math.min(100, (100 * done) / total).toFixed(1)}%` : "";
      if (known) {
        el.setAttribute("aria-valuemax", String(total));
        el.setAttribute("aria-valuenow", String(Math.min(done, total)));
      } else {
        el.removeAttribute("aria-valuemax");
        el.removeAttribute("aria-valuenow");
      }
    },
  };
}

/**
 * How far a piece of work is.
 * @param {string | undefined} stage @param {number} [done] @param {number} [total]
 * @returns {string} such as ``layer 3 of 12``
 */
export function progressText(stage, done = 0, total = 0) {
  if (!(total > 0)) return plain(stage);
  const amount = total > 1e5 ? `${sizeOf(done) || "0 MB"} of ${sizeOf(total)}` : `${done} of ${total}`;
  if (stage?.replaceAll(",", "").includes(amount)) return plain(stage);
  return stage ? `${plain(stage)} · ${amount}` : amount;
}

/**
 * What the box of a piece of work shows; empty where there is nothing to say.
 * @param {Partial<WorkItem>} item @param {Download} [pulled]
 */
export function stateOf(item, pulled) {
  const { status = "" } = item;
  if (status === "download") return !pulled ? "download" : pulled.error ? "broken" : "pulling";
  return ["waiting", "running", "partial", "failed", "cancelled"].includes(status) ? status : "";
}

/**
 * The state of a piece of work: what it does, how far it is, what went wrong, and the buttons for it.
 * @param {{link: Pick<import("./commands.js").Link, "send">, retry: () => void}} options
 */
export function stateBox({ link, retry }) {
  const el = h("div.ev-panel-state", { hidden: true });
  let shown = "";
  /** @typedef {(item: Partial<WorkItem>, model: ModelChoice | undefined, pulled: Download) => void} Refresh */
  /** @type {Refresh} */
  let refresh = () => {};

  /** @param {string} label @param {() => void} press @param {boolean} [primary] */
  const button = (label, press, primary) =>
    h(primary ? "button.ev-primary" : "button", { type: "button", onclick: press }, label);
  /** @param {string} label @param {() => void} press @param {(item: Partial<WorkItem>, pulled: Download) => Download} more */
  const working = (label, press, more) => {
    const text = h("span.ev-panel-stage", { dir: "auto" });
    const bar = progressBar("Progress");
    el.replaceChildren(text, bar.el, button(label, press));
    refresh = (item, _model, pulled) => {
      const { stage, done, total } = more(item, pulled);
      write(text, progressText(stage, done, total));
      bar.el.hidden = item.status === "waiting";
      bar.update(done, total);
    };
  };
  /**
   * @param {string | ((model: ModelChoice | undefined) => string)} label @param {() => void} press
   * @param {(item: Partial<WorkItem>, pulled: Download) => (string | undefined)[]} words @param {boolean} [primary]
   */
  const saying = (label, press, words, primary) => {
    const text = h("span.ev-panel-message", { dir: "auto" });
    const remedy = h("span.ev-panel-remedy", { dir: "auto" });
    const act = button("", press, primary);
    el.replaceChildren(h("span.ev-panel-sentence", {}, text, " ", remedy), act);
    refresh = (item, model, pulled) => {
      const [first, second] = words(item, pulled);
      write(text, plain(first));
      write(remedy, plain(second));
      write(act, typeof label === "function" ? label(model) : label);
    };
  };
  /** @type {{name?: string}} */
  let current = {};
  const pull = () => link.send("pull", { model: current.name });
  /** @type {Record<string, () => void>} */
  const build = {
    waiting: () =>
      working(
        "Cancel",
        () => link.send("cancel"),
        () => ({ stage: "waiting for its turn", done: 0, total: 0 }),
      ),
    running: () =>
      working(
        "Cancel",
        () => link.send("cancel"),
        (item) => ({ ...item, stage: item.stage || "computing" }),
      ),
    partial: () =>
      working(
        "Cancel",
        () => link.send("cancel"),
        (item) => ({ ...item, stage: item.stage || "computing" }),
      ),
    failed: () => saying("Try again", retry, (item) => [item.message || "This did not work.", item.remedy]),
    cancelled: () => saying("Compute", retry, (item) => [item.message || "Cancelled.", item.remedy]),
    download: () =>
      saying(
        (model) => `Download ${sizeOf(model?.bytes)}`.trim(),
        pull,
        (item) => [item.message || "The weights of this model are not on this computer.", item.remedy],
        true,
      ),
    pulling: () =>
      working(
        "Stop",
        () => link.send("stop_pull", { model: current.name }),
        (_item, pulled) => ({
          ...pulled,
          stage: pulled.stage || "downloading",
        }),
      ),
    broken: () => saying("Try again", pull, (_item, pulled) => [pulled.error, pulled.remedy]),
  };

  return {
    el,
    /** @param {Partial<WorkItem>} item @param {ModelChoice} [model] @param {Download} [pulled] of the model's weights */
    update(item, model, pulled) {
      const state = stateOf(item, pulled);
      current = model ?? { name: item.model };
      if (state !== shown) {
        const focused = el.contains(document.activeElement);
        shown = state;
        refresh = () => {};
        el.replaceChildren();
        el.className = `ev-panel-state ev-panel-${state || "none"}`;
        el.hidden = !state;
        build[state]?.();
        if (focused) el.querySelector("button")?.focus();
      }
      refresh(item, model, pulled ?? {});
    },
  };
}

/** A reference to a widget as the page's host wants it. @param {string | null | undefined} view */
export function refOf(view) {
  return String(view ?? "").replace(/^IPY_MODEL_/, "anywidget:");
}

/**
 * A place for another widget, which stays as it is for as long as it is the same one.
 * @param {{host: Host, signal: AbortSignal}} options
 */
export function slot({ host, signal }) {
  const el = h("div.ev-panel-slot");
  let mounted = "";
  /** @type {AbortController | null} */
  let controller = null;
  signal.addEventListener("abort", () => controller?.abort(), { once: true });
  return {
    el,
    get view() {
      return mounted;
    },
    /** @param {string | null | undefined} view such as ``IPY_MODEL_…``; empty takes the widget away */
    set(view) {
      if ((view || "") === mounted) return;
      controller?.abort();
      el.replaceChildren();
      mounted = view || "";
      if (!mounted || signal.aborted) return;
      controller = new AbortController();
      mount(host, el, mounted, controller);
    },
  };
}

/** @param {Host} host @param {HTMLElement} el @param {string} view @param {AbortController} controller */
async function mount(host, el, view, controller) {
  const { signal } = controller;
  const place = h("div");
  el.append(place);
  try {
    const widget = await host.getWidget(refOf(view));
    if (!signal.aborted) await widget.render({ el: place, signal });
  } catch (error) {
    if (signal.aborted) return;
    console.warn("embviz: a view could not be shown.", error);
    // What has come of it listens no longer, and gives up its place.
    controller.abort();
    const sentence = h(
      "p.ev-panel-empty",
      { role: "alert" },
      "This view could not be shown: run the cells above and this one again.",
    );
    el.replaceChildren(sentence);
  }
}

/**
 * Open a dialog over the page: focus stays inside, Escape closes it, and focus goes back to where it was.
 * @param {HTMLElement} root that it belongs to @param {{label: string, kind?: string, signal?: AbortSignal}} options
 * @param {...Child} children
 * @returns {HTMLDialogElement} which leaves the page when it is closed
 */
export function openDialog(root, { label, kind = "", signal }, ...children) {
  const close = h("button.ev-plain.ev-panel-close", { type: "button", "aria-label": "Close", title: "Close (Esc)" });
  close.append(icon(ICONS.close));
  const el = h(
    "dialog.ev-panel-dialog",
    { "aria-label": label },
    h("div.ev-panel-dialog-head", {}, h("h2", {}, label), close),
  );
  if (kind) el.classList.add(kind);
  el.append(...children.filter((child) => child != null));
  const opener = focusOf(root);
  close.addEventListener("click", () => el.close());
  // A press beside the dialog, on what lies behind it.
  el.addEventListener("pointerdown", (event) => {
    if (event.target === el && outside(el, event)) el.close();
  });
  el.addEventListener("close", () => {
    el.remove();
    if (opener?.isConnected) opener.focus();
  });
  signal?.addEventListener("abort", () => el.remove(), { once: true });
  root.append(el);
  el.showModal();
  return el;
}

/** The element that has the focus, in the shadow or the page that an element is in. @param {Node} el */
export function focusOf(el) {
  const root = /** @type {Document | ShadowRoot} */ (el.getRootNode());
  return /** @type {HTMLElement | null} */ (root.activeElement);
}

/** @param {Element} el @param {MouseEvent} event */
function outside(el, event) {
  const box = el.getBoundingClientRect();
  const { clientX: x, clientY: y } = event;
  return x < box.left || x >= box.right || y < box.top || y >= box.bottom;
}
