/** The points of a map as the model has them: where they are, how they look, which are shown, what is known of them. */

import { bytesOf, numbersOf } from "../base/buffers.js";
import { minus } from "../base/canvas.js";
import { clamp, formatTime } from "../base/time.js";
import { quoted } from "../base/ui.js";
import { fillOf, insetsOf, valueAt, valueText } from "./axes.js";
import { boxOf } from "./camera.js";
import { Nearby } from "./spatial_index.js";

/** @import { Model } from "../types.js" */
/** @import { Axis, Box, ColorRecord, Insets, Label, Size } from "./types.js" */
/** @typedef {{name: string, title: string, kind: string, unit: string, values: unknown[]}} Column */

export const MISSING = 255; // the shade of a point of which nothing is known
export const SIZES = 16; // steps of size
const SAMPLE = 2000; // points that tell where the middle of a category is
const UNKNOWN = { light: "#b9c0c7", dark: "#626b75" };

/** What a shade means on a scale of numbers. @param {number} shade @param {{low: number, high: number}} scale */
export function shadeValue(shade, { low, high }) {
  return low + (shade / 254) * (high - low);
}

/**
 * Which shades are shown. @param {Pick<ColorRecord, "kind" | "low" | "high">} color
 * @param {number[]} hidden @param {number[]} window lowest and highest value, or none @returns 1 or 0 for each
 */
export function shownShades(color, hidden, window) {
  const shown = new Uint8Array(256).fill(1);
  if (color.kind === "category") for (const shade of hidden) shown[shade] = 0;
  if (color.kind !== "number" || window.length !== 2) return shown;
  const step = Math.abs(color.high - color.low) / 508;
  for (let shade = 0; shade < 255; shade += 1) {
    const value = shadeValue(shade, color);
    if (value < window[0] - step || value > window[1] + step) shown[shade] = 0;
  }
  shown[MISSING] = 0;
  return shown;
}

/** A number as precise as a range of values needs it. @param {number} value @param {number} low @param {number} high */
export function fitting(value, low, high) {
  const spread = Math.abs(high - low) || Math.abs(high) || 1;
  if (spread < 1e-4 || Math.abs(value) >= 1e7) return minus(Number(value.toPrecision(3)));
  const decimals = Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(spread))));
  return minus(String(Number(value.toFixed(decimals))));
}

const NO_COLOR = {
  title: "",
  kind: "none",
  unit: "",
  palette: [],
  labels: [],
  other: -1,
  low: 0,
  high: 1,
  clipped: [],
};

