"""The audio of a track in a page: a link to its file, all of it, or its loudest part.

Conventions: seconds are those of the track, whatever part of it the page holds: a clip is the track with silence
around the clip, which takes 3 kB a minute, so that playhead, heatmap and map need not know of it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.audio import Audio
from embviz.core.text import printable_name
from embviz.errors import AudioError
from embviz.export import static_widgets
from embviz.widgets import browser_audio

if TYPE_CHECKING:
    from numpy.typing import NDArray


CLIP = 25.0  # seconds
CLIP_RATE = 24_000  # Hz
CLIP_QUALITY = 0.1  # of Vorbis: about 40 kbit/s for one channel
FADE = 0.02  # seconds
STEP = 0.1  # seconds in which loudness is measured
OUTLINE = 2000  # stretches of a waveform: more than it has pixels
# As text in the page, at least:
BYTES = 10_000  # of a whole sound, per second
CLIP_BYTES = 5_000  # of a clip, per second


@dataclass(frozen=True)
class PageAudio:
    """The audio of a track in a page, and a sentence on what is wrong with it."""

    duration: float
    peaks: bytes
    url: str = ""
    data: bytes = b""
    mime: str = ""
    offset: float = 0.0
    span: tuple[float, float] | None = None
    problem: str = ""
    missing: bool = False  # whether there is no such file

    @property
    def traits(self) -> dict[str, Any]:
        """Traits of a player."""
        sections = [] if self.span is None else _clip_sections(self.span, self.duration)
        return {
            "duration": self.duration, "view": [0.0, self.duration], "peaks": self.peaks, "sections": sections,
            "url": self.url, "sound": self.data, "mime": self.mime, "offset": self.offset,
            "problem": self.problem,
        }  # fmt: skip


def prepare_audio(
    path: str | os.PathLike[str], how: str, folder: str | os.PathLike[str], *, duration: float = 0.0
) -> PageAudio:
    """Return the audio of a file for a page that will lie in a folder.

    Parameters
    ----------
    how : {"link", "embed", "clips"}
        As for :func:`embviz.export.collection_page.render_collection_page`.
    duration : float
        In seconds, as far as known, for a sound that cannot be read.
    """
    name = printable_name(Path(path))
    if not Path(path).exists():
        return PageAudio(duration, b"", problem=f"{name!r} was not there when this page was written.", missing=True)
    try:
        audio = Audio.open(path)
        outline = browser_audio.summary(audio)
        if how == "clips":
            return _prepare_clip(audio, outline)
        peaks = _reduce_peaks(outline.peaks).tobytes()
        if how == "embed":
            small = static_widgets.compact_audio(audio)
            return PageAudio(outline.duration, peaks, data=small["sound"], mime=small["mime"], offset=small["offset"])
    except AudioError as error:
        return PageAudio(duration, b"", problem=str(error))
    if browser_audio.media_type(path):
        url, offset = static_widgets.relative_url(path, folder), browser_audio.start_offset(path)
        return PageAudio(outline.duration, peaks, url=url, offset=offset)
    problem = f"Browsers cannot be expected to play {name!r}, and this page has no more than a link to it."
    return PageAudio(outline.duration, peaks, problem=problem)


def _prepare_clip(audio: Audio, outline: browser_audio.Summary) -> PageAudio:
    samples = audio.mono(CLIP_RATE)
    first, stop = find_loudest(samples, CLIP_RATE, CLIP)
    part = np.zeros_like(samples)
    part[first:stop] = samples[first:stop]
    fade = np.linspace(0, 1, min(round(FADE * CLIP_RATE), stop - first), dtype=np.float32)
    if first > 0:
        part[first : first + len(fade)] *= fade
    if stop < len(samples):
        part[stop - len(fade) : stop] *= fade[::-1]
    data, mime = browser_audio.encode(part, CLIP_RATE, quality=CLIP_QUALITY)
    whole = (first, stop) == (0, len(samples))
    span = None if whole else (first / CLIP_RATE, stop / CLIP_RATE)
    return PageAudio(outline.duration, _reduce_peaks(outline.peaks).tobytes(), data=data, mime=mime, span=span)


def find_loudest(samples: NDArray[np.float32], rate: int, seconds: float) -> tuple[int, int]:
    """Return start and end, in samples, of the excerpt of highest energy; of all, where that is shorter."""
    block = max(1, round(STEP * rate))
    length = round(seconds * rate)
    if len(samples) <= length:
        return 0, len(samples)
    energy = np.add.reduceat(np.square(samples, dtype=np.float64), np.arange(0, len(samples), block))
    total = np.concatenate([[0], np.cumsum(energy)])
    blocks = length // block
    first = min(int(np.argmax(total[blocks:] - total[:-blocks])) * block, len(samples) - length)
    return first, first + length


def _reduce_peaks(peaks: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return the peaks of a waveform in as many columns as are drawn."""
    n = len(peaks)
    if n <= OUTLINE:
        return peaks
    starts = np.arange(OUTLINE) * n // OUTLINE
    low, high = np.minimum.reduceat(peaks[:, 0], starts), np.maximum.reduceat(peaks[:, 1], starts)
    return np.stack([low, high], axis=1)


def _clip_sections(span: tuple[float, float], duration: float) -> list[dict[str, Any]]:
    marks = [("not in this page", 0.0), (f"the loudest {CLIP:.0f} s", span[0]), ("not in this page", span[1])]
    ends = [*(start for _, start in marks[1:]), duration]
    return [{"name": name, "start": start} for (name, start), end in zip(marks, ends, strict=True) if end > start]
