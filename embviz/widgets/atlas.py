"""The page around one or two maps of a collection: choices, lists, search, and what to play next.

It holds what is shown and passes on what is asked for; it knows nothing of sounds, models or maps. What each trait
holds is said beside it; names and sentences in them are shown as text, whatever they contain.
"""

from __future__ import annotations

from typing import Any

import traitlets

from embviz.widgets import schema
from embviz.widgets.base import is_finite
from embviz.widgets.commands import (
    FLAG,
    LABEL,
    MOST_LISTED,
    PLAIN,
    SECONDS,
    TEXT,
    UPLOAD,
    WHOLE,
    Fields,
    ModelsWidget,
    list_of,
    one_of,
)

#: What the page can ask for. With each comes:
#:
#: - ``set_option``: ``name`` of one of ``choices`` and its new ``value``; of ``"model"``, and of ``"second"``, where an
#:   empty one closes the second map, the value is ``{"model", "layer"}``; of ``"options"`` and ``"cluster_options"``
#:   all of the options that differ from those that are recommended
#: - ``compute``: try again; ``cancel``: stop what runs; ``pull`` and ``stop_pull``: ``model`` whose weights to download
#: - ``play``: ``point`` of ``map`` (0 or 1), or ``track`` and, of a frame, ``at`` in seconds: open and play it
#: - ``select``: ``tracks``, or ``cluster``, the id of one whose members are meant; ``clear_selection``: select nothing
#: - ``find_neighbors``: ``of`` a ``"point"`` (``point``, ``map``) or of the ``"selection"``; ``upload``: ``name`` of a
#:   file, which comes as bytes: neighbours of it
#: - ``rename_cluster``: ``id`` of a cluster and its ``name``, empty for the one that was found
#: - ``enqueue``: ``tracks``, and of frames a moment in seconds for each, ``moments``; ``play_queue``: ``at`` which
#:   item; ``pause_queue``; ``remove_queued``: ``at``; ``clear_queue``
#: - ``save``: ``format`` (html, png, svg, csv, parquet, m3u, tensorboard), whether of the ``selection`` only, and for a
#:   page how to bring the ``audio``: ``"auto"``, ``"clips"``, ``"embed"``, ``"link"``
#: - ``select_filtered``: the tracks that the map shows
#: - ``keep_group``: the selection is ``group`` ``"a"`` or ``"b"``; ``find_contrast``: what separates the
#:   ``"selection"`` from the rest, or the two ``"groups"`` (``of``)
#: - ``dismiss_notice``: the notice has been read
COMMANDS: dict[str, Fields] = {
    "set_option": {"name": TEXT, "value": PLAIN},
    "compute": {},
    "cancel": {},
    "pull": {"model": TEXT},
    "stop_pull": {"model": TEXT},
    "play": {"point": WHOLE.or_none(), "map": WHOLE.or_none(), "track": LABEL.or_none(), "at": SECONDS.or_none()},
    "select": {"tracks": list_of(LABEL, MOST_LISTED).or_none(), "cluster": LABEL.or_none()},
    "clear_selection": {},
    "find_neighbors": {"of": one_of("point", "selection"), "point": WHOLE.or_none(), "map": WHOLE.or_none()},
    "upload": UPLOAD,
    "rename_cluster": {"id": WHOLE, "name": TEXT},
    "enqueue": {
        "tracks": list_of(LABEL, MOST_LISTED), "moments": list_of(SECONDS.or_none(), MOST_LISTED).or_none(),
    },
    "play_queue": {"at": WHOLE},
    "pause_queue": {},
    "remove_queued": {"at": WHOLE},
    "clear_queue": {},
    "save": {"format": TEXT, "selection": FLAG.or_none(), "audio": one_of("auto", "clips", "embed", "link").or_none()},
    "select_filtered": {},
    "keep_group": {"group": one_of("a", "b")},
    "find_contrast": {"of": one_of("selection", "groups")},
    "dismiss_notice": {},
}  # fmt: skip

