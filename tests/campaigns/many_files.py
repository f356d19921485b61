"""List a folder of 100,000 tracks: in under 60 s, and in under 10 s again."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from common import fault, last_line, run_python, write_clips

TRIALS, CHUNK = 100_000, 100_000
LIMITS = {"first": 60.0, "again": 10.0}  # seconds
LIST = """
import sys, time
begin = time.monotonic()
import embviz
tracks = embviz.Collection.from_folder(sys.argv[1])
print(len(tracks), time.monotonic() - begin)
"""


def run(seed: int, count: int, folder: Path) -> Counter[str]:
    """List a folder of many small tracks twice; their names are links to a few files."""
    clips = write_clips(folder / "clips", 50, 0.1, seed)
    for i in range(count):
        album = folder / "tracks" / f"album {i // 1000:03}"
        album.mkdir(parents=True, exist_ok=True)
        os.link(clips[i % len(clips)], album / f"{i:06}.flac")
    found = Counter(tried=count)
    for which, limit in LIMITS.items():
        listed = run_python(LIST, folder / "tracks", home=folder / "home")
        if listed.returncode:
            return found + Counter([fault("wrong", f"{which}: {last_line(listed.stderr)}")])
        tracks, seconds = int(listed.stdout.split()[0]), float(listed.stdout.split()[1])
        print(f"  {tracks} of {count} files listed in {seconds:.1f} s ({which})", flush=True)
        if seconds > limit * max(1.0, count / TRIALS):
            found[fault("wrong", f"{which}: {seconds:.0f} s, at most {limit:.0f} s are allowed")] += 1
        if tracks != count:
            found[fault("lost", f"{which}: {tracks} of {count} files are listed")] += 1
    found["survived"] = count if not (found["wrong"] or found["lost"]) else 0
    return found
