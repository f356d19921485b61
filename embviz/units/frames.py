"""The frames of a collection that questions about units are asked of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from embviz.analysis.unit_index import UnitIndex
from embviz.core.progress import Progress, reporter
from embviz.core.vectors import Vectors

if TYPE_CHECKING:
    from embviz.collection import Collection
    from embviz.core.cache import CacheOption
    from embviz.extraction import EngineOption
    from embviz.models import ModelLike

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
        Name of a layer.
    engine, cache, progress
        As for :meth:`embviz.Collection.embed`.

    Returns
    -------
    UnitIndex
        Its ``vectors`` are the frames.
    """
    asked = (model, layer, engine, cache)
    known = _indexes.setdefault(collection, {})
    if asked in known:
        return known[asked]
    if isinstance(model, Vectors):
        frames = model.select(label for label in collection.table.index if label in set(model.tracks.tolist()))
    else:
        frames = collection.embed(model, layer, pooling="frames", engine=engine, cache=cache, progress=progress)
    with reporter(progress) as report:
        index = UnitIndex.of(frames, cache=collection.cache if cache is None else cache, report=report)
    for oldest in list(known)[: len(known) - REMEMBERED + 1]:
        del known[oldest]
    known[asked] = index
    return index
