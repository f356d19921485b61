/** What moments have in common: their mean picture, and how far their median lies above or below that of all sound. */
import { colorsOf, penOf } from "../base/canvas.js";
import { diverging, palette } from "../base/colormaps.js";
import { h, write } from "../base/dom.js";
import { plain } from "../base/ui.js";
import { MARGIN, paintAxes, paintLegend, paintPicture } from "./picture.js";

/** @import { Cells } from "./picture.js" @import { Inks } from "../base/canvas.js" */

const LEGEND = 64; // pixels beside a picture
const TALL = 128;

/** A picture with a title, both axes and the meaning of its colours. @param {string} title */
function figure(title) {
  const canvas = h("canvas", { role: "img" });
  const caption = h("figcaption", {}, title);
  const el = h("figure.ev-moments-figure", { hidden: true }, caption, canvas);
  return {
    el,
    /**
     * @param {Cells | null} cells
     * @param {{inks: Inks, hz: number[], span: number, map: import("../types.js").MapName, low: number, high: number,
     *   unit: string, width: number, said: string}} look
     */
    paint(cells, { inks, hz, span, map, low, high, unit, width, said }) {
      el.hidden = !cells;
      if (!cells || width < 1) return;
      canvas.setAttribute("aria-label", said);
      el.style.width = `${width}px`;
      caption.title = canvas.title = `Colours: ${plain(unit)}`;
      const left = hz.length > 1 ? MARGIN.left : 4;
      const box = { left, top: MARGIN.top, width: width - left - LEGEND, tall: TALL };
      const height = MARGIN.top + TALL + MARGIN.bottom;
      Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
      const pen = penOf(canvas, width, height);
      paintPicture(pen, box, cells, colorsOf([0, 1], 0, 1, palette(map)));
      paintAxes(pen, box, inks, hz, [0, span], (seconds) => `${Number(seconds.toFixed(2))} s`);
      paintLegend(pen, box, inks, { map, low, high });
    },
  };
}

/** Where bands of a picture are strongest on the whole, in words. @param {Cells | null} cells @param {number[]} hz */
export function strongestBands(cells, hz) {
  if (!cells || hz.length !== cells.bands) return "";
  const sums = hz.map((_, band) => {
    const row = cells.codes.subarray(band * cells.frames, (band + 1) * cells.frames);
    return row.reduce((sum, code) => sum + (code ? code - 128 : 0), 0);
  });
  const at = (/** @type {number} */ value) => `${Math.round(hz[sums.indexOf(value)]).toLocaleString("en")} Hz`;
  const [highest, lowest] = [Math.max(...sums), Math.min(...sums)];
  const said = [];
  if (highest > 0) said.push(`most above the mean at ${at(highest)}`);
  if (lowest < 0) said.push(`most below at ${at(lowest)}`);
  return said.join(", ");
}

export function commonOf() {
  const mean = figure("Mean of the moments");
  const difference = figure("In common: their median, above or below the mean of all");
  const el = h("div.ev-moments-common", { hidden: true }, mean.el, difference.el);
  const note = h("p.ev-moments-said.ev-faint");
  el.append(note);
  return {
    el,
    /**
     * @param {{mean: Cells | null, common: Cells | null}} cells
     * @param {{inks: Inks, hz: number[], span: number, low: number, high: number, reach: number, unit: string,
     *   dark: boolean, width: number}} look
     */
    paint(cells, { inks, hz, span, low, high, reach, unit, dark, width }) {
      el.hidden = !cells.mean && !cells.common;
      if (el.hidden) return;
      const both = cells.mean && cells.common && width >= 620;
      const each = Math.min(both ? Math.floor((width - 16) / 2) : width, 520);
      const words = strongestBands(cells.common, hz);
      const shared = { inks, hz, span, width: each };
      mean.paint(cells.mean, { ...shared, map: "viridis", low, high, unit, said: "Mean picture of the moments" });
      const look = { map: diverging(dark), low: -reach, high: reach, unit };
      difference.paint(cells.common, { ...shared, ...look, said: `What the moments have in common: ${words}` });
      write(note, words ? `In common: ${words}.` : "");
    },
  };
}
