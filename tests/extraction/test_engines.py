"""The engines that run networks: the same numbers, which of them is chosen, and what of it is remembered."""

# ruff: noqa: PD011  embeddings are no DataFrames

import json
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import numpy as np
import onnx
import pandas as pd
import pytest
import soundfile
from filelock import FileLock

import embviz
from embviz.batch import embed_table, executors
from embviz.errors import EngineError, GraphError, NotFiniteError, OptionError
from embviz.extraction import extract, trust
from embviz.extraction.extract import LayerSpec
from embviz.inference import onnx_files, onnx_passes
from embviz.inference.session_pool import sessions
from embviz.models import get_model

INNER, LAST = 5e-4, 5e-5  # of a layer's standard deviation
TEMPO = "deepsquare-k8"


@pytest.fixture(scope="module")
def excerpt(rock, tmp_path_factory):
    """Thirteen seconds of the rock track."""
    samples, rate = soundfile.read(rock, dtype="float32", start=30 * 44_100, stop=43 * 44_100)
    path = tmp_path_factory.mktemp("excerpt") / "excerpt.wav"
    soundfile.write(path, samples, rate, subtype="FLOAT")
    return path


@pytest.fixture
def own_weights(weights_home, tmp_path, monkeypatch):
    """A home with the weights of a Tempo-CNN, of which nothing is known yet; its folder of weights."""
    folder = tmp_path / "data" / "models"
    folder.mkdir(parents=True)
    for suffix in ("pb", "weights.json", "shapes.json"):
        shutil.copy(weights_home / "data" / "models" / f"{TEMPO}.{suffix}", folder)
    monkeypatch.setenv("EMBVIZ_HOME", str(tmp_path))
    forget()
    yield folder
    forget()


def forget():
    """Have engines compared as in a new process."""
    trust._known.clear()
    sessions.clear()


def verdicts(folder):
    return json.loads((folder / f"{TEMPO}.engines.json").read_bytes())["verdicts"]


def off(found, expected):
    return np.abs(found.values - expected.values).max() / (expected.values.std(dtype=np.float64) or 1)


# The numbers. ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("weights_home")
@pytest.mark.parametrize("model", ["musicnn", "vgg", "tempocnn"])
def test_every_layer_is_essentia_s_from_sound_to_array(excerpt, model):
    layers = [layer.name for layer in get_model(model).known_layers]
    samples, rate = soundfile.read(excerpt, dtype="float32", frames=(13 if model == "tempocnn" else 5) * 44_100)
    ours, theirs = (
        embviz.embed((samples, rate), model, layer=layers, engine=engine, cache=False)
        for engine in ("onnx", "essentia")
    )
    for one, other in zip(ours, theirs, strict=True):
        assert (one.info["engine"], other.info["engine"]) == ("onnx", "essentia")
        assert one.grid == other.grid
        assert one.labels == other.labels
        assert off(one, other) < (LAST if one.layer in ("embedding", "output") else INNER), one.layer


@pytest.mark.usefixtures("weights_home")
def test_what_is_not_finite_takes_essentia_s_way(excerpt, monkeypatch):
    real = extract.mel_spectrogram

    def spoilt(*arguments, **options):
        mel = real(*arguments, **options)
        mel[100] = np.nan
        return mel

    monkeypatch.setattr(extract, "mel_spectrogram", spoilt)
    found, exact = (embviz.embed(excerpt, "musicnn", engine=engine, cache=False) for engine in ("auto", "essentia"))
    assert found.info["engine"] == "essentia"
    assert np.array_equal(found.values, exact.values, equal_nan=True)
    with pytest.raises(NotFiniteError, match="finite"):
        embviz.embed(excerpt, "musicnn", engine="onnx", cache=False)


# The option. -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("weights_home")
@pytest.mark.parametrize("engine", ["tensorflow", "", None, 3, ["onnx"]])
def test_an_engine_that_there_is_not_is_said_so(excerpt, engine):
    sentence = r"engine is one of 'auto', 'essentia', 'onnx'; .* was found\."
    collection = embviz.Collection.from_paths([excerpt])
    for call in (
        lambda: embviz.embed(excerpt, "musicnn", engine=engine),
        lambda: collection.embed("musicnn", engine=engine, progress=False),
        lambda: collection.map("musicnn", engine=engine),
        lambda: embviz.Explorer(engine=engine),
    ):
        with pytest.raises(OptionError, match=sentence):
            call()


# The cache. --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("weights_home")
@pytest.mark.parametrize(("engine", "other"), [("essentia", "onnx"), ("onnx", "essentia")])
def test_what_either_engine_computed_serves_who_names_none(excerpt, cache, monkeypatch, engine, other):
    kept = embviz.embed(excerpt, "tempocnn", engine=engine, cache=cache)
    monkeypatch.setattr(extract, "run_passes", None)
    found = embviz.embed(excerpt, "tempocnn", cache=cache)
    assert np.array_equal(found.values, kept.values)
    assert found.info["engine"] == engine
    collection = embviz.Collection.from_paths([excerpt])
    assert len(collection.embed("tempocnn", cache=cache, progress=False)) == 1
    with pytest.raises(TypeError):
        embviz.embed(excerpt, "tempocnn", engine=other, cache=cache)
    assert len(list(cache.keys())) == 1


