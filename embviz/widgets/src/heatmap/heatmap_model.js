/** What a heatmap draws: the traits, read once, with what is derived from them. */
import { bytesOf, numbersOf } from "../base/buffers.js";
import { lookups, scaleOf, zeroPlace, zerosOf } from "../base/color_scale.js";
import { count, spanOf } from "../base/format.js";
import { isListed, measured, plain, rowsOf } from "../base/labels.js";
import { levelFor, Pyramid } from "../base/raster.js";
import { frameAt, frameEdge } from "../base/time.js";

/** @import { Model, Scale } from "../types.js" */

const NO_ORDER = new Uint16Array(0);

/** The data of a heatmap; what has not changed since before is taken over. */
export class Field {
  /** @type {unknown[]} what cells and colours are made from */
  sources = [];
  order = "index";
  ordering = false; // whether Python is still at the order that was asked for
  listed = false;
  /** @type {Uint16Array} the dimension of each row, from the top */
  rows = NO_ORDER;
  /** @type {Scale} */
  scale = "none";
  zero = 0;
  /** @type {Uint8Array} */
  tables = new Uint8Array(0);
  /** @type {Record<string, Pyramid>} */
  pyramids = {};

  /** @param {Model} model @param {Field | null} before */
  constructor(model, before) {
    const get = (/** @type {string} */ name) => model.get(name);
    const [d, t] = get("shape") ?? [0, 0];
    const sources = [get("cells"), get("ranges"), d, t, get("ends")];
    const same = before?.sources.every((source, i) => source === sources[i]);
    this.sources = sources;
    const kept = same ? before : null;
    /** @type {import("../base/time.js").Grid} */
    const grid = { ...get("grid"), n_frames: t };
    /** @type {number} */
    this.d = d;
    /** @type {number} */
    this.t = t;
    this.grid = grid;
    /** @type {string} */
    this.unit = get("unit") ?? "";
    this.signed = Boolean(get("signed"));
    /** @type {number} where cells are pooled, single frames come later: there are pictures, but no values */
    this.level = get("level") ?? 0;
    /** @type {Uint8Array} [d, ceil(t / 2 ** level)] */
    this.pooled = kept ? kept.pooled : bytesOf(get("cells"));
    /** @type {Uint8Array} [d, t]; empty where cells are pooled */
    this.codes = this.level ? new Uint8Array(0) : this.pooled;
    /** @type {Float32Array} [d, 2] */
    this.ranges = kept ? kept.ranges : numbersOf(get("ranges"), Float32Array);
    const cells = d * Math.ceil(t / 2 ** this.level);
    this.whole = this.pooled.length === cells && this.ranges.length === 2 * d && (grid.hop > 0 || !t);
    /** @type {string[]} */
    this.labels = get("labels")?.length === d ? get("labels") : [];
    this.scale = get("scale") ?? "none";
    this.measure = measured(this.labels);
    /** @type {number[] | null} lowest and highest number shown */
    this.crop = this.measure && get("crop")?.length === 2 ? get("crop") : null;
    this.#orderBy(get, before);
    this.#colorBy(kept);
    this.colors = scaleOf(this.ranges, this.scale, this.#ends);
    this.zeros = this.zero ? zerosOf(this.ranges) : new Int32Array(this.d);
  }

  /** @returns {number[]} where the colours of a shared scale end */
  get #ends() {
    return /** @type {number[] | undefined} */ (this.sources.at(-1)) ?? [];
  }

  /** @param {Model["get"]} get @param {Field | null} before */
  #orderBy(get, before) {
    const wanted = get("order") ?? "index";
    const permutation = wanted === "index" ? NO_ORDER : numbersOf(get(`${wanted}_order`), Uint16Array);
    // Until Python has sent the order, rows stay as they are.
    this.ordering = wanted !== "index" && permutation.length !== this.d && this.d > 0;
    this.order = this.ordering ? (before?.d === this.d ? before.order : "index") : wanted;
    this.listed = isListed(this.labels, this.order);
    const kept = this.ordering && this.order !== "index" ? before : null;
    this.rows = kept ? kept.rows : this.#cropped(rowsOf(this.d, this.listed, this.ordering ? NO_ORDER : permutation));
  }

  /** The rows whose numbers are among those asked for; all of them, where none is. @param {Uint16Array} rows */
  #cropped(rows) {
    if (!this.crop || !this.measure) return rows;
    const [[low, high], { numbers }] = [this.crop, this.measure];
    const inside = rows.filter((row) => numbers[row] >= low && numbers[row] <= high);
    if (!inside.length) this.crop = null;
    return inside.length ? inside : rows;
  }

  /** @param {Field | null} before where its cells are the same */
  #colorBy(before) {
    const kept = before?.scale === this.scale && before.signed === this.signed ? before : null;
    this.zero = kept ? kept.zero : zeroPlace(this.ranges, this.scale, this.signed, this.#ends);
    this.tables = kept ? kept.tables : lookups(this.ranges, this.scale, this.#ends);
    this.pyramids = before?.pyramids ?? {};
  }

  get size() {
    return `${count(this.t, "frame")} × ${count(this.d, "dimension")}`;
  }

  get empty() {
    return !this.d || !this.t;
  }

  get duration() {
    return this.grid.n_samples > 0 ? this.grid.n_samples / this.grid.sample_rate : 0;
  }

  /** Cells as coarse as a step allows. @param {number} step frames per pixel */
  source(step) {
    const kind = this.zero ? "strongest" : "highest";
    const t = Math.ceil(this.t / 2 ** this.level);
    this.pyramids[kind] ??= new Pyramid(this.pooled, this.d, t, this.zeros);
    const k = Math.max(this.level, levelFor(step));
    return { k, zeros: this.zeros, ...this.pyramids[kind].level(k - this.level) };
  }

  /** The frame whose cell holds a time, or null where none does. @param {number} seconds */
  frameAt(seconds) {
    if (this.empty || seconds < frameEdge(this.grid, 0) || seconds >= frameEdge(this.grid, this.t)) return null;
    return frameAt(this.grid, seconds);
  }

  facts() {
    const still = this.t > 1 ? this.ranges.filter((low, i) => i % 2 === 0 && low === this.ranges[i + 1]).length : 0;
    const facts = [this.size, `every ${spanOf(this.grid.hop / this.grid.sample_rate)}`];
    if (this.crop && this.measure) facts.push(`${this.crop.join("–")} ${plain(this.measure.unit, 24)} shown`);
    return still ? [...facts, `${still.toLocaleString("en")} never change`] : facts;
  }
}
