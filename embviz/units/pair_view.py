"""Pairs of tracks to look through: a list, and each pair side by side when it is opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from embviz.audio import Audio
from embviz.core.text import clean_line, format_share, plural
from embviz.core.worker import Worker
from embviz.errors import OptionError
from embviz.extraction import embed
from embviz.units.comparison import AlignedPair, align_pair
from embviz.widgets.base import model_ref
from embviz.widgets.pairs import PairItem, PairList

if TYPE_CHECKING:
    from embviz.core.progress import Report
    from embviz.units.near_duplicates import NearDuplicates
    from embviz.widgets.comparison import Comparison
    from embviz.widgets.schema import WorkState

Align = Callable[[int, "Report"], AlignedPair]

SHOWN = ("musicnn", "embedding")  # what the heatmaps of near-duplicates show
STRAIGHT = 0.8  # share of the shorter track from which on one offset and one speed say where both are the same
ABOUT = "Similarity: the mean cosine of the frames that overlap; 1 is the same sound, 0 nothing in common."


class PairView:
    """What answers a list of pairs: it aligns the pair that is opened, in the background, and shows it.

    Parameters
    ----------
    title, message : str
        What the pairs are, and what is said where there are none.
    notes : sequence of str
        What else there is to say.
    pairs : sequence of PairItem
        Names and evidence.
    align : callable
        Given the place of a pair and what is told how far it is; called in another thread.
    """

    def __init__(
        self, title: str, pairs: Sequence[PairItem], align: Align, *, message: str = "", notes: Sequence[str] = ()
    ) -> None:
        self._align = align
        self._comparison: Comparison | None = None
        self._worker = Worker()
        self.widget = PairList(title=title, pairs=list(pairs), message=message, notes=list(notes))
        self.widget.answer({"open_pair": self.open, "cancel": self._cancel}, self._fail)

    def open(self, pair: int) -> None:
        """Show a pair side by side, once both tracks are aligned."""
        if pair >= len(self.widget.pairs):
            raise OptionError(f"There are {len(self.widget.pairs)} pairs, number {pair + 1} was asked for.")
        self.widget.chosen = pair
        self._tell("waiting")
        self._close()
        self._worker.submit(
            "pair", lambda job: self._align(pair, job.report), on_begin=lambda: self._tell("running"),
            on_done=self._show, on_failed=self._fail, on_progress=self._report,
        )  # fmt: skip

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the pair that was opened is shown; False where the time ran out."""
        return self._worker.wait(timeout)

    def close(self) -> None:
        """Take everything off the page."""
        self._worker.close()
        self._close()
        self.widget.close()

    def _show(self, pair: AlignedPair) -> None:
        item = self.widget.pairs[self.widget.chosen]
        self._comparison = pair.to_widget((item["a"], item["b"]))
        self._tell("ready", view=model_ref(self._comparison))

    def _report(self, stage: str, done: int, total: int) -> None:
        self._tell("running", stage=stage, done=done, total=total)

    def _fail(self, sentence: str, remedy: str) -> None:
        self._tell("failed", message=sentence, remedy=remedy)

    def _cancel(self) -> None:
        self._worker.cancel()
        self._tell("cancelled")

    def _close(self) -> None:
        self._worker.cancel()
        if self._comparison is not None:
            self._comparison.close()
            self._comparison = None

    def _tell(self, status: str, **more: Any) -> None:
        self.widget.work = cast("WorkState", {"status": status, "view": "", **more})


def near_duplicates_view(found: NearDuplicates) -> PairView:
    """Return the near-duplicates of a collection as a list, of which each pair can be heard side by side."""
    rows = list(found.table.itertuples(index=False))
    pairs: list[PairItem] = [
        {"a": str(row.name_a), "b": str(row.name_b), "evidence": [str(row.evidence), _figure(row)]} for row in rows
    ]
    tracks = plural(len(found.collection), "track")
    return PairView(
        f"{plural(len(rows), 'pair')} of near-duplicates among {tracks}", pairs,
        lambda pair, report: _align_duplicates(found, rows[pair], report),
        message=f"No two of {tracks} have a similarity of {found.threshold:g} or more.", notes=found.notes,
    )  # fmt: skip


def _figure(row: Any) -> str:
    return f"similarity {row.similarity:.2f} over {format_share(float(row.aligned))} of the shorter one"


def _align_duplicates(found: NearDuplicates, row: Any, report: Report) -> AlignedPair:
    """Return a pair aligned by its evidence, where that is one offset and one speed; else frame by frame."""
    a, b = (found.collection.table["path"][label] for label in (row.track_a, row.track_b))
    cache = found.collection.cache
    if row.aligned < STRAIGHT:
        return align_pair(a, b, *SHOWN, cache=cache, report=report)
    sounds = [Audio.open(path) for path in (a, b)]
    shown = [embed(sound, SHOWN[0], layer=SHOWN[1], cache=cache, progress=report) for sound in sounds]
    first, second = (sound.duration for sound in sounds)
    ends = np.clip(np.array([-row.offset, first - row.offset]) / row.speed, 0, second)
    path = np.column_stack([row.offset + ends * row.speed, ends])
    message = f"Near-duplicates: {row.evidence}; {_figure(row)}."
    return AlignedPair(sounds, shown, path, same_piece=True, message=clean_line(message), about=ABOUT)
