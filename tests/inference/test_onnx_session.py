"""ONNX Runtime beside Essentia: every named layer, whatever the hop, and what patches share."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from embviz.audio import Audio
from embviz.errors import EngineError, GraphError, NotFiniteError
from embviz.extraction.frontends import FRONTENDS, cut_patches
from embviz.extraction.mel import mel_spectrogram
from embviz.inference import onnx_session
from embviz.inference.essentia import EssentiaSession
from embviz.inference.onnx_session import OnnxSession
from embviz.inference.session import OverlappingPatches
from embviz.models import get_model
from embviz.models.weight_store import layer_shapes
from embviz.models.weights import find_weights

LENGTH = 187
INNER, LAST = 5e-4, 5e-5  # of a layer's standard deviation


@pytest.fixture(scope="module")
def mel(rock) -> Any:
    samples = Audio.open(rock).mono(16_000, quality=4)[: 30 * 16_000]
    return mel_spectrogram(np.ascontiguousarray(samples), FRONTENDS["musicnn"])


@cache
def opened(name: str) -> SimpleNamespace:
    """Return the sessions of a model, which give all of its named layers."""
    model = get_model(name)
    weights = find_weights(model)
    shapes = layer_shapes(model, weights)
    layers = {layer.name: layer.nodes[0] for layer in model.known_layers}
    ranks = {node: 1 + len(shapes[node]) for node in layers.values()}
    sessions = {
        "essentia": EssentiaSession(
            weights.path, model.input_node, len(model.input_shape) + 1, tuple(ranks), ranks=ranks
        ),
        "onnx": OnnxSession(weights.path, model.input_node, tuple(ranks), sha256=weights.sha256),
    }
    return SimpleNamespace(layers=layers, weights=weights, input=model.input_node, **sessions)


def compare(name: str, patches: Any) -> None:
    model = opened(name)
    expected, found = (session.run({model.input: patches}) for session in (model.essentia, model.onnx))
    for layer, node in model.layers.items():
        assert found[node].shape == expected[node].shape, layer
        off = np.abs(found[node] - expected[node]).max() / (expected[node].std() or 1)
        assert off < (LAST if layer in ("embedding", "output") else INNER), layer


@pytest.mark.usefixtures("weights_home")
@pytest.mark.parametrize(
    ("name", "hop", "count"),
    [("musicnn", 93, 3), ("musicnn", 93, 1), ("musicnn", 6, 5), ("musicnn", 1, 3), ("vgg", 93, 2), ("vgg", 6, 4)],
)
def test_layers_are_essentia_s_at_every_hop(name, hop, count, mel):
    first = len(mel) - (count - 1) * hop - LENGTH  # the end of a track, which is not the same all over
    compare(name, OverlappingPatches(mel[first:], LENGTH, hop))


@pytest.mark.usefixtures("weights_home")
@pytest.mark.parametrize("name", ["musicnn", "vgg"])
def test_layers_are_essentia_s_for_silence_noise_and_short_clips(name, mel):
    noise = np.random.default_rng(0).standard_normal(5 * 16_000, dtype=np.float32)
    frontend = FRONTENDS["musicnn"]
    for frames in (np.zeros((280, 96), np.float32), mel_spectrogram(100 * noise, frontend), mel[:50]):
        patches = cut_patches(frames, frontend, patch_frames=LENGTH, hop=93 * frontend.hop)
        compare(name, patches.batch(0, len(patches)))


@pytest.mark.usefixtures("weights_home")
def test_layers_of_patches_that_share_nothing_are_essentia_s(rock):
    frontend = FRONTENDS["tempocnn"]
    samples = Audio.open(rock).mono(11_025, quality=4)[: 30 * 11_025]
    patches = cut_patches(mel_spectrogram(samples, frontend), frontend, patch_frames=256, hop=128 * frontend.hop)
    compare("tempocnn", patches.batch(0, len(patches)))


@pytest.mark.usefixtures("weights_home")
@pytest.mark.parametrize(("name", "hop"), [("musicnn", 93), ("musicnn", 6), ("vgg", 6)])
def test_sharing_does_not_change_a_bit(name, hop, mel):
    model = opened(name)
    patches = OverlappingPatches(mel[: 9 * hop + LENGTH], LENGTH, hop)
    shared, alone = (model.onnx.run({model.input: given}) for given in (patches, patches.stack()))
    assert model.onnx._cuts[hop] is not None
    assert all(np.array_equal(shared[node], alone[node]) for node in shared)


@pytest.mark.usefixtures("weights_home")
@pytest.mark.parametrize("name", ["musicnn", "vgg"])
def test_a_patch_gets_the_same_bits_in_every_batch(name, mel):
    model = opened(name)
    patches = OverlappingPatches(mel[: 9 * 93 + LENGTH], LENGTH, 93)
    together = model.onnx.run({model.input: patches})
    for first, stop in ((0, 1), (1, 3), (2, 9), (9, 10)):
        some = model.onnx.run({model.input: patches[first:stop]})
        for layer, node in model.layers.items():
            assert np.array_equal(some[node], together[node][first:stop]), (layer, first, stop)


@pytest.mark.usefixtures("weights_home")
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 3e38])
def test_what_is_not_finite_is_left_to_essentia(bad, mel):
    model = opened("musicnn")
    frames = mel[:LENGTH].copy()
    frames[90, 40] = bad
    with pytest.raises(NotFiniteError, match="finite"):
        model.onnx.run({model.input: OverlappingPatches(frames, LENGTH, 93)})
    with pytest.raises(NotFiniteError, match="finite"):
        model.onnx.run({model.input: frames[np.newaxis]})


class Starved:
    """A session that has memory for a few patches."""

    def __init__(self, session: Any, most: int) -> None:
        self._session, self._most = session, most

    def run(self, outputs: Any, feeds: Any) -> Any:
        if len(next(iter(feeds.values()))) > self._most:
            raise RuntimeError("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Failed to allocate memory for a buffer")
        return self._session.run(outputs, feeds)


@pytest.mark.usefixtures("weights_home")
def test_patches_that_do_not_fit_into_memory_are_run_one_by_one(monkeypatch, mel):
    model = opened("musicnn")
    patches = OverlappingPatches(mel[: 5 * 93 + LENGTH], LENGTH, 93)
    expected = model.onnx.run({model.input: patches})
    cut = model.onnx._cuts[93]
    for network in (cut._front, cut._rest):
        monkeypatch.setattr(network, "_session", Starved(network._session, 1))
    found = model.onnx.run({model.input: patches})
    assert all(np.array_equal(found[node], expected[node]) for node in expected)
    monkeypatch.setattr(cut._rest, "_session", Starved(None, 0))
    with pytest.raises(GraphError, match=r"not enough memory to run 'msd-musicnn-1\.pb' on a single patch"):
        model.onnx.run({model.input: patches})


@pytest.mark.usefixtures("weights_home")
@pytest.mark.parametrize(
    ("package", "module", "sentence"),
    [
        ("onnxruntime", None, "ONNX Runtime is not installed; get it with"),
        ("onnxruntime", SimpleNamespace(), "ONNX Runtime is damaged; get it with"),
        (
            "onnxruntime",
            SimpleNamespace(__version__="1.4.0", InferenceSession=None),
            "ONNX Runtime 1.20 is expected, 1.4.0 was found",
        ),
        ("onnx", None, "The package onnx is not installed; get it with `pip install -U onnx`"),
    ],
)
def test_an_engine_that_is_not_to_be_had_is_said_so(monkeypatch, package, module, sentence):
    monkeypatch.setitem(sys.modules, package, module)
    weights = find_weights(get_model("musicnn"))
    with pytest.raises(EngineError, match=sentence):
        OnnxSession(weights.path, "model/Placeholder", ("model/Sigmoid",), sha256=weights.sha256)


FORKED = """
import multiprocessing
from embviz.inference import isolation, onnx_session

