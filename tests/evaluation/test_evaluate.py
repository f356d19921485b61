"""Downstream tasks: folds, labels and classifiers that keep what is tested out of what is learnt; runs that resume."""

# ruff: noqa: PD011  Vectors are no DataFrames

import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from math import erf, sqrt

import numpy as np
import pandas as pd
import pytest
import soundfile

import embviz
from embviz import Cache
from embviz.analysis import cross_validation
from embviz.collection.artists import artist_names, join_names
from embviz.core.vectors import Vectors
from embviz.errors import CollectionError, EmbvizError, LayerError, ModelError, OptionError
from embviz.evaluation import classifiers, evaluate, labels, train, training
from embviz.evaluation.experiments import build_experiments
from embviz.evaluation.features import FeatureMatrix, LayerFeatures, layers_of
from embviz.evaluation.labels import column_groups
from embviz.evaluation.splits import TaskSpec, make_split
from embviz.models import get_model

FIRST = 100  # label of the first track
PLAIN = {"classifier": "logistic", "workers": 1, "cache": False, "progress": False}


@pytest.fixture
def random():
    return np.random.default_rng(1)


def a_table(genre, **columns):
    n = len(genre)
    index = pd.RangeIndex(FIRST, FIRST + n, name="track")
    return pd.DataFrame({"name": [f"{i}.wav" for i in range(n)], "genre": genre, **columns}, index=index)


def a_model(values, name="own", **options):
    return Vectors(
        np.asarray(values, np.float32),
        np.arange(FIRST, FIRST + len(values)),
        None,
        name,
        "embedding",
        "mean",
        **options,
    )


def two_bells(random, n, distance, shift=0.0, dimensions=5):
    """Two classes, n tracks each, that lie `distance` standard deviations from the plane between them."""
    x = random.normal(size=(2 * n, dimensions))
    x[:n, 0] += shift - distance
    x[n:, 0] += shift + distance
    order = random.permutation(2 * n)
    return x[order].astype(np.float32), np.repeat(["low", "high"], n)[order]


def below(z):
    return (1 + erf(z / sqrt(2))) / 2


def asked(genre, values, **options):
    return evaluate(a_table(genre), "genre", a_model(values), **{**PLAIN, **options})


# What comes out. -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("classifier", ["mlp", "logistic", "knn"])
def test_scores_are_those_of_a_known_separation(random, classifier):
    x, genre = two_bells(random, 150, 1.5)
    table = asked(genre, x, classifier=classifier).table.set_index("classifier")
    row = table.loc[classifier]
    assert row.low <= below(1.5) + 0.01
    assert row.high >= below(1.5) - (0.03 if classifier == "knn" else 0.01)
    assert row.accuracy == pytest.approx(below(1.5), abs=0.05)
    assert table.loc["majority"].accuracy == 0.5
    assert table.loc["chance"].accuracy == pytest.approx(0.5, abs=0.09)


def test_shuffled_labels_give_chance(random):
    x, genre = two_bells(random, 80, 3.0)
    row = asked(random.permutation(genre), x, classifier="mlp").table.set_index("classifier").loc["mlp"]
    assert row.low < 0.5 < row.high


def test_the_drop_is_that_of_a_constructed_shift(random):
    x, genre = two_bells(random, 300, 1.5)
    other, there = two_bells(random, 300, 1.5, shift=1.5)
    models = a_model(x), a_model(other)
    evaluation = evaluate(a_table(genre), "genre", models, external=a_table(there), **PLAIN)
    row = evaluation.table.set_index("classifier").loc["logistic"]
    expected = (0.5 + below(3.0)) / 2
    assert row.external == pytest.approx(expected, abs=0.04)
    assert row["drop"] == pytest.approx(below(1.5) - expected, abs=0.05)
    assert row.drop_low < below(1.5) - expected < row.drop_high


def test_two_classes_have_two_columns_that_are_a_sigmoid(random):
    x, genre = two_bells(random, 60, 1.0)
    truth = (genre == "high").astype(np.int64)
    for kind in classifiers.NETWORKS:
        with classifiers.single_threaded():
            learnt = classifiers.fit(kind, x, truth, np.ones(120), 2, 3)
        proba = classifiers.forward(learnt, x)
        z = (x - learnt["mean"]) / learnt["scale"]
        if kind == "mlp":
            z = np.maximum(z @ learnt["hidden"] + learnt["hidden_bias"], 0)
            assert learnt["hidden"].shape == (5, 100)
        logit = z @ learnt["output"][:, 1] + learnt["output_bias"][1]
        np.testing.assert_allclose(proba[:, 1], 1 / (1 + np.exp(-logit)), atol=1e-5)
        assert all(array.dtype == np.float32 for array in learnt.values())


