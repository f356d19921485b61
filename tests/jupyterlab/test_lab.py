"""The Explorer in a real JupyterLab: real weights, real sound, a real browser.

The tests of one notebook share its page, in the order of this file; what ends a kernel has a notebook of its own.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from harness import of_clock, rest, until_clock
from lab import LabPage, LabServer, Panel, application, closed, notebooks, opened, served

import embviz

pytestmark = pytest.mark.slow

START = "import embviz\nexplorer = embviz.Explorer('sample_audio', models=['musicnn', 'tempocnn'])\nexplorer"

# Times of the clock and of the sound, side by side and each in the frame in which it is drawn.
SAMPLES = """async (clock, count) => {
  const found = [];
  const playhead = document.querySelector(".ev-heatmap .ev-playhead");
  while (found.length < count) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    await new Promise(requestAnimationFrame);
    const { width } = playhead.parentElement.getBoundingClientRect();
    const [from, to] = clock.view;
    const x = new DOMMatrix(getComputedStyle(playhead).transform).m41;
    found.push([clock.time, clock.media.currentTime, from + (x / width) * (to - from), performance.now() / 1000]);
  }
  return found;
}"""

PLAYHEADS = """() => [...document.querySelectorAll(".ev-heatmap .ev-playhead")]
  .filter((each) => each.parentElement.offsetWidth)
  .map((each) => new DOMMatrix(getComputedStyle(each).transform).m41)"""

# What of the first cell's outputs is there to be seen, if it is not plain text.
SHOWN = """() => {
  const found = (kind) => [...labPanel.content.widgets[0].node.querySelectorAll(`.jp-OutputArea-child ${kind}`)];
  return [".embviz", ".embviz-still", "img"].filter((kind) => found(kind).some((one) => one.checkVisibility()));
}"""

PICTURE = "(canvas) => canvas.toDataURL()"


@pytest.fixture(scope="module")
def server(weights_home: Path, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    server = served(tmp_path_factory.mktemp("lab"), weights_home, root)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def shared_page(browser: Any, server: LabServer) -> Iterator[Any]:
    """The page of JupyterLab in which one test after another opens a notebook."""
    with application(browser, server) as page:
        yield page


@pytest.fixture
def fresh(shared_page: Any, server: LabServer, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Opens a notebook of the test's own."""
    with notebooks(shared_page, server, request.node.name) as open_one:
        yield open_one


@pytest.fixture(scope="module")
def lab(browser: Any, server: LabServer) -> Iterator[LabPage]:
    """The notebook that most tests share."""
    lab = opened(browser, server, "shared.ipynb", START)
    lab.command("application:toggle-left-area")
    lab.run_all()
    yield lab
    closed(lab)


@pytest.fixture
def panel(lab: LabPage) -> Iterator[Panel]:
    panel = Panel(lab)
    panel.settled()
    panel.tab("Poster")
    if not lab.ask("explorer.track").endswith("rock.ogg"):
        panel.open("Sixty-Four Bars")
    panel.calm()
    yield panel
    lab.check()


# One page ------------------------------------------------------------------------------------------------------------


def test_a_track_and_a_model_are_picked_and_computed(panel, lab, root, home):
    panel.open("Two Five Window")
    panel.root.get_by_role("button", name="Add a model or layer").click()
    dialog = panel.root.locator("dialog.ev-panel-picker")
    dialog.get_by_role("searchbox").fill("vgg-i msd")
    dialog.get_by_role("listbox", name="Models").get_by_role("option").filter(has_text="VGG-I (MSD)").click()
    dialog.get_by_role("listbox", name="Layers").get_by_role("option").filter(has_text="pool5").first.click()
    dialog.locator("button.ev-primary").click()
    panel.ready("VGG-I")
    assert lab.ask("explorer.embedding.layer") == "pool5"
    shown = lab.ask("[explorer.embedding.shape, explorer.embedding.values.astype(float).sum(axis=0).tolist()]")
    ours = embviz.embed(root / "sample_audio" / "jazz.ogg", "vgg", layer="pool5")
    assert tuple(shown[0]) == ours.shape
    np.testing.assert_allclose(shown[1], ours.values.astype(float).sum(axis=0))
    panel.row("VGG-I").get_by_role("button", name="Remove").click()
    panel.row("VGG-I").wait_for(state="detached")


