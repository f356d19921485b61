"""Contrasts: which dimensions of a layer separate two groups of tracks, and the direction from one to the other.

Conventions: group a is the first, b the second; an effect above 0 is a dimension that is higher in b.
"""

from __future__ import annotations

import html
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.analysis.contrast import contrast_groups
from embviz.analysis.directions import Direction
from embviz.analysis.unit_index import find_dimension
from embviz.core.text import plural
from embviz.errors import CollectionError, OptionError
from embviz.units.groups import Groups, read_groups
from embviz.units.moments import find_moments
from embviz.units.units import Units, find_units

if TYPE_CHECKING:
    import pandas as pd

    from embviz.analysis.contrast import GroupContrast
    from embviz.collection import Collection
    from embviz.core.cache import CacheOption
    from embviz.core.progress import Progress
    from embviz.core.vectors import Vectors
    from embviz.extraction import EngineOption
    from embviz.models import ModelLike
    from embviz.units.moments import Moments

MOST_P = 0.05
SHOWN = 20  # rows in a notebook


@dataclass(frozen=True, eq=False)
class Contrast:
    """What separates two groups of tracks in a layer, as :meth:`embviz.Collection.contrast` returns it.

    Parameters
    ----------
    collection, a, b : Collection
        All tracks, and those of each group.
    vectors : Vectors
        The layer, a point per track.
    table : DataFrame
        A row per dimension, its number as the index, the largest effect first: ``label``; ``name`` (a tag, or empty);
        ``higher_in``, the group where it is higher on average; ``effect`` (Cohen's d: means of b and a apart, in
        standard deviations; above 0 where b is higher), ``low``, ``high`` (95 %, by bootstrap over tracks);
        ``p_corrected`` (for all dimensions: 0.05 at most can be told from chance); ``auc`` (0 … 1: how well this
        dimension alone tells the groups apart on tracks held back, as the area under the ROC curve in
        cross-validation; 0.5 is chance). :attr:`auc` of the contrast is that of all dimensions together.
    direction : Direction
        From a (0) to b (1).
    auc : float
        How well the direction tells the groups apart on tracks held back, 0 … 1; NaN where nothing can be held back.
    units : Units or None
        The units that the names are taken from, for their cards; None without names.
    notes : tuple of str
        Sentences: what was found, what was left out, and what so few tracks cannot show.

    Examples
    --------
    >>> from embviz import Collection, Vectors, sample_audio
    >>> collection = Collection.from_folder(sample_audio()).query("bpm > 0")
    >>> tempi = Vectors.from_array(collection[["bpm"]], collection, names=["bpm"])
    >>> contrast = collection.contrast("bpm < 115", "bpm >= 115", tempi, names=False)
    >>> contrast.moments("bpm", k=1).table["name"].tolist()
    ['metal.ogg']
    """

    collection: Collection
    a: Collection
    b: Collection
    vectors: Vectors
    table: pd.DataFrame
    direction: Direction
    auc: float
    units: Units | None
    notes: tuple[str, ...]
    _source: dict[str, Any] = field(repr=False)

    def moments(self, dimension: int | str, *, k: int = 10, group: str | None = None) -> Moments:
        """Return where a dimension is highest in a group.

        Parameters
        ----------
        dimension : int or str
            Its number, or its label.
        k : int
            Number of moments.
        group : {"a", "b"}, optional
            In which group; by default in the one where it is higher on average.

        Returns
        -------
        Moments

        Raises
        ------
        OptionError
            If there is no such dimension or group, or the dimension is the same in all frames.
        """
        number = find_dimension(self.vectors, dimension)
        if group not in ("a", "b", None):
            raise OptionError(f"group is 'a' or 'b', {group!r:.80} was found.")
        higher = "b" if self.table.loc[number, "effect"] > 0 else "a"
        name = group or higher
        where, end = (self.b, self.direction.ends[1]) if name == "b" else (self.a, self.direction.ends[0])
        found = find_moments(self.collection, **self._source, dimension=number, k=k, where=where)
        return replace(found, title=f"{found.title} in {end if end != name else f'group {name}'}")

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        return "\n".join([f"<{self._summary()}>", *(f"  {note}" for note in self.notes)])

    def _summary(self) -> str:
        a, b = self.direction.ends
        sure = int((self.table["p_corrected"] <= MOST_P).sum())
        auc = "" if math.isnan(self.auc) else f", AUC {self.auc:.2f} on tracks held back"
        groups = f"{a} ({plural(len(self.a), 'track')}) and {b} ({len(self.b):,})"
        found = f"{sure:,} of {plural(len(self), 'dimension')} separate them{auc}"
        return f"Contrast of {groups} in {self.vectors.model} / {self.vectors.layer}: {found}"

    def _repr_html_(self) -> str:
        shown = self.table.head(SHOWN)
        rows = shown.to_html(escape=True, border=0, notebook=True, na_rep="", float_format="{:.3g}".format)
        notes = "".join(f"<div style='opacity:.7'>{html.escape(note)}</div>" for note in self.notes)
        return f"<div><strong>{html.escape(self._summary())}</strong>{notes}{rows}</div>"


