"""Reader of ``tracks.csv``, the sidecar of a folder of tracks.

Columns: ``file``, ``title``, ``style``, ``bpm``, ``key``, ``meter`` and ``sections`` ("intro 0.000; verse 7.500"), of
which all but ``file`` may be missing. All others are labels: texts that say what the tracks are.
"""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from embviz.core.text import parse_sections, printable

TABLE = "tracks.csv"
LARGEST_TABLE = 16 << 20  # bytes
MOST_LABELS = 100  # columns
TEXTS = ("title", "style", "key", "meter", "note")
KNOWN = {"file", *TEXTS, "bpm", "seconds", "sections"}
SidecarRows: TypeAlias = Mapping[str, Mapping[str, Any]]


def read_sidecar(folder: Path) -> tuple[SidecarRows, str]:
    """Return the rows of ``tracks.csv`` in a folder, by the name of the file, and what is wrong with it."""
    try:
        return _read_table(folder / TABLE), ""
    except FileNotFoundError:
        return {}, ""
    except (OSError, ValueError, csv.Error) as error:
        said = error.strerror if isinstance(error, OSError) else error
        return {}, f"{TABLE} in {folder_name(folder)!r} was left out: {said}."


def _read_table(path: Path) -> dict[str, dict[str, Any]]:
    """Return the rows of a table, by the name of the file."""
    if path.stat().st_size > LARGEST_TABLE:
        raise ValueError("it is too large for a table of tracks")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        if "file" not in (rows.fieldnames or ()):
            raise ValueError("it has no column 'file'")
        return {row["file"]: _parse_row(row) for row in rows if row["file"]}


def _parse_row(row: Mapping[str, Any]) -> dict[str, Any]:
    named: list[str] = list(filter(None, row))  # what is beyond the last heading has none
    labels = [name for name in named if name.strip() and name not in KNOWN][:MOST_LABELS]
    return {
        **{name: _parse_text(row.get(name)) for name in TEXTS},
        "labels": {name: _parse_text(row[name]) for name in labels},
        "bpm": parse_number(row.get("bpm")),
        "seconds": parse_number(row.get("seconds")),
        "sections": parse_sections(str(row.get("sections") or "")),
    }


def _parse_text(text: Any) -> str:
    return " ".join(str(text or "").split())[:500]


def common_folder(paths: Iterable[str]) -> str:
    """Return what the folder that holds all of some files is called; empty where there is none."""
    folders = [os.path.dirname(path) for path in paths if path]  # noqa: PTH120  many files
    try:
        return folder_name(Path(os.path.commonpath(folders)))
    except ValueError:  # some are absolute and some are not, or there are none
        return ""


def folder_name(folder: Path) -> str:
    """Return what a folder is called in the page."""
    return printable(str(folder)) if str(folder) != "." else printable(Path.cwd().name)


def parse_number(text: Any, *, lowest: float = 1e-9) -> float | None:
    """Return a finite number of at least `lowest`; None where the text is none."""
    try:
        number = float(text)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and number >= lowest else None
