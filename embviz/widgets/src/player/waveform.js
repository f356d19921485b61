/** The waveform of a track: peaks pooled to pixels, sections, playhead and range, and what hands do on them. */
import { bytesOf } from "../base/buffers.js";
import { inksOf, penOf } from "../base/canvas.js";
import { h, onChange, onTheme, perFrame, sizeOf, throttled, write } from "../base/dom.js";
import { clamp, formatTime, GUTTER, timeTicks, timeToX, xToTime } from "../base/time.js";
import { timeGestures } from "./gestures.js";

/**
 * @import { Model } from "../types.js"
 * @import { Clock } from "./clock.js"
 * @typedef {{name: string, start: number}} Section start in seconds
 * @typedef {{model: Model, clock: Clock, voice: import("./audio_engine.js").Voice, signal: AbortSignal,
 *   tools: HTMLElement}} Parts `tools` are buttons that stand on the waveform
 */

const WAVE = 76; // pixels
const AXIS = 20;
const LOUDEST = 4; // times that a quiet track is drawn larger

/**
 * What each pixel shows of the peaks: lowest and highest, -127 … 127; between two peaks where pixels are finer.
 * @param {Int8Array} peaks pairs of lowest and highest @param {number} duration in seconds
 * @param {[number, number]} view @param {number} width in pixels
 * @returns {{low: Float32Array, high: Float32Array}}
 */
export function pooledPeaks(peaks, duration, view, width) {
  const low = new Float32Array(width);
  const high = new Float32Array(width);
  const n = peaks.length >> 1;
  if (!n || !(duration > 0)) return { low, high };
  const perSecond = n / duration;
  const step = ((view[1] - view[0]) * perSecond) / width;
  for (let x = 0; x < width; x += 1) {
    const from = view[0] * perSecond + x * step;
    if (step < 1) {
      const at = clamp(from + step / 2 - 0.5, 0, n - 1);
      const left = Math.floor(at);
      const right = Math.min(left + 1, n - 1);
      low[x] = peaks[2 * left] + (at - left) * (peaks[2 * right] - peaks[2 * left]);
      high[x] = peaks[2 * left + 1] + (at - left) * (peaks[2 * right + 1] - peaks[2 * left + 1]);
      continue;
    }
    const first = clamp(Math.floor(from), 0, n - 1);
    const stop = clamp(Math.ceil(from + step), first + 1, n);
    let lowest = 127;
    let highest = -127;
    for (let i = first; i < stop; i += 1) {
      if (peaks[2 * i] < lowest) lowest = peaks[2 * i];
      if (peaks[2 * i + 1] > highest) highest = peaks[2 * i + 1];
    }
    low[x] = lowest;
    high[x] = highest;
  }
  return { low, high };
}

/** The loudest peak, 0 … 127; 0 is silence. @param {Int8Array} peaks */
export function loudest(peaks) {
  let most = 0;
  for (let i = 0; i < peaks.length; i += 1) most = Math.max(most, Math.abs(peaks[i]));
  return Math.min(most, 127);
}

/**
 * Where the sections of a track stand over a plot; one that begins left of it keeps its name at the edge.
 * @param {{name: string, start: number}[]} sections in order @param {number} duration
 * @param {[number, number]} view @param {number} width in pixels
 * @returns {{index: number, left: number, width: number, begins: boolean}[]} those in view
 */
export function sectionMarks(sections, duration, view, width) {
  return sections.flatMap(({ start }, index) => {
    const end = sections[index + 1]?.start ?? duration;
    if (end <= view[0] || start >= view[1] || end <= start) return [];
    const left = Math.max(timeToX(start, view, width), 0);
    const right = Math.min(timeToX(end, view, width), width);
    return [{ index, left, width: right - left, begins: start >= view[0] }];
  });
}

/** Name of the section at a time; empty before the first. @param {Section[]} sections @param {number} seconds */
export function sectionAt(sections, seconds) {
  return sections.findLast(({ start }) => start <= seconds)?.name ?? "";
}

/**
 * The waveform with its sections, playhead and range.
 * @param {Parts} parts
 */
export function lanes(parts) {
  return new Lanes(parts).el;
}

