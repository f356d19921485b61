"""Separated voices of a track, as arrays.

Conventions: samples are float32, frames first: ``[n, 2]``, left and right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embviz.core.embedding import Embedding
from embviz.errors import ModelError
from embviz.extraction.engines import EngineOption
from embviz.extraction.extract import embed
from embviz.models import Model, get_model, known_models

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embviz.audio.audio import AudioSource
    from embviz.core.cache import CacheOption
    from embviz.core.progress import Progress

SIDES = (" left", " right")


def separate(
    audio: AudioSource,
    model: str | Model = "spleeter",
    *,
    engine: EngineOption = "auto",
    cache: CacheOption = None,
    progress: Progress = None,
) -> dict[str, tuple[NDArray[np.float32], int]]:
    """Return the stems of a track: its separated voices.

    Parameters
    ----------
    audio : path, (ndarray, int) or Audio
        The track.
    model : str or Model
        What separates it: ``"spleeter"`` (vocals and accompaniment), ``"spleeter-4s-3"`` (vocals, drums, bass, other),
        ``"spleeter-5s-3"`` (and piano); its weights must be present.
    engine, cache, progress
        As for :func:`embviz.embed`.

    Returns
    -------
    dict of str to (ndarray, int)
        Samples ``[n, 2]`` and their rate in Hz, by the name of the stem. Such a pair is a track, too, for
        :func:`embviz.embed` and all else that takes one.

    Raises
    ------
    ModelError
        If the model does not separate.
    EmbvizError
        As :func:`embviz.embed` raises it.

    Notes
    -----
    The stems have the length of the track and add up to what is below 11 kHz in it, which is all that Spleeter models,
    after a tenth of a second in which they fade in. They take 0.35 MB a second each.

    References
    ----------
    R. Hennequin, A. Khlif, F. Voituret and M. Moussallam, "Spleeter: a fast and efficient music source separation tool
    with pre-trained models", JOSS 2020.

    Examples
    --------
    >>> stems = embviz.separate("song.mp3")  # doctest: +SKIP
    >>> samples, rate = stems["vocals"]  # doctest: +SKIP
    >>> embviz.embed(stems["vocals"], "musicnn")  # doctest: +SKIP
    """
    record = get_model(model)
    if not _separates(record):
        names = ", ".join(repr(one.name) for one in known_models() if _separates(one))
        raise ModelError(f"{record.name!r} does not separate the voices of a track; those that do are {names}.")
    return split_stems(embed(audio, record, layer="output", engine=engine, cache=cache, progress=progress))


def _separates(model: Model) -> bool:
    return any(layer.name == "output" and "s" in layer.axes for layer in model.known_layers)


def split_stems(separated: Embedding) -> dict[str, tuple[NDArray[np.float32], int]]:
    """Return the samples ``[n, 2]`` and the rate of each stem from the output of a model that separates."""
    pairs = range(0, separated.shape[1] - 1, 2)
    names = [label.removesuffix(SIDES[0]) for label in separated.labels[::2]]
    names = names or [f"source {i // 2 + 1}" for i in pairs]
    rate = separated.grid.sample_rate
    return {name: (separated.values[:, i : i + 2], rate) for name, i in zip(names, pairs, strict=True)}
