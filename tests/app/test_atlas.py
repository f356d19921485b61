"""The map of a collection without a browser: its traits, and its page's commands, with real weights."""

from __future__ import annotations

import ast
import asyncio
import base64
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import soundfile
from ipywidgets.widgets.widget import _instances as registered
from panel import command

import embviz
from embviz import Cache
from embviz.app.atlas import Atlas
from embviz.batch import api
from embviz.core.worker import Worker
from embviz.errors import CollectionError, EmbvizError, ModelError, OptionError
from embviz.models import weights
from embviz.widgets.base import model_ref
from embviz.widgets.player import Player

pytestmark = pytest.mark.usefixtures("weights_home")

RATE = 22_050
SECONDS = 9
PIECES = ("ambient", "drums", "folk", "jazz", "metal", "piano", "rock")
HOSTILE = '<img src=x onerror="alert(1)">\n\u202e.wav'


@pytest.fixture(scope="module")
def clips(root, tmp_path_factory):
    """Three excerpts of nine seconds of each of seven pieces."""
    folder = tmp_path_factory.mktemp("clips")
    for piece in PIECES:
        samples = embviz.Audio.open(root / "sample_audio" / f"{piece}.ogg").mono(RATE)
        for i, start in enumerate((4, 16, 28)):
            path = folder / f"{piece} {i}.wav"
            soundfile.write(path, samples[start * RATE : (start + SECONDS) * RATE], RATE)
            os.utime(path, (1e9, 1e9))  # what was written a moment ago is not remembered
    return folder


@pytest.fixture(scope="module")
def kept(weights_home, tmp_path_factory):
    """A home with the weights, whose cache serves all tests here: each clip is heard once."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "data").symlink_to(weights_home / "data")
    return folder


@pytest.fixture(scope="module")
def cache(kept):
    return Cache(kept / "cache")


@pytest.fixture
def table(clips):
    """A table of the clips, as a collection has it; labels are not places."""
    return table_of(sorted(clips.iterdir()))


def table_of(paths):
    return pd.DataFrame(
        {
            "path": [str(path) for path in paths],
            "name": [path.name for path in paths],
            "title": ["" if "0" in path.name else path.stem.title() for path in paths],
            "artist": "", "album": "", "genre": [path.stem[:-2] for path in paths],
            "year": pd.array([None] * len(paths), dtype="Int64"),
            "duration": float(SECONDS), "digest": "",
            "duplicate_of": pd.array([None] * len(paths), dtype="Int64"), "problem": "",
            "loudness": np.arange(len(paths), dtype=float),
        },
        index=pd.Index(100 + 10 * np.arange(len(paths)), name="track"),
    )  # fmt: skip


@pytest.fixture
def chart(cache):
    """Make an Atlas that is closed in the end; by PCA, which is quick, where nothing else is said."""
    made = []

    def make(table, *arguments, **options):
        made.append(Atlas(table, *arguments, **{"method": "pca", "cache": cache, **options}))
        return made[-1]

    yield make
    for atlas in made:
        atlas.close()


def scatter(atlas, number=0):
    return atlas._controller.views[number].scatter


def say(widget, **content):
    """Have a widget's page send a message."""
    widget._handle_custom_msg(content, [])


def labels_at(atlas, points):
    return [int(label) for label in atlas.vectors.tracks[list(points)]]


def test_columns_are_added_and_all_else_stays(table, chart):
    atlas = chart(table, color="genre").wait()
    atlas.selection = [100, 110]
    view = scatter(atlas)
    before = view.xy, view.model_id
    assert atlas.assign(right=pd.Series({100: "no", 120: "yes"}), mine="a") is atlas
    with pytest.raises(OptionError, match=r"right cannot be assigned: .*1 of its 2 labels, such as 99"):
        atlas.assign(right=pd.Series({100: "no", 99: "yes"}))
    assert atlas.table.loc[100, "right"] == "no"
    assert list(atlas.selection["mine"]) == ["a", "a"]
    assert (scatter(atlas).xy is before[0], scatter(atlas).model_id) == (True, before[1])
    assert {"right", "mine"} <= {column["name"] for column in view.columns}
    assert "column:right" in {item["key"] for group in atlas.widget.color_options for item in group["items"]}
    assert view.color["title"] == "genre"
    assert atlas.set(color="right").widget.choices["color"] == "column:right"
    assert view.color["labels"] == ["no", "yes"]
    atlas.assign(right="all")
    assert view.color["labels"] == ["all"]
    for columns, said in (({"path": "x"}, "says what a file is"), ({"right": [1, 2]}, "one for each of 21 tracks")):
        with pytest.raises(OptionError, match=said):
            atlas.assign(**columns)


# A first look. -----------------------------------------------------------------------------------------------------


def test_a_map_is_there_at_once_then_pca_then_umap(table, chart):
    atlas = chart(table, "musicnn", method="umap")
    view, seen = atlas.widget, []
    assert view.maps[0]["status"] == "waiting"
    assert view.maps[0]["view"] == ""
    assert len(atlas.selection) == 0
    view.observe(lambda change: seen.append(change["new"][0]), "maps")
    atlas.wait()
    shown = [(each["preliminary"], each["facts"][0].split(" · ")[0]) for each in seen if each["view"]]
    assert shown[0] == (True, "PCA")
    assert shown[-1] == (False, "UMAP")
    final = view.maps[0]
    assert (final["status"], final["message"]) == ("ready", "")
    assert all(note.startswith("PCA is truer") for note in final["notes"])
    assert "trustworthiness" in final["facts"][0]
    assert atlas.projection.method == "umap"
    assert view.counts == {"tracks": 21, "points": 21, "problems": 0, "duplicates": 0}
    assert view.choices["model"] == "msd-musicnn-1"
    assert view.choices["color"] == "column:genre"
    assert scatter(atlas).color["labels"] == sorted(PIECES)
    assert (view.progress, view.notice, view.neighbors, view.clusters, view.agreement) == ({}, {}, {}, {}, {})
    assert [method["name"] for method in view.methods] == ["umap", "pca", "tsne", "pacmap"]
    assert {"tag:msd-musicnn-1:sad", "tempo", "trust", "cluster", "column:loudness"} <= {
        item["key"] for group in view.color_options for item in group["items"]
    }
    traits = {name: getattr(view, name) for name in view.keys if not name.startswith("_") and name != "layout"}
    json.dumps({name: value for name, value in traits.items() if not isinstance(value, bytes)})
    assert repr(atlas) == "<Atlas MusiCNN (MSD) · embedding: 21 tracks, ready>"
    assert "application/vnd.jupyter.widget-view+json" in atlas._repr_mimebundle_()


def test_facts_of_the_tracks_are_the_pages_to_search(table, chart):
    atlas = chart(table).wait()
    columns = {column["name"]: column for column in scatter(atlas).columns}
    assert list(columns)[:2] == ["title", "artist"]
    assert columns["title"]["values"][:2] == ["ambient 0.wav", "Ambient 1"]
    assert columns["loudness"]["kind"] == "number"
    assert columns["duration"]["unit"] == "s"
    assert not {"path", "digest", "album", "year"} & set(columns)


def test_the_same_options_and_seed_give_the_same_map(table, chart):
    one, other = chart(table).wait(), chart(table).wait()
    assert np.array_equal(one.projection.xy, other.projection.xy)


def test_a_choice_computes_only_what_depends_on_it(table, chart, monkeypatch):
    from embviz.app.atlas import map_view

    calls = []
    for name in ("embed_table", "nearest_neighbors", "project"):
        real = getattr(map_view, name)
        monkeypatch.setattr(
            map_view, name, lambda *a, _real=real, _name=name, **o: calls.append(_name) or _real(*a, **o)
        )
    atlas = chart(table).wait()
    assert calls == ["embed_table", "nearest_neighbors", "project"]
    for name, value, expected in [
        ("k", 5, []),
        ("k", 20, ["nearest_neighbors"]),
        ("method", "tsne", ["project"]),
        ("options", {"perplexity": 4}, ["project"]),
        ("metric", "euclidean", ["nearest_neighbors", "project"]),
        ("size", "duration", []),
        ("color", "trust", []),
        ("pooling", "mean+std", ["embed_table", "nearest_neighbors", "project", "project"]),
    ]:
        calls.clear()
        command(atlas, "set_option", name=name, value=value).wait()
        assert calls == expected, name
        assert atlas.widget.maps[0]["status"] == "ready"
    assert atlas.vectors.shape == (21, 400)
    assert atlas.widget.choices["options"] == {"perplexity": 4}
    command(atlas, "set_option", name="method", value="pca").wait()
    assert atlas.widget.choices["options"] == {}


