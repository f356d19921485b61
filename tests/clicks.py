"""A click in noise, and the frames that it changes: whoever claims when a frame is has to hold there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

import embviz
from embviz import Embedding, Model
from embviz.models import get_model


def layers_of(name: str) -> list[str]:
    """Return the names of all layers that a model's graph has."""
    table = get_model(name).layers()
    return list(table["name"][table["in_graph"]])


def noise(seconds: float, model: Model) -> NDArray[np.float32]:
    """Return noise as a model takes it."""
    shape = (round(seconds * model.sample_rate), *((2,) if model.frontend == "spleeter" else ()))
    return (0.1 * np.random.default_rng(3).standard_normal(shape)).astype(np.float32)


def changed_frames(before: Embedding, after: Embedding) -> NDArray[np.int64]:
    """Return the numbers of the frames that differ in any bit."""
    one, other = (embedding.tensor.reshape(len(embedding), -1) for embedding in (before, after))
    return np.flatnonzero((one != other).any(axis=1))


def click(
    name: str, seconds: float, clicks: list[float], **options: Any
) -> Iterator[tuple[Embedding, float, NDArray[np.float64]]]:
    """Yield, for each click and layer, the time of the click and the spans of the frames that it changes."""
    model, layers = get_model(name), layers_of(name)
    quiet = noise(seconds, model)

    def embed(samples: NDArray[np.float32]) -> list[Embedding]:
        return embviz.embed((samples, model.sample_rate), name, layer=layers, cache=False, **options)

    before = embed(quiet)
    for at in clicks:
        sample = min(round(at * model.sample_rate), len(quiet) - 1)
        loud = quiet.copy()
        loud[sample] += 0.9
        for one, other in zip(before, embed(loud), strict=True):
            frames = changed_frames(one, other)
            if one.layer == "output" and model.frontend == "spleeter":
                frames = frames[[0, -1]]  # there is one for each sample
            spans = np.array([one.grid.receptive_span(int(frame)) for frame in frames]).reshape(-1, 2)
            yield one, sample / model.sample_rate, spans


def check_spans(name: str, seconds: float, clicks: list[float], **options: Any) -> None:
    """Check that every frame that a click changes claims to have heard it, and that frames claim little more."""
    reach: dict[str, list[float]] = {}
    for embedding, at, spans in click(name, seconds, clicks, **options):
        outside = (spans[:, 0] > at) | (spans[:, 1] < at)
        assert not outside.any(), f"{embedding.layer}: {at} s changes frames that have heard {spans[outside]}"
        share = (at - spans[:, 0]) / (spans[:, 1] - spans[:, 0])
        reach.setdefault(embedding.layer, []).extend(share)
    assert all(reach.values())
    # Nor do spans claim much more than is heard: frames change that have heard the click near their beginning or end.
    assert np.median([np.ptp(shares) for shares in reach.values()]) > 0.5
