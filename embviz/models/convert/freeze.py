"""Freeze the graph of a training checkpoint into a graph for inference.

The ``.meta`` file of a checkpoint holds the graph *as it was trained*: variables beside the operations that read them,
conditionals on "is this training?", losses, gradients, savers. What is left here is what inference computes:

* variables become constants of the same name (as TensorFlow's own ``convert_variables_to_constants`` does);
* conditionals (``Switch`` ... ``Merge``) on a training flag are resolved: a ``Switch`` passes its data on to one side,
  a ``Merge`` takes the side that lives;
* everything that the outputs do not depend on is dropped, and so are control dependencies, devices and colocations,
  which mean nothing without variables.

The arithmetic operations that remain are those of the original graph, unchanged.

A *tensor* is named as in graphs: ``node`` (its first output) or ``node:1``.
"""

from __future__ import annotations

import re
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

import numpy as np
from google.protobuf.message import DecodeError
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.meta_graph_pb2 import MetaGraphDef
from tensorboard.compat.proto.node_def_pb2 import NodeDef

from embviz.errors import ConversionError
from embviz.models.convert import nodes
from embviz.models.convert.checkpoint import Checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path


_VARIABLES = {"Variable", "VariableV2", "VarHandleOp"}
_SWITCHES = {"Switch", "RefSwitch"}
_MERGES = {"Merge", "RefMerge"}
_LOOPS = {"Enter", "RefEnter", "Exit", "RefExit", "NextIteration", "RefNextIteration", "LoopCond"}
_NOT_FOR_INFERENCE = {"Assign", "AssignVariableOp", "RandomUniform", "RandomStandardNormal"}


def freeze_checkpoint(
    index: Path, *, outputs: Sequence[str], training: Iterable[str] = (), rename: Sequence[tuple[str, str]] = ()
) -> GraphDef:
    """Return the inference graph of a checkpoint.

    Parameters
    ----------
    index
        The ``.index`` file; the ``.meta`` file and the data shards lie beside it.
    outputs
        Nodes to keep, with everything they depend on.
    training
        Nodes that say whether the graph is being trained; they become ``False``.
    rename
        Pairs (regular expression, replacement), applied to every node name in turn.

    Raises
    ------
    ConversionError
        If a file is damaged, or the graph cannot be reduced to inference.
    """
    checkpoint = Checkpoint(index)
    graph = _read_meta_graph(index.with_name(index.name.removesuffix(".index") + ".meta"))
    frozen = _freeze(graph, checkpoint, outputs, frozenset(training))
    _rename(frozen, rename)
    return frozen


def _read_meta_graph(path: Path) -> GraphDef:
    if not path.is_file():
        raise ConversionError(f"Expected the graph of a checkpoint at {path}, found no file.")
    try:
        return MetaGraphDef.FromString(path.read_bytes()).graph_def
    except DecodeError as error:
        raise ConversionError(
            f"Expected a TensorFlow MetaGraph in {path}, found something else; the file is damaged or incomplete, "
            "fetch it again."
        ) from error


def _freeze(graph: GraphDef, checkpoint: Checkpoint, outputs: Sequence[str], training: frozenset[str]) -> GraphDef:
    by_name = {node.name: node for node in graph.node}
    if len(by_name) != len(graph.node):
        raise ConversionError(f"{checkpoint.index}: the graph has two nodes of the same name.")
    flow = _Flow(training)
    for node in _ancestors(by_name, outputs):
        flow.follow(node)
    inputs = _inference_inputs(by_name, flow, outputs)
    frozen = GraphDef()
    frozen.versions.CopyFrom(graph.versions)
    for node in graph.node:
        if node.name in inputs:
            frozen.node.append(_frozen_node(node, inputs[node.name], checkpoint, training))
    _check_inference_only(frozen)
    return frozen


def _node_name(reference: str) -> str:
    return reference.removeprefix("^").partition(":")[0]


def _ancestors(by_name: Mapping[str, NodeDef], outputs: Sequence[str]) -> list[NodeDef]:
    """Return all nodes that `outputs` depend on, each behind those it depends on."""
    reads: dict[str, list[str]] = {}
    stack = list(reversed(outputs))
    while stack:
        name = stack.pop()
        if name not in reads:
            reads[name] = [_node_name(ref) for ref in _find(by_name, name).input]
            stack.extend(reads[name])
    try:
        return [by_name[name] for name in TopologicalSorter(reads).static_order()]
    except CycleError as error:
        raise ConversionError(f"The graph has a cycle through node {error.args[1][0]!r}.") from error


def _find(by_name: Mapping[str, NodeDef], name: str) -> NodeDef:
    node = by_name.get(name)
    if node is None:
        raise ConversionError(f"The graph has no node {name!r}: it is not of the model that was expected.")
    if node.op in _LOOPS:
        raise ConversionError(f"Node {name!r} belongs to a loop, which cannot be frozen.")
    return node


