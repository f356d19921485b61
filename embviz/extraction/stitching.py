"""From what a network gives per patch to one array over the track.

Conventions: a *step* is one position on the time axis inside a patch. Layers without such an axis have one frame per
patch. The others come out on a grid of their own, one frame per step: where patches overlap, each frame is taken from
the patch whose centre is nearest, so that the borders of the patches, where convolutions see padding, do not show.
A clip shorter than one patch, which is repeated to fill it, is all that each of its frames has heard.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from embviz.core.embedding import FrameGrid, PatchSteps
from embviz.core.memmap import empty_array
from embviz.errors import LayerError
from embviz.extraction.frontends import FRONTENDS, band_frequencies
from embviz.inference.graph import Graph
from embviz.models.receptive_field import ReceptiveField
from embviz.models.weight_store import layer_shapes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embviz.extraction.frontends import FrontEnd, Patches, PatchLayout
    from embviz.models import Layer, Model
    from embviz.models.weight_store import Weights


FREQUENCY = ("max", "argmax")  # what may stand behind the name of a layer, as in "conv2:max"
KEPT_TENSOR = 256 * 2**20  # bytes; larger tensors are averaged over frequency or tokens and dropped
PADDING = 8  # frames or bands that a graph may add before a convolution


def resolve_layer(model: Model, weights: Weights, name: str) -> tuple[Layer, tuple[tuple[int, ...], ...]]:
    """Return a layer with the nodes and axes that this graph has, and the nodes' shapes.

    ``":max"`` behind its name asks for the largest value of each channel over frequency, rather than the mean, and
    ``":argmax"`` for the position of that value on the axis.
    """
    name, colon, frequency = name.partition(":")
    layer, shapes = _resolve(model, weights, name)
    if not colon:
        return layer, shapes
    if frequency not in FREQUENCY:
        expected = f"{layer.name}:max or {layer.name}:argmax"
        raise LayerError(
            f"The maximum over frequency of a layer is {expected}, {f'{name}:{frequency}'!r:.80} was found."
        )
    if not count_positions(layer, shapes):
        raise LayerError(f"{layer.name!r} of {model.name!r} has no frequency axis; leave out ':{frequency}'.")
    named = replace(layer, name=f"{layer.name}:{frequency}", frequency=frequency)
    return (replace(named, unit="position", labels=()) if frequency == "argmax" else named), shapes


def count_positions(layer: Layer, shapes: tuple[tuple[int, ...], ...]) -> int:
    """Return the positions on the frequency axis of feature maps; 0 where the channels of a layer are no such maps."""
    positions = _size(layer.axes, shapes[0], "f") if _channels(layer, shapes) else 0
    return positions if positions > 1 else 0


def _resolve(model: Model, weights: Weights, name: str) -> tuple[Layer, tuple[tuple[int, ...], ...]]:
    known = layer_shapes(model, weights)
    try:
        layer = model.layer(name)
    except LayerError:
        layer = None
    if layer is None or not all(node in known for node in layer.nodes):
        # Reading the graph takes as long as loading it, so only for names that the record does not settle.
        layer = model.layer(name, graph=Graph.read(weights.path))
    if not all(node in known for node in layer.nodes):
        raise LayerError(
            f"Node {layer.nodes[0]!r} of {model.name!r} cannot be cut into frames: its first axis is not that of the "
            "patches. model.layers(all_nodes=True) lists the nodes that can."
        )
    shapes = tuple(known[node] for node in layer.nodes)
    return _with_band_labels(_with_axes(layer, shapes[0], model), shapes, FRONTENDS[model.frontend]), shapes


def _with_axes(layer: Layer, shape: tuple[int, ...], model: Model) -> Layer:
    """Return a layer with its axes told, from the shape where no record tells them."""
    if len(layer.axes) == len(shape):
        return layer
    if len(shape) > 3:
        raise LayerError(f"{layer.name!r} has {len(shape)} axes in a patch; up to three can be shown over time.")
    axes = _guess_axes(shape, model)
    layer = replace(layer, axes=axes, bands=_guess_bands(shape[axes.index("f")], model) if "f" in axes else None)
    if "t" not in axes:
        return replace(layer, step=None)
    t = shape[axes.index("t")]
    step = max(1, 1 << int(math.log2(max(1, model.patch_frames / t))))
    beyond = max(0, t - model.patch_frames)  # what padding added, half of it in front
    return replace(layer, step=step, center=(step - 1) / 2 - beyond / 2)


def _guess_bands(positions: int, model: Model) -> ReceptiveField | None:
    """Return what one convolution without padding gives along frequency, as MusiCNN's first; None where it is other."""
    bands = FRONTENDS[model.frontend].bands
    return None if _comes_from(bands, positions) else ReceptiveField().valid(bands - positions + 1)


