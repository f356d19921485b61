"""Turn Tempo-CNN's Keras files (``.h5``) into frozen graphs without TensorFlow.

A Keras file holds the architecture as JSON (attribute ``model_config``) and one group of arrays per layer. The DeepTemp
and DeepSquare networks (Schreiber and Müller, "Musical tempo and key estimation using convolutional neural networks
with directional filters", SMC 2019) are plain chains of layers, and only such chains of the layers below are accepted;
nothing in the file is executed.

Essentia's own graphs of these networks went through ONNX, which shows in their arithmetic and names, both repeated
here: tensors between operations are channel first (``N, C, H, W``); batch normalisation is folded into scale and
offset, then applied as one with mean 0 and variance 1; ReLUs are numbered from the last to the first. Kernels are
stored in the order the convolution needs, where the ONNX route transposes them at run time.

Input ``input``: ``N, 40 bands, frames, 1``. Output ``output``: ``N, 256`` tempi.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from tensorboard.compat.proto.graph_pb2 import GraphDef

from embviz.errors import ConversionError
from embviz.models.convert import nodes
from embviz.models.convert.nodes import FLOAT, INT32

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from embviz.models.convert.nodes import Attribute


Layer = Mapping[str, Any]

#: Version of the graph format, as in Essentia's own graph of DeepTemp.
_PRODUCER = 175
#: What ONNX-TF adds to the variance of 1 that the folded normalisation is left with.
_ONNX_EPSILON = np.float32(1e-6)
_CHANNELS_LAST = (0, 2, 3, 1)
_CHANNELS_FIRST = (0, 3, 1, 2)
_LARGEST_SIDE = 2**16  # of a kernel, a pool, or a number of filters
_BODY = {"Conv2D", "BatchNormalization", "MaxPooling2D", "Dropout"}
_TAIL = ["GlobalAveragePooling2D", "Activation"]


def freeze_keras(path: Path) -> GraphDef:
    """Return the inference graph of a Keras ``.h5`` file.

    Raises
    ------
    ConversionError
        If the file is damaged, or holds a network other than a chain of the layers of DeepTemp and DeepSquare.
    """
    import h5py

    if not path.is_file():
        raise ConversionError(f"Expected a Keras model at {path}, found no file.")
    try:
        with h5py.File(path, "r") as file:
            layers = _chain(json.loads(file.attrs["model_config"]))
            relus = sum(layer.get("activation") == "relu" for _, layer in layers)
            builder = _Builder(file["model_weights"], relus)
            for kind, layer in layers:
                builder.add(kind, layer)
            return builder.graph
    except (OSError, LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise ConversionError(
            f"Expected a DeepTemp or DeepSquare model in {path}, found something else ({error}). "
            "If it is one, the file is damaged or incomplete: fetch it again."
        ) from error


def _chain(model: Mapping[str, Any]) -> list[tuple[str, Layer]]:
    """Return kind and settings of each layer of a model without branches."""
    if model["class_name"] not in ("Functional", "Model"):
        raise ValueError(f"a model of class {model['class_name']!r}")
    chain: list[tuple[str, Layer]] = []
    for layer in model["config"]["layers"]:
        fed_by = [node[0] for nodes_ in layer["inbound_nodes"] for node in nodes_]
        if fed_by != [settings["name"] for _, settings in chain[-1:]]:
            raise ValueError(f"layer {layer['name']!r} is not fed by the layer before it alone")
        chain.append((layer["class_name"], {**layer["config"], "name": layer["name"]}))
    kinds = [kind for kind, _ in chain]
    if kinds[:1] + kinds[-2:] != ["InputLayer", *_TAIL] or not _BODY.issuperset(kinds[1:-2]):
        raise ValueError(f"layers {', '.join(kinds)}")
    return chain


def _expect(layer: Layer, **settings: object) -> None:
    for key, value in settings.items():
        if layer.get(key, value) != value:
            raise ValueError(f"layer {layer['name']!r}: expected {key} {value!r}, found {layer[key]!r}")


def _sides(layer: Layer, key: str) -> tuple[int, int]:
    """Return height and width of a kernel or pool."""
    height, width = layer[key]
    if not all(isinstance(side, int) and 0 < side < _LARGEST_SIDE for side in (height, width)):
        raise ValueError(f"layer {layer['name']!r}: {key} {layer[key]!r}")
    return height, width


class _Builder:
    """Appends the nodes of one layer after another to a graph.

    Names follow Essentia's graph: operations of a kind are numbered, the first without a number (``MaxPool``,
    ``MaxPool_1``, ...); ReLUs count down to ``Relu``.
    """

    def __init__(self, weights: Any, relus: int) -> None:
        self.graph = GraphDef()
        self.graph.versions.producer = _PRODUCER
        self._weights, self._relus = weights, relus
        self._counts: Counter[str] = Counter()
        self._channels = 1
        self._last = ""

    def add(self, kind: str, layer: Layer) -> None:
        """Append one Keras layer."""
        _expect(layer, dtype="float32", data_format="channels_last")
        build: dict[str, Callable[[Layer], None]] = {
            "InputLayer": self._input,
            "Conv2D": self._convolution,
            "BatchNormalization": self._normalisation,
            "MaxPooling2D": self._pooling,
            "Dropout": lambda _: None,  # inference passes everything on
            "GlobalAveragePooling2D": self._mean,
            "Activation": self._softmax,
        }
        build[kind](layer)

    def _input(self, layer: Layer) -> None:
        _expect(layer, batch_input_shape=[None, 40, None, 1])
        node = nodes.make("input", "Placeholder", dtype=FLOAT)
        for size in (-1, 40, -1, 1):
            node.attr["shape"].shape.dim.add(size=size)
        self.graph.node.append(node)
        self._last = "input"
        self._transpose(_CHANNELS_FIRST)

    def _convolution(self, layer: Layer) -> None:
        _expect(layer, strides=[1, 1], dilation_rate=[1, 1], groups=1)
        _expect(layer, padding="same", activation="relu", use_bias=True)
        name, channels = layer["name"], layer["filters"]
        kernel = self._read(name, "kernel", (*_sides(layer, "kernel_size"), self._channels, channels))
        bias = self._read(name, "bias", (channels,))
        self._channels = channels
        self._transpose(_CHANNELS_LAST)
        kernel_node = self._constant(f"{name}/kernel", kernel)
        ones = {"strides": (1, 1, 1, 1), "dilations": (1, 1, 1, 1)}
        self._append(self._numbered("convolution"), "Conv2D", kernel_node, data_format="NHWC", padding="SAME", **ones)
        self._append(self._numbered("Add"), "Add", self._constant(f"{name}/bias", bias))
        self._transpose(_CHANNELS_FIRST)
        self._relus -= 1
        self._append(f"Relu{self._relus or ''}", "Relu")

    def _normalisation(self, layer: Layer) -> None:
        _expect(layer, axis=[3], center=True, scale=True)
        name, data = layer["name"], self._last
        gamma, beta, mean, variance = (
            self._read(name, part, (self._channels,)) for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        # In this order of operations the folded values equal Essentia's to the bit.
        variance = variance + np.float32(layer["epsilon"])
        if not (variance > 0).all():
            raise ValueError(f"layer {name!r}: expected positive variances")
        deviation = np.sqrt(variance)
        scale = self._per_channel(f"{name}/scale", gamma / deviation)
        offset = self._per_channel(f"{name}/offset", beta - gamma * mean / deviation)
        self._last = self._per_channel(f"{name}/variance", np.ones_like(gamma))
        self._append(f"{name}/add", "AddV2", self._constant(f"{name}/add/y", _ONNX_EPSILON))
        self._append(f"{name}/Rsqrt", "Rsqrt")
        factor = self._append(f"{name}/mul", "Mul", scale)
        scaled = self._make(f"{name}/mul_1", "Mul", data, factor)
        zero = self._per_channel(f"{name}/mean", np.zeros_like(gamma))
        shift = self._make(f"{name}/mul_2", "Mul", zero, factor)
        self._make(f"{name}/sub", "Sub", offset, shift)
        self._make(f"{name}/add_1", "AddV2", scaled, f"{name}/sub")

    def _pooling(self, layer: Layer) -> None:
        _expect(layer, padding="valid", strides=layer["pool_size"])
        height, width = _sides(layer, "pool_size")
        self._transpose(_CHANNELS_LAST)
        size = (1, height, width, 1)
        name = self._numbered("MaxPool")
        self._append(name, "MaxPool", data_format="NHWC", padding="VALID", ksize=size, strides=size)
        self._transpose(_CHANNELS_FIRST)

    def _mean(self, _: Layer) -> None:
        axes = self._constant("Mean_1/axes", np.array([2, 3], np.int32))
        self._append("Mean_1", "Mean", axes, keep_dims=True, Tidx=INT32)
        self._transpose(_CHANNELS_LAST, "1x1/Identity0_transpose")
        shape = self._constant("1x1/Identity0_reshape/shape", np.array([-1, self._channels], np.int32))
        self._append("1x1/Identity0_reshape", "Reshape", shape, Tshape=INT32)

    def _softmax(self, layer: Layer) -> None:
        _expect(layer, activation="softmax")
        self._append("output", "Softmax")

    def _read(self, layer: str, array: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Read one array of known shape; links out of the file are not followed."""
        import h5py

        name, stored = f"{layer}/{layer}/{array}:0", self._weights
        for part in name.split("/"):
            if stored.get(part, getclass=True, getlink=True) is not h5py.HardLink:
                raise ValueError(f"expected array {name!r}, found none of that name")
            stored = stored[part]
        if not isinstance(stored, h5py.Dataset) or stored.shape != shape or stored.dtype != "<f4":
            raise ValueError(f"expected array {name!r} of shape {shape}, found {stored!r}")
        if stored.is_virtual or stored.external:
            raise ValueError(f"array {name!r} is not stored in the file itself")
        values: NDArray[np.float32] = stored[()]
        if not np.isfinite(values).all():
            raise ValueError(f"array {name!r} holds values that are not finite")
        return values

    def _append(self, name: str, op: str, *others: str, **attributes: Attribute) -> str:
        """Append an operation that reads the last node (and `others`)."""
        return self._make(name, op, self._last, *others, **attributes)

    def _make(self, name: str, op: str, *inputs: str, **attributes: Attribute) -> str:
        self.graph.node.append(nodes.make(name, op, inputs, T=FLOAT, **attributes))
        self._last = name
        return name

    def _transpose(self, axes: Sequence[int], name: str = "") -> None:
        name = name or self._numbered("transpose")
        perm = self._constant(f"{name}/perm", np.array(axes, np.int32))
        self._append(name, "Transpose", perm, Tperm=INT32)

    def _constant(self, name: str, values: NDArray[Any] | np.float32) -> str:
        self.graph.node.append(nodes.constant(name, np.asarray(values)))
        return name

    def _per_channel(self, name: str, values: NDArray[Any]) -> str:
        return self._constant(name, values.reshape(1, -1, 1, 1))

    def _numbered(self, name: str) -> str:
        self._counts[name] += 1
        return name if self._counts[name] == 1 else f"{name}_{self._counts[name] - 1}"
