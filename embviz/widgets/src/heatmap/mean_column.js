/**
 * The mean over a range: which frames it takes, what they come to, and the column beside a heatmap that shows it.
 *
 * Means are taken of codes, of which values are a linear function, so they are as fine as many cells make them.
 */

import { wordsOf } from "../base/color_scale.js";
import { h, throttled, whileSeen } from "../base/dom.js";
import { count, finenessOf, roughValue, spanText } from "../base/format.js";
import { fullName, plain } from "../base/labels.js";
import { cellAt, paint, rowsAt } from "../base/raster.js";
import { clamp, frameAt, frameTime } from "../base/time.js";

const EVERY = 60; // milliseconds between two means, while a range is drawn

/**
 * The frames that a range takes: those whose centres lie in it, or where there are none, the one under its middle.
 * @param {import("../base/time.js").Grid} grid @param {[number, number]} range in seconds, half-open
 * @returns {[number, number]} the first, and one past the last
 */
export function framesOfRange(grid, [from, to]) {
  const perSecond = grid.sample_rate / grid.hop;
  const place = (/** @type {number} */ seconds) => {
    let frame = clamp(Math.ceil((seconds - frameTime(grid, 0)) * perSecond), 0, grid.n_frames);
    // The product may round across a centre; the centres themselves decide.
    while (frame > 0 && frameTime(grid, frame - 1) >= seconds) frame -= 1;
    while (frame < grid.n_frames && frameTime(grid, frame) < seconds) frame += 1;
    return frame;
  };
  const [first, stop] = [place(from), place(to)];
  if (stop > first || !grid.n_frames) return [first, stop];
  const middle = frameAt(grid, (from + to) / 2);
  return [middle, middle + 1];
}

/**
 * The mean code of each dimension over some frames; empty cells are left out, and 0 is said where all are.
 * @param {Uint8Array} codes [d, t] @param {number} d @param {number} t
 * @param {[number, number]} frames the first, and one past the last @returns {Float64Array} [d]
 */
export function meanCodes(codes, d, t, [first, stop]) {
  const means = new Float64Array(d);
  for (let dimension = 0; dimension < d; dimension += 1) {
    let [sum, known] = [0, 0];
    for (let i = dimension * t + first; i < dimension * t + stop; i += 1) {
      sum += codes[i];
      known += codes[i] ? 1 : 0;
    }
    means[dimension] = known ? sum / known : 0;
  }
  return means;
}

/**
 * What a mean is of, in words: ``mean of 0:52.5 – 1:07.5, 10 frames``.
 * @param {[number, number]} range @param {import("../base/time.js").Grid} grid @param {[number, number]} frames
 */
export function meanText(range, grid, [first, stop]) {
  return `mean of ${spanText(range, finenessOf(grid))}, ${count(stop - first, "frame")}`;
}

/** A column between a heatmap and its colour bar: the mean of each row over the range, in the heatmap's colours. */
export class MeanColumn {
  canvas = h("canvas.ev-heatmap-mean", { hidden: true, role: "img" });
  label = h("span.ev-heatmap-mean-label", { hidden: true, "aria-hidden": "true" }, "mean");
  /** @type {Float64Array | null} a code per dimension, with fractions */
  means = null;
  text = "";
  renew = () => {};
  /** @type {unknown[]} what the means are of */
  #key = [];
  /** @type {unknown[]} what the picture is of */
  #drawn = [];
  /** @type {number | null} pixels from the top */
  #pointer = null;
  #told = false;

  /** @param {import("./heatmap.js").Heatmap} plot @param {() => void} changed is called when there are other means */
  constructor(plot, changed) {
    this.plot = plot;
    this.changed = changed;
  }

