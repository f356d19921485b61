"""Translated graphs are kept, and made again where they are not what they should be."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import onnxruntime
import pytest
from architectures import Net
from onnx import TensorProto, helper, numpy_helper

from embviz.errors import GraphError, WeightsError
from embviz.inference import onnx_files
from embviz.inference.isolation import run_isolated
from embviz.inference.onnx_files import load_onnx, remove_translations


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch, tmp_path):
    """Translate here, and count; the user's own folder is an empty one."""
    monkeypatch.setenv("EMBVIZ_HOME", str(tmp_path / "home"))
    made = []

    def run(call, *arguments, what, who):
        made.append(what)
        return call(*arguments)

    monkeypatch.setattr(onnx_files, "run_isolated", run)
    return made


@pytest.fixture
def save(tmp_path):
    def save(net, name="small.pb"):
        path = tmp_path / "weights" / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(net.graph.SerializeToString())
        return path, hashlib.sha256(path.read_bytes()).hexdigest()

    return save


def small(factor=2.0):
    net = Net(0)
    doubled = net.add("doubled", "Mul", net.placeholder("in", -1, 3), net.constant("factor", np.float32(factor)))
    net.add("out", "Relu", doubled)
    return net


def run(data, values, output="out"):
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    return session.run([output], {"in": np.array([values], np.float32)})[0][0].tolist()


def kept_beside(path):
    return sorted(path.parent.glob("*.onnx"))


def test_a_translation_is_made_once_and_kept_beside_the_weights(save, in_this_process):
    path, sha256 = save(small())
    first = load_onnx(path, sha256, "in", ("out",))
    assert run(first, [-1, 0, 3]) == [0, 0, 6]
    assert load_onnx(path, sha256, "in", ("out",)) == first == kept_beside(path)[0].read_bytes()
    assert in_this_process == ["'small.pb'"]


def test_other_outputs_are_another_model_and_the_oldest_ones_go(save):
    net = small()
    for i in range(6):
        net.add(f"out{i}", "Abs", "doubled")
    path, sha256 = save(net)
    for i in range(6):
        load_onnx(path, sha256, "in", (f"out{i}",))
    assert len(kept_beside(path)) == 4
    assert run(load_onnx(path, sha256, "in", ("doubled",)), [-1, 0, 3], "doubled") == [-2, 0, 6]
    remove_translations(path.parent, path.stem)
    assert kept_beside(path) == []
    assert path.exists()


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-100], lambda data: data[:0], lambda data: data[:50] + b"!" + data[51:]]
)
def test_a_damaged_translation_is_made_again(save, damage, in_this_process):
    path, sha256 = save(small())
    whole = load_onnx(path, sha256, "in", ("out",))
    (kept,) = kept_beside(path)
    kept.write_bytes(damage(whole))
    assert load_onnx(path, sha256, "in", ("out",)) == whole == kept.read_bytes()
    assert len(in_this_process) == 2


def test_what_was_kept_for_other_weights_or_by_another_version_is_not_used(save, monkeypatch):
    path, sha256 = save(small(2.0))
    of_two = load_onnx(path, sha256, "in", ("out",))
    (kept,) = kept_beside(path)
    path, sha256 = save(small(3.0))
    assert run(load_onnx(path, sha256, "in", ("out",)), [1, 2, 3]) == [3, 6, 9]
    # Even where it is put under the name of the other.
    (of_three,) = set(kept_beside(path)) - {kept}
    of_three.write_bytes(of_two)
    assert run(load_onnx(path, sha256, "in", ("out",)), [1, 2, 3]) == [3, 6, 9]
    monkeypatch.setattr(onnx_files, "TRANSLATION", -1)
    load_onnx(path, sha256, "in", ("out",))
    assert len(kept_beside(path)) == 3


def test_weights_that_changed_on_the_way_are_told(save):
    path, sha256 = save(small(2.0))
    save(small(3.0))
    with pytest.raises(WeightsError, match="not the graph that was asked for; it was changed meanwhile"):
        load_onnx(path, sha256, "in", ("out",))


def test_nothing_is_written_to_a_shared_home(save, tmp_path, monkeypatch):
    (tmp_path / "weights").mkdir()
    path, sha256 = save(small(), "../shared/data/models/small.pb")
    monkeypatch.setenv("EMBVIZ_SHARED", str(tmp_path / "shared"))
    load_onnx(path.resolve(), sha256, "in", ("out",))
    assert [one.name for one in path.resolve().parent.iterdir()] == ["small.pb"]
    assert list((tmp_path / "home" / "data" / "models").glob("*.onnx"))


def test_beside_weights_that_are_shared_it_is_kept_in_the_users_own_folder(
    save, tmp_path, monkeypatch, in_this_process
):
    path, sha256 = save(small())
    write = onnx_files.write_bytes

    def refuse(target, data, **options):
        if target.parent == path.parent:
            raise PermissionError
        return write(target, data, **options)

    monkeypatch.setattr(onnx_files, "write_bytes", refuse)
    first = load_onnx(path, sha256, "in", ("out",))
    assert kept_beside(path) == []
    assert load_onnx(path, sha256, "in", ("out",)) == first
    assert len(in_this_process) == 1
    # Where nothing can be written at all, it is translated each time.
    monkeypatch.setenv("EMBVIZ_HOME", os.devnull)
    assert load_onnx(path, sha256, "in", ("out",)) == first
    assert len(in_this_process) == 2


