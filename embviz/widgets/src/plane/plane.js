/**
 * A plane: two dimensions of an embedding against each other. The way of the track is drawn once, in colours from its
 * beginning to its end; the playhead walks on it with the sound, without the kernel.
 */

import { numbersOf } from "../base/buffers.js";
import { axisOf, inksOf, minus, penOf, shortened, tipPlace } from "../base/canvas.js";
import { colorAt, gradient } from "../base/colormaps.js";
import { h, onChange, onTheme, perFrame, sizeOf, whileSeen, write } from "../base/dom.js";
import { clockKeys, KEYS_SAID } from "../base/keys.js";
import { formatTime, frameAt, frameTime } from "../base/time.js";
import { clockOf } from "../player/clock.js";
import { endsOf, nearestFrame, placeOf, trailOf, valueAt } from "./geometry.js";

/** @import { Pen } from "../base/canvas.js" */
/** @import { Model, RenderOptions } from "../types.js" */
/** @import { Way } from "./geometry.js" */

const EDGE = { left: 58, right: 16, top: 12, bottom: 46 }; // pixels around the square
const LARGEST = 460; // pixels of its side
const REACH = 24; // pixels from the way, within which a click means it
const TRAIL = 6; // seconds
const DOTS = 600; // frames, up to which each is a dot on the way

class View {
  title = h("span.ev-plot-title", { dir: "auto" });
  note = h("span.ev-faint", { dir: "auto" });
  canvas = h("canvas", { role: "img" });
  over = h("canvas.ev-plane-over", { "aria-hidden": "true" });
  dot = h("div.ev-plane-dot", { hidden: true });
  message = h("div.ev-plot-message", { hidden: true, role: "status" });
  tip = h("div.ev-tip", { hidden: true });
  stage = h("div.ev-plane-stage", { tabIndex: 0, role: "group" }, this.over, this.dot, this.message);
  plot = h("div.ev-plane-plot", {}, this.canvas, this.stage, this.tip);
  now = h("output.ev-plane-now", { "aria-live": "off" });
  ramp = h("span.ev-plane-ramp", { "aria-hidden": "true", style: { background: gradient("viridis") } });
  legend = h(
    "div.ev-plane-legend.ev-faint",
    {},
    h("span", {}, "○ beginning"),
    this.ramp,
    h("span", {}, "□ end"),
    this.now,
  );
  root = h("div.embviz.ev-plane", {}, h("div.ev-plane-head", {}, this.title, this.note), this.plot, this.legend);
  /** @type {Way | null} */
  way = null;
  /** @type {{x: number, y: number} | null} */
  pointer = null;
  side = 0;
  still = globalThis.matchMedia?.("(prefers-reduced-motion: reduce)");

