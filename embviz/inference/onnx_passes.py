"""ONNX models made faster, with the same numbers."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.core.text import shorten
from embviz.errors import EngineError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import GraphProto, ModelProto, NodeProto

#: Channels come in blocks of so many where ONNX Runtime lays them side by side.
_BLOCK = 16


def optimise(model: ModelProto) -> ModelProto:
    """Return a model that gives the same numbers sooner."""
    simple = _simplify(model)
    _Rewriting(simple.graph).pool_first()
    return simple


def _simplify(model: ModelProto) -> ModelProto:
    """Return a model as ONNX Runtime simplifies it: transpositions cancel, what a convolution is scaled by joins it."""
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # What stays within ONNX's own operations; the rest is done for a processor, when the model is loaded.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.intra_op_num_threads = 1
    options.log_severity_level = 4  # what goes wrong is raised
    with tempfile.TemporaryDirectory(prefix="embviz-") as folder:
        path = Path(folder) / "model.onnx"
        options.optimized_model_filepath = str(path)
        try:
            onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # a class of its own for each reason, without a common one
            # Whether for good, or for want of room to write to, nobody can tell.
            raise EngineError(
                f"ONNX Runtime cannot simplify the graph: {shorten(str(error), 200).rstrip('. ')}."
            ) from error
        return onnx.load(path)


class _Rewriting:
    """A graph whose nodes are moved."""

    def __init__(self, graph: GraphProto) -> None:
        self._graph = graph
        self._nodes = list(graph.node)  # in an order in which they can be run
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self._makers = {name: node for node in graph.node for name in node.output}
        self._uses = Counter(name for node in graph.node for name in node.input)
        self._uses.update(output.name for output in graph.output)

    def pool_first(self) -> None:
        """Take maxima over neighbours right behind convolutions, before all that each value goes through on its own.

        ReLU, a summand and a factor keep the order of values, or turn it round where the factor is negative: then the
        kernel is negated, and what comes out negated again. The same numbers come out, from fewer operations.
        """
        for pool in self._graph.node:
            if pool.op_type == "MaxPool" and len(pool.output) == 1:
                self._raise(pool)
        self._store()

    def _raise(self, pool: NodeProto) -> None:
        chain, signs = self._chain_above(pool.input[0])
        convolution = self._makers.get(chain[-1].input[0]) if chain else None
        if convolution is None or not self._is_read_once(convolution):
            return
        channels = self._constants[convolution.input[1]].dims[0]
        signs = np.broadcast_to(signs, channels)
        moved = self._pooled(pool, convolution, signs)
        chain[-1].input[0] = moved[-1].output[0]
        chain[0].output[0] = pool.output[0]
        place = self._place(chain[-1])
        self._nodes[place:place] = moved
        del self._nodes[self._place(pool)]

    def _chain_above(self, tensor: str) -> tuple[list[NodeProto], NDArray[np.float32]]:
        """Return the operations behind a convolution that keep an order, the last first, and -1 where they turn it."""
        chain: list[NodeProto] = []
        signs = np.ones(1, np.float32)
        while (node := self._makers.get(tensor)) is not None and self._uses[tensor] == 1:
            if node.op_type in ("Add", "Mul"):
                factors = self._values_of_channels(node)
                if factors is None:
                    break
                signs = signs * np.where(factors < 0, np.float32(-1), np.float32(1)) if node.op_type == "Mul" else signs
            elif node.op_type != "Relu":
                break
            chain.append(node)
            tensor = node.input[0]
        return chain, signs

    def _values_of_channels(self, node: NodeProto) -> NDArray[np.float32] | None:
        """Return what an operation joins with each channel, ``[c]`` or ``[1]``; its first input is then the data."""
        if node.input[0] in self._constants:
            node.input[:] = node.input[::-1]
        sizes = list(self._constants[node.input[1]].dims) if node.input[1] in self._constants else [0]
        if len(sizes) > 4 or any(size != 1 for size in (*sizes[-2:], *sizes[:-3])):
            return None
        return self._values(node.input[1]).reshape(-1)

    def _is_read_once(self, node: NodeProto) -> bool:
        """Return whether a node is a convolution whose kernel is known, and whose result one other node alone reads."""
        return (
            node.op_type == "Conv"
            and self._uses[node.output[0]] == 1
            and all(name in self._constants for name in node.input[1:])
        )

    def _pooled(self, pool: NodeProto, convolution: NodeProto, signs: NDArray[np.float32]) -> list[NodeProto]:
        """Return nodes that pool a convolution, of which some channels are negated."""
        from onnx import helper

        name, channels = pool.output[0], len(signs)
        grouped = any(attribute.name == "group" and attribute.i != 1 for attribute in convolution.attribute)
        # Whole blocks of channels need not be laid out anew to be pooled; the empty ones cost nothing more.
        more = -channels % _BLOCK if channels > _BLOCK and not grouped else 0
        for i in range(1, len(convolution.input)):
            values = self._values(convolution.input[i])
            values = values * signs.reshape(-1, *[1] * (values.ndim - 1))
            values = np.pad(values, [(0, more), *[(0, 0)] * (values.ndim - 1)])
            convolution.input[i] = self._add_constant(f"{name}#signed{i}", values)
        first = helper.make_node("MaxPool", convolution.output, [f"{name}#pooled"])
        first.attribute.extend(pool.attribute)
        nodes = [first]
        if more:
            bounds = [self._add_constant(f"{name}#{k}", np.array([k])) for k in (0, channels, 1)]
            nodes.append(helper.make_node("Slice", [nodes[-1].output[0], *bounds], [f"{name}#cut"]))
        if (signs < 0).any():
            factor = self._add_constant(f"{name}#signs", signs.reshape(-1, 1, 1))
            nodes.append(helper.make_node("Mul", [nodes[-1].output[0], factor], [f"{name}#turned"]))
        return nodes

    def _values(self, name: str) -> NDArray[Any]:
        from onnx import numpy_helper

        return numpy_helper.to_array(self._constants[name])

    def _add_constant(self, name: str, values: NDArray[Any]) -> str:
        from onnx import numpy_helper

        self._constants[name] = numpy_helper.from_array(values, name)
        return name

    def _place(self, node: NodeProto) -> int:
        return next(i for i, other in enumerate(self._nodes) if other is node)

    def _store(self) -> None:
        read = {name for node in self._nodes for name in node.input} | {output.name for output in self._graph.output}
        nodes = [type(node).FromString(node.SerializeToString()) for node in self._nodes]
        del self._graph.node[:]
        self._graph.node.extend(nodes)
        # Weights are large: those that stay are not copied.
        for i in reversed(range(len(self._graph.initializer))):
            if self._graph.initializer[i].name not in read:
                del self._graph.initializer[i]
        there = {tensor.name for tensor in self._graph.initializer}
        self._graph.initializer.extend(t for name, t in self._constants.items() if name in read and name not in there)
