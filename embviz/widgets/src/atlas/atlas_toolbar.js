// @ts-nocheck
/** The bar above the maps: what is mapped and how, how points look, comparing and saving. */
import { h, icon, onChange, write } from "../base/dom.js";
import { optionForm } from "../base/option_form.js";
import { popover } from "../base/popover.js";
import { fillSelect, ICONS, plain, quoted, titled } from "../base/ui.js";
import { options as listbox } from "../explorer/model_picker.js";

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
const AUDIO = [
  { value: "link", label: "sounds stay where they are" },
  { value: "clips", label: "with short clips inside" },
  { value: "embed", label: "with all sounds inside" },
];

/** Methods as choices of a select. @param {{name: string, title: string, available: boolean}[]} methods */
export function methodOptions(methods) {
  return methods.map(({ name, title, available }) => ({
    value: name,
    label: available === false ? `${title || name} (not installed)` : title || name,
    disabled: available === false,
  }));
}

/**
 * The groups whose items have all words of a query in their names, or in that of their group.
 * @param {{title: string, items: {key: string, title: string}[]}[]} groups @param {string} query
 */
export function matching(groups, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const has = (text) => words.every((word) => text.toLowerCase().includes(word));
  return groups
    .map(({ title, items }) => ({ title, items: items.filter((item) => has(`${item.title} ${title}`)) }))
    .filter(({ items }) => items.length);
}

/** What a key is called. @returns {string} */
export function titleOf(groups, key) {
  return groups.flatMap(({ items }) => items).find((item) => item.key === key)?.title ?? key;
}

/** @param {object} view what the parts of the page share */
export function atlasTools(view) {
  const { model, signal } = view;
  const made = [picked(view), points(view), method(view), color(view), size(view), clusters(view)];
  const buttons = acts(view);
  const el = h("div.ev-atlas-bar", { role: "group", "aria-label": "The map" }, ...made.flatMap(({ nodes }) => nodes));
  const update = () => [...made, buttons].forEach((part) => part.update());
  onChange(model, "choices models methods clusterers color_options size_options", update, signal);
  return { el, acts: buttons.el, update };
}

function chevron() {
  const el = icon(ICONS.chevron);
  el.classList.add("ev-atlas-chevron");
  return el;
}

/** A control with its name above it. */
function field(name, ...controls) {
  return h("div.ev-atlas-field", {}, h("span.ev-faint", { "aria-hidden": "true" }, name), h("div", {}, ...controls));
}

function selector(view, name, label, title = "") {
  const el = h("select", { "aria-label": label, title });
  el.addEventListener("change", () => view.set(name, el.value));
  return el;
}

function picked(view) {
  const name = h("span.ev-panel-name", { dir: "auto" });
  const button = h("button.ev-atlas-model", { type: "button", "aria-haspopup": "dialog" }, name, chevron());
  button.addEventListener("click", () => view.pick());
  return {
    nodes: [field("Model · layer", button)],
    update() {
      const text = view.modelTitle(view.choices);
      write(name, text || "Choose a model…");
      button.setAttribute("aria-label", `Model and layer: ${text || "none yet"}`);
      button.title = text;
    },
  };
}

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

/** A select of methods, with the options of the one that is chosen behind a button. */
function withOptions(view, { name, label, list, own, none = [] }) {
  const select = selector(view, name, label);
  select.classList.add("ev-atlas-method");
  const button = h("button.ev-atlas-icon", { type: "button" }, icon(ICONS.sliders));
  const chosen = () => (view.model.get(list) ?? []).find((one) => one.name === view.choices[name]);
  popover(view.el, button, {
    label: `Options of ${label.toLowerCase()}`,
    kind: "ev-atlas-options",
    signal: view.signal,
    fill(el, close) {
      const { title, options } = chosen();
      const values = view.choices[own] ?? {};
      const apply = (changed) => {
        close();
        view.set(own, changed);
      };
      el.append(optionForm({ title: `Options of ${title}`, options, chosen: values, apply }));
    },
  });
  return {
    nodes: [select, button],
    update() {
      const methods = view.model.get(list) ?? [];
      fillSelect(select, [...none, ...methodOptions(methods)], view.choices[name] || none[0]?.value || "");
      const missing = methods.filter((one) => one.available === false && one.why);
      const current = chosen();
      select.title = [label, current?.title, ...missing.map((one) => one.why)].filter(Boolean).map(quoted).join("\n");
      const any = Boolean(current?.options?.length);
      button.disabled = !any;
      const changed = any && Object.keys(view.choices[own] ?? {}).length > 0;
      const text = any ? `Options of ${quoted(current.title)}${changed ? " (changed)" : ""}` : "No options";
      button.classList.toggle("ev-atlas-changed", changed);
      button.title = text;
      button.setAttribute("aria-label", text);
    },
  };
}