def test_the_network_is_scikit_learns(random):
    from sklearn.neural_network import MLPClassifier

    x, genre = random.normal(size=(90, 4)).astype(np.float32), random.integers(0, 3, 90)
    weights = classifiers.sample_weights(genre, np.arange(90))
    with classifiers.single_threaded():
        learnt = classifiers.fit("mlp", x, genre, weights, 3, 7)
    z = (x - learnt["mean"]) / learnt["scale"]
    theirs = MLPClassifier((100,), random_state=7, **{**classifiers.SETTINGS["mlp"], "batch_size": 90})
    with classifiers.single_threaded():
        theirs.fit(z, genre, sample_weight=weights)
    np.testing.assert_allclose(classifiers.forward(learnt, x), theirs.predict_proba(z), atol=1e-5)


def test_classes_and_tracks_weigh_the_same_however_many_tracks_and_frames_they_have():
    truth, track = np.array([0, 0, 0, 0, 1, 1, 1]), np.array([0, 0, 0, 1, 2, 3, 3])
    weights = classifiers.sample_weights(truth, track)
    np.testing.assert_allclose(np.bincount(truth, weights), 3.5)
    np.testing.assert_allclose(np.bincount(track, weights), 1.75)


def test_frames_are_averaged_over_a_track(random):
    x, genre = two_bells(random, 60, 1.0)
    frames = np.repeat(x, 4, axis=0) + random.normal(size=(480, 5)).astype(np.float32)
    tracks = np.repeat(np.arange(FIRST, FIRST + 120), 4)
    of_frames = Vectors(frames, tracks, np.tile(np.arange(4.0), 120), "own", "embedding", "frames")
    both = evaluate(a_table(genre), "genre", [of_frames, a_model(x, "means")], **PLAIN)
    result = both.result("own", classifier="logistic")
    assert (result.pooling, len(result.predictions)) == ("frames", 120)
    np.testing.assert_allclose(result.predictions.proba.sum(axis=1), 1, atol=1e-5)
    assert (result.predictions.predicted == result.predictions.truth).mean() == pytest.approx(below(1.0), abs=0.1)


def test_classes_that_were_never_seen_are_never_answered(random):
    x = random.normal(size=(20, 3)).astype(np.float32)
    truth = np.repeat([0, 2], 10)
    for kind in classifiers.KINDS:
        with classifiers.single_threaded():
            proba = classifiers.fit_predict(kind, x, truth, np.ones(20), x, 3, 0)
        assert proba.shape == (20, 3)
        assert not proba[:, 1].any()


def test_learning_has_nested_shares(random):
    x, genre = two_bells(random, 100, 1.0)
    result = asked(genre, x, learning=[0.5, 0.05, 1.0]).result("own", classifier="logistic")
    assert [(part.share, part.tracks) for part in result.learning] == [(0.05, 8), (0.5, 80)]
    truth, groups = np.repeat([0, 1], 50), np.repeat(np.arange(25), 4)
    few, many = (cross_validation.take_share(truth, groups, np.arange(100), part, 3) for part in (0.2, 0.6))
    assert set(few) < set(many)
    assert not set(groups[few]) & set(groups[np.setdiff1d(np.arange(100), few)])


# Nothing of the test in the training. --------------------------------------------------------------------------------


def test_folds_share_no_group_and_have_their_part_of_each_class(random):
    groups = random.integers(0, 60, 400)
    truth = np.where(random.random(400) < 0.8, groups % 3, random.integers(0, 3, 400))
    found = cross_validation.make_folds(truth, groups, 5, 0)
    for group in np.unique(groups):
        assert len(np.unique(found[groups == group])) == 1
    shares = np.array([np.bincount(truth[found == fold], minlength=3) for fold in range(5)]) / np.bincount(truth)
    assert (abs(shares - 0.2) < 0.05).all()
    np.testing.assert_array_equal(found, cross_validation.make_folds(truth, groups, 5, 0))
    assert (found != cross_validation.make_folds(truth, groups, 5, 1)).any()


def test_folds_without_groups_differ_by_one_track_of_a_class_at_most(random):
    truth = random.integers(0, 4, 203)
    found = cross_validation.make_folds(truth, np.arange(203), 5, 0)
    counts = np.array([np.bincount(truth[found == fold], minlength=4) for fold in range(5)])
    assert (counts.max(axis=0) - counts.min(axis=0) <= 1).all()
    assert np.ptp(counts.sum(axis=1)) <= 2


