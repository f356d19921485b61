/**
 * From cells to pixels. Where frames or dimensions are denser than pixels, a pixel shows the strongest of its cells.
 *
 * A *code* is the byte of a cell (0 is empty), a *place* the byte of a colour (0 is transparent), a *row* counts from
 * the top. Nothing here touches the page.
 */
import { cellValue } from "./color_scale.js";
import { clamp, frameAt, frameEdge } from "./time.js";

/** @import { Cell, CellSource } from "../types.js" @import { Grid } from "./time.js" */

// Rows and columns.

/**
 * The rows at a pixel from the top: first and one past the last, several where rows are denser.
 * @param {number} y @param {number} height in pixels @param {number} d rows @returns {[number, number]}
 */
export function rowsAt(y, height, d) {
  const pixel = clamp(Math.floor(y), 0, height - 1);
  if (d < height) {
    const row = clamp(Math.floor((pixel + 0.5) * (d / height)), 0, d - 1);
    return [row, row + 1];
  }
  const first = Math.floor((pixel * d) / height);
  return [first, Math.max(first + 1, Math.floor(((pixel + 1) * d) / height))];
}

/**
 * The frames of each pixel column: those whose centre lies in it, or where pixels are denser, the one it lies in.
 * @param {number} from frames (with fractions) from the border of frame 0 to the left end of the plot
 * @param {number} step frames per pixel
 * @param {number} count of frames @param {number} width in pixels
 * @param {number} [center] of a frame; of cells that pool 2^k frames, the centre of the first: the last may hold few
 * @param {Grid | null} [grid] where frames may not be evenly spaced
 * @returns {{first: Int32Array, stop: Int32Array, left: number, right: number}} columns outside [left, right) are empty
 */
export function columnsOf(from, step, count, width, center = 0.5, grid = null) {
  const first = new Int32Array(width);
  const stop = new Int32Array(width);
  let left = width;
  let right = 0;
  for (let x = 0; x < width; x += 1) {
    [first[x], stop[x]] = columnAt(from, step, count, x, center, grid);
    if (stop[x] <= first[x]) continue;
    left = Math.min(left, x);
    right = x + 1;
  }
  return { first, stop, left: Math.min(left, right), right };
}

/**
 * The frames of one pixel column: first, and one past the last; none where both are equal.
 * @param {number} from @param {number} step @param {number} count @param {number} x @param {number} [center]
 * @param {Grid | null} [grid] @returns {[number, number]}
 */
export function columnAt(from, step, count, x, center = 0.5, grid = null) {
  if (step <= 1) {
    const frame = frameUnder(from + (x + 0.5) * step, count, grid);
    return [clamp(frame, 0, count), clamp(frame + 1, 0, count)];
  }
  // What begins left of the plot and reaches into it belongs to the first pixel.
  const first = x === 0 ? Math.floor(from) : Math.ceil(from + x * step - center);
  const stop = Math.ceil(from + (x + 1) * step - center);
  return [clamp(first, 0, count), clamp(stop, 0, count)];
}

/**
 * The frame at a distance from the border of frame 0, in frames; -1 or `count` where there is none.
 * @param {number} distance @param {number} count @param {Grid | null} grid
 */
function frameUnder(distance, count, grid) {
  // Where a pixel holds a frame or more, a part of a frame does not show.
  if (!grid?.patches || distance < 0) return Math.floor(distance);
  const seconds = frameEdge(grid, 0) + (distance * grid.hop) / grid.sample_rate;
  return seconds < frameEdge(grid, count) ? frameAt(grid, seconds) : count;
}

/**
 * Where a view begins, and how far its pixels are apart, in frames.
 * @param {Grid} grid @param {import("./time.js").View} view @param {number} width
 */
export function framesOf(grid, view, width) {
  const perSecond = grid.sample_rate / grid.hop;
  return { from: (view[0] - frameEdge(grid, 0)) * perSecond, step: ((view[1] - view[0]) * perSecond) / width };
}

// Strength.

/**
 * Which of a run of codes is farthest from zero; 0 where all are empty.
 * @param {Uint8Array} codes @param {number} start @param {number} stop @param {number} zero
 */
export function strongest(codes, start, stop, zero) {
  let best = 0;
  for (let i = start; i < stop; i += 1) best = Math.max(best, keyOf(codes[i], zero));
  return best & 255;
}

/**
 * A number that is larger for what is stronger, and holds it in its lowest byte; 0 for what is empty.
 * Neither this nor what compares it branches: on noise, a processor guesses every second branch wrong.
 * @param {number} code @param {number} zero
 */
export function keyOf(code, zero) {
  const apart = code - zero;
  const sign = apart >> 31;
  return ((((apart ^ sign) - sign) << 8) | code) & (-code >> 31);
}

/** Cells pooled over 1, 2, 4 … frames, made when they are asked for. */
export class Pyramid {
  /**
   * @param {Uint8Array} codes [d, t] @param {number} d @param {number} t
   * @param {Int32Array} zeros a code per dimension; 0 throughout pools the highest
   */
  constructor(codes, d, t, zeros) {
    this.d = d;
    this.zeros = zeros;
    this.levels = [{ codes, t }];
  }

