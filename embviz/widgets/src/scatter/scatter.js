/**
 * A map: points of a collection on a plane, one per track or one per frame, and what hands and keys do with them.
 *
 * What draws the points is one of two renderers, WebGL or a plain canvas, which are told a *scene* (`types.d.ts`).
 */

import { numbersOf } from "../base/buffers.js";
import { inksOf } from "../base/canvas.js";
import { h, onChange, onTheme, perFrame, sizeOf, whileSeen, write } from "../base/dom.js";
import { clockKeys, mapAction } from "../base/keys.js";
import { clamp } from "../base/time.js";
import { plain, quoted, uid } from "../base/ui.js";
import { clockOf } from "../player/clock.js";
import { paintOver } from "./annotations.js";
import { axesText } from "./axes.js";
import { MARGIN, pushed, toMap, toScreen, viewOf, zoomedAt } from "./camera.js";
import { fullScreen } from "./full_screen.js";
import { onTrail } from "./label_placement.js";
import { linkOf } from "./linked_maps.js";
import { mapGestures } from "./map_gestures.js";
import { Pointing } from "./map_hover.js";
import { mapLegend } from "./map_legend.js";
import { mapTools } from "./map_toolbar.js";
import { diameters, MapData, opacityOf } from "./points.js";
import { Renderers } from "./renderers.js";
import { searchBox } from "./search.js";
import { Picks } from "./selection.js";
import { Sight } from "./viewport.js";

const UNDER = 10; // pixels around the buttons on the map where no point lies while all are seen
const STEP = 1.12; // of zoom, in which points grow: not every frame has other sizes
const KEY_ZOOM = 1.6;
const GLIDE = 900; // milliseconds in which points come to other places
const EDGE = 9; // pixels from the edge that the marker of the playhead needs
const MOST_MARKED = 5000; // tracks found that are marked
const MOST_SOUGHT = 200; // tracks found that are flown to
const HINT =
  "Arrow keys go to the next point in a direction, Enter plays it; plus and minus zoom, 0 shows all, L and R select " +
  "with a lasso or a rectangle, A selects all that is shown, F fills the screen, slash searches, Escape selects nothing, " +
  "Space plays.";
const NONE = new Uint32Array(0);
const NO_TRAIL = new Float32Array(0);

/** @import { Model, RenderOptions } from "../types.js" */
/** @import { Shared } from "./shared_controls.js" */
/** @import { Box, Glide, Inks, Insets, Place, Scene, Size, View } from "./types.js" */
/** @import { Direction } from "./spatial_index.js" */
/** @typedef {NonNullable<ReturnType<typeof mapAction>>} Action */

export class ScatterView {
  mode = "pan"; // what a drag does: "pan", "lasso" or "rectangle"
  /** Of shades, the last one of what is not known. @type {string[]} */
  colors = [];
  /** @type {Glide | null} */
  #glide = null;
  #gliding = 0;
  /** @type {Scene["spots"]} */
  #spots = new Map();
  /** @type {number | null} */
  #litShade = null;
  /** @type {number[] | null} */
  #lit = null;
  #found = NONE;
  /** @type {Place[] | null} */
  #lasso = null;
  /** Whether categories have their names on the map; null: nobody has said. @type {boolean | null} */
  #named = null;
  /** What was looked at before a search. @type {View | null} */
  #before = null;
  /** Tools, search and legend of the page around, in place of the map's own. @type {Shared | null} */
  #shared = null;
  #dark = false;
  /** Null until the map is on a page. @type {Inks | null} */
  #inks = null;
  #hint = uid("map-hint");

