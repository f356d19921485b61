"""Which track of a table is meant: by its label, its name, its title or its path."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.collection.discovery import expand_user
from embviz.collection.table_ops import known_labels
from embviz.core.text import is_missing
from embviz.errors import CollectionError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

LISTED = 5  # tracks of one title


def find_track(table: pd.DataFrame, track: Any) -> int | None:
    """Return the label of a track that is in a table; None where a sound is meant that is not.

    Parameters
    ----------
    table : DataFrame
        A row per track, as ``Collection.table`` is.
    track : int, str, path or any sound
        A label; a text is a name, a title that one track has, whatever its capitals, or a path.

    Raises
    ------
    CollectionError
        If there is no such label; if several tracks have the title; if a text is none of these, and no file either.
    """
    if isinstance(track, int | np.integer) and not isinstance(track, bool):
        return int(known_labels(table, [int(track)])[0])
    if not isinstance(track, str | Path):
        return None
    named = table.index[table["path"].astype(str) == str(expand_user(track).absolute())]
    if isinstance(track, str):
        named = table.index[table["name"] == track].append(named)
    if len(named):
        return int(named[0])
    return _find_title(table, track) if isinstance(track, str) else None


def _find_title(table: pd.DataFrame, title: str) -> int | None:
    titles = ["" if is_missing(cell) else str(cell) for cell in table["title"]] if "title" in table else []
    wanted = title.strip().casefold()
    places = [i for i, known in enumerate(titles) if known.strip().casefold() == wanted]
    # A title that no file can be called, such as a long one, is no error here.
    if not wanted or (not places and os.path.exists(expand_user(title))):  # noqa: PTH110
        return None
    if not places:
        near = did_you_mean(title, filter(None, [*table["name"].astype(str), *titles]))
        raise CollectionError(
            f"No track of the collection has the name or the title {title!r:.80}, and there is no such file.{near}"
        )
    if len(places) > 1:
        some = [f"{table['name'].iloc[i]!r:.80} (label {table.index[i]})" for i in places[:LISTED]]
        more = f" and {len(places) - LISTED:,} more" if len(places) > LISTED else ""
        raise CollectionError(
            f"{len(places):,} tracks have the title {title!r:.80}: {', '.join(some)}{more}; give the name or the label "
            "of one."
        )
    return int(table.index[places[0]])
