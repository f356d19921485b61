"""What TensorFlow might not survive, tried in a process of its own.

A graph from anywhere can end the process that runs it: some of TensorFlow's checks abort, memory runs out, recursion
has no end. The process that is tried in stays for the next trial, and ends by itself when it has had nothing to do.
"""

from __future__ import annotations

import atexit
import contextlib
import multiprocessing
import os
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from typing import Any, TypeVar, cast

from embviz.core.processes import end_first, limit_addresses
from embviz.errors import EmbvizError, GraphError

IDLE_SECONDS = 30
LONGEST_TRIAL = 120.0  # seconds
MOST_MEMORY = 32 << 30  # bytes of addresses, of which TensorFlow's threads alone take some gigabytes

Result = TypeVar("Result")

_lock = threading.Lock()
_executor: Any = None


def run_isolated(call: Callable[..., Result], *arguments: Any, what: str, who: str = "TensorFlow") -> Result:
    """Return what a function of a module gives for arguments that can be pickled, computed in another process.

    Errors of the function are raised here. `what` is named where the process dies, or does not come to an end; it does
    so while `who` is at work.

    Raises
    ------
    GraphError
        If the process does not survive, or takes too long.
    """
    global _executor  # noqa: PLW0603  one process for all
    with _lock:
        try:
            future = _submit(call, *arguments)
            result: Result = call(*arguments) if future is None else future.result(timeout=LONGEST_TRIAL)
            return result
        except EmbvizError:
            raise
        except BaseException as error:
            # Also where the user gives up: the process would go on.
            if _executor is not None:
                _executor.shutdown(wait=False, kill_workers=True)
                _executor = None
            if isinstance(error, BrokenExecutor | TimeoutError):
                ended = "did not come to an end" if isinstance(error, TimeoutError) else "ended abruptly"
                raise GraphError(f"{who} {ended} on {what}, tried in a process of its own.") from error
            raise


def _submit(call: Callable[..., Result], *arguments: Any) -> Future[Result] | None:
    """Hand over a call; returns None where this process can have no other."""
    global _executor  # noqa: PLW0603  as above
    if _executor is not None:
        with contextlib.suppress(BrokenExecutor):  # it was ended from outside meanwhile
            return cast("Future[Result]", _executor.submit(call, *arguments))
    _executor = _start()
    return None if _executor is None else cast("Future[Result]", _executor.submit(call, *arguments))


def _start() -> Any:
    if multiprocessing.current_process().daemon:
        return None
    try:
        from loky import ProcessPoolExecutor
        from loky.backend import get_context
    except ImportError:  # a system without semaphores
        return None
    # A large graph leaves much behind, and the process is replaced: no leak that anybody could mend.
    warnings.filterwarnings("ignore", "A worker was restarted", UserWarning, "loky")
    executor = ProcessPoolExecutor(1, timeout=IDLE_SECONDS, context=get_context("loky"), initializer=_prepare)
    try:
        executor.submit(os.getpid).result(timeout=LONGEST_TRIAL)
    except (BrokenExecutor, TimeoutError, OSError):  # an interpreter that may not be run, or no memory to share
        executor.shutdown(wait=False, kill_workers=True)
        return None
    return executor


def _forget() -> None:
    """Start anew in a forked process, which has neither the threads of the other one nor a right to its processes."""
    global _executor, _lock
    _executor, _lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


@atexit.register
def _stop() -> None:
    if _executor is not None:
        _executor.shutdown(wait=True, kill_workers=True)


def _prepare() -> None:
    """Keep what a dying process prints to itself, and let it be the one that dies where memory runs out."""
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 2)
    limit_addresses(MOST_MEMORY)
    end_first()
