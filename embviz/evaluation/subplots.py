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
from embviz.plotting.style import CLEAR, POINTER_TEXT, base_layout, color_span, plotly_text, write_text

if TYPE_CHECKING:
    from numpy.typing import NDArray
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


@dataclass(frozen=True)
class Values:
    """Accuracies with their intervals, in per cent, and what is shown when a pointer is over each."""

    at: NDArray[np.float64]  # where they stand on the other axis
    values: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    lines: Sequence[Sequence[str]]  # of text; the first is a name

    def hover(self, what: str) -> list[str]:
        """Return the hover text of each value, as markup."""
        texts = []
        for (name, *more), value, low, high in zip(self.lines, self.values, self.low, self.high, strict=True):
            interval = f" ({low:.1f} … {high:.1f})" if math.isfinite(low) and math.isfinite(high) else ""
            lines = [f"<b>{plotly_text(name)}</b>", f"{what}: {value:.1f} %{interval}", *map(plotly_text, more)]
            texts.append("<br>".join(lines))
        return texts

    def mark_sizes(self, usual: int, *, best: bool) -> NDArray[np.int64]:
        """Return the sizes of marks; the largest value has a larger one if `best`."""
        return np.where(best & (self.values >= self.values.max(initial=0)), BEST, usual)


@dataclass(frozen=True)
class Subplot:
    """One plot of a figure: its row and column from 1, and its width."""

    figure: Figure
    row: int
    column: int
    width: float
    last: bool  # whether there is none below it

    @property
    def _place(self) -> dict[str, int]:
        return {"row": self.row, "col": self.column}

    def write(self, text: str, **place: Any) -> None:
        """Write markup, at shares of the plot's width and height."""
        usual = {"showarrow": False, "borderpad": 0, "font_size": 11, "xanchor": "left", "yanchor": "bottom"}
        self.figure.add_annotation(text=text, xref="x domain", yref="y domain", **self._place, **usual | place)

    def set_x(self, title: str = "", **options: Any) -> None:
        """Set options of the axis below; its title stands below the last plot of a column."""
        if title and self.last:
            options["title"] = {"text": color_span(title, FAINT), "standoff": 8, "font_size": 11}
        self.figure.update_xaxes(**self._place, **options)

    def line(self, value: float, dash: str, *, upright: bool) -> None:
        """Draw a line through the whole plot at a value, in per cent."""
        draw = self.figure.add_vline if upright else self.figure.add_hline
        look = {"line": {"color": GREY, "width": 1.5, "dash": dash}, "layer": "below"}
        draw(value, **self._place, exclude_empty_subplots=False, **look)

    def draw_chance(
        self, chance: float, majority: float, ends: tuple[float, float], *, upright: bool, quantity: bool = False
    ) -> None:
        """Draw and label the scores of chance (in per cent) and majority; `majority` is NaN where it is not known."""
        majority = 100 * majority
        lines, text = [(chance, "dash")], f"chance {chance:.0f} %"
        if quantity:
            text = "0 %: the mean of the tracks"
        elif abs(majority - chance) >= 0.5:
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
        """Add points of a kind, with bars for their intervals."""
        color, symbol, size = KINDS[kind]
        sizes, line = points.mark_sizes(size, best=best), {"width": 2, "color": color}
        marker = {"symbol": symbol, "color": color, "size": sizes, "opacity": 1, "line": line}
        bars = {"type": "data", "symmetric": False, "color": color, "thickness": 1.6, "width": 4}
        ends = {"array": points.high - points.values, "arrayminus": points.values - points.low}
        places = {"x": points.values, "y": points.at.tolist(), "error_x": bars | ends}
        hover = points.hover(kind)
        self._add(kind, hover, mode="markers", marker=marker, legendgroup=kind, showlegend=listed, **places)

    def add_curve(self, curve: Values, number: int, name: str, *, listed: bool, best: bool = False) -> None:
        """Add the nth curve, with a band for its intervals."""
        color, group = COLORS[number % len(COLORS)], {"legendgroup": str(number)}
        red, green, blue = (int(color[place : place + 2], 16) for place in (1, 3, 5))
        band = {"x": np.concatenate([curve.at, curve.at[::-1]]), "y": np.concatenate([curve.high, curve.low[::-1]])}
        fill = {"fill": "toself", "fillcolor": f"rgba({red}, {green}, {blue}, 0.15)", "line_width": 0, "mode": "lines"}
        self.figure.add_scatter(**band, **fill, **group, hoverinfo="skip", showlegend=False, **self._place)
        marker = {"symbol": MARKS[number % len(MARKS)], "size": curve.mark_sizes(7, best=best), "color": color}
        look = {"mode": "lines+markers", "marker": marker | {"opacity": 1, "line_width": 0}, "zorder": 1}  # above bands
        line, hover = {"color": color, "width": 2, "dash": DASHES[number % len(DASHES)]}, curve.hover("accuracy")
        self._add(name, hover, x=curve.at, y=curve.values, line=line, showlegend=listed, **look, **group)

    def _add(self, name: str, hover: list[str], /, **look: Any) -> None:
        texts = {"name": color_span(plotly_text(name, LONGEST), INK), "customdata": hover}
        # Not cut at the axis: a mark at 100 % is seen whole.
        self.figure.add_scatter(cliponaxis=False, hovertemplate=POINTER_TEXT, **texts, **look, **self._place)


