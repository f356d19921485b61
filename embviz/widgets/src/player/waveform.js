// @ts-nocheck
/** The waveform of a track: peaks pooled to pixels, sections, playhead and range, and what hands do on them. */
import { bytesOf } from "../base/buffers.js";
import { inksOf, penOf } from "../base/canvas.js";
import { h, onChange, onTheme, perFrame, sizeOf, throttled, write } from "../base/dom.js";
import { clamp, formatTime, GUTTER, timeTicks, timeToX, xToTime } from "../base/time.js";
import { timeGestures } from "./gestures.js";

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

/** Name of the section at a time; empty before the first. @param {{name: string, start: number}[]} sections */
export function sectionAt(sections, seconds) {
  return sections.findLast(({ start }) => start <= seconds)?.name ?? "";
}

/**
 * The waveform with its sections, playhead and range.
 * @param {{model: object, clock: import("./clock.js").Clock, voice: import("./audio_engine.js").Voice, signal: AbortSignal,
 *   tools: HTMLElement}} parts `tools` are buttons that stand on the waveform
 */
export function lanes({ model, clock, voice, signal, tools }) {
  const canvas = h("canvas.ev-canvas", { "aria-hidden": "true" });
  const marks = h("div.ev-sections", { role: "group", "aria-label": "Sections" });
  const veil = h("div.ev-veil");
  const playhead = h("div.ev-playhead");
  const range = h("div.ev-range");
  const edges = [0, 1].map((end) => h("div.ev-edge", { title: end ? "End of the range" : "Beginning of the range" }));
  const hover = h("div.ev-hover");
  const said = h("div.ev-message");
  const over = h("div.ev-overlay", {}, veil, range, hover, playhead, ...edges, said);
  const wave = h("div.ev-wave", { tabIndex: 0, role: "slider", "aria-label": "Position", "aria-valuemin": 0 }, over);
  const tip = h("div.ev-when", { "aria-hidden": "true" });
  const scrub = h("div.ev-scrub", { title: "Drag to move the playhead" });
  const row = h("div.ev-row", {}, canvas, wave, scrub, tip, tools);
  const lane = h("div.ev-lanes", {}, marks, row);
  let peaks = new Int8Array(0);
  let most = 0;
  let names = [];
  let inks = inksOf(row);

  const width = () => Math.max(0, whole.width - GUTTER.left - GUTTER.right);
  const xOf = (seconds) => timeToX(seconds, clock.view, width());
  const sections = () => model.get("sections") ?? [];

  const move = () => {
    const x = clock.duration ? xOf(clock.time) : 0;
    const seen = clock.duration > 0 && x >= 0 && x <= width();
    playhead.style.visibility = seen ? "" : "hidden";
    playhead.style.transform = `translateX(${x}px)`;
    veil.style.transform = `translateX(${clamp(x, 0, width())}px)`;
  };
  const select = () => {
    range.hidden = !clock.range;
    for (const edge of edges) edge.hidden = !clock.range;
    if (!clock.range) return;
    const [a, b] = clock.range.map(xOf);
    const [left, right] = [clamp(a, -2, width() + 2), clamp(b, -2, width() + 2)];
    Object.assign(range.style, { transform: `translateX(${left}px)`, width: `${right - left}px` });
    range.classList.toggle("ev-looping", clock.looping);
    edges[0].style.transform = `translateX(${a}px)`;
    edges[1].style.transform = `translateX(${b}px)`;
  };
  const point = () => {
    const seconds = clock.hover;
    hover.hidden = tip.hidden = seconds === null || seconds < clock.view[0] || seconds > clock.view[1];
    if (hover.hidden) return;
    const x = xOf(seconds);
    const section = sectionAt(sections(), seconds);
    hover.style.transform = `translateX(${x}px)`;
    tip.textContent = formatTime(seconds, clock.view[1] - clock.view[0] < 5 ? 2 : 1) + (section ? ` · ${section}` : "");
    tip.style.transform = `translateX(clamp(0px, ${GUTTER.left + x}px - 50%, ${whole.width}px - 100%))`;
  };
  const place = () => {
    const marks = sectionMarks(sections(), clock.duration, clock.view, width());
    const seen = new Map(marks.map((mark) => [mark.index, mark]));
    names.forEach((name, index) => {
      const mark = seen.get(index);
      name.hidden = !mark;
      if (!mark) return;
      Object.assign(name.style, { transform: `translateX(${mark.left}px)`, width: `${mark.width}px` });
      name.classList.toggle("ev-begins", mark.begins);
      name.classList.toggle("ev-narrow", mark.width < 26);
    });
  };
  const paint = () => {
    if (!width()) return;
    paintWave(canvas, { peaks, most, sections: sections(), clock, width: whole.width, inks });
    place();
    select();
    point();
    move();
  };
  const draw = perFrame(paint, signal);
  const describe = () => {
    const section = sectionAt(sections(), clock.time);
    const text = `${formatTime(clock.time, 1)} of ${formatTime(clock.duration, 1)}${section ? `, ${section}` : ""}`;
    for (const [name, value] of [
      ["valuemax", clock.duration],
      ["valuenow", clock.time],
    ]) {
      wave.setAttribute(`aria-${name}`, value.toFixed(1));
    }
    wave.setAttribute("aria-valuetext", clock.duration ? text : "no track");
  };
  const status = () => {
    const { kind, text } = voice.status;
    const silent = kind === "ready" && peaks.length > 0 && !most;
    const sentence = silent ? "This track is silent." : kind === "failed" && clock.duration ? "" : text;
    write(said, sentence);
    said.hidden = !sentence;
    said.classList.toggle("ev-error", kind === "failed");
    row.classList.toggle("ev-busy", kind === "loading");
    wave.setAttribute("aria-busy", String(kind === "loading"));
    for (const tool of tools.children) tool.disabled = !clock.duration;
  };
  const track = () => {
    peaks = new Int8Array(bytesOf(model.get("peaks")).slice().buffer);
    most = loudest(peaks);
    names = sections().map(({ name, start }) => {
      const props = { type: "button", title: `${name}, ${formatTime(start, 1)}`, onclick: () => clock.seek(start) };
      return h("button.ev-section", props, h("span", { textContent: name, dir: "auto" }));
    });
    marks.replaceChildren(...names);
    marks.hidden = !names.length;
    status();
    draw();
  };

  const plot = () => ({ left: 0, width: width() });
  timeGestures(wave, clock, { signal, plot, onClick: () => void wave.focus({ preventScroll: true }) });
  edges.forEach((edge, end) => dragEdge(edge, end, { clock, wave, signal }));
  dragScrub(scrub, { clock, signal, onClick: () => wave.focus({ preventScroll: true }) });
  clock.on("time", move, { signal });
  clock.on("time", throttled(describe, 500, signal), { signal });
  clock.on("view", draw, { signal });
  clock.on("hover", point, { signal });
  clock.on("state", () => (select(), status(), describe()), { signal });
  voice.on(status, signal);
  onChange(model, "peaks sections serial", perFrame(track, signal), signal);
  onTheme(row, () => ((inks = inksOf(row)), draw()), signal);
  const whole = sizeOf(row, paint, signal);
  track();
  describe();
  return lane;
}

