"""Subplots of a plotly figure: a grid of plots with points, curves with their bands, and lines of chance.

Conventions: values come as fractions and are drawn in per cent; `ends` are those of the axis of values, in per cent.
Sizes are pixels. Colours are told apart by the colour-blind, and from white paper as from black.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.plotting.save import FAINT, GREY, INK
from embviz.plotting.style import CLEAR, HOVER_INK, base_layout, color_span, plotly_text

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from plotly.graph_objects import Figure


# (colour, mark, size) of cross-validation, and of the other collection.
KINDS = {"cross-validation": ("#1f7ac4", "circle", 7), "external": ("#d0640a", "diamond-open", 8)}
# Of curves: no two share all three before 40 have been drawn.
COLORS = ["#1f7ac4", "#d0640a", "#0a8f6c", "#c0559a", "#8d7800", "#7d67d8", "#9a6248", "#7c858f"]
DASHES = ["solid", "dash", "dot", "dashdot", "longdash"]
MARKS = ["circle", "square", "diamond", "triangle-up", "cross", "x", "triangle-down", "star"]
FINE = "rgba(127, 127, 127, 0.22)"
BEST = 12  # size of the mark of what is best

WIDTH = 860
TITLE, LEGEND, NAME, AXIS, MARGIN = 62, 28, 46, 28, 24  # heights above and below plots, and what is left at the sides
BETWEEN = 22  # of plots side by side
LETTER, SMALL = 6.6, 5.6  # width of a letter of 12 and of 11 pixels, about
NUMBER = {False: 42, True: 32}  # room for a number on an axis, by whether it is without its unit
KEY = 44  # width of the sample of a curve in a legend
LONGEST = 48  # letters of a name

_HOVER = f'<span style="color: {HOVER_INK}">%{{customdata}}</span><extra></extra>'


@dataclass(frozen=True)
class Values:
    """Accuracies with their intervals, and the lines of text shown when a pointer is over each.

    Parameters
    ----------
    at : sequence of float
        Where they stand on the other axis.
    values, low, high : array-like of float
        Fractions.
    told : sequence of sequence of str
        Lines; the first is a name.
    """

    at: Sequence[float]
    values: ArrayLike
    low: ArrayLike
    high: ArrayLike
    lines: Sequence[Sequence[str]]

    def scaled(self) -> tuple[Any, Any, Any]:
        """Return values, low and high ends in per cent."""
        values, low, high = (100 * np.asarray(one, dtype=float) for one in (self.values, self.low, self.high))
        return values, low, high

    def hover(self, what: str) -> list[str]:
        """Return the hover text of each value, as markup."""
        shown = []
        for (name, *more), value, low, high in zip(self.lines, *self.scaled(), strict=True):
            interval = f" ({low:.1f} … {high:.1f})" if math.isfinite(low) and math.isfinite(high) else ""
            lines = [f"<b>{plotly_text(name)}</b>", f"{what}: {value:.1f} %{interval}", *map(plotly_text, more)]
            shown.append("<br>".join(lines))
        return shown


@dataclass(frozen=True)
class Subplot:
    """One plot of a figure: its row and column from 1, its width, the number of its axes."""

    figure: Figure
    row: int
    column: int
    width: float
    number: int
    last: bool  # whether there is none below it

    @property
    def _axes(self) -> tuple[str, str]:
        number = "" if self.number == 1 else str(self.number)
        return f"x{number}", f"y{number}"

    def write(self, text: str, **place: Any) -> None:
        """Write markup, at shares of the plot's width and height."""
        x, y = self._axes
        usual = {"showarrow": False, "borderpad": 0, "font_size": 11, "xanchor": "left", "yanchor": "bottom"}
        self.figure.add_annotation(text=text, **usual | {"xref": f"{x} domain", "yref": f"{y} domain"} | place)

    def set_x(self, title: str = "", **options: Any) -> None:
        """Set options of the axis below; its title stands below the last plot of a column."""
        if title and self.last:
            options["title"] = {"text": color_span(title, FAINT), "standoff": 8, "font_size": 11}
        self.figure.update_xaxes(row=self.row, col=self.column, **options)

    def line(self, value: float, dash: str, *, upright: bool) -> None:
        """Draw a line through the whole plot at a value, in per cent."""
        x, y = self._axes
        ends = {"x0": 0, "x1": 1, "y0": value, "y1": value, "xref": f"{x} domain", "yref": y}
        if upright:
            ends = {"x0": value, "x1": value, "y0": 0, "y1": 1, "xref": x, "yref": f"{y} domain"}
        self.figure.add_shape(type="line", line={"color": GREY, "width": 1.5, "dash": dash}, layer="below", **ends)

    def draw_chance(self, classes: int, majority: float, ends: tuple[float, float], *, upright: bool) -> None:
        """Draw and label the scores of chance and majority; `majority` is NaN where it is not known."""
        chance, majority = 100 / classes, 100 * majority
        lines, text = [(chance, "dash")], f"chance {chance:.0f} %"
        if abs(majority - chance) >= 0.5:
            lines.append((majority, "dot"))
            text = f"{text} (dashed), majority {majority:.0f} % (dotted)"
        elif math.isfinite(majority):
            text = f"chance and majority {chance:.0f} %"
        for value, dash in lines:
            self.line(value, dash, upright=upright)
        if not upright:
            self.write_level(text, max(value for value, _ in lines), ends)
            return
        place, room = (chance - ends[0]) / (ends[1] - ends[0]), len(text) * SMALL / self.width
        self.write(color_span(text, FAINT), x=min(max(0.0, place - room / 2), max(0.0, 1 - room)), y=1, yshift=4)

    def write_level(self, text: str, value: float, ends: tuple[float, float]) -> None:
        """Write a text above a line at a value."""
        place = (value - ends[0]) / (ends[1] - ends[0])
        self.write(color_span(plotly_text(text, 120), FAINT), x=1, y=place, xanchor="right", yshift=1)

    def add_points(self, points: Values, kind: str, *, listed: bool, best: bool) -> None:
        """Add points of a kind, with bars for their intervals; the largest value has a larger mark if `best`."""
        import plotly.graph_objects as go

        color, mark, size = KINDS[kind]
        values, low, high = points.scaled()
        bars = {"type": "data", "symmetric": False, "array": high - values, "arrayminus": values - low}
        sizes = np.where(best & (values >= values.max(initial=0)), BEST, size)
        looks = {"symbol": mark, "color": color, "size": sizes, "opacity": 1}
        self._add(
            go.Scatter(
                x=values,
                y=list(points.at),
                mode="markers",
                name=color_span(kind, INK),
                legendgroup=kind,
                showlegend=listed,
                marker=looks | {"line": {"width": 2, "color": color}},
                error_x=bars | {"color": color, "thickness": 1.6, "width": 4},
                customdata=points.hover(kind),
                hovertemplate=_HOVER,
                cliponaxis=False,  # a mark at 100 % is seen whole
            )
        )

    def add_curve(self, curve: Values, number: int, name: str, *, listed: bool, best: bool = False) -> None:
        """Add the nth curve, with a band for its intervals; the largest value has a larger mark if `best`."""
        import plotly.graph_objects as go

        color = COLORS[number % len(COLORS)]
        values, low, high = curve.scaled()
        at = np.asarray(curve.at, dtype=float)
        red, green, blue = (int(color[place : place + 2], 16) for place in (1, 3, 5))
        self._add(
            go.Scatter(
                x=np.concatenate([at, at[::-1]]),
                y=np.concatenate([high, low[::-1]]),
                mode="lines",
                fill="toself",
                fillcolor=f"rgba({red}, {green}, {blue}, 0.15)",
                line_width=0,
                hoverinfo="skip",
                legendgroup=str(number),
                showlegend=False,
            )
        )
        sizes = np.where(best & (values >= values.max(initial=0)), BEST, 7)
        looks = {"symbol": MARKS[number % len(MARKS)], "size": sizes, "color": color, "opacity": 1, "line_width": 0}
        self._add(
            go.Scatter(
                x=at,
                y=values,
                mode="lines+markers",
                zorder=1,  # above the bands of all
                name=color_span(plotly_text(name, LONGEST), INK),
                legendgroup=str(number),
                showlegend=listed,
                line={"color": color, "width": 2, "dash": DASHES[number % len(DASHES)]},
                marker=looks,
                customdata=curve.hover("accuracy"),
                hovertemplate=_HOVER,
                cliponaxis=False,
            )
        )

    def _add(self, trace: Any) -> None:
        self.figure.add_trace(trace, row=self.row, col=self.column)


