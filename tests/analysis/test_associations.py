"""What dimensions go with: planted tags are found, shuffled ones are not, and columns of a table count per artist."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control, kruskal, spearmanr

from embviz import Vectors
from embviz.analysis import associations
from embviz.analysis.associations import (
    associate,
    associate_categories,
    associate_numbers,
    correct_p,
    correlate_dimensions,
    match_frames,
)

PLANTED = 3  # the first dimensions go with the first tags


def draw(seed, n=40, strength=1.5, d=8, k=6, shuffled=False):
    """Return frames, and activations of tags at them, as unlike each other in length and kind as those of tracks."""
    rng = np.random.default_rng(seed)
    tracks = np.repeat(np.arange(n), rng.integers(4, 20, n))
    times = np.concatenate([np.arange(count) + 0.5 for count in np.bincount(tracks)])
    moods = rng.normal(size=(n, k))
    frames = moods[tracks] + 0.5 * rng.normal(size=(len(tracks), k))
    values = rng.normal(size=(n, d))[tracks] + 0.5 * rng.normal(size=(len(tracks), d))
    heard = moods[rng.permutation(n)][tracks] if shuffled else frames
    values[:, :PLANTED] += strength * heard[:, :PLANTED]
    values[:, PLANTED] -= 2 * strength * heard[:, 0]
    return (
        Vectors.from_array(values, tracks, times=times),
        Vectors.from_array(1 / (1 + np.exp(2 - 2 * frames)), tracks, times=times, names=[f"tag {i}" for i in range(k)]),
        np.arange(n),
    )


def named(found):
    held = np.take_along_axis(found.held_back, found.best[:, None], axis=1)[:, 0]
    return (found.p_best <= 0.05) & (held >= 0.3)


def test_planted_tags_are_chosen_and_hold_on_tracks_held_back():
    found = associate(*draw(1, 80), cache=False)
    assert named(found).tolist() == [True] * PLANTED + [False] * 5
    assert found.best[:PLANTED].tolist() == [0, 1, 2]
    assert (found.worst[PLANTED], found.p_worst[PLANTED] <= 0.05) == (0, True)
    assert found.counts.tolist() == [80, 40, 80]
    assert ((found.p <= 0.05) & (found.r > 0.3)).nonzero()[0].tolist() == [0, 1, 2]


def test_of_the_names_given_few_are_false():
    names = np.sum([named(associate(*draw(seed), cache=False, seed=seed)) for seed in range(10)], axis=0)
    assert names[:PLANTED].min() >= 9
    assert names[PLANTED:].sum() <= 0.15 * names.sum(), "one in twenty, by the level"


def test_shuffled_tags_give_no_names():
    runs = [associate(*draw(seed, strength=2, shuffled=True), cache=False, seed=seed) for seed in range(20)]
    false = sum(bool(named(found).any()) for found in runs)
    assert false <= 3, "of 20, at a level of 1 in 20"
    assert sum(bool((found.p <= 0.05).any()) for found in runs) <= 3


def test_r_is_that_of_all_frames_and_its_interval_is_of_tracks():
    vectors, tags, groups = draw(1)
    found = associate(vectors, tags, groups, cache=False)
    r = np.corrcoef(vectors.values.T, tags.values.T)[:8, 8:]
    assert found.r == pytest.approx(r, abs=1e-4)
    assert (found.low < found.r).all()
    assert (found.high > found.r).all()
    reach = 1.96 / np.sqrt(len(vectors))
    assert (found.high - found.low).mean() > 3 * reach, "frames of a track are no witnesses of their own"


def test_intervals_hold_what_many_tracks_show():
    truth = associate(*draw(99, 800), cache=False).r[0, 0]
    ends = [associate(*draw(seed), cache=False, seed=seed) for seed in range(20)]
    assert sum(bool(found.low[0, 0] <= truth <= found.high[0, 0]) for found in ends) >= 17


def test_a_single_track_brings_no_tag_about():
    vectors, tags, groups = draw(2, strength=0)
    values, heard = vectors.values.copy(), tags.values.copy()
    for array in (values, heard):
        array[vectors.tracks == 7, -1] += 500
    shown = Vectors.from_array(values, vectors.tracks, times=vectors.times)
    found = associate(shown, Vectors.from_array(heard, tags.tracks, times=tags.times), groups, cache=False)
    assert found.r[-1, -1] > 0.99
    assert found.p[-1, -1] > 0.05


def test_tracks_of_an_artist_are_one_witness():
    vectors, tags, groups = draw(3, strength=0.8)
    alone, together = (associate(vectors, tags, of, cache=False) for of in (groups, groups // 10))
    assert together.counts.tolist() == [40, 20, 4]
    assert (together.p_best > 0.05).all()
    assert (alone.p_best <= 0.05).any()


def test_more_tracks_than_bundles():
    vectors, tags, groups = draw(4, 600)
    found = associate(vectors, tags, groups, cache=False)
    assert found.r == pytest.approx(np.corrcoef(vectors.values.T, tags.values.T)[:8, 8:], abs=1e-4)
    assert named(found)[:PLANTED].all()
    assert found.counts.tolist() == [600, 300, 600]


def test_more_pairs_than_fit_into_a_pass(monkeypatch):
    whole = associate(*draw(5), cache=False)
    monkeypatch.setattr(associations, "MOST_PAIRS", 18)
    parts = associate(*draw(5), cache=False)
    assert parts.r == pytest.approx(whole.r, abs=1e-6)
    assert parts.best.tolist() == whole.best.tolist()
    assert parts.p_best == pytest.approx(whole.p_best, abs=0.01)


def test_constants_and_what_is_not_finite():
    vectors, tags, groups = draw(6)
    values, heard = vectors.values.copy(), tags.values.copy()
    values[:, 5], heard[:, 4] = 3.25, 0.1
    values[vectors.tracks == 2, 1] = np.nan
    vectors = Vectors(values, vectors.tracks, vectors.times, "own", "vectors", "frames")
    tags = Vectors(heard, tags.tracks, tags.times, "own", "tags", "frames")
    found = associate(vectors, tags, groups, cache=False)
    assert np.isnan(found.r[5]).all()
    assert np.isnan(found.r[:, 4]).all()
    assert found.p_best[5] == 1
    assert named(found)[:PLANTED].all()
    known = vectors.tracks != 2
    assert found.r[0, 0] == pytest.approx(np.corrcoef(values[known, 0], heard[known, 0])[0, 1], abs=1e-4)
    correlations = correlate_dimensions(vectors, cache=False)
    assert correlations[5].tolist() == [0] * 8
    assert correlations[0, 3] == pytest.approx(np.corrcoef(values[known, 0], values[known, 3])[0, 1], abs=1e-4)


@pytest.mark.parametrize("n", [1, 2])
def test_one_track_or_two_name_nothing(n):
    found = associate(*draw(7, n), cache=False)
    assert np.isfinite(found.r).all()
    assert np.isnan(found.low).all()
    assert (found.p_best > 0.05).all()
    assert found.counts.tolist() == [n, n // 2, n]


def test_frames_are_matched_by_time_and_tracks_by_label():
    vectors = Vectors.from_array(np.zeros((5, 1)), [4, 4, 4, 9, 6], times=[0.5, 1.5, 2.5, 0.5, 0.5])
    tags = Vectors.from_array(np.zeros((4, 1)), [9, 9, 4, 4], times=[0.2, 8.0, 1.0, 2.4])
    assert match_frames(vectors, tags).tolist() == [2, 2, 3, 0, -1]
    whole = Vectors.from_array(np.zeros((2, 1)), [9, 4])
    assert match_frames(vectors, whole).tolist() == [1, 1, 1, 0, -1]


def test_vectors_of_tracks_are_compared_with_tags_of_tracks():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(60, 3))
    vectors, tags = Vectors.from_array(values, np.arange(60)), Vectors.from_array(values[:, ::-1], np.arange(60))
    found = associate(vectors, tags, np.arange(60), cache=False)
    assert found.best.tolist() == [2, 1, 0]
    assert named(found).all()
    assert found.r[0, 2] == pytest.approx(1)


def test_the_answer_is_kept(cache, monkeypatch):
    first = associate(*draw(8), cache=cache)
    monkeypatch.setattr(associations, "_associate", None)
    assert np.array_equal(associate(*draw(8), cache=cache).p_best, first.p_best)
    kept = correlate_dimensions(draw(8)[0], cache=cache)
    monkeypatch.setattr(associations, "_correlate", None)
    assert np.array_equal(correlate_dimensions(draw(8)[0], cache=cache), kept)


def test_progress_can_end_the_work():
    def stop(stage, done, total):
        raise KeyboardInterrupt(stage)

    with pytest.raises(KeyboardInterrupt, match="comparing dimensions with tags"):
        associate(*draw(9), cache=False, report=stop)


def test_categories_and_numbers_are_those_of_scipy():
    rng = np.random.default_rng(0)
    values, category = rng.normal(size=(30, 4)), np.arange(30) % 3
    values[:, 2] += category
    found = associate_categories("style", values, category, ("a", "b", "c"), np.arange(30))
    statistic, p = kruskal(*(values[category == i, 2] for i in range(3)))
    assert (found.effect[2], found.p[2]) == pytest.approx((statistic / 29, p))
    assert (found.highest[2], found.lowest[2], found.n) == (2, 0, 30)
    numbers = associate_numbers("bpm", values, values[:, 1] ** 3, np.arange(30))
    assert (numbers.effect[1], numbers.p[1] < 1e-9) == (pytest.approx(1), True)
    assert (numbers.effect[0], numbers.p[0]) == pytest.approx(tuple(spearmanr(values[:, 0], values[:, 1] ** 3)))


def test_columns_that_say_nothing_are_passed_over():
    values, groups = np.random.default_rng(0).normal(size=(12, 2)), np.arange(12)
    assert associate_categories("own", values, np.arange(12), tuple("abcdefghijkl"), groups) is None
    assert associate_categories("empty", values, np.full(12, -1), (), groups) is None
    assert associate_categories("artist", values, groups // 6, ("a", "b"), groups // 6) is None, "two are too few"
    assert associate_numbers("empty", values, np.full(12, np.nan), groups) is None
    assert associate_numbers("constant", values, np.ones(12), groups) is None


def test_false_discoveries_are_corrected_as_scipy_does():
    p = np.random.default_rng(0).random((3, 5)) ** 2
    assert correct_p(p).ravel() == pytest.approx(false_discovery_control(p.ravel()))