def test_no_fold_goes_without_a_class_that_has_groups_enough():
    # Large groups of one class, and one group in each fold's reach of the other: a greedy order can miss one.
    truth = np.concatenate([np.zeros(60, int), np.ones(5, int)])
    groups = np.concatenate([np.repeat(np.arange(6), 10), np.arange(5)])
    found = cross_validation.make_folds(truth, groups, 5, 0)
    assert all((truth[found == fold] == kind).any() for fold in range(5) for kind in (0, 1))


def a_job(x, genre, **table):
    split = make_split(TaskSpec("genre", "genre", 5, groups=None), a_table(genre, **table))
    (experiment,) = build_experiments(split, [LayerFeatures(0, a_model(x))], ["mlp"], (), 0)
    return experiment.jobs[0]


def test_what_is_fitted_never_sees_the_test_fold(random):
    x, genre = two_bells(random, 40, 1.0)
    job = a_job(x, genre)
    clean, poisoned, trained_on = training.run_job(job), x.copy(), x.copy()
    poisoned[job.test[0]] = 1e6
    trained_on[job.train[0]] += 1
    np.testing.assert_array_equal(clean[1:], training.run_job(a_job(poisoned, genre))[1:])
    assert (clean[0] != training.run_job(a_job(poisoned, genre))[0]).any()
    assert (clean[1:] != training.run_job(a_job(trained_on, genre))[1:]).any()


def test_artists_are_kept_together_where_that_leaves_a_choice(random):
    genre = random.permutation(np.repeat(["high", "low"], 60))
    artist = [f"Artist {i // 4}" if i < 100 else "" for i in range(120)]
    table = a_table(genre, artist=artist)
    split = make_split(TaskSpec("genre", "genre", 5, groups=None), table)
    assert split.notes == [
        "All tracks of an artist are in one fold (20 tracks without one stand alone); groups=False lifts that."
    ]
    for name in set(artist) - {""}:
        assert len(np.unique(split.folds[np.array(artist) == name])) == 1
    loose = make_split(TaskSpec("genre", "genre", 5, groups=False), table)
    assert loose.groups is None
    assert any(" artists stand in training and in test: scores come out too high" in note for note in loose.notes)
    one = make_split(TaskSpec("genre", "genre", 5, groups=None), a_table(genre, artist="The same"))
    assert "Some class has fewer artists than the 5 folds: artists are not kept apart." in one.notes
    assert any("1 artist stands in training and in test" in note for note in one.notes)
    assert any(
        "not known" in note for note in make_split(TaskSpec("genre", "genre", 5, groups=None), a_table(genre)).notes
    )


@pytest.mark.parametrize(
    ("cells", "groups"),
    [
        (["A", "A/B", "b feat. C", ["C", "D"], "E"], [0, 0, 0, 0, 1]),
        (["A; B", "B (ft. C)", "['C', 'D']", "D vs. E", "F"], [0, 0, 0, 0, 1]),
        (["Zoë", "ZOE\u0308", "Zoe"], [0, 0, 1]),
        (["AC/DC", "AC/DC", "DC", "AC"], [0, 0, 0, 0]),
        (["A & B", "A", "B, C", "C & D", "D"], [0, 0, 1, 2, 2]),  # B and C alone are nobody that is known
        (["Earth, Wind & Fire", "Bach, Johann", "Mozart, Johann", "Wind Up"], [0, 1, 2, 3]),
        (["Various Artists", "various artists", "Unknown", "[unknown]", "V/A", "", None, []], list(range(8))),
        (["A / Various Artists", "B / Various Artists", "Various Artists; B"], [0, 1, 1]),
    ],
)
def test_tracks_belong_together_through_shared_names(cells, groups):
    found = join_names(artist_names(cells))
    assert np.unique(found, return_inverse=True)[1].tolist() == groups
    table = a_table(["x"] * len(cells))
    table["artist"] = pd.Series(cells, index=table.index, dtype=object)
    assert len(np.unique(column_groups(table, table.index.to_numpy(), "artist")[0])) == len(set(groups))


def test_who_sings_with_others_does_not_train_and_test(random):
    genre = random.permutation(np.repeat(["high", "low"], 60))
    artist = [f"Artist {i // 4}" if i % 4 else f"Artist {i // 4} feat. Guest {i // 8}" for i in range(120)]
    table = a_table(genre, artist=artist)
    split = make_split(TaskSpec("genre", "genre", 5, groups=None), table)
    said = "All tracks of an artist, and of artists who share a track, are in one fold; groups=False lifts that."
    assert split.notes == [said]
    assert all(len(np.unique(split.folds[i : i + 8])) == 1 for i in range(0, 120, 8))
    loose = make_split(TaskSpec("genre", "genre", 5, groups=False), table)
    assert any(" artists stand in training and in test" in note for note in loose.notes)
    everywhere = table.assign(artist=[f"Artist {i // 4} feat. Guest" for i in range(120)])
    split = make_split(TaskSpec("genre", "genre", 5, groups=None), everywhere)
    assert "only tracks by the very same artists are in one fold" in split.notes[0]
    assert all(len(np.unique(split.folds[i : i + 4])) == 1 for i in range(0, 120, 4))