def subplot_grid(
    names: Sequence[str], height: int, *, left: int, legend: Sequence[str], below: int = 0
) -> list[Subplot]:
    """Return a subplot for each name, in a grid on one figure.

    Parameters
    ----------
    names : sequence of str
        Written above the plots, where they are several.
    height : int
        Of each plot.
    left : int
        Room for what stands beside them.
    legend : sequence of str
        What is listed above them, where it is more than one.
    below : int
        Room for names below the last row, beyond that for numbers.
    """
    from plotly.subplots import make_subplots

    columns = {1: 1, 2: 2, 4: 2}.get(len(names), 3 if len(names) <= 6 else 4)
    rows = -(-len(names) // columns)
    gap = NAME + AXIS
    inner, across = rows * height + (rows - 1) * gap, WIDTH - left - MARGIN
    figure = make_subplots(
        rows=rows,
        cols=columns,
        shared_yaxes=True,
        vertical_spacing=gap / inner if rows > 1 else 0,
        horizontal_spacing=BETWEEN / across if columns > 1 else 0,
    )
    width = (across - BETWEEN * (columns - 1)) / columns
    made = [
        Subplot(figure, i // columns + 1, i % columns + 1, width, i + 1, last=i + columns >= len(names))
        for i in range(rows * columns)
    ]
    for subplot in made[len(names) :]:
        subplot.set_x(visible=False)
        figure.update_yaxes(visible=False, row=subplot.row, col=subplot.column)
    for name, subplot in zip(names, made, strict=False):
        if len(names) > 1:
            text = plotly_text(name, max(8, int(width / (LETTER + 1))))
            subplot.write(color_span(f"<b>{text}</b>", INK), x=0, y=1, yshift=18, font_size=13)
    entry = int(max((len(name[:LONGEST]) for name in legend), default=0) * LETTER) + 8
    lines = -(-len(legend) // max(1, int(across // (entry + KEY)))) if len(legend) > 1 else 0
    top, bottom = TITLE + lines * LEGEND + (NAME if len(names) > 1 else 22), AXIS + 22 + below
    total = top + inner + bottom
    figure.update_layout(
        width=WIDTH,
        height=total,
        margin={"l": left, "r": MARGIN, "t": top, "b": bottom, "pad": 0},
        legend={
            "orientation": "h",
            "xanchor": "left",
            "yanchor": "top",
            "xref": "paper",
            "yref": "container",
            "x": 0,
            "y": 1 - (TITLE - 4) / total,
            "entrywidth": entry,
            "entrywidthmode": "pixels",
            "bgcolor": CLEAR,
            "font_size": 12,
        },
    )
    return made[: len(names)]


def finish_figure(figure: Figure, title: str, facts: Sequence[str]) -> Figure:
    """Return the figure with its title, facts below it, and the style of all figures."""
    kept = {name: figure.layout[name] for name in ("margin", "width", "height")}
    figure.update_layout({**base_layout(title, ""), **kept})
    figure.add_annotation(
        text=color_span(" · ".join(map(plotly_text, facts)), FAINT), xref="paper", yref="paper", x=0, y=1,
        xanchor="left",
        yanchor="bottom", yshift=figure.layout.margin.t - 52, showarrow=False, borderpad=0, font_size=12,
    )  # fmt: skip
    line = {"showline": True, "linecolor": FINE, "gridcolor": FINE, "zeroline": False, "tickcolor": GREY}
    figure.update_xaxes(ticks="outside", ticklen=4, tickfont_size=11, **line)
    figure.update_yaxes(ticks="", tickfont_size=12, **line)
    return figure


# Axes. ---------------------------------------------------------------------------------------------------------------


def percent_axis(ends: tuple[float, float], room: float, *, brief: bool = False) -> dict[str, Any]:
    """Return an axis of accuracies, with as many numbers as there is room for; if `brief`, the last has the unit."""
    least = (ends[1] - ends[0]) * NUMBER[brief] / room
    step = next((step for step in (5, 10, 20, 25) if step >= least), 50)
    at = [value for value in range(0, 101, step) if ends[0] <= value <= ends[1]]
    shown = [f"{value}" if brief and value < at[-1] else f"{value} %" for value in at]
    return {"range": list(ends), "tickangle": 0, **tick_labels(shown, at)}


def tick_labels(names: Iterable[str], at: Iterable[float] | None = None, longest: int = LONGEST) -> dict[str, Any]:
    """Return an axis with names at places, by default at 0, 1, 2 …"""
    shown = [color_span(plotly_text(name, longest), INK) for name in names]
    return {"tickmode": "array", "tickvals": list(range(len(shown))) if at is None else list(at), "ticktext": shown}


def label_width(names: Iterable[str]) -> int:
    """Return the width of names beside a plot, in pixels."""
    return int(max(len(name[:LONGEST]) for name in names) * LETTER) + MARGIN
