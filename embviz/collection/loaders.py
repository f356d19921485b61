"""Loaders of collections from tables and from mirdata's datasets."""

from __future__ import annotations

import inspect
import os
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from embviz.collection.discovery import expand_user
from embviz.core.paths import check_the_path
from embviz.core.spreadsheet import unescape_table
from embviz.core.text import shorten
from embviz.errors import CollectionError, did_you_mean

if TYPE_CHECKING:
    from pandas import DataFrame


PARQUET = (".parquet", ".pq")
TEXTS = ("title", "artist", "album", "genre")
MISSING = ["", "#N/A", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"]
SCALARS = (str, int, float, bool)
SOUND_OR_FILE = ("audio", "path", "spectrogram")  # what a label's name does not hold


def read_table(source: Any, audio: str) -> tuple[DataFrame, Path]:
    """Return a table with a column of paths called `audio`, and the folder that relative ones start from."""
    import pandas as pd

    if isinstance(source, pd.DataFrame):
        table, base = source.copy(), Path()
    elif isinstance(source, str | os.PathLike):
        table, base = read_file(expand_user(source), audio), expand_user(source).parent
    else:
        raise CollectionError(f"A csv or parquet file or a DataFrame is expected, {source!r:.80} was found.")
    if isinstance(table.columns, pd.MultiIndex) or not all(isinstance(name, str) for name in table.columns):
        raise CollectionError("One row of column names is expected, each of them text; name the columns anew.")
    if table.index.name is not None and table.index.name not in table.columns:
        table = table.reset_index()
    if not table.columns.is_unique:
        twice = table.columns[table.columns.duplicated()][0]
        raise CollectionError(f"The table has two columns {twice!r}; rename one of them.")
    check_column(table, audio, "Say which one holds the paths with audio=….")
    if not len(table):
        raise CollectionError("The table has no rows; a row per track is expected.")
    return table.reset_index(drop=True), base


def check_paths(given: Any) -> list[Path]:
    """Return a list of paths, checked to be one."""
    if isinstance(given, str | os.PathLike) or not isinstance(given, Iterable):
        raise CollectionError(f"A list of paths is expected, {given!r:.80} was found; put it in brackets.")
    paths = list(given)
    for place, path in enumerate(paths):
        if not isinstance(path, str | os.PathLike) or not os.fspath(path):
            raise CollectionError(f"A list of paths is expected, {path!r:.80} was found at place {place}.")
    if not paths:
        raise CollectionError("A list of paths is expected, an empty one was found.")
    return [expand_user(path) for path in paths]


def check_column(table: DataFrame, name: Any, remedy: str = "") -> str:
    """Return the name of a column, checked to be there."""
    if name in table.columns:
        return str(name)
    known = [shorten(known)[:60] for known in table.columns]
    listed = ", ".join(map(repr, known[:20])) + (", …" if len(known) > 20 else "")
    remedy = did_you_mean(str(name), known) or (remedy and f" {remedy}")
    raise CollectionError(f"The table has no column {name!r}; it has {listed}.{remedy}")


def parse_path(value: Any, base: Path) -> Path | None:
    """Return the path in a cell, from `base` where it is relative; None where the cell is empty."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str) or not value.strip():
        return None
    if value.startswith("file://"):
        _, slash, rest = value.removeprefix("file://").partition("/")
        return Path(os.fsdecode(unquote_to_bytes(slash + rest)))
    return base / expand_user(value)


def read_file(path: Path, audio: str) -> DataFrame:
    """Return the table in a csv, tsv or parquet file; what stands in the column `audio`, and in tags, are texts."""
    import pandas as pd

    shown = repr(str(path))
    if not path.is_file():
        raise CollectionError(
            f"{shown} is a folder; a csv or parquet file is expected. Collection.from_folder lists folders."
            if path.is_dir()
            else f"There is no table {shown}; {check_the_path(path)}"
        )
    try:
        if path.suffix.lower() in PARQUET:
            return pd.read_parquet(path)
        separator = "\t" if path.suffix.lower() == ".tsv" else ","
        options: dict[str, Any] = {"sep": separator, "encoding": "utf-8-sig", "keep_default_na": False}
        # A title may be "None", and an artist "NA": there, only an empty cell is missing.
        texts = (audio, *TEXTS)
        names = pd.read_csv(path, nrows=0, **options).columns
        missing = {name: [""] if name in texts else MISSING for name in names}
        return unescape_table(pd.read_csv(path, na_values=missing, dtype=dict.fromkeys(texts, str), **options))
    except OSError as error:
        raise CollectionError(f"{shown} cannot be read: {error.strerror or error}.") from error
    except UnicodeError as error:
        raise CollectionError(f"{shown} is no UTF-8 text; save it as such, which spreadsheets offer.") from error
    except (ValueError, pd.errors.ParserError, OverflowError, MemoryError) as error:
        said = shorten(str(error)).rstrip(".")
        raise CollectionError(f"{shown} cannot be read as a table: {said}.") from error


# mirdata. ----------------------------------------------------------------------------------------------------------


def read_mirdata(dataset: Any, data_home: Any, audio: str) -> DataFrame:
    """Return a table of a dataset's tracks: `track_id`, `path`, and the labels: text, numbers or lists of text."""
    import pandas as pd

    whole = _open_dataset(dataset, data_home)
    try:
        tracks = whole.load_tracks()
    except (OSError, AttributeError, NotImplementedError, ValueError, KeyError) as error:
        raise CollectionError(
            f"The tracks of {whole.name!r} cannot be listed: {shorten(error).rstrip('.')}. "
            "mirdata's dataset.download() fetches the index and the labels; data_home says where they are."
        ) from error
    if not tracks:
        raise CollectionError(f"The dataset {whole.name!r} has no tracks.")
    first = next(iter(tracks.values()))
    if not hasattr(first, audio):
        paths = [name for name in vars(first) if name.endswith("_path")]
        raise CollectionError(
            f"Tracks of {whole.name!r} have no {audio!r}; say which of {', '.join(paths)} is meant with audio=…."
        )
    rows = [{"track_id": str(name), "path": getattr(track, audio)} for name, track in tracks.items()]
    for label in _label_names(type(first), vars(first)):
        _add_label(label, rows, tracks)
    return pd.DataFrame(rows)


def _open_dataset(dataset: Any, data_home: Any) -> Any:
    try:
        import mirdata
        from mirdata.core import Dataset
    except ImportError as error:
        raise CollectionError(
            "Datasets are read with mirdata; install it with: pip install 'embviz[mirdata]'."
        ) from error
    if isinstance(dataset, Dataset):
        return dataset
    if not isinstance(dataset, str):
        raise CollectionError(f"A dataset of mirdata or its name is expected, {dataset!r:.80} was found.")
    known = mirdata.list_datasets()
    if dataset not in known:
        raise CollectionError(f"mirdata has no dataset {dataset!r}.{did_you_mean(dataset, known)}")
    return mirdata.initialize(dataset, data_home=None if data_home is None else str(expand_user(data_home)))


def _label_names(kind: type, own: Mapping[str, Any]) -> list[str]:
    """Return the names of what may be a label of a track, without asking for its value."""
    members = inspect.getmembers_static(kind)
    functions = {name: getattr(member, "fget", None) or getattr(member, "func", None) for name, member in members}
    names = [*own, *(name for name, function in functions.items() if function is not None)]
    named = [name for name in names if not name.startswith("_") and not any(word in name for word in SOUND_OR_FILE)]
    return [name for name in named if name in own or _may_be_label(functions[name])]


def _may_be_label(function: Any) -> bool:
    """Tell whether a function says that it returns text, a number or a list of texts, or says nothing."""
    try:
        said = typing.get_type_hints(function).get("return")
    except (NameError, TypeError):
        return False
    if said is None:
        return True
    kinds = typing.get_args(said) if typing.get_origin(said) in (typing.Union, UnionType) else (said,)
    return all(kind in (*SCALARS, NoneType, list, list[str], typing.List[str]) for kind in kinds)  # noqa: UP006  mirdata's


def _add_label(label: str, rows: list[dict[str, Any]], tracks: Mapping[str, Any]) -> None:
    """Add a label to all rows, unless it turns out to be no text, no number and no list of texts."""
    values = []
    for track in tracks.values():
        try:
            value = getattr(track, label)
        except Exception:  # noqa: BLE001  a loader's file may be missing or malformed
            value = None
        if hasattr(value, "item") and getattr(value, "shape", None) == ():
            value = value.item()
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            value = list(value)
        elif not isinstance(value, (*SCALARS, NoneType)):
            return
        values.append(value)
    if label not in rows[0] and any(value is not None for value in values):
        for row, value in zip(rows, values, strict=True):
            row[label] = value
