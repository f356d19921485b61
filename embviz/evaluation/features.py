"""Features that classifiers are trained on: the vectors of each layer of each model, computed or given by the user.

Conventions: points first, ``[p, d]``; a point is a track, or a frame of one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.batch import embed_table
from embviz.batch.pooling import check_pooling
from embviz.core.text import one_line
from embviz.core.vectors import Vectors
from embviz.errors import CollectionError, OptionError
from embviz.extraction.extract import LayerSpec, as_list
from embviz.models import Model, get_model

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


BLOCK = 1 << 16  # points looked at together


@dataclass(frozen=True, eq=False)
class FeatureMatrix:
    """The vectors that classifiers are trained and tested on."""

    values: NDArray[np.float32] | Path  # [p, d], the points; where they are in a file, its path
    places: NDArray[np.int64]  # [p], place of each point's track among the tracks of the task; -1 for others
    tracks: int  # number of tracks of the task

    def select(self, tracks: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the points of some tracks, in the order of the points, and whose they are: places in `tracks`."""
        lookup = np.full(self.tracks + 1, -1)
        lookup[tracks] = np.arange(len(tracks))
        found = lookup[self.places]
        rows = np.flatnonzero(found >= 0)
        values = np.load(self.values, mmap_mode="r") if isinstance(self.values, Path) else self.values
        return np.ascontiguousarray(values[rows], np.float32), found[rows]

    @cached_property
    def digest(self) -> str:
        """Digest of the points of the tracks of the task, and of whose they are."""
        values, places = self.select(np.arange(self.tracks))
        digest = hashlib.blake2b(repr(values.shape).encode(), digest_size=20)
        digest.update(places.tobytes())
        digest.update(values.data)
        return digest.hexdigest()

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return 0 if isinstance(self.values, Path) else int(self.values.shape[1])


@dataclass(frozen=True, eq=False)
class LayerFeatures:
    """The vectors of one layer of one model, for a collection and for the other one."""

    depth: int  # place of the layer among those of the model that are evaluated
    vectors: Vectors
    external: Vectors | None = None


def load_features(
    table: pd.DataFrame, external: pd.DataFrame | None, models: Any, layers: Any, pooling: str, **options: Any
) -> list[LayerFeatures]:
    """Return the features of layers of the tracks that have a label, in the order of models, then of depth.

    `models` and `layers` are those of :func:`embviz.evaluate`; `options` go to :func:`embviz.batch.embed_table`.
    """
    how = check_pooling(pooling)
    items = _parse_models(models, paired=external is not None)
    records = [item for item in items if isinstance(item, Model)]
    layers_by_model = {record.name: layers_of(record, layers) for record in records}
    _check_models(items, layers_by_model, how)  # what is wrong is said before anything is computed
    here = _embed(table, records, layers_by_model, pooling=how, **options)
    there = {} if external is None else _embed(external, records, layers_by_model, pooling=how, **options)
    for vectors in (*here.values(), *there.values()):
        _check_values(vectors)
    found: list[LayerFeatures] = []
    for item in items:
        if isinstance(item, tuple):
            found.append(LayerFeatures(0, *item))
        else:
            keys = [(item.name, layer) for layer in layers_by_model[item.name]]
            found += [LayerFeatures(i, here[key], there.get(key)) for i, key in enumerate(keys)]
    return found


def _parse_models(models: Any, *, paired: bool) -> list[Model | tuple[Vectors, ...]]:
    if paired and isinstance(models, tuple) and len(models) == 2 and all(isinstance(one, Vectors) for one in models):
        models = [models]
    items = [models] if isinstance(models, str | Model | Vectors) else models
    if not isinstance(items, list | tuple) or not items:
        found = one_line(repr(models))[:80]
        raise OptionError(f"models is a model, Vectors, or a list of at least one, {found} was found.")
    checked = [item if isinstance(item, str | Model) else _check_own_vectors(item, paired=paired) for item in items]
    return [get_model(item) if isinstance(item, str | Model) else item for item in checked]


def _check_own_vectors(item: Any, *, paired: bool) -> tuple[Vectors, ...]:
    parts = (item,) if isinstance(item, Vectors) else item
    if not isinstance(parts, tuple) or not all(isinstance(part, Vectors) for part in parts):
        raise OptionError(f"A model is expected as its name, its record, or Vectors, {item!r:.80} was found.")
    if len(parts) != 1 + paired:
        expected = "a pair (Vectors, Vectors), one for each collection," if paired else "one Vectors"
        raise OptionError(f"Of a model's own vectors {expected} is expected, {len(parts)} was found.")
    if len({(part.model, part.layer, part.pooling, part.shape[1]) for part in parts}) > 1:
        raise OptionError(f"The vectors of both collections have to be alike, {parts[0]!r} and {parts[1]!r} are not.")
    return parts


