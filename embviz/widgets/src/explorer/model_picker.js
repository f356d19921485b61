// @ts-nocheck
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
  uid,
} from "../base/ui.js";

/** Models that have all words of a query in their names, by system, in the order in which they come. */
export function grouped(models, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const groups = new Map();
  for (const model of models) {
    const text = `${model.name} ${model.title} ${model.system_title} ${model.task}`.toLowerCase();
    if (!words.every((word) => text.includes(word))) continue;
    if (!groups.has(model.system)) groups.set(model.system, { title: model.system_title || model.system, models: [] });
    groups.get(model.system).models.push(model);
  }
  return [...groups.values()];
}

/** The state of a model for a track: a sign and a word. @returns {[string, string]} */
export function availability(model, cached, pulled) {
  if (pulled && !pulled.error) return ["↓", "downloading"];
  if (model.state === "absent") return ["–", "not available"];
  if (cached.includes(model.name)) return ["●", "computed"];
  if (model.state === "download") return ["↓", sizeOf(model.bytes) || "to download"];
  return ["○", "ready"];
}

/**
 * Open the picker.
 * @param {object} panel what the parts of the panel share
 * @param {{title: string, button: string, current?: {model: string, layer: string, hop: number | "dense" | null},
 *   anyHop?: boolean, choose: (choice: {model: string, layer: string, hop: number | "dense" | null}) => void}} options
 */
