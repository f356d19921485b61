"""Progress of jobs, written to files in a folder that the run and its jobs both see.

Conventions: a job writes into a file of its own in that folder how far it is, and stops where the folder has gone.
Where it cannot see the folder, on another machine perhaps, it goes on to its end.
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

EVERY = 0.25  # seconds between two looks at the folder
STALE = 86_400.0  # seconds; a run that did nothing for so long was killed


class RunEndedError(Exception):
    """The run that a job belongs to is over."""


class ProgressFile:
    """The file into which a job writes how far it is."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._can_report = file.parent.is_dir()
        self._last = 0.0

    def report(self, stage: str, done: int, total: int) -> None:
        """Write how far the job is; raises where the run is over."""
        if not self._can_report or time.monotonic() - self._last < EVERY:
            return
        self._last = time.monotonic()
        if not self._file.parent.is_dir():
            raise RunEndedError
        with contextlib.suppress(OSError):  # a full disk is no reason to stop
            self._file.write_text(json.dumps([stage, done, total]))


def read_progress(file: Path) -> str:
    """Return how far a job is, as far as it has written."""
    try:
        stage, done, total = json.loads(file.read_text(encoding="utf-8"))
        return one_line(str(stage)) + (f" {100 * done // total} %" if 0 < done < total else "")
    except (OSError, ValueError, TypeError):
        return ""


@contextlib.contextmanager
def run_folder(store: Cache | None) -> Iterator[Path]:
    """Give the folder of a run; its jobs stop when it is gone."""
    folder = _make_folder(store)
    try:
        yield folder
    finally:
        gone = folder.with_name(f".{folder.name}")
        with contextlib.suppress(OSError):
            folder.rename(gone)  # in one step, whatever jobs write into it meanwhile
        shutil.rmtree(gone, ignore_errors=True)


def _make_folder(store: Cache | None) -> Path:
    """Make a folder, in the cache if possible; where there is no room for one, its jobs cannot report."""
    folder = Path(tempfile.gettempdir()) / f"embviz-{secrets.token_hex(8)}"
    if store is not None:
        runs = store.folder.absolute() / "runs"
        with contextlib.suppress(OSError):
            _remove_stale(runs)
            (runs / folder.name).mkdir(parents=True)
            return runs / folder.name
    with contextlib.suppress(OSError):
        folder.mkdir()
    return folder


def _remove_stale(runs: Path) -> None:
    """Remove the folders of runs that were killed."""
    for folder in runs.iterdir() if runs.is_dir() else ():
        if folder.stat().st_mtime < time.time() - STALE:
            shutil.rmtree(folder, ignore_errors=True)
