"""The map: its Python half, and its scripts in a real browser, drawn by WebGL and on a canvas.

WebGL draws in software where there is no graphics card.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from factories import luminance

from embviz.errors import OptionError
from embviz.plotting.axes import encode_axis
from embviz.plotting.encodings import CATEGORIES, DARK_PALETTE, LIGHT_PALETTE, encode_colors, encode_sizes
from embviz.widgets.scatter import Scatter

N = 60
HOSTILE = ["<img src=x onerror=alert(1)>\"'", "\u202eevil\u202c עברית", "🎧 Ünïcødé"]


def plane():
    """Points on a grid of 10 × 6, far enough from each other for a hand."""
    return np.stack(np.meshgrid(np.arange(10.0), np.arange(6.0)), axis=-1).reshape(-1, 2)


def columns(n=N):
    return [
        {"name": "title", "values": [f"Track {i}" for i in range(n)]},
        {"name": "artist", "values": [f"Artist {i % 7}" for i in range(n)]},
        {"name": "year", "kind": "number", "values": [1960 + i for i in range(n)]},
    ]


def genres(n=N):
    return [("rock", "jazz", "folk", None)[i % 4] for i in range(n)]


def made(renderer="canvas", xy=None, **options):
    options = {"columns": columns(), "clock": "c", "color": encode_colors(genres(), title="genre")} | options
    return Scatter.of(plane() if xy is None else xy, renderer=renderer, **options)


def state(widget):
    return {name: value for name, value in widget.get_state().items() if name[0] != "_" and name != "layout"}


DRAWN = """(root, [x, y]) => {
  const canvas = [...root.querySelectorAll(".ev-scatter-canvas:not([hidden])")].at(-1);
  const scale = canvas.width / canvas.getBoundingClientRect().width;
  const pen = new OffscreenCanvas(1, 1).getContext("2d");
  pen.drawImage(canvas, -Math.round(x * scale), -Math.round(y * scale));
  return [...pen.getImageData(0, 0, 1, 1).data];
}"""


class Mounted:
    """A map on a page, and the hands and eyes of a test."""

    def __init__(self, bench, widget, *, ref="m", width=900, there=False):
        self.bench, self.widget, self.ref, self.page = bench, widget, ref, bench.page
        if not there:
            bench.mount(ref, "scatter", state(widget), width=width)
        self.el = bench.page.locator(f"[data-ref='{ref}']")
        self.stage = self.el.locator(".ev-scatter-stage")
        self.settle()

    def settle(self, milliseconds=60):
        self.bench.rest(milliseconds)

    def at(self, i, dx=0, dy=0):
        """Where a point is on the screen while all of them are seen."""
        box = self.stage.bounding_box()
        xy = self.widget.xy.astype(float)
        low, high = xy.min(axis=0), xy.max(axis=0)
        places = self.seen(box, xy, low, high, 52)
        covered = self.el.locator(".ev-scatter-look").bounding_box()
        below = (np.array([covered["x"], covered["y"]]) - 10 < places).all(axis=1)
        if below.any():  # no point lies under the buttons
            places = self.seen(box, xy, low, high, 36 + box["y"] + box["height"] - covered["y"])
        x, y = places[i]
        return float(x + dx), float(y + dy)

    @staticmethod
    def seen(box, xy, low, high, room):
        k = min((box["width"] - 52) / (high - low)[0], (box["height"] - room) / (high - low)[1])
        x, y = ((xy - (low + high) / 2) * k).T
        return np.column_stack([box["x"] + box["width"] / 2 + x, box["y"] + (box["height"] - room) / 2 + 26 - y])

    def drag(self, *places, modifier=None):
        if modifier:
            self.page.keyboard.down(modifier)
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place, steps=6)
        self.page.mouse.up()
        if modifier:
            self.page.keyboard.up(modifier)
        self.settle()

    def around(self, first, last):
        """The corners of a rectangle around the points of a grid."""
        (left, low), (right, high) = self.at(first, -12, 12), self.at(last, 12, -12)
        return (left, low), (right, low), (right, high), (left, high)

    def color(self, i):
        """The colour in the middle of a point, as the surface has drawn it."""
        x, y = self.at(i)
        box = self.stage.bounding_box()
        red, green, blue, alpha = self.el.evaluate(DRAWN, [x - box["x"], y - box["y"]])
        # The one of WebGL is clear where there is nothing; the page is white.
        return tuple(round(value * alpha / 255 + 255 - alpha) if alpha < 255 else value for value in (red, green, blue))

    @property
    def selected(self):
        return self.page.evaluate(
            "ref => { const d = bench.widgets[ref].model.get('selected');"
            " return d ? [...new Uint32Array(d.buffer, d.byteOffset, d.byteLength / 4)] : []; }",
            self.ref,
        )

    @property
    def tip(self):
        tip = self.el.locator(".ev-scatter-tip")
        return tip.inner_text() if tip.is_visible() else ""

    @property
    def said(self):
        return self.el.locator(".ev-scatter > .ev-hidden[role=status]").inner_text()


@pytest.fixture(params=["canvas", "webgl"])
def mounted(request, bench):
    return Mounted(bench, made(request.param))


# -- Python -----------------------------------------------------------------------------------------------------------


def test_points_lie_between_minus_one_and_one_aspect_kept():
    widget = made()
    xy = np.frombuffer(widget.points, "<f4").reshape(N, 2)
    assert (xy.min(axis=0).tolist(), xy.max(axis=0).tolist()) == (
        [-1, pytest.approx(-5 / 9)],
        [1, pytest.approx(5 / 9)],
    )
    np.testing.assert_allclose(widget.place([[4.5, 2.5], [9, 5]]), [[0, 0], [1, 5 / 9]], atol=1e-6)


@pytest.mark.parametrize("xy", [np.zeros((0, 2)), [[3, 4]], [[3, 4]] * 5])
def test_none_one_or_all_in_one_place(xy):
    widget = Scatter.of(xy, columns=[], renderer="canvas")
    np.testing.assert_array_equal(np.frombuffer(widget.points, "<f4"), np.zeros(2 * len(xy)))


def test_moved_points_are_the_same_points():
    widget = made()
    widget.set_trail([[0, 0, 1]])
    widget.set_positions(plane() * [1, 3])
    assert widget.trail == b""
    np.testing.assert_array_equal(np.frombuffer(widget.points, "<f4").reshape(-1, 2), widget.xy)
    assert widget.xy[:, 1].max() == 1
    with pytest.raises(OptionError, match="60 points, not 2"):
        widget.set_positions(plane()[:2])


def test_moved_points_are_turned_and_mirrored_to_where_they_were():
    before = np.random.default_rng(1).normal(size=(N, 2))
    widget = made(xy=before)
    was = widget.xy.copy()
    # As two runs of a method may give them: mirrored, turned, on another scale, and a little elsewhere.
    angle = np.radians(130)
    turn = np.array([[np.cos(angle), np.sin(angle)], [np.sin(angle), -np.cos(angle)]])
    after = 7 * before @ turn + [3, -5]
    widget.set_positions(after)
    np.testing.assert_allclose(widget.xy, was, atol=1e-5)
    # What is given later, on the scale of the new positions, goes the same way.
    widget.set_trail(np.column_stack([after[:2], [0, 1]]))
    np.testing.assert_allclose(np.frombuffer(widget.trail, "<f4").reshape(2, 3)[:, :2], was[:2], atol=1e-5)


def test_categories_are_ranked_and_the_rest_is_one():
    values = [f"c{i:02}" for i in range(14) for _ in range(20 - i)] + [None, "", float("nan"), pd.NA]
    color, shades = encode_colors(values, title="genre")
    codes = np.frombuffer(shades, np.uint8)
    assert color["labels"] == [*(f"c{i:02}" for i in range(CATEGORIES)), "other (5 more)"]
    assert len(color["palette"]) == len(color["night"]) == CATEGORIES + 1
    assert (codes[-4:] == 255).all()
    assert color["missing"] == 4
    assert set(codes[-5 - 7 : -4]) == {9}
    ten, _ = encode_colors([f"c{i}" for i in range(10)], title="")
    assert len(ten["labels"]) == 10


def test_numbers_truth_values_and_missing_ones():
    color, shades = encode_colors(pd.Series([1.0, 2.0, np.nan, 3.0]), title="tempo", unit="BPM")
    assert (color["kind"], color["low"], color["high"], color["unit"]) == ("number", 1, 3, "BPM")
    assert list(shades) == [0, 127, 255, 254]
    assert len(color["palette"]) == 255
    assert encode_colors([True, False, None], title="live")[0]["labels"] == ["no", "yes"]
    assert encode_colors(pd.array([1990, None, 2000], dtype="Int64"), title="year")[0]["kind"] == "number"
    assert encode_colors([1, 2, 2], title="cluster", kind="category")[0]["labels"] == ["2", "1"]
    assert list(encode_colors([5, 5], title="")[1]) == [127, 127]
    assert list(encode_colors([None, None], title="")[1]) == [255, 255]
    with pytest.raises(OptionError, match="'genre' should hold numbers, but 'rock' is among its 2 values"):
        encode_colors(["rock", 1], title="genre", kind="number")


def test_rare_numbers_do_not_take_the_colors_of_all_others():
    values = np.r_[np.linspace(0, 1, 2000), 1e6]
    color, shades = encode_colors(values, title="x")
    assert color["high"] < 2
    assert color["clipped"] == [False, True]
    assert shades[-1] == 254


def test_sizes_have_a_place_for_what_is_unknown():
    size, sizes = encode_sizes([0, 5, 10, None], title="length", unit="s")
    assert size == {"title": "length", "unit": "s", "low": 0, "high": 10}
    assert list(sizes) == [1, 128, 255, 0]


@pytest.mark.parametrize(("colors", "paper", "least"), [(LIGHT_PALETTE, "#ffffff", 2.5), (DARK_PALETTE, "#111111", 4)])
def test_colors_stand_out_from_the_paper(colors, paper, least):
    for color in colors:
        low, high = sorted([luminance(color), luminance(paper)])
        assert (high + 0.05) / (low + 0.05) > least, color


def test_what_is_selected_joined_and_found_must_be_there():
    widget = made()
    widget.select([5, 3, 3])
    assert widget.selection.tolist() == [3, 5]
    widget.set_lines([[0, 1], [2, 3]])
    assert np.frombuffer(widget.lines, "<u4").tolist() == [0, 1, 2, 3]
    widget.set_matches(np.array([7]))
    assert np.frombuffer(widget.matches, "<u4").tolist() == [7]
    widget.set_filter(np.arange(N) < 2)
    assert widget.filtered == bytes([1, 1, *[0] * 58])
    with pytest.raises(OptionError, match="60 points, but a filter of 2"):
        widget.set_filter([True, False])
    for call in (widget.select, widget.set_lines, widget.set_matches):
        with pytest.raises(OptionError, match="60 points, numbered from 0; 60 is none of them"):
            call([60])


def test_trail_and_names_are_given_on_the_scale_of_the_points():
    widget = made()
    widget.set_trail([[9, 5, 0.5], [0, 0, 1.5], [np.nan, 0, 2]])
    trail = np.frombuffer(widget.trail, "<f4").reshape(-1, 3)
    np.testing.assert_allclose(trail, [[1, 5 / 9, 0.5], [-1, -5 / 9, 1.5]], atol=1e-6)
    widget.set_trail(None)
    assert widget.trail == b""
    widget.set_labels([{"text": "voices", "points": [0, 9, 50, 59], "id": 3}])
    assert widget.labels == [
        pytest.approx({"text": "voices", "id": 3, "n": 4, "x": 0, "y": 0, "rx": 1, "ry": 5 / 9}, abs=1e-6)
    ]


def test_what_the_page_selects_and_finds_arrives():
    widget = made()
    points = np.array([3, 5], "<u4")
    passes = bytes([1] * N)
    widget.set_state({"selected": memoryview(points.tobytes()), "matches": memoryview(points.tobytes()), "current": 4,
                      "filtered": memoryview(passes)})  # fmt: skip
    assert widget.filtered == passes
    widget.set_state({"filtered": memoryview(b"123")})
    assert widget.filtered == passes
    assert widget.selection.tolist() == [3, 5]
    assert widget.matches == points.tobytes()
    assert widget.current == 4


def test_missing_facts_are_plain():
    facts = [{"name": "title", "values": [None, np.nan, pd.NA]}]
    facts.append({"name": "year", "kind": "number", "values": [np.int64(3), np.nan, pd.NA]})
    title, year = Scatter.of(plane()[:3], columns=facts, renderer="canvas").columns
    assert title["values"] == ["", "", ""]
    assert year["values"] == [3, None, None]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"colur": 1}, "no option 'colur'. Did you mean 'color'?|no option 'colur'"),
        ({"renderer": "svg"}, "drawn by 'webgl' or 'canvas', not 'svg'"),
        ({"tracks": [1, 2]}, "60 points, but tracks of 2"),
        ({"seconds": [1.0]}, "60 points, but seconds of 1"),
        ({"color": ["a"]}, "60 points, but colours of 1"),
        ({"size": [1.0]}, "60 points, but sizes of 1"),
        ({"xy": np.zeros((60, 3))}, r"\[n, 2\]; this one has the shape \[60, 3\]"),
        ({"xy": np.full((60, 2), np.nan)}, "Of 60 points, 60 have no place"),
    ],
)
def test_what_does_not_fit_is_refused(options, sentence):
    with pytest.raises(OptionError, match=sentence):
        made(**options)


# -- pointing and choosing, on both surfaces ---------------------------------------------------------------------------


def test_points_are_drawn_where_they_are_in_their_colors(mounted):
    for i, name in ((0, "rock"), (1, "jazz"), (2, "folk")):
        wanted = LIGHT_PALETTE[["folk", "jazz", "rock"].index(name)]
        channels = [int(wanted[at : at + 2], 16) for at in (1, 3, 5)]
        assert mounted.color(i) == pytest.approx(channels, abs=32), name
    x, y = mounted.at(0)
    mounted.page.mouse.move(x + 30, y - 30)


def test_a_point_says_what_it_is_and_is_announced_to_the_other_maps(mounted):
    mounted.page.mouse.move(*mounted.at(13))
    mounted.settle()
    assert mounted.tip.split("\n")[:3] == ["Track 13", "Artist 6", "genre: jazz"]
    assert mounted.stage.evaluate("e => e.style.cursor") == "pointer"
    mounted.page.mouse.move(*mounted.at(13, 20, 20))
    mounted.settle()
    assert mounted.tip == ""


def test_a_click_chooses_and_a_second_one_chooses_again(mounted):
    mounted.page.mouse.click(*mounted.at(7))
    mounted.settle()
    assert mounted.bench.get("m", "current") == 7
    mounted.page.mouse.click(*mounted.at(7, 25, 25))
    assert mounted.bench.sent("m") == [{"kind": "choose", "point": 7}]


def test_lasso_and_rectangle_select_add_and_take_away(mounted):
    mounted.el.get_by_label("Lasso").click()
    mounted.drag(*mounted.around(0, 22))
    block = [0, 1, 2, 10, 11, 12, 20, 21, 22]
    assert mounted.selected == block
    assert mounted.said == "9 selected"
    mounted.el.get_by_label("Rectangle").click()
    corners = mounted.around(57, 59)
    mounted.drag(corners[0], corners[2], modifier="Shift")
    assert mounted.selected == [*block, 57, 58, 59]
    corners = mounted.around(10, 22)
    mounted.drag(corners[0], corners[2], modifier="Alt")
    assert mounted.selected == [0, 1, 2, 57, 58, 59]
    mounted.stage.focus()
    mounted.page.keyboard.press("Escape")
    assert mounted.selected == []


def test_what_is_not_selected_steps_back(mounted):
    before = mounted.color(31), mounted.color(32)
    mounted.bench.change("m", "selected", np.array([31], "<u4").tobytes())
    mounted.settle(200)
    wanted = np.array(before[0])
    assert np.abs(np.array(mounted.color(31)) - wanted).max() < 60
    assert min(mounted.color(32)) > min(before[1]) + 60


def test_a_page_that_takes_the_tools_is_told_what_is_selected_already(bench):
    widget = made()
    widget.select([3, 5])
    bench.page.evaluate("""() => document.addEventListener("ev-map", ({ detail: map }) => map.adopt({
      full: map.full, mode() {}, restyled() {}, search() {}, selected: (text) => { globalThis.told = text; },
    }), { once: true })""")
    bench.mount("m", "scatter", state(widget))
    assert bench.page.evaluate("() => globalThis.told") == "2 selected"


def test_hidden_categories_are_neither_seen_nor_found_nor_selected(mounted):
    jazz = mounted.el.locator(".ev-scatter-category", has_text="jazz")
    assert jazz.get_attribute("aria-pressed") == "true"
    jazz.click()
    mounted.settle(200)
    assert mounted.bench.get("m", "hidden_categories") == [1]
    assert jazz.get_attribute("aria-pressed") == "false"
    assert "45 of 60 points shown" in mounted.el.inner_text()
    assert mounted.color(13) == pytest.approx((255, 255, 255), abs=3)
    mounted.page.mouse.move(*mounted.at(13))
    mounted.settle()
    assert mounted.tip == ""
    mounted.stage.focus()
    mounted.page.keyboard.press("a")
    assert mounted.selected == [i for i in range(N) if i % 4 != 1]


def test_what_a_filter_leaves_out_is_faint_and_cannot_be_chosen(mounted):
    before = mounted.color(13)
    mounted.bench.change("m", "filtered", bytes(int(i != 13) for i in range(N)))
    mounted.settle(200)
    assert min(before) < 30
    assert 200 < min(mounted.color(13)) < 252
    mounted.page.mouse.move(*mounted.at(13))
    mounted.settle()
    assert mounted.tip == ""
    mounted.stage.focus()
    mounted.page.keyboard.press("a")
    assert 13 not in mounted.selected
    assert "59 of 60 points shown" in mounted.el.inner_text()


@pytest.mark.parametrize(("renderer", "still"), [("webgl", False), ("canvas", False), ("webgl", True)])
def test_points_glide_to_where_they_are_now(bench, renderer, still):
    """By a clock of the test's own; who wants no motion sees them there at once."""
    mounted = Mounted(bench, made(renderer))
    if still:
        mounted.page.emulate_media(reduced_motion="reduce")
    mounted.page.evaluate("performance.now = () => globalThis.time ?? 0")
    xy = mounted.widget.xy.copy()
    # The first and the last column change places: in the middle of the way they meet, where nothing else is.
    xy[[0, 9]] = xy[[9, 0]]
    xy[[0, 9], 1] += 0.001
    mounted.bench.change("m", "points", xy.tobytes())
    mounted.page.evaluate("globalThis.time = 450")
    mounted.settle(100)
    x, y = mounted.at(4)
    halfway = mounted.at(5)[0] - x
    assert (min(mounted.color(0)) > 240) is not still, "it should have left its place"
    mounted.page.mouse.move(*mounted.at(13))
    mounted.settle()
    assert ("Track 13" in mounted.tip) is still
    mounted.page.mouse.move(x + halfway / 2, y - 20)
    mounted.page.evaluate("globalThis.time = 2000")
    mounted.settle(300)
    mounted.page.mouse.move(*mounted.at(9))
    mounted.settle()
    assert "Track 0" in mounted.tip
    assert mounted.color(9) == pytest.approx([int(LIGHT_PALETTE[2][at : at + 2], 16) for at in (1, 3, 5)], abs=32)


