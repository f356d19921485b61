"""Arrays in unlinked temporary files, for what may not fit into memory."""

from __future__ import annotations

import contextlib
import mmap
import os
import tempfile
from typing import Any

import numpy as np
from numpy.typing import NDArray


def scratch_array(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return a zeroed float32 array whose pages the system can write out and drop; in memory where there is no room."""
    size = 4 * int(np.prod(shape))
    with contextlib.suppress(OSError), tempfile.TemporaryFile(prefix="embviz-") as file:
        if hasattr(os, "posix_fallocate") and size:
            os.posix_fallocate(file.fileno(), 0, size)  # a page that finds no room later ends the process
        else:
            file.truncate(size)
        return np.memmap(file, dtype=np.float32, mode="r+", shape=shape)
    return np.zeros(shape, np.float32)


def release_pages(array: NDArray[Any]) -> None:
    """Take the pages of a scratch array out of the process; they come back when read. Others are left alone."""
    pages = getattr(array, "_mmap", None)
    if pages is not None and hasattr(mmap, "MADV_DONTNEED"):
        pages.madvise(mmap.MADV_DONTNEED)
