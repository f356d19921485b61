"""What decoding a sound found out about it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class SoundFacts:
    """What is known of a sound once it has been decoded; plain data, to be remembered."""

    digest: str
    """BLAKE2b of rate, channels and samples, hexadecimal: the same for files that sound alike to the last bit."""
    decoder: str
    """``"essentia"``, ``"libsndfile"``, or ``""`` for samples that were given as an array."""
    sample_rate: int
    """In Hz."""
    channels: int
    seconds: float
    claimed: float | None
    """Seconds that the container claims, None where it does not tell."""
    note: str = ""
    """What is odd about the sound, as ``"3.1 of 12.0 s could be decoded"``; mostly empty."""


def sound_digest(rate: int, channels: Sequence[NDArray[np.float32]]) -> str:
    """Return the digest of samples, each channel ``[n]``, however they lie in memory."""
    whole = hashlib.blake2b(f"{rate} {len(channels)}".encode(), digest_size=20)
    for channel in channels:
        # Hashing a large buffer lets other threads run.
        whole.update(hashlib.blake2b(np.ascontiguousarray(channel).data, digest_size=20).digest())
    return whole.hexdigest()
