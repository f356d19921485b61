"""ONNX models of frozen TensorFlow graphs, translated once and kept beside the weights."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from embviz.core.io import write_bytes
from embviz.core.paths import data_dir, shared_folders
from embviz.errors import GraphError, WeightsError
from embviz.inference.graph import Graph
from embviz.inference.isolation import run_isolated
from embviz.inference.onnx_translation import TRANSLATION
from embviz.inference.published_onnx import find_published, read_published, stamp_published

_KEPT = ".embviz-"
_MOST_KEPT = 4  # models beside one file of weights: of different layers
#: Protocol buffers may be joined: a kept model ends with an entry of ``metadata_props``, a name and a digest.
_SEAL = b"\x72\x4a\x0a\x06embviz\x12\x40"
_SEAL_SIZE = len(_SEAL) + 64


def load_onnx(path: Path, sha256: str, input_node: str, outputs: Sequence[str]) -> bytes:
    """Return the part of a graph that gives some of its tensors as an ONNX model, optimised for them.

    The model is made in a process of its own, since a graph of any source may take all memory, and kept beside the
    weights. A kept one is used where its digest shows it whole, and made by these versions from these weights. Where
    the graph cannot be translated, the model ``<name of the graph>.onnx`` is taken, if it is published beside it.

    Parameters
    ----------
    path : path
        The frozen TensorFlow graph.
    sha256 : str
        Of the graph.
    input_node : str
        The placeholder to feed; its first axis, of patches, is open.
    outputs : sequence of str
        Float tensors to be given, by their names in the graph; in the model they are called the same.

    Raises
    ------
    GraphError
        If the graph cannot be read or translated; the message names the operation that is not known.
    EngineError
        If ONNX Runtime does not take what was translated.
    WeightsError
        If the file is another one than `sha256` tells.
    """
    import onnxruntime

    path = Path(path)
    versions = [sha256, TRANSLATION, onnxruntime.__version__]
    key = json.dumps([*versions, input_node, *outputs, *stamp_published(path)]).encode()
    name = f"{path.stem}{_KEPT}{hashlib.sha256(key).hexdigest()[:16]}.onnx"
    folders = [path.parent, data_dir() / "models"]  # weights may be shared, in a folder that can only be read
    for folder in folders:
        with contextlib.suppress(OSError):
            data = (folder / name).read_bytes()
            if data[-_SEAL_SIZE:] == _seal(data[:-_SEAL_SIZE], key):
                with contextlib.suppress(OSError):
                    os.utime(folder / name)  # what was used last goes last
                return data
    model = run_isolated(
        _make, path, sha256, input_node, tuple(outputs), what=repr(path.name), who="The translation to ONNX"
    )
    data = model + _seal(model, key)
    shared = [home / "models" for home in shared_folders("data", data_dir())]  # which are only read
    for folder in (one for one in folders if one not in shared):
        with contextlib.suppress(OSError):  # where nothing can be written, it is translated again
            write_bytes(folder / name, data, sync=False)
            remove_translations(folder, path.stem, but=_MOST_KEPT)
            break
    return data


def remove_translations(folder: Path, stem: str, *, but: int = 0) -> None:
    """Remove the models kept for weights called `stem`, but for so many that were used last."""
    kept = [path for path in folder.iterdir() if path.name.startswith(f"{stem}{_KEPT}")]
    by_age = sorted(kept, key=lambda path: path.stat().st_mtime, reverse=True)
    for path in by_age[but:]:
        path.unlink(missing_ok=True)


def model_digest(data: bytes) -> str:
    """Return the digest at the end of what :func:`load_onnx` gives: of the model, and of all that it was made of."""
    return data[-64:].decode()


def _seal(model: bytes, key: bytes) -> bytes:
    """Return the end of a kept model, which fits no other one, and no other weights or versions."""
    return _SEAL + hashlib.sha256(key + model).hexdigest().encode()


def _make(path: Path, sha256: str, input_node: str, outputs: tuple[str, ...]) -> bytes:
    from embviz.inference.onnx_passes import optimise
    from embviz.inference.onnx_translation import translate

    try:
        data = path.read_bytes()
    except OSError as error:
        raise GraphError(f"The graph {str(path)!r} cannot be read: {error.strerror}.") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise WeightsError(f"{str(path)!r} is not the graph that was asked for; it was changed meanwhile.")
    graph = Graph.parse(data, str(path))
    shape = graph.placeholder_shapes.get(input_node)
    if not shape:
        raise GraphError(f"The graph has no input {input_node!r} that declares its shape.")
    try:
        model = optimise(translate(graph, {input_node: (None, *shape[1:])}, outputs))
    except GraphError as error:
        published = find_published(path)
        if published is None:
            raise
        try:
            model = read_published(published, input_node, outputs)
        except GraphError as other:
            raise GraphError(f"{str(error).rstrip('.')}; and {str(other)[0].lower()}{str(other)[1:]}") from error
    return bytes(model.SerializeToString())
