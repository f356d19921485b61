"""Labels: the classes of tracks from a column of their table, and the groups of tracks that belong together.

Conventions: classes are numbered from 0 in the order of their names (of their values for numbers, of the categories for
a column of categories). A track whose cell is empty has no class and is left out. Numbers that say *which*, together or
not, are groups: the same number, the same artist or album or content.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.collection.artists import ARTIST, artist_names, join_names
from embviz.collection.loaders import check_column
from embviz.core.text import plural, shorten
from embviz.errors import CollectionError, OptionError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


MOST = 50  # different whole numbers that are still classes …
LEAST = 5.0  # … where each stands for so many tracks on average
SHOWN = 5  # names in a sentence


@dataclass(frozen=True, eq=False)
class Labels:
    """The tracks of a collection that have a class."""

    column: str  # where the classes stand
    classes: tuple[str, ...]  # their names
    tracks: NDArray[np.int64]  # [n], labels of the tracks, in the order of the table
    truth: NDArray[np.int64]  # [n], number of each track's class

    @property
    def absent(self) -> list[str]:
        """Names of the classes that no track has."""
        present = set(self.truth.tolist())
        return [name for i, name in enumerate(self.classes) if i not in present]

    def without(self, tracks: Iterable[int]) -> Labels:
        """Return the labels without some tracks; the classes stay."""
        stays = ~np.isin(self.tracks, np.fromiter(tracks, np.int64))
        return replace(self, tracks=self.tracks[stays], truth=self.truth[stays])

    def __len__(self) -> int:
        return len(self.tracks)


def check_table(collection: Any) -> pd.DataFrame:
    """Return the table of a collection, checked to be one whose rows can be told apart."""
    import pandas as pd

    table = getattr(collection, "table", collection)
    if not isinstance(table, pd.DataFrame):
        raise OptionError(f"A Collection or its table is expected, {type(collection).__name__} was found.")
    if not table.index.is_unique or table.index.dtype.kind not in "iu":
        raise OptionError("The rows of a table of tracks are labelled by whole numbers, each once; others were found.")
    if isinstance(table.columns, pd.MultiIndex):
        raise CollectionError("One row of column names is expected, several were found; name the columns anew.")
    if not table.columns.is_unique:
        twice = table.columns[table.columns.duplicated()][0]
        raise CollectionError(f"The table has two columns {twice!r}; rename one of them.")
    return table


def read_labels(table: pd.DataFrame, name: str) -> tuple[Labels, list[str]]:
    """Return the labels in a column, and sentences about what is left out."""
    cells = table[check_column(table, name)]
    there = is_filled(cells)
    if not there.any():
        raise CollectionError(f"No track has a label in column {name!r}; name a column that says what tracks are.")
    texts, classes = _classes(cells[there], name)
    if len(classes) == 1:
        raise CollectionError(
            f"All {plural(len(texts), 'track')} with a label in {name!r} are {classes[0][:60]!r}: two classes or more "
            "are needed to tell them apart."
        )
    number = {text: i for i, text in enumerate(classes)}
    truth = np.array([number[text] for text in texts], np.int64)
    notes = [f"{plural(int((~there).sum()), 'track')} without a label in {shorten(name)!r}: left out."]
    labels = Labels(name, tuple(classes), table.index.to_numpy(np.int64)[there], truth)
    return labels, [] if there.all() else notes


def is_filled(cells: pd.Series) -> NDArray[np.bool_]:
    """Return whether each cell holds a label, ``[n]``."""
    blank = np.array([isinstance(cell, str) and not shorten(cell) for cell in cells], bool)
    filled: NDArray[np.bool_] = ~blank & cells.notna().to_numpy(bool)
    return filled


def _classes(cells: pd.Series, name: str) -> tuple[list[str], list[str]]:
    """Return the label of each cell as text, and the classes in order."""
    import pandas as pd

    values = cells.tolist()
    plain = str | bool | int | float | np.generic | pd.Interval | pd.Timestamp | pd.Period
    odd = [type(value).__name__ for value in values if not isinstance(value, plain)]
    if odd:
        raise CollectionError(
            f"One class for each track is expected in column {name!r}, {odd[0]} was found; assign a column of texts."
        )
    if all(_is_number(value) for value in values):
        return _number_classes(values, name)
    texts = [format_label(value) for value in values]
    if isinstance(cells.dtype, pd.CategoricalDtype):
        used = set(texts)
        return texts, [text for text in map(format_label, cells.cat.categories) if text in used]
    return texts, sorted(set(texts))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool | np.bool_)


def _is_whole(value: Any) -> bool:
    # Numbers of Python's own may be larger than numpy's.
    return isinstance(value, int) or bool(np.isfinite(value) and value == int(value))


def _number_classes(values: list[Any], name: str) -> tuple[list[str], list[str]]:
    """Return numbers as classes, where they can be such."""
    broken = next((value for value in values if not _is_whole(value)), None)
    different = sorted(set(values))
    if broken is None and len(different) <= max(2, min(MOST, len(values) / LEAST)):
        return [format_label(value) for value in values], [format_label(value) for value in different]
    found = f"{broken:g}" if broken is not None else f"{len(different):,} different numbers"
    raise CollectionError(
        f"Column {name!r} is a quantity ({found} was found), and quantities are not predicted (no regression): make "
        f"classes of it, as with assign(range=pandas.cut(collection[{name!r}], 3).astype(str))."
    )


def format_label(value: Any) -> str:
    """Return the label in a cell as text."""
    if isinstance(value, bool | np.bool_):  # the same class, whatever column it went through
        return str(bool(value))
    return str(int(value)) if _is_number(value) and _is_whole(value) else shorten(value)


# Another collection. -------------------------------------------------------------------------------------------------


def map_labels(
    table: pd.DataFrame, name: str, classes: tuple[str, ...], names: Mapping[Any, Any] | None
) -> tuple[Labels, list[str]]:
    """Return the labels of another collection, as classes of the first, and sentences about what is on one side only.

    `names` leads from labels of the other collection to classes; None as a class leaves a label out. Labels that are
    not in it stand for the class of their own name.
    """
    cells = table[check_column(table, name)]
    there = is_filled(cells)
    texts = [format_label(cell) for cell in cells[there]]
    target = {text: text for text in texts} | _check_mapping(names, classes)
    number: dict[str | None, int] = {text: i for i, text in enumerate(classes)}
    truth = np.array([number.get(target[text], -1) for text in texts], np.int64)
    foreign = [text for text in texts if target[text] not in number]
    if not (truth >= 0).any():
        absent = sorted(set(foreign))
        raise CollectionError(
            f"The collections have no class of {name!r} in common: {quote_names(classes)} here, "
            f"{quote_names(absent) or 'none'} there; say which is which, as with "
            f"classes={{{(absent or ['theirs'])[0]!r}: {classes[0]!r}}}."
        )
    tracks = table.index.to_numpy(np.int64)[there]
    labels = Labels(name, classes, tracks[truth >= 0], truth[truth >= 0])
    return labels, _mapping_notes(labels, foreign, int((~there).sum()))


def _check_mapping(names: Mapping[Any, Any] | None, classes: tuple[str, ...]) -> dict[str, str | None]:
    """Return the mapping as texts, checked to lead to classes."""
    if names is None:
        return {}
    if not isinstance(names, Mapping):
        raise OptionError(
            f"classes is a mapping from labels of the other collection to classes of this one, {names!r:.80} was found."
        )
    found = {format_label(theirs): None if ours is None else format_label(ours) for theirs, ours in names.items()}
    wrong = next((ours for ours in found.values() if ours is not None and ours not in classes), None)
    if wrong is not None:
        raise OptionError(
            f"classes leads to {wrong!r}, which is none of the classes here: {quote_names(classes)}."
            f"{did_you_mean(wrong, classes)}"
        )
    return found


def _mapping_notes(labels: Labels, foreign: list[str], empty: int) -> list[str]:
    """Return sentences about classes that are on one side only, and tracks without a label."""
    notes = []
    if empty:
        notes.append(f"{plural(empty, 'track')} of the other collection without a label: left out.")
    if foreign:
        names = quote_names(sorted(set(foreign)))
        notes.append(f"The other collection's {names} ({plural(len(foreign), 'track')}) are no classes here: left out.")
    if labels.absent:
        notes.append(
            f"The other collection has no track of {quote_names(labels.absent)}: its score, and the drop to it, are "
            "over the classes that it has."
        )
    return notes


def quote_names(names: Iterable[str]) -> str:
    """Return some names as they stand in a sentence."""
    every = [repr(name[:60]) for name in names]
    more = f" and {len(every) - SHOWN:,} more" if len(every) > SHOWN else ""
    return ", ".join(every[:SHOWN]) + more


# What belongs together. ----------------------------------------------------------------------------------------------


def column_groups(table: pd.DataFrame, tracks: NDArray[np.int64], name: str) -> tuple[NDArray[np.int64], int]:
    """Return the group of each track by a column, ``[n]``, and how many tracks have none: each is one of its own.

    Artists are joined through shared names (:mod:`embviz.collection.artists`); of other columns, a cell is a group.
    """
    cells = table[check_column(table, name)].reindex(tracks)
    if name == ARTIST:
        names = artist_names(cells)
        return join_names(names), sum(not own for own in names)
    there = is_filled(cells)
    number: dict[str, int] = {}
    # Written once with capitals and once without, it is the same artist.
    found = [
        number.setdefault(str(cell).strip().casefold() if known else f"\0{i}", len(number))
        for i, (cell, known) in enumerate(zip(cells, there, strict=True))
    ]
    return np.array(found, np.int64), int((~there).sum())
