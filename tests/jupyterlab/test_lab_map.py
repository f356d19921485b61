"""The map of a collection in a real JupyterLab: real sounds and weights, a real browser, points drawn by WebGL.

Most tests share the page of one notebook; what ends a kernel, or needs another collection, has one of its own.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile
from harness import launched, rest
from lab import PATIENCE, LabPage, LabServer, Panel, application, closed, notebooks, opened, served

import embviz
from embviz.batch import embed_table

pytestmark = pytest.mark.slow

PIECES = ("ambient", "drums", "jazz", "metal", "piano")
STARTS = (2, 10, 18, 26, 34)  # seconds
SECONDS = 6
N = len(PIECES) * len(STARTS)
SECOND = "msd-vgg-1"
TALL = 1300  # pixels, in which the whole of an Atlas is seen

START = "import embviz\ncollection = embviz.Collection.from_table('excerpts/tracks.csv')"
ATLAS = "atlas = collection.map(method='pca', color='piece')\natlas"

HOSTILE = ("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\u202eevil\u202c עברית", "🎧 Ünïcødé ${x}")

DRAWN = """(root, [x, y]) => {
  const canvas = [...root.querySelectorAll(".ev-scatter-canvas:not([hidden])")].at(-1);
  const scale = canvas.width / canvas.getBoundingClientRect().width;
  const pen = new OffscreenCanvas(1, 1).getContext("2d");
  pen.drawImage(canvas, -Math.round(x * scale), -Math.round(y * scale));
  return [...pen.getImageData(0, 0, 1, 1).data];
}"""

# What lies over the points: where it is another than it was.
KEEP = """(root) => {
  const canvas = root.querySelector(".ev-scatter-over");
  root.before = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
}"""
CHANGED = """(root) => {
  const canvas = root.querySelector(".ev-scatter-over");
  const { data, width } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const scale = width / canvas.getBoundingClientRect().width;
  const found = [];
  for (let i = 3; i < data.length; i += 4) {
    if (data[i] === root.before.data[i]) continue;
    found.push([(((i - 3) / 4) % width) / scale, Math.floor((i - 3) / 4 / width) / scale]);
  }
  return found;
}"""

MARKER = """(root) => {
  const marker = root.querySelector(".ev-scatter-marker");
  const { m41, m42 } = new DOMMatrix(getComputedStyle(marker).transform);
  return marker.hidden ? null : [m41, m42];
}"""


class Chart:
    """An Atlas on a page, as its readers use it."""

    def __init__(self, lab: LabPage, name: str = "atlas") -> None:
        self.lab, self.page, self.name = lab, lab.page, name
        self.root = lab.page.locator(".ev-atlas").first
        self.root.wait_for()
        self.side = self.root.locator(".ev-atlas-side")

    # The kernel's half.

    def ask(self, expression: str) -> Any:
        return self.lab.ask(f"{self.name}.{expression}")

    def scatter(self, expression: str, place: int = 0) -> Any:
        return self.ask(f"_controller.views[{place}].scatter.{expression}")

    def ready(self, maps: int = 1) -> None:
        """Wait until all is computed, and is drawn by WebGL."""
        self.computed()
        self.page.wait_for_function(
            "n => document.querySelectorAll('.ev-scatter[data-renderer=webgl]').length === n", arg=maps
        )
        rest(self.page, 300)

    def computed(self) -> None:
        done = "all(one['status'] == 'ready' and not one['preliminary'] for one in {0}.maps) and not {0}.progress"
        self.until(done.format(f"{self.name}.widget"))

    def until(self, expression: str, seconds: float = PATIENCE) -> None:
        """Wait until a Python expression holds."""
        try:
            self.lab.until(expression, seconds)
        except TimeoutError as error:
            raise TimeoutError(f"{expression}: {self.ask('widget.maps')}, {self.ask('widget.notice')}") from error

    @property
    def labels(self) -> list[int]:
        """The label of each point's track."""
        return list(self.ask("vectors.tracks.tolist()"))

    @property
    def titles(self) -> list[str]:
        """The title of each point's track."""
        return list(self.ask("table.loc[atlas.vectors.tracks, 'title'].tolist()".replace("atlas", self.name)))

    # The page's half.

    def map(self, place: int = 0) -> Any:
        return self.root.locator(".ev-scatter").nth(place)

    def places(self, place: int = 0) -> np.ndarray:
        """Where the points of a map are on the screen while all of them are seen."""
        return self._screen(np.array(self.scatter("xy.tolist()", place)), place)

    def _screen(self, places: np.ndarray, place: int = 0) -> np.ndarray:
        stage = self.map(place).locator(".ev-scatter-stage")
        stage.scroll_into_view_if_needed()
        box = stage.bounding_box()
        xy = np.array(self.scatter("xy.tolist()", place))
        low, high = xy.min(axis=0), xy.max(axis=0)
        k = ((np.array([box["width"], box["height"]]) - 52) / (high - low)).min()
        middle = [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]
        return (places - (low + high) / 2) * [k, -k] + middle

    def lone(self, n: int = 1, place: int = 0) -> list[int]:
        """The points that are farthest from all others on the screen."""
        places = self.places(place)
        apart = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1)) + np.eye(len(places)) * 1e6
        return [int(i) for i in np.argsort(-apart.min(axis=1))[:n]]

    def color(self, point: int) -> tuple[int, ...]:
        """The colour that the surface has drawn in the middle of a point."""
        x, y = self.places()[point]
        box = self.map().locator(".ev-scatter-stage").bounding_box()
        red, green, blue, alpha = self.map().evaluate(DRAWN, [x - box["x"], y - box["y"]])
        return tuple(round(value * alpha / 255 + 255 - alpha) for value in (red, green, blue))

    def hover(self, point: int, place: int = 0) -> str:
        """Point at a point, and return what is said of it."""
        x, y = self.places(place)[point]
        self.page.mouse.move(x - 30, y - 30)
        self.page.mouse.move(x, y, steps=3)
        tip = self.map(place).locator(".ev-scatter-tip")
        rest(self.page, 100)
        return str(tip.inner_text()) if tip.is_visible() else ""

    def click(self, point: int, place: int = 0) -> None:
        x, y = self.places(place)[point]
        self.page.mouse.click(x, y)

    def lasso(self, points: list[int]) -> None:
        """Draw around points."""
        self.root.get_by_role("button", name="Lasso").click()
        places = self.places()[points]
        (left, top), (right, low) = places.min(axis=0) - 10, places.max(axis=0) + 10
        mouse = self.page.mouse
        mouse.move(left, top)
        mouse.down()
        for corner in ((right, top), (right, low), (left, low), (left, top + 2)):
            mouse.move(*corner, steps=6)
        mouse.up()
        self.root.get_by_role("button", name="Move (drag").click()

    def more(self, label: str, value: str) -> None:
        """Choose something behind the button at the end of the row."""
        self.root.get_by_role("button", name="More", exact=True).click()
        self.root.get_by_role("dialog", name="More about the map").get_by_label(label).select_option(value)
        self.page.keyboard.press("Escape")

    def key(self, *keys: str) -> None:
        self.map().locator(".ev-scatter-stage").focus()
        for key in keys:
            self.page.keyboard.press(key)

    def tab(self, name: str) -> None:
        self.side.get_by_role("tab", name=name).click()

    def rows(self, label: str) -> Any:
        return self.side.get_by_role("list", name=label).locator("[data-row]")

    def clock(self, function: str) -> Any:
        return self.lab.clock(self.ask("widget.clock"), function)

    def until_clock(self, function: str) -> None:
        """Wait until a function of the map's clock holds."""
        self.lab.until_clock(self.ask("widget.clock"), function)

    def stop_after(self, seconds: float) -> None:
        """Let the music play until a time is reached, and no longer."""
        self.until_clock(f"clock => clock.time > {seconds} && (clock.pause(), true)")
        self.until_clock("clock => !clock.playing")
        rest(self.page)

    def sounding(self, name: str) -> None:
        """Wait until a file is heard."""
        self.until_clock(
            f"clock => clock.playing && decodeURIComponent(clock.media.currentSrc).endsWith({json.dumps(name)}) && "
            "clock.media.currentTime > 0.2 && !clock.media.paused"
        )

    def marker(self) -> np.ndarray | None:
        """Where the marker of the playhead is on the screen."""
        place = self.map().evaluate(MARKER)
        box = self.map().locator(".ev-scatter-stage").bounding_box()
        return None if place is None else np.add(place, [box["x"], box["y"]])

    def trail(self, seconds: float) -> np.ndarray:
        """Where the marker should be then: at the edge, where that is beyond the picture."""
        frames = np.frombuffer(bytes(self.scatter("trail")), "<f4").reshape(-1, 3).astype(float)
        spot = [np.interp(seconds, frames[:, 2], frames[:, axis]) for axis in (0, 1)]
        place = self._screen(np.array([spot]))[0]
        box = self.map().locator(".ev-scatter-stage").bounding_box()
        corner, size = np.array([box["x"], box["y"]]), np.array([box["width"], box["height"]])
        return np.clip(place, corner + 9, corner + size - 9)

    def calm(self) -> None:
        """As at the beginning: silence, nothing selected, one map of whole tracks of which all is seen."""
        self.lab.execute(
            f"{self.name}.set(points='tracks', method='pca', clusters='none', second={{}}, k=10)\n"
            f"{self.name}.selection = []\n{self.name}._controller.playback.clear()\n"
            f"{self.name}.widget.tab = 'neighbors'"
        )
        self.ready()
        self.clock("clock => clock.pause()")
        self.key("0")
        rest(self.page)


