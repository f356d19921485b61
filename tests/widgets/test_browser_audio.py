"""Sound for a browser: outlines, what is remembered, what is served, what browsers can play."""

import io
import json
import os
import shutil
import subprocess

import numpy as np
import pytest
import soundfile

from embviz.audio import Audio
from embviz.audio import audio as audio_module
from embviz.errors import AudioError, OptionError
from embviz.widgets import browser_audio
from embviz.widgets.browser_audio import encode, media_type, peaks, playable, served, start_offset, summary

RATE = 22_050


def tone(seconds=1.0, rate=RATE, channels=1, gain=0.5):
    t = np.arange(round(seconds * rate)) / rate
    sides = [gain * np.sin(2 * np.pi * 220 * (i + 1) * t) for i in range(channels)]
    return np.stack(sides, axis=1).astype(np.float32)


@pytest.fixture
def wav(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(3.0), RATE)
    return path


# Peaks. --------------------------------------------------------------------------------------------------------------


def test_peaks_are_the_extremes_of_equal_stretches():
    samples = np.zeros(1000, np.float32)
    samples[250], samples[999] = 0.5, -1.0
    outline = peaks(Audio.open((samples, 1000)), 4)
    assert outline.dtype == np.int8
    assert outline.tolist() == [[0, 0], [0, 64], [0, 0], [-127, 0]]


def test_one_peak_for_ten_milliseconds_but_never_too_many(monkeypatch):
    assert peaks(Audio.open((tone(2.0), RATE))).shape == (200, 2)
    monkeypatch.setattr(browser_audio, "MOST_PEAKS", 50)
    assert peaks(Audio.open((tone(2.0), RATE))).shape == (50, 2)


def test_fewer_samples_than_stretches():
    assert peaks(Audio.open((np.full(3, 0.1, np.float32), 8000)), 100).shape == (3, 2)
    assert peaks(Audio.open((np.full(1, 0.1, np.float32), 8000))).shape == (1, 2)


def test_only_silence_is_zero():
    assert not peaks(Audio.open((np.zeros(4000, np.float32), 8000))).any()
    assert not peaks(Audio.open((np.full(4000, 1e-6, np.float32), 8000))).any()
    assert peaks(Audio.open((np.full(4000, 1e-4, np.float32), 8000)))[:, 1].min() == 1


def test_loud_sound_is_clipped_and_channels_are_mixed():
    both = np.stack([np.full(800, 3.0), np.full(800, -3.0)], axis=1).astype(np.float32)
    assert not peaks(Audio.open((both, 8000))).any()
    assert peaks(Audio.open((both[:, 0], 8000))).tolist()[0] == [127, 127]


@pytest.mark.parametrize("n", [0, -1, 70_000])
def test_wrong_number_of_peaks(n):
    with pytest.raises(OptionError, match="from 1 to 65536"):
        peaks(Audio.open((tone(), RATE)), n)


# What is remembered. -------------------------------------------------------------------------------------------------