def test_the_playhead_goes_with_the_sound(panel):
    panel.ready("MusiCNN")
    panel.root.get_by_role("button", name="Play", exact=True).click()
    panel.until("clock => clock.playing && clock.time > 0.2")
    found = np.array(panel.clock(SAMPLES, 20))
    panel.calm()
    clock, sound, drawn, wall = found.T
    assert np.abs(clock - sound).max() < 0.05
    assert np.abs(drawn - clock).max() < 0.25, "the line that is drawn is elsewhere"
    assert np.ptp(clock) == pytest.approx(np.ptp(wall), abs=0.5)
    assert (np.diff(clock) > 0).all()


def test_a_click_seeks(panel, lab):
    canvas = panel.ready("MusiCNN")
    canvas.scroll_into_view_if_needed()
    lab.page.mouse.click(*panel.at(60, canvas))
    panel.until("clock => Math.abs(clock.time - 60) < 0.3 && Math.abs(clock.media.currentTime - clock.time) < 0.05")
    lab.until("abs(explorer.time - 60) <= 0.3")
    panel.calm()


def test_a_drag_makes_a_range_and_the_loop_stays_inside(panel, lab):
    panel.drag(30, 33, panel.ready("MusiCNN"))
    first, last = panel.clock("clock => clock.range")
    assert [first, last] == pytest.approx([30, 33], abs=0.4)
    panel.root.locator(".ev-panel-tab").first.focus()
    lab.page.keyboard.press("l")
    assert panel.clock("clock => clock.looping")
    panel.clock("clock => { clock.seek(clock.range[1] - 0.7); return clock.play(); }")
    times = np.array(panel.clock(SAMPLES, 14))[:, 0]
    assert times.min() >= first - 0.05
    assert times.max() < last + 0.15
    assert (np.diff(times) < 0).any(), "it never began again"
    lab.until(f"max(abs(a - b) for a, b in zip(explorer.time_range, ({first}, {last}))) < 0.01")
    panel.calm()


def test_the_next_cell_sees_what_is_chosen(panel, lab):
    panel.drag(40, 52, panel.ready("MusiCNN"))
    # The range grows while the pointer moves: it is there when both of its ends are.
    lab.until("explorer.time_range is not None and abs(explorer.time_range[0] - 40) < 0.5")
    lab.until("abs(explorer.time_range[1] - 52) < 0.5")
    lab.run_cell("part = explorer.embedding[slice(*explorer.time_range)]")
    lab.idle()
    assert lab.ask("float(part.times[0])") == pytest.approx(41, abs=1.5)
    assert lab.ask("float(part.times[-1])") == pytest.approx(51, abs=1.5)
    assert lab.ask("explorer.track").endswith("rock.ogg")
    lab.execute("explorer.time_range = (10.0, 12.5); explorer.seek(11)")
    panel.until("clock => clock.range?.[0] === 10 && clock.range[1] === 12.5 && Math.abs(clock.time - 11) < 0.01")
    panel.calm()


def test_another_order_repaints(panel):
    canvas = panel.ready("MusiCNN")
    order = panel.row("MusiCNN").get_by_label("Order")
    before = canvas.evaluate(PICTURE)
    order.select_option("activity")
    panel.lab.page.wait_for_function(
        "([canvas, before]) => canvas.toDataURL() !== before", arg=[canvas.element_handle(), before]
    )
    by_activity = canvas.evaluate(PICTURE)
    order.select_option("cluster")
    panel.lab.page.wait_for_function(
        "([canvas, before]) => canvas.toDataURL() !== before", arg=[canvas.element_handle(), by_activity]
    )
    order.select_option("index")
    panel.lab.page.wait_for_function(
        "([canvas, before]) => canvas.toDataURL() === before", arg=[canvas.element_handle(), before]
    )


def test_the_second_heatmap_follows(panel, lab):
    panel.ready("MusiCNN")
    panel.ready("Tempo-CNN")
    panel.clock("clock => clock.seek(77)")
    rest(lab.page)
    places = lab.js(PLAYHEADS)
    assert len(places) == 2
    assert places[0] == pytest.approx(places[1], abs=0.5)
    panel.clock("clock => clock.setView(70, 80)")
    rest(lab.page, 100)
    zoomed = lab.js(PLAYHEADS)
    assert zoomed[0] == pytest.approx(zoomed[1], abs=0.5)
    assert zoomed[0] > places[0] + 5
    panel.calm()


