"""The panel: what it shows, what it sends, and what it does with names from strangers."""

from __future__ import annotations

from typing import Any

import pytest
from harness import until
from panel import LANDMARKS, NAMELESS, SILENT, TRACKS, BenchPanel, a_row, a_state, a_track

from embviz.widgets.commands import LARGEST_FILE
from embviz.widgets.panel import COMMANDS, Panel

# Python's side


def heard(content: Any, buffers: list[Any] | None = None) -> tuple[list[Any], list[Any]]:
    panel = Panel()
    calls: list[Any] = []
    answers: list[Any] = []
    panel.send = lambda content: answers.append((content, len(calls)))
    panel.on_command(lambda *call: calls.append(call))
    for one in content if isinstance(content, list) else [content]:
        panel._handle_custom_msg(one, buffers or [])
    return calls, answers


def test_a_command_is_answered_before_it_is_passed_on():
    calls, answers = heard({"kind": "add_row", "seq": 7, "model": "musicnn", "layer": "output", "hop": None})
    assert answers == [({"kind": "ack", "seq": 7}, 0)]
    assert calls == [("add_row", {"model": "musicnn", "layer": "output", "hop": None}, [])]


@pytest.mark.parametrize("content", [{"kind": "explode", "seq": 1}, {"seq": 2}, {"kind": ["open"], "seq": 3}, "text"])
def test_what_is_no_command_is_not_passed_on(content):
    calls, _ = heard(content)
    assert calls == []


def test_every_command_of_the_page_is_known_here():
    values = {"row": 1, "to": 0, "track": 1, "cell": 0, "collapsed": True, "value": {"vgg": ["output"]}, "hop": "dense"}
    values |= {"dimension": 37, "label": 2}
    sent = [(kind, {name: values.get(name, "x") for name in fields}) for kind, fields in COMMANDS.items()]
    sent = [(kind, content) for kind, content in sent if kind != "upload"]
    calls, _ = heard([{"kind": kind, "seq": 1, **content} for kind, content in sent])
    assert [call[:2] for call in calls] == sent


def test_a_file_arrives_whole_however_many_parts_it_came_in():
    panel = Panel()
    calls: list[Any] = []
    panel.on_command(lambda *call: calls.append(call))
    for i, part in enumerate([b"abc", b"def", b"g"]):
        panel._handle_custom_msg({"kind": "upload", "seq": i, "name": "a.ogg", "part": i, "parts": 3}, [part])
    panel._handle_custom_msg({"kind": "upload", "seq": 4, "name": "b.ogg"}, [memoryview(b"whole")])
    assert calls == [("upload", {"name": "a.ogg"}, [b"abcdefg"]), ("upload", {"name": "b.ogg"}, [b"whole"])]


def hand_in(panel: Panel, *parts: tuple[str, int, int, bytes]) -> tuple[list[Any], list[str]]:
    calls: list[Any] = []
    said: list[str] = []
    panel.answer({"upload": lambda name, data: calls.append((name, data))}, lambda *text: said.append(text[0]))
    for name, part, of, data in parts:
        panel._handle_custom_msg({"kind": "upload", "name": name, "part": part, "parts": of}, [data])
    return calls, said


@pytest.mark.parametrize(
    ("part", "said"),
    [(("a.ogg", 1, 2, b"end"), "The beginning of 'a.ogg' is not here"), (("a.ogg", 0, 2, b""), "part 1 of 2 did not"),
     (("a.ogg", 2, 2, b"x"), "part 3 of 2 did not arrive")],
)  # fmt: skip
def test_parts_without_their_beginning_are_no_file(part, said):
    panel = Panel()
    calls, heard = hand_in(panel, part)
    assert (calls, panel._parts) == ([], {})
    assert said in heard[0]


def test_a_file_that_is_too_large_is_dropped(monkeypatch):
    monkeypatch.setattr("embviz.widgets.commands.LARGEST_FILE", 4)
    panel = Panel()
    calls, said = hand_in(panel, *(("a", part, 2, b"abc") for part in range(2)))
    assert (calls, panel._parts) == ([], {})
    assert "'a' is larger than" in said[0]
    assert LARGEST_FILE == 200_000_000


def test_files_that_are_never_finished_make_room_for_others(monkeypatch):
    panel = Panel()
    calls, said = hand_in(panel, *((f"{i}.ogg", 0, 2, b"abc") for i in range(100)))
    assert (len(panel._parts), calls, said) == (8, [], [])
    monkeypatch.setattr("embviz.widgets.commands.LARGEST_FILE", 10)
    calls, said = hand_in(panel, ("a.ogg", 0, 2, b"abcdefgh"))
    assert list(panel._parts) == ["a.ogg"]
    calls, said = hand_in(panel, ("99.ogg", 1, 2, b"d"), ("a.ogg", 1, 2, b"i"))
    assert calls[-1] == ("a.ogg", b"abcdefghi")
    assert "The beginning of '99.ogg' is not here; hand it in again." in said[0]
    assert panel._parts == {}


def test_traits_are_those_of_the_protocol_and_cross_the_wire():
    assert set(a_state()) <= set(Panel().keys)
    assert Panel().track == -1
    assert Panel(tab="layers").tab == "layers"


# The page


def last(sent: list[dict[str, Any]]) -> dict[str, Any]:
    assert sent, "nothing was sent"
    return sent[-1]


def test_a_track_is_opened_by_click_and_by_keys(bench_panel):
    panel = bench_panel.show()
    panel.get_by_role("option", name="Two Five Window").click()
    assert bench_panel.sent() == [{"kind": "open_track", "track": 1}]
    box = panel.get_by_role("listbox", name="Tracks")
    box.focus()
    # By what is shown: broken, Sixty-Four Bars, Two Five Window.
    for key in ["Home", "ArrowDown"]:
        box.press(key)
    assert bench_panel.sent() == []
    box.press("Enter")
    assert bench_panel.sent() == [{"kind": "open_track", "track": 0}]
    active = box.get_attribute("aria-activedescendant")
    assert panel.locator(f"#{active}").get_attribute("data-track") == "0"


def test_search_and_order(bench_panel):
    panel = bench_panel.show()
    search = panel.get_by_role("searchbox", name="Search tracks")
    search.fill("JAZZ")
    assert panel.get_by_role("option").filter(has_text="Two").count() == 1
    assert panel.locator(".ev-panel-track").count() == 1
    assert panel.locator(".ev-panel-list-head [role=status]").inner_text() == "1 of 3"
    search.press("Enter")
    assert bench_panel.sent() == [{"kind": "open_track", "track": 1}]
    search.fill("nothing like it")
    assert panel.get_by_text("No track matches").is_visible()
    search.press("Escape")
    assert panel.locator(".ev-panel-track").count() == 3
    panel.get_by_role("combobox", name="Sort tracks by").select_option("seconds")
    titles = panel.locator(".ev-panel-track-title").all_inner_texts()
    assert titles == ["Two Five Window", "Sixty-Four Bars", "broken.ogg"]


