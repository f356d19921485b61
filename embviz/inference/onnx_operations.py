"""Operations of TensorFlow's in ONNX: those on single values, on axes and on shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.errors import GraphError
from embviz.inference.inlining import Operation
from embviz.inference.onnx_writer import REFUSED, Made, Translation, Writer, translates

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: What translates each of them.
OPERATIONS: dict[str, Translation] = {}

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


@translates(OPERATIONS, *_SAME)
def _same(writer: Writer, operation: Operation, *inputs: str) -> Made:
    return writer.add(_SAME[operation.op], *inputs)


@translates(
    OPERATIONS, "Identity", "IdentityN", "StopGradient", "Snapshot", "PreventGradient", "PlaceholderWithDefault"
)
def _identity(_: Writer, __: Operation, *inputs: str) -> Made:
    return inputs


@translates(OPERATIONS, "Const")
def _constant(writer: Writer, operation: Operation) -> Made:
    return writer.constant(decode_tensor(operation.attributes["value"].tensor, operation.name))


@translates(OPERATIONS, "Rsqrt")
def _rsqrt(writer: Writer, _: Operation, *inputs: str) -> Made:
    return writer.add("Reciprocal", writer.add("Sqrt", *inputs))


@translates(OPERATIONS, "Square")
def _square(writer: Writer, _: Operation, *inputs: str) -> Made:
    return writer.add("Mul", inputs[0], inputs[0])


@translates(OPERATIONS, "SquaredDifference")
def _squared_difference(writer: Writer, _: Operation, *inputs: str) -> Made:
    difference = writer.add("Sub", *inputs)
    return writer.add("Mul", difference, difference)


@translates(OPERATIONS, "Log1p")
def _log1p(writer: Writer, _: Operation, data: str) -> Made:
    return writer.add("Log", writer.add("Add", data, writer.constant(np.float32(1))))


@translates(OPERATIONS, "Rank")
def _rank(writer: Writer, _: Operation, data: str) -> Made:
    return writer.add("Size", writer.add("Shape", data))


@translates(OPERATIONS, "ZerosLike", "OnesLike")
def _filled_like(writer: Writer, operation: Operation, data: str) -> Made:
    value = np.array(operation.op == "OnesLike", _NUMPY_TYPES[operation.attributes["T"].type][0])
    return writer.add("Expand", writer.constant(value), writer.add("Shape", data))


@translates(OPERATIONS, "ClipByValue")
def _clip_by_value(writer: Writer, _: Operation, data: str, least: str, most: str) -> Made:
    return writer.add("Max", writer.add("Min", data, most), least)


@translates(OPERATIONS, "DivNoNan")
def _div_no_nan(writer: Writer, _: Operation, data: str, divisor: str) -> Made:
    zero = writer.constant(np.float32(0))
    return writer.add("Where", writer.add("Equal", divisor, zero), zero, writer.add("Div", data, divisor))


@translates(OPERATIONS, "Relu6")
def _relu6(writer: Writer, _: Operation, *inputs: str) -> Made:
    return writer.add("Clip", *inputs, writer.constant(np.float32(0)), writer.constant(np.float32(6)))


@translates(OPERATIONS, "LeakyRelu")
def _leaky_relu(writer: Writer, operation: Operation, *inputs: str) -> Made:
    return writer.add("LeakyRelu", *inputs, alpha=operation.number("alpha", 0.2))


@translates(OPERATIONS, "Softmax", "LogSoftmax")
def _softmax(writer: Writer, operation: Operation, *inputs: str) -> Made:
    return writer.add(operation.op, *inputs, axis=-1)


@translates(OPERATIONS, "FloorDiv")
def _floor_div(writer: Writer, operation: Operation, *inputs: str) -> Made:
    if _is_float(operation):
        return writer.add("Floor", writer.add("Div", *inputs))
    return writer.add("Div", writer.add("Sub", inputs[0], writer.add("Mod", *inputs)), inputs[1])


@translates(OPERATIONS, "FloorMod")
def _floor_mod(writer: Writer, operation: Operation, *inputs: str) -> Made:
    if not _is_float(operation):
        return writer.add("Mod", *inputs)
    whole = writer.add("Floor", writer.add("Div", *inputs))
    return writer.add("Sub", inputs[0], writer.add("Mul", whole, inputs[1]))


@translates(OPERATIONS, "Cast")
def _cast(writer: Writer, operation: Operation, *inputs: str) -> Made:
    return writer.add("Cast", *inputs, to=_element_type(operation, "DstT"))


_REDUCTIONS = {"Max": "ReduceMax", "Min": "ReduceMin", "Mean": "ReduceMean", "Sum": "ReduceSum", "Prod": "ReduceProd"}


@translates(OPERATIONS, *_REDUCTIONS)
def _reduction(writer: Writer, operation: Operation, data: str, axes: str) -> Made:
    numbers = writer.constant(np.array(writer.integers(axes), np.int64))
    # No axes are none in TensorFlow, and all in ONNX unless it is told.
    options = {"keepdims": int(operation.flag("keep_dims")), "noop_with_empty_axes": 1}
    return writer.add(_REDUCTIONS[operation.op], data, numbers, **options)


@translates(OPERATIONS, "ArgMax", "ArgMin")
def _arg(writer: Writer, operation: Operation, *inputs: str) -> Made:
    (axis,) = writer.integers(inputs[1])
    return writer.add(operation.op, inputs[0], axis=axis, keepdims=0)


@translates(OPERATIONS, "ExpandDims")
def _expand_dims(writer: Writer, _: Operation, *inputs: str) -> Made:
    return writer.add("Unsqueeze", inputs[0], writer.constant(np.array(writer.integers(inputs[1]), np.int64)))


@translates(OPERATIONS, "Squeeze")
def _squeeze(writer: Writer, operation: Operation, *inputs: str) -> Made:
    axes = operation.integers("squeeze_dims")
    return writer.add("Squeeze", *inputs, *([writer.constant(axes)] if axes else []))


@translates(OPERATIONS, "Transpose")
def _transpose(writer: Writer, _: Operation, *inputs: str) -> Made:
    return writer.add("Transpose", inputs[0], perm=writer.integers(inputs[1]))


@translates(OPERATIONS, "ConcatV2")
def _concat(writer: Writer, _: Operation, *inputs: str) -> Made:
    *parts, axis = inputs
    return writer.add("Concat", *parts, axis=writer.integers(axis)[0])


@translates(OPERATIONS, "Pack")
def _pack(writer: Writer, operation: Operation, *inputs: str) -> Made:
    axis = operation.integer("axis", 0)
    place = writer.constant([axis])
    return writer.add("Concat", *(writer.add("Unsqueeze", name, place) for name in inputs), axis=axis)


@translates(OPERATIONS, "Unpack")
def _unpack(writer: Writer, operation: Operation, *inputs: str) -> Made:
    axis, number = operation.integer("axis", 0), operation.integer("num", 1)
    parts = writer.add_many("Split", number, *inputs, axis=axis, num_outputs=number)
    place = writer.constant([axis])
    return [writer.add("Squeeze", part, place) for part in parts]


@translates(OPERATIONS, "Split")
def _split(writer: Writer, operation: Operation, axis: str, data: str) -> Made:
    number = operation.integer("num_split", 1)
    if number == 1:  # as converters leave it
        return data
    return writer.add_many("Split", number, data, axis=writer.integers(axis)[0], num_outputs=number)


@translates(OPERATIONS, "SplitV")
def _split_v(writer: Writer, operation: Operation, data: str, sizes: str, axis: str) -> Made:
    lengths = writer.integers(sizes)
    if -1 in lengths:
        raise GraphError(f"{REFUSED}: {operation.name!r} leaves the length of a part open.")
    return writer.add_many("Split", len(lengths), data, sizes, axis=writer.integers(axis)[0])


@translates(OPERATIONS, "Pad", "PadV2")
def _pad(writer: Writer, _: Operation, data: str, paddings: str, *value: str) -> Made:
    return writer.add("Pad", data, writer.pads(paddings), *value)


@translates(OPERATIONS, "MirrorPad")
def _mirror_pad(writer: Writer, operation: Operation, data: str, paddings: str) -> Made:
    if operation.text("mode", "REFLECT") != "REFLECT":
        raise GraphError(f"{REFUSED}: how {operation.name!r} pads is not known.")
    return writer.add("Pad", data, writer.pads(paddings), mode="reflect")


@translates(OPERATIONS, "Cumsum")
def _cumsum(writer: Writer, operation: Operation, data: str, axis: str) -> Made:
    flags = {key: int(operation.flag(key)) for key in ("exclusive", "reverse")}
    return writer.add("CumSum", data, axis, **flags)


@translates(OPERATIONS, "Slice")
def _slice(writer: Writer, _: Operation, data: str, begin: str, size: str) -> Made:
    end = writer.add("Add", begin, size)
    # A size of -1 means all that is left.
    is_rest = writer.add("Less", size, writer.constant(0))
    return writer.add("Slice", data, begin, writer.add("Where", is_rest, writer.constant(_FAR), end))


@translates(OPERATIONS, "StridedSlice")
def _strided_slice(writer: Writer, operation: Operation, data: str, begin: str, end: str, strides: str) -> Made:
    steps = writer.integers(strides)
    keys = ("begin", "end", "ellipsis", "new_axis", "shrink_axis")
    masks = {key: _bits(operation.integer(f"{key}_mask", 0), len(steps)) for key in keys}
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


@translates(OPERATIONS, "GatherV2", "Gather")
def _gather(writer: Writer, operation: Operation, *inputs: str) -> Made:
    if operation.integer("batch_dims", 0):
        raise GraphError(f"{REFUSED}: {operation.name!r} gathers within batches.")
    axis = writer.integers(inputs[2])[0] if len(inputs) > 2 else 0
    return writer.add("Gather", *inputs[:2], axis=axis)


@translates(OPERATIONS, "Where")
def _where(writer: Writer, _: Operation, condition: str) -> Made:
    return writer.add("Transpose", writer.add("NonZero", condition), perm=(1, 0))


@translates(OPERATIONS, "SparseToDense")
def _sparse_to_dense(writer: Writer, _: Operation, indices: str, shape: str, values: str, default: str) -> Made:
    count = writer.add("Gather", writer.add("Shape", indices), writer.constant([0]))
    return writer.add("ScatterND", writer.add("Expand", default, shape), indices, writer.add("Expand", values, count))


@translates(OPERATIONS, "Fill")
def _fill(writer: Writer, _: Operation, shape: str, value: str) -> Made:
    return writer.add("Expand", value, shape)


def _is_float(operation: Operation) -> bool:
    return operation.attributes["T"].type in _FLOATS


def _element_type(operation: Operation, key: str) -> int:
    number = operation.attributes[key].type
    if number not in _ELEMENT_TYPES:
        raise GraphError(f"{REFUSED}: the type of values, {number}, of {operation.name!r} is not known.")
    return _ELEMENT_TYPES[number]


def decode_tensor(message: Any, name: str) -> NDArray[Any]:
    """Return the values of a ``TensorProto``, which repeats the last one where fewer stand there.

    GraphError where their type is not known, or they are too few or too many.
    """
    if message.dtype not in _NUMPY_TYPES:
        raise GraphError(f"{REFUSED}: the type of values, {message.dtype}, of {name!r} is not known.")
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
