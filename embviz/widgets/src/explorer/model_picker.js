/** The picker: which model, which layer of it, how densely. */
import { h, onChange, write } from "../base/dom.js";
import { spanOf } from "../base/format.js";
import {
  axesOf,
  costOf,
  countOf,
  fillHops,
  hopChoices,
  hopIndex,
  openDialog,
  plain,
  progressBar,
  progressText,
  quoted,
  sizeOf,
  timesOf,
} from "../base/ui.js";
import { optionList } from "./option_list.js";

/** @import { Download, Hop } from "../types.js" */
/** @import { LayerOption, ModelOption, Panel, PickerOptions } from "./types.js" */
/** @typedef {Pick<Panel, "model" | "el" | "signal" | "link" | "seconds" | "modelOf">} PickerPanel */

/** What can be used at once comes first. */
const STATES = ["ready", "download", "absent"];

/** @param {string} query */
const wordsOf = (query) => query.toLowerCase().split(/\s+/).filter(Boolean);

/** The words of a query that the names of a model do not have. @param {ModelOption} model @param {string} query */
function otherWords(model, query) {
  const text = `${model.name} ${model.title} ${model.system_title} ${model.task}`.toLowerCase();
  return wordsOf(query).filter((word) => !text.includes(word));
}

/**
 * The layers that a query asks for by their names, meaning or nodes of the graph; none where it asks for no layer.
 * @param {ModelOption} model @param {string} query @returns {LayerOption[]}
 */
