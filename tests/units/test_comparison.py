"""Two tracks side by side, from their sound."""

import subprocess

import numpy as np
import pytest
import soundfile

import embviz
from embviz.errors import AudioError, OptionError

pytestmark = pytest.mark.usefixtures("home")
RATE = 16_000


@pytest.fixture
def excerpt(root, tmp_path):
    path = tmp_path / "folk.wav"
    source = root / "sample_audio" / "folk.ogg"
    subprocess.run(["ffmpeg", "-v", "error", "-i", source, "-t", "10", "-ar", str(RATE), "-ac", "1", path], check=True)
    return path


def path_of(widget):
    return np.frombuffer(widget.path, np.float32).reshape(-1, 2)


def test_a_take_that_begins_later_is_linked_where_it_is_the_same(excerpt, tmp_path):
    samples, _ = soundfile.read(excerpt)
    soundfile.write(tmp_path / "late.flac", np.concatenate([np.zeros(2 * RATE), samples]), RATE)
    widget = embviz.compare(excerpt, tmp_path / "late.flac")
    assert widget.same_piece
    assert widget.message.startswith("The same piece: likeness 0.")
    assert widget.names == ["folk.wav", "late.flac"]
    here, there = path_of(widget).T
    inside = (here > 2) & (here < 8)
    assert np.median(np.abs(there - here - 2)[inside]) < 0.4
    again = embviz.compare(excerpt, excerpt, alignment=embviz.align(excerpt, excerpt))
    assert again.message.startswith("The same piece: likeness 1.00 ")
    assert np.allclose(*path_of(again).T)


def test_where_it_is_not_the_same_piece_it_says_so(excerpt, root):
    noise = np.random.default_rng(2).normal(0, 0.1, 8 * RATE).astype(np.float32)
    widget = embviz.compare(excerpt, (noise, RATE))
    assert not widget.same_piece
    assert widget.message.startswith("Not the same piece, as far as MusiCNN (MSD) / timbral hears: likeness ")


def test_silence_and_a_second_of_sound_are_told(excerpt):
    silence = (np.zeros(8 * RATE, np.float32), RATE)
    widget = embviz.compare(silence, silence)
    assert not widget.same_piece
    assert widget.message.endswith("is silent; the clocks go their own ways.")
    samples, _ = soundfile.read(excerpt, dtype="float32")
    short = (samples[: RATE // 2], RATE)
    widget = embviz.compare(excerpt, short)
    assert not widget.same_piece
    assert "the clocks go their own ways" in widget.message


def test_what_cannot_be_compared_raises(excerpt, tmp_path):
    with pytest.raises(AudioError, match="gone"):
        embviz.compare(excerpt, tmp_path / "gone.wav")
    with pytest.raises(OptionError, match=r"what embviz\.align\(a, b\) returns, 7 was found"):
        embviz.compare(excerpt, excerpt, alignment=7)
    samples, _ = soundfile.read(excerpt, dtype="float32")
    with pytest.raises(OptionError, match=r"one of tracks of 10\.0 s and 10\.0 s; these have 10\.0 s and 4\.0 s"):
        embviz.compare(excerpt, (samples[: 4 * RATE], RATE), alignment=embviz.align(excerpt, excerpt))


def test_without_the_weights_of_musicnn_what_is_shown_is_compared(excerpt, monkeypatch):
    monkeypatch.setattr("embviz.units.comparison.has_weights", lambda _name: False)
    widget = embviz.compare(excerpt, excerpt, model="vgg", layer="pool3")
    assert widget.same_piece
