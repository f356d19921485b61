"""Contrasts of a collection's tracks: groups of any kind, planted dimensions, directions, and what is refused."""

import numpy as np
import pytest
import soundfile

from embviz import Cache, Collection, Vectors
from embviz.analysis import Direction
from embviz.errors import CollectionError, OptionError
from embviz.units.tracks import select_tracks

TRACKS = 24
NAMES = ("style", "noise", "constant", "less style")


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    folder = tmp_path_factory.mktemp("music")
    for i in range(TRACKS):
        soundfile.write(folder / f"{i:02d}.wav", np.random.default_rng(i).normal(0, 0.1, 800), 16_000)
    collection = Collection.from_folder(folder, cache=Cache(tmp_path_factory.mktemp("cache")))
    styles = ["swing", "march", "waltz"] * (TRACKS // 3)
    return collection.assign(style=styles, number=np.arange(TRACKS), **{"a = b": "x=y"})


@pytest.fixture(scope="module")
def vectors(collection):
    """Frames whose first dimension is higher in swing, and the last one lower."""
    swing = (collection["style"] == "swing").to_numpy()
    rng = np.random.default_rng(1)
    means = np.stack([3 * swing, 0 * swing, 0 * swing, -2 * swing], 1) + rng.normal(size=(TRACKS, 4))
    means[:, 2] = 1
    frames = means.repeat(5, axis=0) + 0.1 * rng.normal(size=(TRACKS * 5, 4)) * [1, 1, 0, 1]
    tracks, times = collection.table.index.repeat(5), np.tile(np.arange(5) + 0.5, TRACKS)
    return Vectors.from_array(frames, tracks, times=times, names=NAMES, model="planted", layer="units")


@pytest.fixture(scope="module")
def contrast(collection, vectors):
    return collection.contrast("style=march", "style=swing", vectors, names=False)


def test_planted_dimensions_separate_the_groups(contrast):
    table = contrast.table
    assert table["label"].tolist()[:2] == ["style", "less style"]
    assert table.loc[0, "low"] < 3 < table.loc[0, "high"]
    assert table.loc[3, "high"] < 0
    assert (table["p_corrected"] <= 0.05).to_dict() == {0: True, 3: True, 1: False, 2: False}
    assert table.loc[0, "auc"] > 0.85
    assert contrast.auc > 0.9
    assert "2 of 4 dimensions separate the groups (p ≤ 0.05, for all dimensions together)." in contrast.notes
    assert "The same in all tracks: 1 dimension." in contrast.notes
    assert table["higher_in"].to_dict() | {2: ""} == {0: "swing", 3: "march", 1: table.loc[1, "higher_in"], 2: ""}
    assert any("above 0 is higher in swing, below 0 in march" in note for note in contrast.notes)
    assert repr(contrast).startswith("<Contrast of march (8 tracks) and swing (8) in planted / units: 2 of 4 dimen")
    assert "<th>style</th>" not in contrast._repr_html_()


def test_tracks_and_frames_are_measured_along_the_direction(contrast, collection, vectors, tmp_path):
    direction = Direction.load(contrast.direction.save(tmp_path / "march-swing"))
    assert direction.title == "march → swing"
    places = direction.project(collection.embed(vectors))
    means = [places[collection["style"] == style].mean() for style in ("march", "swing", "waltz")]
    assert means == pytest.approx([0, 1, 0], abs=0.2)
    assert means[:2] == pytest.approx([0, 1], abs=1e-5)
    frames = direction.project(vectors)
    assert frames.reshape(TRACKS, 5).mean(axis=1) == pytest.approx(places, abs=1e-4)


def test_moments_are_those_of_a_group(contrast, collection):
    highest = contrast.moments("style", k=3)
    assert set(collection.table.loc[highest.table["track"], "style"]) == {"swing"}
    assert set(collection.table.loc[contrast.moments(3, k=3).table["track"], "style"]) == {"march"}
    assert set(collection.table.loc[contrast.moments(0, k=3, group="a").table["track"], "style"]) == {"march"}
    with pytest.raises(OptionError, match="group is 'a' or 'b', 'c' was found"):
        contrast.moments(0, group="c")
    with pytest.raises(OptionError, match="is 1 in all of"):
        contrast.moments("constant")


def test_groups_are_given_in_many_ways(contrast, collection, vectors):
    swing = collection.query("style == 'swing'")
    for b in (
        "style == 'swing'", swing, swing.table, list(swing.table.index), swing.table.index.to_numpy(),
        collection["style"] == "swing", (collection["style"] == "swing").to_numpy(),
    ):  # fmt: skip
        found = collection.contrast("style=march", b, vectors, names=False)
        assert found.table["effect"].tolist() == contrast.table["effect"].tolist()
    rest = collection.contrast("style=swing", model=vectors, names=False)
    assert (len(rest.b), rest.direction.ends) == (16, ("swing", "the rest"))
    assert rest.table.loc[0, "effect"] < -2
    assert len(collection.contrast("number<12", "number>=12", vectors, names=False).a) == 12
    assert len(collection.assign(fast=True).moments(vectors, dimension=0, where="style = march").table) == 8


def test_names_are_those_of_units(collection, vectors, empty_home):
    found = collection.contrast("style=march", "style=swing", vectors)
    assert found.units.card(0).columns["column"].tolist() == ["style"]
    assert "No model that gives tags is here" in found.notes[-1]
    assert set(found.table["name"]) == {""}


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        ("style=swing", "number < 5", r"Groups a and b have 2 tracks in common, '00\.wav' among them"),
        ("style=swing", "style=polka", r"b='style=polka' leaves none of 24 tracks"),
        ("number > 99", None, r"a='number > 99' leaves none"),
        ("number >= 0", None, r"Group a is the whole collection: nothing is left for group b"),
        ([3], "style=swing", r"Groups a and b have 1 track in common"),
        ([1], "style=swing", r"Group a has 1 track that can be measured, of 1: two at least are needed"),
        ("style=swing", [1], r"Group b has 1 track that can be measured"),
        ("style=", None, r"leaves none"),
        ("no such=1", None, r"An expression such as 'bpm > 120' is expected"),
        ([99], None, r"There is no track 99"),
        (object(), None, r"a is a query, a collection, rows of its table, a mask or labels"),
    ],
)  # fmt: skip
def test_groups_that_cannot_be_compared_are_refused(collection, vectors, a, b, said):
    with pytest.raises(CollectionError, match=said):
        collection.contrast(a, b, vectors, names=False)


