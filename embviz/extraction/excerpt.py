"""Stretches of a track whose frames are frames of the whole track."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from embviz.audio import Audio
from embviz.extraction.extract import LayerSpec

if TYPE_CHECKING:
    from embviz.core.embedding import Embedding
    from embviz.models import Model


def cut_excerpt(audio: Audio, model: Model, span: tuple[float, float]) -> tuple[Audio, int, int]:
    """Return a stretch of a track at a model's rate, its first sample, and the samples of the whole track.

    It starts on a patch of the model, so that its frames are frames of the whole track. `span` holds its start and end
    in seconds; the model's weights must be present.
    """
    spec = LayerSpec.of(model, "embedding", None)
    rate, hop = model.sample_rate, max(1, model.patch_hop)
    samples = (audio.stereo if spec.frontend.channels == 2 else audio.mono)(rate, quality=spec.quality)
    first = max(0, int(span[0] * rate) // hop * hop)
    part = samples[first : max(int(np.ceil(span[1] * rate)), first + 1)]
    return Audio.open((np.ascontiguousarray(part), rate)), first, len(samples)


def place_in_track(embedding: Embedding, first: int, n_samples: int, *, title: str) -> Embedding:
    """Return the embedding of a stretch with the times and the title of its track; see :func:`cut_excerpt`."""
    grid = replace(embedding.grid, start=embedding.grid.start + first, n_samples=n_samples)
    return replace(embedding, grid=grid, title=title)
