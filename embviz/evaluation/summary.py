"""The scores of many cells as tables: each with its interval, and each two of a task compared.

Conventions: fractions, 0 … 1; NaN where there is nothing. Two cells are compared on the tracks that both answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.core.text import plural, printable
from embviz.errors import OptionError
from embviz.evaluation import metrics
from embviz.evaluation.results import Learnt

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import DataFrame

    from embviz.evaluation.results import Answers, Cell

__all__ = ["KEYS", "learning", "named", "pairs", "table"]

HERE, OUTSIDE, PAIRS, SWAPS = range(4)  # streams of random numbers
KEYS = ["task", "model", "layer", "classifier", "pooling"]
ELSEWHERE = ["external", "external_low", "external_high", "drop", "drop_low", "drop_high"]
COLUMNS = [
    *KEYS,
    *("dimensions", "tracks", "classes", "folds", "accuracy", "std", "low", "high", "f1", "auc"),
    *ELSEWHERE,
    "external_tracks",
]
NOTHING = float("nan")


def named(cell: Cell) -> str:
    """Return the name of a cell within its task, or that of the baseline.

    ``"msd-musicnn-1 / embedding / mlp"``, with the pooling where it is not the mean.
    """
    if cell.is_baseline:
        return cell.classifier
    parts = [cell.model, cell.layer, cell.classifier, *([cell.pooling] if cell.pooling != "mean" else [])]
    return printable(" / ".join(parts))


def table(cells: Sequence[Cell], seed: int) -> DataFrame:
    """Return the scores, a row per cell."""
    import pandas as pd

    return pd.DataFrame([_facts(cell) | _scores(cell, seed) for cell in cells], columns=COLUMNS)


def learning(cells: Sequence[Cell], seed: int) -> DataFrame:
    """Return what was reached with shares of the training tracks, the whole set last."""
    import pandas as pd

    rows = []
    for cell in cells:
        whole = [Learnt(1.0, _training(cell.answers), cell.answers)] if cell.learning else []
        for learnt in (*cell.learning, *whole):
            score = metrics.accuracy(learnt.answers)
            ends = metrics.interval(_drawn(learnt.answers, [seed, HERE]), score)
            rows.append([*_names(cell).values(), learnt.share, learnt.tracks, score, *ends])
    return pd.DataFrame(rows, columns=[*KEYS, "share", "tracks", "accuracy", "low", "high"])


def pairs(cells: Sequence[Cell], seed: int) -> DataFrame:
    """Return the comparisons of each two cells of a task, without those with chance."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for task in dict.fromkeys(cell.task for cell in cells):
        compared = _compared([cell for cell in cells if cell.task == task and cell.classifier != "chance"], seed)
        adjusted = metrics.holm(np.array([row["p"] for row in compared]))
        rows += [row | {"p_adjusted": p} for row, p in zip(compared, adjusted, strict=True)]
    return pd.DataFrame(rows, columns=["task", "a", "b", "tracks", "difference", "low", "high", "p", "p_adjusted"])


# -- one cell -----------------------------------------------------------------------------------------------------


def _names(cell: Cell) -> dict[str, str]:
    """Return what the cell is, as text that a table can hold whatever the bytes of a folder's name are."""
    return {name: printable(getattr(cell, name)) for name in KEYS}


def _facts(cell: Cell) -> dict[str, Any]:
    return _names(cell) | {
        "dimensions": cell.dimensions,
        "tracks": len(cell.answers),
        "classes": len(cell.classes),
        "folds": len(np.unique(cell.answers.folds)),
    }


def _scores(cell: Cell, seed: int) -> dict[str, float]:
    answers, external = cell.answers, cell.external
    by_fold, score, drawn = metrics.accuracies(answers), metrics.accuracy(answers), _drawn(answers, [seed, HERE])
    low, high = metrics.interval(drawn, score)
    row = {
        "accuracy": score,
        "std": float(by_fold.std(ddof=1)) if len(by_fold) > 1 else NOTHING,
        "low": low,
        "high": high,
        "f1": metrics.f1(answers),
        "auc": metrics.auc(answers),
    }
    common = _common(cell)
    if common is None or external is None:
        return row
    outside, drawn_outside = metrics.accuracy(external), _drawn(external, [seed, OUTSIDE])
    drop = metrics.accuracy(common) - outside
    if common is not answers:
        drawn = _drawn(common, [seed, HERE])
    # Two collections: what was drawn of the one says nothing about what was drawn of the other.
    ends = (*metrics.interval(drawn_outside, outside), drop, *metrics.interval(drawn - drawn_outside, drop))
    return row | dict(zip(ELSEWHERE, (outside, *ends), strict=True)) | {"external_tracks": len(external)}


