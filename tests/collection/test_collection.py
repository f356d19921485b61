"""Collections: listing files of any kind, reading tags once, filtering, joining, taking away."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import mutagen
import mutagen.id3
import numpy as np
import pandas as pd
import pytest

from embviz.app.tracks import Tracks
from embviz.audio import Audio
from embviz.audio.decode import NOT_AUDIO
from embviz.collection import Collection, file_tags
from embviz.collection.discovery import find_audio_files
from embviz.collection.track_table import COLUMNS
from embviz.core.cache import Cache
from embviz.errors import AudioError, CollectionError

CODECS = {
    "mp3": ["-b:a", "96k"],
    "ogg": ["-c:a", "libvorbis"],
    "opus": ["-c:a", "libopus", "-ar", "48000"],
    "flac": [],
    "m4a": ["-c:a", "aac"],
    "wav": [],
    "aiff": [],
    "aac": ["-c:a", "aac"],
}
YESTERDAY = time.time() - 86_400

HOSTILE = '<script>alert(1)</script> "it\'s" \u202edesrever\u2066 \U0001f3b8\ttab\x07bell\nline\u2028break'


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    """A second of sound in each format, the same one; none has tags."""
    folder = tmp_path_factory.mktemp("sounds")
    for suffix, options in CODECS.items():
        tone = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=440:duration=1"]
        plain = ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact"]
        subprocess.run([*tone, *options, *plain, str(folder / f"tone.{suffix}")], check=True)
    return folder


@pytest.fixture
def music(tmp_path, sounds):
    """A folder with tagged sounds in folders, changed long enough ago to be remembered."""
    folder = tmp_path / "music"
    for i, name in enumerate(["b/2 low.ogg", "b/10 high.flac", "a/same name.mp3", "c/same name.mp3", "top.m4a"]):
        put(sounds, folder / name, title=f"Title {i}", artist=f"Artist {i % 2}", genre=["Rock", "Jazz"][i % 2])
    return folder


def put(sounds, path, **texts):
    """Copy a sound to a path, and tag it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(sounds / f"tone{path.suffix}", path)
    if texts:
        file = mutagen.File(path, easy=True)
        if file.tags is None:
            file.add_tags()
        for key, text in texts.items():
            file[key] = text
        file.save()
    age(path)
    return path


def age(path, seconds=0):
    os.utime(path, (YESTERDAY + seconds, YESTERDAY + seconds))


def listed(folder, cache, **options):
    return Collection.from_folder(folder, cache=cache, **options)


def problems(collection):
    return dict(zip(collection["name"], collection["problem"], strict=True))


@pytest.fixture
def readings(monkeypatch):
    """The names of the files whose tags are read."""
    read, names = file_tags.read_tags, []

    def noting(path):
        names.append(path.name)
        return read(path)

    monkeypatch.setattr(file_tags, "read_tags", noting)
    return names


# Folders. ------------------------------------------------------------------------------------------------------------


def test_a_folder_becomes_a_table(music, cache):
    collection = listed(music, cache)
    table = collection.table
    assert tuple(table.columns) == COLUMNS
    assert table.index.name == "track"
    assert table.index.tolist() == [0, 1, 2, 3, 4]
    assert table.index.dtype == "int64"
    names = ["a/same name.mp3", "b/2 low.ogg", "b/10 high.flac", "c/same name.mp3", "top.m4a"]
    assert table["name"].tolist() == names
    assert table["path"].tolist() == [str(music / name) for name in names]
    assert table["title"].tolist() == ["Title 2", "Title 0", "Title 1", "Title 3", "Title 4"]
    assert table["duration"].between(0.9, 1.2).all()
    assert str(table["year"].dtype) == "Int64"
    assert str(table["duplicate_of"].dtype) == "Int64"
    assert table["duplicate_of"].isna().all()
    assert (table["problem"] == "").all()
    assert collection.notes == ()
    assert isinstance(collection.audio(3), Audio)
    assert collection.audio(3).path == music / "c/same name.mp3"


def test_the_sample_tracks_come_with_what_is_known_of_them(root, cache):
    collection = listed(root / "sample_audio", cache)
    rock = next(track for track in collection if track.name == "rock.ogg")
    assert (rock.title, rock.style, rock.bpm, rock.key, rock.meter) == (
        "Sixty-Four Bars", "rock", 128.0, "E minor", "4/4",
    )  # fmt: skip
    assert rock.duration == pytest.approx(122, abs=1)
    assert np.isnan(collection.query("name == 'ambient.ogg'")["bpm"].iloc[0])
    assert "10 tracks · 9:47 min" in repr(collection)


@pytest.mark.parametrize("suffix", ["mp3", "ogg", "opus", "flac", "m4a"])
def test_tags_are_read_from_each_format(tmp_path, sounds, cache, suffix):
    facts = {"title": "Tür", "artist": "Zoë", "album": "Ω", "genre": "Jazz", "date": "1999-05-01"}
    put(sounds, tmp_path / "in" / f"x.{suffix}", **facts)
    [track] = listed(tmp_path / "in", cache)
    assert (track.title, track.artist, track.album, track.genre, track.year) == ("Tür", "Zoë", "Ω", "Jazz", 1999)
    assert track.duration == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize("suffix", ["wav", "aiff", "aac"])
def test_id3_tags_are_read_where_they_are_less_usual(tmp_path, sounds, cache, suffix):
    path = put(sounds, tmp_path / "in" / f"x.{suffix}")
    frames = [mutagen.id3.TIT2(text="Tür"), mutagen.id3.TCON(text="(17)"), mutagen.id3.TPE1(text=["A", "B"])]
    file = mutagen.id3.ID3() if suffix == "aac" else mutagen.File(path)
    if suffix != "aac":
        file.add_tags()
    for frame in frames:
        (file if suffix == "aac" else file.tags).add(frame)
    file.save(path)
    [track] = listed(tmp_path / "in", cache)
    assert (track.title, track.artist, track.genre, track.problem) == ("Tür", "A; B", "Rock", "")
    assert track.duration == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize("suffix", ["mp3", "ogg", "flac", "m4a"])
def test_hostile_tags_become_one_printable_line(tmp_path, sounds, cache, suffix):
    put(
        sounds, tmp_path / "in" / f"x.{suffix}", title=HOSTILE, artist="x" * 10_000_000, album=["y"] * 5000, date="soon"
    )
    collection = listed(tmp_path / "in", cache)
    [track] = collection
    assert track.title == '<script>alert(1)</script> "it\'s" desrever \U0001f3b8 tab bell line break'
    assert track.artist == "x" * 299 + "…"
    assert track.album == "y"
    assert pd.isna(track.year)
    shown = collection._repr_html_()
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown


def test_names_of_any_kind(tmp_path, sounds, cache):
    names = ["<img src=x onerror=alert(1)>.ogg", "two\nlines.ogg", "\u202eover.ogg", "#1 'hit'.ogg", "\U0001f3b8.ogg"]
    for name in names:
        put(sounds, tmp_path / "in" / name)
    collection = listed(tmp_path / "in", cache)
    assert set(collection["path"]) == {str(tmp_path / "in" / name) for name in names}
    assert all(name.isprintable() for name in collection["name"])
    assert "<img" not in collection._repr_html_()
    for label in collection.table.index:
        assert collection.audio(label).path.exists()


