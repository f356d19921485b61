/** The scores of a comparison as a table: a row for each model and layer, its interval drawn beside the figures. */
import { h } from "../base/dom.js";
import { nameOf, plain, quoted } from "../base/ui.js";

/** @import { PublishedScore, ScoreItem, Scores, TaskScores } from "./types.js" */

/** What is measured, by its name in the table. @type {Record<string, string>} */
const MEASURES = { accuracy: "Accuracy", "R²": "R²", "ROC-AUC": "ROC-AUC" };
/** @type {Record<string, string>} */
const HINTS = {
  accuracy: "Class-weighted: the mean over classes, then over the folds of cross-validation",
  "R²": "Share of the variance of a quantity that is explained, in %, the mean over the folds of cross-validation",
  "ROC-AUC": "Area under the ROC curve in %, the mean over the folds of cross-validation, then over the labels",
};

const percent = (/** @type {number} */ share) => `${(100 * share).toFixed(1)} %`;

/** The ends of an interval. @param {Pick<ScoreItem, "low" | "high">} item @returns {string} such as ``61.2 – 74.8`` */
export function endsOf({ low, high }) {
  if (low == null || high == null) return "";
  const [from, to] = [low, high].map((end) => (100 * end).toFixed(1).replace("-", "−"));
  return low < 0 ? `${from} to ${to}` : `${from} – ${to}`;
}

/** A share on the scale of the picture, which holds 0 to 100 %. @param {number} share */
const onScale = (share) => Math.min(Math.max(share, 0), 1);

/** A share as a place on the scale of the picture. @param {number} share */
function place(share) {
  return `${(100 * onScale(share)).toFixed(2)}%`;
}

/**
 * A bar with its interval, on a scale from 0 to 100 %, and the score of guessing; its figures stand beside it.
 * @param {ScoreItem} item @param {number} chance
 */
function picture({ accuracy, low, high }, chance) {
  if (accuracy == null) return null;
  const el = h(
    "div.ev-evaluation-scale",
    { "aria-hidden": "true" },
    h("span.ev-evaluation-bar", { style: { width: place(accuracy) } }),
  );
  if (low != null && high != null) {
    el.append(
      h("span.ev-evaluation-ends", { style: { left: place(low), width: place(onScale(high) - onScale(low)) } }),
    );
  }
  if (chance > 0) el.append(h("span.ev-evaluation-chance", { style: { left: place(chance) } }));
  return el;
}

/** A figure; the best of its column is shaded, and says so. @param {string} text @param {string} hint */
function figure(text, hint, kind = "", best = false) {
  const mark = best ? h("span.ev-evaluation-mark", {}, "best") : null;
  const cell = h("td.ev-evaluation-figure", { title: quoted(hint) }, mark, mark && " ", h("span", {}, plain(text)));
  if (best) cell.classList.add(kind);
  return cell;
}

/**
 * @param {{choose: (key: number) => void}} act what a press on a model does
 */
