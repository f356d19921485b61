/**
 * What hands do on a map: drag pushes, or draws a lasso or a rectangle; the wheel zooms once the map has been clicked,
 * or with ctrl or ⌘; two fingers pinch; a double click shows all.
 */
import { clamp } from "../base/time.js";

/** @import { Place } from "./types.js" */
/** @typedef {{from: Place, last: Place, moved: boolean, places: Place[] | null}} Drag */

const DRAG = 4; // pixels, below which a drag is a click
const ZOOM = 1.0015; // per pixel of the wheel

/**
 * @param {HTMLElement} el what takes the pointer; it is given touch-action: none
 * @param {{signal: AbortSignal, mode: () => "pan" | "lasso" | "rectangle", push: (dx: number, dy: number) => void,
 *   zoom: (x: number, y: number, factor: number) => void, hover: (place: [number, number] | null) => void,
 *   click: (place: [number, number], event: PointerEvent) => void, all: () => void,
 *   draw: (places: [number, number][] | null) => void,
 *   drawn: (places: [number, number][], event: PointerEvent) => void}} does `draw` shows what is being drawn
 * @returns {{cancel: () => boolean}} which takes back what is being drawn, and says whether anything was
 */
export function mapGestures(el, does) {
  const { signal } = does;
  /** @type {Map<number, Place>} */
  const fingers = new Map();
  /** @type {Drag | null} */
  let drag = null;
  /** @type {ReturnType<typeof pinchOf> | null} */
  let pinch = null;
  el.style.touchAction = "none";

  /** @param {MouseEvent} event @returns {Place} */
  const placeOf = (event) => {
    const box = el.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  /**
   * @template {keyof HTMLElementEventMap} K
   * @param {K} kind @param {(event: HTMLElementEventMap[K]) => void} listener @param {AddEventListenerOptions} [more]
   */
  const listen = (kind, listener, more) => el.addEventListener(kind, listener, { signal, ...more });

  function stop() {
    const drawing = Boolean(drag?.places);
    drag = null;
    if (drawing) does.draw(null);
    return drawing;
  }

  listen("pointerdown", (event) => {
    if (event.button > 1) return;
    if (event.button === 1) event.preventDefault();
    el.focus(/** @type {FocusOptions} */ ({ preventScroll: true, focusVisible: false }));
    el.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, placeOf(event));
    if (fingers.size === 2) {
      stop();
      pinch = pinchOf();
      return;
    }
    const draws = event.button === 0 && (does.mode() !== "pan" || event.shiftKey);
    drag = { from: placeOf(event), last: placeOf(event), moved: false, places: draws ? [placeOf(event)] : null };
  });

  listen("pointermove", (event) => {
    const place = placeOf(event);
    if (fingers.has(event.pointerId)) fingers.set(event.pointerId, place);
    if (pinch && fingers.size === 2) pinch = pinched(pinch);
    else if (drag) dragged(drag, place);
    else does.hover(place);
  });

  /** @param {Drag} own @param {Place} place */
  function dragged(own, place) {
    if (!own.moved && Math.hypot(place[0] - own.from[0], place[1] - own.from[1]) < DRAG) return;
    if (!own.moved) does.hover(null);
    own.moved = true;
    if (!own.places) does.push(place[0] - own.last[0], place[1] - own.last[1]);
    else if (does.mode() === "rectangle") own.places = cornersOf(own.from, place);
    else own.places.push(place);
    own.last = place;
    if (own.places) does.draw(own.places);
  }

  const up = (/** @type {PointerEvent} */ event) => {
    fingers.delete(event.pointerId);
    if (pinch) {
      if (fingers.size < 2) pinch = null;
      drag = null;
      return;
    }
    const ended = drag;
    stop();
    if (!ended || event.type !== "pointerup") return;
    if (ended.moved && ended.places) does.drawn(ended.places, event);
    else if (!ended.moved && event.button === 0) does.click(placeOf(event), event);
  };
  listen("pointerup", up);
  listen("pointercancel", up);
  listen("pointerleave", () => {
    if (!drag) does.hover(null);
  });
  listen("dblclick", () => does.all());
  listen(
    "wheel",
    (event) => {
      // A page that scrolls past a map must not be caught by it.
      const { activeElement } = /** @type {Document | ShadowRoot} */ (el.getRootNode());
      const own = el.closest(".embviz")?.contains(activeElement);
      if (!own && !event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const pixels = (event.deltaMode === 1 ? 16 : 1) * event.deltaY;
      const [x, y] = placeOf(event);
      does.zoom(x, y, ZOOM ** -clamp(pixels * (event.ctrlKey ? 5 : 1), -500, 500));
    },
    { passive: false },
  );

  function pinchOf() {
    const [a, b] = [...fingers.values()];
    const apart = Math.max(Math.hypot(a[0] - b[0], a[1] - b[1]), 1);
    return { apart, x: (a[0] + b[0]) / 2, y: (a[1] + b[1]) / 2 };
  }

  /** @param {NonNullable<typeof pinch>} before */
  function pinched(before) {
    const now = pinchOf();
    does.push(now.x - before.x, now.y - before.y);
    does.zoom(now.x, now.y, now.apart / before.apart);
    return now;
  }

  return { cancel: stop };
}

/** @param {Place} from @param {Place} to @returns {Place[]} */
function cornersOf([left, top], [right, bottom]) {
  return [
    [left, top],
    [right, top],
    [right, bottom],
    [left, bottom],
  ];
}
