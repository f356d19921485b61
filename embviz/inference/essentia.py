"""Graphs run by Essentia's ``TensorflowPredict``.

These give the reference's numbers, to the last bit where a batch is Essentia's own.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from embviz.core.essentia import load, quiet, standard
from embviz.core.text import shorten
from embviz.errors import GraphError
from embviz.inference.session import PatchBatch, Session, stack_patches

if TYPE_CHECKING:
    from numpy.typing import NDArray


_APPENDIX = re.compile(r"\n|Available node names|The binary trying to import|(?:;| from) Op<|; NodeDef: ")
_PREFACE = re.compile(r"TensorflowPredict: |Error importing graph\. |Error running the Tensorflow session\. ")


class EssentiaSession:
    """A loaded graph that gives some of its nodes.

    Parameters
    ----------
    path : path
        The graph.
    input_node : str
        Placeholder to feed.
    input_rank : int
        Number of axes of what is fed, with the axis of patches: 2, 3 or 4.
    outputs : tuple of str
        Nodes to read.
    ranks : mapping of str to int
        Number of axes of each output: Essentia hands all over with four.
    title : str, optional
        What errors call the graph; by default the name of its file.
    """

    def __init__(
        self,
        path: str | Path,
        input_node: str,
        input_rank: int,
        outputs: tuple[str, ...],
        *,
        ranks: Mapping[str, int],
        title: str = "",
    ) -> None:
        es, (_, common) = standard(), load()  # never imported by its own name here: it would not be silenced
        self._pool = common.Pool
        self._input_node, self._rank = input_node, input_rank
        self._outputs, self._ranks = outputs, dict(ranks)
        self._lock = threading.Lock()
        self._title = title or repr(Path(path).name)
        try:
            with quiet:
                self._predict = es.TensorflowPredict(
                    graphFilename=str(path), inputs=[input_node], outputs=list(outputs), squeeze=input_rank < 4
                )
        except RuntimeError as error:
            raise GraphError(_describe_error(self._title, error)) from error

    def run(self, inputs: Mapping[str, PatchBatch]) -> dict[str, NDArray[np.float32]]:
        """Run the network once; see :meth:`Session.run`."""
        pool = self._pool()
        patches = stack_patches(inputs[self._input_node])
        widened = np.expand_dims(patches, {2: (2, 3), 3: (1,)}.get(self._rank, ()))
        pool.set(self._input_node, np.ascontiguousarray(widened))
        # One graph, one pass at a time: the algorithm is not made for several threads.
        with self._lock:
            try:
                found = self._predict(pool)
            except RuntimeError as error:
                raise GraphError(_describe_error(self._title, error)) from error
        return {name: _restore_axes(np.asarray(found[name]), self._ranks[name]) for name in self._outputs}


class StagedSession:
    """A network run in two stages: each patch's own part in small batches, the rest in one.

    Convolutions give the same bits for a patch whatever stands beside it, and are faster on few patches at a time.
    Matrix products are not: their rounding depends on the number of rows.
    """

    def __init__(self, trunk: Session, head: Session | None, node: str, size: int = 4) -> None:
        self._trunk, self._head, self._node, self._size = trunk, head, node, size

    def run(self, inputs: Mapping[str, PatchBatch]) -> dict[str, NDArray[np.float32]]:
        """Run the network once; see :meth:`Session.run`."""
        ((name, patches),) = inputs.items()
        parts = [self._trunk.run({name: patches[i : i + self._size]}) for i in range(0, len(patches), self._size)]
        outputs = {node: np.concatenate([part[node] for part in parts]) for node in parts[0]}
        if self._head is not None:
            outputs |= self._head.run({self._node: outputs[self._node]})
        return outputs


def _restore_axes(array: NDArray[np.float32], rank: int) -> NDArray[np.float32]:
    """Undo Essentia's widening to four axes: the extra ones stand after the first."""
    return array.reshape(array.shape[:1] + array.shape[1 + 4 - rank :]) if rank > 1 else array.reshape(-1)


def _describe_error(title: str, error: RuntimeError) -> str:
    """Return TensorFlow's reason in one line, without Essentia's preface and without lists of nodes."""
    reason = _PREFACE.split(_APPENDIX.split(str(error), maxsplit=1)[0])[-1]
    return f"TensorFlow cannot run {title}: {shorten(reason, 200).rstrip('. ')}."
