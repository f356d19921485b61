"""Contrasts of two groups of points: effects, their intervals, corrected tests, separation on what was held back.

Conventions: points are rows, ``[n, d]``, of group a (False) or b (True); an effect above 0 is higher in b. What belongs
together, as the tracks of an artist do, is drawn, swapped and held back as a whole: a *block* is the part of it in one
group.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embviz.analysis.cross_validation import group_counts, make_folds

if TYPE_CHECKING:
    from numpy.typing import NDArray

DRAWS, PERMUTATIONS = 1_000, 2_000
LEVEL = 0.95
CELLS = 1 << 22  # permutations × blocks, or dimensions, worked on at once
MOST_FOLDS = 5
LEAST_SHAPE = 0.25  # of the weights' distribution, where a group has two blocks
# Of a dimension's variance, the least that is taken to lie within the groups: few points may lie close by chance.
LEAST_WITHIN = 0.05


@dataclass(frozen=True, eq=False)
class GroupContrast:
    """What separates two groups, dimension by dimension, ``[d]`` each, and all dimensions together.

    Parameters
    ----------
    effect, low, high : ndarray, shape [d]
        Cohen's d with the correction of Hedges, and its interval of 95 %; 0 where a dimension is constant, infinite
        where the groups differ and nothing varies within them.
    p : ndarray, shape [d]
        Of a permutation test, corrected for all dimensions by the largest statistic of each permutation.
    auc : ndarray, shape [d]
        Area under the ROC curve in points held back, whose sign was learnt from the others; NaN without folds.
    vector, midpoint : ndarray, shape [d]
        Unit vector from a to b, and the middle of the means of both.
    length : float
        How far the means are apart along the vector; 0 where all means are the same.
    total_auc : float
        Area under the ROC curve of the places along the vector, in points held back; NaN without folds.
    folds : int
        Number of folds; 0 where a group has a single block.
    """

    effect: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    p: NDArray[np.float64]
    auc: NDArray[np.float64]
    vector: NDArray[np.float64]
    midpoint: NDArray[np.float64]
    length: float
    total_auc: float
    folds: int


def contrast_groups(
    values: NDArray[np.floating], in_b: NDArray[np.bool_], groups: NDArray[np.int64], *, seed: int = 0
) -> GroupContrast:
    """Return what separates two groups of points.

    Parameters
    ----------
    values : ndarray, shape [n, d]
        Finite.
    in_b : ndarray, shape [n], bool
        Whether a point is in group b; two at least in each group.
    groups : ndarray, shape [n], int64
        What belongs together: the same number.
    seed : int
        For bootstrap, permutations and folds.

    Returns
    -------
    GroupContrast
        Intervals are ``effect ± t · s`` with s the standard deviation of bootstrap draws [1]_ and t of Student's
        distribution. Tests permute the groups of blocks; the statistic is Welch's t, and a p-value the share of
        permutations, the groups as they are among them, in which that of any dimension is as large [2]_.

    References
    ----------
    .. [1] D. B. Rubin, "The Bayesian bootstrap", Annals of Statistics 9, 1981.
    .. [2] P. H. Westfall and S. S. Young, Resampling-based multiple testing, Wiley 1993.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(60, 3))
    >>> in_b = np.arange(60) < 30
    >>> found = contrast_groups(X + 3 * np.outer(in_b, [0, 1, 0]), in_b, np.arange(60))
    >>> found.p < 0.05
    array([False,  True, False])
    >>> float(found.effect[1].round(1))
    3.5
    """
    points = np.asarray(values, np.float64)
    points = points - points.mean(axis=0)
    sums = _BlockSums.of(points, in_b, groups)
    effect = sums.effects(sums.members(in_b=True)[None], sums.members(in_b=False)[None])[0]
    spread = _bootstrap_spread(sums, seed)
    degrees = max(1, len(sums.in_b) - 2)
    reach = _student_quantile(degrees) * np.where(np.isfinite(effect), spread, 0)
    vector, length = _fit_vector(points, in_b)
    auc, total, folds = _held_out(points, in_b, groups, seed)
    original = np.asarray(values, np.float64)
    midpoint = (original[in_b].mean(axis=0) + original[~in_b].mean(axis=0)) / 2
    p = _permutation_test(sums, seed)
    return GroupContrast(effect, effect - reach, effect + reach, p, auc, vector, midpoint, length, total, folds)


# Effects of weighted points. -----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _BlockSums:
    """Counts ``[g]``, sums and sums of squares ``[g, d]`` of the points of each block, and whether it is in b."""

    counts: NDArray[np.float64]
    sums: NDArray[np.float64]
    squares: NDArray[np.float64]
    in_b: NDArray[np.bool_]

    @classmethod
    def of(cls, points: NDArray[np.float64], in_b: NDArray[np.bool_], groups: NDArray[np.int64]) -> _BlockSums:
        _, number = np.unique(groups, return_inverse=True)
        blocks, number = np.unique(2 * number + in_b, return_inverse=True)
        order = np.argsort(number, kind="stable")
        starts = np.searchsorted(number[order], np.arange(len(blocks)))
        ordered = points[order]
        return cls(
            np.bincount(number).astype(np.float64),
            np.add.reduceat(ordered, starts, axis=0),
            np.add.reduceat(ordered**2, starts, axis=0),
            blocks % 2 == 1,
        )

    def members(self, *, in_b: bool) -> NDArray[np.float64]:
        """Return 1 for each block of a group, else 0."""
        return np.asarray(self.in_b == in_b, np.float64)

    def moments(self, weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """Return counts ``[m, 1]``, means and sums of squared deviations ``[m, d]`` under weights of blocks."""
        counts = (weights @ self.counts)[:, None]
        means = weights @ self.sums / counts
        deviations = weights @ self.squares - counts * means**2
        # What the difference of large numbers leaves of a constant is none.
        tiny = 1e-12 * (self.squares.sum(axis=0) + np.finfo(float).tiny)
        return counts, means, np.where(deviations > tiny, deviations, 0)

    def effects(self, of_b: NDArray[np.float64], of_a: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return Cohen's d under weights of blocks, ``[m, d]``."""
        (n_b, mean_b, within_b), (n_a, mean_a, within_a) = self.moments(of_b), self.moments(of_a)
        freedom = n_a + n_b - 2
        hedges = 1 - 3 / (4 * freedom - 1)
        return np.asarray(_ratio(mean_b - mean_a, np.sqrt((within_a + within_b) / freedom)) * hedges)

    def statistics(self, of_b: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the magnitude of Welch's t where the blocks of a mask are b and all others a, ``[m, d]``."""
        (n_b, mean_b, within_b), (n_a, mean_a, within_a) = self.moments(of_b), self.moments(1 - of_b)
        variance = within_b / (n_b * np.maximum(n_b - 1, 1)) + within_a / (n_a * np.maximum(n_a - 1, 1))
        return np.abs(_ratio(mean_b - mean_a, np.sqrt(variance)))


def _ratio(apart: NDArray[np.float64], spread: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return differences in units of a spread; without a spread 0 where there is none, else infinite."""
    whole = np.where(np.abs(apart) > 1e-9, np.copysign(np.inf, apart), 0.0)
    return np.asarray(np.divide(apart, spread, out=whole, where=spread > 0))


def _bootstrap_spread(sums: _BlockSums, seed: int) -> NDArray[np.float64]:
    """Return the standard deviation of the effects where blocks get random weights, ``[d]``."""
    rng = np.random.default_rng((seed, 1))
    weights = np.zeros((2, DRAWS, len(sums.in_b)))
    for side in (0, 1):
        own = np.flatnonzero(sums.in_b == bool(side))
        # The variance of weights of this shape is that of a sample of n, not (n - 1) / (n + 1) of it.
        drawn = rng.standard_gamma(max(LEAST_SHAPE, 1 - 2 / len(own)), size=(DRAWS, len(own)))
        total = sums.counts[own].sum()
        weights[side][:, own] = drawn * (total / (drawn @ sums.counts[own]))[:, None]
    effects = sums.effects(weights[1], weights[0])
    known = np.isfinite(effects)
    effects = np.where(known, effects, 0)
    count = np.maximum(known.sum(axis=0), 1)
    mean = effects.sum(axis=0) / count
    return np.asarray(np.sqrt(np.maximum((effects**2).sum(axis=0) / count - mean**2, 0)))


def _student_quantile(degrees: int) -> float:
    from scipy.stats import t

    return float(t.ppf((1 + LEVEL) / 2, degrees))


def _permutation_test(sums: _BlockSums, seed: int) -> NDArray[np.float64]:
    """Return the corrected p-value of each dimension, ``[d]``."""
    rng = np.random.default_rng((seed, 2))
    own = sums.members(in_b=True)
    observed = sums.statistics(own[None])[0]
    step = max(1, CELLS // max(1, *sums.sums.shape))
    parts = [min(step, PERMUTATIONS - start) for start in range(0, PERMUTATIONS, step)]
    drawn = (rng.permuted(np.tile(own, (part, 1)), axis=1) for part in parts)
    largest = np.concatenate([sums.statistics(masks).max(axis=1, initial=0) for masks in drawn])
    # Numbers that are equal but for rounding count as equal.
    reached = len(largest) - np.searchsorted(np.sort(largest), observed * (1 - 1e-9))
    return np.asarray((1 + reached) / (1 + PERMUTATIONS))


# The direction, and what is held back. -------------------------------------------------------------------------------


def _fit_vector(points: NDArray[np.float64], in_b: NDArray[np.bool_]) -> tuple[NDArray[np.float64], float]:
    """Return the unit vector from a to b, and how far their means are apart along it.

    Linear discriminant analysis with a diagonal covariance: of many dimensions and few points, the full one is not
    known well enough to be of use (P. J. Bickel and E. Levina, Bernoulli 10, 2004).
    """
    apart = points[in_b].mean(axis=0) - points[~in_b].mean(axis=0)
    within = (points[in_b].var(axis=0) * in_b.sum() + points[~in_b].var(axis=0) * (~in_b).sum()) / len(points)
    least = LEAST_WITHIN * points.var(axis=0)
    vector = np.divide(apart, np.maximum(within, least), out=np.zeros_like(apart), where=least > 0)
    size = float(np.linalg.norm(vector))
    return (vector / size, float(vector @ apart) / size) if size > 0 else (vector, 0.0)


def _held_out(
    points: NDArray[np.float64], in_b: NDArray[np.bool_], groups: NDArray[np.int64], seed: int
) -> tuple[NDArray[np.float64], float, int]:
    """Return the areas under the ROC curves in points held back: of each dimension, of the direction; the folds."""
    truth = in_b.astype(np.int64)
    counts, _ = group_counts(truth, groups)
    folds = min(MOST_FOLDS, int((counts > 0).sum(axis=0).min()))
    if folds < 2 or len(counts) < 2:
        return np.full(points.shape[1], np.nan), np.nan, 0
    fold = make_folds(truth, groups, folds, seed)
    areas = []
    for number in range(folds):
        train, test = fold != number, fold == number
        if not 0 < in_b[test].sum() < test.sum() or not 0 < in_b[train].sum() < train.sum():
            continue  # groups that stand in both may leave one away
        apart = points[train & in_b].mean(axis=0) - points[train & ~in_b].mean(axis=0)
        along = points[test] @ _fit_vector(points[train], in_b[train])[0]
        areas.append(_areas(np.column_stack([points[test] * np.sign(apart), along]), in_b[test]))
    if not areas:
        return np.full(points.shape[1], np.nan), np.nan, 0
    mean = np.mean(areas, axis=0)
    return mean[:-1], float(mean[-1]), folds


def _areas(values: NDArray[np.float64], positive: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the area under the ROC curve of each column, by the rank sum of Mann and Whitney; ties count half."""
    from scipy.stats import rankdata

    ranks = rankdata(values, axis=0)[positive].sum(axis=0)
    n = int(positive.sum())
    areas: NDArray[np.float64] = (ranks - n * (n + 1) / 2) / (n * (len(values) - n))
    return areas
