"""Graphs without functions: each call is replaced by the nodes of what it calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from embviz.errors import GraphError
from embviz.inference.graph import CALLS, Graph, split_tensor

#: A result of a node: its name, and the number of the result.
Tensor = tuple[str, int]
#: Names of results, as functions call them, that are not the first of their operation.
_LATER_RESULTS = {"batch_mean", "batch_variance", "indices", "idx", "output_true", "value_index", "backprop"}


_COMPLEX = 8  # DT_COMPLEX64


@dataclass(frozen=True)
class Operation:
    """One operation of a graph.

    Parameters
    ----------
    name, op : str
        Name, with the names of the calls that it stands in, and TensorFlow's name of the operation.
    inputs : tuple of (str, int)
        Tensors that it reads.
    attributes : mapping
        TensorFlow's ``AttrValue`` messages by name.
    """

    name: str
    op: str
    inputs: tuple[Tensor, ...]
    attributes: Mapping[str, Any]

    @property
    def is_complex(self) -> bool:
        """Whether it makes complex numbers of real ones."""
        return self.op == "RFFT" or (self.op == "Cast" and self.attributes["DstT"].type == _COMPLEX)

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return an attribute that is yes or no."""
        return bool(self.attributes[key].b) if key in self.attributes else default

    def integer(self, key: str, default: int) -> int:
        """Return an attribute that is a whole number."""
        return int(self.attributes[key].i) if key in self.attributes else default

    def integers(self, key: str) -> list[int]:
        """Return an attribute that is a list of whole numbers, empty where it is not there."""
        return list(self.attributes[key].list.i) if key in self.attributes else []

    def number(self, key: str, default: float) -> float:
        """Return an attribute that is a number."""
        return float(self.attributes[key].f) if key in self.attributes else default

    def text(self, key: str, default: str) -> str:
        """Return an attribute that is a word."""
        return str(self.attributes[key].s.decode()) if key in self.attributes else default


def inline(graph: Graph) -> dict[str, Operation]:
    """Return the operations of a graph by name, in which a call is an ``IdentityN`` of what its function returns.

    Run :meth:`Graph.check_calls` before: a function that calls itself has no end.
    """
    functions = {function.signature.name: function for function in graph.functions}
    operations: dict[str, Operation] = {}
    #: Where nodes are still to be taken from: nodes, what their names begin with, and what arguments stand for.
    waiting: list[tuple[Iterable[Any], str, dict[str, Tensor]]] = [(graph.definitions, "", {})]
    while waiting:
        body, prefix, arguments = waiting.pop()
        for node in body:
            name = prefix + node.name
            read = tuple(_tensor(text, prefix, arguments) for text in node.input if not text.startswith("^"))
            if node.op in CALLS:
                function = functions.get(node.attr["f"].func.name)
                if function is None or len(read) != len(function.signature.input_arg):
                    raise GraphError(f"The graph calls a function at {name!r} that it does not hold.")
                taken = dict(zip((a.name for a in function.signature.input_arg), read, strict=True))
                waiting.append((function.node_def, f"{name}|", taken))
                results = [function.ret[result.name] for result in function.signature.output_arg]
                read = tuple(_tensor(text, f"{name}|", taken) for text in results)
                operations[name] = Operation(name, "IdentityN", read, {})
            else:
                operations[name] = Operation(name, node.op, read, node.attr)
    return operations


def _tensor(text: str, prefix: str, arguments: Mapping[str, Tensor]) -> Tensor:
    """Return what an input stands for: ``node:1``, or inside functions ``argument`` or ``node:name of result:1``."""
    if not prefix:
        return split_tensor(text)
    if text in arguments:
        return arguments[text]
    name, index = split_tensor(text)
    node, _, result = name.rpartition(":")
    if result in _LATER_RESULTS or result.startswith("reserve_space"):
        raise GraphError(f"ONNX Runtime cannot run the graph: it reads the result {result!r} of {node!r}.")
    return prefix + (node or name), index
