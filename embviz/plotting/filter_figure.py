"""The filters of a network's first layer as one figure: a small multiple for a slide.

Conventions: pictures of filters have frequency upwards and time to the right; all filters of one shape stand in one
block, on pixels of the figure, and each is as wide as it is long in time. Colours diverge from zero.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.core.text import plural
from embviz.errors import OptionError, did_you_mean
from embviz.extraction.filters import Filter, first_layer_filters
from embviz.models import Model, model_title
from embviz.plotting import style
from embviz.plotting.heatmap_data import scale_ticks
from embviz.plotting.picture import Picture, color_ramp, stretch
from embviz.plotting.save import FAINT, GREY, INK
from embviz.plotting.still_pictures import BALANCE, DIVERGING, HEAD, NIGHT

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from plotly.graph_objects import Figure

    from embviz.models import ModelLike
    from embviz.plotting.picture import Drawing


ORDERS = ("strength", "index")
SCALES = ("filter", "common")

# Pixels.
SIDE, TOP, BOTTOM = 52, 86, 12  # of the figure: beside all blocks, above and below them
HEADING, AXIS = 42, 26  # of a block: above it and below it
NUMBER, APART = 13, 9  # above a filter, for its number, and between two of them
STRIPS, STRIP, SLIT = 300, (5, 14), 3  # filters of one band: all of them, one at least and at most, between two
TALL, ROOM = (126, 105, 84, 63), 620  # the filters of most bands: what is tried, until all take no more than that
WIDEST = 24  # of a frame or a band
BESIDE = 800  # of the width, from which on blocks stand beside each other
LEGEND = (230, 9)
LEVELS = 65  # colours


def filters(
    model: ModelLike | Sequence[Filter],
    *,
    order: str = "strength",
    scale: str = "filter",
    zeros: bool = False,
    dark: bool = False,
    width: int = 1280,
) -> Figure:
    """Draw the filters of a model's first layer, those of one shape beside each other.

    Parameters
    ----------
    model : str, Model or sequence of Filter
        A model whose weights are here, or filters of its first layer.
    order : {"strength", "index"}
        The filter of the largest weight first, or as the network has them.
    scale : {"filter", "common"}
        What colours measure: the share of the largest weight of each filter, or the weight itself, for all on one
        scale, beyond whose ends lie the largest 2 % of the weights.
    zeros : bool
        Whether filters of which training has left nothing are drawn, too; else they are counted.
    dark : bool
        Whether colours are for dark paper, on which zero is dark.
    width : int
        In pixels; the height follows.

    Returns
    -------
    plotly.graph_objects.Figure
        For :func:`embviz.plotting.save_figure`. Weights are multiplied by the factor of the normalisation behind the
        convolution: where they are positive, energy raises the value of the channel. A filter slides over frequency;
        the axis at the left is that of its lowest position, the one at the right that of its highest.

    Raises
    ------
    ModelError, WeightsError, LayerError
        If there is no such model, its weights are not here, or its first layer is no convolution over time and
        frequency.
    OptionError
        If an option has no such value, or there are no filters.

    Examples
    --------
    >>> figure = filters("musicnn")  # doctest: +SKIP
    >>> embviz.save_figure(figure, "filters.svg")  # doctest: +SKIP
    """
    from embviz.plotting.figure import StillFigure

    for name, value, known in (("order", order, ORDERS), ("scale", scale, SCALES)):
        if value not in known:
            choices = " or ".join(map(repr, known))
            raise OptionError(f"{name} is {choices}, {value!r} was found.{did_you_mean(str(value), known)}")
    if not 400 <= width <= 8000:
        raise OptionError(f"width is a number of pixels from 400 to 8000, {width!r:.80} was found.")
    given: Any = first_layer_filters(model) if isinstance(model, str | Model) else model
    chosen = list(given) if isinstance(given, Iterable) else []
    if not chosen or not all(isinstance(one, Filter) for one in chosen):
        raise OptionError("Filters are drawn of a model, or of a list of filters with one in it at least.")
    blocks = _lay_out(_blocks(chosen, order, zeros=zeros), width)
    reach = _reach(blocks) if scale == "common" else 1.0
    figure, height = StillFigure(), max(block.bottom for block in blocks) + BOTTOM
    for number, block in enumerate(blocks, start=1):
        _draw_block(figure, block, number, (width, height), common=scale == "common")
    named = model_title(chosen[0].model)
    said = f"filters of the first layer: {_count(blocks)}"
    figure.update_layout(
        style.base_layout(named, said), width=width, height=height, showlegend=False, hovermode="closest",
        margin={"l": 0, "r": 0, "t": 0, "b": 0, "pad": 0},
        coloraxis={"cmin": -reach, "cmax": reach, "colorscale": _color_scale(dark=dark), "showscale": False},
    )  # fmt: skip
    _draw_legend(figure, len(blocks) + 1, (width, height), reach, common=scale == "common")
    if any(block.shape.positions > 1 and not block.flat for block in blocks):
        lines = "axes at the left: Hz at a filter's lowest position<br>at the right: Hz at its highest"
        place = {"x": SIDE / width, "y": 1 - 40 / height, "yanchor": "top", "align": "left", "font_size": 11}
        style.write_text(figure, style.color_span(lines, FAINT), **place)
    figure.update_layout(title={"x": SIDE / width, "xref": "container"})
    draw = _still(blocks, width, height, reach, common=scale == "common", dark=dark)
    return figure.keep_still(lambda: draw)


# Where everything stands. --------------------------------------------------------------------------------------------


@dataclass
class _Block:
    """The filters of one convolution; places in pixels from the top left corner of the figure."""

    filters: list[Filter]
    total: int
    shape: Filter  # one of them, for what all have in common
    left: int = 0
    top: int = 0  # of the pictures: the heading lies above
    columns: int = 1
    frame: float = 1.0  # pixels of a frame …
    band: float = 1.0  # … and of a band

    @property
    def flat(self) -> bool:
        """Whether its filters have one band, and stand above each other."""
        return self.shape.bands == 1

    @property
    def cell(self) -> tuple[float, float]:
        """Width and height of a filter with what is around it."""
        wide, tall = self.shape.frames * self.frame, self.shape.bands * self.band
        return (wide, tall + SLIT) if self.flat else (wide + APART, tall + NUMBER)

    @property
    def rows(self) -> int:
        return -(-len(self.filters) // self.columns)

    @property
    def width(self) -> float:
        return max(1.0, self.columns * self.cell[0] - (0 if self.flat else APART))

    @property
    def height(self) -> float:
        return max(1.0, self.rows * self.cell[1])

    @property
    def bottom(self) -> int:
        return round(self.top + self.height + AXIS)

    def corner(self, i: int) -> tuple[float, float]:
        """Return where the picture of a filter begins, from the corner of the block."""
        row, column = divmod(i, self.columns)
        return column * self.cell[0], row * self.cell[1] + (0 if self.flat else NUMBER)

    @property
    def title(self) -> str:
        """What the filters are, and how long they last."""
        one = self.shape
        lasts = one.frames * one.hop
        time = f"{lasts / 1000:.2f} s" if lasts >= 1000 else f"{lasts:.0f} ms"
        return f"{one.layer or one.node} {one.frames} × {one.bands} · {time}"


def _blocks(chosen: Sequence[Filter], order: str, *, zeros: bool) -> list[_Block]:
    """Return the filters by their convolutions."""
    groups: dict[str, list[Filter]] = {}
    for one in chosen:
        groups.setdefault(one.node, []).append(one)
    blocks = []
    for group in groups.values():
        shown = [one for one in group if zeros or not one.is_zero]
        if order == "strength":
            shown.sort(key=lambda one: -float(np.abs(one.values).max()))
        blocks.append(_Block(shown, len(group), group[0]))
    return blocks


def _lay_out(blocks: list[_Block], width: int) -> list[_Block]:
    """Give each block its place: those of several bands beside each other, those of one band in a row below them.

    Where the figure is narrow, all stand below each other.
    """
    room, top = width - 2 * SIDE, TOP
    kinds = [[block for block in blocks if block.flat is flat] for flat in (False, True)]
    rows = [[block] for kind in kinds for block in kind] if room < BESIDE else [kind for kind in kinds if kind]
    for row in rows:
        if row[0].flat:
            _size_strips(row, room)
        else:
            _size_tall(row, room)
        left = float(SIDE)
        for block in row:
            block.left, block.top = round(left), top + HEADING
            left += block.width + 2 * SIDE
        top = max(block.bottom for block in row)
    return blocks


def _size_strips(blocks: list[_Block], room: int) -> None:
    """Give filters of one band their sizes: one scale of time, and strips as high as there is room for."""
    frames, most = sum(block.shape.frames for block in blocks), max(len(block.filters) for block in blocks)
    strip = min(max(STRIPS / max(1, most) - SLIT, STRIP[0]), STRIP[1])
    for block in blocks:
        block.frame, block.band = min(WIDEST, (room - (len(blocks) - 1) * 2 * SIDE) / frames), strip


def _size_tall(blocks: list[_Block], room: int) -> None:
    """Give filters of several bands the largest of some sizes with which they do not get too high."""
    for size in TALL:
        _size_blocks(blocks, size, room)
        if max(block.height for block in blocks) <= ROOM:
            return


def _size_blocks(blocks: list[_Block], size: int, room: int) -> None:
    """Give filters of several bands their sizes, one scale for all, and blocks a share of the width."""
    most = max(block.shape.bands for block in blocks)
    band = min(WIDEST, size / most)
    room -= (len(blocks) - 1) * 2 * SIDE
    wanted = []
    for block in blocks:
        block.band, block.frame = band, max(band, min(size / 18, WIDEST))
        wanted.append(max(1, len(block.filters)) * block.cell[0])
    for block, want in zip(blocks, wanted, strict=True):
        most_columns = max(1, int((room * want / sum(wanted) + APART) // block.cell[0]))
        # Rows of one length, rather than a last one with few.
        rows = max(1, -(-len(block.filters) // most_columns))
        block.columns = max(1, -(-len(block.filters) // rows))


def _count(blocks: Sequence[_Block]) -> str:
    shown, total = sum(len(block.filters) for block in blocks), sum(block.total for block in blocks)
    return f"{total:,}" if shown == total else f"{shown:,} of {total:,}, the others are zero"


def _reach(blocks: Sequence[_Block]) -> float:
    """Return the weight at the ends of a scale that all filters share."""
    weights = np.concatenate([np.abs(one.values).ravel() for block in blocks for one in block.filters] or [np.ones(1)])
    reach = float(np.quantile(weights[weights > 0], 0.98)) if (weights > 0).any() else 0.0
    return reach or 1.0


def _shares(one: Filter, *, common: bool) -> NDArray[np.float64]:
    """Return what colours measure of a filter, ``[bands, frames]``."""
    values = one.values.astype(np.float64)
    largest = float(np.abs(values).max(initial=0.0))
    # What is zero but for its roundings has no shape of its own.
    return values if common else np.zeros_like(values) if one.is_zero or not largest else values / largest


# What plotly draws. --------------------------------------------------------------------------------------------------


def _draw_block(figure: Figure, block: _Block, number: int, size: tuple[int, int], *, common: bool) -> None:
    axes = {"xaxis": f"x{number}", "yaxis": f"y{number}"}
    if block.filters:
        z, custom, x, y = _mosaic(block, common=common)
        figure.add_heatmap(
            z=z, x=x, y=y, customdata=custom, coloraxis="coloraxis", hoverongaps=False, hovertemplate=_hover(block),
            **axes,
        )  # fmt: skip
    if block.filters and not block.flat:
        corners = [block.corner(i) for i in range(len(block.filters))]
        figure.add_scatter(
            x=[x for x, _ in corners], y=[y - 1 for _, y in corners], mode="text", textposition="top right",
            text=[style.color_span(str(_number(one)), FAINT) for one in block.filters], textfont_size=9,
            hoverinfo="skip", cliponaxis=False, **axes,
        )  # fmt: skip
    width, height = size
    across = [block.left / width, min(1.0, (block.left + block.width) / width)]
    upright = [1 - (block.top + block.height) / height, 1 - block.top / height]
    base = _axis()
    seconds, said = _time_ticks(block)
    lows, names = _row_ticks(block)
    suffix = "" if number == 1 else str(number)
    figure.update_layout(
        {
            f"xaxis{suffix}": {
                **base, "domain": across, "anchor": f"y{number}", "range": [0, block.width],
                "tickvals": seconds, "ticktext": [style.color_span(one, INK) for one in said], "tickangle": 0,
            },
            f"yaxis{suffix}": {
                **base, "domain": upright, "anchor": f"x{number}", "range": [block.height, 0],
                "tickvals": lows, "ticktext": [style.color_span(one, INK) for one in names],
            },
        }
    )  # fmt: skip
    _write_heading(figure, block, size)
    _write_highest(figure, block, number)


def _number(one: Filter) -> int:
    """Return the number of a filter in the layer that it is named after."""
    return one.channels.get(one.layer, one.index)


def _mosaic(block: _Block, *, common: bool) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return the cells of a block with their gaps, what is told of each, and the edges of columns and rows."""
    one = block.shape
    # A gap behind each filter, below it where filters stand above each other.
    columns, rows = one.frames + 1, one.bands + 1
    z = np.full((block.rows * rows, block.columns * columns), np.nan, np.float32)
    custom = np.zeros((*z.shape, 5), np.float32)
    for i, each in enumerate(block.filters):
        row, column = divmod(i, block.columns)
        top, left = row * rows + (0 if block.flat else 1), column * columns
        part = np.s_[top : top + one.bands, left : left + one.frames]
        z[part] = _shares(each, common=common)[::-1]
        custom[part][..., 0] = _number(each)
        custom[part][..., 1] = each.hertz(0)[::-1, None]
        custom[part][..., 2] = each.hertz(-1)[::-1, None]
        custom[part][..., 3] = each.milliseconds
        custom[part][..., 4] = each.values[::-1]
    wide = [block.frame] * one.frames + [0 if block.flat else APART]
    tall = [block.band] * one.bands + [SLIT] if block.flat else [NUMBER] + [block.band] * one.bands
    x = np.concatenate([[0], np.cumsum(wide * block.columns)])
    y = np.concatenate([[0], np.cumsum(tall * block.rows)])
    if block.flat:  # one column of filters needs no gap behind it
        return z[:, :-1], custom[:, :-1], x[:-1], y
    return z, custom, x, y


