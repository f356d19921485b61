"""Register heads and models whose graphs or metadata were changed: a record that can be used, or one sentence."""

from __future__ import annotations

import copy
import json
import os
import random
import warnings
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from common import fault, is_sentence

TRIALS, CHUNK = 300, 50
HOSTILE: tuple[Any, ...] = (
    None, True, -1, 0, 1 << 70, 1.5, float("nan"), "", "x" * 5000, "<script>", "a\0b", "^a", "a:1", "a:-1", ":",
    "a:b:c", "model/Softmax:99999999999999999999", "../../x", [], [None], {}, {"name": {}}, [[[[[[]]]]]], ["a", "a"],
    "\ud800",
)  # fmt: skip
OPERATIONS = (
    "NoSuchOperation", "ReadFile", "WriteFile", "ArgMax", "Shape", "Rank", "Const", "Placeholder", "NoOp", "Cast",
    "Mean", "Split", "Merge", "Switch", "PartitionedCall", "While", "Conv2D", "StringJoin", "Assert", "TensorListStack",
)  # fmt: skip
LENGTHS = (-(1 << 62), -2, -1, 0, 1, 7, 1 << 20, 1 << 31, 1 << 40, (1 << 63) - 1)


def run(seed: int, count: int, folder: Path) -> Counter[str]:
    """Change small networks of our own and their descriptions, register them, and use what was registered."""
    os.environ["EMBVIZ_HOME"] = str(folder / "home")
    from embviz.errors import EmbvizError

    found = Counter[str]()
    for trial in range(count):
        rng = random.Random(seed + trial)  # noqa: S311
        register = rng.choice((_register_head, _register_head, _register_model))
        path = folder / f"{seed + trial}-msd-musicnn-1.pb"
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                register(path, rng)
            kind = "survived"
        except EmbvizError as error:
            kind = "refused" if is_sentence(str(error)) else fault("wrong", f"{path.name}: no sentence: {error!r:.400}")
        except Exception as error:  # noqa: BLE001  any other is the fault that is looked for
            kind = fault("wrong", f"{path.name}: {type(error).__name__}: {error!s:.300}")
        found += Counter(["tried", kind])
    return found


def _register_head(path: Path, rng: random.Random) -> None:
    from embviz.heads import Head, register_head, unregister_head

    graph, described = _damage(rng, _head(rng), _describe_head())
    _write(path, graph, described, rng)
    head = register_head(path, **_options(rng, "input", "output", "model", "layer"))
    try:
        given = head.apply(np.random.default_rng(0).standard_normal((70, head.dimensions), dtype=np.float32))
        loaded = Head.load(head.save(path.with_name("kept")))
        if given.shape != (70, len(head.classes)) or loaded.classes != head.classes:
            raise ValueError(f"{given.shape} for {len(head.classes)} classes")
        repr(head), head._repr_html_()
    finally:
        unregister_head(head.name)


def _register_model(path: Path, rng: random.Random) -> None:
    import embviz
    from embviz.models import register_model, unregister_model

    graph, described = _damage(rng, _model(), _describe_model())
    _write(path, graph, described, rng)
    model = register_model(path, name="mutated", **_options(rng, "input", "output", "embedding"))
    try:
        sound = np.random.default_rng(0).normal(0, 0.1, 16000 * 4).astype(np.float32), 16000
        if embviz.embed(sound, "mutated", cache=False).shape[1] != model.dimensions:
            raise ValueError("dimensions")
        repr(model), model._repr_html_(), model.layers(all_nodes=True)
    finally:
        unregister_model("mutated")


def _options(rng: random.Random, *names: str) -> dict[str, Any]:
    texts = [value for value in HOSTILE if isinstance(value, str)] + ["model/Softmax", "embedding", "x:1"]
    return {rng.choice(names): rng.choice(texts)} if rng.random() < 0.15 else {}


def _write(path: Path, graph: Any, described: Any, rng: random.Random) -> None:
    data = bytearray(graph.SerializeToString())
    if rng.random() < 0.15:
        data = rng.choice(_OF_BYTES)(data, rng)
    path.write_bytes(data)
    text = json.dumps(described)
    if rng.random() < 0.05:
        text = text[: rng.randrange(len(text))]
    path.with_suffix(".json").write_text(text, encoding="utf-8")


