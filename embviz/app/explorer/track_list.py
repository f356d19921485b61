"""The list of tracks: which one is open, what of each is in the cache, and files that are handed in."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from embviz.app.explorer.context import ExplorerContext, Sound
from embviz.app.explorer.row import Row, row_key
from embviz.app.tracks import Track, sound_facts
from embviz.audio import Audio
from embviz.audio.facts import SoundFacts, load_facts
from embviz.collection.file_tags import FileTags
from embviz.collection.track_table import read_file_tags
from embviz.core.embedding import Embedding
from embviz.core.worker import Job
from embviz.errors import EmbvizError, OptionError
from embviz.extraction import EngineOption, extract
from embviz.models import Model, find_model, get_model, known_models
from embviz.models.weights import has_weights
from embviz.widgets import browser_audio

SENT_AGAIN = 2000  # tracks; a longer list is not sent again for one track's length
MARKED_AT_ONCE = 500
TAGS_AT_ONCE = 200  # files whose tags are shown first; then those of four times as many, and so on


class TrackList:
    """The tracks as the panel lists them; where they are `tagged`, what their tags say is in the list already."""

    def __init__(self, context: ExplorerContext, *, tagged: bool = False) -> None:
        self._context = context
        self._tagged = len(context.tracks) if tagged else 0  # tracks whose tags are read, or being read

    def publish(self) -> None:
        """Show the list as it is, and have the tags of those files read that are new in it."""
        self._send()
        self._read_tags()

    def _send(self) -> None:
        self._context.panel.folder = self._context.tracks.folder
        self._context.panel.tracks = self._context.tracks.to_dict()

    def find_or_add(self, track: Any) -> Track:
        """Return a track of the list by its place, path or name, or one that is added for a file or samples."""
        tracks = self._context.tracks
        if isinstance(track, int) and track in tracks:
            return tracks[track]
        listed = tracks.find(track) if isinstance(track, str | Path) else None
        if listed is None and isinstance(track, str):
            listed = next((one for one in tracks if one.name == track), None)
        if listed is None:
            listed = tracks.add(track if isinstance(track, tuple | Audio) else Audio.open(track).path)
            self.publish()
        return listed

    # Tags. ---------------------------------------------------------------------------------------------------------

    def _read_tags(self) -> None:
        tracks, cache = list(self._context.tracks)[self._tagged :], self._context.cache
        self._tagged += len(tracks)
        places = {track.id: track.place for track in tracks if track.place is not None}
        if not places:
            return

        def task(job: Job) -> None:
            at, numbers = 0, list(places)
            while at < len(numbers):
                part = numbers[at : max(TAGS_AT_ONCE, 4 * at)]
                found = read_file_tags([places[number] for number in part], cache=cache, report=job.report)
                job.show(f"from {at}", self._show_tags, dict(zip(part, found, strict=True)))
                at += len(part)

        self._context.reader.submit(("tags", self._tagged), task)

    def _show_tags(self, found: dict[int, FileTags]) -> None:
        """Put what tags say into the list, where nothing is known that goes before it."""
        context, tracks = self._context, self._context.tracks
        for number, tags in found.items():
            track = tracks[number]
            said = {name: getattr(tags, name) for name in ("title", "artist", "album", "genre")}
            said |= {"seconds": tags.duration, "problem": "" if track.seconds else tags.problem}
            tracks.change(number, **{name: value for name, value in said.items() if value and not getattr(track, name)})
        if context.track is not None:
            context.track = track = tracks[context.track.id]
            if context.player.title:
                context.player.title = track.title or track.name
        self._send()

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
        track, keys = context.track, [row_key(row) for row in rows if find_model(row.model) and has_weights(row.model)]
        context.worker.submit(
            ("open",), lambda job: self._open_sound(job, track, keys), first=True, on_done=self._finish_opening,
            on_failed=self._fail, on_progress=context.busy, on_begin=lambda: context.busy("opening", 0, 0),
        )  # fmt: skip

    def _open_sound(self, job: Job, track: Track, keys: list[Any]) -> tuple[Sound, Any, Any]:
        store = self._context.store
        audio = track.open()
        stamp = extract.file_stamp(audio)
        sound = Sound(track, audio, store.digest(audio) if store else audio.digest, stamp)
        cached = {} if store is None else _load_cached(sound, keys, store, self._context.engine)
        job.check()
        job.show("found", self._show_cached, sound, cached)
        job.report(f"decoding {track.name}", 0, 1)
        folder = store.folder if store is not None else None
        outline = browser_audio.summary(audio, folder=folder)
        job.report(f"decoding {track.name}", 1, 1)
        if len(keys) - len(cached) > 1:
            audio.duration  # noqa: B018  decoded once here, rather than once for each model
        warning = sound_facts(audio, sound.digest, store).note
        sound.check()
        return (
            replace(sound, duration=outline.duration, warning=warning),
            outline,
            browser_audio.playable(audio, folder=folder),
        )

    def _show_cached(self, sound: Sound, cached: dict[Any, Embedding]) -> None:
        self._context.sound = sound
        if cached:
            self._context.events.embeddings_cached(cached)

    def _finish_opening(self, opened: tuple[Sound, Any, Any]) -> None:
        sound, outline, playable = opened
        context, track = self._context, sound.track
        context.sound = sound
        context.player.set_track(
            title=track.title or track.name, duration=outline.duration, peaks=outline.peaks, playable=playable,
            sections=[{"name": name, "start": start} for name, start in track.sections],
        )  # fmt: skip
        if sound.warning:
            context.notice("info", f"{track.name}: {sound.warning}.")
        if (track.seconds, track.warning) != (outline.duration, sound.warning) or track.problem:
            context.track = context.tracks.change(track.id, seconds=outline.duration, warning=sound.warning, problem="")
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
        """Find out, behind all other work, what the cache knows of which tracks: embeddings, length and warning."""
        store, tracks, engine = self._context.store, list(self._context.tracks), self._context.engine
        if store is None:
            return

        def task(job: Job) -> tuple[dict[str, list[str]], dict[int, SoundFacts]]:
            here = [model for model in known_models() if has_weights(model)]
            specs = [spec for model in here if (spec := _find_spec(model, "embedding", None, engine))]
            marks: dict[str, list[str]] = {}
            known: dict[int, SoundFacts] = {}
            for i, track in enumerate(tracks):
                if not i % MARKED_AT_ONCE:
                    job.report("looking into the cache", i, len(tracks))
                digest = store.known_digest(track.place) if track.place is not None else None
                if digest and (facts := load_facts(store, digest)):
                    known[track.id] = facts
                computed = [spec.model.name for spec in specs if digest and extract.is_cached(digest, spec, store)]
                if computed:
                    marks[str(track.id)] = computed
            return marks, known

        def show(found: tuple[dict[str, list[str]], dict[int, SoundFacts]]) -> None:
            self._context.panel.cached, known = found
            self._show_facts(known)

        self._context.worker.submit(("marks",), task, on_done=show, on_failed=lambda *_: None)

    def _show_facts(self, known: dict[int, SoundFacts]) -> None:
        """Put what decoding told into the list."""
        context = self._context
        tracks = context.tracks
        new = {
            i: facts
            for i, facts in known.items()
            if (tracks[i].seconds, tracks[i].warning) != (facts.seconds, facts.note)
        }
        for i, facts in new.items():
            tracks.change(i, seconds=facts.seconds, warning=facts.note)
        if context.track is not None:
            context.track = tracks[context.track.id]
        if new:
            self.publish()

    def mark_one(self, model: str) -> None:
        """Note that the embedding of the open track is in the cache now."""
        track, store = self._context.track, self._context.store
        if track is None or store is None or track.path is None:
            return
        marks = self._context.panel.cached
        here = marks.get(str(track.id), [])
        if model not in here:
            self._context.panel.cached = {**marks, str(track.id): [*here, model]}

    # Files that are handed in. -------------------------------------------------------------------------------------

    def upload(self, name: str, data: bytes) -> Track:
        """Keep a file for this session and add it to the list."""
        track = self._context.tracks.add(self._context.uploads.keep(name, data), note="added")
        self.publish()
        return track


def _load_cached(sound: Sound, keys: list[Any], store: Any, engine: EngineOption) -> dict[Any, Embedding]:
    specs = {(model, layer, hop): _find_spec(model, layer, hop, engine) for model, layer, hop in keys}
    cached = {key: extract.load_cached(sound.audio, sound.digest, spec, store) for key, spec in specs.items() if spec}
    return {key: embedding for key, embedding in cached.items() if embedding is not None}


def _find_spec(model: str | Model, layer: str, hop: Any, engine: EngineOption) -> extract.LayerSpec | None:
    """Return what is asked for, or None where it cannot be had: a row says so when its turn comes."""
    with suppress(EmbvizError):
        return extract.LayerSpec.of(get_model(model), layer, hop, engine=engine)
    return None
