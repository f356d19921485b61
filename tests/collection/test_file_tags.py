"""What files say of themselves: kinds by content, tags of unusual places, and lengths that their bytes allow."""

import io
import os
import shutil
import struct
import subprocess
from dataclasses import asdict

import mutagen.apev2
import mutagen.id3
import mutagen.mp4
import numpy as np
import pandas as pd
import pytest

from embviz.app.tracks import Tracks
from embviz.app.uploads import Uploads
from embviz.audio import Audio
from embviz.audio.decode import NOT_AUDIO
from embviz.audio.file_kinds import SUFFIXES, UNDECODABLE, identify
from embviz.collection import Collection
from embviz.collection.file_tags import mend_encoding, read_tags
from embviz.errors import OptionError

SECONDS = 3.0
MADE = {
    "mp3.mka": ["-c:a", "libmp3lame"], "opus.mka": ["-c:a", "libopus"], "opus.webm": ["-c:a", "libopus"], "a.wv": [],
    "a.wma": [], "a.ac3": [], "a.tta": [], "mp3.avi": ["-c:a", "libmp3lame"], "a.mp2": [], "a.mp4": ["-c:a", "aac"],
    "a.flv": ["-c:a", "libmp3lame", "-ar", "44100"], "a.caf": ["-c:a", "pcm_s16le"], "a.w64": [], "a.voc": [],
    "a.aifc": ["-f", "aiff", "-c:a", "pcm_mulaw"], "a.au": ["-c:a", "pcm_mulaw"], "a.ogv": ["-c:a", "libvorbis"],
    "a.spx": ["-c:a", "libspeex", "-ar", "16000"], "plain.wav": [], "adpcm.wav": ["-c:a", "adpcm_ms"],
    "ima.wav": ["-c:a", "adpcm_ima_wav"], "gsm.wav": ["-c:a", "libgsm_ms", "-ar", "8000"],
    "mulaw.wav": ["-c:a", "pcm_mulaw", "-ar", "8000"], "mp3.wav": ["-c:a", "libmp3lame"],
    "rf64.wav": ["-rf64", "always"], "a.mp3": ["-b:a", "128k"], "a.m4a": ["-c:a", "aac"], "a.aiff": [],
    "a.flac": [], "a.eac3": [],
}  # fmt: skip
UNREADABLE = ("opus.mka", "opus.webm", "a.spx", "a.eac3")  # codecs that have no decoder


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Three seconds of a tone in many formats, without tags."""
    folder = tmp_path_factory.mktemp("made")
    plain = ["-map_metadata", "-1", "-fflags", "+bitexact", "-ac", "1"]
    outputs = [word for name, options in MADE.items() for word in (*plain, *options, str(folder / name))]
    tone = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"sine=440:duration={SECONDS}"]
    subprocess.run([*tone, *outputs], check=True)
    return folder


@pytest.fixture(scope="module")
def variable(tmp_path_factory):
    """An mp3 of variable bit rate without a header that says so: a minute of silence, and one of noise."""
    path = tmp_path_factory.mktemp("variable") / "x.mp3"
    sound = r"aevalsrc=if(lt(t\,60)\,0\,random(0)-0.5):d=120:s=22050"
    bare = ["-q:a", "4", "-write_xing", "0", "-id3v2_version", "0"]
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", sound, *bare, str(path)], check=True)
    return path


def riff_chunk(name, content, order="<"):
    return name + struct.pack(f"{order}I", len(content)) + content + b"\0" * (len(content) % 2)


# Kinds. ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MADE)
def test_lists_and_uploads_judge_a_file_by_its_content(made, tmp_path, cache, name):
    shutil.copyfile(made / name, tmp_path / "no ending")
    problems = [*Collection.from_paths([made / name, tmp_path / "no ending"], cache=cache)["problem"]]
    uploads = Uploads()
    if name in UNREADABLE:
        assert problems == [f"{name!r} {NOT_AUDIO}", f"'no ending' {NOT_AUDIO}"]
        with pytest.raises(OptionError, match="cannot be decoded"):
            uploads.keep("no ending", (made / name).read_bytes())
    else:
        assert problems == ["", ""]
        assert uploads.keep("no ending", (made / name).read_bytes()).exists()
    uploads.close()


@pytest.mark.parametrize("name", ["mp3.mka", "mp3.avi"])
def test_what_is_listed_can_be_decoded(made, name):
    assert Audio.open(made / name).duration == pytest.approx(SECONDS, abs=0.1)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"<!doctype html><p>Not found", ""),
        (b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(range(256)) * 99, ""),
        (b"RIFF\x24\0\0\0WEBPVP8 ", ""),
        (b"RIFF\x24\0\0\0RMIDdata", ""),
        (b"IMPM" + bytes(500), ""),
        (b"ID3\4\0\0\0\0\0\0" * 1000, ""),
        (b"ID3\4\0\0\x7f\x7f\x7f\x7f", ""),
        (b"", ""),
        (b"ID3\4\0\0\0\0\0\4....fLaC" + bytes(99), "flac"),
        (b"\0\0\0\x08wide\0\0\0\0mdat", "mp4"),
    ],
)
def test_other_kinds_are_told_apart(content, kind):
    assert identify(io.BytesIO(content))[0] == kind


def test_an_ending_that_lies_does_not_choose_the_decoder(made, tmp_path):
    path = shutil.copyfile(made / "a.wv", tmp_path / "x.mp3")  # libsndfile would find frames of mp3 in it
    assert Audio.open(path).duration == pytest.approx(SECONDS, abs=0.01)


def test_an_ending_that_lies_hides_nothing(made, tmp_path):
    shutil.copyfile(made / "a.mp3", tmp_path / "x.flac")
    mutagen.id3.ID3(tmp_path / "x.flac").save(tmp_path / "x.flac")
    frames = mutagen.id3.ID3()
    frames.add(mutagen.id3.TIT2(encoding=3, text="Tür"))
    frames.save(tmp_path / "x.flac")
    tags = read_tags(tmp_path / "x.flac")
    assert (tags.title, tags.problem) == ("Tür", "")
    assert tags.duration == pytest.approx(SECONDS, abs=0.1)


def test_a_walk_goes_by_names_and_says_what_has_no_decoder(made, tmp_path, cache):
    assert not SUFFIXES & UNDECODABLE
    for name in ("a.wv", "mp3.avi"):
        shutil.copyfile(made / name, tmp_path / name)
    for name in ("x.it", "y.IT", "z.s3m", "cover.jpg", "._hidden.it"):
        (tmp_path / name).write_bytes(b"IMPM")
    said = "3 files passed over, for there is no decoder here for .it, .s3m."
    collection, tracks = Collection.from_folder(tmp_path, cache=cache), Tracks(tmp_path)
    assert collection["name"].tolist() == [track.name for track in tracks] == ["a.wv", "mp3.avi"]
    assert collection.notes == (said,)
    assert tracks.notice == said


# Lengths. -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in MADE if name not in (*UNREADABLE, "mp3.avi", "a.flv")])
def test_lengths_of_all_codecs(made, name):
    assert read_tags(made / name).duration == pytest.approx(SECONDS, abs=0.06)


@pytest.mark.parametrize("claimed", [0, 0x7FFF_F000, 0x7FFF_FFFF, 0xFFFF_FFFF])
def test_a_recording_from_a_pipe_is_as_long_as_its_bytes(made, tmp_path, claimed):
    whole = (made / "plain.wav").read_bytes()
    at = whole.index(b"data") + 4
    size = struct.pack("<I", claimed)
    (tmp_path / "x.wav").write_bytes(b"RIFF" + size + whole[8:at] + size + whole[at + 4 :])
    assert read_tags(tmp_path / "x.wav").duration == pytest.approx(SECONDS, abs=1e-3)


def test_frames_without_a_header_are_measured_in_many_places(variable, tmp_path):
    assert read_tags(variable).duration == pytest.approx(120, rel=0.1)
    for name, before in (("junk.mp3", b"junk " * 99), ("zeros.mp3", bytes(5000))):
        (tmp_path / name).write_bytes(before + variable.read_bytes())
        assert read_tags(tmp_path / name).duration == pytest.approx(120, rel=0.1)


def test_a_header_does_not_outlast_its_file(made, tmp_path):
    whole = (made / "a.mp3").read_bytes()
    assert b"Info" in whole
    (tmp_path / "x.mp3").write_bytes(whole[: len(whole) // 3])
    assert read_tags(tmp_path / "x.mp3").duration == pytest.approx(SECONDS / 3, abs=0.1)


def absurd_flac(made):
    head = b"fLaC\x80\0\0\x22" + struct.pack(">HH", 4096, 4096) + bytes(6)
    return head + (44_100 << 44 | 1 << 41 | 15 << 36 | (1 << 36) - 1).to_bytes(8, "big") + bytes(16) + bytes(100)


def absurd_m4a(made):
    whole = (made / "a.m4a").read_bytes()
    for box in (b"mvhd", b"mdhd"):  # version 0: the units of a second, and how many there are
        at = whole.index(box) + 16
        whole = whole[:at] + struct.pack(">II", 1, 0xFFFF_FFFF) + whole[at + 8 :]
    return whole


def timeless_m4a(made):
    whole = (made / "a.m4a").read_bytes()
    for box in (b"mvhd", b"mdhd"):
        at = whole.index(box) + 16
        whole = whole[:at] + bytes(4) + whole[at + 4 :]
    return whole


def endless_ogg(made):
    whole = (made / "a.ogv").read_bytes()
    at = whole.rindex(b"OggS") + 6
    return whole[:at] + b"\xff" * 8 + whole[at + 8 :]


def rateless_wav(made):
    whole = (made / "plain.wav").read_bytes()
    at = whole.index(b"fmt ") + 12
    return whole[:at] + bytes(8) + whole[at + 8 :]


@pytest.mark.parametrize("make", [absurd_flac, absurd_m4a, timeless_m4a, endless_ogg, rateless_wav])
def test_absurd_claims_are_not_believed(made, tmp_path, make):
    path = tmp_path / "x.bin"
    path.write_bytes(make(made))
    tags = read_tags(path)
    assert tags.problem == ""
    assert tags.duration is None or tags.duration <= SECONDS + 0.1


def test_what_decoding_told_stands_in_the_table(made, tmp_path, cache):
    folder = tmp_path / "in"
    folder.mkdir()
    whole = (made / "a.flac").read_bytes()
    (folder / "cut.flac").write_bytes(whole[: len(whole) // 3])
    os.utime(folder / "cut.flac", (1e9, 1e9))  # long enough ago for its digest to be remembered
    collection = Collection.from_folder(folder, cache=cache)
    assert collection["duration"].tolist() == [pytest.approx(SECONDS)]
    assert collection["warning"].tolist() == [""]
    audio = collection.audio(0)
    cache.note_sound(cache.digest(audio), asdict(audio.facts))
    assert "could be decoded" in audio.facts.note
    again = collection.refresh()
    assert again["duration"].tolist() == [audio.facts.seconds]
    assert audio.facts.seconds < SECONDS / 2
    assert again["warning"].tolist() == [audio.facts.note]
    assert "1 track with a warning" in repr(again)
    assert audio.facts.note in again._repr_html_()
    assert audio.facts.note in again.to_csv(tmp_path / "x.csv").read_text()
    given = pd.DataFrame({"path": [str(folder / "cut.flac")], "duration": [99.0]})
    assert Collection.from_table(given, cache=cache)["duration"].tolist() == [audio.facts.seconds]
    [track] = Tracks.of_table(again.table).to_dict()
    assert (track["seconds"], track["warning"]) == (audio.facts.seconds, audio.facts.note)


def test_lists_in_cells_are_several_artists(made, cache):
    paths = [str(made / "a.mp3"), str(made / "a.flac"), str(made / "a.m4a")]
    given = pd.DataFrame({"path": paths, "artist": [["A", "B"], np.array(["C", "D"], object), None]})
    assert Collection.from_table(given, cache=cache)["artist"].tolist() == ["A; B", "C; D", ""]


# Tags. ----------------------------------------------------------------------------------------------------------------


def test_text_chunks_of_wave_files_are_read(made, tmp_path):
    texts = {b"INAM": "Tür\0".encode(), b"IART": "Zoë".encode("cp1252"), b"IPRD": b"Album\0\0", b"IGNR": b"Jazz"}
    info = b"INFO" + b"".join(riff_chunk(*item) for item in (*texts.items(), (b"ICRD", b"1999-05-01"), (b"ISFT", b"x")))
    (tmp_path / "x.wav").write_bytes((made / "plain.wav").read_bytes() + riff_chunk(b"LIST", info))
    assert read_tags(tmp_path / "x.wav")[:5] == ("Tür", "Zoë", "Album", "Jazz", 1999)


def test_text_chunks_of_aiff_files_are_read(made, tmp_path):
    chunks = riff_chunk(b"NAME", "Tür".encode("mac_roman"), ">") + riff_chunk(b"AUTH", "Zoë".encode(), ">")
    (tmp_path / "x.aiff").write_bytes((made / "a.aiff").read_bytes() + chunks)
    assert read_tags(tmp_path / "x.aiff")[:2] == ("Tür", "Zoë")


@pytest.mark.parametrize("size", [0, 1, 7, 0xFFFF_FFFF])
@pytest.mark.parametrize("name", [b"LIST", b"INAM", b"fmt ", b"data"])
def test_chunks_that_lie_end_the_walk(tmp_path, name, size):
    data = b"RIFF\0\0\0\0WAVE" + (name + struct.pack("<I", size)) * 3000
    (tmp_path / "x.wav").write_bytes(data + b"INFOINAM\xff\xff\xff\xff")
    tags = read_tags(tmp_path / "x.wav")
    assert tags.problem == ""
    assert tags.duration is None


@pytest.mark.parametrize(
    ("garbled", "meant"),
    [
        ("TÃ¼r", "Tür"),
        ("Donâ€™t", "Don\u2019t"),
        ("Ð\x9fÑ\x80Ñ\x82", "Прт"),
        ("Zoë", "Zoë"),
        ("Привет", "Привет"),
        ("«CAFÉ»", "«CAFÉ»"),
        ("plain", "plain"),
    ],
)
def test_text_is_mended_where_that_can_be_undone(made, tmp_path, garbled, meant):
    assert mend_encoding(garbled) == meant
    path = shutil.copyfile(made / "a.mp3", tmp_path / "x.mp3")
    frames = mutagen.id3.ID3()
    frames.add(mutagen.id3.TIT2(encoding=3, text=garbled))
    frames.add(mutagen.id3.TPE1(encoding=3, text=["A", garbled]))
    frames.save(path)
    assert read_tags(path)[:2] == (meant, f"A; {meant}")


def test_tags_behind_the_frames_of_an_mp3_are_read(made, tmp_path):
    path = shutil.copyfile(made / "a.mp3", tmp_path / "x.mp3")
    tags = mutagen.apev2.APEv2()
    tags["Title"], tags["Artist"], tags["Year"] = "Tür", ["A", "B"], "1999"
    tags["Genre"] = mutagen.apev2.APEValue(b"\xff\0", 1)
    tags.save(path)
    assert read_tags(path)[:5] == ("Tür", "A; B", "", "", 1999)


def test_atoms_of_wrong_types_hurt_no_others(made, tmp_path):
    path = shutil.copyfile(made / "a.m4a", tmp_path / "x.m4a")
    file = mutagen.mp4.MP4(path)
    file["\xa9nam"], file["\xa9ART"], file["\xa9alb"] = "Tür", "Zoë", "Omega"
    file.save()
    data = bytearray(path.read_bytes())
    for atom, kind in ((b"\xa9ART", 21), (b"\xa9alb", 13)):  # an integer, a picture
        at = data.index(atom) + 12
        data[at : at + 4] = struct.pack(">I", kind)
    path.write_bytes(data)
    assert read_tags(path).title == "Tür"
