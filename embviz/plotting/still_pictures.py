"""Pictures of heatmaps, matrices and maps for stills; see :mod:`embviz.plotting.picture`.

What a picture shows is what the widgets show, in their order and colours, over the whole track or map. Each function
returns one that draws at a share of the full size, for light or for dark paper.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.core.text import clean_line, format_ends, format_time
from embviz.plotting.encodings import MISSING, VIRIDIS
from embviz.plotting.heatmap_data import MAX_LABELS, measured_labels, pool_extremes, scale_ticks, strongest
from embviz.plotting.lettering import MARGIN, shorten_to, text_width
from embviz.plotting.picture import Drawing, Picture, color_ramp, discs, rgb, stretch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embviz.plotting.axes import Axis


WIDTH, SIDE, HEAD, GAP, AXIS = 960, 76, 20, 12, 22  # pixels: of all, of the colour bars, above and below a strip
BALANCE = ["#152150", "#1d4aa8", "#2f86c6", "#93bdd2", "#f2efee", "#dda78f", "#c65a3f", "#9c1b2c", "#420b18"]
#: The same for dark paper, which a white middle would outshine: what is strong is bright.
NIGHT = ["#c3e3ff", "#78baf4", "#3d8ad2", "#245686", "#17181b", "#773822", "#c25d2e", "#f3a06a", "#ffe3c9"]
DIVERGING = {"light": BALANCE, "dark": NIGHT}
LEVELS = 64  # colours of a scale
NAME, LINE = 120, 13  # pixels for the name of a row: across, and from one to the next
ACCENT, PLAYHEAD = "#1f7ac4", "#ff5252"
TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200)  # seconds
MAP = (760, 560)  # pixels
COLUMN, ROW, LEFT = 90, 48, 150  # pixels for a tick of the axes of a map: across, upwards, and of its text
CURVE = 56  # pixels, of a curve below a matrix
MOST_POINTS = 50_000  # that are drawn; of more, as many evenly spaced ones
PILL = "#3a3f45"


@dataclass(frozen=True, eq=False)
class Strip:
    """An embedding over time: values ``[t, d]``, the dimensions from the top, and what colours mean."""

    title: str
    note: str
    values: NDArray[np.float32]
    edges: NDArray[np.float64]  # of the frames, in seconds, [t + 1]
    order: NDArray[np.int64]
    scale: str = "none"  # of PAGE_SCALES
    signed: bool = False
    ends: Sequence[float] = ()
    colormap: Sequence[str] = ()  # its colours, where it is not the usual one
    names: Sequence[str] = ()  # of the dimensions, where they have some

    def colors(self, theme: str = "light") -> NDArray[np.uint8]:
        """Return the colours from the lowest value to the highest."""
        return color_ramp(self.colormap or (DIVERGING[theme] if self.scale == "signed" else VIRIDIS), LEVELS)

    def row_names(self, height: int) -> list[tuple[float, str]]:
        """Return the names for which a height in pixels has room: the middle of each in rows from the top, and it."""
        names = [self.names[i] for i in self.order] if self.names else []
        if rising := measured_labels(names[::-1]):
            ticks = scale_ticks(rising[0], 3 * LINE * len(names) / height)
            return [(len(names) - 0.5 - place, f"{value:g} {rising[1]}".strip()) for place, value in ticks]
        step = max(1, math.ceil(LINE * len(names) / height))
        return [(place + 0.5, name) for place, name in list(enumerate(names))[::step]]

    @cached_property
    def pooled(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The lowest and the highest values of runs of frames, as many as a picture has columns; NaN where empty."""
        values = self.values
        if not np.isfinite(values).all():
            values = np.where(np.isfinite(values), values, np.float32(np.nan))
        low, high = pool_extremes(values, self.per_column(WIDTH))
        return low[:, self.order], high[:, self.order]

    def per_column(self, columns: int) -> int:
        """Return how many frames share a column, where there are so many columns at most."""
        whole = math.ceil(len(self.values) / WIDTH)
        return whole * math.ceil(math.ceil(len(self.values) / whole) / columns)

    @property
    def limits(self) -> tuple[float, float]:
        """The values at the ends of the colours."""
        if self.scale == "minmax":
            return 0.0, 1.0
        low, high = (
            self.ends
            if len(self.ends) == 2
            else (np.fmin.reduce(self.pooled[0], axis=None), np.fmax.reduce(self.pooled[1], axis=None))
        )
        if not math.isfinite(low):
            return 0.0, 1.0
        if self.scale == "signed":
            high = max(abs(low), abs(high)) or 1.0
            low = -high
        return float(low), float(high)

    def places(self, columns: int, rows: int) -> NDArray[np.float32]:
        """Return cells ``[rows, columns]`` of at most so many, from 0 to 1 between the ends; NaN where empty."""
        least, most = (
            extreme.reduce(part, axis=0) for extreme, part in zip((np.fmin, np.fmax), self.pooled, strict=True)
        )
        signed = self.signed and self.scale != "minmax"
        step = self.per_column(columns) // self.per_column(WIDTH)
        low, high = pool_extremes(self.pooled[0], step)[0], pool_extremes(self.pooled[1], step)[1]
        drawn = strongest(low, high, signed)
        if self.scale == "minmax":
            drawn = np.divide(drawn - least, most - least, out=np.zeros_like(drawn), where=most > least)
        drawn = strongest(*pool_extremes(drawn.T, math.ceil(len(self.order) / rows)), signed)
        start, end = self.limits
        return np.clip((drawn - start) / (end - start), 0, 1) if end > start else np.where(np.isnan(drawn), drawn, 0.5)


