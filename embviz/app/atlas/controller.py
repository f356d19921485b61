"""How the parts of an Atlas hang together: what follows from a choice, from a result and from a command of the page."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.app.atlas import export, options
from embviz.app.atlas.clusters import Clusters
from embviz.app.atlas.codegen import code
from embviz.app.atlas.comparison import Comparison
from embviz.app.atlas.context import AtlasContext, list_problems
from embviz.app.atlas.map_view import MapRequest, MapView
from embviz.app.atlas.model_outputs import ModelOutputs
from embviz.app.atlas.neighbors import NeighborQueries
from embviz.app.atlas.playback import Playback
from embviz.app.atlas.point_style import PointStyle
from embviz.app.atlas.selection import MapSelection
from embviz.app.downloads import Downloads
from embviz.app.model_options import offers
from embviz.errors import OptionError

if TYPE_CHECKING:
    from embviz.widgets.player import Player

__all__ = ["AtlasController"]


class AtlasController:
    """The parts, and what passes between them.

    Attributes
    ----------
    on_selected : callable
        Called when the selection has changed, but not by the next cell.
    """

    def __init__(self, context: AtlasContext, player: Player | None, *, own_player: bool, folder: str) -> None:
        self.context, self.folder = context, folder
        self.outputs = outputs = ModelOutputs(context)
        link = f"embviz-{uuid.uuid4().hex}"
        self.views = [MapView(context, outputs, number, link) for number in (0, 1)]
        self.clusters, self.neighbors = (
            Clusters(context, outputs, self.views[0]),
            NeighborQueries(context, self.views[0]),
        )
        self.comparison, self.selection = Comparison(context, self.views), MapSelection(context, self.views)
        self.playback = Playback(context, self.views, player, own=own_player)
        self.style = PointStyle(context, outputs, self.clusters, self.views)
        self.downloads = Downloads(context)
        self.on_selected: Callable[[], None] = lambda: None
        self._connect()

    def _connect(self) -> None:
        for view in self.views:
            view.on_changed, view.on_vectors = self.show_maps, self._got_vectors
            view.on_scatter, view.on_map, view.on_ready = self._got_scatter, self._got_map, self._got_ready
        self.outputs.on_kept = self._heard
        self.clusters.on_changed, self.neighbors.on_changed = self._got_groups, self._got_neighbors
        self.comparison.on_changed = lambda: setattr(self.context.panel, "agreement", self.comparison.shown())
        self.selection.on_changed = self._got_selection
        self.downloads.on_arrived = self._arrived
        self.context.panel.on_command(self._command)

    def _heard(self) -> None:
        for view in self.views:
            view.hear()

    # Choices. ------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Compute what the choices ask for, as far as it is not there."""
        context, (first, second) = self.context, self.views
        if not len(context.table):
            first.fail("There are no tracks to map.", "Choose a folder that has some.")
            return
        first.start(MapRequest.of(context.choices, context.choices, context.seed))
        if context.choices["second"]:
            second.start(MapRequest.of(context.choices, context.choices["second"], context.seed))
        else:
            context.stop(second.what)
            second.close()
        self.comparison.start()
        self.publish()

    def choose(self, name: str, value: Any) -> None:
        """Change a choice, and compute what depends on it."""
        context = self.context
        changed = {"color": self.style.key(value)} if name == "color" else options.checked(name, value)
        chosen = {**context.choices, **changed}
        options.check_options(chosen)
        if chosen == context.choices:
            return
        # Colours of clusters are for those that there are.
        if changed.get("color") == "cluster" and chosen["clusters"] == "none":
            chosen["clusters"] = "hdbscan"
        if changed.get("clusters") == "none" and chosen["color"] == "cluster":
            chosen["color"] = "none"
        grouped = chosen["clusters"] != context.choices["clusters"] or name == "cluster_options"
        context.choices = chosen
        self.publish()
        if name in options.MAP or name == "k":
            self.start()
        if grouped:
            self.clusters.start()
        if name in ("color", "clusters"):
            self.style.color()
        if name == "size":
            self.style.size()

    def assign(self, columns: Mapping[str, Any]) -> None:
        """Add columns to the table, and show them."""
        context = self.context
        context.assign(columns)
        for view in self.views:
            view.tell()
        self.style.publish()
        if str(context.choices["color"]).removeprefix("column:") in columns:
            self.style.color()
        self.on_selected()

    # Results. ------------------------------------------------------------------------------------------------------

    def _got_vectors(self, view: MapView) -> None:
        # What is still computed of the vectors before must not arrive.
        self.comparison.forget()
        if view.number == 0:
            self.show_counts()
            self.clusters.forget()
            self.neighbors.leave()
            self.selection.move()
            self.playback.draw()

    def _got_scatter(self, view: MapView) -> None:
        if view.scatter is not None:
            view.scatter.observe(lambda _change: self.selection.taken(view), "selected")
            view.scatter.on_msg(lambda _widget, content, _buffers: self._told(view, content))

    def _told(self, view: MapView, content: Any) -> None:
        """Follow what a map says: a point was clicked."""
        if isinstance(content, dict) and content.get("kind") == "choose":
            self.context.guarded(lambda: self._chosen(view, content.get("point")))

    def _got_map(self, view: MapView) -> None:
        # A colour that cannot be had is no reason to have no map.
        self.context.guarded(partial(self.style.all, view))
        self.selection.show(view)
        self.playback.mark(view)
        if view.number == 0:
            self._got_neighbors()
            self._write_names()

    def _got_ready(self, view: MapView) -> None:
        if view.number == 0:
            self.clusters.start()
            self.neighbors.again()
        self.comparison.start()
        self.publish()

    def _got_groups(self) -> None:
        self.context.panel.clusters = self.clusters.shown()
        self.context.panel.code = self.code()
        self._write_names()
        if self.context.choices["color"] == "cluster":
            self.style.color()

    def _write_names(self) -> None:
        visible = self.views[0].visible
        if visible is not None:
            visible.scatter.set_labels(self.clusters.labels())

    def _got_neighbors(self) -> None:
        self.context.panel.neighbors = self.neighbors.shown()
        visible = self.views[0].visible
        if visible is not None:
            visible.scatter.set_lines(self.neighbors.lines)

    def _got_selection(self) -> None:
        self.context.panel.selection = self.selection.shown()
        self.on_selected()

    def _arrived(self, _model: str) -> None:
        self.style.publish()
        self.start()
        self.clusters.start()

    # Showing. ------------------------------------------------------------------------------------------------------

    def fill(self) -> None:
        """Show what there is to choose from, and begin."""
        context, n = self.context, len(self.context.table)
        panel = context.panel
        panel.models, panel.vocabulary = offers(), options.vocabulary()
        panel.methods, panel.clusterers = options.methods(), options.clusterers(n)
        self.style.publish()
        self.show_counts()
        self.playback.publish()
        panel.selection = self.selection.shown()
        self.start()
        self.publish()

    def publish(self) -> None:
        """Show the choices, and the maps as they are."""
        panel = self.context.panel
        panel.choices = dict(self.context.choices)
        panel.code = self.code()
        self.show_maps()

    def code(self) -> str:
        """Return Python that gives this map."""
        return code(self.context, self.folder, self.clusters.tagger(), self.clusters.renamed())

    def show_maps(self) -> None:
        """Show the maps as they are."""
        second = [self.views[1].shown()] if self.context.choices["second"] else []
        self.context.panel.maps = [self.views[0].shown(), *second]

    def show_counts(self) -> None:
        """Show how many there are of what, and what cannot be used."""
        context, vectors = self.context, self.views[0].vectors
        unusable, shown = list_problems(context.table, vectors)
        context.panel.counts = {
            "tracks": len(context.table),
            "points": 0 if vectors is None else len(vectors),
            "problems": unusable,
            "duplicates": int(context.table["duplicate_of"].notna().sum()) if "duplicate_of" in context.table else 0,
        }
        context.panel.problems = shown

    def contents(self, *, selection: bool) -> export.Contents:
        """Return what is written to a file."""
        rows = self.selection.table() if selection else None
        tags = self.outputs.tags(self.context.choices["points"])
        return export.Contents.of(self.context, self.views[0], self.clusters, self.style, rows, self.folder, tags)

    def cancel(self) -> None:
        """Stop what runs and what waits; what is finished is kept."""
        self.context.stop()
        for view in self.views:
            view.cancelled()
        self.clusters.cancelled()

    # Commands of the page. -----------------------------------------------------------------------------------------

    def _command(self, kind: str, content: dict[str, Any], buffers: list[Any]) -> None:
        self.context.guarded(self._commands(content, buffers)[kind])

    def _commands(self, content: dict[str, Any], buffers: list[Any]) -> dict[str, Callable[[], Any]]:
        queue, panel = self.playback, self.context.panel
        return {
            "set_option": lambda: self.choose(content["name"], content["value"]),
            "compute": self._retry,
            "cancel": self.cancel,
            "pull": lambda: self.downloads.start(content["model"]),
            "stop_pull": lambda: self.downloads.stop(content["model"]),
            "play": lambda: self._wanted(content),
            "select": lambda: self._select(content),
            "clear_selection": lambda: self.selection.choose([]),
            "find_neighbors": lambda: self._like(content),
            "upload": lambda: self.neighbors.upload(content["name"], bytes(buffers[0])),
            "rename_cluster": lambda: self.clusters.rename(content["id"], content["name"]),
            "enqueue": lambda: queue.enqueue([int(label) for label in content["tracks"]]),
            "play_queue": lambda: queue.play(content["at"]),
            "pause_queue": queue.pause,
            "remove_queued": lambda: queue.remove(content["at"]),
            "clear_queue": queue.clear,
            "save": lambda: self._save(content),
            "dismiss_notice": lambda: setattr(panel, "notice", {}),
        }

    def _retry(self) -> None:
        self.context.panel.models = offers()
        self.start()
        self.style.color()

    def _save(self, content: Mapping[str, Any]) -> None:
        export.begin(self.context, self.contents(selection=bool(content.get("selection"))), content)

    def _wanted(self, content: Mapping[str, Any]) -> None:
        if "point" in content:
            self._chosen(self.views[1 if content.get("map") else 0], content["point"])
        else:
            self.playback.choose(int(content["track"]), content.get("at"))

    def _chosen(self, view: MapView, point: Any) -> None:
        """Open and play the track of a point, and show what is near it."""
        vectors = view.vectors
        if vectors is None or not isinstance(point, int) or not 0 <= point < len(vectors):
            raise OptionError(f"The map has no point {point!r}.")
        at = None if vectors.times is None else float(vectors.times[point])
        self.context.guarded(partial(self._show_near, view, point))
        self.playback.choose(int(vectors.tracks[point]), at)

    def _show_near(self, view: MapView, point: int) -> None:
        """Show the neighbours of a point; of one on the second map, those that its track has on the first."""
        if view.number == 0 or view.vectors is None:
            self.neighbors.show(self.neighbors.of_point(point))
        else:
            self.neighbors.show(self.neighbors.query(int(view.vectors.tracks[point])))

    def _select(self, content: Mapping[str, Any]) -> None:
        if "cluster" not in content:
            self.selection.choose([int(label) for label in content["tracks"]])
            return
        members = self.clusters.members
        if members is None:
            raise OptionError("There are no clusters; choose how they are found.")
        self.selection.choose_points(np.flatnonzero(members == content["cluster"]))

    def _like(self, content: Mapping[str, Any]) -> None:
        if content.get("of") != "point":
            points = self.selection.points()
            self.neighbors.show(self.neighbors.of_points(points, f"{len(points):,} selected points"))
            return
        self._show_near(self.views[1 if content.get("map") else 0], content["point"])
