"""What all figures share: time axis, text, axes, layout and hover labels.

Conventions: those of :mod:`embviz.plotting`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.core.text import collapse_spaces, one_line, plural
from embviz.plotting.save import FAINT, FONT, GREY, INK

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from plotly.graph_objects import Figure

    from embviz.core.embedding import Embedding
    from embviz.plotting.heatmap_data import HeatmapCells


CLEAR = "rgba(0, 0, 0, 0)"
EMPTY = "rgba(127, 127, 127, 0.10)"
HOVER_PAPER, HOVER_INK = "#24292f", "#f2f2f2"
#: A hover template for points whose customdata is markup.
POINTER_TEXT = f'<span style="color: {HOVER_INK}">%{{customdata}}</span><extra></extra>'


def to_time_axis(seconds: ArrayLike) -> Any:
    """Return positions on the time axis of heatmaps, which plotly counts as dates.

    Parameters
    ----------
    seconds : float or array-like of float
        Seconds from the start of the track.

    Returns
    -------
    numpy.datetime64 or ndarray of datetime64[us]

    Examples
    --------
    >>> print(to_time_axis(83.2))
    1970-01-01T00:01:23.200000
    """
    return np.datetime64(0, "us") + np.round(np.asarray(seconds, dtype=np.float64) * 1e6).astype("timedelta64[us]")


def from_time_axis(place: Any) -> float:
    """Return the seconds of a position on the time axis, as plotly keeps it."""
    return float((np.datetime64(place) - np.datetime64(0, "us")) / np.timedelta64(1, "s"))


@dataclass(frozen=True)
class PanelBox:
    """Where a panel stands: its number from 1, bottom and top as shares of the plot, height in pixels."""

    number: int
    bottom: float
    top: float
    height: int
    alone: bool

    @property
    def axis(self) -> str:
        """What plotly adds to the name of its axis."""
        return "" if self.number == 1 else str(self.number)


def base_layout(title: str, beside: str) -> dict[str, Any]:
    """Return the layout that all figures share; `beside` stands beside the title."""
    return {
        "template": "none",
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "font": {"family": FONT, "size": 12, "color": GREY},
        "hoverlabel": {
            "bgcolor": HOVER_PAPER, "bordercolor": GREY, "align": "left",
            "font": {"family": FONT, "size": 12, "color": HOVER_INK},
        },
        # Nobody's figure goes to a company's server by a slip of the mouse.
        "modebar": {"bgcolor": CLEAR, "color": GREY, "activecolor": GREY, "remove": ["sendChartToCloud"]},
        "title": {
            "text": color_span(f"<b>{plotly_text(title, 60)}</b>", INK) + "&nbsp; " + color_span(beside, FAINT),
            "font_size": 16, "x": 0, "xref": "paper", "xanchor": "left",
            "y": 1, "yref": "container", "yanchor": "top", "pad": {"t": 14},
        },
        "meta": {"title": title},
    }  # fmt: skip


def side_axis(box: PanelBox) -> dict[str, Any]:
    """Return the layout that the vertical axes of all panels share."""
    return {
        "domain": [max(0, box.bottom), min(1, box.top)], "showgrid": False, "zeroline": False, "automargin": True,
        "ticks": "outside", "ticklen": 3, "tickcolor": GREY, "tickfont_size": 11, "exponentformat": "none",
        **tick_colors(),
    }  # fmt: skip


def hover_template(lines: Sequence[str], embedding: Embedding, cells: HeatmapCells) -> str:
    """Return the hover template of a panel: some lines, and the time."""
    grid = embedding.grid
    half = (grid.patch + (cells.per_column - 1) * grid.hop) / (2 * grid.sample_rate)
    minutes = "%-H:%M" if embedding.duration >= 3600 else "%-M"
    lines = [*lines, f"%{{x|{minutes}:%S.%2f}} ± {half:.3g} s", *pooling_note(cells)]
    # Ticks bring the page's ink along, which need not read on this label: here the label's own takes its place.
    style = f"--embviz-ink: {HOVER_INK}; color: {HOVER_INK}"
    return f'<span style="{style}">{"<br>".join(lines)}</span><extra></extra>'


def plotly_text(text: str, longest: int = 80) -> str:
    """Return text that plotly shows as it is, whoever wrote it: no tags, templates, formulas or line breaks."""
    shown = one_line(text)
    shown = shown if len(shown) <= longest else shown[: longest - 1].rstrip() + "…"
    # Curly brackets make a template, dollars a formula where the page has MathJax.
    return html.escape(shown, quote=False).replace("{", "&#123;").replace("$", "&#36;")


def bare_text(markup: str) -> str:
    """Return what a piece of plotly's markup says, without its tags."""
    return collapse_spaces(html.unescape(re.sub("<[^>]*>", " ", markup)))


def unique_labels(labels: Iterable[str], longest: int = 40) -> list[str]:
    """Return labels fit for a category axis, where equal ones would become one row."""
    names: dict[str, None] = {}
    for label in labels:
        shown = name = plotly_text(label, longest) or "–"
        count = 1
        while name in names:
            count += 1
            name = f"{shown} ({count})"
        names[name] = None
    return list(names)


def write_text(figure: Figure, text: str, **place: Any) -> None:
    """Write markup at shares of the width and height of all plots, by default above their top left corner."""
    corner = {"xref": "paper", "yref": "paper", "x": 0, "y": 1, "xanchor": "left", "yanchor": "bottom", "font_size": 12}
    figure.add_annotation(text=text, showarrow=False, borderpad=0, **corner | place)


def color_span(text: str, color: str) -> str:
    """Return markup in a colour, which may be a variable of the page."""
    return f'<span style="color: {color}">{text}</span>'


def tick_colors() -> dict[str, str]:
    """Return the layout that gives tick labels the colour of the page's text."""
    return {"tickprefix": f'<span style="color: {INK}">', "ticksuffix": "</span>"}


def pooling_note(cells: HeatmapCells) -> list[str]:
    """Return a note on what a cell pools, where it is not a single value."""
    shared = [(cells.per_row, "dimension"), (cells.per_column, "frame")]
    counts = [plural(number, what) for number, what in shared if number > 1]
    return [f"strongest of {' × '.join(counts)}"] if counts else []
