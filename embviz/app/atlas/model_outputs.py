"""What taggers, heads and the tempo model hear in the tracks: computed when something asks for it, then kept.

Conventions: heads stand beside models, under their own names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from embviz.analysis import tagging
from embviz.batch import embed_table
from embviz.collection.head_columns import embed_head
from embviz.core.text import one_line
from embviz.heads import Head, known_heads
from embviz.models import Model, model_title
from embviz.models.lookup import find_model
from embviz.models.weights import has_weights

if TYPE_CHECKING:
    from embviz.app.atlas.context import AtlasContext
    from embviz.core.vectors import Vectors
    from embviz.core.worker import Job


def taggers() -> list[Model]:
    """Return the models that give tags, of those whose weights are here."""
    return [model for model in tagging.models_by_task("tags") if has_weights(model)]


def mapped_heads() -> list[Head]:
    """Return the registered heads whose extractor is here."""
    return [head for head in known_heads() if find_model(head.model) is not None and has_weights(head.model)]


def heard_title(name: str) -> str:
    """Return what people call the model or the head of a name."""
    head = _head(name)
    return model_title(name) if head is None else one_line(head.title)


def _head(name: str) -> Head | None:
    return next((head for head in known_heads() if head.name == name), None)


def tempo_model() -> Model | None:
    """Return the model that finds tempi, where its weights are here."""
    return next((model for model in tagging.models_by_task("tempo") if has_weights(model)), None)


class ModelOutputs:
    """The outputs of models for the tracks of the table, by model and by pooling: ``"mean"`` or ``"frames"``."""

    def __init__(self, context: AtlasContext) -> None:
        self._context = context
        self._known: dict[tuple[str, str], Vectors] = {}

    def keep(self, vectors: Vectors) -> None:
        """Keep an output that came along with something else."""
        self._known[vectors.model, vectors.pooling] = vectors
        self._context.events.outputs_kept()

    def held(self, model: str, pooling: str) -> Vectors | None:
        """Return an output by its pooling, if that is here."""
        return self._known.get((model, pooling))

    def known(self, model: str) -> Vectors | None:
        """Return the output of a model, if that is here: of tracks, or of frames."""
        return self._known.get((model, "mean")) or self._known.get((model, "frames"))

    def tags(self, points: str) -> Vectors | None:
        """Return what a tagger hears, if that is here: in each frame where points are frames, and it is known."""
        names = {model.name for model in tagging.models_by_task("tags")}
        known = {pooling: vectors for (model, pooling), vectors in self._known.items() if model in names}
        return (known.get("frames") if points == "frames" else None) or known.get("mean") or known.get("frames")

    def get(self, model: str, pooling: str, job: Job) -> Vectors:
        """Return an output, computing it where it is not here; called in the worker's thread."""
        if (model, pooling) in self._known:
            return self._known[model, pooling]
        context, head = self._context, _head(model)
        options: dict[str, Any] = {
            "pooling": pooling, "engine": context.engine, "cache": context.cache, "progress": job.report
        }  # fmt: skip
        if head is not None:
            return embed_head(context.table, head, **options)
        return embed_table(context.table, model, "output", **options)

    def request(self, what: str, model: str, pooling: str, done: Callable[[Vectors], None]) -> None:
        """Call back with an output, at once where it is here; a newer question for a purpose replaces an older one."""
        if (model, pooling) in self._known:
            self._context.stop(what)
            done(self._known[model, pooling])
            return

        def keep(vectors: Vectors) -> None:
            self.keep(vectors)
            done(vectors)

        self._context.run(what, heard_title(model), lambda job: self.get(model, pooling, job), keep)
