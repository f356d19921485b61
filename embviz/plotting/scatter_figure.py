"""Scatter plots of projections, in the colours of the widget.

Conventions: as in :mod:`embviz.plotting`. Coordinates without a meaning (UMAP, t-SNE, PaCMAP) have no ticks; those of
PCA say how much of the variance they show. Both have the same scale, unless x or y were given a meaning.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from embviz.analysis.projection import METHOD_NAMES
from embviz.collection.column_facts import column_unit
from embviz.core.labels import in_order, label_problem
from embviz.core.options import check_type
from embviz.core.text import format_time, plural
from embviz.errors import OptionError, did_you_mean
from embviz.plotting.axes import Axis, coordinate_axis, encode_axis, missing_notes
from embviz.plotting.encodings import MISSING, encode_colors, encode_sizes
from embviz.plotting.save import FAINT, INK
from embviz.plotting.still_pictures import map_drawing
from embviz.plotting.style import (
    CLEAR,
    POINTER_TEXT,
    bare_text,
    base_layout,
    color_span,
    plotly_text,
    tick_colors,
    write_text,
)

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray
    from plotly.graph_objects import Figure

    from embviz.analysis.projection import Projection
    from embviz.plotting.picture import Drawing


WEBGL_FROM = 5000  # points; beyond, they are drawn by WebGL, which an .svg holds as pixels
ACCENT = "#1f7ac4"  # of points without a colour of their own, on white as on black
UNKNOWN = "#8c949c"  # grey that is seen on white and on black
TOP, SIDE = 60, 28  # pixels
LEFT_OUT = 0.18  # opacity of points that are not shown
DIAMETERS = (5.0, 18.0)  # pixels, where sizes mean something

AxisValues: TypeAlias = "str | pd.Series[Any] | ArrayLike | Axis | None"


def scatter(  # noqa: PLR0913  what a picture can be told apart by
    projection: Projection,
    table: pd.DataFrame,
    *,
    color: str | pd.Series[Any] | ArrayLike | None = None,
    size: str | pd.Series[Any] | ArrayLike | None = None,
    x: AxisValues = None,
    y: AxisValues = None,
    clusters: ArrayLike | None = None,
    names: Mapping[int, str] | None = None,
    shown: ArrayLike | None = None,
    title: str | None = None,
    width: int = 1000,
    height: int = 760,
    webgl: bool | None = None,
) -> Figure:
    """Draw a map of a collection.

    Parameters
    ----------
    projection : Projection
        Where the points are, as :func:`embviz.project` returns it.
    table : DataFrame or Collection
        What is known of the tracks: the collection, its table, or a row for each point.
    color, size : str, Series or array, optional
        A column of the table, values by the table's labels, or a value for each point; ``"trust"`` is the share of its
        neighbours that a point keeps on the map. Numbers get a scale, anything else categories, of which the nine most
        frequent have a colour of their own. A size is a number.
    x, y : str, Series, array or Axis, optional
        What the places mean, in place of the projection: numbers, dates or up to 40 texts, as for `color`. Where one is
        not given, it is that coordinate of the projection. Points without a value are left out, and counted.
    clusters : array of int, optional
        Cluster of each point, -1 for none.
    names : mapping of int to str, optional
        Names of clusters, written on the map.
    shown : array of int, optional
        Labels of the tracks that are shown; all others are drawn faintly, without colour.
    title : str, optional
        Shown above.
    width, height : int
        In pixels.
    webgl : bool, optional
        Whether WebGL draws the points: by default, where they are more than 5,000. It is faster in a page; in an .svg
        the points are shapes without it.

    Returns
    -------
    plotly.graph_objects.Figure
        For :func:`embviz.plotting.save_figure`.

    Raises
    ------
    OptionError
        If there is no such column or track, arrays do not belong together, or an axis would have one value, or more
        texts than it has room for.

    Examples
    --------
    >>> projection = embviz.project(vectors)  # doctest: +SKIP
    >>> scatter(projection, collection.table, color="genre")  # doctest: +SKIP
    >>> scatter(projection, collection.table, x="duration", y="trust", color="genre")  # doctest: +SKIP
    """
    import pandas as pd

    from embviz.analysis.projection import Projection
    from embviz.plotting.figure import StillFigure

    check_type(projection, Projection, "A Projection is expected", "embviz.project(vectors) makes one.")
    table = table if isinstance(table, pd.DataFrame) else getattr(table, "table", table)
    check_type(table, pd.DataFrame, "The table of the tracks is expected", "collection.table is it.")
    rows = _point_rows(table, projection)
    color, size, x, y, clusters = (_by_label(values, table, rows) for values in (color, size, x, y, clusters))
    legend, shades = _point_colors(color, rows, projection)
    figure = StillFigure()
    add = figure.add_scattergl if (len(rows) > WEBGL_FROM if webgl is None else webgl) else figure.add_scatter
    diameters, texts = _point_diameters(size, rows, projection), _hover_texts(rows, projection)
    opacity = 0.9 if len(rows) < 2000 else 0.7
    axes = _point_axes((x, y), rows, projection)
    xy = projection.xy if axes is None else np.column_stack([axis.places for axis in axes])
    placed = np.isfinite(xy).all(axis=1)
    passing = _shown_points(shown, rows)
    faint, seen = placed & ~passing, placed & passing
    if faint.any():
        marker = {"color": UNKNOWN, "size": diameters[faint], "opacity": LEFT_OUT}
        add(x=xy[faint, 0], y=xy[faint, 1], mode="markers", marker=marker, hoverinfo="skip", showlegend=False)
    places, diameters, texts = xy[seen], diameters[seen], texts[seen]
    for name, colors, inside in _color_groups(legend, shades[seen]):
        marker = {**colors, "size": diameters[inside], "opacity": opacity}
        hover = {"customdata": texts[inside], "hovertemplate": POINTER_TEXT}
        item = {"name": color_span(plotly_text(name, 40), INK), "showlegend": legend["kind"] == "category"}
        add(x=places[inside, 0], y=places[inside, 1], mode="markers", marker=marker, **hover, **item)
    if clusters is not None and names:
        _write_names(figure, xy, np.asarray(clusters), names)
    heading = {"text": color_span(plotly_text(legend["title"]), INK), "font_size": 12}
    figure.update_layout(
        base_layout(title or "", ""), width=width, height=height,
        margin={"l": SIDE, "r": SIDE, "t": TOP, "b": SIDE},
        legend={"title": heading, "itemsizing": "constant", "bgcolor": CLEAR},
    )  # fmt: skip
    unknown = int((shades == MISSING).sum())
    grey = [f"{unknown:,} unknown (grey)"] if unknown and legend["kind"] == "number" else []
    what = "track" if projection.times is None else "frame"
    count = plural(len(rows), what) if passing.all() else f"{int(passing.sum()):,} of {plural(len(rows), what)} shown"
    told = _facts(projection) if axes is None else [plotly_text(note.rstrip(".")) for note in missing_notes(axes, what)]
    write_text(figure, color_span(" · ".join([count, *told, *grey]), FAINT), yshift=8)
    if axes is None:
        _set_axes(figure, projection)
    else:
        _draw_axes(figure, axes, width, height)
    return figure.keep_still(lambda: _still(figure, xy, axes, legend, shades, passing)) if len(rows) else figure


def _still(
    figure: Figure, xy: NDArray[Any], axes: tuple[Axis, Axis] | None, legend: dict[str, Any],
    shades: NDArray[np.uint8], shown: NDArray[np.bool_],
) -> Drawing:  # fmt: skip
    """Return what draws a map as a still, with the names that stand on it."""
    placed = np.isfinite(xy).all(axis=1)
    if axes is None:
        middle, half = (xy.max(axis=0) + xy.min(axis=0)) / 2, np.ones(2)
    else:
        low, high = np.transpose([axis.ends for axis in axes])
        middle, half = (low + high) / 2, (high - low) / 2
    names = [
        {"text": bare_text(note.text), "x": (note.x - middle[0]) / half[0], "y": (note.y - middle[1]) / half[1]}
        for note in figure.layout.annotations
        if note.xref in {None, "x"}
    ]
    places = np.where(placed[:, None], (xy - middle) / half, 0)
    looks: dict[str, Any] = {"labels": names, "shown": shown, "axes": axes, "placed": placed}
    return map_drawing(places, legend, shades, selected=np.zeros(0, np.int64), **looks)


# Values. -----------------------------------------------------------------------------------------------------------


def _point_rows(table: pd.DataFrame, projection: Projection) -> pd.DataFrame:
    """Return a row for each point."""
    n, tracks = len(projection.xy), projection.tracks
    if tracks is None and len(table) != n:
        raise OptionError(f"The map has {plural(n, 'point')}, the table {plural(len(table), 'row')}; one each is due.")
    if tracks is None or np.array_equal(table.index, tracks):
        return table
    missing = np.setdiff1d(tracks, table.index)
    if len(missing):
        raise OptionError(f"The table has no track {missing[0]}, which is on the map; pass the table it was made of.")
    return table.loc[tracks]


def _shown_points(shown: ArrayLike | None, rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which points are shown."""
    if shown is None:
        return np.ones(len(rows), dtype=bool)
    labels = np.asarray(shown)
    if labels.ndim != 1 or (labels.size and labels.dtype.kind not in "iu"):
        raise OptionError(f"shown is the labels of the tracks to show, such as table.index; {shown!r:.80} was found.")
    return np.asarray(rows.index.isin(labels))


