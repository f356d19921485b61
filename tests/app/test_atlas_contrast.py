"""What separates two groups of tracks on the map: found in planted vectors, listed, and offered as axes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from panel import command

from embviz.app.atlas import Atlas
from embviz.collection import Collection
from embviz.core.vectors import Vectors

N, D, PLANTED = 24, 6, 3


@pytest.fixture(scope="module")
def table():
    """Tracks of two genres, of which the second is higher in one dimension."""
    names = [f"{i}.wav" for i in range(N)]
    return pd.DataFrame(
        {
            "path": [f"/music/{name}" for name in names], "name": names, "folder": "", "title": names, "artist": "",
            "album": "", "genre": ["rock"] * 16 + ["jazz"] * 8, "year": pd.array([None] * N, dtype="Int64"),
            "duration": 60.0, "digest": "", "duplicate_of": pd.array([None] * N, dtype="Int64"), "problem": "",
            "warning": "",
        },
        index=pd.Index(range(N), name="track"),
    )  # fmt: skip


@pytest.fixture(scope="module")
def vectors(table):
    values = np.random.default_rng(5).normal(size=(N, D))
    values[table["genre"] == "jazz", PLANTED] += 5
    return Vectors.from_array(values, table.index)


@pytest.fixture
def atlas(table, vectors):
    atlas = Atlas(Collection(table).table, vectors, method="pca", cache=False, player=False, color="genre").wait()
    yield atlas
    atlas.close()


def notice(atlas):
    return atlas.widget.notice.get("text", "")


def test_what_separates_the_selection_is_listed_and_becomes_an_axis(atlas, table):
    command(atlas, "find_contrast", of="selection")
    assert "Nothing is selected" in notice(atlas)
    atlas.selection = table[table["genre"] == "jazz"]
    command(atlas, "find_contrast", of="selection")
    assert atlas.widget.tab == "contrast"
    atlas.wait()
    state = atlas.widget.contrast
    assert state["title"] == "the rest (16 tracks) → jazz (8 tracks)"
    first, second = state["rows"][:2]
    assert first["key"] == f"dimension:own:vectors:{PLANTED}"
    assert first["sure"]
    assert 0 < first["low"] < first["effect"] < first["high"]
    assert not second["sure"]
    assert state["auc"] > 0.9
    assert atlas.contrast.table.index[0] == PLANTED
    command(atlas, "set_option", name="x", value=state["key"])
    command(atlas, "set_option", name="y", value=first["key"])
    x, y = atlas.wait()._controller.views[0].axes
    assert x.title == "the rest → jazz, own / vectors"
    assert x.numbers[table["genre"] == "jazz"].mean() == pytest.approx(1, abs=1e-4)
    assert x.numbers[table["genre"] == "rock"].mean() == pytest.approx(0, abs=1e-4)
    assert y.title == f"own / vectors, dimension {PLANTED}"
    assert "collection.contrast(collection.drop(tracks=[16, 17," in atlas.code()
    compile(atlas.code(), "code", "exec")
    atlas.set(layout="projection").wait()
    assert atlas.widget.contrast["rows"]


def test_two_selections_are_compared(atlas):
    command(atlas, "find_contrast", of="groups")
    assert "Group A is not chosen yet" in notice(atlas)
    atlas.selection = [0, 1, 2, 3]
    command(atlas, "keep_group", group="a")
    atlas.selection = [3, 20, 21, 22]
    command(atlas, "keep_group", group="b")
    assert atlas.widget.contrast["groups"] == {"a": 4, "b": 4}
    command(atlas, "find_contrast", of="groups")
    atlas.wait()
    assert "have 1 track in common" in atlas.widget.contrast["message"]
    atlas.selection = [20, 21, 22, 23]
    command(atlas, "keep_group", group="b")
    command(atlas, "find_contrast", of="groups")
    atlas.wait()
    assert atlas.widget.contrast["rows"][0]["key"].endswith(f":{PLANTED}")
    assert atlas.contrast.direction.ends == ("rock", "jazz")
    atlas.selection = [20]
    command(atlas, "find_contrast", of="selection")
    atlas.wait()
    assert "two at least are needed in each group" in atlas.widget.contrast["message"]
    assert atlas.contrast is None
