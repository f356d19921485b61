"""The shapes of all nodes, whoever runs the graph."""

import pytest
from architectures import Net

from embviz.core import essentia
from embviz.errors import GraphError
from embviz.inference import shapes
from embviz.models import get_model
from embviz.models.weights import find_weights


@pytest.mark.parametrize("name", ["vgg", "tempocnn"])
def test_shapes_without_essentia_are_those_that_tensorflow_finds(home, monkeypatch, name):
    model = get_model(name)
    arguments = find_weights(model).path, model.input_node, model.input_shape
    with_it = shapes._compute_shapes(*arguments)
    monkeypatch.setattr(essentia, "version", str)
    monkeypatch.setattr(shapes, "EssentiaSession", None)
    assert shapes._compute_shapes(*arguments) == with_it


def test_what_only_essentia_runs_is_told_with_how_to_get_it(tmp_path, monkeypatch):
    net = Net(1)
    net.add("y", "Erfinv", net.placeholder("x", -1, 4))
    (tmp_path / "a.pb").write_bytes(net.graph.SerializeToString())
    monkeypatch.setattr(essentia, "version", str)
    monkeypatch.setattr(essentia.sys, "platform", "win32")
    with pytest.raises(GraphError, match=r"'Erfinv'.* Essentia, which may, is not installed: it has wheels for Python"):
        shapes._compute_shapes(tmp_path / "a.pb", "x", (4,))
