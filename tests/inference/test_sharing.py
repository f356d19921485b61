"""Where graphs are cut: made-up networks give the same in two parts as in one."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from embviz.inference import sharing
from embviz.inference.onnx_session import Network, _CutNetwork
from embviz.inference.session import OverlappingPatches
from embviz.inference.sharing import find_cut
from embviz.inference.time_steps import ShapedModel

BANDS = 6


class Builder:
    """A graph that grows by the operations of a network, on ``[n, c, t, bands]``."""

    def __init__(self, length: int, seed: int = 0) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.length, self.channels = length, 1
        self.rng = np.random.default_rng(seed)
        self.count = 0

    def constant(self, values: Any) -> str:
        self.count += 1
        self.constants.append(numpy_helper.from_array(np.asarray(values), f"k{self.count}"))
        return f"k{self.count}"

    def add(self, op: str, *inputs: str, **options: Any) -> str:
        self.count += 1
        self.nodes.append(helper.make_node(op, list(inputs), [f"v{self.count}"], **options))
        return f"v{self.count}"

    def begin(self) -> str:
        return self.add("Unsqueeze", "patches", self.constant([1]))

    def conv(self, x: str, *, kernel: int, pads: tuple[int, int] = (0, 0), stride: int = 1, dilation: int = 1) -> str:
        weights = self.rng.standard_normal((3, self.channels, kernel, 1), dtype=np.float32)
        self.channels = 3
        options = {"pads": [pads[0], 0, pads[1], 0], "strides": [stride, 1], "dilations": [dilation, 1]}
        return self.add("Conv", x, self.constant(weights), **options)

    def pool(self, x: str, size: int, stride: int) -> str:
        return self.add("MaxPool", x, kernel_shape=[size, 1], strides=[stride, 1])

    def pad(self, x: str, before: int, after: int) -> str:
        return self.add("Pad", x, self.constant([0, 0, before, 0, 0, 0, after, 0]))

    def affine(self, x: str) -> str:
        turned = self.add("Transpose", x, perm=[0, 2, 3, 1])
        scaled = self.add("Mul", turned, self.constant(self.rng.standard_normal(self.channels, dtype=np.float32)))
        moved = self.add("Add", scaled, self.constant(self.rng.standard_normal(self.channels, dtype=np.float32)))
        return self.add("Relu", self.add("Transpose", moved, perm=[0, 3, 1, 2]))

    def model(self, *outputs: str) -> onnx.ModelProto:
        taken = [helper.make_tensor_value_info("patches", TensorProto.FLOAT, ["n", "t", "bands"])]
        given = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
        graph = helper.make_graph(self.nodes, "made", taken, given, self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def same(b: Builder) -> str:
    return b.conv(b.affine(b.begin()), kernel=3, pads=(1, 1))


def valid(b: Builder) -> str:
    return b.conv(b.begin(), kernel=4)


def lopsided(b: Builder) -> str:
    return b.affine(b.conv(b.begin(), kernel=4, pads=(1, 2)))


def dilated(b: Builder) -> str:
    return b.conv(b.begin(), kernel=3, pads=(2, 2), dilation=2)


def padded_before(b: Builder) -> str:
    return b.conv(b.pad(b.affine(b.begin()), 3, 1), kernel=5)


def strided(b: Builder) -> str:
    return b.conv(b.begin(), kernel=4, pads=(1, 1), stride=2)


def pooled(b: Builder) -> str:
    x = b.pool(b.affine(b.conv(b.begin(), kernel=3, pads=(1, 1))), 4, 4)
    return b.conv(x, kernel=3, pads=(1, 1))


def pooled_twice(b: Builder) -> str:
    x = b.pool(b.conv(b.begin(), kernel=3, pads=(1, 1)), 2, 2)
    return b.pool(b.conv(b.affine(x), kernel=3, pads=(1, 1)), 3, 2)


def branched(b: Builder) -> str:
    x = b.affine(b.begin())
    near = b.conv(x, kernel=3, pads=(1, 1))
    b.channels = 1
    far = b.conv(x, kernel=9, pads=(4, 4))
    b.channels = 6
    return b.conv(b.add("Concat", near, far, axis=1), kernel=1)


def reshaped(b: Builder) -> str:
    x = b.add("Reshape", "patches", b.constant([-1, b.length, BANDS, 1]))
    return b.conv(b.add("Transpose", x, perm=[0, 3, 1, 2]), kernel=3, pads=(1, 1))


def squeezed(b: Builder) -> str:
    x = b.add("ReduceMax", b.conv(b.begin(), kernel=3, pads=(1, 1)), b.constant([3]), keepdims=0)
    x = b.add("Slice", x, b.constant([0]), b.constant([2]), b.constant([1]))
    return b.add("Unsqueeze", x, b.constant([-1]))


@pytest.mark.parametrize("length", [40, 43])
@pytest.mark.parametrize(
    "network",
    [same, valid, lopsided, dilated, padded_before, strided, pooled, pooled_twice, branched, reshaped, squeezed],
)
def test_a_network_in_two_parts_gives_the_same(network, length, monkeypatch):
    monkeypatch.setattr(sharing, "_BLOCK", 16)
    builder = Builder(length)
    end = network(builder)
    rest = builder.add("ReduceMean", end, builder.constant([2]), keepdims=0)
    model = builder.model(end, rest)
    whole = Network(model.SerializeToString(), "whole")
    shaped = ShapedModel(model, (length, BANDS))
    cut = sharing._cut(shaped, shaped.follow())  # as far behind as can be
    assert end in cut.given
    parts = _CutNetwork(cut, "patches", "parts")
    for hop in (1, 2, 3, 4, 7, 12):
        for count in (1, 2, 6, 19):
            frames = np.random.default_rng(count).standard_normal(((count - 1) * hop + length, BANDS), dtype=np.float32)
            patches = OverlappingPatches(frames, length, hop)
            expected, found = whole.run({"patches": patches.stack()}), parts.run(patches)
            for name, values in expected.items():
                np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-5, err_msg=f"{hop} {count}")


@pytest.mark.parametrize(("hop", "is_cut"), [(1, True), (8, True), (13, True), (36, False), (40, False)])
def test_a_network_is_cut_where_that_saves_work(hop, is_cut):
    # At the edges of each patch some frames are run again, and several times where pooling does not divide the hop.
    builder = Builder(40)
    end = builder.conv(builder.pool(builder.conv(builder.begin(), kernel=3, pads=(1, 1)), 4, 4), kernel=3, pads=(1, 1))
    model = builder.model(builder.add("ReduceMax", end, builder.constant([2])))
    patches = OverlappingPatches(np.zeros((40, BANDS), np.float32), 40, hop)
    assert (find_cut(model, patches) is not None) == is_cut


def test_what_is_not_the_same_at_all_frames_is_not_shared():
    for op, values in (("Add", np.ones((40, 1))), ("Mul", np.ones((2, 1, 1, 1))[:1] * np.ones((1, 1, 40, 6)))):
        builder = Builder(40)
        x = builder.add(op, builder.begin(), builder.constant(values.astype(np.float32)))
        steps = ShapedModel(builder.model(builder.conv(x, kernel=3)), (40, BANDS)).follow()
        assert list(steps) == ["patches", "v2"]


@pytest.mark.parametrize(
    "make",
    [
        lambda b, x: b.add("Softmax", x, axis=2),  # over time
        lambda b, x: b.add("Transpose", x, perm=[1, 0, 2, 3]),  # patches are no longer first
        lambda b, x: b.add("Transpose", x),
        lambda b, x: b.add("Squeeze", x),  # of whichever axes are single
        lambda b, x: b.add("Concat", x, x, axis=2),
        lambda b, x: b.add("Slice", x, b.constant([1]), b.constant([9]), b.constant([2])),
        lambda b, x: b.add("ReduceMax", x, b.constant([2])),
        lambda b, x: b.add("Pad", x, b.constant([0, 0, 1, 0, 0, 0, 1, 0]), mode="edge"),
        lambda b, x: b.add("Reshape", x, b.constant([-1, 40 * BANDS])),
        lambda b, x: b.add("MaxPool", x, kernel_shape=[3, 1], strides=[2, 1], ceil_mode=1),
        lambda b, x: b.conv(x, kernel=41, pads=(20, 20)),  # padding reaches all of it
    ],
)
def test_what_does_not_follow_the_frames_is_left_out(make):
    builder = Builder(40)
    first = builder.begin()
    end = make(builder, first)
    assert end not in ShapedModel(builder.model(end), (40, BANDS)).follow()
