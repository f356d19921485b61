"""What was read of files before: one JSON file per folder of sounds, in the cache.

Conventions: a file is the same if its name, its size and its time of change are. What is kept is written whole or not
at all; of two processes that write at once, one wins, and the other reads again next time. What is damaged, or of
another form, is as good as missing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embviz.collection.file_tags import Tags
from embviz.core import io

__all__ = ["Index", "Stamp"]

FORMAT = 1  # of what is kept: raised when tags are read in another way
RACY = 2.0  # seconds; a file changed this recently may change again without a new time stamp

Stamp = tuple[int, int]
"""Bytes, and time of change in nanoseconds."""


@dataclass(slots=True)
class _Shelf:
    """What is known of the files of one folder: name -> [bytes, time of change, tags, digest]."""

    where: str
    path: Path
    files: dict[str, Any]
    changed: bool = False


class Index:
    """What was read of files before.

    Parameters
    ----------
    folder : Path or None
        Where it is kept; None keeps nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._shelves: dict[str, _Shelf] = {}

    def get(self, path: Path, stamp: Stamp) -> tuple[Tags, str] | None:
        """Return the tags and the digest ("" where not known) of a file that is as it was then."""
        shelf = self._shelf(path)
        entry: Any = None if shelf is None else shelf.files.get(path.name)
        try:
            size, changed, tags, digest = entry
            known = Tags(*tags)
        except (TypeError, ValueError):
            return None
        return (known, digest) if (size, changed) == stamp and _is_whole(known) and isinstance(digest, str) else None

    def put(self, path: Path, stamp: Stamp, tags: Tags, digest: str) -> None:
        """Note what was read of a file."""
        shelf = self._shelf(path)
        if shelf is not None and time.time() - stamp[1] / 1e9 > RACY:
            shelf.files[path.name] = [*stamp, list(tags), digest]
            shelf.changed = True

    def save(self) -> None:
        """Write what is new; a folder that cannot be written to costs time, not the result."""
        for shelf in self._shelves.values():
            if not shelf.changed:
                continue
            with contextlib.suppress(OSError):
                there = set(os.listdir(shelf.where))  # noqa: PTH208  names only
                files = {name: entry for name, entry in shelf.files.items() if name in there}
                # ASCII only: names that are no text travel as escapes.
                text = json.dumps({"format": FORMAT, "folder": shelf.where, "files": files})
                io.write_bytes(shelf.path, text.encode("ascii"), sync=False)
                shelf.changed = False

    def _shelf(self, path: Path) -> _Shelf | None:
        if self._folder is None:
            return None
        folder = os.path.dirname(path)  # noqa: PTH120  many files
        if folder not in self._shelves:
            where = os.path.realpath(folder)
            name = hashlib.blake2b(os.fsencode(where), digest_size=20).hexdigest()
            kept = self._folder / name[:2] / f"{name[2:]}.json"
            self._shelves[folder] = _Shelf(where, kept, _kept(kept, where))
        return self._shelves[folder]


def _kept(path: Path, where: str) -> dict[str, Any]:
    try:
        kept = json.loads(path.read_bytes())
        whole = kept["format"] == FORMAT and kept["folder"] == where
        return dict(kept["files"]) if whole else {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def _is_whole(tags: Tags) -> bool:
    """Tell whether what was kept has the types of tags."""
    *texts, year, duration, problem = tags
    kinds = zip((*texts, problem, year, duration), (str,) * 5 + (int | None, float | None), strict=True)
    return all(isinstance(value, kind) for value, kind in kinds)