def layers_of(model: Model, layers: Any) -> list[str]:
    """Return the names of the layers of a model that are evaluated, from input to output."""
    if isinstance(layers, Mapping):
        named = [name for name in layers if get_model(name).name == model.name]
        if not named:
            raise OptionError(f"layers says nothing of {model.name!r}; give its layers, or 'embedding', too.")
        layers = layers[named[0]]
    known = [layer.name for layer in model.known_layers]
    if isinstance(layers, str) and layers == "all":
        return [layer.name for layer in model.known_layers if "s" not in layer.axes]
    names = list(dict.fromkeys(as_list(layers, str, "layers")))
    return sorted(names, key=lambda name: known.index(name) if name in known else len(known))


def _embed(
    table: pd.DataFrame, records: Sequence[Model], layers_by_model: Mapping[str, list[str]], **options: Any
) -> dict[tuple[str, str], Vectors]:
    """Return the vectors by model and layer; models of which the same layers are evaluated share the decoding."""
    together: dict[tuple[str, ...], list[Model]] = {}
    for record in records:
        together.setdefault(tuple(layers_by_model[record.name]), []).append(record)
    return {
        (vectors.model, layer): vectors
        for layers, some in together.items()
        for row in embed_table(table, some, list(layers), **options)
        for layer, vectors in zip(layers, row, strict=True)
    }


def _check_models(
    items: Sequence[Model | tuple[Vectors, ...]], layers_by_model: Mapping[str, list[str]], pooling: str
) -> None:
    """Raise where vectors are not told apart by their names, hold no numbers, or are of a layer that is not there."""
    names: list[tuple[str, str, str]] = []
    for item in items:
        if isinstance(item, tuple):
            if not item[0].model:
                raise OptionError(
                    "Vectors of your own need the name of a model; dataclasses.replace(vectors, model=…)."
                )
            for vectors in item:
                _check_values(vectors)
            names.append((item[0].model, item[0].layer, item[0].pooling))
        else:
            specs = [LayerSpec.of(item, layer, None) for layer in layers_by_model[item.name]]
            names += [(item.name, spec.layer.name, pooling) for spec in specs]
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise OptionError(
            f"{' / '.join(twice[:2])} is asked for twice; Vectors of your own are told apart by their model and layer."
        )


def _check_values(vectors: Vectors) -> None:
    values, what = vectors.values, f"{vectors.model} / {vectors.layer}"  # noqa: PD011  no DataFrame
    if values.dtype.kind not in "fiu" or not values.shape[1]:
        raise OptionError(
            f"Vectors are of at least one real number, those of {what} are {values.shape[1]:,} of {values.dtype}."
        )
    if vectors.times is None and len(np.unique(vectors.tracks)) < len(vectors):
        raise OptionError(f"{what} has several vectors for a track but no times; pooling and times say what they are.")
    for start in range(0, len(values), BLOCK):
        with np.errstate(over="ignore"):  # what float32 cannot hold is not finite here
            bad = ~np.isfinite(values[start : start + BLOCK].astype(np.float32, copy=False)).all(axis=1)
        if bad.any():
            track = int(vectors.tracks[start + int(bad.argmax())])
            raise CollectionError(
                f"The vectors of {what} are not finite (NaN or infinite) for track {track} and perhaps others: leave "
                "these out, as with vectors.select(labels)."
            )


def build_feature_matrix(vectors: Vectors, tracks: NDArray[np.int64]) -> FeatureMatrix:
    """Return the feature matrix of tracks, ``[n]`` labels, from vectors of all of them and of others perhaps."""
    order = np.argsort(tracks)
    at = np.searchsorted(tracks, vectors.tracks, sorter=order).clip(max=len(tracks) - 1)
    places = order[at]
    return FeatureMatrix(vectors.values, np.where(tracks[places] == vectors.tracks, places, -1), len(tracks))


def missing_tracks(vectors: Vectors, tracks: NDArray[np.int64]) -> list[int]:
    """Return the labels of the tracks that have no vector."""
    return [int(label) for label in tracks[~np.isin(tracks, vectors.tracks)]]