def put_no_text(sounds, folder):
    """Put a sound whose name is no UTF-8, where the file system takes that."""
    folder.mkdir(exist_ok=True)
    path = os.fsdecode(os.fsencode(folder) + b"/caf\xe9.ogg")
    try:
        shutil.copyfile(sounds / "tone.ogg", path)
    except OSError:
        pytest.skip("this file system takes text only")
    age(path)
    return path


def test_names_that_are_no_text(tmp_path, sounds, cache, readings):
    path = put_no_text(sounds, tmp_path / "in")
    for _ in range(2):
        collection = listed(tmp_path / "in", cache)
        assert collection["path"].tolist() == [path]
        assert collection["name"].tolist() == ["caf?.ogg"]
        assert collection["problem"].tolist() == [""]
    assert len(readings) == 1
    repr(collection).encode()
    collection._repr_html_().encode()
    for write, name in ((collection.to_csv, "x.csv"), (collection.to_parquet, "x.parquet")):
        again = Collection.from_table(write(tmp_path / name), cache=cache)
        assert again["path"].tolist() == [path]
        assert again["problem"].tolist() == [""]
    assert "caf%E9.ogg" in collection.to_m3u(tmp_path / "x.m3u8").read_text(encoding="utf-8")


def test_files_that_are_no_sound_stay_with_a_sentence(tmp_path, sounds, cache, readings):
    folder = tmp_path / "in"
    put(sounds, folder / "good.ogg")
    (folder / "empty.mp3").touch()
    (folder / "page.mp3").write_text("<!doctype html><p>Not found")
    (folder / "text.wav").write_text("no sound " * 100)
    (folder / "noise.flac").write_bytes(bytes(range(256)) * 40)
    (folder / "folder.ogg").mkdir()
    (folder / "broken link.ogg").symlink_to(folder / "nowhere.ogg")
    (folder / "circle.ogg").symlink_to(folder / "circle.ogg")
    os.mkfifo(folder / "pipe.ogg")
    (folder / "cut.mp3").write_bytes((sounds / "tone.mp3").read_bytes()[:300])
    (folder / "cut.m4a").write_bytes((sounds / "tone.m4a").read_bytes()[:200])
    for path in folder.iterdir():
        if path.is_file():
            age(path)
    for visit in range(2):
        collection = listed(folder, cache)
        found = problems(collection)
        assert found["good.ogg"] == ""
        assert found["empty.mp3"] == "'empty.mp3' is empty (0 bytes); copy or download it again."
        for name in ("page.mp3", "text.wav", "noise.flac"):
            assert found[name] == f"{name!r} {NOT_AUDIO}"
        assert found["broken link.ogg"] == "'broken link.ogg' is a link to a file that is not there."
        assert found["circle.ogg"] == "'circle.ogg' is a link that leads back to itself."
        assert found["pipe.ogg"] == "'pipe.ogg' is a pipe or a device; an audio file is expected."
        assert found["cut.m4a"] == ""  # its beginning is that of a sound: what there is of it, decoding tells
        assert len(readings) == 6, visit
    assert "cannot be read" in repr(collection)
    with pytest.raises(AudioError, match="There is no file"):
        collection.audio(collection.query("name == 'broken link.ogg'").table.index[0])


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to the superuser")
def test_what_may_not_be_read_stays_with_a_sentence(tmp_path, sounds, cache):
    put(sounds, tmp_path / "in" / "closed.ogg").chmod(0)
    put(sounds, tmp_path / "in" / "closed" / "x.ogg")
    (tmp_path / "in" / "closed").chmod(0)
    collection = listed(tmp_path / "in", cache)
    (tmp_path / "in" / "closed").chmod(0o700)
    assert problems(collection) == {"closed.ogg": "'closed.ogg' cannot be read: Permission denied."}
    assert collection.notes == ("1 folder could not be read, such as 'closed'.",)
    (tmp_path / "in" / "closed.ogg").chmod(0o600)
    assert set(problems(collection.refresh()).values()) == {""}


def test_files_that_go_while_they_are_listed_stay_with_a_sentence(music, cache, monkeypatch):
    found, read = find_audio_files(music), file_tags.read_tags

    def vanishing(path):
        if path.name == "top.m4a":
            path.unlink()
        return read(path)

    (music / "b/2 low.ogg").unlink()  # between the walk and the look
    monkeypatch.setattr("embviz.collection.discovery.find_audio_files", lambda *_, **__: found)
    monkeypatch.setattr(file_tags, "read_tags", vanishing)  # between the look and the reading
    collection = listed(music, cache)
    assert len(collection) == 5
    assert problems(collection)["b/2 low.ogg"] == "There is no file '2 low.ogg'; check the path."
    assert problems(collection)["top.m4a"] == "There is no file 'top.m4a'; check the path."
    assert problems(collection)["b/10 high.flac"] == ""


def test_links_to_folders_are_followed_on_demand_and_circles_end(music, cache):
    (music / "a" / "circle").symlink_to(music)
    (music / "a" / "other name").symlink_to(music / "b")
    outside = music.parent / "outside"
    shutil.copytree(music / "b", outside)
    (music / "link").symlink_to(outside)
    collection = listed(music, cache)
    assert len(collection) == 5
    assert collection.notes == (
        "3 links to folders not followed, such as 'circle'; follow_links=True (--follow-links) follows them.",
    )
    followed = listed(music, cache, follow_links=True)
    assert set(followed["name"]) == {*collection["name"], "link/2 low.ogg", "link/10 high.flac"}
    assert followed.notes == ()
    assert followed["duplicate_of"].notna().sum() == 2


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        (".mp3", ["a/same name.mp3", "c/same name.mp3"]),
        ("**/*.MP3", ["a/same name.mp3", "c/same name.mp3"]),
        ("*", ["top.m4a"]),
        ("b/*", ["b/2 low.ogg", "b/10 high.flac"]),
        ("[ab]/**/*.[mf]*", ["a/same name.mp3", "b/10 high.flac"]),
        ("**", 5),
    ],
)
def test_a_pattern_says_which(music, cache, pattern, names):
    found = listed(music, cache, pattern=pattern)["name"].tolist()
    assert len(found) == 5 if names == 5 else found == names


def test_what_cannot_be_listed_raises_one_sentence(tmp_path, music, cache):
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "notes.txt").write_text("nothing")
    for folder in ("empty", "notes"):
        with pytest.raises(CollectionError, match=r"There is no sound in .*\.flac"):
            listed(tmp_path / folder, cache)
    with pytest.raises(CollectionError, match=r"There is no folder 'nowhere'; check the path, which starts from"):
        listed("nowhere", cache)
    with pytest.raises(CollectionError, match=r"is a file; a folder is expected"):
        listed(music / "top.m4a", cache)
    for wrong in (7, None, ["a", "b"], "a\0b"):
        with pytest.raises(CollectionError, match=r"A folder is expected|There is no folder"):
            listed(wrong, cache)
    with pytest.raises(CollectionError, match=r"Of 5 sounds in .*, none matches '\*\.wav'; change the pattern"):
        listed(music, cache, pattern="*.wav")
    with pytest.raises(CollectionError, match="A pattern such as"):
        listed(music, cache, pattern="")
    with pytest.raises(CollectionError, match="collections are made by"):
        Collection(pd.DataFrame({"path": ["x"]}))


