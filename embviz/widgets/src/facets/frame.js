/** What every facet has around it: its name, what is said of it, and the button that ends its filter. */
import { h, icon, write } from "../base/dom.js";
import { ICONS, nameOf, quoted } from "../base/ui.js";

/** @import { Facet, Filter } from "./types.js" */

/** @param {Pick<Facet, "title">} facet @param {() => void} clear */
export function facetFrame({ title }, clear) {
  const name = quoted(title);
  const said = h("span.ev-facet-said");
  const label = `End the filter by ${name}`;
  const end = h("button.ev-plain.ev-facet-clear", { type: "button", "aria-label": label, title: label, hidden: true });
  end.append(icon(ICONS.close));
  const heading = nameOf(title, "div.ev-facet-title");
  heading.title = name;
  const el = h("section.ev-facet", { "aria-label": name }, h("div.ev-facet-head", {}, heading, said, end));
  end.addEventListener("click", () => {
    clear();
    // The button goes with the filter; the focus stays in the facet.
    /** @type {HTMLElement | null} */ (el.querySelector("[tabindex='0'], button:not([hidden])"))?.focus();
  });
  el.addEventListener("keydown", (event) => {
    // Escape empties a search first.
    const searched = event.target instanceof HTMLInputElement && event.target.value;
    if (event.key !== "Escape" || end.hidden || searched) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.target === end) end.click();
    else clear();
  });
  return {
    el,
    /** @param {string} text @param {boolean} strong */
    say(text, strong) {
      write(said, text);
      said.classList.toggle("ev-facet-strong", strong);
    },
    /** @param {Filter | undefined} filter */
    update(filter) {
      end.hidden = !filter;
      el.classList.toggle("ev-facet-on", Boolean(filter));
    },
  };
}
