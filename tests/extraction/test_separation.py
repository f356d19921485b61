"""The stems of a track as arrays."""

import numpy as np
import pytest

import embviz
from embviz.core.embedding import Embedding, FrameGrid
from embviz.errors import ModelError
from embviz.extraction.separation import split_stems

RATE = 44_100


def test_two_stems_add_up_to_the_track_and_are_tracks(home, rock):
    samples = embviz.Audio.open(rock).stereo(RATE)[40 * RATE : 43 * RATE]
    stems = embviz.separate((samples, RATE))
    assert list(stems) == ["vocals", "accompaniment"]
    assert all(sound.shape == samples.shape and rate == RATE for sound, rate in stems.values())
    mix = sum(sound for sound, _ in stems.values())
    assert np.corrcoef(mix[8192:].ravel(), samples[8192:].ravel())[0, 1] > 0.98
    assert embviz.embed(stems["accompaniment"], "musicnn").shape == (1, 200)


def test_a_silent_track_has_silent_stems(home):
    stems = embviz.separate((np.zeros((RATE, 2), np.float32), RATE))
    assert all(np.abs(sound).max() < 1e-6 for sound, _ in stems.values())


def test_a_model_that_separates_nothing(home, rock):
    with pytest.raises(ModelError, match=r"'msd-musicnn-1' does not separate .* those that do are 'spleeter-2s-3'"):
        embviz.separate(rock, "musicnn")


def test_sources_without_names_are_numbered():
    grid = FrameGrid(RATE, 1, 1, 1, 0, 5, 5)
    assert list(split_stems(Embedding(np.zeros((5, 4), np.float32), grid, "own", "output"))) == ["source 1", "source 2"]
