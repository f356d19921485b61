"""The table of a collection: a row per file, with what the file says about itself and what is wrong with it.

Conventions: the index holds labels named "track"; texts are empty where nothing is known, numbers are missing. Nothing
is decoded. What was read before and has not changed is not read again.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from embviz.audio import Audio
from embviz.audio.facts import load_facts
from embviz.collection import file_tags
from embviz.collection.file_tags import MOST_VALUES, FileTags
from embviz.collection.metadata_cache import MetadataCache, Stamp
from embviz.collection.sidecar import read_sidecar
from embviz.core.cache import Cache, CacheOption, resolve_cache
from embviz.core.text import LONGEST_LINE, is_missing, printable_name, shorten
from embviz.errors import AudioError

if TYPE_CHECKING:
    from pandas import DataFrame, Series

    from embviz.core.progress import Report


COLUMNS = (
    "path", "name", "folder", "title", "artist", "album", "genre", "year", "duration", "digest", "duplicate_of",
    "problem", "warning",
)  # fmt: skip
SOUND_COLUMNS = ("path", "digest", "problem")  # that say which sound a track is
TEXTS = ("title", "artist", "album", "genre")
SIDECAR_COLUMNS = {"style": "", "bpm": float("nan"), "key": "", "meter": "", "note": ""}  # that tracks.csv may add
LONGEST_PATH = 2000  # letters; a sentence may hold a name, too
UNKNOWN = FileTags()
NEVER: Stamp = (0, 0)


@dataclass(slots=True)
class _File:
    path: Path
    stamp: Stamp = NEVER
    tags: FileTags = UNKNOWN
    digest: str = ""
    problem: str = ""


def build_track_table(
    paths: Sequence[Path | None],
    names: Sequence[str],
    *,
    cache: CacheOption = None,
    duplicates: bool = True,
    report: Report,
) -> tuple[DataFrame, list[str]]:
    """Return the table of some files, labelled by their places, and sentences about what was noticed.

    A path is None where there is a row but no file; `names` say what the files are called. Files of equal size are
    compared by their content where `duplicates` are to be found. `report` may raise to cancel.
    """
    store = resolve_cache(cache)
    index = _open_index(store)
    files = [_stat_file(path) for path in paths]
    try:
        _read_tags(files, index, report)
        first = _find_duplicates(files, store, index, report) if duplicates else {}
    finally:
        index.save()
    return _add_sidecar_columns(_table(files, paths, names, first), files)


def read_file_tags(paths: Sequence[Path], *, cache: CacheOption = None, report: Report) -> list[FileTags]:
    """Return the tags of files, from the index where they were read before, with what is wrong with each file."""
    files, index = [_stat_file(path) for path in paths], _open_index(resolve_cache(cache))
    try:
        _read_tags(files, index, report)
    finally:
        index.save()
    return [file.tags._replace(problem=file.problem) for file in files]


def normalize_table(table: DataFrame) -> DataFrame:
    """Return a table whose own columns have their types and stand first, under labels named "track"."""
    import pandas as pd

    own: dict[str, Any] = {name: clean_column(table[name]) for name in (*TEXTS, "digest")}
    own |= {name: clean_column(table[name], LONGEST_PATH) for name in ("name", "problem", "warning")}
    own["path"] = pd.Series(table["path"].tolist(), index=table.index, dtype=object)  # no text, if bytes are not
    own["folder"] = pd.Series([_folder_of(name) for name in own["name"]], index=table.index, dtype=str)
    own["year"] = _years(table["year"])
    seconds = pd.to_numeric(table["duration"], errors="coerce").astype("float64")
    own["duration"] = seconds.where((seconds > 0) & (seconds < float("inf")))
    own["duplicate_of"] = table["duplicate_of"].astype("Int64")
    rest = {name: table[name] for name in table.columns if name not in COLUMNS}
    made = pd.DataFrame({**{name: own[name] for name in COLUMNS}, **rest}, index=table.index)
    made.index = made.index.astype("int64").rename("track")
    made.attrs = dict(table.attrs)
    return made


def add_sound_facts(table: DataFrame, store: Cache | None) -> DataFrame:
    """Return a table with the true length, and what is odd about the sound, of the tracks that were decoded before."""
    if store is None or not {*SOUND_COLUMNS, "duration", "warning"} <= set(table.columns):  # somebody's own table
        return table
    known = {}
    rows = zip(table.index, *(table[name] for name in SOUND_COLUMNS), strict=True)
    for label, path, listed, problem in rows:
        digest = None if problem else listed or store.known_digest(Path(path))
        facts = load_facts(store, digest) if digest else None
        if facts is not None:
            known[label] = facts
    if not known:
        return table
    table = table.copy()
    labels = list(known)
    table.loc[labels, "duration"] = [facts.seconds for facts in known.values()]
    table.loc[labels, "warning"] = [facts.note for facts in known.values()]
    return table


def clean_column(column: Series, longest: int = LONGEST_LINE) -> Series:
    """Return a column as printable text on one line each; empty where nothing stands there."""
    import pandas as pd

    cells = [shorten(_cell_text(cell), longest) for cell in column]
    return pd.Series(cells, index=column.index, dtype=str)


def _folder_of(name: str) -> str:
    """Return the folder in the name of a file, as ``rock/live``; empty for what lies at the top."""
    folder = PurePath(name).parent
    return "" if folder == PurePath() else str(folder)


def _cell_text(cell: Any) -> Any:
    """Return a cell, or the values of a list in it, as several artists stand in tags."""
    if isinstance(cell, str):
        return cell
    if hasattr(cell, "tolist"):  # an array, as parquet gives lists
        cell = cell.tolist()
    if isinstance(cell, list | tuple):
        return "; ".join(str(value) for value in cell[:MOST_VALUES] if not is_missing(value))
    return "" if is_missing(cell) else cell


def names_below(paths: Sequence[Path | None], base: Path | None = None) -> list[str]:
    """Return how files are called below a folder, by default the one that holds all of them."""
    if base is None:
        try:
            base = Path(os.path.commonpath([path.parent for path in paths if path is not None]))
        except ValueError:  # some are absolute and some are not, or there are none
            base = Path()
    return ["" if path is None else shorten(_below(path, base), LONGEST_PATH) for path in paths]


def _below(path: Path, base: Path) -> Path:
    for one, other in ((path, base), (path.absolute(), base.absolute())):
        if one.is_relative_to(other):
            return one.relative_to(other)
    return path


def _open_index(store: Cache | None) -> MetadataCache:
    return MetadataCache([] if store is None else [folder / "index" for folder in store.folders])


# Looking at files. -------------------------------------------------------------------------------------------------


def _stat_file(path: Path | None) -> _File:
    """Return size and time of a file, or why it cannot be heard."""
    if path is None:
        return _File(Path(), problem="No path is given for this track.")
    try:
        status = os.stat(path)  # noqa: PTH116  many files
        readable = os.access(path, os.R_OK)
    except (OSError, ValueError) as error:
        return _File(path, problem=_os_error_reason(path, error))
    unfit = _unusable_reason(status, readable=readable)
    if unfit:
        return _File(path, problem=f"{printable_name(path)!r} {unfit}")
    return _File(path, (status.st_size, status.st_mtime_ns))


def _unusable_reason(status: os.stat_result, *, readable: bool) -> str:
    if stat.S_ISDIR(status.st_mode):
        return "is a folder; an audio file is expected."
    if not stat.S_ISREG(status.st_mode):
        return "is a pipe or a device; an audio file is expected."
    if not status.st_size:
        return "is empty (0 bytes); copy or download it again."
    return "" if readable else f"cannot be read: {os.strerror(errno.EACCES)}."


def _os_error_reason(path: Path, error: OSError | ValueError) -> str:
    name = repr(printable_name(path))
    if isinstance(error, ValueError):
        return f"{name} is no name that a file can have."
    if error.errno == errno.ELOOP:
        return f"{name} is a link that leads back to itself."
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        if os.path.islink(path):  # noqa: PTH114
            return f"{name} is a link to a file that is not there."
        return f"There is no file {name}; check the path."
    return f"{name} cannot be read: {error.strerror}."


def _reported(files: Sequence[_File], stage: str, report: Report) -> Iterator[_File]:
    """Yield files, and report now and then how many of them are done."""
    for i, file in enumerate(files):
        if i % 50 == 0:
            report(stage, i, len(files))
        yield file
    if files:
        report(stage, len(files), len(files))


def _read_tags(files: Sequence[_File], index: MetadataCache, report: Report) -> None:
    """Fill in the tags: of files that were read before from the index, of others from the files."""
    unread = []
    for file in [file for file in files if not file.problem]:
        known = index.get(file.path, file.stamp)
        if known is None:
            unread.append(file)
        else:
            file.tags, file.digest = known
    for file in _reported(unread, "reading tags", report):
        try:
            file.tags = file_tags.read_tags(file.path)
            index.put(file.path, file.stamp, file.tags, "")
        except OSError as error:  # this may pass, so it is not kept
            file.problem = _os_error_reason(file.path, error)
    for file in files:
        file.problem = file.problem or file.tags.problem


def _find_duplicates(
    files: Sequence[_File], store: Cache | None, index: MetadataCache, report: Report
) -> dict[int, int]:
    """Return place -> place of the first file with the same content; only files of one size are compared."""
    by_size = defaultdict(list)
    for place, file in enumerate(files):
        if not file.problem:
            by_size[file.stamp[0]].append(place)
    compared = [place for places in by_size.values() if len(places) > 1 for place in places]
    unknown = [files[place] for place in compared if not files[place].digest]
    for file in _reported(unknown, "comparing files of equal size", report):
        try:
            audio = Audio.open(file.path)
            file.digest = audio.digest if store is None else store.digest(audio)
        except AudioError as error:
            file.problem = str(error)
        else:
            index.put(file.path, file.stamp, file.tags, file.digest)
    first: dict[str, int] = {}
    originals = {
        place: first.setdefault(files[place].digest, place) for place in sorted(compared) if files[place].digest
    }
    return {place: original for place, original in originals.items() if original != place}


# Building the table. -----------------------------------------------------------------------------------------------


def _table(
    files: Sequence[_File], paths: Sequence[Path | None], names: Sequence[str], first: Mapping[int, int]
) -> DataFrame:
    import pandas as pd

    columns = {
        "path": ["" if path is None else str(path) for path in paths],
        "name": list(names),
        **{name: [getattr(file.tags, name) for file in files] for name in (*TEXTS, "year", "duration")},
        "digest": [file.digest for file in files],
        "duplicate_of": [first.get(place, pd.NA) for place in range(len(files))],
        "problem": [file.problem for file in files],
        "warning": [""] * len(files),
    }
    return normalize_table(pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()}))


def _add_sidecar_columns(table: DataFrame, files: Sequence[_File]) -> tuple[DataFrame, list[str]]:
    """Return the table with what ``tracks.csv`` files beside the sounds say, and what is wrong with those."""
    folders = {file.path.parent for file in files if file.stamp != NEVER}
    said = {folder: read_sidecar(folder) for folder in sorted(folders)}
    notes = [wrong for _, wrong in said.values() if wrong]
    if not any(rows for rows, _ in said.values()):
        return table, notes
    rows = [said.get(file.path.parent, ({}, ""))[0].get(file.path.name, {}) for file in files]
    titles = [row.get("title") or title for row, title in zip(rows, table["title"], strict=True)]
    there = {name: nothing for name, nothing in SIDECAR_COLUMNS.items() if any(row.get(name) for row in rows)}
    added = {name: [row.get(name) or nothing for row in rows] for name, nothing in there.items()}
    labels = dict.fromkeys(name for row in rows for name in row.get("labels", ()) if name not in table.columns)
    added |= {name: [row.get("labels", {}).get(name, "") for row in rows] for name in labels}
    return table.assign(title=titles, **added), notes


def _years(column: Series) -> Series:
    """Return the first year in each cell, be it a number or a date."""
    import pandas as pd

    found = column.astype(object).map(str).str.extract(r"(?<!\d)([12]\d{3})(?!\d)", expand=False)
    return pd.to_numeric(found).astype("Int64")
