"""Near-duplicates: recordings that are in a collection more than once, as another encoding, a remaster, a cut version.

Conventions: frames first, ``[t, d]``; a *lag* is how many frames later a moment of the first track is in the second. As
for alignments, two frames have in common the cosine of the directions in which each deviates from the mean of its own
track, so that a loudness, an equalisation or a key that lasts does not count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embviz.analysis.alignment import SAME_PIECE, align_frames, measure_likeness
from embviz.analysis.frames import unit_deviations
from embviz.analysis.neighbors import nearest_neighbors
from embviz.core.cache import CacheOption
from embviz.core.embedding import Embedding
from embviz.core.progress import Report
from embviz.core.vectors import Vectors

LEAST_OVERLAP = 0.5  # of the shorter track
FEWEST = 10  # frames that overlap, from which on they are evidence
ALIKE = 0.5  # cosine of two frames that count as aligned
PROMISING = 0.3  # mean cosine of a model's own frames; other recordings of ten tracks have 0.23 at most
CERTAIN = 0.8  # mean cosine from which on another speed is not looked for
BETTER = 0.01  # what another speed must gain
SPEEDS = (0.8, 1.25)
NEAR_SPEEDS = 1 + 0.001 * np.arange(-6, 7)


@dataclass(frozen=True)
class Match:
    """How one track lies on another.

    Parameters
    ----------
    similarity : float
        Mean cosine of the frames that overlap, -1 … 1.
    aligned : float
        Share of the shorter track, 0 … 1, whose frames are alike.
    offset : float
        Seconds of the first track at which the second one begins; below 0 where it begins before.
    speed : float
        Of the second track, as a multiple of that of the first.
    level : float
        Decibels by which the second is louder; NaN where that is not known.
    """

    similarity: float
    aligned: float
    offset: float
    speed: float
    level: float


def candidate_pairs(
    values: NDArray[np.float32], k: int, *, cache: CacheOption = None, report: Report | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs of vectors of which one is among the `k` nearest of the other, and how near.

    Returns
    -------
    pairs : ndarray, shape [p, 2], int64
        Rows, the lower one first.
    ranks : ndarray, shape [p], int64
        0 where one is the nearest of the other, and so on.
    """
    if len(values) < 2:
        return np.zeros((0, 2), np.int64), np.zeros(0, np.int64)
    near = nearest_neighbors(values, k, cache=cache, report=report).indices
    rows, ranks = (np.ravel(numbers) for numbers in np.indices(near.shape))
    pairs = np.sort(np.stack([rows, near.ravel()], axis=1), axis=1)
    order = np.argsort(ranks, kind="stable")
    unique, first = np.unique(pairs[order], axis=0, return_index=True)
    return unique.astype(np.int64), ranks[order][first]


def best_lag(x: NDArray[np.float64], y: NDArray[np.float64], fewest: int) -> tuple[int, float]:
    """Return the lag at which two tracks are most alike, and the mean cosine of the frames that overlap there.

    Parameters
    ----------
    x, y : ndarray, shapes [n, d] and [m, d]
        Vectors of length 1, as :func:`~embviz.analysis.frames.unit_deviations` gives them.
    fewest : int
        Frames that overlap at least; fewer than that, and the mean is NaN.
    """
    from scipy.fft import irfft, next_fast_len, rfft

    n, m = len(x), len(y)
    lags = np.arange(1 - n, m)
    overlap = np.minimum(n, m - lags) - np.maximum(0, -lags)
    enough = overlap >= max(fewest, int(np.ceil(LEAST_OVERLAP * min(n, m))))
    if not enough.any():
        return 0, float("nan")
    size = next_fast_len(n + m - 1, real=True)
    product = (np.conj(rfft(x, size, axis=0)) * rfft(y, size, axis=0)).sum(axis=1)
    mean = irfft(product, size)[lags] / np.maximum(overlap, 1)
    # Of lags that are as good, as in a loop, the one with the longest overlap.
    place = int(np.argmax(np.where(enough, mean + 0.02 * overlap / min(n, m), -np.inf)))
    return int(lags[place]), float(mean[place])


