"""Exemplars: the vectors of each group that stand for it best.

Conventions: vectors are rows, ``[n, d]``; a group is a number from 0, -1 none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from embviz.core.options import check_rows
from embviz.errors import OptionError


def find_exemplars(values: ArrayLike, groups: ArrayLike, k: int = 1) -> dict[int, NDArray[np.int64]]:
    """Return the most central vectors of each group: those with the least mean cosine distance to the others in it.

    Parameters
    ----------
    values : array_like, shape [n, d]
        Vectors; those that are not finite are of no group.
    groups : array_like of int, shape [n]
        Group of each vector; -1 is none.
    k : int
        How many of each group.

    Returns
    -------
    dict of int to ndarray of int64, shape [up to k]
        Rows, the most central first, by group.

    Raises
    ------
    OptionError
        If there is not a group for each vector.

    Notes
    -----
    The first of a group is its medoid. In cosine distance the mean over a group is that to the sum of its unit vectors,
    so that nothing grows with the square of its size.

    Examples
    --------
    >>> find_exemplars([[1, 0], [1, 0.2], [1, 0.5], [0, 1]], [0, 0, 0, 1])
    {0: array([1]), 1: array([3])}
    """
    rows = check_rows(values, np.float64, "values are one row per point, [n, d]")
    numbers = np.asarray(groups)
    if numbers.shape != rows.shape[:1]:
        raise OptionError(f"There is a group for each of {len(rows)} vectors, {numbers.shape} was found.")
    usable = np.isfinite(rows).all(axis=1) & (numbers >= 0)
    length = np.linalg.norm(np.where(usable[:, None], rows, 0), axis=1, keepdims=True)
    units = np.where(usable[:, None], rows, 0) / np.where(length > 0, length, 1)
    found = {}
    for group in np.unique(numbers[usable]):
        members = np.flatnonzero(usable & (numbers == group))
        central = units[members] @ units[members].sum(axis=0)
        found[int(group)] = members[np.argsort(-central, kind="stable")[:k]]
    return found