class _Flow:
    """Which tensors are computed at inference, and where passed-on ones come from."""

    def __init__(self, training: frozenset[str]) -> None:
        self._training = training
        self._flags = set(training)  # nodes that are False at inference
        self._never: set[str] = set()
        self._passed_on: dict[str, str | None] = {}

    def source(self, tensor: str) -> str | None:
        """Return the tensor that carries `tensor` at inference; None if none does."""
        tensor = tensor.removesuffix(":0")
        if _node_name(tensor) in self._never:
            return None
        return self._passed_on.get(tensor, tensor)

    def follow(self, node: NodeDef) -> None:
        """Take note of `node`; all nodes it depends on have been followed."""
        if node.op in _MERGES:
            self._merge(node)
        elif any(self.source(ref) is None for ref in node.input):
            self._never.add(node.name)
        elif node.op in _SWITCHES:
            self._switch(node)
        elif node.op == "Identity" and self._flags.issuperset(map(_node_name, node.input)):
            self._flags.add(node.name)

    def _switch(self, node: NodeDef) -> None:
        data, flag, *_ = [self.source(ref) for ref in node.input] + [None, None]
        if flag is None or _node_name(flag) not in self._flags:
            raise ConversionError(
                f"Node {node.name!r} switches on {flag!r}; expected one of the training flags "
                f"({', '.join(sorted(self._training)) or 'none given'})."
            )
        self._passed_on[node.name] = data
        self._passed_on[f"{node.name}:1"] = None

    def _merge(self, node: NodeDef) -> None:
        sources = [self.source(ref) for ref in node.input if not ref.startswith("^")]
        living = [source for source in sources if source is not None]
        if len(living) > 1:
            raise ConversionError(f"Both sides of node {node.name!r} are computed at inference.")
        self._passed_on[node.name] = living[0] if living else None
        self._passed_on[f"{node.name}:1"] = None  # the number of the living side


def _inference_inputs(by_name: Mapping[str, NodeDef], flow: _Flow, outputs: Sequence[str]) -> dict[str, list[str]]:
    """Return the nodes that inference needs, each with the tensors that it reads."""
    needed: dict[str, list[str]] = {}
    stack = list(outputs)
    while stack:
        name = stack.pop()
        if name in needed:
            continue
        node = _find(by_name, name)
        sources = [flow.source(ref) for ref in node.input if not ref.startswith("^")]
        read = [source for source in sources if source is not None]
        if len(read) < len(sources) or node.op in _SWITCHES | _MERGES:
            raise ConversionError(f"Node {name!r} is not computed at inference.")
        needed[name] = read
        stack.extend(map(_node_name, read))
    return needed


def _frozen_node(node: NodeDef, inputs: Sequence[str], checkpoint: Checkpoint, training: frozenset[str]) -> NodeDef:
    if node.name in training:
        return nodes.constant(node.name, np.zeros((), np.bool_))
    if node.op in _VARIABLES:
        values = checkpoint.read(node.name)
        expected = [dim.size for dim in node.attr["shape"].shape.dim]
        if expected != list(values.shape):
            raise ConversionError(
                f"{checkpoint.index}: the graph expects variable {node.name!r} of shape {expected}, the checkpoint "
                f"holds {list(values.shape)}: they are not of the same model."
            )
        return nodes.constant(node.name, values)
    if node.op == "ReadVariableOp":
        return nodes.make(node.name, "Identity", inputs, T=node.attr["dtype"].type)
    frozen = NodeDef(name=node.name, op=node.op, input=inputs)
    for key, value in node.attr.items():
        if not key.startswith("_"):  # _class, _output_shapes: hints for the runtime
            frozen.attr[key].CopyFrom(value)
    return frozen


def _check_inference_only(graph: GraphDef) -> None:
    for node in graph.node:
        trains = node.op.startswith("FusedBatchNorm") and node.attr["is_training"].b
        if trains or node.op in _NOT_FOR_INFERENCE:
            raise ConversionError(
                f"Node {node.name!r} ({node.op}) belongs to training, yet the outputs depend on it: name the flags "
                "that switch training off."
            )


def _rename(graph: GraphDef, rules: Sequence[tuple[str, str]]) -> None:
    names = {node.name: node.name for node in graph.node}
    for pattern, replacement in rules:
        names = {old: re.sub(pattern, replacement, new) for old, new in names.items()}
    if len(set(names.values())) < len(names):
        raise ConversionError("Renaming gives two nodes of the graph the same name.")
    for node in graph.node:
        node.name = names[node.name]
        for at, ref in enumerate(node.input):
            name, colon, output = ref.partition(":")
            node.input[at] = names[name] + colon + output
