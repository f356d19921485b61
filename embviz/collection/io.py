"""Tables of tracks as files: csv, parquet and playlists, each written whole or not at all.

Conventions: a path that is no text (its bytes are no UTF-8), or that would break a line, is written as a ``file:``
address, which holds any path; :meth:`embviz.Collection.from_table` reads it back. Relative paths start from the folder
of the file, as they are read. Texts of CSV files are as in :mod:`embviz.core.spreadsheet`.
"""

from __future__ import annotations

import io
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.core import io as core_io
from embviz.core.paths import relative_path
from embviz.core.spreadsheet import FORMULA, escape_table
from embviz.core.text import clean_line, format_cell, format_time, is_missing, printable
from embviz.errors import CollectionError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import DataFrame

#: Columns of a saved selection: the place of a row in it, counted from 1, and where a moment of a track starts and
#: stops, in seconds.
RANK, START, STOP = "selection_rank", "selection_start", "selection_stop"


def to_csv(table: DataFrame, path: Any, *, spreadsheet_safe: bool = False) -> Path:
    """Write a table as UTF-8 text, its labels in the column "track"."""
    cells = escape_table(_portable(table, path), safe=spreadsheet_safe)
    return _write(path, cells.to_csv(lineterminator="\n").encode())


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
    """Write an extended M3U playlist of the tracks that can be read, UTF-8, in the order of the rows."""
    sound = table[table["problem"] == ""]
    if not len(sound):
        raise CollectionError("There is no track that can be played; a playlist of none is not written.")
    target = Path(path).expanduser()
    start = os.path.realpath(target.parent) if relative else None
    lines = ["#EXTM3U"]
    listed = sound.reindex(columns=["path", "name", "title", "artist"]).itertuples(index=False, name=None)
    for (place, *names), numbers in zip(listed, _numbers(sound, "duration", RANK, START, STOP), strict=True):
        lines += [*_describe(_display(*map(format_cell, names)), *numbers), _entry(place, start)]
    return _write(target, ("\n".join(lines) + "\n").encode())


def _display(name: str, title: str, artist: str) -> str:
    """Return what a playlist calls a track."""
    return clean_line(" - ".join(filter(None, (artist, title or Path(name).stem))))


def _describe(shown: str, duration: float, rank: float, start: float, stop: float) -> list[str]:
    """Return what a playlist says of a track, or of a moment of one: its options are those of VLC."""
    shown = f"{rank:.0f}. {shown}" if math.isfinite(rank) else shown
    if not (math.isfinite(start) and math.isfinite(stop)):
        return [f"#EXTINF:{round(duration) if math.isfinite(duration) else -1},{shown}"]
    options = [f"#EXTVLCOPT:start-time={start:.3f}", f"#EXTVLCOPT:stop-time={stop:.3f}"]
    return [f"#EXTINF:{max(1, round(stop - start))},{shown} ({format_time(start)})", *options]


def _numbers(table: DataFrame, *names: str) -> NDArray[np.float64]:
    """Return columns as numbers, ``[n, columns]``; NaN where a cell is none, or where there is no such column."""
    import pandas as pd

    columns = table.reindex(columns=list(names)).apply(pd.to_numeric, errors="coerce")
    return np.asarray(columns.to_numpy(dtype=np.float64, na_value=np.nan))


def _entry(path: str, start: str | None) -> str:
    """Return a path as a line of a playlist, below the folder `start` where one is given."""
    whole = Path(path).absolute()
    text = str(whole)
    if start is not None:
        text = relative_path(os.path.join(os.path.realpath(whole.parent), whole.name), start)  # noqa: PTH118
        if not Path(text).is_absolute() and (text.startswith("#") or ":" in text.split("/")[0]):
            text = f"./{text}"  # neither a remark nor an address
    return text if _is_line(text) else whole.as_uri()


def _portable(table: DataFrame, target: Any) -> DataFrame:
    """Return the table with text only, its relative paths from the folder of the file that it is written to."""
    import pandas as pd

    folder = os.path.realpath(Path(target).expanduser().parent)
    elsewhere = folder != os.path.realpath(Path())

    def entry(cell: Any) -> str:
        path = "" if is_missing(cell) else str(cell)
        if path and elsewhere and not Path(path).is_absolute():
            path = _entry(path, folder)
        path = path if _is_line(path) else Path(path).absolute().as_uri()
        return f"./{path}" if FORMULA.match(path) else path  # other programs know a path by this, too

    plainly = {}
    if "path" in table.columns:
        plainly["path"] = pd.Series(map(entry, table["path"]), index=table.index, dtype=str)
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
