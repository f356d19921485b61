"""Tasks that are no classes, quantities and several labels per track: figures equal to scikit-learn's by fold."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from sklearn.calibration import calibration_curve
from sklearn.metrics import (
    average_precision_score,
    mean_absolute_error,
    precision_score,
    r2_score,
    recall_score,
    roc_auc_score,
    top_k_accuracy_score,
)

from embviz import Cache, Head, Vectors
from embviz.analysis import cross_validation
from embviz.errors import CollectionError, OptionError
from embviz.evaluation import Evaluation, evaluate, label_areas, targets, train, weighted_metrics
from embviz.evaluation.results import Predictions, Result

N = 120
TAGS = ("jazz", "pop", "rock")
PLAIN = {"workers": 1, "cache": False, "progress": False}


@pytest.fixture(scope="module")
def vectors():
    return Vectors.from_array(np.random.default_rng(0).normal(size=(N, 6)).astype(np.float32), range(N))


@pytest.fixture(scope="module")
def table(vectors):
    x, rng = np.asarray(vectors.values, float), np.random.default_rng(1)
    has = x[:, :3] + 0.4 * rng.normal(size=(N, 3)) > 0.5
    columns = {f"is_{name}": has[:, i].astype(int) for i, name in enumerate(TAGS)}
    tags = [[name for name, there in zip(TAGS, row, strict=True) if there] for row in has]
    tempo = 120 + 20 * x[:, 0] + 5 * rng.normal(size=N)
    return pd.DataFrame({"name": [f"{i}.wav" for i in range(N)], "tempo": tempo, "tags": tags, **columns})


@pytest.fixture(scope="module")
def tempo(table, vectors):
    return evaluate(table, "tempo", vectors, classifier=["mlp", "logistic", "knn"], **PLAIN)


@pytest.fixture(scope="module")
def tags(table, vectors):
    return evaluate(table, "tags", vectors, classifier=["mlp", "logistic", "knn"], **PLAIN)


def by_fold(predictions, score):
    """The mean over folds of a score of truth and prediction."""
    folds = [predictions.folds == fold for fold in np.unique(predictions.folds)]
    return np.mean([score(predictions.truth[rows], predictions.proba[rows]) for rows in folds])


# Quantities. ---------------------------------------------------------------------------------------------------------


def test_a_quantity_has_the_figures_of_scikit_learn(tempo):
    rows = tempo.table.set_index("classifier")
    assert list(rows.index) == ["mlp", "ridge", "knn", "mean", "median"]
    assert set(rows["measure"]) == {"R²"}
    assert rows["accuracy"].isna().all()
    for result in tempo.results:
        row = rows.loc[result.classifier]
        assert row.score == pytest.approx(by_fold(result.predictions, r2_score), abs=1e-9)
        assert row.mae == pytest.approx(by_fold(result.predictions, mean_absolute_error), abs=1e-9)
        if not result.is_baseline:
            rank = by_fold(result.predictions, lambda truth, found: spearmanr(truth, found[:, 0]).statistic)
            assert row.spearman == pytest.approx(rank, abs=1e-9)
            assert row.low < row.score < row.high
            assert row.mae_low < row.mae < row.mae_high
            assert row.spearman_low < row.spearman < row.spearman_high
    assert rows.loc["ridge", "score"] > 0.9
    assert -0.1 < rows.loc["mean", "score"] <= 0
    assert rows.loc["median", "mae"] < 20


def test_what_a_column_was_taken_for_is_said_and_can_be_said_otherwise(table, vectors, tempo, tags):
    assert "Column 'tempo': a quantity is predicted (regression), scored by R²." in tempo.notes
    assert "Column 'tags': 3 labels are predicted, each by itself, scored by ROC-AUC." in tags.notes
    rated = table.assign(rating=np.clip(np.round(table["tempo"] / 20), 4, 8).astype(int))
    options = {"classifier": "logistic", "folds": 2, **PLAIN}
    found = [evaluate(rated, "rating", vectors, kind=kind, **options).results[0].kind for kind in ("auto", "quantity")]
    assert found == ["classes", "quantity"]
    with pytest.raises(OptionError, match=r"^kind is one of 'auto', 'classes', 'quantity', 'labels'; 'x' was found"):
        evaluate(table, "tempo", vectors, kind="x")


def test_residuals_are_listed_the_farthest_first_and_heard_by_range(tempo, table):
    residuals = tempo.residuals()
    assert list(residuals.columns) == ["name", "truth", "predicted", "residual", "fold"]
    assert residuals["residual"].abs().is_monotonic_decreasing
    np.testing.assert_allclose(residuals["truth"], table.loc[residuals.index, "tempo"])
    matrix = tempo.confusion("own", classifier="ridge")
    counts = matrix.counts
    assert counts.to_numpy().sum() == N
    assert counts.sum(axis=1).tolist() == [24] * 5
    assert counts.index[0].startswith("below ")
    middle = counts.index[2]
    chosen = matrix.choose(middle, middle).selection
    assert chosen["residual"].abs().is_monotonic_decreasing
    first = matrix.widget.chosen["rows"][0]
    assert first["said"] == f"{chosen['truth'].iloc[0]:.4g} → {chosen['predicted'].iloc[0]:.4g}"
    matrix.close()


def test_shuffled_quantities_and_labels_are_not_predicted(table, vectors):
    found, above = [], []
    for seed in range(8):
        order = np.random.default_rng(seed).permutation(N)
        shuffled = table.assign(tempo=table["tempo"].to_numpy()[order], tags=[table["tags"][i] for i in order])
        rows = evaluate(shuffled, ["tempo", "tags"], vectors, classifier="logistic", **PLAIN).table
        tempo, tags = (row for row in rows.itertuples() if row.model)
        found.append([tempo.spearman, tempo.score, tags.score])
        above.append([tempo.spearman_low > 0, tempo.low > 0, tags.low > 0.5])
        assert tags.low <= tags.score <= tags.high
    rank, r2, auc = np.mean(found, axis=0)
    assert rank == pytest.approx(0, abs=0.1)
    assert r2 == pytest.approx(-0.07, abs=0.08)  # what is fitted to nothing is a little worse than the mean
    assert auc == pytest.approx(0.5, abs=0.04)
    # Guessing lies within the interval, or above it, but for what other training sets would have changed.
    assert (np.sum(above, axis=0) <= [2, 0, 2]).all()


def test_years_keep_their_digits_and_constant_dimensions_do_no_harm(vectors):
    x = np.asarray(vectors.values)
    own = Vectors.from_array(np.column_stack([x, np.ones(N)]).astype(np.float32), range(N))
    table = pd.DataFrame({"year": np.round(1990 + 8 * x[:, 0]).astype(int)})
    row = evaluate(table, "year", own, classifier="logistic", **PLAIN).table.iloc[0]
    assert row.score > 0.98
    assert row.mae < 1


# Several labels per track. -------------------------------------------------------------------------------------------


def test_labels_have_the_figures_of_scikit_learn(tags):
    rows = tags.table.set_index("classifier")
    assert list(rows.index) == ["mlp", "logistic", "knn", "majority", "chance"]
    assert set(rows["measure"]) == {"ROC-AUC"}
    for result in tags.results:
        row, own = rows.loc[result.classifier], result.predictions
        assert row.score == pytest.approx(by_fold(own, roc_auc_score), abs=1e-9)
        assert row.pr_auc == pytest.approx(by_fold(own, average_precision_score), abs=1e-9)
    for name in ("mlp", "logistic", "knn"):
        row = rows.loc[name]
        assert row.score > 0.85
        assert row.low < row.score < row.high
        assert row.pr_auc_low < row.pr_auc < row.pr_auc_high
    assert tags.pairs["p_adjusted"].between(0, 1).all()


def test_each_label_has_its_figures_and_thresholds_that_saw_other_folds_only(tags):
    own = tags.result("own", classifier="logistic").predictions
    rows = tags.per_label("own", classifier="logistic").set_index("label")
    assert tuple(rows.index) == TAGS
    given = weighted_metrics.decide(own)
    for i, name in enumerate(TAGS):
        row = rows.loc[name]
        areas = [roc_auc_score(own.truth[own.folds == f, i], own.proba[own.folds == f, i]) for f in range(5)]
        assert row.auc == pytest.approx(np.mean(areas), abs=1e-9)
        assert row.auc_low < row.auc < row.auc_high
        assert row.precision == pytest.approx(precision_score(own.truth[:, i], given[:, i]))
        assert row.recall == pytest.approx(recall_score(own.truth[:, i], given[:, i]))
    # A threshold does not change with the tracks that it decides about.
    other = own.truth.copy()
    other[own.folds == 0] = ~other[own.folds == 0]
    changed = weighted_metrics.decide(Predictions(own.tracks, other, own.proba, own.folds))
    np.testing.assert_array_equal(changed[own.folds == 0], given[own.folds == 0])
    answered = tags.predictions("own", classifier="logistic")
    assert (answered["missing"] + answered["added"]).sum() == (given != own.truth).sum()
    assert (tags.mistakes("own", classifier="logistic")[["missing", "added"]].sum(axis=1) > 0).all()


def test_ties_count_half():
    truth = np.array([[1, 0], [0, 1], [1, 1], [0, 0], [1, 0], [0, 1]], bool)
    proba = np.array([[0.5, 0.1], [0.5, 0.1], [0.9, 0.1], [0.1, 0.8], [0.5, 0.8], [0.9, 0.8]], np.float32)
    own = Predictions(np.arange(6), truth, proba, np.zeros(6, np.int64))
    found = weighted_metrics.scores(own)
    assert found["auc"] == pytest.approx(roc_auc_score(truth, proba))
    assert found["pr_auc"] == pytest.approx(average_precision_score(truth, proba))


@pytest.mark.parametrize(("share", "truth"), [(0.4, 0.7602), (0.1, 0.7602), (0.06, 0.5)])
def test_intervals_hold_the_truth_about_as_often_as_they_say(share, truth):
    """Also where a fold has one or two tracks with a label: weights within a fold held it 55 times of 100."""
    rng, held, apart = np.random.default_rng(0), 0, truth > 0.5  # two bells, one apart, or none
    for seed in range(100):
        has = rng.permutation(np.arange(120) < round(120 * share))[:, None]
        score = (rng.normal(size=(120, 1)) + apart * has).astype(np.float32)
        folds = cross_validation.make_folds(has[:, 0].astype(np.int64), np.arange(120), 5, seed)
        own = Predictions(np.arange(120), np.repeat(has, 2, axis=1), np.repeat(score, 2, axis=1), folds)
        low, high = np.quantile(weighted_metrics.draw_scores(own, [seed], 200)["auc"], [0.025, 0.975])
        held += low <= truth <= high
    assert held >= 86


def test_what_a_track_adds_to_an_area_is_its_derivative():
    rng = np.random.default_rng(0)
    truth, score = rng.random(40) < 0.3, np.round(rng.random(40), 1).astype(np.float32)
    _, parts = label_areas._one_fold(truth, score)
    for place, metric in enumerate((roc_auc_score, average_precision_score)):
        for track in (0, 7, int(np.flatnonzero(truth)[0])):
            weights = np.ones((2, 40))
            weights[:, track] += [1e-5, -1e-5]
            more, less = (metric(truth, score, sample_weight=some) for some in weights)
            side = truth if truth[track] else ~truth
            # A track counts among those of its side; the rest is the mean of these, which is subtracted.
            centred = (parts[place, track] - parts[place][side].mean()) / side.sum()
            assert (more - less) / 2e-5 == pytest.approx(centred, abs=1e-3 if place == 0 else 2e-2)


def test_labels_in_columns_are_one_task(table, vectors, tags):
    names = [f"is_{name}" for name in TAGS]
    found = evaluate(table, {"all": names}, vectors, classifier="logistic", **PLAIN)
    assert found.tasks == ["all"]
    assert found.results[0].classes == tuple(names)
    score = tags.table.set_index("classifier").loc["logistic", "score"]
    assert found.table["score"][0] == pytest.approx(score, abs=1e-9)


def test_folds_share_out_each_label_and_keep_groups_together():
    rng = np.random.default_rng(0)
    truth = rng.random((400, 12)) < np.linspace(0.02, 0.5, 12)
    groups = rng.integers(0, 130, 400)
    folds = cross_validation.make_folds(np.column_stack([truth, ~truth]).astype(np.int64), groups, 5, 0)
    assert len({*zip(groups.tolist(), folds.tolist(), strict=True)}) == len(set(groups.tolist()))
    sizes = np.bincount(folds)
    assert sizes.min() > 60
    held = np.array([truth[folds == fold].sum(axis=0) for fold in range(5)])
    assert (held > 0).all()
    assert np.abs(held / held.sum(axis=0) - 0.2)[:, 4:].max() < 0.08


def test_a_label_is_heard_by_right_and_wrong(tags):
    matrix = tags.confusion("own", classifier="logistic", label="rock")
    assert list(matrix.counts.index) == ["not rock", "rock"]
    given = weighted_metrics.decide(tags.result("own", classifier="logistic").predictions)[:, 2]
    assert matrix.counts.to_numpy().sum(axis=0).tolist() == [(~given).sum(), given.sum()]
    chosen = matrix.choose("rock", "rock").selection
    assert chosen["truth"].all()
    assert matrix.widget.chosen["rows"][0]["said"].endswith(" %")
    matrix.close()
    with pytest.raises(OptionError, match=r"^There is no label 'roc' in 'tags'; .* Did you mean 'rock'"):
        tags.confusion("own", classifier="logistic", label="roc")


# Thresholds, ranks, calibration. -------------------------------------------------------------------------------------


def test_the_cost_of_a_threshold(tags):
    own = tags.result("own", classifier="logistic").predictions
    rows = tags.thresholds("pop", "own", classifier="logistic", miss=3, alarm=1)
    truth = own.truth[:, 1]
    assert rows["threshold"][0] == np.inf
    assert rows["cost"][0] == pytest.approx(3 * truth.mean())
    row = rows.iloc[30]
    given = own.proba[:, 1] >= row.threshold
    assert row.precision == pytest.approx(precision_score(truth, given))
    assert (row.misses, row.alarms) == ((truth & ~given).sum(), (given & ~truth).sum())
    assert row.cost == pytest.approx((3 * row.misses + row.alarms) / N)
    # Who fears misses more gives a label sooner.
    dear = tags.thresholds("pop", "own", classifier="logistic", miss=1, alarm=3)
    assert rows.loc[rows["cost"].idxmin(), "threshold"] < dear.loc[dear["cost"].idxmin(), "threshold"]
    with pytest.raises(OptionError, match=r"^Costs are numbers of at least 0, -1 and 1.0 were found"):
        tags.thresholds("pop", "own", classifier="logistic", miss=-1)


def test_top_k_and_calibration_are_those_of_scikit_learn(table, vectors, tags):
    classes = table.assign(genre=[name[0] if name else "none" for name in table["tags"]])
    found = evaluate(classes, "genre", vectors, classifier="logistic", **PLAIN)
    own = found.result().predictions
    expected = by_fold(own, lambda truth, proba: top_k_accuracy_score(truth, proba, k=2, labels=range(4)))
    assert found.top_k(2) == pytest.approx(expected)
    assert found.top_k(4) == 1
    assert found.top_k() == found.top_k(3)
    assert tags.top_k() == tags.top_k(2)  # of three
    assert tags.top_k(1) > 0.8
    curve = found.top_k_plot(most=3).data[0]
    assert list(curve.x) == [1, 2, 3]
    np.testing.assert_allclose(curve.y, [100 * found.top_k(k) for k in (1, 2, 3)])
    assert len(tags.top_k_plot("own", classifier="knn").data[0].x) == len(TAGS)
    with pytest.raises(OptionError, match=r"^most is a whole number of at least 1, 0 was found"):
        found.top_k_plot(most=0)
    share, said = calibration_curve(own.truth == 1, own.proba[:, 1], n_bins=5)
    rows = found.calibration("none", bins=5)
    np.testing.assert_allclose(rows["share"], share)
    np.testing.assert_allclose(rows["probability"], said, rtol=1e-6)
    assert rows["number"].sum() == N
    assert found.calibration()["number"].sum() == 4 * N
    drawn = found.calibration_plot("none", bins=5)
    assert np.allclose(drawn.data[1].y, 100 * rows["share"])
    assert "Calibration of none" in drawn.layout.title.text
    marked = found.thresholds_plot("none", miss=3)
    assert [trace.name.split(">")[1].split("<")[0] for trace in marked.data] == ["precision", "recall", "f1"]
    assert len(marked.layout.shapes) == 1
    assert "the least cost" in marked.layout.annotations[-1].text
    for k in (0, 5, True):
        with pytest.raises(OptionError, match=rf"^k is a whole number from 1 to 4, {k} was found"):
            found.top_k(k)
    with pytest.raises(OptionError, match=r"^bins is a whole number from 1"):
        found.calibration(bins=0)


# Bad cells. ----------------------------------------------------------------------------------------------------------


EXTRACT = r"(-?[0-9.]+)"
AS_TEXT = "collection['x']"


@pytest.mark.parametrize(
    ("cells", "remedy", "make"),
    [
        ("{:.1f}", AS_TEXT, lambda x: x),
        ("{:.1f} BPM", f"{AS_TEXT}.str.extract(r'{EXTRACT}', expand=False)",
         lambda x: x.str.extract(EXTRACT, expand=False)),
        ("{:.1f}|,", f"{AS_TEXT}.str.replace(',', '.')", lambda x: x.str.replace(",", ".")),
        ("{:.1f}|n/a", f"{AS_TEXT}.str.extract(r'{EXTRACT}', expand=False)",
         lambda x: x.str.extract(EXTRACT, expand=False)),
    ],
)  # fmt: skip
def test_numbers_as_text_are_told_with_what_makes_numbers_of_them(table, vectors, cells, remedy, make):
    form, _, odd = cells.partition("|")
    texts = [form.format(i / 3) for i in range(N)]
    texts = (
        [text.replace(".", ",") for text in texts]
        if odd == ","
        else [odd if odd and i % 9 == 0 else text for i, text in enumerate(texts)]
    )
    written = table.assign(x=texts)
    with pytest.raises(CollectionError, match="'x' holds numbers as text") as raised:
        evaluate(written, "x", vectors, classifier="logistic", **PLAIN)
    assert f"as with assign(x=pandas.to_numeric({remedy})), or say kind='classes'" in str(raised.value)
    made = pd.to_numeric(make(written["x"]))
    assert made.notna().sum() > 0.8 * N
    assert made.dropna().iloc[-1] == pytest.approx((N - 1) / 3, abs=0.1)


def test_folds_of_few_tracks_say_that_r2_means_little(table, vectors):
    few = table.head(12).assign(x=np.arange(12) / 7)
    found = evaluate(few, "x", vectors, folds=5, **PLAIN)
    assert any("A fold tests as few as 2 tracks: R² compares with the mean of these" in note for note in found.notes)
    assert not any("as few as" in note for note in evaluate(table, "tempo", vectors, classifier="knn", **PLAIN).notes)


def test_odd_lists_of_labels(vectors):
    """Labels twice in a list, texts among lists, empty lists, and cells that are not known."""
    cells = [["a", "a"], "a", ("b", "a"), [], None, ["b "], np.array(["b"]), {"a"}] * (N // 8)
    found = evaluate(pd.DataFrame({"x": pd.Series(cells)}), "x", vectors, classifier="logistic", **PLAIN)
    own = found.results[0].predictions
    assert found.results[0].classes == ("a", "b")
    np.testing.assert_array_equal(own.truth[:7], [[1, 0], [1, 0], [1, 1], [0, 0], [0, 1], [0, 1], [1, 0]])
    assert any(note.startswith("15 tracks without a label in 'x': left out") for note in found.notes)


def test_thousands_of_labels_are_refused_before_anything_is_trained(vectors):
    table = pd.DataFrame({"x": pd.Series([[f"t{i}", f"t{i + N}", f"u{i % 20}"] for i in range(N)])})
    with pytest.raises(CollectionError, match=r"^Label 't0' of 'x' is on 1 track, fewer than the 5 folds") as raised:
        evaluate(table, "x", vectors, **PLAIN)
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize("mark", [";", "|"])
def test_labels_in_one_text_are_split_where_it_is_said(table, vectors, mark):
    texts = table.assign(x=[(f"a {mark}b", "a", "b", f"b{mark}{mark}b")[i % 4] for i in range(N)])
    found = evaluate(texts, "x", vectors, classifier="logistic", **PLAIN)
    assert found.results[0].kind == "classes"
    assert any(f"texts with {mark!r} are a class each; with kind='labels', what" in note for note in found.notes)
    split = evaluate(texts, "x", (vectors, vectors), kind="labels", external=texts, classifier="logistic", **PLAIN)
    assert split.results[0].classes == ("a", "b")
    assert f"Column 'x': 2 labels are predicted, each by itself, scored by ROC-AUC; texts were split at {mark!r}." in (
        split.notes
    )
    assert split.table["external_tracks"][0] == N
    np.testing.assert_array_equal(split.results[0].predictions.truth[:4], [[1, 1], [1, 0], [0, 1], [0, 1]])


def test_what_a_column_can_be_taken_for(table):
    odd = pd.DataFrame(
        {
            "rating": np.arange(N) % 5,
            "year": np.arange(N) + 1900,
            "tags": [f"t{i % 3};u{i % 40};v{i % 7}" for i in range(N)],
            "pair": [("a;b", "a", "b")[i % 3] for i in range(N)],
            "same": [1] * N,
        }
    )
    offered = {one["name"]: one for one in targets.list_targets(odd)}
    assert {name: (one["kinds"], one["ask"]) for name, one in offered.items()} == {
        "rating": (["classes", "quantity"], "auto"),
        "year": (["quantity"], "auto"),
        "tags": (["labels"], "labels"),  # hardly two tracks have the same
        "pair": (["classes", "labels"], "auto"),
        "same": (["classes"], "auto"),
    }
    assert offered["tags"]["classes"] == 50
    assert offered["same"]["why"] == "one class only"


# Tables, heads, other collections, the cache. ------------------------------------------------------------------------


def test_the_table_names_the_measure_of_each_task(tempo, tags):
    both = Evaluation.concat([tempo, tags])
    rows = {row["task"]: row for row in both.table_data()["rows"]}
    assert (rows["tempo"]["measure"], rows["tempo"]["guessing"]) == ("R²", 0)
    assert (rows["tags"]["measure"], rows["tags"]["guessing"]) == ("ROC-AUC", 0.5)
    html, latex = both._repr_html_(), both.to_latex()
    assert "a quantity, R²" in html
    assert "3 labels, ROC-AUC" in html
    assert "mean absolute error" in html
    assert "PR-AUC" in html
    assert "R² (of a quantity), or ROC-AUC (macro, several labels) in %" in latex.replace("\\%", "%")
    lines = [line.split(" & ")[0] for line in latex.splitlines() if " & " in line]
    assert lines[2:] == ["{tempo (R$^2$)}", r"\quad MAE", r"\quad Spearman", "{tags (ROC-AUC)}", r"\quad PR-AUC"]
    assert len({line.count(" & ") for line in latex.splitlines() if " & " in line}) == 1
    row = both.table.set_index("classifier").loc["ridge"]
    [mae] = [line for line in latex.splitlines() if line.startswith(r"\quad MAE")]
    assert f" {row.mae:.4g} " in mae
    assert "tempo: R² " in repr(both)
    texts = [str(note.text) for note in both.plot().layout.annotations]
    assert any("0 %: the mean of the tracks" in text for text in texts)
    assert any("50 %" in text for text in texts)


def test_a_head_of_labels_gives_each_its_own_probability(table, vectors):
    head = train(table, "tags", vectors, classifier="logistic", cache=False, progress=False)
    assert (head.classes, head.exclusive) == (TAGS, False)


@pytest.mark.parametrize(("classifier", "kind"), [("logistic", "ridge"), ("ridge", "ridge"), ("mlp", "mlp")])
def test_a_head_of_a_quantity_gives_it_in_its_unit(table, vectors, tmp_path, classifier, kind):
    head = train(table, "tempo", vectors, classifier=classifier, cache=False, progress=False)
    assert (head.classes, head.kind, head.unit) == (("tempo",), kind, "BPM")
    again = Head.load(head.save(tmp_path / "tempo"))
    given = again.apply(np.asarray(vectors.values))
    assert given.shape == (N, 1)
    np.testing.assert_array_equal(given, head.apply(np.asarray(vectors.values)))
    assert r2_score(table["tempo"], given[:, 0]) > 0.9


def test_units_and_classifiers_that_do_not_fit_a_head_are_refused(table, vectors):
    options = {"cache": False, "progress": False}
    assert train(table.assign(x=table["tempo"]), "x", vectors, classifier="ridge", unit="m/s", **options).unit == "m/s"
    assert train(table.assign(x=table["tempo"]), "x", vectors, classifier="ridge", **options).unit == ""
    with pytest.raises(OptionError, match=r"^A unit is one of a quantity, and 'tags' is several labels per track"):
        train(table, "tags", vectors, unit="BPM", **options)
    with pytest.raises(OptionError, match=r"^Ridge regression is for quantities, and 'tags' is several labels"):
        train(table, "tags", vectors, classifier="ridge", **options)
    with pytest.raises(OptionError, match=r"^unit is the unit of a quantity as text, such as 'BPM'; 'probability' was"):
        train(table, "tempo", vectors, unit="probability", **options)


@pytest.mark.parametrize(("target", "measure"), [("tempo", "R²"), ("tags", "ROC-AUC")])
def test_learning_curves_name_their_measure(table, vectors, target, measure):
    options = {"classifier": "logistic", "learning": [0.15, 0.4], **PLAIN}
    found = evaluate(table, target, vectors, **options)
    rows = found.learning[found.learning["model"] != ""]
    assert rows["share"].tolist() == [0.15, 0.4, 1]
    assert set(rows["measure"]) == {measure}
    assert rows["score"].is_monotonic_increasing
    assert (rows["low"] < rows["score"]).all()
    assert (rows["score"] < rows["high"]).all()
    assert rows["tracks"].iloc[1] == pytest.approx(0.4 * rows["tracks"].iloc[2], rel=0.1)
    assert rows["score"].iloc[2] == pytest.approx(found.table["score"][0], abs=1e-9)
    figure = found.learning_plot()
    assert any(measure in str(note.text) for note in figure.layout.annotations)


def test_a_share_of_labels_has_each_and_lies_within_a_larger_one():
    rng = np.random.default_rng(0)
    truth = rng.random((300, 8)) < np.geomspace(0.02, 0.5, 8)
    groups, train_ = rng.integers(0, 120, 300), np.arange(0, 300, 2)
    shares = [set(cross_validation.take_share(truth, groups, train_, part, 3).tolist()) for part in (0.05, 0.3, 1.0)]
    assert shares[0] < shares[1] < shares[2] == set(train_.tolist())
    assert truth[sorted(shares[0])].any(axis=0).sum() == truth[train_].any(axis=0).sum()


@pytest.mark.parametrize("target", ["tempo", "tags"])
def test_another_collection_is_tested_too(table, vectors, target):
    own = (vectors, vectors)
    row = evaluate(table, target, own, external=table, classifier="logistic", **PLAIN).table.iloc[0]
    assert row.external > 0.85
    assert row["drop"] < 0.01
    assert row.external_tracks == N


def test_what_was_trained_is_kept(table, vectors, tmp_path):
    stages = []
    for _ in range(2):
        options = {"classifier": "logistic", "cache": Cache(tmp_path), "workers": 1}
        stages.append([])
        evaluate(table, ["tempo", "tags"], vectors, progress=lambda *said: stages[-1].append(said), **options)
    trained = [{stage for stage, *_ in some if " left" in stage} for some in stages]
    assert trained[0]
    assert not trained[1]


# Bad input. ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "options", "sentence"),
    [
        (
            [120.0] * N,
            {"kind": "quantity"},
            r"^All 120 tracks with a number in 'x' have 120: a quantity that does not vary cannot be pred",
        ),
        (
            [f"{i}.5" for i in range(N)],
            {},
            r"^Column 'x' holds numbers as text \('0\.5' was found\): make numbers of it",
        ),
        ([np.inf, *range(N - 1)], {}, "^Column 'x' holds numbers that are not finite, or beyond ±1e\\+30"),
        ([1e308, *range(N - 1)], {}, "^Column 'x' holds numbers that are not finite"),
        ([10**400, *range(N - 1)], {}, "^Column 'x' holds numbers that are not finite"),
        ([1e-310, 0] * (N // 2), {"kind": "quantity"}, "^All 120 tracks with a number in 'x' have 1e-310"),
        (
            ["a", *range(N - 1)],
            {"kind": "quantity"},
            "^A number for each track is expected in column 'x', 'a' was found",
        ),
        ([["a", "b"]] * N, {}, "^Label 'a' of 'x': all 120 tracks have it, so that nothing tells tracks apart"),
        ([["a"], ["a", "b"]] * (N // 2), {}, "^Label 'a' of 'x': all 120 tracks have it"),
        (
            [["a"], *[["b"], []] * 59, ["b"]],
            {},
            "^Label 'a' of 'x' is on 1 track, fewer than the 5 folds: add tracks, or",
        ),
        ([["a"], *[["a", "b"], ["a"]] * 59, ["b"]], {}, "^Label 'a' of 'x' is missing on 1 track, fewer than the 5"),
        ([["a"], []] * (N // 2), {}, "^Column 'x' holds 1 different label; two or more are expected"),
        ([[]] * N, {}, "^Column 'x' holds 0 different labels; two or more are expected"),
        ([np.nan] * N, {"kind": "quantity"}, "^No track has a label in column 'x'"),
        ([np.nan] * N, {"kind": "labels"}, "^No track has a label in column 'x'"),
        (["120,5"] * N, {"kind": "quantity"}, "^A number for each track is expected in column 'x', '120,5' was found"),
        ([["a"], 3.5] * (N // 2), {}, "^A list of texts for each track is expected in column 'x', '3.5' was found"),
        ([None] * N, {}, "^No track has a label in column 'x'"),
    ],
)
def test_what_cannot_be_learnt_is_refused_in_a_sentence(vectors, values, options, sentence):
    with pytest.raises(CollectionError, match=sentence) as raised:
        evaluate(pd.DataFrame({"x": pd.Series(values)}), "x", vectors, **options, **PLAIN)
    assert "\n" not in str(raised.value)


def test_columns_and_options_that_do_not_fit_are_refused(table, vectors, tempo, tags):
    with pytest.raises(CollectionError, match=r"^0 or 1 for each track is expected in column 'tempo', .* was found"):
        evaluate(table, {"x": ["tempo", "is_pop"]}, vectors, **PLAIN)
    text = table.assign(is_pop=table["is_pop"].astype(str))
    with pytest.raises(
        CollectionError, match=r"^0 or 1 .* column 'is_pop', '[01]' as text was found; make 0 and 1 of it"
    ):
        evaluate(text, {"x": ["is_pop", "is_rock"]}, vectors, **PLAIN)
    with pytest.raises(OptionError, match=r"^A mapping as target leads from a name to two or more different columns"):
        evaluate(table, {"x": ["is_pop"]}, vectors, **PLAIN)
    with pytest.raises(OptionError, match=r"^'tempo' is a quantity: residuals\(\) lists"):
        tempo.per_class()
    with pytest.raises(OptionError, match=r"^'tags' is several labels per track: per_label\(\) says"):
        tags.confusion_matrix()
    other = Result("tempo", "m", "l", "mlp", "mean", 0, 3, TAGS, tags.results[0].predictions)
    with pytest.raises(OptionError, match=r"^'tempo' is of several kinds"):
        Evaluation([tempo.results[0], other])
