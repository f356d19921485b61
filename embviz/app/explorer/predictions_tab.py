"""What the models hear: tags, tempo, valence and arousal, and separated sources: what they were trained for."""

from __future__ import annotations

from typing import cast

import numpy as np

from embviz.analysis.tagging import estimate_tempo, models_by_task
from embviz.app.explorer.context import ExplorerContext, missing_weights
from embviz.app.explorer.heads import RowHeads
from embviz.app.work import DrawnWork
from embviz.core.embedding import Embedding
from embviz.core.text import one_line
from embviz.core.worker import Job
from embviz.export.static_widgets import without_comm
from embviz.export.track_page import PageRow
from embviz.extraction import extract
from embviz.extraction.separation import split_stems
from embviz.heads import Head
from embviz.heads.catalogue import CATALOGUE
from embviz.models import get_model
from embviz.models.lookup import find_model
from embviz.models.weights import has_weights
from embviz.plotting.plane import has_moods
from embviz.widgets import browser_audio
from embviz.widgets.curves import Curves
from embviz.widgets.heatmap import Heatmap
from embviz.widgets.plane import Plane
from embviz.widgets.schema import Tempo, WorkState

LONGEST_STEMS = 900.0  # seconds; separated sound takes 0.35 MB a second and stem
CURVES = 5


