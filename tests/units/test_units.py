"""Units: planted dimensions get their names, those of noise get none, and each card says what is known."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile

from embviz import Collection, Vectors
from embviz.errors import CollectionError, OptionError
from embviz.models import weights

TRACKS, FRAMES = 40, 6
TAGS = ("jazz", "sad <b>", "female vocalists", "rock")
NAMES = ("goes with jazz", "against jazz", "style", "loudness", "noise", "constant", "zero mostly")


def make_collection(folder, n, cache):
    for i in range(n):
        soundfile.write(folder / f"{i:02d}.wav", np.random.default_rng(i).normal(0, 0.1, 800), 16_000)
    collection = Collection.from_folder(folder, cache=cache)
    return collection.assign(style=["swing" if i % 2 else "march" for i in range(n)], level=np.arange(n) % 7)


def plant(collection):
    """Return frames of a layer with planted dimensions, and the tags that they were planted with."""
    rng = np.random.default_rng(5)
    n = len(collection)
    tracks = np.repeat(collection.table.index, FRAMES)
    times = np.tile(np.arange(FRAMES) + 0.5, n)
    mood = rng.normal(size=(n, len(TAGS))).repeat(FRAMES, axis=0) + 0.4 * rng.normal(size=(len(tracks), len(TAGS)))
    noise = rng.normal(size=(n, 4)).repeat(FRAMES, axis=0) + 0.4 * rng.normal(size=(len(tracks), 4))
    style, level = (collection[name].to_numpy().repeat(FRAMES) for name in ("style", "level"))
    values = [
        mood[:, 0] + 0.4 * noise[:, 0],
        -mood[:, 0] + 0.4 * noise[:, 1],
        2.0 * (style == "swing") + 0.3 * noise[:, 2],
        level + 0.3 * noise[:, 0],
        noise[:, 3],
        np.full(len(tracks), 3.0),
        np.maximum(0, noise[:, 1] - 1.5),
    ]
    activations = 1 / (1 + np.exp(1 - mood))
    return (
        Vectors.from_array(np.stack(values, 1), tracks, times=times, names=NAMES, model="planted", layer="units"),
        Vectors.from_array(activations, tracks, times=times, names=TAGS, model="ears", layer="tags"),
    )


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    from embviz import Cache

    return make_collection(tmp_path_factory.mktemp("music"), TRACKS, Cache(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="module")
def planted(collection):
    return plant(collection)


@pytest.fixture(scope="module")
def units(collection, planted):
    return collection.units(planted[0], tagger=planted[1], progress=False)


def test_planted_dimensions_are_named_and_others_are_not(units):
    table = units.table
    assert table["name"].tolist() == ["jazz", "", "", "", "", "", ""]
    assert table.loc[0, "low"] < table.loc[0, "r"] < table.loc[0, "high"]
    assert table.loc[0, "r_held_back"] > 0.6
    assert table.loc[0, "p"] <= 0.05
    assert table["not_with"].tolist()[:2] == ["", "jazz"]
    assert table["label"].tolist() == list(NAMES)
    assert repr(units) == "<Units planted / units: 7 dimensions, 1 named by tags of ears>"
    assert units.notes[-1].startswith("1 of 7 dimensions are named: the tag was chosen in one half of 40 tracks")


def test_columns_that_are_separated_are_told(units):
    separates = units.table["separates"].tolist()
    assert separates[2] == "style (swing highest)"
    assert separates[3].startswith("level (+0.9")
    assert separates[4:6] == ["", ""]


def test_zeros_and_selectivity_are_those_of_the_values(units, planted):
    values = planted[0].values.astype(float)
    assert units.table["zeros"].to_numpy() == pytest.approx((values == 0).mean(axis=0))
    height = values - values.min(axis=0)
    sparse = 1 - height.mean(axis=0) ** 2 / np.maximum((height**2).mean(axis=0), 1e-9)
    sparse[5] = 0
    assert units.table["selectivity"].to_numpy() == pytest.approx(sparse, abs=1e-3)
    assert units.table["selectivity"].idxmax() == 6


def test_the_card_says_what_a_dimension_goes_with(units, planted):
    card = units.card("goes with jazz")
    assert (card.dimension, card.named, card.name, card.not_with) == (0, True, "jazz", "")
    best = card.tags.iloc[0]
    assert (best["name"], best["n_tracks"]) == ("jazz", TRACKS)
    assert best["low"] < best["r"] < best["high"]
    assert f"r = {best['r']:.2f} [{best['low']:.2f}, {best['high']:.2f}] in 40 tracks" in card.notes[0]
    assert f"{best['r_held_back']:.2f} in the 20 held back" in card.notes[0]
    edges, counts = card.histogram
    assert (len(edges), counts.sum()) == (len(counts) + 1, TRACKS * FRAMES)
    assert card.highest.table["value"].iloc[0] == planted[0].values[:, 0].max()
    assert card.lowest.table["value"].iloc[0] == planted[0].values[:, 0].min()
    assert len(card.highest) == 10
    assert card.alike["dimension"].tolist()[0] != 0
    assert card.alike["r"].is_monotonic_decreasing


def test_cards_of_what_has_no_name_say_why(units):
    against, style, noise, constant, zeros = (units.card(number) for number in (1, 2, 4, 5, 6))
    assert "not with jazz" in against.notes[0]
    assert style.columns.iloc[0][["column", "highest", "lowest"]].tolist() == ["style", "swing", "march"]
    assert not noise.named
    assert noise.notes[0].startswith("No name: ")
    assert noise.notes[-1] == "As far as these tracks show, it stands for nothing that has a name here."
    assert constant.notes == ("It is 3 in every frame: it says nothing of this collection.",)
    assert (len(constant.highest), len(constant.lowest), constant.selectivity) == (0, 0, 0)
    assert zeros.zeros > 0.8


def test_search_finds_tags_labels_and_columns(units):
    found = units.search("JAZZ")
    assert found.table["match"].tolist() == ["jazz", "against jazz"], "the tag, then what is called so"
    assert found.table["match_r"].iloc[0] == pytest.approx(units.table.loc[0, "r"])
    assert units.search("swing").table.index.tolist() == [2]
    none = units.search("vocalists")
    assert none.notes[-1].startswith(
        "No dimension is known to go with 'vocalists': that takes r of 0.3 and more among all"
    )
    assert (none.table.attrs["note"], repr(none).splitlines()[-1]) == (none.notes[-1],) * 2
    assert all(len(units.search(text)) for text in units.examples)
    assert "jazz" in units.examples
    nothing = units.search("rocck")
    assert (len(nothing), nothing.notes[-1][-21:]) == (0, " Did you mean 'rock'?")
    assert found.card(0).name == "jazz"
    with pytest.raises(OptionError, match="Part of a tag or of a name is expected"):
        units.search("  ")


def test_units_are_sorted_by_any_column(units):
    assert units.sort("zeros").table.index[0] == 6
    assert units.sort("label").table["label"].tolist() == sorted(NAMES)
    assert units.sort("r").table.index[0] == 0
    assert units.search("jazz").sort("selectivity", ascending=True).table.shape[0] == 2
    with pytest.raises(OptionError, match=r"'zeross' was found\. Did you mean 'zeros'"):
        units.sort("zeross")


def test_what_separates_a_selection_comes_first(units):
    by_style = units.sort(selection="style=swing").table
    assert by_style.index[0] == 2
    assert by_style.loc[2, "effect"] > 3
    assert by_style.loc[2, "effect_p"] <= 0.05 < by_style.loc[4, "effect_p"]
    other = units.sort(selection="style=march").table
    assert other.loc[2, "effect"] == pytest.approx(-by_style.loc[2, "effect"])
    with pytest.raises(CollectionError, match="two at least are needed"):
        units.sort(selection=[3])


def test_shuffled_tags_name_nothing(collection, planted):
    vectors, tags = planted
    names = 0
    for seed in range(6):
        order = np.random.default_rng(seed).permutation(TRACKS)
        values = tags.values.reshape(TRACKS, FRAMES, -1)[order].reshape(len(tags), -1)
        wrong = replace(tags, values=values, key="")
        names += int((collection.units(vectors, tagger=wrong, progress=False).table["name"] != "").sum())
    assert names <= 1


def test_vectors_of_tracks_are_units_too(collection):
    values = np.random.default_rng(0).normal(size=(TRACKS, 3))
    vectors = Vectors.from_array(values, collection)
    units = collection.units(vectors, tagger=Vectors.from_array(values, collection, names=["a", "b", "c"]))
    assert units.table["name"].tolist() == ["a", "b", "c"]
    assert units.card(1).highest.table["track"].iloc[0] == collection.table.index[values[:, 1].argmax()]


@pytest.mark.parametrize("n", [1, 2])
def test_a_collection_of_one_track_or_two_has_no_names(tmp_path, cache, n):
    collection = make_collection(tmp_path, n, cache)
    vectors, tags = plant(collection)
    units = collection.units(vectors, tagger=tags)
    assert set(units.table["name"]) == {""}
    assert ("1 track is too little", "2 tracks are too few")[n - 1] in units.notes[-1]
    card = units.card(0)
    assert np.isnan(card.tags["low"]).all()
    assert set(card.highest.table["track"]) == set(collection.table.index)


def test_tracks_of_few_artists_have_no_names(collection, planted):
    few = collection.assign(artist=[f"artist {i % 5}" for i in range(TRACKS)])
    units = few.units(planted[0], tagger=planted[1])
    assert set(units.table["name"]) == {""}
    assert "40 tracks of 5 artists are too few to decide" in units.notes[-1]
    assert units.notes[-1].endswith("about thirty artists are enough.")
    searched, card = units.search("vocalists").notes[-1], units.card(4)
    assert searched.startswith(
        "Whether a dimension goes with 'vocalists' cannot be told: 40 tracks of 5 artists are too few"
    )
    assert card.notes[0].startswith("No name can be given: 40 tracks of 5 artists")
    assert not any("stands for nothing" in note for note in card.notes)
    assert not set(units.examples) & set(TAGS), "which no search of so few artists finds"


def test_tags_of_few_tracks_name_nothing(collection, planted):
    some = planted[1].select(collection.table.index[:12])
    units = collection.units(planted[0], tagger=some)
    assert set(units.table["name"]) == {""}
    assert "12 tracks are too few" in units.notes[-1]
    assert units.card(0).tags["n_tracks"].tolist() == [12] * len(TAGS)


def test_tracks_that_are_not_finite_are_left_out(collection, planted):
    vectors, tags = planted
    values = vectors.values.copy()
    values[vectors.tracks == 3, 2] = np.nan
    with pytest.warns(UserWarning, match="1 track"):
        broken = Vectors.from_array(values, vectors.tracks, times=vectors.times, names=NAMES)
    units = collection.units(broken, tagger=tags)
    assert units.notes[0] == "Left out: 1 track that gave nothing."
    assert units.table.loc[0, "name"] == "jazz"


def test_without_a_tagger_the_rest_is_known(collection, planted, empty_home):
    units = collection.units(planted[0])
    assert units.notes[0] == (
        "No model that gives tags is here to name the dimensions: embviz.pull('msd-musicnn-1') fetches one."
    )
    assert (units.tagger, set(units.table["name"])) == ("", {""})
    card = units.card(2)
    assert (len(card.tags), card.columns["column"].tolist()) == (0, ["style"])
    assert len(units.search("jazz")) == 2, "by their labels"


def test_a_tagger_has_tags(collection, planted):
    with pytest.raises(
        OptionError, match=r"own / vectors has none: name a model with tags, or make vectors with names"
    ):
        collection.units(planted[0], tagger=Vectors.from_array(np.eye(TRACKS), collection))


def test_names_are_text_in_the_page(collection, planted):
    vectors, tags = planted
    values = np.column_stack([tags.values[:, 1], vectors.values[:, :2]])
    hostile = Vectors.from_array(values, vectors.tracks, times=vectors.times, names=["<i>", "x", "y"])
    shown = collection.units(hostile, tagger=tags)._repr_html_()
    assert "sad &lt;b&gt;" in shown
    assert "&lt;i&gt;" in shown
    assert "<b>" not in shown


def test_the_second_question_is_answered_from_the_cache(collection, planted, units, monkeypatch):
    monkeypatch.setattr("embviz.analysis.associations._associate", None)
    monkeypatch.setattr("embviz.analysis.associations._correlate", None)
    again = collection.units(planted[0], tagger=planted[1])
    assert again.table.equals(units.table)


@pytest.mark.slow
def test_of_musicnn_some_dimension_goes_with_jazz(weights_home, root, tmp_path):
    """Twenty pieces, ten of them in two renderings: so few as carry names at all."""
    assert weights.has_weights("musicnn")
    for folder, prefix in ((root / "sample_audio", ""), (root / "notebooks" / "other_instruments", "other ")):
        for path in (*folder.glob("*.ogg"), *folder.glob("*.mp3")):
            (tmp_path / f"{prefix}{path.name}").symlink_to(path)
    collection = Collection.from_folder(tmp_path)
    ten = collection[~collection["name"].str.startswith("other ")].units("musicnn", progress=False)
    assert set(ten.table["name"]) == {""}
    assert ten.notes[-1].startswith("No dimension is named: 10 tracks are too few")
    units = collection.units("musicnn", progress=False)
    assert "jazz" in set(units.table["name"])
    highest = units.card(int(units.search("jazz").table.index[0])).highest.table["name"].head(3)
    assert highest.str.contains("jazz").sum() == 2, "there are two"
    named = units.table["r_held_back"].dropna()
    assert len(named) > 50
    assert named.min() >= 0.3
