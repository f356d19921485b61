"""Nearest neighbours, computed beforehand for a page without a kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.analysis.neighbors import NeighborIndex, nearest_neighbors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embviz.core.progress import Report
    from embviz.core.vectors import Vectors
    from embviz.export.static_widgets import PageData


K = 12
CANDIDATES = 80  # of the frames nearest to a frame, most are of its own track
NONE = 0xFFFFFFFF


def add_neighbors(vectors: Vectors, metric: str, blocks: PageData, report: Report) -> dict[str, Any]:
    """Add the nearest neighbours of each point to the page; of frames, those of other tracks.

    Returned are ``k``, ``metric`` and ``exact``; ``indices``, uint32 ``[n, k]`` (2³² - 1 where there is none) and
    ``distances``, float32 ``[n, k]``, by where they lie in the page.
    """
    if vectors.times is None:
        found = nearest_neighbors(vectors, K, metric=metric, report=report)
        indices, distances, exact = found.indices.astype(np.uint32), found.distances, found.exact
    else:
        indices, distances, exact = _neighbors_of_other_tracks(vectors, metric, report)
    return {
        "k": indices.shape[1],
        "metric": metric,
        "exact": exact,
        "indices": blocks.add(indices.astype("<u4").tobytes()),
        "distances": blocks.add(distances.astype("<f4").tobytes()),
    }


def _neighbors_of_other_tracks(
    vectors: Vectors, metric: str, report: Report
) -> tuple[NDArray[np.uint32], NDArray[np.float32], bool]:
    n = len(vectors.values)
    index = NeighborIndex(vectors, metric=metric)
    k = min(CANDIDATES, n)
    indices = np.full((n, K), NONE, np.uint32)
    distances = np.full((n, K), np.inf, np.float32)
    done = 0
    for rows, found, apart in index.search_self(k):
        own = vectors.tracks[found] == vectors.tracks[rows][:, None]
        order = np.argsort(own, axis=1, kind="stable")[:, :K]
        rest = np.take_along_axis(own, order, axis=1)
        width = order.shape[1]
        indices[rows, :width] = np.where(rest, NONE, np.take_along_axis(found, order, axis=1))
        distances[rows, :width] = np.where(rest, np.inf, np.take_along_axis(apart, order, axis=1))
        done += len(rows)
        report("finding neighbours", done, n)
    return indices, distances, index.exact
