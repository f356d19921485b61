"""What joins a run and its tasks: a folder that both see.

Conventions: a task tells in a file of its own in that folder how far it is, and stops where the folder has gone. Where
it cannot see the folder, on another machine perhaps, it goes on to its end.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from embviz.core.cache import Cache
from embviz.core.text import one_line

__all__ = ["Line", "StoppedError", "joined", "told"]

EVERY = 0.25  # seconds between two looks at the folder
STALE = 86_400.0  # seconds; a run that did nothing for so long was killed


class StoppedError(Exception):
    """The run that a task belongs to is over."""


class Line:
    """A task's end of it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._joined = file.parent.is_dir()
        self._last = 0.0

    def report(self, stage: str, done: int, total: int) -> None:
        """Tell how far the task is; raises where the run is over."""
        if not self._joined or time.monotonic() - self._last < EVERY:
            return
        self._last = time.monotonic()
        if not self._file.parent.is_dir():
            raise StoppedError
        with contextlib.suppress(OSError):  # a full disk is no reason to stop
            self._file.write_text(json.dumps([stage, done, total]))


def told(file: Path) -> str:
    """Return how far a task is, as far as it has told."""
    try:
        stage, done, total = json.loads(file.read_text(encoding="utf-8"))
        return one_line(str(stage)) + (f" {100 * done // total} %" if 0 < done < total else "")
    except (OSError, ValueError, TypeError):
        return ""


@contextlib.contextmanager
def joined(store: Cache | None) -> Iterator[Path]:
    """Give the folder of a run; its tasks stop when it is gone."""
    folder = _folder(store)
    try:
        yield folder
    finally:
        gone = folder.with_name(f".{folder.name}")
        with contextlib.suppress(OSError):
            folder.rename(gone)  # in one step, whatever tasks write into it meanwhile
        shutil.rmtree(gone, ignore_errors=True)


def _folder(store: Cache | None) -> Path:
    """Make a folder, in the cache if possible; where there is no room for one, its tasks are not joined."""
    folder = Path(tempfile.gettempdir()) / f"embviz-{secrets.token_hex(8)}"
    if store is not None:
        runs = store.folder.absolute() / "runs"
        with contextlib.suppress(OSError):
            _sweep(runs)
            (runs / folder.name).mkdir(parents=True)
            return runs / folder.name
    with contextlib.suppress(OSError):
        folder.mkdir()
    return folder


def _sweep(runs: Path) -> None:
    """Remove the folders of runs that were killed."""
    for folder in runs.iterdir() if runs.is_dir() else ():
        if folder.stat().st_mtime < time.time() - STALE:
            shutil.rmtree(folder, ignore_errors=True)
