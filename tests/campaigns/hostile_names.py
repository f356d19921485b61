"""Show tracks with hostile names and tags in panels and pages, in a real browser: they stay text."""

from __future__ import annotations

import os
import random
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Any

import soundfile
from common import fault, ffmpeg, make_home, melody
from factories import traits_of
from harness import Bench, Opened, chromium

from embviz.core.text import printable

TRIALS, CHUNK = 24, 6
NAMES = (
    "<script>hacked=1</script>", "<img src=x onerror=hacked=1>", "</script><script>hacked=1</script>", "<!--", "]]>",
    '"><svg onload=hacked=1>', "' onmouseover='hacked=1", "javascript:hacked=1", "${hacked=1}", "{{hacked=1}}", "%{y}",
    "&lt;b&gt;", "\u202eevil\u2066", "\u2028\u2029", "\n\r\t\x07", "$\\pi$", "a" * 200, "..", "-rf", "~root", "%00",
    "=1+1", "\U0001f3b8\u0301", "עברית", "\udcff\udcfe", "x" * 250,
)  # fmt: skip
WATCH = "document.addEventListener('securitypolicyviolation', () => { globalThis.hacked = 'policy'; });"


def run(seed: int, count: int, folder: Path) -> Counter[str]:
    """Name tracks, tags and classes, show them, and look at what the page has become."""
    os.environ.update({name: value for name, value in make_home(folder / "home").items() if name.startswith("EMBVIZ")})
    from playwright.sync_api import sync_playwright

    rng, found = random.Random(seed), Counter[str]()  # noqa: S311
    with sync_playwright() as playwright:
        browser = chromium(playwright)
        for trial in range(count):
            names = [NAMES[(seed + trial + i) % len(NAMES)] for i in range(3)] + rng.sample(NAMES, 3)
            kinds = _try(browser, folder / str(trial), names) or ["survived"]
            found += Counter(["tried", *kinds])
        browser.close()
    return found


def _try(browser: Any, folder: Path, names: list[str]) -> list[str]:
    """Return the faults that some names lead to."""
    import embviz

    folder.mkdir()
    soundfile.write(folder.with_suffix(".wav"), melody(3.5), 22_050)
    for i, name in enumerate(names):
        stem = os.fsencode(name.replace("/", "\u2215"))[:240]
        tags = [f"{tag}={name}" for tag in ("title", "artist", "album", "genre")]
        options = [option for tag in tags for option in ("-metadata", tag)]
        ffmpeg("-y", "-i", folder.with_suffix(".wav"), *options, folder / os.fsdecode(b"%b %d.mp3" % (stem, i)))
    tracks = embviz.Collection.from_folder(folder)
    kinds = [printable(name) for name in names[: len(tracks)]]
    tracks = tracks.assign(kind=kinds, note=kinds)
    explorer = embviz.Explorer(tracks, models=["musicnn"]).wait()
    atlas = tracks.map("musicnn", color="kind").wait()
    titles = tracks["title"].tolist()
    found = [
        _look(browser, explorer.to_html(folder / "track.html"), titles[:1]),
        _look(browser, atlas.to_html(folder / "map.html"), []),
        _look(browser, tracks.to_html(folder / "report.html", "musicnn"), []),
        _panel(browser, explorer.widget, "panel", titles),
    ]
    atlas.selection = tracks.table
    atlas.widget.tab = "selection"
    found.append(_panel(browser, atlas.widget, "atlas", titles))
    explorer.close()
    atlas.close()
    return [fault("wrong", f"{names!r:.300}: {what}") for what in found if what]


def _look(browser: Any, path: Path, texts: list[str]) -> str:
    """Open an exported page and return what is wrong with it."""
    context = browser.new_context(offline=True)
    context.add_init_script(WATCH)
    dialogs: list[str] = []
    context.on(
        "page", lambda page: page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    )
    opened = Opened(context, path)
    opened.rest(200)
    wrong = _problems(opened.page, texts, opened.errors, opened.left, dialogs)
    context.close()
    return f"{path.name}: {wrong}" if wrong else ""


def _panel(browser: Any, widget: Any, script: str, texts: list[str]) -> str:
    """Show a panel's state and return what is wrong with it."""
    context = browser.new_context()
    context.add_init_script(WATCH)
    bench = Bench(context.new_page())
    bench.mount("panel", script, traits_of(widget))
    bench.rest(200)
    wrong = _problems(bench.page, texts, bench.requests)
    context.close()
    return f"{script}: {wrong}" if wrong else ""


def _problems(page: Any, texts: list[str], *said: list[str]) -> str:
    if page.evaluate("() => globalThis.hacked"):
        return "a name was run"
    if page.evaluate("() => document.querySelectorAll('[onerror], [onload], [onmouseover], svg[onload]').length"):
        return "a name became an element"
    shown = " ".join(page.evaluate("() => document.title + document.body.textContent").split())
    unseen = [f"{text!r:.60} is not seen" for text in texts if " ".join(text.split()) not in shown]
    return "; ".join([*chain(*said), *unseen])
