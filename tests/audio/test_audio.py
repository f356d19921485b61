"""Decoding, mixing down and resampling: Essentia's own samples; one sentence for what is not sound."""

import hashlib
import os
import shutil
import struct
import subprocess
import sys
import warnings

import numpy as np
import pytest
import soundfile

from embviz import Audio
from embviz.audio import audio as audio_module
from embviz.audio import decode as decode_module
from embviz.audio.sniff import inspect_file
from embviz.core import essentia
from embviz.errors import AudioError, OptionError

RATE = 44_100


def tone(seconds=3.0, rate=RATE, channels=2):
    """A chord with a different mix in each channel, and some noise that shows any reordering of samples."""
    t = np.arange(int(seconds * rate)) / rate
    rng = np.random.default_rng(5)
    voices = [
        0.2 * np.sin(2 * np.pi * f * t) + 0.02 * rng.standard_normal(len(t)) for f in (220, 330, 550, 880, 1320, 60)
    ]
    return np.stack(voices[:channels], axis=1).astype(np.float32)


@pytest.fixture(scope="session")
def sounds(tmp_path_factory):
    """One sound in every format that libsndfile writes; m4a and aac come from a fixture of their own."""
    folder = tmp_path_factory.mktemp("sounds")
    formats = {
        "wav": {}, "flac": {}, "ogg": {"format": "OGG", "subtype": "VORBIS"}, "mp3": {}, "aiff": {},
        "opus": {"format": "OGG", "subtype": "OPUS"}, "float.wav": {"subtype": "FLOAT"},
        "24.wav": {"subtype": "PCM_24"},
    }  # fmt: skip
    for suffix, options in formats.items():
        rate = 48_000 if suffix == "opus" else RATE
        soundfile.write(folder / f"stereo.{suffix}", tone(rate=rate), rate, **options)
        soundfile.write(folder / f"mono.{suffix}", tone(rate=rate, channels=1), rate, **options)
    for rate in (8000, 192_000):
        soundfile.write(folder / f"{rate}.wav", tone(rate=rate), rate)
    soundfile.write(folder / "six.wav", tone(channels=6), RATE)
    soundfile.write(folder / "six.flac", tone(channels=6), RATE)
    return folder


def loaded(path, rate, quality):
    return essentia.standard().MonoLoader(filename=str(path), sampleRate=rate, resampleQuality=quality)()


ESSENTIA_READS = [
    f"{c}.{s}" for c in ("stereo", "mono") for s in ("wav", "flac", "ogg", "mp3", "aiff", "float.wav", "24.wav")
]


@pytest.mark.parametrize("name", [*ESSENTIA_READS, "8000.wav", "192000.wav"])
@pytest.mark.parametrize("rate", [11_025, 16_000, 44_100, 48_000])
def test_samples_are_those_of_the_mono_loader(sounds, name, rate):
    path = sounds / name
    audio = Audio.open(path)
    for quality in (1, 4):
        expected = loaded(path, rate, quality)
        assert np.array_equal(audio.mono(rate, quality=quality), expected)
        assert np.array_equal(Audio.open(path).mono(rate, quality=quality, keep=False), expected)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_samples_at_other_rates_are_those_of_the_mono_loader(tmp_path, suffix):
    options = {"format": "OGG", "subtype": "VORBIS"} if suffix == "ogg" else {}
    for own in (22_050, 32_000, 48_000, 88_200, 96_000)[: 3 if suffix == "mp3" else 5]:
        for channels in (1, 2):
            path = tmp_path / f"{own} {channels}.{suffix}"
            soundfile.write(path, tone(rate=own, channels=channels), own, **options)
            assert Audio.open(path).sample_rate == own
            for rate, quality in ((16_000, 4), (11_025, 1), (own, 4)):
                expected = loaded(path, rate, quality)
                assert np.array_equal(Audio.open(path).mono(rate, quality=quality, keep=False), expected)
                assert np.array_equal(Audio.open(path).mono(rate, quality=quality), expected)


