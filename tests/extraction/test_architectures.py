"""OpenL3, VGGish and Spleeter with four and five stems: real loading and extraction, graphs with random weights."""

import dataclasses
import shutil

import numpy as np
import pytest
import soundfile
from architectures import random_openl3, random_spleeter, random_vggish
from clicks import check_spans
from tensorboard.compat.proto.graph_pb2 import GraphDef

import embviz
from embviz.audio import audio
from embviz.core.essentia import standard
from embviz.errors import WeightsError
from embviz.extraction import extract, frontends
from embviz.extraction.frontends import FRONTENDS
from embviz.extraction.separation import split_stems
from embviz.inference.parameters import count_parameters
from embviz.inference.session_pool import sessions
from embviz.models.convert.nodes import serialise
from embviz.models.weights import find_weights, pull

RATE = 44_100
OPENL3 = "openl3-music-mel128-emb512-3"
STEMS = {
    "spleeter-4s-3": ("vocals", "drums", "bass", "other"),
    "spleeter-5s-3": ("vocals", "piano", "drums", "bass", "other"),
}
BUILDERS = {
    f"openl3-music-mel{bands}-emb{size}-3": lambda bands=bands, size=size: random_openl3(bands, size)
    for bands in (128, 256)
    for size in (512, 6144)
}
BUILDERS |= {
    "audioset-vggish-3": random_vggish,
    "spleeter-4s-3": lambda: random_spleeter(STEMS["spleeter-4s-3"], softmax=False),
    "spleeter-5s-3": lambda: random_spleeter(STEMS["spleeter-5s-3"], softmax=True),
}
SEGMENT = 512 * 1024  # samples of one of Spleeter's segments


@pytest.fixture(scope="module", autouse=True)
def own_home(tmp_path_factory):
    """A home for this module, removed at its end: the weights take 800 MB."""
    home = tmp_path_factory.mktemp("random-weights")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBVIZ_HOME", str(home))
        yield
    shutil.rmtree(home)


@pytest.fixture(autouse=True)
def _no_sessions_left():
    """Close the graphs after each test: every session holds its weights in memory."""
    yield
    sessions.clear()


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """The way from a name to the weights in the store, put there as from a folder that somebody carries."""
    folder = tmp_path_factory.mktemp("carried")

    def get(name):
        if (found := find_weights(name)) is None:
            path = folder / f"{name}.pb"
            path.write_bytes(serialise(BUILDERS[name]()))
            found = pull(name, folder=folder)
            path.unlink()
        return found

    return get


def song(seconds, rate=RATE, seed=1):
    """Two gliding voices, one on each side, over noise that comes and goes; ``[n, 2]``."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * rate)) / rate
    voices = []
    for pitch in (196.0, 293.7):
        phase = 2 * np.pi * (pitch * t - 4 * np.cos(2 * np.pi * 0.7 * t + pitch))
        loudness = 1 + np.sin(2 * np.pi * 0.31 * t + pitch)
        voices.append(0.08 * loudness * sum(np.sin(k * phase) / k for k in range(1, 12)))
    noise = 0.05 * (1 + np.sin(2 * np.pi * 2 * t)) * rng.standard_normal(len(t))
    left, right = voices[0] + 0.3 * voices[1] + noise, voices[1] - 0.8 * noise
    return np.stack([left, right], axis=1).astype(np.float32)


@pytest.fixture(scope="module")
def track(tmp_path_factory):
    """The way from a length in seconds to a stereo file."""
    folder = tmp_path_factory.mktemp("tracks")

    def write(seconds):
        path = folder / f"{seconds} s.wav"
        soundfile.write(path, song(seconds), RATE, subtype="FLOAT")
        return path

    return write


def predict(path, model, nodes, patches):
    """Run a graph with Essentia's plain algorithm on input of four axes."""
    import essentia

    pool = essentia.Pool()
    pool.set(model.input_node, np.ascontiguousarray(patches, dtype=np.float32))
    # OpenL3's has an axis of length one that belongs to it.
    options = {"graphFilename": str(path), "inputs": [model.input_node], "outputs": list(nodes)}
    run = standard().TensorflowPredict(**options, squeeze=model.system != "openl3")
    found = run(pool)
    return [np.array(found[node]) for node in nodes]


