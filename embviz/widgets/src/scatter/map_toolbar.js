/** The buttons of a map: what a drag does, zoom, and what is selected. */
import { h, icon, write } from "../base/dom.js";

const ICONS = {
  pan:
    "M8 1l2.4 2.6H8.8v3.6h3.6V5.6L15 8l-2.6 2.4V8.8H8.8v3.6h1.6L8 15l-2.4-2.6h1.6V8.8H3.6v1.6L1 8l2.6-2.4v1.6" +
    "h3.6V3.6H5.6z",
  lasso:
    "M8 2C4.4 2 1.5 3.9 1.5 6.3c0 1.5 1.2 2.9 3 3.6-.4.6-.5 1.2-.2 1.8.3.7 1.1 1 1.9 1 .1.7-.2 1.3-.8 1.8" +
    "l1 .9c1-.8 1.4-1.9 1.2-3 0-.5-.1-.9-.3-1.7l.7.1c3.6 0 6.5-2 6.5-4.5S11.6 2 8 2zm0 1.4" +
    "c2.8 0 5.1 1.3 5.1 2.9S10.8 9.3 8 9.3 2.9 7.9 2.9 6.3 5.2 3.4 8 3.4z",
  rectangle:
    "M1.5 2.5h3v1.4h-1.6v1.6h-1.4zM6.3 2.5h3.4v1.4H6.3zM11.5 2.5h3v3h-1.4v-1.6h-1.6" +
    "zM1.5 7.2h1.4v2h-1.4zM13.1 7.2h1.4v2h-1.4zM1.5 10.7h1.4v1.6h1.6v1.4h-3zM6.3 12.3" +
    "h3.4v1.4H6.3zM13.1 10.7h1.4v3h-3v-1.4h1.6z",
  out: "M3 7.3h10v1.4H3z",
  in: "M7.3 3h1.4v4.3H13v1.4H8.7V13H7.3V8.7H3V7.3h4.3z",
  all: "M2 2h4.5v1.4H3.4v3.1H2zM9.5 2H14v4.5h-1.4V3.4H9.5zM2 9.5h1.4v3.1h3.1V14H2z" + "M12.6 9.5H14V14H9.5v-1.4h3.1z",
  full: "M9.5 2H14v4.5h-1.4V4.4L10 7 9 6l2.6-2.6H9.5zM6.5 14H2V9.5h1.4v2.1L6 9l1 1-2.6 2.6h2.1z",
};

const MODES = {
  lasso: "Lasso (L): drag around points to select them; shift adds, alt takes away",
  rectangle: "Rectangle (R): drag over points to select them; shift adds, alt takes away",
};

/**
 * @param {{mode: (mode: string) => void, zoom: (factor: number) => void, all: () => void, full: () => void,
 *   clear: () => void}} does
 */
export function mapTools(does) {
  /** @param {keyof typeof ICONS} name @param {string} label @param {() => void} press */
  const button = (name, label, press) =>
    h("button.ev-plain", { type: "button", title: label, "aria-label": label, onclick: press }, icon(ICONS[name]));
  const pan = button("pan", "Move (drag pushes the map)", () => does.mode("pan"));
  const modes = /** @type {const} */ (["lasso", "rectangle"]).map((name) => ({
    name,
    el: button(name, MODES[name], () => does.mode(name)),
  }));
  const zooms = [
    button("out", "Zoom out (−)", () => does.zoom(1 / 1.6)),
    button("in", "Zoom in (+)", () => does.zoom(1.6)),
    button("all", "Show all points (0, or double click)", does.all),
  ];
  const full = button("full", "Fill the screen (F)", does.full);
  const count = h("span");
  const clear = h("button.ev-scatter-small", { type: "button", onclick: does.clear }, "clear");
  clear.title = "Select nothing (Esc)";
  const selected = h("span.ev-scatter-selected", { hidden: true }, count, clear);
  const hands = h("span.ev-scatter-buttons", { role: "group", "aria-label": "What a drag does" });
  hands.append(pan, ...modes.map((each) => each.el));
  const look = h("span.ev-scatter-buttons.ev-scatter-look", { role: "group", "aria-label": "View" }, ...zooms, full);
  const el = h("div.ev-scatter-tools", {}, hands, selected);

  /** @param {string} now */
  function mode(now) {
    pan.setAttribute("aria-pressed", String(now === "pan"));
    for (const each of modes) each.el.setAttribute("aria-pressed", String(now === each.name));
  }

  mode("pan");
  return {
    el,
    look, // stands on the map
    mode,
    /** @param {boolean} on whether the map fills the screen */
    full: (on) => full.setAttribute("aria-pressed", String(on)),
    /** @param {string} text empty where nothing is selected */
    selected(text) {
      write(count, text);
      selected.hidden = !text;
    },
  };
}
