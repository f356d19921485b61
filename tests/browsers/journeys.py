"""The way through a panel in three browsers, in JupyterLab behind a path prefix and in Notebook 7: ``make browsers``.

Each journey starts a browser and a kernel, so that ``make test`` leaves them out.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import OPENED, PATIENCE, LabServer, served
from webdriver import Chromium, Driven, Firefox, WebKit

CODE = "import embviz\nexplorer = embviz.Explorer('sample_audio', models=['musicnn'])\nexplorer"

CLOCK = "[...globalThis[Symbol.for('embviz.clocks')].values()].find((clock) => clock.duration)"

# The middle of a row's heatmap, once it is drawn.
ROW = """(title) => {
  const rows = [...document.querySelectorAll(".ev-panel-heatmaps .ev-panel-row")];
  const row = rows.find(({ textContent, dataset }) => textContent.includes(title) && dataset.status === "ready");
  const canvas = row?.querySelector("canvas.ev-heatmap-canvas");
  if (!(canvas?.width > 100)) return null;
  canvas.dataset.journey = "";
  canvas.scrollIntoView({ block: "center" });
  const { x, y, width, height } = canvas.getBoundingClientRect();
  return [x + width / 2, y + height / 2];
}"""


@pytest.fixture(scope="module", params=["jupyterlab", "notebook"])
def server(
    request: pytest.FixtureRequest, weights_home: Path, root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LabServer]:
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed (pip install {request.param}).")
    folder = tmp_path_factory.mktemp(request.param)
    server = served(folder, weights_home, root, prefix="/user/ada", application=request.param)
    yield server
    server.stop()


@pytest.fixture(params=[Chromium, Firefox, WebKit], ids=["chromium", "firefox", "webkit"])
def driven(request: pytest.FixtureRequest) -> Iterator[Driven]:
    with request.param() as driven:
        yield driven


def test_a_panel_draws_plays_and_seeks(driven: Driven, server: LabServer) -> None:
    notebook = server.write(f"{driven.name}.ipynb", [CODE])
    driven.goto(server.address(notebook))
    driven.until(OPENED, notebook, seconds=PATIENCE)
    driven.errors.clear()  # those of the application, which is not ours
    driven.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells') }")
    driven.until(ROW, "MusiCNN", seconds=PATIENCE)

    driven.click_on(".ev-panel-track", text="Two Five Window")
    driven.until("() => document.querySelector('.ev-panel h2')?.textContent === 'Two Five Window'")
    driven.until(f"() => Math.abs({CLOCK}?.duration - 53.7) < 0.1")
    driven.until(ROW, "MusiCNN", seconds=PATIENCE)
    driven.click_on(".ev-panel button", text="Add a model or layer")
    driven.click_on("dialog.ev-panel-picker input[type=search]")
    driven.write("vgg-i msd")
    driven.click_on("dialog.ev-panel-picker .ev-panel-pick-models [role=option]", text="VGG-I (MSD)")
    driven.click_on("dialog.ev-panel-picker .ev-panel-pick-layers [role=option]", text="pool5")
    driven.click_on("dialog.ev-panel-picker button.ev-primary")
    driven.until(ROW, "VGG-I", seconds=PATIENCE)
    driven.drawn("canvas[data-journey]", 50)

    driven.click_on(".ev-panel button", text="Play")
    driven.until(f"() => {CLOCK}.playing && {CLOCK}.time > 0.5")
    source = driven.evaluate(f"() => {CLOCK}.media?.src ?? ''")
    if source:  # without a sound device, some browsers let the playhead run without a sound
        assert source.startswith(f"{server.url}/files/sample_audio/jazz.ogg")
    driven.click(*driven.until(ROW, "VGG-I"))
    half = driven.evaluate(f"() => {CLOCK}.duration / 2")
    driven.until(f"(half) => {CLOCK}.playing && {CLOCK}.time > half && {CLOCK}.time < half + 10", half)
    driven.check()
