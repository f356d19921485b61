"""Two processes that write the same cache while a third one reads and evicts."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from common import fault, last_line, make_home, run_python

TRIALS, CHUNK = 2_000, 500
WRITE = """
import sys
import numpy as np
import embviz
seed, count, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
cache = embviz.Cache(folder, max_bytes=3_000_000)
rng = np.random.default_rng(seed)
for i in range(count):
    n = int(rng.integers(count // 4))
    expected = np.full((50 + n % 7, 20), n, np.float32)
    if i % 3:
        cache.save_arrays("campaign", {"n": n}, {"values": expected})
    found = cache.load_arrays("campaign", {"n": n})
    if found is not None and not np.array_equal(found["values"], expected):
        sys.exit(f"entry {n} holds other values")
    if not i % 50 and seed % 3 == 2:
        cache.prune(1_000_000)
"""


def run(seed: int, count: int, folder: Path) -> Counter[str]:
    """Let three processes write, read and evict the same entries."""
    env = make_home(folder / "home")
    arguments = [[sys.executable, "-c", WRITE, str(3 * seed + i), str(count), folder / "cache"] for i in range(3)]
    processes = [subprocess.Popen(one, env=env, stderr=subprocess.PIPE, text=True) for one in arguments]
    end = time.monotonic() + 600
    errors = [process.communicate(timeout=max(1.0, end - time.monotonic()))[1].strip() for process in processes]
    found = Counter(tried=count, survived=count)
    for process, error in zip(processes, errors, strict=True):
        if process.returncode or error:
            kind = "died" if process.returncode < 0 else "wrong"
            found[fault(kind, last_line(error) or f"exit status {process.returncode}")] += 1
    check = "import embviz, sys; sys.exit(len(embviz.Cache(sys.argv[1]).verify()))"
    if run_python(check, folder / "cache", home=folder / "home").returncode:
        found[fault("lost", "damaged entries are left")] += 1
    return found
