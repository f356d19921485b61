"""Columns of a collection's table that dimensions are compared with: categories and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.analysis.associations import ColumnAssociation, associate_categories, associate_numbers
from embviz.collection.track_table import COLUMNS
from embviz.core.text import is_missing, shorten

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from embviz.core.vectors import Vectors

#: Columns of every collection that say something of the music, or of where it came from.
TELLING = ("folder", "artist", "album", "genre", "year", "duration")
MOST_CATEGORIES = 30
LONGEST = 60  # letters of a category


def associate_columns(table: pd.DataFrame, means: Vectors, groups: NDArray[np.int64]) -> tuple[ColumnAssociation, ...]:
    """Return how dimensions go with the columns of a table, for those that can be compared.

    Parameters
    ----------
    table : DataFrame
        The collection.
    means : Vectors
        A vector for each track.
    groups : ndarray, shape [n], int64
        What belongs together, for each of the tracks.

    Returns
    -------
    tuple of ColumnAssociation
        Columns of numbers, and of at most 30 categories with two tracks or more; other columns are passed over.
    """
    usable = np.isfinite(means.values).all(axis=1)
    values, groups = np.asarray(means.values)[usable], groups[usable]
    found = []
    for name in table.columns:
        if name in COLUMNS and name not in TELLING:
            continue
        cells = table[name].reindex(means.tracks[usable])
        found.append(_associate(shorten(name, LONGEST), values, cells, groups))
    return tuple(one for one in found if one is not None)


def _associate(
    name: str, values: NDArray[np.float32], cells: pd.Series, groups: NDArray[np.int64]
) -> ColumnAssociation | None:
    if cells.dtype.kind in "iuf":
        return associate_numbers(name, values, cells.to_numpy(np.float64, na_value=np.nan), groups)
    texts = [_text(cell) for cell in cells]
    names = tuple(sorted(set(texts) - {""}))
    if not 2 <= len(names) <= MOST_CATEGORIES:
        return None
    number = {text: i for i, text in enumerate(names)} | {"": -1}
    return associate_categories(name, values, np.array([number[text] for text in texts], np.int64), names, groups)


def _text(cell: Any) -> str:
    """Return a cell that holds a category as text; empty where it holds none."""
    plain = isinstance(cell, str | bool | int | float | np.generic) and not is_missing(cell)
    return shorten(cell, LONGEST) if plain else ""
