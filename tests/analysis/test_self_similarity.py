"""How alike the moments of a track are."""

import dataclasses

import numpy as np
import pytest

from embviz.analysis.self_similarity import self_similarity
from embviz.core.embedding import Embedding, FrameGrid
from embviz.errors import OptionError

HOP, RATE = 1000, 16000


def embedding(values, *, patch=3000, start=-700):
    values = np.asarray(values, dtype=np.float32)
    samples = max(1, HOP * len(values))
    grid = FrameGrid(RATE, HOP, patch, patch + 500, start, len(values), samples)
    return Embedding(values, grid, "model", "layer")


def aba(*, lengths=(8, 12, 6), d=20, noise=0.05, offset=0.0):
    """Two parts, the first of which comes back."""
    random = np.random.default_rng(1)
    parts = random.normal(size=(2, d))
    values = np.concatenate([np.tile(parts[i], (n, 1)) for i, n in zip((0, 1, 0), lengths, strict=True)])
    return embedding(values + random.normal(scale=noise, size=values.shape) + offset)


def test_a_part_that_comes_back_is_alike_and_the_other_is_not():
    matrix, grid = self_similarity(aba())
    assert matrix.shape == (26, 26)
    assert matrix.dtype == np.float32
    assert grid == aba().grid
    assert matrix[:8, 20:].min() > 0.95
    assert matrix[8:20, 8:20].min() > 0.95
    assert matrix[:8, 8:20].max() < 0


def test_what_all_frames_share_does_not_count():
    apart, _ = self_similarity(aba(offset=100))
    assert apart[:8, 8:20].max() < 0
    assert apart[:8, 20:].min() > 0.9


def test_it_is_symmetric_with_ones_on_the_diagonal_and_inside_minus_one_to_one():
    values = np.random.default_rng(2).normal(size=(30, 20)) * 1e6
    matrix, _ = self_similarity(embedding(values))
    assert (matrix == matrix.T).all()
    assert (np.diag(matrix) == 1).all()
    assert abs(matrix).max() <= 1


def test_cosines_of_what_deviates_from_the_mean():
    values = np.array([[3, 0, 1], [0, 4, 1], [0, 0, 4]], dtype=float)
    centered = values - values.mean(axis=0)
    unit = centered / np.linalg.norm(centered, axis=1)[:, None]
    np.testing.assert_allclose(self_similarity(embedding(values))[0], unit @ unit.T, atol=1e-6)


@pytest.mark.parametrize(("frames", "most", "per", "n"), [(600, 600, 1, 600), (601, 600, 2, 301), (2000, 600, 4, 500)])
def test_many_frames_are_averaged_in_runs_with_exact_borders(frames, most, per, n):
    values = np.random.default_rng(3).normal(size=(frames, 5))
    source = embedding(values)
    matrix, grid = self_similarity(source, max_frames=most)
    assert matrix.shape == (n, n)
    assert (grid.hop, grid.n_frames) == (per * HOP, n)
    np.testing.assert_array_equal(grid.edges[:-1], source.grid.edges[:-1:per])
    assert grid.frame_span(0) == (0, (source.grid.start + source.grid.patch + (per - 1) * HOP) / RATE)
    runs = [values[i : i + per].mean(axis=0) for i in range(0, frames, per)]
    expected, _ = self_similarity(embedding(runs))
    np.testing.assert_allclose(matrix, expected, atol=1e-5)


def test_missing_frames_are_empty_and_missing_values_are_average():
    values = aba().values.copy()
    values[3] = np.nan
    values[5, 2:4] = np.inf
    matrix, _ = self_similarity(embedding(values))
    assert np.isnan(matrix[3]).all()
    assert np.isnan(matrix[:, 3]).all()
    rest = np.delete(np.delete(matrix, 3, axis=0), 3, axis=1)
    assert np.isfinite(rest).all()
    assert matrix[5, 1] > 0.5


def test_a_run_leaves_out_what_is_missing():
    values = np.repeat(aba().values, 2, axis=0)
    whole, _ = self_similarity(embedding(values), max_frames=26)
    values[1::2] = np.nan
    half, _ = self_similarity(embedding(values), max_frames=26)
    np.testing.assert_allclose(half, whole, atol=1e-5)


@pytest.mark.parametrize("level", [0, 3.7, -1e20, 1e-30])
def test_a_track_that_never_changes_is_alike_throughout(level):
    matrix, _ = self_similarity(embedding(np.full((10, 4), level)))
    assert (matrix == 1).all()


def test_rounding_is_no_structure():
    values = 5 + 1e-6 * np.random.default_rng(4).normal(size=(10, 4))
    assert (self_similarity(embedding(values))[0] == 1).all()


def test_a_frame_at_the_average_is_related_to_nothing_else():
    values = np.array([[1, 1], [-1, -1], [0, 0], [0, 0]], dtype=float)
    matrix, _ = self_similarity(embedding(values))
    np.testing.assert_array_equal(matrix[2], [0, 0, 1, 1])
    assert matrix[0, 1] == pytest.approx(-1)


@pytest.mark.parametrize("t", [0, 1])
def test_one_frame_or_none(t):
    matrix, grid = self_similarity(embedding(np.ones((t, 4))))
    np.testing.assert_array_equal(matrix, np.ones((t, t)))
    assert grid.n_frames == t


def test_nothing_but_nan():
    assert np.isnan(self_similarity(embedding(np.full((3, 2), np.nan)))[0]).all()


def test_what_is_no_embedding_is_refused():
    with pytest.raises(OptionError, match=r"^An embedding is expected, .* str was found"):
        self_similarity("song.mp3")


@pytest.mark.parametrize("most", [0, -1, 2.5, True, "many"])
def test_max_frames_is_a_positive_integer(most):
    with pytest.raises(OptionError, match="max_frames is a positive integer"):
        self_similarity(aba(), max_frames=most)


def test_nothing_is_changed():
    source = aba()
    before = source.values.copy()
    grid = dataclasses.replace(source.grid)
    self_similarity(source, max_frames=5)
    np.testing.assert_array_equal(source.values, before)
    assert source.grid == grid
