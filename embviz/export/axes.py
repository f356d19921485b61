"""What the axes of a map can be: columns of the table, dimensions of a layer, and directions in its space.

Conventions: an axis has the key of a color (:mod:`.columns`), or ``"dimension:MODEL:LAYER:NUMBER"``,
``"vectors:DIGEST:NUMBER"`` of vectors of one's own, or ``"direction:DIGEST"``.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from embviz.analysis.directions import Direction
from embviz.collection.column_facts import column_unit
from embviz.core.text import format_cell
from embviz.core.vectors import Vectors
from embviz.errors import ModelError, OptionError, did_you_mean
from embviz.export.columns import readable_column
from embviz.models import get_model
from embviz.models.lookup import find_model, model_title
from embviz.plotting.axes import Axis, encode_axis

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from embviz.models import Model

#: Gives the vectors of a layer, or of vectors of one's own, by a pooling.
Embed = Callable[[Any, str, str], Vectors]

EXPECTED = (
    "An axis is a column of the table, a tag, a dimension such as ('musicnn', 'embedding', 37) or (vectors, 37), or a "
    "Direction"
)


@dataclass(frozen=True, eq=False)
class LayerAxis:
    """A dimension of a layer, or a direction in its space; `vectors` where they are one's own."""

    model: str
    layer: str
    dimension: int = 0
    label: str = ""
    vectors: Vectors | None = None
    direction: Direction | None = None

    @classmethod
    def of_direction(cls, direction: Direction) -> Self:
        """Return a direction as an axis."""
        model = find_model(direction.model)
        return cls(direction.model if model is None else model.name, direction.layer, direction=direction)

    @property
    def key(self) -> str:
        """What the page knows it by."""
        if self.direction is not None:
            arrays = self.direction.vector.tobytes() + self.direction.midpoint.tobytes()
            return f"direction:{_digest(arrays + self.direction.title.encode())}"
        if self.vectors is not None:
            return (
                f"vectors:{_digest(self.vectors.key.encode() or np.asarray(self.vectors).tobytes())}:{self.dimension}"
            )
        return f"dimension:{self.model}:{self.layer}:{self.dimension}"

    @property
    def title(self) -> str:
        """In words."""
        of = f"{model_title(self.model)} / {self.layer}"
        if self.direction is not None:
            return f"{self.direction.title}, {of}"
        return f"{of}, {self.label or f'dimension {self.dimension}'}"

    def fits(self, points: Vectors) -> bool:
        """Return whether the vectors of a map are of this layer, and can be measured as they are."""
        if (points.model, points.layer) != (self.model, self.layer):
            return False
        if self.vectors is not None and points.key != self.vectors.key:
            return False
        return points.pooling in ("mean", "frames") or self.direction is None

    def axis(self, points: Vectors, embed: Embed) -> Axis:
        """Return the values at the points of a map; `embed` is asked where these are of another layer.

        Raises
        ------
        OptionError
            If there is no such dimension or layer, or its values are all the same.
        """
        vectors = points if self.fits(points) else embed(self.source_for(points), self.layer, pooling_for(points))
        numbers = values_at_points(self.measure(vectors), vectors, points)
        if self.direction is not None:
            return encode_axis(numbers, title=self.title)
        named = self.label or _label(self.dimension, vectors.labels)
        return encode_axis(numbers, title=replace(self, label=named).title, unit=vectors.unit)

    @property
    def source_key(self) -> str:
        """What tells the vectors that are measured from others."""
        return f"{self.model}:{self.layer}:{'' if self.vectors is None else self.vectors.key}"

    def source_for(self, points: Vectors) -> Model | Vectors:
        """Return what is embedded for the points of a map; OptionError where there is no such model."""
        if self.vectors is not None:
            return self.vectors
        try:
            return get_model(self.model)
        except ModelError:
            of = "The direction" if self.direction is not None else "The axis"
            raise OptionError(
                f"{of} {self.title!r} measures the vectors of {self.model} / {self.layer}; the map shows "
                f"{points.model} / {points.layer}, and there is no such model."
            ) from None

    def measure(self, vectors: Vectors) -> NDArray[np.float64]:
        """Return the value of each vector of this layer."""
        values = np.asarray(vectors.values)
        return self.measure_values(values[:, : values.shape[1] // 2] if vectors.pooling == "mean+std" else values)

    def measure_values(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the value of each point ``[n, d]`` of this layer."""
        if self.direction is not None:
            return self.direction.project(values)
        number = find_dimension(self.dimension, (), values.shape[1], f"{self.model} / {self.layer}")
        return np.asarray(values[:, number], np.float64)


def layer_axis(wanted: Any) -> LayerAxis | None:
    """Return a dimension or a direction as an axis; None where something is a name, or None.

    Raises
    ------
    OptionError, ModelError
        If it is nothing of the kind, or there is no such model or dimension.
    """
    if wanted is None or isinstance(wanted, str):
        return None
    if isinstance(wanted, LayerAxis):
        return wanted
    if isinstance(wanted, Direction):
        return LayerAxis.of_direction(wanted)
    if not isinstance(wanted, tuple) or len(wanted) not in (2, 3):
        raise OptionError(f"{EXPECTED}; {wanted!r:.80} was found.")
    source, dimension = wanted[0], wanted[-1]
    if isinstance(dimension, bool) or not isinstance(dimension, int | np.integer | str):
        raise OptionError(f"{EXPECTED}; {dimension!r:.80} is no dimension.")
    if isinstance(source, Vectors) and len(wanted) == 2:
        number = find_dimension(dimension, source.labels, source.shape[1], f"{source.model} / {source.layer}")
        return LayerAxis(source.model, source.layer, number, _label(number, source.labels), source)
    model, layer = get_model(source), wanted[1] if len(wanted) == 3 else "embedding"
    known = next((one for one in model.known_layers if one.name == layer), None)
    labels = known.labels if known is not None else ()
    size = len(labels) or (model.dimensions if layer == "embedding" else 0)
    of = f"{model.name} / {layer}"
    if not size and isinstance(dimension, str):
        raise OptionError(f"{of} has no names of dimensions; give a number instead of {dimension!r:.80}.")
    number = find_dimension(dimension, labels, size, of) if size else int(dimension)
    return LayerAxis(model.name, str(layer), number, _label(number, labels))


def axis_of_key(key: str, known: Mapping[str, LayerAxis]) -> LayerAxis | None:
    """Return a dimension or a direction by its key, of those that were made; None where the key is of a color.

    Raises
    ------
    OptionError, ModelError
        If there is no such thing any more.
    """
    kind, _, rest = key.partition(":")
    if key in known:
        return known[key]
    if kind in ("direction", "vectors"):
        raise OptionError("The direction, or the vectors, that the map was laid out by are not here any more.")
    if kind != "dimension":
        return None
    source, _, number = rest.rpartition(":")
    model, _, layer = source.partition(":")
    place = int(number) if number.isdecimal() else -1
    # Vectors that stand for a model on the map have a name of their own.
    return LayerAxis(model, layer, place) if find_model(model) is None else layer_axis((model, layer, place))


def _label(number: int, labels: tuple[str, ...]) -> str:
    return str(labels[number]) if labels and 0 <= number < len(labels) else ""


def find_dimension(wanted: Any, labels: tuple[str, ...], size: int, of: str) -> int:
    """Return the number of a dimension by its number or its label; raises OptionError where there is none."""
    if isinstance(wanted, str):
        if wanted in labels:
            return labels.index(wanted)
        known = f"has no dimension called {wanted!r:.80}" if labels else "has no names of dimensions"
        raise OptionError(f"{of} {known}; its dimensions are 0 to {size - 1}.{did_you_mean(wanted, labels)}")
    if not 0 <= wanted < size:
        raise OptionError(f"{of} has the dimensions 0 to {size - 1}; {wanted} was found.")
    return int(wanted)


def column_axis(table: pd.DataFrame, name: str, tracks: NDArray[np.int64] | None = None) -> Axis:
    """Return a column of the table as an axis, for the tracks of some points or for all; raises OptionError."""
    column, options = readable_column(table, name), {"title": format_cell(name), "unit": column_unit(table, name)}
    if tracks is None:
        return encode_axis(column.array, **options)
    labels, places = np.unique(tracks, return_inverse=True)
    axis = encode_axis(column.reindex(labels).array, **options)
    return replace(axis, numbers=axis.numbers[places])


def pooling_for(points: Vectors) -> str:
    """Return how a layer is pooled so that it has values at the points of a map."""
    return "mean" if points.times is None else "frames"


def values_at_points(numbers: NDArray[np.float64], source: Vectors, points: Vectors) -> NDArray[np.float64]:
    """Return the numbers of points at the points of a map: of the same track, and of the nearest frame."""
    if source is points:
        return np.asarray(numbers, np.float64)
    if source.times is not None and points.times is not None:
        return _at_nearest_frames(numbers, source, points)
    import pandas as pd

    means = pd.Series(np.asarray(numbers, np.float64)).groupby(np.asarray(source.tracks)).mean()
    return np.asarray(means.reindex(points.tracks), np.float64)


def _at_nearest_frames(numbers: NDArray[np.float64], source: Vectors, points: Vectors) -> NDArray[np.float64]:
    """Return numbers of frames at the frames of others; those of a track lie together, in the order of time."""
    found = np.full(len(points), np.nan)
    starts = np.flatnonzero(np.diff(source.tracks, prepend=source.tracks[:1] - 1))
    runs = dict(zip(source.tracks[starts].tolist(), itertools.pairwise([*starts.tolist(), len(source)]), strict=True))
    times, wanted = np.asarray(source.times), np.asarray(points.times)
    for label in np.unique(points.tracks).tolist():
        if label not in runs:
            continue
        start, stop = runs[label]
        own = np.flatnonzero(points.tracks == label)
        after = np.clip(np.searchsorted(times[start:stop], wanted[own]), 0, stop - start - 1) + start
        before = np.maximum(after - 1, start)
        nearest = np.where(wanted[own] - times[before] <= times[after] - wanted[own], before, after)
        found[own] = numbers[nearest]
    return found


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=6).hexdigest()