def test_results_come_by_the_loop_of_the_kernel(table, chart):
    async def look():
        atlas, ready = chart(table), asyncio.Event()
        atlas.widget.observe(lambda change: change["new"][0]["status"] == "ready" and ready.set(), "maps")
        await ready.wait()
        return atlas.widget.counts["points"]

    assert asyncio.run(asyncio.wait_for(look(), 60)) == 21


def test_choices_of_the_next_cell_have_the_names_of_the_parameters(table, chart):
    atlas = chart(table).wait()
    drawing = scatter(atlas)
    drawing.select([1])
    atlas.set(layer="output").wait()
    # The same tracks: their points glide to where the layer has them.
    assert scatter(atlas) is drawing
    assert (drawing.message, atlas.widget.maps[0]["view"]) == ("", model_ref(drawing))
    assert atlas.selection.index.tolist() == [atlas.vectors.tracks[1]]
    assert (atlas.vectors.layer, atlas.vectors.shape[1]) == ("output", 50)
    atlas.set(model="vgg", k=3).wait()
    assert (atlas.vectors.model, atlas.vectors.layer) == ("msd-vgg-1", "embedding")
    atlas.set(model="vgg", layer="output", points="frames").wait()
    assert scatter(atlas) is not drawing
    assert (atlas.vectors.layer, atlas.vectors.pooling) == ("output", "frames")
    with pytest.raises(OptionError, match="nothing that a map lets one choose"):
        atlas.set(colors="genre")


def test_the_latest_choice_wins(table, chart):
    atlas = chart(table, "vgg")
    for layer, pooling in [("embedding", "max"), ("output", "mean"), ("embedding", "median")]:
        command(atlas, "set_option", name="model", value={"model": "vgg", "layer": layer})
        command(atlas, "set_option", name="pooling", value=pooling)
    atlas.wait()
    assert (atlas.vectors.layer, atlas.vectors.pooling) == ("embedding", "median")
    assert atlas.widget.maps[0]["title"].endswith("· embedding")


def test_cancelling_keeps_what_is_done_and_the_next_choice_goes_on(table, chart, monkeypatch):
    from embviz.app.atlas import map_view

    atlas = chart(table).wait()
    real = map_view.project

    def endless(*arguments, progress, **options):
        while True:
            progress("laying out", 0, 1)
            time.sleep(0.01)

    monkeypatch.setattr(map_view, "project", endless)
    command(atlas, "set_option", name="method", value="tsne")
    while not atlas._context.worker.running:
        time.sleep(0.01)
    for _ in range(100):
        atlas.wait(0.3)
        if "laying out" in atlas.widget.progress["text"]:
            break
    assert atlas.widget.progress["text"].startswith("MusiCNN (MSD): laying out")
    command(atlas, "cancel").wait()
    shown = atlas.widget.maps[0]
    assert shown["status"] == "cancelled"
    assert "map by PCA" in shown["message"]
    assert shown["view"]
    assert shown["facts"][0].startswith("PCA")
    assert atlas.widget.progress == {}
    atlas.selection = [100]
    assert len(atlas.neighbors(100)) == 10
    monkeypatch.setattr(map_view, "project", real)
    command(atlas, "compute").wait()
    assert atlas.widget.maps[0]["facts"][0].startswith("t-SNE")


def test_what_cannot_be_raises_before_anything_is_computed(table):
    for options, said in [
        ({"points": "bars"}, "points is one of 'tracks', 'frames'; 'bars' was found"),
        ({"pooling": "means"}, "Did you mean 'mean'"),
        ({"method": "mds"}, "method is one of"),
        ({"k": 0}, "k is a number of neighbours from 1 to 100"),
        ({"options": {"n_neighbours": 5}}, "The options of UMAP are n_neighbors.*Did you mean 'n_neighbors'"),
        ({"options": {"min_dist": -1}}, "min_dist is a number from 0"),
        ({"color": "genrr"}, "Did you mean 'genre'"),
        ({"color": table["genre"]}, "color is a name, such as that of a column; Series was found"),
        ({"size": "loud"}, "size is one of"),
        ({"cache": "here"}, "cache is a Cache"),
        ({"clusters": "dbscan"}, "clusters is one of"),
        ({"seed": "1)\nimport os\n("}, "seed is a whole number"),
        ({"seed": -1}, "seed is a whole number"),
        ({"options": {"min_dist": 2.0}, "method": "umap"}, "min_dist is at most spread"),
        ({"second": ("a", "b", "c")}, "A model and its layer are expected"),
    ]:
        before = len(registered)
        with pytest.raises(OptionError, match=said):
            Atlas(table, **options)
        assert len(registered) == before
    with pytest.raises(ModelError, match="no model"):
        Atlas(table, "nonsense")


def test_a_choice_that_cannot_be_is_a_notice(table, chart):
    atlas = chart(table).wait()
    command(atlas, "set_option", name="method", value="mds")
    assert "method is one of" in atlas.widget.notice["text"]
    command(atlas, "set_option", name="options", value={"n_neighbors": 3})
    assert "The options of PCA are none" in atlas.widget.notice["text"]
    command(atlas, "play", point=999)
    assert "no point 999" in atlas.widget.notice["text"]
    command(atlas, "dismiss_notice")
    assert atlas.widget.notice == {}
    assert atlas.widget.choices["method"] == "pca"


# The selection. ----------------------------------------------------------------------------------------------------


def test_what_is_selected_on_the_page_is_a_table_in_the_next_cell(table, chart):
    atlas, heard = chart(table).wait(), []
    atlas.observe(lambda change: heard.append(list(change["new"].index)), "selection")
    scatter(atlas).selected = np.array([2, 0], "<u4").tobytes()
    assert sorted(heard[0]) == [100, 120]
    assert len(heard) == 1
    assert list(atlas.selection.columns) == list(table.columns)
    assert atlas.selection.loc[120, "genre"] == "ambient"
    shown = atlas.widget.selection
    assert (shown["count"], shown["seconds"], shown["more"]) == (2, 18.0, 0)
    assert {row["title"] for row in shown["rows"]} == {"ambient 0.wav", "Ambient 2"}
    command(atlas, "clear_selection")
    assert len(atlas.selection) == 0
    assert list(atlas.selection.columns) == list(table.columns)
    assert scatter(atlas).selected == b""
    assert heard[1:] == [[]]


def test_what_the_next_cell_selects_is_selected_on_the_page(table, chart):
    atlas, heard = chart(table).wait(), []
    atlas.observe(lambda _change: heard.append(1), "selection")
    for value, labels in [
        (table.query("genre == 'rock'"), [280, 290, 300]),
        (table["genre"] == "folk", [160, 170, 180]),
        ((table["genre"] == "folk").to_numpy(), [160, 170, 180]),
        ([300, 100], [300, 100]),
        (table.index[:2], [100, 110]),
        (110, [110]),
        ([], []),
    ]:
        heard.clear()
        atlas.selection = value
        assert list(atlas.selection.index) == labels
        assert sorted(labels_at(atlas, scatter(atlas).selection)) == sorted(labels)
        assert [row["track"] for row in atlas.widget.selection["rows"]] == labels
        assert len(heard) == 1
    before = atlas.selection
    foreign = [pd.Series([True, False], index=[100, 99]), pd.Series([True], index=[100])]
    for wrong in (*foreign, [101], ["rock"], [True, False], [0.5], np.zeros((2, 2), int)):
        with pytest.raises(OptionError, match="A selection is a DataFrame of rows of the table"):
            atlas.selection = wrong
        assert atlas.selection is before


