"""The page around one or two maps of a collection: choices, lists, search, and what to play next.

It holds what is shown and passes on what is asked for; it knows nothing of sounds, models or maps. What each trait
holds is said beside it; names and sentences in them are shown as text, whatever they contain.
"""

from __future__ import annotations

from typing import Any

import traitlets

from embviz.widgets.bundle import script, style
from embviz.widgets.commands import CommandWidget

__all__ = ["COMMANDS", "TABS", "AtlasView"]

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


class AtlasView(CommandWidget):
    """What the map of a collection looks like with all that is around it, and the commands that come from it.

    Every trait is what is shown now: a list or a dictionary is replaced, never changed in place. ``view`` in any of
    them is a reference ``"IPY_MODEL_…"`` to a widget, or empty where there is nothing to see yet. A ``track`` is a
    label of the collection's table, a ``point`` an index into a map's points, ``at`` a moment in seconds, or None where
    a whole track is meant.
    """

    _esm = script("atlas")
    _css = style("atlas")
    commands = COMMANDS

    clock = traitlets.Unicode(help="name of the clock that all views share").tag(sync=True)
    player = traitlets.Unicode(help="reference to the player; empty: it is somewhere else").tag(sync=True)
    heatmap = traitlets.Dict(
        help="what the model of the map makes of the open track: view (a heatmap), title, layer; empty: nothing yet"
    ).tag(sync=True)
    maps: traitlets.List[Any] = traitlets.List(
        help="one map or two: view, model, layer, title, status (waiting, running, ready, failed, cancelled, "
        "download), stage, done, total, message, remedy, facts (list, the first begins with the method), notes (list), "
        "preliminary (true: this is another method's map, until the one that was asked for is ready)"
    ).tag(sync=True)
    models: traitlets.List[Any] = traitlets.List(help="each model with its layers and the state of its weights").tag(
        sync=True
    )
    downloads = traitlets.Dict(help="model to done, total, stage of its download, or to its error").tag(sync=True)
    choices = traitlets.Dict(
        help="model, layer, points (tracks, frames), pooling, method, options, metric, colour, size, k, clusters "
        "(none, hdbscan, kmeans), cluster_options, second (model, layer; empty: one map)"
    ).tag(sync=True)
    vocabulary = traitlets.Dict(help="points, poolings and metrics to choose from: names with titles").tag(sync=True)
    methods: traitlets.List[Any] = traitlets.List(
        help="methods of a map: name, title, available, why (not), options: name, title, kind (int, float, choice), "
        "value (recommended), min, max, step, choices, help"
    ).tag(sync=True)
    clusterers: traitlets.List[Any] = traitlets.List(help="methods of clusters, as those of a map").tag(sync=True)
    color_options: traitlets.List[Any] = traitlets.List(
        help="what points can be coloured by, in groups: title, items: key, title"
    ).tag(sync=True)
    size_options: traitlets.List[Any] = traitlets.List(help="what points can be sized by: key, title").tag(sync=True)
    counts = traitlets.Dict(help="tracks, points, problems, duplicates: how many of each").tag(sync=True)
    problems: traitlets.List[Any] = traitlets.List(
        help="the first of the files that cannot be used: name, problem"
    ).tag(sync=True)
    selection = traitlets.Dict(
        help="count, seconds (in all), rows: track, title, artist, album, genre, seconds, at; more: how many further "
        "rows there are"
    ).tag(sync=True)
    neighbors = traitlets.Dict(
        help="of: title, kind (track, frame, selection, file); metric, exact, k, items: track, point, title, artist, "
        "distance, at; message; empty: of nothing"
    ).tag(sync=True)
    clusters = traitlets.Dict(
        help="method, scale, items: id (-1: in no cluster), name, auto (the name that was found), count, tags: tag, "
        "lift (as of embviz.analysis.clustering.tag_lift); message; empty: none"
    ).tag(sync=True)
    agreement = traitlets.Dict(
        help="cka, overlap, hubness (of both), k, items: track, point, title, artist, overlap (least first); empty: "
        "nothing is compared"
    ).tag(sync=True)
    queue = traitlets.Dict(help="items: track, title, artist, at, seconds; at: which one is current; playing").tag(
        sync=True
    )
    progress = traitlets.Dict(help="text, done, total of the work that runs; empty: none").tag(sync=True)
    notice = traitlets.Dict(help="level, text, remedy, seq of a message; empty: none").tag(sync=True)
    code = traitlets.Unicode(help="Python that gives this view").tag(sync=True)
    tab = traitlets.Enum(list(TABS), TABS[0], help="list in front").tag(sync=True)
