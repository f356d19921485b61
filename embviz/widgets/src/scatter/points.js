// @ts-nocheck
/** The points of a map as the model has them: where they are, how they look, which are shown, what is known of them. */

import { bytesOf, numbersOf } from "../base/buffers.js";
import { minus } from "../base/canvas.js";
import { formatTime } from "../base/time.js";
import { quoted } from "../base/ui.js";
import { boxOf } from "./camera.js";
import { Nearby } from "./spatial_index.js";

export const MISSING = 255; // the shade of a point of which nothing is known
export const SIZES = 16; // steps of size
const SAMPLE = 2000; // points that tell where the middle of a category is
const UNKNOWN = { light: "#b9c0c7", dark: "#626b75" };

/** What a shade means on a scale of numbers. */
export function shadeValue(shade, { low, high }) {
  return low + (shade / 254) * (high - low);
}

/** Which shades are shown. @param {number[]} hidden @param {number[]} window @returns {Uint8Array} 1 or 0 for each */
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

/** A number as precise as a range of values needs it. */
export function fitting(value, low, high) {
  const spread = Math.abs(high - low) || Math.abs(high) || 1;
  if (spread < 1e-4 || Math.abs(value) >= 1e7) return minus(Number(value.toPrecision(3)));
  const decimals = Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(spread))));
  return minus(String(Number(value.toFixed(decimals))));
}

export class MapData {
  constructor(model, renderer) {
    this.model = model;
    this.readPoints(renderer);
    this.readLooks();
  }

  /** @param {object | null} renderer the model of the widget that has the points, where ours has none */
  readPoints(renderer) {
    const { model } = this;
    const given = numbersOf(model.get("points"), Float32Array);
    this.xy = given.length || !renderer ? given : pairsOf(renderer.get("points"));
    this.n = this.xy.length / 2;
    this.box = boxOf(this.xy);
    this.near = new Nearby(this.xy, this.box);
    this.tracks = numbersOf(model.get("tracks"), Uint32Array);
    this.seconds = numbersOf(model.get("seconds"), Float32Array);
    if (this.tracks.length !== this.n) this.tracks = null;
    if (this.seconds.length !== this.n) this.seconds = null;
    this.columns = model.get("columns") ?? [];
    this.byTrack = null;
  }

  readLooks() {
    const { model } = this;
    this.color = { kind: "none", palette: [], labels: [], low: 0, high: 1, ...model.get("color") };
    this.shades = bytesOf(model.get("shades"));
    if (this.shades.length !== this.n || this.color.kind === "none") this.shades = null;
    this.size = model.get("size") ?? {};
    this.sizes = bytesOf(model.get("sizes"));
    if (this.sizes.length !== this.n) this.sizes = null;
    this.tags = model.get("tags") ?? [];
    this.topTags = bytesOf(model.get("top_tags"));
    this.middles = null;
    this.counts = new Uint32Array(256);
    if (this.shades) for (const shade of this.shades) this.counts[shade] += 1;
    else this.counts[0] = this.n;
    this.readFilter();
  }

  readFilter() {
    const { model } = this;
    this.shownShades = shownShades(this.color, model.get("hidden_categories") ?? [], model.get("value_range") ?? []);
    this.shownCount = 0;
    for (let shade = 0; shade < 256; shade += 1) if (this.shownShades[shade]) this.shownCount += this.counts[shade];
  }

  /** CSS colours of shades, the last one that of missing values. @returns {string[]} */
  palette(dark, accent) {
    const { palette, night } = this.color;
    const own = dark && night?.length ? night : palette;
    return [...(this.shades ? own : [accent]), dark ? UNKNOWN.dark : UNKNOWN.light];
  }

  /** The place of a point's colour in a palette of so many. */
  place(i, length) {
    if (!this.shades) return 0;
    const shade = this.shades[i];
    return shade === MISSING || shade >= length - 1 ? length - 1 : shade;
  }

  shown(i) {
    return this.shownShades[this.shades ? this.shades[i] : 0] === 1;
  }

  /** Where a point is. @returns {[number, number]} */
  at(i) {
    return [this.xy[2 * i], this.xy[2 * i + 1]];
  }

  /** All points that are shown. @returns {number[]} */
  everyShown() {
    const points = [];
    for (let i = 0; i < this.n; i += 1) if (this.shown(i)) points.push(i);
    return points;
  }

  /** The points of a shade. @returns {number[]} */
  ofShade(shade) {
    const points = [];
    if (this.shades) for (let i = 0; i < this.n; i += 1) if (this.shades[i] === shade) points.push(i);
    return points;
  }

