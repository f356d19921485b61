"""A Python function as a model: its record, and how it is called."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.core.embedding import FrameGrid
from embviz.core.text import format_seconds, one_line
from embviz.errors import FunctionError, LayerError, OptionError, did_you_mean
from embviz.models.layer import Layer
from embviz.models.model import Model

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embviz.inference.graph import Graph

#: What is called one track after another, as few functions of others can stand to be called at once.
_locks: dict[str, threading.Lock] = {}


@dataclass(frozen=True, repr=False)
class FunctionModel(Model):
    """A function from samples to frames, with the one layer ``embedding``.

    Parameters
    ----------
    function : callable
        Given mono samples, float32 ``[n]``, at the model's sample rate; gives ``[t, d]``.
    version : str
        Of the function.
    centered : bool
        Whether frame ``i`` is centred on sample ``i * hop``, rather than to begin there.
    """

    function: Callable[[NDArray[np.float32]], Any] | None = field(default=None, compare=False)
    version: str = ""
    centered: bool = False

    def layer(self, name: str, *, graph: Graph | None = None) -> Layer:  # noqa: ARG002  there is none
        """Return the layer of a name; LayerError if it is another one than ``embedding``."""
        (only,) = self.known_layers
        if name in (only.name, *only.nodes):
            return only
        raise LayerError(
            f"{self.name!r} has no layer {name!r:.100}.{did_you_mean(name, [only.name])} It is a function with the "
            f"one layer {only.name!r}."
        )

    def grid(self, n_samples: int, n_frames: int) -> FrameGrid:
        """Return the grid of the frames that the function gives of so many samples."""
        if not self.patch_hop:
            return FrameGrid(self.sample_rate, n_samples, n_samples, n_samples, 0, n_frames, n_samples)
        start, window = -(self.patch_samples // 2) if self.centered else 0, self.patch_samples
        return FrameGrid(self.sample_rate, self.patch_hop, window, window, start, n_frames, n_samples)

    def compute(self, samples: NDArray[np.float32], title: str) -> NDArray[np.float32]:
        """Return what the function gives of a sound, ``[t, d]``, checked; FunctionError says what is wrong with it."""
        if self.function is None:
            raise FunctionError(f"{self.name!r} has no function.")
        with _locks.setdefault(self.identity, threading.Lock()):
            try:
                found = self.function(np.array(samples, dtype=np.float32))
                values = np.asarray(found)
            except MemoryError:
                raise
            except Exception as error:
                message = one_line(str(error)).rstrip(".")[:200]
                raise FunctionError(
                    f"The function of {self.name!r} failed on {title!r} with {type(error).__name__}"
                    f"{f': {message}' if message else ''}."
                ) from error
        problem = self._find_problem(values, len(samples))
        if problem:
            raise FunctionError(f"The function of {self.name!r}, given {title!r}, returned {problem}.")
        return np.ascontiguousarray(values.reshape(-1, values.shape[-1]), dtype=np.float32)

    def _find_problem(self, values: NDArray[Any], n_samples: int) -> str:
        """Return what is wrong with what the function gave; empty where that is nothing."""
        frames = values[np.newaxis] if values.ndim == 1 and not self.patch_hop else values
        if frames.ndim != 2 or not frames.size or frames.dtype.kind not in "fiub":
            return f"an array of shape {values.shape} and type {values.dtype}, where numbers [t, d] are expected"
        t, d = frames.shape
        if self.dimensions not in (0, d):
            return f"vectors of {d:,} numbers, where {self.dimensions:,} are expected, as for every track"
        if not self.patch_hop:
            several = (
                f"{t:,} frames, where one vector for the whole track is expected; hop= says how far they are apart"
            )
            return several if t > 1 else ""
        fewest = max(1, (n_samples - self.patch_samples) // self.patch_hop - 1)
        most = n_samples // self.patch_hop + 2
        if not fewest <= t <= most:
            return (
                f"{t:,} frames of {n_samples / self.sample_rate:.2f} s, where {fewest:,} to {most:,} are expected, one "
                f"every {format_seconds(self.hop_seconds, 4)}"
            )
        with np.errstate(over="ignore"):  # what float32 cannot hold is not finite
            finite = np.isfinite(frames.astype(np.float32, copy=False)).all()
        return "" if finite else "values that are not finite (NaN or infinite)"

    def _facts(self) -> list[tuple[str, str]]:
        """Return what there is to say about the model as pairs of label and text."""
        every = f"{format_seconds(self.patch_seconds, 4)} every {format_seconds(self.hop_seconds, 4)}"
        facts = [
            ("task", self.task),
            ("frame", every if self.patch_hop else "the whole track"),
            ("sample rate", f"{self.sample_rate} Hz"),
            ("embedding", f"{self.dimensions} values"),
            ("version", self.version),
            ("licence", self.licence),
            ("citation", self.citation),
            ("note", self.note),
        ]
        return [(label, text) for label, text in facts if text]


def describe_function(  # noqa: PLR0913  each is said of a function
    name: str,
    function: Callable[[NDArray[np.float32]], Any],
    *,
    sample_rate: int,
    version: str,
    identity: str,
    hop: int,
    window: int,
    centered: bool,
    dimensions: int,
    names: tuple[str, ...] = (),
    unit: str = "",
    title: str = "",
    task: str = "",
    licence: str = "",
    citation: str = "",
    references: tuple[str, ...] = (),
    note: str = "",
) -> FunctionModel:
    """Return the record of a function; lengths are in samples, a hop of 0 stands for one vector of the whole track."""
    layer = Layer(
        "embedding", ("function",), "c", task or "what the function gives", (dimensions,), labels=names, unit=unit
    )
    return FunctionModel(
        name=name,
        title=title or name,
        system="function",
        task=task or "not described",
        parameters=0,
        dimensions=dimensions,
        training_data="",
        licence=licence,
        citation=citation,
        references=references,
        frontend="",
        sample_rate=sample_rate,
        frame_hop=hop,
        resample_quality=1,
        patch_frames=1,
        patch_samples=window,
        patch_hop=hop,
        input_node="samples",
        input_shape=(),
        known_layers=(layer,),
        sources=(),
        note=note,
        function=function,
        version=version,
        identity=identity,
        centered=centered,
    )


def check_layout(sample_rate: Any, hop: Any, window: Any) -> tuple[int, int, int]:
    """Return the rate of a function, its hop and its window in samples, from what a user gives in seconds."""
    whole = isinstance(sample_rate, int | np.integer) and not isinstance(sample_rate, bool)
    if not whole or not 1000 <= sample_rate <= 384_000:
        raise OptionError(f"sample_rate is a whole number of Hz from 1,000 to 384,000, {sample_rate!r:.80} was found.")
    lengths = []
    for name, seconds in (("hop", hop), ("window", window)):
        number = isinstance(seconds, int | float | np.number) and not isinstance(seconds, bool)
        if seconds is not None and not (number and 0 < seconds < 86_400 and round(seconds * sample_rate) >= 1):
            raise OptionError(f"{name} is a number of seconds above 0, or None, {seconds!r:.80} was found.")
        lengths.append(0 if seconds is None else round(float(seconds) * int(sample_rate)))
    if window is not None and hop is None:
        raise OptionError("window is the length of a frame, and goes with hop, the seconds from one to the next.")
    return int(sample_rate), lengths[0], lengths[1] or lengths[0]
