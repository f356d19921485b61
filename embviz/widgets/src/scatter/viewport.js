/** Where a map is looked at from: its view, how it moves, and what shows all. */
import { between, boxOf, closeTo, viewOf, viewWithin, zoomedAt } from "./camera.js";

/** @import { Box, Insets, Size, View } from "./types.js" */

const REST = 140; // milliseconds after which a movement has ended
const FLIGHT = 380; // milliseconds

export class Sight {
  size = { width: 0, height: 0 };
  home = { x: 0, y: 0, k: 1 };
  /** Null until there is a size. @type {View | null} */
  view = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} while something moves */
  #resting;
  #flight = 0;

  /**
   * @param {() => void} changed is called when something else is seen, and when a movement has ended
   * @param {AbortSignal} signal
   */
  constructor(changed, signal) {
    this.changed = changed;
    signal.addEventListener("abort", () => this.#stop(), { once: true });
  }

  get moving() {
    return this.#resting !== undefined;
  }

  /**
   * The picture has this size, and the points this box; without a view, all of them are shown.
   * @param {Size} size @param {Box} box @param {Insets | null} [insets] what axes need of the picture
   */
  fit(size, box, insets = null) {
    const before = this.home;
    this.size = size;
    this.home = insets ? viewWithin(box, size, insets) : viewOf(box, size);
    // What was looked at stays in the middle, as large in proportion.
    this.view = this.view ? { ...this.view, k: (this.view.k / before.k) * this.home.k } : { ...this.home };
    this.changed();
  }

  /** Look elsewhere, at once. @param {View} view */
  look(view) {
    cancelAnimationFrame(this.#flight);
    this.#show(view);
  }

  /** Look elsewhere, seeing the way there. @param {View} to @param {number} milliseconds */
  fly(to, milliseconds = FLIGHT) {
    if (!this.view) return;
    cancelAnimationFrame(this.#flight);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return this.#show(to);
    const from = this.view;
    const begin = performance.now();
    const step = () => {
      const share = Math.min(1, (performance.now() - begin) / milliseconds);
      if (share < 1) this.#flight = requestAnimationFrame(step);
      this.#show(share < 1 ? between(from, to, share) : to);
    };
    step();
  }

  /** Zoom around the middle; above 1 comes nearer. @param {number} factor */
  zoom(factor) {
    const { width, height } = this.size;
    if (this.view) this.fly(zoomedAt(this.view, this.size, width / 2, height / 2, factor, this.home));
  }

  /** Show all points. */
  reset() {
    this.fly({ ...this.home });
  }

  /** Fly to some points, and show all of them. @param {Float32Array} xy @param {ArrayLike<number>} points */
  flyTo(xy, points) {
    if (points.length) this.fly(closeTo(boxOf(xy, points), this.home, this.size));
  }

  /** @param {View} view */
  #show(view) {
    this.view = view;
    clearTimeout(this.#resting);
    this.#resting = setTimeout(() => {
      this.#resting = undefined;
      this.changed();
    }, REST);
    this.changed();
  }

  #stop() {
    clearTimeout(this.#resting);
    cancelAnimationFrame(this.#flight);
  }
}
