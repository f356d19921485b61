"""How near networks come to what a matrix product reaches on the same cores, on the work that they really do.

The limit is NumPy's product of float32 matrices, measured in the same rounds. Products and sums of convolutions and
dense layers are counted in the graph: for Essentia in the translation as it stands, once per patch; for ONNX Runtime in
each model that it runs, with the shapes that it is fed, so that what patches share is counted once. Time is that of a
session's ``run``, with all that is put together around the network. Where other work takes part of the machine, threads
that wait for each other distort both; the last column compares seconds of the processor instead, for a product in one
thread.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

from benchmarks.measuring import Options, figure_of, interleave
from benchmarks.sounds import duration
from benchmarks.tables import Cell, Figure, Table
from benchmarks.ways import TITLES, Sides, by_embviz, prepare

SECONDS = 0.7  # of matrix products in a round


class Counter:
    """The seconds of sessions, those of all cores together, and what they did in billions of operations."""

    def __init__(self) -> None:
        self.seconds = self.processor = self.work = 0.0


@contextmanager
def counted() -> Iterator[Counter]:
    """Count the work of ONNX Runtime, and time all sessions of embviz."""
    import onnxruntime

    counter = Counter()
    own = onnxruntime.InferenceSession

    class Counting(own):  # type: ignore[misc,valid-type]
        def __init__(self, model: bytes, *arguments: Any, **options: Any) -> None:
            super().__init__(model, *arguments, **options)
            self._bytes = model

        def run(self, outputs: Any, feeds: dict[str, Any], *arguments: Any) -> Any:
            counter.work += count_work(self._bytes, tuple((name, array.shape) for name, array in feeds.items()))
            return super().run(outputs, feeds, *arguments)

    kinds = _session_kinds()
    originals = [kind.run for kind in kinds]
    onnxruntime.InferenceSession = Counting
    for kind, run in zip(kinds, originals, strict=True):
        kind.run = _timed(run, counter)
    try:
        yield counter
    finally:
        onnxruntime.InferenceSession = own
        for kind, run in zip(kinds, originals, strict=True):
            kind.run = run


def _session_kinds() -> list[Any]:
    from embviz.inference.essentia import EssentiaSession

    try:
        from embviz.inference.onnx_session import OnnxSession
    except ImportError:
        return [EssentiaSession]
    return [EssentiaSession, OnnxSession]


def _timed(run: Any, counter: Counter) -> Any:
    def timed(session: Any, inputs: Any) -> Any:
        start, processor = time.perf_counter(), time.process_time()
        try:
            return run(session, inputs)
        finally:
            counter.seconds += time.perf_counter() - start
            counter.processor += time.process_time() - processor

    return timed


@cache
def count_work(model: bytes, shapes: tuple[tuple[str, tuple[int, ...]], ...]) -> float:
    """Return the operations of convolutions and dense layers in billions (a product and a sum are two)."""
    import onnx

    proto = onnx.load_model_from_string(model)
    for name, shape in shapes:
        (fed,) = (one for one in proto.graph.input if one.name == name)
        dims = fed.type.tensor_type.shape
        del dims.dim[:]
        for length in shape:
            dims.dim.add().dim_value = length
    for output in proto.graph.output:
        output.type.tensor_type.ClearField("shape")
    graph = onnx.shape_inference.infer_shapes(proto, data_prop=True).graph
    known = {one.name: list(one.dims) for one in graph.initializer}
    for one in (*graph.input, *graph.value_info, *graph.output):
        known[one.name] = [each.dim_value for each in one.type.tensor_type.shape.dim]
    return 2e-9 * sum(_products(node, known) for node in graph.node)


def _products(node: Any, shapes: dict[str, list[int]]) -> int:
    if node.op_type == "Conv":  # each value is a sum over a kernel
        return math.prod(shapes[node.output[0]]) * math.prod(shapes[node.input[1]][1:])
    if node.op_type == "ConvTranspose":
        return math.prod(shapes[node.input[0]]) * math.prod(shapes[node.input[1]][1:])
    if node.op_type == "MatMul":
        return math.prod(shapes[node.output[0]]) * shapes[node.input[0]][-1]
    if node.op_type == "Gemm":
        transposed = any(option.name == "transA" and option.i for option in node.attribute)
        return math.prod(shapes[node.output[0]]) * shapes[node.input[0]][0 if transposed else 1]
    return 0


def run_counted(audio: str, asked: list[dict[str, Any]], engine: str) -> dict[str, float]:
    """Embed a track; returns the seconds in its sessions, and what ONNX Runtime computed."""
    with counted() as counter:
        by_embviz(audio, asked, engine)
    return {"seconds": counter.seconds, "processor": counter.processor, "work": counter.work}


def literal_work(audio: str, asked: list[dict[str, Any]]) -> float:
    """Return the work of a graph as it stands on all patches of a track, in billions of operations."""
    import embviz
    from embviz.extraction.extract import LayerSpec
    from embviz.inference.graph import Graph
    from embviz.inference.onnx_translation import translate

    model, sound = embviz.get_model(asked[0]["model"]), embviz.Audio.open(audio)
    spec = LayerSpec.of(model, "embedding", None)
    patches = spec.patches(len(sound.mono(model.sample_rate, quality=4))).n_patches
    shape = (1, *model.input_shape)
    graph = Graph.read(spec.weights.path)
    proto = translate(graph, {model.input_node: shape}, spec.layer.nodes)
    return patches * count_work(proto.SerializeToString(), ((model.input_node, shape),))


def matrix_seconds() -> dict[str, float]:
    """Return the seconds of a billion operations in matrix products, and those of the processor in one thread."""
    import numpy as np
    from threadpoolctl import threadpool_limits

    a = np.random.default_rng(0).standard_normal((2048, 2048), dtype=np.float32)
    out = np.empty_like(a)

    def per_operation(clock: Callable[[], float]) -> float:
        done, begin, start = 0, time.perf_counter(), clock()
        while time.perf_counter() - begin < SECONDS:
            np.matmul(a, a, out=out)
            done += 1
        return (clock() - start) / (2e-9 * 2048**3 * done)

    seconds = per_operation(time.perf_counter)
    with threadpool_limits(1):
        return {"seconds": seconds, "processor": per_operation(time.process_time)}


def measure(options: Options) -> list[Table]:
    """Return what each network does, and its share of the limit."""
    rounds = options.count(5)
    columns = ["", "patches alone", "computed by `onnx`", "matrix product", "`essentia`", "`onnx`"]
    columns += ["share of the limit, `essentia`", "`onnx`", "`onnx`, of the processor's time"]
    with Sides(options) as sides:
        length = duration(sides.audio)
        note = f"{length:.1f} s of stereo rock, the network alone, medians of {rounds} rounds"
        table = Table("matrix_limit", columns, note)
        for title, model in list(TITLES.items())[:3]:
            table.rows[title] = _row(_Comparison(sides, prepare([model])), rounds)
    return [table]


class _Comparison:
    """The ways that are compared for a model, and what they give besides seconds."""

    def __init__(self, sides: Sides, asked: Any) -> None:
        self._sides, self._options = sides, {"audio": str(sides.audio), "asked": asked}
        count = sides.process("count").call
        self.work = {"essentia": float(count("benchmarks.matrix_limit:literal_work", **self._options))}
        self.processor: dict[str, list[float]] = {"matrix": [], "essentia": [], "onnx": []}

    def matrix(self) -> float:
        """Return the seconds of a billion operations."""
        found = self._sides.process("matrix").call("benchmarks.matrix_limit:matrix_seconds")
        self.processor["matrix"].append(found["processor"])
        return float(found["seconds"])

    def network(self, engine: str) -> float:
        """Return the seconds of a network."""
        found = self._sides.process(engine).call("benchmarks.matrix_limit:run_counted", engine=engine, **self._options)
        self.processor[engine].append(found["processor"])
        if engine == "onnx":
            self.work["onnx"] = found["work"]
        return float(found["seconds"])


def _row(compared: _Comparison, rounds: int) -> list[Cell]:
    ways = {"matrix": compared.matrix} | {each: partial(compared.network, each) for each in ("essentia", "onnx")}
    found = interleave(ways, rounds)
    limit = figure_of((1 / each for each in found.seconds["matrix"]), "GFLOP/s")
    times = map(found.figure, ("essentia", "onnx"))
    shares: list[Cell] = [
        found.reasons.get(each) or _share(compared, found.seconds, each) for each in ("essentia", "onnx")
    ]
    if "onnx" in found.reasons:
        return [Figure(compared.work["essentia"], "GFLOP"), None, limit, *times, *shares, None]
    computed = [Figure(compared.work[each], "GFLOP") for each in ("essentia", "onnx")]
    return [*computed, limit, *times, *shares, _share(compared, compared.processor, "onnx")]


def _share(compared: _Comparison, seconds: dict[str, list[float]], engine: str) -> Cell:
    pairs = zip(seconds["matrix"], seconds[engine], strict=True)
    return figure_of((100 * compared.work[engine] * limit / taken for limit, taken in pairs), "%")