/** What lies over the waveform and follows the clock: what was heard, the range with its ends, the pointer, the playhead. */
class Overlay {
  veil = h("div.ev-veil");
  playhead = h("div.ev-playhead");
  range = h("div.ev-range");
  edges = ["Beginning of the range", "End of the range"].map((title) => h("div.ev-edge", { title }));
  hover = h("div.ev-hover");
  said = h("div.ev-message");
  el = h("div.ev-overlay", {}, this.veil, this.range, this.hover, this.playhead, ...this.edges, this.said);

  /** @param {Clock} clock @param {number} width of the plot in pixels */
  move({ duration, time, view }, width) {
    const x = duration ? timeToX(time, view, width) : 0;
    this.playhead.style.visibility = duration > 0 && x >= 0 && x <= width ? "" : "hidden";
    this.playhead.style.transform = `translateX(${x}px)`;
    this.veil.style.transform = `translateX(${clamp(x, 0, width)}px)`;
  }

  /** @param {Clock} clock @param {number} width of the plot in pixels */
  select({ range, view, looping }, width) {
    for (const part of [this.range, ...this.edges]) part.hidden = !range;
    if (!range) return;
    const ends = range.map((seconds) => timeToX(seconds, view, width));
    const [left, right] = ends.map((x) => clamp(x, -2, width + 2));
    Object.assign(this.range.style, { transform: `translateX(${left}px)`, width: `${right - left}px` });
    this.range.classList.toggle("ev-looping", looping);
    for (const [i, edge] of this.edges.entries()) edge.style.transform = `translateX(${ends[i]}px)`;
  }
}

class Lanes {
  overlay = new Overlay();
  canvas = h("canvas.ev-canvas", { "aria-hidden": "true" });
  marks = h("div.ev-sections", { role: "group", "aria-label": "Sections" });
  wave = h(
    "div.ev-wave",
    { tabIndex: 0, role: "slider", "aria-label": "Position", "aria-valuemin": 0 },
    this.overlay.el,
  );
  tip = h("div.ev-when", { "aria-hidden": "true" });
  scrub = h("div.ev-scrub", { title: "Drag to move the playhead" });
  peaks = new Int8Array(0);
  most = 0; // of the peaks
  /** @type {number[]} those that are drawn */
  boundaries = [];
  /** @type {HTMLElement[]} */
  names = [];

