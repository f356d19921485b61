"""Each operation that is translated gives what TensorFlow gives."""

import numpy as np
import onnxruntime
import pytest
from architectures import Net

from embviz.errors import GraphError
from embviz.inference.essentia import EssentiaSession
from embviz.inference.graph import Graph
from embviz.inference.onnx_passes import optimise
from embviz.inference.onnx_translation import translate
from embviz.models.convert.nodes import FLOAT, INT32, make

BOOL, COMPLEX = 10, 8
SHAPE = (8, 7, 6)  # of one patch


class Operations(Net):
    """A graph that takes ``in``, ``[n, 8, 7, 6]``, and the operations that were tried on it."""

    def __init__(self):
        super().__init__(4)
        self.data = self.placeholder("in", -1, *SHAPE)
        self.flat = self.reshape("flat", self.data, -1, 336)
        self.positive = self.add("positive", "Exp", self.flat)
        self.tried = []

    def attempt(self, name, op, *inputs, **options):
        """Append an operation whose result is asked for."""
        self.tried.append(self.add(name, op, *inputs, **options))

    def attempt_as_float(self, name, kind, source):
        """Ask for a result of another type, as a float."""
        number = self.add(f"{name}/number", "Cast", source, kind=None, types=[("SrcT", kind), ("DstT", FLOAT)])
        self.tried.append(self.reshape(f"{name}/float", number, -1))

    def attempt_integers(self, name, *inputs, **options):
        self.attempt_as_float(name, INT32, self.add(name, *inputs, kind=INT32, **options))


_OF_ONE = (
    "Abs", "Ceil", "Cos", "Elu", "Erf", "Exp", "Floor", "Identity", "LeakyRelu", "LogSoftmax", "Neg", "OnesLike",
    "Reciprocal", "Relu", "Relu6", "Rint", "Round", "Selu", "Sigmoid", "Sign", "Sin", "Softmax", "Softplus", "Softsign",
    "Square", "StopGradient", "Tanh", "ZerosLike",
)  # fmt: skip


def elementwise(net):
    for op in _OF_ONE:
        net.attempt(op, op, net.flat)
    for op in ("Log", "Log1p", "Rsqrt", "Sqrt"):
        net.attempt(op, op, net.positive)
    for op in (
        "Add",
        "AddV2",
        "Sub",
        "Mul",
        "RealDiv",
        "Maximum",
        "Minimum",
        "SquaredDifference",
        "FloorDiv",
        "FloorMod",
    ):
        net.attempt(op, op, net.flat, net.normal(f"{op}/other", 336, scale=2))
    net.attempt("Pow", "Pow", net.positive, net.constant("Pow/exponent", np.float32(1.7)))
    net.attempt("AddN", "AddN", net.flat, net.positive, net.flat, N=3)
    bounds = [net.constant(f"bound/{n}", np.float32(n)) for n in (-0.5, 0.5)]
    net.attempt("ClipByValue", "ClipByValue", net.flat, *bounds)
    net.attempt("DivNoNan", "DivNoNan", net.positive, net.add("rectified", "Relu", net.flat))


def comparisons(net):
    zero = net.constant("zero", np.float32(0))
    for op in ("Equal", "Less", "LessEqual", "Greater", "GreaterEqual"):
        net.attempt_as_float(op, BOOL, net.add(op, op, net.flat, zero))
    for op in ("LogicalAnd", "LogicalOr"):
        net.attempt_as_float(op, BOOL, net.add(op, op, "Less", "GreaterEqual", kind=None))
    net.attempt_as_float("LogicalNot", BOOL, net.add("LogicalNot", "LogicalNot", "Less", kind=None))
    net.attempt("SelectV2", "SelectV2", "Less", net.flat, zero)
    net.attempt_as_float(
        "Cast", INT32, net.add("Cast", "Cast", net.flat, kind=None, types=[("SrcT", 1), ("DstT", INT32)])
    )
    four, minus = net.constant("four", np.int32(4)), net.constant("minus", np.int32(-4))
    net.attempt_integers("FloorMod", "FloorMod", "Cast", four)
    net.attempt_integers("FloorDiv", "FloorDiv", "Cast", minus)
    axis = net.constant("last", np.int32(1))
    for op in ("ArgMax", "ArgMin"):
        types = [("Tidx", INT32), ("output_type", INT32)]
        net.attempt_as_float(op, INT32, net.add(op, op, net.flat, axis, types=types))


