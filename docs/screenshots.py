"""Draw the pictures of the documentation: a real JupyterLab, real weights, the sample tracks, light and dark.

``python docs/screenshots.py`` draws all, ``python docs/screenshots.py map tasks`` some of them, into ``docs/pictures``.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from harness import chromium  # noqa: E402
from lab import LabPage, LabServer, Panel  # noqa: E402

import embviz  # noqa: E402
from embviz.cli import run  # noqa: E402

PICTURES = Path(__file__).parent / "pictures"
SCHEMES = ("light", "dark")
QUALITY = 80  # of WebP
PATIENCE = 60  # seconds until a page is at rest

EXPLORER = """\
import embviz

explorer = embviz.Explorer({tracks!r}, models=["musicnn", ("musicnn", "output"), "tempocnn", "spleeter"])
explorer"""

# As in the lesson on maps.
EXCERPTS = """\
import tempfile
from pathlib import Path

import pandas as pd
import soundfile

import embviz

tracks = embviz.Collection.from_folder(embviz.sample_audio())
scratch = tempfile.TemporaryDirectory()
folder, rows = Path(scratch.name) / "embviz" / "excerpts", []
folder.mkdir(parents=True)
for track in tracks:
    sound = tracks.audio(track.Index)
    samples, rate = sound.stereo(sound.sample_rate), sound.sample_rate
    for start in range(0, 6 * int(sound.duration // 6), 6):
        path = folder / f"{Path(track.path).stem} {start:03d}.wav"
        soundfile.write(path, samples[start * rate : (start + 6) * rate], rate)
        facts = {"title": f"{track.title}, {start} s", "piece": track.title, "style": track.style}
        rows.append({"path": path, **facts, "family": track.family})
excerpts = embviz.Collection.from_table(pd.DataFrame(rows))"""
MAP = """\
atlas = excerpts.map("musicnn", method="tsne", color="style", clusters="hdbscan")
atlas"""
TASKS = """\
explorer = embviz.Explorer(excerpts, models=["musicnn", "vgg", "tempocnn", "spleeter"])
explorer"""
CARD = """\
import embviz

collection = embviz.Collection.from_folder(embviz.sample_audio())
card = collection.units("musicnn").card(37)
card"""
MOMENTS = """\
import embviz

collection = embviz.Collection.from_folder(embviz.sample_audio())
moments = collection.moments("musicnn", dimension=37, k=6)
moments"""


# Taking pictures. -----------------------------------------------------------------------------------------------------


def keep(name: str, scheme: str, data: bytes) -> None:
    """Write a picture."""
    PICTURES.mkdir(exist_ok=True)
    path = PICTURES / f"{name}-{scheme}.webp"
    Image.open(io.BytesIO(data)).convert("RGB").save(path, quality=QUALITY, method=6)
    print(f"{path.relative_to(ROOT)}  {path.stat().st_size / 1000:.0f} kB", flush=True)


def at_rest(page: Any, shoot: Callable[[], bytes]) -> bytes:
    """Return the picture that has not changed for a second."""
    last, same = shoot(), 0
    for _ in range(2 * PATIENCE):
        page.wait_for_timeout(500)
        data = shoot()
        before, now = (Image.open(io.BytesIO(each)).convert("RGB") for each in (last, data))
        same = same + 1 if before.size == now.size and not ImageChops.difference(before, now).getbbox() else 0
        last = data
        if same == 2:
            return data
    raise TimeoutError(f"The page is not at rest after {PATIENCE} s.")


class Studio:
    """A JupyterLab and a browser to take pictures of.

    Parameters
    ----------
    folder : Path
        For the server and a copy of the sample tracks.
    browser : playwright.sync_api.Browser
        What opens the notebooks.
    """

    def __init__(self, folder: Path, browser: Any) -> None:
        self.browser = browser
        self.tracks = folder / "embviz" / "sample_audio"
        shutil.copytree(ROOT / "sample_audio", self.tracks)
        python_path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        self.server = LabServer(folder, self.tracks, {"PYTHONPATH": python_path})

    @contextmanager
    def notebook(self, *cells: str, width: int = 1400, height: int = 1600) -> Iterator[LabPage]:
        """Open a notebook and run it."""
        context = self.browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
        lab = LabPage(context, self.server, self.server.write("lesson.ipynb", cells))
        try:
            lab.command("application:toggle-left-area")
            lab.run_all()
            yield lab
            lab.check()
        finally:
            lab.close()
            context.close()

    def take(self, name: str, lab: LabPage, part: Any) -> None:
        """Take a picture of a part of a page, light and dark."""
        for scheme in SCHEMES:
            lab.theme(scheme)
            lab.page.mouse.move(2, 2)
            keep(name, scheme, at_rest(lab.page, part.screenshot))


# The pictures. --------------------------------------------------------------------------------------------------------


def explorer(studio: Studio, wanted: set[str]) -> None:
    """Draw the pages of the Explorer on one track."""
    with studio.notebook(EXPLORER.format(tracks=str(studio.tracks))) as lab:
        lab.execute("explorer.wait()")
        lab.execute("explorer.seek(47.3)")
        panel = Panel(lab)
        for name, title in PAGES.items():
            if name not in wanted:
                continue
            panel.root.get_by_role("tab", name=title, exact=True).click()
            if name == "units":
                lab.execute("explorer.units('musicnn', dimension=37)")
            lab.page.wait_for_timeout(1000)
            lab.execute("explorer.wait()")
            studio.take(name, lab, panel.root)


PAGES = {
    "explorer": "Poster",
    "hears": "What it hears",
    "layers": "Layers",
    "structure": "Structure",
    "units": "Units",
}


def lesson(studio: Studio, _wanted: set[str]) -> None:
    """Draw JupyterLab as `make explore` opens it."""
    notebooks = studio.server.root / "notebooks"
    notebooks.mkdir()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        shutil.copy(path, notebooks)
    context = studio.browser.new_context(viewport={"width": 1200, "height": 640}, reduced_motion="reduce")
    lab = LabPage(context, studio.server, "notebooks/01_what_does_a_model_hear.ipynb")
    try:
        studio.take("lesson", lab, lab.page)
    finally:
        lab.close()
        context.close()


def atlas(studio: Studio, _wanted: set[str]) -> None:
    """Draw a map of excerpts, one of which was played."""
    with studio.notebook(EXCERPTS, MAP, width=1500) as lab:
        lab.execute("atlas.wait()")
        root = lab.page.locator(".ev-atlas").first
        root.locator(".ev-scatter-stage").first.focus()
        for key in ("ArrowRight", "ArrowRight", "Enter"):
            lab.page.keyboard.press(key)
        lab.page.wait_for_timeout(2000)
        lab.execute("atlas.wait()")
        studio.take("map", lab, root)


def tasks(studio: Studio, _wanted: set[str]) -> None:
    """Draw the scores of four models on three families, with the mistakes of one of them."""
    with studio.notebook(EXCERPTS, TASKS, width=1600, height=1900) as lab:
        lab.execute("explorer.tasks('family', ['musicnn', 'vgg', 'tempocnn', 'spleeter'], groups='piece', folds=3)")
        lab.execute("explorer.wait()")
        panel = Panel(lab)
        panel.root.evaluate("panel => panel.style.setProperty('--ev-panel-height', '1340px')")
        panel.root.get_by_role("button", name="MusiCNN (MSD) · embedding").click()
        panel.root.locator(".ev-confusion-table button").nth(6).click()  # electronic music taken for acoustic
        studio.take("tasks", lab, panel.root)


def units(studio: Studio, wanted: set[str]) -> None:
    """Draw the card of a dimension, and its highest moments, each in a cell."""
    for name, source in {"card": CARD, "moments": MOMENTS}.items():
        if name in wanted:
            with studio.notebook(source) as lab:
                lab.page.wait_for_timeout(1000)
                studio.take(name, lab, lab.page.locator(".jp-OutputArea-output .embviz").first)


def figure(studio: Studio, _wanted: set[str]) -> None:
    """Draw the poster's figure."""
    track = studio.tracks / "rock.ogg"
    with tempfile.TemporaryDirectory() as folder:
        drawn = embviz.poster(track)
        for scheme in SCHEMES:
            path = embviz.save_figure(drawn, Path(folder) / f"{scheme}.png", theme=scheme)
            image, data = Image.open(path), io.BytesIO()
            image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS).save(data, "png")
            keep("figure", scheme, data.getvalue())


def page(studio: Studio, _wanted: set[str]) -> None:
    """Draw an exported page in the browser."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        run(["poster", str(studio.tracks / "rock.ogg"), "--model", "musicnn", "--model", "tempocnn", "-o", str(file)])
        for scheme in SCHEMES:
            context = studio.browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme=scheme)
            shown = context.new_page()
            shown.goto(file.as_uri())
            shown.wait_for_selector("html[data-ready]", state="attached")
            keep("page", scheme, at_rest(shown, shown.screenshot))
            context.close()


SESSIONS = {
    explorer: set(PAGES),
    lesson: {"lesson"},
    atlas: {"map"},
    tasks: {"tasks"},
    units: {"card", "moments"},
    figure: {"figure"},
    page: {"page"},
}


def main(names: list[str]) -> None:
    """Draw the pictures of these names, or all."""
    known = set().union(*SESSIONS.values())
    if set(names) - known:
        raise SystemExit(f"There is no picture {', '.join(set(names) - known)}; there are {', '.join(sorted(known))}.")
    wanted = set(names) or known
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = chromium(playwright)
        studio = Studio(Path(folder), browser)
        try:
            for session, pictures in SESSIONS.items():
                if pictures & wanted:
                    session(studio, pictures & wanted)
        finally:
            studio.server.stop()
            browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
