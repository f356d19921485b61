"""What widgets of frames share: the values of an embedding as one byte per cell, and the traits that carry them.

Conventions: values come as ``[t, d]`` and travel dimension first, ``[d, t]``, as bytes. Each dimension has a range of
its own; a byte is a place inside it: ``value = low + (byte - 1) / 254 * (high - low)``, and 0 is an empty cell (what is
not a finite number, or not computed yet). The exact value of a single cell is asked for while the pointer rests on it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import traitlets

from embviz.plotting.heatmap_data import dimension_order, is_signed
from embviz.widgets.base import Drawing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embviz.core.embedding import Embedding

__all__ = ["FramesWidget", "colour_ends", "decode", "encode"]

LAST = 254  # Steps between the byte of the lowest value, 1, and that of the highest, 255.
CONSTANT = 128
ORDERS = {"activity": "activity", "similarity": "cluster"}
SCALES = ("none", "dimension", "signed")
# Values per block: small enough for a processor's cache.
BLOCK = 1 << 16
# Values rarer than this have the colours' ends to themselves; without it, one peak would leave the rest alike.
RARE = 0.002
# An end stays where the values end, unless more than this share of the colours is won for all others.
WORTH = 1 / 8
SAMPLE = 1 << 21  # Values that tell which ones are rare.


def encode(values: NDArray[Any]) -> tuple[bytes, bytes]:
    """Return the cells of values ``[t, d]``, and the range of each dimension.

    Parameters
    ----------
    values : ndarray, shape [t, d]
        One vector per frame.

    Returns
    -------
    cells : bytes
        uint8 ``[d, t]``: 0 where a value is not finite; else 1 for the lowest value of its dimension to 255 for the
        highest; 128 throughout where a dimension never changes.
    ranges : bytes
        float32 ``[d, 2]``: lowest and highest finite value of each dimension, both NaN where it has none.
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


def _precision(low: NDArray[np.float32], high: NDArray[np.float32]) -> type[np.float32 | np.float64]:
    """Return the kind of number that holds every range and its inverse."""
    with np.errstate(over="ignore", invalid="ignore"):
        spread = high - low
    fits = (spread == 0) | ((spread > 1e-30) & (spread < 1e30)) | np.isnan(spread)
    return np.float32 if fits.all() else np.float64


