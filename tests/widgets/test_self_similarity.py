"""The square of time × time: its Python half, and the script in a real browser."""

import numpy as np
import pytest

from embviz.analysis.self_similarity import self_similarity
from embviz.core.embedding import Embedding, FrameGrid
from embviz.errors import OptionError
from embviz.widgets.self_similarity import SelfSimilarity

N, RATE = 20, 1000
# Cells of 2 s: borders at 1, 3, 5 … 41 s of 44.
GRID = FrameGrid(RATE, 2000, 4000, 4000, 0, N, 44000)
LEFT, SIDE = 76, 352  # of the square in a widget of 500 pixels

VIRIDIS = {1: (0x44, 0x01, 0x54), 255: (0xFD, 0xE7, 0x25)}


def embedding(values=None):
    values = np.random.default_rng(1).normal(size=(N, 7)) if values is None else values
    return Embedding(values.astype(np.float32), GRID, "model", "layer", title="track")


def state(widget):
    names = ["clock", "title", "cells", "n", "low", "high", "edges", "meaning", "sections", "size", "message"]
    names += ["novelty", "novelty_times", "boundaries", "kernel", "prominence", "agreement", "adjustable"]
    return {name: getattr(widget, name) for name in names}


def field(**traits):
    """A matrix that is not symmetric, so that its axes can be told apart: bright in one row."""
    cells = np.full((N, N), 1, dtype=np.uint8)
    cells[3, 5:] = 255
    return state(SelfSimilarity.of(embedding(), clock="c", title="")) | {"cells": cells.tobytes()} | traits


def pixel(element, x, y):
    """Return the colour of a point of the square, in shares of its side from the left and from the bottom."""
    script = """(canvas, [left, top, side, x, y]) => {
      const ratio = devicePixelRatio;
      const at = [(left + x * side) * ratio, (top + (1 - y) * side) * ratio].map(Math.round);
      return [...canvas.getContext("2d").getImageData(...at, 1, 1).data].slice(0, 3);
    }"""
    stage = element.locator(".ev-similarity-stage")
    top = stage.evaluate("el => el.offsetTop")
    left, side = stage.evaluate("el => [el.offsetLeft, el.offsetWidth]")
    return tuple(element.locator("canvas").evaluate(script, [left, top, side, x, y]))


def settled(bench):
    """Wait until what was asked for is drawn."""
    bench.rest(60)


def point(element, x, y):
    box = element.locator(".ev-similarity-stage").bounding_box()
    return box["x"] + x / 44 * box["width"], box["y"] + (1 - y / 44) * box["height"]


# -- Python -----------------------------------------------------------------------------------------------------------


def test_the_matrix_travels_as_bytes_between_minus_one_and_one():
    source = embedding()
    widget = SelfSimilarity.of(source, clock="c")
    matrix, grid = self_similarity(source)
    codes = np.frombuffer(widget.cells, dtype=np.uint8).reshape(N, N)
    assert (widget.n, widget.low, widget.high, widget.clock) == (N, -1, 1, "c")
    assert widget.title == "track · model · layer"
    assert widget.edges["n_frames"] == grid.n_frames
    np.testing.assert_allclose(widget.low + (codes - 1.0) / 254 * 2, matrix, atol=1 / 254)
    assert (np.diag(codes) == 255).all()


def test_what_is_missing_is_empty():
    values = np.random.default_rng(2).normal(size=(N, 4))
    values[4] = np.nan
    codes = np.frombuffer(SelfSimilarity.of(embedding(values)).cells, dtype=np.uint8).reshape(N, N)
    assert not codes[4].any()
    assert not codes[:, 4].any()
    assert np.delete(np.delete(codes, 4, 0), 4, 1).all()


def test_another_embedding_takes_its_place():
    widget = SelfSimilarity.of(embedding())
    widget.message = "failed"
    widget.update(embedding()[10:20])
    assert widget.n == len(embedding()[10:20])
    assert len(widget.cells) == widget.n**2
    assert not widget.message


def test_unknown_options_are_refused_and_clocks_are_own():
    with pytest.raises(OptionError, match=r"no option 'sise'.*'size'"):
        SelfSimilarity.of(embedding(), sise=3)
    assert SelfSimilarity.of(embedding()).clock != SelfSimilarity.of(embedding()).clock


def halves():
    """An embedding whose first half says one thing, and whose second half another; the border is at 21 s."""
    values = np.zeros((N, 3), np.float32)
    values[:10, 0] = values[10:, 1] = 1
    return embedding(values + np.random.default_rng(5).normal(scale=0.01, size=values.shape))


