/** The bar above the maps: what is mapped and how, how points look, comparing and saving. */
import { h, icon, onChange, write } from "../base/dom.js";
import { optionForm } from "../base/option_form.js";
import { popover } from "../base/popover.js";
import { fillSelect, ICONS, plain, quoted, titled } from "../base/ui.js";
import { optionList as listbox } from "../explorer/option_list.js";

/** @import { ColorGroup, Method, Page } from "./types.js" */

/** What can be saved: name, title, what it is; and whether a selection can be saved alone. */
export const FORMATS = [
  { name: "html", title: "Page", about: "one file that needs no Jupyter" },
  { name: "png", title: "PNG", about: "picture in pixels" },
  { name: "svg", title: "SVG", about: "picture for print" },
  { name: "csv", title: "CSV", about: "table, safe for spreadsheets" },
  { name: "parquet", title: "Parquet", about: "the same table, for pandas" },
  { name: "m3u", title: "M3U", about: "playlist" },
  { name: "tensorboard", title: "TensorBoard", about: "folder for its Projector" },
];
/** The layout that no method makes. */
const AXES = { value: "axes", label: "Axes" };
const COLOR_AIM = "what to colour by";
const AUDIO = [
  { value: "auto", label: "clips up to 200 tracks, else links" },
  { value: "clips", label: "25 s of each track in the page" },
  { value: "embed", label: "whole tracks in the page" },
  { value: "link", label: "links: the files stay where they are" },
];

/** Methods as choices of a select. @param {Method[]} methods */
export function methodOptions(methods) {
  return methods.map(({ name, title, available }) => ({
    value: name,
    label: available === false ? `${title || name} (not installed)` : title || name,
    disabled: available === false,
  }));
}

/**
 * The groups whose items have all words of a query in their names, or in that of their group.
 * @param {ColorGroup[]} groups @param {string} query
 */
export function matching(groups, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const has = (/** @type {string} */ text) => words.every((word) => text.toLowerCase().includes(word));
  return groups
    .map(({ title, items }) => ({ title, items: items.filter((item) => has(`${item.title} ${title}`)) }))
    .filter(({ items }) => items.length);
}

/** What a key is called. @param {ColorGroup[]} groups @param {string} key @returns {string} */
export function titleOf(groups, key) {
  return groups.flatMap(({ items }) => items).find((item) => item.key === key)?.title ?? key;
}

/**
 * One row: what is mapped, how, in which colours; what the hand does, the search, and all the rest behind one button.
 * @param {Page} view what the parts of the page share
 * @param {{tools: HTMLElement, search: {el: HTMLElement}}} controls of the maps
 */
export function atlasTools(view, { tools, search }) {
  const { model, signal } = view;
  const method = methodOf(view, {
    name: "method",
    label: "Layout of the map",
    list: "methods",
    own: "options",
    more: [AXES],
    current: () => (view.choices.layout === "axes" ? AXES.value : view.choices.method) ?? "",
    choose: (value) => lay(view, value),
  });
  /** @type {{nodes: HTMLElement[], update: () => void}[]} */
  const row = [picked(view), method, axes(view), color(view)];
  const more = drawer(view, method);
  const el = h(
    "div.ev-atlas-bar",
    { role: "group", "aria-label": "The map" },
    ...row.flatMap(({ nodes }) => nodes),
    tools,
    search.el,
    more.el,
  );
  function update() {
    for (const part of [...row, more]) part.update();
  }
  onChange(
    model,
    "choices models methods clusterers color_options axis_options size_options vocabulary",
    update,
    signal,
  );
  return { el, more: more.el, update };
}

function chevron() {
  const el = icon(ICONS.chevron);
  el.classList.add("ev-atlas-chevron");
  return el;
}

/**
 * A control with its name beside it; what a control is called to who does not see it, its own label says.
 * @param {string} name @param {...HTMLElement} controls
 */
function field(name, ...controls) {
  return h("div.ev-atlas-field", {}, h("span.ev-faint", { "aria-hidden": "true" }, name), ...controls);
}

/** A part of the drawer, under its heading. @param {string} title @param {...HTMLElement} nodes */
function section(title, ...nodes) {
  return h("section.ev-atlas-section", { "aria-label": title }, h("h3", {}, title), ...nodes);
}

