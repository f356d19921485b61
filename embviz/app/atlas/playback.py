"""Hearing what the map shows: which track is open, its way over the map, and the queue of what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.app.given import title_of
from embviz.app.selection import PlayRequest
from embviz.app.tracks import sound_facts
from embviz.audio import Audio
from embviz.batch.pooling import AMONG_FRAMES
from embviz.errors import AudioError, OptionError
from embviz.extraction import embed
from embviz.models import find_model
from embviz.widgets import browser_audio
from embviz.widgets.base import close_widget, model_ref

if TYPE_CHECKING:
    from embviz.app.atlas.context import AtlasContext
    from embviz.app.atlas.map_view import MapView, VisibleMap
    from embviz.core.embedding import Embedding
    from embviz.core.worker import Job
    from embviz.widgets.heatmap import Heatmap
    from embviz.widgets.player import Player
    from embviz.widgets.schema import QueueItem


END = 0.35  # seconds before the end of a track at which it counts as over: browsers stop a little early
MOST_QUEUED = 5000
HEIGHT = 128  # pixels of the heatmap of the open track: the map is to be seen beside it


class Playback:
    """The open track and the queue."""

    def __init__(self, context: AtlasContext, views: list[MapView], player: Player | None, *, own: bool) -> None:
        self._context, self._views = context, views
        self.player, self._own = player, own
        self._heatmap: Heatmap | None = None
        self._items: list[QueueItem] = []
        self._at = -1
        self._playing = self._was_playing = False
        context.selection.on("track", self._follow_track)
        if own:
            context.selection.on("request", self._open)
        if player is not None:
            player.observe(self._follow_player, ["playing", "time"])

    # Choosing and opening. -----------------------------------------------------------------------------------------

    def choose(self, label: Any, at: float | None = None) -> None:
        """Open a track and play it, from a moment on."""
        if label not in self._context.table.index:
            raise OptionError(f"There is no track {label!r} in the table.")
        self._context.selection.request = PlayRequest(label, at)

    def _open(self, request: PlayRequest) -> None:
        """Play what the reader chose in the own player."""
        player, context, label, at = self.player, self._context, request.track, request.seconds or 0.0
        if player is None:
            return
        if label == context.selection.track and player.duration and not player.problem:
            player.seek(at)
            player.play()
            return
        title, path = context.facts(label)["title"], str(context.table.loc[label].get("path") or "")
        player.clear(loading=f"opening {title}")
        self._was_playing = False
        context.selection.track = None
        folder = context.store.folder if context.store is not None else None

        def task(_job: Job) -> tuple[browser_audio.Summary, browser_audio.Playable, str]:
            if not path:
                raise AudioError(f"The table names no file for {title!r}.")
            audio = Audio.open(path)
            outline, playable = (
                browser_audio.summary(audio, folder=folder),
                browser_audio.playable(audio, folder=folder),
            )
            store = context.store
            return outline, playable, sound_facts(audio, store.digest(audio) if store else audio.digest, store).note

        def done(found: tuple[browser_audio.Summary, browser_audio.Playable, str]) -> None:
            outline, playable, warning = found
            if warning:
                context.notice("info", f"{title}: {warning}.")
            player.set_track(title=title, duration=outline.duration, peaks=outline.peaks, playable=playable)
            self.mark_open(label)
            player.seek(at)
            player.play()

        context.listener.submit("open", task, on_done=done, on_failed=self._failed)

    def _failed(self, sentence: str, _remedy: str) -> None:
        if self.player is not None:
            self.player.clear(problem=sentence)
        if self._playing:
            self._next()

    def mark_open(self, label: int) -> None:
        """Mark a track as open, and show its way over the map."""
        self._context.selection.track = None
        self._context.selection.track = label

    def _follow_track(self, label: int | None) -> None:
        for view in self._views:
            if label is not None:
                self.mark(view)
                continue
            self._context.stop(f"trail {view.number}")
            if view.scatter is not None:
                view.scatter.current = -1
                view.scatter.set_trail(None)
        if label is not None:
            self.draw()

    def draw(self) -> None:
        """Show below the map what its model makes of the open track, where the player is the own one."""
        from embviz.widgets.heatmap import Heatmap

        label, request, context = self._context.selection.track, self._views[0].request, self._context
        if not self._own or label is None or request is None:
            return
        path = str(context.table.loc[label].get("path") or "")
        given = context.given.find(request.model, request.layer)
        if given is not None and (given.times is None or label not in given.tracks):
            if context.given.lacks_model(request.model, request.layer):
                context.panel.heatmap = {}  # there are no frames to draw
                return
            given = None

        def task(job: Job) -> Embedding:
            if given is not None:
                return given.embedding(label, title=context.facts(label)["title"])
            return embed(path, request.model, layer=request.layer, cache=context.cache, progress=job.report)

        def done(embedding: Embedding) -> None:
            if context.selection.track != label or self._views[0].request != request:
                return
            if self._heatmap is None:
                self._heatmap = Heatmap.of(embedding, clock=context.clock, title="", height=HEIGHT)
            else:
                self._heatmap.update(embedding)
            title = title_of(request.model)
            context.panel.heatmap = {"view": model_ref(self._heatmap), "title": title, "layer": request.layer}

        context.run("heatmap", "the open track", task, done, first=True)

    def mark(self, view: MapView) -> None:
        """Mark the open track on a map."""
        label, visible = self._context.selection.track, view.visible
        if label is None or visible is None:
            return
        vectors, scatter = visible.vectors, visible.scatter
        points = view.points_of([label])
        if vectors.times is not None:
            # A frame is where the playhead is.
            scatter.current = -1
            scatter.set_trail(np.column_stack([visible.places[points], vectors.times[points]]))
            return
        scatter.current = int(points[0]) if len(points) else -1
        if len(points) and vectors.pooling in AMONG_FRAMES:
            self._walk(view, visible, label)

    def _walk(self, view: MapView, visible: VisibleMap, label: int) -> None:
        """Place the frames of the open track on a map of tracks."""
        vectors, projection, scatter, axes = visible
        context, layout, request = self._context, view.layout, view.request
        path = str(context.table.loc[label].get("path") or "")
        given = None if request is None else context.given.find(request.model, request.layer)
        times = None if given is None else given.times
        if given is not None and times is None and find_model(given.model) is None:
            return

        def task(job: Job) -> Any:
            if given is not None and times is not None:
                own = given.tracks == label
                values, seconds = given.values[own], times[own]
            else:
                embedding = embed(path, vectors.model, layer=vectors.layer, cache=context.cache, progress=job.report)
                values, seconds = embedding.values, embedding.times
                job.check()
            if axes is None or layout is None:
                places: Any = projection.transform(values)
            else:
                places = layout.trail(values, label)
            return None if places is None else np.column_stack([places, seconds])

        def done(found: Any) -> None:
            if view.visible == visible and self._context.selection.track == label:
                scatter.set_trail(found)

        context.run(f"trail {view.number}", "the way of the open track", task, done, first=True)

    # The queue. ----------------------------------------------------------------------------------------------------

    def enqueue(self, tracks: Sequence[int], moments: Sequence[float | None] | None = None) -> None:
        """Put tracks behind what waits, to be played from moments on where there are some."""
        table, times = self._context.table, moments or [None] * len(tracks)
        if len(times) != len(tracks):
            raise OptionError(f"A moment for each of {len(tracks):,} tracks is expected, {len(times):,} were found.")
        known = [(int(label), at) for label, at in zip(tracks, times, strict=True) if label in table.index]
        if len(self._items) + len(known) > MOST_QUEUED:
            raise OptionError(f"Up to {MOST_QUEUED:,} tracks can wait; {len(self._items) + len(known):,} would.")
        for label, at in known:
            seconds = self._context.facts(label)["seconds"]
            self._items.append({**self._context.listed_track(label), "seconds": seconds, "at": at})
        self.publish()

    def play(self, at: int) -> None:
        """Play an item of the queue, and go on from there."""
        if not 0 <= at < len(self._items):
            raise OptionError(f"The queue has {len(self._items)} tracks, counted from 0; {at!r} was asked for.")
        item, paused = self._items[at], at == self._at and not self._playing
        self._at, self._playing = at, True
        self._was_playing = False
        self.publish()
        if paused and self.player is not None and item["track"] == self._context.selection.track and not self._over():
            self.player.play()
        else:
            self.choose(item["track"], item["at"])

    def pause(self) -> None:
        """Stop the music, and do not go on."""
        self._playing = False
        if self.player is not None:
            self.player.pause()
        self.publish()

    def remove(self, at: int) -> None:
        """Take an item out."""
        if not 0 <= at < len(self._items):
            raise OptionError(f"The queue has {len(self._items)} tracks, counted from 0; {at!r} was asked for.")
        del self._items[at]
        if at < self._at:
            self._at -= 1
        elif at == self._at:
            self._at, self._playing = -1, False
        self.publish()

    def clear(self) -> None:
        """Take all out; what plays plays on."""
        self._items, self._at, self._playing = [], -1, False
        self.publish()

    def _follow_player(self, _change: Any) -> None:
        """Go on to the next track where one has ended."""
        if self.player is not None and self.player.playing:
            self._was_playing = True
        elif self._was_playing and self._playing and self._over():
            self._was_playing = False
            self._next()

    def _over(self) -> bool:
        """Tell whether the player is at the end of its track."""
        player = self.player
        return player is not None and player.duration > 0 and player.time >= player.duration - END

    def _next(self) -> None:
        if self._at + 1 < len(self._items):
            with self._context.guard():
                self.play(self._at + 1)
            return
        self._playing = False
        self.publish()

    def publish(self) -> None:
        """Show the queue as it is."""
        self._context.panel.queue = {"items": list(self._items), "at": self._at, "playing": self._playing}

    def close(self) -> None:
        """Let go of the player, and take the heatmap off the page."""
        if self.player is not None:
            self.player.unobserve(self._follow_player, ["playing", "time"])
        if self._heatmap is not None:
            close_widget(self._heatmap)
        self._heatmap = None