# Whole networks. -----------------------------------------------------------------------------------------------------


def _const(graph: Any, name: str, values: np.ndarray) -> str:
    from embviz.models.convert import nodes

    graph.node.append(nodes.constant(name, values))
    return name


def _add(graph: Any, name: str, op: str, *inputs: str, **attributes: Any) -> str:
    from embviz.models.convert import nodes

    node = nodes.make(name, op, inputs, **attributes)
    node.attr["T"].type = nodes.FLOAT
    graph.node.append(node)
    return name


def _placeholder(graph: Any, name: str, *shape: int, kind: int = 1) -> str:
    from embviz.models.convert import nodes

    node = nodes.make(name, "Placeholder", dtype=kind)
    for size in shape:
        node.attr["shape"].shape.dim.add(size=size)
    graph.node.append(node)
    return name


def _dense(graph: Any, name: str, data: str, before: int, after: int) -> str:
    rng = np.random.default_rng(len(name))
    kernel = _const(graph, f"{name}/kernel", rng.normal(0, 0.3, (before, after)).astype(np.float32))
    bias = _const(graph, f"{name}/bias", rng.normal(0, 0.1, after).astype(np.float32))
    product = _add(graph, f"{name}/MatMul", "MatMul", data, kernel, transpose_a=False, transpose_b=False)
    return _add(graph, f"{name}/BiasAdd", "BiasAdd", product, bias, data_format="NHWC")


def _new_graph() -> Any:
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    graph = GraphDef()
    graph.versions.producer = 987
    return graph


def _head(rng: random.Random) -> Any:
    graph = _new_graph()
    hidden = _dense(graph, "model/dense", _placeholder(graph, "model/Placeholder", -1, 200), 200, 10)
    data = _dense(graph, "model/dense_1", _add(graph, "model/dense/Relu", "Relu", hidden), 10, 3)
    _add(graph, "model/Softmax", rng.choice(("Softmax", "Sigmoid")), data)
    return graph


def _model() -> Any:
    graph = _new_graph()
    data = _placeholder(graph, "model/Placeholder", -1, 187, 96)
    data = _add(
        graph, "model/mean", "Mean", data, _const(graph, "model/axis", np.array([1], np.int32)), keep_dims=False
    )
    graph.node[-1].attr["Tidx"].type = 3
    data = _add(graph, "model/Relu", "Relu", _dense(graph, "model/dense", data, 96, 8))
    _add(graph, "model/Sigmoid", "Sigmoid", _dense(graph, "model/dense_1", data, 8, 4))
    return graph


def _describe_head() -> dict[str, Any]:
    return {
        "name": "mood",
        "classes": ["a", "b", "c"],
        "dataset": {"name": "a collection", "metrics": {"accuracy": 0.8}},
        "schema": {
            "inputs": [{"name": "model/Placeholder", "shape": ["batch_size", 200]}],
            "outputs": [{"name": "model/Softmax", "shape": [3], "op": "Softmax", "output_purpose": "predictions"}],
        },
        "inference": {"algorithm": "TensorflowPredict2D", "embedding_model": {"model_name": "msd-musicnn-1"}},
    }


def _describe_model() -> dict[str, Any]:
    outputs = [("model/Sigmoid", 4, "predictions"), ("model/dense/BiasAdd", 8, "embeddings")]
    return {
        "name": "mine",
        "classes": ["a", "b", "c", "d"],
        "schema": {
            "inputs": [{"name": "model/Placeholder", "shape": [187, 96]}],
            "outputs": [{"name": name, "shape": [1, n], "output_purpose": purpose} for name, n, purpose in outputs],
        },
        "inference": {"sample_rate": 16000, "algorithm": "TensorflowPredictMusiCNN"},
    }


# Damage. -------------------------------------------------------------------------------------------------------------


def _damage(rng: random.Random, graph: Any, described: Any) -> tuple[Any, Any]:
    """Return a graph and its description with one to three things wrong."""
    for _ in range(rng.choice((1, 1, 1, 2))):
        if rng.random() < 0.4:
            described = _change_description(copy.deepcopy(described), rng)
        else:
            rng.choice(_OF_GRAPHS)(graph, rng)
    return graph, described


