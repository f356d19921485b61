"""How much memory an hour of stereo takes: peak resident size of a fresh process per model.

Run ``python benchmarks/memory.py [MINUTES]``. The sound is the rock track over and over, written as FLAC.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import soundfile

ROCK = Path(__file__).parents[1] / "sample_audio" / "rock.ogg"
MODELS = ["deepsquare-k8", "msd-musicnn-1", "msd-vgg-1", "spleeter-2s-3"]
CODE = (
    "import resource, sys, time, embviz\n"
    "start = time.perf_counter()\n"
    "embedding = embviz.embed(sys.argv[1], sys.argv[2], cache=False)\n"
    "peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
    "print(f'{peak / 2**20 * (1 if sys.platform != \"darwin\" else 2**-10):.2f} GiB, '\n"
    "      f'{time.perf_counter() - start:.0f} s, {embedding.shape[0]} frames')"
)


def write(path: Path, minutes: float) -> None:
    """Write the rock track, repeated, to a file."""
    samples, rate = soundfile.read(ROCK, dtype="int16")
    left = int(60 * minutes * rate)
    with soundfile.SoundFile(path, "w", rate, 2, format="FLAC", subtype="PCM_16") as file:
        while left > 0:
            file.write(samples[:left])
            left -= len(samples)


def main() -> None:
    """Print a line per model."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.flac"
        write(path, minutes)
        print(f"{minutes:g} minutes of stereo at 44.1 kHz; peak resident size of the process")
        for model in MODELS:
            run = subprocess.run(  # noqa: S603  our own interpreter and code
                [sys.executable, "-c", CODE, str(path), model], capture_output=True, text=True, check=True
            )
            print(f"{model:16}{run.stdout.strip()}", flush=True)


if __name__ == "__main__":
    main()
