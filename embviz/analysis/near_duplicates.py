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
from embviz.analysis.frames import is_monotonous, unit_deviations
from embviz.analysis.neighbors import nearest_neighbors
from embviz.core.cache import CacheOption
from embviz.core.embedding import Embedding
from embviz.core.options import check_type
from embviz.core.progress import Report
from embviz.core.vectors import Vectors

LEAST_OVERLAP = 0.5  # of the shorter track
FEWEST = 10  # frames that overlap, from which on they are evidence
ALIKE = 0.5  # cosine of two frames that count as aligned
PROMISING = 0.3  # mean cosine of a model's own frames; other recordings of ten tracks have 0.23 at most
CERTAIN = 0.8  # mean cosine from which on another speed is not looked for
BETTER = 0.01  # what another speed must gain
SPEEDS = (0.8, 1.25)
PITCHED = (300.0, 7000.0)  # Hz: where bands are narrow enough to tell semitones
PER_SEMITONE, MOST_SHIFT = 4, 24
MOST_SPECTRA = 400
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
    pitch : float
        Semitones by which the second is higher, in quarters, up to six; NaN where that is not known.
    """

    similarity: float
    aligned: float
    offset: float
    speed: float
    level: float = float("nan")
    pitch: float = float("nan")


@dataclass(frozen=True, eq=False)
class Recording:
    """What a track is compared by.

    Parameters
    ----------
    frames : Embedding
        What tells whether it is the same recording, ``[n, d]``.
    levels : ndarray, shape [n], optional
        Level of each frame in decibels.
    spectra : ndarray, shape [n, bands], optional
        Logarithm of the energy of each frame in bands of frequency.
    hertz : ndarray, shape [bands], optional
        Centre frequencies of the bands.
    """

    frames: Embedding
    levels: NDArray[np.float64] | None = None
    spectra: NDArray[np.float32] | None = None
    hertz: NDArray[np.float64] | None = None


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


def best_lag(x: NDArray[Any], y: NDArray[Any], fewest: int) -> tuple[int, float]:
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
    first, second = (unit_deviations(values)[0].astype(np.float32) for values in (x, y))
    _, similarity = best_lag(first, second, FEWEST // 2)
    if not similarity < PROMISING:
        return True
    return any_speed and not measure_likeness(x, y) < SAME_PIECE


def match_tracks(first: Recording, second: Recording) -> Match | None:
    """Return how the second track lies on the first; None where too few frames say something.

    Parameters
    ----------
    first, second : Recording
        With frames of the same layer and hop.

    Returns
    -------
    Match or None
    """
    for track in (first, second):
        check_type(track, Recording, "Tracks are compared as embviz.analysis.Recording")
    (x, _), (y, _) = (unit_deviations(track.frames.values) for track in (first, second))
    if is_monotonous(x) or is_monotonous(y):
        return None
    places, speed = np.arange(len(y), dtype=np.float64), 1.0
    lag, similarity = best_lag(x, y, FEWEST)
    if similarity < CERTAIN:
        for other in _likely_speeds(first.frames, second.frames):
            stretched = np.arange(0, len(second.frames) - 1, 1 / other)
            z = unit_deviations(_interpolate(second.frames.values, stretched))[0]
            other_lag, better = best_lag(x, z, FEWEST)
            if better > similarity + BETTER:
                y, places, speed, lag, similarity = z, stretched, other, other_lag, better
    if np.isnan(similarity):
        return None
    here = np.arange(max(0, -lag), min(len(x), len(y) - lag))
    there = here + lag
    alike = np.einsum("nd,nd->n", x[here], y[there]) >= ALIKE
    share = float(alike.sum()) / min(len(x), len(y))
    at = np.minimum(np.rint(places[there]).astype(int), len(second.frames) - 1)
    level, pitch = _compare_sounds(first, second, here[alike], at[alike])
    return Match(similarity, share, -lag * first.frames.grid.period, speed, level, pitch)


def _compare_sounds(
    first: Recording, second: Recording, here: NDArray[np.int64], there: NDArray[np.int64]
) -> tuple[float, float]:
    """Return by how many decibels and semitones the second is louder and higher in frames that are alike."""
    level = pitch = float("nan")
    if len(here) and first.levels is not None and second.levels is not None:
        level = float(np.median(second.levels[there] - first.levels[here]))
    spectra = first.spectra, second.spectra
    if len(here) >= FEWEST and spectra[0] is not None and spectra[1] is not None and first.hertz is not None:
        some = np.unique(np.linspace(0, len(here) - 1, MOST_SPECTRA).astype(int))
        pitch = pitch_shift(spectra[0][here[some]], spectra[1][there[some]], first.hertz)
    return level, pitch


def pitch_shift(first: NDArray[Any], second: NDArray[Any], hertz: NDArray[np.float64]) -> float:
    """Return by how many semitones the second of two series of spectra is higher, in quarters, up to six.

    Parameters
    ----------
    first, second : ndarray, shape [n, bands]
        Logarithms of the energy, of the same moments.
    hertz : ndarray, shape [bands]
        Centre frequencies of the bands.

    Returns
    -------
    float
        The shift along a logarithmic axis of frequency at which what stands out of each spectrum is most alike; NaN
        where nothing stands out.
    """
    x, y = (_fine_structure(spectra, hertz) for spectra in (first, second))
    width = x.shape[1]
    found = {}
    for shift in range(-MOST_SHIFT, MOST_SHIFT + 1):
        a = x[:, max(0, -shift) : width - max(0, shift)]
        b = y[:, max(0, shift) : width - max(0, -shift)]
        energy = float(np.square(a).sum() * np.square(b).sum())
        found[shift] = float((a * b).sum()) / np.sqrt(energy) if energy > 0 else -np.inf
    best = max(found, key=lambda shift: (found[shift], -abs(shift)))
    return best / PER_SEMITONE if found[best] > ALIKE else float("nan")


def _fine_structure(spectra: NDArray[Any], hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return spectra along a logarithmic axis of frequency, without their course over half an octave."""
    from scipy.ndimage import uniform_filter1d

    steps = int(12 * PER_SEMITONE * np.log2(PITCHED[1] / PITCHED[0]))
    axis = np.log(PITCHED[0]) + np.arange(steps) * np.log(2) / (12 * PER_SEMITONE)
    rows = np.stack([np.interp(axis, np.log(hertz), spectrum) for spectrum in spectra])
    return np.asarray(rows - uniform_filter1d(rows, 6 * PER_SEMITONE, axis=1, mode="nearest"))


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
