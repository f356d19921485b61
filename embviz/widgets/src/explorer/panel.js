/**
 * The panel: the list of tracks, the player, and pages that look into the track and at all of them, on one clock.
 *
 * It shows what the traits say and sends commands; what they mean is Python's business. Other widgets are mounted in
 * their places and stay there for as long as they are the same.
 */

import { busyLine, copyButton, notices, tabList, troubleLine } from "../base/chrome.js";
import { Link } from "../base/commands.js";
import { h, icon, onChange, write } from "../base/dom.js";
import { applyToClock, keepKeys, keyHelp, pressedAction } from "../base/keys.js";
import { ICONS, openDialog, plain, quoted, slot } from "../base/ui.js";
import { fileDoor } from "../base/upload.js";
import { clockOf } from "../player/clock.js";
import { tasksPage } from "./evaluation_tab.js";
import { poster } from "./heatmap_rows.js";
import { structure, walk } from "./layers_tab.js";
import { atlasPage } from "./map_tab.js";
import { openPicker } from "./model_picker.js";
import { hears } from "./predictions_tab.js";
import { lengthOf, styleOf, tempoOf, trackList } from "./track_list.js";
import { unitsPage } from "./units_tab.js";

/** Below this width in pixels the list of tracks lies over the page. */
export const NARROW = 860;
/** Below these, what has a name elsewhere goes without words. */
const TIGHT = 620;
const TINY = 480;

export const TABS = [
  ["heatmaps", "Poster"],
  ["predictions", "What it hears"],
  ["layers", "Layers"],
  ["similarity", "Structure"],
  ["map", "Map"],
  ["evaluation", "Tasks"],
  ["units", "Units"],
];

/** Work for a page that is shown elsewhere, too: the page, the trait that tells it, and what it is called. */
const ASIDE = [
  ["evaluation", "evaluation_status", "Tasks"],
  ["units", "units", "Units"],
];

/** @import { Host, Model, RenderOptions } from "../types.js" */
/** @import { ModelOption, Panel, PickerOptions, TrackItem } from "./types.js" */
/** @typedef {{el: HTMLElement, update: () => void, ask?: () => void}} Page */

/** @param {TrackItem} track @returns {string} such as ``Nobody · rock · 128 BPM · E minor · 2:02 · rock.ogg`` */
export function headline(track) {
  const name = track.title && track.title !== track.name ? track.name : "";
  const facts = [track.artist, styleOf(track), tempoOf(track), track.key, lengthOf(track), name];
  return facts.filter(Boolean).map(quoted).join(" · ");
}

/** @param {RenderOptions} options */
function render({ model, el, signal, host }) {
  const controller = new AbortController();
  signal?.addEventListener("abort", () => controller.abort(), { once: true });
  new View(model, el, controller.signal, /** @type {Host} */ (host));
  return () => controller.abort();
}

/** A button of the head, with its name. @param {string} title @param {string} label @param {() => void} press */
function toolButton(title, label, press, path = "") {
  const nodes = path ? [icon(path), h("span", {}, label)] : [label];
  return h("button", { type: "button", title, onclick: press }, ...nodes);
}

/** What stands where no track is open. @param {{browse: () => void, open: () => void}} act */
function welcome({ browse, open }) {
  const samples = toolButton("", "Open the sample tracks", open, ICONS.note);
  samples.classList.add("ev-primary");
  const add = toolButton("", "Add a sound…", browse, ICONS.plus);
  const title = h("h3");
  const text = h("p.ev-faint");
  const call = h("code", {}, 'embviz.Explorer("path/to/folder")');
  const code = h("p.ev-faint", {}, "A folder of your own is named in the cell: ", call);
  const ways = h("div.ev-panel-welcome-ways", {}, samples, add);
  const el = h("div.ev-panel-blank.ev-panel-welcome", {}, icon(ICONS.note), title, text, ways, code);
  return {
    el,
    /** @param {boolean} any whether there are tracks to choose from */
    update(any) {
      write(title, any ? "Choose a track to begin" : "There is no sound here yet");
      const one = "Pick one from the list, or drop a sound of your own here.";
      write(text, any ? one : "Begin with ten short sample tracks, or drop a sound of your own here.");
      samples.hidden = any;
      code.hidden = any;
    },
  };
}

