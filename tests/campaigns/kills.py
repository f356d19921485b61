"""Kill whatever writes, at any moment: what was there stays whole, and the next run ends as if nothing had been."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from common import TEST_HOME, fault, last_line, make_home, run_python, write_clips

TRIALS, CHUNK = 200, 20
HERE = Path(__file__).resolve().parent


def embed(folder: Path) -> None:
    """Embed a collection and keep its vectors."""
    import embviz

    vectors = embviz.Collection.from_folder(folder / "clips").embed("musicnn", workers=1)
    for _ in range(10):
        vectors.to_npz(folder / "out" / "vectors.npz")
        vectors.to_parquet(folder / "out" / "vectors.parquet")


def shell(folder: Path) -> None:
    """Embed a folder by the command."""
    from embviz.cli import run

    sys.exit(run(["embed", str(folder / "clips"), "-m", "musicnn", "-o", str(folder / "out" / "embedded.npz")]))


def evaluate(folder: Path) -> None:
    """Train and test classifiers, and write the scores."""
    import embviz

    tracks = embviz.Collection.from_folder(folder / "clips")
    tracks = tracks.assign(kind=["ab"[i % 2] for i in range(len(tracks))])
    scores = embviz.evaluate(tracks, "kind", "musicnn", folds=2, groups=False, classifier="logistic", workers=1)
    scores.to_csv(folder / "out" / "scores.csv")


def head(folder: Path) -> None:
    """Train a head and save it over an older one; register it under a name that is taken."""
    import embviz

    tracks = embviz.Collection.from_folder(folder / "clips")
    tracks = tracks.assign(kind=["ab"[i % 2] for i in range(len(tracks))])
    trained = embviz.train(tracks, "kind", "musicnn", classifier="logistic", workers=1)
    for _ in range(40):
        trained.save(folder / "out" / "kind")
        embviz.register_head(trained, name="kind")


def tables(folder: Path) -> None:
    """Write tables and a playlist over older ones."""
    import embviz

    tracks = embviz.Collection.from_folder(folder / "clips")
    for _ in range(40):
        tracks.to_csv(folder / "out" / "tracks.csv")
        tracks.to_parquet(folder / "out" / "tracks.parquet")
        tracks.to_m3u(folder / "out" / "tracks.m3u8")


def page(folder: Path) -> None:
    """Write a page over an older one."""
    from embviz.cli import run

    sys.exit(run(["poster", str(folder / "clips" / "clip 0.flac"), "-o", str(folder / "out" / "poster.html")]))


def register(folder: Path) -> None:
    """Register a model of one's own, again and again."""
    import embviz
    from embviz.models.weights import find_weights

    weights = find_weights(embviz.get_model("musicnn"))
    assert weights is not None
    for _ in range(10):
        embviz.register_model(
            weights.path, name="mine", frontend="musicnn", embedding="model/dense/BiasAdd", output="model/Sigmoid"
        )


WRITERS: dict[str, Callable[[Path], None]] = {
    write.__name__: write for write in (embed, shell, evaluate, head, tables, page, register)
}
READ_BACK = """
import pathlib, sys
import numpy as np, pandas as pd
import embviz
out = pathlib.Path(sys.argv[1])
for path in out.rglob("*.npz"):
    with np.load(path) as arrays: [arrays[name] for name in arrays]
if (out / "kind.safetensors").exists() or (out / "kind.json").exists(): embviz.Head.load(out / "kind")
for path in out.rglob("*.parquet"): pd.read_parquet(path)
for path in out.rglob("*.csv"): pd.read_csv(path)
if (out / "poster.html").exists(): assert (out / "poster.html").read_text().rstrip().endswith("</html>")
embviz.list_models()
if "kind" in sys.argv: embviz.get_head("kind")
if "mine" in sys.argv: embviz.get_model("mine").layers()
assert not embviz.Cache().verify(), "damaged entries"
"""


def run(seed: int, count: int, folder: Path) -> Counter[str]:
    """Kill writers at random moments of their work."""
    rng, found = random.Random(seed), Counter[str]()  # noqa: S311
    write_clips(folder / "clips", 6, 4.0)
    names = [list(WRITERS)[(seed + i) % len(WRITERS)] for i in range(count)]
    seconds = {name: _run_whole(folder, name) for name in sorted(set(names))}
    for name in names:
        _reset(folder, name)
        process = _start(folder, name)
        time.sleep(rng.uniform(0, 1.05 * seconds[name]))
        killed = process.poll() is None
        if killed:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        found += Counter(["tried", _judge(folder, name, killed=killed)])
    return found


def _judge(folder: Path, name: str, *, killed: bool) -> str:
    """Return what became of a writer's work after a kill, and after another run."""
    marks = {"head": ["kind"], "register": ["mine"]}.get(name, [])
    read = run_python(READ_BACK, folder / "out", *marks, home=folder / "home")
    if read.returncode:
        return fault("lost", f"{name}, {killed=}: {last_line(read.stderr)}")
    if _start(folder, name).wait():
        return fault("wrong", f"{name}, {killed=}: the next run failed")
    results, after = _results(folder / name / "out"), _results(folder / "out")
    differing = [file for file in results if after.get(file) != results[file]]
    return fault("wrong", f"{name}: {differing} differ after the next run") if differing else "survived"


def _run_whole(folder: Path, name: str) -> float:
    """Return how many seconds a writer takes with an empty cache, and keep what it writes in a folder of its name."""
    _reset(folder, name)
    begin = time.monotonic()
    if _start(folder, name).wait():
        raise RuntimeError(f"{name} fails by itself")
    seconds = time.monotonic() - begin
    shutil.copytree(folder / "out", folder / name / "out")
    shutil.copytree(folder / "home" / "data", folder / name / "data", copy_function=os.link)
    return seconds


def _results(out: Path) -> dict[str, bytes | int]:
    """Return the content of all files; of pages, whose figures have names of their own each time, the length."""
    files = sorted(path for path in out.rglob("*") if path.is_file() and not path.name.endswith(".part"))
    return {
        str(path.relative_to(out)): path.stat().st_size if path.suffix == ".html" else path.read_bytes()
        for path in files
    }


def _reset(folder: Path, name: str) -> None:
    """Begin anew with an empty cache, and with what an earlier run of the same writer has left."""
    for place in ("home", "out"):
        shutil.rmtree(folder / place, ignore_errors=True)
    (folder / "home").mkdir()
    earlier = folder / name
    # Heads and models are registered here, so that the folder is its own; its files are links, since all are replaced.
    shutil.copytree(
        earlier / "data" if earlier.exists() else TEST_HOME / "data", folder / "home" / "data", copy_function=os.link
    )
    if earlier.exists():
        shutil.copytree(earlier / "out", folder / "out")
    else:
        (folder / "out").mkdir()


def _start(folder: Path, name: str) -> subprocess.Popen[bytes]:
    code = "import pathlib, sys, kills; kills.WRITERS[sys.argv[1]](pathlib.Path(sys.argv[2]))"
    return subprocess.Popen(
        [sys.executable, "-c", code, name, folder],
        env=make_home(folder / "home"),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=(folder / "errors.txt").open("ab"),
    )