# Graphs and records. -----------------------------------------------------------------------------------------------


def placeholder_shape(graph):
    (placeholder,) = (node for node in graph.node if node.op == "Placeholder")
    return placeholder.name, tuple(dim.size for dim in placeholder.attr["shape"].shape.dim)


@pytest.mark.parametrize("name", BUILDERS)
def test_numbers_and_input_are_those_of_the_record(name, weights):
    model = embviz.get_model(name)
    graph = GraphDef.FromString(weights(name).path.read_bytes())
    assert count_parameters(graph) == model.parameters
    expected = (-1, 2) if model.system == "spleeter" else (-1, *model.input_shape)
    assert placeholder_shape(graph) == (model.input_node, expected)


@pytest.mark.slow
@pytest.mark.parametrize("name", BUILDERS)
def test_every_layer_of_the_record_is_in_the_graph(name, weights):
    weights(name)
    model = embviz.get_model(name)
    layers = model.layers()
    assert layers["in_graph"].all()
    assert dict(zip(layers["name"], layers["shape"], strict=True)) == {x.name: x.shape for x in model.known_layers}
    embedding = layers.set_index("name").loc["embedding"]
    assert embedding["shape"][embedding["axes"].index("c")] == model.dimensions


def test_same_seed_gives_the_same_graph():
    once, again, other = (serialise(random_openl3(128, 512, seed=seed)) for seed in (1, 1, 2))
    assert once == again
    assert once != other


# VGGish. -----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_vggish_gives_the_numbers_of_its_algorithm(weights, track):
    es = standard()
    path = track(10)
    graph = str(weights("audioset-vggish-3").path)
    nodes = ["model/vggish/embeddings", "model/vggish/fc2/BiasAdd", "model/vggish/fc1/fc1_2/Relu"]
    ours = embviz.embed(path, "vggish", layer=["embedding", *nodes[1:]], engine="essentia", cache=False)
    samples = es.MonoLoader(filename=str(path), sampleRate=16_000, resampleQuality=4)()
    for node, embedding, size in zip(nodes, ours, (128, 128, 4096), strict=True):
        algorithm = es.TensorflowPredictVGGish(graphFilename=graph, output=node)
        assert embedding.shape == (10, size)
        assert np.array_equal(embedding.values, algorithm(samples))
        assert np.ptp(embedding.values, axis=0).max() > 0.01  # the sound is heard
        assert embedding.info["resample_quality"] == 4
        assert embedding.grid.hop == 93 * 160


def test_vggish_frames(weights):
    """In one test, since the graph takes a second to load."""
    weights("audioset-vggish-3")
    for seconds, frames, padded in ((0.5, 1, True), (0.96, 1, False), (1.9, 2, False)):
        embedding = embviz.embed((song(seconds, 16_000), 16_000), "vggish", engine="essentia", cache=False)
        assert (embedding.shape, embedding.padded) == ((frames, 128), padded), seconds


def test_a_click_lies_in_what_every_frame_of_vggish_that_it_changes_has_heard(weights):
    weights("audioset-vggish-3")
    check_spans("vggish", 2.9, [1.0, 2.2], engine="essentia")


# OpenL3. -----------------------------------------------------------------------------------------------------------


