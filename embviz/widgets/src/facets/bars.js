/** The bars of a column of categories: a press on one has it pass, several may be chosen. */
import { h, write } from "../base/dom.js";
import { nameOf, quoted } from "../base/ui.js";
import { facetFrame } from "./frame.js";

/** @import { Facet, FacetView, Filter, FilterListener, Shown } from "./types.js" */

const LONG = 9; // letters of a category whose bar leaves it more room
const FEW = 6; // categories that are always shown
const MOST = 200; // that are shown at once
const SEARCHED = 12; // from how many on they can be searched

/** One bar, that can be chosen. @param {string} label @param {(event: MouseEvent) => void} press */
function bar(label, press, kind = "") {
  const [all, left] = [h("i.ev-facet-all"), h("i.ev-facet-left")];
  const count = h("span.ev-facet-count");
  const name = nameOf(label || "unknown", "span.ev-facet-label");
  const line = h("span.ev-facet-line", { "aria-hidden": "true" }, all, left);
  const el = h("button.ev-facet-bar", { type: "button", role: "checkbox", onclick: press }, h("span.ev-facet-check"));
  el.append(name, line, count);
  if (kind) el.classList.add(kind);
  return {
    el,
    /** @param {number} whole @param {number} now @param {number} most @param {boolean} chosen @param {boolean} passes */
    update(whole, now, most, chosen, passes) {
      const many = `${now.toLocaleString("en")} of ${whole.toLocaleString("en")}`;
      all.style.width = `${(100 * whole) / most}%`;
      left.style.width = `${(100 * now) / most}%`;
      write(count, now.toLocaleString("en"));
      el.title = `${quoted(label || "unknown")}: ${many}`;
      el.setAttribute("aria-label", `${quoted(label || "unknown")}, ${many}`);
      el.setAttribute("aria-checked", String(chosen));
      el.classList.toggle("ev-facet-out", !passes);
    },
  };
}

/** The bar of the tracks of which nothing is known, where there are any. @param {string} name @param {() => void} press */
export function unknownBar(name, press) {
  const one = bar("", press, "ev-facet-unknown");
  return {
    el: one.el,
    /** @param {number} all @param {number} left @param {number} most @param {boolean} filtered @param {boolean} chosen */
    update(all, left, most, filtered, chosen) {
      one.el.hidden = !all;
      one.update(all, left, Math.max(most, all), chosen, !filtered || chosen);
      one.el.setAttribute("aria-label", `${name} unknown, ${left} of ${all}`);
    },
  };
}

/** Text that is compared without capitals. @param {string} text */
const folded = (text) => text.toLocaleLowerCase("en");

