"""The card of a dimension: what it answers to, how its values lie, and where the open track lies among them.

Conventions: bins are those of the collection's histogram. A picture is ``[time, bands]``, one byte per cell, a place
between its `low` and `high`: ``value = low + (byte - 1) / 254 * (high - low)``, and 0 is an empty cell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import traitlets

from embviz.core.text import plural
from embviz.plotting.still_pictures import histogram_drawing
from embviz.widgets import schema
from embviz.widgets.base import PageWidget, new_clock_name
from embviz.widgets.still import Still

MOST_TAGS = 4  # of a still


class UnitCardView(PageWidget):
    """What is known of a dimension of a layer; ``clock`` tells which moment of the open track is marked in it.

    The page asks for another card by the message ``{"kind": "unit", "dimension": …}``.
    """

    script = "unit_card"

    clock = traitlets.Unicode(help="Widgets with a clock of one name share playhead, zoom and range.").tag(sync=True)
    card = schema.dict_trait(schema.UnitCardState, "what is known of the dimension")
    cells: traitlets.List[bytes] = traitlets.List(traitlets.Bytes(), help="uint8 [time, bands] of each picture").tag(
        sync=True
    )
    times = traitlets.Bytes(help="float32 [t]: centres of the open track's frames in seconds").tag(sync=True)
    values = traitlets.Bytes(help="float32 [t]: its values").tag(sync=True)
    linked = traitlets.Bool(help="whether the cards of other dimensions can be asked for").tag(sync=True)

    @traitlets.default("clock")
    def _own_clock(self) -> str:
        return new_clock_name()

    def __init__(self, **traits: Any) -> None:
        self._open_unit: Callable[[int], object] = lambda _dimension: None
        super().__init__(**traits)
        self.on_msg(self._answer)

    def on_unit(self, call: Callable[[int], object]) -> None:
        """Call back with the number of another dimension whose card is asked for, and offer these."""
        self._open_unit, self.linked = call, True

    def _answer(self, _widget: Any, content: Any, _buffers: Any) -> None:
        if isinstance(content, dict) and content.get("kind") == "unit" and type(content.get("dimension")) is int:
            self._open_unit(content["dimension"])

    def to_static(self) -> Self:
        """Give the widget all that it shows without a kernel; return it."""
        self.linked = False
        return self

    def still(self) -> Still:
        """Return what the notebook keeps of the card as it is now: its sentence, its tags and its distribution."""
        card: Any = self.card
        if not card:
            return Still("Dimension", ("Nothing has been computed yet.",))
        lines = ["".join(text for text, _kind in card["sentence"])]
        tags = [f"{tag['name']} {tag['r']:.2f}".replace("-", "−") for tag in card["tags"][:MOST_TAGS]]
        lines += [f"Tags: {', '.join(tags)}"] * bool(tags)
        lines += [f"{name}: {text}" for name, text in card["facts"]]
        lines += [f"{plural(card['frames'], 'frame')} of {plural(card['tracks'], 'track')}", *card["notes"]]
        draw = histogram_drawing(card["edges"], card["shares"], card["own"], unit=card["unit"])
        key = (card["about"], card["dimension"], card["track"])
        return Still(f"{card['title']} · {card['about']}", tuple(lines), draw if card["edges"] else None, key)
