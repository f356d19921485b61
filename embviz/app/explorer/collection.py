"""The tracks of the list as one collection: where what is asked of all of them begins."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from embviz.app.explorer.context import ExplorerContext
from embviz.app.work import Work
from embviz.collection import Collection
from embviz.core.worker import Job
from embviz.errors import CollectionError, OptionError

if TYPE_CHECKING:
    import pandas as pd


class CollectionLoader:
    """The collection of an Explorer: that which was `given`, else the tracks of the list, once their tags are read."""

    def __init__(self, context: ExplorerContext, collection: Collection | None) -> None:
        self._context, self.collection = context, collection
        self.given = collection is not None
        self._numbers: dict[int, int] | None = None
        self._labels: dict[int, int] = {}

    def forget(self) -> None:
        """Read the tracks of the list again when they are asked for next: there are others now."""
        self.collection, self.given, self._numbers, self._labels = None, False, None, {}

    def load(self, key: str, work: Work, done: Callable[[Collection], None], publish: Callable[[], None]) -> None:
        """Call back with the collection, at once where it is there; `work` follows the reading of the tags."""
        if self.collection is not None:
            done(self.collection)
            return
        paths = [track.place for track in self._context.tracks if track.place is not None]
        base = Path(self._context.tracks.folder) if self._context.tracks.folder else None

        def task(job: Job) -> Collection:
            if self.collection is not None:  # somebody else has asked meanwhile
                return self.collection
            if not paths:
                raise CollectionError("There are no files here: this is about the files of a folder or a list.")
            job.report("reading the tags", 0, len(paths))
            return Collection.from_paths(paths, base=base, cache=self._context.cache, progress=job.report)

        def keep(read: Collection) -> None:
            self.collection = self.collection or read
            done(self.collection)

        self._context.run((key, "tags"), work, task, keep, publish, title=key, aside=True)
        publish()

    @property
    def numbers(self) -> dict[int, int]:
        """Which row of the table (label) is which track of the list, as it was when this was first asked."""
        if self._numbers is None and self.collection is not None:
            tracks, paths = self._context.tracks, self.collection.table["path"]
            listed = {os.path.abspath(one.place): one.id for one in tracks if one.place is not None}  # noqa: PTH100
            places = {int(label): os.path.abspath(path) for label, path in paths.items()}  # noqa: PTH100
            self._numbers = {label: listed[place] for label, place in places.items() if place in listed}
            self._labels = {number: label for label, number in reversed(self._numbers.items())}
        return self._numbers or {}

    @property
    def labels(self) -> dict[int, int]:
        """Which track of the list is which row of the table: :attr:`numbers` the other way round."""
        return self._labels if self.numbers else {}

    def rows(self, labels: Sequence[int]) -> pd.DataFrame:
        """Return rows of the table by the labels of the tracks."""
        if self.collection is None:
            raise OptionError("The table of the tracks is not read yet; wait until it is.")
        return self.collection.table.loc[list(labels)]
