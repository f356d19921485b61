"""Contrasts of two groups: planted differences, their intervals and tests, and what few tracks cannot show."""

import numpy as np
import pytest

from embviz.analysis.contrast import contrast_groups

PLANTED = np.array([0, 1.5, -1, 0, 0, 0, 0, 0])


def draw(seed, n=40, planted=PLANTED, groups=None):
    """Return points, whether they are in b, and their groups."""
    rng = np.random.default_rng(seed)
    in_b = np.arange(n) % 2 == 0
    return (
        rng.normal(size=(n, len(planted))) + np.outer(in_b, planted),
        in_b,
        np.arange(n) if groups is None else groups,
    )


def test_planted_differences_are_found_with_their_sign():
    found = contrast_groups(*draw(4, 80))
    assert (found.p <= 0.05).tolist() == (PLANTED != 0).tolist()
    assert found.effect[1:3] == pytest.approx([1.5, -1], abs=0.5)
    assert found.auc[1:3] == pytest.approx([0.86, 0.76], abs=0.1), "as the normal distribution has it"
    assert np.abs(found.vector).argsort()[-2:].tolist() == [2, 1]
    assert found.total_auc > found.auc.max() - 0.02


def test_intervals_hold_the_truth_and_noise_separates_nothing():
    covered, false = np.zeros(len(PLANTED)), 0
    for seed in range(40):
        found = contrast_groups(*draw(seed, 24), seed=seed)
        covered += (found.low <= PLANTED) & (found.high >= PLANTED)
        false += bool((found.p[PLANTED == 0] <= 0.05).any())
    assert covered.min() >= 34
    assert false <= 5, "of 40, at a level of 1 in 20 for all dimensions together"


def test_the_effect_is_cohens_with_the_correction_of_hedges():
    points, in_b, groups = draw(3)
    a, b = points[~in_b, 1], points[in_b, 1]
    d = (b.mean() - a.mean()) / np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2)
    assert contrast_groups(points, in_b, groups).effect[1] == pytest.approx(d * (1 - 3 / (4 * 38 - 1)))


def test_what_one_artist_has_in_common_is_not_what_a_group_has():
    rng = np.random.default_rng(0)
    artists = np.repeat(np.arange(6), 20)
    points = rng.normal(size=(6, 4))[artists] + 0.1 * rng.normal(size=(120, 4))
    in_b = artists >= 3
    alone, together = (contrast_groups(points, in_b, groups) for groups in (np.arange(120), artists))
    assert (alone.p <= 0.05).any(), "twenty tracks of one artist are no twenty artists"
    assert (together.p > 0.05).all()
    assert (together.high - together.low > 2 * (alone.high - alone.low)).all()


def test_of_constants_nothing_is_said_and_of_opposites_all():
    points, in_b, groups = draw(0, 12)
    points[:, 0], points[:, 3] = 7, in_b
    found = contrast_groups(points.astype(np.float32), in_b, groups)
    assert (found.effect[0], found.p[0], found.auc[0]) == (0, 1, 0.5)
    assert (found.effect[3], found.low[3], found.high[3], found.auc[3]) == (np.inf, np.inf, np.inf, 1)
    assert found.total_auc == 1
    assert np.isfinite(found.vector).all()
    nothing = contrast_groups(np.ones((6, 2)), np.arange(6) < 3, np.arange(6))
    assert (nothing.length, nothing.p.tolist()) == (0, [1, 1])


def test_two_tracks_in_each_group_are_too_few_for_certainty():
    found = contrast_groups(np.array([[0.0], [0.1], [9], [9.2]]), np.array([0, 0, 1, 1], bool), np.arange(4))
    assert found.p[0] > 0.3, "4 tracks can be parted in 6 ways, of which 2 part them like this"
    assert found.folds == 2
    assert found.auc[0] == 1


def test_groups_that_are_one_artist_each_hold_nothing_back():
    found = contrast_groups(*draw(0, 12, groups=np.arange(12) % 2))
    assert found.folds == 0
    assert np.isnan([*found.auc, found.total_auc]).all()
    assert (found.p == 1).all()


def test_an_artist_in_both_groups_is_held_back_as_a_whole():
    points, in_b, _ = draw(1, 40)
    found = contrast_groups(points, in_b, np.arange(40) // 4)
    assert found.folds == 5
    assert found.p[1] <= 0.05


def test_the_same_question_has_the_same_answer():
    one, other = contrast_groups(*draw(5)), contrast_groups(*draw(5))
    assert np.array_equal(one.p, other.p)
    assert np.array_equal(one.high, other.high)