def test_copies_stay_together_and_join_groups(random):
    genre = np.tile(["a", "b"], 20)
    copies = pd.array([pd.NA] * 38 + [FIRST, FIRST + 1], dtype="Int64")
    split = make_split(
        TaskSpec("genre", "genre", 2, groups="album"), a_table(genre, duplicate_of=copies, album=np.arange(40) // 2)
    )
    assert split.folds[0] == split.folds[38] == split.folds[1] == split.folds[39]
    assert len(np.unique(split.groups)) == 19
    assert "2 tracks with the content of another: copies stay in one fold." in split.notes
    same = make_split(
        TaskSpec("genre", "genre", 2, groups=None), a_table(genre, digest=["x", "x"] + [str(i) for i in range(38)])
    )
    assert same.folds[0] == same.folds[1]


def test_given_folds_are_honoured(random):
    ten = np.tile(np.arange(1, 11), 12)
    x, genre = two_bells(random, 60, 1.0)
    table = a_table(genre, fold=ten)
    evaluation = evaluate(table, "genre", a_model(x), folds="fold", **PLAIN)
    predictions = evaluation.result("own", classifier="logistic").predictions
    np.testing.assert_array_equal(predictions.folds + 1, ten)
    assert evaluation.table.folds.tolist() == [10] * 3


def test_the_folds_of_urbansound8k_are_its_own(random):
    from embviz.evaluation import get_task

    task = get_task("urbansound8k")
    ten = np.tile(np.arange(1, 11), 20)
    table = a_table(random.permutation(np.repeat(task.classes, 20))).rename(columns={"genre": task.target})
    table[task.folds] = ten
    for target in (task, task.name):
        evaluation = evaluate(table, target, a_model(random.normal(size=(200, 3))), **PLAIN)
        result = evaluation.result("own", classifier="logistic")
        assert result.task == "urbansound8k"
        np.testing.assert_array_equal(result.predictions.folds + 1, ten)


def test_what_another_collection_shares_with_this_one_is_not_asked_about(random):
    genre = np.tile(["high", "low"], 30)
    table = a_table(genre, artist=["A ", "b"] * 30, digest=[f"{i}" for i in range(60)])
    other = a_table(genre, artist=["a", "c"] * 30, digest=["7", *(f"other {i}" for i in range(59))])
    split = make_split(TaskSpec("genre", "genre", 5, groups=None), table, external=other)
    assert FIRST not in split.external.tracks
    assert len(split.external) == 59
    assert "1 track of the other collection with the content of one here: left out there." in split.notes
    assert any(note.startswith("In both collections: 1 artist (artist effect") for note in split.notes)
    with pytest.raises(CollectionError, match="nothing is left to test on"):
        make_split(TaskSpec("genre", "genre", 5, groups=None), table, external=table)


# The same, however it is computed. -----------------------------------------------------------------------------------


def answers_of(evaluation):
    return [result.predictions.proba.tobytes() for result in evaluation.results] + [
        part.predictions.proba.tobytes() for result in evaluation.results for part in result.learning
    ]


def test_results_do_not_depend_on_who_computes(random):
    x, genre = random.normal(size=(90, 40)), np.arange(90) % 3
    options = {"classifier": ["mlp", "knn"], "learning": [0.3], "folds": 2}
    here = answers_of(asked(genre, x, workers=1, **options))
    assert here == answers_of(asked(genre, x, workers=2, **options))
    with ThreadPoolExecutor(3) as executor:
        assert here == answers_of(asked(genre, x, workers=None, executor=executor, **options))
    assert here != answers_of(asked(genre, x, seed=1, **options))


def test_no_warning_comes_through_and_settings_are_restored(random):
    x, genre = two_bells(random, 30, 0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = list(warnings.filters)
        asked(genre, x, classifier=["mlp", "logistic"])
        assert warnings.filters == before


@pytest.fixture
def trained(monkeypatch):
    """What was trained in this process."""
    seen = []
    real = training.run_job
    monkeypatch.setattr(training, "run_job", lambda job: (seen.append(job), real(job))[1])
    return seen


def test_what_was_trained_is_kept(random, tmp_path, trained):
    x, genre = two_bells(random, 30, 1.0)
    cache = Cache(tmp_path)
    first = asked(genre, x, cache=cache)
    assert len(trained) == 5
    again = asked(genre, x, cache=cache, learning=[0.5])
    assert len(trained) == 10
    assert answers_of(first)[0] == answers_of(again)[0]
    for change in ({"seed": 1}, {"folds": 4}, {"classifier": "knn"}):
        before = len(trained)
        asked(genre, x, cache=cache, **change)
        assert len(trained) - before == change.get("folds", 5)
    before = len(trained)
    asked(random.permutation(genre), x, cache=cache)
    x[0] += 1
    asked(genre, x, cache=cache)
    assert len(trained) - before == 10


def test_a_cancelled_run_is_taken_up_where_it_stopped(random, tmp_path, trained):
    x, genre = two_bells(random, 30, 1.0)
    cache, said = Cache(tmp_path), []

    def until_three(stage, done, total):
        said.append((stage, done, total))
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        asked(genre, x, cache=cache, progress=until_three)
    kept = len(list(tmp_path.rglob("tasks/*/*.safetensors")))
    assert kept == 3
    before = len(trained)
    asked(genre, x, cache=cache)
    assert len(trained) - before == 2
    assert said[0] == ("training 0 of 5 classifiers", 0, 5)
    assert any(stage.startswith("training 1 of 5 classifiers · ") and stage.endswith(" s left") for stage, *_ in said)


class Deadly(FeatureMatrix):
    """Features that end every process but the one that made them."""

    def __init__(self, points):
        super().__init__(points.values, points.places, points.tracks)
        object.__setattr__(self, "home", os.getpid())

    def select(self, tracks):
        if os.getpid() != self.home:
            os._exit(1)
        return super().select(tracks)


def test_a_process_that_dies_is_told_and_costs_nothing_that_was_done(random, tmp_path):
    x, genre = two_bells(random, 30, 1.0)
    split = make_split(TaskSpec("genre", "genre", 5, groups=None), a_table(genre))
    jobs = build_experiments(split, [LayerFeatures(0, a_model(x))], ["logistic"], (), 0)[0].jobs
    bad = training.TrainingJob(**{**vars(jobs[0]), "features": Deadly(jobs[0].features)})
    store = Cache(tmp_path)
    with pytest.raises(EmbvizError, match="on 48 tracks failed with MemoryError: its process ended unexpectedly"):
        training.TrainingScheduler([bad, jobs[1]], store, lambda *_: None, workers=2).run()
    predictions = training.TrainingScheduler(jobs, store, lambda *_: None, workers=1).run()
    assert [len(proba) for proba in predictions] == [12] * 5


def test_an_executor_that_takes_nothing_is_told(random):
    x, genre = two_bells(random, 10, 1.0)
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.raises(EmbvizError, match="The executor that was given takes no tasks"):
        asked(genre, x, executor=executor)


# Labels. -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "classes"),
    [
        (["b", "a", None, " ", "a"], ("a", "b")),
        ([2, 10, 2, 10, 2], ("2", "10")),
        ([1.0, 2.0, float("nan"), 2.0, 1.0], ("1", "2")),
        ([True, False, True, None, False], ("False", "True")),
        (pd.Categorical(["mid", "low", "low", "mid", "low"], ["low", "mid", "never"]), ("low", "mid")),
        (pd.cut(pd.Series([1, 9, 12, 15, 2]), [0, 9, 20]).array, ("(0, 9]", "(9, 20]")),
        (["a", "\u202e\0", "b", "a", "b"], ("a", "b")),
        ([10**30, 10**29, 10**30, 10**29, 10**30], (str(10**29), str(10**30))),
        (["<b>x\n</b>", "\u202ey", "\u202ey", "\u202ey", "\u202ey"], ("<b>x </b>", "y")),
    ],
)
def test_classes_are_what_a_column_says(cells, classes):
    found, notes = labels.read_labels(a_table(cells), "genre")
    assert found.classes == classes
    missing = 5 - len(found)
    assert len(notes) == bool(missing)


def table_of(counts, **columns):
    return a_table([name for name, n in counts.items() for _ in range(n)], **columns)


ALBUMS = {"groups": "album"}
FOLDS = {"folds": "fold"}
NINE = {"a": 9, "b": 9}


@pytest.mark.parametrize(
    ("table", "options", "sentence"),
    [
        (
            table_of({"a": 9, "b": 3}), {},
            r"^Class 'b' of 'genre' has 3 tracks, fewer than the 5 folds: ask for folds=3, add tracks, or leave ",
        ),
        (
            table_of({"a": 1, "b": 1}), {"folds": 2},
            r"^Class 'a' of 'genre' has 1 track, fewer than the 2 folds: add tracks, or leave the class out\.$",
        ),
        (
            table_of({"a": 9}), {},
            r"^All 9 tracks with a label in 'genre' are 'a': two classes or more are needed to tell them apart\.$",
        ),
        (a_table([None, ""]), {}, "^No track has a label in column 'genre'"),
        (a_table([0.5, 1.0] * 9), {"kind": "classes"}, r"quantity \(0\.5 was found\), and no class: .*pandas\.cut"),
        (table_of(NINE, album=["a"] * 9 + ["b"] * 9), ALBUMS, "^Each class of 'genre' is one group"),
        (table_of(NINE), {"groups": "genre"}, r"^Each class of 'genre' is one group.*which is a leak\.$"),
        (table_of(NINE, album=list("xyzxyzxyz") * 2), ALBUMS, r"^There are 3 groups .*fewer than the 5 folds"),
        (table_of(NINE, album=[*range(9), *[8] * 6, 7, 8, 9]), ALBUMS, "^Class 'b' of 'genre' has 3 groups"),
        (table_of(NINE), ALBUMS, "^The table has no column 'album'"),
        (pd.concat([table_of(NINE)] * 2, axis=1), {}, r"^The table has two columns 'name'; rename one of them\.$"),
        (pd.concat({"x": table_of(NINE)}, axis=1), {}, "^One row of column names is expected"),
        (
            table_of(NINE, digest=["same"] * 9 + [*"abcdefghi"]), {},
            "^Class 'a' of 'genre' has 1 track of different content, fewer than the 5 folds: add tracks,",
        ),
        (table_of(NINE, fold=1), FOLDS, "^Column 'fold' names 1 fold, 2 to 100 are expected"),
        (table_of(NINE, fold=[1] * 9 + [1, 2, 3] * 3), FOLDS, "^Class 'a' of 'genre' stands in one fold of 'fold'"),
    ],
)  # fmt: skip
def test_labels_that_cannot_be_learnt_are_refused_in_a_sentence(table, options, sentence):
    with pytest.raises(CollectionError, match=sentence) as raised:
        evaluate(table, "genre", "no such model", **options)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"target": "genres"}, CollectionError, "no column 'genres'.* Did you mean 'genre'"),
        ({"target": ["genre", "genre"]}, OptionError, "'genre' twice"),
        ({"target": 3}, OptionError, "^A target is the name of a column, or a task, 3 was found"),
        ({"models": "no such"}, ModelError, "^There is no model 'no such'"),
        ({"models": "tempocnn", "layers": "no such"}, LayerError, "no such"),
        ({"models": []}, OptionError, "^models is a model, Vectors, or a list"),
        (
            {"models": np.eye(18)},
            OptionError,
            r"^models is a model, .*, array\(\[\[1.* was found",
        ),
        ({"models": ["musicnn", "msd-musicnn-1"]}, OptionError, "^msd-musicnn-1 / embedding is asked for twice"),
        ({"learning": None}, OptionError, "^learning is a list of shares above 0 and up to 1, None was found"),
        ({"folds": 1}, OptionError, "^folds is a whole number of at least 2, or the name of a column, 1 was found"),
        ({"groups": 3}, OptionError, "^groups is the name of a column, False or None, 3 was found"),
        ({"classifier": "svm"}, OptionError, "^classifier is one of mlp, logistic, knn, majority, chance, or a list"),
        ({"pooling": "sum"}, OptionError, "^pooling is one of"),
        ({"learning": [2]}, OptionError, "^learning is a list of shares above 0 and up to 1"),
        ({"seed": -1}, OptionError, "^seed is a whole number of at least 0, -1 was found"),
        ({"workers": 0}, OptionError, "^workers is a whole number"),
        ({"executor": 3}, OptionError, "^executor is a concurrent.futures executor"),
        ({"collection": 3}, OptionError, "^A Collection or its table is expected, int was found"),
    ],
)
def test_options_are_checked(home, options, error, sentence):
    given = {"collection": table_of({"a": 9, "b": 9}), "target": "genre", "models": a_model(np.eye(18)), **options}
    with pytest.raises(error, match=sentence):
        evaluate(**given, progress=False)


