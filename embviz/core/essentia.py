"""Essentia, imported once, quietly, when first needed; there are platforms without it."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import threading
from collections.abc import Callable
from functools import cache, partial
from types import ModuleType
from typing import Any

from embviz.errors import EngineError

BUILDS = ("2.1b6.dev1389", "2.1b6.dev1438")  # up to Python 3.13, and for 3.14
PLATFORMS = "Python 3.11 to 3.14 on Linux (x86-64 with glibc) and macOS (14 on Intel, 15 on Apple's processors)"


class Algorithm:
    """One of Essentia's algorithms, as the class of its name in ``essentia.standard`` is.

    Importing that module makes all 300 algorithms once, TensorFlow's among them, which takes ten times as long as what
    is needed here.
    """

    def __init__(self, name: str, /, **parameters: Any) -> None:
        self._native, self._common = load()
        self._algorithm = self._native.Algorithm(name)
        types = {key: self._algorithm.paramType(key) for key in parameters}
        self._algorithm.__configure__(**{key: self._convert(value, types[key]) for key, value in parameters.items()})
        self._types = [self._common.Edt(self._algorithm.inputType(key)) for key in self._algorithm.inputNames()]

    def __call__(self, *inputs: Any) -> Any:
        """Return the outputs for some inputs: one, or a tuple."""
        found = self._algorithm.__compute__(*map(self._convert, inputs, self._types))
        return self._common.Pool(found) if isinstance(found, self._native.Pool) else found

    def _convert(self, value: Any, kind: Any) -> Any:
        import numpy as np  # here: what asks for help in a terminal loads this module, too

        if isinstance(value, np.ndarray):
            return np.ascontiguousarray(value, np.float32)
        return self._common.convertData(getattr(value, "cppPool", value), kind)


class _Algorithms:
    """What stands for ``essentia.standard``."""

    def __getattr__(self, name: str) -> Callable[..., Algorithm]:
        return partial(Algorithm, name)


def standard() -> Any:
    """Return what has Essentia's algorithms as attributes, as ``essentia.standard`` has them, without its chatter."""
    return _Algorithms()


def is_installed() -> bool:
    """Tell whether Essentia with TensorFlow is installed; it has wheels for some platforms only."""
    return bool(version())


def check_installed(what: str) -> None:
    """Raise where Essentia is missing, saying what needs it."""
    if not is_installed():
        raise EngineError(f"{what} needs Essentia, which is not installed: {how_to_install()}.")


def describe_absence() -> str:
    """Return what is to be said where something else has failed that Essentia can do."""
    return f"Essentia, which may, is not installed: {how_to_install()}"


def how_to_install() -> str:
    """Return how Essentia is installed here, or which systems it has wheels for."""
    glibc = sys.platform == "linux" and platform.machine() == "x86_64" and platform.libc_ver()[0] == "glibc"
    if (glibc or sys.platform == "darwin") and sys.version_info < (3, 15):
        return f"pip install essentia-tensorflow=={BUILDS[sys.version_info >= (3, 14)]}"
    return f"it has wheels for {PLATFORMS}"


@cache
def load() -> tuple[ModuleType, ModuleType]:
    """Return Essentia's extension module and its conversions, with its and TensorFlow's chatter silenced."""
    check_installed("This")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet:
        import essentia
        from essentia import _essentia, common

    essentia.log.infoActive = False
    essentia.log.warningActive = False
    essentia.log.errorActive = False
    return _essentia, common


@cache
def version() -> str:
    """Return the version of the installed essentia-tensorflow, empty where there is none."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("essentia-tensorflow")
    except PackageNotFoundError:
        return ""


class _Quiet:
    """Drops what native code prints to stderr, which Python's ``sys.stderr`` does not see.

    Several threads may be inside: the first one in redirects, the last one out restores.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._kept = -1

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._kept = _redirect()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0 and self._kept >= 0:
                os.dup2(self._kept, 2)
                os.close(self._kept)


def _redirect() -> int:
    """Point file descriptor 2 to nowhere and return a copy of what it was; -1 where there is no stderr."""
    with contextlib.suppress(AttributeError, ValueError, OSError):
        sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:
        return -1
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 2)
    os.close(sink)
    return kept


quiet = _Quiet()
