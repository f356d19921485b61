"""Curves over time: the Python half, and the script in a real browser."""

import json

import numpy as np
import pytest
from factories import traits_of

from embviz.core.embedding import Embedding, FrameGrid
from embviz.errors import OptionError
from embviz.widgets.curves import Curves

D, T = 20, 30
# Cells of 2 s from 1 s on, of 64 s; each frame stands for 4 s.
GRID = FrameGrid(1000, 2000, 4000, 6000, 0, T, 64000)
LEFT, WIDTH = 76, 752  # of the plot in a widget of 900 pixels
HOSTILE = '<img src=x onerror="alert(1)">'


def labels():
    return ("rock", "jazz", "electronic", HOSTILE, "hard rock", *(f"tag {i}" for i in range(5, D)))


def values():
    """Dimension i lies at (20 - i) / 40, so that 0.5 is the highest; the last one wakes up at the end."""
    field = np.tile((D - np.arange(D)) / 40, (T, 1))
    field[25:, D - 1] = 0.9
    return field


def embedding(field=None, *, unit="probability", names=None, grid=GRID):
    field = np.asarray(values() if field is None else field, dtype=np.float32)
    return Embedding(field, grid, "model", "output", labels=labels() if names is None else names, unit=unit)


def curves(**traits):
    return traits_of(Curves.of(embedding(), clock="c", **traits))


def settled(bench):
    """Wait until what was asked for is ranked and drawn."""
    bench.rest(220)


def mounted(bench, shown, width=900):
    element = bench.mount("s", "curves", shown, width=width)
    settled(bench)
    return element


def rows(element):
    return element.locator("tbody th").all_inner_texts()


def column(element, n):
    return element.locator(f"tbody tr > :nth-child({n})").all_inner_texts()


def inked(element, seconds, value, top):
    """Whether there is a saturated colour within two pixels of a place of the plot."""
    script = """(canvas, [x, y]) => {
      const ratio = devicePixelRatio;
      const { data } = canvas.getContext("2d").getImageData((x - 1) * ratio, (y - 2) * ratio, 3 * ratio, 5 * ratio);
      for (let i = 0; i < data.length; i += 4) {
        const [r, g, b, a] = data.slice(i, i + 4);
        if (a > 120 && Math.max(r, g, b) - Math.min(r, g, b) > 60) return true;
      }
      return false;
    }"""
    height = element.locator(".ev-curves-stage").evaluate("el => el.offsetHeight")
    return element.locator("canvas").evaluate(script, [LEFT + seconds / 64 * WIDTH, 8 + height * (1 - value / top)])


# -- Python -----------------------------------------------------------------------------------------------------------


def test_it_has_the_traits_of_frames_and_its_own():
    widget = Curves.of(embedding(), clock="c", top=3, threshold=0.25, pins=[7])
    assert (widget.shape, widget.unit, widget.labels) == ([D, T], "probability", list(labels()))
    assert (widget.top, widget.threshold, widget.pins) == (3, 0.25, [7])
    with pytest.raises(OptionError, match=r"Curves has no option 'treshold'.*'threshold'"):
        Curves.of(embedding(), treshold=1)


# -- what is shown ----------------------------------------------------------------------------------------------------


def test_the_strongest_are_shown_with_their_numbers(bench):
    element = mounted(bench, curves())
    assert rows(element) == list(labels()[:5])
    assert column(element, 5) == ["0.50", "0.47", "0.45", "0.43", "0.40"]
    assert bench.clock("c", "c => c.duration") == 64


def test_how_many_is_the_readers_choice_and_python_hears_of_it(bench):
    element = mounted(bench, curves())
    element.get_by_label("How many curves").select_option("3")
    settled(bench)
    assert rows(element) == list(labels()[:3])
    assert bench.get("s", "top") == 3
    assert bench.page.evaluate("bench.widgets.s.model.saved") == [{"top": 3}]
    bench.change("s", "top", 0)
    settled(bench)
    assert len(rows(element)) == D


