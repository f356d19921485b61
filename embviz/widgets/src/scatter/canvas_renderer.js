/** A map's points on a plain canvas, pixel by pixel: where there is no WebGL, and in pages without a kernel. */

import { clamp } from "../base/time.js";
import { seenBox } from "./camera.js";
import { bytesOfColors } from "./palette.js";
import { partOf, passesOf } from "./passes.js";

/** @import { Renderer, Scene } from "./types.js" */
/** @typedef {{pixels: Uint32Array, width: number, height: number}} Target */
/** @typedef {ReturnType<typeof stampsOf>} Stamps */

const FINE = 4; // places inside of a pixel that a point can have, in each direction
const STILL = 26e6; // pixels that may be painted while nothing moves
const PACE = 9; // milliseconds that painting may take while something does

/** @implements {Renderer} */
export class CanvasRenderer {
  kind = /** @type {const} */ ("canvas");
  el = document.createElement("canvas");
  #pen = /** @type {CanvasRenderingContext2D} */ (this.el.getContext("2d", { alpha: false }));
  /** @type {ImageData | null} */
  #image = null;
  /** @type {Map<number, Stamps>} */
  #stamps = new Map();
  #words = { key: "", paper: 0, colors: new Uint32Array(0) };
  #moving = 2e6; // pixels that may be painted while something moves, as this machine has proved

  constructor() {
    this.el.className = "ev-scatter-canvas";
    this.el.setAttribute("aria-hidden", "true");
  }

