"""Networks whose official weights only Essentia's site has: the same architectures, with random weights.

Conventions: every function returns a frozen ``GraphDef`` whose nodes are named as in Essentia's files where that is
known; weights are drawn from a seed, so that the same call gives the same graph. Tensors are channels last:
``[n, t, f, c]``, for OpenL3 ``[n, f, t, c]``. What is computed from them means nothing, but everything on the way to it
is what the official weights will meet.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from tensorboard.compat.proto.graph_pb2 import GraphDef

from embviz.models.convert import nodes
from embviz.models.convert.nodes import FLOAT, INT32

COMPLEX = 8


class Net:
    """A graph that grows node by node; every method appends an operation and returns its name."""

    def __init__(self, seed):
        self.graph = GraphDef()
        self.graph.versions.producer = 134  # TensorFlow 1.15
        self._rng = np.random.default_rng(seed)

    def add(self, name, op, *inputs, kind=FLOAT, types=(), **attributes):
        """Append any operation; `kind` is its type T (None where it has none), `types` are its other types."""
        node = nodes.make(name, op, inputs, **attributes)
        for key, number in [("T", kind), *types]:
            if number is not None:
                node.attr[key].type = number
        self.graph.node.append(node)
        return name

    def constant(self, name, values):
        self.graph.node.append(nodes.constant(name, np.asarray(values)))
        return name

    def integers(self, name, *values):
        return self.constant(name, np.array(values, np.int32))

    def placeholder(self, name, *shape):
        node = nodes.make(name, "Placeholder", dtype=FLOAT)
        for size in shape:
            node.attr["shape"].shape.dim.add(size=size)
        self.graph.node.append(node)
        return name

    def normal(self, name, *shape, scale):
        values = self._rng.standard_normal(shape, np.float32)
        values *= np.float32(scale)
        return self.constant(name, values)

    def uniform(self, name, *shape, low, high):
        return self.constant(name, self._rng.uniform(low, high, shape).astype(np.float32))

    def reshape(self, name, data, *shape, kind=FLOAT):
        return self.add(name, "Reshape", data, self.integers(f"{name}/shape", *shape), kind=kind)

    def transpose(self, name, data, *axes, kind=FLOAT):
        return self.add(name, "Transpose", data, self.integers(f"{name}/perm", *axes), kind=kind)

    def pad(self, name, data, *paddings, kind=FLOAT):
        sides = self.constant(f"{name}/paddings", np.array(paddings, np.int32))
        return self.add(name, "Pad", data, sides, kind=kind)

    def concat(self, name, *parts, axis):
        place = self.constant(f"{name}/axis", np.int32(axis))
        return self.add(name, "ConcatV2", *parts, place, N=len(parts))

    def convolve(self, name, data, kernel, **options):
        """Append a convolution with a bias, ``<name>/BiasAdd``; `kernel` is (height, width, channels in and out)."""
        scale = options.pop("scale", math.sqrt(2 / math.prod(kernel[:3])))  # He's: values keep their size
        weights = self.normal(f"{name}/kernel", *kernel, scale=scale)
        options = {"data_format": "NHWC", "padding": "SAME", "strides": (1, 1, 1, 1)} | options
        return self._with_bias(name, self.add(f"{name}/Conv2D", "Conv2D", data, weights, **options), kernel[3])

    def convolve_transposed(self, name, data, kernel, size):
        """Append a transposed convolution that doubles both sides to `size`; `kernel` ends with channels out and in."""
        height, width, channels, before = kernel
        scale = math.sqrt(2 / (height * width * before / 4))
        weights = self.normal(f"{name}/kernel", *kernel, scale=scale)
        numbers = [self.constant(f"{name}/stack/{i}", np.int32(n)) for i, n in enumerate((*size, channels), start=1)]
        shape = self.add(f"{name}/stack", "Pack", self.length(f"{name}/batch", data), *numbers, kind=INT32, N=4)
        options = {"data_format": "NHWC", "padding": "SAME", "strides": (1, 2, 2, 1)}
        result = self.add(f"{name}/conv2d_transpose", "Conv2DBackpropInput", shape, weights, data, **options)
        return self._with_bias(name, result, channels)

    def dense(self, name, data, before, after):
        weights = self.normal(f"{name}/weights", before, after, scale=math.sqrt(2 / before))
        return self._with_bias(name, self.add(f"{name}/MatMul", "MatMul", data, weights), after)

    def _with_bias(self, name, data, channels):
        return self.add(f"{name}/BiasAdd", "BiasAdd", data, self.normal(f"{name}/bias", channels, scale=0.1))

    def normalise(self, name, data, channels, *, mean=0.0, variance=1.0):
        """Append a batch normalisation that has seen values of a mean and a variance."""
        statistics = (
            self.uniform(f"{name}/gamma", channels, low=0.8, high=1.2),
            self.normal(f"{name}/beta", channels, scale=0.1),
            self.uniform(f"{name}/moving_mean", channels, low=mean - 0.1, high=mean + 0.1),
            self.uniform(f"{name}/moving_variance", channels, low=0.8 * variance, high=1.2 * variance),
        )
        options = {"data_format": "NHWC", "epsilon": 1e-3, "is_training": False}
        return self.add(f"{name}/FusedBatchNorm", "FusedBatchNorm", data, *statistics, **options)

    def pool(self, name, data, height, width):
        sides = (1, height, width, 1)
        return self.add(name, "MaxPool", data, data_format="NHWC", padding="VALID", ksize=sides, strides=sides)

    def length(self, name, data, kind=FLOAT):
        """Append the length of the first axis, known only at run time."""
        shape = self.add(f"{name}/shape", "Shape", data, kind=kind, types=[("out_type", INT32)])
        ends = [self.integers(f"{name}/{part}", number) for part, number in (("begin", 0), ("end", 1), ("step", 1))]
        return self.add(name, "StridedSlice", shape, *ends, kind=INT32, types=[("Index", INT32)], shrink_axis_mask=1)

    def pad_to_multiple(self, name, data, whole, axes, kind=FLOAT):
        """Append zeros along the first of some axes, so that its length is a multiple of `whole`."""
        divisor = self.constant(f"{name}/whole", np.int32(whole))
        short = self.add(f"{name}/short", "Neg", self.length(f"{name}/length", data, kind), kind=INT32)
        missing = self.add(f"{name}/missing", "FloorMod", short, divisor, kind=INT32)
        zero = self.constant(f"{name}/zero", np.int32(0))
        sides = self.add(f"{name}/sides", "Pack", *[zero, missing, *[zero] * (2 * axes - 2)], kind=INT32, N=2 * axes)
        paddings = self.reshape(f"{name}/paddings", sides, axes, 2, kind=INT32)
        return self.add(name, "Pad", data, paddings, kind=kind)


# OpenL3. -----------------------------------------------------------------------------------------------------------

#: Height and width of the last pool, by mel bands and length of the embedding.
OPENL3_POOLS = {(128, 512): (16, 24), (128, 6144): (4, 8), (256, 512): (32, 24), (256, 6144): (8, 8)}


def random_openl3(bands, size, seed=3):
    """Return OpenL3's audio network for decibels ``melspectrogram``; ``embeddings`` are maxima of a linear layer."""
    net = Net(seed)
    data = net.placeholder("melspectrogram", -1, bands, 199, 1)
    data = net.normalise("input_norm", data, 1, mean=-40.0, variance=400.0)
    channels = 1
    for block, width in enumerate((64, 128, 256), start=1):
        data = _rectified(net, f"block{block}/a", data, channels, width)
        data = _rectified(net, f"block{block}/b", data, width, width)
        data = net.pool(f"block{block}/pool", data, 2, 2)
        channels = width
    data = _rectified(net, "block4/a", data, 256, 512)
    data = net.convolve("audio_embedding_layer", data, (3, 3, 512, 512))
    data = net.pool("last_pool", data, *OPENL3_POOLS[bands, size])
    net.reshape("embeddings", data, -1, size)
    return net.graph


