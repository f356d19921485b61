"""Functions as models: registered, called, cached and refused; the baselines against formulas and known sounds."""

# ruff: noqa: PD011  Embeddings are no DataFrames

import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial

import numpy as np
import pandas as pd
import pytest
import soundfile

import embviz
from embviz import Cache, register_function
from embviz.audio import descriptors
from embviz.batch import embed_table, executors
from embviz.errors import CollectionError, FunctionError, LayerError, ModelError, OptionError
from embviz.models import find_weights, functions, known_models, unregister_function, weights_state

RATE = 8000


def level(samples, step=800):
    """Return the mean level of each tenth of a second, and twice that."""
    blocks = np.abs(samples[: len(samples) // step * step].reshape(-1, step)).mean(axis=1)
    return np.column_stack([blocks, 2 * blocks])


def stays(samples):
    """Return the level of a track."""
    return np.array([np.abs(samples).mean(), 1.0])


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch):
    monkeypatch.setattr(functions, "_registered", {})


@pytest.fixture
def register():
    def make(function, name="level", **options):
        usual = {"sample_rate": RATE, "hop": 0.1, "version": "1"}
        return register_function(name, function, **{**usual, **options})

    return make


@pytest.fixture
def table(tmp_path):
    """Three tracks of two seconds, of the levels 0.25, 0.5 and 0.75."""
    paths = [tmp_path / f"{i}.wav" for i in (1, 2, 3)]
    for i, path in enumerate(paths):
        soundfile.write(path, np.full(2 * RATE, 0.25 * (i + 1)), RATE, subtype="FLOAT")
    return pd.DataFrame({"path": [str(path) for path in paths]}, index=pd.Index([4, 5, 6], name="track"))


def a_sound(seconds=2.0, level=0.5):
    return np.full(round(seconds * RATE), level, np.float32), RATE


def test_a_function_is_a_model(register, empty_home):
    model = register(level, names=["<b>level", "twice"], unit="V", title="Level", citation="me", task="how loud")
    assert model == embviz.get_model("level")
    assert model in known_models()
    assert (model.dimensions, model.hop_seconds, model.patch_seconds) == (2, 0.1, 0.1)
    row = embviz.list_models(system="function").loc["level"]
    assert (row["dimensions"], row["sample_rate"], row["weights"]) == (2, RATE, "ready")
    assert "100 ms" in repr(model) or "0.1 s" in repr(model)
    assert "me" in model._repr_html_()
    assert model.layers()["shape"].tolist() == [(2,)]
    assert weights_state("level") == "ready"
    assert find_weights("level").sha256 == model.identity
    embedding = embviz.embed(a_sound(), "level", cache=False)
    assert embedding.labels == ("<b>level", "twice")
    assert (embedding.unit, embedding.shape) == ("V", (20, 2))
    np.testing.assert_allclose(embedding.times, np.arange(20) / 10 + 0.05)
    assert embedding.grid.receptive_span(3) == pytest.approx((0.3, 0.4))
    np.testing.assert_allclose(embedding.values[:, 1], 1, rtol=1e-3)


def test_a_function_tells_when_its_frames_are(register, empty_home):
    register(lambda x: np.ones((len(x) // 800 + 1, 3)), window=0.4, centered=True)
    grid = embviz.embed(a_sound(), "level", cache=False).grid
    assert grid.times[:3].tolist() == [0, 0.1, 0.2]
    assert grid.receptive_span(0) == (0, 0.2)
    assert grid.receptive_span(10) == pytest.approx((0.8, 1.2))
    register(stays, "whole", hop=None)
    embedding = embviz.embed(a_sound(), "whole", cache=False)
    assert (embedding.shape, embedding.grid.receptive_span(0)) == ((1, 2), (0, 2))


def test_results_are_kept_and_belong_to_a_version(register, cache):
    calls = []

    def counted(samples, add=0):
        calls.append(len(samples))
        return level(samples) + add

    register(counted, dimensions=2)
    first = embviz.embed(a_sound(), "level", cache=cache)
    again = embviz.embed(a_sound(), "level", cache=cache)
    assert len(calls) == 1
    np.testing.assert_array_equal(again.values, first.values)
    assert again.grid == first.grid
    assert again.info["version"] == "1"
    register(partial(counted, add=1), dimensions=2, version="2")
    assert embviz.embed(a_sound(), "level", cache=cache).values[0, 0] == pytest.approx(1.5, rel=1e-3)
    register(lambda samples: counted(samples, add=2), dimensions=2, version="2")
    assert embviz.embed(a_sound(), "level", cache=cache).values[0, 0] == pytest.approx(2.5, rel=1e-3)
    register(counted, dimensions=2)
    embviz.embed(a_sound(), "level", cache=cache)
    assert len(calls) == 3


def test_collections_are_computed_in_processes(register, table, home):
    offset = 10.0
    register(lambda samples: level(samples) + offset)  # known to this process alone
    vectors = embed_table(table, "level", pooling="frames", workers=2)
    means = vectors.to_frame().groupby("track").mean().to_numpy()
    np.testing.assert_allclose(means, [[10.25, 10.5], [10.5, 11], [10.75, 11.5]], rtol=1e-3)
    np.testing.assert_allclose(vectors.spans[:3], [[0, 0.1], [0.1, 0.2], [0.2, 0.3]])
    again = embed_table(table.iloc[:2], "level", pooling="frames", workers=1)
    np.testing.assert_array_equal(again.times, vectors.times[:40])


def test_a_function_that_cannot_be_sent_is_called_here(register, table, cache, monkeypatch):
    lock = threading.Lock()

    def guarded(samples):
        with lock:
            return level(samples)

    register(guarded)
    with pytest.warns(UserWarning, match=r"'level' cannot be sent to other processes \(TypeError.*lock.*in this one"):
        assert embed_table(table, "level", workers=2, cache=cache).shape == (3, 2)
    with ThreadPoolExecutor(1) as threads:
        assert embed_table(table, "level", executor=threads, cache=False).shape == (3, 2)
    with ProcessPoolExecutor(1) as processes, pytest.raises(OptionError, match=r"cannot be sent.*executor= out"):
        embed_table(table, "level", executor=processes, cache=False)
    monkeypatch.setattr(executors, "MOST_SENT", 1000)
    weights = np.zeros(1000)
    register(lambda samples: level(samples) + weights[0])
    with pytest.warns(UserWarning, match="MB, which would go along with every track"):
        embed_table(table, "level", workers=2, cache=False)


def test_two_tracks_are_not_computed_at_once(register, table):
    inside = []

    def alone(samples):
        inside.append(1)
        assert len(inside) == 1
        threading.Event().wait(0.02)
        inside.pop()
        return level(samples)

    register(alone, dimensions=2)
    assert not embed_table(table, "level", workers=1, cache=False).failed


def give(what):
    return lambda _samples: what


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (lambda _samples: 1 / 0, r"failed on 'a trial with noise' with ZeroDivisionError: division by zero"),
        (give(None), r"shape \(\) and type object"),
        (give("text"), "numbers"),
        (give(np.ones((30, 2), complex)), "complex128"),
        (give(np.empty((0, 2))), r"shape \(0, 2\)"),
        (give(np.ones(30)), r"shape \(30,\)"),
        (give(np.ones((30, 2, 2))), r"shape \(30, 2, 2\)"),
        (give([[1, 2], [3]]), "failed on 'a trial with noise' with ValueError"),
        (give(np.ones((7, 2))), r"7 frames of 3.00 s, where 28 to 32 are expected, one every 0.1 s"),
        (give(np.full((30, 2), np.nan)), "not finite"),
        (give(np.full((30, 2), 1e60)), "not finite"),
    ],
)
def test_what_a_function_must_not_give(register, function, sentence):
    with pytest.raises(FunctionError, match=sentence):
        register(function)
    assert "level" not in functions.registered_functions()


def test_without_a_hop_there_is_one_vector(register):
    with pytest.raises(FunctionError, match=r"30 frames, where one vector for the whole track is expected; hop= says"):
        register(level, hop=None)


def test_what_goes_wrong_with_a_track_costs_that_track(register, table, cache):
    def odd(samples):
        quiet = samples.mean() < 0.3
        if samples.mean() > 0.7:
            raise ValueError("too loud.\nMuch too loud")
        return level(samples)[:, :1] if quiet else level(samples)

    register(odd, dimensions=2)
    vectors = embed_table(table, "level", cache=cache, workers=1)
    assert vectors.tracks.tolist() == [5]
    assert vectors.failed[4] == (
        "The function of 'level', given '1.wav', returned vectors of 1 numbers, "
        "where 2 are expected, as for every track."
    )
    assert "failed on '3.wav' with ValueError: too loud. Much too loud." in vectors.failed[6]
    with pytest.raises(CollectionError, match=r"gave nothing.*ValueError"):
        embed_table(table.loc[[6]], "level", cache=cache, workers=1)
    with pytest.raises(FunctionError, match="given 'array', returned vectors of 1"):
        embviz.embed(a_sound(level=0.1), "level", cache=cache)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"sample_rate": 0}, "sample_rate is a whole number"),
        ({"sample_rate": 16_000.5}, "sample_rate is a whole number"),
        ({"hop": -1}, "hop is a number of seconds"),
        ({"hop": 1e-9}, "hop is a number of seconds"),
        ({"window": "a"}, "window is a number of seconds"),
        ({"hop": None, "window": 1.0}, "goes with hop"),
        ({"version": ""}, "version is a text"),
        ({"version": 1}, "version is a text"),
        ({"dimensions": 0}, "dimensions is a whole number"),
        ({"names": "ab"}, "list of texts"),
        ({"names": ["a"], "dimensions": 2}, "each of 2 dimensions, 1"),
        ({"function": 3}, "A function from samples"),
    ],
)
def test_options_are_checked(register, options, sentence):
    function = options.pop("function", level)
    with pytest.raises(OptionError, match=sentence):
        register(function, **options)


