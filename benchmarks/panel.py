"""How fast the panel is: in a real JupyterLab and a real browser, with widgets as they are shipped.

It needs Chromium or Chrome, and the developers' packages. The browser draws in software where there is no graphics
card.

import to panel    from "run the cell" (import embviz, make an Explorer) to the frame in which the panel is painted, in
                   a kernel that has imported nothing yet; of Python's files, the bytecode is there
track to heatmap   from the click on a track to the frame in which the picture of the first row is another one: of a
                   track of which all rows are in the cache, and of one that was never computed
bytes, messages    what the server sent over web sockets from the run of the cell, or from a click, until page and
                   kernel rest; with ``--before``, a checkout of an earlier commit, for the kernels of that one, too:
                   ``git worktree add /tmp/before COMMIT``
bytes per cell     what the server sent to the page for one heatmap, by its number of cells
longest frame      the longest pause between two frames while one zooms in and out as the music plays

JupyterLab is left alone for a moment before each of them: it talks to a new kernel on its own account.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import ROOT
from benchmarks.browser import LabPage, LabServer, Panel, open_browser
from benchmarks.measuring import Options, figure_of
from benchmarks.tables import Cell, Figure, Table

TITLES = ["Two Five Window", "Sixty-Four Bars"]  # of sample tracks
REST = 2000  # milliseconds
# Dimensions, frames, and seconds from frame to frame.
SIZES = [(512, 3000, 0.1), (768, 22_500, 0.016)]

PANEL = "import embviz\nexplorer = embviz.Explorer('sample_audio')\nexplorer"

# Shows the first track, and forgets what was computed of the second.
FORGET = f"""
explorer.open(next(t for t in explorer._context.tracks if t.title == {TITLES[0]!r}).id).wait()
embviz.Cache().clear()
"""

HEATMAP = """
import numpy as np
from embviz import Embedding, FrameGrid
from embviz.widgets.heatmap import Heatmap

