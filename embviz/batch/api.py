"""Embeddings of many tracks: computed once, on all cores, and never lost.

Conventions: whatever happens to one track is reported for that track, and the others go on. Each track that is done is
kept at once, as its pooled record and, while they fit, its frames; so a run that ends in any way, killed or without
power, is taken up by the next one where it stopped.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, overload

import numpy as np

from embviz.batch import executors, vector_store
from embviz.batch.embedding_jobs import EmbeddingRequest, EmbeddingScheduler, UniqueTrack
from embviz.batch.given_vectors import align_vectors
from embviz.batch.pooling import KIND as RECORD_KIND
from embviz.batch.pooling import check_pooling, pooled_labels, record_key
from embviz.batch.worker import LayerRequest
from embviz.core.cache import Cache, CacheOption, resolve_cache
from embviz.core.progress import Progress, interruption_note, reporter
from embviz.core.text import printable
from embviz.core.vectors import Vectors
from embviz.errors import CollectionError, OptionError
from embviz.extraction.engines import EngineOption
from embviz.extraction.extract import EmbedOptions, LayerSpec, PatchHop, as_list, nest_results
from embviz.models import LayerList, Model, VectorSource, VectorSources, get_model

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import pandas as pd

    from embviz.batch.vector_store import VectorMatrix
    from embviz.core.progress import Report


class TableOptions(EmbedOptions, total=False):
    """Options of :func:`embed_table`."""

    pooling: str
    executor: Executor | None
    workers: int | None


@overload
def embed_table(
    table: pd.DataFrame, models: VectorSource, layer: str = "embedding", **options: Unpack[TableOptions]
) -> Vectors: ...
@overload
def embed_table(
    table: pd.DataFrame, models: VectorSources, layer: str = "embedding", **options: Unpack[TableOptions]
) -> list[Vectors]: ...
@overload
def embed_table(
    table: pd.DataFrame, models: VectorSource, layer: LayerList, **options: Unpack[TableOptions]
) -> list[Vectors]: ...
@overload
def embed_table(
    table: pd.DataFrame, models: VectorSources, layer: LayerList, **options: Unpack[TableOptions]
) -> list[list[Vectors]]: ...
def embed_table(  # noqa: PLR0913  options are given by name
    table: pd.DataFrame,
    models: VectorSource | VectorSources,
    layer: str | LayerList = "embedding",
    *,
    pooling: str = "mean",
    patch_hop: PatchHop = None,
    resample_quality: int | None = None,
    engine: EngineOption = "auto",
    cache: CacheOption = None,
    executor: Executor | None = None,
    workers: int | None = None,
    progress: Progress = None,
) -> Any:
    """Return the embeddings of the tracks of a table, pooled over time.

    Each track is decoded once for all models and layers. What is in the cache is not computed again, whether an
    earlier call left it there, finished or not, or :func:`embviz.embed` or the Explorer. Tracks of equal content are
    computed once.

    Parameters
    ----------
    table : DataFrame
        One row per track, labelled by whole numbers. Its column ``path`` is needed; where they are there, ``name``,
        ``duration`` in seconds, ``digest`` and ``problem`` are used.
    models : str, Model, Vectors or sequence of them
        Name or alias of a model; its weights must be present. Vectors are handed through: those of the table's tracks,
        in its order; frames are pooled, vectors of tracks taken as they are.
    layer : str or sequence of str
        Name of a layer, or of any node of the graph. Vectors are of one layer already.
    pooling : {"mean", "mean+std", "max", "median", "frames"}
        What becomes of the frames of a track: their mean over time, ``[d]``; mean and standard deviation side by side,
        ``[2 d]``; the largest value or the median of each dimension; or a point for each.
    patch_hop, resample_quality, engine
        As in :func:`embviz.embed`.
    cache : Cache, False or None
        Where results are kept; None is the user's cache, False computes anew and keeps nothing.
    executor : concurrent.futures.Executor, optional
        What computes the tracks, such as ``client.get_executor()`` of a Dask cluster. Its processes have to see the
        sounds, the weights and the cache under the same paths. By default, processes on this machine.
    workers : int, optional
        Number of processes, by default one for each core; 1 computes in this process. For an executor, how many jobs
        it does at once.
    progress : bool or callable, optional
        True shows a progress bar; a callable is given ``(stage, done, total)`` about four times a second, and may
        raise to cancel. What was done until then is kept.

    Returns
    -------
    Vectors or list
        One for one model and one layer; a list where a sequence of models or of layers is given; a list (per model) of
        lists (per layer) where both are. Tracks that gave nothing are not in it: ``failed`` says why.

    Raises
    ------
    CollectionError
        If there are no tracks, or none gave anything; if vectors that are given are of none of the tracks.
    ModelError, LayerError, WeightsError, OptionError
        As :func:`embviz.embed` does, before anything is computed; if frames are asked of vectors of tracks.

    Notes
    -----
    With ``engine="essentia"``, the processes give TensorFlow one thread each. The order in which it adds depends on the
    number of its threads, so that values differ from those of :func:`embviz.embed` in the last bits (about 1e-6), as
    they do between machines with different numbers of cores.
    """
    items, layers = as_list(models, (str, Model, Vectors), "models"), as_list(layer, str, "layer")
    how = check_pooling(pooling)
    executor, workers = executors.check_executor(executor), executors.check_workers(workers)
    store = resolve_cache(cache)
    _check(table)
    if any(isinstance(item, Vectors) for item in items) and not isinstance(layer, str):
        raise OptionError(
            f"Vectors are of one layer already; layer is a single name beside them, {layer!r:.80} was found."
        )
    given = {i: align_vectors(item, table, how) for i, item in enumerate(items) if isinstance(item, Vectors)}
    options = patch_hop, resample_quality, engine
    records = [get_model(item) for item in items if not isinstance(item, Vectors)]
    wanted = [LayerSpec.of(record, one, *options) for record in records for one in layers]
    requests = tuple(
        LayerRequest(want.model, layers[i % len(layers)], *options, want.weights.sha256)
        for i, want in enumerate(wanted)
    )
    request = EmbeddingRequest(requests, tuple(wanted), how, store, executor, workers)
    found = _load_or_compute(table, request, progress) if wanted else []
    for i, vectors in given.items():  # from the first on, so that each comes to its own place
        found.insert(i, vectors)
    return nest_results(found, models, layer)


def _load_or_compute(table: pd.DataFrame, request: EmbeddingRequest, progress: Progress) -> list[Vectors]:
    tracks = _TrackTable(table, request.store)
    with reporter(progress) as report:
        return _load_cached(tracks, request) or _compute(tracks, request, report)


def cached_share(
    table: pd.DataFrame, model: str | Model, layer: str, *, pooling: str = "mean", engine: EngineOption = "auto",
    cache: CacheOption = None,
) -> float:  # fmt: skip
    """Return the share of tracks whose vectors, as :func:`embed_table` gives them, are in the cache, 0 … 1.

    No sound is read.
    """
    how, store = check_pooling(pooling), resolve_cache(cache)
    if store is None:
        return 0.0
    _check(table)
    want = LayerSpec.of(get_model(model), layer, None, engine=engine)
    tracks = _TrackTable(table, store).tracks

    def is_cached(track: UniqueTrack) -> bool:
        keys = [one.key(track.digest) for one in want.serving]
        record = how != "frames" and any(store.has_arrays(RECORD_KIND, record_key(key)) for key in keys)
        return bool(track.digest) and (record or any(map(store.has, keys)))

    return sum(map(is_cached, tracks)) / len(tracks)


class _TrackTable:
    """The contents of a table (`tracks`), the labels of their rows in its order, and why the other rows failed."""

    def __init__(self, table: pd.DataFrame, store: Cache | None) -> None:
        paths = [str(Path(path).expanduser().absolute()) for path in table["path"]]
        names = _column(table, "name", [printable(Path(path).name) for path in paths])
        empty = {"problem": "", "digest": "", "duration": math.nan}
        others = [_column(table, name, [nothing] * len(table)) for name, nothing in empty.items()]
        self.labels: list[int] = []
        self.failed: dict[int, str] = {}
        tracks: dict[str, UniqueTrack] = {}
        for label, path, name, problem, listed, seconds in zip(
            map(int, table.index), paths, names, *others, strict=True
        ):
            if problem:
                self.failed[label] = str(problem)
                continue
            self.labels.append(label)
            digest = listed or (store.known_digest(Path(path)) if store else None) or ""
            track = UniqueTrack(path, printable(str(name)), [], digest, bool(listed), _length(seconds))
            tracks.setdefault(digest or path, track).labels.append(label)
        if not self.labels:
            raise CollectionError(f"There is no track to compute: {_reason(self.failed)}")
        self.tracks = list(tracks.values())

    def by_label(self) -> dict[int, UniqueTrack]:
        """Return the track of each label, as it is now: copies are only found when they are read."""
        return {label: track for track in self.tracks for label in track.labels}


def _length(value: Any) -> float:
    """Return the seconds in a cell; NaN where it holds no length."""
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return seconds if 0 < seconds < math.inf else math.nan


def _check(table: Any) -> None:
    columns = getattr(table, "columns", ())
    if "path" not in columns:
        names = ", ".join(repr(str(name))[:40] for name in list(columns)[:12])
        found = f"one with the columns {names}" if names else type(table).__name__
        raise OptionError(
            f"A table of tracks with a column 'path' is expected, {found} was found. Pass the collection; "
            "Collection.from_table(table, audio='…') makes one, where another column has the paths."
        )
    if not table.index.is_unique or table.index.dtype.kind not in "iu":
        raise OptionError("The rows of a table of tracks are labelled by whole numbers, each once; others were found.")


def _column(table: pd.DataFrame, name: str, otherwise: list[Any]) -> list[Any]:
    """Return a column as a list, with what is to stand where there is none, or nothing in it."""
    if name not in table.columns:
        return otherwise
    column = table[name]
    return [other if missing else value for value, missing, other in zip(column, column.isna(), otherwise, strict=True)]


def _reason(failed: Mapping[int, str]) -> str:
    if not failed:
        return "the table is empty."
    first = next(iter(failed.values()))
    return first if len(failed) == 1 else f"all {len(failed):,} failed, the first because: {first}"


def _load_cached(table: _TrackTable, request: EmbeddingRequest) -> list[Vectors] | None:
    """Return the vectors that an earlier call made of the very same tracks, or None."""
    tracks = table.by_label()
    digests = [tracks[label].digest for label in table.labels]
    if request.store is None or not all(digests):
        return None
    kept = [request.store.kept_digest(digest) for digest in digests]
    vectors = []
    for want in request.wanted:
        # What is derived from many tracks may be of several engines, or have been built before that was known.
        keys = [
            vector_store.identity(one, request.pooling, kept, request.store)
            for one in dict.fromkeys((want, *want.serving))
        ]
        found = ((key, vector_store.reopen(request.store, key)) for key in keys)
        key, matrix = next(((key, matrix) for key, matrix in found if matrix is not None), ({}, None))
        if matrix is None:
            return None
        vectors.append(_vectors(request.pooling, want, vector_store.name(key), matrix, table.labels, table.failed))
    return vectors


def _compute(table: _TrackTable, request: EmbeddingRequest, report: Report) -> list[Vectors]:
    store, vectors = request.store, []
    with closing(vector_store.RowBuffer(store.folder if store else None)) as buffer:
        scheduler = EmbeddingScheduler(request, table.tracks, report, buffer)
        with interruption_note(scheduler.describe_interruption):
            scheduler.run()
        tracks = table.by_label()
        for i, want in enumerate(request.wanted):
            there = [label for label in table.labels if i in tracks[label].rows]
            problems = {label: tracks[label].problems for label in table.labels}
            failed = table.failed | {label: found[i] for label, found in problems.items() if i in found}
            if not there:
                raise CollectionError(f"{want.model.name} / {want.layer.name} gave nothing: {_reason(failed)}")
            digests = [tracks[label].digest for label in there]
            kept = [store.kept_digest(digest) for digest in digests] if store else digests
            key = vector_store.identity(want, request.pooling, kept, store)
            rows = [tracks[label].rows[i] for label in there]
            matrix = vector_store.reopen(store, key) or vector_store.build(store, key, rows, buffer, report)
            vectors.append(_vectors(request.pooling, want, vector_store.name(key), matrix, there, failed))
    return vectors


def _vectors(
    pooling: str, want: LayerSpec, key: str, matrix: VectorMatrix, labels: list[int], failed: dict[int, str]
) -> Vectors:
    values = matrix.values  # noqa: PD011  no DataFrame
    parts = pooling.count("+") + 1
    own = want.layer.labels if len(want.layer.labels) * parts == values.shape[1] else ()
    return Vectors(
        values,
        np.array(labels)[matrix.places],
        matrix.times,
        want.model.name,
        want.layer.name,
        pooling,
        labels=pooled_labels(own, pooling),
        unit=want.layer.unit,
        spread=matrix.spread,
        failed=dict(failed),
        key=key,
        spans=matrix.spans,
    )
