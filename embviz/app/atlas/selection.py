"""What is selected: the same on both maps, in the lists of the page and in the next cell.

Conventions: a selection is labels of tracks, in the order in which they were selected, with the moments of frames or
without any, which means the whole tracks. It outlives the points, which change with the model.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.app.selection import Selected
from embviz.collection.io import RANK, START, STOP
from embviz.core.labels import label_problem
from embviz.core.text import is_missing
from embviz.errors import OptionError
from embviz.models import find_model

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from embviz.app.atlas.context import AtlasContext
    from embviz.app.atlas.map_view import MapView
    from embviz.core.vectors import Vectors
    from embviz.widgets.schema import SelectedItem, SelectionState


LISTED = 500
EXPECTED = "A selection is a DataFrame of rows of the table, a mask as long as the table, or labels of its tracks"


class MapSelection:
    """The selection of an Atlas."""

    def __init__(self, context: AtlasContext, views: list[MapView]) -> None:
        self._context, self._views = context, views
        self._showing = False
        self._origin: MapView | None = None
        context.selection.on("selected", self._follow)

    @property
    def labels(self) -> NDArray[np.int64]:
        """Labels of the selected tracks."""
        return self._context.selection.selected.labels

    @property
    def times(self) -> NDArray[np.float64] | None:
        """Moments of the selected frames; None where whole tracks are selected."""
        return self._context.selection.selected.times

    def _select(self, labels: NDArray[np.int64], times: NDArray[np.float64] | None = None) -> None:
        self._context.selection.selected = Selected(labels, times)

    @property
    def _frames(self) -> bool:
        return bool(self._context.choices["points"] == "frames")

    # Setting. ------------------------------------------------------------------------------------------------------

    def read(self, value: Any) -> tuple[NDArray[np.int64], NDArray[np.float64] | None]:
        """Return labels, and moments where there are some; raises OptionError where there is no such track."""
        import pandas as pd

        table = self._context.table
        if isinstance(value, pd.DataFrame):
            labels: Any = labels_of(value, table)
        elif isinstance(value, pd.Series) and value.dtype.kind == "b":
            problem = label_problem(value, table.index, whole=True)
            if problem:
                raise OptionError(f"{EXPECTED}: {problem}")
            labels = value.index[value.to_numpy(dtype=bool, na_value=False)]
        else:
            labels = np.atleast_1d(np.zeros(0, np.int64) if value is None else np.asarray(value))
            if labels.dtype.kind == "b":
                if labels.shape != (len(table),):
                    raise OptionError(f"{EXPECTED}, {len(table)} long; a mask of shape {labels.shape} was found.")
                labels = table.index[labels]
        labels = np.asarray(labels)
        if not len(labels):
            return np.zeros(0, np.int64), None
        if labels.ndim != 1 or labels.dtype.kind not in "iu":
            raise OptionError(f"{EXPECTED}; {value!r:.80} was found.")
        unknown = labels[self._context.places(labels) < 0]
        if len(unknown):
            raise OptionError(f"{EXPECTED}; there is no track {int(unknown[0])}.")
        times = _times_of(value, labels, table) if self._frames and isinstance(value, pd.DataFrame) else None
        return labels.astype(np.int64), times

    def take(self, value: Any) -> None:
        """Select what the next cell asks for."""
        labels, times = self.read(value)
        self._select(labels if times is not None else _once(labels), times)

    def restore(self, labels: Iterable[int], times: Iterable[float] | None) -> None:
        """Select labels and moments that were kept; tracks that are not there any more are left out."""
        known = np.array(list(labels), dtype=np.int64)
        here = self._context.places(known) >= 0
        self._select(known[here], None if times is None else np.array(list(times), dtype=np.float64)[here])

    def follow_map(self, view: MapView) -> None:
        """Follow what was selected on a map."""
        if self._showing or view.scatter is None or view.vectors is None:
            return
        points = view.scatter.selection
        points = points[points < len(view.vectors)]
        if np.array_equal(np.sort(points), np.sort(self.points(view))):
            return
        # A second map follows the first in the page: what it tells then is nothing new.
        tracks = view.vectors.tracks
        if view.number and set(tracks[points]) == set(self.labels[np.isin(self.labels, tracks)]):
            return
        # What was selected before keeps its order, and what comes is put behind it.
        before = self.points(view)
        points = np.concatenate([before[np.isin(before, points)], points[~np.isin(points, before)]])
        self._origin = view
        try:
            self.take_points(view, points)
        finally:
            self._origin = None

    def take_points(self, view: MapView, points: NDArray[np.int64]) -> None:
        """Select points of a map: of the second, their tracks."""
        vectors = view.vectors
        if vectors is None:
            return
        labels = np.asarray(vectors.tracks[points])
        if vectors.times is None or view.number > 0:
            self._select(_once(labels))
        else:
            self._select(labels, np.asarray(vectors.times[points]))

    def refresh(self) -> None:
        """Have the selection shown again, where the table is another."""
        self._select(self.labels, self.times)

    def follow_vectors(self) -> None:
        """Follow the points of the first map, which are others now."""
        vectors = self._views[0].vectors
        whole = vectors is not None and vectors.times is None
        self._select(_once(self.labels) if whole else self.labels, None if whole else self.times)

    # Showing. ------------------------------------------------------------------------------------------------------

    def points(self, view: MapView | None = None) -> NDArray[np.int64]:
        """Return the selected points of a map; those of the first by default."""
        view = view or self._views[0]
        vectors = view.vectors
        if vectors is None or not len(self.labels):
            return np.zeros(0, np.int64)
        if vectors.times is None or self.times is None:
            found = view.points_of(np.unique(self.labels))
            if vectors.times is not None:
                return found
            # In the order of the selection, in which they are listed and played.
            rank = {int(label): i for i, label in enumerate(_once(self.labels))}
            return np.array(sorted(found, key=lambda point: rank[int(vectors.tracks[point])]), dtype=np.int64)
        return _nearest_frames(self.labels, self.times, vectors.tracks, vectors.times)

    def show(self, view: MapView) -> None:
        """Select on a map what is selected."""
        visible = view.visible
        if visible is None:
            return
        before, self._showing = self._showing, True
        try:
            visible.scatter.select(self.points(view))
        finally:
            self._showing = before

    def _follow(self, _selected: Selected) -> None:
        """Show the selection on the maps, but that where it was made, and in the list."""
        for view in self._views:
            if view is not self._origin:
                self.show(view)
        self._context.panel.selection = self.to_dict()

    def table(self) -> pd.DataFrame:
        """Return the selected rows of the table, those of frames with their time."""
        table, vectors = self._context.table, self._views[0].vectors
        if not self._frames:
            return table.loc[_once(self.labels)]
        if vectors is None or vectors.times is None:
            times: Any = np.full(len(self.labels), np.nan) if self.times is None else self.times
            return table.loc[self.labels].assign(time=times)
        points = self.points()
        return table.loc[vectors.tracks[points]].assign(time=vectors.times[points])

    def saved_rows(self) -> pd.DataFrame:
        """Return the selected rows as files have them: with their rank, and of frames, where these start and stop."""
        rows, vectors = self.table(), self._views[0].vectors
        rows = rows.assign(**{RANK: np.arange(1, len(rows) + 1)})
        if not self._frames or vectors is None or vectors.times is None:
            return rows
        half = (_period(vectors) or _width(vectors)) / 2
        return rows.assign(**{START: (rows["time"] - half).clip(lower=0.0), STOP: rows["time"] + half})

    def to_dict(self) -> SelectionState:
        """Return what the page lists, ready for JSON."""
        rows = self.table()
        times = rows["time"].to_numpy() if self._frames else None
        listed: list[SelectedItem] = []
        for i, label in enumerate(rows.index[:LISTED]):
            at = None if times is None or not np.isfinite(times[i]) else float(times[i])
            listed.append({**self._context.facts(int(label)), "at": at})
        return {
            "count": len(rows), "seconds": self._seconds(rows), "rows": listed, "more": max(0, len(rows) - LISTED),
        }  # fmt: skip

    def _seconds(self, rows: pd.DataFrame) -> float:
        vectors = self._views[0].vectors
        if self._frames and vectors is not None and vectors.times is not None:
            return _period(vectors) * len(rows)
        if "duration" not in rows.columns:
            return 0.0
        return float(np.nansum(rows["duration"].to_numpy(dtype=np.float64, na_value=np.nan)))


def labels_of(rows: pd.DataFrame, table: pd.DataFrame) -> NDArray[Any]:
    """Return the labels of rows of a table: what is called "track" in them, else their index.

    Raises OptionError where it is not clear which tracks are meant.
    """
    # A table may have tracks of its own, such as numbers on a record.
    named = None if "track" in table.columns else _named(rows, "track")
    labels = np.asarray(rows.index if named is None else named)
    shared = [column for column in ("path", "name") if column in rows.columns and column in table.columns]
    if shared and labels.dtype.kind in "iu":
        pairs = enumerate(zip(table[shared[0]].reindex(labels), rows[shared[0]], strict=True))
        first = next((i for i, (ours, theirs) in pairs if not is_missing(ours) and str(ours) != str(theirs)), None)
        if first is not None:
            raise OptionError(
                f"{EXPECTED}; row {first} has the label {labels[first]}, but the {shared[0]} of another track. Keep "
                "the table's index, or have its labels in a column 'track'."
            )
    return labels


def _times_of(rows: pd.DataFrame, labels: NDArray[np.int64], table: pd.DataFrame) -> NDArray[np.float64] | None:
    """Return the moments of rows of frames; None where whole tracks are meant."""
    import pandas as pd

    times = _named(rows, "time")
    if times is None or pd.isna(times).all():
        return None
    if "time" in table.columns and np.array_equal(times, table["time"].loc[labels]):
        return None  # it is the table's own
    if times.dtype.kind not in "iuf" or not np.isfinite(times).all():
        raise OptionError("The time of a frame is a number of seconds; leave the column out to select whole tracks.")
    return times.astype(np.float64)


def _named(rows: pd.DataFrame, name: str) -> NDArray[Any] | None:
    """Return the values that rows have under a name, in their index or in a column; None where nothing has it."""
    levels = [rows.index.get_level_values(i) for i, level in enumerate(rows.index.names) if level == name]
    found = [np.asarray(values) for values in (*levels, *([rows[name]] if name in rows.columns else []))]
    if any(values.ndim > 1 for values in found) or any(not np.array_equal(found[0], other) for other in found[1:]):
        raise OptionError(f"The rows have more than one {name!r}, and these differ; rename all but one of them.")
    return found[0] if found else None


def _period(vectors: Vectors) -> float:
    """Return the seconds from one frame to the next; 0 where no track has two."""
    if vectors.times is None:
        return 0.0
    steps = np.diff(vectors.times)[np.diff(vectors.tracks) == 0]
    return float(np.median(steps)) if len(steps) else 0.0


def _width(vectors: Vectors) -> float:
    """Return the seconds of sound that a frame depends on, as far as that is known."""
    if vectors.spans is not None:
        return float(np.median(np.diff(vectors.spans, axis=1)))
    model = find_model(vectors.model)
    return 0.0 if model is None else model.patch_seconds


def _once(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return labels in their order, each once."""
    _, first = np.unique(labels, return_index=True)
    return np.asarray(labels[np.sort(first)])


def _nearest_frames(
    labels: NDArray[np.int64], moments: NDArray[np.float64], tracks: NDArray[np.int64], times: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return the frames of tracks that are nearest to moments, in their order, each once.

    Frames of a track are in order of time; moments of other tracks are left out.
    """
    starts = np.flatnonzero(np.diff(tracks, prepend=tracks[:1] - 1))
    ends = np.append(starts, len(tracks))[1:]
    runs = {int(tracks[start]): (start, end) for start, end in zip(starts, ends, strict=True)}
    frames = np.full(len(labels), -1, np.int64)
    for label in np.unique(labels[np.isin(labels, tracks[starts])]):
        start, end = runs[int(label)]
        asked = moments[labels == label]
        after = np.clip(np.searchsorted(times[start:end], asked), 1, max(1, end - start - 1)) + start
        after = np.minimum(after, end - 1)
        before = np.maximum(after - 1, start)
        frames[labels == label] = np.where(asked - times[before] <= times[after] - asked, before, after)
    return _once(frames[frames >= 0])
