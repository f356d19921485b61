"""What is most like a track, and what is most like a moment of one.

Conventions: a track is its label in the collection, or a sound that need not be in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from embviz.analysis.neighbors import NeighborIndex
from embviz.analysis.unit_index import UnitIndex
from embviz.audio import Audio, AudioSource
from embviz.collection.track_groups import content_groups, group_tracks
from embviz.collection.track_lookup import find_track
from embviz.core.options import check_count, check_number
from embviz.core.progress import Progress, reporter
from embviz.core.text import format_time
from embviz.core.vectors import Vectors
from embviz.errors import CollectionError, OptionError
from embviz.extraction import EngineOption, embed
from embviz.units.moments import Moments, layer_title, moments_of_frames
from embviz.units.tracks import select_tracks

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import DataFrame

    from embviz.collection import Collection
    from embviz.core.cache import CacheOption
    from embviz.core.embedding import Embedding
    from embviz.models import ModelLike

#: A label, a name or a title in the collection, or a sound.
Track: TypeAlias = "AudioSource | int"


@dataclass(frozen=True)
class _Query:
    """What is looked for: the vector of a track or of a moment of it, its label where it has one, and its name."""

    vector: NDArray[np.float32]
    label: int | None
    name: str


def find_neighbors(  # noqa: PLR0913  options are given by name
    collection: Collection,
    track: Track,
    model: ModelLike | Vectors = "musicnn",
    layer: str = "embedding",
    *,
    k: int = 10,
    same_artist: bool = True,
    same_track: bool = False,
    where: Any = None,
    metric: str = "cosine",
    engine: EngineOption = "auto",
    cache: CacheOption = None,
    progress: Progress = True,
) -> DataFrame:
    """Return the table of :meth:`embviz.Collection.neighbors`."""
    import pandas as pd

    most = check_count(k, "k is a number of tracks")
    chosen = select_tracks(collection, where)
    vectors = collection.embed(model, layer, engine=engine, cache=cache, progress=progress)
    values = np.asarray(vectors)
    embed_sound = partial(_embed_sound, collection, model, layer=layer, engine=engine, cache=cache)
    query = _track_query(collection, track, vectors, embed_sound)
    allowed = _allowed(collection, query.label, vectors.tracks, same_artist=same_artist, same_track=same_track)
    allowed &= np.isin(vectors.tracks, chosen.table.index) & np.isfinite(values).all(axis=1)
    rows = np.flatnonzero(allowed)
    near, far = np.zeros(0, np.int64), np.zeros(0, np.float32)
    if len(rows):
        found, apart = NeighborIndex(values[rows], metric=metric).search(query.vector, most)
        near, far = rows[found[0]], apart[0]
    labels = vectors.tracks[near]
    columns = [name for name in ("name", "title", "artist") if name in collection.table.columns]
    table: pd.DataFrame = collection.table[columns].loc[labels].rename_axis("track")
    table.insert(0, "rank", np.arange(1, len(labels) + 1))
    return table.assign(distance=far)


def find_similar_moments(  # noqa: PLR0913  options are given by name
    collection: Collection,
    track: Track,
    time: float,
    model: ModelLike | Vectors = "musicnn",
    layer: str = "embedding",
    *,
    k: int = 20,
    per_track: int | None = 1,
    same_artist: bool = True,
    same_track: bool = False,
    where: Any = None,
    engine: EngineOption = "auto",
    cache: CacheOption = None,
    progress: Progress = True,
) -> Moments:
    """Return the moments of :meth:`embviz.Collection.moments_like`."""
    most = check_count(k, "k is a number of moments")
    if per_track is not None:
        check_count(per_track, "per_track is a number of moments of a track")
    chosen = select_tracks(collection, where)
    frames = collection.embed(model, layer, pooling="frames", engine=engine, cache=cache, progress=progress)
    embed_sound = partial(_embed_sound, collection, model, layer=layer, engine=engine, cache=cache)
    query = _moment_query(collection, track, time, frames, embed_sound)
    labels = np.array([int(label) for label in chosen.table.index], np.int64)
    allowed = labels[_allowed(collection, query.label, labels, same_artist=same_artist, same_track=same_track)]
    with reporter(progress) as report:
        likeness = _cosines(frames.values, query.vector)
        alike = replace(frames, values=likeness[:, None], labels=("likeness",), unit="cosine", key="")
        index = UnitIndex.of(alike, cache=False, report=report)
    rows = index.extremes(0, most, per_track=per_track, tracks=_without_copies(collection, allowed))
    found = moments_of_frames(collection, index, 0, rows)
    title = f"{layer_title(frames)}: moments like {query.name} at {format_time(time, 1)}"
    note = "No other track is left to compare it with; same_track=True looks in the track itself, too."
    if len(found):
        note = "The value is a similarity, the cosine of the frames: 1 is the same, and less is less alike."
    return replace(found, title=title, notes=(*found.notes, note))


# What is looked for. -------------------------------------------------------------------------------------------------


def _embed_sound(
    collection: Collection,
    model: ModelLike | Vectors,
    sound: Any,
    *,
    layer: str,
    engine: EngineOption,
    cache: CacheOption,
) -> Embedding:
    """Return the embedding of a sound that is not in the collection."""
    if isinstance(model, Vectors):
        raise OptionError(
            f"{model.model} / {model.layer} holds vectors of tracks of the collection only: give the label of one."
        )
    return embed(sound, model, layer=layer, engine=engine, cache=collection.cache if cache is None else cache)


def _track_query(
    collection: Collection,
    track: Any,
    vectors: Vectors,
    embed_sound: Callable[[Any], Embedding],
) -> _Query:
    label = find_track(collection.table, track)
    if label is None:
        return _Query(embed_sound(track).mean(), None, Audio.open(track).title)
    row = np.flatnonzero(vectors.tracks == label)
    if not len(row):
        raise CollectionError(f"Track {label} has no vector: {vectors.failed.get(label, 'it is not among them.')}")
    vector = vectors.select([label]).values[0]  # noqa: PD011  no DataFrame
    return _Query(vector, label, str(collection.table["name"][label]))


def _moment_query(
    collection: Collection,
    track: Any,
    time: Any,
    frames: Vectors,
    embed_sound: Callable[[Any], Embedding],
) -> _Query:
    time = check_number(time, "time is a moment of the track in seconds, 0 or more", least=0)
    label = find_track(collection.table, track)
    if label is None:
        found = embed_sound(track)
        _check_time(time, found.duration)
        return _Query(found[time], None, Audio.open(track).title)
    rows = np.flatnonzero(frames.tracks == label)
    if not len(rows) or frames.times is None:
        raise CollectionError(f"Track {label} has no frames: {frames.failed.get(label, 'it is not among them.')}")
    times = frames.times[rows]
    end = float(times[-1]) if frames.spans is None else float(frames.spans[rows[-1], 1])
    _check_time(time, end)
    nearest = rows[int(np.argmin(np.abs(times - time)))]
    values = frames.values  # noqa: PD011  no DataFrame
    return _Query(values[nearest], label, str(collection.table["name"][label]))


def _check_time(time: float, duration: float) -> None:
    if time > duration + 0.5:
        raise OptionError(f"The track is {duration:.1f} s long, its moment at {time:g} s was asked for.")


# Where it is looked for. ---------------------------------------------------------------------------------------------


def _allowed(
    collection: Collection, label: int | None, tracks: NDArray[np.int64], *, same_artist: bool, same_track: bool
) -> NDArray[np.bool_]:
    """Return which tracks may be found, ``[n]``."""
    allowed = np.ones(len(tracks), bool)
    if label is None:
        return allowed
    with_own = np.append(tracks, label)
    same = content_groups(collection.table, with_own)
    if not same_artist:
        artists = group_tracks(collection.table, with_own)
        allowed &= (artists[:-1] != artists[-1]) | (same[:-1] == same[-1])
    if not same_track:
        allowed &= same[:-1] != same[-1]
    return allowed


def _without_copies(collection: Collection, tracks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return one track of each content: the same moment is not found twice."""
    _, first = np.unique(content_groups(collection.table, tracks), return_index=True)
    return tracks[np.sort(first)]


def _cosines(values: NDArray[np.float32], query: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the cosine of each row with a vector, ``[n]``, in blocks; NaN where a row is not finite."""
    wanted = query.astype(np.float64)
    if not np.isfinite(wanted).all():
        raise OptionError("The moment that was asked for has values that are not finite; take another one.")
    wanted /= np.linalg.norm(wanted) or 1.0
    found = np.empty(len(values), np.float32)
    for start in range(0, len(values), 65_536):
        rows = np.asarray(values[start : start + 65_536], dtype=np.float32)
        length = np.linalg.norm(rows, axis=1)
        found[start : start + len(rows)] = (rows @ wanted.astype(np.float32)) / np.where(length > 0, length, 1)
    return np.where(np.isfinite(found), np.clip(found, -1, 1), np.float32(np.nan))
