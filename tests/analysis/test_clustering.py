"""Groups in a collection and their names: small synthetic arrays."""

from __future__ import annotations

import numpy as np
import pytest

from embviz.analysis.clustering import cluster, default_options, name_clusters, tag_lift
from embviz.errors import OptionError


@pytest.fixture
def blobs():
    """Three dense places of 40, 25 and 12 points, and 6 points far from all."""
    rng = np.random.default_rng(0)
    places = [(0, 0, 40), (10, 0, 25), (0, 10, 12)]
    dense = np.concatenate([rng.normal((x, y), 0.3, (n, 2)) for x, y, n in places])
    far = np.array([[30, 30], [-30, 30], [30, -30], [-30, -30], [50, 0], [0, -50]], float)
    return np.concatenate([dense, far]).astype(np.float32), np.repeat([0, 1, 2, -1], [40, 25, 12, 6])


def test_dense_places_are_found_and_the_rest_is_in_none(blobs):
    points, truth = blobs
    assert np.array_equal(cluster(points, "hdbscan"), truth)


def test_kmeans_puts_every_point_somewhere_and_the_largest_group_first(blobs):
    points, truth = blobs
    inside = truth >= 0
    groups = cluster(points[inside], "kmeans", n_clusters=3)
    assert np.array_equal(groups, truth[inside])
    assert np.array_equal(groups, cluster(points[inside], "kmeans", n_clusters=3, seed=0))


def test_cosine_looks_at_directions_only():
    rng = np.random.default_rng(1)
    lengths = rng.uniform(0.01, 100, (60, 1))
    directions = np.repeat([[1, 0, 0], [0, 1, 0]], 30, axis=0) + rng.normal(0, 0.01, (60, 3))
    groups = cluster(directions * lengths, "kmeans", metric="cosine", n_clusters=2)
    assert set(groups[:30]) ^ set(groups[30:]) == {0, 1}
    assert len(set(groups[:30])) == 1


def test_rows_that_are_not_finite_are_in_none(blobs):
    points = blobs[0].copy()
    points[0, 1], points[3] = np.nan, np.inf
    for method in ("hdbscan", "kmeans"):
        groups = cluster(points, method)
        assert groups[0] == groups[3] == -1
        assert groups[1] >= 0


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("method", ["hdbscan", "kmeans"])
def test_few_points(n, method):
    points = np.arange(2 * n, dtype=float).reshape(n, 2)
    groups = cluster(points, method)
    assert groups.shape == (n,)
    assert groups.dtype == np.int64


@pytest.mark.parametrize("method", ["hdbscan", "kmeans"])
def test_equal_points_are_at_most_one_group(method, recwarn):
    groups = cluster(np.ones((20, 4)), method)
    assert len(set(groups)) == 1
    assert not recwarn.list


def test_beyond_a_limit_a_sample_decides(blobs, monkeypatch):
    points, truth = blobs
    monkeypatch.setattr("embviz.analysis.clustering.MAX_HDBSCAN", 70)
    groups = cluster(points, "hdbscan", min_cluster_size=6)
    inside = truth >= 0
    assert np.array_equal(groups[inside], truth[inside])


def test_options_are_checked(blobs):
    points = blobs[0]
    assert set(default_options("hdbscan", 100)) == {"min_cluster_size", "min_samples"}
    for options, said in [
        ({"n_clusters": 3}, "The options of 'hdbscan' are min_cluster_size, min_samples; 'n_clusters' was found"),
        ({"min_cluster_size": 1}, "min_cluster_size is a whole number from 2, 1 was found"),
        ({"min_samples": 2.5}, "2.5 was found"),
        ({"metric": "manhattan"}, "metric is 'euclidean' or 'cosine'"),
    ]:
        with pytest.raises(OptionError, match=said):
            cluster(points, "hdbscan", **options)
    with pytest.raises(OptionError, match="method is one of 'hdbscan', 'kmeans', 'dbscan' was found"):
        cluster(points, "dbscan")
    with pytest.raises(OptionError, match="one row per point"):
        cluster(points[:, 0])


# Names. ------------------------------------------------------------------------------------------------------------

TAGS = ("rock", "piano", "slow", "oldies")


@pytest.fixture
def heard():
    """Two groups: one of rock, one of slow piano; "oldies" is hardly ever heard."""
    rng = np.random.default_rng(2)
    means = np.repeat([[0.6, 0.05, 0.1, 0.001], [0.05, 0.7, 0.4, 0.0011]], 20, axis=0)
    return np.repeat([0, 1], 20), means + rng.normal(0, 1, means.shape) * [0.05, 0.05, 0.05, 0.00001]


def test_groups_are_named_by_what_sets_them_apart(heard):
    groups, scores = heard
    assert name_clusters(groups, scores, TAGS) == {0: "rock", 1: "piano, slow"}


def test_a_tag_that_is_hardly_heard_names_nothing(heard):
    # By its own deviation alone, "oldies" would be far ahead in the second group.
    groups, scores = heard
    plain = (scores[groups == 1].mean(0) - scores[groups == 0].mean(0)) / scores.std(0)
    assert plain[3] > plain[2]
    assert tag_lift(groups, scores)[1][3] < 0.05


def test_lift_is_the_difference_in_deviations():
    groups = np.array([0, 0, 1, 1])
    scores = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    found = tag_lift(groups, scores)
    assert found[0] == pytest.approx([1, -1])  # 1 / (0.5 + 0.5)
    assert found[1] == pytest.approx([-1, 1])


def test_points_in_no_group_are_part_of_the_rest():
    groups = np.array([0, 0, -1, -1])
    scores = np.array([[1.0, 0.2], [1.0, 0.2], [0.0, 0.2], [0.0, 0.2]])
    assert name_clusters(groups, scores, ["loud", "same"]) == {0: "loud"}


def test_equal_names_are_told_apart():
    groups = np.repeat([0, 1, 2, 3], 5)
    scores = np.zeros((20, 3))
    scores[:15] = [1, 0.9, 0.5]
    names = name_clusters(groups, scores, ["a", "b", "c"])
    assert names == {0: "a, b", 1: "a, b, c", 2: "a, b (2)", 3: "group 4"}


def test_names_where_nothing_was_heard():
    groups = np.array([0, 0, 1, 1])
    assert name_clusters(groups, np.full((4, 2), np.nan), ["a", "b"]) == {0: "group 1", 1: "group 2"}
    assert name_clusters(np.zeros(4, int), np.random.default_rng(0).random((4, 2)), ["a", "b"]) == {0: "group 1"}
    assert name_clusters(np.full(4, -1), np.zeros((4, 2)), ["a", "b"]) == {}
    with pytest.raises(OptionError, match="a column of scores for each of 2 tags"):
        name_clusters(groups, np.zeros((4, 3)), ["a", "b"])
    with pytest.raises(OptionError, match="one row for each of 4 points"):
        name_clusters(groups, np.zeros((3, 2)), ["a", "b"])
