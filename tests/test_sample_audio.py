"""The sample tracks are what their table says, measured on the decoded files."""

import csv
import itertools
import re
from pathlib import Path

import essentia.standard as es
import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parent.parent / "sample_audio"
with (FOLDER / "tracks.csv").open(newline="", encoding="utf-8") as table:
    TRACKS = {row["file"]: row for row in csv.DictReader(table)}
OTHER = FOLDER.parent / "notebooks" / "other_instruments"
with (OTHER / "tracks.csv").open(newline="", encoding="utf-8") as table:
    OTHERS = {row["file"]: row for row in csv.DictReader(table)}
# The tracks whose beats an estimator that knows no score finds.
CLEAR_PULSE = (
    "rock.ogg",
    "jazz.ogg",
    "electronic.mp3",
    "classical.ogg",
    "hiphop.mp3",
    "metal.ogg",
    "piano.ogg",
    "drums.ogg",
    "folk.ogg",
)

every_track = pytest.mark.parametrize("file", TRACKS)


def decode(file):
    """Samples ``[t, 2]``, sampling rate and number of channels."""
    return es.AudioLoader(filename=str(FOLDER / file))()[:3]


def sections(file):
    """Names and start times in seconds."""
    entries = (entry.rsplit(" ", 1) for entry in TRACKS[file]["sections"].split("; "))
    return [(name, float(start)) for name, start in entries]


def test_the_table_and_the_folder_agree():
    audio = {path.name for path in FOLDER.iterdir() if path.suffix in {".ogg", ".mp3", ".wav", ".flac"}}
    assert set(TRACKS) == audio
    assert len(TRACKS) >= 8
    assert len({row["style"] for row in TRACKS.values()}) == len(TRACKS)
    assert {".ogg", ".mp3"} <= {Path(file).suffix for file in TRACKS}
    assert all(re.fullmatch(r"[a-z]+\.(ogg|mp3)", file) for file in TRACKS)


def test_the_tracks_are_small():
    assert sum((FOLDER / file).stat().st_size for file in TRACKS) < 8_000_000


@every_track
def test_the_sound_is_sane(file):
    samples, rate, channels = decode(file)
    assert (rate, channels) == (44_100, 2)
    shortest, longest = (115, 125) if file == "rock.ogg" else (30, 60)
    assert shortest <= len(samples) / rate <= longest
    assert np.abs(samples).max() <= 1.0
    level = 20 * np.log10(np.sqrt(np.mean(np.square(samples), axis=0)))
    assert np.all((level > -30) & (level < -10)), level
    assert not np.array_equal(samples[:, 0], samples[:, 1])


@every_track
def test_sections_follow_each_other_inside_the_track(file):
    samples, rate, _ = decode(file)
    starts = [start for _, start in sections(file)]
    assert len(starts) >= 3
    assert starts[0] == 0
    assert all(early < late for early, late in itertools.pairwise(starts))
    assert starts[-1] < len(samples) / rate


@pytest.mark.parametrize("file", [file for file, row in TRACKS.items() if row["bpm"]])
def test_sections_begin_on_bar_lines(file):
    row = TRACKS[file]
    bar = int(row["meter"].split("/")[0]) * 60 / float(row["bpm"])
    bars = np.array([start for _, start in sections(file)]) / bar
    assert np.abs(bars - bars.round()).max() < 0.01


def test_rock_has_the_form_of_a_song():
    names = [name for name, _ in sections("rock.ogg")]
    assert names[0] == "intro"
    assert {"verse", "chorus", "break"} <= set(names)


@pytest.mark.parametrize("file", CLEAR_PULSE)
def test_an_independent_estimator_finds_the_tempo(file):
    samples = es.MonoLoader(filename=str(FOLDER / file), sampleRate=44_100)()
    found = es.RhythmExtractor2013(method="degara")(samples[: 60 * 44_100])[0]
    octaves = np.log2(found / float(TRACKS[file]["bpm"]))
    assert 2 ** abs(octaves - round(octaves)) < 1.04, f"found {found:.1f} BPM"


def test_only_ambient_claims_no_tempo():
    assert [row["style"] for row in TRACKS.values() if not row["bpm"]] == ["ambient"]


def test_the_other_rendering_has_the_same_pieces_in_other_keys():
    assert set(OTHERS) == {path.name for path in OTHER.iterdir() if path.suffix == ".ogg"}
    assert sum((OTHER / file).stat().st_size for file in OTHERS) < 3_000_000
    pieces = {Path(file).stem: row for file, row in TRACKS.items()}
    others = {Path(file).stem: row for file, row in OTHERS.items()}
    assert list(pieces) == list(others)
    for name, row in others.items():
        first = pieces[name]
        assert row["title"] == f"{first['title']} (other instruments)"
        assert (row["style"], row["meter"]) == (first["style"], first["meter"])
        assert (row["key"] != first["key"]) == (name != "drums")
        assert row["key"].split()[1:] == first["key"].split()[1:], "transposing keeps the mode"
        assert (row["bpm"] != first["bpm"]) == (name != "ambient")


@pytest.mark.parametrize("file", OTHERS)
def test_the_other_rendering_is_short_and_mono(file):
    samples, rate, channels = es.AudioLoader(filename=str(OTHER / file))()[:3]
    assert (rate, channels) == (44_100, 1)
    assert 43 <= len(samples) / rate <= 45.1
    assert np.abs(samples).max() <= 1.0
    level = 20 * np.log10(np.sqrt(np.mean(np.square(samples[:, 0]))))
    assert -30 < level < -10, level


@pytest.mark.parametrize("file", ["rock.ogg", "metal.ogg", "folk.ogg"])
def test_the_other_rendering_has_the_tempo_that_its_table_says(file):
    samples = es.MonoLoader(filename=str(OTHER / file), sampleRate=44_100)()
    found = es.RhythmExtractor2013(method="degara")(samples)[0]
    octaves = np.log2(found / float(OTHERS[file]["bpm"]))
    assert 2 ** abs(octaves - round(octaves)) < 1.04, f"found {found:.1f} BPM"
