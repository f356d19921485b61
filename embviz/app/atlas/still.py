"""What a notebook keeps of an Atlas: its maps, their colours and what is selected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embviz.core.text import format_cell, plural
from embviz.plotting.still_pictures import side_by_side
from embviz.widgets.still import Still

if TYPE_CHECKING:
    from embviz.app.atlas.controller import AtlasController
    from embviz.app.atlas.map_view import MapView
    from embviz.widgets.scatter import Scatter


MOST_LISTED = 5  # selected tracks


def atlas_still(controller: AtlasController) -> Still:
    """Return the still of the first map, and beside it the second where there is one."""
    context, (first, second) = controller.context, controller.views
    visible = first.visible
    lines = [plural(len(context.table), "track")]
    if visible is None:
        lines.append(" ".join(filter(None, [first.work.message or first.work.stage, first.work.remedy])))
        return Still(f"Map · {first.title}", tuple(filter(None, lines)))
    still = _map_still(controller, first, visible.scatter)
    color = visible.scatter.color.get("title")
    told = [first.describe(visible), *(note.rstrip(".") for note in first.notes(visible) if visible.axes)]
    facts = [plural(visible.scatter.n, "point"), *[f"colour: {color}"] * bool(color), *told]
    lines = [" · ".join(facts)]
    lines += [line for line in still.lines[0].split(" · ") if line.startswith("left out")]
    lines += [f"not yet the map that was asked for: {first.work.stage}"] * first.preliminary
    draw, key = still.draw, still.key
    if second.visible is not None:
        beside = _map_still(controller, second, second.visible.scatter)
        lines.append(f"beside it: {second.title}")
        if still.draw is not None and beside.draw is not None:
            draw = side_by_side([(first.title, still.draw), (second.title, beside.draw)])
        key = (key, beside.key)
    if selected := _selected_line(controller):
        lines.append(selected)
    return Still(f"Map · {first.title}", (*lines, *still.lines[1:]), draw, key)


def _map_still(controller: AtlasController, view: MapView, scatter: Scatter) -> Still:
    # The page draws what its filters leave out, and does not tell the map in the kernel.
    passes = np.ones(scatter.n, bool)
    if controller.facets.points() is not None:
        passes = np.isin(np.arange(scatter.n), view.points_of(controller.facets.labels()))
    return scatter.still(passes)


def _selected_line(controller: AtlasController) -> str:
    labels, table = controller.selection.labels, controller.context.table
    if not len(labels):
        return ""
    names = next((table[name] for name in ("title", "name") if name in table.columns), None)
    shown = list(dict.fromkeys(np.asarray(labels).tolist()))[:MOST_LISTED]
    listed = [format_cell(names.get(label)) or f"track {label}" for label in shown] if names is not None else []
    return f"selected: {', '.join(listed)}{'…' * (len(labels) > len(listed))}"
