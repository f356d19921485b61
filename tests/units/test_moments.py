"""Moments: planted units are found where they were planted, and keep their order wherever they go."""

import asyncio
import os
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import soundfile

import embviz
from embviz import Collection, Vectors
from embviz.errors import CollectionError, OptionError
from embviz.models import model_title
from embviz.units.mel_pictures import USUAL
from embviz.units.moments import Moments

RATE, SECONDS, HOP = 16_000, 8, 0.5
CLICKS = {0: [1.3, 6.2], 1: [4.7], 2: [], 3: [2.1]}
BAND = (1500.0, 2500.0)  # Hz, of the noise that begins in track 2 …
BEGINS = 5.0  # … at this second


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four tracks of faint noise with clicks in them, one with a band of noise, and a copy of the first."""
    rng = np.random.default_rng(2)
    folder = tmp_path_factory.mktemp("planted")
    for track, clicks in CLICKS.items():
        sound = 0.01 * rng.standard_normal(RATE * SECONDS)
        for n, at in enumerate(clicks):
            sound[round(at * RATE)] = 0.9 - 0.1 * n - 0.05 * track
        if track == 2:
            spectrum = np.fft.rfft(rng.standard_normal(RATE * SECONDS))
            hertz = np.fft.rfftfreq(RATE * SECONDS, 1 / RATE)
            spectrum[(hertz < BAND[0]) | (hertz > BAND[1])] = 0
            sound[round(BEGINS * RATE) :] += 0.3 * np.fft.irfft(spectrum)[round(BEGINS * RATE) :]
        soundfile.write(folder / f"{track}.wav", sound, RATE)
    (folder / "4.wav").write_bytes((folder / "0.wav").read_bytes())
    return folder


@pytest.fixture
def planted(folder, cache):
    """The collection, and vectors of frames: peak of the samples, level of the band, the track's number, a constant."""
    collection = Collection.from_folder(folder, cache=cache)
    rows, tracks, times = [], [], []
    for label, path in collection.table["path"].items():
        for first, block in enumerate(soundfile.read(path)[0].reshape(-1, round(HOP * RATE))):
            power = np.abs(np.fft.rfft(block)) ** 2
            hertz = np.fft.rfftfreq(len(block), 1 / RATE)
            level = np.log10(power[(hertz > BAND[0]) & (hertz < BAND[1])].sum())
            rows.append([np.abs(block).max(), level, label == 3, 7.0])
            tracks.append(label)
            times.append((first + 0.5) * HOP)
    names = ["click", "band", "third track", "constant"]
    vectors = Vectors.from_array(rows, tracks, names=names, times=times, model="planted", layer="units", unit="peak")
    return collection, vectors


def covers(moments, seconds):
    return ((moments.table["start"] <= seconds) & (moments.table["stop"] > seconds)).tolist()


def test_a_unit_that_answers_to_a_click_finds_the_clicks(planted):
    collection, vectors = planted
    moments = collection.moments(vectors, dimension="click", k=3, progress=False)
    assert list(moments.table.columns) == ["rank", "track", "name", "start", "stop", "time", "value", "place"]
    assert moments.table["rank"].tolist() == [1, 2, 3]
    assert moments.table["track"].tolist() == [0, 1, 3]  # not the copy of the first
    assert covers(moments, [1.3, 4.7, 2.1]) == [True] * 3
    assert (moments.table["stop"] - moments.table["start"]).tolist() == [HOP] * 3
    assert moments.table["value"].to_numpy() == pytest.approx([0.9, 0.85, 0.75], abs=1e-4)
    # Of 80 frames, a click and its copy are above the first, and so on.
    assert moments.table["place"].tolist() == [78 / 80, 77 / 80, 74 / 80]
    assert (moments.title, moments.unit) == ("planted / units, click: highest", "peak")
    several = collection.moments(vectors, dimension=0, k=4, per_track=2, progress=False)
    assert several.table["track"].tolist()[:3] == [0, 1, 0]
    assert covers(several, [1.3, 4.7, 6.2, 2.1]) == [True] * 4


