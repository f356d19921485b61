"""How fast a map of many points is drawn: in a real browser, with the scripts as they are shipped.

It needs Chromium or Chrome, and the developers' packages. Points are drawn by WebGL and on the canvas; the browser
draws in software where there is no graphics card (the table says which renderer it has).

sent           bytes of the state of the map, as they go to the page; scripts cross once per kernel and are left out
first paint    from asking for the map, its state being in the page, to the frame in which points are to be seen
pan, zoom      frames per second, and the longest pause between two frames, while one pushes the map or turns the wheel;
               where WebGL is software, the canvas draws what moves, and WebGL what rests
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.browser import Bench, open_browser
from benchmarks.measuring import Options
from benchmarks.tables import Cell, Figure, Table
from embviz.plotting.encodings import encode_colors
from embviz.widgets.scatter import Scatter

SIZES = [10_000, 100_000, 1_000_000]
MOVES = 60  # of the pointer, one per frame

SHOW = """async ([ref, width]) => {
  const begin = performance.now();
  const shown = bench.show(ref, width);
  const pen = new OffscreenCanvas(width, 1).getContext("2d", { willReadFrequently: true });
  const painted = () => {
    const canvas = document.querySelector(`[data-ref=${ref}] .ev-scatter-canvas:not([hidden])`);
    if (!canvas?.width) return false;
    pen.fillStyle = "white";
    pen.fillRect(0, 0, width, 1);
    pen.drawImage(canvas, 0, -(canvas.height >> 1));
    return pen.getImageData(0, 0, Math.min(canvas.width, width), 1).data.some((value) => value !== 255);
  };
  while (!painted()) await new Promise(requestAnimationFrame);
  await shown;
  return performance.now() - begin;
}"""

# The pauses between frames, while a hand moves.
HAND = """async ([ref, moves, kind]) => {
  const stage = document.querySelector(`[data-ref=${ref}] .ev-scatter-stage`);
  stage.focus();
  const box = stage.getBoundingClientRect();
  const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
  const pointer = (type, i) => new PointerEvent(type, {
    bubbles: true, pointerId: 1, button: 0, buttons: 1, clientX: x + 90 * Math.sin(i / 9), clientY: y + i % 40,
  });
  stage.setPointerCapture = () => {};
  const pauses = [];
  let last = await new Promise(requestAnimationFrame);
  if (kind === "pan") stage.dispatchEvent(pointer("pointerdown", 0));
  for (let i = 1; i <= moves; i += 1) {
    if (kind === "pan") stage.dispatchEvent(pointer("pointermove", i));
    else {
      const deltaY = i <= moves / 2 ? -90 : 90;
      stage.dispatchEvent(new WheelEvent("wheel", { bubbles: true, cancelable: true, deltaY, clientX: x, clientY: y }));
    }
    const now = await new Promise(requestAnimationFrame);
    pauses.push(now - last);
    last = now;
  }
  if (kind === "pan") stage.dispatchEvent(pointer("pointerup", moves));
  await new Promise((done) => setTimeout(done, 600));
  return pauses;
}"""


def sent(widget: Any) -> int:
    """Return the bytes of a widget's state, as they would go to the page."""
    total = 0
    for value in state(widget).values():
        raw = value["view"] if isinstance(value, dict) and "view" in value else value
        if isinstance(raw, (bytes, memoryview)):
            total += len(bytes(raw))
        else:
            total += len(repr(raw).encode("utf-8", "replace"))
    return total


def a_map(n: int, renderer: str) -> Scatter:
    """Return a map of so many points in clusters, in ten colours, of 1,000 tracks."""
    rng = np.random.default_rng(0)
    cluster = rng.integers(0, 12, n)
    xy = rng.normal(size=(12, 2))[cluster] * 4 + rng.normal(size=(n, 2)) * 0.5
    titles = [f"Track {i}" for i in range(1000)]
    facts = [{"name": "title", "values": titles}, {"name": "artist", "values": titles}]
    color = encode_colors(cluster, title="cluster", kind="category")
    tracks = np.sort(rng.integers(0, 1000, n))
    return Scatter.of(
        xy, columns=facts, tracks=tracks, seconds=np.arange(n) % 300, color=color, renderer=renderer, clock="bench"
    )


def state(widget: Any) -> dict[str, Any]:
    """Return what a page gets of a widget, but for its script, its style and its layout."""
    return {name: value for name, value in widget.get_state().items() if name[0] != "_" and name != "layout"}


def measure_map(browser: Any, n: int, renderer: str) -> list[Cell]:
    """Return one row of the table."""
    widget = a_map(n, renderer)
    size = Figure(sent(widget), "B")
    context = browser.new_context(viewport={"width": 1000, "height": 760})
    bench = Bench(context.new_page())
    bench.page.set_default_timeout(180_000)
    bench.add("m", "scatter", state(widget))
    first = bench.page.evaluate(SHOW, ["m", 900])
    bench.page.wait_for_timeout(1500)
    hands: list[Cell] = []
    for kind in ("pan", "zoom"):
        pauses = np.array(bench.page.evaluate(HAND, ["m", MOVES, kind])) / 1000
        hands += [Figure(1 / pauses.mean(), "fps"), Figure(pauses.max(), "s")]
    context.close()
    widget.close()
    return [size, Figure(first / 1000, "s"), *hands]


def renderer_name(browser: Any) -> str:
    """Return what draws WebGL in this browser."""
    page = browser.new_page()
    name = page.evaluate("""() => {
      const gl = document.createElement("canvas").getContext("webgl");
      return gl ? gl.getParameter(gl.getExtension("WEBGL_debug_renderer_info").UNMASKED_RENDERER_WEBGL) : "none";
    }""")
    page.close()
    return str(name)


def measure(options: Options) -> list[Table]:
    """Return a row for each size and renderer."""
    with open_browser() as browser:
        note = f"Chromium {browser.version}, WebGL by {renderer_name(browser)}; one run"
        columns = ["points", "sent", "first paint", "pan", "longest pause", "zoom", "longest pause"]
        table = Table("drawing", columns, note)
        for n in SIZES[:1] if options.quick else SIZES:
            for kind in ("webgl", "canvas"):
                table.rows[f"{n:,} by {kind}"] = measure_map(browser, n, kind)
    return [table]
