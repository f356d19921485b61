"""Encodings of points: values as colours or sizes, one byte each, and the legend of these bytes.

Conventions: a *shade* is a byte, the place of a point's colour in a palette, or 255 where nothing is known. A *colour*
is a dictionary that says what shades mean::

    title, unit      in words
    kind             "none", "category" or "number"
    palette, night   CSS colours for light and for dark paper
    labels           names of the categories
    other            shade of all categories that have no colour of their own; -1: none
    low, high        of numbers: ``value = low + shade / 254 * (high - low)``
    clipped          whether some lie below, and above, these ends, and have the colour of the end
    missing          how many points have shade 255
    unknown          what these are called: "unknown", or "no cluster" where they are in none

A *size* is ``{title, unit, low, high}``; of its bytes, 0 means unknown, and else ``value = low + (byte - 1) / 254 *
(high - low)``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.analysis.clustering import NO_CLUSTER
from embviz.core.text import one_line, plural, printable
from embviz.errors import OptionError
from embviz.plotting.quantize import color_limits

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


#: The shade of a point of which nothing is known.
MISSING = 255
#: Categories that have a colour of their own; all others share one.
CATEGORIES = 9

# Told apart by the colour-blind, and from the paper; the last one is for all other categories.
LIGHT_PALETTE = [
    "#0067a8", "#d86a00", "#00896b", "#c0478f", "#37a3d9", "#8d7800", "#6a4fc4", "#8a3b12", "#333a42", "#7c858f",
]  # fmt: skip
DARK_PALETTE = [
    "#4aa3ea", "#ff9d4d", "#2fc99a", "#f08cc4", "#a9dcff", "#e5cf52", "#ae9cff", "#c98a5e", "#f4f5f6", "#98a1ab",
]  # fmt: skip
VIRIDIS = [
    "#440154", "#482475", "#414487", "#355f8d", "#2a788e", "#21918c", "#22a884", "#44bf70", "#7ad151", "#bddf26",
    "#fde725",
]  # fmt: skip
# The ends of the map that would be lost on the paper are left out.
LIGHT_RANGE, DARK_RANGE = (0.0, 0.9), (0.24, 1.0)
STEPS = 255


def encode_colors(
    values: ArrayLike | Sequence[Any], *, title: str, kind: str | None = None, unit: str = ""
) -> tuple[dict[str, Any], bytes]:
    """Return the colour of values, and a shade for each, uint8 ``[n]`` (see the conventions of this module).

    Values are numbers, truth values or texts; ``None``, NaN and the empty text are missing. By default numbers are
    told apart as such, and all else as categories: `kind` is ``"number"`` or ``"category"``.
    """
    if kind not in {None, "category", "number"}:
        raise OptionError(f"A colour is of kind 'category' or 'number', not {kind!r}.")
    items = _to_python(values)
    if kind is None:
        known = [item for item in items if item is not None]
        numeric = known and all(isinstance(item, (int, float)) and not isinstance(item, bool) for item in known)
        kind = "number" if numeric else "category"
    return _encode_numbers(items, title, unit) if kind == "number" else _encode_categories(items, title)


def encode_sizes(values: ArrayLike | Sequence[Any], *, title: str, unit: str = "") -> tuple[dict[str, Any], bytes]:
    """Return the legend of sizes, and a size for each number, uint8 ``[n]`` (see the conventions of this module)."""
    numbers = _to_numbers(_to_python(values), title)
    low, high = _limits(numbers)
    places = _quantized(numbers, low, high) + 1
    size = {"title": one_line(title), "unit": unit, "low": low, "high": high}
    return size, np.where(np.isfinite(numbers), places, 0).astype(np.uint8).tobytes()


def json_number(value: Any) -> float | int | None:
    """Return a number that JSON has, or None."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, np.generic):
        value = value.item()
    return value if isinstance(value, (int, float)) and math.isfinite(value) else None


def _encode_numbers(items: list[Any], title: str, unit: str) -> tuple[dict[str, Any], bytes]:
    numbers = _to_numbers(items, title)
    low, high = _limits(numbers)
    known = np.isfinite(numbers)
    shades = np.where(known, _quantized(numbers, low, high), MISSING).astype(np.uint8)
    color = _color_record(title, "number", int((~known).sum()), _viridis(LIGHT_RANGE), _viridis(DARK_RANGE))
    beyond = [bool((numbers[known] < low).any()), bool((numbers[known] > high).any())]
    return color | {"unit": unit, "low": low, "high": high, "clipped": beyond}, shades.tobytes()


