"""Heads: classifiers on embeddings, in files, from Essentia, and in the Explorer."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import Bench
from head_graphs import REFERENCE, Built, essentia_says, frames, needs_reference, noise, regression, told
from panel import a_row, a_state

import embviz
from embviz.app.explorer import Explorer
from embviz.core import essentia
from embviz.errors import EmbvizError, GraphError, LayerError, ModelError, OptionError, WeightsError
from embviz.heads import Head, get_head, heads_for, known_heads, register_head, tf_graph, unregister_head
from embviz.models import get_model, register_model
from embviz.models.convert import nodes
from embviz.models.weights import find_weights
from embviz.widgets.curves import Curves


def small(**fields: Any) -> Head:
    """Return a head of 3 values, 2 hidden units and 2 classes."""
    rng = np.random.default_rng(1)
    weights = {
        "mean": rng.normal(size=3), "scale": rng.uniform(1, 2, 3), "hidden": rng.normal(size=(3, 2)),
        "hidden_bias": rng.normal(size=2), "output": rng.normal(size=(2, 2)), "output_bias": rng.normal(size=2),
    }  # fmt: skip
    usual = {"name": "small", "title": "Small", "model": "musicnn", "layer": "embedding", "classes": ("no", "yes")}
    return Head(**{**usual, "kind": "mlp", "weights": weights, "facts": {"tracks": 12, "seed": 0}} | fields)


# Applying. -----------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("classes", [2, 3])
def test_the_same_as_scikit_learn(classes: int):
    from sklearn.neural_network import MLPClassifier
    from sklearn.preprocessing import StandardScaler

    embedding = frames(300, 12)
    values, truth = embedding.values, np.arange(300) % classes
    scaler = StandardScaler().fit(values)
    learnt = MLPClassifier((20,), max_iter=30, random_state=0).fit(scaler.transform(values), truth)
    (hidden, output), (hidden_bias, output_bias) = learnt.coefs_, learnt.intercepts_
    if classes == 2:  # of which scikit-learn has one output
        output, output_bias = np.hstack([0 * output, output]), np.append(0, output_bias)
    weights = {
        "mean": scaler.mean_, "scale": scaler.scale_, "hidden": hidden, "hidden_bias": hidden_bias,
        "output": output, "output_bias": output_bias,
    }  # fmt: skip
    names = tuple("abc"[:classes])
    answered = small(classes=names, weights=weights).apply(embedding)
    np.testing.assert_allclose(answered.values, learnt.predict_proba(scaler.transform(values)), atol=1e-6)
    assert answered.grid == embedding.grid
    assert (answered.labels, answered.unit, answered.layer) == (names, "probability", "Small")
    assert answered.to_frame().columns.tolist() == list(names)


def test_without_a_hidden_layer_and_with_classes_that_do_not_exclude_each_other():
    weights = {"mean": np.zeros(2), "scale": np.ones(2), "output": np.eye(2), "output_bias": np.zeros(2)}
    embedding = replace(frames(2, 2), values=np.array([[0, 800], [-800, np.log(3)]], np.float32))
    each = small(kind="logistic", weights=weights, exclusive=False).apply(embedding)
    np.testing.assert_allclose(each.values, [[0.5, 1], [0, 0.75]], atol=1e-7)
    one = small(kind="logistic", weights=weights).apply(embedding)
    np.testing.assert_allclose(one.values, [[0, 1], [0, 1]], atol=1e-7)


def test_frames_that_are_not_finite_stay_without_values_and_no_frames_give_none():
    embedding = frames(5, 3)
    embedding.values[2, 1] = np.nan
    answered = small().apply(embedding)
    assert np.isnan(answered.values).all(axis=1).tolist() == [False, False, True, False, False]
    assert np.allclose(np.delete(answered.values, 2, axis=0).sum(axis=1), 1)
    assert small().apply(frames(0, 3)).shape == (0, 2)
    huge = small(weights=small().weights | {"output": np.full((2, 2), 1e308), "hidden": np.full((3, 2), 1e308)})
    assert np.isnan(huge.apply(frames(5, 3)).values).any()  # and no warning


@pytest.mark.parametrize(
    ("embedding", "message"),
    [
        (frames(4, 3, model="msd-vgg-1"), "'msd-musicnn-1' / 'embedding', one of 'msd-vgg-1' / 'embedding' was found"),
        (frames(4, 3, layer="output"), "'msd-musicnn-1' / 'output' was found"),
        (frames(4, 5), "takes 3 values per frame, 5 were found"),
        (np.zeros((4, 5)), r"numbers \[t, 3\], an array of the shape \(4, 5\) was found; call the head itself with a"),
        (np.zeros(3), r"an array of the shape \(3,\) was found"),
        (np.array([["a", "b", "c"]]), r"an array of the shape \(1, 3\) was found"),
        ("song.mp3", "a str was found; call the head itself with a track"),
    ],
)
def test_what_does_not_fit_is_not_answered(embedding: Any, message: str):
    with pytest.raises(OptionError, match=message):
        small().apply(embedding)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "svm"}, "one of mlp, logistic, ridge, graph, 'svm' was found"),
        ({"kind": "logistic"}, "is made of mean, scale, output, output_bias; mean, scale, hidden"),
        ({"classes": ("a", "b", "c")}, "one output per class, 2 for 3 were found"),
        ({"classes": ("a", "a")}, "of different names"),
        ({"classes": ("a", 3)}, "classes of a head are texts"),
        ({"classes": "ab"}, "classes of a head are texts"),
        ({"name": ""}, "The name of a head is a text, '' was found"),
        ({"facts": {"tracks": [1]}}, "facts of a head are texts and numbers"),
        ({"nodes": ("a",)}, "nodes of a head are two texts"),
        ({"exclusive": "yes"}, "exclusive is True or False"),
        ({"weights": None}, "weights of a head are arrays by name, None was found"),
        ({"weights": small().weights | {"hidden": np.zeros((4, 2))}}, r"'hidden' .* the shape \(4, 2\) was found"),
        ({"weights": small().weights | {"scale": np.zeros(3)}}, "scale of a head is never 0"),
        ({"weights": small().weights | {"mean": np.array([0, np.nan, 0])}}, "'mean' of a head holds finite"),
        ({"weights": small().weights | {"mean": np.zeros(3, int)}}, "'mean' of a head holds finite floating-point"),
    ],
)
def test_what_makes_no_head(fields: dict[str, Any], message: str):
    with pytest.raises(OptionError, match=message):
        small(**fields)


def test_a_head_describes_itself():
    head = small(title="<b>Mood</b>", classes=("<i>no</i>", "yes"))
    assert repr(head) == "<Head 'small': '<i>no</i>', 'yes' from msd-musicnn-1 / embedding>"
    page = head._repr_html_()
    assert "&lt;b&gt;Mood" in page
    assert "&lt;i&gt;no" in page
    assert not {"<b>", "<i>"} & set(page.split("&"))
    assert "one hidden layer of 2 units" in page


# Files. --------------------------------------------------------------------------------------------------------------


def test_there_and_back(tmp_path: Path):
    head = small(facts={"trained_on": "Ünïcode", "accuracy": 0.9, "tracks": 3})
    path = head.save(tmp_path / "folder" / "mood.v2")
    assert path.name == "mood.v2.safetensors"
    assert sorted(file.name for file in path.parent.iterdir()) == ["mood.v2.json", "mood.v2.safetensors"]
    for given in (tmp_path / "folder" / "mood.v2", path, path.with_suffix(".json"), str(path)):
        back = Head.load(given)
        assert np.array_equal(back.apply(frames(9, 3)).values, head.apply(frames(9, 3)).values)
        assert (back.name, back.title, back.classes, back.facts) == (head.name, head.title, head.classes, head.facts)
    said = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert (said["model"], said["layer"], said["classes"]) == ("msd-musicnn-1", "embedding", ["no", "yes"])


def test_names_that_are_no_text_go_through_files(tmp_path: Path):
    assert Head.load(small(classes=("a\ud800", "b")).save(tmp_path / "odd")).classes == ("a\ud800", "b")


@pytest.mark.parametrize("path", ["", ".", "/", "a\0b"])
def test_paths_that_name_no_head(path: str):
    with pytest.raises(OptionError, match="The path of a head ends in a name"):
        small().save(path)
    with pytest.raises(ModelError, match="The path of a head ends in a name"):
        Head.load(path)


def test_devices_and_pipes_are_not_read(tmp_path: Path):
    small().save(tmp_path / "head")
    for ending in (".safetensors", ".json"):
        file = tmp_path / f"head{ending}"
        file.unlink()
        os.mkfifo(file)
        with pytest.raises(ModelError, match=f"head{ending}' cannot be read: it is no file"):
            Head.load(file)
    os.mkfifo(tmp_path / "mood-msd-musicnn-1.pb")
    for path in (tmp_path / "mood-msd-musicnn-1.pb", "a\0.pb"):
        with pytest.raises(GraphError, match=r"cannot be read: (it is no file|embedded null byte)"):
            register_head(path)
    with pytest.raises(EmbvizError, match="cannot be written"):
        small().save(tmp_path / ("a" * 300))


def test_what_is_no_head_is_not_written_over(tmp_path: Path):
    small().save(tmp_path / "head")
    small(title="Another").save(tmp_path / "head")
    assert Head.load(tmp_path / "head").title == "Another"
    (tmp_path / "mood.json").write_text('{"name": "mood happy"}', encoding="utf-8")
    with pytest.raises(OptionError, match=r"another file .*mood.json', which is no head; save under another name"):
        small().save(tmp_path / "mood")
    assert not (tmp_path / "mood.safetensors").exists()


def test_a_save_that_is_ended_leaves_the_old_pair_or_the_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    small(title="old").save(tmp_path / "head")

    def end(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    def end_at_last(path: Path, target: Path) -> None:
        end() if path.suffix == ".new" else replace_file(path, target)

    replace_file = Path.replace
    new = small(title="new", weights={name: array / 2 for name, array in small().weights.items()})
    stages = {"core.io.write_bytes": (end, "old"), "heads.io.json.dumps": (end, "old")}
    for stage, (ended, left) in {**stages, "heads.io.Path.replace": (end_at_last, "new")}.items():
        with monkeypatch.context() as patch:
            patch.setattr(f"embviz.{stage}", ended)
            with pytest.raises(KeyboardInterrupt):
                new.save(tmp_path / "head")
        assert Head.load(tmp_path / "head").title == left
    small(title="newest").save(tmp_path / "head")
    assert Head.load(tmp_path / "head").title == "newest"
    assert not (tmp_path / "head.safetensors.new").exists()


def test_files_that_were_tampered_with(tmp_path: Path):
    numbers = small().save(tmp_path / "head")
    words = tmp_path / "head.json"
    said, data = json.loads(words.read_text(encoding="utf-8")), numbers.read_bytes()

    def refused(message: str, text: str | None = None, content: bytes | None = None, **changed: Any) -> None:
        words.write_text(json.dumps(said | changed) if text is None else text, encoding="latin-1")
        numbers.write_bytes(data if content is None else content)
        with pytest.raises(ModelError, match=message):
            Head.load(tmp_path / "head")

    for text in ("", "{", "[1]", "null", '"x"', "[" * 100_000, "\xff\x00", json.dumps(said | {"format": 2})):
        refused("is damaged|is not a head that this version", text=text)
    for name in ("title", "classes", "kind", "facts", "nodes", "exclusive", "dimensions"):
        refused("is not a head that this version", text=json.dumps({k: v for k, v in said.items() if k != name}))
    refused("its checksum is another", content=data[:-4] + b"\x00\x00\xc0\x7f")
    refused("its checksum is another", content=b"")
    refused("its checksum is another", sha256=None)
    cut = data[:-8]
    refused("the numbers of a head were expected", content=cut, sha256=hashlib.sha256(cut).hexdigest())
    refused("classes of a head are texts", classes=["no", None])
    refused("one output per class", classes=["no", "yes", "perhaps"])
    refused("'graph' is made of graph; ", kind="graph")
    refused("is not a head", exclusive="false")
    refused("is not a head", dimensions=3.5)
    refused("is not a head", nodes=["a"])
    refused("output node of a head is a text", nodes=["a", 5])
    refused("facts of a head", facts=["x"])
    words.unlink()
    with pytest.raises(ModelError, match=r"'head.json' and 'head.safetensors'; .*head.json' is missing"):
        Head.load(numbers)
    small().save(tmp_path / "head")
    numbers.unlink()
    with pytest.raises(ModelError, match=r"head.safetensors' is missing"):
        Head.load(words)
    with numbers.open("wb") as file:
        file.truncate(65 << 20)
    with pytest.raises(ModelError, match="too large for a head: at most 64 MB"):
        Head.load(words)
    with words.open("wb") as file:
        file.truncate(2 << 20)
    with pytest.raises(ModelError, match="too large for the description of a head"):
        Head.load(words)


# Essentia's own. -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("end", "classes"), [("Softmax", ["happy", "non_happy"]), ("Sigmoid", list("abcdefg"))])
def test_the_numbers_are_essentias_own(empty_home: Path, tmp_path: Path, end: str, classes: list[str]):
    built = Built(200, len(classes), end=end)
    told_ = told(classes)
    if end == "Sigmoid":
        del told_["schema"]
    path = built.write(tmp_path / "mood_happy-msd-musicnn-1.pb", **told_)
    head = register_head(path)
    assert (head.name, head.title, head.classes) == ("mood_happy-msd-musicnn-1", "mood happy", tuple(classes))
    assert (head.model, head.layer, head.dimensions) == ("msd-musicnn-1", "embedding", 200)
    assert head.exclusive == (end == "Softmax")
    assert head.facts["5-fold_accuracy"] == 0.81
    embedding = frames(150, 200)  # more than two of Essentia's batches
    answered = head.apply(embedding)
    assert np.array_equal(answered.values, essentia_says(path, embedding.values, f"model/{end}"))
    np.testing.assert_allclose(answered.values, built.answers(embedding.values), atol=1e-5)


@pytest.mark.parametrize("calls", [False, True], ids=["nodes", "a function"])
def test_the_numbers_without_essentia(monkeypatch: pytest.MonkeyPatch, calls: bool):
    built = Built(200, 3)
    graph = in_a_function(built.graph) if calls else built.graph
    source, target = graph.node[0].name, "PartitionedCall" if calls else "model/Softmax"
    arguments = graph.SerializeToString(), (source, target)
    values = frames(150, 200).values
    with_it = tf_graph.classify(tf_graph.load_session(*arguments, 3), source, values, 3)
    monkeypatch.setattr(essentia, "version", str)
    monkeypatch.setattr(tf_graph, "EssentiaSession", None)
    without = tf_graph.classify(tf_graph.load_session(*arguments, 3), source, values, 3)
    np.testing.assert_allclose(without, with_it, atol=1e-6)
    assert tf_graph.measure_output(*arguments, (200,)) == ((tf_graph.TRIAL, 3), True)


def in_a_function(graph: Any) -> Any:
    """Return a head as newer versions of TensorFlow write it: its arithmetic in a function that one node calls."""
    results = {"Const": "output", "Relu": "activations", "Mul": "z", "AddV2": "z", "MatMul": "product"}
    results |= {"BiasAdd": "output", "Softmax": "softmax"}
    ops = {node.name: node.op for node in graph.node}

    def local(name: str) -> str:
        return name.replace("/", "_")

    called = type(graph)()
    called.versions.producer = 1087
    called.node.append(next(node for node in graph.node if node.op == "Placeholder"))
    called.node[0].name = "serving_default_model_Placeholder"
    function = called.library.function.add()
    function.signature.name = "head"
    function.signature.input_arg.add(name="x", type=nodes.FLOAT)
    function.signature.output_arg.add(name="y", type=nodes.FLOAT)
    function.ret["y"] = "model_Softmax:softmax:0"
    for node in graph.node:
        if node.op != "Placeholder":
            own = function.node_def.add()
            own.CopyFrom(node)
            own.name = local(node.name)
            own.input[:] = [
                "x" if ops[name] == "Placeholder" else f"{local(name)}:{results[ops[name]]}:0" for name in node.input
            ]
    call = called.node.add(name="PartitionedCall", op="PartitionedCall", input=[called.node[0].name])
    call.attr["f"].func.name = "head"
    call.attr["Tin"].list.type.append(nodes.FLOAT)
    call.attr["Tout"].list.type.append(nodes.FLOAT)
    return called


def test_a_head_whose_arithmetic_is_in_a_function(empty_home: Path, tmp_path: Path):
    built = Built(200, 5)
    embedding = frames(1, 200)
    built.graph = in_a_function(built.graph)
    outputs = [{"name": "PartitionedCall", "op": "Softmax", "output_purpose": "predictions"}]
    path = built.write(tmp_path / "moods_mirex-msd-musicnn-1.pb", **told(list("abcde"), schema={"outputs": outputs}))
    head = register_head(path)
    assert (head.nodes, head.unit) == (("serving_default_model_Placeholder", "PartitionedCall"), "probability")
    values = Built(200, 5).answers(embedding.values)
    np.testing.assert_allclose(head.apply(embedding).values, values, atol=1e-5)
    built.graph.library.function[0].node_def.add(name="secret", op="ReadFile", input=["x"])
    with pytest.raises(GraphError, match="the operations ReadFile were found"):
        register_head(built.write(tmp_path / "other-msd-musicnn-1.pb"))
    body = built.graph.library.function[0].node_def
    del body[-1]
    body.add(name="again", op="PartitionedCall", input=["x"]).attr["f"].func.name = "head"
    with pytest.raises(GraphError, match="a function that calls itself"):
        register_head(built.write(tmp_path / "other-msd-musicnn-1.pb"))


STRING = 7


def with_saver(graph: Any) -> Any:
    """Return a head with what a newer TensorFlow leaves in its file: functions that read files, never reached."""
    function = graph.library.function.add()
    function.signature.name = "traced_restore"
    function.signature.input_arg.add(name="prefix", type=STRING)
    function.signature.output_arg.add(name="y", type=STRING)
    function.node_def.add(name="secret", op="ReadFile", input=["prefix"])
    function.ret["y"] = "secret:contents:0"
    graph.node.append(nodes.make("saver_filename", "Placeholder", dtype=STRING))
    call = graph.node.add(name="StatefulPartitionedCall", op="StatefulPartitionedCall", input=["saver_filename"])
    call.attr["f"].func.name = "traced_restore"
    call.attr["Tin"].list.type.append(STRING)
    call.attr["Tout"].list.type.append(STRING)
    return graph


def test_what_the_output_does_not_reach_is_not_looked_at(empty_home: Path, tmp_path: Path):
    built = Built(200, 5)
    built.graph = with_saver(in_a_function(built.graph))
    outputs = [{"name": "PartitionedCall:0", "op": "Sigmoid", "output_purpose": "predictions"}]
    path = built.write(tmp_path / "moods-msd-musicnn-1.pb", **told(list("abcde"), schema={"outputs": outputs}))
    head = register_head(path)
    assert (head.nodes[1], head.exclusive, head.unit) == ("PartitionedCall", True, "probability")
    assert head.facts["note"].endswith("'PartitionedCall' ends in Softmax, not Sigmoid.")  # the graph is believed
    values = frames(150, 200).values
    same = essentia_says(path, values, "PartitionedCall", input=head.nodes[0])
    assert np.array_equal(head.apply(values), same)
    again = register_head(path, name="again", input="serving_default_model_Placeholder:0", output="PartitionedCall:0")
    assert again.nodes == head.nodes
    built.graph.node[1].input.append("^StatefulPartitionedCall")  # now the output waits for it
    with pytest.raises(ModelError, match=r"'PartitionedCall:0' of .* is computed from saver_filename too"):
        register_head(built.write(tmp_path / "other-msd-musicnn-1.pb"), output="PartitionedCall:0")


OFFICIAL = {
    "moods_mirex-msd-musicnn-1": (200, 5, "PartitionedCall", None),
    "danceability-discogs-effnet-1": (1280, 2, "model/Softmax", "the input takes 1280 values, not 1200"),
    "genre_discogs400-discogs-effnet-1": (1280, 400, "PartitionedCall:0", None),
    "mtg_jamendo_top50tags-discogs-effnet-1": (1280, 50, "model/Sigmoid", "'model/Sigmoid' gives 50 values, not 56"),
}


@needs_reference
@pytest.mark.parametrize("name", OFFICIAL)
def test_essentias_own_files_give_essentias_own_bits(empty_home: Path, name: str):
    values, classes, output, note = OFFICIAL[name]
    path = REFERENCE / f"{name}.pb"
    head = register_head(path)
    assert (head.dimensions, len(head.classes), head.unit) == (values, classes, "probability")
    assert head.model == ("msd-musicnn-1" if "musicnn" in name else "discogs-effnet-bs64-1")
    assert (note is None and "note" not in head.facts) or note in head.facts["note"]
    vectors = frames(150, values).values
    expected = essentia_says(path, vectors, output, input=head.nodes[0])
    assert np.array_equal(get_head(name).apply(vectors), expected)
    if "effnet" in name:
        with pytest.raises((ModelError, WeightsError), match=rf"takes embeddings of .* array \[t, {values}\]"):
            head(noise(4))


@needs_reference
def test_a_track_through_musicnn_and_its_official_head(own_home: Path, root: Path):
    from embviz.core import essentia

    weights = find_weights("musicnn")
    assert weights is not None
    path = REFERENCE / "moods_mirex-msd-musicnn-1.pb"
    track = root / "sample_audio" / "classical.ogg"
    answered = register_head(path)(track, cache=False, engine="essentia")
    es = essentia.standard()
    with essentia.quiet:
        audio = es.MonoLoader(filename=str(track), sampleRate=16000, resampleQuality=4)()
        extractor = es.TensorflowPredictMusiCNN(graphFilename=str(weights.path), output="model/dense/BiasAdd")
        vectors = np.asarray(extractor(audio))
    expected = essentia_says(path, vectors, "PartitionedCall", input="serving_default_model_Placeholder")
    assert len(expected) > 3
    assert np.array_equal(answered.values[: len(expected)], expected)


def test_registered_heads_are_known_by_their_names(empty_home: Path, tmp_path: Path):
    assert known_heads() == []
    path = Built(200, 2).write(tmp_path / "mood_happy-msd-musicnn-1.pb", **told(["happy", "sad"]))
    head = register_head(path)
    assert register_head(path).name == head.name  # as a notebook that is run again does
    path.unlink()
    kept = get_head("mood_happy-msd-musicnn-1")
    assert kept is get_head("mood_happy-msd-musicnn-1")
    assert np.array_equal(kept.apply(frames(3, 200)).values, head.apply(frames(3, 200)).values)
    register_head(small(weights=wide_weights()), name="mine")
    assert [one.name for one in heads_for("musicnn")] == ["mine", "mood_happy-msd-musicnn-1"]
    assert heads_for("musicnn", "output") == []
    with pytest.raises(ModelError, match="'mine' is registered already"):
        register_head(small(weights=wide_weights(seed=2)), name="mine")
    with pytest.raises(ModelError, match=r"no head 'mime'. Did you mean 'mine'\?"):
        unregister_head("mime")
    with pytest.raises(ModelError, match=r"no head '../x'"):
        unregister_head("../x")
    unregister_head("mine")
    assert [one.name for one in known_heads()] == ["mood_happy-msd-musicnn-1"]
    with pytest.raises(ModelError, match="list_heads"):
        get_head("mine")


def wide_weights(seed: int = 1) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {
        "mean": np.zeros(200), "scale": np.ones(200), "hidden": rng.normal(size=(200, 4)), "hidden_bias": np.zeros(4),
        "output": rng.normal(size=(4, 2)), "output_bias": np.zeros(2),
    }  # fmt: skip


def test_a_head_that_is_applied_first_says_nothing_but_its_numbers(tmp_path: Path):
    path = Built(200, 2).write(tmp_path / "head.pb")
    nodes_ = ("model/Placeholder", "model/Softmax")
    code = (
        "import sys, numpy as np; from embviz.heads.tf_graph import load_session, classify;"
        f"s = load_session(open({str(path)!r}, 'rb').read(), {nodes_}, 2);"
        f"print(classify(s, {nodes_[0]!r}, np.ones((3, 200)), 2).shape)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert (run.stdout, run.stderr) == ("(3, 2)\n", "")


def test_a_graph_head_goes_through_files_too(empty_home: Path, tmp_path: Path):
    path = Built(200, 2).write(tmp_path / "x-msd-musicnn-1.pb")
    head = register_head(path, classes=["a", "b"])
    back = Head.load(head.save(tmp_path / "copy"))
    assert np.array_equal(back.apply(frames(70, 200)).values, head.apply(frames(70, 200)).values)
    assert register_head(tmp_path / "copy", name="again").name == "again"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"nodes": ("", "model/Softmax")}, "expected to have the nodes '' and 'model/Softmax'"),
        ({"nodes": ("model/Placeholder", "")}, "it has them not"),
        ({"nodes": ("model/Placeholder", "model/dense/BiasAdd")}, "each of its 2 classes, 100 were found"),
        ({"weights": {"graph": np.zeros(9, np.uint8)}}, "The head's graph is damaged"),
        ({"dimensions": 77}, "TensorFlow cannot run"),
    ],
)
def test_a_graph_that_a_head_does_not_fit(fields: dict[str, Any], message: str):
    weights = {"graph": np.frombuffer(Built(200, 2).graph.SerializeToString(), np.uint8)}
    usual = {"kind": "graph", "weights": weights, "nodes": ("model/Placeholder", "model/Softmax"), "dimensions": 200}
    head = small(**usual | fields)
    with pytest.raises(GraphError, match=message):
        head.apply(frames(5, head.dimensions))


def test_a_damaged_head_is_left_out_with_a_warning(empty_home: Path):
    register_head(small(weights=wide_weights()))
    register_head(small(weights=wide_weights()), name="other")
    (empty_home / "data" / "heads" / "other.safetensors").write_bytes(b"x")
    with pytest.warns(UserWarning, match="'other' is damaged and left out"):
        assert [head.name for head in known_heads()] == ["small"]
    unregister_head("other")
    assert [head.name for head in known_heads()] == ["small"]


def test_heads_of_a_shared_home(empty_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, seed in (("both", 1), ("broken", 1), ("theirs", 1)):
        register_head(small(weights=wide_weights(seed)), name=name)
    (empty_home / "data" / "heads" / "broken.safetensors").write_bytes(b"x")
    monkeypatch.setenv("EMBVIZ_SHARED", str(empty_home))
    monkeypatch.setenv("EMBVIZ_HOME", str(tmp_path / "own"))
    assert [head.name for head in heads_for("musicnn")] == ["both", "theirs"]  # a warning would be an error
    assert register_head(small(weights=wide_weights()), name="theirs").name == "theirs"
    with pytest.raises(ModelError, match=r"'theirs' is registered already; give this one another name=\.$"):
        register_head(small(weights=wide_weights(2)), name="theirs")
    with pytest.raises(ModelError, match="'theirs' is shared, and not of your own"):
        unregister_head("theirs")
    assert not (tmp_path / "own").exists()
    monkeypatch.delenv("EMBVIZ_SHARED")
    register_head(small(weights=wide_weights(2)), name="both")
    monkeypatch.setenv("EMBVIZ_SHARED", str(empty_home))
    assert np.array_equal(get_head("both").weights["hidden"], wide_weights(2)["hidden"])
    unregister_head("both")
    assert np.array_equal(get_head("both").weights["hidden"], wide_weights()["hidden"])


def test_the_first_generation_takes_the_penultimate_layer(empty_home: Path, tmp_path: Path):
    built = Built(200, 9, end="Sigmoid", begins=False)
    path = built.write(tmp_path / "genre_dortmund_musicnn_msd.pb")
    with pytest.raises(ModelError, match=r"Neither metadata nor name .* say which model .*; model= does"):
        register_head(path)
    head = register_head(path, model="musicnn", layer="penultimate")
    assert (head.layer, head.classes[:2]) == ("penultimate", ("class 1", "class 2"))
    embedding = frames(5, 200, layer="penultimate")
    np.testing.assert_allclose(head.apply(embedding).values, built.answers(embedding.values), atol=1e-5)


def test_model_and_layer_by_name(empty_home: Path, tmp_path: Path):
    openl3 = Built(512, 2, begins=False).write(tmp_path / "danceability-openl3-music-mel128-emb512-1.pb")
    assert register_head(openl3).model == "openl3-music-mel128-emb512-3"
    vggish = Built(128, 2, begins=False).write(tmp_path / "danceability-audioset-vggish-1.pb")
    assert register_head(vggish).model == "audioset-vggish-3"
    musicnn = Built(200, 2).write(tmp_path / "danceability-msd-musicnn-2.pb")
    assert register_head(musicnn, layer="model/dense/BiasAdd").layer == "embedding"


@pytest.mark.parametrize(
    ("changed", "given", "message"),
    [
        (
            {"inference": {"algorithm": "TensorflowPredictMusiCNN"}},
            {},
            "a model for sound, which embviz.register_model",
        ),
        (
            {"inference": {"embedding_model": {"model_name": "audioset-vggish-3"}}},
            {},
            "takes 200 values per frame, the layer 'embedding' of 'audioset-vggish-3' has 128",
        ),
        ({}, {"layer": "output"}, "takes 200 values per frame, the layer 'output' of 'msd-musicnn-1' has 50"),
        ({}, {"classes": ["a", "b", "c"]}, "gives 2 values per frame, 3 classes are named; classes="),
        ({}, {"classes": ["a", "a"]}, "each by a name of its own"),
        ({}, {"classes": "ab"}, "classes is a list of texts, 'ab' was found"),
        ({}, {"model": 3}, "its name or its record, int was found"),
        (
            {},
            {"output": "model/Softmaks"},
            r"no node 'model/Softmaks' that can be read. Did you mean 'model/Softmax'\?",
        ),
        ({}, {"output": "model/Softmax:1"}, "no node 'model/Softmax:1' that can be read"),
        ({}, {"output": 3}, "no node 3 that can be read"),
        ({}, {"input": "model/dense/Relu"}, "no input 'model/dense/Relu'. .*Its inputs: model/Placeholder"),
        ({}, {"name": "../x"}, "of letters, digits"),
        ({}, {"metadata": "missing.json"}, "metadata 'missing.json' cannot be read"),
        ({}, {"model": "musicn"}, "no model 'musicn'"),
        ({}, {"layer": "embeding"}, "no layer 'embeding'"),
    ],
)
def test_heads_that_are_refused(
    empty_home: Path, tmp_path: Path, changed: dict[str, Any], given: dict[str, Any], message: str
):
    path = Built(200, 2).write(tmp_path / "mood-msd-musicnn-1.pb", **told(["a", "b"], **changed))
    with pytest.raises((ModelError, LayerError, OptionError), match=message):
        register_head(path, **given)
    assert known_heads() == []


@pytest.mark.parametrize(
    ("changed", "note"),
    [
        ({"classes": ["a", "b", "c"]}, "the output has 2 values, not 3 classes of different names, so its classes are"),
        ({"classes": ["a", "a"]}, "not 2 classes of different names, so its classes are numbered"),
        ({"classes": "ab"}, "the output has 2 values, not 'ab', so its classes are numbered"),
        (
            {"schema": {"inputs": [{"name": "in", "shape": [1200]}], "outputs": [{"name": "out", "shape": [2]}]}},
            "not 'in'; the output is 'model/Softmax', not 'out'; the input takes 200 values, not 1200",
        ),
        (
            {"schema": {"outputs": [{"name": "model/Softmax", "shape": ["n", 56], "op": "Sigmoid"}]}},
            "'model/Softmax' gives 2 values, not 56; 'model/Softmax' ends in Softmax, not Sigmoid",
        ),
    ],
)
def test_the_graph_is_believed_and_contradictions_are_noted(
    empty_home: Path, tmp_path: Path, changed: dict[str, Any], note: str
):
    path = Built(200, 2).write(tmp_path / "mood-msd-musicnn-1.pb", **told(["a", "b"], **changed))
    head = register_head(path)
    assert note in head.facts["note"]
    assert (head.exclusive, len(head.classes), head.nodes[1]) == (True, 2, "model/Softmax")
    assert "which was believed" in get_head(head.name)._repr_html_()


def test_a_head_for_a_model_that_is_not_here_is_applied_to_vectors(empty_home: Path, tmp_path: Path):
    built = Built(96, 3, begins=False)
    described = told(["a", "b", "c"], inference={"embedding_model": {"model_name": "another-effnet-1"}})
    register_head(built.write(tmp_path / "mood-clap-music-1.pb", **described))
    head = get_head("mood-clap-music-1")
    vectors = frames(70, 96).values
    vectors[3, 5] = np.nan
    given = head.apply(vectors)
    assert (given.dtype, given.shape) == (np.float32, (70, 3))
    assert np.isnan(given).all(axis=1).nonzero()[0].tolist() == [3]
    np.testing.assert_allclose(np.delete(given, 3, 0), built.answers(np.delete(vectors, 3, 0)), atol=1e-5)
    assert np.array_equal(small().apply(frames(5, 3).values), small().apply(frames(5, 3)).values)
    with pytest.raises(ModelError, match=r"'another-effnet-1', an extractor that embviz does not have; compute"):
        head(noise(4))
    (tmp_path / "mood-clap-music-1.json").unlink()
    with pytest.raises(ModelError, match="model= does"):
        register_head(tmp_path / "mood-clap-music-1.pb", name="other")
    assert register_head(tmp_path / "mood-clap-music-1.pb", name="other", model="clap").model == "clap"


def test_nodes_are_found_where_the_graph_leaves_one_choice(empty_home: Path, tmp_path: Path):
    built = regression()
    path = tmp_path / "emomusic-msd-musicnn-1.pb"
    built.placeholder("left_over", -1, 200)
    head = register_head(built.write(path), classes=["valence", "arousal"])
    assert head.nodes == ("flatten_in_input", "dense_out")
    assert (head.exclusive, head.unit) == (False, "")
    values = frames(70, 200).values
    assert np.array_equal(head.apply(values), essentia_says(path, values, "dense_out", input="flatten_in_input"))
    built.add("spare", "Relu", "left_over")
    with pytest.raises(ModelError, match=r"2 were found \(flatten_in_input, left_over\). input= says which it is"):
        register_head(built.write(path), name="two")
    assert register_head(path, name="two", input="flatten_in_input").nodes == head.nodes
    built.add("second", "Tanh", "prefix_dense_out")
    with pytest.raises(ModelError, match=r"One output .* 2 were found \(dense_out, second\). output= says which"):
        register_head(built.write(path), name="three", input="flatten_in_input")
    assert register_head(path, name="three", input="flatten_in_input", output="second:0").nodes[1] == "second"
    built.add("both", "Add", "dense_out", "left_over")
    with pytest.raises(ModelError, match=r"'both' of .* is computed from left_over too, which embviz does not feed"):
        register_head(built.write(path), name="four", input="flatten_in_input", output="both")


def test_a_head_of_embviz_knows_what_it_is_for(empty_home: Path, tmp_path: Path):
    with pytest.raises(OptionError, match=r"model and layer say what a graph \(.pb\) was trained on"):
        register_head(small(), model="musicnn", layer="embedding")
    with pytest.raises(ModelError, match="takes 3 values of 'msd-musicnn-1' / 'embedding', which has 200 here"):
        register_head(small())
    with pytest.raises(ModelError, match="expected in two files"):
        register_head(tmp_path / "nothing")


def test_graphs_that_are_none_or_do_more_than_arithmetic(empty_home: Path, tmp_path: Path):
    path = tmp_path / "x-msd-musicnn-1.pb"
    with pytest.raises(GraphError, match="cannot be read"):
        register_head(path)
    path.write_text("<html>404</html>", encoding="utf-8")
    with pytest.raises(GraphError, match="a web page"):
        register_head(path)
    with path.open("wb") as file:
        file.truncate(65 << 20)
    with pytest.raises(ModelError, match="too large for a head"):
        register_head(path)
    built = Built(200, 2)
    built.add("secret", "ReadFile", "model/Placeholder", kind=None)
    built.graph.node[-2].input.append("^secret")  # the output waits for it
    with pytest.raises(GraphError, match="the operations ReadFile were found in its graph; it is not run"):
        register_head(built.write(path))
    assert known_heads() == []


@pytest.mark.parametrize(
    ("op", "message"),
    [
        ("Mean", r"one vector for each frame, 'model/odd' gives an array of the shape \(\) for 3 frames"),
        ("Reshape", r"an array of the shape \(1, 1, 1, 1, 1, 6\) for 3 frames"),
        ("ArgMax", "no node 'model/odd' that can be read"),
        ("Log", "finite numbers for each frame, others were found"),
    ],
)
def test_outputs_of_other_shapes_and_kinds_end_no_process(empty_home: Path, tmp_path: Path, op: str, message: str):
    built = Built(200, 2)
    end = "model/Softmax" if op != "Log" else built.add("model/minus", "Neg", "model/Softmax")
    axes = {"Mean": [0, 1], "Reshape": [1, 1, 1, 1, 1, -1], "ArgMax": 1}.get(op)
    inputs = [end] if axes is None else [end, built.constant("axes", np.array(axes, np.int32))]
    built.add("model/odd", op, *inputs, types=[("Tidx", 3)] if op in ("Mean", "ArgMax") else [])
    with pytest.raises(ModelError, match=message):
        register_head(built.write(tmp_path / "x-msd-musicnn-1.pb"), output="model/odd")


def test_a_constant_that_says_it_is_huge_is_not_loaded(empty_home: Path, tmp_path: Path):
    built = Built(200, 2)
    tensor = next(node for node in built.graph.node if node.name == "gamma").attr["value"].tensor
    del tensor.tensor_shape.dim[1:]
    for size in (1 << 40, -5):
        tensor.tensor_shape.dim[0].size = size
        with pytest.raises(GraphError, match="constants of a head's graph are expected to hold at most 67,108,864"):
            register_head(built.write(tmp_path / "x-msd-musicnn-1.pb"))


def test_register_model_points_to_heads(empty_home: Path, tmp_path: Path):
    path = Built(200, 2).write(tmp_path / "mood-msd-musicnn-1.pb", **told(["a", "b"]))
    with pytest.raises(ModelError, match=r"register_head\(\) adds it to that model"):
        register_model(path)


# Cut out of real networks. -------------------------------------------------------------------------------------------


def cut(path: Path, at: str, target: str) -> bytes:
    """Return what of a network lies between two of its nodes, as a head."""
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    graph = GraphDef.FromString(path.read_bytes())
    by_name = {node.name: node for node in graph.node}
    needed, waiting = {at}, [target]
    while waiting:
        if (name := waiting.pop()) not in needed:
            needed.add(name)
            waiting += by_name[name].input
    head = GraphDef(versions=graph.versions)
    head.node.append(nodes.make("model/Placeholder", "Placeholder", dtype=nodes.FLOAT))
    for node in graph.node:
        if node.name in needed - {at}:
            head.node.add().CopyFrom(node)
            head.node[-1].input[:] = ["model/Placeholder" if name == at else name for name in node.input]
    return bytes(head.SerializeToString())


def test_the_last_layers_of_musicnn_are_a_head_that_gives_its_tags(own_home: Path, tmp_path: Path):
    weights = find_weights("musicnn")
    assert weights is not None
    path = tmp_path / "tags-msd-musicnn-1.pb"
    path.write_bytes(cut(weights.path, "model/dense/BiasAdd", "model/Sigmoid"))
    tags = get_model("musicnn").layer("output").labels
    head = register_head(path, classes=tags)
    sound = noise(6)
    answered, expected = head(sound, cache=False), embviz.embed(sound, "musicnn", layer="output", cache=False)
    np.testing.assert_allclose(answered.values, expected.values, atol=1e-6)
    assert (answered.labels, answered.unit, answered.grid) == (expected.labels, expected.unit, expected.grid)
    assert not head.exclusive


@needs_reference
def test_a_classifier_of_essentia_taken_apart(empty_home: Path, tmp_path: Path):
    whole = REFERENCE / "small_vggish_init.pb"
    register_model(
        whole, name="small-vggish", frontend="vggish", embedding="model/vggish/fc2/Relu", output="model/Sigmoid"
    )
    path = tmp_path / "two_classes-small-vggish-1.pb"
    path.write_bytes(cut(whole, "model/vggish/fc2/Relu", "model/Sigmoid"))
    head = register_head(path, classes=["a", "b"])
    assert (head.model, head.layer, head.exclusive) == ("small-vggish", "embedding", False)
    sound = noise(4)
    expected = embviz.embed(sound, "small-vggish", layer="output", cache=False)
    np.testing.assert_allclose(head(sound, cache=False).values, expected.values, atol=1e-6)


# Shown. --------------------------------------------------------------------------------------------------------------


def for_tempo(name: str, classes: tuple[str, ...] = ("slow", "fast"), **fields: Any) -> Head:
    """Return a head for the embedding of Tempo-CNN, which is quickly computed."""
    output = np.random.default_rng(len(name)).normal(0, 0.3, (256, len(classes)))
    weights = {"mean": np.zeros(256), "scale": np.ones(256), "output": output, "output_bias": np.zeros(len(classes))}
    return Head(name, f"The {name}", "tempocnn", "embedding", classes, "logistic", weights, **fields)


@pytest.fixture
def explore(own_home: Path, explore: Callable[..., Explorer]) -> Callable[..., Explorer]:
    return lambda **options: explore(noise(30), **{"models": ["tempocnn"]} | options).wait()


def told_of_tempo() -> dict[str, Any]:
    return told(["calm", "wild"], inference={"embedding_model": {"model_name": "deepsquare-k8"}})


def choose(explorer: Explorer, head: str, row: int = 0) -> Explorer:
    number = explorer.widget.rows[row]["id"]
    explorer.widget._receive(None, {"kind": "choose_head", "row": number, "head": head}, [])
    return explorer.wait()


def curves(explorer: Explorer, row: int = 0) -> Any:
    return explorer._controller.heatmaps.rows[row].answer.view


def test_a_row_offers_the_heads_that_fit_and_draws_what_one_says(explore):
    register_head(for_tempo("tempo"))
    register_head(for_tempo("mood", ("calm", "even", "wild")))
    node = get_model("tempocnn").layer("embedding").nodes[0]
    explorer = explore(models=["tempocnn", ("tempocnn", "output"), ("tempocnn", node)])
    rows = explorer.widget.rows
    assert rows[2]["heads"] == rows[0]["heads"]
    assert rows[0]["heads"] == [{"name": "mood", "title": "The mood"}, {"name": "tempo", "title": "The tempo"}]
    assert (rows[0]["head"], rows[0]["answer"], rows[1]["heads"]) == ("", None, [])
    choose(explorer, "tempo")
    answer = explorer.widget.rows[0]["answer"]
    assert (answer["status"], answer["title"]) == ("ready", "The tempo")
    assert answer["view"] == f"IPY_MODEL_{curves(explorer).model_id}"
    drawn = curves(explorer)
    assert (drawn.labels, drawn.top, drawn.unit) == (["slow", "fast"], 2, "probability")
    assert drawn.clock == explorer._controller.heatmaps.rows[0].view.clock
    expected = get_head("tempo").apply(explorer.embedding).values
    assert np.array_equal(drawn._values, expected)
    assert "embviz.heatmap(tempocnn, head=embviz.get_head('tempo'))" in explorer.code()
    choose(explorer, "mood")
    assert curves(explorer).labels == ["calm", "even", "wild"]
    choose(explorer, "no such head")
    assert "There is no head 'no such head'" in explorer.widget.notice["text"]
    assert explorer.widget.rows[0]["head"] == "mood"


def test_heads_are_kept_restored_and_undone(explore, tmp_path: Path):
    register_head(for_tempo("tempo"))
    explorer = choose(explore(), "tempo")
    state = json.loads(json.dumps(explorer.state()))
    assert state["rows"][0]["head"] == "tempo"
    again = explore(models=None, state=state | {"track": None})
    assert again.widget.rows[0]["head"] == "tempo"
    assert curves(again).labels == ["slow", "fast"]
    page = explorer.to_html(tmp_path / "page.html").read_text(encoding="utf-8")
    assert "The tempo" in page
    assert '"slow","fast"' in page.replace(", ", ",")
    # A head that is chosen, and a row that is removed, are taken back one after the other.
    number = explorer.widget.rows[0]["id"]
    explorer.widget._receive(None, {"kind": "remove_row", "row": number}, [])
    explorer.widget._receive(None, {"kind": "undo"}, [])
    assert (explorer.widget.rows[0]["head"], explorer.widget.can_undo) == ("tempo", True)
    explorer.widget._receive(None, {"kind": "undo"}, [])
    assert (explorer.widget.rows[0]["head"], explorer.widget.can_undo) == ("", False)
    assert explorer.widget.rows[0]["answer"] is None
    unregister_head("tempo")
    told = explore(models=None, state=state | {"track": None})
    assert told.widget.rows[0]["head"] == ""
    assert "'tempo' of this view is not known any more" in told.widget.notice["text"]


def test_heads_that_are_handed_in(explore, tmp_path: Path):
    saved = for_tempo("saved").save(tmp_path / "saved")
    explorer = explore(heads=[for_tempo("given"), saved])
    row = explorer.widget.rows[0]
    assert [head["name"] for head in row["heads"]] == ["given", "saved"]
    assert (row["head"], row["answer"]["status"]) == ("given", "ready")
    assert "head=embviz.Head.load('given')" in explorer.code()
    choose(explorer, "")
    assert explorer.widget.rows[0]["answer"] is None
    explorer.add_head(for_tempo("third")).wait()
    assert explorer.widget.rows[0]["head"] == "third"
    explorer.add_head(for_tempo("third", ("slow", "even", "fast"))).wait()  # trained anew, under the same name
    assert curves(explorer).labels == ["slow", "even", "fast"]
    explorer.add_head(small(weights=wide_weights()))
    assert "msd-musicnn-1 / embedding, which no row shows" in explorer.widget.notice["text"]
    graph = Built(256, 2, begins=False).write(tmp_path / "mood-deepsquare-k8-1.pb", **told_of_tempo())
    assert explorer.add_head(graph).wait().widget.rows[0]["head"] == "mood-deepsquare-k8-1"  # Essentia's own, as it is
    assert curves(explorer).labels == ["calm", "wild"]
    with pytest.raises(OptionError, match="A head is expected as a Head"):
        explorer.add_head(3)
    with pytest.raises(ModelError, match=r"no head 'mood_sadd'\. Did you mean 'mood_sad'"):
        explorer.add_head("mood_sadd")
    with pytest.raises(ModelError, match="expected in two files"):
        explorer.add_head(tmp_path / "nothing")
    explorer._controller.heatmaps.change(row["id"], "tempocnn", "output", None)
    explorer.wait()
    assert (explorer.widget.rows[0]["head"], explorer.widget.rows[0]["heads"]) == ("", [])
    explorer._controller.heatmaps.change(row["id"], "tempocnn", "embedding", None)
    explorer.wait()
    assert explorer.widget.rows[0]["head"] == "given"


def test_a_head_that_fails_says_why_in_its_row(explore, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Head, "apply", lambda *_: (_ for _ in ()).throw(GraphError("The head is broken.")))
    explorer = explore(heads=[for_tempo("bad")])
    assert explorer.widget.rows[0]["status"] == "ready"
    answer = explorer.widget.rows[0]["answer"]
    assert (answer["status"], answer["message"], answer["view"]) == ("failed", "The head is broken.", "")
    monkeypatch.undo()


def test_curves_below_a_heatmap():
    embedding = frames(40, 200)
    figure = embviz.heatmap(embedding, head=small(weights=wide_weights(), title="<b>Mood</b>"))
    heat, *lines = figure.data
    assert [line.type for line in lines] == ["scatter", "scatter"]
    answered = small(weights=wide_weights()).apply(embedding)
    np.testing.assert_allclose(lines[1].y[1:-1], answered.values[:, 1])
    assert (lines[0].x[0], lines[0].x[-1]) == (heat.x[0], heat.x[-1])
    assert lines[0].line.dash != lines[1].line.dash
    assert figure.layout.yaxis2.domain[1] < figure.layout.yaxis.domain[0]
    assert figure.layout.height == embviz.heatmap(embedding).layout.height + 200
    assert embviz.heatmap(embedding, head=small(weights=wide_weights()), height=600).layout.height == 600
    assert "&lt;b&gt;Mood" in figure.layout.annotations[1].text
    assert embviz.heatmap(answered).data[0].z.shape == (2, 40)
    many = {**wide_weights(), "output": np.random.default_rng(0).normal(size=(4, 9)), "output_bias": np.zeros(9)}
    figure = embviz.heatmap(embedding, head=small(weights=many, classes=tuple("abcdefghi")))
    assert len(figure.data) == 8
    assert "the strongest 7 of 9 classes" in figure.layout.annotations[1].text
    with pytest.raises(OptionError, match="takes embeddings of 'msd-musicnn-1' / 'embedding'"):
        embviz.heatmap(frames(4, 200, layer="relu"), head=small(weights=wide_weights()))
    with pytest.raises(OptionError, match="head is a Head, or the name of one, 3 was found"):
        embviz.heatmap(embedding, head=3)


@pytest.mark.slow
def test_the_menu_and_the_curves_of_a_row(bench: Bench):
    title = '<img src=x onerror="hacked = 1">'
    answers = small(title=title).apply(frames(40, 3))
    drawn = Curves.of(answers, title=title, top=2, clock="panel")
    heads = [{"name": "mood", "title": title}, {"name": "other", "title": "Other"}]
    ready = {"model": "msd-musicnn-1", "layer": "embedding", "status": "ready", "title": title, "message": ""}
    ready["view"] = f"IPY_MODEL_{drawn.model_id}"
    row = a_row(1, view="", title="MusiCNN", heads=heads, head="", answer=None)
    other = a_row(2, view="", title="VGG-I", heads=[])
    state = {name: value for name, value in drawn.get_state().items() if name[0] != "_" and name != "layout"}
    bench.add(f"anywidget:{drawn.model_id}", "curves", state)
    bench.add("panel", "panel", a_state(rows=[row, other], player=""))
    bench.acknowledge("panel")
    page = bench.show("panel", width=1000)
    menu = page.get_by_role("combobox", name="Head of MusiCNN · embedding")
    assert menu.locator("option").all_inner_texts() == ["Head: none", title, "Other"]
    assert page.get_by_role("combobox", name="Head of VGG-I").count() == 0
    assert page.get_by_role("group", name="from MusiCNN").count() == 0
    menu.focus()
    bench.page.keyboard.press("ArrowDown")
    assert bench.commands("panel")[-1] == {"kind": "choose_head", "row": 1, "head": "mood"}
    waiting = ready | {"status": "waiting", "view": ""}
    bench.change("panel", "rows", [row | {"head": "mood", "answer": waiting}, other])
    group = page.get_by_role("group", name=f"{title}, from MusiCNN · embedding")
    assert group.get_by_role("button", name="Cancel").is_visible()
    bench.change("panel", "rows", [row | {"head": "mood", "answer": ready}, other])
    table = group.locator(".ev-curves-table")
    table.wait_for()
    assert {"no", "yes"} <= set(table.inner_text().split())
    assert menu.input_value() == "mood"
    failed = ready | {"status": "failed", "view": "", "message": "It is broken."}
    bench.change("panel", "rows", [row | {"head": "mood", "answer": failed}, other])
    group.get_by_text("It is broken.").wait_for()
    group.get_by_role("button", name="Try again").press("Enter")
    assert bench.commands("panel")[-1] == {"kind": "choose_head", "row": 1, "head": "mood"}
    bench.change("panel", "rows", [row, other])
    assert table.count() == 0
    assert bench.page.evaluate("() => globalThis.hacked ?? null") is None
