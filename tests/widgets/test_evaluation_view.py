"""The Explorer's page of tasks: what it asks, what it shows, and what follows from it."""

from __future__ import annotations

import csv
import json
import threading
import time
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from panel import NAMELESS, command

import embviz
from embviz.app.explorer import Explorer, cost_estimate, evaluation_options
from embviz.core.vectors import Vectors
from embviz.errors import EmbvizError, OptionError
from embviz.evaluation import api, targets
from embviz.heads import Head

pytestmark = pytest.mark.usefixtures("home")

HOSTILE = '<img src=x onerror="alert(1)">\u202e'
GOOD, BAD = "msd-musicnn-1", "msd-vgg-1"
EVALUATE, TRAIN = api.evaluate, api.train


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """A folder of twenty-four short tracks with what is known of them beside them."""
    folder = tmp_path_factory.mktemp("music")
    rows = [["file", "title", "style", "bpm", "key", "note"]]
    for i in range(24):
        soundfile.write(folder / f"{i:02}.wav", np.full(800, (i + 1) / 100, np.float32), 8000)
        style = ("jazz", "rock", HOSTILE)[i % 3] if i < 21 else ""
        rows.append([f"{i:02}.wav", f"Track {i}", style, str(90.5 + i), "E minor", f"by {i // 3 % 4}"])
    with (folder / "tracks.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return folder


@pytest.fixture
def explore(explore):
    """Make an Explorer without rows."""
    return lambda source, **options: explore(source, **{"models": [], **options}).wait()


def vectors_of(table, model):
    """Vectors in which one model tells the styles apart and the other does not."""
    random = np.random.default_rng(0)
    classes = {"jazz": 0, "rock": 1}
    number = np.array([classes.get(style, 2) for style in table["style"]])
    values = random.normal(0, 0.3, (len(table), 4)).astype(np.float32)
    values[np.arange(len(table)), number] += 2 if model == GOOD else 0
    return Vectors(values, table.index.to_numpy(), None, model, "embedding", "mean", key=f"{model} {len(table)}")


@pytest.fixture(autouse=True)
def heard(monkeypatch):
    """The engine itself, on vectors that nobody has to compute; what it was asked is kept."""
    asked = []

    @wraps(EVALUATE)
    def evaluate(collection, target, models, **options):
        asked.append((target, list(models), {name: value for name, value in options.items() if name != "progress"}))
        own = [vectors_of(collection.table, model) for model in models]
        if options.get("external") is not None:
            own = [(one, vectors_of(options["external"].table, one.model)) for one in own]
        return EVALUATE(collection, target, own, **{**options, "workers": 1})

    def train(collection, target, model, *, layer, **options):
        return TRAIN(collection, target, vectors_of(collection.table, model), layer=layer, **options)

    monkeypatch.setattr(api, "evaluate", evaluate)
    monkeypatch.setattr(api, "train", train)
    return asked


def opened(explorer):
    explorer.widget.tab = "evaluation"
    return explorer.wait().widget


# What there is to choose. ------------------------------------------------------------------------------------------


def test_the_page_offers_what_can_be_predicted_and_says_why_the_rest_cannot(music, explore, heard):
    explorer = explore(music)
    assert explorer.widget.evaluation == {}
    offered = opened(explorer).evaluation
    assert [(one["name"], one["classes"], one["tracks"], one["why"]) for one in offered["targets"]] == [
        ("style", 3, 21, ""),
        ("note", 4, 24, ""),
        ("bpm", 0, 24, ""),
        ("key", 1, 24, "one class only"),
    ]
    assert [one["name"] for one in offered["groups"]] == ["style", "note"]
    assert offered["choices"] == {**evaluation_options.USUAL, "target": "style"}
    assert "Collection.from_folder" in "".join(
        command(explorer, "set_evaluation_option", name="models", value=[GOOD]).code()
    )
    assert heard == []
    json.dumps([offered, explorer.widget.evaluation_status])


def test_quantities_and_folds_of_a_table(music):
    table = embviz.Collection.from_folder(music).table.assign(fold=[1 + i % 5 for i in range(24)], half=[0.5, 1.5] * 12)
    table = table.assign(tags=[["a"], ["a", "b"]] * 12, rare=[["a"], *[["b"], []] * 11, ["b"]])
    found = {one["name"]: one for one in targets.list_targets(table)}
    assert (found["half"]["kind"], found["half"]["why"]) == ("quantity", "")
    assert found["tags"]["why"] == found["rare"]["why"] == "a label is on one track, or on none, or on all but one"
    assert [one["name"] for one in targets.list_folds(table)] == ["fold"]
    table = table.assign(endless=[np.inf, *range(23)], text=[f"{i}.5 BPM" for i in range(24)], facts=[{"a": 1}] * 24)
    found = {one["name"]: one["why"] for one in targets.list_targets(table)}
    assert (found["endless"], found["text"]) == ("numbers that are not finite", "numbers as text")
    assert "facts" not in [one["name"] for one in targets.list_groups(table)]
    assert targets.default_target([{"name": "a", "why": "one class only"}]) == ""


def test_a_quantity_and_labels_are_predicted_and_their_tracks_heard(music, explore):
    collection = embviz.Collection.from_folder(music)
    tags = [["a"] if i % 4 == 0 else ["a", "b"] if i % 2 else [] for i in range(24)]
    explorer = explore(collection.assign(tags=tags, fold=[["a"]] * 24))
    offered = {one["name"]: one["kind"] for one in opened(explorer).evaluation["targets"]}
    assert (offered["style"], offered["bpm"], offered["tags"]) == ("classes", "quantity", "labels")
    command(explorer, "set_evaluation_option", name="models", value=[GOOD])
    command(explorer, "set_evaluation_option", name="classifier", value="logistic")
    for target, extent in (("bpm", "a quantity, R²"), ("tags", "2 labels, ROC-AUC")):
        command(explorer, "set_evaluation_option", name="target", value=target)
        command(explorer, "evaluate")
        explorer.wait(60)
        panel = explorer.widget
        row = panel.scores["rows"][0]
        assert (row["task"], row["extent"]) == (target, extent)
        json.dumps(panel.scores)
        key = row["items"][0]["key"]
        command(explorer, "show_confusion", cell=key)
        assert panel.confusion["tracks"] == 24
        assert bool(panel.confusion["error"]) == (target == "bpm")
        panel.tab = "evaluation"
        assert "'tags': [['a']," in explorer.code() or target == "bpm"
        command(explorer, "show_answers", cell=key)
    assert [one["label"] for one in panel.confusion["labels"]] == ["a", "b"]
    assert panel.confusion["label"] == 0
    command(explorer, "show_confusion", cell=key, label=1)
    assert panel.confusion["label"] == 1
    command(explorer, "show_confusion", cell=key, label=2)
    assert "There is no label 2 in 'tags'" in panel.notice["text"]
    assert panel.confusion["label"] == 1


def test_nothing_to_predict_is_said(tmp_path, explore):
    soundfile.write(tmp_path / "one.wav", np.full(800, 0.1, np.float32), 8000)
    explorer = explore(tmp_path)
    panel = opened(explorer)
    assert [one["why"] for one in panel.evaluation["targets"]] == []
    assert command(explorer, "evaluate").widget.evaluation_status["message"].startswith("No column is chosen")
    assert panel.notice == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [("target", 3), ("folds", 1), ("folds", True), ("groups", 0.5), ("classifier", "svm"), ("pooling", "sum"),
     ("layers", []), ("models", ["no-such"]), ("color", "red")],
)  # fmt: skip
def test_what_cannot_be_chosen_is_a_sentence(music, explore, name, value):
    with pytest.raises(EmbvizError, match=r"found|nothing|no model"):
        evaluation_options.check_option(name, value)
    assert evaluation_options.restore_options({name: value}) == evaluation_options.USUAL


