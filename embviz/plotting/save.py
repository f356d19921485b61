"""Figures as files (HTML, PNG, SVG), and the themes of pages.

Conventions: a page holds all it needs and asks the network for nothing. No single grey reads well on both white and
JupyterLab's dark page (4.3 : 1 is the best there is), so text takes its colour from the page it stands on, through CSS
variables (:data:`INK`, :data:`FAINT`), and :data:`GREY` is only what is left where there is no page to ask. A picture
has none, so there the colours of a theme take the place of the variables.
"""

from __future__ import annotations

import html
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embviz.core import io
from embviz.core.options import check_path
from embviz.core.text import collapse_spaces
from embviz.errors import FigureError, OptionError, did_you_mean

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


SUFFIXES = (".html", ".png", ".svg")
THEMES = ("auto", "light", "dark")

GREY = "#7a7a7a"
INK = f"var(--embviz-ink, var(--jp-content-font-color1, var(--vscode-editor-foreground, {GREY})))"
FAINT = f"var(--embviz-faint, var(--jp-content-font-color2, var(--vscode-editor-foreground, {GREY})))"
COLORS = {
    "light": {
        "paper": "#ffffff", "ink": "#1f2328", "faint": "#59636e",
        "panel": "#f5f6f7", "line": "#d9dce0", "accent": "#1565c0",
    },
    "dark": {
        "paper": "#111111", "ink": "#e6e6e6", "faint": "#a0a6ad",
        "panel": "#1c1e21", "line": "#3d4248", "accent": "#6cb0f5",
    },
}  # fmt: skip
FONT = "system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', Arial, sans-serif"

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="embviz">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>
{style}
html {{ background: var(--embviz-paper); color: var(--embviz-ink); font-family: {font}; }}
body {{ margin: 0; }}
main {{ max-width: 1600px; margin: 0 auto; padding: 12px 16px; }}
</style>
</head>
<body>
<main aria-label="{title}">
<noscript>{noscript}</noscript>
{main}
</main>{scripts}
</body>
</html>
"""


def save_figure(figure: Figure, path: str | Path, *, theme: str = "auto") -> Path:
    """Write a figure to a file, whole or not at all.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        Of embviz, or any other.
    path : str or Path
        ``.html`` is a page that needs no network; ``.png`` and ``.svg`` need the package kaleido and Chrome or
        Chromium.
    theme : {"auto", "light", "dark"}
        Colours of paper and text. ``"auto"``: a page follows its reader's setting, a picture is light.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    FigureError
        If no picture can be made here; the message says what is missing.
    OptionError
        If the suffix or the theme is not one of these.
    """
    path = check_path(path, "A picture is written to a path")
    check_theme(theme)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise OptionError(f"A figure is written as {', '.join(SUFFIXES)}; {path.name!r} has none of these endings.")
    data = _to_html(figure, theme).encode() if suffix == ".html" else _to_image(figure, suffix[1:], theme)
    try:
        return io.write_bytes(path, data)
    except OSError as error:
        raise FigureError(f"{str(path)!r} could not be written: {error.strerror}.") from error


def html_document(
    title: str, *, style: str, noscript: str, main: str = "", scripts: str = "", policy: str = POLICY
) -> str:
    """Return a page of its title (plain text) and of its parts (markup); it may load what the policy says, no more."""
    parts = {"style": style, "font": FONT, "noscript": noscript, "main": main, "scripts": scripts}
    return PAGE.format(title=html.escape(title), policy=policy, **parts)


def theme_css(theme: str) -> str:
    """Return the colours of a page as CSS variables, for a theme of :data:`THEMES`."""
    rules = {name: f":root {{ {_css_variables(name)} }}" for name in COLORS}
    if theme != "auto":
        return rules[theme]
    return f"{rules['light']}\n@media (prefers-color-scheme: dark) {{ {rules['dark']} }}"


def switchable_theme_css(theme: str) -> str:
    """Return the same for a page whose reader can change it by ``data-theme``; print is always light."""
    rules = [f':root[data-theme="{name}"] {{ {_css_variables(name)} }}' for name in COLORS]
    return "\n".join([theme_css(theme), *rules, f"@media print {{ :root:root {{ {_css_variables('light')} }} }}"])


def check_theme(theme: str) -> str:
    """Return the theme; OptionError unless it is one of :data:`THEMES`."""
    if theme in THEMES:
        return theme
    known = " or ".join(map(repr, THEMES))
    raise OptionError(f"theme is {known}, {theme!r} was found.{did_you_mean(str(theme), THEMES)}")


def _css_variables(theme: str) -> str:
    colors = " ".join(f"--embviz-{key}: {value};" for key, value in COLORS[theme].items())
    return f"color-scheme: {theme}; {colors}"


def _to_html(figure: Figure, theme: str) -> str:
    """Return a page that holds all it needs, plotly.js included; it is forbidden to ask the network for anything."""
    config = {"displaylogo": False, "showSendToCloud": False}
    drawn = figure.to_html(include_plotlyjs=True, full_html=False, config=config, div_id="figure")
    title = str((figure.layout.meta or {}).get("title") or "embviz")
    noscript = "This figure is drawn by JavaScript, which is switched off here."
    return html_document(title, style=theme_css(theme), noscript=noscript, main=drawn)


def _to_image(figure: Figure, kind: str, theme: str) -> bytes:
    """Return the bytes of a picture, drawn by a browser that kaleido finds."""
    try:
        import kaleido
    except ImportError as error:
        raise FigureError(
            f"A {kind.upper()} needs the package kaleido: run `pip install kaleido`, or write .html, which needs none."
        ) from error
    size = {"width": figure.layout.width or 1200, "height": figure.layout.height or 600}
    options = {"format": kind, "scale": 2 if kind == "png" else 1, **size}
    try:
        # Its default is to fetch MathJax from the network.
        data = kaleido.calc_fig_sync(_apply_theme(figure, theme), opts=options, kopts={"mathjax": False})
    except Exception as error:
        raise FigureError(_image_error(kind, error)) from error
    return data if isinstance(data, bytes) else str(data).encode()


def _apply_theme(figure: Figure, theme: str) -> dict[str, Any]:
    """Return the figure's description in the colours of a theme: a picture has no page that could set them."""
    page = COLORS["light" if theme == "auto" else theme]
    text = figure.to_json().replace(INK, page["ink"]).replace(FAINT, page["faint"])
    painted: dict[str, Any] = json.loads(text)
    painted["layout"]["paper_bgcolor"] = page["paper"]
    return painted


def _image_error(kind: str, error: Exception) -> str:
    remedy = "or write .html, which needs none"
    if type(error).__name__ == "ChromeNotFoundError":
        where = f" BROWSER_PATH says {os.environ['BROWSER_PATH']!r}." if "BROWSER_PATH" in os.environ else ""
        return f"A {kind.upper()} is drawn by a browser, none was found.{where} Install Chrome or Chromium, {remedy}."
    reason = collapse_spaces(str(error))[:200] or type(error).__name__
    return f"The browser that draws a {kind.upper()} failed ({reason}); try again, {remedy}."
