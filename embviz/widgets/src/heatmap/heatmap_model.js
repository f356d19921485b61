// @ts-nocheck
/** What a heatmap draws: the traits, read once, with what is derived from them. */
import { bytesOf, numbersOf } from "../base/buffers.js";
import { lookups, scaleOf, zeroPlace, zerosOf } from "../base/color_scale.js";
import { count, spanOf } from "../base/format.js";
import { isListed, measured, plain, rowsOf } from "../base/labels.js";
import { levelFor, Pyramid } from "../base/raster.js";
import { frameAt, frameEdge } from "../base/time.js";

const NO_ORDER = new Uint16Array(0);

/** The data of a heatmap; what has not changed since before is taken over. */
export class Field {
  constructor(model, before) {
    const get = (name) => model.get(name);
    const [d, t] = get("shape") ?? [0, 0];
    const sources = [get("cells"), get("ranges"), d, t, get("ends")];
    const same = before?.sources.every((source, i) => source === sources[i]);
    const grid = { ...get("grid"), n_frames: t };
    Object.assign(this, { sources, d, t, grid, unit: get("unit") ?? "", signed: Boolean(get("signed")) });
    this.codes = same ? before.codes : bytesOf(sources[0]);
    this.ranges = same ? before.ranges : numbersOf(sources[1], Float32Array);
    this.whole = this.codes.length === d * t && this.ranges.length === 2 * d && (grid.hop > 0 || !t);
    this.labels = get("labels")?.length === d ? get("labels") : [];
    this.scale = get("scale") ?? "none";
    this.measure = measured(this.labels);
    this.crop = this.measure && get("crop")?.length === 2 ? get("crop") : null;
    this.#orderBy(get, before);
    this.#colorBy(same ? before : null);
  }

  #orderBy(get, before) {
    const wanted = get("order") ?? "index";
    const permutation = wanted === "index" ? NO_ORDER : numbersOf(get(`${wanted}_order`), Uint16Array);
    // Until Python has sent the order, rows stay as they are.
    this.ordering = wanted !== "index" && permutation.length !== this.d && this.d > 0;
    this.order = this.ordering ? (before?.d === this.d ? before.order : "index") : wanted;
    this.listed = isListed(this.labels, this.order);
    const kept = this.ordering && this.order !== "index";
    this.rows = kept ? before.rows : this.#cropped(rowsOf(this.d, this.listed, this.ordering ? NO_ORDER : permutation));
  }

  /** The rows whose numbers are among those asked for; all of them, where none is. */
  #cropped(rows) {
    const [low, high] = this.crop ?? [];
    const inside = this.crop
      ? rows.filter((row) => this.measure.numbers[row] >= low && this.measure.numbers[row] <= high)
      : rows;
    if (!inside.length) this.crop = null;
    return inside.length ? inside : rows;
  }

  #colorBy(before) {
    const kept = before?.scale === this.scale && before?.signed === this.signed;
    const ends = this.sources.at(-1) ?? [];
    this.zero = kept ? before.zero : zeroPlace(this.ranges, this.scale, this.signed, ends);
    this.tables = kept ? before.tables : lookups(this.ranges, this.scale, ends);
    this.colors = scaleOf(this.ranges, this.scale, ends);
    this.pyramids = before?.pyramids ?? {};
    this.zeros = this.zero ? zerosOf(this.ranges) : new Int32Array(this.d);
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

  /** Cells as coarse as a step allows. */
  source(step) {
    const kind = this.zero ? "strongest" : "highest";
    const pyramid = (this.pyramids[kind] ??= new Pyramid(this.codes, this.d, this.t, this.zeros));
    const k = levelFor(step);
    return { k, zeros: this.zeros, ...pyramid.level(k) };
  }

  /** The frame whose cell holds a time, or null where none does. */
  frameAt(seconds) {
    if (this.empty || seconds < frameEdge(this.grid, 0) || seconds >= frameEdge(this.grid, this.t)) return null;
    return frameAt(this.grid, seconds);
  }

  facts() {
    const still = this.t > 1 ? this.ranges.filter((low, i) => i % 2 === 0 && low === this.ranges[i + 1]).length : 0;
    const facts = [this.size, `every ${spanOf(this.grid.hop / this.grid.sample_rate)}`];
    if (this.crop) facts.push(`${this.crop.map(String).join("–")} ${plain(this.measure.unit, 24)} shown`);
    return still ? [...facts, `${still.toLocaleString("en")} never change`] : facts;
  }
}
