"""Embeddings and their clock; numpy only.

Conventions: arrays are frames first, ``[t, d]``, float32. A *frame* stands for a run of sound called its *patch*;
patches follow each other every *hop*. Both are integer samples at the model's sample rate, seconds are derived, so
nothing drifts. The time of a frame is the centre of its patch, as far as that lies inside the track. Each frame owns
the half-open cell from half way to the frame before to half way to the frame behind it; times before the first and
after the last cell belong to the first and the last frame.

Frames that are *steps* inside of overlapping patches of the network have the distances of the steps only while they
come from the same patch, as the next patch begins one hop of its own further. :class:`PatchSteps` tells which step of
which patch a frame is, and so when it is.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from embviz.core import io
from embviz.core.text import format_seconds, html_table
from embviz.errors import EmbvizError, LayerError, OptionError

if TYPE_CHECKING:
    import pandas as pd

#: Of numbers in a file: float32, as they are computed, or float16, in half the bytes.
Precision: TypeAlias = Literal["float32", "float16"]

FORMAT = 1


@dataclass(frozen=True)
class PatchSteps:
    """The patches of a network whose steps in time are the frames of a grid.

    Parameters
    ----------
    start : int
        First sample that the first patch has heard.
    hop : int
        Samples from one patch to the next.
    length : int
        Samples that a patch has heard.
    n_patches : int
        Number of patches.
    first : int
        First sample of the first step of the first patch.
    n_steps : int
        Steps in a patch.
    """

    start: int
    hop: int
    length: int
    n_patches: int
    first: int
    n_steps: int


@dataclass(frozen=True)
class FrameGrid:
    """The mapping between frames and time.

    Parameters
    ----------
    sample_rate : int
        Samples per second of the model's input.
    hop : int
        Samples from one frame to the next; where there are `patches`, on average.
    patch : int
        Samples one frame stands for.
    receptive_field : int
        Samples one frame can have heard, centred on its patch.
    start : int
        First sample of the patch of frame 0; negative where frame 0 is centred near the beginning of the track.
    n_frames : int
        Number of frames.
    n_samples : int
        Length of the track at `sample_rate`.
    patches : PatchSteps, optional
        The patches of the network, where frames are steps inside of them; no frame has heard more than its own.

    Examples
    --------
    >>> grid = FrameGrid(8000, hop=8000, patch=8000, receptive_field=12_000, start=0, n_frames=3, n_samples=24_000)
    >>> grid.times
    array([0.5, 1.5, 2.5])
    >>> grid.time_to_frame(1.2)
    1
    >>> grid.receptive_span(1)
    (0.75, 2.25)
    """

    sample_rate: int
    hop: int
    patch: int
    receptive_field: int
    start: int
    n_frames: int
    n_samples: int
    patches: PatchSteps | None = None

    @property
    def duration(self) -> float:
        """Length of the track in seconds."""
        return self.n_samples / self.sample_rate

    @property
    def period(self) -> float:
        """Seconds from one frame to the next; on average where the grid is not `is_even`."""
        return self.hop / self.sample_rate

    @property
    def is_even(self) -> bool:
        """Whether all frames are `period` apart.

        They are not where the network takes overlapping patches whose distance is no multiple of the distance of the
        steps inside of them, as in the inner layers of VGG-I: a frame is then centred on the step that is nearest to
        where an evenly spaced frame would be, and two frames in a row can be the same step, with the same time and
        values.
        """
        return self.is_aligned or (self.patches is not None and self.patches.n_patches == 1)

    @property
    def is_aligned(self) -> bool:
        """Whether the steps of a patch lie where those of the next would, however many patches there are."""
        return self.patches is None or self.patches.hop % self.hop == 0

    @property
    def times(self) -> NDArray[np.float64]:
        """Centre of each frame in seconds, ``[t]``; rising, but not everywhere where the grid is not `is_even`."""
        return np.asarray(self.frame_to_time(np.arange(self.n_frames)))

    @property
    def edges(self) -> NDArray[np.float64]:
        """Borders of the frames' cells in seconds, ``[t + 1]``."""
        return np.asarray(self._edge(np.arange(self.n_frames + 1)))

    @overload
    def frame_to_time(self, frame: float) -> float: ...
    @overload
    def frame_to_time(self, frame: NDArray[Any] | Sequence[float]) -> NDArray[np.float64]: ...
    def frame_to_time(self, frame: ArrayLike) -> float | NDArray[np.float64]:
        """Return the center of a frame in seconds.

        Parameters
        ----------
        frame : float or array_like of float, any shape
            Number of a frame, counted from 0; it need not be one of the grid's, nor whole: 0.5 is half a frame later.

        Returns
        -------
        float or ndarray
            Of the shape of `frame`.
        """
        frames = np.asarray(frame)
        seconds = np.clip(self._center(frames) / (2 * self.sample_rate), 0, self.duration)
        return seconds if frames.ndim else float(seconds)

    def sources(self, frames: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the patch and the step inside of it that frames are taken from.

        Where patches overlap, that is the patch whose centre is nearest to where evenly spaced frames would lie, and
        the nearest of its steps; where two are as near, the later one, so that frames in a row are steps in a row.

        Parameters
        ----------
        frames : ndarray of int, any shape
            Numbers of frames, counted from 0.

        Returns
        -------
        patches, steps : ndarray of int
            Of the shape of `frames`; frames that are no steps are all that there is of their patch, step 0.
        """
        if self.patches is None:
            return frames, np.zeros_like(frames)
        by = self.patches
        even = self.start + self.hop * frames
        patches = np.clip(np.rint((even + self.hop / 2 - by.start - by.length / 2) / by.hop), 0, by.n_patches - 1)
        # To the even one, as `rint` has it, would take every other step twice, and leave out those between.
        steps = np.clip(np.floor((even - by.first - patches * by.hop) / self.hop + 0.5), 0, by.n_steps - 1)
        return patches.astype(np.int64), steps.astype(np.int64)

    @overload
    def time_to_frame(self, time: float) -> int: ...
    @overload
    def time_to_frame(self, time: NDArray[Any] | Sequence[float]) -> NDArray[np.int64]: ...
    def time_to_frame(self, time: ArrayLike) -> int | NDArray[np.int64]:
        """Return the frame whose cell holds a time.

        Parameters
        ----------
        time : float or array_like of float, any shape
            In seconds; a time before the first or after the last cell belongs to that cell's frame.

        Returns
        -------
        int or ndarray of int
            Of the shape of `time`.

        Raises
        ------
        OptionError
            If a time is NaN, or there are no frames.
        """
        seconds = np.asarray(time, dtype=np.float64)
        if np.isnan(seconds).any():
            raise OptionError("A time is expected in seconds, NaN was found.")
        if not self.n_frames:
            raise OptionError("There are no frames, so no time belongs to one.")
        last = self.n_frames - 1
        guess = np.clip(np.floor((seconds - self._edge(0)) / self.period), 0, last).astype(np.int64)
        # The division may round across a border, and steps lie up to a frame from where even ones would; the borders
        # themselves decide.
        for _ in range(1 if self.patches is None else 2):
            guess = guess + (seconds >= self._edge(guess + 1)) - (seconds < self._edge(guess))
            guess = np.clip(guess, 0, last)
        return guess if seconds.ndim else int(guess)

    def frame_span(self, frame: int) -> tuple[float, float]:
        """Return the seconds of the track that a frame stands for.

        Parameters
        ----------
        frame : int
            Number of the frame, counted from 0.

        Returns
        -------
        (float, float)
            Start and end of its patch in seconds, inside the track.
        """
        center = int(self._center(np.asarray(frame))) / 2
        return self._inside(center - self.patch / 2, center + self.patch / 2)

    @overload
    def receptive_span(self, frame: int) -> tuple[float, float]: ...
    @overload
    def receptive_span(self, frame: NDArray[Any] | Sequence[int]) -> NDArray[np.float64]: ...
    def receptive_span(self, frame: ArrayLike) -> tuple[float, float] | NDArray[np.float64]:
        """Return the seconds of the track that a frame depends on.

        Parameters
        ----------
        frame : int or array_like of int, any shape
            Number of the frame, counted from 0.

        Returns
        -------
        (float, float) or ndarray, shape [..., 2]
            Start and end of its receptive field in seconds, inside the track.
        """
        frames = np.asarray(frame, dtype=np.int64)
        reach = np.array([-self.receptive_field / 2, self.receptive_field / 2])
        spans = self._center(frames)[..., np.newaxis] / 2 + reach
        if self.patches is not None:
            by = self.patches
            patch = by.start + by.hop * self.sources(frames)[0][..., np.newaxis] + np.array([0, by.length])
            whole = self.receptive_field >= by.length
            spans = patch if whole else spans.clip(patch[..., :1], patch[..., 1:])
        spans = spans.clip(0, self.n_samples) / self.sample_rate
        return spans if frames.ndim else (float(spans[0]), float(spans[1]))

    def _inside(self, first: float, stop: float) -> tuple[float, float]:
        inside = np.clip([first, stop], 0, self.n_samples) / self.sample_rate
        return float(inside[0]), float(inside[1])

    def _center(self, frames: NDArray[Any]) -> NDArray[Any]:
        """Return twice the sample on which frames are centred; also for frames beyond both ends, and between two."""
        even = 2 * self.start + self.patch + 2 * self.hop * frames
        if self.patches is None or not self.n_frames:
            return np.asarray(even)
        nearest = np.clip(np.rint(frames), 0, self.n_frames - 1).astype(np.int64)
        patches, steps = self.sources(nearest)
        begins = self.patches.first + self.patches.hop * patches + self.hop * steps
        return np.asarray(even + 2 * (begins - self.start - self.hop * nearest))

    def _edge(self, index: Any) -> Any:
        frames = np.asarray(index)
        return (self._center(frames - 1) + self._center(frames)) / (4 * self.sample_rate)

    def __getitem__(self, frames: slice) -> FrameGrid:
        """Return the grid of consecutive frames, ``grid[first:stop]``; a step other than 1 raises OptionError."""
        first, stop, step = frames.indices(self.n_frames)
        if step != 1:
            raise OptionError(f"Frames are sliced with a step of 1, {step} was found.")
        return replace(self, start=self.start + first * self.hop, n_frames=max(0, stop - first))


@dataclass(frozen=True, eq=False)
class Embedding:
    """The output of one layer of a model for a track: one vector per frame.

    :func:`embviz.embed` makes them; ``embedding[12.5]`` is the vector at a time in seconds, and
    ``embedding[10:20]`` the embedding of a range of seconds.

    Parameters
    ----------
    values : ndarray, shape [t, d], float32
        One vector per frame. Layers with a frequency axis are averaged over it; see :attr:`tensor`.
    grid : FrameGrid
        Which frame is when.
    model : str
        Name of the model.
    layer : str
        Name of the layer, or of the node.
    labels : tuple of str
        A name per dimension (tags, BPM), or empty.
    unit : str
        Unit of the values, or empty.
    title : str
        Name of the track.
    source : str
        Where the weights came from; their SHA-256 is ``info["weights"]``.
    info : mapping
        What else determines the values: audio digest, resample quality, Essentia's version …; ``padded`` is true
        where the track was shorter than one patch and was repeated to fill it.

    Raises
    ------
    OptionError
        If there is not one row of values for each frame of the grid.

    Examples
    --------
    >>> grid = FrameGrid(8000, hop=8000, patch=8000, receptive_field=8000, start=0, n_frames=3, n_samples=24_000)
    >>> embedding = Embedding(np.eye(3, 2, dtype=np.float32), grid, "a-model", "a-layer", title="noise")
    >>> embedding
    <Embedding a-model / a-layer: 3 frames × 2 dimensions, every 1 s, 3.00 s of noise>
    >>> embedding[1.2]
    array([0., 1.], dtype=float32)
    >>> embedding[1:].times
    array([1.5, 2.5])
    """

    values: NDArray[np.float32]
    grid: FrameGrid
    model: str
    layer: str
    labels: tuple[str, ...] = ()
    unit: str = ""
    title: str = ""
    source: str = ""
    info: Mapping[str, Any] = field(default_factory=dict)
    _tensor: NDArray[np.float32] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or len(self.values) != self.grid.n_frames:
            raise OptionError(
                f"An embedding holds one row for each of its {self.grid.n_frames} frames, "
                f"an array of shape {self.values.shape} was found."
            )

    @property
    def times(self) -> NDArray[np.float64]:
        """Centre of each frame in seconds, ``[t]``."""
        return self.grid.times

    @property
    def duration(self) -> float:
        """Length of the track in seconds."""
        return self.grid.duration

    @property
    def shape(self) -> tuple[int, int]:
        """Frames and dimensions."""
        return self.values.shape[0], self.values.shape[1]

    @property
    def padded(self) -> bool:
        """Whether the track was shorter than one patch, and was repeated to fill it."""
        return bool(self.info.get("padded", False))

    @property
    def tensor(self) -> NDArray[np.float32]:
        """The layer's own shape: ``[t, c]``, or ``[t, f, c]`` where it has a frequency axis.

        Raises
        ------
        LayerError
            If the tensor was too large to be kept.
        """
        if self._tensor is not None:
            return self._tensor
        if "tensor_bytes" in self.info:
            megabytes = self.info["tensor_bytes"] / 2**20
            raise LayerError(
                f"The full tensor of {self.model} / {self.layer} takes {megabytes:.0f} MB and was not kept; "
                "embed a shorter excerpt by passing (samples, sample_rate)."
            )
        return self.values

    def mean(self) -> NDArray[np.float32]:
        """Return the mean over time.

        Returns
        -------
        ndarray, shape [d], float32
        """
        return np.asarray(self.values.mean(axis=0))

    def to_frame(self) -> pd.DataFrame:
        """Return the values as a table.

        Returns
        -------
        pandas.DataFrame
            Time in seconds as index; a column per dimension, named by its label where it has one. Where frames in a
            row are the same step of a network (see :attr:`FrameGrid.is_even`), their times are equal, too:
            ``frame[~frame.index.duplicated()]`` has each step once.
        """
        import pandas as pd

        columns = list(self.labels) or [f"{self.layer}_{i}" for i in range(self.shape[1])]
        return pd.DataFrame(self.values, index=pd.Index(self.times, name="time"), columns=columns)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return int(self.values.nbytes + (0 if self._tensor is None else self._tensor.nbytes))

    def save(
        self, path: str | Path, *, extra: Mapping[str, str] | None = None, precision: Precision = "float32"
    ) -> Path:
        """Write the embedding to a safetensors file, whole or not at all.

        Parameters
        ----------
        path : path
            The file; it is replaced where it exists.
        extra : mapping of str to str, optional
            More for the file's readable header.
        precision : {"float32", "float16"}
            Of the numbers in the file. ``"float16"`` takes half the bytes; the largest errors of rounding are stated in
            the file, and in ``info["rounding"]`` of what is read from it.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        OptionError
            If float16 is too small for a number.
        """
        arrays = {"values": self.values} | ({} if self._tensor is None else {"tensor": self._tensor})
        info = dict(self.info)
        if precision == "float16":
            arrays, info["rounding"] = _round_arrays(arrays)
        names = ("model", "layer", "labels", "unit", "title", "source")
        fields = {"format": FORMAT, "grid": asdict(self.grid), "info": info}
        fields |= {name: getattr(self, name) for name in names}
        return io.write_arrays(Path(path), arrays, {"embviz": json.dumps(fields), **(extra or {})})

    @classmethod
    def load(cls, path: str | Path) -> Embedding:
        """Read an embedding written by :meth:`save`.

        Parameters
        ----------
        path : path
            The file.

        Returns
        -------
        Embedding
            Its arrays are float32 and read-only; they are memory-mapped where the file has them so.

        Raises
        ------
        EmbvizError
            If the file is not such a file, or is damaged.
        """
        arrays, meta = io.read_arrays(Path(path))
        arrays = {name: _widen(array) for name, array in arrays.items()}
        try:
            fields = io.parse_json(meta["embviz"])
            if fields.pop("format") != FORMAT:
                raise KeyError("format")
            stored, labels, info = dict(fields.pop("grid")), tuple(fields.pop("labels")), dict(fields.pop("info"))
            steps = stored.pop("patches", None) or {}
            if not all(map(math.isfinite, (*stored.values(), *steps.values()))) or stored["sample_rate"] <= 0:
                raise ValueError("grid")
            if not all(isinstance(text, str) for text in (*labels, *fields.values())):
                raise TypeError("text")
            grid = FrameGrid(**stored, patches=PatchSteps(**steps) if steps else None)
            return cls(arrays["values"], grid, labels=labels, info=info, _tensor=arrays.get("tensor"), **fields)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise EmbvizError(f"{str(path)!r} is not an embedding that this version of embviz wrote.") from error

    @overload
    def __getitem__(self, seconds: float) -> NDArray[np.float32]: ...
    @overload
    def __getitem__(self, seconds: slice) -> Embedding: ...
    def __getitem__(self, seconds: float | slice) -> NDArray[np.float32] | Embedding:
        """Return the vector at a time, or the embedding of a range of times.

        Parameters
        ----------
        seconds : float or slice of float
            A time, or a half-open range without a step, in seconds.

        Returns
        -------
        ndarray, shape [d], or Embedding
            A time gives the vector of the frame whose cell holds it, a range the frames centered in it.

        Raises
        ------
        OptionError
            If the slice has a step, or the time is NaN.
        """
        if not isinstance(seconds, slice):
            return np.asarray(self.values[self.grid.time_to_frame(seconds)])
        if seconds.step is not None:
            raise OptionError("An embedding is sliced as [start:stop] in seconds, a step was found.")
        start = -np.inf if seconds.start is None else seconds.start
        stop = np.inf if seconds.stop is None else seconds.stop
        first, last = map(int, np.searchsorted(self.times, [start, stop]))
        frames = slice(first, max(first, last))
        tensor = None if self._tensor is None else self._tensor[frames]
        return replace(self, values=self.values[frames], grid=self.grid[frames], _tensor=tensor)

    def __len__(self) -> int:
        return len(self.values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.values, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        t, d = self.shape
        padded = ", repeated to fill one patch" if self.padded else ""
        return (
            f"<Embedding {self.model} / {self.layer}: {t} frames × {d} dimensions, "
            f"{format_period(self)}, {self.duration:.2f} s of {self.title or 'audio'}{padded}>"
        )

    def _repr_html_(self) -> str:
        rows = {
            "track": f"{self.title} ({self.duration:.2f} s)",
            "model": self.model,
            "layer": self.layer,
            "shape": f"{self.shape[0]} frames × {self.shape[1]} dimensions",
            "hop": f"{format_seconds(self.grid.period, 4)} ({self.grid.hop} samples at {self.grid.sample_rate} Hz)",
            "patch": format_seconds(self.grid.patch / self.grid.sample_rate, 4),
            "weights": self.source,
        }
        return html_table(rows)


def check_embedding(found: Any) -> Embedding:
    """Return an embedding, checked to be one; raises OptionError."""
    if not isinstance(found, Embedding):
        raise OptionError(
            f"An embedding is expected, as embviz.embed(track, 'musicnn') gives it, {type(found).__name__} was found."
        )
    return found


def format_period(embedding: Embedding, digits: int = 3) -> str:
    """Return how often a frame comes: ``"every 1.49 s"``."""
    return f"every {format_seconds(embedding.grid.period, digits)}{'' if embedding.grid.is_even else ' on average'}"


def _round_arrays(arrays: Mapping[str, NDArray[np.float32]]) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return arrays in float16, and the largest errors that this costs; the relative one is that of a single number."""
    rounded, absolute, relative = {}, 0.0, 0.0
    for name, array in arrays.items():
        with np.errstate(over="ignore"):
            rounded[name] = half = array.astype(np.float16)
        finite = np.isfinite(array)
        if not np.isfinite(half[finite]).all():
            largest = float(np.abs(array[finite]).max())
            raise OptionError(f"float16 holds numbers up to 65,504, {largest:g} was found; use precision='float32'.")
        exact = np.abs(array[finite])
        error = np.abs(half[finite] - array[finite])
        absolute = max(absolute, float(error.max(initial=0)))
        relative = max(relative, float((error[exact > 0] / exact[exact > 0]).max(initial=0)))
    return rounded, {"precision": "float16", "absolute": absolute, "relative": relative}


def _widen(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype != np.float16:
        return array
    wide = array.astype(np.float32)
    wide.flags.writeable = False
    return wide
