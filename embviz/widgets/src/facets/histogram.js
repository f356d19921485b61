/** The histogram of a column of numbers: one drags over it to say which range passes, and moves its ends by hand or key. */
import { h, shape } from "../base/dom.js";
import { clamp } from "../base/time.js";
import { quoted } from "../base/ui.js";
import { unknownBar } from "./bars.js";
import { binRange, numberAt, numberText, rangeText, stretchOf, ticksOf } from "./bins.js";
import { facetFrame } from "./frame.js";

/** @import { Bins, Facet, FacetView, Filter, FilterListener, Shown } from "./types.js" */

const TALL = 100; // units of the drawing
const LEAST = 4; // of them, that a bin is high in which there is anything
const CLICK = 3; // pixels that a hand may move in a click

/** The outline of bars. @param {Uint32Array} counts @param {number} most @param {Bins} bins */
function outline(counts, most, bins) {
  const gap = bins.count > 1 ? 0.08 : 0;
  let path = "";
  for (let i = 0; i < counts.length; i += 1) {
    if (!counts[i]) continue;
    const tall = Math.max((TALL * counts[i]) / most, LEAST).toFixed(1);
    path += `M${i + gap} ${TALL}v-${tall}h${1 - 2 * gap}v${tall}z`;
  }
  return path;
}

/**
 * @param {Facet} facet @param {Bins} bins @param {FilterListener} changed @param {AbortSignal} signal
 * @returns {FacetView}
 */