hop = round({period} * 16_000)
grid = FrameGrid(16_000, hop, hop, hop, 0, {frames}, {frames} * hop)
values = np.random.default_rng(0).standard_normal(({frames}, {dimensions}), dtype=np.float32)
heatmap = Heatmap.of(Embedding(values, grid, "synthetic", "noise"), clock="bench-{dimensions}")
heatmap
"""

# Runs the last cell and resolves with the milliseconds until `selector` is there, and painted.
RUN_UNTIL = """async ([selector, canvas]) => {
  const there = () => {
    const found = document.querySelector(selector);
    if (!found || !canvas) return found;
    const { width, height } = found;
    if (!width || !height) return null;
    return found.getContext("2d").getImageData(width >> 1, height >> 1, 1, 1).data[3] ? found : null;
  };
  const cells = labPanel.content;
  cells.activeCellIndex = cells.widgets.length - 1;
  const begin = performance.now();
  jupyterapp.commands.execute("notebook:run-cell");
  while (!there()) {
    await new Promise(requestAnimationFrame);
    if (performance.now() - begin > 60_000) throw new Error(`${selector} was not painted within a minute.`);
  }
  // What was put on the page before a frame is on the screen when the next one begins.
  await new Promise(requestAnimationFrame);
  return performance.now() - begin;
}"""

CLICK_UNTIL = """async ([title]) => {
  const options = [...document.querySelectorAll(".ev-panel [role=option]")];
  const option = options.find((each) => each.innerText.includes(title));
  const picture = () => {
    const canvas = document.querySelector(".ev-panel-row[data-status=ready] canvas.ev-heatmap-canvas");
    if (!canvas?.width) return "";
    return canvas.getContext("2d").getImageData(0, canvas.height >> 1, canvas.width, 1).data.join();
  };
  const before = picture();
  const painted = () => {
    if (document.querySelector(".ev-panel h2").textContent !== title) return false;
    const now = picture();
    return now && now !== before;
  };
  const begin = performance.now();
  option.click();
  while (!painted()) {
    await new Promise(requestAnimationFrame);
    if (performance.now() - begin > 60_000) throw new Error("The heatmap was not painted within a minute.");
  }
  await new Promise(requestAnimationFrame);
  return performance.now() - begin;
}"""

# Silence to play, since the playhead follows a sound.
SILENCE = """async ([name, seconds]) => {
  const clock = globalThis[Symbol.for("embviz.clocks")].get(name);
  const rate = 8000;
  const wav = new DataView(new ArrayBuffer(44 + Math.floor(seconds * rate)));
  [0x52494646, 0, 0x57415645, 0x666d7420].forEach((word, i) => wav.setUint32(4 * i, word));
  wav.setUint32(4, wav.byteLength - 8, true);
  wav.setUint32(16, 16, true);
  wav.setUint16(20, 1, true);
  wav.setUint16(22, 1, true);
  wav.setUint32(24, rate, true);
  wav.setUint32(28, rate, true);
  wav.setUint16(32, 1, true);
  wav.setUint16(34, 8, true);
  wav.setUint32(36, 0x64617461);
  wav.setUint32(40, wav.byteLength - 44, true);
  new Uint8Array(wav.buffer, 44).fill(128);
  if (!clock.duration) clock.load(seconds);
  const sound = new Audio(URL.createObjectURL(new Blob([wav], { type: "audio/wav" })));
  await new Promise((resolve) => sound.addEventListener("canplaythrough", resolve, { once: true }));
  clock.attach(sound);
}"""

# Zooms in and out while it plays.
ZOOM = """async (name) => {
  const clock = globalThis[Symbol.for("embviz.clocks")].get(name);
  clock.seek(clock.duration / 2);
  if (!(await clock.play())) throw new Error(clock.problem);
  const lengths = [];
  let last = 0;
  for (let i = 0; i < 240; i += 1) {
    const now = await new Promise(requestAnimationFrame);
    if (i > 1) lengths.push(now - last);
    last = now;
    clock.zoom(clock.time, i % 120 < 60 ? 1.08 : 1 / 1.08);
  }
  clock.pause();
  return lengths;
}"""


class Traffic:
    """Bytes and messages that web sockets brought to a page."""

    def __init__(self, page: Any) -> None:
        self.bytes = self.messages = 0
        page.on("websocket", lambda socket: socket.on("framereceived", self._count))

    def _count(self, payload: Any) -> None:
        self.messages += 1
        self.bytes += len(payload) if isinstance(payload, bytes) else len(payload.encode())


@contextmanager
def lab(folder: Path, checkout: Path = ROOT) -> Iterator[tuple[LabServer, Any]]:
    """Start a JupyterLab server, whose kernels import the embviz of a checkout, and a browser."""
    # Where bytecode is not kept, as developers may have set, each kernel would compile all of embviz.
    own = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "bytecode"), "PYTHONPATH": str(checkout)}
    server = LabServer(folder, ROOT / "sample_audio", own)
    try:
        with open_browser() as browser:
            yield server, browser
    finally:
        server.stop()


def opened(server: LabServer, browser: Any, name: str, source: str) -> tuple[LabPage, Traffic]:
    """Open a notebook of one cell in a page of its own."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    page = LabPage(context, server, server.write(name, [source]))
    page.command("application:toggle-left-area")
    traffic = Traffic(page.page)
    page.reload()  # sockets are seen from their beginning only
    rest(page)
    return page, traffic


def rest(page: LabPage) -> None:
    """Wait until kernel and page have nothing to do."""
    page.idle()
    page.page.wait_for_timeout(REST)


def prepare(server: LabServer, browser: Any) -> None:
    """Fill the cache with the rows of both tracks, and let Python keep its bytecode."""
    page, _ = opened(server, browser, "prepare.ipynb", "")
    page.execute("import embviz\nexplorer = embviz.Explorer('sample_audio').wait()")
    for title in TITLES:
        page.execute(f"explorer.open(next(t for t in explorer._context.tracks if t.title == {title!r}).id).wait()")
    page.close()


def steps(folder: Path, checkout: Path) -> dict[str, tuple[int, int]]:
    """Return the bytes and messages that each step costs with the embviz of a checkout."""
    found: dict[str, tuple[int, int]] = {}
    folder.mkdir()
    with lab(folder, checkout) as (server, browser):
        prepare(server, browser)
        page, traffic = opened(server, browser, "steps.ipynb", PANEL)

        def step(name: str, act: Callable[[], Any]) -> None:
            before = traffic.bytes, traffic.messages
            act()
            rest(page)
            page.execute("_ = explorer.wait()")
            rest(page)
            found[name] = traffic.bytes - before[0], traffic.messages - before[1]

        step("open the panel", lambda: page.js(RUN_UNTIL, [".ev-panel", False]))
        panel = Panel(page)
        title = page.js("() => document.querySelector('.ev-panel h2').textContent")
        step("choose a track", lambda: panel.open(next(other for other in TITLES if other != title)))
        step("open Layers", lambda: panel.tab("Layers"))
        step("open Map", lambda: panel.tab("Map"))
        page.save()
        step("load the page anew", page.reload)
        page.close()
    return found


