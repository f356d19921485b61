"""What heads say of the tracks of a collection, as columns of its table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.batch import embed_table
from embviz.collection.column_facts import column_origin
from embviz.core.progress import Progress, reporter
from embviz.core.text import plural
from embviz.core.vectors import Vectors
from embviz.errors import CollectionError, EmbvizError, OptionError
from embviz.heads import Head, get_head
from embviz.heads.catalogue import CATALOGUE

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import DataFrame, Series

_MOST_NOTED = 6  # columns, each in a sentence of its own
#: A class that is no more than the absence of the other one.
_ABSENCE = re.compile(r"(not?|non)[_\- ]", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class HeadColumns:
    """Columns, what is known of each, and sentences about them."""

    columns: Mapping[str, Series]
    facts: Mapping[str, Mapping[str, str]]
    notes: tuple[str, ...]


def hear_head(table: DataFrame, head: Any, model: Any, name: str | None, options: Mapping[str, Any]) -> HeadColumns:
    """Return the mean over time of what a head says of each track of a table."""
    import pandas as pd

    if not isinstance(head, str | Head):
        raise OptionError(f"head is a Head, or its name or task, {head!r:.80} was found.")
    chosen = head if isinstance(head, Head) else get_head(head, model)
    chosen.check_extractor()
    named = column_classes(chosen, name)
    origins = {column: _origin(chosen, repr(chosen.classes[place])) for column, place in named.items()}
    for column, origin in origins.items():
        if column in table.columns and column_origin(table, column) != origin:
            raise CollectionError(f"The collection has a column {column!r} already; name= gives this one another name.")
    labels, means, failed = _hear_means(table, chosen, **options)
    columns = {column: pd.Series(means[:, place], index=labels).reindex(table.index) for column, place in named.items()}
    notes = [f"{column}: {origin}." for column, origin in origins.items()] if len(origins) <= _MOST_NOTED else []
    if not notes:
        notes = [f"{plural(len(origins), 'column')}: {_origin(chosen, 'each class')}."]
    if failed:
        count, reason = plural(len(failed), "track"), next(iter(failed.values()))
        notes.append(f"{count} gave nothing to {chosen.name}, the first because: {reason}")
    facts = {column: {"unit": chosen.unit, "origin": origin} for column, origin in origins.items()}
    return HeadColumns(columns, facts, tuple(notes))


def embed_head(table: DataFrame, head: Head, *, pooling: str = "mean", **options: Any) -> Vectors:
    """Return what a head says of the tracks of a table: the mean over frames of each, or all frames.

    With ``pooling="frames"``, heads that take all tokens of a patch give means all the same: tokens of a collection
    would fill the memory.
    """
    values: NDArray[Any]
    if pooling == "frames" and not head.takes_tokens:
        frames = embed_table(table, head.model, head.layer, pooling="frames", **options)
        values, tracks, failed = head.apply(np.asarray(frames.values)), frames.tracks, frames.failed
        more = {"times": frames.times, "spans": frames.spans}
    else:
        (tracks, values, failed), more = _hear_means(table, head, **options), {}
    known = np.isfinite(values).all(axis=1)
    more = {name: None if array is None else np.asarray(array)[known] for name, array in more.items()}
    answers = Vectors.from_array(
        values[known], tracks[known], names=head.classes, model=head.name, layer="output", unit=head.unit, **more
    )
    return replace(answers, failed=failed)


def _hear_means(
    table: DataFrame, head: Head, **options: Any
) -> tuple[NDArray[np.int64], NDArray[np.float64], Mapping[int, str]]:
    """Return the labels of tracks ``[n]``, the mean answers over the frames of each ``[n, c]``, and what failed."""
    if head.takes_tokens:
        return _hear_tokens(table, head, **options)
    frames = embed_table(table, head.model, head.layer, pooling="frames", **options)
    return *_mean_answers(head, frames), frames.failed


def _hear_tokens(
    table: DataFrame,
    head: Head,
    *,
    progress: Progress = None,
    workers: int | None = None,  # noqa: ARG001  what others have
    **options: Any,
) -> tuple[NDArray[np.int64], NDArray[np.float64], Mapping[int, str]]:
    """Do the same for a head on tokens, track by track: those of all would fill the memory."""
    from embviz.extraction import embed

    means: dict[int, Any] = {}
    failed: dict[int, str] = {}
    with reporter(progress) as report:
        for n, (label, path) in enumerate(table["path"].items()):
            report(head.title, n, len(table))
            try:
                answers = head.apply(embed(path, head.model, layer=head.layer, **options))
            except EmbvizError as error:
                failed[int(str(label))] = str(error)
                continue
            means[int(str(label))] = answers.mean()
    if not means:
        reason = next(iter(failed.values()), "there are none")
        raise CollectionError(f"No track gave anything to {head.name}, the first because: {reason}")
    return np.array(list(means)), np.stack(list(means.values())).astype(np.float64), failed


def column_classes(head: Head, name: str | None = None) -> dict[str, int]:
    """Return the columns that a head makes, and the place of the class of each.

    A head of one value, or of a class and its absence, makes one column, called as its task; any other one for each
    class, called ``task_class``.
    """
    record = CATALOGUE.get(head.name)
    base = name or (record.task if record else head.name)
    present = [place for place, label in enumerate(head.classes) if not _ABSENCE.match(label)]
    if len(head.classes) == 1 or (head.exclusive and len(head.classes) == 2 and len(present) == 1):
        return {base: present[0] if present else 0}
    return {f"{base}_{label}": place for place, label in enumerate(head.classes)}


def _origin(head: Head, label: str) -> str:
    what = f"{head.unit} of {label}" if head.unit == "probability" else label
    scale = f" ({head.unit})" if head.unit not in ("", "probability") else ""
    return f"{what}{scale}, mean over frames, by {head.name} on {head.model} / {head.layer}"


def _mean_answers(head: Head, vectors: Vectors) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the labels of tracks ``[n]``, and the means over the frames of each, ``[n, c]``; NaN where none is known.

    Track by track, as the last bits depend on how many frames are given at once.
    """
    starts = np.flatnonzero(np.diff(vectors.tracks, prepend=vectors.tracks[:1] - 1))
    ends = np.append(starts[1:], len(vectors.tracks))
    means = np.full((len(starts), len(head.classes)), np.nan)
    for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
        answers = head.apply(np.asarray(vectors.values[start:end]))  # noqa: PD011  no table
        known = np.isfinite(answers).all(axis=1)
        if known.any():
            means[i] = answers[known].mean(axis=0, dtype=np.float64)
    return vectors.tracks[starts], means