def test_wheel_zooms_at_the_pointer_once_the_map_has_the_focus(mounted):
    x, y = mounted.at(44)
    mounted.page.mouse.move(x, y)
    mounted.page.mouse.wheel(0, -400)
    mounted.settle(250)
    mounted.page.mouse.move(*mounted.at(13))
    mounted.settle()
    assert "Track 13" in mounted.tip  # nothing has moved: the page would have scrolled
    mounted.stage.focus()
    mounted.page.mouse.move(x, y)
    mounted.page.mouse.wheel(0, -600)
    mounted.settle(250)
    mounted.page.mouse.move(x + 1, y)
    mounted.settle()
    assert "Track 44" in mounted.tip
    mounted.page.mouse.move(*mounted.at(13))
    mounted.settle()
    assert mounted.tip == ""
    mounted.page.mouse.dblclick(*mounted.at(5, 25, 25))
    mounted.settle(700)
    mounted.page.mouse.move(*mounted.at(13))
    mounted.settle()
    assert "Track 13" in mounted.tip


def test_a_drag_pushes_the_map(mounted):
    x, y = mounted.at(33)
    mounted.drag((x + 25, y + 25), (x + 85, y + 55))
    mounted.settle(250)
    mounted.page.mouse.move(x + 60, y + 30)
    mounted.settle()
    assert "Track 33" in mounted.tip
    assert mounted.bench.sent("m") == []


