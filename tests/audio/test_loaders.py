"""What reads sound without Essentia, beside what Essentia reads: the same sound from the same sample on."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from embviz.audio import decoders, loaders, samples
from embviz.audio.decoders import DecodeRequest
from embviz.audio.loaders import LOADERS, RefusedError
from embviz.core import essentia
from embviz.errors import AudioError

RATE = 44_100
EXACT, FLOATS, SHORTS = 0.0, 5e-7, 5e-5  # largest differences: Essentia decodes mp3 to 16 bits

#: The coder, who reads the file, the largest difference, and by how many samples the end may differ.
FORMATS = {
    "a.wav": ([], "libsndfile", EXACT, 0),
    "24.wav": (["-c:a", "pcm_s24le"], "libsndfile", EXACT, 0),
    "8.wav": (["-c:a", "pcm_u8"], "libsndfile", EXACT, 0),
    "a.flac": ([], "libsndfile", EXACT, 0),
    "a.mp3": ([], "libsndfile", SHORTS, 0),
    "a.ogg": (["-c:a", "libvorbis"], "libsndfile", FLOATS, 2048),
    "a.m4a": ([], "ffmpeg", FLOATS, 0),
    "lossless.m4a": (["-c:a", "alac"], "ffmpeg", EXACT, 0),
    "a.aac": ([], "ffmpeg", FLOATS, 0),
    "a.wma": ([], "ffmpeg", FLOATS, 4096),
    "a.ac3": ([], "ffmpeg", FLOATS, 0),
    "a.wv": ([], "ffmpeg", EXACT, 0),
    "a.mka": (["-c:a", "libvorbis"], "ffmpeg", FLOATS, 0),
    "a.avi": (["-c:a", "libmp3lame"], "ffmpeg", SHORTS, 0),
}


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    """A second of noise and tones in every format, and in one film."""
    folder = tmp_path_factory.mktemp("sounds")
    rng = np.random.default_rng(5)
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)[:, np.newaxis]
    soundfile.write(folder / "source.wav", tone + rng.uniform(-0.2, 0.2, (RATE, 2)), RATE)
    for name, (coder, *_) in FORMATS.items():
        command = ["ffmpeg", "-loglevel", "error", "-y", "-i", folder / "source.wav", "-map_metadata", "-1", *coder]
        subprocess.run([*command, folder / name], check=True)
    return folder


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_sound_without_essentia(sounds, name):
    _, reader, difference, end = FORMATS[name]
    channels, rate = LOADERS["essentia"](sounds / name, long=False)
    if reader == "ffmpeg":
        with pytest.raises(RefusedError):
            LOADERS["libsndfile"](sounds / name, long=False)
    for long in (False, True):
        others, other_rate = LOADERS[reader](sounds / name, long=long)
        assert (other_rate, len(others)) == (rate, len(channels))
        for one, other in zip(channels, others, strict=True):
            assert abs(len(one) - len(other)) <= end
            n = min(len(one), len(other))
            assert np.abs(one[:n] - other[:n]).max() <= difference


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.ogg"])
def test_ffmpeg_reads_what_libsndfile_does(sounds, name):
    (one, *_), (other, *_) = (LOADERS[reader](sounds / name, long=False)[0] for reader in ("libsndfile", "ffmpeg"))
    assert np.abs(one - other).max() <= 3e-6


def test_ffmpeg_reads_the_sound_of_a_film(sounds, tmp_path):
    picture = ["-f", "lavfi", "-i", "color=black:s=16x16:d=1"]
    command = ["ffmpeg", "-loglevel", "error", "-y", *picture, "-i", sounds / "a.m4a", "-c:a", "copy"]
    subprocess.run([*command, tmp_path / "film.mp4"], check=True)
    subprocess.run([*command[:-4], "-an", tmp_path / "silent.mp4"], check=True)
    (film, _), (sound, _) = (LOADERS["ffmpeg"](path, long=False) for path in (tmp_path / "film.mp4", sounds / "a.m4a"))
    assert np.array_equal(film[0], sound[0])
    with pytest.raises(RefusedError):
        LOADERS["ffmpeg"](tmp_path / "silent.mp4", long=False)


def test_ffmpeg_goes_on_behind_what_is_damaged(sounds, tmp_path):
    data = bytearray((sounds / "a.aac").read_bytes())
    data[len(data) // 2 : len(data) // 2 + 500] = bytes(500)
    (tmp_path / "a.aac").write_bytes(data)
    whole, damaged = (LOADERS["ffmpeg"](path / "a.aac", long=False)[0][0] for path in (sounds, tmp_path))
    assert 0.8 * len(whole) < len(damaged) <= len(whole)
    assert np.array_equal(damaged[: RATE // 4], whole[: RATE // 4])


PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n"


@pytest.mark.parametrize("content", [PLAYLIST, "ffconcat version 1.0\nfile '{}'\n", "", "text\n" * 500])
def test_ffmpeg_opens_nothing_that_a_file_names(sounds, tmp_path, content):
    (tmp_path / "a.mp3").write_text(content.format(sounds / "a.aac"))
    with pytest.raises(RefusedError):
        LOADERS["ffmpeg"](tmp_path / "a.mp3", long=False)


@pytest.mark.parametrize("quality", range(5))
@pytest.mark.parametrize(("rate", "target"), [(44_100, 16_000), (44_100, 11_025), (48_000, 16_000), (8000, 48_000)])
def test_resampling_without_essentia_is_that_of_essentia(quality, rate, target):
    noise = np.random.default_rng(quality).uniform(-0.5, 0.5, 44_101).astype(np.float32)
    for n in (1, 2, 100, 320, 441, 44_101):
        with_it = samples._resample_with_essentia(noise[:n], rate, target, quality)
        without = samples._resample_without(noise[:n], rate, target, quality)
        assert abs(len(without) - len(with_it)) <= (target > rate), n
        same = min(len(without), len(with_it))
        assert np.abs(without[:same] - with_it[:same]).max(initial=0) <= 6e-8


def test_packages_that_are_missing_are_named(sounds, monkeypatch):
    monkeypatch.setattr(essentia, "version", str)
    monkeypatch.setitem(sys.modules, "av", None)
    monkeypatch.setitem(sys.modules, "samplerate", None)
    assert loaders.usual_loaders() == ("libsndfile", "ffmpeg")
    with pytest.raises(AudioError, match="pip install av"):
        LOADERS["ffmpeg"](sounds / "a.m4a", long=False)
    with pytest.raises(AudioError, match="pip install samplerate"):
        samples.resample(np.zeros(100, np.float32), RATE, 16_000, 4, "a")
    assert len(samples.resample(np.zeros(100, np.float32), RATE, RATE, 4, "a")) == 100


def test_parts_of_files_where_open_files_have_no_path(sounds, monkeypatch):
    monkeypatch.setattr(decoders, "DESCRIPTORS", Path("nowhere"))
    data = (sounds / "a.aac").read_bytes()
    stretch = decoders.Stretch(0, len(data), decoders.Format(RATE, 2), 1.0)
    given = []
    for stretches in ([], [stretch]):
        request = DecodeRequest(str(sounds / "a.aac"), "a.aac", "ffmpeg", mix=True, stretches=stretches)
        given.append(decoders.decode(request)[0][0])
    assert np.array_equal(*given)