def _hover(block: _Block) -> str:
    layer = style.plotly_text(block.shape.layer or block.shape.node)
    slides = block.shape.positions > 1 and not block.flat
    hertz = (
        "%{customdata[1]:.0f} Hz at its lowest position, %{customdata[2]:.0f} Hz at its highest<br>" if slides else ""
    )
    lines = f"<b>{layer} %{{customdata[0]:d}}</b><br>{hertz}%{{customdata[3]:.0f}} ms<br>weight %{{customdata[4]:.3~g}}"
    return f'<span style="color: {style.HOVER_INK}">{lines}</span><extra></extra>'


def _time_ticks(block: _Block) -> tuple[list[float], list[str]]:
    """Return the places and names of moments, below the first filter of each block."""
    one = block.shape
    if not block.filters:
        return [], []
    lasts = (one.frames - 1) * one.hop
    if block.flat and lasts > 300:
        most = max(1, block.width / 60)
        step = next((step for step in (100, 200, 250, 500, 1000, 2000) if lasts / step <= most), 5000)
        moments = np.arange(0, lasts + 1e-6, step) if step <= lasts else np.array([0.0, lasts])
    else:
        moments = np.array([0.0, lasts]) if one.frames > 1 else np.zeros(1)
    places = [float((moment / one.hop + 0.5) * block.frame) for moment in moments]
    names = [f"{moment:.0f}" for moment in moments]
    names[-1] += " ms"
    if len(names) > 1 and places[-1] - places[0] < 40:  # no room for both
        names[0] = ""
    return places, names


