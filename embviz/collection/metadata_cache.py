"""Cache of tags and digests of files: one JSON file per folder of audio.

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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embviz.collection.file_tags import FileTags
from embviz.core import io

FORMAT = 2  # of what is kept: raised when tags are read in another way
RACY = 2.0  # seconds; a file changed this recently may change again without a new time stamp

Stamp = tuple[int, int]
"""Bytes, and time of change in nanoseconds."""


@dataclass(slots=True)
class _FolderRecord:
    """The record of one folder: name -> [bytes, time of change, tags, digest]."""

    where: str
    path: Path
    files: dict[str, Any]
    changed: bool = False


class MetadataCache:
    """Tags and digests of files that were read before: kept in the first folder, looked for in all of them.

    Without a folder, nothing is kept.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._records: dict[str, _FolderRecord] = {}

    def get(self, path: Path, stamp: Stamp) -> tuple[FileTags, str] | None:
        """Return the tags and the digest ("" where not known) of a file that is as it was then."""
        record = self._folder_record(path)
        entry: Any = None if record is None else record.files.get(path.name)
        try:
            size, changed, tags, digest = entry
            known = FileTags(*tags)
        except (TypeError, ValueError):
            return None
        return (known, digest) if (size, changed) == stamp and _has_types(known) and isinstance(digest, str) else None

    def put(self, path: Path, stamp: Stamp, tags: FileTags, digest: str) -> None:
        """Note what was read of a file."""
        record = self._folder_record(path)
        if record is not None and time.time() - stamp[1] / 1e9 > RACY:
            record.files[path.name] = [*stamp, list(tags), digest]
            record.changed = True

    def save(self) -> None:
        """Write what is new; a folder that cannot be written to costs time, not the result."""
        for record in self._records.values():
            if not record.changed:
                continue
            with contextlib.suppress(OSError):
                there = set(os.listdir(record.where))  # noqa: PTH208  names only
                files = {name: entry for name, entry in record.files.items() if name in there}
                # ASCII only: names that are no text travel as escapes.
                text = json.dumps({"format": FORMAT, "folder": record.where, "files": files})
                io.write_bytes(record.path, text.encode("ascii"), sync=False)
                record.changed = False

    def _folder_record(self, path: Path) -> _FolderRecord | None:
        if not self._folders:
            return None
        folder = os.path.dirname(path)  # noqa: PTH120  many files
        if folder not in self._records:
            where = os.path.realpath(folder)
            name = hashlib.blake2b(os.fsencode(where), digest_size=20).hexdigest()
            kept = [folder / name[:2] / f"{name[2:]}.json" for folder in self._folders]
            files = {name: entry for path in reversed(kept) for name, entry in _load_files(path, where).items()}
            self._records[folder] = _FolderRecord(where, kept[0], files)
        return self._records[folder]


def _load_files(path: Path, where: str) -> dict[str, Any]:
    try:
        kept = json.loads(path.read_bytes())
        whole = kept["format"] == FORMAT and kept["folder"] == where
        return dict(kept["files"]) if whole else {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def _has_types(tags: FileTags) -> bool:
    """Return whether loaded tags have the right types."""
    *texts, year, duration, problem = tags
    kinds = zip((*texts, problem, year, duration), (str,) * 5 + (int | None, float | None), strict=True)
    return all(isinstance(value, kind) for value, kind in kinds)
