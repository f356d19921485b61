"""Heads as columns of a collection."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from head_graphs import REFERENCE, Built, needs_reference, regression, told

import embviz
from embviz.app.atlas.point_colors import by_key
from embviz.collection.column_facts import column_origin, column_unit
from embviz.collection.head_columns import column_classes
from embviz.core.vectors import Vectors
from embviz.errors import CollectionError, OptionError, WeightsError
from embviz.export.axes import column_axis
from embviz.export.columns import page_columns
from embviz.heads import get_head, register_head

SAD = "mood_sad-msd-musicnn-1"
OPTIONS = {"workers": 1, "progress": False, "cache": False}


@pytest.fixture
def tracks(own_home: Path, tmp_path: Path) -> embviz.Collection:
    """Three tracks, one of which cannot be read, and two heads."""
    folder = tmp_path / "tracks"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name, seconds in (("a", 9), ("b", 4)):
        soundfile.write(folder / f"{name}.wav", rng.normal(0, 0.1, seconds * 16000), 16000)
    (folder / "c.wav").write_bytes(b"RIFF" + bytes(100))
    files = tmp_path / "files"
    files.mkdir()
    Built(200, 2).write(files / f"{SAD}.pb", **told(["non_sad", "sad"]))
    regression().write(files / "deam-msd-musicnn-2.pb", classes=["valence", "arousal"])
    embviz.pull([SAD, "deam"], folder=files)
    return embviz.Collection.from_folder(folder, progress=False)


def test_a_head_is_heard_as_a_column_with_unit_and_origin(tracks: embviz.Collection):
    heard = tracks.hear("mood_sad", model="musicnn", **OPTIONS)
    assert "mood_sad" not in tracks  # nothing is changed in place
    for label in heard.table.index[:2]:
        answers = embviz.embed(heard.audio(label), "musicnn", head="mood_sad", cache=False)
        assert heard["mood_sad"][label] == np.mean(answers.values[:, 1], dtype=np.float64)  # noqa: PD011
    assert np.isnan(heard["mood_sad"].iloc[2])
    assert column_unit(heard.table, "mood_sad") == "probability"
    origin = f"probability of 'sad', mean over frames, by {SAD} on msd-musicnn-1 / embedding"
    assert column_origin(heard.table, "mood_sad") == origin
    assert heard.notes[-2] == f"mood_sad: {origin}."
    assert heard.notes[-1].startswith(f"1 track gave nothing to {SAD}, the first because: ")
    again = heard.hear("mood_sad", model="musicnn", **OPTIONS)  # as a notebook that is run again does
    assert again.notes == heard.notes
    pd.testing.assert_frame_equal(again.table, heard.table)


def test_what_is_known_of_a_column_stays_with_it(tracks: embviz.Collection, tmp_path: Path):
    heard = tracks.hear("deam", **OPTIONS)
    years = pd.DataFrame({"age": [3, 4, 5]}, index=heard.table.index)
    for derived in (heard.query("duration > 0"), heard.sort_values("deam_valence"), heard.head(2), heard.join(years)):
        assert column_unit(derived.table, "deam_arousal") == "on 1–9"
    kept = pd.read_parquet(heard.to_parquet(tmp_path / "heard.parquet"))
    assert column_unit(kept, "deam_arousal") == "on 1–9"
    other = heard.assign(deam_arousal=1.0)
    assert (column_unit(other.table, "deam_arousal"), column_unit(other.table, "deam_valence")) == ("", "on 1–9")
    both = heard.join(pd.DataFrame({"deam_valence": [1.0] * 3}, index=heard.table.index), overwrite=True)
    assert (column_unit(both.table, "deam_arousal"), column_unit(both.table, "deam_valence")) == ("on 1–9", "")
    odd = heard.table.copy()
    odd.attrs = {"embviz_columns": {"deam_arousal": 3, "duration": {"unit": ["x"]}}}
    assert (column_unit(odd, "deam_arousal"), column_unit(odd, "duration")) == ("", "s")


def test_heard_columns_are_axes_and_colors_with_their_unit(tracks: embviz.Collection):
    heard = tracks.hear("deam", **OPTIONS).head(2)
    assert column_axis(heard.table, "deam_valence").heading == "deam_valence (on 1–9)"
    points = Vectors.from_array(np.eye(2), heard)
    made = by_key("column:deam_arousal", heard.table, points, None, None)  # type: ignore[arg-type]
    assert made is not None
    assert made.unit == "on 1–9"
    units = {column["name"]: column["unit"] for column in page_columns(heard.table)}
    assert units["deam_valence"] == "on 1–9"
    projection = embviz.project(points, "pca")
    assert "on 1–9" in str(embviz.scatter(projection, heard.table, x="deam_valence", y="deam_arousal").layout)


def test_hundreds_of_classes_are_columns_without_a_warning(tracks: embviz.Collection, tmp_path: Path):
    classes = [f"style {i}" for i in range(150)]
    register_head(Built(200, 150).write(tmp_path / "styles.pb"), classes=classes, model="musicnn", name="styles")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        heard = tracks.assign(mine=1).hear("styles", **OPTIONS)
    assert list(heard.table.columns[-151:]) == ["mine", *(f"styles_{name}" for name in classes)]
    assert heard.notes[-2].startswith("150 columns: probability of each class, mean over frames, by styles on ")


def test_heads_that_are_here_are_colors_and_axes_of_the_map(tracks: embviz.Collection):
    atlas = tracks.head(2).map("musicnn", method="pca", color="mood_sad", cache=False).wait()
    groups = {group["title"]: [item["title"] for item in group["items"]] for group in atlas.widget.color_options}
    assert groups[f"mood happy ({SAD})"] == ["mood_sad"]
    assert groups["deam-msd-musicnn-2 (deam-msd-musicnn-2)"] == ["deam_valence", "deam_arousal"]
    heard = tracks.head(2).hear("mood_sad", model="musicnn", **OPTIONS)
    scatter = atlas._controller.views[0].scatter
    assert scatter.color["title"] == "sad, as mood happy hears it"
    assert [scatter.color["low"], scatter.color["high"]] == pytest.approx(sorted(heard["mood_sad"]), abs=1e-6)
    assert f"collection.hear('{SAD}')['mood_sad']" in atlas.code()
    atlas.set(x="deam_valence", y="deam_arousal").wait()
    assert [axis.unit for axis in atlas._controller.views[0].axes] == ["on 1–9", "on 1–9"]
    frames = tracks.head(2).map("musicnn", method="pca", points="frames", color="mood_sad", cache=False).wait()
    assert len(frames._controller.views[0].vectors.tracks) > 2
    for options, sentence in (
        ({"color": "mood_sat"}, "or what a head says that is here, is expected"),
        ({"color": "deam"}, r"is expected\. deam-msd-musicnn-2 says 'deam_valence', 'deam_arousal'\.$"),
        ({"x": "deam", "y": "mood_sad"}, r"Direction is expected\. deam-msd-musicnn-2 says 'deam_valence', "),
        ({"color": "emomusic_valence"}, r"The head 'emomusic-msd-musicnn-2' is not on this machine; get it with"),
    ):
        with pytest.raises(OptionError, match=sentence):
            tracks.head(2).map("musicnn", cache=False, **options)


def test_a_map_cites_what_its_colour_and_axes_are_heard_by(tracks: embviz.Collection):
    atlas = tracks.head(2).map("mfcc", method="pca", color="mood_sad", cache=False)
    assert atlas.wait().cited()[2:] == [SAD]
    atlas.set(x="deam_valence", y=("mfcc", "embedding", 3)).wait()
    assert atlas.cited()[1:] == [SAD, "deam-msd-musicnn-2", embviz.get_model("mfcc")]
    assert "pons2019musicnn" in [reference.key for reference in embviz.cite(atlas)]
    atlas.set(color="none", x=None, y=None).wait()
    assert len(atlas.cited()) == 2


def test_which_columns_a_head_makes(tracks: embviz.Collection, tmp_path: Path):
    assert column_classes(get_head(SAD)) == {"mood_sad": 1}
    assert column_classes(get_head(SAD), "sadness") == {"sadness": 1}
    assert column_classes(get_head("deam")) == {"deam_valence": 0, "deam_arousal": 1}
    for number, (classes, end, expected) in enumerate(
        [
            (["danceable", "not_danceable"], "Softmax", {"{}": 0}),
            (["danceable", "not_danceable"], "Sigmoid", {"{}_danceable": 0, "{}_not_danceable": 1}),
            (["female", "male"], "Softmax", {"{}_female": 0, "{}_male": 1}),
            (["notes", "nonsense"], "Softmax", {"{}_notes": 0, "{}_nonsense": 1}),
            (["only"], "Sigmoid", {"{}": 0}),
        ]
    ):
        head = f"h{number}"
        path = Built(200, len(classes), end=end).write(tmp_path / f"{head}-msd-musicnn-1.pb", classes=classes)
        made = column_classes(register_head(path, name=head))
        assert made == {name.format(head): place for name, place in expected.items()}


def test_what_cannot_be_heard_is_told_before_anything_is_computed(tracks: embviz.Collection):
    mine = tracks.assign(mood_sad=0.5)
    with pytest.raises(CollectionError, match=r"has a column 'mood_sad' already; name= gives this one another name\."):
        mine.hear("mood_sad", model="musicnn", **OPTIONS)
    assert "sadness" in mine.hear("mood_sad", model="musicnn", name="sadness", **OPTIONS)
    with pytest.raises(WeightsError, match="'danceability-discogs-effnet-1' is not on this machine"):
        tracks.hear("danceability")
    with pytest.raises(OptionError, match="head is a Head, or its name or task, 3 was found"):
        tracks.hear(3)  # type: ignore[arg-type]
    with pytest.raises(CollectionError, match=r"There is no track to compute"):
        tracks.tail(1).hear("mood_sad", model="musicnn", **OPTIONS)


@needs_reference
def test_official_moods_as_columns(tracks: embviz.Collection):
    embviz.pull("moods_mirex", folder=REFERENCE)
    heard = tracks.head(2).hear("moods_mirex", **OPTIONS)
    columns = [name for name in heard.columns if name.startswith("moods_mirex_")]
    assert len(columns) == 5
    np.testing.assert_allclose(heard[columns].sum(axis=1), 1, atol=1e-6)