  /** @param {Scene} scene */
  paint(scene) {
    const ratio = globalThis.devicePixelRatio || 1;
    const [width, height] = [Math.round(scene.size.width * ratio), Math.round(scene.size.height * ratio)];
    if (!width || !height) return;
    if (!this.#image || this.el.width !== width || this.el.height !== height) {
      Object.assign(this.el, { width, height });
      this.#image = this.#pen.createImageData(width, height);
    }
    const pixels = new Uint32Array(this.#image.data.buffer);
    const { paper, colors } = this.#wordsOf(scene);
    pixels.fill(paper);
    const begin = performance.now();
    const part = scene.data.n ? this.#points(scene, { pixels, width, height }, ratio, colors) : 1;
    const spent = performance.now() - begin;
    // Not all at once: another program may just have had its turn.
    if (scene.moving && part > 1) this.#moving *= clamp(PACE / spent, 0.7, 1.3);
    this.#moving = clamp(this.#moving, 1e5, STILL);
    this.#pen.putImageData(this.#image, 0, 0);
  }

  /**
   * @param {Scene} scene @param {Target} target @param {number} ratio of the screen's pixels to the page's
   * @param {Uint32Array} colors @returns {number} of how many points one was drawn
   */
  #points(scene, target, ratio, colors) {
    const { data, selected, view, size, glide } = scene;
    const { xy, shades, sizes } = data;
    const seen = pointsSeen(scene);
    const count = seen ? seen.length : data.n;
    const stamps = scene.diameters.map((diameter) => this.#stampsOf(diameter * ratio));
    const area = stamps.reduce((sum, { side }) => sum + side * side, 0) / stamps.length;
    // While it moves, a part stands for all; the rest comes when it rests.
    const times = Math.max(1, (count * area) / (scene.moving ? this.#moving : STILL));
    // Powers of two: the points of a smaller part are among those of a larger one, and do not flicker.
    const step = 2 ** Math.ceil(Math.log2(times));
    const byShade = Uint32Array.from({ length: 256 }, (_, shade) => colors[Math.min(shade, colors.length - 1)]);
    const passes = passesOf(scene).map(([part, strength]) => [part, Math.round(256 * strength)]);
    const [left, top, k] = [size.width / 2 - view.x * view.k, size.height / 2 + view.y * view.k, view.k];
    for (const [which, strength] of passes) {
      for (let j = 0; j < count; j += seen ? 1 : step) {
        const i = seen ? seen[j] : j;
        if (seen && i % step) continue;
        const shade = shades ? shades[i] : 0;
        if (!data.shownShades[shade] || partOf(data, selected, i) !== which) continue;
        const stamp = sizes ? stamps[sizes[i] >> 4] : stamps[0];
        let [x, y] = [xy[2 * i], xy[2 * i + 1]];
        if (glide) {
          x = glide.from[2 * i] + (x - glide.from[2 * i]) * glide.share;
          y = glide.from[2 * i + 1] + (y - glide.from[2 * i + 1]) * glide.share;
        }
        stampAt(target, stamp, (left + x * k) * ratio, (top - y * k) * ratio, byShade[shade], strength);
      }
    }
    return step;
  }

  /** @param {number} diameter */
  #stampsOf(diameter) {
    const key = Math.round(diameter * 8);
    const known = this.#stamps.get(key);
    if (known) return known;
    if (this.#stamps.size > 400) this.#stamps.clear();
    const made = stampsOf(key / 8);
    this.#stamps.set(key, made);
    return made;
  }

  /** CSS colours as words of an ImageData. @param {Scene} scene */
  #wordsOf({ colors, inks: { paper } }) {
    const key = `${paper} ${colors.join()}`;
    if (this.#words.key !== key) {
      const words = new Uint32Array(bytesOfColors([paper, ...colors]).buffer);
      this.#words = { key, paper: words[0] | 0xff000000, colors: words.slice(1) };
    }
    return this.#words;
  }

  destroy() {
    this.el.remove();
  }
}

/** The points in and near the picture, in order; null where they are nearly all. @param {Scene} scene */
function pointsSeen({ data, view, size, glide }) {
  if (glide) return null;
  const box = seenBox(view, size, 20);
  const whole = (data.box[2] - data.box[0] || 1e-6) * (data.box[3] - data.box[1] || 1e-6);
  if (data.n < 5000 || (box[2] - box[0]) * (box[3] - box[1]) > whole * 0.5) return null;
  /** @type {number[]} */
  const seen = [];
  data.near.around(box, (i) => void seen.push(i));
  return Uint32Array.from(seen).sort();
}

/** How much of each pixel a disc covers, for each place of its middle inside of a pixel. @param {number} diameter */
export function stampsOf(diameter) {
  const radius = Math.max(diameter, 1) / 2;
  // What is smaller than a pixel is fainter than one.
  const most = 256 * Math.min(1, diameter);
  const side = Math.ceil(radius * 2) + 2;
  const covers = [];
  for (let place = 0; place < FINE * FINE; place += 1) {
    const [fineX, fineY] = [(place % FINE) / FINE, Math.floor(place / FINE) / FINE];
    const cover = new Uint16Array(side * side);
    const middle = side / 2 - 0.5;
    for (let row = 0; row < side; row += 1) {
      for (let column = 0; column < side; column += 1) {
        const apart = Math.hypot(column + 0.5 - (middle + fineX), row + 0.5 - (middle + fineY));
        cover[row * side + column] = Math.round(clamp(radius + 0.5 - apart, 0, 1) * most);
      }
    }
    covers.push(cover);
  }
  return { side, covers };
}

/**
 * @param {Target} target @param {Stamps} stamps @param {number} x @param {number} y @param {number} color
 * @param {number} strength of 256
 */
function stampAt({ pixels, width, height }, { side, covers }, x, y, color, strength) {
  const [cornerX, cornerY] = [x - side / 2 + 0.5, y - side / 2 + 0.5];
  const [left, top] = [Math.floor(cornerX), Math.floor(cornerY)];
  if (left < 0 || top < 0 || left + side > width || top + side > height) {
    if (left <= -side || top <= -side || left >= width || top >= height) return;
  }
  const place = Math.floor((cornerX - left) * FINE) + FINE * Math.floor((cornerY - top) * FINE);
  const cover = covers[place];
  const [fromX, toX] = [Math.max(0, -left), Math.min(side, width - left)];
  const [fromY, toY] = [Math.max(0, -top), Math.min(side, height - top)];
  const [ownEven, ownOdd] = [color & 0xff00ff, (color >>> 8) & 0xff];
  for (let row = fromY; row < toY; row += 1) {
    let at = (top + row) * width + left + fromX;
    for (let j = row * side + fromX; j < row * side + toX; j += 1, at += 1) {
      const part = (cover[j] * strength) >> 8;
      if (!part) continue;
      if (part >= 256) {
        pixels[at] = color | 0xff000000;
        continue;
      }
      // Red and blue at once, green beside them.
      const under = pixels[at];
      const even = (((under & 0xff00ff) * (256 - part) + ownEven * part) >>> 8) & 0xff00ff;
      const odd = (((under >>> 8) & 0xff) * (256 - part) + ownOdd * part) & 0xff00;
      pixels[at] = 0xff000000 | even | odd;
    }
  }
}
