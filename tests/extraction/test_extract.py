"""From a file to embeddings: Essentia's own numbers, shared work, honest grids."""

import warnings

import numpy as np
import pytest
import soundfile

import embviz
from embviz.core.essentia import standard
from embviz.errors import AudioError, EmbvizError, LayerError, ModelError, OptionError, WeightsError
from embviz.extraction import extract, passes
from embviz.extraction.frontends import FRONTENDS
from embviz.inference import session_pool as engine
from embviz.models.weights import find_weights

pytestmark = pytest.mark.usefixtures("home")

POSTER = {
    # model, layer: node, algorithm, sample rate
    ("msd-musicnn-1", "embedding"): ("model/dense/BiasAdd", "MusiCNN", 16_000),
    ("msd-musicnn-1", "output"): ("model/Sigmoid", "MusiCNN", 16_000),
    ("msd-vgg-1", "embedding"): ("model/flatten/Reshape", "MusiCNN", 16_000),
    ("msd-vgg-1", "output"): ("model/Sigmoid", "MusiCNN", 16_000),
    ("deepsquare-k8", "embedding"): ("1x1/Identity0_reshape", "TempoCNN", 11_025),
    ("deepsquare-k8", "output"): ("output", "TempoCNN", 11_025),
}


def path_of(model):
    return str(find_weights(embviz.get_model(model)).path)


def cut(rock, folder, first, last):
    """Write a part of the rock track, from a second to another, as a file without loss."""
    samples, rate = soundfile.read(rock, dtype="float32", start=first * 44_100, stop=last * 44_100)
    path = folder / "excerpt.wav"
    soundfile.write(path, samples, rate, subtype="FLOAT")
    return path


@pytest.fixture(scope="module")
def excerpt(rock, tmp_path_factory):
    """Thirteen seconds of the rock track."""
    return cut(rock, tmp_path_factory.mktemp("excerpt"), 0, 13)


@pytest.fixture(scope="module")
def three_segments(rock, tmp_path_factory):
    """As much of the rock track as makes three of Spleeter's segments."""
    return cut(rock, tmp_path_factory.mktemp("segments"), 0, 25)


@pytest.mark.parametrize(("model", "layer"), POSTER)
def test_numbers_are_those_of_the_poster_s_recipe(rock, excerpt, model, layer):
    node, algorithm, rate = POSTER[model, layer]
    track = rock if layer == "embedding" else excerpt
    es = standard()
    samples = es.MonoLoader(filename=str(track), sampleRate=rate, resampleQuality=4)()
    theirs = getattr(es, f"TensorflowPredict{algorithm}")(graphFilename=path_of(model), output=node)(samples)
    ours = embviz.embed(track, model, layer=layer, engine="essentia", cache=False)
    assert ours.shape == theirs.shape
    assert np.array_equal(ours.values, theirs)


def test_spleeter_equals_essentia_on_the_whole_file(three_segments):
    es = standard()
    samples = es.AudioLoader(filename=str(three_segments))()[0]
    import essentia

    nodes = ["conv2d_4/BiasAdd", "conv2d_11/BiasAdd", "waveform_vocals", "waveform_accompaniment"]
    pool = essentia.Pool()
    pool.set("waveform", samples[..., np.newaxis, np.newaxis])
    found = es.TensorflowPredict(graphFilename=path_of("spleeter-2s-3"), inputs=["waveform"], outputs=nodes)(pool)
    options = {"engine": "essentia", "cache": False}
    embedding, output = embviz.embed(three_segments, "spleeter", layer=["embedding", "output"], **options)
    conv5 = np.concatenate([found[node] for node in nodes[:2]], axis=3)
    steps = conv5.reshape(-1, 32, 512)[: embedding.shape[0]]
    assert np.array_equal(embedding.tensor, steps)
    assert np.array_equal(embedding.values, steps.mean(axis=1))
    sound = np.concatenate([np.squeeze(found[node]) for node in nodes[2:]], axis=1)
    assert np.allclose(output.values, sound[: len(samples)], atol=1e-6)
    assert output.labels == ("vocals left", "vocals right", "accompaniment left", "accompaniment right")


