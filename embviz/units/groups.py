"""Two groups of tracks, read from queries, selections or values of a column, with their vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.collection.track_groups import content_groups, group_tracks
from embviz.core.text import plural, shorten
from embviz.errors import CollectionError
from embviz.units.tracks import column_value, select_tracks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embviz.collection import Collection
    from embviz.core.vectors import Vectors

LONGEST_END = 40  # letters of a group's name
REST = "the rest"


FEW_ARTISTS = 5  # of a group; fewer are no sample of a genre


@dataclass(frozen=True, eq=False)
class Groups:
    """The tracks of two groups that have vectors.

    Parameters
    ----------
    a, b : Collection
        The tracks of each.
    ends : (str, str)
        Their names.
    values : ndarray, shape [n, d]
        A vector for each track of both.
    in_b : ndarray, shape [n], bool
        Which of the groups it is in.
    of : ndarray, shape [n], int64
        What belongs together: copies, and the tracks of an artist where enough artists are known.
    notes : tuple of str
        What was left out.
    """

    a: Collection
    b: Collection
    ends: tuple[str, str]
    values: NDArray[np.float32]
    in_b: NDArray[np.bool_]
    of: NDArray[np.int64]
    notes: tuple[str, ...]


def read_groups(collection: Collection, a: Any, b: Any, vectors: Vectors) -> Groups:
    """Return the groups that are meant, checked to be two that can be compared.

    Parameters
    ----------
    collection : Collection
    a, b
        As for :meth:`embviz.Collection.contrast`.
    vectors : Vectors
        One for each track.

    Returns
    -------
    Groups

    Raises
    ------
    CollectionError
        If they overlap, or one of them has fewer than two tracks with a vector.
    """
    first = select_tracks(collection, a, "a")
    second = collection.drop(tracks=first.table.index) if b is None else select_tracks(collection, b, "b")
    _check_apart(first, second)
    ends = _name(collection, a, "a"), REST if b is None else _name(collection, b, "b")
    usable = np.isfinite(vectors.values).all(axis=1)
    tracks, values = vectors.tracks[usable], np.asarray(vectors.values)[usable]
    members = [np.isin(tracks, group.table.index) for group in (first, second)]
    for name, end, group, own in zip("ab", ends, (first, second), members, strict=True):
        if own.sum() < 2:
            called = name if end == name else f"{name} ({end})"
            raise CollectionError(
                f"Group {called} has {plural(int(own.sum()), 'track')} that can be measured, of {len(group):,}: "
                "two at least are needed in each group, or nothing can be said of how the tracks of a group vary."
            )
    either = members[0] | members[1]
    lost = len(first) + len(second) - int(either.sum())
    notes = [f"Left out: {plural(lost, 'track')} of the groups without a vector."] if lost else []
    together, more = _belonging(collection, tracks[either], members[1][either])
    return Groups(first, second, ends, values[either], members[1][either], together, (*notes, *more))


def _check_apart(a: Collection, b: Collection) -> None:
    both = a.table.index.intersection(b.table.index)
    if len(both):
        name = shorten(a.table["name"].loc[both[0]], LONGEST_END)
        raise CollectionError(
            f"Groups a and b have {plural(len(both), 'track')} in common, {name!r} among them: groups that do not "
            "overlap are expected; b=None is all tracks that are not in a."
        )
    if not len(b):
        raise CollectionError("Group a is the whole collection: nothing is left for group b; narrow a.")


def _name(collection: Collection, spec: Any, otherwise: str) -> str:
    """Return what a group is called."""
    if not isinstance(spec, str):
        return otherwise
    found = column_value(collection, spec)
    return shorten(spec if found is None else found[1], LONGEST_END)


def _belonging(
    collection: Collection, tracks: NDArray[np.int64], in_b: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], list[str]]:
    """Return what belongs together, and sentences of what few artists mean for it."""
    content, by_artist = content_groups(collection.table, tracks), group_tracks(collection.table, tracks)
    if len(np.unique(by_artist)) == len(np.unique(content)):
        return content, []
    fewest = min(len(np.unique(by_artist[in_b])), len(np.unique(by_artist[~in_b])))
    if fewest >= 2:
        notes = ["The tracks of an artist are drawn, swapped and held back together."]
        if fewest < FEW_ARTISTS:
            notes.append(
                f"A group is by {fewest} artists only: what separates the groups may be what these few have in common, "
                "whatever p and AUC say; add artists."
            )
        return by_artist, notes
    return content, ["A group is by a single artist: what separates the groups may be what that artist has in common."]
