"""Maps: what they are made of, how far they can be trusted, and what happens where there is little to map."""

import errno
import itertools
import os
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse
from scipy.spatial import procrustes
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr
from sklearn.datasets import load_digits

from embviz.analysis import projection
from embviz.analysis.neighbors import nearest_neighbors
from embviz.analysis.projection import METHODS, method_options, project
from embviz.analysis.projection.numba_cache import machine_code_folder, use_numba_cache
from embviz.analysis.projection.pca import principal_components
from embviz.analysis.projection.quality import map_neighbors, neighbor_preservation, quality_metrics
from embviz.analysis.projection.umap_sgd import optimize_layout
from embviz.core.vectors import Vectors
from embviz.errors import OptionError

QUICK = {"umap": {"n_epochs": 60}, "pca": {}, "tsne": {"max_iter": 400}, "pacmap": {}}


def silent(stage, done, total):
    """Hear reports, and say nothing."""


def clusters(n=300, d=20, *, seed=0, noise=0.3):
    """Vectors in five clusters, and the cluster of each."""
    random = np.random.default_rng(seed)
    centers = 2 * random.normal(size=(5, d))
    of = np.arange(n) % 5
    return (centers[of] + noise * random.normal(size=(n, d))).astype(np.float32), of


def nearest_is_of_the_same(xy, of):
    """The share of points next to one of their own cluster."""
    distances = np.linalg.norm(xy[:, None] - xy, axis=2)
    np.fill_diagonal(distances, np.inf)
    return (of[distances.argmin(axis=1)] == of).mean()


# Methods. ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_each_method_keeps_clusters_together_and_says_so(method):
    x, of = clusters()
    found = project(x, method, cache=False, **QUICK[method])
    assert found.method == method
    assert found.xy.shape == (300, 2)
    assert found.xy.dtype == np.float32
    assert nearest_is_of_the_same(found.xy, of) > 0.95
    assert found.trustworthiness > (0.8 if method == "pca" else 0.95)
    assert found.continuity > 0.9
    assert (found.k, found.sample, found.notes, len(found)) == (15, 300, (), 300)
    assert found.preservation.shape == (300,)
    assert 0.2 < found.preservation.mean() <= 1
    assert "trustworthiness 0." in repr(found)
    assert f"{found.preservation.mean():.0%} of 15 neighbours kept" in repr(found)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_a_seed_gives_one_map(method, metric):
    x, _ = clusters(120)
    first, second = (project(x, method, metric=metric, cache=False, **QUICK[method]) for _ in range(2))
    assert (first.xy == second.xy).all()
    if method not in {"pca", "tsne"}:  # nothing in them is drawn at random: t-SNE begins with PCA
        assert (project(x, method, seed=1, metric=metric, cache=False, **QUICK[method]).xy != first.xy).any()


def test_umap_s_map_does_not_depend_on_the_number_of_processors(monkeypatch):
    x, _ = clusters(200)
    maps = []
    monkeypatch.setattr("embviz.analysis.projection.umap_sgd.SINGLE_THREAD_UP_TO", 0)
    for processors in (1, 2, 5):
        monkeypatch.setattr("embviz.analysis.projection.umap_sgd.count_cores", lambda n=processors: n)
        maps.append(project(x, cache=False, n_epochs=50).xy)
    assert (maps[0] == maps[1]).all()
    assert (maps[0] == maps[2]).all()


def test_umap_is_as_trustworthy_as_umap_learn_s():
    umap = pytest.importorskip("umap")
    x, _ = clusters(600, noise=1.0)
    ours = project(x, cache=False)
    # Without a note on what random_state costs.
    theirs = umap.UMAP(metric="cosine", random_state=0, n_jobs=1).fit_transform(x)
    near = nearest_neighbors(x, 15, cache=False).indices
    measured = quality_metrics(x, theirs, near, map_neighbors(theirs, 15), "cosine", silent)
    assert ours.trustworthiness > measured.trustworthiness - 0.01
    assert ours.continuity > measured.continuity - 0.01
    assert ours.preservation.mean() > neighbor_preservation(near, map_neighbors(theirs, 15)).mean() - 0.03


