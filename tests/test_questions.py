"""Each answer of docs/questions.md runs as it is written there, and is the right one."""

import re

import numpy as np
import pytest


@pytest.fixture(scope="module")
def page(root):
    return (root / "docs" / "questions.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def answers(page, weights_home):
    """All names that the page gives, after it was run from top to bottom."""
    names = {}
    for code in re.findall(r"^```python\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE):
        exec(compile(code, "questions.md", "exec"), names)  # noqa: S102  our own page
    yield names
    for widget in ("side_by_side", "map_of_mine"):
        names[widget].close()


def test_there_are_twelve_questions_with_an_answer_of_a_few_lines_each(page):
    parts = re.split(r"^###? (.*\?|My own vectors)$", page, flags=re.MULTILINE)
    assert len(parts[1::2]) == 12
    for answer in parts[2::2]:
        code = re.search(r"^```python\n(.*?)^```$", answer, flags=re.DOTALL | re.MULTILINE)
        lines = [line for line in code[1].splitlines() if line and not line.startswith("import ")]
        assert len(lines) <= 3


def test_single_dimensions(answers):
    card, moments = answers["card"], answers["moments"]
    assert card.dimension == 37
    assert not card.named
    assert moments.table["value"].is_monotonic_decreasing
    assert moments.table["track"].is_unique
    assert len(moments) == 10, "one of each track"
    heard = answers["heard"].table
    assert len(heard) > 0
    along = dict(zip(answers["means"].tracks, answers["along"], strict=True))
    family = answers["collection"]["family"]
    ends = [np.mean([along[label] for label in family.index[family == name]]) for name in ("band", "acoustic")]
    np.testing.assert_allclose(ends, [0, 1], atol=1e-4)


def test_tracks(answers):
    assert answers["near"]["name"].tolist()[0] != "rock.ogg"
    assert len(answers["near"]) == 3
    like = answers["like"].table
    assert "rock.ogg" not in set(like["name"])
    assert like["track"].is_unique
    assert len(answers["outliers"]) == 10
    assert answers["outliers"]["score"].is_monotonic_decreasing
    assert len(answers["pairs"].table) == 0, "the sample tracks are ten pieces"
    assert set(answers["typical"].table["group"]) == {"acoustic", "band", "electronic"}


def test_one_track_and_two(answers):
    sections = [0, 7.5, 22.5, 37.5, 52.5, 67.5, 82.5, 97.5, 112.5]
    assert answers["boundaries"].score(sections)["F-measure@3.0"] > 0.8
    assert "not the same piece" in answers["side_by_side"].message.lower()


def test_own_vectors(answers):
    assert answers["vectors"].shape == (10, 8)
