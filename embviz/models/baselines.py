"""The baselines: descriptors by formula, as models beside those that have learned something."""

from __future__ import annotations

from types import MappingProxyType

from embviz.audio import descriptors
from embviz.models.function_model import describe_function
from embviz.models.references import described_by

_MFCC = describe_function(
    "mfcc",
    descriptors.mfcc,
    sample_rate=descriptors.RATE,
    version="1",
    identity="embviz mfcc 1",
    hop=descriptors.MFCC_HOP,
    window=descriptors.MFCC_FRAME,
    centered=True,
    dimensions=descriptors.COEFFICIENTS,
    names=tuple(f"MFCC {i}" for i in range(descriptors.COEFFICIENTS)),
    unit="dB",
    title="MFCC",
    task="Shape of the spectrum by formula, nothing trained: a baseline of timbre",
    licence="AGPL-3.0-or-later",
    **described_by("davis1980comparison"),
    note="MFCC 0 is the level: Euclidean distances see much of it, cosine distances little; evaluations standardise.",
)
_CHROMA = describe_function(
    "chroma",
    descriptors.chroma,
    sample_rate=descriptors.RATE,
    version="1",
    identity="embviz chroma 1",
    hop=descriptors.CHROMA_HOP,
    window=descriptors.CHROMA_FRAME,
    centered=True,
    dimensions=len(descriptors.PITCH_CLASSES),
    names=descriptors.PITCH_CLASSES,
    unit="share of energy",
    title="Chroma",
    task="Energy of the twelve pitch classes by formula, nothing trained: a baseline of harmony",
    licence="AGPL-3.0-or-later",
    **described_by("fujishima1999realtime"),
)
#: What every other model has to be better than.
BASELINES = MappingProxyType({model.name: model for model in (_MFCC, _CHROMA)})
