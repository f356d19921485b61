"""The card of a dimension as a view: what :class:`~embviz.units.units.UnitCard` knows, ready for the page."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.core.text import format_interval, format_number, format_share, plural
from embviz.errors import EmbvizError
from embviz.extraction.filters import first_layer_filters
from embviz.models import model_title
from embviz.units.frames import MAXIMUM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from embviz.core.vectors import Vectors
    from embviz.extraction.filters import Filter
    from embviz.units.units import UnitCard, Units
    from embviz.widgets.schema import UnitCardState, UnitColumn, UnitLink, UnitPicture, UnitTag
    from embviz.widgets.unit_card import UnitCardView

MOST_TAGS, LEAST_TAGS = 6, 2  # that are listed: those it goes with best, and those it goes with least
MOST_COLUMNS, MOST_ALIKE = 6, 8


def card_state(card: UnitCard, units: Units) -> tuple[UnitCardState, list[bytes]]:
    """Return what a :class:`~embviz.widgets.unit_card.UnitCardView` shows of a card, and the cells of its pictures.

    Nothing is said of the open track; see :class:`MarkedFrames`.
    """
    vectors = units.vectors
    edges, counts = (np.asarray(part, dtype=np.float64) for part in card.histogram)
    total = max(float(counts.sum()), 1.0)
    known = bool(np.isfinite(edges).all()) and len(edges) > 1
    filters = _filter_pictures(vectors, card.dimension)
    state: UnitCardState = {
        "dimension": card.dimension,
        "title": dimension_title(vectors, card.dimension),
        "about": f"{model_title(vectors.model)} / {_layer_title(vectors)}",
        "unit": vectors.unit,
        "frames": len(vectors),
        "tracks": len(np.unique(vectors.tracks)),
        "named": card.named,
        "sentence": _sentence(card),
        "tags": _tags(card),
        "basis": _basis(card, units),
        "columns": _columns(card),
        "alike": _alike(card, vectors),
        "facts": _facts(card),
        "notes": list(card.notes[1:]),
        "edges": edges.tolist() if known else [],
        "shares": (counts / total).tolist() if known else [],
        "own": [],
        "track": "",
        "pictures": [picture for picture, _ in filters],
    }
    return state, [cells for _, cells in filters]


def dimension_title(vectors: Vectors, dimension: int) -> str:
    """Return what a dimension is called where nothing around it says so: by its number, and its own name."""
    own = vectors.labels[dimension] if vectors.labels else ""
    kind = "channel" if vectors.layer.endswith(MAXIMUM) else "dimension"
    return f"{own} ({kind} {dimension})" if own else f"{kind.capitalize()} {dimension}"


@dataclass(frozen=True, eq=False)
class MarkedFrames:
    """The frames of one track, to be shown among those of a collection: none, where it is not known.

    Parameters
    ----------
    title : str
        Of the track.
    values : ndarray, shape [t, d]
    times : ndarray, shape [t]
        Centers in seconds.
    """

    title: str
    values: NDArray[np.float32]
    times: NDArray[np.float64]

    @classmethod
    def of(cls, vectors: Vectors, label: int | None, title: str) -> MarkedFrames:
        """Return those of a track of a collection by its label."""
        rows = np.flatnonzero(vectors.tracks == label) if label is not None else np.zeros(0, dtype=np.int64)
        times = np.full(len(rows), np.nan) if vectors.times is None else vectors.times[rows]
        return cls(title, np.take(vectors.values, rows, axis=0), np.asarray(times))

    def show(self, view: UnitCardView) -> None:
        """Mark the frames in the distribution of a card."""
        card = view.card
        values = np.asarray(self.values[:, card["dimension"]], dtype=np.float32)
        own = bin_shares(values, card["edges"]) if len(values) and card["edges"] else []
        known = np.isfinite(self.times)
        with view.hold_sync():
            shown: Any = {**card, "own": own, "track": self.title if own else ""}
            view.card = shown
            view.times, view.values = self.times[known].astype("<f4").tobytes(), values[known].astype("<f4").tobytes()


def bin_shares(values: ArrayLike, edges: Sequence[float]) -> list[float]:
    """Return the share of some values in each bin; those beyond the ends are in the bins there."""
    finite = np.asarray(values, dtype=np.float64)
    finite = finite[np.isfinite(finite)]
    bins = len(edges) - 1
    places = np.clip(np.searchsorted(edges, finite, side="right") - 1, 0, bins - 1)
    counts = np.bincount(places, minlength=bins)
    shares: list[float] = (counts / max(len(finite), 1)).tolist()
    return shares


# Parts. --------------------------------------------------------------------------------------------------------------


def _layer_title(vectors: Vectors) -> str:
    """Return the name of a layer; of feature maps, with what the value of a channel is."""
    layer = vectors.layer.removesuffix(MAXIMUM)
    return layer if layer == vectors.layer else f"{layer}, maximum over frequency"


def _sentence(card: UnitCard) -> list[list[str]]:
    if not card.named:
        return [[card.notes[0] if card.notes else "No model that gives tags is here, so it has no name.", "text"]]
    best = card.tags[card.tags["name"] == card.name].iloc[0]
    interval = format_interval(float(best["r"]), float(best["low"]), float(best["high"]))
    parts = [["Goes with ", "text"], [card.name, "name"], [f" {interval}", "text"]]
    if card.not_with:
        parts += [[", not with ", "text"], [card.not_with, "name"]]
    return [*parts, [".", "text"]]


def _tags(card: UnitCard) -> list[UnitTag]:
    table = card.tags
    listed = [*range(min(MOST_TAGS, len(table))), *range(max(MOST_TAGS, len(table) - LEAST_TAGS), len(table))]
    return [
        {
            "name": str(row["name"]),
            "r": float(row["r"]),
            "low": finite_or_none(row["low"]),
            "high": finite_or_none(row["high"]),
            "held_back": finite_or_none(row["r_held_back"]),
            "tracks": int(row["n_tracks"]),
        }
        for _, row in table.iloc[listed].iterrows()
        if math.isfinite(row["r"])
    ]


def _basis(card: UnitCard, units: Units) -> str:
    if card.tags.empty:
        return ""
    n = int(card.tags["n_tracks"].iloc[0])
    said = f" by {model_title(units.tagger)}" if units.tagger else ""
    return f"Pearson's r with the tags{said}, over the frames of {plural(n, 'track')}; half of them were held back."


def _columns(card: UnitCard) -> list[UnitColumn]:
    found: list[UnitColumn] = []
    for _, row in card.columns.head(MOST_COLUMNS).iterrows():
        ends = [f"highest {row['highest']}, lowest {row['lowest']}"] if row["highest"] else []
        text = ", ".join([f"effect {format_number(float(row['effect']))}", *ends])
        hint = f"p {float(row['p']):.2g}, corrected; {plural(int(row['n_tracks']), 'track')}"
        found.append({"name": str(row["column"]), "text": text, "hint": hint})
    return found


def _alike(card: UnitCard, vectors: Vectors) -> list[UnitLink]:
    rows = [(int(row["dimension"]), float(row["r"])) for _, row in card.alike.head(MOST_ALIKE).iterrows()]
    return [{"dimension": i, "title": vectors.labels[i] if vectors.labels else str(i), "r": r} for i, r in rows]


def _facts(card: UnitCard) -> list[list[str]]:
    return [
        ["Zero", f"in {format_share(card.zeros)} of the frames"],
        ["At its maximum", f"in {format_share(card.saturated)} of the frames"],
        ["Selectivity", f"{format_number(card.selectivity)}, from 0 (even) to 1 (rare)"],
    ]


def _filter_pictures(vectors: Vectors, dimension: int) -> list[tuple[UnitPicture, bytes]]:
    """Return the filter of a channel of a first layer, to be drawn; nothing where it has none."""
    layer = vectors.layer.removesuffix(MAXIMUM)
    try:
        found = [one for one in first_layer_filters(vectors.model) if one.channels.get(layer) == dimension]
    except EmbvizError:  # vectors of one's own, or a network that does not begin with filters
        return []
    return [_filter_picture(one) for one in found]


def _filter_picture(one: Filter) -> tuple[UnitPicture, bytes]:
    reach = float(np.abs(one.values).max(initial=0)) or 1.0
    lowest, highest = one.hertz(0), one.hertz(-1)
    slides = f"; it slides up to {highest[0]:,.0f} to {highest[-1]:,.0f} Hz" if one.positions > 1 else ""
    nothing = "training has left nothing of it, " if one.is_zero else ""
    picture: UnitPicture = {
        "title": f"Its filter: {nothing}{one.frames} frames × {plural(one.bands, 'band')}",
        "hint": f"Energy raises its value where weights are positive{slides}.",
        "shape": [one.frames, one.bands],
        "hz": [float(lowest[0]), float(lowest[-1])] if one.bands > 1 else [float(lowest[0])],
        "seconds": one.frames * one.hop / 1000,
        "low": -reach,
        "high": reach,
        "unit": "weight",
        "signed": True,
    }
    codes = np.clip((one.values.T + reach) / (2 * reach), 0, 1) * 254 + 1.5
    return picture, codes.astype(np.uint8).tobytes()


def finite_or_none(value: Any) -> float | None:
    """Return a number for the page, which has none that is not finite."""
    return float(value) if value is not None and math.isfinite(value) else None
