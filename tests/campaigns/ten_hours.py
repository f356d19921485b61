"""Embed a track of ten hours: what it takes of memory, and how soon it can be cancelled."""

from __future__ import annotations

import resource
import threading
import time
from collections import Counter
from pathlib import Path

import soundfile
from common import fault, make_home, melody

TRIALS, CHUNK = 2, 2
HOURS = 10
LARGEST = 6.0  # GiB of this process: samples, mel-spectrogram and frames, four bytes each
SOONEST = 2.0  # seconds in which a run must end after it was cancelled, on a machine that does nothing else


class _CancelledError(Exception):
    pass


def run(seed: int, count: int, folder: Path) -> Counter[str]:
    """Cancel a run of such a track in its decoding and in its passes, and then let it run to its end."""
    import os

    os.environ.update({name: value for name, value in make_home(folder / "home").items() if name.startswith("EMBVIZ")})
    import embviz

    path = folder / "long.flac"
    minute = melody(60.0, seed, 16_000)
    with soundfile.SoundFile(path, "w", 16_000, 1) as file:
        for _ in range(60 * HOURS):
            file.write(minute)
    found = Counter(tried=count)
    for stage in ("decoding", "msd-musicnn-1")[:count]:
        found[_cancel(embviz, path, stage)] += 1
    begin = time.monotonic()
    embedding = embviz.embed(path, "tempocnn", cache=False)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"  {embedding.duration / 3600:.2f} h in {time.monotonic() - begin:.0f} s, peak {peak:.2f} GiB", flush=True)
    if abs(embedding.duration - 3600 * HOURS) > 1:
        found[fault("wrong", f"{embedding.duration:.1f} s of {3600 * HOURS} s were read")] += 1
    if peak > LARGEST:
        found[fault("wrong", f"{peak:.2f} GiB of memory, at most {LARGEST} are allowed")] += 1
    return found


def _cancel(embviz: object, path: Path, stage: str) -> str:
    """Cancel in a stage, and return how that went."""
    reached, asked = threading.Event(), [0.0]

    def report(name: str, done: int, total: int) -> None:
        if asked[0]:
            raise _CancelledError
        if name.startswith(stage) and not reached.is_set():
            reached.set()
            threading.Timer(1.0, lambda: asked.__setitem__(0, time.monotonic())).start()

    try:
        embviz.embed(path, "musicnn", cache=False, progress=report)  # type: ignore[attr-defined]
    except _CancelledError:
        late = time.monotonic() - asked[0]
        print(f"  cancelled {late:.2f} s after it was asked for, in {stage}", flush=True)
        return "survived" if late < SOONEST else fault("wrong", f"{stage}: cancelled after {late:.1f} s")
    return fault("wrong", f"{stage}: went on to its end")
