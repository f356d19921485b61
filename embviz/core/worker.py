"""Work in the background: one thread, one job at a time, results handed over where they are wanted.

Conventions: a *job* has a key. A newer job of the same key replaces an older one, which is told to stop at its next
report and whose results are dropped; jobs of other keys wait for their turn. What a job gives is handed over on the
event loop that was running when the worker was made (the kernel's), as a part of the cell that made it, at once for
results and at most ten times a second for progress; without a loop, by :meth:`Worker.wait` and :meth:`Worker.drain` in
the thread that calls them.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from embviz.core.notebook import running_cell
from embviz.core.progress import Report
from embviz.core.text import collapse_spaces
from embviz.errors import EmbvizError

PROGRESS_EVERY = 0.1  # seconds
IDLE = 30.0  # seconds after which a thread that has nothing to do ends; the next job starts another

log = logging.getLogger("embviz")

Result = Callable[[Any], None]
Problem = Callable[[str, str], None]


class StoppedError(Exception):
    """A job was told to stop."""


def explain(error: BaseException) -> tuple[str, str]:
    """Return what went wrong as a sentence, and what can be done about it as another (or an empty one)."""
    if isinstance(error, EmbvizError):
        return collapse_spaces(str(error)), ""
    if isinstance(error, MemoryError):
        return "There is not enough memory for this.", "Choose a longer hop, a smaller layer or a shorter track."
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The disk is full.", "Free some space, then try again."
    if isinstance(error, OSError):
        place = f" ({str(error.filename)!r:.120})" if error.filename else ""
        return f"The system says: {error.strerror or error}{place}.", "Mend that, then try again."
    said = (str(error).strip().splitlines() or [""])[0][:200]
    return (
        f"This failed unexpectedly with {type(error).__name__}{f': {said}' if said else ''}.",
        "Try again; the logger 'embviz' gives the details at level DEBUG.",
    )


@contextmanager
def guard(report: Callable[[str, str], object]) -> Iterator[None]:
    """Report what goes wrong inside as a sentence and a remedy, and go on behind: a page stays usable."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  whatever it is, the reader is told
        report(*explain(error))


@dataclass(eq=False)
class Job:
    """One piece of work; made by :meth:`Worker.submit`."""

    worker: Worker
    key: Hashable
    work: Callable[[Job], Any]
    on_done: Result | None = None
    on_failed: Problem | None = None
    on_progress: Report | None = None
    on_begin: Callable[[], None] | None = None
    stopped: bool = False
    latest: dict[str, Callable[[], None]] = field(default_factory=dict)

    def check(self) -> None:
        """Raise where the job was told to stop."""
        if self.stopped:
            raise StoppedError

    def report(self, stage: str, done: int, total: int) -> None:
        """Say how far the job is; raises where it was told to stop."""
        self.check()
        turns.yield_turn()
        if self.on_progress is not None:
            self.show("progress", self.on_progress, stage, done, total)

    def show(self, what: str, call: Callable[..., None], *arguments: Any) -> None:
        """Have something called where results are wanted; a newer one of the same name replaces one that waits."""
        self.check()
        self.worker.post_latest(self, what, partial(call, *arguments))