def test_the_cost_is_told_before(music):
    table = embviz.Collection.from_folder(music).table.assign(duration=60.0)
    chosen = {**evaluation_options.USUAL, "target": "style", "models": [GOOD, "tempocnn"], "layers": "all"}
    said = cost_estimate.sentence(table, chosen, None, "auto", lambda *_: None)
    assert said == "42 embeddings of 21 tracks are to be computed first, about 9 s; then come the trainings."


# Comparing. --------------------------------------------------------------------------------------------------------


def test_models_are_compared_and_what_they_confuse_is_shown(music, explore, heard, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    explorer = explore(music)
    panel = opened(explorer)
    for name, value in {"models": [GOOD, BAD], "classifier": "logistic", "folds": 3, "groups": False}.items():
        command(explorer, "set_evaluation_option", name=name, value=value)
    panel.cached = {"0": [BAD]}
    command(explorer, "evaluate")
    assert panel.evaluation_status["status"] == "waiting"
    assert explorer.wait().widget.evaluation_status["status"] == "ready"
    assert BAD not in panel.cached.get("0", []), "the cache is asked again"
    assert heard[0][:2] == ("style", [GOOD, BAD])
    assert {"groups": False, "folds": 3, "classifier": "logistic"}.items() <= heard[0][2].items()
    (row,) = panel.scores["rows"]
    best, other = row["items"]
    assert (best["best_cv"], other["best_cv"], best["key"]) == (True, False, 0)
    assert best["accuracy"] == explorer.evaluation.table["accuracy"][0] > 0.9 > other["accuracy"]
    assert [one["name"] for one in row["baselines"]] == ["majority", "chance"]
    assert any("without a label" in note for note in panel.scores["notes"])
    assert "evaluate(collection, 'style', ['msd-musicnn-1', 'msd-vgg-1'], groups=False, folds=3" in explorer.code()
    json.dumps([panel.scores, panel.evaluation])

    command(explorer, "show_confusion", cell=1)
    assert panel.confusion["wrong"] == int((~explorer.evaluation.predictions("vgg")["right"]).sum())
    matrix = explorer._controller.evaluation_tab._matrix
    matrix.choose("jazz", "rock")
    assert explorer.selection["title"].tolist() == matrix.selection["title"].tolist() != []
    assert panel.tab == "evaluation"
    label = int(explorer.selection.index[0])
    matrix.widget._receive(None, {"kind": "play", "track": label}, [])
    assert Path(explorer.wait().track).name == f"{label:02}.wav"
    assert matrix.widget.current == {"test_set": "cv", "track": label}
    command(explorer, "show_confusion", cell=1)
    assert explorer._controller.evaluation_tab._matrix.widget.current["track"] == label, (
        "what is open should be marked at once"
    )

    command(explorer, "save_scores", format="csv").wait()
    command(explorer, "save_scores", format="latex").wait()
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["style-tasks.csv", "style-tasks.tex"]
    command(explorer, "save_scores", format="exe")
    assert "exe" in panel.notice["text"]


def test_the_sample_tracks_offer_something_to_predict(explore):
    explorer = explore(embviz.sample_audio(), models=[])
    panel = opened(explorer)
    choices = panel.evaluation["choices"]
    assert (choices["target"], choices["folds"]) == ("family", 3), "each class has three tracks"
    command(explorer, "set_evaluation_option", name="target", value="style")
    assert panel.evaluation["choices"]["folds"] == 5
    command(explorer, "set_evaluation_option", name="folds", value=4)
    command(explorer, "set_evaluation_option", name="target", value="family")
    assert panel.evaluation["choices"]["folds"] == 4, "what was chosen stays"


def test_the_code_of_a_collection_makes_it_again(music, explore):
    labels = [("a", "b", None)[i % 3] for i in range(24)]
    given = embviz.Collection.from_folder(music)[::-1].assign(
        **{HOSTILE: labels, "artist": "Someone", "fold": range(24)}
    )
    explorer = explore(given).tasks(HOSTILE, GOOD, folds="fold")
    code = explorer.wait().code()
    assert code.rstrip().splitlines()[-1] == "evaluation", "a cell shows what its last line gives"
    namespace: dict[str, Any] = {}
    exec(code.rpartition("evaluation =")[0], namespace)  # noqa: S102
    made, table = namespace["collection"].table, given.table
    assert [*map(str, made["path"])] == [*map(str, table["path"])]
    for name in (HOSTILE, "artist", "fold"):
        assert made[name].fillna("").tolist() == table[name].fillna("").tolist()
    assert "from_folder(embviz.sample_audio())" in explore(embviz.sample_audio()).tasks("family", GOOD).wait().code()


def test_another_collection_is_asked_and_its_tracks_are_heard(music, explore, tmp_path):
    for i in range(9):
        soundfile.write(tmp_path / f"{i:02}.wav", np.full(400, -i / 100, np.float32), 8000)
    (tmp_path / "tracks.csv").write_bytes((music / "tracks.csv").read_bytes())
    other = embviz.Collection.from_folder(tmp_path)
    explorer = explore(music).tasks("style", GOOD, classifier="knn", folds=3, external=other).wait()
    assert explorer.widget.evaluation["extra_options"] == ["external"]
    with pytest.raises(OptionError, match=r"'x=1\)\\nimport os' is no option of a comparison"):
        explorer.tasks("style", GOOD, **{"x=1)\nimport os": 1})
    assert explorer.widget.evaluation["extra_options"] == ["external"]
    assert "external=external)" in explorer.code()
    assert explorer.widget.scores["has_external"]
    command(explorer, "show_confusion", cell=0)
    matrix = explorer._controller.evaluation_tab._matrix.widget
    for content in ({"kind": "show_test_set", "name": "external"}, {"kind": "show_cell", "truth": 0, "answer": 0}):
        matrix._receive(None, content, [])
    assert explorer.selection is None
    matrix._receive(None, {"kind": "play", "track": 4}, [])
    assert explorer.wait().track == str(tmp_path / "04.wav")
    command(explorer, "set_evaluation_option", name="target", value="note")
    assert explorer.widget.evaluation["extra_options"] == []


def test_a_head_is_kept_and_goes_to_the_rows(music, explore, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    explorer = explore(music)
    explorer.tasks("style", GOOD, classifier="logistic", folds=3).wait()
    given: list[Any] = []
    monkeypatch.setattr(explorer._context.events, "head_trained", given.append)
    command(explorer, "show_confusion", cell=0)
    assert command(explorer, "train_head", cell=0).wait().widget.confusion["training"]["status"] == "ready"
    assert given[0].classes == explorer.evaluation.results[0].classes
    assert Head.load(tmp_path / f"style-{GOOD}.safetensors").facts["tracks"] == 21
    command(explorer, "train_head", cell=2)
    assert explorer.wait().widget.confusion["training"]["status"] == "failed"


def test_wrong_tracks_are_marked_on_the_map(music, explore, monkeypatch):
    monkeypatch.setattr(
        "embviz.app.atlas.map_view._embed", lambda context, _request, _job: (vectors_of(context.table, BAD), None)
    )
    explorer = explore(music)
    explorer._controller.map_tab._options = {"method": "pca"}
    explorer.tasks("style", [GOOD, BAD], classifier="knn", folds=3).wait()
    command(explorer, "show_answers", cell=1).wait()
    atlas = explorer._controller.map_tab.atlas
    wrong = explorer.evaluation.mistakes("vgg")
    assert explorer.widget.tab == "map"
    assert atlas.widget.tab == "selection"
    assert set(explorer.selection.index) == set(wrong.index)
    column = "style by VGG-I (MSD): right or wrong"
    assert atlas.widget.choices["color"] == f"column:{column}"
    counts = explorer.selection[column].value_counts().to_dict()
    assert counts == {"wrong": len(wrong)}
    assert set(atlas._controller.views[0].scatter.color["labels"]) == {"right", "wrong"}
    assert atlas._controller.views[0].scatter.color["missing"] == 3
    command(explorer, "show_answers", cell=0)
    assert atlas.widget.choices["color"] == "column:style by MusiCNN (MSD): right or wrong"
    assert column in atlas.table.columns
    command(explorer, "show_confusion", cell=0)
    explorer._controller.evaluation_tab._matrix.choose("rock", "rock")
    assert set(explorer.selection["style"]) == {"rock"}


# What can go wrong, and what is kept. ------------------------------------------------------------------------------


def test_a_comparison_is_cancelled_and_taken_up(music, explore, monkeypatch):
    held, passed = threading.Event(), []

    def evaluate(*_arguments, progress, **_options):
        held.set()
        while True:
            progress("training", 1, 9)
            passed.append(time.monotonic())
            time.sleep(0.01)

    real = api.evaluate
    monkeypatch.setattr(api, "evaluate", evaluate)
    explorer = explore(music)
    opened(explorer)
    command(explorer, "set_evaluation_option", name="models", value=[GOOD])
    command(explorer, "evaluate")
    held.wait(10)
    # What is computed for one track has its turn meanwhile, and does not stop it.
    explorer.open(1)
    deadline = time.monotonic() + 60
    while not explorer._context.player.duration and time.monotonic() < deadline:
        explorer.wait(0.05)
    assert explorer._context.player.duration > 0
    assert explorer.widget.evaluation_status["status"] == "running"
    command(explorer, "cancel_evaluation")
    assert explorer.wait(10).widget.evaluation_status["status"] == "cancelled"
    assert not explorer._context.aside.busy
    monkeypatch.setattr(api, "evaluate", real)
    assert command(explorer, "evaluate").wait().widget.evaluation_status["status"] == "ready"


def test_what_goes_wrong_is_said_in_its_place(music, explore):
    explorer = explore(music).tasks("style", GOOD, folds=12).wait()
    work = explorer.widget.evaluation_status
    assert work["status"] == "failed"
    assert "folds" in work["message"]
    assert explorer.widget.notice == {}
    assert explorer.evaluation is None
    explorer.tasks("stile", GOOD).wait()
    assert explorer.widget.evaluation_status["message"] == "There is no column 'stile' in the table of these tracks."
    assert explorer.widget.evaluation["choices"]["target"] == "style"
    with pytest.raises(OptionError, match="folds is a number"):
        explorer.tasks("style", folds=0)
    command(explorer, "show_confusion", cell=0)
    assert explorer.widget.notice["text"] == "There is no result 0; compare models first."


def test_choices_are_kept_and_nothing_begins_by_itself(music, explore, heard):
    explorer = explore(music).tasks("note", [GOOD], groups="style", layers="all")
    kept = json.loads(json.dumps(explorer.wait().state()))
    assert kept["evaluation"]["groups"] == "style"
    again = Explorer(music, state=kept)
    try:
        assert again.wait().widget.tab == "evaluation"
        assert again.widget.evaluation["choices"] == kept["evaluation"]
        assert again.widget.scores == {}
        assert len(heard) == 1
    finally:
        again.close()
    with pytest.raises(OptionError, match="damaged"):
        Explorer(music, state={**kept, "evaluation": 3})


# The page. ---------------------------------------------------------------------------------------------------------


def an_item(key: int, title: str, accuracy: float, **more: Any) -> dict[str, Any]:
    item = {
        "key": key, "title": title, "model": title, "layer": "embedding", "classifier": "mlp", "depth": key,
        "cv": f"{100 * accuracy:.1f} %", "cv_hint": "± 3; 80 tracks", "accuracy": accuracy, "low": accuracy - 0.1,
        "high": accuracy + 0.05, "external": "50.0 %", "external_hint": "", "drop": "+20.1", "drop_hint": "",
        "best_cv": key == 0, "best_external": False,
    }  # fmt: skip
    return item | more


def a_comparison(items: list[dict[str, Any]], *, external: bool = False) -> dict[str, Any]:
    row = {
        "task": "style", "title": HOSTILE, "tracks": 80, "classes": 4, "chance": 0.25, "items": items,
        "baselines": [{"name": "majority", "cv": "25.0 %", "external": "25.0 %"}], "published": [
            {"model": HOSTILE, "accuracy": "84.0 %", "source": "somewhere", "note": ""}
        ],
    }  # fmt: skip
    asked = {**evaluation_options.USUAL, "target": "style", "models": [GOOD]}
    return {"rows": [row], "notes": [f"A note {HOSTILE}"], "has_external": external, "headings": {"cv": "5 folds"},
            "choices": asked}  # fmt: skip


OFFERS = {
    "targets": [
        {"name": "style", "title": HOSTILE, "classes": 4, "tracks": 80, "fewest": 20, "why": ""},
        {"name": "key", "title": "key", "classes": 1, "tracks": 80, "fewest": 80, "why": "one class only"},
    ],
    "groups": [{"name": "artist", "title": "artist"}], "folds": [], "tracks": 80,
    "classifiers": evaluation_options.CLASSIFIERS, "poolings": evaluation_options.POOLINGS,
    "layers": evaluation_options.LAYERS, "from_collection": False, "extra_options": [],
    "choices": {**evaluation_options.USUAL, "target": "style", "models": [GOOD]},
}  # fmt: skip


@pytest.mark.slow
def test_the_page_asks_compares_and_shows(bench_panel):
    work = {"status": "", "plan": "12 embeddings are to be computed first."}
    panel = bench_panel.show(tab="evaluation", evaluation=OFFERS, evaluation_status=work)
    assert panel.locator(".ev-evaluation-plan").inner_text() == work["plan"]
    predict = panel.get_by_role("combobox", name="Predict")
    assert predict.locator("option:disabled").inner_text() == "key (one class only)"
    panel.get_by_role("combobox", name="Keep together").select_option(label="artist")
    panel.get_by_role("combobox", name="Keep together").select_option(label="nothing")
    panel.get_by_role("combobox", name="Folds").select_option("10")
    panel.get_by_role("checkbox", name="MusiCNN (MTT)").press("Space")
    assert bench_panel.sent() == [
        {"kind": "set_evaluation_option", "name": "groups", "value": "artist"},
        {"kind": "set_evaluation_option", "name": "groups", "value": False},
        {"kind": "set_evaluation_option", "name": "folds", "value": 10},
        {"kind": "set_evaluation_option", "name": "models", "value": [GOOD, "mtt-musicnn-1"]},
    ]
    panel.get_by_text("1 more, to be downloaded").click()
    panel.get_by_role("button", name="Download 12 MB: Tempo-CNN").click()
    panel.get_by_role("button", name="Compare").press("Enter")
    assert bench_panel.sent() == [{"kind": "pull", "model": "deepsquare-k8"}, {"kind": "evaluate"}]
    bench_panel.change(
        evaluation_status={"status": "running", "stage": "training · 2 min left", "done": 3, "total": 10}
    )
    state = panel.locator(".ev-panel-evaluation > .ev-panel-state")
    assert "training · 2 min left · 3 of 10" in state.inner_text()
    assert panel.get_by_role("button", name="Compare").is_disabled()
    state.get_by_role("button", name="Cancel").click()
    assert bench_panel.sent() == [{"kind": "cancel_evaluation"}]
    bench_panel.change(tab="heatmaps")
    assert "Tasks: training" in panel.locator(".ev-panel-busy").inner_text()
    bench_panel.change(
        tab="evaluation", evaluation_status={"status": "failed", "message": f"No {HOSTILE}.", "remedy": "Do this."}
    )
    assert "Do this." in state.inner_text()
    state.get_by_role("button", name="Try again").click()
    assert bench_panel.sent() == [{"kind": "evaluate"}]

    scores = a_comparison([an_item(0, HOSTILE, 0.81), an_item(1, "VGG-I · output", 0.6)], external=True)
    bench_panel.change(evaluation_status={"status": "ready"}, scores=scores)
    table = panel.get_by_role("table")
    heads = table.get_by_role("columnheader").all_inner_texts()
    assert [text.split()[0] for text in heads] == ["Model", "Accuracy", "95", "0", "Other", "Drop"]
    first = table.get_by_role("row").nth(2)
    assert "best" in first.inner_text()
    assert "71.0 – 86.0" in first.inner_text()
    second = first.locator("xpath=following-sibling::tr[1]").get_by_role("button")
    second.press("Enter")
    assert bench_panel.sent() == [{"kind": "show_confusion", "cell": 1}]
    confusion = {"cell": 1, "title": HOSTILE, "task": "style", "tracks": 80, "wrong": 32, "can_train_head": True,
                 "view": "IPY_MODEL_row7", "training": {"status": ""}}  # fmt: skip
    bench_panel.change(confusion=confusion)
    assert second.get_attribute("aria-pressed") == "true"
    assert second.evaluate("el => el === document.activeElement")
    bench_panel.page.wait_for_function("() => globalThis.mounted?.includes('row7')")
    for name in ("Show on the map", "Keep as a head", "CSV", "LaTeX"):
        panel.get_by_role("button", name=name, exact=True).click()
    assert [sent["kind"] for sent in bench_panel.sent()] == ["show_answers", "train_head", "save_scores", "save_scores"]
    assert not panel.get_by_role("status").filter(has_text="earlier choices").is_visible()
    bench_panel.change(evaluation={**OFFERS, "choices": {**OFFERS["choices"], "folds": 3}})
    assert panel.get_by_role("status").filter(has_text="earlier choices").is_visible()
    assert panel.locator("img").count() == 0


@pytest.mark.slow
@pytest.mark.parametrize(("theme", "width"), [("light", 700), ("dark", 1240)])
def test_nothing_sticks_out_and_every_control_has_a_name(bench_panel, theme, width):
    bench_panel.bench.theme(theme)
    items = [an_item(i, f"A model with a long name · {'layer' * 6}{i}", 0.4 + i / 50) for i in range(20)]
    for item in items:
        item["model"], item["layer"] = GOOD, f"layer{item['key']}"
    confusion = {"cell": 3, "title": HOSTILE * 3, "task": "style", "tracks": 80, "wrong": 32, "can_train_head": False,
                 "view": "", "training": {"status": "running", "stage": "x" * 80}}  # fmt: skip
    panel = bench_panel.show(
        width=width, tab="evaluation", evaluation=OFFERS, scores=a_comparison(items, external=True),
        confusion=confusion, evaluation_status={"status": "failed", "message": "A long sentence. " * 9},
    )  # fmt: skip
    panel.get_by_text("1 more, to be downloaded").click()
    for selector in (".ev-panel-main", ".ev-panel-scroll"):
        assert panel.locator(selector).evaluate("el => el.scrollWidth <= el.clientWidth"), selector
    assert panel.evaluate(NAMELESS) == []
    chart = panel.get_by_role("img", name="Accuracy along the depth: best 78.0 % at layer19")
    assert chart.locator("circle").count() == 20
    chart.locator("circle").nth(4).click()
    assert bench_panel.sent() == [{"kind": "show_confusion", "cell": 4}]
    bench_panel.change(evaluation={**OFFERS, "targets": OFFERS["targets"][1:]})
    assert panel.get_by_text("Nothing to predict").is_visible()
    assert panel.get_by_text("key: one class only").is_visible()
