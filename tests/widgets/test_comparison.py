"""Two tracks side by side: the widget's Python half, and its script in a real browser."""

import numpy as np
import pytest

from embviz.audio import Audio
from embviz.core.embedding import Embedding, FrameGrid
from embviz.widgets import browser_audio
from embviz.widgets.comparison import Comparison
from embviz.widgets.heatmap import Heatmap
from embviz.widgets.player import Player

RATE = 8000
HOSTILE = "<img src=x onerror=\"document.title='owned'\">.wav"
PATH = [[2.0, 0.0], [4.0, 1.0], [6.0, 2.0], [10.0, 4.0]]  # the second begins 2 s into the first, and is twice as fast


def sound(seconds, hertz):
    t = np.arange(int(seconds * RATE)) / RATE
    return Audio.open(((0.3 * np.sin(2 * np.pi * hertz * t)).astype(np.float32), RATE))


def embedding(seconds):
    grid = FrameGrid(RATE, RATE, RATE, RATE, 0, int(seconds), int(seconds) * RATE)
    return Embedding(np.random.default_rng(3).normal(size=(int(seconds), 5)).astype(np.float32), grid, "model", "layer")


def made(**options):
    options = {"same_piece": True, "message": "The same piece.", "about": "Likeness."} | options
    return Comparison.of([sound(10, 220), sound(4, 330)], [embedding(10), embedding(4)], PATH, **options)


def traits(widget):
    names = [name for name in widget.traits(sync=True) if not name.startswith("_")]
    return {name: getattr(widget, name) for name in names if name not in ("layout", "tabbable", "tooltip")}


@pytest.fixture
def show(bench):
    """Show a comparison and what is inside of it, with the sound that Python would send."""

    def show(widget, width=900):
        for part in widget._parts:
            state = traits(part)
            if isinstance(part, Player):
                data, mime = browser_audio.encode(part._playable.audio.stereo(RATE), RATE)
                state |= {"sound": data, "mime": mime}
            kind = "player" if isinstance(part, Player) else "heatmap"
            bench.add(f"anywidget:{part.model_id}", kind, state)
        return bench.mount("c", "comparison", traits(widget), width=width)

    return show


def settled(bench, widget):
    for name in widget.clocks:
        bench.until_clock(name, "c => c.media && c.media.readyState >= 2")
    bench.rest(60)


def times(bench, widget):
    return [bench.clock(name)["time"] for name in widget.clocks]


# -- Python -----------------------------------------------------------------------------------------------------------


def test_both_tracks_have_a_clock_a_player_and_a_heatmap_of_their_own():
    widget = made()
    assert [isinstance(part, Heatmap) for part in widget._parts] == [False, False, True, True]
    assert len(set(widget.clocks)) == 2
    assert [part.clock for part in widget._parts] == [*widget.clocks, *widget.clocks]
    np.testing.assert_array_equal(np.frombuffer(widget.path, np.float32).reshape(-1, 2), np.float32(PATH))
    parts = list(widget._parts)
    widget.close()
    assert all(part.comm is None for part in parts)
    assert widget.still().lines == ("It was closed.",)


@pytest.mark.parametrize("same", [True, False])
def test_the_still_draws_both_waveforms_and_what_joins_them(same):
    still = made(same_piece=same).still()
    assert still.lines == ("A: array · 0:10.0", "B: array · 0:04.0", "The same piece.")
    picture = still.draw(1.0).pixels
    between = picture[80 + 22 + 10 : 80 + 22 + 46]
    assert (between[..., 3] > 0).any() == same
    assert picture[:80].any()
    assert picture[-80 - 22 : -22].any()


# -- the browser ------------------------------------------------------------------------------------------------------


def test_seeking_in_one_seeks_in_the_other(bench, show):
    widget = made()
    element = show(widget)
    settled(bench, widget)
    waves = element.locator(".ev-wave")
    box = waves.nth(0).bounding_box()
    bench.page.mouse.click(box["x"] + 0.6 * box["width"], box["y"] + 30)
    assert times(bench, widget) == pytest.approx([6, 2], abs=0.05)
    box = waves.nth(1).bounding_box()
    bench.page.mouse.click(box["x"] + 0.25 * box["width"], box["y"] + 30)
    assert times(bench, widget) == pytest.approx([4, 1], abs=0.05)
    element.get_by_role("button", name="Linked").click()
    bench.page.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 30)
    assert times(bench, widget) == pytest.approx([4, 2], abs=0.05)
    assert element.get_by_role("button", name="Not linked").get_attribute("aria-pressed") == "false"


def test_a_and_b_change_the_track_that_sounds_where_the_music_is(bench, show):
    widget = made()
    element = show(widget)
    settled(bench, widget)
    first, second = widget.clocks
    bench.clock(first, "c => c.seek(4)")
    element.locator(".ev-wave").nth(0).focus()
    bench.page.keyboard.press(" ")
    bench.until_clock(first, "c => c.playing && c.time > 4.1")
    bench.page.keyboard.press("b")
    bench.until_clock(second, "c => c.playing && !c.partners.values().next().value.playing")
    heard = element.get_by_role("button", name="Hear B")
    assert heard.get_attribute("aria-pressed") == "true"
    now = times(bench, widget)
    assert now[0] == pytest.approx(2 + 2 * now[1], abs=0.2)
    bench.page.keyboard.press(" ")
    # Space is for the one that sounds, wherever it is pressed.
    bench.until_clock(second, "c => !c.playing")
    assert not bench.clock(first)["playing"]


def test_two_pieces_are_not_joined_and_sound_by_turns(bench, show):
    widget = made(same_piece=False, message="Not the same piece.")
    element = show(widget)
    settled(bench, widget)
    link = element.get_by_role("button", name="Not linked")
    assert link.is_disabled()
    assert not element.locator(".ev-comparison-lines").is_visible()
    assert element.get_by_text("Not the same piece.").is_visible()
    bench.clock(widget.clocks[0], "c => c.seek(5)")
    assert times(bench, widget) == [5, 0]


def test_names_are_text_and_everything_has_one(bench, show):
    widget = made(message=HOSTILE)
    widget.names = [HOSTILE, f"{HOSTILE}2"]
    element = show(widget, width=500)
    settled(bench, widget)
    assert element.locator("img[src]").count() == 0
    assert element.get_by_role("group", name=f"Comparison of {HOSTILE}").count() == 1
    assert element.get_by_role("region", name=f"A: {HOSTILE}").count() == 1
    assert bench.page.title() != "owned"
    assert element.locator(".ev-comparison-lines canvas").bounding_box()["width"] < 500