# The index of what was read before. ----------------------------------------------------------------------------------


def test_what_was_read_before_is_not_read_again(tmp_path, sounds, cache, readings):
    for i in range(300):
        put(sounds, tmp_path / "in" / f"{i % 3}" / f"{i}.ogg", title=f"Title {i}")
    first = listed(tmp_path / "in", cache)
    assert len(readings) == 300
    assert len(list((cache.folder / "index").rglob("*.json"))) == 3
    for again in (
        listed(tmp_path / "in", cache),
        listed(tmp_path / "in", Cache(cache.folder)),
        Collection.from_paths(first["path"], cache=cache),
    ):
        assert len(readings) == 300
        assert again["title"].tolist() == first["title"].tolist()
        assert again["duration"].tolist() == first["duration"].tolist()
        assert again["digest"].tolist() == first["digest"].tolist()
    assert len(listed(tmp_path / "in" / "1", cache)) == 100
    assert len(readings) == 300


def test_only_what_has_changed_is_read_again(music, cache, sounds, readings):
    listed(music, cache)
    put(sounds, music / "b/2 low.ogg", title="Another")
    age(music / "b/2 low.ogg", 5)
    put(sounds, music / "b/new.ogg", title="New")
    (music / "top.m4a").unlink()
    readings.clear()
    collection = listed(music, cache)
    assert sorted(readings) == ["2 low.ogg", "new.ogg"]
    assert collection.query("name == 'b/2 low.ogg'")["title"].tolist() == ["Another"]
    readings.clear()
    Collection.from_paths([music / "b/new.ogg"], cache=cache)  # a few files do not push the others out
    listed(music, cache)
    assert readings == []


def test_a_file_that_has_just_been_changed_is_read_again(tmp_path, sounds, cache, readings):
    path = put(sounds, tmp_path / "in" / "x.ogg", title="One")
    os.utime(path)
    listed(tmp_path / "in", cache)
    listed(tmp_path / "in", cache)
    assert readings == ["x.ogg", "x.ogg"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda data: data[: len(data) // 2],
        lambda data: b"\0" * len(data),
        lambda _: b"[" * 100_000,
        lambda _: b'{"format": 1, "folder": 7, "files": []}',
        lambda data: data.replace(b'"files": {', b'"files": 7, "x": {'),
        lambda data: data.replace(b'"Title', b'["Title').replace(b'", "Artist', b'"], "Artist'),
        lambda data: json.dumps({**json.loads(data), "files": {"2 low.ogg": 5, "10 high.flac": "four"}}).encode(),
    ],
)
def test_a_damaged_index_is_made_again(music, cache, readings, damage):
    whole = listed(music, cache)
    for path in (cache.folder / "index").rglob("*.json"):
        path.write_bytes(damage(path.read_bytes()))
    readings.clear()
    assert listed(music, cache).table.equals(whole.table)
    assert readings
    readings.clear()
    assert listed(music, cache).table.equals(whole.table)
    assert readings == []


def test_without_a_cache_or_with_one_that_cannot_be_written_it_works(music, tmp_path, readings):
    (tmp_path / "file").touch()
    for cache in (False, Cache(tmp_path / "file")):
        readings.clear()
        for _ in range(2):
            assert len(listed(music, cache)) == 5
        assert len(readings) == 10
    assert not (tmp_path / "cache").exists()