def test_what_is_strongest_depends_on_the_view_and_on_the_range(bench):
    element = mounted(bench, curves(top=3))
    bench.clock("c", "c => c.setView(54, 60)")
    settled(bench)
    assert rows(element) == ["tag 19", "rock", "jazz"]
    assert "mean 0:54–1:00" in element.locator("thead").inner_text()
    bench.clock("c", "c => c.setRange(55, 58)")
    bench.clock("c", "c => c.setRange(2, 10)")
    settled(bench)
    assert rows(element) == ["rock", "jazz", "electronic"]


def test_the_threshold_keeps_what_reaches_it_and_says_when_nothing_does(bench):
    element = mounted(bench, curves(top=0))
    slider = element.get_by_label("Show what reaches")
    slider.evaluate("el => { el.value = 0.46; el.dispatchEvent(new Event('input', { bubbles: true })); }")
    settled(bench)
    assert rows(element) == ["rock", "jazz", "tag 19"]
    assert bench.get("s", "threshold") == pytest.approx(0.46)
    bench.clock("c", "c => c.setView(0, 20)")
    settled(bench)
    assert rows(element) == ["rock", "jazz"]
    bench.change("s", "threshold", 0.8)
    settled(bench)
    assert "No curve reaches the threshold" in element.locator(".ev-plot-message").inner_text()


def test_the_search_lists_and_enter_adds(bench):
    element = mounted(bench, curves(top=3))
    box = element.get_by_role("combobox", name="Search for a curve to add")
    box.press_sequentially("ro")
    options = element.get_by_role("listbox").get_by_role("option")
    assert [text.split("\n")[0] for text in options.all_inner_texts()] == ["rock", "hard rock", "electronic", HOSTILE]
    box.press("ArrowDown")
    assert options.nth(1).get_attribute("aria-selected") == "true"
    box.press("Enter")
    settled(bench)
    assert bench.get("s", "pins") == [4]
    assert rows(element) == ["rock", "jazz", "electronic", "hard rock"]
    assert box.input_value() == ""
    assert element.get_by_role("listbox").count() == 0
    box.fill("nothing like it")
    assert "none of that name" in element.locator(".ev-curves-matches").inner_text()
    box.press("Enter")
    box.press("Escape")
    assert bench.get("s", "pins") == [4]


def test_a_name_that_is_clicked_is_added(bench):
    element = mounted(bench, curves(top=3))
    element.get_by_role("combobox", name="Search for a curve to add").fill("tag 1")
    element.get_by_role("option", name="tag 12").click()
    settled(bench)
    assert bench.get("s", "pins") == [12]


def test_pins_stay_whatever_is_strongest_and_can_be_taken_off(bench):
    element = mounted(bench, curves(top=3, pins=[15]))
    assert rows(element) == ["rock", "jazz", "electronic", "tag 15"]
    bench.change("s", "threshold", 0.48)
    bench.clock("c", "c => c.setView(0, 40)")
    settled(bench)
    assert rows(element) == ["rock", "tag 15"]
    pin = element.get_by_role("button", name="Keep tag 15 shown")
    assert pin.get_attribute("aria-pressed") == "true"
    pin.click()
    settled(bench)
    assert bench.get("s", "pins") == []
    assert rows(element) == ["rock"]


def test_a_curve_keeps_its_color_while_others_come_and_go(bench):
    element = mounted(bench, curves(top=3))

    def color(name):
        row = element.locator("tbody tr", has=bench.page.get_by_role("rowheader", name=name, exact=True))
        return row.locator("line").evaluate("el => [el.getAttribute('stroke'), el.getAttribute('stroke-dasharray')]")

    before = color("jazz")
    bench.clock("c", "c => c.setView(54, 60)")
    settled(bench)
    assert color("jazz") == before
    looks = element.locator("tbody line").evaluate_all("all => all.map((el) => el.outerHTML)")
    assert len(set(looks)) == 3


# -- the plot ---------------------------------------------------------------------------------------------------------


