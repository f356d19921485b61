"""Outliers: vectors that are far from their neighbours, and the dimensions in which they are.

Conventions: vectors are rows, ``[n, d]``. A *score* says how far a distance is above the median of all, in standard
deviations of a normal distribution, estimated from the median absolute deviation, which outliers do not move.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from embviz.analysis.neighbors import nearest_neighbors
from embviz.core.cache import CacheOption
from embviz.core.options import check_rows
from embviz.core.progress import Report

#: Score from which on a vector is an outlier [1]_.
#:
#: .. [1] B. Iglewicz and D. Hoaglin, "How to detect and handle outliers", ASQC Quality Press 1993.
OUTLIER = 3.5


@dataclass(frozen=True, eq=False)
class Outliers:
    """How far each vector is from its neighbors, as :func:`find_outliers` returns it.

    Parameters
    ----------
    distances : ndarray, shape [n]
        Mean distance to the nearest neighbours; NaN where there are none, or the vector is not finite.
    scores : ndarray, shape [n]
        How far above the median that is.
    shares : ndarray, shape [n, d], float32
        Share of each dimension in the way from the mean of the neighbours to the vector: its square, 0 … 1, with the
        sign of the direction. Zeros where there is no way.
    """

    distances: NDArray[np.float64]
    scores: NDArray[np.float64]
    shares: NDArray[np.float32]


def find_outliers(
    values: ArrayLike, k: int = 10, *, metric: str = "cosine", cache: CacheOption = None, report: Report | None = None
) -> Outliers:
    """Return how far each vector is from its nearest neighbours.

    Parameters
    ----------
    values : Vectors or array_like, shape [n, d]
        Rows that are not finite are left out.
    k : int
        Number of neighbours.
    metric, cache, report
        As for :func:`nearest_neighbors`.

    Returns
    -------
    Outliers

    Raises
    ------
    OptionError
        As :func:`nearest_neighbors` raises it.

    Examples
    --------
    >>> found = find_outliers([[1, 0], [1, 0.1], [1, 0.2], [0, 1]], k=2, cache=False)
    >>> int(found.scores.argmax())
    3
    """
    rows = check_rows(values, np.float32, "values are one row per point, [n, d]")
    finite = np.isfinite(rows).all(axis=1)
    known: Any = values if finite.all() else rows[finite]
    near = nearest_neighbors(known, k, metric=metric, cache=cache, report=report)
    distances, shares = np.full(len(rows), np.nan), np.zeros(rows.shape, np.float32)
    if near.k:
        distances[finite] = near.distances.mean(axis=1, dtype=np.float64)
        shares[finite] = _shares(rows[finite], near.indices, metric)
    return Outliers(distances, robust_scores(distances), shares)


def robust_scores(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far values are above the median, in deviations; NaN where one is NaN, 0 where all are the same."""
    known = values[np.isfinite(values)]
    if not len(known):
        return np.full(len(values), np.nan)
    apart = values - np.median(known)
    around = np.abs(known - np.median(known))
    # Where more than half are the same, the mean deviation stands in for the median one.
    scale = 1.4826 * np.median(around) or 1.2533 * around.mean()
    # Networks round: what differs by less than that is the same.
    return apart / scale if scale > 1e-6 * max(1e-6, float(np.abs(known).max())) else 0 * apart


def _shares(rows: NDArray[np.float32], near: NDArray[np.int32], metric: str) -> NDArray[np.float32]:
    points = rows.astype(np.float64)
    if metric == "cosine":
        length = np.linalg.norm(points, axis=1, keepdims=True)
        points /= np.where(length > 0, length, 1)
    shares = np.empty(rows.shape, np.float32)
    for i, neighbors in enumerate(near):
        way = points[i] - points[neighbors].mean(axis=0)
        total = float(way @ way)
        # What is left by rounding is no way.
        shares[i] = np.sign(way) * np.square(way) / total if total > 1e-12 * float(points[i] @ points[i]) else 0
    return shares
