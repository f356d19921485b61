"""The vectors of a collection as one matrix in a file.

Conventions: a matrix is a ``.npy`` file in the cache, named by the digests of the tracks in their order and by all that
determines their vectors; beside it lies a record of which of the tracks are in it. It is written row by row, from
what was put aside on the disk as it came, and then mapped into memory.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from embviz.core import io
from embviz.core.cache import LARGEST_SHARE, Cache

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embviz.core.embedding import FrameGrid
    from embviz.core.progress import Report
    from embviz.extraction.extract import LayerSpec


FORMAT = 1
TIMES = 3  # of the times and spans of frames
KIND = "matrices"
CHECKED = 256 * 2**20  # bytes; larger matrices are not read through each time they are opened
DTYPE = np.dtype("<f4")


class RowBuffer:
    """Rows put aside on the disk, or in memory where that is not possible.

    The file has no buffer of its own: one that could not be written out would be tried again by every later call.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._end = 0
        self._in_memory: list[bytes] = []

    def add(self, rows: NDArray[np.float32]) -> int:
        """Put rows aside and return where they are."""
        data, at = np.ascontiguousarray(rows, DTYPE).tobytes(), self._end
        try:
            if self._file is None:
                self._file = _open_unlinked(self._folder, buffering=0)
            self._file.seek(at)
            if self._file.write(data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            self._in_memory.append(data)
            return -len(self._in_memory)
        self._end += len(data)
        return at

    def close(self) -> None:
        """Delete all that was put aside."""
        if self._file is not None:
            self._file.close()

    def rows(self, at: int, size: int) -> bytes:
        """Return the bytes of rows that were put aside."""
        if at < 0 or self._file is None:
            return self._in_memory[-at - 1]
        self._file.seek(at)
        return self._file.read(size)


@dataclass(frozen=True)
class TrackRows:
    """The rows of a track: where they are put aside, how many there are, their dimensions, spread and frame grid."""

    at: int
    rows: int
    dimensions: int
    spread: float
    grid: FrameGrid | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of its rows."""
        return self.rows * self.dimensions * DTYPE.itemsize


@dataclass(frozen=True)
class VectorMatrix:
    """Values ``[n, d]``; the place of each row's track among those asked for; times and spans of frames; spreads."""

    values: NDArray[np.float32]
    places: NDArray[np.int64]
    times: NDArray[np.float64] | None
    spans: NDArray[np.float64] | None
    spread: NDArray[np.float32] | None

    @classmethod
    def of(cls, values: NDArray[np.float32], beside: Mapping[str, NDArray[Any]]) -> VectorMatrix:
        """Return a matrix with the arrays beside it."""
        return cls(values, beside["places"], *(beside.get(name) for name in ("times", "spans", "spread")))


def identity(want: LayerSpec, pooling: str, digests: Sequence[str], store: Cache | None) -> dict[str, Any]:
    """Return the key of the matrix of some tracks; where a cache rounds, it may be made of what was rounded."""
    tracks = hashlib.blake2b(" ".join(digests).encode(), digest_size=20).hexdigest()
    key = {**want.key(""), "audio": tracks, "tracks": len(digests), "pooling": pooling, "matrix": FORMAT}
    key |= {"times": TIMES} if pooling == "frames" else {}
    return key | ({"precision": store.precision} if store and store.precision != "float32" else {})


def name(key: Mapping[str, Any]) -> str:
    """Return a digest of a key."""
    return hashlib.blake2b(json.dumps(key, sort_keys=True).encode(), digest_size=20).hexdigest()


def reopen(store: Cache | None, key: dict[str, Any]) -> VectorMatrix | None:
    """Return a matrix that was built before, or None."""
    if store is None:
        return None
    beside = store.load_arrays(KIND, key)
    if beside is None or "sum" not in beside:
        return None
    own, *shared = store.derived_paths(KIND, key, ".npy")
    for path in (own, *shared):
        values = _map_matrix(path, beside)
        if values is not None:
            if path == own:
                with contextlib.suppress(OSError):
                    os.utime(path)
            return VectorMatrix.of(values, beside)
    with contextlib.suppress(OSError):  # it is damaged, or there is none
        own.unlink()
    return None


def _map_matrix(path: Path, beside: Mapping[str, NDArray[Any]]) -> NDArray[np.float32] | None:
    """Return a matrix mapped into memory, or None where it is not what the arrays beside it were written with."""
    try:
        values: NDArray[np.float32] = np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError):
        return None
    whole = values.dtype == DTYPE and values.ndim == 2 and len(values) == len(beside["places"])
    if not whole or (values.nbytes <= CHECKED and zlib.crc32(values.data) != int(beside["sum"][0])):
        return None
    return values