def test_curves_are_steps_at_the_true_borders_between_the_common_gutters(bench):
    field = np.full((T, 2), 0.1)
    field[10, 1] = 0.45  # its cell is [21, 23)
    element = mounted(bench, traits_of(Curves.of(embedding(field, names=("a", "b")), clock="c")))
    top = 0.5
    assert element.locator(".ev-curves-stage").evaluate("el => [el.offsetLeft, el.offsetWidth]") == [LEFT, WIDTH]
    assert inked(element, 22, 0.45, top)
    assert inked(element, 21.0, 0.3, top)
    assert inked(element, 23.0, 0.3, top)
    assert not inked(element, 22, 0.3, top)
    assert not inked(element, 20, 0.45, top)
    assert inked(element, 40, 0.1, top)
    assert not inked(element, 0.5, 0.1, top)


def test_numbers_and_bars_follow_the_playhead(bench):
    field = np.zeros((T, 2))
    field[:, 0] = np.arange(T) / 100
    field[:, 1] = 0.5
    element = mounted(bench, traits_of(Curves.of(embedding(field, names=("up", "flat")), clock="c")))
    assert rows(element) == ["flat", "up"]
    for frame in (5, 20, 29):
        bench.clock("c", f"c => c.seek({2 * frame + 2})")
        settled(bench)
        assert float(column(element, 4)[1]) == pytest.approx(frame / 100, abs=0.006)
        meter = (
            element.locator(".ev-curves-meter i")
            .nth(1)
            .evaluate("el => new DOMMatrix(getComputedStyle(el).transform).a")
        )
        assert meter == pytest.approx(frame / 100 / 0.5, abs=0.02)
        stage = element.locator(".ev-curves-stage").bounding_box()
        line = element.locator(".ev-playhead").bounding_box()
        assert line["x"] + 1 - stage["x"] == pytest.approx((2 * frame + 2) / 64 * WIDTH, abs=0.6)
    assert "at 1:00.0" in element.locator("thead").inner_text()


def test_a_click_seeks_and_a_drag_selects(bench):
    element = mounted(bench, curves())
    box = element.locator(".ev-curves-stage").bounding_box()
    bench.page.mouse.click(box["x"] + WIDTH / 2, box["y"] + 40)
    assert bench.clock("c")["time"] == pytest.approx(32, abs=0.1)
    bench.page.mouse.move(box["x"] + WIDTH / 4, box["y"] + 40)
    bench.page.mouse.down()
    bench.page.mouse.move(box["x"] + WIDTH / 2, box["y"] + 60, steps=4)
    bench.page.mouse.up()
    assert bench.clock("c")["range"] == pytest.approx([16, 32], abs=0.2)
    settled(bench)
    assert element.locator(".ev-range").bounding_box()["width"] == pytest.approx(WIDTH / 4, abs=2)


def test_the_tip_tells_what_was_heard_and_all_values(bench):
    element = mounted(bench, curves(top=3))
    box = element.locator(".ev-curves-stage").bounding_box()
    bench.page.mouse.move(box["x"] + 22 / 64 * WIDTH, box["y"] + 30)
    settled(bench)
    text = element.locator(".ev-tip").inner_text()
    assert "0:20.0 – 0:24.0 · probability" in text
    assert text.index("rock") < text.index("jazz") < text.index("electronic")
    assert "0.50" in text
    band = element.locator(".ev-curves-span").bounding_box()
    assert (band["x"] - box["x"], band["width"]) == (
        pytest.approx(20 / 64 * WIDTH, abs=1),
        pytest.approx(4 / 64 * WIDTH, abs=1),
    )


def test_tempo_has_an_axis_around_its_values_and_nothing_to_choose(bench):
    field = np.full((T, 1), 128.0)
    field[7:12] = 127
    element = mounted(
        bench, traits_of(Curves.of(embedding(field, unit="BPM", names=("tempo",)), clock="c", height=120))
    )
    assert rows(element) == ["tempo"]
    assert float(column(element, 5)[0]) == pytest.approx(127.8, abs=0.1)
    assert not element.locator(".ev-curves-tools").is_visible()
    assert element.locator(".ev-curves-plot").evaluate("el => el.offsetHeight") == 120