export function openPicker(panel, { title, button, current = {}, anyHop = true, choose }) {
  const models = panel.model.get("models") ?? [];
  const state = {
    model: panel.modelOf(current.model) ?? models.find((m) => m.state === "ready") ?? models[0],
    layer: current.layer,
  };
  let hop = current.hop ?? null;
  let dialog = null;

  const search = h("input", { type: "search", placeholder: "Search models", "aria-label": "Search models" });
  const modelList = h("div.ev-panel-options", { role: "listbox", tabIndex: 0, "aria-label": "Models" });
  const about = h("div.ev-panel-about");
  const weights = h("div.ev-panel-state.ev-panel-inline", { hidden: true });
  const layerList = h("div.ev-panel-options", {
    role: "listbox",
    tabIndex: 0,
    "aria-label": "Layers, from input to output",
  });
  const node = h("input", { type: "text", placeholder: "model/dense/BiasAdd", spellcheck: false, autocomplete: "off" });
  const hops = h("select", { "aria-label": "Patch hop" });
  const chosen = h("span.ev-panel-chosen.ev-faint", { dir: "auto", "aria-live": "polite" });
  const go = h("button.ev-primary", { type: "button" }, button);
  const cancel = h("button", { type: "button", onclick: () => dialog.close() }, "Cancel");
  const modelBox = options(modelList, { pick: chooseModel, done: () => layerList.focus() });
  const layerBox = options(layerList, { pick: chooseLayer, done: accept });

  const known = (name) => state.model?.layers.some((layer) => layer.name === name);
  if (state.layer && !known(state.layer)) node.value = state.layer;

  function listModels() {
    const cached = panel.model.get("cached")?.[String(panel.model.get("track"))] ?? [];
    const groups = grouped(models, search.value);
    modelBox.fill(
      groups.map((group) => ({
        title: group.title,
        options: group.models.map((model) => ({ value: model.name, nodes: () => modelNodes(model, cached) })),
      })),
      state.model?.name,
      "No model matches.",
    );
  }

  function modelNodes(model, cached) {
    const [sign, word] = availability(model, cached, panel.model.get("downloads")?.[model.name]);
    const facts = [`${countOf(model.parameters)} parameters`, `${model.dimensions} dims`, shortLicence(model.licence)];
    const badge = h(
      "span.ev-panel-badge",
      { title: badgeTitle(model) },
      h("span", { "aria-hidden": "true" }, sign),
      ` ${word}`,
    );
    if (sign === "●") badge.classList.add("ev-panel-badge-on");
    return [
      h("span.ev-panel-option-main", {}, h("span", { dir: "auto" }, plain(model.title)), badge),
      h("span.ev-panel-option-more", { dir: "auto" }, facts.filter(Boolean).map(plain).join(" · ")),
    ];
  }

  function describe() {
    const model = state.model;
    about.replaceChildren();
    weights.hidden = model?.state !== "download";
    if (!model) return;
    const patch = model.hop ? `hears ${spanOf(model.patch)} at a time, every ${spanOf(model.hop)}` : "";
    const lines = [
      [capital(model.task), patch].filter(Boolean).join("; "),
      model.training_data ? `Trained on ${model.training_data}.` : "",
      model.note,
    ];
    about.replaceChildren(
      h("h3", { dir: "auto" }, plain(model.title)),
      ...lines.filter(Boolean).map((line) => h("p.ev-faint", { dir: "auto", title: quoted(line) }, plain(line))),
      h(
        "p.ev-faint",
        { dir: "auto" },
        plain([model.licence && `Licence: ${model.licence}`, model.source].filter(Boolean).join(" · ")),
      ),
    );
    if (!weights.hidden) download(model);
  }

  /** Weights can be had from here, too, while the reader goes on choosing. */
  function download(model) {
    const pulled = panel.model.get("downloads")?.[model.name];
    if (pulled && !pulled.error) {
      const bar = progressBar("Download");
      bar.update(pulled.done, pulled.total);
      const stop = h(
        "button",
        { type: "button", onclick: () => panel.link.send("stop_pull", { model: model.name }) },
        "Stop",
      );
      weights.replaceChildren(
        h(
          "span.ev-panel-stage",
          { dir: "auto" },
          progressText(pulled.stage || "downloading", pulled.done, pulled.total),
        ),
        bar.el,
        stop,
      );
    } else {
      const words = pulled?.error || "Not on this computer yet.";
      const press = () => panel.link.send("pull", { model: model.name });
      const label = sizeOf(model.bytes) ? `Download ${sizeOf(model.bytes)}` : "Download";
      weights.replaceChildren(
        h("span", { dir: "auto" }, plain(words)),
        h("button", { type: "button", onclick: press }, label),
      );
    }
  }

  function listLayers() {
    const layers = state.model?.layers ?? [];
    if (!known(state.layer)) state.layer = known("embedding") ? "embedding" : layers.at(-1)?.name;
    layerBox.fill(
      [{ title: "", options: layers.map((layer) => ({ value: layer.name, nodes: () => layerNodes(layer) })) }],
      state.layer,
      "No layers are known before the weights are here.",
    );
  }

  function layerNodes(layer) {
    const shape = h("span.ev-panel-shape", { title: axesOf(layer.shape, layer.axes) }, timesOf(layer.shape));
    const heard = layer.receptive_field ? `hears ${layer.receptive_field}` : "";
    return [
      h("span.ev-panel-option-main", {}, h("span", { dir: "auto" }, plain(layer.name)), shape),
      h("span.ev-panel-option-more", { dir: "auto" }, [layer.meaning, heard].filter(Boolean).map(plain).join(" · ")),
    ];
  }

  function listHops() {
    const choices = hopChoices(state.model, panel.seconds(), hop);
    fillHops(hops, choices, hopIndex(choices, hop));
    return choices;
  }

  function chooseModel(name) {
    state.model = models.find((model) => model.name === name);
    hop = null;
    node.value = "";
    describe();
    listLayers();
    say();
  }

  function chooseLayer(name) {
    state.layer = name;
    node.value = "";
    say();
  }

  function say() {
    const choices = listHops();
    const cost = costOf(choices[hopIndex(choices, hop)]?.cost);
    const layer = plain(node.value.trim() || state.layer || "");
    write(chosen, state.model ? [`${plain(state.model.title)} · ${layer}`, cost].filter(Boolean).join(" · ") : "");
    layerList.classList.toggle("ev-panel-overruled", Boolean(node.value.trim()));
    go.disabled = !state.model || !layer || state.model.state === "absent";
  }

  function accept() {
    if (go.disabled) return;
    choose({ model: state.model.name, layer: node.value.trim() || state.layer, hop });
    dialog.close();
  }

  search.addEventListener("input", listModels);
  search.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "Enter") return;
    event.preventDefault();
    modelList.focus();
    if (!modelBox.has(state.model?.name)) modelBox.first();
  });
  node.addEventListener("input", say);
  node.addEventListener("keydown", (event) => event.key === "Enter" && accept());
  hops.addEventListener("change", () => {
    hop = hopChoices(state.model, panel.seconds(), hop)[Number(hops.value)].hop;
    say();
  });
  go.addEventListener("click", accept);

  const controller = new AbortController();
  onChange(panel.model, "downloads models cached", () => (listModels(), describe()), controller.signal);
  const field = h("label.ev-panel-field", {}, h("span", {}, "or any node of the graph"), node);
  const dense = h("label.ev-panel-field", { hidden: !anyHop }, h("span", {}, "Patch hop"), hops);
  dialog = openDialog(
    panel.el,
    { label: title, kind: "ev-panel-picker", signal: panel.signal },
    h(
      "div.ev-panel-pick",
      {},
      h("div.ev-panel-pick-models", {}, search, modelList),
      h("div.ev-panel-pick-layers", {}, about, weights, layerList, field),
    ),
    h("div.ev-panel-dialog-foot", {}, dense, chosen, cancel, go),
  );
  dialog.addEventListener("close", () => controller.abort());
  listModels();
  describe();
  listLayers();
  say();
  modelBox.reveal("center");
  layerBox.reveal("center");
  search.focus();
}

