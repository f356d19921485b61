"""Nearest neighbours: exact ones against all distances, approximate ones against exact ones."""

import subprocess
import sys

import numpy as np
import pytest

from embviz.analysis.neighbors import METRICS, NeighborIndex, nearest_neighbors, vectors_key
from embviz.core.vectors import Vectors
from embviz.errors import OptionError


def clusters(n=400, d=20, *, seed=1, offset=0.0):
    """Vectors in ten clusters."""
    random = np.random.default_rng(seed)
    centers = random.normal(size=(10, d))
    return (centers[random.integers(0, 10, n)] + 0.3 * random.normal(size=(n, d)) + offset).astype(np.float32)


def all_distances(a, b, metric):
    """Every distance, in 64 bits, by its definition."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if metric == "euclidean":
        return np.linalg.norm(a[:, None] - b, axis=2)
    lengths = np.linalg.norm(a, axis=1)[:, None] * np.linalg.norm(b, axis=1)
    return 1 - (a @ b.T) / lengths


def true_neighbors(x, k, metric):
    distances = all_distances(x, x, metric)
    np.fill_diagonal(distances, np.inf)
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(distances, order, axis=1)


@pytest.mark.parametrize("metric", METRICS)
def test_they_are_those_of_all_distances(metric):
    x = clusters()
    found = nearest_neighbors(x, 15, metric=metric, cache=False)
    indices, distances = true_neighbors(x, 15, metric)
    assert (found.indices == indices).all()
    np.testing.assert_allclose(found.distances, distances, rtol=1e-5)
    assert (found.indices.dtype, found.distances.dtype) == (np.int32, np.float32)
    assert (found.k, len(found), found.exact, found.recall) == (15, 400, True, 1)
    assert repr(found) == f"<Neighbours of 400 vectors: k = 15, {metric}, exact>"


@pytest.mark.parametrize("metric", METRICS)
def test_what_all_vectors_have_in_common_costs_no_digits(metric):
    x = clusters(offset=300.0)
    found = nearest_neighbors(x, 5, metric=metric, cache=False)
    indices, distances = true_neighbors(x, 5, metric)
    assert (found.indices == indices).mean() > 0.99
    np.testing.assert_allclose(found.distances, distances, rtol=1e-3)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_very_small_and_very_large_numbers(metric, scale):
    x = clusters(60)
    found = nearest_neighbors(x * np.float32(scale), 5, metric=metric, cache=False)
    assert (found.indices == nearest_neighbors(x, 5, metric=metric, cache=False).indices).all()
    assert np.isfinite(found.distances).all()


def test_vectors_at_length_one_agree_by_both_metrics():
    x = clusters()
    x /= np.linalg.norm(x, axis=1)[:, None]
    cosine, euclidean = (nearest_neighbors(x, 15, metric=metric, cache=False) for metric in METRICS)
    np.testing.assert_allclose(cosine.distances, euclidean.distances**2 / 2, rtol=1e-4)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("exact", [True, False])
def test_none_is_its_own_neighbor_even_among_identical_ones(metric, exact):
    x = np.repeat(clusters(30), 40, axis=0)
    found = nearest_neighbors(x, 15, metric=metric, exact=exact, cache=False)
    assert (found.indices != np.arange(len(x))[:, None]).all()
    assert all(len(set(row)) == 15 for row in found.indices.tolist())
    assert (found.distances == 0).all()
    assert (found.indices // 40 == np.arange(len(x))[:, None] // 40).all()


def test_vectors_of_zeros_are_alike_and_at_one_from_all_others():
    x = clusters(50)
    x[[3, 7, 20]] = 0
    found = nearest_neighbors(x, 49, cache=False)
    assert found.indices[3, :2].tolist() == [7, 20]
    assert found.distances[3, :2].tolist() == [0, 0]
    np.testing.assert_allclose(found.distances[3, 2:], 1, rtol=1e-6)
    for row in (0, 30):
        zeros = np.isin(found.indices[row], [3, 7, 20])
        np.testing.assert_allclose(found.distances[row, zeros], 1, rtol=1e-6)
        assert found.distances[row].max() > 1  # opposite ones are further than those without a direction
    assert (np.diff(found.distances, axis=1) >= 0).all()


def test_a_query_of_zeros_is_at_one_from_all():
    x = clusters(50)
    _, distances = NeighborIndex(x).search(np.zeros((1, 20)), 5)
    assert (distances == 1).all()
    x[4] = 0
    indices, distances = NeighborIndex(x).search(np.zeros((1, 20)), 3)
    assert indices[0, 0] == 4
    np.testing.assert_allclose(distances[0], [0, 1, 1], rtol=1e-6)


@pytest.mark.parametrize(("n", "k"), [(0, 0), (1, 0), (2, 1), (5, 4)])
def test_there_are_no_more_than_all_others(n, k):
    found = nearest_neighbors(clusters()[:n], 15, cache=False)
    assert found.indices.shape == found.distances.shape == (n, k)
    indices, distances = NeighborIndex(clusters()[:n]).search(clusters(3), 15)
    assert indices.shape == distances.shape == (3, n)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("exact", [True, False])
def test_index_finds_what_is_nearest_to_new_vectors(metric, exact):
    x, new = clusters(2000), clusters(30, seed=1)[20:]
    index = NeighborIndex(x, metric=metric, exact=exact)
    indices, distances = index.search(new, 5)
    every = all_distances(new, x, metric)
    true = np.sort(every, axis=1)[:, :5]
    assert indices.dtype == np.int64
    assert index.exact is exact
    assert np.isclose(distances, true, rtol=1e-4, atol=1e-6).mean() > 0.95
    np.testing.assert_allclose(np.take_along_axis(every, indices, axis=1), distances, rtol=1e-4, atol=1e-6)
    assert (index.search(new[0], 5)[0] == indices[0]).all()


@pytest.mark.parametrize("exact", [True, False])
def test_index_tells_all_distances(exact):
    x = clusters(300)
    rows = np.array([5, 250])
    for metric in METRICS:
        told = NeighborIndex(x, metric=metric, exact=exact).distances(rows)
        np.testing.assert_allclose(told, all_distances(x[rows], x, metric), rtol=1e-3, atol=5e-3)


@pytest.mark.parametrize("metric", METRICS)
def test_approximate_ones_are_nearly_all_of_the_true_ones(metric):
    x = clusters(8000, 30)
    found = nearest_neighbors(x, 15, metric=metric, exact=False, cache=False)
    true = nearest_neighbors(x, 15, metric=metric, cache=False)
    share = np.mean([len(set(a) & set(b)) / 15 for a, b in zip(found.indices, true.indices, strict=True)])
    assert share > 0.95
    assert found.recall > 0.95
    assert abs(share - found.recall) < 0.02
    assert not found.exact
    assert "approximate" in repr(found)
    again = nearest_neighbors(x, 15, metric=metric, exact=False, cache=False)
    assert (found.indices == again.indices).all()


def test_approximate_ones_of_noise_search_as_far_as_it_takes():
    noise = np.random.default_rng(0).normal(size=(3000, 100))
    assert NeighborIndex(noise, exact=False).recall > 0.97


def test_a_memory_map_is_read(tmp_path):
    x = clusters()
    x.tofile(tmp_path / "x")
    mapped = np.memmap(tmp_path / "x", np.float32, "r", shape=x.shape)
    assert (nearest_neighbors(mapped, cache=False).indices == nearest_neighbors(x, cache=False).indices).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_missing_and_infinite_numbers_are_refused(bad):
    x = clusters().astype(np.float64)
    x[[2, 5], 3] = bad
    with pytest.raises(OptionError, match="2 of 400 have missing or infinite"):
        nearest_neighbors(x, cache=False)


@pytest.mark.parametrize(
    ("values", "options", "sentence"),
    [
        (np.zeros(3), {}, r"rows of an array \[n, d\], one of shape \[3\]"),
        (np.zeros((3, 0)), {}, r"shape \[3, 0\]"),
        ([[1, 2], [3]], {}, "rows of equal length"),
        ([["a", "b"]], {}, "'list' was found"),
        (np.zeros((3, 2)), {"metric": "cosin"}, "Did you mean 'cosine'"),
        (np.zeros((3, 2)), {"k": 0}, "1 or more; 0 was found"),
        (np.zeros((3, 2)), {"k": 2.5}, "2.5 was found"),
    ],
)
def test_what_cannot_be_is_said(values, options, sentence):
    with pytest.raises(OptionError, match=sentence):
        nearest_neighbors(values, cache=False, **options)


def test_queries_of_another_length_are_refused():
    with pytest.raises(OptionError, match="20 dimensions are searched; those to look for have 19"):
        NeighborIndex(clusters()).search(np.zeros((1, 19)), 3)


def test_the_second_time_they_come_from_the_cache(cache, monkeypatch):
    x = clusters()
    first = nearest_neighbors(x, cache=cache)
    monkeypatch.setattr("embviz.analysis.neighbors.NeighborIndex", None)
    again = nearest_neighbors(x, cache=cache)
    assert (first.indices == again.indices).all()
    assert (first.distances == again.distances).all()
    assert (again.metric, again.exact, again.recall) == ("cosine", True, 1)
    for options in ({"k": 14}, {"metric": "euclidean"}, {"exact": False}, {"key": "another"}):
        with pytest.raises(TypeError):
            nearest_neighbors(x, cache=cache, **options)
    with pytest.raises(TypeError):
        nearest_neighbors(x + 1, cache=cache)


def test_vectors_bring_their_key(cache, monkeypatch):
    x = clusters()
    vectors = Vectors(x, np.arange(400), None, "model", "layer", "mean", key="abc")
    assert vectors_key(vectors) == "abc"
    assert vectors_key(x) == vectors_key(x.astype(np.float64)) != vectors_key(x.reshape(200, 40))
    nearest_neighbors(vectors, cache=cache)
    monkeypatch.setattr("embviz.analysis.neighbors.NeighborIndex", None)
    assert nearest_neighbors(x, key="abc", cache=cache).k == 15


def test_progress_is_reported_and_ends_the_search():
    reports = []
    nearest_neighbors(clusters(5000), cache=False, report=lambda *report: reports.append(report))
    assert reports == [("finding neighbours", done, 5000) for done in (0, 4096, 5000)]

    def stop(stage, done, total):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        nearest_neighbors(clusters(5000), cache=False, report=stop)


BESIDE = """
import threading, numpy as np, soundfile, embviz
from embviz.analysis.neighbors import nearest_neighbors
x = np.random.default_rng(0).normal(size=(3000, 200))
samples, rate = soundfile.read({rock!r}, stop=20 * 44_100)
def search(): return nearest_neighbors(x, cache=False)
def embed(): return embviz.embed((samples, rate), "musicnn", cache=False)
first, second = {first}, {second}
first(); second(); first()
both = [threading.Thread(target=work) for work in (first, second)]
[thread.start() for thread in both]; [thread.join() for thread in both]
print(search().indices.sum(), embed().shape[1])
"""


@pytest.mark.slow
def test_they_work_beside_tensorflow_whichever_is_loaded_first(weights_home, rock):
    said = []
    for first, second in (("search", "embed"), ("embed", "search")):
        code = BESIDE.format(rock=str(rock), first=first, second=second)
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
        assert run.returncode == 0, run.stderr
        said.append(run.stdout)
    assert said[0] == said[1]
    assert said[0].split()[1] == "200"
