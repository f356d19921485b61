"""Tables of scores: each result with its intervals, and each two of a task compared.

Conventions: fractions, 0 … 1; NaN where there is nothing. Two results are compared on the tracks that both predicted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.core.text import plural, printable
from embviz.errors import OptionError
from embviz.evaluation import label_areas, metrics, weighted_metrics
from embviz.evaluation.results import Kind, LearningPoint

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import DataFrame

    from embviz.evaluation.results import Predictions, Result


HERE, OUTSIDE, PAIRS, SWAPS = range(4)  # streams of random numbers
KEYS = ["task", "model", "layer", "classifier", "pooling"]
ELSEWHERE = ["external", "external_low", "external_high", "drop", "drop_low", "drop_high"]
SIZES = ["dimensions", "tracks", "classes", "folds"]
OTHERS = [f"{name}{end}" for name in ("pr_auc", "mae", "spearman") for end in ("", "_low", "_high")]
SCORES = ["measure", "score", "accuracy", "std", "low", "high", "f1", "auc", *OTHERS]
COLUMNS = [*KEYS, *SIZES, *SCORES, *ELSEWHERE, "external_tracks"]
LEVEL = 0.05  # of p, from which on a difference is taken for one
COMPARED = ("majority", "mean")  # the baselines that results have to be better than
MEASURES: Mapping[Kind, str] = {"classes": "accuracy", "quantity": "R²", "labels": "ROC-AUC"}
MAIN = {"quantity": "r2", "labels": "auc"}


def result_name(result: Result) -> str:
    """Return the name of a result within its task, or that of the baseline.

    ``"msd-musicnn-1 / embedding / mlp"``, with the pooling where it is not the mean.
    """
    if result.is_baseline:
        return result.classifier
    return printable(join_name(result.model, result.layer, result.classifier, result.pooling))


def join_name(model: str, layer: str, classifier: str, pooling: str) -> str:
    """Return the name of a result that is no baseline, from what tells it from others."""
    return " / ".join([model, layer, classifier, *([pooling] if pooling != "mean" else [])])


def score_table(results: Sequence[Result], seed: int) -> DataFrame:
    """Return the scores, a row per result."""
    import pandas as pd

    return pd.DataFrame([_identity(result) | _scores(result, seed) for result in results], columns=COLUMNS)


def learning_table(results: Sequence[Result], seed: int) -> DataFrame:
    """Return the scores after training on shares of the training tracks, the whole set last."""
    import pandas as pd

    rows = []
    for result in results:
        whole = [LearningPoint(1.0, _training_size(result.predictions), result.predictions)] if result.learning else []
        for point in (*result.learning, *whole):
            score, measure = main_score(point.predictions), MEASURES[result.kind]
            low, high = metrics.interval(_draw_scores(point.predictions, [seed, HERE]), score)
            accuracy = score if result.kind == "classes" else math.nan
            sizes = point.share, point.tracks
            rows.append([*_identity(result).values(), *sizes, measure, score, accuracy, low, high])
    return pd.DataFrame(rows, columns=[*KEYS, "share", "tracks", "measure", "score", "accuracy", "low", "high"])


def pair_table(results: Sequence[Result], seed: int) -> DataFrame:
    """Return the comparisons of each two results of a task, without those with chance."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for task in dict.fromkeys(result.task for result in results):
        own = [result for result in results if result.task == task and result.classifier != "chance"]
        comparisons = _compare(own, seed)
        adjusted = metrics.holm(np.array([row["p"] for row in comparisons]))
        rows += [row | {"p_adjusted": p} for row, p in zip(comparisons, adjusted, strict=True)]
    return pd.DataFrame(rows, columns=["task", "a", "b", "tracks", "difference", "low", "high", "p", "p_adjusted"])


def above_baseline(pairs: DataFrame) -> set[tuple[str, str]]:
    """Return the task and the name of each result that is better than its baseline, by the adjusted p of the pairs."""
    sure = pairs[pairs["p_adjusted"] < LEVEL].itertuples()
    ordered = [(row.task, row.a, row.b) if row.difference > 0 else (row.task, row.b, row.a) for row in sure]
    return {(task, better) for task, better, worse in ordered if worse in COMPARED}


# -- one result ---------------------------------------------------------------------------------------------------


def _identity(result: Result) -> dict[str, str]:
    """Return what tells the result from others, as text that can be printed whatever the bytes of a folder's name."""
    return {name: printable(getattr(result, name)) for name in KEYS}


def main_score(predictions: Predictions) -> float:
    """Return the score that results are ranked by: class-weighted accuracy, R², or macro ROC-AUC."""
    if predictions.kind == "classes":
        return metrics.accuracy(predictions)
    return weighted_metrics.scores(predictions)[MAIN[predictions.kind]]


