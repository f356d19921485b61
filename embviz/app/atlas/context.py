"""What the parts of an Atlas share: the table, the choices, the workers, and how the reader is told what goes on.

Conventions: a *label* is that of a row of the table, a *place* the row's position in it, a *point* a row of the
vectors, which is a track or a frame of one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from embviz.app.context import PanelContext
from embviz.app.events import AtlasEvents
from embviz.collection.sidecar import parse_number
from embviz.collection.table_ops import check_labels
from embviz.core.text import format_cell, plural
from embviz.core.worker import Worker
from embviz.errors import CollectionError, OptionError
from embviz.export.columns import HIDDEN, page_columns

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from embviz.core.cache import Cache
    from embviz.core.vectors import Vectors
    from embviz.core.worker import Job
    from embviz.export.axes import LayerAxis
    from embviz.extraction import EngineOption
    from embviz.widgets.atlas import AtlasView
    from embviz.widgets.player import Player
    from embviz.widgets.schema import ListedTrack, Problem, TrackFacts


MOST_PROBLEMS = 200


class AtlasContext(PanelContext[AtlasEvents, "AtlasView"]):
    """What all parts of an Atlas work on."""

    def __init__(
        self, table: pd.DataFrame, panel: AtlasView, player: Player | None, cache: Any, worker: Worker | None, seed: int
    ) -> None:
        super().__init__(panel, player, cache, AtlasEvents(), worker)
        self.table, self.seed = table, seed
        self.choices: dict[str, Any] = {}  # what is shown, as the page is told
        self.engine: EngineOption = "auto"  # what runs the networks
        self.axes: dict[str, LayerAxis] = {}  # directions and vectors of one's own that axes are made of, by their keys
        #: Labels of both groups that a direction was found between, by its key; None are all others.
        self.contrasts: dict[str, tuple[NDArray[np.int64] | None, NDArray[np.int64]]] = {}
        self.assigned: set[str] = set()  # columns that were added to the table
        self.listener = Worker(computes=False)  # opens tracks: music does not wait until a map is ready
        self._jobs: dict[str, Job] = {}

    @property
    def cache(self) -> Cache | Literal[False]:
        """Where results are kept, as functions that compute are told."""
        return self.store if self.store is not None else False

    @cached_property
    def columns(self) -> list[dict[str, Any]]:
        """The facts of all tracks, as maps are given them."""
        return page_columns(self.table)

    @cached_property
    def _repeated(self) -> frozenset[str]:
        """The titles that several tracks have, which are told apart by the names of their files."""
        counts = Counter(map(format_cell, self.table.get("title", ())))
        return frozenset(title for title, n in counts.items() if n > 1)

    # The table. ----------------------------------------------------------------------------------------------------

    def places(self, labels: ArrayLike) -> NDArray[np.int64]:
        """Return where in the table tracks are; -1 where they are not."""
        return np.asarray(self.table.index.get_indexer(np.asarray(labels, dtype=np.int64)), dtype=np.int64)

    def assign(self, columns: Mapping[str, Any]) -> None:
        """Add columns to the table, or replace them."""
        fixed = [name for name in columns if name in (*HIDDEN, "name")]
        if fixed:
            raise OptionError(f"{fixed[0]!r} says what a file is and cannot be assigned; take another name.")
        try:
            check_labels(columns, self.table)
            self.table = self.table.assign(**columns)
        except CollectionError as error:
            raise OptionError(str(error)) from None
        except (ValueError, TypeError) as error:
            raise OptionError(
                f"{', '.join(columns)} cannot be assigned: {format_cell(error).rstrip('.')}. "
                f"A value, or one for each of {plural(len(self.table), 'track')}, is expected."
            ) from error
        self.assigned |= set(columns)
        for made in ("columns", "_repeated"):  # of the table, and kept
            self.__dict__.pop(made, None)

    def show_sound_facts(self, measured: pd.DataFrame) -> None:
        """Take over lengths and warnings from the table as it is with what decoding told."""
        self.table = self.table.assign(duration=measured["duration"], warning=measured["warning"])
        self.__dict__.pop("columns", None)

    def listed_track(self, label: int) -> ListedTrack:
        """Return what every list names a track by."""
        facts = self.facts(label)
        return {"track": facts["track"], "title": facts["title"], "artist": facts["artist"]}

    def facts(self, label: int) -> TrackFacts:
        """Return what a list shows of a track."""
        row = self.table.loc[label]
        artist, album, genre, title, name = (
            format_cell(row.get(column)) for column in ("artist", "album", "genre", "title", "name")
        )
        if title and title in self._repeated:
            title = f"{title} ({Path(name).name})"
        return {
            "track": int(label), "title": title or name or f"track {label}", "artist": artist, "album": album,
            "genre": genre, "seconds": parse_number(row.get("duration"), lowest=-np.inf),
        }  # fmt: skip

    # Computing. ----------------------------------------------------------------------------------------------------

    def run(
        self, what: str, title: str, task: Callable[[Job], Any], done: Callable[[Any], None], *,
        on_failed: Callable[[str, str], None] | None = None,
        on_progress: Callable[[str, int, int], None] | None = None, first: bool = False,
    ) -> None:  # fmt: skip
        """Have something computed; a newer job for the same purpose (`what`) replaces an older one.

        The task is given the job, in the worker's thread, and `done` its result; `on_failed` is given a sentence and a
        remedy, which make a notice by default; `on_progress` is given each report, and one when the job begins.
        """

        def show_progress(stage: str, at: int, total: int) -> None:
            self.busy(f"{title}: {stage}" if stage else title, at, total)
            if on_progress is not None:
                on_progress(stage, at, total)
            self._show_busy()

        def end(call: Callable[..., None], *arguments: Any) -> None:
            self._jobs.pop(what, None)
            try:
                call(*arguments)
            finally:
                self._show_busy()

        self._jobs[what] = self.worker.submit(
            (id(self), what), task,
            on_done=lambda result: end(done, result), on_failed=lambda *said: end(on_failed or self.show_error, *said),
            on_progress=show_progress, on_begin=lambda: show_progress("", 0, 0), first=first,
        )  # fmt: skip

    def stop(self, what: str | None = None) -> None:
        """Stop what is computed for a purpose, or all."""
        self.worker.cancel(lambda key: isinstance(key, tuple) and key[0] == id(self) and what in (None, key[1]))
        self._jobs = {name: job for name, job in self._jobs.items() if not job.stopped}
        self._show_busy()

    def _show_busy(self) -> None:
        # Others may use the worker too.
        if not any(not job.stopped for job in self._jobs.values()):
            self._busy = {}
        if self.panel.progress != self._busy:
            self.panel.progress = self._busy
        self.events.settled()

    @property
    def workers(self) -> tuple[Worker, ...]:
        """All workers of the panel."""
        return *super().workers, self.listener

    def close(self) -> None:
        """End the threads, and remove what was uploaded."""
        self.stop()
        self.listener.close()
        super().close()


def check_table(table: Any) -> None:
    """Raise where something is no table of tracks."""
    import pandas as pd

    if not isinstance(table, pd.DataFrame):
        found = type(table).__name__
        raise OptionError(f"A table of tracks is expected, as Collection.table is; {found} was found.")
    twice = table.columns[table.columns.duplicated()]
    if len(twice):
        raise OptionError(f"Each column of a table of tracks has its own name, {twice[0]!r:.80} stands there twice.")
    if len(table) and (not table.index.is_unique or table.index.dtype.kind not in "iu"):
        raise OptionError("The rows of a table of tracks are labelled by whole numbers, each once; others were found.")


def list_problems(table: pd.DataFrame, vectors: Vectors | None) -> tuple[int, list[Problem]]:
    """Return how many tracks cannot be used, and name and problem of the first of them."""
    known = table["problem"].fillna("").astype(str) if "problem" in table.columns else None
    problems = {} if known is None else {int(label): text for label, text in known[known != ""].items()}
    if vectors is not None:
        problems |= {int(label): text for label, text in vectors.failed.items()}
    names = table.get("name", table.get("path", {}))
    return len(problems), [
        {"name": format_cell(names.get(label)) or f"track {label}", "problem": format_cell(text)}
        for label, text in list(problems.items())[:MOST_PROBLEMS]
    ]
