"""What a process may use, and which one is to end where memory runs out."""

from __future__ import annotations

import contextlib
import importlib
import os
import platform
from collections.abc import Iterator
from functools import cache
from typing import Any

resource: Any = None  # on Windows, where a process is limited by nobody but who waits for it
with contextlib.suppress(ImportError):
    resource = importlib.import_module("resource")


def count_cores() -> int:
    """Return the number of cores that this process may use."""
    mine = getattr(os, "sched_getaffinity", None)
    return len(mine(0)) if mine else os.cpu_count() or 1


def count_memory() -> int:
    """Return the bytes of memory that this machine has."""
    import psutil

    return int(psutil.virtual_memory().total)


@cache
def processor_name() -> str:
    """Return what this machine calls its processor."""
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def end_first() -> None:
    """Have the system end this process first where memory runs out, and not the one that asks; Linux alone can."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as score:  # noqa: PTH123
        score.write("1000")


def leave_no_core_dump() -> None:
    """Have nothing written of this process where it ends abruptly."""
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def limit_addresses(size: int) -> None:
    """Have allocations fail that take this process beyond a number of bytes of addresses."""
    if resource is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (_at_most(size, hard), hard))


@contextlib.contextmanager
def limit_processor_time(seconds: float) -> Iterator[None]:
    """End this process where what is inside takes more of the processor's time than that."""
    if resource is None:
        yield
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    limit = int(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (_at_most(limit, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


@contextlib.contextmanager
def limit_memory(size: int) -> Iterator[None]:
    """Have allocations fail inside that take this process more than a number of bytes further."""
    if resource is None:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (_at_most(_data_size() + size, hard), hard))
    try:
        yield
    finally:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _at_most(limit: int, hard: int) -> int:
    return limit if hard == resource.RLIM_INFINITY else min(limit, hard)


def _data_size() -> int:
    """Return the bytes of data that this process has mapped; 0 where the system does not tell."""
    with contextlib.suppress(OSError, ValueError), open("/proc/self/statm") as file:  # noqa: PTH123
        return int(file.read().split()[5]) * int(resource.getpagesize())
    return 0
