"""What libraries compile with numba: kept between processes, and run by one of our threads at a time."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from embviz.core.paths import cache_dir

__all__ = ["compiling", "keep"]

# Where there is neither OpenMP nor TBB, two parallel kernels of numba at once end the process.
_one_at_a_time = threading.Lock()


@contextlib.contextmanager
def compiling() -> Iterator[None]:
    """Have numba keep its machine code in embviz's cache folder, unless the user chose another, and to ourselves."""
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


def keep(*modules: ModuleType) -> None:
    """Keep the machine code of functions that a library would compile anew in each process."""
    from numba.core.dispatcher import Dispatcher

    for module in modules:
        for function in vars(module).values():
            if isinstance(function, Dispatcher):
                with contextlib.suppress(RuntimeError):  # no folder to keep it in
                    function.enable_caching()