def test_other_colors_and_sizes_are_drawn(mounted):
    other = made("canvas", color=[i < 30 for i in range(N)], size=list(range(N)))
    for name in ("color", "shades", "size", "sizes"):
        mounted.bench.change("m", name, getattr(other, name))
    mounted.settle(500)
    labels = mounted.el.locator(".ev-scatter-category-name").all_inner_texts()
    assert labels == ["no", "yes"]
    assert mounted.color(59) == pytest.approx([int(LIGHT_PALETTE[0][at : at + 2], 16) for at in (1, 3, 5)], abs=32)
    assert mounted.color(20) == pytest.approx([int(LIGHT_PALETTE[1][at : at + 2], 16) for at in (1, 3, 5)], abs=50)


def touch(mounted, kind, *places):
    mounted.touches = getattr(mounted, "touches", None) or mounted.page.context.new_cdp_session(mounted.page)
    points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(places)]
    mounted.touches.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})


def test_a_finger_draws_a_lasso_and_two_push_and_pinch(bench):
    mounted = Mounted(bench, made())
    mounted.el.get_by_label("Lasso").click()
    corners = mounted.around(0, 22)
    touch(mounted, "Start", corners[0])
    for corner in corners[1:]:
        touch(mounted, "Move", corner)
    touch(mounted, "End")
    mounted.settle()
    block = [0, 1, 2, 10, 11, 12, 20, 21, 22]
    assert mounted.selected == block
    x, y = mounted.at(33)
    touch(mounted, "Start", (x - 40, y))
    touch(mounted, "Start", (x - 40, y), (x + 40, y))
    # Twice as far apart, and 30 pixels lower.
    touch(mounted, "Move", (x - 80, y + 30), (x + 80, y + 30))
    touch(mounted, "End")
    mounted.settle(250)
    assert mounted.selected == block
    mounted.page.mouse.move(x, y + 30)
    mounted.settle()
    assert "Track 33" in mounted.tip
    (from_x, _), (to_x, _) = mounted.at(33), mounted.at(34)
    mounted.page.mouse.move(x + 2 * (to_x - from_x), y + 30)
    mounted.settle()
    assert "Track 34" in mounted.tip


