"""Scores of quantities and of several labels per track, with intervals; numpy only.

Conventions: as in :mod:`embviz.evaluation.metrics`, scores are made per fold and averaged over folds. With equal
weights they are scikit-learn's ``r2_score``, ``mean_absolute_error``, ``roc_auc_score`` and ``average_precision_score``
(PR-AUC) and SciPy's ``spearmanr``. Intervals are those of the Bayesian bootstrap (D. B. Rubin, Annals of Statistics 9,
1981): a random weight for each track, or for each group; Spearman's ranks stay those of all tracks of a fold. The areas
of several labels and their draws are made in :mod:`embviz.evaluation.label_areas`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from embviz.evaluation import label_areas

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embviz.evaluation.results import Predictions


DRAWS = 1_000
AT_ONCE = 1 << 21  # weights held in memory
QUANTITY = ("r2", "mae", "spearman")


def draw_weights(predictions: Predictions, seed: Sequence[int], draws: int = DRAWS) -> Iterator[NDArray[np.float64]]:
    """Yield the weights of the tracks in some draws, ``[part, n]``; the same for predictions of the same tracks."""
    groups = np.arange(len(predictions)) if predictions.groups is None else predictions.groups
    units, member = np.unique(groups, return_inverse=True)
    rng, step = np.random.default_rng(seed), max(1, AT_ONCE // max(1, len(member)))
    for start in range(0, draws, step):
        yield rng.standard_gamma(1.0, size=(min(step, draws - start), len(units)))[:, member]


def scores(predictions: Predictions) -> dict[str, float]:
    """Return the scores of a quantity, or the macro ones of several labels; NaN where there is nothing to tell."""
    if predictions.kind == "labels":
        return {name: float(label_areas.macro(some)) for name, some in label_areas.mean_areas(predictions).items()}
    found = _quantities(predictions, np.ones((1, len(predictions))))
    return {name: float(values[0]) for name, values in found.items()}


def draw_scores(predictions: Predictions, seed: Sequence[int], draws: int = DRAWS) -> dict[str, NDArray[np.float64]]:
    """Return bootstrap draws of :func:`scores`, ``[draws]`` each."""
    if predictions.kind == "labels":
        return {name: label_areas.macro(some) for name, some in draw_label_areas(predictions, seed, draws).items()}
    parts = [_quantities(predictions, weights) for weights in draw_weights(predictions, seed, draws)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def draw_label_areas(
    predictions: Predictions, seed: Sequence[int], draws: int = DRAWS
) -> dict[str, NDArray[np.float64]]:
    """Return bootstrap draws of the areas of each label, ``[draws, labels]``."""
    parts = [label_areas.draw_areas(predictions, weights) for weights in draw_weights(predictions, seed, draws)]
    return dict(zip(label_areas.AREAS, np.concatenate(parts, axis=1), strict=True))


def fold_scores(predictions: Predictions) -> NDArray[np.float64]:
    """Return R² or the macro ROC-AUC of each fold, ``[folds]``."""
    if predictions.kind == "labels":
        return label_areas.macro(label_areas.fold_areas(predictions)[0])
    weights = np.ones((1, len(predictions)))
    return np.array([_quantity(predictions, rows, weights[:, rows])["r2"][0] for rows in _folds(predictions)])


def _quantities(predictions: Predictions, weights: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return each score of a quantity for each row of weights."""
    folds = [_quantity(predictions, rows, weights[:, rows]) for rows in _folds(predictions)]
    return {name: label_areas.macro(np.array([fold[name] for fold in folds]).T) for name in QUANTITY}


def _folds(predictions: Predictions) -> list[NDArray[np.intp]]:
    return [np.flatnonzero(predictions.folds == fold) for fold in np.unique(predictions.folds)]


