"""The scripts of the widgets as they travel to the browser, and the rules of their sources."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from embviz.widgets import bundle

SOURCES = sorted((Path(bundle.__file__).parent / "src").glob("**/*.js"))
ENTRIES = ("widgets", "track_page", "collection_page")
WIDGETS = ("atlas", "confusion", "curves", "feature_maps", "heatmap", "panel", "player", "scatter", "self_similarity")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_source_makes_code_or_markup_of_text(path):
    code = re.sub(r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.DOTALL)
    assert not re.search(r"\bimport\(|\beval\(|\bnew Function\b|innerHTML|outerHTML|insertAdjacentHTML", code)


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_script_is_whole_and_does_not_end_its_element(entry):
    text = bundle.code(entry)
    assert not re.search(r"\bimport\b\s*[({\"']|^export ", text, re.MULTILINE)
    assert not re.search(r"</script|<!--", text, re.IGNORECASE)
    assert not re.search(r"</style|@import|url\((?!\"?data:)", bundle.sheet(entry), re.IGNORECASE)


@pytest.mark.parametrize("name", WIDGETS)
def test_a_widget_is_one_module(name):
    text = bundle.script(name)
    assert text.endswith(f"export default embviz.{name};\n")
    assert re.search(rf"\b{name}:\(\)=>", text)


def test_styles_hold_inside_the_widgets_alone():
    sheet = re.sub(r"/\*.*?\*/", "", bundle.style(), flags=re.DOTALL)
    sheet = re.sub(r"@keyframes [\w-]+\{(?:[^{}]*\{[^{}]*\})*\}", "", sheet)
    rules = re.findall(r"(?:^|[{}])([^{}@]+)\{", sheet)
    selectors = [part for rule in rules for part in re.split(r",(?![^(]*\))", rule)]
    assert len(selectors) > 500
    assert [part for part in selectors if not re.search(r"\.(embviz|ev-)", part)] == []
