"""Rock in E minor: riff, verse, chorus, a quiet break, a solo, a last chorus."""

from __future__ import annotations

import numpy as np

from ..effects import amplifier, chorus, compress, echo, equalise, reverb
from ..instruments import drum_kit, electric_guitar, perform, power_chords
from ..mixing import Mix, master
from ..score import (
    Note,
    Piece,
    bass_line,
    groove,
    humanise,
    loop,
    melody,
    place,
    progression,
    rhythm,
    scale,
    swell,
    until,
)

SECTIONS = (
    ("intro", 4),
    ("verse", 8),
    ("chorus", 8),
    ("verse", 8),
    ("chorus", 8),
    ("break", 8),
    ("solo", 8),
    ("chorus", 8),
    ("outro", 4),
)

RIFF = melody("""
    E2:.5! E2:.5_ E2:.5_ G2:1! A2:.5 E2:.5_ E2:.5_ |
    E2:.5! E2:.5_ E2:.5_ B2:.5! A2:.5 G2:.5 A2:.5 G2:.5
""")
VERSE_CHORDS = progression("Em | Em | C | D | Em | Em | C | D")
VERSE_GUITAR = melody("""
    E2:1! E2:.5_ E2:.5_ E2:.5_ E2:.5_ G2:.5 A2:.5 | E2:1! E2:.5_ E2:.5_ E2:.5_ E2:.5_ D3:.5 B2:.5 |
    C3:1! C3:.5_ C3:.5_ C3:.5_ C3:.5_ B2:.5 C3:.5 | D3:1! D3:.5_ D3:.5_ D3:.5 A2:.5 B2:.5 D3:.5 |
    E2:1! E2:.5_ E2:.5_ E2:.5_ E2:.5_ G2:.5 A2:.5 | E2:1! E2:.5_ E2:.5_ E2:.5_ E2:.5_ D3:.5 B2:.5 |
    C3:1! C3:.5_ C3:.5_ C3:.5_ C3:.5_ B2:.5 C3:.5 | D3:1! D3:.5 D3:.5 D3:1! D3:.5 D3:.5
""")
VERSE_TUNE = melody("""
    -:.5 B4:.5 B4:.5 A4:.5 G4:1 E4:1 | -:1 G4:.5 A4:.5 B4:1 A4:.5 G4:.5 |
    G4:1.5! E4:.5 E4:2 | -:1 F#4:.5 G4:.5 A4:1 F#4:1 |
    -:.5 B4:.5 B4:.5 A4:.5 G4:1 E4:1 | -:1 G4:.5 A4:.5 B4:1 D5:1 |
    E5:1.5! D5:.5 B4:1 G4:1 | A4:1.5 G4:.5 F#4:2
""")
CHORUS_CHORDS = progression("G | D | Em | C | G | D | C | D")
CHORUS_GUITAR = melody("""
    G2:1.5! G2:.5 G2:.5 G2:.5 G2:.5 G2:.5 | D3:1.5! D3:.5 D3:.5 D3:.5 C3:.5 D3:.5 |
    E3:1.5! E3:.5 E3:.5 E3:.5 D3:.5 E3:.5 | C3:1.5! C3:.5 C3:.5 C3:.5 B2:.5 A2:.5 |
    G2:1.5! G2:.5 G2:.5 G2:.5 G2:.5 G2:.5 | D3:1.5! D3:.5 D3:.5 D3:.5 C3:.5 D3:.5 |
    C3:1.5! C3:.5 C3:.5 C3:.5 C3:.5 C3:.5 | D3:1! D3:.5 D3:.5 D3:.5! D3:.5! D3:.5! D3:.5!
""")
CHORUS_TUNE = melody("""
    B4:1.5! D5:.5 G5:2 | F#5:1 E5:.5 D5:.5 A4:2 | B4:1.5! D5:.5 E5:1.5 D5:.5 | C5:1 B4:.5 A4:.5 G4:2 |
    B4:1.5! D5:.5 G5:2 | A5:1 G5:.5 F#5:.5 D5:2 | E5:1! E5:.5 F#5:.5 G5:1 B5:1 | A5:1.5 G5:.5 F#5:2
""")
CHORUS_HARMONY = melody("""
    G4:1.5 B4:.5 D5:2 | D5:1 C5:.5 B4:.5 F#4:2 | G4:1.5 B4:.5 B4:1.5 B4:.5 | A4:1 G4:.5 F#4:.5 E4:2 |
    G4:1.5 B4:.5 D5:2 | F#5:1 E5:.5 D5:.5 A4:2 | C5:1 C5:.5 D5:.5 E5:1 G5:1 | F#5:1.5 E5:.5 D5:2
""")
BREAK_CHORDS = progression("Em | Cmaj7 | G | D/F# | Em | Cmaj7 | Am7 | D")
BREAK_ARPEGGIO = melody(
    """
    E3:.5 B3:.5 E4:.5 G4:.5 B4:.5 G4:.5 E4:.5 B3:.5 | C3:.5 G3:.5 E4:.5 G4:.5 B4:.5 G4:.5 E4:.5 G3:.5 |
    G3:.5 B3:.5 D4:.5 G4:.5 B4:.5 G4:.5 D4:.5 B3:.5 | F#3:.5 A3:.5 D4:.5 F#4:.5 A4:.5 F#4:.5 D4:.5 A3:.5 |
    E3:.5 B3:.5 E4:.5 G4:.5 B4:.5 G4:.5 E4:.5 B3:.5 | C3:.5 G3:.5 E4:.5 G4:.5 B4:.5 G4:.5 E4:.5 G3:.5 |
    A3:.5 C4:.5 E4:.5 G4:.5 C5:.5 G4:.5 E4:.5 C4:.5 | D3:.5 A3:.5 D4:.5 F#4:.5 A4:.5 F#4:.5 D4:.5 A3:.5
""",
    velocity=78,
    hold=1.8,
)
SOLO_CHORDS = progression("Em | C | G | D | Em | C | G | D")
SOLO = melody(
    """
    E5:.5! G5:.5 A5:.5 B5:1.5! A5:.5 G5:.5 | E5:.25 G5:.25 E5:.25 D5:.25 C5:.5 E5:.5 G5:2! |
    B5:.5! D6:.5 B5:.5 A5:.5 G5:.5 A5:.5 B5:1 | A5:.25 B5:.25 A5:.25 F#5:.25 D5:1 F#5:.5 A5:1.5! |
    B5:.25! A5:.25 G5:.25 E5:.25 B5:.25 A5:.25 G5:.25 E5:.25 B5:.25! A5:.25 G5:.25 E5:.25 D5:.5 E5:.5 |
    G5:.25! E5:.25 C5:.25 E5:.25 G5:.25 C6:.25 G5:.25 E5:.25 C6:1! B5:.5 A5:.5 |
    B5:.5! G5:.25 B5:.25 D6:1! E6:.5 D6:.5 B5:1 | A5:.5 F#5:.5 A5:.5 D6:.5 F#6:2!
""",
    velocity=96,
)
ENDING = melody("E2:.5! -:.5 G2:.5! -:.5 A2:.5! -:.5 B2:.5! D3:.5! | E2:5!")

