"""A user's functions as models: they live as long as the process.

A record holds the function itself. What tells results of one from those of another is its name, its version and its
source; what it calls, is bound to or has learned is not seen, and is what the version is for.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.errors import ModelError, OptionError, did_you_mean
from embviz.models import custom
from embviz.models.function_model import FunctionModel, check_layout, describe_function

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRIAL_SECONDS = 3.0  # of the sound that a function is tried with

_registered: dict[str, FunctionModel] = {}


def register_function(  # noqa: PLR0913  options are given by name
    name: str,
    function: Callable[[NDArray[np.float32]], Any],
    *,
    sample_rate: int,
    version: str,
    hop: float | None = None,
    window: float | None = None,
    centered: bool = False,
    dimensions: int | None = None,
    names: Sequence[str] | None = None,
    unit: str = "",
    title: str = "",
    task: str = "",
    licence: str = "",
    citation: str = "",
) -> FunctionModel:
    """Add a Python function as a model: its results are cached, mapped, shown and evaluated like those of a network.

    It is known until the process ends; a notebook registers it again each time it runs. Collections are computed in
    processes that the function is sent to; one that cannot be sent is called in this process, with a warning. It is
    called for one track at a time in each process.

    Parameters
    ----------
    name : str
        Name to register it under. One of this name that was registered before is replaced.
    function : callable
        Given the samples of a track, mono, float32 ``[n]``, at `sample_rate`; returns an array ``[t, d]`` of finite
        numbers, or ``[d]`` for a whole track where there is no `hop`. `d` is the same for every track.
    sample_rate : int
        Samples per second that the function is to be given.
    version : str
        Of the function, part of the key of its results in the cache. Give it another one when anything changes that
        the function calls or has learned; when its own source changes, results are computed anew without that.
    hop : float, optional
        Seconds from one frame to the next, rounded to whole samples; without it, there is one frame for a track.
    window : float, optional
        Seconds of sound that a frame depends on; by default `hop`.
    centered : bool
        Whether frame ``i`` is centred on ``i * hop`` seconds, as in librosa; by default it begins there.
    dimensions : int, optional
        Length of a vector; without it, the function is tried with three seconds of noise.
    names : sequence of str, optional
        A name per dimension.
    unit, title, task, licence, citation : str
        What is shown of it: the unit of its values, its name for people, what it is for.

    Returns
    -------
    Model
        Its record, with the one layer ``"embedding"``.

    Raises
    ------
    ModelError
        If the name is taken.
    OptionError
        If an option is out of range.
    FunctionError
        If the function fails when it is tried, or gives something else.

    Examples
    --------
    >>> import numpy as np
    >>> import embviz
    >>> def loudness(samples):
    ...     blocks = samples[: len(samples) // 1600 * 1600].reshape(-1, 1600)
    ...     return np.log10(1e-5 + np.square(blocks).mean(axis=1, keepdims=True))
    >>> model = embviz.register_function("loudness", loudness, sample_rate=16_000, hop=0.1, version="1")
    >>> embviz.embed((np.ones(16_000, np.float32), 16_000), "loudness", cache=False)
    <Embedding loudness / embedding: 10 frames × 1 dimensions, every 0.1 s, 1.00 s of array>
    >>> embviz.models.unregister_function("loudness")
    """
    name = _check_name(name)
    if not callable(function):
        raise OptionError(f"A function from samples to [t, d] is expected, {function!r:.80} was found.")
    checked = _check_version(version)
    rate, hop_samples, window_samples = check_layout(sample_rate, hop, window)
    labels = _check_labels(names, dimensions)
    model = describe_function(
        name,
        function,
        sample_rate=rate,
        version=checked,
        identity=_identify(function, checked),
        hop=hop_samples,
        window=window_samples,
        centered=bool(centered),
        dimensions=len(labels) or dimensions or 0,
        names=labels,
        unit=unit,
        title=title,
        task=task,
        licence=licence,
        citation=citation,
    )
    if not dimensions:
        model = _try(model)
    _registered[name] = model
    return model


def registered_functions() -> dict[str, FunctionModel]:
    """Return the functions that were registered in this process, by name."""
    return dict(_registered)


def unregister_function(name: str) -> None:
    """Forget a function that was registered.

    Parameters
    ----------
    name : str
        The name it was registered under.

    Raises
    ------
    ModelError
        If no function of that name was registered.
    """
    if _registered.pop(name, None) is None:
        raise ModelError(f"There is no function {name!r:.80} of your own.{did_you_mean(str(name), _registered)}")


def _check_name(name: Any) -> str:
    checked = custom.check_name(name)
    if checked in custom.registered_models():
        raise ModelError(f"There is a model {name!r} already; give this function another name.")
    return checked


def _check_version(version: Any) -> str:
    if not isinstance(version, str) or not version:
        raise OptionError(f"version is a text such as '1', {version!r:.80} was found.")
    return version


def _check_labels(names: Any, dimensions: Any) -> tuple[str, ...]:
    whole = isinstance(dimensions, int | np.integer) and not isinstance(dimensions, bool) and dimensions >= 1
    if dimensions is not None and not whole:
        raise OptionError(f"dimensions is a whole number from 1, or None, {dimensions!r:.80} was found.")
    labels = () if names is None else tuple(names)
    if isinstance(names, str) or not all(isinstance(label, str) for label in labels):
        raise OptionError(f"names are expected as a list of texts, one per dimension; {names!r:.80} was found.")
    if labels and dimensions not in (None, len(labels)):
        raise OptionError(f"A name is expected for each of {dimensions} dimensions, {len(labels)} were found.")
    return labels


def _try(model: FunctionModel) -> FunctionModel:
    """Return the record with the dimensions that the function gives of a little noise."""
    n = max(round(TRIAL_SECONDS * model.sample_rate), 2 * model.patch_samples)
    noise = np.random.default_rng(0).standard_normal(n, np.float32) / np.float32(10)
    dimensions = model.compute(noise, "a trial with noise").shape[1]
    (layer,) = model.known_layers
    return replace(model, dimensions=dimensions, known_layers=(replace(layer, shape=(dimensions,)),))


def _identify(function: Any, version: str) -> str:
    """Return a digest of the version and the source of a function, as far as there is any to be read."""
    while isinstance(function, functools.partial):
        function = function.func
    source = ""
    for part in (inspect.unwrap(function), type(function)):
        try:
            source = inspect.getsource(part)
            break
        except (OSError, TypeError):
            continue
    return hashlib.blake2b(json.dumps([version, source]).encode(), digest_size=20).hexdigest()
