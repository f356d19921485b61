"""What a class needs on one server: processes that open the Explorer at once, on a home that all of them share.

A process stands for a kernel; what ipykernel and JupyterLab add is not in it. Memory is that after the work, of each
process and what it started, with what they share divided among them. The last row is reckoned from the others.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks import ROOT
from benchmarks.measuring import NotMeasured, Options, Process, tree_memory
from benchmarks.sounds import ROCK, duration
from benchmarks.tables import Figure, Table

STUDENTS, CLASS = 6, 30
OTHER = ROCK.parent / "jazz.ogg"

_explorers: list[Any] = []


def open_track(track: str, shared: str) -> None:
    """Open a track in the Explorer of this process, with a shared home behind its own."""
    os.environ["EMBVIZ_SHARED"] = shared
    import embviz

    if _explorers:
        _explorers[0].open(track)
    else:
        _explorers.append(embviz.Explorer(track, models=["musicnn"]))
    _explorers[0].wait()


def measure(options: Options) -> list[Table]:
    """Return the memory and the processor's time of a student, with a track that is kept and with another one."""
    students = options.count(STUDENTS)
    if not os.environ.get("EMBVIZ_HOME"):
        raise NotMeasured("EMBVIZ_HOME names no home to share; make benchmarks sets it")
    columns = ["", "memory of a student", "all together", "processor's time of a student"]
    table = Table(
        "classroom",
        columns,
        f"{students} processes at once, MusiCNN, tracks of {duration(ROCK):.0f} s and {duration(OTHER):.0f} s; one run",
    )
    with tempfile.TemporaryDirectory() as folder:
        shared = Path(folder) / "shared"
        _fill(shared, Path(os.environ["EMBVIZ_HOME"]))
        processes = [Process(ROOT, Path(folder) / str(number)) for number in range(students)]
        try:
            for title, track in (("a track that the shared home has", ROCK), ("then one that it has not", OTHER)):
                table.rows[title] = _open_at_once(processes, track, str(shared))
        finally:
            for process in processes:
                process.close()
    whole = [row[1] for row in table.rows.values() if isinstance(row[1], Figure)]
    most = max(figure.value for figure in whole) / students * CLASS
    table.rows[f"{CLASS} students, reckoned from these"] = [None, Figure(most, "B"), None]
    return [table]


def embed_rock() -> None:
    """Keep the embedding of the first track in the home of this process."""
    import embviz

    embviz.embed(str(ROCK), "musicnn")


def _fill(shared: Path, weights: Path) -> None:
    """Make a home with the weights of another one, and the embedding of the first track."""
    shared.mkdir()
    (shared / "data").symlink_to(weights / "data", target_is_directory=True)
    with Process(ROOT, shared) as process:
        process.call("benchmarks.classroom:embed_rock")


def _open_at_once(processes: list[Process], track: Path, shared: str) -> list[Any]:
    before = [process.processor for process in processes]
    with ThreadPoolExecutor(len(processes)) as pool:
        calls = [
            pool.submit(process.call, "benchmarks.classroom:open_track", track=str(track), shared=shared)
            for process in processes
        ]
        for call in calls:
            call.result()
    memory = [tree_memory(process.pid) for process in processes]
    processor = [process.processor - earlier for process, earlier in zip(processes, before, strict=True)]
    return [Figure(statistics.mean(memory), "B"), Figure(sum(memory), "B"), Figure(statistics.mean(processor), "s")]
