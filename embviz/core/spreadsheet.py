"""Cells of CSV files as spreadsheets open them: a text that begins like a formula is computed, and may do harm.

Conventions: the safe form is that of OWASP (https://owasp.org/www-community/attacks/CSV_Injection): an apostrophe
stands before such a text. Numbers stay as they are. A text that looks as if it had that form already is given one more
apostrophe in either form, so that :func:`unescape_cell` gives back what was written. Lines in a cell end in LF.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pandas import DataFrame


# Spreadsheets take the full-width signs of East Asian keyboards for the usual ones.
FORMULA = re.compile(r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
ESCAPED = re.compile(rf"'+{FORMULA.pattern}")
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)


def escape_cell(cell: Any, *, safe: bool) -> Any:
    """Return a cell as it is written to a CSV file, in the safe form or as it is."""
    if not isinstance(cell, str):
        return cell
    cell = re.sub("\r\n?", "\n", cell)  # readers take any other for the end of a row
    formula = safe and FORMULA.match(cell) and not NUMBER.fullmatch(cell)
    return f"'{cell}" if formula or ESCAPED.match(cell) else cell


def unescape_cell(cell: Any) -> Any:
    """Return a cell as it was before :func:`escape_cell`."""
    return cell[1:] if isinstance(cell, str) and ESCAPED.match(cell) else cell


def escape_table(table: DataFrame, *, safe: bool) -> DataFrame:
    """Return a table whose texts, names of columns included, are as they are written to a CSV file."""
    return _map_texts(table, partial(escape_cell, safe=safe))


def unescape_table(table: DataFrame) -> DataFrame:
    """Return a table as it was before :func:`escape_table`."""
    return _map_texts(table, unescape_cell)


def _map_texts(table: DataFrame, call: Any) -> DataFrame:
    import pandas as pd

    changed = table.set_axis([call(name) for name in table.columns], axis=1)
    for place, dtype in enumerate(table.dtypes):
        if (
            isinstance(dtype, pd.CategoricalDtype)
            or pd.api.types.is_string_dtype(dtype)
            or pd.api.types.is_object_dtype(dtype)
        ):
            changed.isetitem(place, table.iloc[:, place].astype(object).map(call))
    return changed