def test_spleeter_in_several_batches_equals_the_whole(three_segments, monkeypatch):
    import dataclasses

    whole = embviz.embed(three_segments, "spleeter", layer=["embedding", "output"], cache=False)
    monkeypatch.setitem(FRONTENDS, "spleeter", dataclasses.replace(FRONTENDS["spleeter"], batch=1))
    parts = embviz.embed(three_segments, "spleeter", layer=["embedding", "output"], cache=False)
    for one, other in zip(whole, parts, strict=True):
        assert one.grid == other.grid
        assert np.allclose(one.values, other.values, atol=1e-4 * np.abs(one.values).max())


def test_many_layers_in_one_pass_are_the_same_as_alone(excerpt):
    names = ["timbral", "temporal", "cnn3", "mean_pool", "embedding", "output", "model/dense/MatMul"]
    options = {"engine": "essentia", "cache": False}
    together = embviz.embed(excerpt, "musicnn", layer=names, **options)
    for name, embedding in zip(names, together, strict=True):
        assert embedding.layer == name
        assert np.array_equal(embedding.values, embviz.embed(excerpt, "musicnn", layer=name, **options).values)


def test_lists_give_lists(excerpt):
    one = embviz.embed(excerpt, "musicnn")
    assert isinstance(one, embviz.Embedding)
    assert [e.model for e in embviz.embed(excerpt, ["vgg", "musicnn"])] == ["msd-vgg-1", "msd-musicnn-1"]
    table = embviz.embed(excerpt, ["vgg", "musicnn"], layer=["output", "embedding"])
    assert [[e.layer for e in row] for row in table] == [["output", "embedding"]] * 2


def test_models_share_decoding_and_front_end(excerpt, monkeypatch):
    calls = []
    real = extract.mel_spectrogram
    monkeypatch.setattr(extract, "mel_spectrogram", lambda s, f, **how: calls.append(f.name) or real(s, f, **how))
    embviz.embed(excerpt, ["musicnn", "vgg", "tempocnn"], layer=["embedding", "output"], cache=False)
    assert sorted(calls) == ["musicnn", "tempocnn"]


def test_array_gives_the_same_as_its_file(excerpt):
    samples, rate = soundfile.read(excerpt, dtype="float32")
    from_array = embviz.embed((samples, rate), "musicnn", cache=False)
    assert np.array_equal(from_array.values, embviz.embed(excerpt, "musicnn", cache=False).values)


# Grids. ------------------------------------------------------------------------------------------------------------


def click_at(seconds, total=30, rate=44_100):
    samples = np.zeros(total * rate, np.float32)
    at = int(seconds * rate)
    samples[at : at + 2000] = np.random.default_rng(0).uniform(-0.9, 0.9, 2000)
    return samples, rate


@pytest.mark.parametrize(
    ("model", "layer"),
    [
        ("musicnn", "mel"),
        ("musicnn", "timbral"),
        ("vgg", "pool1"),
        ("vgg", "pool3"),
        ("tempocnn", "conv1"),
        ("tempocnn", "pool3"),
    ],
)
@pytest.mark.parametrize("seconds", [5.0, 12.34, 23.7])
def test_an_event_shows_at_its_time_in_layers_with_a_finer_grid(model, layer, seconds):
    embedding = embviz.embed(click_at(seconds), model, layer=layer, cache=False)
    change = np.abs(embedding.values - np.median(embedding.values, axis=0)).sum(axis=1)
    loudest = int(change.argmax())
    start, stop = embedding.grid.receptive_span(loudest)
    assert start <= seconds + 0.05
    assert seconds <= stop
    if embedding.grid.period < 0.1:
        assert abs(embedding.times[loudest] - seconds - 0.02) <= embedding.grid.period + 0.05


