// @ts-nocheck
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
import { lengthOf, tempoOf, trackList } from "./track_list.js";

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
];

/** @returns {string} such as ``rock · 128 BPM · E minor · 2:02 · rock.ogg`` */
export function headline(track) {
  const name = track.title && track.title !== track.name ? track.name : "";
  return [track.style, tempoOf(track), track.key, lengthOf(track), name].filter(Boolean).map(quoted).join(" · ");
}

function render({ model, el, signal, host }) {
  const controller = new AbortController();
  signal?.addEventListener("abort", () => controller.abort(), { once: true });
  new View(model, el, controller.signal, host);
  return () => controller.abort();
}

/** One view of a panel; what its parts share of it are the public members. */
class View {
  #pages = {};
  #asked = "";
  #narrow = false;
  #drawer = false;

  constructor(model, el, signal, host) {
    Object.assign(this, { model, el, signal, host });
    el.classList.add("embviz", "ev-parts", "ev-panel");
    keepKeys(el, signal);
    el.setAttribute("role", "region");
    this.link = new Link(model, { signal, onTrouble: (sentence) => this.#sayTrouble(sentence) });
    this.#build();
    this.#listen();
    this.#updateAll();
  }

  // What the parts use.

  get clock() {
    return clockOf(this.model.get("clock") ?? "");
  }

  modelOf(name) {
    return (this.model.get("models") ?? []).find((entry) => entry.name === name);
  }

  get track() {
    return (this.model.get("tracks") ?? []).find((entry) => entry.id === this.model.get("track"));
  }

  /** Length of the track, or null. */
  seconds() {
    return this.track?.seconds ?? null;
  }

  visible(tab) {
    return (this.model.get("tab") || "heatmaps") === tab && Boolean(this.track);
  }

  pick(options) {
    openPicker(this, options);
  }

  browse() {
    this.door.browse();
  }

  trackChosen() {
    if (this.#narrow) this.showList(false);
  }

  announce(text) {
    write(this.live, text);
  }

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

  /** Say a sentence of the panel's own until it is dismissed. */
  say(...words) {
    return this.messages.say(...words);
  }

  get notices() {
    return this.messages.own;
  }

  // What it is made of.

  #build() {
    this.list = trackList(this);
    this.#pages = {
      heatmaps: poster(this),
      predictions: hears(this),
      layers: walk(this),
      similarity: structure(this),
      map: atlasPage(this),
      evaluation: tasksPage(this),
    };
    this.player = slot({ host: this.host, signal: this.signal });
    this.live = h("div.ev-hidden", { "aria-live": "polite" });
    this.done = h("div.ev-panel-done", { "aria-live": "polite" });
    this.messages = notices(this);
    this.trouble = troubleLine();
    this.door = fileDoor(this);
    const pages = TABS.map(([name, label], i) => ({
      name,
      label,
      title: `${label} (${i + 1})`,
      page: h("div.ev-panel-page", {}, this.#pages[name].el),
    }));
    this.tabs = tabList({ label: "Views", tabs: pages, open: (name) => this.#openTab(name) });
    this.sticky = h("div.ev-panel-top", {}, this.player.el, this.tabs.el);
    this.work = h("div.ev-panel-work", {}, this.sticky, ...pages.map(({ page }) => page));
    this.scroller = h("div.ev-panel-scroll", {}, this.work, this.#buildWelcome());
    this.main = h("div.ev-panel-main", {}, this.#buildHead(), this.trouble.el, ...this.messages.nodes, this.scroller);
    this.shade = h("div.ev-panel-shade", { hidden: true, onclick: () => this.showList(false) });
    this.el.replaceChildren(this.list.el, this.shade, this.main, ...this.door.nodes, this.live);
  }

  #buildHead() {
    this.listButton = h("button.ev-plain.ev-panel-menu", {
      type: "button",
      "aria-label": "Show the list of tracks",
      title: "Tracks",
    });
    this.listButton.append(icon(ICONS.menu));
    this.title = h("h2", { dir: "auto" });
    this.facts = h("span.ev-panel-headline.ev-faint", { dir: "auto" });
    const copy = copyButton(this.el, () => this.model.get("code") ?? "", this.signal);
    const page = h(
      "button",
      {
        type: "button",
        title: "Write this view as one page that needs no Jupyter",
        onclick: () => this.link.send("export_page"),
      },
      icon(ICONS.save),
      h("span", {}, "Export page"),
    );
    const help = h(
      "button",
      { type: "button", "aria-label": "Help: keys", title: "Help (?)", onclick: () => this.#help() },
      "?",
    );
    this.tools = h("div.ev-panel-tools", {}, copy, page, help);
    this.busy = busyLine({ link: this.link, leave: () => this.tabs.focus(this.model.get("tab") || "heatmaps") });
    return h("div.ev-panel-head", {}, this.listButton, this.title, this.facts, this.tools, this.busy.el, this.done);
  }

  #buildWelcome() {
    const add = h("button", { type: "button", onclick: () => this.browse() }, icon(ICONS.plus), "Add a sound…");
    const open = () => this.link.send("open_samples");
    this.samples = h(
      "button.ev-primary",
      { type: "button", onclick: open },
      icon(ICONS.note),
      "Open the sample tracks",
    );
    this.welcomeTitle = h("h3");
    this.welcomeText = h("p.ev-faint");
    this.welcomeCode = h(
      "p.ev-faint",
      {},
      "A folder of your own is named in the cell: ",
      h("code", {}, 'embviz.Explorer("path/to/folder")'),
    );
    this.welcome = h(
      "div.ev-panel-blank.ev-panel-welcome",
      {},
      icon(ICONS.note),
      this.welcomeTitle,
      this.welcomeText,
      h("div.ev-panel-welcome-ways", {}, this.samples, add),
      this.welcomeCode,
    );
    return this.welcome;
  }

  // What it listens to.

  #listen() {
    const { model, signal } = this;
    onChange(model, "track tracks", () => this.#updateTrack(), signal);
    onChange(model, "tab", () => this.#updateTab(), signal);
    onChange(model, "player", () => this.#updateTrack(), signal);
    onChange(model, "progress evaluation_status", () => this.#updateBusy(), signal);
    onChange(model, "notice", () => this.messages.update(model.get("notice") ?? {}), signal);
    onChange(model, "collapsed_list", () => this.#updateList(), signal);
    this.listButton.addEventListener("click", () => this.showList(this.list.el.hidden));
    this.el.addEventListener("keydown", (event) => this.#key(event), { signal });
    const observer = new ResizeObserver(([entry]) => this.#resized(entry.contentRect.width));
    observer.observe(this.el);
    signal.addEventListener("abort", () => observer.disconnect(), { once: true });
  }

  #resized(width) {
    const narrow = width > 0 && width < NARROW;
    this.el.classList.toggle("ev-panel-narrow", narrow);
    this.el.classList.toggle("ev-panel-tight", narrow && width < TIGHT);
    this.el.classList.toggle("ev-panel-tiny", narrow && width < TINY);
    if (narrow === this.#narrow) return;
    this.#narrow = narrow;
    // Who has nothing open yet needs the list first.
    this.#drawer = narrow && !this.track;
    this.#updateList();
  }

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
    if (action.kind === "tab") this.#openTab(TABS[action.index][0], true);
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
    const any = (this.model.get("tracks") ?? []).length > 0;
    write(this.welcomeTitle, any ? "Choose a track to begin" : "There is no sound here yet");
    write(
      this.welcomeText,
      any
        ? "Pick one from the list, or drop a sound of your own here."
        : "Begin with ten short sample tracks, or drop a sound of your own here.",
    );
    this.samples.hidden = any;
    this.welcomeCode.hidden = any;
    this.welcome.hidden = Boolean(track);
    this.work.hidden = !track;
    this.tools.hidden = !track;
    if (track) this.player.set(this.model.get("player"));
    this.#updateTab();
  }

  #updateTab() {
    const tab = this.model.get("tab") || "heatmaps";
    this.tabs.show(tab);
    this.#updateBusy();
    if (!this.track) return;
    this.#pages[tab]?.update();
    // Each track is asked about once, when its page is first looked at.
    const key = `${this.model.get("track")} ${tab}`;
    if (key !== this.#asked) this.#pages[tab]?.ask?.();
    this.#asked = key;
  }

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
    this.busy.update(!this.trouble.el.hidden ? {} : busy.text ? busy : this.#comparing());
  }

  /** A comparison goes on while other pages are looked at, which say nothing of it. */
  #comparing() {
    const { status, stage, done, total } = this.model.get("evaluation_status") ?? {};
    const on = status === "running" && this.model.get("tab") !== "evaluation";
    return on ? { text: `Tasks: ${stage || "computing"}`, done, total } : {};
  }

  #updateList() {
    const open = this.#narrow ? this.#drawer : !this.model.get("collapsed_list");
    this.list.el.hidden = !open;
    this.shade.hidden = !(open && this.#narrow && this.track);
    this.listButton.hidden = open;
    this.listButton.setAttribute("aria-expanded", String(open));
  }

  #sayTrouble(sentence) {
    this.trouble.say(sentence);
    this.#updateBusy();
  }

  // What it does.

  #save(trait, value) {
    this.model.set(trait, value);
    this.model.save_changes();
  }

  #help() {
    openDialog(this.el, { label: "Keys", kind: "ev-panel-help", signal: this.signal }, keyHelp());
  }
}

export default { render };
