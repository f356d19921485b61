"""Moments: from a number back to sound.

Conventions: a *moment* is a stretch of a track that a frame heard, in seconds of the track; a *place* is the share of
the collection's frames that are below a value, from 0 to 1. Moments are ranked, and keep their order everywhere.
"""

from __future__ import annotations

import html
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.collection import io
from embviz.core.cache import CacheOption, resolve_cache
from embviz.core.notebook import in_jupyter, is_unattended, show_or_print
from embviz.core.options import check_count, check_number
from embviz.core.progress import Progress, Report, reporter
from embviz.core.text import format_time, plural
from embviz.core.vectors import Vectors
from embviz.core.worker import Worker
from embviz.errors import OptionError
from embviz.models import get_model, model_title
from embviz.units.frames import MAXIMUM, load_index
from embviz.units.mel_pictures import UNIT, MelPictures, choose_frontend, draw_moments, mean_spectrum
from embviz.units.tracks import failure_notes, select_tracks

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import DataFrame

    from embviz.analysis.unit_index import UnitIndex
    from embviz.collection import Collection
    from embviz.core.cache import Cache
    from embviz.extraction import EngineOption
    from embviz.extraction.frontends import FrontEnd
    from embviz.models import ModelLike
    from embviz.widgets.moments import MomentSheet

#: Columns of every table of moments; those of feature maps have the frequencies, too.
COLUMNS = ("rank", "track", "name", "start", "stop", "time", "value", "place")
HERTZ = ("low_hz", "high_hz")
MOST_SHOWN = 200  # on a contact sheet
AUDIBLE = 0.5  # seconds that are played at least
UNKNOWN_LENGTH = 10.0  # seconds of a track whose length is not known, where the whole of it is a moment


