"""Columns of a page, to read and to search, and the colours to choose from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from embviz.analysis.clustering import NO_CLUSTER
from embviz.analysis.tagging import tag_columns
from embviz.collection.column_facts import column_unit
from embviz.core.labels import label_problem
from embviz.core.text import format_cell, printable, trim_lines
from embviz.errors import OptionError, did_you_mean
from embviz.models import get_model
from embviz.plotting.encodings import CATEGORIES

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from embviz.analysis.projection import Projection
    from embviz.core.vectors import Vectors
    from embviz.models import Model


HIDDEN = ("path", "digest", "duplicate_of", "problem", "warning")  # of no use to who has not the files as they lie here
TITLES = {
    "title": "Title", "artist": "Artist", "album": "Album", "genre": "Genre", "year": "Year", "duration": "Length",
    "folder": "Folder", "name": "File",
}  # fmt: skip
#: Headings under which the reader chooses a color of the map itself, and of a column; see :func:`tagger_group`.
MAP_GROUP = "The map"
TOP_FOLDER = "(top)"  # what lies in no folder of the collection
#: What music is sorted by, the most telling first; a column of another name has to make groups by itself.
TELLING = ("genre", "style", "mood", "artist", "folder")
MOST_GROUPS = 12
MOST_VALUES = 1000  # of which the groups are counted


@dataclass(frozen=True, eq=False)
class PageColor:
    """One way to colour the map; `unit` is of numbers, `group` the heading under which the reader chooses it."""

    title: str
    values: pd.Series[Any] | ArrayLike
    """A Series has a value for each track, by the labels of the table; an array has one for each point. Numbers get a
    continuous scale, anything else a colour for each different value."""
    unit: str = ""
    group: str = ""


ColorSpec: TypeAlias = "str | pd.Series[Any] | PageColor"


def page_columns(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the columns of a table that a reader of the page can use, title and artist first, without empty ones.

    A track without a title has the name of its file.
    """
    rows = rows.assign(title=rows["title"].where(rows["title"] != "", rows["name"]))
    names = [*TITLES, *(name for name in rows.columns if name not in TITLES and name not in HIDDEN)]
    found = [_column(str(name), rows[name], column_unit(rows, name)) for name in names if name in rows.columns]
    return [each for each in found if each["name"] in ("title", "artist") or not set(each["values"]) <= {None, ""}]


def readable_column(table: pd.DataFrame, name: str) -> pd.Series[Any]:
    """Return a column as it is shown: a track in none of the collection's folders is at the top."""
    values = table[name]
    return values.where(values != "", TOP_FOLDER) if name == "folder" and (values != "").any() else values


def telling_column(table: pd.DataFrame, names: Iterable[Any]) -> Any:
    """Return the name of the column that says most of the tracks, of those named; None where none does.

    That is the first one that makes groups, those of :data:`TELLING` before all others, whose value is known of most
    tracks.
    """
    known = list(names)
    for name in [*(name for name in TELLING if name in known), *(name for name in known if name not in TELLING)]:
        values = readable_column(table, name)
        if not is_number(values.dtype) and _makes_groups(values, telling=name in TELLING):
            return name
    return None


