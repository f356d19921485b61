"""How the parts of an Atlas hang together: what follows from a choice, from a result and from a command of the page."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.app.atlas import axes, export, options
from embviz.app.atlas.axes import MapAxes
from embviz.app.atlas.clusters import Clusters
from embviz.app.atlas.codegen import code
from embviz.app.atlas.color_options import key_of, telling_color
from embviz.app.atlas.comparison import MapComparison
from embviz.app.atlas.context import AtlasContext, list_problems
from embviz.app.atlas.contrast import MapContrast
from embviz.app.atlas.facets import AtlasFacets, check_keys
from embviz.app.atlas.map_view import MapRequest, MapView
from embviz.app.atlas.model_outputs import ModelOutputs
from embviz.app.atlas.neighbors import NeighborQueries
from embviz.app.atlas.playback import Playback
from embviz.app.atlas.point_style import PointStyle
from embviz.app.atlas.selection import MapSelection
from embviz.app.downloads import Downloads
from embviz.collection.sidecar import common_folder
from embviz.core.text import format_cell
from embviz.errors import ModelError, OptionError

if TYPE_CHECKING:
    from embviz.widgets.player import Player
    from embviz.widgets.scatter import Scatter


class AtlasController:
    """The parts, and what passes between them."""

    def __init__(self, context: AtlasContext, player: Player | None, *, own_player: bool, folder: str) -> None:
        self.context, self.folder = context, folder
        self.outputs = outputs = ModelOutputs(context)
        link = f"embviz-{uuid.uuid4().hex}"
        self.views = [MapView(context, outputs, number, link) for number in (0, 1)]
        self.clusters = Clusters(context, outputs, self.views[0])
        self.facets = AtlasFacets(context, outputs, self.clusters, self.views[0])
        self.axes = MapAxes(context, outputs, self.clusters, self.views[0], self.publish)
        self.neighbors = NeighborQueries(context, self.views[0], self.facets)
        self.comparison, self.selection = MapComparison(context, self.views), MapSelection(context, self.views)
        self.contrast = MapContrast(context, self.views[0], self.selection, self.axes)
        self.playback = Playback(context, self.views, player, own=own_player)
        self.style = PointStyle(context, outputs, self.clusters, self.views)
        self.downloads = Downloads(context)
        events = context.events
        events.maps_changed.connect(self.show_maps)
        events.vectors_ready.connect(self._follow_vectors)
        events.scatter_made.connect(self._connect_scatter)
        events.map_drawn.connect(self._dress_map)
        events.map_finished.connect(self._start_analyses)
        events.clusters_changed.connect(self._follow_clusters)
        events.weights_downloaded.connect(self._use_weights)
        context.selection.on("selected", lambda _selected: self._show_code())
        context.panel.observe(lambda _change: self._refilter(), "filters")
        context.panel.answer(self._commands(), context.show_error)

    def _commands(self) -> dict[str, Callable[..., object]]:
        """Return what answers each command of the page."""
        return {
            "set_option": lambda name, value: self.choose({name: value}),
            "compute": self._retry,
            "cancel": self.cancel,
            "pull": self.downloads.start,
            "stop_pull": self.downloads.stop,
            "play": self._play,
            "select": self._select,
            "clear_selection": lambda: self.selection.take([]),
            "find_neighbors": self._find_neighbors,
            "upload": self.neighbors.upload,
            "rename_cluster": lambda **content: self.clusters.rename(content["id"], content["name"]),
            "enqueue": self.playback.enqueue,
            "play_queue": self.playback.play,
            "pause_queue": self.playback.pause,
            "remove_queued": self.playback.remove,
            "clear_queue": self.playback.clear,
            "save": self._save,
            "select_filtered": lambda: self.selection.take(self.facets.labels()),
            "keep_group": self.contrast.keep,
            "find_contrast": self.contrast.start,
            "dismiss_notice": self.context.dismiss,
        }

    # Choices. ------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Compute what the choices ask for, as far as it is not there."""
        context, (first, second) = self.context, self.views
        if not len(context.table):
            first.fail("There are no tracks to map.", "Choose a folder that has some.")
            return
        first.start(self._request())
        if context.choices["second"]:
            second.start(MapRequest.of(context.choices, context.choices["second"], context.seed))
        else:
            context.stop(second.what)
            second.close()
        self.comparison.start()
        self.publish()

    def _request(self) -> MapRequest:
        """Return what the first map is to show."""
        choices, seed = self.context.choices, self.context.seed
        wanted = MapRequest.of(choices, choices, seed)
        only_axes = choices["layout"] == "axes" and all(choices[way] for way in axes.WAYS)
        if not only_axes or choices["clusters"] != "none" or self.views[0].request == wanted:
            return wanted
        return MapRequest.of(choices, choices, seed, seen=False)

    def choose(self, changes: Mapping[str, Any]) -> None:
        """Change choices, all or none, and compute what depends on them."""
        chosen = dict(self.context.choices)
        # What is set beside a method comes after it.
        for name in sorted(changes, key=lambda name: name in ("options", "cluster_options")):
            chosen |= self._check(name, changes[name])
        self._apply(options.check_options(chosen | self._follow(chosen, changes)))

    def _follow(self, chosen: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return what else changes with a choice."""
        before, follows = self.context.choices, dict[str, Any]()
        if "color" in changes:
            if chosen["color"] == "cluster" and chosen["clusters"] == "none":
                follows["clusters"] = "hdbscan"  # colours of clusters are for those that there are
        elif chosen["clusters"] == "none" and chosen["color"] == "cluster":
            follows["color"] = telling_color(self.context.table)
        elif before["clusters"] == "none" != chosen["clusters"]:
            follows["color"] = "cluster"  # who looks for clusters wants to see them
        follows |= self._follow_layout({**chosen, **follows}, changes)
        shown = {name: chosen[name] for name in ("model", "layer")}
        if "second" not in changes and chosen["second"] == shown:
            follows["second"] = {name: before[name] for name in ("model", "layer")}  # the two change places
        return follows

    def _follow_layout(self, chosen: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return what else changes with the axes of the map."""
        follows = dict[str, Any]()
        if "layout" not in changes and {*axes.WAYS} & set(changes):
            follows |= axes.layout_choices(chosen)
        elif chosen["layout"] == "axes" and not any(chosen[way] for way in axes.WAYS):
            follows |= axes.default_axes(self.context.table, chosen)
        if "cluster" in {follows.get(way, chosen[way]) for way in axes.WAYS} and chosen["clusters"] == "none":
            follows["clusters"] = "hdbscan"
        return follows

    def _check(self, name: str, value: Any) -> dict[str, Any]:
        """Return what a choice changes; raises OptionError where it is none."""
        if name in axes.WAYS:
            return {name: axes.axis_key(value, self.context.table, self.context.axes)}
        if name == "facets":
            return {"facets": check_keys(value, self.context.table)}
        return (
            {"color": key_of(value, self.context.table)}
            if name == "color"
            else options.check_option(name, value, self.context.given)
        )

    def _apply(self, chosen: dict[str, Any]) -> None:
        """Show what was chosen, and compute what is not there."""
        before = self.context.choices
        changed = {name for name in chosen if chosen[name] != before.get(name)}
        if not changed:
            return
        self.context.choices = chosen
        if changed & {"model", "layer", "second"}:
            self.context.show_models()  # vectors that are given now are among them
        self.publish()
        if changed & {*options.MAP, "k"} or self.views[0].request not in (None, self._request()):
            self.start()
        if changed & {"clusters", "cluster_options"}:
            self.clusters.start()
        if changed & {"color", "clusters"}:
            self.style.color()
        if "size" in changed:
            self.style.size()
        if changed & {"layout", "x", "y"}:
            self.axes.start()
        if "facets" in changed:
            self.facets.publish()

    def restore(self, choices: Mapping[str, Any]) -> None:
        """Choose what was kept; a model or a color that is not here any more is left out, with a sentence."""
        kept = dict(choices)
        for name in {"model", "second", "color", "facets", *axes.WAYS} & set(kept):
            try:
                self._check(name, kept[name])
            except (ModelError, OptionError) as error:
                if name not in ("color", "facets", *axes.WAYS) and isinstance(error, OptionError):
                    raise
                self.context.show_error(str(error))
                del kept[name]
        self.choose(kept)

    def assign(self, columns: Mapping[str, Any]) -> None:
        """Add columns to the table, and show them."""
        context = self.context
        context.assign(columns)
        for view in self.views:
            if view.scatter is not None:
                view.scatter.set_columns(context.columns)
        self.style.publish()
        self.facets.publish()
        if str(context.choices["color"]).removeprefix("column:") in columns:
            self.style.color()
        if {str(context.choices[way]).removeprefix("column:") for way in axes.WAYS} & set(columns):
            self.axes.start()
        self.selection.refresh()

    # Results. ------------------------------------------------------------------------------------------------------

    def _follow_vectors(self, view: MapView) -> None:
        # What is still computed of the vectors before must not arrive.
        self.comparison.forget()
        if view.number == 0:
            self.show_counts()
            self.neighbors.leave()
            self.selection.follow_vectors()
            self.playback.draw()

    def _connect_scatter(self, view: MapView, scatter: Scatter) -> None:
        scatter.observe(lambda _change: self.selection.follow_map(view), "selected")
        if view.number == 0:
            scatter.observe(lambda _change: self._refilter(), ["hidden_categories", "value_range"])
        scatter.on_msg(lambda _widget, content, _buffers: self._answer_click(view, content))

    def show_all(self) -> None:
        """End all filters, and show all colours of the legend."""
        for view in self.views:
            if view.scatter is not None:
                with view.scatter.hold_sync():
                    view.scatter.hidden_categories, view.scatter.value_range = [], []
        self.context.panel.filters = {}

    def _refilter(self) -> None:
        """Follow the filters, and what the legend of the first map shows."""
        self.neighbors.refilter()
        self._show_code()
        self.context.events.settled()

    def _answer_click(self, view: MapView, content: Any) -> None:
        """Play the point of a map that was clicked."""
        if isinstance(content, dict) and content.get("kind") == "choose":
            with self.context.guard():
                self._play_point(view, content.get("point"))

    def _dress_map(self, view: MapView) -> None:
        """Give a map that was drawn its colours, selection and lines."""
        # A colour that cannot be had is no reason to have no map.
        with self.context.guard():
            self.style.apply(view)
        self.selection.show(view)
        self.playback.mark(view)
        if view.number == 0:
            self.neighbors.publish()
            self.clusters.write_names()

    def _start_analyses(self, view: MapView) -> None:
        """Compute what needs a finished map."""
        if view.number == 0:
            self.clusters.start()
            self.neighbors.refresh()
            self._refresh_outliers()
        self.comparison.start()
        self.publish()

    def _refresh_outliers(self) -> None:
        """Show how far points are from their neighbours anew, which may be others now."""
        choices = self.context.choices
        if choices["color"] == "outlier":
            self.style.color()
        if choices["layout"] == "axes" and "outlier" in (choices["x"], choices["y"]):
            self.axes.start()
        shown = self.facets.keys()
        if "outlier" in shown:
            self.facets.publish()

    def _follow_clusters(self) -> None:
        self._show_code()
        self.show_maps()
        if self.context.choices["color"] == "cluster":
            self.style.color()

    def _use_weights(self, _model: str) -> None:
        self.style.publish()
        self.start()
        self.clusters.start()

    # Showing. ------------------------------------------------------------------------------------------------------

    def fill(self) -> None:
        """Show what there is to choose from, and begin."""
        panel = self.context.panel
        panel.vocabulary = options.vocabulary()
        self.context.show_models()
        panel.methods, panel.clusterers = options.methods(), options.clusterers(len(self.context.table))
        self.style.publish()
        self.facets.publish()
        self.show_counts()
        self.playback.publish()
        panel.selection = self.selection.to_dict()
        self.start()
        self.publish()

    def publish(self) -> None:
        """Show the choices, and the maps as they are."""
        panel = self.context.panel
        panel.choices = dict(self.context.choices)
        self._show_code()
        self.show_maps()

    def _show_code(self) -> None:
        self.context.panel.code = self.code()

    def code(self) -> str:
        """Return Python that gives this map."""
        tagger, names = self.clusters.tagger(), self.clusters.given_names()
        return code(self.context, self.folder, tagger, names, self.facets.conditions())

    def show_maps(self) -> None:
        """Show the maps as they are."""
        first = self.views[0].to_dict()
        first["notes"] += [self.clusters.note] if self.clusters.note else []
        second = [self.views[1].to_dict()] if self.context.choices["second"] else []
        self.context.panel.maps = [first, *second]

    def show_counts(self) -> None:
        """Show how many there are of what, and what cannot be used."""
        panel, table, vectors = self.context.panel, self.context.table, self.views[0].vectors
        unusable, panel.problems = list_problems(table, vectors)
        duplicates = int(table["duplicate_of"].notna().sum()) if "duplicate_of" in table else 0
        points = 0 if vectors is None else len(vectors)
        panel.counts = {"tracks": len(table), "points": points, "problems": unusable, "duplicates": duplicates}

    def contents(self, *, selection: bool) -> export.Contents:
        """Return what is written to a file: of lists the selected rows, or all."""
        context, view, clusters = self.context, self.views[0], self.clusters
        name = format_cell(Path(self.folder or common_folder(context.table["path"])).name)
        return export.Contents(
            context.table, self.selection.saved_rows() if selection else context.table, view.vectors, view.drawn,
            self.style.seen, clusters.members, clusters.names(), name, f"{name} · {view.title}" if name else view.title,
            context.store, context.engine, self.outputs.tags(context.choices["points"]), self.facets.filters,
            context.given.find(context.choices["model"], context.choices["layer"]), view.axes,
        )  # fmt: skip

    def cancel(self) -> None:
        """Stop what runs and what waits; what is finished is kept."""
        self.context.stop()
        for view in self.views:
            view.mark_cancelled()
        self.clusters.mark_cancelled()

    # Commands of the page. -----------------------------------------------------------------------------------------

    def _retry(self) -> None:
        self.context.show_models()
        self.start()
        self.style.color()

    def _save(self, **content: Any) -> None:
        export.begin(self.context, self.contents(selection=bool(content.get("selection"))), content)

    def _play(self, **content: Any) -> None:
        """Play a point of a map, or a track from a moment on."""
        if content.get("track") is None:
            self._play_point(self.views[bool(content.get("map"))], content.get("point"))
        else:
            self.playback.choose(content["track"], content.get("at"))

    def _play_point(self, view: MapView, point: Any) -> None:
        """Open and play the track of a point, and show what is near it."""
        vectors = view.vectors
        if vectors is None or type(point) is not int or not 0 <= point < len(vectors):
            raise OptionError(f"The map has no point {point!r}.")
        at = None if vectors.times is None else float(vectors.times[point])
        with self.context.guard():
            self._find_near_point(view, point)
        self.playback.choose(int(vectors.tracks[point]), at)

    def _find_near_point(self, view: MapView, point: int) -> None:
        """Show the neighbours of a point; of one on the second map, those that its track has on the first."""
        if view.number == 0 or view.vectors is None:
            self.neighbors.show(self.neighbors.query_point(point))
        else:
            self.neighbors.show(self.neighbors.query(int(view.vectors.tracks[point])))

    def _select(self, tracks: list[int] | None = None, cluster: int | None = None) -> None:
        if cluster is None:
            self.selection.take(tracks or [])
            return
        members = self.clusters.members
        if members is None:
            raise OptionError("There are no clusters; choose how they are found.")
        self.selection.take_points(self.views[0], np.flatnonzero(members == cluster))

    def _find_neighbors(self, of: str, point: int | None = None, map: int | None = None) -> None:  # noqa: A002
        """Show the neighbours of a point, or of the middle of the selection."""
        if of == "point":
            self._find_near_point(self.views[bool(map)], -1 if point is None else point)
        else:
            points = self.selection.points()
            self.neighbors.show(self.neighbors.of_points(points, f"{len(points):,} selected points"))
