"""Groups of tracks that belong together: copies of one content, and the tracks of an artist.

Conventions: a group is a number for each track, ``[n]``; the same number, the same group. What is learnt or measured on
some tracks is tested on others of other groups, or it is the artist that is found again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embviz.collection.artists import ARTIST, artist_names, join_names

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


def group_tracks(table: pd.DataFrame, tracks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the group of each track, ``[n]``: by its content, and by its artists where the table knows them."""
    content = content_groups(table, tracks)
    if ARTIST not in table.columns or not len(tracks):
        return content
    return merge_groups(join_names(artist_names(table[ARTIST].reindex(tracks))), content)


def content_groups(table: pd.DataFrame, tracks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the content of each track, ``[n]``: the same number for files that hold the same."""
    first = tracks.copy()
    if "duplicate_of" in table.columns:
        originals = table["duplicate_of"].reindex(tracks)
        known = originals.isin(table.index).to_numpy(bool)
        first[known] = originals[known].to_numpy(np.int64)
    if "digest" in table.columns:
        by_digest: dict[str, int] = {}
        for i, digest in enumerate(table["digest"].reindex(tracks)):
            if isinstance(digest, str) and digest:
                first[i] = by_digest.setdefault(digest, int(first[i]))
    return np.unique(first, return_inverse=True)[1].astype(np.int64)


def merge_groups(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return groups of what is in the same group of either, ``[n]``."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first, second = (np.unique(groups, return_inverse=True)[1] for groups in (one, other))
    nodes = int(first.max()) + int(second.max()) + 2
    edges = coo_array((np.ones(len(first)), (first, second + int(first.max()) + 1)), shape=(nodes, nodes))
    found: NDArray[np.int64] = connected_components(edges, directed=False)[1][first].astype(np.int64)
    return found
