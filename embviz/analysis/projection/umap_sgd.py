"""UMAP's stochastic gradient descent: neighbours attract, points drawn at random repel.

The forces are those of umap-learn (McInnes, Healy and Melville, "UMAP: Uniform manifold approximation and projection
for dimension reduction", arXiv 1802.03426, 2018), and each edge is visited as often. What differs is who is moved
when: umap-learn either walks over all edges one after the other, on one processor, or on all of them without
waiting, so that no two runs give the same map. Here the points are dealt into blocks. While those of a block move, all
points stand where they stood before it, and each moves by its own edges and by its own random numbers: however many
processors share a block, the map is the same. It is also here that one can tell how far it has come, and stop.
"""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embviz.core.progress import Report

BLOCKS = 8
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
    edges = graph.tocsr()
    period = (edges.data.max(initial=0) / edges.data).astype(np.float32)  # rounds from one visit of an edge to the next
    forces32 = tuple(map(np.float32, forces))
    due, pushed = period.copy(), period / forces32[-1]
    here, there = start.astype(np.float32), np.empty(start.shape, np.float32)
    # Neighbours in a list are often neighbours in space (frames of a track): each block takes every eighth point.
    blocks = [range(first, len(start), BLOCKS) for first in range(BLOCKS)]
    threads = _count_threads() if len(start) > SINGLE_THREAD_UP_TO else 1
    shares = [_split_block(block, threads) for block in blocks]
    move = compile_kernel()
    with ThreadPoolExecutor(threads) as pool:
        for epoch in range(epochs):
            report(STAGE, epoch, epochs)
            step = np.float32(1 - max(0, epoch - 1) / epochs)  # umap-learn's, which lowers it after the first round
            round_of = (step, np.float32(epoch), np.uint64(seed))
            state = (edges.indptr, edges.indices, period, due, pushed, *forces32, *round_of)
            for block, parts in zip(blocks, shares, strict=True):
                work = functools.partial(_move_share, move, here, there, state)
                for _ in pool.map(work, parts) if threads > 1 else map(work, parts):
                    pass
                own = slice(block.start, block.stop, BLOCKS)
                here[own] = there[own]
    report(STAGE, epochs, epochs)
    return here


def _count_threads() -> int:
    mine = getattr(os, "sched_getaffinity", None)
    return min(BLOCKS, len(mine(0)) if mine else os.cpu_count() or 1)


def _split_block(block: range, threads: int) -> list[range]:
    cuts = [round(i * len(block) / threads) for i in range(threads + 1)]
    return [block[first:last] for first, last in itertools.pairwise(cuts)]


def _move_share(move: Callable[..., None], here: Any, there: Any, state: tuple[Any, ...], part: range) -> None:
    move(here, there, part.start, part.stop, part.step, *state)


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
    stride: Any,
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
    """Write the positions of a share of points after one epoch into `there`, from those in `here`."""
    count = np.uint64(here.shape[0])
    one, two, four = np.float32(1), np.float32(2), np.float32(4)
    for point in range(first, last, stride):
        x, y = here[point, 0], here[point, 1]
        # Random numbers of this point and round (xorshift64; Marsaglia 2003).
        state = (seed + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        state ^= (np.uint64(point) + np.uint64(1)) * np.uint64(0xBF58476D1CE4E5B9)
        state ^= (np.uint64(epoch) + np.uint64(1)) * np.uint64(0x94D049BB133111EB)
        state ^= state >> np.uint64(31)
        state *= np.uint64(0x9E3779B97F4A7C15)
        state ^= state >> np.uint64(29)
        if state == 0:
            state = np.uint64(1)
        for edge in range(starts[point], starts[point + 1]):
            if due[edge] > epoch:
                continue
            other = ends[edge]
            # Twice: umap-learn moves both ends of an edge, and has each edge in both directions.
            for _ in range(2):
                dx, dy = x - here[other, 0], y - here[other, 1]
                square = dx * dx + dy * dy
                if square > 0:
                    power = square**b
                    pull = -two * a * b * power / (square * (a * power + one))
                    x += min(max(pull * dx, -four), four) * step
                    y += min(max(pull * dy, -four), four) * step
            due[edge] += period[edge]
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
                    x += min(max(push * dx, -four), four) * step
                    y += min(max(push * dy, -four), four) * step
            pushed[edge] += np.float32(times) * period[edge] / pushes
        there[point, 0], there[point, 1] = x, y
