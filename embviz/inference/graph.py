"""Frozen TensorFlow graphs: what is in them, what can be read out of them, and running them.

Reading needs only the GraphDef messages; running is Essentia's ``TensorflowPredict``. A :class:`Session` is the seam:
``run(inputs) -> {node: array}``. It stays loaded from batch to batch and from file to file, and one pass gives all
requested nodes, each with its own shape.
"""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.core import essentia as _essentia
from embviz.core.io import write_bytes
from embviz.errors import GraphError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Graph", "Node", "Session", "StagedSession", "nodes_behind", "sessions", "shapes"]

# Ops whose T is float but whose result is not.
_NOT_FLOAT = {"Shape", "ShapeN", "Size", "Rank", "ArgMax", "ArgMin", "Where"}
_COMPARISONS = {"Equal", "NotEqual", "Less", "LessEqual", "Greater", "GreaterEqual", "IsFinite", "IsInf", "IsNan"}
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
    """

    def __init__(self, message: Any) -> None:
        self._message = message
        self.nodes = {node.name: _node(node) for node in message.node}
        self.parameters = sum(_weights_in(node) for node in message.node)
        self._placeholder_shapes = {
            node.name: node.attr["shape"].shape
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
            raise GraphError(_not_a_graph(path, data)) from error
        if not any(node.op == "Placeholder" for node in message.node):
            raise GraphError(_not_a_graph(path, data))
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
    def readable(self) -> tuple[str, ...]:
        """Names of the float nodes that depend on the input, in the order of the graph."""
        reached = self.behind(*self.placeholders)
        return tuple(name for name, node in self.nodes.items() if name in reached and node.is_float)

    def behind(self, *names: str) -> set[str]:
        """Return the nodes with the given names and all that depend on them."""
        reached = set(names)
        # Files need not be sorted, so go on until nothing new is reached.
        grown = True
        while grown:
            new = {n.name for n in self.nodes.values() if n.name not in reached and reached.intersection(n.inputs)}
            reached |= new
            grown = bool(new)
        return reached

    def rank_of_placeholder(self, name: str) -> int | None:
        """Return the number of axes a placeholder declares, or None where it leaves them open."""
        shape = self._placeholder_shapes.get(name)
        return None if shape is None or shape.unknown_rank else len(shape.dim)

    def length_of_placeholder(self, name: str) -> int | None:
        """Return the length of the last axis that a placeholder declares, or None where it leaves it open."""
        shape = self._placeholder_shapes.get(name)
        length = shape.dim[-1].size if shape is not None and len(shape.dim) else -1
        return int(length) if length > 0 else None

    def with_shapes(self, names: tuple[str, ...]) -> bytes:
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
    if message.op in _NOT_FLOAT or message.op in _COMPARISONS:
        return False
    for key in ("DstT", "Tout", "out_type", "dtype", "T", "Tparams"):
        if key in message.attr:
            return bool(message.attr[key].type == _FLOAT)
    return bool(message.op == "IRFFT")


def _weights_in(message: Any) -> int:
    if message.op != "Const" or message.attr["dtype"].type != _FLOAT:
        return 0
    size = int(np.prod([dim.size for dim in message.attr["value"].tensor.tensor_shape.dim], dtype=np.int64))
    return size if size > 1 else 0


def _not_a_graph(path: str | Path, data: bytes) -> str:
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


# Shapes. -----------------------------------------------------------------------------------------------------------


def shapes(
    path: str | Path, input_node: str, patch_shape: tuple[int, ...], *, memo: Path | None = None
) -> dict[str, tuple[int, ...]]:
    """Return the run-time shape, for one patch, of every node that can be cut into frames, found by TensorFlow itself.

    The answer is kept beside the graph, since asking takes as long as running the whole network.

    Parameters
    ----------
    path : path
        The graph.
    input_node : str
        The placeholder to feed.
    patch_shape : tuple of int
        Shape of one patch; ``(samples, 2)`` for graphs that take the sound itself.
    memo : Path, optional
        Where the answer is kept; beside the graph by default.

    Returns
    -------
    dict of str to tuple of int
        Without the leading axis of patches. Nodes whose first axis is not that of the patches are left out.
    """
    path = Path(path)
    try:
        stat = path.stat()
    except OSError as error:
        raise GraphError(f"The graph {str(path)!r} cannot be read: {error.strerror}.") from error
    key = [stat.st_size, stat.st_mtime_ns, input_node, list(patch_shape)]
    memo = memo or path.with_name(f".{path.stem}.shapes.json")
    remembered = _remembered(memo, key)
    if remembered is None:
        remembered = _ask_for_shapes(Graph.read(path), input_node, patch_shape)
        _remember(memo, key, remembered)
    return remembered


def _remembered(memo: Path, key: list[Any]) -> dict[str, tuple[int, ...]] | None:
    try:
        kept = json.loads(memo.read_text(encoding="utf-8"))
        if kept["key"] != key:
            return None
        return {name: tuple(shape) for name, shape in kept["shapes"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _remember(memo: Path, key: list[Any], found: Mapping[str, tuple[int, ...]]) -> None:
    try:
        write_bytes(memo, json.dumps({"key": key, "shapes": found}).encode(), sync=False)
    except OSError:
        return  # a read-only folder of weights only costs the time to ask again


def _ask_for_shapes(graph: Graph, input_node: str, patch_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    if input_node not in graph.nodes:
        raise GraphError(f"The graph has no node {input_node!r} to feed; it has {', '.join(graph.placeholders)}.")
    takes_sound = graph.rank_of_placeholder(input_node) == len(patch_shape)
    one = patch_shape if takes_sound else (1, *patch_shape)
    two = (2 * one[0], *one[1:])
    names = tuple(name for name in graph.readable if name != input_node)
    found = [input_node, *names], _run_shapes(graph, input_node, names, one), _run_shapes(graph, input_node, names, two)
    shape_of = {}
    for name, shape, doubled in zip(*found, strict=True):
        grows_with_patches = shape[:1] in ((1,), one[:1]) and doubled == (2 * shape[0], *shape[1:]) if shape else False
        if grows_with_patches:
            shape_of[name] = shape if takes_sound and shape[0] == one[0] else shape[1:]
    return shape_of


def _run_shapes(
    graph: Graph, input_node: str, names: tuple[str, ...], input_shape: tuple[int, ...]
) -> list[tuple[int, ...]]:
    nodes = tuple(f"embviz_shape/{i}" for i in range(len(names)))
    with tempfile.TemporaryDirectory(prefix="embviz-") as folder:
        probe = Path(folder) / "probe.pb"
        probe.write_bytes(graph.with_shapes(names))
        session = Session(probe, input_node, len(input_shape), nodes, ranks=dict.fromkeys(nodes, 1))
        found = session.run({input_node: np.zeros(input_shape, dtype=np.float32)})
    return [input_shape, *(tuple(int(n) for n in found[node]) for node in nodes)]


# Running. ----------------------------------------------------------------------------------------------------------


class Session:
    """A loaded graph that gives some of its nodes.

    Parameters
    ----------
    path : path
        The graph.
    input_node : str
        Placeholder to feed.
    input_rank : int
        Number of axes of what is fed, with the axis of patches: 2, 3 or 4.
    outputs : tuple of str
        Nodes to read.
    ranks : mapping of str to int
        Number of axes of each output: Essentia hands all over with four.
    """

    def __init__(
        self, path: str | Path, input_node: str, input_rank: int, outputs: tuple[str, ...], *, ranks: Mapping[str, int]
    ) -> None:
        es = _essentia.standard()
        import essentia

        self._pool = essentia.Pool
        self._input_node, self._rank = input_node, input_rank
        self._outputs, self._ranks = outputs, dict(ranks)
        self._lock = threading.Lock()
        try:
            with _essentia.quiet:
                self._predict = es.TensorflowPredict(
                    graphFilename=str(path), inputs=[input_node], outputs=list(outputs), squeeze=input_rank < 4
                )
        except RuntimeError as error:
            raise GraphError(_first_sentence(path, error)) from error
        self._path = path

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """Run the network once.

        Parameters
        ----------
        inputs : mapping of str to ndarray
            The input node and its patches ``[n, …]``.

        Returns
        -------
        dict of str to ndarray
            Each requested node with its own shape, patches first.
        """
        pool = self._pool()
        pool.set(self._input_node, self._four_axes(inputs[self._input_node]))
        # One graph, one pass at a time: the algorithm is not made for several threads.
        with self._lock:
            try:
                found = self._predict(pool)
            except RuntimeError as error:
                raise GraphError(_first_sentence(self._path, error)) from error
        return {name: _own_axes(np.asarray(found[name]), self._ranks[name]) for name in self._outputs}

    def _four_axes(self, patches: NDArray[np.float32]) -> NDArray[np.float32]:
        if self._rank == 2:
            return np.ascontiguousarray(patches[:, :, np.newaxis, np.newaxis])
        if self._rank == 3:
            return np.ascontiguousarray(patches[:, np.newaxis])
        return np.ascontiguousarray(patches)


class StagedSession:
    """A network run in two stages: each patch's own part in small batches, the rest in one.

    Convolutions give the same bits for a patch whatever stands beside it, and are faster on few patches at a time.
    Matrix products are not: their rounding depends on the number of rows.
    """

    def __init__(self, trunk: Session, head: Session | None, node: str, size: int = 4) -> None:
        self._trunk, self._head, self._node, self._size = trunk, head, node, size

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """Run the network once; see :meth:`Session.run`."""
        ((name, patches),) = inputs.items()
        parts = [self._trunk.run({name: patches[i : i + self._size]}) for i in range(0, len(patches), self._size)]
        outputs = {node: np.concatenate([part[node] for part in parts]) for node in parts[0]}
        if self._head is not None:
            outputs |= self._head.run({self._node: outputs[self._node]})
        return outputs


@lru_cache(maxsize=16)
def nodes_behind(path: Path, changed: int, node: str) -> frozenset[str]:  # noqa: ARG001  a new file, a new answer
    """Return a node and all that depend on it, for a file last changed at `changed` (ns); empty where it is not."""
    graph = Graph.read(path)
    return frozenset(graph.behind(node) if node in graph.nodes else ())


def _own_axes(array: NDArray[np.float32], rank: int) -> NDArray[np.float32]:
    """Undo Essentia's widening to four axes: the extra ones stand after the first."""
    return array.reshape(array.shape[:1] + array.shape[1 + 4 - rank :]) if rank > 1 else array.reshape(-1)


def _first_sentence(path: str | Path, error: RuntimeError) -> str:
    text = str(error).split("\n", 1)[0].split("Available node names", 1)[0].strip()
    return f"TensorFlow cannot run {Path(path).name!r}: {text[:200]}"


class _Sessions:
    """Loaded sessions, the last ones used; few, because each holds the weights of its graph."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._kept: dict[tuple[Any, ...], Session] = {}
        self._lock = threading.Lock()

    def open(self, path: Path, input_node: str, input_rank: int, ranks: Mapping[str, int]) -> Session:
        stat = path.stat()
        size = stat.st_size
        key = (size, str(path), stat.st_mtime_ns, input_node, input_rank, *ranks.items())
        with self._lock:
            session = self._kept.pop(key, None)
            if session is None:
                self._make_room(size)
                session = Session(path, input_node, input_rank, tuple(ranks), ranks=ranks)
            self._kept[key] = session
            return session

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()

    def _make_room(self, size: int) -> None:
        while self._kept and (len(self._kept) >= self._most or self._bytes + size > self._most_bytes):
            del self._kept[next(iter(self._kept))]

    @property
    def _bytes(self) -> int:
        return sum(key[0] for key in self._kept)


sessions = _Sessions(most=6, most_bytes=256 * 2**20)
