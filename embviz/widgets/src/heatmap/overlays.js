/** What lies over the picture of a heatmap and moves without drawing it anew. */
import { h } from "../base/dom.js";
import { clamp, frameSpan, heardSpan, timeToX } from "../base/time.js";

/** Move a line to a pixel; null puts it away. @param {HTMLElement} el @param {number | null} x */
export function place(el, x) {
  el.hidden = x === null;
  if (x !== null) el.style.transform = `translateX(${x}px)`;
}

/**
 * Span a part of the plot; null puts it away.
 * @param {HTMLElement} el @param {[number, number] | null} span in seconds
 * @param {import("../base/time.js").View} view @param {number} width of the plot in pixels
 */
export function cover(el, span, view, width) {
  const [a, b] = span ? span.map((seconds) => clamp(timeToX(seconds, view, width), -8, width + 8)) : [0, 0];
  el.hidden = !span || b <= -4 || a >= width + 4;
  if (el.hidden) return;
  el.style.transform = `translateX(${a}px)`;
  el.style.width = `${Math.max(b - a, 1)}px`;
}

export class Overlays {
  range = h("div.ev-range", { hidden: true });
  heard = h("div.ev-heatmap-played", { hidden: true });
  row = h("div.ev-heatmap-band", { hidden: true });
  line = h("div.ev-heatmap-hover", { hidden: true });
  patch = h("div.ev-heatmap-patch", { hidden: true });
  playhead = h("div.ev-playhead");
  els = [this.range, this.heard, this.row, this.line, this.patch, this.playhead];

  /**
   * Outline what a frame stands for, and shade what it has heard; null puts both away.
   * @param {import("../base/time.js").Grid} grid @param {number | null} frame
   * @param {import("../base/time.js").View} view @param {number} width
   */
  outline(grid, frame, view, width) {
    const span = frame === null ? null : frameSpan(grid, frame);
    const heard = frame === null ? null : heardSpan(grid, frame);
    const differs = span && heard && (heard[0] !== span[0] || heard[1] !== span[1]);
    cover(this.patch, span, view, width);
    cover(this.heard, differs ? heard : null, view, width);
  }

  /**
   * Mark a row; a negative one puts the mark away.
   * @param {number} row @param {number} d rows @param {number} height of the plot in pixels
   */
  band(row, d, height) {
    this.row.hidden = row < 0;
    if (row < 0) return;
    const tall = Math.max(height / d, 2);
    this.row.style.height = `${tall}px`;
    this.row.style.transform = `translateY(${Math.min((row / d) * height, height - tall)}px)`;
  }
}
