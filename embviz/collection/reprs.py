"""Representations of a collection as text and HTML: a summary line, and its first and last tracks."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from embviz.collection.track_table import COLUMNS
from embviz.core.text import format_time, is_missing, plural, shorten

if TYPE_CHECKING:
    from pandas import DataFrame


AT_EACH_END = 5  # rows
LONGEST_CELL, LONGEST_SENTENCE = 40, 120  # letters
MOST_COLUMNS = 12
FILE_COLUMNS = ("name", "title", "artist", "album", "genre", "year", "duration")


def summary(table: DataFrame) -> str:
    """Return what a collection holds: ``"1,234 tracks · 81 h · 3 cannot be read · 12 duplicates"``."""
    seconds = table["duration"].sum()
    parts = [plural(len(table), "track")]
    if seconds > 0:
        parts.append(_length(seconds))
    broken, doubled = int((table["problem"] != "").sum()), int(table["duplicate_of"].notna().sum())
    if broken:
        parts.append(f"{broken:,} cannot be read")
    odd = int((table["warning"] != "").sum())
    if odd:
        parts.append(f"{plural(odd, 'track')} with a warning")
    if doubled:
        parts.append(plural(doubled, "duplicate"))
    return " · ".join(parts)


def text_repr(table: DataFrame) -> str:
    """Return a collection for a terminal."""
    return f"<Collection: {summary(table)}>" + (f"\n{_head_and_tail(table).to_string()}" if len(table) else "")


def html_repr(table: DataFrame, notes: tuple[str, ...]) -> str:
    """Return a collection for a notebook; whatever stands in it is shown as text."""
    said = "".join(f"<div style='opacity:.7'>{html.escape(shorten(note))}</div>" for note in notes)
    rows = _head_and_tail(table).to_html(escape=True, border=0, notebook=True) if len(table) else ""
    return f"<div><strong>{html.escape(summary(table))}</strong>{said}{rows}</div>"


def _length(seconds: float) -> str:
    if seconds < 3600:
        return f"{format_time(seconds)} min"
    hours = seconds / 3600
    return f"{hours:,.0f} h" if hours >= 10 else f"{hours:.1f} h"


def _head_and_tail(table: DataFrame) -> DataFrame:
    """Return the first and last rows as text: columns in which something stands, each cell on one line."""
    import pandas as pd

    names = [name for name in FILE_COLUMNS if name == "name" or table[name].replace("", pd.NA).notna().any()]
    names += [name for name in table.columns if name not in COLUMNS]
    more, names = len(names) - MOST_COLUMNS, names[:MOST_COLUMNS]
    names += [name for name in ("problem", "warning") if (table[name] != "").any()]
    long = len(table) > 2 * AT_EACH_END
    some = pd.concat([table.head(AT_EACH_END), table.tail(AT_EACH_END)]) if long else table
    cells = {shorten(name): [_cell(name, value) for value in some[name]] for name in names}
    labels = [str(label) for label in some.index]
    if long:
        labels.insert(AT_EACH_END, "…")
        for values in cells.values():
            values.insert(AT_EACH_END, "…")
    if more > 0:
        cells[f"… {plural(more, 'column')} more"] = [""] * len(labels)
    return pd.DataFrame(cells, index=labels)


def _cell(name: str, value: Any) -> str:
    if is_missing(value):
        return ""
    if name == "duration":
        return format_time(value)
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() else f"{value:.4g}"
    return shorten(value, LONGEST_SENTENCE if name in ("problem", "warning") else LONGEST_CELL)