def test_the_list_follows_the_filters_of_the_map(bench_panel):
    panel = bench_panel.show()
    line = panel.locator(".ev-panel-filter")
    assert line.is_visible() is False
    bench_panel.change(shown_on_map=bytes([1, 0, 0]))
    assert panel.locator(".ev-panel-track-title").all_inner_texts() == ["Sixty-Four Bars"]
    assert line.inner_text().split("\n")[0] == "1 of 3 tracks, as filtered on the map"
    assert panel.locator(".ev-panel-list-head [role=status]").inner_text() == "1 of 3"
    # A sound that was added since is on no map, and is in the list.
    bench_panel.change(shown_on_map=bytes([0, 0]))
    assert panel.locator(".ev-panel-track-title").all_inner_texts() == ["broken.ogg"]
    bench_panel.change(shown_on_map=bytes([0, 0, 0]))
    assert panel.get_by_text("The map's filters leave no track.").is_visible()
    line.get_by_role("button", name="Show all").click()
    assert bench_panel.sent() == [{"kind": "show_all_tracks"}]
    assert panel.get_by_role("searchbox", name="Search tracks").evaluate("el => el === document.activeElement")


def test_where_scroll_bars_take_no_room_the_page_keeps_off_the_edge(bench_panel):
    panel = bench_panel.show()
    scroller = panel.locator(".ev-panel-scroll")
    padding = lambda: scroller.evaluate("el => getComputedStyle(el).paddingRight")  # noqa: E731
    assert padding() == "0px", "there is a gutter"
    scroller.evaluate("el => (el.style.scrollbarWidth = 'none')")
    panel.evaluate("el => (el.style.width = '1100px')")  # it looks when its size changes
    until(bench_panel.page, lambda: padding() == "12px")


def test_the_list_says_what_is_computed_and_what_is_broken(bench_panel):
    panel = bench_panel.show()
    assert panel.locator("[data-track='0'] .ev-hidden").inner_text() == "Computed: MusiCNN (MSD)"
    assert panel.locator("[data-track='0']").inner_text().splitlines()[1:3] == ["rock · 128 BPM", "2:00"]
    assert "not audio that can be decoded" in panel.locator("[data-track='2']").inner_text()
    bench_panel.change(cached={"0": ["msd-musicnn-1", "deepsquare-k8"]})
    marks = panel.locator("[data-track='0'] .ev-panel-mark")
    assert marks.all_inner_texts() == ["M", "T"]
    assert marks.last.get_attribute("title") == "Computed: Tempo-CNN"
    legend = panel.locator(".ev-panel-legend").inner_text().split()
    assert legend == ["Computed:", "M", "MusiCNN", "T", "Tempo-CNN"], "the letters should be explained"
    bench_panel.change(tracks=[{**TRACKS[0], "warning": "3.1 of 12.0 s could be decoded"}, *TRACKS[1:]])
    odd = panel.locator("[data-track='0']")
    assert odd.inner_text().splitlines()[1] == "3.1 of 12.0 s could be decoded"
    assert odd.get_attribute("title") == "rock.ogg: 3.1 of 12.0 s could be decoded"
    assert odd.locator(".ev-panel-mark").count() == 2


def test_the_open_track_is_in_sight_wherever_it_is_in_the_list(bench_panel):
    tracks = [a_track(i, f"track {i:03}.ogg", title=f"Title {999 - i}") for i in range(200)]
    panel = bench_panel.show(tracks=tracks, track=3, collapsed_list=True)
    seen = """() => {
      const [row, box] = [".ev-panel-open", ".ev-panel-tracks"].map((name) =>
        document.querySelector(name)?.getBoundingClientRect());
      return row && row.top >= box.top && row.bottom <= box.bottom;
    }"""
    panel.get_by_role("button", name="Show the list of tracks").click()
    bench_panel.page.wait_for_function(seen)
    bench_panel.change(track=150)
    bench_panel.page.wait_for_function(seen)
    search = panel.get_by_role("searchbox", name="Search tracks")
    search.fill("Title 999")
    search.fill("")
    bench_panel.page.wait_for_function(seen)
    # At once, too.
    bench_panel.page.evaluate("document.querySelector('[data-ref]').remove()")
    bench_panel.show(tracks=tracks, track=0)
    bench_panel.page.wait_for_function(seen)


def test_ten_thousand_tracks_are_walked_to_the_end(bench_panel):
    tracks = [a_track(i, f"track {i:05}.ogg", style="style") for i in range(10_000)]
    panel = bench_panel.show(tracks=tracks, track=-1)
    assert 0 < panel.locator(".ev-panel-track").count() < 60
    box = panel.get_by_role("listbox", name="Tracks")
    box.focus()
    for key in ["End", "ArrowUp", "ArrowDown", "ArrowDown"]:
        box.press(key)
    assert panel.locator(".ev-panel-active").get_attribute("aria-posinset") == "10000"
    assert panel.locator(".ev-panel-active").is_visible()
    box.press("Enter")
    assert bench_panel.sent() == [{"kind": "open_track", "track": 9999}]
    bench_panel.bench.rest(50)
    assert panel.locator(".ev-panel-list *").count() < 400
    assert panel.locator(".ev-panel-track").count() < 60
    box.press("Home")
    for _ in range(40):
        box.press("ArrowDown")
    assert panel.locator(".ev-panel-active").get_attribute("aria-posinset") == "41"
    assert panel.locator(".ev-panel-active").is_visible()


HOSTILE = [
    "<img src=x onerror=\"globalThis.hacked='img'\">",
    "\"><script>globalThis.hacked='script'</script>",
    "a\nb\r\n\tc",
    "\u202egnp.exe",
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "\U0001f3b5\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "' onmouseover='globalThis.hacked=1",
    "${globalThis.hacked='template'}",
    "&lt;b&gt; & \0 \x1b[31m",
    "x" * 400,
]


def test_hostile_names_are_shown_as_text(bench_panel):
    names = [f"{HOSTILE[i % len(HOSTILE)]} {i}" for i in range(300)]
    tracks = [a_track(i, name, title=name, style=name, key=name, note=name) for i, name in enumerate(names)]
    rows = [
        a_row(1, title=HOSTILE[0], facts=HOSTILE[0]),
        a_row(2, title=HOSTILE[1], status="failed", message=HOSTILE[0]),
    ]
    notice = {"level": "error", "text": HOSTILE[0], "remedy": HOSTILE[1], "seq": 1}
    panel = bench_panel.show(tracks=tracks, rows=rows, notice=notice, folder=HOSTILE[0], progress={"text": HOSTILE[0]})
    for i in (0, 2, 3, 9):
        bench_panel.change(track=i)
        assert panel.locator("h2").inner_text() == names[i].replace("\r\n\t", " ").replace("\n", " ")
    box = panel.get_by_role("listbox", name="Tracks")
    box.focus()
    for _ in range(40):
        box.press("PageDown")
    assert panel.locator("img").count() == 0
    assert panel.locator("script").count() == 0
    assert bench_panel.page.evaluate("() => globalThis.hacked ?? null") is None
    heights = panel.locator(".ev-panel-track-title").evaluate_all("all => all.map((el) => el.offsetHeight)")
    assert len(set(heights)) == 1, "a name takes one line"
    assert panel.locator(".ev-panel-name").first.evaluate("el => getComputedStyle(el).unicodeBidi") == "isolate"
    assert panel.evaluate("el => el.scrollWidth <= el.clientWidth")


