"""What separates two groups of tracks in the layer that is mapped: the selection and the rest, or two selections.

Conventions: group a is the first, b the second, or the selection where the first is the rest; an effect above 0 is a
dimension that is higher in b. On a map of frames, the tracks of the selected frames are meant.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.collection import Collection
from embviz.core.text import format_cell, plural, shorten
from embviz.errors import EmbvizError, OptionError
from embviz.export.axes import LayerAxis

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embviz.app.atlas.axes import MapAxes
    from embviz.app.atlas.context import AtlasContext
    from embviz.app.atlas.map_view import MapView
    from embviz.app.atlas.selection import MapSelection
    from embviz.core.worker import Job
    from embviz.units.contrast import Contrast
    from embviz.widgets.schema import ContrastRow, ContrastState


LISTED = 50  # dimensions
LONGEST_END = 40  # letters of the name of a group
MOST_P = 0.05


class MapContrast:
    """The groups, and what separates them."""

    def __init__(self, context: AtlasContext, view: MapView, selection: MapSelection, axes: MapAxes) -> None:
        self._context, self._view, self._selection, self._axes = context, view, selection, axes
        self._groups: dict[str, NDArray[np.int64]] = {}
        self.found: Contrast | None = None
        self._key, self._message = "", ""
        context.events.vectors_ready.connect(lambda view: self.forget() if view is self._view else None)

    def keep(self, group: str) -> None:
        """Keep the selection as group a or b, or forget that group where nothing is selected."""
        labels = np.unique(self._selection.labels)
        if not len(labels):
            raise OptionError(f"Nothing is selected; select the tracks of group {group.upper()} first.")
        self._groups[group] = labels
        self.publish()

    def start(self, of: str) -> None:
        """Find what separates the selection from the rest, or the two groups that were kept."""
        context = self._context
        context.panel.tab = "contrast"
        a, b = self._read(of)
        all_labels = context.table.index.to_numpy(dtype=np.int64)
        first = np.setdiff1d(all_labels, b) if a is None else a
        collection = Collection(context.table)
        choices = context.choices
        model, layer = choices["model"], choices["layer"]
        source = context.given.find(model, layer) or model
        ends = "the rest" if a is None else self._name(first, "A"), self._name(b, "the selection" if a is None else "B")

        def task(job: Job) -> None:
            options: dict[str, Any] = {"engine": context.engine, "cache": context.cache, "progress": job.report}
            found = collection.contrast(first, b, source, layer, names=False, **options)
            job.show("contrast", self._use, found, ends, (a, b))
            try:
                named = collection.contrast(first, b, source, layer, **options)
            except EmbvizError:  # dimensions without names are still dimensions
                return
            job.show("names", self._use, named, ends, (a, b))

        self.found, self._key, self._message = None, "", "Looking for what separates them."
        context.run("contrast", "what separates the groups", task, lambda _none: self.publish(), on_failed=self._fail)
        self.publish()

    def _read(self, of: str) -> tuple[NDArray[np.int64] | None, NDArray[np.int64]]:
        """Return the labels of both groups; None are all others."""
        if self._view.vectors is None:
            raise OptionError("There are no vectors to compare yet; wait until the map is there.")
        if of == "groups":
            missing = [group for group in "ab" if group not in self._groups]
            if missing:
                raise OptionError(f"Group {missing[0].upper()} is not chosen yet: select its tracks, then keep them.")
            return self._groups["a"], self._groups["b"]
        labels = np.unique(self._selection.labels)
        if not len(labels):
            raise OptionError("Nothing is selected; select the tracks that are to be told from the rest.")
        return None, labels

    def _name(self, labels: NDArray[np.int64], otherwise: str) -> str:
        """Return what all tracks of a group have in common in the column that the map is coloured by."""
        column = str(self._context.choices["color"]).removeprefix("column:")
        if column in self._context.table.columns:
            texts = {format_cell(value) for value in self._context.table[column].reindex(labels)}
            if len(texts) == 1 and (text := texts.pop()):
                return shorten(text, LONGEST_END)
        return otherwise

    def _use(
        self, found: Contrast, ends: tuple[str, str],
        groups: tuple[NDArray[np.int64] | None, NDArray[np.int64]],
    ) -> None:  # fmt: skip
        direction = replace(found.direction, ends=ends)
        self.found, self._message = replace(found, direction=direction), ""
        self._key = self._axes.add(LayerAxis.of_direction(direction))
        self._context.contrasts[self._key] = groups
        self.publish()

    def _fail(self, sentence: str, remedy: str) -> None:
        self.found, self._key, self._message = None, "", f"{sentence} {remedy}".strip()
        self.publish()

    def forget(self) -> None:
        """Forget what was found, which was of another layer; the groups stay."""
        self._context.stop("contrast")
        self.found, self._key, self._message = None, "", ""
        self.publish()

    def publish(self) -> None:
        """Show the groups, and what separates them."""
        self._context.panel.contrast = self._to_dict()

    def _to_dict(self) -> ContrastState:
        state: ContrastState = {
            "groups": {name: len(labels) for name, labels in self._groups.items()}, "message": self._message,
        }  # fmt: skip
        if self.found is None:
            return state
        found, table = self.found, self.found.table
        a, b = found.direction.ends
        counts = f"{a} ({plural(len(found.a), 'track')}) → {b} ({plural(len(found.b), 'track')})"
        return {
            **state, "title": counts, "ends": [a, b], "key": self._key, "auc": _plain(found.auc),
            "notes": list(found.notes), "rows": [_row(found, number) for number in table.index[:LISTED]],
            "more": max(0, len(table) - LISTED),
        }  # fmt: skip


def _row(found: Contrast, number: Any) -> ContrastRow:
    """Return what the page lists of a dimension."""
    row, vectors = found.table.loc[number], found.vectors
    effect, low, high, p, auc = (_plain(row[name]) for name in ("effect", "low", "high", "p_corrected", "auc"))
    title = str(row["label"]) if vectors.labels else f"dimension {number}"
    return {
        "key": f"dimension:{vectors.model}:{vectors.layer}:{number}", "title": title, "name": str(row["name"]),
        "effect": effect, "low": low, "high": high, "p": p, "auc": auc, "sure": p is not None and p <= MOST_P,
    }  # fmt: skip


def _plain(value: Any) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None