  /** @param {Model} model @param {HTMLElement} el @param {AbortSignal} signal */
  constructor(model, el, signal) {
    this.model = model;
    this.clock = clockOf(model.get("clock"));
    el.append(this.root);
    this.inks = inksOf(this.root);
    this.redraw = whileSeen(this.root, () => this.#paint(), signal);
    this.box = sizeOf(this.root, this.redraw, signal);
    this.#listen(signal);
    this.#read();
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    const { model, clock, stage } = this;
    const renewed = perFrame(() => this.#read(), signal);
    onChange(model, "values grid names limits corners note title message complete", renewed, signal);
    onTheme(
      this.root,
      () => {
        this.inks = inksOf(this.root);
        this.redraw();
      },
      signal,
    );
    const follow = perFrame(() => this.#follow(), signal);
    for (const kind of /** @type {const} */ (["time", "state", "hover"])) clock.on(kind, follow, { signal });
    clockKeys(this.root, clock, signal);
    const listen = /** @param {string} kind @param {(event: PointerEvent) => void} heard */ (kind, heard) =>
      stage.addEventListener(kind, /** @type {EventListener} */ (heard), { signal });
    listen("pointermove", (event) => this.#point(event));
    listen("pointerleave", () => this.#point(null));
    listen("click", (event) => {
      const frame = this.#near(event);
      if (this.way && frame >= 0) clock.seek(frameTime(this.way.grid, frame));
    });
    signal.addEventListener("abort", () => this.root.remove(), { once: true });
  }

  #read() {
    const { model, clock } = this;
    const values = numbersOf(model.get("values"), Float32Array);
    const [grid, limits] = [model.get("grid"), model.get("limits") ?? []];
    const whole = grid?.n_frames > 0 && values.length === 2 * grid.n_frames && limits.length === 4;
    this.way = whole ? { values, grid, limits } : null;
    if (whole && !clock.duration) clock.load(grid.n_samples / grid.sample_rate);
    const empty = model.get("complete") ? "There are no frames to draw." : "The first frames are being computed …";
    const message = model.get("message") || (this.way && endsOf(values) ? "" : this.way ? "No values to draw." : empty);
    write(this.title, model.get("title") ?? "");
    const more = model.get("complete") ? "" : "more frames are being computed …";
    write(this.note, [model.get("note"), more].filter(Boolean).join(" · "));
    write(this.message, message);
    this.message.hidden = !message;
    this.legend.hidden = Boolean(message);
    const [x, y] = model.get("names") ?? ["", ""];
    const label = `The way of the track over ${x}, to the right, and ${y}, upwards.`;
    this.canvas.setAttribute("aria-label", message || label);
    this.stage.setAttribute("aria-label", `${message || label} A click on it seeks. ${KEYS_SAID}`);
    this.redraw();
  }

  #paint() {
    const width = this.box.width;
    if (!width) return;
    this.side = Math.max(80, Math.min(LARGEST, width - EDGE.left - EDGE.right));
    const { side, inks, model } = this;
    const [full, high] = [side + EDGE.left + EDGE.right, side + EDGE.top + EDGE.bottom];
    Object.assign(this.plot.style, { width: `${full}px`, height: `${high}px` });
    const place = { left: `${EDGE.left}px`, top: `${EDGE.top}px`, width: `${side}px`, height: `${side}px` };
    Object.assign(this.stage.style, place);
    const pen = penOf(this.canvas, full, high);
    pen.font = `11px ${inks.font}`;
    pen.translate(EDGE.left, EDGE.top);
    this.#paintAxes(pen, model.get("limits"), model.get("names"), model.get("corners") ?? []);
    if (this.way) this.#paintWay(pen, this.way);
    this.#follow();
  }

  /** @param {Pen} pen @param {number[]} limits @param {string[]} names @param {string[]} corners */
  #paintAxes(pen, limits, names, corners) {
    const { side, inks } = this;
    pen.fillStyle = inks.faint;
    for (const [i, [low, high]] of [limits.slice(0, 2), limits.slice(2)].entries()) {
      const { ticks } = axisOf(low, high, false, Math.max(2, Math.floor(side / 56)));
      pen.textAlign = i ? "right" : "center";
      pen.textBaseline = i ? "middle" : "top";
      for (const tick of ticks.filter((value) => value >= low && value <= high)) {
        const at = ((tick - low) / (high - low)) * side;
        pen.globalAlpha = 0.5;
        pen.fillStyle = inks.line;
        pen.fillRect(i ? 0 : Math.round(at), i ? Math.round(side - at) : 0, i ? side : 1, i ? 1 : side);
        pen.globalAlpha = 1;
        pen.fillStyle = inks.faint;
        pen.fillText(minus(Number(tick.toPrecision(4))), i ? -8 : at, i ? side - at : side + 8);
      }
    }
    pen.strokeStyle = inks.line;
    pen.strokeRect(0.5, 0.5, side - 1, side - 1);
    if (corners.length === 4) this.#paintCorners(pen, corners);
    pen.fillStyle = inks.ink;
    pen.textAlign = "center";
    pen.textBaseline = "alphabetic";
    pen.fillText(shortened(pen, names[0], side), side / 2, side + 40);
    pen.save();
    pen.translate(14 - EDGE.left, side / 2);
    pen.rotate(-Math.PI / 2);
    pen.fillText(shortened(pen, names[1], side), 0, 0);
    pen.restore();
  }

  /** Lines through the middle, and what the corners are called. @param {Pen} pen @param {string[]} corners */
  #paintCorners(pen, corners) {
    const { side, inks } = this;
    pen.save();
    pen.setLineDash([2, 3]);
    pen.strokeStyle = inks.faint;
    for (const [x0, y0, x1, y1] of [
      [side / 2, 0, side / 2, side],
      [0, side / 2, side, side / 2],
    ]) {
      pen.beginPath();
      pen.moveTo(x0, y0);
      pen.lineTo(x1, y1);
      pen.stroke();
    }
    pen.restore();
    pen.fillStyle = inks.faint;
    for (const [i, text] of corners.entries()) {
      const [right, upper] = [i === 0 || i === 3, i < 2];
      pen.textAlign = right ? "right" : "left";
      pen.textBaseline = upper ? "top" : "bottom";
      pen.fillText(shortened(pen, text, side / 2 - 12), right ? side - 6 : 6, upper ? 6 : side - 6);
    }
  }

  /** @param {Pen} pen @param {Way} way */
  #paintWay(pen, { values, limits }) {
    const { side, inks } = this;
    const ends = endsOf(values);
    if (!ends) return;
    const count = values.length / 2;
    const at = (/** @type {number} */ i) => placeOf(limits, side, values[2 * i], values[2 * i + 1]);
    const color = (/** @type {number} */ i) => `rgb(${colorAt("viridis", i / Math.max(1, count - 1)).join(" ")})`;
    // A seam around the way, so that either end of the colours is seen on any paper.
    for (const [width, seam] of /** @type {const} */ ([
      [4, true],
      [2, false],
    ])) {
      pen.lineWidth = width;
      pen.lineCap = "round";
      for (let i = 1; i < count; i += 1) {
        const [[x0, y0], [x1, y1]] = [at(i - 1), at(i)];
        if (!Number.isFinite(x0 + y0 + x1 + y1)) continue;
        pen.strokeStyle = seam ? inks.faint : color(i - 0.5);
        pen.globalAlpha = seam ? 0.35 : 0.9;
        pen.beginPath();
        pen.moveTo(x0, y0);
        pen.lineTo(x1, y1);
        pen.stroke();
      }
    }
    pen.globalAlpha = 1;
    for (let i = 0; i < count && count <= DOTS; i += 1) {
      const [x, y] = at(i);
      if (!Number.isFinite(x + y)) continue;
      pen.fillStyle = color(i);
      pen.beginPath();
      pen.arc(x, y, 3, 0, 2 * Math.PI);
      pen.fill();
    }
    pen.strokeStyle = inks.ink;
    pen.lineWidth = 1.5;
    const [[x0, y0], [x1, y1]] = ends.map(at);
    pen.beginPath();
    pen.arc(x0, y0, 8, 0, 2 * Math.PI);
    pen.stroke();
    pen.strokeRect(x1 - 8, y1 - 8, 16, 16);
  }