def test_rows_send_what_their_controls_say(bench_panel):
    panel = bench_panel.show(rows=[a_row(1), a_row(2, "output")])
    row = panel.locator(".ev-panel-row").nth(1)
    row.get_by_role("combobox").select_option(index=1)
    assert last(bench_panel.sent()) == {
        "kind": "change_row", "row": 2, "model": "msd-musicnn-1", "layer": "output", "hop": 0.736,
    }  # fmt: skip
    row.get_by_role("combobox").select_option(index=3)
    assert last(bench_panel.sent())["hop"] == "dense"
    row.get_by_role("button", name="Move MusiCNN (MSD) · output up").click()
    assert last(bench_panel.sent()) == {"kind": "move_row", "row": 2, "to": 0}
    assert row.get_by_role("button", name="Move MusiCNN (MSD) · output down").is_disabled()
    row.get_by_role("button", name="change the model or layer").press("Alt+ArrowUp")
    assert last(bench_panel.sent()) == {"kind": "move_row", "row": 2, "to": 0}
    row.get_by_role("button", name="Show MusiCNN").click()
    assert last(bench_panel.sent()) == {"kind": "collapse_row", "row": 2, "collapsed": True}
    assert row.locator(".stand-in").is_hidden()
    row.get_by_role("button", name="Remove").click()
    assert last(bench_panel.sent()) == {"kind": "remove_row", "row": 2}


def test_a_removed_row_is_offered_back(bench_panel):
    panel = bench_panel.show(rows=[a_row(1), a_row(2, "output")])
    panel.get_by_role("button", name="Remove MusiCNN (MSD) · output").click()
    bench_panel.change(rows=[a_row(1)], can_undo=True)
    assert panel.get_by_text("MusiCNN (MSD) · output was removed.").is_visible()
    assert bench_panel.page.evaluate("() => document.activeElement.textContent") == "Undo"
    bench_panel.page.keyboard.press("Enter")
    assert last(bench_panel.sent()) == {"kind": "undo"}
    bench_panel.change(rows=[a_row(1), a_row(2, "output")], can_undo=False)
    assert not panel.get_by_text("was removed.").is_visible()
    assert panel.get_by_role("button", name="Undo").count() == 0


def test_the_hops_tell_what_they_cost(bench_panel):
    panel = bench_panel.show(rows=[a_row(1)])
    labels = [" ".join(label.split()) for label in panel.locator(".ev-panel-hop option").all_inner_texts()]
    assert labels == [
        "every 1.49 s", "every 0.736 s · ≈ 25 s of computing", "every 0.368 s · ≈ 50 s of computing",
        "dense: every 16 ms · ≈ 19 min of computing",
    ]  # fmt: skip


def test_views_stay_mounted_while_rows_change_and_move(bench_panel):
    panel = bench_panel.show(rows=[a_row(1), a_row(2, "output"), a_row(3, "mel")])
    bench_panel.page.wait_for_function("() => globalThis.mounted?.length === 4")
    bench_panel.page.evaluate(
        "() => document.querySelectorAll('.ev-panel-row .stand-in').forEach((el, i) => { el.own = i; })"
    )
    panel.get_by_role("button", name="Move MusiCNN (MSD) · mel up").focus()
    bench_panel.change(
        rows=[a_row(3, "mel", facts="more"), a_row(1, status="partial", done=1, total=2), a_row(2, "output")]
    )
    bench_panel.change(rows=[a_row(3, "mel", collapsed=True), a_row(1, status="running"), a_row(2, "output")])
    order = bench_panel.page.evaluate(
        "() => [...document.querySelectorAll('.ev-panel-row .stand-in')].map((el) => el.own)"
    )
    assert order == [2, 0, 1]
    assert sorted(bench_panel.mounted()) == ["player", "row1", "row2", "row3"]
    assert bench_panel.gone() == []
    label = bench_panel.page.evaluate("() => document.activeElement.getAttribute('aria-label')")
    assert label == "Move MusiCNN (MSD) · mel up"
    bench_panel.change(rows=[a_row(3, "mel", view="IPY_MODEL_row4"), a_row(2, "output")])
    bench_panel.page.wait_for_function("() => globalThis.mounted.includes('row4')")
    assert sorted(bench_panel.gone()) == ["row1", "row3"]


def test_a_row_is_dragged_to_its_place(bench_panel):
    panel = bench_panel.show(rows=[a_row(1), a_row(2, "output"), a_row(3, "mel")])
    grip = panel.locator(".ev-panel-grip").first
    start = grip.bounding_box()
    target = panel.locator(".ev-panel-row").nth(1).bounding_box()
    bench_panel.page.mouse.move(start["x"] + 5, start["y"] + 5)
    bench_panel.page.mouse.down()
    bench_panel.page.mouse.move(start["x"] + 5, target["y"] + target["height"] * 0.8, steps=4)
    assert panel.locator(".ev-panel-drop-line").is_visible()
    bench_panel.page.mouse.up()
    assert bench_panel.sent() == [{"kind": "move_row", "row": 1, "to": 1}]
    assert panel.locator(".ev-panel-drop-line").count() == 0


def test_states_of_rows(bench_panel):
    rows = [
        a_row(1, view="", status="running", stage="layer", done=3, total=12),
        a_row(2, view="", status="failed", message="No room on the disk.", remedy="Free some."),
        a_row(3, view="", status="download", model="deepsquare-k8", title="Tempo-CNN · output", message="Not here."),
        a_row(4, view="", status="cancelled"),
        a_row(5, view="", status="waiting"),
    ]
    panel = bench_panel.show(rows=rows)
    row = panel.locator(".ev-panel-row")
    assert "layer · 3 of 12" in row.nth(0).inner_text()
    assert row.nth(0).get_by_role("progressbar").get_attribute("aria-valuenow") == "3"
    row.nth(0).get_by_role("button", name="Cancel").click()
    assert last(bench_panel.sent()) == {"kind": "cancel"}
    assert "No room on the disk. Free some." in row.nth(1).inner_text()
    row.nth(1).get_by_role("button", name="Try again").click()
    assert last(bench_panel.sent()) == {"kind": "retry_row", "row": 2}
    row.nth(2).get_by_role("button", name="Download 12 MB").click()
    assert last(bench_panel.sent()) == {"kind": "pull", "model": "deepsquare-k8"}
    row.nth(3).get_by_role("button", name="Compute").click()
    assert last(bench_panel.sent()) == {"kind": "retry_row", "row": 4}
    bench_panel.change(downloads={"deepsquare-k8": {"done": 3_000_000, "total": 12_000_000, "stage": "downloading"}})
    assert "3.0 MB of 12 MB" in row.nth(2).inner_text()
    row.nth(2).get_by_role("button", name="Stop").click()
    assert last(bench_panel.sent()) == {"kind": "stop_pull", "model": "deepsquare-k8"}
    bench_panel.change(downloads={"deepsquare-k8": {"error": "The download broke off."}})
    assert "The download broke off." in row.nth(2).inner_text()


