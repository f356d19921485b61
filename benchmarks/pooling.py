"""What to train a classifier on, the means of tracks or their frames: class-weighted accuracy, and processor time.

excerpts   six seconds each of the sample audio, embeddings of all models whose weights are here, three folds that share
           no track; "drums": whether there are any, "family": band, acoustic or beats. Ten tracks: ± 0.1 is nothing
made up    240 tracks of 8 frames, 64 dimensions, four classes; what tells a class stands in all their frames, in one of
           four, or is a mixture of textures whose shares differ from class to class
"""

from __future__ import annotations

import statistics
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import soundfile
from sklearn.exceptions import ConvergenceWarning

from benchmarks.measuring import Options
from benchmarks.sounds import sources
from benchmarks.tables import Cell, Figure, Table
from embviz import Cache
from embviz.batch import embed_table
from embviz.core.vectors import Vectors
from embviz.evaluation import evaluate
from embviz.models import get_model
from embviz.models.weights import weights_state

SYSTEMS = ("musicnn", "vgg", "tempocnn", "openl3", "vggish", "spleeter")
DRUMS = {"rock", "metal", "jazz", "electronic", "hiphop", "drums"}
FAMILIES = {
    "rock": "band", "metal": "band", "drums": "band", "jazz": "acoustic", "classical": "acoustic", "piano": "acoustic",
    "folk": "acoustic", "electronic": "beats", "hiphop": "beats", "ambient": "beats",
}  # fmt: skip


def frames_of(kind: str, seed: int) -> tuple[pd.DataFrame, Vectors]:
    """Return made-up tracks of eight frames."""
    random = np.random.default_rng(seed)
    n, t, d, classes = 240, 8, 64, 4
    truth = np.arange(n) % classes
    centers = 0.35 * random.normal(size=(classes, d))
    x = 0.8 * random.normal(size=(n, 1, d)) + random.normal(size=(n, t, d))
    if kind == "textures":
        textures, shares = 0.8 * random.normal(size=(8, d)), random.dirichlet(np.full(8, 0.5), classes)
        x += textures[np.array([random.choice(8, t, p=shares[i]) for i in truth])]
    else:
        there = random.random((n, t, 1)) < (1.0 if kind == "all frames" else 0.25)
        x += centers[truth][:, None] * np.where(there, 1.0 if kind == "all frames" else 3.0, 0.0)
    table = pd.DataFrame({"class": [f"class {i}" for i in truth]})
    tracks = np.repeat(np.arange(n), t)
    return table, Vectors(
        x.reshape(-1, d).astype(np.float32), tracks, np.tile(np.arange(float(t)), n), kind, "made up", "frames"
    )


def of_tracks(frames: Vectors) -> Vectors:
    """Return the means of frames."""
    tracks = np.unique(frames.tracks)
    means = [frames.values[frames.tracks == track].mean(axis=0) for track in tracks]  # noqa: PD011  no DataFrame
    return Vectors(np.array(means, np.float32), tracks, None, frames.model, frames.layer, "mean")


def write_excerpts(folder: Path) -> pd.DataFrame:
    """Write excerpts of the sample audio, and return their table."""
    rows = []
    for source in sources():
        samples, rate = soundfile.read(source)
        for i in range(len(samples) // (6 * rate)):
            path = folder / f"{source.stem} {i:03}.wav"
            soundfile.write(path, samples[6 * i * rate : 6 * (i + 1) * rate], rate)
            rows.append({"path": str(path), "name": path.stem, "track": source.stem})
    table = pd.DataFrame(rows)
    table["drums"] = [name in DRUMS for name in table["track"]]
    table["family"] = table["track"].map(FAMILIES)
    return table


def compare(table: pd.DataFrame, target: str, frames: Vectors, seeds: range, **options: Any) -> list[Cell]:
    """Return the score and the processor's time of both ways."""
    cells: list[Cell] = []
    for vectors in (of_tracks(frames), frames):
        start, scores = time.process_time(), []
        for seed in seeds:
            result = evaluate(table, target, vectors, seed=seed, workers=1, cache=False, progress=False, **options)
            scores.append(float(result.table["accuracy"].iloc[0]))
        cells += [Figure(statistics.mean(scores)), Figure(time.process_time() - start, "s")]
    return cells


def measure(options: Options) -> list[Table]:
    """Return a row for each of the data."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    seeds = range(options.count(3))
    columns = ["", "tracks: accuracy", "processor", "frames: accuracy", "processor"]
    table = Table("pooling", columns, f"means of {len(seeds)} seeds")
    for kind in ("all frames", "one of four", "textures"):
        data, frames = frames_of(kind, 1)
        table.rows[f"made up: {kind}"] = compare(data, "class", frames, seeds)
    here = [system for system in SYSTEMS if weights_state(get_model(system)) == "ready"]
    with tempfile.TemporaryDirectory() as folder:
        data = write_excerpts(Path(folder))
        cache = Cache(Path(folder) / "cache")
        for frames in embed_table(data, here, pooling="frames", cache=cache) if here and not options.quick else ():
            for target in ("drums", "family"):
                name = f"excerpts: {target}, {frames.model}, {len(frames) / len(data):.1f} frames each"
                table.rows[name] = compare(data, target, frames, seeds, folds=3, groups="track")
    return [table]