def forbid_decoding(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("decoded again")

    monkeypatch.setattr(audio_module, "decode", refuse)
    monkeypatch.setattr(audio_module, "decode_mix", refuse)


def test_a_summary_is_made_once(wav, tmp_path, monkeypatch):
    first = summary(wav, folder=tmp_path / "cache")
    assert first.duration == 3.0
    assert first.peaks.shape == (300, 2)
    forbid_decoding(monkeypatch)
    again = summary(wav, folder=tmp_path / "cache")
    assert again.duration == 3.0
    assert np.array_equal(again.peaks, first.peaks)
    assert again.peaks.dtype == np.int8


def test_a_warm_summary_does_not_hash_the_file_again(wav, tmp_path, monkeypatch):
    os.utime(wav, (1_600_000_000, 1_600_000_000))
    summary(wav, folder=tmp_path / "cache")
    forbid_decoding(monkeypatch)
    monkeypatch.setattr("embviz.core.cache.file_digest", lambda _: pytest.fail("hashed again"))
    assert summary(wav, folder=tmp_path / "cache").duration == 3.0


def test_another_sound_under_the_same_name_is_seen(wav, tmp_path):
    summary(wav, folder=tmp_path / "cache")
    soundfile.write(wav, tone(2.0), RATE)
    assert summary(wav, folder=tmp_path / "cache").duration == 2.0


def test_a_sound_that_is_replaced_meanwhile_is_not_kept_under_the_other_s_name(wav, tmp_path, monkeypatch):
    before, stamp = wav.read_bytes(), (1_600_000_000, 1_600_000_000)
    os.utime(wav, stamp)

    def replaced(audio, _n=None):
        soundfile.write(wav, tone(2.0), RATE)
        return np.zeros((200, 2), np.int8)

    with monkeypatch.context() as patch:
        patch.setattr("embviz.widgets.browser_audio.peaks", replaced)
        summary(wav, folder=tmp_path / "cache")
    wav.write_bytes(before)
    os.utime(wav, stamp)
    assert summary(wav, folder=tmp_path / "cache").duration == 3.0


def test_the_default_folder_is_the_users(wav, tmp_path, monkeypatch):
    monkeypatch.setenv("EMBVIZ_HOME", str(tmp_path / "home"))
    summary(wav)
    assert len(list((tmp_path / "home/cache/sounds").rglob("*.peaks"))) == 1


def test_a_damaged_entry_is_made_again(wav, tmp_path):
    first = summary(wav, folder=tmp_path / "cache")
    entry = next((tmp_path / "cache/sounds").rglob("*.peaks"))
    for damage in (b"", b"nonsense" * 100, entry.read_bytes()[:-3]):
        entry.write_bytes(damage)
        assert np.array_equal(summary(wav, folder=tmp_path / "cache").peaks, first.peaks)


def test_a_folder_that_cannot_be_written_to_costs_nothing_else(wav, tmp_path):
    (tmp_path / "file").write_text("no folder")
    assert summary(wav, folder=tmp_path / "file").duration == 3.0
    assert playable(wav, folder=tmp_path / "file").transcode()[0].startswith(b"OggS")


def test_a_full_disk_costs_nothing_else(wav, tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(browser_audio.core_io, "write_arrays", full)
    assert summary(wav, folder=tmp_path / "cache").duration == 3.0
    assert playable(wav, folder=tmp_path / "cache").transcode()[0].startswith(b"OggS")


def test_samples_are_remembered_too(tmp_path):
    found = summary((tone(1.0), RATE), folder=tmp_path)
    assert found.duration == 1.0
    assert len(list(tmp_path.rglob("*.peaks"))) == 1


def test_no_sound_is_a_sentence(tmp_path):
    with pytest.raises(AudioError, match="There is no file"):
        summary(tmp_path / "none.ogg")
    (tmp_path / "a.ogg").write_bytes(b"")
    with pytest.raises(AudioError, match="is empty"):
        summary(tmp_path / "a.ogg", folder=tmp_path / "cache")


# Bytes for a browser. ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize("rate", [4000, 8000, 44_100, 96_000])
def test_encoded_sound_lasts_as_long(rate, channels):
    data, mime = encode(tone(2.0, rate, channels), rate)
    samples, decoded = soundfile.read(io.BytesIO(data), always_2d=True)
    assert mime == "audio/ogg"
    assert decoded == min(max(rate, 8000), 48_000)
    assert samples.shape[1] == min(channels, 2) if channels <= 2 else samples.shape[1] == 1
    assert len(samples) / decoded == pytest.approx(2.0, abs=0.01)


def test_encoded_sound_is_the_same_at_the_same_time():
    rng = np.random.default_rng(1)
    samples = (0.2 * np.cumsum(rng.standard_normal((3 * RATE, 2)), axis=0) / 100).astype(np.float32)
    decoded, _ = soundfile.read(io.BytesIO(encode(samples, RATE)[0]))
    assert np.corrcoef(samples[:, 0], decoded[: len(samples), 0])[0, 1] > 0.99


def test_quality_is_size():
    noise = (0.1 * np.random.default_rng(1).standard_normal((10 * RATE, 2))).astype(np.float32)
    sizes = [len(encode(noise, RATE, quality=quality)[0]) for quality in (0.0, 0.4, 1.0)]
    assert sizes == sorted(sizes)
    assert sizes[2] > 2 * sizes[0]
    with pytest.raises(OptionError, match="quality is a number from 0"):
        encode(noise, RATE, quality=5)


def test_what_is_not_sound_is_not_encoded():
    with pytest.raises(AudioError, match="floats between -1 and 1"):
        encode(np.zeros(100, np.int16), RATE)


def test_long_sound_is_encoded_in_pieces():
    # libvorbis puts what it is given at once on the stack.
    data, _ = encode(np.zeros(120 * 44_100, np.float32), 44_100)
    assert soundfile.info(io.BytesIO(data)).frames == 120 * 44_100


def test_bytes_of_the_file_itself(wav, tmp_path):
    sound = playable(wav, folder=tmp_path)
    assert sound.read() == (wav.read_bytes(), "audio/wav")
    assert sound.known
    assert sound.size == wav.stat().st_size
    wav.unlink()
    with pytest.raises(AudioError, match=r"'a.wav' cannot be read: No such file"):
        sound.read()


def test_samples_are_encoded(tmp_path):
    data, mime = playable((tone(1.0), RATE), folder=tmp_path).read()
    assert mime == "audio/ogg"
    assert data.startswith(b"OggS")


def test_transcoding_is_done_once(wav, tmp_path, monkeypatch):
    first = playable(wav, folder=tmp_path / "cache").transcode()
    forbid_decoding(monkeypatch)
    assert playable(wav, folder=tmp_path / "cache").transcode() == first


def test_room_is_made_for_encoded_sound(tmp_path, monkeypatch):
    for i in range(3):
        sound = (tone(1.0, gain=0.1 * (i + 1)), RATE)
        playable(sound, folder=tmp_path).transcode()
        newest = max(tmp_path.rglob("*.ogg"), key=lambda path: path.stat().st_mtime_ns)
        os.utime(newest, (1_000_000 + i, 1_000_000 + i))
    kept = sorted(tmp_path.rglob("*.ogg"), key=lambda path: path.stat().st_mtime)
    monkeypatch.setattr(browser_audio, "MOST_BYTES", sum(path.stat().st_size for path in kept[1:]) + 10)
    browser_audio._make_room(tmp_path / "sounds")
    assert sorted(tmp_path.rglob("*.ogg"), key=lambda path: path.stat().st_mtime) == kept[1:]


# What browsers know. -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "options", "mime"),
    [
        ("wav", {}, "audio/wav"),
        ("wav", {"subtype": "FLOAT"}, "audio/wav"),
        ("wav", {"subtype": "PCM_24"}, "audio/wav"),
        ("wav", {"subtype": "PCM_24", "format": "WAVEX"}, "audio/wav"),
        ("wav", {"subtype": "DOUBLE"}, ""),
        ("wav", {"subtype": "MS_ADPCM"}, ""),
        ("aiff", {}, ""),
        ("flac", {}, "audio/flac"),
        ("ogg", {}, "audio/ogg"),
        ("ogg", {"subtype": "OPUS"}, "audio/ogg"),
        ("caf", {}, ""),
    ],
)
def test_known_by_its_bytes(tmp_path, suffix, options, mime):
    rate = 48_000 if options.get("subtype") == "OPUS" else RATE
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, tone(rate=rate), rate, **options)
    nameless = path.rename(tmp_path / "track")
    assert media_type(nameless) == mime