def test_an_empty_poster_offers_three_beginnings(bench_panel):
    panel = bench_panel.show()
    offers = panel.locator(".ev-panel-offer")
    assert offers.count() == 3
    offers.first.click()
    assert bench_panel.sent() == [{"kind": "add_row", "model": "msd-musicnn-1", "layer": "embedding", "hop": None}]
    bench_panel.change(rows=[a_row(1)])
    assert not offers.first.is_visible()


def test_the_picker_by_keyboard(bench_panel):
    panel = bench_panel.show(rows=[a_row(1)])
    add = panel.get_by_role("button", name="Add a model or layer")
    for button in (add, panel.locator(".ev-panel-row-title").first):
        assert "For tags, choose MusiCNN's layer “output”" in button.get_attribute("title")
    add.focus()
    add.press("Enter")
    dialog = panel.get_by_role("dialog", name="Add a model or layer")
    assert dialog.get_by_role("searchbox").evaluate("el => el === document.activeElement")
    keys = bench_panel.page.keyboard
    keys.type("musicnn")
    assert dialog.get_by_role("group").count() == 1
    keys.press("ArrowDown")
    keys.press("ArrowDown")
    assert dialog.locator(".ev-panel-chosen").inner_text() == "MusiCNN (MTT) · embedding · ≈ 10 s of computing"
    keys.press("Enter")
    keys.press("ArrowUp")
    assert dialog.get_by_role("option", selected=True).nth(1).inner_text().startswith("timbral")
    assert bench_panel.sent() == []
    keys.press("Enter")
    assert bench_panel.sent() == [{"kind": "add_row", "model": "mtt-musicnn-1", "layer": "timbral", "hop": None}]
    assert dialog.count() == 0
    assert add.evaluate("el => el === document.activeElement")


def test_what_is_typed_into_the_picker_is_what_is_added(bench_panel):
    panel = bench_panel.show(rows=[a_row(1)])
    panel.get_by_role("button", name="Add a model or layer").click()
    dialog = panel.get_by_role("dialog")
    search, chosen = dialog.get_by_role("searchbox"), dialog.locator(".ev-panel-chosen")
    add = dialog.get_by_role("button", name="Add")
    assert chosen.inner_text().startswith("MusiCNN (MSD) · embedding")
    search.fill("tempo")
    assert chosen.inner_text().startswith("Tempo-CNN · embedding")
    search.fill("no such model")
    assert (chosen.inner_text(), add.is_disabled()) == ("Nothing is chosen.", True)
    assert dialog.get_by_text("No model or layer matches.").is_visible()
    search.fill("spleeter timbral/concat")
    assert dialog.get_by_role("option", name="Spleeter").inner_text().endswith("Layer: timbral")
    add.click()
    sent = {"kind": "add_row", "model": "spleeter-2s-3", "layer": "timbral", "hop": None}
    assert bench_panel.sent() == [sent]


def test_the_picker_keeps_focus_and_closes_on_escape(bench_panel):
    panel = bench_panel.show(rows=[a_row(1)])
    panel.get_by_role("button", name="Add a model or layer").click()
    dialog = panel.get_by_role("dialog")
    for _ in range(14):
        bench_panel.page.keyboard.press("Tab")
        inside = bench_panel.page.evaluate(
            "() => document.activeElement === document.body || Boolean(document.activeElement.closest('dialog'))"
        )
        assert inside
    dialog.get_by_role("searchbox").focus()
    bench_panel.page.keyboard.press("Escape")
    assert dialog.count() == 0
    assert bench_panel.sent() == []


def test_the_picker_changes_a_row_and_takes_any_node(bench_panel):
    panel = bench_panel.show(rows=[a_row(1, "output", hop="dense")])
    panel.get_by_role("button", name="change the model or layer").click()
    dialog = panel.get_by_role("dialog")
    assert dialog.get_by_role("combobox", name="Patch hop").input_value() == "3"
    dialog.get_by_role("textbox", name="any node").fill("model/dense/Relu")
    dialog.get_by_role("combobox", name="Patch hop").select_option(index=2)
    dialog.get_by_role("button", name="Change").click()
    assert bench_panel.sent() == [
        {"kind": "change_row", "row": 1, "model": "msd-musicnn-1", "layer": "model/dense/Relu", "hop": 0.368}
    ]


def test_the_picker_tells_what_is_here_and_what_is_not(bench_panel):
    panel = bench_panel.show()
    panel.get_by_role("button", name="Add a model or layer").click()
    dialog = panel.get_by_role("dialog")
    badges = dialog.locator(".ev-panel-badge").all_inner_texts()
    assert badges == ["● computed", "○ ready", "↓ 12 MB", "○ ready", "– not available"]
    dialog.get_by_role("option", name="OpenL3").click()
    assert dialog.get_by_role("button", name="Add").is_disabled()
    dialog.get_by_role("option", name="Tempo-CNN").click()
    dialog.get_by_role("button", name="Download 12 MB").click()
    assert last(bench_panel.sent()) == {"kind": "pull", "model": "deepsquare-k8"}
    bench_panel.change(downloads={"deepsquare-k8": {"done": 6_000_000, "total": 12_000_000, "stage": ""}})
    assert "6.0 MB of 12 MB" in dialog.inner_text()
    assert dialog.get_by_role("option", name="mel", exact=False).first.locator(".ev-panel-shape").get_attribute(
        "title"
    ) == ("187 (time) × 96 (frequency)")


HEARS = {
    "taggers": [
        {"model": "msd-musicnn-1", "title": "MusiCNN (MSD)", "status": "ready", "view": "IPY_MODEL_row1"},
        {"model": "mtt-musicnn-1", "title": "MusiCNN (MTT)", "status": "", "view": ""},
    ],
    "tempo": {
        "model": "deepsquare-k8", "status": "ready", "view": "IPY_MODEL_row2", "bpm": 128.2, "confidence": 0.83,
        "bpms": list(range(30, 286)), "shares": [1.0 if bpm == 128 else 0.0 for bpm in range(30, 286)], "message": "",
    },
    "stems": {"model": "spleeter-2s-3", "models": ["spleeter-2s-3"], "status": "", "names": [], "message": ""},
}  # fmt: skip


def test_what_it_hears(bench_panel):
    panel = bench_panel.show(predictions=HEARS)
    bench_panel.page.wait_for_function("() => globalThis.mounted?.length === 1")
    panel.get_by_role("tab", name="What it hears").click()
    assert bench_panel.sent() == [{"kind": "show_predictions"}]
    assert bench_panel.bench.get("panel", "tab") == "predictions"
    assert panel.get_by_text("128.2 BPM").is_visible()
    assert panel.get_by_text("confidence 83 %").is_visible()
    tallest = panel.locator("rect.ev-panel-peak").evaluate_all(
        "all => Math.max(...all.map((el) => +el.getAttribute('height')))"
    )
    assert tallest == 64
    bench_panel.page.wait_for_function("() => globalThis.mounted.length === 3")
    panel.get_by_role("combobox", name="Model that gives the tags").select_option("mtt-musicnn-1")
    assert bench_panel.sent() == [{"kind": "show_tags", "model": "mtt-musicnn-1"}]
    panel.get_by_role("button", name="Separate into vocals and accompaniment (≈ 40 s of computing)").click()
    assert bench_panel.sent() == [{"kind": "separate_stems", "model": "spleeter-2s-3"}]
    stems = HEARS["stems"] | {"status": "ready", "names": ["vocals", "accompaniment"]}
    bench_panel.change(predictions=HEARS | {"stems": stems})
    assert panel.get_by_text("Separated into vocals, accompaniment").is_visible()


