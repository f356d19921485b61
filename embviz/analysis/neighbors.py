"""Nearest neighbours: which vectors of a collection lie closest to one another, or to new ones.

Conventions: vectors are rows, ``[n, d]``; a neighbour is the number of a row. Distances are ``"cosine"``, 1 minus the
cosine of the angle between two vectors (0 the same direction, 1 unrelated, 2 opposite), or ``"euclidean"``. A vector
of zeros has no direction: under ``"cosine"`` it is at 0 from other such vectors and at 1 from all else. Nearest first;
of neighbours at the same distance, the one with the lower number.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from embviz.core.cache import CacheOption, resolve_cache
from embviz.core.progress import Report
from embviz.errors import OptionError, did_you_mean

#: Metrics, with what a page calls them.
METRIC_TITLES = {"cosine": "cosine", "euclidean": "Euclidean"}
METRICS = tuple(METRIC_TITLES)
EXACT_UP_TO = 50_000  # vectors: some seconds at 200 dimensions
ROWS = 4096  # vectors that are worked on at once
FORMAT = 1  # of what is kept in the cache

# Of the neighbours that an approximate search looks for, the share that it has to find.
MIN_RECALL = 0.98
SAMPLE = 500  # vectors whose true neighbours tell it


@dataclass(frozen=True, eq=False)
class Neighbors:
    """The nearest neighbours of each vector among the others, as :func:`nearest_neighbors` returns them.

    Parameters
    ----------
    indices : ndarray, shape [n, k], int32
        Rows, nearest first; never the vector's own.
    distances : ndarray, shape [n, k], float32
        Their distances.
    metric : str
        ``"cosine"`` or ``"euclidean"``.
    exact : bool
        Whether all vectors were compared with each other.
    recall : float
        Share of true neighbours that were found: 1 where exact, else measured on a random sample of the vectors.
    """

    indices: NDArray[np.int32]
    distances: NDArray[np.float32]
    metric: str
    exact: bool
    recall: float = 1.0

    @property
    def k(self) -> int:
        """Number of neighbours of each vector."""
        return int(self.indices.shape[1])

    def __len__(self) -> int:
        return len(self.indices)

    def __repr__(self) -> str:
        how = "exact" if self.exact else f"approximate, {self.recall:.1%} found"
        return f"<Neighbours of {len(self):,} vectors: k = {self.k}, {self.metric}, {how}>"


def nearest_neighbors(
    values: ArrayLike,
    k: int = 15,
    *,
    metric: str = "cosine",
    exact: bool | None = None,
    key: str = "",
    cache: CacheOption = None,
    report: Report | None = None,
) -> Neighbors:
    """Return the nearest neighbours of each vector among the others.

    Parameters
    ----------
    values : Vectors or array-like, shape [n, d]
        Finite numbers.
    k : int
        How many; n - 1 where there are no more.
    metric : str
        ``"cosine"`` or ``"euclidean"``.
    exact : bool, optional
        Whether to compare all with all; by default up to 50,000 vectors. Beyond, the space is divided into cells, and
        as many cells are searched as it takes to find 98 % of the true neighbours of 500 vectors drawn at random.
    key : str
        Cache key of these values; that of `Vectors`, or a digest of the values, by default.
    cache : Cache, False or None
        Where results are kept; None is the user's cache, False keeps nothing.
    report : callable, optional
        Called as ``report(stage, done, total)``; what it raises ends the search.

    Returns
    -------
    Neighbors

    Raises
    ------
    OptionError
        If the values are not finite numbers in rows, or an option is out of range.

    References
    ----------
    J. Johnson, M. Douze and H. Jégou, "Billion-scale similarity search with GPUs", arXiv:1702.08734, 2017 (faiss).

    Examples
    --------
    >>> nearest_neighbors([[1, 0], [1, 0.1], [0, 1]], k=1, cache=False).indices.tolist()
    [[1], [0], [1]]
    """
    vectors = check_vectors(values)
    if k < 1 or k != int(k):
        raise OptionError(f"k is a number of neighbours, 1 or more; {k!r} was found.")
    n = len(vectors)
    k = max(0, min(int(k), n - 1))
    exact = uses_exact_search(n) if exact is None else exact
    store = resolve_cache(cache)
    entry = {
        "vectors": key or vectors_key(values),
        "metric": check_metric(metric),
        "k": k,
        "exact": exact,
        "faiss": importlib.metadata.version("faiss-cpu"),
        "format": FORMAT,
    }
    known = store.load_arrays("neighbours", entry) if store else None
    if known is not None:
        return Neighbors(known["indices"], known["distances"], metric, exact, float(known["recall"][0]))
    index = NeighborIndex(vectors, metric=metric, exact=exact)
    indices, distances = _search_without_self(index, k, report)
    if store:
        arrays = {"indices": indices, "distances": distances, "recall": np.array([index.recall])}
        store.save_arrays("neighbours", entry, arrays)
    return Neighbors(indices, distances, metric, exact, index.recall)


def _search_without_self(
    index: NeighborIndex, k: int, report: Report | None
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return neighbours and distances of the vectors of an index, without the vectors themselves, ``[n, k]`` each."""
    indices = np.empty((index.n, k), np.int32)
    distances = np.empty((index.n, k), np.float32)
    done = 0
    tell = report or (lambda *_: None)
    tell("finding neighbours", 0, index.n)
    for rows, near, far in index.search_self(k + 1):
        # Where vectors are identical, the vector itself need not come first, nor be among those found.
        far[near == rows[:, None]] = np.inf
        order = np.argsort(far, axis=1, kind="stable")[:, :k]
        indices[rows] = np.take_along_axis(near, order, axis=1)
        distances[rows] = np.take_along_axis(far, order, axis=1)
        done += len(rows)
        tell("finding neighbours", done, index.n)
    return indices, distances


