"""ONNX models of frozen TensorFlow graphs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from embviz.errors import GraphError
from embviz.inference.graph import Graph
from embviz.inference.onnx_translation import Shape, translate


def load_onnx(
    path: Path, sha256: str, input_node: str, outputs: Sequence[str], *, inputs: Mapping[str, Shape] | None = None
) -> bytes:
    """Return a graph as an ONNX model.

    Parameters
    ----------
    path : path
        The frozen TensorFlow graph.
    sha256 : str
        Of the graph.
    input_node : str
        The placeholder to feed.
    outputs : sequence of str
        Float tensors to be given, by their names in the graph.
    inputs : mapping of str to sequence of int or None, optional
        Tensors to feed in place of the placeholder, where only a part of the graph is wanted, with the lengths of their
        axes; None is an open one. The placeholder itself may be given, with axes opened.

    Raises
    ------
    GraphError
        If the graph cannot be read or translated; the message names the operation that is not known.
    """
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise GraphError(f"{str(path)!r} is not the graph that was asked for: it was changed meanwhile.")
    graph = Graph.parse(data, str(path))
    if inputs is None:
        if input_node not in graph.placeholder_shapes:
            raise GraphError(f"The graph has no input {input_node!r} that declares its shape.")
        inputs = {input_node: graph.placeholder_shapes[input_node]}
    return bytes(translate(graph, inputs, outputs).SerializeToString())