def a_walk(count: int = 30, **more: Any) -> dict[str, Any]:
    rows = [
        {"layer": f"conv{i}", "title": f"conv{i}", "meaning": "convolution", "shape": [187, 96, 64],
         "receptive_field": "0.1 s", "status": "ready", "view": f"IPY_MODEL_row{i}", "has_feature_maps": i != 1}
        for i in range(count)
    ]  # fmt: skip
    return {"model": "msd-musicnn-1", "status": "ready", "rows": rows, "feature_maps": {}} | more


def test_layers_are_mounted_when_they_come_into_sight(bench_panel):
    panel = bench_panel.show(layers=a_walk())
    panel.get_by_role("tab", name="Layers").click()
    bench_panel.page.wait_for_function("() => globalThis.mounted?.length > 2")
    bench_panel.bench.rest(200)
    assert "row29" not in bench_panel.mounted()
    panel.locator(".ev-panel-layer").nth(29).scroll_into_view_if_needed()
    bench_panel.page.wait_for_function("() => globalThis.mounted.includes('row29')")
    assert bench_panel.sent() == []
    panel.get_by_role("combobox", name="Model to walk through").select_option("mtt-musicnn-1")
    assert bench_panel.sent() == [{"kind": "show_layers", "model": "mtt-musicnn-1"}]


def test_feature_maps_are_asked_for_and_closed(bench_panel):
    panel = bench_panel.show(layers=a_walk(4), tab="layers")
    assert panel.get_by_role("button", name="Feature maps of conv1").count() == 0
    panel.get_by_role("button", name="Feature maps of conv0").click()
    assert bench_panel.sent() == [{"kind": "show_feature_maps", "layer": "conv0"}]
    bench_panel.change(layers=a_walk(4, feature_maps={"layer": "conv0", "status": "ready", "view": "IPY_MODEL_row39"}))
    bench_panel.page.wait_for_function("() => globalThis.mounted.includes('row39')")
    panel.get_by_role("button", name="Close the feature maps").click()
    assert "row39" in bench_panel.gone()
    assert panel.get_by_role("group", name="Feature maps").count() == 0
    panel.get_by_role("button", name="Feature maps of conv0").click()
    bench_panel.page.wait_for_function("() => globalThis.mounted.filter((name) => name === 'row39').length === 2")


def test_layers_and_structure_begin_with_the_poster_s_first_row(bench_panel):
    panel = bench_panel.show(rows=[a_row(1, "timbral")])
    panel.get_by_role("tab", name="Layers").click()
    assert bench_panel.sent() == [{"kind": "show_layers", "model": "msd-musicnn-1"}]
    panel.get_by_role("tab", name="Structure").click()
    assert bench_panel.sent() == [{"kind": "show_similarity", "model": "msd-musicnn-1", "layer": "timbral"}]
    structure = {"model": "msd-musicnn-1", "layer": "timbral", "status": "ready", "view": "IPY_MODEL_row9"}
    bench_panel.change(similarity=structure)
    bench_panel.page.wait_for_function("() => globalThis.mounted.includes('row9')")
    panel.get_by_role("combobox", name="Layer").select_option("output")
    assert bench_panel.sent() == [{"kind": "show_similarity", "model": "msd-musicnn-1", "layer": "output"}]


def test_tabs_are_walked_with_arrow_keys(bench_panel):
    panel = bench_panel.show()
    first = panel.get_by_role("tab", name="Poster")
    assert first.get_attribute("aria-selected") == "true"
    first.press("ArrowLeft")
    selected = panel.get_by_role("tab", selected=True)
    assert selected.inner_text() == "Units"
    assert selected.evaluate("el => el === document.activeElement")
    assert panel.get_by_role("tab").evaluate_all("all => all.map((el) => el.tabIndex)") == [-1, -1, -1, -1, -1, -1, 0]
    page = panel.get_by_role("tabpanel")
    assert page.count() == 1
    assert page.get_attribute("aria-labelledby") == selected.get_attribute("id")
    assert bench_panel.bench.get("panel", "tab") == "units"
    bench_panel.change(tab="predictions")
    assert panel.get_by_role("tab", selected=True).inner_text() == "What it hears"


def test_silence_of_the_kernel_is_told_and_forgotten(own_bench):
    bench_panel = BenchPanel(own_bench)
    bench_panel.page.clock.install(time=0)
    panel = bench_panel.show(answers=False)
    alert = panel.locator(".ev-panel-trouble")
    bench_panel.page.clock.pause_at(3_600_000)  # from here on, time passes only where the test says so
    panel.get_by_role("option", name="Two Five Window").click()
    bench_panel.page.clock.fast_forward(4900)
    assert alert.is_hidden()
    bench_panel.page.clock.fast_forward(200)
    assert alert.inner_text().endswith(
        "The kernel does not answer: it is busy, or was restarted; run the cells above and this one again."
    )
    bench_panel.bench.receive("panel", {"kind": "ack", "seq": bench_panel.bench.sent("panel")[0]["seq"]})
    assert alert.is_hidden()
    panel.get_by_role("option", name="Sixty").click()
    bench_panel.bench.receive("panel", {"kind": "ack", "seq": bench_panel.bench.sent("panel")[1]["seq"]})
    bench_panel.page.clock.fast_forward(9000)
    assert alert.is_hidden()
    bench_panel.bench.change("panel", "progress", {"text": "MusiCNN", "done": 1, "total": 3})
    assert panel.locator(".ev-panel-busy").is_visible()
    bench_panel.page.evaluate("() => bench.widgets.panel.model.emit('comm_live_update')")
    assert "was restarted or has ended" in alert.inner_text()
    assert panel.locator(".ev-panel-busy").is_hidden()


def test_a_kernel_that_works_is_waited_for(own_bench):
    bench_panel = BenchPanel(own_bench)
    bench_panel.page.clock.install(time=0)
    panel = bench_panel.show(answers=False, map={"status": "running"})
    alert = panel.locator(".ev-panel-trouble")
    bench_panel.page.clock.pause_at(3_600_000)
    panel.get_by_role("option", name="Two Five Window").click()
    bench_panel.page.clock.run_for(50_000)
    assert alert.is_hidden(), "that the map is computed is seen"
    bench_panel.page.clock.run_for(20_000)
    assert "does not answer" in alert.inner_text()
    bench_panel.bench.receive("panel", {"kind": "ack", "seq": bench_panel.bench.sent("panel")[0]["seq"]})
    assert alert.is_hidden()

    # JupyterLab says what the kernel does.
    bench_panel.change(map={})
    manager = "bench.widgets.panel.model.widget_manager"
    bench_panel.page.evaluate(f"() => {{ {manager} = {{ kernel: {{ status: 'busy' }} }}; }}")
    panel.get_by_role("option", name="Sixty").click()
    bench_panel.page.clock.run_for(200_000)
    assert alert.inner_text().endswith("The kernel is busy, and does this as soon as it can.")
    bench_panel.page.evaluate(f"() => {{ {manager}.kernel.status = 'idle'; }}")
    bench_panel.page.clock.run_for(5000)
    assert "does not answer" in alert.inner_text()


