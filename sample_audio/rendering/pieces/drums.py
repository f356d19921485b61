"""Solo drums: funk, toms, half time, a ride groove with cowbell, and a closing solo."""

from __future__ import annotations

import numpy as np

from ..effects import compress, equalise, reverb
from ..instruments import drum_kit
from ..mixing import Mix, master
from ..score import Note, Piece, groove, humanise, loop, place, swell, until

SECTIONS = (("funk", 4), ("toms", 4), ("half time", 4), ("cowbell", 4), ("solo", 4))

FUNK = groove("""
hat   X.x.X.x.X.x.X...|X.x.X.x.X.x.X...
open  ..............x.|..............x.
snare ....X..-.-..X..-|....X..-.-.-X.-.
kick  X.x.......x..x..|X.x....x..x.....
""")
FUNK_FILL = groove("""
hat   X.x.X.x.........
snare ....X..-X.xxX.xx
kick  X.x.....X...X...
floor .........x...x..
""")
TOMS = groove("""
floor X..x..X...x.X...|X..x..X...x.....
mid   .......x.x....x.|.......x.x..x.x.
high  ..............x.|............x..x
snare ....x.......x...|....x.......x...
kick  X...X...X...X...|X...X...X...X...
pedal ..x...x...x...x.|..x...x...x...x.
""")
HALF = groove("""
hat   X.x.x.x.X.x.x.xx|X.x.x.x.X.xxX.x.
snare ........X.......|...-....X..-.-..
kick  X.....x...x.....|X..x......x..x..
""")
HALF_FILL = groove("""
hat   X.x.x.x.........
snare ........X.oox.xx
kick  X.....x.X.......
high  ..........X.....
mid   ............xx..
floor ..............XX
""")
COWBELL = groove("""
ride    x.o.x.o.x.o.x.o.|x.o.x.o.x.o.x.o.
cowbell X...x.x...x.x...|X...x.x...x.x...
snare   ....X..-.-..X...|....X..-.-..X..o
kick    X..x..x.X..x..x.|X..x..x.X..x..x.
""")
ROLL = swell(
    groove("""
high  xx.xx.xx........
mid   ........xx.x....
floor ............xxxx
kick  X...X...X...X...
"""),
    0.8,
    1.1,
)
SOLO = [
    *groove("""
kick  X...X...X...X...|X...X...X...X...
snare X.xxX.xxX.xxx.xx|X.........X.....
high  ................|..XXx...........
mid   ................|.....XXx..Xx....
floor ................|........Xx..XXxx
"""),
    *place(
        swell(
            groove("""
snare xxxxxxxxxxxxxxxx
kick  x...x...x...x...
"""),
            0.4,
            1.2,
        ),
        [8],
    ),
    *place(
        groove("""
crash X.....X...X.....
kick  X.....X...X.....
snare ......X...X.....
floor X.....X...X.....
"""),
        [12],
    ),
]
CRASH = [Note(0, 1, 49, 108)]


def score(piece: Piece) -> list[Note]:
    """Two bars repeated, the last bar of each part a fill."""
    funk, toms, half, cowbell, solo = (start for _, start in piece.timeline())
    return [
        *place([*FUNK, *place(until(FUNK, 4), [8]), *place(FUNK_FILL, [12])], [funk]),
        *place([*loop(TOMS, 8, 2)], [toms]),
        *place([*HALF, *place(until(HALF, 4), [8]), *place(HALF_FILL, [12])], [half]),
        *place([*COWBELL, *place(until(COWBELL, 4), [8]), *place(ROLL, [12])], [cowbell]),
        *place(SOLO, [solo]),
        *place(CRASH, [toms, half, cowbell, solo]),
    ]


def play(piece: Piece) -> np.ndarray:
    """One kit, its room, and parallel compression."""
    mix = Mix(piece.seconds(piece.beats) + 2)
    kit = drum_kit(humanise(score(piece), 1, timing=0.007, velocity=6), piece.bpm, "standard")
    kit = equalise(kit, ("peak", 70, 3), ("peak", 380, -3), ("high shelf", 7000, 3))
    dry = mix.add(kit, -17)
    mix.send(compress(dry, -30, 8, release=0.08), -3)
    mix.send(reverb(dry, 1.0, bright=6000), -13)
    return master(mix.sum, lufs=-15, squeeze=2, fade=1.0)


PIECE = Piece("drums.ogg", "Five Grooves", "solo drums", 112, "", SECTIONS, play)
