"""Axes of one's own on the map: what they can be, what they show, and what is said where they cannot be."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from embviz.analysis.directions import Direction
from embviz.analysis.outliers import find_outliers
from embviz.app.atlas import Atlas, axes, map_view
from embviz.core.vectors import Vectors
from embviz.errors import EmbvizError
from embviz.export.axes import values_at_points

N = 12
MODEL = "msd-musicnn-1"
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def table():
    """Twelve tracks whose labels are not places; of two the tempo is not known, and the last has no vector."""
    return pd.DataFrame(
        {
            "path": [f"/music/{i}.wav" for i in range(N)], "name": [f"{i}.wav" for i in range(N)],
            "title": [f"Title {i}" for i in range(N)], "artist": HOSTILE, "album": "", "duration": 60.0, "folder": "",
            "genre": ["rock", "jazz"] * 6, "bpm": [np.nan, np.nan, *range(100, 100 + N - 2)],
            "released": [f"19{60 + i}-05" for i in range(N)], "digest": "", "problem": "", "warning": "",
        },
        index=pd.Index(100 + 10 * np.arange(N), name="track"),
    )  # fmt: skip


def made(labels, frames=1, *, layer="embedding", step=1.0):
    """Vectors of 200 dimensions whose first one is the place of the track, and the second that of the frame."""
    tracks = np.repeat(np.asarray(labels, np.int64), frames)
    times = np.tile(step * np.arange(frames), len(labels)) if frames > 1 else None
    values = np.random.default_rng(1).random((len(tracks), 200)).astype(np.float32)
    values[:, 0], values[:, 1] = np.repeat(np.arange(len(labels)), frames), np.tile(np.arange(frames), len(labels))
    return Vectors(values, tracks, times, MODEL, layer, "mean" if times is None else "frames", key=f"{frames} {layer}")


@pytest.fixture
def chart(table, monkeypatch):
    """Make an Atlas of these tracks, with vectors of our own; it is closed in the end."""
    atlases = []
    labels = table.index[: N - 1]

    def embed(context, request, _job):
        given = context.given.find(request.model, request.layer)
        return (given, None) if given is not None else (plain(request), None)

    def plain(request):
        return made(labels, 3 if request.points == "frames" else 1)

    def embed_table(_table, source, layer, *, pooling, **_options):
        return source if isinstance(source, Vectors) else made(labels, 3 if pooling == "frames" else 1, layer=layer)

    monkeypatch.setattr(map_view, "_embed", embed)
    monkeypatch.setattr(axes, "embed_table", embed_table)

    def make(**options):
        atlases.append(Atlas(table, method="pca", cache=False, player=False, **options))
        return atlases[-1].wait()

    yield make
    for atlas in atlases:
        atlas.close()


def view(atlas):
    return atlas._controller.views[0]


def titles(atlas):
    return [axis["title"] for axis in view(atlas).scatter.axes]


def test_points_lie_along_columns_and_dimensions_and_go_back(chart):
    atlas = chart(x="bpm", y=("musicnn", "embedding", 0))
    before = atlas.projection.xy
    assert titles(atlas) == ["bpm", "MusiCNN (MSD) / embedding, dimension 0"]
    x, y = view(atlas).axes
    np.testing.assert_array_equal(x.numbers, [np.nan, np.nan, *range(100, 109)])
    np.testing.assert_array_equal(y.numbers, range(11))
    state = atlas.widget.maps[0]
    assert state["axes"]
    assert state["notes"] == ["2 tracks have no bpm: not shown."]
    assert np.frombuffer(view(atlas).scatter.placed, np.uint8).tolist() == [0, 0, *[1] * 9]
    atlas.selection = [100, 130]
    atlas.filter(bpm=(100, 102))
    assert list(atlas.filtered.index) == [120, 130, 140]
    atlas.filter()
    assert len(atlas.neighbors(130)) == 10
    assert "x: bpm" in " ".join(atlas.still().lines)
    places = view(atlas).scatter.xy
    atlas.set(layout="projection").wait()
    assert not view(atlas).scatter.axes
    assert atlas.widget.maps[0]["facts"][0].startswith("PCA")
    atlas.set(layout="axes").wait()
    np.testing.assert_array_equal(view(atlas).scatter.xy, places)
    np.testing.assert_array_equal(atlas.projection.xy, before)
    assert list(atlas.selection.index) == [100, 130]


def test_a_projection_that_nobody_sees_is_not_waited_for(chart):
    atlas = chart(x="bpm", y=("musicnn", "embedding", 0)).set(method="tsne", options={"perplexity": 3}).wait()
    assert atlas.projection.method == "pca"
    assert not atlas.widget.maps[0]["preliminary"]
    atlas.set(layout="projection").wait()
    assert atlas.projection.method == "tsne"
    assert atlas.widget.maps[0]["facts"][0].startswith("t-SNE")
    projection = atlas.projection
    atlas.set(layout="axes").wait()
    assert atlas.projection is projection
    clustered = chart(x="bpm", y="genre", clusters="kmeans").set(method="tsne", options={"perplexity": 3}).wait()
    assert clustered.projection.method == "tsne"


def test_one_axis_leaves_the_other_to_the_projection(chart):
    atlas = chart(x="released")
    x, y = view(atlas).axes
    assert (x.kind, y.kind, y.title) == ("date", "none", atlas.projection.axes[1])
    np.testing.assert_array_equal(y.numbers, atlas.projection.xy[:, 1])


def test_what_is_first_shown_along_axes_is_what_there_are_numbers_of(chart):
    atlas = chart()
    atlas.set(layout="axes").wait()
    assert (atlas.widget.choices["x"], atlas.widget.choices["y"]) == ("column:bpm", f"dimension:{MODEL}:embedding:0")
    assert titles(atlas)[0] == "bpm"


def test_frames_have_values_of_their_own_and_those_of_their_tracks(chart):
    atlas = chart(points="frames", x=("musicnn", "embedding", 1), y="genre")
    x, y = view(atlas).axes
    np.testing.assert_array_equal(x.numbers, np.tile([0, 1, 2], 11))
    assert list(y.labels) == ["jazz", "rock"]
    np.testing.assert_array_equal(y.numbers, np.repeat([1, 0] * 5 + [1], 3))
    atlas.mark_open(110)
    trail = np.frombuffer(view(atlas).scatter.trail, "<f4").reshape(-1, 3)
    np.testing.assert_array_equal(trail[:, :2], view(atlas).scatter.xy[3:6])
    atlas.set(y="bpm").wait()
    assert atlas.widget.maps[0]["notes"] == ["6 frames have no bpm: not shown."]


def test_frames_of_another_layer_are_those_nearest_in_time():
    points, source = made([1, 5], 3), made([5, 1, 9], 2, step=1.6)
    np.testing.assert_array_equal(values_at_points(np.arange(6.0), source, points), [2, 3, 3, 0, 1, 1])
    assert np.isnan(values_at_points(np.zeros(2), made([5, 9]), made([1, 5]))[0])


def test_a_direction_or_vectors_of_ones_own_are_axes_of_any_map(chart, table):
    direction = Direction(np.eye(200)[0], np.full(200, 5.0), 10.0, ("low", "high"), "musicnn", "embedding")
    own = Vectors.from_array(np.column_stack([np.zeros(N), np.arange(N)]), table.index, names=["zero", "swing"])
    atlas = chart(x=direction, y=(own, "swing"))
    x, y = view(atlas).axes
    assert (x.title, y.title) == ("low → high, MusiCNN (MSD) / embedding", "own / vectors, swing")
    np.testing.assert_allclose(x.numbers, np.arange(11) / 10)
    np.testing.assert_array_equal(y.numbers, range(11))
    assert [item["title"] for item in atlas.widget.axis_options[0]["items"]] == [x.title, y.title]
    atlas.set(y="genre", layer="timbral").wait()  # the direction is still measured in its own layer
    np.testing.assert_allclose(view(atlas).axes[0].numbers, np.arange(11) / 10)
    state = json.loads(json.dumps(atlas.state()))
    other = chart().restore(state).wait()
    assert titles(other) == [x.title, "genre"]
    np.testing.assert_allclose(view(other).axes[0].numbers, np.arange(11) / 10)


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ("bmp", r"There is no 'bmp' to be an axis: .* Did you mean 'bpm'\?"),
        ("artist", r"'artist' is '<img .* everywhere; an axis needs values that differ"),
        ("album", r"Nothing is known of 'album'"),
        (("musicnn", "embedding", 200), r"msd-musicnn-1 / embedding has the dimensions 0 to 199; 200 was found"),
        (("musicnn", "output", "sadd"), r"has no dimension called 'sadd'.*Did you mean 'sad'\?"),
        (("musicnn", 1.5), r"An axis is a column .*; 1.5 is no dimension"),
        (("nobody", 1), r"no model 'nobody'"),
        (7, r"An axis is a column .*; 7 was found"),
    ],
)
def test_what_is_no_axis_says_why_and_changes_nothing(chart, wanted, sentence):
    atlas = chart(x="bpm")
    before = dict(atlas.widget.choices)
    with pytest.raises(EmbvizError, match=sentence):
        atlas.set(y=wanted)
    assert atlas.widget.choices == before


def test_what_cannot_be_measured_is_told_and_the_projection_stays(chart, table):
    direction = Direction(np.ones(3), np.zeros(3), 1.0, ("a", "b"), "own", "vectors")
    atlas = chart(x=direction)
    assert (
        "measures the vectors of own / vectors; the map shows msd-musicnn-1 / embedding" in atlas.widget.notice["text"]
    )
    assert atlas.widget.choices["layout"] == "projection"
    assert not view(atlas).scatter.axes
    flat = Vectors.from_array(np.zeros((N, 2)), table.index)
    atlas.set(x=(flat, 1)).wait()
    assert "'own / vectors, dimension 1' is '0' everywhere" in atlas.widget.notice["text"]


def test_the_second_map_stays_a_projection(chart):
    atlas = chart(x="bpm", second=("musicnn", "timbral"))
    first, second = atlas._controller.views
    assert first.scatter.axes
    assert not second.scatter.axes


def test_clusters_of_other_points_are_forgotten(chart):
    atlas = chart(points="frames", clusters="kmeans", x="cluster")
    assert view(atlas).axes[0].kind == "category"
    atlas.set(points="tracks").wait()
    assert atlas.widget.maps[0]["status"] == "ready"
    assert len(atlas.clusters) == 11


def test_the_code_draws_the_same_axes(chart):
    atlas = chart(x="bpm", y=("musicnn", "timbral", 3))
    code = atlas.code()
    assert "x='bpm'" in code
    assert "collection.assign(**{'bpm'" in code
    assert f"measured = collection.embed('{MODEL}', 'timbral')" in code
    assert "values_at_points(measured.values[:, 3], measured, vectors)" in code
    compile(code, "code", "exec")
    atlas.set(layout="projection").wait()
    assert "bpm" not in atlas.code().splitlines()[-1]


def test_vectors_that_stand_for_a_model_have_dimensions_too(chart, table):
    own = Vectors.from_array(np.column_stack([np.arange(N), -np.arange(N)]), table.index, names=["up", "down"])
    atlas = chart(model=own, x=(own, 1))
    atlas.set(x="dimension:own:vectors:0").wait()
    assert view(atlas).axes[0].title == "own / vectors, up"
    np.testing.assert_array_equal(view(atlas).axes[0].numbers, range(N))
    assert [item["title"] for item in atlas.widget.axis_options[-1]["items"]] == ["up", "down"]


def test_outliers_are_colored_laid_out_and_filtered(chart):
    atlas = chart(color="outlier", x="outlier", facets=["outlier"], k=5)
    expected = find_outliers(atlas.vectors.values, 5, cache=False).scores
    np.testing.assert_allclose(view(atlas).axes[0].numbers, expected, atol=1e-5)
    assert view(atlas).scatter.color["title"] == "outlier score"
    np.testing.assert_allclose(np.frombuffer(atlas.widget.facet_values, "<f4"), expected, atol=1e-4)
    atlas.set(k=3).wait()
    again = find_outliers(atlas.vectors.values, 3, cache=False).scores
    np.testing.assert_allclose(view(atlas).axes[0].numbers, again, atol=1e-5)
    assert "find_outliers(vectors, k=3, metric='cosine').scores" in atlas.code()


def test_frames_begin_with_dimensions_in_which_those_of_a_track_differ(chart):
    atlas = chart(points="frames")
    atlas.set(layout="axes").wait()
    assert [atlas.widget.choices[way] for way in "xy"] == [f"dimension:{MODEL}:embedding:{i}" for i in (0, 1)]