def _change_description(described: Any, rng: random.Random) -> Any:
    """Put something else in place of a part of a description, at any depth."""
    if not isinstance(described, dict | list) or not described or rng.random() < 0.25:
        value = rng.choice(HOSTILE)
        return json.loads("[" * 200 + "]" * 200) if value == [[[[[[]]]]]] else value
    key = rng.choice(list(described) if isinstance(described, dict) else range(len(described)))
    described[key] = _change_description(described[key], rng)
    return described


def _pick(graph: Any, rng: random.Random, *ops: str) -> Any:
    return rng.choice([node for node in graph.node if not ops or node.op in ops] or list(graph.node))


def _rename(graph: Any, rng: random.Random) -> None:
    _pick(graph, rng).name = rng.choice(["", "a b", "x" * 3000, "model/Softmax", "embviz_rows", "embviz_shape/0", "é"])


def _swap_names(graph: Any, rng: random.Random) -> None:
    one, other = _pick(graph, rng), _pick(graph, rng)
    one.name, other.name = other.name, one.name


def _rewire(graph: Any, rng: random.Random) -> None:
    node, other = _pick(graph, rng), _pick(graph, rng)
    name = rng.choice(
        [other.name, f"{other.name}:1", f"^{other.name}", node.name, "nowhere", f"{other.name}:999999999"]
    )
    if node.input and rng.random() < 0.7:
        node.input[rng.randrange(len(node.input))] = name
    else:
        node.input.append(name)


def _close_circle(graph: Any, rng: random.Random) -> None:
    node = _pick(graph, rng, "Relu", "BiasAdd", "MatMul")
    again = graph.node.add(name="circle", op="Identity", input=[rng.choice(["circle", graph.node[-1].name, node.name])])
    again.attr["T"].type = 1
    node.input[:1] = ["circle"]


def _drop_node(graph: Any, rng: random.Random) -> None:
    del graph.node[rng.randrange(len(graph.node))]


def _double_node(graph: Any, rng: random.Random) -> None:
    graph.node.add().CopyFrom(_pick(graph, rng))


def _change_operation(graph: Any, rng: random.Random) -> None:
    _pick(graph, rng).op = rng.choice(OPERATIONS)


def _change_attribute(graph: Any, rng: random.Random) -> None:
    node = _pick(graph, rng)
    if not node.attr:
        return
    key = rng.choice(sorted(node.attr))
    if rng.random() < 0.3:
        del node.attr[key]
    elif rng.random() < 0.5:
        node.attr[key].type = rng.choice((0, 2, 3, 7, 9, 10, 20, 101, 9999))
    else:
        node.attr[key].list.i.extend(rng.choice(LENGTHS) for _ in range(4))


def _change_shape(graph: Any, rng: random.Random) -> None:
    """Let a constant or a placeholder say that it is of another shape."""
    node = _pick(graph, rng, "Const", "Placeholder")
    shape = node.attr["value"].tensor.tensor_shape if node.op == "Const" else node.attr["shape"].shape
    what = rng.random()
    if what < 0.5 and shape.dim:
        shape.dim[rng.randrange(len(shape.dim))].size = rng.choice(LENGTHS)
    elif what < 0.7:
        shape.dim.extend([shape.dim.add(size=rng.choice(LENGTHS)) for _ in range(rng.choice((1, 4, 300)))])
    elif what < 0.85:
        del shape.dim[:]
    else:
        shape.unknown_rank = True
    if node.op == "Const" and rng.random() < 0.5:  # one value for all of them
        node.attr["value"].tensor.tensor_content = b""
        node.attr["value"].tensor.float_val.append(0.5)


