/** Tasks: which model tells best what the tracks are, how sure that is, and which tracks it takes for others. */

import { h, icon, onChange, write } from "../base/dom.js";
import { ICONS, nameOf, plain, quoted, slot, stateBox } from "../base/ui.js";
import { depthCharts } from "./accuracy_by_depth.js";
import { taskForm } from "./evaluation_form.js";
import { scoreTable } from "./score_table.js";

/** @import { Link } from "../base/commands.js" */
/** @import { Host } from "../types.js" */
/** @import { ConfusionItem, EvaluationOptions, EvaluationStatus, Panel, Scores, Target, TaskChoices } from "./types.js" */

const NO_LABELS = [
  "No column of this collection says what its tracks are, so nothing can be predicted yet.",
  "Put a file tracks.csv beside the sounds, with the columns file and, for example, style; or give the Explorer a " +
    "Collection to which you have joined labels: Explorer(collection.join(labels)).",
];

/** What a press on a model opens, by the measure. @type {Record<string, string>} */
const OPENS = { "R²": "residuals", "ROC-AUC": "labels and their tracks" };

/**
 * Whether the results that are shown answer what is chosen now.
 * @param {TaskChoices | undefined} asked @param {TaskChoices | undefined} choices
 */
export function isStale(asked, choices) {
  /** @type {(keyof TaskChoices)[]} */
  const names = ["target", "models", "layers", "groups", "folds", "classifier", "pooling", "kind"];
  return names.some((name) => JSON.stringify(asked?.[name]) !== JSON.stringify(choices?.[name]));
}

/** @param {Panel} panel */
export function tasksPage(panel) {
  const { model, link, host, signal } = panel;
  const get = (/** @type {string} */ name) => model.get(name) ?? {};
  const run = () => link.send("evaluate");
  const choose = (/** @type {number} */ key) => {
    matrix.expect(key);
    link.send("show_confusion", { cell: key });
  };
  // What is computed here is stopped here: the rest of the panel goes on.
  /** @type {Pick<Link, "send">} */
  const own = { send: (kind, content) => link.send(kind === "cancel" ? "cancel_evaluation" : kind, content) };

  const form = taskForm(panel, { run, set: (name, value) => link.send("set_evaluation_option", { name, value }) });
  const retry = () => (get("evaluation").targets ? run() : link.send("show_evaluation"));
  const state = stateBox({ link: own, retry });
  const why = h("ul.ev-evaluation-why");
  const said = NO_LABELS.map((text) => h("p.ev-faint", {}, text));
  const blank = h("div.ev-panel-blank", { hidden: true }, h("h3", {}, "Nothing to predict"), ...said, why);

  const table = scoreTable({ choose });
  const depths = depthCharts({ choose });
  const stale = h("p.ev-evaluation-stale", { role: "status" });
  const notes = h("ul.ev-evaluation-notes", { "aria-label": "Notes" });
  const file = (/** @type {string} */ format, /** @type {string} */ label, /** @type {string} */ title) => {
    const onclick = () => link.send("save_scores", { format });
    return h("button", { type: "button", title, onclick }, icon(ICONS.save), label);
  };
  const title = h("h3", {}, "Scores");
  const about = h("span.ev-faint", { dir: "auto" });
  const tools = h(
    "div.ev-evaluation-tools",
    {},
    file("csv", "CSV", "Write the table for pandas or a spreadsheet"),
    file("latex", "LaTeX", "Write the table for a paper"),
  );
  const results = h(
    "section.ev-panel-card.ev-evaluation-results",
    { hidden: true, role: "group", "aria-label": "Scores" },
    h("div.ev-panel-card-head", {}, title, about, tools),
    stale,
    table.el,
    depths.el,
    notes,
  );
  const matrix = matrixPart(panel, { own, host, signal });
  const intro = h(
    "div.ev-panel-card-head",
    {},
    h("h3", {}, "Tasks"),
    h("span.ev-faint", {}, "which model tells best what the tracks are; trained on some, asked about the others"),
  );
  const el = h("div.ev-panel-evaluation", {}, intro, form.el, blank, state.el, results, matrix.el);

  function update() {
    if (!panel.visible("evaluation")) return;
    /** @type {EvaluationOptions} */
    const item = get("evaluation");
    /** @type {EvaluationStatus} */
    const work = get("evaluation_status");
    /** @type {Scores} */
    const scores = get("scores");
    const known = Boolean(item.targets);
    const able = (item.targets ?? []).some((target) => !target.why);
    form.el.hidden = !able;
    blank.hidden = !known || able;
    if (able) form.update(item, work);
    else fillWhy(item.targets ?? []);
    state.update(work);
    results.hidden = !scores.rows;
    if (scores.rows) updateResults(item, scores);
    matrix.update();
  }

  /** @param {Target[]} targets */
  function fillWhy(targets) {
    why.replaceChildren(...targets.map(({ title: name, why: text }) => h("li", {}, nameOf(name), `: ${plain(text)}`)));
    why.hidden = !targets.length;
  }

  /** @param {EvaluationOptions} item @param {Scores} scores */
  function updateResults(item, scores) {
    const other = isStale(scores.choices, item.choices);
    stale.hidden = !other;
    write(stale, other ? "These are the scores of earlier choices; press Compare for those above." : "");
    const opens = OPENS[scores.rows?.[0]?.measure ?? ""] ?? "confusion matrix";
    write(about, `press a model for its ${opens}`);
    table.update(scores, get("confusion").cell);
    depths.update(scores, (name) => panel.modelOf(name)?.title ?? name);
    const key = JSON.stringify(scores.notes);
    if (notes.dataset.key !== key) {
      notes.dataset.key = key;
      notes.replaceChildren(...(scores.notes ?? []).map((text) => h("li", { dir: "auto" }, plain(text))));
      notes.hidden = !scores.notes?.length;
    }
  }

  onChange(model, "evaluation evaluation_status scores confusion models downloads", update, signal);
  const ask = () => !get("evaluation").targets && !get("evaluation_status").status && link.send("show_evaluation");
  return { el, update, ask };
}

