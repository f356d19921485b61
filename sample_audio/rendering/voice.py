"""A speaking voice without words: a pulse train through moving formants.

Conventions: syllables are written ``ta!k:.25`` (consonant, vowel, ``!`` for
stress, final consonants, beats); ``-`` rests. The tracks of the vocal tract
run at one value per :data:`HOP` samples.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage, signal

from .effects import RATE, compress, equalise, lowpass
from .instruments import oscillator
from .palette import PALETTE

HOP = 64
# The first three formants in Hz (a as in father, A as in cat).
VOWELS = {
    "a": (730, 1090, 2440),
    "A": (660, 1720, 2410),
    "e": (530, 1840, 2480),
    "i": (300, 2200, 2900),
    "o": (570, 840, 2410),
    "u": (330, 900, 2240),
}
# Centre in Hz, seconds and level of the noise of unvoiced consonants.
NOISES = {
    "s": (5000, 0.09, 0.5),
    "S": (2600, 0.09, 0.6),
    "f": (3000, 0.07, 0.25),
    "h": (1200, 0.05, 0.3),
    "t": (3800, 0.03, 0.8),
    "k": (1900, 0.03, 0.8),
    "p": (900, 0.02, 0.6),
}
# Second formant in Hz and level of voiced consonants.
MURMURS = {
    "b": (1200, 0.14),
    "m": (1200, 0.32),
    "w": (1200, 0.35),
    "d": (1700, 0.14),
    "g": (1700, 0.14),
    "n": (1700, 0.32),
    "l": (1700, 0.39),
    "r": (1700, 0.39),
    "y": (1700, 0.35),
}


@dataclass(frozen=True)
class Syllable:
    """One syllable; ``start`` and ``length`` in beats."""

    start: float
    length: float
    onset: str
    vowel: str
    coda: str = ""
    stress: bool = False


def verse(text: str) -> list[Syllable]:
    """Read syllables; bar lines are for the eye."""
    syllables, time = [], 0.0
    for token in text.replace("|", " ").split():
        sounds, _, length = token.partition(":")
        if sounds != "-":
            plain = sounds.replace("!", "")
            syllables.append(Syllable(time, float(length), plain[0], plain[1], plain[2:], "!" in sounds))
        time += float(length)
    return syllables


def speak(syllables: Iterable[Syllable], bpm: float, hertz: float, seed: int) -> np.ndarray:
    """Speak in mono around ``hertz``; the seed decides intonation and timing."""
    rng = np.random.default_rng(seed)
    hertz *= 2 ** (PALETTE.get().semitones / 12)
    syllables = [_timed(s, bpm, rng) for s in syllables]
    samples = int((syllables[-1][1] + 0.5) * RATE)
    formants, level, pitch = _tracks(syllables, samples // HOP + 1, hertz, rng)
    per_sample = np.arange(samples) / HOP
    frames = np.arange(len(level))
    source = oscillator("saw", np.interp(per_sample, frames, pitch), samples)
    source = lowpass(source, 8000, 1) + 0.03 * rng.normal(size=samples)
    voiced = _resonate(source * np.interp(per_sample, frames, level), formants)
    voiced = equalise(voiced, ("highpass", 90, 0), ("peak", 620, -3, 0.9), ("high shelf", 2200, 7))
    voiced /= np.sqrt(np.mean(np.square(voiced[np.abs(voiced) > 1e-3])))
    return compress(voiced + _hisses(syllables, samples, rng), -8, 4, attack=0.005, release=0.08)


def _timed(syllable: Syllable, bpm: float, rng: np.random.Generator) -> tuple[float, float, Syllable]:
    """Start and end in seconds, a little off the grid."""
    start = max(0.0, syllable.start * 60 / bpm + rng.normal(0, 0.008))
    return start, start + syllable.length * 60 / bpm * 0.88, syllable


def _tracks(
    syllables: list[tuple[float, float, Syllable]],
    frames: int,
    hertz: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Formants ``[t, 3]``, level ``[t]`` and pitch ``[t]``, smoothed as speech is."""
    formants = np.full((frames, 3), np.nan)
    level, pitch = np.zeros(frames), np.full(frames, np.nan)
    for start, end, syllable in syllables:
        first, vowel, last = (int(t * RATE / HOP) for t in (start, start + 0.045, end))
        if syllable.onset in MURMURS:
            second, loud = MURMURS[syllable.onset]
            formants[first:vowel], level[first:vowel] = (300, second, 2300), loud
        formants[vowel:last] = VOWELS[syllable.vowel]
        stress = 1.25 if syllable.stress else 1.0
        level[vowel:last] = np.linspace(1, 0.75, last - vowel) * stress * rng.uniform(0.85, 1.1)
        fall = 1.5 * (syllable.length >= 0.5) * np.linspace(0, 1, last - first)
        steps = rng.normal(0, 1) + 2.5 * syllable.stress - fall
        pitch[first:last] = hertz * 2 ** (steps / 12)
    smooth = ndimage.gaussian_filter1d
    formants = np.stack([smooth(_fill(track), 12) for track in formants.T], axis=1)
    jitter = 1 + 0.01 * smooth(rng.normal(size=frames), 3)
    return formants, smooth(level, 5), smooth(_fill(pitch), 25) * jitter


def _fill(track: np.ndarray) -> np.ndarray:
    """Interpolate over what was left open."""
    known = np.flatnonzero(~np.isnan(track))
    return np.interp(np.arange(len(track)), known, track[known])


def _resonate(source: np.ndarray, formants: np.ndarray) -> np.ndarray:
    """Pass the source through four resonators in a row, which move every frame."""
    out, state = np.empty_like(source), np.zeros((4, 2))
    widths = np.array([80, 100, 140, 220])
    hertz = np.column_stack([formants, np.full(len(formants), 3500)])
    radius = np.exp(-np.pi * widths / RATE)
    middle = -2 * radius * np.cos(2 * np.pi * hertz / RATE)
    for frame, part in enumerate(range(0, len(source), HOP)):
        rows = [[1 + a1 + r * r, 0, 0, 1, a1, r * r] for a1, r in zip(middle[frame], radius, strict=True)]
        piece = slice(part, part + HOP)
        out[piece], state = signal.sosfilt(rows, source[piece], zi=state)
    return out


def _hisses(syllables: list[tuple[float, float, Syllable]], samples: int, rng: np.random.Generator) -> np.ndarray:
    """Noise of the unvoiced consonants, before and after the vowels."""
    out = np.zeros(samples)
    for start, end, syllable in syllables:
        for time, sound in ((start, syllable.onset), *((end - 0.03, c) for c in syllable.coda)):
            if sound in NOISES:
                hertz, seconds, loud = NOISES[sound]
                noise = _burst(hertz, int(seconds * RATE), rng) * loud
                part = out[int(time * RATE) : int(time * RATE) + len(noise)]
                part += noise[: len(part)]
    return out


def _burst(hertz: float, samples: int, rng: np.random.Generator) -> np.ndarray:
    """Noise around ``hertz``: the short ones explode, the long ones swell."""
    noise = equalise(rng.normal(size=samples), ("highpass", hertz, 0), ("peak", 1.2 * hertz, 8, 1.5))
    noise = lowpass(noise, min(12000, 2.2 * hertz), 2)
    time = np.arange(samples) / samples
    shape = np.exp(-3 * time) if samples < 0.04 * RATE else np.sin(np.pi * time) ** 2
    return 0.35 * noise / np.sqrt(np.mean(np.square(noise))) * shape