def work():
    return len(onnx_session._run_all(lambda block: block, [{}, {}])), isolation.run_isolated(abs, -1, what="")

print(work())
with multiprocessing.get_context("fork").Pool(1) as pool:
    print(pool.apply_async(work).get(timeout=60))
print(work())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is forked there")
def test_a_forked_process_runs_what_its_parent_ran():
    found = subprocess.run([sys.executable, "-c", FORKED], check=True, capture_output=True, text=True, timeout=120)
    assert found.stdout.split("\n")[:-1] == ["(2, 1)"] * 3


def test_a_model_that_does_not_load_is_said_so():
    with pytest.raises(GraphError, match=r"ONNX Runtime cannot run 'x\.pb'"):
        onnx_session.Network(b"no model", "'x.pb'")


@pytest.mark.parametrize(
    ("available", "works", "expected"),
    [
        (["CPUExecutionProvider"], True, ["CPUExecutionProvider"]),
        (["CUDAExecutionProvider"], True, [("CUDAExecutionProvider", {"use_tf32": "0"}), "CPUExecutionProvider"]),
        (["CUDAExecutionProvider"], False, ["CPUExecutionProvider"]),
    ],
)
def test_a_gpu_is_used_where_it_works(available, works, expected):
    def start(_model: Any, _options: Any, *, providers: list[Any], enable_fallback: int = 1) -> list[Any]:
        if len(providers) > 1 and not works:
            raise RuntimeError("no driver")
        return providers

    runtime = SimpleNamespace(get_available_providers=lambda: available, InferenceSession=start)
    assert onnx_session._open(runtime, b"", None) == expected
