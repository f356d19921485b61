"""Build nodes of TensorFlow graphs (``GraphDef`` messages) without TensorFlow.

Attributes are written as keywords: ``bool``, ``int``, ``float``, ``str`` and lists of ``int`` speak for themselves;
attributes that hold an element type are named ``T...`` or ``dtype`` in TensorFlow's operations, and take its number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tensorboard.compat.proto.attr_value_pb2 import AttrValue
from tensorboard.compat.proto.node_def_pb2 import NodeDef

from embviz.models.convert.checkpoint import DTYPES

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tensorboard.compat.proto.graph_pb2 import GraphDef


FLOAT, INT32 = 1, 3

_TYPE_NUMBERS = {dtype: number for number, dtype in DTYPES.items()}

Attribute = bool | int | float | str | Sequence[int]


def make(name: str, op: str, inputs: Sequence[str] = (), **attributes: Attribute) -> NodeDef:
    """Return one node."""
    node = NodeDef(name=name, op=op, input=inputs)
    for key, value in attributes.items():
        node.attr[key].CopyFrom(_attribute(key, value))
    return node


def constant(name: str, values: NDArray[Any]) -> NodeDef:
    """Return a ``Const`` node that holds `values`."""
    stored = values.dtype.newbyteorder("<")
    number = _TYPE_NUMBERS[stored]
    node = make(name, "Const", dtype=number)
    tensor = node.attr["value"].tensor
    tensor.dtype = number
    for size in values.shape:
        tensor.tensor_shape.dim.add(size=size)
    tensor.tensor_content = values.astype(stored, copy=False).tobytes()
    return node


def serialise(graph: GraphDef) -> bytes:
    """Return the bytes of `graph`; equal graphs give equal bytes."""
    data: bytes = graph.SerializeToString(deterministic=True)
    return data


def _attribute(key: str, value: Attribute) -> AttrValue:
    if key == "dtype" or key.startswith("T"):
        return AttrValue(type=value)
    if isinstance(value, bool):
        return AttrValue(b=value)
    if isinstance(value, int):
        return AttrValue(i=value)
    if isinstance(value, float):
        return AttrValue(f=value)
    if isinstance(value, str):
        return AttrValue(s=value.encode())
    return AttrValue(list=AttrValue.ListValue(i=value))
