"""Training on all cores, and never twice: each classifier is a job of its own.

Conventions: a *training job* is one classifier trained on some tracks and tested on others. Its probabilities are
determined by its :attr:`TrainingJob.key` alone: not by the process that trains it, nor by what else is trained. They
are kept at once, so that a run that ends in any way is taken up by the next one where it stopped.
"""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.batch import executors
from embviz.batch.scheduler import TICK, Scheduler
from embviz.core.cache import Cache
from embviz.core.progress import interruption_note
from embviz.core.text import format_duration, one_line
from embviz.errors import EmbvizError
from embviz.evaluation import classifiers
from embviz.evaluation.features import FeatureMatrix
from embviz.evaluation.results import kind_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embviz.core.progress import Report


KIND = "tasks"  # name of the folder in the cache
RECIPE = 1  # part of every key: to be raised when anything here or in the classifiers changes a probability
QUICK = 8.0  # seconds of training that are done here before processes would have started
SENT = 1 << 20  # bytes; larger arrays reach processes by a file


@dataclass(frozen=True, eq=False)
class TrainingJob:
    """One classifier that is trained on some tracks and tested on others."""

    classifier: str
    classes: int  # how many there are
    seed: int  # for all that it draws
    features: FeatureMatrix  # of the collection
    truth: NDArray[Any]  # [n] or [n, c], as in Predictions, of each of its tracks
    train: NDArray[np.int64]  # [k], places of the tracks that train
    test: NDArray[np.int64]  # [m], places of the tracks that are tested, in the order of the result
    external: FeatureMatrix | None = None  # of the other collection, where its tracks are tested

    @cached_property
    def key(self) -> dict[str, Any]:
        """Everything that determines the probabilities."""
        kind = kind_of(self.truth)
        return {
            **({} if kind == "classes" else {"kind": kind}),
            "tasks": RECIPE,
            "classifier": self.classifier,
            "settings": classifiers.SETTINGS[self.classifier],
            "classes": self.classes,
            "seed": self.seed,
            "points": self.features.digest,
            "other": self.external.digest if self.external else "",
            "truth": _digest(self.truth[self.train]),
            "train": _digest(self.train),
            "test": _digest(self.test),
            "scikit-learn": version("scikit-learn"),
            "numpy": np.__version__,
        }

    @cached_property
    def cost(self) -> float:
        """About how many seconds it takes."""
        each = len(self.features.places) / max(1, self.features.tracks)
        tested = self.external or self.features
        tests = len(self.test) * len(tested.places) / max(1, tested.tracks)
        return classifiers.estimate_seconds(
            self.classifier, round(each * len(self.train)), round(tests), self.features.dimensions, self.classes
        )


def _digest(array: NDArray[Any]) -> str:
    return hashlib.blake2b(array.tobytes(), digest_size=20).hexdigest()


def run_job(job: TrainingJob) -> NDArray[np.float32]:
    """Train, and return the probabilities of the tested tracks, ``[m, c]``: the mean over each one's points.

    Of a quantity, its predicted value, ``[m, 1]``.
    """
    with classifiers.single_threaded():
        x, track = job.features.select(job.train)
        truth = job.truth[job.train][track]
        weights = classifiers.sample_weights(truth, track)
        test, whose = (job.external or job.features).select(job.test)
        found = classifiers.fit_predict(job.classifier, x, truth, weights, test, job.classes, job.seed)
    summed = np.zeros((len(job.test), job.classes))
    np.add.at(summed, whose, found)
    if kind_of(truth) == "classes":
        whole = summed.sum(axis=1, keepdims=True)
    else:
        whole = np.bincount(whose, minlength=len(summed))[:, None]
    proba: NDArray[np.float32] = (summed / whole).astype(np.float32)
    return proba


class TrainingScheduler(Scheduler[TrainingJob, "NDArray[np.float32]"]):
    """Trains what the cache does not have; `report` is given ``(stage, done, total)`` and may raise to cancel."""

    def __init__(
        self,
        jobs: Sequence[TrainingJob],
        store: Cache | None,
        report: Report,
        executor: Executor | None = None,
        workers: int | None = None,
    ) -> None:
        super().__init__(store, report)
        self._jobs, self._executor, self._workers = jobs, executor, workers
        self._results: dict[TrainingJob, NDArray[np.float32]] = {}
        self._files: dict[FeatureMatrix, FeatureMatrix] = {}
        self._begun, self._spent = time.monotonic(), 0.0

    def run(self) -> list[NDArray[np.float32]]:
        """Return the probabilities of all jobs, in their order, ``[m, c]`` each."""
        with interruption_note(self._describe_interruption):
            self._look_up_known()
            if self.ready:
                self.run_jobs()
        return [self._results[job] for job in self._jobs]

    def _describe_interruption(self) -> str:
        return self.interruption_sentence(len(self._results), len(self._jobs), "classifier")

    def _look_up_known(self) -> None:
        last = 0.0
        for job in self._jobs:
            known = self.store.load_arrays(KIND, job.key) if self.store else None
            if known is not None and known["proba"].shape == (len(job.test), job.classes):
                self._results[job] = np.array(known["proba"])
            else:
                self.ready.append(job)
            if time.monotonic() - last > TICK:
                last = time.monotonic()
                self.show_progress()
        # The longest first: none of them is still at work when all others are done.
        self.ready = deque(sorted(self.ready, key=lambda job: -job.cost))
        self.show_progress()

    def start_executor(self) -> executors.JobExecutor:  # noqa: D102  see Scheduler
        self._begun = time.monotonic()
        quick = sum(job.cost for job in self.ready) < QUICK
        return executors.choose_executor(self._executor, self._workers, len(self.ready), quick=quick, threads=1)

    def to_call(self, job: TrainingJob) -> tuple[Callable[[TrainingJob], NDArray[np.float32]], TrainingJob]:  # noqa: D102
        if isinstance(self.executor, executors.LocalProcesses) and not self.failures[job]:
            external = self._in_file(job.external) if job.external else None
            return run_job, replace(job, features=self._in_file(job.features), external=external)
        return run_job, job

    def _in_file(self, features: FeatureMatrix) -> FeatureMatrix:
        """Return features whose values are in a file, written once, where they are large."""
        values = features.values
        if isinstance(values, Path) or values.nbytes < SENT:
            return features
        if features not in self._files:
            path = self.folder / f"{len(self._files)}.npy"
            try:
                np.save(path, values)
            except OSError:
                return features  # no room: they are sent
            self._files[features] = replace(features, values=path)
        return self._files[features]

    def collect(self, job: TrainingJob, result: NDArray[np.float32]) -> None:  # noqa: D102
        self._results[job] = result
        self._spent += job.cost
        if self.store is not None:
            self.store.save_arrays(KIND, job.key, {"proba": result})

    def give_up(self, job: TrainingJob, error: BaseException) -> None:
        """End the run: without this classifier there is no score."""
        message = one_line(str(error).strip())[:200]
        raise EmbvizError(
            f"Training {job.classifier!r} on {len(job.train):,} tracks failed with "
            f"{type(error).__name__}{f': {message}' if message else ''}; what was done is kept."
        ) from error

    def show_progress(self) -> None:  # noqa: D102
        done, total = len(self._results), len(self._jobs)
        stage = f"training {done:,} of {total:,} classifiers"
        if self._spent and done < total:
            left = sum(job.cost for job in self._jobs if job not in self._results)
            stage += f" · {format_duration(left * (time.monotonic() - self._begun) / self._spent)} left"
        self.report(stage, done, total)
