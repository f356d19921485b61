/** What models are compared on, and how: the column, what is kept apart, what is trained, and which models. */
import { h, write } from "../base/dom.js";
import { fillSelect, nameOf, plain, progressBar, progressText, quoted, sizeOf, titled } from "../base/ui.js";

/** @import { Choice, Download } from "../types.js" */
/**
 * @import { Downloads, EvaluationOptions, EvaluationStatus, ModelOption, NameTitle, Panel, Target, TaskChoices }
 *   from "./types.js"
 */

const FOLDS = [3, 5, 10];
/** Before the names of columns, which may be any word. */
const COLUMN = "column:";

/**
 * A column as a choice, with what it holds or why it cannot be predicted.
 * @param {Target[]} targets
 */
export function targetOptions(targets) {
  const classes = (/** @type {number} */ count) => `${count} ${count === 1 ? "class" : "classes"}`;
  /** @type {Record<string, (n: number) => string>} */
  const extents = { quantity: () => "a quantity", labels: (n) => `${n} labels per track` };
  const tracks = (/** @type {number} */ count) => `${count.toLocaleString("en")} ${count === 1 ? "track" : "tracks"}`;
  return targets.map(({ name, title, kind = "", classes: n, tracks: m, why }) => ({
    value: name,
    label: why ? `${title} (${why})` : `${title} (${(extents[kind] ?? classes)(n)}, ${tracks(m)})`,
    disabled: Boolean(why),
    group: why ? "Cannot be predicted" : "",
  }));
}

/** What is kept together, as choices. @param {NameTitle[]} groups @param {string} [target] */
export function groupOptions(groups, target) {
  const columns = groups.filter(({ name }) => name !== target);
  return [
    { value: "", label: "automatic" },
    { value: "none", label: "nothing" },
    ...columns.map(({ name, title }) => ({ value: COLUMN + name, label: title, group: "Tracks with the same" })),
  ];
}

/** What a choice of what is kept together means. @param {string} value @returns {string | false | null} */
export function groupsOf(value) {
  if (value.startsWith(COLUMN)) return value.slice(COLUMN.length);
  return value === "none" ? false : null;
}

/** What a choice is called in the select. @param {string | false | null} [groups] */
export function groupsValue(groups) {
  if (groups === false) return "none";
  return groups ? COLUMN + groups : "";
}

/**
 * Numbers of folds, and columns of folds that came with the data.
 * @param {NameTitle[]} folds @param {number | string} [chosen]
 */
export function foldOptions(folds, chosen) {
  const numbers = typeof chosen === "number" && !FOLDS.includes(chosen) ? [...FOLDS, chosen] : FOLDS;
  const columns = folds.map(({ name, title }) => ({ value: COLUMN + name, label: `as in “${title}”` }));
  return [...numbers.sort((a, b) => a - b).map((n) => ({ value: String(n), label: String(n) })), ...columns];
}

/**
 * Fill a select; what code has chosen is offered, too, where it is nothing that is offered otherwise.
 * @param {HTMLSelectElement} select @param {Choice[]} options @param {unknown} chosen
 */
function fillChosen(select, options, chosen) {
  const known = options.find(({ value }) => value === chosen);
  fillSelect(
    select,
    known ? options : [...options, { value: "code", label: "as chosen in code" }],
    known?.value ?? "code",
  );
}

/** A control with its name above it. @param {string} name @param {HTMLElement} control */
function field(name, control, title = "") {
  return h("label.ev-evaluation-field", { title }, h("span.ev-faint", {}, name), control);
}

/**
 * @param {Panel} panel
 * @param {{set: (name: string, value: unknown) => void, run: () => void}} act
 */
