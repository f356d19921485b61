"""Axes of a map: values of points as places along a line, and the ticks that say what places mean.

Conventions: numbers stand for themselves, dates as days since 1970, categories as places in their labels, from 0. On a
map, places run from −1, which means `low`, to 1, which means `high`.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.core.text import format_cell, one_line, plural, printable
from embviz.errors import OptionError
from embviz.plotting.encodings import is_missing

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


MOST_CATEGORIES = 40  # that an axis has room for
LARGEST = 1e300  # number: differences of two have to be finite
ROOM = 0.04  # of the extent of the values, that is left free at both ends
JITTER = 0.56  # of the room of a category, that its points are spread over
CROWD = 10  # points of a category, from about which on they take all of that
GOLDEN = (math.sqrt(5) - 1) / 2
ISO_DATE = re.compile(r"\d{4}-\d{2}(-\d{2}([T ]\d{2}:\d{2}(:\d{2})?)?)?")
DAY_STEPS = (1, 2, 7, 14)
MONTH_STEPS = (1, 3, 6)


@dataclass(frozen=True, eq=False)
class Axis:
    """What one direction of a map means.

    Parameters
    ----------
    title, unit : str
        In words.
    numbers : ndarray, shape [n], float64
        A value for each point (see the conventions of this module); NaN where nothing is known.
    kind : {"number", "date", "category", "none"}
        What they are; ``"none"``: a coordinate of a projection, whose numbers mean nothing.
    labels : tuple of str
        Names of the categories.
    """

    title: str
    numbers: NDArray[np.float64]
    unit: str = ""
    kind: str = "number"
    labels: tuple[str, ...] = ()

    @property
    def heading(self) -> str:
        """Title and unit."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    @property
    def known(self) -> NDArray[np.bool_]:
        """Of which points there is a value."""
        return np.isfinite(self.numbers)

    @property
    def ends(self) -> tuple[float, float]:
        """The values at both ends of the axis."""
        if self.kind == "category":
            return -0.5, len(self.labels) - 0.5
        known = self.numbers[self.known]
        if not len(known):
            return 0.0, 1.0
        low, high = float(known.min()), float(known.max())
        room = ROOM * (high - low) or 0.5
        return low - room, high + room

    @property
    def places(self) -> NDArray[np.float64]:
        """The values as they are drawn: points of one category are spread over its room, so that all are seen."""
        if self.kind != "category":
            return self.numbers
        codes = np.where(self.known, self.numbers, 0).astype(np.int64)
        count = np.bincount(codes[self.known], minlength=len(self.labels))[codes]
        room = JITTER * np.clip((count - 1) / CROWD, 0, 1)  # a single point stands at its tick
        return self.numbers + ((np.arange(len(codes)) * GOLDEN) % 1 - 0.5) * room

    def to_dict(self) -> dict[str, Any]:
        """Return what the page is told of it beside the places, ready for JSON."""
        low, high = self.ends
        return {
            "title": self.title, "unit": self.unit, "kind": self.kind, "low": low, "high": high,
            "labels": list(self.labels), "missing": int((~self.known).sum()),
        }  # fmt: skip

    def ticks(self, most: int) -> list[tuple[float, str]]:
        """Return values and texts of at most about so many ticks."""
        low, high = self.ends
        if self.kind == "none":
            return []
        if self.kind == "category":
            every = max(1, math.ceil(len(self.labels) / most))
            return [(float(i), label) for i, label in enumerate(self.labels) if i % every == 0]
        if self.kind == "date":
            return list(_date_ticks(low, high, most))
        step = _round_step((high - low) / most)
        multiples = step * np.arange(math.ceil(low / step), math.floor(high / step) + 1)
        decimals = _decimals_of(step)
        return [(float(number), _number_text(float(number), decimals)) for number in multiples]


def encode_axis(values: ArrayLike | Sequence[Any], *, title: str, unit: str = "") -> Axis:
    """Return values, one per point, as an axis.

    Parameters
    ----------
    values : sequence
        Numbers, dates, truth values or texts; texts that are all numbers, or all dates (``2001-05``), are such.
        ``None``, NaN and the empty text are missing. Categories stand in the order that they have themselves
        (:class:`pandas.Categorical`), or else in that of the alphabet.
    title, unit : str
        What the values are.

    Returns
    -------
    Axis

    Raises
    ------
    OptionError
        If there are no values, all are the same, or there are more different texts than an axis has room for.

    Examples
    --------
    >>> encode_axis([60, 120, None, 90], title="bpm", unit="BPM").ends
    (57.6, 122.4)
    >>> encode_axis(["rock", "jazz", "rock"], title="genre").labels
    ('jazz', 'rock')
    """
    import pandas as pd

    series = pd.Series(values).reset_index(drop=True)
    axis = _encode(series, one_line(printable(title)) or "value", unit)
    _check_differs(axis)
    return axis


def _encode(series: Any, title: str, unit: str) -> Axis:
    import pandas as pd

    codes = None
    if series.dtype.kind == "O" and not isinstance(series.dtype, pd.CategoricalDtype):
        # Each value once: there may be a million points of few tracks.
        with contextlib.suppress(TypeError):  # lists, or whatever else cells can hold
            codes, uniques = pd.factorize(series)
            series = pd.Series(uniques, dtype=object)
    axis = _numbers(series, title, unit) or _dates(series, title) or _categories(series, title)
    return axis if codes is None else replace(axis, numbers=np.append(axis.numbers, np.nan)[codes])