def test_several_processes_may_list_at_once(tmp_path, sounds, cache, readings):
    for i in range(60):
        put(sounds, tmp_path / "in" / f"{i}.ogg", title=f"Title {i}")
    code = (
        "import sys; from embviz.core.cache import Cache; from embviz.collection import Collection\n"
        "for _ in range(5):\n"
        "    found = Collection.from_folder(sys.argv[1], cache=Cache(sys.argv[2]))\n"
        "    assert sorted(found['title'], key=lambda t: int(t[6:])) == [f'Title {i}' for i in range(60)]\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "in"), str(cache.folder)]
    for process in [subprocess.Popen(command) for _ in range(3)]:
        assert process.wait(timeout=120) == 0
    listed(tmp_path / "in", cache)
    assert readings == []
    assert not list(cache.folder.rglob("*.part"))


def test_a_listing_that_is_cancelled_keeps_what_it_read(tmp_path, sounds, cache, readings):
    for i in range(60):
        put(sounds, tmp_path / "in" / f"{i}.ogg")
    stages = []

    def cancel(stage, done, total):
        stages.append((stage, done, total))
        if done == 50:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        listed(tmp_path / "in", cache, progress=cancel)
    assert stages == [("reading tags", 0, 60), ("reading tags", 50, 60)]
    listed(tmp_path / "in", cache)
    assert len(readings) == 60


def test_listing_decodes_nothing(music, cache, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("decoded")

    monkeypatch.setattr("embviz.audio.audio.decode", refuse)
    monkeypatch.setattr("embviz.audio.audio.decode_mix", refuse)
    collection = listed(music, cache)
    repr(collection)
    collection._repr_html_()
    code = "import sys; import embviz.collection; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pandas", "mutagen", "essentia", "mirdata", "pyarrow"} & set(loaded)


# Duplicates. ---------------------------------------------------------------------------------------------------------


def test_files_of_equal_content_are_found_by_hashing_only_those_of_equal_size(tmp_path, sounds, cache, monkeypatch):
    folder = tmp_path / "in"
    put(sounds, folder / "a.ogg", title="One")
    put(sounds, folder / "b.ogg", title="Two")  # the same size, another content
    shutil.copy2(folder / "a.ogg", folder / "c.ogg")
    put(sounds, folder / "d.flac")
    (folder / "e.ogg").symlink_to(folder / "b.ogg")
    (folder / "f.ogg").touch()
    (folder / "g.ogg").touch()
    hashed, digest = [], Cache.digest
    monkeypatch.setattr(Cache, "digest", lambda self, audio: hashed.append(audio.title) or digest(self, audio))
    for _ in range(2):
        collection = listed(folder, cache)
        assert hashed == ["a.ogg", "b.ogg", "c.ogg", "e.ogg"]
        assert collection["duplicate_of"].fillna(-1).tolist() == [-1, -1, 0, -1, 1, -1, -1]
    assert collection["digest"].tolist() == [
        *(Audio.open(folder / name).digest for name in ("a.ogg", "b.ogg", "c.ogg")), "",
        Audio.open(folder / "b.ogg").digest, "", "",
    ]  # fmt: skip
    assert "2 duplicates" in repr(collection)
    assert collection.drop_duplicates()["name"].tolist() == ["a.ogg", "b.ogg", "d.flac", "f.ogg", "g.ogg"]
    assert collection[2:].drop_duplicates()["name"].tolist() == ["c.ogg", "d.flac", "e.ogg", "f.ogg", "g.ogg"]
    hashed.clear()
    quick = listed(folder, Cache(tmp_path / "other"), duplicates=False)
    assert hashed == []
    assert quick["duplicate_of"].isna().all()
    assert len(quick.drop_duplicates()) == 5


# As a table. ---------------------------------------------------------------------------------------------------------


def test_it_behaves_like_a_table(music, cache):
    collection = listed(music, cache).assign(bpm=[100.0, 120.0, np.nan, 140.0, 160.0])
    assert len(collection) == 5
    assert [track.Index for track in collection] == [0, 1, 2, 3, 4]
    assert "bpm" in collection
    assert "tempo" not in collection
    assert isinstance(collection["title"], pd.Series)
    assert isinstance(collection[["title", "bpm"]], pd.DataFrame)
    for part, labels in (
        (collection[2:4], [2, 3]),
        (collection[collection["bpm"] > 110], [1, 3, 4]),
        (collection[(collection["bpm"] > 110).tolist()], [1, 3, 4]),
        (collection[(collection["bpm"] > 110).to_numpy()], [1, 3, 4]),
        (collection[collection["year"] > 1990], []),
        (collection[1:][collection["bpm"] > 110], [1, 3, 4]),
        (collection.query("bpm > 110 and genre == 'Jazz'"), [3]),
        (collection.head(2), [0, 1]),
        (collection.tail(2), [3, 4]),
        (collection.select([4, 0, 4]), [4, 0]),
        (collection.sort_values("bpm", ascending=False), [4, 3, 1, 0, 2]),
        (collection.sort_values(["artist", "bpm"]), [0, 1, 4, 3, 2]),
    ):
        assert isinstance(part, Collection)
        assert part.table.index.tolist() == labels
        assert part.table.index.name == "track"
        assert tuple(part.columns) == (*COLUMNS, "bpm")
    assert len(collection.table) == 5
    fast = 150  # noqa: F841  the expression names it
    assert collection.query("bpm > @fast").table.index.tolist() == [4]
    assert collection.sample(3).table.equals(collection.sample(3).table)
    assert len(collection.sample(5, seed=None)) == 5
    assert collection[2:4].audio(3).path == music / "c/same name.mp3"
    assert len(collection[:0]) == 0
    assert repr(collection[:0]) == "<Collection: 0 tracks>"
    assert "0 tracks" in collection[:0]._repr_html_()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda c: c["titel"], "no column 'titel'.*Did you mean 'title'"),
        (lambda c: c[["title", "bmp"]], "no column 'bmp'"),
        (lambda c: c[3], r"is expected in the brackets, 3 was found; select\(labels\)"),
        (lambda c: c[[True, False]], "a mask of 5 is expected"),
        (lambda c: c[c["duration"]], "is expected in the brackets"),
        (lambda c: c[pd.Series([True], index=[99])], "The mask is one of other tracks"),
        (lambda c: c.select([0, 99]), "There is no track 99"),
        (lambda c: c.select(c["duration"] > 0), r"Labels of tracks are expected, a mask was found; collection\[mask\]"),
        (lambda c: c.drop(tracks=c["duration"] > 0), "Labels of tracks are expected, a mask was found"),
        (
            lambda c: c.assign(x=pd.Series([1, 2], index=[0, 99])),
            "x cannot be assigned: .*1 of its 2 labels, such as 99",
        ),
        (lambda c: c.assign(x=pd.Series([1, 2], index=[0, 0])), "x cannot be assigned: .* several for 0"),
        (lambda c: c.audio(99), "There is no track 99"),
        (lambda c: c.query("tempo > 3"), "cannot be evaluated: name 'tempo' is not defined; columns are path, name"),
        (lambda c: c.query("titl == 'x'"), r"name 'titl' is not defined; Did you mean 'title'\?$"),
        (lambda c: c.query("title = 'x'"), r"= assigns, == compares; write \"title == 'x'\"\.$"),
        (lambda c: c.query("year > 1999 and title='x'"), "= assigns, == compares; write .*year > 1999 and title=='x'"),
        (lambda c: c.query("title >"), "cannot be evaluated"),
        (lambda c: c.query(""), "cannot be evaluated"),
        (lambda c: c.query(None), "cannot be evaluated"),
        (lambda c: c.sample(6), "A number of tracks up to 5 is expected, 6 was found"),
        (lambda c: c.sample(-1), "A number of tracks up to 5 is expected, -1 was found"),
        (lambda c: c.sort_values("titel"), "no column 'titel'"),
        (lambda c: c.assign(x=[1, 2]), r"x cannot be assigned.*one for each of 5 tracks"),
        (lambda c: c.assign(path="x"), "'path' says what a file is"),
        (lambda c: c.assign(track=1), "'track' says what a file is"),
        (lambda c: c.assign(mixed=[1, "a", None, 2, 3]).sort_values("mixed"), "cannot be sorted by 'mixed'"),
    ],
)
def test_wrong_questions_get_a_sentence(music, cache, wrong, sentence):
    collection = listed(music, cache)
    with pytest.raises(CollectionError, match=sentence):
        wrong(collection)


def test_it_is_not_changed_in_place(music, cache):
    collection = listed(music, cache)
    with pytest.raises(CollectionError, match="assign"):
        collection["title"] = "x"
    changed = collection.assign(title=HOSTILE, genre=[None, np.nan, pd.NA, "Folk", 7], year="1999-05-01", mood=1)
    assert collection["title"].tolist()[0] == "Title 2"
    assert all(title.isprintable() for title in changed["title"])
    assert changed["genre"].tolist() == ["", "", "", "Folk", "7"]
    assert changed["year"].tolist() == [1999] * 5
    assert changed["mood"].tolist() == [1] * 5


def test_joining_loses_and_doubles_nothing(music, cache):
    collection = listed(music, cache)
    facts = pd.DataFrame(
        {"title": ["Title 0", "Title 3", "of none"], "bpm": [90.0, 120.0, 1.0], "mood": ["a", "b", "c"]}
    )
    for joined in (
        collection.join(facts, on="title"),
        collection.join(facts.set_index("title"), on="title"),
        collection.merge(facts),
        collection.merge(facts, on="title"),
        collection.merge(facts.rename(columns={"title": "song"}), left_on="title", right_on="song"),
        collection.join(pd.DataFrame({"bpm": [90.0, 120.0], "mood": ["a", "b"]}, index=[1, 3])),
    ):
        assert joined.table.index.tolist() == [0, 1, 2, 3, 4]
        assert joined["bpm"].fillna(0).tolist() == [0, 90, 0, 120, 0]
        assert joined["name"].tolist() == collection["name"].tolist()
        assert joined.notes == ("3 of 5 tracks had nothing in the table that was joined.",)
    by_genre = collection.join(pd.Series({"Rock": 1, "Jazz": 2}, name="loudness"), on="genre")
    assert by_genre["loudness"].tolist() == [1 if genre == "Rock" else 2 for genre in collection["genre"]]
    assert by_genre.notes == ()


