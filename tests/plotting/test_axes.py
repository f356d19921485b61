"""Axes of a map: what values become, where their ends are, and which ticks say so."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from embviz.errors import OptionError
from embviz.plotting.axes import coordinate_axis, encode_axis, missing_notes


def day(text):
    return float(np.datetime64(text, "D").astype(int))


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1, 2.5, None, np.inf], "number", [1, 2.5, np.nan, np.nan]),
        (pd.array([1999, None, 2001], dtype="Int64"), "number", [1999, np.nan, 2001]),
        ([-1e308, 1, 2, 1e308], "number", [np.nan, 1, 2, np.nan]),
        (["120", "", "98.5"], "number", [120, np.nan, 98.5]),
        (["2001-05", "2003-01-02", ""], "date", [day("2001-05-01"), day("2003-01-02"), np.nan]),
        (pd.to_datetime(["2001-05-01 12:00", None, "1970-01-01 00:00"]), "date", [day("2001-05-01") + 0.5, np.nan, 0]),
        ([dt.date(2001, 5, 1), dt.date(2002, 5, 1)], "date", [day("2001-05-01"), day("2002-05-01")]),
        (["rock", None, "jazz"], "category", [1, np.nan, 0]),
        (["disc 10", "disc 9"], "category", [1, 0]),
        ([True, False, None], "category", [1, 0, np.nan]),
        (pd.Categorical(["low", "high"], ["low", "middle", "high"], ordered=True), "category", [0, 1]),
    ],
)  # fmt: skip
def test_values_are_numbers_dates_or_categories(values, kind, expected):
    axis = encode_axis(values, title="x")
    assert axis.kind == kind
    np.testing.assert_array_equal(axis.numbers, expected)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([120, 120, None], r"'bpm' is '120' everywhere; an axis needs values that differ"),
        (["rock", "rock"], r"'bpm' is 'rock' everywhere"),
        (["2001-05", "2001-05-01"], r"'bpm' is '2001-05-01' everywhere"),
        ([None, "", np.nan], r"Nothing is known of 'bpm'"),
        ([f"title {i}" for i in range(155)], r"'bpm' has 155 different texts; an axis has room for 40"),
    ],
)
def test_what_is_no_axis_says_why(values, sentence):
    with pytest.raises(OptionError, match=sentence):
        encode_axis(values, title="bpm", unit="BPM")


def test_ticks_are_round_and_few():
    axis = encode_axis([60, 180], title="bpm")
    assert axis.ends == pytest.approx((55.2, 184.8))
    assert axis.ticks(3) == [(100.0, "100"), (150.0, "150")]
    small = encode_axis([-0.01, 0.01], title="x")
    assert [text for _, text in small.ticks(6)] == ["−0.010", "−0.005", "0", "0.005", "0.010"]
    years = encode_axis(["1959-06-01", "2003-01-01"], title="released")
    assert [text for _, text in years.ticks(5)] == ["1960", "1970", "1980", "1990", "2000"]
    assert dict(years.ticks(5))[day("1960-01-01")] == "1960"
    months = encode_axis(["2001-01-15", "2001-12-20"], title="released")
    assert [text for _, text in months.ticks(5)] == ["2001-04", "2001-07", "2001-10", "2002-01"]
    assert [text for _, text in encode_axis(list("abcd"), title="x").ticks(2)] == ["a", "c"]
    assert coordinate_axis([0.0, 1.0], "UMAP 1").ticks(5) == []


def test_points_of_a_category_are_spread_over_its_room_and_no_further():
    axis = encode_axis(["a", "b"] * 50, title="x")
    assert np.abs(axis.places - axis.numbers).max() < 0.3
    assert len(np.unique(axis.places)) == 100
    assert axis.ends == (-0.5, 1.5)
    np.testing.assert_array_equal(encode_axis(["a", None, "b"], title="x").places, [0, np.nan, 1])


def test_what_has_no_value_is_said():
    axes = [encode_axis([60, 90, None], title="bpm"), encode_axis([1, 2, 3], title="year")]
    assert missing_notes(axes, "track") == ["1 track has no bpm: not shown."]
