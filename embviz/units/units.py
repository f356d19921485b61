"""Units: what each dimension of a layer goes with, in a collection.

Conventions: r is Pearson's correlation over the frames of all tracks; its interval is one of 95 %, by the jackknife
over tracks. A dimension is named by a tag only where the two go together on tracks that had no part in choosing the
tag.
"""

from __future__ import annotations

import html
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.analysis.associations import associate, correlate_dimensions
from embviz.analysis.contrast import contrast_groups
from embviz.analysis.tagging import mean_per_track, model_task, models_by_task
from embviz.collection.track_groups import group_tracks
from embviz.core.notebook import show_or_print
from embviz.core.progress import reporter
from embviz.core.text import collapse_spaces, plural
from embviz.core.vectors import Vectors
from embviz.errors import OptionError, did_you_mean
from embviz.models import get_model
from embviz.models.weights import has_weights
from embviz.units.columns import associate_columns
from embviz.units.frames import load_index
from embviz.units.groups import read_groups
from embviz.units.moments import moments_of_frames
from embviz.units.tracks import failure_notes
from embviz.units.unit_facts import LEAST_R, MOST_P, UnitFacts

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from embviz.analysis.unit_index import UnitIndex
    from embviz.collection import Collection
    from embviz.core.cache import CacheOption
    from embviz.core.progress import Progress
    from embviz.extraction import EngineOption
    from embviz.models import Model, ModelLike
    from embviz.units.moments import Moments
    from embviz.widgets.unit_card import UnitCardView


SHOWN = 20  # rows in a notebook


@dataclass(frozen=True, eq=False)
class UnitCard:
    """All that is known of one dimension of a layer, as :meth:`Units.card` returns it.

    Parameters
    ----------
    dimension : int
        Its number.
    label : str
        Its own name, such as a tag, or ``"embedding_37"``.
    histogram : (ndarray, ndarray)
        Edges ``[bins + 1]`` and counts of frames ``[bins]`` of its values in the collection.
    highest, lowest : Moments
        Where it is highest and lowest.
    tags : DataFrame
        The tags, the one that it goes with best first: ``name``, ``r``, ``low``, ``high``, ``r_held_back`` (on the
        tracks held back), ``n_tracks``.
    named : bool
        Whether a tag goes with it on the tracks held back.
    name : str
        That tag, or empty.
    not_with : str
        The tag that it is lowest with on the tracks held back, or empty.
    columns : DataFrame
        Columns of the table that it separates: ``column``, ``effect`` (0 … 1: share of the ranks' variance; of numbers,
        Spearman's correlation), ``p`` (corrected for all dimensions and columns), ``highest``, ``lowest`` (values of
        the column), ``n_tracks``.
    alike : DataFrame
        The dimensions that behave alike: ``dimension``, ``label``, ``r``.
    zeros, saturated : float
        Share of the frames at zero, and at its maximum.
    selectivity : float
        0 (the same everywhere) … 1 (all of it in a single frame).
    notes : tuple of str
        Sentences: what it goes with, or that it means nothing, and why.
    units : Units or None
        What it is a card of.
    """

    dimension: int
    label: str
    histogram: tuple[NDArray[Any], NDArray[Any]]
    highest: Moments
    lowest: Moments
    tags: pd.DataFrame
    named: bool
    name: str
    not_with: str
    columns: pd.DataFrame
    alike: pd.DataFrame
    zeros: float
    saturated: float
    selectivity: float
    notes: tuple[str, ...] = ()
    units: Units | None = field(default=None, repr=False)

    def view(self) -> UnitCardView:
        """Return the card as a widget, without its moments, which are shown by :meth:`Moments.sheet`.

        Returns
        -------
        UnitCardView
        """
        from embviz.units.card_view import card_state
        from embviz.widgets.unit_card import UnitCardView

        if self.units is None:
            raise OptionError("A card that is shown comes from units: units.card(37).")
        state, cells = card_state(self, self.units)
        return UnitCardView(card=state, cells=cells)

    def __repr__(self) -> str:
        tags = ", ".join(f"{tag.name} {tag.r:.2f}" for tag in self.tags.head(3).itertuples(index=False))
        lines = [
            f"<UnitCard {self.highest.title.partition(':')[0]}>",
            *self.notes,
            *([f"Tags: {tags}"] if tags else []),
        ]
        return "\n".join(lines)

    def _ipython_display_(self) -> None:
        moments = [each for each in (self.highest, self.lowest) if len(each)]
        show_or_print(self, lambda: [self.view(), *moments])


