"""One map: the vectors of the tracks, where the map puts them, and the widget that draws them.

What depends on a choice is computed anew when that changes, nothing else; a map of the same points by another method
stays on the page until the new one is there. Where another model, layer or pooling gives points of the same tracks, the
widget stays, and its points glide to their new places.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from embviz.analysis.neighbors import nearest_neighbors
from embviz.analysis.projection import METHOD_NAMES, project
from embviz.analysis.tagging import models_by_task, tags_at_points
from embviz.app.given import title_of
from embviz.app.work import Work
from embviz.audio.samples import NOTHING_HEARD
from embviz.batch import embed_table
from embviz.batch.api import cached_share
from embviz.collection.track_table import add_sound_facts
from embviz.core.text import collapse_spaces, plural, printable
from embviz.errors import CollectionError
from embviz.models import get_model
from embviz.models.weights import has_weights
from embviz.plotting.axes import missing_notes
from embviz.widgets.base import close_widget, model_ref

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from embviz.analysis.neighbors import Neighbors
    from embviz.analysis.projection import Projection
    from embviz.app.atlas.axes import MapAxes
    from embviz.app.atlas.context import AtlasContext
    from embviz.app.atlas.model_outputs import ModelOutputs
    from embviz.core.vectors import Vectors
    from embviz.core.worker import Job
    from embviz.plotting.axes import Axis
    from embviz.widgets.scatter import Scatter
    from embviz.widgets.schema import MapState


FOR_TAGS = 0.1  # of the tracks, that are at most decoded for nothing but the tags that the page tells
LEAST_NEIGHBORS = 15  # that figures and UMAP are made of


@dataclass(frozen=True)
class MapRequest:
    """What a map is to show."""

    model: str
    layer: str
    points: str
    pooling: str
    method: str
    options: tuple[tuple[str, Any], ...]
    metric: str
    k: int
    seed: int

    @classmethod
    def of(cls, choices: Mapping[str, Any], which: Mapping[str, str], seed: int, *, seen: bool = True) -> MapRequest:
        """Return what the choices mean for a model and its layer.

        A projection that nobody sees, because there are axes in its place, is the quickest one.
        """
        same = {name: choices[name] for name in ("points", "pooling", "metric", "k")}
        method, given = (choices["method"], choices["options"]) if seen else ("pca", {})
        options = tuple(sorted(given.items()))
        return cls(which["model"], which["layer"], method=method, options=options, seed=seed, **same)

    @property
    def pooled(self) -> str:
        """How frames become points, as :func:`embviz.batch.embed_table` is told."""
        return "frames" if self.points == "frames" else self.pooling

    @property
    def vectors(self) -> tuple[Any, ...]:
        """What determines the vectors."""
        return self.model, self.layer, self.pooled

    @property
    def near(self) -> tuple[Any, ...]:
        """What determines the neighbours."""
        return *self.vectors, self.metric, self.n_near

    @property
    def n_near(self) -> int:
        """Neighbours of each point that are looked for."""
        return max(self.k, LEAST_NEIGHBORS, int(dict(self.options).get("n_neighbors", 0)))

    @property
    def map(self) -> tuple[Any, ...]:
        """What determines the places."""
        return *self.vectors, self.metric, self.method, self.options, self.seed


class VisibleMap(NamedTuple):
    """A map that is on the page: what is drawn, where, the widget, and the axes, where it has some."""

    vectors: Vectors
    projection: Projection
    scatter: Scatter
    axes: tuple[Axis, Axis] | None

    @property
    def places(self) -> NDArray[Any]:
        """Where the points are, ``[n, 2]``, as :meth:`embviz.widgets.scatter.Scatter.place` takes it."""
        return self.projection.xy if self.axes is None else np.column_stack([axis.places for axis in self.axes])


class MapView:
    """One of the maps of an Atlas.

    Attributes
    ----------
    vectors, near, projection
        What was computed, or None.
    scatter : Scatter or None
        The widget, once there was something to draw.
    """

    def __init__(self, context: AtlasContext, outputs: ModelOutputs, number: int, link: str) -> None:
        self._context, self._outputs = context, outputs
        self.number, self._link = number, link
        self.what = f"map {number}"  # the purpose of its job
        self.request: MapRequest | None = None
        self.vectors: Vectors | None = None
        self.near: Neighbors | None = None
        self.projection: Projection | None = None
        self._pca: Projection | None = None  # of these vectors: what is seen first, and what others are compared with
        self.scatter: Scatter | None = None
        self.axes: tuple[Axis, Axis] | None = None  # in place of the projection
        self.layout: MapAxes | None = None  # what knows the axes, where a map can have some
        self._made: dict[str, Any] = {}
        self._drawn = False
        self.work = Work()
        context.events.outputs_kept.connect(self.show_tags)

    @property
    def preliminary(self) -> bool:
        """Whether what is seen is not yet what was asked for."""
        return self._drawn and self.request is not None and self._made.get("map") != self.request.map

    @property
    def visible(self) -> VisibleMap | None:
        """What is on the page; None where there is nothing to see."""
        if not self._drawn or self.vectors is None or self.projection is None or self.scatter is None:
            return None
        return VisibleMap(self.vectors, self.projection, self.scatter, self.axes)

    @property
    def drawn(self) -> Projection | None:
        """The projection turned as the widget shows it, for files that look like the page."""
        if self.projection is None or self.scatter is None or not self._drawn or self.axes is not None:
            return self.projection
        return replace(self.projection, xy=(self.projection.xy @ self.scatter.turn).astype(np.float32))

    # Computing. ----------------------------------------------------------------------------------------------------

    def start(self, request: MapRequest) -> None:
        """Compute what is not there yet."""
        self.request = request
        if self._made.get("vectors") != request.vectors:
            self._forget()
        elif self._made.get("near") != request.near:
            self.near = None
        self.work.begin()
        given = self._context.given.find(request.model, request.layer)
        if given is None and self.vectors is None and not has_weights(model := get_model(request.model)):
            self._context.stop(self.what)
            missing = f"The weights of {model.title} are not on this computer yet."
            self.work.begin("download", missing, f"Download them here, or run `embviz pull {model.name}`.")
        else:
            self._context.run(
                self.what,
                title_of(request.model),
                self._task(request),
                self._finish,
                on_failed=self.fail,
                on_progress=self._progress,
            )
        self._context.events.maps_changed()

    def _task(self, request: MapRequest) -> Callable[[Job], None]:
        vectors, near = self.vectors, self.near
        projection = self.projection if self._made.get("map") == request.map else None
        seen, context, outputs = self._drawn, self._context, self._outputs

        def task(job: Job) -> None:
            nonlocal vectors, near
            if vectors is None:
                vectors, heard = _embed(context, request, job)
                measured = add_sound_facts(context.table, context.store)
                if measured is not context.table:
                    job.show("facts", context.show_sound_facts, measured)
                job.show("vectors", self._use_vectors, request, vectors)
                if heard is not None:
                    job.show("heard", outputs.keep, heard)
            if not len(vectors):
                n = len(context.table)
                raise CollectionError(f"None of the {n:,} tracks gave a vector; the list of problems says why.")
            common: dict[str, Any] = {"metric": request.metric, "cache": context.cache}
            if near is None:
                near = nearest_neighbors(vectors.values, request.n_near, key=vectors.key, report=job.report, **common)
                job.show("near", self._use_neighbors, request, near)
            common |= {"seed": request.seed, "neighbors": near, "progress": job.report}
            if projection is None and not seen and request.method != "pca":
                job.show("first", self._use_map, request, "first", project(vectors, "pca", **common))
            if projection is None:
                final = project(vectors, request.method, **common, **dict(request.options))
                job.show("map", self._use_map, request, "map", final)

        return task

    def _use_vectors(self, request: MapRequest, vectors: Vectors) -> None:
        self.vectors, self._made["vectors"] = vectors, request.vectors
        self._context.events.vectors_ready(self)

    def _use_neighbors(self, request: MapRequest, near: Neighbors) -> None:
        self.near, self._made["near"] = near, request.near

    def _use_map(self, request: MapRequest, kind: str, projection: Projection) -> None:
        self.projection = projection
        self._pca = projection if projection.method == "pca" else self._pca
        self._made["map"] = request.map if kind == "map" else None
        self._draw()
        self._context.events.map_drawn(self)
        self._context.events.maps_changed()

    def _progress(self, stage: str, done: int, total: int) -> None:
        self.work.status = "running"
        self.work.report(collapse_spaces(stage), done, total)
        self._context.events.maps_changed()

    def _finish(self, _result: None) -> None:
        self.work.status = "ready"
        self._context.events.map_finished(self)
        self._context.events.maps_changed()

    def fail(self, sentence: str, remedy: str = "") -> None:
        """Say why there is nothing."""
        self.work.fail(sentence, remedy)
        self._context.events.maps_changed()

    def mark_cancelled(self) -> None:
        """Mark what was cancelled; what is done is kept."""
        if self.work.unfinished:
            method = METHOD_NAMES[self.projection.method] if self._drawn and self.projection is not None else ""
            self.work.cancel(f"Cancelled; this is the map by {method}." if method else self._describe_cancelled())
            self._context.events.maps_changed()

    def _describe_cancelled(self) -> str:
        """Return how many tracks are embedded, where that was stopped."""
        done, total = self.work.done, self.work.total
        if self.vectors is not None or not done or self._context.store is None:
            return "Cancelled."
        return f"Cancelled after {done:,} of {plural(total, 'track')}; what was done is kept: Compute goes on with it."

    def _forget(self) -> None:
        self.vectors = self.near = self.projection = self.axes = self._pca = None
        self._made, self._drawn = {}, False
        if self.scatter is not None:
            self.scatter.message = f"{self.title} is on its way."

    # Drawing. ------------------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        from embviz.widgets.scatter import Scatter

        vectors, projection, context = self.vectors, self.projection, self._context
        if vectors is None or projection is None:
            return
        self.axes = None if self.layout is None else self.layout.find()
        if self.scatter is not None and self._shows(vectors):
            self._place(self.scatter, projection)
            self._drawn, self.scatter.message = True, ""
            return
        if self.scatter is not None:
            close_widget(self.scatter)
        times = None if vectors.times is None else np.asarray(vectors.times, dtype=np.float32)
        self.scatter = Scatter.of(
            projection.xy, columns=context.columns, tracks=context.places(vectors.tracks), seconds=times,
            clock=context.clock, link=self._link, axes=self.axes,
        )  # fmt: skip
        self._drawn = True
        self.show_tags()
        context.events.scatter_made(self, self.scatter)

    def _place(self, scatter: Scatter, projection: Projection) -> None:
        if self.axes is None:
            # The axes of PCA have names, to the right and upwards.
            scatter.set_positions(projection.xy, turned=projection.method != "pca")
        else:
            scatter.set_axes(*self.axes)

    def lay_out(self, axes: tuple[Axis, Axis] | None) -> None:
        """Have the points glide to their values along axes, or back to the projection."""
        self.axes = axes
        if self.scatter is None or self.projection is None or not self._drawn:
            return
        self._place(self.scatter, self.projection)
        self._context.events.map_drawn(self)
        self._context.events.maps_changed()

    def _shows(self, vectors: Vectors) -> bool:
        """Return whether the widget has points of the same tracks, or moments, in the same order."""
        if self.scatter is None:
            return False
        times = b"" if vectors.times is None else np.asarray(vectors.times, dtype="<f4").tobytes()
        tracks = self._context.places(vectors.tracks).astype("<u4").tobytes()
        return self.scatter.seconds == times and self.scatter.tracks == tracks

    def show_tags(self) -> None:
        """Have the map tell what a tagger hears at each point, where that is known."""
        if self.scatter is None or self.vectors is None or self.request is None or not self._drawn:
            return
        output = self._outputs.tags(self.request.points)
        if output is not None:
            self.scatter.set_tags(tags_at_points(output, self.vectors), output.labels)

    @property
    def title(self) -> str:
        """What the map is called."""
        return "" if self.request is None else f"{title_of(self.request.model)} · {self.request.layer}"

    def points_of(self, labels: Any) -> NDArray[np.int64]:
        """Return the points of some tracks, in their own order."""
        if self.vectors is None:
            return np.zeros(0, np.int64)
        return np.flatnonzero(np.isin(self.vectors.tracks, np.asarray(labels, dtype=np.int64)))

    def to_dict(self) -> MapState:
        """Return what the page shows of it, ready for JSON."""
        request, visible = self.request, self.visible
        return {
            "model": request.model if request else "",
            "layer": request.layer if request else "",
            "view": model_ref(self.scatter if visible is not None or self.work.unfinished else None),
            "facts": [] if visible is None else [self.describe(visible)],
            "notes": [] if visible is None else self.notes(visible),
            "axes": self.axes is not None,
            "title": self.title,
            "preliminary": self.preliminary,
            **self.work.to_dict(),
        }

    def describe(self, visible: VisibleMap) -> str:
        """Return how far a map can be believed, or what its axes are."""
        if visible.axes is None:
            facts = visible.projection.facts
            return " · ".join(facts) + (" · larger is better" if len(facts) > 1 else "")
        return " · ".join(f"{way}: {axis.heading}" for way, axis in zip("xy", visible.axes, strict=True))

    def notes(self, visible: VisibleMap) -> list[str]:
        """Return sentences that belong beside a map."""
        silent = _silence_notes(self._context.table, visible.vectors)
        if visible.axes is None:
            return [*visible.projection.notes, *_compare_with_pca(visible.projection, self._pca), *silent]
        return [*missing_notes(visible.axes, "track" if visible.vectors.times is None else "frame"), *silent]

    def close(self) -> None:
        """Take the map off the page."""
        if self.scatter is not None:
            close_widget(self.scatter)
        self.scatter = None
        self._forget()


def _silence_notes(table: pd.DataFrame, vectors: Vectors) -> list[str]:
    """Say how many of the tracks on a map have nothing that a model could hear."""
    if "warning" not in table:
        return []
    warnings = table["warning"].reindex(np.unique(vectors.tracks))
    silent = [label for label, warning in warnings.items() if isinstance(warning, str) and NOTHING_HEARD in warning]
    if len(silent) > 1:
        return [f"{len(silent):,} tracks are silent or nearly so: their places on the map mean nothing."]
    names = [printable(str(table.loc[label, "name"])) for label in silent]
    return [f"{name!r} is silent or nearly so: its place on the map means nothing." for name in names]


def _compare_with_pca(shown: Projection, pca: Projection | None) -> list[str]:
    """Return a sentence where the map keeps less than the quicker one by PCA that was seen first."""
    if pca is None or shown.method == "pca" or pca.k != shown.k or pca.metric != shown.metric:
        return []
    kept, before = (float(np.mean(each.preservation)) for each in (shown, pca))
    if not (pca.trustworthiness > shown.trustworthiness and before > kept):
        return []
    figures = f"trustworthiness {pca.trustworthiness:.3f}, {before:.0%} of neighbours kept"
    return [f"PCA is truer to the neighbours of these points: {figures}."]


def _embed(context: AtlasContext, request: MapRequest, job: Job) -> tuple[Vectors, Vectors | None]:
    """Return the vectors, and what a tagger hears, where that costs nothing more."""
    table, model, layer = context.table, request.model, request.layer
    given = context.given.find(model, layer)
    if given is not None:
        job.report("", 0, 0)
        return embed_table(table, given, pooling=request.pooled), None
    options: dict[str, Any] = {"pooling": request.pooled, "engine": context.engine, "cache": context.cache}
    tags = model in {each.name for each in models_by_task("tags")} and request.pooled in ("mean", "frames")
    if tags and layer != "output":
        done, done_tags = (cached_share(table, model, name, **options) for name in (layer, "output"))
        tags = done - done_tags <= FOR_TAGS
    options["progress"] = job.report
    if not tags or layer == "output":
        vectors = embed_table(table, model, layer, **options)
        return vectors, vectors if tags else None
    vectors, output = embed_table(table, model, [layer, "output"], **options)
    return vectors, output
