"""Splits of a collection for a task: the class, group and fold of each track, and the tracks of another collection.

Conventions: a split is made once for a task and holds for all models, layers and classifiers: they are tested on the
same tracks in the same folds, so that their predictions can be compared track by track.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.analysis import cross_validation
from embviz.collection.artists import ARTIST, artist_names, join_names
from embviz.collection.loaders import check_column
from embviz.collection.track_groups import content_groups, merge_groups
from embviz.core.text import one_line, plural, shorten
from embviz.errors import CollectionError, OptionError, did_you_mean
from embviz.evaluation import labels as labelling
from embviz.evaluation.labels import Labels, quote_names

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


MOST_FOLDS = 100
FEW = 8  # tracks of a fold that a quantity is tested on
EFFECT = "artist effect: Pampalk, Flexer and Widmer 2005; Flexer and Schnitzer 2010"


@dataclass(frozen=True)
class TaskSpec:
    """A task on a given table: the column of its classes, its folds and its groups."""

    name: str
    target: str  # column of the classes
    folds: int | str  # how many, or the column of fixed ones
    groups: str | bool | None  # column of what belongs together; None chooses, False is none
    columns: tuple[str, ...] = ()  # of 0 and 1, a label each; without, the column itself says it all
    kind: str = "auto"  # what the column is taken for


@dataclass(frozen=True, eq=False)
class Split:
    """The tracks of a task with their classes, groups and folds."""

    name: str  # of the task
    labels: Labels
    groups: NDArray[np.int64] | None  # [n], what belongs together; None where nothing does
    folds: NDArray[np.int64]  # [n], fold of each track
    external: Labels | None  # the tracks of the other collection
    notes: list[str]  # sentences for the reader
    grouped_by: str = ""  # column of the groups, empty where copies of equal content are the only ones

    @property
    def group_of_track(self) -> NDArray[np.int64]:
        """Group of each track, a number for each where nothing belongs together."""
        return np.arange(len(self.labels)) if self.groups is None else self.groups


def check_kind(kind: Any) -> str:
    """Return what a column is to be taken for, checked to be known."""
    if kind not in labelling.KINDS:
        near = did_you_mean(str(kind), labelling.KINDS)
        raise OptionError(f"kind is one of {', '.join(map(repr, labelling.KINDS))}; {kind!r:.80} was found.{near}")
    return str(kind)


def resolve_target(
    target: Any, table: pd.DataFrame, folds: int | str, groups: Any, kind: str = "auto"
) -> list[TaskSpec]:
    """Return the tasks meant by the name of a column, a task, the name of a task, or names for several columns."""
    if isinstance(target, Mapping):
        return [_label_columns(name, columns, table, folds, groups) for name, columns in target.items()]
    return [_resolve_one(target, table, folds, groups, kind)]


def _label_columns(name: Any, columns: Any, table: pd.DataFrame, folds: int | str, groups: Any) -> TaskSpec:
    """Return the task of labels that have a column each."""
    several = tuple(columns) if isinstance(columns, list | tuple) else ()
    if not isinstance(name, str) or len(set(several)) < max(2, len(several)):
        raise OptionError(
            f"A mapping as target leads from a name to two or more different columns, {one_line(repr(columns))[:80]} "
            "was found; a single column is named as it is."
        )
    return TaskSpec(name, name, folds, groups, tuple(check_column(table, column) for column in several))


def _resolve_one(target: Any, table: pd.DataFrame, folds: int | str, groups: Any, kind: str) -> TaskSpec:
    from embviz.evaluation.task_registry import TASKS

    task: Any = TASKS.get(target) if isinstance(target, str) else target
    if task is None and isinstance(target, str):
        return TaskSpec(target, target, folds, groups, kind=kind)
    if not all(isinstance(getattr(task, name, None), str) for name in ("name", "target", "folds", "groups")):
        found = one_line(repr(target))[:80]
        raise OptionError(f"A target is the name of a column, or a task, {found} was found.")
    # A column may have the name of a task and be somebody's own.
    own_folds, own_groups = (name if name in table.columns else "" for name in (task.folds, task.groups))
    return TaskSpec(
        task.name,
        task.target,
        folds if isinstance(folds, str) else own_folds or folds,
        own_groups or None if groups is None else groups,
        kind=kind,
    )


def check_folds(folds: Any) -> int | str:
    """Return a number of folds or a column's name, checked to be one."""
    if isinstance(folds, str):
        return folds
    if isinstance(folds, bool) or not isinstance(folds, int | np.integer) or folds < 2:
        raise OptionError(f"folds is a whole number of at least 2, or the name of a column, {folds!r:.80} was found.")
    return int(folds)