def _check_differs(axis: Axis) -> None:
    known = np.unique(axis.numbers[axis.known])
    if not len(known):
        raise OptionError(f"Nothing is known of {axis.title!r}: no point has a value of it. Choose another axis.")
    if len(known) == 1:
        same = axis.labels[0] if axis.kind == "category" else _value_text(axis, float(known[0]))
        raise OptionError(
            f"{axis.title!r} is {same!r:.80} everywhere; an axis needs values that differ. Choose another one."
        )


def coordinate_axis(values: ArrayLike, title: str) -> Axis:
    """Return a coordinate of a projection as an axis without ticks."""
    return Axis(title, np.asarray(values, np.float64), kind="none")


def missing_notes(axes: Sequence[Axis], what: str) -> list[str]:
    """Return sentences about points that lack a value, such as ``12 tracks have no bpm: not shown.``"""
    notes = []
    for axis in axes:
        missing = int((~axis.known).sum())
        if missing:
            verb = "has" if missing == 1 else "have"
            notes.append(f"{plural(missing, what)} {verb} no {axis.title}: not shown.")
    return notes


def _numbers(series: Any, title: str, unit: str) -> Axis | None:
    import pandas as pd
    from pandas.api.types import is_bool_dtype, is_complex_dtype, is_numeric_dtype

    if is_bool_dtype(series.dtype) or is_complex_dtype(series.dtype) or isinstance(series.dtype, pd.CategoricalDtype):
        return None
    if is_numeric_dtype(series.dtype):
        numbers = series.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        items = [None if is_missing(item) else item for item in series]
        known = [item for item in items if item is not None]
        if not known or any(isinstance(item, bool) for item in known):
            return None
        try:
            numbers = np.array([math.nan if item is None else float(item) for item in items])
        except (TypeError, ValueError, OverflowError):
            return None
    return Axis(title, np.where(np.abs(numbers) < LARGEST, numbers, np.nan), unit)


def _dates(series: Any, title: str) -> Axis | None:
    import pandas as pd
    from pandas.api.types import is_datetime64_any_dtype

    if not is_datetime64_any_dtype(series.dtype):
        known = [item for item in series if not is_missing(item)]
        if isinstance(series.dtype, pd.CategoricalDtype) or not known:
            return None
        if not all(
            hasattr(item, "isoformat") or (isinstance(item, str) and ISO_DATE.fullmatch(item)) for item in known
        ):
            return None
        series = pd.to_datetime(series.where(~series.map(is_missing)), errors="coerce", format="ISO8601", utc=True)
    times = pd.to_datetime(series, utc=True)
    seconds = (times - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)
    return Axis(title, seconds.to_numpy(dtype=np.float64, na_value=np.nan), kind="date")


def _categories(series: Any, title: str) -> Axis:
    import pandas as pd

    texts = [_category_text(item) for item in series]
    found = set(texts) - {""}
    if isinstance(series.dtype, pd.CategoricalDtype):
        order = [text for text in map(_category_text, series.cat.categories) if text in found]
    else:
        order = sorted(found, key=_natural)
    if len(order) > MOST_CATEGORIES:
        raise OptionError(
            f"{title!r} has {len(order):,} different texts; an axis has room for {MOST_CATEGORIES}. Color by it, or "
            "choose another axis."
        )
    place = {text: float(i) for i, text in enumerate(order)}
    values = np.array([place.get(text, math.nan) for text in texts], dtype=np.float64)
    return Axis(title, values, kind="category", labels=tuple(order))


def _category_text(item: Any) -> str:
    if isinstance(item, bool | np.bool_):
        return "yes" if item else "no"
    return "" if is_missing(item) else one_line(format_cell(item))


def _natural(text: str) -> list[tuple[int, float, str]]:
    """Return what texts are sorted by: numbers in them by their size."""
    parts = re.split(r"(\d+)", text.casefold())
    return [(0, float(part), "") if part.isdecimal() else (1, 0.0, part) for part in parts if part]


def _value_text(axis: Axis, value: float) -> str:
    return _date_text(value, days=True) if axis.kind == "date" else _number_text(value, 6)


def _round_step(raw: float) -> float:
    power = 10.0 ** math.floor(math.log10(raw))
    return power * next((factor for factor in (1, 2, 5) if factor * power >= raw * 0.999), 10)


def _decimals_of(step: float) -> int:
    """Return how many digits behind the point tell multiples of a step apart."""
    return max(0, -math.floor(math.log10(step) + 1e-9))


def _number_text(value: float, decimals: int) -> str:
    text = f"{value:.{decimals}f}" if decimals <= 6 and abs(value) < 1e9 else f"{value:.3g}"
    trimmed = text.rstrip("0").rstrip(".") if "." in text and decimals == 6 else text
    return trimmed.replace("-", "−") if float(value) else "0"


def _date_text(value: float, *, days: bool) -> str:
    text = str(np.datetime64(math.floor(value), "D"))
    return text if days else text[:7]


def _date_ticks(low: float, high: float, most: int) -> Iterator[tuple[float, str]]:
    """Yield days, first days of months or of years, as few as there is room for."""
    span = (high - low) / most  # days
    if span <= DAY_STEPS[-1]:
        step = next(step for step in DAY_STEPS if step >= span)
        for day in range(math.ceil(low / step) * step, math.floor(high) + 1, step):
            yield float(day), _date_text(day, days=True)
        return
    months = next((step for step in MONTH_STEPS if step * 30.4 >= span), 0)
    step = months or 12 * int(max(1, _round_step(span / 365.25)))
    first = int(np.datetime64(math.floor(low), "D").astype("datetime64[M]").astype(int))
    for month in range(math.ceil(first / step) * step, first + math.ceil((high - low) / 28) + step, step):
        at = float(np.datetime64(month, "M").astype("datetime64[D]").astype(int))
        if low <= at <= high:
            yield at, _date_text(at, days=False)[: 7 if months else 4]
