"""Text for people: counts, lengths of time and names, written the same everywhere."""

from __future__ import annotations

import contextlib
import html
import math
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LONGEST_LINE = 300  # letters of what files say about themselves
LONGEST_TEXT = 500  # letters of a cell


# Numbers. ------------------------------------------------------------------------------------------------------------


def plural(number: int, noun: str) -> str:
    """Return a number and what is counted, in the plural where it is not one: ``"1 frame"``, ``"1,234 frames"``."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def format_magnitude(number: int) -> str:
    """Return a large number with the letter of its magnitude: ``"790 k"``, ``"6.1 M"``."""
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            scaled = number / size
            return f"{scaled:.1f} {letter}" if scaled < 10 else f"{scaled:.0f} {letter}"
    return str(number)


def format_number(value: float, digits: int = 2) -> str:
    """Return a number with the sign that numbers have in print, ``"−0.43"``; a dash where there is none."""
    return f"{value:.{digits}f}".replace("-", "−") if math.isfinite(value) else "–"


def format_ends(low: float, high: float, digits: int = 3) -> tuple[str, str]:
    """Return the ends of a range, both as fine as a few digits tell the larger one: ``("0", "0.573")``."""
    largest = max(abs(low), abs(high))
    decimals = digits - 1 - math.floor(math.log10(largest)) if 0 < largest < math.inf else 0
    first, last = (f"{round(end, decimals) or 0:.{digits}g}".replace("-", "−") for end in (float(low), float(high)))
    return first, last


def format_interval(value: float, low: float, high: float) -> str:
    """Return a number with its interval: ``"0.61 [0.55, 0.66]"``."""
    ends = f" [{format_number(low)}, {format_number(high)}]" if math.isfinite(low) and math.isfinite(high) else ""
    return f"{format_number(value)}{ends}"


def format_share(share: float) -> str:
    """Return a share in percent: ``"12 %"``, ``"0.3 %"``."""
    if 0 < share < 0.001:
        return "< 0.1 %"
    return f"{100 * share:.1f} %" if 0 < share < 0.1 else f"{100 * share:.0f} %"


def format_time(seconds: float, decimals: int = 0) -> str:
    """Return seconds as ``2:02``, or as ``2:02.5`` with decimals, and hours where there are some."""
    scale = 10**decimals
    # Rounded once, so that 59.96 becomes 1:00.0 and never 0:60.0.
    whole, fraction = divmod(round(seconds * scale), scale)
    minute, second = divmod(whole, 60)
    hours, minute = divmod(minute, 60)
    rest = f"{second:02d}" + (f".{fraction:0{decimals}d}" if decimals else "")
    return f"{hours}:{minute:02d}:{rest}" if hours else f"{minute}:{rest}"


def format_seconds(seconds: float, digits: int = 3) -> str:
    """Return a stretch of time, such as a hop or a patch, of a few digits: ``"1.49 s"``, ``"16 ms"``, ``"22.7 µs"``."""
    unit, size = ("µs", 1e6) if seconds < 1e-3 else ("ms", 1e3) if seconds < 0.1 else ("s", 1)
    return f"{seconds * size:.{digits}g} {unit}"


def format_duration(seconds: float) -> str:
    """Return roughly how long something takes: ``"40 s"``, ``"12 min"``, ``"2.5 h"``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


# Names and cells, whoever wrote them. --------------------------------------------------------------------------------


def printable(text: str) -> str:
    """Return text that can be encoded: half of a pair of surrogates becomes a question mark."""
    return text.encode("utf-8", "replace").decode()


def printable_name(path: Path) -> str:
    """Return the name of a file as text that can be printed and written, whatever its bytes are."""
    return printable(path.name)


def one_line(text: str) -> str:
    """Return text on one line that does not turn the writing direction of what stands beside it."""
    line = "".join(" " if unicodedata.category(letter) in {"Cc", "Zl", "Zp"} else letter for letter in text)
    return re.sub("[\u202a-\u202e\u2066-\u2069]", "", line)


def collapse_spaces(text: str) -> str:
    """Return text with one space between its words, and no line breaks."""
    return " ".join(text.split())


def clean_line(value: object) -> str:
    """Return anything as one printable line, one space between its words."""
    text = str(value)
    if not (text.isascii() and text.isprintable()):  # most are, and one_line() looks at each letter
        text = one_line(printable(text))
    return collapse_spaces(text)


def shorten(value: object, longest: int = LONGEST_LINE) -> str:
    """Return anything as :func:`clean_line` does, cut to a number of letters."""
    text = clean_line(str(value)[: 4 * longest])
    return text if len(text) <= longest else text[: longest - 1] + "…"


def trim_lines(value: Any) -> Any:
    """Return a text, or each text of nested lists, on one line without spaces at its ends."""
    return one_line(value).strip() if isinstance(value, str) else [trim_lines(item) for item in value]


def parse_sections(text: str) -> tuple[tuple[str, float], ...]:
    """Return the parts of a track from a text such as ``"intro 0.000; verse 7.500"``: names, and starts in seconds.

    In the order of time; what is no section is left out.
    """
    found = []
    for part in text.split(";"):
        name, _, start = part.strip().rpartition(" ")
        with contextlib.suppress(ValueError):
            found.append((name.strip(), float(start)))
    return tuple(sorted((one for one in found if 0 <= one[1] < math.inf), key=lambda section: section[1]))


def is_missing(value: object) -> bool:
    """Tell whether a cell of a table is empty; a list is not, whatever stands in it."""
    import pandas as pd

    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def html_table(rows: Mapping[str, str]) -> str:
    """Return an HTML table of two columns: names, and what a notebook is to show beside them."""
    left = "style='text-align:left'"
    lines = (f"<tr><th {left}>{name}</th><td {left}>{html.escape(text)}</td></tr>" for name, text in rows.items())
    return f"<table>{''.join(lines)}</table>"


def format_cell(value: object) -> str:
    """Return a cell of a table as text on one line; empty where there is none."""
    return "" if is_missing(value) else one_line(printable(str(value)[:LONGEST_TEXT]))
