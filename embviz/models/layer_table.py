"""The table of a model's layers, read from its graph where the weights are present."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embviz.errors import WeightsError
from embviz.models import weight_store
from embviz.models.layer import Layer

if TYPE_CHECKING:
    import pandas as pd

    from embviz.models.model import Model
    from embviz.models.weight_store import Weights


def layer_table(model: Model, *, all_nodes: bool) -> pd.DataFrame:
    """Return one row per layer; see :meth:`embviz.models.Model.layers`."""
    import pandas as pd

    weights = None if model.identity else weight_store.locate(model)
    if weights is not None:
        rows = _rows_of_graph(model, weights, all_nodes)
    elif all_nodes and not model.identity:
        remedy = f"run `embviz pull {model.name}` first"
        raise WeightsError(f"The nodes of {model.name!r} are read from its weights, which are not here; {remedy}.")
    else:
        rows = [_row(layer, layer.shape, None) for layer in model.known_layers]
    return pd.DataFrame(rows).astype({"receptive_field": "Int64", "in_graph": "boolean"})


def _rows_of_graph(model: Model, weights: Weights, all_nodes: bool) -> list[dict[str, Any]]:
    from embviz.inference.graph import Graph

    read = Graph.read(weights.path)
    shapes = weight_store.layer_shapes(model, weights)
    rows, described = [], set[str]()
    for layer in model.known_layers:
        there = layer.find_in(read)
        shape = there.joined_shape(shapes) if there else ()
        rows.append(_row(there or layer, shape or layer.shape, there is not None))
        described.update(there.nodes if there and len(there.nodes) == 1 else ())
    if all_nodes:
        rest = (node for node in shapes if node not in described and node != model.input_node)
        rows += [_row(Layer.of_node(node, read), shapes[node], True) for node in rest]
    return rows


def _row(layer: Layer, shape: tuple[int, ...], in_graph: bool | None) -> dict[str, Any]:
    return {
        "name": layer.name,
        "node": " + ".join(layer.nodes),
        "shape": shape,
        "axes": layer.axes,
        "meaning": layer.meaning,
        "receptive_field": layer.receptive_field,
        "unit": layer.unit,
        "in_graph": in_graph,
    }
