/** What opens below a button and closes by itself: menus, forms, explanations. */
import { h } from "./dom.js";

const GAP = 4; // pixels between a button and what it opens
const EDGE = 8; // pixels kept free at the edges of the window

/**
 * Where a box goes that belongs to a button: below it, or above where there is more room; never beyond the window.
 * @param {{left: number, right: number, top: number, bottom: number}} anchor
 * @param {{width: number, height: number}} box @param {{width: number, height: number}} view
 * @returns {{left: number, top: number, room: number}} room is its height
 */
export function placed(anchor, box, view) {
  const below = view.height - anchor.bottom - GAP - EDGE;
  const above = anchor.top - GAP - EDGE;
  const under = box.height <= below || below >= above;
  const room = Math.max(0, under ? below : above);
  const left = Math.max(EDGE, Math.min(anchor.left, view.width - box.width - EDGE));
  const top = under ? anchor.bottom + GAP : anchor.top - GAP - Math.min(box.height, room);
  return { left: Math.round(left), top: Math.round(top), room: Math.round(room) };
}

/**
 * Let a button open a box. Escape, a press elsewhere and the focus that leaves it close it; the focus goes into
 * it, and back to the button where it has not gone elsewhere.
 * @param {HTMLElement} root that the box belongs to @param {HTMLButtonElement} button
 * @param {{label: string, kind?: string, signal: AbortSignal,
 *   fill: (el: HTMLElement, close: () => void) => void}} options `fill` puts into the box what is to be seen now; an
 *   element with `data-focus` gets the focus, or else the first
 */
export function popover(root, button, { label, kind = "", signal, fill }) {
  const el = h("div.ev-panel-popover", { popover: "auto", role: "dialog", "aria-label": label, tabIndex: -1 });
  if (kind) el.classList.add(...kind.split(" "));
  root.append(el);
  const shown = () => el.matches(":popover-open");
  const place = () => {
    el.style.maxHeight = "";
    const { offsetWidth: width, offsetHeight: height } = el;
    const view = { width: document.documentElement.clientWidth, height: window.innerHeight };
    const { left, top, room } = placed(button.getBoundingClientRect(), { width, height }, view);
    Object.assign(el.style, { left: `${left}px`, top: `${top}px`, maxHeight: `${room}px` });
  };
  const close = () => {
    if (shown()) el.hidePopover();
  };
  let open = false;
  const show = () => {
    el.replaceChildren();
    fill(el, close);
    // Where the browser knows it, what stands in the box follows its button on the way of the Tab key.
    el.showPopover({ source: button });
    place();
    const first = el.querySelector("[data-focus]") ?? el.querySelector("button, input, select, [tabindex='0']") ?? el;
    /** @type {HTMLElement} */ (first).focus({ preventScroll: true });
  };
  button.setAttribute("aria-haspopup", "dialog");
  button.setAttribute("aria-expanded", "false");
  // A press on the button closes the box before the click arrives.
  button.addEventListener("pointerdown", () => {
    open = shown();
  });
  button.addEventListener("click", (event) => {
    const was = event.detail > 0 ? open : shown();
    open = false;
    if (was) close();
    else show();
  });
  // The event before is told at once, the one after when the browser has time for it.
  el.addEventListener("beforetoggle", ({ newState }) => {
    button.setAttribute("aria-expanded", String(newState === "open"));
  });
  el.addEventListener("toggle", ({ newState }) => {
    if (newState === "closed" && el.contains(document.activeElement)) button.focus({ preventScroll: true });
  });
  el.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    event.preventDefault();
    event.stopPropagation();
    close();
    button.focus({ preventScroll: true });
  });
  el.addEventListener("focusout", ({ relatedTarget }) => {
    if (relatedTarget instanceof Node && !el.contains(relatedTarget)) close();
  });
  const follow = (/** @type {Event} */ event) => {
    if (shown() && !(event.target instanceof Node && el.contains(event.target))) place();
  };
  window.addEventListener("scroll", follow, { capture: true, passive: true, signal });
  window.addEventListener("resize", follow, { signal });
  signal.addEventListener("abort", () => el.remove(), { once: true });
}
