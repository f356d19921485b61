"""Feature maps: the Python half that answers for blocks, and the script in a real browser."""

import re

import numpy as np
import pytest
from factories import traits_of

from embviz.core.embedding import Embedding, FrameGrid
from embviz.errors import LayerError, OptionError
from embviz.widgets.feature_maps import FeatureMaps

# Cells of 0.1 s from 0 s on; 20 bands, 40 channels, so that no two axes can be taken for each other.
T, F, C = 300, 20, 40
GRID = FrameGrid(1000, 100, 100, 300, 0, T, 30_000)
DARK, BRIGHT = (0x44, 0x01, 0x54), (0xFD, 0xE7, 0x25)
HOSTILE = '<img src=x onerror="alert(1)">'


def tensor():
    """Return channels that sound in one band (i // 2) alone, half of the time; each a little weaker than the last."""
    field = np.zeros((T, F, C), dtype=np.float32)
    for channel in range(C):
        for offset in range(5):
            field[offset::10, channel // 2, channel] = C - channel
    return field


def embedding(field=None, grid=GRID, unit=""):
    field = tensor() if field is None else np.asarray(field, dtype=np.float32)
    return Embedding(field.mean(axis=1), grid, "model", "layer", unit=unit, _tensor=field)


def asked(widget, **content):
    """Return what the widget sends when it is asked: the message and its bytes as [channels, frames, bands]."""
    sent = []
    widget.send = lambda content, buffers=None: sent.append((content, buffers))
    widget._handle_custom_msg({"kind": "block", "serial": widget.serial, **content}, [])
    if not sent:
        return None
    (content, buffers) = sent[0]
    return content, np.frombuffer(buffers[0], dtype=np.uint8).reshape(len(content["channels"]), content["count"], -1)


# -- Python -----------------------------------------------------------------------------------------------------------


def test_a_block_is_what_was_asked_for_on_each_channels_own_range():
    field = np.random.default_rng(1).normal(size=(T, F, C)).astype(np.float32) * np.arange(1, C + 1)
    widget = FeatureMaps.of(embedding(field))
    content, codes = asked(widget, first=32, count=16, channels=[7, 3])
    assert content == {"kind": "block", "first": 32, "count": 16, "channels": [7, 3], "serial": widget.serial}
    assert codes.shape == (2, 16, F)
    ranges = np.frombuffer(widget.ranges, dtype="<f4").reshape(C, 2)
    np.testing.assert_array_equal(ranges[7], [field[..., 7].min(), field[..., 7].max()])
    for row, channel in enumerate([7, 3]):
        low, high = ranges[channel]
        values = low + (codes[row] - 1.0) / 254 * (high - low)
        np.testing.assert_allclose(values, field[32:48, :, channel], atol=(high - low) / 500)


@pytest.mark.parametrize(
    ("model", "bands", "names"),
    [
        ("spleeter-2s-3", 1024, {1: "10.8 Hz", 1023: "11014.2 Hz"}),  # bins of 44,100 / 4096 Hz
        ("spleeter-2s-3", 256, {0: "16.1 Hz", 255: "10998.1 Hz"}),  # four bins together
        ("msd-vgg-1", 96, {0: "31.1 Hz", 95: "7747.5 Hz"}),
        ("msd-vgg-1", 40, {}),
        ("msd-vgg-1", 1, {}),
        ("a model of one's own", 96, {}),
    ],
)
def test_bands_are_named_by_their_frequencies_where_they_are_those_of_the_front_end(model, bands, names):
    field = np.random.default_rng(0).random((T, bands, 2), dtype=np.float32)
    widget = FeatureMaps.of(Embedding(field.mean(axis=1), GRID, model, "layer", _tensor=field))
    assert len(widget.bands) == bands * bool(names)
    assert {band: widget.bands[band] for band in names} == names


def test_the_last_block_is_shorter():
    content, codes = asked(FeatureMaps.of(embedding()), first=288, count=32, channels=[0])
    assert content["count"] == 12
    assert codes.shape == (1, 12, F)


@pytest.mark.parametrize(
    "content",
    [
        {"first": 300, "count": 16, "channels": [0]},
        {"first": -16, "count": 16, "channels": [0]},
        {"first": 0, "count": 0, "channels": [0]},
        {"first": 0, "count": 16, "channels": [40]},
        {"first": 0, "count": 16, "channels": []},
        {"first": 0, "count": 16, "channels": "all"},
        {"first": 0.5, "count": 16, "channels": [0]},
        {"first": 0, "count": 16, "channels": [0], "serial": 99},
        {"first": 0, "count": 300, "channels": [0] * 10_000},
        {"kind": "other"},
        {},
    ],
)
def test_what_is_not_there_is_not_answered(content):
    assert asked(FeatureMaps.of(embedding()), **content) is None


def test_missing_values_are_empty_and_constant_channels_in_the_middle():
    field = np.zeros((T, F, 3), dtype=np.float32)
    field[..., 1] = np.arange(T)[:, None]
    field[4, 5, 1] = np.nan
    field[4, 6, 1] = np.inf
    field[..., 2] = np.nan
    widget = FeatureMaps.of(embedding(field))
    _, codes = asked(widget, first=0, count=16, channels=[0, 1, 2])
    assert (codes[0] == 128).all()
    assert codes[1, 4, 5] == codes[1, 4, 6] == 0
    assert codes[1, 4, 7] == 1 + round(4 / 299 * 254)
    assert not codes[2].any()
    assert np.frombuffer(widget.channels, dtype="<u2").tolist()[0] == 1


def test_channels_are_ordered_by_activity_and_those_that_never_change_stand_at_the_end():
    field = np.random.default_rng(2).normal(size=(T, F, 4)).astype(np.float32) * [1, 5, 0, 3]
    field[..., 2] = 100
    assert np.frombuffer(FeatureMaps.of(embedding(field)).channels, dtype="<u2").tolist() == [1, 3, 0, 2]


def test_colors_leave_out_what_is_rare_but_not_what_is_rare_throughout():
    field = np.random.default_rng(3).random(size=(T, F, 2)).astype(np.float32)
    field[7, 7, 0] = 1000
    field[..., 1] = 0
    field[9, 9, 1] = 5
    widget = FeatureMaps.of(embedding(field))
    ends = np.frombuffer(widget.ends, dtype="<f4").reshape(2, 2)
    assert 0.97 < ends[0, 1] <= 1
    np.testing.assert_array_equal(ends[1], [0, 5])


def test_large_tensors_are_surveyed_in_pieces(monkeypatch):
    whole = FeatureMaps.of(embedding())
    monkeypatch.setattr("embviz.widgets.feature_maps.PIECE", 7 * 4 * F * C)
    pieces = FeatureMaps.of(embedding())
    assert (pieces.ranges, pieces.channels) == (whole.ranges, whole.channels)


def test_a_memory_map_will_do(tmp_path):
    loaded = Embedding.load(embedding().save(tmp_path / "layer.safetensors"))
    _, codes = asked(FeatureMaps.of(loaded), first=0, count=16, channels=[4])
    assert (codes[0, :5, 2] == 255).all()
    assert (codes[0, 5:10, 2] == 1).all()


def test_a_page_without_a_kernel_keeps_the_most_active_channels_that_fit():
    widget = FeatureMaps.of(embedding()).to_static(most=T * F * 5 + 1)
    assert widget.kept == [0, 1, 2, 3, 4]
    whole = np.frombuffer(widget.all, dtype=np.uint8).reshape(5, T, F)
    np.testing.assert_array_equal(whole[3, :10, 1], [255] * 5 + [1] * 5)
    widget.update(embedding())
    assert (widget.kept, widget.all) == ([], b"")


def test_a_layer_without_bands_and_unknown_options_are_refused():
    flat = Embedding(np.zeros((T, 5), dtype=np.float32), GRID, "model", "embedding")
    with pytest.raises(LayerError, match=r"have a frequency axis.*model / embedding is 300 × 5"):
        FeatureMaps.of(flat)
    with pytest.raises(OptionError, match=r"FeatureMaps has no option 'pool'.*'pooled'"):
        FeatureMaps.of(embedding(), pool="time")


def test_another_layer_counts_up_so_that_late_answers_are_told_apart():
    widget = FeatureMaps.of(embedding())
    before = widget.serial
    widget.update(embedding())
    assert widget.serial == before + 1


# -- the browser ------------------------------------------------------------------------------------------------------


class Kernel:
    """Answers what the page asks, with real blocks."""

    def __init__(self, bench, widget, ref="s"):
        self.bench, self.widget, self.ref, self.asked = bench, widget, ref, []

    def answer(self, rounds=3):
        for _ in range(rounds):
            self.bench.rest(130)
            for content in self.bench.sent(self.ref)[len(self.asked) :]:
                self.asked.append(content)
                message, codes = asked(self.widget, **content)
                self.bench.receive(self.ref, message, [codes.tobytes()])
        settled(self.bench)


def settled(bench):
    bench.rest(60)


def mounted(bench, widget, width=900):
    widget.clock = "c"
    element = bench.mount("s", "feature_maps", traits_of(widget), width=width)
    kernel = Kernel(bench, widget)
    kernel.answer()
    return element, kernel


def pixel(canvas, x, band):
    """Return the colour of a map, x as a share of its width, in the middle of a band."""
    script = """(canvas, [x, y]) => {
      const at = [Math.floor(x * canvas.width), Math.floor(y * canvas.height)];
      return [...canvas.getContext("2d").getImageData(...at, 1, 1).data];
    }"""
    red, green, blue, alpha = canvas.evaluate(script, [x, 1 - (band + 0.5) / F])
    return (red, green, blue) if alpha else None


def names(element):
    return [text.split("\n")[0] for text in element.locator(".ev-feature-maps-tile").all_inner_texts()]


def test_a_map_shows_its_channel_with_low_bands_at_the_bottom_and_now_in_the_middle(bench):
    element, kernel = mounted(bench, FeatureMaps.of(embedding()))
    bench.clock("c", "c => c.seek(10.25)")
    kernel.answer()
    assert bench.clock("c", "c => c.duration") == 30
    canvas = element.locator(".ev-feature-maps-tile canvas").nth(6)
    # The window is 8.75 … 11.75 s; stripes are bright at 10.0 … 10.5.
    assert pixel(canvas, 0.5, 3) == BRIGHT
    assert pixel(canvas, (10.7 - 8.75) / 3, 3) == DARK
    assert pixel(canvas, (10.05 - 8.75) / 3, 3) == BRIGHT
    assert pixel(canvas, (9.95 - 8.75) / 3, 3) == DARK
    assert pixel(canvas, 0.5, 16) == DARK
    other = element.locator(".ev-feature-maps-tile canvas").nth(12)
    assert pixel(other, 0.5, 6) == BRIGHT
    assert pixel(other, 0.5, 3) == DARK


def test_maps_move_with_the_playhead(bench):
    element, kernel = mounted(bench, FeatureMaps.of(embedding()))
    canvas = element.locator(".ev-feature-maps-tile canvas").first
    bench.clock("c", "c => c.seek(2.25)")
    kernel.answer()
    assert pixel(canvas, 0.5, 0) == BRIGHT
    bench.clock("c", "c => c.seek(2.75)")
    settled(bench)
    assert pixel(canvas, 0.5, 0) == DARK
    assert pixel(canvas, 0.5 - 0.5 / 3, 0) == BRIGHT


def test_it_asks_for_the_frames_around_the_playhead_and_for_nothing_twice(bench):
    element, kernel = mounted(bench, FeatureMaps.of(embedding()))
    assert kernel.asked == [{"kind": "block", "first": 0, "count": 32, "channels": list(range(16)), "serial": 1}]
    bench.clock("c", "c => c.seek(20)")
    kernel.answer()
    assert kernel.asked[1:] == [{"kind": "block", "first": 160, "count": 64, "channels": list(range(16)), "serial": 1}]
    for time in (20.3, 19.9, 0.5, 20):
        bench.clock("c", f"c => c.seek({time})")
        kernel.answer(1)
    assert len(kernel.asked) == 2
    element.get_by_role("button", name="Next page").click()
    kernel.answer()
    assert kernel.asked[2]["channels"] == list(range(16, 32))


def test_the_next_block_is_asked_for_while_it_plays(bench):
    _, kernel = mounted(bench, FeatureMaps.of(embedding()))
    bench.clock("c", "c => { c.playing = true; c.seek(0.5); }")
    kernel.answer()
    assert [(content["first"], content["count"]) for content in kernel.asked] == [(0, 32), (32, 32)]


def test_it_asks_no_more_than_ten_times_a_second(bench):
    mounted(bench, FeatureMaps.of(embedding()))
    before = len(bench.sent("s"))
    seconds = bench.page.evaluate("""async () => {
      const clock = globalThis[Symbol.for("embviz.clocks")].get("c");
      const begun = performance.now();
      for (let i = 0; i < 60; i += 1) {
        clock.seek((i * 7) % 30);
        await new Promise((done) => setTimeout(done, 16));
      }
      return (performance.now() - begun) / 1000;
    }""")
    assert len(bench.sent("s")) - before <= 10 * max(seconds, 1) + 6


def test_an_answer_for_another_layer_is_not_drawn(bench):
    widget = FeatureMaps.of(embedding(), clock="c")
    element = bench.mount("s", "feature_maps", traits_of(widget))
    bench.until("s", "model => model.sent.length > 0")
    message, codes = asked(widget, **bench.sent("s")[0])
    bench.receive("s", message | {"serial": 99}, [codes.tobytes()])
    settled(bench)
    assert element.locator(".ev-loading").count() == 16
    bench.receive("s", message, [codes.tobytes()])
    settled(bench)
    assert element.locator(".ev-loading").count() == 0


def test_without_a_kernel_everything_is_local(bench):
    widget = FeatureMaps.of(embedding(), clock="c").to_static(most=T * F * 12)
    element = bench.mount("s", "feature_maps", traits_of(widget))
    bench.clock("c", "c => c.seek(20.25)")
    settled(bench)
    assert names(element) == [str(i) for i in range(12)]
    assert "40 channels (12 in this page)" in element.inner_text()
    assert pixel(element.locator(".ev-feature-maps-tile canvas").nth(6), 0.5, 3) == BRIGHT
    assert bench.sent("s") == []


def test_pages_and_orders(bench):
    field = tensor()[..., ::-1].copy()
    element, _ = mounted(bench, FeatureMaps.of(embedding(field)))
    assert names(element) == [str(i) for i in range(39, 23, -1)]
    assert element.get_by_role("button", name="Page before").is_disabled()
    element.get_by_role("button", name="Next page").click()
    element.get_by_role("button", name="Next page").click()
    assert names(element) == [str(i) for i in range(7, -1, -1)]
    assert "33–40 of 40" in element.inner_text()
    assert element.get_by_role("button", name="Next page").is_disabled()
    element.get_by_label("order").select_option("index")
    assert names(element)[:3] == ["0", "1", "2"]
    assert bench.get("s", "order") == "index"
    element.get_by_label("per page").select_option("8")
    assert len(names(element)) == 8
    element.locator(".ev-feature-maps-tile").first.focus()
    bench.page.keyboard.press("PageDown")
    assert names(element)[0] == "8"


def test_a_click_enlarges_and_escape_goes_back(bench):
    element, kernel = mounted(bench, FeatureMaps.of(embedding(unit="dB")))
    bench.clock("c", "c => c.seek(10.25)")
    kernel.answer()
    element.get_by_role("button", name=re.compile(r"^Channel 6, ")).click()
    settled(bench)
    assert element.locator(".ev-feature-maps-tile").first.is_hidden()
    assert "Channel 6" in element.inner_text()
    canvas = element.locator(".ev-feature-maps-large canvas")
    script = """(canvas, [x, y]) => {
      const r = devicePixelRatio;
      return [...canvas.getContext("2d").getImageData(x * r, y * r, 1, 1).data].slice(0, 3);
    }"""
    width = canvas.evaluate("el => el.clientWidth") - 76 - 72
    middle = 76 + width * 0.5
    assert tuple(canvas.evaluate(script, [middle, 300 * (1 - 3.5 / F)])) == BRIGHT
    assert tuple(canvas.evaluate(script, [middle, 300 * (1 - 8.5 / F)])) == DARK
    element.get_by_role("button", name="Next channel").click()
    assert "Channel 7" in element.inner_text()
    bench.page.keyboard.press("Escape")
    assert element.locator(".ev-feature-maps-tile").first.is_visible()
    focused = bench.page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert focused.startswith("Channel 7, ")


def test_the_tip_tells_channel_band_time_and_value(bench):
    element, kernel = mounted(bench, FeatureMaps.of(embedding(unit="dB")))
    bench.clock("c", "c => c.seek(10.25)")
    kernel.answer()
    box = element.locator(".ev-feature-maps-tile .ev-feature-maps-field").nth(6).bounding_box()
    bench.page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * (1 - 3.5 / F))
    settled(bench)
    tip = element.locator(".ev-tip")
    assert tip.inner_text().split("\n")[:3] == ["channel 6", "band 3 · 0:10.25", "34 dB"]
    assert bench.clock("c", "c => c.hover") == pytest.approx(10.25, abs=0.02)
    # The map moves under the pointer.
    bench.clock("c", "c => c.seek(10.75)")
    settled(bench)
    assert tip.inner_text().split("\n")[1:3] == ["band 3 · 0:10.75", "0 dB"]
    bench.change("s", "bands", [f"{20 * band + 10}.5 Hz" for band in range(F)])
    settled(bench)
    kernel.answer()
    assert tip.inner_text().split("\n")[1:3] == ["band 3 · 70.5 Hz · 0:10.75", "0 dB"]
    bench.page.mouse.move(5, 890)
    settled(bench)
    assert not tip.is_visible()
    assert bench.clock("c", "c => c.hover") is None