def test_columns_that_both_tables_have_are_kept_or_overwritten(music, cache):
    collection = listed(music, cache).assign(mood="calm")
    other = pd.DataFrame(
        {"year": ["1979-03-01", None], "genre": ["Polka", ""], "mood": [None, "wild"], "path": ["a", "b"]}, index=[1, 2]
    )
    both = collection.join(other, rsuffix="_other")
    assert both["year"].equals(collection["year"])
    assert both.table.loc[1, ["year_other", "genre_other", "path_other"]].tolist() == ["1979-03-01", "Polka", "a"]
    assert list(both.columns[: len(COLUMNS)]) == list(COLUMNS)
    over = collection.join(other.drop(columns="path"), overwrite=True)
    assert over.table.columns.equals(collection.table.columns)
    assert over["year"].dtype == "Int64"
    assert over.table.loc[1, ["year", "genre", "mood"]].tolist() == [1979, "Polka", "calm"]
    assert over.table.loc[2, ["genre", "mood"]].tolist() == [collection.table.loc[2, "genre"], "wild"]
    assert over.table.drop(index=[1, 2]).equals(collection.table.drop(index=[1, 2]))
    titles = pd.DataFrame({"title": collection["title"], "album": "Ours"})
    assert set(collection.merge(titles, on="title", overwrite=True)["album"]) == {"Ours"}
    with pytest.raises(CollectionError, match="a column 'year': rsuffix='_other' keeps both, overwrite=True takes"):
        collection.join(other)
    with pytest.raises(CollectionError, match="a column 'path': rsuffix='_other' keeps both, since what a file is is"):
        collection.join(other, overwrite=True)
    with pytest.raises(CollectionError, match="two columns get one name"):
        collection.join(other.assign(year_other=1), rsuffix="_other")


def test_columns_and_tracks_are_dropped(music, cache):
    collection = listed(music, cache).assign(mood="calm", loudness=1)
    assert list(collection.drop(columns="mood").columns) == [*COLUMNS, "loudness"]
    fewer = collection.drop(columns=["mood", "loudness"], tracks=[3, 0])
    assert list(fewer.columns) == list(COLUMNS)
    assert fewer.table.index.tolist() == [1, 2, 4]
    assert collection.drop(tracks=np.int64(2)).table.index.tolist() == [0, 1, 3, 4]
    assert collection.drop(tracks=collection.query("title == ''").table.index).table.equals(
        collection.query("title != ''").table
    )
    for wrong, said in [
        ({"columns": "year"}, r"has a column 'year', which cannot be dropped; assign\(year=None\) empties it"),
        ({"columns": "path"}, r"has a column 'path', which cannot be dropped\."),
        ({"columns": ["moood"]}, "Did you mean 'mood'"),
        ({"tracks": 9}, "There is no track 9"),
        ({"tracks": "a.ogg"}, "There is no track 'a.ogg'"),
    ]:
        with pytest.raises(CollectionError, match=said):
            collection.drop(**wrong)
    assert collection.assign(year=None, title=None)["year"].isna().all()


def test_what_cannot_be_joined_gets_a_sentence(music, cache):
    collection = listed(music, cache)
    twice = pd.DataFrame({"title": ["Title 0", "Title 0"], "bpm": [90.0, 120.0]})
    with pytest.raises(CollectionError, match="says 'Title 0' more than once"):
        collection.join(twice, on="title")
    with pytest.raises(CollectionError, match="says 'Title 0' more than once"):
        collection.merge(twice)
    with pytest.raises(CollectionError, match="Both tables have a column 'genre'"):
        collection.join(pd.DataFrame({"genre": ["x"]}, index=[0]))
    with pytest.raises(CollectionError, match="The table has no column 'titel'"):
        collection.join(twice, on="titel")
    with pytest.raises(CollectionError, match=r"have 0 columns in common; say which"):
        collection.merge(pd.DataFrame({"x": [1]}))
    with pytest.raises(CollectionError, match="A DataFrame or a Series is expected, dict was found"):
        collection.join({"a": 1})
    with pytest.raises(CollectionError, match="A DataFrame is expected"):
        collection.merge([1])
    with pytest.raises(CollectionError, match=r"has nothing for any of these tracks.*check on="):
        collection.join(pd.DataFrame({"bpm": [1.0]}, index=["0"]))
    with pytest.raises(CollectionError, match="a name for each column, 'q' twice was found"):
        collection.join(pd.DataFrame([[1, 2]], columns=["q", "q"]))
    with pytest.raises(CollectionError, match="a name for each column, names of several levels"):
        collection.join(pd.DataFrame({("a", "b"): [1]}))


def test_it_is_shown_in_short(music, cache, sounds):
    for i in range(40):
        put(sounds, music / f"{i:02d}.ogg", title=f"<b>{i}</b>")
    (music / "empty.ogg").touch()
    collection = listed(music, cache).assign(bad="<i>\u202e\nx", **{f"more {i}": i for i in range(20)})
    html = collection._repr_html_()
    assert "46 tracks · 0:4" in html
    assert "1 cannot be read" in html
    assert str(music) not in html
    assert "<b>" not in html
    assert "<i>" not in html
    assert "\u202e" not in html
    assert html.count("<tr") == 12
    assert "columns more" in html
    assert "46 tracks" in repr(collection)
    assert len(repr(collection).splitlines()) == 13


# Tables of others. ---------------------------------------------------------------------------------------------------


@pytest.fixture
def facts(music):
    return pd.DataFrame(
        {
            "path": ["b/2 low.ogg", "top.m4a", "nowhere.ogg", None, "top.m4a"],
            "title": ["None", "", "Gone", "Nothing", "Again"],
            "genre": ["NA", "Polka", "x", "y", "z"],
            "bpm": [90, None, 100, 110, 120],
            "name": ["n1", "n2", "n3", "n4", "n5"],
        }
    )


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "frame"])
def test_a_table_of_files(music, cache, facts, suffix):
    if suffix == "parquet":
        facts.to_parquet(music / "facts.parquet")
    elif suffix != "frame":
        facts.to_csv(music / f"facts.{suffix}", index=False, sep="\t" if suffix == "tsv" else ",")
    source, base = (facts, music) if suffix == "frame" else (music / f"facts.{suffix}", None)
    collection = Collection.from_table(source, base=base, cache=cache)
    assert tuple(collection.columns) == (*COLUMNS, "bpm", "name_")
    assert collection["path"].tolist()[:2] == [str(music / "b/2 low.ogg"), str(music / "top.m4a")]
    assert collection["title"].tolist() == ["None", "Title 4", "Gone", "Nothing"]
    assert collection["genre"].tolist() == ["NA", "Polka", "x", "y"]
    assert collection["artist"].tolist()[:2] == ["Artist 0", "Artist 0"]
    assert collection["bpm"].fillna(0).tolist() == [90, 0, 100, 110]
    assert collection["problem"].tolist() == [
        "", "", "There is no file 'nowhere.ogg'; check the path.", "No path is given for this track.",
    ]  # fmt: skip
    assert collection["name_"].tolist() == ["n1", "n2", "n3", "n4"]
    assert collection.notes == (
        "1 row of the table with a file that stood there before: left out.",
        "The table's own 'name' is called 'name_' here: collections have a 'name' already.",
    )
    with pytest.raises(AudioError, match="No path is given"):
        collection.audio(3)


