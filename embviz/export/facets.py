"""Columns that tracks are filtered by: a number or a category for each track, as the page draws and filters them.

Conventions: a *facet* is such a column. Its numbers are float32 ``[tracks]``, NaN where nothing is known; those of
categories are places in its labels, the most frequent first. A *filter* of numbers is ``{"range": [low, high] or None,
"unknown": bool}``, both ends included, one of categories ``{"values": [label, …], "unknown": bool}``: a track passes
that has such a value, or none where what is not known passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.analysis.tagging import tag_columns
from embviz.collection.column_facts import column_unit
from embviz.core.text import format_cell
from embviz.export.columns import HIDDEN, cluster_name, is_number, readable_column

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from embviz.core.vectors import Vectors
    from embviz.widgets.schema import FacetColumn


#: Columns by which music is most often sorted, in the order in which they are shown.
FIRST = ("duration", "tempo", "bpm", "year", "genre", "style", "mood", "folder")
MOST_FIRST = 6  # columns that are shown where nobody has chosen any
FIRST_TAGS = 2
FEW = 12  # categories that always fit


@dataclass(frozen=True, eq=False)
class Facet:
    """A column to filter by; see the conventions of this module."""

    key: str
    title: str
    kind: str  # "number" or "category"
    unit: str
    labels: list[str]
    numbers: NDArray[np.float32]

    def to_dict(self) -> FacetColumn:
        """Return what the page is told of it beside its values, ready for JSON."""
        return {"key": self.key, "title": self.title, "kind": self.kind, "unit": self.unit, "labels": self.labels}

    def passes(self, given: Mapping[str, Any]) -> NDArray[np.bool_]:
        """Return which tracks pass a filter."""
        missing = np.isnan(self.numbers)
        left = missing & bool(given.get("unknown"))
        if self.kind == "number":
            ends = given.get("range")
            return left if ends is None else left | ((self.numbers >= ends[0]) & (self.numbers <= ends[1]))
        places = {label: place for place, label in enumerate(self.labels)}
        chosen = [places[label] for label in given.get("values", ()) if label in places]
        # Categories that are not there any more, as clusters of another map, leave out nothing.
        passed: NDArray[np.bool_] = left | np.isin(self.numbers, chosen) | (not chosen and not given.get("unknown"))
        return passed


def encode_facet(key: str, title: str, values: pd.Series[Any], unit: str = "") -> Facet:
    """Return a column as a facet: numbers as such, all else as categories."""
    import pandas as pd

    if is_number(values.dtype):
        numbers = values.to_numpy(dtype=np.float32, na_value=np.nan)
        return Facet(key, title, "number", unit, [], np.where(np.isfinite(numbers), numbers, np.float32(np.nan)))
    try:
        raw, uniques = pd.factorize(values)
    except TypeError:  # lists, or whatever else cells can hold
        raw, uniques = pd.factorize(values.map(format_cell))
    # What looks alike is one category.
    texts = np.array(["", *map(format_cell, uniques)], dtype=object)[raw + 1]
    codes, names = pd.factorize(pd.Series(texts))
    counts = np.bincount(codes, minlength=len(names))
    ranked = sorted((place for place, name in enumerate(names) if name), key=lambda i: (-counts[i], names[i]))
    order = np.full(len(names), np.nan, dtype=np.float32)
    order[ranked] = np.arange(len(ranked), dtype=np.float32)
    return Facet(key, title, "category", "", [str(names[i]) for i in ranked], order[codes])


def column_facet(table: pd.DataFrame, name: str) -> Facet:
    """Return a column of a table as a facet."""
    return encode_facet(f"column:{name}", format_cell(name), readable_column(table, name), column_unit(table, name))


def most_common(texts: NDArray[Any], tracks: NDArray[np.int64], table: pd.DataFrame) -> pd.Series[Any]:
    """Return the text that most points of each track have."""
    import pandas as pd

    codes, names = pd.factorize(pd.Series(texts))
    labels, places = np.unique(tracks, return_inverse=True)
    pairs, counts = np.unique(places * len(names) + codes, return_counts=True)
    # The last that is written to a place stays: the most frequent one, and of these the first that occurs.
    order = np.lexsort((-(pairs % len(names)), counts))
    found = np.zeros(len(labels), np.int64)
    found[pairs[order] // len(names)] = pairs[order] % len(names)
    return pd.Series(np.asarray(names)[found], index=labels).reindex(table.index)


def tells_apart(facet: Facet) -> bool:
    """Tell whether a facet has several values; as categories, few enough to be chosen from."""
    known = facet.numbers[~np.isnan(facet.numbers)]
    if facet.kind == "number":
        return bool(len(known)) and bool(known.min() < known.max())
    return 2 <= len(facet.labels) <= max(FEW, len(known) // 2)


def telling_tags(tags: pd.DataFrame) -> list[str]:
    """Return the tags whose activations differ most among tracks, the first first."""
    spread = tags.std(ddof=0).sort_values(ascending=False, kind="stable")
    return [str(tag) for tag in spread.index[:FIRST_TAGS] if spread[tag] > 0]


def passing(facets: Iterable[Facet], filters: Mapping[str, Mapping[str, Any]], n: int) -> NDArray[np.bool_]:
    """Return which of `n` tracks pass all filters; those of columns that are not there count for nothing."""
    left = np.ones(n, dtype=bool)
    for facet in facets:
        if facet.key in filters:
            left &= facet.passes(filters[facet.key])
    return left


def page_facets(
    rows: pd.DataFrame,
    vectors: Vectors,
    clusters: ArrayLike | None,
    names: Mapping[int, str] | None,
    tags: Vectors | None,
) -> tuple[list[Facet], list[str]]:
    """Return the facets of a page, and the keys of those that are shown at first; `rows` are its tracks."""
    columns = {
        name: column_facet(rows, name) for name in map(str, rows.columns) if name not in (*HIDDEN, "name", "title")
    }
    telling = {name: facet for name, facet in columns.items() if tells_apart(facet)}
    first = [telling[name] for name in FIRST if name in telling][:MOST_FIRST]
    heard = []
    if clusters is not None:
        texts = np.array([cluster_name(int(i), names or {}) for i in np.asarray(clusters)], dtype=object)
        groups = encode_facet("cluster", "cluster", most_common(texts, vectors.tracks, rows))
        heard += [groups] if len(groups.labels) > 1 else []
    if tags is not None:
        columns_of_tags = tag_columns(tags)
        told = {tag: columns_of_tags[tag].reindex(rows.index) for tag in telling_tags(columns_of_tags)}
        heard += [encode_facet(f"tag:{tags.model}:{tag}", f"tag: {tag}", values) for tag, values in told.items()]
    shown = [*first, *heard]
    rest = [facet for facet in telling.values() if facet not in first]
    return [*shown, *rest], [facet.key for facet in shown]