def test_two_tracks_in_each_group_are_said_to_be_too_few(collection, vectors):
    found = collection.contrast([0, 3], [1, 4], vectors, names=False)
    assert (found.table["p_corrected"] > 0.05).all()
    assert any(note.startswith("4 tracks (or artists) can be parted like this in 6 ways") for note in found.notes)
    three, four = (collection.contrast([0, 3, 6, 9][:n], [1, 4, 7, 10][:n], vectors, names=False) for n in (3, 4))
    assert any("in 20 ways" in note for note in three.notes)
    assert not any("ways" in note for note in four.notes)


def test_constant_vectors_separate_nothing(collection):
    same = Vectors.from_array(np.ones((TRACKS, 2)), collection)
    with pytest.raises(CollectionError, match="every dimension is the same in all of their tracks"):
        collection.contrast("style=swing", "style=march", same, names=False)


def test_artists_are_kept_together_where_there_are_enough(collection, vectors):
    several = collection.assign(artist=[f"artist {i // 2}" for i in range(TRACKS)])
    found = several.contrast("style=swing", "style=march", vectors, names=False)
    assert found.notes[0] == "The tracks of an artist are drawn, swapped and held back together."
    one = collection.assign(artist=collection["style"])
    found = one.contrast("style=swing", "style=march", vectors, names=False)
    assert found.notes[0].startswith("A group is by a single artist")


@pytest.mark.parametrize("artists", [2, 5])
def test_few_artists_of_a_group_are_told(collection, vectors, artists):
    by = [f"{style} {i // 3 % artists}" for i, style in enumerate(collection["style"])]
    found = collection.assign(artist=by).contrast("style=swing", "style=march", vectors, names=False)
    told = [note.startswith("A group is by 2 artists only") for note in found.notes]
    assert any(told) == (artists == 2)
    assert all(note in repr(found) for note in found.notes)


def test_tracks_without_a_vector_are_left_out(collection, vectors):
    some = vectors.select(collection.table.index[3:])
    found = collection.contrast("style=swing", "style=march", some, names=False)
    assert "Left out: 2 tracks of the groups without a vector." in found.notes
    assert found.table.loc[0, "effect"] < -2


def test_a_value_may_stand_in_quotes(collection):
    for quoted in ("style = 'march'", 'style="march"'):
        found = select_tracks(collection, quoted)
        assert found.table.equals(select_tracks(collection, "style=march").table)