def test_rows_whose_labels_are_a_column_are_selected_by_it(table, chart):
    # Labels that are also places of other tracks: the index of a table that was reset names these.
    places = table.set_axis(pd.Index(np.arange(21)[::-1], name="track"))
    atlas = chart(places).wait()
    for rows in (places.iloc[[3, 1]].reset_index(), pd.DataFrame({"track": [17, 19]})):
        atlas.selection = rows
        assert atlas.selection.index.tolist() == [17, 19]
    assert 17 not in atlas.neighbors(places.iloc[[3, 1]].reset_index()).index
    atlas.enqueue(places.iloc[[3]].reset_index())
    assert atlas.widget.queue["items"][0]["track"] == 17
    atlas.selection = places.iloc[[2]].assign(track=18)
    assert atlas.selection.index.tolist() == [18]
    for rows, said in [
        (places.assign(track=1), "more than one 'track', and these differ"),
        (places.iloc[[3, 1]].reset_index(drop=True), "row 0 has the label 0, but the path of another track"),
        (places[["name"]].iloc[[20, 1]].reset_index(drop=True), "row 1 has the label 1, but the name of another track"),
        (places.set_index(["path", "title"]), "A selection is a DataFrame of rows"),
    ]:
        with pytest.raises(OptionError, match=said):
            atlas.selection = rows
        assert atlas.selection.index.tolist() == [18]
    nameless = places.assign(path=pd.Series([f"\udcff{i}" for i in range(21)], places.index, dtype=object))
    unread = chart(nameless)
    unread.selection = nameless.iloc[[3, 1]].reset_index()
    assert unread.selection.index.tolist() == [17, 19]
    numbered = chart(places.assign(track=1)).wait()  # numbers on a record
    numbered.selection = numbered.table.iloc[[3, 1]]
    assert numbered.selection.index.tolist() == [17, 19]


def test_frames_whose_labels_are_a_column_keep_their_moments(table, chart):
    atlas = chart(table.iloc[:4], points="frames").wait()
    vectors = atlas.vectors
    last = vectors.tracks == 130
    named = pd.DataFrame({"track": 130, "time": vectors.times[last]})
    for rows in (named, named.set_index(["track", "time"]), vectors.to_frame()[last]):
        atlas.selection = []
        atlas.selection = rows
        assert set(atlas.selection.index) == {130}
        assert atlas.selection["time"].tolist() == vectors.times[last].tolist()
    for times in ([1.0, np.nan], [1.0, np.inf], ["1", "2"]):
        with pytest.raises(OptionError, match="The time of a frame is a number of seconds"):
            atlas.selection = pd.DataFrame({"track": [130, 100], "time": times})


def test_moments_keep_the_order_in_which_they_were_selected(table, chart, tmp_path):
    atlas = chart(table.iloc[:6].assign(title="=T", artist=""), points="frames", folder=str(tmp_path)).wait()
    vectors = atlas.vectors
    points = np.random.default_rng(0).permutation(len(vectors))[:20]
    wanted = list(zip(vectors.tracks[points].tolist(), vectors.times[points].tolist(), strict=True))
    atlas.selection = pd.DataFrame(wanted, columns=["track", "time"])

    def selected(one=atlas):
        return list(zip(one.selection.index.tolist(), one.selection["time"].tolist(), strict=True))

    assert selected() == wanted
    assert [(row["track"], row["at"]) for row in atlas.widget.selection["rows"]] == wanted
    assert f"collection.table.loc[{[label for label, _ in wanted]}].assign(time=" in atlas.widget.code
    assert (
        selected(chart(table.iloc[:6], points="frames").restore(json.loads(json.dumps(atlas.state()))).wait()) == wanted
    )
    saved = pd.read_csv(atlas.save(tmp_path / "moments.csv", selection=True))
    assert saved["selection_rank"].tolist() == list(range(1, 21))
    assert (saved["selection_stop"] - saved["selection_start"]).to_numpy() == pytest.approx(1.488, abs=1e-3)
    assert ((saved["selection_start"] + saved["selection_stop"]) / 2).to_numpy() == pytest.approx(saved["time"])
    atlas.selection = []
    atlas.selection = saved
    assert selected() == wanted
    lines = atlas.save(tmp_path / "moments.m3u8", selection=True).read_text().splitlines()
    assert lines[1].startswith("#EXTINF:1,1. =T (0:0")
    assert [line.rsplit("/", 1)[-1] for line in lines[4::4]] == [table.loc[label, "name"] for label, _ in wanted]
    starts = [float(line.removeprefix("#EXTVLCOPT:start-time=")) for line in lines[2::4]]
    assert starts == pytest.approx(saved["selection_start"], abs=1e-3)
    assert all(line.startswith("#EXTVLCOPT:stop-time=") for line in lines[3::4])
    atlas.enqueue(atlas.selection)
    assert [(item["track"], item["at"]) for item in atlas.widget.queue["items"]] == wanted
    command(atlas, "clear_queue")
    command(atlas, "enqueue", tracks=[100, 999, 110], moments=[1.0, 2.0, None])
    assert [(item["track"], item["at"]) for item in atlas.widget.queue["items"]] == [(100, 1.0), (110, None)]
    # What is added on the page comes behind.
    before, more = selected(), int(np.setdiff1d(np.arange(len(vectors)), points)[0])
    scatter(atlas).selected = np.sort(np.append(points, more)).astype("<u4").tobytes()
    assert selected() == [*before, (int(vectors.tracks[more]), float(vectors.times[more]))]


def test_a_selection_made_before_the_map_is_there_is_shown_on_it(table, chart):
    atlas = chart(table)
    atlas.selection = table.index[:3]
    atlas.wait()
    assert list(scatter(atlas).selection) == [0, 1, 2]
    command(atlas, "set_option", name="model", value={"model": "vgg", "layer": "embedding"}).wait()
    assert list(scatter(atlas).selection) == [0, 1, 2]
    assert list(atlas.selection.index) == [100, 110, 120]


# Neighbours. -------------------------------------------------------------------------------------------------------


def test_neighbors_are_those_of_the_full_space(table, chart):
    atlas = chart(table, k=4).wait()
    found = atlas.neighbors(130)
    values = np.asarray(atlas.vectors.values, np.float64)
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    distances = 1 - values @ values[3]
    order = [point for point in np.argsort(distances, kind="stable") if point != 3][:4]
    assert list(found.index) == labels_at(atlas, order)
    assert found["distance"].to_numpy() == pytest.approx(distances[order], abs=1e-5)
    assert found.attrs == {"of": "drums 0.wav", "metric": "cosine", "exact": True}
    assert len(atlas.neighbors(130, k=20)) == 20
    assert len(atlas.neighbors(130, k=50)) == 20
    middle = atlas.neighbors(table.query("genre == 'piano'"))
    assert not set(middle.index) & set(table.query("genre == 'piano'").index)
    with pytest.raises(OptionError, match="No such track is on the map"):
        atlas.neighbors(7)
    with pytest.raises(OptionError, match="need points='frames'"):
        atlas.neighbors((130, 2.0))


def test_a_file_finds_itself(table, chart, clips):
    atlas = chart(table).wait()
    for found in (
        atlas.neighbors(clips / "jazz 1.wav", k=1),
        atlas.neighbors(embviz.Audio.open(clips / "jazz 1.wav"), 1),
    ):
        assert found.index[0] == 200
        assert found["distance"].iloc[0] == pytest.approx(0, abs=1e-5)
    assert atlas.neighbors("jazz 1.wav", 3).equals(atlas.neighbors(200, 3)), "the track of the collection"
    assert atlas.neighbors("Jazz 1", 3).equals(atlas.neighbors(200, 3))
    with pytest.raises(CollectionError, match="Did you mean 'Jazz 1'"):
        atlas.neighbors("Jazz one")
    with pytest.raises(CollectionError, match="has the name or the title"):
        atlas.neighbors("x" * 300)


def test_a_map_says_which_tracks_are_silent(clips, chart, tmp_path):
    soundfile.write(tmp_path / "silence.wav", np.zeros(SECONDS * RATE), RATE)
    for path in sorted(clips.iterdir())[:6]:
        (tmp_path / path.name).symlink_to(path)
    notes = chart(embviz.Collection.from_folder(tmp_path).table).wait().widget.maps[0]["notes"]
    assert "'silence.wav' is silent or nearly so: its place on the map means nothing." in notes


def test_choosing_a_point_lists_and_draws_its_neighbors(table, chart):
    atlas = chart(table, k=3).wait()
    say(scatter(atlas), kind="choose", point=3)
    shown = atlas.widget.neighbors
    assert shown["of"] == {"title": "drums 0.wav", "kind": "track"}
    assert (shown["metric"], shown["exact"], shown["k"]) == ("cosine", True, 3)
    assert [item["track"] for item in shown["items"]] == list(atlas.neighbors(130).index)
    lines = np.frombuffer(scatter(atlas).lines, "<u4").reshape(-1, 2)
    assert lines.tolist() == [[3, item["point"]] for item in shown["items"]]
    command(atlas, "set_option", name="k", value=5).wait()
    assert len(atlas.widget.neighbors["items"]) == 5
    command(atlas, "find_neighbors", of="selection")
    assert "Nothing is selected" in atlas.widget.notice["text"]
    atlas.selection = [100, 110]
    command(atlas, "find_neighbors", of="selection").wait()
    assert atlas.widget.neighbors["of"] == {"title": "2 selected points", "kind": "selection"}
    assert scatter(atlas).lines == b""
    command(atlas, "set_option", name="model", value={"model": "vgg", "layer": "embedding"}).wait()
    assert atlas.widget.neighbors == {}