def test_a_frame_changes_only_with_the_sound_it_can_have_heard():
    quiet, rate = click_at(5.0)
    loud = quiet.copy()
    loud[17 * rate : 17 * rate + 500] += 0.5
    for model, layer in (("musicnn", "embedding"), ("musicnn", "timbral"), ("vgg", "pool2"), ("tempocnn", "output")):
        before, after = (embviz.embed((s, rate), model, layer=layer, cache=False) for s in (quiet, loud))
        changed = np.flatnonzero((before.values != after.values).any(axis=1))
        spans = np.array([before.grid.receptive_span(i) for i in range(len(before))])
        could = np.flatnonzero((spans[:, 0] <= 17.02) & (spans[:, 1] >= 16.99))
        assert len(changed)
        assert changed.min() >= could.min()
        assert changed.max() <= could.max()


def test_default_grids_are_the_fact_sheet_s(excerpt):
    musicnn, tempo, spleeter = embviz.embed(excerpt, ["musicnn", "tempocnn", "spleeter"])
    assert (musicnn.grid.hop, musicnn.grid.patch, musicnn.grid.sample_rate) == (93 * 256, 187 * 256, 16_000)
    assert (tempo.grid.hop, tempo.grid.patch, tempo.grid.sample_rate) == (128 * 512, 256 * 512, 11_025)
    assert (spleeter.grid.hop, spleeter.grid.sample_rate, spleeter.shape[1]) == (32 * 1024, 44_100, 512)
    for embedding in (musicnn, tempo, spleeter):
        assert embedding.duration == pytest.approx(musicnn.duration, abs=1e-3)
        assert embedding.times[-1] < embedding.duration


def test_patch_hop_refines_the_same_frames(excerpt):
    usual = embviz.embed(excerpt, "musicnn", cache=False)
    fine = embviz.embed(excerpt, "musicnn", patch_hop=31 * 256 / 16_000, cache=False)
    assert fine.grid.hop == 31 * 256
    assert np.allclose(fine.values[::3][: len(usual)], usual.values, atol=1e-4)


def test_dense_moves_by_one_frame():
    rate = 16_000
    samples = np.random.default_rng(2).uniform(-0.5, 0.5, 4 * rate).astype(np.float32)
    dense = embviz.embed((samples, rate), "musicnn", patch_hop="dense", cache=False)
    assert dense.grid.hop == 256
    assert len(dense) == 4 * rate // 256 + 1 - 187 + 1


def test_patches_of_a_hop_that_does_not_divide_them_join_without_a_seam():
    """A steady sound gives steady layers; the borders of patches, where convolutions see padding, must not show."""
    rng = np.random.default_rng(4)
    samples = rng.uniform(-0.3, 0.3, 20 * 16_000).astype(np.float32)
    embedding = embviz.embed((samples, 16_000), "musicnn", layer="timbral", cache=False)
    inner = embedding.values[100:-100]
    seams = [i for i in range(len(inner)) if (i + 100 - 47) % 93 == 0]
    jumps = np.abs(np.diff(inner, axis=0)).mean(axis=1)
    assert jumps[[i - 1 for i in seams if i]].mean() < 1.2 * jumps.mean()


@pytest.mark.parametrize(("model", "frames"), [("musicnn", 1), ("vgg", 1), ("tempocnn", 1), ("spleeter", 1)])
def test_ten_milliseconds_give_one_frame(model, frames):
    samples = np.random.default_rng(1).uniform(-0.5, 0.5, 441).astype(np.float32)
    embedding = embviz.embed((samples, 44_100), model, cache=False)
    assert len(embedding) == frames
    assert np.isfinite(embedding.values).all()
    assert embedding.padded == (model != "spleeter")


def test_a_short_clip_equals_essentia_s_repeat_mode(excerpt):
    es = standard()
    samples = es.MonoLoader(filename=str(excerpt), sampleRate=16_000, resampleQuality=4)()[: 2 * 16_000]
    predict = es.TensorflowPredictMusiCNN(
        graphFilename=path_of("musicnn"), output="model/dense/BiasAdd", lastPatchMode="repeat"
    )
    ours = embviz.embed((samples, 16_000), "musicnn", engine="essentia", cache=False)
    assert np.array_equal(ours.values, predict(samples))