def test_an_edge_of_umap_moves_both_ends_by_equal_and_opposite_amounts():
    start = np.random.default_rng(0).uniform(0, 10, (300, 2)).astype(np.float32)
    weights = scipy.sparse.random(300, 300, 0.03, "csr", np.float32, random_state=0)
    forces = 1.58, 0.9, 0.0, 5  # nobody pushes, so that what all points move by adds up to nothing
    after = optimize_layout(start, weights + weights.T, forces, epochs=20, seed=0, report=silent)
    assert abs(after - start).max() > 1
    np.testing.assert_allclose(after.mean(axis=0), start.mean(axis=0), atol=1e-4)


def test_umap_depends_little_on_its_seed_and_is_as_true_as_umap_learn_s():
    x = load_digits().data[:800].astype(np.float32)
    near = nearest_neighbors(x, 15, metric="euclidean", cache=False)
    maps = [project(x, metric="euclidean", neighbors=near, seed=seed, cache=False).xy for seed in range(3)]
    # Of 16 seeds, pairs have 0.14 in the median and 0.33 at most; 0.5 and more where an edge's ends moved apart.
    assert np.mean([procrustes(*pair)[2] for pair in itertools.combinations(maps, 2)]) < 0.35
    found = [quality_metrics(x, xy, near.indices, map_neighbors(xy, 15), "euclidean", silent)[:2] for xy in maps]
    # umap-learn's means of 16 seeds from the same neighbours and start, but for what three seeds may differ by.
    assert (np.mean(found, axis=0) > [0.9866 - 0.003, 0.9786 - 0.003]).all()
    assert np.mean([spearmanr(pdist(x), pdist(xy)).statistic for xy in maps]) > 0.42 - 0.05


@pytest.mark.parametrize("init", ["pca", "spectral", "random"])
def test_umap_starts_from_where_it_is_told(init):
    x, of = clusters()
    assert nearest_is_of_the_same(project(x, cache=False, init=init, n_epochs=100).xy, of) > 0.95


def test_umap_s_options_do_what_they_say():
    x, _ = clusters()
    tight, loose = (project(x, cache=False, min_dist=least, n_epochs=100).xy for least in (0.0, 0.9))
    nearest = [np.sort(np.linalg.norm(xy[:, None] - xy, axis=2), axis=1)[:, 1].mean() for xy in (tight, loose)]
    assert nearest[0] < nearest[1]
    few, many = (project(x, cache=False, n_neighbors=k, n_epochs=20) for k in (5, 50))
    assert (few.xy != many.xy).any()
    assert many.options["n_neighbors"] == 50


@pytest.mark.parametrize(("spread", "min_dist"), [(0.5, 0.0), (0.5, 0.5), (5.0, 0.0), (5.0, 5.0)])
@pytest.mark.filterwarnings("error")
def test_umap_s_options_at_their_ends(spread, min_dist):
    found = project(clusters(60)[0], cache=False, spread=spread, min_dist=min_dist, n_epochs=50)
    assert np.isfinite(found.xy).all()


def test_pca_is_that_of_scikit_learn_but_for_signs():
    from sklearn.decomposition import PCA

    for shape in ((200, 10), (30, 100)):
        x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        x = (x * np.arange(1, shape[1] + 1) + 50).astype(np.float32)
        theirs = PCA(2).fit(x.astype(np.float64))
        places, _, axes, shares = principal_components(x)
        signs = np.sign((axes * theirs.components_).sum(axis=1))
        np.testing.assert_allclose(axes * signs[:, None], theirs.components_, atol=1e-6)
        np.testing.assert_allclose(places * signs, theirs.transform(x), rtol=1e-4, atol=1e-3)
        np.testing.assert_allclose(shares, theirs.explained_variance_ratio_, rtol=1e-5)
        assert (axes[np.arange(2), abs(axes).argmax(axis=1)] > 0).all()
        found = project(x, "pca", cache=False)
        assert found.axes[0] == f"PC 1 ({shares[0] * 100:.0f} % of variance)"
        np.testing.assert_array_equal(found.xy, places)


