"""Operations on the tables of collections, checked so that no track is lost or doubled."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embviz.collection.column_facts import without_facts
from embviz.collection.loaders import check_column, read_file
from embviz.collection.track_table import COLUMNS, TEXTS, clean_column, normalize_table
from embviz.core.labels import is_mask, label_problem
from embviz.core.text import plural, shorten
from embviz.errors import CollectionError, did_you_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import DataFrame, Series


_UNDEFINED = re.compile(r"name '([^']+)' is not defined")
_SINGLE_EQUALS = re.compile(r"(?<![=!<>])=(?!=)")
NAMING = ("path", "file", "name", "filename", "audio", "track")  # columns that may say which track is meant
# What files are, not what is said of them; and the name of the labels.
FIXED = ("path", "name", "folder", "digest", "duplicate_of", "problem", "warning", "track")


def check_table(table: Any) -> DataFrame:
    """Return a collection's table, checked to be one."""
    import pandas as pd

    if not isinstance(table, pd.DataFrame) or tuple(table.columns[: len(COLUMNS)]) != COLUMNS:
        raise CollectionError(
            f"The table of a collection is expected, {type(table).__name__} was found; collections are made by "
            "Collection.from_folder, from_paths, from_table and from_mirdata."
        )
    return table


def row_mask(table: DataFrame, key: Any) -> NDArray[Any]:
    """Return a mask for the rows of a table, ``[n]``; what is neither true nor false counts as false."""
    import pandas as pd

    try:
        mask = key if isinstance(key, pd.Series) else pd.Series(key, index=table.index)
        if mask.dtype.kind not in "bO":
            raise TypeError(mask.dtype)
        mask = mask.astype("boolean").fillna(value=False)
    except (ValueError, TypeError) as error:
        raise CollectionError(
            f"A column, a list of columns, a slice or a mask of {len(table)} is expected in the brackets, "
            f"{key!r:.80} was found; select(labels) takes labels."
        ) from error
    # The mask of a collection that these tracks are some of will do, as it does in pandas.
    problem = label_problem(mask[mask.index.isin(table.index)], table.index, whole=True)
    if problem:
        raise CollectionError(f"The mask is one of other tracks: {problem}")
    values: NDArray[Any] = mask.reindex(table.index).to_numpy(dtype=bool)
    return values


def query_problem(table: DataFrame, expression: Any, error: Exception) -> str:
    """Return what is wrong with an expression that pandas cannot evaluate, as a sentence."""
    said = f"An expression such as 'bpm > 120' is expected, {shorten(expression)!r} cannot be evaluated"
    columns = [shorten(name)[:60] for name in table.columns]
    if isinstance(expression, str) and _assigns(expression):
        return f"{said}: = assigns, == compares; write {shorten(_SINGLE_EQUALS.sub('==', expression))!r}."
    unknown = _UNDEFINED.search(str(error))
    near = did_you_mean(unknown[1], columns) if unknown else ""
    remedy = near.strip() or f"columns are {', '.join(columns)}."
    return f"{said}: {shorten(error).rstrip('.')}; {remedy}"