  /** Begin, once the heatmap is on the page. */
  listen() {
    const { signal, root } = this.plot;
    this.renew = throttled(
      whileSeen(root, () => this.#renew(), signal),
      EVERY,
      signal,
    );
    this.canvas.addEventListener("pointermove", (event) => this.#point(event.offsetY), { signal });
    this.canvas.addEventListener("pointerleave", () => this.#point(null), { signal });
  }

  #renew() {
    const { field, clock } = this.plot;
    const range = field.empty || !field.whole || field.level ? null : clock.range;
    const key = [field.codes, field.grid.start, field.grid.hop, ...(range ?? [])];
    if (key.length === this.#key.length && key.every((part, i) => part === this.#key[i])) return;
    this.#key = key;
    const frames = range && framesOfRange(field.grid, range);
    this.means = frames && meanCodes(field.codes, field.d, field.t, frames);
    this.text = range && frames ? meanText(range, field.grid, frames) : "";
    this.canvas.setAttribute("aria-label", `Each dimension's ${this.text}`);
    this.label.title = this.text;
    this.draw();
    this.changed();
  }

  /** The mean of a dimension, as fine as cells tell it. @param {number} dimension */
  of(dimension) {
    return roughValue(this.means?.[dimension] ?? 0, this.plot.field.ranges, dimension);
  }

  /** Rounded to what cells are made of. */
  get #source() {
    const { zeros } = this.plot.field;
    return { codes: Uint8Array.from(this.means ?? [], (code) => Math.round(code)), t: 1, zeros };
  }

  draw() {
    const { canvas, label, plot } = this;
    const { field, size, map } = plot;
    canvas.hidden = label.hidden = !this.means || this.means.length !== field.d;
    if (canvas.hidden || !size.height || !map) {
      this.#say(null);
      return;
    }
    const height = Math.round(size.height * (devicePixelRatio || 1));
    const drawn = [this.means, field, map, height];
    if (!drawn.every((part, i) => part === this.#drawn[i])) this.#paint(field, map, height);
    this.#drawn = drawn;
    this.#point(this.#pointer);
  }

  /**
   * @param {import("./heatmap_model.js").Field} field @param {import("../types.js").MapName} map
   * @param {number} height in pixels of the screen
   */
  #paint(field, map, height) {
    const { canvas } = this;
    Object.assign(canvas, { width: 1, height });
    const pen = canvas.getContext("2d");
    if (!pen) return;
    const image = pen.createImageData(1, height);
    const colors = { tables: field.tables, zero: field.zero, words: wordsOf(map) };
    const columns = { first: Int32Array.of(0), stop: Int32Array.of(1), left: 0, right: 1 };
    paint(this.#source, field.rows, columns, colors, 1, height, new Uint32Array(image.data.buffer));
    pen.putImageData(image, 0, 0);
  }

  /** @param {number | null} y pixels from the top */
  #point(y) {
    this.#pointer = y;
    const { field, size } = this.plot;
    if (y === null || !this.means || this.canvas.hidden || this.means.length !== field.d) {
      this.#say(null);
      return;
    }
    const ratio = devicePixelRatio || 1;
    const rows = rowsAt(y * ratio, Math.round(size.height * ratio), field.rows.length);
    const cell = cellAt({ ...field, ...this.#source }, [0, 1], rows);
    this.#say(cell?.dimension ?? field.rows[rows[0]], rows[1] - rows[0]);
  }

  /** Say the mean of a dimension beside the pointer; null puts the tip away. @param {number | null} dimension */
  #say(dimension, several = 1) {
    const { plot } = this;
    // The tip is the one that tells of cells, where the pointer is at those.
    if (dimension === null && this.#told) plot.hover.move(null);
    this.#told = dimension !== null;
    if (dimension === null || this.#pointer === null) return;
    const { field } = plot;
    const value = this.means?.[dimension] ? `≈ ${this.of(dimension)} ${plain(field.unit, 40)}`.trimEnd() : "no value";
    const pooled = several > 1 ? `strongest of ${count(several, "dimension")}` : "";
    const { left } = this.canvas.getBoundingClientRect();
    plot.hover.tell(fullName(dimension, field.labels), [value, this.text, pooled], left, this.#pointer);
    plot.mark(dimension);
  }
}