def test_a_line_that_is_closed_is_told_at_once(bench_panel):
    panel = bench_panel.show(answers=False)
    bench_panel.page.evaluate("() => { bench.widgets.panel.model.send = () => { throw new Error('Cannot send'); }; }")
    panel.get_by_role("option", name="Two Five Window").click()
    assert (
        "The kernel was restarted or has ended; run the cells above and this one again."
        in panel.locator(".ev-panel-trouble").inner_text()
    )


def test_numbers_of_commands_grow(bench_panel):
    panel = bench_panel.show()
    for name in ("Two Five Window", "Sixty"):
        panel.get_by_role("option", name=name).click()
    first, second = (entry["seq"] for entry in bench_panel.bench.sent("panel"))
    assert second == first + 1


def test_files_are_sent_in_parts(bench_panel, tmp_path):
    panel = bench_panel.show()
    small, large, empty = tmp_path / "small.ogg", tmp_path / "large.wav", tmp_path / "empty.mp3"
    small.write_bytes(b"sound")
    large.write_bytes(bytes(9 * 2**20))
    empty.touch()
    panel.locator("input[type=file]").set_input_files([small, large, empty])
    panel.get_by_text("“empty.mp3” is empty.").wait_for()
    sent = bench_panel.page.evaluate("() => bench.widgets.panel.model.sent")
    parts = [
        (entry["content"]["name"], entry["content"]["part"], entry["content"]["parts"], entry["bytes"])
        for entry in sent
    ]
    assert parts == [
        ("small.ogg", 0, 1, [5]),
        ("large.wav", 0, 3, [4 * 2**20]),
        ("large.wav", 1, 3, [4 * 2**20]),
        ("large.wav", 2, 3, [2**20]),
    ]
    panel.get_by_role("button", name="Dismiss this message").click()
    assert panel.get_by_text("is empty").count() == 0


def test_a_file_that_is_too_large_is_refused(bench_panel):
    panel = bench_panel.show()
    bench_panel.page.evaluate("""() => {
        const file = new File(["x"], "huge.wav");
        Object.defineProperty(file, "size", { value: 300e6 });
        const data = new DataTransfer();
        const root = document.querySelector(".ev-panel");
        const event = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
        Object.defineProperty(event, "dataTransfer", { value: { types: ["Files"], items: [], files: [file] } });
        root.dispatchEvent(event);
    }""")
    panel.get_by_text("“huge.wav” has 300 MB; up to 200 MB can be added here.").wait_for()
    assert bench_panel.sent() == []


def test_a_sound_is_dropped_anywhere(bench_panel):
    panel = bench_panel.show()
    bench_panel.page.evaluate("""() => {
        const data = new DataTransfer();
        data.items.add(new File(["sound"], "new.ogg"));
        globalThis.drag = (kind) => document.querySelector(".ev-panel-page").dispatchEvent(
            new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
        drag("dragenter");
    }""")
    assert panel.get_by_text("Drop a sound to add it").is_visible()
    bench_panel.page.evaluate("() => drag('dragleave')")
    assert not panel.get_by_text("Drop a sound to add it").is_visible()
    bench_panel.page.evaluate("() => { drag('dragenter'); drag('drop'); }")
    bench_panel.page.wait_for_function("() => bench.widgets.panel.model.sent.length")
    assert bench_panel.sent() == [{"kind": "upload", "name": "new.ogg", "part": 0, "parts": 1}]
    assert not panel.get_by_text("Drop a sound to add it").is_visible()


def test_code_is_copied(bench_panel):
    bench_panel.page.evaluate("""() => Object.defineProperty(navigator, "clipboard", {
        value: { writeText: async (text) => { globalThis.copied = text; } }, configurable: true })""")
    panel = bench_panel.show(code="import embviz\nembviz.Explorer()")
    panel.get_by_role("button", name="Copy as code").click()
    panel.get_by_role("button", name="Copied").wait_for()
    assert bench_panel.page.evaluate("() => globalThis.copied") == "import embviz\nembviz.Explorer()"


def test_code_is_shown_where_it_cannot_be_copied(bench_panel):
    bench_panel.page.evaluate("""() => Object.defineProperty(navigator, "clipboard", {
        value: { writeText: async () => { throw new Error("no"); } }, configurable: true })""")
    panel = bench_panel.show(code="import embviz")
    panel.get_by_role("button", name="Copy as code").click()
    box = panel.get_by_role("dialog").get_by_role("textbox", name="Python code")
    assert box.input_value() == "import embviz"
    assert bench_panel.page.evaluate(
        "() => document.activeElement.value.slice(0, document.activeElement.selectionEnd)"
    ) == ("import embviz")
    box.press("Escape")
    assert panel.get_by_role("dialog").count() == 0


def test_head_notice_and_busy(bench_panel):
    panel = bench_panel.show(progress={"text": "decoding", "done": 2, "total": 4})
    assert panel.locator(".ev-panel-headline").inner_text() == "rock · 128 BPM · E minor · 2:00 · rock.ogg"
    panel.get_by_role("button", name="Export page").click()
    assert last(bench_panel.sent()) == {"kind": "export_page"}
    panel.get_by_role("button", name="Cite").click()
    assert last(bench_panel.sent()) == {"kind": "save_citations"}
    panel.get_by_role("button", name="Cancel the computation").click()
    assert last(bench_panel.sent()) == {"kind": "cancel"}
    bench_panel.change(progress={}, notice={"level": "done", "text": "Written to page.html.", "remedy": "", "seq": 1})
    assert panel.get_by_role("button", name="Cancel the computation").count() == 0
    assert panel.get_by_text("Written to page.html.").is_visible()
    panel.get_by_role("button", name="Dismiss this message").click()
    assert last(bench_panel.sent()) == {"kind": "dismiss_notice"}
    assert not panel.get_by_text("Written to page.html.").is_visible()
    # Where a server has it, a file is a link; nothing of the page moves when it comes.
    config = '<script id="jupyter-config-data" type="application/json">{"baseUrl": "/user/x/"}</script>'
    bench_panel.page.evaluate("text => document.body.insertAdjacentHTML('beforeend', text)", config)
    top = panel.locator(".ev-panel-top").bounding_box()["y"]
    written = {"level": "done", "text": "Written to '/a/page 1.html'.", "remedy": "", "seq": 3, "file": "a/page 1.html"}
    bench_panel.change(notice=written)
    link = panel.get_by_role("link", name="page 1.html")
    assert (link.get_attribute("href"), link.get_attribute("target")) == ("/user/x/files/a/page%201.html", "_blank")
    assert panel.locator(".ev-panel-top").bounding_box()["y"] == top
    bench_panel.change(notice={"level": "error", "text": "No room.", "remedy": "Free some.", "seq": 2})
    assert panel.locator(".ev-panel-notice[role=alert]").inner_text() == "!\nNo room. Free some."


