"""UMAP's stochastic gradient descent: neighbours attract, points drawn at random repel.

The forces are those of umap-learn (McInnes, Healy and Melville, "UMAP: Uniform manifold approximation and projection
for dimension reduction", arXiv 1802.03426, 2018): an edge moves its two ends by equal and opposite amounts, and is
visited as often. What differs is when points move: umap-learn either walks over all edges one after the other, on one
processor, or on all of them without waiting, so that no two runs give the same map. Here the edges are dealt into
blocks, and all forces of a block are those of where the points stood before it: however many processors share a block,
the map is the same. It is also here that one can tell how far it has come, and stop.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embviz.core.processes import count_cores
from embviz.core.progress import Report

# Measured on digits, clusters and frames of tracks: with one block, maps of crowded clusters are less trustworthy than
# umap-learn's (0.914 against 0.919), with 8 nearly as (0.917), with 16 as (0.9185); more only take longer.
BLOCKS = 16
SINGLE_THREAD_UP_TO = 2000  # points up to which sharing them out costs more than it saves
STAGE = "laying out the map"


def optimize_layout(
    start: NDArray[np.float32],
    graph: Any,
    forces: tuple[float, float, float, int],
    *,
    epochs: int,
    seed: int,
    report: Report,
) -> NDArray[np.float32]:
    """Return the positions after all epochs, ``[n, 2]``.

    `start` are the positions before the first, `graph` the symmetric weights of edges, a sparse matrix ``[n, n]``;
    `forces` are UMAP's a and b, the factor of the repulsion, and the negative samples per edge. What `report` raises
    ends the work.
    """
    n = len(start)
    edges = _deal_edges(graph)
    period = (edges.data.max(initial=0) / edges.data).astype(np.float32)  # rounds from one visit of an edge to the next
    forces32 = tuple(map(np.float32, forces))
    due, pushed = period.copy(), period / forces32[-1]
    here, there = start.astype(np.float32), np.empty(start.shape, np.float32)
    threads = count_cores() if n > SINGLE_THREAD_UP_TO else 1
    shares = list(itertools.pairwise(round(i * n / threads) for i in range(threads + 1)))
    move = compile_kernel()
    with ThreadPoolExecutor(threads) as pool:
        for epoch in range(epochs):
            report(STAGE, epoch, epochs)
            step = np.float32(1 - max(0, epoch - 1) / epochs)  # umap-learn's, which lowers it after the first round
            for block in range(BLOCKS):
                starts = edges.indptr[block * n : (block + 1) * n + 1]
                state = (
                    starts,
                    edges.indices,
                    period,
                    due,
                    pushed,
                    *forces32,
                    step,
                    np.float32(epoch),
                    np.uint64(seed),
                )
                work = functools.partial(_move_share, move, here, there, state)
                for _ in pool.map(work, shares) if threads > 1 else map(work, shares):
                    pass
                here, there = there, here
    report(STAGE, epochs, epochs)
    return here


def _deal_edges(graph: Any) -> Any:
    """Return the edges of all blocks, one block below the other: a sparse matrix ``[BLOCKS * n, n]``."""
    from scipy.sparse import csr_matrix

    edges = graph.tocoo()
    n = edges.shape[0]
    # Both directions of an edge fall into one block, so that both ends are moved by one pull.
    number = np.random.default_rng(0).integers(BLOCKS, size=n, dtype=np.int32)
    block = (number[edges.row] + number[edges.col]) % BLOCKS
    return csr_matrix((edges.data, (block * n + edges.row, edges.col)), (BLOCKS * n, n))


def _move_share(
    move: Callable[..., None], here: Any, there: Any, state: tuple[Any, ...], share: tuple[int, int]
) -> None:
    move(here, there, *share, *state)


@functools.cache
def compile_kernel() -> Callable[..., None]:
    """Return :func:`_move_points` compiled by numba."""
    import numba

    # Without the lock of the interpreter; numba's own threads are not used: two kernels of them cannot run at once.
    machine: Callable[..., None] = numba.njit(nogil=True, fastmath=True, cache=True)(_move_points)
    return machine


def _move_points(  # noqa: PLR0913, PLR0917  compiled: it is given plain numbers and arrays
    here: NDArray[Any],
    there: NDArray[Any],
    first: Any,
    last: Any,
    starts: NDArray[Any],
    ends: NDArray[Any],
    period: NDArray[Any],
    due: NDArray[Any],
    pushed: NDArray[Any],
    a: Any,
    b: Any,
    strength: Any,
    pushes: Any,
    step: Any,
    epoch: Any,
    seed: Any,
) -> None:
    """Write the positions of a share of points after one block of edges into `there`, from those in `here`."""
    count = np.uint64(here.shape[0])
    one, two, four = np.float32(1), np.float32(2), np.float32(4)
    for point in range(first, last):
        x, y = here[point, 0], here[point, 1]
        moved_x = moved_y = np.float32(0)
        for edge in range(starts[point], starts[point + 1]):
            if due[edge] > epoch:
                continue
            other = ends[edge]
            dx, dy = x - here[other, 0], y - here[other, 1]
            square = dx * dx + dy * dy
            if square > 0:
                power = square**b
                pull = -two * a * b * power / (square * (a * power + one))
                # Twice: umap-learn moves both ends of an edge, and has each edge in both directions.
                moved_x += two * min(max(pull * dx, -four), four)
                moved_y += two * min(max(pull * dy, -four), four)
            due[edge] += period[edge]
            # Random numbers of this edge and round (xorshift64; Marsaglia 2003).
            state = (seed + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
            state ^= (np.uint64(edge) + np.uint64(1)) * np.uint64(0xBF58476D1CE4E5B9)
            state ^= (np.uint64(epoch) + np.uint64(1)) * np.uint64(0x94D049BB133111EB)
            state ^= state >> np.uint64(31)
            state *= np.uint64(0x9E3779B97F4A7C15)
            state ^= state >> np.uint64(29)
            if state == 0:
                state = np.uint64(1)
            times = int((epoch - pushed[edge]) * pushes / period[edge])
            for _ in range(times):
                state ^= state << np.uint64(13)
                state ^= state >> np.uint64(7)
                state ^= state << np.uint64(17)
                drawn = ((state >> np.uint64(32)) * count) >> np.uint64(32)
                dx, dy = x - here[drawn, 0], y - here[drawn, 1]
                square = dx * dx + dy * dy
                if drawn != np.uint64(point) and square > 0:
                    push = two * strength * b / ((np.float32(0.001) + square) * (a * square**b + one))
                    moved_x += min(max(push * dx, -four), four)
                    moved_y += min(max(push * dy, -four), four)
            pushed[edge] += np.float32(times) * period[edge] / pushes
        there[point, 0], there[point, 1] = x + step * moved_x, y + step * moved_y
