"""Arrays in unlinked temporary files, for what may not fit into memory."""

from __future__ import annotations

import mmap
import tempfile
from typing import Any

import numpy as np
from numpy.typing import NDArray


def scratch_array(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return a zeroed float32 array whose pages the system can write out and drop."""
    with tempfile.TemporaryFile(prefix="embviz-") as file:
        file.truncate(4 * int(np.prod(shape)))
        return np.memmap(file, dtype=np.float32, mode="r+", shape=shape)


def release_pages(array: NDArray[Any]) -> None:
    """Take the pages of a scratch array out of the process; they come back when read. Others are left alone."""
    pages = getattr(array, "_mmap", None)
    if pages is not None and hasattr(mmap, "MADV_DONTNEED"):
        pages.madvise(mmap.MADV_DONTNEED)
