"""House in F minor: four on the floor, off-beat stabs, a break with a riser, a drop."""

from __future__ import annotations

import numpy as np

from ..effects import RATE, compress, duck, echo, equalise, highpass, reverb
from ..instruments import (
    electronic_clap,
    electronic_hat,
    electronic_kick,
    envelope,
    oscillator,
    sequence,
    supersaw,
    sweep_filter,
    to_hertz,
)
from ..mixing import Mix, master
from ..palette import PALETTE
from ..score import DRUMS, Note, Piece, groove, loop, melody, place, progression, rhythm

SECTIONS = (("intro", 4), ("groove", 8), ("break", 4), ("drop", 8), ("outro", 2))

CHORDS = progression("Fm9 | Dbmaj7 | Abmaj7 | Eb")
BASS = melody(
    """
    -:.5 F2:.5 -:.25 F2:.25 Ab2:.25 F2:.25 -:.5 F2:.5 -:.25 C3:.25 Eb3:.5 |
    -:.5 Db2:.5 -:.25 Db2:.25 F2:.25 Db2:.25 -:.5 Db2:.5 -:.25 Ab2:.25 F2:.5 |
    -:.5 Ab2:.5 -:.25 Ab2:.25 C3:.25 Ab2:.25 -:.5 Ab2:.5 -:.25 Eb3:.25 C3:.5 |
    -:.5 Eb2:.5 -:.25 Eb2:.25 G2:.25 Eb2:.25 -:.5 Eb2:.5 -:.25 Bb2:.25 G2:.5
""",
    velocity=100,
)
HOOK = melody(
    """
    C5:.75! Ab4:.75 F4:.5 G4:.5 Ab4:.5 C5:.5 Eb5:.5 | F5:.75! C5:.75 Ab4:.5 C5:1 Eb5:.5 C5:.5 |
    C5:.75! Ab4:.75 Eb4:.5 G4:.5 Ab4:.5 C5:.5 Eb5:.5 | G5:.75! Eb5:.75 Bb4:.5 G4:1 Bb4:.5 Eb5:.5
""",
    velocity=100,
)
KICKS = groove("kick X...X...X...X...")
CLAPS = groove("clap ....X.......X...")
OFFBEATS = groove("open ..X...X...X...X.")
SHUFFLE = groove("hat o-xoo-xoo-xoo-xo")
FILL = groove("clap ....X...x.xxX.xx")
PICKUP = groove("clap x...x...x...x...|x.x.x.x.xxxxxxxx")


def hit(drum: str, sound: np.ndarray, notes: list[Note], bpm: float) -> np.ndarray:
    """Trigger a drum sample for every note of one drum of a groove."""
    chosen = [n for n in notes if n.pitch == DRUMS[drum]]
    speed = PALETTE.get().speed
    sound = np.interp(np.arange(0, len(sound), speed), np.arange(len(sound)), sound)

    def strike(_key: float, _seconds: float, velocity: float) -> np.ndarray:
        return sound * velocity

    return sequence(chosen, bpm, strike)


def bass_voice(key: float, seconds: float, velocity: float) -> np.ndarray:
    """Saw and a sine an octave below, through a filter that closes."""
    shape = envelope(seconds, 0.003, 0.15, 0.5, 0.03)
    saw = oscillator("saw", to_hertz(key), len(shape)) * 0.6
    time = np.arange(len(shape)) / RATE
    saw = sweep_filter(saw, 180 + 1800 * velocity * np.exp(-time / 0.09), 1.4)
    return (saw + 0.5 * oscillator("sine", to_hertz(key - 12), len(shape))) * shape * velocity


def stab_voice(key: float, seconds: float, velocity: float) -> np.ndarray:
    """Detuned saws, plucked by the filter."""
    shape = envelope(seconds, 0.003, 0.12, 0.25, 0.15)
    time = np.arange(len(shape)) / RATE
    saws = supersaw(to_hertz(key), len(shape) / RATE + 0.001, int(key))[: len(shape)]
    saws = sweep_filter(saws, 500 + 5500 * velocity * np.exp(-time / 0.12), 0.9)
    return saws * shape[:, None] * velocity


def pad_voice(key: float, seconds: float, velocity: float) -> np.ndarray:
    """Detuned saws that open slowly."""
    shape = envelope(seconds, 0.6, 9.0, 1.0, 0.5)
    saws = supersaw(to_hertz(key), len(shape) / RATE + 0.001, int(key) + 1, spread=0.008)
    saws = saws[: len(shape)]
    return sweep_filter(saws, np.linspace(700, 3500, len(shape)), 0.7) * shape[:, None] * velocity


