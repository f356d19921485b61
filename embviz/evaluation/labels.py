"""Labels: the classes of tracks from a column of their table, and the groups of tracks that belong together.

Conventions: classes are numbered from 0 in the order of their names (of their values for numbers, of the categories for
a column of categories). A track whose cell is empty has no class and is left out. Numbers that say *which*, together or
not, are groups: the same number, the same artist or album or content. Other numbers are a quantity. Lists, and several
columns of 0 and 1, are several labels for each track: an empty list has none of them, an empty cell is not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.collection.artists import ARTIST, artist_names, join_names
from embviz.collection.loaders import check_column
from embviz.core.text import plural, shorten
from embviz.errors import CollectionError, OptionError, did_you_mean
from embviz.evaluation.results import Kind, kind_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


MOST = 50  # different whole numbers that are still classes …
LEAST = 5.0  # … where each stands for so many tracks on average
SHOWN = 5  # names in a sentence
LARGEST = 1e30  # number of a quantity: squares have to fit, and predictions are float32
STRATA = 10  # ranges of a quantity that folds are stratified by
NUMBER = re.compile(r"([+-]?\d+(?:[.,]\d+)?(?:e[+-]?\d+)?)\s*[^\W\d]{0,8}", re.IGNORECASE)  # with a unit, perhaps
NOTHING = ("", "-", "?", "n/a", "na", "nan", "none", "null", "unknown")  # what stands for no number
KINDS = ("auto", "classes", "quantity", "labels")


@dataclass(frozen=True, eq=False)
class Labels:
    """The tracks of a collection that have a class, or a quantity, or labels."""

    column: str  # where the classes stand
    classes: tuple[str, ...]  # their names; none of a quantity
    tracks: NDArray[np.int64]  # [n], labels of the tracks, in the order of the table
    truth: NDArray[Any]  # [n] or [n, c], as in Predictions

    @property
    def kind(self) -> Kind:
        """Whether tracks have ``"classes"``, a ``"quantity"`` or several ``"labels"``."""
        return kind_of(self.truth)

    @property
    def outputs(self) -> int:
        """How many numbers are predicted for a track."""
        return len(self.classes) or 1

    @property
    def absent(self) -> list[str]:
        """Names of the classes, or labels, that no track has."""
        if self.kind == "quantity":
            return []
        if self.kind == "labels":
            return [
                name for name, there in zip(self.classes, np.any(self.truth, axis=0).tolist(), strict=True) if not there
            ]
        present = set(self.truth.tolist())
        return [name for i, name in enumerate(self.classes) if i not in present]

    @property
    def strata(self) -> NDArray[np.int64]:
        """What folds are stratified by, ``[n]``: the classes, or tenths of a quantity.

        Of labels, which a track has and then which it has not, ``[n, 2 c]``.
        """
        if self.kind == "classes":
            return self.truth
        if self.kind == "labels":
            return np.column_stack([self.truth, ~self.truth]).astype(np.int64)
        cuts = np.quantile(self.truth, np.linspace(0, 1, STRATA + 1)[1:-1])
        return np.unique(np.searchsorted(cuts, self.truth, side="right"), return_inverse=True)[1].astype(np.int64)

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


def read_labels(
    table: pd.DataFrame, name: str, *, kind: str = "auto", columns: tuple[str, ...] = ()
) -> tuple[Labels, list[str]]:
    """Return the labels in a column, and sentences about what is left out and what it was taken for.

    With `columns`, these hold 0 or 1 for a label each, and `name` is what they are called together.
    """
    if columns:
        return _read_columns(table, name, columns)
    cells = table[check_column(table, name)]
    there = is_filled(cells)
    if not there.any():
        raise CollectionError(f"No track has a label in column {name!r}; name a column that says what tracks are.")
    tracks = table.index.to_numpy(np.int64)[there]
    found = _holds(cells[there], name) if kind == "auto" else kind
    notes = (
        []
        if there.all()
        else [f"{plural(int((~there).sum()), 'track')} without a label in {shorten(name)!r}: left out."]
    )
    if found == "quantity":
        labels = Labels(name, (), tracks, read_quantity(cells[there], name))
        what = "a quantity is predicted (regression), scored by R²"
    elif found == "labels":
        separator = separator_of(cells[there].tolist())
        sets = read_label_sets(cells[there], name, separator)
        names = tuple(sorted(set().union(*sets)))
        labels = Labels(name, names, tracks, _indicators(sets, names))
        what = f"{plural(len(names), 'label')} are predicted, each by itself, scored by ROC-AUC"
        what += f"; texts were split at {separator!r}" if separator else ""
    else:
        if separator := separator_of(cells[there].tolist()):
            notes.append(
                f"Column {shorten(name)!r}: texts with {separator!r} are a class each; with kind='labels', what stands "
                "between them are labels."
            )
        return _read_classes(cells[there], name, tracks), notes
    return labels, [f"Column {shorten(name)!r}: {what}.", *notes]


def _read_classes(cells: pd.Series, name: str, tracks: NDArray[np.int64]) -> Labels:
    texts, classes = _classes(cells, name)
    if len(classes) == 1:
        raise CollectionError(
            f"All {plural(len(texts), 'track')} with a label in {name!r} are {classes[0][:60]!r}: two classes or more "
            "are needed to tell them apart."
        )
    number = {text: i for i, text in enumerate(classes)}
    return Labels(name, tuple(classes), tracks, np.array([number[text] for text in texts], np.int64))


def _holds(cells: pd.Series, name: str) -> Kind:
    """Return what a column holds: lists are several labels, and numbers that are no classes a quantity."""
    values = cells.tolist()
    if any(is_list(value) for value in values):
        return "labels"
    if all(is_number(value) for value in values):
        return "classes" if _are_classes(values) else "quantity"
    if example := find_number_text(cells):
        raise CollectionError(
            f"Column {name!r} holds numbers as text ({example[:40]!r} was found): make numbers of it, as with "
            f"assign({_keyword(name)}={_number_hint(values, name)}), or say kind='classes'."
        )
    return "classes"


def find_number_text(cells: pd.Series) -> str:
    """Return the first cell of a column whose texts are a quantity; empty where it holds anything else."""
    values = cells.tolist()
    if _is_categorical(cells) or not all(isinstance(value, str) for value in values):
        return ""
    written = [value.strip() for value in values if value.strip().casefold() not in NOTHING]
    matches = [NUMBER.fullmatch(text) for text in written]
    numbers = [float(match[1].replace(",", ".")) for match in matches if match]
    return written[0] if written and len(numbers) == len(written) and _look_like_a_quantity(numbers) else ""


def _number_hint(values: list[str], name: str) -> str:
    """Return Python that makes numbers of a column of texts."""
    column = f"collection[{name!r}]"
    if any("," in value for value in values):
        column += ".str.replace(',', '.')"
    if not all(_is_plain_number(value.replace(",", ".")) for value in values):  # a unit, or words for nothing
        column += ".str.extract(r'(-?[0-9.]+)', expand=False)"
    return f"pandas.to_numeric({column})"


def separator_of(values: list[Any]) -> str:
    """Return what stands between labels where all cells are texts, and some seem to hold several; else nothing."""
    if not all(isinstance(value, str) for value in values):
        return ""
    return next((mark for mark in (";", "|") if any(mark in value.strip(mark) for value in values)), "")


def is_list(value: Any) -> bool:
    """Tell whether a cell holds several labels."""
    return isinstance(value, list | tuple | set | frozenset | np.ndarray)


def _is_categorical(cells: pd.Series) -> bool:
    import pandas as pd

    return isinstance(cells.dtype, pd.CategoricalDtype)


def _keyword(name: str) -> str:
    return name if name.isidentifier() else "number"


def _is_plain_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _are_classes(values: list[Any]) -> bool:
    """Tell whether numbers are whole ones, and few."""
    return all(_is_whole(value) for value in values) and len(set(values)) <= max(2, min(MOST, len(values) / LEAST))


def _look_like_a_quantity(values: list[Any]) -> bool:
    """Tell whether numbers that are written as text are no names of classes."""
    return not all(_is_whole(value) for value in values) or len(set(values)) > max(2, len(values) / 2)


def read_quantity(cells: pd.Series, name: str) -> NDArray[np.float64]:
    """Return the numbers in a column, checked to be finite and not all equal."""
    values = cells.tolist()
    odd = next((value for value in values if not is_number(value)), None)
    if odd is not None:
        raise CollectionError(
            f"A number for each track is expected in column {name!r}, {shorten(odd)[:60]!r} was found; make numbers of "
            "it, as with pandas.to_numeric."
        )
    if not all(abs(value) < LARGEST for value in values):  # NaN and infinite ones, too
        raise CollectionError(
            f"Column {name!r} holds numbers that are not finite, or beyond ±{LARGEST:g}; empty these cells, or mend "
            "them."
        )
    numbers = np.array(values, np.float64)
    if np.ptp(numbers) < 1 / LARGEST:
        raise CollectionError(
            f"All {plural(len(numbers), 'track')} with a number in {name!r} have {numbers[0]:g}: a quantity that does "
            "not vary cannot be predicted; name another column."
        )
    return numbers


def read_label_sets(cells: pd.Series, name: str, separator: str = "") -> list[set[str]]:
    """Return the labels of each track from a column of lists; a text is a list of one, or what `separator` splits."""
    sets = []
    for value in cells.tolist():
        several = (value.split(separator) if separator else [value]) if isinstance(value, str) else value
        if not is_list(several) or any(not isinstance(one, str | int | np.integer | bool) for one in several):
            raise CollectionError(
                f"A list of texts for each track is expected in column {name!r}, {shorten(value)[:60]!r} was found; "
                "assign a column of lists."
            )
        sets.append({format_label(one) for one in several} - {""})
    return sets


def _indicators(sets: list[set[str]], names: tuple[str, ...]) -> NDArray[np.bool_]:
    place = {name: i for i, name in enumerate(names)}
    truth = np.zeros((len(sets), len(names)), bool)
    for row, own in enumerate(sets):
        truth[row, [place[one] for one in own if one in place]] = True
    return truth


def _read_columns(table: pd.DataFrame, name: str, columns: tuple[str, ...]) -> tuple[Labels, list[str]]:
    """Return the labels of which each has a column of 0 and 1, or of False and True."""
    there = np.logical_and.reduce([is_filled(table[check_column(table, column)]) for column in columns])
    if not there.any():
        raise CollectionError(f"No track has a value in all columns of {name!r}; 0 or 1 in each is expected.")
    truth = np.zeros((int(there.sum()), len(columns)), bool)
    for i, column in enumerate(columns):
        values = table[column][there].tolist()
        odd = next((value for value in values if isinstance(value, str) or value not in (0, 1)), None)
        if odd is not None:
            text = " as text" if isinstance(odd, str) else ""
            raise CollectionError(
                f"0 or 1 for each track is expected in column {column!r}, {shorten(odd)[:60]!r}{text} was found; make "
                "0 and 1 of it."
            )
        truth[:, i] = np.array(values, bool)
    labels = Labels(name, columns, table.index.to_numpy(np.int64)[there], truth)
    notes = [f"{shorten(name)!r}: {len(columns)} labels are predicted, each by itself, scored by ROC-AUC."]
    if not there.all():
        notes.append(
            f"{plural(int((~there).sum()), 'track')} without a value in a column of {shorten(name)!r}: left out."
        )
    return labels, notes


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
    if all(is_number(value) for value in values):
        return _number_classes(values, name)
    texts = [format_label(value) for value in values]
    if isinstance(cells.dtype, pd.CategoricalDtype):
        used = set(texts)
        return texts, [text for text in map(format_label, cells.cat.categories) if text in used]
    return texts, sorted(set(texts))


def is_number(value: Any) -> bool:
    """Tell whether a cell is a number, which truth is not."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool | np.bool_)


