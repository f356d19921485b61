/**
 * A page that needs no kernel: still models in the place of live ones, and the same widgets on one clock.
 *
 * The page holds a description (JSON) and the bytes of its arrays, each in an element of its own. What a widget would
 * tell Python stays in its model; what Python would have answered is answered here, or not at all.
 */

import { h, icon } from "../base/dom.js";
import { applyToClock, CLOCK_KEYS, HANDS, MOMENT_KEYS, pressedAction } from "../base/keys.js";
import { clockOf } from "../player/clock.js";

/** @import { KeySection } from "../base/keys.js" */
/** @import { Clock } from "../player/clock.js" */
/** @import { Message, Model, RenderOptions } from "../types.js" */
/**
 * @typedef {RenderOptions & {signal: AbortSignal, experimental: object}} StillOptions
 * @typedef {Record<string, {render: (options: StillOptions) => unknown}>} Modules by the names of widgets
 */
/** @typedef {{widget: string, state: Record<string, unknown>, bytes: Record<string, string | string[]>}} Still */
/** @typedef {(content: Message, model: StillModel) => void} Answer to what a widget sends */
/** @typedef {{title: string, facts: [name: string, text: string][]}} Section */
/** @typedef {{title: string, facts: string[], about: Section[], made: string}} Description of any page */
/** @typedef {{title: string, facts: string[], message: string, commands: string[]}} Gap where a widget cannot be */
/** @typedef {Gap & {[Name in keyof Still]?: Still[Name]}} Row */
/**
 * @typedef {Description & {theme: string, guide: string, rows: Row[], player: Still & {state: {clock: string}},
 *   silent: string}} TrackDescription
 */

const MOON = "M6.2 1.2a6.9 6.9 0 1 0 8.6 8.6A5.6 5.6 0 0 1 6.2 1.2z";
const SUN =
  "M8 4.6a3.4 3.4 0 1 1 0 6.8 3.4 3.4 0 0 1 0-6.8zM7.3 0h1.4v2.6H7.3zM7.3 13.4h1.4V16H7.3zM0 7.3h2.6v1.4H0z" +
  "M13.4 7.3H16v1.4h-2.6zM2.8 1.9l1.9 1.8-1 1L1.9 2.8zM12.3 11.3l1.8 1.9-.9.9-1.9-1.8zM13.2 1.9l.9.9-1.8 1.9-1-1z" +
  "M3.7 11.3l1 1-1.9 1.8-.9-.9z";

/** What Jupyter gives a widget as its model, with nobody at the other end. */
export class StillModel {
  /** @type {Map<string, Set<(...args: never[]) => void>>} */
  #listeners = new Map();
  #state;
  #answer;

  /** @param {Record<string, unknown>} state @param {Answer} [answer] */
  constructor(state, answer = () => {}) {
    this.#state = state;
    this.#answer = answer;
  }

  /** @type {Model["get"]} */
  get(name) {
    return this.#state[name];
  }

