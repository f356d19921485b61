"""What the parts of an Explorer share: the open track, and how work is shown.

Conventions: everything here is called in the kernel's main thread, except functions that take a ``job``. The keys of
jobs are tuples; the first item says what kind of work it is.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from embviz.app.context import PanelContext, Store
from embviz.app.events import ExplorerEvents
from embviz.app.tracks import Track, Tracks
from embviz.app.work import DrawnWork, Work
from embviz.audio import Audio
from embviz.core.worker import Job, Worker
from embviz.errors import AudioError
from embviz.extraction import extract
from embviz.extraction.excerpt import cut_excerpt, place_in_track
from embviz.models import get_model

if TYPE_CHECKING:
    from embviz.core.embedding import Embedding


LIGHT = 32 << 20  # bytes


@dataclass(frozen=True)
class Sound:
    """The open track: its samples, its digest, and what tells whether the file is still the same."""

    track: Track
    audio: Audio
    digest: str
    stamp: tuple[int, int] | None
    duration: float = 0.0

    @classmethod
    def of(cls, track: Track, store: Store | None) -> Sound:
        """Open a track; nothing is decoded."""
        audio = track.open()
        stamp = extract.file_stamp(audio)
        return cls(track, audio, store.digest(audio) if store else audio.digest, stamp)

    def check(self) -> None:
        """Raise where the file is not what it was when it was opened."""
        if self.stamp is not None and extract.file_stamp(self.audio) != self.stamp:
            raise AudioError(f"{self.track.name!r} has changed since it was opened; open it again.")


class ExplorerContext(PanelContext[ExplorerEvents]):
    """What all parts of an Explorer work on.

    Attributes
    ----------
    player : Player
        The widget that plays.
    aside : Worker
        Who computes what concerns all tracks, and goes on whichever of them is opened.
    light_store : Store or None
        The store without what is large.
    tracks : Tracks
        The list.
    sound : Sound or None
        The open track, once it has been found to be readable.
    """

    def __init__(self, tracks: Tracks, cache: Any, panel: Any, player: Any) -> None:
        super().__init__(panel, player, cache, ExplorerEvents())
        self.tracks, self.player = tracks, player
        self.aside = Worker(self.events.settled)
        # A walk through a network gives hundreds of megabytes that are soon computed again.
        self.light_store = self.make_store(cache)
        if self.light_store is not None:
            self.light_store.largest = LIGHT
        self.track: Track | None = None
        self.sound: Sound | None = None
        self.active: DrawnWork | None = None

    # Computing. ----------------------------------------------------------------------------------------------------

    def run(
        self, key: Hashable, work: Work, task: Callable[[Job], Any], done: Callable[[Any], None],
        publish: Callable[[], None], *, title: str, aside: bool = False,
    ) -> None:  # fmt: skip
        """Have something computed for a piece of work, whose status follows."""
        work.status = "waiting"
        silent = work.model if isinstance(work, DrawnWork) else title  # a stage that says no more than the title
        worker = self.aside if aside else self.worker

        def begun() -> None:
            work.status = "running"
            tell(title, 0, 0)
            publish()

        def tell(text: str, at: int, total: int) -> None:
            if not aside:
                self.busy(text, at, total)

        def progress(stage: str, at: int, total: int) -> None:
            work.report(stage, at, total)
            tell(title if stage == silent else f"{title}: {stage}", at, total)
            publish()

        def finished(result: Any) -> None:
            if work.unfinished:
                work.status = "ready"
            done(result)
            publish()

        def failed(sentence: str, remedy: str) -> None:
            work.fail(sentence, remedy)
            publish()

        # Rows wait for each other; what is on the page in front goes first.
        first = not isinstance(key, tuple) or key[0] != "row"
        worker.submit(key, task, done=finished, failed=failed, progress=progress, begun=begun, first=first)

    @property
    def workers(self) -> tuple[Worker, ...]:
        """All workers of the panel."""
        return *super().workers, self.aside

    def close(self) -> None:
        """End the threads, and remove what was uploaded."""
        self.aside.close()
        super().close()

    def embed(
        self, key: Hashable, works: Sequence[DrawnWork], show: Callable[[int, Embedding, bool], None],
        publish: Callable[[], None], *, span: tuple[float, float] | None = None, lead: DrawnWork | None = None,
        store: Store | None = None,
    ) -> None:  # fmt: skip
        """Have layers of one model computed, and shown as they come.

        Parameters
        ----------
        key : hashable
            Of the job.
        works : sequence of DrawnWork
            The layers.
        show : callable
            Given the place in `works`, an embedding and whether it is complete.
        publish : callable
            Called when something is to be shown anew.
        span : tuple of float, optional
            Seconds that are enough; the whole track by default.
        lead : DrawnWork, optional
            What shows the progress; the first of `works` by default.
        store : Store, optional
            Where results are kept; the usual one by default.
        """
        sound = self.sound
        model = get_model(works[0].model)
        for work in works:
            work.status = "waiting"

        def task(job: Job) -> None:
            if sound is None:
                raise AudioError("No track is open; choose one from the list.")
            sound.check()
            audio, first, total = (sound.audio, 0, 0) if span is None else cut_excerpt(sound.audio, model, span)
            wanted = [extract.LayerSpec.of(model, work.layer, work.hop) for work in works]
            for i, embedding, complete in extract.stream_embeddings(
                audio, wanted, store=store or self.store, report=job.report
            ):
                where = embedding if span is None else place_in_track(embedding, first, total, title=sound.track.name)
                job.show(f"layer {i}", shown, i, where, complete)

        def shown(i: int, embedding: Embedding, complete: bool) -> None:
            show(i, embedding, complete)
            publish()

        def finished(_result: Any) -> None:
            for work in works:
                if work.unfinished:
                    work.status = "ready"

        head = lead or works[0]
        self.run(key, head, task, finished, publish, title=model.title)
