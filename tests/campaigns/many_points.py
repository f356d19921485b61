"""Map 50,000 moments of 500 tracks, from vectors to a page in a browser: each point is where it belongs."""

from __future__ import annotations

import base64
import json
import os
import re
import resource
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from common import fault, make_home, write_clips
from harness import Opened, chromium

TRIALS, CHUNK = 50_000, 50_000
TRACKS, DIMENSIONS, STYLES = 500, 64, 12
LARGEST = 4.0  # GiB


def run(seed: int, count: int, folder: Path) -> Counter[str]:
    """Make that many vectors, project them, find clusters and neighbours, and write and open the page."""
    os.environ.update({name: value for name, value in make_home(folder / "home").items() if name.startswith("EMBVIZ")})
    begin = time.monotonic()
    table, vectors = _make_vectors(seed, count, folder / "tracks")
    wrong = _check_page(table, vectors, folder / "page.html")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"  {count} points in {time.monotonic() - begin:.0f} s, peak {peak:.2f} GiB", flush=True)
    if peak > LARGEST:
        wrong.append(f"{peak:.2f} GiB of memory, at most {LARGEST} are allowed")
    return Counter(tried=count, survived=0 if wrong else count) + Counter(fault("wrong", what) for what in wrong)


def _make_vectors(seed: int, count: int, folder: Path) -> tuple[Any, Any]:
    """Return the table of a folder of short tracks, links to a few files, and vectors of moments of them."""
    import embviz
    from embviz.core.vectors import Vectors

    clips = write_clips(folder.with_name("clips"), 10, 0.2, seed)
    folder.mkdir(parents=True)
    for i in range(min(TRACKS, count)):
        os.link(clips[i % len(clips)], folder / f"{i:03}.flac")
    table = embviz.Collection.from_folder(folder).table
    rng = np.random.default_rng(seed)
    track = np.sort(np.arange(count) % len(table))
    style = rng.integers(STYLES, size=len(table))[track]
    values = 3 * rng.normal(size=(STYLES, DIMENSIONS))[style] + rng.normal(size=(count, DIMENSIONS))
    times = np.arange(count) - np.searchsorted(track, track) + 0.5
    labels = table.index.to_numpy(np.int64)[track]
    return table, Vectors(values.astype(np.float32), labels, times, "own", "embedding", "frames", key=f"{seed} {count}")


def _check_page(table: Any, vectors: Any, path: Path) -> list[str]:
    """Return what is wrong with the map of the vectors and with its page."""
    import embviz
    from embviz.analysis import cluster
    from embviz.export.collection_page import write_collection_page

    projection = embviz.project(vectors)
    groups = cluster(projection.xy)
    write_collection_page(path, table, vectors=vectors, projection=projection, clusters=groups)
    text = path.read_text("utf-8")
    page = json.loads(_element(text, "embviz-page"))
    near = np.frombuffer(base64.b64decode(_element(text, page["near"]["indices"])), "<u4").reshape(len(groups), -1)
    known = near != 2**32 - 1
    own = vectors.tracks[np.where(known, near, 0)] == vectors.tracks[:, None]
    checks = {
        "a place is not finite": np.isfinite(projection.xy).all(),
        "points of the map lie in one place": len(np.unique(projection.xy, axis=0)) > 0.99 * len(projection),
        "a cluster is missing": len(groups) == len(projection) and groups.max() > 0,
        "a neighbour is of the same track": not (own & known).any(),
        "tracks of the page are others": page["files"] == [f"tracks/{Path(each).name}" for each in table["path"]],
    }
    low, high = projection.xy.min(axis=0), projection.xy.max(axis=0)
    placed = (projection.xy - (low + high) / 2) / ((high - low).max() / 2)  # as the page has them
    trails = {label: _trail(text, page, place) for place, label in enumerate(table.index)}
    for label, trail in trails.items():
        at = vectors.tracks == label
        expected = np.column_stack([placed[at], vectors.times[at]])
        if trail.shape != expected.shape or not np.allclose(trail, expected, atol=1e-5):
            checks[f"points of track {label} are not where they were"] = False
            break
    return [what for what, holds in checks.items() if not holds] + _open(path)


def _element(text: str, name: str) -> str:
    found = re.search(rf'id="{name}">(.*?)</script>', text, re.DOTALL)
    return found[1] if found else ""


def _trail(text: str, page: dict[str, Any], place: int) -> Any:
    part = json.loads(_element(text, page["parts"][place]))
    return np.frombuffer(base64.b64decode(_element(text, part["trail"])), np.float32).reshape(-1, 3)


def _open(path: Path) -> list[str]:
    """Open the page in a browser, and return what it complains of."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = chromium(playwright)
        context = browser.new_context(offline=True)
        opened = Opened(context, path)
        opened.rest(200)
        wrong = [*opened.errors, *opened.left]
        if not opened.page.evaluate("() => document.querySelectorAll('canvas').length"):
            wrong.append("the page shows no map")
        browser.close()
    return wrong
