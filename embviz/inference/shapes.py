"""The shapes that the nodes of a graph have at run time, found by running it."""

from __future__ import annotations

import contextlib
import json
import operator
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from embviz.core import essentia
from embviz.core.io import parse_json, write_bytes
from embviz.errors import GraphError
from embviz.inference.essentia import EssentiaSession
from embviz.inference.graph import Graph
from embviz.inference.isolation import run_isolated
from embviz.inference.onnx_session import load_translated


def node_shapes(
    path: Path, input_node: str, patch_shape: tuple[int, ...], *, sha256: str = "", memos: Sequence[Path] = ()
) -> dict[str, tuple[int, ...]]:
    """Return the run-time shape, for one patch, of every node that can be cut into frames, found by running the graph.

    TensorFlow runs it, and ONNX Runtime where Essentia is not installed.

    The answer can be kept, since asking takes as long as running the whole network.

    Parameters
    ----------
    path : path
        The graph.
    input_node : str
        The placeholder to feed.
    patch_shape : tuple of int
        Shape of one patch; ``(samples, 2)`` for graphs that take the sound itself.
    sha256 : str, optional
        Of the graph, which an answer that was kept has to be about: times of change are lost when files are copied.
    memos : sequence of Path, optional
        Files in which the answer is looked for; it is kept in the first.

    Returns
    -------
    dict of str to tuple of int
        Without the leading axis of patches. Nodes whose first axis is not that of the patches are left out.
    """
    key = [sha256, input_node, list(patch_shape)]
    for memo in memos:
        if (known := _read_memo(memo, key)) is not None:
            return known
    # A graph of any source may end the process that runs it.
    found = run_isolated(_compute_shapes, Path(path), input_node, patch_shape, what=repr(Path(path).name))
    with contextlib.suppress(OSError):  # a read-only folder of weights only costs the time to ask again
        for memo in memos[:1]:
            write_bytes(memo, json.dumps({"key": key, "shapes": found}).encode(), sync=False)
    return found


def _read_memo(memo: Path, key: list[Any]) -> dict[str, tuple[int, ...]] | None:
    try:
        kept = parse_json(memo.read_bytes())
        if kept["key"] != key:
            return None
        return {name: tuple(map(operator.index, shape)) for name, shape in kept["shapes"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _compute_shapes(path: Path, input_node: str, patch_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    graph = Graph.read(path)
    if input_node not in graph.placeholders:
        raise GraphError(f"The graph has no input {input_node!r} to feed; it has {', '.join(graph.placeholders)}.")
    graph.check_calls()
    takes_sound = len(graph.placeholder_shapes.get(input_node, ())) == len(patch_shape)
    names = tuple(name for name in graph.readable(input_node) if name != input_node)
    run = partial(_run_shapes, graph, input_node, names, title=repr(path.name))
    if not takes_sound and (size := graph.batch_size(input_node, 1 + len(patch_shape))):
        # Nothing else can be fed, so that any axis of this length passes for that of the patches.
        shapes = zip([input_node, *names], run((size, *patch_shape)), strict=True)
        return {name: shape[1:] for name, shape in shapes if shape[:1] == (size,)}
    one = patch_shape if takes_sound else (1, *patch_shape)
    two = (2 * one[0], *one[1:])
    found = [input_node, *names], run(one), run(two)
    shape_of = {}
    for name, shape, doubled in zip(*found, strict=True):
        if shape and shape[:1] in ((1,), one[:1]) and doubled == (2 * shape[0], *shape[1:]):  # it grows with patches
            shape_of[name] = shape if takes_sound and shape[0] == one[0] else shape[1:]
    return shape_of


def _run_shapes(
    graph: Graph, input_node: str, names: tuple[str, ...], input_shape: tuple[int, ...], *, title: str
) -> list[tuple[int, ...]]:
    silence = {input_node: np.zeros(input_shape, dtype=np.float32)}
    if not essentia.is_installed():
        given = load_translated(graph, input_node, names, title).run(silence)
        return [input_shape, *(given[name].shape for name in names)]
    nodes = tuple(f"embviz_shape/{i}" for i in range(len(names)))
    with tempfile.TemporaryDirectory(prefix="embviz-") as folder:
        probe = Path(folder) / "probe.pb"
        probe.write_bytes(graph.serialize_with_shapes(names))
        ranks = dict.fromkeys(nodes, 1)
        session = EssentiaSession(probe, input_node, len(input_shape), nodes, ranks=ranks, title=title)
        found = session.run(silence)
    return [input_shape, *(tuple(int(n) for n in found[node]) for node in nodes)]