# Figures. ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("k", [1, 5, 15])
def test_figures_are_scikit_learn_s_trustworthiness_both_ways(metric, k):
    from sklearn.manifold import trustworthiness

    x, _ = clusters(150)
    xy = principal_components(x)[0] + np.random.default_rng(0).normal(size=(150, 2)).astype(np.float32)
    near = nearest_neighbors(x, k, metric=metric, cache=False).indices
    measured = quality_metrics(x, xy, near, map_neighbors(xy, k), metric, silent)
    assert measured.trustworthiness == pytest.approx(trustworthiness(x, xy, n_neighbors=k, metric=metric), abs=1e-9)
    if metric == "euclidean":
        # Continuity is trustworthiness with the spaces exchanged.
        assert measured.continuity == pytest.approx(trustworthiness(xy, x, n_neighbors=k), abs=1e-9)


def test_a_sample_gives_nearly_the_figures_of_all(monkeypatch):
    x, _ = clusters(3000, noise=1.0)
    every = project(x, "pca", cache=False)
    monkeypatch.setattr("embviz.analysis.projection.quality.ALL_UP_TO", 1000)
    some = project(x, "pca", cache=False)
    assert (every.sample, some.sample) == (3000, 1000)
    assert some.trustworthiness == pytest.approx(every.trustworthiness, abs=0.01)
    assert some.continuity == pytest.approx(every.continuity, abs=0.01)
    assert "on 1,000 points" in repr(some)


def test_kept_is_the_share_of_common_neighbors():
    x, _ = clusters(80)
    found = project(x, "pca", cache=False)
    near = nearest_neighbors(x, 15, cache=False).indices
    on_map = nearest_neighbors(found.xy, 15, metric="euclidean", cache=False).indices
    shares = [len(set(one) & set(other)) / 15 for one, other in zip(near, on_map, strict=True)]
    np.testing.assert_allclose(found.preservation, shares)


def test_a_map_of_what_lies_in_a_plane_is_perfect():
    flat = np.random.default_rng(0).normal(size=(100, 2)) @ np.random.default_rng(1).normal(size=(2, 30))
    found = project(flat, "pca", metric="euclidean", cache=False)
    assert found.trustworthiness == found.continuity == 1
    assert found.preservation.min() == 1


def test_thousands_of_points_in_one_place_have_neighbors_on_the_map():
    xy = np.zeros((20_000, 2), np.float32)
    xy[:100] = np.random.default_rng(0).normal(size=(100, 2))
    near = map_neighbors(xy, 5)
    assert (near != np.arange(20_000)[:, None]).all()
    assert (near[100:] >= 100).all()


# New vectors. ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_a_vector_of_the_map_is_placed_on_its_point_and_a_new_one_among_its_like(method):
    x, of = clusters()
    found = project(x[:250], method, cache=False, **QUICK[method])
    np.testing.assert_allclose(found.transform(x[:50]), found.xy[:50], rtol=1e-5, atol=1e-5)
    new = found.transform(x[250:])
    assert new.shape == (50, 2)
    assert new.dtype == np.float32
    nearest = np.linalg.norm(new[:, None] - found.xy, axis=2).argmin(axis=1)
    assert (of[nearest] == of[250:]).mean() > 0.9


def test_new_vectors_are_placed_by_weights_as_told():
    x = np.array([[0.0, 0], [4, 0], [0, 4], [9, 9], [8, 8], [7, 9]])
    found = project(x, "umap", metric="euclidean", cache=False)
    weights = 1 / (np.linalg.norm(x - [1, 1], axis=1) ** 2)
    expected = (found.xy * weights[:, None]).sum(axis=0) / weights.sum()
    np.testing.assert_allclose(found.transform([[1, 1]])[0], expected, rtol=1e-5)


def test_only_vectors_of_the_same_kind_are_placed():
    found = project(clusters(20)[0], "pca", cache=False)
    with pytest.raises(OptionError, match="of 20 dimensions; those to place have 3"):
        found.transform(np.zeros((2, 3)))
    with pytest.raises(OptionError, match="1 of 1 have missing"):
        found.transform(np.full((1, 20), np.nan))
    assert found.transform(np.zeros((0, 20))).shape == (0, 2)
    with pytest.raises(OptionError, match="nothing on the map"):
        project(np.zeros((0, 20)), cache=False).transform(np.zeros((1, 20)))


