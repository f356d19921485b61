"""Pages without a kernel: the state of widgets, their scripts and their data in one HTML file.

Conventions: what a widget would have been sent stands in the page, arrays as base64 in elements of their own, each
decoded when it is first needed. Scripts get text as JSON and set it as text, so that whoever named a file or a tag
writes no markup. The page may load nothing but what is in it, and sound where that is linked.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

from embviz import __version__
from embviz.audio import Audio
from embviz.core import io, paths
from embviz.core.text import printable
from embviz.errors import FigureError, OptionError, did_you_mean
from embviz.plotting import save
from embviz.widgets import browser_audio, bundle
from embviz.widgets.base import PageWidget

MAX_BYTES = 200 * 2**20  # What a browser still opens while one waits for it.
SMALL = 16_000  # bytes per second of a sound that is embedded as it is; what is encoded here takes 10,000 to 14,000
ENOUGH, SURELY = 20, 1.5  # parts that tell the size of the others, and how far beyond the limit there is no doubt
CLOCK = "page"
NO_SCRIPT = "This page is drawn by JavaScript, which is switched off here."


class PageData:
    """The data of a page, as elements that its script reads when it needs them.

    `limit` is in bytes; `remedy` says what to do about a page that would take more, as the end of a sentence.
    """

    def __init__(self, limit: int, remedy: str) -> None:
        self.elements: list[str] = []
        self.bytes = 0
        self._limit, self._remedy = limit, remedy

    def add(self, data: bytes) -> str:
        """Add an array, and return the id of its element."""
        self._count(len(data) * 4 // 3)
        return self._add_element("text/plain", base64.b64encode(data).decode("ascii"))

    def add_json(self, value: Any) -> str:
        """Add a description as JSON, and return the id of its element."""
        text = script_json(value)
        self._count(len(text))
        return self._add_element("application/json", text)

    def check_estimate(self, done: int, total: int) -> None:
        """Raise FigureError where the first of so many parts show that all will not fit."""
        if done >= ENOUGH and self.bytes / done * total > SURELY * self._limit:
            self._raise_too_large()

    def _count(self, size: int) -> None:
        self.bytes += size
        if self.bytes > self._limit:
            self._raise_too_large()

    def _raise_too_large(self) -> NoReturn:
        raise FigureError(
            f"The page would take more than {self._limit // 2**20} MB, which few browsers open: {self._remedy}."
        )

    def _add_element(self, kind: str, text: str) -> str:
        name = f"embviz-bytes-{len(self.elements)}"
        self.elements.append(f'<script type="{kind}" id="{name}">{text}</script>')
        return name


def write_page(path: str | os.PathLike[str], make: Callable[[Path], str]) -> Path:
    """Write a page that is made for the folder where it will lie, whole or not at all; return where.

    FigureError where the file cannot be written, OptionError where its name does not end in ``.html``.
    """
    path = Path(path)
    if path.suffix.lower() != ".html":
        raise OptionError(f"A page is written as .html; {path.name!r} has another ending.")
    text = make(path.parent)
    try:
        return io.write_bytes(path, text.encode())
    except OSError as error:
        raise FigureError(
            f"{str(path)!r} could not be written: {error.strerror}; free some space or choose another folder."
        ) from error


def check_audio(audio: str, known: Sequence[str]) -> str:
    """Return the option `audio` of a page; OptionError unless it is one of those known."""
    if audio not in known:
        choices = " or ".join(map(repr, known))
        raise OptionError(f"audio is {choices}, {audio!r} was found.{did_you_mean(str(audio), known)}")
    return audio


def render_page(description: dict[str, Any], blocks: PageData, *, script: str, linked: bool) -> str:
    """Return the page that a script draws from its description.

    Parameters
    ----------
    description : dict
        What the script reads; ``title`` and ``theme`` are the page's; `blocks` has the arrays that are named in it.
    script : str
        The entry ``widgets/src/{script}.js`` draws the page; its style sheet has the same name.
    linked : bool
        Whether sound is played from files beside the page.
    """
    made = f"Made with embviz {__version__}. This file needs no network and sends nothing anywhere."
    scripts = [
        *blocks.elements,
        f'<script type="application/json" id="embviz-page">{script_json(description | {"made": made})}</script>',
        f'<script type="module">\n{bundle.code(script)}</script>',
    ]
    heard = "data: blob: 'self' file:" if linked else "data: blob:"
    return save.html_document(
        printable(description["title"]),
        style="\n".join([save.switchable_theme_css(description["theme"]), bundle.sheet(script)]),
        noscript=NO_SCRIPT,
        scripts="\n" + "\n".join(scripts),
        policy=f"{save.POLICY}; media-src {heard}",
    )


def script_json(value: Any) -> str:
    """Return JSON that can stand in a script element, whatever is in it."""
    return json.dumps(value, allow_nan=False).replace("<", "\\u003c")


# -- widgets ------------------------------------------------------------------------------------------------------


@cache
def without_comm(kind: Any) -> Any:
    """Return a subclass of a widget that opens no comm to a notebook when it is made."""
    return type(kind.__name__, (kind,), {"open": lambda _self: None, "__module__": kind.__module__})


def static_widget(widget: PageWidget, blocks: PageData) -> dict[str, Any]:
    """Return the script and the traits of a widget; arrays are replaced by the ids of their elements."""
    widget.to_static()
    names = [name for name in widget.keys if not name.startswith("_") and name not in {"layout", "tabbable", "tooltip"}]
    traits = {name: getattr(widget, name) for name in names} | {"clock": CLOCK}
    return {"widget": widget.script, **pack_traits(traits, blocks)}


def pack_traits(traits: dict[str, Any], blocks: PageData) -> dict[str, Any]:
    """Return traits for the page: arrays, and lists of them, by the ids of their elements, all others as they are."""
    arrays: dict[str, str | list[str]] = {}
    for name, value in traits.items():
        if isinstance(value, bytes):
            arrays[name] = blocks.add(value)
        elif isinstance(value, list | tuple) and value and all(isinstance(item, bytes) for item in value):
            arrays[name] = [blocks.add(item) for item in value]
    return {"state": {name: value for name, value in traits.items() if name not in arrays}, "bytes": arrays}


# -- sound --------------------------------------------------------------------------------------------------------


def compact_audio(sound: Audio) -> dict[str, Any]:
    """Return traits of a player with a small file that browsers play: the original, where that is small already."""
    own = browser_audio.playable(sound)
    raw = own.known and own.size <= SMALL * sound.duration
    data, mime = own.read() if raw else own.transcode()
    return {"sound": data, "mime": mime, "offset": own.offset if raw else 0.0}


def relative_url(path: str | os.PathLike[str], folder: str | os.PathLike[str]) -> str:
    """Return the relative URL of a file from a folder; the whole one of a file on another drive."""
    way = relative_path(path, folder)
    return Path(way).as_uri() if Path(way).is_absolute() else f"./{quote(os.fsencode(way))}"


def relative_path(path: str | os.PathLike[str], folder: str | os.PathLike[str]) -> str:
    """Return the relative path of a file from a folder."""
    # The folders on the way may be links, of which ".." would lead elsewhere.
    return paths.relative_path(os.path.realpath(path), os.path.realpath(folder))
