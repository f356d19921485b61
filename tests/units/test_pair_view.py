"""Pairs of tracks that are looked through: each is aligned when it is opened."""

import numpy as np
import pytest

from embviz.analysis.alignment import align_frames
from embviz.audio import Audio
from embviz.core.embedding import Embedding, FrameGrid
from embviz.errors import AudioError
from embviz.units.comparison import AlignedPair
from embviz.units.pair_view import PairView

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
    return AlignedPair((sound, sound), (frames, frames), align_frames(frames, frames), ())


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
