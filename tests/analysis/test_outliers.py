"""Vectors that are far from all others, and why."""

import numpy as np
import pytest

from embviz.analysis.exemplars import find_exemplars
from embviz.analysis.outliers import OUTLIER, find_outliers, robust_scores
from embviz.errors import OptionError


def cloud(n=80, d=20, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)) * 0.1 + np.linspace(1, 2, d)


def test_a_planted_outlier_is_the_only_one_and_its_dimensions_are_the_reason():
    values = cloud()
    values[17, [3, 8]] += [4, -3]
    found = find_outliers(values, cache=False)
    assert np.flatnonzero(found.scores >= OUTLIER).tolist() == [17]
    assert set(np.argsort(-np.abs(found.shares[17]))[:2]) == {3, 8}
    assert found.shares[17, 3] > 0 > found.shares[17, 8]
    assert np.abs(found.shares).sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_under_euclidean_distance_the_length_counts():
    values = cloud()
    values[5] *= 3
    assert find_outliers(values, metric="euclidean", cache=False).scores.argmax() == 5
    assert find_outliers(values, cache=False).scores[5] < OUTLIER


def test_one_two_and_equal_vectors():
    alone = find_outliers(np.ones((1, 3)), cache=False)
    assert np.isnan(alone.distances).all()
    assert np.isnan(alone.scores).all()
    assert find_outliers(np.eye(2, 3), cache=False).scores.tolist() == [0, 0]
    same = find_outliers(np.ones((9, 3)), cache=False)
    assert same.scores.tolist() == [0] * 9
    assert not same.shares.any()
    values = np.tile([1.0, 0, 0], (20, 1))
    values[3] = [0, 1, 0]
    assert np.flatnonzero(find_outliers(values, cache=False).scores >= OUTLIER).tolist() == [3]


def test_vectors_that_are_not_finite_are_left_out():
    values = cloud()
    values[2, 0] = np.nan
    values[9, 9] += 9
    found = find_outliers(values, cache=False)
    assert np.isnan(found.scores[2])
    assert np.nanargmax(found.scores) == 9
    assert np.isnan(robust_scores(np.array([np.nan]))).all()


def test_exemplars_are_medoids():
    values = np.random.default_rng(3).normal(size=(40, 5)) + 2
    groups = np.repeat([0, 1, -1], [25, 12, 3])
    found = find_exemplars(values, groups, k=2)
    assert list(found) == [0, 1]
    units = values / np.linalg.norm(values, axis=1, keepdims=True)
    for group, rows in found.items():
        members = np.flatnonzero(groups == group)
        distance = (1 - units[members] @ units[members].T).sum(axis=1)
        assert rows.tolist() == members[np.argsort(distance)[:2]].tolist()


def test_exemplars_of_odd_vectors():
    assert find_exemplars([[0, 0], [np.nan, 1]], [0, 0])[0].tolist() == [0]
    assert find_exemplars(np.zeros((0, 3)), []) == {}
    with pytest.raises(OptionError, match="a group for each of 2 vectors"):
        find_exemplars(np.eye(2), [0])
