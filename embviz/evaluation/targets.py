"""Columns of a collection that can be predicted, and those by which tracks can be grouped or split into folds.

Conventions: a column is offered with its ``name``, a ``title`` that can be shown, its ``kind`` (classes, a quantity or
labels), how many ``classes`` it has for how many ``tracks``, of which the smallest has the ``fewest``, and ``why`` it
cannot be predicted, or an empty text. ``kinds`` are all that it can be taken for, and ``ask`` is the option ``kind`` of
:func:`embviz.evaluate` by which it is taken for the one that is offered.
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
    found = [_offer(str(name), filled_values(usable[name])) for name in table.columns if name not in FILES]
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


def _offer(name: str, values: pd.Series[Any]) -> Target:
    """Return a column as what it holds, or as what else it can be taken for where that cannot be predicted."""
    first = describe_column(name, values)
    found = [first, *(describe_column(name, values, kind) for kind in _other_kinds(first, values))]
    able = [one for one in found if not one["why"]] or [first]
    kinds = [one["kind"] for one in able]
    return {**able[0], "kinds": kinds, "ask": "auto" if able[0] is first else kinds[0]}


def _other_kinds(first: Target, values: pd.Series[Any]) -> list[str]:
    """Return what else a column may be taken for: numbers may be classes, and texts lists of labels."""
    cells = values.tolist()
    if all(map(labels.is_number, cells)):
        return [kind for kind in ("classes", "quantity") if kind != first["kind"]]
    return ["labels"] if labels.separator_of(cells) else []


def describe_column(name: str, values: pd.Series[Any], kind: str = "auto") -> Target:
    """Return a column as it would be predicted, from its values that are known."""
    found = _read(name, values, kind)
    if found is None or found.kind == "classes":
        sizes = values.astype(str).value_counts()
        odd = _why_no_numbers(values) if found is None and len(sizes) > 1 else ""
        fewest, held, classes, why = (
            int(sizes.min()) if len(sizes) else 0,
            "classes",
            len(sizes),
            odd or _why_not(sizes, found),
        )
    else:
        sides = (found.truth, ~found.truth) if found.kind == "labels" else ()
        fewest = min((int(side.sum(axis=0).min(initial=len(found))) for side in sides), default=len(found))
        held, classes = found.kind, len(found.classes)
        why = "" if fewest > 1 else "a label is on one track, or on none, or on all but one"
    return {
        "name": name, "title": _title(name), "kind": held, "classes": classes, "tracks": len(values), "fewest": fewest,
        "why": why,
    }  # fmt: skip


def _read(name: str, values: pd.Series[Any], kind: str) -> labels.Labels | None:
    """Return what a column holds, or None where it cannot be predicted."""
    try:
        found, _ = labels.read_labels(values.to_frame(name), name, kind=kind)
    except EmbvizError:
        return None
    return found if found.kind != "labels" or len(found.classes) > 1 else None


def _why_no_numbers(values: pd.Series[Any]) -> str:
    """Return why what looks like a quantity cannot be predicted; empty where it does not."""
    if labels.find_number_text(values):
        return "numbers as text"
    return "numbers that are not finite" if all(map(labels.is_number, values)) else ""


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
    return not any(map(labels.is_list, values)) and 1 < values.astype(str).nunique() < len(values)
