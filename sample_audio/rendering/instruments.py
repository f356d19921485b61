"""Turn notes into sound: General MIDI through FluidSynth, and our own synthesis.

Conventions: notes are in beats, ``bpm`` gives the seconds; sound is a float
array ``[t]`` or ``[t, 2]`` at 44.1 kHz that starts at beat 0.
"""

from __future__ import annotations

import struct
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import numpy as np
from scipy import signal

from .effects import RATE, equalise, highpass, lowpass
from .palette import PALETTE
from .score import Note, transpose

SOUND_FONT = "/usr/share/sounds/sf2/FluidR3_GM.sf2"
PROGRAMS = {
    "piano": 0,
    "electric grand": 2,
    "electric piano": 4,
    "rock organ": 18,
    "accordion": 21,
    "nylon guitar": 24,
    "steel guitar": 25,
    "jazz guitar": 26,
    "clean guitar": 27,
    "muted guitar": 28,
    "overdriven guitar": 29,
    "distorted guitar": 30,
    "acoustic bass": 32,
    "finger bass": 33,
    "pick bass": 34,
    "fretless bass": 35,
    "synth bass": 38,
    "violin": 40,
    "viola": 41,
    "cello": 42,
    "contrabass": 43,
    "timpani": 47,
    "strings": 48,
    "slow strings": 49,
    "trumpet": 56,
    "french horn": 60,
    "tenor sax": 66,
    "oboe": 68,
    "bassoon": 70,
    "clarinet": 71,
    "flute": 73,
    "recorder": 74,
}
KITS = {"standard": 0, "room": 8, "power": 16, "electronic": 24, "808": 25, "jazz": 32, "brush": 40}


def perform(notes: Iterable[Note], bpm: float, program: str, *, controls: dict[int, int] | None = None) -> np.ndarray:
    """Play notes on a General MIDI instrument, dry."""
    palette = PALETTE.get()
    notes = transpose(notes, palette.semitones)
    return _fluidsynth(_midi(notes, bpm, 0, PROGRAMS[palette.instrument(program)], controls or {}))


def drum_kit(notes: Iterable[Note], bpm: float, kit: str) -> np.ndarray:
    """Play notes on a General MIDI drum kit, dry."""
    return _fluidsynth(_midi(notes, bpm, 9, KITS[PALETTE.get().instrument(kit)], {}))


def sequence(
    notes: Iterable[Note],
    bpm: float,
    voice: Callable[[float, float, float], np.ndarray],
    *,
    tail: float = 2.0,
) -> np.ndarray:
    """Add up ``voice(pitch, seconds, velocity from 0 to 1)`` for every note."""
    notes, beat = transpose(notes, PALETTE.get().semitones), 60 / bpm
    length = max(note.start + note.length for note in notes) * beat + tail
    out = None
    for note in notes:
        sound = voice(note.pitch, round(note.length * beat, 3), round(note.velocity / 127, 2))
        if out is None:
            out = np.zeros((int(length * RATE), *sound.shape[1:]))
        first = int(note.start * beat * RATE)
        part = out[first : first + len(sound)]
        part += sound[: len(part)]
    return out


def electric_guitar(notes: Iterable[Note], bpm: float, *, palm: str = "muted guitar") -> np.ndarray:
    """Overdriven guitar in mono, its muted strokes on another program, for an amplifier."""
    notes = list(notes)
    parts = [
        perform([n for n in notes if n.mute is mute], bpm, program).mean(1)
        for mute, program in ((False, "overdriven guitar"), (True, palm))
        if any(n.mute is mute for n in notes)
    ]
    out = np.zeros(max(map(len, parts)))
    for part in parts:
        out[: len(part)] += part
    return out


def power_chords(notes: Iterable[Note]) -> list[Note]:
    """Put the fifth and the octave on every note, strummed."""
    return [
        Note(n.start + 0.008 * i, n.length, n.pitch + tone, n.velocity, n.mute)
        for n in notes
        for i, tone in enumerate((0, 7, 12))
    ]


def oscillator(kind: str, hertz: np.ndarray | float, samples: int, phase: float = 0) -> np.ndarray:
    """Sine, or saw and square with their steps smoothed against aliasing (polyBLEP)."""
    kind = PALETTE.get().instrument(kind)
    step = np.broadcast_to(np.asarray(hertz, float) / RATE, samples)
    turns = (np.cumsum(step) + phase) % 1
    if kind == "sine":
        return np.sin(2 * np.pi * turns)
    saw = 2 * turns - 1 - _blep(turns, step)
    if kind == "saw":
        return saw
    half = (turns + 0.5) % 1
    return saw - (2 * half - 1 - _blep(half, step))


def envelope(seconds: float, attack: float, decay: float, sustain: float, release: float) -> np.ndarray:
    """Attack and release in seconds, exponential decay towards a sustained level."""
    held = np.arange(int(seconds * RATE)) / RATE
    body = sustain + (1 - sustain) * np.exp(-np.maximum(0, held - attack) / decay)
    body = body * np.minimum(1, held / max(attack, 1e-4))
    fall = np.arange(int(release * RATE)) / (release * RATE)
    return np.concatenate([body, body[-1] * (1 - fall) ** 2])


def sweep_filter(sound: np.ndarray, cutoff: np.ndarray, resonance: float = 1.0) -> np.ndarray:
    """Low-pass with a moving cutoff in Hz, 24 dB per octave, in blocks of 3 ms."""
    out, block = np.empty_like(sound), 128
    cutoff = cutoff * PALETTE.get().cutoff
    shape = (2, 2, *sound.shape[1:])
    state = np.zeros(shape)
    for first in range(0, len(sound), block):
        w = 2 * np.pi * min(cutoff[first], 18000) / RATE
        rows = [_lowpass_row(w, q) for q in (0.6, resonance)]
        part = slice(first, first + block)
        out[part], state = signal.sosfilt(rows, sound[part], axis=0, zi=state)
    return out


