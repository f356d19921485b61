"""What the benchmarks listen to: the sample tracks, excerpts of them, and long files made of them."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path
from typing import Any

from benchmarks import ROOT

SAMPLES = ROOT / "sample_audio"
ROCK = SAMPLES / "rock.ogg"  # 122.5 s of stereo


def sources() -> list[Path]:
    """Return the sample tracks."""
    return sorted([*SAMPLES.glob("*.ogg"), *SAMPLES.glob("*.mp3")])


def duration(path: Path) -> float:
    """Return the length of a sound in seconds."""
    import soundfile

    return float(soundfile.info(path).duration)


def write_excerpt(path: Path, seconds: float, source: Path = ROCK, start: float = 0.0) -> Path:
    """Write some seconds of a track as WAV, and return their path."""
    import soundfile

    samples, rate = soundfile.read(source, dtype="int16")
    begin = int(start * rate)
    soundfile.write(path, samples[begin : begin + int(seconds * rate)], rate)
    return path


def write_tracks(folder: Path, count: int, seconds: float) -> Any:
    """Write excerpts of all sample tracks in turn as Ogg Vorbis, and return their table."""
    import pandas as pd
    import soundfile

    paths: list[str] = []
    tracks = {path: soundfile.read(path) for path in sources()}
    for i, source in zip(range(count), cycle(tracks), strict=False):
        samples, rate = tracks[source]
        length = int(seconds * rate)
        start = (i // len(tracks)) * length % max(1, len(samples) - length)
        paths.append(str(folder / f"{i:03} {source.stem}.ogg"))
        soundfile.write(paths[-1], samples[start : start + length], rate)
    return pd.DataFrame({"path": paths, "duration": seconds})


def write_long(path: Path, minutes: float) -> Path:
    """Write the rock track over and over, as FLAC, and return the file's path."""
    import soundfile

    samples, rate = soundfile.read(ROCK, dtype="int16")
    left = int(60 * minutes * rate)
    # Hardly packed: ten hours are written in two minutes.
    with soundfile.SoundFile(path, "w", rate, 2, format="FLAC", subtype="PCM_16", compression_level=0) as file:
        while left > 0:
            file.write(samples[:left])
            left -= len(samples)
    return path
