"""The filters of a first layer: read from a graph whose kernels are known, and from the official weights."""

import numpy as np
import pytest
from architectures import Net

import embviz
from embviz.audio import Audio
from embviz.errors import LayerError, OptionError, WeightsError
from embviz.extraction import filters as reading
from embviz.extraction.filters import first_layer_filters
from embviz.extraction.frontends import FRONTENDS, band_frequencies
from embviz.extraction.mel import mel_spectrogram
from embviz.models import find_weights

HZ = band_frequencies(FRONTENDS["musicnn"])


def official(name):
    if find_weights(name) is None:
        pytest.skip(f"the weights of {name} are not here")
    return first_layer_filters(name)


def test_the_shapes_of_musicnn():
    filters = official("musicnn")
    shapes = [(one.frames, one.bands) for one in filters]
    expected = [(7, 38)] * 204 + [(7, 67)] * 204 + [(128, 1)] * 51 + [(64, 1)] * 51 + [(32, 1)] * 51
    assert shapes == expected
    assert [one.channels["frontend"] for one in filters] == list(range(561))
    first, last = filters[204], filters[-1]
    assert (first.channels["timbral"], first.layer, first.title) == (204, "timbral", "timbral 204 (7 × 67)")
    assert (last.channels["temporal"], last.positions) == (152, 96)
    assert first.hertz(0) == pytest.approx(HZ[:67])
    assert first.hertz(-1) == pytest.approx(HZ[-67:])
    assert first.milliseconds == pytest.approx(np.arange(7) * 16)
    with pytest.raises(OptionError, match="position is one of 30 from 0; 30 was found"):
        first.hertz(30)


@pytest.mark.parametrize(
    ("name", "count", "shape", "layer"),
    [("msd-vgg-1", 128, (3, 3), "conv1"), ("deeptemp-k8", 8, (5, 1), "conv1"), ("deepsquare-k4", 4, (5, 5), "conv1")],
)
def test_the_shapes_of_other_models(name, count, shape, layer):
    filters = official(name)
    assert {(one.frames, one.bands) for one in filters} == {shape}
    assert [one.channels[layer] for one in filters] == list(range(count))


def test_filters_that_are_zero_are_those_whose_channels_never_change():
    filters = official("musicnn")
    rng = np.random.default_rng(0)
    sound = rng.normal(size=16_000 * 6).astype(np.float32) * np.repeat(rng.uniform(0, 0.5, 12), 8000).astype(np.float32)
    values = embviz.embed((sound, 16_000), "musicnn", layer="timbral", cache=False).values
    spread = np.ptp(values, axis=0)
    zero = np.array([one.is_zero for one in filters[:408]])
    assert zero.sum() == 371
    assert (spread[zero] < 1e-3).all()
    assert (spread[~zero] > 0).mean() > 0.5


def test_what_matches_a_filter_raises_its_channel():
    """The answer of a filter, computed from its picture alone, goes up and down with the channel of the network."""
    filters = official("musicnn")
    sound = Audio.open(embviz.sample_audio() / "drums.ogg").mono(16_000)[: 16_000 * 12]
    values = embviz.embed((sound, 16_000), "musicnn", layer="timbral", cache=False).values
    mel = mel_spectrogram(sound, FRONTENDS["musicnn"])
    loud = np.argsort(-np.ptp(values[:, :408], axis=0))[:4]
    for one in (filters[channel] for channel in loud):
        windows = np.lib.stride_tricks.sliding_window_view(mel, (one.frames, one.bands))
        answer = np.einsum("tpfb,bf->tp", windows, one.values).max(axis=1)
        inside = slice(10, 500)
        answered, found = answer[inside], values[one.frames // 2 :, one.channels["timbral"]][inside]
        above = found > found.min() + 0.1  # the ReLU lets the rest not through
        assert above.sum() > 10
        assert np.corrcoef(answered[above], found[above])[0, 1] > 0.9999, one


def graph_of(operations):
    """Return a reader of a small graph, in which a convolution of two filters reads the spectrogram."""
    from embviz.inference.graph import Graph

    net = Net(0)
    net.placeholder("input", -1, 8, 4, 1)
    net.constant("kernel", np.arange(12, dtype=np.float32).reshape(3, 2, 1, 2))
    net.add("conv", "Conv2D", "input", "kernel", strides=[1, 1, 1, 1], padding=b"SAME")
    operations(net)
    return reading._Reader(Graph.parse(net.graph.SerializeToString(), "test"))


def test_the_factor_of_a_normalisation_is_found_behind_bias_and_relu():
    def operations(net):
        for name, values in {"gamma": [2, -3], "beta": [0, 0], "mean": [1, 1], "variance": [0.999, 3.999]}.items():
            net.constant(name, np.array(values, np.float32))
        net.add("relu", "Relu", net.add("bias", "BiasAdd", "conv", "beta"))
        net.add("norm", "FusedBatchNorm", "relu", "gamma", "beta", "mean", "variance", epsilon=0.001)

    reader = graph_of(operations)
    assert reader.first_convolutions("input") == ["conv"]
    assert reader.scale_behind("conv") == pytest.approx([2, -1.5])


def test_a_merged_factor_counts_and_a_second_convolution_does_not():
    def operations(net):
        net.constant("factor", np.array([0.5, 4], np.float32))
        net.add("scaled", "Mul", net.add("relu", "Relu", "conv"), "factor")
        net.normal("more", 3, 3, 2, 2, scale=1)
        net.add("second", "Conv2D", "scaled", "more", strides=[1, 1, 1, 1], padding=b"SAME")

    reader = graph_of(operations)
    assert reader.first_convolutions("input") == ["conv"]
    assert reader.scale_behind("conv") == pytest.approx([0.5, 4])
    assert graph_of(lambda net: net.add("relu", "Relu", "conv")).scale_behind("conv") == pytest.approx([1])


def test_a_model_without_weights_or_without_filters_says_so(monkeypatch):
    monkeypatch.setattr(reading, "find_weights", lambda _model: None)
    with pytest.raises(WeightsError, match=r"'msd-musicnn-1' are not here; run embviz pull msd-musicnn-1"):
        first_layer_filters("musicnn")


def test_a_network_without_filters_says_so(monkeypatch):
    filters = official("musicnn")
    assert repr(filters[102]) == "<Filter timbral 102 (7 × 38) of msd-musicnn-1: 31–1206 … 2365–7748 Hz, 112 ms>"
    monkeypatch.setattr(reading._Reader, "first_convolutions", lambda _self, _source: [])
    with pytest.raises(LayerError, match="has no convolution that reads a spectrogram"):
        first_layer_filters("musicnn")
