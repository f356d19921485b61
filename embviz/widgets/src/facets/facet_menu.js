/** The menu of what tracks can be filtered by. */
import { h } from "../base/dom.js";
import { popover } from "../base/popover.js";
import { plain, quoted } from "../base/ui.js";

/** @import { FacetOptions } from "./types.js" */

/**
 * @param {HTMLElement} root @param {HTMLButtonElement} button
 * @param {{signal: AbortSignal, options: () => FacetOptions[], keys: () => string[], show: (keys: string[]) => void}} menu
 */
export function facetMenu(root, button, { signal, options, keys, show }) {
  /** @param {HTMLElement} el */
  function fill(el) {
    const find = h("input", { type: "search", placeholder: "Find a column or tag", "data-focus": "" });
    find.setAttribute("aria-label", "Find a column or tag");
    const list = h("div.ev-facets-options");
    const draw = () => {
      const wanted = find.value.trim().toLocaleLowerCase("en");
      const groups = options().map(({ title, items }) => ({
        title,
        items: items.filter((item) => item.title.toLocaleLowerCase("en").includes(wanted)),
      }));
      list.replaceChildren(...groups.filter(({ items }) => items.length).map(groupOf));
    };
    find.addEventListener("input", draw);
    draw();
    el.append(find, list);
  }

  /** @param {FacetOptions} group */
  function groupOf({ title, items }) {
    const lines = items.map((item) => {
      const check = h("input", { type: "checkbox", checked: keys().includes(item.key) });
      check.addEventListener("change", () => {
        const rest = keys().filter((key) => key !== item.key);
        show(check.checked ? [...rest, item.key] : rest);
      });
      return h("label.ev-facets-option", {}, check, h("span", { dir: "auto" }, plain(item.title)));
    });
    return h(
      "div",
      { role: "group", "aria-label": quoted(title) },
      title ? h("h4", { dir: "auto" }, plain(title)) : null,
      ...lines,
    );
  }

  popover(root, button, { label: "Columns to filter by", kind: "ev-panel-choices ev-facets-menu", signal, fill });
}
