"""Two dimensions of an embedding against each other: the way of a track over the plane of valence and arousal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embviz.core.embedding import check_embedding
from embviz.core.text import format_time, one_line, plural
from embviz.errors import OptionError, did_you_mean
from embviz.heads.catalogue import CATALOGUE
from embviz.plotting import style
from embviz.plotting.axes import Axis
from embviz.plotting.save import FAINT, GREY, INK
from embviz.plotting.still_pictures import map_drawing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from plotly.graph_objects import Figure

    from embviz.core.embedding import Embedding
    from embviz.plotting.picture import Drawing


MOODS = ("valence", "arousal")
#: What the corners of their plane are called, from the upper right one against the clock (Russell 1980).
CORNERS = ("excited, happy", "tense, angry", "sad, bored", "calm, content")
ROOM = 0.05  # of the extent of values without a scale, that is left free at both ends
SIDES = {"l": 64, "r": 90, "t": 70, "b": 56}  # pixels around the plot


@dataclass(frozen=True, eq=False)
class Plane:
    """What a plane shows: two dimensions, their scales, and the values of each frame.

    Parameters
    ----------
    names : (str, str)
        Of the dimensions, the horizontal one first.
    values : ndarray, shape [t, 2], float32
        Of each frame; NaN where it has none.
    limits : ((float, float), (float, float))
        The ends of both axes.
    corners : tuple of str
        Names of the corners, from the upper right one against the clock; empty where there are none.
    scale : str
        What the ends are, in words.
    """

    names: tuple[str, str]
    values: NDArray[np.float32]
    limits: tuple[tuple[float, float], tuple[float, float]]
    corners: tuple[str, ...]
    scale: str

    @property
    def beyond(self) -> int:
        """How many frames have a value beyond the ends of an axis."""
        low, high = np.transpose(self.limits)
        return int(((self.values < low) | (self.values > high)).any(axis=1).sum())

    @property
    def note(self) -> str:
        """What there is to say of frames that the axes have no room for; empty where there are none."""
        n = self.beyond
        return f"{plural(n, 'frame')} beyond the scale, drawn at its edge" if n else ""

    def clipped(self) -> NDArray[np.float32]:
        """Return the values, those beyond the ends of an axis at its end."""
        low, high = np.transpose(self.limits)
        return np.clip(self.values, low, high).astype(np.float32)


def has_moods(names: Sequence[str]) -> bool:
    """Tell whether valence and arousal are among some names."""
    return set(MOODS) <= {name.casefold() for name in names}


def plane_of(embedding: Embedding, x: str | int | None = None, y: str | int | None = None) -> Plane:
    """Return what the plane of two dimensions of an embedding shows; raises OptionError as :func:`plane` does."""
    moods = has_moods(check_embedding(embedding).labels)
    if embedding.shape[1] < 2:
        raise OptionError(f"A plane needs two dimensions, {embedding.layer!r:.80} has {embedding.shape[1]}.")
    usual = MOODS if moods else (0, 1)
    chosen = [_dimension(embedding, given, usual[i], "xy"[i]) for i, given in enumerate((x, y))]
    names = [embedding.labels[i] if embedding.labels else f"dimension {i}" for i in chosen]
    values = np.asarray(embedding.values[:, chosen], np.float32)
    values = np.where(np.isfinite(values), values, np.float32(np.nan))
    limits, scale = _limits(embedding, values)
    corners = CORNERS if tuple(name.casefold() for name in names) == MOODS else ()
    return Plane((one_line(names[0]), one_line(names[1])), values, limits, corners, scale)


def _dimension(embedding: Embedding, given: str | int | None, usual: str | int, option: str) -> int:
    wanted = usual if given is None else given
    names = {name.casefold(): i for i, name in enumerate(embedding.labels)}
    if isinstance(wanted, str) and wanted.casefold() in names:
        return names[wanted.casefold()]
    if isinstance(wanted, int | np.integer) and not isinstance(wanted, bool) and 0 <= wanted < embedding.shape[1]:
        return int(wanted)
    raise OptionError(
        f"{option} is the name of a dimension or its number below {embedding.shape[1]}, {wanted!r:.80} was found."
        f"{did_you_mean(str(wanted), embedding.labels)}"
    )


def _limits(
    embedding: Embedding, values: NDArray[np.float32]
) -> tuple[tuple[tuple[float, float], tuple[float, float]], str]:
    """Return the ends of both axes, and what they are: those of the annotations, of probabilities, or of the values."""
    record = CATALOGUE.get(str(embedding.info.get("head", "")))
    if record is not None and record.limits is not None:
        low, high = record.limits
        return (record.limits, record.limits), f"{low:g}–{high:g}, the scale of the annotations"
    if embedding.unit == "probability":
        return ((0.0, 1.0), (0.0, 1.0)), "probability"
    ends = []
    for column in values.T:
        finite = column[np.isfinite(column)]
        least, most = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
        room = ROOM * (most - least) or max(abs(most), 1.0) * ROOM
        ends.append((least - room, most + room))
    return (ends[0], ends[1]), one_line(embedding.unit)


def plane(
    embedding: Embedding, x: str | int | None = None, y: str | int | None = None, *, title: str | None = None,
    width: int = 640,
) -> Figure:  # fmt: skip
    """Draw two dimensions of an embedding against each other: a track's way over the plane of valence and arousal.

    Parameters
    ----------
    embedding : Embedding
        Of a track, such as ``embviz.embed(track, head="deam")``.
    x, y : str or int, optional
        Two of its dimensions by name or number; by default valence and arousal where it has these, else the first two.
    title : str, optional
        Shown above; by default the track and what was embedded.
    width : int
        In pixels; the plot is square.

    Returns
    -------
    plotly.graph_objects.Figure
        For :func:`embviz.plotting.save_figure`. Colours run from the beginning of the track to its end, a circle is
        the beginning, a square the end. Axes are those of the annotations where these are known, 1–9 for DEAM,
        emoMusic and MuSe; values beyond are drawn at the edge, and counted.

    Raises
    ------
    OptionError
        If there are no two dimensions, or none of that name.

    References
    ----------
    J. A. Russell, A circumplex model of affect, Journal of Personality and Social Psychology 39, 1980.

    Examples
    --------
    >>> plane(embviz.embed("song.mp3", head="deam"))  # doctest: +SKIP
    """
    from embviz.plotting.figure import StillFigure

    shown = plane_of(embedding, x, y)
    places, times = shown.clipped(), embedding.times
    figure = StillFigure()
    bar = {"title": {"text": "time, s", "font_size": 11}, "thickness": 10, "outlinewidth": 0, "len": 0.8}
    marker = {"size": 7, "color": times, "colorscale": "Viridis", "colorbar": bar}
    names = [style.plotly_text(name) for name in shown.names]
    hover = f"%{{customdata[0]}}<br>{names[0]} %{{customdata[1]}}<br>{names[1]} %{{customdata[2]}}<extra></extra>"
    line = {"color": GREY, "width": 1}
    # What is pointed at tells its own values, where a point stands at the edge, too.
    texts = [
        (format_time(float(time)), *(f"{value:.3f}" for value in pair))
        for time, pair in zip(times, shown.values.tolist(), strict=True)
    ]
    figure.add_scatter(
        x=places[:, 0], y=places[:, 1], mode="lines+markers", line=line, marker=marker, customdata=texts,
        hovertemplate=hover, showlegend=False,
    )  # fmt: skip
    _add_ends(figure, places)
    _add_corners(figure, shown)
    for side, name, (low, high) in zip("xy", names, shown.limits, strict=True):
        heading = style.color_span(name, INK)
        axis = {"title": heading, "range": [low, high], "gridcolor": style.EMPTY, "zeroline": False, "nticks": 9}
        figure.update_layout({f"{side}axis": axis | style.tick_colors()})
    figure.update_layout(
        style.base_layout(title if title is not None else embedding.title, style.plotly_text(embedding.layer)),
        width=width, height=width - SIDES["l"] - SIDES["r"] + SIDES["t"] + SIDES["b"], margin=SIDES, showlegend=False,
    )  # fmt: skip
    facts = [plural(len(times), "frame"), style.plotly_text(shown.scale), shown.note]
    style.write_text(figure, style.color_span(" · ".join(filter(None, facts)), FAINT), yshift=8)
    return figure.keep_still(lambda: plane_drawing(shown, times))


def _add_ends(figure: Figure, places: NDArray[np.float32]) -> None:
    """Mark where the track begins and ends, by shapes."""
    there = np.flatnonzero(np.isfinite(places).all(axis=1))
    for i, symbol, name in ((there[:1], "circle-open", "beginning"), (there[-1:], "square-open", "end")):
        marker = {"symbol": symbol, "size": 15, "color": GREY, "line_width": 2}
        figure.add_scatter(
            x=places[i, 0], y=places[i, 1], mode="markers", marker=marker, name=name, hoverinfo="name", showlegend=False
        )


def _add_corners(figure: Figure, shown: Plane) -> None:
    """Draw the lines through the middle of the scales, and write what the corners are called."""
    if not shown.corners:
        return
    middles = [math.fsum(ends) / 2 for ends in shown.limits]
    line = {"color": GREY, "width": 1, "dash": "dot"}
    figure.add_vline(middles[0], line=line)
    figure.add_hline(middles[1], line=line)
    places = ((1, 1), (0, 1), (0, 0), (1, 0))
    for text, (right, upper) in zip(shown.corners, places, strict=True):
        figure.add_annotation(
            x=right, y=upper, xref="paper", yref="paper", text=style.color_span(text, FAINT), showarrow=False,
            xanchor="right" if right else "left", yanchor="top" if upper else "bottom",
        )  # fmt: skip


def plane_drawing(shown: Plane, times: NDArray[np.float64]) -> Drawing:
    """Return what draws a plane as a still."""
    places = shown.clipped()
    placed = np.asarray(np.isfinite(places).all(axis=1))
    axes = [Axis(name, np.array(ends, np.float64)) for name, ends in zip(shown.names, shown.limits, strict=True)]
    low, high = np.transpose([axis.ends for axis in axes])
    xy = np.where(placed[:, None], 2 * (places - low) / (high - low) - 1, 0).astype(np.float32)
    span = (float(times[0]), float(times[-1])) if len(times) else (0.0, 1.0)
    shades = np.round(254 * (times - span[0]) / ((span[1] - span[0]) or 1)).astype(np.uint8)
    legend = {"kind": "number", "title": "time in s", "low": span[0], "high": span[1], "labels": []}
    return map_drawing(xy, legend, shades, selected=np.zeros(0, np.int64), axes=(axes[0], axes[1]), placed=placed)