def _drawn(answers: Answers, seed: Sequence[int]) -> NDArray[np.float64]:
    """Return what the answers would have scored on other tracks."""
    return metrics.Draws.of([answers], seed).scores(0)


def _common(cell: Cell) -> Answers | None:
    """Return the answers of the cross-validation for the classes that the other collection has, too."""
    if cell.external is None or not len(cell.external):
        return None
    there = np.unique(cell.external.truth)
    if np.isin(cell.answers.truth, there).all():
        return cell.answers
    common = metrics.of_classes(cell.answers, there)
    return common if len(common) else None


def _training(answers: Answers) -> float:
    """Return the number of tracks that were trained on, the mean over folds."""
    folds = len(np.unique(answers.folds))
    return len(answers) * (folds - 1) / folds if folds else 0.0


# -- each two -----------------------------------------------------------------------------------------------------


def _alike(several: Sequence[Answers]) -> list[list[int]]:
    """Return the places of answers for the same tracks, in the same folds, by set."""
    sets: dict[tuple[bytes, ...], list[int]] = {}
    for i, answers in enumerate(several):
        groups = b"" if answers.groups is None else answers.groups.tobytes()
        key = (answers.tracks.tobytes(), answers.truth.tobytes(), answers.folds.tobytes(), groups)
        sets.setdefault(key, []).append(i)
    return list(sets.values())


def _compared(cells: Sequence[Cell], seed: int) -> list[dict[str, Any]]:
    """Return the comparisons of each two cells, in their order; those of the same tracks are made at once."""
    sets = _alike([cell.answers for cell in cells])
    rows: dict[tuple[int, int], dict[str, Any]] = {}
    for places in sets:
        answers = {i: cells[i].answers for i in places}
        rows |= _batch(cells, answers, list(combinations(places, 2)), seed)
    for one, other in combinations(sets, 2):
        answers = _shared(cells, one, other)
        rows |= _batch(cells, answers, [(min(i, j), max(i, j)) for i in one for j in other] if answers else [], seed)
    return [rows[pair] for pair in sorted(rows)]


def _batch(
    cells: Sequence[Cell], answers: Mapping[int, Answers], compared: Sequence[tuple[int, int]], seed: int
) -> dict[tuple[int, int], dict[str, Any]]:
    if not compared:
        return {}
    place = {i: n for n, i in enumerate(answers)}
    among = [(place[i], place[j]) for i, j in compared]
    several = list(answers.values())
    draws = metrics.Draws.of(several, [seed, PAIRS])
    probable = metrics.swapped(several, among, [seed, SWAPS])
    score = [metrics.accuracy(one) for one in several]
    rows = {}
    for (i, j), (first, second), p in zip(compared, among, probable, strict=True):
        difference = score[first] - score[second]
        low, high = metrics.interval(draws.differences(first, second), difference)
        rows[i, j] = {
            "task": printable(cells[i].task),
            "a": named(cells[i]),
            "b": named(cells[j]),
            "tracks": len(several[first]),
            "difference": difference,
            "low": low,
            "high": high,
            "p": float(p),
        }
    return rows


def _shared(cells: Sequence[Cell], one: Sequence[int], other: Sequence[int]) -> dict[int, Answers]:
    """Return the answers of two sets of cells for the tracks that both have; nothing where they have none."""
    first, second = cells[one[0]].answers, cells[other[0]].answers
    tracks = np.intersect1d(first.tracks, second.tracks)
    if not len(tracks):
        return {}
    first, second = (metrics.of_tracks(answers, tracks) for answers in (first, second))
    doubtful = int((first.truth != second.truth).sum())
    if doubtful:
        raise OptionError(
            f"{named(cells[one[0]])} and {named(cells[other[0]])} cannot be compared on {cells[one[0]].task!r}: "
            f"{plural(doubtful, 'track')} had another class for the one than for the other; evaluate both anew."
        )
    # Where they were tested in other folds, there is no common fold to take a mean over but the whole.
    folds = first.folds if np.array_equal(first.folds, second.folds) else np.zeros_like(first.folds)
    groups = second.groups if first.groups is None else first.groups
    return {i: replace(metrics.of_tracks(cells[i].answers, tracks), folds=folds, groups=groups) for i in (*one, *other)}
