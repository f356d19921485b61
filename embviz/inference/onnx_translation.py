"""Frozen TensorFlow graphs as ONNX models, without TensorFlow: one small function for each operation.

Conventions: the translation is literal. Tensors keep the order of their axes, so that convolutions, which ONNX knows
channels first alone, stand between transpositions; :mod:`embviz.inference.onnx_passes` removes those. All integers are
int64, ONNX's type of shapes. Semantics are those of TensorFlow's operations (tensorflow.org/api_docs/python/tf/raw_ops)
and of ONNX's (onnx.ai/onnx/operators), operation set 18.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from embviz.errors import GraphError
from embviz.inference.graph import Graph, split_tensor
from embviz.inference.inlining import Operation, Tensor, inline

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import ModelProto, NodeProto

#: Changes with whatever changes the numbers or the names of a translated model.
TRANSLATION = 1

_OPSET = 18
_IR_VERSION = 10
_MOST_CONSTANTS = 2**29  # values: two gigabytes, protobuf's limit

_REFUSED = "ONNX Runtime cannot run the graph"
_FAR = 2**62  # further than any axis is long
_FLOATS = (1, 2)  # DT_FLOAT, DT_DOUBLE
#: NumPy's type for each of TensorFlow's that constants may have, and where values stand in a message.
_NUMPY_TYPES = {
    1: ("f4", "float_val"),
    2: ("f8", "double_val"),
    3: ("i4", "int_val"),
    9: ("i8", "int64_val"),
    10: ("?", "bool_val"),
}
#: ONNX's type for each of TensorFlow's.
_ELEMENT_TYPES = {1: 1, 2: 11, 3: 7, 9: 7, 10: 9}

#: Lengths of a tensor's axes; None is an open one.
Shape = Sequence[int | None]
#: What an operation makes: its first result, or all of them.
Made = str | Sequence[str]


def translate(graph: Graph, inputs: Mapping[str, Shape], outputs: Sequence[str]) -> ModelProto:
    """Return the part of a graph between some of its tensors as an ONNX model.

    Parameters
    ----------
    graph : Graph
        The graph; calls of functions are followed.
    inputs : mapping of str to sequence of int or None
        Float tensors to be fed, placeholders or others, with the lengths of their axes.
    outputs : sequence of str
        Float tensors to be given, by the same names.

    Returns
    -------
    ModelProto
        A model whose inputs and outputs are named as the tensors are.

    Raises
    ------
    GraphError
        If the graph has an operation on the way that is not known here, or a form of one.
    """
    from onnx import TensorProto, helper

    graph.check_calls()
    if not 0 <= graph.constant_size <= _MOST_CONSTANTS:
        raise GraphError(
            f"A graph is expected to hold at most {_MOST_CONSTANTS:,} constant values; it is not translated."
        )
    operations = inline(graph)
    writer = Writer()
    for name in inputs:
        writer.tensors[split_tensor(name)] = name
    for operation in _order(operations, [split_tensor(name) for name in outputs], writer.tensors):
        _translate_operation(writer, operation)
    given = [_value_info(name, shape) for name, shape in inputs.items()]
    taken = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    for name in outputs:
        writer.nodes.append(helper.make_node("Identity", [writer.tensors[split_tensor(name)]], [name]))
    body = helper.make_graph(writer.nodes, "embviz", given, taken, writer.initializers())
    opset = helper.make_opsetid("", _OPSET)
    return helper.make_model(body, opset_imports=[opset], ir_version=_IR_VERSION, producer_name="embviz")


def _value_info(name: str, shape: Shape) -> Any:
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info(
        name, TensorProto.FLOAT, [f"axis{i}" if size is None or size < 0 else size for i, size in enumerate(shape)]
    )


def _order(
    operations: Mapping[str, Operation], wanted: Sequence[Tensor], known: Mapping[Tensor, str]
) -> list[Operation]:
    """Return the operations that some tensors need, each behind those it reads; no further than to the known ones."""
    order: dict[str, Operation] = {}
    begun: set[str] = set()
    waiting = [tensor for tensor in reversed(wanted) if tensor not in known]
    while waiting:
        name = waiting[-1][0]
        if name in order:
            waiting.pop()
            continue
        if name not in operations:
            raise GraphError(f"The graph has no node {name!r}.")
        operation = operations[name]
        missing = [tensor for tensor in operation.inputs if tensor not in known and tensor[0] not in order]
        if not missing:
            order[name] = operation
            waiting.pop()
        elif name in begun:
            raise GraphError(f"The graph goes round in a circle at {name!r}; it is not translated.")
        else:
            begun.add(name)
            waiting += reversed(missing)
    return list(order.values())


def _translate_operation(writer: Writer, operation: Operation) -> None:
    translation = _TRANSLATIONS.get(operation.op)
    if translation is None:
        raise GraphError(f"{_REFUSED}: the operation {operation.op!r} of {operation.name!r} is not known.")
    writer.scope = operation.name
    try:
        made = translation(writer, operation, *(writer.tensors[tensor] for tensor in operation.inputs))
    except GraphError:
        raise
    except Exception as error:  # too few inputs, results that are not there, axes of other numbers: any nonsense
        raise GraphError(f"{_REFUSED}: {operation.op!r} is of an unknown form in {operation.name!r}.") from error
    for index, name in enumerate([made] if isinstance(made, str) else made):
        writer.tensors.setdefault((operation.name, index), name)


@dataclass
class Writer:
    """An ONNX graph that grows node by node; what depends on constants alone is computed at once.

    Attributes
    ----------
    nodes : list of NodeProto
        In an order in which they can be run.
    tensors : dict
        What each tensor of the TensorFlow graph is called here.
    scope : str
        Node that is being translated; what is made for it is named after it.
    """

    nodes: list[NodeProto] = field(default_factory=list)
    tensors: dict[Tensor, str] = field(default_factory=dict)
    scope: str = ""
    _constants: dict[str, NDArray[Any]] = field(default_factory=dict)
    _count: int = 0

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Append a node of one result, and return that."""
        return self.add_many(op, 1, *inputs, **attributes)[0]

    def add_many(self, op: str, results: int, *inputs: str, **attributes: Any) -> list[str]:
        """Append a node of several results, and return them."""
        from onnx import helper
        from onnx.reference import ReferenceEvaluator

        names = [self._new_name() for _ in range(results)]
        node = helper.make_node(op, list(inputs), names, **attributes)
        if self._constants.keys() >= set(inputs):
            values = ReferenceEvaluator(node).run(None, {name: self._constants[name] for name in inputs})
            self._constants.update(zip(names, cast("list[Any]", values), strict=True))
        else:
            self.nodes.append(node)
        return names

    def constant(self, values: Any) -> str:
        """Return the name of a constant; integers become int64."""
        array = np.asarray(values)
        name = self._new_name()
        self._constants[name] = array.astype(np.int64) if array.dtype.kind in "iu" else array
        return name

    def is_constant(self, name: str) -> bool:
        """Return whether a tensor does not depend on the input."""
        return name in self._constants

    def value(self, name: str) -> NDArray[Any]:
        """Return the values of a tensor that does not depend on the input."""
        if name not in self._constants:
            raise GraphError(f"{_REFUSED}: what {self.scope!r} does depends on what the graph is fed with.")
        return self._constants[name]

    def integers(self, name: str) -> list[int]:
        """Return the values of such a tensor as whole numbers."""
        return [int(value) for value in self.value(name).reshape(-1)]

    def initializers(self) -> list[Any]:
        """Return the constants that nodes read."""
        from onnx import numpy_helper

        read = {name for node in self.nodes for name in node.input}
        return [numpy_helper.from_array(np.asarray(v), name) for name, v in self._constants.items() if name in read]

    def _new_name(self) -> str:
        self._count += 1
        return f"{self.scope}#{self._count}"


