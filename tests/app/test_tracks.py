"""Listing tracks: folders, lists, arrays, tables, and names of any kind."""

import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import embviz
from embviz.app.tracks import Tracks
from embviz.audio import Audio
from embviz.collection.discovery import find_audio_files
from embviz.collection.sidecar import read_sidecar
from embviz.errors import AudioError

HOSTILE = [
    '<img src=x onerror="alert(1)">.ogg',
    'it\'s "quoted".wav',
    "two\nlines.mp3",
    "\u202eright to left.flac",
    "\U0001f3b8 guitar.ogg",
    "double..dots...ogg",
    "&amp;.ogg",
]


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def test_the_sample_tracks_come_with_what_is_known_of_them(root):
    tracks = Tracks(root / "sample_audio")
    assert len(tracks) == 10
    rock = tracks.find(root / "sample_audio" / "rock.ogg")
    assert (rock.title, rock.style, rock.bpm, rock.key) == ("Sixty-Four Bars", "rock", 128.0, "E minor")
    assert rock.sections[:2] == (("intro", 0.0), ("verse", 7.5))
    assert [section for section in tracks.find(root / "sample_audio" / "jazz.ogg").sections if "piano" in section[0]]
    assert rock.seconds is None
    assert tracks.notice == ""
    assert rock.to_dict()["name"] == "rock.ogg"


def test_the_track_to_begin_with(root, tmp_path):
    samples = root / "sample_audio"
    assert Tracks(samples).first.name == "rock.ogg"
    assert Tracks.of_table(embviz.Collection.from_folder(samples).table).first.name == "rock.ogg"
    # An order of the reader's own holds.
    assert Tracks([samples / "jazz.ogg", samples / "rock.ogg"]).first.name == "jazz.ogg"
    assert Tracks().first is None
    touch(tmp_path, "10.ogg", "2.ogg", "3.ogg", "inside/a.ogg")
    assert Tracks(tmp_path).first.name == "2.ogg"
    (tmp_path / "tracks.csv").write_text("file,sections\ngone.ogg,\n")
    assert Tracks(tmp_path).first.name == "2.ogg"
    (tmp_path / "inside" / "tracks.csv").write_text("file,sections\na.ogg,\n")
    assert Tracks(tmp_path).first.name == "inside/a.ogg"
    (tmp_path / "tracks.csv").write_text("file,sections\n10.ogg,\n3.ogg,start 0\n")
    assert Tracks(tmp_path).first.name == "10.ogg"
    table = pd.DataFrame({"path": [str(tmp_path / name) for name in ("2.ogg", "10.ogg")], "problem": ["", "Gone."]})
    assert Tracks.of_table(table).first.path.name == "2.ogg", "what cannot be heard is not opened first"


def test_ids_are_places_and_stay(tmp_path):
    touch(tmp_path, "b.ogg", "a.ogg")
    tracks = Tracks(tmp_path)
    assert [(track.id, track.name) for track in tracks] == [(0, "a.ogg"), (1, "b.ogg")]
    added = tracks.add(tmp_path / "c.ogg")
    assert added.id == 2
    assert tracks.add(tmp_path / "c.ogg") is added
    assert tracks.change(0, seconds=3.0).seconds == tracks[0].seconds == 3.0


def test_folders_inside_are_listed_hidden_ones_and_other_files_are_not(tmp_path):
    touch(tmp_path, "2.ogg", "10.OGG", "notes.txt", ".hidden.ogg", "inside/x.flac", ".git/y.ogg", "inside/deep/z.wav")
    assert [track.name for track in Tracks(tmp_path)] == ["2.ogg", "10.OGG", "inside/deep/z.wav", "inside/x.flac"]


def test_circles_of_links_end(tmp_path):
    touch(tmp_path, "a.ogg")
    (tmp_path / "circle").symlink_to(tmp_path)
    (tmp_path / "broken.ogg").symlink_to(tmp_path / "nowhere.ogg")
    assert [track.name for track in Tracks(tmp_path)] == ["a.ogg", "broken.ogg"]


def test_a_file_a_list_and_an_array(tmp_path, rock):
    assert [track.name for track in Tracks(rock)] == ["rock.ogg"]
    assert Tracks(rock)[0].title == "Sixty-Four Bars"
    assert [track.name for track in Tracks([rock, str(rock), rock.with_name("jazz.ogg")])] == ["rock.ogg", "jazz.ogg"]
    samples = np.zeros(1000, np.float32)
    [array] = Tracks((samples, 8000))
    assert (array.name, array.path) == ("array", None)
    assert array.open().duration == 0.125
    assert Tracks(Audio.open((samples, 8000)))[0].open().sample_rate == 8000
    assert len(Tracks()) == 0


def test_what_is_no_source_raises(tmp_path):
    with pytest.raises(AudioError, match="There is no file or folder 'nonexistent'"):
        Tracks("nonexistent")
    with pytest.raises(AudioError, match="is expected"):
        Tracks(7)
    with pytest.raises(AudioError, match="floats"):
        Tracks((np.zeros(10, np.int16), 8000))


def test_an_empty_folder_says_what_would_be_listed(tmp_path):
    touch(tmp_path, "notes.txt")
    tracks = Tracks(tmp_path)
    assert len(tracks) == 0
    assert tracks.notice.startswith("There is no sound in")
    assert ".flac" in tracks.notice


