"""What all tests share.

The whole run, notebooks included, lives in a home of its own: ``EMBVIZ_TEST_HOME`` or ``build/home``, which is kept, so
that weights are fetched once. The user's own weights and cache are neither read nor written.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import Bench, Opened, chromium
from panel import BenchPanel

ROOT = Path(__file__).resolve().parent.parent
TEST_HOME = Path(os.environ.get("EMBVIZ_TEST_HOME") or ROOT / "build" / "home").resolve()

os.environ["EMBVIZ_HOME"] = str(TEST_HOME)
os.environ.pop("EMBVIZ_SHARED", None)
# UMAP is compiled once for the whole run, not once for each home.
os.environ.setdefault("NUMBA_CACHE_DIR", str(TEST_HOME / "numba"))

# Processes of tests side by side share the cores: a thread too many would wait for the others by using one.
_THREADS = max(1, (os.cpu_count() or 1) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, str(_THREADS))

# The files that take longest, the longest first. They are begun before all others, so that what is left at the end is
# short, and both processes end together.
LONGEST = (
    "test_lab_map.py", "test_lab.py", "test_extract.py", "test_architectures.py", "test_notebooks.py",
    "test_documentation.py", "test_player.py", "test_projection.py", "test_atlas.py", "test_commands.py",
    "test_explorer.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the ten files that took longest, with set-up and clean-up."""
    seconds: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds[report.nodeid.partition("::")[0]] += report.duration
    if len(seconds) > 1:
        terminalreporter.section("slowest files")
        for name, spent in seconds.most_common(10):
            terminalreporter.write_line(f"{spent:6.1f} s  {name}")
        terminalreporter.write_line(f"{seconds.total():6.1f} s  all {len(seconds)} files")


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def rock() -> Path:
    """The two-minute rock track."""
    return ROOT / "sample_audio" / "rock.ogg"


@pytest.fixture(scope="session")
def weights_home() -> Path:
    """``EMBVIZ_HOME`` with the default weights, fetched the way users do."""
    from embviz.models import weights

    for error in weights.pull_all(["musicnn", "vgg", "tempocnn", "spleeter"], progress=True).failed.values():
        raise error
    return TEST_HOME


@pytest.fixture
def home(weights_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``EMBVIZ_HOME`` with the default weights and an empty cache."""
    own = tmp_path / "home"
    own.mkdir()
    (own / "data").symlink_to(weights_home / "data")
    monkeypatch.setenv("EMBVIZ_HOME", str(own))
    return own


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``EMBVIZ_HOME`` without anything in it."""
    monkeypatch.setenv("EMBVIZ_HOME", str(tmp_path / "empty"))
    return tmp_path / "empty"


@pytest.fixture
def cache(tmp_path: Path) -> Any:
    """An empty cache."""
    from embviz import Cache

    return Cache(tmp_path / "cache")


@pytest.fixture
def explore() -> Iterator[Callable[..., Any]]:
    """Return a function that makes an Explorer, which is closed at the end."""
    from embviz import Explorer

    made: list[Any] = []

    def make(*arguments: Any, **options: Any) -> Any:
        made.append(Explorer(*arguments, **options))
        return made[-1]

    yield make
    for explorer in made:
        explorer.close()


@pytest.fixture
def bench_panel(bench: Bench) -> BenchPanel:
    """A panel on a bench."""
    return BenchPanel(bench)


@pytest.fixture(scope="session")
def started_browser() -> Iterator[tuple[Any, asyncio.AbstractEventLoop]]:
    """A real browser for the whole run, and the event loop that Playwright leaves running in this thread."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = chromium(playwright)
        loop = asyncio.get_running_loop()
        asyncio._set_running_loop(None)
        yield browser, loop
        asyncio._set_running_loop(loop)
        browser.close()


@pytest.fixture(scope="module")
def browser(started_browser: tuple[Any, asyncio.AbstractEventLoop]) -> Iterator[Any]:
    """The browser, without any page; Playwright's event loop is seen by the modules that use it, and by no others."""
    browser, loop = started_browser
    asyncio._set_running_loop(loop)
    yield browser
    for context in browser.contexts:
        context.close()
    asyncio._set_running_loop(None)


@pytest.fixture(scope="module")
def shared_bench(browser: Any) -> Bench:
    """The page that the tests of a module share, one after the other."""
    return Bench(browser.new_page())


@pytest.fixture
def bench(shared_bench: Bench) -> Iterator[Bench]:
    """An empty page for widgets; a console error, or a request to the network, fails the test."""
    yield shared_bench
    errors, requests = shared_bench.errors, shared_bench.requests
    shared_bench.clear()
    shared_bench.errors, shared_bench.requests = [], []
    assert not errors
    assert not requests


@pytest.fixture
def own_bench(browser: Any) -> Iterator[Bench]:
    """An empty page that no other test is given, because what is done to it stays."""
    bench = Bench(browser.new_page())
    yield bench
    bench.page.close()
    assert not bench.errors
    assert not bench.requests


@pytest.fixture
def opened(browser):
    """Return a function that opens a page offline; at the end nothing may have left, and no error may have come."""
    pages, contexts = [], []

    def open_(path: Path, *, scheme: str = "light", width: int = 1300, sound: Path | None = None) -> Opened:
        context = browser.new_context(offline=True, color_scheme=scheme, viewport={"width": width, "height": 900})
        contexts.append(context)
        context.route(
            re.compile(r"^(?!file:|blob:|data:)"), lambda route: (refused.append(route.request.url), route.abort())
        )
        page = Opened(context, path)
        if sound is not None:
            page.allowed.add(sound.resolve().as_uri())
        pages.append(page)
        return page

    refused: list[str] = []
    yield open_
    seen = [(page.errors, page.left) for page in pages]
    for context in contexts:
        context.close()
    assert not refused
    assert all(not errors and not left for errors, left in seen), seen
