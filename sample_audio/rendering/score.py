"""Notes, chords, grooves and forms, written as text.

Conventions: times and lengths are in beats from the start of the piece (a
quarter note is one beat); pitches are MIDI numbers (C4 = 60); velocities run
from 1 to 127. Seconds appear only in :class:`Piece`, where the tempo is known.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

PITCH_CLASSES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
ACCIDENTALS = {"": 0, "#": 1, "b": -1}
TONICS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
QUALITIES = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "dim": (0, 3, 6),
    "sus2": (0, 2, 7),
    "sus4": (0, 5, 7),
    "add9": (0, 4, 7, 14),
    "madd9": (0, 3, 7, 14),
    "6": (0, 4, 7, 9),
    "69": (0, 4, 9, 14),
    "m6": (0, 3, 7, 9),
    "7": (0, 4, 7, 10),
    "9": (0, 4, 10, 14),
    "13": (0, 4, 10, 21),
    "7b9": (0, 4, 10, 13),
    "7#9": (0, 4, 10, 15),
    "maj7": (0, 4, 7, 11),
    "maj9": (0, 4, 11, 14),
    "m7": (0, 3, 7, 10),
    "m9": (0, 3, 10, 14),
    "m11": (0, 3, 10, 17),
    "m7b5": (0, 3, 6, 10),
    "dim7": (0, 3, 6, 9),
}
DRUMS = {
    "kick": 36,
    "rim": 37,
    "snare": 38,
    "clap": 39,
    "hat": 42,
    "pedal": 44,
    "open": 46,
    "low": 41,
    "floor": 43,
    "mid": 47,
    "high": 50,
    "crash": 49,
    "crash2": 57,
    "china": 52,
    "ride": 51,
    "bell": 53,
    "shaker": 70,
    "tamb": 54,
    "cowbell": 56,
}
STROKES = {"X": 118, "x": 96, "o": 68, "-": 38}


@dataclass(frozen=True)
class Note:
    """One note; ``mute`` asks a guitar for a palm-muted stroke."""

    start: float
    length: float
    pitch: int
    velocity: int = 90
    mute: bool = False


@dataclass(frozen=True)
class Chord:
    """A chord symbol that sounds from ``start`` for ``length`` beats."""

    start: float
    length: float
    name: str

    @property
    def root(self) -> int:
        """Pitch class of the root."""
        return _split(self.name)[0]

    @property
    def bass(self) -> int:
        """Pitch class below the slash, or the root."""
        return _split(self.name)[2]

    @property
    def tones(self) -> tuple[int, ...]:
        """Semitones above the root."""
        return _split(self.name)[1]


@dataclass(frozen=True)
class Piece:
    """What the table of tracks says about a piece, and the function that plays it."""

    file: str
    title: str
    style: str
    bpm: float
    key: str
    sections: tuple[tuple[str, float], ...]
    play: Callable[[Piece], np.ndarray]
    meter: str = "4/4"
    family: str = ""
    pulse: bool = True

    @property
    def beats_per_bar(self) -> int:
        """Quarter notes in a bar."""
        return int(self.meter.split("/")[0])

    @property
    def beats(self) -> float:
        """Length of the form in beats, without the final ring."""
        return sum(bars for _, bars in self.sections) * self.beats_per_bar

    def seconds(self, beat: float) -> float:
        """Time of a beat."""
        return beat * 60 / self.bpm

    def timeline(self) -> list[tuple[str, float]]:
        """Each section with its first beat."""
        bars = [0.0, *itertools.accumulate(bars for _, bars in self.sections)]
        return [(name, bar * self.beats_per_bar) for (name, _), bar in zip(self.sections, bars, strict=False)]

    def starts(self, *names: str) -> list[float]:
        """First beats of the sections with these names."""
        return [start for name, start in self.timeline() if name in names]


def pitch(name: str) -> int:
    """MIDI number of a note name such as ``F#3``."""
    letter, accidental, octave = re.fullmatch(r"([A-G])([#b]?)(-?\d)", name).groups()
    return PITCH_CLASSES[letter] + ACCIDENTALS[accidental] + 12 * (int(octave) + 1)