class NeighborIndex:
    """Vectors of a collection, searched for the nearest to any others.

    Parameters
    ----------
    values : Vectors or array-like, shape [n, d]
        Finite numbers; one copy of them is made.
    metric : str
        ``"cosine"`` or ``"euclidean"``.
    exact : bool, optional
        Whether queries are compared with all vectors; by default up to 50,000 of these.

    Attributes
    ----------
    n : int
        Number of vectors.
    exact : bool
        Whether all neighbours found are the true ones.
    recall : float
        Share of true neighbours that are found: 1 where exact, else measured on a random sample.

    Raises
    ------
    OptionError
        If the values are not finite numbers in rows, or there is no such metric.
    """

    def __init__(self, values: ArrayLike, *, metric: str = "cosine", exact: bool | None = None) -> None:
        vectors = check_vectors(values)
        self.metric = check_metric(metric)
        self.n, self.dimensions = vectors.shape
        self.exact = uses_exact_search(self.n) if exact is None else exact
        self.recall = 1.0
        self._space = _MetricSpace(vectors, metric)
        self._vectors = self._space.transform(vectors)
        self._inverted: _InvertedFile | None = None
        if not self.exact and self.n:
            self._inverted = _InvertedFile(self._vectors)
            self._vectors = self._inverted.vectors
            self.recall = self._inverted.recall

    def search(self, queries: ArrayLike, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the nearest vectors of the collection.

        Parameters
        ----------
        queries : array-like, shape [q, d] or [d]
            Vectors whose neighbours are searched.
        k : int
            How many; n where there are no more.

        Returns
        -------
        indices : ndarray, shape [q, k], int64
            Rows of the collection, nearest first.
        distances : ndarray, shape [q, k], float32
            Their distances.

        Raises
        ------
        OptionError
            If the number of dimensions differs, or a number is not finite.

        Examples
        --------
        >>> NeighborIndex([[1, 0], [0, 1]]).search([1, 0.1], k=1)[0].tolist()
        [[0]]
        """
        rows = check_vectors(np.atleast_2d(np.asarray(queries)))
        if rows.shape[1] != self.dimensions:
            raise OptionError(
                f"Vectors of {self.dimensions} dimensions are searched; those to look for have {rows.shape[1]}."
            )
        k = max(0, min(int(k), self.n))
        indices, distances = np.empty((len(rows), k), np.int64), np.empty((len(rows), k), np.float32)
        if not k:
            return indices, distances
        for start in range(0, len(rows), ROWS):
            part = slice(start, start + ROWS)
            indices[part], distances[part] = self._search(self._space.transform(rows[part]), k)
            if not self._space.has_zeros:
                distances[part][self._space.is_zero(rows[part])] = 1
        return indices, distances

    def distances(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the distances from some vectors of the collection to all of its vectors.

        They are meant for ranks: distances that are tiny beside the extent of the collection are not exact to their
        last digits.

        Parameters
        ----------
        rows : ndarray, shape [q], int
            Numbers of these vectors.

        Returns
        -------
        ndarray, shape [q, n], float32
        """
        place = np.arange(self.n) if self._inverted is None else np.argsort(self._inverted.order)
        points = self._vectors[place[rows]]
        lengths = np.einsum("nd,nd->n", self._vectors, self._vectors)
        squares = np.einsum("qd,qd->q", points, points)[:, None] + lengths - 2 * points @ self._vectors.T
        distances = self._space.distances(np.clip(squares, 0, None))
        return distances if self._inverted is None else distances[:, place]

    def search_self(self, k: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]]:
        """Search the neighbours of all vectors of the collection, up to 4,096 at a time.

        Parameters
        ----------
        k : int
            How many, the vector itself among them, n at most; below 2, nothing is searched.

        Yields
        ------
        rows : ndarray, shape [q], int64
            Numbers of the vectors whose neighbours follow.
        indices : ndarray, shape [q, k], int64
            Rows of the collection, nearest first.
        distances : ndarray, shape [q, k], float32
            Their distances.
        """
        order = np.arange(self.n) if self._inverted is None else self._inverted.order
        for start in range(0, self.n if k > 1 else 0, ROWS):
            part = slice(start, start + ROWS)
            yield order[part], *self._search(self._vectors[part], k)

    def _search(self, points: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        near = _faiss_knn(points, self._vectors, k) if self._inverted is None else self._inverted.nearest(points, k)
        # The search expands squares, which costs digits where vectors are close: they are compared once more.
        far = np.empty(near.shape, np.float32)
        for start in range(0, len(points), 256):
            part = slice(start, start + 256)
            apart = self._vectors[near[part]]
            apart -= points[part, None]
            far[part] = np.einsum("qkd,qkd->qk", apart, apart)
        if self._inverted is not None:
            near = self._inverted.order[near]
        order = np.lexsort((near, far), axis=1)
        return np.take_along_axis(near, order, axis=1), self._space.distances(np.take_along_axis(far, order, axis=1))

    def __repr__(self) -> str:
        how = "exact" if self.exact else f"approximate, {self.recall:.1%} found"
        return f"<Index of {self.n:,} vectors of {self.dimensions} dimensions: {self.metric}, {how}>"


class _MetricSpace:
    """A space where both metrics are Euclidean distances: vectors of length 1, or the vectors, about their mean.

    What all vectors have in common says nothing of their distances, but would cost digits of them.
    """

    def __init__(self, vectors: NDArray[np.float32], metric: str) -> None:
        self.cosine = metric == "cosine"
        self.has_zeros = self.cosine and any(self.is_zero(part).any() for part in _chunks(vectors))
        self.center: NDArray[np.float64] | float = 0.0
        self.scale = 1.0
        if not vectors.size:
            return
        self.center = sum(self._normalize(part).sum(axis=0) for part in _chunks(vectors)) / len(vectors)
        if not self.cosine:
            reach = max(float(abs(self._normalize(part) - self.center).max()) for part in _chunks(vectors))
            self.scale = reach or 1.0

    def is_zero(self, vectors: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return which vectors are zero under the cosine metric, which needs a direction."""
        return np.asarray(np.equal(vectors, 0).all(axis=1) & self.cosine)

    def transform(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return vectors in this space."""
        inside = np.empty((len(vectors), vectors.shape[1] + self.has_zeros), np.float32)
        for start, part in zip(range(0, len(vectors), ROWS), _chunks(vectors), strict=True):
            inside[start : start + ROWS] = (self._normalize(part) - self.center) / self.scale
        return inside

    def distances(self, squares: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return distances of the metric from squared distances in this space."""
        return np.asarray(squares / 2 if self.cosine else np.sqrt(squares) * self.scale, np.float32)

    def _normalize(self, part: NDArray[np.float32]) -> NDArray[np.float64]:
        rows = part.astype(np.float64)
        if not self.cosine:
            return rows
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        rows /= np.where(length > 0, length, 1)
        # A direction of their own for those that have none: at a right angle to all others.
        return np.hstack([rows, length == 0]) if self.has_zeros else rows


class _InvertedFile:
    """Vectors in cells around centroids: a query is compared with those in the cells nearest to its own (IVF).

    `order` are the rows of the vectors, of which there is at least one, cell by cell; `vectors` stand in this order.
    """

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        import faiss

        n, dimensions = vectors.shape
        count = max(1, round(n**0.5))
        # The centres come from a sample; one point for each is enough for faiss, which would warn on its own terms.
        kmeans = faiss.Kmeans(dimensions, count, niter=6, seed=1, max_points_per_centroid=64, min_points_per_centroid=1)
        kmeans.train(vectors)
        self.centers = np.asarray(kmeans.centroids)
        cells = self._assign_cells(vectors)
        self.order = np.argsort(cells, kind="stable")
        self.starts = np.searchsorted(cells[self.order], np.arange(count + 1))
        self.vectors = vectors[self.order]
        self.ranked = _faiss_knn(self.centers, self.centers, count)
        self.n_probe = min(8, count)
        while (recall := self._measure_recall()) < MIN_RECALL and self.n_probe < count:
            self.n_probe = min(2 * self.n_probe, count)
        self.recall = recall

    def nearest(self, points: NDArray[np.float32], k: int) -> NDArray[np.int64]:
        """Return the k nearest places in `vectors`, which has k or more."""
        found = np.empty((len(points), k), np.int64)
        cells = self._assign_cells(points)
        for cell in np.unique(cells):
            asked = np.flatnonzero(cells == cell)
            candidates = self._candidates(cell, k)
            found[asked] = candidates[_faiss_knn(points[asked], self.vectors[candidates], k)]
        return found

    def _candidates(self, cell: int, k: int) -> NDArray[np.int64]:
        """Return the places in the cells around one; more of these where they hold fewer than k vectors."""
        sizes = np.diff(self.starts)[self.ranked[cell]].cumsum()
        enough = max(self.n_probe, int(np.searchsorted(sizes, k)) + 1)
        return np.concatenate([np.arange(*self.starts[near : near + 2]) for near in self.ranked[cell, :enough]])

    def _measure_recall(self) -> float:
        k = min(16, len(self.vectors))
        sample = np.random.default_rng(1).permutation(len(self.vectors))[:SAMPLE]
        points = self.vectors[sample]
        pairs = zip(_faiss_knn(points, self.vectors, k), self.nearest(points, k), strict=True)
        return float(np.mean([len(np.intersect1d(true, found)) / k for true, found in pairs]))

    def _assign_cells(self, points: NDArray[np.float32]) -> NDArray[np.int64]:
        return _faiss_knn(points, self.centers, 1)[:, 0]


def _faiss_knn(points: NDArray[np.float32], vectors: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    import faiss

    indices: NDArray[np.int64] = faiss.knn(points, vectors, k)[1]
    return indices


def uses_exact_search(n: int) -> bool:
    """Return whether `n` vectors are all compared with each other by default."""
    return n <= EXACT_UP_TO


def check_vectors(values: Any) -> NDArray[np.float32]:
    """Return vectors as float32 rows, all of them finite; OptionError if they are not."""
    try:
        with np.errstate(over="ignore"):  # what does not fit is infinite, which is refused below
            vectors = np.asarray(np.asarray(values), dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise OptionError(
            f"Vectors are numbers in rows of equal length, {type(values).__name__!r} was found."
        ) from error
    if vectors.ndim != 2 or not vectors.shape[1]:
        raise OptionError(f"Vectors are the rows of an array [n, d], one of shape {list(vectors.shape)} was found.")
    bad = sum(int((~np.isfinite(part)).any(axis=1).sum()) for part in _chunks(vectors))
    if bad:
        raise OptionError(
            f"Vectors hold finite numbers only, but {bad:,} of {len(vectors):,} have missing or infinite ones; "
            "leave these out."
        )
    return np.ascontiguousarray(vectors)


def vectors_key(values: Any) -> str:
    """Return the cache key of vectors: that of `Vectors`, or a digest of the numbers of an array."""
    key = getattr(values, "key", None)
    if isinstance(key, str) and key:
        return key
    vectors = check_vectors(values)
    digest = hashlib.blake2b(repr(vectors.shape).encode(), digest_size=20)
    for part in _chunks(vectors):
        digest.update(part.data)
    return digest.hexdigest()


def _chunks(vectors: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """Yield some rows after the others, so that nothing needs twice the memory."""
    for start in range(0, len(vectors), ROWS):
        yield vectors[start : start + ROWS]


def check_metric(metric: Any) -> str:
    """Return the metric; OptionError if there is none of this name."""
    if metric not in METRICS:
        known = " or ".join(map(repr, METRICS))
        raise OptionError(f"metric is {known}, {metric!r} was found.{did_you_mean(str(metric), METRICS)}")
    return str(metric)
