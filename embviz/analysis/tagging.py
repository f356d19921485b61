"""Tags and tempo of tracks, from the outputs of models.

Conventions: the output of a tagger is an activation per tag, between 0 and 1; that of a Tempo-CNN is a share per
tempo, labelled such as "120 BPM".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from embviz.core.embedding import Embedding, check_embedding
from embviz.core.options import check_type
from embviz.core.vectors import Vectors
from embviz.errors import OptionError
from embviz.models import ALIASES, Model, known_models

if TYPE_CHECKING:
    import pandas as pd

TRACKS_AT_ONCE = 64  # whose frames are averaged
TEMPO_UNIT = " BPM"  # the labels of a tempo model are such as "120 BPM"
PITCH_UNIT = " Hz"


def models_by_task(task: str) -> list[Model]:
    """Return the models for ``"tags"``, ``"tempo"`` or ``"stems"``; the default one of each system first."""
    models = (model for model in known_models() if model_task(model) == task)
    return sorted(models, key=lambda model: model.name not in ALIASES.values())


def model_task(model: Model) -> str:
    """Return what a model's output gives: ``"tags"``, ``"tempo"``, ``"pitch"``, ``"stems"``, or nothing with names."""
    output = next((layer for layer in model.known_layers if layer.name == "output"), None)
    if output is None:
        return ""
    if "s" in output.axes:
        return "stems"
    if not output.labels:
        return ""
    if all(label.endswith(PITCH_UNIT) for label in output.labels):
        return "pitch"
    return "tempo" if _are_tempo_labels(output.labels) else "tags"


def _are_tempo_labels(labels: Sequence[str]) -> bool:
    return all(label.endswith(TEMPO_UNIT) for label in labels)


def estimate_tempo(embedding: Embedding) -> dict[str, Any]:
    """Return the tempo of a track from the output of a Tempo-CNN.

    As the authors do for a track of one tempo [1]_: the distributions of all patches are averaged, and the highest
    value of the mean is the tempo; that value is its confidence.

    Parameters
    ----------
    embedding : Embedding
        Layer ``"output"``, ``[t, 256]``, with labels such as ``"120 BPM"``.

    Returns
    -------
    dict
        ``bpm`` (None without labels), ``confidence`` (0 … 1), and the whole distribution: ``bpms`` and ``shares``.

    References
    ----------
    .. [1] H. Schreiber and M. Müller, "A single-step approach to musical tempo estimation using a convolutional neural
       network", ISMIR 2018.
    """
    shares = _mean_shares(check_embedding(embedding))
    bpms = _parse_bpms(embedding.labels)
    best = int(shares.argmax())
    return {
        "bpm": bpms[best] if bpms else None,
        "confidence": float(shares[best]),
        "bpms": bpms,
        "shares": [round(float(share), 5) for share in shares],
    }


def tempo_octave(embedding: Embedding) -> tuple[float, float] | None:
    """Return the octave of tempi, lowest and highest BPM, that most of the distribution lies in.

    Of octaves that hold as much, but for a hundredth, the one in whose middle the most likely tempo is. None where
    the embedding is no distribution over tempi.
    """
    if embedding.unit != "probability" or not embedding.labels or not _are_tempo_labels(embedding.labels):
        return None
    bpms, shares = np.asarray(_parse_bpms(embedding.labels)), _mean_shares(embedding)
    lows = bpms[2 * bpms <= bpms[-1]]
    if not len(lows):
        return None
    within = (bpms >= lows[:, np.newaxis]) & (bpms <= 2 * lows[:, np.newaxis])
    held = within @ shares
    good = lows[held >= 0.99 * held.max()]
    low = good[np.abs(np.log(good * math.sqrt(2) / bpms[shares.argmax()])).argmin()]
    return float(low), float(2 * low)


def _mean_shares(embedding: Embedding) -> NDArray[np.float32]:
    """Return the mean over the frames that are computed, ``[d]``."""
    values = np.asarray(embedding.values)
    known = values[np.isfinite(values).all(axis=1)]
    return np.asarray(known.mean(axis=0)) if len(known) else np.zeros(embedding.shape[1], np.float32)


def _parse_bpms(labels: Sequence[str]) -> list[float]:
    return [float(label.removesuffix(TEMPO_UNIT)) for label in labels]


# Of a collection. --------------------------------------------------------------------------------------------------


