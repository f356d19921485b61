"""See and hear what deep audio models compute.

Public names are imported when first used, so ``import embviz`` is instant.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from embviz import errors
    from embviz.atlas import Atlas
    from embviz.audio import Audio
    from embviz.cache import Cache
    from embviz.charts import scatter
    from embviz.collection import Collection
    from embviz.display import heatmap, poster
    from embviz.embedding import Embedding, FrameGrid
    from embviz.explorer import Explorer
    from embviz.extract import embed
    from embviz.heads import Head, get_head, register_head
    from embviz.models import Layer, Model, get_model, list_models, register_model
    from embviz.models.weights import pull
    from embviz.pages import save_figure
    from embviz.projection import project
    from embviz.tasks import evaluate, train
    from embviz.tasks.catalogue import get_task, list_tasks
    from embviz.tasks.evaluation import Evaluation

_HOME = {
    "Atlas": "atlas",
    "Audio": "audio",
    "Cache": "cache",
    "Collection": "collection",
    "Embedding": "embedding",
    "Evaluation": "tasks.evaluation",
    "Explorer": "explorer",
    "FrameGrid": "embedding",
    "Head": "heads",
    "Layer": "models",
    "Model": "models",
    "embed": "extract",
    "evaluate": "tasks",
    "get_head": "heads",
    "get_model": "models",
    "get_task": "tasks.catalogue",
    "heatmap": "display",
    "list_models": "models",
    "list_tasks": "tasks.catalogue",
    "poster": "display",
    "project": "projection",
    "pull": "models.weights",
    "register_head": "heads",
    "register_model": "models",
    "save_figure": "pages",
    "scatter": "charts",
    "train": "tasks",
}

__version__ = "0.1.0"
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
    "errors",
]


def __getattr__(name: str) -> object:
    if name == "errors":
        return import_module("embviz.errors")
    if name not in _HOME:
        raise AttributeError(f"module 'embviz' has no attribute {name!r}")
    value = getattr(import_module(f"embviz.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
