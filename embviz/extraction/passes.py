"""A graph run over the patches of a track, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from embviz.extraction.trust import input_rank, open_onnx
from embviz.inference.essentia import StagedSession
from embviz.inference.graph import downstream_nodes, split_tensor
from embviz.inference.session_pool import sessions
from embviz.models.weight_store import layer_shapes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from embviz.core.progress import Report
    from embviz.extraction.extract import LayerSpec
    from embviz.extraction.frontends import Patches
    from embviz.extraction.stitching import Stitcher
    from embviz.inference.session import PatchBatch, Session

SOUND_BATCH = 6  # segments in one pass where separated sound is asked for
GENTLE_BATCH = 2  # segments in one pass where someone watches: Python stands still during a pass
HEAVY = 128 * 2**20  # bytes of one node in one pass, beyond which it is read in smaller batches of its own
TRUNK_RANK = 2  # a trunk ends in one vector per patch
ENDS = ("embedding", "output")
#: Frames that the patches of a batch start from, and patches, where the numbers of one do not depend on the others: the
#: less of a batch lies within its last patch, the more is shared.
SHARED_FRAMES = 3000
SHARED_PATCHES = (32, 256)
FIRST_PART = 4  # the first batch is this part of the others, so that there is soon something to see


Run: TypeAlias = "tuple[LayerSpec, Stitcher]"
PlannedPass: TypeAlias = "tuple[Session, Sequence[Run], int]"  # what it gives, and patches in a batch


def run_passes(runs: Sequence[Run], patches: Patches, report: Report, *, gently: bool) -> Iterator[None]:
    """Run a graph over all patches, pausing after each batch, and hand over what it gives.

    Parameters
    ----------
    runs : sequence of (LayerSpec, Stitcher)
        Layers of one graph, with the engine that was chosen for it, and what puts each together.
    patches : Patches
    report : callable
        May raise to cancel.
    gently : bool
        Whether someone watches.
    """
    first, done, total = runs[0][0], 0, len(patches)

    def check() -> None:
        report(first.model.name, done, total)

    fast = first.engine == "onnx"
    passes = _plan_onnx(runs) if fast else _plan_essentia(runs, check, gently=gently)
    total *= len(passes)
    for session, some, size in passes:
        for begin, stop in _batches(len(patches), size, small_first=fast):
            check()
            outputs = session.run({first.model.input_node: patches.batch(begin, stop)})
            for _, stitcher in some:
                stitcher.add(outputs, begin, stop)
            done += stop - begin
            yield
    report(first.model.name, total, total)


def onnx_ranks(specs: Sequence[LayerSpec]) -> dict[str, int]:
    """Return the nodes that ONNX Runtime is asked for, and the number of axes of each.

    Where layers at the end of a network are wanted, it is all of these: they cost nothing beside each other, and one
    translation serves.
    """
    wanted = {node: rank for spec in specs for node, rank in spec.ranks.items()}
    model, weights = specs[0].model, specs[0].weights
    known = layer_shapes(model, weights)
    ends = {
        node: 1 + len(known[node])
        for layer in model.known_layers
        for node in layer.nodes
        if layer.name in ENDS and "s" not in layer.axes and node in known
    }
    return dict(sorted((ends if wanted.items() <= ends.items() else wanted).items()))


def _plan_onnx(runs: Sequence[Run]) -> list[PlannedPass]:
    """Return the one pass that gives everything."""
    first = runs[0][0]
    fewest, most = SHARED_PATCHES
    hop = max(1, first.hop // first.frontend.hop)
    size = min(max(fewest, SHARED_FRAMES // hop), most) if first.frontend.continuous else fewest
    heaviest = max(stitcher.patch_bytes for _, stitcher in runs)
    session = open_onnx(first.model, first.weights, onnx_ranks([spec for spec, _ in runs]))
    return [(session, runs, max(1, min(size, HEAVY // heaviest)))]


def _plan_essentia(runs: Sequence[Run], check: Callable[[], None], *, gently: bool) -> list[PlannedPass]:
    """Return a pass for what is light, and another one for what is heavy."""
    frontend = runs[0][0].frontend
    # Separated sound takes far more memory per segment than layers; Spleeter's numbers do not depend on the batch.
    usual = min(frontend.batch, SOUND_BATCH) if any(stitcher.sound for _, stitcher in runs) else frontend.batch
    if gently and frontend.channels == 2:
        usual = min(usual, GENTLE_BATCH)
    light = [run for run in runs if run[1].patch_bytes * usual <= HEAVY]
    heavy = [run for run in runs if run not in light]
    small = max(1, HEAVY // max((stitcher.patch_bytes for _, stitcher in heavy), default=1))
    sizes = [(some, size) for some, size in ((light, usual), (heavy, small)) if some]
    return [(_open_essentia(some, check, staged=some is light), some, size) for some, size in sizes]


def _batches(total: int, size: int, *, small_first: bool) -> Iterator[tuple[int, int]]:
    """Yield where batches begin and stop: a function of the number of patches alone, whoever asks."""
    begin, stop = 0, max(1, size // FIRST_PART) if small_first else size
    while begin < total:
        yield begin, min(stop, total)
        begin, stop = stop, stop + size


class _CancellableSession:
    """A session that reports before each run, so that a long batch can be cancelled in its middle."""

    def __init__(self, session: Session, check: Callable[[], None]) -> None:
        self._session, self._check = session, check

    def run(self, inputs: Mapping[str, PatchBatch]) -> dict[str, NDArray[np.float32]]:
        self._check()
        return self._session.run(inputs)


def _open_essentia(runs: Sequence[Run], check: Callable[[], None], *, staged: bool) -> Session:
    model, path = runs[0][0].model, runs[0][0].weights.path
    ranks = dict(sorted({node: rank for spec, _ in runs for node, rank in spec.ranks.items()}.items()))
    behind = downstream_nodes(path, path.stat().st_mtime_ns, model.trunk) if staged and model.trunk else frozenset()
    if not behind:
        return sessions.open(path, model.input_node, input_rank(model), ranks)
    behind -= {model.trunk}
    head = {node: rank for node, rank in ranks.items() if split_tensor(node)[0] in behind}
    trunk = {node: rank for node, rank in ranks.items() if node not in head}
    if head:
        trunk[model.trunk] = TRUNK_RANK
    return StagedSession(
        _CancellableSession(sessions.open(path, model.input_node, input_rank(model), trunk), check),
        sessions.open(path, model.trunk, TRUNK_RANK, head) if head else None,
        model.trunk,
    )