def _rectified(net, name, data, before, after):
    data = net.convolve(name, data, (3, 3, before, after))
    return net.add(f"{name}/Relu", "Relu", net.normalise(name, data, after))


# VGGish. -----------------------------------------------------------------------------------------------------------

#: Convolutions by block, named as in Essentia's file, with their filters.
VGGISH_BLOCKS = (
    (("conv1",), 64),
    (("conv2",), 128),
    (("conv3/conv3_1", "conv3/conv3_2"), 256),
    (("conv4/conv4_1", "conv4/conv4_2"), 512),
)


def random_vggish(seed=5):
    """Return VGGish in full width, for log-mel patches ``model/Placeholder``."""
    net = Net(seed)
    top = "model/vggish"
    data = net.reshape(f"{top}/Reshape", net.placeholder("model/Placeholder", -1, 96, 64), -1, 96, 64, 1)
    before = 1
    for block, (names, width) in enumerate(VGGISH_BLOCKS, start=1):
        for name in names:
            data = net.convolve(f"{top}/{name}", data, (3, 3, before, width))
            data = net.add(f"{top}/{name}/Relu", "Relu", data)
            before = width
        data = net.pool(f"{top}/pool{block}/MaxPool", data, 2, 2)
    data = net.reshape(f"{top}/Flatten/flatten/Reshape", data, -1, 6 * 4 * 512)
    for name, sizes in (("fc1/fc1_1", (12_288, 4096)), ("fc1/fc1_2", (4096, 4096)), ("fc2", (4096, 128))):
        data = net.add(f"{top}/{name}/Relu", "Relu", net.dense(f"{top}/{name}", data, *sizes))
    net.add(f"{top}/embeddings", "Identity", data)
    return net.graph