  /** @param {number} k */
  level(k) {
    while (this.levels.length <= k) this.levels.push(this.#pooled(this.levels[this.levels.length - 1]));
    return this.levels[k];
  }

  /** @param {{codes: Uint8Array, t: number}} level */
  #pooled({ codes, t }) {
    const half = Math.ceil(t / 2);
    const out = new Uint8Array(this.d * half);
    for (let dimension = 0; dimension < this.d; dimension += 1) {
      const zero = this.zeros[dimension];
      const end = (dimension + 1) * t - (t & 1);
      let to = dimension * half;
      for (let from = dimension * t; from < end; from += 2, to += 1) {
        const key = keyOf(codes[from], zero);
        const more = keyOf(codes[from + 1], zero) - key;
        out[to] = (key + (more & ~(more >> 31))) & 255;
      }
      if (t & 1) out[to] = codes[end];
    }
    return { codes: out, t: half };
  }
}

/** The level whose cells are half a pixel, or finer. @param {number} step frames per pixel */
export function levelFor(step) {
  return step < 4 ? 0 : Math.floor(Math.log2(step / 2));
}

// Pictures.

/**
 * Paint cells into the words of an ImageData.
 * @param {{codes: Uint8Array, t: number, zeros: Int32Array}} source
 * @param {Uint16Array} rows the dimension of each row
 * @param {ReturnType<typeof columnsOf>} columns
 * @param {{tables: Uint8Array, zero: number, words: Uint32Array}} colors words[0] is what is empty
 * @param {number} width @param {number} height
 * @param {Uint32Array} out of width × height
 */
export function paint(source, rows, columns, { tables, zero, words }, width, height, out) {
  const line = new Int32Array(width);
  const keys = Int32Array.from({ length: 256 }, (_, place) => keyOf(place, zero));
  const d = rows.length;
  let before = -1;
  for (let y = 0; y < height; y += 1) {
    const [row, stop] = rowsAt(y, height, d);
    const at = y * width;
    if (d < height && row === before) {
      out.copyWithin(at, at - width, at);
      continue;
    }
    before = row;
    line.fill(0);
    for (let r = row; r < stop; r += 1) addRow(source, rows[r], columns, tables, keys, line);
    for (let x = 0; x < width; x += 1) out[at + x] = words[line[x] & 255];
  }
}

/**
 * Let a dimension's row take part in a line of pixels: in time by its codes, beside other rows by its places.
 * @param {{codes: Uint8Array, t: number, zeros: Int32Array}} source @param {number} dimension
 * @param {ReturnType<typeof columnsOf>} columns @param {Uint8Array} tables @param {Int32Array} keys
 * @param {Int32Array} line
 */
function addRow({ codes, t, zeros }, dimension, { first, stop, left, right }, tables, keys, line) {
  const base = dimension * t;
  const table = dimension * 256;
  const zero = zeros[dimension];
  for (let x = left; x < right; x += 1) {
    const end = base + stop[x];
    let best = 0;
    for (let i = base + first[x]; i < end; i += 1) {
      const more = keyOf(codes[i], zero) - best;
      best += more & ~(more >> 31);
    }
    const more = keys[tables[table + (best & 255)]] - line[x];
    line[x] += more & ~(more >> 31);
  }
}

/**
 * Which cell a pixel shows: the strongest among its frames and rows; null where all are empty.
 * @param {CellSource} field @param {[number, number]} frames @param {[number, number]} rows
 */
export function cellAt({ codes, t, rows, ranges, tables, zeros, zero }, [frame, stop], [row, last]) {
  /** @type {Cell | null} */
  let best = null;
  for (let r = row; r < last; r += 1) {
    const dimension = rows[r];
    const code = strongest(codes, dimension * t + frame, dimension * t + stop, zeros[dimension]);
    if (!code) continue;
    const strength = Math.abs(tables[dimension * 256 + code] - zero);
    const value = cellValue(code, ranges, dimension);
    // Beyond the end of the colours all look alike, and the value decides.
    const far = zero ? Math.abs(value) : value;
    if (best && (strength < best.strength || (strength === best.strength && far <= best.far))) continue;
    const at = codes.subarray(dimension * t + frame, dimension * t + stop).indexOf(code);
    const pooled = { frames: stop - frame, dimensions: last - row };
    best = { frame: frame + at, dimension, row: r, code, strength, far, ...pooled };
  }
  return best;
}

/**
 * What a pixel of the screen shows: a cell, its frame and dimension, each null where there is none.
 * @param {CellSource} field @param {[number, number]} view
 * @param {{x: number | null, y: number}} point x is null beside the plot
 * @param {{width: number, height: number}} size of the plot, in pixels of the page; `ratio` of the screen's to them
 */
export function underPoint(field, view, { x, y }, { width, height }, ratio = 1) {
  const rows = rowsAt(y * ratio, Math.round(height * ratio), field.rows.length);
  const dimension = field.rows[rows[0]];
  if (x === null) return { cell: null, frame: null, dimension };
  const { from, step } = framesOf(field.grid, view, Math.round(width * ratio));
  const frames = columnAt(from, step, field.t, Math.floor(x * ratio), 0.5, field.grid);
  if (frames[0] === frames[1]) return { cell: null, frame: null, dimension };
  const cell = cellAt(field, frames, rows);
  return { cell, frame: cell?.frame ?? frames[0], dimension: cell?.dimension ?? dimension };
}
