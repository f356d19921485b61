"""Similarity of two models, or two layers, on the same tracks.

Conventions: vectors are rows, ``[n, d]``; row i of both is the same track. The number of dimensions may differ.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from embviz.analysis.neighbors import check_vectors, nearest_neighbors
from embviz.analysis.projection.quality import neighbor_preservation
from embviz.core.cache import CacheOption
from embviz.core.options import check_rows
from embviz.core.progress import Report
from embviz.core.vectors import Vectors
from embviz.errors import OptionError

ROWS = 4096  # vectors that are made 64-bit numbers at once


@dataclass(frozen=True, eq=False)
class Agreement:
    """How far two sets of vectors of the same tracks agree, as :func:`agreement` returns it.

    Parameters
    ----------
    cka : float
        Linear CKA, from 0 to 1: 1 where one set is the other, turned and scaled. NaN where all vectors of a set are
        the same.
    overlap : float
        Mean of `per_point`; about k / (n - 1) where the sets are unrelated.
    hubness : (float, float)
        Of either set; see :func:`hubness`.
    k : int
        Number of neighbours that were compared.
    per_point : ndarray, shape [n], float32
        Share of a track's k nearest neighbours in the one set that are among those in the other.
    """

    cka: float
    overlap: float
    hubness: tuple[float, float]
    k: int
    per_point: NDArray[np.float32] = field(repr=False)

    def __repr__(self) -> str:
        first, second = self.hubness
        return (
            f"<Agreement on {len(self.per_point):,} tracks: CKA {self.cka:.3f} · {self.overlap:.0%} of neighbours in "
            f"common (k = {self.k}) · hubness {first:.2f} and {second:.2f}>"
        )


def agreement(
    a: ArrayLike | Vectors,
    b: ArrayLike | Vectors,
    k: int = 10,
    *,
    metric: str = "cosine",
    cache: CacheOption = None,
    report: Report | None = None,
) -> Agreement:
    """Compare two sets of vectors of the same tracks.

    Parameters
    ----------
    a, b : Vectors or array-like, shape [n, d] each
        Finite numbers; row i of both is the same track.
    k : int
        Number of neighbours; less than half of the other tracks, of which it would say little.
    metric : {"cosine", "euclidean"}
        Distance by which neighbours are found.
    cache : Cache, False or None
        Where neighbours are kept; None is the user's cache, False keeps nothing.
    report : callable, optional
        Called as ``report(stage, done, total)``; what it raises ends the work.

    Returns
    -------
    Agreement

    Raises
    ------
    OptionError
        If the vectors are not finite numbers, or not of the same tracks.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(60, 4))
    >>> agreement(X, 2 * X, k=5, cache=False)
    <Agreement on 60 tracks: CKA 1.000 · 100% of neighbours in common (k = 5) · hubness 0.47 and 0.47>
    """
    first, second = check_vectors(a), check_vectors(b)
    if len(first) != len(second):
        raise OptionError(
            f"Two sets of vectors of the same tracks are compared, but one has {len(first):,} and the other "
            f"{len(second):,}; select the tracks that both have."
        )
    tracks = [source.tracks for source in (a, b) if hasattr(source, "tracks")]
    if len(tracks) == 2 and not np.array_equal(tracks[0], tracks[1]):
        raise OptionError("Row by row, the two sets of vectors are not of the same tracks; select these in one order.")
    n = len(first)
    near = [nearest_neighbors(source, k, metric=metric, cache=cache, report=report).indices for source in (a, b)]
    k = min(k, max(0, n - 1) // 2)
    near = [indices[:, :k] for indices in near]
    per_point = neighbor_preservation(near[0], near[1])
    overlap = float(per_point.mean()) if n else np.nan
    return Agreement(linear_cka(first, second), overlap, (hubness(near[0]), hubness(near[1])), k, per_point)


def linear_cka(a: ArrayLike, b: ArrayLike) -> float:
    """Return the linear centered kernel alignment of two sets of vectors.

    It is the squared covariance between all dimensions of the one and all of the other, relative to those within each
    [1]_, in the form that needs no similarity of tracks to tracks: rotating or scaling a set changes nothing.

    Parameters
    ----------
    a, b : array-like, shape [n, d] each
        Row i of both is the same track; the number of dimensions may differ.

    Returns
    -------
    float
        From 0 to 1; NaN where all vectors of a set are the same.

    References
    ----------
    .. [1] S. Kornblith, M. Norouzi, H. Lee and G. Hinton, "Similarity of neural network representations revisited",
       ICML 2019.

    Examples
    --------
    >>> linear_cka([[0, 0], [0, 1], [1, 0]], [[5, 5], [5, 9], [9, 5]])
    1.0
    """
    first, second = (check_rows(rows, np.float64, "a and b are one row per track, [n, d]") for rows in (a, b))
    if len(first) != len(second):
        raise OptionError(f"a and b have a row for each track; {len(first):,} and {len(second):,} rows were found.")
    across = _cross_products(first, second)
    within = np.linalg.norm(_cross_products(first, first)) * np.linalg.norm(_cross_products(second, second))
    return min(1.0, float(np.linalg.norm(across) ** 2 / within)) if within > 0 else float("nan")


def _cross_products(first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the sums of products of all dimensions of both, about their means, ``[d1, d2]``."""
    means = [rows.mean(axis=0, dtype=np.float64) if len(rows) else 0.0 for rows in (first, second)]
    total = np.zeros((first.shape[1], second.shape[1]))
    for start in range(0, len(first), ROWS):
        part = slice(start, start + ROWS)
        total += (first[part] - means[0]).T @ (second[part] - means[1])
    return total


def hubness(indices: NDArray[np.int32]) -> float:
    """Return the skewness of how often each vector is a neighbour of others [1]_.

    Parameters
    ----------
    indices : ndarray, shape [n, k]
        Neighbours of each vector, as in :class:`Neighbors`.

    Returns
    -------
    float
        About 0 where all are neighbours equally often, high where a few are neighbours of nearly all; NaN for k = 0.

    References
    ----------
    .. [1] M. Radovanović, A. Nanopoulos and M. Ivanović, "Hubs in space: popular nearest neighbors in high-dimensional
       data", JMLR 11, 2010.

    Examples
    --------
    Of four, all have the first for their neighbour, and it has the second:

    >>> round(hubness(np.array([[1], [0], [0], [0]])), 2)
    0.82
    """
    indices = check_rows(indices, np.int64, "indices are those of the neighbours of each vector, [n, k]")
    n, k = indices.shape
    if not k:
        return float("nan")
    often = np.bincount(indices.ravel(), minlength=n)
    deviation = often - often.mean()
    spread = float(np.sqrt((deviation**2).mean()))
    return float((deviation**3).mean() / spread**3) if spread > 0 else 0.0
