"""Set levels by loudness, share one room, and finish the track."""

from __future__ import annotations

import numpy as np

from .effects import RATE, compress, equalise, gain, limit, loudness, stereo
from .palette import PALETTE


class Mix:
    """A stereo sum of ``seconds`` to which stems are added at a chosen loudness."""

    def __init__(self, seconds: float) -> None:
        self.sum = np.zeros((int(seconds * RATE), 2))

    def add(self, stem: np.ndarray, lufs: float, *, position: float = 0.0, at: float = 0.0) -> np.ndarray:
        """Add a stem at this loudness; return what was added, for sends and effects."""
        placed = np.zeros_like(self.sum)
        first = int(at * RATE)
        wide = stereo(stem, position)[: len(placed) - first]
        placed[first : first + len(wide)] = wide
        placed *= gain(lufs - loudness(placed))
        self.sum += placed
        return placed

    def send(self, effect: np.ndarray, db: float) -> None:
        """Add the output of an effect at a level relative to its input."""
        self.sum += effect[: len(self.sum)] * gain(db)


def master(
    sound: np.ndarray,
    *,
    lufs: float = -15.0,
    squeeze: float = 2.0,
    fade: float = 0.5,
    bands: tuple[tuple, ...] = (),
) -> np.ndarray:
    """Equalise, glue, bring to the target loudness under −1.5 dB, and fade the end."""
    sound = equalise(sound, ("highpass", 28, 0), *bands, *PALETTE.get().bands)
    sound = sound * gain(-18 - loudness(sound))
    sound = compress(sound, -18, squeeze, attack=0.02, release=0.2)
    for _ in range(2):  # the limiter takes some loudness away again
        sound = limit(sound * gain(lufs - loudness(sound)), -1.5)
    sound[-int(fade * RATE) :] *= np.linspace(1, 0, int(fade * RATE))[:, None] ** 2
    sound[:64] *= np.linspace(0, 1, 64)[:, None]
    return sound
