"""Colours and sizes of the points of both maps, computed where they need a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.app.atlas import color_options
from embviz.app.atlas.color_options import PointColors
from embviz.app.atlas.model_outputs import tempo_model
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

    def key(self, wanted: str | None) -> str:
        """Return the key of a colour; raises OptionError where there is none of that name."""
        return color_options.key_of(wanted, self._context.table)

    def publish(self) -> None:
        """Show what there is to choose from."""
        self._context.panel.color_options = color_options.color_groups(self._context.table)
        self._context.panel.size_options = color_options.SIZES

    def apply(self, view: MapView) -> None:
        """Colour and size the points of a map that was drawn anew."""
        if view.visible is not None:
            self._size(view.visible)
        self.color(view)

    # Colours. ------------------------------------------------------------------------------------------------------

    def color(self, only: MapView | None = None) -> None:
        """Colour the points of both maps, or of one."""
        key = str(self._context.choices["color"])
        if not (key.startswith("tag:") or key == "tempo"):
            self._context.stop("color")
        if key == "tempo":
            model = tempo_model()
            if model is None:
                raise OptionError("No tempo model's weights are here; get some with embviz.pull('tempocnn').")
            self._outputs.request("color", model.name, "mean", self._heard)
        elif key.startswith("tag:"):
            pooling = "frames" if self._context.choices["points"] == "frames" else "mean"
            self._outputs.request("color", key.split(":", 2)[1], pooling, self._heard)
        else:
            for view, visible in self._visible_maps():
                if only in (None, view):
                    self._recolor(view, visible, self._known(key, view, visible))

    def _visible_maps(self) -> list[tuple[MapView, VisibleMap]]:
        return [(view, view.visible) for view in self._views if view.visible is not None]

    def _heard(self, output: Vectors) -> None:
        key = str(self._context.choices["color"])
        for view, visible in self._visible_maps():
            vectors = visible.vectors
            color = (
                color_options.by_tempo(output, vectors)
                if key == "tempo"
                else color_options.by_tag(key, output, vectors)
            )
            self._recolor(view, visible, color)

    def _known(self, key: str, view: MapView, visible: VisibleMap) -> PointColors | None:
        """Return a colour that no model is needed for."""
        if key == "none":
            return None
        if key == "trust":
            return color_options.by_trust(visible.projection)
        if key == "cluster":
            return self._by_cluster(view, visible)
        return color_options.by_column(key.removeprefix("column:"), self._context.table, visible.vectors)

    def _by_cluster(self, view: MapView, visible: VisibleMap) -> PointColors | None:
        color, first = self._clusters.color(), self._views[0].vectors
        if color is None or first is None or view.number == 0:
            return color
        # On the second map, a track has the cluster that most of its points have on the first.
        texts = dict(_most_common(first.tracks, color.values))
        values = np.array([texts.get(int(label), "") for label in visible.vectors.tracks], dtype=object)
        return PointColors(color.key, color.title, values)

    def _recolor(self, view: MapView, visible: VisibleMap, color: PointColors | None) -> None:
        if view.number == 0:
            self.seen = color
        if color is None:
            visible.scatter.set_color(None)
        else:
            kind = "number" if color.is_number else "category"
            visible.scatter.set_color(color.values, title=color.title, kind=kind, unit=color.unit)

    # Sizes. --------------------------------------------------------------------------------------------------------

    def size(self) -> None:
        """Size the points of both maps."""
        for _, visible in self._visible_maps():
            self._size(visible)

    def _size(self, visible: VisibleMap) -> None:
        chosen = str(self._context.choices["size"])
        title, values, unit = color_options.size_of(chosen, self._context.table, visible.vectors)
        visible.scatter.set_size(values, title=title, unit=unit)


def _most_common(tracks: Any, texts: Any) -> list[tuple[int, str]]:
    """Return the text that most points of each track have."""
    counts: dict[int, dict[str, int]] = {}
    for track, text in zip(tracks, texts, strict=True):
        own = counts.setdefault(int(track), {})
        own[text] = own.get(text, 0) + 1
    return [(track, max(own, key=lambda text: own[text])) for track, own in counts.items()]