class Worker:
    """A thread that does one job after the other, and calls `on_change` after jobs have begun, reported or ended.

    Jobs of workers that compute need the processor to themselves: those of several such workers go on by turns.
    """

    def __init__(self, on_change: Callable[[], None] | None = None, *, computes: bool = True) -> None:
        self.on_change = on_change
        self._turn = turns.hold if computes else nullcontext
        self._cell = running_cell()
        self.running: Job | None = None
        self._waiting: deque[Job] = deque()
        self._inbox: deque[tuple[Job, Callable[[], None], bool]] = deque()
        self._showing: dict[Job, None] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._drained = 0.0
        self._timer = False
        try:
            self._loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None

    # For the caller. -----------------------------------------------------------------------------------------------

    def submit(
        self,
        key: Hashable,
        work: Callable[[Job], Any],
        *,
        on_done: Result | None = None,
        on_failed: Problem | None = None,
        on_progress: Report | None = None,
        on_begin: Callable[[], None] | None = None,
        first: bool = False,
    ) -> Job:
        """Queue work, before what waits where it is to be `first`; an older job of the same key is replaced.

        `work` is called with the job in the worker's thread; it is to call ``job.report(stage, done, total)`` now and
        then. `on_begin` is called when it begins, `on_progress` with each report, ten times a second at most, `on_done`
        with what it returned, `on_failed` with a sentence and its remedy where `work`, or `on_done`, raised.
        """
        job = Job(self, key, work, on_done, on_failed, on_progress, on_begin)
        with self._changed:
            if self._closed:
                job.stopped = True
                return job
            self._stop(lambda other: other.key == key)
            self._waiting.appendleft(job) if first else self._waiting.append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run_jobs, name="embviz", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        return job

    def cancel(self, which: Callable[[Hashable], bool] = lambda _key: True) -> int:
        """Stop the jobs whose key is chosen, those that wait and the one that runs; return how many there were."""
        with self._changed:
            count = self._stop(lambda job: which(job.key))
            self._changed.notify_all()
        return count

    @property
    def busy(self) -> bool:
        """Whether anything runs, waits, or has not been handed over."""
        with self._changed:
            return bool(self.running or self._waiting or self._inbox or self._showing)

    def pending(self) -> list[Hashable]:
        """Return the keys of what runs and what waits, in this order."""
        with self._changed:
            return [job.key for job in self._unfinished() if not job.stopped]

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing runs, handing over what comes meanwhile; return False where the time ran out."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            self.drain()
            with self._changed:
                idle = not self.busy
                left = PROGRESS_EVERY if deadline is None else min(PROGRESS_EVERY, deadline - time.monotonic())
                if not idle and left > 0 and not self._inbox:
                    self._changed.wait(left)
            if idle:
                # The thread may have come to rest after the last look.
                self.drain()
                return True
            if left <= 0:
                return False

    def drain(self) -> None:
        """Hand over what there is."""
        self._timer = False
        self._drained = time.monotonic()
        with self._cell():
            for job, call in self._take_results():
                if not job.stopped:
                    self._call(job, call)
            if self.on_change is not None:
                self.on_change()

    def close(self) -> None:
        """Stop everything; nothing is handed over any more."""
        with self._changed:
            self._closed = True
            self._stop(lambda _job: True)
            self._inbox.clear()
            self._showing.clear()
            self._changed.notify_all()

    # Both sides. ---------------------------------------------------------------------------------------------------

    def _unfinished(self) -> Iterable[Job]:
        return ([self.running] if self.running else []) + list(self._waiting)

    def _stop(self, which: Callable[[Job], bool]) -> int:
        chosen = [job for job in self._unfinished() if which(job) and not job.stopped]
        # What is over but not handed over yet must not arrive either.
        for job in [*chosen, *(job for job, _, _ in self._inbox if which(job)), *filter(which, self._showing)]:
            job.stopped = True
        self._waiting = deque(job for job in self._waiting if not job.stopped)
        return len(chosen)

    def _take_results(self) -> Iterator[tuple[Job, Callable[[], None]]]:
        with self._changed:
            shown = [(job, call) for job in self._showing for call in job.latest.values()]
            for job in self._showing:
                job.latest = {}
            self._showing.clear()
            final = list(self._inbox)
            self._inbox.clear()
        # That a job began comes before what it shows, and that it is over after.
        yield from ((job, call) for job, call, last in final if not last)
        yield from shown
        yield from ((job, call) for job, call, last in final if last)

    def _call(self, job: Job, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:
            log.debug("What job %r gave could not be used.", job.key, exc_info=True)
            job.stopped = True
            if job.on_failed is not None:
                job.on_failed(*explain(error))

    def post_latest(self, job: Job, what: str, call: Callable[[], None]) -> None:
        """Have something of a job called soon, in place of what waits under the same name."""
        with self._changed:
            job.latest[what] = call
            self._showing[job] = None
        self._wake(soon=False)

    def post(self, call: Callable[[], None]) -> None:
        """Have something called where results are wanted, from any thread."""
        self._post(Job(self, None, _nothing), call)

    def _post(self, job: Job, call: Callable[[], None], *, last: bool = False) -> None:
        with self._changed:
            if self._closed:
                return
            self._inbox.append((job, call, last))
            self._changed.notify_all()
        self._wake(soon=True)

    def _wake(self, *, soon: bool) -> None:
        """Have the loop hand over; called from the worker's thread."""
        if self._loop is None or (self._timer and not soon):
            return
        self._timer = True
        with suppress(RuntimeError):  # the loop has been closed: the process ends
            self._loop.call_soon_threadsafe(self.drain if soon else self._schedule_drain)

    def _schedule_drain(self) -> None:
        if self._loop is not None:
            self._loop.call_later(max(0.0, self._drained + PROGRESS_EVERY - time.monotonic()), self.drain)

    # The thread. ---------------------------------------------------------------------------------------------------

    def _run_jobs(self) -> None:
        while (job := self._next()) is not None:
            self._run(job)
            with self._changed:
                self.running = None
                self._changed.notify_all()
            self._wake(soon=True)

    def _next(self) -> Job | None:
        with self._changed:
            if not self._waiting and not self._closed:
                self._changed.wait(IDLE)
            if self._closed or not self._waiting:
                self._thread = None
                return None
            self.running = self._waiting.popleft()
            return self.running

    def _run(self, job: Job) -> None:
        if job.on_begin is not None:
            self._post(job, job.on_begin)
        outcome: Callable[[], None] = _nothing
        try:
            with self._turn():
                job.check()  # it may have been stopped while others had their turn
                result = job.work(job)
            if job.on_done is not None:
                outcome = partial(job.on_done, result)
        except StoppedError:
            log.debug("Job %r was stopped.", job.key)
        except BaseException as error:
            log.debug("Job %r failed.", job.key, exc_info=True)
            if job.on_failed is not None:
                outcome = partial(job.on_failed, *explain(error))
        if not job.stopped:
            self._post(job, outcome, last=True)


def _nothing(_job: Job | None = None) -> None:
    """Do nothing."""


class _Turns:
    """The right to compute, which workers of one process pass on to each other.

    The networks use all cores, so two at once take longer than one after the other; and whoever asks later should
    not wait until a long job is over.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queue: deque[int] = deque()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold the right to compute."""
        self._take()
        try:
            yield
        finally:
            self._give()

    def yield_turn(self) -> None:
        """Let those who wait have their turn before one goes on."""
        me = threading.get_ident()
        if len(self._queue) > 1 and self._queue[0] == me:
            self._give()
            self._take()

    def _take(self) -> None:
        me = threading.get_ident()
        with self._changed:
            self._queue.append(me)
            self._changed.wait_for(lambda: self._queue[0] == me)

    def _give(self) -> None:
        with self._changed:
            self._queue.popleft()
            self._changed.notify_all()


turns = _Turns()
