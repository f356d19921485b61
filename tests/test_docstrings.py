"""The examples in docstrings, run as they stand from the root of the repository."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import embviz

FOLDER = Path(embviz.__file__).parent
FILES = (path for path in sorted(FOLDER.rglob("*.py")) if "    >>> " in path.read_text("utf-8"))
MODULES = [".".join(path.relative_to(FOLDER.parent).with_suffix("").parts).removesuffix(".__init__") for path in FILES]


@pytest.mark.parametrize("name", MODULES)
def test_examples_say_what_they_print(name: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    module = importlib.import_module(name)
    found = doctest.testmod(module, extraglobs={"embviz": embviz}, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.failed == 0