export function taskForm(panel, { set, run }) {
  const { model, link } = panel;
  const selects = Object.fromEntries(
    ["target", "kind", "groups", "folds", "classifier", "pooling", "layers"].map((name) => [name, h("select")]),
  );
  const { target, kind, groups, folds, classifier, pooling, layers } = selects;
  const taken = field("As", kind, "What the column is taken for: numbers may be classes, and texts lists of labels");
  const fields = h(
    "div.ev-evaluation-fields",
    {},
    field("Predict", target),
    taken,
    field("Keep together", groups, "What is alike anyhow, as tracks of one artist, is never in training and test"),
    field("Folds", folds, "Into how many parts the tracks are dealt; each is predicted by a training on the others"),
    field("Classifier", classifier, "What is trained; the MLP has one hidden layer of 100 units"),
    field("From", pooling, "What is trained on: one vector for each track, or each of its frames"),
    field("Layers", layers, "What of each model is compared"),
  );
  target.classList.add("ev-evaluation-target");
  const here = h("div.ev-evaluation-models");
  const more = h("summary");
  const others = h("div.ev-evaluation-others");
  const rest = h("details.ev-evaluation-rest", {}, more, others);
  const box = h("fieldset.ev-evaluation-box", {}, h("legend.ev-faint", {}, "Models"), here, rest);
  const plan = h("p.ev-evaluation-plan.ev-faint", { dir: "auto", "aria-live": "polite" });
  // Enter in a box that is ticked begins nothing.
  const go = h("button.ev-primary", { type: "button", onclick: run }, "Compare");
  const foot = h("div.ev-evaluation-foot", {}, go, plan);
  const el = h("div.ev-evaluation-form", { role: "group", "aria-label": "What is compared" }, fields, box, foot);
  /** @type {TaskChoices} */
  let chosen = { models: [] };

  target.addEventListener("change", () => set("target", target.value));
  groups.addEventListener("change", () => set("groups", groupsOf(groups.value)));
  folds.addEventListener("change", () => {
    const { value } = folds;
    set("folds", value.startsWith(COLUMN) ? value.slice(COLUMN.length) : Number(value));
  });
  for (const [name, select] of Object.entries({ kind, classifier, pooling, layers })) {
    select.addEventListener("change", () => select.value !== "code" && set(name, select.value));
  }

  /** @param {ModelOption[]} models */
  function fillModels(models) {
    const known = models.filter(({ state, system }) => state === "ready" && system !== "vectors");
    const absent = models.filter(({ state }) => state === "download");
    const key = JSON.stringify([known.map(({ name }) => name)]);
    if (here.dataset.key !== key) {
      here.dataset.key = key;
      here.replaceChildren(...known.map(checkbox));
    }
    for (const input of here.querySelectorAll("input")) input.checked = chosen.models.includes(input.value);
    rest.hidden = !absent.length;
    write(more, `${absent.length} more, to be downloaded`);
    fillOthers(absent);
  }

  /** @param {ModelOption} entry */
  function checkbox({ name, title, task, dimensions }) {
    const input = h("input", { type: "checkbox", value: name });
    input.addEventListener("change", () => {
      const inputs = [...here.querySelectorAll("input")].filter(({ checked }) => checked);
      const ticked = inputs.map(({ value }) => value);
      set("models", ticked);
    });
    const about = `${quoted(task)}; ${dimensions} dimensions`;
    return h("label.ev-evaluation-model", { title: about }, input, nameOf(title));
  }

  /** @param {ModelOption[]} absent */
  function fillOthers(absent) {
    /** @type {Downloads} */
    const pulling = model.get("downloads") ?? {};
    const key = JSON.stringify([absent.map(({ name }) => name), pulling]);
    if (others.dataset.key === key) return;
    others.dataset.key = key;
    /** @type {HTMLElement | null | undefined} */
    const focused = document.activeElement?.closest?.(".ev-evaluation-other");
    const at = focused?.dataset.model;
    const lines = absent.map((entry) => otherModel(entry, pulling[entry.name]));
    others.replaceChildren(...lines);
    if (at)
      lines
        .find(({ dataset }) => dataset.model === at)
        ?.querySelector("button")
        ?.focus();
  }

  /** @param {ModelOption} entry @param {Download | undefined} pulled */
  function otherModel({ name, title, bytes }, pulled) {
    const on = pulled && !pulled.error;
    const press = () => link.send(on ? "stop_pull" : "pull", { model: name });
    const label = on ? "Stop" : pulled?.error ? "Try again" : sizeOf(bytes) ? `Download ${sizeOf(bytes)}` : "Download";
    const bar = on ? progressBar(`Download of ${quoted(title)}`) : null;
    bar?.update(pulled?.done, pulled?.total);
    const said = on ? progressText(pulled.stage || "downloading", pulled.done, pulled.total) : plain(pulled?.error);
    const line = h(
      "div.ev-evaluation-other",
      { title: quoted(said) },
      nameOf(title, "span.ev-panel-name.ev-evaluation-other-name"),
      said && !on ? h("span.ev-error.ev-evaluation-other-name", { dir: "auto" }, said) : null,
      bar?.el,
      h("button", { type: "button", onclick: press, "aria-label": `${label}: ${quoted(title)}` }, label),
    );
    line.dataset.model = name;
    return line;
  }

  return {
    el,
    /** @param {EvaluationOptions} item what can be chosen @param {EvaluationStatus} work */
    update(item, work) {
      chosen = { models: [], ...item.choices };
      fillSelect(target, targetOptions(item.targets ?? []), chosen.target ?? "");
      const { kind: held = "", kinds = [] } = item.targets?.find(({ name }) => name === chosen.target) ?? {};
      taken.hidden = kinds.length < 2;
      const known = titled(item.kinds).filter(({ value }) => kinds.includes(value));
      fillChosen(kind, known, chosen.kind === "auto" ? held : chosen.kind);
      fillSelect(groups, groupOptions(item.groups ?? [], chosen.target), groupsValue(chosen.groups));
      const folding = foldOptions(item.folds ?? [], chosen.folds);
      fillSelect(folds, folding, typeof chosen.folds === "string" ? COLUMN + chosen.folds : String(chosen.folds));
      fillChosen(classifier, titled(item.classifiers), chosen.classifier);
      fillChosen(pooling, titled(item.poolings), chosen.pooling);
      fillChosen(layers, titled(item.layers), chosen.layers);
      fillModels(model.get("models") ?? []);
      const busy = ["waiting", "running"].includes(work.status ?? "");
      go.disabled = busy || !chosen.target || !chosen.models.length;
      const told = item.extra_options?.length ? `With ${item.extra_options.join(", ")} as given in code.` : "";
      const missing = !chosen.models.length ? "Tick the models that are to be compared." : work.plan;
      write(plan, busy ? "" : [told, missing].filter(Boolean).map(plain).join(" "));
    },
  };
}
