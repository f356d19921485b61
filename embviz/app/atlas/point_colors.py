"""What the points of a map can be coloured and sized by.

Conventions: a colour has a key: ``"none"``, ``"column:NAME"`` of the table, ``"tag:MODEL:TAG"``, ``"tempo"``,
``"trust"`` (how many of its neighbours a point keeps on the map) or ``"cluster"``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.analysis import tagging
from embviz.analysis.tagging import tags_at_points
from embviz.app.atlas.model_outputs import taggers, tempo_model
from embviz.core.text import format_cell
from embviz.errors import OptionError, did_you_mean
from embviz.export.columns import MAP_GROUP, UNITS, is_number, readable_column, tagger_group
from embviz.models import get_model

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from embviz.app.atlas.map_view import VisibleMap
    from embviz.core.vectors import Vectors
    from embviz.widgets.schema import ColorGroup, KeyTitle


# Of the columns of every table, those that say what is to be seen.
FIRST = ("genre", "artist", "album", "folder", "year", "duration")
HIDDEN = ("path", "name", "title", "digest", "problem", "warning")
TRUST_TITLE = "neighbours kept"

SIZES: list[KeyTitle] = [
    {"key": "none", "title": "all the same"},
    {"key": "duration", "title": "duration"},
    {"key": "spread", "title": "spread within the track"},
]


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


def color_groups(table: pd.DataFrame) -> list[ColorGroup]:
    """Return what can be chosen, as the page lists it."""
    names = [name for name in FIRST if name in table.columns]
    names += [name for name in table.columns if name not in FIRST + HIDDEN]
    names = [name for name in names if any(str(value) for value in table[name].dropna())]
    groups: list[ColorGroup] = [
        {"title": "", "items": [{"key": "none", "title": "none"}]},
        {"title": "Columns", "items": [{"key": f"column:{name}", "title": format_cell(name)} for name in names]},
        {"title": MAP_GROUP, "items": [{"key": "cluster", "title": "cluster"}, {"key": "trust", "title": TRUST_TITLE}]},
    ]
    tempo = tempo_model()
    if tempo is not None:
        groups.append({"title": tagger_group(tempo), "items": [{"key": "tempo", "title": "tempo"}]})
    for model in taggers():
        tags = next(layer.labels for layer in model.known_layers if layer.name == "output")
        items: list[KeyTitle] = [{"key": f"tag:{model.name}:{tag}", "title": tag} for tag in tags]
        groups.append({"title": tagger_group(model), "items": items})
    return groups


def key_of(wanted: Any, table: pd.DataFrame) -> str:
    """Return the key of a colour by its name: of a column, of a tag, or a key itself.

    Raises
    ------
    OptionError
        If there is nothing of that name.
    """
    if wanted is None:
        return "column:genre" if "genre" in table.columns and table["genre"].unique().size > 1 else "none"
    items = [item for group in color_groups(table) for item in group["items"]]
    names = {item["key"]: item["key"] for item in items}
    # A column comes before a tag of that name, and a tag of the first model before those of others.
    for item in items:
        names.setdefault(item["title"], item["key"])
    if not isinstance(wanted, str) or wanted not in names:
        raise OptionError(
            f"There is no {wanted!r:.80} to colour by: a column of the table, 'cluster', 'trust', 'tempo' or a tag of "
            f"a model whose weights are here is expected.{did_you_mean(str(wanted), names)}"
        )
    return str(names[wanted])


# Values. -----------------------------------------------------------------------------------------------------------


def by_key(key: str, table: pd.DataFrame, visible: VisibleMap, output: Vectors | None) -> PointColors | None:
    """Return what a color other than that of clusters says; `output` is the model's that hears a tag or the tempo."""
    vectors = visible.vectors
    if key == "none":
        return None
    if key == "trust":
        shares = np.asarray(visible.projection.preservation, dtype=np.float64)
        return PointColors("trust", TRUST_TITLE, shares * 100, "%")
    if output is None:
        return _by_column(key.removeprefix("column:"), table, vectors)
    if key == "tempo":
        column = tagging.tempo_column(output).reindex(vectors.tracks)
        return PointColors("tempo", "tempo, as Tempo-CNN hears it", column.to_numpy(dtype=np.float64), "BPM")
    _, model, tag = key.split(":", 2)
    values = tags_at_points(output, vectors)[:, list(output.labels).index(tag)]
    return PointColors(key, f"{tag}, as {get_model(model).title} hears it", values.astype(np.float64))


def _by_column(name: str, table: pd.DataFrame, vectors: Vectors) -> PointColors:
    """Return the values of a column at each point: numbers, or texts where anything is no number."""
    column = readable_column(table, name)
    if is_number(column.dtype):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    else:  # by track: there may be many more points
        values = np.array([format_cell(value) for value in column], dtype=object)
    places = table.index.get_indexer(vectors.tracks)
    return PointColors(f"column:{name}", format_cell(name), values[places], UNITS.get(name, ""))


def size_of(key: str, table: pd.DataFrame, vectors: Vectors) -> tuple[str, NDArray[np.float64] | None, str]:
    """Return title, values at each point and unit of a size; no values where all are the same."""
    if key == "duration" and "duration" in table.columns:
        seconds = table["duration"].reindex(vectors.tracks).to_numpy(dtype=np.float64, na_value=np.nan)
        return "duration", seconds, "s"
    if key == "spread" and vectors.spread is not None:
        return "spread within the track", np.asarray(vectors.spread, dtype=np.float64), ""
    return "", None, ""
