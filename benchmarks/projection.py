"""How much of a map is due to its seed, and how true it is: UMAP by embviz and by umap-learn, from the same neighbours.

Both start from PCA. umap-learn is given a seed, which makes it use one processor. Each figure has the least and the
greatest of all seeds.

Procrustes        disparity of two maps after the best shift, turn, mirror and scale, for each pair of seeds: 0 where
                  they are alike, 1 where they have nothing in common
trustworthiness   share of neighbours on the map that are neighbours in the full space, weighted by rank
continuity        the reverse
Spearman          rank correlation of distances in the full space and on the map, of a sample of points
time              for graph, layout, and in embviz the figures of quality; compiled before, neighbours not included
"""

from __future__ import annotations

import itertools
import time
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from scipy.spatial import procrustes
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr

import embviz
from benchmarks.map import made_up_vectors
from benchmarks.measuring import Options
from benchmarks.sounds import SAMPLES
from benchmarks.tables import Cell, Table
from embviz.analysis.neighbors import Neighbors, nearest_neighbors
from embviz.analysis.projection.quality import map_neighbors, quality_metrics

K = 15
SEEDS = 4
SAMPLE = 1500  # points whose distances are compared


def digits() -> np.ndarray[Any, Any]:
    """Return 800 pictures of handwritten digits."""
    from sklearn.datasets import load_digits

    pictures: np.ndarray[Any, Any] = load_digits().data[:800].astype(np.float32)
    return pictures


def frames() -> np.ndarray[Any, Any]:
    """Return all frames of the sample collection by MusiCNN."""
    return embviz.Collection.from_folder(SAMPLES).embed("musicnn", pooling="frames", progress=False).values


DATA: dict[str, tuple[Callable[[], np.ndarray[Any, Any]], str]] = {
    "800 digits": (digits, "euclidean"),
    "frames of the sample tracks": (frames, "cosine"),
    "5,000 vectors in clusters": (lambda: made_up_vectors(5000), "cosine"),
}


def by_embviz(x: np.ndarray[Any, Any], near: Neighbors, seed: int) -> np.ndarray[Any, Any]:
    """Return the map of embviz."""
    return embviz.project(x, metric=near.metric, neighbors=near, seed=seed, cache=False).xy


def by_umap_learn(x: np.ndarray[Any, Any], near: Neighbors, seed: int) -> np.ndarray[Any, Any]:
    """Return the map of umap-learn."""
    from umap import UMAP

    own = np.arange(len(x), dtype=np.int32)[:, None]
    known = np.hstack([own, near.indices]), np.hstack([np.zeros_like(own, np.float32), near.distances]), None
    umap = UMAP(metric=near.metric, init="pca", random_state=seed, n_jobs=1, precomputed_knn=known)
    found: np.ndarray[Any, Any] = umap.fit_transform(x)
    return found


METHODS = {"embviz": by_embviz, "umap-learn": by_umap_learn}


def measure(options: Options) -> list[Table]:
    """Return a row for each method on each of the data."""
    warnings.filterwarnings("ignore", module="umap")
    columns = ["", "Procrustes", "trustworthiness", "continuity", "Spearman", "time"]
    seeds = options.rounds or (2 if options.quick else SEEDS)
    table = Table("projection", columns, f"{seeds} seeds, least and greatest")
    for method in METHODS.values():
        method(x := made_up_vectors(200), nearest_neighbors(x, K, cache=False), 0)  # compiles
    for name, (make, metric) in list(DATA.items())[: 1 if options.quick else None]:
        x = make()
        near = nearest_neighbors(x, K, metric=metric, cache=False)
        for title, method in METHODS.items():
            maps, seconds = [], []
            for seed in range(seeds):
                start = time.perf_counter()
                maps.append(method(x, near, seed))
                seconds.append(time.perf_counter() - start)
            table.rows[f"{name}, {title}"] = _cells(x, near, maps, seconds)
    return [table]


def _cells(x: np.ndarray[Any, Any], near: Neighbors, maps: list[Any], seconds: list[float]) -> list[Cell]:
    some = np.random.default_rng(0).permutation(len(x))[:SAMPLE]
    apart, true = pdist(x[some], near.metric), near.indices[:, :K]
    quality = [quality_metrics(x, xy, true, map_neighbors(xy, K), near.metric, lambda *_: None) for xy in maps]
    return [
        _spread((procrustes(one, other)[2] for one, other in itertools.combinations(maps, 2)), 2),
        _spread((each.trustworthiness for each in quality), 4),
        _spread((each.continuity for each in quality), 4),
        _spread((spearmanr(apart, pdist(xy[some])).statistic for xy in maps), 3),
        _spread(seconds, 1) + " s",
    ]


def _spread(values: Iterable[float], digits: int) -> str:
    every = sorted(values)
    return f"{every[0]:.{digits}f}–{every[-1]:.{digits}f}"