def test_the_keyboard(panel, lab):
    keyboard = lab.page.keyboard
    panel.root.locator(".ev-panel-tab").first.focus()
    keyboard.press("ArrowRight")  # a tab's own
    keyboard.press("ArrowLeft")
    panel.ready("MusiCNN").focus()
    panel.clock("clock => clock.seek(20)")
    keyboard.press("+")
    assert np.ptp(panel.clock("clock => clock.view")) < 100
    keyboard.press("0")
    assert np.ptp(panel.clock("clock => clock.view")) == pytest.approx(122.5, abs=0.2)
    keyboard.press("[")
    panel.clock("clock => clock.seek(25)")
    keyboard.press("]")
    assert panel.clock("clock => clock.range") == pytest.approx([20, 25])
    keyboard.press("l")
    assert panel.clock("clock => clock.looping")
    keyboard.press("Space")
    panel.until("clock => clock.playing")
    keyboard.press("Space")
    panel.until("clock => !clock.playing")
    panel.root.locator(".ev-panel-tab").first.focus()  # in a heatmap, Escape lets go of a cell first
    keyboard.press("Escape")
    assert panel.clock("clock => clock.range") is None
    keyboard.press("?")
    panel.root.locator("dialog.ev-panel-help").wait_for()
    keyboard.press("Escape")
    panel.root.locator("dialog.ev-panel-help").wait_for(state="detached")
    cells = lab.js("() => labPanel.content.widgets.length")
    keyboard.press("a")  # JupyterLab would insert a cell
    keyboard.press("b")
    assert lab.js("() => labPanel.content.widgets.length") == cells
    panel.calm()


def test_arrow_keys_walk_the_tracks(panel, lab):
    panel.root.get_by_role("listbox", name="Tracks").focus()
    lab.page.keyboard.press("Home")
    lab.page.keyboard.press("ArrowDown")
    lab.page.keyboard.press("Enter")
    panel.root.get_by_role("heading", level=2).filter(has_text="Corner Light").wait_for()


def test_what_it_hears_layers_and_structure(panel, lab):
    panel.open("Anvil Grammar")
    panel.tab("What it hears")
    panel.root.locator(".ev-panel-bpm", has_text="168").wait_for()
    panel.root.locator(".ev-panel-predictions canvas").first.wait_for()
    panel.tab("Layers")
    panel.root.locator(".ev-panel-layer canvas").first.wait_for()
    assert panel.root.locator(".ev-panel-layer").count() == len(embviz.get_model("musicnn").layers())
    panel.tab("Structure")
    panel.root.locator(".ev-panel-similarity canvas").first.wait_for()


def test_stems_are_separated_and_mixed(panel, lab):
    panel.open("Anvil Grammar")
    panel.tab("What it hears")
    panel.root.get_by_role("button", name="Separate into").click()
    mute = panel.root.get_by_role("button", name="Mute vocals")
    mute.wait_for()
    panel.root.get_by_role("button", name="Play", exact=True).click()
    panel.until("clock => clock.playing && clock.time > 0.3")
    mute.click()
    assert mute.get_attribute("aria-pressed") == "true"
    panel.calm()


def test_feature_maps_move_with_the_playhead(panel, lab):
    panel.open("Anvil Grammar")
    panel.tab("Layers")
    panel.root.get_by_label("Model to walk through").select_option("msd-vgg-1")
    panel.root.get_by_role("button", name="Feature maps of pool2").click()
    maps = panel.root.locator("[aria-label='Feature maps'] canvas").first
    maps.wait_for()
    lab.page.wait_for_function("canvas => canvas.width > 100", arg=maps.element_handle())
    panel.root.locator("[aria-label='Feature maps'] .ev-loading").first.wait_for(state="detached")
    rest(lab.page, 100)
    before = maps.evaluate(PICTURE)
    panel.clock("clock => clock.seek(30)")
    lab.page.wait_for_function(
        "([canvas, before]) => canvas.toDataURL() !== before", arg=[maps.element_handle(), before]
    )


