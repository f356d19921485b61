"""Options and arguments, checked at the door."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.errors import OptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def check_number(
    value: Any, expected: str, *, above: float = -np.inf, least: float = -np.inf, most: float = 1e9
) -> float:
    """Return a number, checked to be above `above` and from `least` to `most`; `expected` begins the error."""
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool | np.bool_)
    if not number or not (value > above and least <= value <= most):
        raise OptionError(f"{expected}, {value!r:.80} was found.")
    return float(value)


def check_count(value: Any, expected: str) -> int:
    """Return a whole number, checked to be 1 or more; `expected` begins the error."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise OptionError(f"{expected}, 1 or more; {value!r:.80} was found.")
    return int(value)


def check_type(value: Any, kind: type | tuple[type, ...], expected: str, remedy: str = "") -> None:
    """Raise OptionError unless a value is of a type: `expected` begins the error, and `remedy` is a sentence."""
    if not isinstance(value, kind):
        raise OptionError(f"{expected}, {type(value).__name__} was found.{remedy and f' {remedy}'}")


def check_path(value: Any, expected: str) -> Path:
    """Return a path, checked to be one; `expected` begins the error."""
    check_type(value, (str, os.PathLike), expected)
    return Path(value)


def check_rows(value: Any, dtype: type, expected: str) -> NDArray[Any]:
    """Return numbers, checked to be rows of them, ``[n, d]``; `expected` begins the error."""
    try:
        rows: NDArray[Any] = np.asarray(value, dtype=dtype)
    except (TypeError, ValueError):
        raise OptionError(f"{expected}, {type(value).__name__} was found.") from None
    if rows.ndim != 2:
        what = f"an array of shape {rows.shape}" if rows.ndim else type(value).__name__
        raise OptionError(f"{expected}, {what} was found.")
    return rows