def test_keys_drive_the_clock_and_go_no_further(bench_panel):
    bench_panel.page.evaluate(
        "() => { globalThis.leaked = []; document.addEventListener('keydown', (e) => leaked.push(e.key)); }"
    )
    panel = bench_panel.show(rows=[a_row(1)])
    panel.get_by_role("button", name="Help").focus()
    keys = bench_panel.page.keyboard
    bench_panel.load_clock(120)
    keys.press("ArrowRight")
    keys.press("Shift+ArrowRight")
    assert bench_panel.bench.clock("panel", "c => c.time") == pytest.approx(5.5)
    keys.press("[")
    keys.press("ArrowRight")
    keys.press("]")
    assert bench_panel.bench.clock("panel", "c => c.range") == [5.5, 10.5]
    keys.press("l")
    assert bench_panel.bench.clock("panel", "c => c.looping") is True
    keys.press("+")
    view = bench_panel.bench.clock("panel", "c => c.view")
    assert view[1] - view[0] == pytest.approx(60)
    keys.press("0")
    assert bench_panel.bench.clock("panel", "c => c.view") == [0, 120]
    keys.press("Escape")
    assert bench_panel.bench.clock("panel", "c => c.range") is None
    keys.press("3")
    assert bench_panel.bench.get("panel", "tab") == "layers"
    keys.press("/")
    assert bench_panel.page.evaluate("() => document.activeElement.type") == "search"
    keys.type("a0[l3")
    assert panel.get_by_role("searchbox", name="Search tracks").input_value() == "a0[l3"
    assert bench_panel.bench.get("panel", "tab") == "layers"
    assert bench_panel.page.evaluate("() => globalThis.leaked") == []
    assert panel.get_attribute("data-lm-suppress-shortcuts") == "true"
    keys.press("Control+b")
    assert panel.get_attribute("data-lm-suppress-shortcuts") is None
    keys.press("b")
    assert panel.get_attribute("data-lm-suppress-shortcuts") == "true"


def test_space_plays_but_presses_buttons(bench_panel):
    panel = bench_panel.show(rows=[a_row(1)])
    bench_panel.load_clock(120)
    bench_panel.page.evaluate("""() => {
        const clock = globalThis[Symbol.for("embviz.clocks")].get("panel");
        globalThis.toggled = 0;
        clock.toggle = () => { globalThis.toggled += 1; };
    }""")
    panel.get_by_role("listbox", name="Tracks").press(" ")
    assert bench_panel.page.evaluate("() => globalThis.toggled") == 1
    panel.get_by_role("button", name="Export page").press(" ")
    assert bench_panel.page.evaluate("() => globalThis.toggled") == 1
    assert last(bench_panel.sent()) == {"kind": "export_page"}


def test_help_lists_the_keys_and_gives_focus_back(bench_panel):
    panel = bench_panel.show()
    tab = panel.get_by_role("tab", name="Poster")
    tab.press("?")
    dialog = panel.get_by_role("dialog", name="Keys")
    text = dialog.inner_text()
    for words in ("play or pause", "loop the range", "search", "Double click"):
        assert words in text
    bench_panel.page.keyboard.press("Escape")
    assert dialog.count() == 0
    assert tab.evaluate("el => el === document.activeElement")


def test_the_list_is_hidden_and_shown(bench_panel):
    panel = bench_panel.show()
    panel.get_by_role("button", name="Hide the list of tracks").click()
    assert bench_panel.bench.get("panel", "collapsed_list") is True
    assert not panel.get_by_role("listbox", name="Tracks").is_visible()
    menu = panel.get_by_role("button", name="Show the list of tracks")
    assert menu.evaluate("el => el === document.activeElement")
    menu.press("Enter")
    assert bench_panel.bench.get("panel", "collapsed_list") is False
    assert panel.get_by_role("listbox", name="Tracks").evaluate("el => el === document.activeElement")
    bench_panel.change(collapsed_list=True)
    assert not panel.get_by_role("listbox", name="Tracks").is_visible()


FULL_ROWS = [
    a_row(1, title="A model with a rather long title (and more) · penultimate_layer", facts="many words " * 9),
    a_row(2, view="", status="failed", message="Something long went wrong here, " * 4, remedy="Do this. " * 6),
    a_row(3, view="", status="download", model="deepsquare-k8"),
]


@pytest.mark.parametrize("tab", ["heatmaps", "predictions", "layers", "similarity"])
@pytest.mark.parametrize("width", [700, 1000, 1800])
def test_nothing_sticks_out(bench_panel, tab, width):
    bench_panel.page.set_viewport_size({"width": width + 16, "height": 900})
    notice = {"level": "error", "text": "A long sentence about a failure. " * 5, "remedy": "Mend it. " * 5, "seq": 1}
    panel = bench_panel.show(
        width=width, tab=tab, rows=FULL_ROWS, predictions=HEARS, layers=a_walk(3), notice=notice, can_undo=True,
        progress={"text": "A long name of a model: layer with a long name", "done": 3, "total": 120},
    )  # fmt: skip
    bench_panel.bench.rest(100)
    for selector in (".ev-panel-main", ".ev-panel-scroll", ".ev-panel-head", ".ev-panel-list"):
        assert panel.locator(selector).evaluate("el => el.scrollWidth <= el.clientWidth"), selector
    assert bench_panel.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    outside = panel.evaluate("""el => {
        const box = el.getBoundingClientRect();
        return [...el.querySelectorAll("button, select, input:not([type=file])")]
            .filter((b) => b.checkVisibility() && b.getBoundingClientRect().right > box.right + 0.5)
            .map((b) => b.outerHTML.slice(0, 90));
    }""")
    assert outside == []


def test_in_little_room_the_list_lies_over_the_page(bench_panel):
    bench_panel.page.set_viewport_size({"width": 716, "height": 900})
    panel = bench_panel.show(width=700, rows=[a_row(1)])
    box = panel.get_by_role("listbox", name="Tracks")
    panel.get_by_role("button", name="Show the list of tracks").wait_for()
    assert not box.is_visible()
    panel.get_by_role("button", name="Show the list of tracks").click()
    assert box.is_visible()
    bench_panel.page.keyboard.press("Escape")
    assert not box.is_visible()
    panel.get_by_role("button", name="Show the list of tracks").click()
    panel.get_by_role("option", name="Two Five Window").click()
    assert not box.is_visible()
    assert bench_panel.bench.get("panel", "collapsed_list") is False


def test_on_a_low_screen_head_and_player_scroll_away(bench_panel):
    bench_panel.page.set_viewport_size({"width": 640, "height": 360})
    panel = bench_panel.show(width=620, rows=[a_row(i) for i in range(8)])
    panel.locator(".ev-panel-row").last.scroll_into_view_if_needed()
    tabs, box = panel.get_by_role("tablist").bounding_box(), panel.bounding_box()
    assert tabs["y"] + tabs["height"] < box["y"]
    assert box["height"] < 360