def convolutions(net):
    strided = {"padding": "SAME", "strides": (1, 2, 2, 1)}
    kernel = net.normal("kernel", 3, 4, 6, 5, scale=0.2)
    for name, options in {
        "same": {"padding": "SAME", "strides": (1, 1, 1, 1)},
        "valid": {"padding": "VALID", "strides": (1, 1, 2, 1)},
        "strided": strided,
        "dilated": {"padding": "SAME", "strides": (1, 1, 1, 1), "dilations": (1, 2, 1, 1)},
        "explicit": {
            "padding": "EXPLICIT", "strides": (1, 1, 1, 1), "explicit_paddings": (0, 0, 1, 2, 0, 1, 0, 0),
        },
    }.items():  # fmt: skip
        net.attempt(name, "Conv2D", net.data, kernel, data_format="NHWC", **options)
    depths = net.normal("depths", 3, 3, 6, 2, scale=0.2)
    net.attempt("depthwise", "DepthwiseConv2dNative", net.data, depths, data_format="NHWC", **strided)
    net.tried.append(net.convolve_transposed("up", net.data, (5, 5, 3, 6), (16, 14)))
    normalised = net.normalise("normal", net.data, 6)
    net.attempt("bias", "BiasAdd", normalised, net.normal("biases", 6, scale=1))
    for op in ("MaxPool", "AvgPool"):
        for padding in ("SAME", "VALID"):
            net.attempt(
                f"{op}/{padding}",
                op,
                net.data,
                data_format="NHWC",
                ksize=(1, 3, 2, 1),
                strides=(1, 2, 2, 1),
                padding=padding,
            )
    _dilate_by_blocks(net)


def _dilate_by_blocks(net):
    """Append a dilated convolution as older versions of TensorFlow write it."""
    block = net.integers("block", 2, 2)
    paddings = net.constant("paddings", np.array([[1, 1], [0, 1]], np.int32))
    crops = net.constant("crops", np.array([[1, 1], [0, 1]], np.int32))
    types = [("Tblock_shape", INT32)]
    net.attempt("blocks", "SpaceToBatchND", net.data, block, paddings, types=[*types, ("Tpaddings", INT32)])
    net.attempt("whole", "BatchToSpaceND", "blocks", block, crops, types=[*types, ("Tcrops", INT32)])


def products(net):
    for a in (False, True):
        for b in (False, True):
            side = net.reshape(f"side{a}{b}", net.data, *((8, -1) if a else (-1, 8)))
            other = net.normal(f"other{a}{b}", *((3, 8) if b else (8, 3)), scale=1)
            net.attempt(f"MatMul{a}{b}", "MatMul", side, other, transpose_a=a, transpose_b=b)
    turned = net.transpose("turned", net.data, 0, 1, 3, 2)
    net.attempt("batched", "BatchMatMulV2", net.data, turned, adj_x=False, adj_y=False)
    net.attempt("adjoint", "BatchMatMulV2", net.data, net.data, adj_x=False, adj_y=True)
    weights = net.normal("weights", 6, 4, scale=1)
    net.attempt("einsum", "Einsum", net.data, weights, equation="bijk,kl->bijl", N=2)


def reductions(net):
    for op in ("Max", "Min", "Mean", "Sum", "Prod"):
        for keep in (False, True):
            net.attempt(f"{op}{keep}", op, net.data, net.integers(f"{op}{keep}/axes", 1, -1), keep_dims=keep)
    net.attempt("one", "Mean", net.data, net.constant("axis", np.int32(2)), keep_dims=False)
    net.attempt("none", "Sum", net.data, net.constant("no_axes", np.zeros(0, np.int32)), keep_dims=False)
    net.attempt("running", "Cumsum", net.data, net.constant("along", np.int32(1)), exclusive=True, reverse=True)