def test_a_file_that_is_dropped_in_is_compared(table, chart, clips):
    atlas = chart(table).wait()
    data = (clips / "metal 2.wav").read_bytes()
    half = len(data) // 2
    command(atlas, "upload", data[:half], name="some thing.wav", part=0, parts=2)
    command(atlas, "upload", data[half:], name="some thing.wav", part=1, parts=2).wait()
    shown = atlas.widget.neighbors
    assert shown["of"] == {"title": "some thing.wav", "kind": "file"}
    assert shown["items"][0]["track"] == 240
    command(atlas, "set_option", name="model", value={"model": "vgg", "layer": "embedding"}).wait()
    assert atlas.widget.neighbors["items"][0]["track"] == 240
    command(atlas, "upload", data[:30], name=HOSTILE, part=0, parts=1).wait()
    assert "cannot be decoded" in atlas.widget.neighbors["message"]
    command(atlas, "upload", b"nonsense", name="notes.txt", part=0, parts=1).wait()
    assert "cannot be decoded" in atlas.widget.notice["text"]


# Colours and sizes. ------------------------------------------------------------------------------------------------


def test_points_are_colored_by_what_is_known_or_heard(table, chart):
    atlas = chart(table, color="loudness").wait()
    drawn = scatter(atlas)
    assert (drawn.color["kind"], drawn.color["low"], drawn.color["high"]) == ("number", 0.0, 20.0)
    command(atlas, "set_option", name="color", value="trust").wait()
    assert (drawn.color["title"], drawn.color["unit"]) == ("neighbours kept", "%")
    command(atlas, "set_option", name="color", value="tempo").wait()
    assert drawn.color["unit"] == "BPM"
    assert 30 <= drawn.color["low"] < drawn.color["high"] <= 286
    atlas.set(color="sad").wait()
    assert atlas.widget.choices["color"] == "tag:msd-musicnn-1:sad"
    assert "sad" in drawn.color["title"]
    assert 0 <= drawn.color["low"] < drawn.color["high"] <= 1
    atlas.set(color="tag:msd-vgg-1:guitar").wait()
    assert "VGG" in drawn.color["title"]
    atlas.set(color="none").wait()
    assert drawn.color["kind"] == "none"
    with pytest.raises(OptionError, match="There is no 'saad'"):
        atlas.set(color="saad")
    atlas.set(color="cluster").wait()
    assert atlas.widget.choices["clusters"] == "hdbscan"
    assert drawn.color["title"] == "cluster"
    atlas.set(clusters="none").wait()
    assert atlas.widget.choices["color"] == "column:genre", "what says most comes back"
    command(atlas, "set_option", name="clusters", value="kmeans").wait()
    assert atlas.widget.choices["color"] == "cluster", "who looks for clusters wants to see them"
    assert atlas.set(clusters="hdbscan", color="genre").widget.choices["color"] == "column:genre"


def test_a_point_in_no_cluster_says_so(table, chart):
    atlas = chart(table.iloc[:3], clusters="hdbscan", color="cluster").wait()
    drawn = scatter(atlas)
    assert (drawn.color["title"], drawn.color["unknown"], drawn.color["missing"]) == ("cluster", "no cluster", 3)


def test_colors_of_clusters_need_clusters(table, chart):
    atlas = chart(table, color="cluster").wait()
    assert atlas.widget.choices["clusters"] == "hdbscan"
    assert atlas.widget.clusters["method"] == "hdbscan"


def test_points_are_sized(table, chart):
    atlas = chart(table.assign(duration=np.arange(1.0, 22.0)), size="duration").wait()
    assert scatter(atlas).size["unit"] == "s"
    command(atlas, "set_option", name="size", value="spread")
    assert scatter(atlas).size["title"] == "spread within the track"
    command(atlas, "set_option", name="size", value="none")
    assert scatter(atlas).sizes == b""


# Clusters. ---------------------------------------------------------------------------------------------------------


def test_clusters_are_found_named_and_renamed(table, chart):
    atlas = chart(table, clusters="kmeans").wait()
    command(atlas, "set_option", name="cluster_options", value={"n_clusters": 4}).wait()
    shown = atlas.widget.clusters
    assert [item["id"] for item in shown["items"]] == [0, 1, 2, 3]
    assert sum(item["count"] for item in shown["items"]) == 21
    assert len({item["name"] for item in shown["items"]}) == 4
    assert "MusiCNN" in shown["message"]
    assert shown["items"][0]["tags"][0]["lift"] > 0
    assert {label["text"] for label in scatter(atlas).labels} == {item["name"] for item in shown["items"]}
    found = atlas.clusters
    assert list(found.columns) == ["cluster", "name"]
    assert list(found.index) == list(table.index)
    assert "no cluster" not in set(found["name"])
    # As a column, it goes with the table.
    assert table.join(found["name"].rename("group"))["group"].notna().all()
    command(atlas, "rename_cluster", id=2, name="  the\nloud ones ")
    assert atlas.widget.clusters["items"][2]["name"] == "the loud ones"
    assert atlas.widget.clusters["items"][2]["auto"] == shown["items"][2]["name"]
    assert "the loud ones" in {label["text"] for label in scatter(atlas).labels}
    atlas.set(clusters="none").wait()
    assert atlas.widget.clusters == {}
    assert scatter(atlas).labels == []
    assert len(atlas.clusters) == 0
    atlas.set(clusters="kmeans", cluster_options={"n_clusters": 4}).wait()
    assert atlas.widget.clusters["items"][2]["name"] == "the loud ones"
    atlas.rename_cluster(2, "")
    assert atlas.widget.clusters["items"][2]["name"] == shown["items"][2]["name"]
    command(atlas, "select", cluster=1)
    assert list(atlas.selection.index) == list(atlas.clusters.query("cluster == 1").index)
    with pytest.raises(OptionError, match="no cluster 9"):
        atlas.rename_cluster(9, "x")
    with pytest.raises(OptionError, match="'eps' was found"):
        atlas.set(cluster_options={"eps": 1})
    command(atlas, "set_option", name="cluster_options", value={"n_clusters": 1})
    assert "n_clusters is a whole number from 2" in atlas.widget.notice["text"]
    assert atlas.widget.choices["cluster_options"] == {"n_clusters": 4}


def test_points_in_no_cluster_are_called_so_everywhere(table, chart, tmp_path, monkeypatch):
    monkeypatch.setattr("embviz.app.atlas.clusters.cluster", lambda *_, **__: np.arange(21) % 3 - 1)
    atlas = chart(table, color="cluster").wait()
    outside = atlas.clusters["cluster"] < 0
    assert outside.sum() == 7
    assert set(atlas.clusters["name"][outside]) == {"no cluster"}
    drawn = scatter(atlas).color
    assert (drawn["unknown"], drawn["missing"]) == ("no cluster", outside.sum())
    assert "no cluster" not in drawn["labels"]
    last = atlas.widget.clusters["items"][-1]
    assert (last["id"], last["name"], last["count"]) == (-1, "no cluster", outside.sum())
    saved = pd.read_csv(atlas.save(tmp_path / "x.csv"))
    assert ((saved["map_cluster"] == "no cluster") == outside.to_numpy()).all()
    figures = []
    monkeypatch.setattr("embviz.app.atlas.export.save_figure", lambda figure, path: figures.append(figure) or path)
    atlas.save(tmp_path / "map.png")
    figure = "".join(trace.name or "" for trace in figures[0].data)
    assert "no cluster" in figure
    assert "unknown" not in figure
    assert "color=[names.get(group, 'no cluster') for group in groups]" in atlas.code()
    with pytest.raises(OptionError, match="in no cluster are called"):
        atlas.rename_cluster(0, "no cluster")


def test_clusters_on_the_map_move_with_it(table, chart):
    atlas = chart(table, clusters="hdbscan").wait()
    atlas.set(cluster_options={"min_cluster_size": 3, "min_samples": 1}).wait()
    first = atlas.clusters["cluster"]
    assert first.max() > 0
    assert "on the map" in atlas.widget.clusters["scale"]
    atlas.set(method="tsne").wait()
    assert len(atlas.clusters) == 21
    assert len(scatter(atlas).labels) == atlas.clusters["cluster"].max() + 1


