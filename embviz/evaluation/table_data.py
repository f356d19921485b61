"""The table of an evaluation as data for JSON: figures as texts, and the best of each row marked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from embviz.core.text import clean_line, plural, printable
from embviz.evaluation import summary

if TYPE_CHECKING:
    from pandas import DataFrame

    from embviz.evaluation.evaluation import Evaluation


WHAT = ("model", "layer", "classifier", "pooling")  # what tells columns apart
CLASSIFIER_TEXTS = {
    "mlp": "a multilayer perceptron",
    "logistic": "logistic regression",
    "knn": "nearest neighbours",
    "ridge": "ridge regression",
}
POOLING_TEXTS = {"frames": "frames, answers averaged over a track"}
NONE = "–"
MEASURE_TEXTS = {
    "accuracy": "class-weighted accuracy", "R²": "R² (of a quantity)", "ROC-AUC": "ROC-AUC (macro, several labels)",
}  # fmt: skip
BESIDE = {
    "R²": "MAE: mean absolute error, in the unit of the column; Spearman: rank correlation",
    "ROC-AUC": "PR-AUC: average precision (macro)",
}
# The figures of a cell as numbers, with their columns.
NUMBERS = {name: name for name in ("low", "high", "std", "f1", "auc", "pr_auc", "mae", "spearman")} | {
    "accuracy": "score",
    "external_accuracy": "external", "external_low": "external_low", "external_high": "external_high",
    "drop_value": "drop", "drop_low": "drop_low", "drop_high": "drop_high",
}  # fmt: skip


def table_data(evaluation: Evaluation, *, intervals: bool = True) -> dict[str, Any]:
    """Return the table, ready for JSON; figures are texts, fractions stand beside them as numbers."""
    facts = evaluation.table
    trained = facts[facts["model"] != ""]
    keys = list(dict.fromkeys(trained[list(WHAT)].itertuples(index=False, name=None)))
    above = {"cv": set(), "external": set()} if len(keys) < 2 else {
        "cv": summary.above_baseline(evaluation.pairs),
        "external": summary.above_baseline(evaluation.external_pairs),
    }  # fmt: skip
    rows = [_row(facts[facts["task"] == task], task, keys, above) for task in map(printable, evaluation.tasks)]
    folds = {row["folds"] for row in rows}
    has_external = bool(facts["external"].notna().any())
    first = f"{folds.pop()} folds" if len(folds) == 1 else "CV"
    return {
        "columns": _columns(keys),
        "rows": rows,
        "headings": {"cv": first, "external": "ext.", "drop": "drop"},
        "caption": _caption(evaluation, trained, first, has_external=has_external, intervals=intervals),
        "intervals": intervals,
        "notes": [clean_line(note) for note in evaluation.notes],
        "has_external": has_external,
        "has_measures": any(row["measure"] != "accuracy" for row in rows),
    }


def _columns(keys: Sequence[tuple[str, ...]]) -> list[dict[str, Any]]:
    differ = [len({key[i] for key in keys}) > 1 or i == 0 for i in range(len(WHAT))]
    columns = []
    for key in keys:
        lines = [clean_line(name) for name, tells in zip(key, differ, strict=True) if tells]
        columns.append(dict(zip(WHAT, key, strict=True)) | {"title": " / ".join(lines), "lines": lines})
    return columns


def _row(
    facts: DataFrame, task: str, keys: Sequence[tuple[str, ...]], above: Mapping[str, set[tuple[str, str]]]
) -> dict[str, Any]:
    by_key = {tuple(getattr(fact, name) for name in WHAT): fact for fact in facts.itertuples()}
    cells = [_cell(by_key[key]) if key in by_key else None for key in keys]
    first = facts.iloc[0]
    measure = str(first["measure"])
    for which, number in (("cv", "accuracy"), ("external", "external_accuracy")):
        _mark_best(cells, which, number, [(task, summary.join_name(*key)) in above[which] for key in keys])
    baselines = {fact.classifier: fact for fact in facts.itertuples() if not fact.model}
    return {
        "task": task,
        "title": clean_line(task),
        "tracks": int(facts["tracks"].max()),
        "external_tracks": int(facts["external_tracks"].fillna(0).max()),
        "classes": int(first["classes"]),
        "measure": measure,
        "guessing": summary.guessing(measure, int(first["classes"])),
        "extent": _extent(measure, int(first["classes"])),
        "folds": int(first["folds"]),
        "cells": cells,
        "beside": list(_beside(first)),
        "baselines": [
            {"name": name, "cv": _percent(fact.score), "external": _percent(fact.external), "beside": _beside(fact)}
            for name, fact in sorted(baselines.items(), key=lambda item: item[0] not in ("majority", "mean"))
        ],
        "published": _published_scores(task, int(first["classes"])),
    }


def _extent(measure: str, classes: int) -> str:
    """Return how much is told apart; with the measure, where it is not the accuracy."""
    if measure == "R²":
        return "a quantity, R²"
    return f"{plural(classes, 'label')}, ROC-AUC" if measure == "ROC-AUC" else f"{classes:,} classes"


def _beside(fact: Any) -> dict[str, str]:
    """Return the other measures of quantities and labels, which have rows of their own in print."""
    if fact.measure == "R²":
        return {"MAE": f"{fact.mae:.4g}", "Spearman": NONE if math.isnan(fact.spearman) else f"{fact.spearman:.3f}"}
    return {"PR-AUC": _percent(fact.pr_auc).removesuffix(" %")} if fact.measure == "ROC-AUC" else {}


def _hints(fact: Any) -> list[str]:
    """Return what is measured beside the score."""
    if fact.measure == "R²":
        return [
            f"mean absolute error {fact.mae:.4g} ({fact.mae_low:.4g} to {fact.mae_high:.4g})",
            ""
            if math.isnan(fact.spearman)
            else f"Spearman's rank correlation {fact.spearman:.3f} "
            f"({fact.spearman_low:.3f} to {fact.spearman_high:.3f})",
        ]
    if fact.measure == "ROC-AUC":
        return [f"PR-AUC {100 * fact.pr_auc:.1f} ({_range(fact.pr_auc_low, fact.pr_auc_high)})"]
    auc = "" if math.isnan(fact.auc) else f"area under the ROC curve {fact.auc:.3f}"
    return [f"macro F1 {100 * fact.f1:.1f}", auc]


def _cell(fact: Any) -> dict[str, Any]:
    hints = [
        _interval_hint(fact.low, fact.high),
        "" if math.isnan(fact.std) else f"standard deviation over {fact.folds} folds {100 * fact.std:.1f}",
        *_hints(fact),
        plural(fact.tracks, "track"),
    ]
    tested = "" if math.isnan(fact.external_tracks) else plural(int(fact.external_tracks), "track")
    outside = [_interval_hint(fact.external_low, fact.external_high), tested]
    numbers = {name: getattr(fact, column) for name, column in NUMBERS.items()}
    return {
        "cv": _percent(fact.score),
        "cv_hint": "; ".join(filter(None, hints)),
        "external": _percent(fact.external),
        "external_hint": "; ".join(filter(None, outside)),
        "drop": _signed(fact.drop),
        "drop_hint": _interval_hint(fact.drop_low, fact.drop_high),
        "cv_interval": _range(fact.low, fact.high),
        "external_interval": _range(fact.external_low, fact.external_high),
        "drop_interval": _range(fact.drop_low, fact.drop_high),
        **{name: None if math.isnan(number) else float(number) for name, number in numbers.items()},
        "beside": _beside(fact),
        "tracks": int(fact.tracks),
        "dimensions": int(fact.dimensions),
        "best_cv": False,
        "best_external": False,
    }


def _mark_best(cells: Sequence[dict[str, Any] | None], which: str, number: str, above: Sequence[bool]) -> None:
    """Mark the best of a row, where there is anything to be better than; what reads the same is as good.

    What may be no better than its baseline is not the best of anything.
    """
    there = [(cell, is_above) for cell, is_above in zip(cells, above, strict=True) if cell and cell[number] is not None]
    best = max((cell for cell, _ in there), key=lambda cell: cell[number], default=None)
    for cell, is_above in there if len(there) > 1 else ():
        cell[f"best_{which}"] = is_above and best is not None and cell[which] == best[which]


def _published_scores(task: str, classes: int) -> list[dict[str, str]]:
    """Return the published scores of the task of that name; none where a user's own column only shares its name."""
    from embviz.evaluation.task_registry import TASKS

    if task not in TASKS or len(TASKS[task].classes) != classes:
        return []
    # As many digits as were printed.
    return [
        {"model": one.model, "accuracy": f"{100 * one.accuracy:.4g} %", "source": one.source, "note": one.note}
        for one in TASKS[task].published
    ]


