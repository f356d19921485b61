"""Many tracks: what layers of models say about each, computed once, on all cores, and never lost.

Conventions: whatever happens to one track is said of that track, and the others go on. Each track that is done is kept
at once, as its pooled record and, while they fit, its frames; so a run that ends in any way, killed or without power,
is taken up by the next one where it stopped.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from embviz.batch import executors, vector_store
from embviz.batch import pooling as pooled
from embviz.batch.scheduler import Order, Piece, Run
from embviz.batch.worker import Asked
from embviz.core.cache import Cache, store_of
from embviz.core.progress import Progress, reporter
from embviz.core.text import printable
from embviz.core.vectors import Vectors
from embviz.errors import CollectionError, OptionError
from embviz.extraction.extract import PatchHop, Wanted, as_list
from embviz.models import Model, get_model

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import pandas as pd
    from numpy.typing import NDArray

    from embviz.core.progress import Report

__all__ = ["POOLINGS", "embed_table", "kept"]

POOLINGS = pooled.POOLINGS

QUICK = 120.0  # seconds of sound that are computed here before processes would have started
ModelLike = str | Model


def embed_table(  # noqa: PLR0913  options are given by name
    table: pd.DataFrame,
    models: ModelLike | Sequence[ModelLike],
    layer: str | Sequence[str] = "embedding",
    *,
    pooling: str = "mean",
    patch_hop: PatchHop = None,
    resample_quality: int | None = None,
    cache: Cache | Literal[False] | None = None,
    executor: Executor | None = None,
    workers: int | None = None,
    progress: Progress = None,
) -> Any:
    """Return what layers of models say about the tracks of a table.

    Each track is decoded once for all models and layers. What is in the cache is not computed again, whether an
    earlier call left it there, finished or not, or :func:`embviz.embed` or the Explorer. Tracks of equal content are
    computed once.

    Parameters
    ----------
    table : DataFrame
        One row per track, labelled by whole numbers. Its column ``path`` is needed; where they are there, ``name``,
        ``duration`` in seconds, ``digest`` and ``problem`` are used.
    models : str, Model or sequence of them
        Name or alias of a model; its weights must be present.
    layer : str or sequence of str
        Name of a layer, or of any node of the graph.
    pooling : {"mean", "mean+std", "max", "median", "frames"}
        What becomes of the frames of a track: their mean over time, ``[d]``; mean and standard deviation side by side,
        ``[2 d]``; the largest value or the median of each dimension; or a point for each.
    patch_hop, resample_quality
        As in :func:`embviz.embed`.
    cache : Cache, False or None
        Where results are kept; None is the user's cache, False computes anew and keeps nothing.
    executor : concurrent.futures.Executor, optional
        What computes the tracks, such as ``client.get_executor()`` of a Dask cluster. Its processes have to see the
        sounds, the weights and the cache under the same paths. By default, processes on this machine.
    workers : int, optional
        Number of processes, by default one for each core; 1 computes in this process. For an executor, how many tasks
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
        If there are no tracks, or none gave anything.
    ModelError, LayerError, WeightsError, OptionError
        As :func:`embviz.embed` does, before anything is computed.

    Notes
    -----
    The processes give TensorFlow one thread each. The order in which it adds depends on the number of its threads, so
    that values differ from those of :func:`embviz.embed` in the last bits (about 1e-6), as they do between machines
    with different numbers of cores.
    """
    names, layers = as_list(models, (str, Model), "models"), as_list(layer, str, "layer")
    how = pooled.check(pooling)
    given, most = executors.check_executor(executor), executors.check_workers(workers)
    store = store_of(cache)
    wanted = [Wanted.of(get_model(name), one, patch_hop, resample_quality) for name in names for one in layers]
    asked = [Asked(w.model, one, patch_hop, resample_quality, w.weights.sha256) for w, one in _pairs(wanted, layers)]
    order = Order(tuple(asked), tuple(wanted), how, store)
    rows = _Rows(table, store)
    with reporter(progress) as report:
        found = _reopened(rows, order) or _computed(rows, order, partial(_start, given, most), report)
    nested = [found[i : i + len(layers)] for i in range(0, len(found), len(layers))]
    if isinstance(layer, str):
        nested = [row[0] for row in nested]  # type: ignore[misc]
    return nested[0] if isinstance(models, str | Model) else nested


def kept(table: pd.DataFrame, model: str | Model, layer: str, *, pooling: str = "mean", cache: Any = None) -> float:
    """Return the share of tracks whose vectors are in the cache, 0 … 1; no sound is read.

    Parameters
    ----------
    table, model, layer, pooling, cache
        As for :func:`embed_table`.
    """
    how, store = pooled.check(pooling), store_of(cache)
    if store is None:
        return 0.0
    want = Wanted.of(get_model(model), layer, None)
    pieces = _Rows(table, store).pieces

    def here(piece: Piece) -> bool:
        key = want.key(piece.digest)
        record = how != "frames" and store.place(pooled.KIND, pooled.key(key)).exists()
        return bool(piece.digest) and (record or store.has(key))

    return sum(map(here, pieces)) / len(pieces)


def _pairs(wanted: list[Wanted], layers: list[str]) -> list[tuple[Wanted, str]]:
    return [(want, layers[i % len(layers)]) for i, want in enumerate(wanted)]


def _start(executor: Executor | None, workers: int | None, tracks: int, seconds: float) -> executors.Pool:
    """Return what computes some tracks."""
    if executor is not None:
        return executors.Given(executor, workers)
    if workers == 1 or (workers is None and seconds < QUICK):
        return executors.Here()
    return executors.Processes(min(tracks, workers or executors.usual()))


class _Rows:
    """What a table says about its tracks.

    Attributes
    ----------
    pieces : list of Piece
        The contents, those with a problem left out.
    labels : list of int
        Of the tracks in them, in the order of the table.
    failed : dict of int to str
        The problems of the others.
    """

    def __init__(self, table: pd.DataFrame, store: Cache | None) -> None:
        _check(table)
        n = len(table)
        labels = [int(label) for label in table.index]
        paths = [str(Path(path).expanduser().absolute()) for path in table["path"]]
        names = _column(table, "name", [printable(Path(path).name) for path in paths])
        problems, digests = _column(table, "problem", [""] * n), _column(table, "digest", [""] * n)
        seconds = _column(table, "duration", [math.nan] * n)
        self.labels: list[int] = []
        self.failed: dict[int, str] = {}
        self._pieces: dict[str, Piece] = {}
        for label, path, name, problem, listed, length in zip(
            labels, paths, names, problems, digests, seconds, strict=True
        ):
            if problem:
                self.failed[label] = str(problem)
                continue
            self.labels.append(label)
            digest = listed or (store.remembered(Path(path)) if store else None) or ""
            known = self._pieces.get(digest or path)
            if known:
                known.labels.append(label)
            else:
                self._pieces[digest or path] = Piece(
                    path, printable(str(name)), [label], digest, bool(listed), float(length)
                )
        if not self.labels:
            raise CollectionError(f"There is no track to compute: {_reason(self.failed)}")

    @property
    def pieces(self) -> list[Piece]:
        return list(self._pieces.values())

    def by_label(self) -> dict[int, Piece]:
        """Return the piece of each label, as it is now: copies are only found when they are read."""
        return {label: piece for piece in self._pieces.values() for label in piece.labels}


def _check(table: Any) -> None:
    columns = getattr(table, "columns", ())
    if "path" not in columns:
        raise OptionError(f"A table of tracks with a column 'path' is expected, {type(table).__name__} was found.")
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


def _reopened(rows: _Rows, order: Order) -> list[Vectors] | None:
    """Return what an earlier call made of the very same tracks, or None."""
    pieces = rows.by_label()
    digests = [pieces[label].digest for label in rows.labels]
    if order.store is None or not all(digests):
        return None
    keys = [vector_store.identity(want, order.pooling, digests) for want in order.wanted]
    found = [vector_store.reopen(order.store, key) for key in keys]
    if any(one is None for one in found):
        return None
    labels = np.array(rows.labels)
    return [
        _vectors(order, want, key, one, labels, rows.failed)
        for want, key, one in zip(order.wanted, keys, found, strict=True)
        if one is not None
    ]


def _computed(rows: _Rows, order: Order, start: Any, report: Report) -> list[Vectors]:
    with closing(vector_store.Spool(order.store.folder if order.store else None)) as spool:
        Run(order, rows.pieces, start, report, spool).go()
        pieces = rows.by_label()
        return [_gathered(rows, pieces, order, i, spool, report) for i in range(len(order.wanted))]


def _gathered(
    rows: _Rows, pieces: Mapping[int, Piece], order: Order, i: int, spool: vector_store.Spool, report: Report
) -> Vectors:
    """Return what one layer gave."""
    want = order.wanted[i]
    there = [label for label in rows.labels if i in pieces[label].parts]
    failed = rows.failed | {label: pieces[label].problems[i] for label in rows.labels if i in pieces[label].problems}
    if not there:
        raise CollectionError(f"{want.model.name} / {want.layer.name} gave nothing: {_reason(failed)}")
    key = vector_store.identity(want, order.pooling, [pieces[label].digest for label in there])
    found = vector_store.reopen(order.store, key)
    if found is None:
        parts = [pieces[label].parts[i] for label in there]
        found = vector_store.build(order.store, key, parts, spool, report)
    return _vectors(order, want, key, found, np.array(there), failed)


def _vectors(
    order: Order,
    want: Wanted,
    key: Mapping[str, Any],
    found: vector_store.Matrix,
    labels: NDArray[np.int64],
    failed: Mapping[int, str],
) -> Vectors:
    values = found.values  # noqa: PD011  no DataFrame
    parts = order.pooling.count("+") + 1
    own = want.layer.labels if len(want.layer.labels) * parts == values.shape[1] else ()
    return Vectors(
        values,
        labels[found.places],
        found.times,
        want.model.name,
        want.layer.name,
        order.pooling,
        labels=pooled.names(own, order.pooling),
        unit=want.layer.unit,
        spread=found.spread,
        failed=dict(failed),
        key=vector_store.name(key),
    )