# Frames. -----------------------------------------------------------------------------------------------------------


def test_frames_of_tracks(table, chart):
    few, chosen = table.iloc[:9], []
    atlas = chart(few, points="frames").wait()
    times, n = atlas.vectors.times, len(atlas.vectors)
    assert n == atlas.widget.counts["points"] > 3 * len(few)
    assert np.allclose(np.frombuffer(scatter(atlas).seconds, "<f4"), times)
    scatter(atlas).selected = np.array([1, 2, n - 1], "<u4").tobytes()
    picked = atlas.selection
    assert list(picked.index) == labels_at(atlas, [1, 2, n - 1])
    assert picked["time"].to_numpy() == pytest.approx(times[[1, 2, n - 1]])
    assert atlas.widget.selection["rows"][1]["at"] == pytest.approx(times[2])
    atlas.selection = few.iloc[:1]
    assert list(scatter(atlas).selection) == list(np.flatnonzero(atlas.vectors.tracks == 100))
    atlas.selection = picked
    assert list(scatter(atlas).selection) == [1, 2, n - 1]
    atlas.on_choose(lambda label, seconds: chosen.append((label, seconds)))
    say(scatter(atlas), kind="choose", point=2)
    assert chosen == [(100, pytest.approx(times[2]))]
    assert atlas.widget.neighbors["of"]["kind"] == "frame"
    assert atlas.widget.neighbors["items"][0]["at"] is not None
    assert "time" in atlas.neighbors((100, 2.0)).columns
    assert not set(atlas.neighbors(100).index) & {100}
    # At the frame itself, since the tagger has the same frames.
    atlas.set(color="guitar").wait()
    shades = np.frombuffer(scatter(atlas).shades, np.uint8)
    assert len(set(shades[atlas.vectors.tracks == 100])) > 1
    atlas.set(points="tracks").wait()
    assert list(atlas.selection.index) == list(dict.fromkeys(picked.index))
    assert "time" not in atlas.selection.columns


def test_the_open_track_walks_over_a_map_of_frames_and_of_tracks(table, chart):
    atlas = chart(table.iloc[:9], points="frames", player=False).wait()
    atlas.mark_open(120)
    trail = np.frombuffer(scatter(atlas).trail, "<f4").reshape(-1, 3)
    own = np.flatnonzero(atlas.vectors.tracks == 120)
    assert np.allclose(trail[:, :2], scatter(atlas).xy[own], atol=1e-5)
    assert np.allclose(trail[:, 2], atlas.vectors.times[own])
    atlas.set(points="tracks").wait()
    trail = np.frombuffer(scatter(atlas).trail, "<f4").reshape(-1, 3)
    assert scatter(atlas).current == 2
    assert len(trail) == len(own)
    # PCA is linear: the mean of the frames' places is the place of their mean.
    assert np.allclose(trail[:, :2].mean(axis=0), scatter(atlas).xy[2], atol=1e-3)
    atlas.mark_open(110)
    atlas.wait()
    assert scatter(atlas).current == 1


# Listening. --------------------------------------------------------------------------------------------------------


def test_a_click_opens_and_plays(table, chart, monkeypatch):
    atlas = chart(table).wait()
    player, sent = atlas._own_player, []
    monkeypatch.setattr(player, "send", lambda content, *_: sent.append(content))
    assert atlas.widget.player == f"IPY_MODEL_{player.model_id}"
    assert atlas.widget.clock == player.clock == scatter(atlas).clock
    say(scatter(atlas), kind="choose", point=5)
    assert "opening" in player.loading
    atlas.wait()
    assert player.title == "Drums 2"
    assert player.duration == pytest.approx(9, abs=0.01)
    assert {"kind": "play"} in sent
    assert scatter(atlas).current == 5
    sent.clear()
    command(atlas, "play", track=150, at=3.0)
    assert sent == [{"kind": "seek", "value": 3.0}, {"kind": "play"}]


def test_what_the_model_makes_of_the_open_track_is_drawn_below_its_player(table, chart):
    atlas = chart(table, "musicnn").wait()
    assert atlas.widget.heatmap == {}
    atlas.choose(110).wait()
    shown = atlas.widget.heatmap
    heatmap = atlas._controller.playback._heatmap
    assert (shown["title"], shown["layer"]) == ("MusiCNN (MSD)", "embedding")
    assert shown["view"] == f"IPY_MODEL_{heatmap.model_id}"
    expected = embviz.embed(table.loc[110, "path"], "musicnn", cache=False)
    np.testing.assert_allclose(heatmap._values, expected.values, atol=1e-4)
    assert heatmap.clock == atlas.widget.clock
    atlas.set(model="vgg").wait()
    assert heatmap._values.shape[1] == 256
    followed = chart(table, "musicnn", player=Player()).wait()
    followed.mark_open(110)
    assert followed.wait().widget.heatmap == {}


def test_lengths_are_true_once_the_tracks_were_decoded(table, chart):
    some = table.iloc[:2].assign(duration=99.0, warning="")
    for path in some["path"]:
        os.utime(path, (1e9, 1e9))  # long enough ago for its digest to be remembered
    atlas = chart(some, "musicnn").wait()
    assert atlas.table["duration"].tolist() == pytest.approx([SECONDS] * 2, abs=0.1)
    assert atlas.table["warning"].tolist() == ["", ""]
    own_words = some.assign(duration="nine seconds")
    assert api.cached_share(own_words, "musicnn", "embedding", cache=atlas._context.store) == 1


def test_what_is_embedded_already_is_not_decoded_again_for_its_tags(table, chart, tmp_path, monkeypatch):
    own, some = Cache(tmp_path), table.iloc[:3]
    with monkeypatch.context() as before:  # caches of versions that kept no tags beside embeddings
        before.setattr("embviz.batch.worker._outputs_beside", lambda *_: [])
        api.embed_table(some, "musicnn", cache=own, workers=1)
    assert [api.cached_share(some, "musicnn", layer, cache=own) for layer in ("embedding", "output")] == [1, 0]
    atlas = chart(some, "musicnn", cache=own).wait()
    assert len(atlas.vectors) == 3
    assert api.cached_share(some, "musicnn", "output", cache=own) == 0
    assert scatter(atlas).top_tags == b""
    chart(table.iloc[:4], "musicnn", cache=own, color="sad").wait()
    assert api.cached_share(table.iloc[:4], "musicnn", "output", cache=own) == 1


def test_what_is_heard_at_a_point_is_told_on_the_map(table, chart):
    atlas = chart(table, "musicnn").wait()
    drawn = scatter(atlas)
    [place] = np.flatnonzero(atlas.vectors.tracks == table.index[table["genre"] == "metal"][0])
    most = [drawn.tags[tag] for tag in drawn.top_tags[3 * place : 3 * place + 3]]
    assert "metal" in most
    frames = scatter(chart(table, "musicnn", points="frames").wait())
    assert len(frames.top_tags) == 3 * frames.n
    assert scatter(chart(table, "tempocnn").wait()).top_tags == b""


def test_the_queue_goes_on_when_a_track_ends(table, chart, monkeypatch):
    atlas, opened = chart(table).wait(), []
    player = atlas._own_player
    monkeypatch.setattr(player, "send", lambda *_: None)
    atlas.on_choose(lambda label, _seconds: opened.append(label))
    atlas.enqueue(table.query("genre == 'jazz'"))
    command(atlas, "enqueue", tracks=[100, 999])
    queue = atlas.widget.queue
    assert [item["track"] for item in queue["items"]] == [190, 200, 210, 100]
    assert (queue["at"], queue["playing"]) == (-1, False)
    command(atlas, "play_queue", at=0).wait()
    player.playing, player.time = True, 4.0
    player.playing = False  # paused in the middle: nothing follows
    assert opened == [190]
    player.playing = True
    player.time = player.duration
    player.playing = False
    atlas.wait()
    assert opened == [190, 200]
    assert (atlas.widget.queue["at"], atlas.widget.queue["playing"]) == (1, True)
    command(atlas, "play_queue", at=3).wait()
    command(atlas, "remove_queued", at=0)
    assert atlas.widget.queue["at"] == 2
    player.playing, player.time = True, 9.0
    player.playing = False
    assert opened == [190, 200, 100]
    assert not atlas.widget.queue["playing"]
    command(atlas, "play_queue", at=9)
    assert "counted from 0" in atlas.widget.notice["text"]
    command(atlas, "clear_queue")
    assert atlas.widget.queue == {"items": [], "at": -1, "playing": False}