def times_to_pictures(server: LabServer, browser: Any, rounds: int) -> dict[str, Any]:
    """Return milliseconds to the panel and to heatmaps, bytes, and pauses between frames while one zooms."""
    prepare(server, browser)
    found: dict[str, Any] = {"panel": [], "kept": [], "new": [], "bytes": [], "pauses": []}
    for i in range(rounds):
        page, traffic = opened(server, browser, f"panel-{i}.ipynb", PANEL)
        found["panel"].append(page.js(RUN_UNTIL, [".ev-panel", False]))
        for title in TITLES * 2:
            page.execute("_ = explorer.wait()")
            rest(page)
            before = traffic.bytes
            if page.js("() => document.querySelector('.ev-panel h2').textContent") == title:
                continue
            found["kept"].append(page.js(CLICK_UNTIL, [title]))
            rest(page)
            found["bytes"].append(traffic.bytes - before)
        found["pauses"] += page.js(ZOOM, page.ask("explorer.widget.clock"))
        page.execute(FORGET)
        page.execute("_ = explorer.wait()")
        rest(page)
        found["new"].append(page.js(CLICK_UNTIL, [TITLES[1]]))
        page.execute("_ = explorer.wait()")
        page.close()
    return found


def heatmap_costs(server: LabServer, browser: Any, dimensions: int, frames: int, period: float) -> dict[str, Any]:
    """Return what one heatmap of a size costs."""
    source = HEATMAP.format(dimensions=dimensions, frames=frames, period=period)
    page, traffic = opened(server, browser, f"heatmap-{dimensions}.ipynb", source)
    before = traffic.bytes
    painted = page.js(RUN_UNTIL, ["canvas.ev-heatmap-canvas", True])
    rest(page)
    per_cell = (traffic.bytes - before) / (dimensions * frames)
    page.js(SILENCE, [f"bench-{dimensions}", frames * period])
    pauses = page.js(ZOOM, f"bench-{dimensions}")
    page.close()
    return {"painted": painted, "per cell": per_cell, "pauses": pauses}


def measure(options: Options) -> list[Table]:
    """Return a table of bytes, one of times and one of heatmaps."""
    rounds = options.count(3)
    with tempfile.TemporaryDirectory() as name:
        tables = [_traffic(Path(name), options)]
        folder = Path(name) / "times"
        folder.mkdir()
        with lab(folder) as (server, browser):
            note = f"Chromium {browser.version}, medians of {rounds} rounds"
            tables.append(Table("panel-times", ["", "median", "worst"], note, _times(server, browser, rounds)))
            if not options.quick:
                columns = [
                    "heatmap",
                    "cell run to picture",
                    "bytes per cell",
                    "longest frame",
                    "95 of 100 frames within",
                ]
                rows = {f"{d} × {t:,}": _heatmap(server, browser, d, t, period) for d, t, period in SIZES}
                tables.append(Table("panel-heatmaps", columns, note, rows))
    return tables


def _traffic(folder: Path, options: Options) -> Table:
    checkouts = ([options.before] if options.before else []) + [ROOT]
    results = [steps(folder / f"traffic-{i}", checkout) for i, checkout in enumerate(checkouts)]
    columns = ["bytes and messages to the page", *(["before", "messages"] if options.before else []), "", "messages"]
    table = Table(
        "panel", columns, "ten sample tracks, MusiCNN on a track of 53 s, a page of 1440 × 1000 pixels; one run"
    )
    for name in results[-1]:
        costs = [result[name] for result in results]
        table.rows[name] = [cell for size, count in costs for cell in (Figure(size, "B"), str(count))]
    return table


def _times(server: LabServer, browser: Any, rounds: int) -> dict[str, list[Cell]]:
    found = times_to_pictures(server, browser, rounds)
    rows: dict[str, list[Cell]] = {
        "import to panel": _seconds(found["panel"]),
        "click on a kept track to its heatmap": _seconds(found["kept"]),
        "click on a new track to its first heatmap": _seconds(found["new"]),
        "bytes to the page for a kept track": [figure_of(found["bytes"], "B"), None],
        "frames while one zooms and it plays": _seconds(found["pauses"]),
    }
    return rows


def _heatmap(server: LabServer, browser: Any, dimensions: int, frames: int, period: float) -> list[Cell]:
    found = heatmap_costs(server, browser, dimensions, frames, period)
    pauses = sorted(found["pauses"])
    within = [Figure(value / 1000, "s") for value in (pauses[-1], pauses[int(0.95 * len(pauses))])]
    return [Figure(found["painted"] / 1000, "s"), Figure(found["per cell"]), *within]


def _seconds(milliseconds: list[float]) -> list[Cell]:
    return [Figure(statistics.median(milliseconds) / 1000, "s"), Figure(max(milliseconds) / 1000, "s")]
