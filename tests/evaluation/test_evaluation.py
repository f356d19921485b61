"""Scores, how sure they are, comparisons, and the table that shows them."""

import csv
import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score, precision_recall_fscore_support, roc_auc_score

from embviz.errors import EmbvizError, OptionError
from embviz.evaluation import Evaluation, metrics, summary
from embviz.evaluation.results import LearningPoint, Predictions, Result, TaskCollections

NAN = float("nan")


def tracks(*sizes, folds=5):
    """Return the classes of tracks, and their folds, as even as they can be."""
    truth = np.repeat(np.arange(len(sizes)), sizes)
    return truth, np.concatenate([np.arange(size) % folds for size in sizes])


def predictions(truth, folds, right, groups=None, labels=None):
    """Answers that are right where they are said to be, and the next class elsewhere."""
    classes = int(truth.max()) + 1
    predicted = np.where(right, truth, (truth + 1) % classes)
    proba = np.full((len(truth), classes), 0.2 / max(1, classes - 1), np.float32)
    proba[np.arange(len(truth)), predicted] = 0.8
    return Predictions(np.arange(len(truth)) if labels is None else labels, truth, proba, folds, groups)


def guesses(n=120, classes=4, *, seed=0, folds=5, coarse=False):
    """Answers with probabilities of all kinds; coarse ones have ties."""
    rng = np.random.default_rng(seed)
    truth, fold = rng.integers(0, classes, n), rng.integers(0, folds, n)
    proba = rng.dirichlet(np.ones(classes), n)
    proba[np.arange(n), truth] += 0.2
    proba = np.round(proba, 1) + 0.01 if coarse else proba
    return Predictions(np.arange(n), truth, (proba / proba.sum(axis=1, keepdims=True)).astype(np.float32), fold)


def result(
    made, *, task="mood", model="m", layer="embedding", classifier="mlp", external=None, names=None, learning=()
):
    classes = tuple(names or (f"c{i}" for i in range(made.proba.shape[1])))
    baseline = classifier in ("majority", "chance")
    who = ("", "") if baseline else (model, layer)
    return Result(task, *who, classifier, "mean", 0, 8, classes, made, external, tuple(learning))


def graded(*shares, sizes=(20, 20), seed=0, **options):
    """Cells of models a, b, c …, each right on a share of the tracks."""
    truth, folds = tracks(*sizes)
    order = np.random.default_rng(seed).permutation(len(truth)) / len(truth)
    return [
        result(predictions(truth, folds, order < share), model=name, **options)
        for name, share in zip("abcdef", shares, strict=False)
    ]


def majority(like, **options):
    return result(
        predictions(like.predictions.truth, like.predictions.folds, like.predictions.truth == 0),
        classifier="majority",
        **options,
    )


def source(n, external=None):
    table = pd.DataFrame({"name": [f"{i}.wav" for i in range(n)], "path": [f"/music/{i}.wav" for i in range(n)]})
    return TaskCollections(table, external)


# -- scores -------------------------------------------------------------------------------------------------------


def by_fold(made, score):
    return np.mean(
        [score(made.truth[rows], made.proba[rows]) for fold in range(5) if (rows := made.folds == fold).any()]
    )


@pytest.mark.parametrize("coarse", [False, True])
@pytest.mark.parametrize("classes", [2, 4])
def test_scores_are_those_of_scikit_learn(classes, coarse):
    made = guesses(classes=classes, coarse=coarse)
    assert metrics.accuracy(made) == pytest.approx(
        by_fold(made, lambda truth, proba: balanced_accuracy_score(truth, proba.argmax(axis=1)))
    )
    assert metrics.f1(made) == pytest.approx(
        by_fold(made, lambda truth, proba: f1_score(truth, proba.argmax(axis=1), average="macro"))
    )

    def area(truth, proba):
        return np.mean([roc_auc_score(truth == number, proba[:, number]) for number in range(classes)])

    assert metrics.auc(made) == pytest.approx(by_fold(made, area))


