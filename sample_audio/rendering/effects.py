"""Filters, dynamics, space and guitar amplifiers.

Conventions: sound is a float array ``[t, channels]`` or ``[t]`` at 44.1 kHz;
levels are in dB, loudness in LUFS (ITU-R BS.1770).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import ndimage, signal

from .palette import PALETTE

RATE = 44100


def gain(db: float) -> float:
    """Turn decibels into a factor."""
    return 10 ** (db / 20)


def equalise(sound: np.ndarray, *bands: tuple) -> np.ndarray:
    """Pass sound through ``(kind, hertz, dB)`` or ``(kind, hertz, dB, q)`` filters."""
    return signal.sosfilt(np.array([_biquad(*band) for band in bands]), sound, axis=0)


def highpass(sound: np.ndarray, hertz: float) -> np.ndarray:
    """Cut below ``hertz``, 24 dB per octave."""
    return signal.sosfilt(signal.butter(4, hertz, "high", fs=RATE, output="sos"), sound, axis=0)


def lowpass(sound: np.ndarray, hertz: float, order: int = 4) -> np.ndarray:
    """Cut above ``hertz``, 6 dB per octave and order."""
    return signal.sosfilt(signal.butter(order, hertz, fs=RATE, output="sos"), sound, axis=0)


def loudness(sound: np.ndarray) -> float:
    """Integrated loudness with both gates of BS.1770."""
    weighted = equalise(sound, ("high shelf", 1500, 4.0), ("highpass", 38, 0, 0.5))
    power = np.square(weighted).reshape(len(sound), -1).sum(1)
    hop, size = RATE // 10, 4 * RATE // 10
    sums = np.concatenate([[0], np.cumsum(power)])
    first = np.arange(0, max(1, len(sound) - size), hop)
    blocks = (sums[np.minimum(first + size, len(sound))] - sums[first]) / size
    blocks = blocks[blocks > 10 ** (-6.93)]
    if not len(blocks):
        return -70.0
    loud = blocks[blocks > blocks.mean() / 10]
    return float(-0.691 + 10 * np.log10(loud.mean()))


def compress(
    sound: np.ndarray,
    threshold: float,
    ratio: float,
    *,
    attack: float = 0.01,
    release: float = 0.15,
) -> np.ndarray:
    """Reduce what exceeds ``threshold`` dB (RMS), without make-up gain."""
    hop = 64
    power = np.square(sound).reshape(len(sound), -1).max(1)
    level = np.sqrt(np.add.reduceat(power, np.arange(0, len(power), hop)) / hop)
    over = np.maximum(0, 20 * np.log10(level + 1e-9) - threshold) * (1 - 1 / ratio)
    reduction = _follow(over, attack * RATE / hop, release * RATE / hop)
    curve = gain(-np.interp(np.arange(len(sound)), np.arange(len(reduction)) * hop, reduction))
    return (sound.T * curve).T


def limit(sound: np.ndarray, ceiling: float) -> np.ndarray:
    """Keep every sample under ``ceiling`` dB, looking 3 ms ahead."""
    size = 2 * (RATE // 333) + 1
    peak = np.abs(sound).reshape(len(sound), -1).max(1)
    need = np.minimum(1, gain(ceiling) / np.maximum(peak, 1e-9))
    curve = ndimage.uniform_filter1d(ndimage.minimum_filter1d(need, size), size // 2)
    return (sound.T * curve).T


def duck(sound: np.ndarray, at: list[float], depth: float, release: float) -> np.ndarray:
    """Lower the sound by ``depth`` dB at each time in seconds, as a kick drum would."""
    reduction = np.zeros(len(sound))
    fall = np.exp(-np.arange(int(release * 4 * RATE)) / (release * RATE))
    for time in at:
        first = int(time * RATE)
        part = reduction[first : first + len(fall)]
        np.maximum(part, fall[: len(part)], out=part)
    return (sound.T * gain(-depth * ndimage.uniform_filter1d(reduction, 200))).T


def reverb(sound: np.ndarray, seconds: float, *, bright: float = 5000, delay: float = 0.02) -> np.ndarray:
    """Return only the reverberation: stereo, dense, darker as it decays."""
    wide = stereo(sound)
    response = _room(seconds * PALETTE.get().room, bright, delay)
    wet = [signal.oaconvolve(wide[:, c], response[:, c])[: len(wide)] for c in (0, 1)]
    return np.stack(wet, axis=1)


def echo(sound: np.ndarray, seconds: float, *, feedback: float = 0.4, bright: float = 3500) -> np.ndarray:
    """Return only the echoes, bouncing from left to right."""
    wide = stereo(sound)
    wet, tap = np.zeros_like(wide), wide
    shift = int(seconds * RATE)
    for _ in range(6):
        tap = lowpass(np.roll(tap, shift, axis=0)[:, ::-1] * feedback, bright, 1)
        tap[:shift] = 0
        wet += tap
    return wet


def chorus(sound: np.ndarray, *, depth: float = 0.003, hertz: float = 0.6) -> np.ndarray:
    """Thicken and spread with one wavering copy per side."""
    wide = stereo(sound)
    time = np.arange(len(wide))
    sides = []
    for channel, phase in ((0, 0.0), (1, np.pi / 2)):
        sweep = np.sin(2 * np.pi * hertz * time / RATE + phase)
        late = time - RATE * (0.012 + depth * (1 + sweep) / 2)
        sides.append(0.7 * wide[:, channel] + 0.6 * np.interp(late, time, wide[:, channel]))
    return np.stack(sides, axis=1)


def amplifier(sound: np.ndarray, drive: float, *, tone: float = 0.0) -> np.ndarray:
    """Mono guitar through an overdriven amplifier and a closed 4×12 cabinet.

    Two saturating stages at four times the rate (the harmonics of ``tanh``
    would fold back otherwise); the pedal's mid boost and low cut before them
    keep low chords tight.
    """
    palette = PALETTE.get()
    mono = sound.mean(1) if sound.ndim > 1 else sound
    mono = mono / (np.sqrt(np.mean(np.square(mono[np.abs(mono) > 1e-4]))) + 1e-9) * 0.1
    tight = equalise(mono, ("highpass", 110, 0), ("peak", 750, 5, 0.6))
    hot = signal.resample_poly(tight, 4, 1) * gain(drive + palette.drive)
    first = np.tanh(hot + 0.15) - np.tanh(0.15)
    second = np.tanh(2.5 * first - 0.3 * first**2)
    driven = signal.resample_poly(second, 1, 4)[: len(mono)]
    return lowpass(_cabinet(highpass(driven, 70), tone + palette.tone), 5200)


def stereo(sound: np.ndarray, position: float = 0.0) -> np.ndarray:
    """Place a sound between −1 (left) and 1 (right), at constant power."""
    wide = np.stack([sound, sound], axis=1) if sound.ndim == 1 else sound
    angle = (position + 1) * np.pi / 4
    return wide * np.sqrt(2) * [np.cos(angle), np.sin(angle)]


def widen(sound: np.ndarray, amount: float) -> np.ndarray:
    """Scale the difference between the sides."""
    mid, side = sound.mean(1), (sound[:, 0] - sound[:, 1]) / 2 * amount
    return np.stack([mid + side, mid - side], axis=1)


def _cabinet(sound: np.ndarray, tone: float) -> np.ndarray:
    """Colour of the speaker and the microphone before it."""
    return equalise(
        sound,
        ("peak", 120, 4, 1.2),
        ("peak", 420, -4, 0.9),
        ("peak", 2300 * 2**tone, 4, 0.9),
        ("peak", 3700 * 2**tone, 3, 2.0),
        ("lowpass", 6000, 0),
    )


@cache
def _room(seconds: float, bright: float, delay: float) -> np.ndarray:
    """Impulse response of a room: early echoes, then noise that decays by 60 dB."""
    rng = np.random.default_rng(int(seconds * 1000))
    time = np.arange(int(seconds * RATE)) / RATE
    noise = rng.normal(size=(len(time), 2))
    low, high = lowpass(noise, bright, 2), noise - lowpass(noise, bright, 2)
    tail = (low.T * 10 ** (-3 * time / seconds) + high.T * 10 ** (-9 * time / seconds)).T
    tail *= np.minimum(1, time / 0.015)[:, None]
    for _ in range(8):
        tail[int(rng.uniform(0.005, 0.05) * RATE), rng.integers(2)] += rng.choice([-4, 4])
    tail = highpass(tail, 150)
    tail /= np.sqrt(np.square(tail).sum(0))
    return np.concatenate([np.zeros((int(delay * RATE), 2)), tail])


def _follow(values: np.ndarray, attack: float, release: float) -> np.ndarray:
    """Smooth with one time constant (in values) upwards and another downwards."""
    up, down = np.exp(-1 / attack), np.exp(-1 / release)
    out, last = np.empty_like(values), 0.0
    for i, value in enumerate(values):
        pole = up if value > last else down
        last = value + (last - value) * pole
        out[i] = last
    return out


def _biquad(kind: str, hertz: float, db: float, q: float = 0.707) -> list[float]:
    """One second-order section after the Audio EQ Cookbook."""
    amp, w = 10 ** (db / 40), 2 * np.pi * hertz / RATE
    cos, alpha = np.cos(w), np.sin(w) / (2 * q)
    root = 2 * np.sqrt(amp) * alpha
    if kind == "peak":
        b = [1 + alpha * amp, -2 * cos, 1 - alpha * amp]
        a = [1 + alpha / amp, -2 * cos, 1 - alpha / amp]
    elif kind == "lowpass":
        b = [(1 - cos) / 2, 1 - cos, (1 - cos) / 2]
        a = [1 + alpha, -2 * cos, 1 - alpha]
    elif kind == "highpass":
        b = [(1 + cos) / 2, -1 - cos, (1 + cos) / 2]
        a = [1 + alpha, -2 * cos, 1 - alpha]
    elif kind in ("low shelf", "high shelf"):
        s = 1 if kind == "low shelf" else -1
        b = [
            amp * (amp + 1 - s * (amp - 1) * cos + root),
            s * 2 * amp * (amp - 1 - s * (amp + 1) * cos),
            amp * (amp + 1 - s * (amp - 1) * cos - root),
        ]
        a = [
            amp + 1 + s * (amp - 1) * cos + root,
            s * -2 * (amp - 1 + s * (amp + 1) * cos),
            amp + 1 + s * (amp - 1) * cos - root,
        ]
    else:
        msg = f"expected a kind of filter, got {kind!r}"
        raise ValueError(msg)
    return [value / a[0] for value in (*b, *a)]