/** @param {Page} view @param {string} name of the choice @param {string} label */
function selector(view, name, label, title = "") {
  const el = h("select", { "aria-label": label, title });
  el.addEventListener("change", () => view.set(name, el.value));
  return el;
}

/** @param {Page} view */
function picked(view) {
  const name = h("span.ev-panel-name", { dir: "auto" });
  const button = h("button.ev-atlas-model", { type: "button", "aria-haspopup": "dialog" }, name, chevron());
  button.addEventListener("click", () => view.pick());
  return {
    nodes: [button],
    update() {
      const text = view.modelTitle(view.choices);
      write(name, text || "Choose a model…");
      button.setAttribute("aria-label", `Model and layer: ${text || "none yet"}`);
      button.title = text;
    },
  };
}

/** @param {Page} view */
function points(view) {
  const kind = selector(view, "points", "What a point is", "What a point is: a track, or a moment of one");
  const pooling = selector(view, "pooling", "Pooling", "How the frames of a track become one point");
  pooling.classList.add("ev-atlas-pooling");
  return {
    nodes: [field("Points", kind), field("Pooling", pooling)],
    update() {
      const { choices } = view;
      const { points: kinds, poolings } = view.model.get("vocabulary") ?? {};
      fillSelect(kind, titled(kinds), choices.points || "tracks");
      const frames = choices.points === "frames";
      fillSelect(pooling, titled(poolings), choices.pooling || "mean");
      pooling.disabled = frames;
      pooling.title = frames ? "Each frame is a point of its own" : "How the frames of a track become one point";
    },
  };
}

/**
 * A select of methods, and the options of the one that is chosen, which unfold.
 * @param {Page} view
 * @param {{name: "method" | "clusters", label: string, list: string, own: "options" | "cluster_options",
 *   none?: import("../types.js").Choice[], more?: import("../types.js").Choice[], current?: () => string,
 *   choose?: (value: string) => void}} options `none` stands before the methods and `more` behind them; `current` is what
 *   is chosen, and `choose` chooses, where that is not simply the method
 */
function methodOf(view, { name, label, list, own, none = [], more = [], current: now, choose }) {
  const select = h("select", { "aria-label": label });
  select.addEventListener("change", () => (choose ? choose(select.value) : view.set(name, select.value)));
  select.classList.add("ev-atlas-method");
  const summary = h("summary");
  const place = h("div");
  const options = h("details.ev-atlas-options", {}, summary, place);
  /** @returns {Method[]} */
  const all = () => view.model.get(list) ?? [];
  let filled = "";
  return {
    nodes: [select],
    options,
    update() {
      const methods = all();
      const shown = now ? now() : view.choices[name] || none[0]?.value || "";
      fillSelect(select, [...none, ...methodOptions(methods), ...more], String(shown));
      const missing = methods.filter((one) => one.available === false && one.why);
      const current = methods.find((one) => one.name === view.choices[name]);
      select.title = [label, current?.title, ...missing.map((one) => one.why)].filter(Boolean).map(quoted).join("\n");
      options.hidden = !current?.options?.length;
      if (!current || options.hidden) return;
      const values = view.choices[own] ?? {};
      const changed = Object.keys(values).length > 0;
      write(summary, `Options of ${quoted(current.title)}${changed ? " (changed)" : ""}`);
      // What is being typed stays, as long as the options are the same.
      const key = JSON.stringify([current, values]);
      if (key === filled) return;
      filled = key;
      const apply = (/** @type {object} */ changed) => view.set(own, changed);
      const focused = place.contains(document.activeElement);
      place.replaceChildren(optionForm({ title: "", options: current.options, chosen: values, apply }));
      if (focused) summary.focus({ preventScroll: true });
    },
  };
}

/**
 * A button that opens a list of what can be chosen, in groups and with a search.
 * @param {Page} view
 * @param {{name: string, label: string, what: string, aim: string, kind: string, groups: () => ColorGroup[], none?: string}} options
 *   `name` of the choice, `label` beside it, `what` it is for, `aim` of the search; `none` is what an empty choice is
 */
