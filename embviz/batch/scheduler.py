"""A run over a collection: what is known is looked up, what is missing is handed out, and what comes back is put aside.

Conventions: a *piece* is a content of which there may be several copies in the table; it is computed once. Nothing that
happens to a piece ends the run; what is wrong for all of them, and whatever the progress callable raises, does.
"""

from __future__ import annotations

import contextlib
import math
import os
import secrets
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.audio import Audio
from embviz.batch import pooling as pooled
from embviz.batch.eta import Clock
from embviz.batch.progress_files import joined, told
from embviz.batch.vector_store import Part, Spool
from embviz.batch.worker import Asked, Done, Task, sentence
from embviz.core.cache import Cache
from embviz.errors import EmbvizError

if TYPE_CHECKING:
    from embviz.batch.executors import Pool
    from embviz.core.progress import Report
    from embviz.extraction.extract import Wanted

__all__ = ["Order", "Piece", "Run"]

TICK = 0.25  # seconds between two looks at what goes on
FRAMES_SHARE = 0.5  # of the cache's limit, for the frames that one run may keep
LONG = 1800.0  # seconds of a track whose samples take so much memory …
LONG_AT_ONCE = 4 * 3600.0  # … that no more than this is worked on here at a time
SLOW = 10.0  # seconds after which it is told how far a track is inside
ENDED = "ended"  # kind of record: contents that ended the process that read them


@dataclass(frozen=True)
class Order:
    """What is asked for of every piece."""

    asked: tuple[Asked, ...]
    wanted: tuple[Wanted, ...]
    pooling: str
    store: Cache | None

    @cached_property
    def _keys(self) -> list[dict[str, Any]]:
        return [want.key("") for want in self.wanted]

    def key(self, i: int, digest: str) -> dict[str, Any]:
        """Return the key of the frames of a track."""
        return {**self._keys[i], "audio": digest}

    @property
    def frames(self) -> bool:
        """Whether every frame is a point."""
        return self.pooling == "frames"


@dataclass(eq=False, slots=True)
class Piece:
    """A content: one file that has it, the labels of all that do, and what came of it.

    Parameters
    ----------
    path : str
        A file.
    name : str
        What it is called in sentences.
    labels : list of int
        Of the rows of the table that have this content.
    digest : str
        Empty where it is not known yet.
    listed : bool
        Whether the digest is that of the table, which the file may not have any more.
    seconds : float
        NaN where they are not known.
    """

    path: str
    name: str
    labels: list[int]
    digest: str
    listed: bool
    seconds: float
    parts: dict[int, Part] = field(default_factory=dict)
    problems: dict[int, str] = field(default_factory=dict)
    broke: int = 0
    begun: float = 0.0
    asked: list[int] = field(default_factory=list)
    line: str = ""

    def missing(self, order: Order) -> list[int]:
        """Return the places of what there is neither a vector nor a problem of."""
        return [i for i in range(len(order.wanted)) if i not in self.parts and i not in self.problems]