export class MapData {
  xy = new Float32Array(0);
  n = 0;
  /** @type {Box} */
  box = [-1, -1, 1, 1];
  near = new Nearby(this.xy, this.box);
  /** Points to a unit of area, where they lie. */
  density = 0;
  /** Of x and y; null: the places have no meaning of their own. @type {Axis[] | null} */
  axes = null;
  /** How far x and y are drawn, where each goes from −1 to 1. @type {[number, number]} */
  fill = [1, 1];
  /** @type {Insets} */
  insets = { left: 0, top: 0, right: 0, bottom: 0 };
  /** 0 for points that have no place; null: all have one. @type {Uint8Array | null} */
  placed = null;
  /** @type {Size | null} of the picture */
  #size = null;
  /** The trail as the model has it, and as it is drawn. @type {{of: unknown, fill: unknown, drawn: Float32Array} | null} */
  #trail = null;
  /** Track of each point; null: point i is track i. @type {Uint32Array | null} */
  tracks = null;
  /** Moment of each point; null: points are tracks. @type {Float32Array | null} */
  seconds = null;
  /** @type {Column[]} */
  columns = [];
  color = /** @type {ColorRecord} */ (NO_COLOR);
  /** @type {Uint8Array | null} */
  shades = null;
  /** @type {{title?: string, unit?: string, low: number, high: number}} */
  size = { low: 0, high: 1 };
  /** @type {Uint8Array | null} */
  sizes = null;
  /** @type {string[]} */
  tags = [];
  /** @type {Uint8Array} */
  topTags = new Uint8Array(0);
  /** How many points have each shade. */
  counts = new Uint32Array(256);
  /** 1 or 0 for each shade. */
  shownShades = new Uint8Array(256);
  shownCount = 0;
  /** How many points of each shade are shown. */
  shownCounts = new Uint32Array(256);
  /** 0 for points that a filter leaves out; null: it leaves out none. @type {Uint8Array | null} */
  filtered = null;
  /** @type {Set<number> | null | undefined} */
  #colored;
  /** @type {Map<number, Omit<Label, "text">> | null} */
  #middles = null;
  /** @type {Map<number, number[]> | null} */
  #byTrack = null;

  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    this.readPoints();
    this.readLooks();
  }

  /** What the points were read of. @type {unknown[]} */
  #read = [];

  get #sources() {
    return ["points", "tracks", "seconds", "axes", "placed"].map((name) => this.model.get(name));
  }

  /** Whether the model has other points: it tells so of each of its traits, all of which come at once. */
  get outdated() {
    return this.#sources.some((source, i) => source !== this.#read[i]);
  }

  readPoints() {
    const { model } = this;
    this.#read = this.#sources;
    const axes = model.get("axes") ?? [];
    this.axes = axes.length === 2 ? axes : null;
    this.#lay();
    this.n = this.xy.length / 2;
    const placed = bytesOf(model.get("placed"));
    this.placed = placed.length && placed.length === this.n ? placed : null;
    const [tracks, seconds] = [
      numbersOf(model.get("tracks"), Uint32Array),
      numbersOf(model.get("seconds"), Float32Array),
    ];
    this.tracks = tracks.length === this.n ? tracks : null;
    this.seconds = seconds.length === this.n ? seconds : null;
    this.columns = model.get("columns") ?? [];
    this.#byTrack = null;
  }

  /** Lay the points where they are drawn: axes fill the picture, a map keeps its aspect. */
  #lay() {
    const { axes } = this;
    const own = numbersOf(this.model.get("points"), Float32Array);
    this.fill = [1, 1];
    if (axes && this.#size) {
      this.insets = insetsOf(axes, this.#size);
      this.fill = fillOf(this.#size, this.insets);
    }
    const { fill } = this;
    this.xy = axes ? own.map((place, i) => place * fill[i % 2]) : own;
    this.box = axes ? [-fill[0], -fill[1], fill[0], fill[1]] : boxOf(this.xy);
    this.near = new Nearby(this.xy, this.box);
    this.density = this.near.density();
    this.#middles = null;
  }

  /**
   * The picture has another size: with axes, the points lie elsewhere.
   * @param {Size} size @returns {[number, number]} by how much x and y are longer than they were
   */
  resize(size) {
    this.#size = size;
    if (!this.axes) return [1, 1];
    const insets = insetsOf(this.axes, size);
    const fill = fillOf(size, insets);
    const before = this.fill;
    this.insets = insets;
    if (Math.abs(fill[0] - before[0]) + Math.abs(fill[1] - before[1]) < 1e-6) return [1, 1];
    this.#lay();
    return [fill[0] / before[0], fill[1] / before[1]];
  }

  /** The trail of the open track, as it is drawn. */
  get trail() {
    const of = this.model.get("trail");
    const { fill } = this;
    if (this.#trail?.of !== of || this.#trail?.fill !== fill) {
      const own = numbersOf(of, Float32Array);
      const drawn = this.axes ? own.map((place, i) => (i % 3 < 2 ? place * fill[i % 3] : place)) : own;
      this.#trail = { of, fill, drawn };
    }
    return this.#trail.drawn;
  }

  /** The names of groups, as they are drawn. @returns {Label[]} */
  get labels() {
    const [wide, tall] = this.fill;
    /** @type {Label[]} */
    const labels = this.model.get("labels") ?? [];
    return labels.map((label) => ({
      ...label,
      x: label.x * wide,
      y: label.y * tall,
      rx: label.rx * wide,
      ry: label.ry * tall,
    }));
  }

  /** Whether a point has a place. @param {number} i */
  hasPlace(i) {
    return this.placed?.[i] !== 0;
  }

  readLooks() {
    const { model } = this;
    this.color = { ...NO_COLOR, ...model.get("color") };
    const [shades, sizes] = [bytesOf(model.get("shades")), bytesOf(model.get("sizes"))];
    this.shades = shades.length === this.n && this.color.kind !== "none" ? shades : null;
    this.size = { low: 0, high: 1, ...model.get("size") };
    this.sizes = sizes.length === this.n ? sizes : null;
    this.tags = model.get("tags") ?? [];
    this.topTags = bytesOf(model.get("top_tags"));
    this.#middles = null;
    this.counts = new Uint32Array(256);
    if (this.shades) for (const shade of this.shades) this.counts[shade] += 1;
    else this.counts[0] = this.n;
    this.readFilter();
  }

  readFilter() {
    const { model } = this;
    const filtered = bytesOf(model.get("filtered"));
    this.filtered = filtered.length && filtered.length === this.n ? filtered : null;
    const some = this.filtered || this.placed;
    this.shownShades = shownShades(this.color, model.get("hidden_categories") ?? [], model.get("value_range") ?? []);
    this.#colored = undefined;
    this.shownCounts = this.counts.map((count, shade) => (some || !this.shownShades[shade] ? 0 : count));
    if (some) {
      for (let i = 0; i < this.n; i += 1) if (this.shown(i)) this.shownCounts[this.shades ? this.shades[i] : 0] += 1;
    }
    this.shownCount = this.shownCounts.reduce((sum, count) => sum + count, 0);
  }

  /** CSS colours of shades, the last one that of missing values. @param {boolean} dark @param {string} accent */
  palette(dark, accent) {
    const { palette, night } = this.color;
    const own = dark && night?.length ? night : palette;
    return [...(this.shades ? own : [accent]), dark ? UNKNOWN.dark : UNKNOWN.light];
  }

  /** The place of a point's colour in a palette of so many. @param {number} i @param {number} length */
  place(i, length) {
    if (!this.shades) return 0;
    const shade = this.shades[i];
    return shade === MISSING || shade >= length - 1 ? length - 1 : shade;
  }

  /** Whether a point is shown, and may be chosen. @param {number} i */
  shown(i) {
    return this.shownShades[this.shades ? this.shades[i] : 0] === 1 && this.filtered?.[i] !== 0 && this.hasPlace(i);
  }

  /** The tracks of which the legend shows a point; null where it hides none. */
  get coloredTracks() {
    if (this.#colored !== undefined) return this.#colored;
    const { shades, shownShades } = this;
    if (!shades || this.counts.every((count, shade) => !count || shownShades[shade])) this.#colored = null;
    else {
      this.#colored = new Set();
      for (let i = 0; i < this.n; i += 1) if (shownShades[shades[i]]) this.#colored.add(this.trackOf(i));
    }
    return this.#colored;
  }

  /** Where a point is. @param {number} i @returns {[number, number]} */
  at(i) {
    return [this.xy[2 * i], this.xy[2 * i + 1]];
  }

  /** All points that are shown. @returns {number[]} */
  everyShown() {
    const points = [];
    for (let i = 0; i < this.n; i += 1) if (this.shown(i)) points.push(i);
    return points;
  }

  /** The points of a shade. @param {number} shade @returns {number[]} */
  ofShade(shade) {
    const points = [];
    if (this.shades) for (let i = 0; i < this.n; i += 1) if (this.shades[i] === shade) points.push(i);
    return points;
  }

  /** The names of the categories and where they stand among their points, the largest first. @returns {Label[]} */
  names() {
    const largest = (/** @type {number} */ a, /** @type {number} */ b) => this.counts[b] - this.counts[a];
    const own = [...this.color.labels.keys()].filter((shade) => shade !== this.color.other);
    const shades = own.filter((shade) => this.counts[shade]).sort(largest);
    this.#middles ??= new Map(shades.map((shade) => [shade, this.#middle(shade)]));
    const middles = this.#middles;
    return shades
      .filter((shade) => this.shownCounts[shade])
      .map((shade) => ({
        x: 0,
        y: 0,
        rx: 0,
        ry: 0,
        n: 0,
        ...middles.get(shade),
        text: quoted(this.color.labels[shade]),
      }));
  }

  /** The middle of the points of a category, and half their extent but for those far out. @param {number} shade */
  #middle(shade) {
    const points = this.ofShade(shade).filter((i) => this.hasPlace(i));
    const some = points.filter((_, j) => j % Math.ceil(points.length / SAMPLE) === 0);
    const [x, y] = [0, 1].map((axis) => Float32Array.from(some, (i) => this.xy[2 * i + axis]).sort());
    const at = (/** @type {Float32Array} */ values, /** @type {number} */ share) =>
      values[Math.floor((values.length - 1) * share)];
    const half = (/** @type {Float32Array} */ values) => (at(values, 0.9) - at(values, 0.1)) / 2;
    return { x: at(x, 0.5), y: at(y, 0.5), rx: half(x), ry: half(y), n: points.length };
  }

  /** @param {number} i */
  trackOf(i) {
    return this.tracks ? this.tracks[i] : i;
  }

  /** The points of a track, in time order. @param {number} track @returns {number[]} */
  pointsOf(track) {
    if (!this.tracks) return track < this.n ? [track] : [];
    this.#byTrack ??= pointsByTrack(this.tracks);
    return this.#byTrack.get(track) ?? [];
  }

  /** @param {string} name of a column @param {number} i */
  fact(name, i) {
    const column = this.columns.find((each) => each.name === name);
    return String(column?.values?.[this.trackOf(i)] ?? "");
  }

  /** What is said of a point: its name, and lines below it. @param {number} i */
  facts(i) {
    const title = this.fact("title", i) || `point ${i + 1}`;
    const lines = [this.fact("artist", i), this.seconds ? `at ${formatTime(this.seconds[i], 1)}` : ""];
    const said = [this.heardText(i), ...this.axisTexts(i), this.colorText(i), this.sizeText(i)];
    return { title, lines: [...new Set([...lines, ...said])].filter(Boolean) };
  }

  /** What the axes say of a point. @param {number} i @returns {string[]} */
  axisTexts(i) {
    if (!this.axes || !this.hasPlace(i)) return [];
    return this.axes.map((axis, way) => {
      const value = valueAt(axis, this.xy[2 * i + way] / this.fill[way]);
      return axis.kind === "none" ? "" : `${axis.title}: ${valueText(axis, value)}`;
    });
  }

  /** What a model hears at a point, the most of it first. @param {number} i */
  heardText(i) {
    const width = this.n ? this.topTags.length / this.n : 0;
    if (!Number.isInteger(width)) return "";
    const own = [...this.topTags.subarray(i * width, (i + 1) * width)].map((tag) => this.tags[tag]).filter(Boolean);
    return own.length ? `hears ${own.join(", ")}` : "";
  }

  /** @param {number} i */
  colorText(i) {
    const { color, shades } = this;
    if (!shades) return "";
    const said = shades[i] === MISSING ? (color.unknown ?? "unknown") : this.shadeText(shades[i]);
    return color.title ? `${color.title}: ${said}` : said;
  }

  /** @param {number} shade */
  shadeText(shade) {
    const { kind, labels, low, high, unit, clipped = [] } = this.color;
    if (kind === "category") return String(labels[shade] ?? "unknown");
    // What lies beyond the ends of the colours has the colour of the end.
    const beyond = shade === 0 && clipped[0] ? "≤ " : shade === 254 && clipped[1] ? "≥ " : "";
    return `${beyond}${fitting(shadeValue(shade, this.color), low, high)}${unit ? ` ${unit}` : ""}`;
  }

  /** @param {number} i */
  sizeText(i) {
    const { title, unit, low, high } = this.size;
    if (!this.sizes || !title) return "";
    if (!this.sizes[i]) return `${title}: unknown`;
    const value = low + ((this.sizes[i] - 1) / 254) * (high - low);
    return `${title}: ${fitting(value, low, high)}${unit ? ` ${unit}` : ""}`;
  }

  /** One of the steps of size, 0 to 15. @param {number} i */
  sizeStep(i) {
    return this.sizes ? this.sizes[i] >> 4 : 0;
  }
}