def _row_ticks(block: _Block) -> tuple[list[float], list[str]]:
    """Return the places and names at the left: frequencies at the lowest position, or the numbers of filters."""
    if block.flat:
        # As many names as there is room for.
        every = max(1, math.ceil(11 / block.cell[1]))
        places = [block.corner(i)[1] + block.band / 2 for i in range(0, len(block.filters), every)]
        return places, [str(_number(one)) for one in block.filters[::every]]
    return _hertz_ticks(block, 0) if block.filters else ([], [])


def _hertz_ticks(block: _Block, position: int) -> tuple[list[float], list[str]]:
    hertz = block.shape.hertz(position)
    tall = block.shape.bands * block.band
    ticks = scale_ticks(hertz.tolist(), 14 / block.band)
    if len(ticks) < 2:
        ticks = [(0.0, float(hertz[0])), (len(hertz) - 1.0, float(hertz[-1]))]
    places, names = [], []
    for row in range(block.rows):
        top = row * block.cell[1] + NUMBER
        places += [top + tall - (at + 0.5) * block.band for at, _ in ticks]
        names += [_hz(value) for _, value in ticks]
    return places, names


def _hz(value: float) -> str:
    return f"{value / 1000:.2g}k" if value >= 1000 else f"{value:.2g}" if value < 100 else f"{value:.0f}"


