"""Streams that change, are cut short, or have a codec that is not known: all of the sound, or one sentence."""

import subprocess

import numpy as np
import pytest
import soundfile

from embviz import Audio
from embviz.audio import sniff
from embviz.audio.sniff import inspect_file
from embviz.errors import AudioError, UndecodableError
from embviz.widgets.browser_audio import media_type

SECONDS = 2


def ffmpeg(path, *options, rate=44_100, channels=2, pitch=440):
    sine = f"sine={pitch}:d={SECONDS}:r={rate}"
    command = ["ffmpeg", "-loglevel", "error", "-y", "-f", "lavfi", "-i", sine, "-ac", str(channels), *options, path]
    subprocess.run(command, check=True)
    return path.read_bytes()


@pytest.fixture(scope="module")
def streams(tmp_path_factory):
    """The bytes of streams of several formats, by their names."""
    folder = tmp_path_factory.mktemp("streams")
    made = {
        "stereo.mp3": ffmpeg(folder / "a.mp3", "-write_id3v1", "1", "-metadata", "title=A"),
        "mono.mp3": ffmpeg(folder / "b.mp3", channels=1, pitch=660),
        "mono without id3v2.mp3": ffmpeg(folder / "b.mp3", "-id3v2_version", "0", channels=1, pitch=660),
        "half.mp3": ffmpeg(folder / "c.mp3", rate=22_050, pitch=660),
        "layer.mp3": ffmpeg(folder / "d.mp2"),
    }
    for suffix in ("flac", "ogg"):
        codec = [] if suffix == "flac" else ["-c:a", "libvorbis"]
        made[f"stereo.{suffix}"] = ffmpeg(folder / f"a.{suffix}", *codec)
        made[f"other.{suffix}"] = ffmpeg(folder / f"b.{suffix}", *codec, rate=16_000, channels=1, pitch=660)
    made["stereo.aac"] = ffmpeg(folder / "a.aac")
    made["other.aac"] = ffmpeg(folder / "b.aac", rate=22_050, channels=1, pitch=660)
    made["stereo.opus"] = ffmpeg(folder / "a.opus", rate=48_000)
    made["other.opus"] = ffmpeg(folder / "b.opus", rate=48_000, channels=1, pitch=660)
    return made


def flac_frames(data):
    """Return the frames of a stream of FLAC, and what stands before them."""
    at, last = 4, False
    while not last:
        last, at = bool(data[at] & 0x80), at + 4 + int.from_bytes(data[at + 1 : at + 4], "big")
    return data[at:], data[:at]


CHAINS = {
    "id3v2 between.mp3": (["stereo.mp3", "mono.mp3"], "44.1 kHz stereo to 44.1 kHz mono"),
    "id3v1 between.mp3": (["stereo.mp3", "mono without id3v2.mp3"], "44.1 kHz stereo to 44.1 kHz mono"),
    "rate.mp3": (["stereo.mp3", "half.mp3"], "44.1 kHz stereo to 22.05 kHz stereo"),
    "layer.mp3": (["stereo.mp3", "layer.mp3"], "MPEG layer 3 to layer 2"),
    "chain.aac": (["stereo.aac", "other.aac"], "44.1 kHz stereo to 22.05 kHz mono"),
    "chain.flac": (["stereo.flac", "other.flac"], "44.1 kHz stereo to 16 kHz mono"),
    "chain.ogg": (["stereo.ogg", "other.ogg"], "44.1 kHz stereo to 16 kHz mono"),
    "chain.opus": (["stereo.opus", "other.opus"], "48 kHz stereo to 48 kHz mono"),
}


def dominant(samples, rate):
    """Return the strongest frequency in Hz."""
    return np.argmax(np.abs(np.fft.rfft(samples * np.hanning(len(samples))))) * rate / len(samples)


@pytest.mark.parametrize("name", CHAINS)
def test_streams_of_two_formats_give_all_of_the_sound_and_a_note(streams, tmp_path, name):
    parts, change = CHAINS[name]
    (tmp_path / name).write_bytes(b"".join(streams[part] for part in parts))
    audio = Audio.open(tmp_path / name)
    assert audio.facts.note == f"the stream changes from {change} at {SECONDS:.1f} s"
    assert audio.duration == pytest.approx(2 * SECONDS, abs=0.2)
    (tmp_path / f"first {name}").write_bytes(streams[parts[0]])
    first, rate = Audio.open(tmp_path / f"first {name}").stereo(audio.sample_rate), audio.sample_rate
    assert audio.channels == 2
    assert media_type(tmp_path / name) == ""  # browsers play the first stream
    assert np.array_equal(audio.stereo(rate)[: len(first)], first)
    pitch = 440 if name == "layer.mp3" else 660
    assert dominant(audio.mono(rate)[-rate:], rate) == pytest.approx(pitch, abs=2)


