// @ts-nocheck
/**
 * Self-similarity: a square of time × time. Both axes show the view that all plots share, time runs to the right and
 * upwards; the playhead crosses itself on the diagonal.
 */

import { bytesOf } from "../base/buffers.js";
import { colorsOf, decoded, inksOf, minus, paintRamp, penOf, shortened, tipPlace } from "../base/canvas.js";
import { palette } from "../base/colormaps.js";
import { h, onChange, onTheme, perFrame, sizeOf, whileSeen } from "../base/dom.js";
import { clockKeys, KEYS_SAID } from "../base/keys.js";
import { clamp, formatTime, frameAt, frameEdge, GUTTER, timeTicks, timeToX, xToTime } from "../base/time.js";
import { clockOf } from "../player/clock.js";
import { timeGestures } from "../player/gestures.js";

const MAP = "viridis";
const LARGEST = 640; // pixels of a side, where nothing else limits it
const LEAST = 280; // pixels of a side, where there is little height for it
const FOOT = 24; // pixels below the square, for the labels of its axis
const BAR = { gap: 14, width: 10, ticks: 5 };
const HEAD = 18; // pixels above the square, for the names of sections

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

/** Pixels from the top of a square to a time on its vertical axis, which shows the same view. */
export function timeToY(seconds, view, side) {
  return side - timeToX(seconds, view, side);
}

/** Seconds at a distance in pixels from the top of a square. */
export function yToTime(y, view, side) {
  return xToTime(side - y, view, side);
}

/**
 * The cells that a view shows, and where they come to lie: `from` up to `to` (exclusive), from pixel `start` to `end`.
 * @param {import("../base/time.js").Grid} grid
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
 * @param {{cells: Uint8Array, n: number, low: number, high: number, grid: import("../base/time.js").Grid}} matrix
 */
export function valueAt({ cells, n, low, high, grid }, x, y) {
  if (!n || Math.min(x, y) < frameEdge(grid, 0) || Math.max(x, y) >= frameEdge(grid, n)) return null;
  const code = cells[frameAt(grid, y) * n + frameAt(grid, x)];
  return code ? decoded(code, low, high) : null;
}