# Operations. -------------------------------------------------------------------------------------------------------

#: What translates one operation: it takes the graph that grows, the operation, and what its inputs are called there.
Translation = Callable[..., Made]
_TRANSLATIONS: dict[str, Translation] = {}


def _translates(*ops: str) -> Callable[[Translation], Translation]:
    """Enter a function under the operations that it translates."""

    def enter(translation: Translation) -> Translation:
        _TRANSLATIONS.update(dict.fromkeys(ops, translation))
        return translation

    return enter


#: Operations of one result that ONNX has with the same meaning.
_SAME = {
    "Abs": "Abs",
    "Add": "Add",
    "AddN": "Sum",
    "AddV2": "Add",
    "BroadcastTo": "Expand",
    "Ceil": "Ceil",
    "Cos": "Cos",
    "Div": "Div",
    "Elu": "Elu",
    "Equal": "Equal",
    "Erf": "Erf",
    "Exp": "Exp",
    "Floor": "Floor",
    "Greater": "Greater",
    "GreaterEqual": "GreaterOrEqual",
    "Less": "Less",
    "LessEqual": "LessOrEqual",
    "Log": "Log",
    "LogicalAnd": "And",
    "LogicalNot": "Not",
    "LogicalOr": "Or",
    "Maximum": "Max",
    "Minimum": "Min",
    "Mul": "Mul",
    "Neg": "Neg",
    "Pow": "Pow",
    "Range": "Range",
    "RealDiv": "Div",
    "Reciprocal": "Reciprocal",
    "Relu": "Relu",
    "Reshape": "Reshape",
    "Rint": "Round",
    "Round": "Round",
    "SelectV2": "Where",
    "Selu": "Selu",
    "Sigmoid": "Sigmoid",
    "Shape": "Shape",
    "Sign": "Sign",
    "Sin": "Sin",
    "Size": "Size",
    "Softplus": "Softplus",
    "Softsign": "Softsign",
    "Sqrt": "Sqrt",
    "Sub": "Sub",
    "Tanh": "Tanh",
    "Tile": "Tile",
}


