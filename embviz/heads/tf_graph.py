"""Running a head that is a TensorFlow graph, as Essentia's ``TensorflowPredict2D`` does: to the same bits.

Where Essentia is not installed, ONNX Runtime runs it: nearly to the same.

A graph can hold anything that TensorFlow can do, reading and writing files included. Here only arithmetic is run.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.core import essentia
from embviz.errors import GraphError
from embviz.inference.essentia import EssentiaSession
from embviz.inference.graph import Graph
from embviz.inference.onnx_session import load_translated
from embviz.inference.session import PatchBatch, Session, stack_patches

if TYPE_CHECKING:
    from numpy.typing import NDArray


#: Essentia's batch: the rounding of a matrix product depends on the number of its rows.
BATCH = 64
MOST_VALUES = 1 << 20  # per frame, of what goes in and of what comes out
MOST_CONSTANTS = 1 << 26
TRIAL = 3  # frames
ROWS = "embviz_rows"  # a node of our own

#: What a graph may be made of: arithmetic, and what brings arrays into shape.
HARMLESS = {
    "Placeholder", "PlaceholderWithDefault", "Const", "Identity", "IdentityN", "NoOp", "StopGradient",
    "PartitionedCall", "StatefulPartitionedCall", "Switch", "Merge", "Cast",
    "MatMul", "BatchMatMul", "BatchMatMulV2", "BiasAdd", "Conv2D",
    "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3",
    "Add", "AddV2", "AddN", "Sub", "Mul", "Div", "RealDiv", "FloorDiv", "FloorMod", "Neg", "Abs", "Maximum", "Minimum",
    "Square", "SquaredDifference", "Sqrt", "Rsqrt", "Pow", "Exp", "Log", "Reciprocal",
    "Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Sigmoid", "Tanh", "Softplus", "Softmax", "LogSoftmax",
    "Mean", "Sum", "Max", "Min", "Prod", "ArgMax",
    "Shape", "Rank", "Reshape", "Squeeze", "ExpandDims", "Transpose", "ConcatV2", "Pack", "Unpack", "Slice",
    "StridedSlice", "Split", "GatherV2", "Select", "SelectV2", "Less", "Greater", "Equal",
}  # fmt: skip


def load_session(data: bytes, nodes: tuple[str, str], classes: int, rank: int = 2) -> Session:
    """Load a graph that gives vectors ``[n, c]``, called :data:`ROWS`, for ``[n, d]``, or for tokens ``[n, k, d]``."""
    graph = _read(data, nodes)
    if not essentia.is_installed():
        return _Translated(graph, nodes)
    # Essentia takes the axes of a tensor from what the graph declares, and calls of functions declare nothing.
    return _open(graph.serialize_with_rows(nodes[1], classes), (nodes[0], rank), (ROWS, 2))


def measure_output(data: bytes, nodes: tuple[str, str], shape: tuple[int, ...]) -> tuple[tuple[int, ...], bool]:
    """Return the shape of what a graph gives for :data:`TRIAL` frames of a `shape`, and whether all of it is finite."""
    graph = _read(data, nodes)
    frames = {nodes[0]: np.random.default_rng(0).standard_normal((TRIAL, *shape), dtype=np.float32)}
    source = nodes[0], 1 + len(shape)
    if not essentia.is_installed():
        rows = _Translated(graph, nodes).run(frames)[ROWS]
        return rows.shape, bool(np.isfinite(rows).all())
    shapes = _open(graph.serialize_with_shapes((nodes[1],)), source, ("embviz_shape/0", 1)).run(frames)
    given = tuple(int(length) for length in shapes["embviz_shape/0"])
    if len(given) != 2 or given[0] != TRIAL or not 0 < given[1] <= MOST_VALUES:
        return given, True
    rows = _open(graph.serialize_with_rows(nodes[1], given[1]), source, (ROWS, 2)).run(frames)[ROWS]
    return given, bool(np.isfinite(rows).all())


class _Translated:
    """A graph run by ONNX Runtime."""

    def __init__(self, graph: Graph, nodes: tuple[str, str]) -> None:
        self._source, self._target = nodes
        self._network = load_translated(graph, self._source, (self._target,), "the head's graph")

    def run(self, inputs: Mapping[str, PatchBatch]) -> dict[str, NDArray[np.float32]]:
        """Run it once."""
        return {ROWS: self._network.run({self._source: stack_patches(inputs[self._source])})[self._target]}


def _open(data: bytes, source: tuple[str, int], output: tuple[str, int]) -> EssentiaSession:
    """Load a graph of which input and output are given with their numbers of axes."""
    # TensorFlow takes a file, and has read it when the session is made.
    with tempfile.TemporaryDirectory(prefix="embviz-") as folder:
        path = Path(folder) / "head.pb"
        path.write_bytes(data)
        return EssentiaSession(path, *source, (output[0],), ranks=dict([output]), title="the head's graph")


def _read(data: bytes, nodes: tuple[str, str]) -> Graph:
    """Return what of a graph its output depends on; the rest is never run, and may be anything."""
    source, target = nodes
    try:
        whole = Graph.parse(data, "the head")
    except GraphError as error:
        raise GraphError("The head's graph is damaged: a frozen TensorFlow graph was expected.") from error
    if source not in whole.placeholders or whole.tensor(target) is None:
        raise GraphError(f"The head's graph is expected to have the nodes {source!r} and {target!r}; it has them not.")
    graph = whole.prune(source, target)
    _check(graph, source)
    return graph


def _check(graph: Graph, source: str) -> None:
    """Raise where a graph does more than arithmetic, or needs more than it is given: TensorFlow can end the process."""
    if others := [name for name in graph.placeholders if name != source]:
        raise GraphError(f"The head's graph is expected to need its input {source!r} only, it needs {others[0]!r} too.")
    other = sorted(graph.operations - HARMLESS)
    if other:
        raise GraphError(
            f"A head is expected to be arithmetic only, the operations {', '.join(other[:5])} were found in its "
            "graph; it is not run."
        )
    if not 0 <= graph.constant_size <= MOST_CONSTANTS:
        raise GraphError(
            f"The constants of a head's graph are expected to hold at most {MOST_CONSTANTS:,} values; it is not run."
        )
    graph.check_calls()


def classify(session: Session, source: str, frames: NDArray[Any], classes: int) -> NDArray[np.float32]:
    """Return what a graph gives for vectors ``[n, d]``, or tokens ``[n, k, d]``, as ``[n, c]``."""
    frames = np.asarray(frames, dtype=np.float32)
    batch = BATCH if frames.ndim == 2 else len(frames)  # Essentia's TensorflowPredict takes all at once
    rows = [session.run({source: frames[i : i + batch]})[ROWS] for i in range(0, len(frames), batch)]
    values = np.concatenate(rows)
    if values.shape != (len(frames), classes):
        raise GraphError(
            f"The head's graph is expected to give one value for each of its {classes} classes, "
            f"{values.size // len(frames):,} were found."
        )
    return values