/** One view of a panel; what its parts share of it are the public members. @implements {Panel} */
class View {
  #asked = "";
  #narrow = false;
  #drawer = false;

  /** @param {Model} model @param {HTMLElement} el @param {AbortSignal} signal @param {Host} host */
  constructor(model, el, signal, host) {
    this.model = model;
    this.el = el;
    this.signal = signal;
    this.host = host;
    el.classList.add("embviz", "ev-parts", "ev-panel");
    keepKeys(el, signal);
    el.setAttribute("role", "region");
    this.link = new Link(model, { signal, onTrouble: (sentence) => this.#sayTrouble(sentence) });
    this.live = h("div.ev-hidden", { "aria-live": "polite" });
    this.done = h("div.ev-panel-done", { "aria-live": "polite" });
    this.messages = notices(this);
    this.trouble = troubleLine();
    this.door = fileDoor(this);
    this.list = trackList(this);
    this.player = slot({ host, signal });
    /** What covers the top of the page while it is scrolled. */
    this.sticky = h("div.ev-panel-top", {}, this.player.el);
    /** @type {Record<string, Page>} */
    this.pages = {
      heatmaps: poster(this),
      predictions: hears(this),
      layers: walk(this),
      similarity: structure(this),
      map: atlasPage(this),
      evaluation: tasksPage(this),
      units: unitsPage(this),
    };
    const tabs = TABS.map(([name, label], i) => {
      const page = h("div.ev-panel-page", {}, this.pages[name].el);
      return { name, label, title: `${label} (${i + 1})`, page };
    });
    this.tabs = tabList({ label: "Views", tabs, open: (name) => this.#openTab(name) });
    this.busy = busyLine({ link: this.link, leave: () => this.tabs.focus(this.model.get("tab") || "heatmaps") });
    const menu = { type: "button", "aria-label": "Show the list of tracks", title: "Tracks" };
    this.listButton = h("button.ev-plain.ev-panel-menu", menu);
    this.listButton.append(icon(ICONS.menu));
    this.title = h("h2", { dir: "auto" });
    this.facts = h("span.ev-panel-headline.ev-faint", { dir: "auto" });
    this.tools = this.#buildTools();
    this.welcome = welcome({ browse: () => this.browse(), open: () => this.#openSamples() });
    this.sticky.append(this.tabs.el);
    this.work = h("div.ev-panel-work", {}, this.sticky, ...tabs.map(({ page }) => page));
    this.scroller = h("div.ev-panel-scroll", {}, this.work, this.welcome.el);
    const head = [this.listButton, this.title, this.facts, this.tools, this.busy.el, this.done];
    const above = [h("div.ev-panel-head", {}, ...head), this.trouble.el, ...this.messages.nodes];
    this.main = h("div.ev-panel-main", {}, ...above, this.scroller);
    this.shade = h("div.ev-panel-shade", { hidden: true, onclick: () => this.showList(false) });
    el.replaceChildren(this.list.el, this.shade, this.main, ...this.door.nodes, this.live);
    this.#listen();
    this.#updateAll();
  }

  #buildTools() {
    const copy = copyButton(this.el, () => this.model.get("code") ?? "", this.signal);
    const send = () => this.link.send("export_page");
    const page = toolButton("Write this view as one page that needs no Jupyter", "Export page", send, ICONS.save);
    const cite = toolButton("Write BibTeX of what is to be cited for this view", "Cite", () =>
      this.link.send("save_citations"),
    );
    const help = toolButton("Help (?)", "?", () => this.#help());
    help.setAttribute("aria-label", "Help: keys");
    return h("div.ev-panel-tools", {}, copy, page, cite, help);
  }

  // What the parts use.

  get clock() {
    return clockOf(this.model.get("clock") ?? "");
  }

  /** @param {string | undefined} name @returns {ModelOption | undefined} */
  modelOf(name) {
    /** @type {ModelOption[]} */
    const models = this.model.get("models") ?? [];
    return models.find((entry) => entry.name === name);
  }

  /** @returns {TrackItem | undefined} */
  get track() {
    /** @type {TrackItem[]} */
    const tracks = this.model.get("tracks") ?? [];
    return tracks.find(({ id }) => id === this.model.get("track"));
  }

  /** Whether there are tracks to choose from. */
  get #any() {
    return (this.model.get("tracks") ?? []).length > 0;
  }

  /** Length of the track, or null. */
  seconds() {
    return this.track?.seconds ?? null;
  }

  /** @param {string} tab */
  visible(tab) {
    return (this.model.get("tab") || "heatmaps") === tab && Boolean(this.track);
  }

  /** @param {PickerOptions} options */
  pick(options) {
    openPicker(this, options);
  }

  browse() {
    this.door.browse();
  }

  trackChosen() {
    if (this.#narrow) this.showList(false);
  }

  /** @param {string} text */
  announce(text) {
    write(this.live, text);
  }

  /** @param {boolean} open */
  showList(open) {
    if (this.#narrow) this.#drawer = open;
    else this.#save("collapsed_list", !open);
    this.#updateList();
    if (open) this.list.shown();
    // The button that was pressed is gone now: what it has opened takes the focus, and gives it back.
    if (open) this.list.focus();
    else if (this.list.el.contains(document.activeElement) || document.activeElement === document.body) {
      this.listButton.focus({ preventScroll: true });
    }
  }

  /** Say a sentence of the panel's own until it is dismissed. @param {string} text */
  say(text, level = "info", remedy = "") {
    return this.messages.say(text, level, remedy);
  }

  get notices() {
    return this.messages.own;
  }

  // What it listens to.

  #listen() {
    const { model, signal } = this;
    onChange(model, "track tracks", () => this.#updateTrack(), signal);
    onChange(model, "tab", () => this.#updateTab(), signal);
    onChange(model, "player", () => this.#updateTrack(), signal);
    onChange(model, "progress evaluation_status units", () => this.#updateBusy(), signal);
    onChange(model, "notice", () => this.messages.update(model.get("notice") ?? {}), signal);
    onChange(model, "collapsed_list", () => this.#updateList(), signal);
    this.listButton.addEventListener("click", () => this.showList(Boolean(this.list.el.hidden)));
    this.el.addEventListener("keydown", (event) => this.#key(event), { signal });
    const observer = new ResizeObserver(([entry]) => this.#resized(entry.contentRect.width));
    observer.observe(this.el);
    signal.addEventListener("abort", () => observer.disconnect(), { once: true });
  }

  /** @param {number} width */
  #resized(width) {
    const narrow = width > 0 && width < NARROW;
    this.el.classList.toggle("ev-panel-narrow", narrow);
    this.el.classList.toggle("ev-panel-tight", narrow && width < TIGHT);
    this.el.classList.toggle("ev-panel-tiny", narrow && width < TINY);
    const { offsetWidth, clientWidth } = this.scroller;
    this.scroller.classList.toggle("ev-panel-overlaid", offsetWidth === clientWidth);
    if (narrow === this.#narrow) return;
    this.#narrow = narrow;
    // Who has nothing open yet needs the list first, where there is anything in it.
    this.#drawer = narrow && !this.track && this.#any;
    this.#updateList();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    // What is typed in here is meant for here.
    event.stopPropagation();
    if (event.defaultPrevented) return;
    if (event.key === "Escape" && this.#narrow && this.#drawer) {
      this.showList(false);
      return;
    }
    const action = pressedAction(event);
    if (!action) return;
    event.preventDefault();
    if (applyToClock(action, this.clock)) return;
    if (action.kind === "tab") this.#openTab(TABS[action.index ?? 0][0], true);
    else if (action.kind === "help") this.#help();
    else if (action.kind === "search") {
      this.showList(true);
      this.list.focusSearch();
    }
  }

  // What it shows.

  #updateAll() {
    this.#updateTrack();
    this.#updateTab();
    this.#updateBusy();
    this.messages.update(this.model.get("notice") ?? {});
    this.#updateList();
  }

  #updateTrack() {
    const { track } = this;
    write(this.title, plain(track ? track.title || track.name : "embviz"));
    write(this.facts, track ? headline(track) : "");
    // Two panels of a notebook are two landmarks.
    this.el.setAttribute("aria-label", ["embviz Explorer", this.title.textContent].join(": "));
    this.facts.title = this.facts.textContent;
    this.title.title = quoted(track?.name);
    const held = this.welcome.el.contains(document.activeElement) ? document.activeElement : null;
    this.welcome.update(this.#any);
    this.welcome.el.hidden = Boolean(track);
    this.work.hidden = !track;
    this.tools.hidden = !track;
    // The button that was pressed goes with the welcome: the list of what it has opened takes the focus.
    if (held && !held.checkVisibility()) {
      if (this.list.el.hidden) this.listButton.focus({ preventScroll: true });
      else this.list.focus();
    }
    if (track) this.player.set(this.model.get("player"));
    this.#updateTab();
  }

  #updateTab() {
    const tab = this.model.get("tab") || "heatmaps";
    const held = this.work.contains(document.activeElement) ? document.activeElement : null;
    this.tabs.show(tab);
    // What leads to another page goes with its own: the tab of the new one takes the focus.
    if (held && !held.checkVisibility()) this.tabs.focus(tab);
    this.#updateBusy();
    if (!this.track) return;
    this.pages[tab]?.update();
    // Each track is asked about once, when its page is first looked at.
    const key = `${this.model.get("track")} ${tab}`;
    if (key !== this.#asked) this.pages[tab]?.ask?.();
    this.#asked = key;
  }

  /** @param {string} name */
  #openTab(name, focus = false) {
    if (name !== this.model.get("tab")) {
      this.#save("tab", name);
      // On a low screen, the head scrolls with the page.
      for (const el of [this.scroller, this.main]) el.scrollTop = 0;
    }
    if (focus) this.tabs.focus(name);
  }

  #updateBusy() {
    // Of a kernel that does not answer, nobody knows what it does.
    const busy = this.model.get("progress") ?? {};
    this.busy.update(!this.trouble.el.hidden ? {} : busy.text ? busy : this.#aside());
  }

  /** What concerns all tracks goes on while other pages are looked at, which say nothing of it. */
  #aside() {
    for (const [tab, trait, title] of ASIDE) {
      const { status, stage, done, total } = this.model.get(trait) ?? {};
      const on = status === "running" && this.model.get("tab") !== tab;
      if (on) return { text: `${title}: ${stage || "computing"}`, done, total };
    }
    return {};
  }

  #updateList() {
    const open = this.#narrow ? this.#drawer : !this.model.get("collapsed_list");
    this.list.el.hidden = !open;
    this.shade.hidden = !(open && this.#narrow && this.track);
    this.listButton.hidden = open;
    this.listButton.setAttribute("aria-expanded", String(open));
  }

  /** @param {string} sentence */
  #sayTrouble(sentence) {
    this.trouble.say(sentence);
    this.#updateBusy();
  }

  // What it does.

  #openSamples() {
    this.link.send("open_samples");
    this.trackChosen();
  }

  /** @param {string} trait @param {unknown} value */
  #save(trait, value) {
    this.model.set(trait, value);
    this.model.save_changes?.();
  }

  #help() {
    openDialog(this.el, { label: "Keys", kind: "ev-panel-help", signal: this.signal }, keyHelp());
  }
}

export default { render };