@pytest.mark.parametrize("allowed", [True, False])
def test_f_fills_the_screen_or_else_the_window(bench, allowed):
    if not allowed:
        bench.page.evaluate("() => { Element.prototype.requestFullscreen = () => Promise.reject(new Error('no')) }")
    mounted = Mounted(bench, made())
    root = mounted.el.locator(".ev-scatter")
    before = mounted.stage.bounding_box()
    mounted.stage.focus()
    mounted.page.keyboard.press("f")
    button = mounted.el.get_by_label("Fill the screen")
    mounted.el.locator("[aria-label^='Fill the screen'][aria-pressed=true]").wait_for()
    mounted.settle(300)
    box = root.bounding_box()
    assert (box["x"], box["y"], box["width"]) == (0, 0, bench.page.evaluate("innerWidth"))
    assert box["height"] == pytest.approx(bench.page.evaluate("innerHeight"), abs=1)
    assert mounted.stage.bounding_box()["height"] > before["height"]
    assert mounted.el.locator(".ev-scatter-legend").is_visible()
    assert mounted.color(2) == pytest.approx([int(LIGHT_PALETTE[0][at : at + 2], 16) for at in (1, 3, 5)], abs=32)
    # A browser takes Escape for itself while the screen is full.
    mounted.page.keyboard.press("f" if allowed else "Escape")
    mounted.el.locator("[aria-label^='Fill the screen'][aria-pressed=false]").wait_for()
    mounted.settle(300)
    assert mounted.stage.bounding_box() == before
    button.click()
    mounted.el.locator("[aria-label^='Fill the screen'][aria-pressed=true]").wait_for()