  /** The names of the categories and where they stand among their points, the largest first. */
  names() {
    const largest = (a, b) => this.counts[b] - this.counts[a];
    const own = [...this.color.labels.keys()].filter((shade) => shade !== this.color.other);
    const shades = own.filter((shade) => this.counts[shade]).sort(largest);
    this.middles ??= new Map(shades.map((shade) => [shade, this.#middle(shade)]));
    return shades
      .filter((shade) => this.shownShades[shade])
      .map((shade) => ({ text: quoted(this.color.labels[shade]), ...this.middles.get(shade) }));
  }

  /** Where the name of a category stands: in the middle from left to right, at its upper end. */
  #middle(shade) {
    const points = this.ofShade(shade);
    const some = points.filter((_, j) => j % Math.ceil(points.length / SAMPLE) === 0);
    const at = (axis, share) =>
      some.map((i) => this.xy[2 * i + axis]).sort((a, b) => a - b)[Math.floor(some.length * share)];
    return { x: at(0, 0.5), y: at(1, 0.9) };
  }

  trackOf(i) {
    return this.tracks ? this.tracks[i] : i;
  }

  /** The points of a track, in time order. @returns {number[]} */
  pointsOf(track) {
    if (!this.tracks) return track < this.n ? [track] : [];
    if (!this.byTrack) {
      this.byTrack = new Map();
      this.tracks.forEach((each, i) => {
        if (this.byTrack.has(each)) this.byTrack.get(each).push(i);
        else this.byTrack.set(each, [i]);
      });
    }
    return this.byTrack.get(track) ?? [];
  }

  fact(name, i) {
    const column = this.columns.find((each) => each.name === name);
    return String(column?.values?.[this.trackOf(i)] ?? "");
  }

  /** What is said of a point: its name, and lines below it. @returns {{title: string, lines: string[]}} */
  facts(i) {
    const title = this.fact("title", i) || `point ${i + 1}`;
    const lines = [this.fact("artist", i), this.seconds ? `at ${formatTime(this.seconds[i], 1)}` : ""];
    return { title, lines: [...lines, this.heardText(i), this.colorText(i), this.sizeText(i)].filter(Boolean) };
  }

  /** What a model hears at a point, the most of it first. */
  heardText(i) {
    const width = this.n ? this.topTags.length / this.n : 0;
    if (!Number.isInteger(width)) return "";
    const own = [...this.topTags.subarray(i * width, (i + 1) * width)].map((tag) => this.tags[tag]).filter(Boolean);
    return own.length ? `hears ${own.join(", ")}` : "";
  }

  colorText(i) {
    const { color, shades } = this;
    if (!shades) return "";
    const said = shades[i] === MISSING ? (color.unknown ?? "unknown") : this.shadeText(shades[i]);
    return color.title ? `${color.title}: ${said}` : said;
  }

  shadeText(shade) {
    const { kind, labels, low, high, unit, clipped = [] } = this.color;
    if (kind === "category") return String(labels[shade] ?? "unknown");
    // What lies beyond the ends of the colours has the colour of the end.
    const beyond = shade === 0 && clipped[0] ? "≤ " : shade === 254 && clipped[1] ? "≥ " : "";
    return `${beyond}${fitting(shadeValue(shade, this.color), low, high)}${unit ? ` ${unit}` : ""}`;
  }

  sizeText(i) {
    const { title, unit, low, high } = this.size;
    if (!this.sizes || !title) return "";
    if (!this.sizes[i]) return `${title}: unknown`;
    const value = low + ((this.sizes[i] - 1) / 254) * (high - low);
    return `${title}: ${fitting(value, low, high)}${unit ? ` ${unit}` : ""}`;
  }

  /** One of the steps of size, 0 to 15. */
  sizeStep(i) {
    return this.sizes ? this.sizes[i] >> 4 : 0;
  }
}

/** The first two of four numbers each, out of the array that jupyter-scatter's model holds. */
function pairsOf(points) {
  const four = numbersOf(points?.view ?? points, Float32Array);
  const pairs = new Float32Array(four.length / 2);
  for (let i = 0; i < four.length / 4; i += 1) {
    pairs[2 * i] = four[4 * i];
    pairs[2 * i + 1] = four[4 * i + 1];
  }
  return pairs;
}

/**
 * Diameters in pixels of the steps of size: fewer points are larger, and grow a little as one comes nearer.
 * @param {number} n @param {number} zoom 1 where all is seen @returns {number[]} 16, or one where all are the same
 */
export function diameters(n, zoom, sized) {
  const usual = n < 300 ? 9 : n < 2000 ? 7 : n < 10_000 ? 5.5 : n < 50_000 ? 4 : n < 200_000 ? 3 : 2.2;
  const near = zoom > 1 ? Math.min(Math.asinh(zoom) / Math.asinh(1), 4.5) : 1;
  if (!sized) return [Math.min(usual * near, Math.max(14, usual))];
  return Array.from({ length: SIZES }, (_, step) => Math.min(usual * near, 14) * (0.55 + (step / (SIZES - 1)) * 1.9));
}

/** How much of what lies behind a point is covered by it. */
export function opacityOf(n) {
  return n < 2000 ? 0.9 : n < 10_000 ? 0.8 : n < 50_000 ? 0.7 : n < 200_000 ? 0.6 : 0.45;
}