def test_several_at_once_all_get_the_model(save):
    path, sha256 = save(small())
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: load_onnx(path, sha256, "in", ("out",)), range(8)))
    assert len(found) == 1
    assert [file.name for file in path.parent.iterdir() if file.suffix == ".part"] == []


@pytest.mark.parametrize(
    ("output", "input_node", "message"),
    [("away", "in", "no node 'away'"), ("out", "other", "no input 'other' that declares its shape")],
)
def test_what_the_graph_has_not_is_named(save, output, input_node, message):
    path, sha256 = save(small())
    with pytest.raises(GraphError, match=message):
        load_onnx(path, sha256, input_node, (output,))


def test_a_graph_that_takes_all_memory_is_refused_in_a_process_of_its_own(save, monkeypatch):
    monkeypatch.setattr(onnx_files, "run_isolated", run_isolated)
    net = small()
    sides = net.add("filled", "Fill", net.integers("sides", 2**17, 2**17), net.constant("one", np.float32(1)))
    net.add("huge", "Add", "out", sides)
    path, sha256 = save(net)
    with pytest.raises(
        GraphError, match=r"'filled' holds more than fits in memory|The translation to ONNX ended abruptly"
    ):
        load_onnx(path, sha256, "in", ("huge",))
    assert kept_beside(path) == []


def test_weights_that_are_gone_are_told(save):
    path, sha256 = save(small())
    path.unlink()
    with pytest.raises(GraphError, match=r"small.pb' cannot be read: No such file"):
        load_onnx(path, sha256, "in", ("out",))


# Models that are published beside graphs. ----------------------------------------------------------------------------


def odd():
    """A graph with an operation that is not translated, and the model that is published beside it, of another name."""
    net = small()
    net.add("odd", "FFT2D", "out")
    return net


def publish(path, factor=2.0, *, source="in:0", given="odd:0", patches="n"):
    """A published model of the same interface, with the names that converters give."""
    nodes = [
        helper.make_node("Mul", [source, "factor"], ["doubled:0"]),
        helper.make_node("Relu", ["doubled:0"], [given]),
        helper.make_node("Neg", ["doubled:0"], ["aside:0"]),
    ]
    graph = helper.make_graph(
        nodes,
        "published",
        [helper.make_tensor_value_info(source, TensorProto.FLOAT, [patches, 3])],
        [helper.make_tensor_value_info(given, TensorProto.FLOAT, [patches, 3])],
        [numpy_helper.from_array(np.float32([factor]), "factor")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    path.with_suffix(".onnx").write_bytes(model.SerializeToString())


def test_a_published_model_serves_where_the_graph_cannot_be_translated(save, in_this_process):
    path, sha256 = save(odd())
    with pytest.raises(GraphError, match=r"the operation 'FFT2D' of 'odd' is not known"):
        load_onnx(path, sha256, "in", ("odd",))
    publish(path)
    assert run(load_onnx(path, sha256, "in", ("odd",)), [-1, 0, 3], "odd") == [0, 0, 6]
    both = load_onnx(path, sha256, "in", ("odd", "doubled"))
    assert run(both, [-1, 0, 3], "doubled") == [-2, 0, 6]
    publish(path, 30.0)  # another one is seen
    assert run(load_onnx(path, sha256, "in", ("odd",)), [-1, 0, 3], "odd") == [0, 0, 90]
    # What can be translated is.
    assert run(load_onnx(path, sha256, "in", ("out",)), [-1, 0, 3]) == [0, 0, 6]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"given": "other:0"}, r"not known.*; and 'small.onnx' has no tensor 'odd'"),
        ({"source": "sound"}, r"; and 'small.onnx' has no tensor 'in'"),
        ({"patches": 64}, r"; and 'small.onnx' takes a fixed number of patches"),
    ],
)
def test_a_published_model_that_does_not_fit_is_refused_with_both_reasons(save, options, message):
    path, sha256 = save(odd())
    publish(path, **options)
    with pytest.raises(GraphError, match=message):
        load_onnx(path, sha256, "in", ("odd",))


def test_a_published_model_that_is_damaged_is_refused(save):
    path, sha256 = save(odd())
    path.with_suffix(".onnx").write_bytes(b"no model")
    with pytest.raises(GraphError, match=r"'small.onnx' cannot be read as an ONNX model"):
        load_onnx(path, sha256, "in", ("odd",))
    publish(path)
    model = onnx.load(path.with_suffix(".onnx"))
    [weights] = model.graph.initializer
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="../../etc/passwd")
    onnx.save(model, path.with_suffix(".onnx"))
    with pytest.raises(GraphError, match=r"'small.onnx' has weights in other files, which are not read"):
        load_onnx(path, sha256, "in", ("odd",))
