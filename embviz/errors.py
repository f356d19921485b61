"""What can go wrong, as exceptions a caller can tell apart.

Every message is one sentence (or two) that says what was expected, what was found and what to do about it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


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
    by_lower = {candidate.lower(): candidate for candidate in known}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.5)
    return f" Did you mean {by_lower[near[0]]!r}?" if near else ""
