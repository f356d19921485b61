"""The shapes of all nodes, whoever runs the graph."""

import pytest

from embviz.core import essentia
from embviz.errors import GraphError
from embviz.inference import shapes
from embviz.inference.onnx_fourier import COMPLEX
from embviz.models import get_model
from embviz.models.weights import find_weights


@pytest.mark.parametrize("name", ["vgg", "tempocnn", "spleeter"])
def test_shapes_without_essentia_are_those_that_tensorflow_finds(home, monkeypatch, name):
    model = get_model(name)
    arguments = find_weights(model).path, model.input_node, model.input_shape
    with_it = shapes._compute_shapes(*arguments)
    monkeypatch.setattr(essentia, "version", str)
    monkeypatch.setattr(shapes, "EssentiaSession", None)
    assert shapes._compute_shapes(*arguments) == with_it


def test_what_only_essentia_runs_is_told_with_how_to_get_it(home, monkeypatch):
    model = get_model("spleeter")
    monkeypatch.setattr(essentia, "version", str)
    monkeypatch.setattr(essentia.sys, "platform", "win32")
    monkeypatch.delitem(COMPLEX, "RFFT")
    with pytest.raises(
        GraphError, match=r"RFFT.* Essentia, which may, is not installed: it has wheels for Python 3.11"
    ):
        shapes._compute_shapes(find_weights(model).path, model.input_node, model.input_shape)
