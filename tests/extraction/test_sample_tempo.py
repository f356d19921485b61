"""Known facts about the sample tracks, found again by the models with real weights."""

import csv

import pytest

import embviz

pytestmark = pytest.mark.usefixtures("home")

TAGGED = {"rock": "rock", "jazz": "jazz", "electronic": "electronic", "ambient": "ambient", "metal": "metal"}
PULSED = ["rock", "jazz", "electronic", "hiphop", "metal", "piano", "drums", "folk"]


@pytest.fixture(scope="module")
def tracks(root):
    """The rows of tracks.csv by the stem of their file."""
    with (root / "sample_audio" / "tracks.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["file"].rsplit(".", 1)[0]: row for row in csv.DictReader(file)}
    return {stem: row | {"path": root / "sample_audio" / row["file"]} for stem, row in rows.items()}


@pytest.mark.parametrize("stem", TAGGED)
def test_musicnn_hears_the_style(tracks, stem):
    output = embviz.embed(tracks[stem]["path"], "musicnn", layer="output")
    assert output.to_frame().mean().idxmax() == TAGGED[stem]


def test_vgg_hears_rock_too(tracks):
    output = embviz.embed(tracks["rock"]["path"], "vgg", layer="output")
    assert output.to_frame().mean().idxmax() == "rock"


@pytest.mark.parametrize("stem", PULSED)
def test_tempo_cnn_finds_the_tempo(tracks, stem):
    output = embviz.embed(tracks[stem]["path"], "tempocnn", layer="output")
    bpm = int(output.to_frame().mean().idxmax().removesuffix(" BPM"))
    assert abs(bpm - float(tracks[stem]["bpm"])) <= 2


def test_the_break_of_the_rock_track_is_less_rock(tracks):
    output = embviz.embed(tracks["rock"]["path"], "msd-musicnn-1", layer="output")
    chorus, break_ = output[52.5:67.5].to_frame()["rock"].mean(), output[67.5:82.5].to_frame()["rock"].mean()
    assert chorus > break_


def test_resample_quality_is_visible_on_bright_music(tracks):
    import numpy as np

    fast, best = (embviz.embed(tracks["rock"]["path"], "musicnn", resample_quality=q) for q in (4, 1))
    n = min(len(fast), len(best))
    cosine = (fast.values[:n] * best.values[:n]).sum(axis=1)
    cosine /= np.linalg.norm(fast.values[:n], axis=1) * np.linalg.norm(best.values[:n], axis=1)
    assert 0.5 < cosine.min() < 0.99
