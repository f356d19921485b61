"""Curves in a figure: the outputs of a classifier over time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from embviz.plotting import style
from embviz.plotting.heatmap_data import HeatmapCells
from embviz.plotting.save import FAINT, INK

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from embviz.core.embedding import Embedding


#: Colours and dashes of curves: each is seen on white and on black, and told apart by the colour-blind.
STROKES = (
    ("#1f86c9", "solid"), ("#d9691f", "7px,3px"), ("#1a9c74", "2px,2px"), ("#c25a9b", "9px,3px,2px,3px"),
    ("#a08518", "4px,2px"), ("#7f6fd8", "12px,4px"), ("#7d8790", "1px,3px"),
)  # fmt: skip


def select_strongest(answers: Embedding) -> tuple[Embedding, str]:
    """Return the classes of highest mean, as many as there are strokes, and a note of how many."""
    c = answers.shape[1]
    if c <= len(STROKES):
        return answers, f"{c} classes" if c > 1 else "1 class"
    ranked = np.argsort(-np.nan_to_num(answers.values).mean(axis=0), kind="stable")
    chosen = np.sort(ranked[: len(STROKES)])
    labels = tuple(answers.labels[i] for i in chosen)
    drawn = replace(answers, values=answers.values[:, chosen], labels=labels)
    return drawn, f"the strongest {len(STROKES)} of {c} classes"


def draw_curves(figure: Figure, embedding: Embedding, cells: HeatmapCells, box: style.PanelBox) -> None:
    """Draw a step line for each dimension, with a legend."""
    centers = (cells.edges[1:] + cells.edges[:-1]) / 2
    # From edge to edge: the first and the last step begin and end where their cells do.
    times = style.to_time_axis(np.concatenate([cells.edges[:1], centers, cells.edges[-1:]]))
    unit = style.plotly_text(embedding.unit)
    labels = style.unique_labels(embedding.labels, 28)
    for values, label, (color, dash) in zip(cells.values, labels, STROKES, strict=False):
        line = {"shape": "hvh", "width": 1.75, "color": color, "dash": dash}
        hover = style.hover_template([f"<b>{label}</b>", f"%{{y:.3~g}} {unit}".rstrip()], embedding, cells)
        item = {"name": style.color_span(label, INK), "hovertemplate": hover, "yaxis": f"y{box.axis}"}
        item["legend"] = f"legend{box.axis}"  # of each panel its own: strokes mean other things there
        figure.add_scatter(
            x=times, y=np.concatenate([values[:1], values, values[-1:]]), mode="lines", line=line, **item
        )
    likely = {"range": [-0.02, 1.02], "tick0": 0, "dtick": 0.5} if embedding.unit == "probability" else {"nticks": 5}
    title = {"text": style.color_span(unit, FAINT), "standoff": 6, "font_size": 11}
    axis = style.side_axis(box) | {"title": title, "showgrid": True, "gridcolor": style.EMPTY, **likely}
    legend = {
        "x": 1, "xanchor": "left", "y": box.top, "yanchor": "top", "bgcolor": style.CLEAR, "font_size": 11,
        "maxheight": box.height, "itemwidth": 36, "tracegroupgap": 0,
    }  # fmt: skip
    figure.update_layout({f"yaxis{box.axis}": axis, f"legend{box.axis}": legend})
