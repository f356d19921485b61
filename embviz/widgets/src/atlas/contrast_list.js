/** What separates two groups of tracks: the selection and the rest, or two selections; the dimensions and their direction. */
import { minus } from "../base/canvas.js";
import { h, write } from "../base/dom.js";
import { rowList } from "../base/row_list.js";
import { plain, quoted } from "../base/ui.js";
import { counted, emptyText } from "./track_lists.js";

/** @import { Contrast, ContrastRow, Page } from "./types.js" */

/** A figure with two digits behind the point. @param {number | null | undefined} value */
export function figure(value) {
  return value == null || !Number.isFinite(value) ? "–" : minus(value.toFixed(2));
}

/** An effect with its interval. @param {Pick<ContrastRow, "effect" | "low" | "high">} row @returns {string} such as ``d 1.42 [1.01, 1.83]`` */
export function effectText({ effect, low, high }) {
  return `d ${figure(effect)} [${figure(low)}, ${figure(high)}]`;
}

/** What a row says to who points at it. @param {ContrastRow} row @param {string[]} ends */
export function rowTitle(row, ends) {
  const higher = quoted(ends[(row.effect ?? 0) > 0 ? 1 : 0] ?? "");
  const chance = row.sure ? "more than chance explains" : "not told from chance";
  return (
    `Higher in ${higher} by ${figure(Math.abs(row.effect ?? Number.NaN))} standard deviations: ${chance} ` +
    `(p = ${figure(row.p)}, for all dimensions together). AUC ${figure(row.auc)} on tracks held back; 0.5 is chance.`
  );
}

/** @param {Page} view what the parts of the page share */
export function contrastList(view) {
  const { model, link } = view;
  /** @returns {Contrast} */
  const own = () => model.get("contrast") ?? {};
  const selected = () => model.get("selection")?.count ?? 0;
  const button = (/** @type {string} */ text, /** @type {() => void} */ press) =>
    h("button", { type: "button", onclick: press }, text);
  const title = h("h3", {}, "Contrast");
  const these = button("What separates the selection?", () => link.send("find_contrast", { of: "selection" }));
  these.classList.add("ev-primary");
  const groups = /** @type {const} */ (["a", "b"]).map((group) => ({
    group,
    el: button("", () => link.send("keep_group", { group })),
  }));
  const between = button("Compare A with B", () => link.send("find_contrast", { of: "groups" }));
  const empty = emptyText(
    "Select tracks, and see which dimensions of the layer tell them from the rest. ",
    "Or keep one selection as A and another one as B, and compare these two.",
  );
  const message = h("p.ev-atlas-message", { dir: "auto", role: "status", hidden: true });
  const found = h("h4", { dir: "auto" });
  const facts = h("p.ev-atlas-message.ev-faint", { dir: "auto" });
  const axis = (/** @type {"x" | "y"} */ way) => button(`Direction as ${way}`, () => view.set(way, own().key));
  const lay = h("div.ev-atlas-line", {}, axis("x"), axis("y"));
  const list = rowList({
    label: "Dimensions that separate the groups",
    row(/** @type {ContrastRow} */ row) {
      const name = h("span.ev-atlas-names", {}, h("bdi", {}, plain(row.title)));
      if (row.name) name.append(h("bdi.ev-faint", {}, ` ${plain(row.name)}`));
      const sure = h("span.ev-atlas-sure", { "aria-hidden": "true" }, row.sure ? "✓" : "?");
      const ways = ["x", "y"].map((way) => {
        const press = h("button", { type: "button", onclick: () => view.set(way, row.key) }, way);
        press.setAttribute("aria-label", `${quoted(row.title)} as axis ${way}`);
        press.title = `${quoted(row.title)} as axis ${way} of the map`;
        return press;
      });
      const told = h("span.ev-hidden", {}, row.sure ? "more than chance" : "not told from chance");
      const effect = h("span.ev-atlas-figure", {}, effectText(row), told);
      return h("li.ev-atlas-row", { title: rowTitle(row, own().ends ?? []) }, sure, name, effect, ...ways);
    },
  });
  const more = h("p.ev-atlas-message.ev-faint");
  const notes = h("div.ev-atlas-told-notes");
  const pair = h("div.ev-atlas-line", {}, ...groups.map(({ el }) => el), between);
  const head = h("div.ev-atlas-pane-head", {}, title);
  const start = h("div.ev-atlas-line", {}, these);
  const el = h("div.ev-atlas-pane", {}, head, start, pair, empty, message, found, facts, lay, notes, list.el, more);

  return {
    el,
    traits: "contrast selection",
    update() {
      const { groups: kept = {}, message: said, title: of, auc, rows = [], more: rest = 0, notes: told = [] } = own();
      these.disabled = !selected();
      these.title = selected() ? "Which dimensions tell the selection from the rest" : "Select tracks first";
      for (const { group, el } of groups) {
        const name = group.toUpperCase();
        write(el, kept[group] ? `${name}: ${counted(kept[group], "track")}` : `Keep as ${name}`);
        el.disabled = !selected();
        el.title = selected() ? `Keep the selection as group ${name}` : `Select the tracks of group ${name} first`;
      }
      between.disabled = !(kept.a && kept.b);
      write(message, plain(said));
      message.hidden = !said;
      empty.hidden = Boolean(said || of);
      write(found, plain(of));
      found.hidden = facts.hidden = lay.hidden = !of;
      const sure = auc == null ? "" : `AUC of the direction ${figure(auc)} on tracks held back; 0.5 is chance. `;
      write(
        facts,
        `${sure}d: means apart in standard deviations, with an interval of 95 %; above 0 is higher in ${quoted(own().ends?.[1] ?? "the second")}.`,
      );
      notes.replaceChildren(...told.map((note) => h("p.ev-atlas-message", { dir: "auto" }, plain(note))));
      notes.hidden = !told.length;
      list.fill(rows);
      write(
        more,
        rest
          ? `and ${counted(rest, "dimension")} that separate them less${view.alone ? "; atlas.contrast has all" : ""}.`
          : "",
      );
      more.hidden = !rest;
    },
  };
}
