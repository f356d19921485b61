"""A run: everything that is to be trained, piece by piece, on all cores, and never twice.

Conventions: a *unit* is one classifier trained on some tracks and asked about others. What it answers is determined by
its :meth:`Unit.key` alone: not by the process that trains it, nor by what else is trained. Each that is done is kept at
once, so that a run that ends in any way is taken up by the next one where it stopped.
"""

from __future__ import annotations

import hashlib
import os
import time
import warnings
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ThreadPoolExecutor,
    wait,
)
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.batch import executors, progress_files
from embviz.core.cache import Cache
from embviz.core.text import format_duration, one_line
from embviz.errors import EmbvizError
from embviz.evaluation import classifiers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embviz.core.progress import Report

__all__ = ["KIND", "Points", "Run", "Unit", "solve"]

KIND = "tasks"  # name of the folder in the cache
RECIPE = 1  # part of every key: to be raised when anything here or in the classifiers changes an answer
TICK = 0.25  # seconds between two looks at what goes on
QUICK = 8.0  # seconds of training that are done here before processes would have started
SENT = 1 << 20  # bytes; larger arrays reach processes by a file


@dataclass(frozen=True, eq=False)
class Points:
    """The vectors of some tracks.

    Parameters
    ----------
    values : ndarray, shape [p, d], float32, or Path
        The points; where they are in a file, its path.
    places : ndarray, shape [p], int64
        Place of each point's track among the tracks that are asked about; -1 for others.
    tracks : int
        How many tracks are asked about.
    """

    values: NDArray[np.float32] | Path
    places: NDArray[np.int64]
    tracks: int

    def of(self, tracks: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the points of some tracks, in the order of the points, and whose they are: places in `tracks`."""
        lookup = np.full(self.tracks + 1, -1)
        lookup[tracks] = np.arange(len(tracks))
        found = lookup[self.places]
        rows = np.flatnonzero(found >= 0)
        values = np.load(self.values, mmap_mode="r") if isinstance(self.values, Path) else self.values
        return np.ascontiguousarray(values[rows], np.float32), found[rows]

    @cached_property
    def digest(self) -> str:
        """Of the points that are asked about, and whose they are."""
        values, places = self.of(np.arange(self.tracks))
        digest = hashlib.blake2b(repr(values.shape).encode(), digest_size=20)
        digest.update(places.tobytes())
        digest.update(values.data)
        return digest.hexdigest()

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return 0 if isinstance(self.values, Path) else int(self.values.shape[1])


@dataclass(frozen=True, eq=False)
class Unit:
    """One classifier trained on some tracks and asked about others.

    Parameters
    ----------
    classifier : str
        Its name.
    classes : int
        How many there are.
    seed : int
        For all that it draws.
    points : Points
        Of the collection.
    truth : ndarray, shape [n], int64
        Class of each of its tracks.
    train : ndarray, shape [k], int64
        Places of the tracks that train.
    test : ndarray, shape [m], int64
        Places of the tracks that are asked about, in the order of the answer.
    other : Points or None
        Of the other collection, where its tracks are asked about.
    """

    classifier: str
    classes: int
    seed: int
    points: Points
    truth: NDArray[np.int64]
    train: NDArray[np.int64]
    test: NDArray[np.int64]
    other: Points | None = None

    @cached_property
    def key(self) -> dict[str, Any]:
        """Everything that determines the answer."""
        return {
            "tasks": RECIPE,
            "classifier": self.classifier,
            "settings": classifiers.SETTINGS[self.classifier],
            "classes": self.classes,
            "seed": self.seed,
            "points": self.points.digest,
            "other": self.other.digest if self.other else "",
            "truth": _digest(self.truth[self.train]),
            "train": _digest(self.train),
            "test": _digest(self.test),
            "scikit-learn": version("scikit-learn"),
            "numpy": np.__version__,
        }

    @cached_property
    def cost(self) -> float:
        """About how many seconds it takes."""
        each = len(self.points.places) / max(1, self.points.tracks)
        asked = self.other or self.points
        tests = len(self.test) * len(asked.places) / max(1, asked.tracks)
        return classifiers.cost(
            self.classifier, round(each * len(self.train)), round(tests), self.points.dimensions, self.classes
        )


def _digest(array: NDArray[np.int64]) -> str:
    return hashlib.blake2b(array.tobytes(), digest_size=20).hexdigest()


def solve(unit: Unit) -> NDArray[np.float32]:
    """Train, and return the probabilities of the tracks asked about, ``[m, c]``: the mean over each one's points."""
    with classifiers.quiet():
        x, track = unit.points.of(unit.train)
        truth = unit.truth[unit.train][track]
        weights = classifiers.weigh(truth, track)
        test, whose = (unit.other or unit.points).of(unit.test)
        found = classifiers.asked(unit.classifier, x, truth, weights, test, unit.classes, unit.seed)
    summed = np.zeros((len(unit.test), unit.classes))
    np.add.at(summed, whose, found)
    proba: NDArray[np.float32] = (summed / summed.sum(axis=1, keepdims=True)).astype(np.float32)
    return proba


class Crew:
    """Who trains.

    Parameters
    ----------
    start : callable
        Returns an executor.
    most : int
        Units to be handed over at a time.
    own : bool
        Whether the executor is ours to end and to start anew.
    files : bool
        Whether large arrays go through files.
    """

    def __init__(self, start: Callable[[], Executor], most: int, *, own: bool = True, files: bool = False) -> None:
        self.most, self.own, self.files = most, own, files
        self._start = start
        self._executor = start()

    def submit(self, unit: Unit) -> Future[NDArray[np.float32]]:
        """Hand over a unit."""
        return executors.handed(self._executor, solve, unit)

    def renew(self) -> None:
        """Start anew after a process has died."""
        if not self.own:
            raise EmbvizError(
                "A process of the executor that was given ended unexpectedly, and the executor with it; what was done "
                "is kept: give a new executor and run again."
            )
        self.close()
        self._executor = self._start()

    def close(self) -> None:
        """End, without waiting for what is still done."""
        if self.own:
            more = {"kill_workers": True} if self.files else {"cancel_futures": True}
            self._executor.shutdown(wait=False, **more)


def chosen(executor: Executor | None, workers: int | None, units: Sequence[Unit]) -> Crew:
    """Return who trains some units; what is done soon is done in this process."""
    if executor is not None:
        known = workers or getattr(executor, "_max_workers", None)
        return Crew(lambda: executor, 2 * known if isinstance(known, int) else executors.MOST, own=False)
    if workers == 1 or (workers is None and sum(unit.cost for unit in units) < QUICK):
        return Crew(lambda: ThreadPoolExecutor(1, thread_name_prefix="embviz-tasks"), 1)
    number = min(len(units), workers or executors.usual())
    return Crew(lambda: _processes(number), 2 * number, files=True)


def _processes(number: int) -> Any:
    """Start processes; they are not forked, since the threads of what is loaded here would not survive that."""
    from loky import ProcessPoolExecutor
    from loky.backend import get_context

    # Loky replaces a process that has grown, and warns of that.
    warnings.filterwarnings("ignore", "A worker (was restarted|stopped) while some jobs", UserWarning)
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return ProcessPoolExecutor(
        number, context=get_context("loky"), initializer=executors.follow, initargs=(os.getpid(),), env=threads
    )


class Run:
    """One run.

    Parameters
    ----------
    units : sequence of Unit
        What is to be trained.
    store : Cache or None
        Where answers are kept.
    start : callable
        Given the units that are to be trained, returns who trains them.
    report : callable
        Given ``(stage, done, total)``; may raise to cancel.
    """

    def __init__(
        self, units: Sequence[Unit], store: Cache | None, start: Callable[[Sequence[Unit]], Crew], report: Report
    ) -> None:
        self._units, self._store, self._start, self._report = units, store, start, report
        self._answers: dict[int, NDArray[np.float32]] = {}
        self._waiting: deque[int] = deque()
        self._suspects: deque[int] = deque()
        self._broke: dict[int, int] = {}
        self._working: dict[Future[NDArray[np.float32]], int] = {}
        self._files: dict[int, Points] = {}
        self._begun, self._spent = time.monotonic(), 0.0

    def go(self) -> list[NDArray[np.float32]]:
        """Return the answers of all units, in their order."""
        self._look_up()
        if self._waiting:
            self._train()
        return [self._answers[i] for i in range(len(self._units))]

    def _look_up(self) -> None:
        """Take what the cache has."""
        last = 0.0
        for i, unit in enumerate(self._units):
            kept = self._store.recall(KIND, unit.key) if self._store else None
            if kept is not None and kept["proba"].shape == (len(unit.test), unit.classes):
                self._answers[i] = np.array(kept["proba"])
            else:
                self._waiting.append(i)
            if time.monotonic() - last > TICK:
                last = time.monotonic()
                self._tell()
        # The longest first: none of them is still at work when all others are done.
        self._waiting = deque(sorted(self._waiting, key=lambda i: -self._units[i].cost))
        self._tell()

    def _train(self) -> None:
        self._begun = time.monotonic()
        with progress_files.joined(self._store) as folder:
            team = self._start([self._units[i] for i in self._waiting])
            try:
                while self._waiting or self._suspects or self._working:
                    self._hand_out(team, folder)
                    done, _ = wait(self._working, timeout=TICK, return_when=FIRST_COMPLETED)
                    for future in done:
                        if future in self._working:
                            self._collect(team, self._working.pop(future), future)
                    self._tell()
            finally:
                for future in self._working:
                    future.cancel()
                team.close()

    def _hand_out(self, team: Crew, folder: Path) -> None:
        if self._suspects:
            # One of them ended a process: each is tried alone, and then it is known which.
            if not self._working:
                self._submit(team, self._suspects.popleft(), folder)
            return
        while self._waiting and len(self._working) < team.most:
            self._submit(team, self._waiting.popleft(), folder)

    def _submit(self, team: Crew, i: int, folder: Path) -> None:
        unit = self._units[i]
        if team.files and not self._broke.get(i):
            unit = replace(
                unit,
                points=self._filed(unit.points, folder),
                other=self._filed(unit.other, folder) if unit.other else None,
            )
        try:
            self._working[team.submit(unit)] = i
        except BrokenExecutor:
            self._waiting.appendleft(i)
            self._break(team)

    def _filed(self, points: Points, folder: Path) -> Points:
        """Return points whose values are in a file, written once, where they are large."""
        values = points.values
        if isinstance(values, Path) or values.nbytes < SENT:
            return points
        if id(points) not in self._files:
            path = folder / f"{len(self._files)}.npy"
            try:
                np.save(path, values)
            except OSError:
                return points  # no room: they are sent
            self._files[id(points)] = replace(points, values=path)
        return self._files[id(points)]

    def _collect(self, team: Crew, i: int, future: Future[NDArray[np.float32]]) -> None:
        """Take what came of a unit."""
        try:
            proba = future.result()
        except BrokenExecutor:
            self._working[future] = i
            self._break(team)
        except EmbvizError:
            raise
        except (Exception, CancelledError) as error:  # noqa: BLE001  an executor raises whatever it likes
            self._again(i, error)
        else:
            self._answers[i] = proba
            self._spent += self._units[i].cost
            if self._store is not None:
                self._store.remember(KIND, self._units[i].key, {"proba": proba})

    def _again(self, i: int, error: BaseException) -> None:
        """Hand a unit out once more; the second time is the last."""
        self._broke[i] = self._broke.get(i, 0) + 1
        if self._broke[i] > 1:
            unit, said = self._units[i], one_line(str(error).strip())[:200]
            raise EmbvizError(
                f"Training {unit.classifier!r} on {len(unit.train):,} tracks failed with "
                f"{type(error).__name__}{f': {said}' if said else ''}; what was done is kept."
            ) from error
        self._suspects.append(i)

    def _break(self, team: Crew) -> None:
        """Go on after a process has died, with what it and its neighbours were at."""
        for future, i in list(self._working.items()):
            del self._working[future]
            if future.done() and not future.cancelled() and future.exception() is None:
                self._collect(team, i, future)
            else:
                self._again(i, MemoryError("its process ended unexpectedly, for want of memory perhaps"))
        team.renew()

    def _tell(self) -> None:
        done, total = len(self._answers), len(self._units)
        stage = f"training {done:,} of {total:,} classifiers"
        if self._spent and done < total:
            left = sum(self._units[i].cost for i in range(total) if i not in self._answers)
            stage += f" · {format_duration(left * (time.monotonic() - self._begun) / self._spent)} left"
        self._report(stage, done, total)