def build(
    store: Cache | None, key: dict[str, Any], tracks: Sequence[TrackRows], buffer: RowBuffer, report: Report
) -> VectorMatrix:
    """Write the matrix of some tracks from the rows that were put aside, and open it; `key` is its :func:`identity`."""
    rows = np.array([track.rows for track in tracks])
    beside: dict[str, NDArray[Any]] = {"places": np.repeat(np.arange(len(tracks)), rows)}
    grids = [track.grid for track in tracks if track.grid is not None]
    if grids:
        beside["times"] = np.concatenate([grid.times for grid in grids])
        beside["spans"] = np.concatenate([grid.receptive_span(np.arange(grid.n_frames)) for grid in grids])
    else:
        beside["spread"] = np.array([track.spread for track in tracks], np.float32)
    values = _write_cached(store, key, tracks, buffer, beside, report) if store else None
    if values is None:
        values = _write_temporary(store, tracks, buffer, report)
    return VectorMatrix.of(values, beside)


def _write_cached(
    store: Cache,
    key: dict[str, Any],
    tracks: Sequence[TrackRows],
    buffer: RowBuffer,
    beside: dict[str, NDArray[Any]],
    report: Report,
) -> NDArray[np.float32] | None:
    """Write a matrix into the cache and return it mapped, or None where it cannot be kept."""
    if sum(track.nbytes for track in tracks) > LARGEST_SHARE * store.max_bytes:
        return None
    path = store.derived_path(KIND, key, ".npy")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with io.atomic_write(path) as file:
            checksum = _fill(file, tracks, buffer, report)
        values: NDArray[np.float32] = np.load(path, mmap_mode="r")
    except OSError as error:
        store.warn_unwritable(error)
        return None
    store.save_arrays(KIND, key, {**beside, "sum": np.array([checksum])})
    store.register(path)
    return values


def _write_temporary(
    store: Cache | None, tracks: Sequence[TrackRows], buffer: RowBuffer, report: Report
) -> NDArray[np.float32]:
    """Return a matrix in a nameless file, or in memory where there is no room for it."""
    shape = sum(track.rows for track in tracks), tracks[0].dimensions
    with contextlib.suppress(OSError), _open_unlinked(store.folder if store else None) as file:
        _fill(file, tracks, buffer, report)
        file.flush()
        return np.memmap(file, DTYPE, mode="r", offset=file.tell() - 4 * shape[0] * shape[1], shape=shape)
    values, row = np.empty(shape, np.float32), 0
    for track in tracks:
        rows = np.frombuffer(buffer.rows(track.at, track.nbytes), DTYPE)
        values[row : row + track.rows] = rows.reshape(track.rows, track.dimensions)
        row += track.rows
    return values


def _fill(file: IO[bytes], tracks: Sequence[TrackRows], buffer: RowBuffer, report: Report) -> int:
    """Write a ``.npy`` file from what was put aside, and return the checksum of its values."""
    shape = sum(track.rows for track in tracks), tracks[0].dimensions
    np.lib.format.write_array_header_1_0(file, {"descr": DTYPE.str, "fortran_order": False, "shape": shape})
    checksum, large = 0, DTYPE.itemsize * shape[0] * shape[1] > CHECKED
    for i, track in enumerate(tracks):
        if large and not i % 256:
            report("writing the vectors", i, len(tracks))
        data = buffer.rows(track.at, track.nbytes)
        checksum = zlib.crc32(data, checksum)
        file.write(data)
    return checksum


def _open_unlinked(folder: Path | None, *, buffering: int = -1) -> IO[bytes]:
    """Open a file that is gone with the process, in a folder if possible, since a system's own may be in memory."""
    if folder is not None:
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            return tempfile.TemporaryFile(prefix="embviz-", dir=folder, buffering=buffering)
    return tempfile.TemporaryFile(prefix="embviz-", buffering=buffering)