# -- where there is no WebGL -------------------------------------------------------------------------------------------


def test_without_webgl_a_canvas_draws_and_says_so(bench):
    bench.page.evaluate("""() => {
      const real = HTMLCanvasElement.prototype.getContext;
      HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
        return kind.startsWith("webgl") ? null : real.call(this, kind, ...rest);
      };
    }""")
    element = bench.mount("m", "scatter", state(made("webgl")))
    bench.rest(300)
    assert element.locator(".ev-scatter").get_attribute("data-renderer") == "canvas"
    assert "no WebGL" in element.locator(".ev-scatter-notice").inner_text()
    assert "60 points" in element.inner_text()


def test_when_webgl_is_lost_a_canvas_takes_over_until_it_is_restored(bench):
    mounted = Mounted(bench, made("webgl"))
    folk = pytest.approx([int(LIGHT_PALETTE[0][at : at + 2], 16) for at in (1, 3, 5)], abs=32)
    bench.page.evaluate("""() => {
      const canvas = document.querySelector(".ev-scatter-canvas");
      globalThis.loss = canvas.getContext("webgl2").getExtension("WEBGL_lose_context");
      loss.loseContext();
    }""")
    mounted.el.locator(".ev-scatter[data-renderer=canvas]").wait_for()
    mounted.settle()
    assert mounted.color(2) == folk
    mounted.page.mouse.move(*mounted.at(13))
    mounted.settle()
    assert "Track 13" in mounted.tip
    mounted.el.get_by_text("WebGL was lost").wait_for()
    bench.change("m", "selected", np.array([2], "<u4").tobytes())
    bench.page.evaluate("loss.restoreContext()")
    mounted.el.locator(".ev-scatter[data-renderer=webgl]").wait_for()
    mounted.settle()
    assert not mounted.el.get_by_text("WebGL was lost").is_visible()
    assert mounted.color(2) == folk
    assert min(mounted.color(32)) > 190  # what changed meanwhile is seen


@pytest.mark.parametrize("when", ["at first", "later", "taken out"])
def test_a_map_that_was_out_of_sight_is_drawn_when_it_comes_back(bench, when):
    widget = made("webgl")
    away = back = "display => { document.body.style.display = display }"
    if when == "taken out":
        away = "() => { globalThis.map = document.querySelector('[data-ref=m]'); map.remove() }"
        back = "() => { document.body.append(map) }"
    if when == "at first":
        bench.page.evaluate(away, "none")
        bench.mount("m", "scatter", state(widget))
    else:
        Mounted(bench, widget)
        bench.page.evaluate(away, "none")
    bench.rest(500)
    bench.page.evaluate(back, "")
    mounted = Mounted(bench, widget, there=True)
    mounted.settle(300)
    assert mounted.color(2) == pytest.approx([int(LIGHT_PALETTE[0][at : at + 2], 16) for at in (1, 3, 5)], abs=32)


# -- keys, legend, search ----------------------------------------------------------------------------------------------


def test_keys_walk_play_and_say_where_they_are(bench):
    mounted = Mounted(bench, made(current=22))
    mounted.stage.focus()
    for key, track in (("ArrowRight", 23), ("ArrowUp", 33), ("ArrowLeft", 32), ("ArrowDown", 22)):
        mounted.page.keyboard.press(key)
        assert mounted.said.startswith(f"Track {track}, Artist {track % 7}")
    mounted.page.keyboard.press("Enter")
    assert bench.sent("m") == [{"kind": "choose", "point": 22}]
    for _ in range(3):
        mounted.page.keyboard.press("ArrowDown")
    assert mounted.said == "no point further down"