def test_pooled_over_time_each_band_is_a_bar(bench):
    element, kernel = mounted(bench, FeatureMaps.of(embedding()))
    bench.clock("c", "c => c.seek(10)")
    kernel.answer()
    element.get_by_label("pooled over").select_option("time")
    settled(bench)
    canvas = element.locator(".ev-feature-maps-tile canvas").nth(6)
    # Half of the frames in the window are at the highest.
    assert pixel(canvas, 0.25, 3) is not None
    assert pixel(canvas, 0.75, 3) is None
    assert pixel(canvas, 0.25, 9) is None
    box = element.locator(".ev-feature-maps-tile .ev-feature-maps-field").nth(6).bounding_box()
    bench.page.mouse.move(box["x"] + 20, box["y"] + box["height"] * (1 - 3.5 / F))
    settled(bench)
    assert "band 3 · 30 frames" in element.locator(".ev-tip").inner_text()
    assert "bar: mean of the window's frames" in element.locator(".ev-feature-maps-foot").inner_text()
    assert "mean 17 · highest 34" in element.locator(".ev-tip").inner_text()


def test_pooled_over_frequency_each_channel_is_a_curve(bench):
    field = np.zeros((T, F, 3), dtype=np.float32)
    field[100:110] = 1
    field[0, 0] = -1
    element, kernel = mounted(bench, FeatureMaps.of(embedding(field), pooled="frequency"))
    bench.clock("c", "c => c.seek(10.5)")
    kernel.answer()
    canvas = element.locator(".ev-feature-maps-tile canvas").first
    assert pixel(canvas, 0.5, 16) is not None
    assert pixel(canvas, 0.2, 16) is None
    assert pixel(canvas, 0.2, 5) is not None


