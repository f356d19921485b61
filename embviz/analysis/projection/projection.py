"""Project vectors to a map: two coordinates for each, and how far they can be trusted."""

from __future__ import annotations

import functools
import importlib.metadata
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from embviz.analysis.neighbors import (
    NeighborIndex,
    Neighbors,
    check_metric,
    check_vectors,
    nearest_neighbors,
    uses_exact_search,
    vectors_key,
)
from embviz.analysis.projection.options import check_method, resolve_options
from embviz.analysis.projection.pca import principal_components
from embviz.analysis.projection.quality import map_neighbors, neighbor_preservation, quality_metrics
from embviz.analysis.projection.tsne_pacmap import pacmap_layout, tsne_layout, unavailable_reason
from embviz.analysis.projection.umap import umap_layout
from embviz.core.cache import CacheOption, resolve_cache
from embviz.core.progress import Progress, Report, reporter
from embviz.core.text import plural
from embviz.core.vectors import Vectors
from embviz.errors import OptionError

if TYPE_CHECKING:
    import pandas as pd

METHOD_NAMES = {"umap": "UMAP", "pca": "PCA", "tsne": "t-SNE", "pacmap": "PaCMAP"}
QUALITY_K = 15  # neighbours by which maps are judged
PLACING_K = 15  # training vectors between which a new one is placed
MIN_DISTINCT = {"umap": 4, "tsne": 4, "pacmap": 8}  # vectors that a method needs
SLOW_TSNE = 5000  # vectors; t-SNE takes minutes from about here
FORMAT = 2  # of what is kept in the cache, and of how maps are computed
LAYOUTS = {"umap": umap_layout, "tsne": tsne_layout, "pacmap": pacmap_layout}
LIBRARIES = {"umap": ("umap-learn", "numba", "scipy"), "tsne": ("scikit-learn",), "pacmap": ("pacmap", "numba")}


