"""Names of classes that come with the weights: a list beside the graph in the store, out of Essentia's description.

Networks with hundreds of classes name them nowhere else. Without the list, the values of their output have numbers.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embviz.core.io import parse_json, write_bytes
from embviz.errors import ModelError
from embviz.models.weight_store import model_folders, weights_folder

if TYPE_CHECKING:
    from embviz.models.model import Model


_ENDS = ("logits", "output")
_LARGEST = 1 << 20  # bytes


def with_class_names(model: Model) -> Model:
    """Return the record of a model with the names of its classes, where these are here and it has none of its own."""
    if not _count(model):
        return model
    for folder in model_folders():
        path = folder / f"{model.name}.classes.json"
        with contextlib.suppress(OSError, ValueError, ModelError):  # what is damaged in there is as good as absent
            stat = path.stat()
            return _named(model, path, stat.st_mtime_ns, stat.st_size)
    return model


def lacks_class_names(model: Model) -> bool:
    """Tell whether a model has classes whose names are not here."""
    return bool(_count(with_class_names(model)))


def keep_class_names(model: Model, metadata: Mapping[str, Any]) -> None:
    """Keep the names of the classes that a description lists; raises ModelError where these cannot be the model's."""
    names = _check(metadata.get("classes"), _count(model))
    write_bytes(weights_folder() / f"{model.name}.classes.json", json.dumps(names, ensure_ascii=False).encode())


@lru_cache(maxsize=64)
def _named(model: Model, path: Path, _changed: int, size: int) -> Model:
    if size > _LARGEST:
        raise ModelError(f"{path.name!r} is too large for names of classes.")
    names = tuple(_check(parse_json(path.read_text(encoding="utf-8")), _count(model)))
    layers = (replace(layer, labels=names) if layer.name in _ENDS else layer for layer in model.known_layers)
    return replace(model, known_layers=tuple(layers))


def _count(model: Model) -> int:
    """Return how many classes without names a model has."""
    output = next((layer for layer in model.known_layers if layer.name == "output"), None)
    return output.shape[-1] if output and output.shape and not output.labels and "s" not in output.axes else 0


def _check(names: Any, count: int) -> list[str]:
    is_list = isinstance(names, list) and all(isinstance(name, str) and name.strip() for name in names)
    if not is_list or len(set(names)) != count or len(names) != count:
        found = f"{len(names)} entries" if isinstance(names, list) else f"a {type(names).__name__}"
        raise ModelError(f"A list of {count} different names of classes is expected, {found} was found.")
    return list(names)
