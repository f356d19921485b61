"""The structure of the track: how alike its moments are to one model."""

from __future__ import annotations

from embviz.app.explorer.context import ExplorerContext
from embviz.app.work import DrawnWork
from embviz.core.embedding import Embedding
from embviz.models import get_model
from embviz.widgets.self_similarity import SelfSimilarity


class SimilarityTab:
    """The view of a self-similarity."""

    def __init__(self, context: ExplorerContext) -> None:
        self._context = context
        self.work = DrawnWork("")

    def reset(self) -> None:
        """Forget the track before."""
        self.work.begin("")
        self.publish()

    def start(self, model: str, layer: str | None = None) -> None:
        """Compare the moments of the track by a layer of a model, its embedding by default."""
        work, record, layer = self.work, get_model(model), layer or "embedding"
        if (work.model, work.layer) == (record.name, layer) and (work.unfinished or work.drawn):
            return
        self._context.worker.cancel(lambda key: key == ("similarity",))
        work.model, work.layer = record.name, layer
        sections = self._context.track.sections if self._context.track is not None else ()
        parts = [{"name": name, "start": start} for name, start in sections]

        def show(_i: int, embedding: Embedding, complete: bool) -> None:
            if complete:
                work.close()
                work.view = SelfSimilarity.of(embedding, clock=self._context.clock, title="", sections=parts)
                work.drawn, work.status = True, "ready"

        if self._context.can_start(work):
            self._context.embed(("similarity",), [work], show, self.publish)
        self.publish()

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
