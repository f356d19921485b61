"""Figures that leave more in a notebook than plotly's data: GitHub and nbconvert have no script that draws these.

To be imported where a figure is made, as it imports plotly.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import plotly.graph_objects as go

from embviz.core.notebook import in_jupyter, publish
from embviz.plotting.picture import small_png

if TYPE_CHECKING:
    from embviz.plotting.still_pictures import Drawing


MIME = "application/vnd.plotly.v1+json"
# A PNG beside plotly's data would be shown by JupyterLab in place of the figure until the pointer rests on it.
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    ' style="max-width: 100%; height: auto">'
    '<image width="{width}" height="{height}" href="data:image/png;base64,{data}"/></svg>'
)


class StillFigure(go.Figure):  # type: ignore[misc]
    """A figure beside which a picture, or a text, stands in the notebook.

    JupyterLab and VS Code draw plotly's data; readers that cannot show the picture (what embviz has drawn, with the
    marks that were added), or the text where JupyterLab has not left a picture of its own.
    """

    _still_drawing: Callable[[], Drawing] | None = None
    _still_text: str = ""

    def keep_still(self, draw: Callable[[], Drawing] | None = None, text: str = "") -> Self:
        """Have a picture, of which is asked when it is shown, or a text stand beside it; returns it."""
        self._still_drawing, self._still_text = draw, text
        return self

    def _repr_mimebundle_(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        data: dict[str, Any] = super()._repr_mimebundle_(*arguments, **options) or {}
        if MIME in data and self._still_drawing is not None:
            png = small_png(self._still_drawing())
            width, height = struct.unpack(">II", png[16:24])
            data["image/svg+xml"] = SVG.format(width=width, height=height, data=base64.b64encode(png).decode())
        elif MIME in data and self._still_text:
            data["text/plain"] = self._still_text
        return data

    def _ipython_display_(self) -> None:
        data = self._repr_mimebundle_() if in_jupyter() else {}
        if MIME in data:
            publish(data)
        else:
            super()._ipython_display_()
