"""What classifiers answered, as figures and as a matrix whose cells list and play their tracks."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from factories import bare
from IPython.core.formatters import DisplayFormatter

from embviz.errors import OptionError
from embviz.evaluation import Evaluation, plots
from embviz.evaluation.confusion import ConfusionMatrix
from embviz.evaluation.results import Predictions, Result, TaskCollections
from embviz.widgets.confusion import Confusion
from embviz.widgets.player import Player

HOSTILE = "a\u202e <b>x</b> %{y} {z} $\\pi$ \"'"
TAG = "<img src=x onerror=alert(1)>\u202egnp\nsecond"
MUSICNN, VGG = "msd-musicnn-1", "msd-vgg-1"
RTL = "موسيقى"


# -- figures ----------------------------------------------------------------------------------------------------------


def row(task, model, accuracy, **more):
    facts = {
        "task": task, "model": model, "layer": "embedding" if model else "", "classifier": "mlp", "pooling": "mean",
        "dimensions": 200, "tracks": 40, "classes": 4, "folds": 5, "measure": "accuracy", "score": accuracy,
        "accuracy": accuracy, "low": accuracy - 0.05, "high": accuracy + 0.04,
        "external": np.nan, "external_low": np.nan, "external_high": np.nan,
    }  # fmt: skip
    return facts | more


def outside(value):
    return {"external": value, "external_low": value - 0.1, "external_high": value + 0.1}


def evaluation(rows, learning=()):
    """What figures read of an evaluation: layers are as deep as they come."""
    layers = list(dict.fromkeys(facts["layer"] for facts in rows))
    names = ("task", "model", "layer", "classifier", "pooling")
    results = [
        SimpleNamespace(**{name: facts[name] for name in names}, depth=layers.index(facts["layer"])) for facts in rows
    ]
    columns = [*row("", "", 0), "share"]
    return SimpleNamespace(
        table=pd.DataFrame(rows, columns=columns),
        results=results,
        learning=pd.DataFrame(list(learning), columns=columns),
    )


def majority(task, accuracy=0.25, **more):
    return row(task, "", accuracy, classifier="majority", **more)


GENRE = [row("genre", MUSICNN, 0.7, **outside(0.6)), row("genre", VGG, 0.8, **outside(0.5)), majority("genre")]
MOOD = [row("mood", MUSICNN, 0.9, classes=2), row("mood", VGG, 0.6, classes=2), majority("mood", 0.5, classes=2)]


def notes(figure):
    return [bare(note.text) for note in figure.layout.annotations]


def test_models_are_rows_with_their_intervals_the_best_on_top():
    figure = plots.plot(evaluation(GENRE))
    inside, other = figure.data
    assert [bare(text) for text in figure.layout.yaxis.ticktext] == ["VGG-I (MSD)", "MusiCNN (MSD)"]
    assert figure.layout.yaxis.range == (1.5, -0.5)
    assert dict(zip(np.round(inside.y), inside.x, strict=True)) == pytest.approx({1: 70, 0: 80})
    assert inside.error_x.array == pytest.approx([4, 4])
    assert inside.error_x.arrayminus == pytest.approx([5, 5])
    # Told apart by their shape, and both by what is larger.
    assert (inside.marker.symbol, other.marker.symbol) == ("circle", "diamond-open")
    assert inside.marker.size[1] > inside.marker.size[0]
    assert other.marker.size[0] > other.marker.size[1]
    assert bare(inside.customdata[0]).startswith("MusiCNN (MSD)cross-validation: 70.0 % (65.0 … 74.0)")
    assert "40 tracks, 5 folds" in inside.customdata[0]
    assert "genre" in figure.layout.title.text


def test_chance_is_a_dashed_line_that_says_what_it_is():
    figure = plots.plot(evaluation(GENRE))
    [line] = figure.layout.shapes
    assert (line.line.dash, line.x0, line.x1) == ("dash", 25, 25)
    assert "chance and majority 25 %" in notes(figure)
    apart = plots.plot(evaluation([*GENRE[:2], majority("genre", 0.31)]))
    assert [(line.x0, line.line.dash) for line in apart.layout.shapes] == [(25, "dash"), (31, "dot")]
    assert "chance 25 % (dashed), majority 31 % (dotted)" in notes(apart)
    alone = plots.plot(evaluation(GENRE[:2]))
    assert "chance 25 %" in notes(alone)


def test_several_tasks_have_a_plot_each_with_the_models_in_one_order():
    figure = plots.plot(evaluation(GENRE + MOOD))
    assert {"genre", "mood", "chance and majority 50 %"} <= set(notes(figure))
    assert [(bare(trace.name), trace.xaxis) for trace in figure.data] == [
        ("cross-validation", "x"), ("external", "x"), ("cross-validation", "x2"), ("external", "x2"),
    ]  # fmt: skip
    assert [trace.showlegend for trace in figure.data] == [True, True, False, False]
    # Mean accuracy: 0.8 and 0.7.
    assert [bare(text) for text in figure.layout.yaxis2.ticktext] == ["MusiCNN (MSD)", "VGG-I (MSD)"]
    assert len(figure.data[3].x) == 0
    assert figure.layout.xaxis.range == figure.layout.xaxis2.range
    one = plots.plot(evaluation(GENRE + MOOD), task="mood")
    assert not one.data[0].showlegend
    assert len(one.data) == 1


@pytest.mark.parametrize("tasks", [1, 5, 16])
def test_all_tasks_fit(tasks):
    rows = [row(f"task {i}", model, 0.5 + i / 40) for i in range(tasks) for model in (MUSICNN, VGG, "own")]
    figure = plots.plot(evaluation(rows))
    assert len(figure.data) == tasks
    assert figure.layout.height < 250 + 200 * tasks / 2
    assert figure.layout.width == 860


def test_layers_and_classifiers_are_told_apart_in_rows_until_there_are_too_many():
    rows = [row("a", MUSICNN, 0.5 + i / 10, layer=f"l{i}", classifier=c) for i in range(2) for c in ("mlp", "knn")]
    labels = [bare(text) for text in plots.plot(evaluation(rows)).layout.yaxis.ticktext]
    assert labels == [f"MusiCNN (MSD) · l{i} · {c}" for i in (1, 0) for c in ("mlp", "knn")]
    many = [row("a", model, (i + 1) / 60, layer=f"l{i}") for i in range(30) for model in (MUSICNN, VGG)]
    figure = plots.plot(evaluation(many))
    assert [bare(text) for text in figure.layout.yaxis.ticktext] == ["MusiCNN (MSD)", "VGG-I (MSD)"]
    assert figure.data[0].x == pytest.approx([50, 50])
    assert any("only the best layer of each model" in note for note in notes(figure))


def test_layers_of_a_model_stand_in_the_order_of_their_depth():
    rows = [
        row(task, MUSICNN, 0.5 + i / 10 - t / 3 * i, layer=f"l{i}") for t, task in enumerate("ab") for i in range(3)
    ]
    shuffled = evaluation(rows)
    shuffled.table = shuffled.table.sample(frac=1, random_state=0)
    figure = plots.layers_plot(shuffled)
    curves = {bare(trace.name): trace for trace in figure.data if trace.name}
    assert set(curves) == {"a (best: l2)", "b (best: l0)"}
    rising = curves["a (best: l2)"]
    assert rising.x.tolist() == [0, 1, 2]
    assert rising.y == pytest.approx([50, 60, 70])
    assert rising.marker.size.argmax() == 2
    assert [bare(text) for text in figure.layout.xaxis.ticktext] == ["l0", "l1", "l2"]
    assert "chance 25 %" in notes(figure)
    band = figure.data[0]
    assert (band.fill, len(band.x)) == ("toself", 6)
    first, second = curves.values()
    assert first.line.dash != second.line.dash
    assert first.marker.symbol != second.marker.symbol


def test_tasks_of_other_numbers_of_classes_have_their_own_chance():
    rows = [row(task, MUSICNN, 0.5, layer=layer, classes=n) for task, n in zip("abc", (2, 4, 4), strict=True)
            for layer in ("in", "out")]  # fmt: skip
    figure = plots.layers_plot(evaluation(rows))
    assert sorted(line.y0 for line in figure.layout.shapes) == [25, 50]
    assert {"chance 25 % (b, c)", "chance 50 % (a)"} <= set(notes(figure))
    near = plots.layers_plot(evaluation([facts | {"classes": 9 + (facts["task"] == "a")} for facts in rows]))
    assert "chance 10 % (a), 11 % (b, c)" in notes(near)


def test_models_are_compared_along_the_relative_depth_of_their_layers():
    rows = [row("a", model, 0.5, layer=f"l{i}") for model, n in ((MUSICNN, 5), (VGG, 3), ("own", 1)) for i in range(n)]
    figure = plots.layers_plot(evaluation(rows))
    curves = {bare(trace.name): trace.x.tolist() for trace in figure.data if trace.name}
    assert curves == {"MusiCNN (MSD)": [0, 0.25, 0.5, 0.75, 1], "VGG-I (MSD)": [0, 0.5, 1]}
    assert [bare(text) for text in figure.layout.xaxis.ticktext] == ["first", "middle", "last"]
    named = plots.layers_plot(evaluation(rows), "vgg")
    assert [bare(text) for text in named.layout.xaxis.ticktext] == ["l0", "l1", "l2"]


def test_learning_is_drawn_over_the_number_of_tracks():
    learnt = [
        row("genre", model, 0.3 + share / 3 + (model == VGG) / 10, share=share, tracks=32 * share)
        for share in (1.0, 0.25, 0.5) for model in (MUSICNN, VGG)
    ]  # fmt: skip
    figure = plots.learning_plot(evaluation(GENRE, learnt))
    curves = {bare(trace.name): trace for trace in figure.data if trace.name}
    assert list(curves) == ["VGG-I (MSD)", "MusiCNN (MSD)"]
    assert curves["VGG-I (MSD)"].x.tolist() == [8, 16, 32]
    assert figure.layout.xaxis.type == "log"
    assert [bare(text) for text in figure.layout.xaxis.ticktext] == ["8", "16", "32"]
    assert "16 training tracks" in curves["MusiCNN (MSD)"].customdata[1]
    assert "chance and majority 25 %" in notes(figure)
    many = [
        facts | {"layer": f"l{i}", "accuracy": (i + 1) / 20, "score": (i + 1) / 20}
        for facts in learnt
        for i in range(7)
    ]
    crowded = plots.learning_plot(evaluation(GENRE, many))
    assert {bare(trace.name) for trace in crowded.data if trace.name} == {"VGG-I (MSD) · l6", "MusiCNN (MSD) · l6"}
    assert any("only the best layer of each model" in note for note in notes(crowded))


def test_what_cannot_be_drawn_is_refused_with_a_sentence():
    with pytest.raises(OptionError, match="nothing to draw: no model"):
        plots.plot(evaluation([majority("genre")]))
    with pytest.raises(OptionError, match=r"no task 'gender' here; there is 'genre', 'mood'\. Did you mean 'genre'"):
        plots.plot(evaluation(GENRE + MOOD), task="gender")
    with pytest.raises(OptionError, match="two layers of a model or more"):
        plots.layers_plot(evaluation(GENRE))
    with pytest.raises(OptionError, match="no model 'mtt-vgg-1' here"):
        plots.layers_plot(evaluation(GENRE), "mtt-vgg-1")
    with pytest.raises(OptionError, match="no model 'nobody' here"):
        plots.layers_plot(evaluation(GENRE), "nobody")
    with pytest.raises(OptionError, match="pass learning="):
        plots.learning_plot(evaluation(GENRE))
    with pytest.raises(OptionError, match="pass learning="):
        plots.learning_plot(evaluation(GENRE, [row("genre", MUSICNN, 0.5, share=1.0)]))


def test_names_of_strangers_are_text():
    rows = [row(HOSTILE, HOSTILE, 0.5, layer=f"{HOSTILE}{i}") for i in range(2)]
    learnt = [row(HOSTILE, HOSTILE, 0.5, share=share) for share in (0.5, 1.0)]
    given = evaluation(rows, learnt)
    for figure in (plots.plot(given), plots.layers_plot(given), plots.learning_plot(given)):
        figure.layout.meta = None  # the title of a page, which escapes it
        shown = figure.to_json().replace("%{customdata}", "")
        assert "<b>x</b>" not in shown.replace("\\u003c", "<").replace("\\u003e", ">")
        assert "{y}" not in shown
        assert "$" not in shown


# -- the matrix, in Python --------------------------------------------------------------------------------------------

CLASSES = ("rock", "metal", "jazz")
TRUTH = np.array([0, 0, 0, 0, 1, 1, 1, 2])
PREDICTED = np.array([0, 0, 1, 1, 1, 1, 0, 2])
SURE = np.array([0.9, 0.6, 0.5, 0.8, 0.7, 0.7, 0.6, 0.5])


def predictions(truth=TRUTH, predicted=PREDICTED, sure=SURE, first=100, classes=3):
    proba = np.zeros((len(truth), classes), np.float32)
    rest = (1 - sure) / (classes - 1)
    proba += rest[:, None].astype(np.float32)
    proba[np.arange(len(truth)), predicted] = sure
    return Predictions(np.arange(first, first + len(truth)), truth, proba, np.zeros(len(truth), np.int64))


def a_table(n=8, first=100, **more):
    facts = {
        "name": [f"track {i}.wav" for i in range(n)], "title": [f"Title {i}" for i in range(n - 1)] + [""],
        "artist": "Ada", "path": "",
    }  # fmt: skip
    return pd.DataFrame(facts | more, index=pd.Index(range(first, first + n), name="track"))


def a_cell(classes=CLASSES, external=None, **more):
    return Result("genre", MUSICNN, "embedding", "mlp", "mean", 0, 200, tuple(classes), predictions(**more), external)


@pytest.fixture
def matrix():
    """Make matrices that are closed in the end."""
    made = []

    def make(result=None, collections=None, **options):
        made.append(ConfusionMatrix(result or a_cell(), collections or TaskCollections(a_table()), **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def press(matrix, kind, **content):
    """Do what a press on the page does."""
    matrix.widget._receive(matrix.widget, {"kind": kind, "seq": 1, **content}, [])


def test_a_cell_lists_its_tracks_the_most_certain_first(matrix):
    one, heard = matrix(player=False), []
    one.on_cell(heard.append)
    assert one.counts.to_numpy().tolist() == [[2, 2, 0], [1, 2, 0], [0, 0, 1]]
    assert one.widget.test_sets[0]["counts"] == [[2, 2, 0], [1, 2, 0], [0, 0, 1]]
    assert len(one.selection) == 0
    press(one, "show_cell", truth=0, answer=1)
    assert heard == [[103, 102]]
    assert one.widget.chosen == {
        "truth": 0, "answer": 1, "more": 0,
        "rows": [
            {"track": 103, "title": "Title 3", "artist": "Ada", "probability": 0.8, "own": 0.1},
            {"track": 102, "title": "Title 2", "artist": "Ada", "probability": 0.5, "own": 0.25},
        ],
    }  # fmt: skip
    assert one.selection.index.tolist() == [103, 102]
    assert one.selection["predicted"].tolist() == ["metal", "metal"]
    assert one.selection["probability"].tolist() == pytest.approx([0.8, 0.5])
    assert one.selection["artist"].tolist() == ["Ada", "Ada"]
    assert one.choose("jazz", "rock").widget.chosen["rows"] == []
    assert one.choose("jazz", "jazz").widget.chosen["rows"][0]["title"] == "track 7.wav"


def test_long_lists_end_and_the_selection_does_not(matrix):
    n = 500
    many = {"truth": np.zeros(n, int), "predicted": np.ones(n, int), "sure": np.linspace(0.4, 0.9, n)}
    one = matrix(a_cell(**many), TaskCollections(a_table(n)), player=False).choose("rock", "metal")
    assert (len(one.widget.chosen["rows"]), one.widget.chosen["more"]) == (200, 300)
    assert len(one.selection) == n


def test_the_other_collection_has_its_own_tracks(matrix):
    other = predictions(np.array([0, 1]), np.array([1, 1]), np.array([0.6, 0.7]), first=7)
    collections = TaskCollections(a_table(), a_table(2, 7, title="Elsewhere"))
    one = matrix(a_cell(external=other), collections, player=False).choose("rock", "metal")
    press(one, "show_test_set", name="external")
    assert [each["title"] for each in one.widget.test_sets] == ["Cross-validation", "External"]
    assert one.widget.test_set == "external"
    assert [entry["track"] for entry in one.widget.chosen["rows"]] == [7]
    assert one.selection["title"].tolist() == ["Elsewhere"]
    assert (
        matrix(a_cell(external=other), TaskCollections(a_table()), player=False, external=True)
        .choose("metal", "metal")
        .widget.chosen["rows"][0]["title"]
        == "track 8"
    )
    with pytest.raises(OptionError, match="no answers for another collection"):
        matrix(external=True)


def test_a_track_is_opened_and_played_by_its_own_player(matrix, rock, home):
    one = matrix(collections=TaskCollections(a_table(path=[str(rock)] * 8))).choose("rock", "metal")
    player, sent = one._player, []
    player.send = lambda content, *_: sent.append(content)
    assert one.widget.player == f"IPY_MODEL_{player.model_id}"
    assert one.widget.clock == player.clock
    press(one, "play", track=102)
    assert one.widget.current == {"test_set": "cv", "track": 102}
    one.wait(30)
    assert (player.title, sent) == ("Title 2", [{"kind": "play"}])
    assert player.duration > 100
    press(one, "play", track=102)
    assert len(sent) == 2
    assert player.serial == 2  # it was not opened again


def test_a_file_that_is_gone_or_broken_is_a_sentence(matrix, tmp_path, home):
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF....")
    paths = [str(tmp_path / "gone.wav"), str(broken), "", None, *[""] * 4]
    one = matrix(collections=TaskCollections(a_table(path=paths)))
    for track, said in ((100, "no file"), (101, "broken.wav"), (102, "names no file for 'Title 2'"), (103, "names no")):
        press(one, "play", track=track)
        one.wait(30)
        assert said in one._player.problem
    press(one, "play", track=5)
    assert "no track 5" in one.widget.notice["text"]
    press(one, "show_cell", truth=0, answer=3)
    assert "numbered from 0 to 2" in one.widget.notice["text"]
    press(one, "show_test_set", name="external")
    assert "no side 'external'" in one.widget.notice["text"]
    press(one, "show_cell")
    assert one.widget.notice["seq"] == 4
    press(one, "dismiss_notice")
    assert one.widget.notice == {}
    with pytest.raises(OptionError, match=r"no class 'roc'; there is 'rock'.*Did you mean 'rock'"):
        one.choose("roc", "metal")


def test_a_player_elsewhere_is_told_what_to_open(matrix):
    player, heard = Player(clock="shared"), []
    one = matrix(player=player).choose("rock", "rock")
    one.on_choose(heard.append)
    press(one, "play", track=101)
    assert (heard, one.widget.player, one.widget.clock) == ([101], "", "shared")
    assert one.widget.current == {}
    one.mark_open(101)
    assert one.widget.current == {"test_set": "cv", "track": 101}
    player.close()


def test_it_shows_itself_and_leaves_its_numbers_in_a_notebook(matrix):
    one = matrix(a_cell(classes=(TAG, "\udce9", RTL)), player=False)
    assert one.widget.classes == ["<img src=x onerror=alert(1)>gnp second", "?", RTL]
    data, _ = DisplayFormatter().format(one)
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == one.widget.model_id
    assert "<img" not in data["text/html"]
    assert "&lt;img src=x" in data["text/html"]
    assert "\u202e" not in data["text/html"]
    assert repr(one) == "<ConfusionMatrix genre · MusiCNN (MSD) · embedding · mlp: 8 tracks, 3 classes>"
    one.close()
    one.close()
    assert "was closed" in DisplayFormatter().format(one)[0]["text/plain"]


def test_an_evaluation_shows_it():
    own = Evaluation((a_cell(),), {"genre": TaskCollections(a_table())})
    one = own.confusion("musicnn")
    assert one.counts.loc["rock", "metal"] == 2
    one.close()
    baseline = Result("genre", "", "", "majority", "mean", 0, 0, CLASSES, predictions())
    other = ConfusionMatrix(baseline, TaskCollections(a_table()), player=False)
    assert other.widget.title == "genre · majority"
    other.close()


# -- the widget, in a browser -----------------------------------------------------------------------------------------

COUNTS = [[27, 12, 1], [0, 1, 0], [0, 0, 0]]
ROWS = [
    {"track": 5, "title": "Surely metal", "artist": "Ada", "probability": 0.93, "own": 0.04},
    {"track": 3, "title": TAG, "artist": "", "probability": 0.51, "own": 0.4},
]


def state(**more):
    traits = {
        "clock": "c", "player": "", "title": "genre · MusiCNN", "classes": list(CLASSES), "unit": "share",
        "test_set": "cv", "test_sets": [{"name": "cv", "title": "Cross-validation", "counts": COUNTS}],
        "chosen": {}, "current": {}, "notice": {},
    }  # fmt: skip
    return traits | more


def result(element, truth, answer):
    return element.locator(f".ev-confusion-cell[data-truth='{truth}'][data-answer='{answer}']")


@pytest.mark.slow
def test_cells_say_what_they_count_and_are_walked_with_the_keys(bench):
    element = bench.mount("m", "confusion", state())
    bench.acknowledge("m")
    assert element.locator("th[scope=row]").all_inner_texts() == [*CLASSES, "answers"]
    assert element.locator("th[scope=col]").all_inner_texts() == [*CLASSES, "tracks"]
    assert result(element, 0, 1).inner_text().split() == ["30", "%", "12"]
    assert result(element, 0, 1).get_attribute("aria-label") == "12 of 40 “rock” tracks were taken for “metal”, 30 %"
    assert result(element, 1, 0).inner_text() == "·"
    assert result(element, 2, 0).get_attribute("aria-label") == "There are no “jazz” tracks"
    assert element.locator(".ev-confusion-total").all_inner_texts() == ["40", "1", "0", "27", "13", "1"]
    assert element.locator("[data-truth][tabindex='0']").count() == 1
    # Before anything is chosen, it says what to do.
    assert "Choose a cell" in element.locator(".ev-confusion-list").inner_text()
    result(element, 0, 0).focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "ArrowDown", "Home", "ArrowUp", "End"):
        bench.page.keyboard.press(key)
    assert bench.page.evaluate("[document.activeElement.dataset.truth, document.activeElement.dataset.answer]") == [
        "1", "2",
    ]  # fmt: skip
    assert element.locator("[data-truth][tabindex='0']").count() == 1
    bench.page.keyboard.press("Enter")
    assert bench.commands("m") == [{"kind": "show_cell", "truth": 1, "answer": 2}]
    bench.change("m", "chosen", {"truth": 1, "answer": 2, "rows": [], "more": 0})
    assert element.locator(".ev-confusion-list h3").inner_text() == "No “metal” track was taken for “jazz”."
    assert element.locator(".ev-confusion-track").count() == 0
    # The cell keeps the focus.
    assert bench.page.evaluate("document.activeElement.dataset.answer") == "2"
    element.get_by_role("button", name="Counts").click()
    assert bench.get("m", "unit") == "count"
    assert result(element, 0, 1).inner_text().split() == ["12", "30", "%"]


@pytest.mark.slow
def test_a_chosen_cell_lists_its_tracks_and_plays_them(bench):
    chosen = {"truth": 0, "answer": 1, "rows": ROWS, "more": 10}
    element = bench.mount("m", "confusion", state(chosen=chosen, current={"test_set": "cv", "track": 5}))
    bench.acknowledge("m")
    assert result(element, 0, 1).get_attribute("aria-pressed") == "true"
    assert element.locator(".ev-confusion-list h3").inner_text() == "12 of 40 “rock” tracks were taken for “metal”."
    assert "most certain first" in element.locator(".ev-confusion-list-head").inner_text()
    assert "10 more tracks" in element.locator(".ev-confusion-more").inner_text()
    first, second = element.locator(".ev-confusion-track").all()
    assert first.get_attribute("aria-current") == "true"
    assert first.inner_text().split("\n") == ["Surely metal", "Ada", "open", "93 %"]
    assert "metal: 93 %, of rock: 4 %" in first.locator(".ev-confusion-figure").get_attribute("title")
    assert second.locator("img").count() == 0
    assert "<img src=x" in second.inner_text()
    second.get_by_role("button").click()
    first.get_by_role("button").focus()
    bench.page.keyboard.press("ArrowDown")
    bench.page.keyboard.press("Enter")
    assert bench.commands("m") == [{"kind": "play", "track": 3}] * 2
    # A track that plays is paused without the kernel.
    bench.clock("c", "c => { c.playing = true; c.pause = () => { c.paused = true; }; c.setVolume(0.5); }")
    first.get_by_role("button", name="Pause Surely metal").click()
    assert bench.clock("c", "c => c.paused")
    assert bench.commands("m") == []
    bench.change("m", "notice", {"level": "error", "text": "That failed.", "remedy": "Try again.", "seq": 1})
    assert element.get_by_role("alert").inner_text().endswith("That failed. Try again.")
    bench.page.evaluate("bench.widgets.m.abort.abort()")
    assert element.locator("*").count() == 0
    assert not bench.page.evaluate("[...bench.widgets.m.model.listeners.values()].some((set) => set.size)")


@pytest.mark.slow
def test_the_other_collection_is_asked_for(bench):
    test_sets = [
        {"name": "cv", "title": "Cross-validation", "counts": COUNTS},
        {"name": "external", "title": "External", "counts": [[1, 1, 0], [0, 0, 0], [0, 0, 0]]},
    ]
    element = bench.mount("m", "confusion", state(test_sets=test_sets, chosen={"truth": 0, "answer": 1, "rows": []}))
    bench.acknowledge("m")
    element.get_by_role("button", name="External").click()
    assert bench.commands("m") == [{"kind": "show_test_set", "name": "external"}]
    bench.change("m", "test_set", "external")
    assert element.get_by_role("button", name="External").get_attribute("aria-pressed") == "true"
    assert result(element, 0, 1).inner_text().split() == ["50", "%", "1"]
    assert element.locator(".ev-confusion-list h3").inner_text() == "1 of 2 “rock” tracks was taken for “metal”."


@pytest.mark.slow
def test_names_of_strangers_are_text_and_fifty_classes_scroll(bench):
    names = [TAG, RTL, "a name that goes on and on " * 9, *[f"class {i}" for i in range(47)]]
    counts = np.eye(50, dtype=int) * 7
    test_sets = [{"name": "cv", "title": "Cross-validation", "counts": counts.tolist()}]
    element = bench.mount("m", "confusion", state(classes=names, test_sets=test_sets, title=TAG))
    assert element.locator("img").count() == 0
    assert "<img src=x" in element.locator("th[scope=row]").first.inner_text()
    assert "\u202e" not in result(element, 0, 0).get_attribute("aria-label")
    assert element.locator("th[scope=row]").nth(2).get_attribute("title").startswith("a name that goes on")
    long = element.locator("th[scope=row]").nth(2)
    assert long.evaluate("el => el.offsetWidth") < 240
    scroll = element.locator(".ev-confusion-scroll")
    assert scroll.evaluate("el => el.scrollWidth > el.clientWidth && el.scrollHeight > el.clientHeight")
    assert element.evaluate("el => el.scrollWidth <= el.clientWidth")
    # The cell that the keys go to comes into sight, its names stay.
    result(element, 0, 0).focus()
    bench.page.keyboard.press("Control+End")
    box, port = result(element, 49, 49).bounding_box(), scroll.bounding_box()
    assert box["x"] + box["width"] <= port["x"] + port["width"] + 1
    assert long.locator("xpath=..").count() == 1
    assert element.locator("th[scope=row]").nth(49).bounding_box()["x"] == pytest.approx(port["x"], abs=1)


@pytest.mark.slow
def test_numbers_are_read_on_every_shade_in_both_themes(bench):
    n = 41
    counts = np.zeros((n, n), int)
    counts[:, 0], counts[:, -1] = np.arange(n), np.arange(n)[::-1]
    test_sets = [{"name": "cv", "title": "Cross-validation", "counts": counts.tolist()}]
    element = bench.mount("m", "confusion", state(classes=[f"c{i}" for i in range(n)], test_sets=test_sets))
    contrast = """el => {
      const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
      const light = (colour) => {
        pen.fillStyle = colour;
        pen.fillRect(0, 0, 1, 1);
        const part = (byte) => (byte /= 255) <= 0.04045 ? byte / 12.92 : ((byte + 0.055) / 1.055) ** 2.4;
        const [red, green, blue] = [...pen.getImageData(0, 0, 1, 1).data].map(part);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
      };
      return [...el.querySelectorAll(".ev-confusion-cell[data-answer='0']")].map((cell) => {
        const css = getComputedStyle(cell);
        const [low, high] = [light(css.color), light(css.backgroundColor)].sort((a, b) => a - b);
        return [(high + 0.05) / (low + 0.05), light(css.backgroundColor)];
      });
    }"""
    for theme, way in (("light", -1), ("dark", 1)):
        bench.theme(theme)
        bench.page.wait_for_function(
            "dark => document.querySelector('.ev-confusion').classList.contains('ev-confusion-dark') === dark",
            arg=way > 0,
        )
        contrasts, lights = np.array(element.evaluate(contrast)).T
        assert contrasts.min() > 4.4
        assert (way * np.diff(lights) > 0).all()


def test_the_widget_takes_what_the_matrix_gives():
    assert set(state()) <= set(Confusion.class_trait_names(sync=True))
