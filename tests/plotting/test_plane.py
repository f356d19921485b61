"""The figure of a plane."""

import numpy as np
import pytest

from embviz.core.embedding import Embedding, FrameGrid
from embviz.errors import OptionError
from embviz.plotting import plane

T = 12
HOSTILE = "<b>a</b>"


def way(names, *, head="", unit=""):
    values = np.column_stack([np.linspace(2, 12, T), np.linspace(8, 1, T)]).astype(np.float32)
    grid = FrameGrid(1000, 2000, 2000, 2000, 0, T, 2000 * T)
    return Embedding(values, grid, "m", "a head", labels=names, unit=unit, title="a track", info={"head": head})


def test_the_way_is_drawn_on_the_scale_of_the_annotations():
    figure = plane(way(("valence", "arousal"), head="muse-msd-musicnn-2"))
    assert tuple(figure.layout.xaxis.range) == tuple(figure.layout.yaxis.range) == (1, 9)
    track, begin, end = figure.data
    assert (len(track.x), max(track.x)) == (T, 9)
    assert tuple(track.customdata[-1]) == ("0:23", "12.000", "1.000")  # pointed at, a frame says its own values
    assert (begin.marker.symbol, end.marker.symbol) == ("circle-open", "square-open")
    told = " ".join(note.text for note in figure.layout.annotations)
    assert "12 frames · 1–9, the scale of the annotations · 4 frames beyond the scale, drawn at its edge" in told
    assert "excited, happy" in told
    assert figure.layout.width - 64 - 90 == figure.layout.height - 70 - 56  # a square


def test_any_two_dimensions_are_drawn_and_their_names_are_text():
    figure = plane(way((HOSTILE, "b")), x="b", y=0)
    assert "&lt;b&gt;a" in figure.layout.yaxis.title.text
    assert figure.data[0].x[0] == 8
    assert not figure.layout.shapes


def test_what_is_no_embedding_is_refused():
    with pytest.raises(OptionError, match=r"^An embedding is expected, .* ndarray was found"):
        plane(np.zeros((3, 2)))