  /** @param {Parts} parts */
  constructor({ model, clock, voice, signal, tools }) {
    this.model = model;
    this.clock = clock;
    this.voice = voice;
    this.tools = tools;
    this.row = h("div.ev-row", {}, this.canvas, this.wave, this.scrub, this.tip, tools);
    this.el = h("div.ev-lanes", {}, this.marks, this.row);
    this.inks = inksOf(this.row);
    this.draw = perFrame(() => this.#paint(), signal);
    this.whole = sizeOf(this.row, () => this.#paint(), signal);
    this.#listen(signal);
    this.#renew();
    this.#describe();
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    const { model, clock, voice, wave, overlay } = this;
    const plot = () => ({ left: 0, width: this.width });
    const focus = () => wave.focus({ preventScroll: true });
    timeGestures(wave, clock, { signal, plot, onClick: focus });
    for (const [end, edge] of overlay.edges.entries()) dragEdge(edge, end, { clock, wave, signal });
    dragScrub(this.scrub, { clock, signal, onClick: focus });
    clock.on("time", () => overlay.move(clock, this.width), { signal });
    clock.on(
      "time",
      throttled(() => this.#describe(), 500, signal),
      { signal },
    );
    clock.on("view", this.draw, { signal });
    clock.on("hover", () => this.#point(), { signal });
    clock.on("state", () => this.#changed(), { signal });
    voice.on(() => this.#status(), signal);
    onChange(
      model,
      "peaks sections serial",
      perFrame(() => this.#renew(), signal),
      signal,
    );
    onTheme(this.row, () => this.#themed(), signal);
  }

  /** Pixels of the plot. */
  get width() {
    return Math.max(0, this.whole.width - GUTTER.left - GUTTER.right);
  }

  /** @returns {Section[]} */
  get sections() {
    return this.model.get("sections") ?? [];
  }

  #changed() {
    this.overlay.select(this.clock, this.width);
    if (this.boundaries !== this.clock.boundaries) this.draw();
    this.#status();
    this.#describe();
  }

  #themed() {
    this.inks = inksOf(this.row);
    this.draw();
  }

  #point() {
    const { clock, tip, overlay, width } = this;
    const seconds = clock.hover;
    const shown = seconds !== null && seconds >= clock.view[0] && seconds <= clock.view[1];
    overlay.hover.hidden = tip.hidden = !shown;
    if (!shown) return;
    const x = timeToX(seconds, clock.view, width);
    const section = sectionAt(this.sections, seconds);
    overlay.hover.style.transform = `translateX(${x}px)`;
    tip.textContent = formatTime(seconds, clock.view[1] - clock.view[0] < 5 ? 2 : 1) + (section ? ` · ${section}` : "");
    tip.style.transform = `translateX(clamp(0px, ${GUTTER.left + x}px - 50%, ${this.whole.width}px - 100%))`;
  }

  #place() {
    const marks = sectionMarks(this.sections, this.clock.duration, this.clock.view, this.width);
    const seen = new Map(marks.map((mark) => [mark.index, mark]));
    for (const [index, name] of this.names.entries()) {
      const mark = seen.get(index);
      name.hidden = !mark;
      if (!mark) continue;
      Object.assign(name.style, { transform: `translateX(${mark.left}px)`, width: `${mark.width}px` });
      name.classList.toggle("ev-begins", mark.begins);
      name.classList.toggle("ev-narrow", mark.width < 26);
    }
  }

  #paint() {
    const { peaks, most, sections, clock, width, inks } = this;
    if (!width) return;
    this.boundaries = clock.boundaries;
    paintWave(this.canvas, { peaks, most, sections, clock, width: this.whole.width, inks });
    this.#place();
    this.overlay.select(clock, width);
    this.#point();
    this.overlay.move(clock, width);
  }

  #describe() {
    const { clock, wave } = this;
    const section = sectionAt(this.sections, clock.time);
    const text = `${formatTime(clock.time, 1)} of ${formatTime(clock.duration, 1)}${section ? `, ${section}` : ""}`;
    wave.setAttribute("aria-valuemax", clock.duration.toFixed(1));
    wave.setAttribute("aria-valuenow", clock.time.toFixed(1));
    wave.setAttribute("aria-valuetext", clock.duration ? text : "no track");
  }

  #status() {
    const { clock } = this;
    const { said } = this.overlay;
    const { kind, text } = this.voice.status;
    const silent = kind === "ready" && this.peaks.length > 0 && !this.most;
    const sentence = silent ? "This track is silent." : kind === "failed" && clock.duration ? "" : text;
    write(said, sentence);
    said.hidden = !sentence;
    said.classList.toggle("ev-error", kind === "failed");
    this.row.classList.toggle("ev-busy", kind === "loading");
    this.wave.setAttribute("aria-busy", String(kind === "loading"));
    for (const tool of this.tools.querySelectorAll("button")) tool.disabled = !clock.duration;
  }

  #renew() {
    this.peaks = new Int8Array(bytesOf(this.model.get("peaks")).slice().buffer);
    this.most = loudest(this.peaks);
    this.names = this.sections.map(({ name, start }) => {
      const props = {
        type: "button",
        title: `${name}, ${formatTime(start, 1)}`,
        onclick: () => this.clock.seek(start),
      };
      return h("button.ev-section", props, h("span", { textContent: name, dir: "auto" }));
    });
    this.marks.replaceChildren(...this.names);
    this.marks.hidden = !this.names.length;
    this.#status();
    this.draw();
  }
}

/**
 * Move one end of the range; the other end stays, and they change places where they meet.
 * @param {HTMLElement} edge @param {number} end 0 or 1
 * @param {{clock: Clock, wave: HTMLElement, signal: AbortSignal}} about
 */
function dragEdge(edge, end, { clock, wave, signal }) {
  /** @type {number | null} */
  let fixed = null;
  const begin = (/** @type {PointerEvent} */ event) => {
    if (event.button || !clock.range) return;
    event.stopPropagation();
    fixed = clock.range[1 - end];
    edge.setPointerCapture(event.pointerId);
  };
  const move = (/** @type {PointerEvent} */ event) => {
    if (fixed === null) return;
    event.stopPropagation();
    const looping = clock.looping;
    const to = timeUnder(event, wave, clock);
    // Shorter than can be heard would clear the range under the hand.
    if (Math.abs(to - fixed) < 0.02) return;
    clock.setRange(fixed, to);
    if (looping) clock.setLooping(true);
  };
  const leave = (/** @type {Event} */ event) => {
    fixed = null;
    event.stopPropagation();
  };
  edge.addEventListener("pointerdown", begin, { signal });
  edge.addEventListener("pointermove", move, { signal });
  for (const kind of ["pointerup", "pointercancel", "dblclick"]) edge.addEventListener(kind, leave, { signal });
}

