"""Throughput of a run, and the time that is left."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable

from embviz.core.text import format_duration

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
        pace = f"{_hours(60 * speed)} of sound a minute"
        return [pace, f"{format_duration(left / speed)} left"] if left else [pace]


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"
