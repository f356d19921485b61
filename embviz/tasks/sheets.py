"""What each layer of each model says about the tracks: computed, or given by somebody.

Conventions: a *sheet* is one layer of one model for a collection, and for the other collection where there is one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.batch import embed_table
from embviz.batch.pooled import check
from embviz.errors import CollectionError, OptionError
from embviz.extract import Wanted, as_list
from embviz.models import Model, get_model
from embviz.tasks.run import Points
from embviz.vectors import Vectors

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["Sheet", "gathered", "layers_of", "missing", "points"]

BLOCK = 1 << 16  # points looked at together


@dataclass(frozen=True, eq=False)
class Sheet:
    """What one layer of one model says.

    Parameters
    ----------
    depth : int
        Place of the layer among those of the model that were asked about.
    vectors : Vectors
        Of the collection.
    other : Vectors or None
        Of the other collection.
    """

    depth: int
    vectors: Vectors
    other: Vectors | None = None

    @property
    def name(self) -> tuple[str, str, str]:
        """Model, layer and pooling."""
        return self.vectors.model, self.vectors.layer, self.vectors.pooling


def gathered(
    table: pd.DataFrame,
    external: pd.DataFrame | None,
    models: Any,
    layers: Any,
    pooling: str,
    **options: Any,
) -> list[Sheet]:
    """Return what was asked for, in the order of models, then of depth.

    Parameters
    ----------
    table, external : DataFrame
        The tracks that have a label.
    models : str, Model, Vectors, pair of Vectors, or sequence of them
        Vectors are taken as they are.
    layers : str, sequence of str, or mapping from models to these
        ``"all"`` stands for all known layers of a model.
    pooling : str
        As for :func:`embviz.batch.embed_table`.
    **options
        For :func:`embviz.batch.embed_table`.
    """
    how = check(pooling)
    items = _items(models, paired=external is not None)
    records = [get_model(item) for item in items if not isinstance(item, tuple)]
    wanted = {record.name: layers_of(record, layers) for record in records}
    for record in records:
        for layer in wanted[record.name]:
            Wanted.of(record, layer, None)  # what is wrong is said before anything is computed
    here = _embedded(table, records, wanted, pooling=how, **options)
    there = {} if external is None else _embedded(external, records, wanted, pooling=how, **options)
    found: list[Sheet] = []
    for item in items:
        if isinstance(item, tuple):
            found.append(Sheet(0, *item))
        else:
            name = get_model(item).name
            found += [Sheet(i, here[name, layer], there.get((name, layer))) for i, layer in enumerate(wanted[name])]
    return _checked(found)


def _items(models: Any, *, paired: bool) -> list[Any]:
    """Return models and tuples of Vectors."""
    single = (str, Model, Vectors)
    if paired and isinstance(models, tuple) and len(models) == 2 and all(isinstance(one, Vectors) for one in models):
        models = [models]
    items = [models] if isinstance(models, single) else models
    if not isinstance(items, list | tuple) or not items:
        raise OptionError(f"models is a model, Vectors, or a list of at least one, {models!r:.80} was found.")
    return [item if isinstance(item, str | Model) else _given(item, paired=paired) for item in items]


def _given(item: Any, *, paired: bool) -> tuple[Vectors, ...]:
    parts = (item,) if isinstance(item, Vectors) else item
    if not isinstance(parts, tuple) or not all(isinstance(part, Vectors) for part in parts):
        raise OptionError(f"A model is expected as its name, its record, or Vectors, {item!r:.80} was found.")
    if len(parts) != 1 + paired:
        expected = "a pair (Vectors, Vectors), one for each collection," if paired else "one Vectors"
        raise OptionError(f"Of a model's own vectors {expected} is expected, {len(parts)} was found.")
    if paired and (parts[0].shape[1], parts[0].pooling) != (parts[1].shape[1], parts[1].pooling):
        raise OptionError(f"The vectors of both collections have to be alike, {parts[0]!r} and {parts[1]!r} are not.")
    return parts


def layers_of(model: Model, layers: Any) -> list[str]:
    """Return the layers of a model that are asked for, from input to output."""
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


def _embedded(
    table: pd.DataFrame, records: Sequence[Model], wanted: Mapping[str, list[str]], **options: Any
) -> dict[tuple[str, str], Vectors]:
    """Return the vectors by model and layer; models of which the same layers are asked share the decoding."""
    together: dict[tuple[str, ...], list[Model]] = {}
    for record in records:
        together.setdefault(tuple(wanted[record.name]), []).append(record)
    return {
        (vectors.model, layer): vectors
        for layers, some in together.items()
        for row in embed_table(table, some, list(layers), **options)
        for layer, vectors in zip(layers, row, strict=True)
    }


def _checked(found: list[Sheet]) -> list[Sheet]:
    """Return sheets, checked to be told apart by their names and to hold numbers."""
    for sheet in found:
        if not sheet.vectors.model:
            raise OptionError("Vectors of your own need the name of a model; dataclasses.replace(vectors, model=…).")
        for vectors in (sheet.vectors, sheet.other):
            if vectors is not None:
                _check_points(vectors)
    names = [sheet.name for sheet in found]
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise OptionError(
            f"{' / '.join(twice[:2])} is asked for twice; Vectors of your own are told apart by their model and layer."
        )
    return found


def _check_points(vectors: Vectors) -> None:
    values, what = vectors.values, f"{vectors.model} / {vectors.layer}"  # noqa: PD011  no DataFrame
    if vectors.times is None and len(np.unique(vectors.tracks)) < len(vectors):
        raise OptionError(f"{what} has several vectors for a track but no times; pooling and times say what they are.")
    for start in range(0, len(values), BLOCK):
        bad = ~np.isfinite(values[start : start + BLOCK]).all(axis=1)
        if bad.any():
            track = int(vectors.tracks[start + int(bad.argmax())])
            raise CollectionError(
                f"The vectors of {what} are not finite (NaN or infinite) for track {track} and perhaps others: leave "
                "these out, as with vectors.select(labels)."
            )


def points(vectors: Vectors, tracks: NDArray[np.int64]) -> Points:
    """Return the points of some tracks.

    Parameters
    ----------
    vectors : Vectors
        Of all of them, and of others perhaps.
    tracks : ndarray, shape [n], int64
        Labels.
    """
    order = np.argsort(tracks)
    at = np.searchsorted(tracks, vectors.tracks, sorter=order).clip(max=len(tracks) - 1)
    places = order[at]
    return Points(vectors.values, np.where(tracks[places] == vectors.tracks, places, -1), len(tracks))


def missing(vectors: Vectors, tracks: NDArray[np.int64]) -> list[int]:
    """Return the labels of tracks that there is no vector of."""
    return [int(label) for label in tracks[~np.isin(tracks, vectors.tracks)]]
