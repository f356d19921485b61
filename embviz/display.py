"""Heatmaps of embeddings and the poster's figure, drawn by plotly.

Conventions: an embedding is ``[t, d]``; only here it is transposed, so that a picture is ``[d, t]``. Time runs to the
right, each cell between the true borders of its frame, and what no frame covers stays empty. Numbers (dimensions,
BPM) rise upwards; lists (tags, or dimensions in another order) read downwards. The time axis is one of dates, counted
from 1970, because plotly writes minutes and seconds for dates only: :func:`clock` converts seconds to it.

Backgrounds are transparent. No single grey reads well on both white and JupyterLab's dark page (4.3 : 1 is the best
there is), so text takes its colour from the page it stands on, through CSS variables, and that grey is only what is
left where there is no page to ask.
"""

from __future__ import annotations

import html
import json
import math
import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz import _tensors
from embviz.embedding import Embedding
from embviz.errors import EmbvizError, OptionError, did_you_mean
from embviz.models.record import Model

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from plotly.graph_objects import Figure

    from embviz._progress import Progress

__all__ = ["SYSTEMS", "FigureError", "clock", "heatmap", "poster", "save_figure"]

SYSTEMS = ("musicnn", "vgg", "tempocnn", "openl3", "vggish", "spleeter")
"""The six systems of the poster, from top to bottom."""

ORDERS = ("index", "activity", "cluster")
SCALES = ("none", "zscore", "minmax")
THEMES = ("auto", "light", "dark")
SUFFIXES = (".html", ".png", ".svg")

# Cells smaller than a pixel would not be drawn at all, so they are pooled before. A page is about this wide.
MAX_COLUMNS = 1200
# More labels than this do not fit beside a heatmap.
MAX_LABELS = 64
# Leaves are put into their best order up to here; beyond, that step takes longer than the reader waits.
MAX_SORTED_LEAVES = 600

GREY = "#7a7a7a"
INK = f"var(--embviz-ink, var(--jp-content-font-color1, var(--vscode-editor-foreground, {GREY})))"
FAINT = f"var(--embviz-faint, var(--jp-content-font-color2, var(--vscode-editor-foreground, {GREY})))"
CLEAR = "rgba(0, 0, 0, 0)"
EMPTY = "rgba(127, 127, 127, 0.10)"
HOVER_PAPER, HOVER_INK = "#24292f", "#f2f2f2"
PAGES = {
    "light": {"paper": "#ffffff", "ink": "#1f2328", "faint": "#59636e"},
    "dark": {"paper": "#111111", "ink": "#e6e6e6", "faint": "#a0a6ad"},
}
FONT = "system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', Arial, sans-serif"

# Pixels.
HEADING, GAP, BOTTOM, TITLE, MESSAGE = 24, 16, 34, 44, 48


class FigureError(EmbvizError):
    """A figure could not be written as a picture."""


