"""UMAP: the fuzzy graph of umap-learn on neighbours that are known, with a layout of our own (:mod:`.umap_sgd`).

umap-learn compiles itself anew in each process; the machine code of its functions, and of ours, is cached instead.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embviz.analysis.neighbors import Neighbors
from embviz.analysis.projection.numba_cache import enable_caching, use_numba_cache
from embviz.analysis.projection.pca import principal_components
from embviz.analysis.projection.umap_sgd import compile_kernel, optimize_layout
from embviz.core.progress import Report

SPECTRAL_FROM = 20  # points; fewer are too few for its eigenvectors


def umap_layout(
    vectors: NDArray[np.float32], near: Neighbors, options: Mapping[str, Any], *, seed: int, report: Report
) -> NDArray[np.float32]:
    """Return the UMAP of vectors from their n_neighbors - 1 nearest neighbours, ``[n, 2]``."""
    random = np.random.RandomState(seed)
    report("loading UMAP", 0, 1)
    with use_numba_cache():
        umap = _import_umap()
        report("loading UMAP", 1, 1)
        report("building the graph", 0, 1)
        graph = _fuzzy_graph(umap, vectors, near, options["local_connectivity"])
        epochs = options["n_epochs"] or (500 if len(vectors) <= 10_000 else 200)
        # An edge that would not be visited once is left out.
        graph.data[graph.data < graph.data.max() / epochs] = 0
        graph.eliminate_zeros()
        start = _initial_positions(umap, vectors, graph, options["init"], near.metric, random)
        report("building the graph", 1, 1)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):  # its search tries powers of zero
            curve = umap.find_ab_params(options["spread"], options["min_dist"])
    pushes, strength = options["negative_sample_rate"], options["repulsion_strength"]
    return optimize_layout(start, graph, (*curve, strength, pushes), epochs=epochs, seed=seed, report=report)


def _fuzzy_graph(umap: ModuleType, vectors: NDArray[np.float32], near: Neighbors, sure: int) -> Any:
    """Return the fuzzy simplicial set of the vectors, a sparse matrix [n, n]."""
    own = np.arange(len(vectors), dtype=np.int32)[:, None]
    graph, _, _ = umap.fuzzy_simplicial_set(
        vectors,
        near.k + 1,
        None,
        near.metric,
        # umap-learn counts a vector as its own first neighbour.
        knn_indices=np.hstack([own, near.indices]),
        knn_dists=np.hstack([np.zeros_like(own, np.float32), near.distances]),
        local_connectivity=sure,
    )
    return graph.tocsr()


def _initial_positions(
    umap: ModuleType, vectors: NDArray[np.float32], graph: Any, init: str, metric: str, random: np.random.RandomState
) -> NDArray[np.float32]:
    """Return the positions before the first epoch, in a square of side 10."""
    places: NDArray[Any]
    if init == "random":
        places = random.uniform(size=(len(vectors), 2))
    elif init == "pca" or len(vectors) < SPECTRAL_FROM:
        places = principal_components(_normalize_rows(vectors) if metric == "cosine" else vectors)[0]
    else:
        with warnings.catch_warnings():
            # It begins at random then, or places parts that hang together one by one: nothing is left to be done.
            warnings.filterwarnings("ignore", message="Spectral initialisation failed")
            warnings.filterwarnings("ignore", message="Graph is not fully connected")
            places = umap.spectral_layout(vectors, graph, 2, random, metric=metric)
    places = places * (10 / (np.abs(places).max() or 1))
    # Points in the same place would stay together for ever. The same for every seed: even this little changes a map.
    places = places + np.random.RandomState(0).normal(scale=1e-4, size=places.shape)
    low, high = places.min(axis=0), places.max(axis=0)
    return np.asarray(10 * (places - low) / (high - low), np.float32)


def _normalize_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the vectors at length 1; a single long one would draw all others together."""
    length = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))[:, None]
    return np.asarray(vectors / np.where(length > 0, length, 1), np.float32)


@functools.cache
def _import_umap() -> ModuleType:
    import umap.layouts
    import umap.spectral
    import umap.umap_
    import umap.utils

    enable_caching(umap.umap_, umap.layouts, umap.spectral, umap.utils)
    compile_kernel()
    found: ModuleType = umap.umap_
    return found