@pytest.mark.parametrize(
    ("name", "options", "mime"),
    [
        ("a.m4a", ["-c:a", "aac"], "audio/mp4"),
        ("alac.m4a", ["-c:a", "alac"], ""),
        ("cbr.mp3", ["-b:a", "128k"], "audio/mpeg"),
        ("bare.mp3", ["-b:a", "128k", "-write_xing", "0", "-id3v2_version", "0"], "audio/mpeg"),
        ("44100.mp3", ["-ar", "44100", "-b:a", "128k"], "audio/mpeg"),
        # Browsers seek in these by rule of three: by seconds beside the place.
        ("vbr.mp3", ["-q:a", "4"], ""),
        ("bare_vbr.mp3", ["-q:a", "4", "-write_xing", "0"], ""),
        ("a.aac", ["-c:a", "aac"], ""),
        ("a.mp2", [], ""),
    ],
)
def test_compressed_streams(wav, tmp_path, name, options, mime):
    if not shutil.which("ffmpeg"):
        pytest.fail("ffmpeg is needed to make compressed files for this test")
    noise = np.concatenate([tone(1.0), 0.3 * np.random.default_rng(1).standard_normal((2 * RATE, 1))])
    soundfile.write(wav, noise, RATE)
    subprocess.run(["ffmpeg", "-loglevel", "error", "-i", wav, *options, tmp_path / name], check=True)
    assert media_type(tmp_path / name) == mime