  title = h("strong.ev-plot-title", { dir: "auto" });
  facts = h("span.ev-scatter-facts");
  notice = h("p.ev-scatter-notice", { role: "status", hidden: true });
  over = h("canvas.ev-scatter-over", { "aria-hidden": "true" });
  marker = h("div.ev-scatter-marker", { hidden: true });
  message = h("div.ev-plot-message", { hidden: true, role: "status" });
  stage = h("div.ev-scatter-stage", { tabIndex: 0, role: "application", "aria-describedby": this.#hint });
  plot = h("div.ev-scatter-plot");
  head = h("div.ev-scatter-head");
  root = h("div.embviz.ev-scatter");
  tools = mapTools({
    mode: (mode) => this.setMode(mode),
    zoom: (factor) => this.sight.zoom(factor),
    all: () => this.sight.reset(),
    full: () => this.full.toggle(),
    clear: () => this.selectNone(),
  });
  legend = mapLegend({
    data: () => this.data,
    hide: (hidden) => this.set({ hidden_categories: hidden }),
    window: (window) => this.set({ value_range: window }),
    light: (shade) => this.light(shade),
    names: () => this.name(!this.named),
  });

  /** @param {{model: Model, el: HTMLElement, signal: AbortSignal}} options */
  constructor({ model, el, signal }) {
    this.model = model;
    this.signal = signal;
    this.clock = clockOf(model.get("clock") || uid("clock"));
    this.link = linkOf(model.get("link"));
    this.data = new MapData(model);
    this.relight = perFrame(() => this.#paintOver(), signal);
    this.repaint = whileSeen(this.root, () => this.#paint(), signal);
    this.sight = new Sight(() => this.#moved(), signal);
    this.picks = new Picks(this, () => this.#picked());
    this.pointing = new Pointing(this);
    this.renderers = new Renderers({
      signal,
      repaint: this.repaint,
      changed: (kind) => this.root.setAttribute("data-renderer", kind),
      say: (sentence) => this.#note(sentence),
    });
    this.search = searchBox({
      data: () => this.data,
      found: (tracks, asked) => this.showFound(tracks, asked),
      choose: (track) => this.open(track),
      leave: () => this.stage.focus({ preventScroll: true }),
      signal,
    });
    /** @type {{toggle: () => void, leave: () => boolean}} */
    this.full = fullScreen(this.root, (on) => this.tools.full(on), signal);
    this.hands = this.#listenHands();
    this.#build(el);
    this.room = sizeOf(this.plot, () => this.#fit(), signal);
    this.#read();
    this.#listen();
    this.renderers.use(model.get("renderer"));
    // A page around it may have tools, search and legend for all of its maps.
    this.root.dispatchEvent(new CustomEvent("ev-map", { bubbles: true, detail: this }));
  }

  /**
   * Leave tools, search and legend to the page around, which is told what they show.
   * @param {import("./shared_controls.js").Shared} shared
   */
  adopt(shared) {
    this.#shared = shared;
    this.full = shared.full;
    this.head.remove();
    this.legend.el.remove();
    this.root.classList.add("ev-scatter-bare");
    shared.restyled(this);
    // A view that is opened again has a selection from the start.
    if (this.picks.points.length) shared.selected(this.#selectedText());
  }

  /** @param {HTMLElement} el */
  #build(el) {
    const { renderers, over, marker, stage, message, tools, pointing, search, legend } = this;
    const frame = h("div.ev-scatter-frame", {}, renderers.el, over, marker, stage, message);
    this.plot.append(frame, tools.look, pointing.tip);
    this.head.append(this.title, this.facts, tools.el, search.el);
    const body = h("div.ev-scatter-body", {}, this.plot, legend.el);
    const described = h("div.ev-hidden", { id: this.#hint }, HINT);
    this.root.append(this.head, this.notice, body, pointing.live, described);
    el.append(this.root);
    this.signal.addEventListener("abort", () => this.#remove(), { once: true });
  }

  /** @param {string} sentence what there is to say of how the points are drawn */
  #note(sentence) {
    write(this.notice, sentence);
    this.notice.hidden = !sentence;
  }

  #remove() {
    cancelAnimationFrame(this.#gliding);
    this.root.remove();
  }

  #listen() {
    const { model, signal, clock, link } = this;
    onChange(model, "points tracks seconds axes placed", () => this.#renew(), signal);
    onChange(model, "columns", () => this.#retold(), signal);
    onChange(
      model,
      "color shades size sizes",
      perFrame(() => this.#recolor(), signal),
      signal,
    );
    onChange(model, "tags top_tags", () => this.data.readLooks(), signal);
    onChange(model, "filtered hidden_categories value_range", () => this.#refilter(), signal);
    onChange(model, "selected", () => this.picks.follow(), signal);
    onChange(model, "matches", () => this.#refound(), signal);
    onChange(model, "current", () => this.#opened(), signal);
    onChange(model, "trail lines", this.relight, signal);
    onChange(model, "labels", () => this.#relabel(), signal);
    onChange(model, "title message", () => this.#describe(), signal);
    onChange(model, "renderer", () => this.renderers.use(model.get("renderer")), signal);
    onTheme(this.root, (dark) => this.#themed(dark), signal);
    clock.on("time", () => this.#follow(), { signal });
    clock.on("state", () => this.#follow(), { signal });
    link.on("selection", (tracks, by) => (by === this ? null : this.picks.selectTracks(tracks)), { signal });
    addEventListener("resize", this.repaint, { signal });
  }

  #listenHands() {
    const { stage, signal, sight } = this;
    stage.addEventListener("keydown", (event) => this.#key(event), { signal });
    stage.addEventListener("blur", () => this.#left(), { signal });
    this.root.addEventListener("keydown", (event) => this.#escape(event), { signal });
    clockKeys(this.root, this.clock, signal);
    return mapGestures(stage, {
      signal,
      mode: () => /** @type {"pan" | "lasso" | "rectangle"} */ (this.mode),
      push: (dx, dy) => {
        if (sight.view) sight.look(pushed(sight.view, dx, dy, sight.home));
      },
      zoom: (x, y, factor) => {
        if (sight.view) sight.look(zoomedAt(sight.view, sight.size, x, y, factor, sight.home));
      },
      hover: (place) => this.pointing.at(place),
      click: (place, event) => this.#clicked(place, event),
      all: () => sight.reset(),
      draw: (places) => this.#outline(places),
      drawn: (places, event) => this.#lassoed(places, event),
    });
  }

  /** @param {Place[] | null} places of the lasso that is being drawn */
  #outline(places) {
    this.#lasso = places;
    this.relight();
  }

  /** The focus has gone. */
  #left() {
    this.pointing.at(null);
    this.relight();
  }

  /** Another point is open. */
  #opened() {
    this.pointing.cursor = this.model.get("current");
    this.relight();
  }

  #relabel() {
    this.#relegend();
    this.relight();
  }

  // -- the model --

  /** Set traits, and tell Python. @param {Record<string, unknown>} traits */
  set(traits) {
    for (const [name, value] of Object.entries(traits)) this.model.set(name, value);
    // In a page without a kernel there is nobody to save for.
    this.model.save_changes?.();
  }

  /** @param {object} content */
  #send(content) {
    try {
      this.model.send?.(content);
    } catch (error) {
      console.warn("embviz: the kernel is not there.", error);
    }
  }

  /** The points are others, or elsewhere; the same ones glide there. */
  #renew() {
    if (!this.data.outdated) return;
    const from = this.#seenPlaces();
    this.#glide = null;
    this.data.readPoints();
    this.data.readLooks();
    this.pointing.forget();
    this.#lit = null;
    this.#read();
    const to = this.data.xy;
    const moved = from.length === to.length && from.some((at, i) => at !== to[i]);
    if (moved && this.sight.view && !matchMedia("(prefers-reduced-motion: reduce)").matches)
      return this.#glideFrom(from);
    // Where it is not to be seen, it is fitted when it is.
    this.sight.view = null;
    this.#before = null;
    this.#fit();
  }

  /** Where the points are on the screen now, which may be on their way. */
  #seenPlaces() {
    const { xy } = this.data;
    const glide = this.#glide;
    return glide ? xy.map((to, i) => glide.from[i] + (to - glide.from[i]) * glide.share) : xy;
  }

  /** Let the points come from other places, and see all of them when they are there. @param {Float32Array} from */
  #glideFrom(from) {
    cancelAnimationFrame(this.#gliding);
    const before = this.sight.view;
    this.#fit();
    // Axes leave other room to the points; they set out from where they are seen.
    this.sight.view = before;
    this.sight.fly({ ...this.sight.home }, GLIDE);
    const begin = performance.now();
    const step = () => {
      const share = Math.min(1, (performance.now() - begin) / GLIDE);
      this.#glide = share < 1 ? { from, share: share * share * (3 - 2 * share) } : null;
      if (share < 1) this.#gliding = requestAnimationFrame(step);
      this.repaint();
    };
    step();
  }

  /** Whether the points are on their way, and cannot be pointed at. */
  get gliding() {
    return this.#glide !== null;
  }

  /** The points are the same, and lie where they lay; what is known of them is more. */
  #retold() {
    this.data.columns = this.model.get("columns") ?? [];
    this.pointing.forget();
    this.#read();
  }

  #read() {
    this.pointing.cursor = this.model.get("current") ?? -1;
    this.picks.read();
    this.#refound();
    this.#describe();
    this.#restyle();
  }

  #recolor() {
    if (this.signal.aborted) return;
    this.data.readLooks();
    this.pointing.forget();
    this.#lit = null;
    this.#describe();
    this.#restyle();
  }

  #refilter() {
    this.data.readFilter();
    if (this.pointing.hover >= 0 && !this.data.shown(this.pointing.hover)) this.pointing.at(null);
    // What was lit up may be what is hidden now.
    this.light(this.#litShade);
    this.#restyle();
  }

  /** @param {boolean} dark */
  #themed(dark) {
    this.#dark = dark;
    this.#inks = inksOf(this.root);
    this.#restyle();
  }

  #restyle() {
    this.colors = this.data.palette(this.#dark, this.#inks?.accent || "#1565c0");
    this.#relegend();
    this.repaint();
  }

  #relegend() {
    if (this.#shared) this.#shared.restyled(this);
    else this.legend.update({ colors: this.colors, strong: this.named });
  }

  #describe() {
    const { model, data } = this;
    const title = quoted(model.get("title"));
    const message = plain(model.get("message")) || (data.n ? "" : "There are no points to show.");
    write(this.title, title);
    write(this.message, message);
    this.message.hidden = !message;
    const what = `${data.seconds ? "frame" : "point"}${data.n === 1 ? "" : "s"}`;
    const count = `${data.n.toLocaleString("en")} ${what}`;
    this.root.classList.toggle("ev-scatter-with-axes", Boolean(data.axes));
    write(this.facts, data.n ? count : "");
    const by = data.shades && data.color.title ? `, coloured by ${quoted(data.color.title)}` : "";
    this.stage.setAttribute(
      "aria-label",
      `Map${title ? ` of ${title}` : ""}: ${count}${by}${data.axes ? `; ${axesText(data.axes)}` : ""}.`,
    );
  }

  // -- drawing --

  #fit() {
    const { width, height } = this.room;
    if (!width || !height) return;
    const { data, sight } = this;
    const [wider, taller] = data.resize({ width, height });
    if (sight.view) sight.view = { ...sight.view, x: sight.view.x * wider, y: sight.view.y * taller };
    sight.fit({ width, height }, data.box, data.axes ? data.insets : this.#insets({ width, height }));
  }

  /** What the buttons on the map cover, in pixels of the picture. @returns {Box[]} */
  get #covered() {
    const { offsetLeft: left, offsetTop: top, offsetWidth: width, offsetHeight: height } = this.tools.look;
    return width ? [[left, top, left + width, top + height]] : [];
  }

  /** Room below all points where one of them would lie under the buttons; else null. @param {Size} size @returns {Insets | null} */
  #insets(size) {
    const { data } = this;
    const home = viewOf(data.box, size);
    const under = this.#covered.some(([left, top, right, bottom]) => {
      const [west, south] = toMap(home, size, left - UNDER, bottom + UNDER);
      const [east, north] = toMap(home, size, right + UNDER, top - UNDER);
      return data.near.count([west, south, east, north], (i) => data.hasPlace(i)) > 0;
    });
    const bottom = size.height - (this.#covered[0]?.[1] ?? size.height) + UNDER;
    return under && bottom < size.height / 3 ? { left: MARGIN, top: MARGIN, right: MARGIN, bottom } : null;
  }

  #moved() {
    this.pointing.tip.hidden = true;
    this.repaint();
  }

  /** What is to be seen; null until there is a size, and colours. @returns {Scene | null} */
  get #scene() {
    const { data, model, sight, picks, pointing } = this;
    const { view, size } = sight;
    const inks = this.#inks;
    if (!view || !size.width || !inks?.paper) return null;
    const steps = Math.round(Math.log(Math.max(view.k / sight.home.k, 1)) / Math.log(STEP));
    const sides = diameters(data.n, STEP ** steps, data.sizes);
    const usual = sides.reduce((sum, side) => sum + side, 0) / sides.length;
    return {
      data,
      view,
      size,
      zoom: view.k / sight.home.k,
      axes: data.axes,
      fill: data.fill,
      insets: data.insets,
      spots: this.#spots,
      covered: this.#covered,
      glide: this.#glide,
      moving: sight.moving || this.gliding,
      inks,
      colors: this.colors,
      diameters: sides,
      opacity: opacityOf(data.density / view.k ** 2, usual),
      selected: picks.mask,
      chosen: picks.points,
      hover: pointing.hover >= 0 ? pointing.hover : pointing.echo,
      cursor: this.stage.matches(":focus-visible") ? pointing.cursor : -1,
      same: pointing.same,
      current: model.get("current") ?? -1,
      found: this.#found,
      lit: this.#lit,
      lasso: this.#lasso,
      trail: this.gliding ? NO_TRAIL : data.trail,
      lines: numbersOf(model.get("lines"), Uint32Array),
      labels: this.gliding ? [] : this.#labels(),
    };
  }

  #paint() {
    const scene = this.#scene;
    if (!scene) return;
    this.renderers.paint(scene);
    this.#paintOver(scene);
  }

  #paintOver(scene = this.#scene) {
    if (!scene) return;
    paintOver(this.over, scene);
    this.#follow();
  }

  /** The marker of the playhead, and nothing else. */
  #follow() {
    const { sight, clock, marker } = this;
    if (!sight.view) return;
    const walks = clock.duration && !this.gliding;
    const spot = walks ? onTrail(this.data.trail, clock.time) : null;
    marker.hidden = !spot;
    if (!spot) return;
    const [x, y] = toScreen(sight.view, sight.size, spot.x, spot.y);
    // Beyond the picture, it waits whole at its edge.
    const [left, top] = [clamp(x, EDGE, sight.size.width - EDGE), clamp(y, EDGE, sight.size.height - EDGE)];
    marker.classList.toggle("ev-scatter-beyond", left !== x || top !== y);
    marker.style.transform = `translate(${left}px, ${top}px)`;
  }

  #labels() {
    const given = this.data.labels.map((label) => ({ ...label, text: quoted(label.text), strong: true }));
    return this.named && this.data.color.kind === "category" ? [...given, ...this.data.names()] : given;
  }

