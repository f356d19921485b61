"""Scores of predictions, their confidence intervals, and tests of two against each other; numpy only.

Conventions: scores are fractions, 0 … 1, made per fold of the tracks tested in it and averaged over folds; a class of
which a fold tests no track is left out of that fold's mean. A *unit* is what is drawn and swapped as a whole: a track,
or where tracks have groups, a group.

Intervals are those of the Bayesian bootstrap (D. B. Rubin, Annals of Statistics 9, 1981): each unit gets a random
weight, where B. Efron's bootstrap (Annals of Statistics 7, 1979) draws it never, once or several times. No draw loses
a class, and the units of a class are drawn over all folds: within a fold there is often one track of a class, which
nothing can vary. Two things make it honest for few tracks. The spread of the weights is such that the variance is that
of a sample of n, not (n - 1) / (n + 1) of it; and one unit more per task, half of it predicted rightly, is shared out
among the classes, as H. Jeffreys' interval for a share does: who was right on all of 12 tracks is not thereby known
to be always right. The intervals take the classifiers as they were trained; they do not hold what another training
set would have changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from embviz.evaluation.results import Predictions

if TYPE_CHECKING:
    from numpy.typing import NDArray


DRAWS, PERMUTATIONS = 2_000, 10_000
LEVEL = 0.95
LEAST_SHAPE = 0.25  # of the weights' distribution, where a class has one unit or two
AT_ONCE = 1 << 22  # random numbers held in memory


def fold_accuracies(predictions: Predictions) -> NDArray[np.float64]:
    """Return the class-weighted accuracy of each fold: the mean of the recalls of its classes, ``[folds]``."""
    return np.array([_recalls(fold).mean() for fold in _folds(predictions)])


def accuracy(predictions: Predictions) -> float:
    """Return the class-weighted accuracy, the mean over folds; NaN of no tracks."""
    return _mean(fold_accuracies(predictions))


def f1(predictions: Predictions) -> float:
    """Return the macro F1: the mean over the classes tested in a fold, and over folds; NaN of no tracks."""
    by_class = [per_class(fold, fold.proba.shape[1])["f1"] for fold in _folds(predictions)]
    return _mean([float(np.nanmean(scores)) for scores in by_class])


def auc(predictions: Predictions) -> float:
    """Return the area under the ROC curve, each class against all others, mean over classes and folds.

    NaN where no fold tests two classes.
    """
    return _mean([area for fold in _folds(predictions) if not np.isnan(area := _auc(fold))])


def per_class(predictions: Predictions, classes: int) -> dict[str, NDArray[np.float64]]:
    """Return tracks, precision, recall and F1 of each class over all tracks; NaN where there is nothing to divide."""
    matrix = confusion(predictions, classes)
    right = np.diag(matrix)
    tracks, answered = matrix.sum(axis=1), matrix.sum(axis=0)
    return {
        "tracks": tracks,
        "precision": _ratio(right, answered),
        "recall": _ratio(right, tracks),
        "f1": _ratio(2 * right, np.where(tracks > 0, tracks + answered, 0)),
    }


def confusion(predictions: Predictions, classes: int) -> NDArray[np.int64]:
    """Return how many tracks of each class (rows) were taken for which (columns), ``[classes, classes]``."""
    flat = np.bincount(predictions.truth * classes + predictions.predicted, minlength=classes * classes)
    return flat.reshape(classes, classes).astype(np.int64)


def select_classes(predictions: Predictions, classes: NDArray[np.int64]) -> Predictions:
    """Return the predictions for the tracks of some classes."""
    return _rows(predictions, np.flatnonzero(np.isin(predictions.truth, classes)))


def select_tracks(predictions: Predictions, tracks: NDArray[np.int64]) -> Predictions:
    """Return the predictions for some tracks, in their order; all are among those predicted."""
    order = np.argsort(predictions.tracks, kind="stable")
    return _rows(predictions, order[np.searchsorted(predictions.tracks, tracks, sorter=order)])


def interval(draws: NDArray[np.float64], score: float) -> tuple[float, float]:
    """Return the 95 % interval of draws of a score, which holds the score itself; NaN of no score."""
    if np.isnan(score) or not len(draws):
        return float("nan"), float("nan")
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return min(float(low), score), max(float(high), score)


# -- the bootstrap ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class BootstrapDraws:
    """Bootstrap draws of the scores of several predictions for the same tracks: the same draws for all."""

    # [c], what each class adds to the score where all is right; they add up to one.
    weights: NDArray[np.float64]
    # [c, draws, k], share of the tracks' weight in each class that each of the k predicted rightly.
    right: NDArray[np.float64]
    # [c, draws, 2], share of the weight that the unit has which is added: what of it is right, and what wrong.
    extra: NDArray[np.float64]

    @classmethod
    def draw(cls, predictions: Sequence[Predictions], seed: Sequence[int], draws: int = DRAWS) -> BootstrapDraws:
        """Draw for predictions that have tracks, truth, folds and groups in common."""
        rng = np.random.default_rng(seed)
        sums = _sums(predictions)
        has = sums[..., -1] > 0
        sizes, totals = has.sum(axis=0), sums[..., -1].sum(axis=0)
        # The k for which the variance of weights, 1 / (k n + 1), is 1 / (n - 1): n is that of the unit's own class.
        shape = np.maximum(LEAST_SHAPE, 1 - 2 / np.where(has, sizes, np.inf).min(axis=1, initial=np.inf))
        # Units that are alike are as good as one with the sum of their weights.
        flat = sums.reshape(len(sums), sums.shape[1] * sums.shape[2])
        alike, times = np.unique(np.column_stack([shape, flat]), axis=0, return_counts=True)
        made = np.empty((draws, flat.shape[1]))
        for part in _parts(draws, len(alike)):
            weights = rng.standard_gamma(alike[:, 0] * times, size=(part.stop - part.start, len(alike)))
            made[part] = weights @ alike[:, 1:]
        by_class = made.reshape(draws, *sums.shape[1:]).transpose(1, 0, 2)
        extra = rng.standard_gamma(0.5 / max(1, len(totals)), size=(len(totals), draws, 2))
        extra *= (totals / sizes)[:, None, None]
        whole = by_class[..., -1:] + extra.sum(axis=2, keepdims=True)
        return cls(totals, by_class[..., :-1] / whole, extra / whole)

    def scores(self, which: int) -> NDArray[np.float64]:
        """Return draws of the class-weighted accuracy of one of the predictions, ``[draws]``."""
        return self.weights @ (self.right[..., which] + self.extra[..., 0])

    def differences(self, first: int, second: int) -> NDArray[np.float64]:
        """Return draws of the difference of the accuracies of two, ``[draws]``."""
        # The unit that is added tells the two apart in either direction, or those who agree on all would be the same.
        added = self.extra[..., 0] - self.extra[..., 1]
        return self.weights @ (self.right[..., first] - self.right[..., second] + added)


def _sums(predictions: Sequence[Predictions]) -> NDArray[np.float64]:
    """Return the sums over each unit's tracks in each class, ``[units, c, k + 1]``: what is right, what there is."""
    first = predictions[0]
    share = _shares(first)
    unit, owners = _units(first)
    there, number = np.unique(first.truth, return_inverse=True)
    sums = np.zeros((owners, len(there), len(predictions) + 1))
    np.add.at(sums, (unit, number), np.column_stack([*_right(predictions, share).T, share]))
    return sums