def _by_label(given: Any, table: pd.DataFrame, rows: pd.DataFrame) -> Any:
    """Return a Series with a value for each point, by its labels; anything else as it is."""
    import pandas as pd

    if not isinstance(given, pd.Series) or given.index.equals(rows.index) or in_order(given, len(rows)):
        return given
    problem = label_problem(given, table.index)
    if problem:
        raise OptionError(f"A Series of other tracks cannot be drawn: {problem}")
    return given.reindex(rows.index)


def _point_values(given: Any, rows: pd.DataFrame, projection: Projection) -> tuple[Any, str, str]:
    """Return a value for each point, a title and a unit."""
    if isinstance(given, str):
        if given == "trust" and given not in rows.columns:
            return 100 * np.asarray(projection.preservation, np.float64), f"{projection.k} nearest kept", "%"
        if given not in rows.columns:
            known = list(map(str, rows.columns))
            what = f"The table has no column {given!r}: it has {', '.join(known)}."
            raise OptionError(what + did_you_mean(given, known))
        return rows[given], given, column_unit(rows, given)
    if len(given) != len(rows):
        raise OptionError(f"A value for each of {plural(len(rows), 'point')} is due, {len(given):,} were found.")
    return given, str(getattr(given, "name", None) or ""), ""


def _point_axes(given: tuple[Any, Any], rows: pd.DataFrame, projection: Projection) -> tuple[Axis, Axis] | None:
    """Return the axes of a figure; None where it shows the projection."""
    if given[0] is None and given[1] is None:
        return None
    x, y = (_point_axis(one, way, rows, projection) for way, one in enumerate(given))
    return x, y


