"""The Explorer: pick a track and a model, press play, watch the embedding move.

Wiring only: :mod:`embviz.widgets` draws, :mod:`embviz.extraction` computes, a worker thread keeps the two apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import traitlets

from embviz.app.explorer import export
from embviz.app.explorer import state as states
from embviz.app.explorer.context import ExplorerContext
from embviz.app.explorer.controller import ExplorerController
from embviz.app.explorer.heads import as_head
from embviz.app.explorer.still import explorer_still
from embviz.app.selection import Selected
from embviz.app.tracks import Tracks
from embviz.audio import AudioSource
from embviz.collection import Collection
from embviz.core.cache import CacheOption
from embviz.core.embedding import Embedding
from embviz.errors import OptionError
from embviz.extraction import PatchHop
from embviz.heads import Head
from embviz.models import Model, VectorSource, get_model
from embviz.widgets.base import close_widget, model_ref, new_clock_name
from embviz.widgets.panel import Panel
from embviz.widgets.player import Player
from embviz.widgets.still import Still, StillOutputs

if TYPE_CHECKING:
    import pandas as pd

    from embviz.extraction import EngineOption


class Explorer(traitlets.HasTraits):
    """A panel that shows a track's sound and its embeddings on one clock.

    Parameters
    ----------
    source : path, sequence of paths, Collection, (ndarray, int) or Audio, optional
        A folder of tracks, a collection, a track, or float samples ``[n]`` or ``[n, channels]`` with their rate in Hz;
        without any, files can be dropped onto the panel.
    models : iterable, optional
        What the rows show: names of models, or tuples ``(model, layer)`` or ``(model, layer, patch_hop)`` as for
        :func:`embviz.embed`; for a collection, also vectors of your own with the times of frames. By default one model
        of each system whose weights are here.
    state : mapping, optional
        What :meth:`state` returned: track, rows, range and place of the playhead are as they were then.
    engine : {"auto", "essentia", "onnx"}
        What runs the networks, as for :func:`embviz.embed`.
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
        The tracks that are selected on the map, a row each, once the map was opened; setting it selects, as it does
        for :class:`embviz.Atlas`.
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
    >>> import embviz
    >>> explorer = embviz.Explorer(embviz.sample_audio())  # doctest: +SKIP
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
        engine: EngineOption = "auto",
        cache: CacheOption = None,
        heads: Iterable[Any] = (),
    ) -> None:
        super().__init__()
        restored = None if state is None else states.check_state(state)
        collection = source if isinstance(source, Collection) else None
        tracks = Tracks(source) if collection is None else Tracks.of_table(collection.table)
        player = Player(clock=new_clock_name())
        panel = Panel(clock=player.clock, player=model_ref(player))
        self._context = context = ExplorerContext(tracks, cache, panel, player, engine)
        self._following, self._closed = _Following(), False
        self._controller = controller = ExplorerController(context, collection, restored)
        self._outputs = StillOutputs(self._view, self.still, self.wait)
        context.events.settled.connect(self._settle)
        context.events.settled.connect(self._outputs.touch)
        context.events.evaluated.connect(lambda evaluation: self.set_trait("evaluation", evaluation))
        context.selection.on("selected", self._follow_selected)
        player.observe(self._follow_player, ["time", "range"])
        try:
            for head in [heads] if isinstance(heads, str | Head) else heads:
                controller.heatmaps.heads.add(as_head(head))
            controller.fill(models)
        except BaseException:
            self.close()
            raise

    # For the next cell. --------------------------------------------------------------------------------------------

    @property
    def widget(self) -> Panel:
        """The panel, for layouts of ipywidgets."""
        return self._context.panel

    def add(self, model: VectorSource, layer: str = "embedding", patch_hop: PatchHop = None) -> Self:
        """Add a row at the bottom, and begin to compute it.

        Parameters
        ----------
        model : str, Model or Vectors
            Name or alias of a model. Where its weights are missing, the row offers to download them. Of vectors of your
            own, the row shows the frames of the open track, which is one of a collection.
        layer : str
            Name of a layer of the model, or of any node of its graph.
        patch_hop : float, "dense" or None
            Seconds from one patch to the next, as for :func:`embviz.embed`; None is the model's own.

        Returns
        -------
        Explorer

        Raises
        ------
        ModelError
            If there is no such model. A layer or hop that the model does not have is reported in the row.
        """
        self._context.active = self._controller.heatmaps.add(model, layer, patch_hop)
        self._settle()
        return self

    def add_head(self, head: Head | str | Path) -> Self:
        """Show the answers of a classifier below the rows whose model and layer it was trained on.

        Parameters
        ----------
        head : Head, str or path
            A trained head, the name of a registered one, where one was saved, or the graph (``.pb``) of one of
            Essentia's own; ModelError if there is none.

        Returns
        -------
        Explorer
        """
        self._controller.add_head(as_head(head))
        return self

    def remove(self, model: str | Model | int, layer: str | None = None) -> Self:
        """Remove the rows of a model, or one row.

        Parameters
        ----------
        model : str, Model or int
            Whose rows are removed, or the place of one row, counted from 0; OptionError if there is no such row.
        layer : str, optional
            Only the rows of this layer are removed; by default those of all layers.

        Returns
        -------
        Explorer
        """
        for row in self._controller.heatmaps.find(model, layer):
            self._controller.heatmaps.remove(row.id)
        self._settle()
        return self

    def open(self, track: int | AudioSource) -> Self:
        """Open a track, in the background; one that is not in the list is added to it.

        Parameters
        ----------
        track : int, path, (ndarray, int) or Audio
            Its place in the list from 0, its path or name, or samples with their rate in Hz; AudioError if not found.

        Returns
        -------
        Explorer
        """
        self._controller.open(self._controller.track_list.find_or_add(track).id)
        return self

    @property
    def filtered(self) -> pd.DataFrame | None:
        """The tracks that are left by the filters beside the map; None where the map was not opened yet."""
        atlas = self._controller.map_tab.atlas
        return None if atlas is None else atlas.filtered

    def layers(self, model: str | Model = "musicnn") -> Self:
        """Open the page that walks through all layers of a model.

        Parameters
        ----------
        model : str or Model
            Whose layers are shown; ModelError if there is no such model.

        Returns
        -------
        Explorer
        """
        self._controller.layers.start(get_model(model).name)
        self._context.panel.tab = "layers"
        return self

    def structure(self, model: str | Model = "musicnn", layer: str = "embedding") -> Self:
        """Open the page with the self-similarity of the open track, and the boundaries of its parts.

        Parameters
        ----------
        model : str or Model
            By whose embedding moments are compared; ModelError if there is no such model.
        layer : str
            Name of a layer.

        Returns
        -------
        Explorer
        """
        self._controller.similarity.start(get_model(model).name, layer)
        self._context.panel.tab = "similarity"
        return self

    def map(self, model: str | Model | None = None, **options: Any) -> Self:
        """Open the page with the map of all tracks, which is computed in the background.

        Parameters
        ----------
        model : str or Model, optional
            Whose vectors are mapped; that of :class:`embviz.Atlas` by default.
        **options
            Other parameters of :class:`embviz.Atlas`, such as ``color="genre"``; the map is then made anew.

        Returns
        -------
        Explorer
        """
        self._context.panel.tab = "map"
        self._controller.map_tab.start(**({} if model is None else {"model": model}), **options)
        return self

    def tasks(
        self, target: str | None = None, models: str | Model | Sequence[str | Model] | None = None, **options: Any
    ) -> Self:
        """Open the page that compares models on a task, and compare them where a target is named.

        Parameters
        ----------
        target : str, optional
            The column of the collection that is to be predicted.
        models : str, Model, or list or tuple of them, optional
            Which models are compared; by default those of the rows whose weights are here.
        **options
            As for :func:`embviz.evaluation.evaluate`, such as ``layers="all"``; OptionError if a value is wrong.

        Returns
        -------
        Explorer
            Its :attr:`evaluation` holds the result once it is computed; :meth:`wait` waits for that.
        """
        self._context.panel.tab = "evaluation"
        self._controller.evaluation_tab.ask(target, models, options)
        return self

    def units(self, model: str | Model = "musicnn", layer: str = "embedding", dimension: int | None = None) -> Self:
        """Open the page with the dimensions of a layer, and the card of one of them.

        Parameters
        ----------
        model : str or Model
            Whose dimensions are listed.
        layer : str
            Name of a layer.
        dimension : int, optional
            The card of which dimension is opened, counted from 0.

        Returns
        -------
        Explorer
            Where tracks are to be computed first, the page says what that costs; this computes them.
        """
        units, panel = self._controller.units_tab, self._context.panel
        units.start(get_model(model).name, layer, dimension)
        panel.tab = "units"
        units.ask()
        return self

    def wait(self, timeout: float | None = None) -> Self:
        """Wait until nothing is computed or downloaded any more.

        Meanwhile the panel shows results, but does not react. Errors are shown in their rows and not raised.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most; by default as long as it takes.

        Returns
        -------
        Explorer
        """
        left = self._context.wait(timeout)
        if self._controller.map_tab.atlas is not None:
            self._controller.map_tab.atlas.wait(left)
        return self

    def cancel(self) -> Self:
        """Stop what runs and what waits; what is finished is kept.

        Returns
        -------
        Explorer
        """
        self._controller.cancel()
        return self

    def play(self) -> None:
        """Start the music; browsers want one click on the page before."""
        self._context.player.play()

    def pause(self) -> None:
        """Stop the music."""
        self._context.player.pause()

    def seek(self, seconds: float) -> None:
        """Move the playhead.

        Parameters
        ----------
        seconds : float
            From the start of the track, and limited to its length; OptionError if NaN or infinite.
        """
        self._context.player.seek(seconds)

    def state(self) -> dict[str, Any]:
        """Return what restores this view as ``Explorer(source, state=…)``, ready for JSON.

        Returns
        -------
        dict
            Path of the track, rows, selected range, playhead and the choices of the pages; no sound and no values.

        Examples
        --------
        >>> Explorer(models=["musicnn"]).state()["rows"][0]["model"]
        'msd-musicnn-1'
        """
        return self._controller.state()

    def code(self) -> str:
        """Return Python that gives what the page in front shows, without a panel.

        That is the comparison of models on the page of tasks, the map and the units on theirs, and the rows on all
        others.

        Returns
        -------
        str
        """
        return self._controller.code()

    def cited(self) -> list[Any]:
        """Return what :func:`embviz.cite` is asked about: models and heads on all pages, the map, and the evaluation.

        Returns
        -------
        list
        """
        return self._controller.cited()

    def to_html(self, path: str | Path, **options: Any) -> Path:
        """Write this view to a page that plays without a kernel or network.

        Parameters
        ----------
        path : path
            Where to write it; the name ends in ``.html``.
        **options
            ``audio``: by default ``"embed"``, the page holds the sound and plays wherever it is copied to, or
            ``"link"``, it plays the file from where it is; ``title``; ``theme``: ``"auto"``, ``"light"`` or ``"dark"``;
            ``details``, facts below the title; ``sections``, parts of the track to mark, (name, start in seconds).

        Returns
        -------
        Path
            Of the rows that are there; in a script, those that are still computed are waited for, with their progress.

        Raises
        ------
        FigureError, OptionError
            If the page cannot be written or is too large for a browser; if no track is open, or an option is wrong.
        """
        self._context.finish()
        controller = self._controller
        return export.write_page(path, self._context, controller.heatmaps, controller.page_rows(), **options)

    def close(self) -> None:
        """Stop all work, take the panel off the page and remove uploaded files."""
        self._outputs.close()
        self._context.close()
        for part in self._controller.parts:
            part.close()
        for widget in (self._context.panel, self._context.player):
            close_widget(widget)
        self._closed = True

    def still(self) -> Still:
        """Return what the notebook keeps of the Explorer as it is now."""
        return explorer_still(self._controller)

    def _view(self) -> dict[str, Any]:
        if self._closed:
            return {"text/plain": "This Explorer was closed; make another one."}
        return {**self._context.panel.view_bundle(), "text/plain": repr(self)}

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        return self._outputs.bundle()

    def _ipython_display_(self) -> None:
        self._outputs.display()

    def __repr__(self) -> str:
        rows = ", ".join(f"{row.model} / {row.layer}: {row.status}" for row in self._controller.heatmaps.rows)
        track = self._context.track.name if self._context.track else "without a track"
        return f"<Explorer {track!r}: {rows or 'no rows'}>"

    # Live traits. --------------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Bring the live traits and the code up to what is shown."""
        context, heatmaps = self._context, self._controller.heatmaps
        row = heatmaps.active()
        with self._following:
            self.track = None if context.track is None else context.track.current_path
            self.set_trait("embedding", None if row is None else row.embedding)
            self.pins = () if row is None or row.view is None else tuple(row.view.pins)
        for one in heatmaps.rows:
            if one.embedding is not None and one.layer == "embedding" and one.hop is None:
                self._controller.track_list.mark_one(one.model)
        context.panel.code = self.code()

    def _follow_player(self, change: Any) -> None:
        player = self._context.player
        with self._following:
            self.set_trait("time", float(player.time))
            chosen: Any = tuple(map(float, player.range)) or None
            if chosen != self.time_range:
                self.time_range = chosen
        if change["name"] == "range":
            self._outputs.touch()
            self._context.panel.code = self.code()

    def _follow_selected(self, selected: Selected) -> None:
        """Take over what is selected on the map, or was to be selected before there is one."""
        atlas, loader = self._controller.map_tab.atlas, self._controller.loader
        with self._following:
            self.selection = loader.rows(selected.labels.tolist()) if atlas is None else atlas.selection

    @traitlets.validate("track", "time_range", "pins")
    def _validate(self, proposal: Any) -> Any:
        """Raise where a value cannot be had, before the trait takes it."""
        name, value = proposal["trait"].name, proposal["value"]
        if self._following:
            return value
        if name == "track":
            return self._controller.track_list.find_or_add(value).current_path
        if name == "time_range":
            if not all(map(math.isfinite, value)):
                raise OptionError(f"A range is two numbers of seconds or None, {value!r} was found.")
            return tuple(sorted(value))
        row = self._controller.heatmaps.active()
        d = 0 if row is None or row.embedding is None else row.embedding.shape[1]
        if not all(isinstance(pin, int | np.integer) and 0 <= pin < d for pin in value):
            raise OptionError(f"Dimensions are whole numbers from 0, of which there are {d}; {value!r:.80} was found.")
        return tuple(map(int, value))

    @traitlets.observe("track", "time_range", "pins", "selection")
    def _apply(self, change: Any) -> None:
        """Do what a value asks for that was not set from within."""
        if self._following:
            return
        name, value = change["name"], change["new"]
        player, row, atlas = self._context.player, self._controller.heatmaps.active(), self._controller.map_tab.atlas
        if (name == "track" and value is None) or (name == "selection" and atlas is None):
            with self._following:  # no validator is asked about these
                setattr(self, name, change["old"])
            if name == "track":
                raise OptionError("A track is set by its path, None was found.")
            raise OptionError("Tracks are selected on the map, which has not been opened; explorer.map() opens it.")
        if name == "track":
            self._controller.open(self._controller.track_list.find_or_add(value).id)
        elif name == "time_range":
            player.range = list(value or ())
            player.select(*(value or (None,)))
        elif name == "pins" and row is not None and row.view is not None:
            row.view.pins = [int(pin) for pin in value]
        elif name == "selection" and atlas is not None:
            atlas.selection = value
            with self._following:
                self.selection = atlas.selection


class _Following:
    """True inside a with statement: traits are set from within, and ask for nothing."""

    def __init__(self) -> None:
        self._depth = 0

    def __bool__(self) -> bool:
        return self._depth > 0

    def __enter__(self) -> None:
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
