"""Graphs run by ONNX Runtime."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from embviz.core import essentia
from embviz.core.processes import count_threads
from embviz.core.text import shorten
from embviz.errors import EngineError, GraphError, NotFiniteError
from embviz.inference.graph import Graph
from embviz.inference.onnx_files import load_onnx, model_digest
from embviz.inference.session import OverlappingPatches, PatchBatch
from embviz.inference.sharing import Cut, Front, find_cut

if TYPE_CHECKING:
    from numpy.typing import NDArray

Block = TypeVar("Block")

OLDEST = (1, 20)  # of ONNX Runtime
_BLOCK = 2  # patches in one pass: what lies between two operations stays near the processor
_MOST_WORKERS = 8  # each takes some 30 MB for what lies between operations
_MOST = 1e30  # of what is fed: beyond, sums within a network may overflow
_OUT_OF_MEMORY = ("bad alloc", "bad_alloc", "allocate memory", "out of memory")


class OnnxSession:
    """A graph translated to ONNX that gives some of its nodes.

    Overlapping patches share what they have in common, where that pays. Patches are run in small blocks of one size, so
    that memory stays small and the numbers of a patch do not depend on what stands beside it.

    Parameters
    ----------
    path : path
        The frozen TensorFlow graph.
    input_node : str
        Placeholder to feed.
    outputs : tuple of str
        Nodes to read.
    sha256 : str
        Of the graph.

    Raises
    ------
    EngineError
        If ONNX Runtime is not here, is too old, or does not start.
    GraphError
        If the graph cannot be translated.
    """

    def __init__(self, path: Path, input_node: str, outputs: tuple[str, ...], *, sha256: str) -> None:
        load_runtime()
        self._title = repr(path.name)
        self._input_node = input_node
        self._model = load_onnx(path, sha256, input_node, outputs)
        self._lock = threading.Lock()
        self._whole: Network | None = None
        self._cuts: dict[int, _CutNetwork | None] = {}

    @property
    def digest(self) -> str:
        """Of the model, and of all that it was made of."""
        return model_digest(self._model)

    def run(self, inputs: Mapping[str, PatchBatch]) -> dict[str, NDArray[np.float32]]:
        """Run the network once; see :meth:`Session.run`.

        Raises
        ------
        NotFiniteError
            If what is fed is not finite: engines differ in whether a maximum passes NaN on.
        GraphError
            If there is not enough memory for a single patch, or the network does not run.
        """
        patches = inputs[self._input_node]
        values = patches.frames if isinstance(patches, OverlappingPatches) else patches
        if not (np.abs(values) < _MOST).all():
            raise NotFiniteError("ONNX Runtime is expected to be fed with finite values; Essentia takes others, too.")
        if isinstance(patches, OverlappingPatches):
            cut = self._cut_for(patches)
            if cut is not None:
                return cut.run(patches)
            patches = patches.stack()
        with self._lock:
            self._whole = self._whole or Network(self._model, self._title)
        feeds = {self._input_node: patches}
        # Sound itself, ``[samples, channels]``, is not made of patches yet.
        return self._whole.run_blocks(feeds) if patches.ndim > 2 else self._whole.run(feeds)

    def _cut_for(self, patches: OverlappingPatches) -> _CutNetwork | None:
        with self._lock:
            if patches.hop not in self._cuts:
                cut = _find_cut(self._model, patches)
                self._cuts[patches.hop] = None if cut is None else _CutNetwork(cut, self._input_node, self._title)
            return self._cuts[patches.hop]


def _find_cut(model: bytes, patches: OverlappingPatches) -> Cut | None:
    import onnx

    return find_cut(onnx.load_model_from_string(model), patches)


class _CutNetwork:
    """A network in two parts, of which the first is run once for what patches share."""

    def __init__(self, cut: Cut, input_node: str, title: str) -> None:
        self._cut, self._input_node = cut, input_node
        self._front = Network(cut.front.SerializeToString(), title)
        self._rest = None if cut.rest is None else Network(cut.rest.SerializeToString(), title)

    def run(self, patches: OverlappingPatches) -> dict[str, NDArray[np.float32]]:
        front = Front(self._cut, self._input_node, partial(_run_all, self._front.run), patches)
        outputs, rest, passed = front.stack(0, len(patches), self._cut.given), self._rest, self._cut.passed
        if rest is not None:
            blocks = [(i, min(i + _BLOCK, len(patches))) for i in range(0, len(patches), _BLOCK)]
            outputs |= _concatenate(_run_all(lambda block: rest.run(front.stack(*block, passed)), blocks))
        return outputs


class Network:
    """An ONNX model, loaded."""

    def __init__(self, model: bytes, title: str) -> None:
        self._title = title
        runtime = load_runtime()
        options = runtime.SessionOptions()
        # Blocks run side by side: threads that share each operation would wait for each other again and again.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what goes wrong is raised
        _share_memory()
        options.add_session_config_entry("session.use_env_allocators", "1")
        try:
            self._session = _open(runtime, model, options)
        except Exception as error:
            raise GraphError(_describe_error(title, error)) from error
        self._outputs = [output.name for output in self._session.get_outputs()]

    def run_blocks(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """Run the network block by block; all inputs are patches first."""
        patches = len(next(iter(inputs.values())))
        blocks = [{name: a[i : i + _BLOCK] for name, a in inputs.items()} for i in range(0, patches, _BLOCK)]
        return _concatenate(_run_all(self.run, blocks))

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """Run the network once, patch by patch where memory does not hold them all."""
        try:
            feeds = {name: np.ascontiguousarray(array) for name, array in inputs.items()}
            return dict(zip(self._outputs, self._session.run(self._outputs, feeds), strict=True))
        except Exception as error:
            patches = len(next(iter(inputs.values())))
            if not _is_memory(error):
                raise GraphError(_describe_error(self._title, error)) from error
            if patches == 1:
                raise GraphError(
                    f"There is not enough memory to run {self._title} on a single patch; close other programs."
                ) from error
        return _concatenate([self.run({name: a[i : i + 1] for name, a in inputs.items()}) for i in range(patches)])


def load_translated(graph: Graph, input_node: str, outputs: tuple[str, ...], title: str) -> Network:
    """Return a graph translated for this once, where there is no Essentia to run it; GraphError where it cannot be."""
    from embviz.inference.onnx_translation import translate

    shape = graph.placeholder_shapes.get(input_node)
    if not shape:
        raise GraphError(f"The graph has no input {input_node!r} that declares its shape.")
    try:
        model = translate(graph, {input_node: (None, *shape[1:])}, outputs)
    except GraphError as error:
        raise GraphError(f"{str(error).rstrip('.')}; {essentia.describe_absence()}.") from error
    return Network(model.SerializeToString(), title)


def _run_all(run: Callable[[Block], dict[str, NDArray[np.float32]]], blocks: Sequence[Block]) -> list[Any]:
    """Return what blocks give, as many of them run at once as this process has threads to compute with.

    One of its own needs no other: where jobs run in threads, each keeps a core busy.
    """
    return list(map(run, blocks) if len(blocks) == 1 or count_threads() == 1 else _workers().map(run, blocks))


@cache
def _workers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(min(count_threads(), _MOST_WORKERS), thread_name_prefix="embviz-onnx")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_workers.cache_clear)  # threads do not come along


def _concatenate(blocks: list[dict[str, NDArray[np.float32]]]) -> dict[str, NDArray[np.float32]]:
    return blocks[0] if len(blocks) == 1 else {name: np.concatenate([b[name] for b in blocks]) for name in blocks[0]}


def load_runtime() -> Any:
    """Return the package of ONNX Runtime, which is imported once it is needed, as is what reads and writes graphs."""
    onnxruntime = _import("onnxruntime", "ONNX Runtime")
    if not hasattr(onnxruntime, "InferenceSession"):  # a folder that an uninstallation has left
        raise EngineError("ONNX Runtime is damaged; get it with `pip install --force-reinstall onnxruntime`.")
    _import("onnx", "The package onnx")
    version = str(getattr(onnxruntime, "__version__", "0"))
    if tuple(int(part) for part in version.split(".")[:2] if part.isdecimal()) < OLDEST:
        expected = ".".join(map(str, OLDEST))
        raise EngineError(f"ONNX Runtime {expected} is expected, {version} was found; `pip install -U onnxruntime`.")
    return onnxruntime


def _import(package: str, title: str) -> Any:
    try:
        return import_module(package)
    except Exception as error:  # whatever versions that do not go together come to
        reason = "is not installed" if isinstance(error, ModuleNotFoundError) else f"does not start ({error})"
        raise EngineError(f"{title} {shorten(reason, 200)}; get it with `pip install -U {package}`.") from error


@cache
def _share_memory() -> None:
    """Have all networks take memory from one arena, in which what one has let go serves the next."""
    runtime = load_runtime()
    info = runtime.OrtMemoryInfo("Cpu", runtime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, runtime.OrtMemType.DEFAULT)
    with contextlib.suppress(Exception):  # there is one already, of whoever else uses the package
        runtime.create_and_register_allocator(info, None)


def _open(runtime: Any, model: bytes, options: Any) -> Any:
    """Return a session on a GPU where there is one, in single precision throughout, else on the processor."""
    processor = "CPUExecutionProvider"
    if "CUDAExecutionProvider" in runtime.get_available_providers():
        gpu = "CUDAExecutionProvider", {"use_tf32": "0"}
        with contextlib.suppress(Exception):  # the package is made for GPUs, and there is none, or no driver
            return runtime.InferenceSession(model, options, providers=[gpu, processor], enable_fallback=0)
    return runtime.InferenceSession(model, options, providers=[processor])


def _is_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in _OUT_OF_MEMORY)


def _describe_error(title: str, error: Exception) -> str:
    reason = str(error).rpartition(" : ")[2] or type(error).__name__
    return f"ONNX Runtime cannot run {title}: {shorten(reason, 200).rstrip('. ')}."
