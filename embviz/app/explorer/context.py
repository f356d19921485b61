"""What the parts of an Explorer share: the open track, and how work is shown; conventions as in `app.context`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embviz.app.context import PanelContext, Store
from embviz.app.events import ExplorerEvents
from embviz.app.given import title_of
from embviz.app.tracks import Track, Tracks
from embviz.app.work import DrawnWork, Work
from embviz.audio import Audio
from embviz.core.cache import CacheOption
from embviz.core.embedding import Embedding
from embviz.core.worker import Job, Worker
from embviz.errors import AudioError, OptionError
from embviz.extraction import extract
from embviz.extraction.engines import check_engine
from embviz.extraction.excerpt import cut_excerpt, place_in_track
from embviz.models import Model, get_model
from embviz.widgets import browser_audio

if TYPE_CHECKING:
    from embviz.core.vectors import Vectors
    from embviz.widgets.panel import Panel

LIGHT = 32 << 20  # bytes


@dataclass(frozen=True)
class Sound:
    """The open track: its samples, its digest, and what tells whether the file is still the same."""

    track: Track
    audio: Audio
    digest: str
    stamp: tuple[int, int] | None
    duration: float = 0.0
    warning: str = ""

    def check(self) -> None:
        """Raise where the file is not what it was when it was opened."""
        if self.stamp is not None and extract.file_stamp(self.audio) != self.stamp:
            raise AudioError(f"{self.track.name!r} has changed since it was opened; open it again.")


class ExplorerContext(PanelContext[ExplorerEvents, "Panel"]):
    """What all parts of an Explorer work on."""

    def __init__(self, tracks: Tracks, cache: Any, panel: Panel, player: Any, engine: Any = "auto") -> None:
        super().__init__(panel, player, cache, ExplorerEvents())
        self.tracks, self.player, self.engine = tracks, player, check_engine(engine)
        #: Who computes what concerns all tracks, and goes on whichever of them is opened.
        self.aside = Worker(self.events.settled)
        #: Who reads files, and holds up nobody who computes.
        self.reader = Worker(self.events.settled, computes=False)
        #: The store as functions take it.
        self.cache: CacheOption = False if self.store is None else self.store
        # A walk through a network gives hundreds of megabytes that are soon computed again.
        self.light_store = self.make_store(cache)
        if self.light_store is not None:
            self.light_store.largest = LIGHT
        #: The open track, and its sound once that has been found to be readable.
        self.track: Track | None = None
        self.sound: Sound | None = None
        self.active: DrawnWork | None = None
        #: Returns the label in the table of the collection of a track in the list, where there is one.
        self.label_of: Callable[[int], int | None] = lambda _number: None

    # Computing. ----------------------------------------------------------------------------------------------------

    def run(
        self, key: tuple[Any, ...], work: Work, task: Callable[[Job], Any], done: Callable[[Any], None],
        publish: Callable[[], None], *, title: str, aside: bool = False,
    ) -> None:  # fmt: skip
        """Have something computed for a piece of work, whose status follows."""
        work.status = "waiting"
        silent = work.model if isinstance(work, DrawnWork) else title  # a stage that says no more than the title
        worker, tell = (self.aside, lambda *_: None) if aside else (self.worker, self.busy)

        def begin() -> None:
            work.status = "running"
            tell(title, 0, 0)
            publish()

        def progress(stage: str, at: int, total: int) -> None:
            work.report(stage, at, total)
            tell(title if stage == silent else f"{title}: {stage}", at, total)
            publish()

        def finish(result: Any) -> None:
            if work.unfinished:
                work.status = "ready"
            done(result)
            publish()

        def fail(sentence: str, remedy: str) -> None:
            work.fail(sentence, remedy)
            publish()

        # Rows wait for each other; what is on the page in front goes first.
        first = key[0] != "row"
        worker.submit(key, task, on_done=finish, on_failed=fail, on_progress=progress, on_begin=begin, first=first)

    @property
    def workers(self) -> tuple[Worker, ...]:
        """All workers of the panel."""
        return *super().workers, self.aside, self.reader

    def close(self) -> None:
        """End the threads, and remove what was uploaded."""
        self.aside.close()
        self.reader.close()
        super().close()

    def embed(
        self, key: tuple[Any, ...], works: Sequence[DrawnWork], show: Callable[[int, Embedding, bool], None],
        publish: Callable[[], None], *, span: tuple[float, float] | None = None, lead: DrawnWork | None = None,
        store: Store | None = None,
    ) -> None:  # fmt: skip
        """Have layers of one model computed, and shown as they come.

        `show` is given the place in `works`, an embedding and whether it is complete. Of `span`, seconds, the layers
        are enough, where there is one; `lead` shows the progress in place of the first of `works`.
        """
        sound, given = self.sound, self.given.find(works[0].model, works[0].layer)
        for work in works:
            work.status = "waiting"

        def task(job: Job) -> None:
            if sound is None:
                raise AudioError("No track is open; choose one from the list.")
            sound.check()
            if given is not None:
                job.show("layer 0", show_one, 0, self._frames_of(given, sound), True)
                return
            model = get_model(works[0].model)
            audio, first, total = (sound.audio, 0, 0) if span is None else cut_excerpt(sound.audio, model, span)
            specs = [extract.LayerSpec.of(model, work.layer, work.hop, engine=self.engine) for work in works]
            stream = extract.stream_embeddings(audio, specs, store=store or self.store, report=job.report)
            for i, embedding, complete in stream:
                where = embedding if span is None else place_in_track(embedding, first, total, title=sound.track.name)
                job.show(f"layer {i}", show_one, i, where, complete)

        def show_one(i: int, embedding: Embedding, complete: bool) -> None:
            show(i, embedding, complete)
            publish()

        def finish(_result: Any) -> None:
            for work in works:
                if work.unfinished:
                    work.status = "ready"

        self.run(key, lead or works[0], task, finish, publish, title=title_of(works[0].model))

    def _frames_of(self, given: Vectors, sound: Sound) -> Embedding:
        """Return the frames that were given of a track, on its clock."""
        label = self.label_of(sound.track.id)
        if label is None:
            raise OptionError(
                f"The vectors {given.model} / {given.layer} are of the tracks of a collection: open that one, as in "
                "Explorer(collection)."
            )
        embedding = given.embedding(label, title=sound.track.name)
        grid = replace(embedding.grid, n_samples=round(sound.duration * embedding.grid.sample_rate))
        return replace(embedding, grid=grid, info={"audio": sound.digest})

    def offer_cards(self, work: DrawnWork) -> None:
        """Have the view of some work open the card of a dimension; asked once of each view."""
        view: Any = work.view
        if view is not None and not view.cards:
            view.on_card(lambda dimension: self.show_card(work, dimension))

    def show_card(self, work: DrawnWork, dimension: int) -> None:
        """Open the card of a dimension of what is shown."""
        with self.guard():
            self.events.unit_chosen(work.model, work.layer, dimension)

    def notice_written(self, path: Path) -> None:
        """Say above the panel where a file was written."""
        self.notice("done", f"Written to {str(path)!r}.", file=browser_audio.served(path))

    def can_start(self, work: DrawnWork) -> bool:
        """Have work begin anew, and tell whether weights and a track are there; where no weights are, it says so."""
        work.begin()
        if not self.given.is_here(work.model, work.layer):
            work.begin("download", missing_weights(get_model(work.model)))
        elif self.sound is None:
            work.begin("")
        return work.unfinished


def missing_weights(model: Model) -> str:
    """Return the sentence that stands where the weights of a model are not here."""
    return f"The weights of {model.title} are not on this computer yet."
