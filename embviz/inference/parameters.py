"""How many numbers of a network were trained, counted in its frozen graph: one rule for every model.

What counts are kernels, biases, and the scales and offsets of normalisations, as frameworks count trainable parameters.
Statistics that a normalisation keeps of its data (moving mean and variance), windows of a Fourier transform, numbers
that stand alone (such as an epsilon), and what nothing reads do not count. Where a converter has merged a normalisation
into one factor and one summand, these two are what there is to count.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

_FLOATS = (1, 2, 14, 19)  # DT_FLOAT, DT_DOUBLE, DT_BFLOAT16, DT_HALF
#: Ops that hand on their first input, in another shape perhaps.
_PASSING = {"Identity", "Reshape", "Transpose", "Squeeze", "ExpandDims", "Switch", "StopGradient", "Cast"}
_CALLS = {"PartitionedCall", "StatefulPartitionedCall"}
_ROOTS = {"Rsqrt", "Sqrt"}

#: One reading of a tensor: the function it happens in (empty: the graph itself), the node, and which input it is.
_Use = tuple[str, Any, int]


def count_parameters(graph: Any) -> int:
    """Return how many numbers of a ``GraphDef`` were trained."""
    return _Counter(graph).count()


class _Counter:
    """A graph with its functions, and who reads what in each of them."""

    def __init__(self, graph: Any) -> None:
        self._functions = {function.signature.name: function for function in graph.library.function}
        self._bodies = {name: function.node_def for name, function in self._functions.items()} | {"": graph.node}
        self._ops = {(scope, node.name): node.op for scope, body in self._bodies.items() for node in body}
        self._readers: dict[tuple[str, str], list[tuple[Any, int]]] = defaultdict(list)
        for scope, body in self._bodies.items():
            for node in body:
                for place, name in enumerate(node.input):
                    self._readers[scope, name.split(":")[0]].append((node, place))

    def count(self) -> int:
        total = 0
        for scope, body in self._bodies.items():
            for node in body:
                if node.op == "Const" and "value" in node.attr and node.attr["dtype"].type in _FLOATS:
                    uses = list(self._uses(scope, node.name, set()))
                    if uses and not any(self._is_statistic(use) or self._is_window(use) for use in uses):
                        total += _length(node)
        return total

    def _uses(self, scope: str, name: str, seen: set[tuple[str, str]]) -> Iterator[_Use]:
        """Yield who reads a tensor, behind what only hands it on or into a function."""
        if (scope, name) in seen:
            return
        seen.add((scope, name))
        for node, place in self._readers.get((scope, name), ()):
            function = self._functions.get(node.attr["f"].func.name) if "f" in node.attr else None
            if node.op in _PASSING and place == 0:
                yield from self._uses(scope, node.name, seen)
            elif node.op in _CALLS and function and place < len(function.signature.input_arg):
                yield from self._uses(function.signature.name, function.signature.input_arg[place].name, seen)
            else:
                yield scope, node, place

    def _is_statistic(self, use: _Use) -> bool:
        """Tell a mean or a variance, which are subtracted and divided by, from what is learned."""
        scope, node, place = use
        if node.op.startswith("FusedBatchNorm"):
            return place > 2
        if node.op in ("Sub", "Div", "RealDiv"):
            return place == 1
        if node.op not in ("Add", "AddV2", "Mul"):
            return node.op in _ROOTS
        further = list(self._uses(scope, node.name, set()))
        if node.op == "Mul":  # the mean, scaled before it is subtracted
            return bool(further) and all(reader.op == "Sub" and at == 1 for _, reader, at in further)
        return bool(further) and all(reader.op in _ROOTS for _, reader, _ in further)

    def _is_window(self, use: _Use) -> bool:
        scope, node, place = use
        if node.op != "Mul":
            return False
        others = [self._ops.get((scope, name.split(":")[0])) for i, name in enumerate(node.input) if i != place]
        return "IRFFT" in others or any(reader.op == "RFFT" for _, reader, _ in self._uses(scope, node.name, set()))


def _length(constant: Any) -> int:
    """Return how many numbers a constant holds; one that stands alone has no axes, and holds none that counts."""
    sizes = [max(0, dim.size) for dim in constant.attr["value"].tensor.tensor_shape.dim]
    return math.prod(sizes) if sizes else 0
