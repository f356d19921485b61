"""How the parts of an Explorer hang together: what follows from a track, a result or a command of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from embviz.app.downloads import Downloads
from embviz.app.explorer import codegen, export
from embviz.app.explorer import state as states
from embviz.app.explorer.collection import CollectionLoader
from embviz.app.explorer.context import ExplorerContext
from embviz.app.explorer.evaluation_tab import EvaluationTab
from embviz.app.explorer.heatmap_rows import HeatmapRows, default_models
from embviz.app.explorer.layers_tab import LayersTab
from embviz.app.explorer.map_tab import MapTab
from embviz.app.explorer.predictions_tab import PredictionsTab
from embviz.app.explorer.similarity_tab import SimilarityTab
from embviz.app.explorer.track_list import TrackList
from embviz.app.explorer.units_tab import UnitsTab
from embviz.app.selection import PlayRequest, Selected
from embviz.app.tracks import Track
from embviz.app.work import DrawnWork
from embviz.collection import Collection
from embviz.core.paths import sample_audio
from embviz.core.vectors import Vectors
from embviz.errors import EmbvizError, OptionError
from embviz.export.track_page import PageRow
from embviz.heads import Head
from embviz.models import Model
from embviz.models.lookup import find_model
from embviz.models.weights import has_weights


class ExplorerController:
    """The parts, and what passes between them."""

    def __init__(self, context: ExplorerContext, collection: Collection | None, state: dict[str, Any] | None) -> None:
        self.context, self._restored = context, state
        self.track_list = TrackList(context, tagged=collection is not None)
        self.heatmaps = HeatmapRows(context)
        self.predictions, self.layers = PredictionsTab(context, self.heatmaps.heads), LayersTab(context)
        self.similarity = SimilarityTab(context)
        self.loader = CollectionLoader(context, collection)
        context.label_of = lambda number: self.loader.labels.get(number) if self.loader.given else None
        self.map_tab = MapTab(context, self.loader)
        self.evaluation_tab = EvaluationTab(context, self.loader, self.heatmaps, self.track_list)
        self.units_tab = UnitsTab(context, self.loader)
        self._next: PlayRequest | None = None
        self._downloads = Downloads(context)
        # What is stopped and closed with the Explorer; the first four start anew with each track.
        of_track = (self.heatmaps, self.predictions, self.layers, self.similarity)
        self.parts = (*of_track, self.map_tab, self.evaluation_tab, self.units_tab)
        self._connect()

    def _connect(self) -> None:
        context, events, selection = self.context, self.context.events, self.context.selection
        for part in self.parts[:4]:
            events.track_left.connect(part.reset)
        events.embeddings_cached.connect(self.heatmaps.fill)
        events.track_failed.connect(self.heatmaps.fail_all)
        events.track_opened.connect(self._begin_track)
        events.weights_downloaded.connect(self._use_weights)
        events.tracks_embedded.connect(self.track_list.mark)
        events.head_trained.connect(self._show_trained_head)
        events.tracks_marked.connect(self._mark_on_map)
        events.unit_chosen.connect(self.show_unit)
        selection.on("request", self._play_request)
        selection.on("track", self._play_waiting)
        context.panel.answer(self._commands(), context.show_error)
        context.panel.on_command(self._settle_guarded)
        context.panel.observe(self._change_tab, "tab")

    def fill(self, models: Iterable[Any] | None) -> None:
        """Show what there is, or what a state says, and open the first track."""
        context, state = self.context, self._restored
        context.show_models()
        if state is not None:
            context.panel.tab = state["tab"]
            self.evaluation_tab.restore(state["evaluation"])
            self.similarity.choices = dict(state["boundaries"])
            self.units_tab.restore(state["units"])
            self.predictions.restore(state["plane"])
            for row in state["rows"]:
                with context.guard():
                    self.heatmaps.add(**row)
        else:
            for request in _requests(default_models() if models is None else models):
                self.heatmaps.add(*request)
        self.track_list.publish()
        if context.tracks.notice:
            context.notice("info", context.tracks.notice)
        elif state is None and models is None and not any(has_weights(row.model) for row in self.heatmaps.rows):
            remedy = "Download those of a model, or run `embviz pull`."
            context.notice("info", "No weights are on this computer yet.", remedy)
        path = None if state is None else state["track"]
        first = context.tracks.find(path)
        if path and first is None:
            context.notice("error", f"The track {Path(path).name!r} of this view is not in the list any more.")
        self._open_first(first)

    def _open_first(self, track: Track | None = None) -> None:
        """Open a track, by default the one to begin with, where there is any."""
        first = track or self.context.tracks.first
        if first is None:
            self.context.player.clear()
            self.context.events.settled()
        else:
            self.open(first.id)

    def _open_samples(self) -> None:
        """List the sample tracks where there are none, and open the first."""
        if len(self.context.tracks):
            return
        self.context.tracks.read(sample_audio())
        self.loader.forget()
        self.context.dismiss()
        self.track_list.publish()
        self._open_first()

    # The track. ----------------------------------------------------------------------------------------------------

    def open(self, number: int) -> None:
        """Open a track of the list."""
        self.track_list.open(number, self.heatmaps.rows)
        self.context.events.settled()

    def _open_changed(self, track: int) -> None:
        """Open a track of the list, unless it is open as it is."""
        if not self._is_open(track):
            self.open(track)

    def _is_open(self, track: int) -> bool:
        """Tell whether a track is open, can be heard, and its file is what it was."""
        return track == self.context.panel.track and not self._is_stale() and self.context.player.duration > 0

    def _is_stale(self) -> bool:
        """Tell whether the open track is not to be read, or not what it was."""
        try:
            if self.context.sound is not None:
                self.context.sound.check()
            return self.context.sound is None
        except EmbvizError:
            return True

    def _begin_track(self) -> None:
        """Compute what is shown of the track that was opened."""
        state, self._restored = self._restored, None
        if state is not None:
            states.restore_player(self.context.player, state)
            with self.context.guard():
                if state["layers"] and state["tab"] == "layers":
                    self.layers.start(state["layers"])
                if state["similarity"][0] and state["tab"] == "similarity":
                    self.similarity.start(*state["similarity"])
        self.heatmaps.start_all()
        self._begin_tab()
        self.context.events.settled()
        self.track_list.mark()

    def _play_request(self, request: PlayRequest) -> None:
        """Play a track that was chosen to be heard, from the moment that was chosen."""
        self._next = request
        if self._is_open(request.track):
            self._play_waiting(request.track)
        else:
            self.open(request.track)

    def _play_waiting(self, track: int | None) -> None:
        """Play the open track, where it was opened to be heard."""
        if track is None or self._next is None:
            return
        request, self._next = self._next, None
        if request.track == track:
            self.context.player.seek(request.seconds or 0.0)
            self.context.player.play()

    def _change_tab(self, _change: Any) -> None:
        self._begin_tab()
        self.context.events.settled()

    def _begin_tab(self) -> None:
        """Compute what the page in front shows, where nothing else was chosen."""
        tab, first = self.context.panel.tab, next(iter(self.heatmaps.rows), DrawnWork(""))
        with self.context.guard():
            if tab == "predictions":
                self.predictions.start()
            elif tab == "layers" and (model := self.layers.lead.model or first.model):
                self.layers.start(model)
            elif tab == "similarity" and (self.similarity.work.model or first.model):
                work = self.similarity.work if self.similarity.work.model else first
                self.similarity.start(work.model, work.layer)
            elif tab == "map":
                self.map_tab.start()
            elif tab == "evaluation":
                self.evaluation_tab.start()
            elif tab == "units" and (model := self.units_tab.work.model or first.model):
                work = self.units_tab.work if self.units_tab.work.model else first
                self.units_tab.start(model, work.layer)

    def _use_weights(self, model: str) -> None:
        self.heatmaps.use_weights(model)
        self.predictions.use_weights()
        self.evaluation_tab.use_weights(model)
        self.units_tab.use_weights(model)
        self._begin_tab()

    # Heads and marks. ----------------------------------------------------------------------------------------------

    def add_head(self, head: Head) -> None:
        """Show what a head says below the rows that it fits, or say that there is none."""
        if not self.heatmaps.show_head(head):
            text = f"The head {head.name!r} is for {head.model} / {head.layer}, which no row shows."
            self.context.notice("info", text, "Add such a row to see what it says.")
        self.context.events.settled()

    def _show_trained_head(self, head: Head) -> None:
        """Show a head that was trained here, in a row that is added where none fits."""
        if not any(head.fits(row.model, row.layer) for row in self.heatmaps.rows):
            self.heatmaps.add(head.model, head.layer)
        self.add_head(head)

    def _mark_on_map(self, labels: Sequence[int], columns: Mapping[str, Any] | None, color: str | None) -> None:
        """Select tracks on the map; with columns, go there and see them."""
        self.map_tab.mark(labels, columns, color)
        if self.map_tab.atlas is None:
            self.context.selection.selected = Selected(np.asarray(labels, dtype=np.int64))
        if columns is not None:
            self.context.panel.tab = "map"

    def show_unit(self, model: str, layer: str, dimension: int) -> None:
        """Open the card of a dimension, on its page."""
        self.units_tab.start(model, layer, dimension)
        self.context.panel.tab = "units"

    # For the next cell. --------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return what restores the view, ready for JSON."""
        structure, choices = self.similarity.work, dict(self.evaluation_tab.choices)
        tabs = {
            "layers": self.layers.lead.model,
            "similarity": [structure.model, structure.layer],
            "boundaries": dict(self.similarity.choices),
            "evaluation": choices,
            "units": self.units_tab.state(),
            "plane": self.predictions.state(),
        }
        return states.make_state(self.context, self.heatmaps) | tabs

    def code(self) -> str:
        """Return Python that gives what the page in front shows, or the rows where it shows nothing yet."""
        tab, atlas = self.context.panel.tab, self.map_tab.atlas
        shown = atlas.code() if tab == "map" and atlas is not None else ""
        shown = self.evaluation_tab.code() if tab == "evaluation" else shown
        shown = codegen.similarity_code(self.context, self.similarity) if tab == "similarity" else shown
        shown = self.units_tab.code() if tab == "units" else shown
        return shown or codegen.generate_code(self.context, self.heatmaps)

    def page_rows(self) -> list[PageRow]:
        """Return what an exported page has below the rows: the structure, the plane and the card that are shown."""
        single = [self.similarity.row(), self.predictions.page_row()]
        return [*(row for row in single if row is not None), *self.units_tab.page_rows()]

    def cited(self) -> list[Any]:
        """Return what is to be cited for what is shown: models and heads on all pages, the map, and the evaluation."""
        rows, heatmaps = self.heatmaps.rows, self.heatmaps
        drawn = [*self.predictions.works(), *self.layers.rows, self.similarity.work]
        models = [row.model for row in rows] + [work.model for work in drawn if work.drawn]
        heads = [heatmaps.heads.of(row) for row in rows]
        views = [self.predictions.plane_head(), self.map_tab.atlas, self.evaluation_tab.evaluation]
        return [part for part in [*map(find_model, dict.fromkeys(models)), *heads, *views] if part is not None]

    def cancel(self) -> None:
        """Stop what runs and what waits; what is finished is kept."""
        self.context.worker.cancel()
        self.context.aside.cancel()
        for part in self.parts:
            part.stop_all()
        if self.context.sound is None and self.context.track is not None:
            self.context.player.clear(problem="Opening this track was cancelled; choose it again.")
        self.context.worker.post(lambda: None)

    # Commands of the panel. ----------------------------------------------------------------------------------------

    def _commands(self) -> dict[str, Callable[..., object]]:
        """Return what answers each command of the panel; the contents of a command are its arguments."""
        return {
            "open_track": self._open_changed,
            "open_samples": self._open_samples,
            "add_row": self._add_row,
            "change_row": self.heatmaps.change,
            "remove_row": self.heatmaps.remove,
            "undo": self.heatmaps.undo,
            "move_row": self.heatmaps.move,
            "collapse_row": self.heatmaps.collapse,
            "choose_head": self.heatmaps.choose_head,
            "retry_row": self._retry,
            "cancel": self.cancel,
            "pull": self._downloads.start,
            "stop_pull": self._downloads.stop,
            "upload": lambda name, data: self.open(self.track_list.upload(name, data).id),
            "show_predictions": self.predictions.start,
            "show_tags": self.predictions.ask_tagger,
            "show_plane": self.predictions.ask_plane,
            "separate_stems": self.predictions.separate,
            "show_layers": self.layers.start,
            "show_feature_maps": self.layers.show_maps,
            "show_similarity": self.similarity.start,
            "show_map": self.map_tab.start,
            "show_all_tracks": self.map_tab.show_all,
            **self.evaluation_tab.commands(),
            **self.units_tab.commands(),
            "export_page": lambda: export.start_export(self.context, self.heatmaps, self.page_rows()),
            "save_citations": lambda: export.save_citations(self.context, self.cited()),
            "dismiss_notice": self.context.dismiss,
        }

    def _settle_guarded(self, *_: object) -> None:
        with self.context.guard():
            self.context.events.settled()

    def _add_row(self, model: str, layer: str | None = None, hop: Any = None) -> None:
        self.context.active = self.heatmaps.add(model, layer or "embedding", hop)

    def _retry(self, row: int) -> None:
        if self._is_stale() and self.context.track is not None:
            self.open(self.context.track.id)
        else:
            self.heatmaps.retry(row)


def _requests(models: Iterable[Any]) -> list[tuple[Any, ...]]:
    given = [models] if isinstance(models, str | Model | Vectors) else models
    requests = [one if isinstance(one, tuple) else (one,) for one in given]
    for request in requests:
        if not 1 <= len(request) <= 3:
            raise OptionError(f"models holds names or tuples (model, layer, patch_hop), {request!r:.80} was found.")
    return requests