def test_the_boundary_of_two_halves_is_found_and_scored_against_known_sections():
    sections = [{"name": "a", "start": 0.0}, {"name": "b", "start": 20.0}]
    widget = SelfSimilarity.of(halves(), kernel=16.0, prominence=0.2, sections=sections)
    assert widget.boundaries == [21.0]
    times, novelty = (np.frombuffer(data, "<f4") for data in (widget.novelty_times, widget.novelty))
    assert times[novelty.argmax()] == 21
    assert widget.agreement.startswith("F against 2 known sections: 0.00 within 0.5 s and 1.00 within 3 s")
    lines = widget.still().lines
    assert lines[1] == "1 boundary at 0:21.0 (kernel 16 s, prominence 0.2)"
    assert lines[2] == widget.agreement
    picture = widget.still().draw(1.0).pixels
    assert picture.shape[0] > 480 + 22, "the curve stands below the matrix"
    assert (picture[:480, round(21 / 44 * 479)] == picture[10, round(21 / 44 * 479)]).mean() > 0.9


def test_the_page_asks_for_another_kernel_and_gets_other_boundaries():
    widget = SelfSimilarity.of(halves(), prominence=0.0)
    before, finest = widget.novelty, len(widget.boundaries)
    widget.set_state({"kernel": 4.0, "prominence": 0.9})
    assert widget.novelty != before
    assert len(widget.boundaries) <= max(finest, 1)
    for wrong in ({"kernel": 0}, {"kernel": float("nan")}, {"prominence": 2}, {"kernel": "x"}, {"boundaries": [1.0]}):
        kept = widget.boundaries
        widget.set_state(wrong)
        assert (widget.kernel, widget.prominence, widget.boundaries) == (4.0, 0.9, kept)


@pytest.mark.parametrize("values", [np.zeros((N, 3)), np.full((N, 3), np.nan)])
def test_where_nothing_changes_there_is_no_boundary(values):
    widget = SelfSimilarity.of(embedding(values), sections=[{"name": "a", "start": 0.0}, {"name": "b", "start": 99.0}])
    assert widget.boundaries == []
    assert "0.00 within 3 s" in widget.agreement
    assert widget.still().lines[1].startswith("0 boundaries (kernel")


# -- the browser ------------------------------------------------------------------------------------------------------


def test_rows_rise_and_columns_run_to_the_right_between_their_true_borders(bench):
    element = bench.mount("s", "self_similarity", field(), width=500)
    settled(bench)
    stage = element.locator(".ev-similarity-stage")
    assert stage.evaluate("el => [el.offsetLeft, el.offsetWidth, el.offsetHeight]") == [LEFT, SIDE, SIDE]
    assert pixel(element, 30 / 44, 8 / 44) == VIRIDIS[255]
    assert pixel(element, 8 / 44, 30 / 44) == VIRIDIS[1]
    assert pixel(element, 10.7 / 44, 8 / 44) == VIRIDIS[1]
    assert pixel(element, 11.3 / 44, 8 / 44) == VIRIDIS[255]
    assert pixel(element, 30 / 44, 9.3 / 44) == VIRIDIS[1]
    outside = pixel(element, 0.4 / 44, 8 / 44)
    assert outside not in VIRIDIS.values()


def test_an_empty_cell_shows_what_is_behind(bench):
    cells = np.full((N, N), 255, dtype=np.uint8)
    cells[:, 10] = cells[10] = 0
    element = bench.mount("s", "self_similarity", field(cells=cells.tobytes()), width=500)
    settled(bench)
    assert pixel(element, 22 / 44, 8 / 44) == pixel(element, 0.4 / 44, 0.4 / 44)
    assert pixel(element, 20 / 44, 8 / 44) == VIRIDIS[255]
    bench.page.mouse.move(*point(element, 22, 8))
    settled(bench)
    assert "no value here" in element.locator(".ev-tip").inner_text()


def test_both_axes_follow_the_shared_view(bench):
    element = bench.mount("s", "self_similarity", field(), width=500)
    bench.clock("c", "c => c.setView(6, 16)")
    settled(bench)
    assert pixel(element, 0.6, 0.2) == VIRIDIS[255]
    assert pixel(element, 0.4, 0.2) == VIRIDIS[1]
    assert pixel(element, 0.6, 0.4) == VIRIDIS[1]


def test_click_seeks_to_one_time_and_shift_click_to_the_other(bench):
    element = bench.mount("s", "self_similarity", field(), width=500)
    settled(bench)
    assert bench.clock("c", "c => c.duration") == 44
    bench.page.mouse.click(*point(element, 11, 33))
    assert bench.clock("c")["time"] == pytest.approx(11, abs=0.2)
    bench.page.keyboard.down("Shift")
    bench.page.mouse.click(*point(element, 11, 33))
    bench.page.keyboard.up("Shift")
    assert bench.clock("c")["time"] == pytest.approx(33, abs=0.2)