/** @param {Facet} facet @param {FilterListener} changed @param {AbortSignal} signal @returns {FacetView} */
export function bars(facet, changed, signal) {
  const { labels, title } = facet;
  const frame = facetFrame(facet, () => changed(null, true));
  const list = h("div.ev-facet-bars", { role: "group", "aria-label": quoted(title) });
  const more = h("button.ev-plain.ev-facet-more", { type: "button", "aria-expanded": "false" });
  const find = h("input.ev-facet-find", { type: "search", placeholder: "Find", hidden: true });
  find.setAttribute("aria-label", `Find one of ${quoted(title)}`);
  const note = h("p.ev-facet-note.ev-faint", { role: "status" });
  const unknown = unknownBar(quoted(title), () => toggle([], true));
  frame.el.classList.toggle(
    "ev-facet-long",
    labels.some((label) => label.length > LONG),
  );
  frame.el.append(find, list, unknown.el, more, note);
  /** @type {Map<number, ReturnType<typeof bar>>} */
  let rows = new Map();
  /** @type {Shown | undefined} */
  let shown;
  let open = false;
  let last = -1; // the bar that was pressed last
  let layout = "";

  const chosenNow = () => new Set(shown?.filter?.values ?? []);

  /** @param {string[]} values that change their state @param {boolean} [missing] whether what is not known does, too */
  function toggle(values, missing = false) {
    const chosen = chosenNow();
    for (const value of values) if (!chosen.delete(value)) chosen.add(value);
    pick(chosen, missing ? !shown?.filter?.unknown : shown?.filter?.unknown === true);
  }

  /** @param {Set<string>} chosen @param {boolean} passes */
  function pick(chosen, passes) {
    changed(chosen.size || passes ? { values: [...chosen], unknown: passes } : null, true);
  }

  /** @param {number} place @param {MouseEvent} event */
  function press(place, event) {
    const order = [...rows.keys()];
    const [from, to] = [order.indexOf(last), order.indexOf(place)];
    if (event.shiftKey && from >= 0) {
      const between = order.slice(Math.min(from, to), Math.max(from, to) + 1);
      pick(new Set([...chosenNow(), ...between.map((i) => labels[i])]), shown?.filter?.unknown === true);
    } else toggle([labels[place]]);
    last = place;
  }

  /** The places of the bars that are shown: the largest, and those that are chosen. */
  function placesNow() {
    const chosen = chosenNow();
    const wanted = folded(find.value.trim());
    const every = [...labels.keys()];
    if (open) {
      const found = wanted ? every.filter((i) => folded(labels[i]).includes(wanted)) : every;
      return { places: found.slice(0, MOST), rest: found.length - MOST };
    }
    const few = labels.length <= FEW + 1 ? labels.length : FEW;
    return { places: every.filter((i) => i < few || chosen.has(labels[i])), rest: 0 };
  }

  function fill() {
    const { places, rest } = placesNow();
    const key = `${open} ${rest} ${places}`;
    if (key === layout) return;
    layout = key;
    const focused = [...rows].find(([, row]) => row.el === row.el.ownerDocument.activeElement)?.[0];
    const before = rows;
    rows = new Map(places.map((i) => [i, before.get(i) ?? bar(labels[i], (event) => press(i, event))]));
    list.replaceChildren(...[...rows.values()].map(({ el }) => el));
    list.classList.toggle("ev-facet-open", open);
    const others = labels.length - places.length;
    more.hidden = !open && others <= 0;
    more.setAttribute("aria-expanded", String(open));
    write(more, open ? "Show fewer" : `${others.toLocaleString("en")} others`);
    find.hidden = !open || labels.length < SEARCHED;
    const none = !places.length ? "Nothing has such a name." : "";
    write(note, rest > 0 ? `… and ${rest.toLocaleString("en")} more: search for them.` : none);
    note.hidden = !note.textContent;
    // A bar that was shown because it was chosen is gone with its choice.
    if (focused !== undefined) (rows.get(focused) ?? rows.get(places[0]))?.el.focus({ preventScroll: true });
    stops();
  }

  /** The Tab key stops at one bar of the list. @param {Element} [at] */
  function stops(at) {
    const all = [...rows.values()].map(({ el }) => el);
    const one = at && all.some((el) => el === at) ? at : (all.find((el) => el.tabIndex === 0) ?? all[0]);
    for (const el of all) el.tabIndex = el === one ? 0 : -1;
  }

  /** @param {KeyboardEvent} event */
  function walk(event) {
    const all = [...rows.values()].map(({ el }) => el);
    const at = all.indexOf(/** @type {HTMLButtonElement} */ (event.target));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (at < 0 || to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    all[Math.min(Math.max(to, 0), all.length - 1)].focus();
  }

  more.addEventListener("click", () => {
    open = !open;
    find.value = "";
    draw();
    if (open && !find.hidden) find.focus();
  });
  find.addEventListener("input", () => draw(), { signal });
  list.addEventListener("keydown", walk, { signal });
  list.addEventListener("focusin", ({ target }) => stops(/** @type {Element} */ (target)), { signal });

  function draw() {
    if (!shown) return;
    fill();
    const { counts, filter } = shown;
    const chosen = chosenNow();
    const most = Math.max(1, counts.unknown, counts.all.length ? counts.all[0] : 1);
    for (const [i, row] of rows) {
      row.update(counts.all[i], counts.left[i], most, chosen.has(labels[i]), !filter || chosen.has(labels[i]));
    }
    unknown.update(counts.unknown, counts.unknownLeft, most, Boolean(filter), filter?.unknown === true);
    frame.say(sayChosen(filter), true);
    frame.update(filter);
  }

  return {
    el: frame.el,
    update(now) {
      shown = now;
      draw();
    },
  };
}

/** @param {Filter | undefined} filter */
function sayChosen(filter) {
  const many = (filter?.values?.length ?? 0) + Number(filter?.unknown ?? false);
  return many ? `${many} chosen` : "";
}
