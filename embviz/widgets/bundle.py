"""The scripts and styles of the widgets, as the text that travels to the browser.

They are written in ``src/``, a folder per widget, and joined by esbuild into ``static/`` (``npm run build`` in this
folder): one script and one style sheet for pages with a kernel, and for each kind of exported page. A script declares
``embviz``, which holds what its entry in ``src/`` exports.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "static"


@cache
def script(name: str) -> str:
    """Return the module of a widget, named as in ``src/widgets.js``; its default export is what anywidget renders."""
    return f"{code('widgets')}export default embviz.{name};\n"


@cache
def style() -> str:
    """Return the style sheet of all widgets."""
    return sheet("widgets")


def code(entry: str) -> str:
    """Return the script of an entry: ``widgets``, or the name of an exported page."""
    return (FOLDER / f"{entry}.js").read_text("utf-8")


def sheet(entry: str) -> str:
    """Return the style sheet of an entry."""
    return (FOLDER / f"{entry}.css").read_text("utf-8")