def test_the_tip_tells_both_times_the_value_and_what_clicks_do(bench):
    element = bench.mount("s", "self_similarity", field(), width=500)
    settled(bench)
    bench.page.mouse.move(*point(element, 20, 8))
    settled(bench)
    tip = element.locator(".ev-tip")
    assert tip.is_visible()
    text = tip.inner_text().split("\n")
    assert text[0].startswith("0:20.")
    assert "× 0:0" in text[0]
    assert text[1] == "similarity 1.00"
    assert text[2] == "click: 0:20 · shift-click: 0:08"
    bench.page.mouse.move(*point(element, 20, 30))
    settled(bench)
    assert "similarity −1.00" in tip.inner_text()
    bench.page.mouse.move(5, 800)
    settled(bench)
    assert not tip.is_visible()


def test_the_playhead_crosses_itself_on_the_diagonal(bench):
    element = bench.mount("s", "self_similarity", field(), width=500)
    bench.clock("c", "c => c.seek(11)")
    settled(bench)
    stage = element.locator(".ev-similarity-stage").bounding_box()
    upright, level = (element.locator(".ev-playhead").nth(i).bounding_box() for i in (0, 1))
    assert upright["x"] + 1 - stage["x"] == pytest.approx(SIDE / 4, abs=0.6)
    assert level["y"] + 1 - stage["y"] == pytest.approx(SIDE * 3 / 4, abs=0.6)


def test_a_drag_selects_a_range_that_is_shown_on_both_axes(bench):
    element = bench.mount("s", "self_similarity", field(), width=500)
    settled(bench)
    bench.page.mouse.move(*point(element, 11, 20))
    bench.page.mouse.down()
    bench.page.mouse.move(*point(element, 15, 22))
    bench.page.mouse.move(*point(element, 22, 22))
    bench.page.mouse.up()
    assert bench.clock("c")["range"] == pytest.approx([11, 22], abs=0.2)
    settled(bench)
    stage = element.locator(".ev-similarity-stage").bounding_box()
    across, up = (element.locator(".ev-range").nth(i).bounding_box() for i in (0, 1))
    assert across["width"] == pytest.approx(SIDE / 4, abs=1.5)
    assert (up["y"] - stage["y"], up["height"]) == (pytest.approx(SIDE / 2, abs=1.5), pytest.approx(SIDE / 4, abs=1.5))


def test_a_wide_widget_keeps_a_square_in_its_middle(bench):
    element = bench.mount("s", "self_similarity", field(), width=1148)
    settled(bench)
    left, width, height = element.locator(".ev-similarity-stage").evaluate(
        "e => [e.offsetLeft, e.offsetWidth, e.offsetHeight]"
    )
    assert (left, width, height) == (76 + 180, 640, 640)


def test_the_square_fits_into_the_height_that_it_is_given(bench):
    element = bench.mount("s", "self_similarity", field(), width=1148)
    stage = element.locator(".ev-similarity-stage")
    for room in (500, 420):
        element.evaluate("(el, room) => el.style.setProperty('--ev-similarity-room', `${room}px`)", room)
        settled(bench)
        assert stage.bounding_box()["width"] == stage.bounding_box()["height"]
        assert element.bounding_box()["height"] == pytest.approx(room, abs=2)
    element.evaluate("el => el.style.setProperty('--ev-similarity-room', '90px')")
    settled(bench)
    assert stage.bounding_box()["height"] == 280


def test_the_keyboard_moves_the_playhead(bench):
    element = bench.mount("s", "self_similarity", field(), width=500)
    settled(bench)
    element.locator(".ev-similarity-stage").focus()
    bench.page.keyboard.press("ArrowRight")
    assert bench.clock("c")["time"] == 5
    bench.page.keyboard.press("+")
    view = bench.clock("c")["view"]
    assert view[1] - view[0] < 44


def test_names_are_text_and_there_is_a_label(bench):
    hostile = "<img src=x onerror=alert(1)>"
    sections = [{"name": hostile, "start": 0}, {"name": "b", "start": 20}]
    element = bench.mount("s", "self_similarity", field(title=hostile, sections=sections), width=500)
    settled(bench)
    assert element.locator("img").count() == 0
    assert hostile in element.inner_text()
    canvas = element.locator("canvas")
    assert canvas.get_attribute("role") == "img"
    assert "20 × 20 frames" in canvas.get_attribute("aria-label")
    assert element.get_by_role("group", name="Self-similarity of").get_attribute("tabindex") == "0"
    assert "Space" in element.locator(".ev-similarity-stage").get_attribute("aria-label")


