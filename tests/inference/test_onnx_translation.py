"""Translated graphs give what Essentia's TensorFlow gives."""

import numpy as np
import onnxruntime
import pytest

from embviz import get_model
from embviz.inference.essentia import EssentiaSession
from embviz.inference.graph import Graph
from embviz.inference.onnx_files import load_onnx
from embviz.models import find_weights

RNG = np.random.default_rng(0)


def run_onnx(data, inputs, outputs):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return dict(zip(outputs, session.run(list(outputs), inputs), strict=True))


def deviation(values, expected):
    """Return the largest difference over the standard deviation."""
    assert values.shape == expected.shape
    return np.abs(values - expected).max() / max(expected.std(), 1e-9)


@pytest.mark.parametrize("name", ["msd-musicnn-1", "msd-vgg-1", "mtt-vgg-1", "deepsquare-k8", "deeptemp-k4"])
def test_every_readable_node_of_a_real_model_equals_essentias(name):
    weights, asked = find_weights(name), get_model(name)
    if weights is None:
        pytest.skip(f"no weights of {name}")
    graph = Graph.read(weights.path)
    nodes = tuple(node for node in graph.readable(asked.input_node) if node != asked.input_node)
    patches = RNG.standard_normal((3, *asked.input_shape), np.float32) + 2
    found = run_onnx(
        load_onnx(weights.path, weights.sha256, asked.input_node, nodes), {asked.input_node: patches}, nodes
    )
    ranks = {node: values.ndim for node, values in found.items()}
    expected = EssentiaSession(weights.path, asked.input_node, patches.ndim, nodes, ranks=ranks).run(
        {asked.input_node: patches}
    )
    assert {node: deviation(found[node], expected[node]) < 5e-4 for node in nodes} == dict.fromkeys(nodes, True)
