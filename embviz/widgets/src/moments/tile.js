/** A moment on the sheet: a button with its picture, and what is known of it in words. */
import { brief, colorsOf, minus, penOf } from "../base/canvas.js";
import { palette } from "../base/colormaps.js";
import { h, icon, write } from "../base/dom.js";
import { formatTime } from "../base/time.js";
import { ICONS, nameOf, quoted } from "../base/ui.js";
import { MARGIN, paintAxes, paintBand, paintPicture } from "./picture.js";

/** @import { Moment } from "./playback.js" @import { Cells } from "./picture.js" @import { Inks } from "../base/canvas.js" */

export const TALL = 104; // pixels of a picture

/**
 * A place in words: how much of everything lies beyond.
 * @param {number | null} place share of frames below, 0 to 1 @returns {string} such as ``top 0.1 % of frames``
 */
export function placeText(place) {
  if (place === null || !(place >= 0 && place <= 1)) return "";
  const [end, share] = place >= 0.5 ? ["top", 1 - place] : ["bottom", place];
  const percent = share * 100;
  const text = percent < 0.01 ? "< 0.01" : percent > 9.95 ? percent.toFixed(0) : String(Number(percent.toPrecision(2)));
  return `${end} ${text} % of frames`;
}

/** From when to when. @param {Pick<Moment, "start" | "stop">} moment */
export function timesText({ start, stop }) {
  const decimals = stop - start < 0.5 ? 2 : 1;
  return `${formatTime(start, decimals)}–${formatTime(stop, decimals)}`;
}

/** @param {number | null} value @param {string} unit */
function valueText(value, unit) {
  if (value === null) return "";
  const size = Math.abs(value);
  // As many digits on every tile, so that they can be compared.
  const number = size >= 1e-3 && size < 1e4 ? minus(value.toPrecision(3)) : brief(value);
  return `${number} ${quoted(unit)}`.trimEnd();
}

/**
 * What a screen reader says of a moment.
 * @param {Moment} moment @param {string} unit @param {string} problem
 */
export function spokenText(moment, unit, problem) {
  const value = valueText(moment.value, unit);
  const parts = [timesText(moment).replace("–", " to "), value && `value ${value}`, placeText(moment.place), problem];
  return `${moment.rank}. ${quoted(moment.title)}, ${parts.filter(Boolean).join(", ")}`;
}

/**
 * @param {Moment} moment @param {{unit: string, openable: boolean, press: (event: MouseEvent) => void, open: () => void}} options
 */
export function tileOf(moment, { unit, openable, press, open }) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const head = h("div.ev-playhead", { hidden: true });
  const stage = h("div.ev-moment-stage", {}, head);
  const missing = h("span.ev-moment-missing", { hidden: true });
  const plot = h("span.ev-moment-plot", {}, canvas, stage, missing);
  const state = h("span.ev-moment-state", { "aria-hidden": "true" });
  const rank = h("span.ev-moment-rank", {}, String(moment.rank));
  const title = nameOf(moment.title, "span.ev-moment-title");
  const face = h("button.ev-moment-face", { type: "button", onclick: press });
  face.title = `${quoted(moment.title)}\nShift: play it and all that follow`;
  const value = h("b", {}, valueText(moment.value, unit));
  const facts = h("span.ev-moment-facts", {}, h("span", {}, timesText(moment)), value);
  const place = h("span.ev-moment-place.ev-faint", {}, placeText(moment.place));
  const problem = h("span.ev-moment-problem", { hidden: true });
  face.append(h("span.ev-moment-head", {}, state, rank, title), plot, facts, place, problem);
  const el = h("li.ev-moment", {}, face);
  if (openable) {
    el.classList.add("ev-moment-openable");
    const label = `Open ${quoted(moment.title)} at ${formatTime(moment.start, 1)}`;
    el.append(h("button.ev-moment-open", { type: "button", "aria-label": label, title: label, onclick: open }, "Open"));
  }
  let shown = "";
  return {
    el,
    face,
    /**
     * @param {{current: boolean, playing: boolean, waiting: boolean, share: number, problem: string, drawn: boolean}} now
     */
    update({ current, playing, waiting, share, problem: sentence, drawn }) {
      const look = playing ? "pause" : "play";
      if (look !== shown) {
        shown = look;
        state.replaceChildren(icon(ICONS[look]));
      }
      el.classList.toggle("ev-moment-current", current);
      el.classList.toggle("ev-moment-waiting", waiting);
      face.setAttribute("aria-current", String(current));
      face.setAttribute("aria-label", `${playing ? "Stop" : "Play"} ${spokenText(moment, unit, sentence)}`);
      head.hidden = !current || !(playing || share > 0);
      head.style.transform = `translateX(${share * stage.clientWidth}px)`;
      // Where there is no picture, the sentence stands in its place.
      write(missing, drawn ? "" : sentence || "No picture yet.");
      missing.hidden = drawn;
      write(problem, drawn ? sentence : "");
      problem.hidden = !problem.textContent;
    },
    /**
     * @param {Cells | null} cells @param {{inks: Inks, hz: number[], width: number}} look `width` of the canvas
     */
    paint(cells, { inks, hz, width }) {
      const left = hz.length > 1 ? MARGIN.left : 4;
      const box = { left, top: MARGIN.top, width: width - left - MARGIN.right, tall: TALL };
      const height = MARGIN.top + TALL + MARGIN.bottom;
      Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
      const pen = penOf(canvas, width, height);
      Object.assign(stage.style, { left: `${left}px`, right: `${MARGIN.right}px`, height: `${TALL}px` });
      if (!cells || box.width < 2) return;
      paintPicture(pen, box, cells, colorsOf([0, 1], 0, 1, palette("viridis")));
      if (moment.hertz.length === 2 && hz.length > 1) paintBand(pen, box, hz, moment.hertz);
      paintAxes(pen, box, inks, hz, [moment.start, moment.stop]);
    },
  };
}