@pytest.mark.usefixtures("weights_home")
def test_the_key_of_what_essentia_computed_is_that_of_earlier_versions():
    key = LayerSpec.of(get_model("musicnn"), "embedding", None, engine="essentia").key("digest")
    assert sorted(key) == [
        "audio", "axes", "essentia", "format", "frontend", "layer", "model", "nodes", "patch_frames", "patch_hop",
        "resample_quality", "weights",
    ]  # fmt: skip
    other = LayerSpec.of(get_model("musicnn"), "embedding", None, engine="onnx").key("digest")
    assert {"engine", "onnxruntime", "translation"} <= other.keys()


# Trust. ------------------------------------------------------------------------------------------------------------


def test_a_translation_is_compared_once_on_a_machine(own_weights, excerpt, monkeypatch):
    stages = []
    embviz.embed(excerpt, TEMPO, cache=False, progress=lambda stage, *_: stages.append(stage))
    assert any(stage.startswith("comparing the engines") for stage in stages)
    (verdict,) = verdicts(own_weights)
    assert verdict["problem"] == ""
    assert 0 < verdict["difference"] < LAST
    forget()
    monkeypatch.setattr(trust, "_compare", None)
    assert embviz.embed(excerpt, TEMPO, cache=False).info["engine"] == "onnx"


def test_who_comes_to_a_model_at_once_has_it_compared_once(own_weights, monkeypatch):
    spec, compared, waiting = LayerSpec.of(get_model(TEMPO), "embedding", None), [], threading.Semaphore(0)

    def compare(subject, *_):
        compared.append(subject)
        assert all(waiting.acquire(timeout=60) for _ in range(2)), "nobody else came"
        return trust.Verdict(subject, ("node",), "", 1e-6)

    monkeypatch.setattr(trust, "_compare", compare)
    with ThreadPoolExecutor(2) as threads:
        chosen = list(threads.map(lambda _: extract.choose_engine([spec], lambda *_: waiting.release()), "ab"))
    assert chosen == ["onnx"] * 2
    assert len(compared) == 1


def test_processes_find_the_engines_compared(own_weights, excerpt, monkeypatch):
    compared, started = [], []

    def compare(subject, *_):
        compared.append(subject)
        return trust.Verdict(subject, ("node",), "", 1e-6)

    def start(*_, **__):
        started.append(list(compared))
        return executors.LocalThreads(1)

    monkeypatch.setattr(trust, "_compare", compare)
    monkeypatch.setattr(executors, "LocalProcesses", start)
    for _ in range(2):
        embed_table(pd.DataFrame({"path": [str(excerpt)]}), TEMPO, workers=2, cache=False)
    assert len(compared) == 1
    assert started == [compared, compared]


def test_who_waits_for_another_one_to_compare_can_cancel(own_weights, monkeypatch):
    monkeypatch.setattr(trust, "_compare", None)
    monkeypatch.setattr(trust, "WAIT", 0.01)
    reports = []

    def report(*said):
        reports.append(said)
        if len(reports) > 2:
            raise KeyboardInterrupt

    with FileLock(own_weights / f".{TEMPO}.engines.lock"), pytest.raises(KeyboardInterrupt):
        extract.choose_engine([LayerSpec.of(get_model(TEMPO), "embedding", None)], report)


NOTE = '{"verdicts": [{"subject": "subject", "nodes": [], "problem": "%s", "difference": %s}]}'


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b'{"verdicts": [1]}',
        b'{"verdicts": [{"subject": 1}]}',
        (NOTE % ("", "1" * 400)).encode(),
        (NOTE % (r"\u001b[2J", "1")).encode(),
        None,
    ],
)
def test_a_damaged_note_is_no_verdict(own_weights, damage):
    note = own_weights / f"{TEMPO}.engines.json"
    note.mkdir() if damage is None else note.write_bytes(damage)
    model = get_model(TEMPO)
    verdict = trust.Verdict("subject", ("node",), "", 1e-6)
    assert trust._recall(model, "subject") is None
    trust._note(model, verdict)
    assert trust._recall(model, "subject") == verdict
    assert trust._read_all(model) == ([] if damage is None else [verdict])