def guessing(measure: str, classes: int) -> float:
    """Return the score of who looks at nothing."""
    return {"R²": 0.0, "ROC-AUC": 0.5}.get(measure, 1 / max(1, classes))


def _scores(result: Result, seed: int) -> dict[str, Any]:
    predictions = result.predictions
    sizes = result.dimensions, len(predictions), len(result.classes), len(np.unique(predictions.folds))
    row: dict[str, Any] = dict(zip(SIZES, sizes, strict=True)) | {"measure": MEASURES[result.kind]}
    if result.kind == "classes":
        by_fold, score = metrics.fold_accuracies(predictions), metrics.accuracy(predictions)
        row |= {"accuracy": score, "f1": metrics.f1(predictions), "auc": metrics.auc(predictions)}
        drawn = _draw_scores(predictions, [seed, HERE])
    else:
        main, found = MAIN[result.kind], weighted_metrics.scores(predictions)
        draws = weighted_metrics.draw_scores(predictions, [seed, HERE])
        by_fold, score, drawn = weighted_metrics.fold_scores(predictions), found[main], draws[main]
        row |= {"auc": found["auc"]} if main == "auc" else {}
        for name in found.keys() - {main}:
            ends = metrics.interval(draws[name], found[name])
            row |= {name: found[name], f"{name}_low": ends[0], f"{name}_high": ends[1]}
    low, high = metrics.interval(drawn, score)
    std = float(by_fold.std(ddof=1)) if len(by_fold) > 1 else math.nan
    return row | {"score": score, "std": std, "low": low, "high": high} | _external_scores(result, drawn, seed)


def label_scores(predictions: Predictions, seed: Sequence[int]) -> dict[str, NDArray[Any]]:
    """Return the scores of each label, as columns."""
    areas, drawn = label_areas.mean_areas(predictions), weighted_metrics.draw_label_areas(predictions, seed)
    found: dict[str, NDArray[Any]] = {"tracks": predictions.truth.sum(axis=0)}
    for name, scores in areas.items():
        ends = [metrics.interval(drawn[name][:, i], float(score)) for i, score in enumerate(scores)]
        low, high = np.array(ends).reshape(-1, 2).T
        found |= {name: scores, f"{name}_low": low, f"{name}_high": high}
    given, truth = weighted_metrics.decide(predictions), predictions.truth
    hits, said, there = ((truth & given).sum(axis=0), given.sum(axis=0), truth.sum(axis=0))
    with np.errstate(invalid="ignore", divide="ignore"):
        return found | {"precision": hits / said, "recall": hits / there, "f1": 2 * hits / (said + there)}


def _external_scores(result: Result, drawn: NDArray[np.float64], seed: int) -> dict[str, float]:
    common, external = _common(result), result.external
    if common is None or external is None:
        return {}
    if common is not result.predictions:
        drawn = _draw_scores(common, [seed, HERE])
    score, drawn_outside = main_score(external), _draw_scores(external, [seed, OUTSIDE])
    drop = main_score(common) - score
    # Two collections: what was drawn of the one says nothing about what was drawn of the other.
    ends = metrics.interval(drawn - drawn_outside, drop)
    row = (score, *metrics.interval(drawn_outside, score), drop, *ends)
    return dict(zip(ELSEWHERE, row, strict=True)) | {"external_tracks": len(external)}


def _draw_scores(predictions: Predictions, seed: Sequence[int]) -> NDArray[np.float64]:
    """Return bootstrap draws of the score of predictions, ``[draws]``."""
    if predictions.kind != "classes":
        return weighted_metrics.draw_scores(predictions, seed)[MAIN[predictions.kind]]
    return metrics.BootstrapDraws.draw([predictions], seed).scores(0)


def _common(result: Result) -> Predictions | None:
    """Return the predictions of the cross-validation for the classes that the other collection has, too."""
    if result.external is None or not len(result.external):
        return None
    if result.kind == "quantity":
        return result.predictions
    if result.kind == "labels":
        return _common_labels(result.predictions, result.external)
    there = np.unique(result.external.truth)
    if np.isin(result.predictions.truth, there).all():
        return result.predictions
    common = metrics.select_classes(result.predictions, there)
    return common if len(common) else None


def _common_labels(predictions: Predictions, external: Predictions) -> Predictions | None:
    """Return the predictions of the labels that some tracks of the other collection have, and some not."""
    both = external.truth.any(axis=0) & ~external.truth.all(axis=0)
    if both.all():
        return predictions
    return (
        replace(predictions, truth=predictions.truth[:, both], proba=predictions.proba[:, both]) if both.any() else None
    )


def _training_size(predictions: Predictions) -> float:
    """Return the number of tracks that were trained on, the mean over folds."""
    folds = len(np.unique(predictions.folds))
    return len(predictions) * (folds - 1) / folds if folds else 0.0