def test_colors_of_the_whole_layer_can_be_compared(bench):
    element, _ = mounted(bench, FeatureMaps.of(embedding()))
    bench.clock("c", "c => c.seek(1.25)")
    settled(bench)
    canvas = element.locator(".ev-feature-maps-tile canvas").nth(14)
    assert pixel(canvas, 0.5, 7) == BRIGHT
    element.get_by_label("range of").select_option("layer")
    settled(bench)
    assert pixel(canvas, 0.5, 7) not in {BRIGHT, DARK}
    assert pixel(element.locator(".ev-feature-maps-tile canvas").first, 0.5, 0) == BRIGHT


def test_long_frames_get_a_longer_window(bench):
    grid = FrameGrid(1000, 5000, 5000, 5000, 0, 30, 150_000)
    field = np.random.default_rng(1).random((30, F, 2))
    element, _ = mounted(bench, FeatureMaps.of(embedding(field, grid)))
    bench.clock("c", "c => c.seek(75)")
    settled(bench)
    assert "1:00.0 – 1:30.0" in element.inner_text()
    assert element.get_by_label("window").locator("option:checked").inner_text() == "30 s"


def test_names_are_text_and_everything_has_one(bench):
    element, _ = mounted(bench, FeatureMaps.of(embedding(unit=HOSTILE), title=HOSTILE))
    box = element.locator(".ev-feature-maps-field").first.bounding_box()
    bench.page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 20)
    settled(bench)
    assert element.locator("img").count() == 0
    assert element.inner_text().count(HOSTILE) == 2
    unnamed = element.locator("button, select").evaluate_all(
        "all => all.filter((el) => !el.getAttribute('aria-label') && !el.labels?.length).map((el) => el.outerHTML)"
    )
    assert unnamed == []
    assert element.get_by_role("img").count() + element.locator("button canvas[role=img]").count() >= 16


