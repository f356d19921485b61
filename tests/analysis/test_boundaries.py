"""Where the parts of a track begin."""

import csv
from dataclasses import replace

import numpy as np
import pytest

import embviz
from embviz.analysis.boundaries import boundaries
from embviz.analysis.self_similarity import self_similarity
from embviz.core.embedding import Embedding, FrameGrid
from embviz.core.vectors import Vectors
from embviz.errors import OptionError


def embedding(values, hop=500):
    """Frames of 0.5 s at 1 kHz, or of another hop."""
    values = np.asarray(values, dtype=np.float32)
    grid = FrameGrid(1000, hop, hop, hop, 0, len(values), hop * len(values))
    return Embedding(values, grid, "model", "layer", title="song.ogg")


def parts(*lengths, noise=0.2, seed=0, order=None):
    """Frames of parts of so many frames each; parts of the same number in `order` are alike."""
    random = np.random.default_rng(seed)
    kinds = random.normal(size=(len(lengths), 20))
    order = order or range(len(lengths))
    values = np.concatenate([np.tile(kinds[i], (n, 1)) for i, n in zip(order, lengths, strict=True)])
    return embedding(values + random.normal(scale=noise, size=values.shape))


def test_planted_boundaries_are_found_to_the_frame():
    found = boundaries(parts(40, 60, 30, 50, order=(0, 1, 0, 2)))
    assert found.times.tolist() == [20.0, 50.0, 65.0]
    assert (found.strengths > 0.5).all()
    assert found.score([0, 20, 50, 65])["F-measure@0.5"] == 1
    assert found.sections == [(0, 20), (20, 50), (50, 65), (65, 90)]
    assert found.to_frame()["stop"].tolist() == [20, 50, 65, 90]
    assert repr(found) == (
        "<Boundaries model / layer: 3 boundaries at 20.0, 50.0, 65.0 s, kernel of 20.0 s, 2 min of song.ogg>"
    )


def test_novelty_is_that_of_a_checkerboard_on_the_self_similarity_matrix():
    track = parts(30, 30, noise=0.8)
    found = boundaries(track, kernel=8.0)
    matrix, _ = self_similarity(track)
    weight = np.exp(-0.5 * ((np.arange(8) + 0.5) / 4) ** 2)
    side = np.concatenate([-weight[::-1], weight]) / (2 * weight.sum())
    for border in (8, 23, 30, 52):  # between this frame and the one before it
        inside = slice(border - 8, border + 8)
        assert found.novelty[border - 1] == pytest.approx(side @ matrix[inside, inside] @ side, abs=1e-6)


def test_the_kernel_is_whole_frames_and_a_longer_one_passes_over_short_parts():
    track = parts(60, 6, 60, order=(0, 1, 0), noise=0.01)
    assert boundaries(track, kernel=4).times.tolist() == [30, 33]
    assert len(boundaries(track, kernel=40, prominence=0.2)) == 0
    assert boundaries(embedding(np.eye(9), hop=3000), kernel=1).kernel == 6.0


@pytest.mark.parametrize(
    "values",
    [
        np.zeros((30, 4)),
        np.ones((30, 4)),
        np.full((30, 4), np.nan),
        np.ones((1, 4)),
        np.zeros((0, 4)),
        np.ones((30, 1)),
    ],
    ids=["silence", "one vector", "NaN", "one frame", "no frame", "one dimension"],
)
def test_where_nothing_changes_there_is_no_boundary(values):
    found = boundaries(embedding(values))
    assert len(found) == 0
    assert (found.novelty == 0).all()
    assert found.sections == [(0.0, len(values) * 0.5)]
    assert "0 boundaries" in repr(found)


def test_the_ends_of_a_track_and_a_track_shorter_than_the_kernel():
    assert boundaries(parts(200, noise=0.01)).novelty[[0, -1]].max() < 0.2
    assert boundaries(parts(8, 8), kernel=60).times.tolist() == [4.0]


def test_frames_that_are_not_finite_do_not_count():
    track = parts(40, 40)
    track.values[[3, 41]] = np.nan
    track.values[60, 2] = np.inf
    assert boundaries(track).times.tolist() == [20.0]


