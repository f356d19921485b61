"""What memory and time long files take: from a minute to ten hours of stereo.

Memory is the peak of a fresh process and of all processes that it starts. The sound is the rock track over and over, as
FLAC.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks import ROOT
from benchmarks.measuring import NotMeasured, Options, run_fresh
from benchmarks.sounds import write_long
from benchmarks.tables import Cell, Figure, Table
from benchmarks.ways import MUSICNN, TEMPOCNN, prepare

MINUTES = (1, 10, 60, 600)
MODELS = {"Tempo-CNN": TEMPOCNN, "MusiCNN": MUSICNN}


def embed_uncached(path: str, model: str) -> float:
    """Return the seconds that an embedding of a file takes."""
    import embviz

    start = time.perf_counter()
    embviz.embed(path, model, cache=False)
    return time.perf_counter() - start


def measure(options: Options) -> list[Table]:
    """Return a row for each length."""
    columns = ["length"]
    checkouts = {"": ROOT} | ({" before": options.before} if options.before else {})
    for title in MODELS:
        for side in checkouts:
            columns += [f"{title}{side}", "peak memory"]
    table = Table("long_files", columns, "stereo at 44.1 kHz, FLAC, a process for each; one run")
    prepare(list(MODELS.values()))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.flac"
        for minutes in MINUTES[:1] if options.quick else MINUTES:
            write_long(path, minutes)
            cells: list[Cell] = []
            for model in MODELS.values():
                for checkout in checkouts.values():
                    cells += _cells(path, model.model, checkout)
            table.rows[f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"] = cells
    return [table]


def _cells(path: Path, model: str, checkout: Path) -> list[Cell]:
    try:
        run = run_fresh("benchmarks.long_files:embed_uncached", checkout=checkout, path=str(path), model=model)
    except NotMeasured as reason:
        return [str(reason), None]
    return [Figure(run.result, "s"), Figure(run.peak, "B")]