def axes(net):
    net.attempt("expanded", "ExpandDims", net.flat, net.constant("at", np.int32(-1)))
    net.attempt("squeezed", "Squeeze", "expanded", squeeze_dims=[2])
    net.tried.append(net.transpose("transposed", net.data, 0, 3, 1, 2))
    net.tried.append(net.concat("joined", net.data, net.data, axis=2))
    net.attempt("packed", "Pack", net.flat, net.positive, N=2, axis=1)
    net.attempt("unpacked", "Unpack", net.data, num=8, axis=1)
    net.tried.append("unpacked:7")
    third = net.constant("third", np.int32(3))
    net.attempt("split", "Split", third, net.data, num_split=3)
    net.tried.append("split:2")
    net.attempt(
        "split_by_sizes", "SplitV", net.data, net.integers("sizes", 1, 5), third, types=[("Tlen", INT32)], num_split=2
    )
    net.tried.append("split_by_sizes:1")
    indices = net.integers("indices", 3, 0, 3)
    types = [("Tparams", FLOAT), ("Tindices", INT32), ("Taxis", INT32)]
    net.attempt("gathered", "GatherV2", net.data, indices, third, kind=None, types=types)
    net.attempt("tiled", "Tile", net.flat, net.integers("times", 1, 2))
    net.attempt("broadcast", "BroadcastTo", net.normal("row", 336, scale=1), net.integers("to", 2, 336))


def pads(net):
    sides = ((0, 0), (1, 2), (0, 1), (2, 0))
    net.tried.append(net.pad("padded", net.data, *sides))
    paddings = net.constant("sides", np.array(sides, np.int32))
    net.attempt("padded_with", "PadV2", net.data, paddings, net.constant("with", np.float32(0.5)))
    net.attempt("mirrored", "MirrorPad", net.data, paddings, mode="REFLECT")
    net.tried.append(net.pad_to_multiple("whole", net.flat, 5, axes=2))
    places = net.integers("from", 0, 1, 2, 0), net.integers("many", -1, 3, -1, 2)
    net.attempt("cut", "Slice", net.data, *places, types=[("Index", INT32)])
    wanted = net.add("shape", "Shape", net.flat, types=[("out_type", INT32)])
    net.attempt("filled", "Fill", wanted, net.constant("fill", np.float32(3)))
    length = net.length("length", net.data)
    bounds = net.constant("0", np.int32(0)), length, net.constant("1", np.int32(1))
    net.attempt_as_float("range", INT32, net.add("range", "Range", *bounds, kind=None, types=[("Tidx", INT32)]))
    net.attempt_as_float("rank", INT32, net.add("rank", "Rank", net.data))
    net.attempt_as_float("size", INT32, net.add("size", "Size", net.data, types=[("out_type", INT32)]))


def slices(net):
    for name, begin, end, strides, masks in (
        ("plain", (0, 1, 2, 0), (2, 5, 7, 4), (1, 2, 1, 1), {}),
        ("open", (0, 3, 9, 9), (9, 5, 0, 0), (1, 1, 1, 1), {"begin_mask": 1 | 4 | 8, "end_mask": 1 | 4 | 8}),
        ("backwards", (0, 5, 0, 0), (0, 1, 0, 0), (1, -2, 1, -1), {"begin_mask": 13, "end_mask": 13}),
        ("dropped", (0, -1, 2), (0, 0, 3), (1, 1, 1), {"begin_mask": 1, "end_mask": 1, "shrink_axis_mask": 6}),
        ("behind", (0, 1), (0, 3), (1, 1), {"ellipsis_mask": 1}),
        ("around", (1, 0, -1), (2, 0, 0), (1, 1, 1), {"ellipsis_mask": 2, "shrink_axis_mask": 4}),
        ("new", (0, 0, 1), (0, 0, 3), (1, 1, 1), {"begin_mask": 1, "end_mask": 1, "new_axis_mask": 2}),
        ("new_last", (0, 0), (0, 0), (1, 1), {"ellipsis_mask": 1, "new_axis_mask": 2}),
    ):
        data = net.flat if "new" in name else net.data
        bounds = [net.integers(f"{name}/{i}", *values) for i, values in enumerate((begin, end, strides))]
        net.attempt(name, "StridedSlice", data, *bounds, types=[("Index", INT32)], **masks)


