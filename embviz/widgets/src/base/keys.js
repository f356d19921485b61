/** The keyboard of every widget: what a key means where, what it does to the clock, and the list of keys for people. */

import { h } from "./dom.js";
import { clamp, steppedTo } from "./time.js";

/** Seconds that an arrow key moves the playhead; with shift. */
const STEP = 5;
const FINE_STEP = 0.5;
const ZOOM = 2;

/** @typedef {[title: string, lines: [keys: string[], meaning: string][]]} KeySection */

/** Keys that mean the same everywhere, and what they do, as the help shows them. @type {KeySection[]} */
export const CLOCK_KEYS = [
  [
    "Playing",
    [
      [["Space"], "play or pause"],
      [["←", "→"], "5 seconds back or forward"],
      [["Shift ←", "Shift →"], "half a second back or forward"],
      [["Home", "End"], "to the beginning or the end"],
      [[",", "."], "to the boundary before or after, once Structure has found them"],
      [["["], "begin the range at the playhead"],
      [["]"], "end the range at the playhead"],
      [["L"], "loop the range; without one, what is in view"],
      [["M"], "mute"],
      [["Esc"], "no range; closes what is open"],
    ],
  ],
  [
    "Looking",
    [
      [["+", "−"], "zoom in or out around the playhead"],
      [["0"], "show the whole track"],
      [["↑", "↓"], "on a heatmap: choose a dimension; P pins it as a curve"],
      [["Shift ←", "Shift →"], "on a heatmap: one frame back or forward"],
    ],
  ],
];

/** Keys of a map, while it has the focus, and what they do. @type {KeySection} */
export const MAP_KEYS = [
  "Map",
  [
    [["←", "→", "↑", "↓"], "go to the next point in that direction"],
    [["Enter"], "play the point"],
    [["+", "−"], "zoom in or out"],
    [["0"], "show all points"],
    [["L", "R"], "select with a lasso or a rectangle; shift adds, alt takes away"],
    [["A"], "select all that is shown"],
    [["N"], "names on the map"],
    [["F"], "fill the screen, and Esc leaves it"],
    [["/"], "search"],
    [["Esc"], "select nothing"],
  ],
];

/** What the pointer can do on every plot of time. @type {KeySection} */
export const HANDS = [
  "Mouse and touch",
  [
    [["Click"], "go there"],
    [["Drag"], "select a range"],
    [["Shift + drag"], "move sideways"],
    [["Wheel"], "zoom, once a plot has been clicked; Ctrl + wheel or pinch always"],
    [["Double click"], "show the whole track"],
  ],
];

/** The keys of the lists beside a map. @type {KeySection} */
export const LIST_KEYS = [
  "Lists beside a map",
  [
    [["↑", "↓"], "walk the rows"],
    [["←", "→"], "walk the buttons of a row"],
    [["Enter"], "play, or press the button"],
    [["F2"], "rename the cluster"],
    [["Delete"], "take the row out of the queue"],
  ],
];

/** The keys of a contact sheet of moments. @type {KeySection} */
export const MOMENT_KEYS = [
  "Moments",
  [
    [["Enter"], "play the moment, or stop it"],
    [["Shift Enter"], "play it and all that follow"],
    [["←", "→", "↑", "↓"], "walk the moments"],
    [["Home", "End"], "go to the first or the last"],
    [["Esc"], "stop"],
  ],
];

/** The keys of histograms and bars to filter by. @type {KeySection} */
export const FACET_KEYS = [
  "Filters beside a map",
  [
    [["←", "→"], "move the end of a range that has the focus; with Shift by a bar"],
    [["Home", "End"], "move it as far as it goes"],
    [["Esc"], "end the filter"],
    [["↑", "↓"], "walk the bars"],
    [["Space"], "choose a bar, or leave it out"],
  ],
];

/** The keys of the panel, which has more to open than a widget alone. @type {KeySection[]} */
export const KEYS = [
  ...CLOCK_KEYS,
  [
    "Panel",
    [
      [["1", "2", "3", "4", "5", "6", "7"], "Poster, What it hears, Layers, Structure, Map, Tasks, Units"],
      [["Alt ↑", "Alt ↓"], "move the row that has the focus"],
      [["Enter", "C"], "on a heatmap, on a feature map: open the card of the dimension"],
      [["/"], "search the tracks"],
      [["↑", "↓"], "walk the list, where it has the focus"],
      [["Enter"], "open the track"],
      [["?"], "this list"],
    ],
  ],
  MAP_KEYS,
  LIST_KEYS,
  MOMENT_KEYS,
  FACET_KEYS,
];

/**
 * Where a key was pressed: "text" keeps all keys for itself, "button" those that press it, "slider", "tab" and "list"
 * those that move in it. The waveform is none of them: what moves on it is the playhead, as everywhere.
 * @param {Element} target
 */
