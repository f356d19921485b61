"""Look for what files, kills, full disks and tables can still break: ``make campaign``.

``python tests/campaigns/run.py [NAME …] [--seed 1] [--scale 1] [--folder build/campaigns]`` runs the campaigns of those
names, or all of them. A campaign is a module beside this one with

- ``TRIALS``, how many it has, and ``CHUNK``, how many of them run in one process,
- ``run(seed, count, folder)``, which makes that many trials in an empty folder, prints each fault in one line, and
  returns a Counter of *tried*, *survived* (worked, and right), *refused* (in one sentence), *wrong* (a false value, or
  no sentence), *lost* (what was there before, or was said to be done) and *died*.

The same seed makes the same trials. Each chunk has a process of its own, so that one that dies or hangs is counted and
the others go on; what a chunk gave is written down at once, and a campaign that was stopped goes on with the next
chunk. The exit status is 1 where anything was wrong, lost, died or hung.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LONGEST = 1800  # seconds for one chunk, beyond which it is said to hang
COLUMNS = ("tried", "survived", "refused", "wrong", "lost", "died", "hung")
FAULTS = ("wrong", "lost", "died", "hung")


def main() -> int:
    """Run campaigns and print what they gave."""
    os.environ.setdefault("EMBVIZ_TEST_HOME", str(ROOT / "build" / "home"))
    os.environ["PYTHONPATH"] = os.pathsep.join(map(str, (HERE, HERE.parent, ROOT)))
    names = sorted(path.stem for path in HERE.glob("*.py") if path.name not in ("run.py", "common.py"))
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(names)}; all of them by default")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the trials, such as 0.1")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "campaigns", help="of results; kept")
    options = parser.parse_args()
    if unknown := set(options.names) - set(names):
        parser.error(f"there is no campaign {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    totals = {}
    for name in options.names or names:
        totals[name] = run_campaign(name, options.seed, options.scale, options.folder.resolve())
    print("\n" + f"{'campaign':<18}" + "".join(f"{column:>10}" for column in COLUMNS) + f"{'seconds':>10}")
    for name, total in totals.items():
        print(f"{name:<18}" + "".join(f"{total[column]:>10}" for column in (*COLUMNS, "seconds")))
    return int(any(total[fault] for total in totals.values() for fault in FAULTS))


def run_campaign(name: str, seed: int, scale: float, results: Path) -> Counter[str]:
    """Run the chunks of a campaign that have not been run yet and return the counts of all."""
    sys.path[:0] = [str(HERE), str(HERE.parent)]
    module = importlib.import_module(name)
    trials = max(1, round(module.TRIALS * scale))
    results.mkdir(parents=True, exist_ok=True)
    record = results / f"{name}-{seed}.jsonl"
    done = {}
    if record.exists():
        lines = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
        done = {line["first"]: Counter(line["counts"]) for line in lines if line["first"] < trials}
    for first in range(0, trials, module.CHUNK):
        if first in done:
            continue
        count = min(module.CHUNK, trials - first)
        print(f"{name}: trials {first + 1} to {first + count} of {trials} …", flush=True)
        done[first] = run_chunk(name, seed * 1_000_000 + first, count, results / f"{name}-{seed}-{first}")
        with record.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"first": first, "counts": done[first]}) + "\n")
    return sum(done.values(), Counter())


def run_chunk(name: str, seed: int, count: int, folder: Path) -> Counter[str]:
    """Run some trials in a process of their own."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    counts = folder.with_suffix(".json")
    code = (
        "import importlib, json, pathlib, sys; name, seed, count, folder, counts = sys.argv[1:];"
        "found = importlib.import_module(name).run(int(seed), int(count), pathlib.Path(folder));"
        "pathlib.Path(counts).write_text(json.dumps(found))"
    )
    begin = time.monotonic()
    try:
        arguments = [sys.executable, "-c", code, name, str(seed), str(count), str(folder), str(counts)]
        ended = subprocess.run(arguments, timeout=LONGEST, check=False).returncode
        found = Counter(json.loads(counts.read_bytes())) if not ended else Counter(tried=count, died=1)
        if ended:
            print(f"{name}: the process of seed {seed} ended with {ended}; its folder is {folder}", flush=True)
    except subprocess.TimeoutExpired:
        found = Counter(tried=count, hung=1)
        print(f"{name}: seed {seed} did not end in {LONGEST} s; its folder is {folder}", flush=True)
    counts.unlink(missing_ok=True)
    found["seconds"] = round(time.monotonic() - begin)
    if not any(found[fault] for fault in FAULTS):
        shutil.rmtree(folder, ignore_errors=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