def test_keys_zoom_and_choose_what_a_drag_does(bench):
    mounted = Mounted(bench, made())
    mounted.stage.focus()
    mounted.page.keyboard.press("l")
    assert mounted.el.get_by_label("Lasso").get_attribute("aria-pressed") == "true"
    mounted.page.keyboard.press("r")
    assert mounted.el.get_by_label("Rectangle").get_attribute("aria-pressed") == "true"
    mounted.page.keyboard.press("Escape")
    assert mounted.el.get_by_label("Move").get_attribute("aria-pressed") == "true"
    mounted.page.keyboard.press("+")
    mounted.settle(700)
    mounted.page.mouse.move(*mounted.at(0))
    mounted.settle()
    assert mounted.tip == ""
    mounted.page.keyboard.press("0")
    mounted.settle(700)
    mounted.page.mouse.move(*mounted.at(0, 1))
    mounted.settle()
    assert "Track 0" in mounted.tip
    mounted.page.keyboard.press("/")
    assert mounted.el.locator(".ev-scatter-search").evaluate("e => e === document.activeElement")


def test_a_legend_isolates_and_brings_back(bench):
    mounted = Mounted(bench, made())
    legend = mounted.el.locator(".ev-scatter-legend")
    assert legend.locator(".ev-scatter-category").all_inner_texts() == [
        "A\nfolk\n15", "B\njazz\n15", "C\nrock\n15", "?\nunknown\n15",
    ]  # fmt: skip
    legend.locator(".ev-scatter-category", has_text="rock").click(modifiers=["Alt"])
    assert bench.get("m", "hidden_categories") == [0, 1, 255]
    legend.get_by_role("button", name="all").click()
    assert bench.get("m", "hidden_categories") == []
    legend.get_by_role("button", name="none").click()
    assert bench.get("m", "hidden_categories") == [0, 1, 2, 255]
    assert "0 of 60 points shown" in legend.inner_text()
    button = legend.locator(".ev-scatter-category", has_text="folk")
    button.focus()
    mounted.page.keyboard.press("Enter")
    assert bench.get("m", "hidden_categories") == [1, 2, 255]
    assert button.evaluate("e => e === document.activeElement")


def test_a_category_that_is_hidden_dims_no_other(bench):
    mounted = Mounted(bench, made())
    button = mounted.el.locator(".ev-scatter-category", has_text="rock")
    over = mounted.el.locator(".ev-scatter-over")
    veil = "canvas => canvas.getContext('2d').getImageData(2, 2, 1, 1).data[3]"
    button.hover()
    mounted.settle()
    assert over.evaluate(veil) > 0
    button.click()
    mounted.settle()
    assert over.evaluate(veil) == 0


def test_a_window_of_numbers_is_moved_by_keys_and_hands(bench):
    mounted = Mounted(bench, made(color=encode_colors(list(range(N)), title="tempo", unit="BPM")))
    low, high = (mounted.el.get_by_label(f"{end} value shown") for end in ("Lowest", "Highest"))
    assert "tempo (BPM)" in mounted.el.locator(".ev-scatter-legend").inner_text()
    low.focus()
    for _ in range(3):
        mounted.page.keyboard.press("PageUp")
    window = bench.get("m", "value_range")
    assert window[0] > 10
    assert window[1] == 59
    assert low.get_attribute("aria-valuetext").endswith("BPM")
    mounted.stage.focus()
    mounted.page.keyboard.press("a")
    assert mounted.selected == [i for i in range(N) if i >= window[0] - 0.2]
    high.focus()
    mounted.page.keyboard.press("PageDown")
    assert bench.get("m", "value_range")[1] < 59
    hold = mounted.el.locator(".ev-scatter-hold").bounding_box()
    middle = hold["x"] + hold["width"] / 2, hold["y"] + hold["height"] / 2
    before = bench.get("m", "value_range")
    mounted.drag(middle, (middle[0] - 15, middle[1]))
    after = bench.get("m", "value_range")
    assert after[0] < before[0]
    assert after[1] - after[0] == pytest.approx(before[1] - before[0], abs=0.01)
    mounted.el.locator(".ev-scatter-bar").get_by_role("button", name="all").click()
    assert bench.get("m", "value_range") == []


def test_search_lists_marks_and_leads_there(bench):
    mounted = Mounted(bench, made())
    box = mounted.el.locator(".ev-scatter-search")
    box.fill("artist 3")
    mounted.settle()
    # Those that have it in one piece come first; then those with "3" in their title.
    assert "21 of 60 match" in mounted.el.inner_text()
    assert mounted.el.locator(".ev-scatter-matches li").count() == 20
    found = bench.page.evaluate("[...new Uint32Array(bench.widgets.m.model.get('matches').buffer)]")
    assert found[:9] == [i for i in range(N) if i % 7 == 3]
    assert len(found) == 21
    box.press("ArrowDown")
    box.press("ArrowDown")
    assert box.get_attribute("aria-activedescendant") == mounted.el.locator("li[aria-selected=true]").get_attribute(
        "id"
    )
    box.press("Enter")
    mounted.settle(700)
    assert mounted.said.startswith("Track 10, Artist 3")
    assert mounted.stage.evaluate("e => e === document.activeElement")
    # It is opened as a click does, and what lies around it stays in the picture.
    assert bench.sent("m") == [{"kind": "choose", "point": 10}]
    assert bench.get("m", "current") == 10
    box.fill("1987")
    mounted.settle()
    found = mounted.el.locator(".ev-scatter-matches li")
    assert found.inner_text().startswith("Track 27")
    assert found.locator("small").inner_text() == "year: 1987"
    box.press("Escape")
    assert box.input_value() == ""
    assert not mounted.el.locator(".ev-scatter-matches").is_visible()


# -- several maps, the clock -------------------------------------------------------------------------------------------


