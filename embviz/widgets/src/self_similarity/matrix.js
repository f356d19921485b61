/** The matrix of a self-similarity and the square that shows it: cells, pixels and times; nothing here touches the page. */
import { decoded } from "../base/canvas.js";
import { formatTime, frameAt, frameEdge, GUTTER, timeTicks, timeToX, xToTime } from "../base/time.js";

/**
 * @typedef {import("../base/time.js").Grid} Grid
 * @typedef {import("../base/time.js").View} View
 * @typedef {{cells: Uint8Array, n: number, low: number, high: number, grid: Grid}} Matrix
 */

const LARGEST = 640; // pixels of a side, where nothing else limits it
const LEAST = 280; // pixels of a side, where there is little height for it
const END_ROOM = 36; // pixels that the label at an end of an axis takes

/**
 * Where the square stands in a widget of some width: as wide as the gutters of all plots allow, up to a limit, and in
 * the middle of what they leave where that is more.
 * @param {number} width @param {number} [size] of a side that was asked for @param {number} [height] that there is
 * @returns {{left: number, side: number}}
 */
export function squareOf(width, size = 0, height = 0) {
  const room = Math.max(1, Math.floor(width - GUTTER.left - GUTTER.right));
  const side = Math.min(room, size || (height ? Math.max(Math.floor(height), LEAST) : LARGEST));
  return { left: GUTTER.left + Math.floor((room - side) / 2), side };
}

/**
 * Pixels from the top of a square to a time on its vertical axis, which shows the same view.
 * @param {number} seconds @param {View} view @param {number} side
 */
export function timeToY(seconds, view, side) {
  return side - timeToX(seconds, view, side);
}

/** Seconds at a distance in pixels from the top of a square. @param {number} y @param {View} view @param {number} side */
export function yToTime(y, view, side) {
  return xToTime(side - y, view, side);
}

/**
 * The cells that a view shows, and where they come to lie: `from` up to `to` (exclusive), from pixel `start` to `end`.
 * @param {Grid} grid @param {View} view @param {number} side
 */
export function shownCells(grid, view, side) {
  const from = frameAt(grid, view[0]);
  const to = frameAt(grid, view[1]) + 1;
  return {
    from,
    to,
    start: timeToX(frameEdge(grid, from), view, side),
    end: timeToX(frameEdge(grid, to), view, side),
  };
}

/**
 * What a matrix says about two times: its value, or null where there is no cell or it is empty.
 * @param {Matrix} matrix @param {number} x @param {number} y seconds
 */
export function valueAt({ cells, n, low, high, grid }, x, y) {
  if (!n || Math.min(x, y) < frameEdge(grid, 0) || Math.max(x, y) >= frameEdge(grid, n)) return null;
  const code = cells[frameAt(grid, y) * n + frameAt(grid, x)];
  return code ? decoded(code, low, high) : null;
}

/**
 * The pixels of a matrix, the first row at the bottom.
 * @param {Uint8Array} cells @param {number} n @param {Uint32Array} colors one per byte
 * @returns {Uint32Array}
 */
export function pixelsOf(cells, n, colors) {
  const pixels = new Uint32Array(n * n);
  for (let row = 0; row < n; row += 1) {
    const target = (n - 1 - row) * n;
    for (let column = 0; column < n; column += 1) pixels[target + column] = colors[cells[row * n + column]];
  }
  return pixels;
}

/**
 * The times at the side of the square, the same on both axes: its ends, and round times that leave them their room.
 * @param {View} view @param {number} side in pixels
 * @returns {{time: number, label: string, end: boolean}[]}
 */
export function axisTicks(view, side) {
  if (!(view[1] > view[0])) return [];
  const inner = timeTicks(view, side).filter(({ time }) => {
    const x = timeToX(time, view, side);
    return x >= END_ROOM && x <= side - END_ROOM;
  });
  const decimals = view[1] - view[0] < 1 ? 2 : 1;
  const ends = view.map((time) => ({ time, label: formatTime(time, decimals).replace(/\.0+$/, ""), end: true }));
  return [ends[0], ...inner.map((tick) => ({ ...tick, end: false })), ends[1]];
}
