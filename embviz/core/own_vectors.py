"""Vectors that do not come from a model of embviz: checked at the door, and brought into order; numpy only."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from embviz.core.embedding import FrameGrid
from embviz.core.text import plural
from embviz.errors import OptionError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

BLOCK = 1 << 22  # values looked at together
CLOCK = 1_000_000_000  # ticks per second of the grids of vectors that come from elsewhere


class HasTable(Protocol):
    """A collection: its table has a row for each track."""

    @property
    def table(self) -> pd.DataFrame:
        """The tracks by their labels."""


def check_arrays(
    values: ArrayLike,
    tracks: ArrayLike | HasTable,
    names: Sequence[str] | None,
    times: ArrayLike | None,
    spans: ArrayLike | None,
) -> tuple[dict[str, Any], tuple[str, ...], dict[int, str]]:
    """Return arrays that belong together, the names of the dimensions, and why tracks were left out, by label.

    Parameters and errors are those of :meth:`embviz.core.vectors.Vectors.from_array`.
    """
    points = _check_values(values)
    labels = _check_tracks(tracks, len(points))
    seconds = None if times is None else _check_numbers(times, (len(points),), "times, the centre of each frame in")
    if seconds is None and len(np.unique(labels)) < len(labels):
        raise OptionError(
            "One vector is expected for each track, there are several for one; say when they are: times=."
        )
    if seconds is None and spans is not None:
        raise OptionError("spans are expected beside times only: they are the stretches of sound of frames.")
    order = np.arange(len(points)) if seconds is None else _order_frames(labels, seconds)
    keep, failed = _split_finite(points, labels)
    order = order[keep[order]]
    if not np.array_equal(order, np.arange(len(points))):  # what is in order is not copied again
        points = points[order]
    arrays: dict[str, Any] = {"values": points, "tracks": labels[order]}
    if seconds is None:
        return {**arrays, "times": None}, _check_names(names, points.shape[1]), failed
    arrays["times"] = seconds[order]
    if spans is None:
        arrays["spans"] = frame_cells(arrays["tracks"], arrays["times"])
    else:
        arrays["spans"] = _check_spans(spans, len(labels))[order]
    return arrays, _check_names(names, points.shape[1]), failed


def even_grid(times: NDArray[np.float64], spans: NDArray[np.float64] | None) -> FrameGrid:
    """Return the grid of frames at some times; OptionError where these are not evenly spaced."""
    n = len(times)
    spans = frame_cells(np.zeros(n, np.int64), times) if spans is None else spans
    width = float(np.median(np.diff(spans, axis=1)))
    step = (times[-1] - times[0]) / (n - 1) if n > 1 else width
    even = times[0] + step * np.arange(n)
    if step <= 0 or np.abs(times - even).max() > step / 2:
        raise OptionError("The frames of a track are drawn where they are evenly spaced in time; these are not.")
    hop, first = max(1, round(step * CLOCK)), round(times[0] * CLOCK)
    end = max(float(spans[:, 1].max()), float(times[-1]))
    return FrameGrid(CLOCK, hop, hop, max(1, round(width * CLOCK)), first - hop // 2, n, max(1, round(end * CLOCK)))


def content_key(arrays: Mapping[str, Any], facts: Any) -> str:
    """Return a digest of arrays and of facts about them, which are JSON."""
    digest = hashlib.blake2b(json.dumps(facts, sort_keys=True).encode(), digest_size=20)
    for name, array in sorted(arrays.items()):
        if array is not None:
            digest.update(f"{name} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _check_values(values: ArrayLike) -> NDArray[np.float32]:
    try:
        found = np.asarray(values)
    except ValueError as error:  # rows of several lengths
        raise OptionError("Vectors are an array [n, d] of numbers; rows of several lengths were found.") from error
    if found.ndim != 2 or not found.size or found.dtype.kind not in "fiub":
        raise OptionError(
            "Vectors are an array [n, d] of numbers, with at least one of each; "
            f"an array of shape {found.shape} and type {found.dtype} was found."
        )
    with np.errstate(over="ignore"):  # what float32 cannot hold is not finite
        if isinstance(values, np.memmap) and found.dtype == np.float32 and found.flags.c_contiguous:
            return found  # it may not fit into memory
        return np.array(found, dtype=np.float32, order="C")


def _check_tracks(tracks: Any, n: int) -> NDArray[np.int64]:
    table = getattr(tracks, "table", tracks)
    found = np.asarray(table.index if hasattr(table, "columns") else table)
    if found.shape != (n,):
        raise OptionError(
            f"Each vector needs the label of its track: {n:,} are expected, an array of shape {found.shape} was found."
        )
    if found.dtype.kind not in "iu":
        raise OptionError(
            "Tracks are told by their labels in the table of the collection, which are whole numbers "
            f"(collection.table.index); values of type {found.dtype} were found."
        )
    return found.astype(np.int64)


def _check_numbers(given: ArrayLike, shape: tuple[int, ...], what: str) -> NDArray[np.float64]:
    try:
        found = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise OptionError(f"{what} seconds, are expected as numbers; others were found.") from error
    if found.shape != shape or not np.isfinite(found).all():
        wrong = f"of shape {found.shape}" if found.shape != shape else "that are not all finite"
        raise OptionError(f"{what} seconds, are expected as numbers of shape {shape}; numbers {wrong} were found.")
    return found


def _check_spans(spans: ArrayLike, n: int) -> NDArray[np.float64]:
    found = _check_numbers(spans, (n, 2), "spans, the first and the last of each frame's")
    if (found[:, 0] > found[:, 1]).any():
        raise OptionError("spans are the first and the last second of each frame; some stop before they start.")
    return found


def _check_names(names: Sequence[str] | None, dimensions: int) -> tuple[str, ...]:
    found = () if names is None else tuple(names)
    if isinstance(names, str) or not all(isinstance(name, str) for name in found):
        raise OptionError(f"names are expected as a list of texts, one per dimension; {names!r:.80} was found.")
    if names is not None and len(found) != dimensions:
        raise OptionError(f"A name is expected for each of {dimensions:,} dimensions, {len(found):,} were found.")
    return found


def _order_frames(labels: NDArray[np.int64], seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the order of the tracks as they come first, then of time."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.lexsort((seconds, first[inverse]))


def _split_finite(points: NDArray[np.float32], labels: NDArray[np.int64]) -> tuple[NDArray[np.bool_], dict[int, str]]:
    """Return which points are of tracks that have none but finite values, and why the other tracks are left out."""
    step = max(1, BLOCK // points.shape[1])
    finite = [np.isfinite(points[i : i + step]).all(axis=1) for i in range(0, len(points), step)]
    bad = np.unique(labels[~np.concatenate(finite)])
    keep = ~np.isin(labels, bad)
    if not len(bad):
        return keep, {}
    if not keep.any():
        raise OptionError(
            "Vectors of numbers are expected; not a single track has only finite ones (not NaN or infinite)."
        )
    which = ", ".join(map(str, bad[:5])) + ("" if len(bad) <= 5 else ", …")
    warnings.warn(
        f"The vectors of {plural(len(bad), 'track')} ({which}) are not finite (NaN or infinite) and are left out.",
        stacklevel=4,
    )
    return keep, {int(label): f"The vectors given for track {label} are not finite (NaN or infinite)." for label in bad}


def frame_cells(labels: NDArray[np.int64], seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each frame the stretch from half way to the one before to half way to the one behind."""
    step = np.diff(seconds)
    same = np.diff(labels) == 0
    usual = float(np.median(step[same])) if same.any() else np.inf
    before = np.append(np.nan, np.where(same, step, np.nan))
    behind = np.append(np.where(same, step, np.nan), np.nan)
    # The outermost reach as far as to their only neighbor; the single frame of a track begins where that does.
    left, right = np.where(np.isnan(before), behind, before), np.where(np.isnan(behind), before, behind)
    alone = np.minimum(usual, 2 * np.abs(seconds))
    left, right = np.where(np.isnan(left), alone, left), np.where(np.isnan(right), alone, right)
    start = seconds - left / 2
    return np.column_stack([np.where((start < 0) & (seconds >= 0), 0, start), seconds + right / 2])