def check_groups(groups: Any) -> str | bool | None:
    """Return what names groups, checked to be a column's name, False or None."""
    if groups is None or groups is False or isinstance(groups, str):
        return groups
    raise OptionError(f"groups is the name of a column, False or None, {groups!r:.80} was found.")


def make_split(
    spec: TaskSpec,
    table: pd.DataFrame,
    *,
    external: pd.DataFrame | None = None,
    classes: Mapping[Any, Any] | None = None,
    seed: int = 0,
    failed: Iterable[int] = (),
    failed_there: Iterable[int] = (),
) -> Split:
    """Return the classes, groups and folds of the tracks of a task; raise if these cannot be learnt or tested.

    `classes` leads from labels of the other collection to classes; there are no embeddings of the tracks `failed` of
    the collection and `failed_there` of the other one.
    """
    labels, notes = labelling.read_labels(table, spec.target, kind=spec.kind, columns=spec.columns)
    labels = drop_failed(labels, failed, notes, "")
    labels, fixed = _read_folds(spec, table, labels, notes)
    check_classes(labels)
    own = content_groups(table, labels.tracks)
    if fixed is None:
        groups, grouped_by = _make_groups(spec, table, labels, own, notes)
        folds = cross_validation.make_folds(labels.strata, groups, int(spec.folds), seed)
    else:
        groups, folds, grouped_by = own, fixed, ""
        if isinstance(spec.groups, str):
            grouped_by = spec.groups
            groups = merge_groups(labelling.column_groups(table, labels.tracks, spec.groups)[0], own)
        _check_fixed(spec, labels, groups, folds, notes)
    _note_artists(spec, table, labels, folds, notes)
    smallest = int(np.unique(folds, return_counts=True)[1].min())
    if labels.kind == "quantity" and smallest < FEW:
        notes.append(
            f"A fold tests as few as {plural(smallest, 'track')}: R² compares with the mean of these, and says little "
            "of so few; add tracks, or take fewer folds. The mean absolute error holds all the same."
        )
    there = None
    if external is not None:
        if labels.kind == "classes":
            there, more = labelling.map_labels(external, spec.target, labels.classes, classes)
        else:
            _refuse_mapping(classes)
            there, more = labelling.read_external(external, labels, spec.columns)
        notes += more
        _note_shared_artists(spec, table, labels, external, there, notes)
        there = drop_failed(there, failed_there, notes, " of the other collection")
        there = _drop_shared(table, labels, external, there, notes)
    alone = len(np.unique(groups)) == len(groups)
    return Split(spec.name, labels, None if alone else groups, folds, there, notes, grouped_by)


def _refuse_mapping(classes: Mapping[Any, Any] | None) -> None:
    if classes is not None:
        raise OptionError("classes= leads from classes to classes; for quantities and several labels, leave it out.")


def drop_failed(labels: Labels, failed: Iterable[int], notes: list[str], of: str) -> Labels:
    """Return the labels without the tracks that have no embedding."""
    rest = labels.without(failed)
    if not len(rest):
        raise CollectionError(
            f"There are no embeddings of any track{of} with a label in {labels.column!r}, or not from every model: "
            "tracks that can be read, and vectors of this very collection, are expected."
        )
    if len(rest) < len(labels):
        notes.append(f"{plural(len(labels) - len(rest), 'track')}{of} without an embedding: left out for all models.")
    return rest


def _read_folds(
    spec: TaskSpec, table: pd.DataFrame, labels: Labels, notes: list[str]
) -> tuple[Labels, NDArray[np.int64] | None]:
    """Return the fold of each track where a column says it, and the tracks that have one."""
    if not isinstance(spec.folds, str):
        return labels, None
    cells = table[check_column(table, spec.folds)].reindex(labels.tracks)
    missing = ~labelling.is_filled(cells)
    if missing.any():
        notes.append(f"{plural(int(missing.sum()), 'track')} without a fold in {shorten(spec.folds)!r}: left out.")
        labels = labels.without(labels.tracks[missing])
    names = [labelling.format_label(cell) for cell in cells[~missing]]
    order = {name: i for i, name in enumerate(sorted(set(names), key=lambda name: (len(name), name)))}
    if not 2 <= len(order) <= MOST_FOLDS:
        raise CollectionError(
            f"Column {spec.folds!r} names {plural(len(order), 'fold')}, 2 to {MOST_FOLDS} are expected; name a "
            "column that says in which fold each track is, or a number of folds."
        )
    return labels, np.array([order[name] for name in names], np.int64)


def check_classes(labels: Labels) -> None:
    """Raise where a class has lost all its tracks, or there is nothing to tell apart."""
    if labels.kind == "labels":
        _check_labels(labels)
    if labels.kind == "quantity" and not np.ptp(labels.truth):
        raise CollectionError(f"What is left of column {labels.column!r} is one number only: nothing can be learnt.")
    if labels.absent:
        raise CollectionError(
            f"No track of {quote_names(labels.absent)} in column {labels.column!r} is left to learn from: leave the "
            "class out, or mend its tracks."
        )


