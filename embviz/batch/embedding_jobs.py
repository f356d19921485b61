"""The embeddings of many tracks: known ones are looked up, missing ones computed, and all are pooled into rows.

Conventions: a *unique track* is a content of which there may be several copies in the table; it is computed once.
Nothing that happens to one ends the run; what is wrong for all, and whatever the progress callable raises, does.
"""

from __future__ import annotations

import contextlib
import math
import os
import secrets
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.analysis.tagging import model_task
from embviz.audio import Audio
from embviz.audio.facts import known_problem
from embviz.batch import executors, pooling
from embviz.batch.eta import Throughput, estimate_cost, format_sound
from embviz.batch.progress_files import read_progress
from embviz.batch.scheduler import DIED, TICK, Scheduler
from embviz.batch.vector_store import RowBuffer, TrackRows
from embviz.batch.worker import EmbeddingJob, JobResult, LayerRequest, describe_error, run_job
from embviz.core.cache import Cache
from embviz.core.processes import count_cores
from embviz.core.text import format_duration
from embviz.errors import EmbvizError, OptionError
from embviz.extraction.extract import compare_engines

if TYPE_CHECKING:
    from embviz.core.progress import Report
    from embviz.extraction.extract import LayerSpec


QUICK = 600.0  # seconds of sound that are computed here about as soon as by processes, which have to start
FRAMES_SHARE = 0.5  # of the cache's limit, for the frames that one run may keep
LONG = 1800.0  # seconds of a track whose samples take so much memory …
LONG_AT_ONCE = 4 * 3600.0  # … that no more than this is worked on here at a time
AT_ONCE = 2  # tracks in this process: the next one is decoded while the network of one runs
SLOW = 10.0  # seconds after which it is told how far a track is inside
ENDED = "ended"  # kind of record: contents that ended the process that read them


@dataclass(frozen=True)
class EmbeddingRequest:
    """Layers, pooling and cache: the same for every track; who computes them."""

    layers: tuple[LayerRequest, ...]
    wanted: tuple[LayerSpec, ...]
    pooling: str
    store: Cache | None
    executor: Executor | None = None
    workers: int | None = None

    @cached_property
    def _keys(self) -> list[list[dict[str, Any]]]:
        return [[one.key("") for one in want.serving] for want in self.wanted]

    def keys(self, i: int, digest: str) -> list[dict[str, Any]]:
        """Return the keys under which the frames of a track may be."""
        return [{**key, "audio": digest} for key in self._keys[i]]

    @property
    def frames(self) -> bool:
        """Whether every frame is a point."""
        return self.pooling == "frames"


@dataclass(eq=False, slots=True)
class UniqueTrack:
    """A content: one file that has it, the labels of all that do, and its vectors."""

    path: str
    name: str  # what it is called in sentences
    labels: list[int]  # of the rows of the table that have this content
    digest: str  # empty where it is not known yet
    listed: bool  # whether the digest is that of the table, which the file may not have any more
    seconds: float  # NaN where they are not known
    rows: dict[int, TrackRows] = field(default_factory=dict)
    problems: dict[int, str] = field(default_factory=dict)
    begun: float = 0.0
    requested: list[int] = field(default_factory=list)
    progress_file: Path = Path()

    def missing(self, request: EmbeddingRequest) -> list[int]:
        """Return the places of the layers of which there is neither a vector nor a problem."""
        return [i for i in range(len(request.wanted)) if i not in self.rows and i not in self.problems]


