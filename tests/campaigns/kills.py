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

from common import fault, last_line, make_home, run_python, write_clips

TRIALS, CHUNK = 200, 20
HERE = Path(__file__).resolve().parent


def embed(folder: Path) -> None:
    """Embed a collection and keep its vectors."""
    import embviz

    vectors = embviz.Collection.from_folder(folder / "clips").embed("musicnn", workers=1)
    vectors.save(folder / "out" / "vectors")


def shell(folder: Path) -> None:
    """Embed a folder by the command."""
    from embviz.cli import run

    sys.exit(run(["embed", str(folder / "clips"), "-o", str(folder / "out" / "embedded")]))


def evaluate(folder: Path) -> None:
    """Train and test classifiers, and write the scores."""
    import embviz

    tracks = embviz.Collection.from_folder(folder / "clips")
    tracks = tracks.assign(kind=["ab"[i % 2] for i in range(len(tracks))])
    scores = embviz.evaluate(tracks, "kind", "musicnn", folds=2, groups=False, classifier="logistic", workers=1)
    scores.to_frame().to_csv(folder / "scores.csv")
    (folder / "scores.csv").replace(folder / "out" / "scores.csv")


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
from embviz.core.vectors import Vectors
out = pathlib.Path(sys.argv[1])
if (out / "vectors.safetensors").exists(): np.asarray(Vectors.load(out / "vectors.safetensors"))
if (out / "kind.safetensors").exists() or (out / "kind.json").exists(): embviz.Head.load(out / "kind")
if (out / "tracks.parquet").exists(): pd.read_parquet(out / "tracks.parquet")
for name in ("tracks.csv", "scores.csv"):
    if (out / name).exists(): pd.read_csv(out / name)
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
    whole = {name: _run_whole(folder, name) for name in sorted(set(names))}
    for name in names:
        seconds, results = whole[name]
        _reset(folder, results)
        process = _start(folder, name)
        time.sleep(rng.uniform(0, 1.05 * seconds))
        killed = process.poll() is None
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        found += Counter(["tried", _judge(folder, name, results, killed=killed)])
    return found


def _judge(folder: Path, name: str, results: dict[str, bytes], *, killed: bool) -> str:
    """Return what became of a writer's work after a kill, and after another run."""
    marks = {"head": ["kind"], "register": ["mine"]}.get(name, [])
    read = run_python(READ_BACK, folder / "out", *marks, home=folder / "home")
    if read.returncode:
        return fault("lost", f"{name}, {killed=}: {last_line(read.stderr)}")
    if _start(folder, name).wait():
        return fault("wrong", f"{name}, {killed=}: the next run failed")
    after = _results(folder)
    differing = [file for file in results if after.get(file) != results[file]]
    return fault("wrong", f"{name}: {differing} differ after the next run") if differing else "survived"


def _run_whole(folder: Path, name: str) -> tuple[float, dict[str, bytes]]:
    """Return how long a writer takes with an empty cache, and what it writes."""
    _reset(folder, {})
    begin = time.monotonic()
    if _start(folder, name).wait():
        raise RuntimeError(f"{name} fails by itself")
    return time.monotonic() - begin, _results(folder)


def _results(folder: Path) -> dict[str, bytes]:
    out = folder / "out"
    files = sorted(path for path in out.rglob("*") if path.is_file() and not path.name.endswith(".part"))
    return {str(path.relative_to(out)): path.read_bytes() for path in files}


def _reset(folder: Path, results: dict[str, bytes]) -> None:
    """Begin anew with an empty cache and the results of an earlier run."""
    for name in ("home", "out"):
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / "out").mkdir()
    make_home(folder / "home")
    own = folder / "home" / "data"
    target = own.resolve()
    own.unlink()  # heads and models are registered here: links to the weights, in a folder of its own
    shutil.copytree(target, own, copy_function=os.link)
    for name, content in results.items():
        (folder / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "out" / name).write_bytes(content)


def _start(folder: Path, name: str) -> subprocess.Popen[bytes]:
    code = "import pathlib, sys, kills; kills.WRITERS[sys.argv[1]](pathlib.Path(sys.argv[2]))"
    return subprocess.Popen(
        [sys.executable, "-c", code, name, folder],
        env=make_home(folder / "home"),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=(folder / "errors.txt").open("ab"),
    )
