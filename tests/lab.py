"""A real JupyterLab: its server in a folder of its own, and notebooks in a real browser's pages.

Conventions: what a page does is asked of the application itself (``window.jupyterapp``), since the page's own
attributes lag behind. ``LabPage.errors`` are errors on the console, ``LabPage.requests`` what left this machine.
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nbformat
from harness import of_clock, until, until_clock
from playwright.sync_api import Error

PATIENCE = 180  # seconds; a busy machine takes its time, and a condition that holds is not waited for

WIDTH = 1500  # pixels of a page

# JupyterLab shows news in a pop-up over the page, which it would have to fetch.
PAGE_CONFIG = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}

OPENED = """async (path) => {
  const app = globalThis.jupyterapp;
  if (!app) return false;
  await app.restored;
  const panel = [...app.shell.widgets("main")].find((each) => each.context?.path === path);
  if (!panel) return false;
  app.shell.activateById(panel.id);
  await panel.context.ready;
  await panel.sessionContext.ready;
  const kernel = panel.sessionContext.session?.kernel;
  if (!kernel) return false;
  await kernel.info;
  globalThis.labPanel = panel;
  return kernel.status === "idle";
}"""

# One cell like the next one a user would run, but without a trace in the notebook.
EXECUTE = """async ([code, expressions]) => {
  const kernel = labPanel.sessionContext.session.kernel;
  const future = kernel.requestExecute({ code, user_expressions: expressions, store_history: false });
  const said = [];
  future.onIOPub = ({ header, content }) => {
    if (header.msg_type === "stream") said.push(content.text);
  };
  const { content } = await future.done;
  const answers = Object.values(content.user_expressions ?? {});
  const failed = content.status === "error" ? content : answers.find((answer) => answer.status === "error");
  if (failed) throw new Error(`${failed.ename}: ${failed.evalue}\\n${(failed.traceback ?? []).join("\\n")}`);
  return { said: said.join(""), answer: answers[0]?.data["text/plain"] };
}"""


class LabServer:
    """A JupyterLab server whose root is `folder`; nothing of the user's own settings is read or written.

    Parameters
    ----------
    folder : Path
        Gets ``root`` (the server's root, with a copy of the sample tracks), ``settings`` and ``log.txt``.
    tracks : Path
        Folder of sample tracks.
    environment : mapping, optional
        More environment variables for the server and its kernels.
    prefix : str
        What all addresses of the server begin with, such as ``/user/ada``.
    application : {"jupyterlab", "notebook"}
        What is served: JupyterLab, or Notebook 7.
    """

    def __init__(
        self,
        folder: Path,
        tracks: Path,
        environment: dict[str, str] | None = None,
        *,
        prefix: str = "",
        application: str = "jupyterlab",
    ) -> None:
        self.application = application
        self.root = folder / "root"
        shutil.copytree(tracks, self.root / "sample_audio")
        settings = folder / "settings"
        (settings / "config" / "labconfig").mkdir(parents=True)
        (settings / "config" / "labconfig" / "page_config.json").write_text(json.dumps(PAGE_CONFIG))
        own = {
            f"{name}_DIR": str(settings / name.split("_")[-1].lower())
            for name in ("JUPYTER_CONFIG", "JUPYTER_RUNTIME", "JUPYTER_DATA", "JUPYTERLAB_SETTINGS")
        } | {"JUPYTERLAB_WORKSPACES_DIR": str(settings / "workspaces"), "IPYTHONDIR": str(settings / "ipython")}
        self.token = secrets.token_hex(16)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}{prefix}"
        name = "LabApp" if application == "jupyterlab" else "JupyterNotebookApp"
        self._log = (folder / "log.txt").open("w+")
        self._process = subprocess.Popen(
            [
                sys.executable, "-m", application, "--no-browser", "--allow-root", "--ip=127.0.0.1",
                f"--port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={self.token}",
                f"--ServerApp.root_dir={self.root}", f"--ServerApp.base_url={prefix}/",
                f"--{name}.expose_app_in_browser=True", "--LabApp.extension_manager=readonly",
                "--KernelManager.shutdown_wait_time=2",
            ],
            env=os.environ | own | (environment or {}),
            cwd=self.root,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            try:
                self.ask("api/status")
            except OSError:
                time.sleep(0.2)
            else:
                return
        raise RuntimeError(f"JupyterLab did not start:\n{self.log()}")

    def log(self) -> str:
        """Return what the server has printed."""
        self._log.flush()
        return Path(self._log.name).read_text()

    def ask(self, path: str) -> Any:
        """Return what the server's REST interface answers."""
        request = urllib.request.Request(f"{self.url}/{path}", headers={"Authorization": f"token {self.token}"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.load(answer)

    def write(self, name: str, sources: Sequence[str]) -> str:
        """Write a notebook of code cells below the root, and return its path from there."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, self.root / name)
        return name

    def address(self, path: str) -> str:
        """Return where a notebook is opened."""
        # In a workspace that is known, JupyterLab would open again what was open there before.
        workspace = f"lab/workspaces/{secrets.token_hex(4)}/tree"
        view = workspace if self.application == "jupyterlab" else "notebooks"
        return f"{self.url}/{view}/{path}?token={self.token}"

    def stop(self) -> None:
        """End the server and its kernels."""
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


class LabPage:
    """A notebook of a server, open in a page of a browser.

    Parameters
    ----------
    context : playwright.sync_api.BrowserContext
        Where the page is opened.
    server : LabServer
        Whose notebook.
    path : str
        The notebook, from the server's root.
    page : playwright.sync_api.Page, optional
        A page in which JupyterLab runs and no notebook is open; it is kept when this notebook is closed.
    """

    def __init__(self, context: Any, server: LabServer, path: str, page: Any = None) -> None:
        self.server, self.path, self._kept = server, path, page is not None
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.page = page or context.new_page()
        self.page.set_default_timeout(1000 * PATIENCE)
        self._listeners = {
            "console": self._console,
            "pageerror": lambda error: self.errors.append(f"{error}\n{error.stack or ''}"),
            "request": self._request,
            "websocket": self._request,
        }
        for event, listener in self._listeners.items():
            self.page.on(event, listener)
        if self._kept:
            self.command("docmanager:open", path=path)
        else:
            self.page.goto(server.address(path))
        self._opened()

    def _console(self, message: Any) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")

    def _request(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in {"blob", "data"} and parts.hostname != "127.0.0.1":
            self.requests.append(request.url)

    def _opened(self) -> None:
        try:
            until(self.page, self._is_open, PATIENCE)
        except TimeoutError as error:
            raise RuntimeError(f"The notebook did not open:\n{self.server.log()}") from error

    def _is_open(self) -> bool:
        try:
            return bool(self.page.evaluate(OPENED, self.path))
        except Error as error:
            # A second tab is sent on to a workspace of its own while one asks.
            if "navigation" not in str(error):
                raise
            return False

    def js(self, function: str, argument: Any = None) -> Any:
        """Evaluate a JavaScript function in the page."""
        return self.page.evaluate(function, argument)

    def command(self, name: str, **options: Any) -> Any:
        """Execute a command of JupyterLab; returns when it is done."""
        return self.js(
            "async ([name, options]) => { await jupyterapp.commands.execute(name, options) }", [name, options]
        )

    def run_all(self) -> None:
        """Run every cell; an error in one is an error here."""
        self.command("notebook:run-all-cells")
        self.idle()
        failed = self.js(
            "() => [...labPanel.content.model.cells].flatMap((cell) => cell.outputs ? cell.outputs.toJSON() : [])"
            ".filter((output) => output.output_type === 'error').map((output) => `${output.ename}: ${output.evalue}`)"
        )
        if failed:
            raise RuntimeError("; ".join(failed))

    def run_cell(self, source: str) -> None:
        """Add a cell at the end and run it."""
        self.js(
            "async (source) => { const { commands } = jupyterapp; const cells = labPanel.content;"
            "cells.activeCellIndex = cells.widgets.length - 1; await commands.execute('notebook:insert-cell-below');"
            "cells.activeCell.model.sharedModel.setSource(source); await commands.execute('notebook:run-cell'); }",
            source,
        )

    def idle(self) -> None:
        """Wait until the kernel has nothing to do."""
        self.page.wait_for_function("labPanel.sessionContext.session?.kernel?.status === 'idle'")

    def ask(self, expression: str) -> Any:
        """Return the value of a Python expression in the kernel: a literal, as ``repr`` writes it."""
        return ast.literal_eval(self.js(EXECUTE, ["", {"answer": expression}])["answer"])

    def until(self, expression: str, seconds: float = PATIENCE) -> None:
        """Wait until a Python expression holds in the kernel."""
        until(self.page, lambda: self.ask(f"bool({expression})"), seconds)

    def execute(self, code: str) -> str:
        """Execute Python in the kernel, and return what it prints."""
        return str(self.js(EXECUTE, [code, {}])["said"])

    def theme(self, name: str) -> None:
        """Make JupyterLab "light" or "dark"."""
        self.command("apputils:change-theme", theme=f"JupyterLab {name.title()}")
        # JupyterLab covers itself meanwhile, and cannot do so again before the cover has gone.
        self.page.wait_for_function(
            "light => document.body.dataset.jpThemeLight === light && !document.querySelector('#jupyterlab-splash')",
            arg=json.dumps(name == "light"),
        )

    def restart(self) -> None:
        """Restart the kernel, as the button does, without its question."""
        self.js("async () => { await labPanel.sessionContext.restartKernel() }")
        self._opened()

    def reload(self) -> None:
        """Load the page anew; the kernel lives on."""
        self.page.reload()
        self._opened()

    def save(self) -> None:
        """Save the notebook, with its widgets."""
        self.command("docmanager:save")

    def clock(self, name: str, function: str, argument: Any = None) -> Any:
        """Evaluate a function ``(clock, argument)`` of one of the page's clocks."""
        return of_clock(self.page, name, function, argument)

    def until_clock(self, name: str, function: str, argument: Any = None) -> None:
        """Wait until a function ``(clock, argument)`` of one of the page's clocks holds."""
        until_clock(self.page, name, function, argument, seconds=PATIENCE)

    def check(self) -> None:
        """Raise where a request has left the machine, or an error has come."""
        assert not self.requests, "a request left the machine"
        assert not self.errors, "\n".join(self.errors)

    def close(self) -> None:
        """End the kernel and close the notebook, with its page unless that is kept."""
        self.js("async () => { await labPanel.sessionContext.shutdown() }")
        if not self._kept:
            self.page.close()
            return
        for event, listener in self._listeners.items():
            self.page.remove_listener(event, listener)
        # A command would ask whether to save.
        self.js("() => { for (const each of [...jupyterapp.shell.widgets('main')]) each.dispose() }")


class Panel:
    """A panel on a page, as its readers use it."""

    def __init__(self, lab: LabPage, name: str = "explorer", place: int = 0) -> None:
        self.lab, self.name, self.place = lab, name, place
        self.root = lab.page.locator(".ev-panel").nth(place)
        self.rows = self.root.locator(".ev-panel-heatmaps .ev-panel-row")
        self.canvases = self.root.locator("canvas.ev-heatmap-canvas")
        self.root.wait_for()
        self.clock_name = lab.ask(f"{name}.widget.clock")

    def clock(self, function: str, argument: Any = None) -> Any:
        return self.lab.clock(self.clock_name, function, argument)

    def until(self, function: str, argument: Any = None) -> None:
        """Wait until a function ``(clock, argument)`` of the panel's clock holds."""
        self.lab.until_clock(self.clock_name, function, argument)

    def settled(self) -> None:
        """Wait until no row is computed any more."""
        self.lab.page.wait_for_function(
            "place => { const panel = document.querySelectorAll('.ev-panel')[place]; "
            "const rows = [...panel.querySelectorAll('.ev-panel-heatmaps .ev-panel-row')]; "
            "return rows.length && rows.every((row) => ['ready', 'failed', 'cancelled', 'download']"
            ".includes(row.dataset.status)); }",
            arg=self.place,
        )

    def open(self, title: str) -> None:
        self.root.locator(".ev-panel-track", has_text=title).click()
        self.root.get_by_role("heading", level=2).filter(has_text=title).wait_for()
        self.settled()

    def tab(self, title: str) -> None:
        self.root.get_by_role("tab", name=title).click()

    def row(self, title: str) -> Any:
        return self.rows.filter(has_text=title).first

    def ready(self, title: str) -> Any:
        """Wait for a row's heatmap to be drawn, and return its canvas."""
        row = self.row(title)
        self.lab.page.wait_for_function(
            "row => row.dataset.status === 'ready' && row.querySelector('canvas.ev-heatmap-canvas')?.width > 100",
            arg=row.element_handle(),
        )
        return row.locator("canvas.ev-heatmap-canvas")

    def at(self, seconds: float, canvas: Any) -> tuple[float, float]:
        """Return the place of a moment in the middle of a canvas."""
        box = canvas.bounding_box()
        first, last = self.clock("clock => clock.view")
        return box["x"] + (seconds - first) / (last - first) * box["width"], box["y"] + box["height"] / 2

    def drag(self, first: float, last: float, canvas: Any) -> None:
        canvas.scroll_into_view_if_needed()
        mouse = self.lab.page.mouse
        mouse.move(*self.at(first, canvas))
        mouse.down()
        mouse.move(*self.at((first + last) / 2, canvas), steps=4)
        mouse.move(*self.at(last, canvas), steps=4)
        mouse.up()

    def calm(self) -> None:
        """Stop the music, and forget range and zoom."""
        self.clock("clock => { clock.pause(); clock.setRange(null); clock.setView(0, clock.duration); clock.seek(0) }")


def served(folder: Path, weights_home: Path, root: Path, **options: Any) -> LabServer:
    """Start a server in an empty folder, whose kernels have a home with the default weights and an empty cache."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    (home / "data").symlink_to(weights_home / "data")
    return LabServer(folder, root / "sample_audio", {"EMBVIZ_HOME": str(home)}, **options)


def new_context(browser: Any, height: int = 1000) -> Any:
    """Return a context of a browser, in which notebooks may read the clipboard."""
    size = {"width": WIDTH, "height": height}
    return browser.new_context(viewport=size, permissions=["clipboard-read", "clipboard-write"])


def opened(browser: Any, server: LabServer, name: str, *sources: str, height: int = 1000) -> LabPage:
    """Write a notebook and open it in a page of its own."""
    return LabPage(new_context(browser, height), server, server.write(name, sources))


def closed(lab: LabPage) -> None:
    """Close a notebook with its context; nothing may have left the machine, and no error may have come."""
    lab.close()
    lab.page.context.close()
    lab.check()


@contextlib.contextmanager
def application(browser: Any, server: LabServer) -> Iterator[Any]:
    """Give a page of JupyterLab without a notebook, for one after another: it takes longer to begin than they do."""
    context = new_context(browser)
    page = context.new_page()
    page.goto(server.address("sample_audio"))
    page.wait_for_function("globalThis.jupyterapp?.restored.then(() => true)", timeout=1000 * PATIENCE)
    yield page
    context.close()


@contextlib.contextmanager
def notebooks(page: Any, server: LabServer, name: str, height: int = 1000) -> Iterator[Callable[..., LabPage]]:
    """Give a function that writes, opens and runs a notebook in a page of JupyterLab; it is closed at the end."""
    labs: list[LabPage] = []

    def open_one(*sources: str) -> LabPage:
        assert not labs, "a page holds one notebook"
        page.set_viewport_size({"width": WIDTH, "height": height})
        labs.append(LabPage(page.context, server, server.write(f"{name[:60]}.ipynb", sources), page))
        labs[-1].run_all()
        return labs[-1]

    yield open_one
    for lab in labs:
        lab.close()
        lab.check()
