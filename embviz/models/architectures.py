"""The architectures of the catalogue: their layers and how many numbers they were trained to.

Conventions: those of :mod:`embviz.models.layer`. Receptive fields are not typed in but followed through the network's
kernels and strides.

References
----------
Essentia's graphs of all of them: https://essentia.upf.edu/models/. Papers, and repositories of the original code:

MusiCNN and VGG-I
    J. Pons and X. Serra, "musicnn: pre-trained convolutional neural networks for music audio tagging", ISMIR
    late-breaking demo, 2019. https://github.com/jordipons/musicnn
Tempo-CNN
    H. Schreiber and M. Müller, "Musical tempo and key estimation using convolutional neural networks with directional
    filters", SMC 2019. https://github.com/hendriks73/tempo-cnn
OpenL3
    J. Cramer, H.-H. Wu, J. Salamon and J. P. Bello, "Look, listen and learn more: design choices for deep audio
    embeddings", ICASSP 2019. https://github.com/marl/openl3
VGGish
    S. Hershey et al., "CNN architectures for large-scale audio classification", ICASSP 2017.
Discogs-EffNet
    P. Alonso-Jiménez, X. Serra and D. Bogdanov, "Music representation learning based on editorial metadata from
    Discogs", ISMIR 2022.
MAEST
    P. Alonso-Jiménez, X. Serra and D. Bogdanov, "Efficient supervised training of audio transformers for music
    representation learning", ISMIR 2023. https://github.com/palonso/MAEST
FSD-SINet
    E. Fonseca, A. Ferraro and X. Serra, "Improving sound event classification by increasing shift invariance in
    convolutional neural networks", arXiv:2107.00623, 2021. https://github.com/edufonseca/shift_sec
YAMNet
    M. Plakal and D. Ellis, "YAMNet", 2019. https://github.com/tensorflow/models/tree/master/research/audioset/yamnet
Spleeter
    R. Hennequin, A. Khlif, F. Voituret and M. Moussallam, "Spleeter: a fast and efficient music source separation tool
    with pre-trained models", JOSS 2020. https://github.com/deezer/spleeter
"""

from __future__ import annotations

from itertools import pairwise

from embviz.models.layer import Layer
from embviz.models.receptive_field import ReceptiveField

_LOG_MEL = "log10(1 + 10000 · power)"


def _layer(  # noqa: PLR0913 - one for each column of the tables below
    name: str,
    node: str | tuple[str, ...],
    axes: str,
    shape: tuple[int, ...],
    meaning: str,
    field: ReceptiveField | None = None,
    *,
    bands: ReceptiveField | None = None,
    whole: int = 0,
    labels: tuple[str, ...] = (),
    unit: str = "",
    feeds: str = "",
) -> Layer:
    """Return a layer; a `field` of `whole` frames or more is that of the whole patch."""
    return Layer(
        name,
        (node,) if isinstance(node, str) else node,
        axes,
        meaning,
        shape,
        receptive_field=field.frames if field and not 0 < whole <= field.frames else None,
        step=field.step if field else None,
        center=field.center if field else 0.0,
        labels=labels,
        unit=unit,
        feeds=feeds,
        bands=bands,
    )


def _tag_layers(tags: tuple[str, ...], dense: str) -> tuple[Layer, ...]:
    """Return the ends of an auto-tagger, whose last dense layer is `dense`."""
    return (
        _layer("logits", f"model/{dense}/BiasAdd", "c", (50,), "tags before the sigmoid", labels=tags, unit="logit"),
        _layer("output", "model/Sigmoid", "c", (50,), "tags", labels=tags, unit="probability"),
    )


def _tagger_input(field: ReceptiveField) -> tuple[Layer, ...]:
    normalised = "model/batch_normalization/FusedBatchNorm"
    return (
        _layer("mel", "model/ExpandDims", "tf1", (187, 96, 1), "mel-spectrogram", field, unit=_LOG_MEL),
        _layer("batch_norm", normalised, "tf1", (187, 96, 1), "normalised input", field),
    )


