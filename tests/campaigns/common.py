"""What several campaigns need: sounds, homes, and how a fault is said."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

TEST_HOME = Path(os.environ.get("EMBVIZ_TEST_HOME", "build/home")).resolve()


def fault(kind: str, what: str) -> str:
    """Print a fault in one line and return its kind."""
    print(f"  {kind}: {what}", flush=True)
    return kind


def is_sentence(text: str) -> bool:
    """Tell whether a message is one line of plain text that ends as a sentence does."""
    return bool(re.fullmatch(r"[^\n]{10,600}[.!?]", text)) and "Traceback" not in text


def make_home(folder: Path) -> dict[str, str]:
    """Make a home with the default weights and an empty cache, and return the environment of processes that use it."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "data").exists():
        (folder / "data").symlink_to(TEST_HOME / "data")
    return {**os.environ, "EMBVIZ_HOME": str(folder), "NUMBA_CACHE_DIR": str(TEST_HOME / "numba")}


def melody(seconds: float, seed: int = 0, rate: int = 44_100) -> np.ndarray[Any, Any]:
    """Return tones with beats and a little noise, ``[n]``: nothing in it repeats."""
    rng = np.random.default_rng(seed)
    notes = np.repeat(rng.uniform(110, 1760, int(seconds * 4) + 1), rate // 4)[: int(seconds * rate)]
    tone = 0.4 * np.sin(np.cumsum(notes) * 2 * np.pi / rate)
    return (tone + 0.02 * rng.standard_normal(len(tone))).astype(np.float32)


def write_clips(folder: Path, count: int, seconds: float, seed: int = 0) -> list[Path]:
    """Write some short tracks."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"clip {i}.flac" for i in range(count)]
    for i, path in enumerate(paths):
        soundfile.write(path, melody(seconds, seed * 1000 + i, 22_050), 22_050)
    return paths


def ffmpeg(*arguments: str | Path, data: bytes | None = None) -> bytes:
    """Run FFmpeg and return what it writes to its output."""
    command = ["ffmpeg", "-v", "quiet", "-nostdin" if data is None else "-y", *map(str, arguments)]
    return subprocess.run(command, input=data, capture_output=True, check=False, timeout=300).stdout


def run_python(code: str, *arguments: str | Path, home: Path) -> subprocess.CompletedProcess[str]:
    """Run some Python in a process of its own, with a home of its own."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, env=make_home(home), capture_output=True, text=True, check=False)


def last_line(text: str) -> str:
    """Return the last line of what a process complained of."""
    return next(iter(text.strip().splitlines()[-1:]), "")