/** How many tracks are wrong, and about what. @param {ConfusionItem} item */
function told({ tracks, wrong, kind, error = "", label = -1, labels = [] }) {
  if (kind === "quantity") return `off by ${error} on average; ${wrong} of ${tracks} in another range`;
  if (kind === "labels") return `${quoted(labels[label]?.label)}: ${wrong} of ${tracks} tracks wrong`;
  return `${wrong} of ${tracks} tracks taken for another class`;
}

/**
 * How well each of several labels per track is told; a press shows the tracks of one.
 * @param {(label: number) => void} choose
 */
function labelTable(choose) {
  const body = h("tbody");
  const names = ["Label", "Tracks", "ROC-AUC %", "PR-AUC %"];
  const head = names.map((name, i) => h(i ? "th.ev-evaluation-figure" : "th", { scope: "col" }, name));
  const table = h("table", {}, h("thead", {}, h("tr", {}, ...head)), body);
  const el = h("div.ev-evaluation-table", { role: "group", "aria-label": "Labels", tabIndex: 0, hidden: true }, table);
  let shown = "";
  return {
    el,
    /** @param {ConfusionItem} item */
    update({ labels = [], label: chosen }) {
      const key = JSON.stringify([labels, chosen]);
      if (key === shown) return;
      shown = key;
      el.hidden = !labels.length;
      const active = /** @type {HTMLButtonElement} */ (document.activeElement);
      const at = [...body.querySelectorAll("button")].indexOf(active);
      const rows = labels.map(({ label, tracks, auc, pr_auc: pr }, i) => {
        const press = { type: "button", "aria-pressed": String(i === chosen), onclick: () => choose(i) };
        const button = h("button.ev-plain.ev-evaluation-name", press, nameOf(quoted(label)));
        const figures = [tracks.toLocaleString("en"), auc, pr].map((text) => h("td.ev-evaluation-figure", {}, text));
        const row = h("tr", {}, h("th", { scope: "row" }, button), ...figures);
        row.classList.toggle("ev-evaluation-on", i === chosen);
        return row;
      });
      body.replaceChildren(...rows);
      if (at >= 0) body.querySelectorAll("button")[at]?.focus({ preventScroll: true });
    },
  };
}

/**
 * What one model took for what, with what can be made of it.
 * @param {Panel} panel @param {{own: Pick<Link, "send">, host: Host, signal: AbortSignal}} options
 */
function matrixPart(panel, { own, host, signal }) {
  const { model, link } = panel;
  /** @returns {ConfusionItem} */
  const item = () => model.get("confusion") ?? {};
  const title = h("h3", { tabIndex: -1 });
  const facts = h("span.ev-faint", { dir: "auto" });
  const ask = (/** @type {string} */ kind) => () => link.send(kind, { cell: item().cell });
  const map = h("button", { type: "button", onclick: ask("show_answers") }, "Show on the map");
  map.title = "Colour the points by right and wrong, and select those that are wrong";
  const keep = h("button", { type: "button", onclick: ask("train_head") }, "Keep as a head");
  const state = stateBox({ link: own, retry: ask("train_head") });
  const done = h("p.ev-evaluation-done", { role: "status", dir: "auto" });
  const view = slot({ host, signal });
  const labels = labelTable((label) => link.send("show_confusion", { cell: item().cell, label }));
  const el = h(
    "section.ev-panel-card.ev-evaluation-matrix",
    { hidden: true, role: "group", "aria-label": "What a model takes for what" },
    h("div.ev-panel-card-head", {}, title, facts, h("div.ev-evaluation-tools", {}, map, keep)),
    state.el,
    done,
    labels.el,
    view.el,
  );
  /** @type {number | undefined} */
  let expected;
  return {
    el,
    /** Go where it is, once it is there: who has pressed a model looks for what that opens. @param {number} key */
    expect(key) {
      expected = key;
    },
    update() {
      const { cell, title: name, can_train_head: able, training = {}, view: ref } = item();
      el.hidden = cell === undefined;
      view.set(ref ?? "");
      if (cell === undefined) return;
      title.replaceChildren(nameOf(name));
      write(facts, told(item()));
      labels.update(item());
      keep.disabled = !able || ["waiting", "running"].includes(training.status ?? "");
      keep.title = able
        ? "Train on all tracks, and see its curves under the rows of this model"
        : "Only networks and ridge regression are numbers that can be kept, and not on mean and spread";
      state.update(training);
      write(done, training.status === "ready" ? plain(training.message) : "");
      done.hidden = !done.textContent;
      if (expected !== cell) return;
      expected = undefined;
      el.scrollIntoView({ block: "nearest" });
      panel.announce(`Confusion matrix of ${quoted(name)}: ${facts.textContent}`);
    },
  };
}
