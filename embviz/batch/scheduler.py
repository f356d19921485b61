"""Jobs handed to an executor, collected as they end, and tried again where the process that did them died.

Conventions: a *job* is hashable; what an executor is given for it is plain data. What is wrong with one job costs it
one of two attempts. An :class:`.EmbvizError`, which is wrong for all of them, and whatever the progress callable
raises, ends the run; what was done is kept by who collects it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from embviz.batch.progress_files import run_folder
from embviz.core.text import plural
from embviz.errors import EmbvizError

if TYPE_CHECKING:
    from embviz.batch.executors import JobExecutor
    from embviz.core.cache import Cache
    from embviz.core.progress import Report


TICK = 0.25  # seconds between two looks at what goes on
DIED = MemoryError("its process ended unexpectedly, for want of memory perhaps")

Job = TypeVar("Job")
Result = TypeVar("Result")


class Scheduler(ABC, Generic[Job, Result]):
    """Hand out jobs and collect their results; a subclass says what they are.

    A cache is where the run and its jobs meet; `report` is given ``(stage, done, total)``, and may raise to cancel.
    """

    folder: Path  # joins the run and its jobs, which stop when it is gone
    executor: JobExecutor

    def __init__(self, store: Cache | None, report: Report) -> None:
        self.store, self.report = store, report
        self.ready: deque[Job] = deque()  # to be handed out, in their order
        self.suspects: deque[Job] = deque()  # one of them ended a process: each is tried alone, to know which
        self.running: dict[Future[Result], Job] = {}  # what the executor is at
        self.failures: Counter[Job] = Counter()  # attempts of each job that failed

    @abstractmethod
    def start_executor(self) -> JobExecutor:
        """Return what does the jobs."""

    @abstractmethod
    def to_call(self, job: Job) -> tuple[Callable[[Any], Result], Any]:
        """Return the function and the argument that a job is handed out as."""

    @abstractmethod
    def collect(self, job: Job, result: Result) -> None:
        """Take the result of a job."""

    @abstractmethod
    def give_up(self, job: Job, error: BaseException) -> None:
        """Take note of a job that failed twice; `error` is ``DIED`` where it ended its process."""

    @abstractmethod
    def show_progress(self) -> None:
        """Report how far the run is."""

    def prepare(self) -> Iterable[Future[Any]]:
        """Put more jobs into `ready`, and return what is to be waited for meanwhile."""
        return ()

    def has_work(self) -> bool:
        """Tell whether the run goes on."""
        return bool(self.ready or self.suspects or self.running)

    def handle_error(self, job: Job, error: BaseException) -> None:
        """Decide on a job that raised an error of its own."""
        self.retry(job, error, self.suspects)

    def run_jobs(self) -> None:
        """Hand out and collect jobs until there are no more."""
        with run_folder(self.store) as self.folder:
            self.executor = self.start_executor()
            try:
                while self.has_work():
                    others = self.prepare()
                    self._hand_out()
                    done, _ = wait([*others, *self.running], timeout=TICK, return_when=FIRST_COMPLETED)
                    for future in done:
                        if future in self.running:
                            self._take(self.running.pop(future), future)
                    self.show_progress()
            finally:
                for future in self.running:
                    future.cancel()
                self.executor.close()

    def interruption_sentence(self, done: int, total: int, noun: str) -> str:
        """Return how much of an interrupted run is kept, and how to go on."""
        after = f"Interrupted after {done:,} of {plural(total, noun)}"
        if self.store is None or self.store.unwritable:
            return f"{after}; nothing of this run was kept."
        return f"{after}; what was done is kept: run it again to go on."

    def retry(self, job: Job, error: BaseException, queue: deque[Job]) -> None:
        """Put a job into a queue once more; the second failure is the last."""
        self.failures[job] += 1
        if self.failures[job] > 1:
            self.give_up(job, error)
        else:
            queue.append(job)

    def _hand_out(self) -> None:
        if self.suspects:
            if not self.running:
                self._submit(self.suspects.popleft())
            return
        while self.ready and len(self.running) < self.executor.capacity:
            self._submit(self.ready.popleft())

    def _submit(self, job: Job) -> None:
        try:
            self.running[self.executor.submit(*self.to_call(job))] = job
        except BrokenExecutor:
            self.ready.appendleft(job)
            self._restart()

    def _take(self, job: Job, future: Future[Result]) -> None:
        try:
            result = future.result()
        except BrokenExecutor:
            self.running[future] = job
            self._restart()
        except EmbvizError:
            raise
        except (Exception, CancelledError) as error:  # noqa: BLE001  an executor raises whatever it likes
            self.handle_error(job, error)
        else:
            self.collect(job, result)

    def _restart(self) -> None:
        """Go on after a process has died, with what it and its neighbors were at."""
        for future, job in list(self.running.items()):
            del self.running[future]
            if future.done() and not future.cancelled() and future.exception() is None:
                self._take(job, future)
            else:
                self.retry(job, DIED, self.suspects)
        self.executor.restart()
