"""What a notebook keeps of an Explorer: the page in front, as it was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embviz.app.given import title_of
from embviz.core.text import format_time, plural
from embviz.plotting.still_pictures import strips_drawing
from embviz.widgets.still import Still

if TYPE_CHECKING:
    from embviz.app.explorer.controller import ExplorerController
    from embviz.app.explorer.row import Row
    from embviz.app.work import DrawnWork
    from embviz.plotting.still_pictures import Strip


MOST_STRIPS = 12


def explorer_still(controller: ExplorerController) -> Still:
    """Return the still of the page in front; where that has nothing yet, that of the heatmaps."""
    tab = controller.context.panel.tab
    if tab == "map" and controller.map_tab.atlas is not None:
        return controller.map_tab.atlas.still()
    if tab == "evaluation" and (evaluation := controller.evaluation_tab.evaluation) is not None:
        return Still(_title(controller), ("Page: evaluation",), table=evaluation._repr_html_())
    if tab == "units" and (card := controller.units_tab.view) is not None:
        still = card.still()
        return Still(_title(controller), ("Page: units", still.title, *still.lines), still.draw, still.key)
    if tab == "units" and (units := controller.units_tab.units) is not None:
        return Still(_title(controller), ("Page: units",), table=units._repr_html_())
    if tab == "similarity" and (view := controller.similarity.work.view) is not None:
        still, work = view.still(), controller.similarity.work
        lines = (f"Page: self-similarity of {_name(work)}", *still.lines)
        return Still(_title(controller), lines, still.draw, still.key)
    works: list[DrawnWork] = list(controller.heatmaps.rows)
    page = "heatmaps"
    if tab == "layers" and any(work.drawn for work in controller.layers.rows):
        page, works = "layers", controller.layers.rows
    elif tab == "predictions" and any(work.drawn for work in controller.predictions.taggers):
        page, works = "predictions", [*controller.predictions.taggers, controller.predictions.tempo]
    return _strips_still(controller, page, works)


def _strips_still(controller: ExplorerController, page: str, works: list[DrawnWork]) -> Still:
    context = controller.context
    strips = [strip for work in works if (strip := _strip(work)) is not None][:MOST_STRIPS]
    lines = [f"Page: {page}"] * (page != "heatmaps") + [_track_line(controller)]
    missing = [f"{_name(work)}: {work.message or work.status}" for work in works if not work.drawn and work.status]
    lines += missing[:4]
    if not strips:
        return Still(_title(controller), tuple(lines))
    selected = tuple(context.player.range)
    duration = context.player.duration or max(float(strip.edges[-1]) for strip in strips)
    key = ([(id(strip.values), strip.title, strip.note) for strip in strips], selected, duration)
    return Still(_title(controller), tuple(lines), strips_drawing(strips, (0.0, duration), selected=selected), key)


def _strip(work: DrawnWork) -> Strip | None:
    if not work.drawn or work.view is None or getattr(work, "collapsed", False):
        return None
    t, d = work.view.shape[1], work.view.shape[0]
    strip: Strip | None = work.view.strip(_name(work), f"{plural(t, 'frame')} × {plural(d, 'dimension')}")
    return strip


def _name(work: DrawnWork | Row) -> str:
    return f"{title_of(work.model)} · {work.layer}" if work.model else "Nothing"


def _title(controller: ExplorerController) -> str:
    track = controller.context.track
    return f"Explorer · {track.title or track.name}" if track is not None else "Explorer without a track"


def _track_line(controller: ExplorerController) -> str:
    player, context = controller.context.player, controller.context
    if context.track is None:
        return plural(len(context.tracks), "track")
    if context.sound is None:
        return player.problem or "The track is being opened."
    line = f"{context.track.name} · {format_time(player.duration, 1)}"
    if player.range:
        line += f" · selected {format_time(player.range[0], 1)} to {format_time(player.range[1], 1)}"
    return line
