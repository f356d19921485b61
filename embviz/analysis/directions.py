"""Directions: lines through the space of a layer that tracks and frames are measured along.

Conventions: a direction leads from group a to group b; a place on it is 0 at the mean of a and 1 at the mean of b, and
goes on beyond both. It is linear: the mean of a track's frames is where the track is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.core import io
from embviz.core.embedding import Embedding
from embviz.core.vectors import BLOCK, Vectors
from embviz.errors import EmbvizError, OptionError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

FORMAT = 1


@dataclass(frozen=True, eq=False)
class Direction:
    """A line from one group of tracks to another, in the space of a layer.

    :meth:`embviz.Collection.contrast` finds them.

    Parameters
    ----------
    vector : ndarray, shape [d], float64
        Of length 1, pointing from a to b.
    midpoint : ndarray, shape [d], float64
        Half way between the means of both groups.
    length : float
        How far the means are apart along the vector, above 0.
    ends : (str, str)
        Names of a and of b.
    model, layer : str
        Whose space it is.

    Raises
    ------
    OptionError
        If the arrays are not finite and of one length, or the length is not above 0.

    Examples
    --------
    >>> direction = Direction(np.array([1.0, 0.0]), np.array([2.0, 0.0]), 4.0, ("low", "high"), "a-model", "a-layer")
    >>> direction
    <Direction low → high in a-model / a-layer, 2 dimensions>
    >>> direction.project([[0, 7], [2, 7], [4, 7]])
    array([0. , 0.5, 1. ])
    """

    vector: NDArray[np.float64]
    midpoint: NDArray[np.float64]
    length: float
    ends: tuple[str, str]
    model: str
    layer: str

    def __post_init__(self) -> None:
        arrays = self.vector, self.midpoint
        finite = all(np.isfinite(array).all() for array in (*arrays, self.length))
        if self.vector.ndim != 1 or self.midpoint.shape != self.vector.shape or not finite or self.length <= 0:
            shapes = " and ".join(str(array.shape) for array in arrays)
            raise OptionError(
                f"A direction is a vector and a midpoint of one shape [d], all finite, and a length above 0; arrays of "
                f"shape {shapes} and the length {self.length:g} were found."
            )

    @property
    def title(self) -> str:
        """Its name, as an axis of a map has it: ``"jazz → rock"``."""
        return " → ".join(self.ends)

    def project(self, values: ArrayLike | Vectors | Embedding) -> NDArray[np.float64]:
        """Return where points are on the direction.

        Parameters
        ----------
        values : Vectors, Embedding or array-like, shape [n, d]
            Tracks or frames, of the layer that the direction is one of.

        Returns
        -------
        ndarray, shape [n], float64
            0 at the mean of a, 1 at the mean of b; NaN where a value is not finite.

        Raises
        ------
        OptionError
            If the points have another number of dimensions, or are of another layer.
        """
        if isinstance(values, Vectors | Embedding) and (values.model, values.layer) != (self.model, self.layer):
            raise OptionError(
                f"This direction is one of {self.model} / {self.layer}, and measures its vectors; "
                f"{values.model} / {values.layer} was found."
            )
        points = np.asarray(values.values if isinstance(values, Vectors | Embedding) else values)
        if points.ndim != 2 or points.shape[1] != len(self.vector):
            raise OptionError(
                f"Points of {len(self.vector)} dimensions, [n, {len(self.vector)}], are measured along this direction; "
                f"an array of shape {points.shape} was found."
            )
        places = np.empty(len(points))
        for rows in _blocks(points):
            with np.errstate(invalid="ignore"):  # what is not finite becomes NaN
                places[rows] = 0.5 + (points[rows] - self.midpoint) @ self.vector / self.length
        places[~np.isfinite(places)] = np.nan
        return places

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the direction to a safetensors file.

        Parameters
        ----------
        path : path
            The file; it is replaced where it exists.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        EmbvizError
            If it cannot be written.
        """
        place = Path(path).expanduser()
        names = {name: getattr(self, name) for name in ("length", "ends", "model", "layer")}
        meta = {"direction": json.dumps({"format": FORMAT, **names})}
        try:
            return io.write_arrays(place, {"vector": self.vector, "midpoint": self.midpoint}, meta)
        except OSError as error:
            raise EmbvizError(f"{str(place)!r} could not be written: {error.strerror}.") from error

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Direction:
        """Read a direction that :meth:`save` wrote.

        Parameters
        ----------
        path : path
            The file.

        Returns
        -------
        Direction

        Raises
        ------
        EmbvizError
            If the file is not there, is damaged, or holds no direction.
        """
        place = Path(path).expanduser()
        arrays, meta = io.read_arrays(place)
        try:
            fields: dict[str, Any] = io.parse_json(meta["direction"])
            if fields["format"] != FORMAT:
                raise KeyError("format")
            a, b = fields["ends"]
            vector, midpoint = (np.array(arrays[name], np.float64) for name in ("vector", "midpoint"))
            ends, length = (str(a), str(b)), float(fields["length"])
            return cls(vector, midpoint, length, ends, str(fields["model"]), str(fields["layer"]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise EmbvizError(f"{str(place)!r} holds no direction that this version of embviz wrote.") from error

    def __repr__(self) -> str:
        return f"<Direction {self.title} in {self.model} / {self.layer}, {len(self.vector)} dimensions>"


def _blocks(points: NDArray[Any]) -> Iterator[slice]:
    """Yield the rows in blocks that fit into memory as 64-bit numbers."""
    step = max(1, BLOCK // max(1, points.shape[1]))
    for start in range(0, len(points), step):
        yield slice(start, start + step)