function method(view) {
  const part = withOptions(view, { name: "method", label: "Method of the map", list: "methods", own: "options" });
  return { ...part, nodes: [field("Map", ...part.nodes)] };
}

function clusters(view) {
  const none = [{ value: "none", label: "none" }];
  const part = withOptions(view, {
    name: "clusters",
    label: "Clusters",
    list: "clusterers",
    own: "cluster_options",
    none,
  });
  return { ...part, nodes: [field("Clusters", ...part.nodes)] };
}

function color(view) {
  const { model } = view;
  const name = h("span.ev-panel-name", { dir: "auto" });
  const button = h("button.ev-atlas-color", { type: "button" }, name, chevron());
  const groups = () => model.get("color_options") ?? [];
  popover(view.el, button, {
    label: "Colour by",
    kind: "ev-atlas-pickone",
    signal: view.signal,
    fill(el, close) {
      const search = h("input", { type: "search", placeholder: "Search", "aria-label": "Search what to colour by" });
      search.dataset.focus = "";
      const list = h("div.ev-panel-options", { role: "listbox", tabIndex: 0, "aria-label": "Colour by" });
      let value = view.choices.color || "none";
      const done = () => {
        close();
        if (value !== view.choices.color) view.set("color", value);
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
      list.addEventListener("click", (event) => event.target.closest("[role=option]") && done());
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
    nodes: [field("Colour by", button)],
    update() {
      const text = titleOf(groups(), view.choices.color || "none");
      write(name, plain(text));
      button.title = `Colour by ${quoted(text)}`;
      button.setAttribute("aria-label", button.title);
    },
  };
}

function size(view) {
  const select = selector(view, "size", "Size by");
  return {
    nodes: [field("Size by", select)],
    update() {
      const own = (view.model.get("size_options") ?? []).map(({ key, title }) => ({ value: key, label: title }));
      fillSelect(select, own, view.choices.size || "none");
    },
  };
}

function acts(view) {
  const compare = h("button", { type: "button" }, "Compare…");
  const two = () => Boolean(view.choices.second?.model);
  const more = h("button", { type: "button" }, "Compare", chevron());
  compare.addEventListener("click", () => view.pickSecond());
  popover(view.el, more, {
    label: "Compare",
    kind: "ev-atlas-menu",
    signal: view.signal,
    fill(el, close) {
      const entry = (text, press) => h("button.ev-plain", { type: "button", onclick: () => (close(), press()) }, text);
      el.append(
        entry("Another model beside…", () => view.pickSecond()),
        entry("Swap the two", () => view.swap()),
        entry("Close the second map", () => view.set("second", {})),
      );
    },
  });
  const save = h("button", { type: "button" }, icon(ICONS.save), "Save", chevron());
  popover(view.el, save, {
    label: "Save",
    kind: "ev-atlas-save",
    signal: view.signal,
    fill: (el, close) => saveMenu(view, el, close),
  });
  const help = h("button", { type: "button", "aria-label": "Help: keys", title: "Help (?)" }, "?");
  help.addEventListener("click", () => view.help());
  return {
    el: h("div.ev-atlas-acts", {}, compare, more, save, view.copyButton, help),
    update() {
      compare.hidden = two();
      more.hidden = !two();
    },
  };
}

function saveMenu(view, el, close) {
  const count = view.model.get("selection")?.count ?? 0;
  const scope = h("select", { "aria-label": "What to save" });
  const words = `the selection (${count})`;
  fillSelect(
    scope,
    [
      { value: "all", label: "the whole map" },
      { value: "selection", label: words, disabled: !count },
    ],
    "all",
  );
  const audio = h("select", { "aria-label": "Sounds of the page" });
  fillSelect(audio, AUDIO, "link");
  const save = (format) => {
    const content = { format, selection: scope.value === "selection" };
    if (format === "html") content.audio = audio.value;
    view.link.send("save", content);
    close();
  };
  const entry = ({ name, title, about }) =>
    h(
      "button.ev-plain.ev-atlas-entry",
      { type: "button", onclick: () => save(name) },
      h("strong", {}, title),
      h("span.ev-faint", {}, about),
    );
  const [page, ...rest] = FORMATS;
  el.append(
    h("label.ev-atlas-line", {}, h("span.ev-faint", {}, "Save"), scope),
    h("div.ev-atlas-page-entry", {}, entry(page), audio),
    ...rest.map(entry),
  );
}
