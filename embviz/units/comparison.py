"""Two tracks side by side, aligned in time where they are the same piece."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.analysis.alignment import Alignment, align_frames
from embviz.audio import Audio, AudioSource
from embviz.core.progress import Progress, Report, reporter
from embviz.core.text import format_number
from embviz.errors import OptionError
from embviz.extraction import EngineOption, embed
from embviz.models import Model, get_model, model_title
from embviz.models.weights import has_weights
from embviz.widgets import browser_audio
from embviz.widgets.comparison import Comparison

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from embviz.core.cache import CacheOption
    from embviz.core.embedding import Embedding

SHARP = ("musicnn", "timbral")  # what follows the sound to a fifth of a second
ABOUT = (
    "Likeness: how much better the frames fit along the alignment than with one of the tracks played backwards. 1: the "
    "same sound; about 0: two pieces that have nothing in common."
)


def compare(
    a: AudioSource,
    b: AudioSource,
    *,
    model: str | Model = "musicnn",
    layer: str = "embedding",
    alignment: Alignment | None = None,
    engine: EngineOption = "auto",
    cache: CacheOption = None,
    progress: Progress = None,
) -> Comparison:
    """Show two tracks side by side, each with its player and its heatmap, on clocks of their own.

    Where they are the same piece, as takes, covers and other encodings are, the clocks are linked: seeking in one seeks
    in the other, lines between the waveforms join the moments that belong together, and *A* and *B* (buttons and keys)
    change the track that is heard at the same moment of the music. Where they are not, it says so, and both clocks go
    their own ways.

    Parameters
    ----------
    a, b : path, (ndarray, int) or Audio
        Two tracks; it may be the same one twice.
    model, layer : str
        What the heatmaps show.
    alignment : Alignment, optional
        As :func:`embviz.align` returns it for these two. By default they are aligned by the timbral filters of MusiCNN,
        or by what the heatmaps show where its weights are not here.
    engine, cache, progress
        As for :func:`embviz.embed`.

    Returns
    -------
    Comparison
        A widget. A notebook keeps a picture of it: both waveforms, and what joins them.

    Raises
    ------
    AudioError
        If one of the tracks cannot be read.
    OptionError
        If the alignment is none, or is one of other tracks.
    EmbvizError
        As :func:`embviz.embed` raises it.

    Examples
    --------
    >>> rock = embviz.sample_audio() / "rock.ogg"  # doctest: +SKIP
    >>> embviz.compare(rock, rock).message  # doctest: +SKIP
    'The same piece: likeness 1.00 (1: the same sound; 0.25 or more: takes, covers, cuts).'
    """
    with reporter(progress) as report:
        pair = align_pair(a, b, model, layer, alignment=alignment, engine=engine, cache=cache, report=report)
    return pair.to_widget()


@dataclass(frozen=True, eq=False)
class AlignedPair:
    """Two tracks, what is shown of them, and their alignment: all that takes time; widgets are for another thread."""

    sounds: Sequence[Audio]
    embeddings: Sequence[Embedding]
    path: ArrayLike  # [k, 2], seconds
    same_piece: bool
    message: str
    about: str

    def to_widget(self, titles: Sequence[str] = ()) -> Comparison:
        """Return both side by side, under titles of their own or the names of their files."""
        return Comparison.of(
            self.sounds, self.embeddings, self.path, same_piece=self.same_piece, message=self.message,
            about=self.about, titles=titles,
        )  # fmt: skip


def align_pair(
    a: AudioSource, b: AudioSource, model: str | Model, layer: str, *, alignment: Alignment | None = None,
    engine: EngineOption = "auto", cache: CacheOption = None, report: Report,
) -> AlignedPair:  # fmt: skip
    """Return what :func:`compare` shows."""
    sounds = Audio.open(a), Audio.open(b)
    if alignment is not None:
        _check_alignment(alignment, sounds)
    options: dict[str, Any] = {"engine": engine, "cache": cache, "progress": report}
    shown = [embed(sound, model, layer=layer, **options) for sound in sounds]
    found = alignment or _align(sounds, shown, options)
    silent = [sound.title for sound in sounds if not browser_audio.summary(sound).peaks.any()]
    message = (
        f"{' and '.join(map(repr, silent))} is silent; the clocks go their own ways." if silent else _describe(found)
    )
    return AlignedPair(sounds, shown, found.path, found.same_piece and not silent, message, ABOUT)


def _check_alignment(alignment: Any, sounds: Sequence[Audio]) -> None:
    if not isinstance(alignment, Alignment):
        raise OptionError(f"alignment is what embviz.align(a, b) returns, {alignment!r:.80} was found.")
    known, found = alignment.durations, [sound.duration for sound in sounds]
    if not np.allclose(known, found, atol=0.5):
        lengths = [" and ".join(f"{seconds:.1f} s" for seconds in pair) for pair in (known, found)]
        raise OptionError(f"The alignment is one of tracks of {lengths[0]}; these have {lengths[1]}.")


def _align(sounds: Sequence[Audio], shown: Sequence[Embedding], options: dict[str, Any]) -> Alignment:
    model, layer = SHARP
    if has_weights(get_model(model).name):
        shown = [embed(sound, model, layer=layer, **options) for sound in sounds]
    return align_frames(*shown, report=options["progress"])


def _describe(alignment: Alignment) -> str:
    """Return what an alignment has found, in a sentence."""
    if np.isnan(alignment.likeness):
        return "Too little changes in these tracks to tell whether they are one piece; the clocks go their own ways."
    figure = f"likeness {format_number(alignment.likeness)}"
    if alignment.same_piece:
        return f"The same piece: {figure} (1: the same sound; 0.25 or more: takes, covers, cuts)."
    heard_by = f"{model_title(alignment.model)} / {alignment.layer}"
    return f"Not the same piece, as far as {heard_by} hears: {figure}, below 0.25; the clocks go their own ways."
