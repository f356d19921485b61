"""The browser and the JupyterLab that the tests use, for what is measured on a page."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks import ROOT
from benchmarks.measuring import NotMeasured

sys.path.insert(0, str(ROOT / "tests"))

try:
    from harness import Bench, chromium
    from lab import LabPage, LabServer, Panel
    from playwright.sync_api import sync_playwright
except ImportError as error:
    raise NotMeasured(f"{error.name} is missing: pip install -e '.[dev]' installs the developers' packages") from None

__all__ = ["Bench", "LabPage", "LabServer", "Panel", "open_browser"]


@contextmanager
def open_browser() -> Iterator[Any]:
    """Start Chromium."""
    with sync_playwright() as playwright:
        browser = chromium(playwright)
        yield browser
        browser.close()