@dataclass(frozen=True, eq=False)
class Moments:
    """Stretches of a collection's tracks, ranked, to be seen and heard; :meth:`embviz.Collection.moments` finds them.

    Parameters
    ----------
    table : DataFrame
        A row per moment: ``rank`` from 1, ``track`` (its label), ``name``, ``start`` and ``stop`` of the sound that
        the frame heard and ``time``, its middle (seconds of the track), ``value``, and its ``place`` among all frames
        of the collection (share of these that are below, 0 … 1). Those of feature maps have ``low_hz`` and ``high_hz``
        besides, the frequencies that the value depends on.
    collection : Collection
        What they were found in.
    title : str
        What they are.
    unit : str
        Unit of the values, or empty.
    notes : tuple of str
        Sentences about them.
    model : str
        Name of the model that heard them, or empty: pictures reach up to 8 kHz, or where it hears beyond, to 24 kHz.
    """

    table: DataFrame
    collection: Collection
    title: str = "moments"
    unit: str = ""
    notes: tuple[str, ...] = ()
    model: str = ""

    @classmethod
    def of(
        cls,
        collection: Collection,
        rows: DataFrame | Iterable[Mapping[str, Any]],
        *,
        title: str = "moments",
        unit: str = "",
        notes: Iterable[str] = (),
        model: str = "",
    ) -> Moments:
        """Return moments that were found in another way.

        Parameters
        ----------
        collection : Collection
        rows : DataFrame or iterable of mappings
            In their order: ``track``, ``start`` and ``stop`` in seconds, and where they are known ``time``, ``value``,
            ``place``, ``low_hz`` and ``high_hz``.
        title, unit, notes, model
            As of the class.

        Returns
        -------
        Moments

        Raises
        ------
        OptionError
            If a column is missing, a track is none of the collection's, or a moment stops before it starts.

        Examples
        --------
        >>> from embviz import Collection, sample_audio
        >>> collection = Collection.from_folder(sample_audio())
        >>> moments = Moments.of(collection, [{"track": 3, "start": 10.0, "stop": 13.0}], title="the drums come in")
        >>> len(moments), moments.table["time"].tolist()
        (1, [11.5])
        """
        import pandas as pd

        found = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows), columns=None)
        if not len(found):
            found = found.reindex(columns=["track", "start", "stop"])
        missing = [name for name in ("track", "start", "stop") if name not in found.columns]
        if missing:
            raise OptionError(f"Rows of moments have the columns track, start and stop; {missing[0]!r} is missing.")
        tracks = found["track"].astype("int64").to_numpy()
        unknown = tracks[~np.isin(tracks, collection.table.index)]
        if len(unknown):
            raise OptionError(f"Moments are of tracks of the collection; {int(unknown[0])} is none of their labels.")
        numbers = found.reindex(columns=["start", "stop", "time", "value", "place", *HERTZ]).astype("float64")
        wrong = ~(numbers["stop"] > numbers["start"]).to_numpy()
        if wrong.any():
            start, stop = numbers[["start", "stop"]].to_numpy()[wrong][0]
            raise OptionError(f"A moment stops after its start; {start:g} to {stop:g} s was found.")
        numbers["time"] = numbers["time"].fillna((numbers["start"] + numbers["stop"]) / 2)
        names = collection.table["name"].loc[tracks].to_numpy()
        table = pd.DataFrame({"rank": np.arange(1, len(tracks) + 1), "track": tracks, "name": names})
        table = table.assign(**{name: numbers[name].to_numpy() for name in numbers.columns})
        hertz = [] if table[list(HERTZ)].isna().all(axis=None) else HERTZ
        return cls(table[[*COLUMNS, *hertz]], collection, title, unit, tuple(notes), model)

    def __len__(self) -> int:
        return len(self.table)

    # Taken away. -----------------------------------------------------------------------------------------------------

    def select(self) -> Collection:
        """Return the tracks in the order of their moments.

        Returns
        -------
        Collection
            Each track once, with its highest-ranked moment in the columns ``selection_rank``, ``selection_start`` and
            ``selection_stop``, which :meth:`embviz.Collection.to_m3u` reads.
        """
        first = self.table.drop_duplicates("track").set_index("track")
        columns = {io.RANK: first["rank"], io.START: first["start"], io.STOP: first["stop"]}
        return self.collection.select(first.index.tolist()).assign(**columns)

    def to_csv(self, path: str | os.PathLike[str], *, spreadsheet_safe: bool = False) -> Path:
        """Write the table as UTF-8 text, with the paths of the tracks.

        Parameters
        ----------
        path, spreadsheet_safe
            As for :meth:`embviz.Collection.to_csv`, and so are the errors.

        Returns
        -------
        Path
            The file.
        """
        table = self.table.set_index("track")
        return io.to_csv(table.assign(path=self._rows()["path"].to_numpy()), path, spreadsheet_safe=spreadsheet_safe)

    def to_m3u(self, path: str | os.PathLike[str], *, relative: bool = True) -> Path:
        """Write a playlist (extended M3U, UTF-8) of the moments in their order, which VLC plays from start to stop.

        Parameters
        ----------
        path, relative
            As for :meth:`embviz.Collection.to_m3u`, and so are the errors.

        Returns
        -------
        Path
            The file.
        """
        ranks = {io.RANK: "rank", io.START: "start", io.STOP: "stop"}
        moments = {name: self.table[column].to_numpy() for name, column in ranks.items()}
        return io.to_m3u(self._rows().assign(**moments), path, relative=relative)

    def _rows(self) -> DataFrame:
        """Return the row of the track of each moment."""
        return self.collection.table.loc[self.table["track"]]

    # Seen and heard. -------------------------------------------------------------------------------------------------

    def widen(self, seconds: float) -> Moments:
        """Return the moments with what is around those that are shorter than some seconds.

        Parameters
        ----------
        seconds : float
            How long each moment is at least, as far as its track goes.

        Returns
        -------
        Moments

        Raises
        ------
        OptionError
            If that is no number of seconds above 0.

        Examples
        --------
        >>> from embviz import Collection, sample_audio
        >>> collection = Collection.from_folder(sample_audio())
        >>> click = Moments.of(collection, [{"track": 3, "start": 10.0, "stop": 10.05}])
        >>> click.widen(0.5).table[["start", "stop"]].round(3).to_numpy().tolist()
        [[9.775, 10.275]]
        """
        seconds = check_number(seconds, "seconds is a number above 0", above=0)
        start, stop = self.table["start"], self.table["stop"]
        lengths = self._rows()["duration"].astype("float64").set_axis(self.table.index).fillna(np.inf)
        first = ((start + stop - seconds) / 2).clip(upper=lengths - seconds).clip(lower=0).clip(upper=start)
        last = (first + seconds).clip(upper=lengths).where(stop - start < seconds, stop)
        wide = self.table.assign(start=first.where(stop - start < seconds, start), stop=np.maximum(last, stop))
        return replace(self, table=wide)

    @cached_property
    def _drawn(self) -> dict[str, MelPictures]:
        """What was drawn before."""
        return {}

    def pictures(self, *, progress: Progress = True) -> MelPictures:
        """Return a mel picture of each moment.

        Parameters
        ----------
        progress : bool or callable
            As for :func:`embviz.embed`; a bar by default.

        Returns
        -------
        MelPictures
            ``mel`` ``[k, bands, t]``, the frequency of each band in ``hertz`` ``[bands]``, the time of each column
            in ``seconds`` ``[t]``, from the middle of the moment. A moment whose file is gone or cannot be read is NaN,
            and ``problems`` says why.
        """
        if "pictures" in self._drawn:
            return self._drawn["pictures"]
        spans = self.table[["start", "stop"]].to_numpy(np.float64)
        with reporter(progress) as report:
            pictures = draw_moments(self._rows()["path"].tolist(), spans, self._frontend, self._store, report)
        if not pictures.problems:  # which may be over the next time
            self._drawn["pictures"] = pictures
        return pictures

    def mean_picture(self, *, progress: Progress = True) -> NDArray[np.float32]:
        """Return the mean of the mel pictures.

        Parameters
        ----------
        progress : bool or callable
            As for :meth:`pictures`.

        Returns
        -------
        ndarray, shape [bands, t], float32
            On the axes of :meth:`pictures`; NaN where fewer than half of the moments have something.
        """
        return self.pictures(progress=progress).mean()

    def common(self, *, progress: Progress = True) -> NDArray[np.float32]:
        """Return what the moments have in common: the median of their pictures, minus the collection's mean spectrum.

        Parameters
        ----------
        progress : bool or callable
            As for :meth:`pictures`.

        Returns
        -------
        ndarray, shape [bands, t], float32
            Above 0 where half of the moments or more have more energy than the collection has on average at this
            frequency; one loud moment among them does not change it. The mean of the collection is that of up to 40
            tracks, drawn at random, over all their sound.
        """
        median = self.pictures(progress=progress).median()
        with reporter(progress) as report:
            return median - mean_spectrum(self.collection, self._frontend, self._store, report)[:, None]

    @property
    def _frontend(self) -> FrontEnd:
        return choose_frontend(self.model)

    @property
    def _store(self) -> Cache | None:
        return resolve_cache(self.collection.cache)

    def sheet(self, **traits: Any) -> MomentSheet:
        """Return the contact sheet: a picture of each moment, played by a click, or one after the other.

        Parameters
        ----------
        **traits
            Of the sheet, such as ``autoplay``.

        Returns
        -------
        MomentSheet
            Its pictures come while it is looked at. Moments shorter than half a second, as those of first layers are,
            are shown and played with what is around them. Of more than 200 moments it shows the first.
        """
        from embviz.widgets.moments import MomentSheet, MomentTile

        if len(self) > MOST_SHOWN:
            title = f"{self.title} (the first {MOST_SHOWN} of {len(self):,})"
            return replace(self, table=self.table.head(MOST_SHOWN), title=title).sheet(**traits)
        shown = self.widen(AUDIBLE)
        tiles = [
            MomentTile(
                title=_tile_title(moment, row), start=moment.start, stop=moment.stop, value=moment.value,
                place=moment.place, source=row.path or None, rank=moment.rank, problem=row.problem,
                hertz=(moment.low_hz, moment.high_hz) if "low_hz" in self.table else None,
            )
            for moment, row in zip(
                shown.table.itertuples(index=False), self._rows().itertuples(index=False), strict=True
            )
        ]  # fmt: skip
        wider = f" (with what is around them, {AUDIBLE:g} s)" if not shown.table.equals(self.table) else ""
        about = {"title": self.title + wider, "unit": self.unit, "picture_unit": UNIT, "notes": list(self.notes)}
        sheet = MomentSheet.of(tiles, **{**about, **traits})
        if tiles:
            _draw_pictures(shown if wider else self, sheet)
        return sheet

    def play(self) -> MomentSheet:
        """Return the contact sheet, which begins to play the moments in their order.

        Returns
        -------
        MomentSheet
            Browsers play once their page has been clicked; the sheet says so until then.
        """
        return self.sheet(autoplay=True)

    def _ipython_display_(self) -> None:
        show_or_print(self, lambda: [self.sheet()])

    def __repr__(self) -> str:
        tracks = self.table["track"].nunique()
        head = f"<Moments {self.title}: {plural(len(self), 'moment')} of {plural(tracks, 'track')}>"
        lines = [
            f"{row.rank:>4}. {_tile_title(row, row)}  {_stretch(row)}{_value(row.value, self.unit)}"
            for row in self.table.head(20).itertuples(index=False)
        ]
        return "\n".join([head, *lines, *self.notes])

    def _repr_html_(self) -> str:
        cells = [
            (
                str(row.rank),
                _tile_title(row, row),
                _stretch(row),
                _value(row.value, self.unit).lstrip(" ·"),
                _place(row.place),
            )
            for row in self.table.itertuples(index=False)
        ]
        head = "".join(f"<th>{name}</th>" for name in ("rank", "track", "moment", "value", "place"))
        body = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in cells)
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        return f"<table><caption>{html.escape(self.title)}</caption><tr>{head}</tr>{body}</table>{notes}"