def _makes_groups(values: pd.Series[Any], *, telling: bool) -> bool:
    """Return whether colours by some values would say something: there are few, of most tracks."""
    try:
        raw = values.value_counts()
    except TypeError:  # lists, or whatever else cells can hold
        raw = values.map(format_cell).value_counts()
    if len(raw) > MOST_VALUES:
        return False
    counts = raw.groupby([format_cell(value) for value in raw.index]).sum().drop("", errors="ignore")
    counts = counts.sort_values(ascending=False)
    known = int(counts.sum())
    if len(counts) < 2 or 2 * known <= len(values):
        return False
    if telling:  # of many genres, the largest have colours of their own
        return 2 * int(counts.head(CATEGORIES).sum()) >= known
    return len(counts) <= min(MOST_GROUPS, known // 2)


def is_number(dtype: Any) -> bool:
    """Return whether a column holds numbers."""
    from pandas.api.types import is_bool_dtype, is_complex_dtype, is_numeric_dtype

    return bool(is_numeric_dtype(dtype) and not is_bool_dtype(dtype) and not is_complex_dtype(dtype))


def _column(name: str, values: pd.Series[Any], unit: str) -> dict[str, Any]:
    number = is_number(values.dtype)
    listed = [None if missing else value for value, missing in zip(values, values.isna(), strict=True)]
    return {
        "name": name,
        "title": TITLES.get(name) or trim_lines(name),
        "kind": "number" if number else "text",
        "unit": unit,
        "values": [_number(value) if number else _text(value) for value in listed],
    }


def _number(value: Any) -> float | int | None:
    if value is None or not np.isfinite(value):
        return None
    return int(value) if float(value).is_integer() else round(float(value), 6)


def _text(value: Any) -> str:
    return "" if value is None else trim_lines(printable(str(value)))


def place_columns(projection: Projection, clusters: Sequence[str] | None = None) -> dict[str, Any]:
    """Return where each point of a map is, and the name of its cluster, as columns of a table."""
    places = {"map_x": projection.xy[:, 0], "map_y": projection.xy[:, 1]}
    return places if clusters is None else {**places, "map_cluster": clusters}


def page_colors(
    given: Iterable[ColorSpec],
    table: pd.DataFrame,
    projection: Projection,
    clusters: ArrayLike | None,
    names: Mapping[int, str] | None,
) -> list[PageColor]:
    """Return all that the map can be coloured by: given colours, clusters, and the neighbours preserved."""
    import pandas as pd

    own = _map_colors(projection, clusters, names or {})
    found = [
        own.pop(color) if isinstance(color, str) and color in own else _to_page_color(color, table) for color in given
    ]
    for color in found:
        problem = label_problem(color.values, table.index) if isinstance(color.values, pd.Series) else ""
        if problem:
            raise OptionError(f"A Series of other tracks is no colour of the page: {problem}")
    return [*found, *own.values()]


def tagger_group(model: Model) -> str:
    """Return the heading under which the tags of a model are listed."""
    return f"What {model.title} hears"


def tag_colors(output: Vectors | None, given: Iterable[ColorSpec]) -> list[PageColor]:
    """Return a colour for each tag of a tagger, except those that are given."""
    if output is None:
        return []
    heard, there = tag_columns(output), {color.title for color in given if isinstance(color, PageColor)}
    group = tagger_group(get_model(output.model))
    return [PageColor(str(tag), heard[tag], group=group) for tag in heard.columns if str(tag) not in there]


def cluster_name(number: int, names: Mapping[int, str]) -> str:
    """Return what a cluster is called on a page."""
    return NO_CLUSTER if number < 0 else names.get(number) or f"cluster {number}"


def _map_colors(projection: Projection, clusters: ArrayLike | None, names: Mapping[int, str]) -> dict[str, PageColor]:
    """Return the colours by cluster and by neighbours preserved, by their names."""
    found = {}
    if clusters is not None:
        named = [cluster_name(int(i), names) for i in np.asarray(clusters)]
        found["cluster"] = PageColor("Cluster", np.asarray(named, dtype=object), group=MAP_GROUP)
    kept = np.asarray(projection.preservation, dtype=np.float64)
    if kept.size and np.isfinite(kept).any():
        found["trust"] = PageColor(f"Kept of its {projection.k} nearest", 100 * kept, unit="%", group=MAP_GROUP)
    return found


def _to_page_color(given: ColorSpec, table: pd.DataFrame) -> PageColor:
    if isinstance(given, PageColor):
        return given
    if not isinstance(given, str):
        return PageColor(str(given.name), given)
    if given not in table.columns:
        raise OptionError(
            f"The table has no column {given!r}: it has {', '.join(map(str, table.columns))}."
            f"{did_you_mean(given, [str(name) for name in table.columns])}"
        )
    values = readable_column(table, given)
    return PageColor(TITLES.get(given, given), values, unit=column_unit(table, given), group="The table")


def values_per_point(values: Any, vectors: Vectors) -> NDArray[Any]:
    """Return a value for each point: those of its track, where there is one for each track."""
    import pandas as pd

    if isinstance(values, pd.Series):
        return np.asarray(values.reindex(vectors.tracks).array)
    array = np.asarray(values)
    if array.shape != (len(vectors.tracks),):
        raise OptionError(f"A colour has a value for each of {len(vectors.tracks)} points, {array.shape} was found.")
    return array