ROCK_BEAT = groove("""
hat   X.x.X.x.X.x.X.x.
snare ....X.......X...
kick  X.....x.x.......
""")
ROCK_BEAT_2 = groove("""
hat   X.x.X.x.X.x.X...
open  ..............x.
snare ....X.......X...
kick  X.....x.x.x...x.
""")
CHORUS_BEAT = groove("""
open  x...x...x...x...
snare ....X.......X...
kick  X.x...x.X.x...x.
""")
BREAK_BEAT = groove("""
pedal ....x.......x...
ride  x...x...x...x...
kick  X...............
rim   ........x.......
""")
FILL = groove("""
kick  X...x...x...x...
snare ....X..oX.xx....
high  ............XX..
mid   ..............X.
floor ...............X
""")
BUILD = swell(
    groove("""
kick  x...x...x...x...|x...x...x...x...
snare x.x.x.x.x.x.x.x.|xxxxxxxxxxxxxxxx
"""),
    0.45,
    1.15,
)
CRASH = [Note(0, 1, 49, 112), Note(0, 1, 36, 115)]
STOPS = groove("""
crash X...X...X...X.X.|X...............
kick  X...X...X...X.X.|X...............
snare X...X...X...X.X.|X...............
""")


def drums(piece: Piece) -> list[Note]:
    """Eight-bar sections end in a fill; every section opens with a crash."""
    phrase = [
        *until(loop([*ROCK_BEAT, *place(ROCK_BEAT_2, [4])], 8, 4), 28),
        *place(FILL, [28]),
    ]
    chorus_phrase = [*loop(CHORUS_BEAT, 4, 7), *place(FILL, [28])]
    quiet = [*loop(BREAK_BEAT, 4, 6), *place(BUILD, [24])]
    intro, outro = piece.starts("intro")[0], piece.starts("outro")[0]
    return [
        *place([*ROCK_BEAT, *place(FILL, [4])], [intro + 8]),
        *place(phrase, piece.starts("verse", "solo")),
        *place(chorus_phrase, piece.starts("chorus")),
        *place(quiet, piece.starts("break")),
        *place([*ROCK_BEAT, *place(ROCK_BEAT_2, [4]), *place(STOPS, [8])], [outro]),
        *place(CRASH, piece.starts("verse", "chorus", "solo", "break", "outro")),
        *place(CRASH, [start + 16 for start in piece.starts("chorus", "solo")]),
    ]