def test_per_class_scores_are_those_of_scikit_learn():
    made = guesses()
    facts = Evaluation((result(made),)).per_class()
    expected = precision_recall_fscore_support(made.truth, made.predicted)
    for name, column in zip(("precision", "recall", "f1", "tracks"), expected, strict=True):
        np.testing.assert_allclose(facts[name], column)
    assert facts["class"].tolist() == ["c0", "c1", "c2", "c3"]


def test_a_class_that_a_fold_does_not_test_is_left_out_of_that_fold():
    truth, folds = np.array([0, 0, 1, 1, 2]), np.array([0, 1, 0, 1, 1])
    made = predictions(truth, folds, np.array([True, False, True, True, True]))
    assert metrics.fold_accuracies(made).tolist() == [1, pytest.approx(2 / 3)]
    assert metrics.accuracy(made) == pytest.approx(5 / 6)
    assert metrics._shares(made).sum() == pytest.approx(1)
    assert metrics.f1(made) == pytest.approx((1 + (0 + 2 / 3 + 1) / 3) / 2)  # c0 was taken for c1


def test_classes_weigh_the_same():
    truth, folds = tracks(90, 10)
    assert metrics.accuracy(predictions(truth, folds, truth == 0)) == 0.5


# -- intervals ----------------------------------------------------------------------------------------------------


def ends(made, seed=0, draws=400):
    return metrics.interval(metrics.BootstrapDraws.draw([made], [seed], draws).scores(0), metrics.accuracy(made))


def covered(sizes, shares, repeat=250):
    """Return in how many of many experiments the interval holds what is true."""
    rng, (truth, folds) = np.random.default_rng(7), tracks(*sizes)
    chances = np.array(shares)[truth]
    made = [predictions(truth, folds, rng.random(len(truth)) < chances) for _ in range(repeat)]
    true = (metrics._shares(made[0]) * chances).sum()
    inside = [low <= true <= high for low, high in (ends(one, seed) for seed, one in enumerate(made))]
    return np.mean(inside)


@pytest.mark.parametrize(
    ("sizes", "shares"),
    # One track of a class in a fold, two, many; nearly always right; one class much larger.
    [
        ((5,) * 4, (0.7,) * 4),
        ((10,) * 3, (0.9,) * 3),
        ((60, 60), (0.5, 0.9)),
        ((15,) * 4, (0.98,) * 4),
        ((8, 60), (0.8, 0.95)),
    ],
)
def test_intervals_hold_what_is_true_as_often_as_they_say(sizes, shares):
    assert 0.92 <= covered(sizes, shares) <= 1


def test_intervals_are_no_wider_than_they_need_be():
    truth, folds = tracks(200, 200)
    low, high = ends(predictions(truth, folds, np.arange(400) % 5 < 4), draws=2000)
    assert low < 0.8 < high
    # Of 400 tracks, 80 % right: ± 1.96 sqrt(0.8 · 0.2 / 400).
    assert high - low == pytest.approx(2 * 1.96 * 0.02, rel=0.06)


def test_intervals_of_groups_are_wider():
    truth, folds = tracks(60, 60)
    groups = np.arange(120) // 6
    right = np.random.default_rng(0).random(20)[groups] < 0.7
    alone, together = (ends(predictions(truth, folds, right, which)) for which in (None, groups))
    assert together[1] - together[0] > 1.8 * (alone[1] - alone[0])
    # Groups of one track are tracks.
    single = ends(predictions(truth, folds, right, np.arange(120)), draws=4000)
    assert single == pytest.approx(ends(predictions(truth, folds, right), draws=4000), abs=0.01)


@pytest.mark.parametrize("right", [True, False])
def test_nothing_is_certain_after_a_few_tracks(right):
    widths = []
    for n in (2, 6, 50):
        truth, folds = tracks(n, n)
        low, high = ends(predictions(truth, folds, np.full(2 * n, right)))
        assert (high if right else low) == float(right)
        widths.append(high - low)
    assert widths[0] > 0.3
    assert widths[1] > 0.1
    assert 0.005 < widths[2] < 0.05