class Run:
    """One run.

    Parameters
    ----------
    order : Order
        What is asked for.
    pieces : list of Piece
        Distinct as far as that is known.
    start : callable
        Given the number of pieces that are to be computed and their seconds, returns what computes them.
    report : callable
        Given ``(stage, done, total)``; may raise to cancel.
    spool : Spool
        Where vectors are put aside.
    """

    def __init__(
        self, order: Order, pieces: list[Piece], start: Callable[[int, float], Pool], report: Report, spool: Spool
    ) -> None:
        self.pieces = pieces
        self._order, self._start, self._report, self._spool = order, start, report, spool
        self._pool: Pool | None = None
        self._waiting: deque[Piece] = deque()
        self._long: deque[Piece] = deque()
        self._ready: deque[Piece] = deque()
        self._suspects: deque[Piece] = deque()
        self._reading: dict[Future[str], Piece] = {}
        self._computing: dict[Future[Done], Piece] = {}
        self._by_digest = {piece.digest: piece for piece in pieces if piece.digest}
        self._total = len(pieces)
        self._clock = Clock()
        self._frame_bytes = 0

    def go(self) -> None:
        """Fill the pieces' parts and problems."""
        self._look_up_known()
        self._tell()
        if not self._waiting and not self._long:
            return
        reader = ThreadPoolExecutor(1, thread_name_prefix="embviz-digest")
        with joined(self._order.store) as line:
            try:
                self._pool = self._start(len(self._waiting) + len(self._long), self._risk())
                self._work(line, reader)
            finally:
                self._end(reader)

    def _risk(self) -> float:
        """Return the seconds of sound to be computed; without end where one of them has ended a process before."""
        seconds, store = self._clock.likely(piece.seconds for piece in [*self._long, *self._waiting]), self._order.store
        if store is None or seconds > LONG:
            return seconds
        return math.inf if any(store.recall(ENDED, _ended_key(piece)) for piece in self._waiting) else seconds

    def _end(self, reader: ThreadPoolExecutor) -> None:
        reader.shutdown(wait=False, cancel_futures=True)
        for future in self._computing:
            future.cancel()
        if self._pool is not None:
            self._pool.close()

    # What is known. --------------------------------------------------------------------------------------------------

    def _look_up_known(self) -> None:
        last = time.monotonic()
        for i, piece in enumerate(self.pieces):
            if piece.digest:
                self._look_up(piece)
            if piece.missing(self._order):
                (self._long if piece.seconds >= LONG else self._waiting).append(piece)
            if time.monotonic() - last > TICK:
                last = time.monotonic()
                self._tell(len(self.pieces) - 1 - i)
        self._long = deque(sorted(self._long, key=lambda piece: -piece.seconds))

    def _look_up(self, piece: Piece) -> None:
        """Take what the cache has of a piece."""
        store = self._order.store
        if store is None:
            return
        for i in piece.missing(self._order):
            key = self._order.key(i, piece.digest)
            record = None if self._order.frames else store.recall(pooled.KIND, pooled.key(key))
            if record is None:
                embedding = store.get(key)
                if embedding is None:
                    continue
                if self._order.frames:
                    self._take_frames(piece, i, embedding.values, embedding.grid)
                    continue
                record = pooled.record(embedding)
                store.remember(pooled.KIND, pooled.key(key), record)
            self._take_record(piece, i, record)

    def _take_record(self, piece: Piece, i: int, record: pooled.Record) -> None:
        if not pooled.finite(record):
            piece.problems[i] = f"{piece.name!r}: {pooled.NOT_FINITE}"
            return
        vector = pooled.vector(record, self._order.pooling)
        at = self._spool.add(vector)
        piece.parts[i] = Part(at, 1, len(vector), pooled.spread(record))

    def _take_frames(self, piece: Piece, i: int, values: Any, grid: Any) -> None:
        if not np.isfinite(values).all():
            piece.problems[i] = f"{piece.name!r}: {pooled.NOT_FINITE}"
            return
        rows, dimensions = values.shape
        piece.parts[i] = Part(self._spool.add(values), rows, dimensions, math.nan, grid)

    # What is missing. ------------------------------------------------------------------------------------------------

    def _work(self, line: Path, reader: ThreadPoolExecutor) -> None:
        self._clock.begin()
        while self._waiting or self._long or self._ready or self._suspects or self._reading or self._computing:
            self._read_ahead(reader)
            self._hand_out(line)
            running: list[Future[Any]] = [*self._reading, *self._computing]
            done, _ = wait(running, timeout=TICK, return_when=FIRST_COMPLETED)
            for future in done:
                if future in self._reading:
                    self._identify(self._reading.pop(future), future)
                elif future in self._computing:
                    self._collect(self._computing.pop(future), future)
            self._tell()

    def _read_ahead(self, reader: ThreadPoolExecutor) -> None:
        """Have files read for their digests, as many as are soon handed out."""
        most = self._pool.most if self._pool else 1
        while len(self._reading) + len(self._ready) < most:
            piece = self._next()
            if piece is None:
                return
            self._reading[reader.submit(_digest, piece.path, self._order.store)] = piece

    def _next(self) -> Piece | None:
        """Take a piece out of those that wait; long ones go first, since what begins last keeps the others waiting."""
        if self._long and self._fits(self._long[0]):
            return self._long.popleft()
        return self._waiting.popleft() if self._waiting else None

    def _fits(self, piece: Piece) -> bool:
        """Tell whether there is memory for one more long track."""
        if self._pool is not None and not self._pool.own:
            return True
        begun = [*self._reading.values(), *self._ready, *self._computing.values()]
        together = sum(one.seconds for one in begun if one.seconds >= LONG)
        return not together or together + piece.seconds <= LONG_AT_ONCE

    def _identify(self, piece: Piece, future: Future[str]) -> None:
        """Take note of what a file holds now."""
        try:
            digest = future.result()
        except (EmbvizError, OSError, MemoryError) as error:
            self._fail(piece, sentence(error, piece.name))
            return
        if piece.listed and digest != piece.digest:
            self._fail(piece, f"{piece.name!r} was changed since it was listed; list the collection again.")
            return
        twin = self._by_digest.setdefault(digest, piece)
        if twin is not piece:
            twin.labels.extend(piece.labels)
            piece.labels.clear()
            self._total -= 1
            return
        if not piece.digest:
            piece.digest = digest
            self._look_up(piece)
        if piece.missing(self._order):
            self._ready.append(piece)

    def _hand_out(self, line: Path) -> None:
        pool = self._pool
        if pool is None:
            return
        if self._suspects:
            # One of them ended a process: each is tried alone, and then it is known which.
            if not self._computing:
                self._submit(pool, self._suspects.popleft(), line)
            return
        while self._ready and len(self._computing) < pool.most:
            self._submit(pool, self._ready.popleft(), line)

    def _submit(self, pool: Pool, piece: Piece, line: Path) -> None:
        order, store = self._order, self._order.store
        piece.asked, piece.begun = piece.missing(order), time.monotonic()
        piece.line = str(line / secrets.token_hex(8))
        task = Task(
            path=piece.path,
            name=piece.name,
            digest=piece.digest,
            asked=tuple(order.asked[i] for i in piece.asked),
            frames=order.frames,
            keep=store is not None and self._frame_bytes < FRAMES_SHARE * store.max_bytes,
            folder=str(store.folder.absolute()) if store else None,
            limit=store.max_bytes if store else 0,
            home=os.environ.get("EMBVIZ_HOME"),
            line=piece.line,
        )
        try:
            self._computing[pool.submit(task)] = piece
        except BrokenExecutor:
            self._ready.appendleft(piece)
            self._break()

    def _collect(self, piece: Piece, future: Future[Done]) -> None:
        """Take what came of a piece."""
        try:
            done = future.result()
        except BrokenExecutor:
            self._computing[future] = piece
            self._break()
            return
        except EmbvizError:
            raise  # wrong for all
        except (Exception, CancelledError) as error:  # noqa: BLE001  an executor raises whatever it likes
            self._try_again(piece, error)
            return
        with contextlib.suppress(OSError):
            Path(piece.line).unlink(missing_ok=True)
        self._take(piece, done)

    def _take(self, piece: Piece, done: Done) -> None:
        store = self._order.store
        for kind, message in done.complaints.items():
            if store is not None:
                store.warn(kind, message)
        for n, problem in done.problems.items():
            piece.problems[piece.asked[n]] = problem
        if self._order.frames:
            for n, (values, grid) in done.frames.items():
                self._take_frames(piece, piece.asked[n], values, grid)
            self._look_up(piece)
        else:
            for n, record in done.records.items():
                self._take_record(piece, piece.asked[n], record)
        self._frame_bytes += done.kept
        self._clock.count(done.seconds)
        if piece.missing(self._order):
            self._try_again(piece, OSError("its frames were removed from the cache at once"))

    def _try_again(self, piece: Piece, error: BaseException) -> None:
        """Hand a piece out once more; the second time is the last."""
        piece.broke += 1
        if type(error).__name__ == "KilledWorker":  # Dask has tried it again and again
            self._fail_for_good(piece)
        elif piece.broke > 1:
            self._fail(piece, sentence(error, piece.name))
        else:
            self._ready.append(piece)

    def _break(self) -> None:
        """Go on after a process has died, with what it and its neighbours were at."""
        for future, piece in list(self._computing.items()):
            del self._computing[future]
            if future.done() and not future.cancelled() and future.exception() is None:
                self._collect(piece, future)
                continue
            piece.broke += 1
            if piece.broke > 1:
                self._fail_for_good(piece)
            else:
                self._suspects.append(piece)
        if self._pool is not None:
            self._pool.renew()

    def _fail(self, piece: Piece, problem: str) -> None:
        piece.problems |= dict.fromkeys(piece.missing(self._order), problem)

    def _fail_for_good(self, piece: Piece) -> None:
        """Say of a piece that processes end over it, and keep in mind never to try it in this one."""
        ended = "ended the process that read it, twice: it is damaged, or too large for the memory here."
        self._fail(piece, f"{piece.name!r} {ended}")
        if self._order.store is not None:
            self._order.store.remember(ENDED, _ended_key(piece), {"broke": np.array([piece.broke])})

    # How far it is. --------------------------------------------------------------------------------------------------

    def _tell(self, unseen: int = 0) -> None:
        busy = [*self._suspects, *self._ready, *self._reading.values(), *self._computing.values()]
        done = self._total - len(self._waiting) - len(self._long) - len(busy) - unseen
        if self._clock.is_time(last=done == self._total):
            left = self._clock.likely(piece.seconds for piece in [*self._waiting, *self._long, *busy])
            failed = sum(bool(piece.problems) for piece in self.pieces)
            self._clock.details = [*self._clock.pace(left), *self._inside(), *([f"{failed:,} failed"] * bool(failed))]
        self._report(
            " · ".join([f"embedding {done:,} of {self._total:,} tracks", *self._clock.details]), done, self._total
        )

    def _inside(self) -> list[str]:
        """Return how far the track is that takes longest, where it takes long."""
        begun = [piece for piece in self._computing.values() if time.monotonic() - piece.begun > SLOW]
        if not begun:
            return []
        piece = min(begun, key=lambda piece: piece.begun)
        return [f"{piece.name}: {told(Path(piece.line))}"]


def _digest(path: str, store: Cache | None) -> str:
    audio = Audio.open(path)
    return store.digest(audio) if store else audio.digest


def _ended_key(piece: Piece) -> dict[str, str]:
    return {"audio": piece.digest}