  /** Whether categories have their names on the map: from the start, where there are none of clusters. */
  get named() {
    return this.#named ?? !this.model.get("labels")?.length;
  }

  /** Have the names of the categories on the map, or not. @param {boolean} on */
  name(on) {
    this.#named = on;
    this.#relegend();
    this.relight();
  }

  /** Light up the points of a shade; null: all as they are. @param {number | null} shade */
  light(shade) {
    this.#litShade = shade;
    this.#lit = shade !== null && this.data.shownShades[shade] ? this.data.ofShade(shade) : null;
    this.relight();
  }

  // -- choosing and selecting --

  /** @param {Place} place @param {PointerEvent} event */
  #clicked(place, event) {
    const point = this.pointing.under(place);
    if (point < 0) return;
    const several = event.shiftKey || event.altKey || event.ctrlKey || event.metaKey;
    if (!several) return this.choose(point);
    this.#select([point], event.altKey || this.picks.mask?.[point] ? "remove" : "add");
  }

  /** Open a point, and play it. @param {number} point */
  choose(point) {
    this.pointing.cursor = point;
    this.set({ current: point });
    this.#send({ kind: "choose", point });
    this.relight();
  }

  /** @param {string} mode what a drag does; the one that there is: as before */
  setMode(mode) {
    this.mode = this.mode === mode ? "pan" : mode;
    this.tools.mode(this.mode);
    this.#shared?.mode(this.mode);
    this.stage.dataset.mode = this.mode;
  }

  /** @param {Place[]} places @param {PointerEvent} event */
  #lassoed(places, event) {
    const { view, size } = this.sight;
    if (!view) return;
    const polygon = places.map(([x, y]) => toMap(view, size, x, y));
    const points = this.data.near.inside(polygon, this.pointing.accept);
    this.#select(points, event.altKey ? "remove" : event.shiftKey ? "add" : "replace");
  }

  /** @param {Iterable<number>} points @param {"replace" | "add" | "remove"} [how] */
  #select(points, how) {
    this.picks.select(points, how);
    this.pointing.say(this.#selectedText() || "nothing selected");
  }

  selectNone() {
    this.#select(NONE);
  }

  #selectedText() {
    const { length } = this.picks.points;
    return length ? `${length.toLocaleString("en")} selected` : "";
  }

  #picked() {
    this.tools.selected(this.#selectedText());
    this.#shared?.selected(this.#selectedText());
    this.repaint();
  }

  // -- searching --

  /**
   * Mark what a search has found, and fly there; what was looked at before comes back when nothing is asked for.
   * @param {number[]} tracks @param {boolean} [asked]
   */
  showFound(tracks, asked = tracks.length > 0) {
    const points = tracks.length <= MOST_MARKED ? tracks.flatMap((track) => this.data.pointsOf(track)) : [];
    this.#find(points);
    if (!asked) {
      if (this.#before) this.sight.fly(this.#before);
      this.#before = null;
      return;
    }
    this.#before ??= this.sight.view;
    if (tracks.length <= MOST_SOUGHT) this.#flyTo(points);
  }

  /** Go to a track that was found, and open it as a click does. @param {number} track */
  open(track) {
    this.goTo(track);
    const point = this.pointing.cursor;
    if (this.data.pointsOf(track).includes(point)) this.choose(point);
  }

  /** Go to a track, which has the focus then; what lies around it stays in the picture. @param {number} track */
  goTo(track) {
    const points = this.data.pointsOf(track);
    if (!points.length) return;
    this.#find(points);
    this.#flyTo(points);
    this.pointing.cursor = points.find((point) => this.data.hasPlace(point)) ?? points[0];
    this.pointing.sayPoint(this.pointing.cursor);
    this.stage.focus({ preventScroll: true });
  }

  /** @param {number[]} points */
  #flyTo(points) {
    const { data } = this;
    this.sight.flyTo(
      data.xy,
      points.filter((i) => data.hasPlace(i)),
    );
  }

  /** @param {number[]} points */
  #find(points) {
    this.#found = Uint32Array.from(points);
    this.set({ matches: new DataView(this.#found.buffer) });
    this.relight();
  }

  /** Python has found something: go there. */
  #refound() {
    const found = numbersOf(this.model.get("matches"), Uint32Array).filter((i) => i < this.data.n);
    const news = found.length !== this.#found.length || found.some((i, j) => i !== this.#found[j]);
    this.#found = found;
    if (news) this.#flyTo([...found]);
    this.relight();
  }

  // -- keys --

  /** @param {KeyboardEvent} event */
  #key(event) {
    const action = mapAction(event);
    if (!action || !this.data.n || !this.sight.view || !this.#act(action)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {Action} action @returns {boolean} whether there was anything to do */
  #act(action) {
    const { kind } = action;
    const { cursor } = this.pointing;
    if (kind === "clear") return this.#clear();
    if (kind === "choose" && !(cursor >= 0 && cursor < this.data.n)) return false;
    if (kind === "choose") this.choose(cursor);
    else if (kind === "walk") this.pointing.walk(/** @type {Direction} */ (action.direction));
    else if (kind === "zoom") this.sight.zoom(KEY_ZOOM ** (action.steps ?? 0));
    else if (kind === "all") this.sight.reset();
    else if (kind === "mode") this.setMode(action.mode ?? "pan");
    else if (kind === "names") this.name(!this.named);
    else if (kind === "full") this.full.toggle();
    else if (kind === "select") this.#select(this.data.everyShown());
    else if (this.#shared) this.#shared.search();
    else this.search.input.focus();
    return true;
  }

  /** Escape means the same beside the map, unless something there is closed with it. @param {KeyboardEvent} event */
  #escape(event) {
    if (event.key !== "Escape" || event.defaultPrevented || !this.#clear()) return;
    event.preventDefault();
    event.stopPropagation();
  }

  #clear() {
    if (this.hands.cancel() || this.full.leave()) return true;
    if (this.picks.points.length) this.selectNone();
    else if (this.mode !== "pan") this.setMode("pan");
    else return false;
    return true;
  }
}

/** @param {RenderOptions} options */
function render({ model, el, signal: given }) {
  const own = new AbortController();
  new ScatterView({ model, el, signal: given ?? own.signal });
  return () => own.abort();
}

export default { render };