# Spleeter. ---------------------------------------------------------------------------------------------------------

FRAME, HOP = 4096, 1024
BINS, KEPT = FRAME // 2 + 1, 1024
SEGMENT = 512  # frames
UNET_WIDTHS = (16, 32, 64, 128, 256, 512)
EPSILON = 1e-10


def random_spleeter(stems, *, softmax, seed=7):
    """Return Spleeter for stereo sound ``waveform``: one U-Net per stem between a spectrogram and its inverse.

    With `softmax` the stems share each bin of the spectrogram (five stems); without, each has a mask of its own.
    """
    net = Net(seed)
    spectrum = _short_time_spectrum(net, net.placeholder("waveform", -1, 2))
    magnitudes = _segments_of_magnitudes(net, spectrum)
    logits = [_unet(net, stem, magnitudes) for stem in range(len(stems))]
    masks = _softmax_masks(net, logits) if softmax else _sigmoid_masks(net, logits)
    estimates = [
        net.add(f"{stem}_spectrogram/mul", "Mul", mask, magnitudes) for stem, mask in zip(stems, masks, strict=True)
    ]
    for stem, ratio in zip(stems, _ratios(net, estimates), strict=True):
        _sound_of_mask(net, f"waveform_{stem}", ratio, spectrum)
    return net.graph


def periodic_hann():
    """Return TensorFlow's Hann window, whose last sample is not its first one again."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)).astype(np.float32)


def _short_time_spectrum(net, waveform):
    """Append the spectrum ``[t, bins, 2]``: frames from the first sample on, the last ones filled up with zeros."""
    whole = net.pad_to_multiple("stft/whole", waveform, HOP, axes=2)
    padded = net.pad("stft/padded", whole, (0, FRAME - HOP), (0, 0))
    # One patch of an image of one column is one frame; its values are sample by sample, left and right.
    image = net.reshape("stft/image", padded, 1, -1, 1, 2)
    options = {"ksizes": (1, FRAME, 1, 1), "strides": (1, HOP, 1, 1), "rates": (1, 1, 1, 1), "padding": "VALID"}
    patches = net.add("stft/patches", "ExtractImagePatches", image, **options)
    frames = net.transpose("stft/frames", net.reshape("stft/stereo", patches, -1, FRAME, 2), 2, 0, 1)
    windowed = net.add("stft/windowed", "Mul", frames, net.constant("stft/window", periodic_hann()))
    spectrum = net.add("stft/rfft", "RFFT", windowed, net.integers("stft/size", FRAME), kind=None)
    return net.transpose("spectrum", spectrum, 1, 2, 0, kind=COMPLEX)


def _segments_of_magnitudes(net, spectrum):
    """Append the magnitudes of the lower half of the spectrum, ``[n, 512, 1024, 2]``."""
    padded = net.pad_to_multiple("segments/padded", spectrum, SEGMENT, axes=3, kind=COMPLEX)
    segments = net.reshape("segments", padded, -1, SEGMENT, BINS, 2, kind=COMPLEX)
    magnitudes = net.add("Abs", "ComplexAbs", segments, kind=COMPLEX, Tout=FLOAT)
    begin, size = net.integers("kept/begin", 0, 0, 0, 0), net.integers("kept/size", -1, -1, KEPT, -1)
    return net.add("strided_slice_3", "Slice", magnitudes, begin, size, types=[("Index", INT32)])


def _keras(base, number):
    """Return a layer's name as Keras counts: the first without a number."""
    return f"{base}_{number}" if number else base


