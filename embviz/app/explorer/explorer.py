"""The Explorer: pick a track and a model, press play, watch the embedding move.

Wiring only: :mod:`embviz.widgets` draws, :mod:`embviz.extraction` computes, a worker thread keeps the two apart.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import traitlets

from embviz.app.downloads import Downloads
from embviz.app.explorer import codegen, export
from embviz.app.explorer import state as states
from embviz.app.explorer.collection import CollectionLoader
from embviz.app.explorer.context import ExplorerContext
from embviz.app.explorer.evaluation_tab import EvaluationTab
from embviz.app.explorer.heads import as_head
from embviz.app.explorer.heatmap_rows import HeatmapRows, default_rows
from embviz.app.explorer.layers_tab import LayersTab
from embviz.app.explorer.map_tab import MapTab
from embviz.app.explorer.predictions_tab import PredictionsTab
from embviz.app.explorer.similarity_tab import SimilarityTab
from embviz.app.explorer.track_list import TrackList
from embviz.app.model_options import offers
from embviz.app.selection import PlayRequest, Selected
from embviz.app.tracks import Tracks
from embviz.collection import Collection
from embviz.core.embedding import Embedding
from embviz.errors import EmbvizError, OptionError
from embviz.heads import Head
from embviz.models import Model
from embviz.models.weights import has_weights
from embviz.widgets.base import close_widget, model_ref, new_clock_name

if TYPE_CHECKING:
    import pandas as pd

    from embviz.core.cache import CacheOption
    from embviz.widgets.panel import Panel

__all__ = ["Explorer"]


class Explorer(traitlets.HasTraits):
    """A panel that shows a track's sound and its embeddings on one clock.

    Parameters
    ----------
    source : path, sequence of paths, Collection, (ndarray, int) or Audio, optional
        A folder of tracks, a collection, a track, or float samples ``[n]`` or ``[n, channels]`` with their rate in Hz;
        without any, files can be dropped onto the panel.
    models : iterable, optional
        What the rows show: names of models, or tuples ``(model, layer)`` or ``(model, layer, patch_hop)`` as for
        :func:`embviz.embed`. By default one model of each system whose weights are here.
    state : mapping, optional
        What :meth:`state` returned: track, rows, range and place of the playhead are as they were then.
    cache : Cache, False or None
        Where results are kept, as for :func:`embviz.embed`.
    heads : iterable of Head, str or path
        Classifiers to show below the rows that they fit, as for :meth:`add_head`; registered ones are offered there
        in any case.

    Attributes
    ----------
    track : str or None
        Path of the open track; setting it opens another.
    embedding : Embedding or None
        That of the row that was pinned, added or changed last, or of the first one that is ready.
    time_range : (float, float) or None
        The selected seconds; setting it selects.
    pins : tuple of int
        The pinned dimensions of that row; setting it pins.
    selection : DataFrame or None
        The tracks that are selected on the map, a row each, once the map was opened; setting it, as
        :attr:`embviz.Atlas.selection` is set, selects.
    evaluation : Evaluation or None
        What the comparison of models on the page of tasks has found.
    time : float
        Place of the playhead in seconds, ten times a second at most; :meth:`seek` moves it.

    Raises
    ------
    AudioError
        If there is no such file or folder.

    Examples
    --------
    >>> explorer = Explorer("sample_audio")  # doctest: +SKIP
    >>> explorer.add("musicnn", "output").wait().embedding.shape  # doctest: +SKIP
    (81, 50)
    """

    track = traitlets.Unicode(None, allow_none=True)
    embedding = traitlets.Instance(Embedding, allow_none=True, read_only=True)
    time_range = traitlets.Tuple(traitlets.Float(), traitlets.Float(), default_value=None, allow_none=True)
    pins = traitlets.Tuple(default_value=())
    selection: Any = traitlets.Any(None, allow_none=True)
    evaluation: Any = traitlets.Any(None, allow_none=True, read_only=True)
    time = traitlets.Float(0.0, read_only=True)

    def __init__(
        self,
        source: Any = None,
        *,
        models: Iterable[Any] | None = None,
        state: Any = None,
        cache: CacheOption = None,
        heads: Iterable[Any] = (),
    ) -> None:
        super().__init__()
        from embviz.widgets.panel import Panel
        from embviz.widgets.player import Player

        kept = None if state is None else states.check_state(state)
        collection = source if isinstance(source, Collection) else None
        tracks = Tracks(source) if collection is None else Tracks.of_table(collection.table)
        player = Player(clock=new_clock_name())
        self._context = ExplorerContext(tracks, cache, Panel(clock=player.clock, player=model_ref(player)), player)
        self._following = self._closed = False
        self._restored = kept
        context = self._context
        self._track_list, self._heatmaps = TrackList(context), HeatmapRows(context)
        self._predictions, self._layers = PredictionsTab(context), LayersTab(context)
        self._similarity = SimilarityTab(context)
        self._loader = CollectionLoader(context, collection)
        self._map_tab = MapTab(context, self._loader)
        self._evaluation_tab = EvaluationTab(context, self._loader, self._heatmaps, self._track_list)
        self._next: PlayRequest | None = None
        self._downloads = Downloads(context)
        # What is stopped and closed with the Explorer; the first four start anew with each track.
        self._parts = (
            self._heatmaps, self._predictions, self._layers, self._similarity, self._map_tab, self._evaluation_tab,
        )  # fmt: skip
        self._connect()
        try:
            for head in [heads] if isinstance(heads, str | Head) else heads:
                self._heatmaps.heads.give(as_head(head))
            self._fill(kept, models)
        except BaseException:
            self.close()
            raise

    def _connect(self) -> None:
        context, events, selection = self._context, self._context.events, self._context.selection
        for part in self._parts[:4]:
            events.track_left.connect(part.reset)
        events.embeddings_cached.connect(self._heatmaps.fill)
        events.track_failed.connect(self._heatmaps.fail_all)
        events.track_opened.connect(self._begin_track)
        events.weights_downloaded.connect(self._use_weights)
        events.evaluated.connect(lambda evaluation: self.set_trait("evaluation", evaluation))
        events.head_trained.connect(self._show_trained_head)
        events.tracks_marked.connect(self._mark_on_map)
        events.settled.connect(self._settle)
        selection.on("request", self._play_request)
        selection.on("track", self._play_waiting)
        selection.on("selected", self._follow_selected)
        context.panel.answer(self._commands(), context.show_error)
        context.panel.on_command(lambda *_: self._settle_guarded())
        context.panel.observe(lambda _change: self._begin_tab(), "tab")
        context.player.observe(self._follow_player, ["time", "range"])

    def _fill(self, kept: dict[str, Any] | None, models: Iterable[Any] | None) -> None:
        context = self._context
        context.panel.models = offers()
        if kept is not None:
            context.panel.tab = kept["tab"]
            self._evaluation_tab.restore(kept["evaluation"])
            for row in kept["rows"]:
                with self._context.guard():
                    self._heatmaps.add(**{"layer": "embedding", "hop": None, **row})
        else:
            for wanted in default_rows() if models is None else _requests(models):
                self._heatmaps.add(*wanted)
        self._track_list.publish()
        if context.tracks.notice:
            context.notice("error" if len(context.tracks) else "info", context.tracks.notice)
        elif kept is None and models is None and not any(has_weights(row.model) for row in self._heatmaps.rows):
            context.notice(
                "info", "No weights are on this computer yet.", "Download those of a model, or run `embviz pull`."
            )
        first = context.tracks.find(kept["track"]) if kept is not None else None
        if kept is not None and kept["track"] and first is None:
            context.notice("error", f"The track {Path(kept['track']).name!r} of this view is not in the list any more.")
        number = first.id if first is not None else 0
        if len(context.tracks):
            self._open(number)
        else:
            context.player.clear()
        self._settle()

    # For the next cell. --------------------------------------------------------------------------------------------

    @property
    def widget(self) -> Panel:
        """The panel, for layouts of ipywidgets."""
        panel: Panel = self._context.panel
        return panel

    def add(self, model: str | Model, layer: str = "embedding", patch_hop: Any = None) -> Self:
        """Add a row, as :func:`embviz.embed` takes model, layer and hop; returns the Explorer."""
        self._context.active = self._heatmaps.add(model, layer, patch_hop)
        self._settle()
        return self

    def add_head(self, head: Any) -> Self:
        """Show what a classifier says below the rows whose model and layer it is for; returns the Explorer.

        Parameters
        ----------
        head : Head, str or path
            A trained head, the name of a registered one, or where one was saved.
        """
        given = as_head(head)
        if not self._heatmaps.show_head(given):
            text = f"The head {given.name!r} is for {given.model} / {given.layer}, which no row shows."
            self._context.notice("info", text, "Add such a row to see what it says.")
        self._settle()
        return self

    def remove(self, model: str | Model | int, layer: str | None = None) -> Self:
        """Remove the rows of a model (and layer), or the row at a place counted from 0; returns the Explorer."""
        for row in self._heatmaps.find(model, layer):
            self._heatmaps.remove(row.id)
        self._settle()
        return self

    def open(self, track: Any) -> Self:
        """Open a track of the list by its place or path, or add a file and open it; returns the Explorer."""
        self._open(self._track_list.find_or_add(track).id)
        return self

    def map(self, model: str | Model | None = None, **options: Any) -> Self:
        """Open the page with the map of all tracks, as :class:`embviz.Atlas` takes options; returns the Explorer."""
        chosen = options if model is None else {"model": model, **options}
        self._context.panel.tab = "map"
        self._map_tab.start(**chosen)
        return self

    def tasks(self, target: str | None = None, models: Any = None, **options: Any) -> Self:
        """Open the page that compares models on a task, and compare them where a target is named.

        Parameters
        ----------
        target : str, optional
            The column of the collection that is to be predicted.
        models : str, Model or sequence of them, optional
            Those of the rows by default.
        **options
            As :func:`embviz.evaluation.evaluate` takes them, such as ``layers="all"``.

        Returns
        -------
        Explorer
            Its :attr:`evaluation` holds what was found, once it is; :meth:`wait` waits for that.
        """
        self._context.panel.tab = "evaluation"
        self._evaluation_tab.ask(target, models, options)
        return self

    def wait(self, timeout: float | None = None) -> Self:
        """Wait until nothing is computed or downloaded any more, `timeout` seconds at most; returns the Explorer.

        What failed says so in its row. Meanwhile the panel shows what comes, but does not answer.
        """
        left = self._context.wait(timeout)
        if self._map_tab.atlas is not None:
            self._map_tab.atlas.wait(left)
        return self

    def cancel(self) -> Self:
        """Stop what runs and what waits; what is finished is kept. Returns the Explorer."""
        self._context.worker.cancel()
        self._context.aside.cancel()
        for part in self._parts:
            part.stop_all()
        if self._context.sound is None and self._context.track is not None:
            self._context.player.clear(problem="Opening this track was cancelled; choose it again.")
        self._context.worker.post(lambda: None)
        return self

    def play(self) -> None:
        """Start the music; browsers want one click on the page before."""
        self._context.player.play()

    def pause(self) -> None:
        """Stop the music."""
        self._context.player.pause()

    def seek(self, seconds: float) -> None:
        """Move the playhead."""
        self._context.player.seek(seconds)

    def state(self) -> dict[str, Any]:
        """Return what restores this view as ``Explorer(source, state=…)``, ready for JSON."""
        structure = self._similarity.work
        kept = states.make_state(
            self._context, self._heatmaps, self._layers.lead.model, (structure.model, structure.layer)
        )
        return kept | {"evaluation": dict(self._evaluation_tab.choices)}

    def code(self) -> str:
        """Return Python that computes and draws the rows of this view without a panel."""
        compared = self.evaluation is not None or self._context.panel.tab == "evaluation"
        parts = [codegen.generate_code(self._context, self._heatmaps), self._evaluation_tab.code() if compared else ""]
        return "\n\n".join(filter(None, parts))

    def to_html(self, path: str | Path, **options: Any) -> Path:
        """Write this view to a page that plays without a kernel or network; see :mod:`embviz.export.track_page`."""
        return export.write_page(path, self._context, self._heatmaps, **options)

    def close(self) -> None:
        """Stop all work, take the panel off the page and remove uploaded files."""
        self._context.close()
        for part in self._parts:
            part.close()
        for widget in (self._context.panel, self._context.player):
            close_widget(widget)
        self._closed = True

    def _repr_mimebundle_(self, **options: Any) -> Any:
        if self._closed:
            return {"text/plain": "This Explorer was closed; make another one."}
        return self._context.panel._repr_mimebundle_(**options)

    def __repr__(self) -> str:
        rows = ", ".join(f"{row.model} / {row.layer}: {row.status}" for row in self._heatmaps.rows)
        track = self._context.track.name if self._context.track else "without a track"
        return f"<Explorer {track!r}: {rows or 'no rows'}>"

    # The track. ----------------------------------------------------------------------------------------------------

    def _open(self, number: int) -> None:
        self._track_list.open(number, self._heatmaps.rows)
        with self._follow():
            self.track = self._context.track.told if self._context.track is not None else None

    def _open_changed(self, track: int) -> None:
        """Open a track of the list, unless it is open as it is."""
        if not self._is_open(track):
            self._open(track)

    def _is_open(self, track: int) -> bool:
        """Tell whether a track is open, can be heard, and its file is what it was."""
        return track == self._context.panel.track and not self._is_stale() and self._context.player.duration > 0

    def _is_stale(self) -> bool:
        """Tell whether the open track is not to be read, or not what it was."""
        try:
            if self._context.sound is not None:
                self._context.sound.check()
            return self._context.sound is None
        except EmbvizError:
            return True

    def _begin_track(self) -> None:
        """Compute what is shown of the track that was opened."""
        kept, self._restored = self._restored, None
        if kept is not None:
            self._restore(kept)
        self._heatmaps.start_all()
        self._begin_tab()
        self._settle()
        self._track_list.mark()

    def _play_request(self, request: PlayRequest) -> None:
        """Play a track that was chosen to be heard, from the moment that was chosen."""
        self._next = request
        if self._is_open(request.track):
            self._play_waiting(request.track)
        else:
            self._open(request.track)

    def _play_waiting(self, track: int | None) -> None:
        """Play the open track, where it was opened to be heard."""
        request = self._next
        if track is None or request is None:
            return
        self._next = None
        if request.track == track:
            self.seek(request.seconds or 0.0)
            self.play()

    def _show_trained_head(self, head: Head) -> None:
        """Show a head that was trained here, in a row that is added where none fits."""
        if not any(head.fits(row.model, row.layer) for row in self._heatmaps.rows):
            self._heatmaps.add(head.model, head.layer)
        self.add_head(head)

    def _mark_on_map(self, labels: Sequence[int], columns: Mapping[str, Any] | None, color: str | None) -> None:
        """Select tracks on the map; with columns, go there and see them."""
        self._map_tab.mark(labels, columns, color)
        if self._map_tab.atlas is None:
            self._set_selection(self._loader.rows(labels))
        if columns is not None:
            self._context.panel.tab = "map"

    def _follow_selected(self, _selected: Selected) -> None:
        if self._map_tab.atlas is not None:
            self._set_selection(self._map_tab.atlas.selection)

    def _set_selection(self, rows: pd.DataFrame) -> None:
        with self._follow():
            self.selection = rows

    def _restore(self, kept: dict[str, Any]) -> None:
        states.restore_player(self._context.player, kept)
        with self._context.guard():
            if kept["layers"] and kept["tab"] == "layers":
                self._layers.start(kept["layers"])
            if kept["similarity"][0] and kept["tab"] == "similarity":
                self._similarity.start(*kept["similarity"])

    def _begin_tab(self) -> None:
        """Compute what the page in front shows, where nothing else was chosen."""
        row = next(iter(self._heatmaps.rows), None)
        tab = self._context.panel.tab
        with self._context.guard():
            if tab == "predictions":
                self._predictions.start()
            elif tab == "layers" and (self._layers.lead.model or row):
                self._layers.start(self._layers.lead.model or row.model)  # type: ignore[union-attr]
            elif tab == "similarity" and (self._similarity.work.model or row):
                work = self._similarity.work if self._similarity.work.model else row
                self._similarity.start(work.model, work.layer)  # type: ignore[union-attr]
            elif tab == "map":
                self._map_tab.start()
            elif tab == "evaluation":
                self._evaluation_tab.start()

    def _use_weights(self, model: str) -> None:
        self._heatmaps.use_weights(model)
        self._predictions.use_weights()
        self._evaluation_tab.use_weights(model)
        self._begin_tab()

    # Live traits. --------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _follow(self) -> Any:
        """Set traits of one's own without hearing of it."""
        before, self._following = self._following, True
        try:
            yield
        finally:
            self._following = before

    def _settle(self) -> None:
        """Bring the live traits and the code up to what is shown."""
        row = self._heatmaps.active()
        with self._follow():
            self.set_trait("embedding", None if row is None else row.embedding)
            self.pins = () if row is None or row.view is None else tuple(row.view.pins)
        for one in self._heatmaps.rows:
            if one.embedding is not None and one.layer == "embedding" and one.hop is None:
                self._track_list.mark_one(one.model)
        self._context.panel.code = self.code()

    def _follow_player(self, change: Any) -> None:
        player = self._context.player
        with self._follow():
            self.set_trait("time", float(player.time))
            chosen: Any = tuple(map(float, player.range)) or None
            if chosen != self.time_range:
                self.time_range = chosen
        if change["name"] == "range":
            self._context.panel.code = self.code()

    @traitlets.validate("track", "time_range", "pins")
    def _possible(self, proposal: Any) -> Any:
        """Raise where a value cannot be had, before the trait takes it."""
        name, value = proposal["trait"].name, proposal["value"]
        if self._following:
            return value
        if name == "track":
            return self._track_list.find_or_add(value).told
        if name == "time_range":
            if not all(map(math.isfinite, value)):
                raise OptionError(f"A range is two numbers of seconds or None, {value!r} was found.")
            return tuple(sorted(value))
        row = self._heatmaps.active()
        d = 0 if row is None or row.embedding is None else row.embedding.shape[1]
        if not all(isinstance(pin, int | np.integer) and 0 <= pin < d for pin in value):
            raise OptionError(f"Dimensions are whole numbers from 0, of which there are {d}; {value!r:.80} was found.")
        return tuple(map(int, value))

    @traitlets.observe("track")
    def _track_set(self, change: Any) -> None:
        if self._following:
            return
        if change["new"] is None:  # which no validator is asked about
            with self._follow():
                self.track = change["old"]
            raise OptionError("A track is set by its path, None was found.")
        self._open(self._track_list.find_or_add(change["new"]).id)

    @traitlets.observe("time_range")
    def _range_set(self, change: Any) -> None:
        if not self._following:
            self._context.player.range = list(change["new"] or ())
            self._context.player.select(*(change["new"] or (None,)))

    @traitlets.observe("pins")
    def _pins_set(self, change: Any) -> None:
        row = self._heatmaps.active()
        if not self._following and row is not None and row.view is not None:
            row.view.pins = [int(pin) for pin in change["new"]]

    @traitlets.observe("selection")
    def _selection_set(self, change: Any) -> None:
        if self._following:
            return
        atlas = self._map_tab.atlas
        if atlas is None:
            with self._follow():
                self.selection = change["old"]
            raise OptionError("Tracks are selected on the map, which has not been opened; explorer.map() opens it.")
        atlas.selection = change["new"]
        self._set_selection(atlas.selection)

    # Commands of the panel. ----------------------------------------------------------------------------------------

    def _commands(self) -> dict[str, Callable[..., object]]:
        """Return what answers each command of the panel; the contents of a command are its arguments."""
        heatmaps, predictions, layers = self._heatmaps, self._predictions, self._layers
        return {
            "open_track": self._open_changed,
            "add_row": self._add_row,
            "change_row": heatmaps.change,
            "remove_row": heatmaps.remove,
            "undo": heatmaps.undo,
            "move_row": heatmaps.move,
            "collapse_row": heatmaps.collapse,
            "choose_head": heatmaps.choose_head,
            "retry_row": self._retry,
            "cancel": self.cancel,
            "pull": self._downloads.start,
            "stop_pull": self._downloads.stop,
            "upload": self._open_upload,
            "show_predictions": predictions.start,
            "show_tags": predictions.ask_tagger,
            "separate_stems": predictions.separate,
            "show_layers": layers.start,
            "show_feature_maps": layers.show_maps,
            "show_similarity": self._similarity.start,
            "show_map": self._map_tab.start,
            **self._evaluation_tab.commands(),
            "export_page": lambda: export.start_export(self._context, heatmaps),
            "dismiss_notice": self._context.dismiss,
        }

    def _settle_guarded(self) -> None:
        with self._context.guard():
            self._settle()

    def _add_row(self, model: str, layer: str | None = None, hop: Any = None) -> None:
        self.add(model, layer or "embedding", hop)

    def _open_upload(self, name: str, data: bytes) -> None:
        self._open(self._track_list.upload(name, data).id)

    def _retry(self, row: int) -> None:
        if self._is_stale() and self._context.track is not None:
            self._open(self._context.track.id)
        else:
            self._heatmaps.retry(row)


def _requests(models: Iterable[Any]) -> list[tuple[Any, ...]]:
    given = [models] if isinstance(models, str | Model) else list(models)
    for wanted in given:
        if isinstance(wanted, tuple) and not 1 <= len(wanted) <= 3:
            raise OptionError(f"models holds names or tuples (model, layer, patch_hop), {wanted!r:.80} was found.")
    return [wanted if isinstance(wanted, tuple) else (wanted,) for wanted in given]