@pytest.mark.parametrize("message", ["", "The layer is being computed …"])
def test_nothing_to_show_says_so(bench, message):
    widget = FeatureMaps(clock="c", message=message)
    element = bench.mount("s", "feature_maps", traits_of(widget))
    settled(bench)
    assert element.locator(".ev-feature-maps-note").inner_text() == (message or "There are no feature maps to show.")
    assert not element.locator(".ev-feature-maps-foot").is_visible()
    whole = traits_of(FeatureMaps.of(embedding(), clock="c"))
    for name in ("shape", "grid", "ranges", "ends", "channels", "serial", "message"):
        bench.change("s", name, whole[name])
    settled(bench)
    assert len(names(element)) == 16


def test_a_kernel_that_does_not_answer_is_told_and_asked_again(bench):
    widget = FeatureMaps.of(embedding(), clock="c")
    element = bench.mount("s", "feature_maps", traits_of(widget))
    bench.page.wait_for_function(
        "() => document.querySelector('.ev-feature-maps [role=status].ev-error')"
        ".textContent.includes('does not answer')"
    )
    bench.until("s", "model => model.sent.length >= 2")
    Kernel(bench, widget).answer(1)
    assert "does not answer" not in element.inner_text()


def test_nothing_is_left_when_the_view_goes(bench):
    element, _ = mounted(bench, FeatureMaps.of(embedding()))
    bench.page.evaluate("bench.widgets.s.abort.abort()")
    assert element.locator("*").count() == 0
    bench.clock("c", "c => c.seek(20)")
    before = len(bench.sent("s"))
    bench.rest(300)
    assert len(bench.sent("s")) == before
    assert not bench.page.evaluate("[...bench.widgets.s.model.listeners.values()].some((set) => set.size)")


def test_channels_open_cards_where_there_are_any(bench):
    widget = FeatureMaps.of(embedding())
    cards = []
    widget.on_card(cards.append)
    element, _kernel = mounted(bench, widget)
    tile = element.locator(".ev-feature-maps-tile").first
    channel = int(tile.locator("span").first.inner_text())
    tile.locator("span").first.click()
    tile.focus()
    tile.press("c")
    tile.locator("canvas").click()
    element.get_by_role("button", name="Card of this channel").click()
    asked = [one["channel"] for one in bench.sent("s") if one["kind"] == "card"]
    assert asked == [channel] * 3
    for content in ({"kind": "card", "channel": 10**6}, {"kind": "card", "channel": "1"}, *bench.sent("s")):
        widget._answer(widget, content, [])
    assert cards == [channel] * 3
