"""The list of tracks: which one is open, what of each is in the cache, and files that are handed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embviz.app.explorer.context import ExplorerContext, Sound
from embviz.app.explorer.row import row_key
from embviz.app.tracks import Track
from embviz.audio import Audio
from embviz.errors import EmbvizError, OptionError
from embviz.extraction import extract
from embviz.models import get_model, known_models
from embviz.models.weights import has_weights
from embviz.widgets import browser_audio

if TYPE_CHECKING:
    from embviz.app.explorer.row import Row
    from embviz.core.embedding import Embedding
    from embviz.core.worker import Job


SENT_AGAIN = 2000  # tracks; a longer list is not sent again for one track's length
MARKED_AT_ONCE = 500


class TrackList:
    """The tracks as the panel lists them."""

    def __init__(self, context: ExplorerContext) -> None:
        self._context = context
        self._marks: dict[str, list[str]] = {}

    def publish(self) -> None:
        """Show the list as it is."""
        self._context.panel.folder = self._context.tracks.folder
        self._context.panel.tracks = self._context.tracks.listed()

    def find_or_add(self, track: Any) -> Track:
        """Return a track of the list by its place, path or name, or one that is added for a file or samples."""
        tracks = self._context.tracks
        if isinstance(track, int) and track in tracks:
            return tracks[track]
        found = tracks.find(track) if isinstance(track, str | Path) else None
        if found is None and isinstance(track, str):
            found = next((one for one in tracks if one.name == track), None)
        if found is None:
            found = tracks.add(track if isinstance(track, tuple | Audio) else Audio.open(track).path)
            self.publish()
        return found

    # Opening. ------------------------------------------------------------------------------------------------------

    def open(self, number: int, rows: list[Row]) -> None:
        """Open a track: what is in the cache is shown at once, the rest is computed after."""
        context = self._context
        if number not in context.tracks:
            raise OptionError(f"There is no track {number!r} in the list.")
        context.worker.cancel(lambda key: key != ("export",))
        context.track, context.sound = context.tracks[number], None
        context.panel.track = number
        context.player.clear(loading=f"opening {context.track.name}")
        context.selection.track = None
        context.events.track_left()
        asked = [(row_key(row), row) for row in rows if has_weights(row.model)]
        context.worker.submit(
            ("open",), self._opening_task(context.track, [key for key, _ in asked]),
            done=self._finish_opening, failed=self._fail, progress=context.busy,
            begun=lambda: context.busy("opening", 0, 0), first=True,
        )  # fmt: skip

    def _opening_task(self, track: Track, keys: list[Any]) -> Callable[[Job], Any]:
        store = self._context.store

        def task(job: Job) -> tuple[Sound, Any, Any]:
            sound = Sound.of(track, store)
            found = {} if store is None else _load_cached(sound, keys, store)
            job.check()
            job.show("found", self._show_cached, sound, found)
            job.report(f"decoding {track.name}", 0, 1)
            folder = store.folder if store is not None else None
            outline = browser_audio.summary(sound.audio, folder=folder)
            job.report(f"decoding {track.name}", 1, 1)
            if len(keys) - len(found) > 1:
                sound.audio.duration  # noqa: B018  decoded once here, rather than once for each model
            return (
                replace(sound, duration=outline.duration),
                outline,
                browser_audio.playable(sound.audio, folder=folder),
            )

        return task

    def _show_cached(self, sound: Sound, found: dict[Any, Embedding]) -> None:
        self._context.sound = sound
        if found:
            self._context.events.embeddings_cached(found)

    def _finish_opening(self, opened: tuple[Sound, Any, Any]) -> None:
        sound, outline, playable = opened
        context, track = self._context, sound.track
        context.sound = sound
        context.player.set_track(
            title=track.title or track.name,
            duration=outline.duration,
            peaks=outline.peaks,
            sections=[{"name": name, "start": start} for name, start in track.sections],
            playable=playable,
        )
        if track.seconds != outline.duration or track.problem:
            context.track = context.tracks.change(track.id, seconds=outline.duration, problem="")
            if len(context.tracks) <= SENT_AGAIN:
                self.publish()
        context.events.track_opened()
        context.selection.track = track.id

    def _fail(self, sentence: str, remedy: str) -> None:
        context = self._context
        context.sound = None
        context.player.clear(problem=sentence)
        if context.track is not None:
            context.track = context.tracks.change(context.track.id, problem=sentence)
            self.publish()
        context.events.track_failed(sentence, remedy)

    # What is in the cache. -----------------------------------------------------------------------------------------

    def mark(self) -> None:
        """Find out, behind all other work, which embeddings of which tracks are in the cache."""
        store, tracks = self._context.store, list(self._context.tracks)
        if store is None:
            return

        def task(job: Job) -> dict[str, list[str]]:
            wanted = list(_usual_specs())
            marks: dict[str, list[str]] = {}
            for i, track in enumerate(tracks):
                if not i % MARKED_AT_ONCE:
                    job.report("looking into the cache", i, len(tracks))
                digest = store.known_digest(track.place) if track.place is not None else None
                here = [want.model.name for want in wanted if digest and store.has(want.key(digest))]
                if here:
                    marks[str(track.id)] = here
            return marks

        self._context.worker.submit(("marks",), task, done=self._show_marks, failed=lambda *_: None)

    def _show_marks(self, marks: dict[str, list[str]]) -> None:
        self._marks = marks
        self._context.panel.cached = marks

    def mark_one(self, model: str) -> None:
        """Note that the embedding of the open track is in the cache now."""
        track, store = self._context.track, self._context.store
        if track is None or store is None or track.path is None:
            return
        here = self._marks.get(str(track.id), [])
        if model not in here:
            self._marks = {**self._marks, str(track.id): [*here, model]}
            self._context.panel.cached = self._marks

    # Files that are handed in. -------------------------------------------------------------------------------------

    def upload(self, name: str, data: bytes) -> Track:
        """Keep a file for this session and add it to the list."""
        track = self._context.tracks.add(self._context.uploads.keep(name, data), note="added")
        self.publish()
        return track


def _load_cached(sound: Sound, keys: list[Any], store: Any) -> dict[Any, Embedding]:
    found = {}
    for key in keys:
        model, layer, hop = key
        try:
            want = extract.LayerSpec.of(get_model(model), layer, hop)
        except EmbvizError:
            continue  # the row says it when its turn comes
        embedding = extract.load_cached(sound.audio, sound.digest, want, store)
        if embedding is not None:
            found[key] = embedding
    return found


def _usual_specs() -> Any:
    """Yield what a row of each model asks for, of those whose weights are here."""
    for model in known_models():
        if has_weights(model):
            try:
                yield extract.LayerSpec.of(model, "embedding", None)
            except EmbvizError:
                continue
