"""The map in a page: its points, their columns, colours and trails."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.analysis.tagging import tags_at_points
from embviz.batch.pooling import AMONG_FRAMES
from embviz.core.text import trim_lines
from embviz.errors import OptionError
from embviz.export import static_widgets
from embviz.export.columns import PageColor, page_columns, values_per_point
from embviz.export.static_widgets import CLOCK, PageData, without_comm
from embviz.plotting.encodings import encode_colors
from embviz.widgets.scatter import Scatter

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from embviz.analysis.projection import Projection
    from embviz.core.embedding import Embedding
    from embviz.core.vectors import Vectors
    from embviz.plotting.axes import Axis


STEPS = 150  # of a track's way over a map, at most


class StaticMap:
    """The map of a page; `rows` are its tracks, in the order of the page."""

    def __init__(
        self,
        rows: pd.DataFrame,
        vectors: Vectors,
        projection: Projection,
        clusters: ArrayLike | None,
        names: Mapping[int, str] | None,
        tags: Vectors | None = None,
        axes: tuple[Axis, Axis] | None = None,
    ) -> None:
        frames = vectors.times is not None
        self.rows, self.vectors, self.projection, self.axes = rows, vectors, projection, axes
        self.widget = without_comm(Scatter).of(
            projection.xy,
            columns=page_columns(rows),
            tracks=rows.index.get_indexer(vectors.tracks) if frames else None,
            seconds=vectors.times,
            axes=axes,
            clock=CLOCK,
        )
        if tags is not None:
            self.widget.set_tags(tags_at_points(tags, vectors), tags.labels)
        if clusters is not None and names:
            self.widget.set_labels(_cluster_labels(_check_clusters(clusters, vectors), names))

    def to_static(self, blocks: PageData) -> dict[str, Any]:
        """Return the widget of the map for the page, in one colour."""
        return static_widgets.static_widget(self.widget, blocks)

    def encode_color(self, color: PageColor, blocks: PageData) -> dict[str, Any]:
        """Return one way to colour the map, for the page."""
        values = values_per_point(color.values, self.vectors)
        made, shades = encode_colors(values, title=trim_lines(color.title), unit=color.unit)
        return {"group": trim_lines(color.group), "color": made, "shades": blocks.add(shades)}

    def trail(self, label: int, embedding: Embedding | None) -> bytes:
        """Return the trail of a track over the map as bytes; empty where its frames have no place there."""
        self.widget.set_trail(self._trail_points(label, embedding))
        trail: bytes = self.widget.trail
        self.widget.set_trail(None)
        return trail

    def _trail_points(self, label: int, embedding: Embedding | None) -> NDArray[Any] | None:
        """Return x, y and seconds of a track's frames, ``[m, 3]``."""
        vectors = self.vectors
        if vectors.times is not None:
            own = vectors.tracks == label
            places = self.projection.xy if self.axes is None else np.column_stack([axis.places for axis in self.axes])
            return np.column_stack([places[own], vectors.times[own]])
        if self.axes is not None:  # what the frames of a track are along them, nobody has measured
            return None
        if embedding is None or vectors.pooling not in AMONG_FRAMES or embedding.shape[1] != vectors.shape[1]:
            return None
        step = math.ceil(len(embedding) / STEPS)
        frames, seconds = np.asarray(embedding)[::step], embedding.times[::step]
        finite = np.isfinite(frames).all(axis=1)
        return np.column_stack([self.projection.transform(frames[finite]), seconds[finite]])


def _check_clusters(clusters: ArrayLike, vectors: Vectors) -> NDArray[np.int64]:
    numbers = np.asarray(clusters)
    if numbers.shape != vectors.tracks.shape:
        raise OptionError(
            f"clusters has a number for each of {len(vectors.tracks):,} points, an array {numbers.shape} was found."
        )
    return numbers


def _cluster_labels(clusters: NDArray[np.int64], names: Mapping[int, str]) -> Iterator[dict[str, Any]]:
    """Yield the names of clusters and their points."""
    for number, name in names.items():
        points = np.flatnonzero(clusters == number)
        if number >= 0 and name and len(points):
            yield {"text": trim_lines(name), "id": int(number), "points": points}