def _draw_pictures(moments: Moments, sheet: MomentSheet) -> None:
    """Draw the pictures of a contact sheet and what they have in common: behind a notebook's cell, or at once."""

    def show(pictures: MelPictures, common: NDArray[np.float32] | None) -> None:
        cut = [None if i in pictures.problems else _cut(picture) for i, picture in enumerate(pictures.mel)]
        mean = None if len(pictures.problems) == len(cut) else pictures.mean()
        sheet.set_pictures(cut, hz=pictures.hertz, mean=mean, common=common, problems=pictures.problems)
        sheet.loading = "" if mean is None or common is not None else "listening to the collection"

    def draw(report: Report, show_first: Callable[[MelPictures], object]) -> tuple[MelPictures, Any]:
        pictures = moments.pictures(progress=report)
        if len(pictures.problems) == len(moments):
            return pictures, None
        show_first(pictures)
        return pictures, moments.common(progress=report)

    if not in_jupyter() or is_unattended():
        show(*draw(lambda *_: None, lambda _pictures: None))
        return
    worker = Worker()

    def follow(change: dict[str, Any]) -> None:
        if change["new"] is None:  # the sheet was closed
            worker.close()

    sheet.observe(follow, "comm")
    sheet.loading = "drawing the moments"
    worker.submit(
        "pictures",
        lambda job: draw(job.report, lambda pictures: job.show("pictures", show, pictures, None)),
        on_done=lambda drawn: show(*drawn),
        on_failed=lambda problem, remedy: setattr(sheet, "loading", f"{problem} {remedy}".strip()),
    )