def test_a_single_track_and_no_track():
    one = predictions(np.array([0, 1]), np.array([0, 0]), np.array([True, True]))
    low, high = ends(one)
    assert low < 0.6
    assert high == 1
    none = metrics.select_classes(one, np.array([5]))
    assert np.isnan([metrics.accuracy(none), metrics.f1(none), metrics.auc(none), *ends(none)]).all()


def test_draws_are_the_same_for_the_same_seed():
    made = guesses()
    assert ends(made, 3) == ends(made, 3)
    assert ends(made, 3) != ends(made, 4)


# -- comparisons --------------------------------------------------------------------------------------------------


def test_holm_by_hand():
    # Sorted 0.01, 0.02, 0.03, 0.04: times 4, 3, 2, 1 is 0.04, 0.06, 0.06, 0.04; none smaller than one before it.
    np.testing.assert_allclose(metrics.holm(np.array([0.03, 0.01, 0.04, 0.02])), [0.06, 0.04, 0.06, 0.06])
    np.testing.assert_allclose(metrics.holm(np.array([0.6, 0.5])), [1, 1])
    assert metrics.holm(np.array([])).shape == (0,)


def test_equals_differ_by_luck_only(monkeypatch):
    monkeypatch.setattr(metrics, "PERMUTATIONS", 499)
    rng, (truth, folds) = np.random.default_rng(5), tracks(30, 30, 30)
    found = []
    for seed in range(100):
        two = [predictions(truth, folds, rng.random(90) < 0.7) for _ in range(2)]
        found.append(metrics.permutation_test(two, [(0, 1)], [seed])[0])
    found = np.array(found)
    assert (found < 0.05).mean() <= 0.12
    assert (found < 0.01).mean() <= 0.05
    assert found.mean() == pytest.approx(0.5, abs=0.12)


def test_what_differs_is_found():
    pairs = Evaluation(tuple(graded(0.95, 0.6, 0.6))).pairs
    assert pairs[["a", "b"]].to_numpy().tolist() == [
        ["a / embedding / mlp", "b / embedding / mlp"],
        ["a / embedding / mlp", "c / embedding / mlp"],
        ["b / embedding / mlp", "c / embedding / mlp"],
    ]
    first, _, same = pairs.itertuples()
    assert first.difference == pytest.approx(0.35, abs=0.02)
    assert first.low > 0.15
    assert first.low < first.difference < first.high
    assert first.p < 0.001
    assert first.p_adjusted == pytest.approx(3 * first.p)
    assert same.difference == 0
    assert same.p == 1
    assert same.low < 0 < same.high


def test_the_smallest_probability_is_that_of_all_permutations():
    truth, folds = tracks(40, 40)
    two = [predictions(truth, folds, np.full(80, right)) for right in (True, False)]
    assert metrics.permutation_test(two, [(0, 1)], [0])[0] == pytest.approx(1 / 10_001)


def test_groups_are_swapped_as_one():
    truth, folds = tracks(40, 40)
    groups = np.arange(80) // 20  # four artists
    better = (groups == 0) | (groups == 3)
    two = [predictions(truth, folds, right, groups) for right in (np.full(80, True), ~better)]
    # Two groups differ: in half of the swaps both point the same way.
    assert metrics.permutation_test(two, [(0, 1)], [0])[0] == pytest.approx(0.5, abs=0.02)


def test_chance_is_compared_with_nobody():
    one = graded(0.9)[0]
    chance = result(one.predictions, classifier="chance")
    pairs = Evaluation((one, majority(one), chance)).pairs
    assert pairs[["a", "b"]].to_numpy().tolist() == [["a / embedding / mlp", "majority"]]