def test_a_table_may_call_its_paths_anything(root, cache):
    collection = Collection.from_table(root / "sample_audio" / "tracks.csv", audio="file", cache=cache)
    assert len(collection) == 10
    assert "file" not in collection
    assert collection["bpm"].max() == 168
    assert "sections" in collection


def test_labels_beside_the_sounds_are_columns(music, cache):
    (music / "tracks.csv").write_text("file,mood,path,bpm,digest,\ntop.m4a, two  words ,/etc/passwd,7,x,y,z\n")
    collection = listed(music, cache)
    found = collection.table.set_index("name").loc["top.m4a"]
    assert (found["mood"], found["bpm"]) == ("two words", 7)
    assert found["path"] == str(music / "top.m4a"), "what a file is, no table says"
    assert found["digest"] != "x"
    assert set(collection["mood"]) == {"two words", ""}


def test_what_a_collection_wrote_is_read_back(music, cache):
    shutil.copy2(music / "b/2 low.ogg", music / "z.ogg")
    collection = listed(music, cache).assign(bpm=[1.5, 2, 3, 4, 5, 6])[2:]
    for path in (collection.to_csv(music / "x.csv"), collection.to_parquet(music / "x.parquet"), collection.table):
        again = Collection.from_table(path, cache=cache)
        assert again.notes == ()
        assert again.table.drop(columns=["name", "digest", "duplicate_of"]).equals(
            collection.table.drop(columns=["name", "digest", "duplicate_of"])
        )
        assert again.table.index.name == "track"
    whole = listed(music, cache).sort_values("title")
    again = Collection.from_table(whole.table, cache=cache)
    assert again.table.index.tolist() == whole.table.index.tolist()
    assert again.table.loc[5, "duplicate_of"] == 1


FORMULAS = [
    "=1+1",
    "+1 more",
    "-x",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\uff1d1",
    "'=1",
    "''@x",
    "'",
    "'x",
    "-5",
    "+1.5e3",
    "x=1",
    "",
]


