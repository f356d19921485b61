"""The frames of a collection that questions about units are asked of."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from embviz.analysis.unit_index import UnitIndex
from embviz.core.progress import Progress, reporter
from embviz.core.vectors import Vectors
from embviz.extraction.extract import LayerSpec
from embviz.extraction.frontends import frequency_spans
from embviz.extraction.stitching import count_positions
from embviz.models import get_model

if TYPE_CHECKING:
    from embviz.collection import Collection
    from embviz.core.cache import CacheOption
    from embviz.extraction import EngineOption
    from embviz.models import ModelLike

MAXIMUM, POSITION = ":max", ":argmax"  # behind the name of a layer with a frequency axis
REMEMBERED = 4  # of each collection

# What collections were asked last: to find ten thousand tracks in the cache takes longer than to answer.
_indexes: WeakKeyDictionary[Collection, dict[tuple[Any, ...], UnitIndex]] = WeakKeyDictionary()


def load_index(
    collection: Collection,
    model: ModelLike | Vectors,
    layer: str = "embedding",
    *,
    engine: EngineOption = "auto",
    cache: CacheOption = None,
    progress: Progress = True,
) -> UnitIndex:
    """Return the frames of a collection with the index of their dimensions.

    Parameters
    ----------
    collection : Collection
    model : str, Model or Vectors
        Name of a model, or vectors of the collection's tracks or of their frames.
    layer : str
        Name of a layer. Of one with a frequency axis, a dimension is a channel, and its value in a frame its maximum
        over frequency (layer ``"conv2:max"``).
    engine, cache, progress
        As for :meth:`embviz.Collection.embed`.

    Returns
    -------
    UnitIndex
        Its ``vectors`` are the frames.
    """
    asked = (model, layer, engine, cache)
    known = {} if cache is False else _indexes.setdefault(collection, {})
    if asked in known:
        return known[asked]
    store = collection.cache if cache is None else cache
    spec, positions = (None, 0) if isinstance(model, Vectors) else _find_positions(model, layer, engine)
    layers = [layer + MAXIMUM, layer + POSITION] if positions else [layer]
    frames, *where = embed_frames(collection, model, layers, engine=engine, cache=cache, progress=progress)
    with reporter(progress) as report:
        index = UnitIndex.of(frames, cache=store, report=report)
    if where and spec is not None:
        index = replace(index, hertz=frequency_spans(spec.frontend, spec.layer.bands, positions), where=where[0])
    for oldest in list(known)[: len(known) - REMEMBERED + 1]:
        del known[oldest]
    known[asked] = index
    return index


def computed_layers(model: ModelLike, layer: str, engine: EngineOption = "auto") -> list[str]:
    """Return the layers that :func:`load_index` has computed for a layer; errors are those of a layer's name."""
    return [layer + MAXIMUM, layer + POSITION] if _find_positions(model, layer, engine)[1] else [layer]


def _find_positions(model: ModelLike, layer: str, engine: EngineOption) -> tuple[LayerSpec, int]:
    """Return a layer, and the positions on its frequency axis; 0 where it has none, or that was reduced already."""
    spec = LayerSpec.of(get_model(model), layer, None, engine=engine)
    return spec, count_positions(spec.layer, spec.shapes) if spec.layer.frequency == "mean" else 0


def embed_frames(
    collection: Collection, model: ModelLike | Vectors, layers: list[str], **options: Any
) -> list[Vectors]:
    """Return the frames of some layers, or vectors of one's own as they are; options are those of `embed`."""
    if isinstance(model, Vectors):  # those of tracks have no frames
        layer, pooling = layers[0], "mean" if model.times is None else "frames"
        return [collection.embed(model, layer, pooling=pooling, **options)]
    return collection.embed(model, layers, pooling="frames", **options)