@pytest.mark.parametrize("model", ["musicnn", "vgg", "tempocnn", "spleeter"])
def test_silence_is_the_same_every_time(model):
    silence = np.zeros(14 * 44_100, np.float32), 44_100
    first, second = (
        embviz.embed(silence, model, layer="output" if model == "tempocnn" else "embedding", cache=False) for _ in "ab"
    )
    assert np.array_equal(first.values, second.values)
    assert np.isfinite(first.values).all()


def test_higher_rank_layers_keep_their_tensor(excerpt):
    pool4 = embviz.embed(excerpt, "vgg", layer="pool4", cache=False)
    assert pool4.tensor.shape == (pool4.shape[0], 6, 128)
    assert np.array_equal(pool4.tensor.mean(axis=1), pool4.values)
    conv = embviz.embed(excerpt, "musicnn", layer="model/conv2d/Relu", cache=False)
    assert conv.shape == (745, 204)
    assert conv.tensor.shape == (745, 59, 204)


# Options and errors. -----------------------------------------------------------------------------------------------


def test_resample_quality_changes_the_numbers_and_the_key(excerpt):
    best = embviz.embed(excerpt, "musicnn", resample_quality=0)
    fast = embviz.embed(excerpt, "musicnn")
    assert not np.array_equal(best.values, fast.values)
    assert (best.info["resample_quality"], fast.info["resample_quality"]) == (0, 4)


@pytest.mark.parametrize("hop", [0, -1, np.nan, "often", True, 3.5, np.inf])
def test_patch_hop_out_of_range(excerpt, hop):
    with pytest.raises(OptionError, match="patch_hop is"):
        embviz.embed(excerpt, "musicnn", patch_hop=hop)


def test_spleeter_has_no_patch_hop(excerpt):
    with pytest.raises(OptionError, match="fixed"):
        embviz.embed(excerpt, "spleeter", patch_hop=1.0)


def test_unknown_names_suggest_the_nearest(excerpt):
    with pytest.raises(ModelError, match="Did you mean 'msd-musicnn-1'"):
        embviz.embed(excerpt, "msd-musicn-1")
    with pytest.raises(LayerError, match="Did you mean 'timbral'"):
        embviz.embed(excerpt, "musicnn", layer="timbre")
    with pytest.raises(LayerError, match="Did you mean 'model/dense/Relu'"):
        embviz.embed(excerpt, "musicnn", layer="model/dense/Rely")
    with pytest.raises(TypeError, match="layers"):
        embviz.embed(excerpt, "musicnn", layers="embedding")
    with pytest.raises(OptionError, match="at least one"):
        embviz.embed(excerpt, [])


def test_nodes_that_are_no_layers_are_refused(excerpt):
    for node in ("model/conv2d/kernel", "model/Placeholder_1", "Const"):
        with pytest.raises(LayerError):
            embviz.embed(excerpt, "musicnn", layer=node)


def test_missing_weights_say_how_to_get_them(excerpt, tmp_path, monkeypatch):
    monkeypatch.setenv("EMBVIZ_HOME", str(tmp_path / "empty"))
    with pytest.raises(WeightsError, match=r"embviz pull msd-musicnn-1.*--from DIR"):
        embviz.embed(excerpt, "musicnn")


def test_missing_file_comes_as_an_audio_error():
    with pytest.raises(AudioError, match="no file"):
        embviz.embed("none.mp3", "musicnn")


@pytest.mark.parametrize("damage", ["truncate", "garbage", "page", "flip"])
def test_damaged_weights_are_noticed(excerpt, tmp_path, monkeypatch, home, damage):
    own = tmp_path / "own"
    monkeypatch.setenv("EMBVIZ_HOME", str(own))
    (own / "data" / "models").mkdir(parents=True)
    for file in (home / "data" / "models").glob("msd-musicnn-1*"):
        (own / "data" / "models" / file.name).write_bytes(file.read_bytes())
    path = own / "data" / "models" / "msd-musicnn-1.pb"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(
        {"truncate": bytes(data[:100_000]), "garbage": b"x" * 5000, "page": b"<html>", "flip": bytes(data)}[damage]
    )
    with pytest.raises(EmbvizError, match=r"msd-musicnn-1.*(pull|download)"):
        embviz.embed(excerpt, "musicnn", cache=False)


