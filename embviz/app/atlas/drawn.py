"""The table as the page shows it: texts, seconds, and what cannot be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.core.text import format_cell

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from embviz.core.vectors import Vectors

__all__ = ["moments", "problems", "seconds_of"]

MOST_PROBLEMS = 200


def moments(vectors: Vectors) -> NDArray[np.float32] | None:
    """Return when the points are, in seconds; None where they are whole tracks."""
    return None if vectors.times is None else np.asarray(vectors.times, dtype=np.float32)


def problems(table: pd.DataFrame, vectors: Vectors | None) -> tuple[int, list[dict[str, str]]]:
    """Return how many tracks cannot be used, and name and problem of the first of them."""
    known = table["problem"].fillna("").astype(str) if "problem" in table.columns else None
    found = {} if known is None else {int(label): text for label, text in known[known != ""].items()}
    if vectors is not None:
        found |= {int(label): text for label, text in vectors.failed.items()}
    names = table.get("name", table.get("path", {}))
    shown = [
        {"name": format_cell(names.get(label)) or f"track {label}", "problem": format_cell(text)}
        for label, text in list(found.items())[:MOST_PROBLEMS]
    ]
    return len(found), shown


def seconds_of(value: Any) -> float | None:
    """Return a length as JSON can hold it."""
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return None
    return seconds if np.isfinite(seconds) else None
