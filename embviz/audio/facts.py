"""What decoding a sound found out about it."""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.audio.loaders import decoder_versions
from embviz.audio.samples import blocks
from embviz.core.text import shorten

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embviz.core.cache import Cache


@dataclass(frozen=True)
class SoundFacts:
    """What is known of a sound once it has been decoded; plain data, to be remembered."""

    digest: str
    """BLAKE2b of rate, channels and samples, hexadecimal: the same for files that sound alike to the last bit."""
    decoder: str
    """``"essentia"``, ``"libsndfile"``, ``"ffmpeg"``, or ``""`` for samples that were given as an array."""
    sample_rate: int
    """In Hz."""
    channels: int
    seconds: float
    claimed: float | None
    """Seconds that the container claims, None where it does not tell."""
    note: str = ""
    """What is odd about the sound, as ``"3.1 of 12.0 s could be decoded"``; mostly empty."""


DECODERS = 1  # raised when more files can be decoded than before
_KINDS: dict[str, Any] = {
    "digest": str, "decoder": str, "sample_rate": int, "channels": int, "seconds": int | float,
    "claimed": int | float | None, "note": str,
}  # fmt: skip


def load_facts(store: Cache, digest: str) -> SoundFacts | None:
    """Return what a cache remembers of a file of this digest; None where it was never decoded, or that is damaged."""
    record = store.sound_facts(digest)
    if record.keys() != _KINDS.keys() or not all(isinstance(record[name], kind) for name, kind in _KINDS.items()):
        return None
    facts = SoundFacts(**record)
    if not all(0 <= seconds < math.inf for seconds in (facts.seconds, facts.claimed or 0)):
        return None
    return replace(facts, note=shorten(facts.note))


def note_problem(store: Cache, digest: str, title: str, problem: str) -> None:
    """Remember why a file of this digest, called `title` in the sentence, cannot be decoded by what is here now."""
    store.note_problem(digest, {"title": title, "problem": problem, "decoders": _decoders()})


def known_problem(store: Cache, digest: str, title: str) -> str:
    """Return the sentence of :func:`note_problem`, about a file that is called `title` now; empty without one."""
    record = store.known_problem(digest)
    texts = [record.get(name) for name in ("title", "problem", "decoders")]
    if not all(isinstance(text, str) for text in texts) or record["decoders"] != _decoders():
        return ""
    problem = shorten(record["problem"].replace(repr(record["title"]), repr(title), 1))
    return f"{problem} (Found before; `embviz cache prune` has it tried again.)"


@functools.cache
def _decoders() -> str:
    """Return what decides on whether a file can be decoded."""
    from importlib.metadata import version

    versions = decoder_versions() | {"soundfile": version("soundfile")}
    return ", ".join([str(DECODERS), *(f"{name} {number}" for name, number in versions.items())])


def sound_digest(rate: int, channels: Sequence[NDArray[np.float32]]) -> str:
    """Return the digest of samples, each channel ``[n]``, however they lie in memory."""
    whole = hashlib.blake2b(f"{rate} {len(channels)}".encode(), digest_size=20)
    for channel in channels:
        part = hashlib.blake2b(digest_size=20)
        for (block,) in blocks([channel]):
            part.update(np.ascontiguousarray(block).data)  # of a large buffer lets other threads run
        whole.update(part.digest())
    return whole.hexdigest()