def _check_labels(labels: Labels) -> None:
    """Raise where there are fewer than two labels, or all tracks have one, or none has it."""
    if len(labels.classes) < 2:
        raise CollectionError(
            f"Column {labels.column!r} holds {plural(len(labels.classes), 'different label')}; two or more are "
            "expected, or a column of one class for each track."
        )
    shares = labels.truth.mean(axis=0)
    equal = np.flatnonzero((shares == 0) | (shares == 1))
    if len(equal):
        whom = "no track" if shares[equal[0]] == 0 else f"all {plural(len(labels), 'track')}"
        name = labels.classes[int(equal[0])]
        have = "has" if shares[equal[0]] == 0 else "have"
        raise CollectionError(
            f"Label {name!r} of {labels.column!r}: {whom} {have} it, so that nothing tells tracks apart; leave it out."
        )


def _make_groups(
    spec: TaskSpec, table: pd.DataFrame, labels: Labels, own: NDArray[np.int64], notes: list[str]
) -> tuple[NDArray[np.int64], str]:
    """Return what may not stand in training and test, ``[n]``, and the column that says it."""
    folds = int(spec.folds)
    copies = len(own) - len(np.unique(own))
    _check_enough(labels, own, folds, "track", " of different content" if copies else "")
    if copies:
        notes.append(f"{plural(copies, 'track')} with the content of another: copies stay in one fold.")
    if spec.groups is False:
        return own, ""
    if spec.groups is None:
        return _group_by_artist(spec, table, labels, own, notes)
    found, unknown = labelling.column_groups(table, labels.tracks, str(spec.groups))
    if unknown:
        who = "it" if unknown == 1 else "each"
        notes.append(f"{plural(unknown, 'track')} without {shorten(spec.groups)!r}: {who} is a group of its own.")
    found = merge_groups(found, own)
    _check_enough(labels, found, folds, "group", f" (column {spec.groups!r})")
    return found, str(spec.groups)


def _group_by_artist(
    spec: TaskSpec, table: pd.DataFrame, labels: Labels, own: NDArray[np.int64], notes: list[str]
) -> tuple[NDArray[np.int64], str]:
    """Return the artists and their column, where they are told and leave anything to choose."""
    if ARTIST not in table.columns or spec.target == ARTIST:
        return own, ""
    names = artist_names(table[ARTIST].reindex(labels.tracks))
    alike = merge_groups(join_names([{"/".join(sorted(them))} if them else set() for them in names]), own)
    linked = merge_groups(join_names(names), own)
    if len(np.unique(linked)) == len(np.unique(own)):
        return own, ""
    unknown = sum(not them for them in names)
    some = f" ({plural(unknown, 'track')} without one stand{'s' * (unknown == 1)} alone)" if unknown else ""
    shared = len(np.unique(linked)) < len(np.unique(alike))
    if _are_enough(labels, linked, int(spec.folds)):
        also = ", and of artists who share a track," if shared else ""
        notes.append(f"All tracks of an artist{also} are in one fold{some}; groups=False lifts that.")
        return linked, ARTIST
    if shared and _are_enough(labels, alike, int(spec.folds)):
        notes.append(
            f"Artists who share tracks would leave fewer groups than the {spec.folds} folds: only tracks by the very "
            f"same artists are in one fold{some}; groups=False lifts that."
        )
        return alike, ARTIST
    notes.append(f"Some class has fewer artists than the {spec.folds} folds: artists are not kept apart.")
    return own, ""