@_translates(*_SAME)
def _same(writer: Writer, operation: Operation, *inputs: str) -> Made:
    return writer.add(_SAME[operation.op], *inputs)


@_translates("Identity", "IdentityN", "StopGradient", "Snapshot", "PreventGradient", "PlaceholderWithDefault")
def _identity(_: Writer, __: Operation, *inputs: str) -> Made:
    return inputs


@_translates("Const")
def _constant(writer: Writer, operation: Operation) -> Made:
    return writer.constant(_decode_tensor(operation.attributes["value"].tensor, operation.name))


@_translates("Rsqrt")
def _rsqrt(writer: Writer, _: Operation, *inputs: str) -> Made:
    return writer.add("Reciprocal", writer.add("Sqrt", *inputs))


@_translates("Square")
def _square(writer: Writer, _: Operation, *inputs: str) -> Made:
    return writer.add("Mul", inputs[0], inputs[0])


@_translates("SquaredDifference")
def _squared_difference(writer: Writer, _: Operation, *inputs: str) -> Made:
    difference = writer.add("Sub", *inputs)
    return writer.add("Mul", difference, difference)


@_translates("Log1p")
def _log1p(writer: Writer, _: Operation, data: str) -> Made:
    return writer.add("Log", writer.add("Add", data, writer.constant(np.float32(1))))


@_translates("Rank")
def _rank(writer: Writer, _: Operation, data: str) -> Made:
    return writer.add("Size", writer.add("Shape", data))


@_translates("ZerosLike", "OnesLike")
def _filled_like(writer: Writer, operation: Operation, data: str) -> Made:
    value = np.array(operation.op == "OnesLike", _NUMPY_TYPES[operation.attributes["T"].type][0])
    return writer.add("Expand", writer.constant(value), writer.add("Shape", data))


@_translates("ClipByValue")
def _clip_by_value(writer: Writer, _: Operation, data: str, least: str, most: str) -> Made:
    return writer.add("Max", writer.add("Min", data, most), least)


@_translates("DivNoNan")
def _div_no_nan(writer: Writer, _: Operation, data: str, divisor: str) -> Made:
    zero = writer.constant(np.float32(0))
    return writer.add("Where", writer.add("Equal", divisor, zero), zero, writer.add("Div", data, divisor))


@_translates("Relu6")
def _relu6(writer: Writer, _: Operation, *inputs: str) -> Made:
    return writer.add("Clip", *inputs, writer.constant(np.float32(0)), writer.constant(np.float32(6)))