def test_progress_tells_stages_and_ends_full(excerpt):
    reports = []
    embviz.embed(excerpt, ["musicnn", "tempocnn"], cache=False, progress=lambda *r: reports.append(r))
    stages = {stage: (done, total) for stage, done, total in reports}
    assert all(done == total for done, total in stages.values())
    assert {"decoding excerpt.wav", "front-end musicnn", "msd-musicnn-1", "deepsquare-k8"} <= set(stages)


def test_cancelling_from_the_progress_leaves_everything_usable(excerpt):
    def cancel(stage, done, total):
        if stage == "msd-musicnn-1":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embviz.embed(excerpt, "musicnn", cache=False, progress=cancel)
    assert embviz.embed(excerpt, "musicnn", cache=False).shape == (7, 200)


def test_nothing_is_printed(excerpt, capfd):
    embviz.embed(excerpt, ["musicnn", "tempocnn"], cache=False)
    assert capfd.readouterr() == ("", "")


def test_a_cached_result_runs_no_graph(excerpt, monkeypatch):
    cold = embviz.embed(excerpt, "musicnn", layer=["embedding", "output"])
    monkeypatch.setattr(extract, "run_passes", None)
    monkeypatch.setattr(extract.Audio, "mono", None)
    warm = embviz.embed(excerpt, "musicnn", layer=["output", "embedding"])
    assert np.array_equal(warm[1].values, cold[0].values)
    assert warm[0].labels[:2] == ("rock", "pop")


def test_bands_are_named_by_their_frequencies_in_what_an_earlier_version_kept_too(excerpt, monkeypatch):
    monkeypatch.setattr(extract.LayerSpec, "labels", lambda _spec, _dimensions: ())
    assert embviz.embed(excerpt, "musicnn", layer="mel").labels == ()
    monkeypatch.undo()
    mel, batch_norm, timbral = embviz.embed(excerpt, "musicnn", layer=["mel", "batch_norm", "timbral"])
    assert (mel.labels[0], mel.labels[-1], len(set(mel.labels))) == ("31.1 Hz", "7748 Hz", 96)
    assert batch_norm.labels == mel.labels
    assert timbral.labels == ()


def test_two_threads_get_their_own_results(rock, excerpt, tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    paths = excerpt, cut(rock, tmp_path, 60, 80)
    expected = {p: embviz.embed(p, "musicnn", cache=False).values for p in paths}
    with ThreadPoolExecutor(2) as pool:
        jobs = [(p, pool.submit(embviz.embed, p, "musicnn", cache=False)) for p in paths * 2]
        assert all(np.array_equal(job.result().values, expected[p]) for p, job in jobs)


def test_sessions_stay_loaded(excerpt):
    engine.sessions.clear()
    embviz.embed(excerpt, "musicnn", cache=False)
    loaded = list(engine.sessions._kept.values())
    embviz.embed(excerpt, "musicnn", cache=False)
    assert list(engine.sessions._kept.values()) == loaded
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        embviz.embed(excerpt, "musicnn", layer="output", cache=False)


def test_one_call_decodes_a_track_once(excerpt, monkeypatch):
    from embviz.audio import audio as audio_module

    calls = []
    for name in ("decode", "decode_mix"):
        real = getattr(audio_module, name)
        monkeypatch.setattr(
            audio_module, name, lambda path, name=name, real=real, **more: calls.append(name) or real(path, **more)
        )
    embviz.embed(excerpt, ["musicnn", "tempocnn"], engine="essentia", cache=False)
    embviz.embed(excerpt, ["tempocnn", "spleeter"], cache=False)
    assert calls == ["decode_mix", "decode"]


def test_few_sessions_are_kept(excerpt, monkeypatch):
    kept = engine.SessionPool(most=6, most_bytes=7_000_000)
    monkeypatch.setattr(passes, "sessions", kept)
    for layer in ("embedding", "output", "timbral", "embedding"):
        embviz.embed(excerpt, "musicnn", layer=layer, engine="essentia", cache=False)
        assert kept._bytes <= 7_000_000
    assert len(kept._kept) == 2