def test_flac_that_changes_inside(streams, tmp_path):
    (tmp_path / "a.flac").write_bytes(streams["stereo.flac"] + flac_frames(streams["other.flac"])[0])
    audio = Audio.open(tmp_path / "a.flac")
    assert audio.facts.note == f"the stream changes from 44.1 kHz stereo to 16 kHz mono at {SECONDS:.1f} s"
    assert audio.duration == pytest.approx(2 * SECONDS, abs=0.001)
    assert dominant(audio.mono(44_100)[-44_100:], 44_100) == pytest.approx(660, abs=1)


def test_flac_whose_largest_block_is_claimed_too_small(streams, tmp_path):
    whole = streams["stereo.flac"]
    (tmp_path / "right.flac").write_bytes(whole)
    (tmp_path / "wrong.flac").write_bytes(whole[:8] + (192).to_bytes(2, "big") + (1152).to_bytes(2, "big") + whole[12:])
    right, wrong = (Audio.open(tmp_path / f"{name}.flac") for name in ("right", "wrong"))
    assert np.array_equal(right.stereo(44_100), wrong.stereo(44_100))
    assert (right.facts.digest, right.facts.note) == (wrong.facts.digest, wrong.facts.note)
    assert (right.facts.decoder, wrong.facts.decoder) == ("essentia", "libsndfile")


def test_flac_of_the_largest_blocks_is_read_by_the_other_decoder(streams, tmp_path):
    ffmpeg(tmp_path / "a.flac", "-frame_size", "65535")
    (tmp_path / "b.flac").write_bytes(streams["stereo.flac"])
    large, usual = (Audio.open(tmp_path / name).facts for name in ("a.flac", "b.flac"))
    assert (large.decoder, large.digest, large.note) == ("libsndfile", usual.digest, "")


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_flac_without_a_stated_length(tmp_path, channels):
    noise = np.random.default_rng(3).integers(-9000, 9000, (30_000, channels)).astype(np.int16)
    soundfile.write(tmp_path / "a.flac", noise, 44_100)
    data = bytearray((tmp_path / "a.flac").read_bytes())
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    (tmp_path / "b.flac").write_bytes(data)
    audio = Audio.open(tmp_path / "b.flac")
    assert (audio.channels, audio.facts.claimed, audio.facts.note) == (channels, None, "")
    assert np.array_equal(audio._decoded(), noise / np.float32(32_768))


@pytest.mark.parametrize("name", ["stereo.ogg", "stereo.flac", "stereo.opus", "stereo.mp3"])
def test_chains_of_one_format_are_whole(streams, tmp_path, name):
    (tmp_path / name).write_bytes(streams[name] * 3)
    audio = Audio.open(tmp_path / name)
    assert audio.facts.note == ""
    assert audio.duration == pytest.approx(3 * SECONDS, abs=0.2)