def _change_numbers(graph: Any, rng: random.Random) -> None:
    tensor = _pick(graph, rng, "Const").attr["value"].tensor
    data = bytearray(tensor.tensor_content)
    for _ in range(max(1, len(data) // 64)):
        if len(data) >= 4:
            at = 4 * rng.randrange(len(data) // 4)
            data[at : at + 4] = np.array(rng.choice((np.nan, np.inf, -np.inf, 3e38, 1e-45)), np.float32).tobytes()
    tensor.tensor_content = bytes(data) if rng.random() < 0.8 else bytes(data[: len(data) // 2])


def _add_placeholder(graph: Any, rng: random.Random) -> None:
    name = _placeholder(graph, "other", *rng.choice(((), (-1, 200), (0,), (1 << 40,))), kind=rng.choice((1, 3, 7, 10)))
    if rng.random() < 0.5:
        _pick(graph, rng).input.append(rng.choice((name, f"^{name}")))


def _add_output(graph: Any, rng: random.Random) -> None:
    """Let something else come last: another output, or one of another rank or type."""
    last, kind = graph.node[-1].name, rng.choice(("second", "scalar", "deep", "integer", "shape", "text", "none"))
    target = rng.choice(("second", last))
    if target == last:
        graph.node[-1].name = last = "before"
    if kind == "second":
        _add(graph, target, "Sigmoid", last)
    elif kind == "scalar":
        _add(graph, target, "Mean", last, _const(graph, "axes", np.array([0, 1], np.int32)), keep_dims=False)
        graph.node[-1].attr["Tidx"].type = 3
    elif kind == "deep":
        shape = _const(graph, "shape", np.array([1, 1, 1, 1, 1, -1], np.int32))
        _add(graph, target, "Reshape", last, shape)
        graph.node[-1].attr["Tshape"].type = 3
    elif kind == "none":
        _add(graph, target, "Slice", last, *(_const(graph, f"part{i}", np.zeros(2, np.int32)) for i in range(2)))
        graph.node[-1].attr["Index"].type = 3
    elif kind == "shape":
        _add(graph, target, "Shape", last)
    else:
        _add(graph, target, "Cast" if kind == "integer" else "AsString", last)
        graph.node[-1].attr["SrcT"].type, graph.node[-1].attr["DstT"].type = 1, 3


def _wrap_in_functions(graph: Any, rng: random.Random) -> None:
    """Put calls behind the output: functions that call the next one, or themselves, or two of the next each."""
    depth, width = rng.choice(((1, 1), (5, 1), (300, 1), (30, 2)))
    circle = rng.random() < 0.3
    for i in range(depth):
        function = graph.library.function.add()
        function.signature.name = f"f{i}"
        function.signature.input_arg.add(name="x", type=1)
        function.signature.output_arg.add(name="y", type=1)
        before = "x"
        for j in range(width):
            is_last = i == depth - 1 and not circle
            node = function.node_def.add(name=f"n{j}", op="Identity" if is_last else "PartitionedCall", input=[before])
            before = f"n{j}:output:0"
            if is_last:
                node.attr["T"].type = 1
            else:
                _set_call(node, f"f{(i + 1) % depth}")
        function.ret["y"] = before
    last = graph.node[-1]
    name, last.name = last.name, "before"
    _set_call(graph.node.add(name=name, op="PartitionedCall", input=["before"]), "f0")


def _set_call(node: Any, function: str) -> None:
    node.attr["f"].func.name = function
    node.attr["Tin"].list.type.append(1)
    node.attr["Tout"].list.type.append(1)


def _truncate(data: bytearray, rng: random.Random) -> bytearray:
    return data[: rng.randrange(len(data))]


def _flip_bytes(data: bytearray, rng: random.Random, share: float = 0.002) -> bytearray:
    for _ in range(max(1, int(len(data) * share))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data


def _move_block(data: bytearray, rng: random.Random) -> bytearray:
    start, stop, to = (rng.randrange(len(data)) for _ in range(3))
    block = data[min(start, stop) : max(start, stop)]
    return data[:to] + block + data[to:]


def _garbage(data: bytearray, rng: random.Random) -> bytearray:
    return bytearray(rng.choice((b"", b"<html>404</html>", b"\0" * 1000, rng.randbytes(1000))))


_OF_BYTES = (_truncate, _flip_bytes, partial(_flip_bytes, share=0.0), _move_block, _garbage)
_OF_GRAPHS: tuple[Callable[[Any, random.Random], None], ...] = (
    _rename, _swap_names, _rewire, _close_circle, _drop_node, _double_node, _change_operation, _change_attribute,
    _change_shape, _change_shape, _change_numbers, _add_placeholder, _add_output, _add_output, _wrap_in_functions,
)  # fmt: skip
