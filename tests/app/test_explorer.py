"""The Explorer without a browser: its traits, and its panel's commands, with real weights."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import resource
import subprocess
import sys
import threading
import time

import mutagen.flac
import nbformat
import numpy as np
import pytest
import soundfile
from head_graphs import regression
from ipywidgets.widgets.widget import _instances as registered
from nbclient import NotebookClient
from panel import command

import embviz
from embviz.app.explorer import Explorer
from embviz.app.explorer.heads import as_head
from embviz.app.uploads import safe_name
from embviz.collection.file_tags import FileTags
from embviz.errors import AudioError, OptionError
from embviz.models import weights

pytestmark = pytest.mark.usefixtures("home")

HOSTILE = '<img src=x onerror="alert(1)">\n\u202e\U0001f3b8.wav'


@pytest.fixture(scope="session")
def noise_and_tone():
    """Twelve seconds in which something happens."""
    rate = 22_050
    seconds = np.arange(12 * rate) / rate
    tone = 0.3 * np.sin(2 * np.pi * 220 * seconds) * (np.sin(2 * np.pi * 2 * seconds) > 0)
    return (tone + np.random.default_rng(0).normal(0, 0.03, len(tone))).astype(np.float32), rate


@pytest.fixture
def folder(tmp_path, noise_and_tone):
    """A folder of two tracks."""
    music = tmp_path / "music"
    music.mkdir()
    samples, rate = noise_and_tone
    soundfile.write(music / "one.wav", samples, rate)
    soundfile.write(music / "two.wav", samples[: 6 * rate], rate)
    (music / "tracks.csv").write_text("file,title,bpm,sections\none.wav,First,120,start 0; end 6\n")
    return music


def statuses(explorer):
    return [row["status"] for row in explorer.widget.rows]


def messages(explorer):
    return [row["message"] for row in explorer.widget.rows]


# A first look. -----------------------------------------------------------------------------------------------------


def test_a_folder_opens_with_its_first_track_and_a_row_of_each_system(folder, explore):
    explorer = explore(folder).wait()
    panel = explorer.widget
    assert explorer.track == str(folder / "one.wav")
    assert [row["model"] for row in panel.rows] == ["msd-musicnn-1", "msd-vgg-1", "deepsquare-k8", "spleeter-2s-3"]
    assert set(statuses(explorer)) == {"ready"}
    assert all(row["view"].startswith("IPY_MODEL_") for row in panel.rows)
    assert "200 dimensions" in panel.rows[0]["facts"]
    assert explorer.embedding.model == "msd-musicnn-1"
    assert np.array_equal(explorer.embedding.values, embviz.embed(folder / "one.wav", "musicnn").values)
    assert [track["name"] for track in panel.tracks] == ["one.wav", "two.wav"]
    assert panel.tracks[0]["title"] == "First"
    assert panel.tracks[0]["seconds"] == pytest.approx(12, abs=0.01)
    assert panel.track == 0
    assert panel.progress == {}
    assert panel.notice == {}
    assert set(panel.cached["0"]) == {row["model"] for row in panel.rows}
    json.dumps(
        [panel.tracks, panel.models, panel.rows, panel.predictions, panel.layers, panel.similarity, panel.cached]
    )
    player = explorer._context.player
    assert player.duration == pytest.approx(12, abs=0.01)
    assert player.sections == [{"name": "start", "start": 0.0}, {"name": "end", "start": 6.0}]


def test_constructing_decodes_nothing_and_loads_no_essentia(folder):
    code = (
        "import sys, embviz; from embviz.app.explorer import Explorer\n"
        "import threading; threading.Thread.start = lambda self: None\n"
        f"explorer = Explorer({str(folder)!r})\n"
        "print('essentia' in sys.modules, len(explorer.widget.tracks), explorer.widget.rows[0]['status'])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "2", "waiting"]


def test_a_panel_keeps_what_a_cache_is_told_to_keep(folder, explore, tmp_path):
    cache = embviz.Cache(tmp_path / "own", precision="float16")
    explore(folder, models=["tempocnn"], cache=cache).wait()
    assert [entry.name.split(".")[1] for entry in (tmp_path / "own" / "embeddings").rglob("*.safetensors")] == [
        "float16"
    ]


def test_a_warm_track_needs_no_computing(folder, explore, monkeypatch):
    explore(folder, models=["vgg", "tempocnn"]).wait()
    monkeypatch.setattr("embviz.extraction.extract._compute", None)
    monkeypatch.setattr("embviz.audio.audio.decode", None)
    begun = time.process_time()
    explorer = explore(folder, models=["vgg", "tempocnn"]).wait()
    assert time.process_time() - begun < 2
    assert statuses(explorer) == ["ready", "ready"]


def test_models_of_the_panel_are_the_catalogue(folder, explore):
    models = {model["name"]: model for model in explore(folder, models=[]).widget.models}
    musicnn, spleeter = models["msd-musicnn-1"], models["spleeter-2s-3"]
    assert musicnn["state"] == "ready"
    assert models["audioset-vggish-3"]["state"] == "download"
    assert models["audioset-vggish-3"]["bytes"] == 288_596_230
    assert (musicnn["patch"], musicnn["hop"], musicnn["finest"]) == (187 / 62.5, 93 / 62.5, 1 / 62.5)
    # Half of 93 frames is no whole number of them: what is offered is what is computed.
    assert musicnn["finer"] == [46 / 62.5, 23 / 62.5]
    assert (spleeter["fixed_hop"], spleeter["finer"]) == (True, [])
    assert 0 < musicnn["shared_cost"] < musicnn["cost"], "a dense hop costs less than its patches one by one"
    heard = {layer["name"]: layer["receptive_field"] for layer in musicnn["layers"]}
    assert heard["embedding"] == "the whole patch"
    assert heard["timbral"].endswith(" s")
    tempo = {layer["name"]: layer["receptive_field"] for layer in models["deepsquare-k8"]["layers"]}
    assert tempo["conv1"] == "0.28 s, and the level of the whole patch"
    assert tempo["output"] == "the whole patch"


def test_an_array_can_be_explored(noise_and_tone, explore):
    explorer = explore(noise_and_tone, models=["tempocnn"]).wait()
    assert explorer.track is None
    assert statuses(explorer) == ["ready"]
    assert explorer.embedding.title == "array"


def test_nothing_at_all_waits_for_a_file(explore):
    explorer = explore().wait()
    assert explorer.embedding is None
    assert explorer.code() == ""
    assert set(statuses(explorer)) == {"cancelled"}
    assert "Choose a track" in messages(explorer)[0]


def test_the_sample_tracks_are_opened_where_there_are_none(explore, tmp_path):
    explorer = explore(tmp_path, models=["tempocnn"])
    assert "There is no sound in" in explorer.widget.notice["text"]
    command(explorer, "open_samples").wait()
    samples = embviz.sample_audio()
    assert (explorer.track, explorer.widget.folder) == (str(samples / "rock.ogg"), str(samples))
    assert (statuses(explorer), explorer.widget.notice) == (["ready"], {})
    command(explorer, "open_samples").wait()
    assert len(explorer.widget.tracks) == 10
    assert len(explorer._controller.evaluation_tab.start() or explorer.wait()._controller.loader.collection) == 10


def test_the_list_follows_what_a_map_computes(folder, explore):
    os.utime(folder / "two.wav", (1e9, 1e9))  # the digest of a file that is still being written is not remembered
    explorer = explore(folder, models=["musicnn"]).wait()
    assert "1" not in explorer.widget.cached
    explorer.widget.tab = "map"
    explorer.wait().wait().wait()
    assert "msd-musicnn-1" in explorer.widget.cached["1"]
    assert explorer.widget.tracks[1]["seconds"] == pytest.approx(6, abs=0.01)


def test_the_list_shows_what_the_map_shows(folder, explore):
    explorer = explore(folder, models=[]).wait()
    explorer.map("tempocnn", method="pca").wait()
    atlas = explorer._controller.map_tab.atlas
    assert explorer.widget.shown_on_map == b""
    atlas.filter(duration=(12, 12))
    listed = [explorer.widget.tracks[i]["name"] for i in np.flatnonzero(list(explorer.widget.shown_on_map))]
    assert listed == atlas.filtered["name"].tolist()
    assert 0 < len(listed) < len(explorer.widget.tracks)
    command(explorer, "show_all_tracks")
    assert (explorer.widget.shown_on_map, atlas.widget.filters) == (b"", {})
    atlas.filter(duration=(12, 12))
    explorer._controller.map_tab.close()
    assert explorer.widget.shown_on_map == b""


# Rows. -------------------------------------------------------------------------------------------------------------


def test_rows_are_added_changed_moved_removed_and_brought_back(folder, explore):
    explorer = explore(folder, models=["tempocnn"])
    explorer.add("vgg", "output").add("musicnn", patch_hop=0.5).wait()
    assert explorer.embedding.model == "msd-musicnn-1"
    assert explorer.embedding.grid.period == pytest.approx(0.496)
    command(explorer, "change_row", row=1, model="deepsquare-k8", layer="output", hop=None)
    explorer.wait()
    assert explorer.embedding.layer == "output"
    panel = explorer.widget
    command(explorer, "move_row", row=1, to=2)
    assert [row["id"] for row in panel.rows] == [2, 3, 1]
    command(explorer, "collapse_row", row=3, collapsed=True)
    assert [row["collapsed"] for row in panel.rows] == [False, True, False]
    command(explorer, "remove_row", row=3)
    assert [row["id"] for row in panel.rows] == [2, 1]
    assert panel.can_undo
    command(explorer, "undo")
    assert [row["id"] for row in panel.rows] == [2, 3, 1]
    assert statuses(explorer) == ["ready"] * 3
    assert not panel.can_undo
    explorer.remove("vgg")
    explorer.remove(-1)
    assert [row["id"] for row in panel.rows] == [3]
    explorer.add("vgg", "pool3", 0.744).wait()
    assert panel.rows[-1]["hop"] == 0.736, "the hop that was computed, not the one that was asked for"
    explorer.remove(-1)
    with pytest.raises(OptionError, match="No row shows"):
        explorer.remove("spleeter")


def test_a_row_that_cannot_be_computed_says_why_and_the_others_go_on(folder, explore):
    explorer = explore(folder, models=[("vgg", "nonsense"), ("spleeter", "embedding", 0.5), "vggish", "tempocnn"])
    explorer.wait()
    assert statuses(explorer) == ["failed", "failed", "download", "ready"]
    assert "has no layer 'nonsense'" in messages(explorer)[0]
    assert "patch_hop is fixed" in messages(explorer)[1]
    assert "not on this computer" in messages(explorer)[2]
    command(explorer, "change_row", row=1, model="msd-vgg-1", layer="model/dense/Relu", hop=None)
    assert statuses(explorer.wait())[0] in ("ready", "failed")


def test_a_command_that_makes_no_sense_is_a_notice(folder, explore):
    explorer = explore(folder, models=["tempocnn"]).wait()
    for kind, content in [
        ("add_row", {"model": "nonsense"}),
        ("open_track", {"track": 99}),
        ("remove_row", {"row": 99}),
        ("change_row", {}),
        ("add_row", {"model": "vgg", "layer": ["x"]}),
        ("add_row", {"model": "vgg", "hop": {}}),
        ("upload", {"name": "x.wav"}),
    ]:
        seq = explorer.widget.notice.get("seq", 0)
        command(explorer, kind, **content)
        assert explorer.widget.notice["level"] == "error"
        assert explorer.widget.notice["seq"] > seq or kind == "upload"
    command(explorer, "dismiss_notice")
    assert explorer.widget.notice == {}
    assert statuses(explorer) == ["ready"]


def test_the_page_is_answered(folder, explore, monkeypatch):
    explorer = explore(folder, models=["tempocnn"])
    sent = []
    monkeypatch.setattr(explorer.widget, "send", lambda content, *_: sent.append(content))
    command(explorer, "show_predictions", seq=5)
    assert {"kind": "ack", "seq": 5} in sent


def test_first_frames_are_drawn_while_the_rest_comes(tmp_path, explore, noise_and_tone):
    samples, rate = noise_and_tone
    soundfile.write(tmp_path / "long.wav", np.tile(samples, 3), rate)
    explorer = explore(tmp_path / "long.wav", models=[("tempocnn", "embedding", "dense")])
    seen = {}

    def look(change):
        status = change["new"][0]["status"]
        if status == "partial" and status not in seen:
            view = explorer._controller.heatmaps.rows[0].view
            cells = np.frombuffer(view.cells, np.uint8).reshape(view.shape)
            seen[status] = (cells > 0).any(axis=0)
            assert not view.complete

    explorer.widget.observe(look, "rows")
    explorer.wait()
    drawn = seen["partial"]
    assert drawn[0]
    assert not drawn[-1]
    assert statuses(explorer) == ["ready"]
    assert explorer._controller.heatmaps.rows[0].view.complete
    assert np.isfinite(explorer.embedding.values).all()


def test_cancelling_keeps_what_is_finished(folder, explore):
    explorer = explore(folder, models=["tempocnn"]).wait()
    explorer.add("musicnn", patch_hop="dense")
    deadline = time.monotonic() + 30
    while statuses(explorer)[1] == "waiting" and time.monotonic() < deadline:
        explorer._context.worker.drain()
        time.sleep(0.02)
    command(explorer, "cancel").wait(30)
    assert statuses(explorer) == ["ready", "cancelled"]
    assert explorer.widget.progress == {}
    assert explorer.embedding.model == "deepsquare-k8"
    kept = embviz.Cache().keys()
    assert {key["model"] for key in kept} == {"deepsquare-k8"}
    command(explorer, "change_row", row=2, model="msd-musicnn-1", layer="embedding", hop=None)
    assert statuses(explorer.wait()) == ["ready", "ready"]


def test_another_track_replaces_the_one_that_is_computed(folder, explore):
    explorer = explore(folder, models=[("musicnn", "embedding", "dense")])
    time.sleep(0.3)
    command(explorer, "change_row", row=1, model="msd-musicnn-1", layer="embedding", hop=None)
    command(explorer, "open_track", track=1).wait()
    assert explorer.track == str(folder / "two.wav")
    assert explorer.embedding.title == "two.wav"
    assert explorer.embedding.duration == pytest.approx(6, abs=0.01)
    view = explorer._controller.heatmaps.rows[0].view
    assert view.shape[1] == len(explorer.embedding)


def test_what_was_under_way_is_not_shown_as_another_model_s(folder, explore):
    explorer = explore(folder, models=[]).wait()
    explorer.add("musicnn")
    command(explorer, "change_row", row=1, model="audioset-vggish-3", layer="embedding", hop=None)
    command(explorer, "show_similarity", model="msd-musicnn-1")
    command(explorer, "show_similarity", model="audioset-vggish-3")
    explorer.wait()
    assert statuses(explorer) == ["download"]
    assert explorer.embedding is None
    assert explorer.widget.similarity["status"] == "download"


def test_nothing_is_left_behind(folder, explore):
    def drawn():
        return [type(widget).__name__ for widget in registered.values()]

    before = drawn()
    explorer = explore(folder, models=["tempocnn"]).wait()
    command(explorer, "show_layers", model="deepsquare-k8").wait()
    explorer.widget.tab = "similarity"
    explorer.wait()
    once = drawn()
    for number in (1, 0) * 5:
        explorer.open(number).wait()
    assert sorted(drawn()) == sorted(once)
    explorer.add("tempocnn", "output").wait()
    command(explorer, "remove_row", row=2)
    explorer.open(1)
    assert len(drawn()) <= len(once), "what was removed belongs to another track"
    command(explorer, "undo").wait()
    assert statuses(explorer) == ["ready", "ready"]
    assert explorer.wait()._controller.heatmaps.rows[1].embedding.title == "two.wav"
    explorer.close()
    assert sorted(drawn()) == sorted(before)
    assert "closed" in explorer._repr_mimebundle_()["text/plain"]
    with pytest.raises(embviz.errors.ModelError):
        Explorer(folder, models=["nonsense"])
    assert sorted(drawn()) == sorted(before)


def test_two_side_by_side_do_not_disturb_each_other(folder, explore):
    one, other = explore(folder, models=["musicnn"]), explore(folder / "two.wav", models=["musicnn"])
    assert one.widget.clock != other.widget.clock
    other.wait()
    one.wait()
    assert (one.embedding.title, other.embedding.title) == ("one.wav", "two.wav")
    for explorer, name in ((one, "one.wav"), (other, "two.wav")):
        assert np.array_equal(explorer.embedding.values, embviz.embed(folder / name, "musicnn", cache=False).values)
    one.cancel()
    assert statuses(other) == ["ready"]


# Live traits, state, code. -----------------------------------------------------------------------------------------


def test_traits_follow_the_page_and_the_next_cell(folder, explore):
    explorer = explore(folder, models=["tempocnn", "musicnn"]).wait()
    player, rows = explorer._context.player, explorer._controller.heatmaps.rows
    player.time = 3.25
    player.range = [2.0, 4.0]
    assert explorer.time == 3.25
    assert explorer.time_range == (2.0, 4.0)
    rows[1].view.pins = [3, 17]
    assert explorer.pins == (3, 17)
    assert explorer.embedding.model == "msd-musicnn-1"
    explorer.pins = (5,)
    assert rows[1].view.pins == [5]
    explorer.time_range = (1.0, 2.0)
    assert player.range == [1.0, 2.0]
    explorer.time_range = None
    assert player.range == []
    explorer.track = str(folder / "two.wav")
    assert explorer.wait().embedding.title == "two.wav"
    explorer.open("one.wav").wait()
    assert explorer.widget.track == 0
    with pytest.raises(AudioError, match="no file"):
        explorer.open("three.wav")
    for name, value in [("track", "three.wav"), ("track", None), ("pins", (9999,)), ("pins", ("x",)),
                        ("time_range", (float("nan"), 1.0))]:  # fmt: skip
        before = getattr(explorer, name)
        with pytest.raises((AudioError, OptionError)):
            setattr(explorer, name, value)
        assert getattr(explorer, name) == before
    with pytest.raises(OptionError, match="seconds"):
        explorer.seek(float("nan"))
    heard = []
    explorer.observe(lambda change: heard.append(change["new"]), "embedding")
    explorer.open(1).wait()
    assert heard[-1].title == "two.wav"


def test_a_state_restores_a_view(folder, explore):
    explorer = explore(folder, models=[("vgg", "pool3"), "tempocnn"]).open(1).wait()
    explorer._controller.heatmaps.rows[0].view.order = "activity"
    explorer._controller.heatmaps.rows[1].view.pins = [4]
    command(explorer, "collapse_row", row=2, collapsed=True)
    explorer.widget.tab = "similarity"
    explorer.wait()
    explorer.time_range = (1.0, 3.0)
    explorer._context.player.rate = 1.5
    state = json.loads(json.dumps(explorer.state()))
    again = explore(folder, state=state).wait()
    assert again.state() == state
    assert again.track == str(folder / "two.wav")
    assert again.widget.similarity["view"]
    assert [row["collapsed"] for row in again.widget.rows] == [False, True]
    assert again._controller.heatmaps.rows[0].view.order == "activity"
    assert again.time_range == (1.0, 3.0)


@pytest.mark.parametrize(
    "state", [7, {}, {"format": 99}, {"rows": [{"layer": "x"}]}, {"tab": "none"}, {"range": "no"}, {"track": 7},
              {"layers": 7}, {"similarity": []}, {"similarity": None}, {"time": float("nan")}, {"rate": "fast"},
              {"view": [1.0, float("inf")]}, {"boundaries": {"kernel": -1}}, {"boundaries": {"size": 1}},
              {"plane": 7}],
)  # fmt: skip
def test_what_is_no_state_raises(folder, state):
    before = len(registered)
    with pytest.raises(OptionError, match="state"):
        Explorer(folder, state={"format": 1, "rows": []} | state if isinstance(state, dict) and state else state)
    assert len(registered) == before


def test_what_no_longer_fits_a_track_is_cut_to_it(folder, explore):
    state = explore(folder, models=["tempocnn"]).wait().state()
    odd = {"time": 1e9, "rate": 99, "volume": 0, "range": [15.0, 3.0], "looping": 1, "view": [20.0, 30.0]}
    state["rows"][0]["foreign"] = 1
    explorer = explore(folder, state=state | odd).wait()
    player = explorer._context.player
    assert (player.time, player.rate, player.volume) == (pytest.approx(12), 2.0, 0.0)
    assert (player.range, player.looping) == ([3.0, pytest.approx(12)], True)
    assert player.view == [0.0, pytest.approx(12)]
    assert statuses(explorer) == ["ready"]
    assert explorer.widget.notice == {}


def test_a_view_without_rows_does_not_say_that_weights_are_missing(folder, explore):
    state = explore(folder, models=[]).wait().state()
    assert explore(folder, state=state).wait().widget.notice == {}


def test_a_state_of_another_place_is_a_notice(folder, explore):
    state = explore(folder, models=["tempocnn"]).wait().state()
    state["track"] = "gone.ogg"
    state["rows"].append({"model": "nonsense"})
    state["rows"][0] |= {"order": "odd", "scale": 7, "pins": ["x", 10**9, 3]}
    explorer = explore(folder, state=state).wait()
    assert "gone.ogg" in explorer.widget.notice["text"]
    assert statuses(explorer) == ["ready"]
    assert explorer.pins == (3,)


def test_the_code_gives_the_same_view(folder, explore, tmp_path):
    explorer = explore(
        folder, models=["tempocnn", ("vgg", "pool3", 0.5), ("vgg", "pool3"), ("vgg", "nonsense"), "vggish"]
    )
    explorer.wait()
    explorer._controller.heatmaps.rows[1].view.order = "activity"
    explorer.time_range = (2.0, 8.0)
    code = explorer.code()
    assert explorer.widget.code == code
    means = "[len(m) for m in (tempocnn_mean, vgg_pool3_mean, vgg_pool3_2_mean)]"
    shapes = "[list(e.shape) for e in (tempocnn, vgg_pool3, vgg_pool3_2)]"
    assert code.rstrip().splitlines()[-1].endswith(".show()"), "a cell draws what its last line gives"
    assert code.count(".show()") == 3
    before = "import plotly.io; plotly.io.renderers.default = 'json'\n"
    check = f"\nimport json; print(json.dumps([{shapes}, {means}]))"
    run = subprocess.run(
        [sys.executable, "-c", before + code + check], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert run.returncode == 0, run.stderr
    expected = [list(explorer._controller.heatmaps.rows[i].embedding[2.0:8.0].shape) for i in range(3)]
    assert json.loads(run.stdout.splitlines()[-1]) == [expected, [shape[1] for shape in expected]]


def test_an_engine_that_is_insisted_on_computes_and_stands_in_the_code(folder, explore):
    explorer = explore(folder, models=["tempocnn"], engine="essentia").wait()
    assert explorer.embedding.info["engine"] == "essentia"
    assert "embviz.embed(track, 'deepsquare-k8', engine='essentia')" in explorer.code()
    assert "engine=" not in explore(folder, models=["tempocnn"]).wait().code()


def test_the_code_of_a_moment_takes_the_frame_at_it(folder, explore):
    explorer = explore(folder, models=["tempocnn"]).wait()
    row = explorer._controller.heatmaps.rows[0].embedding
    center = float(row.times[0])
    explorer.time_range = (center + 0.1, center + 0.3)
    assert not len(row[slice(*explorer.time_range)])
    namespace = {}
    exec(explorer.code().replace("embviz.heatmap", "#"), namespace)  # noqa: S102
    np.testing.assert_array_equal(namespace["tempocnn_mean"], row.values[0])
    explorer.time_range = None
    assert "mean" not in explorer.code()


def test_rows_tell_how_many_dimensions_never_change(folder, explore):
    explorer = explore(folder, models=[("vgg", "pool3"), ("tempocnn", "output")]).wait()
    for row, shown in zip(explorer._controller.heatmaps.rows, explorer.widget.rows, strict=True):
        t, d = row.embedding.shape
        still = int(np.sum(np.ptp(row.embedding.values, axis=0) == 0))
        assert (f"{still} of {d} dimensions never change" in shown["facts"]) == (still > 0 and t > 1)
        assert row.layer not in shown["facts"].split(" · ")
    command(explorer, "show_layers", model="msd-musicnn-1").wait()
    walk = {row["layer"]: row["constant"] for row in explorer.widget.layers["rows"]}
    assert walk["mel"] == ""
    assert walk["timbral"].endswith(" of 408 dimensions never change")


def test_the_code_of_a_hostile_name_is_still_one_string(tmp_path, explore, noise_and_tone):
    name = "\"); import os #'\n\u202e.wav"
    soundfile.write(tmp_path / name, noise_and_tone[0][:22_050], 22_050)
    code = explore(tmp_path / name, models=["tempocnn"]).wait().code()
    code.encode("ascii")
    namespace = {}
    exec("\n".join(line for line in code.split("\n") if line.startswith("track =")), namespace)  # noqa: S102
    assert namespace["track"] == str(tmp_path / name)


def test_a_page_without_a_kernel_is_written(folder, explore, tmp_path, monkeypatch):
    explorer = explore(folder, models=["tempocnn", "vggish"]).wait()
    path = explorer.to_html(tmp_path / "page.html")
    text = path.read_text("utf-8")
    assert "embviz pull audioset-vggish-3" in text
    monkeypatch.chdir(tmp_path)
    command(explorer, "export_page").wait()
    command(explorer, "export_page").wait()
    assert (tmp_path / "one.html").is_file()
    assert (tmp_path / "one (2).html").is_file()
    assert explorer.widget.notice["level"] == "done"


def test_a_page_shows_the_track_that_was_open_when_it_was_asked_for(folder, explore, tmp_path, monkeypatch):
    explorer = explore(folder, models=["tempocnn"]).wait()
    monkeypatch.chdir(tmp_path)
    command(explorer, "export_page")
    command(explorer, "open_track", track=1).wait()
    assert "0:12.0" in (tmp_path / "one.html").read_text("utf-8")
    assert explorer.widget.notice["level"] == "done"


def test_paths_hold_when_the_working_folder_changes(folder, explore, tmp_path, monkeypatch):
    monkeypatch.chdir(folder)
    explorer = explore(".", models=["tempocnn"]).wait()
    assert "track = 'one.wav'" in explorer.code()
    monkeypatch.chdir(tmp_path)
    assert f"track = {str(folder / 'one.wav')!r}" in explorer.code()
    state = explorer.state()
    assert explore(folder, state=state).wait().widget.notice == {}
    explorer.open(1).wait()
    explorer.track = str(folder / "one.wav")
    assert len(explorer.widget.tracks) == 2


def test_a_page_in_a_script_waits_for_what_is_computed(folder, explore, tmp_path):
    (folder / "tracks.csv").write_text("file,title,style,bpm,key\none.wav,Mill Road,folk,108,A minor\n")
    text = explore(folder, models=["tempocnn"]).to_html(tmp_path / "page.html").read_text("utf-8")
    assert '"0:12.0", "one.wav", "folk", "108 BPM", "A minor"' in text
    assert "19 frames" in text or "256 dimensions" in text


def test_waiting_for_a_page_says_how_far_it_is_and_can_be_interrupted(folder, explore, tmp_path, monkeypatch, capsys):
    explorer = explore(folder, models=[]).wait()
    context = explorer._context
    wait, calls = context.wait, []

    def endless(job):
        while True:
            job.report("working", 0, 0)
            time.sleep(0.01)

    def wait_twice(timeout):
        calls.append(timeout)
        if len(calls) == 2:
            raise KeyboardInterrupt
        while not context._busy:
            wait(timeout)

    context.worker.submit(("endless",), endless, on_progress=context.busy)
    monkeypatch.setattr(context, "wait", wait_twice)
    with pytest.raises(KeyboardInterrupt) as caught:
        explorer.to_html(tmp_path / "page.html")
    assert "working" in capsys.readouterr().err
    assert "goes on" in caught.value.__notes__[0]
    assert not (tmp_path / "page.html").exists()
    explorer.cancel()


def test_a_page_in_a_kernel_is_of_what_is_there(folder, explore, tmp_path):
    async def write():
        with pytest.raises(OptionError, match="No track is open"):
            explore(folder, models=["tempocnn"]).to_html(tmp_path / "page.html")

    asyncio.run(write())


def test_its_still_shows_the_page_in_front_and_what_is_chosen(folder, explore):
    explorer = explore(folder, models=["tempocnn", "vggish"])
    assert "being opened" in explorer.still().lines[0]
    assert explorer.still().draw is None
    explorer.wait()
    explorer.time_range, explorer.pins = (2, 4), (7,)
    still = explorer.still()
    assert still.title == "Explorer · First"
    assert still.lines[0] == "one.wav · 0:12.0 · selected 0:02.0 to 0:04.0"
    assert "VGGish" in still.lines[1]
    assert "pinned: 7" in still.key[0][0][2]
    assert len(still.picture()["image/png"]) < 300_000
    explorer.widget.set_state({"tab": "similarity"})
    explorer.wait()
    assert explorer.still().lines[0].startswith("Page: self-similarity of Tempo-CNN")
    assert explorer.filtered is None
    explorer.map("tempocnn", method="pca").wait()
    assert "one.wav" in explorer.filtered["name"].tolist()
    assert explorer.still().title.startswith("Map · Tempo-CNN")
    assert explorer.still().draw is not None
    settled = []
    explorer._context.events.settled.connect(lambda: settled.append(explorer.still().lines))
    explorer._controller.map_tab.atlas.filter(duration=(12, 12))
    assert any(line.startswith("left out by filters: ") for line in settled[-1]), "the still follows the filters"


def test_it_shows_itself(folder, explore):
    explorer = explore(folder, models=["tempocnn"])
    data = explorer._repr_mimebundle_()
    data = data[0] if isinstance(data, tuple) else data
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == explorer.widget.model_id
    assert repr(explorer).startswith("<Explorer 'one.wav'")


# What it hears, layers, structure. ---------------------------------------------------------------------------------


def test_what_it_hears(rock, explore):
    explorer = explore(rock, models=[])
    explorer.wait()
    command(explorer, "show_predictions").wait()
    hears = explorer.widget.predictions
    assert [tagger["status"] for tagger in hears["taggers"]].count("ready") == 1
    assert hears["taggers"][0]["view"]
    assert hears["tempo"]["bpm"] == 128
    assert hears["tempo"]["confidence"] == pytest.approx(0.56, abs=0.01)
    assert sum(hears["tempo"]["shares"]) == pytest.approx(1, abs=0.01)
    assert len(hears["tempo"]["bpms"]) == 256
    other = hears["taggers"][1]["model"]
    command(explorer, "show_tags", model=other).wait()
    assert next(t for t in explorer.widget.predictions["taggers"] if t["model"] == other)["status"] == "ready"


def test_the_plane_of_a_head_with_valence_and_arousal(rock, explore, tmp_path):
    explorer = explore(rock, models=[])
    explorer.wait()
    command(explorer, "show_predictions").wait()
    plane = explorer.widget.predictions["plane"]
    assert (plane["heads"], plane["head"]) == ([], "")
    assert "embviz.pull('deam-msd-musicnn-2')" in plane["hint"]
    stand_ins = [regression().write(tmp_path / f"{name}-msd-musicnn-2.pb", classes=["valence", "arousal"])
                 for name in ("deam", "emomusic")]  # fmt: skip
    explorer = explore(rock, models=[], heads=stand_ins)
    explorer.wait()
    command(explorer, "show_predictions").wait()
    plane = explorer.widget.predictions["plane"]
    assert [head["name"] for head in plane["heads"]] == ["deam-msd-musicnn-2", "emomusic-msd-musicnn-2"]
    assert (plane["head"], plane["status"], plane["hint"]) == ("deam-msd-musicnn-2", "ready", "")
    view = registered[plane["view"].removeprefix("IPY_MODEL_")]
    assert view.limits == [1, 9, 1, 9]
    expected = embviz.embed(rock, head=as_head(stand_ins[0])).values
    assert np.array_equal(np.frombuffer(view.values, "<f4").reshape(-1, 2), expected)
    page = explorer.to_html(tmp_path / "page.html").read_text(encoding="utf-8")
    assert "what deam-msd-musicnn-2 says of msd-musicnn-1 / embedding" in page
    command(explorer, "show_plane", head="emomusic-msd-musicnn-2").wait()
    plane = explorer.widget.predictions["plane"]
    assert (plane["head"], plane["status"]) == ("emomusic-msd-musicnn-2", "ready")
    state = json.loads(json.dumps(explorer.state()))
    for heads, shown in (stand_ins, "emomusic-msd-musicnn-2"), (stand_ins[:1], "deam-msd-musicnn-2"):
        again = explore(rock, heads=heads, state=state).wait()
        command(again, "show_predictions").wait()
        assert again.widget.predictions["plane"]["head"] == shown


def test_stems_can_be_heard(folder, explore):
    explorer = explore(folder, models=[]).wait()
    command(explorer, "separate_stems").wait()
    player = explorer._context.player
    assert explorer.widget.predictions["stems"]["status"] == "ready"
    assert explorer.widget.predictions["stems"]["names"] == ["vocals", "accompaniment"]
    assert [stem["name"] for stem in player.stems] == ["vocals", "accompaniment"]
    assert all(sound.startswith(b"OggS") for sound in player.stem_sounds)
    explorer.open(1).wait()
    assert player.stems == []
    assert explorer.widget.predictions["stems"]["names"] == []


def test_a_walk_through_the_layers_and_their_maps(folder, explore):
    explorer = explore(folder, models=[]).wait()
    command(explorer, "show_layers", model="msd-vgg-1").wait()
    walk = explorer.widget.layers
    assert [row["layer"] for row in walk["rows"]] == [
        layer.name for layer in embviz.get_model("msd-vgg-1").known_layers
    ]
    assert {row["status"] for row in walk["rows"]} == {"ready"}
    maps = {row["layer"]: row["has_feature_maps"] for row in walk["rows"]}
    assert maps["pool1"]
    assert not maps["embedding"]
    command(explorer, "show_feature_maps", layer="pool2").wait()
    assert explorer.widget.layers["feature_maps"]["status"] == "ready"
    assert explorer.widget.layers["feature_maps"]["message"] == ""
    explorer.open(1).wait()
    assert explorer.widget.layers["feature_maps"] == {}


def test_maps_of_a_long_track_come_from_a_stretch_and_have_its_times(rock, explore):
    explorer = explore(rock, models=[]).wait()
    explorer.seek(60.0)
    explorer._context.player.time = 60.0
    command(explorer, "show_layers", model="msd-vgg-1")
    explorer._context.worker.cancel(lambda key: key[0] == "layers")
    command(explorer, "show_feature_maps", layer="conv1").wait()
    maps = explorer.widget.layers["feature_maps"]
    assert maps["status"] == "ready"
    assert "0:40 to 1:20" in maps["message"]
    view = explorer._controller.layers.maps.view
    whole = embviz.embed(rock, "vgg", layer="conv1", cache=False)
    hop = view.grid["hop"]
    first = (view.grid["start"] - whole.grid.start) // hop
    assert (view.grid["start"] - whole.grid.start) % hop == 0
    assert view.grid["n_samples"] == whole.grid.n_samples
    middle = view._tensor[len(view._tensor) // 2].mean(axis=0)
    assert np.allclose(middle, whole.values[first + len(view._tensor) // 2], atol=1e-3)


def test_the_structure_of_a_track(folder, explore):
    explorer = explore(folder, models=["tempocnn", "musicnn"]).wait()
    command(explorer, "show_similarity", model="msd-musicnn-1", layer="embedding").wait()
    assert explorer.widget.similarity["status"] == "ready"
    assert explorer.widget.similarity["view"].startswith("IPY_MODEL_")
    explorer.widget.tab = "similarity"
    explorer.open(1).wait()
    assert explorer.widget.similarity["status"] == "ready"
    assert explorer._controller.similarity.work.model == "msd-musicnn-1"


def test_pages_are_opened_before_a_track_is_there(folder, explore):
    explorer = explore(folder, models=["musicnn"])
    explorer.open(1).layers("vgg").wait()
    assert explorer.widget.tab == "layers"
    assert {row["model"] for row in explorer.widget.layers["rows"]} == {"msd-vgg-1"}
    assert {row["status"] for row in explorer.widget.layers["rows"]} == {"ready"}
    assert explorer.structure("musicnn", "cnn3").wait().widget.tab == "similarity"
    assert explorer.widget.similarity["status"] == "ready"
    assert explorer.widget.similarity["layer"] == "cnn3"
    for ask in (explorer.layers, explorer.structure):
        with pytest.raises(embviz.errors.ModelError, match="musicn"):
            ask("musicn")
    assert explorer.widget.tab == "similarity"
    assert explorer.structure("musicnn", "cnn9").wait().widget.similarity["status"] == "failed"


def test_what_is_chosen_for_boundaries_stays_and_goes_into_code_state_page_and_still(folder, explore, tmp_path):
    explorer = explore(folder, models=["musicnn"]).wait()
    explorer.widget.tab = "similarity"
    explorer.wait()
    view = explorer._controller.similarity.work.view
    assert view.agreement.startswith("F against 2 known sections: ")
    view.set_state({"kernel": 4.0})
    view.set_state({"prominence": 0.01})
    code = explorer.code()
    assert code == explorer.widget.code
    namespace = {}
    exec(code, namespace)  # noqa: S102
    assert namespace["boundaries"].times.tolist() == view.boundaries
    assert "print(boundaries.score([0.0, 6.0]))" in code
    assert code.rstrip().endswith("SelfSimilarity.of(musicnn, kernel=4.0, prominence=0.01)")
    state = json.loads(json.dumps(explorer.state()))
    assert state["boundaries"] == {"kernel": 4.0, "prominence": 0.01}
    assert "(kernel 4 s, prominence 0.01)" in explorer.still().lines[2]
    page = explorer.to_html(tmp_path / "page.html").read_text()
    assert '"kernel": 4.0' in page
    assert '"adjustable": false' in page
    explorer.open(1).wait()
    assert explorer._controller.similarity.work.view.kernel == 4.0
    assert explorer._controller.similarity.work.view.agreement == ""
    again = explore(folder, state=state).wait()
    assert again._controller.similarity.work.view.boundaries == view.boundaries


# Weights. ----------------------------------------------------------------------------------------------------------


def test_weights_are_pulled_from_a_row_and_it_goes_on(folder, explore, home, weights_home, monkeypatch):
    (home / "data").unlink()
    models = home / "data"
    models.mkdir()
    explorer = explore(folder)
    assert statuses(explorer) == ["download"]
    assert "No weights" in explorer.widget.notice["text"]
    seen = []

    def pull(model, *, progress):
        for done in range(5):
            progress(f"downloading {model.name}", done, 5)
        models.rmdir()
        models.symlink_to(weights_home / "data")
        return weights.find_weights(model)

    monkeypatch.setattr("embviz.app.downloads.pull", pull)
    explorer.widget.observe(lambda change: seen.append(change["new"]), "downloads")
    command(explorer, "pull", model="msd-musicnn-1").wait()
    explorer.wait()
    assert seen[0] == {"msd-musicnn-1": {"done": 0, "total": 0, "stage": "waiting"}}
    assert explorer.widget.downloads == {}
    assert statuses(explorer) == ["ready"]
    assert next(m for m in explorer.widget.models if m["name"] == "msd-musicnn-1")["state"] == "ready"


def test_a_pull_can_be_stopped_and_can_fail(folder, explore, monkeypatch):
    explorer = explore(folder, models=["vggish"]).wait()
    begun, stopped = threading.Event(), threading.Event()

    def slow(model, *, progress):
        begun.set()
        try:
            while True:
                progress("downloading", 1, 9)
                time.sleep(0.01)
        finally:
            stopped.set()

    monkeypatch.setattr("embviz.app.downloads.pull", slow)
    command(explorer, "pull", model="audioset-vggish-3")
    assert begun.wait(30)
    command(explorer, "stop_pull", model="audioset-vggish-3").wait()
    assert stopped.wait(10)
    assert explorer.widget.downloads == {}

    def fails(model, *, progress):
        raise embviz.errors.WeightsError("The weights could not be had: the line was cut.")

    monkeypatch.setattr("embviz.app.downloads.pull", fails)
    command(explorer, "pull", model="audioset-vggish-3").wait()
    assert "line was cut" in explorer.widget.downloads["audioset-vggish-3"]["error"]
    assert statuses(explorer) == ["download"]


# Bad input. --------------------------------------------------------------------------------------------------------


def test_what_does_not_exist_raises():
    with pytest.raises(AudioError, match="There is no file or folder"):
        Explorer("nonexistent")
    with pytest.raises(OptionError, match="cache"):
        Explorer(cache="here")
    with pytest.raises(embviz.errors.ModelError, match="no model"):
        Explorer(models=["nonsense"])


def test_an_empty_folder_says_so(tmp_path, explore):
    assert "There is no sound" in explore(tmp_path).wait().widget.notice["text"]


def test_broken_files_say_so_and_the_next_track_works(folder, explore):
    (folder / "a broken.wav").write_bytes(b"RIFF nonsense")
    (folder / "an empty.ogg").write_bytes(b"")
    explorer = explore(folder, models=["tempocnn"]).open("a broken.wav").wait()
    assert "cannot be decoded" in explorer._context.player.problem
    assert statuses(explorer) == ["failed"]
    assert "cannot be decoded" in explorer.widget.tracks[0]["problem"]
    command(explorer, "open_track", track=1).wait()
    assert "empty" in explorer._context.player.problem
    command(explorer, "open_track", track=2).wait()
    assert statuses(explorer) == ["ready"]
    assert explorer._context.player.problem == ""


def test_a_pipe_is_not_waited_for(folder, explore):
    os.mkfifo(folder / "a pipe.wav")
    explorer = explore(folder, models=["tempocnn"]).open("a pipe.wav").wait(20)
    assert "is a pipe" in explorer._context.player.problem
    assert statuses(explorer.open(1).wait()) == ["ready"]


def test_a_file_that_goes_or_changes_while_it_is_shown(folder, explore, noise_and_tone):
    explorer = explore(folder / "one.wav", models=["tempocnn"]).wait()
    (folder / "one.wav").unlink()
    explorer.add("musicnn").wait()
    assert statuses(explorer) == ["ready", "failed"]
    assert "No such file" in messages(explorer)[1]
    samples, rate = noise_and_tone
    soundfile.write(folder / "one.wav", samples[: 5 * rate], rate)
    command(explorer, "retry_row", row=2).wait()
    assert statuses(explorer) == ["ready", "ready"]
    assert explorer.embedding.duration == pytest.approx(5, abs=0.01)


def test_silence_and_ten_milliseconds(tmp_path, explore):
    soundfile.write(tmp_path / "1 silent.wav", np.zeros(60_000, np.float32), 16_000)
    soundfile.write(tmp_path / "2 short.wav", np.full(160, 0.1, np.float32), 16_000)
    os.utime(tmp_path / "1 silent.wav", (1e9, 1e9))
    explorer = explore(tmp_path, models=["musicnn", "tempocnn"])
    explorer.widget.tab = "similarity"
    assert statuses(explorer.wait()) == ["ready", "ready"]
    assert explorer.widget.tracks[0]["warning"].startswith("silent, so what models say")
    assert explorer.widget.notice["text"].startswith("1 silent.wav: silent")
    collection = embviz.Collection.from_folder(tmp_path)
    assert collection.table["warning"][0] == explorer.widget.tracks[0]["warning"], "a collection says it, too"
    assert "1 track with a warning" in repr(collection)
    explorer.open(1).wait()
    assert explorer.widget.tracks[1]["warning"] == ""
    assert statuses(explorer) == ["ready", "ready"]
    assert len(explorer.embedding) == 1
    assert "repeated to fill it" in explorer.widget.rows[0]["facts"]
    assert explorer.widget.similarity["status"] == "ready"


def test_a_cache_that_cannot_be_written_costs_a_notice_not_the_result(folder, explore, monkeypatch):
    def full(*_arguments, **_options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("embviz.core.io.atomic_write", full)
    explorer = explore(folder, models=["tempocnn"]).wait()
    assert statuses(explorer) == ["ready"]
    assert "cannot be kept" in explorer.widget.notice["text"]


def test_too_little_memory_is_a_sentence(folder, explore, monkeypatch):
    def huge(*_arguments):
        raise MemoryError

    monkeypatch.setattr("embviz.extraction.extract.Stitcher", huge)
    explorer = explore(folder, models=["tempocnn"]).wait()
    assert statuses(explorer) == ["failed"]
    assert "memory" in messages(explorer)[0]
    assert explorer.widget.rows[0]["remedy"]


def test_what_is_odd_about_a_sound_is_said_and_remembered(folder, explore, noise_and_tone):
    soundfile.write(folder / "zcut.flac", *noise_and_tone)
    whole = (folder / "zcut.flac").read_bytes()
    (folder / "zcut.flac").write_bytes(whole[: len(whole) // 3])
    os.utime(folder / "zcut.flac", (1e9, 1e9))
    explorer = explore(folder, models=[]).wait()
    assert [track["warning"] for track in explorer.widget.tracks] == ["", "", ""]
    explorer.open(2).wait()
    track = explorer.widget.tracks[2]
    assert "could be decoded" in track["warning"]
    assert track["seconds"] == pytest.approx(4, abs=1)
    assert explorer.widget.notice["text"] == f"zcut.flac: {track['warning']}."
    again = explore(folder, models=[]).wait()
    assert again.widget.track == 0
    assert again.widget.tracks[2]["warning"] == track["warning"]
    assert again.widget.tracks[2]["seconds"] == track["seconds"]


def tag(path, **tags):
    """Write tags to a FLAC file that was there before today."""
    file = mutagen.flac.FLAC(path)
    file.update(tags)
    file.save()
    os.utime(path, (1e9, 1e9))


def test_the_list_says_what_tags_say_and_remembers_it(folder, explore, noise_and_tone, monkeypatch):
    for name in ("three.flac", "four.flac"):
        soundfile.write(folder / name, *noise_and_tone)
    tag(folder / "three.flac", title="Rain", artist="Anna", album="Vespers", genre="Folk")
    tag(folder / "four.flac", title=HOSTILE, artist=["Anna", "Bert"])
    (folder / "words.mp3").write_text("no sound")
    for name in ("one.wav", "two.wav", "words.mp3"):
        os.utime(folder / name, (1e9, 1e9))
    (folder / "tracks.csv").write_text("file,title,bpm\none.wav,First,120\nthree.flac,Mine,90\n")
    explorer = explore(folder, models=[])
    assert [track["artist"] for track in explorer.widget.tracks] == [""] * 5, "nothing is read before it is shown"
    listed = {track["name"]: track for track in explorer.wait().widget.tracks}
    three = listed["three.flac"]
    assert [three[name] for name in ("title", "artist", "album", "genre")] == ["Mine", "Anna", "Vespers", "Folk"]
    assert three["seconds"] == pytest.approx(12, abs=0.01)
    assert listed["four.flac"]["artist"] == "Anna; Bert"
    assert (listed["one.wav"]["title"], listed["one.wav"]["artist"]) == ("First", "")
    assert (listed["two.wav"]["title"], listed["two.wav"]["seconds"]) == ("", pytest.approx(6, abs=0.01))
    assert "it is not audio" in listed["words.mp3"]["problem"]
    explorer.open("four.flac").wait()
    assert explorer._context.player.title == listed["four.flac"]["title"]
    data = (folder / "three.flac").read_bytes()
    command(explorer, "upload", data, name="new.flac", part=0, parts=1).wait()
    assert explorer.widget.tracks[-1]["artist"] == "Anna"
    assert explorer._context.player.title == "Rain", "also where the sound was open before its tags were read"

    monkeypatch.setattr("embviz.collection.file_tags.read_tags", None)
    again = {track["name"]: track for track in explore(folder, models=[]).wait().widget.tracks}
    assert again["three.flac"]["artist"] == "Anna"


def test_a_slow_disk_holds_up_the_tags_alone(folder, explore, monkeypatch):
    asked, go_on = threading.Event(), threading.Event()

    def read(_path):
        asked.set()
        assert go_on.wait(60)
        return FileTags(artist="Anna")

    monkeypatch.setattr("embviz.collection.file_tags.read_tags", read)
    explorer = explore(folder, models=["tempocnn"])
    try:
        assert asked.wait(60)
        assert explorer._context.worker.wait(60)
        assert statuses(explorer) == ["ready"]
        assert [track["artist"] for track in explorer.widget.tracks] == ["", ""]
    finally:
        go_on.set()
    assert [track["artist"] for track in explorer.wait().widget.tracks] == ["Anna", "Anna"]


def test_a_collection_is_listed_as_its_table_says(folder, explore, noise_and_tone):
    soundfile.write(folder / "three.flac", *noise_and_tone)
    tag(folder / "three.flac", title="Rain", artist="Anna", genre="Folk")
    collection = embviz.Collection.from_folder(folder)
    table = collection.table.assign(artist=["Carl", *collection.table["artist"][1:]])
    listed = explore(embviz.Collection(table), models=[]).wait().widget.tracks
    assert [(track["artist"], track["genre"]) for track in listed] == [("Carl", ""), ("Anna", "Folk"), ("", "")]


def test_uploads_are_kept_for_the_session(folder, explore, noise_and_tone):
    explorer = explore(folder, models=["tempocnn"]).wait()
    data = (folder / "two.wav").read_bytes()
    command(explorer, "upload", data, name="../../two\x00\u202e.wav", part=0, parts=1).wait()
    assert explorer.widget.track == 2
    assert statuses(explorer) == ["ready"]
    path = explorer._context.track.path
    assert path.read_bytes() == data
    assert path.name == "two__.wav"
    command(explorer, "upload", data, name="two__.wav", part=0, parts=1).wait()
    assert explorer._context.track.path.name == "two__ (2).wav"
    command(explorer, "upload", b"x", name="notes.txt", part=0, parts=1)
    assert "it is not audio" in explorer.widget.notice["text"]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))  # as if the disk were full
    try:
        command(explorer, "upload", data, name="part.wav", part=0, parts=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "The system says" in explorer.widget.notice["text"]
    assert not path.with_name("part.wav").exists()
    explorer.close()
    assert not path.exists()


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a.wav", "a.wav"),
        ("../../etc/passwd.wav", "passwd.wav"),
        ("C:\\music\\b.ogg", "b.ogg"),
        ("...hidden.mp3", "hidden.mp3"),
        ("", "sound"),
        ("a\nb\u202e\ud800.wav", "a_b__.wav"),
        ("x" * 500 + ".flac", "x" * 115 + ".flac"),
        ("<b>.ogg", "_b_.ogg"),
    ],
)
def test_names_of_uploads_are_made_safe(name, safe):
    assert safe_name(name) == safe


def test_a_hostile_name_is_only_data(tmp_path, explore, noise_and_tone):
    soundfile.write(tmp_path / HOSTILE, noise_and_tone[0], noise_and_tone[1])
    explorer = explore(tmp_path, models=["tempocnn"]).wait()
    assert explorer.widget.tracks[0]["name"] == HOSTILE
    assert explorer._context.player.title == HOSTILE
    assert statuses(explorer) == ["ready"]
    assert "<img" not in explorer.to_html(tmp_path / "page.html").read_text("utf-8")


def test_ten_thousand_tracks_are_listed_while_one_works(tmp_path, explore, noise_and_tone):
    for i in range(10_000):
        (tmp_path / f"{i}.mp3").touch()
    soundfile.write(tmp_path / "00.wav", noise_and_tone[0], noise_and_tone[1])
    begun = time.process_time()
    explorer = explore(tmp_path, models=["tempocnn"])
    assert time.process_time() - begun < 3
    explorer.open("00.wav").wait()
    assert statuses(explorer) == ["ready"]
    assert list(explorer.widget.cached.values()) == [["deepsquare-k8"]]


# In a kernel. ------------------------------------------------------------------------------------------------------


def test_results_come_by_themselves_on_a_kernel_s_loop(folder, explore):
    async def cell():
        explorer = explore(folder, models=["tempocnn"])
        for _ in range(600):
            await asyncio.sleep(0.05)
            if statuses(explorer) == ["ready"]:
                return explorer.embedding
        return None

    assert asyncio.run(cell()).title == "one.wav"


@pytest.mark.slow
def test_live_traits_in_the_next_cell_of_a_notebook(folder, home):
    first = (
        f"import os\nos.environ['EMBVIZ_HOME'] = {str(home)!r}\n"
        "from embviz import Explorer\n"
        f"explorer = Explorer({str(folder)!r}, models=['tempocnn', 'musicnn'])\nexplorer"
    )
    later = (
        "import asyncio\n"
        "for _ in range(600):\n"
        "    await asyncio.sleep(0.05)\n"
        "    if explorer.embedding is not None and explorer.embedding.title == 'two.wav': break\n"
        "assert explorer.embedding.title == 'two.wav'"
    )
    cells = [
        first,
        "assert explorer.wait().embedding.model == 'deepsquare-k8'\nassert explorer.track.endswith('one.wav')",
        "explorer.open(1)",
        later,
        "explorer.close()",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    view, caption, picture = notebook.cells[0].outputs
    assert "application/vnd.jupyter.widget-view+json" in view.data
    assert "two.wav" in caption.data["text/plain"], "the still did not follow"
    assert "image/png" in picture.data
