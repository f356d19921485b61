"""Outliers, exemplars, neighbors and similar moments of a collection, with vectors that were planted."""

import numpy as np
import pandas as pd
import pytest
import soundfile

from embviz import Collection, Vectors
from embviz.errors import CollectionError, OptionError

RATE, SECONDS, HOP = 8000, 20, 0.5
KINDS = 3  # tracks 0 … 3 are of the first kind, and so on


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    """Twelve tracks of faint noise, of which the last is a copy of the first."""
    folder = tmp_path_factory.mktemp("tracks")
    random = np.random.default_rng(0)
    for i in range(11):
        soundfile.write(folder / f"{i:02d}.wav", 0.01 * random.standard_normal(RATE * SECONDS), RATE)
    (folder / "11.wav").write_bytes((folder / "00.wav").read_bytes())
    found = Collection.from_folder(folder, cache=False)
    kinds = ["a", "b", "c"]
    return found.assign(kind=[kinds[i // 4] for i in range(12)], artist=[f"artist {i // 2}" for i in range(12)])


@pytest.fixture(scope="module")
def frames(collection):
    """Frames of 10 dimensions: those of a kind are alike, and a second of each track is like no other second of it."""
    random = np.random.default_rng(1)
    steps = round(SECONDS / HOP)
    centers, moment = random.normal(size=(KINDS, 10)), random.normal(size=10)
    rows = []
    for label in range(11):
        own = centers[label // 4] + 0.05 * label * np.eye(10)[label % 10]
        values = own + random.normal(scale=0.1, size=(steps, 10))
        values[12:14] = moment + random.normal(scale=0.02 * (label + 1), size=(2, 10))
        rows.append(values)
    rows.append(rows[0])
    times = np.tile((np.arange(steps) + 0.5) * HOP, 12)
    return Vectors.from_array(
        np.concatenate(rows), np.repeat(collection.table.index, steps), times=times, model="planted", layer="frames"
    )


# Neighbors. ----------------------------------------------------------------------------------------------------------


def test_neighbors_are_of_the_same_kind_and_not_the_track_or_its_copy(collection, frames):
    found = collection.neighbors(0, frames, k=3, progress=False)
    assert set(found.index) == {1, 2, 3}
    assert found["rank"].tolist() == [1, 2, 3]
    assert found["distance"].is_monotonic_increasing
    assert {"name", "artist"} < set(found.columns)
    itself = collection.neighbors("00.wav", frames, k=2, same_track=True, progress=False)
    assert set(itself.index) == {0, 11}
    assert itself["distance"].max() < 1e-6
    path = collection.table["path"][0]
    assert collection.neighbors(path, frames, k=3, progress=False).equals(found)


def test_neighbors_without_the_artist_and_of_a_part(collection, frames):
    assert 1 not in collection.neighbors(0, frames, k=11, same_artist=False, progress=False).index
    assert set(collection.neighbors(0, frames, where="kind == 'b'", progress=False).index) == {4, 5, 6, 7}
    assert len(collection.neighbors(0, frames, where=[0], progress=False)) == 0
    alone = collection.select([3])
    assert len(alone.neighbors(3, frames, progress=False)) == 0


def test_a_track_that_is_not_there(collection, frames, tmp_path):
    with pytest.raises(CollectionError, match="There is no track 99"):
        collection.neighbors(99, frames, progress=False)
    with pytest.raises(OptionError, match="planted / frames holds vectors of tracks of the collection only"):
        collection.neighbors(tmp_path, frames, progress=False)
    with pytest.raises(OptionError, match="k is a number of tracks, 1 or more; 0 was found"):
        collection.neighbors(0, frames, k=0)
    part = frames.select(range(1, 12))
    with pytest.raises(CollectionError, match="Track 0 has no vector"):
        collection.neighbors(0, part, progress=False)


def test_a_sound_from_elsewhere(home, rock):
    collection = Collection.from_paths([rock])
    found = collection.neighbors((np.random.default_rng(0).normal(size=16_000 * 4) * 0.1, 16_000), progress=False)
    assert found.index.tolist() == [0]
    moments = collection.moments_like(rock.with_name("drums.ogg"), 10, k=2, per_track=None, progress=False)
    assert len(moments) == 2
    assert moments.title == "MusiCNN (MSD) / embedding: moments like drums.ogg at 0:10.0"
    with pytest.raises(CollectionError, match=r"has the name or the title 'nowhere\.wav', and there is no such file"):
        collection.neighbors("nowhere.wav", progress=False)


def test_a_track_is_found_by_its_title_where_only_one_has_it(collection, frames):
    titles = ["Love Theme", "Frantic", "Frantic", *[""] * 9]
    titled = collection.assign(title=titles)
    for name in ("Love Theme", " love theme", titled.table["name"][0], titled.table["path"][0], 0):
        assert titled.neighbors(name, frames, k=2, progress=False).equals(
            titled.neighbors(0, frames, k=2, progress=False)
        )
    assert "moments like" in titled.moments_like("Love Theme", 1, frames, progress=False).title
    assert titled.select(["Love Theme", 0, 3]).table.index.tolist() == [0, 3]
    with pytest.raises(CollectionError, match=r"2 tracks have the title 'frantic': '01.wav' \(label 1\), '02.wav'"):
        titled.neighbors("frantic", frames, progress=False)
    with pytest.raises(CollectionError, match="Did you mean 'Love Theme'"):
        titled.audio("Love Themes")
    # No file can be called so.
    for name in ("x" * 300, "~nobody-here/x", "a\0b"):
        with pytest.raises(CollectionError, match="has the name or the title"):
            titled.select([name])


# Moments like a moment. ----------------------------------------------------------------------------------------------


def test_moments_like_a_moment_are_that_moment_of_other_tracks(collection, frames):
    found = collection.moments_like(0, 6.4, frames, k=5, progress=False)
    assert found.table["track"].is_unique
    assert not {0, 11} & set(found.table["track"])
    assert found.table["time"].between(6, 7).all()
    assert found.table["value"].is_monotonic_decreasing
    assert (found.table["value"] > 0.97).all()
    assert (found.table["place"] > 0.9).all()
    assert found.title == "planted / frames: moments like 00.wav at 0:06.4"
    assert found.unit == "cosine"


def test_of_the_same_track_and_several_of_a_track(collection, frames):
    itself = collection.moments_like(0, 6.4, frames, k=1, same_track=True, progress=False)
    assert itself.table["track"].tolist() == [0]
    assert itself.table["value"][0] == pytest.approx(1)
    both = collection.moments_like(0, 6.4, frames, k=20, per_track=2, progress=False)
    assert both.table["track"].value_counts().max() == 2
    apart = collection.moments_like(0, 6.4, frames, k=20, same_artist=False, where="kind == 'a'", progress=False)
    assert sorted(apart.table["track"]) == [2, 3]


def test_no_moment_where_there_is_nothing_else(collection, frames):
    alone = collection.select([3]).moments_like(3, 2.0, frames, progress=False)
    assert len(alone) == 0
    assert "No other track is left" in alone.notes[-1]


@pytest.mark.parametrize(
    ("time", "message"),
    [
        (-1, "time is a moment"),
        (np.nan, "time is a moment"),
        ("1", "time is a moment"),
        (99, "The track is 20.0 s long"),
    ],
)
def test_times_that_are_none(collection, frames, time, message):
    with pytest.raises(OptionError, match=message):
        collection.moments_like(0, time, frames, progress=False)


def test_vectors_of_tracks_have_no_moments(collection):
    vectors = Vectors.from_array(np.ones((12, 2)), collection)
    with pytest.raises(OptionError, match="no frames"):
        collection.moments_like(0, 1, vectors, progress=False)
    assert len(collection.neighbors(0, vectors, progress=False)) == 10


# Outliers. -----------------------------------------------------------------------------------------------------------


def test_the_outlier_comes_first_with_its_reason(collection):
    values = np.random.default_rng(2).normal(size=(12, 4)) * 0.05 + 1
    values[6, 2] += 3
    named = Vectors.from_array(values, collection, names=["bass", "drums", "flute", "voice"])
    found = collection.outliers(named, k=3, progress=False)
    assert found.index[0] == 6
    assert found["outlier"].tolist() == [True] + [False] * 11
    assert found["dimensions"][6][0] == 2
    assert "higher in flute" in found["reason"][6]
    assert len(found["reason"][6]) < 50  # what pandas shows of a text
    assert 0 < found["share"][6] <= 1
    assert list(found.columns[:2]) == ["name", "title"]
    assert found["name"][6] == "06.wav"


def test_outliers_of_one_two_and_equal_tracks(collection, frames):
    one = collection.select([2]).outliers(frames, progress=False)
    assert np.isnan(one["distance"][2])
    assert not one["outlier"].any()
    assert one["reason"][2] == "there is no other track to compare it with"
    assert collection.select([2, 5]).outliers(frames, progress=False)["score"].tolist() == [0, 0]
    same = collection.outliers(Vectors.from_array(np.ones((12, 3)), collection), progress=False)
    assert set(same["reason"]) == {"the same as its neighbours"}
    assert not same["outlier"].any()


def test_options_of_outliers(collection, frames):
    with pytest.raises(OptionError, match="euclidean"):
        collection.outliers(frames, metric="manhattan", progress=False)
    with pytest.raises(OptionError, match="k is a number of neighbours"):
        collection.outliers(frames, k=0, progress=False)


# Exemplars. ----------------------------------------------------------------------------------------------------------


def test_exemplars_of_a_column_are_one_of_each_value(collection, frames):
    found = collection.exemplars("kind", frames, seconds=4, progress=False)
    assert found.table["group"].tolist() == ["a", "b", "c"]
    assert (found.table["track"] // 4).tolist() == [0, 1, 2]
    assert (found.table["stop"] - found.table["start"]).tolist() == [4.0] * 3
    assert (found.table["start"] >= 0).all()
    assert (found.table["stop"] <= SECONDS).all()
    assert (found.table["value"] > 0.9).all()
    assert found.title == "planted / frames: most central of each kind"
    assert len(collection.exemplars("kind", frames, k=2, progress=False)) == 6


def test_exemplars_of_clusters_and_of_groups_of_ones_own(collection, frames):
    found = collection.exemplars(None, frames, progress=False)
    assert found.table["group"].str.startswith("cluster ").all()
    groups = [0] * 4 + [-1] * 4 + [1] * 4
    own = collection.exemplars(groups, frames, progress=False)
    assert own.table["group"].tolist() == ["0", "1"]
    assert own.notes[0] == "Left out: 4 tracks in no group."
    shuffled = pd.Series(groups, index=collection.table.index).sample(frac=1, random_state=1)
    by_label = collection.exemplars(shuffled, frames, progress=False).table
    pd.testing.assert_frame_equal(by_label, own.table)
    with pytest.raises(OptionError, match=r"Groups are a column, or a value for each track: .* are none of them"):
        collection.exemplars(shuffled.set_axis(shuffled.index + 1), frames, progress=False)


def test_exemplars_of_vectors_of_tracks_are_their_middles(collection):
    vectors = Vectors.from_array(np.random.default_rng(0).normal(size=(12, 3)), collection)
    found = collection.exemplars("kind", vectors, seconds=6, progress=False)
    assert found.table["start"].tolist() == [7.0] * 3
    long = collection.exemplars("kind", vectors, seconds=600, progress=False)
    assert long.table[["start", "stop"]].to_numpy().tolist() == [[0, 20]] * 3


def test_groups_that_are_none(collection, frames):
    with pytest.raises(CollectionError, match=r"no column 'kinds'.*Did you mean 'kind'"):
        collection.exemplars("kinds", frames, progress=False)
    with pytest.raises(CollectionError, match="each genre says nothing of the 12 tracks"):
        collection.exemplars("genre", frames, progress=False)
    with pytest.raises(OptionError, match="a value for each of 12 tracks; 2 were found"):
        collection.exemplars([1, 2], frames, progress=False)
    with pytest.raises(OptionError, match="k is a number of tracks of each group"):
        collection.exemplars("kind", frames, k=0)
    with pytest.raises(OptionError, match="seconds is the length of a moment"):
        collection.exemplars("kind", frames, seconds=0)
