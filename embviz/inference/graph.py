"""Frozen TensorFlow graphs: what is in them, and what can be read out of them.

Reading needs only the GraphDef messages; :mod:`embviz.inference.essentia` runs them.
"""

from __future__ import annotations

import errno
import math
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from embviz.errors import GraphError
from embviz.inference.parameters import count_parameters

# Ops whose T is float but whose result is not.
_NOT_FLOAT = {"Shape", "ShapeN", "Size", "Rank", "ArgMax", "ArgMin", "Where", "IsFinite", "IsInf", "IsNan"}
_NOT_FLOAT |= {"Equal", "NotEqual", "Less", "LessEqual", "Greater", "GreaterEqual"}
_FLOAT, _INT32 = 1, 3  # DT_FLOAT, DT_INT32
#: Ops of several results of one type, and the attribute that counts them.
_EQUAL_RESULTS = {"Split": "num_split", "SplitV": "num_split", "Unpack": "num"}
_MOST_RESULTS = 256
_MOST_CALLS = 1000
_MOST_PATCHES = 1024  # of a fixed batch
_LONGEST_CHAIN = 100  # nodes that hand a tensor on
#: Ops that call a function of the graph.
CALLS = ("PartitionedCall", "StatefulPartitionedCall")


@dataclass(frozen=True)
class Node:
    """One operation of a graph.

    Parameters
    ----------
    name, op : str
        Name, and TensorFlow's name of the operation.
    results : tuple of bool
        Whether each of its results is a float32 tensor; of most operations only the first is told.
    inputs : tuple of str
        Names of the nodes it reads.
    """

    name: str
    op: str
    results: tuple[bool, ...]
    inputs: tuple[str, ...]

    @property
    def is_float(self) -> bool:
        """Whether its first result is a float32 tensor."""
        return self.results[:1] == (True,)


