"""How counts, lengths and names are said to people, the same everywhere."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from embviz.core.embedding import Embedding

__all__ = [
    "count",
    "every",
    "format_cell",
    "minutes",
    "one_line",
    "printable",
    "printable_name",
    "roughly",
    "short",
]

LONGEST_TEXT = 500


def count(number: int, what: str) -> str:
    """Return a count and what is counted: ``"1 frame"``, ``"1,234 frames"``."""
    return f"{number:,} {what}{'s' * (number != 1)}"


def short(number: int) -> str:
    """Return a large count as people say it: ``790 k``, ``6.1 M``."""
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            shown = number / size
            return f"{shown:.1f} {letter}" if shown < 10 else f"{shown:.0f} {letter}"
    return str(number)


def every(embedding: Embedding) -> str:
    """Return how often a frame comes: ``"every 1.49 s"``."""
    period = embedding.grid.period
    return f"every {period:.3g} s" if period >= 0.001 else f"every {period * 1e6:.3g} µs"


def minutes(seconds: float, decimals: int = 0) -> str:
    """Return seconds as ``2:02``, or as ``2:02.5`` with decimals, and hours where there are some."""
    scale = 10**decimals
    # Rounded once, so that 59.96 becomes 1:00.0 and never 0:60.0.
    whole, fraction = divmod(round(seconds * scale), scale)
    minute, second = divmod(whole, 60)
    hours, minute = divmod(minute, 60)
    rest = f"{second:02d}" + (f".{fraction:0{decimals}d}" if decimals else "")
    return f"{hours}:{minute:02d}:{rest}" if hours else f"{minute}:{rest}"


def one_line(text: str) -> str:
    """Return text on one line that does not turn the writing direction of what stands beside it."""
    shown = "".join(" " if unicodedata.category(letter) in {"Cc", "Zl", "Zp"} else letter for letter in text)
    return re.sub("[\u202a-\u202e\u2066-\u2069]", "", shown)


def roughly(seconds: float) -> str:
    """Return a length of time as one tells it to somebody who waits."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def printable_name(path: Path) -> str:
    """Return the name of a file as text that can be printed and written, whatever its bytes are."""
    return printable(path.name)


def printable(text: str) -> str:
    """Return text that can be printed and written: what is no character becomes a question mark."""
    return text.encode("utf-8", "replace").decode()


def format_cell(value: Any) -> str:
    """Return a value of the table as text on one line; empty where there is none."""
    import pandas as pd

    missing = pd.api.types.is_scalar(value) and pd.isna(value)  # of a list it is asked of each item
    return "" if missing else one_line(printable(str(value)[:LONGEST_TEXT]))
