"""How fast a collection is extracted: one process, two, and a plain loop over the poster's own lines of Essentia.

Run ``python benchmarks/collection.py [--tracks 24] [--seconds 30] [--rounds 3]``. The tracks are excerpts of the sample
audio. All ways are timed round by round in one run, so that a machine that slows down slows all of them; figures are
medians, ratios are medians of the rounds' ratios. Every round begins with an empty cache and with new processes: the
seconds that these take to start are part of what is timed.

essentia: for each track and each model, MonoLoader and the model's algorithm, in a loop, in this process
1, 2, …: embviz.batch.embed_table with that many processes (1 is this process), which keeps all results
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import pandas as pd
import soundfile

import embviz
from embviz.batch import embed_table
from embviz.core import essentia
from embviz.inference.session_pool import sessions
from embviz.models.weights import find_weights

SOUNDS = Path(__file__).parents[1] / "sample_audio"

# Model: Essentia's algorithm, the rate it takes, the node of the embedding.
MODELS = {
    "msd-musicnn-1": ("MusiCNN", 16_000, "model/dense/BiasAdd"),
    "deepsquare-k8": ("TempoCNN", 11_025, "1x1/Identity0_reshape"),
}
CASES = {"MusiCNN": ["msd-musicnn-1"], "MusiCNN and TempoCNN": ["msd-musicnn-1", "deepsquare-k8"]}


def excerpts(folder: Path, tracks: int, seconds: float) -> pd.DataFrame:
    """Write excerpts of the sample audio and return their table."""
    paths: list[str] = []
    sources = sorted([*SOUNDS.glob("*.ogg"), *SOUNDS.glob("*.mp3")])
    for i, source in zip(range(tracks), cycle(sources), strict=False):
        samples, rate = soundfile.read(source)
        length = int(seconds * rate)
        start = (i // len(sources)) * length % max(1, len(samples) - length)
        paths.append(str(folder / f"{i:03} {source.stem}.ogg"))
        soundfile.write(paths[-1], samples[start : start + length], rate)
    return pd.DataFrame({"path": paths, "duration": seconds})


def with_essentia(table: pd.DataFrame, models: list[str]) -> None:
    """Do what the poster shows, track by track."""
    es = essentia.standard()
    for path in table["path"]:
        for model in models:
            algorithm, rate, node = MODELS[model]
            samples = es.MonoLoader(filename=path, sampleRate=rate, resampleQuality=4)()
            predict = getattr(es, f"TensorflowPredict{algorithm}")
            predict(graphFilename=str(find_weights(model).path), output=node)(samples)


def with_embviz(table: pd.DataFrame, models: list[str], workers: int) -> None:
    """Ask for the same with embviz, with nothing loaded and nothing kept."""
    sessions.clear()
    with tempfile.TemporaryDirectory() as folder:
        embed_table(table, models, cache=embviz.Cache(folder), workers=workers)


def seconds_of(call: Callable[[], Any]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracks", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    options = parser.parse_args()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    hours = options.tracks * options.seconds / 3600
    print(
        f"{options.tracks} tracks of {options.seconds:g} s, {cores} cores, load {os.getloadavg()[0]:.1f}; "
        f"medians of {options.rounds} rounds, hours of audio in a minute (times as fast as Essentia's own lines)"
    )
    print(f"{'':24}{'essentia':>12}" + "".join(f"{f'{n} worker' + 's' * (n > 1):>20}" for n in options.workers))
    with tempfile.TemporaryDirectory() as folder:
        table = excerpts(Path(folder), options.tracks, options.seconds)
        for name, models in CASES.items():
            ways = [partial(with_essentia, table, models)]
            ways += [partial(with_embviz, table, models, workers) for workers in options.workers]
            ways[0]()  # loads the libraries
            rounds = [[seconds_of(way) for way in ways] for _ in range(options.rounds)]
            speeds = [60 * hours / statistics.median(column) for column in zip(*rounds, strict=True)]
            ratios = [statistics.median(one[0] / one[i] for one in rounds) for i in range(len(ways))]
            shown = [f"{speed:.2f} ({ratio:.2f})" for speed, ratio in zip(speeds, ratios, strict=True)]
            print(f"{name:24}{shown[0].split()[0]:>12}" + "".join(f"{text:>20}" for text in shown[1:]), flush=True)


if __name__ == "__main__":
    main()