def heatmap(
    embedding: Embedding,
    *,
    order: str = "index",
    scale: str = "none",
    colormap: str | None = None,
    height: int | None = None,
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

    Returns
    -------
    plotly.graph_objects.Figure
        Where frames or dimensions are more than there are pixels, neighbours share a cell. It shows the value of
        largest magnitude among them (the largest value, where all have one sign), so that no event is lost, and the
        figure says so. A slice of the embedding, such as ``embedding[10:20]``, shows its frames one by one.

    Raises
    ------
    OptionError
        If an option has no such value, or the embedding has no frames.
    """
    look = _Look(order, scale, colormap)
    t, d = embedding.shape
    roomy = 15 * d if embedding.labels and 8 < d <= MAX_LABELS else _pixels(d, 520, 640)
    tall = roomy if height is None else height - HEADING - BOTTOM - TITLE
    size = f"{_count(t, 'frame')} × {_count(d, 'dimension')}"
    panel = _Panel(embedding.model, (embedding.layer, size, _every(embedding)), embedding, max(96, tall))
    return _compose([panel], look, embedding.title)


def poster(
    audio: Any,
    models: Iterable[str | Model] | None = None,
    *,
    layer: str = "embedding",
    order: str = "index",
    scale: str = "none",
    colormap: str | None = None,
    progress: Progress = None,
    cache: Any = None,
) -> Figure:
    """Draw what several models make of one sound: a panel each, over a common time axis.

    This is the figure of the poster "Deep embeddings with Essentia models" (ISMIR 2020). Nothing is downloaded: the
    panel of a model whose weights are not here says how to get them.

    Parameters
    ----------
    audio : path or (samples, sample_rate)
        As for :func:`embviz.embed`.
    models : iterable of str or Model, optional
        From top to bottom; by default the six systems of the poster, :data:`SYSTEMS`.
    layer : str
        Layer of every model.
    order, scale, colormap
        As for :func:`heatmap`.
    progress, cache
        As for :func:`embviz.embed`.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    from embviz.extract import embed
    from embviz.models import get_model
    from embviz.models.weights import find

    look = _Look(order, scale, colormap)
    names = [models] if isinstance(models, str | Model) else list(SYSTEMS if models is None else models)
    records = [get_model(name) if isinstance(name, str) else name for name in names]
    here = [record for record in records if find(record) is not None]
    found = iter(embed(audio, here, layer=layer, progress=progress, cache=cache) if here else ())
    pairs = [(record, next(found) if record in here else None) for record in records]
    return _poster_figure(pairs, look, "" if isinstance(audio, tuple) else Path(audio).name)


def save_figure(figure: Figure, path: str | Path, *, theme: str = "auto") -> Path:
    """Write a figure to a file, whole or not at all.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        Of this module, or any other.
    path : str or Path
        ``.html`` is a page that needs no network; ``.png`` and ``.svg`` need the package kaleido and Chrome or
        Chromium.
    theme : {"auto", "light", "dark"}
        Colours of paper and text. ``"auto"``: a page follows its reader's setting, a picture is light.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    FigureError
        If no picture can be made here; the message says what is missing.
    OptionError
        If the suffix or the theme is not one of these.
    """
    path = Path(path)
    _check("theme", theme, THEMES)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise OptionError(f"A figure is written as {', '.join(SUFFIXES)}; {path.name!r} has none of these endings.")
    data = _page(figure, theme).encode() if suffix == ".html" else _picture(figure, suffix[1:], theme)
    try:
        return _tensors.write_bytes(path, data)
    except OSError as error:
        raise FigureError(f"{str(path)!r} could not be written: {error.strerror}.") from error


def clock(seconds: Any) -> Any:
    """Convert seconds to positions on the time axis of these figures, as in ``figure.add_vline(clock(83.2))``."""
    return np.datetime64(0, "us") + np.round(np.asarray(seconds, dtype=np.float64) * 1e6).astype("timedelta64[us]")


# -- how values become cells --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Look:
    """The options of a heatmap, checked."""

    order: str = "index"
    scale: str = "none"
    colormap: str | None = None

    def __post_init__(self) -> None:
        _check("order", self.order, ORDERS)
        _check("scale", self.scale, SCALES)
        if self.colormap is not None:
            from plotly.colors import named_colorscales

            names = named_colorscales()
            _check("colormap", self.colormap, [*names, *(f"{name}_r" for name in names)], fold=True)


def _check(option: str, value: Any, known: Sequence[str], *, fold: bool = False) -> None:
    if (value.lower() if fold and isinstance(value, str) else value) in known:
        return
    choice = " or ".join(map(repr, known)) if len(known) < 10 else "one of plotly's named colour scales"
    raise OptionError(f"{option} is {choice}, {value!r} was found.{did_you_mean(str(value), known)}")


@dataclass(frozen=True)
class _Cells:
    """What is drawn.

    Parameters
    ----------
    values : ndarray, shape [rows, columns], float32
        One value per cell.
    edges : ndarray, shape [columns + 1]
        Borders of the columns in seconds.
    order : ndarray, shape [d]
        The dimensions in the order of the rows.
    per_row, per_column : int
        Dimensions that share a row, frames that share a column; the last ones may be fewer.
    signed : bool
        Whether values lie on both sides of zero.
    """

    values: NDArray[np.float32]
    edges: NDArray[np.float64]
    order: NDArray[np.int64]
    per_row: int
    per_column: int
    signed: bool

    @property
    def pooling(self) -> str:
        """What one cell shows, where it is not a single value."""
        dimensions = _count(self.per_row, "dimension") if self.per_row > 1 else ""
        frames = _count(self.per_column, "frame") if self.per_column > 1 else ""
        shared = " × ".join(filter(None, [dimensions, frames]))
        return f"strongest of {shared}" if shared else ""


def _cells(embedding: Embedding, look: _Look, height: int) -> _Cells:
    t, d = embedding.shape
    if not t or not d:
        raise OptionError(f"There is nothing to draw in {t} frames × {d} dimensions.")
    values = embedding.values
    if not np.isfinite(values).all():
        values = np.where(np.isfinite(values), values, np.float32(np.nan))
    per_column, per_row = math.ceil(t / MAX_COLUMNS), math.ceil(d / height)
    offset, factor = _scaling(values, look.scale)
    # Scaling keeps the order of values, so pooling may come first, where it spares memory.
    low, high = (_scaled(extreme, offset, factor) for extreme in _extremes(values, per_column))
    signed = _signed(low, high)
    drawn = _strongest(low, high, signed)
    order = _order(values, drawn, look.order)
    drawn = _strongest(*_extremes(drawn.T[order], per_row), signed)
    edges = embedding.grid.edges
    return _Cells(drawn, np.append(edges[:-1:per_column], edges[-1]), order, per_row, per_column, signed)


def _extremes(values: NDArray[np.float32], size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the lowest and the highest of every `size` values along the first axis; NaN only where all are."""
    if size == 1:
        return values, values
    starts = np.arange(0, len(values), size)
    return np.fmin.reduceat(values, starts, axis=0), np.fmax.reduceat(values, starts, axis=0)


def _strongest(low: NDArray[np.float32], high: NDArray[np.float32], signed: bool) -> NDArray[np.float32]:
    return np.where(-low > high, low, high) if signed else high


def _scaled(values: NDArray[Any], offset: NDArray[np.float64], factor: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray((values - offset) * factor, dtype=np.float32)


def _scaling(values: NDArray[np.float32], scale: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what is subtracted from each dimension, and what it is then multiplied by, ``[d]`` each."""
    d = values.shape[1]
    if scale == "none":
        return np.zeros(d), np.ones(d)
    low = np.fmin.reduce(values, axis=0).astype(np.float64)
    high = np.fmax.reduce(values, axis=0).astype(np.float64)
    if scale == "minmax":
        return low, _inverse(high - low)
    mean = _mean(values)
    spread = np.sqrt(_mean((values - mean) ** 2))
    # Rounding gives a dimension that never changes a tiny spread; its range tells.
    return mean, _inverse(np.where(high > low, spread, 0))


def _inverse(spread: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(1, spread, out=np.zeros_like(spread), where=spread > 0)


def _mean(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return the mean over time of what is not NaN, ``[d]``; 0 where there is nothing."""
    known = ~np.isnan(values)
    total: NDArray[np.float64] = np.sum(values, axis=0, dtype=np.float64, where=known)
    return np.asarray(total / np.maximum(known.sum(axis=0), 1))


def _signed(low: NDArray[np.float32], high: NDArray[np.float32]) -> bool:
    """Tell whether values lie on both sides of zero, by more than what rounding leaves behind."""
    below, above = -float(np.fmin.reduce(low, axis=None)), float(np.fmax.reduce(high, axis=None))
    return min(below, above) > 0.01 * max(below, above)


def _order(values: NDArray[np.float32], drawn: NDArray[np.float32], order: str) -> NDArray[np.int64]:
    """Return the dimensions in the order of the rows, ``[d]``."""
    d = values.shape[1]
    if order == "activity":
        return np.argsort(-_mean(np.abs(values)), kind="stable")
    if order == "index" or d < 3 or len(drawn) < 2:
        return np.arange(d)
    return _leaves(drawn)


def _leaves(drawn: NDArray[np.float32]) -> NDArray[np.int64]:
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    centred = np.nan_to_num(drawn - _mean(drawn))
    unit = centred / np.maximum(np.linalg.norm(centred, axis=0), np.finfo(np.float32).tiny)
    distance = np.clip(1 - unit.T @ unit, 0, 2)
    np.fill_diagonal(distance, 0)
    best = len(distance) <= MAX_SORTED_LEAVES
    tree = linkage(squareform(distance, checks=False), "average", optimal_ordering=best)
    return np.asarray(leaves_list(tree), dtype=np.int64)


# -- the figure ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Panel:
    """One strip of a figure: a heading, and an embedding or a message in its place; height in pixels."""

    name: str
    details: tuple[str, ...]
    embedding: Embedding | None
    height: int
    message: str = ""


def _poster_figure(pairs: Sequence[tuple[Model, Embedding | None]], look: _Look, title: str) -> Figure:
    titles = [embedding.title for _, embedding in pairs if embedding is not None]
    return _compose([_poster_panel(*pair) for pair in pairs], look, next(filter(None, titles), title))


def _poster_panel(model: Model, embedding: Embedding | None) -> _Panel:
    # The details of the task stand in the model's record; here a narrow page has to hold the line.
    facts = [re.split(r"[(,;]", model.task)[0].strip(), f"{_short(model.parameters)} parameters"]
    if embedding is None:
        return _Panel(model.title, (*facts, _count(model.dimensions, "dimension")), None, MESSAGE, _remedy(model))
    d = embedding.shape[1]
    layer = () if embedding.layer == "embedding" else (embedding.layer,)
    facts.append(f"{_count(d, 'dimension')} {_every(embedding)}")
    return _Panel(model.title, (*layer, *facts), embedding, max(MESSAGE, _pixels(d, 128, 256)))


def _remedy(model: Model) -> str:
    code = "<span style=\"font-family: ui-monospace, 'Liberation Mono', monospace\">{}</span>".format
    return (
        "Its weights are not on this computer yet. Get them, or take them from a folder:<br>"
        f"{code(f'embviz pull {_plain(model.name)}')} &nbsp; or &nbsp; {code('embviz pull --from DIR')}"
    )


def _compose(panels: Sequence[_Panel], look: _Look, title: str) -> Figure:
    """Stack panels over one time axis."""
    import plotly.graph_objects as go

    figure = go.Figure()
    inner = sum(HEADING + panel.height for panel in panels) + GAP * (len(panels) - 1)
    top = 0
    for number, panel in enumerate(panels, start=1):
        top += HEADING
        box = _Box(number, 1 - (top + panel.height) / inner, 1 - top / inner, panel.height, len(panels) == 1)
        _draw(figure, panel, look, box)
        top += panel.height + GAP
    embeddings = [panel.embedding for panel in panels if panel.embedding is not None]
    _lay_out(figure, inner, title, max((embedding.duration for embedding in embeddings), default=None))
    figure.update_xaxes(**_time_axis(embeddings))
    return figure


@dataclass(frozen=True)
class _Box:
    """Where a panel stands: its number from 1, bottom and top as shares of the plot, height in pixels."""

    number: int
    bottom: float
    top: float
    height: int
    alone: bool

    @property
    def axis(self) -> str:
        return "" if self.number == 1 else str(self.number)


def _draw(figure: Figure, panel: _Panel, look: _Look, box: _Box) -> None:
    figure.add_shape(
        type="rect", xref="paper", yref="paper", x0=0, x1=1, y0=box.bottom, y1=box.top,
        fillcolor=EMPTY, line_width=0, layer="below",
    )  # fmt: skip
    details = list(map(_plain, filter(None, panel.details)))
    if panel.embedding is None:
        _write(figure, _tinted(panel.message, FAINT), y=(box.top + box.bottom) / 2, yanchor="middle", xshift=12)
    else:
        cells = _cells(panel.embedding, look, panel.height)
        rows = _rows(panel.embedding.labels, cells, look.order)
        figure.add_trace(_trace(panel.embedding, cells, rows, look, box))
        figure.update_layout({f"yaxis{box.axis}": _row_axis(rows, box)})
        details += [cells.pooling] * bool(cells.pooling)
        details += ["shorter than one patch, repeated to fill it"] * panel.embedding.padded
    heading = _tinted(f"<b>{_plain(panel.name)}</b>", INK) + "&nbsp; " + _tinted(" · ".join(details), FAINT)
    _write(figure, heading, y=box.top, yanchor="bottom", yshift=2)


def _write(figure: Figure, text: str, **place: Any) -> None:
    figure.add_annotation(
        text=text, xref="paper", yref="paper", x=0, xanchor="left", align="left",
        showarrow=False, borderpad=0, font_size=12, **place,
    )  # fmt: skip


def _trace(embedding: Embedding, cells: _Cells, rows: _Rows, look: _Look, box: _Box) -> Any:
    import plotly.graph_objects as go

    return go.Heatmap(
        z=cells.values,
        x=clock(cells.edges),
        y=rows.places,
        yaxis=f"y{box.axis}",
        hoverongaps=False,
        hovertemplate=_hover(embedding, cells, rows, look.scale),
        colorbar=_colour_bar(embedding, look.scale, box),
        **_colours(cells, look),
    )


def _colours(cells: _Cells, look: _Look) -> dict[str, Any]:
    lowest, highest = (float(extreme.reduce(cells.values, axis=None)) for extreme in (np.fmin, np.fmax))
    if math.isnan(lowest) or look.scale == "minmax":
        lowest, highest = 0.0, 1.0
    if look.scale == "zscore":
        lowest, highest = -3.0, 3.0
    name = (look.colormap or ("balance" if cells.signed else "viridis")).lower()
    if name in _diverging():
        reach = max(abs(lowest), abs(highest)) or 1.0
        return {"colorscale": _balance() if name == "balance" else name, "zmin": -reach, "zmax": reach}
    return {"colorscale": name, "zmin": lowest, "zmax": highest if highest > lowest else lowest + 1}


def _diverging() -> set[str]:
    from plotly import colors

    return {name.lower() for name in vars(colors.diverging) if not name.startswith("_")}


def _balance() -> list[tuple[float, str]]:
    """Return cmocean's balance; plotly's twelve samples of it leave out the middle, which is what marks zero."""
    from plotly.colors import cmocean

    stops = [(place / 11, colour) for place, colour in enumerate(cmocean.balance)]
    return [*stops[:6], (0.5, "rgb(241, 236, 235)"), *stops[6:]]


def _colour_bar(embedding: Embedding, scale: str, box: _Box) -> dict[str, Any]:
    units = {"none": embedding.unit or "value", "zscore": "standard deviations", "minmax": "share of its range"}
    title = {"text": _tinted(_plain(units[scale]), FAINT), "side": "right"} if box.alone else {}
    return {
        "title": title, "thickness": 10, "outlinewidth": 0, "ticklen": 3, "tickcolor": GREY, "xpad": 10, "ypad": 0,
        "x": 1, "y": box.top, "yanchor": "top", "lenmode": "pixels", "len": min(box.height, 320),
        "nticks": int(np.clip(box.height // 24, 2, 6)), "tickfont_size": 11, **_tinted_ticks(),
    }  # fmt: skip


def _hover(embedding: Embedding, cells: _Cells, rows: _Rows, scale: str) -> str:
    unit = {"none": embedding.unit, "zscore": "standard deviations from its mean", "minmax": "of its range"}[scale]
    grid = embedding.grid
    half = (grid.patch + (cells.per_column - 1) * grid.hop) / (2 * grid.sample_rate)
    minutes = "%-H:%M" if embedding.duration >= 3600 else "%-M"
    lines = [
        f"<b>{rows.hover}</b>",
        f"%{{z:.3~g}} {_plain(unit)}".rstrip(),
        f"%{{x|{minutes}:%S.%2f}} ± {half:.3g} s",
        *([cells.pooling] if cells.pooling else []),
    ]
    # Ticks bring the page's ink along, which need not read on this label: here the label's own takes its place.
    style = f"--embviz-ink: {HOVER_INK}; color: {HOVER_INK}"
    return f'<span style="{style}">{"<br>".join(lines)}</span><extra></extra>'


# -- axes ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Rows:
    """The side of a heatmap: where rows stand (numbers, or names for a list), title of the axis, text for one row."""

    places: list[Any]
    title: str
    hover: str
    listed: bool


def _rows(labels: Sequence[str], cells: _Cells, how: str) -> _Rows:
    groups = [cells.order[start : start + cells.per_row] for start in range(0, len(cells.order), cells.per_row)]
    more = f" and the next {cells.per_row - 1}" if cells.per_row > 1 else ""
    measured = _measured(labels) if how == "index" else None
    if measured:
        numbers, unit = measured[0], _plain(measured[1])
        return _Rows([numbers[group[0]] for group in groups], unit, f"%{{y:.6~g}} {unit}{more}", listed=False)
    if not labels and how == "index":
        return _Rows([int(group[0]) for group in groups], "dimension", f"dimension %{{y:d}}{more}", listed=False)
    names = _distinct([_joined([labels[i] if labels else str(i) for i in group]) for group in groups])
    return _Rows(names, *(("", "%{y}") if labels else ("dimension", "dimension %{y}")), listed=True)


def _joined(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{names[0]} … {names[-1]}"


def _measured(labels: Sequence[str]) -> tuple[list[float], str] | None:
    """Return rising numbers and their unit, where labels too many to be listed say that (``"30 BPM"`` …)."""
    matches = [re.fullmatch(r"(-?\d+(?:\.\d+)?)\s*(\D*)", label) for label in labels]
    if len(labels) <= MAX_LABELS or not all(matches):
        return None
    numbers = [float(match[1]) for match in matches if match]
    units = {match[2] for match in matches if match}
    rising = all(first < second for first, second in pairwise(numbers))
    return (numbers, units.pop()) if rising and len(units) == 1 else None


def _distinct(labels: Iterable[str]) -> list[str]:
    """Return labels fit for a category axis, where equal ones would become one row."""
    names: dict[str, None] = {}
    for label in labels:
        plain = name = _plain(label, 40) or "–"
        count = 1
        while name in names:
            count += 1
            name = f"{plain} ({count})"
        names[name] = None
    return list(names)


def _row_axis(rows: _Rows, box: _Box) -> dict[str, Any]:
    n = len(rows.places)
    axis: dict[str, Any] = {
        "domain": [max(0, box.bottom), min(1, box.top)], "showgrid": False, "zeroline": False, "automargin": True,
        "ticks": "outside", "ticklen": 3, "tickcolor": GREY, "tickfont_size": 11, "exponentformat": "none",
        **_tinted_ticks(),
    }  # fmt: skip
    if rows.title and (box.alone or rows.title != "dimension"):
        axis["title"] = {"text": _tinted(rows.title, FAINT), "standoff": 6, "font_size": 11}
    if rows.listed:
        return axis | {"type": "category", "range": [n - 0.5, -0.5]}
    first, last = rows.places[0], rows.places[-1]
    half = (last - first) / (n - 1) / 2 if n > 1 else 0.5
    ends = {"range": [first - half, last + half], "minallowed": first - half, "maxallowed": last + half}
    ticks = {"tickmode": "linear", "tick0": first, "dtick": 1} if n < 8 else {"nticks": max(3, box.height // 30)}
    return axis | {"type": "linear", **ends, **ticks}


def _time_axis(embeddings: Sequence[Embedding]) -> dict[str, Any]:
    spans = [_shown(embedding) for embedding in embeddings] or [(0.0, 1.0)]
    first, last = min(span[0] for span in spans), max(span[1] for span in spans)
    ends = [str(end) for end in clock([first, max(last, first + 0.01)])]
    hours = "%-H:%M" if last >= 3600 else "%-M"
    stops = [((None, 999), f"{hours}:%S.%2f"), ((1000, None), f"{hours}:%S")]
    return {
        "type": "date", "anchor": "free", "position": 0, "showgrid": False, "zeroline": False,
        "range": ends, "minallowed": ends[0], "maxallowed": ends[1], "nticks": 16,
        "ticks": "outside", "ticklen": 4, "tickcolor": GREY, "tickfont_size": 11,
        "tickformatstops": [{"dtickrange": steps, "value": _tinted(form, INK)} for steps, form in stops],
        "showticklabels": bool(embeddings),
    }  # fmt: skip


def _shown(embedding: Embedding) -> tuple[float, float]:
    """Return the seconds to show: the track, or where the embedding is an excerpt of it, the excerpt."""
    grid = embedding.grid
    margin = (grid.patch + grid.hop) / grid.sample_rate
    first, last = float(grid.edges[0]), float(grid.edges[-1])
    return (0.0 if first <= margin else first), (grid.duration if last >= grid.duration - margin else last)


def _lay_out(figure: Figure, inner: int, title: str, duration: float | None) -> None:
    length = "" if duration is None else _minutes(duration)
    figure.update_layout(
        template="none",
        height=inner + TITLE + BOTTOM,
        margin={"l": 48, "r": 64, "t": TITLE, "b": BOTTOM, "pad": 0},
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        font={"family": FONT, "size": 12, "color": GREY},
        hoverlabel={
            "bgcolor": HOVER_PAPER, "bordercolor": GREY, "align": "left",
            "font": {"family": FONT, "size": 12, "color": HOVER_INK},
        },
        # Nobody's figure goes to a company's server by a slip of the mouse.
        modebar={"bgcolor": CLEAR, "color": GREY, "activecolor": GREY, "remove": ["sendChartToCloud"]},
        title={
            "text": _tinted(f"<b>{_plain(title, 60)}</b>", INK) + "&nbsp; " + _tinted(length, FAINT),
            "font_size": 16, "x": 0, "xref": "paper", "xanchor": "left",
            "y": 1, "yref": "container", "yanchor": "top", "pad": {"t": 14},
        },
        meta={"title": title},
    )  # fmt: skip


# -- text ---------------------------------------------------------------------------------------------------------


def _plain(text: str, longest: int = 80) -> str:
    """Return text that plotly shows as it is, whoever wrote it: no tags, templates, formulas or line breaks."""
    shown = "".join(" " if unicodedata.category(letter) in {"Cc", "Zl", "Zp"} else letter for letter in text)
    shown = re.sub("[\u202a-\u202e\u2066-\u2069]", "", shown)
    shown = shown if len(shown) <= longest else shown[: longest - 1].rstrip() + "…"
    # Curly brackets make a template, dollars a formula where the page has MathJax.
    return html.escape(shown, quote=False).replace("{", "&#123;").replace("$", "&#36;")


def _tinted(text: str, colour: str) -> str:
    return f'<span style="color: {colour}">{text}</span>'


def _tinted_ticks() -> dict[str, str]:
    return {"tickprefix": f'<span style="color: {INK}">', "ticksuffix": "</span>"}


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _every(embedding: Embedding) -> str:
    period = embedding.grid.period
    return f"every {period:.3g} s" if period >= 0.001 else f"every {period * 1e6:.3g} µs"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _short(count: int) -> str:
    """Return a count as people say it: ``790 k``, ``6.1 M``."""
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count >= size:
            shown = count / size
            return f"{shown:.1f} {letter}" if shown < 10 else f"{shown:.0f} {letter}"
    return str(count)


def _pixels(d: int, usual: int, most: int) -> int:
    """Return a height at which every row is the same whole number of pixels, near `usual` and at most `most`."""
    rows = math.ceil(d / math.ceil(d / most)) if d else 1
    return rows * min(40, max(1, usual // rows))


# -- files --------------------------------------------------------------------------------------------------------

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="embviz">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; \
style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'">
<title>{title}</title>
<style>
{style}
html {{ background: var(--embviz-paper); color: var(--embviz-ink); font-family: {font}; }}
body {{ margin: 0; }}
main {{ max-width: 1600px; margin: 0 auto; padding: 12px 16px; }}
</style>
</head>
<body>
<main aria-label="{title}">
<noscript>This figure is drawn by JavaScript, which is switched off here.</noscript>
{figure}
</main>
</body>
</html>
"""


def _page(figure: Figure, theme: str) -> str:
    """Return a page that holds all it needs, plotly.js included; it is forbidden to ask the network for anything."""
    config = {"displaylogo": False, "showSendToCloud": False}
    drawn = figure.to_html(include_plotlyjs=True, full_html=False, config=config, div_id="figure")
    title = html.escape(str((figure.layout.meta or {}).get("title") or "embviz"))
    return PAGE.format(title=title, style=_style(theme), font=FONT, figure=drawn)


def _style(theme: str) -> str:
    rules = {
        name: f":root {{ color-scheme: {name}; "
        + " ".join(f"--embviz-{key}: {value};" for key, value in page.items())
        + " }"
        for name, page in PAGES.items()
    }
    if theme != "auto":
        return rules[theme]
    return f"{rules['light']}\n@media (prefers-color-scheme: dark) {{ {rules['dark']} }}"


def _picture(figure: Figure, kind: str, theme: str) -> bytes:
    """Return the bytes of a picture, drawn by a browser that kaleido finds."""
    try:
        import kaleido
    except ImportError as error:
        raise FigureError(
            f"A {kind.upper()} needs the package kaleido: run `pip install kaleido`, or write .html, which needs none."
        ) from error
    size = {"width": figure.layout.width or 1200, "height": figure.layout.height or 600}
    options = {"format": kind, "scale": 2 if kind == "png" else 1, **size}
    try:
        # Its default is to fetch MathJax from the network.
        data = kaleido.calc_fig_sync(_painted(figure, theme), opts=options, kopts={"mathjax": False})
    except Exception as error:
        raise FigureError(_no_picture(kind, error)) from error
    return data if isinstance(data, bytes) else str(data).encode()


def _painted(figure: Figure, theme: str) -> dict[str, Any]:
    """Return the figure's description in the colours of a theme: a picture has no page that could set them."""
    page = PAGES["light" if theme == "auto" else theme]
    text = figure.to_json().replace(INK, page["ink"]).replace(FAINT, page["faint"])
    painted: dict[str, Any] = json.loads(text)
    painted["layout"]["paper_bgcolor"] = page["paper"]
    return painted


def _no_picture(kind: str, error: Exception) -> str:
    remedy = "or write .html, which needs none"
    if type(error).__name__ == "ChromeNotFoundError":
        where = f" BROWSER_PATH says {os.environ['BROWSER_PATH']!r}." if "BROWSER_PATH" in os.environ else ""
        return f"A {kind.upper()} is drawn by a browser, none was found.{where} Install Chrome or Chromium, {remedy}."
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return f"The browser that draws a {kind.upper()} failed ({reason}); try again, {remedy}."