def test_a_pause_of_the_queue_is_taken_up_where_it_was(table, chart, monkeypatch):
    atlas, sent = chart(table).wait(), []
    atlas.enqueue([100, 110])
    command(atlas, "play_queue", at=0).wait()
    monkeypatch.setattr(atlas._own_player, "send", lambda content, *_: sent.append(content))
    command(atlas, "pause_queue")
    assert not atlas.widget.queue["playing"]
    command(atlas, "play_queue", at=0)
    assert sent == [{"kind": "pause"}, {"kind": "play"}]


def test_a_track_in_the_queue_that_cannot_be_opened_is_passed_over(table, chart, tmp_path):
    gone = table.copy()
    atlas = chart(gone).wait()
    gone.loc[110, "path"] = str(tmp_path / "gone.wav")
    atlas.enqueue([110, 120])
    command(atlas, "play_queue", at=0).wait()
    atlas.wait()
    assert atlas.widget.queue["at"] == 1
    assert atlas._own_player.title == "Ambient 2"


def test_a_player_elsewhere_is_followed(table, chart):
    player, opened = Player(clock="shared"), []
    atlas = chart(table, player=player).wait()
    assert (atlas.widget.player, atlas.widget.clock) == ("", "shared")
    atlas.on_choose(lambda label, seconds: opened.append((label, seconds)))
    atlas.enqueue([100, 110])
    command(atlas, "play_queue", at=0)
    assert opened == [(100, None)]
    assert player.title == ""
    player.set_track(title="elsewhere", duration=5.0)
    atlas.mark_open(100)
    player.playing, player.time = True, 5.0
    player.playing = False
    assert opened[1:] == [(110, None)]
    player.close()


# Comparing. --------------------------------------------------------------------------------------------------------


def test_two_models_are_compared_on_the_same_tracks(table, chart):
    atlas = chart(table, second="vgg").wait()
    assert [shown["model"] for shown in atlas.widget.maps] == ["msd-musicnn-1", "msd-vgg-1"]
    assert [shown["status"] for shown in atlas.widget.maps] == ["ready", "ready"]
    assert scatter(atlas).link == scatter(atlas, 1).link != ""
    shown = atlas.widget.agreement
    assert 0 < shown["cka"] <= 1
    assert 0 < shown["overlap"] <= 1
    assert shown["k"] == 10
    overlaps = [item["overlap"] for item in shown["items"]]
    assert overlaps == sorted(overlaps)
    assert len(overlaps) == 21
    assert list(atlas.differences.index) == [item["track"] for item in shown["items"]]
    assert atlas.agreement.cka == pytest.approx(shown["cka"], abs=1e-3)
    atlas.selection = [100, 300]
    assert list(scatter(atlas, 1).selection) == [0, 20]
    scatter(atlas, 1).selected = np.array([4], "<u4").tobytes()
    assert list(atlas.selection.index) == [140]
    assert list(scatter(atlas).selection) == [4]
    command(atlas, "find_neighbors", of="point", point=4, map=1).wait()
    assert atlas.widget.neighbors["of"]["title"] == "Drums 1"
    say(scatter(atlas, 1), kind="choose", point=5)
    assert atlas.widget.neighbors["of"]["title"] == "Drums 2"
    assert scatter(atlas).lines
    command(atlas, "set_option", name="second", value={})
    assert len(atlas.widget.maps) == 1
    assert atlas.widget.agreement == {}
    assert (atlas.agreement, len(atlas.differences)) == (None, 0)


# Files. ------------------------------------------------------------------------------------------------------------


def test_lists_are_saved_with_places_and_clusters(table, chart, tmp_path):
    atlas = chart(table, clusters="kmeans").wait()
    atlas.selection = [300, 100]
    everything = pd.read_csv(atlas.save(tmp_path / "all.csv"))
    assert len(everything) == 21
    assert {"map_x", "map_y", "map_cluster", "loudness"} <= set(everything.columns)
    assert everything["map_x"].to_numpy() == pytest.approx(atlas.projection.xy[:, 0], abs=1e-5)
    some = pd.read_parquet(atlas.save(tmp_path / "some.parquet", selection=True))
    assert list(some.index) == [300, 100]
    lines = atlas.save(tmp_path / "play.m3u8", selection=True).read_text().splitlines()
    assert [line.rsplit("/", 1)[-1] for line in lines if not line.startswith("#")] == ["rock 2.wav", "ambient 0.wav"]
    assert lines[1] == "#EXTINF:9,1. Rock 2"
    assert some["selection_rank"].tolist() == [1, 2]
    folder = atlas.save(tmp_path / "board")
    assert {path.name for path in folder.iterdir()} >= {"vectors.tsv", "metadata.tsv"}
    with pytest.raises(OptionError, match="is neither"):
        atlas.save(tmp_path / "map.txt")
    with pytest.raises(OptionError, match="Only a page has such options"):
        atlas.save(tmp_path / "map.csv", audio="link")


def test_a_selection_of_frames_is_saved_with_its_moments(table, chart, tmp_path):
    atlas = chart(table.iloc[:6], points="frames").wait()
    scatter(atlas).selected = np.array([0, 3], "<u4").tobytes()
    saved = pd.read_csv(atlas.save(tmp_path / "moments.csv", selection=True))
    assert saved["time"].to_numpy() == pytest.approx(atlas.vectors.times[[0, 3]])
    assert saved["map_y"].to_numpy() == pytest.approx(atlas.projection.xy[[0, 3], 1], abs=1e-5)


