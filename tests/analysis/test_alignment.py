"""Which moment of a track is which of another."""

from dataclasses import replace

import numpy as np
import pytest

from embviz.analysis import alignment
from embviz.analysis.alignment import align_frames
from embviz.core.embedding import Embedding, FrameGrid
from embviz.core.vectors import Vectors
from embviz.errors import OptionError

HOP = 0.2


def embedding(values, *, hop=HOP, layer="layer", title="song.ogg"):
    values = np.asarray(values, dtype=np.float32)
    samples = round(hop * 1000)
    grid = FrameGrid(1000, samples, samples, samples, 0, len(values), samples * len(values))
    return Embedding(values, grid, "model", layer, title=title)


def piece(frames=300, seed=0, d=30):
    """Frames that change every second or so, and a little in between."""
    random = np.random.default_rng(seed)
    notes = np.repeat(random.normal(size=(frames, d)), random.integers(2, 8, frames), axis=0)[:frames]
    return notes + random.normal(scale=0.1, size=notes.shape)


def stretch(values, tempo, seed=9):
    """The frames of the same piece at another tempo, with noise of their own."""
    at = np.arange(int(len(values) / tempo)) * tempo
    noise = np.random.default_rng(seed).normal(scale=0.1, size=(len(at), values.shape[1]))
    return values[np.minimum(np.rint(at), len(values) - 1).astype(int)] + noise


@pytest.mark.parametrize("tempo", [1.1, 0.8, 1.5])
def test_another_tempo_is_followed_to_two_hops(tempo):
    values = piece()
    found = align_frames(embedding(values), embedding(stretch(values, tempo), title="live.ogg"))
    times = np.linspace(1, 59, 100)
    assert np.abs(found.map(times) - times / tempo).max() < 2 * HOP
    assert np.abs(found.map(times / tempo, inverse=True) - times).max() < 2 * HOP
    assert found.same_piece
    assert found.likeness > 0.8
    assert (np.diff(found.path, axis=0) >= 0).all()
    assert found.path[0].tolist() == pytest.approx([0.1, 0.1])


def test_the_same_track_is_itself_and_its_ends_are_ends():
    values = piece(frames=40)
    found = align_frames(embedding(values), embedding(values, title=""))
    assert (found.cost, found.likeness) == (pytest.approx(0, abs=1e-6), 1)
    assert found.map(3.3) == pytest.approx(3.3)
    assert [found.map(time) for time in (-5, 0, 8, 99)] == pytest.approx([0, 0, 8, 8])
    assert found.map([[1.0, 2.0]]).shape == (1, 2)
    assert repr(found) == ("<Alignment model / layer: song.ogg (8 s) and audio (8 s): the same piece, likeness 1.00>")


def test_a_cut_start_waits_and_then_follows():
    values = piece()
    found = align_frames(embedding(values), embedding(values[50:]))
    times = np.arange(12, 60, 1.0)
    np.testing.assert_allclose(found.map(times), times - 10, atol=HOP)
    assert found.map(3) < 1
    assert found.same_piece


def test_what_lasts_does_not_count():
    values = piece()
    found = align_frames(embedding(values), embedding(3 * values + 7))
    assert found.likeness == 1


def test_other_pieces_are_said_to_be_others():
    likeness = [
        align_frames(embedding(piece(150, seed)), embedding(piece(200, seed + 50))).likeness for seed in range(8)
    ]
    assert np.abs(likeness).max() < 0.15
    found = align_frames(embedding(piece(150, 1)), embedding(piece(150, 2)))
    assert not found.same_piece
    assert "not the same piece, likeness" in repr(found)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (np.zeros((30, 4)), piece(30, d=4)),
        (np.zeros((30, 4)), np.zeros((20, 4))),
        (piece(3, d=4), piece(3, d=4)),
        (piece(1, d=4), piece(30, d=4)),
        (np.full((30, 4), np.nan), piece(30, d=4)),
    ],
    ids=["silence", "twice silence", "three frames", "one frame", "NaN"],
)
def test_too_little_to_tell(first, second):
    found = align_frames(embedding(first), embedding(second))
    assert np.isnan(found.likeness)
    assert not found.same_piece
    assert "too little changes to tell" in repr(found)
    assert 0 <= found.map(0.1) <= found.durations[1]


def test_lost_frames_are_passed_over():
    values = piece()
    values[40:45] = np.nan
    found = align_frames(embedding(values), embedding(stretch(piece(), 1.1)))
    assert abs(found.map(40.0) - 40 / 1.1) < 2 * HOP
    assert found.same_piece


def test_the_path_is_that_of_all_frames_with_all(monkeypatch):
    values = piece(400)
    first, second = embedding(values), embedding(stretch(values, 1.15))
    whole = align_frames(first, second)
    monkeypatch.setattr(alignment, "EVERYTHING", 60)
    coarse = align_frames(first, second)
    np.testing.assert_allclose(coarse.path, whole.path)
    assert coarse.cost == whole.cost
    assert coarse.same_piece


def test_the_cheapest_path_is_found():
    random = np.random.default_rng(4)
    x, y = random.normal(size=(9, 3)), random.normal(size=(11, 3))
    found = align_frames(embedding(x), embedding(y))
    units = [(v - v.mean(0)) / np.linalg.norm(v - v.mean(0), axis=1, keepdims=True) for v in (x, y)]
    cost = 1 - units[0] @ units[1].T
    sums = np.full((10, 12), np.inf)
    sums[0, 0] = 0
    for i in range(9):
        for j in range(11):
            sums[i + 1, j + 1] = cost[i, j] + min(sums[i, j], sums[i, j + 1], sums[i + 1, j])
    assert found.cost * len(found.path) == pytest.approx(sums[-1, -1], abs=1e-5)


def test_long_tracks_take_memory_with_their_length_only():
    values = piece(6000, d=8)
    first, second = embedding(values, hop=0.1), embedding(stretch(values, 1.1), hop=0.1)
    found = align_frames(first, second, hop=0.1)
    times = np.linspace(5, 590, 50)
    assert np.abs(found.map(times) - times / 1.1).max() < 0.2
    low, high = alignment._band(np.rint(found.path[::2] / 0.2).astype(int), 6000, len(second))
    assert (high - low).sum() < 250 * 6000


def test_frames_that_come_often_are_averaged():
    values = np.repeat(piece(100), 5, axis=0)
    found = align_frames(embedding(values, hop=0.04), embedding(values, hop=0.04), hop=0.2)
    assert len(found.path) == 100


def test_vectors_of_one_track_each():
    track = embedding(piece(60))
    frames = Vectors(track.values, np.full(60, 7), track.times, "model", "layer", "frames")
    assert align_frames(frames, track).likeness == 1


def test_what_cannot_be_aligned():
    track = embedding(piece(30))
    with pytest.raises(OptionError, match=r"same layer are aligned, model / layer \(30 .* and model / other \(30"):
        align_frames(track, replace(track, layer="other"))
    with pytest.raises(OptionError, match="no frames to align"):
        align_frames(track, embedding(np.zeros((0, 30))))
    with pytest.raises(OptionError, match="An embedding is expected"):
        align_frames(track, "song.ogg")
    with pytest.raises(OptionError, match="hop is a number of seconds above 0, 0 was found"):
        align_frames(track, track, hop=0)
    for wrong in (np.nan, "soon"):
        with pytest.raises(OptionError, match="A time is expected in seconds"):
            align_frames(track, track).map(wrong)