def _point_axis(given: Any, way: int, rows: pd.DataFrame, projection: Projection) -> Axis:
    if given is None:
        return coordinate_axis(projection.xy[:, way], projection.axes[way])
    if isinstance(given, Axis):
        if len(given.numbers) != len(rows):
            n = len(given.numbers)
            raise OptionError(f"An axis has a value for each of {plural(len(rows), 'point')}, {n:,} were found.")
        return given
    values, title, unit = _point_values(given, rows, projection)
    return encode_axis(getattr(values, "array", values), title=title or "xy"[way], unit=unit)


def _point_colors(given: Any, rows: pd.DataFrame, projection: Projection) -> tuple[dict[str, Any], NDArray[np.uint8]]:
    """Return the legend of colours, and a shade for each point."""
    if given is None:
        return {"kind": "none", "title": ""}, np.zeros(len(rows), np.uint8)
    values, title, unit = _point_values(given, rows, projection)
    legend, shades = encode_colors(values, title=title, unit=unit)
    return legend, np.frombuffer(shades, np.uint8)


def _point_diameters(given: Any, rows: pd.DataFrame, projection: Projection) -> NDArray[np.float64]:
    n = len(rows)
    usual = 9.0 if n < 300 else 7.0 if n < 2000 else 5.0 if n < 10_000 else 3.0
    if given is None:
        return np.full(n, usual)
    values, title, unit = _point_values(given, rows, projection)
    sizes = np.frombuffer(encode_sizes(values, title=title, unit=unit)[1], np.uint8)
    return np.where(sizes == 0, DIAMETERS[0], np.interp(sizes, [1, 255], DIAMETERS))


def _hover_texts(rows: pd.DataFrame, projection: Projection) -> NDArray[Any]:
    """Return the hover text of each point, as markup."""
    import pandas as pd

    unnamed = [f"track {label}" for label in rows.index]
    files = rows["name"] if "name" in rows.columns else pd.Series(unnamed, rows.index, dtype=object)
    titles = rows["title"].where(rows["title"] != "", files) if "title" in rows.columns else files
    names = [plotly_text(str(name)) for name in titles]
    known = rows["artist"] if "artist" in rows.columns else [""] * len(rows)
    artists = [f"<br>{plotly_text(str(artist))}" if artist else "" for artist in known]
    at = [""] * len(rows) if projection.times is None else [f"<br>at {format_time(time)}" for time in projection.times]
    return np.array([f"<b>{name}</b>{by}{when}" for name, by, when in zip(names, artists, at, strict=True)], object)