def test_cancel_cancels_and_the_panel_stays_usable(panel, lab):
    hop = panel.row("MusiCNN").locator("select.ev-panel-hop")
    dense = hop.locator("option", has_text="dense").get_attribute("value")
    hop.select_option(dense)
    panel.root.locator(".ev-panel-busy").wait_for()
    panel.root.get_by_role("button", name="Cancel the computation").click()
    lab.page.wait_for_function("row => row.dataset.status === 'cancelled'", arg=panel.row("MusiCNN").element_handle())
    panel.root.locator(".ev-panel-busy").wait_for(state="hidden")
    panel.row("MusiCNN").locator("select.ev-panel-hop").select_option("0")
    panel.ready("MusiCNN")
    panel.open("Window Waltz")
    panel.ready("MusiCNN")
    assert lab.ask("explorer.track").endswith("piano.ogg")


def test_dark_and_light(panel, lab):
    canvas = panel.ready("MusiCNN")
    color = "el => getComputedStyle(el).color"
    light, picture = panel.root.evaluate(color), canvas.evaluate(PICTURE)
    lab.theme("dark")
    lab.page.wait_for_function("([el, light]) => getComputedStyle(el).color !== light",
                               arg=[panel.root.element_handle(), light])  # fmt: skip
    rest(lab.page, 300)
    assert canvas.evaluate(PICTURE)
    lab.theme("light")
    lab.page.wait_for_function("([canvas, before]) => canvas.toDataURL() === before",
                               arg=[canvas.element_handle(), picture])  # fmt: skip


def test_a_notebook_that_is_opened_again_shows_what_was_seen(panel, lab, server, shared_page):
    lab.execute("explorer.time_range = (30, 45)")
    lab.page.wait_for_function("document.querySelector('.embviz-still').textContent.includes('0:30.0 to 0:45.0')")
    assert lab.js(SHOWN) == [".embviz"], "a still is seen beside what is alive"
    lab.save()
    shutil.copy(server.root / lab.path, server.root / "seen.ipynb")
    assert "image/png" in json.loads((server.root / "seen.ipynb").read_text())["cells"][0]["outputs"][2]["data"]
    seen = LabPage(shared_page.context, server, "seen.ipynb", shared_page)  # in a kernel that knows nothing of it
    seen.page.wait_for_function(f"({SHOWN})().join() === '.embviz-still,img'")
    assert "Run the cell to make it live" in seen.page.locator(".embviz-still").inner_text()
    assert not seen.page.get_by_text("Error displaying widget").is_visible()
    seen.close()


def test_it_is_there_again_after_the_page_was_reloaded(panel, lab):
    lab.save()
    lab.reload()
    again = Panel(lab)
    again.root.get_by_role("heading", level=2).filter(has_text="Sixty-Four Bars").wait_for()
    again.ready("MusiCNN")
    again.root.get_by_role("button", name="Play", exact=True).click()
    again.until("clock => clock.playing && clock.time > 0.3")
    again.calm()


def test_an_exported_page_plays_without_a_network(panel, lab, browser, server):
    panel.root.get_by_role("button", name="Export page").click()
    notice = panel.root.locator(".ev-panel-notice")
    notice.wait_for()
    assert "Written" in notice.inner_text()
    page = server.root / "rock.html"
    assert page.is_file()
    context = browser.new_context(offline=True)
    alone = context.new_page()
    errors: list[str] = []
    alone.on("console", lambda message: message.type == "error" and errors.append(message.text))
    alone.on("pageerror", lambda error: errors.append(str(error)))
    asked: list[str] = []
    alone.on("request", lambda request: asked.append(request.url))
    alone.goto(page.as_uri())
    alone.locator("canvas.ev-heatmap-canvas").first.wait_for()
    alone.get_by_role("button", name="Play", exact=True).first.click()
    until_clock(alone, "page", "c => c.time > 0.5")
    moment = "async c => { await new Promise(requestAnimationFrame); return [c.time, c.media.currentTime]; }"
    time, sound = of_clock(alone, "page", moment)
    assert abs(time - sound) < 0.1
    of_clock(alone, "page", "c => c.pause()")
    until_clock(alone, "page", "c => !c.playing")
    canvas = alone.locator("canvas.ev-heatmap-canvas").first
    box = canvas.bounding_box()
    alone.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert of_clock(alone, "page", "c => c.time") == pytest.approx(122.5 / 2, abs=1)
    context.close()
    assert not errors
    assert all(url.startswith(("file:", "data:", "blob:")) for url in asked), asked


