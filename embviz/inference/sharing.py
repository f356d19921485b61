"""What neighbouring patches have in common, computed once for a run of patches.

Patches overlap, and the first operations of a network look at a few frames at a time: what they give for a frame is the
same in all patches that hold it, but for a few frames at a patch's edges, which padding reaches. So the network is cut
in two. The *front* runs over the frames themselves, and once more over the edges of each patch; the *rest* runs patch
by patch on what is put together of both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from embviz.inference.session import OverlappingPatches
from embviz.inference.time_steps import ShapedModel, Steps

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import ModelProto, NodeProto

_WORTH = 0.85  # of the products, at most: below, moving frames about costs what is saved
_BLOCK = 256  # frames that the front is run over at a time: what lies between its operations stays near the processor
_EDGES = 16  # patches whose edges are run at a time


@dataclass(frozen=True)
class Cut:
    """A network in two parts.

    Parameters
    ----------
    front, rest : ModelProto or None
        The parts; no rest where the front gives all.
    steps : mapping of str to Steps
        How each tensor that the front gives follows the frames.
    given, passed : tuple of str
        Tensors of the front that are asked for, and that the rest reads.
    length : int
        Frames of a patch.
    """

    front: ModelProto
    rest: ModelProto | None
    steps: Mapping[str, Steps]
    given: tuple[str, ...]
    passed: tuple[str, ...]
    length: int


def find_cut(model: ModelProto, patches: OverlappingPatches) -> Cut | None:
    """Return where a model is cut best for patches of their length and hop; None where that saves next to nothing."""
    if len(model.graph.input) != 1 or len(model.graph.input[0].type.tensor_type.shape.dim) != 3:
        return None
    shaped = ShapedModel(model, (patches.length, patches.frames.shape[1]))
    steps, products = shaped.follow(), shaped.products()
    total = sum(products.values())
    best, least = None, _WORTH * total
    for stride, edge in sorted({(steps[name].stride, steps[name].edge) for name in products if name in steps}):
        front = _select(shaped, steps, stride, edge)
        reach = _Reach.of(front.values(), shaped.patch_frames)
        frames = patches.hop * _count_classes(stride, patches.hop) + sum(reach.edges)
        shared = sum(products[name] for name in products if name in front)
        cost = total - shared + shared * frames / shaped.patch_frames
        if cost < least:
            best, least = front, cost
    return _cut(shaped, best) if best else None


def _count_classes(stride: int, hop: int) -> int:
    """Return how many classes patches fall into by where they begin on a grid of steps."""
    return stride // math.gcd(stride, hop)


def _select(model: ShapedModel, steps: Mapping[str, Steps], stride: int, edge: int) -> dict[str, Steps]:
    """Return those of some tensors that follow the frames so closely, and depend on no others."""
    makers = {node.output[0]: node for node in model.nodes}
    chosen: dict[str, Steps] = {}
    for name, one in steps.items():
        inputs = makers[name].input if name in makers else ()
        if one.stride <= stride and one.edge <= edge and all(i in chosen or i not in steps for i in inputs):
            chosen[name] = one
    return chosen


def _cut(model: ShapedModel, steps: Mapping[str, Steps]) -> Cut:
    behind = [node for node in model.nodes if node.output[0] not in steps]
    read = {name for node in behind for name in node.input}
    passed = tuple(name for name in steps if name in read)
    given = tuple(name for name in model.outputs if name in steps)
    left = [name for name in model.outputs if name not in steps]
    names = [name for name in dict.fromkeys((*passed, *given)) if name != model.input]
    front = _part(model, [node for node in model.nodes if node.output[0] in steps], [model.input], names)
    front.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "t"  # as many frames as there are
    rest = _part(model, behind, passed, left) if left else None
    return Cut(front, rest, {name: steps[name] for name in names}, given, passed, model.patch_frames)


def _part(model: ShapedModel, nodes: Sequence[NodeProto], inputs: Sequence[str], outputs: Sequence[str]) -> ModelProto:
    """Return what some tensors need of some nodes as a model."""
    from onnx import TensorProto, helper

    wanted = set(outputs)
    needed: list[NodeProto] = []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            needed.append(node)
            wanted.update(node.input)
    constants = [tensor for name, tensor in model.constants.items() if name in wanted]
    taken = [model.infos[name] for name in inputs]
    given = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    graph = helper.make_graph(needed[::-1], "part", taken, given, constants)
    return helper.make_model(graph, opset_imports=model.proto.opset_import, ir_version=model.proto.ir_version)


@dataclass(frozen=True)
class _Reach:
    """How many frames padding reaches, and how many give what it reaches.

    Parameters
    ----------
    stride : int
        Frames from one step to the next, where the steps are longest.
    edges : (int, int)
        Frames of a patch's beginning and end that give the steps that padding reaches.
    margins : (int, int)
        Frames at the beginning and the end of a run whose steps padding reaches.
    """

    stride: int
    edges: tuple[int, int]
    margins: tuple[int, int]

    @classmethod
    def of(cls, steps: Iterable[Steps], length: int) -> _Reach:
        stride, begin, end, edge = 1, 0, 0, 0
        for one in steps:
            stride = max(stride, one.stride)
            begin = max(begin, one.left * one.stride)
            # Frames behind those that the last clean step reads, and with those that a step at the edge reads.
            end = max(end, length - (one.length - one.right) * one.stride)
            edge = max(edge, length - (one.length - one.right - one.left) * one.stride)
        rest = length % stride

        def whole(frames: int) -> int:
            return -(-frames // stride) * stride

        # What is kept of an end begins where a step of the patch does.
        return cls(stride, (whole(edge), whole(edge - rest) + rest), (whole(begin), whole(end - rest) + rest))


# Running. ----------------------------------------------------------------------------------------------------------

Arrays: TypeAlias = "Mapping[str, NDArray[np.float32]]"
#: What runs a part of a network on one block after another, or on several at once.
RunAll: TypeAlias = "Callable[[Sequence[Arrays]], list[dict[str, NDArray[np.float32]]]]"


class Front:
    """What the front of a network gives for overlapping patches, computed once for the frames and for the edges.

    Parameters
    ----------
    cut : Cut
        The network.
    input_node : str
        What the front is fed with.
    run_all : callable
        Runs the front.
    patches : OverlappingPatches
        The patches.
    """

    def __init__(self, cut: Cut, input_node: str, run_all: RunAll, patches: OverlappingPatches) -> None:
        self._input, self._run_all, self._patches = input_node, run_all, patches
        self._steps = cut.steps
        self._reach = _Reach.of(cut.steps.values(), cut.length)
        # Patches that begin on one grid of steps share these.
        self._classes = _count_classes(self._reach.stride, patches.hop)
        self._runs = [self._run_frames(i) for i in range(min(self._classes, len(patches)))]
        self._edges = self._run_edges() if any(t.left or t.right for t in self._steps.values()) else {}

    def stack(self, first: int, stop: int, names: Iterable[str]) -> dict[str, NDArray[np.float32]]:
        """Return tensors of the front for patches ``[first, stop)``, each with all of its steps."""
        return {name: self._stack(name, first, stop) for name in names}

    def _stack(self, name: str, first: int, stop: int) -> NDArray[np.float32]:
        if name == self._input:
            return self._patches[first:stop].stack()
        one = self._steps[name]
        shape = list(self._runs[0][name].shape)
        shape[0], shape[one.axis] = stop - first, one.length
        stacked = np.empty(shape, np.float32)
        by_time = np.moveaxis(stacked, one.axis, 1)
        end = one.length - one.right
        for i, patch in enumerate(range(first, stop)):
            place, index = divmod(patch, self._classes)
            begin = place * self._classes * self._patches.hop // one.stride
            run = np.moveaxis(self._runs[index][name], one.axis, 1)[0]
            by_time[i, one.left : end] = run[begin + one.left : begin + end]
        if self._edges:
            edges = np.moveaxis(self._edges[name][first:stop], one.axis, 1)
            by_time[:, : one.left] = edges[:, : one.left]
            by_time[:, end:] = edges[:, edges.shape[1] - one.right :]
        return stacked

    def _run_frames(self, index: int) -> dict[str, NDArray[np.float32]]:
        """Run the front over all frames of a class of patches, block by block."""
        patches, stride = self._patches, self._reach.stride
        begin = index * patches.hop
        several = (len(patches) - 1 - index) // self._classes * self._classes * patches.hop
        frames = patches.frames[begin : begin + several + patches.length]
        before, after = self._reach.margins
        block = _BLOCK // stride * stride
        firsts = range(0, max(1, len(frames) - before - after), block)
        outputs = self._run_all([{self._input: frames[np.newaxis, i : i + before + block + after]} for i in firsts])
        parts: dict[str, list[NDArray[np.float32]]] = {name: [] for name in self._steps}
        for first, output in zip(firsts, outputs, strict=True):
            for name, one in self._steps.items():
                begins = before // one.stride if first else 0
                ends = None if first == firsts[-1] else (before + block) // one.stride
                parts[name].append(np.moveaxis(output[name], one.axis, 0)[begins:ends])
        return {name: np.moveaxis(np.concatenate(some), 0, self._steps[name].axis) for name, some in parts.items()}

    def _run_edges(self) -> dict[str, NDArray[np.float32]]:
        """Run the front over both edges of each patch, one behind the other."""
        begin, end = self._reach.edges
        windows = np.lib.stride_tricks.sliding_window_view(self._patches.frames, self._patches.length, axis=0)
        patches = windows.transpose(0, 2, 1)[:: self._patches.hop]
        edges = np.concatenate((patches[:, :begin], patches[:, self._patches.length - end :]), axis=1)
        parts = self._run_all([{self._input: edges[i : i + _EDGES]} for i in range(0, len(edges), _EDGES)])
        return {name: np.concatenate([part[name] for part in parts]) for name in self._steps}
