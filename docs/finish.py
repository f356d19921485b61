"""What pages get beside what Sphinx makes of them: descriptions, mends, a search for synonyms, a page for errors."""

from __future__ import annotations

import html
import json
import re
import textwrap
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from embviz.plotting.save import theme_css

SUMMARY = "See and hear what deep audio models compute"

META = """
<meta name="description" content="{text}">
<meta property="og:site_name" content="embviz">
<meta property="og:type" content="website">
<meta property="og:title" content="{title}">
<meta property="og:description" content="{text}">
"""

ALONE = f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="{SUMMARY}.">
<title>{{title}}</title>
{{more}}
</html>
"""

PAGES = {
    # A folder is opened with this one …
    "index.html": ALONE.format(
        title=f"embviz: {SUMMARY.lower()}",
        more="""<meta http-equiv="refresh" content="0; url=docs/index.html">
<main><h1>embviz</h1><p><a href="docs/index.html">Documentation</a></p></main>""",
    ),
    # … and servers answer with this one, at whatever address was asked for.
    "404.html": ALONE.format(
        title="Page not found - embviz",
        more="""<style>
  body { font: 1.1rem/1.5 system-ui, sans-serif; margin: 15vh auto; max-width: 34rem; padding: 0 1rem; }
  a { color: inherit; }
</style>
<main><h1>Page not found</h1>
<p>There is no such page. <a href="docs/index.html">The documentation of embviz</a> has a search field.</p></main>
<script>
  const root = location.pathname.replace(/(docs|notebooks|_modules|_images|_static)\\/.*$|[^/]*$/, "");
  document.querySelector("a").href = `${root}docs/index.html`;
</script>""",
    ),
}

MENDS = [
    (r"<title>embviz</title>", f"<title>embviz: {SUMMARY.lower()}</title>"),
    (r'<p class="caption" role="heading">', '<p class="caption" role="heading" aria-level="2">'),
    (r'<aside class="(sidebar|toc)-drawer( no-toc)?">', r'<aside class="\1-drawer\2" id="\1-drawer" aria-label="\1">'),
    (r'<div role="list" class="citation-list">', '<div class="citation-list">'),
    (r' role="doc-biblioentry"', ""),
    (r"<th[^>]*>(<p></p>|&nbsp;)?</th>", "<td></td>"),
    # Summaries show numpydoc's own labels of references.
    (r"\[R[0-9a-f]{12}-(\d+)\]", r"[\1]"),
    (r'(?s)<script type="application/vnd.jupyter.widget-state\+json">.*?</script>', ""),
    # These name the page that a module was first seen on, not the one that describes it.
    (r'<a class="viewcode-back"[^>]*>\[docs\]</a>', ""),
    # Pictures are shown smaller than they are.
    (
        r'(?<!webp">)<img [^>]*?class="(only-\w+)"[^>]*? src="([^"]*)"[^>]*>',
        r'<a class="picture \1" href="\2">\g<0></a>',
    ),
    (r'(?<!png">)<img alt="[^"]*" src="([^"]*_images/\w{64}\.png)"[^>]*>', r'<a class="picture" href="\1">\g<0></a>'),
]

# Figures of plotly have the one grey that is readable on light and on dark paper, but not well on either.
FIGURES = f"<style>{theme_css('auto')} text[style*='122, 122, 122'] {{ fill: var(--embviz-faint) !important }}</style>"

# Words that the search takes for one another.
SAME = [
    ("color", "colour"),
    ("neighbor", "neighbour"),
    ("license", "licence"),
    ("center", "centre"),
    ("gray", "grey"),
    ("analyze", "analyse"),
    ("normalize", "normalise"),
]


def _describe(app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: nodes.document) -> None:
    """Say in the head of a page what it is about: its title and its first paragraph."""
    found = doctree.findall(nodes.paragraph) if doctree else ()
    texts = (each.astext() for each in found if "lesson-file" not in each["classes"])
    text = next((text for text in texts if len(text) > 40), f"embviz. {SUMMARY}.")
    title = html.unescape(re.sub(r"<[^>]*>", "", context.get("title") or "embviz"))
    short = textwrap.shorten(text, 200, placeholder=" …")
    context["metatags"] = context.get("metatags", "") + META.format(text=html.escape(short), title=html.escape(title))


def _join_words(path: Path, stem: Any) -> None:
    """Have the search find each of the words that mean the same where it finds the other."""
    before, index = "Search.setIndex(", path.read_text(encoding="utf-8")
    known = json.loads(index.removeprefix(before).removesuffix(")"))
    for terms in (known["terms"], known["titleterms"]):
        for pair in SAME:
            stems = [stem(word) for word in pair]
            places = [terms.get(word, []) for word in stems]
            pages = sorted({page for each in places for page in (each if isinstance(each, list) else [each])})
            if pages:
                terms.update(dict.fromkeys(stems, pages))
    path.write_text(f"{before}{json.dumps(known, separators=(',', ':'))})", encoding="utf-8")


def _finish(app: Sphinx, error: Exception | None) -> None:
    """Write the pages that are not of Sphinx, and mend in all others what people and screen readers stumble over."""
    if error is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    for path in (site / "_images").glob("*.svg"):
        text = path.read_text(encoding="utf-8")
        if FIGURES not in text:
            path.write_text(re.sub("(<svg[^>]*>)", rf"\1{FIGURES}", text, count=1), encoding="utf-8")
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        mended = text
        for pattern, put in MENDS:
            mended = re.sub(pattern, put, mended)
        if mended != text:
            path.write_text(mended, encoding="utf-8")
    for name, text in PAGES.items():
        (site / name).write_text(text, encoding="utf-8")
    _join_words(site / "searchindex.js", app.builder.indexer.lang.stem)  # type: ignore[attr-defined]


def setup(app: Sphinx) -> None:
    """Tell Sphinx of the hooks above."""
    app.connect("html-page-context", _describe)
    app.connect("build-finished", _finish)