class Graph:
    """A frozen graph as it stands in a file.

    Make one with :meth:`read`.

    Attributes
    ----------
    nodes : dict of str to Node
        In the order of the file.
    placeholder_shapes : dict of str to tuple of int
        Lengths of the axes that placeholders declare, where they do; -1 is an open one.
    """

    def __init__(self, message: Any) -> None:
        self._message = message
        self.nodes = {node.name: _node(node) for node in message.node}
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
        try:
            if not stat.S_ISREG(Path(path).stat().st_mode):  # a folder, or a device that never ends
                raise OSError(errno.EINVAL, "it is no file")
            data = Path(path).read_bytes()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise GraphError(f"The graph {str(path)!r} cannot be read: {reason}.") from error
        return cls.parse(data, str(path))

    @classmethod
    def parse(cls, data: bytes, name: str) -> Graph:
        """Read the bytes of a file; `name` is what the error calls them, which is that of :meth:`read`."""
        from google.protobuf.message import DecodeError
        from tensorboard.compat.proto.graph_pb2 import GraphDef

        try:
            message = GraphDef.FromString(data)
        except DecodeError as error:
            raise GraphError(_describe_content(name, data)) from error
        if not any(node.op == "Placeholder" for node in message.node):
            raise GraphError(_describe_content(name, data))
        return cls(message)

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Names of the nodes that take the input."""
        return tuple(node.name for node in self.nodes.values() if node.op == "Placeholder")

    def batch_size(self, source: str, rank: int) -> int:
        """Return how many patches a placeholder of so many axes takes at once; 0 where that is open, or not told.

        Raises GraphError where they are more than anyone runs.
        """
        declared = self.placeholder_shapes.get(source, ())
        size = max(0, declared[0]) if len(declared) == rank > 2 else 0
        if size > _MOST_PATCHES:
            raise GraphError(f"The graph takes {size:,} patches at once; at most {_MOST_PATCHES:,} are expected.")
        return size

    @property
    def definitions(self) -> Sequence[Any]:
        """The ``NodeDef`` messages of the graph itself."""
        nodes: Sequence[Any] = self._message.node
        return nodes

    @property
    def functions(self) -> Sequence[Any]:
        """The ``FunctionDef`` messages of the functions that the graph may call."""
        functions: Sequence[Any] = self._message.library.function
        return functions

    @cached_property
    def parameters(self) -> int:
        """Numbers that were trained; see :func:`embviz.inference.parameters.count_parameters`."""
        return count_parameters(self._message)

    @property
    def constant_size(self) -> int:
        """Values that the constants say they hold, however few of them stand in the file; negative for nonsense."""
        constants = [node for _, body in _bodies(self._message) for node in body if node.op == "Const"]
        shapes = [[d.size for d in c.attr["value"].tensor.tensor_shape.dim] for c in constants if "value" in c.attr]
        return -1 if any(size < 0 for shape in shapes for size in shape) else sum(map(math.prod, shapes))

    @property
    def operations(self) -> frozenset[str]:
        """TensorFlow's names of all operations, those inside functions included."""
        return frozenset(node.op for _, body in _bodies(self._message) for node in body)

    def check_calls(self) -> None:
        """Raise where running the graph would call functions without end, or nearly so: each may call two others."""
        bodies = _bodies(self._message)
        called = {caller: [name for node in body for name in _called_functions(node)] for caller, body in bodies}
        calls: dict[str, int] = {}
        try:
            for name in TopologicalSorter(called).static_order():
                calls[name] = sum(1 + calls[function] for function in called.get(name, ()))
        except CycleError as error:
            raise GraphError("The graph has a function that calls itself; it is not run.") from error
        if max(calls.values()) > _MOST_CALLS:
            raise GraphError(f"A graph is expected to make at most {_MOST_CALLS:,} calls of functions; it is not run.")

    def tensor(self, name: str) -> str | None:
        """Return the usual name of a float tensor, ``"node"`` or ``"node:1"``; None where the graph has it not."""
        node, index = split_tensor(name)
        results = self.nodes[node].results if node in self.nodes else ()
        return tensor_name(node, index) if index < len(results) and results[index] else None

    def operation(self, tensor: str) -> str:
        """Return the operation whose result a tensor is."""
        return self.nodes[split_tensor(tensor)[0]].op

    def readable(self, source: str) -> tuple[str, ...]:
        """Return the float tensors that can be computed from one placeholder alone, in the order of the graph."""
        others = self.downstream(*(name for name in self.placeholders if name != source))
        reached = self.downstream(source) - others
        return tuple(
            tensor_name(node.name, index)
            for node in self.nodes.values()
            if node.name in reached
            for index, is_float in enumerate(node.results)
            if is_float
        )

    def ends(self, source: str) -> tuple[str, ...]:
        """Return those of the readable tensors whose nodes no other node reads."""
        read = {name for node in self.nodes.values() for name in node.inputs}
        return tuple(name for name in self.readable(source) if split_tensor(name)[0] not in read and name != source)

    def downstream(self, *names: str) -> set[str]:
        """Return the nodes with the given names and all that depend on them."""
        readers: dict[str, list[str]] = {}
        for node in self.nodes.values():
            for name in node.inputs:
                readers.setdefault(name, []).append(node.name)
        return _reach(names, readers)

    def upstream(self, *names: str) -> set[str]:
        """Return the nodes with the given names and all that they depend on."""
        return _reach(names, {node.name: node.inputs for node in self.nodes.values()})

    def prune(self, source: str, target: str) -> Graph:
        """Return the part of the graph that a tensor is computed with from a node: its nodes, and what they call."""
        needed = self._between(source, target)
        bodies = dict(_bodies(self._message))
        message = type(self._message)(versions=self._message.versions)
        message.node.extend(node for node in self._message.node if node.name in needed)
        links = {name: [called for node in body for called in _called_functions(node)] for name, body in bodies.items()}
        links[""] = [called for node in message.node for called in _called_functions(node)]
        called = _reach([""], links)
        message.library.function.extend(f for f in self._message.library.function if f.signature.name in called)
        return Graph(message)

    def _between(self, source: str, target: str) -> set[str]:
        """Return the nodes that a tensor depends on, without those that only the source depends on."""
        inputs = {node.name: node.inputs if node.name != source else () for node in self.nodes.values()}
        return {source} | _reach([split_tensor(target)[0]], inputs)

    def final_operation(self, tensor: str) -> str:
        """Return what makes a tensor, behind all that only hands it on; calls are followed into their functions."""
        functions = {function.signature.name: function for function in self._message.library.function}
        body = {node.name: node for node in self._message.node}
        name, index = split_tensor(tensor)
        for _ in range(_LONGEST_CHAIN):
            node = body.get(name)
            if node is None:
                return ""
            if node.op in CALLS:
                function = functions.get(next(iter(_called_functions(node)), ""))
                if function is None or index >= len(results := function.signature.output_arg):
                    return ""
                given = function.ret.get(results[index].name, "")
                body = {inner.name: inner for inner in function.node_def}
            elif node.op == "Identity" and node.input:
                given = node.input[0]
            else:
                return str(node.op)
            # In a function a result is "node:name of the result:number".
            name, index = given.split(":")[0], split_tensor(given)[1]
        return ""

    def serialize_with_rows(self, tensor: str, width: int) -> bytes:
        """Return the graph with a node ``embviz_rows``: a tensor as rows of so many values, which it declares."""
        message = type(self._message)()
        message.CopyFrom(self._message)
        shape = message.node.add(name="embviz_rows/shape", op="Const")
        shape.attr["dtype"].type = _INT32
        shape.attr["value"].tensor.dtype = _INT32
        shape.attr["value"].tensor.tensor_shape.dim.add(size=2)
        shape.attr["value"].tensor.int_val.extend((-1, width))
        rows = message.node.add(name="embviz_rows", op="Reshape", input=[tensor, shape.name])
        rows.attr["T"].type = _FLOAT
        rows.attr["Tshape"].type = _INT32
        return bytes(message.SerializeToString())

    def serialize_with_shapes(self, names: tuple[str, ...]) -> bytes:
        """Return the graph with a float node ``embviz_shape/<i>`` for each name, holding the shape at run time."""
        message = type(self._message)()
        message.CopyFrom(self._message)
        for i, name in enumerate(names):
            shape = message.node.add(name=f"embviz_shape/{i}/int", op="Shape", input=[name])
            shape.attr["T"].type = _FLOAT
            shape.attr["out_type"].type = _INT32
            cast = message.node.add(name=f"embviz_shape/{i}", op="Cast", input=[shape.name])
            cast.attr["SrcT"].type = _INT32
            cast.attr["DstT"].type = _FLOAT
        return bytes(message.SerializeToString())