def is_promising(x: NDArray[np.float32], y: NDArray[np.float32], *, any_speed: bool = False) -> bool:
    """Return whether frames of two tracks, those of the model, are alike enough to look closer, or too few to tell.

    With `any_speed`, a track that drifts away from any lag is promising, too, where its frames keep their order.
    """
    if min(len(x), len(y)) < FEWEST:
        return True
    _, similarity = best_lag(unit_deviations(x)[0], unit_deviations(y)[0], FEWEST // 2)
    if not similarity < PROMISING:
        return True
    return any_speed and not measure_likeness(x, y) < SAME_PIECE


def match_tracks(
    first: Embedding, second: Embedding, levels: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
) -> Match | None:
    """Return how the second track lies on the first; None where too few frames say something.

    Parameters
    ----------
    first, second : Embedding
        Frames of the same layer and hop.
    levels : two ndarrays, shapes [n] and [m], optional
        Level of each frame in decibels.

    Returns
    -------
    Match or None
    """
    (x, _), (y, _) = unit_deviations(first.values), unit_deviations(second.values)
    if not all(units[:, :-1].any() for units in (x, y)):
        return None
    places, speed = np.arange(len(y), dtype=np.float64), 1.0
    lag, similarity = best_lag(x, y, FEWEST)
    if similarity < CERTAIN:
        for other in _likely_speeds(first, second):
            stretched = np.arange(0, len(second) - 1, 1 / other)
            z = unit_deviations(_interpolate(second.values, stretched))[0]
            other_lag, better = best_lag(x, z, FEWEST)
            if better > similarity + BETTER:
                y, places, speed, lag, similarity = z, stretched, other, other_lag, better
    if np.isnan(similarity):
        return None
    here = np.arange(max(0, -lag), min(len(x), len(y) - lag))
    there = here + lag
    alike = np.einsum("nd,nd->n", x[here], y[there]) >= ALIKE
    shorter = min(len(x), len(y))
    level = float("nan")
    if levels is not None and alike.any():
        at = np.minimum(np.rint(places[there]).astype(int), len(levels[1]) - 1)
        level = float(np.median((levels[1][at] - levels[0][here])[alike]))
    begins = -lag * first.grid.period
    return Match(similarity, float(alike.sum()) / shorter, begins, speed, level)


def _likely_speeds(first: Embedding, second: Embedding) -> list[float]:
    """Return speeds of the second track around the slope of its alignment, between the quarters of the path."""
    found = align_frames(first, second, hop=first.grid.period)
    both = np.flatnonzero((np.diff(found.path, axis=0) > 0).all(axis=1))
    if len(both) < FEWEST or not found.same_piece:
        return []
    a, b = found.path[both[0] : both[-1] + 1].T
    quarter = max(1, len(a) // 4)
    slope = (a[-quarter:].mean() - a[:quarter].mean()) / max(b[-quarter:].mean() - b[:quarter].mean(), 1e-9)
    return [float(slope * change) for change in NEAR_SPEEDS if SPEEDS[0] < slope * change < SPEEDS[1]]


def _interpolate(values: NDArray[np.float32], places: NDArray[np.float64]) -> NDArray[np.float32]:
    whole = np.minimum(places.astype(int), len(values) - 2)
    part = (places - whole)[:, None].astype(np.float32)
    return np.asarray(values[whole] * (1 - part) + values[whole + 1] * part)


def connected_groups(pairs: list[tuple[int, int]]) -> list[list[int]]:
    """Return the groups of labels that pairs join, each in order, the group with the lowest label first."""
    groups: dict[int, list[int]] = {}
    for a, b in pairs:
        joined = sorted({*groups.get(a, [a]), *groups.get(b, [b])})
        groups |= dict.fromkeys(joined, joined)
    unique = {group[0]: group for group in groups.values()}
    return [unique[label] for label in sorted(unique)]


def frames_by_track(vectors: Vectors) -> dict[int, NDArray[Any]]:
    """Return the values of each track of some vectors, by its label."""
    order = np.argsort(vectors.tracks, kind="stable")
    labels, starts = np.unique(vectors.tracks[order], return_index=True)
    runs = zip(labels, starts, [*starts[1:], len(order)], strict=True)
    return {int(label): vectors.values[order[start:stop]] for label, start, stop in runs}