def test_code_that_gives_the_same(panel, lab):
    panel.root.get_by_role("button", name="Copy as code").click()
    panel.root.get_by_role("button", name="Copied").wait_for()
    code = lab.js("() => navigator.clipboard.readText()")
    assert code == lab.ask("explorer.code()")
    lab.execute(code)
    assert lab.ask("bool((musicnn.values == explorer.embedding.values).all())")


def test_a_file_is_added_from_the_computer(panel, lab, tmp_path):
    soundfile.write(tmp_path / "own sound.wav", 0.1 * np.sin(np.arange(5 * 16_000) / 9), 16_000)
    panel.root.locator("input[type=file]").set_input_files(tmp_path / "own sound.wav")
    panel.root.get_by_role("heading", level=2).filter(has_text="own sound").wait_for()
    panel.ready("MusiCNN")
    panel.until("clock => clock.media?.readyState >= 1")
    assert panel.clock("clock => clock.duration") == pytest.approx(5, abs=0.01)
    panel.open("Sixty-Four Bars")
    panel.until("clock => clock.media?.readyState >= 1")
    assert "/files/sample_audio/rock.ogg" in panel.clock("clock => clock.media.currentSrc")


# Pages of their own --------------------------------------------------------------------------------------------------


def test_a_restarted_kernel_is_told_of(fresh):
    lab = fresh(START)
    panel = Panel(lab)
    panel.settled()
    lab.restart()
    panel.root.locator(".ev-panel-track").nth(2).click()
    trouble = panel.root.locator(".ev-panel-trouble")
    trouble.wait_for()
    assert "run the cells above and this one again" in trouble.inner_text()
    lab.run_all()
    Panel(lab).settled()


def test_two_tabs_on_one_notebook(fresh, server):
    lab = fresh(START)
    panel = Panel(lab)
    panel.settled()
    lab.save()
    other = LabPage(lab.page.context, server, lab.path)
    twin = Panel(other)
    twin.settled()
    twin.open("Anvil Grammar")
    panel.root.get_by_role("heading", level=2).filter(has_text="Anvil Grammar").wait_for()
    panel.ready("MusiCNN")
    twin.clock("clock => clock.seek(5)")
    assert panel.clock("clock => clock.time") != 5, "each page has a playhead of its own"
    assert not other.errors
    other.page.close()


def test_two_explorers_on_a_page(fresh):
    lab = fresh(START, "second = embviz.Explorer('sample_audio/jazz.ogg', models=['musicnn'])\nsecond")
    first, second = Panel(lab), Panel(lab, "second", 1)
    first.settled()
    second.settled()
    assert first.clock_name != second.clock_name
    first.open("Anvil Grammar")
    first.clock("clock => clock.seek(7)")
    assert second.clock("clock => clock.time") == 0
    assert "Anvil" not in second.root.get_by_role("heading", level=2).inner_text()


HOSTILE = [
    "<img src=x onerror=alert(1)>.wav",
    "\"quoted\" and 'quoted' & <b>bold<.wav",
    "line\nbreak.wav",
    "\u202eright to left\u202c.wav",
    "🎸 guitar 🥁.wav",
    "${name} `tick` {{curly}} %20 #hash ?query.wav",
]


def test_hostile_names_are_text(fresh, server):
    folder = server.root / "hostile"
    folder.mkdir()
    sound = 0.1 * np.sin(np.arange(4 * 16_000) / 20)
    for name in HOSTILE:
        soundfile.write(folder / "plain.wav", sound, 16_000)
        shutil.move(folder / "plain.wav", folder / name)
    lab = fresh("import embviz\nexplorer = embviz.Explorer('hostile', models=['musicnn'])\nexplorer")
    panel = Panel(lab)
    panel.settled()
    assert panel.root.locator(".ev-panel-track").count() == len(HOSTILE)
    for i in range(len(HOSTILE)):
        row = panel.root.locator(".ev-panel-track").nth(i)
        row.click()
        lab.until(f"explorer.widget.track == {row.get_attribute('data-track')}")
        panel.settled()
        row.hover()
        panel.until("clock => clock.media?.readyState >= 1 && !clock.problem")
    assert panel.root.locator("img, b").count() == 0
    assert "<img src=x onerror=alert(1)>" in panel.root.locator(".ev-panel-tracks").inner_text()


