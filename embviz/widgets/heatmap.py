"""A heatmap of an embedding that follows the clock of its track.

Conventions: time runs to the right, each cell between the true borders of its frame; numbers of dimensions rise
upwards, lists of names read downwards. Where cells are smaller than pixels, a pixel shows the strongest of them.
"""

from __future__ import annotations

import traitlets

from embviz.widgets.bundle import script, style
from embviz.widgets.frames import FramesWidget

__all__ = ["Heatmap"]


class Heatmap(FramesWidget):
    """Frames × dimensions in colour, with playhead, zoom and hover.

    Examples
    --------
    >>> heatmap = Heatmap.of(embedding, clock=player.clock, order="similarity")  # doctest: +SKIP
    """

    _esm = script("heatmap")
    _css = style("heatmap")

    live_only = traitlets.Bool(
        default_value=False, help="Whether dimensions that never change are left out where they are most."
    ).tag(sync=True)