def test_cells_of_different_tracks_are_compared_on_those_that_both_have():
    truth, folds = tracks(30, 30)
    right = np.arange(60) % 10 < 8
    whole = result(predictions(truth, folds, right), model="a")
    some = np.flatnonzero(np.arange(60) % 3 > 0)[::-1]
    part = result(predictions(truth[some], folds[some], ~right[some], labels=some), model="b")
    (row,) = Evaluation((whole, part)).pairs.itertuples()
    assert row.tracks == 40
    both = np.sort(some)
    expected = 2 * metrics.accuracy(predictions(truth[both], folds[both], right[both])) - 1
    assert row.difference == pytest.approx(expected)
    apart = result(predictions(truth, folds, right, labels=np.arange(60) + 1000), model="c")
    assert len(Evaluation((whole, apart)).pairs) == 0
    otherwise = result(predictions(truth[::-1].copy(), folds, right), model="c")
    with pytest.raises(OptionError, match="60 tracks had another class for the one than for the other"):
        _ = Evaluation((whole, otherwise)).pairs


# -- the table ----------------------------------------------------------------------------------------------------


def outside(share, sizes=(25, 25)):
    truth, _ = tracks(*sizes)
    right = np.concatenate([np.arange(size) < share * size for size in sizes])
    return predictions(truth, np.zeros(len(truth), int), right)


def test_table_says_what_each_cell_reached():
    one = result(graded(0.8)[0].predictions, model="a", external=outside(0.6))
    facts = Evaluation((one, majority(one))).table
    assert list(facts.columns) == summary.COLUMNS
    first, second = facts.itertuples()
    assert (first.tracks, first.classes, first.folds) == (40, 2, 5)
    assert first.std == pytest.approx(metrics.fold_accuracies(one.predictions).std(ddof=1))
    assert 0.6 < first.low < first.accuracy < first.high < 1
    assert (second.model, second.layer, second.classifier) == ("", "", "majority")
    assert second.accuracy == 0.5
    assert np.isnan([second.external, second.drop, second.drop_low]).all()


def test_drop_is_right_on_a_shift_of_known_size():
    truth, folds = tracks(200, 200)
    right = np.tile(np.arange(200) % 10 < 9, 2)
    one = result(predictions(truth, folds, right), external=outside(0.6, (100, 100)))
    (row,) = Evaluation((one,)).table.itertuples()
    assert row.external == pytest.approx(0.6)
    assert row.drop == pytest.approx(0.3)
    # Two independent shares: their variances add up.
    expected = 1.96 * np.sqrt(0.9 * 0.1 / 400 + 0.6 * 0.4 / 200)
    assert row.drop_high - row.drop_low == pytest.approx(2 * expected, rel=0.1)
    assert row.drop_low < 0.3 < row.drop_high


def test_drop_is_over_the_classes_that_both_have():
    truth, folds = tracks(20, 20, 20)
    one = predictions(truth, folds, truth < 2)  # always wrong on the third class
    there = outside(1)
    there = Predictions(there.tracks, there.truth, np.eye(3, dtype=np.float32)[there.predicted], there.folds)
    (row,) = Evaluation((result(one, external=there),)).table.itertuples()
    assert row.accuracy == pytest.approx(2 / 3)
    assert row.external == 1
    assert row.drop == 0
    assert -0.15 < row.drop_low < 0 < row.drop_high < 0.15


def test_learning_ends_with_the_whole_training_set():
    whole, less = graded(0.9, 0.6)
    one = result(whole.predictions, learning=(LearningPoint(0.5, 16.0, less.predictions),))
    facts = Evaluation((one, majority(one))).learning
    assert facts["share"].tolist() == [0.5, 1]
    assert facts["tracks"].tolist() == [16, 32]
    assert (facts["low"] < facts["accuracy"]).all()
    assert facts["accuracy"].tolist() == [metrics.accuracy(less.predictions), metrics.accuracy(whole.predictions)]