def strips_drawing(
    strips: Sequence[Strip], span: tuple[float, float], *, selected: Sequence[float] = (),
    marks: Sequence[tuple[float, str]] = (),
) -> Drawing:  # fmt: skip
    """Return what draws embeddings below each other, on one time axis between two moments.

    `selected` are the ends of a range, `marks` moments with their names, in seconds.
    """
    tall = {1: 280, 2: 200}.get(len(strips), 120)
    lists = [strip for strip in strips if 0 < len(strip.names) <= MAX_LABELS]
    # Of one or two lists all names are shown; more would make a picture that is longer than a page.
    named = lists if len(lists) <= 2 else []
    left = max([min(NAME, text_width(clean_line(name))) + 8 for strip in strips for name in strip.names], default=0)

    def draw(share: float, theme: str = "light") -> Picture:
        width = round(WIDTH * share)
        plot = width - SIDE - left
        heights = [
            max(_strip_height(len(strip.order), max(24, round(tall * share))),
                round(LINE * len(strip.names) * share) if strip in named else 0)
            for strip in strips
        ]  # fmt: skip
        picture = Picture(width, sum(heights) + len(strips) * (HEAD + GAP) + AXIS, theme=theme)
        top = 0
        for strip, tall_one in zip(strips, heights, strict=True):
            end = picture.text(strip.title, MARGIN, top + 14, bold=True, width=plot // 2)
            picture.text(strip.note, end + 12, top + 14, picture.faint, width=width - end - 12)
            top += HEAD
            for place, name in strip.row_names(tall_one):
                y = round(top + place / len(strip.names) * tall_one)
                picture.text(clean_line(name), left - 6, y + 5, anchor=1.0, width=NAME)
            body = Picture(plot, tall_one, theme=theme)
            body.paste(_strip_pixels(strip, plot, tall_one, span, theme), 0, 0)
            _draw_marks(body, marks, plot, 0, tall_one, span)
            _draw_range(body, selected, plot, 0, tall_one, span)
            picture.paste(body.pixels, left, top)
            _draw_scale(picture, strip, left + plot + 8, top, tall_one)
            top += tall_one + GAP
        _draw_time_axis(picture, plot, top - GAP, span, left)
        return picture

    return draw


def matrix_drawing(
    cells: NDArray[np.uint8], duration: float, low: float, high: float, *, boundaries: Sequence[float] = (),
    curve: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None,
) -> Drawing:  # fmt: skip
    """Return what draws a matrix of bytes ``[n, n]`` over time × time, which runs to the right and upwards.

    `boundaries` are moments in seconds, drawn on both axes; below the matrix stands a curve, of times and values.
    """

    def draw(share: float, theme: str = "light") -> Picture:
        side = round(480 * share)
        lane = round(CURVE * share) if curve is not None and len(curve[0]) else 0
        picture = Picture(side + 110, side + lane + AXIS, theme=theme)
        colors = color_ramp(VIRIDIS, LEVELS)
        pixels = colors[np.maximum(cells.astype(int) - 1, 0) * LEVELS // 255]
        pixels[cells == 0] = 0
        picture.paste(stretch(pixels[::-1], side, side), 0, 0)
        picture.paste(stretch(colors[::-1, None], side, 10), side + 8, 0)
        for text, at in zip(format_ends(low, high), (side - 2, 10), strict=True):
            picture.text(text, side + 24, at)
        if curve is not None and lane:
            _draw_curve(picture, *curve, (side, side + 4, lane - 4), duration)
        for second in boundaries:
            x = _column(second, side, (0.0, duration))
            picture.fill(x, 0, 1, side, "#ffffff", 190)
            picture.fill(0, side - 1 - x, side, 1, "#ffffff", 190)
            picture.fill(x, side + 4, 1, max(0, lane - 4), picture.ink)
        _draw_time_axis(picture, side, side + lane, (0.0, duration))
        return picture

    return draw


def comparison_drawing(
    waves: Sequence[tuple[NDArray[np.int8], float]], path: NDArray[np.float32]
) -> Drawing:  # fmt: skip
    """Return what draws two waveforms, peaks and seconds of each, and lines between moments that belong together.

    `path` holds these, in seconds of both, ``[k, 2]``.
    """

    def draw(share: float, theme: str = "light") -> Picture:
        width, tall, between = (round(size * share) for size in (WIDTH, 80, 56))
        picture = Picture(width, 2 * (tall + AXIS) + between, theme=theme)
        for (peaks, duration), top in zip(waves, (0, tall + AXIS + between), strict=True):
            _draw_wave(picture, peaks, width, top, tall)
            _draw_time_axis(picture, width, top + tall, (0.0, duration))
        if len(path):
            columns = [
                np.interp(np.arange(0, width, 14) / width * waves[0][1], path[:, 0], seconds, left=-1, right=-1)
                / duration * (width - 1)
                for seconds, (_, duration) in zip(path.T, waves, strict=True)
            ]  # fmt: skip
            share_down = (np.arange(between) + 0.5) / between
            for above, below in zip(*columns, strict=True):
                if min(above, below) >= 0:
                    xs = np.round(above + share_down * (below - above)).astype(int)
                    picture.pixels[tall + AXIS + np.arange(between), np.clip(xs, 0, width - 1)] = (
                        *rgb(picture.faint),
                        255,
                    )
        return picture

    return draw


def waveform_drawing(peaks: NDArray[np.int8], duration: float, *, selected: Sequence[float] = ()) -> Drawing:
    """Return what draws the lowest and highest samples of equal stretches of a sound, int8 ``[n, 2]``."""

    def draw(share: float, theme: str = "light") -> Picture:
        width, tall = round(WIDTH * share), round(96 * share)
        picture = Picture(width, tall + AXIS, theme=theme)
        _draw_wave(picture, peaks, width, 0, tall)
        _draw_range(picture, selected, width, 0, tall, (0.0, duration))
        _draw_time_axis(picture, width, tall, (0.0, duration))
        return picture

    return draw


def map_drawing(
    xy: NDArray[np.float32], color: Mapping[str, Any], shades: NDArray[np.uint8], *, selected: NDArray[np.int64],
    labels: Sequence[Mapping[str, Any]] = (), shown: NDArray[np.bool_] | None = None,
    axes: tuple[Axis, Axis] | None = None, placed: NDArray[np.bool_] | None = None,
) -> Drawing:  # fmt: skip
    """Return what draws points ``[n, 2]`` between −1 and 1, as :class:`embviz.widgets.scatter.Scatter` has them.

    Points that are not `shown` are drawn faintly, those that are not `placed` not at all; −1 and 1 are the ends of
    `axes`, where there are some.
    """

    def draw(share: float, theme: str = "light") -> Picture:
        width, height = round(MAP[0] * share), round(MAP[1] * share)
        picture = Picture(width + 200, height, theme=theme)
        to_pixels = _place_points(xy, width, height) if axes is None else _draw_axes(picture, axes, width, height)
        places = to_pixels(xy)
        there = np.arange(len(xy)) if placed is None else np.flatnonzero(placed)
        selected_there = selected if placed is None else selected[placed[selected]]
        chosen = there[:: max(1, math.ceil(len(there) / MOST_POINTS))]
        radius = 4.5 if len(xy) <= 1000 else 2.5 if len(xy) <= 10_000 else 1.0
        palette = _point_palette(color, picture)
        places_of = shades if len(shades) == len(xy) else np.zeros(len(xy), np.uint8)
        if shown is not None:
            faint = chosen[~shown[chosen]]
            discs(
                picture, places[faint], np.tile(np.array([*rgb(picture.faint), 70], np.uint8), (len(faint), 1)), radius
            )
            chosen = chosen[shown[chosen]]
        discs(picture, places[chosen], palette[places_of[chosen]], radius)
        if len(selected_there):
            rings = np.tile(np.array([*rgb(PLAYHEAD), 255], np.uint8), (len(selected_there), 1))
            discs(picture, places[selected_there], rings, radius + 2)
            discs(picture, places[selected_there], palette[places_of[selected_there]], radius)
        for label in labels:
            x, y = to_pixels(np.array([[label["x"], label["y"]]], np.float64))[0]
            _draw_pill(picture, str(label["text"]), round(float(x)), round(float(y)))
        _draw_legend(picture, color, width + 12)
        return picture

    return draw


def histogram_drawing(
    edges: Sequence[float], shares: Sequence[float], own: Sequence[float] = (), *, unit: str = ""
) -> Drawing:  # fmt: skip
    """Return what draws a histogram: bin edges ``[n + 1]``, shares of all ``[n]``, and of some as an outline.

    Heights are square roots of the shares, for rare values to be seen beside a peak.
    """

    def draw(share: float, theme: str = "light") -> Picture:
        width, tall = round(WIDTH * share), round(160 * share)
        picture = Picture(width, tall + AXIS, theme=theme)
        most = math.sqrt(max([*shares, *own, 1e-9]))
        places = [_column(edge, width, (edges[0], edges[-1])) for edge in edges]
        for left, right, value in zip(places, places[1:], shares, strict=False):
            height = round(math.sqrt(value) / most * (tall - 1))
            picture.fill(left, tall - height, max(1, right - left - 1), height, picture.faint)
        for left, right, value in zip(places, places[1:], own, strict=False):
            if value > 0:
                picture.fill(left, tall - round(math.sqrt(value) / most * (tall - 1)), max(2, right - left), 3, ACCENT)
        for text, anchor, x in zip(format_ends(edges[0], edges[-1]), (0.0, 1.0), (0, width), strict=True):
            picture.text(f"{text} {unit}".strip(), x, tall + 17, anchor=anchor)
        return picture

    return draw


def side_by_side(drawings: Sequence[tuple[str, Drawing]]) -> Drawing:
    """Return what draws pictures beside each other, each below its title and smaller than alone."""

    def draw(share: float, theme: str = "light") -> Picture:
        parts = [(title, part(0.7 * share, theme)) for title, part in drawings]
        widths, heights = zip(*[part.size for _, part in parts], strict=True)
        picture, x = Picture(sum(widths) + GAP * (len(parts) - 1), HEAD + max(heights), theme=theme), 0
        for (title, part), width in zip(parts, widths, strict=True):
            picture.text(title, x + MARGIN, 14, bold=True, width=width - 2 * MARGIN)
            picture.paste(part.pixels, x, HEAD)
            x += width + GAP
        return picture

    return draw


# Parts. --------------------------------------------------------------------------------------------------------------


def _strip_height(dimensions: int, most: int) -> int:
    return max(min(most, 2 * dimensions), 24)


def _strip_pixels(strip: Strip, width: int, height: int, span: tuple[float, float], theme: str) -> NDArray[np.uint8]:
    pixels = np.zeros((height, width, 4), np.uint8)
    t, d = strip.values.shape
    if not t or not d or span[1] <= span[0]:
        return pixels
    places = strip.places(width, height)
    edges = np.append(strip.edges[: -1 : strip.per_column(width)], strip.edges[-1])
    seconds = span[0] + (np.arange(width) + 0.5) / width * (span[1] - span[0])
    columns = np.searchsorted(edges, seconds, side="right") - 1
    there = (columns >= 0) & (columns < places.shape[1])
    rows = np.arange(height) * len(places) // height
    drawn = places[rows][:, np.clip(columns, 0, places.shape[1] - 1)]
    pixels[:] = strip.colors(theme)[(np.nan_to_num(drawn) * (LEVELS - 1)).round().astype(int)]
    pixels[np.isnan(drawn) | ~there] = 0
    return pixels


def _draw_wave(picture: Picture, peaks: NDArray[np.int8], width: int, top: int, tall: int) -> None:
    """Draw the lowest and highest samples of each column."""
    columns = np.arange(width) * len(peaks) // width
    for x, (low, high) in enumerate(peaks[columns].astype(int)):
        upper = round((127 - high) / 254 * (tall - 1))
        picture.fill(x, top + upper, 1, round((127 - low) / 254 * (tall - 1)) - upper + 1, ACCENT)


def _draw_curve(
    picture: Picture, times: NDArray[np.float32], values: NDArray[np.float32], box: tuple[int, int, int],
    duration: float,
) -> None:  # fmt: skip
    """Fill what lies below a curve from 0 to its highest value, in a box: width, top and height in pixels."""
    width, top, tall = box
    seconds = np.arange(width) / max(width - 1, 1) * duration
    known = np.nan_to_num(np.maximum(values, 0))
    heights = np.interp(seconds, times, known) / (known.max() or 1) * tall
    for x, height in enumerate(np.round(heights).astype(int)):
        picture.fill(x, top + tall - int(height), 1, int(height), ACCENT)


def _draw_range(
    picture: Picture, selected: Sequence[float], width: int, top: int, height: int, span: tuple[float, float]
) -> None:
    """Draw a bracket around the selected seconds, where there are some."""
    if len(selected) == 2:
        first, last = (_column(second, width - 1, span) for second in selected)
        for x in (first, last):
            picture.fill(x - 1, top, 4, height, "#ffffff")
            picture.fill(x, top, 2, height, ACCENT)
        picture.fill(first, top, last - first + 2, 4, ACCENT)


def _draw_scale(picture: Picture, strip: Strip, x: int, top: int, height: int) -> None:
    """Draw the colour bar of a strip, with the values at its ends."""
    picture.paste(stretch(strip.colors(picture.theme)[::-1, None], height, 8), x, top)
    low, high = ("min", "max") if strip.scale == "minmax" else format_ends(*strip.limits)
    picture.text(high, x + 14, top + 10)
    picture.text(low, x + 14, top + height - 1)


def _column(second: float, width: int, span: tuple[float, float]) -> int:
    """Return the column of pixels of a moment."""
    return round((second - span[0]) / max(span[1] - span[0], 1e-9) * (width - 1))


def _draw_marks(
    picture: Picture, marks: Sequence[tuple[float, str]], width: int, top: int, height: int, span: tuple[float, float]
) -> None:
    for second, name in marks:
        if not span[0] <= second <= span[1]:
            continue
        x = _column(second, width, span)
        picture.fill(x, top, 1, height, "#ffffff")
        picture.pixels[top : top + height : 4, x : x + 1] = (0, 0, 0, 255)
        if name:
            text = shorten_to(clean_line(name), 120)
            picture.fill(x + 1, top + height - 17, text_width(text) + 8, 17, PILL)
            picture.text(text, x + 4, top + height - 4, "#f2f2f2")


def _draw_time_axis(picture: Picture, width: int, top: int, span: tuple[float, float], left: int = 0) -> None:
    length = span[1] - span[0]
    step = next((step for step in TICKS if length / step * 64 <= width), TICKS[-1])
    for second in np.arange(math.ceil(span[0] / step) * step, span[1] + 1e-6, step):
        x = _column(float(second), width, span)
        picture.fill(left + x, top, 1, 4, picture.ink)
        anchor = 0.0 if left + x < 16 else 1.0 if x > width - 4 else 0.5
        picture.text(format_time(float(second)), left + x, top + 17, anchor=anchor)


def _point_palette(color: Mapping[str, Any], picture: Picture) -> NDArray[np.uint8]:
    """Return the colour of each shade ``[256, 4]`` on the paper of a picture."""
    colors = np.tile(np.array([*rgb(ACCENT), 255], np.uint8), (256, 1))
    for shade, one in enumerate(color.get("night" if picture.theme == "dark" else "palette", ())):
        colors[shade, :3] = rgb(one)
    if color.get("palette"):
        colors[MISSING, :3] = rgb(picture.faint)
    return colors


def _place_points(xy: NDArray[np.float32], width: int, height: int) -> Callable[[NDArray[Any]], NDArray[np.float64]]:
    """Return what places points in a picture, aspect kept."""
    reach = np.maximum(np.abs(xy).max(axis=0, initial=0), 1e-9)
    scale = min((width / 2 - 14) / reach[0], (height / 2 - 14) / reach[1])
    return lambda points: np.array([width / 2, height / 2]) + points * [scale, -scale]


def _draw_axes(
    picture: Picture, axes: tuple[Axis, Axis], width: int, height: int
) -> Callable[[NDArray[Any]], NDArray[np.float64]]:
    """Draw two axes with their ticks and titles; return what places points between them."""
    rows = axes[1].ticks(max(2, height // ROW))
    left = min(max([text_width(shorten_to(clean_line(text), LEFT)) for _, text in rows], default=0) + 14, width // 3)
    top, plot, tall = HEAD + 4, width - left - 10, height - HEAD - 4 - 2 * AXIS
    columns = axes[0].ticks(max(2, plot // COLUMN))
    picture.fill(left, top, 1, tall, picture.ink)
    picture.fill(left, top + tall, plot, 1, picture.ink)
    for value, text in columns:
        x = left + round(_share(value, axes[0]) * plot)
        picture.fill(x, top, 1, tall, picture.faint, 40)
        picture.text(clean_line(text), x, top + tall + 16, picture.faint, anchor=0.5, width=COLUMN)
    for value, text in rows:
        y = top + tall - round(_share(value, axes[1]) * tall)
        picture.fill(left, y, plot, 1, picture.faint, 40)
        picture.text(clean_line(text), left - 6, y + 4, picture.faint, anchor=1.0, width=LEFT)
    picture.text(clean_line(axes[1].heading), MARGIN, 14, bold=True, width=width - 2 * MARGIN)
    picture.text(clean_line(axes[0].heading), left + plot, height - 4, bold=True, anchor=1.0, width=plot)
    corner = np.array([left + plot / 2, top + tall / 2])
    return lambda points: corner + points * [plot / 2, -tall / 2]


def _share(value: float, axis: Axis) -> float:
    low, high = axis.ends
    return (value - low) / (high - low)


def _draw_pill(picture: Picture, text: str, x: int, y: int) -> None:
    """Write a name on the map, on a ground of its own."""
    text = shorten_to(clean_line(text), 220)
    half = text_width(text) // 2 + 5
    x = min(max(x, half), picture.size[0] - half)
    picture.fill(x - half, y - 9, 2 * half, 18, PILL)
    picture.text(text, x, y + 5, "#f2f2f2", anchor=0.5)


def _draw_legend(picture: Picture, color: Mapping[str, Any], x: int) -> None:
    """Write what colours mean."""
    if color.get("kind", "none") == "none":
        return
    palette, room = _point_palette(color, picture), picture.size[0] - x
    unit = f" ({color['unit']})" if color.get("unit") else ""
    picture.text(clean_line(f"{color['title']}{unit}"), x, 16, bold=True, width=room)
    y = 40
    if color["kind"] == "number":
        bar = palette[:MISSING]
        picture.paste(stretch(bar[:: -(MISSING // LEVELS), None], 140, 10), x, 28)
        for text, at in zip(format_ends(color["low"], color["high"], 4), (166, 38), strict=True):
            picture.text(text, x + 18, at, width=room - 18)
        y = 190
    names = list(enumerate(color["labels"]))
    if color.get("missing"):
        names.append((MISSING, color.get("unknown", "unknown")))
    for shade, name in names:
        if y > picture.size[1] - 4:
            break
        discs(picture, [(x + 5, y - 4)], palette[[shade]], 4.5)
        picture.text(clean_line(name), x + 18, y, width=room - 18)
        y += 20
