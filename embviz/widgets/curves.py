"""Curves of an embedding over time: the tags that a model hears, or its tempo.

Conventions: as in :mod:`embviz.widgets.frames`; which dimensions are shown is found out in the browser.
"""

from __future__ import annotations

import traitlets

from embviz.widgets.frames import FramesWidget


class Curves(FramesWidget):
    """The strongest dimensions of an embedding as curves over time, with what they are at the playhead.

    Build one with :meth:`of`, such as ``Curves.of(embed(track, "musicnn", layer="output"), top=8)``. Curves are ranked
    by their mean over what is in view, or over the selected range; `top`, `threshold` and `pins` follow what the
    reader does in the browser.
    """

    script = "curves"

    page_traits = FramesWidget.page_traits | {"top", "threshold"}

    top = traitlets.Int(5, min=0, help="How many of the strongest dimensions are shown; 0 for all.").tag(sync=True)
    threshold = traitlets.Float(0.0, help="Only what reaches this value is shown; pins always are.").tag(sync=True)