def test_a_unit_that_answers_to_a_band_of_noise_finds_it_and_shows_what_it_is(planted):
    collection, vectors = planted
    moments = collection.moments(vectors, dimension="band", k=4, per_track=None, where=[2], progress=False)
    assert moments.table["track"].tolist() == [2] * 4
    assert (moments.table["start"] >= BEGINS).all()
    pictures = moments.pictures(progress=False)
    assert pictures.mel.shape == (4, USUAL.bands, len(pictures.seconds))
    assert not pictures.problems
    assert np.isfinite(pictures.mel).all()
    assert pictures.seconds.sum() == pytest.approx(0)
    inside = (pictures.hertz > BAND[0] * 1.05) & (pictures.hertz < BAND[1] * 0.95)
    outside = (pictures.hertz < BAND[0] * 0.9) | (pictures.hertz > BAND[1] * 1.1)
    common = moments.common(progress=False)
    assert common[inside].mean() > 0.4
    assert abs(common[outside].mean()) < 0.1
    assert np.array_equal(moments.mean_picture(progress=False), pictures.mean())
    loud = replace(pictures, mel=np.concatenate([pictures.mel, 50 + pictures.mel[:1]]))
    assert (loud.mean() - pictures.mean()).min() > 5
    assert np.abs(loud.median() - pictures.median()).max() < 1, "one of them does not change what most have"
    some = replace(pictures, mel=np.float32([[[1, np.nan]], [[5, np.nan]], [[9, 2]], [[np.nan, np.nan]]]))
    assert some.median().tolist()[0][0] == 5
    assert np.isnan(some.median()[0, 1])
    lowest = collection.moments(vectors, dimension="band", k=1, lowest=True, where="name == '2.wav'", progress=False)
    assert lowest.table["stop"][0] <= BEGINS
    assert lowest.title.endswith("lowest")


def test_pictures_show_the_very_sound_of_the_moment(planted):
    """The first click lies 0.3 s behind the start of its moment, and so in the picture."""
    collection, vectors = planted
    pictures = collection.moments(vectors, dimension="click", k=1, progress=False).pictures(progress=False)
    column = int(np.argmax(pictures.mel[0].sum(axis=0)))
    assert pictures.seconds[column] + HOP / 2 == pytest.approx(0.3, abs=0.016)


def test_pictures_of_moments_at_the_ends_of_a_track_have_one_scale_of_time(planted):
    collection, _ = planted
    rows = [{"track": 0, "start": 0.0, "stop": 0.4}, {"track": 1, "start": 7.0, "stop": 8.0}]
    rows += [{"track": 3, "start": 1.6, "stop": 2.6}, {"track": 3, "start": 2.1, "stop": 2.1005}]
    pictures = Moments.of(collection, rows).pictures(progress=False)
    drawn = np.isfinite(pictures.mel).all(axis=1)
    assert drawn.sum(axis=1) * 0.016 == pytest.approx([0.4, 1.0, 1.0, 0.016], abs=0.02)
    middle = [(drawn[i] * pictures.seconds).sum() / drawn[i].sum() for i in range(4)]
    assert middle == pytest.approx([0] * 4, abs=0.016)
    few = Moments.of(collection, rows[:3:2] + rows[3:]).pictures(progress=False).mean()
    assert np.isnan(few).any()
    assert np.isfinite(few).any()
    long = Moments.of(collection, [{"track": 0, "start": 0.0, "stop": 8.0}]).pictures(progress=False)
    assert len(long.seconds) <= 256
    assert np.isfinite(long.mel).all()