def test_one_fold_has_no_spread():
    one = result(outside(0.8))
    facts = Evaluation((one,)).table
    assert np.isnan(facts["std"][0])
    assert "standard deviation" not in Evaluation((one,))._repr_html_()


# -- which cell ---------------------------------------------------------------------------------------------------


def several():
    truth, folds = tracks(10, 10)
    made = [predictions(truth, folds, np.arange(20) % 10 < n) for n in (6, 9, 7)]
    results = [
        result(one, model="msd-musicnn-1", layer=layer) for one, layer in zip(made, ("x", "y", "z"), strict=True)
    ]
    return [*results, result(made[2], model="own <vectors>"), majority(results[0])]


def test_the_best_cell_is_meant_where_nothing_is_said():
    assert Evaluation(tuple(several())).result().layer == "y"


def test_cells_are_found_by_what_they_are():
    evaluation = Evaluation(tuple(several()))
    assert evaluation.result("musicnn", layer="z").layer == "z"
    assert evaluation.result("own <vectors>").model == "own <vectors>"
    assert evaluation.result("majority").is_baseline
    with pytest.raises(
        OptionError, match=r"Several results have the model 'musicnn'.*/ x / mlp;.*/ y / mlp;.*/ z / mlp\."
    ):
        evaluation.result("musicnn")
    with pytest.raises(OptionError, match=r"no layer 'w' of 'musicnn' here; there is 'x', 'y', 'z'\."):
        evaluation.result("musicnn", layer="w")
    with pytest.raises(OptionError, match=r"There is no task 'moood' here. Did you mean 'mood'"):
        evaluation.result(task="moood")
    with pytest.raises(OptionError, match="not asked about another collection"):
        evaluation.predictions("majority", external=True)
    with pytest.raises(OptionError, match="say task=, one of 'mood', 'tempo'"):
        Evaluation((*several(), *graded(0.5, task="tempo"))).result()
    with pytest.raises(OptionError, match="nothing in this evaluation"):
        Evaluation(()).result()
    with pytest.raises(OptionError, match="are not at hand"):
        evaluation.confusion("majority")


def test_predictions_and_mistakes():
    truth, folds = tracks(3, 3, folds=3)
    right = np.array([True, False, True, True, True, False])
    made = predictions(truth, folds, right)
    made.proba[1] = [0.05, 0.95]
    there = pd.DataFrame({"name": [f"other {i}" for i in range(50)]})
    evaluation = Evaluation((result(made, external=outside(0.8), names=("sad", "<i>")),), {"mood": source(6, there)})
    facts = evaluation.predictions()
    assert facts.index.name == "track"
    assert facts["name"].tolist() == [f"{i}.wav" for i in range(6)]
    assert facts["right"].tolist() == right.tolist()
    assert facts.loc[1].tolist() == ["1.wav", "sad", "<i>", False, pytest.approx(0.95), 1]
    assert evaluation.mistakes().index.tolist() == [1, 5]
    assert evaluation.mistakes(external=True)["name"].str.startswith("other").all()
    matrix = evaluation.confusion_matrix()
    assert matrix.to_numpy().tolist() == [[2, 1], [1, 2]]
    assert matrix.index.tolist() == matrix.columns.tolist() == ["sad", "<i>"]


def test_all_cells_of_a_task_have_the_same_classes():
    truth, folds = tracks(5, 5)
    made = predictions(truth, folds, truth == 0)
    with pytest.raises(OptionError, match="those of 'mood' have a, b or sad, happy"):
        Evaluation((result(made, names=("a", "b")), result(made, model="n", names=("sad", "happy"))))