def test_vectors_are_checked(random):
    genre = np.tile(["a", "b"], 10)
    x = random.normal(size=(20, 3))
    with pytest.raises(OptionError, match="own / embedding is asked for twice"):
        evaluate(a_table(genre), "genre", [a_model(x), a_model(x)])
    with pytest.raises(OptionError, match="need the name of a model"):
        evaluate(a_table(genre), "genre", a_model(x, ""))
    with pytest.raises(OptionError, match=r"a pair \(Vectors, Vectors\), one for each collection, is expected, 1 was"):
        evaluate(a_table(genre), "genre", a_model(x), external=a_table(genre))
    with pytest.raises(OptionError, match="The vectors of both collections have to be alike"):
        evaluate(a_table(genre), "genre", (a_model(x), a_model(x, "another")), external=a_table(genre))
    for wrong in (x[:, :0], x.astype(str), x.astype(complex)):
        vectors = Vectors(wrong, np.arange(FIRST, FIRST + 20), None, "own", "embedding", "mean")
        with pytest.raises(OptionError, match=r"^Vectors are of at least one real number, those of"):
            evaluate(a_table(genre), "genre", vectors)
    large = Vectors(1e60 * x, np.arange(FIRST, FIRST + 20), None, "own", "embedding", "mean")
    with pytest.raises(CollectionError, match="not finite"):
        evaluate(a_table(genre), "genre", ["musicnn", large])  # nothing is computed before
    x[3, 1] = np.nan
    with pytest.raises(CollectionError, match=r"not finite \(NaN or infinite\) for track 103 and perhaps others"):
        evaluate(a_table(genre), "genre", a_model(x))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scale", [3e38, 1e-40, 0])
