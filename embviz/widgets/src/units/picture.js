/** A small picture of bands × time: a mean mel picture, what it has in common, or a filter. */
import { bytesOf } from "../base/buffers.js";
import { brief } from "../base/canvas.js";
import { diverging, palette } from "../base/colormaps.js";
import { h } from "../base/dom.js";
import { spanOf } from "../base/format.js";
import { plain } from "../base/ui.js";

/** @import { UnitPicture } from "./types.js" */

/** @param {number} hz @returns {string} such as ``86 Hz`` or ``7.5 kHz`` */
export function hertz(hz) {
  if (!Number.isFinite(hz)) return "";
  return hz < 1000 ? `${Math.round(hz)} Hz` : `${Number((hz / 1000).toPrecision(2))} kHz`;
}

/**
 * The pixels of a picture, the highest band at the top.
 * @param {Uint8Array} cells ``[time, bands]`` @param {number} t @param {number} bands @param {Uint32Array} colors
 */
export function pixelsOf(cells, t, bands, colors) {
  const words = new Uint32Array(t * bands);
  for (let x = 0; x < t; x += 1) {
    for (let band = 0; band < bands; band += 1) {
      const code = cells[x * bands + band];
      words[(bands - 1 - band) * t + x] = code ? colors[Math.round(((code - 1) / 254) * 255)] : 0;
    }
  }
  return words;
}

/**
 * @param {UnitPicture} picture @param {DataView | Uint8Array} cells @param {boolean} dark whether the paper is
 * @returns {HTMLElement}
 */
export function pictureNode({ title, hint, shape: [t, bands], hz, seconds, low, high, unit, signed }, cells, dark) {
  const canvas = h("canvas", { role: "img", "aria-label": `${plain(title)}. ${plain(hint)}` });
  if (t && bands) {
    Object.assign(canvas, { width: t, height: bands });
    const colors = palette(signed ? diverging(dark) : "viridis");
    const words = pixelsOf(bytesOf(cells), t, bands, colors);
    const pixels = new ImageData(new Uint8ClampedArray(words.buffer), t, bands);
    canvas.getContext("2d")?.putImageData(pixels, 0, 0);
  }
  const scale = `${brief(low)} … ${brief(high)}${unit ? ` ${plain(unit)}` : ""}`;
  return h(
    "figure.ev-unit-picture",
    { title: plain(hint) },
    h("figcaption", {}, plain(title)),
    h(
      "div.ev-unit-hertz.ev-faint",
      { "aria-hidden": "true" },
      ...[...hz].reverse().map((one) => h("span", {}, hertz(one))),
    ),
    canvas,
    h("div.ev-unit-foot.ev-faint", {}, h("span", {}, spanOf(seconds)), h("span", {}, scale)),
  );
}
