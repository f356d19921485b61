"""How long downstream tasks take, against a plain loop over scikit-learn; and what to train on, tracks or frames.

Run ``python benchmarks/tasks.py [--quick] [--speed | --pooling]``. What else runs on the machine is in the times: the
load is printed first and last.

speed: the tasks of the poster with the number of tracks and classes of each, and six embeddings of the length that the
six models have; the vectors are made up: classes that overlap, three styles in each. Extraction is not in it. Times are
those of a clock on the wall, from the call to the table of scores, with an empty cache folder.

embviz  evaluate(table, "class", vectors): multilayer perceptron, five folds (UrbanSound8K: its ten), as many processes
        as there are cores once that pays
loop    for each embedding and fold StandardScaler and MLPClassifier with the same settings and balanced weights, as
        scikit-learn comes, on the same data as float64; timed after embviz in the same round. Figures are medians of
        the rounds, ratios are medians of the rounds' ratios
one     the same loop where BLAS has one thread: on a machine with other work, several wait for each other

pooling: class-weighted accuracy of both ways of training, the mean over seeds, and seconds of processor time.

excerpts  six seconds each of the sample audio, embeddings of all models whose weights are here, three folds that share
          no track; "drums": whether there are any, "family": band, acoustic or beats. Ten tracks: ± 0.1 is nothing
made up   240 tracks of 8 frames, 64 dimensions, four classes; what tells a class stands in all its frames, in one of
          four, or is a mixture of textures whose shares differ from class to class
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import soundfile
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight
from threadpoolctl import threadpool_limits

from embviz import Cache
from embviz.batch import embed_table
from embviz.core.vectors import Vectors
from embviz.evaluation import classifiers, evaluate
from embviz.evaluation.task_registry import TASKS
from embviz.models import get_model
from embviz.models.weights import weights_state

SOUNDS = Path(__file__).parents[1] / "sample_audio"
SYSTEMS = ("musicnn", "vgg", "tempocnn", "openl3", "vggish", "spleeter")
NOT_STATED = 3000  # tracks of a task whose number is not known
COMPARED = ("happy", "rosamerica", "gtzan")
DRUMS = {"rock", "metal", "jazz", "electronic", "hiphop", "drums"}
FAMILIES = {
    "rock": "band", "metal": "band", "drums": "band", "jazz": "acoustic", "classical": "acoustic", "piano": "acoustic",
    "folk": "acoustic", "electronic": "beats", "hiphop": "beats", "ambient": "beats",
}  # fmt: skip

Array = np.ndarray[Any, Any]


def made_up(tracks: int, classes: int) -> tuple[pd.DataFrame, list[Vectors]]:
    """Return a table and six embeddings of its tracks."""
    random = np.random.default_rng(tracks)
    truth = np.arange(tracks) % classes
    style = random.integers(0, 3, tracks)
    table = pd.DataFrame({"class": [f"class {i}" for i in truth], "fold": random.permutation(tracks) % 10})
    found = []
    for system in SYSTEMS:
        d = get_model(system).dimensions
        centers = random.normal(size=(classes, 3, d)) * (4 / d) ** 0.5
        x = (centers[truth, style] + random.normal(size=(tracks, d))).astype(np.float32)
        found.append(Vectors(x, np.arange(tracks), None, system, "embedding", "mean"))
    return table, found


def with_embviz(table: pd.DataFrame, vectors: list[Vectors], folds: int | str, cache: Cache | bool = False) -> None:
    """Evaluate, and make the table of scores."""
    evaluate(table, "class", vectors, folds=folds, cache=cache, progress=False).table  # noqa: B018  it is computed here


def in_five_folds(table: pd.DataFrame, vectors: list[Vectors]) -> None:
    """Evaluate with nothing kept."""
    with_embviz(table, vectors, 5)


def with_one_thread(table: pd.DataFrame, vectors: list[Vectors]) -> None:
    """Run the loop with one thread."""
    with threadpool_limits(1):
        with_a_loop(table, vectors)


def with_a_loop(table: pd.DataFrame, vectors: list[Vectors]) -> list[float]:
    """Do what one would write with scikit-learn, and return the mean score of each embedding."""
    y, found = table["class"].to_numpy(), []
    for one in vectors:
        x, scores = one.values.astype(np.float64), []  # noqa: PD011  no DataFrame
        for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(x, y):
            scaler = StandardScaler().fit(x[train])
            network = MLPClassifier((100,), random_state=0, **classifiers.SETTINGS["mlp"])
            network.fit(scaler.transform(x[train]), y[train], sample_weight=compute_sample_weight("balanced", y[train]))
            scores.append(balanced_accuracy_score(y[test], network.predict(scaler.transform(x[test]))))
        found.append(statistics.mean(scores))
    return found


def seconds_of(call: Callable[..., Any], *arguments: Any) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - start


def sizes(*, quick: bool) -> list[tuple[str, int, int, int | str]]:
    """Return name, tracks, classes and folds of the tasks."""
    found: list[tuple[str, int, int, int | str]] = [
        (task.name, task.size or NOT_STATED, len(task.classes), "fold" if task.folds else 5) for task in TASKS.values()
    ]
    return [one for one in found if one[1] < 450] if quick else found


def speed(*, quick: bool, rounds: int) -> None:
    """Print how long tasks take."""
    asked = sizes(quick=quick)
    print(
        f"{len(asked)} tasks × {len(SYSTEMS)} embeddings\n{'':22}{'tracks':>7}{'classes':>9}{'classifiers':>13}{'s':>8}"
    )
    with tempfile.TemporaryDirectory() as folder:
        cache, total = Cache(folder), 0.0
        for name, tracks, classes, folds in asked:
            table, vectors = made_up(tracks, classes)
            taken = seconds_of(with_embviz, table, vectors, folds, cache)
            total += taken
            trained = len(SYSTEMS) * (5 if isinstance(folds, int) else 10)
            print(f"{name:22}{tracks:7,}{classes:9}{trained:13}{taken:8.1f}", flush=True)
        again = sum(
            seconds_of(with_embviz, *made_up(tracks, classes), folds, cache) for _, tracks, classes, folds in asked
        )
        print(f"{'all':51}{total:8.1f}\n{'again, from the cache':51}{again:8.1f}\n")
    print(
        f"against the loop, {rounds} rounds: s (times as long as embviz)\n{'':22}{'embviz':>10}{'loop':>17}{'one':>17}"
    )
    for name, tracks, classes, _ in sizes(quick=False):
        if name in COMPARED[: 1 if quick else None]:
            table, vectors = made_up(tracks, classes)
            taken = [
                [seconds_of(call, table, vectors) for call in (in_five_folds, with_a_loop, with_one_thread)]
                for _ in range(rounds)
            ]
            medians = [statistics.median(column) for column in zip(*taken, strict=True)]
            ratios = [statistics.median(one[i] / one[0] for one in taken) for i in (1, 2)]
            others = [f"{seconds:9.1f} ({ratio:5.2f})" for seconds, ratio in zip(medians[1:], ratios, strict=True)]
            print(f"{name:22}{medians[0]:10.1f}{''.join(others)}", flush=True)


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


def excerpts(folder: Path) -> pd.DataFrame:
    """Write excerpts of the sample audio, and return their table."""
    rows = []
    for source in sorted([*SOUNDS.glob("*.ogg"), *SOUNDS.glob("*.mp3")]):
        samples, rate = soundfile.read(source)
        for i in range(len(samples) // (6 * rate)):
            path = folder / f"{source.stem} {i:03}.wav"
            soundfile.write(path, samples[6 * i * rate : 6 * (i + 1) * rate], rate)
            rows.append({"path": str(path), "name": path.stem, "track": source.stem})
    table = pd.DataFrame(rows)
    table["drums"] = [name in DRUMS for name in table["track"]]
    table["family"] = table["track"].map(FAMILIES)
    return table


def compared(table: pd.DataFrame, target: str, frames: Vectors, seeds: range, **options: Any) -> str:
    """Return the score and the time of both ways, as text."""
    texts = []
    for vectors in (of_tracks(frames), frames):
        start, scores = time.process_time(), []
        for seed in seeds:
            result = evaluate(table, target, vectors, seed=seed, workers=1, cache=False, progress=False, **options)
            scores.append(float(result.table["accuracy"].iloc[0]))
        texts.append(f"{statistics.mean(scores):12.3f} ({time.process_time() - start:6.1f} s)")
    return "".join(texts)


def pooling(*, quick: bool) -> None:
    """Print what becomes of training on tracks and on frames."""
    seeds = range(1 if quick else 3)
    print(f"{len(seeds)} seeds\n{'':44}{'tracks':>22}{'frames':>23}")
    for kind in ("all frames", "one of four", "textures"):
        table, frames = frames_of(kind, 1)
        print(f"{f'made up: {kind}':44}{compared(table, 'class', frames, seeds)}", flush=True)
    here = [system for system in SYSTEMS if weights_state(get_model(system)) == "ready"]
    if not here:
        return
    with tempfile.TemporaryDirectory() as folder:
        table = excerpts(Path(folder))
        found = embed_table(table, here, pooling="frames", cache=Cache(Path(folder) / "cache"))
        for frames in found:
            for target in ("drums", "family"):
                name = f"excerpts: {target}, {frames.model}, {len(frames) / len(table):.1f} frames each"
                print(f"{name:44}{compared(table, target, frames, seeds, folds=3, groups='track')}", flush=True)


def main() -> None:
    """Print what was asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small tasks, few rounds and seeds")
    parser.add_argument("--speed", action="store_true", help="only how long it takes")
    parser.add_argument("--pooling", action="store_true", help="only tracks against frames")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)  # of the loop
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(f"{cores} cores, load {os.getloadavg()[0]:.1f}\n")
    if asked.speed or not asked.pooling:
        speed(quick=asked.quick, rounds=1 if asked.quick else asked.rounds)
    if asked.pooling or not asked.speed:
        pooling(quick=asked.quick)
    print(f"\nload {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