@pytest.mark.parametrize(
    ("table", "notice"),
    [
        (b"", "it has no column 'file'"),
        (b"name,title\na.ogg,A\n", "it has no column 'file'"),
        (b"\xff\xfe\x00broken", "left out"),
        (b"file,bpm,sections,key\na.ogg,fast,verse x; ; 7; chorus 3;intro 0,C\n", ""),
        (b"file\na.ogg\n\n,\nb.ogg,more,than,columns\n", ""),
        (b"file,bpm\na.ogg,nan\n", ""),
    ],
)
def test_a_malformed_table_gives_a_notice_at_most(tmp_path, table, notice):
    touch(tmp_path, "a.ogg", "b.ogg")
    (tmp_path / "tracks.csv").write_bytes(table)
    tracks = Tracks(tmp_path)
    assert len(tracks) == 2
    assert notice in tracks.notice
    assert bool(notice) == bool(tracks.notice)
    assert tracks[0].bpm is None
    if b"chorus" in table:
        assert tracks[0].sections == (("intro", 0.0), ("chorus", 3.0), ("", 7.0))


def test_hostile_names_are_data(tmp_path):
    touch(tmp_path, *HOSTILE)
    tracks = Tracks(tmp_path)
    assert {track.name for track in tracks} == set(HOSTILE)
    for track in tracks:
        assert track.path.exists()


def test_names_that_are_no_text_can_be_shown(tmp_path):
    name = os.fsencode(tmp_path) + b"/caf\xe9.ogg"
    try:
        Path(os.fsdecode(name)).touch()
    except OSError:
        pytest.skip("this file system takes text only")
    [track] = Tracks(tmp_path)
    track.name.encode()
    assert track.path.exists()
    assert "caf" in track.to_dict()["name"]


def test_ten_thousand_files_are_listed_quickly(tmp_path):
    for folder in range(10):
        (tmp_path / str(folder)).mkdir()
        for i in range(1000):
            (tmp_path / str(folder) / f"{i}.mp3").touch()
    begun = time.process_time()
    tracks = Tracks(tmp_path)
    shown = tracks.to_dict()
    assert time.process_time() - begun < 5
    assert len(shown) == 10_000
    assert tracks[1].name == "0/1.mp3"


def test_a_path_holds_when_the_working_folder_changes(tmp_path, monkeypatch):
    touch(tmp_path, "a.wav")
    monkeypatch.chdir(tmp_path)
    tracks = Tracks("a.wav")
    assert tracks[0].current_path == "a.wav"
    (tmp_path / "b").mkdir()
    monkeypatch.chdir(tmp_path / "b")
    assert tracks[0].current_path == str(tmp_path / "a.wav")
    assert tracks.find(tmp_path / "a.wav") is tracks[0]


def test_the_walk_says_what_it_passed_over(tmp_path):
    touch(tmp_path / "in", "10.ogg", "2.ogg", "deep/x.wav")
    touch(tmp_path / "out", "y.flac")
    (tmp_path / "in" / "b link").symlink_to(tmp_path / "out")
    (tmp_path / "in" / "a circle").symlink_to(tmp_path / "in")
    assert find_audio_files(tmp_path / "in") == (
        [Path("2.ogg"), Path("10.ogg"), Path("deep/x.wav")],
        [tmp_path / "in" / "a circle", tmp_path / "in" / "b link"],
        [],
        [],
    )
    followed = find_audio_files(tmp_path / "in", follow_links=True)
    assert followed == ([Path("2.ogg"), Path("10.ogg"), Path("b link/y.flac"), Path("deep/x.wav")], [], [], [])
    assert len(find_audio_files(tmp_path / "in", most=2).names) == 2
    assert find_audio_files(tmp_path / "nowhere") == ([], [], [tmp_path / "nowhere"], [])


def test_what_stands_beside_sounds(tmp_path, root):
    known, wrong = read_sidecar(root / "sample_audio")
    assert known["piano.ogg"]["meter"] == "3/4"
    assert wrong == ""
    assert known["piano.ogg"]["labels"] == {"family": "acoustic"}
    assert read_sidecar(tmp_path) == ({}, "")
    (tmp_path / "tracks.csv").write_text("name\nx")
    assert read_sidecar(tmp_path) == ({}, f"tracks.csv in {str(tmp_path)!r} was left out: it has no column 'file'.")


def test_a_table_gives_tracks(root, tmp_path):
    folder = root / "sample_audio"
    table = pd.DataFrame(
        {
            "path": [str(folder / "rock.ogg"), str(folder / "jazz.ogg"), "", str(tmp_path / "gone.ogg")],
            "name": ["rock.ogg", "jazz.ogg", "", "gone.ogg"],
            "title": ["Another", "", "", ""],
            "artist": ["Someone", "", "", ""],
            "duration": [122.0, np.nan, np.nan, np.nan],
            "problem": ["", "", "No path.", "There is no file."],
            "bpm": [99, pd.NA, "fast", -1],
            "style": ["two\nlines\u202e", None, np.nan, 7],
        },
        index=[7, 3, 5, 1],
    )
    tracks = Tracks.of_table(table)
    rock, jazz, none, gone = tracks
    assert (rock.id, rock.title, rock.artist, rock.seconds, rock.bpm, rock.key) == (
        0, "Another", "Someone", 122.0, 99.0, "E minor",
    )  # fmt: skip
    assert rock.style == "two lines"
    assert rock.sections[0] == ("intro", 0.0)
    assert (jazz.title, jazz.bpm, jazz.style, jazz.seconds) == ("Two Five Window", 150.0, "jazz", None)
    assert (none.path, none.problem, none.bpm) == (None, "No path.", None)
    assert (gone.style, gone.problem) == ("7", "There is no file.")
    with pytest.raises(AudioError):
        none.open()
    assert len(Tracks.of_table(table[:0])) == 0
    assert Tracks.of_table(table[:2]).folder == str(folder)
