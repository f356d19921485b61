"""Frozen TensorFlow graphs as ONNX models, without TensorFlow: one small function for each operation.

Conventions: the translation is literal. Tensors keep the order of their axes, so that convolutions, which ONNX knows
channels first alone, stand between transpositions; :mod:`embviz.inference.onnx_passes` removes those. All integers are
int64, ONNX's type of shapes. Semantics are those of TensorFlow's operations (tensorflow.org/api_docs/python/tf/raw_ops)
and of ONNX's (onnx.ai/onnx/operators), operation set 18.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from embviz.errors import GraphError
from embviz.inference.graph import Graph, split_tensor
from embviz.inference.inlining import Operation, Tensor, inline
from embviz.inference.onnx_fourier import COMPLEX
from embviz.inference.onnx_layers import LAYERS
from embviz.inference.onnx_operations import OPERATIONS
from embviz.inference.onnx_writer import REFUSED, Writer

if TYPE_CHECKING:
    from onnx import ModelProto

#: Raised with whatever changes the numbers of a translated model, and with what can be translated, which is kept, too.
TRANSLATION = 2

_OPSET = 18
_IR_VERSION = 10
_MOST_CONSTANTS = 2**29  # values: two gigabytes, protobuf's limit

#: Lengths of a tensor's axes; None is an open one.
Shape = Sequence[int | None]
_TRANSLATIONS = {**OPERATIONS, **LAYERS}


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
    writer.scope = operation.name
    try:
        inputs = [writer.tensors[tensor] for tensor in operation.inputs]
        is_complex = operation.is_complex or any(name in writer.imaginary for name in inputs)
        translation = (COMPLEX if is_complex else _TRANSLATIONS).get(operation.op)
        if translation is None:
            of = " on complex numbers" if is_complex else ""
            raise GraphError(f"{REFUSED}: the operation {operation.op!r} of {operation.name!r}{of} is not known.")
        made = translation(writer, operation, *inputs)
    except GraphError:
        raise
    except MemoryError as error:
        raise GraphError(f"{REFUSED}: {operation.name!r} holds more than fits in memory.") from error
    except Exception as error:  # too few inputs, results that are not there, axes of other numbers: any nonsense
        raise GraphError(f"{REFUSED}: {operation.op!r} is of an unknown form in {operation.name!r}.") from error
    for index, name in enumerate([made] if isinstance(made, str) else made):
        writer.tensors.setdefault((operation.name, index), name)
