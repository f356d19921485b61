"""What tests of several rooms make, read and compute in the same way."""

from __future__ import annotations

import re
from typing import Any

import numpy as np


def traits_of(widget: Any) -> dict[str, Any]:
    """Return the traits that a widget sends to its page, without Jupyter's own."""
    skipped = {"layout", "tabbable", "tooltip"}
    names = [name for name in widget.trait_names(sync=True) if not name.startswith("_") and name not in skipped]
    return {name: getattr(widget, name) for name in names}


def bare(text: str) -> str:
    """Return a text without its markup."""
    return re.sub("<[^>]*>", "", text)


def luminance(color: str) -> float:
    """Return the relative luminance of a color ``#rrggbb``, by WCAG 2."""
    channels = np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
