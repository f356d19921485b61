"""Where jobs are done: in a thread of this process, in processes of our own, or by an executor that a user gives.

Each process that computes embeddings is given one thread for TensorFlow, and there are as many of them as cores.
Decoding and front-ends run on one core: one process with two threads kept 1.6 of two cores busy, while the processor's
time for a track is the same with one thread as with two (``benchmarks/collection.py`` times the whole).
TensorFlow inside Essentia follows ``TF_NUM_INTRAOP_THREADS`` and ``TF_NUM_INTEROP_THREADS`` where both are set before
it starts; ``OMP_NUM_THREADS`` changes nothing. What trains classifiers does its linear algebra in one thread each.
"""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from embviz.errors import CollectionError, OptionError

MEMORY = 3 * 2**29  # bytes that a process with a track of usual length and a few graphs may take
MOST = 256  # jobs that an executor is given at a time, where it does not tell how many it does at once

TENSORFLOW_THREADS = MappingProxyType(dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"))
BLAS_THREADS = MappingProxyType(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

Result = TypeVar("Result")


class JobExecutor(Protocol):
    """Does jobs."""

    capacity: int  # jobs to be handed over at a time
    is_local: bool  # whether its work is done on this machine, by us

    def submit(self, call: Callable[[Any], Result], argument: Any) -> Future[Result]:
        """Hand over a job."""

    def restart(self) -> None:
        """Start anew after a process has died."""

    def close(self) -> None:
        """End, without waiting for what is still done."""


class LocalThread:
    """A thread of this process."""

    capacity, is_local = 1, True

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="embviz-jobs")

    def submit(self, call: Callable[[Any], Result], argument: Any) -> Future[Result]:  # noqa: D102  see JobExecutor
        return self._executor.submit(call, argument)

    def restart(self) -> None:
        """Do nothing: nothing dies here alone."""

    def close(self) -> None:  # noqa: D102
        self._executor.shutdown(wait=False, cancel_futures=True)


class LocalProcesses:
    """Processes of our own; they are not forked, since the threads of what is loaded here would not survive that."""

    is_local = True

    def __init__(self, workers: int, environment: Mapping[str, str]) -> None:
        self._workers, self._environment = workers, dict(environment)
        self.capacity = 2 * workers  # the next job lies ready when one is done
        self._executor = self._start()

    def _start(self) -> Any:
        from loky import ProcessPoolExecutor
        from loky.backend import get_context

        # Loky replaces a process that has grown, as long tracks make it do, and warns of that.
        warnings.filterwarnings("ignore", "A worker (was restarted|stopped) while some jobs", UserWarning)
        return ProcessPoolExecutor(
            self._workers,
            context=get_context("loky"),
            initializer=exit_with_parent,
            initargs=(os.getpid(),),
            env=self._environment,
        )

    def submit(self, call: Callable[[Any], Result], argument: Any) -> Future[Result]:  # noqa: D102
        future: Future[Result] = self._executor.submit(call, argument)
        return future

    def restart(self) -> None:  # noqa: D102
        self.close()
        self._executor = self._start()

    def close(self) -> None:  # noqa: D102
        self._executor.shutdown(wait=False, kill_workers=True)


class UserExecutor:
    """An executor that a user gives, and ends."""

    is_local = False

    def __init__(self, executor: Executor, workers: int | None) -> None:
        self._executor = executor
        known = workers or getattr(executor, "_max_workers", None)
        self.capacity = 2 * known if isinstance(known, int) else MOST

    def submit(self, call: Callable[[Any], Result], argument: Any) -> Future[Result]:  # noqa: D102
        try:
            return self._executor.submit(call, argument)
        except BrokenExecutor:
            raise
        except Exception as error:  # an executor raises whatever it likes
            raise CollectionError(
                f"The executor that was given takes no tasks: {str(error).rstrip('.')}. What was done is kept: give "
                "another one and run again."
            ) from error

    def restart(self) -> None:  # noqa: D102
        raise CollectionError(
            "A process of the executor that was given ended unexpectedly, and the executor with it; what was done is "
            "kept: give a new executor and run again."
        )

    def close(self) -> None:
        """Leave it be: it may have other work to do."""


def choose_executor(
    executor: Executor | None, workers: int | None, jobs: int, *, quick: bool, environment: Mapping[str, str]
) -> JobExecutor:
    """Return what does some jobs.

    Parameters
    ----------
    executor : Executor or None
        Of the user.
    workers : int or None
        Number of processes; 1 is this process, None leaves the choice.
    jobs : int
        How many there are.
    quick : bool
        Whether they are done here before processes would have started.
    environment : mapping of str to str
        Environment variables of processes.
    """
    if executor is not None:
        return UserExecutor(executor, workers)
    if workers == 1 or (workers is None and quick):
        return LocalThread()
    return LocalProcesses(min(jobs, workers or _default_workers()), environment)


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


def _default_workers() -> int:
    """Return how many processes there are by default: one for each core this one may use, if there is the memory."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(cores, memory // MEMORY))


def exit_with_parent(parent: int) -> None:
    """End this process soon after its parent has ended, however that did; called in a worker when it starts.

    Ctrl-C is the parent's affair: a terminal sends it to all processes.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="embviz-parent").start()
