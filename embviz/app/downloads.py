"""Weights that are fetched from a panel."""

from __future__ import annotations

from typing import Any

from embviz.app.context import PanelContext
from embviz.models import Model, get_model
from embviz.models.weights import pull


class Downloads:
    """Downloads, one after the other, beside the computing."""

    def __init__(self, context: PanelContext[Any, Any]) -> None:
        self._context = context

    def start(self, model: str) -> None:
        """Fetch the weights of a model."""
        record = get_model(model)
        self._show(record.name, {"done": 0, "total": 0, "stage": "waiting"})
        self._context.downloader.submit(
            ("pull", record.name),
            lambda job: pull(record, progress=job.report),
            on_done=lambda _result: self._finish(record),
            on_failed=lambda sentence, remedy: self._show(record.name, {"error": sentence, "remedy": remedy}),
            on_progress=lambda stage, done, total: self._show(
                record.name, {"done": done, "total": total, "stage": stage}
            ),
        )

    def stop(self, model: str) -> None:
        """Stop fetching; what has arrived is kept where the source can go on from there."""
        self._context.downloader.cancel(lambda key: key == ("pull", model))
        self._show(model, None)

    def _finish(self, model: Model) -> None:
        self._show(model.name, None)
        self._context.show_models()
        self._context.notice("done", f"The weights of {model.title} are here.")
        self._context.events.weights_downloaded(model.name)

    def _show(self, model: str, progress: dict[str, Any] | None) -> None:
        others = {name: at for name, at in self._context.panel.downloads.items() if name != model}
        self._context.panel.downloads = others if progress is None else {**others, model: progress}