/** A list of which one is chosen, with the keyboard of a listbox. */
export function options(el, { pick, done }) {
  let values = [];
  let current = "";
  const nodes = new Map();

  function mark() {
    for (const [value, node] of nodes) node.setAttribute("aria-selected", String(value === current));
    const node = nodes.get(current);
    if (node) el.setAttribute("aria-activedescendant", node.id);
    else el.removeAttribute("aria-activedescendant");
  }
  const reveal = (block = "nearest") => nodes.get(current)?.scrollIntoView({ block });
  function go(value) {
    current = value;
    mark();
    reveal();
    pick(value);
  }
  el.addEventListener("keydown", (event) => {
    const at = values.indexOf(current);
    const to = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      Home: 0,
      End: values.length - 1,
      PageDown: at + 6,
      PageUp: at - 6,
    }[event.key];
    if (to !== undefined && values.length) go(values[Math.min(Math.max(to, 0), values.length - 1)]);
    else if (event.key === "Enter") done();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  el.addEventListener("click", (event) => {
    const node = event.target.closest("[role=option]");
    if (node) go(node.dataset.value);
  });
  el.addEventListener("dblclick", (event) => event.target.closest("[role=option]") && done());

  return {
    reveal,
    has: (value) => nodes.has(value),
    first: () => values.length && go(values[0]),
    fill(groups, chosen, nothing) {
      current = chosen ?? "";
      values = [];
      nodes.clear();
      const made = groups.map(({ title, options: own }) => {
        const group = title
          ? h(
              "div.ev-panel-group",
              { role: "group", "aria-label": quoted(title) },
              h("h4", { dir: "auto", "aria-hidden": "true" }, plain(title)),
            )
          : h("div.ev-panel-group", { role: "presentation" });
        for (const { value, nodes: content } of own) {
          const option = h("div.ev-panel-option", { role: "option", id: uid("option") }, ...content());
          option.dataset.value = value;
          values.push(value);
          nodes.set(value, option);
          group.append(option);
        }
        return group;
      });
      el.replaceChildren(...(values.length ? made : [h("p.ev-panel-empty", {}, nothing)]));
      mark();
    },
  };
}

/** A licence as short as a list can hold it; the whole one stands beside. */
function shortLicence(licence) {
  return quoted(licence).split(/[(;]/)[0].trim();
}

function badgeTitle(model) {
  if (model.state === "download") return "The weights have to be downloaded first";
  return model.state === "absent" ? "The weights cannot be had from here" : "";
}

function capital(text) {
  return text ? text[0].toUpperCase() + text.slice(1) : "";
}