def transposed_key(key: str, semitones: int) -> str:
    """Name of a key such as ``F# minor``, moved; without a key there is none."""
    if not key:
        return ""
    tonic, mode = key.split()
    return f"{TONICS[(pitch(f'{tonic}4') + semitones) % 12]} {mode}"


def melody(text: str, *, velocity: int = 90, bar: float = 4, hold: float = 0.95) -> list[Note]:
    """Read ``pitch:beats`` tokens; ``-`` rests, ``+`` stacks, ``!`` accents, ``_`` mutes.

    Bar lines are checked: a bar of the wrong length raises, so a slip of the
    pen is found where it happened.
    """
    notes: list[Note] = []
    time = 0.0
    for word in text.split():
        if word == "|":
            if abs(time / bar - round(time / bar)) > 1e-6:
                msg = f"bar line at beat {time:g}, expected a multiple of {bar:g}: {text!r}"
                raise ValueError(msg)
            continue
        names, _, length = word.rstrip("!_").partition(":")
        beats = float(length or 1)
        if names != "-":
            level = min(127, velocity + 18 * ("!" in word))
            notes += [Note(time, beats * hold, pitch(name), level, "_" in word) for name in names.split("+")]
        time += beats
    return notes


def groove(text: str, *, step: float = 0.25) -> list[Note]:
    """Read a drum grid: one line per drum, one character per ``step`` beats."""
    notes = []
    for line in text.strip().splitlines():
        name, grid = line.split(maxsplit=1)
        for index, stroke in enumerate(grid.replace("|", "").replace(" ", "")):
            if stroke != ".":
                notes.append(Note(index * step, step, DRUMS[name], STROKES[stroke]))
    return sorted(notes, key=lambda note: note.start)


def progression(text: str, *, bar: float = 4) -> list[Chord]:
    """Read chord symbols; those between two bar lines share the bar equally."""
    chords = []
    for index, symbols in enumerate(text.split("|")):
        names = symbols.split()
        length = bar / len(names)
        chords += [Chord(index * bar + i * length, length, name) for i, name in enumerate(names)]
    return chords


def voicing(chord: Chord, near: Iterable[int], *, tones: tuple[int, ...] = ()) -> tuple[int, ...]:
    """Choose the close position whose notes lie nearest to those of ``near``."""
    near = sorted(near)
    classes = sorted({(chord.root + tone) % 12 for tone in tones or chord.tones})
    stacks = [
        tuple(sorted(12 * octave + c + 12 * (i < turn) for i, c in enumerate(classes)))
        for turn in range(len(classes))
        for octave in range(2, 8)
    ]
    return min(stacks, key=lambda stack: _distance(stack, near))


def voice_lead(chords: Iterable[Chord], near: Iterable[int]) -> list[tuple[Chord, tuple[int, ...]]]:
    """Voice chords one after the other with as little motion as possible."""
    centre, voiced = np.mean(list(near)), []
    last = tuple(near)
    for chord in chords:
        last = voicing(chord, last)
        # Pulled back towards the start, or the hands drift off the keyboard.
        last = tuple(p - 12 * round((np.mean(last) - centre) / 12) for p in last)
        voiced.append((chord, last))
    return voiced


def sustain(chords: Iterable[Chord], near: Iterable[int], *, velocity: int = 70, hold: float = 0.98) -> list[Note]:
    """Hold each voiced chord for its length."""
    return [
        Note(chord.start, chord.length * hold, p, velocity)
        for chord, pitches in voice_lead(chords, near)
        for p in pitches
    ]


def rhythm(
    chords: Iterable[Chord],
    near: Iterable[int],
    pattern: str,
    *,
    step: float = 0.5,
    hold: float = 0.9,
) -> list[Note]:
    """Play voiced chords in a strummed or comped pattern; ``=`` ties the stroke before."""
    notes = []
    for chord, pitches in voice_lead(chords, near):
        for start, length, velocity in strokes(pattern, chord, step):
            notes += [Note(start, length * hold, p, velocity) for p in pitches]
    return notes


def bass_line(
    chords: Iterable[Chord],
    pattern: str,
    *,
    lowest: int = 28,
    step: float = 0.5,
    hold: float = 0.9,
) -> list[Note]:
    """Repeat each chord's bass note in a pattern, in the octave above ``lowest``."""
    return [
        Note(start, length * hold, lowest + (chord.bass - lowest) % 12, velocity)
        for chord in chords
        for start, length, velocity in strokes(pattern, chord, step)
    ]


