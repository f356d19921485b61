"""What figures of one's own need to stand beside those of embviz on the page of a notebook."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from embviz.core.options import check_type
from embviz.plotting.save import GREY
from embviz.plotting.style import CLEAR, plotly_text, to_time_axis

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


TEMPLATE = "embviz"
GRID = "rgba(127, 127, 127, 0.25)"
#: Plotly's tool bar would lie over titles and the names of facets; dragging and double clicks do what it does.
BUTTONS = (
    "toImage", "sendChartToCloud", "zoom", "pan", "select", "lasso", "zoomIn", "zoomOut", "autoScale", "resetScale",
)  # fmt: skip
COLORS = ("#2a9d8f", "#e76f51", "#7b6fd0", "#c8961e", "#5b8def")


def use_page_style(height: int | None = 320) -> None:
    """Have plotly express draw figures without a background, in a grey that is read on a light and on a dark page.

    Plotly's tool bar, which would cover titles, is left out: drag to zoom, and double-click to zoom out.

    Parameters
    ----------
    height : int or None
        Of figures that say no height of their own, in pixels; None leaves it to plotly.

    Examples
    --------
    >>> use_page_style()
    >>> import plotly.express as px
    >>> px.line(y=[1, 3, 2]).layout.height
    320
    """
    import plotly.express as px
    import plotly.io as pio

    axis = {"gridcolor": GRID, "zeroline": False}
    layout = {
        "paper_bgcolor": CLEAR, "plot_bgcolor": CLEAR, "font": {"color": GREY}, "colorway": COLORS, "xaxis": axis,
        "yaxis": axis, "margin": {"t": 48, "b": 56}, "modebar": {"remove": BUTTONS},
    }  # fmt: skip
    pio.templates[TEMPLATE] = {"layout": layout}
    px.defaults.template, px.defaults.height = TEMPLATE, height


def mark(figure: Figure, moments: Iterable[tuple[float, str]], *, top: bool = False) -> Figure:
    """Write moments of a track over a heatmap: a dotted line each, and its name.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        As :func:`embviz.heatmap` returns it; changed in place.
    moments : iterable of (float, str)
        Seconds, and the name of what begins there. What lies outside of the figure is left out.
    top : bool
        Whether names stand at the upper end of the heatmap, where they hide less of a spectrogram, or at the lower.

    Returns
    -------
    plotly.graph_objects.Figure
        The figure itself.

    Examples
    --------
    >>> mark(embviz.heatmap(embedding), [(3.75, "verse"), (18.75, "chorus")])  # doctest: +SKIP
    """
    import numpy as np
    from plotly.graph_objects import Figure

    check_type(figure, Figure, "A figure is expected", "embviz.heatmap(embedding) draws one.")
    first, last = (np.datetime64(end) for end in figure.layout.xaxis.range)
    name = {
        "y": int(top), "yref": "y domain", "yanchor": "top" if top else "bottom", "xanchor": "left",
        "showarrow": False, "font": {"size": 11, "color": "white"}, "bgcolor": "rgba(0, 0, 0, 0.7)",
    }  # fmt: skip
    for seconds, text in moments:
        place = to_time_axis(seconds)
        if first <= place < last:
            # Light and dark, to be seen on any colour.
            figure.add_vline(place, line={"color": "white", "width": 1.5})
            figure.add_vline(place, line={"color": "black", "width": 1.5, "dash": "dot"})
            figure.add_annotation(x=place, text=plotly_text(text), **name)
    return figure
