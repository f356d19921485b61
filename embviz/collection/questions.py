"""The questions that a collection is asked; each is answered by a function of :mod:`embviz.units`, imported late."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas import DataFrame

    from embviz.collection import Collection
    from embviz.core.cache import CacheOption
    from embviz.core.progress import Progress
    from embviz.core.vectors import Vectors
    from embviz.extraction import EngineOption
    from embviz.models import ModelLike
    from embviz.units.contrast import Contrast
    from embviz.units.moments import Moments
    from embviz.units.near_duplicates import NearDuplicates
    from embviz.units.similar import Track
    from embviz.units.units import Units


class Questions:
    """What every collection can be asked."""

    table: DataFrame

    # Moments of a dimension. -----------------------------------------------------------------------------------------

    def moments(  # noqa: PLR0913  options are given by name
        self,
        model: ModelLike | Vectors = "musicnn",
        layer: str = "embedding",
        *,
        dimension: int | str,
        k: int = 20,
        per_track: int | None = 1,
        lowest: bool = False,
        where: Any = None,
        engine: EngineOption = "auto",
        cache: CacheOption = None,
        progress: Progress = True,
    ) -> Moments:
        """Return the moments in which a dimension of a layer is highest.

        Parameters
        ----------
        model : str, Model or Vectors
            Name of a model; or vectors of your own, of the tracks or of their frames.
        layer : str
            Name of a layer.
        dimension : int or str
            Number of the dimension, or its name, such as a tag or ``"128 BPM"``. Of a layer with a frequency axis,
            the channel, whose value in a frame is its maximum over frequency.
        k : int
            How many moments.
        per_track : int or None
            How many of one track at most; None for any number. Moments of a track do not overlap.
        lowest : bool
            Whether those are returned in which it is lowest.
        where : str, Collection, DataFrame, mask or labels, optional
            Which tracks they may be of: a query (``"genre == 'rock'"``), another collection, rows of the table, a mask
            or labels. Places are those among the frames of the whole collection.
        engine, cache, progress
            As for :meth:`embviz.Collection.embed`.

        Returns
        -------
        Moments
            Ranked, the highest first; a contact sheet in a notebook, and a ``table``. Duplicates of other tracks are
            left out.

        Raises
        ------
        OptionError
            If there is no such dimension, or it is the same in all frames.
        CollectionError
            If `where` leaves no track, or no track gave anything.
        ModelError, LayerError, WeightsError
            As for :func:`embviz.embed`.

        Notes
        -----
        The first question to a layer computes its frames and an index of its dimensions, both kept in the cache; each
        further one reads one dimension of the index, whatever `k`, `per_track` and `where` are.

        Examples
        --------
        >>> from embviz import Collection, Vectors, sample_audio
        >>> collection = Collection.from_folder(sample_audio())
        >>> lengths = Vectors.from_array(collection.table[["duration"]], collection, names=["length"], unit="s")
        >>> moments = collection.moments(lengths, dimension="length", k=2, cache=False, progress=False)
        >>> moments.table["name"].tolist(), moments.table["value"].round(1).tolist()
        (['rock.ogg', 'ambient.ogg'], [122.5, 58.0])
        >>> collection.moments("musicnn", dimension=37, k=5)  # doctest: +SKIP
        >>> collection.moments("tempocnn", "output", dimension="128 BPM").to_m3u("128.m3u8")  # doctest: +SKIP
        """
        from embviz.units.moments import find_moments

        collection = cast("Collection", self)
        return find_moments(
            collection, model, layer, dimension=dimension, k=k, per_track=per_track, lowest=lowest, where=where,
            engine=engine, cache=cache, progress=progress,
        )  # fmt: skip

    # Units of a layer. -----------------------------------------------------------------------------------------------

    def units(
        self,
        model: ModelLike | Vectors = "musicnn",
        layer: str = "embedding",
        *,
        tagger: ModelLike | Vectors | None = None,
        engine: EngineOption = "auto",
        cache: CacheOption = None,
        progress: Progress = True,
    ) -> Units:
        """Return the dimensions of a layer, and what each of them goes with in this collection.

        Parameters
        ----------
        model : str, Model or Vectors
            Name or alias of a model whose weights are here; or vectors of frames, or of tracks, of your own.
        layer : str
            Name of a layer, or of any node of the graph.
        tagger : str, Model or Vectors, optional
            Whose tags may become names; by default `model` itself where it gives tags, else the first model with
            tags whose weights are here. Vectors need labels.
        engine, cache, progress
            As for :meth:`embed`.

        Returns
        -------
        Units

        Raises
        ------
        CollectionError
            If there are no tracks, or none gave anything.
        OptionError
            If vectors do not fit the tracks, or the tagger has no tags.

        Notes
        -----
        The first question computes the frames of the layer and those of the tagger, which are kept, as is what was
        found. A dimension is named by the tag that goes with it best in one half of the tracks, if it does so in the
        other half, too: r is 0.3 there or more, and p, corrected for all dimensions, 0.05 or less
        (:mod:`embviz.analysis.associations`). The tracks of an artist are in one half. Of fewer than sixteen tracks (or
        artists), no dimension gets a name.

        Examples
        --------
        >>> collection.units("musicnn").sort("r").table.head()  # doctest: +SKIP
        >>> collection.units("musicnn").search("sad")  # doctest: +SKIP
        >>> collection.units("musicnn").card(37)  # doctest: +SKIP
        """
        from embviz.units.units import find_units

        collection = cast("Collection", self)
        return find_units(collection, model, layer, tagger=tagger, engine=engine, cache=cache, progress=progress)

    # Groups and directions. ------------------------------------------------------------------------------------------

    def contrast(
        self,
        a: Any,
        b: Any = None,
        model: ModelLike | Vectors = "musicnn",
        layer: str = "embedding",
        *,
        names: bool = True,
        engine: EngineOption = "auto",
        cache: CacheOption = None,
        progress: Progress = True,
    ) -> Contrast:
        """Return what separates two groups of tracks: the dimensions, and the direction from one to the other.

        Parameters
        ----------
        a, b : str, Collection, DataFrame, Series of bool or iterable of int
            The groups: an expression as for :meth:`query`, a column and its value (``"style=jazz"``), some tracks of
            this collection, rows of its table, a mask, or labels. None as `b` is all tracks that are not in `a`.
        model : str, Model or Vectors
            Name or alias of a model whose weights are here, or vectors of your own.
        layer : str
            Name of a layer, or of any node of the graph.
        names : bool
            Whether dimensions get the names that :meth:`units` finds, where a tagger is here.
        engine, cache, progress
            As for :meth:`embed`.

        Returns
        -------
        Contrast

        Raises
        ------
        CollectionError
            If the groups overlap, or one of them has fewer than two tracks that can be read.

        Notes
        -----
        Effects, their intervals and the corrected tests are described in :mod:`embviz.analysis.contrast`; they are
        computed on the mean of each track. The tracks of an artist are drawn, swapped and held back together, where
        both groups have two artists or more.

        Examples
        --------
        >>> contrast = collection.contrast("style=jazz", "style=rock", "musicnn")  # doctest: +SKIP
        >>> contrast.table.head()  # doctest: +SKIP
        >>> contrast.direction.project(collection.embed("musicnn"))  # doctest: +SKIP
        """
        from embviz.units.contrast import find_contrast

        collection = cast("Collection", self)
        return find_contrast(collection, a, b, model, layer, names=names, engine=engine, cache=cache, progress=progress)

    # Tracks that stand out, twins, exemplars, neighbours. -------------------------------------------------------------

    def outliers(
        self,
        model: ModelLike | Vectors = "musicnn",
        layer: str = "embedding",
        *,
        k: int = 10,
        metric: str = "cosine",
        engine: EngineOption = "auto",
        cache: CacheOption = None,
        progress: Progress = True,
    ) -> DataFrame:
        """Return how far each track is from its nearest neighbours, and in which dimensions: outliers come first.

        Parameters
        ----------
        model : str, Model or Vectors
            Name of a model; or vectors of your own.
        layer : str
            Name of a layer.
        k : int
            Number of neighbours. A group of fewer tracks that are alike stands out, too.
        metric : {"cosine", "euclidean"}
            How distances are measured.
        engine, cache, progress
            As for :meth:`embed`.

        Returns
        -------
        DataFrame
            A row per track, labelled as in :attr:`table`, those farthest from their neighbours first: ``name``,
            ``title`` and ``artist``, where they are known; ``distance``, the mean over its neighbours; ``score``, how
            far that is above the median of all tracks, in deviations that outliers do not move; ``outlier``, whether
            the score is 3.5 or more; ``reason``, the three dimensions that make most of the distance, and whether
            they are higher or lower than in its neighbours; ``share``, how much of the squared distance these three
            make (0 … 1); ``dimensions``, their numbers. NaN where there is no other track.

        Raises
        ------
        CollectionError
            If there are no tracks, or none gave anything.
        OptionError
            If an option is out of range.

        Examples
        --------
        >>> found = collection.outliers("musicnn", "output")  # doctest: +SKIP
        >>> found[found["outlier"]]  # those that stand out  # doctest: +SKIP
        """
        from embviz.units.outliers import list_outliers

        collection = cast("Collection", self)
        return list_outliers(
            collection, model, layer, k=k, metric=metric, engine=engine, cache=cache, progress=progress
        )

    def exemplars(
        self,
        by: str | Sequence[Any] | None = None,
        model: ModelLike | Vectors = "musicnn",
        layer: str = "embedding",
        *,
        k: int = 1,
        seconds: float = 10.0,
        engine: EngineOption = "auto",
        cache: CacheOption = None,
        progress: Progress = True,
    ) -> Moments:
        """Return the most central tracks of each group, as moments: a medley of the collection.

        Parameters
        ----------
        by : str or sequence, optional
            A column whose values are the groups; or a group for each track, such as the clusters of
            :func:`embviz.analysis.cluster` (-1 is none). By default, clusters of the vectors by k-means.
        model : str, Model or Vectors
            Name of a model; or vectors of your own.
        layer : str
            Name of a layer.
        k : int
            How many tracks of each group.
        seconds : float
            Length of a moment: of each track, the stretch whose frames are nearest to the mean of its group.
        engine, cache, progress
            As for :meth:`embed`.

        Returns
        -------
        Moments
            The largest group first. ``table`` has their groups in the column ``group``; the value is the cosine of the
            track with the mean of the group.

        Raises
        ------
        CollectionError
            If there is no such column, or nothing in it, or no track gave anything.
        OptionError
            If there is not a group for each track, or an option is out of range.

        Examples
        --------
        >>> collection.exemplars("style").play()  # doctest: +SKIP
        >>> collection.exemplars(k=3).to_m3u("medley.m3u8")  # doctest: +SKIP
        """
        from embviz.units.exemplars import find_group_exemplars

        collection = cast("Collection", self)
        return find_group_exemplars(
            collection, by, model, layer, k=k, seconds=seconds, engine=engine, cache=cache, progress=progress
        )

    def neighbors(  # noqa: PLR0913  options are given by name
        self,
        track: Track,
        model: ModelLike | Vectors = "musicnn",
        layer: str = "embedding",
        *,
        k: int = 10,
        same_artist: bool = True,
        same_track: bool = False,
        where: Any = None,
        metric: str = "cosine",
        engine: EngineOption = "auto",
        cache: CacheOption = None,
        progress: Progress = True,
    ) -> DataFrame:
        """Return the tracks that are most like a track.

        Parameters
        ----------
        track : int, str, path, (ndarray, int) or Audio
            Label or name of a track of the collection, or a title that only one has; or any sound.
        model : str, Model or Vectors
            Name of a model; or vectors of your own, for tracks of the collection.
        layer : str
            Name of a layer.
        k : int
            How many; fewer where there are no more.
        same_artist : bool
            Whether other tracks of its artists, and of those they share a track with, are among them.
        same_track : bool
            Whether the track itself is among them, and files of the same content.
        where : str, Collection, DataFrame, mask or labels, optional
            Which tracks they may be, as for :meth:`moments`.
        metric : {"cosine", "euclidean"}
            How distances are measured.
        engine, cache, progress
            As for :meth:`embed`.

        Returns
        -------
        DataFrame
            A row per track, labelled as in :attr:`table`, nearest first: ``rank``, ``name``, ``title``, ``artist`` and
            ``distance``, which is smaller the more alike they are: 0 is the same; by the cosine, it is 1 minus what
            :meth:`moments_like` gives as its value.

        Raises
        ------
        CollectionError
            If there is no such track, or it has no vector, or `where` leaves none.
        OptionError
            If an option is out of range.
        AudioError
            If the sound cannot be read.

        Examples
        --------
        >>> collection.neighbors(3, "musicnn", k=5, same_artist=False)  # doctest: +SKIP
        >>> collection.neighbors("Love Theme")  # doctest: +SKIP
        """
        from embviz.units.similar import find_neighbors

        collection = cast("Collection", self)
        return find_neighbors(
            collection, track, model, layer, k=k, same_artist=same_artist, same_track=same_track, where=where,
            metric=metric, engine=engine, cache=cache, progress=progress,
        )  # fmt: skip

    def moments_like(  # noqa: PLR0913  options are given by name
        self,
        track: Track,
        time: float,
        model: ModelLike | Vectors = "musicnn",
        layer: str = "embedding",
        *,
        k: int = 20,
        per_track: int | None = 1,
        same_artist: bool = True,
        same_track: bool = False,
        where: Any = None,
        engine: EngineOption = "auto",
        cache: CacheOption = None,
        progress: Progress = True,
    ) -> Moments:
        """Return the moments that are most like a moment of a track.

        Parameters
        ----------
        track : int, str, path, (ndarray, int) or Audio
            Label or name of a track of the collection, or a title that only one has; or any sound.
        time : float
            Where in the track, in seconds.
        model : str, Model or Vectors
            Name of a model; or vectors of the frames of the tracks.
        layer : str
            Name of a layer.
        k : int
            How many moments.
        per_track : int or None
            How many of one track at most; None for any number.
        same_artist, same_track
            As for :meth:`neighbors`.
        where : str, Collection, DataFrame, mask or labels, optional
            Which tracks they may be of, as for :meth:`moments`.
        engine, cache, progress
            As for :meth:`embed`.

        Returns
        -------
        Moments
            The most alike first; their value is the cosine with the frame at that time, which is larger the more alike
            they are: 1 is the same. Of files of the same content, one is looked at.

        Raises
        ------
        CollectionError
            If there is no such track, or it has no frames, or `where` leaves none.
        OptionError
            If the track is not as long, or an option is out of range.
        AudioError
            If the sound cannot be read.

        Examples
        --------
        >>> collection.moments_like("rock.ogg", 62.0, k=5)  # doctest: +SKIP
        """
        from embviz.units.similar import find_similar_moments

        collection = cast("Collection", self)
        return find_similar_moments(
            collection, track, time, model, layer, k=k, per_track=per_track, same_artist=same_artist,
            same_track=same_track, where=where, engine=engine, cache=cache, progress=progress,
        )  # fmt: skip

    def near_duplicates(
        self,
        threshold: float = 0.65,
        *,
        model: ModelLike | Vectors = "musicnn",
        layer: str = "embedding",
        k: int = 10,
        engine: EngineOption = "auto",
        cache: CacheOption = None,
        progress: Progress = True,
    ) -> NearDuplicates:
        """Return recordings that are in the collection more than once, as pairs of tracks with evidence.

        Other encodings and masters, louder and quieter ones, cut versions, copies of another pitch or speed. Files that
        are equal to the last bit are pairs, too.

        Parameters
        ----------
        threshold : float
            Least similarity of a pair, 0 … 1: the mean cosine of the frames that overlap. Copies of the ten sample
            tracks have 0.74 and more, other pairs of them 0.2 at most; the two halves of a track that is made of one
            loop come to 0.59.
        model, layer : str, Model or Vectors
            Whose vectors say which tracks are compared.
        k : int
            How many nearest neighbours of each track are compared with it.
        engine, cache, progress
            As for :meth:`embed`.

        Returns
        -------
        NearDuplicates
            Its ``table`` has a row per pair: what is alike, from where on, and by how much one is louder or faster.

        Raises
        ------
        CollectionError
            If there are no tracks, or none gave anything.
        OptionError
            If the threshold is out of range.
        WeightsError
            If MusiCNN's weights, by which pairs are compared, or those of `model`, are not here.

        Notes
        -----
        Of the candidates, those whose frames go alike are compared by MusiCNN's timbral filters, five times a second,
        at the lag, and where need be the speed, at which they are most alike. What lasts, such as a loudness, an
        equalisation or a semitone, does not count. Tracks shorter than two seconds and tracks in which nothing changes
        are in no pair.

        Examples
        --------
        >>> found = collection.near_duplicates()  # doctest: +SKIP
        >>> found.table[["name_a", "name_b", "evidence"]]  # doctest: +SKIP
        >>> unique = found.drop()  # doctest: +SKIP
        """
        from embviz.units.near_duplicates import find_near_duplicates

        collection = cast("Collection", self)
        return find_near_duplicates(
            collection, threshold, model=model, layer=layer, k=k, engine=engine, cache=cache, progress=progress
        )
