"""A list of pairs of tracks, of which one is open: both tracks side by side.

It holds what is shown and passes on what is asked for; which pairs there are, and why, is said in words.
"""

from __future__ import annotations

import html
from typing import TypedDict

import traitlets

from embviz.core.text import clean_line, plural, shorten
from embviz.widgets import schema
from embviz.widgets.commands import WHOLE, CommandWidget, Fields
from embviz.widgets.still import Still

#: What the list can ask for, and what comes with it.
COMMANDS: dict[str, Fields] = {"open_pair": {"pair": WHOLE}, "cancel": {}}
MOST_IN_STILL = 20  # pairs


class PairItem(TypedDict):
    """Two tracks, and what speaks for their being a pair."""

    a: str
    b: str
    evidence: list[str]


class PairList(CommandWidget):
    """Pairs of tracks, each with its evidence; the one that is chosen is heard and seen side by side."""

    script = "pairs"
    commands = COMMANDS

    title = traitlets.Unicode(help="What the pairs are.").tag(sync=True)
    message = traitlets.Unicode(help="Shown where there are none.").tag(sync=True)
    notes = traitlets.List(traitlets.Unicode(), help="What else there is to say, below.").tag(sync=True)
    pairs = schema.list_trait(PairItem, "pairs, from the most alike on")
    chosen = traitlets.Int(-1, help="Which of them is open, or -1.").tag(sync=True)
    work = schema.dict_trait(schema.WorkState, "how far the comparison of that pair is, and what shows it")

    def still(self) -> Still:
        """Return what the notebook keeps of the list: the pairs as a table."""
        if not self.pairs:
            return Still(self.title, (self.message, *self.notes))
        cells = [[pair["a"], pair["b"], " · ".join(pair["evidence"])] for pair in self.pairs[:MOST_IN_STILL]]
        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(shorten(clean_line(cell), 120))}</td>" for cell in row) + "</tr>"
            for row in cells
        )
        more = len(self.pairs) - len(cells)
        cut = [f"The first {len(cells)} of {plural(len(self.pairs), 'pair')}"] if more else []
        head = "<tr><th>A</th><th>B</th><th>evidence</th></tr>"
        return Still(self.title, (*cut, *self.notes), table=f"<table>{head}{rows}</table>")
