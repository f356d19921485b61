"""The map of all tracks: made when its page is first looked at, and kept in step with the open track."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.app.explorer.collection import CollectionLoader
from embviz.app.explorer.context import ExplorerContext
from embviz.app.selection import PlayRequest, Selected
from embviz.app.work import DrawnWork
from embviz.collection import Collection
from embviz.errors import CollectionError

if TYPE_CHECKING:
    import pandas as pd

    from embviz.app.atlas import Atlas


class MapTab:
    """The view of a collection's map, the `atlas`, which there is once its page was opened."""

    def __init__(self, context: ExplorerContext, loader: CollectionLoader) -> None:
        self._context, self._loader = context, loader
        self.atlas: Atlas | None = None
        self.work = DrawnWork("")
        self._options: dict[str, Any] = {}
        self._columns: dict[str, Any] = {}
        self._marks: dict[str, Any] = {}
        context.selection.on("track", self._mark_open)

    def start(self, **options: Any) -> None:
        """Show the map; with options, a new one."""
        if options and self.atlas is not None:
            self.close()
        self._options = options or self._options
        if self.atlas is not None or self.work.unfinished:
            return
        self._loader.load("map", self.work, self._show, self.publish)

    def mark(
        self, labels: Sequence[int], columns: Mapping[str, pd.Series[Any]] | None = None, color: str | None = None
    ) -> None:
        """Select tracks, and colour the points by a column that is added; once the map is opened, where it is not."""
        self._columns.update(columns or {})
        self._marks = {"labels": list(labels), "columns": columns, "color": color}
        self._apply_marks()

    def _apply_marks(self) -> None:
        """Do what was wanted of the map, once there is one."""
        if self.atlas is None or not self._marks:
            return
        marks, self._marks = self._marks, {}
        if marks["columns"]:
            self.atlas.assign(**marks["columns"])
        if marks["color"]:
            self.atlas.set(color=f"column:{marks['color']}")
            self.atlas.widget.tab = "selection"  # a list of what is marked, to be played
        self.atlas.selection = marks["labels"]

    def _show(self, collection: Collection) -> None:
        from embviz.app.atlas import Atlas

        context = self._context
        if not len(collection):
            raise CollectionError("There are no files to map: a map shows files of a folder or a list.")
        self.atlas = Atlas(
            collection.table, clock=context.clock, player=context.player,
            **{"engine": context.engine, "cache": context.cache, **self._options},
        )  # fmt: skip
        self.atlas.on_change(context.events.settled)
        self.atlas.on_change(self._follow_filters)
        self.atlas.on_choose(self._follow_request)
        self.atlas.observe(lambda change: self._follow_selection(change["new"]), "selection")
        self.atlas.widget.observe(lambda _change: context.events.settled(), "code")
        self.atlas.widget.observe(self._follow_maps, "maps")
        if self._columns:
            self.atlas.assign(**self._columns)
        self._apply_marks()
        self.work.view, self.work.drawn, self.work.status = self.atlas.widget, True, "ready"
        self._mark_open(context.selection.track)
        self.publish()

    def _follow_maps(self, change: Mapping[str, Any]) -> None:
        """Tell that tracks are embedded, each time that a map is drawn, is finished or stops."""
        before, after = ([(one["status"], one["view"]) for one in change[when]] for when in ("old", "new"))
        if any(one not in before for one in after if one[1] or one[0] not in ("waiting", "running")):
            self._context.events.tracks_embedded()

    def _follow_request(self, label: int, seconds: float | None) -> None:
        """Ask for the track of the list that was chosen on the map."""
        if (number := self._loader.numbers.get(label)) is not None:
            self._context.selection.request = PlayRequest(number, seconds)

    def _follow_selection(self, rows: pd.DataFrame) -> None:
        times = rows["time"].to_numpy() if "time" in rows.columns else None
        self._context.selection.selected = Selected(rows.index.to_numpy(), times)

    def _follow_filters(self) -> None:
        """Have the list of tracks show what the map shows."""
        shown = b""
        if self.atlas is not None and self.atlas.is_filtered:
            numbers, mask = self._loader.numbers, np.zeros(len(self._context.tracks), np.uint8)
            mask[[numbers[label] for label in self.atlas.filtered.index if label in numbers]] = 1
            shown = mask.tobytes()
        self._context.panel.shown_on_map = shown

    def show_all(self) -> None:
        """Show all tracks, on the map and in the list."""
        if self.atlas is not None:
            self.atlas.filter()

    def _mark_open(self, track: int | None) -> None:
        """Mark the point of the open track, and walk along it."""
        label = None if track is None else self._loader.labels.get(track)
        if self.atlas is not None and label is not None:
            self.atlas.mark_open(label)

    def stop_all(self) -> None:
        """Stop what the map computes; what is done is kept."""
        if self.atlas is not None:
            self.atlas.cancel()
        self.work.cancel()
        self.publish()

    def close(self) -> None:
        """Take the map off the page."""
        if self.atlas is not None:
            self.atlas.close()
        # The view is the map's own to close.
        self.atlas, self.work = None, DrawnWork("")
        self._follow_filters()
        self.publish()

    def publish(self) -> None:
        """Show this view as it is."""
        self._context.panel.map = self.work.to_dict()
