"""Principal component analysis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ROWS = 4096  # that are made 64-bit numbers at once


def principal_components(
    vectors: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the first two principal components of vectors.

    Returns
    -------
    places : ndarray, shape [n, 2]
        Coordinates of the vectors.
    mean : ndarray, shape [d]
        Mean of the vectors, which lies at the origin.
    axes : ndarray, shape [2, d]
        Unit vectors, of which the largest coordinate is positive; zeros where there is no variance left.
    shares : ndarray, shape [2]
        Explained variance ratios, from 0 to 1.
    """
    n, d = vectors.shape
    mean = vectors.mean(axis=0, dtype=np.float64) if n else np.zeros(d)
    starts = range(0, n, ROWS)
    if n < d:
        centered = vectors - mean
        values, left = np.linalg.eigh(centered @ centered.T)
        directions = left.T[::-1][:2] @ centered
    else:
        scatter = np.zeros((d, d))
        for start in starts:
            centered = vectors[start : start + ROWS] - mean
            scatter += centered.T @ centered
        values, right = np.linalg.eigh(scatter)
        directions = right.T[::-1][:2]
    values = np.clip(values[::-1], 0, None)
    total = values.sum()
    axes, shares = np.zeros((2, d)), np.zeros(2)
    for i, (value, direction) in enumerate(zip(values, directions, strict=False)):
        if value <= 1e-12 * total or not total:
            continue
        axes[i] = direction / np.linalg.norm(direction)
        axes[i] *= np.sign(axes[i, np.abs(axes[i]).argmax()])
        shares[i] = value / total
    places = np.empty((n, 2), np.float32)
    for start in starts:
        places[start : start + ROWS] = (vectors[start : start + ROWS] - mean) @ axes.T
    return places, mean, axes, shares
