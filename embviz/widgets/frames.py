"""What widgets of frames share: the values of an embedding as one byte per cell, and the traits that carry them.

Conventions: values come as ``[t, d]`` and travel dimension first, ``[d, t]``, as bytes. Each dimension has a range of
its own; a byte is a place inside it: ``value = low + (byte - 1) / 254 * (high - low)``, and 0 is an empty cell (what is
not a finite number, or not computed yet). The exact value of a single cell is asked for while the pointer rests on it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import traitlets

from embviz.core.text import plural
from embviz.plotting.heatmap_data import ORDERS, PAGE_SCALES, dimension_order, is_signed
from embviz.plotting.quantize import color_limits, pool_cells, quantize
from embviz.plotting.still_pictures import Strip, strips_drawing
from embviz.widgets.base import EmbeddingWidget
from embviz.widgets.still import Still

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embviz.core.embedding import Embedding, FrameGrid


THUMBNAIL = 1 << 14  # cells of a picture that comes before the frames
COMPUTED_ORDERS = ("activity", "cluster")
USUAL_SCALE = {True: "signed", False: "none"}  # by whether values lie on both sides of zero


class FramesWidget(EmbeddingWidget):
    """Base of the widgets that draw the frames of an embedding over time.

    Build one with :meth:`of`; `order`, `scale` and `pins` follow what the reader does in the browser.
    """

    page_traits = frozenset({"order", "scale", "pins", "height"})

    lazy = traitlets.Bool(help="Whether frames cross only when they are asked for, and pooled ones before.").tag(
        sync=True
    )
    level = traitlets.Int(0, min=0, help="A cell stands for 2**level frames; 0 once all are there.").tag(sync=True)
    cells = traitlets.Bytes(
        help="uint8 [d, ceil(t / 2**level)]; see :func:`embviz.plotting.quantize.quantize` and `pool_cells`."
    ).tag(sync=True)
    ranges = traitlets.Bytes(help="float32 [d, 2]; see :func:`embviz.plotting.quantize.quantize`.").tag(sync=True)
    shape = traitlets.List(traitlets.Int(), [0, 0], help="Dimensions and frames, [d, t].").tag(sync=True)
    grid = traitlets.Dict(help="The fields of a FrameGrid, in samples.").tag(sync=True)
    labels = traitlets.List(traitlets.Unicode(), help="A name per dimension, or none.").tag(sync=True)
    unit = traitlets.Unicode(help="Unit of the values, or empty.").tag(sync=True)
    ends = traitlets.List(traitlets.Float(), help="Ends of a shared scale; see `color_limits`.").tag(sync=True)
    signed = traitlets.Bool(help="Whether values lie on both sides of zero.").tag(sync=True)
    activity_order = traitlets.Bytes(help="uint16 [d]: dimensions from the top; empty until asked for.").tag(sync=True)
    cluster_order = traitlets.Bytes(help="uint16 [d]: dimensions from the top; empty until asked for.").tag(sync=True)
    order = traitlets.Enum(tuple(ORDERS), "index", help="Order of the dimensions.").tag(sync=True)
    scale = traitlets.Enum(tuple(PAGE_SCALES), "none", help="What colours measure.").tag(sync=True)
    pins = traitlets.List(traitlets.Int(), help="Dimensions drawn as curves.").tag(sync=True)
    height = traitlets.Int(0, min=0, help="Height in pixels; 0 leaves it to the widget.").tag(sync=True)
    complete = traitlets.Bool(default_value=True, help="False while frames still come.").tag(sync=True)

    def __init__(self, *args: Any, **traits: Any) -> None:
        self._values: NDArray[np.float32] = np.zeros((0, 0), dtype=np.float32)
        self._grid: FrameGrid | None = None
        super().__init__(*args, **traits)
        self.on_msg(self._answer)

    @classmethod
    def of(cls, embedding: Embedding, **traits: Any) -> Self:
        """Return a widget that draws an embedding; options are traits, as ``order="cluster"`` or ``pins=[3, 7]``.

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
        cells, ranges = quantize(embedding.values)
        signed = is_signed(embedding.values)
        # Probabilities have ends of their own, and no outliers.
        ends = [] if embedding.unit == "probability" else color_limits(embedding.values, signed=signed)
        level = max(0, math.ceil(math.log2(max(1, d * t / THUMBNAIL)))) if self.lazy else 0
        self._values, self._grid = embedding.values, embedding.grid
        with self.hold_sync():
            self.grid, self.unit, self.labels = asdict(embedding.grid), embedding.unit, list(embedding.labels)
            # Who has not chosen a scale gets the one that fits.
            if self.scale == USUAL_SCALE[self.signed]:
                self.scale = USUAL_SCALE[signed]
            self.signed = signed
            self.pins = [pin for pin in self.pins if pin < d]
            # While frames still come, rows stay where they are.
            if complete or d != self.shape[0]:
                self.activity_order = self.cluster_order = b""
            self.shape, self.ranges, self.ends, self.level = [d, t], ranges, ends, level
            self.cells = pool_cells(cells, ranges, level, signed=signed) if level else cells
            self.complete, self.message = complete, ""
            self._compute_order()

    def send_frames(self, level: int = 0) -> None:
        """Send all frames, or of ``2**level`` frames a cell, where only coarser ones were sent."""
        if level < self.level:
            cells = quantize(self._values)[0]
            with self.hold_sync():
                self.cells = pool_cells(cells, self.ranges, level, signed=self.signed) if level else cells
                self.level = level

    @property
    def constant(self) -> int:
        """How many dimensions never change; 0 where one frame cannot tell."""
        low, high = np.frombuffer(self.ranges, dtype="<f4").reshape(-1, 2).T
        return int(np.sum(~(high > low))) if self.shape[1] > 1 else 0

    def to_static(self) -> Self:
        """Give the widget every frame and order, to do without a kernel that could send them later; return it."""
        self.send_frames()
        for order in COMPUTED_ORDERS:
            self._compute(order)
        return self

    def strip(self, title: str, note: str) -> Strip | None:
        """Return what a still draws of the widget under a title and a note; None where there is nothing yet."""
        if self._grid is None or not self._values.size:
            return None
        codes = getattr(self, f"{self.order}_order", b"")
        d = self.shape[0]
        # Numbers rise upwards, lists read downwards.
        listed = self.order != "index" or not all(re.fullmatch(r"[\d.]+( \S+)?", label) for label in self.labels)
        order = np.frombuffer(codes, "<u2").astype(np.int64) if codes else np.arange(d)[:: 1 if listed else -1]
        named = [] if self.order != "index" or not listed else [f"strongest: {', '.join(self._strongest_labels())}"]
        look = [f"order: {ORDERS[self.order]}"] * (self.order != "index")
        look += [f"colours {PAGE_SCALES[self.scale]}"] * (self.scale != "none")
        look += [f"pinned: {', '.join(map(str, self.pins[:8]))}{'…' * (len(self.pins) > 8)}"] * bool(self.pins)
        facts = " · ".join(filter(None, [note, *named, *look]))
        colors = self.scale, self.signed, self.ends
        return Strip(title, facts, self._values, self._grid.edges, order, *colors, names=self.labels)

    def _strongest_labels(self) -> list[str]:
        """Return the names of the three dimensions of highest mean."""
        means = np.nan_to_num(self._values).mean(axis=0)
        return [self.labels[i] for i in np.argsort(-means, kind="stable")[:3]]

    def still(self) -> Still:
        """Return what the notebook keeps of the widget as it is now."""
        d, t = self.shape
        strip = self.strip(self.title, f"{plural(t, 'frame')} × {plural(d, 'dimension')}")
        if strip is None or self._grid is None:
            return Still(self.title or type(self).__name__, (self.message or "Nothing has been computed yet.",))
        draw = strips_drawing([strip], (0.0, self._grid.duration))
        return Still(self.title or type(self).__name__, (strip.note,), draw, (id(self._values), strip.note, self.shape))

    @traitlets.validate("pins")
    def _check_pins(self, proposal: Any) -> list[int]:
        pins, d = list(proposal["value"]), self.shape[0]
        if any(isinstance(pin, bool) or pin < 0 or (d and pin >= d) for pin in pins):
            raise traitlets.TraitError(f"Pins are dimensions from 0, of which there are {d}; {pins!r:.80} was found.")
        return list(dict.fromkeys(pins))

    @traitlets.observe("order")
    def _compute_order(self, _change: Any = None) -> None:
        if self.order in COMPUTED_ORDERS:
            self._compute(self.order)

    def _compute(self, order: str) -> None:
        if not getattr(self, f"{order}_order") and self._values.size:
            setattr(self, f"{order}_order", dimension_order(self._values, order).astype("<u2").tobytes())

    def _answer(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        if not isinstance(content, dict):
            return
        if content.get("kind") == "frames":
            level = content.get("level", 0)
            self.send_frames(level if type(level) is int and level >= 0 else 0)
        elif content.get("kind") == "value":
            self._answer_value(content)

    def _answer_value(self, content: Mapping[str, Any]) -> None:
        frame, dimension = content.get("frame"), content.get("dimension")
        t, d = self._values.shape
        known = type(frame) is type(dimension) is int and 0 <= frame < t and 0 <= dimension < d
        value = float(self._values[frame, dimension]) if known else np.nan
        self.send({"kind": "value", "seq": content.get("seq"), "value": value if np.isfinite(value) else None})