@pytest.mark.parametrize("tab", ["heatmaps", "predictions", "layers", "similarity"])
def test_every_control_has_a_name(bench_panel, tab):
    panel = bench_panel.show(
        tab=tab, rows=FULL_ROWS, predictions=HEARS, layers=a_walk(3), can_undo=True, progress={"text": "decoding"}
    )
    assert panel.evaluate(NAMELESS) == []
    assert panel.evaluate(SILENT) == []
    assert panel.evaluate(LANDMARKS) == ["embviz Explorer: Sixty-Four Bars"]
    if tab == "heatmaps":
        panel.get_by_role("button", name="Add a model or layer").click()
        assert panel.evaluate(NAMELESS) == []


def test_tab_goes_through_the_panel_in_reading_order(bench_panel):
    panel = bench_panel.show(rows=[a_row(1)])
    order = panel.evaluate("""el => [...el.querySelectorAll("*")]
        .filter((c) => c.tabIndex >= 0 && c.checkVisibility() && !c.disabled)
        .map((c) => c.getAttribute("aria-label") || c.textContent.trim())""")
    assert bench_panel.page.evaluate(
        "() => [...document.querySelectorAll('.ev-panel *')].every((el) => el.tabIndex <= 0)"
    )
    wanted = [
        "Hide the list", "Search tracks", "Sort tracks", "Tracks", "Add a sound", "Copy as code", "Export page", "Help",
        "Poster", "Drag", "Show MusiCNN", "change the model", "Patch hop", "Remove", "Add a model",
    ]  # fmt: skip
    places = [next(i for i, name in enumerate(order) if words in name) for words in wanted]
    assert places == sorted(places)


def test_without_a_track_the_panel_says_what_to_do(bench_panel):
    panel = bench_panel.show(track=-1)
    assert panel.get_by_text("Choose a track to begin").is_visible()
    assert panel.get_by_role("tablist").count() == 0
    assert bench_panel.mounted() == []
    bench_panel.change(tracks=[])
    assert panel.get_by_text("No sounds yet.").is_visible()
    assert panel.get_by_text("There is no sound here yet").is_visible()
    assert panel.get_by_text('embviz.Explorer("path/to/folder")').is_visible()
    bench_panel.sent()
    panel.get_by_role("button", name="Open the sample tracks").click()
    assert bench_panel.sent() == [{"kind": "open_samples"}]
    bench_panel.change(tracks=TRACKS, track=1)
    assert panel.locator("h2").inner_text() == "Two Five Window"
    bench_panel.page.wait_for_function("() => globalThis.mounted?.includes('player')")


@pytest.mark.parametrize("width", [700, 1240])
def test_the_samples_are_opened_and_the_focus_is_kept(bench_panel, width):
    bench_panel.page.set_viewport_size({"width": width + 16, "height": 900})
    panel = bench_panel.show(width=width, track=-1, tracks=[])
    bench_panel.bench.rest(100)
    samples = panel.get_by_role("button", name="Open the sample tracks")
    samples.click(trial=True, timeout=2000)
    samples.press("Enter")
    assert bench_panel.sent() == [{"kind": "open_samples"}]
    bench_panel.change(tracks=TRACKS)
    bench_panel.change(track=1)
    bench_panel.bench.rest(100)
    focused = bench_panel.page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert focused == ("Show the list of tracks" if width == 700 else "Tracks")
    assert panel.get_by_role("listbox", name="Tracks").is_visible() == (width > 700)


def test_leaving_takes_the_children_along(bench_panel):
    bench_panel.show(rows=[a_row(1)])
    bench_panel.page.wait_for_function("() => globalThis.mounted?.length === 2")
    bench_panel.page.evaluate("() => bench.widgets.panel.abort.abort()")
    assert sorted(bench_panel.gone()) == ["player", "row1"]
    bench_panel.change(rows=[a_row(1), a_row(2)])
    assert sorted(bench_panel.mounted()) == ["player", "row1"]


def test_a_view_that_cannot_be_shown_is_told(bench_panel):
    panel = bench_panel.show(rows=[a_row(1, view="IPY_MODEL_unknown"), a_row(2)])
    panel.get_by_text("This view could not be shown: run the cells above and this one again.").wait_for()
    bench_panel.page.wait_for_function("() => globalThis.mounted?.includes('row2')")


BROKEN = """export default { render({ model, el, signal }) {
  signal.addEventListener("abort", () => { globalThis.cleaned = true; });
  el.append("half of it");
  throw new Error("broken");
} };"""


def test_a_view_that_breaks_while_it_is_drawn_is_told(bench_panel):
    bench_panel.page.route("**/broken.js", lambda route: route.fulfill(body=BROKEN, content_type="text/javascript"))
    bench_panel.page.evaluate("() => bench.add('anywidget:broken', 'broken', {}, {})")
    panel = bench_panel.show(rows=[a_row(1, view="IPY_MODEL_broken"), a_row(2)])
    panel.get_by_text("This view could not be shown: run the cells above and this one again.").wait_for()
    assert panel.get_by_text("half of it").count() == 0
    assert bench_panel.page.evaluate("() => globalThis.cleaned")
    bench_panel.page.wait_for_function("() => globalThis.mounted?.includes('row2')")
    bench_panel.change(rows=[a_row(1), a_row(2)])
    bench_panel.page.wait_for_function("() => globalThis.mounted.includes('row1')")
    assert panel.get_by_text("could not be shown").count() == 0


def test_a_row_is_named_by_model_and_layer(bench_panel):
    panel = bench_panel.show(rows=[a_row(1), a_row(2, layer="output")])
    titles = panel.locator(".ev-panel-row-title")
    assert [title.inner_text().split() for title in titles.all()] == [
        ["MusiCNN", "(MSD)", "·", "embedding"], ["MusiCNN", "(MSD)", "·", "output"],
    ]  # fmt: skip
    weights = titles.nth(1).locator("span").evaluate_all("all => all.map((el) => getComputedStyle(el).fontWeight)")
    assert weights == ["600", "400"]
    bench_panel.change(rows=[a_row(1, layer="output"), a_row(2, layer="output")])
    assert "output" in titles.first.inner_text()
    assert panel.locator(".ev-panel-row").first.get_attribute("aria-label") == "MusiCNN (MSD) · output"


def test_the_square_of_structure_is_told_its_room(bench_panel):
    panel = bench_panel.show(similarity={"model": "msd-musicnn-1", "layer": "embedding", "status": "ready",
                                 "view": "IPY_MODEL_row1"}, tab="similarity")  # fmt: skip
    bench_panel.page.wait_for_function("() => globalThis.mounted?.includes('row1')")
    slot = panel.locator(".ev-panel-similarity .ev-panel-slot")
    room = "el => parseFloat(el.style.getPropertyValue('--ev-similarity-room'))"
    bottom = "el => el.getBoundingClientRect().top"
    scroller = panel.locator(".ev-panel-scroll").bounding_box()
    assert slot.evaluate(bottom) + slot.evaluate(room) == pytest.approx(scroller["y"] + scroller["height"] - 8, abs=3)
    before = slot.evaluate(room)
    panel.evaluate("el => { el.style.height = '600px' }")
    bench_panel.bench.rest(100)
    assert slot.evaluate(room) < before
