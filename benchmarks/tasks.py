"""How long downstream tasks take: those of the poster from made-up vectors, and against a plain loop over scikit-learn.

Tasks have the number of tracks and classes of the poster's, and six embeddings of the length that the six models have:
classes that overlap, three styles in each. Extraction is not in it.

embviz       evaluate(table, "class", vectors): multilayer perceptron, five folds (UrbanSound8K: its ten), as many
             processes as there are cores once that pays
loop         for each embedding and fold StandardScaler and MLPClassifier with the same settings and balanced weights,
             as scikit-learn comes, on the same data as float64
one thread   the same loop where BLAS has one thread: on a machine with other work, several wait for each other
"""

from __future__ import annotations

import statistics
import tempfile
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight
from threadpoolctl import threadpool_limits

from benchmarks.measuring import Options, interleave, seconds_of
from benchmarks.tables import Figure, Table
from embviz import Cache
from embviz.core.vectors import Vectors
from embviz.evaluation import classifiers, evaluate
from embviz.evaluation.task_registry import TASKS
from embviz.models import get_model

SYSTEMS = ("musicnn", "vgg", "tempocnn", "openl3", "vggish", "spleeter")
NOT_STATED = 3000  # tracks of a task whose number is not known
COMPARED = ("happy", "rosamerica", "gtzan")
QUICK = 450  # tracks


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


def sizes(*, quick: bool) -> list[tuple[str, int, int, int | str]]:
    """Return name, tracks, classes and folds of the tasks."""
    found: list[tuple[str, int, int, int | str]] = [
        (task.name, task.size or NOT_STATED, len(task.classes), "fold" if task.folds else 5) for task in TASKS.values()
    ]
    return [one for one in found if one[1] < QUICK] if quick else found


def measure(options: Options) -> list[Table]:
    """Return a table of all tasks, and one against the loop."""
    warnings.simplefilter("ignore", ConvergenceWarning)  # of the loop
    return [_all_tasks(options), _against_loop(options)]


def _all_tasks(options: Options) -> Table:
    asked = sizes(quick=options.quick)
    note = f"{len(asked)} tasks × {len(SYSTEMS)} embeddings, from the call to the table of scores; one run"
    table, total = Table("tasks", ["task", "tracks", "classes", "classifiers", "embviz"], note), 0.0
    with tempfile.TemporaryDirectory() as folder:
        cache = Cache(Path(folder))
        for name, tracks, classes, folds in asked:
            taken = seconds_of(with_embviz, *made_up(tracks, classes), folds, cache)
            total += taken
            trained = len(SYSTEMS) * (5 if isinstance(folds, int) else 10)
            table.rows[name] = [f"{tracks:,}", str(classes), str(trained), Figure(taken, "s")]
        again = sum(seconds_of(with_embviz, *made_up(n, classes), folds, cache) for _, n, classes, folds in asked)
    table.rows["all"] = [None, None, None, Figure(total, "s")]
    table.rows["all again, from the cache"] = [None, None, None, Figure(again, "s")]
    return table


def _against_loop(options: Options) -> Table:
    rounds = options.count(3)
    columns = ["six embeddings of", "embviz", "loop", "one thread", "loop / embviz", "one thread / embviz"]
    table = Table("tasks-loop", columns, f"five folds, medians of {rounds} rounds")
    for name, tracks, classes, _ in sizes(quick=options.quick):
        if name in COMPARED:
            data = made_up(tracks, classes)
            ways = {
                "embviz": partial(seconds_of, with_embviz, *data, 5),
                "loop": partial(seconds_of, with_a_loop, *data),
                "one thread": partial(seconds_of, with_one_thread, *data),
            }
            found = interleave(ways, rounds, warm_up=0)
            ratios = [found.ratio(way, "embviz") for way in ("loop", "one thread")]
            table.rows[f"{tracks:,} tracks, {classes} classes"] = [*map(found.figure, ways), *ratios]
    return table
