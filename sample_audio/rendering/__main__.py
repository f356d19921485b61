"""Render the sample tracks and the table of what they are.

Run ``python -m sample_audio.rendering`` for all tracks, or name some of them
(``python -m sample_audio.rendering rock jazz``). ``--other`` plays the same scores
on other instruments, in other rooms, keys and tempi, into
``notebooks/other_instruments``: 45 s of each, in mono. Needs NumPy, SciPy, the
commands ``fluidsynth`` (2.3) and ``ffmpeg`` (with libvorbis and LAME), and the
FluidR3 sound font (Debian: ``fluid-soundfont-gm``). The same versions give the
same files.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from . import instruments
from .effects import RATE
from .palette import OTHER, PALETTE, Palette
from .pieces import PIECES
from .score import Piece, transposed_key

HERE = Path(__file__).parent.parent
OTHER_FOLDER = HERE.parent / "notebooks" / "other_instruments"
OTHER_SECONDS = 45
CODECS = {
    ".ogg": ["-c:a", "libvorbis", "-q:a", "2.5"],
    ".mp3": ["-c:a", "libmp3lame", "-b:a", "128k"],
}
SMALL = ["-c:a", "libvorbis", "-q:a", "0"]


def main() -> None:
    """Render what the command line names and write the table of all pieces."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="tracks to render (default: all)")
    parser.add_argument("--other", action="store_true", help="the second rendering, with other instruments")
    parser.add_argument("--sound-font", default=instruments.SOUND_FONT)
    options = parser.parse_args()
    instruments.SOUND_FONT = options.sound_font
    chosen = [piece for piece in PIECES if not options.names or Path(piece.file).stem in options.names]
    if options.other:
        render_other(chosen)
        return
    for piece in chosen:
        sound = piece.play(piece)
        report(piece, sound)
        encode(sound, HERE / piece.file, piece.title, CODECS[Path(piece.file).suffix])
    write_table(HERE / "tracks.csv", map(row, PIECES))


def render_other(pieces: Iterable[Piece]) -> None:
    """Play pieces on the other instruments and write the first 45 s of each."""
    OTHER_FOLDER.mkdir(exist_ok=True)
    for original in pieces:
        palette = OTHER[Path(original.file).stem]
        piece = rearranged(original, palette)
        PALETTE.set(palette)
        sound = beginning(piece.play(piece), OTHER_SECONDS)
        report(piece, sound)
        encode(sound.mean(axis=1, keepdims=True), OTHER_FOLDER / piece.file, piece.title, SMALL)
    every = [rearranged(piece, OTHER[Path(piece.file).stem]) for piece in PIECES]
    write_table(OTHER_FOLDER / "tracks.csv", (row(piece, OTHER_SECONDS) for piece in every))


def rearranged(piece: Piece, palette: Palette) -> Piece:
    """Return a piece in the tempo and key of a palette; its notes stay as they are written."""
    return replace(
        piece,
        file=f"{Path(piece.file).stem}.ogg",
        title=f"{piece.title} (other instruments)",
        bpm=palette.bpm or piece.bpm,
        key=transposed_key(piece.key, palette.semitones),
    )


def beginning(sound: np.ndarray, seconds: float) -> np.ndarray:
    """Keep the first seconds and fade the last two of them; what is shorter stays whole."""
    if len(sound) <= seconds * RATE:
        return sound
    sound = sound[: seconds * RATE].copy()
    sound[-2 * RATE :] *= np.linspace(1, 0, 2 * RATE)[:, None] ** 2
    return sound


def report(piece: Piece, sound: np.ndarray) -> None:
    """Print the length of a piece."""
    print(f"{piece.file:16} {len(sound) / RATE:6.1f} s")


def encode(sound: np.ndarray, path: Path, title: str, codec: list[str]) -> None:
    """Write a float array ``[t, channels]`` as Ogg Vorbis or MP3."""
    command = ["ffmpeg", "-v", "error", "-y", "-f", "f32le", "-ar", str(RATE), "-ac", str(sound.shape[1])]
    command += ["-i", "-", *codec, "-fflags", "+bitexact", "-flags:a", "+bitexact"]
    command += ["-metadata", f"title={title}", str(path)]
    subprocess.run(command, input=sound.astype("<f4").tobytes(), check=True)  # noqa: S603


def write_table(path: Path, rows: Iterable[list[str]]) -> None:
    """Write one row per piece, with the section starts in seconds."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["file", "title", "style", "family", "bpm", "key", "meter", "sections"])
        writer.writerows(rows)


def row(piece: Piece, seconds: float = np.inf) -> list[str]:
    """Facts of the first seconds of a piece; a piece without a pulse has no tempo and no meter."""
    starts = [(name, piece.seconds(start)) for name, start in piece.timeline()]
    sections = "; ".join(f"{name} {start:.3f}" for name, start in starts if start < seconds)
    tempo, meter = (f"{piece.bpm:g}", piece.meter) if piece.pulse else ("", "")
    return [piece.file, piece.title, piece.style, piece.family, tempo, piece.key, meter, sections]


if __name__ == "__main__":
    main()