def musicnn_layers(tags: tuple[str, ...]) -> tuple[Layer, ...]:
    """Return the layers of MusiCNN."""
    mel = ReceptiveField()
    timbral, temporal = mel.same(7), mel.same(128)
    frontend = timbral.union(temporal)
    cnn1 = frontend.same(7)
    cnn2 = cnn1.same(7).union(cnn1)
    cnn3 = cnn2.same(7).union(cnn2)
    steps = (
        ("timbral", "concat_3", "tc", (187, 408), "timbre: filters tall in frequency, short in time", timbral),
        ("temporal", "concat_4", "tc", (187, 153), "rhythm: filters long in time (to 2 s)", temporal),
        ("frontend", "concat", "tc", (187, 561), "timbral and temporal features together", frontend),
        ("cnn1", "transpose", "tc1", (187, 64, 1), "first convolution over the features", cnn1),
        ("cnn2", "Add", "tc1", (187, 64, 1), "second convolution, added to the first", cnn2),
        ("cnn3", "Add_1", "tc1", (187, 64, 1), "third convolution, added to the second", cnn3),
        ("midend", "concat_1", "tc1", (187, 753, 1), "frontend, cnn1, cnn2 and cnn3 together", cnn3),
    )
    normalised = "batch_normalization_10/batchnorm/add_1"
    pooled = (
        ("max_pool", "Squeeze_6", 753, "maximum of the midend over the patch"),
        ("mean_pool", "Squeeze_5", 753, "mean of the midend over the patch"),
        ("pooled", "flatten/Reshape", 1506, "maxima and means, interleaved"),
        ("pooled_norm", "batch_normalization_9/batchnorm/add_1", 1506, "maxima and means, normalised"),
        ("embedding", "dense/BiasAdd", 200, "penultimate layer before its ReLU (signed)"),
        ("relu", "dense/Relu", 200, "penultimate layer after its ReLU"),
        ("penultimate", normalised, 200, "penultimate layer after ReLU and normalisation"),
    )
    return (
        *_tagger_input(mel),
        *(
            _layer(name, f"model/{node}", axes, shape, meaning, field)
            for name, node, axes, shape, meaning, field in steps
        ),
        *(_layer(name, f"model/{node}", "c", (size,), meaning) for name, node, size, meaning in pooled),
        *_tag_layers(tags, "dense_1"),
    )


#: Pools of VGG-I as (size, stride), each (time, frequency).
_VGG_POOLS = {
    "msd": (((4, 1), (4, 1)), ((1, 4), (1, 4)), ((2, 2), (2, 2)), ((2, 2), (2, 2)), ((4, 4), (4, 4))),
    "mtt": (((4, 1), (2, 2)), ((2, 2), (2, 2)), ((2, 2), (2, 2)), ((2, 2), (2, 2)), ((4, 4), (4, 4))),
}


