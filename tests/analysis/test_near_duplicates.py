"""How copies of a recording are told from others."""

import numpy as np
import pytest

from embviz.analysis.frames import unit_deviations
from embviz.analysis.near_duplicates import (
    Recording,
    best_lag,
    candidate_pairs,
    connected_groups,
    is_promising,
    match_tracks,
)
from embviz.core.embedding import Embedding, FrameGrid


def recording(values, **known):
    grid = FrameGrid(1000, 200, 200, 200, 0, len(values), 200 * len(values))
    return Recording(Embedding(np.asarray(values, dtype=np.float32), grid, "model", "layer"), **known)


def music(frames=200, seed=0, d=12):
    random = np.random.default_rng(seed)
    return np.repeat(random.normal(size=(frames, d)), random.integers(2, 8, frames), axis=0)[:frames]


def noisy(values, seed=5):
    return values + np.random.default_rng(seed).normal(scale=0.2, size=values.shape)


def test_a_cut_copy_lies_where_it_was_cut():
    found = match_tracks(recording(music()), recording(noisy(music())[40:150]))
    assert found.offset == pytest.approx(8.0)
    assert found.similarity > 0.85
    assert found.aligned > 0.97
    assert found.speed == 1
    before = match_tracks(recording(noisy(music())[40:150]), recording(music()))
    assert before.offset == pytest.approx(-8.0)


def test_a_louder_copy_has_its_level():
    levels = np.linspace(-30, -10, 200)
    found = match_tracks(recording(music(), levels=levels), recording(3 * music() + 1, levels=levels + 6))
    assert (found.similarity, found.level) == (pytest.approx(1), pytest.approx(6))
    assert np.isnan(found.pitch)


@pytest.mark.parametrize("semitones", [-3, -1, 0, 0.5, 2])
def test_a_higher_copy_has_its_pitch(semitones):
    random = np.random.default_rng(7)
    hertz = np.geomspace(40, 8000, 300)
    tones = random.uniform(400, 5000, (200, 6))

    def spectra(shift):
        octaves = np.log2(hertz[:, None] / (tones * 2 ** (shift / 12))[:, None, :])
        return np.exp(-0.5 * (octaves * 24) ** 2).sum(axis=2) + np.linspace(2, 0, 300)

    first = recording(music(), spectra=spectra(0), hertz=hertz)
    found = match_tracks(first, recording(music(), spectra=spectra(semitones), hertz=hertz))
    assert found.pitch == semitones
    silent = match_tracks(first, recording(music(), spectra=np.zeros((200, 300)), hertz=hertz))
    assert np.isnan(silent.pitch)


@pytest.mark.parametrize("speed", [1.06, 0.95])
def test_a_copy_of_another_speed(speed):
    values = np.repeat(music(300), 2, axis=0)
    at = np.minimum(np.arange(0, len(values), speed), len(values) - 1).astype(int)
    found = match_tracks(recording(values), recording(noisy(values)[at]))
    assert found.speed == pytest.approx(speed, abs=0.004)
    assert found.similarity > 0.7


def test_other_recordings_and_tracks_that_say_nothing():
    similarities = [match_tracks(recording(music(seed=i)), recording(music(seed=i + 20))).similarity for i in range(8)]
    assert max(similarities) < 0.4
    assert match_tracks(recording(music()), recording(np.zeros((50, 12)))) is None
    assert match_tracks(recording(music()[:6]), recording(music()[:6])) is None
    assert match_tracks(recording(music()), recording(np.full((50, 12), np.nan))) is None


def test_of_lags_as_good_the_longest_overlap_is_taken():
    loop = np.tile(music(10), (8, 1))
    x, _ = unit_deviations(loop)
    assert best_lag(x, x, 10)[0] == 0
    assert np.isnan(best_lag(x[:5], x[:5], 10)[1])


def test_frames_of_a_model_are_looked_at_first():
    assert is_promising(music(), noisy(music())[30:])
    assert not is_promising(music(), music(seed=9))
    assert is_promising(music()[:4], music(seed=9))
    slow = np.repeat(music(120), 2, axis=0)
    at = np.arange(0, 240, 1.12).astype(int)
    assert not is_promising(slow, music(240, seed=3), any_speed=True)
    assert is_promising(slow, slow[at], any_speed=True)


def test_pairs_of_near_vectors_and_their_ranks():
    pairs, ranks = candidate_pairs(np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1]], np.float32), 1, cache=False)
    assert pairs.tolist() == [[0, 1], [2, 3]]
    assert ranks.tolist() == [0, 0]
    assert len(candidate_pairs(np.ones((1, 2), np.float32), 3)[0]) == 0


def test_groups_are_joined_by_their_pairs():
    assert connected_groups([(5, 2), (7, 8), (2, 9)]) == [[2, 5, 9], [7, 8]]
    assert connected_groups([(1, 2), (3, 4), (2, 3)]) == [[1, 2, 3, 4]]
    assert connected_groups([]) == []