def make_grid(names: Sequence[str], height: int, *, left: int, legend: Sequence[str], below: int = 0) -> list[Subplot]:
    """Return a subplot for each name, in a grid on one figure.

    Where there are several, names stand above the plots, and the legend above all. `height` is that of each plot,
    `left` the room beside them, `below` that for names below the last row, beyond that for numbers.
    """
    from plotly.subplots import make_subplots

    from embviz.plotting.figure import StillFigure

    columns = {1: 1, 2: 2, 4: 2}.get(len(names), 3 if len(names) <= 6 else 4)
    rows = -(-len(names) // columns)
    gap = NAME + AXIS
    inner, across = rows * height + (rows - 1) * gap, WIDTH - left - MARGIN
    spacing = {
        "vertical_spacing": gap / inner if rows > 1 else 0,
        "horizontal_spacing": BETWEEN / across if columns > 1 else 0,
    }
    figure = make_subplots(rows=rows, cols=columns, shared_yaxes=True, figure=StillFigure(), **spacing)
    width = (across - BETWEEN * (columns - 1)) / columns
    grid = [
        Subplot(figure, i // columns + 1, i % columns + 1, width, last=i + columns >= len(names))
        for i in range(rows * columns)
    ]
    for subplot in grid[len(names) :]:
        subplot.set_x(visible=False)
        figure.update_yaxes(visible=False, row=subplot.row, col=subplot.column)
    for name, subplot in zip(names, grid, strict=False) if len(names) > 1 else ():
        text = plotly_text(name, max(8, int(width / (LETTER + 1))))
        subplot.write(color_span(f"<b>{text}</b>", INK), x=0, y=1, yshift=18, font_size=13)
    entry = int(max((len(name[:LONGEST]) for name in legend), default=0) * LETTER) + 8
    lines = -(-len(legend) // max(1, int(across // (entry + KEY)))) if len(legend) > 1 else 0
    top, bottom = TITLE + lines * LEGEND + (NAME if len(names) > 1 else 22), AXIS + 22 + below
    total, margin = top + inner + bottom, {"l": left, "r": MARGIN, "t": top, "b": bottom, "pad": 0}
    place = {"xanchor": "left", "yanchor": "top", "xref": "paper", "yref": "container", "x": 0}
    look = {"orientation": "h", "entrywidth": entry, "entrywidthmode": "pixels", "bgcolor": CLEAR, "font_size": 12}
    legend_box = place | {"y": 1 - (TITLE - 4) / total} | look
    figure.update_layout(width=WIDTH, height=total, margin=margin, legend=legend_box)
    return grid[: len(names)]


def finish_figure(figure: Figure, title: str, facts: Sequence[str]) -> Figure:
    """Return the figure with its title, facts below it, and the style of all figures."""
    figure.update_layout(base_layout(title, ""))
    write_text(figure, color_span(" · ".join(map(plotly_text, facts)), FAINT), yshift=figure.layout.margin.t - 52)
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
