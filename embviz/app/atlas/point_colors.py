"""What colours and sizes of a map say of each point; :mod:`.color_options` has their keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.analysis import tagging
from embviz.analysis.outliers import robust_scores
from embviz.analysis.tagging import tags_at_points
from embviz.app.atlas.color_options import OUTLIER_TITLE, TRUST_TITLE
from embviz.app.atlas.model_outputs import heard_title
from embviz.collection.column_facts import column_unit
from embviz.core.text import format_cell
from embviz.export.columns import is_number, readable_column

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from embviz.analysis.neighbors import Neighbors
    from embviz.analysis.projection import Projection
    from embviz.core.vectors import Vectors


@dataclass(frozen=True, eq=False)
class PointColors:
    """What colours say: a text or a number for each point, "" or NaN where nothing is known."""

    key: str
    title: str
    values: NDArray[Any]
    unit: str = ""

    @property
    def is_number(self) -> bool:
        """Whether it is a scale."""
        return self.values.dtype.kind == "f"


def by_key(
    key: str, table: pd.DataFrame, vectors: Vectors, projection: Projection, output: Vectors | None
) -> PointColors | None:
    """Return what a color other than that of clusters says; `output` is the model's that hears a tag or the tempo."""
    if key == "none":
        return None
    if key == "trust":
        shares = np.asarray(projection.preservation, dtype=np.float64)
        return PointColors("trust", TRUST_TITLE, shares * 100, "%")
    if output is None:
        return _by_column(key.removeprefix("column:"), table, vectors)
    if key == "tempo":
        column = tagging.tempo_column(output).reindex(vectors.tracks)
        return PointColors("tempo", "tempo, as Tempo-CNN hears it", column.to_numpy(dtype=np.float64), "BPM")
    _, model, tag = key.split(":", 2)
    values = tags_at_points(output, vectors)[:, list(output.labels).index(tag)]
    unit = "" if output.unit == "probability" else output.unit
    return PointColors(key, f"{tag}, as {heard_title(model)} hears it", values.astype(np.float64), unit)


def outlier_scores(near: Neighbors | None, k: int) -> PointColors | None:
    """Return how far each point is from its k nearest neighbours, as :mod:`embviz.analysis.outliers` has it."""
    if near is None or not near.k:
        return None
    scores = robust_scores(near.distances[:, :k].mean(axis=1, dtype=np.float64))
    return PointColors("outlier", OUTLIER_TITLE, scores, "deviations above the median")


def _by_column(name: str, table: pd.DataFrame, vectors: Vectors) -> PointColors:
    """Return the values of a column at each point: numbers, or texts where anything is no number."""
    column = readable_column(table, name)
    if is_number(column.dtype):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    else:  # by track: there may be many more points
        values = np.array([format_cell(value) for value in column], dtype=object)
    places = table.index.get_indexer(vectors.tracks)
    return PointColors(f"column:{name}", format_cell(name), values[places], column_unit(table, name))


def size_of(key: str, table: pd.DataFrame, vectors: Vectors) -> tuple[str, NDArray[np.float64] | None, str]:
    """Return title, values at each point and unit of a size; no values where all are the same."""
    if key == "duration" and "duration" in table.columns:
        seconds = table["duration"].reindex(vectors.tracks).to_numpy(dtype=np.float64, na_value=np.nan)
        return "duration", seconds, "s"
    if key == "spread" and vectors.spread is not None:
        return "spread within the track", np.asarray(vectors.spread, dtype=np.float64), ""
    return "", None, ""
