"""Stratified, grouped folds: which tracks train and which are tested; numpy only.

Conventions: a fold is a number for each track, 0 … k - 1: in fold f, the tracks of f are tested, and all others
train. What is in one group is in one fold. All draws are made from a seed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


TRIES = 10  # orders of the groups that are tried where a class is missing in a fold


def make_folds(truth: NDArray[np.int64], groups: NDArray[np.int64], folds: int, seed: int) -> NDArray[np.int64]:
    """Return stratified folds, ``[n]``, that no group stands in two of; the seed orders what is otherwise equal.

    The truth is the number of each track's class, ``[n]``, or of several labels those that it has, 0 or 1, ``[n, c]``
    (in the spirit of K. Sechidis, G. Tsoumakas and I. Vlahavas, On the stratification of multi-label data, ECML 2011:
    tracks with rare labels are dealt out first). Groups are dealt out one after the other, the largest first, each to
    the fold where its classes are rarest. Where a class stays away from a fold although there are groups enough for
    all, other orders are tried.
    """
    counts, member = group_counts(truth, groups)
    possible = np.minimum((counts > 0).sum(axis=0), folds).sum()
    best: tuple[int, float] | None = None
    chosen = np.zeros(len(counts), np.int64)
    for attempt in range(TRIES):
        dealt = _deal_groups(counts, folds, np.random.default_rng((seed, attempt)))
        held = np.zeros((folds, counts.shape[1]))
        np.add.at(held, dealt, counts)
        figures = int(possible - (held > 0).sum()), float((held / np.maximum(1, counts.sum(axis=0))).var(axis=0).sum())
        if best is None or figures < best:
            best, chosen = figures, dealt
        if not best[0]:
            break
    return chosen[member]


def group_counts(truth: NDArray[np.int64], groups: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the tracks of each class or label in each group, ``[g, c]``, and each track's group, ``[n]``."""
    unique, member = np.unique(groups, return_inverse=True)
    counts = np.zeros((len(unique), truth.shape[1] if truth.ndim == 2 else int(truth.max()) + 1), np.int64)
    np.add.at(counts, member if truth.ndim == 2 else (member, truth), truth if truth.ndim == 2 else 1)
    return counts, member.astype(np.int64)


def _deal_groups(counts: NDArray[np.int64], folds: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return a fold for each group, ``[g]``."""
    weights = counts / np.maximum(1, counts.sum(axis=0))  # rare classes count as much as common ones
    order = random.permutation(len(counts))
    order = order[np.argsort(-weights[order].max(axis=1), kind="stable")]
    names = random.permutation(folds)
    held, sizes = np.zeros((folds, counts.shape[1])), np.zeros(folds)
    dealt = np.empty(len(counts), np.int64)
    for group in order:
        # The sum of squares grows least where the group's classes are rarest; then the smallest fold, then by chance.
        growth = np.round(held @ weights[group], 9)
        fold = int(np.lexsort((names, sizes, growth))[0])
        dealt[group] = fold
        held[fold] += weights[group]
        sizes[fold] += counts[group].sum()
    return dealt


def take_share(
    truth: NDArray[np.int64], groups: NDArray[np.int64], train: NDArray[np.int64], part: float, seed: int
) -> NDArray[np.int64]:
    """Return a `part` (0 … 1) of the training tracks, ``[m]`` places: whole groups of each class, one at least.

    Of several labels, ``[n, c]``, a group counts for the rarest one it has. A smaller part lies within a larger one.
    """
    counts, member = group_counts(truth[train], groups[train])
    main = counts.argmax(axis=1)
    if truth.ndim == 2:
        rarity = (counts > 0) / np.maximum(1, counts.sum(axis=0))
        main = np.where(counts.any(axis=1), rarity.argmax(axis=1), -1)
    order = np.random.default_rng(seed).permutation(len(counts))
    kept = np.zeros(len(counts), bool)
    for label in np.unique(main):
        own = order[main[order] == label]
        kept[own[: max(1, round(part * len(own)))]] = True
    return train[kept[member]]
