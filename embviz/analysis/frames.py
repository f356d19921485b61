"""The frames of one track, as what follows them in time takes them: values, times, and the directions they deviate in.

Conventions: frames first, ``[t, d]``; seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embviz.core.embedding import FrameGrid, check_embedding
from embviz.core.text import plural
from embviz.core.vectors import Vectors
from embviz.errors import OptionError

# Networks compute in float32, in batches: what differs by less than this share of a frame's length is the same.
ROUNDING = 1e-5
ONE_DIRECTION, NEARLY_ALL = 0.95, 0.9  # a cosine, and a share of frames


@dataclass(frozen=True, eq=False)
class TrackFrames:
    """The frames of a track: `values` ``[t, d]``, `times` ``[t]`` and `edges` ``[t + 1]`` in seconds, and its names."""

    values: NDArray[np.float32]
    times: NDArray[np.float64]
    edges: NDArray[np.float64]
    duration: float
    period: float
    model: str
    layer: str
    title: str


def track_frames(source: Any) -> TrackFrames:
    """Return the frames of an embedding, or of vectors of the frames of one track; raises OptionError otherwise."""
    if not isinstance(source, Vectors):
        grid = check_embedding(source).grid
        return TrackFrames(
            source.values, grid.times, grid.edges, grid.duration, grid.period, source.model, source.layer, source.title
        )
    tracks = len(np.unique(source.tracks))
    if source.times is None or tracks != 1:
        found = f"frames of {plural(tracks, 'track')} were" if source.times is not None else "one vector per track was"
        raise OptionError(
            f"The frames of one track are expected, {found} found; use embed(…, pooling='frames').select([label])."
        )
    times, spans = source.times, source.spans
    period = float(np.median(np.diff(times))) if len(times) > 1 else 1.0
    edges = np.concatenate([[times[0] - period / 2], (times[1:] + times[:-1]) / 2, [times[-1] + period / 2]])
    edges = np.maximum(edges, 0)
    end = float(edges[-1]) if spans is None else float(spans[-1, 1])
    return TrackFrames(
        source.values, times, edges, end, period, source.model, source.layer, f"track {source.tracks[0]}"
    )


def pool_grid(grid: FrameGrid, per: int) -> FrameGrid:
    """Return the grid of runs of `per` frames; a run stands for what its frames stand for, taken together."""
    more, runs = (per - 1) * grid.hop, -(-grid.n_frames // per)
    field = grid.receptive_field + more
    if grid.patches is not None:
        # Steps lie up to half a hop of the patches from where even ones would, and from the middle of their patch.
        field += grid.patches.hop
    return replace(
        grid, hop=per * grid.hop, patch=grid.patch + more, receptive_field=field, n_frames=runs, patches=None
    )


def average_runs(values: NDArray[Any], per: int) -> NDArray[np.float64]:
    """Return the mean of every `per` frames, of what is finite; NaN where nothing is."""
    starts = np.arange(0, len(values), per)
    if not len(starts):
        return np.zeros((0, values.shape[1]))
    known = np.isfinite(values)
    total = np.add.reduceat(np.where(known, values, 0), starts, axis=0, dtype=np.float64)
    count = np.add.reduceat(known, starts, axis=0, dtype=np.int64)
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def unit_deviations(frames: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the direction in which each frame deviates from the mean over the track, and which frames say something.

    Parameters
    ----------
    frames : ndarray, shape [t, d]
        Values; a single one that is not finite counts as the mean.

    Returns
    -------
    units : ndarray, shape [t, d + 1], float64
        Vectors of length 1, whose products are cosines. The last column is 1 for frames that do not deviate: they are
        alike, and unrelated to the others. Frames without a single finite value are zeros.
    known : ndarray, shape [t], bool
        Which frames have a finite value.
    """
    finite = np.isfinite(frames)
    known = finite.any(axis=1)
    values = frames.astype(np.float64)
    # In units of the largest value, so that squares of huge or tiny ones stay numbers.
    largest = float(np.max(np.abs(values), initial=0, where=finite))
    values /= largest if largest > 0 else 1.0
    mean = np.sum(values, axis=0, where=finite) / np.maximum(finite.sum(axis=0), 1)
    deviation = np.where(finite, values - mean, 0)
    length = np.linalg.norm(deviation, axis=1)
    size = np.linalg.norm(np.where(finite, values, 0), axis=1).max(initial=0)
    still = length <= ROUNDING * size
    deviation /= np.where(still, 1, length)[:, None]
    deviation[still] = 0
    return np.column_stack([deviation, still & known]), known


def is_monotonous(units: NDArray[np.float64]) -> bool:
    """Return whether nearly all frames deviate in one direction, or none at all, as in silence: `units` says which.

    A constant sound has other frames only at its ends, where patches reach beyond it; all others deviate from the mean
    by as much as these move it.
    """
    if not units[:, :-1].any():
        return True
    mean = units.mean(axis=0)
    length = float(np.linalg.norm(mean))
    return length > 0 and float((units @ mean / length > ONE_DIRECTION).mean()) >= NEARLY_ALL
