"""Metal in D minor, low string dropped: gallop riff, verse, chorus, breakdown."""

from __future__ import annotations

import numpy as np

from ..effects import amplifier, compress, echo, equalise, reverb
from ..instruments import drum_kit, electric_guitar, perform, power_chords
from ..mixing import Mix, master
from ..score import Note, Piece, bass_line, groove, humanise, loop, melody, place, progression, transpose, until

SECTIONS = (("intro", 4), ("verse", 8), ("chorus", 8), ("breakdown", 6), ("outro", 4))

GALLOP = melody(
    """
    D2:.5!_ D2:.25_ D2:.25_ D2:.5_ D2:.25_ D2:.25_ F2:.5! D2:.25_ D2:.25_ Eb2:.5! D2:.5_ |
    D2:.5!_ D2:.25_ D2:.25_ D2:.5_ D2:.25_ D2:.25_ Ab2:.5! G2:.5! F2:.5! Eb2:.5! |
    D2:.5!_ D2:.25_ D2:.25_ D2:.5_ D2:.25_ D2:.25_ F2:.5! D2:.25_ D2:.25_ Eb2:.5! D2:.5_ |
    Bb2:1! A2:1! Ab2:.5! G2:.5! F2:.5! Eb2:.5!
""",
    velocity=104,
)
VERSE = melody(
    """
    D2:.25!_ D2:.25_ D2:.25_ D2:.25_ D2:.25_ D2:.25_ F2:.5! D2:.25_ D2:.25_ D2:.25_ D2:.25_ Eb2:.5! D2:.5_ |
    D2:.25!_ D2:.25_ D2:.25_ D2:.25_ D2:.25_ D2:.25_ G2:.5! D2:.25_ D2:.25_ D2:.25_ D2:.25_ Ab2:.5! G2:.5! |
    D2:.25!_ D2:.25_ D2:.25_ D2:.25_ D2:.25_ D2:.25_ F2:.5! D2:.25_ D2:.25_ D2:.25_ D2:.25_ Eb2:.5! D2:.5_ |
    Bb2:.5! Bb2:.25_ Bb2:.25_ A2:.5! A2:.25_ A2:.25_ F2:.5! F2:.25_ F2:.25_ Eb2:1!
""",
    velocity=104,
)
CHORUS_CHORDS = progression("Dm | Bb | Gm | A | Dm | Bb | Eb | A")
CHORUS_TUNE = melody(
    """
    A4:2! D5:1 E5:1 | F5:2! E5:1 D5:1 | Bb4:1.5! D5:.5 G5:2! | E5:2! C#5:1 E5:1 |
    A5:2! G5:1 F5:1 | F5:2! D5:1 Bb4:1 | Eb5:1! G5:.5 Bb5:.5 G5:2 | C#5:2! E5:2!
""",
    velocity=98,
)
CHORUS_HARMONY = melody(
    """
    F4:2 A4:1 C5:1 | D5:2 C5:1 Bb4:1 | G4:1.5 Bb4:.5 D5:2 | C#5:2 A4:1 C#5:1 |
    F5:2 E5:1 D5:1 | D5:2 Bb4:1 F4:1 | Bb4:1 Eb5:.5 G5:.5 Eb5:2 | A4:2 C#5:2
""",
    velocity=92,
)
BREAKDOWN = melody(
    """
    D2:.75!_ D2:.75!_ D2:.5_ -:.5 D2:.5!_ D2:.25_ D2:.25_ Eb2:.5! |
    D2:.75!_ D2:.75!_ D2:.5_ -:.5 D2:.5!_ Ab2:1!
""",
    velocity=112,
)
ENDING = melody("Ab2:.5! G2:.5! F2:.5! Eb2:.5! F2:.5! Eb2:.5! C2:.5! Eb2:.5! | D2:4!", velocity=112)

