"""The embeddings of one track, computed and pooled in whatever process a job is given to.

Conventions: a job is plain data, so that it can be sent to a process on this machine or another one.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embviz.analysis.tagging import model_task
from embviz.audio import Audio
from embviz.batch import pooling
from embviz.batch.progress_files import RunEndedError, progress_writer
from embviz.core.cache import Cache
from embviz.core.text import one_line
from embviz.errors import AudioError, EmbvizError, LayerError, ModelError, OptionError, WeightsError
from embviz.extraction.engines import EngineOption
from embviz.extraction.extract import LayerSpec, PatchHop, stream_embeddings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embviz.core.embedding import Embedding, FrameGrid, Precision
    from embviz.core.progress import Report
    from embviz.models import Model


FATAL = (LayerError, ModelError, OptionError, WeightsError)  # wrong for every track, not for one


@dataclass(frozen=True)
class LayerRequest:
    """A layer of a model that is to be computed; `weights` is the SHA-256 that its file must have."""

    model: Model
    layer: str
    hop: PatchHop
    quality: int | None
    engine: EngineOption
    weights: str

    def resolve(self) -> LayerSpec:
        """Return it with all that determines its numbers in this process."""
        want = LayerSpec.of(self.model, self.layer, self.hop, self.quality, self.engine)
        if want.weights.sha256 != self.weights:
            raise WeightsError(
                f"The weights of {self.model.name!r} are others where the tracks are computed than where that was "
                "asked for; give all processes the same EMBVIZ_HOME."
            )
        return want


@dataclass(frozen=True)
class EmbeddingJob:
    """One track, and the layers that are to be computed for it."""

    path: str  # may hold what is no character
    name: str  # what it is called in sentences
    digest: str  # what the file has to hold
    requests: tuple[LayerRequest, ...]
    frames: bool  # whether the frames are needed, and not only what they are pooled to
    keep: bool  # whether frames go to the cache
    folder: str | None  # of the cache; None keeps nothing
    limit: int  # of the cache, in bytes
    homes: Mapping[str, str | None]  # EMBVIZ_HOME and EMBVIZ_SHARED of the process that asks
    progress_file: str  # in the folder of the run, see progress_files
    precision: Precision = "float32"  # of the cache


@dataclass
class JobResult:
    """The result of a job, by the places in its `requests`."""

    records: dict[int, pooling.Record] = field(default_factory=dict)
    # Frames and their grid, where they are needed and not in the cache.
    frames: dict[int, tuple[NDArray[Any], FrameGrid]] = field(default_factory=dict)
    problems: dict[int, str] = field(default_factory=dict)
    seconds: float = 0.0  # of the track; 0 where it is not known
    kept: int = 0  # bytes of frames that went to the cache
    complaints: dict[str, str] = field(default_factory=dict)  # warnings of the cache, by kind


def run_job(job: EmbeddingJob) -> JobResult:
    """Return the embeddings of a track, pooled, and keep them in the cache.

    What is wrong with this track is said in the result; raised is what is wrong for all (``FATAL``).
    """
    for name, home in job.homes.items():  # weights are looked for where the process that asks does
        if home is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = home
    store = None if job.folder is None else _open_cache(job.folder, job.limit, job.keep, job.precision)
    specs = {i: request.resolve() for i, request in enumerate(job.requests)}
    beside = [] if store is None else list(_outputs_beside(job.requests, specs.values()))
    result = JobResult()
    _extract(job, specs, store, result, progress_writer(Path(job.progress_file)), beside)
    if store is not None:
        result.complaints, store.complaints = store.complaints, {}
    return result


def describe_error(error: BaseException, name: str) -> str:
    """Return a sentence that says what went wrong with a track."""
    if isinstance(error, EmbvizError):
        return one_line(str(error))
    if isinstance(error, MemoryError):
        return f"There was not enough memory for {name!r}."
    message = one_line(str(error).strip())[:200]
    return f"{name!r} failed unexpectedly with {type(error).__name__}{f': {message}' if message else ''}."


def _outputs_beside(requests: Sequence[LayerRequest], specs: Iterable[LayerSpec]) -> Iterator[LayerSpec]:
    """Yield the outputs with names, tags or tempi, that the passes for some embeddings give as well.

    What stands before an embedding is far from the end of the network; from there on, it costs nothing.
    """
    wanted = list(specs)
    for request, want in zip(requests, wanted, strict=True):
        if want.layer.name != "embedding" or model_task(want.model) not in ("tags", "tempo"):
            continue
        with contextlib.suppress(EmbvizError):  # a graph without it
            output = replace(request, layer="output").resolve()
            if output not in wanted:
                yield output


def _extract(
    job: EmbeddingJob,
    specs: Mapping[int, LayerSpec],
    store: _WorkerCache | None,
    result: JobResult,
    report: Report,
    beside: Sequence[LayerSpec] = (),
) -> None:
    """Compute some of the layers of a job, by their places in it, and keep what comes `beside` them, pooled."""
    places, missing = list(specs), list(specs)
    unkept = () if job.frames else range(len(specs), len(specs) + len(beside))
    try:
        sound = Audio.open(job.path)
        wanted = [*specs.values(), *beside]

        def settled(n: int) -> bool:
            keys = [pooling.record_key(one.key(job.digest)) for one in wanted[n].serving]
            return not job.frames and store is not None and any(store.has_arrays(pooling.KIND, key) for key in keys)

        steps = stream_embeddings(
            sound, wanted, store=store, report=report, every=math.inf, unkept=unkept, settled=settled
        )
        for n, embedding, complete in steps:
            if complete and n < len(places):
                _add(job, places[n], specs[places[n]], embedding, store, result)
                missing.remove(places[n])
            elif complete and store is not None:
                _keep_record(job, beside[n - len(places)], embedding, store)
    except (*FATAL, RunEndedError):
        raise
    except AudioError as error:
        result.problems |= dict.fromkeys(missing, describe_error(error, job.name))
    except Exception as error:  # noqa: BLE001  whatever one track does, the others go on
        if len(missing) == 1 and not beside:
            result.problems[missing[0]] = describe_error(error, job.name)
            return
        for i in missing:  # one of them failed and took the others along
            _extract(job, {i: specs[i]}, store, result, report)


def _add(
    job: EmbeddingJob, place: int, want: LayerSpec, embedding: Embedding, store: _WorkerCache | None, result: JobResult
) -> None:
    if embedding.info["audio"] != job.digest:
        raise AudioError(f"{job.name!r} was changed while it was read; try again.")
    result.seconds = embedding.duration
    if store is None:
        result.records[place] = pooling.compute_record(embedding.values, embedding.duration)
    else:
        result.records[place] = _keep_record(job, want, embedding, store)
    there = store is not None and store.has(want.using(embedding.info["engine"]).key(job.digest))
    result.kept += embedding.nbytes * there
    if job.frames and not there:
        result.frames[place] = embedding.values, embedding.grid


def _keep_record(job: EmbeddingJob, want: LayerSpec, embedding: Embedding, store: Cache) -> pooling.Record:
    record = pooling.compute_record(embedding.values, embedding.duration)
    key = want.using(embedding.info["engine"]).key(job.digest)
    if "rounding" not in embedding.info:  # it would serve who wants nothing that is
        store.save_arrays(pooling.KIND, pooling.record_key(key), record)
    return record


class _WorkerCache(Cache):
    """A cache that keeps its complaints for the process that asked, and frames only where they are to be kept."""

    def __init__(self, folder: str, limit: int, *, keep: bool, precision: Precision) -> None:
        super().__init__(folder, max_bytes=limit, precision=precision)
        self._keep = keep
        self.complaints: dict[str, str] = {}

    def put(self, key: Any, embedding: Embedding) -> None:
        if self._keep:
            super().put(key, embedding)

    def warn(self, kind: str, message: str) -> None:
        self.complaints[kind] = message


@lru_cache(maxsize=4)
def _open_cache(folder: str, limit: int, keep: bool, precision: Precision) -> _WorkerCache:
    """Return the cache of this process: a new one has to look at all its entries once."""
    return _WorkerCache(folder, limit, keep=keep, precision=precision)
