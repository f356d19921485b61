"""A map of vectors: two coordinates for each, and how far they can be trusted."""

from __future__ import annotations

import functools
import importlib.metadata
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from embviz.analysis.neighbors import Index, Neighbors, is_exact, known_metric, matrix, nearest_neighbors, vectors_key
from embviz.analysis.projection.options import known_method, resolve
from embviz.analysis.projection.pca import principal
from embviz.analysis.projection.quality import figures, kept_neighbors, map_neighbors
from embviz.analysis.projection.tsne_pacmap import here, pacmap_layout, tsne_layout
from embviz.analysis.projection.umap import umap_layout
from embviz.core.cache import Cache, resolve_cache
from embviz.core.progress import Progress, reporter
from embviz.core.text import plural
from embviz.errors import OptionError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from embviz.core.progress import Report
    from embviz.core.vectors import Vectors

__all__ = ["TITLES", "Projection", "project"]

TITLES = {"umap": "UMAP", "pca": "PCA", "tsne": "t-SNE", "pacmap": "PaCMAP"}
K = 15  # neighbours by which maps are judged
NEAREST = 15  # training vectors between which a new one is placed
DIFFERENT = {"umap": 4, "tsne": 4, "pacmap": 8}  # vectors that a method needs
SLOW = 5000  # vectors; t-SNE takes minutes from about here
FORMAT = 1  # of what is kept in the cache
LIBRARIES = {
    "umap": ("umap-learn", "numba", "scipy"),
    "pca": (),
    "tsne": ("scikit-learn",),
    "pacmap": ("pacmap", "numba"),
}