def test_evaluations_are_put_together():
    first, second = graded(0.6, 0.9)
    one = Evaluation((first, majority(first)), {"mood": source(40)}, ("Same.", "One."), seed=3)
    two = Evaluation((second, majority(first)), {"mood": source(40)}, ("Same.", "Two."))
    both = Evaluation.concat([one, two])
    assert [(each.model, each.classifier) for each in both.results] == [("a", "mlp"), ("", "majority"), ("b", "mlp")]
    assert both.notes == ("Same.", "One.", "Two.")
    assert both.seed == 3
    newer = Evaluation((result(second.predictions, model="a"),), {"mood": source(40)})
    assert Evaluation.concat([one, newer]).result("a").predictions is second.predictions
    elsewhere = TaskCollections(source(40).table.assign(path="/elsewhere"))
    with pytest.raises(OptionError, match="each of other tracks"):
        Evaluation.concat([one, Evaluation((second,), {"mood": elsewhere})])
    with pytest.raises(OptionError, match="At least one evaluation is expected, in a list; none was given"):
        Evaluation.concat([])
    with pytest.raises(OptionError, match="At least one evaluation is expected, in a list; int was given"):
        Evaluation.concat([one, 3])


def test_a_table_without_names_and_paths_that_are_none():
    first, second = graded(0.6, 0.9)
    bare = TaskCollections(source(40).table[[]])
    both = Evaluation.concat([Evaluation((first,), {"mood": bare}), Evaluation((second,), {"mood": bare})])
    assert set(both.predictions("a")["name"]) == {""}
    for path in ("", "/", "a\0b"):
        with pytest.raises(EmbvizError, match="could not be written"):
            both.to_csv(path)


# -- as it is shown -----------------------------------------------------------------------------------------------


