"""Experiments: the training jobs of one classifier on one layer of one model, and the result made of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embviz.analysis import cross_validation
from embviz.evaluation import classifiers
from embviz.evaluation.features import FeatureMatrix, LayerFeatures, build_feature_matrix
from embviz.evaluation.results import LearningPoint, Predictions, Result
from embviz.evaluation.splits import Split
from embviz.evaluation.training import TrainingJob

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embviz.evaluation.labels import Labels


WHOLE = -1  # in place of a fold: all tracks train


@dataclass(frozen=True, eq=False)
class Experiment:
    """One classifier on one layer of one model, for one task."""

    split: Split
    features: LayerFeatures
    classifier: str
    shares: tuple[float, ...]  # parts of the training tracks to train on, too
    seed: int  # of the whole evaluation
    matrix: FeatureMatrix
    external_matrix: FeatureMatrix | None

    @property
    def jobs(self) -> list[TrainingJob]:
        """The training jobs: each fold, each fold of each share, and all tracks for the other collection."""
        jobs = [
            self._job(train, test, fold)
            for share in (None, *self.shares)
            for fold, train, test in _iterate_folds(self.split, share, self.seed)
        ]
        if self.split.external is not None:
            n, m = len(self.split.labels), len(self.split.external)
            jobs.append(self._job(np.arange(n), np.arange(m), WHOLE, self.external_matrix))
        return jobs

    def _job(
        self, train: NDArray[np.int64], test: NDArray[np.int64], fold: int, other: FeatureMatrix | None = None
    ) -> TrainingJob:
        labels, seed = self.split.labels, derive_seed(self.seed, fold)
        return TrainingJob(self.classifier, labels.outputs, seed, self.matrix, labels.truth, train, test, other)

    def result(self, proba: Sequence[NDArray[np.float32]]) -> Result:
        """Return the result, from the probabilities of the jobs."""
        split, vectors = self.split, self.features.vectors
        folds = int(split.folds.max()) + 1
        learning = []
        for i, share in enumerate(self.shares, start=1):
            trained = [len(train) for _, train, _ in _iterate_folds(split, share, self.seed)]
            predictions = _merge_predictions(split, proba[folds * i : folds * (i + 1)])
            learning.append(LearningPoint(share, float(np.mean(trained)), predictions))
        return Result(
            task=split.name,
            model=vectors.model,
            layer=vectors.layer,
            classifier=self.classifier,
            pooling=vectors.pooling,
            depth=self.features.depth,
            dimensions=vectors.shape[1],
            classes=split.labels.classes,
            predictions=_merge_predictions(split, proba[:folds]),
            external=None if split.external is None else _external_predictions(split.external, proba[-1]),
            learning=tuple(learning),
        )


def build_experiments(
    split: Split, layers: Sequence[LayerFeatures], kinds: Sequence[str], shares: tuple[float, ...], seed: int
) -> list[Experiment]:
    """Return the experiments of a task."""
    experiments = []
    for features in layers:
        matrix = build_feature_matrix(features.vectors, split.labels.tracks)
        outside = None
        if split.external is not None and features.external is not None:
            outside = build_feature_matrix(features.external, split.external.tracks)
        names = [classifiers.trained_name(kind, split.labels.kind) for kind in kinds]
        experiments += [Experiment(split, features, name, shares, seed, matrix, outside) for name in names]
    return experiments


def baseline_results(split: Split, seed: int) -> list[Result]:
    """Return the results of the baselines, which look at nothing."""
    truth, classes = split.labels.truth, split.labels.classes
    results = []
    outputs = split.labels.outputs
    for kind in classifiers.baselines(split.labels.kind):
        proba = [
            classifiers.baseline_proba(kind, truth[train], len(test), outputs, (seed, fold))
            for fold, train, test in _iterate_folds(split)
        ]
        external = None
        if split.external is not None:
            outside = classifiers.baseline_proba(kind, truth, len(split.external), outputs, (seed, len(proba)))
            external = _external_predictions(split.external, outside)
        predictions = _merge_predictions(split, proba)
        results.append(Result(split.name, "", "", kind, "", 0, 0, classes, predictions, external))
    return results


def _iterate_folds(
    split: Split, share: float | None = None, seed: int = 0
) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.int64]]]:
    """Yield each fold, the places of the tracks that train, and those of the tracks that are tested."""
    for fold in range(int(split.folds.max()) + 1):
        train, test = np.flatnonzero(split.folds != fold), np.flatnonzero(split.folds == fold)
        if share is not None:
            labels, seed_of_fold = split.labels, derive_seed(seed, fold)
            strata = labels.truth if labels.kind == "labels" else labels.strata
            train = cross_validation.take_share(strata, split.group_of_track, train, share, seed_of_fold)
        yield fold, train, test


def _merge_predictions(split: Split, proba: Sequence[NDArray[np.float32]]) -> Predictions:
    """Return the predictions of all folds as one."""
    labels = split.labels
    found = np.empty((len(labels), labels.outputs), np.float32)
    for (_, _, test), some in zip(_iterate_folds(split), proba, strict=True):
        found[test] = some
    return Predictions(labels.tracks, labels.truth, found, split.folds, split.groups)


def _external_predictions(labels: Labels, proba: NDArray[np.float32]) -> Predictions:
    return Predictions(labels.tracks, labels.truth, proba, np.zeros(len(labels), np.int64))


def derive_seed(seed: int, part: int) -> int:
    """Return the seed of a part of an evaluation, the same for all models and classifiers."""
    return int(np.random.SeedSequence((seed, part + 1)).generate_state(1)[0])