def _right(predictions: Sequence[Predictions], share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what each track adds to the accuracy of each of the predictions, ``[n, k]``."""
    return np.stack([share * (one.predicted == one.truth) for one in predictions], axis=1)


def _units(predictions: Predictions) -> tuple[NDArray[np.int64], int]:
    """Return the number of each track's unit, and how many there are."""
    if predictions.groups is None:
        return np.arange(len(predictions)), len(predictions)
    units, place = np.unique(predictions.groups, return_inverse=True)
    return place, len(units)


def _parts(total: int, width: int) -> Iterator[slice]:
    """Yield `total` rows of `width` random numbers in parts that fit into memory."""
    step = max(1, AT_ONCE // max(1, width))
    for start, stop in pairwise([*range(0, total, step), total]):
        yield slice(start, stop)


def _shares(predictions: Predictions) -> NDArray[np.float64]:
    """Return what a right prediction of each track adds to the class-weighted accuracy; all right adds up to one."""
    if not len(predictions):
        return np.empty(0)
    _, fold = np.unique(predictions.folds, return_inverse=True)
    classes = int(predictions.truth.max()) + 1
    strata, place, sizes = np.unique(fold * classes + predictions.truth, return_inverse=True, return_counts=True)
    present = np.bincount(strata // classes)  # classes of each fold
    shares: NDArray[np.float64] = 1 / (len(present) * present[fold] * sizes[place])
    return shares


# -- comparing two ------------------------------------------------------------------------------------------------


def permutation_test(
    predictions: Sequence[Predictions], pairs: Sequence[tuple[int, int]], seed: Sequence[int]
) -> NDArray[np.float64]:
    """Return the p-values of differences, ``[pairs]``; the predictions have tracks, truth, folds and groups in common.

    A paired permutation test of the hypothesis that both are equally good: what the two predicted is swapped for half
    of the units, at random, 10,000 times; counted is how often their class-weighted accuracies are then as far apart as
    they are, and once more, since the predictions as they are belong to those that may be (B. Phipson and G. K. Smyth,
    Statistical Applications in Genetics and Molecular Biology 9, 2010).
    """
    unit, owners = _units(predictions[0])
    right = _right(predictions, _shares(predictions[0]))
    first, second = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    apart = np.zeros((owners, len(pairs)))
    np.add.at(apart, unit, right[:, first] - right[:, second])
    found = np.abs(apart.sum(axis=0))
    apart = apart[np.abs(apart).max(axis=1, initial=0) > 0]
    rng, times = np.random.default_rng(seed), np.zeros(len(pairs))
    for part in _parts(PERMUTATIONS, len(apart) + len(pairs)):
        signs = rng.integers(0, 2, size=(part.stop - part.start, len(apart)), dtype=np.int8) * 2.0 - 1
        # Sums of the same numbers in another order differ in the last digit.
        times += (np.abs(signs @ apart) >= found - 1e-12).sum(axis=0)
    return (1 + times) / (1 + PERMUTATIONS)


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return p-values corrected for their number: S. Holm, Scandinavian Journal of Statistics 6, 1979.

    The smallest of m is multiplied by m, the next by m - 1, and so on; none becomes smaller than one before it.
    """
    order = np.argsort(p, kind="stable")
    raised = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1, raised)
    return adjusted


# -- one fold -----------------------------------------------------------------------------------------------------


def _folds(predictions: Predictions) -> Iterator[Predictions]:
    for fold in np.unique(predictions.folds):
        yield _rows(predictions, np.flatnonzero(predictions.folds == fold))


def _rows(predictions: Predictions, rows: NDArray[np.intp]) -> Predictions:
    tracks, truth, proba = predictions.tracks[rows], predictions.truth[rows], predictions.proba[rows]
    groups = None if predictions.groups is None else predictions.groups[rows]
    return Predictions(tracks, truth, proba, predictions.folds[rows], groups)


def _recalls(fold: Predictions) -> NDArray[np.float64]:
    """Return the recall of each class that is there."""
    there, place = np.unique(fold.truth, return_inverse=True)
    right = np.bincount(place, weights=fold.predicted == fold.truth, minlength=len(there))
    return right / np.bincount(place)


def _auc(fold: Predictions) -> float:
    n = len(fold)
    is_class = fold.truth[:, None] == np.arange(fold.proba.shape[1])
    positive = is_class.sum(axis=0)
    valid = (positive > 0) & (positive < n)
    if not valid.any():
        return float("nan")
    # The rank sum of Mann and Whitney: ties have the mean of their ranks, and count half.
    ranks = np.array([_ranks(fold.proba[:, i])[is_class[:, i]].sum() for i in np.flatnonzero(valid)])
    positive = positive[valid]
    return float(((ranks - positive * (positive + 1) / 2) / (positive * (n - positive))).mean())


def _ranks(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return ranks, from 1 up; equal values share the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return ranks


def _mean(scores: Sequence[float] | NDArray[np.float64]) -> float:
    return float(np.mean(scores)) if len(scores) else float("nan")


def _ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)
