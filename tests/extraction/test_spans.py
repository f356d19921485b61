"""When frames are, and what they have heard: a click is put into noise, and every layer is compared bit by bit."""

import numpy as np
import pytest
from clicks import check_spans, click, noise

import embviz
from embviz import Cache, Embedding, FrameGrid
from embviz.extraction.extract import LayerSpec
from embviz.models import get_model

pytestmark = pytest.mark.usefixtures("home")


@pytest.mark.parametrize(
    ("name", "seconds", "clicks", "options"),
    [
        ("musicnn", 5.0, [2.0, 4.0], {}),
        ("vgg", 6.1, [0.003, 2.99, 4.0], {}),
        ("vgg", 4.6, [1.488, 4.0], {}),
        ("vgg", 4.2, [2.2], {"patch_hop": 31 * 256 / 16_000}),
        ("tempocnn", 25.0, [0.01, 4.0, 11.9, 24.9], {}),
        ("tempocnn", 25.0, [4.0, 13.0], {"patch_hop": 50 * 512 / 11_025}),
        ("spleeter", 12.3, [11.9], {}),
    ],
)
def test_a_click_lies_in_what_every_frame_that_it_changes_has_heard(name, seconds, clicks, options):
    check_spans(name, seconds, clicks, **options)


@pytest.mark.parametrize(
    ("name", "seconds"),
    [("musicnn", 0.01), ("vgg", 0.01), ("vgg", 1.3), ("tempocnn", 0.01), ("tempocnn", 3.0), ("spleeter", 0.01)],
)
def test_all_of_a_clip_shorter_than_a_patch_is_heard_and_no_frame_lies_beyond_it(name, seconds):
    for embedding, at, spans in click(name, seconds, [seconds / 2]):
        assert (spans[:, 0] <= at).all()
        assert (spans[:, 1] >= at).all()
        if embedding.padded:
            assert spans.tolist() == [[0.0, embedding.duration]] * len(spans)
        assert embedding.times.min() >= 0
        assert embedding.times.max() <= embedding.duration


def test_a_clip_shorter_than_a_patch_is_one_frame_of_its_own_length():
    clip = noise(0.01, get_model("musicnn"))
    embedding = embviz.embed((clip, 16_000), "musicnn", cache=False)
    assert embedding.padded
    assert embedding.times.tolist() == [0.005]
    assert embedding.grid.edges.tolist() == [0.0, 0.01]
    assert embedding.grid.frame_span(0) == embedding.grid.receptive_span(0) == (0.0, 0.01)


@pytest.mark.parametrize("layer", ["pool1", "pool3", "conv5", "pool5"])
def test_frames_are_where_their_step_of_their_patch_is(layer):
    """The hop of 93 frames is no multiple of VGG's strides: each patch is embedded alone, and its steps are found."""
    model = get_model("vgg")
    sound = noise(7.0, model)
    whole = embviz.embed((sound, 16_000), model, layer=layer, cache=False)
    patches, steps = whole.grid.sources(np.arange(len(whole)))
    assert len(np.unique(patches)) >= 2
    for patch in np.unique(patches):
        begin = patch * 93 * 256
        alone = embviz.embed((sound[begin:], 16_000), model, layer=layer, cache=False)
        own = patches == patch
        times = alone.times[steps[own]] + begin / 16_000
        assert np.allclose(whole.times[own], times, atol=1e-9)
        # The mel frames at the cut are others than in the whole sound.
        compared = own.nonzero()[0][steps[own] * whole.grid.period > 1]
        assert np.allclose(whole.values[compared], alone.values[steps[compared]], atol=1e-4)
    assert (np.diff(whole.grid.edges) > 0).all()


def test_a_grid_of_uneven_steps_says_so():
    sound = noise(20.0, get_model("vgg"))
    pool5, embedding = (
        embviz.embed((sound, 16_000), "vgg", layer=layer, cache=False) for layer in ("pool5", "embedding")
    )
    steps = np.diff(pool5.times)
    assert (steps >= 0).all()
    assert (steps == 0).any()
    assert not pool5.grid.is_even
    assert "every 1.02 s on average" in repr(pool5)
    # Frames of one time are one step of one patch.
    again = np.flatnonzero(steps == 0)
    assert np.array_equal(pool5.values[again], pool5.values[again + 1])
    frame = pool5.to_frame()
    assert frame[~frame.index.duplicated()].index.is_monotonic_increasing
    assert embedding.grid.is_even
    assert "average" not in repr(embedding)
    assert np.allclose(np.diff(embedding.times), embedding.grid.period)


def test_frames_of_one_patch_are_its_steps_in_a_row():
    """Where the steps of a patch lie half a step off, each of them is taken, so that no click falls between two."""
    grid = embviz.embed((noise(7.0, get_model("vgg")), 16_000), "vgg", layer="pool1", cache=False).grid
    patches, steps = grid.sources(np.arange(grid.n_frames))
    for patch in np.unique(patches):
        assert set(np.diff(steps[patches == patch])) == {1}


def test_grids_of_what_an_earlier_version_kept_are_right(tmp_path):
    cache, model = Cache(tmp_path), get_model("vgg")
    sound = embviz.Audio.open((noise(7.0, model), 16_000))
    new = embviz.embed(sound, model, layer="pool1", cache=cache)
    spec = LayerSpec.of(model, "pool1", None)
    key, grid = spec.key(sound.digest), new.grid
    even = FrameGrid(16_000, grid.hop, grid.patch, grid.receptive_field, grid.start, len(new), grid.n_samples)
    old = Embedding(np.asarray(new.values), even, new.model, new.layer, info=new.info)
    cache.put(key, old)
    found = embviz.embed(sound, model, layer="pool1", cache=cache)
    assert cache.get(key).grid == even
    assert found.grid == grid != even


def test_a_grid_survives_saving(tmp_path):
    model = get_model("vgg")
    embedding = embviz.embed((noise(4.6, model), 16_000), model, layer="pool1", cache=False)
    part = Embedding.load(embedding[1.0:3.5].save(tmp_path / "part"))
    frames = slice(*np.searchsorted(embedding.times, [1.0, 3.5]))
    assert np.array_equal(part.times, embedding.times[frames])
    assert part.grid.receptive_span(0) == embedding.grid.receptive_span(frames.start)
