"""What memory a kernel has after four models on one track: computed in it, and all answered from the cache."""

from __future__ import annotations

import tempfile
from pathlib import Path

import psutil

from benchmarks import ROOT
from benchmarks.measuring import NotMeasured, Options, run_fresh
from benchmarks.sounds import ROCK, duration
from benchmarks.tables import Cell, Figure, Table
from benchmarks.ways import TITLES, choose_engine, prepare


def memory_after(track: str, models: list[str], cache: str, engine: str | None = None) -> int:
    """Return the bytes of this process once the models have been applied; the embeddings are still there."""
    import embviz

    found = embviz.embed(track, models, cache=embviz.Cache(cache), **choose_engine(engine))
    return psutil.Process().memory_info().rss if found else 0


def measure(options: Options) -> list[Table]:
    """Return a row for each engine, for the cache, and for an earlier commit."""
    columns = ["", "kernel", "peak on the way, all processes"]
    table = Table("kernel_memory", columns, f"{len(TITLES)} models, a track of {duration(ROCK):.1f} s; one run")
    models = [one["model"] for one in prepare(list(TITLES.values()))]
    cases: dict[str, tuple[Path, list[str], str | None]] = {
        "as it comes": (ROOT, models, None),
        "`essentia`": (ROOT, models, "essentia"),
        "`onnx`, without Spleeter": (ROOT, models[:3], "onnx"),
    }
    if options.before:
        cases["before"] = options.before, models, None
    with tempfile.TemporaryDirectory() as folder:
        for title, (checkout, some, engine) in cases.items():
            table.rows[title] = _cells(checkout, some, f"{folder}/{title}", engine)
        table.rows["all in the cache"] = _cells(ROOT, models, f"{folder}/as it comes", None)
    return [table]


def _cells(checkout: Path, models: list[str], cache: str, engine: str | None) -> list[Cell]:
    arguments = {"track": str(ROCK), "models": models, "cache": cache, "engine": engine}
    try:
        run = run_fresh("benchmarks.kernel_memory:memory_after", checkout=checkout, **arguments)
    except NotMeasured as reason:
        return [str(reason), None]
    return [Figure(run.result, "B"), Figure(max(run.result, run.peak), "B")]