def test_pictures_reach_as_far_as_the_model_hears(tmp_path, cache):
    """A tone of 12 kHz is heard by Spleeter, and shown where it is."""
    rate = 48_000
    soundfile.write(tmp_path / "tone.wav", 0.5 * np.sin(2 * np.pi * 12_000 * np.arange(2 * rate) / rate), rate)
    collection = Collection.from_folder(tmp_path, cache=cache)
    rows = [{"track": 0, "start": 0.5, "stop": 1.5}]
    for model, top in [("spleeter", 24_000), ("musicnn", 8000), ("", 8000), ("unknown", 8000)]:
        pictures = Moments.of(collection, rows, model=model).pictures(progress=False)
        assert 0.9 * top < pictures.hertz[-1] < top
        loudest = pictures.hertz[np.argmax(pictures.mel[0].mean(axis=1))]
        assert (abs(loudest - 12_000) < 400) == (top > 12_000)


def test_the_order_is_kept_in_selections_tables_and_playlists(planted, tmp_path):
    collection, vectors = planted
    moments = collection.moments(vectors, dimension="click", k=4, per_track=2, progress=False)
    tracks = moments.table["track"].tolist()
    selection = moments.select()
    assert selection.table.index.tolist() == list(dict.fromkeys(tracks))
    assert selection["selection_rank"].tolist() == [1, 2, 4]
    table = pd.read_csv(moments.to_csv(tmp_path / "moments.csv"))
    assert table["track"].tolist() == tracks
    assert table["start"].tolist() == moments.table["start"].tolist()
    assert [os.path.basename(path) for path in table["path"]] == moments.table["name"].tolist()  # noqa: PTH119
    lines = moments.to_m3u(tmp_path / "moments.m3u8").read_text().splitlines()
    assert [line.partition(",")[2][:2] for line in lines if line.startswith("#EXTINF")] == ["1.", "2.", "3.", "4."]
    starts = [float(line.partition("=")[2]) for line in lines if "start-time" in line]
    assert starts == moments.table["start"].tolist()
    assert [line.rpartition("/")[2] for line in lines if not line.startswith("#")] == moments.table["name"].tolist()
    assert selection.to_m3u(tmp_path / "selection.m3u8").read_text().count("#EXTVLCOPT:start-time") == 3


@pytest.mark.parametrize(
    ("where", "tracks"),
    [
        ("name != '0.wav'", [4, 1, 3, 2]),
        ([3, 1], [1, 3]),
        (1, [1]),
        (lambda collection: collection.select([3, 1]), [1, 3]),
        (lambda collection: collection["name"] == "3.wav", [3]),
        (lambda collection: collection.table[collection["name"] == "3.wav"], [3]),
        ([False, True, False, True, False], [1, 3]),
        (np.array([False, True, False, False, False]), [1]),
        (iter([1, 3]), [1, 3]),
    ],
)
def test_where_is_a_query_a_collection_labels_rows_or_a_mask(planted, where, tracks):
    collection, vectors = planted
    chosen = where(collection) if callable(where) else where
    whole = collection.moments(vectors, dimension="click", k=9, progress=False)
    moments = collection.moments(vectors, dimension="click", k=9, where=chosen, progress=False)
    assert moments.table["track"].tolist() == tracks
    places = whole.table.set_index("track")["place"]
    for track, place in moments.table.set_index("track")["place"].items():  # which is that in the whole collection
        assert place == places.get(track, place)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"dimension": 4}, OptionError, "planted / units has the dimensions 0 to 3; 4 was found"),
        ({"dimension": "bnad"}, OptionError, r"has no dimension 'bnad'\. Did you mean 'band'\?"),
        (
            {"dimension": "constant"},
            OptionError,
            "constant is 7 in all of 80 frames: no moment stands out; of the 4, 3 change, the nearest is third track",
        ),
        ({"dimension": 0, "k": 0}, OptionError, "k is a number of moments, 1 or more; 0 was found"),
        (
            {"dimension": 0, "per_track": 1.5},
            OptionError,
            "per_track is a number of moments of a track, 1 or more; 1.5 was found",
        ),
        ({"dimension": 0, "where": pd.Series([True], index=[0])}, CollectionError, "where is .* Series without 4 of 5"),
        ({"dimension": 0, "where": "year > 1"}, CollectionError, "where='year > 1' leaves none of 5 tracks"),
        ({"dimension": 0, "where": []}, CollectionError, "where leaves none of 5 tracks"),
        ({"dimension": 0, "where": [77]}, CollectionError, "There is no track 77"),
        ({"dimension": 0, "where": {"a": 1}}, CollectionError, "where is a query, a collection, rows of its table"),
        ({"dimension": 0, "where": 1.5}, CollectionError, "where is a query, a collection.*; 1.5 was found"),
        ({"dimension": 0, "where": [True]}, CollectionError, "a mask of 5 is expected"),
        ({"dimension": 0, "where": "nix > 3"}, CollectionError, "name 'nix' is not defined"),
    ],
)
def test_what_cannot_be_asked_is_told_in_a_sentence(planted, options, error, message):
    collection, vectors = planted
    with pytest.raises(error, match=message) as told:
        collection.moments(vectors, progress=False, **options)
    assert "\n" not in str(told.value)


