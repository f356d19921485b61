"""Files that are handed in through a page: kept for one session, under names that are safe."""

from __future__ import annotations

import io
import re
import tempfile
import unicodedata
from pathlib import Path, PurePosixPath

from embviz.audio.decode import NOT_AUDIO
from embviz.audio.file_kinds import identify
from embviz.errors import OptionError

LARGEST_UPLOAD = 200_000_000  # bytes
LONGEST_NAME = 120


class Uploads:
    """A folder for sounds that lives as long as this object."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def keep(self, name: str, data: bytes) -> Path:
        """Write a sound under a name that is free, and return its path."""
        safe = safe_name(name)
        if not data:
            raise OptionError(f"{safe!r} is empty (0 bytes).")
        if len(data) > LARGEST_UPLOAD:
            raise OptionError(f"{safe!r} is larger than {LARGEST_UPLOAD // 10**6} MB; put it into the folder instead.")
        if not identify(io.BytesIO(data))[0]:
            raise OptionError(f"{safe!r} {NOT_AUDIO}")
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="embviz-", ignore_cleanup_errors=True)
        path = free_path(Path(self._folder.name) / safe)
        try:
            path.write_bytes(data)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return path

    def close(self) -> None:
        """Remove the folder."""
        if self._folder is not None:
            self._folder.cleanup()


def free_path(path: Path) -> Path:
    """Return a path, with a number behind the name where there is such a file already."""
    free, number = path, 2
    while free.exists():
        free, number = path.with_name(f"{path.stem} ({number}){path.suffix}"), number + 1
    return free


def safe_name(name: str) -> str:
    """Return the last part of a file's name without what could mean something to a system or a reader's eye."""
    last = re.split(r"[/\\]", str(name))[-1]
    kept = "".join("_" if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") else char for char in last)
    kept = re.sub(r'[:*?"<>|]', "_", kept).strip().lstrip(".")
    path = PurePosixPath(kept or "sound")
    stem = path.stem
    # Systems count bytes.
    while len((stem + path.suffix).encode()) > LONGEST_NAME and len(stem) > 1:
        stem = stem[:-1]
    return stem + path.suffix[:16]
