"""The plane of two dimensions: the Python half, and the script in a real browser."""

import numpy as np
import pytest
from factories import traits_of

from embviz.core.embedding import Embedding, FrameGrid
from embviz.errors import OptionError
from embviz.widgets.plane import Plane

T = 10
GRID = FrameGrid(1000, 2000, 2000, 2000, 0, T, 2000 * T)  # frames of 2 s, centred on 1, 3, 5 … s
SIDE, LEFT, TOP = 460, 58, 12  # of the square in a widget of 900 pixels
HOSTILE = '<img src=x onerror="alert(1)">'


def way(*, names=("arousal", "valence"), unit="", info=None, values=None):
    if values is None:
        values = np.column_stack([np.linspace(8, 2, T), np.linspace(2, 8, T)])
    return Embedding(np.asarray(values, np.float32), GRID, "m", "a head", labels=names, unit=unit, info=info or {})


def deam(**options):
    return way(info={"head": "deam-msd-musicnn-2"}, **options)


def values_of(widget):
    return np.frombuffer(widget.values, "<f4").reshape(-1, 2)


def pixel(x, y):
    """Where a value on 1–9 lies in the widget."""
    return LEFT + (x - 1) / 8 * SIDE, TOP + (1 - (y - 1) / 8) * SIDE


def mounted(bench, widget):
    element = bench.mount("s", "plane", traits_of(widget))
    bench.rest()
    return element


# Python. -------------------------------------------------------------------------------------------------------------


def test_valence_stands_on_the_horizontal_axis_whatever_their_order():
    widget = Plane.of(deam(), clock="c")
    assert widget.names == ["valence", "arousal"]
    assert values_of(widget)[[0, -1]].tolist() == [[2, 8], [8, 2]]
    assert widget.limits == [1, 9, 1, 9]
    assert widget.corners[0] == "excited, happy"
    assert widget.note == "1–9, the scale of the annotations"


def test_two_dimensions_can_be_named_or_numbered():
    other = way(names=("a", HOSTILE), unit="probability", values=np.tile([0.25, 0.5], (T, 1)))
    widget = Plane.of(other, x=HOSTILE, y=0)
    assert widget.names == [HOSTILE, "a"]
    assert (widget.limits, widget.corners) == ([0, 1, 0, 1], [])
    for given, told in ({"x": "b"}, "'b' was found"), ({"y": 2}, "2 was found"), ({"y": True}, "True was found"):
        with pytest.raises(OptionError, match=f"name of a dimension or its number below 2, {told}"):
            Plane.of(other, **given)
    with pytest.raises(OptionError, match="A plane needs two dimensions, 'a head' has 1"):
        Plane.of(way(names=("a",), values=np.zeros((T, 1))))
    with pytest.raises(OptionError, match="no option 'clok'"):
        Plane.of(other, clok="c")


def beyond():
    values = np.full((T, 2), 5.0)
    values[3], values[4, 0], values[5, 0] = (12, 5), np.nan, np.inf
    return Plane.of(deam(values=values), clock="c")


def test_values_beyond_the_scale_stay_as_they_are_and_are_counted():
    widget = beyond()
    assert values_of(widget)[3].tolist() == [5, 12]
    assert np.isnan(values_of(widget)[4:6, 1]).all()
    assert widget.note.endswith("1 frame beyond the scale, drawn at its edge")


def test_without_a_scale_axes_fit_the_values():
    widget = Plane.of(way(names=("a", "b")))
    assert widget.limits == pytest.approx([1.7, 8.3, 1.7, 8.3])
    constant = Plane.of(way(names=("a", "b"), values=np.zeros((T, 2))))
    assert constant.limits == pytest.approx([-0.05, 0.05, -0.05, 0.05])
    nothing = Plane.of(way(names=("a", "b"), values=np.full((T, 2), np.nan)))
    assert np.isfinite(nothing.limits).all()


def test_its_still_is_a_picture_with_the_means():
    still = Plane.of(deam(), title="a track").still()
    assert still.lines[0] == "Means over 10 frames: valence 5.00, arousal 5.00"
    assert still.picture()["image/png"]


# In a browser. -------------------------------------------------------------------------------------------------------


def test_the_playhead_walks_on_the_way(bench):
    element = mounted(bench, Plane.of(deam(), clock="c"))
    dot = element.locator(".ev-plane-dot")
    for seconds, x, y in (1, 2, 8), (19, 8, 2), (10, 5, 5):
        bench.clock("c", f"c => c.seek({seconds})")
        bench.rest()
        box, stage = dot.bounding_box(), element.locator(".ev-plane-stage").bounding_box()
        place = (box["x"] + 7 - stage["x"], box["y"] + 7 - stage["y"])
        assert place == pytest.approx((pixel(x, y)[0] - LEFT, pixel(x, y)[1] - TOP), abs=1)
    assert element.locator(".ev-plane-now").inner_text() == "0:10 · valence 5.33 · arousal 4.67"


def test_a_value_beyond_the_scale_is_drawn_at_its_edge_and_read_as_it_is(bench):
    element = mounted(bench, beyond())
    bench.clock("c", "c => c.seek(7)")
    bench.rest()
    box, stage = (element.locator(name).bounding_box() for name in (".ev-plane-dot", ".ev-plane-stage"))
    assert box["y"] + 7 - stage["y"] == pytest.approx(0, abs=1)
    assert element.locator(".ev-plane-now").inner_text() == "0:07 · valence 5.00 · arousal 12.00"


def test_a_click_on_the_way_seeks_and_one_beside_it_does_not(bench):
    element = mounted(bench, Plane.of(deam(), clock="c"))
    plot = element.locator(".ev-plane-plot")
    x, y = pixel(*np.linspace([2, 8], [8, 2], T)[4])
    plot.click(position={"x": x + 3, "y": y})
    assert bench.clock("c")["time"] == pytest.approx(9)
    plot.click(position={"x": pixel(8, 8)[0], "y": pixel(8, 8)[1]})
    assert bench.clock("c")["time"] == pytest.approx(9)
    plot.hover(position={"x": x, "y": y + 3})
    bench.rest()
    assert element.locator(".ev-tip").inner_text() == "0:09 · valence 4.67 · arousal 5.33"
    assert bench.clock("c", "c => c.hover") == pytest.approx(9)


def test_keys_move_the_playhead(bench):
    element = mounted(bench, Plane.of(deam(), clock="c"))
    element.locator(".ev-plane-stage").focus()
    bench.page.keyboard.press("ArrowRight")
    assert bench.clock("c")["time"] > 0


def test_what_there_is_to_say_stands_in_place_of_the_way(bench):
    nothing = deam(values=np.full((T, 2), np.nan))
    element = mounted(bench, Plane.of(nothing, clock="c", title=HOSTILE))
    assert element.locator(".ev-plot-message").inner_text() == "No values to draw."
    assert element.locator(".ev-plane-dot").is_hidden()
    assert element.locator("img").count() == 0
    assert element.locator(".ev-plot-title").inner_text() == HOSTILE