def colour_ends(values: NDArray[Any], *, signed: bool) -> list[float]:
    """Return where the colours of values ``[t, d]`` end, on a scale that all dimensions share.

    What lies beyond is drawn in the colour of the end; cells keep their values.

    Parameters
    ----------
    values : ndarray, shape [t, d]
        One vector per frame.
    signed : bool
        Whether distance from zero is what counts, so that both ends are as far from it.

    Returns
    -------
    ends : list of float
        Lowest and highest, of which 0.2 % of the values lie beyond each (where `signed`, beyond both together), or the
        extreme value, where little would be won; empty where no value is finite.
    """
    finite = _finite_of(values)
    if not finite.size:
        return []
    least, most = float(finite.min()), float(finite.max())
    step = max(1, math.ceil(values.size / SAMPLE))
    # Frames are left out, never dimensions, which differ more.
    sample = _finite_of(values[step // 2 :: step]) if step > 1 else finite
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


def _finite_of(values: NDArray[Any]) -> NDArray[np.float32]:
    values = np.asarray(values, dtype=np.float32)
    finite = np.isfinite(values)
    return values.ravel() if finite.all() else values[finite]


def _quantiles(values: NDArray[np.float32], places: float | list[float]) -> NDArray[np.float32]:
    # Between two huge values of either sign lies what single precision does not hold.
    found = np.quantile(values, places, method="nearest") if values.size else np.zeros_like(places)
    return np.asarray(found, dtype=np.float32)


def decode(cells: bytes, ranges: bytes, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return the values ``[t, d]`` of cells of a shape ``[d, t]``, true to half a step; NaN where a cell is empty."""
    codes = np.frombuffer(cells, dtype=np.uint8).reshape(shape)
    low, high = np.frombuffer(ranges, dtype="<f4").astype(np.float64).reshape(-1, 2).T[..., None]
    values = np.where(codes > 0, low + (codes - 1.0) / LAST * (high - low), np.nan)
    return np.asarray(values.T, dtype=np.float32)


def _usual_scale(*, signed: bool) -> str:
    return "signed" if signed else "none"


class FramesWidget(Drawing):
    """Base of the widgets that draw the frames of an embedding over time.

    Build one with :meth:`of`; `order`, `scale` and `pins` follow what the reader does in the browser.
    """

    cells = traitlets.Bytes(help="uint8 [d, t]; see `encode`.").tag(sync=True)
    ranges = traitlets.Bytes(help="float32 [d, 2]; see `encode`.").tag(sync=True)
    shape = traitlets.List(traitlets.Int(), [0, 0], help="Dimensions and frames, [d, t].").tag(sync=True)
    grid = traitlets.Dict(help="The fields of a FrameGrid, in samples.").tag(sync=True)
    labels = traitlets.List(traitlets.Unicode(), help="A name per dimension, or none.").tag(sync=True)
    unit = traitlets.Unicode(help="Unit of the values, or empty.").tag(sync=True)
    ends = traitlets.List(traitlets.Float(), help="Where the colours of a shared scale end; see `colour_ends`.").tag(
        sync=True
    )
    signed = traitlets.Bool(help="Whether values lie on both sides of zero.").tag(sync=True)
    activity = traitlets.Bytes(help="uint16 [d]: dimensions from the top, or empty until asked for.").tag(sync=True)
    similarity = traitlets.Bytes(help="uint16 [d]: dimensions from the top, or empty until asked for.").tag(sync=True)
    order = traitlets.Enum(("index", *ORDERS), "index", help="Order of the dimensions.").tag(sync=True)
    scale = traitlets.Enum(SCALES, "none", help="What colours measure.").tag(sync=True)
    pins = traitlets.List(traitlets.Int(), help="Dimensions drawn as curves.").tag(sync=True)
    height = traitlets.Int(0, min=0, help="Height in pixels; 0 leaves it to the widget.").tag(sync=True)
    complete = traitlets.Bool(default_value=True, help="False while frames still come.").tag(sync=True)

    def __init__(self, *args: Any, **traits: Any) -> None:
        self._values: NDArray[np.float32] = np.zeros((0, 0), dtype=np.float32)
        super().__init__(*args, **traits)
        self.on_msg(self._answer)

    @classmethod
    def of(cls, embedding: Embedding, **traits: Any) -> Self:
        """Return a widget that draws an embedding; options are traits, as ``order="similarity"`` or ``pins=[3, 7]``.

        Raises
        ------
        OptionError
            If there is no such trait.
        """
        widget = super().of(embedding, **traits)
        # What fits an embedding gives way to what was asked for.
        for name in {"scale", "message", "complete"} & traits.keys():
            setattr(widget, name, traits[name])
        return widget

    def update(self, embedding: Embedding, *, complete: bool = True) -> None:
        """Draw another embedding, or more frames of the same one; `complete` is false while more are to come."""
        t, d = embedding.shape
        cells, ranges = encode(embedding.values)
        signed = is_signed(embedding.values)
        # Probabilities have ends of their own, and no outliers.
        ends = [] if embedding.unit == "probability" else colour_ends(embedding.values, signed=signed)
        self._values = embedding.values
        with self.hold_sync():
            self.grid = asdict(embedding.grid)
            self.labels = list(embedding.labels)
            self.unit = embedding.unit
            # Who has not chosen a scale gets the one that fits.
            if self.scale == _usual_scale(signed=self.signed):
                self.scale = _usual_scale(signed=signed)
            self.signed = signed
            self.pins = [pin for pin in self.pins if pin < d]
            self._forget_orders(keep=not complete and d == self.shape[0])
            self.shape, self.ranges, self.ends, self.cells = [d, t], ranges, ends, cells
            self.complete = complete
            self.message = ""
            self._compute_order()

    @property
    def constant(self) -> int:
        """How many dimensions never change; 0 where one frame cannot tell."""
        low, high = np.frombuffer(self.ranges, dtype="<f4").reshape(-1, 2).T
        return int(np.sum(~(high > low))) if self.shape[1] > 1 else 0

    def with_orders(self) -> Self:
        """Compute every order now, for pages without a kernel that could do it later; returns the widget."""
        for order in ORDERS:
            self._compute(order)
        return self

    def _forget_orders(self, *, keep: bool) -> None:
        # While frames still come, rows stay where they are.
        if not keep:
            for order in ORDERS:
                setattr(self, order, b"")

    @traitlets.observe("order")
    def _compute_order(self, _change: Any = None) -> None:
        if self.order in ORDERS:
            self._compute(self.order)

    def _compute(self, order: str) -> None:
        if not getattr(self, order) and self._values.size:
            setattr(self, order, dimension_order(self._values, ORDERS[order]).astype("<u2").tobytes())

    def _answer(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        if content.get("kind") != "value":
            return
        frame, dimension = content.get("frame"), content.get("dimension")
        t, d = self._values.shape
        known = isinstance(frame, int) and isinstance(dimension, int) and 0 <= frame < t and 0 <= dimension < d
        value = float(self._values[frame, dimension]) if known else np.nan
        self.send({"kind": "value", "seq": content.get("seq"), "value": value if np.isfinite(value) else None})
