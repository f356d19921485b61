"""t-SNE (scikit-learn) and PaCMAP (pacmap) from neighbours that are known."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embviz.analysis.neighbors import Neighbors
from embviz.analysis.projection.numba_cache import enable_caching, use_numba_cache
from embviz.analysis.projection.pca import principal_components
from embviz.core.progress import Report

SINGLE_THREAD_UP_TO = 5000  # vectors
TSNE_STAGE, PACMAP_STAGE = (f"{name} (cannot be interrupted)" for name in ("t-SNE", "PaCMAP"))


def unavailable_reason(method: str) -> str:
    """Return why a method cannot be used here, with the remedy; empty where it can."""
    if method == "pacmap" and importlib.util.find_spec("pacmap") is None:
        return "PaCMAP is not installed; install it with: pip install 'embviz[pacmap]'"
    return ""


def tsne_layout(
    vectors: NDArray[np.float32], near: Neighbors, options: Mapping[str, Any], *, seed: int, report: Report
) -> NDArray[np.float32]:
    """Return the t-SNE of vectors from their 3 * perplexity + 1 nearest neighbours, ``[n, 2]``."""
    import scipy.sparse
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    n, k = near.indices.shape
    # A vector is its own first neighbour, as scikit-learn has it.
    indices = np.hstack([np.arange(n, dtype=np.int32)[:, None], near.indices])
    distances = np.hstack([np.zeros((n, 1), np.float32), near.distances])
    starts = np.arange(0, n * (k + 1) + 1, k + 1)
    graph = scipy.sparse.csr_matrix((distances.ravel(), indices.ravel(), starts), shape=(n, n))
    places = principal_components(vectors)[0]
    method = TSNE(
        **{**options, "learning_rate": options["learning_rate"] or "auto"},
        metric="precomputed",
        init=places / (places[:, 0].std() or 1) * np.float32(1e-4),  # as scikit-learn begins with PCA
        random_state=seed,
        n_jobs=-1,
    )
    report(TSNE_STAGE, 0, 0)
    # Its threads wait for each other by spinning, thousands of times: with other work beside them, one is far quicker.
    with threadpool_limits(1 if n <= SINGLE_THREAD_UP_TO else None, user_api="openmp"):
        found: NDArray[np.float32] = method.fit_transform(graph)
    report(TSNE_STAGE, 1, 1)
    return found


def pacmap_layout(
    vectors: NDArray[np.float32], near: Neighbors, options: Mapping[str, Any], *, seed: int, report: Report
) -> NDArray[np.float32]:
    """Return the PaCMAP of vectors, ``[n, 2]``; it finds neighbours of its own, by the same metric."""
    report(PACMAP_STAGE, 0, 0)
    with use_numba_cache():
        import pacmap.pacmap

        enable_caching(pacmap.pacmap)
        logging.getLogger("pacmap").setLevel(logging.ERROR)  # it tells that the seed was set
        distance = "angular" if near.metric == "cosine" else "euclidean"
        method = pacmap.PaCMAP(distance=distance, random_state=seed, **options)
        found: NDArray[np.float32] = method.fit_transform(np.array(vectors), init="pca")
    report(PACMAP_STAGE, 1, 1)
    return found
