"""Hip-hop in D minor: swung drums, deep bass, strings, a rapper of nonsense syllables."""

from __future__ import annotations

import numpy as np

from ..effects import RATE, compress, duck, equalise, highpass, lowpass, reverb
from ..instruments import drum_kit, perform
from ..mixing import Mix, master
from ..score import (
    Note,
    Piece,
    groove,
    humanise,
    loop,
    melody,
    place,
    progression,
    rhythm,
    swing,
    until,
)
from ..voice import speak, verse

SECTIONS = (("intro", 2), ("verse", 8), ("hook", 4), ("verse", 4))

CHORDS = progression("Dm9 | Bbmaj7 | Gm9 | A7#9")
BASS = melody(
    """
    D2:1! -:.5 D2:.25 -:.25 F2:.5 -:.5 A1:.5 C2:.5 | Bb1:1! -:.5 Bb1:.25 -:.25 D2:.5 -:.5 F2:.5 A1:.5 |
    G1:1! -:.5 G1:.25 -:.25 Bb1:.5 -:.5 D2:.5 F2:.5 | A1:1! -:.5 A1:.25 -:.25 E2:.5 -:.5 C#2:.5 A1:.5
""",
    velocity=104,
)
RAP = verse("""
    -:.5 yo!:.5 tA:.25 ka:.25 di:.25 na!:.25 bo:.5 ta!k:.5 ri:.25 da:.25 so!:.5 |
    -:.25 mi:.25 ka:.25 pa!:.25 do:.25 li:.25 ta!t:.5 wi:.25 ga:.25 re!:.5 dA:.25 bi:.25 no!s:.5 |
    -:.25 ba:.25 da!:.25 ti:.25 ko:.5 ma!k:.5 Su:.25 ga:.25 da!:.25 li:.25 to:.5 bA!k:.5 |
    de:.25 la!:.25 si:.25 no:.25 ka:.25 te!:.25 ro:.25 di:.25 ha!:.5 -:.5 wA:.25 ka!:.25 to:.5
""")
RAP_2 = verse("""
    -:.25 ka:.25 ta!:.25 di:.25 bo!m:.5 ra:.25 ka:.25 ti!:.5 do:.25 na:.25 ge!t:.5 -:.5 |
    la!:.25 ka:.25 ti:.25 da!:.25 mo:.25 no:.25 sA!k:.5 ri:.25 pa:.25 to!:.25 li:.25 da!:.5 ko:.5 |
    -:.5 di!:.25 ba:.25 do!:.25 ka:.25 li:.25 ta:.25 wo!:.5 Si:.25 ma:.25 ka!:.25 ne:.25 ro!:.5 |
    ta:.25 ka!:.25 da:.25 ti:.25 go!:.5 ba:.25 ra:.25 yo!:.5 -:.25 da:.25 ka!t:.5 ho!:.5
""")
HOOK_RAP = verse("""
    he!:.5 yo:.25 ka:.25 ta!:.5 lo:.5 he!:.5 yo:.25 ka:.25 da!k:.5 -:.5 |
    -:.25 ri:.25 ta!:.25 ka:.25 la!:.5 do:.5 he!:.5 yo!:.5 na:.25 to:.25 ka!:.5 |
    he!:.5 yo:.25 ka:.25 ta!:.5 lo:.5 he!:.5 yo:.25 ka:.25 da!k:.5 -:.5 |
    -:.25 di!:.25 ka:.25 ra:.25 na!:.5 to:.25 ka:.25 he!:.5 li:.25 ta:.25 ho!:.5 yo!:.5
""")
INTRO_RAP = verse("""
    -:1 yo!:.5 -:.5 da:.25 ka!:.25 to:.5 -:1 |
    -:.5 ya!:.5 -:.5 ri:.25 ta:.25 ko!:.5 -:.25 ta:.25 ka!:.5 he!:.5
""")
BEAT = groove("""
hat   x.x.x.x.x.x.x.xo|x.x.x.x.x.xox...
open  ................|..............x.
snare ....X.......X...|....X.......X..-
kick  X......x..X.....|X.x....x..X..x..
""")
FILL = groove("""
hat   x.x.x.x.........
snare ....X.......X.xX
kick  X......x..X.....
""")


