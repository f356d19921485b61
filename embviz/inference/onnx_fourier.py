"""Fourier transforms and complex numbers in ONNX, which has no complex tensors: two real ones stand for one.

A transform of ``a · b`` samples is two rounds of products with small matrices, and rotations in between (Cooley and
Tukey, Mathematics of Computation 19, 1965): sample ``b · i + j`` and coefficient ``k + a · l``. ONNX Runtime computes
that sooner than its own transform, and closer to double precision than TensorFlow does its transform.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from embviz.inference.inlining import Operation
from embviz.inference.onnx_operations import OPERATIONS
from embviz.inference.onnx_writer import Made, Translation, Writer, translates

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: What translates operations that take or give complex numbers.
COMPLEX: dict[str, Translation] = {}


@translates(COMPLEX, "RFFT")
def _real_transform(writer: Writer, _: Operation, signal: str, length: str) -> Made:
    (size,) = writer.integers(length)
    a, b = _factors(size)
    half = b // 2 + 1  # columns that hold the coefficients up to the middle
    rows = writer.add("Reshape", signal, _shape_with(writer, signal, a, b))
    inner, outer = _waves(a, a, a), _waves(b, half, b)
    real, imaginary = (writer.add("MatMul", writer.constant(part), rows) for part in (inner.real, inner.imag))
    real, imaginary = _rotate(writer, real, imaginary, _waves(a, b, size))
    both = writer.add("Concat", real, imaginary, axis=-1)
    made = []
    for part in (np.vstack([outer.real, -outer.imag]), np.vstack([outer.imag, outer.real])):
        grid = _turn(writer, writer.add("MatMul", both, writer.constant(part)))  # […, l, k]
        line = writer.add("Reshape", grid, _shape_with(writer, signal, a * half))
        bounds = (writer.constant([place]) for place in (0, size // 2 + 1, -1))
        made.append(writer.add("Slice", line, *bounds))
    return writer.join_complex(*made)


@translates(COMPLEX, "IRFFT")
def _inverse_transform(writer: Writer, _: Operation, spectrum: str, length: str) -> Made:
    (size,) = writer.integers(length)
    a, b = _factors(size)
    half, count = b // 2 + 1, size // 2 + 1
    # Each coefficient stands for its conjugate, too, but for the first and, of an even number, the last.
    weights = np.full(count, 2 / size)
    weights[0] = 1 / size
    weights[-1] = (2 - (size % 2 == 0)) / size
    columns = []
    for part in (spectrum, writer.imaginary[spectrum]):
        scaled = writer.add("Mul", part, writer.constant(weights.astype(np.float32)))
        line = writer.add("Pad", scaled, writer.constant([0, a * half - count]), _zero(writer), writer.constant([-1]))
        columns.append(_turn(writer, writer.add("Reshape", line, _shape_with(writer, spectrum, half, a))))
    both = writer.add("Concat", *columns, axis=-1)  # […, k, l]
    outer, inner = _waves(half, b, b).conj(), _waves(a, a, a).conj()
    matrices = np.vstack([outer.real, -outer.imag]), np.vstack([outer.imag, outer.real])
    real, imaginary = (writer.add("MatMul", both, writer.constant(matrix)) for matrix in matrices)
    real, imaginary = _rotate(writer, real, imaginary, _waves(a, b, size).conj())
    made = writer.add("MatMul", writer.constant(inner.real), real)
    made = writer.add("Sub", made, writer.add("MatMul", writer.constant(inner.imag), imaginary))
    return writer.add("Reshape", made, _shape_with(writer, spectrum, size))


@translates(COMPLEX, "ComplexAbs")
def _absolute(writer: Writer, _: Operation, number: str) -> Made:
    squares = [writer.add("Mul", part, part) for part in (number, writer.imaginary[number])]
    return writer.add("Sqrt", writer.add("Add", *squares))


@translates(COMPLEX, "Cast")
def _as_complex(writer: Writer, _: Operation, number: str) -> Made:
    return writer.join_complex(writer.add("Identity", number), writer.add("Mul", number, _zero(writer)))


@translates(COMPLEX, "Mul")
def _product(writer: Writer, _: Operation, one: str, other: str) -> Made:
    (a, b), (c, d) = ((name, writer.imaginary[name]) for name in (one, other))
    real = writer.add("Sub", writer.add("Mul", a, c), writer.add("Mul", b, d))
    return writer.join_complex(real, writer.add("Add", writer.add("Mul", a, d), writer.add("Mul", b, c)))


def _rearrange(translation: Translation, writer: Writer, operation: Operation, *inputs: str) -> Made:
    """Append what moves values about, once for each part of the numbers."""
    real, imaginary = (
        translation(writer, operation, *parts) for parts in (inputs, [writer.imaginary.get(n, n) for n in inputs])
    )
    return writer.join_complex(str(real), str(imaginary))


_REARRANGING = ("ConcatV2", "ExpandDims", "GatherV2", "Pad", "Reshape", "Slice", "Squeeze", "StridedSlice", "Transpose")
COMPLEX.update({op: partial(_rearrange, OPERATIONS[op]) for op in _REARRANGING})
COMPLEX.update({op: OPERATIONS[op] for op in ("Identity", "Rank", "Shape", "Size")})


def _factors(size: int) -> tuple[int, int]:
    """Return two factors of a size that are about as large as each other."""
    a = next(n for n in range(math.isqrt(size), 0, -1) if size % n == 0)
    return a, size // a


def _waves(rows: int, columns: int, period: int) -> NDArray[np.complex64]:
    """Return ``exp(-2πi · row · column / period)``."""
    turns = np.outer(np.arange(rows), np.arange(columns)) % period / period
    waves: NDArray[np.complex64] = np.exp(-2j * np.pi * turns).astype(np.complex64)
    return waves


def _rotate(writer: Writer, real: str, imaginary: str, by: NDArray[np.complex64]) -> tuple[str, str]:
    """Append the product with constant complex numbers."""
    a, b = (writer.constant(np.ascontiguousarray(part)) for part in (by.real, by.imag))
    first = writer.add("Sub", writer.add("Mul", real, a), writer.add("Mul", imaginary, b))
    return first, writer.add("Add", writer.add("Mul", real, b), writer.add("Mul", imaginary, a))


def _turn(writer: Writer, data: str) -> str:
    """Append a tensor with its last two axes exchanged."""
    return writer.add("Einsum", data, equation="...ij->...ji")


def _shape_with(writer: Writer, data: str, *last: int) -> str:
    """Append a tensor's shape with other lengths in place of the last."""
    shape = writer.add("Shape", data)
    return writer.add(
        "Concat", writer.add("Slice", shape, *map(writer.constant, ([0], [-1]))), writer.constant(last), axis=0
    )


def _zero(writer: Writer) -> str:
    return writer.constant(np.float32(0))