# Where there is little to map. -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_few_tracks_are_laid_out_by_pca(method, n):
    found = project(clusters(n)[0], method, cache=False)
    assert found.method == "pca"
    assert found.xy.shape == (n, 2)
    assert np.isfinite(found.xy).all()
    assert len(found.notes) == (method != "pca")
    assert all("different vectors; this is PCA." in note for note in found.notes)
    assert len(found.preservation) == n
    assert np.isnan(found.trustworthiness) == (n < 3)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_vectors_that_are_all_the_same_lie_in_one_place(method, value):
    found = project(np.full((50, 10), value), method, cache=False)
    assert found.method == "pca"
    assert (found.xy == 0).all()
    assert found.axes == ("PC 1 (0 % of variance)", "PC 2 (0 % of variance)")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [4, 5, 6, 8, 9, 16, 25])
def test_small_collections(method, n):
    found = project(clusters(n)[0], method, cache=False, **QUICK[method])
    assert np.isfinite(found.xy).all()
    assert found.method in {method, "pca"}
    assert found.method == method or found.notes


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("different", [3, 4, 8, 12])
def test_vectors_that_are_there_many_times(method, different):
    x = np.repeat(clusters(different)[0], 20, axis=0)
    for metric in ("cosine", "euclidean"):
        found = project(x, method, metric=metric, cache=False, **QUICK[method])
        assert np.isfinite(found.xy).all()
        assert np.isfinite(found.trustworthiness)


@pytest.mark.parametrize("init", ["pca", "spectral"])
def test_umap_of_silent_tracks_and_of_one_that_is_far_out(init):
    x, _ = clusters()
    x[:40] = 0
    x[50] *= 1e6
    for metric in ("cosine", "euclidean"):
        assert np.isfinite(project(x, metric=metric, cache=False, init=init, n_epochs=50).xy).all()


def test_options_that_ask_for_too_many_neighbors_are_lowered_with_a_note():
    x, _ = clusters(10)
    found = project(x, "umap", cache=False)
    assert found.options["n_neighbors"] == 10
    assert found.notes == ("UMAP compares each point with all others: n_neighbors is 10, not 15.",)
    found = project(x, "tsne", cache=False, max_iter=250)
    assert found.options["perplexity"] == 3
    assert found.notes == ("t-SNE's perplexity is 3, the highest that 10 points allow.",)


# Options. ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_options_are_told_as_data(method):
    for option in method_options(method):
        assert option.kind in {"int", "float", "choice"}
        assert option.check(option.default) == option.default
        assert option.help.endswith(".")
        assert option.title
        assert (option.kind == "choice") == bool(option.choices)
        assert option.kind == "choice" or option.min <= option.default <= option.max


@pytest.mark.parametrize(
    ("method", "options", "sentence"),
    [
        ("umap", {"n_neighbours": 5}, r"no option 'n_neighbours'; its options are n_neighbors.* Did you mean 'n_nei"),
        ("pca", {"whiten": True}, "'pca' has no option 'whiten'; it has none"),
        ("umap", {"n_neighbors": 1}, "n_neighbors is a whole number from 2 to 500, 1 was found"),
        ("umap", {"n_neighbors": 5.5}, "5.5 was found"),
        ("umap", {"n_neighbors": "5"}, "'5' was found"),
        ("umap", {"min_dist": float("nan")}, "min_dist is a number from 0 to 5, nan"),
        ("umap", {"min_dist": 2.0}, "at most spread, 2 and 1 were found"),
        ("umap", {"init": "spectra"}, "Did you mean 'spectral'"),
        ("tsne", {"perplexity": None}, "None was found"),
        ("umapp", {}, "Did you mean 'umap'"),
        ("umap", {"metric": "manhattan"}, "'cosine' or 'euclidean', 'manhattan' was found"),
        ("umap", {"seed": -1}, "seed is a whole number from 0"),
        ("umap", {"seed": "1"}, "seed is a whole number from 0"),
    ],
)
def test_what_cannot_be_is_said(method, options, sentence):
    with pytest.raises(OptionError, match=sentence):
        project(clusters(30)[0], method, cache=False, **options)


def test_missing_numbers_are_refused():
    x, _ = clusters()
    x[7, 2] = np.nan
    with pytest.raises(OptionError, match="1 of 300 have missing or infinite"):
        project(x, cache=False)


