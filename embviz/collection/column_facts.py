"""What is known of a column beside its values: its unit, and where it comes from.

Kept in the ``attrs`` of the table, which pandas hands on and parquet files hold; of columns with well-known names the
unit is known anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pandas import DataFrame

KEY = "embviz_columns"
UNITS = {"duration": "s", "tempo": "BPM", "trust": "%"}  # of columns whose names do not say it


def column_unit(table: DataFrame, name: Any) -> str:
    """Return the unit of a column, or an empty text."""
    return _text(table, name, "unit") or UNITS.get(name, "")


def column_origin(table: DataFrame, name: Any) -> str:
    """Return where a column comes from, or an empty text."""
    return _text(table, name, "origin")


def with_facts(table: DataFrame, facts: Mapping[str, Mapping[str, str]]) -> DataFrame:
    """Return the table with what is known of some of its columns."""
    table = table.copy(deep=False)
    table.attrs = {**table.attrs, KEY: {**_known(table), **{name: dict(fact) for name, fact in facts.items()}}}
    return table


def without_facts(table: DataFrame, names: Any) -> DataFrame:
    """Return the table without what was known of columns that are others now."""
    known = _known(table)
    if known.keys() & set(names):
        table = table.copy(deep=False)
        table.attrs = {**table.attrs, KEY: {name: fact for name, fact in known.items() if name not in names}}
    return table


def _known(table: DataFrame) -> dict[str, Any]:
    known = table.attrs.get(KEY)  # of a file perhaps: it may be anything
    return known if isinstance(known, dict) else {}


def _text(table: DataFrame, name: Any, what: str) -> str:
    fact = _known(table).get(name) if isinstance(name, str) else None
    text = fact.get(what) if isinstance(fact, dict) else None
    return text if isinstance(text, str) else ""
