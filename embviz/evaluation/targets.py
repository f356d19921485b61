"""Columns of a collection that can be predicted, and those by which tracks can be grouped or split into folds.

Conventions: a column is offered with its ``name``, a ``title`` that can be shown, how many ``classes`` it has for how
many ``tracks``, of which the smallest has the ``fewest``, and ``why`` it cannot be predicted, or an empty text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embviz.core.text import one_line, printable
from embviz.errors import EmbvizError
from embviz.evaluation import labels

if TYPE_CHECKING:
    import pandas as pd

    from embviz.widgets.schema import NameTitle, Target


# What files are, not what is said of them.
FILES = ("path", "name", "title", "duration", "digest", "duplicate_of", "problem", "warning")
# What is most often meant, where it can be had.
USUAL = ("genre", "style", "mood", "class", "label")
APART = ("artist", "album")
MOST_CLASSES = 200
MOST_FOLDS = 20


def filled_values(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return the values of a column that are neither missing nor an empty text."""
    known = column[column.notna()]
    return known[[str(value).strip() != "" for value in known]]


def list_targets(table: pd.DataFrame) -> list[Target]:
    """Return the columns that hold anything, those that can be predicted first."""
    usable = table[table["problem"] == ""] if "problem" in table.columns else table
    found = [_describe_column(str(name), filled_values(usable[name])) for name in table.columns if name not in FILES]
    return sorted((one for one in found if one["tracks"]), key=lambda one: bool(one["why"]))


def default_target(offered: list[Target]) -> str:
    """Return the column that is predicted where none was chosen; empty where none can be."""
    able = [one["name"] for one in offered if not one["why"]]
    own = [name for name in able if name not in (*APART, "year", "folder")]
    return next((name for name in (*USUAL, *own, *able) if name in able), "")


def list_groups(table: pd.DataFrame) -> list[NameTitle]:
    """Return the columns that group tracks, artist and album first."""
    names = [name for name in APART if name in table.columns]
    names += [str(name) for name in table.columns if name not in (*FILES, *APART, "year")]
    return [{"name": name, "title": _title(name)} for name in names if _is_grouping(filled_values(table[name]))]


def list_folds(table: pd.DataFrame) -> list[NameTitle]:
    """Return the columns of folds that come with a dataset."""
    names = [str(name) for name in table.columns if "fold" in str(name).lower()]
    return [
        {"name": name, "title": _title(name)}
        for name in names
        if 2 <= filled_values(table[name]).nunique() <= MOST_FOLDS
    ]


def _describe_column(name: str, values: pd.Series[Any]) -> Target:
    sizes = values.astype(str).value_counts()
    why = _why_not(name, values, sizes)
    fewest = int(sizes.min()) if len(sizes) else 0
    return {
        "name": name, "title": _title(name), "classes": len(sizes), "tracks": len(values), "fewest": fewest, "why": why,
    }  # fmt: skip


def _why_not(name: str, values: pd.Series[Any], sizes: pd.Series[int]) -> str:
    """Return why a column cannot be predicted, in a few words."""
    if len(sizes) < 2:
        return "one class only"
    if len(sizes) == len(values):
        return "each track has its own"
    if len(sizes) > MOST_CLASSES:
        return f"{len(sizes):,} classes are too many"
    try:
        labels.read_labels(values.to_frame(name), name)
    except EmbvizError:
        return "numbers" if values.dtype.kind in "iuf" else "no classes"
    return "" if (sizes > 1).sum() > 1 else "hardly a class has two tracks"


def _title(name: str) -> str:
    return one_line(printable(name))[:120]


def _is_grouping(values: pd.Series[Any]) -> bool:
    """Tell whether anything belongs together, and not all."""
    return 1 < len(values.unique()) < len(values)