def find_contrast(  # noqa: PLR0913  options are given by name
    collection: Collection,
    a: Any,
    b: Any,
    model: ModelLike | Vectors,
    layer: str,
    *,
    names: bool,
    engine: EngineOption,
    cache: CacheOption,
    progress: Progress,
) -> Contrast:
    """Return what separates two groups; see :meth:`embviz.Collection.contrast`."""
    options: dict[str, Any] = {"engine": engine, "cache": cache, "progress": progress}
    vectors = collection.embed(model, layer, **options)
    groups = read_groups(collection, a, b, vectors)
    found = contrast_groups(groups.values, groups.in_b, groups.of)
    if not found.length:
        raise CollectionError("Nothing separates the groups: every dimension is the same in all of their tracks.")
    units = find_units(collection, model, layer, tagger=None, **options) if names else None
    return Contrast(
        collection,
        groups.a,
        groups.b,
        vectors,
        _table(found, vectors, units, groups.ends),
        Direction(found.vector, found.midpoint, found.length, groups.ends, vectors.model, vectors.layer),
        found.total_auc,
        units,
        (*groups.notes, *_notes(found, groups), *(units.notes if units else ())),
        {"model": model, "layer": layer, **options},
    )


def _table(found: GroupContrast, vectors: Vectors, units: Units | None, ends: tuple[str, str]) -> pd.DataFrame:
    import pandas as pd

    d = len(found.effect)
    names = [""] * d if units is None else units.table["name"].tolist()
    figures = {"effect": found.effect, "low": found.low, "high": found.high, "p_corrected": found.p, "auc": found.auc}
    index = pd.RangeIndex(d, name="dimension")
    higher = [ends[int(effect > 0)] if effect else "" for effect in found.effect]
    table = pd.DataFrame({"label": vectors.columns, "name": names, "higher_in": higher, **figures}, index=index)
    return table.sort_values("effect", ascending=False, kind="stable", key=np.abs)


def _notes(found: GroupContrast, groups: Groups) -> list[str]:
    """Return what was found, and what these tracks cannot show."""
    sure, d = int((found.p <= MOST_P).sum()), len(found.p)
    notes = [f"{sure:,} of {plural(d, 'dimension')} separate the groups (p ≤ {MOST_P}, for all dimensions together)."]
    a, b = groups.ends
    notes.append(
        f"The largest effect comes first, whatever its p; above 0 is higher in {b}, below 0 in {a}. auc is that of one "
        "dimension alone, on tracks held back: 0.5 is chance."
    )
    blocks = [len(np.unique(groups.of[groups.in_b == side])) for side in (False, True)]
    ways = math.comb(sum(blocks), blocks[0])
    # Of groups of one size, each way is there twice: once with a for b.
    if (1 + (blocks[0] == blocks[1])) / ways > MOST_P:
        notes.append(
            f"{sum(blocks)} tracks (or artists) can be parted like this in {ways} ways: no dimension can be told from "
            "chance; four or more in each group are needed."
        )
    if not found.folds:
        notes.append("Nothing could be held back: AUC is not known.")
    constant = int((np.ptp(groups.values, axis=0) == 0).sum())
    if constant:
        notes.append(f"The same in all tracks: {plural(constant, 'dimension')}.")
    return notes
