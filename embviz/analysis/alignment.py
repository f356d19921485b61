"""Alignment of two tracks in time: which moment of one is which of the other, by dynamic time warping of their frames.

Conventions: frames first, ``[t, d]``; seconds of each track. What two frames have in common is the cosine of the
directions in which each deviates from the mean of its own track, so that a difference that lasts, of loudness, of sound
or of key, does not count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from embviz.analysis.frames import TrackFrames, average_runs, is_monotonous, track_frames, unit_deviations
from embviz.core.embedding import Embedding
from embviz.core.options import check_number
from embviz.core.progress import Report
from embviz.core.text import format_duration
from embviz.core.vectors import Vectors
from embviz.errors import OptionError

#: Likeness from which on two tracks are the same piece: other takes of the ten sample tracks have 0.3 and more, other
#: tracks 0.22 at most, over layers of MusiCNN and VGG-I.
SAME_PIECE = 0.25
EVERYTHING = 1000  # frames of each track up to which all are compared with all
RADIUS = 32  # frames beside the path of twice as coarse frames that are looked at
UNHEARD = 0.005  # cost that a second encoding has, too
FEWEST = 4  # frames of a track whose order says something


@dataclass(frozen=True, eq=False)
class Alignment:
    """Which moment of a track is which of another, as :func:`embviz.align` returns it.

    Parameters
    ----------
    path : ndarray, shape [k, 2], float64
        Pairs of moments in seconds, of the first and of the second track; neither ever goes back.
    cost : float
        Mean over the path of 1 minus the cosine of the two frames, 0 … 2.
    likeness : float
        How much less it costs than with the second track played backwards, as a share: 1 for the same sound, about 0
        for two pieces that have nothing to do with each other, whose frames are as alike in any order. NaN where the
        order of frames says nothing: fewer than four, or nearly all the same, as in silence.
    durations : (float, float)
        Lengths of the tracks in seconds.
    titles : (str, str)
        Their names.
    model, layer : str
        Whose frames were compared.
    """

    path: NDArray[np.float64]
    cost: float
    likeness: float
    durations: tuple[float, float]
    titles: tuple[str, str]
    model: str
    layer: str

    @property
    def same_piece(self) -> bool:
        """Whether the likeness is 0.25 or more, as it is with other takes, tempos, keys and cuts of the same piece."""
        return self.likeness >= SAME_PIECE

    @overload
    def map(self, time: float, *, inverse: bool = ...) -> float: ...
    @overload
    def map(self, time: ArrayLike, *, inverse: bool = ...) -> NDArray[np.float64]: ...
    def map(self, time: Any, *, inverse: bool = False) -> Any:
        """Return where a moment of the first track is in the second.

        Parameters
        ----------
        time : float or array_like of float, any shape
            Seconds of the first track.
        inverse : bool
            Whether the other way round: from the second to the first.

        Returns
        -------
        float or ndarray
            Seconds inside the other track, of the shape of `time`.

        Raises
        ------
        OptionError
            If a time is NaN, or no number.

        Examples
        --------
        >>> alignment = embviz.align("take 1.wav", "take 2.wav")  # doctest: +SKIP
        >>> alignment.map(62.0)  # doctest: +SKIP
        58.4
        """
        try:
            seconds = np.asarray(time, dtype=np.float64)
        except (TypeError, ValueError):
            seconds = np.asarray(np.nan)
        if np.isnan(seconds).any():
            raise OptionError(f"A time is expected in seconds, {time!r:.80} was found.")
        here, there = self.path.T[::-1] if inverse else self.path.T
        at, places = np.unique(here, return_inverse=True)
        mean = np.bincount(places, there) / np.bincount(places)
        found = np.interp(seconds, at, mean) + np.minimum(seconds - at[0], 0) + np.maximum(seconds - at[-1], 0)
        found = np.clip(found, 0, self.durations[0 if inverse else 1])
        return found if seconds.ndim else float(found)

    def __repr__(self) -> str:
        first, second = (
            f"{title or 'audio'} ({format_duration(seconds)})"
            for title, seconds in zip(self.titles, self.durations, strict=True)
        )
        what = "the same piece" if self.same_piece else "not the same piece"
        if np.isnan(self.likeness):
            what = "too little changes to tell whether they are the same piece"
        return f"<Alignment {self.model} / {self.layer}: {first} and {second}: {what}, likeness {self.likeness:.2f}>"


def align_frames(
    first: Embedding | Vectors, second: Embedding | Vectors, *, hop: float = 0.2, report: Report | None = None
) -> Alignment:
    """Return the alignment of two tracks whose frames are known.

    Parameters
    ----------
    first, second : Embedding, or Vectors of the frames of one track
        Of the same layer.
    hop : float
        Seconds. Frames that come more often are averaged in runs.
    report : callable, optional
        Called as ``report(stage, done, total)``; what it raises ends it.

    Returns
    -------
    Alignment

    Raises
    ------
    OptionError
        If these are no frames, or not of the same layer.

    Notes
    -----
    All frames are compared with all up to 1,000 of each track. Where there are more, the path is found for runs of
    frames first, and made finer beside it, so that neither time nor memory grows with the product of both lengths.

    References
    ----------
    H. Sakoe and S. Chiba, "Dynamic programming algorithm optimization for spoken word recognition", IEEE ASSP 1978.
    S. Salvador and P. Chan, "FastDTW: Toward accurate dynamic time warping in linear time and space", 2004.
    """
    tracks = track_frames(first), track_frames(second)
    _check_layers(*tracks)
    check_number(hop, "hop is a number of seconds above 0", above=0)
    (x, x_times), (y, y_times) = (_pool(track, hop) for track in tracks)
    if not len(x) or not len(y):
        raise OptionError("There are no frames to align in one of the tracks.")
    tell = report or (lambda *_: None)
    path, cost = _warp(x, y, tell)
    return Alignment(
        np.column_stack([x_times[path[:, 0]], y_times[path[:, 1]]]),
        cost,
        measure_likeness(x, y, tell),
        (tracks[0].duration, tracks[1].duration),
        (tracks[0].title, tracks[1].title),
        tracks[0].model,
        tracks[0].layer,
    )


def _check_layers(first: TrackFrames, second: TrackFrames) -> None:
    layers = [f"{track.model} / {track.layer}" for track in (first, second)]
    dimensions = [track.values.shape[1] for track in (first, second)]
    if layers[0] != layers[1] or dimensions[0] != dimensions[1]:
        found = [f"{layer} ({d} dimensions)" for layer, d in zip(layers, dimensions, strict=True)]
        raise OptionError(f"Frames of the same layer are aligned, {found[0]} and {found[1]} were found.")


def _pool(track: TrackFrames, hop: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the means and the times of runs of frames that are about `hop` seconds long."""
    per = max(1, int(hop / track.period + 1e-6))
    return average_runs(track.values, per), average_runs(track.times[:, None], per)[:, 0]


