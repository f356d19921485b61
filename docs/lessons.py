"""How the site shows lessons and the gallery, whose outputs are read without a kernel here."""

from __future__ import annotations

import html
import re
from collections import Counter
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import download_reference
from sphinx.application import Sphinx

from embviz.widgets.still import HOW_TO

WIDGET = "application/vnd.jupyter.widget-view+json"
PROGRESS = "━━"
LESSON = re.compile(r"notebooks/(\d+)_")
# In figures of plotly: the title, and the names of both axes.
TITLES = re.compile(r'<text class="(gtitle|xtitle|ytitle)"[^>]*>(.*?)</text>', re.DOTALL)


def _bundles(doctree: nodes.document) -> list[nodes.container]:
    found = doctree.findall(nodes.container)
    return [each for each in found if each.get("nb_element") == "mime_bundle"]


def _leave_out(app: Sphinx, doctree: nodes.document) -> None:
    """Leave out live widgets, beside which a picture stands, and bars of progress."""
    for bundle in _bundles(doctree):
        if PROGRESS in bundle.astext() or any(child["mime_type"] == WIDGET for child in bundle.children):
            outputs = bundle.parent
            outputs.remove(bundle)
            if not outputs.children:
                outputs.parent.remove(outputs)


def _caption_stills(app: Sphinx, doctree: nodes.document) -> None:
    """Take from the captions of stills how to make them live: a line at the head of the page says it once."""
    for raw in list(doctree.findall(nodes.raw)):
        text = raw.astext()
        if 'class="embviz-still"' in text:
            text = re.sub(r"(?s)<style>.*?</style>", "", text).replace(f"<p>{HOW_TO}</p>", "")
            raw.replace_self(nodes.raw("", text, format="html", classes=raw["classes"]))


def _plain(bundle: nodes.Node) -> str:
    """Return what the caption of a still says, in a line."""
    if not isinstance(bundle, nodes.Element) or "embviz-still" not in bundle.astext():
        return ""
    [text] = [child.astext() for child in bundle.children if child["mime_type"] == "text/plain"] or [""]
    return ". ".join(line.rstrip(".") for line in text.splitlines()[:4] if line and line != HOW_TO)


def _titles_of(picture: Path) -> tuple[str, str]:
    """Return the title of a figure of plotly, and what its axes show."""
    found = TITLES.findall(picture.read_text(encoding="utf-8")) if picture.suffix == ".svg" else []
    named = {kind: html.unescape(" ".join(re.sub(r"<[^>]*>", " ", text).split())) for kind, text in found}
    return named.get("gtitle", ""), " against ".join(named[kind] for kind in ("ytitle", "xtitle") if named.get(kind))


def _say_in_words(app: Sphinx, doctree: nodes.document) -> None:
    """Give pictures among the outputs a text: the caption of a still, the figure's title, or its section's heading."""
    under = Counter[str]()
    for bundle in _bundles(doctree):
        place = bundle.parent.index(bundle)
        caption = _plain(bundle.parent[place - 1]) if place else ""
        for image in bundle.findall(nodes.image):
            title, axes = _titles_of(Path(app.env.relfn2path(image["uri"])[1]))
            if not caption and not title:
                section = bundle
                while not isinstance(section, nodes.section):
                    section = section.parent
                heading = re.sub(r"^\d+\. ", "", section[0].astext())
                under[heading] += 1
                title = f"{heading}: {axes}" if axes else f"{heading}, figure {under[heading]}"
            image["alt"] = caption or title


def _head_lesson(app: Sphinx, doctree: nodes.document) -> None:
    """Put the number of a lesson before its title, and offer the notebook below it."""
    lesson = LESSON.match(app.env.docname)
    if lesson is None:
        return
    title = next(doctree.findall(nodes.title))
    title.insert(0, nodes.Text(f"{int(lesson[1])}. "))
    name = f"{Path(app.env.docname).name}.ipynb"
    link = download_reference("", "", nodes.Text(name), reftarget=name, refdoc=app.env.docname)
    line = nodes.paragraph("", "Notebook: ", link, nodes.Text(". In JupyterLab its views can be played; here they "))
    line += nodes.Text("are pictures.")
    line["classes"].append("lesson-file")
    title.parent.insert(title.parent.index(title) + 1, line)


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of the hooks above, which come before it collects titles, pictures and files."""
    for priority, hook in enumerate([_say_in_words, _caption_stills, _leave_out, _head_lesson]):
        app.connect("doctree-read", hook, priority=100 + priority)
    return {"parallel_read_safe": True}
