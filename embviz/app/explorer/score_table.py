"""What the page of tasks shows of an evaluation: its table, by task and then by model, and what a map is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.evaluation import Evaluation, Result, TaskCollections, label_areas, weighted_metrics
from embviz.models import model_title

if TYPE_CHECKING:
    import pandas as pd

    from embviz.widgets.schema import Scores

WHAT = ("model", "layer", "classifier", "pooling")  # what tells cells of a task apart
RIGHT, WRONG = "right", "wrong"


def to_dict(evaluation: Evaluation) -> Scores:
    """Return what the page draws, ready for JSON.

    It is ``Evaluation.table_data()`` with the rows turned round: the ``items`` of a task are what was compared, each
    with the ``key`` of its result, its title, and the place of its layer.
    """
    table, results = evaluation.table_data(), evaluation.results
    numbers = {(one.task, *(getattr(one, name) for name in WHAT)): number for number, one in enumerate(results)}
    several = len({column["classifier"] for column in table["columns"]}) > 1
    rows = []
    for row in table["rows"]:
        items = []
        for column, figures in zip(table["columns"], row["cells"], strict=True):
            number = numbers.get((row["task"], *(column[name] for name in WHAT)))
            if figures is None or number is None:
                continue
            title, depth = title_of(results[number], several=several), results[number].depth
            items.append({**column, **figures, "key": number, "title": title, "depth": depth})
        bare = {name: value for name, value in row.items() if name != "cells"}
        rows.append({**bare, "items": items, "chance": row["guessing"]})
    return {
        "rows": rows, "headings": table["headings"], "caption": table["caption"], "notes": table["notes"],
        "has_external": table["has_external"],
    }  # fmt: skip


def answer_columns(result: Result, source: TaskCollections) -> tuple[dict[str, pd.Series[Any]], str, list[int]]:
    """Return columns for the table of the map, the one to colour by, and the tracks that were taken for another class.

    Tracks that were not asked about have nothing in these columns.
    """
    import pandas as pd

    own = result.predictions
    if result.kind != "classes":
        return _measured_columns(result, source)
    wrong = own.predicted != own.truth
    asked = f"{result.task} by {title_of(result).removesuffix(' · embedding')}"

    def column(values: Any) -> pd.Series[Any]:
        return pd.Series(values, index=own.tracks).reindex(source.table.index).fillna("")

    taken = np.array(result.classes, dtype=object)[own.predicted]
    color = f"{asked}: right or wrong"
    columns = {asked: column(taken), color: column(np.where(wrong, WRONG, RIGHT))}
    return columns, color, [int(label) for label in own.tracks[wrong]]


def _measured_columns(result: Result, source: TaskCollections) -> tuple[dict[str, pd.Series[Any]], str, list[int]]:
    """Return the residual of a quantity, or how many labels are wrong, for the map; the worst tenth is selected."""
    import pandas as pd

    own = result.predictions
    asked = f"{result.task} by {title_of(result).removesuffix(' · embedding')}"
    if result.kind == "quantity":
        off, name = own.predicted - own.truth, f"{asked}: residual"
    else:
        off, name = (weighted_metrics.decide(own) != own.truth).sum(axis=1), f"{asked}: labels missing or added"
    column = pd.Series(off, index=own.tracks).reindex(source.table.index)
    farthest = np.argsort(-np.abs(off), kind="stable")[: max(1, len(off) // 10)]
    return {name: column}, name, [int(label) for label in own.tracks[farthest]]


def mean_error(result: Result) -> str:
    """Return the mean absolute error of a quantity, as text; empty of what is none."""
    return f"{weighted_metrics.scores(result.predictions)['mae']:.4g}" if result.kind == "quantity" else ""


def label_rows(result: Result) -> list[dict[str, Any]]:
    """Return the scores of each of several labels, as texts."""
    if result.kind != "labels":
        return []
    own = result.predictions
    areas = label_areas.mean_areas(own)
    figures = zip(result.classes, own.truth.sum(axis=0), areas["auc"], areas["pr_auc"], strict=True)
    return [
        {"label": name, "tracks": int(tracks), "auc": f"{100 * auc:.1f}", "pr_auc": f"{100 * pr_auc:.1f}"}
        for name, tracks, auc, pr_auc in figures
    ]


def title_of(result: Result, *, several: bool = False) -> str:
    """Return what a cell is called: model and layer, and what was trained where that tells it from others."""
    return " · ".join([model_title(result.model), result.layer, *([result.classifier] if several else [])])
