"""Where tasks are done: in this process, in processes of our own, or by an executor that somebody gives.

Each process of our own is given one thread for TensorFlow, and there are as many of them as cores. Decoding and
front-ends run on one core: one process with two threads kept 1.6 of two cores busy, while the processor's time for a
track is the same with one thread as with two (``benchmarks/collection.py`` times the whole).
TensorFlow inside Essentia follows ``TF_NUM_INTRAOP_THREADS`` and ``TF_NUM_INTEROP_THREADS`` where both are set before
it starts; ``OMP_NUM_THREADS`` changes nothing.
"""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from typing import Any, Protocol

from embviz.batch.worker import Done, Task, extract
from embviz.errors import CollectionError, OptionError

__all__ = ["Given", "Here", "Pool", "Processes", "check_executor", "check_workers", "handed", "usual"]

MEMORY = 3 * 2**29  # bytes that a process with a track of usual length and a few graphs may take
MOST = 256  # tasks that an executor is given at a time, where it does not tell how many it does at once


class Pool(Protocol):
    """Does tasks."""

    most: int  # tasks to be handed over at a time
    own: bool  # whether its work is done on this machine, by us

    def submit(self, task: Task) -> Future[Done]:
        """Hand over a task."""

    def renew(self) -> None:
        """Start anew after a process has died."""

    def close(self) -> None:
        """End, without waiting for what is still done."""


class Here:
    """A thread of this process."""

    most, own = 1, True

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="embviz-batch")

    def submit(self, task: Task) -> Future[Done]:  # noqa: D102  see Pool
        return self._executor.submit(extract, task)

    def renew(self) -> None:
        """Do nothing: nothing dies here alone."""

    def close(self) -> None:  # noqa: D102
        self._executor.shutdown(wait=False, cancel_futures=True)


class Processes:
    """Processes of our own; they are not forked, since TensorFlow's threads would not survive that."""

    own = True

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self.most = 2 * workers  # the next task lies ready when one is done
        self._executor = self._start()

    def _start(self) -> Any:
        from loky import ProcessPoolExecutor
        from loky.backend import get_context

        # Loky replaces a process that has grown, as long tracks make it do, and warns of that.
        warnings.filterwarnings("ignore", "A worker (was restarted|stopped) while some jobs", UserWarning)
        return ProcessPoolExecutor(
            self._workers,
            context=get_context("loky"),
            initializer=follow,
            initargs=(os.getpid(),),
            env={"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"},
        )

    def submit(self, task: Task) -> Future[Done]:  # noqa: D102
        future: Future[Done] = self._executor.submit(extract, task)
        return future

    def renew(self) -> None:  # noqa: D102
        self.close()
        self._executor = self._start()

    def close(self) -> None:  # noqa: D102
        self._executor.shutdown(wait=False, kill_workers=True)


def handed(executor: Executor, call: Callable[[Any], Any], task: Any) -> Future[Any]:
    """Hand a task to an executor that may be somebody's, and say in one sentence that it takes none.

    Raises
    ------
    BrokenExecutor
        As it is: who runs the executor knows what to do.
    CollectionError
        If the executor refuses for another reason.
    """
    try:
        return executor.submit(call, task)
    except BrokenExecutor:
        raise
    except Exception as error:  # an executor raises whatever it likes
        raise CollectionError(
            f"The executor that was given takes no tasks: {str(error).rstrip('.')}. What was done is kept: give "
            "another one and run again."
        ) from error


class Given:
    """An executor that somebody gives, and ends."""

    own = False

    def __init__(self, executor: Executor, workers: int | None) -> None:
        self._executor = executor
        known = workers or getattr(executor, "_max_workers", None)
        self.most = 2 * known if isinstance(known, int) else MOST

    def submit(self, task: Task) -> Future[Done]:  # noqa: D102  see Pool
        return handed(self._executor, extract, task)

    def renew(self) -> None:  # noqa: D102
        raise CollectionError(
            "A process of the executor that was given ended unexpectedly, and the executor with it; what was done is "
            "kept: give a new executor and run again."
        )

    def close(self) -> None:
        """Leave it be: it may have other work to do."""


def check_executor(executor: Any) -> Executor | None:
    """Return an executor, checked to be one that can be given tasks."""
    if hasattr(executor, "get_executor"):
        raise OptionError(
            "executor is a concurrent.futures executor or None; a client of Dask has one: get_executor()."
        )
    submit: Callable[..., Any] | None = getattr(executor, "submit", None)
    if executor is not None and not callable(submit):
        raise OptionError(f"executor is a concurrent.futures executor or None, {executor!r:.80} was found.")
    found: Executor | None = executor
    return found


def check_workers(workers: Any) -> int | None:
    """Return a number of workers, checked to be one, or None."""
    if workers is None:
        return None
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise OptionError(f"workers is a whole number of at least 1, or None, {workers!r:.80} was found.")
    return workers


def usual() -> int:
    """Return how many processes there are by default: one for each core this one may use, if there is the memory."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(cores, memory // MEMORY))


def follow(parent: int) -> None:
    """End this process soon after its parent has ended, however that did; called in a worker when it starts.

    Ctrl-C is the parent's affair: a terminal sends it to all processes.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="embviz-follow").start()