#: What is listed beside the maps.
TABS = ("neighbors", "selection", "clusters", "contrast", "compare", "queue", "problems")


MOST_FILTERS = 64
MOST_VALUES = 100_000  # of a filter


def are_filters(given: Any) -> bool:
    """Tell whether something is filters, by the keys of columns."""
    valid = isinstance(given, dict) and len(given) <= MOST_FILTERS
    return valid and all(isinstance(key, str) and _is_filter(one) for key, one in given.items())


def _is_filter(given: Any) -> bool:
    if not isinstance(given, dict) or given.keys() - {"range", "values", "unknown"}:
        return False
    ends, values = given.get("range"), given.get("values", [])
    return (
        isinstance(given.get("unknown", False), bool)
        and (ends is None or (isinstance(ends, list) and len(ends) == 2 and is_finite(*ends)))
        and isinstance(values, list)
        and len(values) <= MOST_VALUES
        and all(isinstance(value, str) for value in values)
    )


class AtlasView(ModelsWidget):
    """What the map of a collection looks like with all that is around it, and the commands that come from it."""

    script = "atlas"
    commands = COMMANDS
    page_traits = frozenset({"tab", "filters"})

    heatmap = schema.dict_trait(schema.OpenHeatmap, "heatmap of the open track by the model of the map")
    maps = schema.list_trait(schema.MapState, "one map or two")
    choices = traitlets.Dict(
        help="model, layer, points (tracks, frames), pooling, method, options, metric, color, size, k, clusters "
        "(none, hdbscan, kmeans), cluster_options, second (model, layer; empty: one map), layout (projection, axes), "
        "x and y (keys of axes; empty: that coordinate of the projection)"
    ).tag(sync=True)
    vocabulary = traitlets.Dict(help="points, poolings and metrics to choose from: names with titles").tag(sync=True)
    methods = schema.list_trait(schema.Method, "methods of a map")
    clusterers = schema.list_trait(schema.Method, "methods of clusters")
    color_options = schema.list_trait(schema.ColorGroup, "what points can be colored by")
    axis_options = schema.list_trait(schema.ColorGroup, "axes that are no colors: dimensions, directions")
    size_options = schema.list_trait(schema.KeyTitle, "what points can be sized by")
    counts = schema.dict_trait(schema.Counts, "how many there are")
    problems = schema.list_trait(schema.Problem, "the first of the files that cannot be used")
    selection = schema.dict_trait(schema.SelectionState, "what is selected")
    neighbors = schema.dict_trait(schema.NeighborList, "nearest neighbors")
    clusters = schema.dict_trait(schema.ClusterList, "clusters of the map")
    agreement = schema.dict_trait(schema.AgreementState, "how far the two models agree")
    contrast = schema.dict_trait(schema.ContrastState, "what separates two groups of tracks")
    queue = schema.dict_trait(schema.Queue, "what plays next")
    facets = schema.list_trait(schema.FacetColumn, "columns to filter by whose values are known")
    facet_keys = traitlets.List(traitlets.Unicode(), help="all that are shown, known or not yet").tag(sync=True)
    facet_values = traitlets.Bytes(help="float32 [facets, tracks]; see :mod:`embviz.export.facets`").tag(sync=True)
    facet_places = traitlets.Bytes(help="uint32 [tracks]: rows of the table").tag(sync=True)
    facet_labels = traitlets.Bytes(help="float64 [tracks]: their labels; empty: the same").tag(sync=True)
    filters: traitlets.Dict[str, schema.FacetFilter] = traitlets.Dict(
        help="what passes, by the keys of the columns; see FacetFilter"
    ).tag(sync=True)
    tab = traitlets.Enum(TABS, TABS[0], help="list in front").tag(sync=True)

    @traitlets.validate("filters")
    def _check_filters(self, proposal: Any) -> dict[str, schema.FacetFilter]:
        filters: dict[str, schema.FacetFilter] = proposal["value"]
        if are_filters(filters):
            return filters
        raise traitlets.TraitError("A filter is a range of numbers or a list of categories; something else was found.")
