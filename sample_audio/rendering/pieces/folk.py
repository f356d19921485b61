"""Folk in G: fingerpicked steel-string guitar, a second strumming, fiddle and whistle."""

from __future__ import annotations

import numpy as np

from ..effects import compress, equalise, reverb
from ..instruments import drum_kit, perform
from ..mixing import Mix, master
from ..score import (
    Chord,
    Note,
    Piece,
    bass_line,
    groove,
    humanise,
    loop,
    melody,
    place,
    progression,
    scale,
    strokes,
)

SECTIONS = (("intro", 4), ("verse", 8), ("chorus", 8), ("outro", 3))

INTRO = progression("G | C | G | D")
VERSE = progression("G | C | G | D | Em | C | G D | G")
CHORUS = progression("C | D | G | Em | C | D | G | G")
OUTRO = progression("C | D | G")

# Open shapes: the six strings from low to high, None where a string is silent.
SHAPES = {
    "G": (43, 47, 50, 55, 59, 67),
    "C": (None, 48, 52, 55, 60, 64),
    "D": (None, None, 50, 57, 62, 66),
    "Em": (40, 47, 52, 55, 59, 64),
}
# Thumb (bass and middle strings) on the beats, fingers between; -1 is the lowest string.
PICKING = ((0, -1, 4), (0.5, 5), (1, 3), (1.5, 4), (2, -2), (2.5, 5), (3, 3), (3.5, 4))

VERSE_TUNE = melody(
    """
    B4:1! A4:.5 G4:.5 D4:1 G4:1 | E4:1 G4:1 A4:.5 G4:.5 E4:1 |
    D4:1! G4:.5 A4:.5 B4:1 D5:1 | A4:3 -:1 |
    B4:1! B4:.5 D5:.5 B4:1 A4:.5 G4:.5 | E4:1 G4:1 C5:1 B4:.5 A4:.5 |
    B4:1! A4:.5 G4:.5 A4:1 F#4:1 | G4:3 -:1
""",
    velocity=84,
)
CHORUS_TUNE = melody(
    """
    E5:1.5! D5:.5 C5:1 E5:1 | D5:1.5! C5:.5 A4:1 F#4:1 |
    G4:.5 A4:.5 B4:1! D5:1 B4:1 | G4:2 B4:1 A4:.5 G4:.5 |
    E5:1.5! D5:.5 C5:1 E5:1 | F#5:1! E5:.5 D5:.5 A4:1 D5:1 |
    B4:1! A4:.5 G4:.5 A4:1 F#4:1 | G4:3 -:1
""",
    velocity=90,
)


def pick(chords: list[Chord]) -> list[Note]:
    """Travis picking on the open shapes."""
    notes = []
    for chord in chords:
        strings = [s for s in SHAPES[chord.name] if s is not None]
        full = SHAPES[chord.name]
        for beat, *which in PICKING:
            if beat >= chord.length:
                break
            for string in which:
                key = strings[0] if string == -1 else strings[1] if string == -2 else full[string]
                notes.append(Note(chord.start + beat, 1.4, key, 96 if string < 0 else 78))
    return notes


def strum(chords: list[Chord], pattern: str) -> list[Note]:
    """Down strokes from the low string, up strokes (off the beat) from the high one."""
    notes = []
    for chord in chords:
        strings = [s for s in SHAPES[chord.name] if s is not None]
        for start, length, velocity in strokes(pattern, chord):
            order = strings if start % 1 == 0 else strings[:1:-1]
            notes += [Note(start + 0.018 * i, length * 0.95, key, velocity - 2 * i) for i, key in enumerate(order)]
    return notes


def play(piece: Piece) -> np.ndarray:
    """Mix two guitars, fiddle, flute, bass and a tambourine."""
    bpm = piece.bpm
    intro, verse, chorus, outro = (start for _, start in piece.timeline())
    mix = Mix(piece.seconds(piece.beats) + 3)

    picked = [
        *place(pick(INTRO), [intro]),
        *place(pick(VERSE), [verse]),
        *place(pick(CHORUS), [chorus]),
        *place(pick(OUTRO[:2]), [outro]),
        *(Note(outro + 8 + 0.04 * i, 4, k, 88) for i, k in enumerate(SHAPES["G"])),
    ]
    guitar = perform(humanise(picked, 1, timing=0.009), bpm, "steel guitar")
    guitar = mix.add(equalise(guitar, ("peak", 200, -2), ("high shelf", 6000, 3)), -19, position=-0.35)
    mix.send(reverb(guitar, 1.3), -13)

    strummed = [*place(strum(CHORUS, "X.x.X.xx"), [chorus]), *place(strum(OUTRO[:2], "X.x.X.xx"), [outro])]
    second = perform(humanise(strummed, 2, timing=0.008), bpm, "steel guitar")
    second = equalise(second, ("highpass", 150, 0), ("high shelf", 5000, 3))
    second = mix.add(compress(second, -24, 2), -24, position=0.5)
    mix.send(reverb(second, 1.3), -13)

    tunes = (
        (VERSE_TUNE, verse, "violin", -22, 0.15, 3),
        (CHORUS_TUNE, chorus, "violin", -22.5, 0.15, 4),
        (CHORUS_TUNE, chorus, "flute", -25.5, -0.1, 5),
    )
    for tune, start, program, level, side, seed in tunes:
        line = perform(humanise(place(tune, [start]), seed), bpm, program, controls={1: 25})
        line = mix.add(equalise(line, ("high shelf", 5000, -3)), level, position=side)
        mix.send(reverb(line, 1.8), -9)

    low = [
        *place(bass_line(VERSE, "X===x==="), [verse]),
        *place(bass_line(CHORUS, "X==xx==="), [chorus]),
        *place(bass_line(OUTRO, "X===x==="), [outro]),
    ]
    mix.add(perform(humanise(low, 6), bpm, "acoustic bass"), -29)

    taps = groove("tamb ....x.......x..o\nkick x.......x.......")
    kit = drum_kit(humanise(scale(place(loop(taps, 4, 8), [chorus]), 0.7), 7), bpm, "brush")
    kit = mix.add(kit, -30, position=0.2)
    mix.send(reverb(kit, 1.3), -10)
    return master(mix.sum, lufs=-17, squeeze=1.5, fade=1.5)


PIECE = Piece("folk.ogg", "Mill Road", "folk", 108, "G major", SECTIONS, play, family="acoustic")