def _needed(labels: Labels, groups: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the tracks of each class in each group, as :func:`cross_validation.group_counts`; a quantity is one class.

    A label needs tracks that have it and, in columns behind these, tracks that have it not.
    """
    strata = np.zeros(len(labels), np.int64) if labels.kind == "quantity" else labels.strata
    return cross_validation.group_counts(strata, groups)


def _are_enough(labels: Labels, groups: NDArray[np.int64], folds: int) -> bool:
    """Tell whether each class has a group for each fold."""
    counts, _ = _needed(labels, groups)
    return bool(((counts > 0).sum(axis=0) >= folds).all())


def _check_enough(labels: Labels, groups: NDArray[np.int64], folds: int, unit: str, of: str) -> None:
    """Raise where a class has too few tracks, or groups."""
    counts, _ = _needed(labels, groups)
    held = (counts > 0).sum(axis=0)
    if unit == "group" and labels.kind == "classes" and (held == 1).all():
        raise CollectionError(
            f"Each class of {labels.column!r} is one group{of}: what a classifier learns from one group cannot be "
            "tested on another. Name a target that says something else than the groups do. With groups=False, parts of "
            "one group are in training and test, and the scores say how well it is recognised again, which is a leak."
        )
    if unit == "group" and len(counts) < folds:
        raise CollectionError(
            f"There are {plural(len(counts), 'group')}{of}, fewer than the {folds} folds: ask for fewer folds, or name "
            "other groups."
        )
    if held.min() >= folds:
        return
    place, n = int(held.argmin()), int(held.min())
    fewer = f"ask for folds={n}, " if n > 1 else ""
    raise CollectionError(
        f"{_who(labels, place)} {plural(n, unit)}{of}, fewer than the {folds} folds: {fewer}add "
        f"{unit}s{_or_leave(labels)}."
    )


def _who(labels: Labels, place: int) -> str:
    """Return the start of a sentence about how much there is of a class."""
    if labels.kind == "quantity":
        return f"Column {labels.column!r} has"
    if labels.kind == "classes":
        return f"Class {labels.classes[place]!r} of {labels.column!r} has"
    name, without = labels.classes[place % len(labels.classes)], place >= len(labels.classes)
    return f"Label {name!r} of {labels.column!r} is {'missing on' if without else 'on'}"


def _or_leave(labels: Labels) -> str:
    return "" if labels.kind == "quantity" else f", or leave the {'class' if labels.kind == 'classes' else 'label'} out"


def _check_fixed(
    spec: TaskSpec, labels: Labels, groups: NDArray[np.int64], folds: NDArray[np.int64], notes: list[str]
) -> None:
    held, _ = _needed(labels, folds)
    alone = np.flatnonzero((held > 0).sum(axis=0) < 2)
    if len(alone):
        what = "Class" if labels.kind == "classes" else "Label"
        raise CollectionError(
            f"{what} {labels.classes[alone[0] % len(labels.classes)]!r} of {labels.column!r} stands in one fold of "
            f"{spec.folds!r} only: it can never be learnt and tested; leave it out, or ask for a number of folds."
        )
    torn = _count_torn(groups, folds)
    if torn:
        notes.append(f"In several of the given folds: {plural(torn, 'group')} of what belongs together.")


def _count_torn(groups: NDArray[np.int64], folds: NDArray[np.int64]) -> int:
    """Return how many groups stand in more than one fold."""
    pairs = np.unique(np.column_stack([groups, folds]), axis=0)
    return int((np.unique(pairs[:, 0], return_counts=True)[1] > 1).sum())


def _note_artists(
    spec: TaskSpec, table: pd.DataFrame, labels: Labels, folds: NDArray[np.int64], notes: list[str]
) -> None:
    """Say what is known of artists in training and test."""
    if spec.target == ARTIST:
        return
    names = artist_names(table[ARTIST].reindex(labels.tracks)) if ARTIST in table.columns else []
    if not any(names):
        if not isinstance(spec.groups, str) and not isinstance(spec.folds, str):
            notes.append(
                "Who made the tracks is not known: where an artist stands in training and in test, scores come out too "
                f"high ({EFFECT}); groups=… names a column of what belongs together."
            )
        return
    pairs = {(name, fold) for own, fold in zip(names, folds.tolist(), strict=True) for name in own}
    torn = sum(count > 1 for count in Counter(name for name, _ in pairs).values())
    if torn:
        notes.append(
            f"{plural(torn, 'artist')} stand{'s' * (torn == 1)} in training and in test: scores come out too high for "
            f"music by others ({EFFECT})."
        )


def _note_shared_artists(
    spec: TaskSpec, table: pd.DataFrame, labels: Labels, external: pd.DataFrame, there: Labels, notes: list[str]
) -> None:
    if spec.target == ARTIST or ARTIST not in table.columns or ARTIST not in external.columns:
        return
    ours, theirs = (
        set().union(*artist_names(some[ARTIST].reindex(of.tracks))) for some, of in ((table, labels), (external, there))
    )
    if ours & theirs:
        notes.append(f"In both collections: {plural(len(ours & theirs), 'artist')} ({EFFECT}).")


def _drop_shared(
    table: pd.DataFrame, labels: Labels, external: pd.DataFrame, there: Labels, notes: list[str]
) -> Labels:
    """Return the tracks of the other collection that are not in this one, too."""
    if "digest" not in table.columns or "digest" not in external.columns:
        return there
    digests = {digest for digest in table["digest"].reindex(labels.tracks) if isinstance(digest, str) and digest}
    same = [label for label, digest in external["digest"].reindex(there.tracks).items() if digest in digests]
    if not same:
        return there
    rest = there.without(same)
    if not len(rest):
        raise CollectionError("All tracks of the other collection are in this one, too: nothing is left to test on.")
    notes.append(f"{plural(len(same), 'track')} of the other collection with the content of one here: left out there.")
    return rest
