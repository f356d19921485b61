"""Columns of a collection that can be predicted, and those by which tracks can be grouped or split into folds.

Conventions: a column is offered with its ``name``, a ``title`` that can be shown, its ``kind`` (classes, a quantity or
labels), how many ``classes`` it has for how many ``tracks``, of which the smallest has the ``fewest``, and ``why`` it
cannot be predicted, or an empty text.
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
    """Return the columns that hold anything, those that can be predicted first, and among these the quantities last."""
    usable = table[table["problem"] == ""] if "problem" in table.columns else table
    found = [_describe_column(str(name), filled_values(usable[name])) for name in table.columns if name not in FILES]
    return sorted(
        (one for one in found if one["tracks"]), key=lambda one: (bool(one["why"]), one["kind"] == "quantity")
    )


def default_target(offered: list[Target]) -> str:
    """Return the column that is predicted where none was chosen; empty where none can be."""
    kinds = {one["name"]: one.get("kind", "classes") for one in offered if not one["why"]}
    able = sorted(kinds, key=lambda name: kinds[name] != "classes")
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
        if 2 <= filled_values(table[name]).astype(str).nunique() <= MOST_FOLDS
    ]


def _describe_column(name: str, values: pd.Series[Any]) -> Target:
    found = _read(name, values)
    if found is None or found.kind == "classes":
        sizes = values.astype(str).value_counts()
        fewest, kind, classes, why = (
            int(sizes.min()) if len(sizes) else 0,
            "classes",
            len(sizes),
            _why_not(sizes, found),
        )
    else:
        sides = (found.truth, ~found.truth) if found.kind == "labels" else ()
        fewest = min((int(side.sum(axis=0).min(initial=len(found))) for side in sides), default=len(found))
        kind, classes = found.kind, len(found.classes)
        why = "" if fewest > 1 else "a label is on one track, or on none, or on all but one"
    return {
        "name": name, "title": _title(name), "kind": kind, "classes": classes, "tracks": len(values), "fewest": fewest,
        "why": why,
    }  # fmt: skip


def _read(name: str, values: pd.Series[Any]) -> labels.Labels | None:
    """Return what a column holds, or None where it cannot be predicted."""
    try:
        found, _ = labels.read_labels(values.to_frame(name), name)
    except EmbvizError:
        return None
    return found if found.kind != "labels" or len(found.classes) > 1 else None


def _why_not(sizes: pd.Series[int], found: labels.Labels | None) -> str:
    """Return why a column of classes cannot be predicted, in a few words."""
    if len(sizes) < 2:
        return "one class only"
    if len(sizes) == sizes.sum():
        return "each track has its own"
    if len(sizes) > MOST_CLASSES:
        return f"{len(sizes):,} classes are too many"
    if found is None:
        return "no classes"
    return "" if (sizes > 1).sum() > 1 else "hardly a class has two tracks"


def _title(name: str) -> str:
    return one_line(printable(name))[:120]


def _is_grouping(values: pd.Series[Any]) -> bool:
    """Tell whether anything belongs together, and not all."""
    return not any(map(labels.is_list, values)) and 1 < len(values.unique()) < len(values)
