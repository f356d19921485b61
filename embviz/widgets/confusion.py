"""What a classifier took the tracks of each class for: a table of counts, and the tracks behind each of them."""

from __future__ import annotations

from typing import Any

import traitlets

from embviz.widgets.commands import LABEL, TEXT, WHOLE, CommandWidget, Fields

#: What the page can ask for.
#:
#: - ``show_cell``: list the tracks of class ``truth`` that were taken for class ``answer``, both by number
#: - ``show_test_set``: show the one of ``test_sets`` called ``name``
#: - ``play``: open and play ``track``
#: - ``dismiss_notice``: the notice has been read
COMMANDS: dict[str, Fields] = {
    "show_cell": {"truth": WHOLE, "answer": WHOLE},
    "show_test_set": {"name": TEXT},
    "play": {"track": LABEL},
    "dismiss_notice": {},
}


class Confusion(CommandWidget):
    """A confusion matrix, truth as rows and answers as columns, and below it the tracks of the chosen cell.

    A ``track`` is a label of the table of its test set.
    """

    script = "confusion"
    commands = COMMANDS
    page_traits = frozenset({"unit"})

    title = traitlets.Unicode(help="what answered what").tag(sync=True)
    classes: traitlets.List[Any] = traitlets.List(traitlets.Unicode(), help="names of the classes").tag(sync=True)
    test_sets: traitlets.List[Any] = traitlets.List(
        help="one collection or two: name, title, counts (a list of numbers for each true class)"
    ).tag(sync=True)
    test_set = traitlets.Unicode(help="name of the one that is shown").tag(sync=True)
    unit = traitlets.Enum(["share", "count"], "share", help="what cells show first").tag(sync=True)
    chosen = traitlets.Dict(
        help="truth, answer (numbers of classes), rows: track, title, artist, probability (of the answer), own (of the "
        "truth), most certain first; more: how many further rows there are; empty: no cell"
    ).tag(sync=True)
    current = traitlets.Dict(help="test_set, track: the open one; empty: none").tag(sync=True)