def strokes(pattern: str, chord: Chord, step: float = 0.5) -> list[tuple[float, float, int]]:
    """Start, length and velocity of the strokes of a pattern within a chord.

    The pattern lies on the bar (it starts at beat 0 and repeats), so a chord
    that enters in mid-bar continues it.
    """
    grid = pattern.replace("|", "").replace(" ", "")
    first = round(chord.start / step)
    cells = [grid[i % len(grid)] for i in range(first, first + round(chord.length / step))]
    found = []
    for index, cell in enumerate(cells):
        if cell not in STROKES:
            continue
        ties = sum(1 for _ in itertools.takewhile(lambda c: c == "=", cells[index + 1 :]))
        found.append((chord.start + index * step, step * (1 + ties), STROKES[cell]))
    return found


def place(notes: Iterable[Note], starts: Iterable[float]) -> list[Note]:
    """Copy notes to each of the starting beats."""
    notes = list(notes)
    return [replace(note, start=note.start + start) for start in starts for note in notes]


def loop(notes: Iterable[Note], period: float, times: int) -> list[Note]:
    """Repeat notes every ``period`` beats."""
    return place(notes, [period * i for i in range(times)])


def until(notes: Iterable[Note], beat: float) -> list[Note]:
    """Keep the notes that start before a beat."""
    return [note for note in notes if note.start < beat]


def transpose(notes: Iterable[Note], semitones: int) -> list[Note]:
    """Move notes up or down."""
    return [replace(note, pitch=note.pitch + semitones) for note in notes]


def scale(notes: Iterable[Note], factor: float) -> list[Note]:
    """Play notes louder or softer."""
    return [replace(note, velocity=int(np.clip(note.velocity * factor, 1, 127))) for note in notes]


def swell(notes: Iterable[Note], first: float, last: float) -> list[Note]:
    """Scale velocities along a line from the first note's time to the last one's."""
    notes = list(notes)
    begin, end = notes[0].start, max(note.start for note in notes)
    along = [(note.start - begin) / max(end - begin, 1e-9) for note in notes]
    return [scale([note], first + (last - first) * part)[0] for note, part in zip(notes, along, strict=True)]


def swing(notes: Iterable[Note], ratio: float, *, grid: float = 1.0) -> list[Note]:
    """Move the middle of every ``grid`` beats to ``ratio`` of it (0.5 is straight)."""

    def warp(beat: float) -> float:
        whole, part = divmod(beat / grid, 1)
        bent = part * ratio / 0.5 if part < 0.5 else ratio + (part - 0.5) * (1 - ratio) / 0.5
        return (whole + bent) * grid

    return [replace(note, start=warp(note.start)) for note in notes]


def humanise(notes: Iterable[Note], seed: int, *, timing: float = 0.012, velocity: float = 5) -> list[Note]:
    """Scatter onsets (standard deviation in beats) and velocities a little."""
    rng = np.random.default_rng(seed)
    return [
        replace(
            note,
            start=max(0.0, note.start + float(np.clip(rng.normal(0, timing), -0.04, 0.04))),
            velocity=int(np.clip(note.velocity + rng.normal(0, velocity), 1, 127)),
        )
        for note in sorted(notes, key=lambda note: (note.start, note.pitch))
    ]


def _split(name: str) -> tuple[int, tuple[int, ...], int]:
    """Root, intervals and bass of a chord symbol."""
    letter, accidental, quality, low = re.fullmatch(r"([A-G])([#b]?)([^/]*)(?:/([A-G][#b]?))?", name).groups()
    root = (PITCH_CLASSES[letter] + ACCIDENTALS[accidental]) % 12
    bass = pitch(f"{low}4") % 12 if low else root
    return root, QUALITIES[quality], bass


def _distance(stack: tuple[int, ...], near: list[int]) -> float:
    """Mean distance of each note of a voicing to the closest one of another."""
    ways = np.abs(np.subtract.outer(stack, near))
    return float(ways.min(1).mean() + ways.min(0).mean() + abs(np.mean(stack) - np.mean(near)) / 4)
