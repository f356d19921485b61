"""How fast a collection becomes a map, and how good a map: embviz against umap-learn as it comes.

Run ``python benchmarks/map.py [--projection | --drawing] [--sizes N ...]``. Vectors of 200 dimensions are made up:
clusters of about 15 inner dimensions each, with a ReLU and noise. Every figure is that of a process of its own, from
its start to the end of the projection, imports and compilation included; embviz measures its map within that time,
umap-learn's is measured afterwards by the same functions. What else runs on the machine is in the times: the load is
printed first and last.

first      embviz with an empty cache folder: what numba compiles is kept there for all later processes
embviz     project(x) in a process after that, without results in the cache; the seed is fixed
umap-learn UMAP(metric="cosine").fit_transform(x) in a process; without a seed, which would cost it half its speed
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from embviz.analysis.neighbors import nearest_neighbors
from embviz.analysis.projection.quality import map_neighbors, neighbor_preservation, quality_metrics

SIZES = [10_000, 100_000]
DIMENSIONS, INNER, CLUSTERS = 200, 15, 40
K = 15
GOALS = {10_000: 10, 100_000: 40}  # seconds on two processors

OURS = """
import sys, numpy as np
from embviz.analysis.projection import project
np.save(sys.argv[2], project(np.load(sys.argv[1], mmap_mode="r"), cache=False).xy)
"""
THEIRS = """
import sys, numpy as np
from umap import UMAP
np.save(sys.argv[2], UMAP(metric="cosine").fit_transform(np.load(sys.argv[1])))
"""


class Run(NamedTuple):
    """What a process took: seconds, those of all processors together, and GiB at most."""

    seconds: float
    processor: float
    memory: float


def vectors(n: int) -> np.ndarray[Any, Any]:
    """Return vectors as a network might give them."""
    random = np.random.default_rng(0)
    common = random.normal(size=(INNER, DIMENSIONS)) / INNER**0.5
    own = random.normal(size=(CLUSTERS, INNER, DIMENSIONS)) / INNER**0.5
    centers = 1.5 * random.normal(size=(CLUSTERS, INNER))
    cluster = random.integers(0, CLUSTERS, n)
    inner = random.normal(size=(n, INNER))
    values = np.empty((n, DIMENSIONS), np.float32)
    for i in range(CLUSTERS):
        of = cluster == i
        values[of] = (centers[i] + 0.7 * inner[of]) @ common + 0.4 * inner[of] @ own[i]
    noise = 0.05 * random.normal(size=values.shape)
    return (np.maximum(values + 0.3, 0) + noise).astype(np.float32)


def run(code: str, source: Path, target: Path, home: Path) -> Run:
    """Run a process, and return what it took."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA")}
    start = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603  our own interpreter and code
        [sys.executable, "-c", code, str(source), str(target)], env={**clean, "EMBVIZ_HOME": str(home)}
    )
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"A process ended with {process.returncode}.")
    unit = 2**30 if sys.platform == "darwin" else 2**20
    return Run(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / unit)


def measured(x: np.ndarray[Any, Any], xy: np.ndarray[Any, Any], near: np.ndarray[Any, Any]) -> str:
    """Return how good a map is, in words."""
    on_map = map_neighbors(xy, K)
    found = quality_metrics(x, xy, near, on_map, "cosine", lambda *_: None)
    kept = neighbor_preservation(near, on_map).mean()
    return f"{found.trustworthiness:.4f}{found.continuity:12.4f}{kept:9.3f}"


def project_all(sizes: list[int], rounds: int) -> None:
    """Print a table for each size."""
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory() as folder:
        home, source, target = Path(folder) / "home", Path(folder) / "x.npy", Path(folder) / "xy.npy"
        np.save(source, vectors(1000))
        first = run(OURS, source, target, home)
        print(f"first run, 1,000 vectors: {first.seconds:.1f} s\n")
        for n in sizes:
            x = vectors(n)
            np.save(source, x)
            near = nearest_neighbors(x, K, exact=True, cache=False).indices
            goal = f", goal {GOALS[n]} s" if n in GOALS else ""
            print(f"{n:,} vectors{goal}\n{'':12}seconds  processor s   GiB  trustworthy  continuous     kept")
            medians = []
            for name, code in (("embviz", OURS), ("umap-learn", THEIRS)):
                runs = [run(code, source, target, home) for _ in range(rounds)]
                medians.append(statistics.median(each.seconds for each in runs))
                processor = statistics.median(each.processor for each in runs)
                memory = max(each.memory for each in runs)
                quality = measured(x, np.load(target), near)
                print(f"{name:12}{medians[-1]:7.1f}{processor:13.1f}{memory:6.2f}{'':7}{quality}", flush=True)
            print(f"umap-learn takes {medians[1] / medians[0]:.1f} times as long\n", flush=True)
    print(f"load {os.getloadavg()[0]:.1f}")


def main() -> None:
    """Print what was asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--projection", action="store_true", help="only how maps are computed")
    parser.add_argument("--drawing", action="store_true", help="only how they are drawn")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of vectors to project")
    parser.add_argument("--rounds", type=int, default=1, help="processes of each kind")
    asked = parser.parse_args()
    if asked.projection or not asked.drawing:
        project_all(asked.sizes, asked.rounds)
    if asked.drawing or not asked.projection:
        drawing = Path(__file__).with_name("drawing.py")
        subprocess.run([sys.executable, str(drawing)], check=True)  # noqa: S603  our own interpreter and script


if __name__ == "__main__":
    main()