def _unet(net, stem, magnitudes):
    """Append the U-Net of one stem and return its mask before any nonlinearity."""
    skips = _encoder(net, stem, magnitudes)
    data = _decoder(net, stem, skips)
    # Small, so that no stem takes everything.
    return net.convolve(_keras("conv2d", 7 * stem + 6), data, (4, 4, 1, 2), dilations=(1, 2, 2, 1), scale=0.05)


def _encoder(net, stem, data):
    """Append six convolutions and return their values before normalisation, which are what the decoder is handed."""
    skips = []
    for i, (before, after) in enumerate(pairwise((2, *UNET_WIDTHS))):
        data = net.convolve(_keras("conv2d", 7 * stem + i), data, (5, 5, before, after), strides=(1, 2, 2, 1))
        skips.append(data)
        if i == 5:
            break
        # Magnitudes are far larger than 1.
        data = net.normalise(_keras("batch_normalization", 12 * stem + i), data, after, variance=1.0 if i else 100.0)
        data = net.add(f"{_keras('elu', 12 * stem + i)}/Elu", "Elu", data)
    return skips


def _decoder(net, stem, skips):
    """Append six transposed convolutions, each but the first fed with an encoder's values beside its own."""
    data, before = skips[5], 512
    for i, after in enumerate((256, 128, 64, 32, 16, 1)):
        if i:
            data = net.concat(f"{_keras('concatenate', 5 * stem + i - 1)}/concat", skips[5 - i], data, axis=3)
        size = SEGMENT >> (5 - i), KEPT >> (5 - i)
        data = net.convolve_transposed(_keras("conv2d_transpose", 6 * stem + i), data, (5, 5, after, before), size)
        data = net.add(f"{_keras('elu', 12 * stem + 6 + i)}/Elu", "Elu", data)
        data = net.normalise(_keras("batch_normalization", 12 * stem + 6 + i), data, after)
        before = 2 * after
    return data


def _sigmoid_masks(net, logits):
    return [net.add(f"{name.removesuffix('/BiasAdd')}/Sigmoid", "Sigmoid", name) for name in logits]


def _softmax_masks(net, logits):
    """Append masks that share out each bin among the stems."""
    stack = net.add("stack", "Pack", *logits, N=len(logits), axis=4)
    shares = net.add("softmax/Softmax", "Softmax", stack)
    net.add("masks", "Unpack", shares, num=len(logits), axis=4)
    return [f"masks:{i}" for i in range(len(logits))]


def _ratios(net, estimates):
    """Append what share of the power each stem has in each bin; of silence all have the same."""
    powers = [net.add(f"power/{i}", "Square", name) for i, name in enumerate(estimates)]
    total = net.add("power/total", "AddN", *powers, N=len(powers))
    total = net.add("power/not_zero", "Add", total, net.constant("power/epsilon", np.float32(EPSILON)))
    least = net.constant("power/least", np.float32(EPSILON / len(powers)))
    shares = [net.add(f"share/{i}", "Add", power, least) for i, power in enumerate(powers)]
    return [net.add(f"ratio/{i}", "RealDiv", share, total) for i, share in enumerate(shares)]


def _sound_of_mask(net, name, ratio, spectrum):
    """Append a stem's sound: the spectrum of the mix times its mask, which is zero above 11 kHz."""
    full = net.pad(f"{name}/full", ratio, (0, 0), (0, 0), (0, BINS - KEPT), (0, 0))
    mask = _cut_as(net, f"{name}/mask", net.reshape(f"{name}/frames", full, -1, BINS, 2), spectrum, COMPLEX)
    mask = net.add(f"{name}/complex", "Cast", mask, kind=None, types=[("SrcT", FLOAT), ("DstT", COMPLEX)])
    masked = net.add(f"{name}/spectrum", "Mul", mask, spectrum, kind=COMPLEX)
    masked = net.transpose(f"{name}/sides", masked, 2, 0, 1, kind=COMPLEX)
    frames = net.add(f"{name}/irfft", "IRFFT", masked, net.integers(f"{name}/size", FRAME), kind=None)
    # Hann's window twice, at a quarter of its length, adds up to 3 / 2.
    window = net.constant(f"{name}/window", periodic_hann() * np.float32(2 / 3))
    frames = net.add(f"{name}/windowed", "Mul", frames, window)
    sound = net.transpose(f"{name}/stereo", _overlap_added(net, name, frames), 1, 0)
    return _cut_as(net, name, sound, "waveform", FLOAT)


