"""How everything is measured: in rounds, side by side, in processes of their own.

Conventions: a *way* is something to be compared, a function without arguments that returns seconds. All ways take their
turn in each round, so that a machine that slows down slows all of them; figures are medians of the rounds, ratios are
medians of the rounds' own ratios, and both have the least and the greatest beside them.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import psutil

from benchmarks import ROOT
from benchmarks.tables import Cell, Figure

# What would change how many threads libraries use, and where compiled code is kept.
_SETTINGS = ("OPENBLAS_", "OMP_", "MKL_", "TF_NUM_", "NUMBA_")
_SAMPLING = 0.1  # seconds from one look at the memory to the next

# A process imports embviz from the checkout that is measured, and the benchmarks from here.
_PROCESS = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("benchmarks", sys.argv[1])
sys.modules["benchmarks"] = package = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
from benchmarks.process import serve
serve()
"""


class NotMeasured(Exception):  # noqa: N818  no error: a table shows the reason
    """Something cannot be measured here; the message says why."""


@dataclass(frozen=True)
class Options:
    """What was asked for.

    Parameters
    ----------
    quick : bool
        Small sizes and few rounds: to see that it works, not how fast.
    rounds : int, optional
        How often each way is measured; None leaves it to the benchmark.
    before : path, optional
        A checkout of an earlier commit to be measured beside this one.
    """

    quick: bool = False
    rounds: int | None = None
    before: Path | None = None

    def count(self, usual: int) -> int:
        """Return how many rounds there are where `usual` ones are enough."""
        return self.rounds or (1 if self.quick else usual)


@dataclass
class Rounds:
    """What all ways took, by name, in each round; or why a way was not measured."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    def figure(self, way: str, factor: float = 1.0, unit: str = "s") -> Cell:
        """Return the median of a way, times a factor."""
        return self.reasons.get(way) or figure_of((factor * each for each in self.seconds[way]), unit)

    def speed(self, way: str, amount: float, unit: str) -> Cell:
        """Return the median of how much of an amount a way does in a second."""
        return self.reasons.get(way) or figure_of((amount / each for each in self.seconds[way]), unit)

    def ratio(self, other: str, way: str) -> Cell:
        """Return how many times as fast as another way a way is."""
        if way in self.reasons or other in self.reasons:
            return None
        return figure_of((b / a for a, b in zip(self.seconds[way], self.seconds[other], strict=True)), "×")


def figure_of(values: Iterable[float], unit: str) -> Figure:
    """Return the median of some values, with the least and the greatest of them where there are several."""
    found = sorted(values)
    spread = (found[0], found[-1]) if len(found) > 1 else (None, None)
    return Figure(statistics.median(found), unit, *spread)


def interleave(ways: Mapping[str, Callable[[], float]], rounds: int, *, warm_up: int = 1) -> Rounds:
    """Let all ways take their turn in each round, and return what they took.

    The first rounds, in which libraries are loaded, do not count. Each round begins with another way. A way that raises
    NotMeasured is left out from there on, and the reason kept.
    """
    found, order = Rounds({name: [] for name in ways}), list(ways)
    for i in range(warm_up + rounds):
        for name in order[i % len(order) :] + order[: i % len(order)]:
            if name in found.reasons:
                continue
            try:
                seconds = ways[name]()
            except NotMeasured as reason:
                found.reasons[name] = str(reason)
                continue
            if i >= warm_up:
                found.seconds[name].append(seconds)
    return found


def seconds_of(call: Callable[..., Any], *arguments: Any, **options: Any) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    call(*arguments, **options)
    return time.perf_counter() - start


def clean_environment(checkout: Path = ROOT, home: Path | None = None) -> dict[str, str]:
    """Return the environment of a process that is measured: as it comes, with the embviz of a checkout."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)}
    kept |= {"PYTHONPATH": str(checkout), "TF_CPP_MIN_LOG_LEVEL": "3"}
    return kept | ({"EMBVIZ_HOME": str(home)} if home else {})


class Process:
    """A process that calls functions of the benchmarks, one after the other, with the embviz of a checkout.

    Parameters
    ----------
    checkout : path
        Folder in which the package embviz lies.
    home : path, optional
        What stands in EMBVIZ_HOME; None leaves it as it is.
    """

    def __init__(self, checkout: Path = ROOT, home: Path | None = None) -> None:
        self.began = time.perf_counter()
        self._process = subprocess.Popen(  # noqa: S603  our own interpreter and code
            [sys.executable, "-P", "-c", _PROCESS, str(ROOT / "benchmarks" / "__init__.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=clean_environment(checkout, home),
        )
        self.pid = self._process.pid
        self.processor = 0.0  # seconds of all cores together, up to the last call

    def call(self, name: str, /, **arguments: Any) -> Any:
        """Return what a function gives, ``"module:function"``; arguments and results are what JSON can hold.

        Raises NotMeasured where the function does, and where it fails.
        """
        assert self._process.stdin
        assert self._process.stdout
        try:
            self._process.stdin.write(json.dumps([name, arguments]).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise NotMeasured("the process has ended") from None
        line = self._process.stdout.readline()
        if not line:
            raise NotMeasured(f"the process ended with {self._process.wait()}")
        reply = json.loads(line)
        if "reason" in reply:
            raise NotMeasured(reply["reason"])
        self.processor = reply["processor"]
        return reply["result"]

    def close(self) -> None:
        """End it."""
        self._process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True)
class FreshRun:
    """What a call in a process of its own took.

    Parameters
    ----------
    result : object
        What it gave.
    seconds : float
        From the start of the process to the result.
    processor : float
        Seconds of all cores together, which other work on the machine hardly changes.
    peak : int
        Bytes of memory of the process and those that it started, at most.
    """

    result: Any
    seconds: float
    processor: float
    peak: int


def run_fresh(name: str, /, *, checkout: Path = ROOT, home: Path | None = None, **arguments: Any) -> FreshRun:
    """Call a function in a process of its own; see :meth:`Process.call`."""
    with Process(checkout, home) as process, PeakMemory(process.pid) as memory:
        result = process.call(name, **arguments)
        seconds = time.perf_counter() - process.began
    return FreshRun(result, seconds, process.processor, memory.peak)


class PeakMemory:
    """Looks at the memory of a process and of those that it started, several times a second.

    What processes share is divided among them where the system tells (Linux), and counted for each elsewhere.
    """

    def __init__(self, pid: int) -> None:
        self.peak = 0
        self._pid, self._ended = pid, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.peak = max(self.peak, tree_memory(self._pid))
            if self._ended.wait(_SAMPLING):
                return


def tree_memory(pid: int) -> int:
    """Return the bytes of memory that a process and those that it started have now."""
    try:
        processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return 0
    total = 0
    for process in processes:
        try:
            memory = process.memory_full_info()
        except psutil.Error:
            continue
        total += getattr(memory, "pss", memory.rss)
    return total