def bass(piece: Piece) -> list[Note]:
    """Eighths on the root, the riff's rhythm where the guitars play the riff."""
    outro = piece.starts("outro")[0]
    return [
        *place(RIFF, [piece.starts("intro")[0] + 8, outro]),
        *place(ENDING, [outro + 8]),
        *place(bass_line(VERSE_CHORDS, "XxxxXxxx"), piece.starts("verse")),
        *place(bass_line(CHORUS_CHORDS, "XxxxXxxx"), piece.starts("chorus")),
        *place(bass_line(SOLO_CHORDS, "XxxXxxXx"), piece.starts("solo")),
        *place(bass_line(BREAK_CHORDS, "x======="), piece.starts("break")),
    ]


def rhythm_guitar(piece: Piece) -> list[Note]:
    """Power chords of one of the two rhythm guitars."""
    outro = piece.starts("outro")[0]
    solo = bass_line(SOLO_CHORDS, "X==xX==x", lowest=40)
    return power_chords(
        [
            *place(loop(RIFF, 8, 2), piece.starts("intro")),
            *place(RIFF, [outro]),
            *place(ENDING, [outro + 8]),
            *place(VERSE_GUITAR, piece.starts("verse")),
            *place(CHORUS_GUITAR, piece.starts("chorus")),
            *place(solo, piece.starts("solo")),
            # The break's last two bars build up on the open string.
            *place(swell(melody("A2:.5_ " * 8 + "| " + "D3:.5_ " * 8), 0.5, 1.1), [piece.starts("break")[0] + 24]),
        ]
    )


def play(piece: Piece) -> np.ndarray:
    """Mix two rhythm guitars, two leads, clean guitar, organ, bass and drums."""
    bpm = piece.bpm
    mix = Mix(piece.seconds(piece.beats) + 2.5)

    kit = drum_kit(humanise(drums(piece), 1, timing=0.006), bpm, "room")
    kit = equalise(kit, ("peak", 65, 3), ("peak", 400, -3))
    kit = mix.add(compress(kit, -20, 3), -17)
    mix.send(reverb(kit, 0.9, bright=6000), -15)

    low = perform(humanise(bass(piece), 2), bpm, "pick bass")
    mix.add(compress(equalise(np.tanh(6 * low), ("peak", 90, 3), ("lowpass", 4000, 0)), -20, 4), -21)

    left = perform(humanise(rhythm_guitar(piece), 3, timing=0.009), bpm, "distorted guitar")
    body = ("peak", 450, 3, 0.6)
    mix.add(equalise(left.mean(1), body), -20, position=-0.85)
    right = electric_guitar(humanise(rhythm_guitar(piece), 4, timing=0.009), bpm, palm="overdriven guitar")
    mix.add(equalise(amplifier(right, 6), body), -20, position=0.85)

    tune = [
        *place(VERSE_TUNE, piece.starts("verse")),
        *place(CHORUS_TUNE, piece.starts("chorus")),
        *place(SOLO, piece.starts("solo")),
    ]
    tune = perform(humanise(tune, 5), bpm, "overdriven guitar", controls={1: 40})
    lead = mix.add(amplifier(tune, 6), -20.5, position=0.1)
    mix.send(echo(lead, piece.seconds(0.75)), -9)
    mix.send(reverb(lead, 1.6), -13)

    harmony = humanise(place(CHORUS_HARMONY, piece.starts("chorus")[1:]), 6)
    harmony = perform(harmony, bpm, "overdriven guitar", controls={1: 30})
    mix.add(amplifier(harmony, 6), -25, position=-0.35)

    clean = perform(humanise(place(BREAK_ARPEGGIO, piece.starts("break")), 7), bpm, "clean guitar")
    clean = mix.add(chorus(clean), -23, position=-0.2)
    mix.send(reverb(clean, 2.2), -8)

    pad = [
        *place(rhythm(CHORUS_CHORDS, (55, 59, 62), "x======="), piece.starts("chorus")),
        *place(rhythm(BREAK_CHORDS, (55, 59, 62), "x======="), piece.starts("break")),
    ]
    organ = perform(scale(pad, 0.8), bpm, "rock organ")
    mix.add(organ, -29, position=0.3)
    return master(mix.sum, lufs=-14, squeeze=2.5)


PIECE = Piece("rock.ogg", "Sixty-Four Bars", "rock", 128, "E minor", SECTIONS, play, family="band")