def _with_band_labels(layer: Layer, shapes: tuple[tuple[int, ...], ...], frontend: FrontEnd) -> Layer:
    """Return a layer whose values are the bands of the front-end with their centre frequencies as labels."""
    bands = "f" in layer.axes and not _channels(layer, shapes) and vector_length(layer, shapes) == frontend.bands
    if layer.labels or not bands:
        return layer
    return replace(layer, labels=tuple(map(_format_frequency, band_frequencies(frontend).tolist())))


def _format_frequency(hz: float) -> str:
    return f"{hz:.1f} Hz" if hz < 1000 else f"{hz:.0f} Hz"


def _guess_axes(shape: tuple[int, ...], model: Model) -> str:
    """Tell time, frequency and channel apart by the sizes that halving the patch again and again can give."""
    orders = {3: ("tfc", "ftc", "cft"), 2: ("tc", "ft", "tf"), 1: ("c",)}[len(shape)]
    if model.frontend == "tempocnn":
        orders = orders[::-1]
    bands = FRONTENDS[model.frontend].bands

    def likely(axes: str) -> int:
        size = dict(zip(axes, shape, strict=True))
        return 2 * _comes_from(model.patch_frames, size.get("t", 0)) + _comes_from(bands, size.get("f", 0))

    best = max(orders, key=likely)
    has_time = "t" in best and _comes_from(model.patch_frames, shape[best.index("t")])
    # Without time there are only values to average (as over frequency) and channels.
    return best if has_time else best.replace("t", "f")