@dataclass(frozen=True, eq=False)
class Projection:
    """A map of vectors, as :func:`project` returns it.

    Parameters
    ----------
    xy : ndarray, shape [n, 2], float32
        Coordinates of the vectors on the map.
    method : str
        The method used: ``"pca"`` where the one asked for is impossible.
    options : mapping
        All options of that method.
    notes : tuple of str
        Sentences that belong beside the map.
    trustworthiness : float
        1 where all points that are close on the map are close in the full space [1]_; NaN where there are too few.
    continuity : float
        1 where all points that are close in the full space are close on the map [1]_.
    k : int
        Number of neighbours by which these are measured: 15, or of fewer than 31 points half the others.
    sample : int
        Number of points, drawn at random, on which they are measured; all up to 5,000.
    preservation : ndarray, shape [n], float32
        Share of each vector's k nearest neighbours that are also among its k nearest on the map.
    axes : (str, str)
        What to call the axes.
    metric : str
        By which neighbours in the full space were found.
    seed : int
        Start of the random numbers.
    vectors : ndarray, shape [n, d]
        The vectors that were projected.
    tracks, times : ndarray, shape [n], or None
        Those of the `Vectors` that were projected: labels of tracks, and seconds where points are frames.

    References
    ----------
    .. [1] J. Venna and S. Kaski, "Neighborhood preservation in nonlinear projection methods", ICANN 2001.
    """

    xy: NDArray[np.float32]
    method: str
    options: Mapping[str, Any]
    notes: tuple[str, ...]
    trustworthiness: float
    continuity: float
    k: int
    sample: int
    preservation: NDArray[np.float32]
    axes: tuple[str, str]
    metric: str
    seed: int
    vectors: NDArray[np.float32] = field(repr=False)
    tracks: NDArray[np.int64] | None = field(default=None, repr=False)
    times: NDArray[np.float64] | None = field(default=None, repr=False)

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:  # noqa: N803  as scikit-learn calls it
        """Return the positions of new vectors on the map.

        PCA applies its own axes. The other methods have no rule for new vectors: these get the mean position of the 15
        vectors nearest in the full space, weighted by the inverse of the squared distance [1]_; a vector that is on
        the map already comes to lie on its own point.

        Parameters
        ----------
        X : array-like, shape [m, d]
            Finite numbers.

        Returns
        -------
        ndarray, shape [m, 2], float32

        Raises
        ------
        OptionError
            If the number of dimensions differs, a number is not finite, or the map has no points.

        References
        ----------
        .. [1] D. Shepard, "A two-dimensional interpolation function for irregularly-spaced data", ACM 1968.

        Examples
        --------
        >>> X = np.random.default_rng(0).normal(size=(50, 8))
        >>> projection = project(X, "pca", cache=False)
        >>> np.allclose(projection.transform(X), projection.xy, atol=1e-5)
        True
        """
        rows = check_vectors(X)
        if rows.shape[1] != self.vectors.shape[1]:
            raise OptionError(
                f"The map is of vectors of {self.vectors.shape[1]} dimensions; those to place have {rows.shape[1]}."
            )
        if not len(self.xy):
            raise OptionError("There is nothing on the map that other vectors could be placed by.")
        if self.method == "pca":
            mean, axes = self._plane
            return np.asarray((rows - mean) @ axes.T, np.float32)
        near, far = self._index.search(rows, PLACING_K)
        squares = far.astype(np.float64) ** 2
        # Relative to the nearest, so that tiny distances do not overflow; where there is none, only those at 0 count.
        least = squares[:, :1]
        weights = np.where(least > 0, least / np.where(squares > 0, squares, 1), squares == 0)
        weights /= weights.sum(axis=1, keepdims=True)
        return np.asarray(np.einsum("mk,mkd->md", weights, self.xy[near].astype(np.float64)), np.float32)

    def to_frame(self) -> pd.DataFrame:
        """Return the map as a table.

        Returns
        -------
        DataFrame
            Columns ``x``, ``y`` and ``preservation``. The index is the label of the track, and the time in seconds
            where points are frames; it is the number of the vector where no tracks are known.
        """
        import pandas as pd

        beside = {name: rows for name, rows in (("track", self.tracks), ("time", self.times)) if rows is not None}
        columns = {"x": self.xy[:, 0], "y": self.xy[:, 1], "preservation": self.preservation}
        table = pd.DataFrame({**beside, **columns})
        return table.set_index(list(beside)) if beside else table

    @functools.cached_property
    def _index(self) -> NeighborIndex:
        return NeighborIndex(self.vectors, metric=self.metric)

    @functools.cached_property
    def _plane(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return principal_components(self.vectors)[1:3]

    def __len__(self) -> int:
        return len(self.xy)

    def __repr__(self) -> str:
        return f"<Projection of {plural(len(self), 'vector')}: {' · '.join(self.facts)}>"

    @property
    def facts(self) -> tuple[str, ...]:
        """The method and the quality of the map, as text."""
        if np.isnan(self.trustworthiness):
            return (METHOD_NAMES[self.method],)
        of = f", on {self.sample:,} points" if self.sample < len(self) else ""
        return (
            METHOD_NAMES[self.method],
            f"trustworthiness {self.trustworthiness:.3f}",
            f"continuity {self.continuity:.3f}",
            f"{self.preservation.mean():.0%} of {self.k} neighbours kept{of}",
        )


def project(
    X: ArrayLike | Vectors,  # noqa: N803  as scikit-learn calls it
    method: str = "umap",
    *,
    seed: int = 0,
    metric: str = "cosine",
    neighbors: Neighbors | None = None,
    cache: CacheOption = None,
    progress: Progress = None,
    **options: Any,
) -> Projection:
    """Project vectors to two dimensions.

    The same vectors, options and seed give the same map, whatever the number of processors. How far it can be trusted
    is measured by the 15 nearest neighbours of each point (of fewer than 31 points, by half the others), whatever the
    method was asked for.

    Parameters
    ----------
    X : Vectors or array-like, shape [n, d]
        Finite numbers.
    method : {"umap", "pca", "tsne", "pacmap"}
        UMAP [1]_, principal components, t-SNE [2]_ or PaCMAP [3]_, which has to be installed
        (``pip install 'embviz[pacmap]'``).
    seed : int
        Start of the random numbers.
    metric : {"cosine", "euclidean"}
        Distance in the full space. PCA uses it for the measures of quality only.
    neighbors : Neighbors, optional
        Nearest neighbors of these vectors, where they are known.
    cache : Cache, False or None
        Where results are kept; None is the user's cache, False computes anew and keeps nothing.
    progress : bool or callable, optional
        As for :func:`embviz.embed`; what a callable raises ends the work. t-SNE and PaCMAP cannot be interrupted.
    **options
        Options of the method by its own names, such as ``n_neighbors``; see :func:`method_options`.

    Returns
    -------
    Projection
        Where the method is impossible, as UMAP of three tracks, that of PCA, with a sentence in `notes`.

    Raises
    ------
    OptionError
        If a number is not finite, or there is no such method, option or value of an option.

    References
    ----------
    .. [1] L. McInnes, J. Healy, N. Saul and L. Grossberger, "UMAP: Uniform Manifold Approximation and Projection",
       Journal of Open Source Software 3(29), 2018.
    .. [2] L. van der Maaten and G. Hinton, "Visualizing data using t-SNE", JMLR 9, 2008.
    .. [3] Y. Wang, H. Huang, C. Rudin and Y. Shaposhnik, "Understanding how dimension reduction tools work: an
       empirical approach to deciphering t-SNE, UMAP, TriMap, and PaCMAP for data visualization", JMLR 22, 2021.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(200, 16))
    >>> projection = project(X, "pca", cache=False)
    >>> projection.xy.shape, projection.axes[0]
    ((200, 2), 'PC 1 (10 % of variance)')
    """
    values = resolve_options(check_method(method), options)
    vectors, metric = check_vectors(X), check_metric(metric)
    _check_seed(seed)
    if missing := unavailable_reason(method):
        raise OptionError(missing + ".")
    if neighbors is not None and (len(neighbors) != len(vectors) or neighbors.metric != metric):
        raise OptionError(
            f"Neighbours of these {len(vectors):,} vectors by {metric!r} are expected, {neighbors!r} was found."
        )
    store = resolve_cache(cache)
    key = {
        "vectors": vectors_key(X),
        "method": method,
        "options": values,
        "metric": metric,
        "seed": int(seed),
        "exact": uses_exact_search(len(vectors)) if neighbors is None else neighbors.exact,
        "versions": {
            name: importlib.metadata.version(name) for name in ("faiss-cpu", "numpy", *LIBRARIES.get(method, ()))
        },
        "format": FORMAT,
    }
    arrays = store.load_arrays("projections", key) if store else None
    if arrays is not None:
        projection = _from_arrays(arrays, vectors)
    else:
        with reporter(progress) as report:
            near = functools.partial(_find_neighbors, X, neighbors, metric, cache, report)
            projection = _compute(vectors, method, values, seed, near, report)
        if store:
            store.save_arrays("projections", key, _to_arrays(projection))
    return replace(projection, tracks=getattr(X, "tracks", None), times=getattr(X, "times", None))


def _check_seed(seed: Any) -> None:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**32:
        raise OptionError(f"seed is a whole number from 0 to 4,294,967,295, {seed!r:.80} was found.")


def _compute(
    vectors: NDArray[np.float32],
    method: str,
    options: Mapping[str, Any],
    seed: int,
    near_of: Callable[[int], Neighbors],
    report: Report,
) -> Projection:
    n, notes = len(vectors), []
    needed = MIN_DISTINCT.get(method, 0)
    if needed and _has_fewer_distinct(vectors, needed):
        notes.append(f"{METHOD_NAMES[method]} needs at least {needed} different vectors; this is PCA.")
        method, options = "pca", {}
    options, asked = _fit_options(method, options, n, notes)
    near = near_of(max(QUALITY_K, asked))
    axes = f"{METHOD_NAMES[method]} 1", f"{METHOD_NAMES[method]} 2"
    if method == "pca":
        xy, _, _, shares = principal_components(vectors)
        axes = f"PC 1 ({shares[0] * 100:.0f} % of variance)", f"PC 2 ({shares[1] * 100:.0f} % of variance)"
    else:
        closest = replace(near, indices=near.indices[:, :asked], distances=near.distances[:, :asked])
        xy = np.asarray(LAYOUTS[method](vectors, closest, options, seed=seed, report=report), np.float32)
    k = min(QUALITY_K, max(0, n - 1) // 2)
    true = near.indices[:, :k]
    on_map = map_neighbors(xy, k) if k else true
    return Projection(
        xy,
        method,
        options,
        tuple(notes),
        *quality_metrics(vectors, xy, true, on_map, near.metric, report),
        preservation=neighbor_preservation(true, on_map),
        axes=axes,
        metric=near.metric,
        seed=int(seed),
        vectors=vectors,
    )


def _fit_options(method: str, options: Mapping[str, Any], n: int, notes: list[str]) -> tuple[Mapping[str, Any], int]:
    """Return options that fit the number of vectors, and the number of neighbours that the method needs."""
    if method == "umap":
        if options["n_neighbors"] > n:
            asked = options["n_neighbors"]
            notes.append(f"UMAP compares each point with all others: n_neighbors is {n}, not {asked}.")
        fitting = {**options, "n_neighbors": min(options["n_neighbors"], n)}
        return fitting, fitting["n_neighbors"] - 1
    if method == "pacmap" and options["n_neighbors"] > n - 1:
        notes.append(f"PaCMAP's n_neighbors is {n - 1}, all others, in place of {options['n_neighbors']}.")
        return {**options, "n_neighbors": max(1, n - 1)}, 0
    if method == "tsne":
        most = (n - 1) / 3
        if options["perplexity"] > most:
            notes.append(f"t-SNE's perplexity is {most:.3g}, the highest that {n:,} points allow.")
        if n > SLOW_TSNE:
            notes.append("t-SNE takes minutes with this many vectors; UMAP is quicker.")
        fitting = {**options, "perplexity": min(options["perplexity"], most)}
        return fitting, min(n - 1, int(3 * fitting["perplexity"] + 1))
    return options, 0


def _find_neighbors(
    source: Any, known: Neighbors | None, metric: str, cache: CacheOption, report: Report, k: int
) -> Neighbors:
    """Return at least k neighbours of each vector, or all."""
    if known is not None and known.k >= min(k, len(known) - 1):
        return known
    exact = None if known is None else known.exact
    return nearest_neighbors(source, k, metric=metric, exact=exact, cache=cache, report=report)


def _has_fewer_distinct(vectors: NDArray[np.float32], needed: int) -> bool:
    different: set[bytes] = set()
    for row in vectors:
        different.add((row + np.float32(0)).tobytes())  # minus zero is zero
        if len(different) >= needed:
            return False
    return True


def _to_arrays(projection: Projection) -> dict[str, NDArray[Any]]:
    names = ("method", "options", "notes", "trustworthiness", "continuity", "k", "sample", "axes", "metric", "seed")
    text = json.dumps({name: getattr(projection, name) for name in names}).encode()
    return {"xy": projection.xy, "kept": projection.preservation, "facts": np.frombuffer(text, np.uint8)}


def _from_arrays(arrays: Mapping[str, NDArray[Any]], vectors: NDArray[np.float32]) -> Projection:
    facts = json.loads(arrays["facts"].tobytes())
    facts["notes"], facts["axes"] = tuple(facts["notes"]), tuple(facts["axes"])
    return Projection(arrays["xy"], preservation=arrays["kept"], vectors=vectors, **facts)