def measure_likeness(x: NDArray[Any], y: NDArray[Any], report: Report | None = None) -> float:
    """Return the likeness of an :class:`Alignment` of the frames of two tracks, ``[n, d]`` and ``[m, d]``."""
    per = -(-max(len(x), len(y)) // EVERYTHING)
    x, y = average_runs(x, per), average_runs(y, per)
    if min(len(x), len(y)) < FEWEST or any(is_monotonous(unit_deviations(values)[0]) for values in (x, y)):
        return float("nan")
    tell = report or (lambda *_: None)
    (_, cost), (_, chance) = _warp(x, y, tell), _warp(x, y[::-1], tell)
    # Tracks that hardly change are as alike backwards; that they are the same is no less true.
    return 1.0 if cost < UNHEARD else max(-1.0, 1 - cost / max(chance, UNHEARD))


# Dynamic time warping. -----------------------------------------------------------------------------------------------


def _warp(x: NDArray[np.float64], y: NDArray[np.float64], report: Report) -> tuple[NDArray[np.int64], float]:
    """Return the cheapest path through two tracks, ``[k, 2]``, and its mean cost."""
    n, m = len(x), len(y)
    if max(n, m) <= EVERYTHING:
        low, high = np.zeros(n, np.int64), np.full(n, m)
    else:
        coarse, _ = _warp(average_runs(x, 2), average_runs(y, 2), report)
        low, high = _band(coarse, n, m)
    units = [unit_deviations(values)[0].astype(np.float32) for values in (x, y)]
    sums = _accumulate(units[0], units[1], low, high, report)
    path = _trace(sums, low, high)
    costs = 1 - np.einsum("kd,kd->k", units[0][path[:, 0]], units[1][path[:, 1]])
    return path, float(np.clip(costs, 0, 2).mean())


def _band(coarse: NDArray[np.int64], n: int, m: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first column of each row that lies beside the path of frames twice as coarse, and the one behind."""
    rows = -(-n // 2)
    first, last = np.full(rows, m), np.zeros(rows, np.int64)
    np.minimum.at(first, coarse[:, 0], 2 * coarse[:, 1])
    np.maximum.at(last, coarse[:, 0], 2 * coarse[:, 1] + 2)
    at = np.arange(n)
    low = first[np.maximum(at - RADIUS, 0) // 2] - RADIUS
    high = last[np.minimum(at + RADIUS, n - 1) // 2] + RADIUS
    return np.maximum(low, 0), np.minimum(high, m)


def _accumulate(
    x: NDArray[np.float32], y: NDArray[np.float32], low: NDArray[np.int64], high: NDArray[np.int64], report: Report
) -> list[NDArray[np.float64]]:
    """Return the cost of the cheapest path to each cell of the band, row by row.

    A step goes one frame on in either track, or in both, and costs what the cell costs that it leads to.
    """
    sums: list[NDArray[np.float64]] = []
    for i, (start, stop) in enumerate(zip(low, high, strict=True)):
        if not i % 256:
            report("aligning", i, len(x))
        cost = np.clip(1 - y[start:stop] @ x[i], 0, 2).astype(np.float64)
        along = np.cumsum(cost)
        if not i:
            sums.append(along)
            continue
        # The row before, from one column before the first of this one.
        above = np.full(stop - start + 1, np.inf)
        begin, end = max(start - 1, low[i - 1]), min(stop, high[i - 1])
        above[begin - start + 1 : end - start + 1] = sums[-1][begin - low[i - 1] : end - low[i - 1]]
        # Along the row, a sum is that of an entry from above plus the costs behind it.
        entry = np.minimum(above[:-1], above[1:]) - (along - cost)
        sums.append(along + np.minimum.accumulate(entry))
    report("aligning", len(x), len(x))
    return sums


def _trace(sums: list[NDArray[np.float64]], low: NDArray[np.int64], high: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the cells of the cheapest path from the first to the last cell, ``[k, 2]``."""

    def cost(i: int, j: int) -> float:
        return float(sums[i][j - low[i]]) if i >= 0 and low[i] <= j < high[i] else np.inf

    i, j = len(sums) - 1, int(high[-1]) - 1
    path = [(i, j)]
    while i or j:
        # Where two are as cheap, both tracks go on.
        ways = [(cost(i - 1, j - 1), 0, i - 1, j - 1), (cost(i - 1, j), 1, i - 1, j), (cost(i, j - 1), 2, i, j - 1)]
        _, _, i, j = min(ways)
        path.append((i, j))
    return np.array(path[::-1])