def test_it_has_a_name_before_there_is_room_to_draw_it(bench):
    bench.page.add_style_tag(content="[data-ref] { display: none; }")
    element = bench.mount("s", "self_similarity", field(), width=500)
    assert "20 × 20 frames" in element.locator("canvas").get_attribute("aria-label")


@pytest.mark.parametrize("t", [0, 1])
def test_one_frame_or_none(bench, t):
    source = embedding()
    short = Embedding(source.values[:t], source.grid[0 : 2 * t], "m", "l") if not t else source[0:3]
    element = bench.mount("s", "self_similarity", state(SelfSimilarity.of(short, clock="c")), width=500)
    settled(bench)
    assert element.locator(".ev-plot-message").is_visible() == (t == 0)


def test_a_message_takes_the_place_of_the_matrix_and_goes_with_it(bench):
    element = bench.mount("s", "self_similarity", field(message="Computing …"), width=500)
    settled(bench)
    assert element.locator(".ev-plot-message").inner_text() == "Computing …"
    bench.change("s", "message", "")
    settled(bench)
    assert not element.locator(".ev-plot-message").is_visible()


def test_nothing_is_left_when_the_view_goes(bench):
    element = bench.mount("s", "self_similarity", field(), width=500)
    settled(bench)
    bench.page.evaluate("bench.widgets.s.abort.abort()")
    assert element.locator("*").count() == 0
    bench.clock("c", "c => { c.seek(5); c.setView(1, 3); }")
    assert not bench.page.evaluate("[...bench.widgets.s.model.listeners.values()].some((set) => set.size)")


def test_boundaries_stand_on_the_matrix_the_curve_and_the_clock(bench):
    element = bench.mount("s", "self_similarity", field(**found_state()), width=500)
    settled(bench)
    assert bench.clock("c", "c => c.boundaries") == [21.0]
    lane = element.locator(".ev-similarity-novelty")
    stage = element.locator(".ev-similarity-stage").bounding_box()
    box = lane.bounding_box()
    assert (box["x"], box["width"]) == (stage["x"], stage["width"]), "one axis for both"
    assert sum(pixel(element, 21 / 44, 0.8)) > sum(pixel(element, 21.5 / 44, 0.8)) + 200
    bench.page.mouse.move(box["x"] + box["width"] * 21 / 44, box["y"] + 20)
    settled(bench)
    assert element.locator(".ev-tip").inner_text().startswith("boundary at 0:21.0\nnovelty 1.0\n")
    bench.page.mouse.click(box["x"] + box["width"] * 11 / 44, box["y"] + 20)
    assert bench.clock("c")["time"] == pytest.approx(11, abs=0.2)
    assert "1 boundary: 0:21.0." in element.locator("canvas").get_attribute("aria-label")
    assert "1 boundary" in element.locator(".ev-similarity-form").inner_text()


def test_keys_and_buttons_lead_from_boundary_to_boundary(bench):
    element = bench.mount("s", "self_similarity", field(**found_state() | {"boundaries": [10.0, 21.0]}), width=500)
    settled(bench)
    element.locator(".ev-similarity-stage").focus()
    for key, time in ((".", 10), (".", 21), (".", 21), (",", 10), (",", 0)):
        bench.page.keyboard.press(key)
        assert bench.clock("c")["time"] == time
    element.get_by_role("button", name="Boundary after").click()
    assert bench.clock("c")["time"] == 10
    bench.page.evaluate("bench.widgets.s.abort.abort()")
    assert bench.clock("c", "c => c.boundaries") == []


def test_sliders_ask_python_and_a_page_without_python_has_none(bench):
    element = bench.mount("s", "self_similarity", field(**found_state()), width=500)
    kernel = element.get_by_role("slider", name="Kernel")
    assert kernel.input_value() == "16"
    kernel.fill("30")
    bench.page.wait_for_function("bench.widgets.s.model.get('kernel') === 30")
    assert "30 s" in element.locator(".ev-similarity-form").inner_text()
    bench.change("s", "adjustable", False)
    assert kernel.count() == 0
    assert "kernel 30 s, prominence 0.2" in element.locator(".ev-similarity-form").inner_text()


def found_state():
    widget = SelfSimilarity.of(halves(), kernel=16.0, prominence=0.2)
    names = ("novelty", "novelty_times", "boundaries", "kernel", "prominence", "agreement")
    return {name: getattr(widget, name) for name in names} | {"adjustable": True}