def test_a_translation_that_was_tampered_with_is_not_used(own_weights, excerpt):
    before = embviz.embed(excerpt, TEMPO, cache=False)
    (kept,) = own_weights.glob("*.onnx")
    tamper_with(kept)
    forget()
    found, exact = (embviz.embed(excerpt, TEMPO, engine=engine, cache=False) for engine in ("auto", "essentia"))
    assert (before.info["engine"], found.info["engine"]) == ("onnx", "essentia")
    assert np.array_equal(found.values, exact.values)
    with pytest.raises(EngineError, match=r"differs from Essentia by .* of the standard deviation.*takes Essentia"):
        embviz.embed(excerpt, TEMPO, engine="onnx", cache=False)
    model = get_model(TEMPO)
    problems = [one.problem for one in trust.kept_verdicts(model, embviz.models.find_weights(model)) if one.problem]
    assert len(problems) == 1


def tamper_with(kept):
    """Change the weights of a translated graph a little, and seal it anew."""
    spec = LayerSpec.of(get_model(TEMPO), "embedding", None)
    model = onnx.load_model_from_string(kept.read_bytes())
    largest = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    values = 1.001 * onnx.numpy_helper.to_array(largest)
    largest.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float32), largest.name))
    del model.metadata_props[:]
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(onnx_files, "run_isolated", lambda *_, **__: model.SerializeToString())
        kept.unlink()
        nodes = trust_nodes(spec)
        found = onnx_files.load_onnx(spec.weights.path, spec.weights.sha256, spec.model.input_node, nodes)
    assert kept.read_bytes() == found


def trust_nodes(spec):
    from embviz.extraction.passes import onnx_ranks

    return tuple(onnx_ranks([spec]))


def test_what_differs_by_more_than_is_allowed_is_left_to_essentia(weights_home, home):
    # Essentia's own spectrogram is further from double precision than that.
    spec = LayerSpec.of(get_model("spleeter"), "embedding", None)
    chosen = [extract.choose_engine([spec.using(engine)], lambda *_: None) for engine in ("auto", "essentia")]
    assert chosen == ["essentia"] * 2
    with pytest.raises(EngineError, match=r"'spleeter-2s-3': At '.*' it differs from Essentia by \d"):
        extract.choose_engine([spec.using("onnx")], lambda *_: None)


def test_a_translation_for_which_there_was_no_room_is_tried_again(own_weights, excerpt, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(onnx_files, "run_isolated", lambda call, *arguments, **_: call(*arguments))
        patch.setattr(onnx_passes.tempfile, "TemporaryDirectory", lambda **_: nullcontext(tmp_path / "no such folder"))
        assert embviz.embed(excerpt, TEMPO, cache=False).info["engine"] == "essentia"
    forget()
    assert embviz.embed(excerpt, TEMPO, cache=False).info["engine"] == "onnx"


def test_a_comparison_that_came_to_no_end_is_not_begun_for_each_track(own_weights, excerpt, monkeypatch):
    begun = []

    def compare(*_):
        begun.append(1)
        raise GraphError("The comparison did not come to an end.")

    monkeypatch.setattr(trust, "_compare", compare)
    assert [embviz.embed(excerpt, TEMPO, cache=False).info["engine"] for _ in range(2)] == ["essentia"] * 2
    assert begun == [1]
    assert not list(own_weights.glob("*.engines.json"))


@pytest.mark.usefixtures("weights_home")
def test_without_onnx_runtime_essentia_runs_everything(excerpt, monkeypatch):
    sessions.clear()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert embviz.embed(excerpt, "tempocnn", cache=False).info["engine"] == "essentia"
    with pytest.raises(EngineError, match="ONNX Runtime is not installed; get it with `pip install"):
        embviz.embed(excerpt, "tempocnn", engine="onnx", cache=False)


# The kernel. -------------------------------------------------------------------------------------------------------

KERNEL = """
import sys, embviz
found = embviz.embed(sys.argv[1], ["musicnn", "vgg", "tempocnn"], layer=["embedding", "output"], cache=False)
assert {one.info["engine"] for row in found for one in row} == {"onnx"}, found
assert not {"essentia", "tensorboard", "pandas", "requests"} & set(sys.modules)
"""


def test_a_kernel_loads_neither_essentia_nor_tensorflow(weights_home, excerpt):
    command = [sys.executable, "-c", KERNEL, str(excerpt)]
    environment = {**os.environ, "EMBVIZ_HOME": str(weights_home)}
    subprocess.run(command, check=True, env=environment)  # the first one compares the engines, perhaps


@pytest.mark.usefixtures("weights_home")
def test_the_first_frames_come_after_a_small_batch(rock):
    spec = LayerSpec.of(get_model("musicnn"), "embedding", None)
    done = []
    audio = embviz.audio.Audio.open(rock)
    steps = extract.stream_embeddings(audio, [spec], store=None, report=lambda *said: done.append(said), every=1e6)
    _, embedding, complete = next(steps)
    assert not complete
    assert np.isfinite(embedding.values).all(axis=1).sum() == 8
    assert done[-1] == ("msd-musicnn-1", 0, 81)
