"""Sounds from file to file: the samples of Essentia's loaders, in memory that does not grow."""

import errno
import resource
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from embviz.audio import decode as decode_module
from embviz.audio import decoders, samples, streaming
from embviz.audio.audio import Audio
from embviz.audio.decoders import DecodeRequest
from embviz.audio.facts import sound_digest
from embviz.audio.loaders import RefusedError, stream_with_essentia
from embviz.audio.streaming import MixAt, stream
from embviz.core import essentia, memmap

RATE = 44_100


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    """Stereo and mono; of as many samples as are written at a time, twice that, and in between."""
    folder = tmp_path_factory.mktemp("sounds")
    for name, channels, length in [
        ("stereo.ogg", 2, 200_000),
        ("mono.mp3", 1, 150_001),
        ("chunk.wav", 2, streaming.CHUNK),
        ("chunks.wav", 1, 2 * streaming.CHUNK),
        ("little.wav", 2, 700),
    ]:
        source = f"aevalsrc={'|'.join(['0.4*sin(900*t*t)+0.1*random(0)', '0.3*sin(3000*t)'][:channels])}:s={RATE}"
        command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-af", f"atrim=end_sample={length}"]
        subprocess.run([*command, str(folder / name)], check=True)
    return folder


def loaded(path, rate, quality):
    return essentia.standard().MonoLoader(filename=str(path), sampleRate=rate, resampleQuality=quality)()


@pytest.mark.parametrize("name", ["stereo.ogg", "mono.mp3", "chunk.wav", "chunks.wav", "little.wav"])
@pytest.mark.parametrize("at", [MixAt(), MixAt(RATE), MixAt(16_000), MixAt(11_025, 1), MixAt(48_000, 0)])
def test_samples_are_the_loaders(sounds, name, at):
    expected, _, count, *_ = essentia.standard().AudioLoader(filename=str(sounds / name))()
    found = stream_with_essentia(sounds / name, at)
    assert (len(found.channels), found.rate) == (count, RATE)
    for i, channel in enumerate(found.channels):
        assert np.array_equal(channel, expected[:, i])
    assert np.array_equal(found.mix, loaded(sounds / name, at.rate or RATE, at.quality))


@pytest.mark.parametrize("claimed", [(22_050, 2), (RATE, 1), (8000, 2)])
def test_a_header_that_errs_does_no_harm(sounds, claimed):
    found = stream(sounds / "stereo.ogg", claimed, MixAt(16_000))
    assert (len(found.channels), found.rate) == (2, RATE)
    assert np.array_equal(found.mix, loaded(sounds / "stereo.ogg", 16_000, 4))


def test_what_is_no_sound_is_refused(tmp_path):
    path = tmp_path / "letter.wav"
    path.write_text("Dear listener, " * 5000)
    with pytest.raises(RefusedError):
        stream_with_essentia(path)


def test_a_full_disk_is_told(sounds, monkeypatch):
    monkeypatch.setattr(streaming.tempfile, "TemporaryFile", lambda **_options: open("/dev/full", "r+b", buffering=0))  # noqa: PTH123, SIM115
    with pytest.raises(OSError, match="No space left") as caught:
        stream(sounds / "stereo.ogg", (RATE, 2))
    assert caught.value.errno == errno.ENOSPC


def test_parts_of_channels_add_up_to_the_whole(monkeypatch):
    rng = np.random.default_rng(4)
    channels = [memmap.scratch_array((1000,)) for _ in range(3)]
    for channel in channels:
        channel[:] = rng.uniform(-1, 1, 1000)
    expected = [samples.mix(channels[:n]) for n in (1, 2, 3)], sound_digest(RATE, channels)
    monkeypatch.setattr(samples, "BLOCK", 77)
    monkeypatch.setattr(memmap, "IN_MEMORY", 0)
    mixes = [samples.mix(channels[:n]) for n in (1, 2, 3)]
    assert all(map(np.array_equal, mixes, expected[0]))
    assert sound_digest(RATE, channels) == expected[1]
    channels[1][500] = np.nan
    with pytest.raises(decoders.UndecodableError, match="NaN"):
        samples.check_samples(channels, "It")


def test_each_rate_of_a_long_track_is_decoded_anew(sounds, monkeypatch):
    monkeypatch.setattr(decode_module, "LONGEST_AT_ONCE", 1.0)
    monkeypatch.setattr(decode_module, "SMALL", 0)
    audio = Audio.open(sounds / "stereo.ogg")
    for rate, quality in [(16_000, 4), (11_025, 1), (RATE, 4)]:
        assert np.array_equal(audio.mono(rate, quality=quality), loaded(sounds / "stereo.ogg", rate, quality))
    assert audio._mono is None


def test_memory_of_decoding_does_not_grow_with_the_track(tmp_path):
    path, seconds = tmp_path / "long.wav", 400
    soundfile.write(path, np.zeros((seconds * RATE, 2), np.int16), RATE)
    request = DecodeRequest(str(path), path.name, "essentia", mix=True, rate=11_025, long=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (mixed,), facts = decoders.decode(request)
    assert (len(mixed), facts.seconds) == (seconds * 11_025, seconds)
    unit = 1 if sys.platform == "darwin" else 1024
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit < 50e6  # its channels are 141 MB
