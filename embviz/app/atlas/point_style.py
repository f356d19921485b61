"""Colours and sizes of the points of both maps, computed where they need a model."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import numpy as np

from embviz.analysis.clustering import NO_CLUSTER
from embviz.app.atlas import color_options, point_colors
from embviz.app.atlas.model_outputs import tempo_model
from embviz.app.atlas.point_colors import PointColors
from embviz.errors import OptionError

if TYPE_CHECKING:
    from embviz.app.atlas.clusters import Clusters
    from embviz.app.atlas.context import AtlasContext
    from embviz.app.atlas.map_view import MapView, VisibleMap
    from embviz.app.atlas.model_outputs import ModelOutputs
    from embviz.core.vectors import Vectors


class PointStyle:
    """What the points look like."""

    def __init__(self, context: AtlasContext, outputs: ModelOutputs, clusters: Clusters, views: list[MapView]) -> None:
        self._context, self._outputs, self._clusters, self._views = context, outputs, clusters, views
        self.seen: PointColors | None = None

    def publish(self) -> None:
        """Show what there is to choose from."""
        self._context.panel.color_options = color_options.color_groups(self._context.table)
        self._context.panel.size_options = color_options.SIZES

    def apply(self, view: MapView) -> None:
        """Colour and size the points of a map that was drawn anew."""
        self.size(view)
        self.color(view)

    def _visible_maps(self, only: MapView | None) -> list[tuple[MapView, VisibleMap]]:
        return [(view, view.visible) for view in self._views if only in (None, view) and view.visible is not None]

    def color(self, only: MapView | None = None) -> None:
        """Colour the points of both maps, or of one."""
        key = str(self._context.choices["color"])
        if key == "tempo":
            model = tempo_model()
            if model is None:
                raise OptionError("No tempo model's weights are here; get some with embviz.pull('tempocnn').")
            self._outputs.request("color", model.name, "mean", self._recolor)
        elif key.startswith("tag:"):
            pooling = "frames" if self._context.choices["points"] == "frames" else "mean"
            self._outputs.request("color", key.split(":", 2)[1], pooling, self._recolor)
        else:
            self._context.stop("color")
            self._recolor(only=only)

    def _recolor(self, output: Vectors | None = None, only: MapView | None = None) -> None:
        """Colour points; the output of a model is that of a tag or of the tempo."""
        key, table = str(self._context.choices["color"]), self._context.table
        for view, visible in self._visible_maps(only):
            if key == "cluster":
                color = self._by_cluster(view)
            elif key == "outlier":
                color = point_colors.outlier_scores(view.near, self._context.choices["k"])
            else:
                color = point_colors.by_key(key, table, visible.vectors, visible.projection, output)
            if view.number == 0:
                self.seen = color
            if color is None:
                visible.scatter.set_color(None)
            else:
                kind = "number" if color.is_number else "category"
                visible.scatter.set_color(color.values, title=color.title, kind=kind, unit=color.unit)

    def _by_cluster(self, view: MapView) -> PointColors | None:
        color, first = self._clusters.color(), self._views[0].vectors
        if color is None or first is None or view.vectors is None or view.number == 0:
            return color
        # On the second map, a track has the cluster that most of its points have on the first.
        counts: defaultdict[int, Counter[str]] = defaultdict(Counter)
        for track, text in zip(first.tracks, color.values, strict=True):
            counts[int(track)][text] += 1
        texts = {track: own.most_common(1)[0][0] for track, own in counts.items()}
        values = np.array([texts.get(int(label), NO_CLUSTER) for label in view.vectors.tracks], dtype=object)
        return PointColors(color.key, color.title, values)

    def size(self, only: MapView | None = None) -> None:
        """Size the points of both maps, or of one."""
        key, table = str(self._context.choices["size"]), self._context.table
        for _, visible in self._visible_maps(only):
            title, values, unit = point_colors.size_of(key, table, visible.vectors)
            visible.scatter.set_size(values, title=title, unit=unit)
