"""The panel around everything: tracks, player, and the pages that look into a track.

It holds what is shown and passes on what is asked for; it knows nothing of sounds or models. What each trait holds is
said beside it; names and sentences in them are shown as text, whatever they contain.
"""

from __future__ import annotations

from typing import Any

import traitlets

from embviz.widgets.bundle import script, style
from embviz.widgets.commands import CommandWidget

__all__ = ["COMMANDS", "Panel"]

#: What the panel can ask for.
COMMANDS = frozenset(
    {
        "open_track", "upload", "add_row", "change_row", "remove_row", "undo", "move_row", "collapse_row",
        "choose_head", "retry_row", "cancel", "pull", "stop_pull", "show_predictions", "show_tags", "separate_stems",
        "show_layers", "show_feature_maps", "show_similarity", "show_map", "export_page", "dismiss_notice",
        "show_evaluation", "set_evaluation_option", "evaluate", "cancel_evaluation", "show_confusion", "show_answers",
        "train_head", "save_scores",
    }
)  # fmt: skip


class Panel(CommandWidget):
    """What the Explorer looks like, and the commands that come from it.

    Every trait is what is shown now: a list or a dictionary is replaced, never changed in place. ``view`` in any of
    them is a reference ``"IPY_MODEL_…"`` to a widget, or empty where there is nothing to see yet.
    """

    _esm = script("panel")
    _css = style("panel")
    commands = COMMANDS

    clock = traitlets.Unicode(help="name of the clock that all views share").tag(sync=True)
    player = traitlets.Unicode(help="reference to the player").tag(sync=True)
    folder = traitlets.Unicode(help="where the tracks are").tag(sync=True)
    tracks: traitlets.List[Any] = traitlets.List(help="facts of each track").tag(sync=True)
    cached = traitlets.Dict(help="track id (text) to names of the models that are computed").tag(sync=True)
    track = traitlets.Int(-1, help="id of the open track; -1: none").tag(sync=True)
    models: traitlets.List[Any] = traitlets.List(help="each model with its layers and the state of its weights").tag(
        sync=True
    )
    downloads = traitlets.Dict(help="model to done, total, stage of its download, or to its error").tag(sync=True)
    rows: traitlets.List[Any] = traitlets.List(help="rows of the poster, from top to bottom").tag(sync=True)
    tab = traitlets.Enum(
        ["heatmaps", "predictions", "layers", "similarity", "map", "evaluation"], "heatmaps", help="page in front"
    ).tag(sync=True)
    predictions = traitlets.Dict(help="taggers, tempo and stems").tag(sync=True)
    layers = traitlets.Dict(help="model, and its layers from input to output").tag(sync=True)
    similarity = traitlets.Dict(help="model, layer and its self-similarity").tag(sync=True)
    map = traitlets.Dict(help="state and view of the map of all tracks").tag(sync=True)
    evaluation = traitlets.Dict(
        help="targets: name, title, classes, tracks, why (not); groups and folds: name, title; classifiers, poolings "
        "and layers: names with titles; tracks, from_collection, choices (target, models, layers, groups, folds, "
        "classifier, pooling), extra_options (names of options from code), code; empty: the table is not read yet"
    ).tag(sync=True)
    evaluation_status = traitlets.Dict(
        help="status, stage, done, total, message, remedy of a comparison; plan: what it will cost"
    ).tag(sync=True)
    scores = traitlets.Dict(
        help="rows: task, title, tracks, classes, chance, items (key, title, model, layer, classifier, cv, accuracy, "
        "low, high, external, drop, their hints, best_cv, best_external, depth), baselines, published; notes, "
        "has_external, choices; empty: nothing is compared yet"
    ).tag(sync=True)
    confusion = traitlets.Dict(
        help="cell (key), title, task, tracks, wrong, can_train_head, view, training (status …); empty: none"
    ).tag(sync=True)
    progress = traitlets.Dict(help="text, done, total of the work that runs; empty: none").tag(sync=True)
    notice = traitlets.Dict(help="level, text, remedy, seq of a message; empty: none").tag(sync=True)
    code = traitlets.Unicode(help="Python that gives this view").tag(sync=True)
    can_undo = traitlets.Bool(help="whether a change of the rows can be taken back").tag(sync=True)
    collapsed_list = traitlets.Bool(help="whether the list of tracks is hidden").tag(sync=True)
