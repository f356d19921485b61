"""Which tensors of an ONNX graph follow the frames of a patch, step by step, and how far padding reaches into them.

An operation that looks at a few neighbouring steps gives the same wherever the frames stand. What does not is left out,
and so is what is not known to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

_ELEMENTWISE = (
    "Abs", "Add", "Clip", "Div", "Elu", "Exp", "Identity", "LeakyRelu", "Log", "Max", "Min", "Mul", "Neg", "PRelu",
    "Relu", "Sigmoid", "Sqrt", "Sub", "Sum", "Tanh",
)  # fmt: skip
_SHORT = 16  # values: constants that are numbers of axes and the like


@dataclass(frozen=True)
class Steps:
    """How a tensor of a patch follows the frames of the patch.

    Parameters
    ----------
    axis : int
        The axis of time.
    stride : int
        Frames from one step to the next.
    length : int
        Steps of a patch.
    left, right : int
        Steps at the edges of a patch that padding reaches.
    """

    axis: int
    stride: int
    length: int
    left: int = 0
    right: int = 0

    @property
    def edge(self) -> int:
        """Frames that padding reaches, at both edges."""
        return (self.left + self.right) * self.stride


class ShapedModel:
    """A model that takes patches, with the shapes of its tensors.

    Parameters
    ----------
    model : ModelProto
        Its only input is ``[n, t, bands]``; the axes may be open.
    patch_shape : (int, int)
        Frames of a patch, and bands.
    """

    def __init__(self, model: ModelProto, patch_shape: tuple[int, int]) -> None:
        from onnx import numpy_helper, shape_inference

        self.proto = model
        for dim, length in zip(model.graph.input[0].type.tensor_type.shape.dim[1:], patch_shape, strict=True):
            dim.dim_value = length
        graph = shape_inference.infer_shapes(model).graph
        self.infos = {info.name: info for info in (*graph.input, *graph.value_info, *graph.output)}
        self.constants = {tensor.name: tensor for tensor in graph.initializer}
        self.values = {
            name: numpy_helper.to_array(tensor).reshape(-1).tolist()
            for name, tensor in self.constants.items()
            if math.prod(tensor.dims) <= _SHORT
        }
        self.input = graph.input[0].name
        self.outputs = [info.name for info in graph.output]
        self.patch_frames = patch_shape[0]
        self.nodes = [self._unsqueezed(node) for node in graph.node]

    def _unsqueezed(self, node: NodeProto) -> NodeProto:
        """Return a reshape that only adds axes of one value as what holds for any number of frames."""
        from onnx import helper, numpy_helper

        told = self.values.get(node.input[1]) if node.op_type == "Reshape" else None
        if not told or told[0] != -1 or [length for length in told[1:] if length != 1] != self.shape(node.input[0])[1:]:
            return node
        name, axes = f"{node.output[0]}#axes", [axis for axis, length in enumerate(told) if length == 1]
        self.constants[name], self.values[name] = numpy_helper.from_array(np.array(axes), name), axes
        return helper.make_node("Unsqueeze", [node.input[0], name], [node.output[0]])

    def shape(self, name: str) -> list[int]:
        """Return the lengths of a tensor's axes, of which 0 is an open one; empty where they are not known."""
        if name in self.constants:
            return list(self.constants[name].dims)
        return [dim.dim_value for dim in self.infos[name].type.tensor_type.shape.dim] if name in self.infos else []

    def products(self) -> dict[str, int]:
        """Return the products that each convolution takes for one patch, by its result."""
        return {
            node.output[0]: math.prod(self.shape(node.output[0])[2:]) * math.prod(self.shape(node.input[1]))
            for node in self.nodes
            if node.op_type == "Conv"
        }

    def follow(self) -> dict[str, Steps]:
        """Return the tensors that follow the frames, each behind those that it depends on."""
        found = {self.input: Steps(1, 1, self.patch_frames)}
        for node in self.nodes:
            inputs = [name for name in node.input if name and name not in self.constants]
            is_known = node.op_type in _RULES and self.shape(node.output[0])
            if inputs and is_known and all(name in found for name in inputs):
                steps = self._join([found[name] for name in inputs])
                options = {option.name: option for option in node.attribute}
                steps = steps and _RULES[node.op_type](self, node, options, steps)
                if steps and steps.length > steps.left + steps.right:
                    found[node.output[0]] = steps
        return found

    @staticmethod
    def _join(given: list[Steps]) -> Steps | None:
        """Return what tensors that follow the frames alike have in common; None where they do not."""
        first = given[0]
        if any((s.axis, s.stride, s.length) != (first.axis, first.stride, first.length) for s in given):
            return None
        return replace(first, left=max(s.left for s in given), right=max(s.right for s in given))


# Rules: how the result of an operation follows the frames, from how its input does. -----------------------------------