def name_of(title: str) -> str:
    """The file of an excerpt, by its title."""
    return f"{title.lower()}.wav"


@pytest.fixture(scope="module")
def server(weights_home: Path, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """A server with a folder of excerpts, which have been embedded before."""
    folder = tmp_path_factory.mktemp("lab")
    server = served(folder, weights_home, root)
    try:
        cut(server.root / "excerpts", root)
        table = embviz.Collection.from_table(server.root / "excerpts" / "tracks.csv").table
        embed_table(table, ["musicnn", SECOND], cache=embviz.Cache(folder / "home" / "cache"), workers=1)
        yield server
    finally:
        server.stop()


def cut(folder: Path, root: Path) -> None:
    """Write excerpts of some pieces, and a table of them."""
    folder.mkdir()
    rows = []
    for piece in PIECES:
        sound = embviz.Audio.open(root / "sample_audio" / f"{piece}.ogg")
        samples, rate = sound.stereo(sound.sample_rate), sound.sample_rate
        for start in STARTS:
            title = f"{piece.title()} {start:02}"
            soundfile.write(folder / name_of(title), samples[start * rate : (start + SECONDS) * rate], rate)
            rows.append({"path": name_of(title), "title": title, "artist": f"{piece} artist", "piece": piece})
    pd.DataFrame(rows).to_csv(folder / "tracks.csv", index=False)


@pytest.fixture(scope="module")
def shared_page(browser: Any, server: LabServer) -> Iterator[Any]:
    """The page of JupyterLab in which one test after another opens a notebook."""
    with application(browser, server) as page:
        yield page


@pytest.fixture
def fresh(shared_page: Any, server: LabServer, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Opens a notebook of the test's own."""
    with notebooks(shared_page, server, request.node.name, TALL) as open_one:
        yield open_one


@pytest.fixture(scope="module")
def lab(browser: Any, server: LabServer) -> Iterator[LabPage]:
    """The notebook that most tests share; the camera jumps, so that nobody waits for it."""
    lab = opened(browser, server, "map.ipynb", START, ATLAS, height=TALL)
    lab.page.emulate_media(reduced_motion="reduce")
    lab.command("application:toggle-left-area")
    lab.run_all()
    yield lab
    closed(lab)


@pytest.fixture
def chart(lab: LabPage) -> Iterator[Chart]:
    chart = Chart(lab)
    chart.calm()
    yield chart
    lab.check()


# Looking, pointing, hearing ------------------------------------------------------------------------------------------


def test_the_points_are_drawn_by_webgl_in_the_colors_of_the_legend(chart):
    points = chart.lone(5)
    pieces = chart.ask(f"table['piece'].iloc[{points}].tolist()")
    assert len(chart.labels) == N
    assert chart.root.locator(".ev-atlas-foot").get_by_text(f"{N} tracks", exact=True).is_visible()
    color = chart.scatter("color")
    for point, piece in zip(points, pieces, strict=True):
        code = color["palette"][color["labels"].index(piece)]
        wanted = [int(code[at : at + 2], 16) for at in (1, 3, 5)]
        assert np.abs(np.subtract(chart.color(point), wanted)).max() < 40, (point, piece)
    assert "trustworthiness" in chart.root.locator(".ev-atlas-facts").first.inner_text()


def test_what_is_pointed_at_is_named(chart):
    [point] = chart.lone()
    said = chart.hover(point)
    assert chart.titles[point] in said
    assert "artist" in said
    assert "click: play" in said


def test_a_click_plays_the_track_and_lists_its_neighbors(chart, lab):
    first, second = chart.lone(2)
    stage = chart.map().locator(".ev-scatter-stage")
    before = stage.bounding_box()
    for point in (first, second):
        chart.click(point)
        chart.sounding(name_of(chart.titles[point]))
        heard = chart.clock("clock => clock.media.currentTime")
        chart.until_clock(f"clock => clock.media.currentTime > {heard} + 0.3")
        label = chart.labels[point]
        chart.side.get_by_role("heading", name=f"Like {chart.titles[point]}").wait_for()
        rows = chart.rows("Neighbours")
        table = chart.ask(f"neighbors({label})[['title', 'distance']].to_numpy().tolist()")
        assert rows.count() == len(table) == 10
        for row, (title, distance) in zip(rows.all(), table, strict=True):
            assert title in row.inner_text()
            assert f"{distance:.3f}" in row.inner_text()
        assert chart.scatter("current") == point
    chart.root.locator(".ev-atlas-heatmap canvas.ev-heatmap-canvas").wait_for()
    assert stage.bounding_box() == before, "the map should not move away under the pointer"
    chart.more("How many neighbours", "5")
    chart.page.wait_for_function("document.querySelectorAll('[aria-label=Neighbours] [data-row]').length === 5")
    rows = chart.rows("Neighbours")
    title = rows.first.locator(".ev-atlas-title").inner_text()
    rows.first.get_by_role("button", name="Play").click()
    chart.sounding(name_of(title))


def test_the_marker_walks_with_the_sound(chart):
    [point] = chart.lone()
    chart.click(point)
    chart.sounding(name_of(chart.titles[point]))
    chart.until("len(atlas._controller.views[0].scatter.trail) > 0")
    chart.stop_after(2)
    walking = chart.marker()
    chart.clock("clock => clock.play()")
    chart.stop_after(3.2)
    assert np.hypot(*(chart.marker() - walking)) > 1
    for seconds in (2.25, 4):
        chart.clock(f"clock => clock.seek({seconds})")
        rest(chart.page, 200)
        np.testing.assert_allclose(chart.marker(), chart.trail(seconds), atol=1.5)


def test_a_moment_is_heard_where_it_was_clicked(chart, lab):

    chart.more("What a point is", "frames")
    chart.until("atlas.vectors is not None and atlas.vectors.times is not None")
    chart.ready()
    assert chart.root.get_by_text(re.compile(rf"{N} tracks · \d+ frames")).is_visible()
    times = chart.ask("vectors.times.tolist()")
    point = next(i for i in chart.lone(20) if 2 < times[i] < 4)
    assert min(chart.color(point)) < 200, "it should be drawn where it is"
    assert chart.titles[point] in chart.hover(point)
    begun = chart.page.evaluate("performance.now() / 1000")
    chart.click(point)
    name = name_of(chart.titles[point])
    chart.sounding(name)
    heard, now = chart.clock("clock => [clock.media.currentTime, performance.now() / 1000]")
    assert times[point] - 0.05 < heard < times[point] + now - begun
    assert "this moment of" in chart.side.get_by_role("heading").first.inner_text()
    chart.clock(f"clock => {{ clock.pause(); clock.seek({times[point]}) }}")
    rest(chart.page, 200)
    np.testing.assert_allclose(chart.marker(), chart.places()[point], atol=1.5)


# Selecting -----------------------------------------------------------------------------------------------------------


def test_the_next_cell_has_what_was_drawn_around(chart, lab):
    points = [i for i, title in enumerate(chart.titles) if title.startswith("Metal")]
    chart.lasso(points)
    chart.tab("Selection")
    table = chart.side.get_by_role("table", name="Selected")
    table.wait_for()
    lab.run_cell("rows = atlas.selection.reset_index()[['track', 'title', 'piece']]")
    lab.idle()
    chosen = lab.ask("rows.to_numpy().tolist()")
    assert {chart.labels[i] for i in points} <= {label for label, _, _ in chosen}
    assert table.locator("tbody tr").count() == len(chosen)
    assert sorted(title for _, title, _ in chosen) == sorted(
        cell.inner_text() for cell in table.locator("tbody .ev-atlas-col-title").all()
    )
    assert f"{len(chosen)} selected" in chart.map().inner_text()
    chart.key("Escape")
    chart.until("atlas.selection.empty")


def test_what_python_selects_is_selected_on_the_page(chart, lab):
    lab.run_cell("atlas.selection = atlas.table.query(\"piece == 'jazz'\")")
    chart.root.locator(".ev-scatter-selected", has_text="5 selected").wait_for()
    chart.tab("Selection")
    rest(chart.page, 300)
    inside = chart.titles.index("Jazz 10")
    outside = next(i for i in chart.lone(N) if "Jazz" not in chart.titles[i])
    strong, weak = (min(chart.color(point)) for point in (inside, outside))
    assert weak > strong, "what is not selected should be fainter"
    assert "Jazz 26" in chart.side.get_by_role("table", name="Selected").inner_text()
    chart.root.get_by_role("group", name="The map").get_by_role("button", name="clear").click()
    chart.until("atlas.selection.empty")


def test_the_legend_filters(chart):
    point = next(i for i in chart.lone(N) if chart.titles[i].startswith("Piano"))
    piano = chart.side.locator(".ev-scatter-category", has_text="piano")
    piano.click()
    chart.root.get_by_text(f"{N - 5} of {N} tracks shown").wait_for()
    rest(chart.page, 300)
    assert chart.hover(point) == "", "what is hidden should not be pointed at"
    assert min(chart.color(point)) > 240, "what is hidden should not be drawn"
    assert chart.scatter("hidden_categories") == [chart.scatter("color")["labels"].index("piano")]
    piano.click()
    rest(chart.page, 300)
    assert chart.titles[point] in chart.hover(point)
    assert chart.scatter("hidden_categories") == []


def test_the_search_finds_and_zooms(chart):
    point = chart.titles.index("Drums 18")
    search = chart.root.get_by_role("group", name="The map").get_by_role(
        "combobox", name="Search the tracks of this map"
    )
    search.fill("drums 18")
    chart.root.get_by_text(f"1 of {N} match").wait_for()
    search.press("Enter")
    rest(chart.page, 100)
    box = chart.map().locator(".ev-scatter-stage").bounding_box()
    chart.page.mouse.move(box["x"] + box["width"] / 2 - 3, box["y"] + box["height"] / 2, steps=2)
    assert "Drums 18" in chart.map().locator(".ev-scatter-tip").inner_text(), "it should be in the middle"
    chart.page.keyboard.press("Enter")
    chart.sounding("drums 18.wav")
    search.fill("nothing like this")
    chart.root.get_by_text(f"0 of {N} match").wait_for()
    search.press("Escape")
    rest(chart.page, 300)  # the map waits for more letters
    assert chart.scatter("current") == point
    assert "Drums 18" in chart.hover(point), "what was looked at before the search should be back"


def test_the_keyboard(chart, lab):
    cells = lab.js("() => labPanel.content.widgets.length")
    stage = chart.map().locator(".ev-scatter-stage")
    said = chart.map().locator(":scope > .ev-hidden[role=status]")
    stage.focus()
    heard = []
    for key in ("ArrowRight", "ArrowUp", "ArrowRight", "ArrowDown", "ArrowLeft", "ArrowLeft"):
        chart.page.keyboard.press(key)
        rest(chart.page, 100)
        heard.append(said.inner_text())
    titles = [text.split(",")[0] for text in heard if not text.startswith("no point")]
    assert len(set(titles)) > 1, heard
    chart.page.keyboard.press("Enter")
    chart.sounding(name_of(titles[-1]))
    chart.page.keyboard.press("Space")
    chart.until_clock("clock => !clock.playing")
    chart.page.keyboard.press("a")
    chart.root.locator(".ev-scatter-selected", has_text=f"{N} selected").wait_for()
    chart.page.keyboard.press("Escape")
    chart.until("atlas.selection.empty")
    chart.page.keyboard.press("/")
    assert chart.page.evaluate("document.activeElement.role") == "combobox"
    chart.page.keyboard.press("Escape")
    chart.page.keyboard.press("?")
    chart.root.locator("dialog.ev-panel-help").wait_for()
    chart.page.keyboard.press("Escape")
    assert lab.js("() => labPanel.content.widgets.length") == cells, "the keys are the map's, not JupyterLab's"


# Groups, comparing, queue --------------------------------------------------------------------------------------------


def test_clusters_are_named_and_renamed(chart):
    chart.tab("Clusters")
    chart.side.get_by_role("button", name="Find clusters").click()
    chart.until("atlas.widget.clusters.get('items') and not atlas.widget.progress")
    rows = chart.rows("Clusters")
    rows.first.wait_for()
    items = chart.ask("widget.clusters")["items"]
    assert rows.first.locator(".ev-atlas-tag").count() > 0
    name = rows.first.locator(".ev-atlas-rename")
    assert name.inner_text() == items[0]["name"]
    assert items[0]["name"] in [label["text"] for label in chart.scatter("labels")]
    name.click()
    chart.side.locator("input.ev-atlas-naming").fill("What <b>we</b> call it")
    chart.page.keyboard.press("Enter")
    assert chart.ask("widget.choices['color']") == "cluster", "who looks for clusters wants to see them"
    chart.until("'What <b>we</b> call it' in [label['text'] for label in atlas._controller.views[0].scatter.labels]")
    assert rows.first.locator(".ev-atlas-rename").inner_text() == "What <b>we</b> call it"
    assert "What <b>we</b> call it" in set(chart.ask("clusters['name'].tolist()"))
    rows.first.get_by_role("button", name="Select the members").click()
    chart.until(f"len(atlas.selection) == {items[0]['count']}")


def test_two_models_side_by_side(chart):
    chart.root.get_by_role("button", name="More", exact=True).click()
    chart.root.get_by_role("button", name="Compare with another model…").click()
    dialog = chart.root.locator("dialog.ev-panel-picker")
    dialog.get_by_role("searchbox").fill("vgg-i msd")
    dialog.get_by_role("listbox", name="Models").get_by_role("option").filter(has_text="VGG-I (MSD)").click()
    dialog.locator("button.ev-primary").click()
    chart.until("len(atlas.widget.maps) == 2 and atlas.agreement is not None")
    chart.ready(2)
    [point] = chart.lone()
    track = chart.labels[point]
    chart.page.mouse.move(5, 5)
    rest(chart.page, 200)
    second = chart.map(1)
    second.evaluate(KEEP)
    chart.hover(point)
    changed = np.array(second.evaluate(CHANGED))
    there = chart.ask("_controller.views[1].vectors.tracks.tolist()").index(track)
    box = second.locator(".ev-scatter-stage").bounding_box()
    wanted = chart.places(1)[there] - [box["x"], box["y"]]
    assert len(changed) > 10
    assert np.abs(changed - wanted).max() < 16, "the same track should be marked on the other map"
    chart.tab("Compare")
    overlap = chart.ask("agreement.overlap")
    assert f"{round(overlap * 100)} %" in chart.side.inner_text()
    chart.rows("Tracks that are placed most differently").first.get_by_role("button", name="Show").click()
    chart.until("len(atlas.selection) == 1")
    assert "1 selected" in chart.root.get_by_role("group", name="The map").inner_text()
    least = chart.ask("differences.index[0].item()")
    assert chart.ask("selection.index.tolist()") == [least]
    chart.root.get_by_role("button", name="Close this map").click()
    chart.map(1).wait_for(state="detached")


def test_the_queue_goes_on(chart, lab):
    first, second = (chart.labels[chart.titles.index(title)] for title in ("Jazz 02", "Metal 34"))
    lab.execute(f"atlas.selection = [{first}, {second}]")
    chart.tab("Selection")
    chart.side.get_by_role("button", name="Play in order").click()
    chart.sounding("jazz 02.wav")
    chart.tab("Queue")
    current = chart.side.locator("[aria-current=true]")
    assert "Jazz 02" in current.inner_text()
    chart.clock("clock => clock.seek(5.2)")
    chart.sounding("metal 34.wav")
    assert "Metal 34" in current.inner_text()
    chart.clock("clock => clock.seek(5.2)")
    chart.until_clock("clock => !clock.playing")
    chart.until("not atlas.widget.queue['playing']")


def test_a_dark_theme(chart, lab):
    [point] = chart.lone()
    canvas = chart.map().locator(".ev-scatter-canvas").first
    picture = "(canvas) => canvas.toDataURL()"
    light = canvas.evaluate(picture)
    lab.theme("dark")
    lab.page.wait_for_function("([canvas, before]) => canvas.toDataURL() !== before",
                               arg=[canvas.element_handle(), light])  # fmt: skip
    lab.theme("light")
    rest(lab.page, 500)
    assert chart.titles[point] in chart.hover(point)


def test_it_is_there_again_after_the_page_was_reloaded(chart, lab):
    lab.save()
    lab.reload()
    again = Chart(lab)
    again.ready()
    [point] = again.lone()
    assert again.titles[point] in again.hover(point)
    again.click(point)
    again.sounding(name_of(again.titles[point]))
    lab.check()


# One map alone --------------------------------------------------------------------------------------------------------

SCATTER = """
import numpy as np
from embviz.widgets.scatter import Scatter

xy = np.stack(np.meshgrid(np.arange(10.0), np.arange(6.0)), axis=-1).reshape(-1, 2)
titles = [f"Track {i}" for i in range(60)]
heard = []
scatter = Scatter.of(xy, columns=[{"name": "title", "values": titles}], color=[i % 3 == 0 for i in range(60)])
scatter.on_msg(lambda widget, content, buffers: heard.append(content))
scatter
"""


def test_a_map_alone_and_python_tell_each_other_what_is_selected(fresh):
    lab = fresh(SCATTER)
    element = lab.page.locator(".ev-scatter")
    lab.page.locator(".ev-scatter[data-renderer=webgl]").wait_for()
    element.locator(".ev-scatter-stage").focus()
    for key in ("ArrowRight", "Enter", "a"):
        lab.page.keyboard.press(key)
    element.locator(".ev-scatter-selected", has_text="60 selected").wait_for()
    lab.until("len(scatter.selection) == 60 and heard")
    assert lab.ask("heard") == [{"kind": "choose", "point": lab.ask("scatter.current")}]
    lab.execute("scatter.select([1]); scatter.set_color(list(range(60)), title='tempo', unit='BPM')")
    element.get_by_text("tempo (BPM)").wait_for()
    element.locator(".ev-scatter-selected", has_text="1 selected").wait_for()
    lab.execute("scatter.close()")


# Inside the Explorer -------------------------------------------------------------------------------------------------


def test_map_and_heatmap_of_the_explorer_move_together(fresh):
    """The map is made by UMAP, as it is without a choice."""
    lab = fresh("import embviz\nexplorer = embviz.Explorer('excerpts', models=['musicnn'])\nexplorer")
    panel = Panel(lab)
    panel.settled()
    panel.tab("Map")
    lab.until("explorer._controller.map_tab.atlas is not None")
    chart = Chart(lab, "explorer._controller.map_tab.atlas")
    chart.ready()
    assert chart.root.locator(".ev-atlas-facts").first.inner_text().startswith("UMAP")
    point = next(i for i in chart.lone(N) if lab.ask("explorer.track") != chart.ask("table['path'].tolist()")[i])
    for one in chart.lone(5):
        assert min(chart.color(one)) < 200, "the points should be where UMAP has put them"
    chart.click(point)
    path = chart.ask("table['path'].tolist()")[point]
    name = Path(path).name
    chart.sounding(name)
    panel.root.get_by_role("heading", level=2).filter(has_text=chart.titles[point]).wait_for()
    assert Path(lab.ask("explorer.track")).name == name
    below = panel.root.locator(".ev-panel-map canvas.ev-heatmap-canvas")
    below.wait_for()
    chart.until("len(explorer._controller.map_tab.atlas._controller.views[0].scatter.trail) > 0")
    panel.clock("clock => clock.pause()")
    box = below.bounding_box()
    for seconds in (2.0, 4.2):
        below.scroll_into_view_if_needed()
        lab.page.mouse.click(*panel.at(seconds, below))
        panel.until(f"clock => Math.abs(clock.time - {seconds}) < 0.1")
        rest(lab.page, 200)
        wanted = chart.trail(panel.clock("clock => clock.time"))  # scrolls to the map
        np.testing.assert_allclose(chart.marker(), wanted, atol=1.5)
    shown = lab.js(
        "() => new DOMMatrix(getComputedStyle(document.querySelector('.ev-panel-map .ev-playhead')).transform).m41"
    )
    assert shown == pytest.approx(box["width"] * panel.clock("clock => clock.time") / SECONDS, abs=2)
    chart.lasso([point])
    chart.root.locator(".ev-scatter-selected").wait_for()
    lab.run_cell("rows = explorer.selection['title'].tolist()")
    lab.idle()
    assert chart.titles[point] in lab.ask("rows")
    lab.execute("explorer.selection = explorer.selection.iloc[:0]")
    chart.root.locator(".ev-scatter-selected").wait_for(state="hidden")


def test_what_a_model_takes_for_another_class_is_listed_played_and_marked_on_the_map(fresh):
    """The column says nothing that could be heard, so there are mistakes."""
    lab = fresh(
        START,
        f"collection = collection.assign(deal=['red', 'blue', 'red', 'blue', 'red'] * {len(PIECES)})\n"
        "explorer = embviz.Explorer(collection, models=['musicnn']).map(method='pca')\nexplorer",
    )
    panel = Panel(lab)
    panel.root.get_by_role("tab", name="Map").focus()
    lab.page.keyboard.press("6")
    panel.root.get_by_label("Predict").select_option("deal")
    panel.root.get_by_role("button", name="Compare", exact=True).click()
    name = panel.root.locator(".ev-evaluation-table").get_by_role("button", name="MusiCNN (MSD) · embedding")
    name.click()
    [accuracy] = lab.ask("explorer.evaluation.table.query(\"model != ''\")['accuracy'].tolist()")
    assert f"{100 * accuracy:.1f} %" in name.locator("xpath=ancestor::tr").inner_text()
    wrong = lab.ask("[(label, truth) for label, truth in explorer.evaluation.mistakes('musicnn')['truth'].items()]")
    red = [label for label, truth in wrong if truth == "red"]
    panel.root.get_by_role("button", name=re.compile(f"{len(red)} of 15 “red” tracks (was|were) taken for")).click()
    rows = panel.root.get_by_role("list", name="Tracks of the cell").locator("[data-row]")
    rows.first.wait_for()
    titles = lab.ask(f"collection.table.loc[{red}, 'title'].tolist()")
    assert [row.locator(".ev-atlas-title").inner_text() for row in rows.all()] == titles
    rows.last.get_by_role("button", name="Play").click()
    heard = "({ playing, time, media }, name) => playing && time > 0.2 && decodeURI(media.currentSrc).endsWith(name)"
    panel.until(heard, name_of(titles[-1]))
    panel.root.get_by_role("button", name="Show on the map").click()
    chart = Chart(lab, "explorer._controller.map_tab.atlas")
    chart.ready()
    said = [chart.scatter("color")["labels"][shade] for shade in chart.scatter("shades")]
    marked = {label for label, one in zip(chart.labels, said, strict=True) if one == "wrong"}
    assert marked == {label for label, _ in wrong} == set(lab.ask("explorer.selection.index.tolist()"))
    assert chart.side.get_by_role("table", name="Selected").locator("tbody tr").count() == len(wrong)


# Notebooks of their own ----------------------------------------------------------------------------------------------


def test_what_was_computed_before_it_was_cancelled_is_kept(fresh, server):
    store = server.root.parent / "home" / "cache" / "embeddings"

    def entries() -> dict[Path, int]:
        return {path: path.stat().st_ino for path in store.rglob("[!.]*") if path.is_file()}  # no parts

    before = entries()
    lab = fresh(
        "import embviz\ncollection = embviz.Collection.from_folder('sample_audio')[:3]",
        f"atlas = collection.map('{SECOND}', method='pca', player=False)\natlas",
    )
    chart = Chart(lab)
    chart.until("atlas.widget.progress.get('done', 0) >= 1")
    chart.root.get_by_role("button", name="Cancel").click()
    chart.until("atlas.widget.maps[0]['status'] == 'cancelled' and not atlas.widget.progress")
    kept = {path: number for path, number in entries().items() if path not in before}
    assert kept
    chart.root.get_by_role("button", name=re.compile("Compute|again|Make", re.IGNORECASE)).first.click()
    chart.ready()
    assert len(chart.labels) == 3
    assert kept.items() <= entries().items(), "what was there should not have been made anew"


def test_a_restarted_kernel_is_told_of(fresh):
    lab = fresh(START, ATLAS)
    chart = Chart(lab)
    chart.ready()
    lab.restart()
    trouble = chart.root.locator(".ev-panel-trouble")
    trouble.wait_for()
    assert "run the cells above and this one again" in trouble.inner_text()
    lab.run_all()
    Chart(lab).ready()


def test_hostile_names_are_text(fresh, server):
    folder = server.root / "hostile"
    folder.mkdir()
    paths = sorted((server.root / "excerpts").glob("*.wav"))[::3]
    names = ["'quoted' & <b>bold<.wav", "🎸 \u202egnip\u202c ${x} `y` %20 #hash ?query.wav"]
    for path, name in zip(paths, names, strict=False):
        shutil.copy(path, folder / name)
    for path in paths[len(names) :]:
        shutil.copy(path, folder)
    rows = pd.DataFrame({"path": sorted(path.name for path in folder.iterdir())})
    rows["title"] = [HOSTILE[i % len(HOSTILE)] + f" {i}" for i in range(len(rows))]
    rows["artist"] = rows["kind"] = [HOSTILE[i % len(HOSTILE)] for i in range(len(rows))]
    rows.to_csv(folder / "tracks.csv", index=False)
    lab = fresh(
        "import embviz\ncollection = embviz.Collection.from_table('hostile/tracks.csv')",
        "atlas = collection.map(method='pca', color='kind', clusters='kmeans')\natlas",
    )
    chart = Chart(lab)
    chart.ready()
    point = next(i for i in chart.lone(len(rows)) if "<script>" in chart.titles[i])
    assert "<script>alert(1)</script>" in chart.hover(point)
    chart.click(point)
    chart.rows("Neighbours").first.wait_for()
    assert "<script>alert(1)</script>" in chart.side.get_by_role("heading").first.inner_text()
    number = chart.ask("widget.clusters")["items"][0]["id"]
    lab.execute(f"atlas.rename_cluster({number}, {HOSTILE[1]!r}); atlas.selection = atlas.table")
    for tab in ("Selection", "Clusters", "Queue"):
        chart.tab(tab)
        rest(chart.page, 200)
    assert "<script>" in chart.side.locator(".ev-scatter-legend").inner_text()
    for name in names:
        [at] = lab.ask(f"atlas.table.index[[{name!r} in path for path in atlas.table['path']]].tolist()")
        lab.execute(f"atlas.choose({at})")
        chart.sounding(name)
    assert chart.root.locator("img, b, script").count() == 0


@contextmanager
def without_webgl(browser: Any) -> Iterator[Any]:
    other = launched(browser.browser_type, "--disable-3d-apis")
    try:
        yield other
    finally:
        other.close()


def test_without_webgl_the_points_are_drawn_on_a_canvas(browser, server):
    with without_webgl(browser) as other:
        lab = opened(other, server, "canvas.ipynb", START, ATLAS, height=TALL)
        lab.run_all()
        chart = Chart(lab)
        chart.computed()
        chart.map().get_by_text("This browser offers no WebGL").wait_for()
        assert chart.map().get_attribute("data-renderer") == "canvas"
        [point] = chart.lone()
        assert min(chart.color(point)) < 230, "the point should be drawn"
        assert chart.titles[point] in chart.hover(point)
        chart.click(point)
        chart.sounding(name_of(chart.titles[point]))
        closed(lab)