def test_the_page_saves_into_the_working_folder_under_a_free_name(table, chart, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    atlas = chart(table.assign(artist="=1+1"), folder="/some/My: Music").wait()
    for _ in range(2):
        command(atlas, "save", format="csv", selection=False).wait()
        assert atlas.widget.notice["level"] == "done"
    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == 2
    assert set(pd.read_csv(tmp_path / names[0])["artist"]) == {"'=1+1"}
    assert set(pd.read_csv(atlas.save(tmp_path / "plain.csv"))["artist"]) == {"=1+1"}
    (tmp_path / "plain.csv").unlink()
    assert str(tmp_path / names[1]) in atlas.widget.notice["text"] or names[0] in atlas.widget.notice["text"]
    command(atlas, "save", format="tensorboard", selection=False).wait()
    assert len(list(tmp_path.glob("*/vectors.tsv"))) == 1
    command(atlas, "save", format="m3u", selection=True).wait()
    assert "playlist of none" in atlas.widget.notice["text"]
    command(atlas, "save", format="exe", selection=True).wait()
    assert "'exe' was asked for" in atlas.widget.notice["text"]


def test_a_page_without_a_kernel_is_written(table, chart, tmp_path):
    atlas = chart(table.iloc[:6], clusters="kmeans").wait()
    page = atlas.to_html(tmp_path / "map.html").read_text()
    assert "Ambient 1" in page


def test_a_page_plays_where_its_files_are_not_and_says_how_it_does(table, chart, tmp_path, capsys, monkeypatch):
    atlas = chart(table.iloc[:6]).wait()
    capsys.readouterr()
    page = atlas.to_html(tmp_path / "map.html").read_text()
    described = json.loads(re.search(r'id="embviz-page">(.*?)</script>', page)[1])
    parts = [json.loads(re.search(rf'id="{name}">(.*?)</script>', page)[1]) for name in described["parts"]]
    assert all(part["player"]["state"]["url"] == "" and "sound" in part["player"]["bytes"] for part in parts)
    assert described["title"] == "clips0"
    told = capsys.readouterr().err
    assert "'map.html' holds the loudest 25 s of each of 6 tracks" in told
    assert "sounds and heatmaps …" in told  # its progress
    atlas.to_html(tmp_path / "linked.html", audio="link", title="Mine", progress=False)
    assert capsys.readouterr().err == ""  # who chooses need not be told
    monkeypatch.chdir(tmp_path)
    command(atlas, "save", format="html", selection=False, audio="auto").wait()
    assert "holds the loudest 25 s" in atlas.widget.notice["text"]


def test_a_page_is_turned_as_the_map_is_that_it_was_saved_from(table, chart, tmp_path):
    atlas = chart(table, method="umap", options={"n_neighbors": 5}).wait()  # PCA came first
    page = atlas.to_html(tmp_path / "map.html", embeddings=None, audio="link").read_text()
    described = json.loads(re.search(r'id="embviz-page">(.*?)</script>', page)[1])
    name = described["map"]["bytes"]["points"]
    data = base64.b64decode(re.search(rf'id="{name}">(.*?)</script>', page)[1])
    assert np.frombuffer(data, "<f4") == pytest.approx(scatter(atlas).xy.ravel(), abs=1e-4)
    assert np.abs(scatter(atlas).turn - np.eye(2)).max() > 0.01
    atlas.set(method="pca").wait()  # whose axes have names
    assert scatter(atlas).turn == pytest.approx(np.eye(2))


def test_a_map_that_is_less_true_than_the_one_by_pca_says_so(table, chart):
    atlas = chart(table, method="umap", options={"n_neighbors": 5}).wait()
    view = atlas._controller.views[0]
    assert view.to_dict()["facts"][0].endswith(" · larger is better")
    shown = view.projection
    truer = replace(shown, method="pca", trustworthiness=0.999, preservation=np.ones(len(shown), np.float32))
    for pca, notes in ((truer, 1), (replace(truer, trustworthiness=0.1), 0), (None, 0)):
        view._pca = pca
        assert len(view.to_dict()["notes"]) == len(shown.notes) + notes
    view._pca = truer
    assert view.to_dict()["notes"][-1].endswith("trustworthiness 0.999, 100% of neighbours kept.")


def test_tracks_of_one_title_are_told_apart_by_their_files(table, chart):
    atlas = chart(table.assign(title=["Frantic", "Frantic", *[f"Track {i}" for i in range(len(table) - 2)]]))
    titles = [atlas._context.facts(int(label))["title"] for label in table.index[:3]]
    assert titles == ["Frantic (ambient 0.wav)", "Frantic (ambient 1.wav)", "Track 0"]


def test_a_page_in_a_script_waits_for_the_map(table, chart, tmp_path):
    assert "Ambient 1" in chart(table.iloc[:6]).to_html(tmp_path / "map.html").read_text()
    assert len(pd.read_csv(chart(table.iloc[:6]).save(tmp_path / "map.csv"))["map_x"]) == 6


def test_its_still_shows_the_map_and_names_what_is_selected(table, chart):
    atlas = chart(table.iloc[:6], color="genre")
    assert atlas.still().draw is None
    atlas.wait()
    atlas.selection = [120]
    still = atlas.still()
    assert still.title == "Map · MusiCNN (MSD) · embedding"
    assert still.lines[0].startswith("6 points · colour: genre · PCA")
    assert still.lines[1] == f"selected: {table['title'][120] or table['name'][120]}"
    assert still.lines[2].startswith("genre: ")
    assert set(still.lines[2].removeprefix("genre: ").split(", ")) == set(table["genre"].iloc[:6])
    assert still.alt == f"{still.title}. {'. '.join(still.lines)}"
    before = still.picture()
    atlas.selection = []
    assert atlas.still().key != still.key
    assert atlas.still().picture() != before


def test_its_still_shows_both_maps(table, chart):
    atlas = chart(table.iloc[:6]).wait()
    alone = atlas.still()
    command(atlas, "set_option", name="second", value={"model": "vgg", "layer": "embedding"})
    both = atlas.wait().still()
    assert "beside it: VGG-I (MSD) · embedding" in both.lines
    (width, height), (one_width, _) = both.draw(1.0).size, alone.draw(0.7).size
    assert width > 2 * one_width
    assert height < alone.draw(1.0).size[1]
    assert both.key != alone.key


def test_a_picture_shows_what_is_seen(table, chart, tmp_path, monkeypatch):
    atlas, figures = chart(table, clusters="kmeans", color="trust").wait(), []
    monkeypatch.setattr("embviz.app.atlas.export.save_figure", lambda figure, path: figures.append(figure) or path)
    assert atlas.save(tmp_path / "map.png") == tmp_path / "map.png"
    [figure] = figures
    assert len(figure.data[0].x) == 21
    assert "neighbours kept (%)" in figure.to_json()
    assert {item["name"].split(",")[0] in figure.to_json() for item in atlas.widget.clusters["items"]} == {True}


def test_a_state_brings_back_the_view(table, chart):
    atlas = chart(table, clusters="kmeans", color="cluster", k=7).wait()
    atlas.rename_cluster(0, "mine")
    atlas.selection = [120, 100]
    state = json.loads(json.dumps(atlas.state()))
    other = chart(table, method="tsne").restore(state).wait()
    assert other.widget.choices == atlas.widget.choices
    assert list(other.selection.index) == [120, 100]
    assert other.widget.clusters["items"][0]["name"] == "mine"
    assert list(chart(table.iloc[1:]).restore(state).wait().selection.index) == [120]
    with pytest.raises(OptionError, match="A state is expected"):
        atlas.restore({"format": 1})


def run_code(code, home, *wanted):
    """Run Python that an Atlas has given, and return what it has computed."""
    file = home / "found.npz"
    ending = f"import numpy\nnumpy.savez({str(file)!r}, {', '.join(f'{name}={value}' for name, value in wanted)})"
    environment = {**os.environ, "EMBVIZ_HOME": str(home)}
    run = subprocess.run(
        [sys.executable, "-c", code + ending], env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return np.load(file)


def test_the_code_gives_the_same_map(table, chart, clips, kept):
    options = {"folder": str(clips), "clusters": "kmeans", "second": "musicnn", "color": "cluster", "k": 5}
    atlas = chart(table, "vgg", **options).wait()
    atlas.rename_cluster(1, "L'été")
    code = atlas.widget.code
    assert code == atlas.code()
    assert f"from_folder({str(clips)!r})" in code
    names = ("names", "[names[i] for i in sorted(names)]")
    found = run_code(code, kept, ("xy", "projection.xy"), ("groups", "groups"), names)
    assert np.allclose(found["xy"], atlas.projection.xy, atol=1e-4)
    assert np.array_equal(found["groups"], atlas.clusters["cluster"])
    assert list(found["names"]) == [item["name"] for item in atlas.widget.clusters["items"]]


def test_the_code_of_frames_and_of_what_is_heard(table, chart, kept):
    atlas = chart(table.iloc[:3], points="frames", color="guitar", metric="euclidean").wait()
    assert "pooling='frames'" in atlas.code()
    found = run_code(atlas.code(), kept, ("xy", "projection.xy"), ("color", "heard.to_frame()['guitar']"))
    assert np.allclose(found["xy"], atlas.projection.xy, atol=1e-4)
    assert np.allclose(found["color"], atlas._controller.style.seen.values, atol=1e-6)
    code = chart(table.iloc[:2], "vgg", color="tempo", size="spread", method="umap", options={"n_neighbors": 4}).code()
    assert "color=tempo_column(collection.embed('deepsquare-k8', 'output'))" in code
    assert "size=vectors.spread" in code
    assert "n_neighbors=4" in code
    code = chart(table.iloc[:2], "musicnn", engine="onnx", color="guitar", second="vgg").code()
    assert code.count("engine='onnx'") == code.count("collection.embed(") == 3


def test_the_code_of_a_map_runs_wherever_its_tracks_came_from(table, chart, kept, tmp_path, monkeypatch):
    mood = ["calm", "loud", None, 'it\'s "so"\n'] * 5 + ["calm"]
    atlas = chart(table.assign(mood=mood), color="mood").wait()
    found = run_code(atlas.code(), kept, ("xy", "projection.xy"), ("names", "collection.table['name'].tolist()"))
    assert np.allclose(found["xy"], atlas.projection.xy, atol=1e-4)
    assert list(found["names"]) == table["name"].tolist()
    assert ast.parse(atlas.code()).body[-1].value.func.attr == "scatter", "a cell draws what its last line gives"
    # What is too long for a cell comes from a file, which the code says how to write.
    monkeypatch.setattr("embviz.app.atlas.codegen.LISTED", 20)
    assert "atlas.save('tracks.csv')" in atlas.code()
    monkeypatch.chdir(tmp_path)
    atlas.save("tracks.csv")
    found = run_code(atlas.code(), kept, ("xy", "projection.xy"))
    assert np.allclose(found["xy"], atlas.projection.xy, atol=1e-4)


# Edges. ------------------------------------------------------------------------------------------------------------


def test_a_map_is_not_compared_with_itself(table, chart):
    atlas = chart(table.iloc[:3])
    with pytest.raises(OptionError, match=r"Both maps would show MusiCNN \(MSD\) · embedding; choose another"):
        atlas.set(second="musicnn")
    with pytest.raises(OptionError, match="Both maps would show"):
        chart(table.iloc[:3], second=("musicnn", "embedding"))
    atlas.set(second="vgg")
    vgg = atlas.widget.choices["second"]
    # What is second and chosen for the first map changes places with it.
    command(atlas, "set_option", name="model", value=vgg)
    chosen = atlas.widget.choices
    assert {"model": chosen["model"], "layer": chosen["layer"]} == vgg
    assert chosen["second"] == {"model": "msd-musicnn-1", "layer": "embedding"}


@pytest.mark.parametrize("n", [0, 1, 2, 3])
@pytest.mark.parametrize("method", ["umap", "pca"])
def test_few_tracks(table, chart, n, method):
    atlas = chart(table.iloc[:n], method=method, clusters="hdbscan", second="vgg").wait()
    shown = atlas.widget.maps[0]
    assert shown["status"] == ("ready" if n else "failed")
    if not n:
        assert shown["message"] == "There are no tracks to map."
        return
    assert atlas.widget.counts["points"] == n
    assert scatter(atlas).n == n
    if method == "umap":
        assert "at least 4 different vectors" in shown["notes"][0]
    atlas.selection = table.index[:1]
    assert len(atlas.neighbors(100)) == n - 1
    say(scatter(atlas), kind="choose", point=0)
    assert (atlas.widget.neighbors["message"] == "") == (n > 1)


def test_tracks_that_all_sound_the_same(clips, chart, tmp_path):
    data = (clips / "rock 0.wav").read_bytes()
    for i in range(6):
        (tmp_path / f"{i}.wav").write_bytes(data)
    table = table_of(sorted(tmp_path.glob("*.wav")))
    atlas = chart(table, method="umap", clusters="hdbscan").wait()
    assert atlas.widget.maps[0]["status"] == "ready"
    assert "PCA" in atlas.widget.maps[0]["notes"][0]
    said = (
        "None of the 6 tracks is in a cluster: HDBSCAN found no 3 of them that lie apart from the rest; "
        "choose a smaller group under More, or k-means, which puts every track into one."
    )
    assert atlas.widget.clusters["message"] == atlas.widget.maps[0]["notes"][-1] == said
    atlas.set(cluster_options={"min_cluster_size": 10}).wait()
    assert "HDBSCAN looks for groups of 10 among more than 10" in atlas.widget.maps[0]["notes"][-1]
    atlas.set(clusters="kmeans").wait()
    assert len(atlas.widget.maps[0]["notes"]) == 1
    assert len(atlas.neighbors(100)) == 5


def test_tracks_that_cannot_be_used(table, chart, tmp_path):
    broken = tmp_path / HOSTILE
    broken.write_bytes(b"RIFF nonsense")
    some = table.copy()
    some.loc[100, ["path", "name"]] = [str(broken), HOSTILE]
    some.loc[110, ["path", "problem"]] = ["", "There is no file."]
    some.loc[120, "path"] = str(tmp_path / "gone.wav")
    atlas = chart(some).wait()
    assert atlas.widget.maps[0]["status"] == "ready"
    assert atlas.widget.counts == {"tracks": 21, "points": 18, "problems": 3, "duplicates": 0}
    problems = {row["name"]: row["problem"] for row in atlas.widget.problems}
    assert problems["ambient 1.wav"] == "There is no file."
    assert not any("\n" in name or "\u202e" in name for name in problems)
    atlas.selection = [100, 130]
    assert list(atlas.selection.index) == [100, 130]
    assert list(scatter(atlas).selection) == [0]
    command(atlas, "play", track=110).wait()
    assert "names no file" in atlas._own_player.problem
    everyone = chart(some.iloc[:3]).wait()
    assert everyone.widget.maps[0]["status"] == "failed"
    assert everyone.widget.maps[0]["message"]
    assert everyone.widget.maps[0]["view"] == ""
    with pytest.raises(OptionError, match="no vectors to compare"):
        everyone.neighbors(100)


def test_a_table_without_a_column_of_paths_says_so(table, chart):
    atlas = chart(table.drop(columns="path")).wait()
    assert atlas.widget.maps[0]["status"] == "failed"
    assert "'path'" in atlas.widget.maps[0]["message"]
    assert "'path'" in chart(table[["loudness"]]).wait().widget.maps[0]["message"]


def test_a_table_with_two_columns_of_one_name_says_so(table):
    with pytest.raises(OptionError, match="its own name, 'artist' stands there twice"):
        Atlas(pd.concat([table, table["artist"]], axis=1))


def test_columns_may_hold_anything(table, chart, tmp_path):
    odd = {
        "lists": [[1, 2], [], None, ["a"]], "sets": [{1}] * 4, "complex": 1j * np.arange(4),
        "names": pd.Series(["\udcff"] * 4, dtype=object), "flags": pd.array([True, None, False, True], "boolean"),
        "dates": pd.date_range("2020", periods=4, tz="UTC"), "kinds": pd.Categorical([None, "a", "b", "a"]),
        "mixed": [1, "a", None, b"x"], "large": [10**30] * 4, "infinite": [np.inf, -np.inf, np.nan, 1.0],
    }  # fmt: skip
    few = table[:4]
    added = {name: pd.Series(list(of), few.index, getattr(of, "dtype", object)) for name, of in odd.items()}
    atlas = chart(few.assign(**added)).wait()
    assert atlas.widget.maps[0]["status"] == "ready"
    for name in odd:
        atlas.set(color=name).wait()
        assert not atlas.widget.notice, name
    for file in ("map.html", "map.svg", "map.csv"):
        assert atlas.save(tmp_path / file).stat().st_size > 0


@pytest.mark.parametrize("k", [0, -1, 1.5, "5", True])
def test_a_number_of_neighbors_is_whole(table, chart, k):
    with pytest.raises(OptionError, match="k is a whole number of neighbours from 1"):
        chart(table[:3]).wait().neighbors(100, k)


def test_cancelling_says_how_many_tracks_are_kept(table, chart, monkeypatch):
    from embviz.app.atlas import map_view

    def endless(*_, progress, **__):
        while True:
            progress("embedding 3 of 10 tracks", 3, 10)
            time.sleep(0.01)

    monkeypatch.setattr(map_view, "embed_table", endless)
    atlas = chart(table)
    for _ in range(100):
        atlas.wait(0.1)
        if atlas.widget.maps[0]["done"] == 3:
            break
    command(atlas, "cancel").wait()
    assert atlas.widget.maps[0]["message"].startswith("Cancelled after 3 of 10 tracks; what was done is kept")


def test_a_worker_may_be_shared(table, chart):
    worker, other = Worker(), []
    atlas = chart(table, worker=worker)
    worker.submit(("theirs",), lambda _job: other.append(1))
    atlas.cancel()
    assert atlas.widget.maps[0]["status"] == "cancelled"
    atlas.wait()
    assert other == [1]
    command(atlas, "compute").wait()
    assert atlas.widget.maps[0]["status"] == "ready"
    assert atlas.widget.progress == {}
    atlas.close()
    worker.submit(("theirs",), lambda _job: other.append(2))
    worker.wait()
    assert other == [1, 2]
    worker.close()


def test_weights_that_are_missing_are_fetched_from_the_page(table, chart, home, weights_home, monkeypatch):
    (home / "data").unlink()
    models = home / "data"
    models.mkdir()
    atlas = chart(table, "vgg", clusters="kmeans").wait()
    shown = atlas.widget.maps[0]
    assert shown["status"] == "download"
    assert "not on this computer yet" in shown["message"]
    assert "embviz pull msd-vgg-1" in shown["remedy"]

    def pull(model, *, progress):
        progress(f"downloading {model.name}", 1, 2)
        models.rmdir()
        models.symlink_to(weights_home / "data")
        return weights.find_weights(model)

    monkeypatch.setattr("embviz.app.downloads.pull", pull)
    command(atlas, "pull", model="msd-vgg-1").wait()
    atlas.wait()
    assert atlas.widget.downloads == {}
    assert atlas.widget.maps[0]["status"] == "ready"
    assert atlas.widget.clusters["items"]


def test_closing_leaves_nothing_behind(table, chart):
    before = set(registered)
    atlas = chart(table, second="vgg").wait()
    assert len(registered) > len(before)
    atlas.close()
    atlas.close()
    assert set(registered) == before
    assert "was closed" in atlas._repr_mimebundle_()["text/plain"]
    with pytest.raises(EmbvizError):
        atlas.neighbors(100)
