"""Quality of a map: trustworthiness, continuity and the share of neighbours preserved.

J. Venna and S. Kaski, "Neighborhood preservation in nonlinear projection methods: an experimental study", ICANN 2001.
The first two are 1 where the k nearest neighbours are the same, and about 0.5 where points lie at random.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from embviz.analysis.neighbors import NeighborIndex
from embviz.core.progress import Report

ALL_UP_TO = 5000  # points; of more, a sample is measured
SAMPLE = 1000
ROWS = 250  # points whose distances to all others are held at once


class QualityMetrics(NamedTuple):
    """Trustworthiness and continuity by k neighbours, measured on a sample of so many points."""

    trustworthiness: float
    continuity: float
    k: int
    sample: int


def quality_metrics(
    vectors: NDArray[np.float32],
    xy: NDArray[np.float32],
    near: NDArray[np.int32],
    on_map: NDArray[np.int32],
    metric: str,
    report: Report,
) -> QualityMetrics:
    """Return the trustworthiness and the continuity of a map `xy`, ``[n, 2]``, of `vectors`, ``[n, d]``.

    The neighbours of each in the full space, by `metric`, and on the map are `near` and `on_map`, ``[n, k]``; k is less
    than n / 2. What `report` raises ends the work.
    """
    n, k = near.shape
    if not k:
        return QualityMetrics(np.nan, np.nan, 0, 0)
    rows = np.arange(n)
    if n > ALL_UP_TO:
        rows = np.sort(np.random.default_rng(0).permutation(n)[:SAMPLE])
    full, flat = NeighborIndex(vectors, metric=metric, exact=True), NeighborIndex(xy, metric="euclidean", exact=True)
    intruders = absent = 0.0
    for start in range(0, len(rows), ROWS):
        report("measuring the map", start, len(rows))
        part = rows[start : start + ROWS]
        intruders += _rank_excess(full.distances(part), part, on_map[part])
        absent += _rank_excess(flat.distances(part), part, near[part])
    report("measuring the map", len(rows), len(rows))
    worst = len(rows) * k * (2 * n - 3 * k - 1) / 2
    return QualityMetrics(1 - intruders / worst, 1 - absent / worst, k, len(rows))


def _rank_excess(distances: NDArray[np.float32], rows: NDArray[np.int64], near: NDArray[np.int32]) -> float:
    """Return the sum of ranks beyond k, in these distances, of neighbours found in the other space."""
    distances[np.arange(len(rows)), rows] = np.inf
    reach = np.take_along_axis(distances, near, axis=1)
    k = near.shape[1]
    pairs = zip(np.sort(distances, axis=1), reach, strict=True)
    return float(sum(int(np.clip(np.searchsorted(here, far) + 1 - k, 0, None).sum()) for here, far in pairs))


def map_neighbors(xy: NDArray[np.float32], k: int) -> NDArray[np.int32]:
    """Return the k nearest points of each on a map; points in one place in no particular order."""
    from scipy.spatial import cKDTree

    # A tree cannot part points that lie in one place; there may be thousands of silent tracks there.
    extent = float(np.ptp(xy, axis=0).max(initial=0))
    points = xy + np.random.default_rng(0).uniform(-1, 1, xy.shape) * extent * 1e-9
    _, found = cKDTree(points).query(points, k + 1, workers=-1)
    others = found != np.arange(len(xy))[:, None]
    others[others.all(axis=1), -1] = False
    return np.asarray(found[others].reshape(len(xy), k), np.int32)


def neighbor_preservation(near: NDArray[np.int32], on_map: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return the share of each point's neighbours in the full space that are its neighbours on the map, ``[n]``."""
    if not near.shape[1]:
        return np.full(len(near), np.nan, np.float32)
    kept = np.zeros(near.shape, bool)
    for column in on_map.T:
        kept |= near == column[:, None]
    return np.asarray(kept.mean(axis=1), np.float32)