  #follow() {
    const { way, clock, side } = this;
    if (!side) return;
    const pen = penOf(this.over, side, side);
    const calm = this.still?.matches ?? false;
    const value = way && valueAt(way, clock.time, calm);
    this.dot.hidden = !value;
    if (!way || !value) {
      write(this.now, "");
      return;
    }
    const [x, y] = placeOf(way.limits, side, ...value);
    this.dot.style.transform = `translate(${x}px, ${y}px)`;
    if (!calm) this.#paintTrail(pen, trailOf(way, side, clock.time, TRAIL));
    if (clock.hover !== null) this.#paintHover(pen, way, clock.hover);
    write(this.now, this.#said(way, frameAt(way.grid, clock.time), clock.time));
  }

  /** @param {Pen} pen @param {[number, number, number][]} trail */
  #paintTrail(pen, trail) {
    pen.lineWidth = 4;
    pen.lineCap = "round";
    pen.strokeStyle = this.inks.accent;
    for (const [i, [x, y, age]] of trail.entries()) {
      if (!i) continue;
      pen.globalAlpha = 0.75 * (1 - age);
      pen.beginPath();
      pen.moveTo(trail[i - 1][0], trail[i - 1][1]);
      pen.lineTo(x, y);
      pen.stroke();
    }
    pen.globalAlpha = 1;
  }

  /** A ring at the moment that is pointed at in any view. @param {Pen} pen @param {Way} way @param {number} time */
  #paintHover(pen, way, time) {
    const value = valueAt(way, time, true);
    if (!value) return;
    const [x, y] = placeOf(way.limits, this.side, ...value);
    pen.strokeStyle = this.inks.ink;
    pen.lineWidth = 1.5;
    pen.beginPath();
    pen.arc(x, y, 6, 0, 2 * Math.PI);
    pen.stroke();
  }

  /** @param {MouseEvent} event @returns {number} the frame that is meant, or -1 */
  #near(event) {
    const box = this.stage.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    return this.way ? nearestFrame(this.way, this.side, x, y, REACH) : -1;
  }

  /** @param {PointerEvent | null} event */
  #point(event) {
    const { way, clock, tip } = this;
    const frame = event ? this.#near(event) : -1;
    const time = way && frame >= 0 ? frameTime(way.grid, frame) : null;
    clock.setHover(time);
    this.stage.style.cursor = frame >= 0 ? "pointer" : "";
    tip.hidden = !way || time === null;
    if (!way || time === null || !event) return;
    write(tip, this.#said(way, frame, time));
    const box = this.plot.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const [left, top] = tipPlace(x, y, tip.offsetWidth, tip.offsetHeight, box.width, box.height);
    Object.assign(tip.style, { left: `${left}px`, top: `${top}px` });
  }

  /** A moment in words. @param {Way} way @param {number} frame @param {number} time */
  #said({ values }, frame, time) {
    const names = this.model.get("names") ?? ["x", "y"];
    const number = (/** @type {number} */ i) => {
      const value = values[2 * frame + i];
      return Number.isFinite(value) ? minus(value.toFixed(2)) : "–";
    };
    return `${formatTime(time)} · ${names[0]} ${number(0)} · ${names[1]} ${number(1)}`;
  }
}

/** @param {RenderOptions} options */
function render({ model, el, signal }) {
  const own = new AbortController();
  new View(model, el, signal ?? own.signal);
  return () => own.abort();
}

export default { render };