class Table(HTMLParser):
    """Cells of a table's body, by row: their classes and their text."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.tags, self.hints, self.within = [], set(), [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.add(tag)
        self.hints.append(attributes.get("title", ""))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append([attributes.get("class", ""), ""])
            self.within = True

    def handle_endtag(self, tag):
        self.within = self.within and tag not in ("td", "th")

    def handle_data(self, data):
        if self.within:
            self.rows[-1][-1][1] += data


def best(row):
    return [text for classes, text in row if "best" in classes]


def test_the_best_of_each_task_is_shaded_and_ties_are_together():
    results = [
        *graded(0.8, 0.9, 0.6, external=outside(0.5), task="mood"),
        *graded(0.85, 0.85, 0.6, external=outside(0.8), task="tempo"),
    ]
    guesses_of = [majority(results[0], task=task, external=outside(0.5)) for task in ("mood", "tempo")]
    evaluation = Evaluation((*results, *guesses_of))
    mood, tempo = Table(evaluation._repr_html_()).rows[2:]
    assert [text.split(" ")[0] for text in best(mood)] == ["90.0"], "elsewhere, none is better than guessing"
    assert len(best(tempo)) == 2 + 3
    assert all(" best" in text for text in best(mood))
    table_data = evaluation.table_data()
    assert [one["best_cv"] for one in table_data["rows"][0]["cells"]] == [False, True, False]
    assert table_data["headings"]["cv"] == "5 folds"
    assert mood[0][1] == "mood2 classes · 40 tracks · 5 foldsext.: 50 tracks"
    assert json.loads(json.dumps(table_data, allow_nan=False)) == table_data


def test_one_model_is_no_best():
    one = graded(0.8)[0]
    assert not any(best(row) for row in Table(Evaluation((one, majority(one)))._repr_html_()).rows)


def test_a_single_task_has_its_models_in_rows():
    results = graded(0.8, 0.9)
    rows = Table(Evaluation((*results, majority(results[0])))._repr_html_()).rows
    assert [row[0][1] for row in rows] == ["mood2 classes · 40 tracks · 5 folds", "a", "b", "majority"]
    assert rows[-1][1][1] == "50.0"
    assert best(rows[2])


def test_figures_tell_their_interval_with_and_without_a_mouse():
    evaluation = Evaluation(tuple(graded(0.8, 0.9)))
    page = Table(evaluation._repr_html_())
    (hint,) = [hint for hint in page.hints if hint.startswith("95 %")][:1]
    low, high = re.match(r"95 % bootstrap interval (\S+) to (\S+); .*; 40 tracks$", hint).groups()
    assert f"{low}–{high}" in page.rows[1][1][1]


def test_tasks_with_other_folds_say_so():
    truth, folds = tracks(20, 20, folds=10)
    ten = result(predictions(truth, folds, truth == 0), task="tempo")
    text = Evaluation((*graded(0.8), ten))._repr_html_()
    assert "10 folds" in text
    assert ">CV<" in text


def test_published_figures_stand_beside_those_of_a_known_task():
    ten = np.repeat(np.arange(10), 5)
    made = predictions(ten, np.tile(np.arange(5), 10), ten < 5)
    known = Evaluation((result(made, task="gtzan"), *graded(0.8, task="danceability"), *graded(0.8)))
    rows = known.table_data()["rows"]
    assert {"model": "msd-musicnn-1", "accuracy": "83 %"}.items() <= rows[0]["published"][0].items()
    text = Table(known._repr_html_())
    assert [row[0][1] for row in text.rows].count("published, 5 folds") == 2
    assert "Essentia Labs" in known._repr_html_()
    # A column that happens to have the name, with other classes.
    assert Evaluation(tuple(graded(0.8, task="gtzan"))).table_data()["rows"][0]["published"] == []
    assert "Published" not in Evaluation(tuple(graded(0.8)))._repr_html_()


@pytest.mark.slow
def test_a_wide_table_scrolls_and_keeps_its_names_in_sight(browser):
    results = [one for task in ("mood", "tempo") for one in graded(*[0.8] * 6, task=task, external=outside(0.6))]
    page = browser.new_page(viewport={"width": 500, "height": 500})
    jupyter = "--jp-border-width: 1px; --jp-layout-color0: #123456"
    page.set_content(f"<body style='{jupyter}'>{Evaluation(tuple(results))._repr_html_()}</body>")
    # What is hidden from sight ("best") makes the page no wider than the table's own frame does.
    assert page.evaluate("document.documentElement.scrollWidth") == 500
    frame = page.get_by_role("group", name="Scores")
    frame.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('.scroll').scrollLeft > 0")
    frame.evaluate("frame => frame.scrollLeft = 300")
    name = page.get_by_role("rowheader", name="tempo")
    assert 0 <= name.bounding_box()["x"] < 20
    assert name.evaluate("node => getComputedStyle(node).backgroundColor") == "rgb(18, 52, 86)"
    page.evaluate("document.body.removeAttribute('style')")
    assert name.bounding_box()["x"] < 0  # nothing to be put behind it: it scrolls with the rest
    page.close()


HOSTILE = "<script>alert('x')</script>\n& $a_b$ \\input{f} \"'% ^~ \u202e"


def test_hostile_names_are_text():
    truth, folds = tracks(10, 10)
    made = [predictions(truth, folds, np.arange(20) % 10 < n) for n in (6, 9)]
    results = [
        result(one, task=f"{HOSTILE}{n}", model=f"[{HOSTILE}", layer=f"{HOSTILE}{n}", names=(HOSTILE, "b"))
        for n, one in enumerate(made)
    ]
    evaluation = Evaluation(tuple(results), notes=(HOSTILE,))
    page = Table(evaluation._repr_html_())
    assert "script" not in page.tags
    assert page.rows[2][0][1].startswith("<script>alert('x')</script> & $a_b$ \\input{f}")
    tex = evaluation.to_latex()
    body = "".join(line for line in tex.splitlines() if not line.startswith("%"))
    assert r"\input" not in body
    assert r"\$a\_b\$ \textbackslash{}input\{f\}" in body
    assert re.findall(r"(?<!\\)[$%#_^~]", body.replace("$-$", "")) == []
    assert "\u202e" not in tex + evaluation._repr_html_() + repr(evaluation)
    assert len(repr(evaluation).splitlines()) == 4


def test_latex_is_a_table_with_grey_cells(tmp_path):
    results = graded(0.8, 0.9, external=outside(0.8))
    evaluation = Evaluation((*results, majority(results[0], external=outside(0.5))))
    text = evaluation.to_latex(tmp_path / "table.tex")
    assert (tmp_path / "table.tex").read_text() == text
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert {row.count("&") - row.count(r"\&") for row in rows[1:]} == {7}
    assert rows[0].count("multicolumn{3}") == 2
    assert rows[2].count(r"\cellcolor[gray]{0.9}\textbf{90.0}") == 1
    assert rows[2].count(r"\cellcolor[gray]{0.75}\textbf{80.0}") == 2
    assert text.count("{") == text.count("}")
    fact = evaluation.table.iloc[1]
    assert rf"\textbf{{90.0}} {{\scriptsize ({100 * fact.low:.1f}--{100 * fact.high:.1f})}}" in rows[2]
    assert "small: 95 % bootstrap intervals over tracks." in text
    bare = evaluation.to_latex(intervals=False)
    assert "scriptsize" not in bare
    assert "small:" not in bare


def test_the_caption_names_the_column_of_the_groups():
    one = graded(0.8)[0].predictions
    grouped = Predictions(one.tracks, one.truth, one.proba, one.folds, np.arange(40) // 4)
    made = source(40)
    named = Evaluation((result(grouped),), {"mood": TaskCollections(made.table, None, "record\nlabel")})
    assert "intervals over groups of tracks (column record label)." in named.to_latex().replace("\n%", "")
    assert "intervals over groups of tracks." in Evaluation((result(grouped),), {"mood": made}).to_latex()


def test_what_is_shaded_is_better_by_the_comparison_in_pairs():
    results = graded(0.7, 0.7)
    evaluation = Evaluation((*results, majority(results[0])))
    assert (evaluation.table["low"][:2] > 0.5).all()
    assert (evaluation.pairs["p_adjusted"] > 0.05).all()
    assert not any(cell["best_cv"] for cell in evaluation.table_data()["rows"][0]["cells"])
    assert not any("best" in classes for row in Table(evaluation._repr_html_()).rows for classes, _ in row)
    assert "cellcolor[" not in evaluation.to_latex()
    assert "better than the baseline (the majority) by a paired comparison, p < 0.05" in evaluation.to_latex()


def test_csv_is_the_table(tmp_path):
    evaluation = Evaluation(tuple(graded(0.8, 0.9, task="a,\n\ud800")))
    path = evaluation.to_csv(tmp_path / "deep" / "table.csv")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["accuracy"]) for row in rows] == evaluation.table["accuracy"].tolist()
    assert rows[0]["task"] == "a,\n?"
    with pytest.raises(EmbvizError, match="could not be written: Is a directory"):
        evaluation.to_csv(tmp_path)


def test_repr_names_the_best_of_each_task():
    text = repr(Evaluation(tuple(graded(0.8, 0.9))))
    assert text.startswith("<Evaluation: 1 task × 2 models, 2 cells>\n  mood: 90.0 % (")
    assert text.endswith(" b / embedding / mlp")


def test_repr_has_baselines_and_notes():
    (one,) = graded(0.8)
    long = "Some class has fewer artists than the 5 folds: " + "artists are not kept apart, " * 4 + "\nat all."
    text = repr(Evaluation((one, majority(one)), notes=(long,)))
    assert "\n    baselines: majority 50.0 %\n  Note: Some class has fewer artists than the 5 folds" in text
    assert text.endswith(" at all.")
    assert max(map(len, text.splitlines())) <= 110


def test_nothing_is_shown_as_nothing():
    empty = Evaluation(())
    assert "no cell has been computed" in empty._repr_html_()
    assert len(empty.table) == len(empty.pairs) == len(empty.learning) == 0
    assert repr(empty) == "<Evaluation: 0 tasks × 0 models, 0 cells>"
