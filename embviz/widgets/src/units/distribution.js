/** How the values of a dimension lie: the frames of the collection as bars, those of the open track as an outline. */
import { brief } from "../base/canvas.js";
import { h, shape, write } from "../base/dom.js";
import { clamp, formatTime } from "../base/time.js";

const TALL = 100; // units of the drawing
const LEAST = 3; // of them, that a bin is high in which there is anything

/** @param {number} share @returns {string} such as ``12 %`` or ``< 0.1 %`` */
export function shareText(share) {
  if (share > 0 && share < 0.001) return "< 0.1 %";
  const percent = 100 * share;
  return `${percent < 10 && percent > 0 ? percent.toFixed(1) : percent.toFixed(0)} %`;
}

/**
 * Heights of bins: roots of their shares, for what is rare to be seen beside a peak.
 * @param {number[]} shares @param {number} most the largest share that is drawn @returns {number[]} from 0 to 1
 */
export function heightsOf(shares, most) {
  return shares.map((share) => (share > 0 ? Math.sqrt(share / most) : 0));
}

/**
 * The share of all values that lie below one, between the edges of its bin in proportion.
 * @param {number} value @param {number[]} edges @param {number[]} shares
 */
export function placeOf(value, edges, shares) {
  let below = 0;
  for (let i = 0; i < shares.length; i += 1) {
    const [low, high] = [edges[i], edges[i + 1]];
    if (value < high) return below + shares[i] * clamp((value - low) / (high - low || 1), 0, 1);
    below += shares[i];
  }
  return 1;
}

/**
 * Where a value lies between the first and the last edge, 0 to 1.
 * @param {number} value @param {number[]} edges
 */
export function acrossOf(value, edges) {
  const [low, high] = [edges[0], edges[edges.length - 1]];
  return high > low ? clamp((value - low) / (high - low), 0, 1) : 0.5;
}

/** Bars, as the path of a drawing as wide as the values reach. @param {number[]} edges @param {number[]} heights */
function bars(edges, heights) {
  let path = "";
  for (const [i, height] of heights.entries()) {
    if (!height) continue;
    const [left, right] = [edges[i], edges[i + 1]].map((edge) => 1000 * acrossOf(edge, edges));
    const tall = Math.max(TALL * height, LEAST).toFixed(1);
    path += `M${left.toFixed(1)} ${TALL}v-${tall}h${Math.max(right - left - 1.5, 1).toFixed(1)}v${tall}z`;
  }
  return path;
}

/** The upper rim of bars. @param {number[]} edges @param {number[]} heights */
function rim(edges, heights) {
  let path = `M0 ${TALL}`;
  for (const [i, height] of heights.entries()) {
    const tall = height ? Math.max(TALL * height, LEAST) : 0;
    path += `V${(TALL - tall).toFixed(1)}H${(1000 * acrossOf(edges[i + 1], edges)).toFixed(1)}`;
  }
  return `${path}V${TALL}`;
}

/** The value of the frame under the playhead. @param {number} time @param {Float32Array} times @param {Float32Array} values */
export function valueAt(time, times, values) {
  if (!times.length) return Number.NaN;
  let nearest = 0;
  for (let i = 1; i < times.length; i += 1) {
    if (Math.abs(times[i] - time) < Math.abs(times[nearest] - time)) nearest = i;
  }
  // Before the first and beyond the last frame, nothing is known.
  const step = times.length > 1 ? (times[times.length - 1] - times[0]) / (times.length - 1) : Infinity;
  return Math.abs(times[nearest] - time) <= 1.1 * step ? values[nearest] : Number.NaN;
}

export class Distribution {
  all = shape("path", { class: "ev-unit-all" });
  own = shape("path", { class: "ev-unit-own" });
  mark = h("div.ev-unit-mark", { hidden: true });
  ends = h("div.ev-unit-ends", { "aria-hidden": "true" });
  key = h("p.ev-unit-key.ev-faint");
  now = h("p.ev-unit-now");
  /** @type {number[]} */
  edges = [];
  /** @type {number[]} */
  shares = [];
  unit = "";

  constructor() {
    const box = { viewBox: `0 0 1000 ${TALL}`, preserveAspectRatio: "none", "aria-hidden": "true" };
    this.plot = h("div.ev-unit-plot", { role: "img" }, shape("svg", box, this.all, this.own), this.mark);
    this.el = h("div.ev-unit-distribution", {}, this.plot, this.ends, this.key, this.now);
  }

  /** @param {import("./types.js").UnitCard & {linked?: boolean}} card where it is `linked`, a track may be open beside */
  show({ linked = false, edges = [], shares = [], own = [], unit = "", track = "", tracks = 0, frames = 0 }) {
    this.edges = edges;
    this.shares = shares;
    this.unit = unit;
    this.el.hidden = edges.length < 2;
    if (this.el.hidden) return;
    const most = Math.max(...shares, ...own, 1e-9);
    this.all.setAttribute("d", bars(edges, heightsOf(shares, most)));
    this.own.setAttribute("d", own.length ? rim(edges, heightsOf(own, most)) : "");
    const [low, high] = [edges[0], edges[edges.length - 1]];
    const middle = acrossOf(0, edges);
    // Nearer to an end, it would touch the number there.
    const zero = middle > 0.15 && middle < 0.85 ? h("span", { style: { left: `${100 * middle}%` } }, "0") : null;
    const last = `${brief(high)}${unit ? ` ${unit}` : ""}`;
    this.ends.replaceChildren(h("span", {}, brief(low)), ...(zero ? [zero] : []), h("span", {}, last));
    const count = `${frames.toLocaleString("en")} frames of ${tracks.toLocaleString("en")} track${tracks === 1 ? "" : "s"}`;
    const nodes = [h("span.ev-unit-swatch-all", { "aria-hidden": "true" }), ` ${count}`];
    if (own.length) nodes.push(h("span.ev-unit-swatch-own", { "aria-hidden": "true" }), " the open track");
    else if (linked) nodes.push(" · the open track is none of them");
    this.key.replaceChildren(...nodes, h("span", {}, "height: √ share"));
    const open = own.length ? `; the open track, ${track}, as an outline` : "";
    this.plot.setAttribute("aria-label", `Histogram of ${count}, from ${brief(low)} to ${last}${open}`);
  }

  /** Mark the value of the frame under the playhead. @param {number} time @param {number} value */
  follow(time, value) {
    this.mark.hidden = !Number.isFinite(value);
    if (this.mark.hidden) {
      write(this.now, "");
      return;
    }
    this.mark.style.left = `${100 * acrossOf(value, this.edges)}%`;
    const place = shareText(placeOf(value, this.edges, this.shares));
    const number = `${brief(value)}${this.unit ? ` ${this.unit}` : ""}`;
    write(this.now, `at ${formatTime(time, 1)}: ${number}, above ${place} of all frames`);
  }
}
