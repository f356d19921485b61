"""Self-similarity: the structure of a track from the cosines between its frames.

Conventions: frames first, ``[t, d]``. A similarity is a cosine, from -1 (opposite) through 0 (unrelated) to 1 (the same
direction); NaN where a frame says nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from embviz.analysis.frames import average_runs, pool_grid, unit_deviations
from embviz.core.embedding import Embedding, FrameGrid, check_embedding
from embviz.errors import OptionError


def self_similarity(embedding: Embedding, *, max_frames: int = 600) -> tuple[NDArray[np.float32], FrameGrid]:
    """Return the self-similarity matrix of a track [1]_.

    Each frame is compared with each other one by the cosine of the angle between their vectors. The mean over the
    track is subtracted first: what all frames have in common would make all of them alike, most of all after a ReLU,
    where no value is negative. A high value thus means that two moments deviate from the track's average in the same
    way. Repeated parts show as stripes beside the diagonal, homogeneous parts as blocks on it.

    Parameters
    ----------
    embedding : Embedding
        Values of shape ``[t, d]``.
    max_frames : int
        Rows of the matrix at most. Where there are more frames, they are averaged in runs of equal length; the last
        run may be shorter.

    Returns
    -------
    matrix : ndarray, shape [n, n], float32
        Symmetric, between -1 and 1, with ones on the diagonal. Frames that do not deviate from the average (all of
        them, on a silent track) are alike (1), and unrelated to the others (0). Frames without a single finite value
        are NaN, also on the diagonal; a single missing value counts as the average.
    grid : FrameGrid
        The frames of the matrix, evenly spaced. Their cells are exactly those of the frames that they are averages of,
        where these are evenly spaced, too; only the last one may reach beyond.

    Raises
    ------
    OptionError
        If `max_frames` is not a positive integer.

    References
    ----------
    .. [1] J. Foote, "Visualizing music and audio using self-similarity", ACM Multimedia 1999. There, the vectors are
       spectral features, and the mean is left in.

    Examples
    --------
    >>> matrix, grid = self_similarity(embedding, max_frames=300)  # doctest: +SKIP
    """
    most: Any = max_frames
    if isinstance(most, bool) or not isinstance(most, int | np.integer) or most < 1:
        raise OptionError(f"max_frames is a positive integer, {most!r} was found.")
    per = max(1, -(-check_embedding(embedding).grid.n_frames // int(most)))
    return _cosine_matrix(average_runs(embedding.values, per)), pool_grid(embedding.grid, per)


def _cosine_matrix(frames: NDArray[np.float64]) -> NDArray[np.float32]:
    unit, known = unit_deviations(frames)
    matrix = unit @ unit.T
    matrix = np.clip((matrix + matrix.T) / 2, -1, 1)
    np.fill_diagonal(matrix, 1)
    matrix[~known] = np.nan
    matrix[:, ~known] = np.nan
    return matrix.astype(np.float32)