def _overlap_added(net, name, frames):
    """Append the sum of frames ``[2, t, 4096]`` where they overlap, ``[2, n]``: each reaches over four hops."""
    overlaps = FRAME // HOP
    axis = net.constant(f"{name}/axis", np.int32(2))
    net.add(f"{name}/quarters", "Split", axis, frames, num_split=overlaps)
    parts = [
        net.pad(f"{name}/quarter{i}", f"{name}/quarters:{i}", (0, 0), (i, overlaps - 1 - i), (0, 0))
        for i in range(overlaps)
    ]
    return net.reshape(f"{name}/sum", net.add(f"{name}/added", "AddN", *parts, N=overlaps), 2, -1)


def _cut_as(net, name, data, model, kind):
    """Append the beginning of some data, as much as another tensor of type `kind` has."""
    size = net.add(f"{name}/as", "Shape", model, kind=kind, types=[("out_type", INT32)])
    axes = 2 if kind == FLOAT else 3
    begin = net.integers(f"{name}/begin", *[0] * axes)
    return net.add(name, "Slice", data, begin, size, types=[("Index", INT32)])


# Discogs-EffNet, MAEST and YAMNet. ---------------------------------------------------------------------------------

#: What functions call the first result of an operation, where it is not "output".
RESULTS = {"Relu": "activations", "MatMul": "product", "Sigmoid": "y", "Sub": "z"}


def call_function(net, name, body, given, results):
    """Append a call of a function made of another net, whose placeholder ``x`` is what is `given`."""
    function = net.graph.library.function.add()
    function.signature.name = f"{name}_function"
    function.signature.input_arg.add(name="x", type=FLOAT)
    ops = {node.name: RESULTS.get(node.op, "output") for node in body.graph.node}
    for i, result in enumerate(results):
        function.signature.output_arg.add(name=f"r{i}", type=FLOAT)
        function.ret[f"r{i}"] = f"{result}:{ops[result]}:0"
    for node in body.graph.node:
        if node.name != "x":
            added = function.node_def.add()
            added.CopyFrom(node)
            added.input[:] = [one if one == "x" else f"{one}:{ops[one]}:0" for one in node.input]
    call = nodes.make(name, "PartitionedCall", [given])
    call.attr["f"].func.name = function.signature.name
    call.attr["Tin"].list.type.append(FLOAT)
    call.attr["Tout"].list.type.extend([FLOAT] * len(results))
    net.graph.node.append(call)
    return name


def random_effnet(batch=64, *, styles=400, seed=9):
    """Return the ends of Discogs-EffNet behind one convolution: a fixed batch, and a call of a function."""
    net, body = Net(seed), Net(seed)
    body.placeholder("x", -1, 128, 96)
    data = body.convolve("conv", body.reshape("image", "x", -1, 128, 96, 1), (16, 16, 1, 8), strides=(1, 16, 16, 1))
    data = body.reshape("flat", body.add("relu", "Relu", data), -1, 8 * 6 * 8)
    data = body.dense("features", data, 8 * 6 * 8, 1280)
    ends = body.add("sigmoid", "Sigmoid", body.dense("styles", data, 1280, styles)), data
    given = net.placeholder("serving_default_melspectrogram", batch, 128, 96)
    call_function(net, "PartitionedCall", body, given, ends)
    return net.graph


def random_maest(frames, *, styles=400, width=768, seed=11):
    """Return the 7th block and the ends of MAEST: tokens of patches behind two of the whole."""
    net = Net(seed)
    steps = (frames - 16) // 10 + 1
    image = net.reshape("image", net.placeholder("melspectrogram", -1, frames, 96), -1, frames, 96, 1)
    data = net.convolve("patches", image, (16, 16, 1, width), strides=(1, 10, 10, 1), padding="VALID")
    signal = net.reshape("signal", data, -1, 9 * steps, width)
    axis, options = net.integers("axis", 1), {"types": [("Tidx", INT32)], "keep_dims": True}
    whole = [net.add(f"token{i}", op, signal, axis, **options) for i, op in enumerate(("Mean", "Max"))]
    block = net.reshape("block", net.concat("tokens", *whole, signal, axis=1), -1, 1, 2 + 9 * steps, width)
    net.add("PartitionedCall/Identity_7", "Identity", block)
    net.add("PartitionedCall/Identity_12", "Identity", net.add("last", "Relu", block))
    logits = net.dense("styles", net.reshape("first", whole[0], -1, width), width, styles)
    net.add("PartitionedCall/Identity", "Identity", logits)
    net.add("PartitionedCall/Identity_13", "Identity", net.add("sigmoid", "Sigmoid", logits))
    return net.graph


