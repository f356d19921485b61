"""Essentia's descriptions of its models: a JSON file beside each graph.

They were written by hand over years, so nothing is taken for granted: what is of another kind than expected counts as
missing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from embviz.errors import ModelError

_LARGEST = 4 << 20  # bytes


def read_metadata(graph: Path, metadata: str | Path | Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the metadata of a graph: by default the file beside the graph, or nothing where there is none."""
    if isinstance(metadata, Mapping):
        return dict(metadata)
    beside = graph.with_suffix(".json")
    if metadata is None and not beside.is_file():
        return {}
    path = beside if metadata is None else Path(metadata).expanduser()
    expected = f"Essentia's JSON metadata are expected in {str(path)!r}"
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError("size")
        metadata = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"The metadata {str(path)!r} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{expected}, something else was found.") from error
    if not isinstance(metadata, dict):
        raise ModelError(f"{expected}, a {type(metadata).__name__} was found.")
    return metadata


def get_mapping(metadata: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return a part of a description that is a mapping, or an empty one."""
    value = metadata.get(key)
    return value if isinstance(value, Mapping) else {}


def get_text(metadata: object, key: str) -> str:
    """Return a text of a description, or an empty one."""
    value = metadata.get(key) if isinstance(metadata, Mapping) else None
    return value.strip() if isinstance(value, str) else ""
