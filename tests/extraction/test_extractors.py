"""Today's extractors: the numbers of Essentia's algorithms, from graphs of the same input and outputs."""

import json

import numpy as np
import pytest
from architectures import random_crepe, random_effnet, random_maest, random_sinet, random_token_head, random_yamnet

import embviz
from embviz.analysis.tagging import model_task
from embviz.core import essentia
from embviz.core.essentia import standard
from embviz.errors import ModelError, OptionError
from embviz.inference.session_pool import sessions
from embviz.models import register_model
from embviz.models.convert.nodes import serialise
from embviz.models.weights import pull

EFFNET, MAEST, YAMNET = "discogs-effnet-bs64-1", "discogs-maest-5s-pw-2", "audioset-yamnet-1"
SINET, CREPE = "fsd-sinet-vgg42-tlpf_aps-1", "crepe-tiny-1"
BUILDERS = {
    EFFNET: random_effnet,
    "discogs-effnet-bs1-1": lambda: random_effnet(1),
    "discogs_artist_embeddings-effnet-bs64-1": lambda: random_effnet(styles=64),
    MAEST: lambda: random_maest(316),
    "discogs-maest-10s-pw-2": lambda: random_maest(626),
    YAMNET: random_yamnet,
    SINET: random_sinet,
    CREPE: random_crepe,
}
CLASSES = {"discogs-effnet": 400, "discogs-maest": 400, YAMNET: 521, SINET: 200}
INPUT = "serving_default_melspectrogram"


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    """A home for this module with all of the graphs, which lie in the folder that it gives."""
    home = tmp_path_factory.mktemp("extractors")
    for name, build in BUILDERS.items():
        (home / f"{name}.pb").write_bytes(serialise(build()))
        if classes := CLASSES.get(name.partition("-bs")[0].partition("-5s")[0].partition("-10s")[0], 0):
            (home / f"{name}.json").write_text(json.dumps({"classes": [f"class <{i}>" for i in range(classes)]}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBVIZ_HOME", str(home / "home"))
        for name in BUILDERS:
            pull(name, folder=home)
        yield home
    sessions.clear()


def sound(frames, hop=256, seed=1):
    """Return noise that comes and goes and begins anew at each call, so long that it gives so many frames."""
    t = np.arange((frames - 1) * hop) / 16_000
    noise = np.random.default_rng(seed).standard_normal(len(t))
    return (0.2 * noise * (1.1 + np.sin(5 * t)) + 0.2 * np.sin(2 * np.pi * 300 * t * (1 + t / 9))).astype(np.float32)


def embed(samples, model, layer, engine="essentia", **options):
    return embviz.embed((samples, 16_000), model, layer=layer, engine=engine, cache=False, **options)


# Discogs-EffNet. -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("patches", [2, 64, 70])
def test_effnet_gives_the_numbers_of_its_algorithm(folder, patches):
    samples = sound(128 + 62 * (patches - 1) + 30)
    ours = embed(samples, EFFNET, ["embedding", "output"])
    for embedding, node, size in zip(ours, ("PartitionedCall:1", "PartitionedCall:0"), (1280, 400), strict=True):
        algorithm = standard().TensorflowPredictEffnetDiscogs(graphFilename=str(folder / f"{EFFNET}.pb"), output=node)
        assert embedding.shape == (patches, size)
        assert np.array_equal(embedding.values, algorithm(samples))
        assert np.ptp(embedding.values, axis=0).max() > 0.01  # the sound is heard
    assert (ours[0].grid.hop, ours[0].grid.patch) == (62 * 256, 128 * 256)


def test_effnet_with_one_patch_at_once_gives_the_numbers_of_its_algorithm(folder):
    name, samples = "discogs-effnet-bs1-1", sound(128 + 62 * 3 + 5)
    options = {"graphFilename": str(folder / f"{name}.pb"), "output": "PartitionedCall:1", "batchSize": 1}
    assert np.array_equal(
        embed(samples, name, "embedding").values, standard().TensorflowPredictEffnetDiscogs(**options)(samples)
    )


def test_a_last_patch_that_the_frames_just_fill_is_kept_where_essentia_leaves_it_out(folder):
    path = str(folder / f"{EFFNET}.pb")
    algorithm = standard().TensorflowPredictEffnetDiscogs(graphFilename=path, output="PartitionedCall:1")
    for patches in (1, 3):
        samples = sound(128 + 62 * (patches - 1))
        kept, reference = embed(samples, EFFNET, "embedding"), algorithm(samples)
        assert (len(kept.values), len(reference)) == (patches, patches - 1)
        assert np.array_equal(kept.values[:-1], np.reshape(reference, (-1, 1280)))
        assert not kept.padded


def test_patches_of_a_fixed_batch_do_not_depend_on_each_other():
    samples = sound(128 + 62 * 80)
    whole, part = embed(samples, EFFNET, "embedding"), embed(samples[: 62 * 256 * 30], EFFNET, "embedding")
    assert np.array_equal(whole.values[:27], part.values[:27])


@pytest.mark.parametrize("name", [EFFNET, MAEST, YAMNET, SINET, CREPE])
def test_both_engines_give_the_same(name):
    samples = sound(1300 if name != CREPE else 150)
    ours, theirs = (embed(samples, name, "embedding", engine) for engine in ("essentia", "onnx"))
    assert theirs.info["engine"] == "onnx"
    assert np.abs(ours.values - theirs.values).max() < 5e-5 * ours.values.std()


def test_effnets_siblings_have_an_embedding_alone():
    model = embviz.get_model("discogs_artist_embeddings-effnet-bs64-1")
    assert [layer.name for layer in model.known_layers] == ["embedding"]
    assert model.layers()["in_graph"].all()


@pytest.mark.parametrize(("name", "patch"), [(EFFNET, 128), (MAEST, 316), ("discogs-maest-10s-pw-2", 626)])
def test_a_clip_shorter_than_a_patch_is_repeated_and_says_so(name, patch):
    samples = sound(patch - 40)
    embedding = embed(samples, name, "embedding")
    assert (len(embedding.values), embedding.padded) == (1, True)
    assert (embedding.grid.n_frames, embedding.grid.patch) == (1, len(samples))


# Names of classes. ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "layer"), [(EFFNET, "output"), (MAEST, "logits"), (YAMNET, "output")])
def test_classes_have_the_names_of_the_description(name, layer):
    output = embed(sound(700), name, layer)
    assert output.labels[:2] == ("class <0>", "class <1>")
    assert len(output.labels) == output.shape[1]
    assert "no names" not in embviz.get_model(name).note
    assert model_task(embviz.get_model(name)) == "tags"  # so that it is a tagger wherever there are such


def test_classes_without_a_description_stay_without_names_and_say_so(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("EMBVIZ_HOME", str(tmp_path / "home"))
    given = tmp_path / "given"
    given.mkdir()
    (given / f"{YAMNET}.pb").write_bytes((folder / f"{YAMNET}.pb").read_bytes())
    with pytest.warns(
        UserWarning, match=rf"classes of '{YAMNET}' stay without names\. .* Put Essentia's {YAMNET}\.json"
    ):
        pull(YAMNET, folder=given)
    assert embed(sound(300), YAMNET, "output").labels == ()
    for told, found in ({"classes": ["a"] * 521}, "521 entries"), ({"classes": "a"}, "a str"), ({}, "a NoneType"):
        (given / f"{YAMNET}.json").write_text(json.dumps(told))
        with pytest.warns(UserWarning, match=f"521 different names of classes is expected, {found} was found"):
            pull(YAMNET, folder=given)
    (given / f"{YAMNET}.json").write_text(json.dumps({"classes": [f"sound {i}" for i in range(521)]}))
    pull(YAMNET, folder=given)
    assert embed(sound(300), YAMNET, "output").labels[520] == "sound 520"
    (tmp_path / "home" / "data" / "models" / f"{YAMNET}.classes.json").write_text("[")
    assert embed(sound(300), YAMNET, "output").labels == ()


# MAEST. --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "patch", "hop"), [(MAEST, 316, 313), ("discogs-maest-10s-pw-2", 626, 625)])
def test_maest_gives_the_numbers_of_its_algorithm(folder, name, patch, hop):
    samples = sound(patch + 2 * hop + 100)
    options = {"graphFilename": str(folder / f"{name}.pb"), "patchSize": patch, "patchHopSize": hop}
    nodes = ("PartitionedCall/Identity_7", "PartitionedCall/Identity_13", "PartitionedCall/Identity")
    block, output, logits = (
        np.array(standard().TensorflowPredictMAEST(**options, output=node)(samples)) for node in nodes
    )
    assert block.shape == (3, 1, 2 + 9 * ((patch - 16) // 10 + 1), 768)
    ours = embed(samples, name, ["embedding", "dist", "signal", "output", "logits"])
    expected = block[:, 0, 0], block[:, 0, 1], block[:, 0, 2:].mean(axis=1), output[:, 0, 0], logits[:, 0, 0]
    for embedding, values in zip(ours, expected, strict=True):
        assert np.array_equal(embedding.values, values), embedding.layer
        assert np.ptp(embedding.values, axis=0).max() > 0.001
        assert (embedding.grid.hop, embedding.grid.patch) == (hop * 256, patch * 256)


def test_a_head_on_maest_takes_all_tokens_as_in_the_example(folder, tmp_path):
    name, samples = "genre_discogs400-discogs-maest-5s-pw-1", sound(316 + 2 * 313 + 40)
    (tmp_path / f"{name}.pb").write_bytes(serialise(random_token_head()))
    told = {"inference": {"algorithm": "TensorflowPredict", "embedding_model": {"model_name": MAEST}}}
    (tmp_path / f"{name}.json").write_text(json.dumps(told))
    embviz.pull(name, folder=tmp_path)
    options = {"graphFilename": str(folder / f"{MAEST}.pb"), "patchSize": 316, "patchHopSize": 313}
    pool = essentia.load()[1].Pool()
    pool.set("embeddings", standard().TensorflowPredictMAEST(**options, output="PartitionedCall/Identity_12")(samples))
    node = "PartitionedCall/Identity_1"
    head = {"graphFilename": str(tmp_path / f"{name}.pb"), "inputs": ["embeddings"], "outputs": [node]}
    expected = np.array(standard().TensorflowPredict(**head)(pool)[node])[:, 0, 0]
    ours = embviz.embed((samples, 16_000), MAEST, head="genre_discogs400", engine="essentia", cache=False)
    assert ours.shape == expected.shape == (3, 400)
    assert np.array_equal(ours.values, expected)
    assert np.ptp(ours.values, axis=0).max() > 0.001
    tokens = embed(samples, MAEST, "tokens")
    assert np.array_equal(embviz.get_head(name).apply(tokens.tensor), expected)
    with pytest.raises(OptionError, match=r"numbers \[t, tokens, 768\], an array of the shape \(3, 768\) was found"):
        embviz.get_head(name).apply(tokens.values)


# YAMNet. -------------------------------------------------------------------------------------------------------------


def test_yamnet_gives_the_numbers_of_its_algorithm(folder):
    samples, path = sound(700, 160), str(folder / f"{YAMNET}.pb")
    for embedding, node, size in zip(
        embed(samples, YAMNET, ["embedding", "output"]), ("embeddings", "activations"), (1024, 521), strict=True
    ):
        algorithm = standard().TensorflowPredictVGGish(graphFilename=path, input="melspectrogram", output=node)
        assert embedding.shape == (7, size)
        assert np.array_equal(embedding.values, algorithm(samples))


# FSD-SINet. ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("patches", [3, 70])
def test_sinet_gives_the_numbers_of_its_algorithm(folder, patches):
    samples, path = 0.3 + sound(101 + 50 * (patches - 1) + 7, 220), str(folder / f"{SINET}.pb")
    ours = embviz.embed((samples, 22_050), SINET, layer=["embedding", "output"], engine="essentia", cache=False)
    nodes = ("model/global_max_pooling1d/Max", "model/predictions/Sigmoid")
    for embedding, node, size in zip(ours, nodes, (96, 200), strict=True):
        algorithm = standard().TensorflowPredictFSDSINet(graphFilename=path, output=node)
        assert embedding.shape == (patches, size)
        assert np.array_equal(embedding.values, algorithm(samples))
        assert np.ptp(embedding.values, axis=0).max() > 0.001


def test_the_loudness_of_a_track_makes_no_difference_to_sinet():
    samples = sound(300, 220)
    loud, quiet = (
        embviz.embed((gain * samples + offset, 22_050), SINET, engine="essentia", cache=False).values
        for gain, offset in ((1, 0), (0.25, 0.5))
    )
    assert np.abs(loud - quiet).max() < 0.02 * np.abs(loud).max()
    silent = embviz.embed((np.zeros(22_050, np.float32), 22_050), SINET, engine="essentia", cache=False)
    assert np.isfinite(silent.values).all()


def test_the_length_of_sinet_s_embedding_is_that_of_the_graph():
    model = embviz.get_model("fsd-sinet")
    assert model.dimensions == 0
    assert "embedding:" not in repr(model)
    assert model.layers().set_index("name").loc["embedding", "shape"] == (96,)


# CREPE. --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("samples", "hop"), [(300, None), (16_000, None), (16_090, None), (9_000, 0.02)])
def test_crepe_gives_the_numbers_of_its_algorithm(folder, samples, hop):
    track, path = sound(64)[:samples], str(folder / f"{CREPE}.pb")
    for embedding, node, size in zip(
        embed(track, CREPE, ["embedding", "output"], patch_hop=hop),
        ("model/flatten/Reshape", "model/classifier/Sigmoid"), (256, 360), strict=True,
    ):  # fmt: skip
        options = {"output": node, "hopSize": 1000 * (hop or 0.01)}
        expected = standard().TensorflowPredictCREPE(graphFilename=path, **options)(track)
        assert embedding.shape[1] == size
        assert np.array_equal(embedding.values, expected)
        assert np.ptp(embedding.values, axis=0).max() > 0.001
        assert np.allclose(embedding.times, np.arange(len(expected)) * (hop or 0.01))


def test_pitches_of_crepe_are_a_fifth_of_a_semitone_apart(folder):
    output = embed(sound(64), CREPE, "output")
    hertz = np.array([float(label.removesuffix(" Hz")) for label in output.labels])
    assert np.allclose(1200 * np.log2(hertz[1:] / hertz[:-1]), 20, atol=1)
    assert (output.labels[0], output.labels[-1]) == ("31.70 Hz", "2005.50 Hz")
    assert model_task(embviz.get_model("crepe")) == "pitch"
    sizes = [embviz.get_model(f"crepe-{size}-1").parameters for size in ("tiny", "full")]
    assert sizes == [486_552, 22_239_976]


def test_silence_is_zero_to_crepe_where_essentia_divides_by_zero(folder):
    track = np.concatenate([np.zeros(8000, np.float32), sound(33)])
    values = embed(track, CREPE, "output").values
    assert np.isfinite(values).all()
    expected = standard().TensorflowPredictCREPE(graphFilename=str(folder / f"{CREPE}.pb"))(track)
    heard = np.isfinite(expected).all(axis=1)
    assert 40 < (~heard).sum() < 50
    assert np.array_equal(values[heard], expected[heard])


# One's own. ----------------------------------------------------------------------------------------------------------


def describe(algorithm, given, shape, outputs, sample_rate=16_000, **more):
    """Return metadata as Essentia writes them; `outputs` are (node, purpose, values)."""
    told = [{"name": node, "output_purpose": purpose, "shape": list(size)} for node, purpose, size in outputs]
    return {
        "schema": {"inputs": [{"name": given, "shape": shape}], "outputs": told},
        "inference": {"algorithm": algorithm, "sample_rate": sample_rate},
        **more,
    }


OWN = {
    "effnet": (
        EFFNET,
        describe(
            "TensorflowPredictEffnetDiscogs", INPUT, [64, 128, 96],
            [("PartitionedCall:0", "predictions", (64, 400)), ("PartitionedCall:1", "embeddings", (64, 1200))],
            classes=[f"style {i}" for i in range(400)],
        ),
        (1280, 62, ["output", "embedding"], "'PartitionedCall:1' has 1280 values"),
    ),
    "maest": (
        "discogs-maest-10s-pw-2",
        describe(
            "TensorflowPredictMAEST", "melspectrogram", [1, 626, 96],
            [
                ("PartitionedCall/Identity_13", "predictions", (400,)),
                ("StatefulPartitionedCall:7", "embeddings", (768,)),
            ],
        ),
        (768, 625, ["embedding", "dist", "signal", "output"], "there is no node 'StatefulPartitionedCall:7' to read"),
    ),
    "yamnet": (
        YAMNET,
        describe(
            "TensorflowPredictVGGish", "melspectrogram", [96, 64],
            [("activations", "predictions", (521,)), ("embeddings", "embeddings", (1024,))],
        ),
        (1024, 93, ["embedding", "output"], ""),
    ),
    "sinet": (
        SINET,
        describe(
            "TensorflowPredictFSDSINet", "x", [101, 96], [("model/predictions/Sigmoid", "predictions", (200,)),
            ("model/global_max_pooling1d/Max", "embeddings", (96,))], sample_rate=22_050,
        ),
        (96, 50, ["embedding", "output"], ""),
    ),
    "crepe": (
        CREPE,
        describe(
            "PitchCREPE", "frames", [1024], [("model/classifier/Sigmoid", "predictions", (360,)),
            ("model/flatten/Reshape", "embeddings", (256,))],
        ),
        (256, 160, ["embedding", "output"], ""),
    ),
}  # fmt: skip


@pytest.mark.parametrize("system", OWN)
def test_a_file_with_its_metadata_registers_without_a_word(folder, tmp_path, monkeypatch, system):
    name, metadata, (dimensions, hop, layers, note) = OWN[system]
    monkeypatch.setenv("EMBVIZ_HOME", str(tmp_path / "home"))
    path = tmp_path / f"my-{system}.pb"
    path.write_bytes((folder / f"{name}.pb").read_bytes())
    path.with_suffix(".json").write_text(json.dumps(metadata))
    model = register_model(path)
    assert (model.dimensions, model.hop_frames) == (dimensions, hop)
    assert [layer.name for layer in model.known_layers if layer.name != "logits"] == layers
    assert note in model.note
    assert model.note.count(";") == 0  # nothing else is found fault with
    assert len(model.layer("output").labels) == len(metadata.get("classes", ()))
    samples = sound(1300 if system != "crepe" else 100)
    own = embed(samples, f"my-{system}", "embedding").values
    monkeypatch.undo()
    monkeypatch.setenv("EMBVIZ_HOME", str(folder / "home"))
    assert np.array_equal(own, embed(samples, name, "embedding").values)


def test_the_file_of_a_model_that_is_known_is_pulled(folder):
    with pytest.raises(ModelError, match=rf"embviz\.pull\('{EFFNET}', folder=…\) takes the file of that one, or give"):
        register_model(folder / f"{EFFNET}.pb")


def test_a_graph_of_absurdly_many_patches_at_once_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("EMBVIZ_HOME", str(tmp_path / "home"))
    path = tmp_path / "huge.pb"
    path.write_bytes(serialise(random_effnet(10**9)))
    with pytest.raises(ModelError, match=r"takes 1,000,000,000 patches at once; at most 1,024 are expected"):
        register_model(path, frontend="effnet", embedding="PartitionedCall:1")
