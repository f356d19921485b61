"""See and hear what deep audio models compute.

Public names are imported when first used, so ``import embviz`` is instant.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from embviz._version import __version__ as __version__

if TYPE_CHECKING:
    from embviz import analysis, errors, evaluation, models, plotting
    from embviz.analysis.projection import project
    from embviz.app.atlas import Atlas
    from embviz.app.explorer import Explorer
    from embviz.audio import Audio
    from embviz.collection import Collection
    from embviz.core.cache import Cache
    from embviz.core.embedding import Embedding, FrameGrid
    from embviz.evaluation import Evaluation, evaluate, get_task, list_tasks, train
    from embviz.extraction import embed
    from embviz.heads import Head, get_head, register_head
    from embviz.models import Layer, Model, get_model, list_models, register_model
    from embviz.models.weights import pull
    from embviz.plotting import heatmap, poster, save_figure, scatter

_HOME = {
    "Atlas": "app.atlas",
    "Audio": "audio",
    "Cache": "core.cache",
    "Collection": "collection",
    "Embedding": "core.embedding",
    "Evaluation": "evaluation",
    "Explorer": "app.explorer",
    "FrameGrid": "core.embedding",
    "Head": "heads",
    "Layer": "models",
    "Model": "models",
    "embed": "extraction",
    "evaluate": "evaluation",
    "get_head": "heads",
    "get_model": "models",
    "get_task": "evaluation",
    "heatmap": "plotting",
    "list_models": "models",
    "list_tasks": "evaluation",
    "poster": "plotting",
    "project": "analysis",
    "pull": "models",
    "register_head": "heads",
    "register_model": "models",
    "save_figure": "plotting",
    "scatter": "plotting",
    "train": "evaluation",
}
_NAMESPACES = ("analysis", "errors", "evaluation", "models", "plotting")

__all__ = [  # noqa: RUF022  the order of a first encounter
    "Explorer",
    "Collection",
    "Atlas",
    "embed",
    "pull",
    "heatmap",
    "poster",
    "project",
    "scatter",
    "evaluate",
    "train",
    "save_figure",
    "list_models",
    "get_model",
    "register_model",
    "list_tasks",
    "get_task",
    "get_head",
    "register_head",
    "Audio",
    "Cache",
    "Embedding",
    "Evaluation",
    "FrameGrid",
    "Head",
    "Layer",
    "Model",
    "analysis",
    "errors",
    "evaluation",
    "models",
    "plotting",
]


def __getattr__(name: str) -> object:
    if name in _NAMESPACES:
        return import_module(f"embviz.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'embviz' has no attribute {name!r}")
    value = getattr(import_module(f"embviz.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
