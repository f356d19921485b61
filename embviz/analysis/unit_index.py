"""The index of a layer's dimensions over a collection: how each is distributed, and where it is highest and lowest.

Conventions: frames are those of :class:`~embviz.core.vectors.Vectors`, ``[n, d]``; the index holds them once more by
dimension, ``[d, n]``, so that all that one dimension says of a collection is one contiguous read. A *place* is the
share of frames that are below a value, from 0 to 1. A value that is not finite counts nowhere.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from embviz.core import io
from embviz.core.cache import LARGEST_SHARE, Cache, CacheOption, resolve_cache
from embviz.core.memmap import empty_array, release_pages
from embviz.core.own_vectors import frame_cells
from embviz.errors import OptionError, did_you_mean

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from embviz.core.progress import Report
    from embviz.core.vectors import Vectors

KIND = "units"
FORMAT = 1
BINS = 64  # of a histogram
BLOCK = 64 * 2**20  # bytes of frames that are turned at a time
CHECKED = 256 * 2**20  # bytes; larger columns are not read through each time they are opened
DTYPE = np.dtype("<f4")
FACTS = ("mean", "std", "minimum", "maximum", "zeros", "saturated", "finite")
STAGE = "indexing the dimensions"


@dataclass(frozen=True, eq=False)
class UnitIndex:
    """How the dimensions of frames are distributed, and where each is highest and lowest; :meth:`of` makes one.

    Parameters
    ----------
    vectors : Vectors
        The frames (or a vector per track).
    columns : ndarray, shape [d, n], float32
        Their values by dimension; memory-mapped where they are many.
    statistics : mapping of str to ndarray
        Of each dimension, ``[d]``: ``mean``, ``std``, ``minimum`` and ``maximum`` (NaN where no value is finite),
        ``zeros`` (share of frames that are 0), ``saturated`` (share of frames at the maximum), ``finite`` (share of
        frames that are finite); and its histogram, ``edges`` ``[d, 65]`` and ``counts`` ``[d, 64]``.
    hertz : ndarray, shape [positions, 2], or None
        Of feature maps, the lowest and the highest frequency that each position on the frequency axis has heard.
    where : Vectors or None
        Of feature maps, the position of each value on the frequency axis, beside the frames.
    """

    vectors: Vectors
    columns: NDArray[np.float32]
    statistics: dict[str, NDArray[Any]]
    hertz: NDArray[np.float64] | None = None
    where: Vectors | None = None

    @classmethod
    def of(cls, vectors: Vectors, *, cache: CacheOption = None, report: Report | None = None) -> UnitIndex:
        """Return the index of some frames, which is kept in the cache.

        Parameters
        ----------
        vectors : Vectors
            Frames of a collection; a vector per track is one frame of each.
        cache : Cache, False or None
            Where the index is kept, under the key of the vectors; None is the user's cache, False keeps nothing.
        report : callable, optional
            Called as ``report(stage, done, total)``; what it raises ends the work, of which nothing is kept.

        Returns
        -------
        UnitIndex

        Raises
        ------
        OptionError
            If there are no frames.

        Examples
        --------
        >>> from embviz.core.vectors import Vectors
        >>> vectors = Vectors(np.eye(3, 2, dtype=np.float32), np.arange(3), None, "a-model", "a-layer", "mean")
        >>> UnitIndex.of(vectors, cache=False).extremes(1, k=1).tolist()
        [1]
        """
        if not vectors.values.size:
            raise OptionError(f"There are no frames of {vectors.model} / {vectors.layer} to look at.")
        store, tell = resolve_cache(cache), report or (lambda *_: None)
        entry = {"vectors": vectors.key, "format": FORMAT}
        kept = store if vectors.key else None
        opened = _reopen(kept, entry, vectors) if kept else None
        columns, statistics = opened or _build(kept, entry, vectors, tell)
        return cls(vectors, columns, statistics)

    def __len__(self) -> int:
        """Return the number of dimensions."""
        return len(self.columns)

    def __repr__(self) -> str:
        d, n = self.columns.shape
        return f"<UnitIndex {self.vectors.model} / {self.vectors.layer}: {d} dimensions of {n:,} frames>"

    # Tracks and stretches. -------------------------------------------------------------------------------------------

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """The first frame of each track, ``[tracks]``, in the order of the frames."""
        tracks = self.vectors.tracks
        return np.flatnonzero(np.concatenate([[True], tracks[1:] != tracks[:-1]]))

    @cached_property
    def tracks(self) -> NDArray[np.int64]:
        """The label of each track, ``[tracks]``, in the order of the frames."""
        return np.asarray(self.vectors.tracks[self.starts])

    @cached_property
    def _stops(self) -> NDArray[np.int64]:
        return np.append(self.starts[1:], len(self.vectors))

    def spans(self, rows: ArrayLike) -> NDArray[np.float64] | None:
        """Return the stretches of sound that frames depend on.

        Parameters
        ----------
        rows : array_like of int, shape [k]
            Numbers of frames.

        Returns
        -------
        ndarray, shape [k, 2], or None
            First and last second; None where a vector stands for a whole track. Of frames of which only the times are
            known, the stretches that are nearer to them than to other frames.
        """
        return None if self._spans is None else self._spans[np.asarray(rows, dtype=np.int64)]

    @cached_property
    def _spans(self) -> NDArray[np.float64] | None:
        vectors = self.vectors
        if vectors.spans is not None or vectors.times is None:
            return vectors.spans
        return frame_cells(vectors.tracks, vectors.times)

    def frequencies(self, dimension: int, rows: ArrayLike) -> NDArray[np.float64] | None:
        """Return the frequencies that a channel of feature maps has heard where it was highest.

        Parameters
        ----------
        dimension : int
            Number of the channel.
        rows : array_like of int, shape [k]
            Numbers of frames.

        Returns
        -------
        ndarray, shape [k, 2], or None
            The lowest and the highest in Hz; None where the layer has no frequency axis.
        """
        if self.hertz is None or self.where is None:
            return None
        positions = self.where.values[np.asarray(rows, np.int64), dimension]
        return np.asarray(self.hertz[positions.astype(np.int64)])

    # Questions about one dimension. ----------------------------------------------------------------------------------

    def dimension(self, dimension: int | str) -> int:
        """Return the number of a dimension.

        Parameters
        ----------
        dimension : int or str
            Its number, or its name (``"128 BPM"``, a tag, ``"embedding_37"``), in letters of either case.

        Returns
        -------
        int

        Raises
        ------
        OptionError
            If there is no such dimension.
        """
        return find_dimension(self.vectors, dimension)

    def column(self, dimension: int) -> NDArray[np.float32]:
        """Return what a dimension is in each frame.

        Parameters
        ----------
        dimension : int
            Its number.

        Returns
        -------
        ndarray, shape [n], float32
        """
        return np.asarray(self.columns[dimension])

    def is_constant(self, dimension: int) -> bool:
        """Tell whether a dimension is the same in all frames, or in none finite.

        Parameters
        ----------
        dimension : int
            Its number.

        Returns
        -------
        bool
        """
        return not self.statistics["minimum"][dimension] < self.statistics["maximum"][dimension]

    def places(self, dimension: int, values: ArrayLike) -> NDArray[np.float64]:
        """Return the places of values in the distribution of a dimension.

        Parameters
        ----------
        dimension : int
            Its number.
        values : array_like of float, any shape

        Returns
        -------
        ndarray
            Share of the finite frames that are below each value; NaN for a value that is not finite.
        """
        column = self.column(dimension)
        ordered = np.sort(column[np.isfinite(column)])
        wanted = np.asarray(values, dtype=np.float32)
        below = np.searchsorted(ordered, wanted) / max(1, len(ordered))
        return np.where(np.isfinite(wanted), below, np.nan)

    def extremes(
        self,
        dimension: int,
        k: int = 20,
        *,
        per_track: int | None = 1,
        lowest: bool = False,
        tracks: Iterable[int] | None = None,
    ) -> NDArray[np.int64]:
        """Return the frames in which a dimension is highest.

        Parameters
        ----------
        dimension : int
            Its number.
        k : int
            How many frames.
        per_track : int or None
            How many of one track at most, None for as many as there are. Their stretches of sound do not overlap: of
            two that do, the one with the lower value is left out.
        lowest : bool
            Whether those are returned in which it is lowest.
        tracks : iterable of int, optional
            Labels of the tracks that are looked at; all by default.

        Returns
        -------
        ndarray, shape [up to k], int64
            Numbers of frames, the most extreme first; of equal ones, the first.
        """
        column = self.column(dimension)
        finite = np.isfinite(column)
        values = np.where(finite, -column if lowest else column, np.float32(-np.inf))
        best = np.maximum.reduceat(values, self.starts)
        if tracks is not None:
            best = np.where(np.isin(self.tracks, np.asarray(list(tracks), np.int64)), best, -np.inf)
        # A track of which a frame is among the k highest is itself among the k tracks that reach highest.
        runs = np.argsort(-best, kind="stable")[:k]
        runs = runs[best[runs] > -np.inf]
        most = k if per_track is None else per_track
        # That many tracks reach at least as high as the last of them: what is lower is not among the k highest.
        floor = float(best[runs[-1]]) if len(runs) == k else -np.inf
        found = [self._peaks(values, int(run), most, floor) for run in runs]
        rows = np.concatenate(found) if found else np.empty(0, np.int64)
        return rows[np.lexsort((rows, -values[rows]))][:k]

    def _peaks(self, values: NDArray[np.float32], run: int, most: int, floor: float) -> NDArray[np.int64]:
        """Return the highest frames of a track, down to a floor, whose stretches do not overlap."""
        start, stop = int(self.starts[run]), int(self._stops[run])
        own = values[start:stop].copy()
        if most == 1 or stop - start == 1:
            return np.array([start + int(np.argmax(own))])
        spans = self.spans(np.arange(start, stop))
        chosen: list[int] = []
        while len(chosen) < most:
            peak = int(np.argmax(own))
            if own[peak] < floor or own[peak] == -np.inf:
                break
            chosen.append(start + peak)
            own[peak] = -np.inf
            if spans is not None:
                own[(spans[:, 0] < spans[peak, 1]) & (spans[:, 1] > spans[peak, 0])] = -np.inf
        return np.array(chosen)


def find_dimension(vectors: Vectors, dimension: int | str) -> int:
    """Return the number of a dimension of some vectors, given by number or name; OptionError if there is none."""
    names, where = vectors.columns, f"{vectors.model} / {vectors.layer}"
    numbers = f"0 to {len(names) - 1}"
    if isinstance(dimension, str):
        if dimension in names:
            return names.index(dimension)
        folded = [name.casefold() for name in names]
        if dimension.casefold() in folded:
            return folded.index(dimension.casefold())
        if not vectors.labels:
            raise OptionError(
                f"The dimensions of {where} have no names, {dimension!r:.80} was found; give a number, {numbers}."
            )
        raise OptionError(f"{where} has no dimension {dimension!r:.80}.{did_you_mean(dimension, names)}")
    if isinstance(dimension, bool) or not isinstance(dimension, int | np.integer):
        raise OptionError(f"A dimension is a number, {numbers}, or a name; {dimension!r:.80} was found.")
    if not 0 <= dimension < len(names):
        raise OptionError(f"{where} has the dimensions {numbers}; {dimension} was found.")
    return int(dimension)


# Building and keeping. -----------------------------------------------------------------------------------------------


def _reopen(
    store: Cache, entry: dict[str, Any], vectors: Vectors
) -> tuple[NDArray[np.float32], dict[str, NDArray[Any]]] | None:
    """Return what was built before, or None."""
    kept = store.load_arrays(KIND, entry)
    if kept is None or "sum" not in kept:
        return None
    own, *shared = store.derived_paths(KIND, entry, ".npy")
    for path in (own, *shared):
        try:
            columns: NDArray[np.float32] = np.load(path, mmap_mode="r")
        except (OSError, ValueError, EOFError):
            continue
        whole = columns.dtype == DTYPE and columns.shape == vectors.shape[::-1]
        if whole and (columns.nbytes > CHECKED or zlib.crc32(columns.data) == int(kept["sum"][0])):
            if path == own:
                with contextlib.suppress(OSError):
                    os.utime(path)  # the time of last use
            return columns, {name: array for name, array in kept.items() if name != "sum"}
    return None


def _build(
    store: Cache | None, entry: dict[str, Any], vectors: Vectors, report: Report
) -> tuple[NDArray[np.float32], dict[str, NDArray[Any]]]:
    kept = _write(store, entry, vectors, report) if store else None
    columns = _turn(vectors, report) if kept is None else kept
    statistics, checksum = _survey(columns, report)
    if store and kept is not None:
        store.save_arrays(KIND, entry, {**statistics, "sum": np.array([checksum])})
    return columns, statistics


def _write(store: Cache, entry: dict[str, Any], vectors: Vectors, report: Report) -> NDArray[np.float32] | None:
    """Write the columns into the cache and return them mapped, or None where they cannot be kept."""
    n, d = vectors.shape
    if DTYPE.itemsize * n * d > LARGEST_SHARE * store.max_bytes:
        return None
    path = store.derived_path(KIND, entry, ".npy")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with io.atomic_write(path) as file:
            np.lib.format.write_array_header_1_0(file, {"descr": DTYPE.str, "fortran_order": False, "shape": (d, n)})
            _fill(file, vectors, report)
        columns: NDArray[np.float32] = np.load(path, mmap_mode="r")
    except OSError as error:
        store.warn_unwritable(error)
        return None
    store.register(path)
    return columns


def _fill(file: IO[bytes], vectors: Vectors, report: Report) -> None:
    """Write the values behind a header, dimension by dimension, though they are read some frames at a time."""
    begin, n = file.tell(), len(vectors)
    for rows in _blocks(vectors, report):
        turned = np.ascontiguousarray(vectors.values[rows].T, DTYPE)
        for i, part in enumerate(turned):
            file.seek(begin + DTYPE.itemsize * (i * n + rows.start))
            file.write(part.data)


def _turn(vectors: Vectors, report: Report) -> NDArray[np.float32]:
    """Return the columns in memory, or in a file without a name where they are large."""
    columns = empty_array(vectors.shape[::-1])
    for rows in _blocks(vectors, report):
        columns[:, rows] = vectors.values[rows].T
        release_pages(columns)
    return columns


def _blocks(vectors: Vectors, report: Report) -> Iterable[slice]:
    """Yield the frames in blocks, and tell how far it has come; the statistics are the other half."""
    n, d = vectors.shape
    step = max(1, BLOCK // (DTYPE.itemsize * d))
    for start in range(0, n, step):
        report(STAGE, start // 2, n)
        yield slice(start, min(n, start + step))
        release_pages(vectors.values)


def _survey(columns: NDArray[np.float32], report: Report) -> tuple[dict[str, NDArray[Any]], int]:
    """Return the statistics of each column, and the checksum of all."""
    d, n = columns.shape
    facts, edges = np.full((d, len(FACTS)), np.nan), np.full((d, BINS + 1), np.nan)
    counts = np.zeros((d, BINS), np.int64)
    checksum, every = 0, max(1, BLOCK // (DTYPE.itemsize * n))
    for i, column in enumerate(columns):
        if not i % every:
            report(STAGE, (n + n * i // d) // 2, n)
            release_pages(columns)
        values = np.asarray(column)
        checksum = zlib.crc32(values.data, checksum) if columns.nbytes <= CHECKED else 0
        facts[i], counts[i], edges[i] = _describe(values)
    report(STAGE, n, n)
    return dict(zip(FACTS, facts.T, strict=True)) | {"counts": counts, "edges": edges}, checksum


def _describe(
    values: NDArray[np.float32],
) -> tuple[list[float], NDArray[np.int64] | int, NDArray[np.float64] | float]:
    """Return the facts of a column, its histogram and the edges of that; sorted once, all of it is cheap."""
    known = np.sort(values[np.isfinite(values)])
    if not len(known):
        return [np.nan] * (len(FACTS) - 1) + [0.0], 0, np.nan
    low, high, n = float(known[0]), float(known[-1]), len(known)
    zero, above_zero, top = np.searchsorted(known, [0, np.nextafter(np.float32(0), np.float32(1)), known[-1]])
    facts = [known.mean(dtype=np.float64), known.std(dtype=np.float64), low, high]
    facts += [(above_zero - zero) / n, (n - top) / n, n / len(values)]
    # Around a constant, a bin of some width.
    edges = np.linspace(low, high, BINS + 1) if high > low else np.linspace(low - 0.5, high + 0.5, BINS + 1)
    return facts, np.diff(np.searchsorted(known, edges[1:-1]), prepend=0, append=n), edges
