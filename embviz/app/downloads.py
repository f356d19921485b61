"""Weights that are fetched from a panel."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from embviz.app.context import PanelContext
from embviz.app.model_options import offers
from embviz.core.worker import Job
from embviz.models import Model, get_model
from embviz.models.weights import pull

if TYPE_CHECKING:
    from embviz.widgets.schema import Download

__all__ = ["Downloads"]


class Downloads:
    """Downloads, one after the other, beside the computing."""

    def __init__(self, context: PanelContext) -> None:
        self._context = context
        self.on_arrived: Callable[[str], None] = lambda _model: None

    def start(self, name: str) -> None:
        """Fetch the weights of a model."""
        model = get_model(name)

        def task(job: Job) -> None:
            pull(model, progress=job.report)

        self._show(model.name, {"done": 0, "total": 0, "stage": "waiting"})
        self._context.pulls.submit(
            ("pull", model.name),
            task,
            done=lambda _result: self._arrived(model),
            failed=lambda sentence, remedy: self._show(model.name, {"error": sentence, "remedy": remedy}),
            progress=lambda stage, done, total: self._show(model.name, {"done": done, "total": total, "stage": stage}),
        )

    def stop(self, name: str) -> None:
        """Stop fetching; what has arrived is kept where the source can go on from there."""
        self._context.pulls.cancel(lambda key: key == ("pull", name))
        self._show(name, None)

    def _arrived(self, model: Model) -> None:
        self._show(model.name, None)
        self._context.panel.models = offers()
        self._context.notice("done", f"The weights of {model.title} are here.")
        self.on_arrived(model.name)

    def _show(self, name: str, how: Download | None) -> None:
        others = {model: at for model, at in self._context.panel.downloads.items() if model != name}
        self._context.panel.downloads = others if how is None else {**others, name: how}
