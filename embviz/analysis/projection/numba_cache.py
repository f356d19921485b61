"""Machine code of numba: cached between processes, and run by one thread at a time."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from embviz.core.paths import cache_dir

# Where there is neither OpenMP nor TBB, two parallel kernels of numba at once end the process.
_one_at_a_time = threading.Lock()


@contextlib.contextmanager
def use_numba_cache() -> Iterator[None]:
    """Let numba cache machine code in embviz's folder, unless the user chose another, in one thread at a time."""
    import numba

    config: Any = numba.config

    folder = cache_dir() / "numba"
    with _one_at_a_time:
        chosen = config.CACHE_DIR
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
        if not chosen and os.access(folder, os.W_OK):
            config.CACHE_DIR = str(folder)
        try:
            yield
        finally:
            config.CACHE_DIR = chosen


def enable_caching(*modules: ModuleType) -> None:
    """Cache the machine code of functions that a library would compile anew in each process."""
    from numba.core.dispatcher import Dispatcher

    for module in modules:
        for function in vars(module).values():
            if isinstance(function, Dispatcher):
                with contextlib.suppress(RuntimeError):  # no folder to keep it in
                    function.enable_caching()
