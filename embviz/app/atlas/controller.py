"""How the parts of an Atlas hang together: what follows from a choice, from a result and from a command of the page."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.app.atlas import export, options
from embviz.app.atlas.clusters import Groups
from embviz.app.atlas.codegen import code
from embviz.app.atlas.comparison import Compare
from embviz.app.atlas.context import Board
from embviz.app.atlas.drawn import problems
from embviz.app.atlas.map_view import Ask, Side
from embviz.app.atlas.model_outputs import Hearing
from embviz.app.atlas.neighbors import Likes
from embviz.app.atlas.playback import Listening
from embviz.app.atlas.point_style import Paint
from embviz.app.atlas.selection import Selecting
from embviz.app.downloads import Downloads
from embviz.app.model_options import offers
from embviz.errors import OptionError

if TYPE_CHECKING:
    from embviz.widgets.player import Player

__all__ = ["Wiring"]


class Wiring:
    """The parts, and what passes between them.

    Attributes
    ----------
    on_selected : callable
        Called when the selection has changed, but not by the next cell.
    """

    def __init__(self, board: Board, player: Player | None, *, own_player: bool, folder: str) -> None:
        self.board, self.folder = board, folder
        self.hearing = hearing = Hearing(board)
        link = f"embviz-{uuid.uuid4().hex}"
        self.sides = [Side(board, hearing, number, link) for number in (0, 1)]
        self.groups, self.likes = Groups(board, hearing, self.sides[0]), Likes(board, self.sides[0])
        self.compare, self.selecting = Compare(board, self.sides), Selecting(board, self.sides)
        self.listening = Listening(board, self.sides, player, own=own_player)
        self.paint = Paint(board, hearing, self.groups, self.sides)
        self.downloads = Downloads(board)
        self.on_selected: Callable[[], None] = lambda: None
        self._connect()

    def _connect(self) -> None:
        for side in self.sides:
            side.on_changed, side.on_vectors = self.show_maps, self._got_vectors
            side.on_scatter, side.on_map, side.on_ready = self._got_scatter, self._got_map, self._got_ready
        self.hearing.on_kept = self._heard
        self.groups.on_changed, self.likes.on_changed = self._got_groups, self._got_neighbors
        self.compare.on_changed = lambda: setattr(self.board.panel, "agreement", self.compare.shown())
        self.selecting.on_changed = self._got_selection
        self.downloads.on_arrived = self._arrived
        self.board.panel.on_command(self._command)

    def _heard(self) -> None:
        for side in self.sides:
            side.hear()

    # Choices. ------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Compute what the choices ask for, as far as it is not there."""
        board, (first, second) = self.board, self.sides
        if not len(board.table):
            first.fail("There are no tracks to map.", "Choose a folder that has some.")
            return
        first.start(Ask.of(board.choices, board.choices, board.seed))
        if board.choices["second"]:
            second.start(Ask.of(board.choices, board.choices["second"], board.seed))
        else:
            board.stop(second.what)
            second.close()
        self.compare.start()
        self.publish()

    def choose(self, name: str, value: Any) -> None:
        """Change a choice, and compute what depends on it."""
        board = self.board
        changed = {"color": self.paint.key(value)} if name == "color" else options.checked(name, value)
        chosen = {**board.choices, **changed}
        options.check_options(chosen)
        if chosen == board.choices:
            return
        # Colours of clusters are for those that there are.
        if changed.get("color") == "cluster" and chosen["clusters"] == "none":
            chosen["clusters"] = "hdbscan"
        if changed.get("clusters") == "none" and chosen["color"] == "cluster":
            chosen["color"] = "none"
        grouped = chosen["clusters"] != board.choices["clusters"] or name == "cluster_options"
        board.choices = chosen
        self.publish()
        if name in options.MAP or name == "k":
            self.start()
        if grouped:
            self.groups.start()
        if name in ("color", "clusters"):
            self.paint.color()
        if name == "size":
            self.paint.size()

    def assign(self, columns: Mapping[str, Any]) -> None:
        """Add columns to the table, and show them."""
        board = self.board
        board.assign(columns)
        for side in self.sides:
            side.tell()
        self.paint.publish()
        if str(board.choices["color"]).removeprefix("column:") in columns:
            self.paint.color()
        self.on_selected()

    # Results. ------------------------------------------------------------------------------------------------------

    def _got_vectors(self, side: Side) -> None:
        # What is still computed of the vectors before must not arrive.
        self.compare.forget()
        if side.number == 0:
            self.show_counts()
            self.groups.forget()
            self.likes.leave()
            self.selecting.move()
            self.listening.draw()

    def _got_scatter(self, side: Side) -> None:
        if side.scatter is not None:
            side.scatter.observe(lambda _change: self.selecting.taken(side), "selected")
            side.scatter.on_msg(lambda _widget, content, _buffers: self._told(side, content))

    def _told(self, side: Side, content: Any) -> None:
        """Follow what a map says: a point was clicked."""
        if isinstance(content, dict) and content.get("kind") == "choose":
            self.board.guarded(lambda: self._chosen(side, content.get("point")))

    def _got_map(self, side: Side) -> None:
        # A colour that cannot be had is no reason to have no map.
        self.board.guarded(partial(self.paint.all, side))
        self.selecting.show(side)
        self.listening.mark(side)
        if side.number == 0:
            self._got_neighbors()
            self._write_names()

    def _got_ready(self, side: Side) -> None:
        if side.number == 0:
            self.groups.start()
            self.likes.again()
        self.compare.start()
        self.publish()

    def _got_groups(self) -> None:
        self.board.panel.clusters = self.groups.shown()
        self.board.panel.code = self.code()
        self._write_names()
        if self.board.choices["color"] == "cluster":
            self.paint.color()

    def _write_names(self) -> None:
        picture = self.sides[0].picture
        if picture is not None:
            picture.scatter.name(self.groups.labels())

    def _got_neighbors(self) -> None:
        self.board.panel.neighbors = self.likes.shown()
        picture = self.sides[0].picture
        if picture is not None:
            picture.scatter.join(self.likes.lines)

    def _got_selection(self) -> None:
        self.board.panel.selection = self.selecting.shown()
        self.on_selected()

    def _arrived(self, _model: str) -> None:
        self.paint.publish()
        self.start()
        self.groups.start()

    # Showing. ------------------------------------------------------------------------------------------------------

    def fill(self) -> None:
        """Show what there is to choose from, and begin."""
        board, n = self.board, len(self.board.table)
        view = board.panel
        view.models, view.methods, view.clusterers = offers(), options.methods(), options.clusterers(n)
        self.paint.publish()
        self.show_counts()
        self.listening.publish()
        view.selection = self.selecting.shown()
        self.start()
        self.publish()

    def publish(self) -> None:
        """Show the choices, and the maps as they are."""
        view = self.board.panel
        view.choices = dict(self.board.choices)
        view.code = self.code()
        self.show_maps()

    def code(self) -> str:
        """Return Python that gives this map."""
        return code(self.board, self.folder, self.groups.tagger(), self.groups.renamed())

    def show_maps(self) -> None:
        """Show the maps as they are."""
        second = [self.sides[1].shown()] if self.board.choices["second"] else []
        self.board.panel.maps = [self.sides[0].shown(), *second]

    def show_counts(self) -> None:
        """Show how many there are of what, and what cannot be used."""
        board, vectors = self.board, self.sides[0].vectors
        unusable, shown = problems(board.table, vectors)
        board.panel.count = {
            "tracks": len(board.table),
            "points": 0 if vectors is None else len(vectors),
            "problems": unusable,
            "duplicates": int(board.table["duplicate_of"].notna().sum()) if "duplicate_of" in board.table else 0,
        }
        board.panel.problems = shown

    def contents(self, *, selection: bool) -> export.Contents:
        """Return what is written to a file."""
        rows = self.selecting.table() if selection else None
        tags = self.hearing.tags(self.board.choices["points"])
        return export.Contents.of(self.board, self.sides[0], self.groups, self.paint, rows, self.folder, tags)

    def cancel(self) -> None:
        """Stop what runs and what waits; what is finished is kept."""
        self.board.stop()
        for side in self.sides:
            side.cancelled()
        self.groups.cancelled()

    # Commands of the page. -----------------------------------------------------------------------------------------

    def _command(self, kind: str, content: dict[str, Any], buffers: list[Any]) -> None:
        self.board.guarded(self._commands(content, buffers)[kind])

    def _commands(self, content: dict[str, Any], buffers: list[Any]) -> dict[str, Callable[[], Any]]:
        queue, view = self.listening, self.board.panel
        return {
            "set": lambda: self.choose(content["name"], content["value"]),
            "compute": self._retry,
            "cancel": self.cancel,
            "pull": lambda: self.downloads.start(content["model"]),
            "stop_pull": lambda: self.downloads.stop(content["model"]),
            "choose": lambda: self._wanted(content),
            "select": lambda: self._select(content),
            "clear": lambda: self.selecting.choose([]),
            "like": lambda: self._like(content),
            "upload": lambda: self.likes.upload(content["name"], bytes(buffers[0])),
            "rename": lambda: self.groups.rename(content["id"], content["name"]),
            "enqueue": lambda: queue.enqueue([int(label) for label in content["tracks"]]),
            "queue_play": lambda: queue.play(content["at"]),
            "queue_pause": queue.pause,
            "queue_remove": lambda: queue.remove(content["at"]),
            "queue_clear": queue.clear,
            "save": lambda: self._save(content),
            "dismiss": lambda: setattr(view, "notice", {}),
        }

    def _retry(self) -> None:
        self.board.panel.models = offers()
        self.start()
        self.paint.color()

    def _save(self, content: Mapping[str, Any]) -> None:
        export.begin(self.board, self.contents(selection=bool(content.get("selection"))), content)

    def _wanted(self, content: Mapping[str, Any]) -> None:
        if "point" in content:
            self._chosen(self.sides[1 if content.get("map") else 0], content["point"])
        else:
            self.listening.choose(int(content["track"]), content.get("at"))

    def _chosen(self, side: Side, point: Any) -> None:
        """Open and play the track of a point, and show what is near it."""
        vectors = side.vectors
        if vectors is None or not isinstance(point, int) or not 0 <= point < len(vectors):
            raise OptionError(f"The map has no point {point!r}.")
        at = None if vectors.times is None else float(vectors.times[point])
        self.board.guarded(partial(self._show_near, side, point))
        self.listening.choose(int(vectors.tracks[point]), at)

    def _show_near(self, side: Side, point: int) -> None:
        """Show the neighbours of a point; of one on the second map, those that its track has on the first."""
        if side.number == 0 or side.vectors is None:
            self.likes.show(self.likes.of_point(point))
        else:
            self.likes.show(self.likes.query(int(side.vectors.tracks[point])))

    def _select(self, content: Mapping[str, Any]) -> None:
        if "cluster" not in content:
            self.selecting.choose([int(label) for label in content["tracks"]])
            return
        members = self.groups.members
        if members is None:
            raise OptionError("There are no clusters; choose how they are found.")
        self.selecting.choose_points(np.flatnonzero(members == content["cluster"]))

    def _like(self, content: Mapping[str, Any]) -> None:
        if content.get("of") != "point":
            points = self.selecting.points()
            self.likes.show(self.likes.of_points(points, f"{len(points):,} selected points"))
            return
        self._show_near(self.sides[1 if content.get("map") else 0], content["point"])