def test_linked_maps_share_pointer_and_selection_by_track(bench):
    tracks = Mounted(bench, made(link="pair"), ref="a", width=600)
    frames = Scatter.of(
        plane(), columns=columns(), tracks=np.arange(N) // 6, seconds=np.tile(np.arange(6) * 1.5, 10),
        renderer="canvas", clock="c", link="pair",
    )  # fmt: skip
    framed = Mounted(bench, frames, ref="b", width=600)
    tracks.stage.scroll_into_view_if_needed()
    tracks.stage.focus()
    tracks.page.keyboard.press("l")
    tracks.drag(*tracks.around(0, 1))
    assert (tracks.selected, framed.selected) == ([0, 1], list(range(12)))
    framed.stage.scroll_into_view_if_needed()
    framed.page.mouse.move(*framed.at(14))
    framed.settle()
    assert framed.tip.split("\n")[:3] == ["Track 2", "Artist 2", "at 0:03.0"]
    hover = bench.page.evaluate(
        "() => { const { track, seconds, point } = globalThis[Symbol.for('embviz.links')].get('pair').hover;"
        " return [track, seconds, point]; }"
    )
    assert hover == [2, 3, 14]
    bench.change("b", "selected", np.array([59], "<u4").tobytes())
    framed.settle()
    assert tracks.selected == [9]


def test_a_marker_walks_along_the_trail_with_the_clock(bench):
    mounted = Mounted(bench, made())
    marker = mounted.el.locator(".ev-scatter-marker")
    assert not marker.is_visible()
    xy = mounted.widget.xy
    trail = np.column_stack([xy[[11, 13, 33]], [0, 10, 20]]).astype("<f4")
    bench.change("m", "trail", trail.tobytes())
    mounted.settle()
    assert not marker.is_visible()  # the clock has no track
    for time, point, dx in ((0, 11, 0), (5, 12, 0), (10, 13, 0), (99, 33, 0)):
        bench.clock("c", f"c => {{ if (!c.duration) c.load(100); c.seek({time}); }}")
        mounted.settle()
        box = marker.bounding_box()
        x, y = mounted.at(point)
        assert (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) == pytest.approx((x + dx, y), abs=1.5)
    # Beyond the picture, all of it is seen at the edge.
    bench.change("m", "trail", np.array([[5, 0, 0]], "<f4").tobytes())
    mounted.settle()
    box, frame = marker.bounding_box(), mounted.stage.bounding_box()
    assert frame["x"] + frame["width"] - 3 < box["x"] + box["width"] <= frame["x"] + frame["width"]


# -- what is shown of whom ---------------------------------------------------------------------------------------------


def test_hostile_names_are_text(bench):
    facts = columns()
    facts[0]["values"][:3] = HOSTILE
    widget = made(
        columns=facts, title=HOSTILE[0], color=encode_colors([HOSTILE[i % 3] for i in range(N)], title=HOSTILE[0])
    )
    widget.set_labels([{"text": HOSTILE[0], "points": [22], "id": 0}])
    mounted = Mounted(bench, widget)
    mounted.page.mouse.move(*mounted.at(0))
    mounted.settle()
    assert HOSTILE[0] in mounted.tip
    box = mounted.el.locator(".ev-scatter-search")
    box.fill("unicøde")
    box.fill("onerror")
    mounted.settle()
    assert mounted.el.locator(".ev-scatter-matches li").count() == 1
    assert mounted.el.locator("img").count() == 0
    assert bench.page.locator("img").count() == 0


@pytest.mark.parametrize("xy", [np.zeros((0, 2)), [[3, 4]], [[3, 4]] * 5])
def test_none_one_or_all_in_one_place_are_shown(bench, xy):
    mounted = Mounted(bench, Scatter.of(xy, columns=columns(len(xy)), renderer="canvas", clock="c"))
    message = mounted.el.locator(".ev-plot-message")
    assert message.is_visible() == (len(xy) == 0)
    mounted.stage.focus()
    for key in ("ArrowRight", "+", "0", "a", "Enter"):
        mounted.page.keyboard.press(key)
    assert mounted.selected == list(range(len(xy)))


def test_a_message_takes_the_place_of_the_points(bench):
    mounted = Mounted(bench, made(message="UMAP runs …"))
    assert mounted.el.locator(".ev-plot-message").inner_text() == "UMAP runs …"
    bench.change("m", "message", "")
    mounted.settle()
    assert not mounted.el.locator(".ev-plot-message").is_visible()


def test_a_page_without_a_kernel_needs_no_line(bench):
    widget = made()
    bench.add("m", "scatter", state(widget))
    bench.page.evaluate("""() => {
      const { model } = bench.widgets.m;
      model.send = undefined;
      model.save_changes = undefined;
    }""")
    bench.show("m")
    mounted = Mounted(bench, widget, there=True)
    bench.page.mouse.click(*mounted.at(8))
    assert bench.get("m", "current") == 8
    mounted.page.keyboard.press("a")
    assert len(mounted.selected) == N


def test_everything_has_a_name_and_can_be_reached(bench):
    mounted = Mounted(bench, made(title="Map of moods"))
    assert mounted.stage.get_attribute("aria-label") == "Map of Map of moods: 60 points, coloured by genre."
    described = mounted.stage.get_attribute("aria-describedby")
    assert "Arrow keys" in bench.page.locator(f"#{described}").inner_text()
    unnamed = mounted.el.evaluate("""root => [...root.querySelectorAll("button, input, select")]
      .filter((el) => !el.textContent.trim() && !el.getAttribute("aria-label")).length""")
    assert unnamed == 0


def test_sharp_on_screens_with_more_pixels(browser):
    from harness import Bench

    context = browser.new_context(viewport={"width": 1000, "height": 800}, device_scale_factor=2)
    bench = Bench(context.new_page())
    mounted = Mounted(bench, made())
    sizes = mounted.el.evaluate("""root => [...root.querySelectorAll("canvas")].map((canvas) =>
      canvas.width / canvas.getBoundingClientRect().width)""")
    assert sizes == pytest.approx([2, 2], abs=0.01)
    assert mounted.color(13) == pytest.approx([int(LIGHT_PALETTE[1][at : at + 2], 16) for at in (1, 3, 5)], abs=32)
    context.close()


