"""The scripts and styles of the widgets, and how they travel to the browser: once per kernel, however many widgets.

They are written in ``src/``, a folder per widget, and joined by esbuild into ``static/`` (``npm run build`` in this
folder): one script and one style sheet for pages with a kernel, and for each kind of exported page. A script declares
``embviz``, which holds what its entry in ``src/`` exports.

A :class:`Bundle` carries the script and the sheet of pages with a kernel; a widget itself has only the loader,
``src/loader.js``, which finds the bundle and loads it where no widget of the page has loaded the same one.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
import threading
from functools import cache
from pathlib import Path

import ipywidgets
import traitlets

FOLDER = Path(__file__).parent / "static"


class Bundle(ipywidgets.Widget):  # type: ignore[misc]
    """The code of all widgets and their style sheet; it has no view of its own."""

    code = traitlets.Bytes(help="the script, gzip").tag(sync=True)
    css = traitlets.Bytes(help="the style sheet, gzip").tag(sync=True)

    @traitlets.default("code")
    def _zip_code(self) -> bytes:
        return _zipped("widgets.js")

    @traitlets.default("css")
    def _zip_css(self) -> bytes:
        return _zipped("widgets.css")


_lock = threading.Lock()
_bundles: list[Bundle] = []


def shared_bundle() -> Bundle:
    """Return the bundle of this kernel, which is made where there is none, or it was closed."""
    with _lock:
        if not _bundles or _bundles[-1].comm is None:
            _bundles[:] = [Bundle()]
        return _bundles[-1]


def module(name: str) -> str:
    """Return what anywidget runs for a widget, named as in ``src/widgets.js``."""
    # Pages of Jupyter's protocol let a widget find another one's model; old ones of marimo do not, and all of them
    # fetch a text that widgets share only once.
    return whole(name) if "marimo" in sys.modules else loader(name)


@cache
def loader(name: str) -> str:
    """Return the module of a widget that loads the bundle, in a few hundred bytes."""
    return f"{code('loader')}export default widget({json.dumps(name)}, {json.dumps(_hash())});\n"


@cache
def whole(name: str) -> str:
    """Return the module of a widget with all that it needs."""
    given = f"{{ embviz, css: {json.dumps(sheet('widgets'))} }}"
    rest = f"export default widget({json.dumps(name)}, {json.dumps(_hash())}, {given});\n"
    return f"{code('widgets')}{code('loader')}{rest}"


def code(entry: str) -> str:
    """Return the script of an entry: ``widgets``, ``loader``, or the name of an exported page."""
    return (FOLDER / f"{entry}.js").read_text("utf-8")


def sheet(entry: str) -> str:
    """Return the style sheet of an entry."""
    return (FOLDER / f"{entry}.css").read_text("utf-8")


@cache
def _zipped(file: str) -> bytes:
    return gzip.compress((FOLDER / file).read_bytes(), mtime=0)


@cache
def _hash() -> str:
    return hashlib.sha256(f"{code('widgets')}\n{sheet('widgets')}".encode()).hexdigest()[:16]