export function foundLayers(model, query) {
  const words = otherWords(model, query);
  if (!words.length) return [];
  return model.layers.filter(({ name, meaning, nodes = [] }) => {
    const text = [name, meaning, ...nodes].join("\n").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/**
 * Models that have all words of a query in their names, or in those of a layer, by system and in their order. Names
 * come before layers, and in a system what is here before what is not.
 * @param {ModelOption[]} models @param {string} query
 */
export function grouped(models, query) {
  /** @type {Map<string, {title: string, models: ModelOption[]}>} */
  const groups = new Map();
  const others = (/** @type {ModelOption} */ model) => otherWords(model, query).length;
  // A sort keeps the order of equals.
  for (const model of [...models].sort((a, b) => others(a) - others(b))) {
    if (others(model) && !foundLayers(model, query).length) continue;
    const group = groups.get(model.system) ?? { title: model.system_title || model.system, models: [] };
    group.models.push(model);
    groups.set(model.system, group);
  }
  for (const group of groups.values()) {
    group.models.sort((a, b) => others(a) - others(b) || STATES.indexOf(a.state) - STATES.indexOf(b.state));
  }
  return [...groups.values()];
}

/**
 * The model that a query means, of those found: the one that is chosen, else the first that can be had. A layer is
 * meant only where no name is.
 * @param {ModelOption[]} found @param {ModelOption | undefined} chosen @param {string} query
 * @returns {ModelOption | undefined}
 */
export function meantModel(found, chosen, query) {
  const least = Math.min(...found.map((model) => otherWords(model, query).length));
  const meant = found.filter((model) => otherWords(model, query).length === least);
  if (chosen && meant.includes(chosen)) return chosen;
  return meant.find(({ state }) => state !== "absent") ?? meant[0];
}

/**
 * The state of a model for a track: a sign and a word.
 * @param {ModelOption} model @param {string[]} cached @param {Download} [pulled] @returns {[string, string]}
 */
export function availability(model, cached, pulled) {
  if (pulled && !pulled.error) return ["↓", "downloading"];
  if (model.state === "absent") return ["–", "not available"];
  if (cached.includes(model.name)) return ["●", "computed"];
  if (model.state === "download") return ["↓", sizeOf(model.bytes) || "to download"];
  return ["○", "ready"];
}

/** The dialog, and what is chosen in it. */
class Picker {
  /** Undefined where nothing is found. @type {ModelOption | undefined} */
  #model;
  /** @type {string | undefined} */
  #layer;
  /** @type {Hop} */
  #hop;

  /** @param {PickerPanel} panel @param {PickerOptions} options */
  constructor(panel, { title, button, current = {}, anyHop = true, choose }) {
    this.panel = panel;
    this.choose = choose;
    /** @type {ModelOption[]} */
    this.models = panel.model.get("models") ?? [];
    this.#model = panel.modelOf(current.model) ?? this.models.find((m) => m.state === "ready") ?? this.models[0];
    this.#layer = current.layer;
    this.#hop = current.hop ?? null;
    const label = "Search models and layers";
    this.search = h("input", { type: "search", placeholder: label, "aria-label": label });
    const modelList = h("div.ev-panel-options", { role: "listbox", tabIndex: 0, "aria-label": "Models" });
    this.about = h("div.ev-panel-about");
    this.weights = h("div.ev-panel-state.ev-panel-inline", { hidden: true });
    const layers = { role: "listbox", tabIndex: 0, "aria-label": "Layers, from input to output" };
    const layerList = h("div.ev-panel-options", layers);
    const nodes = { type: "text", placeholder: "model/dense/BiasAdd", spellcheck: false, autocomplete: "off" };
    this.node = h("input", nodes);
    this.hops = h("select", { "aria-label": "Patch hop" });
    this.chosen = h("span.ev-panel-chosen.ev-faint", { dir: "auto", "aria-live": "polite" });
    this.go = h("button.ev-primary", { type: "button", onclick: () => this.#accept() }, button);
    const toLayers = () => layerList.focus();
    this.modelBox = optionList(modelList, { pick: (name) => this.#chooseModel(name), done: toLayers });
    this.layerBox = optionList(layerList, { pick: (name) => this.#chooseLayer(name), done: () => this.#accept() });
    if (this.#layer && !this.#isKnown(this.#layer)) this.node.value = this.#layer;
    this.#listen(modelList);
    this.dialog = this.#build(title, anyHop, modelList, layerList);
    this.#updateAll();
    this.modelBox.reveal("center");
    this.layerBox.reveal("center");
    this.search.focus();
  }

  /** @param {string} title @param {boolean} anyHop @param {HTMLElement} modelList @param {HTMLElement} layerList */
  #build(title, anyHop, modelList, layerList) {
    const field = h("label.ev-panel-field", {}, h("span", {}, "or any node of the graph"), this.node);
    const dense = h("label.ev-panel-field", { hidden: !anyHop }, h("span", {}, "Patch hop"), this.hops);
    const cancel = h("button", { type: "button", onclick: () => this.dialog.close() }, "Cancel");
    const dialog = openDialog(
      this.panel.el,
      { label: title, kind: "ev-panel-picker", signal: this.panel.signal },
      h(
        "div.ev-panel-pick",
        {},
        h("div.ev-panel-pick-models", {}, this.search, modelList),
        h("div.ev-panel-pick-layers", {}, this.about, this.weights, layerList, field),
      ),
      h("div.ev-panel-dialog-foot", {}, dense, this.chosen, cancel, this.go),
    );
    const controller = new AbortController();
    const update = () => {
      this.#listModels();
      this.#describe();
    };
    onChange(this.panel.model, "downloads models cached", update, controller.signal);
    dialog.addEventListener("close", () => controller.abort());
    return dialog;
  }

  /** @param {HTMLElement} modelList */
  #listen(modelList) {
    this.search.addEventListener("input", () => this.#searched());
    this.search.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowDown" && event.key !== "Enter") return;
      event.preventDefault();
      modelList.focus();
      if (!this.modelBox.has(this.#model?.name)) this.modelBox.first();
    });
    this.node.addEventListener("input", () => this.#say());
    this.node.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.#accept();
    });
    this.hops.addEventListener("change", () => {
      const choices = hopChoices(this.#model, this.panel.seconds(), this.#hop);
      this.#hop = choices[Number(this.hops.value)].hop;
      this.#say();
    });
  }

  // What is chosen.

  /** @param {string | undefined} layer */
  #isKnown(layer) {
    return Boolean(this.#model?.layers.some(({ name }) => name === layer));
  }

  /** What is typed is what is meant: nothing else stays chosen behind it. */
  #searched() {
    const query = this.search.value;
    const found = grouped(this.models, query).flatMap(({ models }) => models);
    const before = this.#model;
    this.#model = meantModel(found, before, query);
    if (this.#model !== before) this.#forget();
    const layers = this.#model ? foundLayers(this.#model, query) : [];
    if (layers.length && !layers.some(({ name }) => name === this.#layer)) {
      this.#layer = layers[0].name;
      this.node.value = "";
    }
    this.#updateAll();
    this.modelBox.reveal();
    this.layerBox.reveal("center");
  }

  /** What was chosen of another model. */
  #forget() {
    this.#hop = null;
    this.node.value = "";
  }

  /** @param {string} name */
  #chooseModel(name) {
    this.#model = this.models.find((model) => model.name === name);
    this.#forget();
    this.#layer = (this.#model && foundLayers(this.#model, this.search.value)[0]?.name) ?? this.#layer;
    this.#describe();
    this.#listLayers();
    this.#say();
  }

  /** @param {string} name */
  #chooseLayer(name) {
    this.#layer = name;
    this.node.value = "";
    this.#say();
  }

  #accept() {
    if (this.go.disabled || !this.#model) return;
    const layer = this.node.value.trim() || this.#layer || "";
    this.choose({ model: this.#model.name, layer, hop: this.#hop });
    this.dialog.close();
  }

  // What it shows.

  #updateAll() {
    this.#listModels();
    this.#describe();
    this.#listLayers();
    this.#say();
  }

  #listModels() {
    const cached = this.panel.model.get("cached")?.[String(this.panel.model.get("track"))] ?? [];
    const groups = grouped(this.models, this.search.value).map(({ title, models }) => ({
      title,
      options: models.map((model) => ({ value: model.name, nodes: () => this.#modelNodes(model, cached) })),
    }));
    this.modelBox.fill(groups, this.#model?.name, "No model or layer matches.");
  }

  /** @param {ModelOption} model @param {string[]} cached */
  #modelNodes(model, cached) {
    const [sign, word] = availability(model, cached, this.panel.model.get("downloads")?.[model.name]);
    const badge = h(
      "span.ev-panel-badge",
      { title: badgeTitle(model) },
      h("span", { "aria-hidden": "true" }, sign),
      ` ${word}`,
    );
    if (sign === "●") badge.classList.add("ev-panel-badge-on");
    const layers = foundLayers(model, this.search.value).map(({ name }) => name);
    const size = model.parameters ? `${countOf(model.parameters)} parameters` : "";
    const facts = [size, model.dimensions ? `${model.dimensions} dims` : "", shortLicence(model.licence)];
    const more = layers.length ? [`Layer: ${layers.join(", ")}`] : facts;
    return [
      h("span.ev-panel-option-main", {}, h("span", { dir: "auto" }, plain(model.title)), badge),
      h("span.ev-panel-option-more", { dir: "auto" }, more.filter(Boolean).map(plain).join(" · ")),
    ];
  }

  #describe() {
    const model = this.#model;
    this.about.replaceChildren();
    this.weights.hidden = model?.state !== "download";
    // What Python computes, or was given, has no graph.
    const field = this.node.parentElement;
    if (field) field.hidden = ["function", "vectors"].includes(model?.system ?? "");
    if (!model) return;
    const patch = model.hop ? `hears ${spanOf(model.patch)} at a time, every ${spanOf(model.hop)}` : "";
    const lines = [
      [capital(model.task), patch].filter(Boolean).join("; "),
      model.training_data ? `Trained on ${model.training_data}.` : "",
      model.note,
    ];
    const rights = [model.licence && `Licence: ${model.licence}`, model.source].filter(Boolean).join(" · ");
    this.about.replaceChildren(
      h("h3", { dir: "auto" }, plain(model.title)),
      ...lines.filter(Boolean).map((line) => h("p.ev-faint", { dir: "auto", title: quoted(line) }, plain(line))),
      h("p.ev-faint", { dir: "auto" }, plain(rights)),
    );
    if (!this.weights.hidden) this.#offerWeights(model);
  }

  /** Weights can be had from here, too, while the reader goes on choosing. @param {ModelOption} model */
  #offerWeights(model) {
    /** @type {Download | undefined} */
    const pulled = this.panel.model.get("downloads")?.[model.name];
    const send = (/** @type {string} */ kind) => () => this.panel.link.send(kind, { model: model.name });
    const button = (/** @type {string} */ label, /** @type {string} */ kind) =>
      h("button", { type: "button", onclick: send(kind) }, label);
    if (pulled && !pulled.error) {
      const bar = progressBar("Download");
      bar.update(pulled.done, pulled.total);
      const said = progressText(pulled.stage || "downloading", pulled.done, pulled.total);
      const stage = h("span.ev-panel-stage", { dir: "auto" }, said);
      this.weights.replaceChildren(stage, bar.el, button("Stop", "stop_pull"));
      return;
    }
    const label = sizeOf(model.bytes) ? `Download ${sizeOf(model.bytes)}` : "Download";
    const words = h("span", { dir: "auto" }, plain(pulled?.error || "Not on this computer yet."));
    this.weights.replaceChildren(words, button(label, "pull"));
  }

  #listLayers() {
    const layers = this.#model?.layers ?? [];
    if (!this.#isKnown(this.#layer)) {
      this.#layer = this.#isKnown("embedding") ? "embedding" : layers.at(-1)?.name;
    }
    const options = layers.map((layer) => ({ value: layer.name, nodes: () => layerNodes(layer) }));
    const nothing = this.#model
      ? "No layers are known before the weights are here."
      : "Choose a model to see its layers.";
    this.layerBox.fill([{ title: "", options }], this.#layer, nothing);
  }

  #say() {
    const model = this.#model;
    const choices = hopChoices(model, this.panel.seconds(), this.#hop);
    const at = hopIndex(choices, this.#hop);
    fillHops(this.hops, choices, at);
    const own = this.node.value.trim();
    const layer = plain(own || this.#layer || "");
    const words = model ? [`${plain(model.title)} · ${layer}`, costOf(choices[at]?.cost)] : ["Nothing is chosen."];
    write(this.chosen, words.filter(Boolean).join(" · "));
    this.layerBox.el.classList.toggle("ev-panel-overruled", Boolean(own));
    this.go.disabled = !model || !layer || model.state === "absent";
  }
}

/** @param {PickerPanel} panel what the parts of the panel share @param {PickerOptions} options */
export function openPicker(panel, options) {
  new Picker(panel, options);
}

/** @param {LayerOption} layer */
function layerNodes(layer) {
  const shape = h("span.ev-panel-shape", { title: axesOf(layer.shape, layer.axes) }, timesOf(layer.shape));
  const heard = layer.receptive_field ? `hears ${layer.receptive_field}` : "";
  const name = h("span", { dir: "auto", title: quoted((layer.nodes ?? []).join("\n")) }, plain(layer.name));
  return [
    h("span.ev-panel-option-main", {}, name, shape),
    h("span.ev-panel-option-more", { dir: "auto" }, [layer.meaning, heard].filter(Boolean).map(plain).join(" · ")),
  ];
}

/** A licence as short as a list can hold it; the whole one stands beside. @param {string} licence */
function shortLicence(licence) {
  return quoted(licence).split(/[(;]/)[0].trim();
}

/** @param {ModelOption} model */
function badgeTitle(model) {
  if (model.state === "download") return "The weights have to be downloaded first";
  return model.state === "absent" ? "The weights cannot be had from here" : "";
}

/** @param {string} text */
function capital(text) {
  return text ? text[0].toUpperCase() + text.slice(1) : "";
}
