"""What the page of tasks shows of an evaluation: its table, by task and then by model, and what a map is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.evaluation import Evaluation, Result, TaskCollections
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
        rows.append({**bare, "items": items, "chance": 1 / row["classes"]})
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
    wrong = own.predicted != own.truth
    asked = f"{result.task} by {title_of(result).removesuffix(' · embedding')}"

    def column(values: Any) -> pd.Series[Any]:
        return pd.Series(values, index=own.tracks).reindex(source.table.index).fillna("")

    taken = np.array(result.classes, dtype=object)[own.predicted]
    color = f"{asked}: right or wrong"
    columns = {asked: column(taken), color: column(np.where(wrong, WRONG, RIGHT))}
    return columns, color, [int(label) for label in own.tracks[wrong]]


def title_of(result: Result, *, several: bool = False) -> str:
    """Return what a cell is called: model and layer, and what was trained where that tells it from others."""
    return " · ".join([model_title(result.model), result.layer, *([result.classifier] if several else [])])
