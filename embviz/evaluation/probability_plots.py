"""Plots of what probabilities are worth: how often they come true, and what a threshold on them costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from embviz.evaluation import subplots
from embviz.plotting.save import FAINT, GREY
from embviz.plotting.style import POINTER_TEXT, color_span, plotly_text

if TYPE_CHECKING:
    import pandas as pd
    from plotly.graph_objects import Figure


SIDE = 380  # pixels of a square plot, and the height of one that is none
LEFT = 64
LOW, HIGH = -2.0, 102.0  # per cent, of the axes


def calibration_plot(table: pd.DataFrame, title: str) -> Figure:
    """Draw the share of tracks that have a label against how probable that was said to be.

    Parameters
    ----------
    table : DataFrame
        As :meth:`embviz.evaluation.Evaluation.calibration` returns it.
    title : str
        Shown above.

    Returns
    -------
    plotly.graph_objects.Figure
        The larger the mark, the more tracks; on the dotted line a probability is what it says.
    """
    [subplot] = subplots.make_grid([""], SIDE, left=LEFT, legend=[])
    figure = subplot.figure
    figure.add_scatter(
        x=[0, 100], y=[0, 100], mode="lines", line={"color": GREY, "dash": "dot", "width": 1}, hoverinfo="skip",
        showlegend=False,
    )  # fmt: skip
    texts = [
        f"said: {100 * row.probability:.1f} %<br>there: {100 * row.share:.1f} %<br>{row.number:,} tracks"
        for row in table.itertuples()
    ]
    sizes = 6 + 14 * (table["number"] / max(1, table["number"].max())) ** 0.5
    _add_curve(figure, 100 * table["probability"], 100 * table["share"], texts, 0, size=sizes)
    _set_axes(figure)
    return subplots.finish_figure(
        figure,
        title,
        ["up: the share that has the label", "across: the probability that was given", "dotted: they agree"],
    )


def threshold_plot(table: pd.DataFrame, title: str) -> Figure:
    """Draw precision, recall and F1 against the threshold, and mark the one of least cost.

    Parameters
    ----------
    table : DataFrame
        As :meth:`embviz.evaluation.Evaluation.thresholds` returns it.
    title : str
        Shown above.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    names = ("precision", "recall", "f1")
    [subplot] = subplots.make_grid([""], SIDE, left=LEFT, legend=names)
    figure, known = subplot.figure, table[table["threshold"].between(0, 1)]
    at = 100 * known["threshold"]
    counts = [
        f"{row.misses:,.0f} missed, {row.alarms:,.0f} false alarms, cost {row.cost:.3g}" for row in known.itertuples()
    ]
    for i, name in enumerate(names):
        values = zip(known[name], at, counts, strict=True)
        texts = [
            f"<b>{name}</b>: {value:.1%}<br>given from {place:.1f} % on<br>{more}" for value, place, more in values
        ]
        _add_curve(figure, at, 100 * known[name], texts, i, name=name)
    facts = ["across: the threshold on the probability"]
    if len(known):
        best = known.loc[known["cost"].idxmin()]
        figure.add_vline(100 * best["threshold"], line={"color": GREY, "dash": "dot", "width": 1})
        facts.append(f"dotted: the least cost, {best['cost']:.3g} per track, from {100 * best['threshold']:.1f} % on")
    _set_axes(figure)
    return subplots.finish_figure(figure, title, facts)


def top_k_plot(shares: Sequence[float], classes: int, title: str) -> Figure:
    """Draw the share of tracks of which a true class, or label, is among the k most probable, against k.

    Parameters
    ----------
    shares : sequence of float
        The shares for k from 1 on, as :meth:`embviz.evaluation.Evaluation.top_k` returns them.
    classes : int
        How many there are.
    title : str
        Shown above.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    [subplot] = subplots.make_grid([""], SIDE, left=LEFT, legend=[])
    figure, k = subplot.figure, list(range(1, len(shares) + 1))
    texts = [
        f"among the {n} most probable of {classes:,}<br>{share:.1%} of the tracks"
        for n, share in zip(k, shares, strict=True)
    ]
    _add_curve(figure, k, [100 * share for share in shares], texts, 0)
    _set_axes(figure)
    figure.update_xaxes(range=[0.5, len(shares) + 0.5], ticksuffix="", dtick=max(1, len(shares) // 10))
    facts = ["up: tracks with a true one among the k most probable", f"across: k, of {classes:,}"]
    return subplots.finish_figure(figure, title, facts)


def _set_axes(figure: Figure) -> None:
    for axis in (figure.update_xaxes, figure.update_yaxes):
        axis(range=[LOW, HIGH], ticksuffix=" %", dtick=20)


def _add_curve(figure: Figure, x: Any, y: Any, texts: list[str], number: int, *, name: str = "", size: Any = 5) -> None:
    color = subplots.COLORS[number % len(subplots.COLORS)]
    marker = {"color": color, "size": size, "symbol": subplots.MARKS[number]}
    line = {"color": color, "dash": subplots.DASHES[number % len(subplots.DASHES)], "width": 1.5}
    figure.add_scatter(
        x=x, y=y, mode="lines+markers", marker=marker, line=line, customdata=texts, hovertemplate=POINTER_TEXT,
        name=color_span(plotly_text(name), FAINT), showlegend=bool(name),
    )  # fmt: skip
