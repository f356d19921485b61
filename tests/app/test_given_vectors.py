"""Vectors that panels, pages and figures are given in place of a model."""

import json

import numpy as np
import pandas as pd
import pytest
import soundfile

import embviz
from embviz import Atlas, Collection, Vectors
from embviz.errors import ModelError, OptionError
from embviz.models import functions

HOSTILE = "</script><b>\n"
N, FRAMES = 6, 8


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    folder = tmp_path_factory.mktemp("given")
    for i in range(N):
        soundfile.write(folder / f"{i}.wav", 0.1 * np.sin(np.arange(4 * 8000) * (0.1 + i / 20)), 8000)
    return Collection.from_folder(folder, cache=False).assign(half=["a", "b"] * (N // 2))


@pytest.fixture(scope="module")
def own(collection):
    rng = np.random.default_rng(0)
    return Vectors.from_array(rng.normal(size=(N, 4)), collection, model="mine", names=[HOSTILE, "b", "c", "d"])


@pytest.fixture(scope="module")
def frames():
    rng = np.random.default_rng(1)
    times = np.tile(np.arange(FRAMES) / 2 + 0.25, N)
    labels = np.repeat(np.arange(N), FRAMES)
    return Vectors.from_array(rng.normal(size=(N * FRAMES, 4)), labels, times=times, model="mine", layer="frames")


@pytest.fixture
def chart(collection, empty_home):
    made = []

    def make(model, *, table=None, **options):
        table = collection.table if table is None else table
        made.append(Atlas(table, model, **{"method": "pca", "cache": False, "color": "half", **options}))
        return made[-1].wait()

    yield make
    for atlas in made:
        atlas.close()


def test_a_map_of_given_vectors(chart, own):
    atlas = chart(own)
    assert repr(atlas) == f"<Atlas mine · vectors: {N} tracks, ready>"
    assert atlas.vectors.key == own.key
    (option,) = [option for option in atlas.widget.models if option["name"] == "mine"]
    assert ([layer["name"] for layer in option["layers"]], option["state"]) == (["vectors"], "ready")
    assert len(atlas.neighbors(0)) == N - 1
    with pytest.raises(OptionError, match=r"nothing makes one of another sound.*register_function"):
        atlas.neighbors((np.zeros(8000, np.float32), 8000))
    atlas.choose(2).wait()
    assert (atlas.widget.heatmap, atlas.widget.notice) == ({}, {})


def test_frames_of_given_vectors_are_points_or_pooled(chart, frames, own):
    atlas = chart(frames, points="frames", second=own)
    assert len(atlas.vectors) == N * FRAMES
    assert [state["status"] for state in atlas.widget.maps] == ["ready", "failed"]
    assert "no frames" in atlas.widget.maps[1]["message"]
    atlas.set(points="tracks", pooling="max").wait()
    assert [state["status"] for state in atlas.widget.maps] == ["ready", "ready"]
    assert np.isfinite(atlas.agreement.cka)
    expected = np.asarray(frames).reshape(N, FRAMES, 4).max(axis=1)
    np.testing.assert_array_equal(np.asarray(atlas.vectors), expected)
    atlas.choose(3).wait()
    assert atlas.widget.heatmap["layer"] == "frames"
    trail = np.frombuffer(atlas._controller.views[0].scatter.trail, "<f4").reshape(-1, 3)
    np.testing.assert_allclose(trail[:, 2], np.arange(FRAMES) / 2 + 0.25)


def test_given_vectors_of_a_model_that_is_here_are_as_its_own(chart, collection, tmp_path):
    vectors = collection.embed("mfcc", cache=False, progress=False)
    atlas = chart(vectors)
    assert [option["name"] for option in atlas.widget.models].count("mfcc") == 1
    assert len(atlas.neighbors(collection.table.loc[0, "path"], 3)) == 3
    atlas.choose(1).wait()
    assert atlas.widget.heatmap["layer"] == "embedding"
    frames = collection.embed("mfcc", pooling="frames", cache=False, progress=False)
    embedding, known = frames.embedding(1), embviz.embed(collection.table.loc[1, "path"], "mfcc", cache=False)
    np.testing.assert_allclose(embedding.times, known.times, atol=1e-6)
    np.testing.assert_array_equal(embedding.values, known.values)


def test_given_vectors_are_chosen_like_models(chart, own, frames):
    atlas = chart("mfcc")
    atlas.set(model=own).wait()
    assert atlas.vectors.key == own.key
    assert "mine" in [option["name"] for option in atlas.widget.models]
    atlas.set(model="mfcc").wait()
    assert atlas.vectors.model == "mfcc"
    atlas.set(model="mine").wait()
    assert atlas.vectors.key == own.key
    other = Vectors.from_array(np.eye(N), range(N), model="mine")
    atlas.set(model=other).wait()
    assert (atlas.vectors.shape, atlas.widget.choices["layer"]) == ((N, N), "vectors 2")
    atlas.set(second=own).wait()
    assert [state["title"] for state in atlas.widget.maps] == ["mine · vectors 2", "mine · vectors"]
    with pytest.raises(ModelError, match="no model 'yours'"):
        atlas.set(model="yours")


def test_a_state_without_its_vectors_keeps_the_map_that_is_there(chart, own):
    kept = json.loads(json.dumps(chart(own).state()))
    assert kept["choices"]["model"] == "mine"
    assert chart(own).restore(kept).wait().vectors.key == own.key
    other = chart("mfcc").restore(kept).wait()
    assert other.vectors.model == "mfcc"
    assert "There is no model 'mine'" in other.widget.notice["text"]


def test_code_refers_to_a_file_of_the_vectors(chart, own, frames, collection, tmp_path, monkeypatch):
    atlas = chart(frames, second=own)
    code = atlas.code()
    assert "# The vectors 'mine' / 'frames' were given and cannot be written here: save('own_1.safetensors')" in code
    assert "own_2 = embviz.Vectors.load('own_2.safetensors')" in code
    monkeypatch.chdir(tmp_path)
    frames.save("own_1.safetensors")
    own.save("own_2.safetensors")
    names = {}
    exec(code.rsplit("\n\n", 1)[0], names)  # noqa: S102  all but the picture
    np.testing.assert_array_equal(np.asarray(names["vectors"]), np.asarray(atlas.vectors))
    assert "from_table('tracks.csv')" in chart(own, table=collection.table.iloc[[4, 1, 2, 5]]).code()


def test_code_says_that_a_function_is_to_be_registered(chart, explore, monkeypatch):
    monkeypatch.setattr(functions, "_registered", {})
    embviz.register_function("level", lambda x: [np.abs(x).mean(), 1.0], sample_rate=8000, version="1")
    note = "# 'level' is a function of your own: embviz.register_function('level', …) comes first."
    assert note in chart("level").code()
    explorer = explore((np.ones(8000, np.float32), 8000), models=["level", "mfcc"], cache=False).wait()
    assert explorer.code().count(note) == 1
    assert [row["status"] for row in explorer.widget.rows] == ["ready", "ready"]


def test_pages_of_given_vectors(chart, collection, own, frames, tmp_path, empty_home):
    page = chart(frames).to_html(tmp_path / "map.html").read_text(encoding="utf-8")
    assert "mine / frames" in page
    options = {"method": "pca", "tags": False, "progress": False}
    page = collection.to_html(tmp_path / "report.html", own, **options).read_text(encoding="utf-8")
    assert "mine / vectors" in page
    with pytest.raises(OptionError, match="no frames"):
        collection.to_html(tmp_path / "x.html", own, points="frames", tags=False, progress=False)


def test_vectors_that_do_not_fit_the_map_are_said(chart, own, collection):
    strangers = Vectors.from_array(np.eye(3), [70, 71, 72], model="mine")
    state = chart(strangers).widget.maps[0]
    assert state["status"] == "failed"
    assert "none of the tracks of this table" in state["message"]
    some = chart(own.select([0, 1, 2, 3])).widget
    assert (some.maps[0]["status"], some.counts["problems"]) == ("ready", 2)
    assert "holds no vector of it" in some.problems[0]["problem"]


def test_given_vectors_are_projected_compared_and_evaluated(own, frames, collection):
    from embviz.analysis import nearest_neighbors

    assert embviz.project(own, "pca").xy.shape == (N, 2)
    assert nearest_neighbors(own, 3).indices.shape == (N, 3)
    table = pd.concat([collection.table] * 4, ignore_index=True).assign(kind=list("aabbcc") * 4)
    table.index.name = "track"
    points = Vectors.from_array(np.random.default_rng(0).normal(size=(24, 5)), table.index, model="mine")
    result = embviz.evaluate(table, "kind", [points, "mfcc"], folds=2, cache=False, progress=False)
    assert {row.model for row in result.results} >= {"mine", "mfcc"}


def test_frames_become_an_embedding(frames):
    embedding = frames.embedding(2, title="two")
    np.testing.assert_allclose(embedding.times, np.arange(FRAMES) / 2 + 0.25, atol=1e-6)
    assert embedding.grid.receptive_span(3) == pytest.approx((1.5, 2.0))
    assert (embedding.duration, embedding.title, embedding.shape) == (4, "two", (FRAMES, 4))
    figure = embviz.heatmap(embedding)
    assert "mine" in json.dumps(figure.to_dict(), default=str)


def test_frames_that_cannot_be_drawn_are_refused(own, frames):
    with pytest.raises(OptionError, match="a vector for each track; frames"):
        own.embedding(0)
    with pytest.raises(OptionError, match="no frames of a track 99"):
        frames.embedding(99)
    uneven = Vectors.from_array(np.eye(4), [0] * 4, times=[0, 1, 2, 9])
    with pytest.raises(OptionError, match="evenly spaced"):
        uneven.embedding(0)
    assert Vectors.from_array([[1.0]], [0], times=[3.0]).embedding(0).duration == 6


# Rows of an Explorer. ------------------------------------------------------------------------------------------------


def test_frames_are_rows_of_an_explorer(collection, frames, explore, empty_home, tmp_path):
    explorer = explore(collection.sample(N), models=[frames, "mfcc"], cache=False).wait()
    first, second = explorer.widget.rows
    assert (first["status"], first["title"], second["title"]) == ("ready", "mine", "MFCC")
    assert f"{FRAMES} frames" in first["facts"]
    label = int(explorer._controller.loader.collection.table.index[0])
    np.testing.assert_array_equal(explorer.embedding.values, frames.select([label]).values)
    assert explorer.embedding.duration == 4
    assert f".embedding({label})" in explorer.code()
    assert "'mine' / 'frames': vectors that were given; their save('mine_frames.safetensors')" in explorer.code()
    assert "mine" in explorer.to_html(tmp_path / "page.html").read_text(encoding="utf-8")
    explorer._controller.heatmaps.change(second["id"], "mine", "frames")
    explorer.wait()
    assert [row["title"] for row in explorer.widget.rows] == ["mine", "mine"]
    state = json.loads(json.dumps(explorer.state()))
    assert "mine" in [option["name"] for option in explorer.widget.models]
    again = explore(collection, state=state, cache=False).wait()
    assert (again.widget.rows, "There is no model 'mine'" in again.widget.notice["text"]) == ([], True)
    assert len(again.add(frames).wait().widget.rows) == 1


def test_units_and_structure_of_given_frames(collection, frames, explore, empty_home):
    explorer = explore(collection, models=[frames], cache=False).wait()
    controller = explorer._controller
    controller.similarity.start("mine", "frames")
    controller.units_tab.start("mine", "frames", 1)
    explorer.wait()
    assert controller.similarity.work.status == "ready"
    assert (controller.units_tab.work.status, len(controller.units_tab.units.table)) == ("ready", 4)
    assert "collection.units(vectors).card(1)" in controller.units_tab.code()
    assert "Vectors.load('vectors.safetensors')" in controller.units_tab.code()


def test_rows_that_cannot_be_drawn_say_why(collection, frames, own, explore, empty_home):
    rows = explore(collection, models=[own], cache=False).wait().widget.rows
    assert (rows[0]["status"], rows[0]["message"]) == (
        "failed", "mine / vectors holds a vector for each track; frames of a track are drawn over time."
    )  # fmt: skip
    rows = explore([str(path) for path in collection.table["path"]], models=frames, cache=False).wait().widget.rows
    assert rows[0]["status"] == "failed"
    assert "Explorer(collection)" in rows[0]["message"]


def test_a_poster_of_frames_beside_models(collection, frames, empty_home):
    path = collection.table.loc[2, "path"]
    figure = embviz.poster(path, ["mfcc", frames.embedding(2)], cache=False)
    text = json.dumps(figure.to_dict(), default=str)
    assert "MFCC" in text
    assert "mine" in text