@pytest.mark.parametrize("safe", [True, False])
def test_cells_that_spreadsheets_would_compute_are_written_safe_and_read_back(tmp_path, sounds, cache, safe):
    for i in range(len(FORMULAS)):
        put(sounds, tmp_path / f"{i:02d}.ogg", title=f"=T{i}")
    put(sounds, tmp_path / "-dash.ogg")
    collection = listed(tmp_path, cache)
    own = pd.Series(FORMULAS, collection.query("name != '-dash.ogg'").table.index)
    collection = collection.assign(**{"=mine": own, "number": -1.5, "mixed": [-1, "=2"] * (len(collection) // 2)})
    path = collection.to_csv(tmp_path / "x.csv", spreadsheet_safe=safe)
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    cells = [*header, *(cell for row in rows for cell in row)]
    begun = {cell for cell in cells if cell[:1] in {*"=+-@\t\r\uff1d"} and not re.fullmatch(r"[-+][\d.e]+", cell)}
    assert bool(begun) != safe
    assert {"-1.5", "-5", "-1"} <= set(cells)
    again = Collection.from_table(path, cache=cache)
    assert again["path"].tolist() == collection["path"].tolist()
    assert again["problem"].tolist() == [""] * len(collection)
    assert again["title"].tolist() == collection["title"].tolist()
    assert again["=mine"].fillna("").tolist() == collection["=mine"].fillna("").str.replace("\r", "\n").tolist()
    assert again["number"].tolist() == collection["number"].tolist()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "cannot be read as a table"),
        (b"path\n", "The table has no rows"),
        (b"file,title\na.ogg,A\n", r"no column 'path'; it has 'file', 'title'\. Say which one holds the paths"),
        (b"paht,title\na.ogg,A\n", "Did you mean 'paht'"),
        (b"path,title\na.ogg,A,B,C\nb.ogg,D\nc,d,e,f,g,h\n", "cannot be read as a table"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0", "no column 'path'|cannot be read as a table|is no UTF-8 text"),
        (b'path\n"never closed', "cannot be read as a table"),
        (b"path,artist\na.ogg,Beyonc\xe9\n", "is no UTF-8 text; save it as such"),
    ],
)
def test_a_table_that_is_none_gets_a_sentence(tmp_path, cache, data, sentence):
    (tmp_path / "x.csv").write_bytes(data)
    with pytest.raises(CollectionError, match=sentence):
        Collection.from_table(tmp_path / "x.csv", cache=cache)


def test_other_things_that_are_no_tables(tmp_path, cache):
    (tmp_path / "x.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(CollectionError, match="cannot be read as a table"):
        Collection.from_table(tmp_path / "x.parquet", cache=cache)
    with pytest.raises(CollectionError, match="There is no table"):
        Collection.from_table(tmp_path / "nowhere.csv", cache=cache)
    with pytest.raises(CollectionError, match="is a folder; a csv or parquet file is expected"):
        Collection.from_table(tmp_path, cache=cache)
    with pytest.raises(CollectionError, match="a DataFrame is expected, 7 was found"):
        Collection.from_table(7, cache=cache)
    with pytest.raises(CollectionError, match="One row of column names"):
        Collection.from_table(pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")])))
    with pytest.raises(CollectionError, match="two columns 'path'"):
        Collection.from_table(pd.DataFrame([["a", "b"]], columns=["path", "path"]))
    wrong = Collection.from_table(pd.DataFrame({"path": [7, 1.5, "", "a\0b", "x" * 5000]}), cache=cache)
    assert (wrong["problem"] != "").all()


def test_strange_cells_of_a_table(music, cache):
    given = pd.DataFrame(
        {
            "path": [f"file://{music}/b/2%20low.ogg", str(music / "top.m4a")],
            "year": ["around 1975", 1e30],
            "duration": [-1, np.inf],
            "track": [3, 3],
            "things": [[1, 2], {"a": 1}],
        }
    )
    collection = Collection.from_table(given, cache=cache)
    assert collection["problem"].tolist() == ["", ""]
    assert collection["path"].tolist() == [str(music / "b/2 low.ogg"), str(music / "top.m4a")]
    assert collection["year"].fillna(0).tolist() == [1975, 0]
    assert collection["duration"].isna().all()
    assert collection["track_"].tolist() == [3, 3]
    assert "[1, 2]" in repr(collection)
    with pytest.raises(CollectionError, match="Parquet holds columns of one kind each"):
        collection.to_parquet(music / "x.parquet")
    assert not (music / "x.parquet").exists()


def test_a_list_of_paths(music, cache):
    paths = [music / "b/2 low.ogg", str(music / "a/same name.mp3"), music / "b/2 low.ogg", music / "nowhere.ogg", music]
    collection = Collection.from_paths(paths, cache=cache)
    assert collection["name"].tolist()[:3] == ["music/b/2 low.ogg", "music/a/same name.mp3", "music/nowhere.ogg"]
    assert collection["problem"].tolist() == [
        "", "", "There is no file 'nowhere.ogg'; check the path.", "'music' is a folder; an audio file is expected.",
    ]  # fmt: skip
    assert collection.notes == ("1 path stood in the list before: left out.",)
    assert Collection.from_paths(paths[:1], cache=cache)["name"].tolist() == ["2 low.ogg"]
    assert Collection.from_paths(paths[:1], base=music, cache=cache)["name"].tolist() == ["b/2 low.ogg"]
    for wrong, sentence in (
        ("a.ogg", "put it in brackets"),
        (7, "A list of paths is expected, 7"),
        ([], "an empty one"),
        (["a.ogg", 7], "7 was found at place 1"),
        (["a.ogg", ""], "'' was found at place 1"),
    ):
        with pytest.raises(CollectionError, match=sentence):
            Collection.from_paths(wrong, cache=cache)


# mirdata. ------------------------------------------------------------------------------------------------------------


def dataset_of(name, home, entries):
    """A dataset of mirdata whose index names our own files."""
    import mirdata

    index = home / "index.json"
    index.write_text(json.dumps({"version": "1", "tracks": entries}))
    dataset = mirdata.initialize(name, data_home=str(home))
    dataset.index_path = str(index)
    return dataset


@pytest.fixture
def gtzan(tmp_path, sounds):
    """GTZAN as mirdata lays it out, with two tracks of ours; one has no file of its tempo."""
    home = tmp_path / "gtzan"
    entries = {}
    for name in ("hiphop.00000", "jazz.00001"):
        put(sounds, home / "genres" / f"{name}.wav")
        entries[name] = {"audio": [f"genres/{name}.wav", ""], "beats": [None, None], "tempo": [f"{name}.bpm", ""]}
    (home / "hiphop.00000.bpm").write_text("90.5")
    return dataset_of("gtzan_genre", home, entries)


@pytest.fixture
def medley(tmp_path, sounds):
    """Medley-solos-DB as mirdata lays it out, with one track of ours."""
    home = tmp_path / "medley"
    put(sounds, home / "audio" / "x.wav")
    (home / "annotation").mkdir()
    facts = "uuid4,subset,instrument,instrument_id,song_id\nx,test,<b>flute</b>,3,17\n"
    (home / "annotation" / "Medley-solos-DB_metadata.csv").write_text(facts)
    return dataset_of("medley_solos_db", home, {"x": {"audio": ["audio/x.wav", ""]}})


def test_a_dataset_of_mirdata(gtzan, cache, monkeypatch):
    monkeypatch.setattr("mirdata.datasets.gtzan_genre.load_audio", lambda *_: pytest.fail("audio was loaded"))
    # Its own reader fails with recent versions of NumPy.
    monkeypatch.setattr("mirdata.datasets.gtzan_genre.load_tempo", lambda path: float(Path(path).read_text()))
    collection = Collection.from_mirdata(gtzan, cache=cache)
    assert collection["track_id"].tolist() == ["hiphop.00000", "jazz.00001"]
    assert collection["genre"].tolist() == ["hip-hop", "jazz"]
    assert collection["tempo"].tolist()[0] == 90.5
    assert np.isnan(collection["tempo"].tolist()[1])
    assert tuple(collection.columns) == (*COLUMNS, "track_id", "tempo")
    assert collection["problem"].tolist() == ["", ""]
    assert collection["duration"].round(2).tolist() == [1, 1]
    assert collection.refresh().table.equals(collection.table)


def test_lists_of_labels_of_mirdata_become_a_column_of_lists(tmp_path, sounds, cache):
    home = tmp_path / "jamendo"
    put(sounds, home / "audios" / "00" / "7400.mp3")
    lines = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS\n"
    lines += "track_0007400\ta\tb\t00/7400.mp3\t9.5\tmood/theme---happy\tmood/theme---sad\n"
    tables = [home / "data" / "autotagging_moodtheme.tsv"]
    parts = ("train", "validation", "test")
    tables += [
        home / "data" / "splits" / f"split-{i}" / f"autotagging_moodtheme-{p}.tsv" for i in range(5) for p in parts
    ]
    for table in tables:
        table.parent.mkdir(parents=True, exist_ok=True)
        table.write_text(lines)
    dataset = dataset_of(
        "mtg_jamendo_autotagging_moodtheme", home, {"track_0007400": {"audio": ["audios/00/7400.mp3", ""]}}
    )
    [track] = Collection.from_mirdata(dataset, cache=cache)
    assert (track.tags, track.artist_id) == (["happy", "sad"], "a")


def test_a_dataset_of_mirdata_with_a_table_of_labels(medley, cache):
    [track] = Collection.from_mirdata(medley, cache=cache)
    assert (track.track_id, track.instrument, track.instrument_id, track.song_id, track.subset) == (
        "x", "<b>flute</b>", 3, 17, "test",
    )  # fmt: skip
    assert track.problem == ""


def test_what_mirdata_has_not(tmp_path, gtzan, cache, monkeypatch):
    with pytest.raises(CollectionError, match=r"cannot be listed: .*dataset.download\(\)"):
        Collection.from_mirdata("gtzan_genre", data_home=tmp_path / "nowhere", cache=cache)
    with pytest.raises(CollectionError, match=r"no dataset 'gtzan_genra'\. Did you mean 'gtzan_genre'"):
        Collection.from_mirdata("gtzan_genra", cache=cache)
    with pytest.raises(CollectionError, match="A dataset of mirdata or its name is expected, 7"):
        Collection.from_mirdata(7, cache=cache)
    with pytest.raises(CollectionError, match=r"have no 'mix_path'; say which of audio_path, beats_path, tempo_path"):
        Collection.from_mirdata(gtzan, audio="mix_path", cache=cache)
    monkeypatch.setitem(sys.modules, "mirdata", None)
    with pytest.raises(CollectionError, match=r"pip install 'embviz\[mirdata\]'"):
        Collection.from_mirdata("gtzan_genre", cache=cache)


# Looking again, and taking away. -------------------------------------------------------------------------------------


def test_looking_again_keeps_labels_and_added_columns(music, cache, sounds):
    collection = listed(music, cache).assign(mine=list("abcde"))
    (music / "b/10 high.flac").unlink()
    put(sounds, music / "a/first.ogg", title="First")
    shutil.copy2(music / "b/2 low.ogg", music / "z.ogg")
    fresh = collection.refresh()
    assert fresh["name"].tolist() == [
        "a/first.ogg", "a/same name.mp3", "b/2 low.ogg", "c/same name.mp3", "top.m4a", "z.ogg",
    ]  # fmt: skip
    assert fresh.table.index.tolist() == [5, 0, 1, 3, 4, 6]
    assert fresh.table.loc[6, "duplicate_of"] == 1
    assert fresh["mine"].fillna("").tolist() == ["", "a", "b", "d", "e", ""]
    assert fresh.notes == ("2 tracks new.", "1 track gone.")
    (music / "z.ogg").unlink()
    put(sounds, music / "y.ogg")
    assert fresh.refresh().table.index.tolist() == [5, 0, 1, 3, 4, 7]  # a label is never given twice
    part = collection[1:3].refresh()
    assert part.table.index.tolist() == [1, 2]
    assert part["problem"].tolist() == ["", "There is no file '10 high.flac'; check the path."]
    assert part["mine"].tolist() == ["b", "c"]


def test_a_playlist(tmp_path, sounds, cache):
    folder = tmp_path / "music"
    names = ["a b.ogg", "#1 hit.ogg", "http:x.ogg", " lead.ogg", "two\nlines.ogg", "ünï.ogg", "sub/x.ogg"]
    for name in names:
        put(sounds, folder / name, title=f"T\n{names.index(name)}", artist="A")
    put(sounds, folder / "untitled.ogg")
    (folder / "empty.ogg").touch()
    (tmp_path / "lists").mkdir()
    collection = listed(folder, cache)
    path = collection.to_m3u(tmp_path / "lists" / "x.m3u8")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#EXTM3U"
    assert len(lines) == 1 + 2 * 8
    assert set(lines[1::2]) == {*(f"#EXTINF:1,A - T {i}" for i in range(7)), "#EXTINF:1,untitled"}
    assert {"../music/a b.ogg", "../music/#1 hit.ogg", "../music/ünï.ogg", "../music/sub/x.ogg"} <= set(lines)
    assert f"{folder.as_uri()}/two%0Alines.ogg" in lines
    beside = collection.to_m3u(folder / "x.m3u8").read_text(encoding="utf-8").splitlines()
    assert {"a b.ogg", "./#1 hit.ogg", "./http:x.ogg", f"{folder.as_uri()}/%20lead.ogg", "sub/x.ogg"} <= set(beside)
    whole = collection.to_m3u(folder / "x.m3u8", relative=False).read_text(encoding="utf-8").splitlines()
    assert str(folder / "#1 hit.ogg") in whole
    broken = collection.query("problem != ''")
    with pytest.raises(CollectionError, match="no track that can be played"):
        broken.to_m3u(folder / "broken.m3u8")
    assert not (folder / "broken.m3u8").exists()


@pytest.mark.parametrize("write", [Collection.to_csv, Collection.to_parquet])
def test_files_named_from_here_are_found_from_a_table_elsewhere(music, cache, monkeypatch, write):
    monkeypatch.chdir(music)
    collection = Collection.from_folder(".", cache=cache, progress=False)
    path = write(collection, "sub folder/tracks." + write.__name__.removeprefix("to_"))
    again = Collection.from_table(path, cache=cache)
    assert [Path(one).resolve() for one in again["path"]] == [Path(one).resolve() for one in collection["path"]]
    assert again["problem"].tolist() == collection["problem"].tolist()
    # A row without a file stays one.
    none = Collection.from_table(pd.DataFrame({"path": ["", "top.m4a"]}), cache=cache)
    kept = write(none, "sub folder/none." + write.__name__.removeprefix("to_"))
    assert Collection.from_table(kept, cache=cache)["problem"].tolist() == none["problem"].tolist()
    here = write(collection, "tracks." + write.__name__.removeprefix("to_"))
    assert Collection.from_table(here, cache=cache)["path"].tolist() == collection["path"].tolist()


def test_what_cannot_be_written_leaves_nothing(music, cache, tmp_path, monkeypatch):
    collection = listed(music, cache)
    (tmp_path / "file").touch()
    for write in (collection.to_csv, collection.to_parquet, collection.to_m3u):
        with pytest.raises(CollectionError, match=r"cannot be written: (Not a directory|File exists)"):
            write(tmp_path / "file" / "x")
    before = collection.to_csv(tmp_path / "x.csv").read_bytes()
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(CollectionError, match="No space left on device"):
        collection.head(1).to_csv(tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_bytes() == before
    assert not list(tmp_path.glob(".*.part"))


def test_what_others_do_with_it_gets_its_table(music, cache, monkeypatch):
    calls = []
    for name, place in {
        "batch": "embviz.batch.embed_table",
        "atlas": "embviz.app.atlas.Atlas",
        "report": "embviz.export.collection_report.write_collection_report",
    }.items():
        monkeypatch.setattr(place, lambda *given, name=name, **options: calls.append((given, options)) or name)
    collection = listed(music, cache)
    collection.embed("musicnn", "tags", pooling="max", workers=2)
    collection.map("vgg", second="musicnn")
    assert collection.to_html("x.html", "vgg", audio="link") == Path("x.html")
    (embedded, options), (mapped, second), (written, page) = calls
    assert embedded == (collection.table, "musicnn", "tags")
    assert (options["pooling"], options["workers"], options["cache"], options["progress"]) == ("max", 2, cache, True)
    assert (mapped, second) == ((collection.table, "vgg"), {"second": "musicnn"})
    assert written == ("x.html", collection.table)
    assert (page["model"], page["audio"]) == ("vgg", "link")


def test_the_explorer_lists_a_collection(root, cache):
    collection = listed(root / "sample_audio", cache).assign(artist="Someone").sort_values("bpm", ascending=False)
    tracks = Tracks.of_table(collection.table)
    first = tracks[0]
    assert (first.title, first.artist, first.bpm, first.key, first.style) == (
        "Anvil Grammar", "Someone", 168, "D minor", "metal",
    )  # fmt: skip
    assert first.seconds == pytest.approx(45, abs=1)
    assert first.sections
    assert [track.name for track in tracks] == collection["name"].tolist()
    assert tracks[9].bpm is None
    assert tracks.find(root / "sample_audio" / "metal.ogg") is first
    json.dumps(tracks.to_dict(), allow_nan=False)


# -- folders, and tables that name the tracks -------------------------------------------------------------------------


def test_the_folder_of_a_track_is_a_column(music, cache):
    collection = listed(music, cache)
    assert collection["folder"].tolist() == ["a", "b", "b", "c", ""]
    assert Collection(collection.table.iloc[::-1])["folder"].tolist() == ["", "c", "b", "b", "a"]
    with pytest.raises(CollectionError, match="'folder' says what a file is"):
        collection.assign(folder="x")


@pytest.mark.parametrize(
    ("column", "files", "moods"),
    [
        ("path", ["music/b/2 low.ogg", "music/top.m4a"], {1: 0, 4: 1}),
        ("name", ["b/2 low.ogg", "c/same name.mp3"], {1: 0, 3: 1}),
        # Two files of one name are not told apart by it.
        ("file", ["2 low.ogg", "same name.mp3", "10 high.flac"], {1: 0, 2: 2}),
        ("audio", ["2 low", "top"], {1: 0, 4: 1}),
    ],
)
def test_a_table_file_names_tracks_in_any_usual_way(music, cache, tmp_path, column, files, moods):
    facts = pd.DataFrame({column: files, "mood": range(len(files)), "digest": "no"})
    facts.to_csv(tmp_path / "facts.csv", index=False)
    collection = listed(music, cache)
    joined = collection.join_file(tmp_path / "facts.csv")
    assert joined["mood"].dropna().to_dict() == moods
    assert joined["digest"].equals(collection["digest"])
    assert f"{5 - len(moods)} of 5 tracks had nothing" in joined.notes[-1]


def test_a_table_file_that_names_no_track_says_so(music, cache, tmp_path):
    collection = listed(music, cache)
    for text, sentence in (
        ("who,mood\na,1\n", "a column with their names is expected"),
        ("file,mood\nnowhere.ogg,1\n", "is about none of these tracks: 'nowhere.ogg' stands in its column 'file'"),
    ):
        (tmp_path / "facts.csv").write_text(text, encoding="utf-8")
        with pytest.raises(CollectionError, match=sentence):
            collection.join_file(tmp_path / "facts.csv")
