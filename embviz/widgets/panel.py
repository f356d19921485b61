"""The panel around everything: tracks, player, and the pages that look into a track.

It holds what is shown and passes on what is asked for; it knows nothing of sounds or models. What each trait holds is
said beside it; names and sentences in them are shown as text, whatever they contain.
"""

from __future__ import annotations

import traitlets

from embviz.widgets import schema
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
    tracks = schema.list_trait(schema.TrackItem, "tracks of the list")
    cached = traitlets.Dict(help="track id (text) to names of the models that are computed").tag(sync=True)
    track = traitlets.Int(-1, help="id of the open track; -1: none").tag(sync=True)
    rows = schema.list_trait(schema.HeatmapRow, "rows of heatmaps, from top to bottom")
    tab = traitlets.Enum(TABS, TABS[0], help="page in front").tag(sync=True)
    predictions = schema.dict_trait(schema.Predictions, "taggers, tempo and stems")
    layers = schema.dict_trait(schema.Layers, "layers of a model")
    similarity = schema.dict_trait(schema.WorkState, "self-similarity of a layer")
    map = schema.dict_trait(schema.WorkState, "map of all tracks")
    evaluation = schema.dict_trait(schema.EvaluationOptions, "what can be compared; empty until the table is read")
    evaluation_status = schema.dict_trait(schema.EvaluationStatus, "how far a comparison is")
    scores = schema.dict_trait(schema.Scores, "scores of the last comparison")
    confusion = schema.dict_trait(schema.ConfusionState, "confusion matrix that is open")
    can_undo = traitlets.Bool(help="whether a change of the rows can be taken back").tag(sync=True)
    collapsed_list = traitlets.Bool(help="whether the list of tracks is hidden").tag(sync=True)