/** Move one end of the range; the other end stays, and they change places where they meet. */
function dragEdge(edge, end, { clock, wave, signal }) {
  let fixed = null;
  edge.addEventListener(
    "pointerdown",
    (event) => {
      if (event.button || !clock.range) return;
      event.stopPropagation();
      fixed = clock.range[1 - end];
      edge.setPointerCapture(event.pointerId);
    },
    { signal },
  );
  edge.addEventListener(
    "pointermove",
    (event) => {
      if (fixed === null) return;
      event.stopPropagation();
      const { left, width } = wave.getBoundingClientRect();
      const looping = clock.looping;
      const to = clamp(xToTime(event.clientX - left, clock.view, width), ...clock.view);
      // Shorter than can be heard would clear the range under the hand.
      if (Math.abs(to - fixed) < 0.02) return;
      clock.setRange(fixed, to);
      if (looping) clock.setLooping(true);
    },
    { signal },
  );
  for (const kind of ["pointerup", "pointercancel", "dblclick"]) {
    edge.addEventListener(kind, (event) => ((fixed = null), event.stopPropagation()), { signal });
  }
}

/** On the axis, a drag moves the playhead. */
function dragScrub(el, { clock, signal, onClick }) {
  let held = false;
  const seek = (event) => {
    const { left, width } = el.getBoundingClientRect();
    if (clock.duration) clock.seek(clamp(xToTime(event.clientX - left, clock.view, width), ...clock.view));
  };
  el.addEventListener(
    "pointerdown",
    (event) => {
      if (event.button) return;
      held = true;
      el.setPointerCapture(event.pointerId);
      onClick();
      seek(event);
    },
    { signal },
  );
  el.addEventListener("pointermove", (event) => held && seek(event), { signal });
  for (const kind of ["pointerup", "pointercancel"]) el.addEventListener(kind, () => (held = false), { signal });
}

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