export function placeOf(target) {
  if (target.closest("dialog, [popover=auto]")) return "dialog";
  if (target.closest("input[type=range]")) return "slider";
  if (target.closest("input[type=checkbox], input[type=radio]")) return "button";
  if (target.closest("input, textarea, select, [contenteditable=''], [contenteditable=true]")) return "text";
  if (target.closest("[role=listbox]")) return "list";
  if (target.closest("[role=tab]")) return "tab";
  return target.closest("button, a, summary, [role=button]") ? "button" : "";
}

/** @type {Record<string, string[]>} */
const TAKEN = {
  slider: ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"],
  button: [" ", "Enter"],
  tab: [" ", "Enter", "ArrowLeft", "ArrowRight", "Home", "End"],
  list: ["Enter", "ArrowUp", "ArrowDown", "Home", "End"],
};

/**
 * @typedef {{kind: string, by?: number, to?: number, steps?: number, end?: 0 | 1, index?: number}} KeyAction
 * @typedef {{kind: string, direction?: string, mode?: string, steps?: number}} MapAction
 */

/** @type {Record<string, KeyAction>} */
const PLAIN = {
  " ": { kind: "play" },
  Home: { kind: "go", to: 0 },
  End: { kind: "go", to: Infinity },
  "+": { kind: "zoom", steps: 1 },
  "=": { kind: "zoom", steps: 1 },
  "-": { kind: "zoom", steps: -1 },
  "−": { kind: "zoom", steps: -1 },
  _: { kind: "zoom", steps: -1 },
  0: { kind: "all" },
  ",": { kind: "boundary", by: -1 },
  ".": { kind: "boundary", by: 1 },
  l: { kind: "loop" },
  m: { kind: "mute" },
  Escape: { kind: "clear" },
  "[": { kind: "range", end: 0 },
  "]": { kind: "range", end: 1 },
  1: { kind: "tab", index: 0 },
  2: { kind: "tab", index: 1 },
  3: { kind: "tab", index: 2 },
  4: { kind: "tab", index: 3 },
  5: { kind: "tab", index: 4 },
  6: { kind: "tab", index: 5 },
  7: { kind: "tab", index: 6 },
  "/": { kind: "search" },
  "?": { kind: "help" },
};

/**
 * What a key means, or null where it means nothing here. With Ctrl, ⌘ or Alt it is the browser's, unless it was made
 * with AltGr, as [ and ] are on many keyboards.
 * @param {Partial<KeyboardEvent>} event
 * @param {string} place of {@link placeOf}
 * @returns {KeyAction | null}
 */
export function keyAction(event, place = "") {
  const { shiftKey, ctrlKey, metaKey, altKey } = event;
  const key = nameOf(event);
  if (event.isComposing || place === "text" || place === "dialog" || TAKEN[place]?.includes(key)) return null;
  if ((ctrlKey || metaKey || altKey) && !event.getModifierState?.("AltGraph")) return null;
  if (key === "ArrowLeft" || key === "ArrowRight") {
    return { kind: "seek", by: (key === "ArrowLeft" ? -1 : 1) * (shiftKey ? FINE_STEP : STEP) };
  }
  return Object.hasOwn(PLAIN, key) ? PLAIN[key] : null;
}

/** The name of a key, whatever shift makes of it. @param {Partial<KeyboardEvent>} event */
function nameOf({ key = "" }) {
  return key.length === 1 ? key.toLowerCase() : key;
}

/** @type {Record<string, MapAction>} */
const MAP = {
  ArrowLeft: { kind: "walk", direction: "left" },
  ArrowRight: { kind: "walk", direction: "right" },
  ArrowUp: { kind: "walk", direction: "up" },
  ArrowDown: { kind: "walk", direction: "down" },
  Enter: { kind: "choose" },
  "+": { kind: "zoom", steps: 1 },
  "=": { kind: "zoom", steps: 1 },
  "-": { kind: "zoom", steps: -1 },
  "−": { kind: "zoom", steps: -1 },
  _: { kind: "zoom", steps: -1 },
  0: { kind: "all" },
  l: { kind: "mode", mode: "lasso" },
  r: { kind: "mode", mode: "rectangle" },
  a: { kind: "select" },
  n: { kind: "names" },
  f: { kind: "full" },
  "/": { kind: "search" },
  Escape: { kind: "clear" },
};

/**
 * What a key means on a map that has the focus, or null where it means nothing there.
 * @param {Partial<KeyboardEvent>} event
 */
export function mapAction(event) {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return null;
  const name = nameOf(event);
  return Object.hasOwn(MAP, name) ? MAP[name] : null;
}

/** What a key means to who has pressed it, wherever that was. @param {KeyboardEvent} event */
export function pressedAction(event) {
  // What is inside of a shadow has no other name outside.
  return keyAction(event, placeOf(/** @type {Element} */ (event.composedPath()[0])));
}

/**
 * The range after one end was set at the playhead; an end that would lie on the wrong side goes to the track's.
 * @param {0 | 1} end @param {number} time @param {[number, number] | null} range @param {number} duration
 * @returns {[number, number]}
 */
