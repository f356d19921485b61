"""ONNX graphs that grow node by node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np

from embviz.errors import GraphError
from embviz.inference.inlining import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import NodeProto

#: How a message begins about what is not translated.
REFUSED = "ONNX Runtime cannot run the graph"
#: What an operation makes: its first result, or all of them.
Made: TypeAlias = str | Sequence[str]
#: What translates one operation: it takes the graph that grows, the operation, and what its inputs are called there.
Translation: TypeAlias = Callable[..., Made]


def translates(table: dict[str, Translation], *ops: str) -> Callable[[Translation], Translation]:
    """Enter a function into a table, under the operations that it translates."""

    def enter(translation: Translation) -> Translation:
        table.update(dict.fromkeys(ops, translation))
        return translation

    return enter


@dataclass
class Writer:
    """An ONNX graph that grows node by node; what depends on constants alone is computed at once.

    Attributes
    ----------
    nodes : list of NodeProto
        In an order in which they can be run.
    tensors : dict
        What each tensor of the TensorFlow graph is called here.
    imaginary : dict of str to str
        The imaginary part of a complex tensor, by its real part, which it goes by.
    scope : str
        Node that is being translated; what is made for it is named after it.
    """

    nodes: list[NodeProto] = field(default_factory=list)
    tensors: dict[Tensor, str] = field(default_factory=dict)
    imaginary: dict[str, str] = field(default_factory=dict)
    scope: str = ""
    _constants: dict[str, NDArray[Any]] = field(default_factory=dict)
    _count: int = 0

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Append a node of one result, and return that."""
        return self.add_many(op, 1, *inputs, **attributes)[0]

    def add_many(self, op: str, results: int, *inputs: str, **attributes: Any) -> list[str]:
        """Append a node of several results, and return them."""
        from onnx import helper
        from onnx.reference import ReferenceEvaluator

        names = [self._new_name() for _ in range(results)]
        node = helper.make_node(op, list(inputs), names, **attributes)
        if self._constants.keys() >= set(inputs):
            values = ReferenceEvaluator(node).run(None, {name: self._constants[name] for name in inputs})
            self._constants.update(zip(names, cast("list[Any]", values), strict=True))
        else:
            self.nodes.append(node)
        return names

    def constant(self, values: Any) -> str:
        """Return the name of a constant; integers become int64."""
        array = np.asarray(values)
        name = self._new_name()
        self._constants[name] = array.astype(np.int64) if array.dtype.kind in "iu" else array
        return name

    def value(self, name: str) -> NDArray[Any]:
        """Return the values of a tensor that does not depend on the input."""
        if name not in self._constants:
            raise GraphError(f"{REFUSED}: what {self.scope!r} does depends on what the graph is fed with.")
        return self._constants[name]

    def integers(self, name: str) -> list[int]:
        """Return the values of such a tensor as whole numbers."""
        return [int(value) for value in self.value(name).reshape(-1)]

    def join_complex(self, real: str, imaginary: str) -> str:
        """Return the name of a complex tensor of two parts."""
        self.imaginary[real] = imaginary
        return real

    def pads(self, paddings: str) -> str:
        """Return padding as ONNX tells it: all beginnings, then all ends, where TensorFlow goes axis by axis."""
        return self.add("Reshape", self.add("Transpose", paddings, perm=(1, 0)), self.constant([-1]))

    def initializers(self) -> list[Any]:
        """Return the constants that nodes read."""
        from onnx import numpy_helper

        read = {name for node in self.nodes for name in node.input}
        return [numpy_helper.from_array(np.asarray(v), name) for name, v in self._constants.items() if name in read]

    def _new_name(self) -> str:
        self._count += 1
        return f"{self.scope}#{self._count}"