@_translates("LeakyRelu")
def _leaky_relu(writer: Writer, operation: Operation, *inputs: str) -> Made:
    return writer.add("LeakyRelu", *inputs, alpha=_number(operation, "alpha", 0.2))


@_translates("Softmax", "LogSoftmax")
def _softmax(writer: Writer, operation: Operation, *inputs: str) -> Made:
    return writer.add(operation.op, *inputs, axis=-1)


@_translates("FloorDiv")
def _floor_div(writer: Writer, operation: Operation, *inputs: str) -> Made:
    if _is_float(operation):
        return writer.add("Floor", writer.add("Div", *inputs))
    return writer.add("Div", writer.add("Sub", inputs[0], writer.add("Mod", *inputs)), inputs[1])


@_translates("FloorMod")
def _floor_mod(writer: Writer, operation: Operation, *inputs: str) -> Made:
    if not _is_float(operation):
        return writer.add("Mod", *inputs)
    whole = writer.add("Floor", writer.add("Div", *inputs))
    return writer.add("Sub", inputs[0], writer.add("Mul", whole, inputs[1]))


@_translates("Cast")
def _cast(writer: Writer, operation: Operation, *inputs: str) -> Made:
    return writer.add("Cast", *inputs, to=_element_type(operation, "DstT"))


# Layers.


@_translates("BiasAdd")
def _bias_add(writer: Writer, operation: Operation, data: str, bias: str) -> Made:
    return writer.add("Add", data, _per_channel(writer, operation, bias))