def _assigns(expression: str) -> bool:
    try:
        return any(isinstance(part, ast.Assign) for part in ast.parse(expression.strip()).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return bool(_SINGLE_EQUALS.search(expression))


def assign_columns(table: DataFrame, columns: dict[str, Any]) -> DataFrame:
    """Return a table with columns added or replaced."""
    fixed = [name for name in columns if name in FIXED]
    if fixed:
        raise CollectionError(f"{fixed[0]!r} says what a file is and cannot be assigned; take another name.")
    check_labels(columns, table)
    try:
        return without_facts(normalize_table(_assign(table, columns)), columns)
    except (ValueError, TypeError) as error:
        raise CollectionError(
            f"{', '.join(columns)} cannot be assigned: {shorten(error).rstrip('.')}. A value, or one for each of "
            f"{plural(len(table), 'track')}, is expected."
        ) from error


def check_labels(columns: Mapping[str, Any], table: DataFrame) -> None:
    """Raise CollectionError where a column is a Series of other tracks, of which the wrong values would be taken."""
    import pandas as pd

    for name, values in columns.items():
        problem = label_problem(values, table.index) if isinstance(values, pd.Series) else ""
        if problem:
            raise CollectionError(f"{name} cannot be assigned: {problem}")


def _assign(table: DataFrame, columns: dict[str, Any]) -> DataFrame:
    """Do as DataFrame.assign; new series are added all at once, since hundreds one by one make a slow table."""
    import pandas as pd

    if not all(isinstance(values, pd.Series) and name not in table.columns for name, values in columns.items()):
        return table.assign(**columns)
    joined = pd.concat([table, pd.DataFrame(columns, index=table.index)], axis=1)
    joined.attrs = dict(table.attrs)
    return joined


def drop_columns(table: DataFrame, columns: Any) -> DataFrame:
    """Return a table without some of the columns that were added to it."""
    names = [columns] if isinstance(columns, str) else list(columns)
    for name in names:
        if check_column(table, name) in COLUMNS:
            remedy = "" if name in FIXED else f"; assign({name}=None) empties it"
            raise CollectionError(f"Every collection has a column {name!r}, which cannot be dropped{remedy}.")
    return table.drop(columns=names)


def drop_tracks(table: DataFrame, tracks: Any) -> DataFrame:
    """Return a table without the tracks of some labels."""
    import pandas as pd

    return table.drop(index=known_labels(table, tracks if pd.api.types.is_list_like(tracks) else [tracks]))


def known_labels(table: DataFrame, given: Any) -> list[Any]:
    """Return labels, each once, checked to be those of tracks."""
    labels = list(dict.fromkeys(given))
    if is_mask(labels):
        raise CollectionError(
            "Labels of tracks are expected, a mask was found; collection[mask] gives the tracks of a mask, and "
            "collection[~mask] all others."
        )
    unknown = [label for label in labels if label not in table.index]
    if unknown:
        raise CollectionError(f"There is no track {unknown[0]!r:.80}; labels are those of collection.table.index.")
    return labels


def join_table(
    table: DataFrame, other: Any, on: str | None, *, rsuffix: str, overwrite: bool
) -> tuple[DataFrame, list[str]]:
    """Return a table with the columns of another one, whose index holds what stands in the column `on`."""
    import pandas as pd

    right = other.to_frame() if isinstance(other, pd.Series) else other
    if not isinstance(right, pd.DataFrame):
        raise CollectionError(f"A DataFrame or a Series is expected, {type(other).__name__} was found.")
    keys = table.index.to_series() if on is None else table[check_column(table, on)]
    if on is not None and on in right.columns:
        right = right.set_index(on)
    return _join(table, right, keys, rsuffix=rsuffix, overwrite=overwrite)


def merge_table(
    table: DataFrame, other: Any, left: str | None, right: str | None, *, rsuffix: str, overwrite: bool
) -> tuple[DataFrame, list[str]]:
    """Return a table with the columns of another one, by a column of each."""
    import pandas as pd

    if not isinstance(other, pd.DataFrame):
        raise CollectionError(f"A DataFrame is expected, {type(other).__name__} was found.")
    shared = [name for name in other.columns if name in table.columns]
    if left is None and right is None and len(shared) != 1:
        number = plural(len(shared), "column")
        raise CollectionError(f"The tables have {number} in common; say which one names the tracks with on=….")
    left, right = left or right or shared[0], right or left or shared[0]
    named = other.set_index(check_column(other, right))
    return _join(table, named, table[check_column(table, left)], rsuffix=rsuffix, overwrite=overwrite)


def join_file(table: DataFrame, path: Path) -> tuple[DataFrame, list[str]]:
    """Return a table with the columns of a csv or parquet file that names the tracks in one of its columns.

    A track is named by its path, by its name below the folder of the collection, by the name of its file, or by that
    without its ending, as most rows have it.
    """
    other = read_file(path, "path")
    if not other.columns.is_unique:
        raise CollectionError(f"{str(path)!r} has two columns {other.columns[other.columns.duplicated()][0]!r}.")
    column = next((name for name in NAMING if name in other.columns), None)
    if column is None:
        expected = ", ".join(map(repr, NAMING))
        found = ", ".join(shorten(repr(name), 40) for name in other.columns[:10])
        raise CollectionError(
            f"{str(path)!r} does not say which tracks it is about: a column with their names is expected, "
            f"called one of {expected}; {found} were found."
        )
    # Of a table that a collection wrote, only what is said of the tracks is new.
    rest = [name for name in other.columns if name == column or name not in FIXED]
    other = other.loc[other[column].notna(), rest].astype({column: str})
    full = other[column].map(lambda name: str((path.parent / name).absolute()))
    names = [Path(name) for name in table["name"]]
    ways = [
        (full, [str(Path(place).absolute()) for place in table["path"]]),
        (other[column], list(table["name"])),
        (other[column], [name.name for name in names]),
        (other[column], [name.stem for name in names]),
    ]
    said, keys = max(((said, _once(keys, table)) for said, keys in ways), key=lambda way: way[1].isin(way[0]).sum())
    if not keys.isin(said).any():
        raise CollectionError(
            f"{str(path)!r} is about none of these tracks: {next(iter(other[column]), '')!r:.60} stands in its column "
            f"{column!r}, {next(iter(table['name']), '')!r:.60} here."
        )
    return _join(table, other.set_index(said).drop(columns=column), keys, rsuffix="", overwrite=True)


def _once(keys: list[str], table: DataFrame) -> Series:
    """Return names of tracks without those that several have, which name none of them."""
    import pandas as pd

    named = pd.Series(keys, index=table.index, dtype=str)
    return named.mask(named.duplicated(keep=False), "")


def _join(
    table: DataFrame, right: DataFrame, keys: Series, *, rsuffix: str, overwrite: bool
) -> tuple[DataFrame, list[str]]:
    names = right.columns
    if names.nlevels > 1 or not names.is_unique:
        found = "names of several levels" if names.nlevels > 1 else f"{names[names.duplicated()][0]!r:.80} twice"
        raise CollectionError(f"The table to be joined needs a name for each column, {found} was found; rename them.")
    twice = right.index[right.index.duplicated()]
    if len(twice):
        raise CollectionError(
            f"The table to be joined says {twice[0]!r:.80} more than once; keep one row for each, "
            "as with drop_duplicates() or groupby()."
        )
    if rsuffix:
        right = right.rename(columns={name: f"{name}{rsuffix}" for name in _shared(table, right)})
        if not right.columns.is_unique:
            raise CollectionError(f"With rsuffix={rsuffix!r:.80}, two columns get one name; choose another one.")
    both = _shared(table, right)
    kept = [name for name in both if name in FIXED] if overwrite else both
    if kept:
        raise CollectionError(
            f"Both tables have a column {kept[0]!r}: rsuffix='_other' keeps both"
            + (", since what a file is is not overwritten." if kept[0] in FIXED else
               ", overwrite=True takes what the one to be joined says.")
        )  # fmt: skip
    there = keys.isin(right.index)
    if len(keys) and len(right) and not there.any():
        raise CollectionError(
            f"The table to be joined has nothing for any of these tracks: {right.index[0]!r:.60} stands there, "
            f"{keys.iloc[0]!r:.60} here; check on=…."
        )
    taken = right.reindex(keys)
    taken.index = table.index
    joined = _overwrite(table, taken[both]).join(taken.drop(columns=both))
    joined.attrs = dict(table.attrs)
    missing = int((~there).sum())
    notes = [f"{missing:,} of {plural(len(table), 'track')} had nothing in the table that was joined."]
    return without_facts(joined, both), notes if missing else []


def _shared(table: DataFrame, right: DataFrame) -> list[Any]:
    return [name for name in right.columns if name in table.columns or name in FIXED]


def _overwrite(table: DataFrame, given: DataFrame) -> DataFrame:
    """Return a table whose cells are those of another one with the same rows, where something stands in these."""
    if not len(given.columns):
        return table
    table = table.copy()
    for name, values in given.items():
        said = clean_column(values) if name in TEXTS else values
        table[name] = said.where(said != "" if name in TEXTS else said.notna(), table[name])
    return normalize_table(table)


def overlay_table(table: DataFrame, given: DataFrame) -> tuple[DataFrame, list[str]]:
    """Return a table with the columns of the user's own table of the same rows.

    A table that a collection wrote gives its labels back, and what files say anew is not taken from it.
    """
    ours = set(COLUMNS) - {"path"} <= set(given.columns)
    given = given.set_axis(table.index)
    known = [name for name in given.columns if name in (*TEXTS, "year", "duration")]
    table, notes = _overwrite(table, given[known]).copy(), []
    for name in given.columns.difference(known, sort=False):
        if name not in FIXED:
            table[name] = given[name]
        elif not ours:
            free = _free_name(name, {*table.columns, *given.columns})
            table[free] = given[name]
            notes.append(f"The table's own {name!r} is called {free!r} here: collections have a {name!r} already.")
    table = normalize_table(table)
    return (_restore_labels(table, given["track"]) if ours and "track" in given else table), notes


def _restore_labels(table: DataFrame, labels: Series) -> DataFrame:
    """Return a table with labels in place of places, if they can be such."""
    if labels.dtype.kind != "i" or not labels.is_unique:
        return table
    originals = table["duplicate_of"].map(lambda place: labels[place], na_action="ignore").astype("Int64")
    return table.assign(duplicate_of=originals).set_axis(labels.rename("track").astype("int64"))


def _free_name(name: str, taken: set[str]) -> str:
    while name in taken or name in FIXED:
        name += "_"
    return name


def refresh_table(old: DataFrame, fresh: DataFrame, first_new: int) -> DataFrame:
    """Return a fresh table with the labels and the added columns of an old one; new tracks count from `first_new`."""
    label_of = dict(zip(old["path"], old.index, strict=True))
    new = iter(range(first_new, first_new + len(fresh)))
    labels = [label_of[path] if path in label_of else next(new) for path in fresh["path"]]
    by_place = dict(zip(fresh.index, labels, strict=True))
    originals = fresh["duplicate_of"].map(by_place, na_action="ignore").astype("Int64")
    table = fresh.assign(duplicate_of=originals).set_axis(labels)
    return normalize_table(table.join(old[[name for name in old.columns if name not in table.columns]]))