def _quantity(
    predictions: Predictions, rows: NDArray[np.intp], weights: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    truth, predicted = predictions.truth[rows], predictions.predicted[rows]
    share = weights / weights.sum(axis=1, keepdims=True)
    error = truth - predicted
    centred = truth - truth.mean()  # or squares of years would lose their digits
    variance = share @ centred**2 - (share @ centred) ** 2
    # Unequal weights make fewer tracks of a fold, and a variance of fewer comes out too small.
    variance *= (1 - 1 / max(2, len(rows))) / np.maximum(1 - np.square(share).sum(axis=1), 1e-12)
    constant = len(rows) < 2 or not np.ptp(truth)
    r2 = np.full(len(share), np.nan) if constant else 1 - share @ error**2 / variance
    return {"r2": r2, "mae": share @ np.abs(error), "spearman": _correlation(ranks(truth), ranks(predicted), share)}


def _correlation(x: NDArray[np.float64], y: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y = x - x.mean(), y - y.mean()
    if not np.any(x) or not np.any(y):
        return np.full(len(share), np.nan)
    mean_x, mean_y = share @ x, share @ y
    spread = (share @ x**2 - mean_x**2) * (share @ y**2 - mean_y**2)
    found: NDArray[np.float64] = (share @ (x * y) - mean_x * mean_y) / np.sqrt(spread)
    return found


def ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ranks, from 1 up; equal values share the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    found: NDArray[np.float64] = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return found


# -- thresholds, ranks and calibration ----------------------------------------------------------------------------


def best_threshold(truth: NDArray[np.bool_], score: NDArray[np.float32]) -> float:
    """Return the probability from which on a label is given such that F1 is largest."""
    table = threshold_counts(truth, score)
    f1 = 2 * table["hits"] / np.maximum(1, table["hits"] + table["alarms"] + truth.sum())
    return float(table["threshold"][int(f1.argmax())])


def threshold_counts(truth: NDArray[np.bool_], score: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
    """Return, for each different score as a threshold (falling), how many are right and wrong above it."""
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    hits = np.cumsum(truth[order])[ends]
    return {
        "threshold": score[order][ends].astype(np.float64),
        "hits": hits.astype(np.float64),
        "alarms": (ends + 1 - hits).astype(np.float64),
    }


def threshold_costs(
    truth: NDArray[np.bool_], score: NDArray[np.float32], miss: float, alarm: float
) -> dict[str, NDArray[np.float64]]:
    """Return precision, recall, F1 and mean cost of each threshold, the one above all scores first."""
    found = {
        name: np.concatenate([[first], values])
        for first, (name, values) in zip((np.inf, 0.0, 0.0), threshold_counts(truth, score).items(), strict=True)
    }
    hits, alarms, positive = found["hits"], found["alarms"], float(truth.sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        precision, recall = hits / (hits + alarms), hits / np.float64(positive)
        f1 = 2 * hits / (hits + alarms + positive)
    misses = positive - hits
    cost = (miss * misses + alarm * alarms) / max(1, len(truth))
    scores = {"precision": precision, "recall": recall, "f1": f1}
    return {"threshold": found["threshold"], **scores, "misses": misses, "alarms": alarms, "cost": cost}


def decide(predictions: Predictions) -> NDArray[np.bool_]:
    """Return which labels are given, ``[n, c]``: in each fold by the best F1 threshold of all other folds.

    No track decides about itself; where there is one fold only, a label is given from one half on.
    """
    given: NDArray[np.bool_] = np.zeros(predictions.proba.shape, bool)
    for rows in _folds(predictions):
        others = np.setdiff1d(np.arange(len(predictions)), rows)
        for i in range(predictions.proba.shape[1]):
            limit = 0.5
            if len(others) and predictions.truth[others, i].any():
                limit = best_threshold(predictions.truth[others, i], predictions.proba[others, i])
            given[rows, i] = predictions.proba[rows, i] >= limit
    return given


def top_k(predictions: Predictions, k: int) -> float:
    """Return the share of tracks of which a true class, or label, is among the `k` most probable, mean over folds.

    For classes it is scikit-learn's ``top_k_accuracy_score``; tracks without a label are left out.
    """
    order = np.argsort(-predictions.proba, axis=1, kind="stable")[:, :k]
    truth = predictions.truth
    if predictions.kind == "classes":
        truth = predictions.truth[:, None] == np.arange(predictions.proba.shape[1])
    known, right = np.any(truth, axis=1), np.any(np.take_along_axis(truth, order, axis=1), axis=1)
    by_fold = [right[rows][known[rows]] for rows in _folds(predictions)]
    shares = [float(fold.mean()) for fold in by_fold if len(fold)]
    return float(np.mean(shares)) if shares else float("nan")


def calibration(truth: NDArray[np.bool_], proba: NDArray[np.float32], bins: int) -> dict[str, NDArray[np.float64]]:
    """Return, for equal ranges of probability that hold any, its mean, the share that is true, and the number."""
    place = np.clip(np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], proba), 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    there = counts > 0
    said, true = (np.bincount(place, weights=values, minlength=bins)[there] for values in (proba, truth))
    number = counts[there].astype(np.float64)
    return {"probability": said / number, "share": true / number, "number": number}
