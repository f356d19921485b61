"""Histograms and bars beside a map in a browser: what hands and keys do, and what follows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from factories import traits_of
from harness import Bench, until

from embviz.export.facets import encode_facet
from embviz.widgets.atlas import AtlasView
from embviz.widgets.scatter import Scatter

EVIL = "<img src=x onerror=alert(1)>\u202egnp"
N = 60
YEARS = pd.Series([1990.0 + i % 10 for i in range(N - 2)] + [np.nan] * 2)
GENRES = pd.Series(["rock"] * 30 + ["jazz"] * 15 + [EVIL] * 5 + [f"kind {i}" for i in range(9)] + [""])


class Strip:
    """The filters of a map of sixty tracks, the first of which is the third of the table."""

    def __init__(self, bench: Bench, *, width: int = 1240, color: Any = None, **more: Any) -> None:
        self.bench, self.page = bench, bench.page
        facets = [encode_facet("column:year", "year", YEARS), encode_facet("column:genre", "genre", GENRES)]
        places = np.arange(N, dtype="<u4") + 2
        state = traits_of(AtlasView()) | {
            "maps": [{"view": "anywidget:map", "status": "ready", "title": "A map", "facts": [], "notes": []}],
            "facets": [facet.to_dict() for facet in facets], "facet_keys": [facet.key for facet in facets],
            "facet_values": b"".join(facet.numbers.astype("<f4").tobytes() for facet in facets),
            "facet_places": places.tobytes(), "facet_labels": (100.0 + places).astype("<f8").tobytes(),
            "color_options": [
                {"title": "", "items": [{"key": "none", "title": "none"}]},
                {"title": "Columns", "items": [{"key": f"column:{name}", "title": name} for name in ("year", "mood")]},
            ],
        }  # fmt: skip
        xy = np.random.default_rng(0).random((N, 2))
        columns = [{"name": "title", "values": [f"Track {i}" for i in range(N + 2)]}]
        drawn = Scatter.of(xy, columns=columns, tracks=places, color=color, renderer="canvas")
        bench.add("anywidget:map", "scatter", traits_of(drawn))
        bench.add("atlas", "atlas", state | more)
        bench.acknowledge("atlas")
        self.el = bench.show("atlas", width=width).locator(".ev-facets")
        self.plot = self.el.locator(".ev-facet-plot")
        self.count = self.el.locator(".ev-facets-count")

    @property
    def filters(self) -> Any:
        return self.bench.get("atlas", "filters")

    def passing(self) -> list[int]:
        """Return the tracks that the map lets through, by their places in the columns."""
        self.bench.rest()
        mask = self.page.evaluate(
            "() => [...new Uint8Array(bench.widgets['anywidget:map'].model.get('filtered')?.buffer ?? [])]"
        )
        return [i for i, passes in enumerate(mask) if passes]

    def drag(self, start: float, end: float) -> None:
        box = self.plot.bounding_box()
        height = box["y"] + box["height"] / 2
        self.page.mouse.move(box["x"] + start * box["width"], height)
        self.page.mouse.down()
        for part in (0.5, 1):
            self.page.mouse.move(box["x"] + (start + part * (end - start)) * box["width"], height)
        self.page.mouse.up()
        self.page.mouse.move(box["x"], box["y"] - 200)
        self.bench.rest()

    def bar(self, label: str) -> Any:
        return self.el.get_by_role("checkbox", name=re.compile(f"^{label}"))


@pytest.fixture
def strip(bench: Bench) -> Iterator[Strip]:
    return Strip(bench)


def indices(condition: Any) -> list[int]:
    return np.flatnonzero(np.asarray(condition)).tolist()


def test_a_range_is_brushed_moved_and_cleared(strip):
    assert strip.count.inner_text() == "60 tracks"
    assert strip.el.get_by_role("button", name="Show all").is_visible() is False
    top = strip.plot.bounding_box()["y"]
    strip.drag(0.21, 0.49)
    assert strip.filters == {"column:year": {"range": [1992, 1994], "unknown": False}}
    assert strip.passing() == indices(YEARS.between(1992, 1994))
    assert strip.count.inner_text() == "18 of 60 tracks"
    assert strip.plot.bounding_box()["y"] == top, "nothing moves under the hand"
    assert strip.el.locator(".ev-facet-said").first.inner_text() == "1992 – 1994"
    assert strip.bench.page.evaluate("() => bench.widgets.atlas.model.saved.length") == 1, "Python is told at the end"
    strip.drag(0.35, 0.65)  # the whole range
    assert strip.filters["column:year"]["range"] == [1995, 1997]
    strip.drag(0.8, 0.95)  # its end, which stands there now
    assert strip.filters["column:year"]["range"] == [1995, 1999]
    strip.plot.dblclick(position={"x": 20, "y": 10})
    assert strip.filters == {}
    assert strip.passing() == []
    assert strip.count.inner_text() == "60 tracks"


def test_a_click_takes_a_bin_and_the_unknown_have_a_bar(strip):
    box = strip.plot.bounding_box()
    strip.page.mouse.click(box["x"] + 0.05 * box["width"], box["y"] + 20)
    assert strip.filters["column:year"]["range"] == [1990, 1990]
    strip.el.get_by_role("checkbox", name="year unknown, 2 of 2").click()
    assert strip.passing() == indices((YEARS == 1990) | YEARS.isna())
    strip.el.get_by_role("button", name="End the filter by year").click()
    assert strip.filters == {}
    strip.bar("year unknown").click()
    assert strip.passing() == indices(YEARS.isna())


def test_keys_move_the_ends_of_a_range(strip):
    low, high = (strip.el.get_by_role("slider", name=f"{which} year") for which in ("Lowest", "Highest"))
    low.focus()
    strip.page.keyboard.press("ArrowRight")
    strip.page.keyboard.press("ArrowUp")
    assert strip.filters["column:year"]["range"] == [1992, 1999]
    assert low.get_attribute("aria-valuetext") == "1992"
    strip.page.keyboard.press("Tab")
    strip.page.keyboard.press("Home")
    assert strip.filters["column:year"]["range"] == [1992, 1992]
    strip.page.keyboard.press("ArrowRight")
    assert (high.get_attribute("aria-valuenow"), high.get_attribute("aria-valuemax")) == ("1993", "1999")
    strip.page.keyboard.press("Escape")
    assert strip.filters == {}
    assert strip.page.evaluate("document.activeElement.getAttribute('aria-label')") == "Highest year"


def test_bars_are_chosen_each_counted_under_the_other_filters(strip):
    strip.bar("rock").click()
    strip.bar("jazz").click()
    assert strip.filters == {"column:genre": {"values": ["rock", "jazz"], "unknown": False}}
    assert strip.passing() == list(range(45))
    assert strip.bar("rock, 30 of 30").get_attribute("aria-checked") == "true"
    strip.drag(0.01, 0.19)
    assert strip.count.inner_text() == "10 of 60 tracks"
    assert strip.bar("rock, 6 of 30").count() == 1
    assert strip.bar(re.escape("<img src=x onerror=alert(1)>gnp, 0 of 5")).count() == 1
    strip.bar("rock").click()
    assert strip.passing() == indices((GENRES == "jazz") & YEARS.between(1990, 1991))
    strip.el.get_by_role("button", name="Show all").click()
    assert strip.filters == {}


def test_others_expand_are_searched_and_walked(strip):
    bars = strip.el.locator(".ev-facet-bars").get_by_role("checkbox")
    assert bars.count() == 6
    strip.el.get_by_role("button", name="6 others").click()
    assert bars.count() == 12
    strip.page.keyboard.type("KIND 7")
    assert bars.count() == 1
    bars.click()
    strip.el.get_by_role("searchbox", name="Find one of genre").fill("")
    bars.nth(0).focus()
    strip.page.keyboard.press("ArrowDown")
    strip.page.keyboard.press("Space")
    assert strip.filters["column:genre"]["values"] == ["kind 7", "jazz"]
    bars.nth(3).click(modifiers=["Shift"])
    assert len(strip.filters["column:genre"]["values"]) == 4
    strip.el.get_by_role("button", name="Show fewer").click()
    assert bars.count() == 7, "what is chosen stays in sight"


def test_escape_ends_the_filter_of_its_facet(strip):
    strip.bar("rock").click()
    strip.bar("genre unknown").click()
    strip.drag(0.01, 0.19)
    strip.bar("jazz").press("Escape")
    assert list(strip.filters) == ["column:year"]
    assert strip.bar("jazz").evaluate("el => el === document.activeElement")
    strip.bar("genre unknown").click()
    strip.page.keyboard.press("Escape")
    assert list(strip.filters) == ["column:year"]
    strip.el.get_by_role("button", name="6 others").click()
    strip.page.keyboard.type("kind 7")
    strip.bar("kind 7").click()
    strip.el.get_by_role("searchbox", name="Find one of genre").press("Escape")
    assert len(strip.filters) == 2, "Escape empties the search first"
    strip.el.get_by_role("button", name="Show fewer").click()
    strip.bar("kind 7").press("Escape")
    assert list(strip.filters) == ["column:year"]
    assert strip.bar("rock").evaluate("el => el === document.activeElement"), "the bar is gone, the focus is not"


def test_names_from_strangers_are_text(strip):
    assert strip.el.locator("img").count() == 0
    assert "<img" in strip.el.locator(".ev-facet-label", has_text="onerror").inner_text()


def test_facets_are_added_and_taken_away_with_their_filters(strip):
    strip.drag(0.01, 0.19)
    strip.bench.commands("atlas")
    strip.el.get_by_role("button", name="Columns to filter by").click()
    menu = strip.page.locator(".ev-facets-menu")
    assert [box.is_checked() for box in menu.get_by_role("checkbox").all()] == [True, False]
    menu.get_by_role("checkbox", name="year").uncheck()
    assert strip.filters == {}
    menu.get_by_role("checkbox", name="mood").check()
    asked = [["column:genre"], ["column:year", "column:genre", "column:mood"]]
    assert [each["value"] for each in strip.bench.commands("atlas")] == asked
    strip.bench.change("atlas", "facet_keys", ["column:year", "column:genre", "column:mood"])
    assert strip.el.locator(".ev-facet", has_text="mood").locator(".ev-facet-said").inner_text() == "computing …"


def test_lists_show_what_is_left(bench):
    def row(track: int, **more: Any) -> dict[str, Any]:
        return {
            "track": track,
            "title": f"T{track}",
            "artist": "",
            "album": "",
            "genre": "",
            "seconds": 1,
            "at": None,
        } | more

    near = {"of": {"title": "x", "kind": "track"}, "metric": "cosine", "exact": True, "k": 2, "message": ""}
    near["items"] = [row(102, point=0, distance=0.1), row(140, point=38, distance=0.2)]
    strip = Strip(bench, neighbors=near, selection={"count": 2, "seconds": 2, "rows": [row(102), row(140)], "more": 0})
    names = strip.page.locator(".ev-atlas-lists .ev-atlas-title")
    assert names.all_inner_texts() == ["T102", "T140"]
    strip.bar("jazz").click()
    assert names.all_inner_texts() == ["T140"]
    strip.page.get_by_role("tab", name="Selection").click()
    table = strip.page.locator(".ev-atlas-table tbody tr")
    assert table.count() == 1
    assert "1 row left out by the filters" in strip.page.locator(".ev-atlas-lists").inner_text()
    strip.bench.commands("atlas")
    strip.el.get_by_role("button", name="Select").click()
    assert strip.bench.commands("atlas") == [{"kind": "select_filtered"}]


def test_python_filters_and_new_columns_keep_what_is_filtered(strip):
    strip.bench.change("atlas", "filters", {"column:genre": {"values": ["jazz"], "unknown": False}})
    assert strip.passing() == list(range(30, 45))
    assert strip.bar("jazz").get_attribute("aria-checked") == "true"
    strip.bench.change("atlas", "facet_keys", ["column:genre"])
    assert strip.passing() == list(range(30, 45))
    strip.bench.change("atlas", "filters", {})
    assert strip.passing() == []


@pytest.mark.parametrize("width", [1240, 1000, 800, 600])
def test_the_strip_is_seen_together_with_the_map(bench, width):
    strip = Strip(bench, width=width)
    field, box = strip.page.locator(".ev-atlas-maps").bounding_box(), strip.el.bounding_box()
    fold = strip.el.get_by_role("button", name="Filters", exact=True)
    assert (box["x"] >= field["x"] + field["width"] - 1) == (width >= 700)
    assert strip.plot.is_visible() == (width >= 700)
    assert strip.page.get_by_role("tab", name="Filters").is_visible() == (width == 800)
    if width < 700:  # folded at first, below the map, and never out of sight for as long as the map is seen
        assert strip.el.bounding_box()["height"] < 50
        assert strip.el.evaluate("el => getComputedStyle(el).position") == "sticky"
        fold.click()
        assert strip.plot.is_visible()
    if width == 800:
        strip.page.get_by_role("tab", name="Neighbours").click()
        assert strip.plot.is_visible() is False
        strip.page.get_by_role("tab", name="Filters").click()
        assert strip.plot.is_visible()
    else:
        fold.click()
        until(strip.page, lambda: strip.el.bounding_box()["height"] < 80)
        assert fold.get_attribute("aria-expanded") == "false"


def test_a_list_that_is_asked_for_comes_before_the_filters(bench):
    strip = Strip(bench, width=800)
    assert strip.plot.is_visible(), "there is nothing else to see yet"
    bench.change("atlas", "neighbors", {"of": {"title": "A", "kind": "track"}, "items": []})
    assert strip.plot.is_visible() is False
    strip.page.get_by_role("tab", name="Filters").click()
    bench.change("atlas", "neighbors", {"of": {"title": "B", "kind": "track"}, "items": []})
    assert strip.plot.is_visible(), "who has opened them keeps them"


def test_filters_and_legend_are_one_count(bench):
    strip = Strip(bench, color=GENRES.tolist())
    strip.page.locator(".ev-scatter-category", has_text="rock").click()
    until(strip.page, lambda: strip.count.inner_text() == "30 of 60 tracks")
    assert strip.bar("rock, 0 of 30").count() == 1
    assert strip.page.locator(".ev-atlas-foot").first.inner_text().startswith("30 of 60 tracks shown")
    assert "shown" not in strip.page.locator(".ev-atlas-legend").inner_text()
    assert strip.passing() == [], "what the legend hides is no filter"
    strip.bar("jazz").click()
    until(strip.page, lambda: strip.count.inner_text() == "15 of 60 tracks")
    strip.el.get_by_role("button", name="Show all").click()
    until(strip.page, lambda: strip.count.inner_text() == "60 tracks")
    assert (strip.filters, bench.get("anywidget:map", "hidden_categories")) == ({}, [])
