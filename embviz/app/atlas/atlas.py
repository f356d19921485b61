"""The Atlas: the map of a collection, where one looks, listens, selects and compares.

Wiring only: :mod:`embviz.widgets` draws, :mod:`embviz.batch` and :mod:`embviz.analysis` compute, a worker thread keeps
the two apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import traitlets

from embviz.app.atlas import export
from embviz.app.atlas.axes import axis_key, layout_choices, models_shown
from embviz.app.atlas.color_options import key_of
from embviz.app.atlas.context import AtlasContext, check_table
from embviz.app.atlas.controller import AtlasController
from embviz.app.atlas.facets import check_keys
from embviz.app.atlas.options import check_option, check_options, check_seed, model_and_layer
from embviz.app.atlas.still import atlas_still
from embviz.app.given import GivenVectors
from embviz.collection.track_lookup import find_track
from embviz.core.cache import check_cache
from embviz.core.progress import say
from embviz.core.vectors import Vectors
from embviz.extraction.engines import check_engine
from embviz.models import VectorSource
from embviz.widgets.base import close_widget, model_ref, new_clock_name
from embviz.widgets.still import Still, StillOutputs

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    from embviz.analysis.model_similarity import Agreement
    from embviz.analysis.projection import Projection
    from embviz.audio import AudioSource
    from embviz.core.cache import CacheOption
    from embviz.core.progress import Progress
    from embviz.core.worker import Worker
    from embviz.export.axes import LayerAxis
    from embviz.extraction import EngineOption
    from embviz.units.contrast import Contrast
    from embviz.widgets.atlas import AtlasView


class Atlas(traitlets.HasTraits):
    """A map on which tracks that a model hears as alike lie near each other.

    It is shown at once, and computed in the background: first the vectors, then a map by PCA, then the one that was
    asked for.

    Parameters
    ----------
    table : DataFrame
        A row per track, as ``Collection.table`` is.
    model : str, Model or Vectors
        Whose vectors are mapped; or vectors of your own, such as :meth:`embviz.Vectors.from_array` makes of arrays.
    layer : str
        Of that model.
    points : {"tracks", "frames"}
        What a point is.
    pooling : {"mean", "mean+std", "max", "median"}
        How the frames of a track become one vector.
    method : {"umap", "pca", "tsne", "pacmap"}
        How the map is made; see :func:`embviz.project`.
    color : str, optional
        A column of the table, ``"cluster"``, ``"trust"`` (how many of its neighbours a point keeps on the map),
        ``"outlier"`` (how far it is from its neighbours, as :meth:`embviz.Collection.outliers` has it), ``"tempo"``, a
        tag such as ``"sad"``, or ``"none"``; by default what says most: genre, style, mood, artist or folder where that
        makes groups, else another column that does, else the clusters.
    size : {"none", "duration", "spread"}, optional
        What larger points mean.
    x, y : str, tuple or Direction, optional
        What the places of the points mean, in place of the projection: a column of the table, ``"cluster"``,
        ``"trust"``, ``"outlier"``, ``"tempo"`` or a tag; a dimension of a layer such as ``("musicnn", "embedding",
        37)``, or of vectors of your own, ``(vectors, 37)``; or a :class:`~embviz.analysis.directions.Direction`. Where
        one of them is not given, it is that coordinate of the projection. Points without a value are not shown, which
        the map says. ``set(layout="projection")`` has the points glide to the projection, ``set(layout="axes")`` back.
    metric : {"cosine", "euclidean"}
        How far apart vectors are.
    k : int
        Neighbours in lists and comparisons of models; those by which a map is judged are 15, see
        :class:`embviz.analysis.Projection`.
    seed : int
        Of what is drawn at random.
    options : mapping, optional
        Of the method.
    clusters : {"none", "hdbscan", "kmeans"}
        How groups are found: HDBSCAN on the map, or k-means on the vectors; they are named by the tags that a tagger
        hears more in them than elsewhere.
    facets : sequence of str, optional
        Columns, tags, ``"tempo"`` or ``"cluster"`` that tracks can be filtered by beside the map; by default those that
        tell the tracks apart.
    second : str, tuple or Vectors, optional
        A second model, model and layer, or vectors of your own, to compare with.
    clock : str, optional
        Name of the clock in the page; a new one by default.
    player : bool or Player
        Whether the Atlas has a player of its own; or the one that is to be followed, while :meth:`on_choose` tells
        what to open and :meth:`mark_open` is told.
    engine : {"auto", "essentia", "onnx"}
        What runs the networks, as for :func:`embviz.embed`.
    cache : Cache, False or None
        Where results are kept, as for :func:`embviz.embed`.
    worker : Worker, optional
        Who computes; one of its own by default.
    folder : str
        Where the tracks are: it names the files that are saved.

    Attributes
    ----------
    selection : DataFrame
        The selected rows of the table, for frames with their ``time`` in seconds, in the order in which they were
        selected. Set a DataFrame, a mask, or labels of tracks, and they are selected on the page. Of a DataFrame, a
        column ``track`` holds the labels, else the index; on a map of frames, a column ``time`` the moments.
    filtered : DataFrame
        The rows of the table that the map shows: those that pass the filters beside it, of colours that its legend does
        not hide; see :meth:`filter`.

    Raises
    ------
    OptionError
        If an option has no such value.
    ModelError
        If there is no such model.

    Examples
    --------
    >>> atlas = Atlas(collection.table, "musicnn", color="style")  # doctest: +SKIP
    >>> atlas.wait().neighbors(7)  # doctest: +SKIP
    """

    selection: Any = traitlets.Any()

    def __init__(  # noqa: PLR0913  one for each choice
        self,
        table: pd.DataFrame,
        model: VectorSource = "musicnn",
        *,
        layer: str = "embedding",
        points: str = "tracks",
        pooling: str = "mean",
        method: str = "umap",
        color: str | None = None,
        size: str | None = None,
        x: Any = None,
        y: Any = None,
        metric: str = "cosine",
        k: int = 10,
        seed: int = 0,
        options: Mapping[str, Any] | None = None,
        clusters: str = "none",
        facets: Sequence[str] | None = None,
        second: Any = None,
        clock: str | None = None,
        player: Any = True,
        engine: EngineOption = "auto",
        cache: CacheOption = None,
        worker: Worker | None = None,
        folder: str = "",
    ) -> None:
        from embviz.widgets.atlas import AtlasView
        from embviz.widgets.player import Player

        super().__init__()
        vectors = GivenVectors()
        asked = model if isinstance(model, Vectors) else {"model": model, "layer": layer}
        chosen: dict[str, Any] = {"cluster_options": {}, **check_option("model", asked, vectors)}
        given: dict[str, Any] = {"points": points, "pooling": pooling, "method": method, "metric": metric, "k": k}
        given |= {"options": options or {}, "size": size or "none", "clusters": clusters, "second": second}
        for name, value in given.items():
            chosen |= check_option(name, value, vectors)
        chosen = check_options(chosen)
        check_table(table)
        chosen["color"], chosen["facets"] = key_of(color, table), check_keys(facets, table)
        if chosen["color"] == "cluster" and clusters == "none":
            chosen["clusters"] = "hdbscan"
        if color is None and chosen["color"] == "none" and clusters != "none":
            chosen["color"] = "cluster"
        known: dict[str, LayerAxis] = {}
        chosen |= {way: axis_key(value, table, known) for way, value in (("x", x), ("y", y))}
        chosen |= layout_choices(chosen)
        if "cluster" in (chosen["x"], chosen["y"]) and clusters == "none":
            chosen["clusters"] = "hdbscan"
        seed = check_seed(seed)
        check_engine(engine)
        check_cache(cache)
        self._closed = self._taking = False
        other = player if isinstance(player, Player) else None
        name = clock or (other.clock if other else new_clock_name())
        self._own_player = own = Player(clock=name) if player is True else None
        panel = AtlasView(clock=name, player=model_ref(own))
        self._context = context = AtlasContext(table, panel, own or other, cache, worker, seed)
        context.choices, context.engine, context.given = chosen, check_engine(engine), vectors
        context.axes = known
        self._controller = AtlasController(context, own or other, own_player=own is not None, folder=folder)
        self._outputs = StillOutputs(self._view, self.still, self.wait)
        context.events.settled.connect(self._outputs.touch)
        context.selection.on("selected", lambda _selected: self._outputs.touch())
        panel.observe(lambda _change: self._outputs.touch(), "filters")
        context.events.scatter_made.connect(
            lambda _view, scatter: scatter.observe(lambda _change: self._outputs.touch())
        )
        try:
            context.selection.on("selected", self._follow)
            self._follow()
            self._controller.fill()
        except BaseException:
            self.close()
            raise

    # The selection. ------------------------------------------------------------------------------------------------

    def _follow(self, _selected: Any = None) -> None:
        """Bring the trait up to what is selected on the page."""
        if not self._taking:
            with self.cross_validation_lock:  # it is rows of the table already
                self.selection = self._controller.selection.table()

    @traitlets.validate("selection")
    def _take(self, proposal: Any) -> Any:
        """Take what is to be selected, before the trait does; it becomes rows of the table."""
        self._taking = True
        try:
            self._controller.selection.take(proposal["value"])
        finally:
            self._taking = False
        return self._controller.selection.table()

    # For the next cell. --------------------------------------------------------------------------------------------

    @property
    def widget(self) -> AtlasView:
        """The page, for layouts of ipywidgets."""
        return self._context.panel

    @property
    def table(self) -> pd.DataFrame:
        """The tracks."""
        return self._context.table

    @property
    def vectors(self) -> Vectors | None:
        """What is mapped, once it is computed."""
        return self._controller.views[0].vectors

    @property
    def projection(self) -> Projection | None:
        """Where the points are; while the map is computed, the one that is seen meanwhile."""
        return self._controller.views[0].projection

    @property
    def agreement(self) -> Agreement | None:
        """How far the two models agree, where there are two."""
        return self._controller.comparison.result

    @property
    def differences(self) -> pd.DataFrame:
        """Share of the neighbours of each track that both models agree on (``overlap``), least first."""
        return self._controller.comparison.table()

    @property
    def filtered(self) -> pd.DataFrame:
        """The tracks that the map shows: what filters and legend leave of them, in the order of the table."""
        return self._context.table.loc[self._controller.facets.labels()]

    @property
    def is_filtered(self) -> bool:
        """Whether filters or the legend leave out anything."""
        return self._controller.facets.points() is not None

    @property
    def clusters(self) -> pd.DataFrame:
        """Cluster and name of each point, indexed by the labels of the tracks; empty where none were looked for."""
        return self._controller.clusters.table()

    @property
    def contrast(self) -> Contrast | None:
        """What separates the groups that the page was asked about last; see :meth:`embviz.Collection.contrast`."""
        return self._controller.contrast.found

    def set(self, **chosen: Any) -> Self:
        """Change what the map shows, and compute what depends on it.

        Parameters
        ----------
        **chosen
            Parameters of :class:`Atlas`, from ``model`` to ``second`` but not ``seed``, with their new values; also
            ``cluster_options``, a mapping, and ``layout``, ``"projection"`` or ``"axes"``. A new model without a layer
            shows its embedding.

        Returns
        -------
        Atlas

        Raises
        ------
        ModelError, OptionError
            If there is no such model, or no such choice or value.

        Examples
        --------
        >>> atlas.set(method="pca", color="genre").wait()  # doctest: +SKIP
        """
        if {"model", "layer"} & set(chosen):
            before = self._context.choices
            layer = chosen.pop("layer", "embedding" if "model" in chosen else before["layer"])
            model = model_and_layer(chosen.pop("model", before["model"]), layer, self._context.given)
            chosen = {"model": model, **chosen}
        self._controller.choose(chosen)
        return self

    def filter(self, wanted: Mapping[str, Any] | None = None, /, **columns: Any) -> Self:
        """Filter the tracks on the map, in its lists and among the neighbours, as histograms and bars beside it do.

        Parameters
        ----------
        wanted : mapping, optional
            By names of columns, tags, ``"tempo"`` or ``"cluster"``: of numbers the lowest and the highest that pass, of
            categories one or a list, and None, with which all pass. Without anything, all filters end, and
            what the legend hides is shown again.
        **columns
            The same, where names can be written as such.

        Returns
        -------
        Atlas

        Raises
        ------
        OptionError
            If there is nothing of a name, or no track has such a value.

        Examples
        --------
        >>> atlas.filter(duration=(60, 300), genre=["rock", "jazz"]).filtered  # doctest: +SKIP
        """
        given = {**(wanted or {}), **columns}
        if given:
            self._controller.facets.set(given)
        else:
            self._controller.show_all()
        return self

    def assign(self, **columns: Any) -> Self:
        """Add columns to the table, to colour by and to show for each point; map and selection stay.

        Parameters
        ----------
        **columns
            What :meth:`pandas.DataFrame.assign` takes: a Series by the labels of the tracks, or a value for each.

        Returns
        -------
        Atlas

        Raises
        ------
        OptionError
            If a column says what a file is, or its values are not one for each track.
        """
        self._controller.assign(columns)
        return self

    def neighbors(self, of: int | tuple[int, float] | pd.DataFrame | AudioSource, k: int | None = None) -> pd.DataFrame:
        """Return the nearest neighbours, in all dimensions of the vectors.

        Parameters
        ----------
        of : int, str, (int, float), DataFrame, path, Audio or (ndarray, int)
            Label or name of a track, or a title that only one has; label and seconds, for its frame there; rows of the
            table, whose middle is meant; or a sound that need not be in the collection.
        k : int, optional
            How many; that of the Atlas by default.

        Returns
        -------
        DataFrame
            Nearest first, indexed by the labels of the tracks: distance (0 is the same), time (of frames), title,
            artist, name.
            ``attrs["exact"]`` says whether all vectors were compared.

        Raises
        ------
        OptionError
            If there are no vectors yet, no such track is on the map, or seconds are given where points are tracks.
        """
        queries = self._controller.neighbors
        return queries.frame(queries.search(queries.query(of), self._context.choices["k"] if k is None else k))

    def rename_cluster(self, number: int, name: str) -> Self:
        """Give a cluster a name, which it keeps as long as it has the same members.

        Parameters
        ----------
        number : int
            Number of the cluster, as in :attr:`clusters`; OptionError if there is none.
        name : str
            Up to 80 characters; an empty one brings back the name that was found.

        Returns
        -------
        Atlas
        """
        self._controller.clusters.rename(number, name)
        return self

    def on_choose(self, call: Callable[[int, float | None], None]) -> None:
        """Have a function called each time a track is chosen to be heard, on the page or by :meth:`choose`.

        Parameters
        ----------
        call : callable
            Given the label of the track, and the moment in seconds, or None where the whole track was chosen.
        """
        self._context.selection.on("request", lambda request: call(request.track, request.seconds))

    def on_change(self, call: Callable[[], object]) -> None:
        """Have a function called each time results were handed over, or the view was changed."""
        self._context.events.settled.connect(call)

    def mark_open(self, label: int) -> None:
        """Mark the point of a track that was opened in a player elsewhere, and follow the playhead on the map.

        Parameters
        ----------
        label : int
            Label of the track in the table.
        """
        self._controller.playback.mark_open(label)

    def choose(self, label: int | str, at: float | None = None) -> Self:
        """Open a track and play it.

        Parameters
        ----------
        label : int or str
            Label or name of the track in the table, or a title that only it has; OptionError or CollectionError if
            there is no such track.
        at : float, optional
            Seconds from which it is played; the beginning by default.

        Returns
        -------
        Atlas
        """
        found = find_track(self.table, label) if isinstance(label, str) else label
        self._controller.playback.choose(label if found is None else found, at)
        return self

    def enqueue(self, tracks: pd.DataFrame | pd.Series[Any] | ArrayLike) -> Self:
        """Put tracks at the end of the queue; :meth:`play_queue` plays it.

        Parameters
        ----------
        tracks : DataFrame, Series or array_like
            Rows of the table (of frames, played from their ``time`` in seconds), a mask of the table, or labels;
            OptionError if there is no such track, or more than 5,000 would be in the queue.

        Returns
        -------
        Atlas
        """
        labels, times = self._controller.selection.read(tracks)
        self._controller.playback.enqueue(labels.tolist(), None if times is None else times.tolist())
        return self

    def play_queue(self, at: int = 0) -> Self:
        """Play an item of the queue, then those after it.

        Parameters
        ----------
        at : int
            Place of the item, counted from 0; OptionError if there is none.

        Returns
        -------
        Atlas
        """
        self._controller.playback.play(at)
        return self

    def wait(self, timeout: float | None = None) -> Self:
        """Wait until nothing is computed or downloaded any more.

        Meanwhile the page shows results, but does not react. Errors are shown on the page and not raised.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most; by default as long as it takes.

        Returns
        -------
        Atlas
        """
        self._context.wait(timeout)
        return self

    def cancel(self) -> Self:
        """Stop what runs and what waits; what is finished is kept.

        Returns
        -------
        Atlas
        """
        self._controller.cancel()
        return self

    def state(self) -> dict[str, Any]:
        """Return the choices, selection, filters and names of clusters, ready for JSON; see :meth:`restore`.

        Directions that are axes are in it, vectors of your own are not.

        Returns
        -------
        dict
        """
        return export.state(self._context, self._controller.selection, self._controller.clusters)

    def restore(self, state: Mapping[str, Any]) -> Self:
        """Show what :meth:`state` returned.

        Parameters
        ----------
        state : mapping
            Anything else raises OptionError, and nothing is changed; tracks, a model or a column to color by that are
            not there any more are left out.

        Returns
        -------
        Atlas
        """
        state = export.checked_state(state)
        self._context.axes |= state["directions"]
        self._controller.restore(state["choices"])
        self._controller.clusters.restore(state["names"])
        self._controller.selection.restore(state["selection"], state["times"])
        self._context.panel.filters = state["filters"]
        return self

    def code(self) -> str:
        """Return Python that computes and draws this map without a panel.

        Returns
        -------
        str
        """
        return self._controller.code()

    def cited(self) -> list[Any]:
        """Return what :func:`embviz.cite` is asked about: what the maps that are there show: vectors and projections,
        and the models and heads of the colour and the axes.

        Returns
        -------
        list
        """
        views = self._controller.views if self._context.choices["second"] else self._controller.views[:1]
        shown = [part for view in views for part in (view.vectors, None if view.axes else view.projection)]
        there = [part for part in shown if part is not None]
        return [*there, *models_shown(self._context)] if there else []

    def save(self, path: str | Path, *, selection: bool = False, **options: Any) -> Path:
        """Write the map, or its tracks, to a file by the ending of its name, and return where.

        Parameters
        ----------
        path : path
            ``.png`` and ``.svg`` are pictures, ``.html`` is a page that needs no kernel; ``.csv``, ``.parquet`` and
            ``.m3u`` list the tracks; a name without an ending is a folder for TensorBoard's projector.
        selection : bool
            Whether only what is selected is written, in lists: in its order, with ``selection_rank`` from 1, and of
            frames ``selection_start`` and ``selection_stop`` in seconds, which in playlists VLC reads.
        **options
            Of a page: those of :meth:`to_html`; of a CSV file: ``spreadsheet_safe``, as for
            :meth:`embviz.Collection.to_csv`.

        Returns
        -------
        Path

        Raises
        ------
        EmbvizError
            If the file cannot be written, has another ending, or there is no map yet; OptionError if options are wrong.
            In a script, the map is waited for.
        """
        if Path(path).suffix.lower() == ".html":
            return self.to_html(path, **options)
        self._context.finish()
        return export.save(Path(path), self._controller.contents(selection=selection), **options)

    def to_html(self, path: str | Path, *, audio: str = "auto", progress: Progress = True, **options: Any) -> Path:
        """Write the map, as it is drawn now, to a page that needs no kernel or network.

        The page begins with the filters that are set, as far as it has their columns.

        Parameters
        ----------
        path : path
            Where to write it; the name ends in ``.html``.
        audio : {"auto", "clips", "embed", "link"}
            ``"clips"``: the page holds the loudest 25 seconds of each track (170 kB a track) and plays wherever it is
            copied to. ``"embed"``: it holds the whole tracks (1 MB a minute). ``"link"``: it plays the files from where
            they are, so that it must be moved together with them. ``"auto"`` is clips up to 200 tracks, links for more;
            a printed line says which it was.
        progress : bool or callable
            As for :func:`embviz.embed`; a bar by default.
        **options
            ``title`` of the page, by default the name of the folder; ``theme``, ``"auto"``, ``"light"`` or ``"dark"``;
            ``notes``, sentences to show below the map; ``embeddings=None`` leaves the heatmaps of the tracks out;
            ``colors``, columns of the table that the page can be coloured by, the first one to begin with.

        Returns
        -------
        Path
            Of what is there; in a script, what is still computed is waited for, with its progress.

        Raises
        ------
        FigureError, OptionError
            If the page cannot be written or would be larger than a browser opens; if there is no map yet, or an option
            is wrong.

        Examples
        --------
        >>> atlas.to_html("map.html")  # doctest: +SKIP
        >>> atlas.to_html("map.html", audio="link", title="My records", theme="dark")  # doctest: +SKIP
        """
        self._context.finish()
        contents = self._controller.contents(selection=False)
        written = export.page(Path(path), contents, audio=audio, progress=progress, **options)
        if audio == "auto":
            say(export.audio_note(Path(path), contents))
        return written

    def close(self) -> None:
        """Stop all work, and take everything off the page."""
        if self._closed:
            return
        self._outputs.close()
        self._closed = True
        self._controller.playback.close()
        self._context.close()
        for view in self._controller.views:
            view.close()
        close_widget(self._context.panel)
        if self._own_player is not None:
            close_widget(self._own_player)

    def still(self) -> Still:
        """Return what the notebook keeps of the Atlas as it is now."""
        return atlas_still(self._controller)

    def _view(self) -> dict[str, Any]:
        if self._closed:
            return {"text/plain": "This Atlas was closed; make another one."}
        return {**self._context.panel.view_bundle(), "text/plain": repr(self)}

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        return self._outputs.bundle()

    def _ipython_display_(self) -> None:
        self._outputs.display()

    def __repr__(self) -> str:
        view = self._controller.views[0]
        n = len(view.vectors) if view.vectors is not None else 0
        what = "frame" if self._context.choices["points"] == "frames" else "track"
        return f"<Atlas {view.title}: {n:,} {what}{'s' * (n != 1)}, {view.work.status or 'closed'}>"
