"""Look through the built site: links lead somewhere, the reference is whole, and axe finds no fault.

Nothing comes from a network, pictures have words, nothing is cut, and the keyboard reaches only what is in sight.

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
from embviz.widgets.still import HOW_TO

# Both schemes and all widths; a page's structure is the same in all.
WIDE, NARROW = 1280, 375
LOOKS = [("light", WIDE), ("dark", 700), ("light", NARROW)]
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
# What the keyboard reaches beside the window, such as in a closed drawer; what scrolls by itself comes into sight.
ASIDE = """() => [...document.querySelectorAll("a[href], button, input, summary, [tabindex='0']")].filter(each => {
    const { left, right, width } = each.getBoundingClientRect();
    return width && (right <= 0 || left >= innerWidth) && !each.closest("pre, .table-wrapper, .cell_output")
        && each.checkVisibility({ visibilityProperty: true });
}).map(each => each.outerHTML.slice(0, 80))"""
# Where there is room enough: tables of documents, and code.
CUT = """() => [...document.querySelectorAll(".table-wrapper, article pre")].filter(each =>
    each.scrollWidth > each.clientWidth && !each.closest(".cell_output, dl.py")).map(each =>
    each.innerText.slice(0, 80))"""
LOST_ON_PAPER = """() => [...document.querySelectorAll("pre, .skip-to-content")].filter(each => each.checkVisibility()
    && (each.localName !== "pre" || each.scrollWidth > each.clientWidth)).map(each => each.innerText.slice(0, 80))"""
UNSEEN = "() => [...document.images].filter(each => each.complete && !each.naturalWidth).map(each => each.src)"


ROOMS = ["analysis", "evaluation", "plotting", "models", "heads"]
METHODS = (FunctionType, property, cached_property, classmethod, staticmethod)


class Page(HTMLParser):
    """What a page links to, and the places in it that can be linked to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.places: set[str] = set()
        self.pictures: list[str] = []  # what they show, in words
        self.described = False
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what an element links to, its place, and what it says of a picture or of the page."""
        if tag == "img":
            self.pictures.append(dict(attrs).get("alt") or "")
        if tag == "meta" and ("name", "description") in attrs:
            self.described = True
        for name, value in attrs:
            if name == "id" and value:
                self.places.add(value)
            if name in {"href", "src"} and value:
                self.links.add(value)


def unsaid(site: Path, pages: dict[Path, Page]) -> Iterator[str]:
    """Yield what pages do not say in words, and what they say that is meant for a terminal."""
    titles: dict[str, Path] = {}  # the first page of each
    for path, page in sorted(pages.items()):
        name, text = path.relative_to(site), path.read_text(encoding="utf-8")
        for words in page.pictures:
            if not words or re.search(r"\.(png|svg|webp)$", words):
                yield f"{name}: a picture is called {words!r}"
        for raw in ("output stderr", "━━", HOW_TO):
            if raw in text and name.as_posix() not in EXPORTED:
                yield f"{name}: shows {raw!r}"
        title = re.search(r"<title>(.*?)</title>", text, re.DOTALL)
        if not page.described and name.as_posix() not in EXPORTED:
            yield f"{name}: has no description"
        if title and name.parts[0] not in {"index.html", "_modules"} and titles.setdefault(title[1], name) != name:
            yield f"{name}: has the same title as {titles[title[1]]}, {title[1]!r}"


def broken_links(site: Path, pages: dict[Path, Page]) -> Iterator[str]:
    """Yield the links that lead nowhere; of those that leave the site, only the form is looked at."""
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
    code = [name for name in names if name.startswith("_modules/")]
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
            if name in code[1:] or name == "index.html":
                continue
            page.goto(f"{address}/{name}", wait_until="load")
            page.evaluate(LOADED)
            if width != NARROW:
                page.evaluate(axe)
                said += page.evaluate(AXE, [RULES, EXPORTED.get(name, [])])
            found = [*said, *(f"asks {url}" for url in foreign)]
            found += [f"{url} is no picture" for url in page.evaluate(UNSEEN)]
            if name not in EXPORTED:
                found += [f"{each} is reached by the keyboard, and out of sight" for each in page.evaluate(ASIDE)]
                found += [f"{each!r} is cut" for each in page.evaluate(CUT) if width == WIDE and name not in code]
            wider = page.evaluate(WIDER)
            if wider > 0:
                found.append(f"{wider} pixels wider than the window")
            if width == NARROW and name not in EXPORTED:
                page.emulate_media(media="print")
                found += [f"{each!r} is cut or too much on paper" for each in page.evaluate(LOST_ON_PAPER)]
                page.emulate_media(media="screen")
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
    pages = {path: Page(path) for path in site.rglob("*.html")}
    wrong = [*broken_links(site, pages), *unsaid(site, pages), *gaps(site)]
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
