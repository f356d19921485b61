"""The map of all tracks: made when its page is first looked at, and kept in step with the open track."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embviz.collection import Collection
from embviz.errors import CollectionError
from embviz.explorer.desk import Desk, Work

if TYPE_CHECKING:
    import pandas as pd

    from embviz.atlas import Atlas
    from embviz.jobs import Job

__all__ = ["Mapped"]


class Mapped:
    """The view of a collection's map.

    Attributes
    ----------
    collection : Collection or None
        What is mapped; the tracks of the list, once their tags are read, where none was given.
    atlas : Atlas or None
        The map, once its page was opened.
    """

    def __init__(self, desk: Desk, collection: Collection | None) -> None:
        self._desk, self.collection = desk, collection
        self.atlas: Atlas | None = None
        self.work = Work("")
        self.on_choose: Callable[[int, float | None], None] = lambda _number, _seconds: None
        self.on_selected: Callable[[pd.DataFrame], None] = lambda _rows: None
        self._options: dict[str, Any] = {}
        self._numbers: dict[int, int] = {}
        self._opened: tuple[int, float] | None = None

    def start(self, **options: Any) -> None:
        """Show the map; with options, a new one."""
        if options and self.atlas is not None:
            self.close()
        self._options = options or self._options
        if self.atlas is not None or self.work.unfinished:
            return
        if self.collection is not None:
            self._show(self.collection)
            return
        paths = [track.place for track in self._desk.tracks if track.place is not None]
        base = Path(self._desk.tracks.folder) if self._desk.tracks.folder else None
        store = self._desk.store

        def task(job: Job) -> Collection:
            job.report("reading the tags", 0, len(paths))
            return Collection.from_paths(paths, base=base, cache=False if store is None else store, progress=job.report)

        self._desk.run(("map",), self.work, task, self._show, self.publish, what="map")
        self.publish()

    def _show(self, collection: Collection) -> None:
        from embviz.atlas import Atlas

        desk = self._desk
        if not len(collection):
            raise CollectionError("There are no files to map: a map shows files of a folder or a list.")
        self.collection = collection
        self._numbers = _numbers(collection, desk)
        cache = False if desk.store is None else desk.store
        self.atlas = Atlas(collection.table, clock=desk.clock, player=desk.player, cache=cache, **self._options)
        self.atlas.on_choose(self._chosen)
        self.atlas.observe(lambda change: self.on_selected(change["new"]), "selection")
        self.work.view, self.work.drawn, self.work.status = self.atlas.widget, True, "ready"
        if self._opened is not None:
            self.opened(*self._opened)
        self.publish()

    def _chosen(self, label: int, seconds: float | None) -> None:
        if label in self._numbers:
            self.on_choose(self._numbers[label], seconds)

    def opened(self, number: int, duration: float) -> None:
        """Say which track of the list is open: its point is marked, and walked along."""
        self._opened = number, duration
        label = next((label for label, own in self._numbers.items() if own == number), None)
        if self.atlas is not None and label is not None:
            self.atlas.opened(label, duration)

    def stop_all(self) -> None:
        """Stop what the map computes; what is done is kept."""
        if self.atlas is not None:
            self.atlas.cancel()
        if self.work.unfinished:
            self.work.status = "cancelled"
        self.publish()

    def close(self) -> None:
        """Take the map off the page."""
        if self.atlas is not None:
            self.atlas.close()
        # The view is the map's own to close.
        self.atlas, self.work = None, Work("")
        self.publish()

    def publish(self) -> None:
        """Show this view as it is."""
        self._desk.panel.map = self.work.shown()


def _numbers(collection: Collection, desk: Desk) -> dict[int, int]:
    """Return which row of the table is which track of the list."""
    listed = {os.path.abspath(track.place): track.id for track in desk.tracks if track.place is not None}  # noqa: PTH100
    places = {int(label): os.path.abspath(path) for label, path in collection.table["path"].items()}  # noqa: PTH100
    return {label: listed[place] for label, place in places.items() if place in listed}