@dataclass(frozen=True, eq=False)
class Projection:
    """A map of vectors.

    Parameters
    ----------
    xy : ndarray, shape [n, 2], float32
        Where the vectors are on the map.
    method : str
        What was used, which is ``"pca"`` where the method asked for is impossible.
    options : mapping
        All options of that method.
    notes : tuple of str
        Sentences that belong beside the map.
    trustworthiness : float
        1 where all points that are close on the map are close in the full space; NaN where there are too few points.
    continuity : float
        1 where all that are close in the full space are close on the map.
    k : int
        How many neighbours that was judged by.
    sample : int
        On how many points, drawn at random, that was measured; all where there are no more than 5,000.
    kept : ndarray, shape [n], float32
        Share of each vector's k nearest neighbours that are also among its k nearest on the map.
    axes : (str, str)
        What to call the axes.
    metric : str
        By which neighbours in the full space were found.
    seed : int
        Start of the random numbers.
    vectors : ndarray, shape [n, d]
        What was projected.
    tracks, times : ndarray or None
        Those of the `Vectors` that were projected.
    """

    xy: NDArray[np.float32]
    method: str
    options: Mapping[str, Any]
    notes: tuple[str, ...]
    trustworthiness: float
    continuity: float
    k: int
    sample: int
    kept: NDArray[np.float32]
    axes: tuple[str, str]
    metric: str
    seed: int
    vectors: NDArray[np.float32] = field(repr=False)
    tracks: NDArray[np.int64] | None = field(default=None, repr=False)
    times: NDArray[np.float64] | None = field(default=None, repr=False)

    def place(self, new: ArrayLike) -> NDArray[np.float32]:
        """Return where other vectors belong on the map.

        PCA places them as it placed those it was made of. Other maps have no rule for new vectors: there they are put
        at the average of the 15 vectors nearest to them in the full space, weighted by the inverse of the square of
        the distance (Shepard, "A two-dimensional interpolation function for irregularly-spaced data", 1968); a vector
        that is on the map already comes to lie on its own point.

        Parameters
        ----------
        new : array-like, shape [m, d]

        Returns
        -------
        ndarray, shape [m, 2], float32
        """
        rows = matrix(new)
        if rows.shape[1] != self.vectors.shape[1]:
            raise OptionError(
                f"The map is of vectors of {self.vectors.shape[1]} dimensions; those to place have {rows.shape[1]}."
            )
        if not len(self.xy):
            raise OptionError("There is nothing on the map that other vectors could be placed by.")
        if self.method == "pca":
            mean, axes = self._plane
            return np.asarray((rows - mean) @ axes.T, np.float32)
        near, far = self._index.search(rows, NEAREST)
        squares = far.astype(np.float64) ** 2
        # Relative to the nearest, so that tiny distances do not overflow; where there is none, only those at 0 count.
        least = squares[:, :1]
        weights = np.where(least > 0, least / np.where(squares > 0, squares, 1), squares == 0)
        weights /= weights.sum(axis=1, keepdims=True)
        return np.asarray(np.einsum("mk,mkd->md", weights, self.xy[near].astype(np.float64)), np.float32)

    def to_frame(self) -> pd.DataFrame:
        """Return the map as a table: ``x``, ``y`` and ``kept``; indexed by track (and time, for frames)."""
        import pandas as pd

        beside = {name: rows for name, rows in (("track", self.tracks), ("time", self.times)) if rows is not None}
        columns = {"x": self.xy[:, 0], "y": self.xy[:, 1], "kept": self.kept}
        table = pd.DataFrame({**beside, **columns})
        return table.set_index(list(beside)) if beside else table

    @functools.cached_property
    def _index(self) -> Index:
        return Index(self.vectors, metric=self.metric)

    @functools.cached_property
    def _plane(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        _, mean, axes, _ = principal(self.vectors)
        return mean, axes

    def __len__(self) -> int:
        return len(self.xy)

    def __repr__(self) -> str:
        return f"<Projection of {plural(len(self), 'vector')}: {' · '.join(self.facts)}>"

    @property
    def facts(self) -> tuple[str, ...]:
        """What to say of the map, from the method to the share of neighbours kept."""
        if np.isnan(self.trustworthiness):
            return (TITLES[self.method],)
        of = f", on {self.sample:,} points" if self.sample < len(self) else ""
        return (
            TITLES[self.method],
            f"trustworthiness {self.trustworthiness:.3f}",
            f"continuity {self.continuity:.3f}",
            f"{self.kept.mean():.0%} of neighbours kept (k = {self.k}{of})",
        )


def project(
    X: ArrayLike | Vectors,  # noqa: N803  as scikit-learn calls it
    method: str = "umap",
    *,
    seed: int = 0,
    metric: str = "cosine",
    neighbors: Neighbors | None = None,
    cache: Cache | Literal[False] | None = None,
    progress: Progress = None,
    **options: Any,
) -> Projection:
    """Lay vectors out on a map.

    The same vectors, options and seed give the same map, whatever the number of processors.

    Parameters
    ----------
    X : Vectors or array-like, shape [n, d]
        Finite numbers.
    method : {"umap", "pca", "tsne", "pacmap"}
        PaCMAP has to be installed (``pip install 'embviz[pacmap]'``).
    seed : int
        Start of the random numbers.
    metric : {"cosine", "euclidean"}
        By which neighbours are found in the full space. PCA has no use of it except to be judged by.
    neighbors : Neighbours, optional
        Those of these vectors, if they are known.
    cache : Cache, False or None
        Where results are kept; None is the user's cache, False computes anew and keeps nothing.
    progress : bool or callable, optional
        As for :func:`embviz.embed`; what a callable raises ends the work. t-SNE and PaCMAP cannot be ended on the way.
    **options
        Those of the method, by its own names; see :func:`options_of`.

    Returns
    -------
    Projection
        Where the method is impossible, as UMAP of three tracks, it is PCA's, and says so in `notes`.

    Raises
    ------
    OptionError
        If the vectors hold what is no finite number, or there is no such method, option or value of an option.
    """
    values = resolve(known_method(method), options)
    vectors, metric = matrix(X), known_metric(metric)
    _check_seed(seed)
    if here(method):
        raise OptionError(here(method) + ".")
    if neighbors is not None and (len(neighbors) != len(vectors) or neighbors.metric != metric):
        raise OptionError(
            f"Neighbours of these {len(vectors):,} vectors by {metric!r} are expected, {neighbors!r} was found."
        )
    store = resolve_cache(cache)
    wanted = {
        "vectors": vectors_key(X),
        "method": method,
        "options": values,
        "metric": metric,
        "seed": int(seed),
        "exact": is_exact(len(vectors)) if neighbors is None else neighbors.exact,
        "versions": {name: importlib.metadata.version(name) for name in ("faiss-cpu", "numpy", *LIBRARIES[method])},
        "format": FORMAT,
    }
    kept = store.load_arrays("projections", wanted) if store else None
    if kept is not None:
        found = _recalled(kept, vectors)
    else:
        with reporter(progress) as report:
            near = functools.partial(_neighbors, X, neighbors, metric, cache, report)
            found = _computed(vectors, method, values, seed, near, report)
        if store:
            store.save_arrays("projections", wanted, _remembered(found))
    return replace(found, tracks=getattr(X, "tracks", None), times=getattr(X, "times", None))


def _check_seed(seed: Any) -> None:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**32:
        raise OptionError(f"seed is a whole number from 0 to 4,294,967,295, {seed!r:.80} was found.")


def _computed(
    vectors: NDArray[np.float32],
    method: str,
    options: Mapping[str, Any],
    seed: int,
    near_of: Callable[[int], Neighbors],
    report: Report,
) -> Projection:
    n, notes = len(vectors), []
    needed = DIFFERENT.get(method, 0)
    if needed and _fewer_different(vectors, needed):
        notes.append(f"{TITLES[method]} needs at least {needed} different vectors; this is PCA.")
        method, options = "pca", {}
    options, asked = _fitting(method, options, n, notes)
    near = near_of(max(K, asked))
    axes = f"{TITLES[method]} 1", f"{TITLES[method]} 2"
    if method == "pca":
        xy, _, _, shares = principal(vectors)
        axes = f"PC 1 ({shares[0] * 100:.0f} % of variance)", f"PC 2 ({shares[1] * 100:.0f} % of variance)"
    elif method == "umap":
        xy = umap_layout(vectors, _first(near, asked), options, seed=seed, report=report)
    elif method == "tsne":
        xy = tsne_layout(vectors, _first(near, asked), options, seed=seed, report=report)
    else:
        xy = pacmap_layout(vectors, near.metric, options, seed=seed, report=report)
    xy = np.asarray(xy, np.float32)
    k = min(K, max(0, n - 1) // 2)
    true = near.indices[:, :k]
    on_map = map_neighbors(xy, k) if k else true
    return Projection(
        xy,
        method,
        options,
        tuple(notes),
        *figures(vectors, xy, true, on_map, near.metric, report),
        kept=kept_neighbors(true, on_map),
        axes=axes,
        metric=near.metric,
        seed=int(seed),
        vectors=vectors,
    )


def _fitting(method: str, options: Mapping[str, Any], n: int, notes: list[str]) -> tuple[Mapping[str, Any], int]:
    """Return options that suit the number of vectors, and how many neighbours of each are needed."""
    if method == "umap":
        if options["n_neighbors"] > n:
            notes.append(f"n_neighbors is {n} here: there are no more vectors.")
        fitting = {**options, "n_neighbors": min(options["n_neighbors"], n)}
        return fitting, fitting["n_neighbors"] - 1
    if method == "tsne":
        most = (n - 1) / 3
        if options["perplexity"] > most:
            notes.append(f"Perplexity is {most:.3g} here, as much as {n:,} vectors allow.")
        if n > SLOW:
            notes.append("t-SNE takes minutes with this many vectors; UMAP is quicker.")
        fitting = {**options, "perplexity": min(options["perplexity"], most)}
        return fitting, min(n - 1, int(3 * fitting["perplexity"] + 1))
    return options, 0


def _neighbors(
    source: Any,
    known: Neighbors | None,
    metric: str,
    cache: Cache | Literal[False] | None,
    report: Report,
    k: int,
) -> Neighbors:
    """Return k neighbours of each vector at least, as far as there are so many."""
    if known is not None and known.k >= min(k, len(known) - 1):
        return known
    exact = None if known is None else known.exact
    return nearest_neighbors(source, k, metric=metric, exact=exact, cache=cache, report=report)


def _first(near: Neighbors, k: int) -> Neighbors:
    return replace(near, indices=near.indices[:, :k], distances=near.distances[:, :k])


def _fewer_different(vectors: NDArray[np.float32], needed: int) -> bool:
    """Tell whether there are fewer different vectors than are needed."""
    different: set[bytes] = set()
    for row in vectors:
        different.add((row + np.float32(0)).tobytes())  # minus zero is zero
        if len(different) >= needed:
            return False
    return True


def _remembered(projection: Projection) -> dict[str, NDArray[Any]]:
    """Return a projection as the cache keeps it."""
    facts = {
        "method": projection.method,
        "options": dict(projection.options),
        "notes": projection.notes,
        "trustworthiness": projection.trustworthiness,
        "continuity": projection.continuity,
        "k": projection.k,
        "sample": projection.sample,
        "axes": projection.axes,
        "metric": projection.metric,
        "seed": projection.seed,
    }
    text = np.frombuffer(json.dumps(facts).encode(), np.uint8)
    return {"xy": projection.xy, "kept": projection.kept, "facts": text}


def _recalled(kept: Mapping[str, NDArray[Any]], vectors: NDArray[np.float32]) -> Projection:
    facts = json.loads(kept["facts"].tobytes())
    facts["notes"], facts["axes"] = tuple(facts["notes"]), tuple(facts["axes"])
    return Projection(kept["xy"], kept=kept["kept"], vectors=vectors, **facts)