@dataclass(frozen=True, eq=False)
class Units:
    """The dimensions of a layer and what they go with, as :meth:`embviz.Collection.units` returns them.

    Parameters
    ----------
    collection : Collection
        The tracks.
    vectors : Vectors
        The frames of the layer.
    table : DataFrame
        A row per dimension, its number as the index: ``label``; ``name`` (a tag, or empty); where there is one ``r``,
        ``low``, ``high`` (correlation over all frames, 95 %), ``r_held_back``, and ``p`` there, corrected for all
        dimensions; ``not_with``, the tag that it is low with; ``selectivity`` (0 … 1); ``zeros`` and ``saturated``
        (shares of the frames at 0, and at the maximum); ``separates``, the column that it separates best, or empty.
    tagger : str
        Name of the model whose tags are the names, or empty.
    notes : tuple of str
        Sentences about the whole.

    Examples
    --------
    >>> from embviz import Collection, Vectors, sample_audio
    >>> collection = Collection.from_folder(sample_audio()).query("bpm > 0")
    >>> tempi = Vectors.from_array(collection[["bpm"]], collection, names=["tempo"])
    >>> units = collection.units(tempi, tagger=tempi)
    >>> units.search("tempo").table["separates"].tolist()
    ['bpm (+1.00)']
    >>> units.card("tempo").highest.table["name"].tolist()[:2]
    ['metal.ogg', 'jazz.ogg']
    >>> print(units.notes[0])
    No dimension is named: 9 tracks are too few to decide, as a tag may go with a dimension in both halves of them by
    chance; about thirty tracks are enough.
    """

    collection: Collection
    vectors: Vectors
    table: pd.DataFrame
    tagger: str
    notes: tuple[str, ...]
    _found: UnitFacts = field(repr=False)

    @property
    def index(self) -> UnitIndex:
        """How the dimensions of the frames are distributed, and where each is highest and lowest."""
        return self._found.index

    def card(self, dimension: int | str, *, k: int = 10) -> UnitCard:
        """Return all that is known of a dimension.

        Parameters
        ----------
        dimension : int or str
            Its number, or its label.
        k : int
            Number of its highest and of its lowest moments.

        Returns
        -------
        UnitCard

        Raises
        ------
        OptionError
            If there is no such dimension.
        """
        index = self._found.index
        number = index.dimension(dimension)
        row, statistics = self._found.table.loc[number], index.statistics
        constant = index.is_constant(number)
        # Of fewer tracks than moments, several of each.
        how: dict[str, Any] = {"per_track": -(-k // len(index.tracks))}
        rows = [
            np.empty(0, np.int64) if constant else index.extremes(number, k, lowest=low, **how) for low in (False, True)
        ]
        moments = [
            moments_of_frames(self.collection, index, number, own, lowest=low)
            for own, low in zip(rows, (False, True), strict=True)
        ]
        return UnitCard(
            dimension=number,
            label=str(row["label"]),
            histogram=(statistics["edges"][number], statistics["counts"][number]),
            highest=moments[0],
            lowest=moments[1],
            tags=self._found.tags_of(number),
            named=bool(row["name"]),
            name=str(row["name"]),
            not_with=str(row["not_with"]),
            columns=self._found.columns_of(number),
            alike=self._found.alike_to(number),
            zeros=float(row["zeros"]),
            saturated=float(row["saturated"]),
            selectivity=float(row["selectivity"]),
            notes=tuple(self._found.sentences(number)),
            units=self,
        )

    def search(self, text: str) -> Units:
        """Return the dimensions that go with what is asked for, best first.

        Parameters
        ----------
        text : str
            Part of a tag, of a dimension's label, or of a column that it separates, in letters of either case.

        Returns
        -------
        Units
            With a table of these dimensions only, perhaps of none, with two columns more: ``match``, what was found,
            and ``match_r``, how well the dimension goes with the tag (NaN where it is no tag). A tag counts where r is
            0.3 and more among all tracks and among those held back, and p, corrected for all dimensions and tags, 0.05
            at most. Where nothing is found, the last of the `notes`, which is also ``table.attrs["note"]``, says why.

        Raises
        ------
        OptionError
            If nothing is asked for.
        """
        wanted = collapse_spaces(str(text)).casefold()
        if not wanted:
            raise OptionError(f"Part of a tag or of a name is expected, {text!r:.80} was found.")
        table = self.table.assign(match="", match_r=np.nan)
        for column in ("separates", "label"):
            own = table[column].str.casefold().str.contains(wanted, regex=False)
            table.loc[own, "match"] = table.loc[own, column]
        found = self._found
        tags = [i for i, tag in enumerate(found.tag_names) if wanted in tag.casefold()]
        if tags and found.tags is not None:
            r = np.where(found.holds, found.tags.r, -np.inf)[:, tags]
            best = r.max(axis=1)
            own = table.index[best[table.index] > 0]
            table.loc[own, "match"] = [found.tag_names[tags[i]] for i in r.argmax(axis=1)[own]]
            table.loc[own, "match_r"] = best[own]
        table = table[table["match"] != ""].sort_values("match_r", ascending=False, kind="stable")
        if len(table):
            return replace(self, table=table)
        missed = self._describe_miss(wanted, known=bool(tags))
        table.attrs["note"] = missed
        return replace(self, table=table, notes=(*self.notes, missed))

    def _describe_miss(self, wanted: str, *, known: bool) -> str:
        found = self._found
        if known:
            if not found.are_enough:
                return f"Whether a dimension goes with {wanted!r:.80} cannot be told: {found.describe_too_few()}."
            return (
                f"No dimension is known to go with {wanted!r:.80}: that takes r of {LEAST_R} and more among all tracks "
                f"and among those held back, and p of {MOST_P} at most."
            )
        suggestion = did_you_mean(wanted, found.tag_names)
        return f"No tag, label or column has {wanted!r:.80} in its name.{suggestion}"

    @property
    def examples(self) -> list[str]:
        """Up to two texts that a search finds: names of dimensions, other tags, columns that they separate."""
        found = self._found
        names = self.table.sort_values("r", ascending=False, kind="stable")["name"]
        separated = self.table["separates"].str.rpartition(" (")[0]
        others = [found.tag_names[i] for i in np.unique(np.nonzero(found.holds)[1])]
        ways = (names, others, separated)
        return list(dict.fromkeys(text for way in ways for text in way if text))[:2]

    def sort(self, by: str = "r", *, ascending: bool | None = None, selection: Any = None) -> Units:
        """Return the units in another order.

        Parameters
        ----------
        by : str
            A column of the table; ``"effect"`` with a selection.
        ascending : bool, optional
            Whether the lowest come first; by default so for texts only. Effects are sorted by their size.
        selection : str, Collection, DataFrame, mask or labels, optional
            Some tracks, as for :meth:`embviz.Collection.contrast`: the dimensions come in the order of how far they
            separate these from the rest. The table gets the columns ``effect`` (Cohen's d, above 0 where the selection
            is higher) and ``effect_p`` (corrected for all dimensions).

        Returns
        -------
        Units

        Raises
        ------
        OptionError
            If there is no such column.
        CollectionError
            If the selection, or the rest, has fewer than two tracks.
        """
        table = self.table
        if selection is not None:
            groups = read_groups(self.collection, selection, None, self._found.means)
            found = contrast_groups(groups.values, ~groups.in_b, groups.of)
            table = table.assign(effect=found.effect[table.index], effect_p=found.p[table.index])
            by = "effect" if by == "r" else by
        if by not in table.columns:
            columns = ", ".join(map(repr, table.columns))
            raise OptionError(
                f"by is a column of the table, {columns}; {by!r:.80} was found.{did_you_mean(str(by), table.columns)}"
            )
        up = table[by].dtype.kind not in "fiub" if ascending is None else ascending
        size = np.abs if by == "effect" else None
        return replace(self, table=table.sort_values(by, ascending=up, kind="stable", key=size))

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        named = int((self.table["name"] != "").sum())
        by = f", {named:,} named by tags of {self.tagger}" if self.tagger else ""
        missed = f"\n{self.table.attrs['note']}" if not len(self) and "note" in self.table.attrs else ""
        return f"<Units {self.vectors.model} / {self.vectors.layer}: {plural(len(self), 'dimension')}{by}>{missed}"

    def _repr_html_(self) -> str:
        rows = self.table.head(SHOWN).to_html(
            escape=True, border=0, notebook=True, na_rep="", float_format="{:.2f}".format
        )
        notes = "".join(f"<div style='opacity:.7'>{html.escape(note)}</div>" for note in self.notes)
        return f"<div><strong>{html.escape(repr(self)[1:-1])}</strong>{notes}{rows}</div>"


def find_units(
    collection: Collection,
    model: ModelLike | Vectors,
    layer: str,
    *,
    tagger: ModelLike | Vectors | None,
    engine: EngineOption,
    cache: CacheOption,
    progress: Progress,
) -> Units:
    """Return the units of a layer; see :meth:`embviz.Collection.units`."""
    options: dict[str, Any] = {"engine": engine, "cache": cache, "progress": progress}
    index = load_index(collection, model, layer, **options)
    vectors, store = index.vectors, collection.cache if cache is None else cache
    labels, values = mean_per_track(vectors)
    means = replace(vectors, values=values, tracks=labels, times=None, spans=None, spread=None, pooling="mean", key="")
    tags, missing = _load_tags(collection, model, tagger, vectors, options)
    groups = group_tracks(collection.table, labels)
    found = None
    if tags is not None:
        with reporter(progress) as report:
            found = associate(vectors, tags, groups, cache=store, report=report)
    columns = associate_columns(collection.table, means, groups)
    correlations = correlate_dimensions(vectors, cache=store)
    facts = UnitFacts(index, means, found, () if tags is None else tags.labels, columns, correlations)
    notes = (*failure_notes(vectors), *missing, *facts.notes())
    return Units(collection, vectors, facts.table, "" if tags is None else tags.model, notes, facts)


def _load_tags(
    collection: Collection,
    model: ModelLike | Vectors,
    tagger: ModelLike | Vectors | None,
    vectors: Vectors,
    options: dict[str, Any],
) -> tuple[Vectors | None, list[str]]:
    """Return the activations of tags, and a sentence where there are none."""
    chosen = choose_tagger(model) if tagger is None else tagger
    if chosen is None:
        names = " or ".join(repr(one.name) for one in models_by_task("tags")[:1])
        return None, [f"No model that gives tags is here to name the dimensions: embviz.pull({names}) fetches one."]
    pooling = "mean" if vectors.times is None else "frames"
    if isinstance(chosen, Vectors) and chosen.times is None:
        pooling = "mean"
    tags = collection.embed(chosen, "output", pooling=pooling, **options)
    if not tags.labels:
        raise OptionError(
            f"A tagger gives a name to each of its outputs; {tags.model} / {tags.layer} has none: name a model with "
            "tags, or make vectors with names=…."
        )
    return tags, []


def choose_tagger(model: ModelLike | Vectors) -> Model | None:
    """Return the model itself where it gives tags, else the first that does and is here."""
    if not isinstance(model, Vectors) and model_task(get_model(model)) == "tags":
        return get_model(model)
    return next((one for one in models_by_task("tags") if has_weights(one)), None)