def openl3_patches(samples, bands, hop):
    """Follow the published description of OpenL3's input with Essentia's basic algorithms, ``[n, bands, 199, 1]``."""
    from essentia.standard import FrameGenerator

    es = standard()
    window, spectrum = es.Windowing(size=2048, normalized=False), es.Spectrum(size=2048)
    scale = {"sampleRate": 48_000, "lowFrequencyBound": 0, "highFrequencyBound": 24_000, "warpingFormula": "slaneyMel"}
    norm = {"weighting": "linear", "normalize": "unit_tri", "type": "magnitude", "log": False}
    mel_bands = es.MelBands(numberBands=bands, inputSize=1025, **scale, **norm)
    mels = []
    for chunk in FrameGenerator(samples, frameSize=48_000, hopSize=hop):
        cutter = FrameGenerator(chunk, frameSize=2048, hopSize=242, validFrameThresholdRatio=0.5)
        mel = np.array([mel_bands(spectrum(window(frame))) for frame in cutter])
        assert mel.shape == (199, bands)
        decibels = 10 * np.log10(np.maximum(1e-10, mel)) - 10 * np.log10(max(1e-10, 1.0))
        mels.append(np.maximum(decibels, decibels.max() - 80) - decibels.max())
    return np.array(mels, np.float32).transpose(0, 2, 1)[..., np.newaxis]


def openl3_reference(path, model, weights, hop, batch=60):
    """Embed a file as the published script does: quality of the loader's default, so many patches at a time."""
    samples = standard().MonoLoader(filename=str(path), sampleRate=48_000)()
    patches = openl3_patches(samples, model.input_shape[0], hop)
    batches = [patches[i : i + batch] for i in range(0, len(patches), batch)]
    found = [predict(weights.path, model, ["embeddings"], batch)[0] for batch in batches]
    return np.vstack([values.reshape(len(values), -1) for values in found])


@pytest.mark.slow
@pytest.mark.parametrize(("bands", "size"), [(128, 512), (128, 6144), (256, 512), (256, 6144)])
def test_openl3_gives_the_numbers_of_the_published_script(weights, track, bands, size):
    model = embviz.get_model(f"openl3-music-mel{bands}-emb{size}-3")
    path, graph = track(2), weights(model.name)
    embedding = embviz.embed(path, model, engine="essentia", cache=False)
    assert embedding.shape == (3, size)
    assert np.array_equal(embedding.values, openl3_reference(path, model, graph, 48_000))
    assert np.ptp(embedding.values, axis=0).max() > 0.01


@pytest.mark.slow
def test_openl3_of_many_patches_gives_the_numbers_of_the_published_script(weights, track, monkeypatch):
    """Sixty patches take the graph seconds: the script's batches are asserted, and shorter ones are computed."""
    frontend = FRONTENDS["openl3-mel128"]
    assert frontend.batch == 60
    monkeypatch.setitem(FRONTENDS, "openl3-mel128", dataclasses.replace(frontend, batch=4))
    path, graph = track(1), weights(OPENL3)
    embedding = embviz.embed(path, OPENL3, patch_hop=0.1, engine="essentia", cache=False)
    assert embedding.shape == (11, 512)
    assert np.array_equal(embedding.values, openl3_reference(path, embviz.get_model(OPENL3), graph, 4800, batch=4))
    assert np.ptp(embedding.values, axis=0).max() > 0.01


@pytest.mark.parametrize(("seconds", "frames"), [(0.3, 1), (0.7, 2), (1, 2), (4, 5)])
def test_openl3_frames_are_centered_on_whole_seconds(weights, seconds, frames):
    weights(OPENL3)
    embedding = embviz.embed((song(seconds, 48_000), 48_000), "openl3", engine="essentia", cache=False)
    assert embedding.shape == (frames, 512)
    assert np.array_equal(embedding.times, np.minimum(np.arange(frames), seconds))  # no time lies beyond the end
    assert (embedding.grid.start, embedding.grid.patch, embedding.grid.hop) == (-24_000, 48_000, 48_000)


def test_openl3_resamples_as_its_script_does(weights, track):
    weights(OPENL3)
    path = track(0.5)
    usual, best, fast = (
        embviz.embed(path, "openl3", resample_quality=q, engine="essentia", cache=False) for q in (None, 1, 4)
    )
    assert usual.info["resample_quality"] == 1
    assert np.array_equal(usual.values, best.values)
    assert not np.array_equal(usual.values, fast.values)


