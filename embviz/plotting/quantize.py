"""Values of an embedding as one byte per cell, for heatmaps in the browser.

Conventions: values come as ``[t, d]`` and travel dimension first, ``[d, t]``, as bytes. Each dimension has a range of
its own; a byte is a place inside it: ``value = low + (byte - 1) / 254 * (high - low)``, and 0 is an empty cell (what is
not a finite number, or not computed yet).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


LAST = 254  # Steps between the byte of the lowest value, 1, and that of the highest, 255.
CONSTANT = 128
# Values per block: small enough for a processor's cache.
BLOCK = 1 << 16
# Values rarer than this have the colours' ends to themselves; without it, one peak would leave the rest alike.
RARE = 0.002
# An end stays where the values end, unless more than this share of the colours is won for all others.
WORTH = 1 / 8
SAMPLE = 1 << 21  # Values that tell which ones are rare.


def quantize(values: NDArray[Any]) -> tuple[bytes, bytes]:
    """Return the cells of values ``[t, d]``, uint8 ``[d, t]``, and the range of each dimension, float32 ``[d, 2]``.

    Cells are 0 where a value is not finite; else 1 for the lowest value of its dimension to 255 for the highest, and
    128 throughout where a dimension never changes. Ranges are the lowest and the highest finite value of each
    dimension, both NaN where it has none.
    """
    values = np.asarray(values, dtype=np.float32)
    t, d = values.shape
    cells = np.zeros((d, t), dtype=np.uint8)
    if not t or not d:
        return cells.tobytes(), np.full((d, 2), np.nan, dtype="<f4").tobytes()
    if not np.isfinite(values).all():
        values = np.where(np.isfinite(values), values, np.float32(np.nan))
    low, high = np.fmin.reduce(values, axis=0), np.fmax.reduce(values, axis=0)
    kind = _precision(low, high)
    spread = high.astype(np.float64) - low
    factor = np.divide(LAST, spread, out=np.zeros(d), where=spread > 0).astype(kind)
    # Half a step is for rounding, the other step for the byte that means empty.
    offset = np.where(spread > 0, 1.5, CONSTANT).astype(kind)
    rows = max(1, BLOCK // d)
    for start in range(0, t, rows):
        block = values[start : start + rows]
        places = (block - low.astype(kind)) * factor + offset
        cells[:, start : start + rows] = np.nan_to_num(places, copy=False, nan=0).astype(np.uint8).T
    return cells.tobytes(), np.stack([low, high], axis=1).astype("<f4").tobytes()


def pool_cells(cells: bytes, ranges: bytes, level: int, *, signed: bool) -> bytes:
    """Return cells pooled over ``2**level`` frames, uint8 ``[d, ceil(t / 2**level)]``, as a heatmap does in the page.

    Of the cells that are pooled, the one with the highest value stands for all; where `signed`, the one farthest from
    zero.
    """
    low, high = np.frombuffer(ranges, dtype="<f4").reshape(-1, 2).T.astype(np.float64)
    d, size = len(low), 2**level
    frames = np.frombuffer(cells, dtype=np.uint8).reshape(d, -1)
    codes = np.pad(frames, ((0, 0), (0, -frames.shape[1] % size))).reshape(d, -1, size)
    if signed:
        spread = high - low
        zero = 1 + LAST * np.divide(-low, spread, out=np.zeros(d), where=spread > 0)
        apart = np.where(codes > 0, np.abs(codes - zero.astype(np.float32)[:, None, None]), -1)
        codes = np.take_along_axis(codes, apart.argmax(axis=2)[:, :, None], axis=2)
    pooled: NDArray[np.uint8] = codes.max(axis=2)
    return pooled.tobytes()


def _precision(low: NDArray[np.float32], high: NDArray[np.float32]) -> type[np.float32 | np.float64]:
    """Return the kind of number that holds every range and its inverse."""
    with np.errstate(over="ignore", invalid="ignore"):
        spread = high - low
    fits = (spread == 0) | ((spread > 1e-30) & (spread < 1e30)) | np.isnan(spread)
    return np.float32 if fits.all() else np.float64


def color_limits(values: NDArray[Any], *, signed: bool) -> list[float]:
    """Return where the colours of values ``[t, d]`` end, lowest and highest, on a scale that all dimensions share.

    0.2 % of the values lie beyond each end (where `signed`, beyond both together: distance from zero is what counts,
    and both ends are as far from it), and are drawn in its colour; cells keep their values. Where little would be won,
    an end is the extreme value. There are none where no value is finite.
    """
    finite = _finite_values(values)
    if not finite.size:
        return []
    least, most = float(finite.min()), float(finite.max())
    step = max(1, math.ceil(values.size / SAMPLE))
    # Frames are left out, never dimensions, which differ more.
    sample = _finite_values(values[step // 2 :: step]) if step > 1 else finite
    if signed:
        reach = float(_quantiles(np.abs(sample), 1 - RARE))
        low, high = -reach, reach
    else:
        low, high = map(float, _quantiles(sample, [RARE, 1 - RARE]))
    won = WORTH * (high - low)
    # Where nearly all values are one, the rare ones are all there is to see.
    if not won > 0:
        return [least, most]
    return [low if low - least > won else least, high if most - high > won else most]


def _finite_values(values: NDArray[Any]) -> NDArray[np.float32]:
    values = np.asarray(values, dtype=np.float32)
    finite = np.isfinite(values)
    return values.ravel() if finite.all() else values[finite]


def _quantiles(values: NDArray[np.float32], places: float | list[float]) -> NDArray[np.float32]:
    # Between two huge values of either sign lies what single precision does not hold.
    found = np.quantile(values, places, method="nearest") if values.size else np.zeros_like(places)
    return np.asarray(found, dtype=np.float32)
