"""The structure of the track: how alike its moments are to one model, and where its parts begin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from embviz.app.explorer.context import ExplorerContext
from embviz.app.work import DrawnWork
from embviz.core.embedding import Embedding
from embviz.export.static_widgets import without_comm
from embviz.export.track_page import PageRow
from embviz.models import model_title
from embviz.widgets.self_similarity import LIMITS, SelfSimilarity


class SimilarityTab:
    """The view of a self-similarity."""

    def __init__(self, context: ExplorerContext) -> None:
        self._context = context
        self.work = DrawnWork("")
        #: What was chosen for the boundaries; it stays for other layers and tracks.
        self.choices: dict[str, float] = {}

    def reset(self) -> None:
        """Forget the track before."""
        self.work.begin("")
        self.publish()

    def start(self, model: str, layer: str | None = None) -> None:
        """Compare the moments of the track by a layer of a model, its embedding by default."""
        work, (name, layer) = self.work, self._context.given.resolve(model, layer or "embedding")
        if (work.model, work.layer) == (name, layer) and (work.unfinished or work.drawn):
            return
        self._context.worker.cancel(lambda key: key == ("similarity",))
        work.model, work.layer = name, layer
        sections = self._context.track.sections if self._context.track is not None else ()

        def show(_i: int, embedding: Embedding, complete: bool) -> None:
            if complete:
                work.close()
                traits = {"sections": named_starts(sections), **self.choices}
                work.view = SelfSimilarity.of(embedding, clock=self._context.clock, title="", **traits)
                work.view.observe(self._keep_choice, list(LIMITS))
                work.embedding, work.drawn, work.status = embedding, True, "ready"

        if self._context.can_start(work):
            self._context.embed(("similarity",), [work], show, self.publish)
        self.publish()

    def _keep_choice(self, change: Any) -> None:
        self.choices[change["name"]] = change["new"]
        self._context.events.settled()

    def row(self) -> PageRow | None:
        """Return what stands on an exported page: the view as it is now; None where there is none."""
        work, track = self.work, self._context.track
        if work.embedding is None or not work.drawn or track is None:
            return None
        view = without_comm(SelfSimilarity).of(
            work.embedding, title="", sections=named_starts(track.sections), **self.choices
        )
        facts = (f"structure by {model_title(work.model)} / {work.layer}",)
        return PageRow(view, "Structure", facts, embedding=work.embedding)

    def close(self) -> None:
        """Take everything off the page."""
        self.work.close()

    def stop_all(self) -> None:
        """Mark what was cancelled."""
        self.work.cancel()
        self.publish()

    def publish(self) -> None:
        """Show this view as it is."""
        self._context.panel.similarity = self.work.to_dict() if self.work.model else {}


def named_starts(sections: Iterable[tuple[str, float]]) -> list[dict[str, Any]]:
    """Return the sections of a track as widgets take them."""
    return [{"name": name, "start": start} for name, start in sections]