def lead_voice(key: float, seconds: float, velocity: float) -> np.ndarray:
    """Hollow pluck: a square and its octave."""
    shape = envelope(seconds, 0.004, 0.25, 0.3, 0.12)
    hertz, time = to_hertz(key), np.arange(len(shape)) / RATE
    tone = oscillator("square", hertz, len(shape)) + 0.5 * oscillator("saw", 2.003 * hertz, len(shape))
    return sweep_filter(tone, 900 + 5000 * velocity * np.exp(-time / 0.2), 1.0) * shape * velocity


def riser(seconds: float) -> np.ndarray:
    """Noise that climbs into the drop."""
    samples = int(seconds * RATE)
    noise = np.random.default_rng(5).normal(0, 0.3, (samples, 2))
    climb = np.linspace(0, 1, samples)
    return highpass(sweep_filter(noise, 400 * 30**climb, 2.0), 300) * climb[:, None] ** 2


def play(piece: Piece) -> np.ndarray:
    """Everything but the drums gives way to the kick."""
    bpm = piece.bpm
    intro, groove_, rest, drop, outro = (start for _, start in piece.timeline())
    mix = Mix(piece.seconds(piece.beats) + 2.5)

    kicks = [*place(loop(KICKS, 4, 12), [intro]), *place(loop(KICKS, 4, 10), [drop])]
    beats = [piece.seconds(n.start) for n in kicks]
    claps = [
        *place(loop(CLAPS, 4, 7), [groove_, drop]),
        *place(FILL, [groove_ + 28, drop + 28]),
        *place(PICKUP, [rest + 8]),
        *place(loop(CLAPS, 4, 2), [outro]),
    ]
    hats = [*place(loop(OFFBEATS, 4, 10), [intro + 8]), *place(loop(OFFBEATS, 4, 10), [drop])]
    ticks = [*place(loop(SHUFFLE, 4, 12), [intro]), *place(loop(SHUFFLE, 4, 8), [drop])]
    mix.add(hit("kick", electronic_kick(), kicks, bpm), -17.5)
    clap = mix.add(hit("clap", electronic_clap(), claps, bpm), -24, position=0.05)
    mix.send(reverb(clap, 0.7), -9)
    mix.add(hit("open", electronic_hat(0.11), hats, bpm), -25, position=-0.1)
    mix.add(hit("hat", electronic_hat(0.025), ticks, bpm), -31, position=0.3)

    low = sequence([*place(loop(BASS, 16, 2), [groove_, drop])], bpm, bass_voice)
    mix.add(duck(compress(low, -20, 3), beats, 8, 0.09), -20)

    stabs = rhythm(CHORDS, (60, 63, 67, 72), "...x..x...x..x..", step=0.25)
    stab = sequence([*place(stabs, [intro]), *place(loop(stabs, 16, 2), [groove_, drop])], bpm, stab_voice)
    opening = int(piece.seconds(groove_) * RATE)
    stab[:opening] = sweep_filter(stab[:opening], np.geomspace(250, 6000, opening), 1.2)
    stab = mix.add(duck(stab, beats, 7, 0.1), -22)
    mix.send(echo(stab, piece.seconds(0.75)), -10)
    mix.send(reverb(stab, 1.8), -12)

    chords = rhythm(CHORDS, (60, 63, 67, 72), "x=======")
    pad = sequence([*place(chords, [rest]), *place(loop(chords, 16, 2), [drop])], bpm, pad_voice)
    pad = mix.add(duck(equalise(pad, ("highpass", 200, 0)), beats, 9, 0.12), -23)
    mix.send(reverb(pad, 2.5), -10)

    tune = [*place(HOOK, [rest]), *place(loop(HOOK, 16, 2), [drop])]
    lead = mix.add(duck(sequence(tune, bpm, lead_voice), beats, 4, 0.08), -23, position=0.1)
    mix.send(echo(lead, piece.seconds(0.75), feedback=0.5), -8)
    mix.send(reverb(lead, 1.8), -12)

    last = rhythm(CHORDS[:1], (60, 63, 67, 72), "x=======")
    mix.add(sequence(place(last, [outro + 4]), bpm, pad_voice), -26)
    mix.add(riser(piece.seconds(8)), -26, at=piece.seconds(rest + 8))
    return master(mix.sum, lufs=-14, squeeze=2.5, fade=1.5, bands=(("low shelf", 70, -3),))


PIECE = Piece(
    "electronic.mp3", "Night Ferry", "electronic (house)", 124, "F minor", SECTIONS, play, family="electronic"
)
