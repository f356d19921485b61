"""What a process may use, and which one is to end where memory runs out."""

from __future__ import annotations

import contextlib
import os


def count_cores() -> int:
    """Return the number of cores that this process may use."""
    mine = getattr(os, "sched_getaffinity", None)
    return len(mine(0)) if mine else os.cpu_count() or 1


def end_first() -> None:
    """Have the system end this process first where memory runs out, and not the one that asks; Linux alone can."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as score:  # noqa: PTH123
        score.write("1000")
