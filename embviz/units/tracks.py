"""Which tracks a question is about: a query, a collection, labels, a selection or a mask."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.core.labels import label_problem
from embviz.core.text import plural
from embviz.errors import CollectionError, did_you_mean

if TYPE_CHECKING:
    from embviz.collection import Collection
    from embviz.core.vectors import Vectors


def select_tracks(collection: Collection, where: Any, name: str = "where") -> Collection:
    """Return the tracks of a collection that are meant.

    Parameters
    ----------
    collection : Collection
    where : str, Collection, DataFrame, mask, labels or None
        An expression as for :meth:`embviz.Collection.query`, a column and its value (``"style=jazz"``), another
        collection of tracks of this one, rows of its table (as a selection on a map is), a mask as long as the table,
        or labels; None means all.
    name : str
        What the option is called in errors.

    Returns
    -------
    Collection
        One track at least.

    Raises
    ------
    CollectionError
        If that is none of these, or no track is left.
    """
    if where is None:
        return collection
    chosen = _query(collection, where) if isinstance(where, str) else _select(collection, where, name)
    if not len(chosen):
        told = f"{name}={where!r:.80}" if isinstance(where, str) else name
        raise CollectionError(f"{told} leaves none of {plural(len(collection), 'track')}; widen it.")
    return chosen


def _query(collection: Collection, where: str) -> Collection:
    found = column_value(collection, where)
    if found is None:
        _check_column(collection, where)
        return collection.query(where)
    column, value = found
    cells = collection.table[column]
    numbers = cells.dtype.kind in "iuf"
    mask = cells == float(value) if numbers and _is_number(value) else cells.astype(str).str.strip() == value
    chosen: Collection = collection[mask.fillna(value=False).astype(bool)]
    return chosen


def column_value(collection: Collection, where: str) -> tuple[str, str] | None:
    """Return the column and the value of a text such as ``"style=jazz"``; None where it is none of the table's."""
    column, equals, value = (part.strip() for part in where.partition("="))
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":  # as of a query
        value = value[1:-1]
    return (column, value) if equals and column in collection and not value.startswith("=") else None


def _check_column(collection: Collection, where: str) -> None:
    """Raise where a text such as ``"styel=jazz"`` names no column."""
    column, equals, value = (part.strip() for part in where.partition("="))
    if equals and column.isidentifier() and not value.startswith("="):
        names = list(collection.table.columns)
        listed = f"it has {', '.join(map(repr, names))}"
        raise CollectionError(f"The table has no column {column!r:.80}; {listed}.{did_you_mean(column, names)}")


def failure_notes(vectors: Vectors) -> list[str]:
    """Return a sentence where some tracks have no vectors."""
    failed = len(vectors.failed)
    return [f"Left out: {plural(failed, 'track')} that gave nothing."] if failed else []


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _select(collection: Collection, where: Any, name: str) -> Collection:
    import pandas as pd

    expected = f"{name} is a query, a collection, rows of its table, a mask or labels of its tracks"
    table = where if isinstance(where, pd.DataFrame) else getattr(where, "table", None)
    if isinstance(table, pd.DataFrame):
        foreign = table.index[~table.index.isin(collection.table.index)]
        if len(foreign):
            raise CollectionError(f"{expected}; {plural(len(foreign), 'track')} of it are not in this collection.")
        return collection.select(table.index.tolist())
    if isinstance(where, pd.Series) and where.dtype.kind == "b":
        problem = label_problem(where, collection.table.index, whole=True)
        if problem:
            raise CollectionError(f"{expected}: {problem}")
        masked: Collection = collection[where]
        return masked
    plain = np.isscalar(where) or hasattr(where, "__array__") or not isinstance(where, Iterable)
    labels = np.atleast_1d(np.asarray(where if plain else list(where)))
    if not len(labels):
        return collection.head(0)
    if labels.ndim == 1 and labels.dtype.kind == "b":
        return collection[labels.astype(bool)]
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise CollectionError(f"{expected}; {where!r:.80} was found.")
    return collection.select(labels.tolist())
