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
from embviz.core.io import parse_json
from embviz.core.progress import Report
from embviz.core.text import one_line

EVERY = 0.25  # seconds between two looks at the folder
STALE = 86_400.0  # seconds; a run that did nothing for so long was killed


class RunEndedError(Exception):
    """The run that a job belongs to is over."""


def progress_writer(file: Path) -> Report:
    """Return what writes how far a job is into a file, and raises where the run is over."""
    can_report, last = file.parent.is_dir(), 0.0

    def write(stage: str, done: int, total: int) -> None:
        nonlocal last
        if not can_report or time.monotonic() - last < EVERY:
            return
        last = time.monotonic()
        if not file.parent.is_dir():
            raise RunEndedError
        with contextlib.suppress(OSError):  # a full disk is no reason to stop
            file.write_text(json.dumps([stage, done, total]))

    return write


def read_progress(file: Path) -> str:
    """Return how far a job is, as far as it has written."""
    try:
        stage, done, total = parse_json(file.read_bytes())
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
            for old in runs.iterdir() if runs.is_dir() else ():
                if old.stat().st_mtime < time.time() - STALE:
                    shutil.rmtree(old, ignore_errors=True)
            (runs / folder.name).mkdir(parents=True)
            return runs / folder.name
    with contextlib.suppress(OSError):
        folder.mkdir()
    return folder