@_translates("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
def _batch_norm(writer: Writer, operation: Operation, *inputs: str) -> Made:
    if _flag(operation, "is_training", default=True):
        raise GraphError(f"{_REFUSED}: {operation.name!r} normalises by what a batch holds, as in training.")
    data, scale, offset, mean, variance = inputs
    epsilon = writer.constant(np.float32(_number(operation, "epsilon", 1e-4)))
    deviation = writer.add("Sqrt", writer.add("Add", variance, epsilon))
    factor = writer.add("Div", scale, deviation)
    summand = writer.add("Sub", offset, writer.add("Mul", mean, factor))
    scaled = writer.add("Mul", data, _per_channel(writer, operation, factor))
    return writer.add("Add", scaled, _per_channel(writer, operation, summand))


@_translates("Conv2D")
def _convolution(writer: Writer, operation: Operation, data: str, kernel: str) -> Made:
    kernel = writer.add("Transpose", kernel, perm=(3, 2, 0, 1))
    sides = writer.value(kernel).shape[2:]
    strides, dilations = _sides(operation, "strides"), _sides(operation, "dilations")
    options = _padding(operation, sides, strides, dilations)
    made = writer.add(
        "Conv", _channels_first(writer, operation, data), kernel, strides=strides, dilations=dilations, **options
    )
    return _channels_back(writer, operation, made)


@_translates("DepthwiseConv2dNative")
def _depthwise_convolution(writer: Writer, operation: Operation, data: str, kernel: str) -> Made:
    height, width, channels, multiplier = writer.value(kernel).shape
    turned = writer.add("Transpose", kernel, perm=(2, 3, 0, 1))
    shape = writer.constant([channels * multiplier, 1, height, width])
    strides, dilations = _sides(operation, "strides"), _sides(operation, "dilations")
    made = writer.add(
        "Conv",
        _channels_first(writer, operation, data),
        writer.add("Reshape", turned, shape),
        group=channels,
        strides=strides,
        dilations=dilations,
        **_padding(operation, (height, width), strides, dilations),
    )
    return _channels_back(writer, operation, made)


@_translates("Conv2DBackpropInput")
def _transposed_convolution(writer: Writer, operation: Operation, shape: str, kernel: str, data: str) -> Made:
    kernel = writer.add("Transpose", kernel, perm=(3, 2, 0, 1))
    sides, strides = writer.value(kernel).shape[2:], _sides(operation, "strides")
    beyond = [side - stride for side, stride in zip(sides, strides, strict=True)]
    padding = _text(operation, "padding", "")
    if _sides(operation, "dilations") != (1, 1) or padding not in ("SAME", "VALID") or min(beyond) < 0:
        raise GraphError(f"{_REFUSED}: the kernel or padding of {operation.name!r} is not known.")
    # The kernel reaches further than what is asked for as shape of the result, which is cut out.
    pads = (*(n // 2 if padding == "SAME" else 0 for n in beyond), 0, 0)
    first = _channels_first(writer, operation, data)
    made = _channels_back(writer, operation, writer.add("ConvTranspose", first, kernel, strides=strides, pads=pads))
    axes = writer.constant((1, 2) if _channels_last(operation) else (2, 3))
    return writer.add("Slice", made, writer.constant((0, 0)), writer.add("Gather", shape, axes), axes)


@_translates("SpaceToBatchND")
def _space_to_batch(writer: Writer, _: Operation, data: str, block: str, paddings: str) -> Made:
    height, width = writer.integers(block)
    axes = writer.constant([1, 2])
    padded = writer.add("Pad", data, _pads(writer, paddings), writer.constant(np.float32(0)), axes)
    shape = _parts_of_shape(writer, padded)
    count = [writer.add("Div", shape[axis], writer.constant([n])) for axis, n in ((1, height), (2, width))]
    split = [shape[0], count[0], writer.constant([height]), count[1], writer.constant([width]), shape[3]]
    parts = writer.add("Reshape", padded, writer.add("Concat", *split, axis=0))
    turned = writer.add("Transpose", parts, perm=(2, 4, 0, 1, 3, 5))
    return writer.add("Reshape", turned, writer.add("Concat", writer.constant([-1]), *count, shape[3], axis=0))


@_translates("BatchToSpaceND")
def _batch_to_space(writer: Writer, _: Operation, data: str, block: str, crops: str) -> Made:
    height, width = writer.integers(block)
    shape = _parts_of_shape(writer, data)
    split = [writer.constant([height, width, -1]), *shape[1:]]
    parts = writer.add(
        "Transpose", writer.add("Reshape", data, writer.add("Concat", *split, axis=0)), perm=(2, 3, 0, 4, 1, 5)
    )
    whole = [writer.add("Mul", shape[axis], writer.constant([n])) for axis, n in ((1, height), (2, width))]
    joined = writer.add("Reshape", parts, writer.add("Concat", writer.constant([-1]), *whole, shape[3], axis=0))
    begin, end = (writer.add("Gather", crops, writer.constant(side), axis=1) for side in (0, 1))
    last = writer.add("Sub", writer.add("Concat", *whole, axis=0), end)
    return writer.add("Slice", joined, begin, last, writer.constant([1, 2]))


def _parts_of_shape(writer: Writer, data: str) -> list[str]:
    """Return the lengths of a tensor's four axes, each ``[1]``."""
    shape = writer.add("Shape", data)
    return [writer.add("Gather", shape, writer.constant([axis])) for axis in range(4)]


@_translates("MaxPool", "AvgPool")
def _pool(writer: Writer, operation: Operation, *inputs: str) -> Made:
    sides, strides = _sides(operation, "ksize"), _sides(operation, "strides")
    op = {"MaxPool": "MaxPool", "AvgPool": "AveragePool"}[operation.op]
    options = _padding(operation, sides, strides, (1, 1))
    made = writer.add(op, _channels_first(writer, operation, inputs[0]), kernel_shape=sides, strides=strides, **options)
    return _channels_back(writer, operation, made)


@_translates("MatMul")
def _mat_mul(writer: Writer, operation: Operation, *inputs: str) -> Made:
    flags = ("transpose_a", "transpose_b")
    sides = [
        writer.add("Transpose", name, perm=(1, 0)) if _flag(operation, flag) else name
        for name, flag in zip(inputs, flags, strict=True)
    ]
    return writer.add("MatMul", *sides)


@_translates("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3")
def _batch_mat_mul(writer: Writer, operation: Operation, *inputs: str) -> Made:
    sides = [
        writer.add("Einsum", name, equation="...ij->...ji") if _flag(operation, flag) else name
        for name, flag in zip(inputs, ("adj_x", "adj_y"), strict=True)
    ]
    return writer.add("MatMul", *sides)


@_translates("Einsum")
def _einsum(writer: Writer, operation: Operation, *inputs: str) -> Made:
    return writer.add("Einsum", *inputs, equation=operation.attributes["equation"].s.decode())


_REDUCTIONS = {"Max": "ReduceMax", "Min": "ReduceMin", "Mean": "ReduceMean", "Sum": "ReduceSum", "Prod": "ReduceProd"}


@_translates(*_REDUCTIONS)
def _reduction(writer: Writer, operation: Operation, data: str, axes: str) -> Made:
    numbers = writer.constant(np.array(writer.integers(axes), np.int64))
    # No axes are none in TensorFlow, and all in ONNX unless it is told.
    options = {"keepdims": int(_flag(operation, "keep_dims")), "noop_with_empty_axes": 1}
    return writer.add(_REDUCTIONS[operation.op], data, numbers, **options)


@_translates("ArgMax", "ArgMin")
def _arg(writer: Writer, operation: Operation, *inputs: str) -> Made:
    (axis,) = writer.integers(inputs[1])
    return writer.add(operation.op, inputs[0], axis=axis, keepdims=0)


# Shapes and axes.


@_translates("ExpandDims")
def _expand_dims(writer: Writer, _: Operation, *inputs: str) -> Made:
    return writer.add("Unsqueeze", inputs[0], writer.constant(np.array(writer.integers(inputs[1]), np.int64)))


@_translates("Squeeze")
def _squeeze(writer: Writer, operation: Operation, *inputs: str) -> Made:
    axes = _integers(operation, "squeeze_dims")
    return writer.add("Squeeze", *inputs, *([writer.constant(axes)] if axes else []))


@_translates("Transpose")
def _transpose(writer: Writer, _: Operation, *inputs: str) -> Made:
    return writer.add("Transpose", inputs[0], perm=writer.integers(inputs[1]))


@_translates("ConcatV2")
def _concat(writer: Writer, _: Operation, *inputs: str) -> Made:
    *parts, axis = inputs
    return writer.add("Concat", *parts, axis=writer.integers(axis)[0])


@_translates("Pack")
def _pack(writer: Writer, operation: Operation, *inputs: str) -> Made:
    axis = _integer(operation, "axis", 0)
    place = writer.constant([axis])
    return writer.add("Concat", *(writer.add("Unsqueeze", name, place) for name in inputs), axis=axis)


@_translates("Unpack")
def _unpack(writer: Writer, operation: Operation, *inputs: str) -> Made:
    axis, number = _integer(operation, "axis", 0), _integer(operation, "num", 1)
    parts = writer.add_many("Split", number, *inputs, axis=axis, num_outputs=number)
    place = writer.constant([axis])
    return [writer.add("Squeeze", part, place) for part in parts]


@_translates("Split")
def _split(writer: Writer, operation: Operation, axis: str, data: str) -> Made:
    number = _integer(operation, "num_split", 1)
    if number == 1:  # as converters leave it
        return data
    return writer.add_many("Split", number, data, axis=writer.integers(axis)[0], num_outputs=number)


@_translates("SplitV")
def _split_v(writer: Writer, operation: Operation, data: str, sizes: str, axis: str) -> Made:
    lengths = writer.integers(sizes)
    if -1 in lengths:
        raise GraphError(f"{_REFUSED}: {operation.name!r} leaves the length of a part open.")
    return writer.add_many("Split", len(lengths), data, sizes, axis=writer.integers(axis)[0])


@_translates("Pad", "PadV2")
def _pad(writer: Writer, _: Operation, data: str, paddings: str, *value: str) -> Made:
    return writer.add("Pad", data, _pads(writer, paddings), *value)


def _pads(writer: Writer, paddings: str) -> str:
    """Return padding as ONNX tells it: all beginnings, then all ends, where TensorFlow goes axis by axis."""
    return writer.add("Reshape", writer.add("Transpose", paddings, perm=(1, 0)), writer.constant([-1]))


@_translates("MirrorPad")
def _mirror_pad(writer: Writer, operation: Operation, data: str, paddings: str) -> Made:
    if _text(operation, "mode", "REFLECT") != "REFLECT":
        raise GraphError(f"{_REFUSED}: how {operation.name!r} pads is not known.")
    return writer.add("Pad", data, _pads(writer, paddings), mode="reflect")


@_translates("Cumsum")
def _cumsum(writer: Writer, operation: Operation, data: str, axis: str) -> Made:
    flags = {key: int(_flag(operation, key)) for key in ("exclusive", "reverse")}
    return writer.add("CumSum", data, axis, **flags)


@_translates("Slice")
def _slice(writer: Writer, _: Operation, data: str, begin: str, size: str) -> Made:
    end = writer.add("Add", begin, size)
    # A size of -1 means all that is left.
    is_rest = writer.add("Less", size, writer.constant(0))
    return writer.add("Slice", data, begin, writer.add("Where", is_rest, writer.constant(_FAR), end))


@_translates("StridedSlice")
def _strided_slice(writer: Writer, operation: Operation, data: str, begin: str, end: str, strides: str) -> Made:
    steps = writer.integers(strides)
    keys = ("begin", "end", "ellipsis", "new_axis", "shrink_axis")
    masks = {key: _bits(_integer(operation, f"{key}_mask", 0), len(steps)) for key in keys}
    places, new = _axes_of_slices(masks["ellipsis"], masks["new_axis"])
    kept, axes = list(places), list(places.values())
    if axes:
        steps = [steps[i] for i in kept]
        begins, ends, shrinks = ([masks[key][i] for i in kept] for key in ("begin", "end", "shrink_axis"))
        far = [_FAR if step > 0 else -_FAR for step in steps]
        near = [0 if step > 0 else _FAR for step in steps]
        first = _replaced(writer, writer.add("Gather", begin, writer.constant(kept)), begins, writer.constant(near))
        last = _replaced(writer, writer.add("Gather", end, writer.constant(kept)), ends, writer.constant(far))
        # A single place is all up to the next; behind the last one, which is -1, there is none.
        next_place = writer.add("Add", first, writer.constant(1))
        is_last = writer.add("Equal", next_place, writer.constant(0))
        next_place = writer.add("Where", is_last, writer.constant(_FAR), next_place)
        last = _replaced(writer, last, shrinks, next_place)
        data = writer.add("Slice", data, first, last, writer.constant(axes), writer.constant(steps))
        if dropped := [axis for axis, shrink in zip(axes, shrinks, strict=True) if shrink]:
            data = writer.add("Squeeze", data, writer.constant(dropped))
    return writer.add("Unsqueeze", data, writer.constant(new)) if new else data


def _axes_of_slices(ellipsis: Sequence[bool], new: Sequence[bool]) -> tuple[dict[int, int], list[int]]:
    """Return which axis each entry of a slice cuts, and where new axes stand; behind an ellipsis from the end."""
    count = len(new)
    gap = ellipsis.index(True) if True in ellipsis else count
    axes = {i: i - sum(new[:i]) for i in range(gap) if not new[i]}
    axes |= {i: i - count + sum(new[i + 1 :]) for i in range(gap + 1, count) if not new[i]}
    return axes, [i if i < gap else i - count for i in range(count) if new[i]]


def _replaced(writer: Writer, values: str, where: Sequence[bool], others: str) -> str:
    """Append the values of a tensor, at some places those of another."""
    return writer.add("Where", writer.constant(np.array(where)), others, values) if any(where) else values


def _bits(mask: int, count: int) -> list[bool]:
    return [bool(mask >> i & 1) for i in range(count)]


@_translates("GatherV2", "Gather")
def _gather(writer: Writer, operation: Operation, *inputs: str) -> Made:
    if _integer(operation, "batch_dims", 0):
        raise GraphError(f"{_REFUSED}: {operation.name!r} gathers within batches.")
    axis = writer.integers(inputs[2])[0] if len(inputs) > 2 else 0
    return writer.add("Gather", *inputs[:2], axis=axis)


@_translates("Where")
def _where(writer: Writer, _: Operation, condition: str) -> Made:
    return writer.add("Transpose", writer.add("NonZero", condition), perm=(1, 0))


@_translates("SparseToDense")
def _sparse_to_dense(writer: Writer, _: Operation, indices: str, shape: str, values: str, default: str) -> Made:
    count = writer.add("Gather", writer.add("Shape", indices), writer.constant([0]))
    return writer.add("ScatterND", writer.add("Expand", default, shape), indices, writer.add("Expand", values, count))


@_translates("Fill")
def _fill(writer: Writer, _: Operation, shape: str, value: str) -> Made:
    return writer.add("Expand", value, shape)


# Attributes. -------------------------------------------------------------------------------------------------------


def _flag(operation: Operation, key: str, *, default: bool = False) -> bool:
    return bool(operation.attributes[key].b) if key in operation.attributes else default


def _integer(operation: Operation, key: str, default: int) -> int:
    return int(operation.attributes[key].i) if key in operation.attributes else default


def _integers(operation: Operation, key: str) -> list[int]:
    return list(operation.attributes[key].list.i) if key in operation.attributes else []


def _number(operation: Operation, key: str, default: float) -> float:
    return float(operation.attributes[key].f) if key in operation.attributes else default


def _text(operation: Operation, key: str, default: str) -> str:
    return str(operation.attributes[key].s.decode()) if key in operation.attributes else default


def _is_float(operation: Operation) -> bool:
    return operation.attributes["T"].type in _FLOATS


def _element_type(operation: Operation, key: str) -> int:
    number = operation.attributes[key].type
    if number not in _ELEMENT_TYPES:
        raise GraphError(f"{_REFUSED}: the type of values, {number}, of {operation.name!r} is not known.")
    return _ELEMENT_TYPES[number]


def _channels_last(operation: Operation) -> bool:
    return _text(operation, "data_format", "NHWC") == "NHWC"


def _per_channel(writer: Writer, operation: Operation, values: str) -> str:
    """Return values of channels so that they meet the axis of channels."""
    return values if _channels_last(operation) else writer.add("Reshape", values, writer.constant([-1, 1, 1]))


def _channels_first(writer: Writer, operation: Operation, data: str) -> str:
    return writer.add("Transpose", data, perm=(0, 3, 1, 2)) if _channels_last(operation) else data


def _channels_back(writer: Writer, operation: Operation, data: str) -> str:
    return writer.add("Transpose", data, perm=(0, 2, 3, 1)) if _channels_last(operation) else data


def _sides(operation: Operation, key: str) -> tuple[int, int]:
    """Return what an attribute says of height and width."""
    values = _integers(operation, key) or [1, 1, 1, 1]
    if len(values) != 4:
        raise GraphError(f"{_REFUSED}: {operation.name!r} has {len(values)} {key}, where 4 are expected.")
    return (values[1], values[2]) if _channels_last(operation) else (values[2], values[3])


def _padding(
    operation: Operation, sides: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> dict[str, Any]:
    """Return ONNX's attributes for the padding of a convolution or pool."""
    padding = _text(operation, "padding", "")
    if padding == "VALID":
        return {"pads": (0, 0, 0, 0)}
    if padding == "EXPLICIT":
        widths = _integers(operation, "explicit_paddings")
        top, bottom, left, right = widths[2:6] if _channels_last(operation) else widths[4:8]
        return {"pads": (top, left, bottom, right)}
    if max(strides) > 1:  # depends on the length
        return {"auto_pad": "SAME_UPPER"}
    total = [(side - 1) * dilation for side, dilation in zip(sides, dilations, strict=True)]
    return {"pads": (*(n // 2 for n in total), *(n - n // 2 for n in total))}


def _decode_tensor(message: Any, name: str) -> NDArray[Any]:
    """Return the values of a ``TensorProto``, which repeats the last one where fewer stand there."""
    if message.dtype not in _NUMPY_TYPES:
        raise GraphError(f"{_REFUSED}: the type of values, {message.dtype}, of {name!r} is not known.")
    kind, values_of = _NUMPY_TYPES[message.dtype]
    shape = tuple(dim.size for dim in message.tensor_shape.dim)
    size = math.prod(shape)
    if message.tensor_content:
        values = np.frombuffer(message.tensor_content, np.dtype(kind).newbyteorder("<"))
    else:
        values = np.array(getattr(message, values_of), kind)
        values = np.pad(values, (0, size - len(values)), mode="edge") if 0 < len(values) < size else values
        values = values if len(values) else np.zeros(size, kind)
    if values.size != size:
        raise GraphError(f"The graph is damaged: {name!r} holds {values.size} values, where {size} are expected.")
    return values.reshape(shape)