def test_broken_silent_and_tiny_sounds(fresh, server):
    folder = server.root / "odd"
    folder.mkdir()
    (folder / "broken.wav").write_bytes(b"RIFF but not really")
    soundfile.write(folder / "silent.wav", np.zeros(5 * 16_000), 16_000)
    soundfile.write(folder / "tiny.wav", 0.1 * np.ones(160), 16_000)
    soundfile.write(folder / "vanishing.wav", 0.1 * np.sin(np.arange(64_000) / 9), 16_000)
    lab = fresh("import embviz\nexplorer = embviz.Explorer('odd', models=['musicnn'])\nexplorer")
    panel = Panel(lab)
    panel.root.locator(".ev-panel-track", has_text="broken").click()
    panel.root.get_by_role("heading", level=2).filter(has_text="broken").wait_for()
    lab.page.wait_for_function(
        "document.querySelector('.ev-panel').innerText.match(/cannot be (read|decoded)|no sound/i)"
    )
    panel.open("silent")
    panel.ready("MusiCNN")
    panel.open("tiny")
    panel.ready("MusiCNN")
    (folder / "vanishing.wav").unlink()
    panel.root.locator(".ev-panel-track", has_text="vanishing").click()
    lab.page.wait_for_function("document.querySelector('.ev-panel').innerText.match(/no such|not there|vanish/i)")
    panel.open("silent")
    panel.ready("MusiCNN")


# Beside others -------------------------------------------------------------------------------------------------------

# How all that is JupyterLab's looks: its toolbar, its menu and a cell, another notebook beside it, and what a script
# might put on the page. The cells of the first notebook move and grow with what is run in it.
KEEP_LOOKS = """([plain]) => {
  const own = `#${labPanel.id}`;
  const looks = new Map();
  const keep = (name, selector, moves) => document.querySelectorAll(selector).forEach((el, i) => {
    const css = getComputedStyle(el);
    const kept = [...css].filter((each) => !moves || !/size|height|width|origin|inset|top|bottom/.test(each));
    looks.set(`${name} ${i}`, kept.map((each) => [each, css.getPropertyValue(each)]));
  });
  keep("toolbar", `${own} .jp-NotebookPanel-toolbar, ${own} .jp-NotebookPanel-toolbar .jp-Toolbar-item`, false);
  keep("menu", "#jp-MenuBar, #jp-MenuBar .lm-MenuBar-item, #jp-main-dock-panel .lm-TabBar-tab", false);
  keep("cell", `${own} .jp-Cell:first-child :is(.jp-InputArea, .jp-Editor, .jp-OutputArea-output, pre)`, true);
  keep("beside", `.jp-NotebookPanel:not(${own}) :is(.jp-Toolbar, .jp-Toolbar-item, .jp-Cell, .jp-Editor, pre)`, false);
  keep("plain", `.${plain} *`, false);
  return looks;
}"""
PLAIN = """(name) => {
  const all = document.createElement("div");
  all.className = name;
  Object.assign(all.style, { position: "absolute", top: "0", width: "400px", zIndex: "-1" });
  for (const kind of ["button", "input", "select", "textarea", "table", "h3", "a", "p", "ul", "canvas", "dialog"]) {
    const el = document.createElement(kind);
    if (kind === "dialog") el.open = true;
    all.append(el);
  }
  document.body.append(all);
}"""
CHANGED = """([plain, keep]) => {
  const before = globalThis.looks;
  const now = eval(keep)([plain]);
  const found = [];
  for (const [name, css] of before) {
    const other = new Map(now.get(name) ?? []);
    for (const [each, value] of css) if (other.get(each) !== value) found.push([name, each, value, other.get(each)]);
  }
  return found;
}"""
VIEWS = {
    ".ev-panel": "explorer",
    ".ev-atlas": "collection.map(method='pca')",
    ".ev-scatter[data-renderer=webgl] .ev-scatter-canvas": "Scatter.of(xy, columns=[])",
    ".ev-player": "embviz.widgets.player.Player()",
}


