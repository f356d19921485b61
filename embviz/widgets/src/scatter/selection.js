/** The points of a map that are selected: here, in Python, and in the maps that are linked. */
import { numbersOf } from "../base/buffers.js";

/** @typedef {import("./scatter.js").ScatterView} ScatterView */

/** The points that a mask marks, in order. @param {Uint8Array} mask */
export function marked(mask) {
  let count = 0;
  for (const on of mask) count += on;
  const points = new Uint32Array(count);
  for (let i = 0, j = 0; i < mask.length; i += 1) {
    if (!mask[i]) continue;
    points[j] = i;
    j += 1;
  }
  return points;
}

export class Picks {
  /** @type {Uint32Array} in order */
  points = new Uint32Array(0);
  /** @type {Uint8Array | null} 1 for each point that is selected; null where none is */
  mask = null;

  /** @param {ScatterView} map @param {() => void} changed is called when others are selected */
  constructor(map, changed) {
    this.map = map;
    this.changed = changed;
  }

  /** Select points, more points, or fewer. @param {Iterable<number>} points @param {"replace" | "add" | "remove"} how */
  select(points, how = "replace") {
    const mask = new Uint8Array(this.map.data.n);
    if (how !== "replace") for (const i of this.points) mask[i] = 1;
    for (const i of points) mask[i] = how === "remove" ? 0 : 1;
    this.#save(mask);
    this.#tell();
  }

  /** Another map has selected tracks: all their points are selected here. @param {Iterable<number>} tracks */
  selectTracks(tracks) {
    const { data } = this.map;
    const mask = new Uint8Array(data.n);
    for (const track of tracks) for (const i of data.pointsOf(track)) mask[i] = 1;
    this.#save(mask);
  }

  /** Read what the model has. @returns {boolean} whether that was something else */
  read() {
    const { data, model } = this.map;
    const before = this.points;
    const mask = new Uint8Array(data.n);
    for (const i of numbersOf(model.get("selected"), Uint32Array)) if (i < data.n) mask[i] = 1;
    this.points = marked(mask);
    this.mask = this.points.length ? mask : null;
    const same = this.points.length === before.length && this.points.every((i, j) => i === before[j]);
    // Who looks whether anything has changed looks whether it is the same list.
    if (same) this.points = before;
    else this.changed();
    return !same;
  }

  /** Python has selected: the other maps follow. */
  follow() {
    if (this.read()) this.#tell();
  }

  /** @param {Uint8Array} mask */
  #save(mask) {
    const points = marked(mask);
    if (points.length === this.points.length && points.every((i, j) => i === this.points[j])) return;
    this.map.set({ selected: new DataView(points.buffer) });
    this.read();
  }

  #tell() {
    const { link, data } = this.map;
    link.setSelection(new Set(Array.from(this.points, (i) => data.trackOf(i))), this.map);
  }
}
