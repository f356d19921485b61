"""The filters of a network's first layer: what each of them looks for in the mel-spectrogram.

Conventions: a *filter* is the kernel of a convolution that reads the front-end's output, ``[bands, frames]``, the
lowest band first; of several input channels the sum, which is the answer to a sound that is the same in all of them. A
filter slides over time, and over frequency as far as it has fewer bands than the front-end: where it stands there is
its *position*, counted from the lowest. Weights are multiplied by the factor that a normalisation behind the
convolution has, with its sign: what is positive raises the channel's value, whether a ReLU stands between the two or
not.

References
----------
J. Pons, O. Slizovskaia, R. Gong, E. Gómez and X. Serra, "Timbre analysis of music audio signals with convolutional
neural networks", EUSIPCO 2017, and J. Pons and X. Serra, "Designing efficient architectures for modeling temporal
features with convolutional neural networks", ICASSP 2017, for the filters of MusiCNN.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.errors import LayerError, OptionError, WeightsError
from embviz.extraction.frontends import FRONTENDS, band_frequencies
from embviz.models import find_weights, get_model
from embviz.models.weight_store import layer_shapes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from embviz.inference.graph import Graph
    from embviz.models import Model, ModelLike

ZERO = 1e-3  # of the largest weight of a convolution: training has taken smaller ones to nothing
_CONVOLUTION = "Conv2D"
#: What hands a channel on, so that a normalisation behind it still belongs to the convolution.
_BETWEEN = {"BiasAdd", "Relu", "Relu6", "Elu", "LeakyRelu", "Identity", "Transpose"}
_NORMALISATIONS = ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")


@dataclass(frozen=True, eq=False, repr=False)
class Filter:
    """A filter of the first layer; :func:`first_layer_filters` reads them.

    Parameters
    ----------
    model : str
        Name of the model.
    node : str
        Its convolution in the graph.
    index : int
        Its number there, from 0.
    values : ndarray, shape [bands, frames], float32
        Its weights, times `scale`.
    scale : float
        Factor of the normalisation behind it; 1 without one.
    is_zero : bool
        Whether training has left nothing of it: no weight reaches a thousandth of the largest of its convolution.
    channels : dict of str to int
        Its number in layers of the model, by their names.
    centers : ndarray
        The centre frequency of each band of the front-end, in Hz.
    hop : float
        Milliseconds from one frame to the next.
    """

    model: str
    node: str
    index: int
    values: NDArray[np.float32]
    scale: float
    is_zero: bool
    channels: dict[str, int]
    centers: NDArray[np.float64]
    hop: float

    @property
    def bands(self) -> int:
        """How many bands it has."""
        return int(self.values.shape[0])

    @property
    def frames(self) -> int:
        """How many frames it lasts."""
        return int(self.values.shape[1])

    @property
    def positions(self) -> int:
        """How many positions it has on the axis of frequency."""
        return max(1, len(self.centers) - self.bands + 1)

    @property
    def layer(self) -> str:
        """The first layer of the model that it is a channel of; empty where there is none."""
        return next(iter(self.channels), "")

    @property
    def title(self) -> str:
        """What it is called: ``"timbral 12 (7 × 38)"``."""
        number = self.channels.get(self.layer, self.index)
        return f"{self.layer or self.node} {number} ({self.frames} × {self.bands})"

    @cached_property
    def milliseconds(self) -> NDArray[np.float64]:
        """When each frame is, from the first, ``[frames]``."""
        return np.arange(self.frames, dtype=np.float64) * self.hop

    def hertz(self, position: int = 0) -> NDArray[np.float64]:
        """Return the centre frequency of each of its bands at a position, ``[bands]``.

        Parameters
        ----------
        position : int
            From 0, the lowest, to ``positions - 1``; -1 is the highest.

        Raises
        ------
        OptionError
            If there is no such position.
        """
        if not -self.positions <= position < self.positions:
            raise OptionError(f"position is one of {self.positions} from 0; {position!r} was found.")
        first = position % self.positions
        return self.centers[first : first + self.bands]

    def __repr__(self) -> str:
        low, high = self.hertz(0), self.hertz(-1)
        slides = "" if self.positions == 1 else f" … {high[0]:.0f}–{high[-1]:.0f}"
        state = ", zero" if self.is_zero else ""
        lasts = self.frames * self.hop
        return f"<Filter {self.title} of {self.model}: {low[0]:.0f}–{low[-1]:.0f}{slides} Hz, {lasts:.0f} ms{state}>"


def first_layer_filters(model: ModelLike) -> list[Filter]:
    """Return the filters of a model's first layer, read from its weights.

    Parameters
    ----------
    model : str or Model
        A model whose weights are here.

    Returns
    -------
    list of Filter
        Of all convolutions that read the spectrogram, in the order of the graph.

    Raises
    ------
    ModelError
        If there is no such model.
    WeightsError
        If its weights are not here.
    LayerError
        If its first layer is no convolution over time and frequency.

    Examples
    --------
    >>> filters = first_layer_filters("musicnn")  # doctest: +SKIP
    >>> filters[0]  # doctest: +SKIP
    <Filter timbral 0 (7 × 38) of msd-musicnn-1: 24–1072 … 2288–7803 Hz, 112 ms, zero>
    """
    from embviz.inference.graph import Graph

    record = get_model(model)
    weights = find_weights(record)
    if weights is None:
        raise WeightsError(f"The weights of {record.name!r} are not here; run embviz pull {record.name}.")
    reader = _Reader(Graph.read(weights.path))
    shapes = layer_shapes(record, weights)
    convolutions = reader.first_convolutions(record.input_node)
    if not convolutions or not _reads_spectrogram(record):
        raise LayerError(
            f"{record.name!r} has no convolution that reads a spectrogram, so there are no filters to be seen; "
            "MusiCNN, VGG-I, VGGish, Tempo-CNN and Spleeter have."
        )
    channels = reader.channels_of(record, convolutions)
    return [one for node in convolutions for one in _filters_of(record, reader, node, shapes, channels)]


def _reads_spectrogram(model: Model) -> bool:
    return model.frontend in FRONTENDS and not FRONTENDS[model.frontend].is_waveform


def _filters_of(
    model: Model,
    reader: _Reader,
    node: str,
    shapes: dict[str, tuple[int, ...]],
    channels: dict[tuple[str, int], dict[str, int]],
) -> list[Filter]:
    """Return the filters of a convolution."""
    frontend = FRONTENDS[model.frontend]
    kernels = reader.value(reader.inputs(node)[1]).astype(np.float64).sum(axis=2)  # [height, width, filters]
    if _is_time_first(shapes.get(reader.inputs(node)[0], ()), model, frontend.bands):
        kernels = kernels.swapaxes(0, 1)
    scale = np.broadcast_to(reader.scale_behind(node), kernels.shape[-1:])
    largest = np.abs(kernels).max(axis=(0, 1))
    zero = largest <= ZERO * largest.max(initial=0.0)
    return [
        Filter(
            model.name, node, i, (kernels[..., i] * scale[i]).astype(np.float32), float(scale[i]), bool(zero[i]),
            channels.get((node, i), {}), band_frequencies(frontend), 1000 * frontend.hop / frontend.sample_rate,
        )
        for i in range(kernels.shape[-1])
    ]  # fmt: skip


def _is_time_first(shape: Sequence[int], model: Model, bands: int) -> bool:
    """Tell whether the first axis of what a convolution reads is time, by its length."""
    return tuple(shape[:2]) != (bands, model.patch_frames)


class _Reader:
    """A graph, of which constants and what follows a convolution are read."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.definitions = {node.name: node for node in graph.definitions}

    def inputs(self, node: str) -> tuple[str, ...]:
        return tuple(name.split(":")[0] for name in self.definitions[node].input if not name.startswith("^"))

    def first_convolutions(self, source: str) -> list[str]:
        """Return the convolutions with a constant kernel that read the input, and no other convolution."""
        found = []
        reached = self.graph.downstream(source)
        for name, node in self.definitions.items():
            if node.op != _CONVOLUTION or name not in reached:
                continue
            before = self.graph.upstream(name) - {name}
            if not any(self.definitions[other].op == _CONVOLUTION for other in before if other in self.definitions):
                found.append(name)
        return [name for name in found if self._is_constant(self.inputs(name)[1])]

    def channels_of(self, model: Model, convolutions: list[str]) -> dict[tuple[str, int], dict[str, int]]:
        """Return the number of each filter in the layers that hold it, by its convolution and number there."""
        found: dict[tuple[str, int], dict[str, int]] = {}
        for layer in model.known_layers:
            here = layer.find_in(self.graph)
            if here is None or "c" not in here.axes:
                continue
            first = 0
            for node in [one for name in here.nodes for one in self._origins(name.split(":")[0], set(convolutions))]:
                count = self.value(self.inputs(node)[1]).shape[-1]
                for i in range(count):
                    found.setdefault((node, i), {})[layer.name] = first + i
                first += count
        return found

    def _origins(self, node: str, convolutions: set[str]) -> list[str]:
        """Return the convolutions whose filters are the channels of a node, in their order; none where mixed."""
        for _ in range(len(self.definitions)):
            if node in convolutions:
                return [node]
            operation, inputs = self.definitions[node].op, self.inputs(node)
            if operation in ("ConcatV2", "Concat"):
                parts = inputs[:-1] if operation == "ConcatV2" else inputs[1:]
                origins = [self._origins(part, convolutions) for part in parts]
                return [one for part in origins for one in part] if all(origins) else []
            known = _BETWEEN | {*_NORMALISATIONS, "MaxPool", "Squeeze", "Max", "Add", "AddV2", "Mul"}
            changing = [name for name in inputs if not self._is_constant(name)]
            if operation not in known or len(changing) != 1:
                return []
            node = changing[0]
        return []

    def scale_behind(self, node: str) -> NDArray[np.float64]:
        """Return the factor of the normalisation behind a convolution, for each filter, or 1."""
        for _ in range(8):
            readers = [name for name in self.definitions if node in self.inputs(name)]
            # A layer that is handed across has further readers; the normalisation is one of them.
            for name in readers:
                operation = self.definitions[name].op
                if operation in _NORMALISATIONS:
                    epsilon = self.definitions[name].attr["epsilon"].f or 1e-4
                    _, gamma, _, _, variance = self.inputs(name)
                    factor = self.value(gamma) / np.sqrt(self.value(variance) + epsilon)
                    return factor.astype(np.float64)
                factors = [other for other in self.inputs(name) if other != node and self._is_constant(other)]
                if operation == "Mul" and factors:
                    return self.value(factors[0]).astype(np.float64).ravel()
            onward = [
                name
                for name in readers
                if self.definitions[name].op in _BETWEEN
                or (self.definitions[name].op in ("Add", "AddV2") and any(map(self._is_constant, self.inputs(name))))
            ]
            if not onward:
                break
            node = onward[0]
        return np.ones(1)

    def _is_constant(self, name: str) -> bool:
        ops = {self.definitions[other].op for other in self.graph.upstream(name) if other in self.definitions}
        return bool(ops) and ops <= {"Const", *_EVALUATED}

    def value(self, name: str) -> NDArray[Any]:
        """Return the values of what depends on constants alone."""
        from embviz.inference.onnx_operations import decode_tensor

        node = self.definitions[name]
        if node.op == "Const":
            return decode_tensor(node.attr["value"].tensor, name)
        return np.asarray(_EVALUATED[node.op](*map(self.value, self.inputs(name))))


_EVALUATED: dict[str, Any] = {
    "Identity": lambda x: x,
    "ReadVariableOp": lambda x: x,
    "Mul": np.multiply,
    "Add": np.add,
    "AddV2": np.add,
    "Sub": np.subtract,
    "Rsqrt": lambda x: 1 / np.sqrt(x),
    "Reshape": lambda x, shape: x.reshape([int(size) for size in shape]),
    "ExpandDims": lambda x, axis: np.expand_dims(x, int(axis)),
}