def _is_whole(value: Any) -> bool:
    # Numbers of Python's own may be larger than numpy's.
    return isinstance(value, int) or bool(np.isfinite(value) and value == int(value))


def _number_classes(values: list[Any], name: str) -> tuple[list[str], list[str]]:
    """Return numbers as classes, where they can be such."""
    broken = next((value for value in values if not _is_whole(value)), None)
    if broken is not None:
        raise CollectionError(
            f"Column {name!r} is a quantity ({broken:g} was found), and no class: leave kind='classes' out, or make "
            f"classes of it, as with assign(range=pandas.cut(collection[{name!r}], 3).astype(str))."
        )
    return [format_label(value) for value in values], [format_label(value) for value in sorted(set(values))]


def format_label(value: Any) -> str:
    """Return the label in a cell as text."""
    if isinstance(value, bool | np.bool_):  # the same class, whatever column it went through
        return str(bool(value))
    return str(int(value)) if is_number(value) and _is_whole(value) else shorten(value)


# Another collection. -------------------------------------------------------------------------------------------------


def read_external(table: pd.DataFrame, ours: Labels, columns: tuple[str, ...]) -> tuple[Labels, list[str]]:
    """Return the quantity or the labels of another collection, and sentences about what is on one side only."""
    if columns:
        there, notes = _read_columns(table, ours.column, columns)
        return there, notes[1:]
    cells = table[check_column(table, ours.column)]
    filled = is_filled(cells)
    if not filled.any():
        raise CollectionError(f"No track of the other collection has a value in column {ours.column!r}.")
    tracks, notes = table.index.to_numpy(np.int64)[filled], []
    if not filled.all():
        notes.append(f"{plural(int((~filled).sum()), 'track')} of the other collection without a label: left out.")
    if ours.kind == "quantity":
        return Labels(ours.column, (), tracks, read_quantity(cells[filled], ours.column)), notes
    sets = read_label_sets(cells[filled], ours.column, separator_of(cells[filled].tolist()))
    foreign = set().union(*sets) - set(ours.classes)
    labels = Labels(ours.column, ours.classes, tracks, _indicators(sets, ours.classes))
    if not labels.truth.any():
        raise CollectionError(
            f"The collections have no label of {ours.column!r} in common; the same names are expected."
        )
    if foreign:
        notes.append(f"The other collection's {quote_names(sorted(foreign))} are no labels here: left out.")
    if labels.absent:
        notes.append(f"The other collection has no track of {quote_names(labels.absent)}: not scored there.")
    return labels, notes


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
