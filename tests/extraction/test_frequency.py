"""The frequency axis: maxima over it, and what its positions have heard, found by changing one band after the other."""

import numpy as np
import pytest
from clicks import noise

import embviz
from embviz.errors import LayerError
from embviz.extraction.extract import LayerSpec
from embviz.extraction.frontends import FRONTENDS, band_frequencies, frequency_spans
from embviz.extraction.passes import onnx_ranks
from embviz.extraction.stitching import count_positions
from embviz.extraction.trust import open_onnx
from embviz.models import get_model

pytestmark = pytest.mark.usefixtures("home")


def test_the_maximum_over_frequency_is_that_of_the_tensor(cache):
    sound, layers = (noise(4.0, get_model("vgg")), 16_000), ["conv3", "conv3:max", "conv3:argmax"]
    whole, most, position = embviz.embed(sound, "vgg", layer=layers, engine="onnx", cache=cache)
    assert np.array_equal(most, whole.tensor.max(axis=1))
    assert np.array_equal(position, whole.tensor.argmax(axis=1))
    assert not np.array_equal(most, whole)
    assert [one.grid for one in (most, position)] == [whole.grid] * 2
    assert [one.layer for one in (most, position)] == layers[1:]
    assert most.tensor.shape == most.shape  # the maps themselves are not kept once more
    again = embviz.embed(sound, "vgg", layer=layers, engine="onnx", cache=cache)
    assert all(map(np.array_equal, again, (whole, most, position)))


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("conv3:min", "of a layer is conv3:max or conv3:argmax, 'conv3:min' was found"),
        ("conv3:", "of a layer is conv3:max or conv3:argmax, 'conv3:' was found"),
        ("embedding:max", "'embedding' of 'msd-vgg-1' has no frequency axis; leave out ':max'"),
        ("mel:max", "'mel' of 'msd-vgg-1' has no frequency axis"),
        ("cnv3:max", r"no layer 'cnv3'\. Did you mean 'conv3'\?"),
    ],
)
def test_maxima_that_there_are_none_of_are_told(layer, message):
    with pytest.raises(LayerError, match=message):
        embviz.embed((noise(4.0, get_model("vgg")), 16_000), "vgg", layer=layer)


@pytest.mark.parametrize("name", ["vgg", "tempocnn"])
def test_places_have_heard_the_bands_that_change_them_and_no_others(name):
    model = get_model(name)
    frontend, rng = FRONTENDS[model.frontend], np.random.default_rng(0)
    specs = [LayerSpec.of(model, layer.name, None, engine="onnx") for layer in model.known_layers]
    specs = [spec for spec in specs if count_positions(spec.layer, spec.shapes) and "conv" not in spec.layer.name]
    session = open_onnx(model, specs[0].weights, onnx_ranks(specs))
    patch = rng.normal(size=(1, model.patch_frames, frontend.bands)).astype(np.float32)

    def run(mel):
        given = np.ascontiguousarray(mel.transpose(0, 2, 1)[..., None]) if frontend.standardised else mel
        outputs = session.run({model.input_node: given})
        return [np.moveaxis(outputs[spec.layer.nodes[0]][0], spec.layer.axes.index("f"), 0) for spec in specs]

    before, bands = run(patch), range(0, frontend.bands, 3)
    changed = []
    for band in bands:
        other = patch.copy()
        other[..., band] += 3 * rng.normal(size=(1, model.patch_frames))
        changed.append([(a != b).any(axis=(1, 2)) for a, b in zip(before, run(other), strict=True)])
    centers = band_frequencies(frontend)[bands]
    for i, spec in enumerate(specs):
        found = np.array([one[i] for one in changed])  # [bands, positions]
        spans = frequency_spans(frontend, spec.layer.bands, found.shape[1])
        # The triangle of a neighbor ends where that of the next but one begins: a center lies in up to three.
        inside = (centers[:, None] > spans[:, 0]) & (centers[:, None] < spans[:, 1])
        assert (inside >= found).all(), spec.layer.name
        slack = inside.sum(axis=0) - found.sum(axis=0)
        assert slack.max() <= 1, spec.layer.name


def test_a_convolution_that_no_record_describes_has_heard_what_its_height_says():
    spec = LayerSpec.of(get_model("musicnn"), "model/conv2d/Relu", None)
    positions = count_positions(spec.layer, spec.shapes)
    spans = frequency_spans(spec.frontend, spec.layer.bands, positions)
    assert positions == 96 - 38 + 1
    assert spans[0].tolist() == pytest.approx([0, band_frequencies(spec.frontend)[38]])
    assert spans[-1, 1] == pytest.approx(8000)
    assert frequency_spans(spec.frontend, None, 3).tolist() == [[0, spans[-1, 1]]] * 3


def test_bins_of_a_spectrum_are_as_wide_as_they_are_apart():
    spans = frequency_spans(FRONTENDS["spleeter"], get_model("spleeter").layer("spectrogram").bands, 1024)
    width = 44_100 / 4096
    assert spans[:2].ravel().tolist() == pytest.approx([0, width / 2, width / 2, 1.5 * width])