def test_where_of_another_collection_is_told(planted, rock):
    collection, vectors = planted
    other = Collection.from_folder(rock.parent)
    with pytest.raises(CollectionError, match="5 tracks of it are not in this collection"):
        collection.moments(vectors, dimension=0, where=other, progress=False)


def test_a_sheet_shows_the_first_of_many(planted, monkeypatch):
    collection, vectors = planted
    moments = collection.moments(vectors, dimension="click", k=6, per_track=None, progress=False)
    monkeypatch.setattr("embviz.units.moments.MOST_SHOWN", 4)
    sheet = moments.sheet()
    assert [item["rank"] for item in sheet.items] == [1, 2, 3, 4]
    assert sheet.title == "planted / units, click: highest (the first 4 of 6)"


def test_a_file_that_is_gone_is_told_where_its_moment_would_be(planted, tmp_path):
    collection, vectors = planted
    for name in collection["name"]:
        (tmp_path / name).write_bytes((collection.audio(0).path.parent / name).read_bytes())
    own = Collection.from_folder(tmp_path, cache=collection.cache)
    moments = own.moments(vectors, dimension="click", k=3, progress=False)
    (tmp_path / "1.wav").unlink()
    (tmp_path / "3.wav").write_bytes(b"no sound")
    pictures = moments.pictures(progress=False)
    assert pictures.problems.keys() == {1, 2}
    assert re.search(r"There is no file '.*1\.wav'", pictures.problems[1])
    assert np.isnan(pictures.mel[1:]).all()
    assert np.isfinite(pictures.mel[0]).any()
    assert np.isfinite(moments.common(progress=False)).any()
    sheet = moments.sheet()
    assert "There is no file" in sheet.items[1]["problem"]
    assert sheet.items[2]["problem"]
    assert not sheet.items[0]["problem"]
    assert len(sheet.common_picture)
    for name in collection["name"]:
        (tmp_path / name).unlink(missing_ok=True)
    lost = own.moments(vectors, dimension="click", k=3, progress=False)
    assert len(lost.pictures(progress=False).problems) == 3
    assert all(item["problem"] for item in lost.sheet().items)


def test_a_track_without_a_file_has_no_picture(planted):
    collection, vectors = planted
    table = collection.table.assign(path=["", *collection["path"][1:]], problem=["The table names no file.", *[""] * 4])
    own = Collection(table)
    moments = own.moments(vectors, dimension="click", k=2, where=[0, 1], cache=False, progress=False)
    assert moments.pictures(progress=False).problems == {0: "There is no file of this track."}
    assert [item["problem"] for item in moments.sheet().items] == ["The table names no file.", ""]