def supersaw(hertz: float, seconds: float, seed: int, *, spread: float = 0.006) -> np.ndarray:
    """Seven detuned saws, panned apart."""
    rng = np.random.default_rng(seed)
    samples = int(seconds * RATE)
    out = np.zeros((samples, 2))
    for i, detune in enumerate(np.linspace(-spread, spread, 7)):
        saw = oscillator("saw", hertz * (1 + detune), samples, rng.uniform())
        angle = np.pi / 4 * (1 + 0.8 * (-1) ** i * i / 6)
        out += saw[:, None] * [np.cos(angle), np.sin(angle)]
    return out / 4


@cache
def electronic_kick(start: float = 220, end: float = 50, decay: float = 0.22) -> np.ndarray:
    """Sine that falls from ``start`` to ``end`` Hz, with a click on top."""
    time = np.arange(int(decay * 3 * RATE)) / RATE
    hertz = end + (start - end) * np.exp(-time / 0.022)
    body = np.sin(2 * np.pi * np.cumsum(hertz) / RATE) * np.exp(-((time / decay) ** 1.5))
    click = highpass(_noise(len(time), 1), 2500) * np.exp(-time / 0.003)
    return np.tanh(1.8 * body) + 0.25 * click


@cache
def electronic_clap(seconds: float = 0.25) -> np.ndarray:
    """Four short bursts of noise and their tail."""
    time = np.arange(int(seconds * RATE)) / RATE
    bursts = sum(np.exp(-np.abs(time - 0.011 * i) / 0.004) * (time >= 0.011 * i) for i in range(3))
    tail = np.exp(-np.maximum(0, time - 0.033) / 0.07) * (time >= 0.033)
    body = equalise(_noise(len(time), 2), ("highpass", 700, 0), ("peak", 1300, 9, 1.2))
    return 0.4 * (bursts + tail) * lowpass(body, 9000)


@cache
def electronic_hat(decay: float = 0.04) -> np.ndarray:
    """Six clashing squares and noise, high-passed."""
    time = np.arange(int((decay * 6 + 0.02) * RATE)) / RATE
    metal = sum(oscillator("square", f, len(time)) for f in (2105, 3131, 4093, 5471, 6113, 8291))
    sound = highpass(metal / 6 + 0.6 * _noise(len(time), 3), 7000)
    return 0.5 * sound * np.exp(-time / decay)


def to_hertz(key: float) -> float:
    """Frequency of a MIDI number."""
    return 440 * 2 ** ((key - 69) / 12)


def _blep(turns: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Correction around the jump of a saw."""
    out = np.zeros_like(turns)
    after, before = turns < step, turns > 1 - step
    t = turns[after] / step[after]
    out[after] = t + t - t * t - 1
    t = (turns[before] - 1) / step[before]
    out[before] = t * t + t + t + 1
    return out


def _lowpass_row(w: float, q: float) -> list[float]:
    """Coefficients of a resonant low-pass at ``w`` radians per sample."""
    cos, alpha = np.cos(w), np.sin(w) / (2 * q)
    a = 1 + alpha
    return [(1 - cos) / 2 / a, (1 - cos) / a, (1 - cos) / 2 / a, 1, -2 * cos / a, (1 - alpha) / a]


def _noise(samples: int, seed: int) -> np.ndarray:
    """White noise that is the same in every run."""
    return np.random.default_rng(seed).normal(0, 0.5, samples)


def _midi(notes: Iterable[Note], bpm: float, channel: int, program: int, controls: dict[int, int]) -> bytes:
    """Write a Standard MIDI File with 960 ticks per beat."""
    events = [(0, 0, bytes([0xC0 | channel, program]))]
    events += [(0, 1, bytes([0xB0 | channel, number, v])) for number, v in controls.items()]
    for note in notes:
        on, off = round(note.start * 960), round((note.start + note.length) * 960)
        events.append((on, 3, bytes([0x90 | channel, note.pitch, note.velocity])))
        events.append((max(off, on + 1), 2, bytes([0x80 | channel, note.pitch, 0])))
    tempo = round(60e6 / bpm).to_bytes(3, "big")
    track, last = b"\x00\xff\x51\x03" + tempo, 0
    for tick, _, message in sorted(events):
        track += _variable_length(tick - last) + message
        last = tick
    track += b"\x00\xff\x2f\x00"
    head = struct.pack(">4sIHHH", b"MThd", 6, 0, 1, 960)
    return head + struct.pack(">4sI", b"MTrk", len(track)) + track


def _variable_length(number: int) -> bytes:
    """Seven bits a byte, the highest first."""
    out = [number & 0x7F]
    while number := number >> 7:
        out.insert(0, 0x80 | number & 0x7F)
    return bytes(out)


def _fluidsynth(midi: bytes) -> np.ndarray:
    """Render a MIDI file without the synthesiser's own reverb and chorus."""
    with tempfile.TemporaryDirectory() as folder:
        score, sound = Path(folder, "in.mid"), Path(folder, "out.raw")
        score.write_bytes(midi)
        command = ["fluidsynth", "-ni", "-q", "-R", "0", "-C", "0", "-g", "0.5"]
        command += ["-r", str(RATE), "-O", "float", "-T", "raw", "-F", str(sound)]
        subprocess.run([*command, SOUND_FONT, str(score)], check=True, capture_output=True)  # noqa: S603
        return np.fromfile(sound, "<f4").reshape(-1, 2).astype(float)