def test_compressed_in_mp4_and_adts(tmp_path):
    if not shutil.which("ffmpeg"):
        pytest.fail("ffmpeg is needed to make m4a and aac files for this test (.ci/run installs it)")
    soundfile.write(tmp_path / "a.wav", tone(), RATE)
    for name, codec in (("a.m4a", "aac"), ("a.aac", "aac"), ("alac.m4a", "alac")):
        command = ["ffmpeg", "-loglevel", "error", "-i", tmp_path / "a.wav", "-c:a", codec, tmp_path / name]
        subprocess.run(command, check=True)
        assert np.array_equal(Audio.open(tmp_path / name).mono(16_000), loaded(tmp_path / name, 16_000, 4))
        assert Audio.open(tmp_path / name).channels == 2


@pytest.mark.parametrize("name", ["stereo.opus", "mono.opus"])
def test_opus_is_read_though_the_loader_cannot(sounds, name):
    audio = Audio.open(sounds / name)
    expected, rate = soundfile.read(sounds / name, dtype="float32", always_2d=True)
    assert audio.sample_rate == rate
    assert np.allclose(audio.mono(48_000), expected.mean(axis=1), atol=1e-7)


@pytest.mark.parametrize("name", ["six.wav", "six.flac"])
def test_six_channels_are_mixed_to_their_mean(sounds, name):
    audio = Audio.open(sounds / name)
    assert audio.channels == 6
    expected, _ = soundfile.read(sounds / name, dtype="float32")
    assert np.allclose(audio.mono(RATE), expected.mean(axis=1), atol=1e-6)
    assert np.array_equal(audio.stereo(RATE)[:, 0], audio.stereo(RATE)[:, 1])


def test_stereo_is_the_loader_s(sounds):
    samples = essentia.standard().AudioLoader(filename=str(sounds / "stereo.mp3"))()[0]
    assert np.array_equal(Audio.open(sounds / "stereo.mp3").stereo(RATE), samples)


def test_mono_file_has_two_equal_channels_in_stereo(sounds):
    stereo = Audio.open(sounds / "mono.wav").stereo(RATE)
    assert np.array_equal(stereo[:, 0], stereo[:, 1])
    assert np.abs(stereo[:, 1]).max() > 0.1


def test_long_files_are_decoded_to_the_same_samples(sounds, monkeypatch):
    whole = {name: Audio.open(sounds / name).stereo(RATE) for name in ("stereo.mp3", "mono.ogg")}
    monkeypatch.setattr(decode_module, "LONGEST_AT_ONCE", 1.0)
    monkeypatch.setattr(decode_module, "SMALL", 0)
    for name, expected in whole.items():
        for order in ("stereo first", "mono first"):
            audio = Audio.open(sounds / name)
            if order == "mono first":
                assert np.array_equal(audio.mono(16_000), loaded(sounds / name, 16_000, 4))
            assert np.array_equal(audio.stereo(RATE), expected)
            assert np.array_equal(audio.mono(16_000), loaded(sounds / name, 16_000, 4))
            assert isinstance(audio._decoded(), np.memmap)


def test_a_track_is_decoded_once(sounds, monkeypatch):
    calls = []
    for name in ("decode", "decode_mix"):
        real = getattr(audio_module, name)
        monkeypatch.setattr(
            audio_module, name, lambda path, name=name, real=real, **more: calls.append(name) or real(path, **more)
        )
    audio = Audio.open(sounds / "stereo.ogg")
    for rate in (16_000, 11_025, 48_000):
        audio.mono(rate)
    assert calls == ["decode_mix"]
    audio = Audio.open(sounds / "stereo.ogg")
    audio.stereo(RATE)
    audio.mono(16_000)
    assert calls == ["decode_mix", "decode"]