def test_openl3_in_several_batches_equals_the_whole(weights, monkeypatch):
    weights(OPENL3)
    sound = (song(2, 48_000), 48_000)  # three patches
    whole = embviz.embed(sound, "openl3", engine="essentia", cache=False)
    monkeypatch.setitem(FRONTENDS, "openl3-mel128", dataclasses.replace(FRONTENDS["openl3-mel128"], batch=2))
    parts = embviz.embed(sound, "openl3", engine="essentia", cache=False)
    assert parts.grid == whole.grid
    assert relative(parts.values, whole.values) < 1e-5


# Spleeter. ---------------------------------------------------------------------------------------------------------


def relative(found, expected):
    """Return the largest difference, as a share of the largest value."""
    return np.abs(found - expected).max() / np.abs(expected).max()


@pytest.fixture(scope="module", params=["spleeter-4s-3", "spleeter-5s-3"])
def separated(request, weights, track):
    """A model with its stems, a track of two segments, and its embedding and sounds."""
    name = request.param
    weights(name)
    path = track(13)
    return name, path, *embviz.embed(path, name, layer=["embedding", "output"], engine="essentia", cache=False)


def test_spleeter_gives_the_numbers_of_the_whole_file(separated, weights):
    name, path, embedding, output = separated
    stems = STEMS[name]
    samples = standard().AudioLoader(filename=str(path))()[0]
    nodes = [f"conv2d_{7 * i + 4}/BiasAdd" for i in range(len(stems))] + [f"waveform_{stem}" for stem in stems]
    found = predict(weights(name).path, embviz.get_model(name), nodes, samples[:, :, np.newaxis, np.newaxis])
    conv5 = np.concatenate(found[: len(stems)], axis=3)  # [segments, 16, 32, 256 per stem]
    assert conv5.shape[1:] == (16, 32, 256 * len(stems))
    steps = conv5.reshape(-1, *conv5.shape[2:])[: len(embedding.values)]
    assert np.array_equal(embedding.values, steps.mean(axis=1))
    assert np.array_equal(embedding.tensor, steps)
    assert embedding.shape[1] == embviz.get_model(name).dimensions
    assert abs(len(embedding.values) - len(samples) / (32 * 1024)) <= 1
    assert embedding.grid.hop == 32 * 1024
    sounds = np.concatenate([sound[:, 0, 0] for sound in found[len(stems) :]], axis=1)
    assert output.shape == sounds.shape
    assert relative(output.values, sounds) < 1e-5


def test_stems_are_split_by_their_names(separated):
    name, _, _, output = separated
    stems = split_stems(output)
    assert tuple(stems) == STEMS[name]
    for i, (samples, rate) in enumerate(stems.values()):
        assert rate == RATE
        assert np.array_equal(samples, output.values[:, 2 * i : 2 * i + 2])


def band_limited(samples):
    """Return samples without what lies above 11 025 Hz."""
    spectrum = np.fft.rfft(samples, axis=0)
    spectrum[np.fft.rfftfreq(len(samples), 1 / RATE) >= RATE / 4] = 0
    return np.fft.irfft(spectrum, len(samples), axis=0)


def test_spleeter_s_stems_add_up_to_the_mix(separated):
    name, path, _, output = separated
    stems = STEMS[name]
    assert output.labels == tuple(f"{stem} {side}" for stem in stems for side in ("left", "right"))
    samples, _ = soundfile.read(path, dtype="float32")
    assert output.shape == (len(samples), 2 * len(stems))
    sounds = output.values.reshape(len(samples), len(stems), 2)
    loudness = sounds.std(axis=(0, 2))
    assert loudness.min() > 0.01 * loudness.max()
    assert np.ptp(loudness) > 0
    # The first three hops have fewer overlapping frames than the rest.
    mix, expected = sounds.sum(axis=1)[4096:], band_limited(samples)[4096:]
    assert np.linalg.norm(mix - expected) < 0.02 * np.linalg.norm(expected)


