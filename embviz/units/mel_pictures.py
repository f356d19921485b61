"""Mel pictures of moments: what was heard, and what moments have in common.

Conventions: a picture is ``[bands, t]``, the lowest band first, of the mel-spectrogram of MusiCNN: 96 bands up to 8
kHz, log10(1 + 10000 · power), every 16 ms. For models that hear beyond, it has 128 bands up to 24 kHz. Pictures of
several moments have one scale of time, from the middle of each; what lies outside of a moment, or of its track, is NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.audio import Audio
from embviz.audio.decode import cancellable
from embviz.core.embedding import FrameGrid
from embviz.core.worker import explain
from embviz.errors import AudioError, ModelError
from embviz.extraction.frontends import FRONTENDS, FrontEnd, band_frequencies
from embviz.extraction.mel import mel_spectrogram
from embviz.models import get_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embviz.collection import Collection
    from embviz.core.cache import Cache
    from embviz.core.progress import Report

USUAL = FRONTENDS["musicnn"]
WIDE = FrontEnd("wide", "", 48_000, 2048, 768, 128)
UNIT = "log10(1 + 10000 · power)"
MOST_COLUMNS = 256  # of a picture; longer ones are averaged
SAMPLED = 40  # tracks whose mean stands for that of a collection
KIND, FORMAT = "mel-pictures", 1
STAGE = "drawing the moments"


@dataclass(frozen=True, eq=False)
class MelPictures:
    """Mel pictures of moments.

    Parameters
    ----------
    mel : ndarray, shape [k, bands, t], float32
        One of each moment, NaN outside of it.
    hertz : ndarray, shape [bands]
        The centre frequency of each band.
    seconds : ndarray, shape [t]
        The centre of each column, counted from the middle of the moment.
    problems : dict of int to str
        Why there is no picture, by the index of the moment.
    """

    mel: NDArray[np.float32]
    hertz: NDArray[np.float64]
    seconds: NDArray[np.float64]
    problems: dict[int, str]

    def mean(self) -> NDArray[np.float32]:
        """Return the mean of the pictures, ``[bands, t]``, where half of them or more have something."""
        known = np.isfinite(self.mel)
        total = np.where(known, self.mel, 0).sum(axis=0, dtype=np.float64)
        return self._where_many(total / np.maximum(known.sum(axis=0), 1))

    def median(self) -> NDArray[np.float32]:
        """Return the median of the pictures, ``[bands, t]``, as :meth:`mean`: a few of them do not change it."""
        known = np.isfinite(self.mel)
        values = np.where(known, self.mel, np.nan)
        values[:, ~known.any(axis=0)] = 0  # of nothing there is no median, as numpy warns; it is left out below
        return self._where_many(np.nanmedian(values, axis=0))

    def _where_many(self, values: NDArray[Any]) -> NDArray[np.float32]:
        known = np.isfinite(self.mel)
        count, there = known.sum(axis=0), int(known.any(axis=(1, 2)).sum())
        return np.where((count > 0) & (2 * count >= there), values, np.nan).astype(np.float32)


def choose_frontend(model: str) -> FrontEnd:
    """Return the front-end that shows what a model has heard, given its name."""
    try:
        return WIDE if get_model(model).sample_rate > USUAL.sample_rate else USUAL
    except ModelError:  # vectors of one's own
        return USUAL


def draw_moments(
    paths: Sequence[str], spans: NDArray[np.float64], frontend: FrontEnd, store: Cache | None, report: Report
) -> MelPictures:
    """Return mel pictures of stretches of sound.

    Parameters
    ----------
    paths : sequence of str, [k]
        The files; several may be the same.
    spans : ndarray, shape [k, 2]
        First and last second of each stretch.
    frontend : FrontEnd
        Whose mel-spectrogram is shown.
    store : Cache or None
        Where pictures are kept.
    report : callable
        Is given ``(stage, done, total)``, and may raise to cancel.

    Returns
    -------
    MelPictures
        A file that cannot be read is told in ``problems``.
    """
    grid = _grid(float(np.max(spans[:, 1] - spans[:, 0], initial=0.0)), frontend)
    pictures = np.full((len(paths), frontend.bands, grid.n_frames), np.nan, np.float32)
    problems: dict[int, str] = {}
    by_path: dict[str, list[int]] = {}
    for i, path in enumerate(paths):
        by_path.setdefault(path, []).append(i)
    done = 0
    for path, places in by_path.items():
        stage = partial(report, STAGE, done, len(paths))
        stage()
        try:
            with cancellable(stage):
                for i, picture in zip(places, _draw_track(path, spans[places], grid, frontend, store), strict=True):
                    pictures[i] = picture
        except (AudioError, MemoryError, OSError) as error:  # of one file: the others are drawn
            problems |= dict.fromkeys(places, explain(error)[0])
        done += len(places)
    report(STAGE, done, len(paths))
    seconds = grid.times - grid.duration / 2
    return MelPictures(pictures, band_frequencies(frontend), seconds, problems)


def mean_spectrum(
    collection: Collection, frontend: FrontEnd, store: Cache | None, report: Report
) -> NDArray[np.float32]:
    """Return the mean of a collection's mel-spectrograms over time, ``[bands]``.

    It is that of 40 tracks drawn at random (the same each time) where there are more; each counts alike. Tracks that
    cannot be read are left out; NaN where none can.
    """
    table = collection.table[(collection.table["problem"] == "") & (collection.table["path"] != "")]
    paths = table["path"].tolist()
    if len(paths) > SAMPLED:
        paths = [paths[i] for i in np.sort(np.random.default_rng(0).choice(len(paths), SAMPLED, replace=False))]
    means = []
    for done, path in enumerate(paths):
        stage = partial(report, "listening to the collection", done, len(paths))
        stage()
        try:
            with cancellable(stage):
                means.append(_mean_of_track(path, frontend, store))
        except AudioError:
            continue
    report("listening to the collection", len(paths), len(paths))
    if not means:
        return np.full(frontend.bands, np.nan, np.float32)
    return np.asarray(np.mean(means, axis=0, dtype=np.float64), np.float32)


def _grid(seconds: float, frontend: FrontEnd) -> FrameGrid:
    """Return the columns of pictures of moments that last so long at most: runs of frames of the mel-spectrogram."""
    frames = max(1, round(seconds * frontend.sample_rate / frontend.hop))
    together = -(-frames // MOST_COLUMNS)
    hop, columns = together * frontend.hop, -(-frames // together)
    return FrameGrid(frontend.sample_rate, hop, hop, hop, 0, columns, columns * hop)


def _draw_track(
    path: str, spans: NDArray[np.float64], grid: FrameGrid, frontend: FrontEnd, store: Cache | None
) -> list[NDArray[np.float32]]:
    """Return the pictures of stretches of one track; it is decoded where one of them is not kept."""
    if not path:
        raise AudioError("There is no file of this track.")
    sound = Audio.open(path)
    digest = store.digest(sound) if store else ""
    shared = {"audio": digest, "frontend": frontend.name, "hop": grid.hop, "columns": grid.n_frames, "format": FORMAT}
    keys = [{**shared, "span": span.tolist()} for span in spans]
    kept = [store.load_arrays(KIND, key) if store else None for key in keys]
    if all(kept):
        return [np.asarray(one["picture"]) for one in kept if one]
    samples = sound.mono(frontend.sample_rate, keep=False, exact=False)
    pictures = [_draw(samples, span, grid, frontend) for span in spans]
    if store:
        for key, picture in zip(keys, pictures, strict=True):
            store.save_arrays(KIND, key, {"picture": picture})
    return pictures


def _draw(
    samples: NDArray[np.float32], span: NDArray[np.float64], grid: FrameGrid, frontend: FrontEnd
) -> NDArray[np.float32]:
    """Return the picture of a stretch, ``[bands, t]``."""
    rate, together = frontend.sample_rate, grid.hop // frontend.hop
    begin = round(float(span.mean()) * rate - grid.n_samples / 2)
    # Frames are centred on their samples, and the first of them on the middle of the first hop.
    first = begin + frontend.hop // 2
    part = samples[max(0, first) : max(0, first + grid.n_samples)]
    before = max(0, -first)
    part = np.pad(np.asarray(part), (before, max(0, grid.n_samples - before - len(part))))
    mel = mel_spectrogram(part, frontend, exact=False)[: grid.n_frames * together]
    picture = mel.reshape(grid.n_frames, together, -1).mean(axis=1).T
    at = begin / rate + grid.times
    stop = min(float(span[1]), len(samples) / rate)
    # A moment shorter than a column is one.
    inside = (at >= span[0]) & (at <= stop)
    inside |= np.arange(grid.n_frames) == grid.n_frames // 2
    return np.where(inside, picture, np.float32(np.nan))


def _mean_of_track(path: str, frontend: FrontEnd, store: Cache | None) -> NDArray[np.float32]:
    """Return the mean of a track's mel-spectrogram over time, ``[bands]``."""
    sound = Audio.open(path)
    key = {"audio": store.digest(sound), "mean": frontend.name, "format": FORMAT} if store else {}
    kept = store.load_arrays(KIND, key) if store else None
    if kept is not None:
        return np.asarray(kept["mean"])
    samples = sound.mono(frontend.sample_rate, keep=False, exact=False)
    mel = mel_spectrogram(samples, frontend, exact=False)
    mean = np.asarray(mel.mean(axis=0, dtype=np.float64), np.float32)
    if store:
        store.save_arrays(KIND, key, {"mean": mean})
    return mean
