"""A map as a picture: what stands on it, in which colours, and as a file."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from factories import bare

from embviz.analysis.projection import project
from embviz.core.vectors import Vectors
from embviz.errors import OptionError
from embviz.plotting import save, scatter_figure
from embviz.plotting.encodings import LIGHT_PALETTE

HOSTILE = "a\u202e <b>x</b> %{y} {z} $\\pi$ \"'"
N = 24


@pytest.fixture
def table() -> pd.DataFrame:
    """Tracks of three genres, of which one has none; labels begin at 100."""
    genres = [*["rock"] * 12, *["jazz"] * 8, *["folk"] * 3, ""]
    return pd.DataFrame(
        {
            "name": [f"track {i}.ogg" for i in range(N)],
            "title": [f"Title {i}" for i in range(N - 1)] + [""],
            "artist": "Ada",
            "genre": genres,
            "year": pd.array([None, *range(1970, 1970 + N - 1)], dtype="Int64"),
            "duration": np.linspace(60, 300, N),
        },
        index=pd.Index(range(100, 100 + N), name="track"),
    )


def vectors(table: pd.DataFrame, frames: int = 1) -> Vectors:
    """Random vectors, one per track, or so many."""
    values = np.random.default_rng(0).normal(size=(len(table) * frames, 6)).astype(np.float32)
    times = np.tile(np.arange(frames) * 1.5, len(table)) if frames > 1 else None
    tracks = np.repeat(table.index.to_numpy(np.int64), frames)
    return Vectors(values, tracks, times, "own", "embedding", "frames" if frames > 1 else "mean", key=str(frames))


@pytest.fixture
def projection(table):
    """The principal components of random vectors."""
    return project(vectors(table), "pca")


def test_categories_have_the_colors_of_the_widget(table, projection):
    figure = scatter_figure.scatter(projection, table, color="genre", title="Mine")
    assert [bare(trace.name) for trace in figure.data] == ["unknown", "rock", "jazz", "folk"]
    assert [trace.marker.color for trace in figure.data[1:]] == LIGHT_PALETTE[:3]
    assert [len(trace.x) for trace in figure.data] == [1, 12, 8, 3]
    assert figure.data[1].x == pytest.approx(projection.xy[:12, 0])
    assert "Mine" in figure.layout.title.text


def test_numbers_have_a_scale(table, projection):
    figure = scatter_figure.scatter(projection, table, color="year")
    unknown, known = figure.data
    assert (len(unknown.x), len(known.x)) == (1, N - 1)
    assert "1 unknown (grey)" in figure.layout.annotations[0].text
    assert known.marker.color == pytest.approx(np.arange(1970, 1970 + N - 1), abs=0.1)
    assert (known.marker.cmin, known.marker.cmax) == (1970, 1992)
    assert bare(known.marker.colorbar.title.text) == "year"
    [duration] = scatter_figure.scatter(projection, table, color="duration").data
    assert bare(duration.marker.colorbar.title.text) == "duration (s)"
    [trust] = scatter_figure.scatter(projection, table, color="trust").data
    assert trust.marker.color == pytest.approx(100 * projection.preservation, abs=0.5)


def test_without_a_color_all_are_one(table, projection):
    [trace] = scatter_figure.scatter(projection, table).data
    assert len(trace.x) == N
    assert not trace.showlegend


def test_axes_say_what_they_mean(table, projection):
    figure = scatter_figure.scatter(projection, table)
    assert [bare(axis.title.text) for axis in (figure.layout.xaxis, figure.layout.yaxis)] == list(projection.axes)
    assert figure.layout.yaxis.scaleanchor == "x"
    told = " ".join(bare(note.text) for note in figure.layout.annotations)
    assert re.search(r"24 tracks · PCA · trustworthiness 0\.\d\d · continuity 0\.\d\d · k = \d+", told)
    other = scatter_figure.scatter(project(vectors(table), "tsne"), table)
    assert not other.layout.xaxis.title.text
    assert not other.layout.xaxis.showticklabels


def test_sizes_and_names(table, projection):
    groups = np.array([0] * 12 + [1] * 11 + [-1])
    figure = scatter_figure.scatter(projection, table, size="duration", clusters=groups, names={0: "low", 1: "high"})
    sizes = figure.data[0].marker.size
    assert (np.diff(sizes) >= 0).all()
    assert (sizes[0], sizes[-1]) == (5, 18)
    assert [bare(note.text) for note in figure.layout.annotations[:2]] == ["low", "high"]


def test_frames_take_the_facts_of_their_track(table):
    frames = project(vectors(table, frames=3), "pca")
    rock = scatter_figure.scatter(frames, table, color="genre").data[1]
    assert len(rock.x) == 36
    assert bare(rock.customdata[1].replace("<br>", " ")) == "Title 0 Ada at 0:02"
    loud = pd.Series(np.arange(N, dtype=float), index=table.index, name="loud")
    [trace] = scatter_figure.scatter(frames, table, color=loud).data
    assert trace.marker.color == pytest.approx(np.repeat(np.arange(N), 3), abs=0.1)
    # A row for each point, as well.
    rows = table.loc[frames.tracks]
    assert len(scatter_figure.scatter(frames, rows, color=pd.Series(range(3 * N), index=rows.index)).data[0].x) == 3 * N


@pytest.mark.parametrize("option", ["color", "size", "x", "clusters"])
def test_a_series_is_taken_by_its_labels(table, projection, option):
    values = pd.Series(np.arange(N) % 5, index=table.index, name="own")
    by_label, shuffled = ({option: given} for given in (values, values.sample(frac=1, random_state=1)))
    if option == "clusters":
        by_label["names"] = shuffled["names"] = {1: "one"}
    expected, found = (scatter_figure.scatter(projection, table, **given) for given in (by_label, shuffled))
    assert found.to_json() == expected.to_json()
    # Without labels of its own, it is in the order of the points.
    bare_values = {**by_label, option: pd.Series(values.to_numpy(), name="own")}
    assert scatter_figure.scatter(projection, table, **bare_values).to_json() == expected.to_json()
    other = values.set_axis(pd.Index(values.index + 1, name="track"))
    with pytest.raises(OptionError, match=r"A Series of other tracks cannot be drawn: .* such as .* are none of them"):
        scatter_figure.scatter(projection, table, **{**by_label, option: other})


def test_many_points_are_drawn_by_webgl_unless_shapes_are_asked_for(table, projection, monkeypatch):
    monkeypatch.setattr(scatter_figure, "WEBGL_FROM", 10)
    assert scatter_figure.scatter(projection, table).data[0].type == "scattergl"
    assert scatter_figure.scatter(projection, table, webgl=False).data[0].type == "scatter"


def test_tracks_that_are_not_shown_are_drawn_faintly(table, projection):
    shown = table.index[table["genre"] == "jazz"]
    figure = scatter_figure.scatter(projection, table, color="genre", shown=shown)
    faint, *groups = figure.data
    assert (len(faint.x), faint.hoverinfo, faint.marker.opacity) == (N - 8, "skip", scatter_figure.LEFT_OUT)
    assert sorted(len(group.x) for group in groups) == [0, 0, 8]
    assert bare(figure.layout.annotations[-1].text).startswith("8 of 24 tracks shown")
    frames = project(vectors(table, 3), "pca")
    numbers = scatter_figure.scatter(frames, table, color="duration", size="duration", shown=[100, 101])
    assert [len(trace.x) for trace in numbers.data] == [3 * (N - 2), 6]
    assert len(numbers.data[1].marker.color) == len(numbers.data[1].marker.size) == 6
    with pytest.raises(OptionError, match="shown is the labels of the tracks to show"):
        scatter_figure.scatter(projection, table, shown=["jazz"])


def test_a_unit_that_a_name_says_is_not_said_twice(table, projection):
    figure = scatter_figure.scatter(projection, table.assign(bpm=table["duration"]), color="bpm")
    assert bare(figure.data[0].marker.colorbar.title.text) == "bpm"


def test_what_others_wrote_is_text(table, projection):
    table = table.assign(title=HOSTILE, artist=HOSTILE, genre=HOSTILE)
    [trace] = scatter_figure.scatter(projection, table, color="genre", title=HOSTILE).data
    for text in (trace.name, trace.customdata[0]):
        assert "<b>x" not in text
        assert "{" not in text
        assert "$" not in text


def test_what_does_not_belong_together_is_refused(table, projection):
    with pytest.raises(OptionError, match=r"no column 'gender'.*Did you mean 'genre'"):
        scatter_figure.scatter(projection, table, color="gender")
    with pytest.raises(OptionError, match="no track 100"):
        scatter_figure.scatter(projection, table.iloc[1:])
    with pytest.raises(OptionError, match="24 points is due, 3 were"):
        scatter_figure.scatter(projection, table, color=[1, 2, 3])
    with pytest.raises(OptionError, match=r"24 points, \(3,\) was"):
        scatter_figure.scatter(projection, table, clusters=[1, 2, 3], names={1: "x"})
    bare_map = project(np.random.default_rng(0).normal(size=(N, 4)), "pca")
    assert len(scatter_figure.scatter(bare_map, table).data[0].x) == N
    with pytest.raises(OptionError, match="24 points, the table 23 rows"):
        scatter_figure.scatter(bare_map, table.iloc[1:])


@pytest.mark.slow
def test_it_is_saved_as_a_picture_and_as_a_page(table, projection, tmp_path):
    figure = scatter_figure.scatter(projection, table, color="genre", title="Mine")
    png = save.save_figure(figure, tmp_path / "map.png", theme="dark").read_bytes()
    assert png.startswith(b"\x89PNG")
    assert (int.from_bytes(png[16:20]), int.from_bytes(png[20:24])) == (2000, 1520)
    svg = save.save_figure(figure, tmp_path / "map.svg").read_text("utf-8")
    assert svg.count('class="point ') == N
    assert "Mine" in svg
    assert "Mine" in save.save_figure(figure, tmp_path / "map.html").read_text("utf-8")


def test_axes_have_titles_ticks_and_only_points_with_values(table, projection):
    score = pd.Series(np.linspace(-1, 1, N), index=table.index, name=HOSTILE)
    figure = scatter_figure.scatter(projection, table, x="year", y=score, color="genre")
    assert sum(len(trace.x) for trace in figure.data) == N - 1
    assert bare(figure.layout.xaxis.title.text) == "year"
    assert "<b>" not in figure.layout.yaxis.title.text.replace(HOSTILE, "")
    assert list(figure.layout.xaxis.tickvals) == list(range(1970, 1993, 5))
    assert figure.layout.yaxis.scaleanchor is None
    assert "1 track has no year: not shown" in figure.layout.annotations[-1].text
    assert figure._still_drawing()(1.0).size == (960, 560)
    genres = scatter_figure.scatter(projection, table, x="genre")
    assert list(genres.layout.xaxis.ticktext) == ["folk", "jazz", "rock"]
    assert not genres.layout.yaxis.tickvals
    with pytest.raises(OptionError, match="'artist' is 'Ada' everywhere"):
        scatter_figure.scatter(projection, table, x="artist")
    with pytest.raises(OptionError, match=r"no column 'yaer'.*Did you mean 'year'"):
        scatter_figure.scatter(projection, table, y="yaer")
