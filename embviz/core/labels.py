"""Values by the labels of tracks: a Series is taken by its labels, as pandas does it, if its tracks are the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.core.text import plural

if TYPE_CHECKING:
    import pandas as pd


def in_order(values: pd.Series[Any], n: int) -> bool:
    """Tell whether a Series has no labels of its own, so that its `n` values are meant in the order of the tracks."""
    own = values.index
    # The labels of a table of tracks have a name.
    return own.name is None and len(own) == n and np.array_equal(own, np.arange(n))


def is_mask(labels: Iterable[Any]) -> bool:
    """Tell whether there is True or False among labels, which would be the labels 1 and 0."""
    return any(isinstance(label, bool | np.bool_) for label in labels)


def label_problem(values: pd.Series[Any], tracks: pd.Index[Any], *, whole: bool = False) -> str:
    """Return why a Series cannot be taken by the labels of some tracks, as a sentence; empty where it can.

    Parameters
    ----------
    values : Series
        By labels.
    tracks : Index
        The labels of the tracks.
    whole : bool
        Whether each track needs a value.
    """
    expected, remedy = "values by the labels of these tracks are expected", "Take a column of the same collection"
    unknown = values.index[~values.index.isin(tracks)].tolist()
    if unknown:
        total = plural(len(values), "label")
        return (
            f"{expected}, a Series of another collection was found ({len(unknown):,} of its {total}, such as "
            f"{unknown[0]!r:.40}, are none of them). {remedy}, or to_numpy() of values that are in its order."
        )
    twice = values.index[values.index.duplicated()].tolist()
    if twice:
        return f"{expected}, one for each; a Series with several for {twice[0]!r:.40} was found. Keep one of them."
    missing = tracks[~tracks.isin(values.index)].tolist()
    if whole and missing:
        return (
            f"{expected}, one for each; a Series without {len(missing):,} of {plural(len(tracks), 'track')}, such as "
            f"{missing[0]!r:.40}, was found. {remedy}."
        )
    return ""
