"""The sound of exported pages begins where their time says."""

import subprocess

import numpy as np
import pytest
import soundfile

from embviz.audio import Audio
from embviz.export import page_audio, track_page
from embviz.export.static_widgets import MAX_BYTES, PageData

RATE = 22_050


@pytest.fixture
def aac(tmp_path):
    """Two seconds of AAC with an edit list that leaves out 1024 samples."""
    tone = 0.3 * np.sin(2 * np.pi * 220 * np.arange(2 * RATE) / RATE)
    soundfile.write(tmp_path / "a.wav", tone, RATE)
    subprocess.run(["ffmpeg", "-loglevel", "error", "-i", tmp_path / "a.wav", tmp_path / "a.m4a"], check=True)
    return tmp_path / "a.m4a"


@pytest.mark.usefixtures("empty_home")
def test_pages_know_what_browsers_leave_out(aac, tmp_path, monkeypatch):
    left_out = pytest.approx(1024 / RATE)
    for how, offset in (("link", left_out), ("embed", left_out), ("clips", 0)):
        assert page_audio.prepare_audio(aac, how, tmp_path).traits["offset"] == offset

    def player(link):
        return track_page._player(Audio.open(aac), PageData(MAX_BYTES, ""), link=link, parts=())["state"]

    assert player("./a.m4a")["offset"] == left_out
    assert player("")["offset"] == left_out
    # What is encoded for the page has all that was decoded.
    monkeypatch.setattr("embviz.export.static_widgets.SMALL", 0)
    assert player("")["offset"] == page_audio.prepare_audio(aac, "embed", tmp_path).traits["offset"] == 0
