"""The panel around everything: tracks, player, and the pages that look into a track.

It holds what is shown and passes on what is asked for; it knows nothing of sounds or models. What each trait holds is
said beside it; names and sentences in them are shown as text, whatever they contain.
"""

from __future__ import annotations

import traitlets

from embviz.widgets import schema
from embviz.widgets.commands import FLAG, HOP, PLAIN, TEXT, UPLOAD, WHOLE, Fields, ModelsWidget

#: What the panel can ask for, and what comes with it.
COMMANDS: dict[str, Fields] = {
    "open_track": {"track": WHOLE},
    "open_samples": {},
    "upload": UPLOAD,
    "add_row": {"model": TEXT, "layer": TEXT.or_none(), "hop": HOP.or_none()},
    "change_row": {"row": WHOLE, "model": TEXT, "layer": TEXT.or_none(), "hop": HOP.or_none()},
    "remove_row": {"row": WHOLE},
    "undo": {},
    "move_row": {"row": WHOLE, "to": WHOLE},
    "collapse_row": {"row": WHOLE, "collapsed": FLAG},
    "choose_head": {"row": WHOLE, "head": TEXT},
    "retry_row": {"row": WHOLE},
    "cancel": {},
    "pull": {"model": TEXT},
    "stop_pull": {"model": TEXT},
    "show_predictions": {},
    "show_tags": {"model": TEXT},
    "show_plane": {"head": TEXT},
    "separate_stems": {"model": TEXT.or_none()},
    "show_layers": {"model": TEXT},
    "show_feature_maps": {"layer": TEXT},
    "show_similarity": {"model": TEXT, "layer": TEXT.or_none()},
    "show_map": {},
    "show_all_tracks": {},
    "export_page": {},
    "save_citations": {},
    "dismiss_notice": {},
    "show_evaluation": {},
    "set_evaluation_option": {"name": TEXT, "value": PLAIN},
    "evaluate": {},
    "cancel_evaluation": {},
    "show_confusion": {"cell": WHOLE, "label": WHOLE.or_none()},
    "show_answers": {"cell": WHOLE},
    "train_head": {"cell": WHOLE},
    "save_scores": {"format": TEXT},
    "show_units": {"model": TEXT.or_none(), "layer": TEXT.or_none()},
    "analyse_units": {},
    "cancel_units": {},
    "list_units": {"sort": TEXT.or_none(), "search": TEXT.or_none()},
    "show_unit": {"dimension": WHOLE},
    "close_unit": {},
}

#: The pages of the panel.
TABS = ("heatmaps", "predictions", "layers", "similarity", "map", "evaluation", "units")


class Panel(ModelsWidget):
    """What the Explorer looks like, and the commands that come from it."""

    script = "panel"
    commands = COMMANDS
    page_traits = frozenset({"tab", "collapsed_list"})

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
    shown_on_map = traitlets.Bytes(
        help="uint8 [tracks], by their ids: 0 for those that the filters of the map leave out; empty: it shows all"
    ).tag(sync=True)
    evaluation = schema.dict_trait(schema.EvaluationOptions, "what can be compared; empty until the table is read")
    evaluation_status = schema.dict_trait(schema.EvaluationStatus, "how far a comparison is")
    scores = schema.dict_trait(schema.Scores, "scores of the last comparison")
    confusion = schema.dict_trait(schema.ConfusionState, "confusion matrix that is open")
    units = schema.dict_trait(schema.UnitPageState, "dimensions of a layer")
    unit_histograms = traitlets.Bytes(help="uint8 [d, bins]: the collection's frames, 255 in the fullest bin").tag(
        sync=True
    )
    unit_marks = traitlets.Bytes(help="uint8 [d, bins]: the same of the open track; empty: it is not known").tag(
        sync=True
    )
    unit = schema.dict_trait(schema.UnitState, "dimension whose card is open")
    can_undo = traitlets.Bool(help="whether a change of the rows can be taken back").tag(sync=True)
    collapsed_list = traitlets.Bool(help="whether the list of tracks is hidden").tag(sync=True)