function pickOne(view, { name: choice, label: text, what, aim, kind, groups, none = "none" }) {
  const name = h("span.ev-panel-name", { dir: "auto" });
  const label = h("span.ev-faint", { "aria-hidden": "true" }, text);
  const button = h("button.ev-atlas-color", { type: "button" }, label, name, chevron());
  if (kind) button.classList.add(kind);
  const chosen = () => String(view.choices[choice] || none);
  popover(view.el, button, {
    label: what,
    kind: "ev-panel-choices ev-atlas-pickone",
    signal: view.signal,
    fill(el, close) {
      const search = h("input", { type: "search", placeholder: "Search", "aria-label": `Search ${aim}` });
      search.dataset.focus = "";
      const list = h("div.ev-panel-options", { role: "listbox", tabIndex: 0, "aria-label": what });
      let value = chosen();
      const done = () => {
        close();
        if (value !== chosen()) view.set(choice, value);
      };
      const box = listbox(list, { pick: (key) => (value = key), done });
      const fill = () =>
        box.fill(
          matching(groups(), search.value).map(({ title, items }) => ({
            title,
            options: items.map((item) => ({
              value: item.key,
              nodes: () => [h("span.ev-panel-name", { dir: "auto" }, plain(item.title))],
            })),
          })),
          value,
          "Nothing is called so.",
        );
      list.addEventListener("click", ({ target }) => {
        if (target instanceof Element && target.closest("[role=option]")) done();
      });
      search.addEventListener("input", fill);
      search.addEventListener("keydown", (event) => {
        if (event.key !== "ArrowDown" && event.key !== "Enter") return;
        event.preventDefault();
        if (!box.has(value)) box.first();
        if (event.key === "Enter") done();
        else list.focus();
      });
      el.append(search, list);
      fill();
      requestAnimationFrame(() => box.reveal("center"));
    },
  });
  return {
    button,
    update() {
      const title = titleOf(groups(), chosen());
      write(name, plain(title));
      button.title = `${what}${aim === COLOR_AIM ? "" : ":"} ${quoted(title)}`;
      button.setAttribute("aria-label", button.title);
    },
  };
}

/** @param {Page} view */
function color(view) {
  const groups = () => view.model.get("color_options") ?? [];
  const what = { name: "color", label: "Colour", what: "Colour by", aim: COLOR_AIM, kind: "", groups };
  const { button, update } = pickOne(view, what);
  return { nodes: [button], update };
}

/** What can be an axis: the projection, all that can be a colour, and what the page has beside these. @param {Page} view */
export function axisGroups({ model }) {
  /** @type {ColorGroup[]} */
  const colors = model.get("color_options") ?? [];
  const projection = { title: "", items: [{ key: "none", title: "of the projection" }] };
  const [columns, ...others] = colors.filter(({ items }) => items.some(({ key }) => key !== "none"));
  return [projection, ...(columns ? [columns] : []), ...(model.get("axis_options") ?? []), ...others];
}

/** What the places mean, where they are not those of a method. @param {Page} view */
function axes(view) {
  const groups = () => axisGroups(view);
  const ways = ["x", "y"].map((way) =>
    pickOne(view, {
      name: way,
      label: way,
      what: `Axis ${way}`,
      aim: `what ${way} means`,
      kind: "ev-atlas-axis",
      groups,
    }),
  );
  return {
    nodes: ways.map(({ button }) => button),
    update() {
      for (const { button, update } of ways) {
        button.hidden = view.choices.layout !== AXES.value;
        update();
      }
    },
  };
}

/** Points lie as a method puts them, or along axes. @param {Page} view @param {string} layout the method, or "axes" */
function lay(view, layout) {
  if (layout === AXES.value) return view.set("layout", "axes");
  if (layout !== view.choices.method) view.set("method", layout);
  if (view.choices.layout === "axes") view.set("layout", "projection");
}

/** @param {Page} view */
function size(view) {
  const select = selector(view, "size", "Size by");
  return {
    nodes: [field("Size by", select)],
    update() {
      /** @type {{key: string, title: string}[]} */
      const sizes = view.model.get("size_options") ?? [];
      const own = sizes.map(({ key, title }) => ({ value: key, label: title }));
      fillSelect(select, own, view.choices.size || "none");
    },
  };
}

