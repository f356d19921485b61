"""What a process may use, and which one is to end where memory runs out."""

from __future__ import annotations

import contextlib
import importlib
import os
import platform
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

resource: Any = None  # on Windows, where a process is limited by nobody but who waits for it
with contextlib.suppress(ImportError):
    resource = importlib.import_module("resource")


_CONTAINER = Path("/sys/fs/cgroup")  # limits of the container that this is, if it is one


def count_cores() -> int:
    """Return the number of cores that this process may use, on this machine and in this container."""
    mine = getattr(os, "sched_getaffinity", None)
    cores = len(mine(0)) if mine else os.cpu_count() or 1
    quota, period = [*_container_limits("cpu.max"), *_container_limits("cpu/cpu.cfs_*_us"), 0, 0][:2]
    return max(1, min(cores, -(-quota // period))) if quota > 0 and period > 0 else cores


def count_memory() -> int:
    """Return the bytes of memory that this process may use, on this machine and in this container."""
    import psutil

    limits = [*_container_limits("memory.max"), *_container_limits("memory/memory.limit_in_bytes")]
    return min([int(psutil.virtual_memory().total), *(limit for limit in limits if limit > 0)])


def count_threads() -> int:
    """Return how many threads this process is to compute with.

    It is its cores, or fewer where ``OMP_NUM_THREADS`` says so, as it does in processes that share a machine: libraries
    for linear algebra follow it, Dask sets it for its workers, and so does embviz.
    """
    with contextlib.suppress(ValueError):
        return max(1, min(count_cores(), int(os.environ.get("OMP_NUM_THREADS", "").split(",")[0])))
    return count_cores()


def _container_limits(pattern: str) -> list[int]:
    """Return the numbers in files that limit a container; none where there is no limit."""
    words: list[str] = []
    with contextlib.suppress(OSError, UnicodeDecodeError):
        # Where a pattern stands for two, the quota comes first, then the period.
        words = [word for path in sorted(_CONTAINER.glob(pattern), reverse=True) for word in path.read_text().split()]
    return [int(word) for word in words] if words and all(word.isdecimal() for word in words) else []


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
