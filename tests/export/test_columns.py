"""Which column says most of a collection."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from embviz.export.columns import telling_column

N = 24
HALVES = ["a"] * 12 + ["b"] * 12


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({}, None),
        ({"genre": HALVES, "style": HALVES}, "genre"),
        ({"mood": HALVES, "style": HALVES, "artist": HALVES}, "style"),
        ({"folder": HALVES, "artist": HALVES}, "artist"),
        ({"key": HALVES, "folder": HALVES}, "folder"),
        ({"folder": [""] * 12 + ["live"] * 12}, "folder"),  # those at the top are a group, too
        # All the same, hardly known, or numbers: nothing to see.
        ({"genre": ["rock"] * N, "style": ["x", "y", *[""] * 22], "bpm": [*range(N)], "key": HALVES}, "key"),
        ({"genre": [None] * 12 + HALVES[:6] + HALVES[-6:], "key": HALVES}, "key"),
        # Of many genres the largest have colours; a name of its own for each track says nothing.
        ({"genre": [*(["rock"] * 8 + ["pop"] * 6), *map(str, range(10))]}, "genre"),
        ({"artist": list(map(str, range(N)))}, None),
        ({"comment": list(map(str, range(N))), "live": [True, False] * 12}, "live"),
        ({"comment": [str(i % 13) for i in range(N)]}, None),
        ({"style": [["a", "b"]] * 12 + [["c"]] * 12}, "style"),
    ],
)
def test_the_column_that_says_most_comes_first(columns: dict[str, Any], found: str | None) -> None:
    assert telling_column(pd.DataFrame(columns, index=range(N)), columns) == found


def test_the_styles_of_few_tracks_say_most_of_them() -> None:
    styles = ["rock", "jazz", "electronic (house)", "classical", "ambient", "hip-hop", "metal", "folk", "drums", "solo"]
    table = pd.DataFrame({"key": ["E minor", *["D minor"] * 9], "style": styles})
    assert telling_column(table, table.columns) == "style"