/**
 * On the axis, a drag moves the playhead.
 * @param {HTMLElement} el @param {{clock: Clock, signal: AbortSignal, onClick: () => void}} about
 */
function dragScrub(el, { clock, signal, onClick }) {
  let held = false;
  const seek = (/** @type {PointerEvent} */ event) => {
    if (clock.duration) clock.seek(timeUnder(event, el, clock));
  };
  const begin = (/** @type {PointerEvent} */ event) => {
    if (event.button) return;
    held = true;
    el.setPointerCapture(event.pointerId);
    onClick();
    seek(event);
  };
  const end = () => {
    held = false;
  };
  el.addEventListener("pointerdown", begin, { signal });
  el.addEventListener("pointermove", (event) => held && seek(event), { signal });
  for (const kind of ["pointerup", "pointercancel"]) el.addEventListener(kind, end, { signal });
}

/** The time under a pointer, in view. @param {PointerEvent} event @param {Element} el @param {Clock} clock */
function timeUnder(event, el, { view }) {
  const { left, width } = el.getBoundingClientRect();
  return clamp(xToTime(event.clientX - left, view, width), view[0], view[1]);
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {{peaks: Int8Array, most: number, sections: Section[], clock: Clock, width: number,
 *   inks: import("../base/canvas.js").Inks}} about
 */
function paintWave(canvas, { peaks, most, sections, clock, width, inks }) {
  const ratio = devicePixelRatio || 1;
  const pen = penOf(canvas, width, WAVE + AXIS);
  const { accent: ink, faint, line } = inks;
  const left = Math.round(GUTTER.left * ratio);
  const plot = Math.max(0, canvas.width - left - Math.round(GUTTER.right * ratio));
  const middle = (WAVE / 2) * ratio;
  const scale = (middle - 3 * ratio) / Math.max(most, 127 / LOUDEST);
  const { low, high } = pooledPeaks(peaks, clock.duration, clock.view, plot);
  pen.save();
  pen.setTransform(1, 0, 0, 1, 0, 0); // One line for each pixel of the screen.
  pen.fillStyle = line;
  pen.fillRect(left, Math.round(WAVE * ratio) - 1, plot, 1);
  for (const { start } of sections) {
    const x = Math.round(timeToX(start, clock.view, plot));
    if (x > 0 && x < plot) pen.fillRect(left + x, 0, Math.max(1, Math.floor(ratio)), WAVE * ratio);
  }
  pen.fillStyle = ink;
  for (let x = 0; x < plot && clock.duration; x += 1) {
    const thick = Math.max((high[x] - low[x]) * scale, ratio);
    pen.fillRect(left + x, middle - high[x] * scale - (thick - (high[x] - low[x]) * scale) / 2, 1, thick);
  }
  pen.restore();
  paintBoundaries(pen, clock, plot / ratio, inks.ink);
  pen.font = `11px ${inks.font}`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  for (const { time, label } of timeTicks(clock.view, plot / ratio)) {
    const x = GUTTER.left + timeToX(time, clock.view, plot / ratio);
    pen.fillStyle = line;
    pen.fillRect(Math.round(x), WAVE, 1, 4);
    pen.fillStyle = faint;
    pen.fillText(label, x, WAVE + 12);
  }
}

/**
 * Boundaries that were found: lines with a notch at the top, which known sections do not have.
 * @param {import("../base/canvas.js").Pen} pen @param {Clock} clock @param {number} width of the plot @param {string} ink
 */
function paintBoundaries(pen, { boundaries, view }, width, ink) {
  pen.fillStyle = ink;
  for (const time of boundaries) {
    const x = Math.round(GUTTER.left + timeToX(time, view, width));
    if (time < view[0] || time > view[1]) continue;
    pen.globalAlpha = 0.75;
    pen.fillRect(x, 0, 1, WAVE);
    pen.globalAlpha = 1;
    pen.beginPath();
    pen.moveTo(x - 3.5, 0);
    pen.lineTo(x + 4.5, 0);
    pen.lineTo(x + 0.5, 6);
    pen.fill();
  }
}
