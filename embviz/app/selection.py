"""What all views of a panel agree on: which track is open, which are selected, and where the playhead is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embviz.widgets.player import Player


@dataclass(frozen=True, eq=False)
class PlayRequest:
    """A track that the reader wants to hear, and from which second on; each one is news, equal or not."""

    track: int
    seconds: float | None = None


@dataclass(frozen=True, eq=False)
class Selected:
    """Selected tracks, in an order; with the moments of frames, or without any, which means the whole tracks."""

    labels: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    times: NDArray[np.float64] | None = None


class Selection(traitlets.HasTraits):
    """The open track, the selected ones and the playhead; lists, maps, rows and the player observe it.

    A track is known by its place in the list in an Explorer, by its label in the table in an Atlas.
    """

    request = traitlets.Instance(PlayRequest, allow_none=True, help="what the reader chose to hear last")
    track = traitlets.Int(None, allow_none=True, help="the open track; None until it can be read")
    selected = traitlets.Instance(Selected, ())
    time = traitlets.Float(0.0, help="playhead in seconds")

    def __init__(self, player: Player | None = None) -> None:
        super().__init__()
        self._link = None if player is None else traitlets.dlink((player, "time"), (self, "time"))

    def on(self, name: str, call: Callable[[Any], object]) -> None:
        """Have a function called with the new value of a trait each time that it is set."""
        self.observe(lambda change: call(change["new"]), name)

    def close(self) -> None:
        """Let go of the player."""
        if self._link is not None:
            self._link.unlink()
        self._link = None
