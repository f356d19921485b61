"""The map of all tracks: made when its page is first looked at, and kept in step with the open track."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from embviz.app.explorer.collection import CollectionLoader
from embviz.app.explorer.context import ExplorerContext, Work
from embviz.collection import Collection
from embviz.errors import CollectionError

if TYPE_CHECKING:
    import pandas as pd

    from embviz.app.atlas import Atlas
    from embviz.core.cache import CacheOption

__all__ = ["MapTab"]


class MapTab:
    """The view of a collection's map.

    Attributes
    ----------
    atlas : Atlas or None
        The map, once its page was opened.
    """

    def __init__(self, context: ExplorerContext, loader: CollectionLoader) -> None:
        self._context, self._loader = context, loader
        self.atlas: Atlas | None = None
        self.work = Work("")
        self.on_choose: Callable[[int, float | None], None] = lambda _number, _seconds: None
        self.on_selected: Callable[[pd.DataFrame], None] = lambda _rows: None
        self._options: dict[str, Any] = {}
        self._columns: dict[str, Any] = {}
        self._wanted: dict[str, Any] = {}
        self._opened: int | None = None

    def start(self, **options: Any) -> None:
        """Show the map; with options, a new one."""
        if options and self.atlas is not None:
            self.close()
        self._options = options or self._options
        if self.atlas is not None or self.work.unfinished:
            return
        self._loader.want("map", self.work, self._show, self.publish)

    def mark(
        self, labels: Sequence[int], columns: Mapping[str, pd.Series[Any]] | None = None, color: str | None = None
    ) -> None:
        """Select tracks, and colour the points by a column that is added; once the map is opened, where it is not."""
        self._columns.update(columns or {})
        self._wanted = {"labels": list(labels), "columns": columns, "color": color}
        self._do()

    def _do(self) -> None:
        """Do what was wanted of the map, once there is one."""
        if self.atlas is None or not self._wanted:
            return
        wanted, self._wanted = self._wanted, {}
        if wanted["columns"]:
            self.atlas.assign(**wanted["columns"])
        if wanted["color"]:
            self.atlas.set(color=f"column:{wanted['color']}")
            self.atlas.widget.tab = "selection"  # a list of what is marked, to be played
        self.atlas.selection = wanted["labels"]

    def _show(self, collection: Collection) -> None:
        from embviz.app.atlas import Atlas

        context = self._context
        if not len(collection):
            raise CollectionError("There are no files to map: a map shows files of a folder or a list.")
        cache: CacheOption = False if context.store is None else context.store
        self.atlas = Atlas(collection.table, clock=context.clock, player=context.player, cache=cache, **self._options)
        self.atlas.on_choose(self._chosen)
        self.atlas.observe(lambda change: self.on_selected(change["new"]), "selection")
        if self._columns:
            self.atlas.assign(**self._columns)
        self._do()
        self.work.view, self.work.drawn, self.work.status = self.atlas.widget, True, "ready"
        if self._opened is not None:
            self.opened(self._opened)
        self.publish()

    def _chosen(self, label: int, seconds: float | None) -> None:
        if label in self._loader.numbers:
            self.on_choose(self._loader.numbers[label], seconds)

    def opened(self, number: int) -> None:
        """Say which track of the list is open: its point is marked, and walked along."""
        self._opened = number
        label = next((label for label, own in self._loader.numbers.items() if own == number), None)
        if self.atlas is not None and label is not None:
            self.atlas.mark_open(label)

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
        self._context.panel.map = self.work.shown()
