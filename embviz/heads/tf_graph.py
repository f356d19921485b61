"""Running a head that is a TensorFlow graph, as Essentia's ``TensorflowPredict2D`` does: to the same bits.

A graph can hold anything that TensorFlow can do, reading and writing files included. Here only arithmetic is run.
"""

from __future__ import annotations

import tempfile
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.errors import GraphError
from embviz.inference.essentia import Session
from embviz.inference.graph import Graph

if TYPE_CHECKING:
    from numpy.typing import NDArray


#: Essentia's batch: the rounding of a matrix product depends on the number of its rows.
BATCH = 64
MOST_CALLS = 16

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
    "StridedSlice", "Split",
}  # fmt: skip


def load_session(graph: bytes, nodes: tuple[str, str]) -> Session:
    """Load a graph that takes vectors ``[n, d]`` and gives vectors ``[n, c]``."""
    source, target = nodes
    # TensorFlow takes a file, and has read it when the session is made.
    with tempfile.TemporaryDirectory(prefix="embviz-") as folder:
        path = Path(folder) / "head.pb"
        path.write_bytes(graph)
        try:
            read = Graph.read(path)
        except GraphError as error:
            raise GraphError("The head's graph is damaged: a frozen TensorFlow graph was expected.") from error
        _check(read, nodes)
        return Session(path, source, 2, (target,), ranks={target: 2})


def _check(graph: Graph, nodes: tuple[str, str]) -> None:
    """Raise where a graph does more than arithmetic, or has not got the nodes: TensorFlow can end the process there."""
    source, target = nodes
    if source not in graph.placeholders or target not in graph.nodes:
        raise GraphError(f"The head's graph is expected to have the nodes {source!r} and {target!r}; it has them not.")
    other = sorted(graph.operations - HARMLESS)
    if other:
        raise GraphError(
            f"A head is expected to be arithmetic only, the operations {', '.join(other[:5])} were found in its "
            "graph; it is not run."
        )
    calls = graph.calls
    sorter = TopologicalSorter[str]()
    for caller, function in calls:
        sorter.add(caller, function)
    try:
        sorter.prepare()
    except CycleError as error:
        raise GraphError("The head's graph has a function that calls itself; it is not run.") from error
    if len(calls) > MOST_CALLS:
        raise GraphError(f"A head's graph is expected to call at most {MOST_CALLS} functions; it is not run.")


def classify(session: Session, nodes: tuple[str, str], frames: NDArray[Any], classes: int) -> NDArray[np.float32]:
    """Return what a graph gives for vectors ``[n, d]``, as ``[n, c]``."""
    values = run_graph(session, nodes, frames)
    if values.shape != (len(frames), classes):
        raise GraphError(
            f"The head's graph is expected to give one value for each of its {classes} classes, "
            f"{values.shape[1]:,} were found."
        )
    return values


def run_graph(session: Session, nodes: tuple[str, str], frames: NDArray[Any]) -> NDArray[np.float32]:
    """Return what a graph gives for vectors ``[n, d]``, whatever that is."""
    source, target = nodes
    frames = np.asarray(frames, dtype=np.float32)
    return np.concatenate([session.run({source: frames[i : i + BATCH]})[target] for i in range(0, len(frames), BATCH)])
