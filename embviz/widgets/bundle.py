"""The scripts and styles of the widgets, as the text that travels to the browser.

A widget's script reaches the browser alone, from nowhere a relative import could start, so the modules that it imports
are put in front of it, each in a scope of its own. Modules are written for that: imports are single lines
``import { a, b } from "./other.js";`` at the top, and what is exported says so where it is declared. Comments on lines
of their own, a fifth of the text, stay behind: each widget of a page brings its script anew.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./(\w+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|let|class)\b)", re.MULTILINE)
_EXPORTED = re.compile(r"^export (?:async )?(?:function\*?|const|let|class) (\w+)", re.MULTILINE)
_DEFAULT = re.compile(r"^export default ", re.MULTILINE)
_COMMENT = re.compile(r"^ *(?://.*|/\*\*(?:(?!\*/)[\s\S])*\*/)\n", re.MULTILINE)


@cache
def script(name: str) -> str:
    """Return one module that holds the module ``name.js`` and all that it imports; its default export is the widget."""
    return f"{modules([name])}\nexport default _{name}.default;\n"


def modules(names: list[str]) -> str:
    """Return the text of modules and of all that they import, each as a constant ``_name`` that holds its exports."""
    ordered: list[str] = []
    for name in names:
        _collect(name, ordered, ())
    return "\n".join(_scoped(name) for name in ordered)


@cache
def style(name: str) -> str:
    """Return the colours that all widgets share, and the style sheets of a widget and of the modules it imports."""
    ordered: list[str] = []
    _collect(name, ordered, ())
    sheets = [FOLDER / f"{sheet}.css" for sheet in ("theme", *ordered)]
    return "\n".join(sheet.read_text("utf-8") for sheet in sheets if sheet.exists())


def _collect(name: str, ordered: list[str], above: tuple[str, ...]) -> None:
    if name in ordered:
        return
    if name in above:
        raise ValueError(f"The modules {' → '.join([*above, name])} import each other in a circle.")
    for match in _IMPORT.finditer(_text(name)):
        _collect(match[2], ordered, (*above, name))
    ordered.append(name)


def _scoped(name: str) -> str:
    text = _COMMENT.sub("", _text(name))
    names = ", ".join(_EXPORTED.findall(text) + ["default: _default"] * bool(_DEFAULT.search(text)))
    body = _IMPORT.sub(lambda match: f"const {{{match[1].replace(' as ', ': ')}}} = _{match[2]};\n", text)
    body = _DEFAULT.sub("const _default = ", _EXPORT.sub("", body))
    return f"const _{name} = (() => {{\n{body}\nreturn {{ {names} }};\n}})();"


@cache
def _text(name: str) -> str:
    return (FOLDER / f"{name}.js").read_text("utf-8")
