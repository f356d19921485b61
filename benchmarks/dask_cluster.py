"""A collection on a Dask cluster of one, two and four workers of this machine, against the sum of its cores.

What a cluster could give at most is what one process per core gives in one go: that is measured beside it, once all
processes have started and loaded their graphs.

On paper, for many machines: what a track costs outside its worker is counted, and how many cores such as these it keeps
busy before it binds. Hashing, sending and collecting is the one process that asks; a store of 10 Gbit/s is read twice
for each track, by the process that asks and by a worker; a store makes 1,000 files in a second; Dask's scheduler takes
1 ms for a task.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

from benchmarks.measuring import NotMeasured, Options, Process, Rounds, interleave
from benchmarks.sounds import write_tracks
from benchmarks.tables import Cell, Figure, Table
from benchmarks.ways import MUSICNN, TEMPOCNN, prepare
from embviz.core.processes import count_cores

WORKERS = (1, 2, 4)
TRACKS, SECONDS = 48, 30.0
MODELS = (MUSICNN, TEMPOCNN)
# On paper: what a store on the network reads or writes and makes in a second, and what Dask takes for a task.
STORE, FILES, TASK = 1.25e9, 1000, 1e-3

_here: dict[int, Any] = {}  # clients of clusters, by their number of workers


def start_cluster(workers: int) -> None:
    """Start a cluster of so many processes on this machine, which stays."""
    try:
        from distributed import Client
    except ImportError:
        raise NotMeasured("Dask is not installed: pip install 'embviz[dask]'") from None

    _here[workers] = Client(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=":0")


def embed_on_cluster(paths: Sequence[str], models: Sequence[str], workers: int) -> dict[str, float]:
    """Embed tracks on a cluster that was started, with an empty cache; returns seconds, here and of this processor."""
    import pandas as pd

    import embviz
    from embviz.batch import embed_table

    table, executor = pd.DataFrame({"path": list(paths)}), _here[workers].get_executor()
    with tempfile.TemporaryDirectory() as folder:
        start, own = time.perf_counter(), time.process_time()
        embed_table(table, list(models), cache=embviz.Cache(folder), executor=executor, workers=workers)
        return {"seconds": time.perf_counter() - start, "asking": time.process_time() - own}


def embed_each(paths: Sequence[str], models: Sequence[str]) -> float:
    """Embed tracks one by one in this process, with one thread for each library, with an empty cache."""
    import pandas as pd

    import embviz
    from embviz.batch import embed_table

    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        embed_table(pd.DataFrame({"path": list(paths)}), list(models), cache=embviz.Cache(folder), workers=1)
        return time.perf_counter() - start


def count_traffic(paths: Sequence[str], models: Sequence[str]) -> dict[str, float]:
    """Return the bytes of a job and its result as they are sent, and the files and bytes that it keeps, per track."""
    import pickle
    from concurrent.futures import ThreadPoolExecutor

    import pandas as pd

    import embviz
    from embviz.batch import embed_table

    sizes = {"job": 0, "result": 0}

    class Counting(ThreadPoolExecutor):
        def submit(self, call: Any, *arguments: Any) -> Any:  # type: ignore[override]
            sizes["job"] += len(pickle.dumps(arguments))
            future = super().submit(call, *arguments)
            future.add_done_callback(lambda done: sizes.__setitem__("result", sizes["result"] + _size(done)))
            return future

    def _size(done: Any) -> int:
        return 0 if done.exception() else len(pickle.dumps(done.result()))

    with tempfile.TemporaryDirectory() as folder, Counting(1) as executor:
        embed_table(pd.DataFrame({"path": list(paths)}), list(models), cache=embviz.Cache(folder), executor=executor)
        kept = [path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()]
    read = sum(Path(path).stat().st_size for path in paths)
    n = len(paths)
    return {"job": sizes["job"] / n, "result": sizes["result"] / n, "files": len(kept) / n, "kept": sum(kept) / n,
            "read": read / n}  # fmt: skip


def measure(options: Options) -> list[Table]:
    """Return a table of throughput, and one of what would bind first on many machines."""
    rounds, count = options.count(3), 8 if options.quick else TRACKS
    sizes = WORKERS[:1] if options.quick else WORKERS
    note = f"{count} tracks of {SECONDS:g} s, MusiCNN and Tempo-CNN, empty caches, workers that run already, medians"
    columns = ["workers", "hours of audio in a minute", "share of that without Dask"]
    table, models = (
        Table("dask_cluster", columns, f"{note} of {rounds} rounds"),
        [one["model"] for one in prepare(MODELS)],
    )
    asking: list[float] = []
    with tempfile.TemporaryDirectory() as folder, Process() as process:
        paths = write_tracks(Path(folder), count, SECONDS)["path"].tolist()

        def on_cluster(workers: int) -> float:
            call = "benchmarks.dask_cluster:embed_on_cluster"
            taken = process.call(call, paths=paths, models=models, workers=workers)
            asking.append(taken["asking"] / count)
            return float(taken["seconds"])

        for workers in sizes:
            process.call("benchmarks.dask_cluster:start_cluster", workers=workers)
        with _SideBySide(count_cores(), paths, models) as cores:
            found = interleave({"cores": cores.seconds} | {str(n): partial(on_cluster, n) for n in sizes}, rounds)
        traffic = process.call("benchmarks.dask_cluster:count_traffic", paths=paths[:8], models=models)
    amount = 60 * count * SECONDS / 3600
    table.rows[f"{count_cores()} processes without Dask"] = [found.speed("cores", amount, "h/min"), None]
    for n in sizes:
        table.rows[str(n)] = [found.speed(str(n), amount, "h/min"), _share(found, str(n))]
    of_core = found.figure("cores", count_cores() / count)
    return (
        [table, _limits(of_core.value, statistics.median(asking), traffic)] if isinstance(of_core, Figure) else [table]
    )


def _limits(of_core: float, asking: float, traffic: dict[str, float]) -> Table:
    columns = [f"a track of {SECONDS:g} s", "", "seconds of what it takes", "cores that are busy before it binds"]
    table = Table(
        "dask_cluster-limits", columns, "counted on 8 tracks, MusiCNN and Tempo-CNN; the last column on paper"
    )
    table.rows = {
        "computed on a core": [None, Figure(of_core, "s"), None],
        "asked for: hashed, sent, collected": [None, *_limit(of_core, asking)],
        "job and result, as they are sent": [Figure(traffic["job"] + traffic["result"], "B"), *_limit(of_core, TASK)],
        "sound, read twice": [Figure(2 * traffic["read"], "B"), *_limit(of_core, 2 * traffic["read"] / STORE)],
        "bytes written": [Figure(traffic["kept"], "B"), *_limit(of_core, traffic["kept"] / STORE)],
        "files written": [Figure(traffic["files"]), *_limit(of_core, traffic["files"] / FILES)],
    }
    return table


def _limit(of_core: float, seconds: float) -> list[Cell]:
    return [Figure(seconds, "s"), Figure(round(of_core / seconds))]


def _share(found: Rounds, way: str) -> Cell:
    ratio = found.ratio("cores", way)
    return Figure(100 * ratio.value, "%") if isinstance(ratio, Figure) else ratio


class _SideBySide:
    """A process for each core that embeds its share of the tracks, all at once."""

    def __init__(self, cores: int, paths: Sequence[str], models: Sequence[str]) -> None:
        self._processes = [Process() for _ in range(cores)]
        self._calls = [
            partial(process.call, "benchmarks.dask_cluster:embed_each", paths=paths[i::cores], models=models)
            for i, process in enumerate(self._processes)
        ]

    def seconds(self) -> float:
        """Return what all of them take together."""
        from concurrent.futures import ThreadPoolExecutor

        start = time.perf_counter()
        with ThreadPoolExecutor(len(self._calls)) as threads:
            list(threads.map(lambda call: call(), self._calls))
        return time.perf_counter() - start

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.close()