export function histogram(facet, bins, changed, signal) {
  const frame = facetFrame(facet, () => changed(null, true));
  const name = quoted(facet.title);
  // Seconds are told as minutes, and a column that is called by its unit says it already.
  const unit = bins.unit === "s" || name.toLowerCase() === bins.unit.toLowerCase() ? "" : bins.unit;
  const all = shape("path", { class: "ev-facet-all" });
  const left = shape("path", { class: "ev-facet-left" });
  const chosen = shape("path", { class: "ev-facet-chosen" });
  const svg = shape("svg", {
    viewBox: `0 0 ${bins.count} ${TALL}`,
    preserveAspectRatio: "none",
    "aria-hidden": "true",
  });
  svg.append(all, left, chosen);
  const brush = h("div.ev-facet-brush");
  const ends = ["Lowest", "Highest"].map((which) =>
    h("div.ev-facet-end", { role: "slider", tabIndex: 0, "aria-label": `${which} ${name}` }),
  );
  const plot = h("div.ev-facet-plot", {}, brush, ...ends);
  plot.prepend(svg);
  const ticks = ticksOf(bins).map(({ share, text }) => {
    const side = share < 0.06 ? ".ev-facet-first" : share > 0.94 ? ".ev-facet-last" : "";
    return h(`span${side}`, { style: { left: `${100 * share}%` } }, text);
  });
  const axis = h("div.ev-facet-axis", { "aria-hidden": "true" }, ...ticks);
  const unknown = unknownBar(name, () => change({ unknown: !filter?.unknown }, true));
  frame.el.append(plot, axis, unknown.el);

  /** @type {Filter | undefined} */
  let filter;
  /** @type {Shown | undefined} */
  let shown;
  let hover = -1;
  let dragging = false;

  const rangeNow = () => /** @type {[number, number]} */ (filter?.range ?? [bins.least, bins.most]);

  /** @param {Filter} more @param {boolean} settled */
  function change(more, settled) {
    const { range = null, unknown: passes = false } = { ...filter, ...more };
    const whole = !range || (range[0] <= bins.least && range[1] >= bins.most);
    changed(whole && !passes ? null : { range: whole ? null : range, unknown: passes }, settled);
  }

  /** @param {number} share @param {0 | 1} end */
  function edgeAt(share, end) {
    // The upper end of a range of whole numbers is the number before the next one begins.
    const inside = bins.whole && end ? share - 0.05 / (bins.high - bins.low) : share;
    return numberAt(share >= 1 ? 1 : inside, bins);
  }

  /** @param {PointerEvent} event */
  function shareOf(event) {
    const box = plot.getBoundingClientRect();
    return clamp((event.clientX - box.left) / Math.max(1, box.width), 0, 1);
  }

  /** @param {PointerEvent} event */
  function press(event) {
    if (event.button) return;
    event.preventDefault();
    const { target, pointerId, clientX } = event;
    const begin = shareOf(event);
    const before = rangeNow();
    const [from, to] = stretchOf(before, bins);
    // Where all passes, a hand at the edge begins a range there.
    const end = filter?.range ? ends.indexOf(/** @type {HTMLDivElement} */ (target)) : -1;
    const inside = Boolean(filter?.range) && begin > from && begin < to;
    const follow = new AbortController();
    let moved = false;
    ends[Math.max(end, 0)].focus({ preventScroll: true });
    plot.setPointerCapture(pointerId);

    const move = (/** @type {PointerEvent} */ now) => {
      moved ||= Math.abs(now.clientX - clientX) > CLICK;
      if (!moved) return;
      dragging = true;
      const at = shareOf(now);
      if (end >= 0) changeTo(end ? [from, at] : [at, to], false);
      else if (inside) shift(before, at - begin);
      else changeTo([begin, at], false);
    };
    const stop = (/** @type {PointerEvent} */ now) => {
      follow.abort();
      dragging = false;
      if (now.type === "pointercancel") change({ range: before }, true);
      else if (moved) change({ range: rangeNow() }, true);
      else if (end < 0 && !inside) change({ range: binRange(placeAt(begin), bins) }, true);
    };
    plot.addEventListener("pointermove", move, { signal: follow.signal });
    plot.addEventListener("pointerup", stop, { signal: follow.signal });
    plot.addEventListener("pointercancel", stop, { signal: follow.signal });
  }

  /** @param {[number, number]} shares @param {boolean} settled */
  function changeTo([one, other], settled) {
    const low = edgeAt(Math.min(one, other), 0);
    change({ range: [low, Math.max(low, edgeAt(Math.max(one, other), 1))] }, settled);
  }

  /** Move a range by a share of the axis. @param {[number, number]} range @param {number} share */
  function shift([low, high], share) {
    const steps = Math.round((share * (bins.high - bins.low)) / bins.step) * bins.step;
    const by = clamp(steps, bins.least - low, bins.most - high);
    const moved = [low + by, high + by].map((value) => Number(value.toPrecision(12)));
    change({ range: /** @type {[number, number]} */ (moved) }, false);
  }

  const placeAt = (/** @type {number} */ share) => Math.min(Math.floor(share * bins.count), bins.count - 1);

  /** @param {KeyboardEvent} event */
  function key(event) {
    const end = ends.indexOf(/** @type {HTMLDivElement} */ (event.target));
    if (end < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const range = rangeNow();
    const other = range[1 - end];
    const step = event.shiftKey ? bins.width : Math.max(bins.step, bins.whole ? 1 : 0);
    const by = { ArrowLeft: -step, ArrowDown: -step, ArrowRight: step, ArrowUp: step }[event.key];
    const page = { PageUp: bins.width * 4, PageDown: -bins.width * 4 }[event.key];
    let to = range[end] + (by ?? page ?? 0);
    if (event.key === "Home") to = end ? other : bins.least;
    else if (event.key === "End") to = end ? bins.most : other;
    else if (event.key === "Delete") return taken(event, () => changed(null, true));
    else if (by === undefined && page === undefined) return;
    const value = Number(clamp(to, bins.least, bins.most).toPrecision(12));
    const next = /** @type {[number, number]} */ (
      end ? [other, Math.max(other, value)] : [Math.min(other, value), other]
    );
    taken(event, () => change({ range: next }, true));
  }

  plot.addEventListener("pointerdown", press, { signal });
  plot.addEventListener("dblclick", () => changed(null, true), { signal });
  plot.addEventListener("keydown", key, { signal });
  plot.addEventListener("pointermove", (event) => point(placeAt(shareOf(event))), { signal });
  plot.addEventListener("pointerleave", () => point(-1), { signal });

  /** @param {number} place */
  function point(place) {
    hover = place;
    say();
  }

  function say() {
    if (!shown) return;
    const { counts } = shown;
    if (hover >= 0 && !dragging) {
      const many = `${counts.left[hover].toLocaleString("en")} of ${counts.all[hover].toLocaleString("en")}`;
      frame.say(`${rangeText(binRange(hover, bins), bins)}: ${many}`, false);
    } else frame.say(filter?.range ? rangeText(filter.range, bins) : unit, Boolean(filter));
  }

  return {
    el: frame.el,
    update(now) {
      shown = now;
      filter = now.filter;
      const { counts } = now;
      const most = Math.max(1, ...counts.all);
      const total = counts.all.reduce((sum, count) => sum + count, counts.unknown);
      all.setAttribute("d", outline(counts.all, most, bins));
      const bars = outline(counts.left, most, bins);
      const [from, to] = stretchOf(rangeNow(), bins);
      const onlyUnknown = Boolean(filter && !filter.range);
      left.setAttribute("d", bars);
      chosen.setAttribute("d", onlyUnknown ? "" : bars);
      const hidden = `inset(0 ${100 * (1 - to)}% 0 ${100 * from}%)`;
      chosen.style.clipPath = filter?.range ? hidden : "";
      brush.hidden = !filter?.range;
      Object.assign(brush.style, { left: `${100 * from}%`, width: `${100 * (to - from)}%` });
      plot.classList.toggle("ev-facet-filtered", Boolean(filter));
      for (const [i, end] of ends.entries()) {
        end.style.left = `${100 * (i ? to : from)}%`;
        const value = rangeNow()[i];
        end.setAttribute("aria-valuemin", String(bins.least));
        end.setAttribute("aria-valuemax", String(bins.most));
        end.setAttribute("aria-valuenow", String(value));
        end.setAttribute("aria-valuetext", numberText(value, bins));
      }
      unknown.update(counts.unknown, counts.unknownLeft, total, Boolean(filter), filter?.unknown === true);
      frame.update(filter);
      say();
    },
  };
}

/** @param {KeyboardEvent} event @param {() => void} act */
function taken(event, act) {
  event.preventDefault();
  event.stopPropagation();
  act();
}