def test_array_in_place_of_a_path(sounds):
    samples, rate = soundfile.read(sounds / "stereo.float.wav", dtype="float32")
    assert np.array_equal(
        Audio.open((samples, rate)).mono(16_000), Audio.open(sounds / "stereo.float.wav").mono(16_000)
    )
    assert Audio.open((samples[:, 0].astype(np.float64), rate)).channels == 1


def test_what_happens_to_the_array_later_does_not_matter():
    samples = tone()
    audio = Audio.open((samples, RATE))
    digest = audio.digest
    samples[:] = 0
    assert audio.mono(RATE).any()
    assert Audio.open((samples, RATE)).digest != digest


def test_digest_is_of_the_file_s_bytes(sounds):
    path = sounds / "stereo.ogg"
    assert Audio.open(path).digest == hashlib.blake2b(path.read_bytes(), digest_size=20).hexdigest()


@pytest.mark.parametrize(
    "name", ["ünïcödé 音.ogg", "two  spaces.ogg", 'it\'s "quoted".ogg', "line\nbreak.ogg", "per%cent&.ogg"]
)
def test_any_file_name(sounds, tmp_path, name):
    shutil.copy(sounds / "stereo.ogg", tmp_path / name)
    assert len(Audio.open(tmp_path / name).mono(16_000)) > 40_000


def test_a_name_that_is_no_text(sounds, tmp_path):
    name = os.fsdecode(b"caf\xe9.ogg")
    shutil.copy(sounds / "stereo.ogg", tmp_path / name)
    audio = Audio.open(tmp_path / name)
    assert np.array_equal(audio.mono(16_000), Audio.open(sounds / "stereo.ogg").mono(16_000))
    assert audio.title == "caf?.ogg"


# Bad input. --------------------------------------------------------------------------------------------------------


