"""Filters of an Atlas by columns, tags, tempo and clusters: what the page draws, and what is left.

Conventions: facets have the keys of colours (:mod:`.color_options`), and count tracks, also where points are frames:
those of the first map, or all where there is none yet.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from embviz.analysis import tagging
from embviz.app.atlas.color_options import OUTLIER_TITLE, TRUST_TITLE, key_of
from embviz.app.atlas.model_outputs import tempo_model
from embviz.app.atlas.point_colors import outlier_scores
from embviz.core.text import format_cell
from embviz.errors import OptionError, did_you_mean
from embviz.export import facets
from embviz.export.facets import Facet, encode_facet, most_common

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from embviz.app.atlas.clusters import Clusters
    from embviz.app.atlas.context import AtlasContext
    from embviz.app.atlas.map_view import MapView
    from embviz.app.atlas.model_outputs import ModelOutputs
    from embviz.core.vectors import Vectors


MOST_FACETS = 24


class Condition(NamedTuple):
    """What leaves out tracks: a filter, or the legend of the map, whose key is empty; and which rows pass."""

    key: str
    title: str
    filter: Mapping[str, Any]
    passes: NDArray[np.bool_]


class AtlasFacets:
    """The facets of an Atlas, and what passes its filters."""

    def __init__(self, context: AtlasContext, outputs: ModelOutputs, clusters: Clusters, view: MapView) -> None:
        self._context, self._outputs, self._clusters, self._view = context, outputs, clusters, view
        self._facets: dict[str, Facet] = {}
        self._made: dict[str, tuple[Any, Facet]] = {}  # what each was made of, and what came of it
        self._asked: set[str] = set()
        context.events.vectors_ready.connect(lambda view: self.publish() if view.number == 0 else None)
        context.events.outputs_kept.connect(self.publish)
        context.events.clusters_changed.connect(self.publish)

    # What there is. ------------------------------------------------------------------------------------------------

    def _labels(self) -> NDArray[np.int64]:
        """Return the labels of the tracks that are counted."""
        vectors, table = self._view.vectors, self._context.table
        labels: NDArray[np.int64] = table.index.to_numpy(dtype=np.int64)
        return labels if vectors is None else labels[np.isin(labels, vectors.tracks)]

    def keys(self) -> list[str]:
        """Return which facets are shown: those that were chosen, or else those that say most."""
        chosen = self._context.choices.get("facets")
        return list(chosen) if chosen is not None else self._default_keys()

    def _default_keys(self) -> list[str]:
        tempo, table = tempo_model(), self._context.table
        made = {f"column:{name}": self._facet(f"column:{name}") for name in facets.FIRST if name in table.columns}
        columns = [key for key, facet in made.items() if facet is not None and facets.tells_apart(facet)]
        if tempo is not None and self._outputs.known(tempo.name) is not None:
            columns.insert(1 if columns[:1] == ["column:duration"] else 0, "tempo")
        found = columns[: facets.MOST_FIRST]
        groups = self._facet("cluster")
        if groups is not None and len(groups.labels) > 1:
            found.append("cluster")
        heard = self._outputs.tags("tracks")
        if heard is not None:
            found += [f"tag:{heard.model}:{tag}" for tag in facets.telling_tags(tagging.tag_columns(heard))]
        return found

    def publish(self) -> None:
        """Show the facets; those whose model has not heard the tracks yet have no values, and get them later."""
        panel, labels, keys = self._context.panel, self._labels(), self.keys()
        made = {key: self._facet(key) for key in keys}
        self._facets = {key: facet for key, facet in made.items() if facet is not None}
        places = self._context.places(labels)
        values = [facet.numbers[places] for facet in self._facets.values()]
        with panel.hold_sync():
            panel.facet_places = places.astype("<u4").tobytes()
            panel.facet_labels = b"" if np.array_equal(labels, places) else labels.astype("<f8").tobytes()
            panel.facet_values = b"".join(row.astype("<f4").tobytes() for row in values)
            panel.facets = [facet.to_dict() for facet in self._facets.values()]
            panel.facet_keys = keys

    def _facet(self, key: str) -> Facet | None:
        """Return a facet with a value for each row of the table; None where that is not known yet."""
        source = self._source(key)
        if source is None:
            return None
        before = self._made.get(key)
        if before is None or len(before[0]) != len(source) or not all(map(_is_same, before[0], source)):
            before = self._made[key] = source, self._make(key, source)
        return before[1]

    def _source(self, key: str) -> tuple[Any, ...] | None:
        """Return what a facet is made of; None where that is not there."""
        table = self._context.table
        if key.startswith("column:"):
            return (table,) if key.removeprefix("column:") in table.columns else None
        if key == "cluster":
            members = self._clusters.members
            return None if members is None else (table, members, tuple(self._clusters.names().values()))
        if key == "trust":
            return None if self._view.projection is None else (table, self._view.projection)
        if key == "outlier":
            return None if self._view.near is None else (table, self._view.near, self._context.choices["k"])
        output = self._output(key)
        return None if output is None else (table, output)

    def _output(self, key: str) -> Vectors | None:
        """Return the output of the model that hears a facet; where it is not known, it is asked for, once."""
        tempo = tempo_model()
        model = key.split(":", 2)[1] if key.startswith("tag:") else tempo.name if tempo is not None else ""
        output = self._outputs.known(model)
        if output is None and model and self._view.vectors is not None and model not in self._asked:
            self._asked.add(model)
            self._outputs.request(f"facets by {model}", model, "mean", lambda _output: None)
        return output

    def _make(self, key: str, source: tuple[Any, ...]) -> Facet:
        table, vectors = self._context.table, self._view.vectors
        if key.startswith("column:"):
            return facets.column_facet(table, key.removeprefix("column:"))
        if key == "tempo":
            return encode_facet(key, "tempo", tagging.tempo_column(source[1]).reindex(table.index), "BPM")
        if key.startswith("tag:"):
            tag = key.split(":", 2)[2]
            return encode_facet(key, f"tag: {tag}", tagging.tag_columns(source[1])[tag].reindex(table.index))
        if key == "outlier":
            color = outlier_scores(source[1], source[2])
            means = _mean([], None, table) if color is None else _mean(color.values, vectors, table)
            return encode_facet(key, OUTLIER_TITLE, means)
        colors = self._clusters.color()
        if key == "cluster" and colors is not None and vectors is not None:
            return encode_facet(key, "cluster", most_common(colors.values, vectors.tracks, table))
        return encode_facet(key, TRUST_TITLE, 100 * _mean(source[1].preservation, vectors, table), "%")

    # What is left. -------------------------------------------------------------------------------------------------

    @property
    def filters(self) -> dict[str, Any]:
        """The filters, as the page has set them, by the keys of facets."""
        return dict(self._context.panel.filters)

    def labels(self) -> NDArray[np.int64]:
        """Return the labels of the tracks that are left, by the filters and by the legend of the first map."""
        labels, filters = self._labels(), self._context.panel.filters
        everywhere = facets.passing(self._facets.values(), filters, len(self._context.table))
        left, colored = labels[everywhere[self._context.places(labels)]], self._colored()
        return left if colored is None else left[np.isin(left, colored)]

    def conditions(self) -> list[Condition]:
        """Return all that leaves out tracks."""
        table, filters, colored = self._context.table, self._context.panel.filters, self._colored()
        found = [
            Condition(facet.key, facet.title, filters[facet.key], facet.passes(filters[facet.key]))
            for facet in self._facets.values()
            if facet.key in filters
        ]
        legend = [] if colored is None else [Condition("", "the legend", {}, table.index.isin(colored))]
        return [one for one in [*found, *legend] if not one.passes.all()]

    def points(self) -> NDArray[np.int64] | None:
        """Return the points of the first map that are left; None where nothing is left out."""
        known, seen = self._facets.keys() & self._context.panel.filters.keys(), self._seen()
        if not known and seen is None:
            return None
        points = self._view.points_of(self.labels())
        return points if seen is None else points[seen[points]]

    def _seen(self) -> NDArray[np.bool_] | None:
        """Return which points of the first map its legend shows; None where that is all."""
        visible = self._view.visible
        seen = None if visible is None else visible.scatter.shown(np.ones(visible.scatter.n, bool))
        return None if seen is None or seen.all() else seen

    def _colored(self) -> NDArray[np.int64] | None:
        """Return the labels of the tracks whose colours the legend shows; None where that is all."""
        visible, seen = self._view.visible, self._seen()
        return None if visible is None or seen is None else np.unique(visible.vectors.tracks[seen])

    def set(self, wanted: Mapping[str, Any]) -> None:
        """Filter by ranges and categories, by the names of colours; None ends the filter of a column."""
        filters, shown = self.filters, self.keys()
        for name, value in wanted.items():
            key = key_of(name, self._context.table)
            if value is None:
                filters.pop(key, None)
                continue
            facet = self._facet(key)
            if facet is None:
                raise OptionError(f"{name!r} is not known of the tracks yet: show it with set(facets=…), and wait.")
            filters[key] = _as_filter(name, value, facet)
            if key not in shown:
                shown.append(key)
        if shown != self.keys():
            self._context.choices = {**self._context.choices, "facets": shown}
            self._context.panel.choices = dict(self._context.choices)
            self.publish()
        self._context.panel.filters = filters


def check_keys(given: Any, table: pd.DataFrame) -> list[str] | None:
    """Return the keys of the columns that are to be shown by their names; None leaves the choice to embviz."""
    if given is None:
        return None
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise OptionError(f"facets is a list of columns, tags, 'tempo' or 'cluster'; {given!r:.80} was found.")
    keys = list(dict.fromkeys(key_of(name, table) for name in given))
    if len(keys) > MOST_FACETS or "none" in keys:
        raise OptionError(f"facets is a list of up to {MOST_FACETS} columns, tags, 'tempo' or 'cluster'.")
    return keys


def _as_filter(name: str, value: Any, facet: Facet) -> dict[str, Any]:
    """Return a filter of the page out of what the next cell asks for."""
    if facet.kind == "number":
        if not isinstance(value, tuple | list) or len(value) != 2 or not all(map(_is_number, value)):
            raise OptionError(
                f"{name} holds numbers: a lowest and a highest one are expected; {value!r:.80} was found."
            )
        return {"range": sorted(float(end) for end in value), "unknown": False}
    values = [value] if isinstance(value, str) else list(value)
    known = [format_cell(one) for one in values]
    unknown = [one for one in known if one not in facet.labels]
    if unknown:
        raise OptionError(f"No track has {unknown[0]!r:.80} as its {name}.{did_you_mean(unknown[0], facet.labels)}")
    return {"values": known, "unknown": False}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and math.isfinite(value)


def _is_same(one: Any, other: Any) -> bool:
    """Tell whether two things are one; a table that was assigned to is another one."""
    return one is other or (isinstance(one, tuple) and one == other)


def _mean(values: Any, vectors: Vectors | None, table: pd.DataFrame) -> pd.Series[Any]:
    """Return the mean of the points of each track."""
    import pandas as pd

    tracks = np.zeros(0, np.int64) if vectors is None else vectors.tracks
    return pd.Series(np.asarray(values, dtype=np.float64)).groupby(tracks).mean().reindex(table.index)