class EmbeddingScheduler(Scheduler[UniqueTrack, JobResult]):
    """Fills in the rows and problems of tracks; vectors are put aside in `buffer`."""

    def __init__(self, request: EmbeddingRequest, tracks: list[UniqueTrack], report: Report, buffer: RowBuffer) -> None:
        super().__init__(request.store, report)
        self.tracks = tracks
        self._request, self._buffer = request, buffer
        self._waiting: deque[UniqueTrack] = deque()
        self._long: deque[UniqueTrack] = deque()
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="embviz-digest")
        self._reading: dict[Future[str], UniqueTrack] = {}
        self._by_digest = {track.digest: track for track in tracks if track.digest}
        self._total = len(tracks)
        self._throughput = Throughput()
        self._frame_bytes = 0
        self._forecast: list[str] = []

    def describe_interruption(self) -> str:
        """Return what one is told who interrupts the run."""
        done = sum(1 for track in self.tracks if track.labels and not track.missing(self._request))
        return self.interruption_sentence(done, self._total, "track")

    def run(self) -> None:
        """Look up what is known, and compute what is not."""
        try:
            self._look_up_known()
            self._throughput.details = self._forecast = self._describe_cost()
            self.show_progress()
            if self._waiting or self._long:
                self.run_jobs()
        finally:
            self._reader.shutdown(wait=False, cancel_futures=True)

    def start_executor(self) -> executors.JobExecutor:  # noqa: D102  see Scheduler
        request, store, tracks = self._request, self.store, [*self._long, *self._waiting]
        # Quick is little sound, none of which has ended a process before.
        quick = self._throughput.estimate(track.seconds for track in tracks) < QUICK and (
            store is None or not any(store.load_arrays(ENDED, {"audio": track.digest}) for track in tracks)
        )
        workers = request.workers
        if request.executor is not None or executors.starts_processes(None, workers, quick=quick):
            workers = self._check_functions(workers)
        if executors.starts_processes(request.executor, workers, quick=quick):
            compare_engines(request.wanted, self.report)
        self._throughput.start()
        return executors.choose_executor(request.executor, workers, len(tracks), quick=quick, here=AT_ONCE)

    def _check_functions(self, workers: int | None) -> int | None:
        """Return the number of workers: this process alone, with a warning, where a function cannot leave it."""
        executor = self._request.executor
        for model in {want.model.name: want.model for want in self._request.wanted if want.model.identity}.values():
            problem = executors.find_sending_problem(model, executor)
            what = f"The function of {model.name!r} cannot be sent to other processes ({problem})"
            if problem and executor is not None:
                raise OptionError(f"{what}: import or load what it needs inside of it, or leave executor= out.")
            if problem:
                warnings.warn(f"{what}; the tracks are computed in this one.", stacklevel=2)
                return 1
        return workers

    # What is known. --------------------------------------------------------------------------------------------------

    def _look_up_known(self) -> None:
        last, stage, n = time.monotonic(), "looking into the cache", len(self.tracks)
        reported = False
        for i, track in enumerate(self.tracks):
            if track.digest:
                self._look_up(track)
            if track.missing(self._request):
                (self._long if track.seconds >= LONG else self._waiting).append(track)
            if time.monotonic() - last > TICK:
                last, reported = time.monotonic(), True
                self.report(stage, i, n)
        if reported:
            self.report(stage, n, n)
        self._long = deque(sorted(self._long, key=lambda track: -track.seconds))

    def _look_up(self, track: UniqueTrack) -> None:
        """Take what the cache has of a track."""
        store = self.store
        if store is None:
            return
        for i in track.missing(self._request):
            any(self._take_cached(track, i, key, store) for key in self._request.keys(i, track.digest))
        if track.missing(self._request) and (problem := known_problem(store, track.digest, track.name)):
            self._fail(track, problem)

    def _take_cached(self, track: UniqueTrack, i: int, key: dict[str, Any], store: Cache) -> bool:
        """Take what the cache has of a layer of a track under a key, and tell whether that is anything."""
        record = None if self._request.frames else store.load_arrays(pooling.KIND, pooling.record_key(key))
        if record is None:
            embedding = store.get(key)
            if embedding is None:
                return False
            if self._request.frames:
                grid = self._request.wanted[i].regrid(embedding.grid)
                self._add_frames(track, i, embedding.values, grid)
                return True
            record = pooling.compute_record(embedding.values, embedding.duration)
            if "rounding" not in embedding.info:  # it would serve who wants nothing that is
                store.save_arrays(pooling.KIND, pooling.record_key(key), record)
        self._add_record(track, i, record)
        return True

    def _add_record(self, track: UniqueTrack, i: int, record: pooling.Record) -> None:
        if not all(np.isfinite(part).all() for part in record.values()):  # one frame makes its mean not finite
            track.problems[i] = f"{track.name!r}: {pooling.NOT_FINITE}"
            return
        vector = pooling.pool_record(record, self._request.pooling)
        track.rows[i] = TrackRows(self._buffer.add(vector), 1, len(vector), float(record["facts"][0]))

    def _add_frames(self, track: UniqueTrack, i: int, values: Any, grid: Any) -> None:
        if not np.isfinite(values).all():
            track.problems[i] = f"{track.name!r}: {pooling.NOT_FINITE}"
            return
        rows, dimensions = values.shape
        track.rows[i] = TrackRows(self._buffer.add(values), rows, dimensions, math.nan, grid)

    # What is missing. ------------------------------------------------------------------------------------------------

    def has_work(self) -> bool:  # noqa: D102
        return bool(self._waiting or self._long or self._reading) or super().has_work()

    def prepare(self) -> Iterable[Future[str]]:
        """Have files read for their digests, as many as are soon handed out."""
        for future in [future for future in self._reading if future.done()]:
            self._identify(self._reading.pop(future), future)
        while len(self._reading) + len(self.ready) < self.executor.capacity:
            track = self._next()
            if track is None:
                break
            self._reading[self._reader.submit(_digest, track.path, self.store)] = track
        return self._reading

    def _next(self) -> UniqueTrack | None:
        """Return a track that waits; long ones go first, since what begins last keeps the others waiting."""
        begun = [*self._reading.values(), *self.ready, *self.running.values()]
        together = sum(track.seconds for track in begun if track.seconds >= LONG) if self.executor.is_local else 0.0
        if self._long and (not together or together + self._long[0].seconds <= LONG_AT_ONCE):  # there is the memory
            return self._long.popleft()
        return self._waiting.popleft() if self._waiting else None

    def _identify(self, track: UniqueTrack, future: Future[str]) -> None:
        """Take note of what a file holds now."""
        try:
            digest = future.result()
        except (EmbvizError, OSError, MemoryError) as error:
            self._fail(track, describe_error(error, track.name))
            return
        if track.listed and digest != track.digest:
            self._fail(track, f"{track.name!r} was changed since it was listed; list the collection again.")
            return
        twin = self._by_digest.setdefault(digest, track)
        if twin is not track:
            twin.labels.extend(track.labels)
            track.labels.clear()
            self._total -= 1
            return
        if not track.digest:
            track.digest = digest
            self._look_up(track)
        if track.missing(self._request):
            self.ready.append(track)

    def to_call(self, job: UniqueTrack) -> tuple[Callable[[EmbeddingJob], JobResult], EmbeddingJob]:  # noqa: D102
        request, store = self._request, self.store
        job.requested, job.begun = job.missing(request), time.monotonic()
        job.progress_file = self.folder / secrets.token_hex(8)
        return run_job, EmbeddingJob(
            path=job.path,
            name=job.name,
            digest=job.digest,
            requests=tuple(request.layers[i] for i in job.requested),
            frames=request.frames,
            keep=store is not None and self._frame_bytes < FRAMES_SHARE * store.max_bytes,
            folder=str(store.folder.absolute()) if store else None,
            limit=store.max_bytes if store else 0,
            homes={name: os.environ.get(name) for name in ("EMBVIZ_HOME", "EMBVIZ_SHARED")},
            progress_file=str(job.progress_file),
            precision=store.precision if store else "float32",
        )

    def collect(self, job: UniqueTrack, result: JobResult) -> None:  # noqa: D102
        with contextlib.suppress(OSError):
            job.progress_file.unlink(missing_ok=True)
        for kind, message in result.complaints.items():
            if self.store is not None:
                self.store.warn(kind, message)
        for n, problem in result.problems.items():
            job.problems[job.requested[n]] = problem
        if self._request.frames:
            for n, (values, grid) in result.frames.items():
                self._add_frames(job, job.requested[n], values, grid)
        else:
            for n, record in result.records.items():
                self._add_record(job, job.requested[n], record)
        if job.missing(self._request):  # its frames are in the cache, or all of it is: it sounds as another file does
            self._look_up(job)
        self._frame_bytes += result.kept
        self._throughput.count(result.seconds)
        if job.missing(self._request):
            self.handle_error(job, OSError("its frames were removed from the cache at once"))

    def handle_error(self, job: UniqueTrack, error: BaseException) -> None:  # noqa: D102
        if type(error).__name__ == "KilledWorker":  # Dask has tried it again and again
            self.failures[job] += 1
            self.give_up(job, DIED)
        else:
            self.retry(job, error, self.ready)

    def give_up(self, job: UniqueTrack, error: BaseException) -> None:
        """Say what is wrong with a track; one that ends processes is never to be tried in this one."""
        if error is not DIED:
            self._fail(job, describe_error(error, job.name))
            return
        ended = "ended the process that read it, twice: it is damaged, or too large for the memory here."
        self._fail(job, f"{job.name!r} {ended}")
        if self.store is not None:
            self.store.save_arrays(ENDED, {"audio": job.digest}, {"broke": np.array([self.failures[job]])})

    def _fail(self, track: UniqueTrack, problem: str) -> None:
        track.problems |= dict.fromkeys(track.missing(self._request), problem)

    # How far it is. --------------------------------------------------------------------------------------------------

    def show_progress(self) -> None:  # noqa: D102
        busy = [*self.suspects, *self.ready, *self._reading.values(), *self.running.values()]
        done = self._total - len(self._waiting) - len(self._long) - len(busy)
        if self._throughput.is_due(last=done == self._total):
            left = self._throughput.estimate(track.seconds for track in [*self._waiting, *self._long, *busy])
            failed = sum(bool(track.problems) for track in self.tracks)
            failures = [f"{failed:,} failed"] if failed else []
            pace = self._throughput.describe(left) or (self._forecast if left else [])
            self._throughput.details = [*pace, *self._slowest(), *failures]
        stage = " · ".join([f"embedding {done:,} of {self._total:,} tracks", *self._throughput.details])
        self.report(stage, done, self._total)

    def _describe_cost(self) -> list[str]:
        """Return what there is to compute, and roughly how long that takes, before anything of it is done."""
        request, tracks = self._request, [*self._long, *self._waiting]
        if not tracks:
            return []
        missing = sorted({i for track in tracks for i in track.missing(request)})
        specs = [request.wanted[i] for i in missing]
        what = ", ".join(dict.fromkeys(f"{_layer_title(spec)} by {spec.model.name}" for spec in specs))
        seconds = self._throughput.estimate(track.seconds for track in tracks)
        cost = None
        if request.executor is None:
            workers, cores = request.workers or 1, count_cores()
            # One worker is this process, which has a thread for each core.
            cost = estimate_cost(specs, seconds, cores if workers == 1 else min(workers, cores))
        about = "" if cost is None else f", about {format_duration(cost)}"
        return [f"{what} of {format_sound(seconds)} of sound{about}"]

    def _slowest(self) -> list[str]:
        """Return how far the track is that takes longest, where it takes long."""
        track = min(self.running.values(), key=lambda track: track.begun, default=None)
        if track is None or time.monotonic() - track.begun <= SLOW:
            return []
        return [f"{track.name}: {read_progress(track.progress_file)}"]


def _layer_title(spec: LayerSpec) -> str:
    return (model_task(spec.model) if spec.layer.name == "output" else "") or spec.layer.name


def _digest(path: str, store: Cache | None) -> str:
    audio = Audio.open(path)
    return store.digest(audio) if store else audio.digest
