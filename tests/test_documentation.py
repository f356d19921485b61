"""What the documentation names exists."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
MISSING = object()


def resolved(dotted: str) -> object:
    """Return what a dotted name of the package stands for."""
    parts = dotted.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found: object = import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for name in parts[end:]:
            fields = getattr(found, "__dataclass_fields__", {})
            found = fields.get(name, MISSING) if not hasattr(found, name) else getattr(found, name)
            if found is MISSING:
                break
        return found
    return MISSING


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_names_exist(page):
    code = re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8"))
    dotted = {name for text in code for name in re.findall(r"\bembviz(?:\.[A-Za-z_]\w*)+", text)}
    assert {name for name in dotted if resolved(name) is MISSING} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_exist(page):
    text = page.read_text(encoding="utf-8")
    paths = set(re.findall(r"`((?:embviz|tests|benchmarks|notebooks|docs|sample_audio)/[\w./-]*)`", text))
    links = re.findall(r"\]\((?!http|#)([^)#]+)\)", text)
    paths |= {str((page.parent / link).resolve().relative_to(ROOT)) for link in links}
    assert {path for path in paths if not (ROOT / path).exists()} == set()
