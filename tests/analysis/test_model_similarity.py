"""How far two models agree."""

import numpy as np
import pytest

from embviz.analysis.model_similarity import agreement, hubness, linear_cka
from embviz.core.cache import Cache
from embviz.core.vectors import Vectors
from embviz.errors import OptionError


def vectors(n=200, d=12, *, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def turned(x, *, seed=5):
    rotation, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(x.shape[1], x.shape[1])))
    return x @ rotation


def cka_by_similarities(a, b):
    """The same by its definition: alignment of the centred matrices of products of rows."""
    center = np.eye(len(a)) - 1 / len(a)
    k, m = (center @ (x.astype(np.float64) @ x.T.astype(np.float64)) @ center for x in (a, b))
    return (k * m).sum() / np.linalg.norm(k) / np.linalg.norm(m)


def test_a_set_agrees_with_itself_turned_scaled_and_moved():
    x = vectors()
    same = agreement(x, turned(x) * 3, cache=False)
    assert same.cka == pytest.approx(1)
    assert same.overlap == 1
    assert same.hubness[0] == same.hubness[1]
    assert linear_cka(x, turned(x) * 3 + 100) == pytest.approx(1, abs=1e-6)
    moved = agreement(x, turned(x) * 3 + 100, metric="euclidean", cache=False)
    assert moved.overlap > 0.99


def test_cka_is_that_of_its_definition():
    a, b = vectors(100, 12), vectors(100, 30, seed=1)
    b[:, :5] += a[:, :5]
    assert linear_cka(a, b) == pytest.approx(cka_by_similarities(a, b), rel=1e-6)
    assert 0.1 < linear_cka(a, b) < 0.9
    long = vectors(10_000, 3)  # several parts
    assert linear_cka(long, long[:, :2]) == pytest.approx(cka_by_parts(long, long[:, :2]), rel=1e-9)


def cka_by_parts(a, b):
    a, b = (x - x.mean(axis=0, dtype=np.float64) for x in (a, b))
    norm = np.linalg.norm
    return norm(a.T @ b) ** 2 / norm(a.T @ a) / norm(b.T @ b)


def test_unrelated_sets_share_as_many_neighbors_as_chance_gives():
    found = agreement(vectors(1000), vectors(1000, seed=1), k=20, cache=False)
    assert found.overlap == pytest.approx(20 / 999, abs=0.006)
    assert found.cka < 0.05
    assert found.per_point.shape == (1000,)
    assert found.per_point.mean() == pytest.approx(found.overlap)
    assert repr(found).startswith("<Agreement on 1,000 tracks: CKA 0.0")


def test_overlap_is_that_of_the_sets_of_neighbors():
    a = vectors(60)
    b = a + vectors(60, seed=3) / 2
    found = agreement(a, b, k=7, metric="euclidean", cache=False)
    near = []
    for x in (a, b):
        distances = np.linalg.norm(x[:, None] - x, axis=2)
        np.fill_diagonal(distances, np.inf)
        near.append(np.argsort(distances, axis=1)[:, :7])
    shares = [len(set(one) & set(other)) / 7 for one, other in zip(*near, strict=True)]
    np.testing.assert_allclose(found.per_point, shares)
    often = [np.bincount(indices.ravel(), minlength=60) for indices in near]
    skewness = [(((n - n.mean()) / n.std()) ** 3).mean() for n in often]
    np.testing.assert_allclose(found.hubness, skewness)


def test_hubness_of_a_hub_and_of_a_ring():
    star = np.array([[1]] + [[0]] * 9)
    assert hubness(star) > 2
    ring = (np.arange(10)[:, None] + 1) % 10
    assert hubness(ring) == 0
    assert np.isnan(hubness(np.zeros((3, 0), np.int32)))


def test_hubness_grows_with_the_dimension():
    few, many = (
        agreement(vectors(800, d), vectors(800, d), metric="euclidean", cache=False).hubness[0] for d in (3, 100)
    )
    assert many > few + 1


@pytest.mark.parametrize(("n", "k"), [(0, 0), (1, 0), (2, 0), (3, 1), (9, 4)])
def test_few_tracks(n, k):
    found = agreement(vectors(n), vectors(n, 5, seed=1), cache=False)
    assert found.k == k
    assert found.per_point.shape == (n,)
    assert np.isnan(found.overlap) == (k == 0)
    assert np.isnan(found.cka) == (n < 2)


def test_vectors_that_are_all_the_same_have_no_cka():
    found = agreement(np.ones((20, 4)), vectors(20), cache=False)
    assert np.isnan(found.cka)
    assert 0 <= found.overlap <= 1


def test_other_tracks_are_refused(tmp_path):
    with pytest.raises(OptionError, match="one has 20 and the other 21"):
        agreement(vectors(20), vectors(21), cache=False)
    sets = [Vectors(vectors(20), tracks, None, "m", "l", "mean") for tracks in (np.arange(20), np.arange(20)[::-1])]
    with pytest.raises(OptionError, match="not of the same tracks"):
        agreement(*sets, cache=Cache(tmp_path))
    assert agreement(sets[0], vectors(20), cache=False).cka == pytest.approx(1)


def test_an_option_that_cannot_be_is_refused():
    with pytest.raises(OptionError, match="Did you mean 'euclidean'"):
        agreement(vectors(), vectors(), metric="euclidian", cache=False)
    with pytest.raises(OptionError, match="1 or more"):
        agreement(vectors(), vectors(), k=0, cache=False)
