/** The lists beside the maps that hold judgements: clusters and what is in them, and how two models agree. */
import { h, write } from "../base/dom.js";
import { iconButton, lineOf, namesOf, rowList } from "../base/row_list.js";
import { nameOf, plain, quoted } from "../base/ui.js";
import { counted, emptyText } from "./track_lists.js";

/** @import { Agreement, AgreementItem, ClusterItem, MapState, Page, TagLift } from "./types.js" */

/** A tag, and by how many usual differences it is heard more in a cluster. @param {TagLift} tag @returns {string} such as ``piano +1.3`` */
export function tagText({ tag, lift }) {
  return Number.isFinite(lift) ? `${quoted(tag)} +${lift.toFixed(1)}` : quoted(tag);
}

/** @param {Page} view what the parts of the page share */
export function clusterList(view) {
  const { model, link } = view;
  /** @returns {{items?: ClusterItem[], message?: string, scale?: string}} */
  const own = () => model.get("clusters") ?? {};
  const pointWord = () => (view.choices.points === "frames" ? "moment" : "track");
  const title = h("h3");
  const how = h("p.ev-atlas-message.ev-faint", { dir: "auto" });
  const message = h("p.ev-atlas-message", { dir: "auto", hidden: true });
  const find = h("button.ev-primary", { type: "button" }, "Find clusters");
  const empty = h(
    "div.ev-panel-blank",
    {},
    h("p.ev-faint", {}, "Clusters are groups of tracks that sound alike to the model, with the tags that stand out."),
    find,
  );
  const rest = h("p.ev-atlas-message.ev-faint");
  const hint = h("p.ev-atlas-message.ev-faint", {}, "A name can be changed: press it, or F2.");
  const list = rowList({ label: "Clusters", row });
  const el = h(
    "div.ev-atlas-pane",
    {},
    h("div.ev-atlas-pane-head", {}, title),
    how,
    message,
    empty,
    list.el,
    rest,
    hint,
  );
  find.addEventListener("click", () => view.set("clusters", view.firstClusterer()));
  list.el.addEventListener("keydown", (event) => {
    const row = event.target instanceof Element ? event.target.closest("[data-row]") : null;
    const name = /** @type {HTMLElement | null | undefined} */ (row?.querySelector(".ev-atlas-rename"));
    if (event.key !== "F2" || !name) return;
    event.preventDefault();
    event.stopPropagation();
    name.click();
  });

  function row(/** @type {ClusterItem} */ item) {
    const label = item.name || item.auto || `Cluster ${item.id}`;
    const name = h("button.ev-plain.ev-atlas-rename", { type: "button", title: `${quoted(label)}: press to rename` });
    name.setAttribute("aria-label", `Rename ${quoted(label)}`);
    name.append(nameOf(label));
    const select = h("button", { type: "button", "aria-label": `Select the members of ${quoted(label)}` }, "Select");
    select.addEventListener("click", () => link.send("select", { cluster: item.id }));
    const tags = h("div.ev-atlas-tags");
    for (const tag of item.tags ?? []) {
      tags.append(h("span.ev-atlas-tag", { dir: "auto", title: tagTitle(tag) }, tagText(tag)));
    }
    const head = h(
      "div.ev-atlas-cluster-head",
      {},
      name,
      h("span.ev-faint", {}, counted(item.count, pointWord())),
      select,
    );
    name.addEventListener("click", () => rename(item, label, name));
    return h("li.ev-atlas-cluster", {}, head, tags);
  }

  /**
   * Let the name be typed: Enter and leaving keep it, Escape does not, and an empty one brings the found one back.
   * @param {ClusterItem} item @param {string} label @param {HTMLElement} button
   */
  function rename(item, label, button) {
    const input = h("input.ev-atlas-naming", { type: "text", value: label, maxLength: 80, dir: "auto" });
    input.setAttribute("aria-label", `Name of ${quoted(label)}`);
    button.replaceWith(input);
    input.focus();
    input.select();
    let over = false;
    const end = (/** @type {boolean} */ keep) => {
      if (over) return;
      over = true;
      const name = input.value.trim();
      const focused = document.activeElement === input;
      input.replaceWith(button);
      if (focused) button.focus({ preventScroll: true });
      if (keep && name !== label) link.send("rename_cluster", { id: item.id, name });
      update();
    };
    input.addEventListener("blur", () => end(true));
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      end(event.key === "Enter");
    });
  }

  function update() {
    const { items = [], message: words, scale } = own();
    const found = items.filter(({ id }) => id >= 0);
    const out = items.find(({ id }) => id < 0)?.count ?? 0;
    const wanted = (view.choices.clusters || "none") !== "none";
    write(title, found.length ? counted(found.length, "cluster") : "Clusters");
    write(how, plain(scale));
    how.hidden = !scale;
    write(message, plain(words));
    message.hidden = !words;
    empty.hidden = wanted || found.length > 0;
    // What is being typed stays.
    if (!list.el.querySelector(".ev-atlas-naming")) list.fill(found);
    rest.hidden = !out;
    write(rest, out ? `Not in any cluster: ${counted(out, pointWord())}` : "");
    hint.hidden = !found.length;
  }

  return { el, traits: "clusters choices", update };
}

