"""Swing in F: tenor saxophone with piano trio, ii–V–I changes, a piano chorus."""

from __future__ import annotations

import numpy as np

from ..effects import compress, equalise, reverb
from ..instruments import drum_kit, perform
from ..mixing import Mix, master
from ..score import (
    Chord,
    Note,
    Piece,
    groove,
    humanise,
    melody,
    place,
    progression,
    scale,
    strokes,
    swing,
)

SECTIONS = (("intro", 4), ("head", 8), ("bridge", 8), ("piano solo", 8), ("coda", 4))

INTRO = progression("Gm7 | C7 | Am7 | D7b9")
HEAD = progression("Gm7 | C7 | Fmaj7 | D7b9 | Gm7 | C7 | Fmaj7 | Cm7 F7")
BRIDGE = progression("Bbmaj7 | Bbm7 Eb7 | Am7 | D7b9 | Gm7 | C7 | Fmaj7 D7b9 | Gm7 C7")
SOLO = progression("Gm7 | C7 | Fmaj7 | D7b9 | Gm7 | C7 | Fmaj7 | D7b9")
CODA = progression("Gm7 C7 | Am7 D7b9 | Gm7 C7 | F69")

# The left hand leaves the root to the bass.
ROOTLESS = {
    "m7": (3, 7, 10, 14),
    "7": (4, 9, 10, 14),
    "maj7": (4, 7, 11, 14),
    "7b9": (4, 7, 10, 13),
    "69": (4, 7, 9, 14),
}

HEAD_TUNE = melody(
    """
    -:.5 D5:.5 F5:.5 D5:.5 Bb4:1! A4:.5 Bb4:.5 | G4:.5 Bb4:.5 D5:.5 E5:1.5! -:1 |
    -:.5 C5:.5 E5:.5 C5:.5 A4:1! G4:.5 A4:.5 | F#4:.5 A4:.5 C5:.5 Eb5:1.5! D5:1 |
    Bb4:1.5 D5:.5 G5:1! F5:.5 D5:.5 | E5:.5 Eb5:.5 D5:.5 Bb4:1.5! G4:.5 A4:.5 |
    C5:3 -:1 | -:2 F4:.5 A4:.5 C5:.5 Eb5:.5!
""",
    velocity=88,
)
BRIDGE_TUNE = melody(
    """
    D5:1.5! F5:.5 A5:1.5 F5:.5 | Db5:1.5! F5:.5 G5:1 F5:.5 Eb5:.5 |
    E5:1 C5:.5 A4:.5 G4:1 E4:1 | F#4:.5 A4:.5 C5:.5 Eb5:1! C5:.5 A4:1 |
    Bb4:.5 D5:.5 F5:.5 A5:1.5! F5:1 | E5:.5 G5:.5 Bb5:1! A5:.5 G5:.5 E5:1 |
    F5:1.5 C5:.5 A4:2 | -:4
""",
    velocity=90,
)
SOLO_LINE = melody(
    """
    G4:.5 Bb4:.5 D5:.5 F5:.5! A5:.5 G5:.5 F5:.5 D5:.5 | E5:.5 G5:.5 Bb5:.5 Db6:.5! C6:.5 Bb5:.5 G5:.5 E5:.5 |
    F5:1 -:.5 C5:.5 E5:.5 G5:.5 C6:.5! A5:.5 | F#5:.5 A5:.5 C6:.5 Eb6:.5! D6:.5 C6:.5 Bb5:.5 A5:.5 |
    G5:1.5 D5:.5 Bb4:.5 D5:.5 F5:.5 A5:.5! | G5:.5 F5:.5 E5:.5 Eb5:.5 D5:.5 Bb4:.5 G4:.5 E4:.5 |
    A4:.5 C5:.5 E5:.5 G5:1.5! F5:.5 D5:.5 | C5:.5 A4:.5 F#4:.5 A4:.5 Eb5:1! D5:.5 C5:.5
""",
    velocity=84,
)
CODA_TUNE = melody(
    """
    Bb4:.5 D5:.5 F5:.5 A5:1! G5:.5 E5:1 | C5:.5 E5:.5 G5:.5 Eb5:1.5! D5:1 |
    Bb4:.5 D5:.5 F5:.5 A5:.5! G5:.5 E5:.5 C5:.5 D5:.5 | F5:4
""",
    velocity=90,
)

TIME = groove("""
ride  o...X.o.o...X.o.
pedal ....x.......x...
kick  -...-...-...-...
""")
COMMENTS = (
    "snare ......-.......-.",
    "snare ..-.......-.....",
    "snare ......o.....-.-.",
    "snare ..........-.....\nkick  ..............o.",
)
FILL = groove("""
pedal ....x.......x...
ride  x...x...........
snare ......x.x.o.x...
high  ...........x....
floor .............xx.
""")


