"""Filters of a map in Python: which columns are offered, what is left of the tracks, and what the page may ask for."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from embviz.app.atlas import Atlas, export, map_view
from embviz.core.text import format_cell
from embviz.core.vectors import Vectors
from embviz.errors import OptionError
from embviz.export.facets import encode_facet
from embviz.models import get_model

pytestmark = pytest.mark.usefixtures("weights_home")

HOSTILE = "<img src=x onerror=alert(1)>\nb"
TAGS = get_model("musicnn").layer("output").labels


@pytest.fixture
def table():
    """Eight tracks whose labels are not places; the last has no vector, and of the one before little is known."""
    n = 8
    return pd.DataFrame(
        {
            "path": [f"/music/{i}.wav" for i in range(n)], "name": [f"{i}.wav" for i in range(n)],
            "title": [f"Title {i}" for i in range(n)], "artist": [f"Artist {i}" for i in range(n)], "album": "",
            "genre": ["rock", "rock", "jazz", "jazz", "jazz", HOSTILE, "", "rock"],
            "year": pd.array([1990, 1991, 1995, 2000, 2001, 2010, None, 1990], dtype="Int64"),
            "duration": [60.0, 120, 180, 240, 300, 360, np.nan, 60], "folder": ["a", "a", "", "", "b", "b", "b", "a"],
            "digest": "", "problem": "", "warning": "", "one": "same",
        },
        index=pd.Index(100 + 10 * np.arange(n), name="track"),
    )  # fmt: skip


def a_vectors(labels, frames=1, *, layer="embedding", d=3, names=None):
    tracks = np.repeat(np.asarray(labels, np.int64), frames)
    times = np.tile(np.arange(frames, dtype=float), len(labels)) if frames > 1 else None
    values = np.random.default_rng(1).random((len(tracks), d)).astype(np.float32)
    values[:, 0] = np.repeat(np.arange(len(labels)), frames)
    pooling = "frames" if frames > 1 else "mean"
    return Vectors(
        values, tracks, times, "msd-musicnn-1", layer, pooling, labels=names, key=f"{labels} {frames} {layer}"
    )


@pytest.fixture
def chart(table, monkeypatch):
    """Make an Atlas of these tracks, with vectors of our own; it is closed in the end."""
    made = []

    def make(*, frames=1, heard=None, **options):
        vectors = a_vectors(table.index[:7], frames)
        monkeypatch.setattr(map_view, "_embed", lambda *_: (vectors, heard))
        points = {"points": "frames"} if frames > 1 else {}
        made.append(Atlas(table, method="pca", cache=False, player=False, metric="euclidean", **points, **options))
        return made[-1].wait()

    yield make
    for atlas in made:
        atlas.close()


def of_page(atlas, filters):
    """Set filters as the page does."""
    atlas.widget.set_state({"filters": filters})


def shown(atlas):
    n = len(np.frombuffer(atlas.widget.facet_places, "<u4"))
    values = np.frombuffer(atlas.widget.facet_values, "<f4").reshape(-1, n)
    return {facet["key"]: (facet, row) for facet, row in zip(atlas.widget.facets, values, strict=True)}


def test_what_tells_tracks_apart_is_shown_at_first(chart):
    facets = shown(chart())
    assert list(facets) == ["column:duration", "column:year", "column:genre", "column:folder"]
    duration, seconds = facets["column:duration"]
    assert duration == {"key": "column:duration", "title": "duration", "kind": "number", "unit": "s", "labels": []}
    assert np.array_equal(seconds, [60, 120, 180, 240, 300, 360, np.nan], equal_nan=True)
    genre, places = facets["column:genre"]
    assert genre["labels"][:2] == ["jazz", "rock"]
    assert "\n" not in "".join(genre["labels"])
    assert np.array_equal(places, [1, 1, 0, 0, 0, 2, np.nan], equal_nan=True)
    folder, _ = facets["column:folder"]
    assert sorted(folder["labels"]) == ["(top)", "a", "b"]


def test_tracks_are_counted_by_their_places_and_labels(chart):
    view = chart().widget
    assert np.frombuffer(view.facet_places, "<u4").tolist() == list(range(7))
    assert np.frombuffer(view.facet_labels, "<f8").tolist() == [100, 110, 120, 130, 140, 150, 160]


def test_what_a_model_has_heard_is_shown_too(table, chart):
    heard = a_vectors(table.index[:7], layer="output", d=len(TAGS), names=tuple(TAGS))
    atlas = chart(heard=heard, clusters="kmeans")
    keys = list(shown(atlas))
    assert keys[-3] == "cluster"
    assert keys[-2] == f"tag:msd-musicnn-1:{TAGS[0]}", "the tag that differs most"
    assert set(shown(atlas)["cluster"][0]["labels"]) <= set(atlas.clusters["name"])
    assert atlas.widget.facet_keys == keys


def test_what_is_left_is_in_the_next_cell(table, chart):
    atlas = chart()
    assert atlas.filtered.equals(table.iloc[:7]), "tracks that are on the map"
    of_page(atlas, {"column:duration": {"range": [120, 300]}})
    assert atlas.filtered.index.tolist() == [110, 120, 130, 140]
    of_page(atlas, {"column:duration": {"range": [120, 300]}, "column:genre": {"values": ["jazz"], "unknown": True}})
    assert atlas.filtered.index.tolist() == [120, 130, 140]
    of_page(atlas, {"column:duration": {"range": None, "unknown": True}})
    assert atlas.filtered.index.tolist() == [160]
    of_page(atlas, {"column:nowhere": {"values": ["x"]}, "column:genre": {"values": ["gone"]}})
    assert len(atlas.filtered) == 7
    of_page(atlas, {"column:folder": {"values": ["(top)"]}})
    assert atlas.filtered.index.tolist() == [120, 130]


def test_filters_are_set_from_the_next_cell(chart):
    atlas = chart()
    assert atlas.filter(duration=(300, 120), genre="jazz") is atlas
    assert atlas.widget.filters == {
        "column:duration": {"range": [120.0, 300.0], "unknown": False},
        "column:genre": {"values": ["jazz"], "unknown": False},
    }
    assert atlas.filter({"artist": ["Artist 3"]}).filtered.index.tolist() == [130]
    assert "column:artist" in atlas.widget.facet_keys, "what is filtered by is seen"
    assert atlas.filter(artist=None, duration=None).filtered.index.tolist() == [120, 130, 140]
    assert len(atlas.filter().filtered) == 7
    for wanted, said in (
        ({"gnre": "jazz"}, "Did you mean 'genre'"),
        ({"genre": "jaz"}, r"No track has 'jaz' as its genre\. Did you mean 'jazz'"),
        ({"year": "2000"}, "a lowest and a highest one are expected"),
    ):
        with pytest.raises(OptionError, match=said):
            atlas.filter(wanted)


@pytest.mark.parametrize(
    "filters",
    [
        7, {"a": 1}, {"a": {"range": [1]}}, {"a": {"range": [1, "2"]}}, {"a": {"range": [0, float("nan")]}},
        {"a": {"values": "x"}}, {"a": {"values": [1]}}, {"a": {"unknown": 1}}, {"a": {"more": []}},
        {str(i): {} for i in range(100)},
    ],
)  # fmt: skip
def test_the_page_cannot_set_anything_else(chart, filters):
    atlas = chart().filter(duration=(60, 120))
    before = dict(atlas.widget.filters)
    of_page(atlas, filters)
    assert atlas.widget.filters == before
    atlas.widget.set_state({"facet_values": b"x"})
    assert len(atlas.filtered) == 2


def test_facets_are_chosen_kept_and_restored(chart):
    atlas = chart(facets=["year", "artist"])
    assert list(shown(atlas)) == ["column:year", "column:artist"]
    atlas.set(facets=["duration"]).filter(duration=(60, 200))
    state = json.loads(json.dumps(atlas.state()))
    other = chart().restore(state).wait()
    assert list(shown(other)) == ["column:duration"]
    assert other.filtered.index.tolist() == [100, 110, 120]
    assert chart(facets=None).widget.choices["facets"] is None
    older = {name: value for name, value in state.items() if name != "filters"}
    assert len(other.restore(older).filtered) == 7
    with pytest.raises(OptionError, match="A state is expected"):
        other.restore({**state, "filters": {"a": {"range": "x"}}})
    for wanted in ("year", ["nowhere"], ["none"], 3):
        with pytest.raises(OptionError):
            atlas.set(facets=wanted)


def test_a_still_shows_what_is_left(chart, monkeypatch):
    atlas = chart()
    touched = []
    monkeypatch.setattr(atlas._outputs, "touch", lambda: touched.append(atlas.widget.filters))
    before = atlas.still()
    of_page(atlas, {"column:genre": {"values": ["rock"]}})
    still = atlas.still()
    assert touched, "the still follows"
    assert "left out by filters: 5" in still.lines
    assert still.key != before.key
    assert still.picture() != before.picture()
    # The page may tell the map in the kernel of a filter, and not of its end.
    atlas._controller.views[0].scatter.set_filter([True] + [False] * 6)
    assert atlas.filter().still().lines == before.lines


def test_a_page_begins_with_what_is_filtered(chart, monkeypatch):
    atlas = chart().filter(genre=["jazz"], artist=["Artist 3"])
    written = []
    monkeypatch.setattr(export.collection_page, "write_collection_page", lambda *_, **given: written.append(given))
    atlas.to_html("map.html")
    assert written[0]["filters"] == atlas.widget.filters


def test_neighbors_on_the_page_are_among_what_is_left(chart):
    atlas = chart(k=3)
    listed = lambda: [item["track"] for item in atlas.wait().widget.neighbors["items"]]  # noqa: E731
    atlas._controller._find_neighbors("point", point=0)
    assert listed() == [110, 120, 130]
    atlas.filter(genre=["jazz"])
    assert listed() == [120, 130, 140]
    atlas.filter(year=(2005, 2020), genre=None)
    assert listed() == [150]
    atlas.filter()
    assert listed() == [110, 120, 130]
    assert atlas.filter(genre=["jazz"]).neighbors(100, 2).index.tolist() == [110, 120], "in Python, of all"


def test_what_the_legend_hides_is_left_out_too(chart):
    atlas = chart(color="genre")
    drawn = atlas._controller.views[0].scatter
    assert not atlas.is_filtered
    drawn.set_state({"hidden_categories": [drawn.color["labels"].index("rock")]})
    assert atlas.is_filtered
    assert atlas.filtered.index.tolist() == [120, 130, 140, 150, 160]
    atlas.filter(year=(2000, 2010))
    assert atlas.filtered.index.tolist() == [130, 140, 150]
    atlas._controller._find_neighbors("point", point=0)
    assert [item["track"] for item in atlas.wait().widget.neighbors["items"]] == [130, 140, 150]
    assert not atlas.filter().is_filtered
    assert drawn.hidden_categories == []


FILTERS = [
    {"column:duration": {"range": [120.0, 300.0], "unknown": True}},
    {"column:genre": {"values": ["jazz"], "unknown": True}, "column:year": {"range": [1995.0, 2001.0]}},
    {"column:genre": {"values": [format_cell(HOSTILE)]}},
    {"column:folder": {"values": ["(top)", "a"]}, "column:duration": {"range": None, "unknown": False}},
]


@pytest.mark.parametrize("filters", FILTERS)
def test_the_code_leaves_out_the_same_tracks(table, chart, filters):
    atlas = chart()
    assert "passes" not in atlas.code()
    of_page(atlas, filters)
    code = atlas.widget.code
    code.encode("ascii")
    assert code.rstrip().endswith("shown=filtered.index)")
    lines = [line for line in code.split("\n") if line.startswith(("table =", "passes", "filtered"))]
    # A list of paths is labelled by the places in it; the last track is on no map.
    names = {"collection": SimpleNamespace(table=table.iloc[:7].reset_index(drop=True))}
    exec("\n".join(lines), names)  # noqa: S102
    assert [100 + 10 * place for place in names["filtered"].index] == atlas.filtered.index.tolist()


def test_the_code_knows_what_models_hear_and_what_the_legend_hides(table, chart):
    heard = a_vectors(table.index[:7], layer="output", d=len(TAGS), names=tuple(TAGS))
    atlas = chart(heard=heard, clusters="kmeans", color="genre")
    [tag] = [key for key in shown(atlas) if key.endswith(f":{TAGS[0]}")]
    drawn = atlas._controller.views[0].scatter
    drawn.hidden_categories = [drawn.color["labels"].index("rock")]
    of_page(atlas, {tag: {"range": [1.0, 5.0]}, "cluster": {"values": [atlas.clusters["name"].iloc[3]]}})
    heard_by = f"tag_columns(collection.embed('msd-musicnn-1', 'output'))[{TAGS[0]!r}]"
    assert f"passes &= {heard_by}.reindex(table.index).between(1.0, 5.0)" in atlas.code()
    assert "from embviz.analysis import tag_columns" in atlas.code()
    assert "passes &= table.index.isin([2, 3, 4, 5, 6])" in atlas.code()


def test_what_is_left_is_selected_by_a_press(chart):
    atlas = chart().filter(genre=["jazz"])
    atlas.widget._handle_custom_msg({"kind": "select_filtered", "seq": 1}, [])
    assert atlas.selection.index.tolist() == [120, 130, 140]


def test_of_frames_tracks_are_counted(chart):
    atlas = chart(frames=4, clusters="kmeans", facets=["cluster", "duration", "trust"])
    facets = shown(atlas)
    assert all(len(row) == 7 for _, row in facets.values())
    names = dict(zip(range(100), facets["cluster"][0]["labels"], strict=False))
    mode = atlas.clusters.groupby(level=0)["name"].agg(lambda names: names.mode().iloc[0])
    told = [names[int(place)] for place in facets["cluster"][1]]
    counts = atlas.clusters.groupby(level=0)["name"].value_counts()
    assert all(counts[label, name] == counts[label].max() for label, name in zip(mode.index, told, strict=True))
    atlas.filter(duration=(60, 120))
    assert atlas.filtered.index.tolist() == [100, 110]


def test_columns_that_are_added_can_be_filtered_by(chart):
    atlas = chart()
    atlas.assign(mood=pd.Series({100: "calm", 110: ["a", "b"]}), right=[True, False] * 4)
    assert atlas.filter(right="True").filtered.index.tolist() == [100, 120, 140, 160]
    assert atlas.filter(right=None, mood="calm").filtered.index.tolist() == [100]


def test_a_column_becomes_numbers_or_places():
    mixed = encode_facet("a", "a", pd.Series([1, "x", None, " ", "x", float("nan")], dtype=object))
    assert (mixed.kind, mixed.labels[0]) == ("category", "x")
    assert np.isnan(mixed.numbers[[2, 5]]).all()
    endless = encode_facet("a", "a", pd.Series([1.0, np.inf, -np.inf, np.nan]))
    assert np.array_equal(endless.numbers, [1, np.nan, np.nan, np.nan], equal_nan=True)
    alike = encode_facet("a", "a", pd.Series(["a\nb", "a b"], dtype=object))
    assert alike.numbers.tolist()[0] == alike.numbers.tolist()[1]