INTRO_BEAT = groove("""
crash X.......X.......
snare ....X.......X...
kick  X.xxX.xxX.xxX.xx
""")
VERSE_BEAT = groove("""
hat   X...X...X...X...
open  X...X...X...X...
snare ....X.......X...
kick  xxxxxxxxxxxxxxxx
""")
BLAST = groove("""
ride  X...X...X...X...
snare ....X.......X...
kick  xxxxxxxxxxxxxxxx
""")
BREAK_BEAT = groove("""
china X...X...X...X...|X...X...X...X...
snare ........X.......|........X.......
kick  X..X..X...X.xx..|X..X..X...X.X...
""")
FILL = groove("""
snare X.xxX.xx........
high  ........XxXx....
mid   ............Xx..
floor ..............XX
kick  xxxxxxxxxxxxxxxx
""")
STOPS = groove("""
crash X.X.X.X.X.X.X.X.|X...............
snare X.X.X.X.X.X.X.X.|X...............
kick  X.X.X.X.X.X.X.X.|X...............
""")


def drums(piece: Piece) -> list[Note]:
    """Double kick under everything but the breakdown."""
    intro, verse, chorus, breakdown, outro = (start for _, start in piece.timeline())
    return [
        *place([*loop(INTRO_BEAT, 4, 3), *place(FILL, [12])], [intro]),
        *place([*loop(VERSE_BEAT, 4, 7), *place(FILL, [28])], [verse]),
        *place([*loop(BLAST, 4, 7), *place(FILL, [28])], [chorus]),
        *place([*loop(BREAK_BEAT, 8, 2), *place(until(BREAK_BEAT, 4), [16]), *place(FILL, [20])], [breakdown]),
        *place([*loop(INTRO_BEAT, 4, 2), *place(STOPS, [8])], [outro]),
        *(Note(start, 1, 57, 118) for _, start in piece.timeline()),
        *place([Note(4.0 * i, 1, 49, 104) for i in range(2, 8, 2)], [chorus]),
    ]


def riffs(piece: Piece) -> list[Note]:
    """Single line of roots that guitars and bass share."""
    intro, verse, chorus, breakdown, outro = (start for _, start in piece.timeline())
    eighths = bass_line(CHORUS_CHORDS, "XxxxXxxx", lowest=38)
    return [
        *place(GALLOP, [intro]),
        *place(loop(VERSE, 16, 2), [verse]),
        *place(eighths, [chorus]),
        *place(loop(BREAKDOWN, 8, 3), [breakdown]),
        *place(until(GALLOP, 8), [outro]),
        *place(ENDING, [outro + 8]),
    ]


def play(piece: Piece) -> np.ndarray:
    """Two rhythm guitars, two leads, bass and drums."""
    bpm = piece.bpm
    mix = Mix(piece.seconds(piece.beats) + 2.5)

    strokes = humanise(drums(piece), 1, timing=0.004, velocity=4)
    for name in ("standard", "power"):  # the one's cymbals, the other's kick
        kit = drum_kit(strokes, bpm, name)
        kit = equalise(kit, ("peak", 70, 4), ("peak", 450, -5), ("peak", 3500, 4))
        kit = mix.add(compress(kit, -22, 4), -20.5)
        mix.send(reverb(kit, 0.8, bright=6000), -15)

    bass = perform(humanise(transpose(riffs(piece), -12), 2, timing=0.005), bpm, "pick bass")
    bass = equalise(np.tanh(12 * bass), ("peak", 80, 4), ("lowpass", 3500, 0))
    mix.add(compress(bass, -20, 5), -23.5)

    for side, seed in ((-0.9, 3), (0.9, 4)):
        chords = humanise(power_chords(riffs(piece)), seed, timing=0.006)
        sound = amplifier(electric_guitar(chords, bpm), 30, tone=0.1 * side)
        sound = equalise(sound, ("peak", 700, -3, 0.7), ("low shelf", 200, 2))
        mix.add(sound, -20.5, position=side)

    for tune, level, side, seed in ((CHORUS_TUNE, -24, 0.2, 7), (CHORUS_HARMONY, -27, -0.3, 8)):
        notes = humanise(place(tune, piece.starts("chorus")), seed)
        lead = perform(notes, bpm, "overdriven guitar", controls={1: 40})
        lead = mix.add(amplifier(lead, 14), level, position=side)
        mix.send(echo(lead, piece.seconds(0.75)), -10)
        mix.send(reverb(lead, 1.6), -13)
    return master(mix.sum, lufs=-13, squeeze=2.5, fade=1.0)


PIECE = Piece("metal.ogg", "Anvil Grammar", "metal", 168, "D minor", SECTIONS, play, family="band")