/** What is not needed at every moment, by what it is about. @param {Page} view @param {ReturnType<typeof methodOf>} method */
function drawer(view, method) {
  const what = points(view);
  const sized = size(view);
  const none = [{ value: "none", label: "none" }];
  const groups = methodOf(view, {
    name: "clusters",
    label: "Clusters",
    list: "clusterers",
    own: "cluster_options",
    none,
  });
  const near = neighborOptions(view);
  // What opens a dialog closes the drawer, and gives the focus back to its button.
  let close = () => {};
  const leaving = (/** @type {() => void} */ act) => () => {
    close();
    button.focus({ preventScroll: true });
    act();
  };
  const compare = comparing(view, leaving);
  const help = h("button", { type: "button", onclick: leaving(() => view.help()) }, "Keys");
  const save = saving(view);
  const sections = [
    section("Points", ...what.nodes, ...sized.nodes),
    section("Map", method.options),
    section("Clusters", field("Found by", ...groups.nodes), groups.options),
    section("Neighbours", ...near.nodes),
    section("Compare", ...compare.nodes),
    section("Save", ...save.nodes),
    // In a panel, its own buttons copy the code of the map, and list its keys.
    ...(view.alone ? [section("In Python, and help", h("div.ev-atlas-line", {}, view.copyButton, help))] : []),
  ];
  const button = h("button", { type: "button" }, icon(ICONS.sliders), h("span", {}, "More"));
  button.title = "What a point is, options of the map, clusters, comparing, saving";
  popover(view.el, button, {
    label: "More about the map",
    kind: "ev-atlas-more",
    signal: view.signal,
    fill(el, shut) {
      close = shut;
      save.update();
      el.append(...sections);
    },
  });
  return {
    el: button,
    update() {
      for (const part of [what, sized, groups, near, compare, save]) part.update();
      // Methods without options need no heading.
      sections[1].hidden = method.options.hidden;
    },
  };
}

const COUNTS = [5, 10, 15, 30, 50];

/** How neighbours are found, in lists and in figures. @param {Page} view */
function neighborOptions(view) {
  const { model } = view;
  const metric = selector(view, "metric", "Distance");
  const count = h("select", { "aria-label": "How many neighbours" });
  count.addEventListener("change", () => view.set("k", Number(count.value)));
  return {
    nodes: [field("Distance", metric), field("How many", count)],
    update() {
      const { metric: chosen = "cosine", k = 10 } = view.choices;
      fillSelect(metric, titled(model.get("vocabulary")?.metrics), chosen);
      const counts = [...new Set([...COUNTS, k])].sort((a, b) => a - b);
      fillSelect(
        count,
        counts.map((n) => ({ value: String(n), label: `${n} nearest` })),
        String(k),
      );
    },
  };
}

/** @param {Page} view @param {(act: () => void) => () => void} leaving */
function comparing(view, leaving) {
  const button = (/** @type {string} */ text, /** @type {() => void} */ press) =>
    h("button", { type: "button", onclick: press }, text);
  const open = button(
    "Compare with another model…",
    leaving(() => view.pickSecond()),
  );
  const swap = button("Swap the two", () => view.swap());
  const close = button("Close the second map", () => view.set("second", {}));
  return {
    nodes: [h("div.ev-atlas-line", {}, open, swap, close)],
    update() {
      const two = Boolean(view.choices.second?.model);
      write(open, two ? "Another second model…" : "Compare with another model…");
      swap.hidden = close.hidden = !two;
    },
  };
}

/** @param {Page} view */
function saving(view) {
  const scope = h("select", { "aria-label": "What to save" });
  const audio = h("select", { "aria-label": "Sounds of the page" });
  fillSelect(audio, AUDIO, "auto");
  const format = h("select", { "aria-label": "Format" });
  const labels = FORMATS.map(({ name, title, about }) => ({ value: name, label: `${title}: ${about}` }));
  fillSelect(format, labels, FORMATS[0].name);
  const sounds = field("Sounds", audio);
  const press = () => {
    const sounds = format.value === "html" ? { audio: audio.value } : {};
    view.link.send("save", { format: format.value, selection: scope.value === "selection", ...sounds });
  };
  const save = h("button.ev-primary", { type: "button", onclick: press }, icon(ICONS.save), "Save");
  function update() {
    const count = view.model.get("selection")?.count ?? 0;
    const own = count ? scope.value : "all";
    fillSelect(
      scope,
      [
        { value: "all", label: "the whole map" },
        { value: "selection", label: `the selection (${count})`, disabled: !count },
      ],
      own || "all",
    );
    sounds.hidden = format.value !== "html";
  }
  format.addEventListener("change", update);
  return { nodes: [field("Format", format), field("Tracks", scope), sounds, h("div.ev-atlas-line", {}, save)], update };
}