  /** @type {Model["set"]} */
  set(name, value) {
    if (this.#state[name] === value) return;
    this.#state[name] = value;
    this.#tell(`change:${name}`, this, value);
  }

  save_changes() {}

  /** As in Jupyter, several kinds may be named at once, separated by spaces. @type {Model["on"]} */
  on(kinds, listener) {
    for (const kind of kinds.split(" ")) {
      const listeners = this.#listeners.get(kind) ?? new Set();
      this.#listeners.set(kind, listeners.add(listener));
    }
  }

  /** @type {Model["off"]} */
  off(kinds, listener) {
    for (const kind of kinds?.split(" ") ?? this.#listeners.keys()) {
      if (listener) this.#listeners.get(kind)?.delete(listener);
      else this.#listeners.delete(kind);
    }
  }

  /** Never before the caller has gone on, as over a wire. @param {Message} content */
  send(content) {
    queueMicrotask(() => this.#answer(content, this));
  }

  /** @param {string} kind @param {unknown[]} rest */
  #tell(kind, ...rest) {
    for (const listener of [...(this.#listeners.get(kind) ?? [])]) listener(.../** @type {never[]} */ (rest));
  }
}

/** Bytes from base64. @param {string} text @returns {DataView} */
export function bytesFrom(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i += 1) bytes[i] = letters.charCodeAt(i);
  return new DataView(bytes.buffer);
}

/**
 * The traits of a widget, its arrays among them.
 * @param {Omit<Still, "widget">} still @param {(id: string) => DataView} read
 * @returns {Record<string, unknown>}
 */
export function stateOf({ state, bytes }, read) {
  const arrays = Object.entries(bytes).map(([name, ids]) => [name, Array.isArray(ids) ? ids.map(read) : read(ids)]);
  return { ...state, ...Object.fromEntries(arrays) };
}

/**
 * Build the page that this document describes.
 * @param {Modules} widgets those on it
 */
export async function show(widgets) {
  /** @type {TrackDescription} */
  const page = JSON.parse(textAt("embviz-page"));
  const { signal } = new AbortController(); // Nothing on this page ever goes.
  const help = helpOf(...(page.rows.some(({ widget }) => widget === "moments") ? [MOMENT_KEYS] : []));
  document.body.classList.add("embviz", "ev-track-page");
  const main = /** @type {HTMLElement} */ (document.querySelector("main"));
  const player = h("section.ev-track-page-player", { "aria-label": "Player" });
  const rows = page.rows.map((row) => ({ row, plot: h("div") }));
  main.replaceChildren(
    heading(page, help.open, themeOf(page.theme)),
    player,
    h("p.ev-track-page-guide.ev-faint", {}, page.guide),
    ...rows.map(({ row, plot }, i) => section(row, plot, `embviz-row-${i}`)),
    about(page, "Sound, models, weights and licences"),
    help.dialog,
  );
  await mount(page.player, player, { widgets, signal, answer: noSound(page) });
  shareKeys(clockOf(page.player.state.clock), help.dialog, signal);
  for (const { row, plot } of rows) {
    if (row.widget) await mount(/** @type {Still} */ (row), plot, { widgets, signal });
    // One at a time, so that the first can be used while the last is still being read.
    await new Promise((resolve) => setTimeout(resolve));
  }
  document.documentElement.dataset.ready = "";
}

/**
 * Draw a widget that stands still.
 * @param {Still} still @param {HTMLElement} el
 * @param {{widgets: Modules, signal: AbortSignal, answer?: Answer}} parts
 * @returns {Promise<StillModel>} its model
 */
export async function mount(still, el, { widgets, signal, answer }) {
  const model = new StillModel(stateOf(still, takenBytes), answer);
  try {
    await widgets[still.widget].render({ model, el, signal, experimental: {} });
  } catch (error) {
    console.error(error);
    const why = error instanceof Error ? error.message : String(error);
    el.replaceChildren(h("p.ev-error", {}, `This part of the page could not be drawn: ${why}`));
  }
  return model;
}

/** The text of an element. @param {string} id */
export function textAt(id) {
  return document.getElementById(id)?.textContent ?? "";
}

/** The bytes of an element. @param {string} id @returns {DataView} */
export function bytesAt(id) {
  return bytesFrom(textAt(id));
}

/** The same, of one that is not needed again: the text takes more memory than the bytes. @param {string} id */
function takenBytes(id) {
  const bytes = bytesAt(id);
  document.getElementById(id)?.remove();
  return bytes;
}

/**
 * There is no Python that could send the sound in another way; the reader is told instead.
 * @param {{silent: string}} page @returns {Answer}
 */
function noSound(page) {
  return (content, model) => {
    if (content.kind === "sound" || content.kind === "transcode") model.set("problem", page.silent);
  };
}

/** Title, facts and buttons. @param {Description} page @param {HTMLElement[]} actions */
export function heading(page, ...actions) {
  return h(
    "header.ev-track-page-heading",
    {},
    h("h1", { dir: "auto" }, page.title),
    h("p.ev-faint", {}, page.facts.join(" · ")),
    h("div.ev-track-page-actions", {}, ...actions),
  );
}

/** @param {Row} row @param {HTMLElement} plot @param {string} id */
function section(row, plot, id) {
  const facts = row.facts.join(" · ");
  const title = h("h2", { id, dir: "auto", title: row.title }, row.title);
  const head = h("div.ev-track-page-row-heading", {}, title, h("span.ev-faint", { dir: "auto", title: facts }, facts));
  // A widget that was made elsewhere may have its title inside.
  const named = row.title ? { "aria-labelledby": id } : {};
  const kind = `section.ev-track-page-row.ev-track-page-${row.widget ?? "gap"}`;
  return /** @type {HTMLElement} */ (h(kind, named, row.title ? head : null, row.widget ? plot : card(row)));
}

/** @param {Gap} row */
function card(row) {
  const commands = row.commands.map((command) => h("code", {}, command));
  return h("div.ev-track-page-card", {}, h("p", {}, row.message), commands.length ? h("p", {}, ...commands) : null);
}

/** What stands at the foot, folded. @param {Description} page @param {string} title */
export function about(page, title) {
  const lists = page.about.map(({ title, facts }) =>
    h(
      "section",
      {},
      h("h3", { dir: "auto" }, title),
      h("dl", {}, ...facts.flatMap(([name, text]) => [h("dt", {}, name), h("dd", { dir: "auto" }, text)])),
    ),
  );
  const summary = h("summary", {}, title);
  const details = h("details.ev-track-page-about", {}, summary, ...lists, h("p.ev-faint", {}, page.made));
  // What is folded would be missing on paper.
  let wasOpen = false;
  addEventListener("beforeprint", () => {
    wasOpen = details.open;
    details.open = true;
  });
  addEventListener("afterprint", () => {
    details.open = wasOpen;
  });
  return details;
}

/**
 * The button that goes between light and dark; until it is pressed, the page is as its reader has everything.
 * @param {string} theme "auto", "light" or "dark"
 */
export function themeOf(theme) {
  const root = document.documentElement;
  const media = matchMedia("(prefers-color-scheme: dark)");
  let chosen = theme === "auto" ? null : theme;
  const change = () => {
    chosen = other();
    paint();
  };
  const button = h("button.ev-track-page-theme", { type: "button", onclick: change });
  const now = () => chosen ?? (media.matches ? "dark" : "light");
  const other = () => (now() === "dark" ? "light" : "dark");
  const paint = () => {
    if (chosen) root.dataset.theme = chosen;
    button.replaceChildren(icon(now() === "dark" ? SUN : MOON), now() === "dark" ? "Light" : "Dark");
    button.setAttribute("aria-label", `Change to ${other()} colours`);
  };
  media.addEventListener("change", paint);
  paint();
  return button;
}

/**
 * The player's keys, wherever on the page they are pressed, unless what has the focus has taken them.
 * @param {Clock} clock @param {HTMLDialogElement} help @param {AbortSignal} signal
 */
export function shareKeys(clock, help, signal) {
  const pressed = (/** @type {KeyboardEvent} */ event) => {
    if (event.defaultPrevented || help.open) return;
    const action = pressedAction(event);
    const asked = action?.kind === "help";
    if (asked) help.showModal();
    if (asked || applyToClock(action, clock)) event.preventDefault();
  };
  document.addEventListener("keydown", pressed, { signal });
}

/** The list of keys, and the button that opens it. @param {KeySection[]} more of the page's own, as those of the clock */
export function helpOf(...more) {
  const line = (/** @type {KeySection[1][number]} */ [keys, meaning]) => [
    h("dt", {}, ...keys.map((key) => h("kbd", {}, key))),
    h("dd", {}, meaning),
  ];
  const close = h("button", { type: "button", onclick: () => dialog.close() }, "Close");
  const lists = [...CLOCK_KEYS, ...more, HANDS].map(([title, lines]) => [
    h("h2", {}, title),
    h("dl", {}, ...lines.flatMap(line)),
  ]);
  const dialog = h("dialog.ev-track-page-help", { "aria-label": "Keys and gestures" }, ...lists.flat(), close);
  // A click beside the box falls on the dialog itself.
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  const onclick = () => dialog.showModal();
  const open = h("button", { type: "button", title: "Keys and gestures (?)", onclick }, "Keys");
  return { dialog, open };
}