def split_tensor(name: str) -> tuple[str, int]:
    """Return the node, and the number of its result, that ``"node"`` or ``"node:1"`` stand for."""
    node, _, index = name.rpartition(":")
    return (node, int(index)) if node and index.isdecimal() and len(index) < 10 else (name, 0)


def tensor_name(node: str, index: int) -> str:
    """Return the usual name of a result of a node: the first one goes by the node's own."""
    return f"{node}:{index}" if index else node


def _reach(names: Iterable[str], links: Mapping[str, Sequence[str]]) -> set[str]:
    """Return the given names and all that links lead to from there."""
    reached, waiting = set[str](), list(names)
    while waiting:
        if (name := waiting.pop()) not in reached:
            reached.add(name)
            waiting += links.get(name, ())
    return reached


def _bodies(message: Any) -> list[tuple[str, Any]]:
    """Return the nodes of the graph (under an empty name) and of each of its functions."""
    functions = message.library.function
    return [("", message.node), *((function.signature.name, function.node_def) for function in functions)]


def _called_functions(node: Any) -> list[str]:
    values = [value for value in node.attr.values() if value.WhichOneof("value") in ("func", "list")]
    named = [value.func.name for value in values if value.WhichOneof("value") == "func"]
    return named + [function.name for value in values for function in value.list.func]


def _node(message: Any) -> Node:
    # Control inputs start with "^"; "name:1" is the second result of a node.
    inputs = tuple(split_tensor(name.lstrip("^"))[0] for name in message.input)
    return Node(message.name, message.op, _float_results(message), inputs)


def _float_results(message: Any) -> tuple[bool, ...]:
    if message.op in _NOT_FLOAT:
        return (False,)
    for key in ("DstT", "Tout", "out_type", "dtype", "T", "Tparams"):
        if key in message.attr:
            types = message.attr[key].list.type or [message.attr[key].type]
            counted_by = _EQUAL_RESULTS.get(message.op, "")
            alike = message.attr[counted_by].i if counted_by in message.attr else 1
            return tuple(kind == _FLOAT for kind in types) * max(1, min(alike, _MOST_RESULTS))
    return (message.op == "IRFFT",)


def _describe_content(name: str, data: bytes) -> str:
    start = data[:200].lstrip().lower()
    if not data:
        found = "an empty file"
    elif start.startswith((b"<!doctype", b"<html", b"<?xml")):
        found = "a web page (an error page saved under this name, most likely)"
    elif start.startswith(b"version https://git-lfs"):
        found = "a git-lfs pointer (the file itself was not fetched)"
    else:
        found = f"{len(data)} bytes of something else, or a damaged graph,"
    return f"A frozen TensorFlow graph is expected in {name!r}, {found} was found; download it again."


@lru_cache(maxsize=16)
def downstream_nodes(path: Path, changed: int, node: str) -> frozenset[str]:  # noqa: ARG001  a new file, a new answer
    """Return a node of a file and all that depend on it, empty where it has none of that name.

    `changed` is when the file was last changed, in nanoseconds.
    """
    graph = Graph.read(path)
    return frozenset(graph.downstream(node) if node in graph.nodes else ())


@lru_cache(maxsize=16)
def fixed_batch(path: Path, changed: int, source: str, rank: int) -> int:  # noqa: ARG001  a new file, a new answer
    """Return what :meth:`Graph.batch_size` tells of a file, 0 where it has no such node.

    `changed` is when the file was last changed, in nanoseconds.
    """
    return Graph.read(path).batch_size(source, rank)
