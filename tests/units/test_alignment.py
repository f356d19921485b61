"""Two sounds aligned."""

import subprocess

import numpy as np
import pytest

import embviz
from embviz.errors import OptionError


def ffmpeg(source, target, *options):
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", source, *options, target], check=True)
    return target


@pytest.fixture
def excerpt(root, tmp_path):
    return ffmpeg(root / "sample_audio" / "folk.ogg", tmp_path / "folk.wav", "-t", "24")


def test_a_faster_version_is_followed_and_another_piece_is_not_taken_for_it(home, root, tmp_path, excerpt):
    fast = ffmpeg(excerpt, tmp_path / "fast.ogg", "-filter:a", "atempo=1.1")
    found = embviz.align(excerpt, fast)
    times = np.linspace(1, 23, 60)
    assert np.abs(found.map(times) - times / 1.1).max() < 0.4
    assert found.same_piece
    other = ffmpeg(root / "sample_audio" / "metal.ogg", tmp_path / "metal.wav", "-t", "20")
    assert not embviz.align(excerpt, other).same_piece


def test_a_track_and_an_embedding_are_not_aligned(home, excerpt):
    embedding = embviz.embed(excerpt, "musicnn")
    assert embviz.align(embedding, embedding).likeness == 1
    with pytest.raises(OptionError, match="Two tracks or two embeddings are aligned, one of each was found"):
        embviz.align(excerpt, embedding)


def test_silence_is_no_piece(home):
    silence = (np.zeros(16_000 * 8, np.float32), 16_000)
    found = embviz.align(silence, silence)
    assert np.isnan(found.likeness)
    assert not found.same_piece
