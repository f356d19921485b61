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
from embviz.plotting.picture import LARGEST, small_png
from embviz.plotting.save import COLORS

if TYPE_CHECKING:
    from embviz.plotting.picture import Drawing


MIME = "application/vnd.plotly.v1+json"
IMAGE = '<image class="{theme}" width="100%" height="100%" href="data:image/png;base64,{data}"/>'
# A PNG beside plotly's data would be shown by JupyterLab in place of the figure until the pointer rests on it.
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    ' style="max-width: 100%; height: auto">'
    "<style>.dark {{ display: none }} "
    "@media (prefers-color-scheme: dark) {{ .light {{ display: none }} .dark {{ display: inline }} }}</style>"
    "{images}</svg>"
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
            data["image/svg+xml"] = _to_svg(self._still_drawing())
        elif MIME in data and self._still_text:
            data["text/plain"] = self._still_text
        return data

    def _ipython_display_(self) -> None:
        data = self._repr_mimebundle_() if in_jupyter() else {}
        if MIME in data:
            publish(data)
        else:
            super()._ipython_display_()


def _to_svg(draw: Drawing) -> str:
    """Return a picture that is light or dark as the page around it is, each on its own paper."""
    images = []
    for theme in COLORS:
        png = small_png(draw, LARGEST // len(COLORS), theme)
        images.append(IMAGE.format(theme=theme, data=base64.b64encode(png).decode()))
    width, height = struct.unpack(">II", png[16:24])
    return SVG.format(width=width, height=height, images="".join(images))
