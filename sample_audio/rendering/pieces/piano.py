"""Solo piano: a slow waltz in E flat, theme, middle part in the minor, theme."""

from __future__ import annotations

import numpy as np

from ..effects import equalise, reverb, widen
from ..instruments import perform
from ..mixing import Mix, master
from ..score import Chord, Note, Piece, humanise, melody, place, progression, scale, voicing

SECTIONS = (("theme", 8), ("middle", 8), ("reprise", 8))

THEME = progression("Eb | Cm7 | Abmaj7 | Bb7 | Gm7 | Cm7 | Fm7 | Bb7", bar=3)
MIDDLE = progression("Cm | G7/B | Cm/Bb | F7/A | Abmaj7 | Eb/G | Fm7 | Bb7", bar=3)
REPRISE = progression("Eb | Cm7 | Abmaj7 | Bb7 | Eb/G | Bb7 | Eb | Eb", bar=3)

THEME_TUNE = melody(
    """
    G5:2! F5:.5 Eb5:.5 | Eb5:1.5 D5:.5 C5:1 | C5:1 Eb5:1 G5:1! | F5:2 D5:1 |
    Bb4:1 D5:1 F5:1! | Eb5:2 G5:.5 F5:.5 | Ab5:1.5! G5:.5 F5:1 | D5:1 C5:1 Bb4:1
""",
    bar=3,
    velocity=78,
)
MIDDLE_TUNE = melody(
    """
    C5:1 Eb5:1 G5:1 | B5:2! G5:1 | C6:1.5! Bb5:.5 G5:1 | A5:2! F5:1 |
    Ab5:1 G5:1 Eb5:1 | G5:1.5 F5:.5 Eb5:1 | F5:1 Ab5:1 C6:1! | Bb5:2! Ab5:.5 F5:.5
""",
    bar=3,
    velocity=88,
)
REPRISE_TUNE = melody(
    """
    G5:2! F5:.5 Eb5:.5 | Eb5:1.5 D5:.5 C5:1 | C5:1 Eb5:1 G5:1! | F5:2 D5:1 |
    Eb5:1 G5:1 Bb5:1! | Ab5:1.5 F5:.5 D5:1 | Eb5:3 | -:3
""",
    bar=3,
    velocity=72,
)


def left_hand(chords: list[Chord]) -> list[Note]:
    """Bass note, then the chord broken upwards and back in eighths."""
    notes = []
    for chord in chords:
        low = 36 + (chord.bass - 36) % 12
        keys = sorted(voicing(chord, (53, 57, 62)))[:3]
        notes.append(Note(chord.start, 2.9, low, 70))
        order = (keys[0], keys[1], keys[2], keys[1], keys[0])
        notes += [Note(chord.start + 0.5 + i / 2, 1.2, key, 50 + 5 * (i % 2 == 1)) for i, key in enumerate(order)]
    return notes


def octaves(notes: list[Note]) -> list[Note]:
    """Double the accented notes an octave lower, softly."""
    return [Note(n.start, n.length, n.pitch - 12, int(n.velocity * 0.75)) for n in notes if n.velocity > 95]


def play(piece: Piece) -> np.ndarray:
    """Play both hands on one instrument with some pedal and a hall."""
    theme, middle, reprise = (start for _, start in piece.timeline())
    ending = [Note(reprise + 21, 4, key, 48 - i) for i, key in enumerate((39, 51, 55, 58, 63, 75))]
    ending = [Note(n.start + 0.06 * i, n.length, n.pitch, n.velocity) for i, n in enumerate(ending)]
    hands = [
        *place([*left_hand(THEME), *THEME_TUNE], [theme]),
        *place([*scale(left_hand(MIDDLE), 1.15), *MIDDLE_TUNE, *octaves(MIDDLE_TUNE)], [middle]),
        *place([*scale(left_hand(REPRISE[:7]), 0.95), *REPRISE_TUNE], [reprise]),
        *ending,
    ]
    mix = Mix(piece.seconds(piece.beats) + 3)
    sound = perform(humanise(hands, 1, timing=0.012, velocity=4), piece.bpm, "piano")
    sound = mix.add(widen(equalise(sound, ("high shelf", 5000, 1)), 0.7), -20)
    mix.send(reverb(sound, 2.0, bright=4000), -11)
    return master(mix.sum, lufs=-18, squeeze=1.3, fade=1.5)


PIECE = Piece("piano.ogg", "Window Waltz", "solo piano", 96, "Eb major", SECTIONS, play, meter="3/4", family="acoustic")