def _encode_categories(items: list[Any], title: str) -> tuple[dict[str, Any], bytes]:
    names = [None if item is None else _category_name(item) for item in items]
    # What is in no cluster is drawn as what is not known, so that clusters stand out.
    outside = NO_CLUSTER in names and None not in names
    names = [None if name == NO_CLUSTER else name for name in names]
    sizes = Counter(name for name in names if name is not None)
    ranked = sorted(sizes, key=lambda name: (-sizes[name], name))
    own = ranked if len(ranked) <= CATEGORIES + 1 else ranked[:CATEGORIES]
    shade = {name: i for i, name in enumerate(own)} | dict.fromkeys(ranked[len(own) :], len(own))
    labels = own if len(own) == len(ranked) else [*own, f"other ({len(ranked) - len(own):,} more)"]
    shades = np.array([MISSING if name is None else shade[name] for name in names], dtype=np.uint8)
    palettes = LIGHT_PALETTE[: len(labels)], DARK_PALETTE[: len(labels)]
    color = _color_record(title, "category", names.count(None), *palettes)
    other = len(own) if len(own) < len(ranked) else -1
    unknown = {"unknown": NO_CLUSTER} if outside else {}
    return color | {"labels": labels, "other": other} | unknown, shades.tobytes()


def _color_record(title: str, kind: str, missing: int, palette: list[str], night: list[str]) -> dict[str, Any]:
    return {
        "title": one_line(title), "kind": kind, "unit": "", "labels": [], "other": -1, "palette": palette,
        "night": night, "low": 0.0, "high": 1.0, "clipped": [False, False], "missing": missing,
        "unknown": "unknown",
    }  # fmt: skip


def _category_name(item: Any) -> str:
    if isinstance(item, bool):
        return "yes" if item else "no"
    return one_line(printable(str(item)))


def _to_python(values: ArrayLike | Sequence[Any]) -> list[Any]:
    """Return values as Python's own; None where one is missing."""
    items = values.tolist() if hasattr(values, "tolist") else list(values)  # type: ignore[arg-type]
    items = [item.item() if isinstance(item, np.generic) else item for item in items]
    return [None if is_missing(item) else item for item in items]


def is_missing(item: Any) -> bool:
    """Return whether a value is missing: None, empty text, not finite, or pandas' NA and NaT."""
    if item is None or (isinstance(item, str) and not item.strip()):
        return True
    if isinstance(item, (float, np.floating)):
        return not math.isfinite(item)
    # What pandas has for them says only by its name what it is.
    return type(item).__name__ in {"NAType", "NaTType"}


def _to_numbers(items: list[Any], title: str) -> NDArray[np.float64]:
    try:
        return np.array([math.nan if item is None else float(item) for item in items], dtype=np.float64)
    except (TypeError, ValueError):
        bad = next(item for item in items if not isinstance(item, (int, float)))
        raise OptionError(
            f"{title!r} should hold numbers, but {bad!r} is among its {plural(len(items), 'value')}; "
            "use it as a category."
        ) from None


def _limits(numbers: NDArray[np.float64]) -> tuple[float, float]:
    ends = color_limits(numbers[:, None], signed=False)
    return (ends[0], ends[1]) if ends else (0.0, 1.0)


def _quantized(numbers: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    if not high > low:
        return np.full(numbers.shape, 127.0)
    places = (np.nan_to_num(numbers, nan=low) - low) / (high - low) * (STEPS - 1)
    return np.clip(np.round(places), 0, STEPS - 1)


def _viridis(part: tuple[float, float]) -> list[str]:
    """Return 255 colours of a part of viridis."""
    stops = np.array([[int(color[at : at + 2], 16) for at in (1, 3, 5)] for color in VIRIDIS], dtype=np.float64)
    places = np.linspace(*part, STEPS) * (len(stops) - 1)
    mixed = np.stack([np.interp(places, range(len(stops)), stops[:, channel]) for channel in range(3)], axis=1)
    return ["#" + "".join(f"{value:02x}" for value in color) for color in np.round(mixed).astype(int).tolist()]