def test_vectors_may_be_of_any_size(random, scale):
    x = np.zeros((20, 2), np.float32)
    x[:, 0] = np.tile([-scale, scale], 10)
    x[0, 1] = 3e38  # where all training points are zero
    for kind in classifiers.KINDS:
        proba = asked(np.tile(["a", "b"], 10), x, classifier=kind).result("own", classifier=kind).predictions.proba
        assert np.isfinite(proba).all()
        assert not scale or (proba[1:].argmax(axis=1) == np.arange(1, 20) % 2).all()


@pytest.mark.filterwarnings("error")
def test_there_may_be_as_many_classes_as_half_the_tracks(random):
    evaluation = asked([f"{i % 30}" for i in range(60)], random.normal(size=(60, 2)), folds=2)
    assert set(evaluation.table["classes"]) == {30}


def test_a_column_of_copies_may_be_somebodys_own(random):
    table = a_table(np.tile(["a", "b"], 10), duplicate_of=["none"] * 20)
    assert len(evaluate(table, "genre", a_model(random.normal(size=(20, 2))), **PLAIN).results) == 3


def test_tracks_without_an_embedding_are_left_out_for_all(random):
    x, genre = two_bells(random, 30, 2.0)
    some = Vectors(
        x[:50], np.arange(FIRST, FIRST + 50), None, "some", "embedding", "mean", failed={FIRST + 55: "broken"}
    )
    evaluation = evaluate(a_table(genre), "genre", [a_model(x), some], **PLAIN)
    assert {len(result.predictions) for result in evaluation.results} == {50}
    assert "10 tracks without an embedding: left out for all models." in evaluation.notes
    nothing = Vectors(x[:50], np.arange(50), None, "none", "embedding", "mean")
    with pytest.raises(CollectionError, match="There are no embeddings of any track with a label in 'genre'"):
        evaluate(a_table(genre), "genre", nothing, progress=False)


