"""The heads that are kept: in the user's data folder, so that later sessions know them by their names.

Behind these stand the heads of shared homes (:mod:`embviz.core.paths`); one's own of the same name goes first.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.core.paths import data_dir, shared_folders
from embviz.errors import EmbvizError, ModelError, OptionError, did_you_mean
from embviz.heads import io
from embviz.heads.essentia import GraphOptions, read_essentia_head, resolve_layer
from embviz.heads.head import Head
from embviz.models import ALIASES, Model

if TYPE_CHECKING:
    from os import PathLike


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")

#: Heads read in this process, by path: sizes and times of change of both files, and the head (None: damaged).
_read: dict[Path, tuple[tuple[int, ...], Head | None]] = {}


def register_head(
    head: Head | str | PathLike[str],
    metadata: str | Path | Mapping[str, Any] | None = None,
    *,
    name: str | None = None,
    model: str | Model | None = None,
    layer: str | None = None,
    input: str | None = None,  # noqa: A002  the field's word
    output: str | None = None,
    classes: Sequence[str] | None = None,
) -> Head:
    """Keep a classifier, so that the Explorer offers it and later sessions know it by its name.

    Parameters
    ----------
    head : Head or path
        A trained head, a file of one (:meth:`Head.save`), or one of Essentia's own: the ``.pb`` file of a
        classification head, such as ``mood_happy-msd-musicnn-1.pb``.
    metadata : path or mapping, optional
        Essentia's description; by default the ``.json`` file of the same name beside the graph, if there is one.
    name : str, optional
        Name to register it under; by default its own, or that of the file.
    model, layer : str, optional
        For a graph: what it was trained on; by default the model that the metadata, or the name of the file, name,
        and its layer ``embedding``. The first generation of MusiCNN's heads takes ``layer="penultimate"``. A model
        that embviz has not got, such as ``"clap-music-1"``, leaves :meth:`Head.apply` on arrays.
    input, output : str, optional
        For a graph: the nodes that take the vectors and give the classes (``"node:1"`` is the second result of a
        node); by default those that the metadata name, or the only ones there are.
    classes : sequence of str, optional
        For a graph: what its outputs tell apart; by default the classes of the metadata.

    Returns
    -------
    Head
        Where the metadata contradict the graph, the graph is believed and ``facts["note"]`` says so.

    Raises
    ------
    ModelError
        If head, model and layer do not fit together, the graph leaves several nodes to choose from, or the name is
        taken by another head.
    GraphError
        If the file is not a frozen graph, or one that does more than arithmetic.
    LayerError
        If the model has no such layer.
    """
    if not isinstance(head, Head | str | os.PathLike):
        raise OptionError(f"A head, or the path of one, is expected, {head!r:.80} was found.")
    if not isinstance(head, Head) and (path := Path(head).expanduser()).suffix == ".pb":
        graph_options = GraphOptions(model, layer, input, output, classes)
        return _store(read_essentia_head(path, metadata, name or path.stem, graph_options))
    options: dict[str, Any] = {"metadata": metadata, "model": model, "layer": layer}
    options |= {"input": input, "output": output, "classes": classes}
    if unused := [key for key, value in options.items() if value is not None]:
        raise OptionError(f"{' and '.join(unused)} say what a graph (.pb) was trained on; a head of embviz knows that.")
    head = head if isinstance(head, Head) else Head.load(Path(head))
    return _store(head if name is None else replace(head, name=name))


def known_heads() -> list[Head]:
    """Return the registered heads.

    Returns
    -------
    list of Head
        Sorted by name; one whose files are damaged is left out, if it is your own with a warning.
    """
    found: dict[str, Head] = {}
    for words in [words for folder in (_folder(), *_shared()) for words in folder.glob("*.json")]:
        if words.stem not in found and (head := _read_cached(words)) is not None:
            found[words.stem] = head
    return [found[name] for name in sorted(found)]


def heads_for(model: str | Model, layer: str = "embedding") -> list[Head]:
    """Return the registered heads that take the embeddings of a layer of a model.

    Parameters
    ----------
    model : str or Model
        Name or alias of the model, or its record.
    layer : str
        Name of the layer.

    Returns
    -------
    list of Head
    """
    name = model.name if isinstance(model, Model) else ALIASES.get(model, model)
    return [head for head in known_heads() if head.fits(name, layer)]


def unregister_head(name: str) -> None:
    """Forget a registered head.

    Parameters
    ----------
    name : str
        The name it was registered under.

    Raises
    ------
    ModelError
        If there is none of that name.
    """
    numbers, words = _paths(name)
    if not _NAME.fullmatch(str(name)) or not words.is_file():
        names = [head.name for head in known_heads()]
        if str(name) in names:
            raise ModelError(f"The head {name!r} is shared, and not of your own: it stays where it is.")
        raise ModelError(f"There is no head {name!r}.{did_you_mean(str(name), names)}")
    io.remove(numbers, words)


def _folder() -> Path:
    return data_dir() / "heads"


def _shared() -> list[Path]:
    return [folder / "heads" for folder in shared_folders("data", data_dir())]


def _paths(name: str) -> tuple[Path, Path]:
    # Not by the endings: a name may have a dot of its own.
    return _folder() / f"{name}.safetensors", _folder() / f"{name}.json"


def _store(head: Head) -> Head:
    if not _NAME.fullmatch(head.name):
        raise ModelError(
            f"A head's name is expected to be of letters, digits, '.', '_' and '-', {head.name!r:.80} was found; give "
            "one as name=."
        )
    layer, shape = resolve_layer(head.model, head.layer)
    values = shape[-1] if shape else None
    if layer != head.layer or values not in (None, head.dimensions):
        raise ModelError(
            f"The head {head.name!r} takes {head.dimensions} values of {head.model!r} / {head.layer!r}, which has "
            f"{values} here: it was trained on another model of this name."
        )
    numbers, words = _paths(head.name)
    own = words.exists()
    registered = _read_cached(words) if own else {known.name: known for known in known_heads()}.get(head.name)
    if registered is None and not own:
        head.save(numbers)
        return head
    if registered is None or not _is_same_head(registered, head):
        remedy = f", or remove that one with unregister_head({head.name!r})" if own else ""
        raise ModelError(f"A head {head.name!r} is registered already; give this one another name={remedy}.")
    return registered


def keep_head(head: Head) -> Head:
    """Keep a head under its name, in the place of one of that name that was there."""
    head.save(_paths(head.name)[0])
    return head


def _is_same_head(one: Head, other: Head) -> bool:
    """Tell whether two heads give the same, whatever is said of them."""
    return (
        all(getattr(one, field) == getattr(other, field) for field in io.FIELDS if field != "title")
        and one.weights.keys() == other.weights.keys()
        and all(np.array_equal(array, other.weights[name]) for name, array in one.weights.items())
    )


def _read_cached(words: Path) -> Head | None:
    """Return a head of the store, read again only where its files have changed."""
    try:
        stats = [path.stat() for path in (words, words.with_suffix(".safetensors"))]
        stamp = tuple(number for stat in stats for number in (stat.st_size, stat.st_mtime_ns))
    except OSError:
        stamp = ()
    if not stamp or words not in _read or _read[words][0] != stamp:
        _read[words] = stamp, _load(words)
    head = _read[words][1]
    if head is None and words.parent == _folder():
        message = f"Your head {words.stem!r} is damaged and left out: unregister it, then register it again."
        warnings.warn(message, UserWarning, stacklevel=3)
    return head


def _load(words: Path) -> Head | None:
    try:
        head = Head.load(words)
    except EmbvizError:
        return None
    return head if head.name == words.stem else None
