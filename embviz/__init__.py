"""See and hear what deep audio models compute.

Public names are imported when first used, so ``import embviz`` is instant.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from embviz._version import __version__ as __version__

if TYPE_CHECKING:
    from embviz import analysis, errors, evaluation, models, plotting
    from embviz.analysis import boundaries
    from embviz.analysis.projection import project
    from embviz.app.atlas import Atlas
    from embviz.app.citations import cite
    from embviz.app.explorer import Explorer
    from embviz.audio import Audio
    from embviz.collection import Collection
    from embviz.core.cache import Cache
    from embviz.core.embedding import Embedding, FrameGrid
    from embviz.core.paths import sample_audio
    from embviz.core.vectors import Vectors
    from embviz.evaluation import Evaluation, evaluate, get_task, list_tasks, train
    from embviz.extraction import embed, separate
    from embviz.heads import Head, get_head, list_heads, pull, register_head
    from embviz.models import Layer, Model, get_model, list_models, register_function, register_model
    from embviz.plotting import heatmap, poster, save_figure, scatter
    from embviz.units.alignment import align
    from embviz.units.comparison import compare

_ROOMS = {
    "analysis": ("boundaries", "project"),
    "app.atlas": ("Atlas",),
    "app.citations": ("cite",),
    "app.explorer": ("Explorer",),
    "audio": ("Audio",),
    "collection": ("Collection",),
    "core.cache": ("Cache",),
    "core.embedding": ("Embedding", "FrameGrid"),
    "core.paths": ("sample_audio",),
    "core.vectors": ("Vectors",),
    "evaluation": ("Evaluation", "evaluate", "get_task", "list_tasks", "train"),
    "extraction": ("embed", "separate"),
    "heads": ("Head", "get_head", "list_heads", "pull", "register_head"),
    "models": ("Layer", "Model", "get_model", "list_models", "register_function", "register_model"),
    "plotting": ("heatmap", "poster", "save_figure", "scatter"),
    "units.alignment": ("align",),
    "units.comparison": ("compare",),
}

# In the order of a first encounter.
__all__ = ["Explorer", "sample_audio", "Collection", "Atlas", "embed", "pull", "heatmap", "poster", "project"]  # noqa: RUF022
__all__ += ["boundaries", "scatter", "evaluate", "train", "save_figure", "list_models", "get_model", "register_model"]  # noqa: RUF022
__all__ += ["register_function", "list_tasks", "get_task", "list_heads", "get_head", "register_head", "align"]  # noqa: RUF022
__all__ += ["cite", "compare", "separate"]
__all__ += ["Audio", "Cache", "Embedding", "Evaluation", "FrameGrid", "Head", "Layer", "Model", "Vectors"]
__all__ += ["analysis", "errors", "evaluation", "models", "plotting"]


def __getattr__(name: str) -> object:
    if name in ("analysis", "errors", "evaluation", "models", "plotting"):
        return import_module(f"embviz.{name}")
    for room, names in _ROOMS.items():
        if name in names:
            globals()[name] = value = getattr(import_module(f"embviz.{room}"), name)
            return value
    raise AttributeError(f"module 'embviz' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
