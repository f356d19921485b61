"""An Explorer in marimo, where that is installed: what comes from threads, and what the page asks for, is drawn."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from harness import until
from webdriver import free_port

pytest.importorskip("marimo")
pytestmark = pytest.mark.slow

APP = """
import marimo
app = marimo.App(width="full")

@app.cell
def _():
    import embviz
    embviz.Explorer("sounds", models=["musicnn"])
    return

app.run()
"""


@pytest.fixture
def page(browser: Any, weights_home: Path, root: Path, tmp_path: Path) -> Iterator[Any]:
    """The page of an app of one cell."""
    (tmp_path / "app.py").write_text(APP, "utf-8")
    (tmp_path / "sounds").mkdir()
    for number in range(4):
        noise = np.random.default_rng(number).normal(0, 0.1, 48_000).astype(np.float32)
        soundfile.write(tmp_path / "sounds" / f"{number}.wav", noise, 16_000)
    port = free_port()
    command = [sys.executable, "-m", "marimo", "run", "app.py", "--headless", "--no-token", "--host", "127.0.0.1"]
    environment = os.environ | {"PYTHONPATH": str(root), "XDG_CONFIG_HOME": str(tmp_path)}
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            [*command, "--port", str(port)], cwd=tmp_path, env=environment, stdout=log, stderr=log
        )
    page = browser.new_page(viewport={"width": 1300, "height": 1000})
    until(page, lambda: answers(port))
    page.goto(f"http://127.0.0.1:{port}")
    yield page
    page.close()
    server.terminate()
    server.wait(30)


def answers(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 5).close()
        return True
    return False


def test_an_explorer_draws_what_threads_and_the_page_ask_for(page):
    heatmaps = page.locator("canvas.ev-heatmap-canvas")
    heatmaps.first.wait_for(timeout=60_000)
    page.get_by_role("tab", name="Layers").click()
    heatmaps.nth(1).wait_for(timeout=60_000)
    page.get_by_role("tab", name="Map").click()
    page.locator(".ev-scatter").first.wait_for(timeout=60_000)
    assert page.get_by_role("alert").filter(has_text="failed").count() == 0
