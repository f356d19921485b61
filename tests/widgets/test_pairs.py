"""A list of pairs of tracks: its Python half, and its script in a real browser."""

import pytest

from embviz.widgets.pairs import PairList

HOSTILE = "<img src=x onerror=\"document.title='owned'\">\n\u202e"
PAIRS = [
    {"a": "studio", "b": "studio (remaster)", "evidence": ["similarity 0.98", "3 dB louder"]},
    {"a": HOSTILE, "b": "b" * 200, "evidence": ["similarity 0.91", HOSTILE]},
    {"a": "one", "b": "two", "evidence": []},
]


def test_the_still_is_a_table_of_escaped_names():
    still = PairList(title="pairs", pairs=PAIRS * 10).still()
    assert "<img" not in still.table
    assert still.table.count("<tr>") == 21
    assert still.lines == ("The first 20 of 30 pairs",)
    assert PairList(title="pairs", message="There are none.").still().lines == ("There are none.",)


def state(**more):
    return {"title": "3 pairs", "message": "", "pairs": PAIRS, "chosen": -1, "work": {}} | more


def test_pairs_are_walked_and_opened_by_keys(bench):
    element = bench.mount("p", "pairs", state())
    bench.acknowledge("p")
    rows = element.get_by_role("listitem")
    assert rows.count() == 3
    element.get_by_role("button").first.focus()
    bench.page.keyboard.press("ArrowDown")
    bench.page.keyboard.press("Enter")
    assert bench.commands("p") == [{"kind": "open_pair", "pair": 1}]
    bench.change("p", "chosen", 1)
    assert rows.nth(1).get_by_role("button").get_attribute("aria-pressed") == "true"
    bench.change("p", "work", {"status": "failed", "message": "It is gone.", "remedy": ""})
    assert element.get_by_text("It is gone.").is_visible()
    element.get_by_role("button", name="Try again").click()
    assert bench.commands("p") == [{"kind": "open_pair", "pair": 1}]


@pytest.mark.parametrize("width", [1200, 500])
def test_hostile_names_are_text_and_stay_inside(bench, width):
    element = bench.mount("p", "pairs", state(), width=width)
    assert element.locator("img").count() == 0
    assert bench.page.title() != "owned"
    for row in element.get_by_role("listitem").all():
        box = row.bounding_box()
        assert box["x"] + box["width"] <= element.bounding_box()["x"] + width


def test_where_there_are_no_pairs_it_says_so(bench):
    element = bench.mount("p", "pairs", state(pairs=[], message="There are no near-duplicates."))
    assert element.get_by_text("There are no near-duplicates.").is_visible()
    assert not element.get_by_role("list").is_visible()
