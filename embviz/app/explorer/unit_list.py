"""The dimensions of a layer as the page lists them: rows, histograms, and in which order."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.core.text import format_interval, format_number, format_share, plural
from embviz.units.card_view import finite_or_none

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from embviz.units.units import Units
    from embviz.widgets.schema import UnitRow

#: How dimensions can be sorted, with what the page calls it.
SORTS = {
    "r": "how surely they are named",
    "name": "name",
    "dimension": "number",
    "selectivity": "selectivity",
    "zeros": "share of zeros",
    "effect": "what separates the selection",
}
BINS = 64


def list_rows(units: Units, effects: pd.Series[float] | None) -> list[UnitRow]:
    """Return a row per dimension, by its number."""
    labels = units.vectors.labels
    rows: list[UnitRow] = []
    for dimension, row in zip(units.table.index, units.table.to_dict("records"), strict=True):
        number = int(dimension)
        effect = math.nan if effects is None else float(effects.get(number, math.nan))
        rows.append({
            "dimension": number, "label": labels[number] if labels else "", "name": str(row["name"]),
            "r": finite_or_none(row["r"]), "low": finite_or_none(row["low"]), "high": finite_or_none(row["high"]),
            "selectivity": finite_or_none(row["selectivity"]), "zeros": float(row["zeros"]),
            "effect": finite_or_none(effect),
            "hint": _hint(number, row),
        })  # fmt: skip
    return rows


def search_units(units: Units, search: str) -> Units:
    """Return the units that a search finds, the best match first; all of them where nothing is searched for."""
    return units.search(search) if search.strip() else units


def matches(found: Units) -> dict[int, str]:
    """Return what a search has found of dimensions that have another name, such as ``"sad 0.45"``."""
    table = found.table
    if "match" not in table:
        return {}
    columns = zip(table.index, table["match"], table["match_r"], table["name"], strict=True)
    return {
        int(i): f"{match} {format_number(r)}" if math.isfinite(r) else str(match)
        for i, match, r, name in columns
        if match != name
    }


def sort_dimensions(found: Units, sort: str, effects: pd.Series[float] | None) -> list[int]:
    """Return the dimensions of units in an order; what a search has found has one of its own, the best match first."""
    table = found.table
    dimensions = [int(dimension) for dimension in table.index]
    if sort == "r" and "match" in table:
        return dimensions
    if sort == "name":
        names, r = table["name"].to_dict(), table["r"].to_dict()
        return sorted(dimensions, key=lambda i: (not names[i], names[i].casefold(), -_known(r[i]), i))
    if sort == "effect":
        known = {} if effects is None else effects.abs().to_dict()
        return sorted(dimensions, key=lambda i: (-_known(known.get(i)), i))
    if sort in ("r", "selectivity", "zeros"):
        column = table[sort].to_dict()
        return sorted(dimensions, key=lambda i: (-_known(column[i]), i))
    return sorted(dimensions)


def scaled_histograms(counts: NDArray[Any]) -> bytes:
    """Return counts ``[d, bins]`` as bytes, 255 in the fullest bin of each dimension and 1 where there is anything."""
    numbers = np.asarray(counts, dtype=np.float64)
    most = np.maximum(numbers.max(axis=1, keepdims=True, initial=0), 1)
    scaled = np.where(numbers > 0, np.maximum(np.round(255 * numbers / most), 1), 0)
    return scaled.astype(np.uint8).tobytes()


def track_histograms(values: NDArray[Any], edges: NDArray[Any]) -> bytes:
    """Return the same of the frames of one track ``[t, d]``, in bins of edges ``[d, bins + 1]``; empty of none."""
    if not len(values):
        return b""
    counts = np.zeros((values.shape[1], edges.shape[1] - 1))
    for i, column in enumerate(values.T.astype(np.float64)):
        finite = column[np.isfinite(column)]
        places = np.clip(np.searchsorted(edges[i], finite, side="right") - 1, 0, counts.shape[1] - 1)
        counts[i] = np.bincount(places, minlength=counts.shape[1])
    return scaled_histograms(counts)


def search_note(found: Units, search: str) -> str:
    """Return what a search has found, or how many dimensions there are."""
    if search.strip() and not len(found):
        return found.notes[-1] if found.notes else "Nothing was found."
    if search.strip():
        return f"{plural(len(found), 'dimension')} for {search.strip()[:60]!r}, the best match first."
    named = int((found.table["name"].astype(str) != "").sum())
    return f"{plural(len(found), 'dimension')}, {named} of them with a name."


def _hint(number: int, row: dict[str, Any]) -> str:
    parts = [f"dimension {number}"]
    if row["name"]:
        interval = format_interval(float(row["r"]), float(row["low"]), float(row["high"]))
        parts += [f"goes with {row['name']} {interval}, held back {format_number(float(row['r_held_back']))}"]
        parts += [f"not with {row['not_with']}"] * bool(row["not_with"])
    parts += [f"separates {row['separates']}"] * bool(row["separates"])
    return " · ".join([*parts, f"zero in {format_share(float(row['zeros']))} of the frames"])


def _known(value: Any) -> float:
    """Return a number that sorts last where it is not known."""
    return float(value) if value is not None and math.isfinite(value) else -math.inf
