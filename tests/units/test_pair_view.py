"""Pairs of tracks that are looked through: each is aligned when it is opened."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from embviz.audio import Audio
from embviz.collection import Collection
from embviz.core.embedding import Embedding, FrameGrid
from embviz.errors import AudioError
from embviz.units.comparison import AlignedPair
from embviz.units.near_duplicates import NearDuplicates
from embviz.units.pair_view import PairView, near_duplicates_view

PAIRS = [
    {"a": "studio", "b": "studio (remaster)", "evidence": ["similarity 0.98", "3 dB louder"]},
    {"a": "<b>\n", "b": "two", "evidence": []},
    {"a": "one", "b": "two", "evidence": []},
]


@pytest.fixture
def aligned():
    """What is compared of two short tracks."""
    sound = Audio.open((np.random.default_rng(0).normal(0, 0.1, 8000 * 8).astype(np.float32), 8000))
    grid = FrameGrid(8000, 8000, 8000, 8000, 0, 8, 64_000)
    frames = Embedding(np.random.default_rng(1).normal(size=(8, 4)).astype(np.float32), grid, "model", "layer")
    return AlignedPair((sound, sound), (frames, frames), [[0, 0], [8, 8]], same_piece=True, message="One.", about="")


def hear(view, **content):
    view.widget._receive(None, content, [])
    view.wait(20)


def test_a_pair_that_is_opened_is_aligned_and_shown_under_its_own_names(aligned):
    asked = []

    def align(pair, report):
        asked.append(pair)
        report("aligning", 1, 2)
        return aligned

    view = PairView("3 pairs", PAIRS, align)
    hear(view, kind="open_pair", pair=0)
    assert (asked, view.widget.chosen, view.widget.work["status"]) == ([0], 0, "ready")
    assert view.widget.work["view"].startswith("IPY_MODEL_")
    first = view._comparison
    assert first.names == ["studio", "studio (remaster)"]
    assert first.same_piece
    hear(view, kind="open_pair", pair=1)
    assert first.comm is None, "the one before is taken off the page"
    assert "\n" not in view._comparison.names[0]
    view.close()


def test_what_cannot_be_opened_is_said(aligned):
    def align(pair, report):
        raise AudioError("'gone.wav' does not exist.")

    view = PairView("3 pairs", PAIRS, align)
    hear(view, kind="open_pair", pair=2)
    assert (view.widget.work["status"], view.widget.work["message"]) == ("failed", "'gone.wav' does not exist.")
    hear(view, kind="open_pair", pair=7)
    assert view.widget.work["message"] == "There are 3 pairs, number 8 was asked for."
    view.close()


@pytest.fixture
def found(tmp_path, root):
    """A pair as near-duplicates are found: the second track is 3 s of the first, from its second second on, faster."""
    samples, rate = soundfile.read(root / "sample_audio" / "folk.ogg", dtype="float32", stop=8 * 44_100)
    soundfile.write(tmp_path / "a.wav", samples, rate)
    soundfile.write(tmp_path / "b.wav", samples[2 * rate : 5 * rate], int(rate * 1.25))
    collection = Collection.from_paths([tmp_path / "a.wav", tmp_path / "b.wav"])
    row = {
        "track_a": collection.table.index[0], "track_b": collection.table.index[1], "name_a": "<b>a</b>", "name_b": "b",
        "similarity": 0.913, "aligned": 1.0, "offset": 2.0, "speed": 1.25, "level": 0.0, "duration_a": 8.0,
        "duration_b": 2.4, "evidence": "25.0 % faster",
    }  # fmt: skip
    return NearDuplicates(pd.DataFrame([row]), collection, 0.6, ("c.wav was not compared: it is <empty>.",))


def test_near_duplicates_are_linked_by_their_evidence(home, found):
    assert found.widget.pairs == [{
        "a": "<b>a</b>", "b": "b", "evidence": ["25.0 % faster", "similarity 0.91 over 100 % of the shorter one"],
    }]  # fmt: skip
    assert found.widget.title == "1 pair of near-duplicates among 2 tracks"
    assert found.widget is found.widget
    assert found.widget.still().lines == found.notes
    view = near_duplicates_view(found)
    hear(view, kind="open_pair", pair=0)
    shown = view._comparison
    assert shown.same_piece
    assert shown.names == ["<b>a</b>", "b"]
    assert shown.message == "Near-duplicates: 25.0 % faster; similarity 0.91 over 100 % of the shorter one."
    path = np.frombuffer(shown.path, np.float32).reshape(-1, 2)
    np.testing.assert_allclose(path, [[2, 0], [5, 2.4]], atol=1e-3)


def test_a_pair_whose_file_is_gone_says_so(home, found):
    (Path(found.collection.table["path"].iloc[1])).unlink()
    view = near_duplicates_view(found)
    hear(view, kind="open_pair", pair=0)
    assert view.widget.work["status"] == "failed"
    assert "b.wav" in view.widget.work["message"]


def test_where_there_are_none_it_says_so(home, found):
    none = NearDuplicates(found.table.head(0), found.collection, 0.6)
    assert none.widget.message == "No two of 2 tracks have a similarity of 0.6 or more."
    assert none.widget.pairs == []
