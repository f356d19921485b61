"""Heatmaps of embeddings and the poster's figure, drawn by plotly.

Conventions: time runs to the right, each cell between the true borders of its frame, and what no frame covers stays
empty. Numbers (dimensions, BPM) rise upwards; lists (tags, or dimensions in another order) read downwards. The time
axis is one of dates, counted from 1970, because plotly writes minutes and seconds for dates only: :func:`to_time_axis`
converts seconds to it. Backgrounds are transparent, and text takes its colour from the page it stands on.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.core.embedding import Embedding, check_embedding, format_period
from embviz.core.options import check_path
from embviz.core.text import format_magnitude, format_time, plural
from embviz.errors import ModelError, OptionError, WeightsError
from embviz.models import Model, find_model, model_title
from embviz.models.catalogue import POSTER
from embviz.plotting import style
from embviz.plotting.curve_figure import STROKES, draw_curves, select_strongest
from embviz.plotting.heatmap_data import (
    HeatmapCells,
    HeatmapOptions,
    color_scale,
    compute_cells,
    is_even,
    is_listed,
    measured_labels,
    scale_ticks,
)
from embviz.plotting.save import FAINT, GREY, INK
from embviz.plotting.still_pictures import Strip, strips_drawing

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from embviz.audio import AudioSource
    from embviz.core.cache import CacheOption
    from embviz.core.progress import Progress
    from embviz.extraction import EngineOption
    from embviz.heads import Head
    from embviz.plotting.picture import Drawing


# Pixels.
LINE = 110  # characters of a message
HEADING, GAP, BOTTOM, TITLE, MESSAGE, CURVES = 24, 16, 34, 44, 48, 160


def heatmap(
    embedding: Embedding,
    *,
    order: str = "index",
    scale: str = "none",
    colormap: str | None = None,
    height: int | None = None,
    head: Head | str | None = None,
) -> Figure:
    """Draw an embedding as a heatmap over time.

    Parameters
    ----------
    embedding : Embedding
        What is drawn, ``[t, d]``.
    order : {"index", "activity", "cluster"}
        Order of the dimensions: as the model has them; by their mean absolute value over time, largest on top; or
        such that dimensions with a similar course (Pearson correlation, average linkage) stand side by side. The
        labels at the side are always those of the dimensions themselves.
    scale : {"none", "zscore", "minmax"}
        Values as they are; each dimension in standard deviations from its mean; or each dimension from its lowest
        (0) to its highest (1). A dimension that never changes becomes 0. Colours end at 3 standard deviations.
    colormap : str, optional
        Name of one of plotly's colour scales. By default ``"viridis"``, except for values of both signs: those are
        drawn in ``"balance"``, which is as perceptually uniform and as safe for the colour-blind, but diverges from
        zero. A name that is given is always obeyed; a diverging scale is always centred on zero.
    height : int, optional
        Height of the figure in pixels; by default as the number of dimensions asks for. The width is the page's.
    head : Head or str, optional
        A classifier for this model and layer, or its name or task: what it says of each frame is drawn below, on the
        same time axis. Of more classes than there are strokes, the strongest are drawn.

    Returns
    -------
    plotly.graph_objects.Figure
        Where frames or dimensions are more than there are pixels, neighbours share a cell. It shows the value of
        largest magnitude among them (the largest value, where all have one sign), so that no event is lost, and the
        figure says so. A slice of the embedding, such as ``embedding[10:20]``, shows its frames one by one.

    Raises
    ------
    OptionError
        If an option has no such value, the embedding has no frames, or the head is for another layer.

    Examples
    --------
    >>> figure = heatmap(embviz.embed("song.mp3", "musicnn"), order="cluster")  # doctest: +SKIP
    >>> figure.add_vline(embviz.plotting.to_time_axis(83.2))  # doctest: +SKIP
    """
    look = HeatmapOptions(order, scale, colormap)
    t, d = check_embedding(embedding).shape
    below = []
    if head is not None:
        from embviz.heads import Head, get_head

        head = get_head(head, embedding.model) if isinstance(head, str) else head
        if not isinstance(head, Head):
            raise OptionError(f"head is a Head, or the name of one, {head!r:.80} was found.")
        answers, size = select_strongest(head.apply(embedding))
        below = [_Panel(head.title, (size,), answers, CURVES, curves=True)]
    roomy = 15 * d if d > 8 and is_listed(embedding.labels) else _panel_height(d, 520, 640)
    rest = HEADING + BOTTOM + TITLE + len(below) * (GAP + HEADING + CURVES)
    tall = roomy if height is None else height - rest
    size = f"{plural(t, 'frame')} × {plural(d, 'dimension')}"
    details = embedding.layer, size, format_period(embedding)
    panel = _Panel(model_title(embedding.model), details, embedding, max(96, tall))
    return _compose([panel, *below], look, embedding.title)


def poster(  # noqa: PLR0913  options are given by name
    audio: AudioSource,
    models: Iterable[str | Model | Embedding | Head] | None = None,
    *,
    layer: str = "embedding",
    order: str = "index",
    scale: str = "none",
    colormap: str | None = None,
    engine: EngineOption = "auto",
    progress: Progress = None,
    cache: CacheOption = None,
) -> Figure:
    """Draw the embeddings of one sound by several models: a panel each, over a common time axis.

    This is the figure of the poster "Deep embeddings with Essentia models" (ISMIR 2020). Nothing is downloaded: the
    panel of a model whose weights are not here says how to get them, and one that cannot run on this system says why.

    Parameters
    ----------
    audio : path or (samples, sample_rate)
        As for :func:`embviz.embed`.
    models : iterable of str, Model, Embedding or Head, optional
        From top to bottom; by default the six systems of the poster. Heads, by their names or tasks, are drawn as
        curves, those of many classes as heatmaps. Embeddings are drawn as they are, such as those that
        ``Vectors.embedding`` gives of vectors of your own.
    layer : str
        Layer of every model.
    order, scale, colormap
        As for :func:`heatmap`.
    engine, progress, cache
        As for :func:`embviz.embed`.

    Returns
    -------
    plotly.graph_objects.Figure
        For :func:`save_figure`.

    Raises
    ------
    AudioError
        If the sound cannot be read.
    ModelError, LayerError
        If there is no such model or layer.
    OptionError
        If an option has no such value.

    Examples
    --------
    >>> figure = poster("song.mp3", ["musicnn", "vggish"])  # doctest: +SKIP
    """
    from embviz.audio import Audio
    from embviz.extraction import embed
    from embviz.extraction.extract import find_obstacle
    from embviz.heads import Head
    from embviz.heads.lookup import is_head
    from embviz.models import get_model
    from embviz.models.weights import find_weights

    if not isinstance(audio, Audio | tuple):
        check_path(audio, "A track is a path, (samples, sample_rate) or Audio")
    look = HeatmapOptions(order, scale, colormap)
    single = isinstance(models, str | Model | Embedding | Head)
    items: list[Any] = [models] if single else list(POSTER if models is None else models)
    wanted: list[Model | Embedding | str] = []
    for item in items:
        if isinstance(item, Head) or (isinstance(item, str) and find_model(item) is None and is_head(item)):
            wanted.append(_answers(audio, item, engine, progress, cache))
        else:
            wanted.append(get_model(item) if isinstance(item, str) else item)
    records = [item for item in wanted if isinstance(item, Model)]
    missing = [record for record in records if find_weights(record) is None]
    reasons = {r.name: find_obstacle(r, layer, engine) for r in records if r not in missing}
    here = [record for record in records if not reasons.get(record.name, "missing")]
    found = iter(embed(audio, here, layer=layer, engine=engine, progress=progress, cache=cache) if here else ())
    pairs: list[tuple[Model | None, Embedding | str | None]] = [
        (None, item)
        if isinstance(item, Embedding | str)
        else (item, next(found) if item in here else reasons.get(item.name))
        for item in wanted
    ]
    title = audio.title if isinstance(audio, Audio) else "" if isinstance(audio, tuple) else Path(audio).name
    return _poster_figure(pairs, look, title)


def _answers(
    audio: AudioSource, head: str | Head, engine: EngineOption, progress: Progress, cache: CacheOption
) -> Embedding | str:
    """Return what a head says of a sound, or why it, or its extractor, is not here."""
    from embviz.extraction import embed

    try:
        return embed(audio, head=head, engine=engine, progress=progress, cache=cache)
    except (ModelError, WeightsError) as error:
        return str(error)


# -- the figure ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Panel:
    """One strip of a figure: a heading, and an embedding or a message in its place; height in pixels."""

    name: str
    details: tuple[str, ...]
    embedding: Embedding | None
    height: int
    message: str = ""
    curves: bool = False


def _poster_figure(
    pairs: Sequence[tuple[Model | None, Embedding | str | None]], look: HeatmapOptions, title: str
) -> Figure:
    """Draw an embedding for each model, or for none; or why there is none, or None where weights are missing."""
    titles = [embedding.title for _, embedding in pairs if isinstance(embedding, Embedding)]
    return _compose([_poster_panel(*pair) for pair in pairs], look, next(filter(None, titles), title))


def _poster_panel(model: Model | None, embedding: Embedding | str | None) -> _Panel:
    if isinstance(embedding, Embedding) and "head" in embedding.info and embedding.shape[1] <= len(STROKES):
        answers, size = select_strongest(embedding)
        return _Panel(embedding.layer, (model_title(embedding.model), size), answers, CURVES, curves=True)
    if isinstance(embedding, Embedding):
        d = embedding.shape[1]
        layer = "" if embedding.layer == "embedding" else embedding.layer
        known = _model_facts(model or find_model(embedding.model))
        details = layer, *known, f"{plural(d, 'dimension')} {format_period(embedding)}"
        title = model_title(embedding.model) if model is None else model.title
        return _Panel(title, details, embedding, max(MESSAGE, _panel_height(d, 128, 256)))
    lines = [style.plotly_text(line, LINE) for line in textwrap.wrap(embedding or "", LINE)]
    if model is None:
        return _Panel("", (), None, MESSAGE, "<br>".join(lines))
    details = *_model_facts(model), *([plural(model.dimensions, "dimension")] if model.dimensions else [])
    return _Panel(model.title, details, None, MESSAGE, "<br>".join(lines) or _missing_weights(model))


def _model_facts(model: Model | None) -> list[str]:
    if model is None:
        return []
    # The details of the task stand in the model's record; here a narrow page has to hold the line.
    size = [f"{format_magnitude(model.parameters)} parameters"] if model.parameters else []
    return [re.split(r"[(,;]", model.task)[0].strip(), *size]


def _missing_weights(model: Model) -> str:
    code = "<span style=\"font-family: ui-monospace, 'Liberation Mono', monospace\">{}</span>".format
    return (
        "Its weights are not on this computer yet. Get them, or take them from a folder:<br>"
        f"{code(f'embviz pull {style.plotly_text(model.name)}')} &nbsp; or &nbsp; {code('embviz pull --from DIR')}"
    )


def _compose(panels: Sequence[_Panel], look: HeatmapOptions, title: str) -> Figure:
    """Stack panels over one time axis."""
    from embviz.plotting.figure import StillFigure

    figure = StillFigure()
    strips = []
    inner = sum(HEADING + panel.height for panel in panels) + GAP * (len(panels) - 1)
    top = 0
    for number, panel in enumerate(panels, start=1):
        top += HEADING
        alone = sum(not panel.curves for panel in panels) == 1
        box = style.PanelBox(number, 1 - (top + panel.height) / inner, 1 - top / inner, panel.height, alone)
        strips += _draw(figure, panel, look, box)
        top += panel.height + GAP
    embeddings = [panel.embedding for panel in panels if panel.embedding is not None]
    duration = format_time(max(embedding.duration for embedding in embeddings)) if embeddings else ""
    margin = {"l": 48, "r": 64, "t": TITLE, "b": BOTTOM, "pad": 0}
    figure.update_layout(style.base_layout(title, duration), height=inner + TITLE + BOTTOM, margin=margin)
    figure.update_xaxes(**_time_axis(embeddings))
    return figure.keep_still(lambda: _still(figure, strips)) if strips else figure


def _still(figure: Figure, strips: Sequence[Strip]) -> Drawing:
    """Return what draws a figure of heatmaps as it is now: its time axis, and the moments that were marked."""
    first, last = map(style.from_time_axis, figure.layout.xaxis.range)
    upright = [shape.x0 for shape in figure.layout.shapes if shape.type == "line" and shape.x0 == shape.x1]
    notes = [note for note in figure.layout.annotations if note.xref in {None, "x"}]
    names = {style.from_time_axis(note.x): style.bare_text(note.text or "") for note in notes}
    marks = [(second, names.get(second, "")) for second in dict.fromkeys(map(style.from_time_axis, upright))]
    return strips_drawing(strips, (first, last), marks=marks)


def _draw(figure: Figure, panel: _Panel, look: HeatmapOptions, box: style.PanelBox) -> list[Strip]:
    """Draw a panel; return what a still draws of it, in a list."""
    corners = {"xref": "paper", "yref": "paper", "x0": 0, "x1": 1, "y0": box.bottom, "y1": box.top}
    figure.add_shape(type="rect", **corners, fillcolor=style.EMPTY, line_width=0, layer="below")
    details = list(map(style.plotly_text, filter(None, panel.details)))
    if panel.embedding is None:
        place = {"y": (box.top + box.bottom) / 2, "yanchor": "middle", "xshift": 12, "align": "left"}
        style.write_text(figure, style.color_span(panel.message, FAINT), **place)
        strips = []
    elif panel.curves:
        cells = compute_cells(panel.embedding, HeatmapOptions("index", "none", None), panel.height)
        draw_curves(figure, panel.embedding, cells, box)
        details += style.pooling_note(cells)
        names = [panel.embedding.labels[i] for i in cells.order] if panel.embedding.labels else []
        strips = [_strip(panel, cells, HeatmapOptions("index", "none", None), names, listed=True)]
    else:
        cells = compute_cells(panel.embedding, look, panel.height)
        rows = _rows(panel.embedding.labels, cells, look.order)
        _add_heatmap(figure, panel.embedding, cells, rows, look, box)
        figure.update_layout({f"yaxis{box.axis}": _row_axis(rows, box)})
        details += style.pooling_note(cells)
        if cells.constant and cells.values.shape[1] > 1:
            details.append(f"{cells.constant:,} never change")
        strips = [_strip(panel, cells, look, rows.names, listed=rows.listed and not rows.numbers)]
        details += ["shorter than one patch, repeated to fill it"] * panel.embedding.padded
    name = style.color_span(f"<b>{style.plotly_text(panel.name)}</b>", INK)
    text = f"{name}&nbsp; {style.color_span(' · '.join(details), FAINT)}"
    style.write_text(figure, text, y=box.top, yshift=2, align="left")
    return strips


def _strip(
    panel: _Panel, cells: HeatmapCells, look: HeatmapOptions, names: Sequence[str], *, listed: bool
) -> Strip:  # fmt: skip
    """Return what a still draws of a panel, whose rows may have names."""
    from plotly.colors import get_colorscale, sample_colorscale

    colors = color_scale(cells, look)
    ends, scale = (colors["zmin"], colors["zmax"]), colors["colorscale"]
    own = []
    if look.colormap is not None:
        stops = sample_colorscale(get_colorscale(scale) if isinstance(scale, str) else scale, 16, colortype="tuple")
        own = ["#" + "".join(f"{round(255 * part):02x}" for part in stop) for stop in stops]
    order = np.arange(len(cells.values))[:: 1 if listed else -1]
    signed = "signed" if cells.signed else "none"
    note = " · ".join(filter(None, panel.details))
    return Strip(panel.name, note, cells.values.T, cells.edges, order, signed, cells.signed, ends, own, names)


def _add_heatmap(
    figure: Figure, embedding: Embedding, cells: HeatmapCells, rows: _RowAxis, look: HeatmapOptions, box: style.PanelBox
) -> None:
    units = {"none": embedding.unit, "zscore": "standard deviations from its mean", "minmax": "of its range"}
    value = f"%{{z:.3~g}} {style.plotly_text(units[look.scale])}".rstrip()
    hover = style.hover_template([f"<b>{rows.hover}</b>", value], embedding, cells)
    colors = color_scale(cells, look) | {"colorbar": _color_bar(embedding, look.scale, box)}
    places = {"x": style.to_time_axis(cells.edges), "y": rows.places, "yaxis": f"y{box.axis}"}
    figure.add_heatmap(z=cells.values, **places, hoverongaps=False, hovertemplate=hover, **colors)


def _color_bar(embedding: Embedding, scale: str, box: style.PanelBox) -> dict[str, Any]:
    units = {"none": embedding.unit or "value", "zscore": "standard deviations", "minmax": "share of its range"}
    title = {"text": style.color_span(style.plotly_text(units[scale]), FAINT), "side": "right"} if box.alone else {}
    return {
        "title": title, "thickness": 10, "outlinewidth": 0, "ticklen": 3, "tickcolor": GREY, "xpad": 10, "ypad": 0,
        "x": 1, "y": box.top, "yanchor": "top", "lenmode": "pixels", "len": min(box.height, 320),
        "nticks": int(np.clip(box.height // 24, 2, 6)), "tickfont_size": 11, **style.tick_colors(),
    }  # fmt: skip


# -- axes ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _RowAxis:
    """The side of a heatmap: where rows stand (numbers, or names for a list), title of the axis, text for one row."""

    places: list[Any]
    title: str
    hover: str
    listed: bool
    # What uneven numbers measure: rows are as tall as each other, as in a page, and rise upwards.
    numbers: Sequence[float] = ()

    @property
    def names(self) -> list[str]:
        """What a still writes beside the rows; nothing where these are dimensions in their own order."""
        if self.listed:
            return list(map(style.bare_text, self.places))
        return (
            [] if self.title == "dimension" else [f"{place:g} {style.bare_text(self.title)}" for place in self.places]
        )


def _rows(labels: Sequence[str], cells: HeatmapCells, how: str) -> _RowAxis:
    groups = [cells.order[start : start + cells.per_row] for start in range(0, len(cells.order), cells.per_row)]
    more = f" and the next {cells.per_row - 1}" if cells.per_row > 1 else ""
    measured = measured_labels(labels) if how == "index" else None
    if measured:
        numbers, unit = [measured[0][group[0]] for group in groups], style.plotly_text(measured[1])
        if is_even(measured[0]):
            return _RowAxis(numbers, unit, f"%{{y:.6~g}} {unit}{more}", listed=False)
        names = style.unique_labels(labels[group[0]] for group in groups)
        return _RowAxis(names, unit, f"%{{y}}{more}", listed=True, numbers=numbers)
    if not labels and how == "index":
        return _RowAxis([int(group[0]) for group in groups], "dimension", f"dimension %{{y:d}}{more}", listed=False)
    names = style.unique_labels([_row_label([labels[i] if labels else str(i) for i in group]) for group in groups])
    return _RowAxis(names, *(("", "%{y}") if labels else ("dimension", "dimension %{y}")), listed=True)


def _row_label(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{names[0]} … {names[-1]}"


def _row_axis(rows: _RowAxis, box: style.PanelBox) -> dict[str, Any]:
    n = len(rows.places)
    axis = style.side_axis(box)
    if rows.title and (box.alone or rows.title != "dimension"):
        axis["title"] = {"text": style.color_span(rows.title, FAINT), "standoff": 6, "font_size": 11}
    if rows.numbers:
        round_values = scale_ticks(rows.numbers, 16 * n / box.height)
        places, values = [place for place, _ in round_values], [f"{value:g}" for _, value in round_values]
        named = {"tickmode": "array", "tickvals": places, "ticktext": values}
        return axis | {"type": "category", "range": [-0.5, n - 0.5]} | named
    if rows.listed:
        return axis | {"type": "category", "range": [n - 0.5, -0.5]}
    first, last = rows.places[0], rows.places[-1]
    half = (last - first) / (n - 1) / 2 if n > 1 else 0.5
    ends = {"range": [first - half, last + half], "minallowed": first - half, "maxallowed": last + half}
    ticks = {"tickmode": "linear", "tick0": first, "dtick": 1} if n < 8 else {"nticks": max(3, box.height // 30)}
    return axis | {"type": "linear", **ends, **ticks}


def _time_axis(embeddings: Sequence[Embedding]) -> dict[str, Any]:
    spans = [_time_span(embedding) for embedding in embeddings] or [(0.0, 1.0)]
    first, last = min(span[0] for span in spans), max(span[1] for span in spans)
    ends = [str(end) for end in style.to_time_axis([first, max(last, first + 0.01)])]
    hours = "%-H:%M" if last >= 3600 else "%-M"
    stops = [((None, 999), f"{hours}:%S.%2f"), ((1000, None), f"{hours}:%S")]
    return {
        "type": "date", "anchor": "free", "position": 0, "showgrid": False, "zeroline": False,
        "range": ends, "minallowed": ends[0], "maxallowed": ends[1], "nticks": 16,
        "ticks": "outside", "ticklen": 4, "tickcolor": GREY, "tickfont_size": 11,
        "tickformatstops": [{"dtickrange": steps, "value": style.color_span(form, INK)} for steps, form in stops],
        "showticklabels": bool(embeddings),
    }  # fmt: skip


def _time_span(embedding: Embedding) -> tuple[float, float]:
    """Return the seconds to show: the track, or where the embedding is an excerpt of it, the excerpt."""
    grid = embedding.grid
    margin = (grid.patch + grid.hop) / grid.sample_rate
    first, last = float(grid.edges[0]), float(grid.edges[-1])
    return (0.0 if first <= margin else first), (grid.duration if last >= grid.duration - margin else last)


def _panel_height(d: int, usual: int, most: int) -> int:
    """Return a height at which every row is the same whole number of pixels, near `usual` and at most `most`."""
    rows = math.ceil(d / math.ceil(d / most)) if d else 1
    return rows * min(40, max(1, usual // rows))