def _caption(evaluation: Evaluation, trained: DataFrame, first: str, *, has_external: bool, intervals: bool) -> str:
    folds = "the folds" if first == "CV" else first
    start = "CV: " if first == "CV" else ""
    measures = [MEASURE_TEXTS[name] for name in evaluation.table["measure"].unique()]
    measured = ", or ".join(measures) or MEASURE_TEXTS["accuracy"]
    parts = [f"{start}{measured} in %, the mean over {folds} of cross-validation"]
    if has_external:
        parts.append("ext.: that for the other collection, after training on all of this one")
        parts.append("drop: how far it is below the one in cross-validation, in points")
    how = [CLASSIFIER_TEXTS.get(name, name) for name in trained["classifier"].unique()]
    what = [POOLING_TEXTS.get(name, f"the {name} of each track's frames") for name in trained["pooling"].unique()]
    by = f" By {_join_names(how)} on {_join_names(what)};" if how else ""
    parts += [BESIDE[name] for name in evaluation.table["measure"].unique() if name in BESIDE]
    small = f"; small: 95 % bootstrap intervals over {_drawn(evaluation)}" if intervals else ""
    text = f"{'; '.join(parts)}.{by} seed {evaluation.seed}{small}."
    if len(trained) > 1:
        kinds = {result.kind for result in evaluation.results}
        baseline = _join_names([*["the majority"] * bool(kinds - {"quantity"}), *["the mean"] * ("quantity" in kinds)])
        text += (
            f" Shaded and bold: the best in each task, where it is better than the baseline ({baseline}) by a paired "
            f"comparison, p < {summary.LEVEL} after Holm's correction"
            f"{' (light: in cross-validation, darker: ext.)' * has_external}."
        )
    return text


