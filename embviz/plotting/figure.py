"""Figures that leave more in a notebook than plotly's data: GitHub and nbconvert have no script that draws these.

To be imported where a figure is made, as it imports plotly.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import plotly.graph_objects as go

from embviz.plotting.picture import small_png

if TYPE_CHECKING:
    from embviz.plotting.still_pictures import Drawing


MIME = "application/vnd.plotly.v1+json"


class StillFigure(go.Figure):  # type: ignore[misc]
    """A figure beside which a picture, or a table, stands in the notebook.

    JupyterLab and VS Code draw plotly's data; readers that cannot show the picture (what embviz has drawn, with the
    marks that were added), or the table.
    """

    _still_drawing: Callable[[], Drawing] | None = None
    _still_table: str = ""

    def keep_still(self, draw: Callable[[], Drawing] | None = None, table: str = "") -> Self:
        """Have a picture, of which is asked when it is shown, or a table (safe HTML) stand beside it; returns it."""
        self._still_drawing, self._still_table = draw, table
        return self

    def _repr_mimebundle_(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        data: dict[str, Any] = super()._repr_mimebundle_(*arguments, **options) or {}
        if MIME in data and "text/html" not in data:
            if self._still_drawing is not None:
                data["image/png"] = base64.b64encode(small_png(self._still_drawing())).decode()
            elif self._still_table:
                data["text/html"] = self._still_table
        return data

    def _ipython_display_(self) -> None:
        import plotly.io as pio

        if pio.renderers.default and "plotly_mimetype" in pio.renderers.default:
            raise NotImplementedError  # IPython shows the bundle then
        super()._ipython_display_()