def random_token_head(width=768, classes=400, seed=17):
    """Return a head on all tokens of MAEST: the mean of the first two, normalised, and one dense layer, in a call."""
    net, body = Net(seed), Net(seed)
    body.placeholder("x", -1, -1, width)
    types, axis = {"types": [("Tidx", INT32)]}, body.integers("axis", 1)
    first = body.add(
        "first",
        "GatherV2",
        "x",
        body.integers("zero_one", 0, 1),
        body.constant("one", np.int32(1)),
        types=[("Tparams", FLOAT), ("Tindices", INT32), ("Taxis", INT32)],
        kind=None,
        batch_dims=0,
    )
    mean = body.add("mean", "Mean", first, axis, keep_dims=False, **types)
    center = body.add("center", "Mean", mean, axis, keep_dims=True, **types)
    data = body.dense("styles", body.add("centered", "Sub", mean, center), width, classes)
    given = net.placeholder("embeddings", -1, -1, width)
    call_function(net, "PartitionedCall", body, given, (data, body.add("sigmoid", "Sigmoid", data)))
    for i in range(2):
        name = f"PartitionedCall/Identity_{i}" if i else "PartitionedCall/Identity"
        net.add(name, "Identity", f"PartitionedCall:{i}" if i else "PartitionedCall")
    return net.graph


def random_crepe(capacity=4, seed=19):
    """Return CREPE as it is published, but for what its numbers are."""
    net, before = Net(seed), 1
    data = net.reshape("model/input-reshape/Reshape", net.placeholder("frames", -1, 1024), -1, 1024, 1, 1)
    for i, (kernel, filters) in enumerate([(512, 32), (64, 4), (64, 4), (64, 4), (64, 8), (64, 16)], start=1):
        after, name = filters * capacity, f"model/conv{i}"
        stride = (1, 4 if i == 1 else 1, 1, 1)
        data = net.add(f"{name}/Relu", "Relu", net.convolve(name, data, (kernel, 1, before, after), strides=stride))
        data = net.normalise(f"{name}-BN", data, after)
        data = net.pool(f"{name}-maxpool/MaxPool", data, 2, 1)
        before = after
    data = net.reshape(
        "model/flatten/Reshape", net.transpose("model/transpose/transpose", data, 0, 2, 1, 3), -1, 4 * before
    )
    net.add("model/classifier/Sigmoid", "Sigmoid", net.dense("model/classifier", data, 4 * before, 360))
    return net.graph


def random_yamnet(seed=13):
    """Return the ends of YAMNet behind one convolution."""
    net = Net(seed)
    image = net.reshape("image", net.placeholder("melspectrogram", -1, 96, 64), -1, 96, 64, 1)
    data = net.convolve("conv", image, (32, 32, 1, 64), strides=(1, 32, 32, 1))
    data = net.reshape("flat", net.add("relu", "Relu", data), -1, 3 * 2 * 64)
    embeddings = net.add("embeddings", "Identity", net.dense("features", data, 3 * 2 * 64, 1024))
    net.add("activations", "Sigmoid", net.dense("classes", embeddings, 1024, 521))
    return net.graph


def random_sinet(seed=15, *, width=96):
    """Return the ends of FSD-SINet behind one convolution."""
    net = Net(seed)
    data = net.convolve("conv", net.placeholder("x", -1, 101, 96, 1), (16, 96, 1, width), padding="VALID")
    data = net.reshape("steps", net.add("relu", "Relu", data), -1, 86, width)
    pool = "model/global_max_pooling1d/Max"
    net.add(pool, "Max", data, net.integers("axis", 1), types=[("Tidx", INT32)], keep_dims=False)
    net.add("model/predictions/Sigmoid", "Sigmoid", net.dense("classes", pool, width, 200))
    return net.graph