export function scoreTable({ choose }) {
  const el = h("div.ev-evaluation-table", { role: "group", "aria-label": "Scores", tabIndex: 0 });
  let shown = "";

  /** @param {Scores} scores @param {boolean} external */
  function heads({ headings = {}, rows = [] }, external) {
    const measures = [...new Set(rows.map(({ measure }) => measure ?? "accuracy"))];
    const name = measures.length > 1 ? "Score" : MEASURES[measures[0]] || "Accuracy";
    const scale = h(
      "th.ev-evaluation-scale-head",
      { scope: "col" },
      h(
        "div.ev-evaluation-ticks",
        { "aria-hidden": "true" },
        ...["0", "50", "100 %"].map((text) => h("span", {}, text)),
      ),
      h("span.ev-hidden", {}, "As a bar"),
    );
    const outside = external
      ? [
          column(headings.external, "Other collection", "After training on all of this one"),
          column("", "Drop", "How far the score falls from this collection to the other"),
        ]
      : [];
    return h(
      "tr",
      {},
      h("th", { scope: "col" }, "Model · layer"),
      column(headings.cv, name, [...new Set(measures.map((measure) => HINTS[measure]))].join("; ")),
      h("th.ev-evaluation-ends-head", { scope: "col", title: "Bootstrap interval over the tracks" }, "95 % interval"),
      scale,
      ...outside,
    );
  }

  /** @param {string | undefined} sign @param {string} name */
  function column(sign, name, title = "") {
    const short = sign ? h("span.ev-faint", { "aria-hidden": "true" }, ` ${plain(sign)}`) : null;
    return h("th.ev-evaluation-figure", { scope: "col", title }, name, short);
  }

  /** @param {ScoreItem} item @param {TaskScores} task @param {boolean} external @param {number} [chosen] */
  function row(item, { chance }, external, chosen) {
    const on = item.key === chosen;
    const button = h("button.ev-plain.ev-evaluation-name", {
      type: "button",
      "aria-pressed": String(on),
      title: "Which classes it takes for which, and the tracks",
      onclick: () => choose(item.key),
    });
    button.append(nameOf(quoted(item.title)));
    button.dataset.key = String(item.key);
    const line = h(
      "tr",
      {},
      h("th", { scope: "row" }, button),
      figure(item.cv, item.cv_hint, "ev-evaluation-best", item.best_cv),
      h("td.ev-evaluation-ends-text.ev-faint", {}, endsOf(item)),
      h("td.ev-evaluation-picture", {}, picture(item, chance)),
    );
    if (external) {
      line.append(figure(item.external ?? "", item.external_hint, "ev-evaluation-best-outside", item.best_external));
      line.append(figure(item.drop ?? "", item.drop_hint));
    }
    line.classList.toggle("ev-evaluation-on", on);
    return line;
  }

  /** @param {string} kind @param {string} name @param {string} cv @param {string} outside @param {boolean} external */
  function plainRow(kind, name, cv, outside, external, hint = "") {
    const cells = [figure(cv ?? "", hint), h("td.ev-evaluation-ends-text"), h("td.ev-evaluation-picture")];
    if (external) cells.push(figure(outside ?? "", ""), h("td"));
    return h(`tr.${kind}`, {}, h("th.ev-faint", { scope: "row" }, nameOf(quoted(name))), ...cells);
  }

  /** @param {TaskScores} task @param {boolean} external @param {number} [chosen] */
  function body(task, external, chosen) {
    const classes = (task.classes ?? 0) === 1 ? "class" : "classes";
    const facts = `${task.tracks} tracks, ${task.extent ?? `${task.classes} ${classes}`}`;
    const hint = "The dashed line: the score of guessing";
    const plainest = task.measure === "R²" ? "the mean" : "guessing";
    const caption = h(
      "tr.ev-evaluation-task",
      {},
      h("th", { scope: "rowgroup", colSpan: 2 }, nameOf(task.title || task.task), " ", h("span.ev-faint", {}, facts)),
      h("td.ev-evaluation-ends-text"),
      h("td.ev-evaluation-picture.ev-faint", { title: hint }, `┆ ${plainest}: ${percent(task.chance)}`),
      ...(external ? [h("td"), h("td")] : []),
    );
    const published = (task.published ?? []).map((one) => publishedRow(one, external));
    return h(
      "tbody",
      {},
      caption,
      ...task.items.map((item) => row(item, task, external, chosen)),
      ...(task.baselines ?? []).map(({ name, cv, external: outside }) =>
        plainRow("ev-evaluation-baseline", name, cv, outside, external, "Without listening"),
      ),
      ...published,
    );
  }

  /** @param {PublishedScore} score @param {boolean} external */
  function publishedRow({ model, accuracy, source }, external) {
    const text = typeof accuracy === "number" ? percent(accuracy) : accuracy;
    return plainRow("ev-evaluation-published", `${model} (published)`, text, "", external, source);
  }

  return {
    el,
    /** @param {Scores} scores @param {number} [chosen] key of the model whose matrix is open */
    update(scores, chosen) {
      const key = JSON.stringify([scores, chosen]);
      if (key === shown) return;
      shown = key;
      const focused = /** @type {HTMLElement | null} */ (document.activeElement);
      const at = el.contains(focused) ? focused?.dataset.key : undefined;
      const external = Boolean(scores.has_external);
      el.replaceChildren(
        h(
          external ? "table.ev-evaluation-outside" : "table",
          {},
          h("thead", {}, heads(scores, external)),
          ...(scores.rows ?? []).map((task) => body(task, external, chosen)),
        ),
      );
      if (at === undefined) return;
      /** @type {HTMLElement | null} */
      const again = el.querySelector(`[data-key="${CSS.escape(at)}"]`);
      again?.focus({ preventScroll: true });
    },
  };
}