@pytest.mark.slow
def test_spleeter_in_several_batches_equals_the_whole(separated, monkeypatch):
    name, path, *whole = separated
    monkeypatch.setitem(FRONTENDS, "spleeter", dataclasses.replace(FRONTENDS["spleeter"], batch=1))
    parts = embviz.embed(path, name, layer=["embedding", "output"], engine="essentia", cache=False)
    for part, one in zip(parts, whole, strict=True):
        assert part.grid == one.grid
        assert relative(part.values, one.values) < 1e-5
    for border in range(SEGMENT, len(whole[1].values), SEGMENT):
        beside = slice(border - 4096, border + 4096)
        assert relative(parts[1].values[beside], whole[1].values[beside]) < 1e-5


def test_mono_sound_has_two_equal_sides(weights, tmp_path):
    weights("spleeter-4s-3")
    voice = song(2)[:, 0]
    layers = ["spectrogram", "embedding"]
    files = tmp_path / "mono.wav", tmp_path / "stereo.wav"
    for path, samples in zip(files, (voice, np.stack([voice, voice], axis=1)), strict=True):
        soundfile.write(path, samples, RATE, subtype="FLOAT")
    mono, stereo = (embviz.embed(path, "spleeter-4s-3", layer=layers, engine="essentia", cache=False) for path in files)
    assert np.array_equal(mono[0].tensor[..., 0], mono[0].tensor[..., 1])
    assert mono[0].tensor.max() > 1
    for one, other in zip(mono, stereo, strict=True):
        assert np.array_equal(one.values, other.values)


# Together. ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def calls(monkeypatch):
    """What was decoded and which mel-spectrograms were made, in order."""
    made = []
    decode, mel_spectrogram = audio.decode, extract.mel_spectrogram
    monkeypatch.setattr(audio, "decode", lambda path, **more: made.append("decode") or decode(path, **more))
    decibels = frontends.decibel_mel
    monkeypatch.setattr(
        extract, "mel_spectrogram", lambda s, f, **how: made.append(f.name) or mel_spectrogram(s, f, **how)
    )
    monkeypatch.setattr(frontends, "decibel_mel", lambda f, n, **how: made.append(f.name) or decibels(f, n, **how))
    return made


def test_models_share_decoding_and_come_from_the_cache(weights, track, tmp_path, calls, monkeypatch):
    names = ["audioset-vggish-3", OPENL3, "openl3-music-mel128-emb6144-3", "spleeter-4s-3"]
    for name in names:
        weights(name)
    path, cache = track(1), embviz.Cache(tmp_path / "cache")
    first = embviz.embed(path, names, engine="essentia", cache=cache)
    assert [embedding.shape[1] for embedding in first] == [128, 512, 6144, 1024]
    assert all(embedding.source.startswith("a folder of graphs") for embedding in first)
    assert sorted(calls) == ["decode", "openl3-mel128", "vggish"]

    def fail(*args, **kwargs):
        raise AssertionError("the graph is run again")

    monkeypatch.setattr(extract, "run_passes", fail)
    for one, other in zip(first, embviz.embed(path, names, engine="essentia", cache=cache), strict=True):
        assert np.array_equal(one.values, other.values)
        assert one.grid == other.grid
    assert sorted(calls) == ["decode", "openl3-mel128", "vggish"]


@pytest.mark.parametrize("sibling", ["openl3-music-mel128-emb6144-3", "openl3-music-mel256-emb512-3"])
def test_a_sibling_under_the_wrong_name_is_refused(tmp_path, monkeypatch, sibling):
    monkeypatch.setenv("EMBVIZ_HOME", str(tmp_path / "home"))
    (tmp_path / f"{OPENL3}.pb").write_bytes(serialise(BUILDERS[sibling]()))
    with pytest.raises(WeightsError, match=r"gave (another network|a graph that does not run)"):
        pull(OPENL3, folder=tmp_path)
    assert find_weights(OPENL3) is None
