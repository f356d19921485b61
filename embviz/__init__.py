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
    from embviz.models import Layer, Model, get_model, list_models, register_model
    from embviz.models.weights import pull
    from embviz.pages import save_figure
    from embviz.projection import project

_HOME = {
    "Atlas": "atlas",
    "Audio": "audio",
    "Cache": "cache",
    "Collection": "collection",
    "Embedding": "embedding",
    "Explorer": "explorer",
    "FrameGrid": "embedding",
    "Layer": "models",
    "Model": "models",
    "embed": "extract",
    "get_model": "models",
    "heatmap": "display",
    "list_models": "models",
    "poster": "display",
    "project": "projection",
    "pull": "models.weights",
    "register_model": "models",
    "save_figure": "pages",
    "scatter": "charts",
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
    "save_figure",
    "list_models",
    "get_model",
    "register_model",
    "Audio",
    "Cache",
    "Embedding",
    "FrameGrid",
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
