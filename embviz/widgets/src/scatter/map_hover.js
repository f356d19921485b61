/** What on a map is pointed at, by the pointer, by keys, or in another map; and what is said of it. */

import { tipPlace } from "../base/canvas.js";
import { h, write } from "../base/dom.js";
import { plain, quoted } from "../base/ui.js";
import { seenBox, toMap, toScreen } from "./camera.js";

/** @import { Hover } from "./linked_maps.js" */
/** @import { Direction } from "./spatial_index.js" */
/** @import { Place } from "./types.js" */

const REACH = 9; // pixels from a point in which the pointer is at it

export class Pointing {
  hover = -1; // the point that the pointer is at
  cursor = -1; // the point that keys have come to
  /** The points of the track that is pointed at. @type {number[]} */
  same = [];
  echo = -1; // the point that another map points at
  tip = h("div.ev-tip.ev-scatter-tip", { hidden: true });
  live = h("div.ev-hidden", { role: "status" });

  /** @param {import("./scatter.js").ScatterView} map */
  constructor(map) {
    this.map = map;
    map.link.on("hover", (hover) => this.#linked(hover), { signal: map.signal });
    map.signal.addEventListener("abort", () => this.#tell(-1), { once: true });
  }

  accept = (/** @type {number} */ i) => this.map.data.shown(i);

  /** The point at a place of the picture, or −1. @param {Place} place */
  under([px, py]) {
    const { data, sight } = this.map;
    if (!sight.view || !data.n || this.map.gliding) return -1;
    return data.near.nearest(...toMap(sight.view, sight.size, px, py), REACH / sight.view.k, this.accept);
  }

  /** The pointer is at a place of the picture; null: beside it. @param {Place | null} place */
  at(place) {
    this.#point(place ? this.under(place) : -1);
  }

  /** @param {number} point */
  #point(point) {
    const { stage, relight } = this.map;
    if (point !== this.hover) {
      this.hover = point;
      this.#tell(point);
      relight();
    }
    stage.style.cursor = point >= 0 ? "pointer" : "";
    this.#show(point);
  }

  /** The points are others, or look otherwise. */
  forget() {
    this.#point(-1);
    this.same = [];
    this.echo = -1;
  }

  /** Go to the next point in a direction. @param {Direction} direction */
  walk(direction) {
    const { data, sight } = this.map;
    if (!sight.view) return;
    const known = this.cursor >= 0 && this.cursor < data.n;
    const [x, y] = known ? data.at(this.cursor) : [sight.view.x, sight.view.y];
    const next = known
      ? data.near.toward(x, y, direction, this.cursor, this.accept)
      : data.near.nearest(x, y, 1e3, this.accept);
    if (next < 0) return this.say(`no point further ${direction}`);
    this.cursor = next;
    const [left, low, right, high] = seenBox(sight.view, sight.size, -20);
    const [nextX, nextY] = data.at(next);
    const seen = nextX >= left && nextX <= right && nextY >= low && nextY <= high;
    if (!seen) sight.fly({ x: nextX, y: nextY, k: sight.view.k });
    this.#point(next);
    this.sayPoint(next);
    this.map.relight();
  }

  /** @param {number} i */
  sayPoint(i) {
    const { title, lines } = this.map.data.facts(i);
    this.say([title, ...lines].map(quoted).join(", "));
  }

  /** @param {string} text */
  say(text) {
    write(this.live, text);
  }

  /** @param {number} point */
  #tell(point) {
    const { data, link } = this.map;
    if (point >= 0) {
      link.setHover({ track: data.trackOf(point), seconds: data.seconds?.[point] ?? null, point, by: this });
    } else if (link.hover?.by === this) link.setHover(null);
  }

  /** Another map, or this one, points at a track: its points here are marked. @param {Hover | null} hover */
  #linked(hover) {
    const { data, relight } = this.map;
    const other = hover && hover.by !== this;
    this.same = other || (hover && data.seconds) ? data.pointsOf(hover.track) : [];
    this.echo = -1;
    if (other && data.seconds && hover.seconds !== null && this.same.length) {
      const { seconds } = data;
      const moment = hover.seconds;
      const apart = (/** @type {number} */ i) => Math.abs(seconds[i] - moment);
      this.echo = this.same.reduce((best, i) => (apart(i) < apart(best) ? i : best));
    }
    relight();
  }

  /** @param {number} point */
  #show(point) {
    const { tip, map } = this;
    tip.hidden = point < 0;
    if (point < 0) return;
    const { title, lines } = map.data.facts(point);
    const name = h("strong", { dir: "auto" }, plain(title));
    tip.replaceChildren(name, ...lines.map((line) => h("div", { dir: "auto" }, plain(line))));
    tip.append(h("small", {}, "click: play"));
    const { view, size } = map.sight;
    if (!view) return;
    const [x, y] = toScreen(view, size, ...map.data.at(point));
    const [left, top] = tipPlace(x, y, tip.offsetWidth, tip.offsetHeight, size.width, size.height);
    tip.style.transform = `translate(${left}px, ${top}px)`;
  }
}