def test_classes_of_another_collection_are_mapped_and_nothing_is_dropped_silently(random):
    table = table_of({"hip-hop": 6, "jazz": 6, "rock": 6})
    other = table_of({"Hiphop": 2, "rock": 3, "polka": 1, "noise": 2, "": 1})
    ask = TaskSpec("genre", "genre", 3, groups=None)
    split = make_split(ask, table, external=other, classes={"Hiphop": "hip-hop", "noise": None})
    assert split.external.truth.tolist() == [0, 0, 2, 2, 2]
    assert split.notes[-3:] == [
        "1 track of the other collection without a label: left out.",
        "The other collection's 'noise', 'polka' (3 tracks) are no classes here: left out.",
        "The other collection has no track of 'jazz': its score, and the drop to it, are over the classes that it has.",
    ]
    with pytest.raises(
        OptionError, match=r"classes leads to 'hiphop', which is none of the classes here: .*Did you mean"
    ):
        make_split(ask, table, external=other, classes={"Hiphop": "hiphop"})
    with pytest.raises(OptionError, match="classes is a mapping"):
        make_split(ask, table, external=other, classes=["rock"])
    with pytest.raises(
        CollectionError,
        match=r"no class of 'genre' in common: 'hip-hop', 'jazz', 'rock' here, 'x' there; .*classes=\{'x': 'hip-hop'\}",
    ):
        make_split(ask, table, external=table_of({"x": 3}))


