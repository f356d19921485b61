"""How soon there is something to see: the first heatmap of a track, cold and warm, and a call answered from the cache.

Times are those of Python: from the call, or from what a click calls, to the moment at which the frames of a heatmap go
to the page. ``panel`` measures the same in a browser.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import ROOT
from benchmarks.measuring import NotMeasured, Options, Process, figure_of, run_fresh
from benchmarks.sounds import ROCK, duration, write_excerpt
from benchmarks.tables import Cell, Table

ROWS = {
    "new process: import, Explorer, first heatmap of a new track": "process",
    "new process: the same, all frames": "process, all",
    "click on a new track, first heatmap": "new",
    "click on a new track, all frames of MusiCNN": "new, all",
    "click on a track whose heatmaps are kept": "kept",
    "`embviz.embed`, answer from the cache": "call",
}


class _Drawings:
    """Notes when heatmaps are drawn: the first since `begin`, and the last."""

    def __init__(self) -> None:
        from embviz.app.work import DrawnWork

        self.begin, self.times = time.perf_counter(), list[float]()
        own = DrawnWork.draw

        def draw(work: Any, *arguments: Any, **options: Any) -> None:
            own(work, *arguments, **options)
            self.times.append(time.perf_counter() - self.begin)

        DrawnWork.draw = draw  # type: ignore[method-assign]

    def of(self, act: Callable[[], Any]) -> tuple[float, float]:
        """Return the seconds to the first heatmap, and to all of its frames, from the start of what draws it."""
        self.begin, self.times = time.perf_counter(), []
        act().wait()
        if not self.times:
            raise NotMeasured("no heatmap was drawn")
        return self.times[0], self.times[-1]


def first_of_process(track: str, cache: str) -> tuple[float, float]:
    """Open an Explorer on a track; returns seconds to its first heatmap, and to all frames of that."""
    begin = time.perf_counter()
    import embviz

    drawings = _Drawings()
    before = time.perf_counter() - begin
    first, whole = drawings.of(partial(embviz.Explorer, track, models=["musicnn"], cache=embviz.Cache(cache)))
    return before + first, before + whole


def clicks(folder: str, cache: str) -> dict[str, float]:
    """Open an Explorer on a folder of two tracks, and then the second one, and the first again."""
    import embviz

    drawings, store = _Drawings(), embviz.Cache(cache)
    explorer = embviz.Explorer(folder, models=["musicnn"], cache=store).wait()
    first, whole = drawings.of(partial(explorer.open, 1))
    kept, _ = drawings.of(partial(explorer.open, 0))
    explorer.close()
    taken, track = [], str(sorted(Path(folder).iterdir())[1])
    for _ in range(20):
        begin = time.perf_counter()
        embviz.embed(track, "musicnn", cache=store)
        taken.append(time.perf_counter() - begin)
    return {"new": first, "new, all": whole, "kept": kept, "call": statistics.median(taken)}


def measure(options: Options) -> list[Table]:
    """Return a row for each way to a picture, a column for this embviz and one for an earlier one."""
    rounds, checkouts = options.count(5), [ROOT, *([options.before] if options.before else [])]
    note = f"a track of {duration(ROCK):.1f} s, MusiCNN, medians of {rounds} rounds"
    table = Table("first_picture", ["", "embviz", *(["before"] if options.before else [])], note)
    with tempfile.TemporaryDirectory() as name:
        folder, taken = Path(name), [dict[str, list[float]]() for _ in checkouts]
        tracks = folder / "tracks"
        tracks.mkdir()
        write_excerpt(tracks / "1.wav", 12.0)
        shutil.copy(ROCK, tracks / "2.ogg")
        processes = [Process(checkout) for checkout in checkouts]
        for i in range(rounds + 1):
            for checkout, process, found in zip(checkouts, processes, taken, strict=True):
                one = _round(checkout, process, tracks, folder)
                for key, seconds in one.items() if i else ():  # the first round fills the caches of the system
                    found.setdefault(key, []).append(seconds)
        for process in processes:
            process.close()
    for title, key in ROWS.items():
        cells: list[Cell] = [figure_of(found[key], "s") if key in found else None for found in taken]
        table.rows[title] = cells
    return [table]


def _round(checkout: Path, process: Process, tracks: Path, folder: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory(dir=folder) as cache:
        run = run_fresh(
            "benchmarks.first_picture:first_of_process", checkout=checkout, track=str(tracks / "2.ogg"), cache=cache
        )
    first, whole = run.result
    found = {"process": run.seconds - whole + first, "process, all": run.seconds}
    with tempfile.TemporaryDirectory(dir=folder) as cache:
        return found | process.call("benchmarks.first_picture:clicks", folder=str(tracks), cache=cache)