@pytest.mark.parametrize("width", [300, 480, 1200])
def test_nothing_sticks_out_at_any_width(bench, width):
    mounted = Mounted(bench, made(title="A title that is much too long for the place that it has " * 3), width=width)
    box = mounted.el.bounding_box()
    inside = mounted.el.evaluate("""root => Math.max(...[...root.querySelectorAll(".ev-scatter *")]
      .filter((el) => el.checkVisibility() && !el.closest(".ev-hidden, [hidden]"))
      .map((el) => el.getBoundingClientRect().right))""")
    assert inside <= box["x"] + box["width"] + 1
    bench.page.evaluate(f"document.querySelector('[data-ref=m]').style.width = '{width // 2 + 100}px'")
    mounted.settle()
    mounted.page.mouse.move(*mounted.at(13))
    mounted.settle()
    assert "Track 13" in mounted.tip


@pytest.mark.parametrize("renderer", ["canvas", "webgl"])
def test_nothing_is_left_when_the_view_goes(bench, renderer):
    mounted = Mounted(bench, made(renderer))
    bench.page.evaluate("bench.widgets.m.abort.abort()")
    mounted.settle()
    assert mounted.el.locator("*").count() == 0
    bench.clock("c", "c => { c.load(5); c.seek(1); }")
    assert not bench.page.evaluate("[...bench.widgets.m.model.listeners.values()].some((set) => set.size)")


def test_what_is_heard_at_a_point_is_told(bench):
    scores = np.zeros((N, 4))
    scores[7] = [0.1, 0.9, 0.5, 0.7]
    scores[8] = np.nan
    widget = made()
    widget.set_tags(scores, ["sad", "<b>loud</b>", "slow", "guitar"])
    view = Mounted(bench, widget)
    view.page.mouse.move(*view.at(7))
    tip = view.el.locator(".ev-scatter-tip")
    tip.wait_for()
    assert "hears <b>loud</b>, guitar, slow" in tip.inner_text()
    view.page.mouse.move(*view.at(8))
    view.settle()
    assert "Track 8" in tip.inner_text()
    assert "hears" not in tip.inner_text()


def test_what_cannot_be_heard_is_refused():
    with pytest.raises(OptionError, match="Scores of 2 tags for 60 points"):
        made().set_tags(np.zeros((N, 3)), ["sad", "loud"])


# -- axes -------------------------------------------------------------------------------------------------------------


def axes_of(n=N, missing=3):
    bpm = [None] * missing + [60.0 + 2 * i for i in range(n - missing)]
    return encode_axis(bpm, title="bpm", unit="BPM"), encode_axis(genres(n), title="<b>genre</b>")


def test_axes_replace_the_places_and_the_map_comes_back_as_it_was():
    widget = made()
    before = widget.xy
    x, y = axes_of()
    widget.set_axes(x, y)
    assert [axis["title"] for axis in widget.axes] == ["bpm", "<b>genre</b>"]
    placed = np.frombuffer(widget.placed, np.uint8).astype(bool)
    assert list(np.flatnonzero(~placed)) == [i for i in range(N) if i < 3 or i % 4 == 3]  # without bpm, or genre
    low, high = x.ends
    assert widget.xy[placed, 0] == pytest.approx(2 * (x.numbers[placed] - low) / (high - low) - 1, abs=1e-6)
    assert np.abs(widget.xy).max() <= 1
    widget.set_labels([{"text": "a", "id": 0, "points": [0, 4, 8]}, {"text": "gone", "id": 1, "points": [0, 1]}])
    assert [(label["text"], label["n"]) for label in widget.labels] == [("a", 2)]
    widget.set_trail([[120.0, 1.0, 0.5]])
    assert np.frombuffer(widget.trail, "<f4")[:2] == pytest.approx(widget.place([[120.0, 1.0]])[0])
    assert "x: bpm (BPM)" in widget.still().lines[0]
    assert "3 points have no bpm: not shown" in widget.still().lines[0]
    widget.set_positions(plane() @ np.array([[0, 1], [-1, 0]]))  # turned: it is drawn as it lay before the axes
    assert widget.xy == pytest.approx(before, abs=1e-6)
    assert not widget.axes
    assert not widget.placed
    with pytest.raises(OptionError, match="60 points, not 59"):
        widget.set_axes(*axes_of(59))


AXIS_INK = """root => {
  const canvas = root.querySelector(".ev-scatter-over");
  const pixels = canvas.getContext("2d").getImageData(0, canvas.height - 20, canvas.width, 20).data;
  return pixels.reduce((sum, value) => sum + value, 0);
}"""


def test_axes_are_drawn_said_and_leave_out_what_has_no_value(bench):
    mounted = Mounted(bench, made(axes=axes_of()))
    assert mounted.stage.get_attribute("aria-label").endswith(
        "x is bpm from 56 BPM to 176 BPM; y is <b>genre</b>, 3 categories."
    )
    assert mounted.el.evaluate(AXIS_INK) > 0
    mounted.stage.focus()
    mounted.page.keyboard.press("a")
    assert not {0, 1, 2, 3} & set(mounted.selected)
    assert len(mounted.selected) == N - 18
    mounted.page.keyboard.press("ArrowRight")
    assert "bpm: " in mounted.said
    assert "BPM" in mounted.said
    mounted.widget.set_positions(plane())
    for name in ("axes", "placed", "points"):
        bench.change(mounted.ref, name, state(mounted.widget)[name])
    mounted.settle(1100)
    assert mounted.stage.get_attribute("aria-label").endswith("coloured by genre.")
    assert mounted.el.evaluate(AXIS_INK) == 0