# Where a browser begins. ---------------------------------------------------------------------------------------------


def click(path, rate, at=0.5):
    """Write a second of silence with a click in it."""
    samples = np.zeros(rate, np.float32)
    samples[round(at * rate) :][: rate // 500] = np.linspace(0.9, 0, rate // 500)
    soundfile.write(path, samples, rate)


@pytest.mark.parametrize(
    ("name", "rate", "options", "offset"),
    [
        ("a.m4a", 44_100, ["-c:a", "aac"], 1024 / 44_100),
        ("a.m4a", 22_050, ["-c:a", "aac", "-movflags", "+faststart"], 1024 / 22_050),
        ("a.m4a", 8000, ["-c:a", "aac"], 1024 / 8000),
        ("no list.m4a", 44_100, ["-c:a", "aac", "-use_editlist", "0"], 1024 / 44_100),
        ("late.m4a", 44_100, ["-c:a", "aac", "-movflags", "frag_keyframe+empty_moov"], 1024 / 44_100),
        ("a.mp3", 44_100, ["-b:a", "192k"], 0),
        ("a.ogg", 44_100, ["-c:a", "libvorbis"], 0),
        ("a.flac", 44_100, [], 0),
        ("a.wav", 44_100, [], 0),
    ],
)
def test_a_browser_begins_where_an_edit_list_says(tmp_path, name, rate, options, offset):
    click(tmp_path / "click.wav", rate)
    subprocess.run(
        ["ffmpeg", "-loglevel", "error", "-i", tmp_path / "click.wav", *options, tmp_path / name], check=True
    )
    samples = Audio.open(tmp_path / name).mono(rate)
    late = np.argmax(np.abs(samples) > 0.3) / rate - 0.5  # what the numbers of the track have before it
    assert late == pytest.approx(offset, abs=1e-3)
    heard = 0 if name.startswith(("no list", "late")) else offset  # without a list, browsers play it all
    assert playable(tmp_path / name).offset == start_offset(tmp_path / name) == pytest.approx(heard, abs=1e-9)


def box(name, content):
    return (8 + len(content)).to_bytes(4, "big") + name + content


def movie(*edits, handler=b"soun", note=b"", wide=False):
    """Make the frame of an MP4 file: milliseconds for the movie, 44.1 kHz for the sound."""
    size = 8 if wide else 4
    head = bytes([wide, 0, 0, 0]) + bytes(16 if wide else 8)
    entries = b"".join(
        length.to_bytes(size, "big") + at.to_bytes(size, "big", signed=True) + b"\0\1\0\0" for length, at in edits
    )
    table = box(b"elst", bytes([wide, 0, 0, 0]) + len(edits).to_bytes(4, "big") + entries)
    media = box(b"mdhd", head + (44_100).to_bytes(4, "big") + bytes(8)) + box(b"hdlr", bytes(8) + handler + bytes(12))
    track = box(b"trak", box(b"edts", table) + box(b"mdia", media))
    return box(b"ftyp", b"M4A ") + box(b"moov", box(b"mvhd", head + (1000).to_bytes(4, "big")) + track + note)


ITUNES = b"com.apple.iTunes\0\0\0\x10name\0\0\0\0iTunSMPB\0\0\0\x80data\0\0\0\1\0\0\0\0 00000000 %08X 000002EC "


@pytest.mark.parametrize(
    ("data", "offset", "known"),
    [
        (movie((3000, 2112)), 2112 / 44_100, True),
        (movie((3000, 2112), wide=True), 2112 / 44_100, True),
        (movie((500, -1), (3000, 441)), 0.01 - 0.5, True),
        (movie((3000, 2112), note=box(b"udta", ITUNES % 2112)), 0, True),  # Essentia follows that, too
        (movie((3000, 2112), handler=b"vide"), 0, True),
        (movie((1000, 0), (1000, 88_200)), 0, False),
        (movie((3000, 2112))[:-60], 0, True),
        (box(b"ftyp", b"M4A ") + b"\0\0\0\0moov", 0, True),
        (box(b"ftyp", b"M4A ") + b"\0\0\0\3moov" + bytes(99), 0, True),
    ],
    ids=["AAC", "64 bits", "silence", "iTunes", "film", "two edits", "cut off", "to the end", "no length"],
)
def test_edit_lists(tmp_path, data, offset, known):
    path = tmp_path / "a.m4a"
    path.write_bytes(data + box(b"free", b"stsd" + bytes(7) + b"\1" + bytes(4) + b"mp4a"))
    assert start_offset(path) == pytest.approx(offset, abs=1e-9)
    # What is cut and put together is encoded anew: then it sounds as it was analysed.
    assert media_type(path) == ("audio/mp4" if known else "")


def test_streams_one_behind_the_other_are_not_known(tmp_path):
    data, _ = encode(tone(), RATE)
    (tmp_path / "a.ogg").write_bytes(data + encode(tone(gain=0.1), RATE)[0])
    assert not media_type(tmp_path / "a.ogg")


@pytest.mark.parametrize(
    "data", [b"", b"RIFF", b"text", b"\xff\xff", b"ID3", b"OggS", bytes(1000), b"RIFF0000WAVEfmt "]
)
def test_rubbish_is_not_known(tmp_path, data):
    (tmp_path / "a.mp3").write_bytes(data)
    assert not media_type(tmp_path / "a.mp3")


def test_neither_a_folder_nor_nothing_is_known(tmp_path):
    assert not media_type(tmp_path)
    assert not media_type(tmp_path / "none")


# What the Jupyter server serves. -------------------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Root of a server that has left its note."""
    root, notes = tmp_path / "root", tmp_path / "notes"
    (root / "music").mkdir(parents=True)
    notes.mkdir()
    (notes / "jpserver-4242.json").write_text(json.dumps({"root_dir": str(root), "pid": 4242}))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(notes))
    monkeypatch.setenv("JPY_PARENT_PID", "4242")
    return root