def _comes_from(whole: int, part: int) -> bool:
    """Tell whether halving (with either rounding) or a little padding can turn `whole` into `part`."""
    if whole <= part <= whole + PADDING:
        return True
    return part > 1 and any(part in (whole >> k, -(-whole // (1 << k))) for k in range(8))


class Stitcher:
    """Puts the outputs of one layer, batch by batch, where they belong in time.

    The layer comes with its axes told, and with the shape of each of its nodes for one patch; the grid is that of
    :func:`plan_grid`.

    Attributes
    ----------
    values : ndarray, shape [t, d]
    tensor : ndarray, shape [t, f, c] or of tokens [t, k, c], or None
    grid : FrameGrid
    sound : bool
        Whether the layer is sound itself, one frame per sample.
    frames : int
        How many frames, from the first one on, are computed.
    """

    def __init__(self, layer: Layer, shapes: tuple[tuple[int, ...], ...], patches: Patches, grid: FrameGrid) -> None:
        self._layer, self._shapes, self._patches, self.grid = layer, shapes, patches, grid
        self.sound = "s" in layer.axes
        self.frames = 0
        if not self.sound:
            self._patch_of, self._step_of = grid.sources(np.arange(grid.n_frames))
        self.values = empty_array((self.grid.n_frames, vector_length(layer, shapes)))
        self.tensor, self.tensor_info = self._tensor_buffer()

    @property
    def patch_bytes(self) -> int:
        """Bytes that the largest node takes for one patch."""
        return max(4 * math.prod(shape) for shape in self._shapes)

    def add(self, outputs: Mapping[str, NDArray[np.float32]], first: int, stop: int) -> None:
        """Take what the network gave for patches ``[first, stop)``."""
        parts = [
            self._patches.select_patches(outputs[node], first, stop, sound=self.sound) for node in self._layer.nodes
        ]
        if self.sound:
            begin = first * self._shapes[0][0]
            rows = np.concatenate(parts, axis=1)
            self.values[begin : begin + len(rows)] = rows[: len(self.values) - begin]
            self.frames = min(begin + len(rows), len(self.values))
            return
        axes = self._layer.axes.replace("k", "1")
        steps = np.concatenate([_to_tfc(_mean_token(part, self._layer), axes) for part in parts], axis=3)
        begin, end = np.searchsorted(self._patch_of, [first, stop])
        chosen = steps[self._patch_of[begin:end] - first, self._step_of[begin:end]]
        reduced = getattr(chosen, self._layer.frequency)(axis=1) if "c" in self._layer.axes else chosen[..., 0]
        self.values[begin:end] = chosen[:, 0] if chosen.shape[1] == 1 else reduced
        if self.tensor is not None:
            tokens = self._layer.keeps_tokens  # of layers without an axis of time, so that frames are patches
            self.tensor[begin:end] = parts[0].reshape(len(parts[0]), *self.tensor.shape[1:]) if tokens else chosen
        self.frames = int(end)

    def partial_values(self) -> NDArray[np.float32]:
        """Return a copy of the values whose frames that are not computed yet are NaN."""
        values = np.array(self.values)
        values[self.frames :] = np.nan
        return values

    def _tensor_buffer(self) -> tuple[NDArray[np.float32] | None, dict[str, int]]:
        kept = "k" if self._layer.keeps_tokens else "f"
        bands, channels = _size(self._layer.axes, self._shapes[0], kept), _channels(self._layer, self._shapes)
        if bands == 1 or not channels or self._layer.frequency != "mean":
            return None, {}
        shape = (self.grid.n_frames, bands, channels)
        size = 4 * math.prod(shape)
        return (empty_array(shape), {}) if size <= KEPT_TENSOR else (None, {"tensor_bytes": size})


def vector_length(layer: Layer, shapes: tuple[tuple[int, ...], ...]) -> int:
    """Return the length of the vectors that a layer is cut into: its channels, or where it has none its bands."""
    return _channels(layer, shapes) or _size(layer.axes, shapes[0], "f")


def _size(axes: str, shape: tuple[int, ...], letter: str) -> int:
    """Return the length of all axes with a letter together."""
    return math.prod(n for here, n in zip(axes, shape, strict=True) if here == letter)


def _channels(layer: Layer, shapes: tuple[tuple[int, ...], ...]) -> int:
    """Return the channels of all nodes joined; 0 where there is no channel axis."""
    return sum(shape[layer.axes.index("c")] for shape in shapes) if "c" in layer.axes else 0


def _mean_token(output: NDArray[np.float32], layer: Layer) -> NDArray[np.float32]:
    """Return the output of a node with the mean of the tokens that a layer takes in place of all."""
    if "k" not in layer.axes:
        return output
    axis = 1 + layer.axes.index("k")
    chosen = output[(slice(None),) * axis + (slice(*layer.tokens),)]
    return np.asarray(chosen.mean(axis=axis, keepdims=True))


def _to_tfc(output: NDArray[np.float32], axes: str) -> NDArray[np.float32]:
    """Return the output of a node as ``[n, t, f, c]``."""
    order = sorted(range(len(axes)), key=lambda i: "1tfc".index(axes[i]))
    sizes = [_size(axes, output.shape[1:], letter) for letter in "tfc"]
    return output.transpose(0, *(1 + i for i in order)).reshape(len(output), *sizes)


def plan_grid(
    layer: Layer, shapes: tuple[tuple[int, ...], ...], frontend: FrontEnd, patches: PatchLayout, n_samples: int
) -> FrameGrid:
    """Return the grid of a layer with its axes told; the length of the track is that at the model's rate."""
    rate = frontend.sample_rate
    if "s" in layer.axes:
        # Samples at the border of two segments depend on both of them.
        return FrameGrid(rate, 1, 1, 2 * patches.receptive_field, 0, n_samples, n_samples)
    if "t" in layer.axes and layer.step is not None:
        grid = _step_grid(layer, _size(layer.axes, shapes[0], "t"), frontend, patches, n_samples)
        if grid.n_frames:
            return grid
    elif not patches.padded:
        length, field = patches.length, patches.receptive_field
        return FrameGrid(rate, patches.hop, length, field, patches.start, patches.n_patches, n_samples)
    return FrameGrid(rate, n_samples, n_samples, n_samples, 0, 1, n_samples)


def _step_grid(layer: Layer, n_steps: int, frontend: FrontEnd, patches: PatchLayout, n_samples: int) -> FrameGrid:
    """Return the grid of a layer with a time axis: the steps that are centred inside the track."""
    hop = (layer.step or 1) * frontend.hop
    first = patches.first_frame + round((layer.center - ((layer.step or 1) - 1) / 2) * frontend.hop)
    n = (patches.n_patches - 1) * patches.hop // hop + n_steps
    starts = first + hop * np.arange(n)
    inside = np.flatnonzero((starts + hop // 2 >= 0) & (starts + hop // 2 < n_samples))
    heard = patches.receptive_field
    field = heard
    # Each number of a standardised patch depends on all of its numbers; a short clip is repeated to fill the patch.
    if layer.receptive_field is not None and not frontend.standardised and not patches.padded:
        field = (layer.receptive_field - 1) * frontend.hop + frontend.frame
    begin = patches.start - (heard - patches.length) // 2
    steps = PatchSteps(begin, patches.hop, heard, patches.n_patches, first, n_steps)
    start = first + hop * int(inside[0]) if len(inside) else first
    return FrameGrid(frontend.sample_rate, hop, hop, field, start, len(inside), n_samples, steps)