def wave(rate=RATE, channels=1, bits=16, data=b"\0" * 8000, tag=1):
    block = max(channels * bits // 8, 1)
    fmt = struct.pack("<HHIIHH", tag, channels, rate, rate * block & 0xFFFFFFFF, block & 0xFFFF, bits)
    return (
        b"RIFF"
        + struct.pack("<I", 36 + len(data))
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + fmt
        + b"data"
        + struct.pack("<I", len(data))
        + data
    )


BAD_FILES = {
    "empty.mp3": (b"", r"empty \(0 bytes\)"),
    "text.mp3": (b"this is not music\n" * 50, "cannot be decoded"),
    "page.ogg": (b"<!DOCTYPE html><html></html>", "cannot be decoded"),
    "noise.flac": (os.urandom(50_000), "cannot be decoded"),
    "noise.wav": (b"RIFF" + os.urandom(50_000), "cannot be decoded"),
    "noise.m4a": (b"\0\0\0\x20ftypM4A " + os.urandom(50_000), "cannot be decoded"),
    "header only.wav": (wave(data=b""), "holds no sound: 0 samples"),
    "rate 0.wav": (wave(rate=0), "sample rate|cannot be decoded"),
    "rate 1.wav": (wave(rate=1), "sample rate of .* is 1|cannot be decoded"),
    "huge rate.wav": (wave(rate=0x7FFFFFFF), "sample rate|cannot be decoded"),
    "no channels.wav": (wave(channels=0), "cannot be decoded"),
    "65535 channels.wav": (wave(channels=65_535, data=b"\0" * 400_000), "cannot be decoded"),
    "adpcm.wav": (wave(tag=2, bits=4), "cannot be decoded"),
    "nan.wav": (wave(bits=32, tag=3, data=struct.pack("<f", np.nan) * 9000), "NaN or infinite"),
    "infinite.wav": (wave(bits=32, tag=3, data=struct.pack("<f", np.inf) * 9000), "NaN or infinite"),
    "loud.wav": (wave(bits=32, tag=3, data=struct.pack("<f", 1e30) * 9000), r"1e\+30"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_what_is_not_sound_gets_one_sentence(tmp_path, name):
    data, message = BAD_FILES[name]
    (tmp_path / name).write_bytes(data)
    for keep in (True, False):
        with pytest.raises(AudioError, match=message) as error:
            Audio.open(tmp_path / name).mono(16_000, keep=keep)
        assert "\n" not in str(error.value)


def test_bad_files_do_not_end_the_process(tmp_path):
    """Essentia's loader would free memory twice after some of these, which shows later: all go through one process."""
    for name, (data, _) in BAD_FILES.items():
        (tmp_path / name).write_bytes(data)
    soundfile.write(tmp_path / "good.opus", tone(rate=48_000), 48_000, format="OGG", subtype="OPUS")
    soundfile.write(tmp_path / "good.ogg", tone(), RATE, format="OGG", subtype="VORBIS")
    code = (
        "import sys, pathlib, embviz\n"
        "from embviz.errors import AudioError\n"
        "for _ in range(2):\n"
        "    for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):\n"
        "        try:\n"
        "            embviz.Audio.open(path).mono(16_000)\n"
        "        except AudioError:\n"
        "            continue\n"
        "        print(path.name)\n"
    )
    run = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.split() == ["good.ogg", "good.opus"] * 2


def test_a_stream_that_turns_mono_in_the_middle_is_survived(sounds, tmp_path):
    """Essentia's loader reads beyond its buffers there; the file is tried elsewhere, then left to libsndfile."""
    soundfile.write(tmp_path / "one.mp3", tone(channels=1), RATE)
    two = (sounds / "stereo.mp3").read_bytes()
    (tmp_path / "both.mp3").write_bytes(two[: len(two) // 2] + (tmp_path / "one.mp3").read_bytes() + two)
    code = "import sys, embviz; print(embviz.Audio.open(sys.argv[1]).mono(16_000).size)"
    run = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "both.mp3"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0 or "AudioError" in run.stderr
    assert run.returncode >= 0


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        (lambda d: d, "sound"),
        (lambda d: d[: len(d) - 100], "sound"),
        (lambda d: d + b"TAG" + bytes(125), "sound"),
        (lambda d: b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + d, "sound"),
        (lambda d: d[:20_000] + b"\0\1" + d[20_000:], "doubtful"),
        (lambda _: b"", "empty"),
        (lambda _: b"text " * 99, "foreign"),
    ],
)
def test_files_are_judged_by_their_frames(sounds, tmp_path, change, verdict):
    (tmp_path / "a.mp3").write_bytes(change((sounds / "stereo.mp3").read_bytes()))
    assert inspect_file(tmp_path / "a.mp3").verdict == verdict


@pytest.mark.parametrize("suffix", ["mp3", "ogg", "flac", "wav"])
def test_a_truncated_file_gives_what_is_there(sounds, tmp_path, suffix):
    whole = (sounds / f"stereo.{suffix}").read_bytes()
    (tmp_path / f"t.{suffix}").write_bytes(whole[: len(whole) // 2])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert 1.0 < Audio.open(tmp_path / f"t.{suffix}").duration < 2.5


def test_missing_file_folder_and_wrong_type(tmp_path):
    with pytest.raises(AudioError, match="no file"):
        Audio.open(tmp_path / "none.mp3")
    with pytest.raises(AudioError, match="is a folder"):
        Audio.open(tmp_path)
    with pytest.raises(AudioError, match="pair is expected"):
        Audio.open(3)
    with pytest.raises(AudioError, match="no file"):
        Audio.open("nul\0byte")
    with pytest.raises(AudioError, match="tuple of 3"):
        Audio.open((1, 2, 3))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(sounds, tmp_path):
    path = tmp_path / "a.ogg"
    shutil.copy(sounds / "stereo.ogg", path)
    path.chmod(0)
    with pytest.raises(AudioError, match="cannot be read: Permission denied"):
        Audio.open(path).mono(16_000)


def test_unreadable_file_whoever_asks(sounds, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(audio_module.Path, "open", refuse)
    for ask in (lambda a: a.mono(16_000), lambda a: a.digest):
        with pytest.raises(AudioError, match="cannot be read: Permission denied"):
            ask(Audio.open(sounds / "stereo.ogg"))


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ((np.zeros(0, np.float32), 44_100), "0 samples"),
        ((np.full(10, np.nan), 44_100), "NaN or infinite"),
        ((np.array([0, np.inf]), 44_100), "NaN or infinite"),
        ((np.zeros(10, np.int16), 44_100), "divide 16-bit integers"),
        ((np.full(10, 12_000.0), 44_100), "scale them"),
        ((np.zeros((2, 44_100)), 44_100), "transpose"),
        ((np.zeros((2, 3, 4)), 44_100), r"\[n, channels\]"),
        ((np.zeros(10), 0), "sample rate"),
        ((np.zeros(10), -1), "sample rate"),
        ((np.zeros(10), np.nan), "sample rate"),
        ((np.zeros(10), 44_100.5), "sample rate"),
        ((np.zeros(10), "fast"), "sample rate"),
        ((None, 44_100), "floats between"),
    ],
)
def test_arrays_that_are_not_sound(pair, message):
    with pytest.raises(AudioError, match=message):
        Audio.open(pair)


def test_one_sample_is_too_short_to_resample():
    with pytest.raises(AudioError, match="too short"):
        Audio.open((np.zeros(1, np.float32), 192_000)).mono(11_025, quality=1)


@pytest.mark.parametrize("quality", [-1, 5, 2.5, "best", True])
def test_resample_quality_is_0_to_4(quality):
    with pytest.raises(OptionError, match=r"0 \(best\) to 4"):
        Audio.open((tone(), RATE)).mono(16_000, quality=quality)


# What decoding found out. --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["stereo.mp3", "mono.ogg", "six.flac", "stereo.opus"])
def test_facts_are_the_same_however_a_track_is_decoded(sounds, monkeypatch, name):
    path = sounds / name
    audio = Audio.open(path)
    audio.mono(16_000, keep=False)
    facts = audio.facts
    assert (facts.channels, facts.seconds, facts.note) == (audio.channels, audio.duration, "")
    by_channel = Audio.open(path)
    samples = by_channel.stereo(facts.sample_rate) if facts.channels == 2 else by_channel._decoded()
    assert by_channel.facts == facts
    assert Audio.open((samples, facts.sample_rate)).facts.digest == facts.digest
    monkeypatch.setattr(decode_module, "LONGEST_AT_ONCE", 1.0)
    monkeypatch.setattr(decode_module, "SMALL", 0)
    assert Audio.open(path).facts == facts


def test_what_is_remembered_needs_no_decoding(sounds, monkeypatch):
    facts = Audio.open(sounds / "stereo.opus").facts
    asked = []
    real = audio_module.decode_mix
    monkeypatch.setattr(audio_module, "decode_mix", lambda path, **more: asked.append(more) or real(path, **more))
    audio = Audio.open(sounds / "stereo.opus")
    audio.recall(facts)
    assert (audio.facts, audio.duration, audio.channels, audio.sample_rate) == (facts, 3.0, 2, 48_000)
    assert asked == []
    audio.mono(48_000)
    assert asked == [{"first": "libsndfile"}]


@pytest.mark.parametrize(
    ("peak", "note"),
    [
        (0.0, "silent, so what models say about it means little"),
        (1e-4, "almost silent (peak −80 dBFS), so what models say about it means little"),
        (2e-3, ""),
    ],
)
def test_a_sound_that_is_silent_or_nearly_says_so(tmp_path, peak, note):
    samples = np.zeros((30_000, 2), np.float32)
    samples[20_000, 1] = -peak
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    for source in (tmp_path / "a.wav", (samples, 16_000)):
        assert Audio.open(source).facts.note == note