@pytest.mark.parametrize("suffix", ["mp3", "ogg", "flac", "wav", "m4a", "aiff"])
def test_a_whole_file_has_no_note_and_a_cut_one_tells(tmp_path, suffix):
    data = ffmpeg(tmp_path / f"whole.{suffix}", *(["-c:a", "libvorbis"] if suffix == "ogg" else []))
    whole = Audio.open(tmp_path / f"whole.{suffix}")
    assert whole.facts.note == ""
    assert whole.facts.seconds == pytest.approx(SECONDS, abs=0.1)
    assert whole.facts.claimed == pytest.approx(SECONDS, abs=0.1)
    if suffix in ("ogg", "m4a"):  # what they claim stands at their end
        return
    (tmp_path / f"cut.{suffix}").write_bytes(data[: len(data) // 2])
    cut = Audio.open(tmp_path / f"cut.{suffix}")
    assert cut.facts.note == f"{cut.duration:.1f} of 2.0 s could be decoded"
    assert cut.duration < 1.2


def test_adpcm_in_aiff_is_read_by_the_decoder_that_knows_it(tmp_path):
    ffmpeg(tmp_path / "a.aiff", "-c:a", "adpcm_ima_qt", "-f", "aiff")
    audio = Audio.open(tmp_path / "a.aiff")
    assert audio.duration == pytest.approx(SECONDS, abs=0.01)
    assert audio.facts.decoder == "libsndfile"
    assert dominant(audio.mono(44_100), 44_100) == pytest.approx(440, abs=1)


def with_object(data, kind=0x40, config=b"\x12\x10"):
    """Return an m4a whose sample description names another codec."""
    at = data.index(b"\x04\x80\x80\x80", data.index(b"esds"))
    changed = bytearray(data)
    changed[at + 5] = kind
    at = data.index(b"\x05\x80\x80\x80", at) + 5
    changed[at : at + len(config)] = config
    return bytes(changed)


UNKNOWN = {
    "usac": ({"config": b"\xf9\x42\x10"}, r"USAC \(xHE-AAC\)"),
    "ssr": ({"config": b"\x1a\x10"}, "AAC SSR"),
    "21": ({"kind": 0x21}, "MP4 object 0x21"),
    "a9": ({"kind": 0xA9}, "DTS"),
    "dd": ({"kind": 0xDD}, "Vorbis in MP4"),
    "e1": ({"kind": 0xE1}, "QCELP"),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_codec_that_is_not_known_is_named(tmp_path, name):
    changes, codec = UNKNOWN[name]
    (tmp_path / "a.m4a").write_bytes(with_object(ffmpeg(tmp_path / "a.m4a"), **changes))
    for _ in range(2):
        with pytest.raises(UndecodableError, match=rf"^'a.m4a' cannot be decoded: its codec is {codec}, not known"):
            Audio.open(tmp_path / "a.m4a").mono(16_000)


@pytest.mark.parametrize("suffix", ["m4a", "aac"])
def test_more_than_two_channels_of_aac_are_refused_for_what_they_are(tmp_path, suffix):
    ffmpeg(tmp_path / f"a.{suffix}", channels=6)
    with pytest.raises(UndecodableError, match="it has 6 channels, and only one or two are known here of its codec"):
        Audio.open(tmp_path / f"a.{suffix}").mono(16_000)


def test_two_tags_and_junk_in_a_stream_are_passed(streams, tmp_path):
    path, one = tmp_path / "a.mp3", streams["mono.mp3"]
    path.write_bytes(one + b"TAG" + bytes(125) + b"APETAGEX" + bytes(24) + one)
    assert inspect_file(path).verdict == "sound"
    path.write_bytes(one + b"\xff\xfb\xff junk" * 100 + one)
    assert inspect_file(path).verdict == "doubtful"
    seen = inspect_file(path)
    assert len(seen.stretches) == 1
    assert seen.claimed == pytest.approx(2 * SECONDS, abs=0.2)


def test_what_cannot_be_decoded_is_found_out_once(tmp_path, monkeypatch):
    (tmp_path / "a.wav").write_bytes(b"RIFF" + bytes(5000))
    for _ in range(2):
        with pytest.raises(AudioError, match="cannot be decoded"):
            Audio.open(tmp_path / "a.wav").mono(16_000)
        monkeypatch.setattr("embviz.audio.decode.pool", None)


@pytest.mark.parametrize("name", ["a.mka", "a.wma"])
def test_the_length_that_other_containers_claim_is_read(name, tmp_path):
    data = ffmpeg(tmp_path / name, "-metadata", "title=" + "x" * 300)
    assert inspect_file(tmp_path / name).claimed == pytest.approx(SECONDS, abs=0.1)
    cut = tmp_path / f"cut {name}"
    cut.write_bytes(data[: len(data) // 2])
    assert Audio.open(cut).facts.note.endswith("s could be decoded")
    for size in range(0, 1200, 13):  # wherever it ends, it is no more than a file that claims nothing
        cut.write_bytes(data[: size + 16])
        inspect_file(cut)


@pytest.mark.parametrize("name", ["stereo.ogg", "stereo.opus", "stereo.flac", "stereo.mp3", "stereo.aac"])
def test_headers_may_end_or_lie_anywhere(streams, tmp_path, name):
    data = streams[name][:8000]
    for at in range(64):
        (tmp_path / "cut").write_bytes(data[: at + 1])
        (tmp_path / "changed").write_bytes(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
        for path in (tmp_path / "cut", tmp_path / "changed"):
            assert inspect_file(path).verdict in ("sound", "doubtful", "foreign")


def test_a_header_that_cannot_be_followed_leaves_the_file_to_the_decoders(tmp_path, monkeypatch):
    ffmpeg(tmp_path / "a.wav")

    def lost(_):
        raise IndexError

    monkeypatch.setattr(sniff, "_inspect_wave", lost)
    assert inspect_file(tmp_path / "a.wav").verdict == "foreign"
    assert Audio.open(tmp_path / "a.wav").duration == pytest.approx(SECONDS, abs=0.01)


def test_tags_behind_tags_come_to_an_end(tmp_path):
    (tmp_path / "tags.mp3").write_bytes(b"ID3\x03" + bytes(6) + (b"ID3\x03" + bytes(6)) * 100_000)
    with (tmp_path / "tags.mp3").open("rb") as file:
        assert sniff.skip_tags(sniff.FileBytes(file)) == 1000