function tagTitle(/** @type {TagLift} */ { tag, lift }) {
  if (!Number.isFinite(lift)) return quoted(tag);
  const by = `${lift.toFixed(1)} standard deviations of all tracks`;
  return `“${quoted(tag)}” is heard more strongly here than in the other tracks, by ${by}`;
}

/** What the figures of a comparison say, in plain words. @param {Agreement} agreement @param {string[]} names */
export function readings({ cka, overlap, hubness, k }, names) {
  const share = Math.round((overlap ?? 0) * 100);
  /** @param {number | null | undefined} value @param {number} digits */
  const shown = (value, digits) => (value != null && Number.isFinite(value) ? value.toFixed(digits) : "–");
  const hubs = (hubness ?? []).map((value) => shown(value, 1)).join(" and ");
  return [
    {
      name: "CKA",
      value: shown(cka, 2),
      words: "How alike both models arrange all tracks: 1 the same up to turning and scale, 0 nothing in common.",
    },
    {
      name: "Neighbours in common",
      value: shown(overlap, 2) === "–" ? "–" : `${share} %`,
      words: `Of a track's ${k ?? ""} nearest in one model, how many are among those of the other; the average of all.`,
    },
    {
      name: "Hubness",
      value: hubs || "–",
      words:
        `${names.map(quoted).join(" and ")}: near 0, all tracks are neighbours of others about equally often; ` +
        "from 2 on, a few are neighbours of very many.",
    },
  ];
}

/** @param {Page} view what the parts of the page share */
export function comparison(view) {
  const { model, link } = view;
  /** @returns {Agreement} */
  const own = () => model.get("agreement") ?? {};
  /** @returns {MapState[]} */
  const maps = () => model.get("maps") ?? [];
  const title = h("h3", {}, "Compare");
  const figures = h("dl.ev-atlas-figures");
  const choose = h("button.ev-primary", { type: "button" }, "Compare with another model…");
  choose.addEventListener("click", () => view.pickSecond());
  const empty = h(
    "div.ev-panel-blank",
    {},
    h(
      "p.ev-faint",
      {},
      "Two models, or two layers of one, on two maps side by side: see where they agree on what sounds alike, and " +
        "which tracks they place differently.",
    ),
    choose,
  );
  const waiting = emptyText();
  const sub = h("h4", {}, "Placed most differently");
  const list = rowList({
    label: "Tracks that are placed most differently",
    row(/** @type {AgreementItem} */ item) {
      const play = iconButton("play", `Play ${lineOf(item)}`, () => link.send("play", { track: item.track }));
      const show = h("button", { type: "button" }, "Show");
      show.setAttribute("aria-label", `Show ${lineOf(item)} on both maps`);
      show.title = "Select it on both maps";
      show.addEventListener("click", () => link.send("select", { tracks: [item.track] }));
      const share = item.overlap == null ? "" : `${Math.round(item.overlap * 100)} %`;
      const figure = h("span.ev-atlas-figure", { title: "Neighbours in common" }, share);
      const node = h("li.ev-atlas-row", {}, play, namesOf(item), figure, show);
      view.pointsAt(node, item);
      return node;
    },
  });
  const el = h("div.ev-atlas-pane", {}, h("div.ev-atlas-pane-head", {}, title), empty, waiting, figures, sub, list.el);

  return {
    el,
    traits: "agreement choices maps models progress",
    update() {
      const two = Boolean(view.choices.second?.model);
      const has = two && own().k != null;
      empty.hidden = two;
      waiting.hidden = !two || has;
      const over = maps().every(({ status }) => status === "ready") && !model.get("progress")?.text;
      write(waiting, over ? "There are too few tracks to compare." : "The figures come when both maps are ready.");
      figures.hidden = sub.hidden = !has;
      const names = maps().map((map) => map.title || view.modelTitle(map));
      figures.replaceChildren(
        ...(has ? readings(own(), names) : []).map(({ name, value, words }) =>
          h("div", {}, h("dt", {}, name), h("dd.ev-atlas-value", {}, value), h("dd.ev-faint", { dir: "auto" }, words)),
        ),
      );
      list.fill(has ? (own().items ?? []) : []);
      sub.hidden ||= !own().items?.length;
    },
  };
}
