"""How fast the panel is: in a real JupyterLab and a real browser, with widgets as they are shipped.

Run ``python benchmarks/panel.py``; it needs Chromium or Chrome, and the developers' packages. Goals stand beside what
was measured; nothing fails where one is missed. All times are those of this machine, its browser draws in software
where there is no graphics card, and what else runs on it is in them: the load is printed first and last.

import to panel    from "run the cell" (import embviz, make an Explorer) to the frame in which the panel is painted, in
                   a kernel that has imported nothing yet; of Python's files, the bytecode is there
track to heatmap   from the click on a track, of which all rows are in the cache, to the frame in which the picture of
                   the first row is another one
bytes, messages    what the server sent over web sockets from the run of the cell, or from a click, until page and
                   kernel rest; with ``--before``, a checkout of an earlier commit, for the kernels of that one, too:
                   ``git worktree add /tmp/before COMMIT``
bytes per cell     what the server sent to the page for one heatmap, by its number of cells
longest frame      the longest pause between two frames while one zooms in and out as the music plays

JupyterLab is left alone for a moment before each of them: it talks to a new kernel on its own account.

Bytes and messages before the scripts of the widgets crossed once per kernel, and frames of layers when they are seen
(45d0884), and after, in one run: ten sample tracks, MusiCNN on a track of 53 s, a page of 1440 × 1000 pixels,
jupyterlab 4.6. Stills, which the notebook keeps of the view, came in between: they are 67, 43, 222 and 43 kB of the
first four steps. A page that is loaded anew gets what the kernel's widgets hold.

=====================  ========================  ========================
step                   before                    after
=====================  ========================  ========================
open the panel         953,756 bytes, 49         544,766 bytes, 57
choose a track         92,437 bytes, 23          136,945 bytes, 25
open Layers            10,082,936 bytes, 91      1,403,573 bytes, 95
open Map               2,710,373 bytes, 69       233,583 bytes, 64
load the page anew     13,519,158 bytes, 76      1,504,435 bytes, 73
=====================  ========================  ========================
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from harness import chromium  # noqa: E402  of the tests
from lab import LabPage, LabServer, Panel  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402

TITLES = ["Two Five Window", "Sixty-Four Bars"]  # of sample tracks
REST = 2000  # milliseconds
GOALS = {"open the panel": "0.6 MB", "open Layers": "1.5 MB"}  # to the page
GOAL = 34  # milliseconds, two frames of a usual screen and what its clock is off
# Dimensions, frames, and seconds from frame to frame.
SIZES = [(512, 3000, 0.1), (768, 22_500, 0.016)]

PANEL = "import embviz\nexplorer = embviz.Explorer('sample_audio')\nexplorer"

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
        with sync_playwright() as playwright:
            browser = chromium(playwright)
            yield server, browser
            browser.close()
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


def compare_traffic(folder: Path, before: Path | None) -> None:
    """Print what each step costs, and what it cost before."""
    checkouts = ([before] if before else []) + [ROOT]
    results = [steps(folder / f"traffic-{i}", checkout) for i, checkout in enumerate(checkouts)]
    print(f"\n{'bytes and messages to the page':30}{'before and after' if before else '':>48}")
    for name in results[-1]:
        costs = "".join(f"{size:14,} {messages:5} msg." for size, messages in (result[name] for result in results))
        print(f"  {name:28}{costs}{GOALS.get(name, ''):>12}")


def panels(server: LabServer, browser: Any, rounds: int) -> None:
    """Print the time to the panel, and to the heatmap of a track that is in the cache, and how it zooms."""
    prepare(server, browser)
    shown, inside, warm, lengths = [], [], [], []
    for i in range(rounds):
        page, traffic = opened(server, browser, f"panel-{i}.ipynb", PANEL)
        shown.append(page.js(RUN_UNTIL, [".ev-panel", False]))
        for title in TITLES * 2:
            page.execute("_ = explorer.wait()")
            rest(page)
            before = traffic.bytes
            if page.js("() => document.querySelector('.ev-panel h2').textContent") == title:
                continue
            warm.append(page.js(CLICK_UNTIL, [title]))
            rest(page)
            inside.append(traffic.bytes - before)
        lengths += page.js(ZOOM, page.ask("explorer.widget.clock"))
        rows = page.ask("len(explorer.widget.rows)")
        page.close()
    print(f"{'import to panel shown':34}{line(shown)}{'0.3 s':>10}")
    print(f"{'warm track to painted heatmap':34}{line(warm)}{'0.25 s':>10}")
    print(f"{'bytes to the page for that track':34}{statistics.median(inside):12,.0f}")
    print(f"\nthe panel with {rows} rows of the sample tracks\n{frames_of(lengths)}")


def heatmaps(server: LabServer, browser: Any) -> None:
    """Print what one heatmap costs at each size."""
    for dimensions, frames, period in SIZES:
        source = HEATMAP.format(dimensions=dimensions, frames=frames, period=period)
        page, traffic = opened(server, browser, f"heatmap-{dimensions}.ipynb", source)
        before = traffic.bytes
        painted = page.js(RUN_UNTIL, ["canvas.ev-heatmap-canvas", True])
        rest(page)
        per_cell = (traffic.bytes - before) / (dimensions * frames)
        page.js(SILENCE, [f"bench-{dimensions}", frames * period])
        lengths = page.js(ZOOM, f"bench-{dimensions}")
        print(f"\n{dimensions} × {frames:,} through the widget")
        print(f"{'  cell run to painted heatmap':34}{painted / 1000:10.2f} s")
        print(f"{'  bytes sent per cell':34}{per_cell:12.2f}{'':8}{'1':>10}")
        print(frames_of(lengths))
        page.close()


def frames_of(lengths: list[float]) -> str:
    """Return the longest of some frames, and what is usual."""
    lengths = sorted(lengths)
    late = sum(length > GOAL for length in lengths)
    usual = f"95 of 100 within {lengths[int(0.95 * len(lengths))]:.0f} ms, {late} of {len(lengths)} beyond the goal"
    return f"{'  longest frame, zooming + playing':34}{lengths[-1]:9.0f} ms{'':8}{'33 ms':>10}   ({usual})"


def line(milliseconds: list[float]) -> str:
    """Return median and worst in seconds."""
    return f"{statistics.median(milliseconds) / 1000:10.2f} s  (worst {max(milliseconds) / 1000:.2f} s)"


def times(folder: Path, only: str | None, rounds: int) -> None:
    """Print the times of the panel, of heatmaps, or of both."""
    folder.mkdir()
    with lab(folder) as (server, browser):
        print(f"Chromium {browser.version}; medians of {rounds} rounds; goals at the right\n")
        if only != "heatmap":
            panels(server, browser, rounds)
        if only != "panel":
            heatmaps(server, browser)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["traffic", "panel", "heatmap"])
    parser.add_argument("--before", type=Path, help="checkout of an earlier commit, whose bytes are counted first")
    options = parser.parse_args()
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        if options.only in (None, "traffic"):
            compare_traffic(Path(folder), options.before and options.before.resolve())
        if options.only != "traffic":
            times(Path(folder) / "times", options.only, options.rounds)
    print(f"\nload {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