/** @param {Uint32Array} tracks @returns {Map<number, number[]>} */
function pointsByTrack(tracks) {
  const points = new Map();
  for (let i = 0; i < tracks.length; i += 1) {
    const own = points.get(tracks[i]);
    if (own) own.push(i);
    else points.set(tracks[i], [i]);
  }
  return points;
}

/**
 * Diameters in pixels of the steps of size: fewer points are larger, and grow a little as one comes nearer.
 * @param {number} n @param {number} zoom 1 where all is seen @param {Uint8Array | null} sized @returns {number[]} 16, or one where all are the same
 */
export function diameters(n, zoom, sized) {
  const usual = n < 50 ? 12 : n < 300 ? 9 : n < 2000 ? 7 : n < 10_000 ? 5.5 : n < 50_000 ? 4 : n < 200_000 ? 3 : 2.2;
  const near = zoom > 1 ? Math.min(Math.asinh(zoom) / Math.asinh(1), 4.5) : 1;
  if (!sized) return [Math.min(usual * near, Math.max(14, usual))];
  return Array.from({ length: SIZES }, (_, step) => Math.min(usual * near, 14) * (0.55 + (step / (SIZES - 1)) * 1.9));
}

/**
 * How much of what lies behind a point is covered by it: less, the more of them lie over one another on the screen.
 * @param {number} density points to a square pixel @param {number} diameter in pixels
 */
export function opacityOf(density, diameter) {
  const layers = density * (Math.PI / 4) * diameter ** 2;
  return clamp(0.9 - 0.12 * Math.log2(1 + 1.5 * layers), 0.25, 0.9);
}
