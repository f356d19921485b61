"""Where jobs are done: in threads of this process, in processes of our own, or by an executor that a user gives.

Decoding and front-ends run on one core, a fifth of the processor's time for a track. So there are as many processes as
cores, each with one thread for decoding, front-end and network alike: the processor's time for a track is the same with
one thread as with two (``python -m benchmarks collection`` times the whole), and nothing waits. Where there are fewer
processes, each is given its share of the cores. In this process, tracks are decoded by another one, and two are worked
on at once: the next one is decoded while the network runs.

ONNX Runtime and linear algebra follow ``OMP_NUM_THREADS`` and its like, TensorFlow inside Essentia
``TF_NUM_INTRAOP_THREADS`` and ``TF_NUM_INTEROP_THREADS`` where both are set before it starts. What trains classifiers
does its linear algebra in one thread each.
"""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.reduction import ForkingPickler
from typing import Any, TypeVar, cast

from embviz.audio.decode import decode_here
from embviz.core.processes import count_cores, count_memory
from embviz.core.text import one_line
from embviz.errors import CollectionError, OptionError

MEMORY = 2**30  # bytes that a process with a track of usual length and a few graphs may take
MOST_SENT = 16 * 2**20  # bytes of a function that goes along with every job
MOST = 256  # jobs that an executor is given at a time, where it does not tell how many it does at once

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)

Result = TypeVar("Result")


class JobExecutor:
    """Does jobs."""

    capacity = 1  # jobs to be handed over at a time
    is_local = True  # whether its work is done on this machine, by us

    def __init__(self, executor: Any) -> None:
        self._executor = executor

    def submit(self, call: Callable[[Any], Result], argument: Any) -> Future[Result]:
        """Hand over a job."""
        return cast("Future[Result]", self._executor.submit(call, argument))

    def restart(self) -> None:
        """Start anew after a process has died."""

    def close(self) -> None:
        """End, without waiting for what is still done."""


class LocalThreads(JobExecutor):
    """Threads of this process; nothing dies here alone."""

    def __init__(self, threads: int) -> None:
        self.capacity = threads
        super().__init__(ThreadPoolExecutor(threads, thread_name_prefix="embviz-jobs"))

    def close(self) -> None:  # noqa: D102
        self._executor.shutdown(wait=False, cancel_futures=True)


class LocalProcesses(JobExecutor):
    """Processes of our own; they are not forked, since the threads of what is loaded here would not survive that."""

    def __init__(self, workers: int, threads: int) -> None:
        self._workers, self._environment = workers, dict.fromkeys(THREAD_VARIABLES, str(threads))
        self.capacity = 2 * workers  # the next job lies ready when one is done
        super().__init__(self._start())

    def _start(self) -> Any:
        from loky import ProcessPoolExecutor
        from loky.backend import get_context

        # Loky replaces a process that has grown, as long tracks make it do, and warns of that.
        warnings.filterwarnings("ignore", "A worker (was restarted|stopped) while some jobs", UserWarning)
        start = {"initializer": exit_with_parent, "initargs": (os.getpid(),), "env": self._environment}
        return ProcessPoolExecutor(self._workers, context=get_context("loky"), **start)

    def restart(self) -> None:  # noqa: D102
        self.close()
        self._executor = self._start()

    def close(self) -> None:  # noqa: D102
        self._executor.shutdown(wait=False, kill_workers=True)


class UserExecutor(JobExecutor):
    """An executor that a user gives, and ends; it may have other work to do when we close."""

    is_local = False

    def __init__(self, executor: Executor, workers: int | None) -> None:
        super().__init__(executor)
        known = workers or getattr(executor, "_max_workers", None)
        self.capacity = 2 * known if isinstance(known, int) else MOST

    def submit(self, call: Callable[[Any], Result], argument: Any) -> Future[Result]:  # noqa: D102
        try:
            return super().submit(call, argument)
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


def starts_processes(executor: Executor | None, workers: int | None, *, quick: bool) -> bool:
    """Tell whether jobs are done in processes of our own; the parameters are those of :func:`choose_executor`."""
    return executor is None and workers != 1 and (workers is not None or not quick)


def choose_executor(
    executor: Executor | None,
    workers: int | None,
    jobs: int,
    *,
    quick: bool,
    here: int = 1,
    threads: int | None = None,
) -> JobExecutor:
    """Return what does a number of jobs.

    Parameters
    ----------
    executor : Executor or None
        The user's, if there is one.
    workers : int or None
        One is this process, None leaves the choice: this process where the jobs are quick.
    jobs : int
    quick : bool
        Whether the jobs are done here before processes would have started.
    here : int
        Jobs at once in this process.
    threads : int or None
        Of each process; None is its share of the cores.
    """
    if executor is not None:
        return UserExecutor(executor, workers)
    if not starts_processes(executor, workers, quick=quick):
        return LocalThreads(here)
    if workers is None:  # one for each core, if there is the memory
        workers = max(1, min(count_cores(), count_memory() // MEMORY))
    processes = min(jobs, workers)
    return LocalProcesses(processes, threads or max(1, count_cores() // processes))


def check_executor(executor: Any) -> Executor | None:
    """Return an executor, checked to be one that can be given tasks."""
    if hasattr(executor, "get_executor"):
        raise OptionError(
            "executor is a concurrent.futures executor or None; a client of Dask has one: get_executor()."
        )
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise OptionError(f"executor is a concurrent.futures executor or None, {executor!r:.80} was found.")
    return cast("Executor | None", executor)


def find_sending_problem(what: Any, executor: Executor | None) -> str:
    """Return why something cannot be sent to the processes of an executor, or to our own; empty where it can."""
    if isinstance(executor, ThreadPoolExecutor):
        return ""
    from loky.backend.reduction import dumps

    # Python's own processes are sent less than what Loky's are, and Dask's.
    send = ForkingPickler.dumps if isinstance(executor, ProcessPoolExecutor) else dumps
    try:
        size = len(send(what))
    except Exception as error:  # noqa: BLE001  objects raise whatever they like when they are sent
        return one_line(f"{type(error).__name__}: {error}").rstrip(".")[:200]
    return "" if size <= MOST_SENT else f"it holds {size / 2**20:.0f} MB, which would go along with every track"


def check_workers(workers: Any) -> int | None:
    """Return a number of workers, checked to be one, or None."""
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 1):
        raise OptionError(f"workers is a whole number of at least 1, or None, {workers!r:.80} was found.")
    return workers


def exit_with_parent(parent: int) -> None:
    """End this process soon after its parent has ended, however that did; called in a worker when it starts.

    Ctrl-C is the parent's affair: a terminal sends it to all processes. Sound is decoded here: where that ends this
    process, another one takes its place.
    """
    import psutil

    decode_here()
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        # Windows goes on naming a parent that has ended.
        while os.getppid() == parent and psutil.pid_exists(parent):
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="embviz-parent").start()
