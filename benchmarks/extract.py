"""How long extraction takes: the poster's own lines of Essentia against embviz, cold and warm.

Run ``python benchmarks/extract.py [AUDIO]``. Every model is timed side by side in one process, round by round, so that
a machine that slows down slows all of them; figures are medians, ratios are medians of the rounds' ratios.

(a) essentia: MonoLoader (AudioLoader for Spleeter) and the model's algorithm, one pair of lines per output
(b) cold: embviz.embed with an empty cache and no graph loaded, writing its results
(c) warm: the same call again, answered from the cache
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import embviz
from embviz.core.essentia import standard
from embviz.inference.session_pool import sessions
from embviz.models.weights import find_weights

ROCK = Path(__file__).parents[1] / "sample_audio" / "rock.ogg"
RATES = {"MusiCNN": 16_000, "TempoCNN": 11_025}

# What is asked of each model at once: (model, layers), and for Essentia the algorithm and the node of each layer.
CASES: dict[str, list[tuple[str, str, dict[str, str]]]] = {
    "msd-musicnn-1": [("msd-musicnn-1", "MusiCNN", {"embedding": "model/dense/BiasAdd"})],
    "msd-vgg-1": [("msd-vgg-1", "MusiCNN", {"embedding": "model/flatten/Reshape"})],
    "deepsquare-k8": [("deepsquare-k8", "TempoCNN", {"embedding": "1x1/Identity0_reshape"})],
    "spleeter-2s-3": [("spleeter-2s-3", "", {"embedding": "conv2d_4/BiasAdd conv2d_11/BiasAdd"})],
    "musicnn + vgg + tags": [
        ("msd-musicnn-1", "MusiCNN", {"embedding": "model/dense/BiasAdd", "output": "model/Sigmoid"}),
        ("msd-vgg-1", "MusiCNN", {"embedding": "model/flatten/Reshape", "output": "model/Sigmoid"}),
    ],
}


def with_essentia(audio: Path, case: list[tuple[str, str, dict[str, str]]]) -> None:
    """Do what the poster shows, for each output on its own."""
    es = standard()
    for model, algorithm, layers in case:
        graph = str(find_weights(model).path)
        for node in layers.values():
            if not algorithm:
                separate(es, audio, graph, node.split())
                continue
            samples = es.MonoLoader(filename=str(audio), sampleRate=RATES[algorithm], resampleQuality=4)()
            getattr(es, f"TensorflowPredict{algorithm}")(graphFilename=graph, output=node)(samples)


def separate(es: Any, audio: Path, graph: str, nodes: list[str]) -> None:
    """Run Spleeter as Essentia's documentation does."""
    import essentia

    samples = es.AudioLoader(filename=str(audio))()[0]
    pool = essentia.Pool()
    pool.set("waveform", samples[..., None, None])
    es.TensorflowPredict(graphFilename=graph, inputs=["waveform"], outputs=nodes)(pool)


def with_embviz(audio: Path, case: list[tuple[str, str, dict[str, str]]], cache: embviz.Cache) -> None:
    """Ask for the same with embviz."""
    models = [model for model, _, _ in case]
    embviz.embed(audio, models, layer=list(case[0][2]), cache=cache)


def seconds(call: Callable[[], None]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def measure(audio: Path, case: list[tuple[str, str, dict[str, str]]], rounds: int) -> list[tuple[float, float, float]]:
    """Return seconds of (a), (b) and (c) for each round; the first round, which loads libraries, is left out."""
    found = []
    for _ in range(rounds + 1):
        with tempfile.TemporaryDirectory() as folder:
            ours = partial(with_embviz, audio, case, embviz.Cache(folder))
            sessions.clear()
            found.append((seconds(partial(with_essentia, audio, case)), seconds(ours), seconds(ours)))
    return found[1:]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("audio", nargs="?", type=Path, default=ROCK)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    minutes = embviz.Audio.open(options.audio).duration / 60
    print(
        f"{options.audio.name}, {60 * minutes:.1f} s; medians of {options.rounds} rounds, seconds per minute of audio"
    )
    print(f"{'':22}{'(a) essentia':>14}{'(b) cold':>10}{'(c) warm':>12}{'a / b':>8}{'warm, whole call':>19}")
    for name, case in CASES.items():
        rounds = measure(options.audio, case, options.rounds)
        a, b, c = (statistics.median(column) for column in zip(*rounds, strict=True))
        ratio = statistics.median(one[0] / one[1] for one in rounds)
        print(f"{name:22}{a / minutes:14.3f}{b / minutes:10.3f}{c / minutes:12.4f}{ratio:8.2f}{1000 * c:16.1f} ms")


if __name__ == "__main__":
    main()
