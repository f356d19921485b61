"""Boundaries of the parts of a track: where what a layer says before a moment differs from what it says after it.

Conventions: seconds. *Novelty* is between 0 (before and after are the same) and 1 (each is alike in itself, and the
opposite of the other); it is asked at the borders between frames. Measures are those of mir_eval's ``segment``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from embviz.analysis.frames import track_frames, unit_deviations
from embviz.core.embedding import Embedding
from embviz.core.options import check_number
from embviz.core.text import format_duration, parse_sections
from embviz.core.vectors import Vectors
from embviz.errors import OptionError

if TYPE_CHECKING:
    import pandas as pd

#: Known sections: "intro 0.0; verse 7.5", starts in seconds, pairs of a name and a start, or intervals ``[n, 2]``.
Sections: TypeAlias = str | ArrayLike | Sequence[tuple[str, float]]

DECIMALS = 5  # of seconds, by which mir_eval tells two boundaries apart
WINDOWS = (0.5, 3.0)  # seconds: how far apart two boundaries may be to count as the same
# What a peak must rise, measured on ten tracks: shares of the highest novelty, and of what unrelated frames have.
SHARE_OF_HIGHEST, SHARE_OF_CHANCE = 0.15, 0.5
COLUMNS = 64  # dimensions that are looked at together


@dataclass(frozen=True, eq=False)
class Boundaries:
    """The boundaries of a track, as :func:`boundaries` finds them.

    Parameters
    ----------
    times : ndarray, shape [k], float64
        Where they are, in seconds; without the start and the end of the track.
    strengths : ndarray, shape [k], float64
        Their novelty, 0 … 1.
    novelty : ndarray, shape [t - 1], float64
        Novelty at each border between two frames.
    novelty_times : ndarray, shape [t - 1], float64
        Where these borders are, in seconds.
    kernel : float
        Length of the kernel in seconds: whole frames on both sides.
    duration : float
        Length of the track in seconds.
    model, layer, title : str
        Whose frames, and of which track.
    """

    times: NDArray[np.float64]
    strengths: NDArray[np.float64]
    novelty: NDArray[np.float64]
    novelty_times: NDArray[np.float64]
    kernel: float
    duration: float
    model: str
    layer: str
    title: str

    @property
    def sections(self) -> list[tuple[float, float]]:
        """What lies between the boundaries: starts and stops in seconds, from 0 to the end of the track."""
        edges = [0.0, *self.times.tolist(), self.duration]
        return list(itertools.pairwise(edges))

    def to_frame(self) -> pd.DataFrame:
        """Return the sections as a table.

        Returns
        -------
        pandas.DataFrame
            Columns ``start`` and ``stop`` in seconds, and ``novelty`` at the start (NaN at that of the track).
        """
        import pandas as pd

        starts, stops = zip(*self.sections, strict=True)
        return pd.DataFrame({"start": starts, "stop": stops, "novelty": [np.nan, *self.strengths]})

    def score(self, sections: Sections, *, trim: bool = True) -> dict[str, float]:
        """Return how well the boundaries are those of known sections, by the measures of mir_eval [1]_.

        Parameters
        ----------
        sections : str, or sequence
            What is known: a text as in ``tracks.csv``, ``"intro 0.0; verse 7.5"``; starts in seconds; pairs of a name
            and a start; or intervals, ``[n, 2]``.
        trim : bool
            Whether the start and the end of the track, which are always found, are left out. mir_eval counts them
            unless told to trim.

        Returns
        -------
        dict
            ``"Precision@0.5"``, ``"Recall@0.5"`` and ``"F-measure@0.5"``, with a boundary at most 0.5 s away counted as
            found, and the same with 3 s; 0 where there are no boundaries. ``"Ref-to-est deviation"`` and ``"Est-to-ref
            deviation"``: median distance in seconds from a known boundary to the nearest found one, and the other way
            round; NaN where there are none.

        Raises
        ------
        OptionError
            If the sections are not such, not in the order of time, or none of them is inside the track.

        References
        ----------
        .. [1] C. Raffel et al., "mir_eval: a transparent implementation of common MIR metrics", ISMIR 2014.

        Examples
        --------
        >>> found = embviz.boundaries(embedding)  # doctest: +SKIP
        >>> found.score("intro 0.0; verse 7.5; chorus 22.5")["F-measure@3.0"]  # doctest: +SKIP
        0.8
        """
        known = _known_boundaries(sections, self.duration)
        end = known[-1]
        found = np.unique([0.0, *self.times[self.times < end], end])
        known, found = (np.unique(times.round(DECIMALS)) for times in (known, found))
        if trim:
            known, found = known[1:-1], found[1:-1]
        scores: dict[str, float] = {}
        for window in WINDOWS:
            precision, recall, measure = _detection(known, found, window)
            scores |= {f"Precision@{window}": precision, f"Recall@{window}": recall, f"F-measure@{window}": measure}
        apart = np.abs(known[:, None] - found)
        if not apart.size:
            return {**scores, "Ref-to-est deviation": np.nan, "Est-to-ref deviation": np.nan}
        to_found, to_known = float(np.median(apart.min(axis=1))), float(np.median(apart.min(axis=0)))
        return {**scores, "Ref-to-est deviation": to_found, "Est-to-ref deviation": to_known}

    def __len__(self) -> int:
        return len(self.times)

    def __iter__(self) -> Iterator[float]:
        return iter(self.times.tolist())

    def __repr__(self) -> str:
        count = "1 boundary" if len(self) == 1 else f"{len(self)} boundaries"
        times = ", ".join(f"{time:.1f}" for time in self.times[:6])
        at = f" at {times}{' …' if len(self) > 6 else ''} s" if len(self) else ""
        return (
            f"<Boundaries {self.model} / {self.layer}: {count}{at}, kernel of {self.kernel:.1f} s, "
            f"{format_duration(self.duration)} of {self.title or 'audio'}>"
        )


def boundaries(
    embedding: Embedding | Vectors,
    *,
    kernel: float = 20.0,
    prominence: float | None = None,
    min_distance: float | None = None,
) -> Boundaries:
    """Return the boundaries of the parts of a track, by Foote's novelty [1]_.

    A checkerboard kernel with a Gaussian taper slides along the diagonal of :func:`self_similarity`: novelty is high
    where the frames before a moment are alike, those after it are alike, and both differ. Boundaries are its peaks.

    Parameters
    ----------
    embedding : Embedding, or Vectors of the frames of one track
        Any layer. The finer its frames, the finer the times; ``embed(…, patch_hop=0.25)`` gives more of them.
    kernel : float
        Length of the kernel in seconds, both sides together: what is much shorter than half of it is no part.
    prominence : float, optional
        How far novelty must rise from the valleys on both sides of a peak, 0 … 1. By default 0.15 of the track's
        highest novelty, and half of what unrelated frames would have on average, at least.
    min_distance : float, optional
        Seconds between two boundaries at least; a quarter of the kernel by default.

    Returns
    -------
    Boundaries
        None where all frames are the same, as on a silent track.

    Raises
    ------
    OptionError
        If it is not an embedding of one track, or an option is out of range.

    Notes
    -----
    The kernel is a product of two windows, so that the sum over the matrix is the squared length of a difference: of
    the weighted mean frame after the moment, and of the one before it. The matrix itself is never made, and hours of
    frames take little more memory than they do. At the ends of a track, where part of the kernel lies outside, novelty
    is that of the part inside, times its weight. Frames that are not finite do not count.

    References
    ----------
    .. [1] J. Foote, "Automatic audio segmentation using a measure of audio novelty", ICME 2000.

    Examples
    --------
    >>> embedding = embviz.embed(embviz.sample_audio() / "rock.ogg", "musicnn")  # doctest: +SKIP
    >>> embviz.boundaries(embedding).times.round()  # doctest: +SKIP
    array([ 22.,  38.,  53.,  67.,  82., 112.])
    """
    frames = track_frames(embedding)
    length = check_number(kernel, "kernel is a number of seconds above 0", above=0)
    rise = (
        None if prominence is None else check_number(prominence, "prominence is a number from 0 to 1", least=0, most=1)
    )
    wide = "min_distance is a number of seconds, 0 or more"
    distance = length / 4 if min_distance is None else check_number(min_distance, wide, least=0)
    side = max(1, round(length / 2 / frames.period))
    taper = _taper(side)
    novelty = _novelty(frames.values, taper)
    if rise is None:
        rise = max(SHARE_OF_HIGHEST * novelty.max(initial=0), SHARE_OF_CHANCE * float(taper @ taper) / 2)
    peaks = _peaks(novelty, rise, max(1, round(distance / frames.period)))
    at = frames.edges[1:-1]
    return Boundaries(
        at[peaks], novelty[peaks], novelty, at, 2 * side * frames.period, frames.duration, frames.model, frames.layer,
        frames.title,
    )  # fmt: skip


def _taper(side: int) -> NDArray[np.float64]:
    """Return the weights of the frames on one side of the kernel, from its middle outwards; their sum is 1."""
    weights = np.exp(-0.5 * ((np.arange(side) + 0.5) / (side / 2)) ** 2)
    return np.asarray(weights / weights.sum())


def _novelty(values: NDArray[np.float32], taper: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the novelty at the borders between frames, ``[t - 1]``."""
    from scipy.signal import oaconvolve

    n = len(values)
    if n < 2:
        return np.zeros(0)
    unit, known = unit_deviations(values)

    def means(columns: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the weighted sums before and after each border."""
        before = oaconvolve(columns, taper[:, None], axes=0)[: n - 1]
        after = oaconvolve(columns[::-1], taper[:, None], axes=0)[: n - 1][::-1]
        return before, after

    before, after = (np.where(weight > 1e-9, weight, 0)[:, 0] for weight in means(known[:, None].astype(np.float64)))
    both = (before > 0) & (after > 0)
    novelty = np.zeros(n - 1)
    for start in range(0, unit.shape[1], COLUMNS):
        left, right = means(unit[:, start : start + COLUMNS])
        apart = right[both] / after[both, None] - left[both] / before[both, None]
        novelty[both] += np.square(apart).sum(axis=1) / 4
    return np.clip(novelty * before * after, 0, 1)


def _peaks(novelty: NDArray[np.float64], prominence: float, distance: int) -> NDArray[np.int64]:
    from scipy.signal import find_peaks

    # What is outside the track is no more novel than anything inside, so that its first border can be a peak.
    found, _ = find_peaks(np.pad(novelty, 1), prominence=max(prominence, 1e-9), distance=distance)
    return np.asarray(found - 1, dtype=np.int64)


# Known sections. -----------------------------------------------------------------------------------------------------


def _known_boundaries(sections: Any, duration: float) -> NDArray[np.float64]:
    """Return the boundaries of known sections, from 0 to the end of the last one."""
    given = sections
    if isinstance(given, str):
        given = parse_sections(given)
    try:
        rows = list(given)
        if rows and all(isinstance(row, tuple | list) and len(row) == 2 and isinstance(row[0], str) for row in rows):
            rows = [row[1] for row in rows]
        times = np.array(rows, dtype=np.float64)
    except (TypeError, ValueError):
        times = np.zeros(0)
    wrong = not times.size or not np.isfinite(times).all() or times.min() < 0
    if wrong or not (times.ndim == 1 or (times.ndim == 2 and times.shape[1] == 2)):
        raise OptionError(
            "Known sections are a text such as 'intro 0.0; verse 7.5', starts in seconds, pairs of a name and a start, "
            f"or intervals [n, 2]; {sections!r:.80} was found."
        )
    if (np.diff(times.reshape(-1)) < 0).any():
        raise OptionError("Known sections stand in the order of time, one that goes back was found.")
    if times.min() >= duration:
        raise OptionError(
            f"The track is {duration:.1f} s long, the first known section starts at {times.min():.1f} s; "
            "are these times in seconds?"
        )
    end = [] if times.ndim == 2 else [duration]
    return np.unique([0.0, *times[times < duration].reshape(-1), *end] if end else [0.0, *times.reshape(-1)])


def _detection(known: NDArray[np.float64], found: NDArray[np.float64], window: float) -> tuple[float, float, float]:
    """Return precision, recall and F-measure; each boundary is matched once at most, as many as can be."""
    hits, at = 0, 0
    # Both are sorted and the windows are of one width, so that the first one within reach is never the wrong choice.
    for time in found:
        while at < len(known) and known[at] < time - window:
            at += 1
        if at < len(known) and known[at] <= time + window:
            hits, at = hits + 1, at + 1
    if not hits:
        return 0.0, 0.0, 0.0
    precision, recall = hits / len(found), hits / len(known)
    return precision, recall, 2 * precision * recall / (precision + recall)