def made(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def test_a_path_below_the_root(server, monkeypatch):
    track = made(server / "music" / "50% ü #1.ogg")
    assert served(track) == "music/50% ü #1.ogg"
    monkeypatch.chdir(server / "music")
    assert served(track.name) == "music/50% ü #1.ogg"
    assert served(server / "music" / ".." / "music" / track.name) == "music/50% ü #1.ogg"


def test_nothing_hidden_and_nothing_outside(server, tmp_path):
    assert served(made(server / ".hidden" / "a.ogg")) == ""
    assert served(made(server / "music" / ".a.ogg")) == ""
    assert served(made(tmp_path / "a.ogg")) == ""
    assert served(made(tmp_path / "root2" / "a.ogg")) == ""
    assert served(server / "none.ogg") == ""


def test_links(server, tmp_path):
    outside = made(tmp_path / "elsewhere" / "a.ogg")
    (server / "linked").symlink_to(outside.parent)
    assert served(server / "linked" / "a.ogg") == "linked/a.ogg"
    assert served(outside) == ""
    made(server / "music" / "b.ogg")
    (tmp_path / "way").symlink_to(server / "music")
    assert served(tmp_path / "way" / "b.ogg") == "music/b.ogg"
    # "linked/.." is the folder above elsewhere, not the root.
    made(tmp_path / "c.ogg")
    made(server / "c.ogg").write_bytes(b"another")
    assert served(server / "linked" / ".." / "c.ogg") == ""


def test_a_name_that_is_not_unicode_has_no_address(server):
    track = os.fsdecode(os.fsencode(server) + b"/music/\xff.ogg")
    with open(track, "wb"):  # noqa: PTH123
        pass
    assert served(track) == ""


@pytest.mark.parametrize("note", ["", "{", "[]", '{"root_dir": null}', '{"root_dir": 3}', "{}"])
def test_a_damaged_note_is_no_server(server, tmp_path, note):
    track = made(server / "a.ogg")
    (tmp_path / "notes" / "jpserver-4242.json").write_text(note)
    assert served(track) == ""


def test_no_server(server, monkeypatch):
    track = made(server / "a.ogg")
    for process in ("", "../4242", "999999"):
        monkeypatch.setenv("JPY_PARENT_PID", process)
        assert served(track) == ""
    monkeypatch.delenv("JPY_PARENT_PID")
    assert served(track) == ""


def test_what_browsers_do_not_know_has_no_address(server, tmp_path):
    soundfile.write(server / "a.aiff", tone(), RATE)
    soundfile.write(server / "a.flac", tone(), RATE)
    assert playable(server / "a.aiff", folder=tmp_path).url == ""
    assert playable(server / "a.flac", folder=tmp_path).url == "a.flac"
