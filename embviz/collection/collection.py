"""Collections: the tracks of a folder, of a table or of a dataset, as one table to filter, join and take away.

Conventions: a track has a label, the table's index, which it keeps through filtering, sorting and joining. Nothing is
changed in place: what changes a collection returns another one. Nothing is decoded by listing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Unpack, overload

from embviz.audio import Audio
from embviz.collection import discovery, io, loaders, reprs, table_ops, track_lookup, track_table
from embviz.collection.questions import Questions
from embviz.core.cache import resolve_cache
from embviz.core.progress import Progress, reporter, say
from embviz.core.text import plural, shorten
from embviz.errors import AudioError, CollectionError

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import numpy as np
    from mirdata.core import Dataset
    from numpy.typing import NDArray
    from pandas import DataFrame, Index, Series

    from embviz.app.atlas import Atlas
    from embviz.batch.api import TableOptions
    from embviz.core.cache import CacheOption
    from embviz.core.vectors import Vectors
    from embviz.extraction import EngineOption, PatchHop
    from embviz.heads import Head
    from embviz.models import LayerList, ModelLike, VectorSource, VectorSources


@dataclass(frozen=True)
class _Origin:
    """How a collection came about, for listing the files again."""

    cache: CacheOption = None
    duplicates: bool = True
    first_new: int = 0  # the label of the next new track
    relist: Callable[..., Collection] | None = None


class Collection(Questions):
    """The tracks of a folder, of a table or of a dataset; made by one of the methods ``from_…``.

    Parameters
    ----------
    table : DataFrame
        Table of another collection, or some of its rows.
    notes : iterable of str
        Sentences about it.

    Attributes
    ----------
    table : pandas.DataFrame
        A row per track, labelled "track". The columns ``path``, ``name``, ``folder`` (the one in the name, as
        "rock/live"; empty at the top), ``title``, ``artist``, ``album``, ``genre``, ``year``, ``duration`` (seconds),
        ``digest``, ``duplicate_of`` (label of the first track with the same content), ``problem`` (why it cannot be
        used, or empty) and ``warning`` (what is odd about its sound, as "3.1 of 12.0 s could be decoded") are always
        there; after them stand your own. Lengths are those that files claim until a track was decoded once; then,
        :meth:`refresh` or listing again puts in the true one, and the warning.
    notes : tuple of str
        What was noticed while listing.

    Raises
    ------
    CollectionError
        If the table is not that of a collection.

    Examples
    --------
    >>> from embviz import Collection, sample_audio
    >>> collection = Collection.from_folder(sample_audio())
    >>> slow = collection.query("bpm < 110")
    >>> [track.title for track in slow.sort_values("bpm")][:2]
    ['Corner Light', 'Window Waltz']
    >>> collection[collection["style"] == "rock"]["title"].tolist()
    ['Sixty-Four Bars']
    """

    def __init__(self, table: DataFrame, *, notes: Iterable[str] = (), origin: _Origin | None = None) -> None:
        self.table = table_ops.check_table(table)
        self.notes = tuple(notes)
        self._origin = origin or _Origin(first_new=int(table.index.max()) + 1 if len(table) else 0)

    # Where collections come from. ----------------------------------------------------------------------------------

    @classmethod
    def from_folder(
        cls,
        path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        *,
        pattern: str = "**/*",
        follow_links: bool = False,
        duplicates: bool = True,
        cache: CacheOption = None,
        progress: Progress = None,
    ) -> Collection:
        """Return the sounds in a folder and its subfolders, but not hidden ones.

        Sounds are known by the endings of their names; :attr:`notes` says which kinds were passed over because there is
        no decoder for them. :meth:`from_paths` takes files of any name.

        A file ``tracks.csv`` beside the sounds (columns ``file``, ``title``, ``style``, ``bpm``, ``key``, ``meter``,
        and labels of your own) adds what it says.

        Parameters
        ----------
        path : path or sequence of paths
            The folder; or several, whose sounds are named below the folder that holds all of these.
        pattern : str
            Which sounds: a pattern for their names below the folder (``"rock/**/*.mp3"``; ``**`` stands for any
            number of folders), or an ending (``".flac"``).
        follow_links : bool
            Whether folders that are links are entered, each once.
        duplicates : bool
            Whether files of equal size are compared by their content.
        cache : Cache, False or None
            Where tags of files are kept; None is the user's cache, False reads anew.
        progress : bool or callable, optional
            As for :func:`embviz.embed`.

        Returns
        -------
        Collection
            One track per file, in the natural order of their names.

        Raises
        ------
        CollectionError
            If there is no such folder, or no sound in it.

        Examples
        --------
        >>> from embviz import Collection, sample_audio
        >>> len(Collection.from_folder(sample_audio(), pattern="*.ogg"))
        8

        Several folders are one collection:

        >>> Collection.from_folder(["music/jazz", "music/rock"])  # doctest: +SKIP
        """
        relist = partial(cls.from_folder, path, pattern=pattern, follow_links=follow_links)
        if isinstance(path, list | tuple):
            found = discovery.list_folders(path, pattern, follow_links=follow_links)
        else:
            found = discovery.list_folder(path, pattern, follow_links=follow_links)
        return cls._from_files(found, relist, duplicates=duplicates, cache=cache, progress=progress)

    @classmethod
    def from_paths(
        cls,
        paths: Iterable[str | os.PathLike[str]],
        *,
        base: str | os.PathLike[str] | None = None,
        duplicates: bool = True,
        cache: CacheOption = None,
        progress: Progress = None,
    ) -> Collection:
        """Return the tracks of some files.

        A file that cannot be used stays in the table, with its problem. A path given twice is kept once.

        Parameters
        ----------
        paths : iterable of paths
            The files.
        base : path, optional
            The folder that their names start from; by default the one that holds all of them.
        duplicates, cache, progress
            As for :meth:`from_folder`.

        Returns
        -------
        Collection
            One track per file, in the order given.

        Raises
        ------
        CollectionError
            If there are no paths, or something that is not a path is among them.

        Examples
        --------
        >>> from embviz import Collection, sample_audio
        >>> Collection.from_paths([sample_audio() / "rock.ogg", sample_audio() / "jazz.ogg"])["name"].tolist()
        ['rock.ogg', 'jazz.ogg']
        """
        given = loaders.check_paths(paths)
        kept = list(dict.fromkeys(given))
        names = track_table.names_below(kept, None if base is None else discovery.expand_user(base))
        doubled = plural(len(given) - len(kept), "path")
        notes = [f"{doubled} stood in the list before: left out."] if len(given) > len(kept) else []
        found, relist = discovery.ListedFiles(kept, names, notes), partial(cls.from_paths, kept, base=base)
        return cls._from_files(found, relist, duplicates=duplicates, cache=cache, progress=progress)

    @classmethod
    def from_table(
        cls,
        table: str | os.PathLike[str] | DataFrame,
        *,
        audio: str = "path",
        base: str | os.PathLike[str] | None = None,
        duplicates: bool = True,
        cache: CacheOption = None,
        progress: Progress = None,
    ) -> Collection:
        """Return the files that a table names, with its other columns.

        Its columns ``title``, ``artist``, ``album``, ``genre``, ``year`` and ``duration`` take precedence over
        the tags of the files.

        Parameters
        ----------
        table : path or DataFrame
            A csv or parquet file, or a table.
        audio : str
            The column of paths.
        base : path, optional
            The folder that relative paths start from; by default the table's own folder, or the working folder.
        duplicates, cache, progress
            As for :meth:`from_folder`.

        Returns
        -------
        Collection
            One track per file, in the order of the rows; further rows with the same file are left out.

        Raises
        ------
        CollectionError
            If it is no table, or has no such column, or no rows.

        Examples
        --------
        >>> from embviz import Collection, sample_audio
        >>> len(Collection.from_table(sample_audio() / "tracks.csv", audio="file"))
        10
        """
        given, own = loaders.read_table(table, audio)
        relist = partial(cls.from_table, table, audio=audio, base=base)
        found, rows = _rows(given, audio, own if base is None else discovery.expand_user(base))
        return cls._from_files(found, relist, given=rows, duplicates=duplicates, cache=cache, progress=progress)

    @classmethod
    def from_mirdata(
        cls,
        dataset: str | Dataset,
        *,
        data_home: str | os.PathLike[str] | None = None,
        audio: str = "audio_path",
        duplicates: bool = True,
        cache: CacheOption = None,
        progress: Progress = None,
    ) -> Collection:
        """Return the tracks of a dataset that mirdata knows, with their labels: text, numbers, or lists of texts.

        Nothing is downloaded: mirdata's ``dataset.download()`` does that.

        Parameters
        ----------
        dataset : mirdata.core.Dataset or str
            A dataset, or its name.
        data_home : path, optional
            Where the dataset of a name is; by default where mirdata keeps it.
        audio : str
            Attribute of the tracks that holds the path.
        duplicates, cache, progress
            As for :meth:`from_folder`.

        Returns
        -------
        Collection

        References
        ----------
        R. M. Bittner et al., "mirdata: Software for reproducible usage of datasets", ISMIR 2019.

        Raises
        ------
        CollectionError
            If mirdata is not installed, or has no such dataset, or it is not here.
        """
        relist = partial(cls.from_mirdata, dataset, data_home=data_home, audio=audio)
        found, rows = _rows(loaders.read_mirdata(dataset, data_home, audio), "path", Path())
        return cls._from_files(found, relist, given=rows, duplicates=duplicates, cache=cache, progress=progress)

    @classmethod
    def _from_files(
        cls,
        found: discovery.ListedFiles,
        relist: Callable[..., Collection] | None,
        *,
        given: DataFrame | None = None,
        duplicates: bool,
        cache: CacheOption,
        progress: Progress,
    ) -> Collection:
        with reporter(progress) as report:
            table, noticed = track_table.build_track_table(
                found.paths, found.names, duplicates=duplicates, cache=cache, report=report
            )
        notes = [*found.notes, *noticed]
        if given is not None:
            table, noticed = table_ops.overlay_table(table, given)
            notes += noticed
        # What was measured goes before what tags and tables claim.
        table = track_table.add_sound_facts(table, resolve_cache(cache))
        return cls(table, notes=notes, origin=_Origin(cache, duplicates, int(table.index.max()) + 1, relist))

    # As a table. ---------------------------------------------------------------------------------------------------

    @property
    def cache(self) -> CacheOption:
        """The cache that the collection was made with; None is the user's own."""
        return self._origin.cache

    @property
    def columns(self) -> Index:
        """The names of the table's columns."""
        return self.table.columns

    def __len__(self) -> int:
        return len(self.table)

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the rows as named tuples, as ``DataFrame.itertuples`` gives them; ``Index`` is the label."""
        return iter(self.table.itertuples(name="Track"))

    def __contains__(self, column: object) -> bool:
        return column in self.table.columns

    @overload
    def __getitem__(self, key: str) -> Series: ...
    @overload
    def __getitem__(self, key: list[str]) -> DataFrame: ...
    @overload
    def __getitem__(self, key: slice | Series | NDArray[np.bool_] | list[bool]) -> Collection: ...
    def __getitem__(self, key: str | slice | Sequence[str] | Sequence[bool] | Series | NDArray[np.bool_]) -> Any:
        """Return a column, some columns (as a DataFrame), or the tracks of a slice or of a mask (as a Collection)."""
        if isinstance(key, str):
            return self.table[loaders.check_column(self.table, key)]
        if isinstance(key, slice):
            return self._derive(self.table.iloc[key])
        if isinstance(key, list) and all(isinstance(name, str) for name in key):
            return self.table[[loaders.check_column(self.table, name) for name in key]]
        return self._derive(self.table[table_ops.row_mask(self.table, key)])

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        raise CollectionError(
            "A collection is not changed in place; collection.assign(name=values) returns one with the column."
        )

    def select(self, labels: Iterable[int | str]) -> Collection:
        """Return the tracks with these labels, in the order given.

        Parameters
        ----------
        labels : iterable of int or str
            Labels of :attr:`table`, names of tracks, or titles that only one has; each track counts once.

        Returns
        -------
        Collection

        Raises
        ------
        CollectionError
            If there is no track with one of the labels.
        """
        wanted = [self._label(label) if isinstance(label, str) else label for label in labels]
        return self._derive(self.table.loc[table_ops.known_labels(self.table, wanted)])

    def _label(self, track: str) -> int:
        label = track_lookup.find_track(self.table, track)
        if label is None:
            raise CollectionError(f"The file {track!r:.200} is not in this collection.")
        return label

    def query(self, expression: str) -> Collection:
        """Return the tracks for which an expression holds.

        Parameters
        ----------
        expression : str
            As for :meth:`pandas.DataFrame.query`, such as ``"bpm > 120 and genre == 'rock'"``; ``@name`` stands for a
            variable of yours.

        Returns
        -------
        Collection

        Raises
        ------
        CollectionError
            If the expression cannot be evaluated.

        Examples
        --------
        >>> from embviz import Collection, sample_audio
        >>> Collection.from_folder(sample_audio()).query("bpm > 140")["title"].tolist()
        ['Two Five Window', 'Anvil Grammar']
        """
        try:
            return self._derive(self.table.query(expression, level=1))
        except Exception as error:  # noqa: BLE001  whatever pandas makes of it
            raise CollectionError(table_ops.query_problem(self.table, expression, error)) from None

    def head(self, n: int = 5) -> Collection:
        """Return the first `n` tracks.

        Parameters
        ----------
        n : int
            Number of tracks, 5 by default; all where there are fewer.

        Returns
        -------
        Collection
        """
        return self._derive(self.table.head(n))

    def tail(self, n: int = 5) -> Collection:
        """Return the last `n` tracks.

        Parameters
        ----------
        n : int
            Number of tracks, 5 by default; all where there are fewer.

        Returns
        -------
        Collection
        """
        return self._derive(self.table.tail(n))

    def sample(self, n: int, *, seed: int | None = 0) -> Collection:
        """Return tracks drawn at random.

        Parameters
        ----------
        n : int
            Number of tracks.
        seed : int or None
            The same seed gives the same tracks; None gives others each time.

        Returns
        -------
        Collection

        Raises
        ------
        CollectionError
            If there are fewer tracks than `n`.
        """
        try:
            return self._derive(self.table.sample(n, random_state=seed))
        except (ValueError, TypeError) as error:
            raise CollectionError(f"A number of tracks up to {len(self)} is expected, {n!r} was found.") from error

    def sort_values(self, by: str | list[str], *, ascending: bool | list[bool] = True) -> Collection:
        """Return the tracks sorted by columns; those without a value come last.

        Parameters
        ----------
        by : str or list of str
            Names of columns.
        ascending : bool or list of bool
            Direction, of each column.

        Returns
        -------
        Collection

        Raises
        ------
        CollectionError
            If there is no such column, or its values have no order.
        """
        for name in [by] if isinstance(by, str) else by:
            loaders.check_column(self.table, name)
        try:
            return self._derive(self.table.sort_values(by, ascending=ascending, kind="stable"))
        except (ValueError, TypeError) as error:
            raise CollectionError(f"The tracks cannot be sorted by {by!r}: {shorten(error).rstrip('.')}.") from error

    def drop_duplicates(self) -> Collection:
        """Return the tracks without duplicates; of files with the same content, the first is kept.

        Returns
        -------
        Collection
        """
        table = self.table if self._origin.duplicates else self._reread(duplicates=True).table
        first = table["duplicate_of"].fillna(table.index.to_series())
        return self._derive(self.table[~first.duplicated()])

    def assign(self, **columns: Any) -> Collection:
        """Return the collection with columns added or replaced.

        Parameters
        ----------
        **columns
            Name and values, as for :meth:`pandas.DataFrame.assign`: a value, one for each track, or a function.

        Returns
        -------
        Collection

        Raises
        ------
        CollectionError
            If the number of values differs, or a column says what a file is, such as ``path``.

        Examples
        --------
        >>> from embviz import Collection, sample_audio
        >>> collection = Collection.from_folder(sample_audio())
        >>> int(collection.assign(fast=collection["bpm"] > 120)["fast"].sum())
        4
        """
        return self._derive(table_ops.assign_columns(self.table, columns))

    def drop(self, *, columns: str | Iterable[str] = (), tracks: int | Iterable[int] = ()) -> Collection:
        """Return the collection without some columns or tracks, as :meth:`pandas.DataFrame.drop` does.

        Parameters
        ----------
        columns : str or iterable of str
            Columns that were added; those that every collection has stay.
        tracks : int or iterable of int
            Labels of tracks.

        Returns
        -------
        Collection

        Raises
        ------
        CollectionError
            If there is no such column or track, or every collection has the column.

        Examples
        --------
        >>> from embviz import Collection, sample_audio
        >>> collection = Collection.from_folder(sample_audio()).drop(columns=["bpm", "key"], tracks=0)
        >>> len(collection), "bpm" in collection
        (9, False)
        """
        return self._derive(table_ops.drop_tracks(table_ops.drop_columns(self.table, columns), tracks))

    def join(
        self, other: DataFrame | Series, on: str | None = None, *, rsuffix: str = "", overwrite: bool = False
    ) -> Collection:
        """Return the collection with the columns of another table, matched by that table's index.

        Parameters
        ----------
        other : DataFrame or Series
            What is joined, one row for each value of its index. No track is lost and none is doubled: where there is no
            row for a track, its cells stay empty, and :attr:`notes` says how many these are.
        on : str, optional
            Column of the collection whose values are looked up; by default the labels of the tracks. Where `other` has
            a column of this name, the values are looked up in that column.
        rsuffix : str
            Put behind the names of those columns of `other` that the collection has, too, such as ``"_table"``.
        overwrite : bool
            Whether such columns are taken from `other`, where something stands in its cells; what a file is, such as
            ``path``, is never overwritten.

        Returns
        -------
        Collection

        Raises
        ------
        CollectionError
            If `other` has two rows for one value, no row for any track, or a column that the collection already has
            and of which it is not said what becomes of it.

        Examples
        --------
        >>> import pandas
        >>> years = pandas.DataFrame({"year": [1979, 1984]}, index=["rock", "jazz"])
        >>> from embviz import Collection, sample_audio
        >>> collection = Collection.from_folder(sample_audio()).join(years, on="style", overwrite=True)
        >>> collection.query("year > 0").sort_values("year")["style"].tolist()
        ['rock', 'jazz']
        """
        return self._derive(*table_ops.join_table(self.table, other, on, rsuffix=rsuffix, overwrite=overwrite))

    def merge(
        self,
        other: DataFrame,
        *,
        on: str | None = None,
        left_on: str | None = None,
        right_on: str | None = None,
        rsuffix: str = "",
        overwrite: bool = False,
    ) -> Collection:
        """Return the collection with the columns of another table, matched by the values of a column.

        Parameters
        ----------
        other : DataFrame
            What is joined, as for :meth:`join`.
        on : str, optional
            The column of both tables; by default the only one that both have.
        left_on, right_on : str, optional
            Its name in the collection and in `other`, where these differ.
        rsuffix, overwrite
            As for :meth:`join`.

        Returns
        -------
        Collection

        Raises
        ------
        CollectionError
            As for :meth:`join`.
        """
        left, right = left_on or on, right_on or on
        return self._derive(
            *table_ops.merge_table(self.table, other, left, right, rsuffix=rsuffix, overwrite=overwrite)
        )

    def join_file(self, path: str | os.PathLike[str]) -> Collection:
        """Return the collection with the columns of a table file, one of which names the tracks.

        Parameters
        ----------
        path : path
            A csv, tsv or parquet file. Its column ``path``, ``file``, ``name``, ``filename``, ``audio`` or ``track``,
            the first that is there, names the tracks: by their paths from the folder of the table, by their names below
            the folder of the collection, or by the names of their files, with or without endings. Its other columns are
            joined; where the collection has them, too, what stands in them goes first.

        Returns
        -------
        Collection
            Of all tracks; :attr:`notes` says for how many there was no row.

        Raises
        ------
        CollectionError
            If it is no table, names no track, or names one twice.

        Examples
        --------
        >>> float(Collection.from_folder("sample_audio").join_file("sample_audio/tracks.csv")["bpm"].max())
        168.0
        """
        return self._derive(*table_ops.join_file(self.table, discovery.expand_user(path)))

    def _derive(self, table: DataFrame, notes: Iterable[str] = ()) -> Collection:
        relist = self._origin.relist if len(table) >= len(self) else None  # a part is not the whole folder any more
        table.attrs = {**self.table.attrs, **table.attrs}  # which joins do not hand on
        return Collection(
            table, notes=list(dict.fromkeys([*self.notes, *notes])), origin=replace(self._origin, relist=relist)
        )

    # Files. --------------------------------------------------------------------------------------------------------

    def audio(self, label: int | str) -> Audio:
        """Return the sound of a track, which is decoded when it is first asked for.

        Parameters
        ----------
        label : int or str
            Label of the track in :attr:`table`, its name, or a title that only it has.

        Returns
        -------
        Audio

        Raises
        ------
        CollectionError
            If there is no such track.
        AudioError
            If it has no file, or one that is no sound.
        """
        [track] = self.select([label])
        if not track.path:
            raise AudioError(track.problem)
        return Audio.open(track.path)

    def refresh(self, *, progress: Progress = None) -> Collection:
        """Return the collection as the files are now.

        Tracks keep their labels, and new ones get new labels. The whole of a folder or of a table is listed again;
        of a part, only its tracks. Columns that you added are kept.

        Parameters
        ----------
        progress : bool or callable, optional
            As for :func:`embviz.embed`.

        Returns
        -------
        Collection

        Raises
        ------
        CollectionError
            If there is nothing left.
        """
        origin = self._origin
        if origin.relist is None:
            fresh = self._reread(duplicates=origin.duplicates, progress=progress)
        else:
            fresh = origin.relist(cache=origin.cache, duplicates=origin.duplicates, progress=progress)
        table = table_ops.refresh_table(self.table, fresh.table, origin.first_new)
        new, gone = len(table.index.difference(self.table.index)), len(self.table.index.difference(table.index))
        notes = [f"{plural(number, 'track')} {what}." for number, what in ((new, "new"), (gone, "gone")) if number]
        first_new = max(origin.first_new, int(table.index.max()) + 1)
        return Collection(table, notes=[*fresh.notes, *notes], origin=replace(origin, first_new=first_new))

    def _reread(self, *, duplicates: bool, progress: Progress = None) -> Collection:
        """Return the same tracks, as their files are now."""
        paths = [Path(path) if path else None for path in self.table["path"]]
        found = discovery.ListedFiles(paths, self.table["name"].tolist(), list(self.notes))
        fresh = self._from_files(found, None, duplicates=duplicates, cache=self._origin.cache, progress=progress)
        return self._derive(table_ops.refresh_table(self.table, fresh.table, self._origin.first_new))

    # Embeddings, maps and files. -------------------------------------------------------------------------------------

    @overload
    def embed(self, models: VectorSource, layer: str = ..., **options: Unpack[TableOptions]) -> Vectors: ...
    @overload
    def embed(self, models: VectorSources, layer: str = ..., **options: Unpack[TableOptions]) -> list[Vectors]: ...
    @overload
    def embed(self, models: VectorSource, layer: LayerList, **options: Unpack[TableOptions]) -> list[Vectors]: ...
    @overload
    def embed(
        self, models: VectorSources, layer: LayerList, **options: Unpack[TableOptions]
    ) -> list[list[Vectors]]: ...
    def embed(  # noqa: PLR0913  as embviz.embed
        self,
        models: VectorSource | VectorSources,
        layer: str | LayerList = "embedding",
        *,
        pooling: str = "mean",
        patch_hop: PatchHop = None,
        resample_quality: int | None = None,
        engine: EngineOption = "auto",
        cache: CacheOption = None,
        executor: Executor | None = None,
        workers: int | None = None,
        progress: Progress = True,
    ) -> Any:
        """Return the embeddings of the tracks, pooled over time.

        Each track is decoded once for all models and layers. What is in the cache is not computed again, whether an
        earlier call left it there, finished or not, or :func:`embviz.embed` or the Explorer. Tracks of equal content
        are computed once.

        Parameters
        ----------
        models : str, Model, Vectors or sequence of them
            Name or alias of a model; its weights must be present. Vectors are handed through: those of the tracks of
            this collection, in its order, frames pooled.
        layer : str or sequence of str
            Name of a layer, or of any node of the graph.
        pooling : {"mean", "mean+std", "max", "median", "frames"}
            What becomes of the frames of a track: their mean over time, ``[d]``; mean and standard deviation side by
            side, ``[2 d]``; the largest value or the median of each dimension; or, with ``"frames"``, a vector each.
        patch_hop, resample_quality, engine
            As for :func:`embviz.embed`.
        cache : Cache, False or None
            Where results are kept; None is the cache that the collection was made with, False keeps nothing.
        executor : concurrent.futures.Executor, optional
            What computes the tracks, such as ``client.get_executor()`` of a Dask cluster. Its processes have to see the
            sounds, the weights and the cache under the same paths. By default, processes on this machine.
        workers : int, optional
            Number of processes, by default one for each core.
        progress : bool or callable
            As for :func:`embviz.embed`; a bar by default.

        Returns
        -------
        Vectors or list
            A list where a sequence of models or of layers is given; a list per model of lists per layer where both are.
            Tracks that gave nothing are left out: ``failed`` says why.

        Raises
        ------
        CollectionError
            If there are no tracks, or none gave anything.
        ModelError, LayerError, WeightsError, OptionError
            As for :func:`embviz.embed`, before anything is computed.

        Examples
        --------
        >>> vectors = collection.embed("musicnn", pooling="mean")  # doctest: +SKIP
        >>> vectors.shape  # doctest: +SKIP
        (10, 200)
        """
        from embviz.batch import embed_table

        return embed_table(
            self.table, models, layer, pooling=pooling, patch_hop=patch_hop, resample_quality=resample_quality,
            engine=engine, cache=self._origin.cache if cache is None else cache, executor=executor, workers=workers,
            progress=progress,
        )  # fmt: skip

    def hear(
        self,
        head: str | Head,
        *,
        model: ModelLike | None = None,
        name: str | None = None,
        engine: EngineOption = "auto",
        cache: CacheOption = None,
        workers: int | None = None,
        progress: Progress = True,
    ) -> Collection:
        """Return the collection with what a head says of its tracks as columns: the mean over the frames of each.

        Parameters
        ----------
        head : str or Head
            A head, its name or its task; see :func:`embviz.list_heads`.
        model : str or Model, optional
            With a task: the extractor.
        name : str, optional
            What the column is called, or begins with; by default the task.
        engine, cache, workers, progress
            As for :meth:`embed`.

        Returns
        -------
        Collection
            A head of one value, or of a class and its absence, makes one column, such as ``danceability``; any other
            one for each class, such as ``deam_valence``. They are columns like all others: colors and axes of the map,
            with their unit, and of pages. :attr:`notes` says what each is and how it came about, and how many tracks
            gave nothing; these have NaN.

        Raises
        ------
        ModelError, WeightsError
            If there is no such head, or it or its extractor is not here.
        CollectionError
            If the collection has a column of that name that comes from elsewhere, or no track gave anything.

        Examples
        --------
        >>> heard = collection.hear("danceability", model="musicnn")  # doctest: +SKIP
        >>> heard.sort_values("danceability").tail(3)  # doctest: +SKIP
        >>> heard.hear("deam").map("musicnn", x="deam_valence", y="deam_arousal")  # doctest: +SKIP
        """
        from embviz.collection.column_facts import with_facts
        from embviz.collection.head_columns import hear_head

        cache = self._origin.cache if cache is None else cache
        options = {"engine": engine, "cache": cache, "workers": workers, "progress": progress}
        heard = hear_head(self.table, head, model, name, options)
        table = table_ops.assign_columns(self.table, dict(heard.columns))
        return self._derive(with_facts(table, heard.facts), heard.notes)

    def map(self, model: VectorSource = "musicnn", **options: Any) -> Atlas:
        """Return the interactive map of the collection.

        Parameters
        ----------
        model : str, Model or Vectors
            Model whose embeddings are mapped; or vectors of your own.
        **options
            Other parameters of :class:`embviz.Atlas`, such as ``layer``, ``method``, ``color``, ``x`` and ``y``.

        Returns
        -------
        Atlas
            It is shown at once and computed in the background.

        Raises
        ------
        OptionError, ModelError
            As for :class:`embviz.Atlas`.

        Examples
        --------
        >>> collection.map("musicnn", color="style")  # doctest: +SKIP
        >>> collection.map("musicnn", x="bpm", y=("musicnn", "embedding", 37))  # doctest: +SKIP
        """
        from embviz.app.atlas import Atlas

        return Atlas(self.table, model, **options)

    def to_html(
        self,
        path: str | os.PathLike[str],
        model: VectorSource = "musicnn",
        *,
        audio: str = "auto",
        progress: Progress = True,
        **options: Any,
    ) -> Path:
        """Write the map as one page that needs no kernel or network.

        Tracks that cannot be used are left out; :meth:`embed` says which.

        Parameters
        ----------
        path : path
            The page, ending in ``.html``.
        model : str, Model or Vectors
            Model whose embeddings are mapped; or vectors of your own.
        audio : {"auto", "clips", "embed", "link"}
            As for :meth:`embviz.Atlas.to_html`: the page holds 25 s of each track, or the whole tracks, or plays the
            files from where they are; ``"auto"`` is clips up to 200 tracks, links for more, and a printed line says
            which it was.
        progress : bool or callable
            As for :func:`embviz.embed`; a bar by default.
        **options
            ``layer``, ``method``, ``points``, ``color``, ``x`` and ``y``, as for :class:`embviz.Atlas`; ``tags=False``
            hears no tags in the tracks, ``heatmaps=False`` leaves the frames of the tracks out; ``coordinates``, a
            ``.csv`` file for the places of the points on the map and their clusters; ``title`` of the page and
            ``notes``, sentences to show below the map; ``engine``, as for :func:`embviz.embed`.

        Returns
        -------
        Path
            Where the page is.

        Raises
        ------
        EmbvizError
            If there is nothing to draw, weights are missing, or an option has no such value.
        """
        from embviz.export import collection_page, collection_report

        collection_report.write_collection_report(
            path, self.table, model=model, audio=audio, progress=progress, **{"notes": self.notes, **options}
        )
        if audio == "auto":
            say(collection_page.describe_audio(path, len(self.table)))
        return Path(path)

    def to_csv(self, path: str | os.PathLike[str], *, spreadsheet_safe: bool = False) -> Path:
        """Write the table as UTF-8 text, with the labels in the column "track".

        :meth:`from_table` reads it back, from wherever it is called: relative paths start from the folder of the file.

        Parameters
        ----------
        path : path
            The file; one of this name is replaced.
        spreadsheet_safe : bool
            Whether an apostrophe is put before texts that a spreadsheet would compute, those that begin with ``=``,
            ``+``, ``-`` or ``@`` and are no number;
            :meth:`from_table` takes it away again.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        CollectionError
            If the file cannot be written.
        """
        return io.to_csv(self.table, path, spreadsheet_safe=spreadsheet_safe)

    def to_parquet(self, path: str | os.PathLike[str]) -> Path:
        """Write the table as parquet, with the labels as its index.

        Parameters
        ----------
        path : path
            The file; one of this name is replaced.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        CollectionError
            If the file cannot be written, or a column holds values of different types.
        """
        return io.to_parquet(self.table, path)

    def to_m3u(self, path: str | os.PathLike[str], *, relative: bool = True) -> Path:
        """Write a playlist (extended M3U, UTF-8) of the tracks that can be read, in the order of the table.

        Columns ``selection_rank``, ``selection_start`` and ``selection_stop`` (seconds), which a saved selection has,
        become numbers before the titles, and the moments where VLC starts and stops.

        Parameters
        ----------
        path : path
            The playlist, ``.m3u8`` by custom.
        relative : bool
            Whether paths start from the playlist's folder, so that both can be moved together.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        CollectionError
            If the file cannot be written, or no track can be read.
        """
        return io.to_m3u(self.table, path, relative=relative)

    def __repr__(self) -> str:
        return reprs.text_repr(self.table)

    def _repr_html_(self) -> str:
        return reprs.html_repr(self.table, self.notes)


def _rows(given: DataFrame, audio: str, base: Path) -> tuple[discovery.ListedFiles, DataFrame]:
    """Return the files that the rows of a table name, each once, and what else stands in these rows."""
    paths = [loaders.parse_path(cell, base) for cell in given[audio]]
    first: dict[Path, int] = {}
    twice = [n for n, path in enumerate(paths) if path is not None and first.setdefault(path, n) != n]
    rows = given.drop(index=twice, columns=audio)
    kept = [paths[n] for n in rows.index]
    number = plural(len(twice), "row")
    notes = [f"{number} of the table with a file that stood there before: left out."] if twice else []
    return discovery.ListedFiles(kept, track_table.names_below(kept), notes), rows