def test_names_of_dimensions_have_to_fit(register):
    with pytest.raises(FunctionError, match="vectors of 2 numbers, where 3 are expected"):
        register(level, names=["a", "b", "c"])


def test_names_are_checked(register):
    for name in ("mfcc", "musicnn", "msd-musicnn-1", "Chroma"):
        with pytest.raises(ModelError, match="taken"):
            register(level, name)
    with pytest.raises(ModelError, match="letters, digits"):
        register(level, "<b>")
    with pytest.raises(ModelError, match="letters, digits"):
        register(level, 3)
    register(level)
    with pytest.raises(ModelError, match=r"no function 'levle'.*Did you mean 'level'"):
        unregister_function("levle")
    unregister_function("level")
    with pytest.raises(ModelError, match="There is no model 'level'"):
        embviz.get_model("level")


def test_a_function_has_one_layer_and_its_own_hop(register, empty_home):
    model = register(level)
    with pytest.raises(LayerError, match=r"has no layer 'output'.*one layer 'embedding'"):
        embviz.embed(a_sound(), "level", layer="output")
    with pytest.raises(OptionError, match="patch_hop is fixed for 'level'"):
        embviz.embed(a_sound(), "level", patch_hop=0.5)
    assert model.layer("embedding").shape == (2,)