# -- states -----------------------------------------------------------------------------------------------------------


def test_names_are_text(bench):
    element = mounted(bench, curves(title=HOSTILE))
    assert element.locator("img").count() == 0
    assert HOSTILE in rows(element)
    box = element.locator(".ev-curves-stage").bounding_box()
    bench.page.mouse.move(box["x"] + 300, box["y"] + 30)
    settled(bench)
    assert HOSTILE in element.locator(".ev-tip").inner_text()
    assert element.locator("img").count() == 0


@pytest.mark.parametrize(
    ("field", "said"),
    [
        (np.zeros((0, 3)), "There are no frames to draw."),
        (np.full((T, 3), np.nan), "No values to draw."),
    ],
)
def test_without_values_it_says_so(bench, field, said):
    grid = GRID if len(field) else GRID[0:0]
    widget = Curves.of(embedding(field, names=("a", "b", "c"), grid=grid), clock="c")
    element = mounted(bench, traits_of(widget))
    assert element.locator(".ev-plot-message").inner_text() == said


def test_one_frame_and_missing_values(bench):
    field = np.array([[0.5, np.nan, 0.2]])
    widget = Curves.of(embedding(field, names=("a", "b", "c"), grid=GRID[0:1]), clock="c", pins=[1])
    element = mounted(bench, traits_of(widget))
    assert rows(element) == ["a", "c", "b"]
    assert column(element, 4) == ["0.50", "0.20", "–"]


def test_while_frames_still_come_it_says_so_and_takes_what_comes(bench):
    first = Curves.of(embedding(values()[:10], grid=GRID[0:10]), clock="c", complete=False)
    element = mounted(bench, traits_of(first))
    assert "more frames are being computed" in element.inner_text()
    whole = curves()
    for name in ("grid", "shape", "ranges", "cells", "complete"):
        bench.change("s", name, whole[name])
    settled(bench)
    assert "more frames" not in element.inner_text()
    bench.clock("c", "c => c.setView(54, 60)")
    settled(bench)
    assert rows(element)[0] == "tag 19"


def test_many_frames_are_drawn(bench):
    t = 22_500
    field = np.random.default_rng(1).random((t, 50)).astype(np.float32)
    grid = FrameGrid(16000, 256, 512, 512, 0, t, t * 256)
    widget = Curves.of(embedding(field, names=tuple(f"tag {i}" for i in range(50)), grid=grid), clock="c")
    element = mounted(bench, traits_of(widget))
    assert len(rows(element)) == 5


def test_the_table_is_one_for_screen_readers_and_everything_has_a_name(bench):
    element = mounted(bench, curves())
    assert element.get_by_role("table").count() == 1
    assert element.get_by_role("rowheader", name="jazz").count() == 1
    assert "rock, jazz" in element.get_by_role("img").get_attribute("aria-label")
    unnamed = element.locator("button, select, input").evaluate_all(
        "all => all.filter((el) => !el.getAttribute('aria-label') && !el.labels?.length).map((el) => el.outerHTML)"
    )
    assert unnamed == []


def test_two_on_one_clock_follow_each_other(bench):
    mounted(bench, curves())
    other = bench.mount("t", "curves", curves(), width=700)
    settled(bench)
    bench.clock("c", "c => c.setView(0, 32)")
    bench.clock("c", "c => c.seek(16)")
    settled(bench)
    stage, line = other.locator(".ev-curves-stage").bounding_box(), other.locator(".ev-playhead").bounding_box()
    assert line["x"] + 1 - stage["x"] == pytest.approx(stage["width"] / 2, abs=0.6)


def test_nothing_is_left_when_the_view_goes(bench):
    element = mounted(bench, curves())
    bench.page.evaluate("bench.widgets.s.abort.abort()")
    assert element.locator("*").count() == 0
    bench.clock("c", "c => { c.seek(5); c.setView(1, 3); }")
    assert not bench.page.evaluate("[...bench.widgets.s.model.listeners.values()].some((set) => set.size)")
    assert json.dumps(bench.sent("s")) == "[]"