def test_no_view_changes_how_anything_else_looks(browser, server):
    """In a page where no view has ever been."""
    lab = opened(
        browser,
        server,
        "looks.ipynb",
        "print('plain')",
        "import embviz, embviz.widgets.player, numpy as np\nfrom embviz.widgets.scatter import Scatter\n"
        "collection = embviz.Collection.from_folder('sample_audio', progress=False)[:3]\nxy = np.eye(2)\n"
        "explorer = embviz.Explorer('sample_audio', models=['musicnn'])",
    )
    lab.run_all()
    beside = server.write("beside.ipynb", ["'beside'", "1 + 1"])
    lab.command("docmanager:open", path=beside, options={"mode": "split-right"})
    lab.page.locator(".jp-NotebookPanel").nth(1).locator(".jp-Editor").first.wait_for()
    lab.js("() => jupyterapp.shell.activateById(labPanel.id)")
    lab.js(PLAIN, "looks-plain")
    rest(lab.page, 1500)
    lab.js(f"() => {{ globalThis.looks = ({KEEP_LOOKS})(['looks-plain']); }}")
    for selector, code in VIEWS.items():
        lab.run_cell(code)
        lab.page.locator(selector).first.wait_for(state="attached")
        lab.idle()
        # JupyterLab marks cells that are out of sight.
        lab.js("() => labPanel.content.scrollToItem(0)")
        rest(lab.page, 400)
        assert lab.js(CHANGED, ["looks-plain", KEEP_LOOKS]) == [], code
    closed(lab)


# What draws the map, on how many of its pixels, the picture of the heatmap, the place of its playhead, the map's width.
HELD = """() => {
  const [map, heat] = [".ev-scatter-canvas", ".ev-heatmap-canvas"].map((each) => document.querySelector(each));
  const pen = new OffscreenCanvas(map.width, map.height).getContext("2d");
  pen.drawImage(map, 0, 0);
  const { data } = pen.getImageData(0, 0, map.width, map.height);
  const drawn = data.reduce((sum, value, i) => sum + (i % 4 === 3 && value > 0), 0);
  const playhead = document.querySelector(".ev-heatmap .ev-playhead");
  const share = new DOMMatrix(getComputedStyle(playhead).transform).m41 / playhead.parentElement.clientWidth;
  return [document.querySelector(".ev-scatter").dataset.renderer, drawn, heat.toDataURL(), share, map.width];
}"""

PLOTS = """
import embviz, numpy as np
from IPython.display import display
from embviz.widgets.heatmap import Heatmap
from embviz.widgets.scatter import Scatter
embedding = embviz.embed("sample_audio/jazz.ogg", "musicnn")
display(Scatter.of(np.random.default_rng(0).normal(size=(500, 2)), columns=[], clock="w"))
display(Heatmap.of(embedding, clock="w"))
"""


def test_a_windowed_notebook_takes_views_away_and_brings_them_back(fresh):
    lab = fresh(PLOTS, *["print('below ' * 40)"] * 30)
    lab.js("() => { labPanel.content.notebookConfig = { ...labPanel.content.notebookConfig, windowingMode: 'full' } }")
    lab.clock("w", "clock => { clock.load(40); clock.seek(10) }")

    def scroll(cell: int) -> None:
        lab.js("cell => labPanel.content.scrollToItem(cell)", cell)
        rest(lab.page, 500)

    scroll(0)
    kind, drawn, heat, share, width = lab.js(HELD)
    assert (kind, drawn > 5000, round(share, 3)) == ("webgl", True, 0.25)
    lab.js("() => { globalThis.map = document.querySelector('.ev-scatter-canvas') }")
    scroll(29)
    assert not lab.js("() => map.checkVisibility()")
    # Meanwhile the browser takes WebGL away, and the playhead goes on.
    lab.js("""async () => {
      const loss = map.getContext("webgl2").getExtension("WEBGL_lose_context");
      loss.loseContext();
      await new Promise((done) => map.addEventListener("webglcontextlost", () => setTimeout(done)));
      loss.restoreContext();
    }""")
    lab.clock("w", "clock => clock.seek(20)")
    scroll(0)
    assert lab.js(HELD) == ["webgl", drawn, heat, pytest.approx(0.5, abs=0.01), width]
    scroll(29)
    lab.page.set_viewport_size({"width": 1100, "height": 800})
    scroll(0)
    kind, fewer, heat_now, share, narrow = lab.js(HELD)
    assert (kind, round(share, 2), narrow < width - 200) == ("webgl", 0.5, True)
    assert fewer > 5000
    assert heat_now != heat
