"""What a score is played on: the same notes may sound on other instruments, in another room, key and tempo.

Conventions: instruments have the names that the pieces use (``instruments.PROGRAMS``, ``instruments.KITS`` and the
kinds of ``instruments.oscillator``). The palette in use is a context variable, so no piece need pass it on.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Palette:
    """How a piece is played where that is not as written.

    ``bpm`` is the tempo (0: as written), ``semitones`` the transposition, ``instead`` the instruments that stand in for
    others. ``room`` scales the length of every reverberation, ``cutoff`` the filters of synthesisers and ``speed`` the
    playback of sampled drums; ``drive`` (dB) and ``tone`` (octaves) are added at guitar amplifiers, ``bands`` at the
    final equaliser.
    """

    bpm: float = 0
    semitones: int = 0
    instead: Mapping[str, str] = field(default_factory=dict)
    room: float = 1.0
    cutoff: float = 1.0
    speed: float = 1.0
    drive: float = 0.0
    tone: float = 0.0
    bands: tuple[tuple, ...] = ()

    def instrument(self, name: str) -> str:
        """Name of what plays where the score says ``name``."""
        return self.instead.get(name, name)


PALETTE: ContextVar[Palette] = ContextVar("palette")
PALETTE.set(Palette())  # as written

# By the stem of the piece's file. Two tempi cross 110 BPM, one in each direction: drums and folk.
OTHER = {
    "rock": Palette(
        bpm=122,
        semitones=3,
        instead={
            "room": "power",
            "pick bass": "finger bass",
            "distorted guitar": "overdriven guitar",
            "overdriven guitar": "distorted guitar",
            "clean guitar": "jazz guitar",
            "rock organ": "strings",
        },
        room=1.6,
        drive=4,
        tone=0.25,
        bands=(("high shelf", 5000, -4),),
    ),
    "jazz": Palette(
        bpm=140,
        semitones=-2,
        instead={
            "tenor sax": "trumpet",
            "piano": "electric piano",
            "acoustic bass": "fretless bass",
            "jazz": "brush",
        },
        room=0.6,
        bands=(("low shelf", 150, 2),),
    ),
    "electronic": Palette(
        bpm=128,
        semitones=-3,
        instead={"saw": "square", "square": "saw"},
        room=0.7,
        cutoff=0.6,
        speed=0.85,
    ),
    "classical": Palette(
        bpm=100,
        semitones=2,
        instead={
            "violin": "oboe",
            "viola": "clarinet",
            "cello": "bassoon",
            "strings": "slow strings",
            "french horn": "trumpet",
        },
        room=0.6,
    ),
    "ambient": Palette(semitones=-5, instead={"sine": "square"}, room=0.7, bands=(("lowpass", 1500, 0),)),
    "hiphop": Palette(
        bpm=86,
        semitones=3,
        instead={
            "electronic": "808",
            "finger bass": "synth bass",
            "strings": "electric piano",
            "clean guitar": "muted guitar",
        },
        room=1.5,
        bands=(("high shelf", 6000, -3),),
    ),
    "metal": Palette(
        bpm=176,
        semitones=-2,
        instead={
            "standard": "room",
            "power": "standard",
            "pick bass": "finger bass",
            "overdriven guitar": "distorted guitar",
        },
        room=1.8,
        drive=6,
        tone=-0.3,
        bands=(("low shelf", 150, -2), ("high shelf", 6000, 3)),
    ),
    "piano": Palette(bpm=102, semitones=2, instead={"piano": "electric grand"}, room=0.4),
    "drums": Palette(bpm=104, instead={"standard": "power"}, room=1.8, bands=(("high shelf", 6000, -4),)),
    "folk": Palette(
        bpm=116,
        semitones=2,
        instead={
            "steel guitar": "nylon guitar",
            "violin": "accordion",
            "flute": "recorder",
            "acoustic bass": "fretless bass",
        },
        room=0.6,
    ),
}
