"""How long a question about one dimension takes: the first, which builds an index, and the next ones.

The vectors are made up: 160 frames of 200 dimensions for each track, as of four minutes of MusiCNN. Tracks are files
of the sample collection, in turn.

first question   from the vectors to the twenty highest moments of a dimension, with the index written
next question    the same of other dimensions, in another process: the first of them, which opens the index …
further          … and the median of those behind it
sent             bytes of the contact sheet's state with its pictures, as they go to the page
index            bytes that are kept
memory           most that the process had while the index was built
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.drawing import sent
from benchmarks.measuring import NotMeasured, Options, run_fresh, seconds_of
from benchmarks.sounds import sources
from benchmarks.tables import Figure, Table

DIMENSIONS, FRAMES, HEARD = 200, 160, 3.0  # seconds
COUNTS = (100, 1000, 10_000)
FURTHER = 9


def write_vectors(folder: Path, tracks: int) -> None:
    """Write made-up vectors of frames as a file, some tracks at a time."""
    random, file = np.random.default_rng(0), folder / f"{tracks}.npy"
    values = np.lib.format.open_memmap(file, "w+", np.float32, (tracks * FRAMES, DIMENSIONS))
    for start in range(0, len(values), 1 << 15):
        part = values[start : start + (1 << 15)]
        part[:] = np.maximum(random.standard_normal(part.shape, dtype=np.float32), np.float32(-0.3))
    values.flush()


def ask(folder: str, tracks: int, questions: int, *, sheet: bool = False) -> dict[str, Any]:
    """Return the seconds that questions take, each about another dimension, and the bytes of a contact sheet."""
    from embviz import Cache, Collection, Vectors

    known = sources()
    cache = Cache(Path(folder) / f"cache-{tracks}")
    table = Collection.from_paths(known, cache=cache).table
    table = table.iloc[np.arange(tracks) % len(table)].reset_index(drop=True).rename_axis("track")
    collection = Collection(table)
    starts = np.tile(np.linspace(0, table["duration"].min() - HEARD, FRAMES), tracks)
    values = np.load(Path(folder) / f"{tracks}.npy", mmap_mode="r")
    vectors = Vectors(
        values, np.repeat(np.arange(tracks), FRAMES), starts + HEARD / 2, "made up", "frames", "frames",
        key=f"made up {tracks}", spans=np.stack([starts, starts + HEARD], axis=1),
    )  # fmt: skip

    def question(dimension: int) -> Any:
        return collection.moments(vectors, dimension=dimension, cache=cache, progress=False)

    seconds = [seconds_of(question, dimension) for dimension in range(questions)]
    state = sent(question(0).sheet()) if sheet else 0
    index = sum(path.stat().st_size for path in cache.folder.glob("derived/units/*/*"))
    return {"seconds": seconds, "index": index, "sent": state}


def measure(options: Options) -> list[Table]:
    """Return a row for each number of tracks."""
    columns = ["tracks", "frames", "first question", "next question", "further", "sent", "index", "memory"]
    table = Table("units", columns, f"{FRAMES} frames of {DIMENSIONS} dimensions per track, made up; one run")
    with tempfile.TemporaryDirectory() as folder:
        for tracks in COUNTS[: 1 if options.quick else None]:
            write_vectors(Path(folder), tracks)
            arguments = {"folder": folder, "tracks": tracks}
            try:
                first = run_fresh("benchmarks.units:ask", questions=1, **arguments)
                later = run_fresh("benchmarks.units:ask", questions=1 + FURTHER, sheet=True, **arguments).result
            except NotMeasured as reason:
                table.rows[f"{tracks:,}"] = [str(reason), *[None] * (len(columns) - 2)]
                continue
            opening, *further = later["seconds"]
            table.rows[f"{tracks:,}"] = [
                f"{tracks * FRAMES:,}", Figure(first.result["seconds"][0], "s"), Figure(opening, "s"),
                Figure(statistics.median(further), "s"), Figure(later["sent"], "B"), Figure(later["index"], "B"),
                Figure(first.peak, "B"),
            ]  # fmt: skip
    return [table]
