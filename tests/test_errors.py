"""The sentences of errors."""

import pytest

from embviz.errors import did_you_mean

COLUMNS = ["title", "artist", "album", "genre", "year", "duration", "style", "bpm", "key"]


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("stile", "style"), ("styl", "style"), ("titel", "title"), ("bmp", "bpm"), ("Genres", "genre"), ("tempo", "")],
)
def test_the_nearest_name_is_suggested(wrong, meant):
    for known in (COLUMNS, COLUMNS[::-1]):
        assert did_you_mean(wrong, known) == (f" Did you mean {meant!r}?" if meant else "")