_Options: TypeAlias = "Mapping[str, Any]"
_Rule: TypeAlias = "Callable[[ShapedModel, NodeProto, _Options, Steps], Steps | None]"


def _elementwise(model: ShapedModel, node: NodeProto, _options: _Options, steps: Steps) -> Steps | None:
    rank = len(model.shape(node.output[0]))
    for name in filter(None, node.input):
        shape = model.shape(name)
        aligned = [1] * (rank - len(shape)) + shape
        is_constant = name in model.constants
        if is_constant and (aligned[0], aligned[steps.axis]) != (1, 1):
            return None  # it is not the same for all steps
        if not is_constant and len(shape) != rank:
            return None
    return steps


def _slide(model: ShapedModel, node: NodeProto, options: _Options, steps: Steps) -> Steps | None:
    place, rank = steps.axis - 2, len(model.shape(node.output[0])) - 2
    if place < 0 or _is_set(options, "ceil_mode") or ("auto_pad" in options and options["auto_pad"].s != b"NOTSET"):
        return None
    kernel = model.shape(node.input[1])[2:] if node.op_type == "Conv" else options["kernel_shape"].ints
    stride = options["strides"].ints[place] if "strides" in options else 1
    spread = options["dilations"].ints[place] if "dilations" in options else 1
    pads = options["pads"].ints if "pads" in options else [0] * (2 * rank)
    window, before, after = (kernel[place] - 1) * spread + 1, pads[place], pads[place + rank]
    length = (steps.length + before + after - window) // stride + 1
    clean = (steps.length - 1 - steps.right + before - window + 1) // stride + 1
    left = -(-(steps.left + before) // stride)
    return Steps(steps.axis, steps.stride * stride, length, left, max(0, length - clean))


def _pad(model: ShapedModel, node: NodeProto, options: _Options, steps: Steps) -> Steps | None:
    pads = model.values.get(node.input[1])
    is_plain = "mode" not in options or options["mode"].s == b"constant"
    if pads is None or not is_plain or len(node.input) > 3 or min(pads) < 0:
        return None
    rank = len(pads) // 2
    if pads[0] or pads[rank]:
        return None
    before, after = pads[steps.axis], pads[steps.axis + rank]
    return replace(steps, length=steps.length + before + after, left=steps.left + before, right=steps.right + after)


def _concat(model: ShapedModel, node: NodeProto, options: _Options, steps: Steps) -> Steps | None:
    axis = options["axis"].i % len(model.shape(node.output[0]))
    is_constant = any(name in model.constants for name in node.input)
    return None if axis in (0, steps.axis) or is_constant else steps


def _transpose(_model: ShapedModel, _node: NodeProto, options: _Options, steps: Steps) -> Steps | None:
    order = list(options["perm"].ints) if "perm" in options else [1]
    return None if order[0] else replace(steps, axis=order.index(steps.axis))


def _unsqueeze(model: ShapedModel, node: NodeProto, _options: _Options, steps: Steps) -> Steps | None:
    rank = len(model.shape(node.output[0]))
    added = _axes(model, node, 1, rank)
    if not added or 0 in added:
        return None
    return replace(steps, axis=[axis for axis in range(rank) if axis not in added][steps.axis])


def _remove_axes(model: ShapedModel, node: NodeProto, options: _Options, steps: Steps) -> Steps | None:
    axes = _axes(model, node, 1, len(model.shape(node.input[0])))
    if not axes or axes & {0, steps.axis}:
        return None
    is_kept = node.op_type != "Squeeze" and _is_set(options, "keepdims", default=1)
    return steps if is_kept else replace(steps, axis=steps.axis - sum(axis < steps.axis for axis in axes))


def _slice(model: ShapedModel, node: NodeProto, _options: _Options, steps: Steps) -> Steps | None:
    axes = _axes(model, node, 3, len(model.shape(node.input[0])))
    return None if not axes or axes & {0, steps.axis} else steps


def _axes(model: ShapedModel, node: NodeProto, place: int, rank: int) -> set[int]:
    """Return the axes that an input tells; none where they are not told, or not known beforehand."""
    told = model.values.get(node.input[place], []) if place < len(node.input) else []
    return {int(axis) % rank for axis in told}


def _is_set(options: _Options, name: str, *, default: int = 0) -> bool:
    return bool(options[name].i if name in options else default)


_RULES: dict[str, _Rule] = {
    **dict.fromkeys(_ELEMENTWISE, _elementwise),
    **dict.fromkeys(("Conv", "MaxPool", "AveragePool"), _slide),
    **dict.fromkeys(("Squeeze", "ReduceMax", "ReduceMean"), _remove_axes),
    "Pad": _pad,
    "Concat": _concat,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    "Slice": _slice,
}
