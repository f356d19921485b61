"""Two tracks aligned in time, from their sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embviz.analysis.alignment import Alignment, align_frames
from embviz.core.embedding import Embedding
from embviz.core.progress import Progress, reporter
from embviz.core.vectors import Vectors
from embviz.errors import OptionError
from embviz.extraction import EngineOption, embed

if TYPE_CHECKING:
    from embviz.audio.audio import AudioSource
    from embviz.core.cache import CacheOption
    from embviz.models import Model


def align(
    a: AudioSource | Embedding | Vectors,
    b: AudioSource | Embedding | Vectors,
    *,
    model: str | Model = "musicnn",
    layer: str = "timbral",
    hop: float = 0.2,
    engine: EngineOption = "auto",
    cache: CacheOption = None,
    progress: Progress = None,
) -> Alignment:
    """Return which moment of a track is which of another: of takes, covers, remasters, cut versions.

    By dynamic time warping [1]_: of all ways through both tracks that never go back, the one on which the frames are
    most alike.

    Parameters
    ----------
    a, b : path, (ndarray, int), Audio, Embedding, or Vectors of the frames of one track
        Both tracks, or both of the same layer.
    model, layer : str
        What is compared, where tracks are given. MusiCNN's timbral filters follow the sound to a fifth of a second;
        layers behind the pooling of a patch hear seconds at once, and are less sharp.
    hop : float
        Seconds. Frames that come more often are averaged in runs: the path is no finer.
    engine, cache, progress
        As for :func:`embviz.embed`.

    Returns
    -------
    Alignment
        There is always a path. Whether it means anything is what ``likeness`` and ``same_piece`` say.

    Raises
    ------
    OptionError
        If one is a track and the other an embedding, or their layers differ.
    EmbvizError
        As :func:`embviz.embed` raises it.

    References
    ----------
    .. [1] M. Müller, "Fundamentals of Music Processing", Springer 2015, chapter 3.

    Examples
    --------
    >>> alignment = embviz.align("studio.flac", "live.mp3")  # doctest: +SKIP
    >>> alignment  # doctest: +SKIP
    <Alignment msd-musicnn-1 / timbral: studio.flac (3 min) and live.mp3 (4 min): the same piece, likeness 0.61>
    >>> alignment.map(62.0), alignment.map(58.4, inverse=True)  # doctest: +SKIP
    (58.4, 62.0)
    """
    given = [one for one in (a, b) if isinstance(one, Embedding | Vectors)]
    if len(given) == 1:
        raise OptionError("Two tracks or two embeddings are aligned, one of each was found; embed the track, too.")
    with reporter(progress) as report:
        first, second = given or [
            embed(one, model, layer=layer, engine=engine, cache=cache, progress=report)
            for one in (a, b)
            if not isinstance(one, Embedding | Vectors)
        ]
        return align_frames(first, second, hop=hop, report=report)
