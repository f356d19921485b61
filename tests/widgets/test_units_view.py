"""The page of units: its list, the card of a dimension, and what names from strangers do in them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from panel import LANDMARKS, NAMELESS, SILENT, BenchPanel

HOSTILE = '<img src=x onerror="document.body.dataset.broken = 1">\u202e'
TITLES = {"r": "how surely they are named", "dimension": "number", "effect": "what separates the selection"}
BINS = 16
NAMES = ["sad", HOSTILE, "", "drums", "female vocalists", ""] * 20


def a_unit(dimension: int, **more: Any) -> dict[str, Any]:
    name = NAMES[dimension]
    known = {"r": 0.61, "low": 0.55, "high": 0.66} if name else {"r": None, "low": None, "high": None}
    row = {
        "dimension": dimension, "label": "", "name": name, "selectivity": dimension / 120, "zeros": 0.12,
        "effect": None, "hint": f"dimension {dimension}", **known,
    }  # fmt: skip
    return row | more


def units_state(**more: Any) -> dict[str, Any]:
    state = {
        "model": "msd-musicnn-1", "layer": "embedding", "status": "ready", "stage": "", "done": 0, "total": 0,
        "message": "", "remedy": "", "view": "", "plan": "", "rows": [a_unit(i) for i in range(120)],
        "order": list(range(119, -1, -1)), "sort": "r", "sorts": TITLES, "search": "",
        "said": "120 dimensions, 80 of them with a name that holds on tracks that were held back.", "bins": BINS,
        "notes": ["Names are those of tags."],
    }  # fmt: skip
    return state | more


def histograms(seed: int = 0) -> bytes:
    return np.random.default_rng(seed).integers(0, 256, (120, BINS)).astype(np.uint8).tobytes()


def a_card(**more: Any) -> dict[str, Any]:
    shares = np.exp(-(np.linspace(-1, 3, 64) ** 2))
    own = np.roll(shares, 12) * (np.arange(64) > 12)
    tag = {"held_back": 0.58, "tracks": 155}
    card = {
        "dimension": 37, "title": "Dimension 37", "about": "MusiCNN (MSD) / embedding",
        "unit": "", "frames": 2049, "tracks": 155, "named": True,
        "sentence": [["Goes with ", "text"], ["female vocalists", "name"], [" 0.61 [0.55, 0.66], not with ", "text"],
                     [HOSTILE, "name"], [".", "text"]],
        "tags": [{"name": "female vocalists", "r": 0.61, "low": 0.55, "high": 0.66, **tag},
                 {"name": "sad", "r": 0.42, "low": 0.3, "high": 0.5, **tag},
                 {"name": HOSTILE, "r": -0.4, "low": -0.5, "high": -0.31, **tag}],
        "basis": "Pearson's r with the tags by MusiCNN (MSD), over the frames of 155 tracks; half were held back.",
        "columns": [{"name": "style", "text": "effect 0.31, highest jazz, lowest rock", "hint": "p 0.001"}],
        "alike": [{"dimension": 12, "title": "12", "r": 0.82}, {"dimension": 99, "title": HOSTILE, "r": -0.7}],
        "facts": [["Zero", "in 12 % of the frames"], ["Selectivity", "0.61 (0: the same everywhere)"]],
        "notes": [], "edges": np.linspace(-0.2, 3.4, 65).tolist(), "shares": (shares / shares.sum()).tolist(),
        "own": (own / own.sum()).tolist(), "track": "Sixty-Four Bars",
        "pictures": [{"title": "Its filter", "hint": "bands × time", "shape": [7, 38], "hz": [86.0, 7500.0],
                      "seconds": 0.112, "low": -0.4, "high": 0.4, "unit": "weight", "signed": True}],
    }  # fmt: skip
    return card | more


def card_widget(card: dict[str, Any], *, linked: bool = True) -> dict[str, Any]:
    times = np.arange(0.75, 60, 1.5, dtype="<f4")
    cells = np.random.default_rng(1).integers(1, 256, 7 * 38).astype(np.uint8).tobytes()
    return {
        "clock": "panel", "card": card, "cells": [], "cell": cells, "linked": linked, "times": times.tobytes(),
        "values": np.linspace(0, 3, len(times), dtype="<f4").tobytes(),
    }  # fmt: skip


def open_card() -> dict[str, Any]:
    return {
        "dimension": 37, "status": "ready", "view": "IPY_MODEL_card", "highest": "IPY_MODEL_row1",
        "lowest": "IPY_MODEL_row2",
    }  # fmt: skip


@pytest.fixture
def units(shared_bench):
    """A panel on the page of units, with a list and an open card."""
    shared_bench.clear()
    panel = BenchPanel(shared_bench)
    shared_bench.add("anywidget:card", "unit_card", card_widget(a_card()))
    shared_bench.page.evaluate(
        "() => { const { state } = bench.widgets['anywidget:card'].model; state.cells = [state.cell]; }"
    )
    marks = {"unit_histograms": histograms(), "unit_marks": histograms(1)}

    def show(**state: Any) -> Any:
        return panel.show(**{"tab": "units", "units": units_state(), "unit": {}, **marks, **state})

    panel.open = show
    return panel


def option(panel: Any, dimension: int) -> Any:
    return panel.page.locator(f".ev-units-row[id$='-{dimension}']")


def test_the_list_is_walked_with_keys_and_opens_cards(units):
    element = units.open()
    box = element.get_by_role("listbox", name="Dimensions")
    assert element.locator(".ev-units-row").count() < 40  # of 120: only those that can be seen
    first = box.get_by_role("option").first
    assert first.get_attribute("aria-setsize") == "120"
    assert first.get_attribute("aria-label") == "dimension 119: no name: selectivity 0.99"
    units.sent()
    box.focus()
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        box.press(key)
    assert units.sent() == [{"kind": "show_unit", "dimension": 117}]
    box.press("End")
    option(units, 0).wait_for()
    active = "el => document.getElementById(el.getAttribute('aria-activedescendant')).dataset.index"
    assert box.evaluate(active) == "119"
    option(units, 1).click()
    assert units.sent() == [{"kind": "show_unit", "dimension": 1}]


def test_searching_and_sorting_are_asked_of_python(units):
    element = units.open()
    units.sent()
    element.get_by_label("Search dimensions by the tags they go with").fill("drums")
    units.bench.rest(250)
    assert units.sent() == [{"kind": "list_units", "sort": "r", "search": "drums"}]
    element.get_by_label("Sort dimensions by").select_option("effect")
    assert units.sent() == [{"kind": "list_units", "sort": "effect", "search": "drums"}]
    box = element.get_by_role("listbox", name="Dimensions")
    box.press("End")
    units.change(units=units_state(sort="effect", order=list(range(120))))
    assert box.evaluate("el => el.scrollTop") == 0  # what comes first is seen
    rows = [a_unit(i, effect=-i / 100) for i in range(120)]
    units.change(units=units_state(sort="effect", order=[3, 4], rows=rows, said="2 of 120", matches={"4": HOSTILE}))
    assert element.locator(".ev-units-row").count() == 2
    assert HOSTILE.strip("\u202e") in option(units, 4).inner_text()
    assert "d −0.03" in option(units, 3).inner_text()
    assert element.get_by_role("status").filter(has_text="2 of 120").count() == 1


def test_what_it_costs_stands_on_a_button_and_work_can_be_stopped(units):
    element = units.open(units=units_state(rows=None, status="", plan="155 tracks, about 12 min"))
    assert "about 12 min" in element.get_by_role("group", name="What it costs").inner_text()
    units.sent()
    element.get_by_role("button", name="Analyse").click()
    assert units.sent() == [{"kind": "analyse_units"}]
    units.change(units=units_state(rows=None, status="running", stage="looking", done=1, total=4))
    element.get_by_role("button", name="Cancel").click()
    assert units.sent() == [{"kind": "cancel_units"}]
    units.change(units=units_state(rows=None, status="failed", message=f"No sound in {HOSTILE}."))
    assert f"No sound in {HOSTILE}." in element.locator(".ev-units .ev-panel-message").inner_text()
    element.get_by_role("button", name="Try again").click()
    assert units.sent() == [{"kind": "analyse_units"}]


def test_a_card_says_what_a_dimension_goes_with_and_where_the_playhead_lies(units):
    element = units.open(unit=open_card())
    card = element.get_by_role("group", name="Card of Dimension 37")
    card.wait_for()
    assert "Goes with female vocalists 0.61 [0.55, 0.66], not with" in card.inner_text()
    assert card.get_by_role("row").nth(3).inner_text().split("\t")[-2:] == ["−0.40 [−0.50, −0.31]", "0.58"]
    assert "2,049 frames of 155 tracks" in card.get_by_role("img").first.get_attribute("aria-label")
    assert units.mounted() == ["player", "row1", "row2"]
    units.load_clock(60.0)
    units.bench.clock("panel", "c => c.seek(30)")
    units.bench.rest()
    assert card.locator(".ev-unit-now").inner_text().startswith("at 0:30.0: 1.46, above ")
    assert card.locator(".ev-unit-mark").is_visible()
    left = card.locator(".ev-unit-mark").evaluate("el => parseFloat(el.style.left)")
    assert left == pytest.approx(100 * (1.46 + 0.2) / 3.6, abs=2)
    pixels = card.locator("canvas").evaluate(
        "el => [el.width, el.height, el.getContext('2d').getImageData(0, 0, 1, 1).data[3]]"
    )
    assert pixels == [7, 38, 255]
    assert units.bench.errors == []


def test_cards_that_behave_alike_are_links_and_the_card_is_closed(units):
    element = units.open(unit=open_card())
    element.get_by_role("button", name="12 r 0.82").click()
    assert units.bench.sent("anywidget:card") == [{"kind": "unit", "dimension": 12}]
    units.sent()
    element.get_by_role("button", name="Close the card").click()
    assert units.sent() == [{"kind": "close_unit"}]
    assert element.get_by_role("listbox", name="Dimensions").evaluate("el => el === document.activeElement")
    units.change(unit={})
    assert not element.get_by_role("group", name="Card of a dimension").is_visible()


def test_names_from_strangers_are_text_and_everything_has_a_name(units):
    element = units.open(unit=open_card(), units=units_state(search=HOSTILE, notes=[HOSTILE], said=HOSTILE))
    element.get_by_role("group", name="Card of Dimension 37").wait_for()
    assert element.locator("img").count() == 0
    assert units.page.evaluate("() => document.body.dataset.broken ?? ''") == ""
    assert [element.evaluate(what) for what in (NAMELESS, SILENT)] == [[], []]
    assert len(set(element.evaluate(LANDMARKS))) == len(element.evaluate(LANDMARKS))


@pytest.mark.parametrize("width", [1000, 420])
def test_nothing_is_wider_than_its_place(units, width):
    units.page.set_viewport_size({"width": width + 40, "height": 1200})
    element = units.open(unit=open_card(), width=width)
    element.get_by_role("group", name="Card of Dimension 37").wait_for()
    wide = element.locator(".ev-units").evaluate(
        """el => [el, ...el.querySelectorAll("*")].filter((one) => one.checkVisibility()
            && !one.closest(".ev-units-space, svg, .ev-hidden, canvas")
            && one.getBoundingClientRect().right > el.getBoundingClientRect().right + 1).map((one) => one.className)"""
    )
    assert wide == []
