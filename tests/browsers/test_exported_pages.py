"""Exported pages in Firefox and in WebKitGTK, opened from the disk; those in Chromium are tested in tests/export."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from webdriver import ENTER, RIGHT, Driven, Firefox, WebKit

from embviz.analysis.projection import project
from embviz.collection import Collection
from embviz.core.embedding import Embedding, FrameGrid
from embviz.core.vectors import Vectors
from embviz.export import collection_page, track_page

pytestmark = pytest.mark.slow

RATE = 16_000
SECONDS = 12

READY = "() => document.documentElement.dataset.ready === ''"
CLOCK = "globalThis[Symbol.for('embviz.clocks')].get('page')"
PAPER = "() => getComputedStyle(document.documentElement).backgroundColor"

# A place of the first heatmap's plot, in the middle of its height; null where there is none yet.
PLACE = """(share) => {
  const canvas = document.querySelector("canvas.ev-heatmap-canvas");
  if (!canvas) return null;
  canvas.scrollIntoView({ block: "center" });
  const { x, y, width, height } = canvas.getBoundingClientRect();
  return [x + share * width, y + height / 2];
}"""


def frames_of(wave: np.ndarray, d: int = 20) -> Embedding:
    """Frames of random values, side by side over a sound."""
    hop = RATE // 5
    t = len(wave) // hop
    values = np.random.default_rng(1).normal(size=(t, d)).astype(np.float32)
    return Embedding(values, FrameGrid(RATE, hop, hop, hop, 0, t, len(wave)), "own", "embedding")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of a track, and one of a collection with its sounds."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "music").mkdir()
    times = np.arange(SECONDS * RATE) / RATE
    waves = [(0.2 * np.sin(2 * np.pi * 220 * (i + 1) * times)).astype(np.float32) for i in range(4)]
    for i, wave in enumerate(waves):
        soundfile.write(folder / "music" / f"tone {i}.wav", wave, RATE)
    track = folder / "track.html"
    track.write_text(track_page.render_track_page((waves[0], RATE), [frames_of(waves[0])], title="Tone"), "utf-8")
    table = Collection.from_folder(folder / "music").table
    values = np.random.default_rng(2).normal(size=(len(table), 5)).astype(np.float32)
    vectors = Vectors(values, table.index.to_numpy(np.int64), None, "own", "embedding", "mean", key="own")
    collection = collection_page.write_collection_page(
        folder / "collection.html", table, vectors=vectors, projection=project(vectors, "pca"), audio="embed",
        embeddings=lambda _: frames_of(waves[0]),
    )  # fmt: skip
    return {"track": track, "collection": collection}


@pytest.fixture(scope="module", params=[Firefox, WebKit], ids=["firefox", "webkit"])
def driven(request: pytest.FixtureRequest) -> Iterator[Driven]:
    with request.param() as driven:
        yield driven


def show(driven: Driven, page: Path) -> None:
    driven.goto(page.as_uri())
    driven.until(READY)


def test_a_page_of_a_track_draws_plays_and_seeks(driven: Driven, pages: dict[str, Path]) -> None:
    show(driven, pages["track"])
    place: list[Any] = driven.until(PLACE, 0.5)
    driven.drawn("canvas.ev-heatmap-canvas", 50)
    driven.click(*place)
    driven.until(f"() => Math.abs({CLOCK}.time - {SECONDS / 2}) < 0.3")
    driven.click_on("button", text="Play")
    driven.until(f"() => {CLOCK}.playing && {CLOCK}.time > {SECONDS / 2 + 0.4}")
    driven.click_on("button", text="Pause")
    driven.until(f"() => !{CLOCK}.playing")
    driven.check()


def test_a_page_of_a_collection_draws_and_plays(driven: Driven, pages: dict[str, Path]) -> None:
    show(driven, pages["collection"])
    driven.until("() => document.querySelector('.ev-scatter-stage')?.clientHeight > 100")
    driven.drawn(".ev-scatter-stage", 3)
    driven.evaluate("() => document.querySelector('.ev-scatter-stage').focus()")
    for key in (RIGHT, ENTER):
        driven.press(key)
    driven.until(f"() => {CLOCK}.playing && {CLOCK}.time > 0.3")
    driven.until(PLACE, 0.5)
    driven.drawn("canvas.ev-heatmap-canvas", 50)
    driven.check()


def test_a_button_makes_a_page_dark(driven: Driven, pages: dict[str, Path]) -> None:
    show(driven, pages["track"])
    light = driven.evaluate(PAPER)
    driven.click_on("button", text="Dark")
    driven.until(f"(light) => ({PAPER})() !== light", light)
    driven.check()