# The baselines. ------------------------------------------------------------------------------------------------------


def test_the_baselines_are_models(empty_home):
    assert embviz.list_models(system="function").index[:2].tolist() == ["mfcc", "chroma"]
    assert "Davis" in embviz.get_model("mfcc").citation
    assert "Fujishima" in repr(embviz.get_model("chroma"))


@pytest.mark.parametrize(("hertz", "name"), [(440.0, "A"), (261.63, "C"), (1864.66, "A♯"), (110.0, "A")])
def test_chroma_of_a_sine_is_its_pitch_class(hertz, name, empty_home):
    samples = 0.1 * np.sin(2 * np.pi * hertz * np.arange(2 * 22_050) / 22_050).astype(np.float32)
    embedding = embviz.embed((samples, 22_050), "chroma", cache=False)
    inside = embedding.values[4:-4]
    assert {embedding.labels[i] for i in inside.argmax(axis=1)} == {name}
    assert inside.max(axis=1).min() > (0.95 if hertz > 200 else 0.6)
    np.testing.assert_allclose(embedding.values.sum(axis=1), 1, rtol=1e-5)


def test_silence_has_no_pitch_and_the_lowest_level(empty_home):
    silence = np.zeros(22_050, np.float32), 22_050
    assert not embviz.embed(silence, "chroma", cache=False).values.any()
    values = embviz.embed(silence, "mfcc", cache=False).values
    np.testing.assert_allclose(values[:, 0], -100 * np.sqrt(40), rtol=1e-6)
    np.testing.assert_allclose(values[:, 1:], 0, atol=1e-4)


def test_mfcc_are_those_of_the_formula(empty_home):
    rng = np.random.default_rng(3)
    samples = rng.normal(0, 0.1, 22_050).astype(np.float32)
    values = embviz.embed((samples, 22_050), "mfcc", cache=False).values
    n, hop, bands = 2048, 1024, 40
    assert len(values) == 22_050 // hop + 1
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
    padded = np.concatenate([np.zeros(n // 2), samples.astype(np.float64), np.zeros(n)])
    mel = [700 * (10 ** (m / 2595) - 1) for m in np.linspace(0, 2595 * np.log10(1 + 11_025 / 700), bands + 2)]
    for i in (0, 21):
        frame = padded[i * hop : i * hop + n] * window * 2 / window.sum()
        k = np.arange(n // 2 + 1)
        power = np.abs(np.exp(-2j * np.pi * np.outer(k, np.arange(n)) / n) @ frame) ** 2
        hertz = k * 22_050 / n
        levels = []
        for b in range(bands):
            rise, fall = (hertz - mel[b]) / (mel[b + 1] - mel[b]), (mel[b + 2] - hertz) / (mel[b + 2] - mel[b + 1])
            levels.append(10 * np.log10(max(1e-10, (np.maximum(0, np.minimum(rise, fall)) * power).sum())))
        m = np.arange(bands)
        for c in range(20):
            scale = np.sqrt((1 if c == 0 else 2) / bands)
            assert values[i, c] == pytest.approx(
                scale * np.sum(levels * np.cos(np.pi * c * (2 * m + 1) / (2 * bands))), rel=1e-5, abs=1e-4
            )


def test_blocks_do_not_change_the_numbers(monkeypatch):
    samples = np.random.default_rng(0).normal(0, 0.1, 60_000).astype(np.float32)
    whole = descriptors.mfcc(samples), descriptors.chroma(samples)
    monkeypatch.setattr(descriptors, "BLOCK", 7)
    for one, other in zip(whole, (descriptors.mfcc(samples), descriptors.chroma(samples)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_baselines_stand_beside_networks(root, home, cache):
    collection = embviz.Collection.from_folder(root / "sample_audio").head(1)
    mfcc, chroma = collection.embed(["mfcc", "chroma"], pooling="mean+std", cache=cache, progress=False)
    assert (mfcc.shape, chroma.shape) == ((1, 40), (1, 24))
    assert mfcc.labels[0] == "MFCC 0 mean"
    assert isinstance(cache, Cache)