/**
 * The pixels of a matrix, the first row at the bottom.
 * @param {Uint8Array} cells @param {number} n @param {Uint32Array} colours one per byte
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

function render({ model, el, signal: given }) {
  const own = new AbortController();
  const signal = given ?? own.signal;
  draw(model, el, signal);
  return () => own.abort();
}

function draw(model, el, signal) {
  const clock = clockOf(model.get("clock"));
  const ui = build();
  el.append(ui.root);
  const image = document.createElement("canvas");
  let matrix = null;
  let square = { left: 0, side: 0 };
  let top = 0;

  let inks = {};

  const redraw = whileSeen(ui.root, paint, signal);
  const renewed = perFrame(measure, signal);

  function read() {
    const n = model.get("n");
    matrix = {
      cells: bytesOf(model.get("cells")),
      n,
      low: model.get("low"),
      high: model.get("high"),
      grid: model.get("edges"),
    };
    if (matrix.cells.length !== n * n || !matrix.grid?.hop) matrix.n = 0;
    if (!clock.duration && matrix.n) clock.load(matrix.grid.n_samples / matrix.grid.sample_rate);
    color(matrix);
    renewed();
  }

  function color({ cells, n }) {
    if (!n) return;
    Object.assign(image, { width: n, height: n });
    const pixels = pixelsOf(cells, n, colorsOf([0, 1], 0, 1, palette(MAP)));
    image.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(pixels.buffer), n, n), 0, 0);
  }

  function measure() {
    const { width } = box;
    if (!width) return;
    say();
    top = model.get("sections")?.length ? HEAD : 6;
    const room = ui.room.offsetHeight;
    square = squareOf(width, model.get("size"), room && Math.max(1, room - ui.head.offsetHeight - top - FOOT));
    ui.plot.style.height = `${top + square.side + FOOT}px`;
    Object.assign(ui.stage.style, {
      left: `${square.left}px`,
      top: `${top}px`,
      width: `${square.side}px`,
      height: `${square.side}px`,
    });
    ui.head.style.paddingLeft = `${square.left}px`;
    redraw();
  }

  function say() {
    const { n } = matrix;
    const message = model.get("message") || (n ? "" : "There are no frames to compare.");
    ui.title.textContent = model.get("title");
    ui.meaning.textContent = model.get("meaning");
    ui.head.hidden = !model.get("title") && !model.get("meaning");
    ui.message.textContent = message;
    ui.message.hidden = !message;
    const label = `Self-similarity of ${model.get("title") || "the track"}: ${n} × ${n} frames, time on both axes.`;
    ui.canvas.setAttribute("aria-label", message || label);
  }

  function paint() {
    if (!box.width || square.side < 2) return;
    const pen = penOf(ui.canvas, box.width, top + square.side + FOOT);
    pen.font = `11px ${inks.font}`;
    paintCells(pen);
    paintSections(pen, inks);
    paintAxes(pen, inks);
    if (matrix.n) paintBar(pen, inks);
    place();
    hover();
  }

  function paintCells(pen) {
    pen.fillStyle = inks.panel;
    pen.fillRect(square.left, top, square.side, square.side);
    const { n, grid } = matrix;
    if (!n || !(clock.view[1] > clock.view[0])) return;
    const { from, to, start, end } = shownCells(grid, clock.view, square.side);
    pen.save();
    pen.beginPath();
    pen.rect(square.left, top, square.side, square.side);
    pen.clip();
    // Cells keep their sharp borders until they are smaller than pixels.
    pen.imageSmoothingEnabled = to - from > square.side * (globalThis.devicePixelRatio || 1);
    const length = end - start;
    const y = top + square.side - end;
    pen.drawImage(image, from, n - to, to - from, to - from, square.left + start, y, length, length);
    pen.restore();
  }

  function paintSections(pen, inks) {
    const sections = model.get("sections") ?? [];
    const [from, to] = clock.view;
    sections.forEach(({ name, start }, i) => {
      const next = Math.min(sections[i + 1]?.start ?? clock.duration, to);
      if (start >= to || next <= from) return;
      const x = timeToX(Math.max(start, from), clock.view, square.side);
      const room = timeToX(next, clock.view, square.side) - x - 6;
      pen.fillStyle = inks.faint;
      pen.fillRect(Math.round(square.left + x), top - HEAD + 3, 1, HEAD - 3);
      pen.textAlign = "left";
      pen.textBaseline = "middle";
      pen.fillText(shortened(pen, String(name), room), square.left + x + 5, top - HEAD / 2);
      if (start > from) paintCross(pen, x);
    });
  }

  /** A section's beginning on both axes, faint enough to leave the cells to be seen. */
  function paintCross(pen, x) {
    pen.save();
    pen.globalAlpha = 0.45;
    pen.setLineDash([2, 3]);
    pen.strokeStyle = "#ffffff";
    pen.beginPath();
    const [at, level] = [Math.round(square.left + x) + 0.5, Math.round(top + square.side - x) + 0.5];
    pen.moveTo(at, top);
    pen.lineTo(at, top + square.side);
    pen.moveTo(square.left, level);
    pen.lineTo(square.left + square.side, level);
    pen.stroke();
    pen.restore();
  }

  function paintAxes(pen, inks) {
    const { left, side } = square;
    pen.strokeStyle = inks.line;
    pen.strokeRect(left - 0.5, top - 0.5, side + 1, side + 1);
    pen.fillStyle = inks.faint;
    for (const { time, label } of timeTicks(clock.view, side)) {
      const x = timeToX(time, clock.view, side);
      const [at, level] = [Math.round(left + x), Math.round(top + side - x)];
      pen.fillRect(at, top + side + 1, 1, 4);
      pen.fillRect(left - 5, level, 4, 1);
      pen.textAlign = "center";
      pen.textBaseline = "top";
      pen.fillText(label, at, top + side + 8);
      pen.textAlign = "right";
      pen.textBaseline = "middle";
      pen.fillText(label, left - 9, clamp(level, top + 5, top + side - 4));
    }
  }

  function paintBar(pen, inks) {
    const x = square.left + square.side + BAR.gap;
    const tall = Math.min(square.side, 200);
    paintRamp(pen, MAP, { x, y: top, width: BAR.width, tall });
    pen.strokeStyle = inks.line;
    pen.strokeRect(x - 0.5, top - 0.5, BAR.width + 1, tall + 1);
    pen.fillStyle = inks.faint;
    pen.textAlign = "left";
    pen.textBaseline = "middle";
    for (let i = 0; i < BAR.ticks; i += 1) {
      const share = i / (BAR.ticks - 1);
      const value = matrix.high - share * (matrix.high - matrix.low);
      const y = top + share * (tall - 1);
      pen.fillRect(x + BAR.width + 1, Math.round(y), 3, 1);
      pen.fillText(minus(Number(value.toFixed(2))), x + BAR.width + 7, clamp(y, top + 5, top + tall - 5));
    }
  }

  function place() {
    const { side } = square;
    const x = timeToX(clock.time, clock.view, side);
    const shown = clock.view[1] > clock.view[0];
    ui.head_x.style.transform = `translateX(${shown ? x : -9}px)`;
    ui.head_y.style.transform = `translateY(${shown ? side - x : -9}px)`;
    for (const band of [ui.range_x, ui.range_y]) band.hidden = !clock.range || !shown;
    if (!clock.range || !shown) return;
    const [a, b] = clock.range.map((time) => timeToX(time, clock.view, side));
    Object.assign(ui.range_x.style, { left: `${a}px`, width: `${b - a}px` });
    Object.assign(ui.range_y.style, { top: `${side - b}px`, height: `${b - a}px` });
  }

  let pointer = null;

  function hover() {
    const { side } = square;
    const here = pointer && pointer.y >= 0 && pointer.y < side ? pointer : null;
    const elsewhere = clock.hover === null ? -1 : timeToX(clock.hover, clock.view, side);
    const x = here ? here.x : elsewhere;
    ui.hair_x.style.display = x >= 0 && x < side ? "block" : "none";
    ui.hair_x.style.transform = `translateX(${x}px)`;
    ui.hair_y.style.display = here ? "block" : "none";
    ui.tip.hidden = !here;
    if (!here) return;
    ui.hair_y.style.transform = `translateY(${here.y}px)`;
    const [timeX, timeY] = [xToTime(here.x, clock.view, side), yToTime(here.y, clock.view, side)];
    const value = valueAt(matrix, timeX, timeY);
    ui.said.textContent = `${formatTime(timeX, 1)} × ${formatTime(timeY, 1)}`;
    ui.value.textContent = value === null ? "no value here" : `similarity ${minus(value.toFixed(2))}`;
    ui.help.textContent = `click: ${formatTime(timeX)} · shift-click: ${formatTime(timeY)}`;
    const room = [box.width - square.left, side + FOOT];
    const [left, over] = tipPlace(here.x, here.y, ui.tip.offsetWidth, ui.tip.offsetHeight, ...room);
    ui.tip.style.transform = `translate(${square.left + left}px, ${top + over}px)`;
  }

  const hovered = perFrame(hover, signal);
  timeGestures(ui.stage, clock, {
    signal,
    plot: () => ({ left: 0, width: square.side }),
    onHover: (event) => {
      const box = ui.stage.getBoundingClientRect();
      pointer = event && { x: event.clientX - box.left, y: event.clientY - box.top };
      hovered();
    },
    onClick: (event) => {
      if (!event.shiftKey && !event.altKey) return false;
      clock.seek(yToTime(event.clientY - ui.stage.getBoundingClientRect().top, clock.view, square.side));
      return true;
    },
  });
  clockKeys(ui.root, clock, signal);
  clock.on("time", place, { signal });
  clock.on("state", place, { signal });
  clock.on("hover", hovered, { signal });
  clock.on("view", redraw, { signal });
  onChange(model, "cells n low high edges", read, signal);
  onChange(model, "title meaning message size sections", renewed, signal);
  onTheme(ui.root, () => ((inks = inksOf(ui.root)), redraw()), signal);
  const observer = new ResizeObserver(renewed);
  signal.addEventListener("abort", () => (observer.disconnect(), ui.root.remove()), { once: true });
  read();
  const box = sizeOf(ui.root, renewed, signal);
  observer.observe(ui.room);
}

