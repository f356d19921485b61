/**
 * What hands do on a plot of time: the same on every view.
 *
 * click seeks · drag selects a range · shift-drag (or middle button) pans · two fingers pinch and pan · wheel zooms once the
 * widget has been clicked, or with ctrl or ⌘ · sideways wheel pans · double click shows all.
 */
import { clamp, xToTime } from "../base/time.js";

const DRAG = 4; // pixels, below which a drag is a click
const ZOOM = 1.0015; // per pixel of the wheel

/**
 * @param {HTMLElement} el what takes the pointer; it is given touch-action: none
 * @param {import("./clock.js").Clock} clock
 * @param {{signal: AbortSignal, plot: () => {left: number, width: number},
 *   onClick?: (event: PointerEvent, time: number) => boolean | void,
 *   onHover?: (event: PointerEvent | null, time: number | null) => void}} options
 *   `plot` tells where the plot lies inside `el`, in pixels; `onClick` may return true to keep a click for itself.
 */
export function timeGestures(el, clock, { signal, plot, onClick, onHover }) {
  /** @type {Map<number, number>} x of each pointer that is down */
  const pointers = new Map();
  /** @type {{x: number, time: number, pans: boolean, moved: boolean, view: [number, number]} | null} */
  let drag = null;
  /** @type {{apart: number, center: number, view: [number, number]} | null} */
  let pinch = null;
  el.style.touchAction = "none";

  const xOf = (/** @type {MouseEvent} */ event) => event.clientX - el.getBoundingClientRect().left - plot().left;
  const timeOf = (/** @type {MouseEvent} */ event) =>
    clamp(xToTime(xOf(event), clock.view, plot().width), ...clock.view);
  const inside = (/** @type {MouseEvent} */ event) => xOf(event) >= 0 && xOf(event) < plot().width;
  /**
   * @template {keyof HTMLElementEventMap} Kind
   * @param {Kind} kind @param {(event: HTMLElementEventMap[Kind]) => void} listener @param {{passive?: boolean}} [more]
   */
  const listen = (kind, listener, more) => el.addEventListener(kind, listener, { signal, ...more });

  listen("pointerdown", (event) => {
    if (event.button > 1 || !clock.duration) return;
    pointers.set(event.pointerId, event.clientX);
    el.setPointerCapture(event.pointerId);
    if (pointers.size === 2) {
      pinch = pinchOf();
      drag = null;
      return;
    }
    if (!inside(event)) return;
    if (event.button === 1) event.preventDefault();
    const pans = event.shiftKey || event.button === 1;
    drag = { x: event.clientX, time: timeOf(event), pans, moved: false, view: [...clock.view] };
  });

  listen("pointermove", (event) => {
    if (pointers.has(event.pointerId)) pointers.set(event.pointerId, event.clientX);
    if (pinch && pointers.size === 2) {
      pinched(pinch);
      return;
    }
    if (drag) {
      dragged(drag, event);
      return;
    }
    const here = inside(event) ? timeOf(event) : null;
    clock.setHover(here);
    onHover?.(here === null ? null : event, here);
  });

  const up = (/** @type {PointerEvent} */ event) => {
    pointers.delete(event.pointerId);
    if (pinch) {
      if (pointers.size < 2) pinch = null;
      return;
    }
    if (drag && !drag.moved && event.type === "pointerup" && !onClick?.(event, drag.time)) {
      if (event.button === 0) clock.seek(drag.time);
    }
    drag = null;
  };
  listen("pointerup", up);
  listen("pointercancel", up);
  listen("pointerleave", () => {
    if (drag) return;
    clock.setHover(null);
    onHover?.(null, null);
  });
  listen("dblclick", () => clock.setView(0, clock.duration));
  listen(
    "wheel",
    (event) => {
      if (!clock.duration || !inside(event)) return;
      const seconds = (clock.view[1] - clock.view[0]) / plot().width;
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        event.preventDefault();
        clock.pan(event.deltaX * seconds);
        return;
      }
      // A page that scrolls past a plot must not be caught by it.
      const root = /** @type {Document | ShadowRoot} */ (el.getRootNode());
      const own = el.closest(".embviz")?.contains(root.activeElement);
      if (!own && !event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const pixels = event.deltaMode === 1 ? event.deltaY * 16 : event.deltaY;
      clock.zoom(timeOf(event), ZOOM ** -clamp(pixels * (event.ctrlKey ? 5 : 1), -500, 500));
    },
    { passive: false },
  );

  /** @param {NonNullable<typeof drag>} begun @param {PointerEvent} event */
  function dragged(begun, event) {
    const x = event.clientX - begun.x;
    if (!begun.moved && Math.abs(x) < DRAG) return;
    begun.moved = true;
    if (begun.pans) {
      const seconds = ((begun.view[1] - begun.view[0]) / plot().width) * -x;
      clock.setView(begun.view[0] + seconds, begun.view[1] + seconds);
    } else {
      clock.setRange(begun.time, timeOf(event));
    }
  }

  /** @returns {NonNullable<typeof pinch>} */
  function pinchOf() {
    const [a, b] = [...pointers.values()];
    const center = (a + b) / 2 - el.getBoundingClientRect().left - plot().left;
    return { apart: Math.max(Math.abs(a - b), 1), center, view: [...clock.view] };
  }

  /** @param {NonNullable<typeof pinch>} begun */
  function pinched(begun) {
    const now = pinchOf();
    const width = plot().width;
    const factor = now.apart / begun.apart;
    const around = xToTime(begun.center, begun.view, width);
    const length = (begun.view[1] - begun.view[0]) / factor;
    const from = around - (now.center / width) * length;
    clock.setView(from, from + length);
  }
}
