"""From the frames of a track to one vector.

Conventions: a *record* holds what all ways of pooling need: ``rows``, ``[4, d]``, the mean, the standard deviation (of
the frames, not of a sample of them), the maximum and the median over time; and ``facts``: the spread, the number of
frames, and the seconds of the track. It is a few kilobytes, and outlives the frames.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.errors import OptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray


KIND = "pooled"
FORMAT = 2  # of records: part of every key
ROWS = ("mean", "std", "max", "median")
#: Ways to make one vector of a track's frames, with what a page calls them.
TITLES = {"mean": "mean", "mean+std": "mean + spread", "max": "maximum", "median": "median"}
POOLINGS = (*TITLES, "frames")
#: Those whose vectors lie among the vectors of frames.
AMONG_FRAMES = ("mean", "max", "median")
NOT_FINITE = "The model gave values for it that are not finite (NaN or infinite)."
BLOCK = 1 << 23  # values looked at together: a median copies them

Record = dict[str, "NDArray[Any]"]


def check_pooling(pooling: Any) -> str:
    """Return a way of pooling, checked to be one."""
    if pooling not in POOLINGS:
        raise OptionError(f"pooling is one of {', '.join(POOLINGS)}, {pooling!r:.80} was found.")
    return str(pooling)


def record_key(frames: Mapping[str, Any]) -> dict[str, Any]:
    """Return the key of a record from the key of the frames."""
    return {**frames, "pooled": FORMAT}


def compute_record(values: NDArray[np.float32], seconds: float) -> Record:
    """Return the record of a track from its frames, ``[t, d]``, and its length."""
    frames, dimensions = values.shape
    rows = np.empty((len(ROWS), dimensions), np.float32)
    variance = 0.0
    step = max(1, BLOCK // max(1, frames))
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is what finite() is for
        for start in range(0, dimensions, step):
            some = slice(start, start + step)
            block = np.asarray(values[:, some], dtype=np.float64)
            std = block.std(axis=0)
            variance += float(np.square(std).sum())
            rows[:, some] = block.mean(axis=0), std, block.max(axis=0), np.median(block, axis=0)
    return {"rows": rows, "facts": np.array([math.sqrt(variance), frames, seconds])}


def pool_record(found: Mapping[str, NDArray[Any]], pooling: str) -> NDArray[np.float32]:
    """Return the vector of a track, ``[d]``, or ``[2 d]`` for the mean and the standard deviation."""
    return np.concatenate([found["rows"][ROWS.index(part)] for part in pooling.split("+")])


def pooled_labels(labels: tuple[str, ...], pooling: str) -> tuple[str, ...]:
    """Return the names of a vector's dimensions from those of a frame's."""
    parts = pooling.split("+")
    return labels if len(parts) == 1 else tuple(f"{label} {part}" for part in parts for label in labels)
