"""What can go wrong, as exceptions a caller can tell apart.

Every message is one sentence (or two) that says what was expected, what was found and what to do about it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LEAST_LIKENESS = 0.55  # of a name that may have been meant


class EmbvizError(Exception):
    """Base of all errors raised on purpose by embviz."""


class AudioError(EmbvizError):
    """A sound could not be read, or there is nothing in it to analyse."""


class UndecodableError(AudioError):
    """What a file holds cannot be decoded, however often that is tried."""


class CollectionError(EmbvizError):
    """A collection cannot be read, or has nothing in it to work on."""


class ModelError(EmbvizError):
    """No such model, or a model's description contradicts its graph."""


class LayerError(EmbvizError):
    """No such layer or node, or one that cannot be read out."""


class WeightsError(EmbvizError):
    """The weights of a model could not be had, or are not what they should be."""


class ConversionError(WeightsError):
    """A published checkpoint could not be turned into an inference graph."""


class GraphError(EmbvizError):
    """A file is not a frozen TensorFlow graph, or the graph does not run."""


class EngineError(EmbvizError):
    """An engine that runs graphs is not installed, is too old, or does not start."""


class NotFiniteError(GraphError):
    """A network was given what is not finite: only Essentia says what comes of that."""


class FunctionError(EmbvizError):
    """A function that was registered as a model failed on a sound, or gave what it should not."""


class OptionError(EmbvizError, ValueError):
    """An option has a value outside what it can be."""


class FigureError(EmbvizError):
    """A figure could not be written as a picture."""


class CacheWarning(UserWarning):
    """The cache could not be used as it should; results are computed instead."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the nearest of `known`, or an empty string."""
    wanted = name.lower()
    # By the letters in common; of names that are as near, by the first letters, which are seldom mistyped.
    near = {text: _likeness(wanted, text.lower()) for text in map(str, known)}
    best = max(near, key=lambda text: near[text], default="")
    return f" Did you mean {best!r}?" if best and near[best][0] >= LEAST_LIKENESS else ""


def _likeness(wanted: str, known: str) -> tuple[float, int]:
    """Return the share of letters in common, 0 … 1, and how many first letters are."""
    matcher = difflib.SequenceMatcher(None, wanted, known, autojunk=False)
    if matcher.real_quick_ratio() < LEAST_LIKENESS or matcher.quick_ratio() < LEAST_LIKENESS:
        return 0.0, 0
    first = next((i for i, (a, b) in enumerate(zip(wanted, known, strict=False)) if a != b), len(wanted))
    return round(matcher.ratio(), 2), first
