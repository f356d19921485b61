"""The ways from a file to embeddings that are compared: Essentia's own lines, and embviz by each of its engines.

All functions run in a process of their own (see :class:`benchmarks.measuring.Process`) and return seconds.
"""

from __future__ import annotations

import inspect
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self

from benchmarks.measuring import NotMeasured, Options, Process
from benchmarks.sounds import ROCK, write_excerpt

RECIPE = 4  # resampleQuality of the models' official examples; MonoLoader's own is 1


class Asked(NamedTuple):
    """Layers of a model, with what Essentia calls them: ``{layer: node}``."""

    model: str
    algorithm: str  # TensorflowPredict…
    rate: int  # samples per second
    layers: Mapping[str, str]


MUSICNN = Asked("msd-musicnn-1", "MusiCNN", 16_000, {"embedding": "model/dense/BiasAdd"})
VGG = Asked("msd-vgg-1", "MusiCNN", 16_000, {"embedding": "model/flatten/Reshape"})
TEMPOCNN = Asked("deepsquare-k8", "TempoCNN", 11_025, {"embedding": "1x1/Identity0_reshape"})
SPLEETER = Asked("spleeter-2s-3", "", 44_100, {"embedding": "conv2d_4/BiasAdd conv2d_11/BiasAdd"})
TITLES = {
    "MusiCNN": MUSICNN,
    "VGG-I": VGG,
    "Tempo-CNN (`deepsquare-k8`)": TEMPOCNN,
    "Spleeter, 2 stems": SPLEETER,
}
WITH_OUTPUTS = [
    MUSICNN._replace(layers=MUSICNN.layers | {"output": "model/Sigmoid"}),
    VGG._replace(layers=VGG.layers | {"output": "model/Sigmoid"}),
    TEMPOCNN._replace(layers=TEMPOCNN.layers | {"output": "output"}),
]


def prepare(asked: Sequence[Asked]) -> list[dict[str, Any]]:
    """Return what is asked for, with the files of the graphs, as JSON can hold it; raises where weights are missing."""
    from embviz.models.weights import find_weights

    found = []
    for one in asked:
        weights = find_weights(one.model)
        if weights is None:
            raise NotMeasured(f"the weights of {one.model} are not here: embviz pull {one.model}")
        found.append(one._asdict() | {"layers": dict(one.layers), "graph": str(weights.path)})
    return found


def by_essentia(audio: str, asked: Sequence[Mapping[str, Any]], quality: int | None = None, hop: int = 0) -> float:
    """Do what the poster shows, for each output on its own.

    Parameters
    ----------
    quality : int, optional
        MonoLoader's resampleQuality; None leaves it to Essentia.
    hop : int
        Frames from one patch to the next; 0 leaves it to Essentia.
    """
    import essentia

    essentia.log.infoActive = essentia.log.warningActive = False
    import essentia.standard as es

    load = {} if quality is None else {"resampleQuality": quality}
    predict = {"patchHopSize": hop} if hop else {}
    start = time.perf_counter()
    for one in asked:
        for node in one["layers"].values():
            if not one["algorithm"]:
                samples = es.AudioLoader(filename=audio)()[0]
                pool = essentia.Pool()
                pool.set("waveform", samples[..., None, None])
                es.TensorflowPredict(graphFilename=one["graph"], inputs=["waveform"], outputs=node.split())(pool)
                continue
            samples = es.MonoLoader(filename=audio, sampleRate=one["rate"], **load)()
            algorithm = getattr(es, f"TensorflowPredict{one['algorithm']}")
            algorithm(graphFilename=one["graph"], output=node, **predict)(samples)
    return time.perf_counter() - start


def choose_engine(engine: str | None) -> dict[str, str]:
    """Return the option that names an engine; raises where this version of embviz does not know it."""
    import embviz

    if engine is None or "engine" in inspect.signature(embviz.embed).parameters:
        return {} if engine is None else {"engine": engine}
    if engine == "essentia":  # the only one
        return {}
    raise NotMeasured("no such engine")


def unload() -> None:
    """Let go of all graphs that are loaded."""
    for name, module in list(sys.modules.items()):
        pool = getattr(module, "sessions", None) if name.startswith("embviz.inference") else None
        if hasattr(pool, "clear"):
            pool.clear()


def by_embviz(
    audio: str,
    asked: Sequence[Mapping[str, Any]],
    engine: str | None = None,
    quality: int | None = None,
    hop: float | None = None,
) -> float:
    """Ask embviz for the same, with an empty cache and no graph loaded; the results are kept in that cache."""
    import embviz

    models, layers = [one["model"] for one in asked], list(asked[0]["layers"])
    options: dict[str, Any] = choose_engine(engine) | {"resample_quality": quality, "patch_hop": hop}
    unload()
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        embviz.embed(audio, models, layer=layers, cache=embviz.Cache(folder), **options)
        return time.perf_counter() - start


class Sides:
    """The processes of a comparison: Essentia's lines, each engine, and an earlier commit where one is given."""

    def __init__(self, options: Options, *, seconds: float = 0.0) -> None:
        self._stack = ExitStack()
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        length = min(seconds or 12.0, 12.0) if options.quick else seconds
        self.audio = write_excerpt(folder / "excerpt.wav", length) if length else ROCK
        self.before = options.before
        self._processes: dict[str, Process] = {}

    def process(self, name: str) -> Process:
        """Return the process of a name; "before" has the embviz of the earlier commit."""
        if name not in self._processes:
            checkout = {"checkout": self.before} if name == "before" and self.before else {}
            self._processes[name] = self._stack.enter_context(Process(**checkout))
        return self._processes[name]

    def essentia(self, asked: Sequence[Mapping[str, Any]], **options: Any) -> Callable[[], float]:
        """Return the way by Essentia's own lines."""
        return partial(
            self.process("lines").call, "benchmarks.ways:by_essentia", audio=str(self.audio), asked=asked, **options
        )

    def embviz(self, side: str, asked: Sequence[Mapping[str, Any]], **options: Any) -> Callable[[], float]:
        """Return the way by embviz: `side` is an engine, or "before"."""
        engine = None if side == "before" else side
        arguments = {"audio": str(self.audio), "asked": asked, "engine": engine} | options
        return partial(self.process(side).call, "benchmarks.ways:by_embviz", **arguments)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