export function rangeWithEnd(end, time, range, duration) {
  if (end === 0) return [time, range && range[1] > time ? range[1] : duration];
  return [range && range[0] < time ? range[0] : 0, time];
}

/**
 * @typedef {import("../player/clock.js").Clock} Clock
 * @type {Record<string, (clock: Clock, action: Required<KeyAction>) => void>}
 */
const DOES = {
  play: (clock) => void clock.toggle(),
  seek: (clock, { by }) => clock.seek(clamp(clock.time + by, 0, clock.duration)),
  go: (clock, { to }) => clock.seek(clamp(to, 0, clock.duration)),
  boundary: (clock, { by }) => clock.seek(steppedTo(clock.boundaries, clock.time, by) ?? clock.time),
  zoom: (clock, { steps }) => clock.zoom(centerOf(clock), ZOOM ** steps),
  all: (clock) => clock.setView(0, clock.duration),
  mute: (clock) => clock.setVolume(clock.volume, !clock.muted),
  clear: (clock) => clock.setRange(null),
  range: (clock, { end }) => clock.setRange(...rangeWithEnd(end, clock.time, clock.range, clock.duration)),
  loop: (clock) => {
    // Without a range, what is seen is meant.
    if (!clock.range) clock.setRange(...clock.view);
    clock.setLooping(!clock.looping);
  },
};

/**
 * Do on the clock what a key means.
 * @param {KeyAction | null} action @param {Clock} clock
 * @returns {boolean} whether it was the clock's, and there was anything to do
 */
export function applyToClock(action, clock) {
  if (!action || !clock.duration || !Object.hasOwn(DOES, action.kind)) return false;
  if (action.kind === "clear" && !clock.range) return false;
  if (action.kind === "boundary" && !clock.boundaries.length) return false;
  DOES[action.kind](clock, /** @type {Required<KeyAction>} */ (action));
  return true;
}

/** What a zoom keeps in place: the playhead, or the middle where the playhead is out of sight. @param {Clock} clock */
function centerOf({ time, view }) {
  return time >= view[0] && time <= view[1] ? time : (view[0] + view[1]) / 2;
}

/** What a plot says about its keys to who cannot see it. */
export const KEYS_SAID = "Space plays, arrow keys seek, plus and minus zoom, 0 shows all, L loops, M mutes.";

/**
 * Keep JupyterLab from taking what is pressed inside an element for its own: D twice would delete the cell. What goes
 * with Ctrl or ⌘ stays JupyterLab's, such as saving.
 * @param {HTMLElement} root @param {AbortSignal} signal
 */
export function keepKeys(root, signal) {
  let focused = root;
  const mark = (/** @type {Partial<KeyboardEvent>} */ { ctrlKey, metaKey, target }) => {
    if (focused !== root) delete focused.dataset.lmSuppressShortcuts;
    // JupyterLab looks from what has the focus upwards, and goes no further than what one of its selectors matches.
    focused = target instanceof HTMLElement && root.contains(target) ? target : root;
    for (const el of [root, focused]) {
      if (ctrlKey || metaKey) delete el.dataset.lmSuppressShortcuts;
      else el.dataset.lmSuppressShortcuts = "true";
    }
  };
  mark({});
  window.addEventListener("keydown", mark, { capture: true, signal });
}

/**
 * The keys of a widget that stands alone; those inside a panel or a page are the panel's and the page's. What is inside
 * of the widget comes first.
 * @param {HTMLElement} root @param {import("../player/clock.js").Clock} clock @param {AbortSignal} signal
 */
export function clockKeys(root, clock, signal) {
  keepKeys(root, signal);
  const pressed = (/** @type {KeyboardEvent} */ event) => {
    if (event.defaultPrevented || root.parentElement?.closest(".embviz")) return;
    if (applyToClock(pressedAction(event), clock)) event.preventDefault();
  };
  root.addEventListener("keydown", pressed, { signal });
}

/**
 * The keys pressed inside an element, taken before anybody else sees them: the panel that it may be in, or JupyterLab,
 * which looks at keys before the page does, and would delete cells. Those without a use for the clock go their way.
 * @param {HTMLElement} root @param {import("../player/clock.js").Clock} clock @param {AbortSignal} signal
 */
export function firstKeys(root, clock, signal) {
  const pressed = (/** @type {KeyboardEvent} */ event) => {
    if (event.defaultPrevented || !event.composedPath().includes(root)) return;
    if (!applyToClock(pressedAction(event), clock)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  window.addEventListener("keydown", pressed, { capture: true, signal });
}

/** The list of keys, for a dialog. @param {KeySection[]} keys */
export function keyHelp(keys = KEYS) {
  const line = (/** @type {[string[], string]} */ [keys, meaning]) =>
    h("div.ev-panel-keyline", {}, h("dt", {}, ...keys.map((key) => h("kbd", {}, key))), h("dd", {}, meaning));
  const sections = [...keys, HANDS].map(([title, lines]) =>
    h("section", {}, h("h3", {}, title), h("dl", {}, ...lines.map(line))),
  );
  return h("div.ev-panel-keys", {}, ...sections);
}
