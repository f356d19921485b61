"""From plans and vectors to cells: what has to be trained for each, and what the answers make of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embviz.evaluation import classifiers
from embviz.evaluation import cross_validation as folding
from embviz.evaluation.features import FeatureMatrix, Sheet, points
from embviz.evaluation.results import Answers, Cell, Learnt
from embviz.evaluation.splits import Plan
from embviz.evaluation.training import TrainingJob

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embviz.evaluation.labels import Labels

__all__ = ["WHOLE", "Draft", "baselines", "drafted", "seed_of"]

WHOLE = -1  # in place of a fold: all tracks train


@dataclass(frozen=True, eq=False)
class Draft:
    """A cell to be.

    Parameters
    ----------
    plan : Plan
        Of the task.
    sheet : Sheet
        The layer of the model.
    classifier : str
        What is trained.
    shares : tuple of float
        Parts of the training tracks to train on, too.
    seed : int
        Of the whole evaluation.
    here, there : FeatureMatrix
        The vectors of the tracks of both collections.
    """

    plan: Plan
    sheet: Sheet
    classifier: str
    shares: tuple[float, ...]
    seed: int
    here: FeatureMatrix
    there: FeatureMatrix | None

    @property
    def jobs(self) -> list[TrainingJob]:
        """What is to be trained: each fold, each fold of each share, and all for the other collection."""
        found = [self._job(train, test, fold) for fold, train, test in _folds(self.plan)]
        for share in self.shares:
            found += [self._job(train, test, fold) for fold, train, test in _folds(self.plan, share, self.seed)]
        if self.plan.external is not None:
            n, m = len(self.plan.labels), len(self.plan.external)
            found.append(self._job(np.arange(n), np.arange(m), WHOLE, self.there))
        return found

    def _job(
        self, train: NDArray[np.int64], test: NDArray[np.int64], fold: int, other: FeatureMatrix | None = None
    ) -> TrainingJob:
        labels = self.plan.labels
        return TrainingJob(
            self.classifier,
            len(labels.classes),
            seed_of(self.seed, fold),
            self.here,
            labels.truth,
            train,
            test,
            other,
        )

    def cell(self, proba: Sequence[NDArray[np.float32]]) -> Cell:
        """Return the cell, from the probabilities of its jobs."""
        plan, vectors = self.plan, self.sheet.vectors
        folds = int(plan.folds.max()) + 1
        learning = []
        for i, share in enumerate(self.shares, start=1):
            trained = [len(train) for _, train, _ in _folds(plan, share, self.seed)]
            answers = _answers(plan, proba[folds * i : folds * (i + 1)])
            learning.append(Learnt(share, float(np.mean(trained)), answers))
        return Cell(
            task=plan.name,
            model=vectors.model,
            layer=vectors.layer,
            classifier=self.classifier,
            pooling=vectors.pooling,
            depth=self.sheet.depth,
            dimensions=vectors.shape[1],
            classes=plan.labels.classes,
            answers=_answers(plan, proba[:folds]),
            external=None if plan.external is None else _outside(plan.external, proba[-1]),
            learning=tuple(learning),
        )


def drafted(
    plan: Plan, sheets: Sequence[Sheet], kinds: Sequence[str], shares: tuple[float, ...], seed: int
) -> list[Draft]:
    """Return the cells to be of a task."""
    found = []
    for sheet in sheets:
        here = points(sheet.vectors, plan.labels.tracks)
        there = None
        if plan.external is not None and sheet.other is not None:
            there = points(sheet.other, plan.external.tracks)
        found += [Draft(plan, sheet, kind, shares, seed, here, there) for kind in kinds]
    return found


def baselines(plan: Plan, seed: int) -> list[Cell]:
    """Return the cells of a task that look at nothing."""
    return [_baseline(plan, kind, seed) for kind in classifiers.BASELINES]


def _baseline(plan: Plan, kind: str, seed: int) -> Cell:
    truth, classes = plan.labels.truth, plan.labels.classes
    proba = [
        classifiers.baseline(kind, truth[train], len(test), len(classes), (seed, fold))
        for fold, train, test in _folds(plan)
    ]
    external = None
    if plan.external is not None:
        outside = classifiers.baseline(kind, truth, len(plan.external), len(classes), (seed, len(proba)))
        external = _outside(plan.external, outside)
    return Cell(plan.name, "", "", kind, "", 0, 0, classes, _answers(plan, proba), external)


def _folds(
    plan: Plan, share: float | None = None, seed: int = 0
) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.int64]]]:
    """Yield each fold, the places of the tracks that train, and those of the tracks that are asked about."""
    for fold in range(int(plan.folds.max()) + 1):
        train, test = np.flatnonzero(plan.folds != fold), np.flatnonzero(plan.folds == fold)
        if share is not None:
            train = folding.share(plan.labels.truth, plan.each, train, share, seed_of(seed, fold))
        yield fold, train, test


def _answers(plan: Plan, proba: Sequence[NDArray[np.float32]]) -> Answers:
    """Return the answers of all folds as one."""
    labels = plan.labels
    found = np.empty((len(labels), len(labels.classes)), np.float32)
    for (_, _, test), some in zip(_folds(plan), proba, strict=True):
        found[test] = some
    return Answers(labels.tracks, labels.truth, found, plan.folds, plan.groups)


def _outside(labels: Labels, proba: NDArray[np.float32]) -> Answers:
    return Answers(labels.tracks, labels.truth, proba, np.zeros(len(labels), np.int64))


def seed_of(seed: int, part: int) -> int:
    """Return the seed of a part of an evaluation, the same for all models and classifiers."""
    return int(np.random.SeedSequence((seed, part + 1)).generate_state(1)[0])
