"""A heatmap of an embedding that follows the clock of its track.

Conventions: time runs to the right, each cell between the true borders of its frame; numbers of dimensions rise
upwards, lists of names read downwards. Where cells are smaller than pixels, a pixel shows the strongest of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import traitlets

from embviz.analysis.tagging import tempo_octave
from embviz.plotting.heatmap_data import ORDERS, PAGE_SCALES
from embviz.widgets.base import is_finite
from embviz.widgets.frames import FramesWidget

if TYPE_CHECKING:
    from embviz.core.embedding import Embedding


class Heatmap(FramesWidget):
    """Frames × dimensions in colour, with playhead, zoom and hover.

    Examples
    --------
    >>> heatmap = Heatmap.of(embedding, clock=player.clock, order="cluster")  # doctest: +SKIP
    """

    page_traits = FramesWidget.page_traits | {"crop"}

    script = "heatmap"

    orders = traitlets.Dict(ORDERS, help="Orders to choose from, with their titles.").tag(sync=True)
    scales = traitlets.Dict(PAGE_SCALES, help="Scales to choose from, with their titles.").tag(sync=True)
    live_only = traitlets.Bool(help="Whether dimensions that never change are left out where they are most.").tag(
        sync=True
    )
    crop = traitlets.List(
        traitlets.Float(), help="Lowest and highest number shown where rows measure something (BPM, Hz); or empty: all."
    ).tag(sync=True)

    cards = traitlets.Bool(help="Whether a click on the name of a dimension opens its card.").tag(sync=True)

    def __init__(self, *args: Any, **traits: Any) -> None:
        self._usual_crop: list[float] = []
        self._open_card: Callable[[int], object] = lambda _dimension: None
        super().__init__(*args, **traits)

    def on_card(self, call: Callable[[int], object]) -> None:
        """Offer the cards of dimensions, and call back with the number of one that is asked for."""
        self._open_card, self.cards = call, True

    def _answer(self, widget: Any, content: Mapping[str, Any], buffers: Any) -> None:
        super()._answer(widget, content, buffers)
        if isinstance(content, dict) and content.get("kind") == "card":
            dimension = content.get("dimension")
            if type(dimension) is int and 0 <= dimension < self.shape[0]:
                self._open_card(dimension)

    def update(self, embedding: Embedding, *, complete: bool = True) -> None:
        """Draw another embedding, or more frames of the same one; of tempi, the octave that matters is shown."""
        with self.hold_sync():
            # Who has chosen what is shown keeps it, as long as rows mean the same.
            chosen = self.crop if self.crop != self._usual_crop else None
            if chosen is None or (self.labels and self.labels != list(embedding.labels)):
                self._usual_crop = list(tempo_octave(embedding) or ())
                self.crop = self._usual_crop
            super().update(embedding, complete=complete)

    @traitlets.validate("crop")
    def _check_crop(self, proposal: Any) -> list[float]:
        crop = list(proposal["value"])
        if crop and not (len(crop) == 2 and is_finite(*crop) and crop[0] < crop[1]):
            raise traitlets.TraitError(f"A crop is the lowest and the highest number shown; {crop!r:.80} was found.")
        return crop
