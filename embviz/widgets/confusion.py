"""What a classifier took the tracks of each class for: a table of counts, and the tracks behind each of them."""

from __future__ import annotations

import html
from typing import Any

import traitlets

from embviz.core.text import clean_line, plural
from embviz.widgets.commands import LABEL, TEXT, WHOLE, CommandWidget, Fields
from embviz.widgets.still import Still

MOST_PRINTED = 40  # classes of a still

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

    def still(self) -> Still:
        """Return what the notebook keeps of the matrix as it is now: counts, truth as rows, answers as columns."""
        shown: dict[str, Any] = next((one for one in self.test_sets if one["name"] == self.test_set), {"counts": []})
        counts, names = shown["counts"], [html.escape(clean_line(name)) for name in self.classes[:MOST_PRINTED]]
        lines = [f"{shown.get('title', '')}: {plural(sum(map(sum, counts)), 'track')}, {len(self.classes)} classes"]
        if len(self.classes) > MOST_PRINTED:
            lines.append(f"The first {MOST_PRINTED} classes are listed.")
        if self.chosen:
            cell = [self.classes[self.chosen[side]] for side in ("truth", "answer")]
            listed = [row["title"] for row in self.chosen["rows"][:8]]
            n = len(self.chosen["rows"]) + self.chosen["more"]
            lines.append(f"Chosen: {cell[0]} taken for {cell[1]}, {plural(n, 'track')}: {', '.join(listed)}")
        head = "".join(f"<th>{name}</th>" for name in ["truth ↓ answer →", *names])
        rows = [
            f"<tr><th>{name}</th>"
            + "".join(f"<td>{f'<b>{n}</b>' if i == j else n or ''}</td>" for j, n in enumerate(row[:MOST_PRINTED]))
            + "</tr>"
            for i, (name, row) in enumerate(zip(names, counts, strict=False))
        ]
        return Still(self.title, tuple(lines), table=f"<table><tr>{head}</tr>{''.join(rows)}</table>")

    title = traitlets.Unicode(help="what answered what").tag(sync=True)
    classes: traitlets.List[Any] = traitlets.List(traitlets.Unicode(), help="names of the classes").tag(sync=True)
    test_sets: traitlets.List[Any] = traitlets.List(
        help="one collection or two: name, title, counts (a list of numbers for each true class)"
    ).tag(sync=True)
    test_set = traitlets.Unicode(help="name of the one that is shown").tag(sync=True)
    unit = traitlets.Enum(["share", "count"], "share", help="what cells show first").tag(sync=True)
    chosen = traitlets.Dict(
        help="truth, answer (numbers of classes), rows: track, title, artist, probability (of the answer), own (of the "
        "truth) and perhaps said (in place of these), most certain first; more: how many further rows there "
        "are; empty: no cell"
    ).tag(sync=True)
    current = traitlets.Dict(help="test_set, track: the open one; empty: none").tag(sync=True)
