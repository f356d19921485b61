"""Each answer of docs/questions.md runs as it is written there."""

import re

import pytest

import embviz


@pytest.fixture(scope="module")
def answers(root, weights_home):
    """All names that the page gives, after it was run from top to bottom."""
    page = (root / "docs" / "questions.md").read_text(encoding="utf-8")
    questions = re.findall(r"^###? (.*\?|My own vectors)$", page, flags=re.MULTILINE)
    assert len(questions) == 12
    names = {}
    for code in re.findall(r"^```python\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE):
        exec(compile(code, "questions.md", "exec"), names)  # noqa: S102  our own page
    yield names
    for widget in ("side_by_side", "map_of_mine"):
        names[widget].close()
