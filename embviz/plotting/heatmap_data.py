"""Cells of a heatmap: values of an embedding, ordered, scaled and pooled to pixels.

Conventions: values come as ``[t, d]`` and leave as ``[rows, columns]``, a row per dimension, a column per frame.
Where frames or dimensions are more than there are pixels, neighbours share a cell, which shows the value of largest
magnitude among them (the largest value, where all have one sign). What is not a finite number is an empty cell, NaN.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.core.embedding import Embedding
from embviz.errors import OptionError, did_you_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray


#: Orders of the dimensions, with what a page calls them.
ORDERS = {"index": "index", "activity": "activity", "cluster": "similarity"}
#: Scales of a figure.
SCALES = ("none", "zscore", "minmax")
#: Scales of a heatmap in a page, with what it calls them; a figure has ``"signed"`` by itself where values have signs.
PAGE_SCALES = {"none": "common", "minmax": "per dimension", "signed": "around zero"}

#: More labels than this do not fit beside a heatmap.
MAX_LABELS = 64
# Cells smaller than a pixel would not be drawn at all, so they are pooled before. A page is about this wide.
MAX_COLUMNS = 1200
# Leaves are put into their best order up to here; beyond, that step takes longer than the reader waits.
MAX_SORTED_LEAVES = 600


def measured_labels(labels: Sequence[str]) -> tuple[list[float], str] | None:
    """Return rising numbers and their unit, where labels say that (``"30 BPM"`` …); None where they are a list."""
    matches = [match for label in labels if (match := re.fullmatch(r"(-?\d+(?:\.\d+)?)\s*(\D*)", label))]
    units = {match[2] for match in matches}
    # Without a unit, only what is too much for a list is a scale.
    if len(matches) < len(labels) or len(units) != 1 or (units == {""} and len(labels) <= MAX_LABELS):
        return None
    numbers = [float(match[1]) for match in matches]
    rising = len(numbers) > 1 and all(first < second for first, second in pairwise(numbers))
    return (numbers, units.pop()) if rising else None


def is_listed(labels: Sequence[str]) -> bool:
    """Tell whether labels are so few that a heatmap has room for each of them, and no scale."""
    return 0 < len(labels) <= MAX_LABELS and measured_labels(labels) is None


def is_even(numbers: Sequence[float]) -> bool:
    """Tell whether rising numbers are as far apart everywhere, but for their rounding."""
    steps = np.diff(numbers)
    return bool(steps.max() < 1.05 * steps.min())


def scale_ticks(numbers: Sequence[float], room: float) -> list[tuple[float, float]]:
    """Return the round values on a scale of rising numbers: where each lies, in rows from the first number, and it.

    `room` is the least distance of two of them in rows; of those too near, the rounder one stays.
    """
    decades = range(math.floor(math.log10(max(numbers[0], 1))), math.ceil(math.log10(max(numbers[-1], 1))) + 1)
    ticks: list[tuple[float, float]] = []
    for value in [leading * 10.0**decade for leading in (1, 5, 2) for decade in decades]:
        place = float(np.interp(value, numbers, np.arange(len(numbers))))
        inside = numbers[0] <= value <= numbers[-1]
        if inside and all(abs(place - other) >= room for other, _ in ticks):
            ticks.append((place, value))
    return sorted(ticks)


@dataclass(frozen=True)
class HeatmapOptions:
    """The options of a heatmap, checked."""

    order: str = "index"
    scale: str = "none"
    colormap: str | None = None

    def __post_init__(self) -> None:
        _check("order", self.order, tuple(ORDERS))
        _check("scale", self.scale, SCALES)
        if self.colormap is not None:
            from plotly.colors import named_colorscales

            names = named_colorscales()
            _check("colormap", self.colormap, [*names, *(f"{name}_r" for name in names)], fold=True)


def _check(option: str, value: Any, known: Sequence[str], *, fold: bool = False) -> None:
    if (value.lower() if fold and isinstance(value, str) else value) not in known:
        choice = " or ".join(map(repr, known)) if len(known) < 10 else "one of plotly's named colour scales"
        raise OptionError(f"{option} is {choice}, {value!r} was found.{did_you_mean(str(value), known)}")


@dataclass(frozen=True)
class HeatmapCells:
    """The cells of a heatmap: values ``[rows, columns]``, and the borders of the columns in seconds."""

    values: NDArray[np.float32]
    edges: NDArray[np.float64]
    order: NDArray[np.int64]  # the dimensions in the order of the rows, [d]
    per_row: int  # dimensions that share a row; the last ones may be fewer
    per_column: int  # frames that share a column; the last ones may be fewer
    signed: bool  # whether values lie on both sides of zero
    # Dimensions that never change: filters that training left without effect, most often. Clustering puts them last.
    constant: int


def compute_cells(embedding: Embedding, look: HeatmapOptions, height: int) -> HeatmapCells:
    """Return the cells of an embedding, of at most `height` rows."""
    t, d = embedding.shape
    if not t or not d:
        raise OptionError(f"There is nothing to draw in {t} frames × {d} dimensions.")
    values = _finite(embedding.values)
    per_column, per_row = math.ceil(t / MAX_COLUMNS), math.ceil(d / height)
    offset, factor = _scaling(values, look.scale)
    # Scaling keeps the order of values, so pooling may come first, where it spares memory.
    low, high = (_scaled(extreme, offset, factor) for extreme in pool_extremes(values, per_column))
    signed = _signed(low, high)
    drawn = strongest(low, high, signed)
    moving = _varying(low, high)
    order = _order(values, drawn, moving, look.order)
    drawn = strongest(*pool_extremes(drawn.T[order], per_row), signed)
    edges = embedding.grid.edges
    borders = np.append(edges[:-1:per_column], edges[-1])
    return HeatmapCells(drawn, borders, order, per_row, per_column, signed, int(d - moving.sum()))


def dimension_order(values: NDArray[np.float32], order: str) -> NDArray[np.int64]:
    """Return the dimensions of values ``[t, d]`` in the order of the rows, ``[d]``; see :data:`ORDERS`."""
    _check("order", order, tuple(ORDERS))
    if not values.size:
        return np.arange(values.shape[1])
    values = _finite(values)
    low, high = pool_extremes(values, math.ceil(len(values) / MAX_COLUMNS))
    return _order(values, strongest(low, high, _signed(low, high)), _varying(low, high), order)


def is_signed(values: NDArray[np.float32]) -> bool:
    """Tell whether values lie on both sides of zero, by more than what rounding leaves behind."""
    values = _finite(values)
    return bool(values.size) and _signed(values, values)


def _finite(values: NDArray[np.float32]) -> NDArray[np.float32]:
    finite = np.isfinite(values)
    return values if finite.all() else np.where(finite, values, np.float32(np.nan))


def _varying(low: NDArray[np.float32], high: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which dimensions ever change, ``[d]``."""
    return np.asarray(np.fmax.reduce(high, axis=0) > np.fmin.reduce(low, axis=0))


