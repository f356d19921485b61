"""String orchestra in D minor: a lament bass, a sequence with solo violin, a return."""

from __future__ import annotations

import numpy as np

from ..effects import equalise, reverb
from ..instruments import perform
from ..mixing import Mix, master
from ..score import (
    Chord,
    Note,
    Piece,
    bass_line,
    humanise,
    melody,
    place,
    progression,
    rhythm,
    scale,
    transpose,
    until,
    voice_lead,
)

SECTIONS = (("theme", 8), ("episode", 8), ("return", 4), ("coda", 4))

THEME = progression("Dm | A7/C# | Dm/C | G/B | Gm/Bb | Dm/A | Gm A7 | Dm")
EPISODE = progression("Dm | Gm | C7 | Fmaj7 | Bbmaj7 | Em7b5 | A7 | A7")
RETURN = progression("Dm | A7/C# | Dm/C | G/B")
CODA = progression("Gm/Bb A7 | Dm Gm | A7 | D")

THEME_TUNE = melody(
    """
    A5:1.5! F5:.5 D5:1 A5:1 | G5:1 E5:.5 F5:.5 G5:1 A5:.5 G5:.5 |
    F5:1.5! D5:.5 F5:1 A5:1 | D6:1.5! B5:.5 G5:1 A5:.5 B5:.5 |
    D6:1! Bb5:.5 A5:.5 G5:1 Bb5:1 | A5:1.5 F5:.5 D5:1 F5:1 |
    Bb5:.5! A5:.5 G5:.5 F5:.5 E5:.5 C#5:.5 D5:.5 E5:.5 | D5:2 A4:1 D5:1
""",
    velocity=96,
)
SECOND = melody(
    """
    F4:.5 A4:.5 D5:.5 A4:.5 F4:.5 A4:.5 D5:.5 A4:.5 | E4:.5 A4:.5 C#5:.5 A4:.5 E4:.5 A4:.5 C#5:.5 A4:.5 |
    D4:.5 F4:.5 A4:.5 F4:.5 D4:.5 F4:.5 A4:.5 F4:.5 | D4:.5 G4:.5 B4:.5 G4:.5 D4:.5 G4:.5 B4:.5 G4:.5 |
    D4:.5 G4:.5 Bb4:.5 G4:.5 D4:.5 G4:.5 Bb4:.5 G4:.5 | D4:.5 F4:.5 A4:.5 F4:.5 D4:.5 F4:.5 A4:.5 F4:.5 |
    D4:.5 G4:.5 Bb4:.5 G4:.5 C#4:.5 E4:.5 A4:.5 G4:.5 | F4:.5 A4:.5 D5:.5 A4:.5 F4:1 D4:1
""",
    velocity=76,
)
CODA_TUNE = melody(
    """
    Bb5:1! G5:1 E5:1 C#5:1 | D5:.5! F5:.5 A5:.5 D6:.5 Bb5:1 G5:1 |
    A5:.5! G5:.5 F5:.5 E5:.5 D5:1 C#5:1 | D5:4!
""",
    velocity=104,
)
CODA_SECOND = melody(
    """
    G4:1 D5:1 C#5:1 A4:1 | A4:1 F4:1 G4:1 D5:1 | E4:1 A4:1 F4:1 E4:1 | F#4:4
""",
    velocity=88,
)
FIGURE = (3, 2, 1, 2, 0, 1, 2, 1, 3, 2, 1, 2, 3, 1, 2, 0)


def figuration(chords: list[Chord]) -> list[Note]:
    """Sixteenths of the solo violin over the voiced chords, highest note first."""
    notes = []
    for chord, keys in voice_lead(chords, (69, 74, 77, 81)):
        ladder = sorted({*keys, keys[0] + 12})[:4]
        for i in range(round(chord.length * 4)):
            key = ladder[FIGURE[i % 16] % len(ladder)]
            notes.append(Note(chord.start + i / 4, 0.22, key, 102 if i % 4 == 0 else 84))
    return notes


def play(piece: Piece) -> np.ndarray:
    """Mix five string parts, each an ensemble with one player in front, in a hall."""
    bpm = piece.bpm
    theme, episode, back, coda = (start for _, start in piece.timeline())
    harmony = [
        *place_chords(THEME, theme),
        *place_chords(EPISODE, episode),
        *place_chords(RETURN, back),
        *place_chords(CODA, coda),
    ]
    mix = Mix(piece.seconds(piece.beats) + 3.5)

    first = [*place(THEME_TUNE, [theme]), *place(until(THEME_TUNE, 16), [back]), *place(CODA_TUNE, [coda])]
    second = [
        *place(SECOND, [theme]),
        *place(rhythm(EPISODE, (65, 69, 74), "x.x.x.x."), [episode]),
        *place(until(SECOND, 16), [back]),
        *place(CODA_SECOND, [coda]),
    ]
    # The violas repeat the chord in eighths until the last bar.
    inner = [c for c in harmony if c.start < coda + 12]
    viola = [*rhythm(inner, (57, 60, 65), "Xoxoxoxo", hold=0.8), *(Note(coda + 12, 4, key, 92) for key in (57, 62, 66))]
    low = [
        *bass_line([c for c in harmony if c.start < coda], "X=x=x=x=", lowest=38),
        *bass_line([c for c in harmony if c.start >= coda], "X===X===", lowest=38),
    ]

    seats = (
        (first, "violin", "strings", -19, -0.6, 1),
        (second, "violin", "strings", -23, -0.25, 2),
        (viola, "viola", "strings", -24, 0.25, 3),
        (low, "cello", "strings", -21, 0.5, 4),
        (transpose(low, -12), "contrabass", "contrabass", -25, 0.6, 5),
    )
    for notes, player, section, level, side, seed in seats:
        front = perform(humanise(notes, seed, timing=0.012), bpm, player)
        behind = perform(humanise(notes, seed + 10, timing=0.018), bpm, section)
        dry = mix.add(behind, level, position=side)
        near = mix.add(equalise(front, ("high shelf", 5000, -2)), level - 3, position=side)
        mix.send(reverb(dry + near, 2.4, bright=4500, delay=0.03), -6)

    solo = perform(humanise(place(figuration(EPISODE), [episode]), 6), bpm, "violin")
    solo = mix.add(solo, -18, position=-0.15)
    mix.send(reverb(solo, 2.4, bright=4500, delay=0.03), -8)

    octave = transpose([n for n in first if n.start >= back], -12)
    horn = mix.add(perform(scale(octave, 0.8), bpm, "french horn"), -25, position=0.3)
    mix.send(reverb(horn, 2.4, bright=4500, delay=0.03), -4)
    rolls = [Note(coda + 8 + i / 8, 0.2, 45, 40 + i) for i in range(32)]
    hits = [Note(t, 1.5, k, 100) for t, k in ((back, 50), (back + 8, 50), (coda, 43), (coda + 12, 50))]
    drum = mix.add(perform([*rolls, *hits], bpm, "timpani"), -27, position=0.4)
    mix.send(reverb(drum, 2.4, bright=4500, delay=0.03), -5)
    return master(mix.sum, lufs=-17, squeeze=1.3, fade=1.5)


def place_chords(chords: list[Chord], start: float) -> list[Chord]:
    """Move chords to where a section begins."""
    return [Chord(c.start + start, c.length, c.name) for c in chords]


PIECE = Piece("classical.ogg", "Lament and Return", "classical", 108, "D minor", SECTIONS, play, family="acoustic")