def test_pacmap_where_it_is_not_installed(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert projection.unavailable_reason("umap") == ""
    with pytest.raises(OptionError, match=r"pip install 'embviz\[pacmap\]'"):
        project(clusters()[0], "pacmap", cache=False)


def test_neighbors_that_are_known_are_used(monkeypatch):
    x, _ = clusters()
    near = nearest_neighbors(x, 15, cache=False)
    expected = project(x, cache=False, n_epochs=20)
    monkeypatch.setattr("embviz.analysis.projection.projection.nearest_neighbors", None)
    assert (project(x, cache=False, neighbors=near, n_epochs=20).xy == expected.xy).all()
    with pytest.raises(OptionError, match="these 299 vectors"):
        project(x[:-1], cache=False, neighbors=near)
    with pytest.raises(OptionError, match="by 'euclidean'"):
        project(x, cache=False, neighbors=near, metric="euclidean")


# Progress, cache, table. -------------------------------------------------------------------------------------------


def test_progress_is_told_round_by_round_and_ends_the_work():
    x, _ = clusters()
    reports = []
    project(x, cache=False, n_epochs=40, progress=lambda *report: reports.append(report))
    stages = list(dict.fromkeys(stage for stage, _, _ in reports))
    assert stages == [
        "finding neighbours", "loading UMAP", "building the graph", "laying out the map", "measuring the map",
    ]  # fmt: skip
    assert [done for stage, done, _ in reports if stage == "laying out the map"] == list(range(41))

    for stage in stages:
        seen = []

        def stop(now, done, total, stage=stage, seen=seen):
            seen.append((now, done))
            if now == stage:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            project(x, cache=False, n_epochs=40, progress=stop)
        assert seen[-1] == (stage, 0)
    # What was ended stands in nobody's way.
    assert project(x, cache=False, n_epochs=5).method == "umap"


@pytest.mark.parametrize("method", METHODS)
def test_the_second_time_it_comes_from_the_cache(method, cache, monkeypatch):
    x, _ = clusters(40)
    first = project(x, method, cache=cache, **QUICK[method])
    monkeypatch.setattr("embviz.analysis.projection.projection._compute", None)
    again = project(x, method, cache=cache, **QUICK[method])
    assert (again.xy == first.xy).all()
    assert (again.preservation == first.preservation).all()
    for name in (
        "method",
        "options",
        "notes",
        "trustworthiness",
        "continuity",
        "k",
        "sample",
        "axes",
        "metric",
        "seed",
    ):
        assert getattr(again, name) == getattr(first, name), name
    assert repr(again) == repr(first)
    np.testing.assert_allclose(again.transform(x[:3]), first.transform(x[:3]))
    for changed in ({"seed": 1}, {"metric": "euclidean"}):
        with pytest.raises(TypeError):
            project(x, method, cache=cache, **QUICK[method], **changed)
    with pytest.raises(TypeError):
        project(x + 1, method, cache=cache, **QUICK[method])


def test_an_option_or_another_version_makes_another_map(cache, monkeypatch):
    x, _ = clusters(40)
    project(x, cache=cache, n_epochs=10)
    monkeypatch.setattr("embviz.analysis.projection.projection._compute", None)
    with pytest.raises(TypeError):
        project(x, cache=cache, n_epochs=11)
    monkeypatch.setattr("importlib.metadata.version", lambda _name: "0")
    with pytest.raises(TypeError):
        project(x, cache=cache, n_epochs=10)


def test_a_map_of_vectors_becomes_a_table_of_their_tracks(cache):
    x, _ = clusters(40)
    tracks = np.arange(40) * 3
    found = project(Vectors(x, tracks, None, "m", "l", "mean", key="a"), "pca", cache=cache)
    table = found.to_frame()
    assert table.index.name == "track"
    assert table.index.tolist() == tracks.tolist()
    assert table.columns.tolist() == ["x", "y", "preservation"]
    assert (table[["x", "y"]].to_numpy() == found.xy).all()
    frames = project(Vectors(x, tracks // 30, np.arange(40.0), "m", "l", "frames", key="b"), "pca", cache=cache)
    assert frames.to_frame().index.names == ["track", "time"]
    assert project(x, "pca", cache=False).to_frame().index.tolist() == list(range(40))


# A process of its own. ---------------------------------------------------------------------------------------------

FRESH = """
import sys, warnings
import numpy as np
warnings.simplefilter("error", UserWarning)
from embviz.analysis.projection import project
assert not {"umap", "numba", "sklearn"} & set(sys.modules)
x = np.random.default_rng(0).normal(size=(200, 20))
print(project(x, cache=False, n_epochs=20).xy.sum())
import numba
from umap.umap_ import smooth_knn_dist
print(sum(smooth_knn_dist.stats.cache_hits.values()), repr(numba.config.CACHE_DIR))
"""


@pytest.mark.slow
def test_machine_code_is_kept_for_the_next_process_without_a_warning(tmp_path):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA")}
    said = []
    for _ in range(2):
        run = subprocess.run(
            [sys.executable, "-c", FRESH],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            env={**clean, "EMBVIZ_HOME": str(tmp_path / "embviz"), "HOME": str(tmp_path), "XDG_CACHE_HOME": ""},
        )
        assert run.returncode == 0, run.stderr
        assert not run.stderr
        said.append(run.stdout.splitlines())
    (first, before), (second, after) = said
    assert first == second
    assert before == "0 ''"
    assert after == "1 ''"
    assert any(tmp_path.rglob("*.nbi"))
    assert not any((tmp_path / "embviz").rglob("*.nb?"))  # which may be handed on


# Machine code. -----------------------------------------------------------------------------------------------------


@pytest.fixture
def code_folder(tmp_path, monkeypatch):
    """The folder of machine code of a user who has chosen none."""
    import numba

    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "embviz-numba"


def double(x):
    return 2 * x


def triple(x):
    return 3 * x


def kept_files(folder):
    """Let numba compile a function, and return what lies in the folder then."""
    import numba

    with use_numba_cache():
        compiled = numba.njit(cache=True)(double)
        assert numba.vectorize(cache=True)(triple)(4) == 12  # as some of pynndescent's are
    assert compiled(4) == 8
    return sorted(folder.rglob("*.nb?"))


def test_machine_code_lies_where_nobody_else_can_write(code_folder):
    assert {path.suffix for path in kept_files(code_folder)} == {".nbc", ".nbi"}
    assert code_folder.stat().st_mode & 0o777 == 0o700
    assert machine_code_folder() == code_folder


@pytest.mark.parametrize("open_", ["", ".."])
def test_machine_code_is_not_kept_where_others_could_change_it(code_folder, open_):
    code_folder.mkdir(parents=True)
    (code_folder / open_).chmod(0o777)
    assert machine_code_folder() is None
    assert kept_files(code_folder.parent) == []
    (code_folder / open_).chmod(0o1777)
    assert machine_code_folder() == (code_folder if open_ else None)


def test_machine_code_is_not_kept_where_the_folder_is_another_user_s(code_folder):
    if os.geteuid():
        pytest.skip("only the superuser can give a folder away")
    code_folder.mkdir(parents=True)
    os.chown(code_folder.parent, 65534, 65534)
    assert machine_code_folder() is None


def test_code_is_compiled_where_it_cannot_be_kept(code_folder, monkeypatch):
    from numba.core import caching

    code_folder.parent.write_text("no folder")
    # As where the packages cannot be written to, either: numba ends with an error then.
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", caching.CacheImpl._locator_classes[:1])
    assert machine_code_folder() is None
    assert kept_files(code_folder.parent) == []


def test_machine_code_that_is_damaged_is_made_again(code_folder):
    kept = kept_files(code_folder)
    for path in kept:
        damaged = path.read_bytes()[:-20]
        path.write_bytes(damaged)
        assert kept_files(code_folder) == kept
        assert path.read_bytes() != damaged


def test_a_full_disk_is_no_matter_for_code(code_folder, monkeypatch):
    from numba.core import caching

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(caching.IndexDataCacheFile, "_save_index", full)
    assert kept_files(code_folder) == []


def test_pacmap_of_few_says_how_many_neighbors_it_takes():
    pytest.importorskip("pacmap")
    found = project(np.random.default_rng(0).normal(size=(12, 3)), "pacmap", cache=False, n_neighbors=300)
    assert found.notes == ("PaCMAP's n_neighbors is 11, all others, in place of 300.",)