def _drawn(evaluation: Evaluation) -> str:
    """Return what the bootstrap draws."""
    grouped = {result.task for result in evaluation.results if result.predictions.groups is not None}
    if not grouped:
        return "tracks"
    named = [source.groups for task, source in evaluation.collections.items() if task in grouped and source.groups]
    columns = [clean_line(name) for name in dict.fromkeys(named)]
    of = f" ({'column' if len(columns) == 1 else 'columns'} {_join_names(columns)})" if columns else ""
    return f"groups of tracks{of}"


def _join_names(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


# -- text ---------------------------------------------------------------------------------------------------------


def _percent(share: float) -> str:
    return NONE if math.isnan(share) else f"{_signed(share)} %"


def _signed(points: float) -> str:
    if math.isnan(points):
        return NONE
    text = f"{100 * points:.1f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


def _range(low: float, high: float) -> str:
    """Return an interval: ``"78.1–84.2"``, and with words where one end is below zero."""
    if math.isnan(low) or math.isnan(high):
        return ""
    between = "–" if low >= 0 else " to "
    return f"{_signed(low)}{between}{_signed(high)}"


def _interval_hint(low: float, high: float) -> str:
    return "" if math.isnan(low) else f"95 % bootstrap interval {_signed(low)} to {_signed(high)}"