def dust(seconds: float) -> np.ndarray:
    """Surface noise of a record: hiss and sparse clicks."""
    rng = np.random.default_rng(7)
    samples = int(seconds * RATE)
    clicks = rng.normal(size=(samples, 2)) * (rng.uniform(size=(samples, 1)) < 12 / RATE)
    return highpass(lowpass(6 * clicks, 6000), 900) + 0.01 * rng.normal(size=(samples, 2))


def play(piece: Piece) -> np.ndarray:
    """Loud drums and bass under the voice; strings and a guitar chop behind."""
    bpm, ratio = piece.bpm, 0.58
    intro, hook = piece.starts("intro")[0], piece.starts("hook")[0]
    verses = piece.starts("verse")
    mix = Mix(piece.seconds(piece.beats) + 2.5)

    four = [*until(loop(BEAT, 8, 2), 12), *place(FILL, [12])]
    opening = place([n for n in BEAT if n.pitch != 36], [intro])
    beat = place(four, [verses[0], verses[0] + 16, hook, verses[1]])
    end = [Note(piece.beats, 1, 36, 110), Note(piece.beats, 2, 49, 70)]
    kit = drum_kit(swing(humanise([*opening, *beat, *end], 1, timing=0.006), ratio, grid=0.5), bpm, "electronic")
    kit = equalise(np.tanh(4 * kit), ("peak", 65, 5), ("peak", 200, 2), ("high shelf", 9000, -4))
    kit = mix.add(compress(kit, -20, 5), -16.5)
    mix.send(reverb(kit, 0.5), -18)

    low = place(BASS, [verses[0], verses[0] + 16, hook, verses[1]])
    low = humanise([*low, Note(piece.beats, 2, 38, 100)], 4, timing=0.008)
    low = equalise(perform(low, bpm, "finger bass"), ("peak", 60, 4), ("lowpass", 3000, 0))
    kicks = [piece.seconds(n.start) for n in beat if n.pitch == 36]
    mix.add(duck(compress(low, -20, 3), kicks, 4, 0.06), -18.5)

    stabs = rhythm(CHORDS, (57, 60, 65, 69), "X===..x=|X.......")
    stabs = [*place(until(stabs, 8), [intro]), *place(stabs, [verses[0], verses[0] + 16, hook, verses[1]])]
    final = [Note(piece.beats, 3, k, 80) for k in (57, 60, 64, 65)]
    stabs = humanise(swing([*stabs, *final], ratio, grid=0.5), 2)
    strings = mix.add(perform(stabs, bpm, "strings"), -23, position=-0.15)
    mix.send(reverb(strings, 1.2), -14)

    chops = rhythm(CHORDS, (57, 60, 65, 69), "..x...x.|..x..x..", hold=0.5)
    chops = place(chops, [verses[0] + 16, hook, verses[1]])
    guitar = perform(humanise(swing(chops, ratio, grid=0.5), 5), bpm, "clean guitar")
    mix.add(guitar, -27, position=0.35)

    lines = [
        *place(INTRO_RAP, [intro]),
        *place(RAP, [verses[0], verses[1]]),
        *place(RAP_2, [verses[0] + 16]),
        *place(HOOK_RAP, [hook]),
    ]
    lines = swing(sorted(lines, key=lambda s: s.start), 0.56, grid=0.5)
    # One voice in the middle, doubled by two takes beside it.
    for side, level, seed, hertz in ((0, -16.5, 1, 120), (-0.6, -20.5, 2, 118), (0.6, -20.5, 3, 124)):
        rap = mix.add(speak(lines, bpm, hertz, seed), level, position=side)
        mix.send(reverb(rap, 0.5), -16)

    mix.add(dust(piece.seconds(piece.beats) + 2.4), -48)
    return master(mix.sum, lufs=-14, squeeze=3, fade=1.5)


PIECE = Piece("hiphop.mp3", "Corner Light", "hip-hop", 90, "D minor", SECTIONS, play, family="electronic")
