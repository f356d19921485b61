"""ONNX models that are published beside frozen graphs; they serve where a graph cannot be translated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from embviz.errors import GraphError
from embviz.inference.graph import split_tensor

if TYPE_CHECKING:
    from onnx import ModelProto

LARGEST = 1 << 30  # bytes


def find_published(graph: Path) -> Path | None:
    """Return the ONNX model beside a graph, which has its name; None where there is none."""
    path = graph.with_suffix(".onnx")
    return path if path.is_file() else None


def stamp_published(graph: Path) -> list[int]:
    """Return what changes when the model beside a graph does; empty where there is none."""
    path = find_published(graph)
    return [] if path is None else [path.stat().st_size, path.stat().st_mtime_ns]


def read_published(path: Path, input_node: str, outputs: Sequence[str]) -> ModelProto:
    """Return the part of a published model that gives some tensors, which are called as in the graph.

    Parameters
    ----------
    path : path
        The model.
    input_node : str
        The graph's placeholder to feed.
    outputs : sequence of str
        Tensors to be given, by their names in the graph.

    Raises
    ------
    GraphError
        If it cannot be read, has not all of the tensors, or takes a fixed number of patches.
    """
    import onnx
    from onnx.utils import Extractor

    try:
        if path.stat().st_size > LARGEST:
            raise GraphError(f"{path.name!r} is too large: at most {LARGEST >> 20} MB are expected.")
        # Weights in other files could be any file of this machine.
        model = onnx.load_model(path, load_external_data=False)
        if any(one.data_location == onnx.TensorProto.EXTERNAL for one in model.graph.initializer):
            raise GraphError(f"{path.name!r} has weights in other files, which are not read.")
        onnx.checker.check_model(model)
        model = onnx.shape_inference.infer_shapes(model)
        own = _names(model)
        if missing := [name for name in (input_node, *outputs) if split_tensor(name) not in own]:
            raise GraphError(f"{path.name!r} has no tensor {missing[0]!r}.")
        source = own[split_tensor(input_node)]
        part = Extractor(model).extract_model([source], sorted({own[split_tensor(name)] for name in outputs}))
        return _rename(part, source, input_node, {name: own[split_tensor(name)] for name in outputs}, path.name)
    except GraphError:
        raise
    except Exception as error:  # whatever a damaged file comes to
        raise GraphError(f"{path.name!r} cannot be read as an ONNX model: {type(error).__name__}.") from error


def _names(model: ModelProto) -> dict[tuple[str, int], str]:
    """Return the tensors that a model has, by the graph's tensors, of which they have the names."""
    given = [each.name for each in model.graph.input]
    return {split_tensor(name): name for name in [*given, *(name for node in model.graph.node for name in node.output)]}


def _rename(model: ModelProto, source: str, input_node: str, outputs: dict[str, str], file: str) -> ModelProto:
    from onnx import TensorProto, helper

    graph = model.graph
    [taken] = (each for each in graph.input if each.name == source)
    dims = taken.type.tensor_type.shape.dim
    if not dims or dims[0].HasField("dim_value"):
        raise GraphError(f"{file!r} takes a fixed number of patches; one whose first axis is open is expected.")
    taken.name = input_node
    for node in graph.node:
        node.input[:] = [input_node if name == source else name for name in node.input]
    del graph.output[:]
    for name, own in outputs.items():
        if name != own:
            graph.node.append(helper.make_node("Identity", [own], [name]))
        graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    return model
