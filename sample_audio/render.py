"""Render the sample tracks and the table of what they are.

Run ``python sample_audio/render.py`` for all tracks, or name some of them
(``python sample_audio/render.py rock jazz``). Needs NumPy, SciPy, the commands
``fluidsynth`` (2.3) and ``ffmpeg`` (with libvorbis and LAME), and the FluidR3
sound font (Debian: ``fluid-soundfont-gm``). The same versions give the same files.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
from pathlib import Path

import instruments
import numpy as np
from effects import RATE
from pieces import PIECES
from score import Piece

HERE = Path(__file__).parent
CODECS = {
    ".ogg": ["-c:a", "libvorbis", "-q:a", "2.5"],
    ".mp3": ["-c:a", "libmp3lame", "-b:a", "128k"],
}


def main() -> None:
    """Render what the command line names and write the table of all pieces."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="tracks to render (default: all)")
    parser.add_argument("--sound-font", default=instruments.SOUND_FONT)
    options = parser.parse_args()
    instruments.SOUND_FONT = options.sound_font
    for piece in PIECES:
        if not options.names or Path(piece.file).stem in options.names:
            sound = piece.play(piece)
            encode(sound, HERE / piece.file, piece.title)
            print(f"{piece.file:16} {len(sound) / RATE:6.1f} s")
    write_table(HERE / "tracks.csv")


def encode(sound: np.ndarray, path: Path, title: str) -> None:
    """Write a float array ``[t, 2]`` as Ogg Vorbis or MP3, by the suffix."""
    command = ["ffmpeg", "-v", "error", "-y", "-f", "f32le", "-ar", str(RATE), "-ac", "2"]
    command += ["-i", "-", *CODECS[path.suffix], "-fflags", "+bitexact", "-flags:a", "+bitexact"]
    command += ["-metadata", f"title={title}", str(path)]
    subprocess.run(command, input=sound.astype("<f4").tobytes(), check=True)  # noqa: S603


def write_table(path: Path) -> None:
    """Write one row per piece, with the section starts in seconds."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["file", "title", "style", "bpm", "key", "meter", "sections"])
        writer.writerows(map(row, PIECES))


def row(piece: Piece) -> list[str]:
    """Facts of a piece; a piece without a pulse has no tempo and no meter."""
    sections = "; ".join(f"{name} {piece.seconds(start):.3f}" for name, start in piece.timeline())
    tempo, meter = (f"{piece.bpm:g}", piece.meter) if piece.pulse else ("", "")
    return [piece.file, piece.title, piece.style, tempo, piece.key, meter, sections]


if __name__ == "__main__":
    main()
