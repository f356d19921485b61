"""Layers of TensorFlow's in ONNX: convolutions, pools, normalisations and products of matrices.

ONNX knows convolutions and pools channels first alone, so that they stand between transpositions here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from embviz.errors import GraphError
from embviz.inference.inlining import Operation
from embviz.inference.onnx_writer import REFUSED, Made, Translation, Writer, translates

#: What translates each of them.
LAYERS: dict[str, Translation] = {}


@translates(LAYERS, "BiasAdd")
def _bias_add(writer: Writer, operation: Operation, data: str, bias: str) -> Made:
    return writer.add("Add", data, _per_channel(writer, operation, bias))


@translates(LAYERS, "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
def _batch_norm(writer: Writer, operation: Operation, *inputs: str) -> Made:
    if operation.flag("is_training", default=True):
        raise GraphError(f"{REFUSED}: {operation.name!r} normalises by what a batch holds, as in training.")
    data, scale, offset, mean, variance = inputs
    epsilon = writer.constant(np.float32(operation.number("epsilon", 1e-4)))
    deviation = writer.add("Sqrt", writer.add("Add", variance, epsilon))
    factor = writer.add("Div", scale, deviation)
    summand = writer.add("Sub", offset, writer.add("Mul", mean, factor))
    scaled = writer.add("Mul", data, _per_channel(writer, operation, factor))
    return writer.add("Add", scaled, _per_channel(writer, operation, summand))


@translates(LAYERS, "Conv2D")
def _convolution(writer: Writer, operation: Operation, data: str, kernel: str) -> Made:
    kernel = writer.add("Transpose", kernel, perm=(3, 2, 0, 1))
    sides = writer.value(kernel).shape[2:]
    strides, dilations = _sides(operation, "strides"), _sides(operation, "dilations")
    options = _padding(operation, sides, strides, dilations)
    made = writer.add(
        "Conv", _channels_first(writer, operation, data), kernel, strides=strides, dilations=dilations, **options
    )
    return _channels_back(writer, operation, made)


@translates(LAYERS, "DepthwiseConv2dNative")
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


@translates(LAYERS, "Conv2DBackpropInput")
def _transposed_convolution(writer: Writer, operation: Operation, shape: str, kernel: str, data: str) -> Made:
    kernel = writer.add("Transpose", kernel, perm=(3, 2, 0, 1))
    sides, strides = writer.value(kernel).shape[2:], _sides(operation, "strides")
    beyond = [side - stride for side, stride in zip(sides, strides, strict=True)]
    padding = operation.text("padding", "")
    if _sides(operation, "dilations") != (1, 1) or padding not in ("SAME", "VALID") or min(beyond) < 0:
        raise GraphError(f"{REFUSED}: the kernel or padding of {operation.name!r} is not known.")
    # The kernel reaches further than what is asked for as shape of the result, which is cut out.
    pads = (*(n // 2 if padding == "SAME" else 0 for n in beyond), 0, 0)
    first = _channels_first(writer, operation, data)
    made = _channels_back(writer, operation, writer.add("ConvTranspose", first, kernel, strides=strides, pads=pads))
    axes = writer.constant((1, 2) if _channels_last(operation) else (2, 3))
    return writer.add("Slice", made, writer.constant((0, 0)), writer.add("Gather", shape, axes), axes)


@translates(LAYERS, "SpaceToBatchND")
def _space_to_batch(writer: Writer, _: Operation, data: str, block: str, paddings: str) -> Made:
    height, width = writer.integers(block)
    axes = writer.constant([1, 2])
    padded = writer.add("Pad", data, writer.pads(paddings), writer.constant(np.float32(0)), axes)
    shape = _parts_of_shape(writer, padded)
    count = [writer.add("Div", shape[axis], writer.constant([n])) for axis, n in ((1, height), (2, width))]
    split = [shape[0], count[0], writer.constant([height]), count[1], writer.constant([width]), shape[3]]
    parts = writer.add("Reshape", padded, writer.add("Concat", *split, axis=0))
    turned = writer.add("Transpose", parts, perm=(2, 4, 0, 1, 3, 5))
    return writer.add("Reshape", turned, writer.add("Concat", writer.constant([-1]), *count, shape[3], axis=0))


@translates(LAYERS, "BatchToSpaceND")
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


@translates(LAYERS, "MaxPool", "AvgPool")
def _pool(writer: Writer, operation: Operation, *inputs: str) -> Made:
    sides, strides = _sides(operation, "ksize"), _sides(operation, "strides")
    op = {"MaxPool": "MaxPool", "AvgPool": "AveragePool"}[operation.op]
    options = _padding(operation, sides, strides, (1, 1))
    made = writer.add(op, _channels_first(writer, operation, inputs[0]), kernel_shape=sides, strides=strides, **options)
    return _channels_back(writer, operation, made)


@translates(LAYERS, "MatMul")
def _mat_mul(writer: Writer, operation: Operation, *inputs: str) -> Made:
    flags = ("transpose_a", "transpose_b")
    sides = [
        writer.add("Transpose", name, perm=(1, 0)) if operation.flag(flag) else name
        for name, flag in zip(inputs, flags, strict=True)
    ]
    return writer.add("MatMul", *sides)


@translates(LAYERS, "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3")
def _batch_mat_mul(writer: Writer, operation: Operation, *inputs: str) -> Made:
    sides = [
        writer.add("Einsum", name, equation="...ij->...ji") if operation.flag(flag) else name
        for name, flag in zip(inputs, ("adj_x", "adj_y"), strict=True)
    ]
    return writer.add("MatMul", *sides)


@translates(LAYERS, "Einsum")
def _einsum(writer: Writer, operation: Operation, *inputs: str) -> Made:
    return writer.add("Einsum", *inputs, equation=operation.attributes["equation"].s.decode())


def _channels_last(operation: Operation) -> bool:
    return operation.text("data_format", "NHWC") == "NHWC"


def _per_channel(writer: Writer, operation: Operation, values: str) -> str:
    """Return values of channels so that they meet the axis of channels."""
    return values if _channels_last(operation) else writer.add("Reshape", values, writer.constant([-1, 1, 1]))


def _channels_first(writer: Writer, operation: Operation, data: str) -> str:
    return writer.add("Transpose", data, perm=(0, 3, 1, 2)) if _channels_last(operation) else data


def _channels_back(writer: Writer, operation: Operation, data: str) -> str:
    return writer.add("Transpose", data, perm=(0, 2, 3, 1)) if _channels_last(operation) else data


def _sides(operation: Operation, key: str) -> tuple[int, int]:
    """Return what an attribute says of height and width."""
    values = operation.integers(key) or [1, 1, 1, 1]
    if len(values) != 4:
        raise GraphError(f"{REFUSED}: {operation.name!r} has {len(values)} {key}, where 4 are expected.")
    return (values[1], values[2]) if _channels_last(operation) else (values[2], values[3])


def _padding(
    operation: Operation, sides: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> dict[str, Any]:
    """Return ONNX's attributes for the padding of a convolution or pool."""
    padding = operation.text("padding", "")
    if padding == "VALID":
        return {"pads": (0, 0, 0, 0)}
    if padding == "EXPLICIT":
        widths = operation.integers("explicit_paddings")
        top, bottom, left, right = widths[2:6] if _channels_last(operation) else widths[4:8]
        return {"pads": (top, left, bottom, right)}
    if max(strides) > 1:  # depends on the length
        return {"auto_pad": "SAME_UPPER"}
    total = [(side - 1) * dilation for side, dilation in zip(sides, dilations, strict=True)]
    return {"pads": (*(n // 2 for n in total), *(n - n // 2 for n in total))}
