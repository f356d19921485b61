"""Examples in docstrings run and print what they say."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest

PLAIN = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def modules(root):
    for path in sorted((root / "embviz").rglob("*.py")):
        if ">>> " in path.read_text(encoding="utf-8"):
            yield ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def pytest_generate_tests(metafunc):
    if "module" in metafunc.fixturenames:
        metafunc.parametrize("module", list(modules(metafunc.config.rootpath)))


@pytest.fixture(autouse=True)
def reader(root, tmp_path, monkeypatch):
    """A reader who has installed embviz, stands in its folder, and has no weights and nothing in the cache."""
    monkeypatch.setenv("EMBVIZ_HOME", str(tmp_path))
    monkeypatch.chdir(root)


def test_examples_print_what_they_say(module):
    found = doctest.DocTestFinder().find(import_module(module))
    examples = [test for test in found if test.examples]
    assert examples, "'>>> ' stands outside of a docstring"
    said = []
    for test in examples:
        doctest.DocTestRunner(optionflags=PLAIN).run(test, out=said.append)
    assert not said, "".join(said)