def _write_heading(figure: Figure, block: _Block, size: tuple[int, int]) -> None:
    width, height = size
    shown, rest = len(block.filters), block.total - len(block.filters)
    count = plural(shown, "filter") if not rest else f"{shown} of {block.total}, {rest} are zero"
    head = style.color_span(f"<b>{style.plotly_text(block.title)}</b>", INK)
    second = style.color_span(count, FAINT)
    place = {"x": block.left / width, "y": 1 - block.top / height, "yshift": 4, "align": "left"}
    style.write_text(figure, f"{head}<br>{second}", **place)


def _write_highest(figure: Figure, block: _Block, number: int) -> None:
    """Write the frequencies of the highest position at the right of each row."""
    if block.flat or not block.filters or block.shape.positions < 2:
        return
    for y, name in zip(*_hertz_ticks(block, -1), strict=True):
        style.write_text(
            figure, style.color_span(name, INK), xref=f"x{number}", yref=f"y{number}", x=block.width, y=y,
            yanchor="middle", xshift=3, font_size=10,
        )  # fmt: skip


def _color_scale(*, dark: bool) -> list[list[Any]]:
    stops = NIGHT if dark else BALANCE
    return [[i / (len(stops) - 1), color] for i, color in enumerate(stops)]


def _draw_legend(figure: Figure, number: int, size: tuple[int, int], reach: float, *, common: bool) -> None:
    """Draw what colours mean in the top right corner."""
    width, height = size
    wide, tall = LEGEND
    left, top = width - SIDE - wide, 50  # below the buttons of plotly
    values = np.linspace(-reach, reach, LEVELS)
    figure.add_heatmap(
        z=values[None], x=values, y=[0], coloraxis="coloraxis", hoverinfo="skip", xaxis=f"x{number}",
        yaxis=f"y{number}",
    )  # fmt: skip
    names = [f"−{reach:.2g} lowers the value", "0", f"+{reach:.2g} raises it"]
    figure.update_layout(
        {
            f"xaxis{number}": {
                **_axis(), "domain": [left / width, (left + wide) / width], "anchor": f"y{number}", "tickangle": 0,
                "tickvals": [-reach, 0, reach], "ticktext": [style.color_span(name, INK) for name in names],
                "range": [-reach, reach], "fixedrange": True,
            },
            f"yaxis{number}": {
                **_axis(), "domain": [1 - (top + tall) / height, 1 - top / height], "anchor": f"x{number}",
                "tickvals": [], "range": [-0.5, 0.5], "fixedrange": True,
            },
        }
    )  # fmt: skip
    what = "weight × scale of the normalisation" if common else "weight, as a share of its filter's largest"
    place = {"x": left / width, "y": 1 - top / height, "yshift": 2, "font_size": 11}
    style.write_text(figure, style.color_span(what, FAINT), **place)


