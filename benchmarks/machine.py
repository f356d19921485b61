"""The machine that is measured: what it is, what its matrix product gives, and what else it does."""

from __future__ import annotations

import platform
import subprocess
import sys
import time
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from benchmarks.measuring import NotMeasured, Process
from embviz.core.processes import count_cores

SIDE = 2048  # rows and columns of the matrices
PACKAGES = ("numpy", "onnxruntime", "essentia-tensorflow")


@cache
def processor() -> str:
    """Return the name of the processor."""
    if sys.platform == "darwin":
        command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def matrix_product(seconds: float = 1.0, threads: int | None = None) -> float:
    """Return the GFLOP/s of float32 matrix products of NumPy in this process: the best of some time."""
    import numpy as np
    from threadpoolctl import threadpool_limits

    a = np.random.default_rng(0).standard_normal((SIDE, SIDE), dtype=np.float32)
    out, best, begin = np.empty_like(a), 0.0, time.perf_counter()
    with threadpool_limits(threads):
        while time.perf_counter() - begin < seconds:
            start = time.perf_counter()
            np.matmul(a, a, out=out)
            best = max(best, 2e-9 * SIDE**3 / (time.perf_counter() - start))
    return best


@cache
def describe_machine() -> str:
    """Return a line on this machine: processor, cores, matrix product, memory, system, libraries."""
    with Process() as process:
        try:
            speed = f"{process.call('benchmarks.machine:matrix_product'):.0f} GFLOP/s in a matrix product, "
        except NotMeasured:
            speed = ""
    libraries = []
    for name in PACKAGES:
        try:
            libraries.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{count_cores()} cores of {processor()}, {speed}{memory:.0f} GiB, {platform.system()}, "
        f"Python {platform.python_version()}, {', '.join(libraries)}"
    )


class OtherWork:
    """How much of the machine other processes took while something was measured."""

    def __init__(self) -> None:
        self._begin = self._times()

    @staticmethod
    def _times() -> tuple[float, float, float]:
        every, own = psutil.cpu_times(), psutil.Process().cpu_times()
        ours = own.user + own.system + getattr(own, "children_user", 0.0) + getattr(own, "children_system", 0.0)
        return sum(every), every.idle + getattr(every, "iowait", 0.0), ours

    def describe(self) -> str:
        """Return it in words, empty where the machine did nothing else."""
        every, idle, ours = (now - then for now, then in zip(self._times(), self._begin, strict=True))
        share = (every - idle - ours) / every if every else 0.0
        return f"; other work took {share:.0%} of the machine" if share > 0.03 else ""
