"""The page around one or two maps of a collection: choices, lists, search, and what to play next."""

from __future__ import annotations

from typing import Any

import traitlets

from embviz.widgets.bundle import script, style
from embviz.widgets.commands import ModelsWidget

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
#: - ``enqueue``: ``tracks``; ``play_queue``: ``at`` which item; ``pause_queue``; ``remove_queued``: ``at``;
#:   ``clear_queue``
#: - ``save``: ``format`` (html, png, svg, csv, parquet, m3u, tensorboard), whether of the ``selection`` only, and for a
#:   page how to bring the ``audio``: ``"link"``, ``"embed"``, ``"clips"``
#: - ``dismiss_notice``: the notice has been read
COMMANDS = frozenset(
    {
        "set_option", "compute", "cancel", "pull", "stop_pull", "play", "select", "clear_selection", "find_neighbors",
        "upload", "rename_cluster", "enqueue", "play_queue", "pause_queue", "remove_queued", "clear_queue", "save",
        "dismiss_notice",
    }
)  # fmt: skip

#: What is listed beside the maps.
TABS = ("neighbors", "selection", "clusters", "compare", "queue", "problems")


class AtlasView(ModelsWidget):
    """What the map of a collection looks like with all that is around it, and the commands that come from it.

    A ``track`` is a label of the collection's table, a ``point`` an index into a map's points, ``at`` a moment in
    seconds, or None where a whole track is meant. A *listed track* has track, title and artist, and as the list needs
    them album, genre, seconds, at, point, distance, and overlap: the share of neighbors that two models agree on.
    """

    _esm = script("atlas")
    _css = style("atlas")
    commands = COMMANDS

    heatmap = traitlets.Dict(help="view, title, layer: the open track by the model of the map").tag(sync=True)
    maps: traitlets.List[Any] = traitlets.List(
        help="one map or two: work, facts (the first begins with the method), notes, preliminary (it is another "
        "method's, until the one that was asked for is ready)"
    ).tag(sync=True)
    choices = traitlets.Dict(
        help="model, layer, points (tracks, frames), pooling, method, options, metric, color, size, k, clusters "
        "(none, hdbscan, kmeans), cluster_options, second (model, layer; empty: one map)"
    ).tag(sync=True)
    vocabulary = traitlets.Dict(help="points, poolings and metrics to choose from: names with titles").tag(sync=True)
    methods: traitlets.List[Any] = traitlets.List(
        help="methods of a map: name, title, available or why not, options: name, title, kind (int, float, choice), "
        "value (the one recommended), min, max, step, choices, help"
    ).tag(sync=True)
    clusterers: traitlets.List[Any] = traitlets.List(help="methods of clusters, as those of maps").tag(sync=True)
    color_options: traitlets.List[Any] = traitlets.List(
        help="what points can be colored by, under headings: title, items (key, title)"
    ).tag(sync=True)
    size_options: traitlets.List[Any] = traitlets.List(help="what points can be sized by: key, title").tag(sync=True)
    counts = traitlets.Dict(help="how many tracks, points, problems, duplicates").tag(sync=True)
    problems: traitlets.List[Any] = traitlets.List(
        help="the first of the files that cannot be used: name, problem"
    ).tag(sync=True)
    selection = traitlets.Dict(help="count, seconds, first rows (listed tracks), and how many more there are").tag(
        sync=True
    )
    neighbors = traitlets.Dict(
        help="of: title, kind (track, frame, selection, file); metric, exact, k; items (listed tracks); message"
    ).tag(sync=True)
    clusters = traitlets.Dict(
        help="method, scale, items: id (-1: the points in none), name, auto (the name that was found), count, tags "
        "(tag, lift); message"
    ).tag(sync=True)
    agreement = traitlets.Dict(
        help="how far two models agree: cka, overlap, hubness of either, k; items: the listed tracks on which they "
        "agree least"
    ).tag(sync=True)
    queue = traitlets.Dict(help="what plays, one after the other: items (listed tracks), at which, playing").tag(
        sync=True
    )
    tab = traitlets.Enum(TABS, TABS[0], help="list in front").tag(sync=True)