def walk(chords: list[Chord], seed: int) -> list[Note]:
    """Quarter notes: the root, chord tones, then a half step into the next root."""
    rng = np.random.default_rng(seed)
    notes: list[Note] = []
    for chord, after in zip(chords, [*chords[1:], chords[0]], strict=True):
        root, goal = 31 + (chord.root - 31) % 12, 31 + (after.root - 31) % 12
        tones = [root + tone for tone in chord.tones[1:]]
        inner = rng.permutation([t if t < 45 else t - 12 for t in tones])
        steps = [root, *inner[: int(chord.length) - 2], goal + int(rng.choice([-1, 1]))]
        notes += [Note(chord.start + i, 0.92, int(key), 92 + 8 * (i % 2)) for i, key in enumerate(steps)]
    return notes


def comp(chords: list[Chord], pattern: str) -> list[Note]:
    """Rootless chords around middle C."""
    return [
        Note(start, length * 0.8, key, velocity - 14)
        for chord in chords
        for start, length, velocity in strokes(pattern, chord)
        for key in _shell(chord)
    ]


def drums(piece: Piece) -> list[Note]:
    """Ride time with comments on the snare and a fill at the end of each section."""
    bars = int(piece.beats / 4) - 1
    fills = {int(start / 4) - 1 for _, start in piece.timeline()[1:]}
    beat = [
        note
        for bar in range(bars)
        for note in place(FILL if bar in fills else [*TIME, *groove(COMMENTS[bar * 7 % 4])], [4 * bar])
    ]
    end = [Note(4 * bars, 2, 51, 100), Note(4 * bars, 2, 36, 90), Note(4 * bars, 3, 49, 70)]
    return [*beat, *end]


def play(piece: Piece) -> np.ndarray:
    """Mix saxophone, piano, bass and drums in a small room."""
    bpm, ratio = piece.bpm, 0.64
    intro, head, bridge, solo, coda = (start for _, start in piece.timeline())
    mix = Mix(piece.seconds(piece.beats) + 2.5)

    tune = [*place(HEAD_TUNE, [head]), *place(BRIDGE_TUNE, [bridge]), *place(CODA_TUNE, [coda])]
    # The horn lies back behind the beat.
    sax = humanise(place(swing(tune, ratio), [0.03]), 1, timing=0.015)
    sax = perform(sax, bpm, "tenor sax", controls={1: 20})
    sax = mix.add(equalise(sax, ("peak", 900, 2), ("high shelf", 6000, -3)), -19.5, position=-0.1)
    mix.send(reverb(sax, 1.4), -10)

    comping = [
        *place(comp(INTRO, "x..x====|....x==."), [intro]),
        *place(comp(HEAD, "x==x====|...x=.x."), [head]),
        *place(comp(BRIDGE, "x=.x=...|..x=...x"), [bridge]),
        *place(scale(comp(SOLO, "x=......|...x...."), 0.8), [solo]),
        *place(comp(CODA, "x==x===="), [coda]),
    ]
    piano = humanise(swing([*comping, *place(SOLO_LINE, [solo])], ratio), 2, timing=0.012)
    piano = mix.add(perform(piano, bpm, "piano"), -22, position=0.25)
    mix.send(reverb(piano, 1.4), -13)

    line = [
        *place(walk(INTRO, 3), [intro]),
        *place(walk(HEAD, 4), [head]),
        *place(walk(BRIDGE, 5), [bridge]),
        *place(walk(SOLO, 6), [solo]),
        *place(walk(CODA[:-1], 7), [coda]),
        Note(coda + 12, 4, 29, 100),
    ]
    bass = perform(humanise(line, 8, timing=0.008), bpm, "acoustic bass")
    mix.add(compress(equalise(bass, ("peak", 700, 3)), -24, 2), -21)

    kit = drum_kit(humanise(swing(drums(piece), ratio), 9, timing=0.008), bpm, "jazz")
    kit = mix.add(equalise(kit, ("high shelf", 8000, 2)), -23)
    mix.send(reverb(kit, 1.0), -14)
    return master(mix.sum, lufs=-16, squeeze=1.6, fade=1.2)


def _shell(chord: Chord) -> tuple[int, ...]:
    """Rootless voicing of a chord between F3 and A4."""
    quality = chord.name.split("/")[0].lstrip("ABCDEFG").lstrip("#b")
    keys = [48 + chord.root + tone for tone in ROOTLESS[quality]]
    return tuple(sorted(53 + (key - 53) % 12 for key in keys))


PIECE = Piece("jazz.ogg", "Two Five Window", "jazz", 150, "F major", SECTIONS, play, family="band")
