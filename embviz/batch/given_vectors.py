"""Vectors that are given in place of the name of a model: brought into the order of a table, and pooled as asked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from embviz.batch import pooling
from embviz.core.vectors import Vectors
from embviz.errors import CollectionError, OptionError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

LISTED = 5  # labels in a sentence


def align_vectors(vectors: Vectors, table: pd.DataFrame, how: str) -> Vectors:
    """Return the vectors of the tracks of a table, in its order; vectors of frames are pooled.

    Parameters
    ----------
    vectors : Vectors
        Of tracks, which are taken as they are, however they were pooled; or of frames.
    table : DataFrame
        Labelled as their tracks are.
    how : {"mean", "mean+std", "max", "median", "frames"}
        What becomes of frames.

    Returns
    -------
    Vectors
        Tracks of the table that they say nothing of are among ``failed``.

    Raises
    ------
    CollectionError
        If they are of no track of the table.
    OptionError
        If frames are asked for, and there are none.
    """
    if how == "frames" and vectors.times is None:
        raise OptionError(
            f"{vectors.model} / {vectors.layer} has one vector for each track and no frames: pooling='frames' needs "
            "vectors with the times of frames."
        )
    labels = [int(label) for label in table.index]
    known = set(np.unique(vectors.tracks).tolist())
    there = [label for label in labels if label in known]
    if not there:
        raise CollectionError(
            f"{vectors.model} / {vectors.layer} holds vectors of tracks {_listing(vectors.tracks)}, and none of the "
            f"tracks of this table, {_listing(labels)}: its tracks have to be the labels in the table's index."
        )
    failed = {
        label: vectors.failed.get(label, f"{vectors.model} / {vectors.layer} holds no vector of it.")
        for label in labels
        if label not in known
    }
    runs = vectors.tracks[np.flatnonzero(np.diff(vectors.tracks, prepend=vectors.tracks[0] - 1))]
    # What is in order is not copied: it may be a file that does not fit into memory.
    chosen = vectors if runs.tolist() == there else vectors.select(there)
    chosen = replace(chosen, failed=failed)
    return chosen if how == "frames" or chosen.times is None else _pool_frames(chosen, how)


def _pool_frames(vectors: Vectors, how: str) -> Vectors:
    """Return one vector for each track, from those of its frames."""
    begin = np.flatnonzero(np.diff(vectors.tracks, prepend=vectors.tracks[0] - 1))
    records = list(_records(vectors, begin))
    key = hashlib.blake2b(f"{vectors.key} {how}".encode(), digest_size=20).hexdigest()
    return replace(
        vectors,
        values=np.stack([pooling.pool_record(record, how) for record in records]),
        tracks=vectors.tracks[begin],
        times=None,
        spans=None,
        spread=np.array([record["facts"][0] for record in records], np.float32),
        pooling=how,
        labels=pooling.pooled_labels(vectors.labels, how),
        key=key if vectors.key else "",
    )


def _records(vectors: Vectors, begin: NDArray[np.int64]) -> Iterator[pooling.Record]:
    values = vectors.values  # noqa: PD011  no DataFrame
    for start, stop in zip(begin, [*begin[1:], len(vectors)], strict=True):
        yield pooling.compute_record(values[start:stop], 0.0)


def _listing(labels: NDArray[np.int64] | list[int]) -> str:
    few = list(dict.fromkeys(np.asarray(labels).tolist()))
    return ", ".join(map(str, few[:LISTED])) + (", …" if len(few) > LISTED else "")
