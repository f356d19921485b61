/** Rows with buttons that are walked with the arrow keys: of each list, the Tab key stops at one. */

import { stepped } from "../explorer/track_list.js";
import { h, icon } from "./dom.js";
import { ICONS, nameOf, plain, quoted } from "./ui.js";

const STOPS = "button, input";
const PAGE = 8; // rows that Page Up and Page Down move by

/**
 * A button with an icon and a name.
 * @param {keyof typeof ICONS} name @param {string} label @param {(event: MouseEvent) => void} press
 */
export function iconButton(name, label, press) {
  const el = h("button.ev-plain.ev-atlas-icon", { type: "button", "aria-label": label, title: label, onclick: press });
  el.append(icon(ICONS[name]));
  return el;
}

/** @typedef {{title?: string, artist?: string}} Named */

/** Who made it and what it is called, as one line. @param {Named} item @returns {string} such as ``Title – Artist`` */
export function lineOf({ title, artist }) {
  return [title, artist].filter(Boolean).map(quoted).join(" – ");
}

/** Title and artist one above the other; what is too long is told when it is pointed at. @param {Named} item */
export function namesOf(item, more = "") {
  const facts = [plain(item.artist), more].filter(Boolean).join(" · ");
  return h(
    "span.ev-atlas-names",
    { title: lineOf(item) },
    nameOf(item.title || "untitled", "span.ev-panel-name.ev-atlas-title"),
    facts ? h("span.ev-panel-name.ev-atlas-artist.ev-faint", { dir: "auto" }, facts) : null,
  );
}

/**
 * Let the rows inside an element, those with `data-row`, be walked: up and down from row to row, left and right inside
 * one. A click beside a row's buttons presses its first one.
 * @param {HTMLElement} el
 */
export function walkable(el) {
  const rows = () => /** @type {HTMLElement[]} */ ([...el.querySelectorAll("[data-row]")]);
  const rowOf = (/** @type {Element | null} */ inside) => inside?.closest("[data-row]") ?? null;
  const stops = (/** @type {Element} */ row) => /** @type {HTMLElement[]} */ ([...row.querySelectorAll(STOPS)]);
  const only = (/** @type {Element | undefined} */ stop) => {
    for (const one of rows().flatMap(stops)) one.tabIndex = one === stop ? 0 : -1;
  };
  el.addEventListener("focusin", ({ target }) => {
    if (target instanceof Element && rowOf(target)) only(target);
  });
  el.addEventListener("click", (event) => {
    const target = /** @type {Element} */ (event.target);
    const row = rowOf(target);
    const marked = getSelection();
    // Who has marked a name with the pointer wants to copy it.
    const copying = marked && !marked.isCollapsed && row?.contains(marked.anchorNode);
    if (!row || target.closest(STOPS) || copying) return;
    stops(row)[0]?.click();
  });
  el.addEventListener("keydown", (event) => {
    const { key } = event;
    const target = /** @type {HTMLElement} */ (event.target);
    const row = /** @type {HTMLElement | null} */ (rowOf(target));
    if (!row || target.localName === "input" || event.ctrlKey || event.metaKey || event.altKey) return;
    const all = rows();
    const own = stops(row);
    const side = key === "ArrowRight" ? 1 : key === "ArrowLeft" ? -1 : 0;
    const to = stepped(key, all.indexOf(row), all.length, PAGE);
    if (!side && to < 0) return;
    event.preventDefault();
    event.stopPropagation();
    const there = side ? own : stops(all[to]);
    (side ? there[own.indexOf(target) + side] : (there[own.indexOf(target)] ?? there[0]))?.focus();
  });
  return {
    /** Change the rows, and keep the focus where it was. @param {() => void} change */
    refill(change) {
      const focused = /** @type {HTMLElement | null} */ (document.activeElement);
      const row = el.contains(focused) ? /** @type {HTMLElement | null} */ (rowOf(focused)) : null;
      const at = row ? rows().indexOf(row) : -1;
      const place = row && focused ? stops(row).indexOf(focused) : 0;
      change();
      const now = rows();
      const own = at < 0 ? [] : stops(now[Math.min(at, now.length - 1)] ?? el);
      const stop = own[place] ?? own[0];
      only(stop ?? (now[0] && stops(now[0])[0]));
      stop?.focus({ preventScroll: true });
    },
  };
}

/**
 * A list that is made anew only where its items have changed.
 * @template Item
 * @param {{label: string, row: (item: Item, index: number) => HTMLElement}} options
 */
export function rowList({ label, row }) {
  const el = h("ul.ev-atlas-rows", { "aria-label": label });
  const walk = walkable(el);
  let shown = "";
  return {
    el,
    /** @param {Item[]} items @param {unknown} [more] what else the rows show */
    fill(items, more) {
      const key = JSON.stringify([items, more]);
      if (key === shown) return;
      shown = key;
      walk.refill(() => {
        el.replaceChildren(
          ...items.map((item, index) => {
            const node = row(item, index);
            node.dataset.row = String(index);
            return node;
          }),
        );
      });
      el.hidden = !items.length;
    },
  };
}
