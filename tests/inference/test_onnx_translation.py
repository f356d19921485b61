"""Translated graphs give what Essentia's TensorFlow gives."""

import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from architectures import Net

from embviz import get_model
from embviz.inference.essentia import EssentiaSession
from embviz.inference.graph import Graph
from embviz.inference.onnx_files import load_onnx
from embviz.inference.onnx_passes import optimise
from embviz.inference.onnx_translation import translate
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
    return float(np.abs(values - expected).max() / max(expected.std(), 1e-9))


def give(path, input_node, patches, nodes, ranks):
    """Return what Essentia gives."""
    return EssentiaSession(path, input_node, patches.ndim, nodes, ranks=ranks).run({input_node: patches})


REAL = [
    "msd-musicnn-1",
    "mtt-musicnn-1",
    "msd-vgg-1",
    "mtt-vgg-1",
    *(f"deepsquare-k{k}" for k in (1, 2, 4, 8)),
    *(f"deeptemp-k{k}" for k in (2, 4, 8)),
]


@pytest.mark.parametrize("name", REAL)
def test_every_readable_node_of_a_real_model_equals_essentias(name, tmp_path):
    weights, model = find_weights(name), get_model(name)
    if weights is None:
        pytest.skip(f"no weights of {name}")
    path = Path(shutil.copy(weights.path, tmp_path))
    nodes = tuple(node for node in Graph.read(path).readable(model.input_node) if node != model.input_node)
    patches = RNG.standard_normal((2, *model.input_shape), np.float32) + 2

    def run(*asked):
        return run_onnx(load_onnx(path, weights.sha256, model.input_node, asked), {model.input_node: patches}, asked)

    found = run(*nodes)
    expected = give(path, model.input_node, patches, nodes, {node: values.ndim for node, values in found.items()})
    assert {node for node in nodes if deviation(found[node], expected[node]) > 5e-4} == set()
    # Where nothing in between is asked for, operations are joined and moved.
    alone = run(*model.layer("embedding").nodes, nodes[-1])
    assert {node for node in alone if deviation(alone[node], expected[node]) > 5e-5} == set()


def pooled(factors, *, again=False):
    """Return a graph whose maxima are taken behind a convolution, ReLU and a scale that is negative in places."""
    net = Net(1)
    data = net.convolve("convolution", net.placeholder("in", -1, 12, 9, 1), (3, 3, 1, len(factors)))
    data = net.add("relu", "Relu", data)
    scaled = net.add("scaled", "Mul", data, net.constant("factors", np.array(factors, np.float32)))
    moved = net.add("moved", "Add", scaled, net.normal("summands", len(factors), scale=1))
    net.pool("pool", moved, 1, 3)
    if again:
        net.add("twice", "Add", "convolution/BiasAdd", "convolution/BiasAdd")
    return net.graph


@pytest.mark.parametrize("channels", [3, 20, 32])
def test_maxima_are_taken_first_whatever_the_signs_and_the_number_of_channels(channels, tmp_path):
    graph = pooled(np.random.default_rng(3).standard_normal(channels))
    path = tmp_path / "pooled.pb"
    path.write_bytes(graph.SerializeToString())
    patches = RNG.standard_normal((2, 12, 9, 1), np.float32)
    expected = give(path, "in", patches, ("pool",), {"pool": 4})
    literal = translate(Graph(graph), {"in": (None, 12, 9, 1)}, ("pool",))
    fast = optimise(literal)
    ops = [node.op_type for node in fast.graph.node]
    assert ops.index("MaxPool") < ops.index("Relu")
    (values,) = run_onnx(fast.SerializeToString(), {"in": patches}, ("pool",)).values()
    assert deviation(values, expected["pool"]) < 5e-6
    assert (values == run_onnx(literal.SerializeToString(), {"in": patches}, ("pool",))["pool"]).all()


@pytest.mark.parametrize("asked", ["convolution/BiasAdd", "relu", "scaled", "twice"])
def test_what_is_asked_for_or_read_before_the_maximum_stays_what_it_is(asked, tmp_path):
    graph = pooled([-1, 2, -3], again=True)
    path = tmp_path / "pooled.pb"
    path.write_bytes(graph.SerializeToString())
    patches = RNG.standard_normal((2, 12, 9, 1), np.float32)
    nodes = ("pool", asked)
    fast = optimise(translate(Graph(graph), {"in": (None, 12, 9, 1)}, nodes))
    found, expected = (
        run_onnx(fast.SerializeToString(), {"in": patches}, nodes),
        give(path, "in", patches, nodes, dict.fromkeys(nodes, 4)),
    )
    assert {node for node in nodes if deviation(found[node], expected[node]) > 5e-6} == set()
