"""Feature maps: what each channel of a layer says, band by band, around the playhead.

Conventions: a layer is ``[t, f, c]``, frames by bands by channels. Cells travel channel first, ``[channels, frames,
bands]``, one byte each: a place inside the channel's own range, ``value = low + (byte - 1) / 254 * (high - low)``; 0 is
an empty cell. The browser asks for the frames and channels that it shows; on pages without a kernel, it is given
all there is to show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import traitlets

from embviz.errors import LayerError, ModelError
from embviz.extraction.frontends import FRONTENDS, band_frequencies
from embviz.models import get_model
from embviz.plotting.quantize import CONSTANT, LAST
from embviz.plotting.still_pictures import Strip, strips_drawing
from embviz.widgets.base import EmbeddingWidget
from embviz.widgets.still import Still

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embviz.core.embedding import Embedding, FrameGrid


# Tensors are memory-mapped and may be larger than memory: they are read a piece at a time.
PIECE = 1 << 22
MOST_ASKED = 1 << 23  # bytes of one answer; what the browser asks for stays far below
STILL = 8_000_000  # bytes that a page without a kernel carries by default
PAGES = (8, 16, 32)
MOST_STRIPS = 6  # channels of a still
# Values that are rarer than this have the colours' ends to themselves; without it, one peak would leave the rest dark.
RARE = 0.005
SAMPLE = 1 << 21  # values that tell which ones are rare


class FeatureMaps(EmbeddingWidget):
    """The channels of a layer as small multiples that move under the playhead.

    Build one with :meth:`of`, such as ``FeatureMaps.of(embed(track, "vgg", layer="pool2"))``.
    """

    script = "feature_maps"

    page_traits = frozenset({"page", "order", "pooled", "window", "scale"})

    shape = traitlets.List(traitlets.Int(), [0, 0, 0], help="Frames, bands and channels, [t, f, c].").tag(sync=True)
    grid = traitlets.Dict(help="The fields of a FrameGrid, in samples.").tag(sync=True)
    bands = traitlets.List(traitlets.Unicode(), help="What each band is called, or empty.").tag(sync=True)
    ranges = traitlets.Bytes(help="float32 [c, 2]: lowest and highest value of each channel.").tag(sync=True)
    ends = traitlets.Bytes(help="float32 [c, 2]: where the colours of each channel end.").tag(sync=True)
    channels = traitlets.Bytes(help="uint16 [c]: channels by activity, the most active first.").tag(sync=True)
    unit = traitlets.Unicode(help="Unit of the values, or empty.").tag(sync=True)
    serial = traitlets.Int(0, help="Counts the layers shown: what was asked for before is not drawn.").tag(sync=True)
    all = traitlets.Bytes(help="uint8 [kept channels, t, f], for pages without a kernel.").tag(sync=True)
    kept = traitlets.List(traitlets.Int(), help="The channels that `all` holds.").tag(sync=True)
    page = traitlets.Enum(PAGES, 16, help="Channels shown at once.").tag(sync=True)
    order = traitlets.Enum(("activity", "index"), "activity", help="Order of the channels.").tag(sync=True)
    pooled = traitlets.Enum(("none", "time", "frequency"), "none", help="The axis that is pooled over.").tag(sync=True)
    window = traitlets.Float(3.0, min=0.05, help="Seconds of sound that a map shows.").tag(sync=True)
    scale = traitlets.Enum(("channel", "layer"), "channel", help="What colours measure.").tag(sync=True)

    cards = traitlets.Bool(help="Whether the cards of channels can be opened.").tag(sync=True)

    def __init__(self, *args: Any, **traits: Any) -> None:
        self._open_card: Callable[[int], object] = lambda _channel: None
        self._tensor: NDArray[np.float32] = np.zeros((0, 0, 0), dtype=np.float32)
        self._limits: NDArray[np.float64] = np.zeros((0, 2))
        self._grid: FrameGrid | None = None
        super().__init__(*args, **traits)
        self.on_msg(self._answer)

    def update(self, embedding: Embedding) -> None:
        """Draw another layer; see :meth:`of`."""
        tensor = embedding.tensor
        if tensor.ndim != 3:
            raise LayerError(
                f"Feature maps have a frequency axis, [t, f, c]; {embedding.model} / {embedding.layer} is "
                f"{' × '.join(map(str, tensor.shape))}. A heatmap shows it whole."
            )
        limits, activity = _survey(tensor)
        self._tensor, self._limits, self._grid = tensor, limits, embedding.grid
        with self.hold_sync():
            self.shape, self.grid, self.unit = list(tensor.shape), asdict(embedding.grid), embedding.unit
            self.bands = _band_names(embedding.model, tensor.shape[1])
            self.ranges = limits.astype("<f4").tobytes()
            self.ends = _ends(tensor, limits).astype("<f4").tobytes()
            self.channels = _by_activity(limits, activity).astype("<u2").tobytes()
            self.kept, self.all, self.message = [], b"", ""
            self.serial += 1

    def on_card(self, call: Callable[[int], object]) -> None:
        """Offer the cards of channels, and call back with the number of one that is asked for."""
        self._open_card, self.cards = call, True

    def to_static(self, *, most: int = STILL) -> Self:
        """Give the widget the most active channels, as many as `most` bytes hold, to do without a kernel; return it."""
        t, f, c = self.shape
        fits = min(c, max(1, most // max(1, t * f)))
        kept = np.frombuffer(self.channels, dtype="<u2")[:fits].tolist()
        parts = [self._cells(0, t, [channel]) for channel in kept]
        with self.hold_sync():
            self.kept, self.all = kept, b"".join(parts)
        return self

    def still(self) -> Still:
        """Return what the notebook keeps of the widget as it is now: the most active channels over the whole sound."""
        t, f, c = self.shape
        if self._grid is None or not t:
            return Still(self.title or "Feature maps", (self.message or "Nothing has been computed yet.",))
        shown = np.frombuffer(self.channels, "<u2")[:MOST_STRIPS].astype(int) if self.order == "activity" else range(c)
        strips = []
        for channel in [int(number) for number in shown][:MOST_STRIPS]:
            values = np.asarray(self._tensor[:, :, channel], np.float32)
            strips.append(
                Strip(f"channel {channel}", "", values, self._grid.edges, np.arange(f)[::-1], "none", signed=False)
            )
        draw = strips_drawing(strips, (0.0, self._grid.duration))
        line = f"{t:,} frames × {f} bands × {c} channels; {len(strips)} of them are shown, by {self.order}"
        return Still(self.title or "Feature maps", (line,), draw, (self.serial, self.order))

    def _cells(self, first: int, count: int, channels: list[int]) -> bytes:
        """Return the bytes of some frames and channels, ``[channels, frames, bands]``."""
        values = self._tensor[first : first + count][:, :, channels].astype(np.float64)
        low, spread = self._limits[channels, 0], np.diff(self._limits[channels], axis=1)[:, 0]
        factor = np.divide(LAST, spread, out=np.zeros(len(channels)), where=spread > 0)
        offset = np.where(spread > 0, 1.5, CONSTANT)
        with np.errstate(invalid="ignore"):
            places = np.where(np.isfinite(values), (values - low) * factor + offset, 0)
        return np.ascontiguousarray(np.nan_to_num(places, nan=0).transpose(2, 0, 1)).astype(np.uint8).tobytes()

    def _answer(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        """Send the block that is asked for, or open a card; nothing where it is not there, or too much."""
        if not isinstance(content, dict):
            return
        if content.get("kind") == "card":
            channel = content.get("channel")
            if type(channel) is int and 0 <= channel < self.shape[2]:
                self._open_card(channel)
            return
        asked: list[Any] = [content.get(name) for name in ("first", "count", "channels")]
        first, count, channels = asked
        numbers = [first, count, *channels] if isinstance(channels, list) else [None]
        if content.get("kind") != "block" or not all(isinstance(number, int) and number >= 0 for number in numbers):
            return
        t, f, c = self._tensor.shape
        count = min(count, t - first)
        if content.get("serial", self.serial) != self.serial or max(channels, default=c) >= c or count < 1:
            return
        if len(channels) * count * f <= MOST_ASKED:
            answer = {"kind": "block", "first": first, "count": count, "channels": channels, "serial": self.serial}
            self.send(answer, [self._cells(first, count, channels)])


def _survey(tensor: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lowest and highest finite value of each channel, ``[c, 2]``, and its mean magnitude, ``[c]``."""
    c = tensor.shape[2]
    low, high = np.full(c, np.nan), np.full(c, np.nan)
    total, count = np.zeros(c), np.zeros(c)
    for piece in _pieces(tensor):
        known = np.isfinite(piece)
        values = piece if known.all() else np.where(known, piece, np.float32(np.nan))
        low = np.fmin(low, np.fmin.reduce(values, axis=0))
        high = np.fmax(high, np.fmax.reduce(values, axis=0))
        total += np.sum(np.abs(values), axis=0, dtype=np.float64, where=known)
        count += known.sum(axis=0)
    return np.stack([low, high], axis=1), total / np.maximum(count, 1)


