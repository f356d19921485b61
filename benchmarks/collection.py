"""How fast a collection is embedded: one process, two, and a plain loop over the recipe of each model.

Every round begins with an empty cache and with new processes: the seconds that these take to start are part of what is
timed. The loop is that of Essentia's own lines, for each track and each model.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.measuring import Options, interleave
from benchmarks.sounds import write_tracks
from benchmarks.tables import Table
from benchmarks.ways import MUSICNN, RECIPE, TEMPOCNN, Sides, by_essentia, choose_engine, prepare, unload

TRACKS, SECONDS = 24, 30.0
CASES = {"MusiCNN": [MUSICNN], "MusiCNN and Tempo-CNN": [MUSICNN, TEMPOCNN]}


def loop(paths: Sequence[str], asked: Sequence[dict[str, Any]]) -> float:
    """Do what the recipe shows, track by track."""
    return sum(by_essentia(path, asked, quality=RECIPE) for path in paths)


def embed_collection(
    paths: Sequence[str], models: Sequence[str], workers: int | None = None, engine: str | None = None
) -> float:
    """Ask for the same with embviz, with nothing loaded and nothing kept; a worker is this process."""
    import pandas as pd

    import embviz
    from embviz.batch import embed_table

    unload()
    table = pd.DataFrame({"path": list(paths)})
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        embed_table(table, list(models), cache=embviz.Cache(folder), workers=workers, **choose_engine(engine))
        return time.perf_counter() - start


def measure(options: Options) -> list[Table]:
    """Return hours of audio in a minute."""
    workers, rounds = (1, 2), options.count(3)
    count = 4 if options.quick else TRACKS
    columns = ["hours of audio in a minute", "loop"]
    columns += [text for n in workers for text in (f"{n} process{'es' * (n > 1)}", f"{n} / loop")]
    columns += ["before, 2 processes", "2 / before"] if options.before else []
    note = f"{count} tracks of {SECONDS:g} s, an empty cache and new processes, medians of {rounds} rounds"
    table = Table("collection", columns, note)
    with tempfile.TemporaryDirectory() as folder, Sides(options) as sides:
        paths = write_tracks(Path(folder), count, SECONDS)["path"].tolist()
        amount = 60 * count * SECONDS / 3600
        for title, models in CASES.items():
            asked = prepare(models)
            names = [one["model"] for one in asked]
            ways = {
                "loop": partial(sides.process("lines").call, "benchmarks.collection:loop", paths=paths, asked=asked)
            }
            embed = partial(_embed, sides, paths=paths, models=names)
            ways |= {str(n): partial(embed, str(n), workers=n) for n in workers}
            if options.before:
                ways["before"] = partial(embed, "before", workers=2)
            found = interleave(ways, rounds, warm_up=0 if options.quick else 1)
            cells = [found.speed("loop", amount, "h/min")]
            for n in map(str, workers):
                cells += [found.speed(n, amount, "h/min"), found.ratio("loop", n)]
            if options.before:
                cells += [found.speed("before", amount, "h/min"), found.ratio("before", "2")]
            table.rows[title] = cells
    return [table]


def _embed(sides: Sides, side: str, **arguments: Any) -> float:
    return float(sides.process(side).call("benchmarks.collection:embed_collection", **arguments))
