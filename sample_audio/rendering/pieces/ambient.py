"""Ambient in D: slow chords of soft partials, a few bells, wind; no pulse."""

from __future__ import annotations

import numpy as np

from ..effects import RATE, echo, equalise, lowpass, reverb
from ..instruments import envelope, oscillator, sequence, to_hertz
from ..mixing import Mix, master
from ..score import Note, Piece, progression, sustain

# One beat is one second here; the lengths are the composer's, nobody counts them.
SECTIONS = (("dawn", 4.5), ("drift", 4.5), ("dusk", 4))

CHORDS = progression("Dadd9 | Bm7 | Gmaj9 | Dmaj7 | Em9 | Gmaj7 | A6 | Bm11 | Gmaj9 | Em9 | Gmaj7 | Dadd9 | Dadd9")
BELLS = (
    (6.3, 81),
    (9.8, 78),
    (13.1, 86),
    (18.6, 74),
    (20.2, 81),
    (23.7, 83),
    (27.9, 85),
    (29.1, 78),
    (33.4, 81),
    (36.8, 90),
    (38.3, 86),
    (41.9, 74),
    (45.2, 81),
)


def pad_voice(key: float, seconds: float, velocity: float) -> np.ndarray:
    """Sum the partials of a soft string, each drifting in level on its own."""
    rng = np.random.default_rng(int(key * 100 + seconds))
    shape = envelope(seconds, seconds * 0.45, 20, 1, seconds * 0.8)
    time = np.arange(len(shape)) / RATE
    out = np.zeros((len(shape), 2))
    for partial in range(1, 9):
        for side in (0, 1):
            hertz = to_hertz(key) * partial * (1 + rng.normal(0, 0.0012))
            drift = 1 + 0.5 * np.sin(2 * np.pi * rng.uniform(0.05, 0.2) * time + rng.uniform(0, 6))
            out[:, side] += oscillator("sine", hertz, len(shape), rng.uniform()) * drift / partial**1.7
    return out * shape[:, None] * velocity


def bell_voice(key: float, seconds: float, velocity: float) -> np.ndarray:
    """Three inharmonic partials that die one after the other."""
    time = np.arange(int(seconds * RATE)) / RATE
    parts = ((1, 1.0, 1.8), (2.76, 0.35, 0.8), (5.4, 0.15, 0.3))
    sound = sum(
        level * np.sin(2 * np.pi * to_hertz(key) * ratio * time) * np.exp(-time / decay)
        for ratio, level, decay in parts
    )
    return sound * np.minimum(1, time / 0.01) * velocity


def wind(seconds: float) -> np.ndarray:
    """Dark noise that comes and goes."""
    rng = np.random.default_rng(3)
    time = np.arange(int(seconds * RATE)) / RATE
    noise = lowpass(rng.normal(size=(len(time), 2)), 500, 2)
    return noise * (0.6 + 0.4 * np.sin(2 * np.pi * time / 17))[:, None]


def play(piece: Piece) -> np.ndarray:
    """Everything drowned in a very long reverberation."""
    length = piece.seconds(piece.beats) + 6
    mix = Mix(length)
    pads = sustain(CHORDS, (50, 57, 62, 66), velocity=80, hold=1.0)
    pad = mix.add(sequence(pads, piece.bpm, pad_voice, tail=8), -20)
    mix.send(reverb(pad, 6.0, bright=2500, delay=0.05), -3)

    low = [Note(c.start, c.length, 26 + (c.bass - 26) % 12 + 12, 80) for c in CHORDS]
    low = mix.add(sequence(low, piece.bpm, pad_voice, tail=8), -24)
    mix.send(reverb(low, 6.0, bright=2500, delay=0.05), -8)

    bells = sequence([Note(t, 5, key, 70) for t, key in BELLS], piece.bpm, bell_voice, tail=6)
    bells = mix.add(bells, -31, position=0.2)
    mix.send(echo(bells, 0.73, feedback=0.6), -5)
    mix.send(reverb(bells, 6.0, bright=4000, delay=0.05), 0)
    mix.add(wind(length), -38)
    out = equalise(mix.sum, ("highpass", 35, 0), ("high shelf", 6000, -2))
    out[: 3 * RATE] *= np.linspace(0, 1, 3 * RATE)[:, None]
    return master(out, lufs=-19, squeeze=1.2, fade=6)


PIECE = Piece("ambient.ogg", "Slow Harbour", "ambient", 60, "D major", SECTIONS, play, pulse=False, family="electronic")
