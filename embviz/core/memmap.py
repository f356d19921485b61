"""Arrays in unlinked temporary files, for what may not fit into memory."""

from __future__ import annotations

import contextlib
import math
import mmap
import os
import tempfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

IN_MEMORY = 128 * 2**20  # bytes; larger results live in an unlinked file


def empty_array(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return a float32 array to be filled: in memory where it is small, else one of :func:`scratch_array`."""
    return np.empty(shape, np.float32) if 4 * math.prod(shape) <= IN_MEMORY else scratch_array(shape)


def scratch_array(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return a zeroed float32 array whose pages the system can write out and drop; in memory where there is no room."""
    size = 4 * math.prod(shape)
    with contextlib.suppress(OSError), tempfile.TemporaryFile(prefix="embviz-") as file:
        if hasattr(os, "posix_fallocate") and size:
            os.posix_fallocate(file.fileno(), 0, size)  # a page that finds no room later ends the process
        else:
            file.truncate(size)
        return np.memmap(file, dtype=np.float32, mode="r+", shape=shape)
    return np.zeros(shape, np.float32)


def release_pages(array: NDArray[Any]) -> None:
    """Take the pages of the file that an array lies in out of the process; they come back when read.

    Arrays that lie in no file are left alone.
    """
    owner: Any = array
    while owner is not None and not hasattr(owner, "_mmap"):
        owner = getattr(owner, "base", None)
    pages = getattr(owner, "_mmap", None)
    if pages is not None and hasattr(mmap, "MADV_DONTNEED"):
        pages.madvise(mmap.MADV_DONTNEED)
