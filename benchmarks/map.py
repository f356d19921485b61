"""Maps of 10,000 to 1,000,000 vectors: time and memory of a fresh process, how they grow, and how good a map is.

Vectors of 200 dimensions are made up: clusters of about 15 inner dimensions each, with a ReLU and noise. Every figure
is that of a process of its own, from its start to the end, imports included; what numba compiles is there from a
process before. "processor" is the time of all cores together, which other work on the machine hardly changes.
umap-learn has no seed, which would cost it half its speed.
"""

from __future__ import annotations

import math
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import FreshRun, NotMeasured, Options, run_fresh
from benchmarks.tables import Cell, Figure, Table

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
QUICK = (1000, 2000)
COMPARED = 10_000  # vectors up to which umap-learn is waited for
DIMENSIONS, INNER, CLUSTERS = 200, 15, 40
K = 15


def made_up_vectors(n: int) -> np.ndarray[Any, Any]:
    """Return vectors as a network might give them, ``[n, 200]``."""
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
    np.maximum(values + np.float32(0.3), 0, out=values)
    values += np.float32(0.05) * random.standard_normal(values.shape, dtype=np.float32)
    return values


def write_vectors(path: str, n: int) -> None:
    """Write such vectors; in a process of its own, so that their making leaves no memory behind."""
    np.save(path, made_up_vectors(n))


def map_by_embviz(path: str) -> dict[str, float]:
    """Return the seconds of each stage of a map, and its quality."""
    from embviz.analysis.neighbors import nearest_neighbors
    from embviz.analysis.projection import project

    x, stamps = np.load(path, mmap_mode="r"), [time.perf_counter()]
    near = nearest_neighbors(x, K, cache=False)
    stamps.append(time.perf_counter())

    def report(stage: str, _done: int, _total: int) -> None:
        if stage == "measuring the map" and len(stamps) < 3:
            stamps.append(time.perf_counter())

    projection = project(x, neighbors=near, cache=False, progress=report)
    stamps.append(time.perf_counter())
    seconds = dict(zip(("neighbors", "layout", "quality"), np.diff(stamps).tolist(), strict=True))
    return seconds | {"recall": float(near.recall), "trustworthiness": float(projection.trustworthiness)}


def map_by_umap_learn(path: str) -> dict[str, float]:
    """Return the trustworthiness of umap-learn's map, and how long measuring that took."""
    from umap import UMAP

    from embviz.analysis.neighbors import nearest_neighbors
    from embviz.analysis.projection.quality import map_neighbors, quality_metrics

    x = np.load(path)
    xy, start = UMAP(metric="cosine").fit_transform(x), time.perf_counter()
    near = nearest_neighbors(x, K, exact=True, cache=False).indices
    quality = quality_metrics(x, xy, near, map_neighbors(xy, K), "cosine", lambda *_: None)
    return {"trustworthiness": float(quality.trustworthiness), "measured": time.perf_counter() - start}


def measure(options: Options) -> list[Table]:
    """Return a row for each size."""
    columns = [
        "vectors",
        "whole process",
        "processor",
        "neighbours",
        "UMAP",
        "quality",
        "neighbours found",
        "peak memory",
    ]
    columns += ["grows as", "trustworthiness", "umap-learn", "its trustworthiness"]
    note = f"{DIMENSIONS} dimensions, made up, a process for each; grows as: exponent of n since the row above"
    table, last = Table("map", columns, note), (0, 0.0)
    with tempfile.TemporaryDirectory() as folder:
        home, source = Path(folder), Path(folder) / "x.npy"
        run_fresh("benchmarks.map:write_vectors", path=str(source), n=500)
        run_fresh("benchmarks.map:map_by_embviz", home=home, path=str(source))  # compiles
        for n in QUICK if options.quick else SIZES:
            run_fresh("benchmarks.map:write_vectors", path=str(source), n=n)
            try:
                run = run_fresh("benchmarks.map:map_by_embviz", home=home, path=str(source))
            except NotMeasured as reason:
                table.rows[f"{n:,}"] = [str(reason)] + [None] * (len(columns) - 2)
                continue
            growth = math.log(run.seconds / last[1]) / math.log(n / last[0]) if last[0] else None
            table.rows[f"{n:,}"] = [*_cells(run, growth), *_umap_learn(n, home, source)]
            last = n, run.seconds
    return [table]


def _cells(run: FreshRun, growth: float | None) -> list[Cell]:
    stages: list[Cell] = [Figure(run.result[stage], "s") for stage in ("neighbors", "layout", "quality")]
    return [
        Figure(run.seconds, "s"),
        Figure(run.processor, "s"),
        *stages,
        Figure(100 * run.result["recall"], "%"),
        Figure(run.peak, "B"),
        None if growth is None else f"n^{growth:.2f}",
        Figure(run.result["trustworthiness"]),
    ]


def _umap_learn(n: int, home: Path, source: Path) -> list[Cell]:
    if n > COMPARED:
        return [None, None]
    try:
        run = run_fresh("benchmarks.map:map_by_umap_learn", home=home, path=str(source))
    except NotMeasured as reason:
        return [str(reason), None]
    return [Figure(run.seconds - run.result["measured"], "s"), Figure(run.result["trustworthiness"])]