class PredictionsTab:
    """The view "What it hears"."""

    def __init__(self, context: ExplorerContext, heads: RowHeads) -> None:
        self._context, self._heads = context, heads
        self.taggers: list[DrawnWork] = []
        self.tempo, self.stems = DrawnWork("", "output"), DrawnWork("", "output")
        self.plane = DrawnWork("", "embedding")
        self._head = ""  # that draws the plane
        self._names: list[str] = []
        self._beat: Tempo = {}
        self._asked = False
        self._choose()

    def _choose(self) -> None:
        """Find out which models there are to ask."""
        known = {work.model: work for work in self.taggers}
        self.taggers = [known.get(name) or DrawnWork(name, "output") for name in _names_of("tags")]
        for work, task in ((self.tempo, "tempo"), (self.stems, "stems")):
            names = _names_of(task)
            if work.model not in names and not work.unfinished:
                work.model = names[0] if names else ""
        heads = self._mood_heads()
        if self._head not in heads and not self.plane.unfinished:
            self._head = next(iter(heads), "")

    def reset(self) -> None:
        """Forget the track before."""
        self._asked, self._names, self._beat = False, [], {}
        for work in self.works():
            work.begin("")
        self._context.player.clear_stems()
        self._choose()
        self.publish()

    def start(self) -> None:
        """Ask one tagger and the tempo model, unless they have been asked about this track."""
        self._asked = True
        self._choose()
        if self._context.sound is not None:
            if self.taggers and not any(work.unfinished or work.drawn for work in self.taggers):
                self._ask(self.taggers[0])
            if self.tempo.model and not (self.tempo.unfinished or self.tempo.drawn):
                self._ask_tempo()
            if self._head and not (self.plane.unfinished or self.plane.drawn):
                self._ask_plane()
        self.publish()

    def ask_tagger(self, model: str) -> None:
        """Ask one tagger."""
        self._choose()
        work = next((work for work in self.taggers if work.model == get_model(model).name), None)
        if work is not None and self._context.sound is not None and not (work.unfinished or work.drawn):
            self._ask(work)
        self.publish()

    def _ask(self, work: DrawnWork) -> None:
        def show(_i: int, embedding: Embedding, complete: bool) -> None:
            work.draw(Curves.of, embedding, complete=complete, clock=self._context.clock, title="", top=CURVES)

        work.begin()
        self._context.embed(("tags", work.model), [work], show, self.publish)

    def _ask_tempo(self) -> None:
        def show(_i: int, embedding: Embedding, complete: bool) -> None:
            self.tempo.draw(Heatmap.of, embedding, complete=complete, clock=self._context.clock, title="")
            self._context.offer_cards(self.tempo)
            if complete:
                self._beat = cast("Tempo", estimate_tempo(embedding))

        self.tempo.begin()
        self._context.embed(("tempo", self.tempo.model), [self.tempo], show, self.publish)

    # Valence and arousal. ------------------------------------------------------------------------------------------

    def ask_plane(self, head: str) -> None:
        """Draw the plane of another head."""
        self._choose()
        if head in self._mood_heads() and head != self._head and self._context.sound is not None:
            before = ("plane", self._head)
            self._context.worker.cancel(lambda key: key == before)
            self._head = head
            self._ask_plane()
        self.publish()

    def state(self) -> str:
        """Return the name of the head that draws the plane; empty where there is none."""
        return self._head

    def restore(self, head: str) -> None:
        """Let a head draw the plane, if it is here when the track is open."""
        self._head = head

    def _mood_heads(self) -> dict[str, Head]:
        """Return the heads that give valence and arousal and whose extractor is here, by name."""
        moods = {name: head for name, head in self._heads.known().items() if has_moods(head.classes)}
        return {name: head for name, head in moods.items() if find_model(head.model) and has_weights(head.model)}

    def plane_head(self) -> Head | None:
        """Return the head whose plane is drawn; None where none is."""
        return self._mood_heads().get(self._head) if self.plane.drawn else None

    def _ask_plane(self) -> None:
        head = self._mood_heads()[self._head]
        self.plane.model, self.plane.layer = head.model, head.layer

        def show(_i: int, embedding: Embedding, complete: bool) -> None:
            self.plane.draw(Plane.of, head.apply(embedding), complete=complete, clock=self._context.clock, title="")
            self.plane.embedding = embedding if complete else None

        self.plane.begin()
        self._context.embed(("plane", head.name), [self.plane], show, self.publish)

    def _hint(self) -> str:
        """Return how to get a head for the plane, where there is none whose extractor is here."""
        fitting = (record for record in CATALOGUE.values() if record.limits and has_weights(record.model))
        record = next(fitting, None)
        if self._head or record is None:
            return ""
        return f"A head for valence and arousal draws the way of the track here: embviz.pull({record.name!r})."

    def page_row(self) -> PageRow | None:
        """Return the plane as a part of a page that needs no kernel; None where it is not drawn."""
        head, embedding = self.plane_head(), self.plane.embedding
        if head is None or embedding is None:
            return None
        answers = head.apply(embedding)
        facts = (f"what {head.name} says of {head.model} / {head.layer}",)
        return PageRow(without_comm(Plane).of(answers, title=""), "Valence and arousal", facts, embedding=answers)

    # Stems. --------------------------------------------------------------------------------------------------------

    def separate(self, model: str | None = None) -> None:
        """Have the sources separated, and hand them to the player."""
        self._choose()
        sound, work = self._context.sound, self.stems
        if model and not work.unfinished:
            work.model = get_model(model).name
        if sound is None or not work.model or work.unfinished:
            self.publish()
            return
        record, store = get_model(work.model), self._context.store

        def task(job: Job) -> tuple[list[str], list[bytes], str]:
            sound.check()
            spec = extract.LayerSpec.of(record, "output", None, engine=self._context.engine)
            *_, (_, separated, _) = extract.stream_embeddings(sound.audio, [spec], store=store, report=job.report)
            return _encode(separated, job)

        def done(result: tuple[list[str], list[bytes], str]) -> None:
            self._names, voices, mime = result
            self._context.player.set_stems(self._names, voices, mime)

        if self._context.can_start(work):
            if sound.duration <= LONGEST_STEMS:
                self._context.run(("stems", record.name), work, task, done, self.publish, title=record.title)
            else:
                longest = f"{LONGEST_STEMS / 60:.0f} minutes"
                work.fail(f"Sources are separated for tracks of up to {longest}.", "Open a shorter excerpt.")
        self.publish()

    # Showing. ------------------------------------------------------------------------------------------------------

    def use_weights(self) -> None:
        """Look again which models are here."""
        if self._asked:
            self.start()
        else:
            self._choose()
            self.publish()

    def close(self) -> None:
        """Take everything off the page."""
        for work in self.works():
            work.close()

    def stop_all(self) -> None:
        """Mark what was cancelled."""
        for work in self.works():
            work.cancel("Cancelled.")
        self.publish()

    def works(self) -> list[DrawnWork]:
        """Return all that this view computes."""
        return [*self.taggers, self.tempo, self.plane, self.stems]

    def publish(self) -> None:
        """Show this view as it is."""
        beat: Tempo = {"bpm": None, "confidence": None, "bpms": [], "shares": []}
        taggers = [_to_dict(work, "tags") for work in self.taggers]
        self._context.panel.predictions = {
            "taggers": taggers or [_to_dict(DrawnWork("", "output"), "tags")],
            "tempo": {**beat, **self._beat, **_to_dict(self.tempo, "tempo")},
            "plane": {
                **self.plane.to_dict(),
                "head": self._head,
                "hint": self._hint(),
                "heads": [{"name": name, "title": one_line(head.title)} for name, head in self._mood_heads().items()],
            },
            "stems": {**_to_dict(self.stems, "stems"), "models": _names_of("stems"), "names": self._names},
        }


def _names_of(task: str) -> list[str]:
    """Return the models for a task whose weights are here."""
    return [model.name for model in models_by_task(task) if has_weights(model)]


def _to_dict(work: DrawnWork, task: str) -> WorkState:
    model = get_model(work.model) if work.model else models_by_task(task)[0]
    state: WorkState = {**work.to_dict(), "title": model.title}
    if work.model:
        return state
    return {**state, "model": model.name, "status": "download", "message": missing_weights(model)}


def _encode(separated: Embedding, job: Job) -> tuple[list[str], list[bytes], str]:
    """Return the names of the sources and their sound, two channels each, as a browser takes it."""
    stems = split_stems(separated)
    voices, mime = [], ""
    for i, (name, (samples, rate)) in enumerate(stems.items()):
        job.report(f"encoding {name}", i, len(stems))
        voice, mime = browser_audio.encode(np.clip(samples, -1, 1), rate)
        voices.append(voice)
    job.report("encoding", len(stems), len(stems))
    return list(stems), voices, mime