def tag_columns(vectors: Vectors) -> pd.DataFrame:
    """Return the mean activation of each tag in each track.

    Parameters
    ----------
    vectors : Vectors
        Layer ``"output"`` of a tagger, one vector per track, or one per frame, which are averaged.

    Returns
    -------
    DataFrame
        A row per track, indexed by its label; a column per tag: its mean activation, 0 … 1.

    Raises
    ------
    OptionError
        If the vectors have no tags.

    Examples
    --------
    >>> tag_columns(collection.embed("musicnn", "output"))["rock"]  # doctest: +SKIP
    """
    import pandas as pd

    check_type(vectors, Vectors, "Vectors are expected", "collection.embed('musicnn', 'output') returns them.")
    if not vectors.labels or _are_tempo_labels(vectors.labels):
        raise _wrong_vectors(vectors, "Tags are", "a tagger, as by embed_table(table, 'musicnn', 'output')")
    labels, means = _mean_outputs(vectors)
    return pd.DataFrame(means, index=pd.Index(labels, name="track"), columns=list(vectors.labels))


def tempo_column(vectors: Vectors) -> pd.Series[float]:
    """Return the tempo of each track in beats per minute, as :func:`estimate_tempo` finds it.

    Parameters
    ----------
    vectors : Vectors
        Layer ``"output"`` of a Tempo-CNN, one vector per track (mean), or one per frame, which are averaged.

    Returns
    -------
    Series
        Named ``"tempo"``, indexed by the tracks' labels.

    Raises
    ------
    OptionError
        If the vectors are not the output of a Tempo-CNN.
    """
    import pandas as pd

    check_type(vectors, Vectors, "Vectors are expected", "collection.embed('tempocnn', 'output') returns them.")
    if not vectors.labels or not _are_tempo_labels(vectors.labels):
        raise _wrong_vectors(vectors, "A tempo is", "a Tempo-CNN, as by embed_table(table, 'tempocnn', 'output')")
    labels, means = _mean_outputs(vectors)
    bpms = np.asarray(_parse_bpms(vectors.labels))
    best = np.nan_to_num(means).argmax(axis=1)
    return pd.Series(bpms[best], index=pd.Index(labels, name="track"), name="tempo", dtype=np.float64)


def _wrong_vectors(vectors: Vectors, what: str, source: str) -> OptionError:
    origin = f"{vectors.model} / {vectors.layer}"
    return OptionError(f"{what} taken from the layer 'output' of {source}; {origin} was found.")


def _mean_outputs(vectors: Vectors) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    if vectors.pooling not in ("mean", "frames"):
        raise OptionError(
            f"What a model hears in a track is the mean over time, vectors pooled by {vectors.pooling!r} were found."
        )
    return mean_per_track(vectors)


def mean_per_track(vectors: Vectors) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the labels of the tracks and the mean vector of each, ``[tracks, d]``."""
    values = np.asarray(vectors.values)
    if vectors.times is None or not len(values):
        return np.asarray(vectors.tracks), values
    starts = np.flatnonzero(np.diff(vectors.tracks, prepend=vectors.tracks[0] - 1))
    counts = np.diff(starts, append=len(values))
    means = np.empty((len(starts), values.shape[1]), np.float32)
    # Some tracks at a time become 64-bit numbers: adding such up is quicker than turning each while it is added.
    for first in range(0, len(starts), TRACKS_AT_ONCE):
        own = slice(first, first + TRACKS_AT_ONCE)
        begin, stop = starts[first], starts[own][-1] + counts[own][-1]
        sums = np.add.reduceat(values[begin:stop].astype(np.float64), starts[own] - begin, axis=0)
        means[own] = sums / counts[own, np.newaxis]
    return np.asarray(vectors.tracks)[starts], means


def tags_at_points(output: Vectors, vectors: Vectors) -> NDArray[np.float32]:
    """Return the activations of tags at the points of a map, ``[n, tags]``: of the frame, if the frames are the same.

    Else of the whole track; NaN where there are none.
    """
    if _have_same_frames(output, vectors):
        return np.asarray(output.values)
    columns: Any = tag_columns(output)
    return np.asarray(columns.reindex(vectors.tracks).to_numpy(), dtype=np.float32)


def _have_same_frames(one: Vectors, other: Vectors) -> bool:
    if one.times is None or other.times is None:
        return False
    return np.array_equal(one.tracks, other.tracks) and np.allclose(one.times, other.times, atol=1e-3)
