"""Throughput of a run, and the time that is left."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from embviz.core.text import format_duration

if TYPE_CHECKING:
    from embviz.extraction.extract import LayerSpec
    from embviz.models import Model


# Seconds of work per minute of sound: of what is done once, whatever the hop (decoding, front-end, what patches share),
# and of the patches at a model's own hop. Measured with the two-minute rock track on two cores by the engine that is
# chosen where none is named (docs/speed.md has the benchmarks). What is not here has not been measured.
_COST = {"musicnn": (0.24, 0.07), "vgg": (0.23, 0.05), "tempocnn": (0.09, 0.01), "spleeter": (0.0, 0.88)}
COST_CORES = 2

LIKELY = 240.0  # seconds of a track where nothing is known of any


class Throughput:
    """Seconds of sound that a run computes in a minute."""

    def __init__(self) -> None:
        self.details: list[str] = []
        self._begun = self._shown = time.monotonic()
        self._sound, self._tracks = 0.0, 0

    def start(self) -> None:
        """Start the clock."""
        self._begun = time.monotonic()

    def count(self, seconds: float) -> None:
        """Add the sound of a track."""
        self._sound += seconds
        self._tracks += bool(seconds)

    def estimate(self, lengths: Iterable[float]) -> float:
        """Return the seconds of sound of tracks, estimated from what was done where they are not known."""
        usual = self._sound / self._tracks if self._tracks else LIKELY
        return sum(usual if math.isnan(length) else length for length in lengths)

    def is_due(self, *, last: bool) -> bool:
        """Tell, once a second and at the end, that figures are due."""
        due = last or time.monotonic() - self._shown >= 1
        self._shown = time.monotonic() if due else self._shown
        return due

    def describe(self, left: float) -> list[str]:
        """Return how much sound a minute takes, and how long what is left does."""
        if not self._sound:
            return []
        speed = self._sound / max(1e-3, time.monotonic() - self._begun)
        pace = f"{format_sound(60 * speed)} of sound a minute"
        return [pace, f"{format_duration(left / speed)} left"] if left else [pace]


def cost_per_minute(model: Model, hop: float) -> float:
    """Return roughly the seconds of work per minute of sound, at a hop in samples; 0 where it was not measured.

    With an infinite hop that is what is done once.
    """
    shared, patches = _COST.get(model.system, (0.0, 0.0))
    return shared + patches * model.patch_hop / hop if patches else shared


def estimate_cost(specs: Iterable[LayerSpec], seconds: float, cores: int) -> float | None:
    """Return roughly the seconds that layers of some seconds of sound take; None where a model was not measured.

    Layers of one model share its passes; a finer hop multiplies them.
    """
    passes = {(spec.model.name, spec.hop): spec for spec in specs}.values()
    if not all(spec.model.system in _COST for spec in passes):
        return None
    minute = sum(cost_per_minute(spec.model, spec.hop) for spec in passes)
    return seconds / 60 * minute * COST_CORES / cores


def format_sound(seconds: float) -> str:
    """Return an amount of sound: ``"57 min"``, ``"2.5 h"``."""
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"
