/** Which points are where: an index of a plane in cells, lassos, and neighbours in a direction. Nothing of the page. */
import { clamp } from "../base/time.js";

/** @import { Box, Place } from "./types.js" */

const PER_CELL = 3;
const MOST_CELLS = 1 << 20;

/** @typedef {(point: number) => boolean} Accept whether a point may be found */
/** @typedef {"left" | "right" | "up" | "down"} Direction */

export class Nearby {
  /** The points, cell after cell. */
  points = new Uint32Array(0);
  /** Where in them each cell begins, and one past the last ends. */
  starts = new Uint32Array(1);

  /** @param {Float32Array} xy x and y of each point @param {Box} box that holds all of them */
  constructor(xy, box) {
    this.xy = xy;
    const n = xy.length / 2;
    const [wide, tall] = [Math.max(box[2] - box[0], 1e-6), Math.max(box[3] - box[1], 1e-6)];
    const cells = clamp(n / PER_CELL, 1, MOST_CELLS);
    this.side = Math.max(Math.sqrt((wide * tall) / cells), Math.max(wide, tall) / 4096);
    this.left = box[0];
    this.low = box[1];
    this.columns = Math.floor(wide / this.side) + 1;
    this.rows = Math.floor(tall / this.side) + 1;
    this.#fill(n);
  }

  /** @param {number} n */
  #fill(n) {
    const { xy, columns, rows } = this;
    const cellOf = new Uint32Array(n);
    this.starts = new Uint32Array(columns * rows + 1);
    for (let i = 0; i < n; i += 1) {
      cellOf[i] = this.#row(xy[2 * i + 1]) * columns + this.#column(xy[2 * i]);
      this.starts[cellOf[i] + 1] += 1;
    }
    for (let cell = 0; cell < columns * rows; cell += 1) this.starts[cell + 1] += this.starts[cell];
    const next = this.starts.slice();
    this.points = new Uint32Array(n);
    for (let i = 0; i < n; i += 1) this.points[next[cellOf[i]]++] = i;
  }

  /** @param {number} x */
  #column(x) {
    return clamp(Math.floor((x - this.left) / this.side), 0, this.columns - 1);
  }

  /** @param {number} y */
  #row(y) {
    return clamp(Math.floor((y - this.low) / this.side), 0, this.rows - 1);
  }

  /**
   * Call back with each point of the cells that a box touches: some may lie just outside.
   * @param {Box} box @param {(point: number) => void} visit
   */
  around([left, low, right, high], visit) {
    const [first, last] = [this.#column(left), this.#column(right)];
    for (let row = this.#row(low); row <= this.#row(high); row += 1) {
      const from = this.starts[row * this.columns + first];
      const to = this.starts[row * this.columns + last + 1];
      for (let j = from; j < to; j += 1) visit(this.points[j]);
    }
  }

  /** How many points a box holds. @param {Box} box @param {Accept} accept */
  count([left, low, right, high], accept) {
    let count = 0;
    this.around([left, low, right, high], (i) => {
      const [x, y] = [this.xy[2 * i], this.xy[2 * i + 1]];
      if (x >= left && x <= right && y >= low && y <= high && accept(i)) count += 1;
    });
    return count;
  }

  /** How many other points there are to a unit of area where a point lies, on average. */
  density() {
    let pairs = 0;
    for (let cell = 0; cell < this.columns * this.rows; cell += 1) {
      const count = this.starts[cell + 1] - this.starts[cell];
      pairs += count * (count - 1);
    }
    return pairs / Math.max(this.points.length, 1) / this.side ** 2;
  }

  /**
   * The nearest point within a distance, or −1.
   * @param {number} x @param {number} y @param {number} distance @param {Accept} accept
   */
  nearest(x, y, distance, accept) {
    let found = -1;
    let least = distance * distance;
    this.around([x - distance, y - distance, x + distance, y + distance], (i) => {
      const [dx, dy] = [this.xy[2 * i] - x, this.xy[2 * i + 1] - y];
      const apart = dx * dx + dy * dy;
      // Of points in one place, the one drawn last lies on top.
      if (apart < least || (apart === least && i > found)) {
        if (!accept(i)) return;
        least = apart;
        found = i;
      }
    });
    return found;
  }

  /** The points inside a polygon, in order. @param {Place[]} polygon @param {Accept} accept */
  inside(polygon, accept) {
    if (polygon.length < 3) return new Uint32Array(0);
    /** @type {number[]} */
    const found = [];
    /** @type {Box} */
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    for (const [x, y] of polygon) {
      box[0] = Math.min(box[0], x);
      box[1] = Math.min(box[1], y);
      box[2] = Math.max(box[2], x);
      box[3] = Math.max(box[3], y);
    }
    this.around(box, (i) => {
      const [x, y] = [this.xy[2 * i], this.xy[2 * i + 1]];
      if (x < box[0] || x > box[2] || y < box[1] || y > box[3]) return;
      if (holds(polygon, x, y) && accept(i)) found.push(i);
    });
    return Uint32Array.from(found).sort();
  }

  /**
   * The next point from a place in a direction: the nearest of those that lie more that way than aside; −1: none.
   * @param {number} x @param {number} y @param {Direction} direction
   * @param {number} from is never found itself @param {Accept} accept
   */
  toward(x, y, direction, from, accept) {
    const [alongX, alongY] = { left: [-1, 0], right: [1, 0], up: [0, 1], down: [0, -1] }[direction];
    let found = -1;
    let least = Infinity;
    for (let i = 0; i < this.xy.length / 2; i += 1) {
      const [dx, dy] = [this.xy[2 * i] - x, this.xy[2 * i + 1] - y];
      const ahead = dx * alongX + dy * alongY;
      const aside = Math.abs(dx * alongY - dy * alongX);
      if (i === from || ahead <= 0 || aside > ahead) continue;
      const cost = ahead + 2 * aside;
      if (cost < least && accept(i)) {
        least = cost;
        found = i;
      }
    }
    return found;
  }
}

/** Whether a polygon holds a point, by the even-odd rule. @param {Place[]} polygon @param {number} x @param {number} y */
export function holds(polygon, x, y) {
  let inside = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i, i += 1) {
    const [xi, yi] = polygon[i];
    const [xj, yj] = polygon[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}