def _axis() -> dict[str, Any]:
    """Return the layout that all axes share."""
    return {
        "showgrid": False, "zeroline": False, "ticks": "outside", "ticklen": 3, "tickcolor": GREY,
        "tickfont_size": 10, "tickmode": "array", "automargin": False,
    }  # fmt: skip


# What stands for it without plotly. ----------------------------------------------------------------------------------


def _still(blocks: Sequence[_Block], width: int, height: int, reach: float, *, common: bool, dark: bool) -> Drawing:
    """Return what draws the figure for a notebook that nobody runs."""

    def draw(_share: float, theme: str = "light") -> Picture:
        picture = Picture(width, height - TOP + HEAD, theme="dark" if dark else theme)
        colors = color_ramp(DIVERGING[picture.theme], LEVELS)
        for block in blocks:
            top = block.top - TOP + HEAD
            picture.text(block.title, block.left, top - 8, bold=True)
            for i, one in enumerate(block.filters):
                x, y = block.corner(i)
                places = np.clip(_shares(one, common=common)[::-1] / reach, -1, 1)
                cells = colors[np.round((places + 1) / 2 * (LEVELS - 1)).astype(int)]
                size = round(one.bands * block.band), round(one.frames * block.frame)
                picture.paste(stretch(cells, *size), round(block.left + x), round(top + y))
        return picture

    return draw
