"""A heatmap of an embedding that follows the clock of its track.

Conventions: time runs to the right, each cell between the true borders of its frame; numbers of dimensions rise
upwards, lists of names read downwards. Where cells are smaller than pixels, a pixel shows the strongest of them.
"""

from __future__ import annotations

import traitlets

from embviz.plotting.heatmap_data import ORDERS, PAGE_SCALES
from embviz.widgets.bundle import script, style
from embviz.widgets.frames import FramesWidget


class Heatmap(FramesWidget):
    """Frames × dimensions in colour, with playhead, zoom and hover.

    Examples
    --------
    >>> heatmap = Heatmap.of(embedding, clock=player.clock, order="cluster")  # doctest: +SKIP
    """

    _esm = script("heatmap")
    _css = style()

    orders = traitlets.Dict(ORDERS, help="Orders to choose from, with their titles.").tag(sync=True)
    scales = traitlets.Dict(PAGE_SCALES, help="Scales to choose from, with their titles.").tag(sync=True)
    live_only = traitlets.Bool(help="Whether dimensions that never change are left out where they are most.").tag(
        sync=True
    )
