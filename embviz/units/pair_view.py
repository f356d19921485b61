"""Pairs of tracks to look through: a list, and each pair side by side when it is opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from embviz.core.worker import Worker
from embviz.errors import OptionError
from embviz.widgets.base import model_ref
from embviz.widgets.pairs import PairItem, PairList

if TYPE_CHECKING:
    from embviz.core.progress import Report
    from embviz.units.comparison import AlignedPair
    from embviz.widgets.comparison import Comparison
    from embviz.widgets.schema import WorkState

Align = Callable[[int, "Report"], "AlignedPair"]


class PairView:
    """What answers a list of pairs: it aligns the pair that is opened, in the background, and shows it.

    Parameters
    ----------
    title, message : str
        What the pairs are, and what is said where there are none.
    pairs : sequence of PairItem
        Names and evidence.
    align : callable
        Given the place of a pair and what is told how far it is; called in another thread.
    """

    def __init__(self, title: str, pairs: Sequence[PairItem], align: Align, *, message: str = "") -> None:
        self._align = align
        self._comparison: Comparison | None = None
        self._worker = Worker()
        self.widget = PairList(title=title, pairs=list(pairs), message=message)
        self.widget.answer({"open_pair": self.open, "cancel": self._cancel}, self._fail)

    def open(self, pair: int) -> None:
        """Show a pair side by side, once both tracks are aligned."""
        if pair >= len(self.widget.pairs):
            raise OptionError(f"There are {len(self.widget.pairs)} pairs, number {pair + 1} was asked for.")
        self._close()
        self.widget.chosen = pair
        self._tell("waiting")
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
