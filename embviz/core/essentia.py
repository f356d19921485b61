"""Essentia, imported once, quietly, when first needed."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from functools import cache
from types import ModuleType
from typing import Any


@cache
def standard() -> ModuleType:
    """Return ``essentia.standard`` with its and TensorFlow's chatter silenced."""
    native()
    with quiet:
        import essentia.standard
    return essentia.standard  # type: ignore[no-any-return]


def compute(algorithm: str, *inputs: Any, **parameters: Any) -> Any:
    """Return what one of Essentia's algorithms gives, without :func:`standard`, whose import makes all of them first.

    Nothing is converted: parameters are float, int or str as the algorithm declares them, inputs contiguous float32.
    """
    one = native().Algorithm(algorithm)
    one.__configure__(**parameters)
    return one.__compute__(*inputs)


@cache
def native() -> ModuleType:
    """Return Essentia's extension module, quiet."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet:
        import essentia
        from essentia import _essentia

    essentia.log.infoActive = False
    essentia.log.warningActive = False
    essentia.log.errorActive = False
    return _essentia  # type: ignore[no-any-return]


@cache
def version() -> str:
    """Return the version of the installed essentia-tensorflow."""
    from importlib.metadata import version as installed

    return installed("essentia-tensorflow")


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
