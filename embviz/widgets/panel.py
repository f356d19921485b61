"""The panel around everything: tracks, player, and the pages that look into a track."""

from __future__ import annotations

from typing import Any

import traitlets

from embviz.widgets.bundle import script, style
from embviz.widgets.commands import ModelsWidget

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

#: The pages of the panel.
TABS = ("heatmaps", "predictions", "layers", "similarity", "map", "evaluation")


class Panel(ModelsWidget):
    """What the Explorer looks like, and the commands that come from it."""

    _esm = script("panel")
    _css = style("panel")
    commands = COMMANDS

    folder = traitlets.Unicode(help="where the tracks are").tag(sync=True)
    tracks: traitlets.List[Any] = traitlets.List(
        help="tracks of the list: id, name, title, style, bpm, key, seconds, note, problem"
    ).tag(sync=True)
    cached = traitlets.Dict(help="track id (text) to names of the models that are computed").tag(sync=True)
    track = traitlets.Int(-1, help="id of the open track; -1: none").tag(sync=True)
    rows: traitlets.List[Any] = traitlets.List(
        help="rows of heatmaps from top to bottom: work, and id, hop, collapsed, facts, height, heads (name, title), "
        "head; answer (work, or None) is what the head makes of it, drawn below"
    ).tag(sync=True)
    tab = traitlets.Enum(TABS, TABS[0], help="page in front").tag(sync=True)
    predictions = traitlets.Dict(
        help="of the open track: taggers (a list of work), tempo (work, bpm, confidence, and its distribution: bpms, "
        "shares), stems (work, and the models to choose from and names of the sources)"
    ).tag(sync=True)
    layers = traitlets.Dict(
        help="work on a model, its rows from input to output (work, meaning, shape, axes, receptive_field, "
        "has_feature_maps, constant), feature_maps (work)"
    ).tag(sync=True)
    similarity = traitlets.Dict(help="work on the self-similarity of a layer").tag(sync=True)
    map = traitlets.Dict(help="work on the map of all tracks").tag(sync=True)
    evaluation = traitlets.Dict(
        help="what models can be compared on: targets (name, title, classes, tracks, and why it cannot be predicted), "
        "groups, folds (name, title), classifiers, poolings, layers (titles by name), tracks, from_collection; choices "
        "(target, models, layers, groups, folds, classifier, pooling), extra_options (names of options from code), "
        "code; empty until the table is read"
    ).tag(sync=True)
    evaluation_status = traitlets.Dict(help="work on a comparison, and the plan: what it will cost").tag(sync=True)
    scores = traitlets.Dict(
        help="of the last comparison: rows, one per task with the items compared, headings by name, caption, notes, "
        "has_external, and its choices"
    ).tag(sync=True)
    confusion = traitlets.Dict(
        help="open confusion matrix: cell of the scores, title, task, tracks, wrong, can_train_head, view, training "
        "(work)"
    ).tag(sync=True)
    can_undo = traitlets.Bool(help="whether a change of the rows can be taken back").tag(sync=True)
    collapsed_list = traitlets.Bool(help="whether the list of tracks is hidden").tag(sync=True)
