"""Options that are numbers, checked at the door."""

from __future__ import annotations

from typing import Any

import numpy as np

from embviz.errors import OptionError


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