@pytest.mark.parametrize(
    "build",
    [elementwise, comparisons, convolutions, products, reductions, axes, pads, slices],
    ids=lambda f: f.__name__,
)
def test_operations(build, tmp_path):
    net = Operations()
    build(net)
    path = tmp_path / "operations.pb"
    path.write_bytes(net.graph.SerializeToString())
    values = np.random.default_rng(8).standard_normal((2, *SHAPE), np.float32)
    model = translate(Graph(net.graph), {"in": (None, *SHAPE)}, net.tried)
    literal, optimised = (run_onnx(m.SerializeToString(), values, net.tried) for m in (model, optimise(model)))
    ranks = {name: array.ndim for name, array in literal.items()}
    expected = EssentiaSession(path, "in", 4, tuple(net.tried), ranks=ranks).run({"in": values})
    for found in (literal, optimised):
        assert {name: array.shape for name, array in found.items()} == {n: a.shape for n, a in expected.items()}
        assert {
            n for n, array in found.items() if np.abs(array - expected[n]).max() > 2e-6 * scale(expected[n])
        } == set()


def scale(values):
    return max(1, np.abs(values).max())


def run_onnx(data, values, outputs):
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    return dict(zip(outputs, session.run(list(outputs), {"in": values}), strict=True))


def transforms(size):
    """Return a graph that transforms frames, moves their coefficients about, and turns them back into sound."""
    net = Net(0)
    length = net.integers("size", size)
    net.add("rfft", "RFFT", net.placeholder("in", -1, 2, size), length, kind=None)
    turned = net.transpose("turned", "rfft", 0, 2, 1, kind=COMPLEX)
    padded = net.pad("padded", turned, (0, 0), (0, 3), (0, 0), kind=COMPLEX)
    begin, end = net.integers("begin", 0, 0, 0), net.integers("end", -1, size // 2 + 1, 1)
    net.add("cut", "Slice", padded, begin, end, kind=COMPLEX, types=[("Index", INT32)])
    net.add("magnitudes", "ComplexAbs", "cut", kind=COMPLEX, types=[("Tout", FLOAT)])
    factor = net.add(
        "factor", "Cast", net.constant("two", np.float32(2)), kind=None, types=[("SrcT", FLOAT), ("DstT", COMPLEX)]
    )
    doubled = net.add("doubled", "Mul", "rfft", factor, kind=COMPLEX)
    squared = net.add("squared", "Mul", doubled, doubled, kind=COMPLEX)
    net.add("sound", "IRFFT", squared, length, kind=None)
    return net.graph


@pytest.mark.parametrize("size", [7, 15, 96, 4096])
def test_transforms(size, tmp_path):
    path = tmp_path / "transforms.pb"
    graph, asked = transforms(size), ("magnitudes", "sound")
    path.write_bytes(graph.SerializeToString())
    values = np.random.default_rng(8).standard_normal((3, 2, size), np.float32)
    model = optimise(translate(Graph(graph), {"in": (None, 2, size)}, asked))
    found = run_onnx(model.SerializeToString(), values, asked)
    given = EssentiaSession(path, "in", 3, asked, ranks=dict.fromkeys(asked, 3)).run({"in": values})
    spectrum = np.fft.rfft(values.astype(np.float64))
    exact = {"magnitudes": np.abs(spectrum[:, :1]).transpose(0, 2, 1), "sound": np.fft.irfft((2 * spectrum) ** 2, size)}
    for name in asked:
        assert found[name].shape == given[name].shape == exact[name].shape
        assert np.abs(found[name] - exact[name]).max() < 2e-6 * scale(exact[name])
        assert np.abs(found[name] - given[name]).max() < 5e-4 * scale(exact[name])  # TensorFlow's are less exact


@pytest.mark.parametrize(
    ("op", "options", "message"),
    [
        ("FFT2D", {}, r"cannot run the graph: the operation 'FFT2D' of 'odd' is not known"),
        ("BiasAdd", {}, r"'BiasAdd' is of an unknown form in 'odd'"),
        ("Conv2D", {"data_format": "NHWC"}, r"'Conv2D' is of an unknown form in 'odd'"),
        ("Const", {}, r"'Const' is of an unknown form in 'odd'|type of values, 0, of 'odd' is not known"),
        ("Cast", {}, r"the type of values, 0, of 'odd' is not known"),
    ],
)
def test_what_is_not_known_is_named(op, options, message):
    net = Net(0)
    net.add("odd", op, *([] if op == "Const" else [net.placeholder("in", -1, 3)]), **options)
    with pytest.raises(GraphError, match=message):
        translate(Graph(net.graph), {"in": (None, 3)}, ["odd"])


def test_a_normalisation_by_the_batch_is_refused():
    net = Net(0)
    net.normalise("normal", net.placeholder("in", -1, 3, 3, 2), 2)
    net.graph.node[-1].attr["is_training"].b = True
    with pytest.raises(GraphError, match="normalises by what a batch holds"):
        translate(Graph(net.graph), {"in": (None, 3, 3, 2)}, ["normal/FusedBatchNorm"])


def test_an_operation_on_complex_numbers_that_is_not_known_is_named():
    graph = transforms(8)
    graph.node.append(make("odd", "Relu", ["rfft"], T=COMPLEX))
    with pytest.raises(GraphError, match="the operation 'Relu' of 'odd' on complex numbers is not known"):
        translate(Graph(graph), {"in": (None, 2, 8)}, ["odd"])


def test_axes_that_depend_on_the_input_are_refused():
    net = Net(0)
    data = net.placeholder("in", -1, 3)
    net.add("sum", "Sum", data, net.add("axis", "Cast", data, kind=None, types=[("SrcT", FLOAT), ("DstT", INT32)]))
    with pytest.raises(GraphError, match="what 'sum' does depends on what the graph is fed with"):
        translate(Graph(net.graph), {"in": (None, 3)}, ["sum"])


def test_a_graph_that_goes_round_in_a_circle_is_refused():
    net = Net(0)
    net.placeholder("in", -1, 3)
    net.add("a", "Add", "in", "b")
    net.add("b", "Relu", "a")
    with pytest.raises(GraphError, match=r"goes round in a circle at '[ab]'"):
        translate(Graph(net.graph), {"in": (None, 3)}, ["b"])


def test_a_long_chain_is_translated():
    net = Net(0)
    name = net.placeholder("in", -1, 3)
    for i in range(3000):
        name = net.add(f"step{i}", "Neg", name)
    assert len(translate(Graph(net.graph), {"in": (None, 3)}, [name]).graph.node) == 3001


@pytest.mark.parametrize("size", [-5, 2**40])
def test_constants_that_claim_more_than_they_hold_are_refused(size):
    net = Net(0)
    net.add("out", "Add", net.placeholder("in", -1, 3), net.constant("huge", np.float32([1])))
    net.graph.node[-2].attr["value"].tensor.tensor_shape.dim[0].size = size
    with pytest.raises(GraphError, match="at most 536,870,912 constant values"):
        translate(Graph(net.graph), {"in": (None, 3)}, ["out"])


def test_a_constant_of_another_length_is_refused():
    net = Net(0)
    net.add("out", "Add", net.placeholder("in", -1, 3), net.constant("short", np.float32([1, 2])))
    net.graph.node[-2].attr["value"].tensor.tensor_shape.dim[0].size = 3
    with pytest.raises(GraphError, match="'short' holds 2 values, where 3 are expected"):
        translate(Graph(net.graph), {"in": (None, 3)}, ["out"])