def pool_extremes(values: NDArray[np.float32], size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the lowest and the highest of every `size` values along the first axis; NaN only where all are."""
    if size == 1:
        return values, values
    starts = np.arange(0, len(values), size)
    return np.fmin.reduceat(values, starts, axis=0), np.fmax.reduceat(values, starts, axis=0)


def strongest(low: NDArray[np.float32], high: NDArray[np.float32], signed: bool) -> NDArray[np.float32]:
    """Return the values of largest magnitude among pairs of extremes; the higher ones where all have one sign."""
    return np.where(-low > high, low, high) if signed else high


def _scaled(values: NDArray[Any], offset: NDArray[np.float64], factor: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray((values - offset) * factor, dtype=np.float32)


def _scaling(values: NDArray[np.float32], scale: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the offset subtracted from each dimension and the factor it is then multiplied by, ``[d]`` each."""
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
    below, above = -float(np.fmin.reduce(low, axis=None)), float(np.fmax.reduce(high, axis=None))
    return min(below, above) > 0.01 * max(below, above)


def _order(
    values: NDArray[np.float32], drawn: NDArray[np.float32], moving: NDArray[np.bool_], order: str
) -> NDArray[np.int64]:
    """Return the dimensions in the order of the rows, ``[d]``."""
    d = values.shape[1]
    if order == "activity":
        return np.argsort(-_mean(np.abs(values)), kind="stable")
    grouped = order == "cluster" and d >= 3 and len(drawn) >= 2
    rows = _cluster_order(drawn) if grouped else np.arange(d)
    return rows if order == "index" else np.concatenate([rows[moving[rows]], rows[~moving[rows]]])


def _cluster_order(drawn: NDArray[np.float32]) -> NDArray[np.int64]:
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    centered = np.nan_to_num(drawn - _mean(drawn))
    unit = centered / np.maximum(np.linalg.norm(centered, axis=0), np.finfo(np.float32).tiny)
    distance = np.clip(1 - unit.T @ unit, 0, 2)
    np.fill_diagonal(distance, 0)
    best = len(distance) <= MAX_SORTED_LEAVES
    tree = linkage(squareform(distance, checks=False), "average", optimal_ordering=best)
    return np.asarray(leaves_list(tree), dtype=np.int64)


# -- colours ------------------------------------------------------------------------------------------------------


def color_scale(cells: HeatmapCells, look: HeatmapOptions) -> dict[str, Any]:
    """Return plotly's colour scale, and the values at its ends."""
    from plotly import colors

    lowest, highest = (float(extreme.reduce(cells.values, axis=None)) for extreme in (np.fmin, np.fmax))
    if math.isnan(lowest) or look.scale == "minmax":
        lowest, highest = 0.0, 1.0
    if look.scale == "zscore":
        lowest, highest = -3.0, 3.0
    name = (look.colormap or ("balance" if cells.signed else "viridis")).lower()
    if name not in {known.lower() for known in vars(colors.diverging) if not known.startswith("_")}:
        return {"colorscale": name, "zmin": lowest, "zmax": highest if highest > lowest else lowest + 1}
    reach = max(abs(lowest), abs(highest)) or 1.0
    if name != "balance":
        return {"colorscale": name, "zmin": -reach, "zmax": reach}
    # Plotly's twelve samples of cmocean's balance leave out the middle, which is what marks zero.
    stops = [(place / 11, color) for place, color in enumerate(colors.cmocean.balance)]
    return {"colorscale": [*stops[:6], (0.5, "rgb(241, 236, 235)"), *stops[6:]], "zmin": -reach, "zmax": reach}
