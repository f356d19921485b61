"""Frozen TensorFlow graphs: what is in them, and what can be read out of them.

Reading needs only the GraphDef messages; :mod:`embviz.inference.essentia` runs them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from embviz.errors import GraphError

# Ops whose T is float but whose result is not.
_NOT_FLOAT = {"Shape", "ShapeN", "Size", "Rank", "ArgMax", "ArgMin", "Where", "IsFinite", "IsInf", "IsNan"}
_NOT_FLOAT |= {"Equal", "NotEqual", "Less", "LessEqual", "Greater", "GreaterEqual"}
_FLOAT = 1  # DT_FLOAT


@dataclass(frozen=True)
class Node:
    """One operation of a graph.

    Parameters
    ----------
    name, op : str
        Name, and TensorFlow's name of the operation.
    is_float : bool
        Whether its first result is a float32 tensor.
    inputs : tuple of str
        Names of the nodes it reads.
    """

    name: str
    op: str
    is_float: bool
    inputs: tuple[str, ...]


class Graph:
    """A frozen graph as it stands in a file.

    Make one with :meth:`read`.

    Attributes
    ----------
    nodes : dict of str to Node
        In the order of the file.
    parameters : int
        Numbers in the constants that weigh (float constants of more than one element).
    placeholder_shapes : dict of str to tuple of int
        Lengths of the axes that placeholders declare, where they do; -1 is an open one.
    """

    def __init__(self, message: Any) -> None:
        self._message = message
        self.nodes = {node.name: _node(node) for node in message.node}
        self.parameters = sum(_count_weights(node) for node in message.node)
        self.placeholder_shapes: dict[str, tuple[int, ...]] = {
            node.name: tuple(int(dim.size) for dim in node.attr["shape"].shape.dim)
            for node in message.node
            if node.op == "Placeholder" and "shape" in node.attr
        }

    @classmethod
    def read(cls, path: str | Path) -> Graph:
        """Read a ``.pb`` file.

        Raises
        ------
        GraphError
            If the file is not a frozen TensorFlow graph.
        """
        from google.protobuf.message import DecodeError
        from tensorboard.compat.proto.graph_pb2 import GraphDef

        try:
            data = Path(path).read_bytes()
            message = GraphDef.FromString(data)
        except OSError as error:
            raise GraphError(f"The graph {str(path)!r} cannot be read: {error.strerror}.") from error
        except DecodeError as error:
            raise GraphError(_describe_content(path, data)) from error
        if not any(node.op == "Placeholder" for node in message.node):
            raise GraphError(_describe_content(path, data))
        return cls(message)

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Names of the nodes that take the input."""
        return tuple(node.name for node in self.nodes.values() if node.op == "Placeholder")

    @property
    def operations(self) -> frozenset[str]:
        """TensorFlow's names of all operations, those inside functions included."""
        functions = (node for function in self._message.library.function for node in function.node_def)
        return frozenset(node.op for node in (*self._message.node, *functions))

    @property
    def calls(self) -> list[tuple[str, str]]:
        """Who calls whom: the function that a node stands in (empty: the graph itself), and the one that it calls."""
        bodies = [("", self._message.node)]
        bodies += [(function.signature.name, function.node_def) for function in self._message.library.function]
        return [
            (caller, value.func.name)
            for caller, body in bodies
            for node in body
            for value in node.attr.values()
            if value.WhichOneof("value") == "func"
        ]

    @property
    def readable_nodes(self) -> tuple[str, ...]:
        """Names of the float nodes that depend on the input, in the order of the graph."""
        reached = self.downstream(*self.placeholders)
        return tuple(name for name, node in self.nodes.items() if name in reached and node.is_float)

    def downstream(self, *names: str) -> set[str]:
        """Return the nodes with the given names and all that depend on them."""
        reached = set(names)
        # Files need not be sorted, so go on until nothing new is reached.
        while new := {n.name for n in self.nodes.values() if n.name not in reached and reached.intersection(n.inputs)}:
            reached |= new
        return reached

    def serialize_with_shapes(self, names: tuple[str, ...]) -> bytes:
        """Return the graph with a float node ``embviz_shape/<i>`` for each name, holding the shape at run time."""
        message = type(self._message)()
        message.CopyFrom(self._message)
        for i, name in enumerate(names):
            shape = message.node.add(name=f"embviz_shape/{i}/int", op="Shape", input=[name])
            shape.attr["T"].type = _FLOAT
            shape.attr["out_type"].type = 3  # DT_INT32
            cast = message.node.add(name=f"embviz_shape/{i}", op="Cast", input=[shape.name])
            cast.attr["SrcT"].type = 3
            cast.attr["DstT"].type = _FLOAT
        return bytes(message.SerializeToString())


def _node(message: Any) -> Node:
    # Control inputs start with "^"; "name:1" is the second result of a node.
    inputs = tuple(name.lstrip("^").split(":")[0] for name in message.input)
    return Node(message.name, message.op, _is_float(message), inputs)


def _is_float(message: Any) -> bool:
    if message.op in _NOT_FLOAT:
        return False
    for key in ("DstT", "Tout", "out_type", "dtype", "T", "Tparams"):
        if key in message.attr:
            return bool(message.attr[key].type == _FLOAT)
    return bool(message.op == "IRFFT")


def _count_weights(message: Any) -> int:
    if message.op != "Const" or message.attr["dtype"].type != _FLOAT:
        return 0
    size = int(np.prod([dim.size for dim in message.attr["value"].tensor.tensor_shape.dim], dtype=np.int64))
    return size if size > 1 else 0


def _describe_content(path: str | Path, data: bytes) -> str:
    start = data[:200].lstrip().lower()
    if not data:
        found = "an empty file"
    elif start.startswith((b"<!doctype", b"<html", b"<?xml")):
        found = "a web page (an error page saved under this name, most likely)"
    elif start.startswith(b"version https://git-lfs"):
        found = "a git-lfs pointer (the file itself was not fetched)"
    else:
        found = f"{len(data)} bytes of something else, or a damaged graph,"
    return f"A frozen TensorFlow graph is expected in {str(path)!r}, {found} was found; download it again."


@lru_cache(maxsize=16)
def downstream_nodes(path: Path, changed: int, node: str) -> frozenset[str]:  # noqa: ARG001  a new file, a new answer
    """Return a node of a file and all that depend on it, empty where it has none of that name.

    `changed` is when the file was last changed, in nanoseconds.
    """
    graph = Graph.read(path)
    return frozenset(graph.downstream(node) if node in graph.nodes else ())
