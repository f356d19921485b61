"""How much of a map is due to its seed, and how true it is: UMAP by embviz and by umap-learn, from the same neighbours.

Run ``python benchmarks/projection.py [DATA ...] [--seeds N]``. Both start from PCA. umap-learn is given a seed, which
makes it use one processor. Each line has the least and the greatest of all seeds.

Procrustes    disparity of two maps after the best shift, turn, mirror and scale, for each pair of seeds: 0 where they
              are alike, 1 where they have nothing in common
trustworthy   share of neighbours on the map that are neighbours in the full space, weighted by rank
continuous    the reverse
Spearman      rank correlation of distances in the full space and on the map, of a sample of points
extent        the longer side of the map
seconds       for graph, layout, and in embviz the figures of quality; compiled before, neighbours not included
"""

from __future__ import annotations

import argparse
import itertools
import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from map import vectors
from scipy.spatial import procrustes
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr

import embviz
from embviz.analysis.neighbors import Neighbors, nearest_neighbors
from embviz.analysis.projection.quality import map_neighbors, quality_metrics

K = 15
SAMPLE = 1500  # points whose distances are compared
SAMPLE_AUDIO = Path(__file__).parent.parent / "sample_audio"


def digits() -> np.ndarray[Any, Any]:
    """Return 800 pictures of handwritten digits."""
    from sklearn.datasets import load_digits

    pictures: np.ndarray[Any, Any] = load_digits().data[:800].astype(np.float32)
    return pictures


def frames() -> np.ndarray[Any, Any]:
    """Return all frames of the sample collection by MusiCNN."""
    return embviz.Collection.from_folder(SAMPLE_AUDIO).embed("musicnn", pooling="frames", progress=False).values


DATA: dict[str, tuple[Callable[[], np.ndarray[Any, Any]], str]] = {
    "digits": (digits, "euclidean"),
    "frames": (frames, "cosine"),
    "5000": (lambda: vectors(5000), "cosine"),
    "100000": (lambda: vectors(100_000), "cosine"),
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


def spread(values: Iterable[float], digits: int) -> str:
    """Return the least and the greatest value."""
    every = sorted(values)
    return f"{every[0]:.{digits}f}-{every[-1]:.{digits}f}"


def print_line(name: str, x: np.ndarray[Any, Any], near: Neighbors, maps: list[Any], seconds: list[float]) -> None:
    """Print what was measured on the maps of all seeds."""
    some = np.random.default_rng(0).permutation(len(x))[:SAMPLE]
    apart = pdist(x[some], near.metric)
    true = near.indices[:, :K]
    quality = [quality_metrics(x, xy, true, map_neighbors(xy, K), near.metric, lambda *_: None) for xy in maps]
    columns = (
        spread((procrustes(one, other)[2] for one, other in itertools.combinations(maps, 2)), 2),
        spread((each.trustworthiness for each in quality), 4),
        spread((each.continuity for each in quality), 4),
        spread((spearmanr(apart, pdist(xy[some])).statistic for xy in maps), 3),
        spread((np.ptp(xy, axis=0).max() for xy in maps), 0),
        spread(seconds, 1),
    )
    print(f"{name:10}" + "".join(f"{column:>15}" for column in columns), flush=True)


def main() -> None:
    """Print a table for each of the data asked for."""
    warnings.filterwarnings("ignore", module="umap")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="*", default=list(DATA), help=f"of {', '.join(DATA)}; all by default")
    parser.add_argument("--seeds", type=int, default=4, help="number of maps of each kind, at least 2")
    asked = parser.parse_args()
    methods = {"embviz": by_embviz, "umap-learn": by_umap_learn}
    for method in methods.values():
        method(x := vectors(200), nearest_neighbors(x, K, cache=False), 0)
    for name in asked.data:
        make, metric = DATA[name]
        x = make()
        near = nearest_neighbors(x, K, metric=metric, cache=False)
        print(f"\n{name}: {len(x):,} vectors of {x.shape[1]} dimensions, {metric}")
        heads = ("Procrustes", "trustworthy", "continuous", "Spearman", "extent", "seconds")
        print(f"{'':10}" + "".join(f"{head:>15}" for head in heads))
        for title, method in methods.items():
            maps, seconds = [], []
            for seed in range(asked.seeds):
                start = time.perf_counter()
                maps.append(method(x, near, seed))
                seconds.append(time.perf_counter() - start)
            print_line(title, x, near, maps, seconds)


if __name__ == "__main__":
    main()