# The figure. -------------------------------------------------------------------------------------------------------


def _color_groups(
    legend: Mapping[str, Any], shades: NDArray[np.uint8]
) -> Iterator[tuple[str, dict[str, Any], NDArray[np.bool_]]]:
    """Yield name, colours and points of each trace; the largest category first, the unknown below all."""
    unknown = shades == MISSING
    if unknown.any():
        yield legend.get("unknown", "unknown"), {"color": UNKNOWN}, unknown
    if legend["kind"] == "none":
        yield "", {"color": ACCENT}, ~unknown
    elif legend["kind"] == "number":
        low, high = legend["low"], legend["high"]
        values = low + shades[~unknown] / (MISSING - 1) * (high - low)
        scale = [(place, legend["palette"][round(place * 254)]) for place in np.linspace(0, 1, 18).tolist()]
        heading = plotly_text(f"{legend['title']} ({legend['unit']})" if legend["unit"] else legend["title"])
        title = {"text": color_span(heading, INK), "side": "right", "font_size": 12}
        bar = {"title": title, "thickness": 12, "outlinewidth": 0, **tick_colors()}
        ends = {"cmin": low, "cmax": high if high > low else low + 1}
        yield "", {"color": values, "colorscale": scale, "colorbar": bar, "showscale": True, **ends}, ~unknown
    else:
        for shade, (label, color) in enumerate(zip(legend["labels"], legend["palette"], strict=True)):
            yield label, {"color": color}, shades == shade


def _write_names(figure: Figure, xy: NDArray[Any], clusters: NDArray[Any], names: Mapping[int, str]) -> None:
    if clusters.shape != (len(xy),):
        points = plural(len(xy), "point")
        raise OptionError(f"clusters has a number for each of {points}, {clusters.shape} was found.")
    for number, name in names.items():
        inside = xy[(clusters == number) & np.isfinite(xy).all(axis=1)]
        if number >= 0 and len(inside):
            x, y = np.median(inside[:, 0]), np.quantile(inside[:, 1], 0.9)
            text = color_span(f"<b>{plotly_text(name, 40)}</b>", INK)
            figure.add_annotation(x=float(x), y=float(y), text=text, showarrow=False, yshift=12, font_size=12)


def _facts(projection: Projection) -> list[str]:
    measures = {"trustworthiness": projection.trustworthiness, "continuity": projection.continuity}
    known = [f"{name} {value:.2f}" for name, value in measures.items() if math.isfinite(value)]
    return [METHOD_NAMES[projection.method], *known, *([f"k = {projection.k}"] if known else [])]


def _draw_axes(figure: Figure, axes: tuple[Axis, Axis], width: int, height: int) -> None:
    """Draw ticks, labels and titles of axes that mean something."""
    grid = {"showgrid": True, "gridcolor": "rgba(127, 127, 127, 0.2)", "zeroline": False, "ticks": "outside"}
    frame = {"showline": True, "mirror": True, "linecolor": "rgba(127, 127, 127, 0.4)", **grid, **tick_colors()}
    drawn = []
    for axis, most in zip(axes, (width // 90, height // 50), strict=True):
        ticks = axis.ticks(most)
        title = {"text": color_span(plotly_text(axis.heading), INK), "standoff": 8, "font_size": 12}
        # Markup in names of categories would be read as such.
        marks = {"tickvals": [value for value, _ in ticks], "ticktext": [plotly_text(text, 24) for _, text in ticks]}
        drawn.append({**frame, **marks, "range": axis.ends, "title": title, "automargin": True})
    figure.update_layout(xaxis=drawn[0], yaxis=drawn[1])


def _set_axes(figure: Figure, projection: Projection) -> None:
    named = projection.method == "pca"
    frame = {"showline": True, "mirror": True, "linecolor": "rgba(127, 127, 127, 0.4)"}
    bare = {"zeroline": False, "showgrid": False, "showticklabels": False, "ticks": ""}
    titles = [color_span(plotly_text(name), FAINT) if named else "" for name in projection.axes]
    x, y = ({**frame, **bare, "title": {"text": title, "standoff": 6, "font_size": 12}} for title in titles)
    figure.update_layout(xaxis=x, yaxis={**y, "scaleanchor": "x", "scaleratio": 1})