function build() {
  const title = h("span.ev-similarity-title", { dir: "auto" });
  const meaning = h("span.ev-similarity-meaning", { dir: "auto" });
  const head = h("div.ev-similarity-head", {}, title, meaning);
  const canvas = h("canvas", { role: "img" });
  const [range_x, range_y] = [
    h("div.ev-range", { hidden: true }),
    h("div.ev-range.ev-similarity-level", { hidden: true }),
  ];
  const [head_x, head_y] = [h("div.ev-playhead"), h("div.ev-playhead.ev-similarity-level")];
  const [hair_x, hair_y] = [
    h("div.ev-similarity-hair.ev-similarity-hair-x"),
    h("div.ev-similarity-hair.ev-similarity-hair-y"),
  ];
  const message = h("div.ev-similarity-message", { hidden: true, role: "status" });
  const parts = [range_x, range_y, hair_x, hair_y, head_x, head_y, message];
  const stage = h(
    "div.ev-similarity-stage",
    { tabIndex: 0, role: "group", "aria-label": `Matrix. ${KEYS_SAID}` },
    ...parts,
  );
  const [said, value, help] = [h("b"), h("div"), h("small")];
  const tip = h("div.ev-tip", { hidden: true }, said, value, help);
  const plot = h("div.ev-similarity-plot", {}, canvas, stage, tip);
  // As high as the place that the widget was given, where that has said so.
  const room = h("div.ev-similarity-room");
  const root = h("div.embviz.ev-similarity", {}, room, head, plot);
  return {
    root,
    room,
    head,
    title,
    meaning,
    plot,
    canvas,
    stage,
    message,
    range_x,
    range_y,
    head_x,
    head_y,
    hair_x,
    hair_y,
    tip,
    said,
    value,
    help,
  };
}

export default { render };