def test_a_contact_sheet_in_a_notebook_is_drawn_behind_its_cell(planted, monkeypatch):
    collection, vectors = planted
    monkeypatch.setattr("embviz.units.moments.in_jupyter", lambda: True)
    monkeypatch.setattr("embviz.units.moments.is_unattended", lambda: False)

    async def show():
        sheet = collection.moments(vectors, dimension="click", k=3, progress=False).sheet()
        seen = [sheet.loading]
        while sheet.loading:
            await asyncio.sleep(0.01)
            seen += [sheet.loading] * (sheet.loading != seen[-1])
        return sheet, seen

    sheet, seen = asyncio.run(show())
    assert seen[0] == "drawing the moments"
    assert all(sheet.pictures)
    assert sheet.common_picture
    drawn = collection.moments(vectors, dimension="click", k=3, progress=False).play()
    assert drawn.autoplay
    drawn.close()


def test_a_collection_of_one_track_says_what_its_places_are(planted):
    collection, vectors = planted
    alone = collection.select([0]).moments(vectors, dimension="click", progress=False)
    assert len(alone) == 1
    assert "per_track=None" in alone.notes[0]
    assert alone.notes[0] in repr(alone)
    several = collection.select([0]).moments(vectors, dimension="click", per_track=None, k=2, progress=False)
    assert covers(several, [1.3, 6.2]) == [True, True]


def test_frames_that_are_not_finite_count_nowhere(planted):
    collection, vectors = planted
    values = np.array(vectors.values)
    values[np.argmax(values[:, 0]), 0], values[:, 1] = np.nan, np.nan
    spoilt = Vectors(
        values, vectors.tracks, vectors.times, "planted", "spoilt", "frames", labels=vectors.labels, spans=vectors.spans
    )
    moments = collection.moments(spoilt, dimension="click", k=1, where=[0, 1], progress=False)
    assert moments.table["track"].tolist() == [1]
    assert moments.table["place"].tolist() == [77 / 79]
    with pytest.raises(OptionError, match="planted / spoilt, band is not finite in all of 80 frames"):
        collection.moments(spoilt, dimension="band", progress=False)


def test_a_vector_of_a_track_is_a_moment_as_long_as_the_track(planted):
    collection, _ = planted
    vectors = Vectors.from_array(np.arange(5.0)[:, None], collection, names=["number"])
    moments = collection.moments(vectors, dimension="number", k=2, progress=False)
    assert moments.table[["track", "start", "stop"]].to_numpy().tolist() == [[3, 0, SECONDS], [2, 0, SECONDS]]


def test_cancelling_keeps_nothing_half_and_the_next_question_is_answered(planted):
    collection, vectors = planted

    def cancel(*_report):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        collection.moments(vectors, dimension=0, progress=cancel)
    moments = collection.moments(vectors, dimension=0, progress=False)
    with pytest.raises(KeyboardInterrupt):
        moments.pictures(progress=cancel)
    assert not moments.pictures(progress=False).problems


def test_moments_found_in_another_way(planted):
    collection, _ = planted
    rows = [{"track": 3, "start": 2.0, "stop": 3.0, "value": 0.5}, {"track": 1, "start": 0.0, "stop": 2.0}]
    moments = Moments.of(collection, rows, title="breaks", unit="novelty", notes=["by hand"])
    assert moments.table["name"].tolist() == ["3.wav", "1.wav"]
    assert moments.table["time"].tolist() == [2.5, 1.0]
    assert repr(moments).splitlines() == [
        "<Moments breaks: 2 moments of 2 tracks>",
        "   1. 3.wav  0:02.0–0:03.0 · 0.5 novelty",
        "   2. 1.wav  0:00.0–0:02.0",
        "by hand",
    ]
    none = Moments.of(collection, [])
    assert len(none) == len(none.sheet().items) == 0
    for wrong, message in [
        ([{"track": 3, "start": 2.0}], "'stop' is missing"),
        ([{"track": 30, "start": 2.0, "stop": 3.0}], "30 is none of their labels"),
        ([{"track": 3, "start": 2.0, "stop": 2.0}], "A moment stops after its start; 2 to 2 s was found"),
        ([{"track": 3, "start": np.nan, "stop": 2.0}], "A moment stops after its start; nan to 2 s was found"),
    ]:
        with pytest.raises(OptionError, match=message):
            Moments.of(collection, wrong)