def test_vectors_of_the_frames_of_a_track():
    track = parts(40, 40)
    frames = Vectors(track.values, np.full(80, 7), track.times, "model", "layer", "frames")
    assert boundaries(frames).times.tolist() == [20.0]
    two = replace(frames, tracks=np.repeat([1, 2], 40))
    with pytest.raises(OptionError, match="frames of one track are expected, frames of 2 tracks were found; use embed"):
        boundaries(two)
    with pytest.raises(OptionError, match="one vector per track was found"):
        boundaries(replace(frames, times=None))
    with pytest.raises(OptionError, match=r"An embedding is expected, .* str was found"):
        boundaries("song.ogg")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernel": 0}, "kernel is a number of seconds above 0, 0 was found"),
        ({"kernel": float("nan")}, "kernel is a number"),
        ({"kernel": "8"}, "kernel is a number"),
        ({"prominence": 2}, "prominence is a number from 0 to 1, 2 was found"),
        ({"min_distance": -1}, "min_distance is a number of seconds, 0 or more, -1"),
    ],
)
def test_options_out_of_range(options, message):
    with pytest.raises(OptionError, match=message):
        boundaries(parts(9, 9), **options)


# Scores. -------------------------------------------------------------------------------------------------------------


def test_scores_as_mir_eval_gives_them():
    # mir_eval 0.8.2: segment.detection(..., trim=True or False) and segment.deviation(...)
    found = replace(boundaries(parts(20, 180)), times=np.array([1.2, 9.6, 10.4, 33.0, 61.5, 88.0]), duration=100.0)
    scores = found.score([0.0, 10.0, 30.0, 61.0, 70.0, 88.4])
    assert list(scores) == [
        "Precision@0.5", "Recall@0.5", "F-measure@0.5", "Precision@3.0", "Recall@3.0", "F-measure@3.0",
        "Ref-to-est deviation", "Est-to-ref deviation",
    ]  # fmt: skip
    np.testing.assert_allclose(
        list(scores.values()), [0.5, 0.6, 6 / 11, 2 / 3, 0.8, 8 / 11, 0.5, 0.45], rtol=0, atol=1e-9
    )
    both = found.score([(0, 10), (10, 30), (30, 61), (61, 70), (70, 88.4), (88.4, 100)], trim=False)
    np.testing.assert_allclose(list(both.values()), [5 / 8, 5 / 7, 2 / 3, 3 / 4, 6 / 7, 0.8, 0.4, 0.4], atol=1e-9)


def test_sections_as_text_pairs_and_starts():
    found = boundaries(parts(40, 60, 30, 50))
    texts = "intro 0.0; verse 20.0; chorus 50; outro 65.2", [("intro", 0), ("verse", 20), ("x", 50), ("y", 65.2)]
    for sections in (*texts, [20, 50, 65.2], np.array([0, 20, 50, 65.2])):
        assert found.score(sections)["Ref-to-est deviation"] == 0
    nothing = found.score([0.0])
    assert nothing["F-measure@3.0"] == 0
    assert np.isnan(nothing["Ref-to-est deviation"])


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ("", "Known sections are a text"),
        ("verse", "Known sections are a text"),
        ([], "Known sections are"),
        ([np.nan], "Known sections are"),
        ([-1.0, 3.0], "Known sections are"),
        (5, "Known sections are"),
        (np.zeros((3, 3)), "Known sections are"),
        ([9.0, 3.0], "stand in the order of time"),
        ([20_000, 40_000], "first known section starts at 20000.0 s; are these times in seconds"),
    ],
)
def test_what_are_no_sections(sections, message):
    with pytest.raises(OptionError, match=message):
        boundaries(parts(9, 9)).score(sections)


def test_sample_tracks_have_most_of_the_sections_they_were_written_with(home, root):
    with (root / "sample_audio" / "tracks.csv").open() as file:
        known = {row["file"]: row["sections"] for row in csv.DictReader(file)}
    names = ["drums.ogg", "electronic.mp3", "metal.ogg"]
    scores = [
        boundaries(embviz.embed(root / "sample_audio" / name, "musicnn")).score(known[name])["F-measure@3.0"]
        for name in names
    ]
    assert np.mean(scores) > 0.8
