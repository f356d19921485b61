// @ts-nocheck
/**
 * What hands do on a map: drag pushes, or draws a lasso or a rectangle; the wheel zooms once the map has been clicked,
 * or with ctrl or ⌘; two fingers pinch; a double click shows all.
 */
import { clamp } from "../base/time.js";

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
  const fingers = new Map();
  let drag = null;
  let pinch = null;
  el.style.touchAction = "none";

  const placeOf = (event) => {
    const box = el.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
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
    el.focus({ preventScroll: true, focusVisible: false });
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
    if (pinch && fingers.size === 2) return pinched();
    if (drag) return dragged(place);
    does.hover(place);
  });

  function dragged(place) {
    if (!drag.moved && Math.hypot(place[0] - drag.from[0], place[1] - drag.from[1]) < DRAG) return;
    if (!drag.moved) does.hover(null);
    drag.moved = true;
    if (!drag.places) does.push(place[0] - drag.last[0], place[1] - drag.last[1]);
    else if (does.mode() === "rectangle") drag.places = cornersOf(drag.from, place);
    else drag.places.push(place);
    drag.last = place;
    if (drag.places) does.draw(drag.places);
  }

  const up = (event) => {
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
  listen("pointerleave", () => !drag && does.hover(null));
  listen("dblclick", () => does.all());
  listen(
    "wheel",
    (event) => {
      // A page that scrolls past a map must not be caught by it.
      const own = el.closest(".embviz")?.contains(el.getRootNode().activeElement);
      if (!own && !event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const pixels = (event.deltaMode === 1 ? 16 : 1) * event.deltaY;
      does.zoom(...placeOf(event), ZOOM ** -clamp(pixels * (event.ctrlKey ? 5 : 1), -500, 500));
    },
    { passive: false },
  );

  function pinchOf() {
    const [a, b] = [...fingers.values()];
    const apart = Math.max(Math.hypot(a[0] - b[0], a[1] - b[1]), 1);
    return { apart, x: (a[0] + b[0]) / 2, y: (a[1] + b[1]) / 2 };
  }

  function pinched() {
    const now = pinchOf();
    does.push(now.x - pinch.x, now.y - pinch.y);
    does.zoom(now.x, now.y, now.apart / pinch.apart);
    pinch = now;
  }

  return { cancel: stop };
}

function cornersOf([left, top], [right, bottom]) {
  return [
    [left, top],
    [right, top],
    [right, bottom],
    [left, bottom],
  ];
}
