"""Curves of an embedding over time: the tags that a model hears, or its tempo.

Conventions: as in :mod:`embviz.widgets.frames`; which dimensions are shown is found out in the browser.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import traitlets

from embviz.plotting.still_pictures import strips_drawing
from embviz.widgets.frames import FramesWidget
from embviz.widgets.still import Still


class Curves(FramesWidget):
    """The strongest dimensions of an embedding as curves over time, with what they are at the playhead.

    Build one with :meth:`of`, such as ``Curves.of(embed(track, "musicnn", layer="output"), top=8)``. Curves are ranked
    by their mean over what is in view, or over the selected range; `top`, `threshold` and `pins` follow what the
    reader does in the browser.
    """

    script = "curves"

    page_traits = FramesWidget.page_traits | {"top", "threshold"}

    def still(self) -> Still:
        """Return what the notebook keeps of the widget as it is now: the strongest dimensions, and their means."""
        strip, (d, t) = self.strip(self.title, ""), self.shape
        if strip is None or self._grid is None:
            return super().still()
        means = np.nan_to_num(self._values).mean(axis=0)
        order = np.argsort(-means, kind="stable")[: self.top or d]
        names = self.labels if len(self.labels) == d else [str(number) for number in range(d)]
        said = ", ".join(f"{names[i]} {means[i]:.2f}" for i in order[:10])
        strip = replace(strip, order=order, note=f"the strongest {len(order)} of {d}, over {t} frames")
        draw = strips_drawing([strip], (0.0, self._grid.duration))
        return Still(self.title or "Curves", (f"Means: {said}",), draw, (id(self._values), said))

    top = traitlets.Int(5, min=0, help="How many of the strongest dimensions are shown; 0 for all.").tag(sync=True)
    threshold = traitlets.Float(0.0, help="Only what reaches this value is shown; pins always are.").tag(sync=True)
