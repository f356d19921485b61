"""Tables of tracks as files: csv, parquet and playlists, each written whole or not at all.

Conventions: a path that is no text (its bytes are no UTF-8), or that would break a line, is written as a ``file:``
address, which holds any path; :meth:`embviz.Collection.from_table` reads it back.
"""

from __future__ import annotations

import io
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embviz.core import io as core_io
from embviz.core.text import clean_line, printable
from embviz.errors import CollectionError

if TYPE_CHECKING:
    from pandas import DataFrame


def to_csv(table: DataFrame, path: Any) -> Path:
    """Write a table as UTF-8 text, its labels in the column "track"."""
    return _write(path, _portable(table, path).to_csv(lineterminator="\n").encode())


def to_parquet(table: DataFrame, path: Any) -> Path:
    """Write a table as parquet, its labels as its index."""
    buffer = io.BytesIO()
    try:
        _portable(table, path).to_parquet(buffer)
    except (ValueError, TypeError, OverflowError) as error:  # pyarrow's errors are of these kinds
        reason = clean_line(error).rstrip(".")
        message = f"Parquet holds columns of one kind each: {reason}. Change that column with assign()."
        raise CollectionError(message) from error
    return _write(path, buffer.getvalue())


def to_m3u(table: DataFrame, path: Any, *, relative: bool) -> Path:
    """Write an extended M3U playlist of the tracks that can be read, UTF-8."""
    sound = table[table["problem"] == ""]
    if not len(sound):
        raise CollectionError("There is no track that can be played; a playlist of none is not written.")
    target = Path(path).expanduser()
    start = os.path.realpath(target.parent) if relative else None
    lines = ["#EXTM3U"]
    for track in sound[["path", "name", "title", "artist", "duration"]].itertuples(index=False):
        seconds = -1 if math.isnan(track.duration) else round(track.duration)
        shown = " - ".join(filter(None, (track.artist, track.title or Path(track.name).stem)))
        lines += [f"#EXTINF:{seconds},{clean_line(shown)}", _entry(track.path, start)]
    return _write(target, ("\n".join(lines) + "\n").encode())


def _entry(path: str, start: str | None) -> str:
    """Return a path as a line of a playlist, below the folder `start` where one is given."""
    whole = Path(path).absolute()
    text = str(whole)
    if start is not None:
        text = os.path.relpath(os.path.join(os.path.realpath(whole.parent), whole.name), start)  # noqa: PTH118
        if text.startswith("#") or ":" in text.split("/")[0]:
            text = f"./{text}"  # neither a remark nor an address
    return text if _is_line(text) else whole.as_uri()


def _portable(table: DataFrame, target: Any) -> DataFrame:
    """Return the table with text only, its relative paths from the folder of the file that it is written to."""
    import pandas as pd

    folder = os.path.realpath(Path(target).expanduser().parent)
    elsewhere = folder != os.path.realpath(Path())

    def entry(path: str) -> str:
        if elsewhere and not Path(path).is_absolute():
            return _entry(path, folder)
        return path if _is_line(path) else Path(path).absolute().as_uri()

    plainly = {"path": pd.Series(map(entry, table["path"]), index=table.index, dtype=str)}
    for name in table.columns:
        if name != "path" and not pd.api.types.is_numeric_dtype(table[name].dtype):
            plainly[name] = table[name].map(lambda cell: printable(cell) if isinstance(cell, str) else cell)
    return table.assign(**plainly)


def _is_line(text: str) -> bool:
    """Tell whether a path is text, on one line, that no reader would strip."""
    return text == printable(text) == text.strip() and len(text.splitlines()) <= 1


def _write(path: Any, data: bytes) -> Path:
    target = Path(path).expanduser()
    try:
        return core_io.write_bytes(target, data)
    except OSError as error:
        raise CollectionError(f"{str(target)!r} cannot be written: {error.strerror}.") from error
