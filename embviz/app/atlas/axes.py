"""Axes of one's own: which there are, and the values of the points of the first map along those that are chosen.

Conventions: the choices ``x`` and ``y`` are keys (:mod:`embviz.export.axes`), or empty; ``layout`` is ``"projection"``
or ``"axes"``. Where only one of them is chosen, the other is that coordinate of the projection. The second map stays a
projection, so that both can be seen beside each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.app.atlas import point_colors
from embviz.app.atlas.color_options import color_groups, head_hint, key_of
from embviz.app.atlas.model_outputs import tempo_model
from embviz.batch import embed_table
from embviz.errors import EmbvizError, OptionError, did_you_mean
from embviz.export.axes import LayerAxis, axis_of_key, column_axis, layer_axis, pooling_for
from embviz.export.columns import is_number
from embviz.models.lookup import find_model, model_title
from embviz.plotting.axes import Axis, coordinate_axis, encode_axis

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from embviz.analysis.projection import Projection
    from embviz.app.atlas.clusters import Clusters
    from embviz.app.atlas.context import AtlasContext
    from embviz.app.atlas.map_view import MapView
    from embviz.app.atlas.model_outputs import ModelOutputs
    from embviz.core.vectors import Vectors
    from embviz.core.worker import Job
    from embviz.widgets.schema import ColorGroup


WAYS = ("x", "y")
LAYOUTS = ("projection", "axes")
MOST_LISTED = 2048  # dimensions


def axis_key(wanted: Any, table: pd.DataFrame, known: dict[str, LayerAxis]) -> str:
    """Return the key of an axis, of what one asks for; directions and vectors of one's own are added to those known.

    Raises
    ------
    OptionError, ModelError
        If there is nothing of the kind, or it is no axis: a column of one value, or of many texts.
    """
    if wanted is None or (isinstance(wanted, str) and wanted in ("", "none")):
        return ""
    made = layer_axis(wanted)
    if made is not None:
        if made.key.startswith(("direction:", "vectors:")):
            known[made.key] = made
        return made.key
    if axis_of_key(wanted, known) is not None:
        return str(wanted)
    # A column that holds nothing is no color, but says of itself why it is no axis.
    try:
        key = f"column:{wanted}" if wanted in table.columns else key_of(wanted, table)
    except OptionError as error:
        names = [item["title"] for group in color_groups(table) for item in group["items"]]
        raise OptionError(
            f"There is no {wanted!r:.80} to be an axis: a column of the table, 'cluster', 'trust', 'outlier', 'tempo', "
            "a tag of a model or what a head says that is here, a dimension such as ('musicnn', 'embedding', 37), or a "
            "Direction is expected."
            f"{head_hint(wanted) or did_you_mean(wanted, [*names, *map(str, table.columns)])}"
        ) from error
    if key.startswith("column:"):
        column_axis(table, key.removeprefix("column:"))
    return key


def default_axes(table: pd.DataFrame, choices: Mapping[str, Any]) -> dict[str, str]:
    """Return the keys of two axes to begin with: columns of numbers that differ, else dimensions of the layer.

    The frames of a track differ in dimensions only.
    """
    model, layer, tracks = choices["model"], choices["layer"], choices["points"] == "tracks"
    names = [name for name in table.columns if tracks and is_number(table[name].dtype) and _is_axis(table, name)]
    found = [f"column:{name}" for name in names]
    found += [f"dimension:{model}:{layer}:{number}" for number in (0, 1)]
    return dict(zip(WAYS, found, strict=False))


def _is_axis(table: pd.DataFrame, name: str) -> bool:
    try:
        column_axis(table, name)
    except OptionError:
        return False
    return name != "duplicate_of"


class MapAxes:
    """The axes of the first map."""

    def __init__(
        self, context: AtlasContext, outputs: ModelOutputs, clusters: Clusters, view: MapView,
        publish: Callable[[], None],
    ) -> None:  # fmt: skip
        self._context, self._outputs, self._clusters, self._view = context, outputs, clusters, view
        self._publish = publish
        self._layers: dict[tuple[str, str], Vectors] = {}
        view.layout = self
        context.events.vectors_ready.connect(lambda view: self._list() if view.number == 0 else None)
        context.events.clusters_changed.connect(lambda: self.start() if "cluster" in self._keys() else None)

    def _keys(self) -> tuple[str, str]:
        """Return the keys of the axes that are to be seen; empty ones where none are."""
        choices = self._context.choices
        if choices["layout"] != "axes":
            return "", ""
        return str(choices["x"]), str(choices["y"])

    def start(self) -> None:
        """Lay out the map as it was chosen, once what that needs is here."""
        view = self._view
        self._list()
        if view.visible is None:
            return
        found = self.find()
        if found is not None or not any(self._keys()):
            view.lay_out(found)

    def find(self) -> tuple[Axis, Axis] | None:
        """Return the axes that were chosen; None where there are none, or until what they need is computed."""
        vectors, projection, keys = self._view.vectors, self._view.projection, self._keys()
        self._context.stop("axes")
        if vectors is None or projection is None or not any(keys):
            return None
        try:
            if not all(self._request(key, vectors) for key in keys):
                return None
            return self._axis(keys[0], 0, vectors, projection), self._axis(keys[1], 1, vectors, projection)
        except EmbvizError as error:
            self._give_up(str(error))
            return None

    def _give_up(self, sentence: str, remedy: str = "") -> None:
        """Say why the axes cannot be had, and show the projection."""
        self._context.choices = {**self._context.choices, "layout": "projection"}
        self._context.show_error(sentence, remedy)
        self._publish()

    # What is needed. -----------------------------------------------------------------------------------------------

    def _request(self, key: str, vectors: Vectors) -> bool:
        """Tell whether what an axis is made of is here; else it is computed, and the map laid out then."""
        if key == "cluster":
            return self._clusters.members is not None
        model = _model_heard(key)
        if model:
            pooling = pooling_for(vectors) if key.startswith("tag:") else "mean"
            if self._outputs.held(model, pooling) is not None:
                return True
            self._outputs.request("axes", model, pooling, lambda _output: self.start())
            return False
        made = axis_of_key(key, self._context.axes)
        if made is None or made.fits(vectors) or self._known(made, vectors) is not None:
            return True
        self._embed(made, vectors)
        return False

    def _known(self, made: LayerAxis, vectors: Vectors) -> Vectors | None:
        return self._layers.get((made.source_key, pooling_for(vectors)))

    def _embed(self, made: LayerAxis, vectors: Vectors) -> None:
        context, pooling = self._context, pooling_for(vectors)
        given, layer = context.given.find(made.model, made.layer), made.layer
        source = made.source_for(vectors) if given is None else given

        def task(job: Job) -> Vectors:
            options: dict[str, Any] = {"engine": context.engine, "cache": context.cache, "progress": job.report}
            return embed_table(context.table, source, layer, pooling=pooling, **options)

        def done(found: Vectors) -> None:
            self._layers[made.source_key, pooling] = found
            self.start()

        context.run("axes", made.title, task, done, on_failed=self._give_up)

    # Values. -------------------------------------------------------------------------------------------------------

    def _axis(self, key: str, way: int, vectors: Vectors, projection: Projection) -> Axis:
        if not key:
            return coordinate_axis(projection.xy[:, way], projection.axes[way])
        if key.startswith("column:"):
            return column_axis(self._context.table, key.removeprefix("column:"), vectors.tracks)
        made = axis_of_key(key, self._context.axes)
        if made is not None:
            return made.axis(vectors, lambda _source, _layer, _pooling: self._layers[made.source_key, _pooling])
        if key == "outlier":
            color = point_colors.outlier_scores(self._view.near, self._context.choices["k"])
        else:
            color = self._clusters.color() if key == "cluster" else self._color(key, vectors, projection)
        if color is None:
            raise OptionError(f"Nothing is known of {key!r:.80}; choose another axis.")
        return encode_axis(color.values, title=color.title, unit=color.unit)

    def _color(self, key: str, vectors: Vectors, projection: Projection) -> point_colors.PointColors | None:
        model = _model_heard(key)
        pooling = pooling_for(vectors) if key.startswith("tag:") else "mean"
        output = self._outputs.held(model, pooling) if model else None
        return point_colors.by_key(key, self._context.table, vectors, projection, output)

    def trail(self, frames: NDArray[np.float32], label: int) -> NDArray[np.float64] | None:
        """Return where frames ``[t, d]`` of a track lie between the axes, ``[t, 2]``; None where that is not known."""
        view = self._view
        if view.axes is None or view.vectors is None or view.projection is None:
            return None
        point = view.points_of([label])[0]
        columns = []
        for way, (key, axis) in enumerate(zip(self._keys(), view.axes, strict=True)):
            made = axis_of_key(key, self._context.axes) if key else None
            if not key:
                columns.append(view.projection.transform(frames)[:, way].astype(np.float64))
            elif made is not None and made.fits(view.vectors):
                columns.append(made.measure_values(frames))
            elif made is None and not key.startswith("tag:"):  # the same all through the track
                columns.append(np.full(len(frames), axis.places[point]))
            else:
                return None
        return np.column_stack(columns)

    # What there is to choose from. ---------------------------------------------------------------------------------

    def _list(self) -> None:
        """Show the dimensions of the layer that is mapped, and the directions that are known."""
        vectors, groups = self._view.vectors, list[Any]()
        known = self._context.axes
        if known:
            items = [{"key": key, "title": made.title} for key, made in known.items()]
            groups.append({"title": "Directions and own vectors", "items": items})
        if vectors is not None:
            groups.append(_dimensions(vectors))
        self._context.panel.axis_options = groups

    def add(self, made: LayerAxis) -> str:
        """Have one more direction to choose from, and return its key."""
        self._context.axes[made.key] = made
        self._list()
        return made.key


def _dimensions(vectors: Vectors) -> ColorGroup:
    size = vectors.shape[1] // 2 if vectors.pooling == "mean+std" else vectors.shape[1]
    labels = vectors.labels or ()
    names = labels if len(labels) == size else [f"dimension {number}" for number in range(size)]
    key = f"dimension:{vectors.model}:{vectors.layer}"
    return {
        "title": f"Dimensions of {model_title(vectors.model)} · {vectors.layer}",
        "items": [{"key": f"{key}:{number}", "title": str(name)} for number, name in enumerate(names[:MOST_LISTED])],
    }


def _model_heard(key: str) -> str:
    """Return the model, or the head, whose output an axis or a colour is of; empty where it is of none."""
    if key.startswith("tag:"):
        return key.split(":", 2)[1]
    if key != "tempo":
        return ""
    model = tempo_model()
    if model is None:
        raise OptionError("No tempo model's weights are here; get some with embviz.pull('tempocnn').")
    return model.name


def shown_keys(choices: Mapping[str, Any]) -> list[str]:
    """Return the keys of the colour, and of the axes where these are seen."""
    return [str(choices[name]) for name in ("color", *(WAYS if choices["layout"] == "axes" else ()))]


def models_shown(context: AtlasContext) -> list[Any]:
    """Return the models, or names of heads, whose outputs and layers are the colour or an axis."""
    keys = shown_keys(context.choices)
    layers = [made for key in keys if (made := axis_of_key(key, context.axes)) is not None and made.vectors is None]
    found = [*map(_model_heard, keys), *(find_model(made.model) for made in layers)]
    return [one for one in found if one]


def layout_choices(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the layout that follows from axes that are chosen."""
    return {"layout": "axes" if any(given.get(way) for way in WAYS) else "projection"}
