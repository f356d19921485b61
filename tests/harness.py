"""A page in a real browser for the scripts as they are shipped, with stand-ins for what Jupyter provides.

``FakeModel`` and ``FakeHost`` stand in for the models and the host that anywidget gives a script; tests of
the real ones are in ``test_lab.py``.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from embviz.widgets import bundle

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip

HOME = "http://embviz.test/"
PATIENCE = 120  # seconds; what holds is not waited for, and a busy machine takes its time
SIZE = {"width": 1280, "height": 900}

# Where all scripts of a page find its clocks.
CLOCKS = "globalThis[Symbol.for('embviz.clocks')]"

REST = """async ([milliseconds, frames]) => {
  await new Promise((done) => setTimeout(done, milliseconds));
  for (let i = 0; i < frames; i += 1) await new Promise((done) => requestAnimationFrame(done));
}"""

# Not by wait_for_function: an exported page's policy forbids to make code of text.
UNTIL = """async ([name, argument, seconds]) => {
  const end = performance.now() + seconds * 1000;
  const holds = () => {
    const clock = %s?.get(name);
    return clock && (%s)(clock, argument);
  };
  while (!holds()) {
    if (performance.now() > end) return false;
    await new Promise((done) => setTimeout(done, 20));
  }
  return true;
}"""

PAGE = """<!doctype html><html><head><meta charset="utf-8"><title>bench</title>
<link rel="icon" href="data:,">
<style>html, body { margin: 0; background: var(--jp-layout-color1); font-family: sans-serif; }
body { padding: 8px; }
body.light { --jp-layout-color1: #fff; --jp-layout-color2: #f3f3f3; --jp-border-color2: #d0d0d0;
  --jp-ui-font-color1: #212121; --jp-ui-font-color2: #616161; --jp-brand-color1: #1976d2; }
body.dark { --jp-layout-color1: #111; --jp-layout-color2: #212121; --jp-border-color2: #424242;
  --jp-ui-font-color1: #fff; --jp-ui-font-color2: #b9b9b9; --jp-brand-color1: #2196f3;
  --jp-ui-inverse-font-color1: #111; color-scheme: dark; }</style></head>
<body class="light"><script type="module">
class FakeModel {
  listeners = new Map();
  sent = [];
  saved = [];
  dirty = {};
  constructor(state) { this.state = state; }
  get(name) { return this.state[name]; }
  set(name, value) { this.state[name] = value; this.dirty[name] = value; this.emit(`change:${name}`, value); }
  save_changes() { this.saved.push(this.dirty); this.dirty = {}; }
  on(name, listener) {
    if (!this.listeners.has(name)) this.listeners.set(name, new Set());
    this.listeners.get(name).add(listener);
  }
  off(name, listener) { this.listeners.get(name)?.delete(listener); }
  emit(name, ...rest) { for (const listener of [...(this.listeners.get(name) ?? [])]) listener(...rest); }
  send(content, callbacks, buffers) { this.sent.push({ content, bytes: (buffers ?? []).map((b) => b.byteLength) }); }
  /** As if Python had set a trait, or had sent a message. */
  change(name, value) { this.state[name] = value; this.emit(`change:${name}`, value); }
  receive(content, buffers = []) { this.emit("msg:custom", content, buffers); }
}
const bench = { widgets: {}, modules: {} };
Object.assign(globalThis, { bench, FakeModel });
bench.decode = (state, bytes) => {
  for (const [name, text] of Object.entries(bytes)) {
    state[name] = new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  }
  return state;
};
bench.host = {
  async getModel(ref) { return ref === "anywidget:bundle" ? bench.bundle : bench.widgets[ref].model; },
  async getWidget(ref) {
    const { model, script } = bench.widgets[ref];
    const module = await bench.load(script);
    return { exports: undefined, async render({ el, signal }) { await bench.render(module, model, el, signal); } };
  },
};
bench.load = (script) => (bench.modules[script] ??= import(`/${script}.js`));
bench.render = async (module, model, el, signal = new AbortController().signal) => {
  const cleanup = await module.default.render({ model, el, signal, host: bench.host });
  if (typeof cleanup === "function") signal.addEventListener("abort", cleanup);
};
bench.add = (ref, script, state, bytes) => {
  bench.widgets[ref] = { script, model: new FakeModel(bench.decode(state, bytes)) };
};
bench.show = async (ref, width) => {
  const { script, model } = bench.widgets[ref];
  const el = document.createElement("div");
  el.dataset.ref = ref;
  el.style.width = `${width}px`;
  document.body.append(el);
  const controller = new AbortController();
  bench.widgets[ref].abort = controller;
  await bench.render(await bench.load(script), model, el, controller.signal);
};
</script></body></html>"""


def rest(page: Any, milliseconds: float = 0, *, frames: int = 2) -> None:
    """Wait by the page's own clock, then for frames to be drawn.

    However busy the machine is, what the page has set itself a shorter timer for before has happened then.
    """
    page.evaluate(REST, [milliseconds, frames])


def of_clock(page: Any, name: str, function: str, argument: Any = None) -> Any:
    """Evaluate a function ``(clock, argument)`` of one of a page's clocks."""
    return page.evaluate(f"([name, argument]) => ({function})({CLOCKS}.get(name), argument)", [name, argument])


def until_clock(page: Any, name: str, function: str, argument: Any = None, *, seconds: float = PATIENCE) -> None:
    """Wait until a function ``(clock, argument)`` of one of a page's clocks holds."""
    if not page.evaluate(UNTIL % (CLOCKS, function), [name, argument, seconds]):
        raise TimeoutError(f"{name}: {function}, {argument}")


def until(page: Any, condition: Callable[[], Any], seconds: float = PATIENCE) -> None:
    """Wait until something can be seen on a page, or be asked."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("waited in vain")
        page.wait_for_timeout(50)


def _coded(state: Mapping[str, Any]) -> dict[str, str]:
    return {name: base64.b64encode(value).decode() for name, value in state.items() if isinstance(value, bytes)}


class Bench:
    """A page that widgets are put on; every request that would leave it, and every console error, is kept.

    Making a page takes longer than most tests: one can serve several, each of which begins with :meth:`clear`.
    """

    def __init__(self, page: Any) -> None:
        self.page = page
        self.errors: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: message.type == "error" and self.errors.append(message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        # Of the context, not of the page: what a test routes comes first, and when that is taken away there is no
        # moment in which a request would leave.
        page.context.route("**/*", self._answer)
        self.clear()

    def clear(self) -> None:
        """Begin anew, with nothing on the page, as it was made; what a test has left is ended by this."""
        self.page.unroute_all()
        self.page.set_viewport_size(SIZE)
        self.page.emulate_media(reduced_motion="null")
        self.page.mouse.move(0, 0)
        self.page.goto(HOME)
        self.page.evaluate("localStorage.clear()")
        self.page.wait_for_function("globalThis.bench")
        self.page.evaluate(
            "coded => { bench.bundle = new FakeModel(bench.decode({}, coded)) }", _coded(bundle.Bundle().get_state())
        )

    def _answer(self, route: Any) -> None:
        path = route.request.url.removeprefix(HOME)
        if not path:
            route.fulfill(body=PAGE, content_type="text/html")
        elif route.request.url.startswith(HOME) and path.endswith(".js"):
            route.fulfill(body=bundle.loader(path.removesuffix(".js")), content_type="text/javascript")
        elif route.request.url.startswith(("blob:", "data:")):
            route.continue_()
        else:
            self.requests.append(route.request.url)
            route.abort()

    def add(self, ref: str, script: str, state: Mapping[str, Any]) -> None:
        """Make a model; values of type bytes arrive as a DataView, the way anywidget gives them."""
        plain = {name: value for name, value in state.items() if not isinstance(value, bytes)}
        plain["_bundle"] = "IPY_MODEL_bundle"
        self.page.evaluate("([ref, script, state, bytes]) => bench.add(ref, script, state, bytes)",
                           [ref, script, json.loads(json.dumps(plain)), _coded(state)])  # fmt: skip

    def show(self, ref: str, *, width: int = 900) -> Any:
        """Render a model's widget on the page, and return its element."""
        self.page.evaluate("([ref, width]) => bench.show(ref, width)", [ref, width])
        return self.page.locator(f"[data-ref='{ref}']")

    def mount(self, ref: str, script: str, state: Mapping[str, Any], *, width: int = 900) -> Any:
        """Make a model and render it."""
        self.add(ref, script, state)
        return self.show(ref, width=width)

    def theme(self, name: str) -> None:
        """Make the page light or dark."""
        self.page.evaluate("name => { document.body.className = name }", name)

    def get(self, ref: str, trait: str) -> Any:
        """Return a trait of a model."""
        return self.page.evaluate("([ref, name]) => bench.widgets[ref].model.get(name)", [ref, trait])

    def change(self, ref: str, trait: str, value: Any) -> None:
        """Set a trait as Python would; bytes become a DataView."""
        if isinstance(value, bytes):
            text = base64.b64encode(value).decode()
            self.page.evaluate(
                "([ref, name, text]) => bench.widgets[ref].model.change(name, bench.decode({}, {[name]: text})[name])",
                [ref, trait, text],
            )
        else:
            self.page.evaluate(
                "([ref, name, value]) => bench.widgets[ref].model.change(name, value)", [ref, trait, value]
            )

    def receive(self, ref: str, content: Any, buffers: list[bytes] | None = None) -> None:
        """Send a message as Python would."""
        coded = [base64.b64encode(buffer).decode() for buffer in buffers or []]
        self.page.evaluate(
            "([ref, content, coded]) => bench.widgets[ref].model.receive(content, "
            "coded.map((text) => bench.decode({}, { b: text }).b))",
            [ref, content, coded],
        )

    def sent(self, ref: str) -> list[dict[str, Any]]:
        """Return the messages that a widget has sent to Python."""
        return [entry["content"] for entry in self.page.evaluate("ref => bench.widgets[ref].model.sent", ref)]

    def acknowledge(self, ref: str) -> None:
        """Have every command of a widget answered at once, as Python does."""
        self.page.evaluate(
            """ref => {
              const { model } = bench.widgets[ref];
              const send = model.send.bind(model);
              model.send = (content, callbacks, buffers) => {
                send(content, callbacks, buffers);
                model.receive({ kind: "ack", seq: content.seq });
              };
            }""",
            ref,
        )

    def commands(self, ref: str) -> list[dict[str, Any]]:
        """Return the commands of a widget so far, without their numbers, and forget them."""
        sent = self.sent(ref)
        self.page.evaluate("ref => { bench.widgets[ref].model.sent = []; }", ref)
        return [{name: value for name, value in content.items() if name != "seq"} for content in sent]

    def clock(
        self, name: str, expression: str = "c => ({time: c.time, playing: c.playing, view: c.view, range: c.range})"
    ) -> Any:
        """Evaluate a function of a clock of the page."""
        return of_clock(self.page, name, expression)

    def until_clock(self, name: str, function: str, argument: Any = None) -> None:
        """Wait until a function ``(clock, argument)`` of a clock of the page holds."""
        until_clock(self.page, name, function, argument)

    def until(self, ref: str, function: str, argument: Any = None) -> None:
        """Wait until a function ``(model, argument)`` of a model holds."""
        self.page.wait_for_function(
            f"([ref, argument]) => ({function})(bench.widgets[ref].model, argument)", arg=[ref, argument]
        )

    def rest(self, milliseconds: float = 0, *, frames: int = 2) -> None:
        """Wait by the page's own clock, then for frames to be drawn."""
        rest(self.page, milliseconds, frames=frames)


OWN_SOUND = "() => globalThis[Symbol.for('embviz.clocks')]?.get('page')?.media?.src ?? ''"


class Opened:
    """A page opened from the disk; what it asks for beyond itself, and every error, is kept."""

    def __init__(self, context: Any, path: Path) -> None:
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.file = path.resolve().as_uri()
        self.allowed = {self.file}
        self.page = context.new_page()
        self.page.on("console", lambda message: message.type == "error" and self.errors.append(message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(self.file)
        self.page.wait_for_selector("html[data-ready]", state="attached")
        # A page with links opens one of its own sounds from the start.
        self.allowed |= {self.page.evaluate(OWN_SOUND)} - {""}

    @property
    def left(self) -> list[str]:
        """Requests for anything that is not in the page."""
        return [url for url in self.requests if url not in self.allowed and not url.startswith(("blob:", "data:"))]

    def clock(self, expression: str) -> Any:
        """A property of the page's clock, or what a call to it gives."""
        return of_clock(self.page, "page", f"c => c.{expression}")

    def until(self, condition: str) -> None:
        """Wait for a condition of the clock, ``c``."""
        until_clock(self.page, "page", f"c => {condition}")

    def rest(self, milliseconds: float = 0) -> None:
        """Wait by the page's own clock, then for frames to be drawn."""
        rest(self.page, milliseconds)

    def place(self, seconds: float, down: float = 0.5, row: int = 0) -> tuple[float, float]:
        """A point of the plot of a heatmap: its time, and its share of the height from the top."""
        plot = self.page.locator(".ev-track-page-row").nth(row).locator("canvas").first
        plot.scroll_into_view_if_needed()
        outer = self.page.locator(".ev-track-page-row").nth(row).bounding_box()
        box = plot.bounding_box()
        left, width = outer["x"] + 76, outer["width"] - 76 - 72
        first, last = self.clock("view")
        return left + width * (seconds - first) / (last - first), box["y"] + box["height"] * down


def chromium(playwright: Any) -> Any:
    """Start the installed Chromium or Chrome; tests that need it are not skipped where there is none."""
    return launched(playwright.chromium)


def launched(kind: Any, *arguments: str) -> Any:
    """Start the installed browser of a kind of Playwright's, with more arguments."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("BROWSER_PATH") or next(filter(None, map(shutil.which, names)), None)
    if not path:
        pytest.fail("No Chrome or Chromium was found; install one (Debian, Ubuntu: apt install chromium).")
    return kind.launch(executable_path=path, args=[*ARGUMENTS, *arguments])
