"""Translated graphs give what Essentia's TensorFlow gives."""

import os
import re
import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from architectures import Net

from embviz import get_model
from embviz.errors import GraphError
from embviz.inference.essentia import EssentiaSession
from embviz.inference.graph import Graph
from embviz.inference.onnx_files import load_onnx
from embviz.inference.onnx_passes import optimise
from embviz.inference.onnx_translation import translate
from embviz.models import find_weights
from embviz.models.convert.nodes import FLOAT, make

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


REFERENCE = Path(os.environ.get("EMBVIZ_REFERENCE", Path(__file__).resolve().parents[3] / "shared" / "reference"))


@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the reference graphs are not here")
@pytest.mark.parametrize(
    ("leaf", "shape"),
    [
        ("deeptemp_k16", (40, 256, 1)),
        ("small_vggish_init", (96, 64)),
        ("moods_mirex-msd-musicnn-1", (200,)),
        ("genre_discogs400-discogs-effnet-1", (1280,)),
        ("mtg_jamendo_top50tags-discogs-effnet-1", (1280,)),
    ],
)
def test_original_graphs_of_essentia_are_translated(leaf, shape):
    path = REFERENCE / f"{leaf}.pb"
    graph = Graph.read(path)
    source = next(name for name in graph.placeholders if graph.readable(name))
    nodes = tuple(node for node in graph.readable(source) if node != source)
    patches = 0.1 * RNG.standard_normal((2, *shape), np.float32)
    model = optimise(translate(graph, {source: (None, *shape)}, nodes))
    found = run_onnx(model.SerializeToString(), {source: patches}, nodes)
    expected = give(path, source, patches, nodes, {node: values.ndim for node, values in found.items()})
    assert {node for node in nodes if deviation(found[node], expected[node]) > 5e-5} == set()


def calling():
    """Return a graph that calls a function of two results twice, which itself calls one that normalises."""
    net, inner = Net(2), Net(3)
    net.placeholder("in", -1, 4, 3, 2)
    inner.normalise("layer", "x", 2)
    normal = net.graph.library.function.add()
    normal.signature.name = "normal"
    normal.signature.input_arg.add(name="x", type=FLOAT)
    normal.signature.output_arg.add(name="y", type=FLOAT)
    normal.ret["y"] = "layer/FusedBatchNorm:y:0"
    normal.node_def.extend(inner.graph.node)
    for node in normal.node_def[:-1]:
        normal.node_def[-1].input[:] = [f"{i}:output:0" if i == node.name else i for i in normal.node_def[-1].input]
    both = net.graph.library.function.add()
    both.signature.name = "both"
    both.signature.input_arg.add(name="data", type=FLOAT)
    for name, given in (("high", "rectified:activations:0"), ("low", "call:output:0")):
        both.signature.output_arg.add(name=name, type=FLOAT)
        both.ret[name] = given
    both.node_def.append(call("call", "normal", "data"))
    both.node_def.append(make("rectified", "Relu", ["call:output:0"], T=FLOAT))
    net.graph.node.append(call("first", "both", "in"))
    net.graph.node.append(call("second", "both", "first:1"))
    net.add("sum", "Add", "second", "second:1")
    return net.graph


def call(name, function, given):
    node = make(name, "PartitionedCall", [given])
    node.attr["f"].func.name = function
    node.attr["Tin"].list.type.append(FLOAT)
    node.attr["Tout"].list.type.extend([FLOAT] * (2 if function == "both" else 1))
    return node


def test_calls_of_functions_are_followed(tmp_path):
    graph, asked = calling(), ("first", "second:1", "sum")
    path = tmp_path / "calling.pb"
    path.write_bytes(graph.SerializeToString())
    patches = RNG.standard_normal((2, 4, 3, 2), np.float32)
    model = translate(Graph(graph), {"in": (None, 4, 3, 2)}, asked)
    found = run_onnx(model.SerializeToString(), {"in": patches}, asked)
    expected = give(path, "in", patches, asked, dict.fromkeys(asked, 4))
    assert {node for node in asked if deviation(found[node], expected[node]) > 5e-6} == set()


def test_a_function_that_calls_itself_is_refused():
    graph = calling()
    graph.library.function[0].node_def.append(call("again", "both", "x"))
    with pytest.raises(GraphError, match="a function that calls itself"):
        translate(Graph(graph), {"in": (None, 4, 3, 2)}, ("sum",))


@pytest.mark.parametrize(
    ("given", "message"),
    [("layer/FusedBatchNorm:batch_mean:0", "reads the result 'batch_mean'"), ("away:y:0", "node 'second|call|away'")],
)
def test_a_result_of_a_function_that_is_not_there_is_named(given, message):
    graph = calling()
    graph.library.function[0].ret["y"] = given
    with pytest.raises(GraphError, match=re.escape(message)):
        translate(Graph(graph), {"in": (None, 4, 3, 2)}, ("sum",))


def test_a_function_that_is_not_there_is_named():
    graph = calling()
    del graph.library.function[1]
    with pytest.raises(GraphError, match="calls a function at 'first' that it does not hold"):
        translate(Graph(graph), {"in": (None, 4, 3, 2)}, ("sum",))


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