def test_short_moments_are_heard_with_what_is_around_them(planted):
    collection, _ = planted
    spans = [(1.0, 1.1), (0.0, 0.02), (SECONDS - 0.1, float(SECONDS)), (2.0, 3.0)]
    moments = Moments.of(collection, [{"track": 0, "start": start, "stop": stop} for start, stop in spans])
    wide = moments.widen(0.5).table[["start", "stop"]].to_numpy().ravel().tolist()
    assert wide == pytest.approx([0.8, 1.3, 0.0, 0.5, SECONDS - 0.5, SECONDS, 2.0, 3.0])
    assert moments.widen(100).table["stop"].tolist() == [SECONDS] * 4
    sheet = moments.sheet()
    assert [item["stop"] - item["start"] for item in sheet.items] == pytest.approx([0.5, 0.5, 0.5, 1.0])
    assert sheet.title.endswith("(with what is around them, 0.5 s)")
    with pytest.raises(OptionError, match="seconds is a number above 0, 0 was found"):
        moments.widen(0)


def test_hostile_names_are_text_in_what_a_notebook_shows(planted):
    collection, _ = planted
    table = collection.table.assign(name='<script>alert("1")</script>')
    moments = Moments.of(Collection(table), [{"track": 0, "start": 1.0, "stop": 2.0}], title="<b>")
    shown = moments._repr_html_()
    assert "<script>" not in shown
    assert "<b>" not in shown
    assert "&lt;script&gt;" in shown


# Real models. --------------------------------------------------------------------------------------------------------


def test_the_dimension_of_128_bpm_finds_the_rock_track(home):
    names = ("classical", "folk", "rock")
    collection = Collection.from_paths([embviz.sample_audio() / f"{name}.ogg" for name in names])
    moments = collection.moments("tempocnn", "output", dimension="128 BPM", k=2, progress=False)
    assert moments.table["name"][0] == "rock.ogg"
    assert moments.table["value"][0] > 20 * moments.table["value"][1]
    assert moments.title == f"{model_title('deepsquare-k8')} / output, 128 BPM: highest"


def test_channels_of_feature_maps_are_found_with_their_time_and_frequency(home, folder):
    collection = Collection.from_folder(folder, pattern="[12].wav")
    label = int(collection.table.index[collection["name"] == "2.wav"][0])
    whole = embviz.embed(folder / "2.wav", "vgg", layer="conv2")
    # The channel that the band of noise moves most.
    loud, quiet = whole[BEGINS + 0.5 :].tensor.max(axis=1), whole[: BEGINS - 0.5].tensor.max(axis=1)
    channel = int(np.argmax(loud.mean(axis=0) - quiet.max(axis=0)))
    moments = collection.moments("vgg", "conv2", dimension=channel, k=1, progress=False)
    [moment] = moments.table.itertuples()
    assert (moment.track, moment.start > BEGINS - 0.5) == (label, True)
    assert np.float32(moment.value) == whole.tensor[..., channel].max()
    frame, _band = np.unravel_index(np.argmax(whole.tensor[..., channel]), whole.tensor.shape[:2])
    assert [moment.start, moment.stop] == list(whole.grid.receptive_span(int(frame)))
    assert moment.low_hz < moment.high_hz
    assert moment.high_hz > BAND[0]
    assert moment.low_hz < BAND[1]
    assert moments.title == f"{model_title('msd-vgg-1')} / conv2, channel {channel}: highest"
    assert moments.sheet().items[0]["hertz"] == pytest.approx([moment.low_hz, moment.high_hz])


def test_a_dimension_that_a_model_has_not_is_refused_before_anything_is_computed(folder, cache, monkeypatch):
    monkeypatch.setattr("embviz.units.moments.load_index", lambda *_, **__: pytest.fail("tracks were computed"))
    with pytest.raises(OptionError, match="msd-musicnn-1 / embedding has the dimensions 0 to 199; 200 was found"):
        Collection.from_folder(folder, cache=cache).moments("musicnn", dimension=200, progress=False)
