"""The loaded sessions of all engines."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from embviz.inference.essentia import EssentiaSession
from embviz.inference.graph import fixed_batch
from embviz.inference.onnx_session import OnnxSession
from embviz.inference.session import Engine, FixedBatchSession, Session


class SessionPool:
    """The sessions used last, loaded; few, because each holds the weights of its graph.

    Parameters
    ----------
    most : int
        Sessions at most.
    most_bytes : int
        Bytes of their graphs at most.
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._kept: dict[tuple[Any, ...], Session] = {}
        self._lock = threading.Lock()

    def open(
        self,
        path: Path,
        input_node: str,
        input_rank: int,
        ranks: Mapping[str, int],
        *,
        engine: Engine = "essentia",
        sha256: str = "",
    ) -> Session:
        """Return the session of a graph, loaded where it is not there yet.

        Parameters
        ----------
        path : path
            The graph.
        input_node : str
            Placeholder to feed.
        input_rank : int
            Number of axes of what is fed, with the axis of patches.
        ranks : mapping of str to int
            Nodes to read, and the number of axes of each.
        engine : {"essentia", "onnx"}
            What runs it.
        sha256 : str
            Of the graph, which a translation of it has to be of; Essentia does not ask for it.

        Raises
        ------
        EngineError
            If the engine is not here, is too old, or does not start.
        GraphError
            If the engine cannot load the graph.
        """
        stat = path.stat()
        size = stat.st_size
        key = (size, engine, str(path), stat.st_mtime_ns, sha256, input_node, input_rank, *ranks.items())
        with self._lock:
            session = self._kept.pop(key, None)
            if session is None:
                self._make_room(size)
                session = _load(path, input_node, input_rank, ranks, engine, sha256)
            self._kept[key] = session
            return session

    def clear(self) -> None:
        """Let go of all sessions."""
        with self._lock:
            self._kept.clear()

    def _make_room(self, size: int) -> None:
        while self._kept and (len(self._kept) >= self._most or self._bytes + size > self._most_bytes):
            del self._kept[next(iter(self._kept))]

    @property
    def _bytes(self) -> int:
        return sum(key[0] for key in self._kept)


def _load(
    path: Path, input_node: str, input_rank: int, ranks: Mapping[str, int], engine: Engine, sha256: str
) -> Session:
    if engine == "onnx":
        return OnnxSession(path, input_node, tuple(ranks), sha256=sha256)
    session = EssentiaSession(path, input_node, input_rank, tuple(ranks), ranks=ranks)
    # A translation leaves the number of patches open.
    size = fixed_batch(path, path.stat().st_mtime_ns, input_node, input_rank)
    return FixedBatchSession(session, size) if size else session


sessions = SessionPool(most=6, most_bytes=256 * 2**20)
