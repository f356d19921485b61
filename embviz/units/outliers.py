"""Tracks that are like no others, and in which dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embviz.analysis.outliers import OUTLIER, find_outliers
from embviz.core.progress import Progress, reporter

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import DataFrame

    from embviz.collection import Collection
    from embviz.core.cache import CacheOption
    from embviz.core.vectors import Vectors
    from embviz.extraction import EngineOption
    from embviz.models import ModelLike

NAMED = 3  # dimensions in a reason


def list_outliers(
    collection: Collection,
    model: ModelLike | Vectors = "musicnn",
    layer: str = "embedding",
    *,
    k: int = 10,
    metric: str = "cosine",
    engine: EngineOption = "auto",
    cache: CacheOption = None,
    progress: Progress = True,
) -> DataFrame:
    """Return the table of :meth:`embviz.Collection.outliers`."""
    import pandas as pd

    vectors = collection.embed(model, layer, engine=engine, cache=cache, progress=progress)
    with reporter(progress) as report:
        store = collection.cache if cache is None else cache
        found = find_outliers(vectors, k, metric=metric, cache=store, report=report)
    reasons = [_reason(vectors, shares) for shares in found.shares]
    known = [name for name in ("name", "title", "artist") if name in collection.table.columns]
    facts = collection.table[known].reindex(vectors.tracks)
    table = pd.DataFrame(
        {
            **{name: facts[name].to_numpy() for name in known},
            "distance": found.distances,
            "score": found.scores,
            "outlier": found.scores >= OUTLIER,
            "reason": [_alone(reason, distance) for reason, distance in zip(reasons, found.distances, strict=True)],
            "share": [float(np.abs(shares[_largest(shares)]).sum()) for shares in found.shares],
            "dimensions": [_largest(shares).tolist() for shares in found.shares],
        },
        index=pd.Index(vectors.tracks, name="track"),
    )
    return table.sort_values("score", ascending=False, kind="stable")


def _largest(shares: NDArray[np.float32]) -> NDArray[np.int64]:
    order = np.argsort(-np.abs(shares), kind="stable")[:NAMED]
    return np.asarray(order[shares[order] != 0], np.int64)


def _reason(vectors: Vectors, shares: NDArray[np.float32]) -> str:
    """Return which dimensions make most of the distance, in words."""
    largest = _largest(shares)
    ways = (("higher", largest[shares[largest] > 0]), ("lower", largest[shares[largest] < 0]))
    named = [
        f"{how} in {', '.join(str(vectors.labels[i] if vectors.labels else i) for i in which)}"
        for how, which in ways
        if len(which)
    ]
    return "; ".join(named) or "the same as its neighbours"


def _alone(reason: str, distance: float) -> str:
    return "there is no other track to compare it with" if np.isnan(distance) else reason