def test_several_tasks_share_their_vectors(random):
    x, genre = two_bells(random, 20, 2.0)
    table = a_table(genre, loud=np.where(np.arange(40) % 2, "yes", None), artist="One")
    table.loc[FIRST + 1 :: 4, "loud"] = "no"
    evaluation = evaluate(table, ["genre", "loud"], a_model(x), **PLAIN)
    assert [result.task for result in evaluation.results] == ["genre"] * 3 + ["loud"] * 3
    assert set(evaluation.collections) == {"genre", "loud"}
    assert any(note.startswith("loud: 20 tracks without a label in 'loud'") for note in evaluation.notes)


def test_heads_are_what_another_collection_is_asked_with(random):
    x, genre = two_bells(random, 30, 1.0)
    other, there = two_bells(random, 10, 1.0)
    for kind in classifiers.NETWORKS:
        head = train(a_table(genre), "genre", a_model(x), classifier=kind, progress=False)
        evaluation = evaluate(
            a_table(genre), "genre", (a_model(x), a_model(other)), external=a_table(there),
            **{**PLAIN, "classifier": kind},
        )  # fmt: skip
        asked_there = evaluation.result("own", classifier=kind).external
        np.testing.assert_allclose(classifiers.forward(dict(head.weights), other), asked_there.proba, atol=1e-5)
        assert (head.name, head.model, head.layer, head.kind) == ("genre-own", "own", "embedding", kind)
    with pytest.raises(OptionError, match="A head is one of mlp, logistic, ridge, 'knn' was found"):
        train(a_table(genre), "genre", a_model(x), classifier="knn")
    for layer in ("all", ["embedding", "output"]):
        with pytest.raises(OptionError, match="A head is applied to one layer"):
            train(a_table(genre), "genre", "musicnn", layer=layer)
    with pytest.raises(OptionError, match="no standard deviation"):
        train(a_table(genre), "genre", "musicnn", pooling="mean+std")


def test_all_layers_are_known_ones_from_input_to_output():
    musicnn = get_model("musicnn")
    assert layers_of(musicnn, "all")[:2] == ["mel", "batch_norm"]
    assert layers_of(musicnn, {"musicnn": ["output", "mel"], "vggish": "all"}) == ["mel", "output"]
    assert layers_of(musicnn, ["model/Sigmoid", "embedding"]) == ["embedding", "model/Sigmoid"]
    with pytest.raises(OptionError, match="layers says nothing of 'msd-musicnn-1'"):
        layers_of(musicnn, {"vggish": "all"})


# Real sounds, real weights. ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def excerpts(tmp_path_factory, root):
    """Sixteen excerpts of four seconds, of four tracks."""
    folder = tmp_path_factory.mktemp("task excerpts")
    for name in ("rock", "metal", "piano", "ambient"):
        samples, rate = soundfile.read(root / "sample_audio" / f"{name}.ogg", stop=44_100 * 40)
        for part in range(4):
            start = (8 + 6 * part) * rate
            soundfile.write(folder / f"{name} {part}.wav", samples[start : start + 4 * rate], rate)
    return folder


def test_real_embeddings_tell_bands_from_quiet_music(home, excerpts):
    collection = embviz.Collection.from_folder(excerpts)
    tracks = [name.split()[0] for name in collection.table["name"]]
    collection = collection.assign(source=tracks, loud=[name in ("rock", "metal") for name in tracks])
    layers = {"musicnn": ["output", "embedding"], "tempocnn": "embedding"}
    evaluation = evaluate(
        collection, "loud", list(layers), layers=layers, groups="source", folds=2, **{**PLAIN, "cache": None}
    )
    results = [result for result in evaluation.results if not result.is_baseline]
    assert [(result.model, result.layer, result.depth, result.dimensions) for result in results] == [
        ("msd-musicnn-1", "embedding", 0, 200),
        ("msd-musicnn-1", "output", 1, 50),
        ("deepsquare-k8", "embedding", 0, 256),
    ]
    predictions = evaluation.result("musicnn", layer="embedding", classifier="logistic").predictions
    assert all(len(np.unique(predictions.folds[predictions.groups == group])) == 1 for group in range(4))
    # Excerpts of a track in training and test: it is the track that is told.
    loose = evaluate(collection, "loud", "musicnn", folds=4, groups=False, **{**PLAIN, "cache": None})
    predictions = loose.result("musicnn", classifier="logistic").predictions
    assert (predictions.predicted == predictions.truth).mean() > 0.9
    head = train(collection, "loud", "musicnn", progress=False)
    assert (head.kind, head.classes, head.facts["tracks"]) == ("mlp", ("False", "True"), 16)
    loud = head.apply(embviz.embed(excerpts / "rock 0.wav", "musicnn"))
    assert loud.values.shape[1] == 2
    assert loud.values[:, 1].mean() > 0.5