def _pieces(tensor: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """Yield the tensor as ``[frames × bands, c]``, some frames at a time."""
    t, f, c = tensor.shape
    frames = max(1, PIECE // max(1, 4 * f * c))
    for first in range(0, t if f else 0, frames):
        yield np.asarray(tensor[first : first + frames]).reshape(-1, c)


def _ends(tensor: NDArray[np.float32], limits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where the colours of each channel end, ``[c, 2]``: all but its rarest values lie between."""
    t, f, c = tensor.shape
    if not t * f * c:
        return limits
    step = max(1, t * f * c // SAMPLE)
    sample = np.asarray(tensor[step // 2 :: step], dtype=np.float32).reshape(-1, c)
    values = np.sort(np.where(np.isfinite(sample), sample, np.float32(np.nan)), axis=0)
    last = np.maximum(np.isfinite(values).sum(axis=0) - 1, 0)
    places = np.stack([np.floor(last * RARE), np.ceil(last * (1 - RARE))], axis=1).astype(np.int64)
    found = values[places, np.arange(c)[:, None]].astype(np.float64)
    # What is rare throughout, such as a filter that hardly ever fires, is all there is to see.
    return np.where((found[:, :1] < found[:, 1:]), found, limits)


def _by_activity(limits: NDArray[np.float64], activity: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the channels by mean magnitude, the largest first; those that never change stand at the end."""
    moving = limits[:, 1] > limits[:, 0]
    return np.lexsort((-activity, ~moving))


def _band_names(model: str, f: int) -> list[str]:
    """Return the centre frequencies of a layer's bands, where each is one of the front-end's, or 2, 4, 8 … of them."""
    try:
        frontend = FRONTENDS[get_model(model).frontend]
    except ModelError:
        return []
    together, left = divmod(frontend.bands, max(f, 1))
    if f < 2 or left or together & (together - 1):
        return []
    return [f"{hz:.1f} Hz" for hz in band_frequencies(frontend).reshape(f, together).mean(axis=1)]