# -- each two -----------------------------------------------------------------------------------------------------


def _group_alike(several: Sequence[Predictions]) -> list[list[int]]:
    """Return the places of predictions for the same tracks, in the same folds, by set."""
    sets: dict[tuple[bytes, ...], list[int]] = {}
    for i, one in enumerate(several):
        arrays = one.tracks, one.truth, one.folds, one.groups
        key = tuple(b"" if array is None else array.tobytes() for array in arrays)
        sets.setdefault(key, []).append(i)
    return list(sets.values())


def _compare(results: Sequence[Result], seed: int) -> list[dict[str, Any]]:
    """Return the comparisons of each two results, in their order; those of the same tracks are made at once."""
    if results and results[0].kind != "classes":
        drawn = [_draw_scores(result.predictions, [seed, PAIRS]) for result in results]  # with the same weights
        both = combinations(zip(results, drawn, strict=True), 2)
        return [row for one, other in both if (row := _compare_scores(*one, *other))]
    sets = _group_alike([result.predictions for result in results])
    rows: dict[tuple[int, int], dict[str, Any]] = {}
    for places in sets:
        predictions = {i: results[i].predictions for i in places}
        rows |= _compare_batch(results, predictions, list(combinations(places, 2)), seed)
    for one, other in combinations(sets, 2):
        if predictions := _select_common(results, one, other):
            pairs = [(min(i, j), max(i, j)) for i in one for j in other]
            rows |= _compare_batch(results, predictions, pairs, seed)
    return [rows[pair] for pair in sorted(rows)]


def _compare_scores(
    one: Result, drawn: NDArray[np.float64], other: Result, drawn_other: NDArray[np.float64]
) -> dict[str, Any]:
    """Return the comparison of two results that predicted the same tracks of a quantity or labels, or nothing."""
    if len(_group_alike([one.predictions, other.predictions])) > 1:
        return {}
    difference = main_score(one.predictions) - main_score(other.predictions)
    apart = drawn - drawn_other
    tail = 1 + min((apart <= 0).sum(), (apart >= 0).sum())
    ends = metrics.interval(apart, difference)
    names = {
        "task": printable(one.task),
        "a": result_name(one),
        "b": result_name(other),
        "tracks": len(one.predictions),
    }
    p = min(1.0, 2 * tail / (1 + len(apart)))
    return names | {"difference": difference, "low": ends[0], "high": ends[1], "p": float(p)}


def _compare_batch(
    results: Sequence[Result], predictions: Mapping[int, Predictions], pairs: Sequence[tuple[int, int]], seed: int
) -> dict[tuple[int, int], dict[str, Any]]:
    if not pairs:
        return {}
    place = {i: n for n, i in enumerate(predictions)}
    among = [(place[i], place[j]) for i, j in pairs]
    several = list(predictions.values())
    draws = metrics.BootstrapDraws.draw(several, [seed, PAIRS])
    probable = metrics.permutation_test(several, among, [seed, SWAPS])
    score = [metrics.accuracy(one) for one in several]
    rows = {}
    for (i, j), (first, second), p in zip(pairs, among, probable, strict=True):
        difference = score[first] - score[second]
        low, high = metrics.interval(draws.differences(first, second), difference)
        names = {"task": printable(results[i].task), "a": result_name(results[i]), "b": result_name(results[j])}
        figures = {"difference": difference, "low": low, "high": high, "p": float(p)}
        rows[i, j] = {**names, "tracks": len(several[first]), **figures}
    return rows


def _select_common(results: Sequence[Result], one: Sequence[int], other: Sequence[int]) -> dict[int, Predictions]:
    """Return the predictions of two sets of results for the tracks that both have; nothing where they have none."""
    first, second = results[one[0]].predictions, results[other[0]].predictions
    tracks = np.intersect1d(first.tracks, second.tracks)
    if not len(tracks):
        return {}
    first, second = (metrics.select_tracks(predictions, tracks) for predictions in (first, second))
    if doubtful := int((first.truth != second.truth).sum()):
        names = [result_name(results[places[0]]) for places in (one, other)]
        raise OptionError(
            f"{names[0]} and {names[1]} cannot be compared on {results[one[0]].task!r}: "
            f"{plural(doubtful, 'track')} had another class for the one than for the other; evaluate both anew."
        )
    # Where they were tested in other folds, there is no common fold to take a mean over but the whole.
    folds = first.folds if np.array_equal(first.folds, second.folds) else np.zeros_like(first.folds)
    groups = second.groups if first.groups is None else first.groups
    shared = {i: metrics.select_tracks(results[i].predictions, tracks) for i in (*one, *other)}
    return {i: replace(predictions, folds=folds, groups=groups) for i, predictions in shared.items()}
