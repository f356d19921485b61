"""Three browsers with one set of hands: Chromium, Debian's Firefox over WebDriver BiDi, WebKitGTK over WebDriver.

Playwright drives only the first of them as its makers ship it; what is tested in all of them is written once.

A page is asked by functions in JavaScript, whose arguments and results are JSON. ``Driven.errors`` are errors on the
console, uncaught ones and what a page's policy has forbidden included.
"""

from __future__ import annotations

import base64
import io
import itertools
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import pytest
from harness import chromium

PATIENCE = 60  # seconds for a browser to start, or to answer
SIZE = (1500, 950)  # of the page, in pixels

MINI_BROWSER = "/usr/lib/*/webkit2gtk-4.*/MiniBrowser"

# Nothing is fetched, asked or shown but the page; sound begins without a click, as in a page that was clicked before.
PREFERENCES: dict[str, Any] = {
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.aboutConfig.showWarning": False,
    "browser.safebrowsing.downloads.remote.enabled": False,
    "browser.search.update": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage": "about:blank",
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "media.autoplay.default": 0,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}


class Driven:
    """A browser with one page.

    Attributes
    ----------
    errors : list of str
        Errors on the console.
    requests : list of str
        Addresses that the page has asked for, where the browser tells.
    """

    name = ""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.requests: list[str] = []
        self._folder = Path(tempfile.mkdtemp(prefix="embviz-browser-"))
        self._processes: list[subprocess.Popen[str]] = []

    def start(self, *command: str, **environment: str) -> subprocess.Popen[str]:
        """Start a program that ends with the browser, and writes into ``log.txt``."""
        with (self._folder / "log.txt").open("a") as log:
            process = subprocess.Popen(
                command, env=os.environ | environment, stdout=log, stderr=subprocess.STDOUT, text=True
            )
        self._processes.append(process)
        return process

    def log(self) -> str:
        """Return what the programs have printed."""
        return (self._folder / "log.txt").read_text("utf-8", "replace")

    def goto(self, url: str) -> None:
        """Open an address, and wait until the page has loaded."""
        raise NotImplementedError

    def evaluate(self, function: str, *arguments: Any) -> Any:
        """Return what a function gives in the page; a promise is waited for."""
        raise NotImplementedError

    def act(self, *actions: Mapping[str, Any]) -> None:
        """Do what hands do: actions of one kind, of the pointer or of the keyboard."""
        raise NotImplementedError

    def click(self, x: float, y: float) -> None:
        """Click on a place of the page."""
        self.hover(x, y)
        self.act({"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0})

    def hover(self, x: float, y: float) -> None:
        """Move the pointer to a place of the page."""
        self.act({"type": "pointerMove", "x": round(x), "y": round(y), "duration": 0})

    def press(self, key: str) -> None:
        """Press a key and let it go."""
        self.act({"type": "keyDown", "value": key}, {"type": "keyUp", "value": key})

    def _shot(self) -> str:
        """What is seen, as PNG in base64."""
        raise NotImplementedError

    def picture(self) -> Any:
        """Return what is seen, a picture of Pillow."""
        from PIL import Image

        return Image.open(io.BytesIO(base64.b64decode(self._shot()))).convert("RGB")

    def drawn(self, selector: str, colors: int) -> None:
        """Wait until more than so many colors are seen inside of an element."""
        waited(lambda: self._colors(selector) > colors, lambda: f"{selector} has {self._colors(selector)} colors")

    def _colors(self, selector: str) -> int:
        x, y, width, height = self.evaluate(BOX, selector)
        inside = self.picture().crop((round(x), round(y), round(x + width), round(y + height)))
        return len(inside.getcolors(1 << 24))

    @property
    def left(self) -> list[str]:
        """Requests to other machines than this."""
        return [url for url in self.requests if not url.startswith(("file:", "blob:", "data:", "http://127.0.0.1:"))]

    def check(self) -> None:
        """Raise where a request has left the machine, or an error has come."""
        assert not self.left, "a request left the machine"
        assert not self.errors, "\n".join(self.errors)

    def write(self, text: str) -> None:
        """Press the keys of a text."""
        for letter in text:
            self.press(letter)

    def until(self, function: str, *arguments: Any, seconds: float = PATIENCE) -> Any:
        """Wait until a function gives something that is true in the page, and return it."""
        return waited(
            lambda: self.evaluate(function, *arguments), lambda: f"{function} {arguments}: {self.errors}", seconds
        )

    def click_on(self, selector: str, *, text: str = "") -> None:
        """Wait for an element that can be seen, the first with a text, and click on its middle."""
        self.click(*self.until(MIDDLE, selector, text))

    def close(self) -> None:
        """End the browser, and forget what it has kept."""
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


BOX = """(selector) => {
  const { x, y, width, height } = document.querySelector(selector).getBoundingClientRect();
  return [x, y, width, height];
}"""

# WebDriver's keys without a letter.
ENTER, RIGHT = "\ue007", "\ue014"
KEYS = {ENTER: "Enter", RIGHT: "ArrowRight"}

# The middle of the first element with a text, scrolled to where it can be seen; null where there is none yet, where
# it still moves, or where something lies over it.
MIDDLE = """async (selector, text) => {
  const holds = (el) => el.checkVisibility() && !el.disabled && el.textContent.includes(text);
  const el = [...document.querySelectorAll(selector)].find(holds);
  if (!el) return null;
  el.scrollIntoView({ block: "nearest" });
  const middle = () => {
    const { x, y, width, height } = el.getBoundingClientRect();
    return [x + width / 2, y + height / 2];
  };
  const before = middle();
  await new Promise((done) => setTimeout(done, 200));
  const [x, y] = middle();
  const still = x === before[0] && y === before[1];
  return still && el.contains(document.elementFromPoint(x, y)) ? [x, y] : null;
}"""


class Chromium(Driven):
    """Chromium, as the other tests start it."""

    name = "Chromium"

    def __init__(self) -> None:
        from playwright.sync_api import sync_playwright

        super().__init__()
        self._playwright = sync_playwright().start()
        self._browser = chromium(self._playwright)
        self.version = self._browser.version
        width, height = SIZE
        self._page = self._browser.new_page(viewport={"width": width, "height": height})
        self._page.on("console", lambda message: message.type == "error" and self.errors.append(message.text))
        self._page.on("pageerror", lambda error: self.errors.append(str(error)))
        self._page.on("request", lambda request: self.requests.append(request.url))

    def goto(self, url: str) -> None:
        self._page.goto(url)

    def evaluate(self, function: str, *arguments: Any) -> Any:
        return self._page.evaluate(f"given => ({function})(...given)", list(arguments))

    def act(self, *actions: Mapping[str, Any]) -> None:
        mouse, keyboard = self._page.mouse, self._page.keyboard
        for action in actions:
            match action["type"]:
                case "pointerMove":
                    mouse.move(action["x"], action["y"])
                case "pointerDown":
                    mouse.down()
                case "pointerUp":
                    mouse.up()
                case "keyDown":
                    keyboard.press(KEYS.get(action["value"], action["value"]))

    def _shot(self) -> str:
        return base64.b64encode(self._page.screenshot()).decode()

    def close(self) -> None:
        self._browser.close()
        self._playwright.stop()
        super().close()


class Firefox(Driven):
    """Firefox, headless, over WebDriver BiDi.

    Parameters
    ----------
    dark : bool
        Whether pages are told that dark is preferred.
    """

    name = "Firefox"

    def __init__(self, *, dark: bool = False) -> None:
        import websocket

        program = shutil.which("firefox-esr") or shutil.which("firefox")
        if program is None:
            pytest.skip("Firefox is not installed (Debian: apt install firefox-esr).")
        super().__init__()
        shades = {"layout.css.prefers-color-scheme.content-override": 0 if dark else 1}
        lines = [
            f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in (PREFERENCES | shades).items()
        ]
        (self._folder / "user.js").write_text("\n".join(lines))
        self.start(program, "--headless", "--no-remote", "--remote-debugging-port=0", "--profile", str(self._folder))
        url = waited(lambda: re.search(r"BiDi listening on (ws://\S+)", self.log()), self.log)[1]
        self._line = websocket.create_connection(f"{url}/session", suppress_origin=True, timeout=PATIENCE)
        self._numbers = itertools.count(1)
        self.version = self._send("session.new", capabilities={})["capabilities"]["browserVersion"]
        self._page = self._send("browsingContext.getTree")["contexts"][0]["context"]
        self._send("session.subscribe", events=["log.entryAdded", "network.beforeRequestSent"])
        width, height = SIZE
        self._send("browsingContext.setViewport", context=self._page, viewport={"width": width, "height": height})

    def _send(self, method: str, **parameters: Any) -> Any:
        number = next(self._numbers)
        self._line.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._line.recv())
            if answer["type"] == "event":
                self._hear(answer["method"], answer["params"])
            elif answer["id"] == number:
                if answer["type"] == "error":
                    raise RuntimeError(f"{method}: {answer['message']}")
                return answer["result"]

    def _hear(self, event: str, parameters: Any) -> None:
        if event == "network.beforeRequestSent":
            self.requests.append(parameters["request"]["url"])
        elif parameters["level"] == "error":
            self.errors.append(parameters["text"])

    def goto(self, url: str) -> None:
        self._send("browsingContext.navigate", context=self._page, url=url, wait="complete")

    def evaluate(self, function: str, *arguments: Any) -> Any:
        told = ", ".join(map(json.dumps, arguments))
        expression = f"(async () => JSON.stringify(await ({function})({told})))()"
        target = {"context": self._page}
        answer = self._send("script.evaluate", expression=expression, awaitPromise=True, target=target)
        if answer["type"] == "exception":
            raise RuntimeError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"].get("value", "null"))

    def act(self, *actions: Mapping[str, Any]) -> None:
        self._send("input.performActions", context=self._page, actions=[device(actions)])

    def _shot(self) -> str:
        return str(self._send("browsingContext.captureScreenshot", context=self._page)["data"])

    def close(self) -> None:
        self._line.close()
        super().close()


# WebDriver tells nothing of the console: a page keeps its errors itself, from its first script on.
WATCH = """() => {
  if (globalThis.embvizErrors) return;
  const errors = (globalThis.embvizErrors = []);
  const { error } = console;
  console.error = (...words) => {
    errors.push(words.join(" "));
    error.apply(console, words);
  };
  const failure = ({ message, target }) => message || `${target.localName} cannot be loaded`;
  addEventListener("error", (event) => errors.push(failure(event)), true);
  addEventListener("unhandledrejection", ({ reason }) => errors.push(String(reason)));
  addEventListener("securitypolicyviolation", ({ blockedURI, effectiveDirective }) =>
    errors.push(`${effectiveDirective} forbids ${blockedURI}`),
  );
}"""


class WebKit(Driven):
    """WebKitGTK in its MiniBrowser, on a display of its own, over WebDriver.

    A page from the disk is opened as a copy that keeps its errors; of a page from a server, those after it has loaded
    are kept.

    Parameters
    ----------
    dark : bool
        Whether pages are told that dark is preferred.
    """

    name = "WebKitGTK"

    def __init__(self, *, dark: bool = False) -> None:
        found = sorted(Path("/").glob(MINI_BROWSER.lstrip("/")))
        if not found or not shutil.which("WebKitWebDriver") or not shutil.which("Xvfb"):
            pytest.skip("WebKitGTK is not installed (Debian: apt install webkit2gtk-driver xvfb).")
        super().__init__()
        port = free_port()
        self._url = f"http://127.0.0.1:{port}"
        read, write = os.pipe()
        width, height = SIZE
        screen = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{width + 100}x{height + 200}x24"],
            pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self._processes.append(screen)
        os.close(write)
        with os.fdopen(read) as said:
            display = said.readline().strip()
        self.start(
            "WebKitWebDriver",
            "--host=127.0.0.1",
            f"--port={port}",
            DISPLAY=f":{display}",
            HOME=str(self._folder),
        )
        waited(self._ready, self.log)
        options = {
            "binary": str(found[-1]),
            "args": [
                "--automation", "--private", "--media-playback-requires-user-gesture=false", "--autoplay-policy=allow",
                *(["--dark-mode"] if dark else []),
            ],
        }  # fmt: skip
        made = self._ask("POST", "session", {"capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": options}}})
        self._session = f"session/{made['sessionId']}"
        self.version = made["capabilities"]["browserVersion"]
        self._ask("POST", f"{self._session}/window/rect", {"width": width, "height": height})

    def _ready(self) -> bool:
        try:
            return bool(self._ask("GET", "status")["ready"])
        except OSError:
            return False

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._url}/{path}", data, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{path}: {error.read().decode()[:2000]}") from error

    def goto(self, url: str) -> None:
        if url.startswith("file:"):
            page = Path(urllib.request.url2pathname(urllib.parse.urlsplit(url).path))
            watched = self._folder / page.name
            text = page.read_text("utf-8").replace("<head>", f"<head><script>({WATCH})()</script>", 1)
            watched.write_text(text, "utf-8")
            url = watched.as_uri()
        self._ask("POST", f"{self._session}/url", {"url": url})
        self.evaluate(WATCH)

    def evaluate(self, function: str, *arguments: Any) -> Any:
        told = ", ".join(map(json.dumps, arguments))
        script = f"""return (async () => {{
          const found = (await ({function})({told})) ?? null;
          return JSON.stringify([found, globalThis.embvizErrors?.splice(0) ?? []]);
        }})()"""
        found, errors = json.loads(self._ask("POST", f"{self._session}/execute/sync", {"script": script, "args": []}))
        self.errors += errors
        return found

    def act(self, *actions: Mapping[str, Any]) -> None:
        self._ask("POST", f"{self._session}/actions", {"actions": [device(actions)]})

    def _shot(self) -> str:
        return str(self._ask("GET", f"{self._session}/screenshot"))

    def close(self) -> None:
        try:
            self._ask("DELETE", self._session)
        finally:
            super().close()


def device(actions: Any) -> dict[str, Any]:
    """Return actions as WebDriver wants them: those of one device."""
    if actions[0]["type"].startswith("key"):
        return {"type": "key", "id": "keyboard", "actions": list(actions)}
    return {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": list(actions)}


def waited(condition: Callable[[], Any], about: Callable[[], str], seconds: float = PATIENCE) -> Any:
    """Wait until a condition gives something that is true, and return it; `about` says what was found instead."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            raise TimeoutError(about())
        time.sleep(0.05)
    return found


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