def _cut(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the part of a picture that lies inside the moment."""
    return picture[:, np.isfinite(picture).any(axis=0)]


def _tile_title(moment: Any, track: Any) -> str:
    """Return the title or name of the track of a moment, behind the group that it stands for, where there is one."""
    title, group = getattr(track, "title", "") or track.name, getattr(moment, "group", "")
    return f"{group}: {title}" if group else str(title)


def _stretch(row: Any) -> str:
    """Return where a moment is, as ``"1:02.0–1:05.0"``."""
    return f"{format_time(row.start, 1)}–{format_time(row.stop, 1)}"


def _value(value: float, unit: str) -> str:
    return "" if np.isnan(value) else f" · {value:.4g} {unit}".rstrip()


def _place(place: float) -> str:
    return "" if np.isnan(place) else f"{place:.4f}"


# Finding them. -------------------------------------------------------------------------------------------------------


def find_moments(  # noqa: PLR0913  options are given by name
    collection: Collection,
    model: ModelLike | Vectors,
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
    """Return the moments of :meth:`embviz.Collection.moments`."""
    most = check_count(k, "k is a number of moments")
    if per_track is not None:
        check_count(per_track, "per_track is a number of moments of a track")
    chosen = select_tracks(collection, where)
    _check_dimension(model, layer, dimension)
    index = load_index(collection, model, layer, engine=engine, cache=cache, progress=progress)
    unit = index.dimension(dimension)
    _check_unit(index, unit)
    rows = index.extremes(unit, most, per_track=per_track, lowest=lowest, tracks=_originals(chosen.table))
    return moments_of_frames(collection, index, unit, rows, lowest=lowest)


def moments_of_frames(
    collection: Collection, index: UnitIndex, dimension: int, rows: NDArray[np.int64], *, lowest: bool = False
) -> Moments:
    """Return frames of an index as moments of a dimension.

    Parameters
    ----------
    collection : Collection
    index : UnitIndex
    dimension : int
        Number of the dimension.
    rows : ndarray, shape [k], int
        Numbers of frames, in their order.
    lowest : bool
        Whether they are those in which the dimension is lowest, for the title.

    Returns
    -------
    Moments
    """
    import pandas as pd

    vectors = index.vectors
    tracks, values = vectors.tracks[rows], index.column(dimension)[rows]
    spans = index.spans(rows)
    if spans is None:
        lengths = collection.table["duration"].loc[tracks].astype("float64").fillna(UNKNOWN_LENGTH).to_numpy()
        spans = np.stack([np.zeros(len(rows)), lengths], axis=1)
    table = pd.DataFrame(
        {"track": tracks, "start": spans[:, 0], "stop": spans[:, 1], "value": values}
        | {"place": index.places(dimension, values)}
        | ({} if vectors.times is None else {"time": vectors.times[rows]})
    )
    hertz = index.frequencies(dimension, rows)
    if hertz is not None:
        table = table.assign(low_hz=hertz[:, 0], high_hz=hertz[:, 1])
    title = f"{layer_title(vectors)}, {name_dimension(vectors, dimension)}: {'lowest' if lowest else 'highest'}"
    notes = _notes(index)
    return Moments.of(collection, table, title=title, unit=vectors.unit, notes=notes, model=vectors.model)


def name_dimension(vectors: Vectors, dimension: int) -> str:
    """Return what a dimension is called: its name, ``"dimension 37"``, or of feature maps ``"channel 37"``."""
    kind = "channel" if vectors.layer.endswith(MAXIMUM) else "dimension"
    return vectors.labels[dimension] if vectors.labels else f"{kind} {dimension}"


def layer_title(vectors: Vectors) -> str:
    """Return what a layer is called on the page: ``"MusiCNN (MSD) / embedding"``."""
    return f"{model_title(vectors.model)} / {vectors.layer.removesuffix(MAXIMUM)}"


def _originals(table: DataFrame) -> NDArray[np.int64]:
    """Return the labels of tracks without those that are duplicates of others in the table."""
    doubled = table["duplicate_of"].isin(table.index) & table["duplicate_of"].notna()
    return np.asarray(table.index[~doubled.to_numpy(dtype=bool)], np.int64)


def _check_dimension(model: ModelLike | Vectors, layer: str, dimension: Any) -> None:
    """Raise OptionError where a model is known to have no dimension of a number, before the tracks are computed."""
    if isinstance(model, Vectors) or layer != "embedding" or not isinstance(dimension, int):
        return
    record = get_model(model)
    if record.dimensions and not 0 <= dimension < record.dimensions:
        raise OptionError(
            f"{record.name} / {layer} has the dimensions 0 to {record.dimensions - 1}; {dimension} was found."
        )


def _check_unit(index: UnitIndex, unit: int) -> None:
    if not index.is_constant(unit):
        return
    vectors, value = index.vectors, index.statistics["minimum"][unit]
    what = "not finite" if np.isnan(value) else f"{value:g}"
    raise OptionError(
        f"{layer_title(vectors)}, {name_dimension(vectors, unit)} is {what} in all of "
        f"{plural(len(vectors), 'frame')}: no moment stands out; {_moving(index, unit)}."
    )


def _moving(index: UnitIndex, unit: int) -> str:
    """Return which dimension can be asked for in place of one that never changes."""
    moving = [other for other in range(len(index)) if not index.is_constant(other)]
    if not moving:
        return "nor does any of the others change"
    nearest = min(moving, key=lambda other: abs(other - unit))
    return f"of the {len(index)}, {len(moving)} change, the nearest is {name_dimension(index.vectors, nearest)}"


def _notes(index: UnitIndex) -> list[str]:
    notes = failure_notes(index.vectors)
    if len(index.tracks) == 1:
        notes.append("The collection is one track: places are those in this track; per_track=None gives more of it.")
    return notes