def vgg_layers(tags: tuple[str, ...], collection: str) -> tuple[Layer, ...]:
    """Return the layers of VGG-I, whose pools are others for each `collection` ("msd", "mtt")."""
    field, high, times, bands = ReceptiveField(), ReceptiveField(), 187, 96
    layers = list(_tagger_input(field))
    for i, (size, stride) in enumerate(_VGG_POOLS[collection], start=1):
        conv, conv_high = field.same(3), high.same(3)
        field, high = conv.valid(size[0], stride[0]), conv_high.valid(size[1], stride[1])
        before = (times, bands, 128)
        times, bands = ((length - k) // s + 1 for length, k, s in zip((times, bands), size, stride, strict=True))
        normalised = f"model/batch_normalization_{i}/FusedBatchNorm"
        pool = f"model/max_pooling2d{f'_{i - 1}' if i > 1 else ''}/MaxPool"
        layers += [
            _layer(
                f"conv{i}",
                f"model/{i}CNN/Relu",
                "tfc",
                before,
                f"convolution {i} of 5, after its ReLU",
                conv,
                bands=conv_high,
            ),
            _layer(f"norm{i}", normalised, "tfc", before, f"convolution {i} of 5, normalised", conv, bands=conv_high),
            _layer(f"pool{i}", pool, "tfc", (times, bands, 128), f"maxima of convolution {i}", field, bands=high),
        ]
    return (
        *layers,
        _layer("embedding", "model/flatten/Reshape", "c", (256,), "last maxima, flattened: 2 steps × 128 filters"),
        *_tag_layers(tags, "dense"),
    )


_TEMPI = tuple(f"{tempo} BPM" for tempo in range(30, 286))
#: Filters of the twelve convolutions, in units of k.
_TEMPO_WIDTHS = (1, 1, 2, 2, 4, 4, 4, 4, 8, 8, 8, 8)


def tempo_parameters(k: int, *, square: bool) -> int:
    """Return the trained numbers of a DeepTemp, or of a DeepSquare network."""
    widths = [1, *(k * width for width in _TEMPO_WIDTHS)]
    kernels = [length**2 if square else length for length in (5, 3) * 6]
    total = (widths[-1] + 1) * 256
    for kernel, (before, after) in zip(kernels, pairwise(widths), strict=True):
        total += (kernel * before + 1) * after + 2 * after
    return total


def tempo_layers(k: int, *, square: bool) -> tuple[Layer, ...]:
    """Return the layers of a DeepTemp or DeepSquare network; their kernels are equally long in time."""
    field, high, times, bands = ReceptiveField(), ReceptiveField(), 256, 40
    layers: list[Layer] = []
    for i, width in enumerate(_TEMPO_WIDTHS, start=1):
        length = 5 if i % 2 else 3
        field, high = field.same(length), high.same(length if square else 1)
        shape, meaning = (k * width, bands, times), f"convolution {i} of 12"
        layers += [
            # The graph counts its ReLUs from the end.
            _layer(
                f"conv{i}", f"Relu{13 - i}", "cft", shape, f"{meaning}, after its ReLU", field, bands=high, whole=256
            ),
            _layer(
                f"norm{i}", f"BN{i - 1}/add_1", "cft", shape, f"{meaning}, normalised", field, bands=high, whole=256
            ),
        ]
        if i % 2:
            continue
        pool = i // 2
        field, high = field.valid(2, 2), high.valid(2, 2) if bands > 1 else high
        times, bands = times // 2, max(bands // 2, 1)
        node = f"MaxPool{f'_{pool - 1}' if pool > 1 else ''}"
        meaning = f"maxima of convolution {i}"
        layers.append(
            _layer(f"pool{pool}", node, "ftc", (bands, times, k * width), meaning, field, bands=high, whole=256)
        )
    node, meaning = "1x1/Identity0_reshape", "one logit per tempo: mean of conv_1x1 over the patch"
    features = "one feature per tempo, after its ReLU"
    return (
        *layers,
        _layer("conv_1x1", "Relu", "cft", (256, 1, 4), features, field, bands=high, whole=256, labels=_TEMPI),
        _layer("embedding", node, "c", (256,), meaning, labels=_TEMPI, unit="logit", feeds="output"),
        _layer("output", "output", "c", (256,), "tempi", labels=_TEMPI, unit="probability"),
    )


def openl3_layers(dimensions: int) -> tuple[Layer, ...]:
    """Return the one layer of OpenL3 whose name in Essentia's graph is known."""
    return (_layer("embedding", "embeddings", "c", (dimensions,), "maxima of the last convolution (signed)"),)


#: Layers of VGGish as (name, node, shape, meaning), convolutions and pools first.
_VGGISH_CONVOLUTIONS = (
    ("conv1", "conv1/Relu", (96, 64, 64), "convolution 1 of 6, after its ReLU"),
    ("pool1", "pool1/MaxPool", (48, 32, 64), "maxima of conv1"),
    ("conv2", "conv2/Relu", (48, 32, 128), "convolution 2 of 6, after its ReLU"),
    ("pool2", "pool2/MaxPool", (24, 16, 128), "maxima of conv2"),
    ("conv3_1", "conv3/conv3_1/Relu", (24, 16, 256), "convolution 3 of 6, after its ReLU"),
    ("conv3_2", "conv3/conv3_2/Relu", (24, 16, 256), "convolution 4 of 6, after its ReLU"),
    ("pool3", "pool3/MaxPool", (12, 8, 256), "maxima of conv3_2"),
    ("conv4_1", "conv4/conv4_1/Relu", (12, 8, 512), "convolution 5 of 6, after its ReLU"),
    ("conv4_2", "conv4/conv4_2/Relu", (12, 8, 512), "convolution 6 of 6, after its ReLU"),
    ("pool4", "pool4/MaxPool", (6, 4, 512), "maxima of conv4_2"),
)
_VGGISH_DENSE = (
    ("flatten", "Flatten/flatten/Reshape", 12_288, "last maxima, flattened"),
    ("fc1_1", "fc1/fc1_1/Relu", 4096, "first dense layer, after its ReLU"),
    ("fc1_2", "fc1/fc1_2/Relu", 4096, "second dense layer, after its ReLU"),
    ("fc2", "fc2/BiasAdd", 128, "third dense layer before its ReLU (signed)"),
    ("fc2_relu", "fc2/Relu", 128, "third dense layer, after its ReLU"),
    ("embedding", "embeddings", 128, "the authors' embedding"),
)


def vggish_layers() -> tuple[Layer, ...]:
    """Return the layers of VGGish."""
    field, high, prefix = ReceptiveField(), ReceptiveField(), "model/vggish/"
    layers = [
        _layer("mel", f"{prefix}Reshape", "tf1", (96, 64, 1), "mel-spectrogram", field, unit="ln(magnitude + 0.01)")
    ]
    for name, node, shape, meaning in _VGGISH_CONVOLUTIONS:
        field, high = (one.valid(2, 2) if name.startswith("pool") else one.same(3) for one in (field, high))
        layers.append(_layer(name, prefix + node, "tfc", shape, meaning, field, bands=high, whole=96))
    layers += [_layer(name, prefix + node, "c", (size,), meaning) for name, node, size, meaning in _VGGISH_DENSE]
    return tuple(layers)


def effnet_layers(*, styles: bool) -> tuple[Layer, ...]:
    """Return the ends of Discogs-EffNet; the networks that were trained without `styles` have only the first."""
    layers = (
        _layer("embedding", "PartitionedCall:1", "c", (1280,), "penultimate layer"),
        _layer("output", "PartitionedCall", "c", (400,), "styles of Discogs", unit="probability"),
    )
    return layers if styles else layers[:1]


def token_layers(node: str, shape: tuple[int, ...]) -> tuple[Layer, ...]:
    """Return the layers that the tokens of one block of MAEST are, whose shape is ``(1, tokens, values)``."""
    kinds = (
        ("embedding", (0, 1), "first token (CLS), which the network classifies by"),
        ("dist", (1, 2), "second token (DIST), which was trained on the answers of another network"),
        ("signal", (2, None), "mean of the tokens of the signal"),
    )
    return tuple(Layer(name, (node,), "1kc", meaning, shape, tokens=tokens) for name, tokens, meaning in kinds)


def maest_layers(frames: int, styles: int) -> tuple[Layer, ...]:
    """Return the layers of MAEST: its 7th block of 12, its last one, which heads take, and its ends."""
    tokens = 2 + 9 * ((frames - 16) // 10 + 1)  # patches of 16 × 16, one every 10 bands and every 10 frames
    return (
        *token_layers("PartitionedCall/Identity_7", (1, tokens, 768)),
        Layer(
            "tokens", ("PartitionedCall/Identity_12",), "1kc", "mean of all tokens of the last block", (1, tokens, 768)
        ),
        _layer("logits", "PartitionedCall/Identity", "c", (styles,), "styles before the sigmoid", unit="logit"),
        _layer("output", "PartitionedCall/Identity_13", "c", (styles,), "styles of Discogs", unit="probability"),
    )


#: Kernels of CREPE's convolutions, and filters of each as multiples of its capacity.
_CREPE = ((512, 32), (64, 4), (64, 4), (64, 4), (64, 8), (64, 16))
CREPE_CAPACITIES = {"tiny": 4, "small": 8, "medium": 16, "large": 24, "full": 32}
#: Centres of its 360 outputs, 20 cents apart, in Hz.
_PITCHES = tuple(f"{10 * 2 ** ((1997.3794084376191 + 7180 * i / 359) / 1200):.2f} Hz" for i in range(360))


def crepe_layers(size: str) -> tuple[Layer, ...]:
    """Return the ends of CREPE: what its convolutions leave of a frame, four steps of each filter, and the pitches."""
    values = 4 * _CREPE[-1][1] * CREPE_CAPACITIES[size]
    return (
        _layer("embedding", "model/flatten/Reshape", "c", (values,), "last convolution, flattened"),
        _layer("output", "model/classifier/Sigmoid", "c", (360,), "pitches", labels=_PITCHES, unit="probability"),
    )


def crepe_parameters(size: str) -> int:
    """Return the trained numbers of CREPE: convolutions, normalisations and the last layer."""
    capacity, before, total = CREPE_CAPACITIES[size], 1, 0
    for kernel, multiple in _CREPE:
        filters = multiple * capacity
        total += (kernel * before + 3) * filters  # with bias, scale and offset
        before = filters
    return total + (4 * before + 1) * 360


def sinet_layers() -> tuple[Layer, ...]:
    """Return the ends of FSD-SINet; how many values its embedding has is not published."""
    return (
        _layer("embedding", "model/global_max_pooling1d/Max", "c", (), "maxima of the last convolution over time"),
        _layer("output", "model/predictions/Sigmoid", "c", (200,), "classes of FSD50K", unit="probability"),
    )


def yamnet_layers() -> tuple[Layer, ...]:
    """Return the ends of YAMNet."""
    return (
        _layer("embedding", "embeddings", "c", (1024,), "mean of the last convolution over the patch"),
        _layer("output", "activations", "c", (521,), "classes of AudioSet", unit="probability"),
    )


_UNET_WIDTHS = (16, 32, 64, 128, 256, 512)


def unet_parameters() -> int:
    """Return the trained numbers of one stem's U-Net; the normalisation behind its sixth convolution is never used."""
    widths = (2, *_UNET_WIDTHS)
    down = sum((25 * before + 1) * after for before, after in pairwise(widths))
    up_from = (512, 512, 256, 128, 64, 32)
    up_to = (256, 128, 64, 32, 16, 1)
    up = sum((25 * before + 1) * after for before, after in zip(up_from, up_to, strict=True))
    mask = (4 * 4 * 1 + 1) * 2
    return down + up + mask + 2 * (sum(_UNET_WIDTHS[:5]) + sum(up_to))


def spleeter_layers(stems: tuple[str, ...]) -> tuple[Layer, ...]:
    """Return the layers of Spleeter's U-Nets, one per stem, joined; their kernels are as high as long."""
    channels = ("left", "right")
    sides = tuple(f"{stem} {side}" for stem in stems for side in channels)
    n, field = len(stems), ReceptiveField()
    full, meaning = (512, 1024, 2), "magnitudes up to 11 kHz, left and right"
    layers = [
        _layer(
            "spectrogram",
            "strided_slice_3",
            "tfc",
            full,
            meaning,
            field,
            bands=field,
            labels=channels,
            unit="magnitude",
        )
    ]
    ordinals = ("first", "second", "third", "fourth", "fifth", "sixth")
    for i, width in enumerate(_UNET_WIDTHS):
        field = field.same(5, 2)
        shape = (256 >> i, 512 >> i, n * width)
        nodes = _numbered("conv2d", [7 * stem + i for stem in range(n)], "BiasAdd")
        layers.append(
            _layer(f"conv{i + 1}", nodes, "tfc", shape, f"{ordinals[i]} convolution of each stem", field, bands=field)
        )
        if i == 4:
            layers.append(
                _layer("embedding", nodes, "tfc", shape, "conv5: last layer that is handed across", field, bands=field)
            )
    layers.append(_layer("bottleneck", nodes, "tfc", shape, "conv6: deepest layer of each stem", field, bands=field))
    for i, width in enumerate((256, 128, 64, 32, 16, 1)):
        field = field.transposed(5, 2)
        nodes = _numbered("conv2d_transpose", [6 * stem + i for stem in range(n)], "BiasAdd")
        shape = (16 << i, 32 << i, n * width)
        meaning = f"{ordinals[i]} transposed convolution of each stem"
        layers.append(_layer(f"up{i + 1}", nodes, "tfc", shape, meaning, field, bands=field))
    field = field.same(7)  # kernel of 4, dilated by 2
    masks = [7 * stem + 6 for stem in range(n)]
    full = (512, 1024, 2 * n)
    if n == 5:
        nodes, meaning = _numbered("conv2d", masks, "BiasAdd"), "masks before the softmax over stems"
        layers.append(
            _layer("mask_logits", nodes, "tfc", full, meaning, field, bands=field, labels=sides, unit="logit")
        )
    else:
        nodes, meaning = _numbered("conv2d", masks, "Sigmoid"), "share of the mix in each stem, from 0 to 1"
        layers.append(_layer("masks", nodes, "tfc", full, meaning, field, bands=field, labels=sides))
    nodes, meaning = tuple(f"{stem}_spectrogram/mul" for stem in stems), "estimated magnitudes of each stem"
    layers.append(
        _layer("spectrograms", nodes, "tfc", full, meaning, field, bands=field, labels=sides, unit="magnitude")
    )
    nodes, meaning = tuple(f"waveform_{stem}" for stem in stems), "separated sound, stereo for each stem"
    layers.append(_layer("output", nodes, "sc", (512 * 1024, 2 * n), meaning, labels=sides, unit="amplitude"))
    return tuple(layers)


def _numbered(base: str, numbers: list[int], leaf: str) -> tuple[str, ...]:
    """Return node names counted as Keras does: the first without a number."""
    return tuple(f"{base}{f'_{number}' if number else ''}/{leaf}" for number in numbers)
