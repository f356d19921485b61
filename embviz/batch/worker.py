"""What is done for one track, in whatever process it is done.

Conventions: a task is plain data, so that it can be sent to a process on this machine or another one.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embviz.audio import Audio
from embviz.batch import pooling
from embviz.batch.progress_files import Line, StoppedError
from embviz.core.cache import Cache
from embviz.core.text import one_line
from embviz.errors import AudioError, EmbvizError, LayerError, ModelError, OptionError, WeightsError
from embviz.extraction.extract import PatchHop, Wanted, stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embviz.core.embedding import Embedding, FrameGrid
    from embviz.models import Model

__all__ = ["Asked", "Done", "Task", "extract", "sentence"]

FATAL = (LayerError, ModelError, OptionError, WeightsError)  # wrong for every track, not for one


@dataclass(frozen=True)
class Asked:
    """A layer of a model, as it is asked for; `weights` is what their SHA-256 has to be."""

    model: Model
    layer: str
    hop: PatchHop
    quality: int | None
    weights: str

    def wanted(self) -> Wanted:
        """Return it with all that determines its numbers here."""
        want = Wanted.of(self.model, self.layer, self.hop, self.quality)
        if want.weights.sha256 != self.weights:
            raise WeightsError(
                f"The weights of {self.model.name!r} are others where the tracks are computed than where that was "
                "asked for; give all processes the same EMBVIZ_HOME."
            )
        return want


@dataclass(frozen=True)
class Task:
    """One track.

    Parameters
    ----------
    path : str
        The file; may hold what is no character.
    name : str
        What it is called in sentences.
    digest : str
        What the file has to hold.
    asked : tuple of Asked
        What is to be computed.
    frames : bool
        Whether the frames are needed, and not only what they are pooled to.
    keep : bool
        Whether frames go to the cache.
    folder : str or None
        Of the cache; None keeps nothing.
    limit : int
        Of the cache, in bytes.
    home : str or None
        ``EMBVIZ_HOME`` of the process that asks.
    line : str
        File in the folder that joins the run and its tasks.
    """

    path: str
    name: str
    digest: str
    asked: tuple[Asked, ...]
    frames: bool
    keep: bool
    folder: str | None
    limit: int
    home: str | None
    line: str


@dataclass
class Done:
    """What came of a task, by the places in its `asked`.

    Parameters
    ----------
    records : dict
        Pooled records.
    frames : dict
        Frames and their grid, where they are needed and not in the cache.
    problems : dict
        A sentence for what gave nothing.
    seconds : float
        Length of the track, 0 where it is not known.
    kept : int
        Bytes of frames that went to the cache.
    complaints : dict
        Warnings of the cache, by kind.
    """

    records: dict[int, pooling.Record] = field(default_factory=dict)
    frames: dict[int, tuple[NDArray[Any], FrameGrid]] = field(default_factory=dict)
    problems: dict[int, str] = field(default_factory=dict)
    seconds: float = 0.0
    kept: int = 0
    complaints: dict[str, str] = field(default_factory=dict)


def extract(task: Task) -> Done:
    """Compute what a task asks for, and keep it in the cache.

    Raises
    ------
    LayerError, ModelError, OptionError, WeightsError
        If something is wrong that is wrong for every track; what is wrong with this one is said in the result.
    """
    _settle(task.home)
    store = None if task.folder is None else _store(task.folder, task.limit, task.keep)
    wanted = [asked.wanted() for asked in task.asked]
    done, line = Done(), Line(Path(task.line))
    _extract(task, wanted, range(len(wanted)), store, done, line)
    if store is not None:
        done.complaints = store.said()
    return done


def sentence(error: BaseException, name: str) -> str:
    """Return what went wrong with a track."""
    if isinstance(error, EmbvizError):
        return one_line(str(error))
    if isinstance(error, MemoryError):
        return f"There was not enough memory for {name!r}."
    said = one_line(str(error).strip())[:200]
    return f"{name!r} failed unexpectedly with {type(error).__name__}{f': {said}' if said else ''}."


def _extract(
    task: Task, wanted: list[Wanted], places: Sequence[int], store: _Store | None, done: Done, line: Line
) -> None:
    """Compute some of what is asked for."""
    missing = list(places)
    try:
        sound = Audio.open(task.path)
        some = [wanted[i] for i in places]
        for n, embedding, complete in stream(sound, some, store=store, report=line.report, every=math.inf):
            if complete:
                _take(task, places[n], wanted[places[n]], embedding, store, done)
                missing.remove(places[n])
    except (*FATAL, StoppedError):
        raise
    except AudioError as error:
        done.problems |= dict.fromkeys(missing, sentence(error, task.name))
    except Exception as error:  # noqa: BLE001  whatever one track does, the others go on
        if len(missing) == 1:
            done.problems[missing[0]] = sentence(error, task.name)
            return
        for i in missing:  # one of them failed and took the others along
            _extract(task, wanted, [i], store, done, line)


def _take(task: Task, place: int, want: Wanted, embedding: Embedding, store: _Store | None, done: Done) -> None:
    if embedding.info["audio"] != task.digest:
        raise AudioError(f"{task.name!r} was changed while it was read; try again.")
    record = done.records[place] = pooling.record(embedding)
    done.seconds = embedding.duration
    if store is not None:
        store.remember(pooling.KIND, pooling.key(want.key(task.digest)), record)
    there = store is not None and store.has(want.key(task.digest))
    done.kept += embedding.nbytes * there
    if task.frames and not there:
        done.frames[place] = embedding.values, embedding.grid


def _settle(home: str | None) -> None:
    """Make this process look for weights where the one that asks does."""
    if home is None:
        os.environ.pop("EMBVIZ_HOME", None)
    elif os.environ.get("EMBVIZ_HOME") != home:
        os.environ["EMBVIZ_HOME"] = home


class _Store(Cache):
    """A cache that keeps its complaints for the process that asked, and frames only where they are to be kept."""

    def __init__(self, folder: str, limit: int, *, keep: bool) -> None:
        super().__init__(folder, max_bytes=limit)
        self._keep = keep
        self._said: dict[str, str] = {}

    def put(self, key: Any, embedding: Embedding) -> None:
        if self._keep:
            super().put(key, embedding)

    def said(self) -> dict[str, str]:
        said, self._said = self._said, {}
        return said

    def _warn(self, kind: str, message: str) -> None:
        self._said[kind] = message


@lru_cache(maxsize=4)
def _store(folder: str, limit: int, keep: bool) -> _Store:
    """Return the store of this process: a new one has to look at all its entries once."""
    return _Store(folder, limit, keep=keep)
