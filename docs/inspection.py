"""Look through the built site: links lead somewhere, the reference is whole, and axe finds no fault.

Nothing may come from a network.

``python docs/inspection.py build/docs`` prints what is wrong and fails if anything is.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from functools import cached_property, partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from threading import Thread
from types import FunctionType
from typing import Any
from urllib.parse import unquote, urlsplit

from playwright.sync_api import sync_playwright

import embviz

# Both schemes and both widths; a page's structure is the same in all.
LOOKS = [("light", 1280), ("dark", 700)]
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Names of sections are narrow where sections are short; a click on the waveform does the same.
EXPORTED = {"map.html": ["target-size"], "track.html": ["target-size"]}
AXE = """async ([only, but]) => (await axe.run(document, { runOnly: only, resultTypes: ["violations"],
    rules: Object.fromEntries(but.map(rule => [rule, { enabled: false }])) })).violations.map(
    each => `${each.id}: ${each.help} (${each.nodes.length}, such as ${each.nodes[0].html.slice(0, 200)})`)"""
# Pictures further down are loaded when they come into sight.
LOADED = """() => Promise.all([...document.images].filter(each => each.checkVisibility()).map(each => {
    each.loading = "eager";
    return each.decode().catch(() => {});
}))"""
WIDER = "() => document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth"
UNSEEN = "() => [...document.images].filter(each => each.complete && !each.naturalWidth).map(each => each.src)"


ROOMS = ["analysis", "evaluation", "plotting", "models", "heads"]
METHODS = (FunctionType, property, cached_property, classmethod, staticmethod)


class Page(HTMLParser):
    """What a page links to, and the places in it that can be linked to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.places: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what an element links to, and its place."""
        for name, value in attrs:
            if name == "id" and value:
                self.places.add(value)
            if name in {"href", "src"} and value:
                self.links.add(value)


def broken_links(site: Path) -> Iterator[str]:
    """Yield the links that lead nowhere; of those that leave the site, only the form is looked at."""
    pages = {path: Page(path) for path in site.rglob("*.html")}
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme in {"data", "mailto"}:
                continue
            if parts.scheme or parts.netloc:
                if parts.scheme not in {"http", "https"} or "." not in parts.netloc:
                    yield f"{path.relative_to(site)}: {link} is not an address"
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_relative_to(site) or not target.is_file():
                yield f"{path.relative_to(site)}: {link} leads to no file"
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].places:
                yield f"{path.relative_to(site)}: {link} leads to no place of that page"


def gaps(site: Path) -> Iterator[str]:
    """Yield what the reference lacks: public names and links to their source; and lists that were meant as text."""
    described: set[str] = set()
    for path in (site / "docs" / "reference").glob("*.html"):
        text = path.read_text(encoding="utf-8")
        for name, signature in re.findall(r'(?s)<dt class="sig[^"]*" id="([^"]+)">(.*?)</dt>', text):
            described.add(name)
            if "viewcode-link" not in signature:
                yield f"{path.name}: {name} has no link to its source"
        if "upperalpha" in text or "loweralpha" in text:
            yield f"{path.name}: an initial was taken for the number of a list"
    for room in map(import_module, ["embviz", *(f"embviz.{name}" for name in ROOMS)]):
        for name in room.__all__:
            found = getattr(room, name)
            elsewhere = room is not embviz and any(found is getattr(embviz, each) for each in embviz.__all__)
            if elsewhere or not isinstance(found, FunctionType | type):
                continue
            for place in _public_places(f"{room.__name__}.{name}", found):
                if place not in described:
                    yield f"{place} is described on no page of the reference"


def _public_places(name: str, found: object) -> Iterator[str]:
    """Yield where a name is described and, of a class, its methods and properties."""
    yield name
    for base in found.__mro__ if isinstance(found, type) else ():
        if base.__module__.startswith("embviz."):
            members = [each for each, value in vars(base).items() if isinstance(value, METHODS) and value.__doc__]
            yield from (f"{name}.{each}" for each in members if not each.startswith("_"))


def faults(site: Path, browser: Any, address: str) -> Iterator[str]:
    """Yield what a browser and axe object to, page by page; requests to other hosts are stopped and listed."""
    axe = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
    names = sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))
    # Sources look alike; one of them stands for all.
    sources = [name for name in names if name.startswith("_modules/")][1:]
    for scheme, width in LOOKS:
        context = browser.new_context(viewport={"width": width, "height": 1000}, color_scheme=scheme)
        foreign: list[str] = []

        def route(request: Any, foreign: list[str] = foreign) -> None:
            if request.request.url.startswith((address, "data:", "blob:")):
                request.continue_()
            else:
                foreign.append(request.request.url)
                request.abort()

        context.route("**/*", route)
        page = context.new_page()
        said: list[str] = []
        page.on("pageerror", lambda error, said=said: said.append(str(error)))
        for name in names:
            if name in sources or name == "index.html":
                continue
            page.goto(f"{address}/{name}", wait_until="load")
            page.evaluate(LOADED)
            page.evaluate(axe)
            found = [*page.evaluate(AXE, [RULES, EXPORTED.get(name, [])]), *said, *(f"asks {url}" for url in foreign)]
            found += [f"{url} is no picture" for url in page.evaluate(UNSEEN)]
            wider = page.evaluate(WIDER)
            if wider > 0:
                found.append(f"{wider} pixels wider than the window")
            yield from (f"{name}, {scheme}, {width} px: {each}" for each in found)
            said.clear()
            foreign.clear()
        context.close()


class Quiet(SimpleHTTPRequestHandler):
    """A server of files that logs nothing."""

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


def inspect(site: Path) -> list[str]:
    """Return all that is wrong with a site."""
    wrong = [*broken_links(site), *gaps(site)]
    chromium = os.environ.get("BROWSER_PATH") or next(filter(None, map(shutil.which, CHROMIUM)), None)
    if not chromium:
        return [*wrong, "No Chrome or Chromium was found, so no page was looked at; install one and repeat."]
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            wrong += faults(site, browser, f"http://127.0.0.1:{server.server_address[1]}")
            browser.close()
    finally:
        server.shutdown()
    return wrong


if __name__ == "__main__":
    wrong = inspect(Path(sys.argv[1]).resolve())
    sys.exit("\n".join(wrong) or None)
